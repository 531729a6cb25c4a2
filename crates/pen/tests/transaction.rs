//! Transactions, with rules that are closures.

#![cfg(test)]

use std::{any::Any, collections::BTreeMap, fmt, sync::Arc};

use stratus_event::{Event, EventId, Fault, Map, Name, PenId, Timestamp, Value};
use stratus_pen::{
    Answered, Bounds, Done, Ending, Run, RunEnd, State, Transaction,
    language::{
        Change, Directive, Effect, Ended, Outline, Program, Question, QuestionId, Raise, RuleError,
        Scene, StateView, Stop, Timer, TimerChange,
    },
};
use stratus_salience::{Expression, Primitive, Symbol};

type Body = Box<dyn Fn(&Scene<'_>) -> Result<Ended, Stop> + Send + Sync>;
type Condition = Box<dyn Fn(&Scene<'_>) -> Result<bool, RuleError> + Send + Sync>;

/// A ruleset of closures.
struct Ruleset {
    rid: Name,
    rules: Vec<Outline>,
    bodies: Vec<Body>,
    conditions: Vec<Condition>,
    modules: Vec<Name>,
}

impl Ruleset {
    fn new(rid: &str) -> Self {
        let (rules, bodies, conditions, modules) = Default::default();
        Self {
            rid: name(rid),
            rules,
            bodies,
            conditions,
            modules,
        }
    }

    fn rule(
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

    fn condition(
        mut self,
        condition: impl Fn(&Scene<'_>) -> Result<bool, RuleError> + Send + Sync + 'static,
    ) -> Self {
        self.conditions.push(Box::new(condition));
        self
    }

    fn uses(mut self, module: &str) -> Self {
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
        &[]
    }

    fn modules(&self) -> &[Name] {
        &self.modules
    }

    fn holds(&self, condition: usize, scene: &Scene<'_>) -> Result<bool, RuleError> {
        self.conditions[condition](scene)
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        self.bodies[rule](scene)
    }

    fn query(&self, _: &Name, _: &Map, _: &Scene<'_>) -> Result<Value, Stop> {
        Ok(Value::Null)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// `on("a:b")`: one event, no filter.
fn on(symbol: &str) -> Expression {
    let (domain, kind) = symbol.split_once(':').unwrap();
    Expression::Primitive(Primitive {
        symbol: Symbol {
            domain: Some(name(domain)),
            kind: Some(name(kind)),
        },
        filters: Vec::new(),
        setting: Vec::new(),
        condition: None,
    })
}

fn fired() -> Ended {
    Ended {
        fired: true,
        iterations: 1,
        ..Ended::default()
    }
}

fn raise(symbol: &str) -> Raise {
    let (domain, kind) = symbol.split_once(':').unwrap();
    let (domain, kind) = (name(domain), name(kind));
    Raise {
        domain,
        kind,
        attributes: Map::new(),
        for_ruleset: None,
    }
}

fn raising(symbols: &[&str]) -> Result<Ended, Stop> {
    Ok(Ended {
        raises: symbols.iter().map(|symbol| raise(symbol)).collect(),
        ..fired()
    })
}

fn setting(rid: &str, variable: &str, value: impl Into<Value>) -> Change {
    Change {
        rid: name(rid),
        name: name(variable),
        value: Some(value.into()),
    }
}

fn act(word: &str) -> Effect {
    Effect::Act {
        connector: name("test"),
        action: name(word),
        arguments: Map::new(),
    }
}

fn failing() -> Result<Ended, Stop> {
    Err(Stop::Error(RuleError {
        code: "test-failed",
        message: "it went wrong".into(),
    }))
}

fn event(symbol: &str) -> Event {
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

fn state(rulesets: impl IntoIterator<Item = Ruleset>) -> State {
    let mut state = State::new(PenId([1; 16]), "test");
    for ruleset in rulesets {
        state.install(Arc::new(ruleset)).unwrap();
    }
    state
}

fn transaction(state: &State, symbol: &str) -> Transaction {
    Transaction {
        state: state.clone(),
        event: event(symbol),
        channel: None,
        for_ruleset: None,
        now: Timestamp(2000),
        seed: [3; 32],
        bounds: Bounds::default(),
        answers: Answered::new(),
    }
}

fn done(transaction: Transaction) -> Done {
    match transaction.run() {
        Ending::Done(done) => *done,
        Ending::Ask(asked) => panic!("it asks {asked:?}"),
    }
}

fn run(state: &State, symbol: &str) -> Done {
    done(transaction(state, symbol))
}

/// The trace in words: `event rid/rule` and `!` after one that failed, `-` after one that did not
/// fire.
fn story(done: &Done) -> Vec<String> {
    let line = |run: &Run| {
        let mark = match &run.end {
            RunEnd::Failed(_) => "!",
            RunEnd::Fired => "",
            RunEnd::NotFired => "-",
        };
        format!("{} {}/{}{mark}", run.event.symbol(), run.rid, run.rule)
    };
    done.runs.iter().map(line).collect()
}

fn failure(done: &Done) -> &Fault {
    let mut failures = done.runs.iter().filter_map(|run| match &run.end {
        RunEnd::Failed(fault) => Some(fault),
        _ => None,
    });
    failures.next().expect("no run failed")
}

#[test]
fn rules_run_in_install_order_and_raised_events_first_in_first_out() {
    let second = Ruleset::new("a.second").rule("x", on("t:go"), |_| raising(&["t:c"]));
    let first = Ruleset::new("z.first")
        .rule("y", on("t:go"), |_| raising(&["t:a", "t:b"]))
        .rule("x", on("t:go"), |_| Ok(Ended::default()))
        .rule("b", on("t:b"), |_| Ok(fired()))
        .rule("a", on("t:a"), |_| raising(&["t:c"]))
        .rule("c", on("t:c"), |_| Ok(fired()));
    let done = run(&state([first, second]), "t:go");
    let expected = [
        "t:go z.first/y",
        "t:go z.first/x-",
        "t:go a.second/x",
        "t:a z.first/a",
        "t:b z.first/b",
        "t:c z.first/c",
        "t:c z.first/c",
    ];
    assert_eq!(story(&done), expected);
    let raised: Vec<_> = done.runs[3..]
        .iter()
        .map(|run| (run.event.id, run.event.cause))
        .collect();
    let accepted = EventId([9; 16]);
    let a = accepted.raised(0);
    assert_eq!(
        raised,
        [
            (a, Some(accepted)),
            (accepted.raised(1), Some(accepted)),
            (accepted.raised(2), Some(accepted)),
            (a.raised(0), Some(a)),
        ]
    );
    assert!(
        done.runs[3..]
            .iter()
            .all(|run| run.event.time == Timestamp(2000))
    );
}

#[test]
fn later_rules_read_what_earlier_ones_wrote_and_the_last_value_is_the_change() {
    let ruleset = Ruleset::new("r")
        .rule("one", on("t:go"), |_| {
            Ok(Ended {
                changes: vec![setting("r", "v", 1), setting("r", "w", 1)],
                ..fired()
            })
        })
        .rule("two", on("t:go"), |scene| {
            let seen = scene
                .view
                .variable(&name("r"), &name("v"))
                .unwrap_or_default();
            let clear = Change {
                rid: name("r"),
                name: name("w"),
                value: None,
            };
            let seen = Value::list([seen]);
            Ok(Ended {
                changes: vec![setting("r", "v", seen), clear],
                ..fired()
            })
        })
        .rule("three", on("t:go"), |scene| {
            assert_eq!(scene.view.variable(&name("r"), &name("w")), None);
            assert_eq!(
                scene.view.variable(&name("r"), &name("old")),
                Some(7.into())
            );
            Ok(fired())
        });
    let mut state = state([ruleset]);
    state.change(&setting("r", "old", 7));
    let done = run(&state, "t:go");
    let v = setting("r", "v", Value::list([1.into()]));
    let w = Change {
        rid: name("r"),
        name: name("w"),
        value: None,
    };
    assert_eq!(done.changes, [v, w]);
    assert_eq!(
        done.runs[0].changes,
        [(name("r"), name("v")), (name("r"), name("w"))]
    );
    assert_eq!(state.variable(&name("r"), &name("v")), None);
    state.apply(&done);
    assert_eq!(
        state.variable(&name("r"), &name("v")),
        Some(Value::list([1.into()]))
    );
}

#[test]
fn an_error_undoes_its_run_only_and_tells_the_pen() {
    let broken = Ruleset::new("broken").rule("bad", on("t:go"), |_| failing());
    let good = Ruleset::new("good")
        .rule("before", on("t:go"), |_| {
            let directives = vec![Directive {
                name: "d".into(),
                options: Map::new(),
            }];
            Ok(Ended {
                effects: vec![act("one")],
                directives,
                ..fired()
            })
        })
        .rule("heard", on("system:error"), |scene| {
            let attributes = &scene.event.unwrap().attributes;
            let change = setting("good", "heard", attributes.clone());
            Ok(Ended {
                changes: vec![change],
                effects: vec![act("two")],
                ..fired()
            })
        });
    let done = run(&state([broken, good]), "t:go");
    let expected = [
        "t:go broken/bad!",
        "t:go good/before",
        "system:error good/heard",
    ];
    assert_eq!(story(&done), expected);
    let attributes = Map::from([
        ("code", "test-failed"),
        ("level", "error"),
        ("msg", "it went wrong"),
        ("rid", "broken"),
        ("rule_name", "bad"),
    ]);
    assert_eq!(done.changes, [setting("good", "heard", attributes)]);
    assert_eq!(failure(&done).code, "test-failed");
    let effects: Vec<_> = done
        .effects
        .iter()
        .map(|one| (one.run.rule.clone(), &one.effect))
        .collect();
    assert_eq!(
        effects,
        [(name("before"), &act("one")), (name("heard"), &act("two"))]
    );
    assert_eq!(
        (&*done.runs[1].effects, &*done.runs[2].effects),
        (&[0][..], &[1][..])
    );
    assert_eq!(done.directives.len(), 1);
    assert_eq!(done.failed, None);
}

#[test]
fn errors_of_error_handlers_come_to_an_end() {
    let ruleset = Ruleset::new("r")
        .rule("bad", on("t:go"), |_| failing())
        .rule("worse", on("system:error"), |_| failing());
    let done = run(&state([ruleset]), "t:go");
    let expected = [
        "t:go r/bad!",
        "system:error r/worse!",
        "system:error r/worse!",
    ];
    assert_eq!(story(&done), expected);
}

#[test]
fn last_keeps_the_event_from_the_rest_of_its_ruleset() {
    let stopping = || {
        Ok(Ended {
            last: true,
            ..fired()
        })
    };
    let one = Ruleset::new("one")
        .rule("a", on("t:go"), move |_| stopping())
        .rule("b", on("t:go"), |_| Ok(fired()));
    let two = Ruleset::new("two").rule("c", on("t:go"), |_| raising(&["t:go2"]));
    assert_eq!(
        story(&run(&state([one, two]), "t:go")),
        ["t:go one/a", "t:go two/c"]
    );
}

#[test]
fn raise_for_reaches_one_ruleset() {
    let only = Raise {
        for_ruleset: Some(name("two")),
        ..raise("t:b")
    };
    let one = Ruleset::new("one")
        .rule("a", on("t:go"), move |_| {
            Ok(Ended {
                raises: vec![only.clone()],
                ..fired()
            })
        })
        .rule("b", on("t:b"), |_| Ok(fired()));
    let two = Ruleset::new("two").rule("b", on("t:b"), |_| Ok(fired()));
    let state = state([one, two]);
    assert_eq!(story(&run(&state, "t:go")), ["t:go one/a", "t:b two/b"]);
    let timer = Transaction {
        for_ruleset: Some(name("one")),
        ..transaction(&state, "t:b")
    };
    assert_eq!(story(&done(timer)), ["t:b one/b"]);
}

/// A rule that asks for one more number after each answer, `rounds` in all, and effects their sum.
fn curious(rounds: u32) -> Ruleset {
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
            let seed = scene
                .seed
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect::<String>();
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

#[test]
fn a_question_stops_all_and_its_answer_lets_the_same_run_go_on() {
    let state = state([curious(2)]);
    let mut pending = transaction(&state, "t:go");
    for round in 0..2 {
        let Ending::Ask(asked) = pending.clone().run() else {
            panic!("it does not ask")
        };
        assert_eq!(
            (asked.run.rid.as_str(), asked.run.rule.as_str()),
            ("curious", "ask")
        );
        assert_eq!(asked.run.event, EventId([9; 16]));
        assert_eq!(asked.questions.len(), 1);
        assert_eq!(asked.questions[0].id.ordinal, round);
        let answers = pending.answers.entry(asked.run).or_default();
        answers.insert(asked.questions[0].id, Ok(Value::number(f64::from(round))));
    }
    let first = done(pending.clone());
    assert_eq!(story(&first), ["t:go curious/count", "t:go curious/ask"]);
    assert_eq!(
        first.changes[2],
        setting("curious", "told", Value::list([0.into(), 1.into()]))
    );
    assert_eq!(done(pending), first);
}

#[test]
fn seeds_differ_by_rule_event_and_transaction() {
    let tell = |scene: &Scene<'_>| {
        let seed = Value::list(scene.seed.iter().map(|byte| i32::from(*byte).into()));
        let directives = vec![Directive {
            name: "seed".into(),
            options: Map::from([("s", seed)]),
        }];
        Ok(Ended {
            directives,
            ..fired()
        })
    };
    let ruleset = Ruleset::new("r")
        .rule("a", on("t:go"), tell)
        .rule("b", on("t:go"), tell)
        .rule("c", on("t:go"), |_| raising(&["t:more"]))
        .rule("d", on("t:more"), tell);
    let state = state([ruleset]);
    let mut seeds = run(&state, "t:go").directives;
    seeds.extend(
        done(Transaction {
            seed: [4; 32],
            ..transaction(&state, "t:go")
        })
        .directives,
    );
    let distinct: std::collections::BTreeSet<_> = seeds
        .iter()
        .map(|directive| format!("{:?}", directive.options))
        .collect();
    assert_eq!((seeds.len(), distinct.len()), (6, 6));
}

#[test]
fn a_condition_that_goes_wrong_does_not_hold_and_is_noted() {
    let Expression::Primitive(primitive) = on("t:go") else {
        unreachable!()
    };
    let select = Expression::Primitive(Primitive {
        condition: Some(0),
        ..primitive
    });
    let ruleset = Ruleset::new("r")
        .rule("a", select, |_| Ok(fired()))
        .condition(|_| {
            Err(RuleError {
                code: "test-failed",
                message: "no such thing".into(),
            })
        });
    let done = run(&state([ruleset]), "t:go");
    assert_eq!(story(&done), ["t:go r/a-"]);
    assert_eq!(
        done.runs[0].log,
        [("error".into(), "no such thing [test-failed]".into())]
    );
}

#[test]
fn automata_move_with_the_commit_and_last_leaves_them() {
    let both = || Expression::Before(vec![on("t:a"), on("t:b")]);
    let ruleset = || Ruleset::new("r").rule("both", both(), |_| Ok(fired()));
    let mut state = state([ruleset()]);
    let begun = run(&state, "t:a");
    assert_eq!(story(&begun), [""; 0]);
    assert_eq!(begun.automata.len(), 1);
    state.apply(&begun);
    assert!(state.progress(&name("r"), &name("both")).is_some());
    assert_eq!(run(&state, "t:a").automata, []);
    // The same rule goes on after its ruleset is installed again; another expression does not.
    let gone = state.install(Arc::new(ruleset())).unwrap();
    assert_eq!(gone.automata, []);
    let ended = run(&state, "t:b");
    assert_eq!(story(&ended), ["t:b r/both"]);
    assert_eq!(ended.automata[0].progress, None);
    let other = Expression::Before(vec![on("t:a"), on("t:c")]);
    let gone = state
        .install(Arc::new(
            Ruleset::new("r").rule("both", other, |_| Ok(fired())),
        ))
        .unwrap();
    assert_eq!(gone.automata, [(name("r"), name("both"))]);
    assert_eq!(story(&run(&state, "t:b")), [""; 0]);
}

fn timer(id: &str, rid: &str) -> Timer {
    Timer {
        id: name(id),
        rid: name(rid),
        at: Timestamp(5000),
        raise: raise("t:late"),
    }
}

#[test]
fn timers_are_seen_by_later_rules_and_belong_to_their_ruleset() {
    let set = |id: &'static str, rid: &'static str| {
        move |_: &Scene<'_>| {
            Ok(Ended {
                timers: vec![TimerChange::Set(timer(id, rid))],
                ..fired()
            })
        }
    };
    let remove = |id: &'static str| {
        move |_: &Scene<'_>| {
            Ok(Ended {
                timers: vec![TimerChange::Remove { id: name(id) }],
                ..fired()
            })
        }
    };
    let one = Ruleset::new("one")
        .rule("set", on("t:go"), set("x", "one"))
        .rule("see", on("t:go"), |scene| {
            assert_eq!(scene.view.timers(&name("one")), [timer("x", "one")]);
            assert_eq!(scene.view.timers(&name("two")), []);
            Ok(fired())
        })
        .rule("unset", on("t:stop"), remove("x"))
        .rule("brief", on("t:brief"), set("y", "one"))
        .rule("unbrief", on("t:brief"), remove("y"));
    let two = Ruleset::new("two").rule("steal", on("t:steal"), remove("x"));
    let mut state = state([one, two]);
    assert_eq!(run(&state, "t:brief").timers, []);
    let done = run(&state, "t:go");
    assert_eq!(done.timers, [TimerChange::Set(timer("x", "one"))]);
    state.apply(&done);
    assert_eq!(failure(&run(&state, "t:steal")).code, "timer-foreign");
    assert_eq!(
        run(&state, "t:stop").timers,
        [TimerChange::Remove { id: name("x") }]
    );
}

/// One bound at a time: what a transaction does that goes beyond it.
fn check_bound(bounds: Bounds, rulesets: Vec<Ruleset>, code: &str, given_up: bool) {
    let state = state(rulesets);
    let done = done(Transaction {
        bounds,
        ..transaction(&state, "t:go")
    });
    if given_up {
        assert_eq!(done.failed.as_ref().map(|fault| &*fault.code), Some(code));
        assert!(
            done.runs
                .iter()
                .all(|run| run.changes.is_empty() && run.effects.is_empty())
        );
        assert_eq!(
            (done.changes.len(), done.effects.len(), done.automata.len()),
            (0, 0, 0)
        );
        assert!(!done.runs.is_empty());
    } else {
        assert_eq!(done.failed, None, "{code}");
        assert_eq!(failure(&done).code, code);
        assert_eq!(done.changes, [], "{code}");
    }
}

#[test]
fn every_bound_ends_in_an_error_with_its_code() {
    let bounds = Bounds::default();
    let one = |ended: fn() -> Ended| {
        let changing = move || Ended {
            changes: vec![setting("r", "v", 1)],
            ..ended()
        };
        vec![Ruleset::new("r").rule("a", on("t:go"), move |_| Ok(changing()))]
    };
    let wishes = |effects: usize, directives: usize| Ended {
        effects: vec![act("x"); effects],
        directives: vec![
            Directive {
                name: "d".into(),
                options: Map::new()
            };
            directives
        ],
        ..fired()
    };
    let effects = Bounds {
        effects_max: 1,
        ..bounds
    };
    let few = one(|| Ended {
        effects: vec![act("x"); 2],
        ..fired()
    });
    assert_eq!(wishes(2, 0).effects.len(), 2);
    check_bound(effects, few, "effects-exceeded", false);
    let directives = Bounds {
        directives_max: 0,
        ..bounds
    };
    let directive = || Directive {
        name: "d".into(),
        options: Map::new(),
    };
    assert_eq!(directive().name, "d");
    let some = one(|| Ended {
        directives: vec![Directive {
            name: "d".into(),
            options: Map::new(),
        }],
        ..fired()
    });
    check_bound(directives, some, "directives-exceeded", false);
    let raises = Bounds {
        raises_max: 1,
        ..bounds
    };
    let two = one(|| Ended {
        raises: vec![raise("t:x"); 2],
        ..fired()
    });
    check_bound(raises, two, "raises-exceeded", false);
    let timers = Bounds {
        timers_max: 0,
        ..bounds
    };
    let set = one(|| Ended {
        timers: vec![TimerChange::Set(timer("x", "r"))],
        ..fired()
    });
    check_bound(timers, set, "timers-exceeded", false);
    let questions = Bounds {
        questions_max: 0,
        ..bounds
    };
    check_bound_of_questions(questions);
    let depth = Bounds {
        raise_depth_max: 3,
        ..bounds
    };
    let endless = || vec![Ruleset::new("r").rule("a", on("t:go"), |_| raising(&["t:go"]))];
    check_bound(depth, endless(), "raise-depth-exceeded", false);
    check_bound(
        Bounds {
            runs_max: 5,
            ..bounds
        },
        endless(),
        "runs-exceeded",
        true,
    );
    let fuel = Bounds {
        fuel_max: 9,
        ..bounds
    };
    let hungry = one(|| Ended {
        fuel: 10,
        ..fired()
    });
    let before = Ruleset::new("q").rule("a", on("t:go"), |_| Ok(fired()));
    let hungry = [before].into_iter().chain(hungry).collect();
    check_bound(fuel, hungry, "event-fuel-exceeded", true);
    let failures = Bounds {
        failures_max: 1,
        ..bounds
    };
    let bad = vec![Ruleset::new("r").rule("a", on("t:go"), |_| failing())];
    check_bound(failures, bad, "failures-exceeded", true);
}

fn check_bound_of_questions(bounds: Bounds) {
    let state = state([curious(1)]);
    let done = done(Transaction {
        bounds,
        ..transaction(&state, "t:go")
    });
    assert_eq!(failure(&done).code, "questions-exceeded");
}

#[test]
fn asking_again_what_is_answered_is_an_error() {
    let ruleset = Ruleset::new("r").rule("a", on("t:go"), |_| {
        let id = QuestionId {
            iteration: 0,
            site: 0,
            ordinal: 0,
        };
        let (connector, action, arguments) = (name("test"), name("again"), Map::new());
        Err(Stop::Ask(vec![Question {
            id,
            connector,
            action,
            arguments,
        }]))
    });
    let mut pending = transaction(&state([ruleset]), "t:go");
    let Ending::Ask(asked) = pending.clone().run() else {
        panic!("it does not ask")
    };
    let answers = BTreeMap::from([(asked.questions[0].id, Ok(Value::Null))]);
    pending.answers.insert(asked.run, answers);
    assert_eq!(failure(&done(pending)).code, "question-repeated");
}

#[test]
fn modules_have_to_be_there_and_stay() {
    let mut state = state([Ruleset::new("base")]);
    let code = |fault: Result<_, Fault>| fault.map(|_: stratus_pen::Gone| ()).unwrap_err().code;
    let missing = Ruleset::new("top").uses("middle");
    assert_eq!(code(state.install(Arc::new(missing))), "module-missing");
    state
        .install(Arc::new(Ruleset::new("middle").uses("base")))
        .unwrap();
    let cycle = Ruleset::new("base").uses("middle");
    assert_eq!(code(state.install(Arc::new(cycle))), "module-cycle");
    assert_eq!(code(state.uninstall(&name("base"))), "ruleset-used");
    assert_eq!(code(state.uninstall(&name("other"))), "ruleset-unknown");
    state.uninstall(&name("middle")).unwrap();
    state.change(&setting("base", "v", 1));
    state.set_timer(timer("t", "base"));
    let gone = state.uninstall(&name("base")).unwrap();
    assert_eq!(gone.variables, [(name("base"), name("v"))]);
    assert_eq!(gone.timers, [name("t")]);
    assert_eq!(
        (state.programs().count(), state.all_timers().count()),
        (0, 0)
    );
    assert_eq!(state.variable(&name("base"), &name("v")), None);
}
