//! The link of an invite: what one person gives another so that they can pair.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use stratus_capability::HolderKey;
use stratus_event::{
    Fault, Name, Timestamp, Whose,
    codec::{self, CodecError, Fields, Item, Limits, Record},
};

use crate::{
    Invite, NodeId, explain,
    message::{ADDRESS_BYTES_MAX, ADDRESSES_MAX},
};

/// An invite as it travels: `stratus:` and base64url of deterministic CBOR and four bytes of
/// checksum.
///
/// Who has the link can use it, so it is a secret; its debug form leaves the secret out. Roles and
/// events are told from the inviting PEN's side, as in [`Invite`].
#[derive(Clone, PartialEq, Eq)]
pub struct InviteLink {
    /// The inviting node.
    pub node: NodeId,
    /// Where it can be reached; at most 16.
    pub addresses: Vec<String>,
    /// The invite's id.
    pub invite: [u8; 16],
    /// Knowing it is the consent.
    pub secret: [u8; 32],
    /// When the invite ends, in whole seconds (what is below is cut off).
    pub expires: Timestamp,
    /// The part that the inviting PEN plays.
    pub role_inviter: String,
    /// The part that the redeeming PEN plays.
    pub role_redeemer: String,
    /// Events that the redeemer may send to the inviting PEN; `*` stands for any.
    pub offered: Vec<(Name, Name)>,
    /// Events that the redeemer lets the inviting PEN send; `*` stands for any.
    pub wanted: Vec<(Name, Name)>,
    /// What the inviting PEN calls itself.
    pub label: String,
}

impl InviteLink {
    /// The link of an invite that this node makes. The invite's own `link` is not looked at.
    /// Addresses above the bounds are left out; roles and label have at most 256 bytes.
    pub fn new(invite: &Invite, node: NodeId, mut addresses: Vec<String>, label: String) -> Self {
        addresses.retain(|address| address.len() <= ADDRESS_BYTES_MAX);
        addresses.truncate(ADDRESSES_MAX);
        Self {
            node,
            addresses,
            invite: invite.id,
            secret: invite.secret,
            expires: Timestamp(invite.expires.0.max(0) / 1000 * 1000),
            role_inviter: invite.role_mine.clone(),
            role_redeemer: invite.role_theirs.clone(),
            offered: invite.offered.clone(),
            wanted: invite.wanted.clone(),
            label,
        }
    }

    /// Reads a link. White space is passed over, because mail programs break long lines.
    ///
    /// Fails with `invite-malformed`, `invite-altered` (the checksum is wrong) or `invite-version`.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let payload = payload(text)?;
        read(&payload).map_err(|error| match error {
            ReadError::Codec(error) => explain_with("invite-malformed", &error.to_string()),
            ReadError::Version => explain("invite-version"),
        })
    }

    /// The link as text: `stratus:…`. It holds the secret.
    pub fn text(&self) -> String {
        let mut bytes = self.payload();
        let checksum = checksum(&bytes);
        bytes.extend(checksum);
        format!("{SCHEME}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What using the invite grants to whom, in a sentence.
    pub fn sentence(&self) -> String {
        format!(
            "“{}” (node {}) invites you as {}: you may send {}, and as {} it may send you {}; \
             use it before {}",
            self.label,
            self.node,
            self.role_redeemer,
            symbols(&self.offered),
            self.role_inviter,
            symbols(&self.wanted),
            self.expires
        )
    }

    /// Whether this node may try it: `invite-expired` if it has ended by this node's clock,
    /// `invite-foreign` if this very node made it.
    pub fn usable(&self, now: Timestamp, node: NodeId) -> Result<(), Fault> {
        if self.node == node {
            let message = "the invite was made by this very node; it is for somebody else";
            return Err(
                Fault::new(Whose::Caller, "invite-foreign", message).hint("give it to the partner")
            );
        }
        if now > self.expires {
            return Err(explain("invite-expired"));
        }
        Ok(())
    }

    /// The hash of all that the link says. Both ends compare it, so an altered link is refused.
    pub(crate) fn hash(&self) -> [u8; 32] {
        Sha256::new_with_prefix("stratus invite v1")
            .chain_update(self.payload())
            .finalize()
            .into()
    }

    fn payload(&self) -> Vec<u8> {
        let record = Record::new()
            .with(0, LINK_VERSION)
            .with(1, self.node.0)
            .with_list(2, self.addresses.iter().map(String::as_str))
            .with(3, self.invite)
            .with(4, self.secret)
            .with(5, self.expires.seconds())
            .with(6, self.role_inviter.as_str())
            .with(7, self.role_redeemer.as_str())
            .with_list(8, self.offered.iter().map(pair))
            .with_list(9, self.wanted.iter().map(pair))
            .with(10, self.label.as_str());
        codec::encode(&record.into())
    }
}

impl fmt::Debug for InviteLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InviteLink")
            .field("node", &self.node)
            .field("addresses", &self.addresses)
            .field("expires", &self.expires)
            .field("role_inviter", &self.role_inviter)
            .field("role_redeemer", &self.role_redeemer)
            .field("offered", &self.offered)
            .field("wanted", &self.wanted)
            .field("label", &self.label)
            .finish_non_exhaustive()
    }
}

