//! What a transaction may use up.

use stratus_event::{Map, Value};
use stratus_pen::{
    Bounds, Ending, Transaction,
    language::{Directive, Ended, FUEL_EXHAUSTED, RuleError, Scene, Stop, TimerChange},
};

use stratus_salience::{Expression, Primitive};

use crate::ruleset::{
    Ruleset, act, curious, done, failing, failure, fired, on, raise, raising, setting, state,
    timer, transaction,
};

/// Sets one bound, and raises `t:go` among these rulesets.
fn run(bound: impl Fn(&mut Bounds), rulesets: Vec<Ruleset>) -> stratus_pen::Done {
    let mut transaction = transaction(&state(rulesets), "t:go");
    bound(&mut transaction.bounds);
    done(transaction)
}

/// The run that goes beyond the bound fails and is undone.
fn check(bound: impl Fn(&mut Bounds), rulesets: Vec<Ruleset>, code: &str) {
    let done = run(bound, rulesets);
    assert_eq!(done.failed, None, "{code}");
    assert_eq!(failure(&done).code, code);
    assert_eq!(done.changes, [], "{code}");
}

/// The transaction is given up, and only the trace tells what was.
fn check_given_up(bound: impl Fn(&mut Bounds), rulesets: Vec<Ruleset>, code: &str) {
    let done = run(bound, rulesets);
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
    assert!(!done.runs.is_empty(), "{code}");
}

/// A rule that wants this, and a variable set.
fn wanting(ended: fn() -> Ended) -> Vec<Ruleset> {
    let changes = || vec![setting("r", "v", 1)];
    vec![Ruleset::new("r").rule("a", on("t:go"), move |_| {
        Ok(Ended {
            changes: changes(),
            ..ended()
        })
    })]
}

#[test]
fn one_run_too_greedy() {
    let effects = || Ended {
        effects: vec![act("x"); 2],
        ..fired()
    };
    check(
        |bounds| bounds.effects_max = 1,
        wanting(effects),
        "effects-exceeded",
    );
    let directives = || {
        let directive = Directive {
            name: "d".into(),
            options: Map::new(),
            by: None,
        };
        Ended {
            directives: vec![directive],
            ..fired()
        }
    };
    check(
        |bounds| bounds.directives_max = 0,
        wanting(directives),
        "directives-exceeded",
    );
    let raises = || Ended {
        raises: vec![raise("t:x"); 2],
        ..fired()
    };
    check(
        |bounds| bounds.raises_max = 1,
        wanting(raises),
        "raises-exceeded",
    );
    let timers = || Ended {
        timers: vec![TimerChange::Set(timer("x", "r"))],
        ..fired()
    };
    check(
        |bounds| bounds.timers_max = 0,
        wanting(timers),
        "timers-exceeded",
    );
    check(
        |bounds| bounds.questions_max = 0,
        curious_only(),
        "questions-exceeded",
    );
    check(
        |bounds| bounds.raise_depth_max = 3,
        endless(),
        "raise-depth-exceeded",
    );
}

#[test]
fn a_variable_too_large() {
    let numbers = || Value::map((0..100).map(|n| (n.to_string(), n)).collect());
    let setting = |value: Value| {
        let change = move || vec![setting("r", "v", value.clone())];
        let rule = move |_: &Scene<'_>| {
            Ok(Ended {
                changes: change(),
                ..fired()
            })
        };
        vec![Ruleset::new("r").rule("a", on("t:go"), rule)]
    };
    let oversize = "variable-oversize";
    let whole = |bounds: &mut Bounds| bounds.variable_bytes_max = 100;
    check(whole, setting(numbers()), oversize);
    // Each entry of a large map is a part of its own.
    let part = |bounds: &mut Bounds| bounds.variable_part_bytes_max = 100;
    check(part, setting(Value::list([numbers()])), oversize);
    check(part, setting(Value::text("x".repeat(100))), oversize);
    assert_eq!(run(part, setting(numbers())).changes.len(), 1);
    let change = |bounds: &mut Bounds| bounds.bytes_max = 100;
    check(change, setting(numbers()), oversize);
}

