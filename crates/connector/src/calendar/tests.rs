use super::*;

/// A calendar around some lines, with the line ends of the standard.
fn calendar(lines: &str) -> String {
    let lines = format!("BEGIN:VCALENDAR\nVERSION:2.0\n{lines}\nEND:VCALENDAR\n");
    lines.replace('\n', "\r\n")
}

fn event(lines: &str) -> String {
    calendar(&format!("BEGIN:VEVENT\n{lines}\nEND:VEVENT"))
}

/// What one event of those lines says under some names.
fn check(lines: &str, names: &[&str], expected: &str) {
    for text in [event(lines), event(lines).replace("\r\n", "\n")] {
        let events = read(&text, "America/Denver").unwrap_or_else(|fault| panic!("{fault}"));
        let map = events[0].as_map().unwrap();
        let said: Vec<_> = names
            .iter()
            .map(|name| format!("{:?}", map.get(name).unwrap()))
            .collect();
        assert_eq!(said.join(" "), expected, "{lines}");
    }
}

fn refuse(text: &str, code: &str, part: &str) {
    let fault = read(text, "UTC").unwrap_err();
    assert_eq!(fault.code, code, "{fault}");
    assert!(
        fault.message.contains(part),
        "{fault} should contain {part:?}"
    );
}

#[test]
fn the_whole_of_an_event() {
    let text = event(
        "UID:1@example\nDTSTAMP:20260101T000000Z\nSUMMARY:On call\\, late\n\
         CATEGORIES:On-Call,Work\nCATEGORIES:A\\,B\n\
         DTSTART;TZID=America/Denver:20261102T090000\nDTEND;TZID=America/Denver:20261102T170000\n\
         RRULE:FREQ=WEEKLY;BYDAY=MO\nEXDATE;TZID=America/Denver:20261109T090000,20261116T090000\n\
         RDATE;TZID=America/Denver:20261110T090000\n\
         BEGIN:VALARM\nSUMMARY:not this\nDTSTART:nonsense\nEND:VALARM",
    );
    let events = read(&text, "UTC").unwrap();
    let expected = [
        r#"[{"uid": "1@example", "summary": "On call, late""#,
        r#""categories": ["On-Call", "Work", "A,B"]"#,
        r#""start": "2026-11-02T09:00:00", "end": "2026-11-02T17:00:00""#,
        r#""timezone": "America/Denver", "all_day": false, "rule": "FREQ=WEEKLY;BYDAY=MO""#,
        r#""except": ["2026-11-09T09:00:00", "2026-11-16T09:00:00"]"#,
        r#""added": ["2026-11-10T09:00:00"], "replaces": null}]"#,
    ];
    assert_eq!(format!("{events:?}"), expected.join(", "));
}