/// What a redeemer proves: that it knows the secret, on this stream, for this key and this link.
pub(crate) struct Claim {
    pub(crate) link: [u8; 32],
    pub(crate) redeemer: NodeId,
    pub(crate) inviter: NodeId,
    pub(crate) redeemer_nonce: [u8; 32],
    pub(crate) inviter_nonce: [u8; 32],
    pub(crate) holder: HolderKey,
}

impl Claim {
    pub(crate) fn prove(&self, secret: &[u8; 32]) -> [u8; 32] {
        self.code(secret)
            .map_or([0; 32], |code| code.finalize().into_bytes().into())
    }

    /// Takes the same time whatever is wrong.
    pub(crate) fn check(&self, secret: &[u8; 32], proof: &[u8; 32]) -> bool {
        self.code(secret)
            .is_some_and(|code| code.verify_slice(proof).is_ok())
    }

    /// There is always one: a key of any length will do for HMAC.
    fn code(&self, secret: &[u8; 32]) -> Option<Hmac<Sha256>> {
        let code = <Hmac<Sha256> as KeyInit>::new_from_slice(secret).ok()?;
        Some(
            code.chain_update("stratus redeem v1")
                .chain_update(self.link)
                .chain_update(self.redeemer.0)
                .chain_update(self.inviter.0)
                .chain_update(self.redeemer_nonce)
                .chain_update(self.inviter_nonce)
                .chain_update(self.holder.0),
        )
    }
}

enum ReadError {
    Codec(CodecError),
    Version,
}

impl From<CodecError> for ReadError {
    fn from(error: CodecError) -> Self {
        Self::Codec(error)
    }
}

/// The CBOR of a link, with its checksum checked.
fn payload(text: &str) -> Result<Vec<u8>, Fault> {
    if text.len() > LINK_BYTES_MAX {
        return Err(explain_with("invite-malformed", "it is too long"));
    }
    let text: String = text.chars().filter(|c| !c.is_ascii_whitespace()).collect();
    let digits = text
        .strip_prefix(SCHEME)
        .ok_or_else(|| explain("invite-malformed"))?;
    let mut bytes = URL_SAFE_NO_PAD
        .decode(digits)
        .map_err(|_| explain("invite-altered"))?;
    let length = bytes.len().checked_sub(CHECKSUM_BYTES);
    let sum = bytes.split_off(length.ok_or_else(|| explain("invite-altered"))?);
    if checksum(&bytes)[..] != sum[..] {
        return Err(explain("invite-altered"));
    }
    Ok(bytes)
}

fn read(payload: &[u8]) -> Result<InviteLink, ReadError> {
    let limits = Limits {
        bytes_max: LINK_BYTES_MAX,
        depth_max: 3,
        items_max: LINK_BYTES_MAX,
        tags: &[],
    };
    let mut fields = Fields::new(codec::decode(payload, &limits)?, "an invite")?;
    // A later version may have other fields, so the version is looked at first.
    if fields.read::<u64>(0)? != LINK_VERSION {
        return Err(ReadError::Version);
    }
    let link = InviteLink {
        node: NodeId(fields.read(1)?),
        addresses: read_addresses(&mut fields)?,
        invite: fields.read(3)?,
        secret: fields.read(4)?,
        expires: read_expiry(&mut fields)?,
        role_inviter: read_words(&mut fields, 6)?,
        role_redeemer: read_words(&mut fields, 7)?,
        offered: read_symbols(&mut fields, 8)?,
        wanted: read_symbols(&mut fields, 9)?,
        label: read_words(&mut fields, 10)?,
    };
    fields.finish()?;
    Ok(link)
}

