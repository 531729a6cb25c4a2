//! The nouns of the other crates, field by field.

use std::borrow::Cow;

use stratus_capability::Rate;
use stratus_engine::{
    Accepted, Account, Credential, Outcome, OutcomeRun, OutcomeStand, Scopes, Source, Standing,
    Subscription, Version,
};
use stratus_event::{
    Event, Fault, Whose,
    codec::{CodecError, Fields, Item, Record},
};
use stratus_pen::{
    Channel, Cron, Kin, Parent, Permissions, Policy, Rule, RunEnd, Terms,
    language::{Directive, Effect, Question, QuestionId, Raise, Timer},
};
use stratus_protocol::{Invite, Pairing, Redemption};

use super::stored::{
    Bytes, Stored, UNKNOWN, one, or_default, read_variant, unless_default, variant,
};

/// How a field is kept, where it is not kept as it is.
trait Field<T>: Stored {
    fn of(value: &T) -> Self;
    fn value(self) -> T;
}

impl Field<Vec<u8>> for Bytes {
    fn of(value: &Vec<u8>) -> Self {
        Self(value.clone())
    }

    fn value(self) -> Vec<u8> {
        self.0
    }
}

impl Field<Option<Vec<u8>>> for Option<Bytes> {
    fn of(value: &Option<Vec<u8>>) -> Self {
        value.clone().map(Bytes)
    }

    fn value(self) -> Option<Vec<u8>> {
        self.map(|bytes| bytes.0)
    }
}

macro_rules! write_field {
    ($value:expr) => {
        $value.item()
    };
    ($value:expr, $kept:ty) => {
        <$kept as Field<_>>::of(&$value).item()
    };
}

macro_rules! read_field {
    ($item:expr) => {
        Stored::read($item)?
    };
    ($item:expr, $kept:ty) => {
        Field::value(<$kept as Stored>::read($item)?)
    };
}

/// `Noun "a name" { number: field, number: field as kept; number: field }`. A field after a
/// semicolon is not written if it has its default: earlier versions did not have it.
macro_rules! nouns {
    ($($noun:ident $what:literal {
        $($number:literal: $field:ident $(as $kept:ty)?),*
        $(; $later:literal: $optional:ident)*
    })*) => {$(
        impl Stored for $noun {
            fn item(&self) -> Item {
                Record::new()
                    $(.with($number, write_field!(self.$field $(, $kept)?)))*
                    $(.with_some($later, unless_default(&self.$optional)))*
                    .into()
            }

            fn read(item: Item) -> Result<Self, CodecError> {
                let mut fields = Fields::new(item, $what)?;
                let noun = Self {
                    $($field: read_field!(fields.required($number)? $(, $kept)?),)*
                    $($optional: or_default(fields.optional($later))?,)*
                };
                fields.finish()?;
                Ok(noun)
            }
        }
    )*};
}

nouns! {
    Accepted "an accepted event" {
        0: event, 1: channel, 2: source, 3: for_ruleset, 4: at, 5: seed
    }
    Account "an account" { 0: pen, 1: channel, 2: password, 3: made }
    Channel "a channel" {
        0: eci, 1: id, 2: tags, 3: policy, 4: generation, 5: open;
        6: bearer; 7: rate; 8: family
    }
    Credential "a credential" {
        0: account, 1: kind, 2: label, 3: scopes, 4: made, 5: expires
    }
    Directive "a directive" { 0: name, 1: options; 2: by }
    Event "an event" { 0: id, 1: domain, 2: kind, 3: attributes, 4: time, 5: cause }
    Invite "an invite" {
        0: id, 1: secret, 2: name, 3: role_mine, 4: role_theirs, 5: offered, 6: wanted,
        7: expires, 8: uses_max, 9: used, 10: link
    }
    Kin "a relative" { 0: pen, 1: theirs, 2: mine }
    Outcome "an outcome" {
        0: at, 1: runs, 2: directives, 3: failed; 4: stands; 5: stands_left_out
    }
    OutcomeRun "a rule run" {
        0: event, 1: rid, 2: rule, 3: end, 4: changes, 5: effects, 6: log;
        7: raised; 8: saw; 9: last; 10: arranged
    }
    OutcomeStand "the stand of a rule" {
        0: event, 1: rid, 2: rule, 3: did, 4: before; 5: after; 6: left_out
    }
    Pairing "a pairing" {
        0: subscription, 1: link, 2: name, 3: node, 4: addresses, 5: rx, 6: since,
        7: confirming as Option<Bytes>
    }
    Parent "a parent" { 0: kin, 1: ancestors }
    Permissions "permissions" {
        0: connectors, 1: domains, 2: hosts, 3: modules, 4: pens, 5: rulesets
    }
    Policy "a policy" {
        0: events_allowed, 1: events_denied, 2: queries_allowed, 3: queries_denied
    }
    Question "a question" { 0: id, 1: connector, 2: action, 3: arguments }
    QuestionId "a question's id" { 0: iteration, 1: site, 2: ordinal }
    Raise "a raised event" { 0: domain, 1: kind, 2: attributes, 3: for_ruleset }
    Rate "a rate" { 0: burst, 1: per_minute }
    Redemption "a use of an invite" { 0: holder, 1: subscription }
    Rule "a line of a policy" { 0: first, 1: second }
    Scopes "scopes" { 0: event, 1: manage, 2: read }
    Standing "a PEN's standing" { 0: epoch, 1: since, 2: residence }
    Subscription "a subscription" {
        0: id, 1: invite, 2: name, 3: role_mine, 4: role_theirs, 5: node, 6: addresses, 7: rx,
        8: granted as Bytes, 9: held as Option<Bytes>, 10: sequence_next, 11: ended
    }
    Terms "the terms of a ruleset" { 0: configuration, 1: from, 2: permissions }
    Version "a version of a ruleset" { 0: program, 1: at, 2: from }
}

