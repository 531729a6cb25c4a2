//! A PEN small enough to read: it runs the rules that an event names, and shows what they want.

use std::{cell::RefCell, collections::BTreeMap, fmt::Write as _, sync::Arc};

use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_krl::Krl;
use stratus_pen::{
    Channel, ChannelId, Kin, Seed, Terms,
    language::{
        Answers, Effect, Ended, Language as _, Limits, Program, Scene, StateView, Stop,
        SubscriptionView, Timer, TimerChange,
    },
};
use stratus_salience::{Bindings, Expression};

/// 2026-11-23T09:00:00Z, a Monday.
pub(crate) const NOW: Timestamp = Timestamp(1_795_424_400_000);

/// A PEN with rulesets and variables.
#[derive(Default)]
pub(crate) struct World {
    pub(crate) programs: Vec<Arc<dyn Program>>,
    pub(crate) variables: RefCell<BTreeMap<(String, String), Value>>,
    pub(crate) subscriptions: Vec<SubscriptionView>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) timers: RefCell<Vec<Timer>>,
    pub(crate) bindings: Bindings,
    pub(crate) answers: Answers,
    pub(crate) limits: Limits,
    /// What the clock says, if not [`NOW`].
    pub(crate) now: Option<Timestamp>,
}

impl World {
    /// A PEN in which rulesets are installed.
    pub(crate) fn with(sources: &[&str]) -> Self {
        let faults: Vec<String> = sources.iter().map(|source| faults(source)).collect();
        Self::try_with(sources).unwrap_or_else(|| panic!("{sources:?}\n{faults:?}"))
    }

    /// A PEN in which rulesets are installed, if they all compile.
    pub(crate) fn try_with(sources: &[&str]) -> Option<Self> {
        let programs = sources.iter().map(|source| Krl.compile(source).ok());
        Some(Self {
            programs: programs.collect::<Option<_>>()?,
            ..Self::default()
        })
    }

    /// Sets a persistent variable of the first ruleset, from JSON.
    pub(crate) fn set(&self, name: &str, json: &str) {
        let rid = self.programs[0].rid().to_string();
        let value = data(&serde_json::from_str(json).unwrap());
        self.variables
            .borrow_mut()
            .insert((rid, name.to_owned()), value);
    }

    /// Runs the first ruleset's rules for an event such as `a:b {"x": 1}`, and tells what they
    /// want, a line each. Changes of variables and timers are kept.
    pub(crate) fn send(&self, event: &str) -> String {
        let event = parse_event(event);
        let mut told = String::new();
        for (position, outline) in self.programs[0].rules().iter().enumerate() {
            if outline.active && wakes(&outline.select, &event) {
                match self.run(position, &event) {
                    Ok(ended) => {
                        self.keep(&ended);
                        told.push_str(&tell(&ended));
                    }
                    Err(stop) => told.push_str(&tell_stop(&stop)),
                }
            }
        }
        told
    }

    /// Answers what the first rule asks about an event: every request gets its own URL back.
    pub(crate) fn answer_all(&mut self, event: &str) {
        let Err(Stop::Ask(asked)) = self.run(0, &parse_event(event)) else {
            panic!("nothing is asked")
        };
        for question in asked {
            let url = question.arguments.get("url").cloned().unwrap_or_default();
            let answer = Value::map(Map::from([("content", url)]));
            self.answers.insert(question.id, Ok(answer));
        }
    }

    /// Runs one rule of the first ruleset.
    pub(crate) fn run(&self, rule: usize, event: &Event) -> Result<Ended, Stop> {
        self.programs[0].run(rule, &self.scene(Some(event)))
    }

    /// What a query answers, as JSON, or why it does not.
    pub(crate) fn query(&self, name: &str, arguments: &str) -> String {
        let arguments = data(&serde_json::from_str(arguments).unwrap());
        let arguments = arguments.as_map().unwrap().clone();
        let name = Name::new(name).unwrap();
        match self.programs[0]
            .query(&name, &arguments, &self.scene(None))
            .said
        {
            Ok(value) => format!("{value:?}"),
            Err(stop) => tell_stop(&stop).trim().to_owned(),
        }
    }

