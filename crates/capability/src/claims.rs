//! Terms as the claims of a CBOR web token (RFC 8392, RFC 8747, RFC 9237).

use stratus_event::codec::{self, CodecError, Fields, Item, Limits, Record};

use crate::{
    GrantError, GrantId, HolderKey, Rate, Terms, grant::GRANT_BYTES_MAX, key::VerifyingKey,
    scope::SCOPE_BYTES_MAX,
};

/// The claims that say these terms.
pub(crate) fn write(terms: &Terms) -> Vec<u8> {
    let rate = [
        terms.rate.burst,
        terms.rate.per_minute,
        terms.event_bytes_max,
    ];
    let claims = Record::new()
        .with(EXPIRES, terms.expires)
        .with(ISSUED, terms.issued)
        .with(ID, terms.id.0)
        .with(CONFIRMATION, confirmation(terms.holder))
        .with(SCOPE, codec::encode(&(&terms.scope).into()))
        .with_list(RATE, rate)
        .with(GENERATION, terms.generation)
        .with(DEPTH, terms.depth);
    codec::encode(&claims.into())
}

/// The terms that the claims say.
pub(crate) fn read(payload: &[u8]) -> Result<Terms, GrantError> {
    let mut claims = Fields::new(codec::decode(payload, &LIMITS)?, "the claims")?;
    // The parent of a grant that was handed on.
    if claims.optional(PARENT).is_some() {
        return Err(GrantError::Delegated);
    }
    let scope: Vec<u8> = claims.read(SCOPE)?;
    let [burst, per_minute, event_bytes_max] = claims.required(RATE)?.into_array()?;
    let terms = Terms {
        id: GrantId(claims.read(ID)?),
        holder: holder(claims.required(CONFIRMATION)?)?,
        scope: codec::decode(&scope, &SCOPE_LIMITS)?.try_into()?,
        issued: claims.read(ISSUED)?,
        expires: claims.read(EXPIRES)?,
        rate: Rate {
            burst: burst.try_into()?,
            per_minute: per_minute.try_into()?,
        },
        event_bytes_max: event_bytes_max.try_into()?,
        generation: claims.read(GENERATION)?,
        depth: claims.read(DEPTH)?,
    };
    claims.finish()?;
    check(&terms)?;
    Ok(terms)
}

fn check(terms: &Terms) -> Result<(), GrantError> {
    if terms.depth != 0 {
        return Err(GrantError::Delegated);
    }
    if terms.expires <= terms.issued {
        return Err(CodecError::Mismatch {
            expected: "an end after the beginning",
        }
        .into());
    }
    VerifyingKey::new(&terms.holder.0).ok_or(GrantError::Key)?;
    Ok(())
}

/// `{1: COSE_Key}`, an Ed25519 key (RFC 8747 section 3.2, RFC 9053 section 7.2).
fn confirmation(holder: HolderKey) -> Item {
    let key = Record::new()
        .with(KEY_TYPE, OKP)
        .with(CURVE, ED25519)
        .with(X, holder.0);
    Record::new().with(COSE_KEY, key).into()
}

fn holder(item: Item) -> Result<HolderKey, CodecError> {
    let mut confirmation = Fields::new(item, "the confirmation")?;
    let mut key = Fields::new(confirmation.required(COSE_KEY)?, "the holder's key")?;
    confirmation.finish()?;
    let (kind, curve): (u64, u64) = (key.read(KEY_TYPE)?, key.read(CURVE)?);
    let x = key.read(X)?;
    key.finish()?;
    if (kind, curve) != (OKP, ED25519) {
        return Err(CodecError::Mismatch {
            expected: "an Ed25519 key",
        });
    }
    Ok(HolderKey(x))
}

/// Claims of RFC 8392 section 3, RFC 8747 and RFC 9200 section 5.8.1.
const EXPIRES: i64 = 4;
const ISSUED: i64 = 6;
const ID: i64 = 7;
const CONFIRMATION: i64 = 8;
const SCOPE: i64 = 9;
/// Claims of our own, in the range for private use.
const RATE: i64 = -70_001;
const GENERATION: i64 = -70_002;
const DEPTH: i64 = -70_003;
const PARENT: i64 = -70_004;

/// The confirmation method that is a key.
const COSE_KEY: i64 = 1;
/// Key parameters, and the values for an octet key pair on the curve Ed25519.
const KEY_TYPE: i64 = 1;
const CURVE: i64 = -1;
const X: i64 = -2;
const OKP: u64 = 1;
const ED25519: u64 = 6;

const LIMITS: Limits = Limits {
    bytes_max: GRANT_BYTES_MAX,
    depth_max: 3,
    items_max: 32,
    tags: &[],
};

const SCOPE_LIMITS: Limits = Limits {
    bytes_max: SCOPE_BYTES_MAX,
    depth_max: 6,
    items_max: SCOPE_BYTES_MAX,
    tags: &[],
};
