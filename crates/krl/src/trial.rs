//! A PEN to try rulesets in: without a node, on a clock that stands still until it is told to go.

mod watch;
mod why;

use std::{collections::VecDeque, sync::Arc, time::Duration};

use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_krl_syntax::{Severity, ast, parse_expression, parse_ruleset};
use stratus_pen::{
    Answered, Asked, Bearer, Bounds, Channel, ChannelId, Cron, Done, Ending, Policy, RunEnd, State,
    Terms, Transaction,
    language::{
        Answers, Arrangement, Effect, Ended, Language as _, Limits, Program, Scene, StateView,
        Stop, SubscriptionView, Timer, TimerChange,
    },
};
use stratus_salience::{Bindings, Patterns};

use self::watch::Watched;
pub(crate) use self::why::collect as primitives;
use crate::{Compiled, Krl, compile, data, fault};

/// A PEN to try rulesets in.
///
/// What happens in it comes back as lines of text, one thing a line, in the words of
/// `spec/krl/README.md`: a first word that says what kind of thing it is, then words, then data as
/// JSON.
#[derive(Debug)]
pub struct Trial {
    state: State,
    now: Timestamp,
    sent: u64,
    rulesets: Vec<(Name, String)>,
    watched: Vec<Arc<Watched>>,
    answers: VecDeque<Value>,
    last: Option<(Event, Done)>,
}

impl Trial {
    /// A PEN with nothing in it, on New Year's Day 2026.
    pub fn new() -> Self {
        let mut state = State::new(PenId([1; 16]), "trial");
        state.set_channel(channel());
        Self {
            state,
            now: BEGINNING,
            sent: 0,
            rulesets: Vec::new(),
            watched: Vec::new(),
            answers: VecDeque::new(),
            last: None,
        }
    }

    /// Installs a ruleset, in place of one of the same id; its id.
    pub fn install(&mut self, source: &str) -> Result<Name, Vec<Fault>> {
        let program = Krl.compile(source)?;
        let rid = program.rid().clone();
        let watched = Arc::new(Watched::new(program));
        let installed = self.state.install(Arc::clone(&watched) as Arc<dyn Program>);
        installed.map_err(|fault| vec![fault])?;
        for change in self.state.instants(self.now, None) {
            self.state.change_timer(&change);
        }
        self.watched.retain(|other| *other.rid() != rid);
        self.watched.push(watched);
        self.rulesets.retain(|(other, _)| *other != rid);
        self.rulesets.push((rid.clone(), source.to_owned()));
        Ok(rid)
    }

    /// Says what a ruleset was configured with when it was installed.
    pub fn configure(&mut self, rid: &Name, configuration: Map) {
        let terms = Terms {
            configuration,
            ..self.state.terms(rid)
        };
        self.state.set_terms(rid, terms);
    }

    /// Makes the PEN a subscriber of a partner of that name.
    pub fn subscribe(&mut self, name: &str, rx_role: &str, tx_role: &str) {
        let mut subscriptions = self.state.subscriptions();
        let number = u8::try_from(subscriptions.len()).unwrap_or(u8::MAX);
        subscriptions.push(SubscriptionView {
            id: name.to_owned(),
            name: name.to_owned(),
            rx: Eci([number.wrapping_mul(2).wrapping_add(2); 32]),
            tx: Eci([number.wrapping_mul(2).wrapping_add(3); 32]),
            rx_role: rx_role.to_owned(),
            tx_role: tx_role.to_owned(),
        });
        self.state.set_subscriptions(subscriptions);
    }

    /// Says what the world answers to the next question that nothing was said about yet.
    pub fn answer(&mut self, answer: Value) {
        self.answers.push_back(answer);
    }

    /// Raises an event from outside; what happened.
    pub fn send(&mut self, domain: &Name, kind: &Name, attributes: Map) -> Vec<String> {
        let event = self.event(domain, kind, attributes);
        self.handle(event, None, None)
    }

    /// Lets time pass. Timers that come due on the way go off; what happened.
    pub fn wait(&mut self, duration: Duration) -> Vec<String> {
        let end = self.now + duration;
        let mut happened = Vec::new();
        for _ in 0..TIMERS_MAX {
            let due = self.state.all_timers().filter(|timer| timer.at <= end);
            let Some(timer) = due
                .min_by_key(|timer| (timer.at, timer.id.clone()))
                .cloned()
            else {
                self.now = end;
                return happened;
            };
            happened.extend(self.go_off(timer));
        }
        happened.push(format!("stopped after {TIMERS_MAX} timers"));
        happened
    }