    /// What a query without arguments answers.
    pub(crate) fn ask(&self, name: &str) -> Result<Value, Stop> {
        let name = Name::new(name).unwrap();
        self.programs[0]
            .query(&name, &Map::new(), &self.scene(None))
            .said
    }

    pub(crate) fn scene<'w>(&'w self, event: Option<&'w Event>) -> Scene<'w> {
        Scene {
            view: self,
            event,
            channel: Some(Eci([1; 32])),
            bindings: &self.bindings,
            now: self.now.unwrap_or(NOW),
            seed: [7; 32],
            answers: &self.answers,
            limits: &self.limits,
        }
    }

    fn keep(&self, ended: &Ended) {
        let mut variables = self.variables.borrow_mut();
        for change in &ended.changes {
            let key = (change.rid.to_string(), change.name.to_string());
            match &change.value {
                Some(value) => variables.insert(key, value.clone()),
                None => variables.remove(&key),
            };
        }
        let mut timers = self.timers.borrow_mut();
        for change in &ended.timers {
            match change {
                TimerChange::Set(timer) => timers.push(timer.clone()),
                TimerChange::Remove { id } => timers.retain(|timer| timer.id != *id),
            }
        }
    }
}

impl StateView for World {
    fn variable(&self, rid: &Name, name: &Name) -> Option<Value> {
        self.variables
            .borrow()
            .get(&(rid.to_string(), name.to_string()))
            .cloned()
    }

    fn program(&self, rid: &Name) -> Option<Arc<dyn Program>> {
        self.programs
            .iter()
            .find(|program| program.rid() == rid)
            .cloned()
    }

    fn installed(&self) -> Vec<Arc<dyn Program>> {
        self.programs.clone()
    }

    fn channels(&self) -> Vec<Channel> {
        self.channels.clone()
    }

    fn permits_query(&self, eci: &Eci, rid: &Name, name: &Name) -> Result<(), Fault> {
        let mut channels = self.channels.iter();
        match channels.find(|channel| channel.eci == *eci) {
            Some(channel) if channel.policy.permits_query(rid, name) => Ok(()),
            Some(_) => Err(Fault::new(Whose::Caller, "policy-refuses", "no such query")),
            None => Err(Fault::new(
                Whose::Caller,
                "channel-unknown",
                "no such channel",
            )),
        }
    }

    fn subscriptions(&self) -> Vec<SubscriptionView> {
        self.subscriptions.clone()
    }

    fn terms(&self, _: &Name) -> Terms {
        Terms::default()
    }

    fn id(&self) -> PenId {
        PenId([1; 16])
    }

    fn name(&self) -> String {
        "class".to_owned()
    }

    fn parent(&self) -> Option<Kin> {
        None
    }

    fn children(&self) -> Vec<Kin> {
        Vec::new()
    }

    fn eci(&self, id: ChannelId) -> Eci {
        Seed::default().eci(id)
    }

    fn eci_in_child(&self, child: PenId, id: ChannelId) -> Eci {
        Seed::default().of_child(child).eci(id)
    }

    fn handle(&self, rid: &Name, key: &str, part: usize) -> String {
        Seed::default().handle(rid, key, part)
    }

    fn timers(&self, rid: &Name) -> Vec<Timer> {
        self.timers
            .borrow()
            .iter()
            .filter(|timer| timer.rid == *rid)
            .cloned()
            .collect()
    }
}

/// Compiles what must not compile; the codes and messages of its faults, a line each.
pub(crate) fn faults(source: &str) -> String {
    match Krl.compile(source) {
        Ok(_) => "no fault".to_owned(),
        Err(faults) => {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            lines.join("\n")
        }
    }
}

