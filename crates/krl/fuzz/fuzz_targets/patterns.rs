//! Regular expressions in a program: a pattern is refused or understood, and whatever it is, its
//! work on a text comes to an end within the bounds.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use stratus_event::{Eci, Event, EventId, Map, Name, PenId, Timestamp};
use stratus_krl::Krl;
use stratus_pen::{
    Answered, Bounds, Ending, RunEnd, State, Transaction,
    language::{Language as _, Limits},
};

fuzz_target!(|input: (&str, &str, &str)| {
    let (pattern, text, put) = input;
    let mut attributes = Map::new();
    attributes.insert("pattern", pattern);
    attributes.insert("text", text);
    attributes.insert("put", put);
    let name = |text| Name::new(text).unwrap();
    let event = Event {
        id: EventId([1; 16]),
        domain: name("d"),
        kind: name("a"),
        attributes,
        time: Timestamp(0),
        cause: None,
    };
    let Ending::Done(done) = transaction(event).run() else {
        unreachable!("nothing is asked");
    };
    for run in &done.runs {
        if let RunEnd::Failed(fault) = &run.end {
            assert_ne!(fault.code, "krl-internal", "{fault}");
        }
    }
    literal(pattern);
});

fn transaction(event: Event) -> Transaction {
    Transaction {
        state: STATE.clone(),
        event,
        channel: Some(Eci([1; 32])),
        for_ruleset: None,
        timer: None,
        now: Timestamp(0),
        seed: [7; 32],
        bounds: Bounds {
            rule: Limits {
                fuel_max: 200_000,
                ..Limits::default()
            },
            ..Bounds::default()
        },
        answers: Answered::new(),
    }
}

/// What is a pattern in an expression is one as a literal too, or an error of the compiler.
fn literal(pattern: &str) {
    if pattern.contains(['#', '\\', '\n', '\r']) {
        return;
    }
    let source = format!("ruleset a {{ global {{ b = re#{pattern}#gi }} }}");
    let dynamic = stratus_krl::check(&source);
    assert!(dynamic.iter().all(|found| found.code != "krl-internal"));
    let _ = Krl.compile(&source);
}

static STATE: LazyLock<State> = LazyLock::new(|| {
    let mut state = State::new(PenId([1; 16]), "patterns");
    state.install(Krl.compile(SOURCE).unwrap()).unwrap();
    state
});

/// Each rule does one thing, so that one that fails does not hide the others.
const SOURCE: &str = r#"ruleset patterns {
  global {
    p = function() { event:attr("pattern").as("RegExp") }
    t = function() { t1 = event:attr("text"); t2 = t1 + t1 + t1; t2 + t2 + t2 + t2 }
  }
  rule one { select when d a pre { x = t().match(p()) } }
  rule two { select when d a pre { x = t().extract(p()) } }
  rule three { select when d a pre { x = t().split(p()) } }
  rule four { select when d a pre { x = t().replace(p(), event:attr("put")) } }
  rule five { select when d a pre { x = t().replace(p(), function(m) { m + m }) } }
  rule six { select when d a pre { x = t().replace(event:attr("pattern"), event:attr("put")) } }
  rule seven { select when d a where text like pattern }
  rule eight { select when d a pre { x = event:attr("put").sprintf(event:attr("pattern")) } }
  rule nine { select when d a pre { x = time:strftime("2026-11-23", event:attr("pattern")) } }
  rule ten { select when d a pre { x = event:attr("pattern").decode().encode(2) } }
  rule eleven { select when d a pre { x = time:new(event:attr("pattern")) } }
  rule twelve { select when d a pre { x = event:attr("text").as("Number") * 2 } }
}"#;
