//! What a grant permits.

use std::collections::BTreeMap;

use stratus_event::{
    Fault, Map, Name, Value, Whose,
    codec::{self, CodecError, Item},
};

/// What a grant permits: whatever one of its permits permits. Permits are tried one after another
/// against the event; scopes are never compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope(Vec<Permit>);

/// The most bytes that a scope's encoding may have, so that a grant fits
/// [`GRANT_BYTES_MAX`](crate::GRANT_BYTES_MAX).
pub const SCOPE_BYTES_MAX: usize = 1536;

impl Scope {
    /// A scope of these permits: at least one, each permitting something, and all together at most
    /// [`SCOPE_BYTES_MAX`] bytes.
    pub fn new(permits: Vec<Permit>) -> Result<Self, ScopeError> {
        let permits_nothing = |permit: &Permit| !permit.raise && !permit.query;
        if permits.is_empty() || permits.iter().any(permits_nothing) {
            return Err(ScopeError::Empty);
        }
        let scope = Self(permits);
        let bytes = codec::encode(&(&scope).into()).len();
        if bytes > SCOPE_BYTES_MAX {
            Err(ScopeError::TooLarge { bytes })
        } else {
            Ok(scope)
        }
    }

    /// A scope that permits to raise events of these symbols, with any attributes.
    pub fn events(symbols: impl IntoIterator<Item = (Match, Match)>) -> Result<Self, ScopeError> {
        Self::new(
            symbols
                .into_iter()
                .map(|(domain, kind)| Permit::event(domain, kind))
                .collect(),
        )
    }

    /// The permits, in the order in which they stand in the grant.
    pub fn permits(&self) -> &[Permit] {
        &self.0
    }

    pub(crate) fn allows_event(&self, domain: &Name, kind: &Name, attributes: &Map) -> bool {
        self.0
            .iter()
            .any(|permit| permit.raise && permit.covers(domain, kind, attributes))
    }

    pub(crate) fn allows_query(&self, rid: &Name, name: &Name, arguments: &Map) -> bool {
        self.0
            .iter()
            .any(|permit| permit.query && permit.covers(rid, name, arguments))
    }
}

/// Why permits are no scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScopeError {
    /// There is no permit, or one that permits nothing.
    #[error("a scope permits something, and so does each of its permits")]
    Empty,
    /// The encoding is longer than [`SCOPE_BYTES_MAX`].
    #[error("the scope has {bytes} bytes, at most {SCOPE_BYTES_MAX} are possible")]
    TooLarge {
        /// How long it is.
        bytes: usize,
    },
}

impl From<ScopeError> for Fault {
    fn from(error: ScopeError) -> Self {
        let (code, hint) = match error {
            ScopeError::Empty => ("scope-empty", "name at least one event"),
            ScopeError::TooLarge { .. } => ("scope-too-large", "name fewer events, or use `*`"),
        };
        Self::new(Whose::Caller, code, error.to_string()).hint(hint)
    }
}

/// One thing that a grant permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permit {
    /// The event's domain, or the ruleset that is asked.
    pub domain: Match,
    /// The event's type, or the query's name.
    pub kind: Match,
    /// What attributes or arguments must be; those that are not named here may be anything.
    pub limits: BTreeMap<Name, Limit>,
    /// Whether such events may be raised.
    pub raise: bool,
    /// Whether such queries may be asked.
    pub query: bool,
}

impl Permit {
    /// A permit to raise events of a symbol, with any attributes.
    pub fn event(domain: Match, kind: Match) -> Self {
        Self {
            domain,
            kind,
            limits: BTreeMap::new(),
            raise: true,
            query: false,
        }
    }

    fn covers(&self, domain: &Name, kind: &Name, attributes: &Map) -> bool {
        let holds = |(name, limit): (&Name, &Limit)| {
            attributes
                .get(name.as_str())
                .is_some_and(|value| limit.holds(value))
        };
        self.domain.covers(domain) && self.kind.covers(kind) && self.limits.iter().all(holds)
    }
}

/// Which names are meant.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Match {
    /// Any name.
    Any,
    /// This name.
    Exactly(Name),
}

impl Match {
    fn covers(&self, name: &Name) -> bool {
        match self {
            Self::Any => true,
            Self::Exactly(only) => only == name,
        }
    }
}

impl From<Name> for Match {
    fn from(name: Name) -> Self {
        Self::Exactly(name)
    }
}

impl From<Option<Name>> for Match {
    /// None is any, as in a channel's policy.
    fn from(name: Option<Name>) -> Self {
        name.map_or(Self::Any, Self::Exactly)
    }
}