#[test]
fn starts_and_zones() {
    let names = ["start", "timezone", "all_day"];
    let check = |line: &str, expected: &str| check(line, &names, expected);
    check(
        "DTSTART:20261102T090000Z",
        r#""2026-11-02T09:00:00Z" "UTC" false"#,
    );
    check(
        "DTSTART:20261102T090000",
        r#""2026-11-02T09:00:00" "America/Denver" false"#,
    );
    check(
        "DTSTART;VALUE=DATE:20261102",
        r#""2026-11-02" "America/Denver" true"#,
    );
    check("DTSTART:20261102", r#""2026-11-02" "America/Denver" true"#);
    check(
        "dtstart;tzid=\"Europe/Berlin\":20261102T090000",
        r#""2026-11-02T09:00:00" "Europe/Berlin" false"#,
    );
    check(
        "DTSTART;TZID=W. Europe Standard Time:20261102T090000",
        r#""2026-11-02T09:00:00" "Europe/Berlin" false"#,
    );
    check(
        "DTSTART:20161231T235960Z",
        r#""2016-12-31T23:59:59Z" "UTC" false"#,
    );
}

#[test]
fn the_file_may_say_where_it_is() {
    let text = calendar("X-WR-TIMEZONE:Asia/Tokyo\nBEGIN:VEVENT\nDTSTART:20261102\nEND:VEVENT");
    let events = read(&text, "UTC").unwrap();
    assert_eq!(
        events[0].as_map().unwrap().text("timezone"),
        Some("Asia/Tokyo")
    );
}

#[test]
fn ends() {
    let check = |lines: &str, expected: &str| check(lines, &["end"], expected);
    check(
        "DTSTART:20261102T090000Z\nDTEND:20261102T100000Z",
        r#""2026-11-02T10:00:00Z""#,
    );
    check(
        "DTSTART:20261102T090000Z\nDURATION:PT1H30M",
        r#""2026-11-02T10:30:00Z""#,
    );
    check(
        "DTSTART:20261102T090000Z\nDURATION:P1W",
        r#""2026-11-09T09:00:00Z""#,
    );
    check(
        "DTSTART:20261102T090000Z\nDURATION:+P1DT1H1M1S",
        r#""2026-11-03T10:01:01Z""#,
    );
    check("DTSTART:20261102T090000Z", r#""2026-11-02T09:00:00Z""#);
    check("DTSTART:20261102", r#""2026-11-03""#);
    check("DTSTART:20261102\nDTEND:20261102", r#""2026-11-03""#);
    check("DTSTART:20261102\nDTEND:20261105", r#""2026-11-05""#);
    check("DTSTART:20261102\nDURATION:P2D", r#""2026-11-04""#);
    check("DTSTART:20261102\nDURATION:PT48H", r#""2026-11-04""#);
    // A flight: the end has another zone, and is told in that of the start.
    check(
        "DTSTART;TZID=America/Denver:20261102T090000\nDTEND;TZID=Europe/Berlin:20261103T060000",
        r#""2026-11-02T22:00:00""#,
    );
}

#[test]
fn clocks_go_forward_and_back() {
    let check = |lines: &str, expected: &str| check(lines, &["end"], expected);
    // Denver springs forward on 2026-03-08 at 2:00, and falls back on 2026-11-01 at 2:00.
    let night = "DTSTART;TZID=America/Denver:20260307T230000\n";
    check(&format!("{night}DURATION:PT4H"), r#""2026-03-08T04:00:00""#);
    check(&format!("{night}DURATION:P1D"), r#""2026-03-08T23:00:00""#);
    let night = "DTSTART;TZID=America/Denver:20261031T230000\n";
    check(&format!("{night}DURATION:PT4H"), r#""2026-11-01T02:00:00""#);
    let missing = "DTSTART:20260308T080000Z\nDTEND;TZID=America/Denver:20260308T023000";
    check(missing, r#""2026-03-08T09:30:00Z""#);
}

#[test]
fn exceptions_have_the_form_of_the_start() {
    let check = |lines: &str, expected: &str| check(lines, &["except"], expected);
    let start = "DTSTART;TZID=America/Denver:20261102T090000\n";
    check(
        &format!("{start}EXDATE:20261109T160000Z"),
        r#"["2026-11-09T09:00:00"]"#,
    );
    check(
        &format!("{start}EXDATE;VALUE=DATE:20261109"),
        r#"["2026-11-09T09:00:00"]"#,
    );
    check(
        "DTSTART:20261102\nEXDATE:20261109T160000Z",
        r#"["2026-11-09"]"#,
    );
    check(&format!("{start}EXDATE:"), "[]");
    let twice = "EXDATE:20261109T160000Z\nEXDATE:20261116T160000Z";
    check(
        &format!("{start}{twice}"),
        r#"["2026-11-09T09:00:00", "2026-11-16T09:00:00"]"#,
    );
}

#[test]
fn folded_and_escaped_lines() {
    let check = |lines: &str, expected: &str| {
        check(
            &format!("DTSTART:20261102\n{lines}"),
            &["summary"],
            expected,
        );
    };
    check("SUMMARY:one\n  two\n\tthree", r#""one twothree""#);
    check("SUM\n MARY:one", r#""one""#);
    check(r"SUMMARY:a\\b\;c\,d\ne\Nf\x", r#""a\\b;c,d\ne\nfx""#);
    check("SUMMARY:10:00\\", r#""10:00\\""#);
    check("SUMMARY;X-A=\"b:c;d\";LANGUAGE=de:Größe", r#""Größe""#);
    check("X-A;CN=\"Ann: B\":mailto:a@b\nSUMMARY:", r#""""#);
    check("\n\nSUMMARY:blank lines", r#""blank lines""#);
}

#[test]
fn other_components_and_a_byte_order_mark_are_passed_over() {
    let text = calendar(
        "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:19700101T000000\nEND:STANDARD\n\
         END:VTIMEZONE\nBEGIN:VTODO\nDTSTART:nonsense\nEND:VTODO\n\
         BEGIN:VEVENT\nDTSTART:20261102\nEND:VEVENT",
    );
    assert_eq!(read(&format!("\u{feff}{text}"), "UTC").unwrap().len(), 1);
    assert_eq!(read(&format!("{text}{text}"), "UTC").unwrap().len(), 2);
    assert_eq!(read("", "UTC"), Ok(vec![]));
}

#[test]
fn what_is_cancelled_is_not() {
    let text = calendar(
        "BEGIN:VEVENT\nUID:a\nDTSTART;TZID=Europe/Berlin:20261102T090000\n\
         RRULE:FREQ=DAILY\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:a\nDTSTART:20261103T080000Z\nRECURRENCE-ID:20261103T080000Z\n\
         STATUS:CANCELLED\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:a\nDTSTART;TZID=Europe/Berlin:20261104T110000\n\
         RECURRENCE-ID;TZID=Europe/Berlin:20261104T090000\nSTATUS:CONFIRMED\nEND:VEVENT\n\
         BEGIN:VEVENT\nUID:b\nDTSTART:20261103\nSTATUS:CANCELLED\nEND:VEVENT",
    );
    let events = read(&text, "UTC").unwrap();
    let said = events.iter().map(|event| {
        let map = event.as_map().unwrap();
        format!(
            "{:?} {:?} {:?}",
            map.get("start"),
            map.get("except"),
            map.get("replaces")
        )
    });
    let expected = [
        r#"Some("2026-11-02T09:00:00") Some(["2026-11-03T09:00:00"]) Some(null)"#,
        r#"Some("2026-11-04T11:00:00") Some([]) Some("2026-11-04T09:00:00")"#,
    ];
    assert_eq!(said.collect::<Vec<_>>(), expected);
}

#[test]
fn what_cannot_be_read_is_refused_with_its_line() {
    let malformed = |text: &str, part: &str| refuse(text, "calendar-malformed", part);
    malformed(
        "<html>",
        "line 1 of the calendar cannot be read: it has no colon",
    );
    malformed(
        "SUMMARY:x",
        "line 1 of the calendar cannot be read: SUMMARY: it stands outside",
    );
    malformed("BEGIN:VEVENT", "begins with BEGIN:VCALENDAR");
    malformed(
        "BEGIN:VCALENDAR\n",
        "line 1 of the calendar cannot be read: the file ends before",
    );
    malformed("BEGIN:VCALENDAR\nEND:VEVENT\n", "line 2");
    malformed("END:VCALENDAR\n", "ends what has not begun");
    malformed(&calendar("BEGIN:VCALENDAR\nEND:VCALENDAR"), "begins with");
    malformed(
        &calendar(&"BEGIN:X\n".repeat(1_000_000 / 8)),
        "nested too deep",
    );
    malformed(
        &calendar(":x"),
        "line 3 of the calendar cannot be read: it does not begin with a name",
    );
    malformed(&calendar("a b:x"), "does not begin with a name");
    malformed(
        &event("SUMMARY:x"),
        "line 3 of the calendar cannot be read: the event has no DTSTART",
    );
    malformed(&event("DTSTART:20261102\nDTSTART:20261103"), "twice");
    malformed(
        &event("DTSTART:20261103\nDTEND:20261102"),
        "ends before it starts",
    );
    malformed(
        &event(&format!("DTSTART:20261103\nRRULE:{}", "x".repeat(2000))),
        "too long",
    );
    malformed(
        &event("DTSTART:99991231T235959Z\nDURATION:P4294967295W"),
        "no end",
    );
}

#[test]
fn times_and_durations_that_are_none_are_refused() {
    let malformed = |text: &str, part: &str| refuse(text, "calendar-malformed", part);
    let times = [
        "",
        "x",
        "2026110",
        "20261102T09",
        "20261302",
        "20261102T250000Z",
        "２０２６１１０２",
    ];
    for time in times {
        malformed(
            &event(&format!("DTSTART:{time}")),
            "line 4 of the calendar cannot be read",
        );
    }
    let durations = [
        "",
        "P",
        "-PT1H",
        "P1",
        "P1H",
        "PT1D",
        "P1D1D",
        "P99999999999D",
    ];
    for duration in durations {
        let text = event(&format!("DTSTART:20261102T000000Z\nDURATION:{duration}"));
        malformed(&text, "line 5 of the calendar cannot be read: DURATION");
    }
}

#[test]
fn what_is_not_supported_is_said() {
    let check = |line: &str| {
        let text = event(&format!("DTSTART:20261102T090000Z\n{line}"));
        refuse(&text, "calendar-unsupported", "line 5");
    };
    check("RDATE;VALUE=PERIOD:20261103T090000Z/PT1H");
    check("RECURRENCE-ID;RANGE=THISANDFUTURE:20261103T090000Z");
    check("EXRULE:FREQ=DAILY");
    let zone = event("DTSTART;TZID=Mars/Olympus:20261102T090000");
    refuse(
        &zone,
        "calendar-timezone-unknown",
        "line 4 of the calendar: \"Mars/Olympus\"",
    );
    assert_eq!(
        read("", "Mars").unwrap_err().code,
        "calendar-timezone-unknown"
    );
}

#[test]
fn what_is_too_much_is_refused() {
    refuse(&"x".repeat(BYTES_MAX + 1), "calendar-too-large", "bytes");
    let events = "BEGIN:VEVENT\nDTSTART:20261102\nEND:VEVENT\n".repeat(EVENTS_MAX);
    assert_eq!(read(&calendar(&events), "UTC").unwrap().len(), EVENTS_MAX);
    let more = format!("{events}BEGIN:VEVENT\nDTSTART:20261102\nEND:VEVENT");
    refuse(&calendar(&more), "calendar-events-too-many", "10000");
}

/// Lines that are nearly those of a calendar.
const NEARLY: &str = concat!(
    "(BEGIN:VCALENDAR\n)?",
    "((BEGIN|END|DTSTART|DTEND|DURATION|EXDATE|RRULE|é)(;TZID=(UTC|\"))?:",
    "(VEVENT|VCALENDAR|PT?[0-9]{0,12}[WDHMS]|[0-9]{8}(T[0-9]{6}Z?)?)\n[ é]?){0,12}"
);

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in NEARLY) {
        drop(read(&text, "Europe/Berlin"));
    }
}
