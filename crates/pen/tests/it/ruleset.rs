//! Rulesets of closures, and words for tests.

use std::{any::Any, fmt, sync::Arc};

use stratus_event::{Event, EventId, Fault, Map, Name, PenId, Timestamp, Value};
use stratus_pen::{
    Answered, Bounds, Done, Ending, Run, RunEnd, State, Transaction,
    language::{
        Change, Effect, Ended, Judgement, Outline, Program, Question, QuestionId, Raise, RuleError,
        Scene, Stop, Timer,
    },
};
use stratus_salience::{Expression, Primitive, Symbol};

type Body = Box<dyn Fn(&Scene<'_>) -> Result<Ended, Stop> + Send + Sync>;
type Answer = Box<dyn Fn(&Map, &Scene<'_>) -> Result<Value, Stop> + Send + Sync>;
type Condition = Box<dyn Fn(&Scene<'_>) -> Result<bool, RuleError> + Send + Sync>;

/// A ruleset of closures.
pub(crate) struct Ruleset {
    rid: Name,
    rules: Vec<Outline>,
    bodies: Vec<Body>,
    conditions: Vec<Condition>,
    queries: Vec<Name>,
    answers: Vec<Answer>,
    modules: Vec<Name>,
}

impl Ruleset {
    pub(crate) fn new(rid: &str) -> Self {
        let (rules, bodies, conditions, queries, answers, modules) = Default::default();
        Self {
            rid: name(rid),
            rules,
            bodies,
            conditions,
            queries,
            answers,
            modules,
        }
    }

    pub(crate) fn rule(
        self,
        rule: &str,
        select: Expression,
        body: impl Fn(&Scene<'_>) -> Result<Ended, Stop> + Send + Sync + 'static,
    ) -> Self {
        let mut this = self;
        this.rules.push(Outline {
            name: name(rule),
            active: true,
            select,
        });
        this.bodies.push(Box::new(body));
        this
    }

    pub(crate) fn condition(
        mut self,
        condition: impl Fn(&Scene<'_>) -> Result<bool, RuleError> + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Box::new(condition));
        self
    }

    pub(crate) fn query(
        mut self,
        query: &str,
        answer: impl Fn(&Map, &Scene<'_>) -> Result<Value, Stop> + Send + Sync + 'static,
    ) -> Self {
        self.queries.push(name(query));
        self.answers.push(Box::new(answer));
        self
    }

    /// The same ruleset without its first rule.
    pub(crate) fn without_first(mut self) -> Self {
        self.rules.remove(0);
        drop(self.bodies.remove(0));
        self
    }

    pub(crate) fn uses(mut self, module: &str) -> Self {
        self.modules.push(name(module));
        self
    }
}

impl fmt::Debug for Ruleset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ruleset({})", self.rid)
    }
}

impl Program for Ruleset {
    fn rid(&self) -> &Name {
        &self.rid
    }

    fn rules(&self) -> &[Outline] {
        &self.rules
    }

    fn queries(&self) -> &[Name] {
        &self.queries
    }

    fn modules(&self) -> &[Name] {
        &self.modules
    }

    fn holds(&self, condition: usize, scene: &Scene<'_>) -> Judgement<bool> {
        let said = self.conditions[condition](scene);
        Judgement { said, fuel: 10 }
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        self.bodies[rule](scene)
    }

    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Judgement<Value, Stop> {
        let place = self.queries.iter().position(|query| query == name).unwrap();
        let said = self.answers[place](arguments, scene);
        Judgement { said, fuel: 10 }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `on("a:b")`: one event, no filter.
pub(crate) fn on(symbol: &str) -> Expression {
    let (domain, kind) = symbol.split_once(':').unwrap();
    Expression::Primitive(Primitive {
        symbol: Symbol {
            domain: Some(name(domain)),
            kind: Some(name(kind)),
        },
        filters: Vec::new(),
        setting: Vec::new(),
        condition: None,
        intervals: Vec::new(),
        joins: Vec::new(),
        instant: None,
    })
}

pub(crate) fn fired() -> Ended {
    Ended {
        fired: true,
        iterations: 1,
        ..Ended::default()
    }
}

pub(crate) fn raise(symbol: &str) -> Raise {
    let (domain, kind) = symbol.split_once(':').unwrap();
    let (domain, kind) = (name(domain), name(kind));
    Raise {
        domain,
        kind,
        attributes: Map::new(),
        for_ruleset: None,
    }
}

pub(crate) fn raising(symbols: &[&str]) -> Ended {
    Ended {
        raises: symbols.iter().map(|symbol| raise(symbol)).collect(),
        ..fired()
    }
}

pub(crate) fn setting(rid: &str, variable: &str, value: impl Into<Value>) -> Change {
    Change {
        rid: name(rid),
        name: name(variable),
        value: Some(value.into()),
    }
}

pub(crate) fn act(word: &str) -> Effect {
    Effect::Act {
        connector: name("test"),
        action: name(word),
        arguments: Map::new(),
    }
}

pub(crate) fn failing() -> Result<Ended, Stop> {
    Err(Stop::Error(RuleError {
        code: "test-failed",
        message: "it went wrong".into(),
    }))
}

pub(crate) fn event(symbol: &str) -> Event {
    let (domain, kind) = symbol.split_once(':').unwrap();
    Event {
        id: EventId([9; 16]),
        domain: name(domain),
        kind: name(kind),
        attributes: Map::new(),
        time: Timestamp(1000),
        cause: None,
    }
}

pub(crate) fn state(rulesets: impl IntoIterator<Item = Ruleset>) -> State {
    let mut state = State::new(PenId([1; 16]), "test");
    for ruleset in rulesets {
        state.install(Arc::new(ruleset)).unwrap();
    }
    state
}

pub(crate) fn transaction(state: &State, symbol: &str) -> Transaction {
    Transaction {
        state: state.clone(),
        event: event(symbol),
        channel: None,
        for_ruleset: None,
        timer: None,
        now: Timestamp(2000),
        seed: [3; 32],
        bounds: Bounds::default(),
        answers: Answered::new(),
    }
}

pub(crate) fn done(transaction: Transaction) -> Done {
    match transaction.run() {
        Ending::Done(done) => *done,
        Ending::Ask(asked) => panic!("it asks {asked:?}"),
    }
}

pub(crate) fn run(state: &State, symbol: &str) -> Done {
    done(transaction(state, symbol))
}

/// The trace in words: `event rid/rule` and `!` after one that failed, `-` after one that did not
/// fire.
pub(crate) fn story(done: &Done) -> Vec<String> {
    let line = |run: &Run| {
        let mark = match &run.end {
            RunEnd::Failed(_) => "!",
            RunEnd::Fired => "",
            RunEnd::NotFired | RunEnd::NotSelected => "-",
        };
        format!("{} {}/{}{mark}", run.event.symbol(), run.rid, run.rule)
    };
    done.runs.iter().map(line).collect()
}

pub(crate) fn failure(done: &Done) -> &Fault {
    let mut failures = done.runs.iter().filter_map(|run| match &run.end {
        RunEnd::Failed(fault) => Some(fault),
        _ => None,
    });
    failures.next().expect("no run failed")
}

/// A rule that asks for one more number after each answer, `rounds` in all, and effects their sum.
pub(crate) fn curious(rounds: u32) -> Ruleset {
    Ruleset::new("curious")
        .rule("count", on("t:go"), |scene| {
            let count = scene
                .view
                .variable(&name("curious"), &name("n"))
                .unwrap_or_default();
            assert_eq!(count, Value::Null);
            Ok(Ended {
                changes: vec![setting("curious", "n", 1)],
                ..fired()
            })
        })
        .rule("ask", on("t:go"), move |scene| {
            for ordinal in 0..rounds {
                let id = QuestionId {
                    iteration: 0,
                    site: 1,
                    ordinal,
                };
                if !scene.answers.contains_key(&id) {
                    let (connector, action) = (name("test"), name("number"));
                    let arguments = Map::new();
                    return Err(Stop::Ask(vec![Question {
                        id,
                        connector,
                        action,
                        arguments,
                    }]));
                }
            }
            let seed = Value::list(scene.seed.iter().map(|byte| i32::from(*byte).into()));
            let told = scene.answers.values().map(|answer| answer.clone().unwrap());
            let changes = vec![
                setting("curious", "told", Value::list(told)),
                setting("curious", "seed", seed),
            ];
            Ok(Ended {
                changes,
                effects: vec![act("tell")],
                ..fired()
            })
        })
}

pub(crate) fn timer(id: &str, rid: &str) -> Timer {
    Timer {
        id: name(id),
        rid: name(rid),
        at: Timestamp(5000),
        raise: raise("t:late"),
        repeat: None,
    }
}
