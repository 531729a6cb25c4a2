//! What a ruleset wants beyond its PEN, as far as its text tells; what it does not tell is any.

use stratus_event::Value as Data;
use stratus_pen::{Allowed, Permissions, host};

use crate::{
    library::Builtin,
    program::{
        Action, ActionBlock, Arguments, BlockKind, Code, Expression, Function, Guard, Operator,
        Postlude, Raise, Ruleset, ScheduleTime, StatementKind, Trail, TrailKind,
    },
    value::{Callable, Value},
};

/// What the ruleset wants.
pub(crate) fn wants(ruleset: &Ruleset) -> Permissions {
    let mut survey = Survey {
        ruleset,
        wanted: Permissions::default(),
    };
    for rid in &ruleset.module_rids {
        survey.wanted.modules.add(rid.as_str());
    }
    survey.all(ruleset.globals.iter().map(|global| &global.value));
    let with = ruleset.modules.iter().flat_map(|module| &module.with);
    survey.all(with.map(|(_, value)| value));
    survey.all(ruleset.preface.iter().map(|(_, value)| value));
    survey.all(ruleset.conditions.iter().map(|each| &each.expression));
    for rule in &ruleset.rules {
        survey.all(rule.foreach.iter().map(|level| &level.collection));
        survey.all(rule.prelude.iter().map(|declared| &declared.value));
        survey.actions(rule.actions.as_ref());
        survey.postlude(&rule.postlude);
    }
    survey.wanted
}

/// A walk over all of a ruleset.
struct Survey<'r> {
    ruleset: &'r Ruleset,
    wanted: Permissions,
}

impl<'r> Survey<'r> {
    fn all(&mut self, expressions: impl IntoIterator<Item = &'r Expression>) {
        for expression in expressions {
            self.expression(expression);
        }
    }

    fn expression(&mut self, expression: &'r Expression) {
        match &expression.code {
            Code::Call(callee, arguments) => {
                self.call(callee, arguments);
            }
            Code::Closure(function) => self.function(function),
            Code::Constant(value) => self.value(value),
            Code::Trail(trail) => self.trail(trail),
            Code::And(one, other)
            | Code::Binary(_, one, other)
            | Code::Get(one, other)
            | Code::Or(one, other) => self.all([&**one, &**other]),
            Code::Concatenate(items) | Code::List(items) => self.all(items),
            Code::Conditional(three) => self.all(three.iter()),
            Code::Map(entries) => self.all(entries.iter().map(|(_, value)| value)),
            Code::Negate(inner) | Code::Not(inner) => self.expression(inner),
            Code::Attribute(_)
            | Code::Data(_)
            | Code::Fail(..)
            | Code::Global(_)
            | Code::Local(_)
            | Code::Member(..)
            | Code::Property(_)
            | Code::Variable(_) => {}
        }
    }

    /// Something built in that is called says what it is called with; one that goes elsewhere as a
    /// value may be called with anything.
    fn call(&mut self, callee: &'r Expression, arguments: &'r Arguments) {
        match builtin(callee) {
            Some(builtin) => self.wanted_by(builtin, Some(arguments)),
            None => self.expression(callee),
        }
        self.all(&arguments.positional);
        self.all(arguments.named.iter().map(|(_, value)| value));
    }

    fn value(&mut self, value: &Value) {
        match value {
            Value::Action(Callable::Builtin(builtin))
            | Value::Function(Callable::Builtin(builtin)) => self.wanted_by(builtin, None),
            Value::List(list) => list.items.iter().for_each(|item| self.value(item)),
            Value::Map(map) => {
                for (_, item) in &map.first(map.len()) {
                    self.value(item);
                }
            }
            _ => {}
        }
    }

    fn function(&mut self, function: &'r Function) {
        let defaults = function.parameters.iter();
        self.all(defaults.filter_map(|parameter| parameter.default.as_ref()));
        self.all(function.declarations.iter().map(|declared| &declared.value));
        self.actions(function.actions.as_ref());
        self.all(&function.result);
    }

    fn actions(&mut self, block: Option<&'r ActionBlock>) {
        let Some(block) = block else { return };
        self.all(&block.condition);
        if let BlockKind::Choose(by) = &block.kind {
            self.expression(by);
        }
        for Action {
            callee, arguments, ..
        } in block.first.iter().chain(&block.actions)
        {
            self.call(callee, arguments);
        }
    }

    fn postlude(&mut self, postlude: &'r Postlude) {
        let Postlude {
            fired,
            notfired,
            always,
        } = postlude;
        for statement in fired.iter().chain(notfired).chain(always) {
            if let Guard::If(condition) = &statement.guard {
                self.expression(condition);
            }
            self.statement(&statement.kind);
        }
    }

    fn statement(&mut self, statement: &'r StatementKind) {
        match statement {
            StatementKind::Assign { path, value, .. } => self.all(path.iter().chain([value])),
            StatementKind::Clear { path, .. } => self.all(path),
            StatementKind::Declare(declared) => self.expression(&declared.value),
            StatementKind::Error(_, value) | StatementKind::Log(_, value) => self.expression(value),
            StatementKind::Forget { pattern, .. } => self.expression(pattern),
            StatementKind::Increment {
                path,
                amount,
                start,
                ..
            } => self.all(path.iter().chain([amount]).chain(start)),
            StatementKind::Last => {}
            StatementKind::Mark { place, .. } => self.all(place),
            StatementKind::Raise(raise) => self.raise(raise),
            StatementKind::Schedule { time, raise, .. } => {
                let (ScheduleTime::At(time) | ScheduleTime::Repeat(time)) = time;
                self.expression(time);
                self.raise(raise);
            }
        }
    }

