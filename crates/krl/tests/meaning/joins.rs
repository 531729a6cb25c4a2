//! A variable that one event binds is seen by the `where` of another: like SQL for the events.

use std::collections::BTreeMap;

use stratus_event::{Event, EventId, PenId, Timestamp};
use stratus_krl::Krl;
use stratus_pen::{Bounds, Ending, RunEnd, State, Transaction, language::Language as _};

use crate::world::parse_event;

/// Plays the events to a PEN with one rule of that select; which of them fire.
fn check(select: &str, events: &str, expected: &str) {
    let source = format!("ruleset io.example.joins {{ rule r {{ select when {select} }} }}");
    let program = Krl.compile(&source).unwrap();
    let mut state = State::new(PenId([0; 16]), "pen");
    state.install(program).unwrap();
    let fired: String = events
        .split(", ")
        .zip(0..)
        .map(|(event, number)| {
            if happens(&mut state, event, number) {
                'x'
            } else {
                '.'
            }
        })
        .collect();
    assert_eq!(fired, expected, "{select}: {events}");
}

fn happens(state: &mut State, event: &str, number: u8) -> bool {
    let event = Event {
        id: EventId([number; 16]),
        ..parse_event(event)
    };
    let transaction = Transaction {
        state: state.clone(),
        event,
        channel: None,
        for_ruleset: None,
        timer: None,
        now: Timestamp(i64::from(number)),
        seed: [0; 32],
        bounds: Bounds::default(),
        answers: BTreeMap::new(),
    };
    let Ending::Done(done) = transaction.run() else {
        panic!("it asks");
    };
    state.apply(&done);
    assert!(
        done.runs.iter().all(|run| run.log.is_empty()),
        "{:?}",
        done.runs
    );
    done.runs.iter().any(|run| run.end != RunEnd::NotSelected)
}

const CALLS: &str = concat!(
    r#"p:missed {"n":"ann"}, p:missed {"n":"bob"}, p:back {"n":"cy"}, "#,
    r#"p:back {"n":"bob"}, p:back {"n":"bob"}, p:back {"n":"ann"}"#
);

#[test]
fn each_value_has_a_partial_match_of_its_own() {
    let forms = [
        "p:missed n re#(.+)# setting(caller) before p:back where event:attr(\"n\") == caller",
        "p:missed n re#(.+)# setting(caller) before p:back where caller == event:attrs{\"n\"}",
        "p:missed n re#(.+)# setting(caller) before p:back where n == caller && true",
        "p:missed n re#(.+)# setting(caller) before p:back where event:attr(\"n\").lc() == caller",
        "p:missed n re#(.+)# setting(c) before p:back n re#(.+)# setting(b) where b == c",
        "p:back n re#(.+)# setting(b) where b == c after p:missed n re#(.+)# setting(c)",
    ];
    for select in forms {
        check(select, CALLS, "...x.x");
    }
}

#[test]
fn what_is_not_read_joins_nothing() {
    let select =
        "p:missed n re#(.+)# setting(caller) before p:back where event:attr(\"n\") == \"bob\"";
    check(select, CALLS, "...x..");
    let own =
        "p:missed n re#(.+)# setting(n) before p:back n re#(.+)# setting(m) where m == \"ann\"";
    check(own, CALLS, ".....x");
}