fn read_addresses(fields: &mut Fields) -> Result<Vec<String>, CodecError> {
    let addresses = fields.read_list::<String>(2)?;
    let short = addresses
        .iter()
        .all(|address| address.len() <= ADDRESS_BYTES_MAX);
    if short && addresses.len() <= ADDRESSES_MAX {
        return Ok(addresses);
    }
    Err(CodecError::Mismatch {
        expected: "a few short addresses",
    })
}

fn read_words(fields: &mut Fields, key: i64) -> Result<String, CodecError> {
    let words: String = fields.read(key)?;
    if words.len() <= WORDS_BYTES_MAX && !words.chars().any(char::is_control) {
        return Ok(words);
    }
    Err(CodecError::Mismatch {
        expected: "a few words",
    })
}

fn read_expiry(fields: &mut Fields) -> Result<Timestamp, CodecError> {
    let milliseconds = i64::try_from(fields.read::<u64>(5)?)
        .ok()
        .and_then(|s| s.checked_mul(1000));
    milliseconds.map(Timestamp).ok_or(CodecError::Mismatch {
        expected: "a time in seconds",
    })
}

fn read_symbols(fields: &mut Fields, key: i64) -> Result<Vec<(Name, Name)>, CodecError> {
    let pairs = fields.required(key)?.into_list()?.into_iter();
    let read = |item: Item| {
        let [domain, kind] = item.into_array()?;
        Ok((domain.try_into()?, kind.try_into()?))
    };
    pairs.map(read).collect()
}

fn pair((domain, kind): &(Name, Name)) -> Item {
    Item::List(vec![domain.into(), kind.into()])
}

fn symbols(pairs: &[(Name, Name)]) -> String {
    if pairs.is_empty() {
        return "nothing".into();
    }
    let words: Vec<_> = pairs
        .iter()
        .map(|(domain, kind)| format!("{domain}:{kind}"))
        .collect();
    words.join(", ")
}

fn checksum(payload: &[u8]) -> [u8; CHECKSUM_BYTES] {
    let hash: [u8; 32] = Sha256::new_with_prefix("stratus invite checksum v1")
        .chain_update(payload)
        .finalize()
        .into();
    [hash[0], hash[1], hash[2], hash[3]]
}

fn explain_with(code: &'static str, detail: &str) -> Fault {
    let mut fault = explain(code);
    fault.message = format!("{}: {detail}", fault.message);
    fault
}

/// The longest link, in bytes of text.
pub const LINK_BYTES_MAX: usize = 16_384;

const CHECKSUM_BYTES: usize = 4;
const LINK_VERSION: u64 = 1;
const SCHEME: &str = "stratus:";

