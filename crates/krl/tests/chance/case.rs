//! Rulesets and events by chance, and what must be true of them.

use stratus_event::{Eci, Event, EventId, Map, Name, PenId, Timestamp, Value};
use stratus_krl::Krl;
use stratus_krl_syntax::{Tree, format, parse_ruleset, print};
use stratus_pen::{
    Answered, Asked, Bounds, Done, Ending, RunEnd, State, Transaction,
    language::{Language as _, Limits, SubscriptionView, Timer},
};

use crate::{
    author::Author,
    draw::Draw,
    selection::{ATTRIBUTES, SYMBOLS},
};

/// Rulesets and the events that come to them.
pub(crate) struct Case {
    sources: Vec<String>,
    /// Each with the milliseconds that have gone by since the one before.
    events: Vec<(Event, u64)>,
    bounds: Bounds,
}

impl Case {
    /// A module, a ruleset and some events.
    pub(crate) fn new(bytes: &[u8]) -> Self {
        let mut draw = Draw::new(bytes);
        let bounds = bounds(draw.below(64) == 1);
        let number = 1 + draw.below(8);
        let events = (0..number).map(|at| event(&mut draw, at)).collect();
        let mut author = Author::new(draw);
        let sources = vec![author.module(), author.ruleset(), NEIGHBOUR.to_owned()];
        Self {
            sources,
            events,
            bounds,
        }
    }

    /// A ruleset that somebody wrote, and one event of each kind.
    pub(crate) fn of(source: &str) -> Self {
        let mut draw = Draw::new(&[]);
        let events = SYMBOLS.iter().enumerate().map(|(at, symbol)| {
            let (event, pause) = event(&mut draw, at);
            (named(event, *symbol), pause)
        });
        Self {
            events: events.collect(),
            sources: vec![source.to_owned(), NEIGHBOUR.to_owned()],
            bounds: bounds(false),
        }
    }

    /// Sees whether all is as it must be. Says whether the rulesets compile; what is well-formed
    /// need not.
    pub(crate) fn check(&self) -> bool {
        self.sources.iter().for_each(|source| check_text(source));
        let Some(played) = self.play(&self.sources) else {
            return false;
        };
        assert!(
            self.play(&self.sources) == Some(played.clone()),
            "it differs the second time"
        );
        if self.is_alike_everywhere() {
            let formatted = self.sources.iter().map(|source| format(source).unwrap());
            let formatted: Vec<String> = formatted.collect();
            let again = self.play(&formatted).map(|played| without_places(&played));
            assert_eq!(
                again,
                Some(without_places(&played)),
                "the layout changes the meaning"
            );
        }
        true
    }

    /// What comes of the events.
    fn play(&self, sources: &[String]) -> Option<Vec<Done>> {
        let mut state = state(sources)?;
        let mut now = Timestamp(1_795_424_400_000);
        let mut played = Vec::new();
        for (event, pause) in &self.events {
            now = Timestamp(now.0 + i64::try_from(*pause).unwrap_or(0));
            let event = Event {
                time: now,
                ..event.clone()
            };
            played.push(self.handle(&mut state, event, (None, None), now));
            for timer in due(&state, now) {
                state.remove_timer(&timer.id);
                let raised = raised(&timer, now);
                let only = (timer.raise.for_ruleset, Some(timer.id));
                played.push(self.handle(&mut state, raised, only, now));
            }
        }
        Some(played)
    }

    fn handle(
        &self,
        state: &mut State,
        event: Event,
        (for_ruleset, timer): (Option<Name>, Option<Name>),
        now: Timestamp,
    ) -> Done {
        let mut transaction = Transaction {
            state: state.clone(),
            event,
            channel: Some(Eci([1; 32])),
            for_ruleset,
            timer,
            now,
            seed: [7; 32],
            bounds: self.bounds,
            answers: Answered::new(),
        };
        loop {
            match transaction.clone().run() {
                Ending::Ask(asked) => answer(&mut transaction.answers, asked),
                Ending::Done(done) => {
                    check_done(&transaction, &done);
                    state.apply(&done);
                    return *done;
                }
            }
        }
    }

    /// Whether the outcome hangs on nothing that a change of layout changes: chance is drawn by the
    /// place in the text, and an error names it.
    fn is_alike_everywhere(&self) -> bool {
        let moves = ["random", "sample", "choose {", "system", "errors to"];
        let mut sources = self.sources.iter();
        sources.all(|source| moves.iter().all(|word| !source.contains(word)))
    }
}

/// Nothing is lost or moved by reading and writing.
pub(crate) fn check_text(source: &str) {
    let tree = Tree::parse(source);
    assert_eq!(tree.text(), source);
    let shape = |text: &str| {
        parse_ruleset(text)
            .complete()
            .map(|ruleset| print(&ruleset))
    };
    let Ok(printed) = shape(source) else {
        return;
    };
    assert_eq!(shape(&printed).as_ref(), Ok(&printed));
    let formatted = format(source).unwrap();
    assert_eq!(format(&formatted).as_ref(), Ok(&formatted));
    assert_eq!(shape(&formatted), Ok(printed));
}

