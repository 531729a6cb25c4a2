//! A million partial matches.

use std::collections::BTreeMap;

use stratus_event::{Event, Name, Value, codec};
use stratus_salience::{Armed, Automaton, Expression, Index, Join, Progress, RulePlace, Woken};

use super::{
    Held,
    events::{self, event, filter, name, primitive},
};
use crate::{
    figure::Figure,
    meter::{memory, memory_of, time_each},
};

/// Rules of the form `t:openN id re#(.+)# setting(x) before t:closeN where event:attr("id") == x`.
struct Rules {
    domain: Name,
    kinds: Vec<[Name; 2]>,
    index: Index,
    armed: Armed,
    automata: Vec<Automaton>,
    progress: BTreeMap<RulePlace, Progress>,
}

const RULES: u32 = 1000;
const EACH: u32 = 1000;
const EVENTS: u32 = 400_000;

pub(super) fn measure() -> Vec<Figure> {
    let sizes = [
        ("partial_1k_events_s", 1),
        ("partial_10k_events_s", 10),
        ("partial_100k_events_s", 100),
        ("partial_1m_events_s", EACH),
    ];
    let mut before = None;
    let rates = sizes.map(|(name, each)| {
        let mut rules = Rules::new(RULES);
        rules.open_all(each);
        let rate = 1e9 / rules.churn(each);
        // Ten times as many may not halve the rate: there is no cliff.
        let baseline = before.replace(rate);
        let figure = Figure::new(name, rate, "events/s/core").baseline(baseline);
        match baseline {
            None => figure,
            Some(_) => figure.ratio_at_least(0.5),
        }
    });
    let (stepped, whole) = step_bytes();
    let mut figures = vec![
        Figure::new("partial_1m_bytes", memory_of(&Held::PartialMatches), "B"),
        // What is kept of a rule that waits for its second event, written down.
        Figure::new("armed_rule_bytes", armed_rule_bytes(), "B"),
        // What an event writes that begins or consumes one of a rule's thousand, against all of
        // them.
        Figure::new("partial_step_bytes", stepped, "B").baseline(Some(whole)),
    ];
    figures.extend(rates);
    figures
}

/// Bytes for each of them.
pub(super) fn bytes() -> f64 {
    let mut rules = Rules::new(RULES);
    let before = memory();
    rules.open_all(EACH);
    let bytes = memory() - before;
    let live: usize = rules.progress.values().map(Progress::partial_matches).sum();
    assert_eq!(live, (RULES * EACH) as usize, "all of them live");
    bytes / live as f64
}

impl Rules {
    fn new(count: u32) -> Self {
        let mut rules = Self {
            domain: name("t"),
            kinds: Vec::new(),
            index: Index::default(),
            armed: Armed::default(),
            automata: Vec::new(),
            progress: BTreeMap::new(),
        };
        for number in 0..count {
            rules.add(number);
        }
        rules
    }

    fn add(&mut self, number: u32) {
        let kinds = [
            name(&format!("open{number}")),
            name(&format!("close{number}")),
        ];
        let [open, close] = &kinds;
        let (id, variable) = (name("id"), name("x"));
        let mut first = primitive(&self.domain, open);
        first.filters.push(filter(&id, "(.+)"));
        first.setting.push(variable.clone());
        let mut last = primitive(&self.domain, close);
        last.joins.push(Join {
            variable,
            attribute: Some(id),
        });
        let parts = [first, last].map(Expression::Primitive);
        let automaton = Automaton::new(&Expression::Before(parts.into()));
        self.index.install(place(number), &automaton);
        self.automata.push(automaton);
        self.kinds.push(kinds);
    }

    /// So many partial matches for each rule.
    fn open_all(&mut self, each: u32) {
        for id in 0..each {
            for rule in 0..RULES {
                self.happens(rule, false, id);
            }
        }
    }

    /// Closes and opens partial matches all over the place; nanoseconds for one event.
    fn churn(&mut self, each: u32) -> f64 {
        let mut state = 0x9e37_79b9_u32;
        time_each(EVENTS, |number| {
            if number % 2 == 0 {
                state ^= state << 13;
                state ^= state >> 17;
                state ^= state << 5;
            }
            let (rule, id) = (state % RULES, state / RULES % each);
            let fired = self.happens(rule, number % 2 == 0, id);
            assert_eq!(fired, number % 2 == 0, "closing fires");
        })
    }

    fn happens(&mut self, rule: u32, closes: bool, id: u32) -> bool {
        let Some(event) = self.event(rule, closes, id) else {
            return false;
        };
        let mut fired = false;
        for Woken { place, proven } in self.index.woken(&event, &self.armed) {
            let Some(automaton) = self.automata.get(place.rule) else {
                continue;
            };
            let start = Progress::default();
            let progress = self.progress.get(&place).unwrap_or(&start);
            let conditions = &events::None;
            let step = automaton.step_proven(progress, &event, event.time, conditions, proven);
            fired |= step.fired.is_some();
            if let Some(progress) = step.progress {
                self.moves(place, progress);
            }
        }
        fired
    }

    fn moves(&mut self, place: RulePlace, progress: Progress) {
        let Some(automaton) = self.automata.get(place.rule) else {
            return;
        };
        if progress.is_start() {
            self.progress.remove(&place);
            self.armed.disarm(place, automaton);
        } else if self.progress.insert(place, progress).is_none() {
            self.armed.arm(place, automaton);
        }
    }

    fn event(&self, rule: u32, closes: bool, id: u32) -> Option<Event> {
        let [open, close] = self.kinds.get(rule as usize)?;
        let kind = if closes { close } else { open };
        let attributes = [("id", id.to_string())].into();
        Some(event(&self.domain, kind, attributes))
    }
}

/// The mean of the bytes that the end of a partial match of one rule and its return write, and
/// those of all its partial matches.
fn step_bytes() -> (f64, f64) {
    let mut rules = Rules::new(1);
    for id in 0..EACH {
        rules.happens(0, false, id);
    }
    let (mut stepped, mut whole) = (0.0, 0.0);
    for number in 0..2 * EACH {
        let before = rules.progress.values().next().cloned().unwrap_or_default();
        rules.happens(0, number % 2 == 0, number / 2);
        let after = rules.progress.values().next().cloned().unwrap_or_default();
        let changes = after.changes(&before);
        let values = changes.iter().filter_map(|(_, written)| written.as_ref());
        stepped += values.map(written_bytes).sum::<f64>();
        if number % 100 == 0 {
            whole += 100.0 * written_bytes(&Value::from(&after));
        }
    }
    let events = f64::from(2 * EACH);
    (stepped / events, whole / events)
}

fn written_bytes(value: &Value) -> f64 {
    codec::encode(&codec::ordered(value)).len() as f64
}

/// The bytes of the written form of a rule that waits for the second of its two events.
fn armed_rule_bytes() -> f64 {
    let mut rules = Rules::new(1);
    rules.happens(0, false, 7);
    let written = rules.progress.values().map(Value::from);
    written.map(|value| written_bytes(&value)).sum()
}

fn place(rule: u32) -> RulePlace {
    RulePlace {
        ruleset: 0,
        rule: rule as usize,
    }
}
