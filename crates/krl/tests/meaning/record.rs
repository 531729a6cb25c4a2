//! Whole conversations with pico-engine, as recorded, played to a PEN: rulesets are installed,
//! events come, and directives and the answers to queries are compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use serde_json::Value as Json;
use stratus_event::{Event, EventId, Name, PenId, Timestamp, Value};
use stratus_krl::Krl;
use stratus_pen::{
    Bounds, Ending, Query, QueryEnding, State, Transaction,
    language::{Language as _, Limits},
};

use crate::{
    conformance::{deviations, normal, vectors},
    world::NOW,
};

/// Rules that use what is not there yet; they are left out, and with them what only they do.
const RULES_LEFT_OUT: &[(&str, &str)] = &[
    ("io.picolabs.events", "action_send"),
    ("io.picolabs.module-used", "uninstall"),
];

#[test]
fn conversations_go_as_recorded() {
    let sources = sources();
    let mut wrong = String::new();
    for record in vectors("engine.jsonl") {
        let test = record["test"].as_str().unwrap();
        let differences = Conversation::new(&sources).play(&record["steps"]);
        let mut expected = steps(test);
        for (step, difference) in differences {
            if !expected.remove(&step) {
                let _ = writeln!(wrong, "{test} {step}: {difference}");
            }
        }
        for step in expected {
            let _ = writeln!(wrong, "{test} {step}: goes as recorded now");
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The steps of a conversation that are known to go otherwise.
fn steps(test: &str) -> BTreeSet<usize> {
    let deviations = deviations("engine.jsonl");
    let known = deviations
        .iter()
        .filter_map(|vector| vector.rsplit_once(' '));
    let known = known.filter(|(known, _)| *known == test);
    known.map(|(_, step)| step.parse().unwrap()).collect()
}

/// The rulesets, which stand among the compiler's vectors, by their ids.
fn sources() -> BTreeMap<String, String> {
    let mut sources = BTreeMap::new();
    for vector in vectors("compiler.jsonl") {
        let source = vector["src"].as_str().unwrap();
        let rid = source.split_whitespace().nth(1).unwrap_or_default();
        if vector["ok"] == true && rid.starts_with("io.picolabs") {
            sources.insert(rid.to_owned(), without_left_out(rid, source));
        }
    }
    sources
}

fn without_left_out(rid: &str, source: &str) -> String {
    let mut source = source.to_owned();
    for (_, rule) in RULES_LEFT_OUT.iter().filter(|(known, _)| *known == rid) {
        let start = source.find(&format!("    rule {rule} {{")).unwrap();
        let end = source[start..].find("\n    }\n").unwrap() + start + 7;
        source.replace_range(start..end, "");
    }
    source
}

/// A PEN in the middle of a conversation.
struct Conversation<'s> {
    sources: &'s BTreeMap<String, String>,
    state: State,
    now: Timestamp,
}

impl<'s> Conversation<'s> {
    fn new(sources: &'s BTreeMap<String, String>) -> Self {
        Self {
            sources,
            state: State::new(PenId([0; 16]), "pen"),
            now: NOW,
        }
    }

    /// Plays all steps; which of them went otherwise, and how.
    fn play(&mut self, steps: &Json) -> BTreeMap<usize, String> {
        let mut differences = BTreeMap::new();
        for (number, step) in steps.as_array().unwrap().iter().enumerate() {
            self.now = match step["time"].as_i64() {
                Some(time) if time > 0 => Timestamp(time),
                _ => self.now + Duration::from_millis(1),
            };
            let outcome = match step["kind"].as_str().unwrap() {
                "install" => self.install(step),
                "event" => self.event(step, number),
                _ => self.query(step),
            };
            if let Err(difference) = outcome {
                differences.insert(number, difference);
            }
        }
        differences
    }

    fn install(&mut self, step: &Json) -> Result<(), String> {
        let rid = step["rid"].as_str().unwrap();
        let source = self
            .sources
            .get(rid)
            .ok_or_else(|| format!("{rid} has no source"))?;
        let program = Krl
            .compile(source)
            .map_err(|faults| format!("{faults:?}"))?;
        self.state
            .install(program)
            .map(|_| ())
            .map_err(|fault| fault.to_string())
    }

    fn event(&mut self, step: &Json, number: usize) -> Result<(), String> {
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let event = Event {
            id: EventId(id),
            domain: Name::new(step["domain"].as_str().unwrap()).unwrap(),
            kind: Name::new(step["name"].as_str().unwrap()).unwrap(),
            attributes: normal(&step["attrs"]).as_map().cloned().unwrap_or_default(),
            time: self.now,
            cause: None,
        };
        let transaction = Transaction {
            state: self.state.clone(),
            event,
            channel: None,
            for_ruleset: None,
            now: self.now,
            seed: [0; 32],
            bounds: Bounds::default(),
            answers: BTreeMap::new(),
        };
        let Ending::Done(done) = transaction.run() else {
            return Err("asks".to_owned());
        };
        self.state.apply(&done);
        let directives = done.directives.iter();
        let directives = directives.map(|directive| (&directive.name, &directive.options));
        let answered: Vec<String> = directives.map(|one| format!("{one:?}")).collect();
        let expected = step["directives"].as_array().cloned().unwrap_or_default();
        let expected = expected.iter().map(|directive| {
            let options = normal(&directive["options"])
                .as_map()
                .cloned()
                .unwrap_or_default();
            format!("{:?}", (directive["name"].as_str().unwrap(), options))
        });
        let expected: Vec<String> = expected.collect();
        if answered == expected {
            return Ok(());
        }
        let ends: Vec<String> = done
            .runs
            .iter()
            .map(|run| format!("{} {:?}", run.rule, run.end))
            .collect();
        Err(format!(
            "{step}\n    expected {expected:?}\n    answered {answered:?}\n    {ends:?}"
        ))
    }

    fn query(&mut self, step: &Json) -> Result<(), String> {
        let expected = step.get("error").is_none().then(|| normal(&step["result"]));
        let (Some(rid), Some(name)) = (step["rid"].as_str(), step["name"].as_str()) else {
            return Ok(());
        };
        let query = Query {
            state: self.state.clone(),
            rid: Name::new(rid).unwrap(),
            name: Name::new(name).unwrap(),
            arguments: normal(&step["args"]).as_map().cloned().unwrap_or_default(),
            channel: None,
            now: self.now,
            seed: [0; 32],
            limits: Limits::default(),
            answers: BTreeMap::new(),
        };
        let QueryEnding::Done(answered) = query.run() else {
            return Err("asks".to_owned());
        };
        let answer: Option<Value> = answered.clone().ok();
        if answer == expected {
            return Ok(());
        }
        Err(format!("{step}\n    answered {answered:?}"))
    }
}
