//! Event channel identifiers.

use std::fmt;

/// The identifier of a channel: its Ed25519 public key, written as did:key (`z6Mk…`).
///
/// The bytes are not checked to be a point of the curve; that happens where a signature is.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Eci(pub [u8; 32]);

/// The multicodec of an Ed25519 public key, as a varint.
const ED25519_MULTICODEC: [u8; 2] = [0xed, 0x01];

impl fmt::Display for Eci {
    /// The did:key identifier without its `did:key:` prefix: multibase base58btc of the multicodec
    /// and the key.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = [0; 34];
        bytes[..2].copy_from_slice(&ED25519_MULTICODEC);
        bytes[2..].copy_from_slice(&self.0);
        write!(f, "z{}", bs58::encode(bytes).into_string())
    }
}

impl fmt::Debug for Eci {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Eci({self})")
    }
}

impl std::str::FromStr for Eci {
    type Err = EciError;

    /// Reads `z6Mk…`, with or without `did:key:` before it.
    fn from_str(text: &str) -> Result<Self, EciError> {
        let key = text.strip_prefix("did:key:").unwrap_or(text);
        let digits = key.strip_prefix('z').ok_or(EciError)?;
        // A longer text cannot be a key; the limit comes before the arithmetic.
        if digits.len() > 64 {
            return Err(EciError);
        }
        let bytes = bs58::decode(digits).into_vec().map_err(|_| EciError)?;
        let key = bytes.strip_prefix(&ED25519_MULTICODEC).ok_or(EciError)?;
        key.try_into().map(Self).map_err(|_| EciError)
    }
}

/// The text is not the did:key of an Ed25519 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an ECI is written as z6Mk… (did:key of an Ed25519 key)")]
pub struct EciError;

#[cfg(test)]
mod tests {
    use super::*;

    /// From the did:key method specification's Ed25519 test vectors.
    #[test]
    fn reads_a_published_did_key() {
        let text = "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp";
        let eci: Eci = text.parse().unwrap();
        assert_eq!(eci.0[..4], [0x3b, 0x6a, 0x27, 0xbc]);
        assert_eq!(eci.to_string(), text);
        assert_eq!(format!("did:key:{text}").parse(), Ok(eci));
    }

    #[test]
    fn refuses_what_is_not_a_key() {
        for text in [
            "",
            "z",
            "z6Mk",
            "6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp",
            "z0OIl",
        ] {
            assert_eq!(text.parse::<Eci>(), Err(EciError), "{text}");
        }
        assert_eq!(
            format!("z{}", "1".repeat(1 << 20)).parse::<Eci>(),
            Err(EciError)
        );
    }
}