/// What is true of everything that comes of an event.
fn check_done(transaction: &Transaction, done: &Done) {
    let bounds = &transaction.bounds;
    assert!(done.runs.len() <= bounds.runs_max);
    assert!(done.directives.len() <= bounds.directives_max);
    assert!(done.effects.len() <= bounds.effects_max);
    for run in &done.runs {
        if let RunEnd::Failed(fault) = &run.end {
            assert_ne!(fault.code, "krl-internal", "{fault}");
            assert!(run.changes.is_empty() && run.effects.is_empty());
            assert_ne!(run.rid.as_str(), "neighbour", "{fault}");
        }
    }
    if done.failed.is_some() {
        assert!(done.changes.is_empty() && done.directives.is_empty() && done.automata.is_empty());
    } else if transaction.timer.is_none() {
        let lives = |(rid, _): &(Name, Name)| rid.as_str() == "neighbour";
        let mut changed = done.runs.iter().flat_map(|run| &run.changes);
        assert!(changed.any(lives), "the neighbour did not run");
    }
}

fn bounds(is_normal: bool) -> Bounds {
    let normal = Bounds::default();
    if is_normal {
        return normal;
    }
    // All but the work of it is as usual, so that many are tried in a short time.
    Bounds {
        rule: Limits {
            fuel_max: normal.rule.fuel_max / 100,
            ..normal.rule
        },
        condition_fuel_max: normal.condition_fuel_max / 100,
        failures_max: normal.failures_max / 8,
        fuel_max: normal.fuel_max / 100,
        ..normal
    }
}

fn state(sources: &[String]) -> Option<State> {
    let mut state = State::new(PenId([1; 16]), "by chance");
    for source in sources {
        state.install(Krl.compile(source).ok()?).ok()?;
    }
    let [rx, tx] = [2, 3].map(|byte| Eci([byte; 32]));
    state.set_subscriptions(vec![SubscriptionView {
        id: "one".to_owned(),
        name: "partner".to_owned(),
        rx,
        tx,
        rx_role: "friend".to_owned(),
        tx_role: "friend".to_owned(),
    }]);
    Some(state)
}

fn event(draw: &mut Draw<'_>, at: usize) -> (Event, u64) {
    let symbol = *draw.one(SYMBOLS);
    let mut attributes = Map::new();
    for name in ATTRIBUTES {
        match draw.below(8) {
            0 => {}
            1 => attributes.insert(name, Value::number(7.0)),
            2 => attributes.insert(name, "abc 12"),
            3 => attributes.insert(name, "[1, 2, {\"a\": \"b\"}]"),
            4 => attributes.insert(name, Value::list([Value::number(1.5), Value::text("é")])),
            5 => attributes.insert(name, Value::map(Map::from([("days", "2")]))),
            6 => attributes.insert(name, Value::Boolean(true)),
            _ => attributes.insert(name, "x".repeat(draw.below(200))),
        }
    }
    let pause = *draw.one(&[0, 1, 1_000, 30_000, 600_000, 90_000_000]);
    let event = Event {
        id: EventId([u8::try_from(at).unwrap_or(u8::MAX); 16]),
        domain: Name::new("d").unwrap(),
        kind: Name::new("a").unwrap(),
        attributes,
        time: Timestamp(0),
        cause: None,
    };
    (named(event, symbol), pause)
}

fn named(event: Event, (domain, kind): (&str, &str)) -> Event {
    Event {
        domain: Name::new(domain).unwrap(),
        kind: Name::new(kind).unwrap(),
        ..event
    }
}

/// The world says something else each time, some of it being that it cannot.
fn answer(answered: &mut Answered, asked: Asked) {
    let answers = answered.entry(asked.run).or_default();
    for question in asked.questions {
        let number = answers.len();
        let answer = Map::from([("content", "[1]"), ("status", "ok")]);
        let answer = match number % 4 {
            3 => Err(stratus_event::Fault::new(
                stratus_event::Whose::World,
                "answer-late",
                "nothing came",
            )),
            _ => Ok(Value::map(answer)),
        };
        answers.insert(question.id, answer);
    }
}

/// Some of the timers that have come due.
fn due(state: &State, now: Timestamp) -> Vec<Timer> {
    let due = state.all_timers().filter(|timer| timer.at <= now);
    due.take(4).cloned().collect()
}

fn raised(timer: &Timer, now: Timestamp) -> Event {
    Event {
        id: EventId([0xff; 16]),
        domain: timer.raise.domain.clone(),
        kind: timer.raise.kind.clone(),
        attributes: timer.raise.attributes.clone(),
        time: now,
        cause: None,
    }
}

/// What came of events, as text without lines and columns.
fn without_places(played: &[Done]) -> Vec<String> {
    let shown = played.iter().map(|done| {
        let mut done = done.clone();
        let operands = done.runs.iter_mut().flat_map(|run| &mut run.saw);
        operands.for_each(|(text, _)| text.retain(|letter| !letter.is_whitespace()));
        format!("{done:?}")
    });
    shown.map(|shown| without_numbers(&shown)).collect()
}

fn without_numbers(shown: &str) -> String {
    let mut out = String::new();
    let mut pieces = shown.split("line ");
    out.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let digit = |letter: char| letter.is_ascii_digit();
        let rest = piece.trim_start_matches(digit);
        let rest = rest.strip_prefix(", column ").unwrap_or(rest);
        out.push_str("line ");
        out.push_str(rest.trim_start_matches(digit));
    }
    out
}

/// It has nothing to do with the others, and must go on whatever they do.
const NEIGHBOUR: &str = "ruleset neighbour {
  rule count {
    select when d a or d b or d c or e a
    always { ent:seen := ent:seen.defaultsTo(0) + 1 }
  }
}";