/// Reads `domain:type {"attribute": …}`.
pub(crate) fn parse_event(text: &str) -> Event {
    let (symbol, attributes) = text.split_once(' ').unwrap_or((text, "{}"));
    let (domain, kind) = symbol.split_once(':').unwrap();
    let attributes = data(&serde_json::from_str(attributes).unwrap());
    Event {
        id: EventId([9; 16]),
        domain: Name::new(domain).unwrap(),
        kind: Name::new(kind).unwrap(),
        attributes: attributes.as_map().unwrap().clone(),
        time: NOW,
        cause: None,
    }
}

/// JSON as data.
pub(crate) fn data(json: &serde_json::Value) -> Value {
    match json {
        serde_json::Value::Null => Value::Null,
        serde_json::Value::Bool(truth) => Value::from(*truth),
        serde_json::Value::Number(number) => Value::number(number.as_f64().unwrap()),
        serde_json::Value::String(text) => Value::text(text),
        serde_json::Value::Array(items) => Value::list(items.iter().map(data)),
        serde_json::Value::Object(members) => Value::map(
            members
                .iter()
                .map(|(name, member)| (name, data(member)))
                .collect::<Map>(),
        ),
    }
}

fn wakes(select: &Expression, event: &Event) -> bool {
    match select {
        Expression::Primitive(primitive) => {
            let symbol = &primitive.symbol;
            symbol
                .domain
                .as_ref()
                .is_none_or(|domain| *domain == event.domain)
                && symbol.kind.as_ref().is_none_or(|kind| *kind == event.kind)
        }
        _ => false,
    }
}

fn tell_stop(stop: &Stop) -> String {
    match stop {
        Stop::Ask(questions) => questions.iter().fold(String::new(), |mut told, question| {
            let (id, arguments) = (question.id, &question.arguments);
            let (connector, action) = (&question.connector, &question.action);
            let _ = writeln!(
                told,
                "ask {}.{} {connector} {action} {arguments:?}",
                id.iteration, id.ordinal
            );
            told
        }),
        Stop::Error(error) => format!("failed {}: {}\n", error.code, error.message),
    }
}

/// What a rule run wants, a line each.
pub(crate) fn tell(ended: &Ended) -> String {
    let mut told = String::new();
    let _ = writeln!(told, "{}", if ended.fired { "fired" } else { "not fired" });
    for change in &ended.changes {
        let _ = match &change.value {
            Some(value) => writeln!(told, "ent:{} := {value:?}", change.name),
            None => writeln!(told, "clear ent:{}", change.name),
        };
    }
    for arrangement in &ended.arrangements {
        let _ = writeln!(told, "arrange {arrangement}");
    }
    for raise in &ended.raises {
        let to = raise
            .for_ruleset
            .as_ref()
            .map_or(String::new(), |rid| format!(" for {rid}"));
        let _ = writeln!(
            told,
            "raise {}:{}{to} {:?}",
            raise.domain, raise.kind, raise.attributes
        );
    }
    for effect in &ended.effects {
        let _ = match effect {
            Effect::Act {
                connector,
                action,
                arguments,
            } => {
                writeln!(told, "act {connector} {action} {arguments:?}")
            }
            Effect::Send {
                to,
                domain,
                kind,
                attributes,
            } => {
                writeln!(told, "send {} {domain}:{kind} {attributes:?}", to.0[0])
            }
        };
    }
    for directive in &ended.directives {
        let _ = writeln!(told, "directive {} {:?}", directive.name, directive.options);
    }
    for timer in &ended.timers {
        let _ = match timer {
            TimerChange::Remove { .. } => writeln!(told, "remove timer"),
            TimerChange::Set(timer) => {
                let raise = &timer.raise;
                writeln!(
                    told,
                    "at {} {}:{} {:?}",
                    timer.at, raise.domain, raise.kind, raise.attributes
                )
            }
        };
    }
    for (level, line) in &ended.log {
        let _ = writeln!(told, "log {level} {line}");
    }
    if ended.last {
        told.push_str("last\n");
    }
    told
}
