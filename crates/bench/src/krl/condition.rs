//! How long the condition of a rule takes for an event.

use std::{hint::black_box, sync::Arc};

use stratus_event::{Event, EventId, Map, Name, PenId, Timestamp, Value};
use stratus_krl::Krl;
use stratus_pen::{
    State,
    language::{Answers, Language as _, Limits, Program, Scene, StateView},
};
use stratus_salience::Bindings;

use crate::{
    figure::Figure,
    meter::{interleaved, time_each},
};

/// A condition as an event expression's `where`, and as a rule's own with a declaration before it.
/// Both are evaluated as a PEN does it: through the program's own interface, from the event's
/// attributes to the answer, with all that an evaluation begins and ends with.
pub(super) fn measure() -> [Figure; 2] {
    let program = program();
    let events: Vec<_> = (0..100).map(event).collect();
    let pen = State::new(PenId([0; 16]), "bench");
    let (bindings, answers, limits) = (Bindings::default(), Answers::default(), Limits::default());
    let scene = |event| Scene {
        view: &pen as &dyn StateView,
        event: Some(event),
        channel: None,
        bindings: &bindings,
        now: Timestamp(0),
        seed: [0; 32],
        answers: &answers,
        limits: &limits,
    };
    let mut held = [0_u32; 2];
    let both: [f64; 2] = interleaved(RUNS, |which| {
        held[which] = 0;
        time_each(EVENTS, |number| {
            let Some(event) = events.get(number as usize % events.len()) else {
                return;
            };
            let scene = scene(event);
            let holds = match which {
                0 => program.holds(0, &scene).said.is_ok_and(|holds| holds),
                _ => program.run(1, &scene).is_ok_and(|ended| ended.fired),
            };
            held[which] += u32::from(black_box(holds));
        })
    });
    assert_eq!(held, [EVENTS / 4; 2], "a quarter of the events hold");
    [
        Figure::new("condition_ns", both[0], "ns").at_most(60.0),
        Figure::new("rule_ns", both[1], "ns"),
    ]
}

#[expect(clippy::expect_used, reason = "the ruleset is ours")]
fn program() -> Arc<dyn Program> {
    Krl.compile(RULESET).expect("a ruleset without faults")
}

/// Half of them have an amount great enough, half of them come from Alice.
fn event(number: i32) -> Event {
    let sender = if number / 2 % 2 == 0 {
        "alice"
    } else {
        "bobby"
    };
    let amount = if number % 2 == 0 {
        number / 2
    } else {
        number + 100
    };
    let attributes = [
        ("from", Value::from(sender)),
        ("a", Value::from(amount)),
        ("to", Value::from("carol")),
    ];
    Event {
        id: EventId([0; 16]),
        domain: name("bank"),
        kind: name("transfer"),
        attributes: Map::from(attributes),
        time: Timestamp(0),
        cause: None,
    }
}

#[expect(clippy::expect_used, reason = "the names are ours")]
fn name(text: &str) -> Name {
    Name::new(text).expect("a name")
}

const RULESET: &str = r#"ruleset io.example.condition {
  rule by_where {
    select when bank transfer where a * 2 + 10 > 200 && from == "alice"
  }
  rule by_condition {
    select when bank transfer
    pre { t = event:attrs{"a"} * 2 + 10 }
    if t > 200 && event:attrs{"from"} == "alice" then noop()
  }
}"#;
const EVENTS: u32 = 100_000;
const RUNS: usize = 9;