    fn raise(&mut self, raise: &'r Raise) {
        self.expression(&raise.kind);
        self.all(&raise.recipient);
        self.all(&raise.attributes);
    }

    fn trail(&mut self, trail: &'r Trail) {
        self.all(&trail.within);
        match &trail.kind {
            TrailKind::Compared(compared) => self.all(compared.as_ref().map(|(_, value)| value)),
            TrailKind::Current => {}
            TrailKind::History(value) | TrailKind::Seen(value) => self.expression(value),
            TrailKind::SeenInOrder(one, _, other) => self.all([one, other]),
        }
    }

    /// What a built-in function or action wants that is called with that, or with something that is
    /// not known.
    fn wanted_by(&mut self, builtin: &Builtin, arguments: Option<&Arguments>) {
        let given = |name: &str| argument(builtin, arguments?, name);
        let (module, member) = builtin.name.split_once(':').unwrap_or((builtin.name, ""));
        match (module, member) {
            ("http" | "datasource", _) => {
                self.host(given("url"));
                if let Some(template) = given("autosend") {
                    self.domain_of(Some(template));
                }
            }
            ("twilio", _) => self.wanted.connectors.add(module),
            ("event", "send") => match arguments.map(|arguments| &arguments.positional[..]) {
                Some([_, domain, _, ..]) => self.domain(Some(domain)),
                Some([target, ..]) => self.domain_of(Some(target)),
                _ => self.domain_of(None),
            },
            ("ctx", "query") => self.wanted.pens |= !given("eci").is_some_and(is_own_channel),
            ("ctx", "event" | "eventQuery") => {
                self.wanted.pens = true;
                self.domain(given("domain"));
            }
            ("ctx", "delPico" | "newPico") => self.wanted.pens = true,
            ("ctx", "flush" | "install" | "uninstall") => self.wanted.rulesets = true,
            _ => {}
        }
    }

    fn host(&mut self, url: Option<&Expression>) {
        match url.and_then(|url| self.known_host(url)) {
            Some(host) => self.wanted.hosts.add(&host),
            None => self.wanted.hosts = Allowed::Any,
        }
    }

    fn known_host(&self, url: &Expression) -> Option<String> {
        let (beginning, is_whole) = self.beginning(url, NAMES_MAX)?;
        let (_, rest) = beginning.split_once("://")?;
        let ends = is_whole || rest.contains(['/', '?', '#']);
        host(&beginning).filter(|_| ends)
    }

    /// The domain of an event that is addressed by a map.
    fn domain_of(&mut self, target: Option<&Expression>) {
        let domain = target.and_then(|target| self.field(target, "domain"));
        self.add_domain(domain);
    }

    fn domain(&mut self, domain: Option<&Expression>) {
        let known = domain.and_then(|domain| self.text(domain));
        self.add_domain(known);
    }

    fn add_domain(&mut self, domain: Option<String>) {
        match domain {
            Some(domain) => self.wanted.domains.add(&domain),
            None => self.wanted.domains = Allowed::Any,
        }
    }

    fn field(&self, map: &Expression, name: &str) -> Option<String> {
        match &map.code {
            Code::Constant(Value::Map(map)) => {
                let mut entries = map.first(map.len()).into_iter();
                let (_, value) = entries.find(|(field, _)| **field == *name)?;
                value.as_text().map(ToString::to_string)
            }
            Code::Data(Data::Map(map)) => map.text(name).map(str::to_owned),
            Code::Map(entries) => {
                let mut fields = entries.iter().rev().filter(|(field, _)| **field == *name);
                self.text(&fields.next()?.1)
            }
            _ => None,
        }
    }

    fn text(&self, expression: &Expression) -> Option<String> {
        let (text, is_whole) = self.beginning(expression, NAMES_MAX)?;
        is_whole.then_some(text)
    }

    /// How a text begins, and whether that is all of it.
    fn beginning(&self, expression: &Expression, names: usize) -> Option<(String, bool)> {
        match &expression.code {
            Code::Constant(Value::Text(text)) | Code::Data(Data::Text(text)) => {
                Some((text.to_string(), true))
            }
            Code::Concatenate(pieces) => {
                let (text, is_whole) = self.beginning(pieces.first()?, names)?;
                Some((text, is_whole && pieces.len() == 1))
            }
            Code::Binary(Operator::Add, one, _) => {
                let (text, _) = self.beginning(one, names)?;
                Some((text, false))
            }
            Code::Global(position) => {
                let global = self.ruleset.globals.get(*position)?;
                let global = Some(global).filter(|global| !global.configurable)?;
                self.beginning(&global.value, names.checked_sub(1)?)
            }
            _ => None,
        }
    }
}

/// What is called, if it is built in.
fn builtin(callee: &Expression) -> Option<&'static Builtin> {
    match &callee.code {
        Code::Constant(
            Value::Action(Callable::Builtin(builtin)) | Value::Function(Callable::Builtin(builtin)),
        ) => Some(builtin),
        _ => None,
    }
}

/// The argument of that name, however it is given.
fn argument<'a>(builtin: &Builtin, arguments: &'a Arguments, name: &str) -> Option<&'a Expression> {
    let mut named = arguments.named.iter();
    let named = named
        .find(|(given, _)| given == name)
        .map(|(_, value)| value);
    let position = builtin.parameters.iter().position(|known| *known == name);
    named.or_else(|| arguments.positional.get(position?))
}

/// Whether it is the channel by which the event or the query came.
fn is_own_channel(channel: &Expression) -> bool {
    matches!(&channel.code, Code::Property(property)
        if matches!(property.name, "event:eci" | "meta:eci"))
}

/// Names that stand for each other, until a text stands there.
const NAMES_MAX: usize = 8;
