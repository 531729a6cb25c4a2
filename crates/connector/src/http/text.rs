//! The text of a ruleset, from its address.

use reqwest::{Url, redirect};
use stratus_event::{Fault, Whose};

use super::{Http, trouble::Trouble};

impl Http {
    /// The text that stands at an address within the bounds of every answer. The address must be
    /// of `https`, or of `http` on this very computer, and so must be those that it sends on to:
    /// `fetch-insecure`. Anything but a text with a status of success is `fetch-refused`.
    pub async fn text(&self, address: &str) -> Result<String, Fault> {
        let url = Url::parse(address).map_err(|error| Trouble::Wrong.fault(&error.to_string()))?;
        if !is_secure(&url) {
            return Err(insecure(&url));
        }
        let response = self.fetching.get(url).send().await;
        let response = response.map_err(|error| Trouble::of(&error).0)?;
        let status = response.status();
        if !status.is_success() {
            return Err(refused(&format!("the answer is {status}")));
        }
        let answer = self.read(response).await?;
        String::from_utf8(answer.content).map_err(|_| refused("the answer is no text in UTF-8"))
    }
}

/// Goes only where nobody on the way can change the text.
pub(super) fn securely(redirects_max: usize) -> redirect::Policy {
    redirect::Policy::custom(move |attempt| {
        if attempt.previous().len() > redirects_max {
            attempt.error("it is sent elsewhere too often")
        } else if is_secure(attempt.url()) {
            attempt.follow()
        } else {
            attempt.error("it is sent where others could change the text")
        }
    })
}

/// Whether nobody on the way can change what is answered.
fn is_secure(url: &Url) -> bool {
    let is_here = |host: &str| matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    match url.scheme() {
        "https" => true,
        "http" => url.host_str().is_some_and(is_here),
        _ => false,
    }
}

fn insecure(url: &Url) -> Fault {
    let message = format!(
        "a ruleset is fetched by https, or by http from this computer, not by {} from {}",
        url.scheme(),
        url.host_str().unwrap_or("nowhere")
    );
    Fault::new(Whose::Caller, "fetch-insecure", message)
        .hint("use an https address, or install the file")
}

fn refused(reason: &str) -> Fault {
    Fault::new(Whose::World, "fetch-refused", reason.to_owned()).hint("look at the address")
}
