//! Which entries of a calendar are in progress.

use crate::world::World;

const SOURCE: &str = "ruleset test {
    meta { shares on }
    global {
        on = function(events, at) {
            calendar:in_progress(events, at).map(function(e) { e{\"summary\"} + \" \" + e{\"start\"} + \" \" + e{\"end\"} })
        }
    }
}";

/// Checks what is in progress at a time, in a calendar given as the members of its one entry.
#[track_caller]
fn check(entry: &str, at: &str, expected: &str) {
    check_all(&[entry], at, expected);
}

#[track_caller]
fn check_all(entries: &[&str], at: &str, expected: &str) {
    let entries: Vec<String> = entries
        .iter()
        .map(|entry| format!("{{\"summary\": \"on\", {entry}}}"))
        .collect();
    let arguments = format!("{{\"events\": [{}], \"at\": \"{at}\"}}", entries.join(", "));
    let world = World::with(&[SOURCE]);
    let expected = if expected.is_empty() {
        "[]".to_owned()
    } else {
        format!("[\"on {expected}\"]")
    };
    assert_eq!(world.query("on", &arguments), expected, "{arguments}");
}

const ONCE: &str = r#""start": "2026-11-23T08:00:00Z", "end": "2026-11-23T10:00:00Z""#;

#[test]
fn a_single_entry_is_on_from_its_start_to_before_its_end() {
    let shown = "2026-11-23T08:00:00.000Z 2026-11-23T10:00:00.000Z";
    check(ONCE, "2026-11-23T07:59:59Z", "");
    check(ONCE, "2026-11-23T08:00:00Z", shown);
    check(ONCE, "2026-11-23T09:59:59Z", shown);
    check(ONCE, "2026-11-23T10:00:00Z", "");
}

#[test]
fn local_times_are_those_of_the_time_zone() {
    let zurich = r#""start": "2026-11-23T08:00:00", "end": "2026-11-23T10:00:00", "timezone": "Europe/Zurich""#;
    check(
        zurich,
        "2026-11-23T07:30:00Z",
        "2026-11-23T07:00:00.000Z 2026-11-23T09:00:00.000Z",
    );
    check(zurich, "2026-11-23T09:30:00Z", "");
    let day = r#""start": "2026-11-23", "all_day": true, "timezone": "America/Denver""#;
    check(
        day,
        "2026-11-24T06:59:00Z",
        "2026-11-23T07:00:00.000Z 2026-11-24T07:00:00.000Z",
    );
    check(day, "2026-11-24T07:00:00Z", "");
}

#[test]
fn an_entry_recurs_by_its_rule() {
    let weekly = r#""start": "2026-01-05T18:00:00", "end": "2026-01-06T06:00:00",
        "timezone": "Europe/Zurich", "rule": "FREQ=WEEKLY;BYDAY=MO,WE""#;
    // In summer the clock is an hour ahead of winter's; the shift begins at six all the same.
    check(
        weekly,
        "2026-07-01T16:00:00Z",
        "2026-07-01T16:00:00.000Z 2026-07-02T04:00:00.000Z",
    );
    check(weekly, "2026-11-23T16:30:00Z", "");
    check(
        weekly,
        "2026-11-24T04:30:00Z",
        "2026-11-23T17:00:00.000Z 2026-11-24T05:00:00.000Z",
    );
    check(weekly, "2026-11-24T18:30:00Z", "");
    let counted = r#""start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:00:00Z", "rule": "FREQ=DAILY;COUNT=3""#;
    check(
        counted,
        "2026-11-22T08:30:00Z",
        "2026-11-22T08:00:00.000Z 2026-11-22T09:00:00.000Z",
    );
    check(counted, "2026-11-23T08:30:00Z", "");
}

#[test]
fn a_rule_may_end_at_a_date() {
    let until = r#""start": "2026-11-20T08:00:00", "end": "2026-11-20T09:00:00",
        "timezone": "America/Denver", "rule": "FREQ=DAILY;UNTIL=20261122""#;
    check(
        until,
        "2026-11-22T15:30:00Z",
        "2026-11-22T15:00:00.000Z 2026-11-22T16:00:00.000Z",
    );
    check(until, "2026-11-23T15:30:00Z", "");
}

#[test]
fn dates_are_added_and_excepted_and_replaced() {
    let daily = r#""uid": "u", "start": "2026-11-20T08:00:00Z", "end": "2026-11-20T09:00:00Z",
        "rule": "FREQ=DAILY", "except": ["2026-11-21T08:00:00Z"], "added": ["2026-11-22T20:00:00Z"]"#;
    check(daily, "2026-11-21T08:30:00Z", "");
    check(
        daily,
        "2026-11-22T08:30:00Z",
        "2026-11-22T08:00:00.000Z 2026-11-22T09:00:00.000Z",
    );
    check(
        daily,
        "2026-11-22T20:30:00Z",
        "2026-11-22T20:00:00.000Z 2026-11-22T21:00:00.000Z",
    );
    let moved = r#""uid": "u", "start": "2026-11-23T12:00:00Z", "end": "2026-11-23T13:00:00Z",
        "replaces": "2026-11-23T08:00:00Z""#;
    check_all(&[daily, moved], "2026-11-23T08:30:00Z", "");
    check_all(
        &[daily, moved],
        "2026-11-23T12:30:00Z",
        "2026-11-23T12:00:00.000Z 2026-11-23T13:00:00.000Z",
    );
    check_all(
        &[daily, moved],
        "2026-11-24T08:30:00Z",
        "2026-11-24T08:00:00.000Z 2026-11-24T09:00:00.000Z",
    );
}

#[test]
fn an_entry_that_makes_no_sense_is_left_out() {
    let at = "2026-11-23T08:30:00Z";
    check(r#""start": "soon""#, at, "");
    check(
        r#""start": "2026-11-23T08:00:00Z", "end": "2026-11-23T07:00:00Z""#,
        at,
        "",
    );
    check(
        r#""start": "2026-11-23T08:00:00Z", "end": "2026-11-23T09:00:00Z", "timezone": "Mars""#,
        at,
        "",
    );
    for rule in [
        "FREQ=SECONDLY",
        "FREQ=DAILY;BYDAY=é",
        "nonsense",
        "FREQ=DAILY;UNTIL=never",
        "FREQ=DAILY;INTERVAL=0",
    ] {
        let entry = format!(
            r#""start": "2026-11-22T08:00:00Z", "end": "2026-11-22T09:00:00Z", "rule": "{rule}""#
        );
        check(&entry, at, "");
    }
}

/// A rule that never comes true is given up, and so is one with too much to count.
#[test]
fn the_work_of_a_recurrence_is_bounded() {
    let never = r#""start": "2026-01-01T08:00:00Z", "end": "2026-01-01T09:00:00Z", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31""#;
    check(never, "2026-11-23T08:30:00Z", "");
    let hourly =
        r#""start": "1990-01-01T08:00:00Z", "end": "1990-01-01T08:30:00Z", "rule": "FREQ=HOURLY""#;
    let arguments = format!(
        "{{\"events\": [{{{hourly}}}, {{{hourly}}}, {{{hourly}}}, {{{hourly}}}], \"at\": \"2026-11-23T08:45:00Z\"}}"
    );
    let told = World::with(&[SOURCE]).query("on", &arguments);
    assert!(
        told.starts_with("failed fuel-exhausted: line 5, column "),
        "{told}"
    );
}

#[test]
fn what_is_left_out_is_logged() {
    let source = "ruleset test { rule r { select when a b always {
        log info calendar:in_progress(event:attrs{\"events\"}).length()
    } } }";
    let told = World::with(&[source]).send(r#"a:b {"events": [{"start": "soon"}]}"#);
    assert_eq!(
        told,
        "fired\nlog warn {\"start\": \"soon\"} left out: its start \"soon\" is not a date\nlog info 0\n"
    );
}