#[test]
fn all_runs_together_too_greedy() {
    check_given_up(|bounds| bounds.runs_max = 5, endless(), "runs-exceeded");
    let hungry = || Ended {
        fuel: 10,
        ..fired()
    };
    let mut rulesets = vec![Ruleset::new("q").rule("a", on("t:go"), |_| Ok(fired()))];
    rulesets.extend(wanting(hungry));
    check_given_up(
        |bounds| bounds.fuel_max = 9,
        rulesets,
        "event-fuel-exceeded",
    );
    let keeping = || Ended {
        bytes: 10,
        ..fired()
    };
    let mut rulesets = vec![Ruleset::new("q").rule("a", on("t:go"), |_| Ok(fired()))];
    rulesets.extend(wanting(keeping));
    check_given_up(
        |bounds| bounds.bytes_max = 9,
        rulesets,
        "event-bytes-exceeded",
    );
    let bad = vec![Ruleset::new("r").rule("a", on("t:go"), |_| failing())];
    check_given_up(|bounds| bounds.failures_max = 1, bad, "failures-exceeded");
}

/// A predicate that holds for nothing leaves no run, but its work counts.
#[test]
fn predicates_use_fuel() {
    let Expression::Primitive(primitive) = on("t:go") else {
        panic!("an event is a primitive");
    };
    let select = Expression::Primitive(Primitive {
        condition: Some(0),
        ..primitive
    });
    let ruleset = Ruleset::new("r")
        .rule("a", select, |_| Ok(fired()))
        .condition(|_| Ok(false));
    let first = Ruleset::new("q").rule("a", on("t:go"), |_| Ok(fired()));
    check_given_up(
        |bounds| bounds.fuel_max = 9,
        vec![first, ruleset],
        "event-fuel-exceeded",
    );
}

#[test]
fn bounds_are_reached_before_they_are_exceeded() {
    let raises = || Ended {
        raises: vec![raise("t:x"); 2],
        ..fired()
    };
    assert_eq!(
        run(|bounds| bounds.raises_max = 2, wanting(raises))
            .changes
            .len(),
        1
    );
    let state = state(endless());
    let bounds = Bounds {
        raise_depth_max: 3,
        error_depth_max: 0,
        ..Bounds::default()
    };
    let done = done(Transaction {
        bounds,
        ..transaction(&state, "t:go")
    });
    assert_eq!(done.runs.len(), 4);
}

/// One with no time left comes back as it was, and comes to the same end when there is more.
#[test]
fn a_long_transaction_waits_for_its_time() {
    let runs = || Ended {
        fuel: 10,
        ..raising(&["t:x"])
    };
    let ruleset = Ruleset::new("r")
        .rule("a", on("t:go"), move |_| Ok(runs()))
        .rule("x", on("t:x"), |_| Ok(fired()));
    let state = state([ruleset]);
    let transaction = || transaction(&state, "t:go");
    let long = transaction().run_within(9).unwrap_err();
    let (late, early) = (long.run(), transaction().run_within(10).unwrap());
    let (Ending::Done(late), Ending::Done(early)) = (late, early) else {
        panic!("nothing is asked");
    };
    assert_eq!(late, early);
    assert_eq!(late.runs.len(), 2);
}

/// What a run failed for want of fuel is counted, and it fails only at its own bound.
#[test]
fn a_run_out_of_fuel_is_counted() {
    let spent = |scene: &Scene<'_>| {
        Err(Stop::Error(RuleError {
            code: FUEL_EXHAUSTED,
            message: scene.limits.fuel_max.to_string(),
        }))
    };
    let rulesets = || vec![Ruleset::new("r").rule("a", on("t:go"), move |scene| spent(scene))];
    let state = state(rulesets());
    assert!(transaction(&state, "t:go").run_within(1_000).is_err());
    let done = done(transaction(&state, "t:go"));
    let fuel_max = Bounds::default().rule.fuel_max.to_string();
    assert_eq!(failure(&done).message, fuel_max);
    let bound = |bounds: &mut Bounds| {
        bounds.rule.fuel_max = 5;
        bounds.fuel_max = 4;
    };
    check_given_up(bound, rulesets(), "event-fuel-exceeded");
}

/// A rule that wakes itself.
fn endless() -> Vec<Ruleset> {
    vec![Ruleset::new("r").rule("a", on("t:go"), |_| Ok(raising(&["t:go"])))]
}

/// The second rule of the curious, which asks.
fn curious_only() -> Vec<Ruleset> {
    vec![curious(1).without_first()]
}