/// One that goes off once has no field for when it goes off again.
impl Stored for Timer {
    fn item(&self) -> Item {
        Record::new()
            .with(0, self.id.item())
            .with(1, self.rid.item())
            .with(2, self.at.item())
            .with(3, self.raise.item())
            .with_some(4, self.repeat.as_ref().map(Stored::item))
            .into()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let mut fields = Fields::new(item, "a timer")?;
        let timer = Self {
            id: Stored::read(fields.required(0)?)?,
            rid: Stored::read(fields.required(1)?)?,
            at: Stored::read(fields.required(2)?)?,
            raise: Stored::read(fields.required(3)?)?,
            repeat: fields.optional(4).map(Stored::read).transpose()?,
        };
        fields.finish()?;
        Ok(timer)
    }
}

impl Stored for Cron {
    fn item(&self) -> Item {
        (self.expression().to_owned(), self.zone().to_owned()).item()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let (expression, zone): (String, String) = Stored::read(item)?;
        Self::new(&expression, Some(&zone)).map_err(|_| CodecError::Mismatch {
            expected: "a cron expression and a time zone",
        })
    }
}

impl Stored for Fault {
    fn item(&self) -> Item {
        Record::new()
            .with(0, self.code.as_ref())
            .with(1, self.whose.item())
            .with(2, self.message.as_str())
            .with(3, self.hint.item())
            .with_some(4, unless_default(&self.retry_after_ms))
            .into()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let mut fields = Fields::new(item, "a fault")?;
        let fault = Self {
            code: Cow::Owned(fields.read(0)?),
            whose: Stored::read(fields.required(1)?)?,
            message: fields.read(2)?,
            hint: Stored::read(fields.required(3)?)?,
            retry_after_ms: or_default(fields.optional(4))?,
        };
        fields.finish()?;
        Ok(fault)
    }
}

impl Stored for Whose {
    fn item(&self) -> Item {
        self.as_str().into()
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        let all = [
            Self::Bug,
            Self::Caller,
            Self::Peer,
            Self::Ruleset,
            Self::World,
        ];
        let whose = all
            .into_iter()
            .find(|whose| item.as_text() == Some(whose.as_str()));
        whose.ok_or(UNKNOWN)
    }
}

impl Stored for RunEnd {
    fn item(&self) -> Item {
        match self {
            Self::Failed(fault) => variant(0, [fault.item()]),
            Self::Fired => variant(1, []),
            Self::NotFired => variant(2, []),
            Self::NotSelected => variant(3, []),
        }
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        match read_variant(item)? {
            (0, parts) => one(parts).map(Self::Failed),
            (1, parts) if parts.is_empty() => Ok(Self::Fired),
            (2, parts) if parts.is_empty() => Ok(Self::NotFired),
            (3, parts) if parts.is_empty() => Ok(Self::NotSelected),
            _ => Err(UNKNOWN),
        }
    }
}

impl Stored for Source {
    fn item(&self) -> Item {
        match self {
            Self::Engine => variant(0, []),
            Self::Owner => variant(1, []),
            Self::Partner { grant, sequence } => variant(2, [grant.item(), sequence.item()]),
            Self::Service {
                service,
                external_id,
            } => variant(3, [service.item(), external_id.item()]),
            Self::Timer { id } => variant(4, [id.item()]),
            Self::Bearer { external_id } => variant(5, [external_id.item()]),
            Self::Pen { pen } => variant(6, [pen.item()]),
        }
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        match read_variant(item)? {
            (0, parts) if parts.is_empty() => Ok(Self::Engine),
            (1, parts) if parts.is_empty() => Ok(Self::Owner),
            (2, parts) => {
                let (grant, sequence) = Stored::read(Item::List(parts))?;
                Ok(Self::Partner { grant, sequence })
            }
            (3, parts) => {
                let (service, external_id) = Stored::read(Item::List(parts))?;
                Ok(Self::Service {
                    service,
                    external_id,
                })
            }
            (4, parts) => one(parts).map(|id| Self::Timer { id }),
            (5, parts) => one(parts).map(|external_id| Self::Bearer { external_id }),
            (6, parts) => one(parts).map(|pen| Self::Pen { pen }),
            _ => Err(UNKNOWN),
        }
    }
}

impl Stored for Effect {
    fn item(&self) -> Item {
        match self {
            Self::Act {
                connector,
                action,
                arguments,
            } => variant(0, [connector.item(), action.item(), arguments.item()]),
            Self::Send {
                to,
                domain,
                kind,
                attributes,
            } => variant(
                1,
                [to.item(), domain.item(), kind.item(), attributes.item()],
            ),
        }
    }

    fn read(item: Item) -> Result<Self, CodecError> {
        match read_variant(item)? {
            (0, parts) => {
                let [connector, action, arguments] = Item::List(parts).into_array()?;
                Ok(Self::Act {
                    connector: Stored::read(connector)?,
                    action: Stored::read(action)?,
                    arguments: Stored::read(arguments)?,
                })
            }
            (1, parts) => {
                let [to, domain, kind, attributes] = Item::List(parts).into_array()?;
                Ok(Self::Send {
                    to: Stored::read(to)?,
                    domain: Stored::read(domain)?,
                    kind: Stored::read(kind)?,
                    attributes: Stored::read(attributes)?,
                })
            }
            _ => Err(UNKNOWN),
        }
    }
}
