//! What a transaction does.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use stratus_event::{EventId, Map, Timestamp, Value};
use stratus_pen::{
    Ending, Transaction,
    language::{
        Change, Directive, Ended, Question, QuestionId, Raise, RuleError, Scene, StateView, Stop,
        TimerChange,
    },
};
use stratus_salience::{Expression, Piece, Primitive};

use crate::ruleset::{
    Ruleset, act, curious, done, event, failing, failure, fired, name, on, raise, raising, run,
    setting, state, story, timer, transaction,
};

#[test]
fn rules_run_in_install_order_and_raised_events_first_in_first_out() {
    let second = Ruleset::new("a.second").rule("x", on("t:go"), |_| Ok(raising(&["t:c"])));
    let first = Ruleset::new("z.first")
        .rule("y", on("t:go"), |_| Ok(raising(&["t:a", "t:b"])))
        .rule("x", on("t:go"), |_| Ok(Ended::default()))
        .rule("b", on("t:b"), |_| Ok(fired()))
        .rule("a", on("t:a"), |_| Ok(raising(&["t:c"])))
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
                by: None,
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
    let two = Ruleset::new("two").rule("c", on("t:go"), |_| Ok(raising(&["t:go2"])));
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
            by: None,
        }];
        Ok(Ended {
            directives,
            ..fired()
        })
    };
    let ruleset = Ruleset::new("r")
        .rule("a", on("t:go"), tell)
        .rule("b", on("t:go"), tell)
        .rule("c", on("t:go"), |_| Ok(raising(&["t:more"])))
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
    let distinct: BTreeSet<_> = seeds
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
fn a_pen_says_why_an_event_selected_a_rule_or_did_not() {
    let both = Expression::Before(vec![on("t:a"), on("t:b")]);
    let mut state = state([Ruleset::new("r").rule("both", both, |_| Ok(fired()))]);
    let mut said = Vec::new();
    for symbol in ["t:c", "t:a", "t:c", "t:b"] {
        let done = run(&state, symbol);
        let why = state.why(&event(symbol), &done, &name("r"), &name("both"));
        said.push(why.unwrap().to_string());
        state.apply(&done);
    }
    let expected = [
        "not woken: it is not t:a",
        "waiting at step 2 of 2 for t:b",
        "waiting at step 2 of 2 for t:b; this event: it is not t:b",
        "fired",
    ];
    assert_eq!(said, expected);
    let none = state.why(
        &event("t:a"),
        &run(&state, "t:a"),
        &name("r"),
        &name("other"),
    );
    assert_eq!(none, None);
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
    assert_eq!(gone.automata, [(name("r"), name("both"), Piece::Head)]);
    assert_eq!(story(&run(&state, "t:b")), [""; 0]);
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
