//! `COSE_Sign1` with Ed25519 (RFC 9052 section 4.2, RFC 9864), in the one form that grants have.

use stratus_event::{
    Eci,
    codec::{self, CodecError, Fields, Item, Limits, Record},
};

use crate::{GrantError, SigningKey, grant::GRANT_BYTES_MAX, key::VerifyingKey};

/// A signed message, taken apart and not yet verified.
pub(crate) struct Sign1 {
    /// Whose signature it should be: the `kid`.
    pub(crate) issuer: Eci,
    protected: Vec<u8>,
    /// What is signed.
    pub(crate) payload: Vec<u8>,
    signature: [u8; 64],
}

impl Sign1 {
    /// Takes the bytes apart, and checks everything but the signature and the payload.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, GrantError> {
        if bytes.len() > GRANT_BYTES_MAX {
            return Err(GrantError::TooLarge {
                bytes_max: GRANT_BYTES_MAX,
            });
        }
        let parts = codec::decode(bytes, &LIMITS)?.into_tagged(COSE_SIGN1)?;
        let [protected, unprotected, payload, signature] = parts.into_array()?;
        if !unprotected.into_map()?.is_empty() {
            return Err(CodecError::FieldUnknown {
                what: "the unprotected header",
            }
            .into());
        }
        let protected = Vec::try_from(protected)?;
        let issuer = issuer(&protected)?;
        let (payload, signature) = (payload.try_into()?, signature.try_into()?);
        Ok(Self {
            issuer,
            protected,
            payload,
            signature,
        })
    }

    /// The bytes of a signed message.
    pub(crate) fn write(key: &SigningKey, payload: Vec<u8>) -> Vec<u8> {
        let protected: Item = Record::new()
            .with(ALGORITHM, ED25519)
            .with(KEY_ID, key.public())
            .with(TYPE, GRANT_TYPE)
            .into();
        let protected = codec::encode(&protected);
        let signature = key.sign(&signed(&protected, &payload));
        let unprotected = Item::Map(Vec::new());
        let parts = vec![
            protected.into(),
            unprotected,
            payload.into(),
            signature.into(),
        ];
        codec::encode(&Item::tagged(COSE_SIGN1, parts))
    }

    /// Checks the signature, over the bytes as they were received.
    pub(crate) fn verify(&self) -> Result<(), GrantError> {
        let key = VerifyingKey::new(&self.issuer.0).ok_or(GrantError::Key)?;
        let signed = signed(&self.protected, &self.payload);
        if key.accepts(&signed, &self.signature) {
            Ok(())
        } else {
            Err(GrantError::Signature)
        }
    }
}

/// Reads the protected header: the algorithm, the key and the type, and nothing else.
fn issuer(protected: &[u8]) -> Result<Eci, GrantError> {
    let mut header = Fields::new(codec::decode(protected, &LIMITS)?, "the protected header")?;
    let algorithm = header.required(ALGORITHM)?;
    let issuer = header.read(KEY_ID)?;
    let kind = header.required(TYPE)?;
    header.finish()?;
    if algorithm.as_integer() != Some(ED25519) || kind.as_text() != Some(GRANT_TYPE) {
        return Err(GrantError::Type);
    }
    Ok(issuer)
}

/// What is signed: the `Sig_structure` of RFC 9052 section 4.4.
fn signed(protected: &[u8], payload: &[u8]) -> Vec<u8> {
    let context = Item::text("Signature1");
    let external = Item::bytes([]);
    codec::encode(&Item::List(vec![
        context,
        protected.into(),
        external,
        payload.into(),
    ]))
}

/// The type of a grant (RFC 9596); it decides the algorithm and the claims.
const GRANT_TYPE: &str = "stratus-grant+cwt";

/// The tag of a `COSE_Sign1` (RFC 9052 section 2).
const COSE_SIGN1: u64 = 18;

/// Header parameters (RFC 9052 section 3.1, RFC 9596).
const ALGORITHM: i64 = 1;
const KEY_ID: i64 = 4;
const TYPE: i64 = 16;

/// The algorithm Ed25519, fully specified (RFC 9864).
const ED25519: i64 = -19;

const LIMITS: Limits = Limits {
    bytes_max: GRANT_BYTES_MAX,
    depth_max: 3,
    items_max: 8,
    tags: &[COSE_SIGN1],
};