    /// What a ruleset answers to a query.
    pub fn query(&self, rid: &Name, name: &Name, arguments: &Map) -> Result<Value, Fault> {
        let program = self
            .state
            .program(rid)
            .ok_or_else(|| not_installed(rid.as_str()))?;
        self.ask(program.as_ref(), name, arguments)
    }

    /// The value of an expression in a ruleset's global scope; none is that of an empty ruleset.
    pub fn evaluate(&self, rid: Option<&Name>, expression: &str) -> Result<Value, Vec<Fault>> {
        let source = self.source(rid).unwrap_or("ruleset trial { }");
        let (program, name) = with_expression(source, expression)?;
        self.ask(&program, &name, &Map::new())
            .map_err(|fault| vec![fault])
    }

    /// Sets a persistent variable; null clears it.
    pub fn set_variable(&mut self, rid: &Name, name: &Name, value: Value) {
        self.state.change(&stratus_pen::language::Change {
            rid: rid.clone(),
            name: name.clone(),
            value: Some(value).filter(|value| *value != Value::Null),
        });
    }

    /// The installed rulesets, in the order in which they see events.
    pub fn rulesets(&self) -> impl Iterator<Item = &Name> {
        self.rulesets.iter().map(|(rid, _)| rid)
    }

    /// A persistent variable; null if it has no value.
    pub fn variable(&self, rid: &Name, name: &Name) -> Value {
        self.state.variable(rid, name).unwrap_or_default()
    }

    /// All persistent variables of a ruleset that have a value.
    pub fn variables(&self, rid: &Name) -> impl Iterator<Item = (&Name, &Value)> {
        self.state.variables(rid)
    }

    /// The time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// What each rule did about the last event from outside, or why it did nothing; a line each.
    pub fn why(&self) -> Vec<String> {
        match &self.last {
            Some((event, done)) => why::tell(&self.watched, &self.rulesets, event, done),
            None => vec!["no event has been sent".to_owned()],
        }
    }

    fn source(&self, rid: Option<&Name>) -> Option<&str> {
        let found = self.rulesets.iter().find(|(known, _)| Some(known) == rid);
        found.map(|(_, source)| source.as_str())
    }

    fn event(&mut self, domain: &Name, kind: &Name, attributes: Map) -> Event {
        self.sent += 1;
        let mut id = [0; 16];
        id.iter_mut()
            .zip(self.sent.to_le_bytes())
            .for_each(|(byte, sent)| *byte = sent);
        Event {
            id: EventId(id),
            domain: domain.clone(),
            kind: kind.clone(),
            attributes,
            time: self.now,
            cause: None,
        }
    }

    fn go_off(&mut self, timer: Timer) -> Vec<String> {
        self.now = self.now.max(timer.at);
        self.state.remove_timer(&timer.id);
        if let Some(next) = timer.after(timer.at) {
            self.state.set_timer(next);
        }
        let raise = timer.raise;
        let event = self.event(&raise.domain, &raise.kind, raise.attributes);
        self.handle(event, raise.for_ruleset.as_ref(), Some(&timer.id))
    }

    fn handle(
        &mut self,
        event: Event,
        for_ruleset: Option<&Name>,
        timer: Option<&Name>,
    ) -> Vec<String> {
        let mut answered = Answered::new();
        let mut happened = Vec::new();
        loop {
            self.watched.iter().for_each(|watched| watched.forget());
            let mut transaction = self.transaction(&event, &answered);
            transaction.for_ruleset = for_ruleset.cloned();
            transaction.timer = timer.cloned();
            match transaction.run() {
                Ending::Ask(asked) => happened.extend(self.answers_to(asked, &mut answered)),
                Ending::Done(done) => {
                    happened.extend(self.told(&done));
                    self.state.apply(&done);
                    self.last = Some((event, *done));
                    return happened;
                }
            }
        }
    }

    fn transaction(&self, event: &Event, answered: &Answered) -> Transaction {
        Transaction {
            state: self.state.clone(),
            event: event.clone(),
            channel: Some(CHANNEL),
            for_ruleset: None,
            timer: None,
            now: self.now,
            seed: SEED,
            bounds: Bounds::default(),
            answers: answered.clone(),
        }
    }

    /// Answers what is asked from the answers that were prepared; tells what was asked.
    fn answers_to(&mut self, asked: Asked, answered: &mut Answered) -> Vec<String> {
        let mut told = Vec::new();
        let answers = answered.entry(asked.run).or_default();
        for question in asked.questions {
            let (connector, action) = (&question.connector, &question.action);
            told.push(format!(
                "ask {connector} {action} {}",
                json(&question.arguments)
            ));
            let answer = self.answers.pop_front().ok_or_else(no_answer);
            answers.insert(question.id, answer);
        }
        told
    }

