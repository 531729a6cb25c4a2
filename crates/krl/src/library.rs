//! What KRL brings along: operators, functions, actions, and the built-in modules.

mod calendar;
mod channel;
mod collection;
mod context;
mod conversion;
mod dataset;
mod event;
mod family;
mod http;
mod key;
mod math;
mod meta;
mod number;
mod path;
mod pick;
mod query;
mod random;
mod schedule;
mod set;
mod sort;
mod subscription;
mod text;
mod time;
mod twilio;

use crate::{
    coerce::{describe, text as text_of},
    evaluate::{At, Evaluator},
    limit::{Failure, Halt, Meter},
    resolve::Kind,
    value::{Callable, Value},
};

pub(crate) use conversion::{negate, operate};
pub(crate) use dataset::{CACHABLE_S, KEPT_S};
pub(crate) use path::{delete, get, put};
pub(crate) use schedule::{cron, describe_timer};
pub(crate) use time::{bound_instant, instant, standing_instant};

/// Something built in that can be called.
#[derive(Debug)]
pub(crate) struct Builtin {
    pub(crate) name: &'static str,
    pub(crate) parameters: &'static [&'static str],
    pub(crate) body: Body,
}

impl Builtin {
    const fn new(name: &'static str, parameters: &'static [&'static str], body: Body) -> Self {
        Self {
            name,
            parameters,
            body,
        }
    }

    const fn pure(name: &'static str, parameters: &'static [&'static str], body: Pure) -> Self {
        Self::new(name, parameters, Body::Pure(body))
    }

    pub(crate) fn kind(&self) -> Kind {
        match self.body {
            Body::Action(_) => Kind::Action,
            Body::Either(_) => Kind::Either,
            Body::Function(_) | Body::Pure(_) => Kind::Function,
        }
    }

    /// Whether it is an action that may stand in an expression too.
    pub(crate) fn also_function(&self) -> bool {
        matches!(self.body, Body::Either(_))
    }

    pub(crate) fn value(&'static self) -> Value {
        match self.body {
            Body::Action(_) | Body::Either(_) => Value::Action(Callable::Builtin(self)),
            Body::Function(_) | Body::Pure(_) => Value::Function(Callable::Builtin(self)),
        }
    }
}

/// What something built in does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Body {
    /// It wants something done.
    Action(Run),
    /// An action whose result may be wanted.
    Either(Run),
    /// It needs more than its arguments.
    Function(Run),
    /// It needs nothing but its arguments.
    Pure(Pure),
}

type Run = fn(&mut Evaluator<'_>, &Given) -> Result<Value, Halt>;
type Pure = fn(&mut Meter, &Given) -> Result<Value, Failure>;

/// What a built-in module knows without being called.
#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) name: &'static str,
    pub(crate) read: fn(&mut Evaluator<'_>, At) -> Result<Value, Halt>,
}

/// A member of a built-in module.
pub(crate) enum Member {
    Builtin(&'static Builtin),
    Property(&'static Property),
}

/// The arguments of a call, and where it stands.
#[derive(Debug)]
pub(crate) struct Given {
    pub(crate) values: Vec<Value>,
    pub(crate) site: u32,
    pub(crate) at: At,
    /// Whether anybody uses the result.
    pub(crate) wanted: bool,
}

impl Given {
    /// An argument; null if it is not given.
    fn get(&self, position: usize) -> &Value {
        self.values.get(position).unwrap_or(&NULL)
    }

    /// How many arguments are given.
    fn len(&self) -> usize {
        self.values.len()
    }

    fn text(&self, position: usize) -> std::sync::Arc<str> {
        text_of(self.get(position))
    }

    fn number(&self, position: usize) -> Option<f64> {
        crate::coerce::number(self.get(position))
    }

    /// The elements of the first argument, which must be a list.
    fn items(&self) -> Result<&[Value], Failure> {
        let first = self.get(0);
        first.as_list().ok_or_else(|| {
            Failure::kind(format!(
                "this works on arrays only, not on {}",
                describe(first)
            ))
        })
    }
}

static NULL: Value = Value::Null;

/// The operators: functions that need no module's name before them.
pub(crate) static OPERATORS: &[&[Builtin]] = &[
    collection::FUNCTIONS,
    conversion::FUNCTIONS,
    event::OPERATORS,
    number::FUNCTIONS,
    path::FUNCTIONS,
    pick::FUNCTIONS,
    query::FUNCTIONS,
    set::FUNCTIONS,
    sort::FUNCTIONS,
    text::FUNCTIONS,
];

/// The built-in modules.
pub(crate) const DOMAINS: &[&str] = &[
    "calendar",
    "ctx",
    "event",
    "http",
    "math",
    "meta",
    "random",
    "schedule",
    "stdlib",
    "subscription",
    "time",
    "twilio",
];

/// What reads a key.
pub(crate) fn key() -> Value {
    key::READ.value()
}

/// What fetches a data set.
pub(crate) fn datasource() -> Value {
    dataset::FETCH.value()
}

/// The operator of that name.
pub(crate) fn operator(name: &str) -> Option<&'static Builtin> {
    OPERATORS
        .iter()
        .copied()
        .flatten()
        .find(|builtin| builtin.name == name)
}

/// A built-in module's member.
pub(crate) fn member(domain: &str, name: &str) -> Option<Member> {
    if domain == "stdlib" {
        return operator(name).map(Member::Builtin);
    }
    let builtins = builtins(domain).iter();
    let mut builtins = builtins.filter(|builtin| short(builtin.name) == name);
    let mut properties = properties(domain).iter();
    builtins.next().map(Member::Builtin).or_else(|| {
        properties
            .find(|property| short(property.name) == name)
            .map(Member::Property)
    })
}

/// The names of a built-in module's members; none if there is no such module.
pub(crate) fn members(domain: &str) -> impl Iterator<Item = &'static str> {
    let operators = if domain == "stdlib" { OPERATORS } else { &[] };
    let builtins = operators.iter().copied().flatten().chain(builtins(domain));
    let properties = properties(domain)
        .iter()
        .map(|property| short(property.name));
    builtins
        .map(|builtin| short(builtin.name))
        .chain(properties)
}

/// Whether a built-in module of the peer has a member of that name that rules do not have here.
pub(crate) fn is_unavailable(domain: &str, name: &str) -> bool {
    domain == "ctx" && context::UNAVAILABLE.contains(&name)
}

fn builtins(domain: &str) -> &'static [Builtin] {
    match domain {
        "calendar" => calendar::FUNCTIONS,
        "ctx" => context::FUNCTIONS,
        "event" => event::FUNCTIONS,
        "http" => http::FUNCTIONS,
        "math" => math::FUNCTIONS,
        "random" => random::FUNCTIONS,
        "schedule" => schedule::FUNCTIONS,
        "subscription" => subscription::FUNCTIONS,
        "time" => time::FUNCTIONS,
        "twilio" => twilio::FUNCTIONS,
        _ => &[],
    }
}

fn properties(domain: &str) -> &'static [Property] {
    match domain {
        "ctx" => meta::CONTEXT,
        "event" => event::PROPERTIES,
        "math" => math::PROPERTIES,
        "meta" => meta::PROPERTIES,
        _ => &[],
    }
}

/// A member's name without its module's.
fn short(name: &'static str) -> &'static str {
    name.split_once(':').map_or(name, |(_, short)| short)
}