/// The longest role and the longest label, in bytes.
const WORDS_BYTES_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> InviteLink {
        let name = |text| Name::new(text).unwrap();
        InviteLink {
            node: NodeId([7; 32]),
            addresses: vec!["/ip4/127.0.0.1/tcp/4001".into()],
            invite: [1; 16],
            secret: [0xab; 32],
            expires: Timestamp(1_800_000_000_000),
            role_inviter: "class".into(),
            role_redeemer: "assistant".into(),
            offered: vec![(name("schedule"), name("claim"))],
            wanted: vec![
                (name("schedule"), name("inquiry")),
                (name("notification"), name("*")),
            ],
            label: "Class 101".into(),
        }
    }

    fn code(text: &str) -> String {
        InviteLink::parse(text).unwrap_err().code.into_owned()
    }

    /// The payload's text with a right checksum.
    fn sealed(payload: &[u8]) -> String {
        let bytes = [payload, &checksum(payload)].concat();
        format!("{SCHEME}{}", URL_SAFE_NO_PAD.encode(bytes))
    }

    #[test]
    fn text_and_back() {
        let text = link().text();
        assert_eq!(InviteLink::parse(&text), Ok(link()));
        let broken: String = text.chars().flat_map(|c| [c, '\n']).collect();
        assert_eq!(InviteLink::parse(&format!(" {broken}")), Ok(link()));
    }

    /// The largest scopes, by the bounds of grants, and all else at its bound.
    #[test]
    fn the_largest_link_can_be_read() {
        let mut large = link();
        let symbols: Vec<_> = (0..40)
            .map(|n| Name::new(&format!("{n:020}")).unwrap())
            .collect();
        large.offered = symbols
            .iter()
            .map(|name| (name.clone(), name.clone()))
            .collect();
        large.wanted = large.offered.clone();
        large.addresses = vec!["a".repeat(ADDRESS_BYTES_MAX); ADDRESSES_MAX];
        for words in [
            &mut large.role_inviter,
            &mut large.role_redeemer,
            &mut large.label,
        ] {
            *words = "w".repeat(WORDS_BYTES_MAX);
        }
        assert_eq!(InviteLink::parse(&large.text()), Ok(large));
    }

    #[test]
    fn every_altered_character_is_found() {
        let text = link().text();
        for at in SCHEME.len()..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            assert_eq!(
                code(&String::from_utf8(bytes).unwrap()),
                "invite-altered",
                "{at}"
            );
            assert_eq!(code(&text[..at]), "invite-altered", "{at}");
        }
    }

    #[test]
    fn what_is_no_invite_is_refused() {
        assert_eq!(code(""), "invite-malformed");
        assert_eq!(code("https://example.org"), "invite-malformed");
        assert_eq!(code(&"s".repeat(LINK_BYTES_MAX + 1)), "invite-malformed");
        assert_eq!(code(&sealed(b"")), "invite-malformed");
        assert_eq!(code(&sealed(&[0xa0])), "invite-malformed");
        assert_eq!(code(&sealed(&[0xa1, 0x00, 0x02])), "invite-version");
        let mut wordy = link();
        wordy.label = "x".repeat(WORDS_BYTES_MAX + 1);
        assert_eq!(code(&wordy.text()), "invite-malformed");
        let mut many = link();
        many.addresses = vec![String::new(); ADDRESSES_MAX + 1];
        assert_eq!(code(&many.text()), "invite-malformed");
    }

    #[test]
    fn the_hash_covers_every_field() {
        let alter: [fn(&mut InviteLink); 10] = [
            |link| link.node.0[0] ^= 1,
            |link| link.addresses.clear(),
            |link| link.invite[0] ^= 1,
            |link| link.secret[0] ^= 1,
            |link| link.expires.0 += 1000,
            |link| link.role_inviter.push('x'),
            |link| link.role_redeemer.push('x'),
            |link| link.offered.clear(),
            |link| link.wanted.clear(),
            |link| link.label.push('x'),
        ];
        for alter in alter {
            let mut altered = link();
            alter(&mut altered);
            assert_ne!(altered.hash(), link().hash());
        }
    }

    #[test]
    fn the_sentence_says_who_may_what() {
        contains_all(
            &link().sentence(),
            &[
                "Class 101",
                "as assistant: you may send schedule:claim",
                "as class it may send you schedule:inquiry, notification:*",
                "2027-01-15T08:00:00.000Z",
            ],
        );
    }

    fn contains_all(text: &str, parts: &[&str]) {
        for part in parts {
            assert!(text.contains(part), "{part} is not in {text}");
        }
    }

    #[test]
    fn an_own_or_expired_invite_is_not_usable() {
        let usable = |now, node| link().usable(Timestamp(now), NodeId(node));
        assert_eq!(usable(1_800_000_000_000, [1; 32]), Ok(()));
        assert_eq!(
            usable(1_800_000_000_001, [1; 32]).unwrap_err().code,
            "invite-expired"
        );
        assert_eq!(usable(0, [7; 32]).unwrap_err().code, "invite-foreign");
    }

    #[test]
    fn debug_keeps_the_secret() {
        let text = format!("{:?}", link());
        assert!(
            !text.contains("171") && !text.to_lowercase().contains("abab"),
            "{text}"
        );
    }
}