    fn told(&self, done: &Done) -> Vec<String> {
        let mut told: Vec<String> = done.runs.iter().flat_map(run).collect();
        let ended = self.watched.iter().flat_map(|watched| watched.ended());
        let mut ended: Vec<(u64, Ended)> = ended.collect();
        ended.sort_by_key(|(order, _)| *order);
        if done.failed.is_none() {
            for (_, ended) in &ended {
                told.extend(ended.raises.iter().map(raise));
            }
        }
        told.extend(
            done.directives.iter().map(|directive| {
                format!("directive {} {}", directive.name, json(&directive.options))
            }),
        );
        let arranged = done.arrangements.iter();
        told.extend(arranged.map(|arranged| arrangement(&arranged.arrangement)));
        told.extend(
            done.effects
                .iter()
                .map(|wanted| self.effect(&wanted.effect, done)),
        );
        let mut timers: Vec<&TimerChange> = done.timers.iter().collect();
        timers.sort_by_key(|change| match change {
            TimerChange::Remove { .. } => None,
            TimerChange::Set(timer) => Some(timer.at),
        });
        told.extend(timers.into_iter().map(timer));
        if let Some(fault) = &done.failed {
            told.push(format!("given-up {}", fault.code));
        }
        told
    }

    fn effect(&self, effect: &Effect, done: &Done) -> String {
        match effect {
            Effect::Act {
                connector,
                action,
                arguments,
            } => format!("act {connector} {action} {}", json(arguments)),
            Effect::Send {
                to,
                domain,
                kind,
                attributes,
            } => {
                let to = self.receiver(to, done);
                format!("send {to} {domain}:{kind} {}", json(attributes))
            }
        }
    }

    /// Whose channel that is: a partner's, by its name, or a child's.
    fn receiver(&self, to: &Eci, done: &Done) -> String {
        let mut partners = self.state.subscriptions().into_iter();
        if let Some(partner) = partners.find(|partner| partner.tx == *to) {
            return partner.name;
        }
        let mut children = StateView::children(&self.state);
        for arranged in &done.arrangements {
            arranged.arrangement.rearrange_children(&mut children);
        }
        let is_child = children.iter().any(|child| child.theirs == *to);
        if is_child {
            "child".to_owned()
        } else {
            to.to_string()
        }
    }

    fn ask(&self, program: &dyn Program, name: &Name, arguments: &Map) -> Result<Value, Fault> {
        let mut answers = Answers::new();
        let mut prepared = self.answers.iter();
        for _ in 0..QUESTIONS_MAX {
            let scene = Scene {
                view: &self.state,
                event: None,
                channel: Some(CHANNEL),
                bindings: &Bindings::new(),
                now: self.now,
                seed: SEED,
                answers: &answers,
                limits: &Limits::default(),
            };
            match program.query(name, arguments, &scene).said {
                Ok(value) => return Ok(value),
                Err(Stop::Ask(questions)) => {
                    answers.extend(questions.into_iter().map(|question| {
                        (question.id, prepared.next().cloned().ok_or_else(no_answer))
                    }));
                }
                Err(Stop::Error(error)) => {
                    return Err(Fault::new(Whose::Ruleset, error.code, error.message));
                }
            }
        }
        Err(no_answer())
    }
}

impl Default for Trial {
    fn default() -> Self {
        Self::new()
    }
}

/// The time at which a trial begins: 2026-01-01T00:00:00Z.
const BEGINNING: Timestamp = Timestamp(1_767_225_600_000);

/// The channel by which events of a trial come.
const CHANNEL: Eci = Eci([1; 32]);

/// The owner's channel, which lets in all events and queries.
fn channel() -> Channel {
    Channel {
        eci: CHANNEL,
        id: ChannelId([1; 16]),
        tags: Name::new("owner").into_iter().collect(),
        policy: Policy::any(),
        generation: 0,
        open: true,
        bearer: Bearer::default(),
        family: None,
        rate: None,
    }
}

/// Trials are alike: what is random in a rule is the same each time.
const SEED: [u8; 32] = [7; 32];

/// Timers that go off while one waits.
const TIMERS_MAX: usize = 10_000;

/// Rounds of questions that one query asks.
const QUESTIONS_MAX: usize = 100;