/// What an attribute must be. An attribute that is not there meets no limit. The list is closed,
/// and none takes longer than to look at the value once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limit {
    /// This text.
    Exact(String),
    /// A text that begins so.
    Prefix(String),
    /// One of these texts.
    Set(Vec<String>),
    /// A whole number from the first to the last, both included.
    Range {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// A text of at most so many bytes (UTF-8).
    Length {
        /// The most.
        bytes_max: u32,
    },
    /// Anything, but there.
    Present,
}

impl Limit {
    fn holds(&self, value: &Value) -> bool {
        match (self, value) {
            (Self::Exact(only), Value::Text(text)) => **only == **text,
            (Self::Prefix(start), Value::Text(text)) => text.starts_with(&**start),
            (Self::Set(texts), Value::Text(text)) => texts.iter().any(|one| **one == **text),
            (Self::Range { min, max }, Value::Number(number)) => number
                .as_integer()
                .is_some_and(|integer| (*min..=*max).contains(&integer)),
            (Self::Length { bytes_max }, Value::Text(text)) => {
                text.len() as u64 <= (*bytes_max).into()
            }
            (Self::Present, _) => true,
            _ => false,
        }
    }
}

/// AIF (RFC 9237): a list of `[what, how]`, where what is `[domain, type, limits]` and how has
/// bit 0 for raising and bit 1 for asking.
impl From<&Scope> for Item {
    fn from(scope: &Scope) -> Self {
        Self::list(&scope.0)
    }
}

impl TryFrom<Item> for Scope {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        let mismatch = |_| CodecError::Mismatch {
            expected: "a scope",
        };
        Self::new(item.read_list()?).map_err(mismatch)
    }
}

impl From<&Permit> for Item {
    fn from(permit: &Permit) -> Self {
        let limits = permit
            .limits
            .iter()
            .map(|(name, limit)| (name.into(), limit.into()));
        let what = vec![
            (&permit.domain).into(),
            (&permit.kind).into(),
            Self::Map(limits.collect()),
        ];
        let how = u8::from(permit.raise) | u8::from(permit.query) << 1;
        Self::List(vec![what.into(), how.into()])
    }
}

impl TryFrom<Item> for Permit {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        let [what, how] = item.into_array()?;
        let [domain, kind, limits] = what.into_array()?;
        let limits = limits.into_map()?.into_iter();
        let limits = limits.map(|(name, limit)| Ok((name.try_into()?, limit.try_into()?)));
        let (raise, query) = match u8::try_from(how)? {
            1 => (true, false),
            2 => (false, true),
            3 => (true, true),
            _ => {
                return Err(CodecError::Mismatch {
                    expected: "permissions",
                });
            }
        };
        Ok(Self {
            domain: domain.try_into()?,
            kind: kind.try_into()?,
            limits: limits.collect::<Result<_, CodecError>>()?,
            raise,
            query,
        })
    }
}

/// Null means any, so that no name, not even `*`, can be taken for it.
impl From<&Match> for Item {
    fn from(name: &Match) -> Self {
        match name {
            Match::Any => Self::Null,
            Match::Exactly(name) => name.into(),
        }
    }
}

impl TryFrom<Item> for Match {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        if item.is_null() {
            Ok(Self::Any)
        } else {
            item.try_into().map(Self::Exactly)
        }
    }
}

impl From<&Limit> for Item {
    fn from(limit: &Limit) -> Self {
        let kind = |kind: u8| Self::from(kind);
        Self::List(match limit {
            Limit::Exact(text) => vec![kind(0), (&**text).into()],
            Limit::Prefix(start) => vec![kind(1), (&**start).into()],
            Limit::Set(texts) => vec![kind(2), Self::list(texts.iter().map(|text| &**text))],
            Limit::Range { min, max } => vec![kind(3), (*min).into(), (*max).into()],
            Limit::Length { bytes_max } => vec![kind(4), (*bytes_max).into()],
            Limit::Present => vec![kind(5)],
        })
    }
}

impl TryFrom<Item> for Limit {
    type Error = CodecError;

    fn try_from(item: Item) -> Result<Self, CodecError> {
        let mut items = item.into_list()?.into_iter();
        let mut next = || {
            items.next().ok_or(CodecError::Mismatch {
                expected: "a limit",
            })
        };
        let limit = match u8::try_from(next()?)? {
            0 => Self::Exact(next()?.try_into()?),
            1 => Self::Prefix(next()?.try_into()?),
            2 => Self::Set(next()?.read_list()?),
            3 => Self::Range {
                min: next()?.try_into()?,
                max: next()?.try_into()?,
            },
            4 => Self::Length {
                bytes_max: next()?.try_into()?,
            },
            5 => Self::Present,
            _ => {
                return Err(CodecError::Mismatch {
                    expected: "a known limit",
                });
            }
        };
        if items.next().is_some() {
            return Err(CodecError::Mismatch {
                expected: "a limit",
            });
        }
        Ok(limit)
    }
}
