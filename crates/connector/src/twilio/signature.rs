//! How the service signs the requests that it sends to a node.
//!
//! <https://www.twilio.com/docs/usage/security>, "Validating Signatures from Twilio": HMAC-SHA1
//! with the account's secret, over the address as the service was told it, followed by the name
//! and the value of each parameter of the form, sorted by name; in base64.

use base64::{Engine, prelude::BASE64_STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;

/// What the header `X-Twilio-Signature` of a request with that form should say.
pub fn webhook_signature(auth_token: &str, url: &str, form: &[(String, String)]) -> String {
    let mac = mac(auth_token, url, form);
    mac.map_or_else(String::new, |mac| {
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    })
}

/// Whether that is what it says. Takes the same time wherever the difference is.
pub fn webhook_signature_fits(
    auth_token: &str,
    url: &str,
    form: &[(String, String)],
    signature: &str,
) -> bool {
    let Ok(signature) = BASE64_STANDARD.decode(signature) else {
        return false;
    };
    mac(auth_token, url, form).is_some_and(|mac| mac.verify_slice(&signature).is_ok())
}

/// Always there: HMAC takes keys of any length.
fn mac(auth_token: &str, url: &str, form: &[(String, String)]) -> Option<Hmac<Sha1>> {
    let mut mac = Hmac::<Sha1>::new_from_slice(auth_token.as_bytes()).ok()?;
    mac.update(url.as_bytes());
    let mut sorted: Vec<_> = form.iter().collect();
    sorted.sort();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    Some(mac)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOKEN: &str = "12345";
    const URL: &str = "https://mycompany.com/myapp.php?foo=1&bar=2";

    /// Signatures computed with Python's `hmac` module.
    fn check(token: &str, url: &str, form: &[(&str, &str)], expected: &str) {
        let form: Vec<_> = form
            .iter()
            .map(|(k, v)| ((*k).into(), (*v).into()))
            .collect();
        assert_eq!(webhook_signature(token, url, &form), expected);
        assert!(webhook_signature_fits(token, url, &form, expected));
        assert!(!webhook_signature_fits("other", url, &form, expected));
        assert!(!webhook_signature_fits(
            token,
            "https://other",
            &form,
            expected
        ));
        for broken in ["", "!", &expected[1..], &expected[..24]] {
            assert!(
                !webhook_signature_fits(token, url, &form, broken),
                "{broken}"
            );
        }
        let more: Vec<_> = form.into_iter().chain([("x".into(), "y".into())]).collect();
        assert!(!webhook_signature_fits(token, url, &more, expected));
    }

    #[test]
    fn signs_as_the_service_does() {
        check(
            TOKEN,
            URL,
            &[
                ("CallSid", "CA1234567890ABCDE"),
                ("Caller", "+14158675309"),
                ("Digits", "1234"),
                ("From", "+14158675309"),
                ("To", "+18005551212"),
            ],
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        );
        check(
            TOKEN,
            URL,
            &[
                ("To", "+18005551212"),
                ("From", "+14158675309"),
                ("Digits", "1234"),
                ("Caller", "+14158675309"),
                ("CallSid", "CA1234567890ABCDE"),
            ],
            "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
        );
        check("", URL, &[], "t5xDBY6aFLdRIWN5NLeL/ANHa6A=");
        check(
            "secret",
            "http://127.0.0.1:8080/sms",
            &[
                ("Body", "Zoë sagt: ja & nein"),
                ("From", "+491701234567"),
                ("MessageSid", "SM1"),
            ],
            "eObPSZNG7UWinRT06q3ZkEOm9bo=",
        );
    }
}
