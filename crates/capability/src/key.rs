//! Keys that sign: of channels and of holders.

use std::fmt;

use zeroize::{Zeroize, Zeroizing};

/// An Ed25519 key pair (RFC 8032). Its memory is wiped when it is dropped, and it shows only its
/// public half.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningKey(ed25519_dalek::SigningKey);

/// The purpose of a channel's key, for [`SigningKey::derive`].
pub const CHANNEL_KEY: &str = "stratus channel key v1";

/// The purpose of a holder's key, for [`SigningKey::derive`].
pub const HOLDER_KEY: &str = "stratus holder key v1";

impl SigningKey {
    /// The key pair that a secret seed, a purpose ([`CHANNEL_KEY`] or [`HOLDER_KEY`]) and an id
    /// give: BLAKE3 in its key derivation mode, with the purpose as context, over seed and id.
    pub fn derive(seed: &[u8; 32], purpose: &str, id: &[u8; 16]) -> Self {
        let mut material = Zeroizing::new([0; 48]);
        material[..32].copy_from_slice(seed);
        material[32..].copy_from_slice(id);
        let mut secret = blake3::derive_key(purpose, &*material);
        let key = Self::from_bytes(&secret);
        secret.zeroize();
        key
    }

    /// The key pair of these 32 secret bytes.
    pub fn from_bytes(secret: &[u8; 32]) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(secret))
    }

    /// The public half.
    pub fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }

    /// The signature of a message.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        ed25519_dalek::Signer::sign(&self.0, message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let public = self.public();
        write!(
            f,
            "SigningKey(of {:02x}{:02x}{:02x}…)",
            public[0], public[1], public[2]
        )
    }
}

/// A public key that signatures are checked with.
pub(crate) struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// The key, unless the bytes are no point of the curve, not the one encoding of it, or a weak
    /// one, for which signatures can be made that fit any message.
    pub(crate) fn new(bytes: &[u8; 32]) -> Option<Self> {
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).ok()?;
        let one_form = key.to_edwards().compress().as_bytes() == bytes;
        (one_form && !key.is_weak()).then_some(Self(key))
    }

    /// Whether the signature is this key's over the message, by the strict rules.
    pub(crate) fn accepts(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        let signature = ed25519_dalek::Signature::from_bytes(signature);
        self.0.verify_strict(message, &signature).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex<const N: usize>(text: &str) -> [u8; N] {
        let byte = |at: usize| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).unwrap();
        std::array::from_fn(byte)
    }

    /// RFC 8032 section 7.1, tests 1 to 3.
    #[test]
    fn signs_as_published() {
        for (secret, public, message, signature) in [
            (
                "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
                "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
                &[][..],
                "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bac\
                 c61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
            ),
            (
                "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
                "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
                &[0x72],
                "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e\
                 458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
            ),
            (
                "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
                "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
                &[0xaf, 0x82],
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290\
                 ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
        ] {
            let key = SigningKey::from_bytes(&hex(secret));
            assert_eq!(key.public(), hex(public));
            assert_eq!(key.sign(message), hex(signature));
            assert!(
                VerifyingKey::new(&key.public())
                    .unwrap()
                    .accepts(message, &hex(signature))
            );
            assert!(
                !VerifyingKey::new(&key.public())
                    .unwrap()
                    .accepts(b"else", &hex(signature))
            );
        }
    }

    #[test]
    fn another_seed_purpose_or_id_gives_another_key() {
        let key = SigningKey::derive(&[1; 32], CHANNEL_KEY, &[2; 16]);
        assert_eq!(key, SigningKey::derive(&[1; 32], CHANNEL_KEY, &[2; 16]));
        assert_ne!(key, SigningKey::derive(&[3; 32], CHANNEL_KEY, &[2; 16]));
        assert_ne!(key, SigningKey::derive(&[1; 32], HOLDER_KEY, &[2; 16]));
        assert_ne!(key, SigningKey::derive(&[1; 32], CHANNEL_KEY, &[3; 16]));
    }

    #[test]
    fn debug_tells_no_secret() {
        let shown = format!("{:?}", SigningKey::from_bytes(&[0xab; 32]));
        assert!(
            shown.starts_with("SigningKey(of ") && !shown.contains("abab"),
            "{shown}"
        );
    }

    /// The eight points of small order, and encodings of points that are not the one form.
    #[test]
    fn weak_and_odd_keys_are_refused() {
        for text in [
            "0100000000000000000000000000000000000000000000000000000000000000",
            "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0000000000000000000000000000000000000000000000000000000000000000",
            "0000000000000000000000000000000000000000000000000000000000000080",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
            "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
            "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa",
            "0100000000000000000000000000000000000000000000000000000000000080",
            "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
            "0200000000000000000000000000000000000000000000000000000000000000",
        ] {
            assert!(VerifyingKey::new(&hex(text)).is_none(), "{text}");
        }
    }
}