/// A ruleset with one more function, which gives the expression's value.
fn with_expression(source: &str, expression: &str) -> Result<(Compiled, Name), Vec<Fault>> {
    let (tree, diagnostics) = parse_expression(expression);
    if tree.is_none()
        || diagnostics
            .iter()
            .any(|found| found.severity == Severity::Error)
    {
        let faults = diagnostics.iter();
        return Err(faults.map(|found| fault(expression, found)).collect());
    }
    // It is read again as if it stood behind the source, so that places are told apart.
    let whole = format!("{source}\n{expression}");
    let padding = "\n".repeat(source.len() + 1);
    let tree = parse_expression(&format!("{padding}{expression}")).0;
    let parsed = parse_ruleset(source);
    let (Some(tree), Some(mut ruleset)) = (tree, parsed.ruleset) else {
        return Err(Vec::new());
    };
    let name = ast::Identifier {
        name: ANSWER.to_owned(),
        span: tree.span,
    };
    ruleset.globals.push(answer(name.clone(), tree));
    if let Some(meta) = &mut ruleset.meta {
        let kind = ast::PropertyKind::Shares(vec![name.clone()]);
        let span = name.span;
        meta.properties.push(ast::Property { kind, span });
    } else {
        let (kind, span) = (ast::PropertyKind::Shares(vec![name.clone()]), name.span);
        let properties = vec![ast::Property { kind, span }];
        ruleset.meta = Some(ast::Meta { properties, span });
    }
    let compiled = compile::compile(&whole, &ruleset, &mut Patterns::default())
        .ruleset
        .map_err(|found| {
            let found = found.iter().map(|found| fault(&whole, found));
            found.collect::<Vec<_>>()
        })?;
    let name = Name::new(ANSWER).map_err(|_| Vec::new())?;
    Ok((Compiled::new(compiled), name))
}

/// The name of the function that gives an expression's value.
const ANSWER: &str = "__answer";

fn answer(name: ast::Identifier, result: ast::Expression) -> ast::Declaration {
    let span = result.span;
    let function = ast::Function {
        parameters: Vec::new(),
        declarations: Vec::new(),
        result,
        span,
    };
    let kind = ast::ExpressionKind::Function(Box::new(function));
    ast::Declaration {
        name,
        value: ast::Expression { kind, span },
        span,
    }
}

fn run(run: &stratus_pen::Run) -> Vec<String> {
    let rule = &run.rule;
    let mut told = match &run.end {
        RunEnd::Failed(fault) => vec![
            format!("rule {rule} failed {}", fault.code),
            format!("message {}", fault.message),
        ],
        RunEnd::Fired => vec![format!("rule {rule} fired")],
        RunEnd::NotFired | RunEnd::NotSelected => vec![format!("rule {rule} not fired")],
    };
    told.extend(
        run.log
            .iter()
            .map(|(level, text)| format!("log {level} {text}")),
    );
    told
}

fn raise(raise: &stratus_pen::language::Raise) -> String {
    let only = raise.for_ruleset.as_ref();
    let only = only.map_or_else(String::new, |rid| format!(" for {rid}"));
    let (domain, kind) = (&raise.domain, &raise.kind);
    format!("raise {domain}:{kind}{only} {}", json(&raise.attributes))
}

fn arrangement(arrangement: &Arrangement) -> String {
    let tags = |tags: &[Name]| {
        let tags: Vec<&str> = tags.iter().map(Name::as_str).collect();
        tags.join(" ")
    };
    match arrangement {
        Arrangement::ChangeChannel { tags: now, .. } => format!("channel changed {}", tags(now)),
        Arrangement::CreatePen(child) => format!("pen made {}", child.name),
        Arrangement::DeleteChannel { .. } => "channel deleted".to_owned(),
        Arrangement::DeletePen(_) => "pen deleted".to_owned(),
        Arrangement::MakeChannel(channel) => format!("channel made {}", tags(&channel.tags)),
    }
}

fn timer(change: &TimerChange) -> String {
    match change {
        TimerChange::Remove { .. } => "timer removed".to_owned(),
        TimerChange::Set(timer) => {
            let (at, raise) = (timer.at, &timer.raise);
            let (domain, kind) = (&raise.domain, &raise.kind);
            let again = timer.repeat.as_ref().map(Cron::expression);
            let again = again.map_or_else(String::new, |cron| format!(" repeat {cron}"));
            let attributes = json(&raise.attributes);
            format!("timer {at} {domain}:{kind} {attributes}{again}")
        }
    }
}

fn json(map: &Map) -> String {
    data::written(&Value::map(map.clone()))
}

fn no_answer() -> Fault {
    Fault::new(
        Whose::World,
        "krl-answer-missing",
        "the fixture has no answer to this question",
    )
}

fn not_installed(rid: &str) -> Fault {
    let message = format!("the ruleset {rid} is not installed here");
    Fault::new(Whose::Caller, "ruleset-unknown", message)
}
