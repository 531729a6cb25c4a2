//! Whole conversations with pico-engine, as recorded, played to a PEN: rulesets are installed,
//! events come, and directives and the answers to queries are compared.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
    time::Duration,
};

use serde_json::Value as Json;
use stratus_event::{Eci, Event, EventId, Map, Name, PenId, Timestamp, Value};
use stratus_krl::Krl;
use stratus_pen::{
    Bounds, Done, Ending, Query, QueryEnding, RunEnd, State, Transaction,
    language::{Effect, Language as _, Limits},
};

use crate::{
    conformance::{normal, vectors},
    deviations::{deviations, tally},
    pages::below,
    world::NOW,
};

/// The seeds with which chance falls as it fell there; zero is all others'.
const SEEDS: &[(&str, usize, u8)] = &[("events.krl", 21, 5), ("events.krl", 23, 5)];

#[test]
fn conversations_go_as_recorded() {
    play_all(&copied_sources());
}

#[test]
fn conversations_with_the_peers_own_rulesets_go_as_recorded() {
    if let Some(sources) = peer_sources() {
        play_all(&sources);
    }
}

#[test]
fn the_peers_own_rulesets_are_accepted() {
    for (rid, source) in peer_sources().unwrap_or_default() {
        let faults = Krl.compile(&source).err();
        assert!(faults.is_none(), "{rid}: {faults:?}");
    }
}

fn play_all(sources: &BTreeMap<String, String>) {
    let (mut steps, mut listed) = (0, 0);
    let mut wrong = String::new();
    for record in vectors("engine.jsonl") {
        let test = record["test"].as_str().unwrap();
        let differences = Conversation::new(sources, test).play(&record["steps"]);
        let mut expected = known(test);
        let asked = record["steps"].as_array().unwrap().iter();
        steps += asked.filter(|step| step["kind"] != "install").count();
        listed += expected.len();
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
    tally("E", steps, listed);
}

/// The steps of a conversation that are known to go otherwise.
fn known(test: &str) -> BTreeSet<usize> {
    let deviations = deviations("engine.jsonl");
    let known = deviations
        .iter()
        .filter_map(|vector| vector.rsplit_once(' '));
    let known = known.filter(|(known, _)| *known == test);
    known.map(|(_, step)| step.parse().unwrap()).collect()
}

/// The rulesets by their ids, as they stand among the compiler's vectors.
fn copied_sources() -> BTreeMap<String, String> {
    let vectors = vectors("compiler.jsonl");
    let accepted = vectors.iter().filter(|vector| vector["ok"] == true);
    by_id(accepted.map(|vector| vector["src"].as_str().unwrap().to_owned()))
}

/// The rulesets of pico-engine's folder `test-rulesets`, if `STRATUS_PEER_RULESETS` says where it
/// is; without, the test says so and passes, unless `STRATUS_REQUIRE` has `peer-rulesets`.
#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the rulesets are files"
)]
fn peer_sources() -> Option<BTreeMap<String, String>> {
    let Ok(folder) = std::env::var("STRATUS_PEER_RULESETS") else {
        let required = std::env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("peer-rulesets"),
            "STRATUS_PEER_RULESETS names no folder"
        );
        println!("skipped: STRATUS_PEER_RULESETS does not say where the peer's rulesets are");
        return None;
    };
    let files = below(Path::new(&folder), "krl");
    assert!(!files.is_empty(), "{folder} has no rulesets");
    Some(by_id(
        files.iter().map(|file| fs::read_to_string(file).unwrap()),
    ))
}

fn by_id(sources: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    let named = sources.map(|source| {
        let rid = source.split_whitespace().nth(1).unwrap_or_default();
        (rid.to_owned(), source)
    });
    named
        .filter(|(rid, _)| rid.starts_with("io.picolabs"))
        .collect()
}

/// PENs in the middle of a conversation.
struct Conversation<'s> {
    sources: &'s BTreeMap<String, String>,
    test: &'s str,
    /// By the symbolic ECIs of the record.
    pens: BTreeMap<String, State>,
    now: Timestamp,
    /// What ids of the record are called here.
    ids: BTreeMap<String, String>,
}

impl<'s> Conversation<'s> {
    fn new(sources: &'s BTreeMap<String, String>, test: &'s str) -> Self {
        Self {
            sources,
            test,
            pens: BTreeMap::new(),
            now: NOW,
            ids: BTreeMap::new(),
        }
    }

    /// Plays all steps; which of them went otherwise, and how.
    fn play(&mut self, steps: &Json) -> BTreeMap<usize, String> {
        let steps = steps.as_array().unwrap();
        for eci in steps.iter().filter_map(|step| step["eci"].as_str()) {
            let pen = State::new(PenId(eci_of(eci).0[..16].try_into().unwrap()), eci);
            self.pens.insert(eci.to_owned(), pen);
        }
        let mut differences = BTreeMap::new();
        for (number, step) in steps.iter().enumerate() {
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

    /// The record does not say in which PEN, so it is done in all.
    fn install(&mut self, step: &Json) -> Result<(), String> {
        let rid = step["rid"].as_str().unwrap();
        let source = self
            .sources
            .get(rid)
            .ok_or_else(|| format!("{rid} has no source"))?;
        let program = Krl
            .compile(source)
            .map_err(|faults| format!("{faults:?}"))?;
        for pen in self.pens.values_mut() {
            pen.install(program.clone())
                .map_err(|fault| fault.to_string())?;
        }
        Ok(())
    }

    fn event(&mut self, step: &Json, number: usize) -> Result<(), String> {
        let eci = step["eci"].as_str().unwrap();
        let word = |name: &str| Name::new(step[name].as_str().unwrap()).unwrap();
        let attributes = map(&step["attrs"]);
        let done = self.happen(eci, number, (word("domain"), word("name")), attributes)?;
        let answered = done.directives.iter().map(|directive| {
            let options = Value::map(directive.options.clone());
            Value::list([Value::text(directive.name.as_str()), options])
        });
        let answered = Value::list(answered);
        let expected = step["directives"].as_array().cloned().unwrap_or_default();
        let expected = expected.iter().map(|directive| {
            let options = Value::map(map(&directive["options"]));
            Value::list([normal(&directive["name"]), options])
        });
        let expected = Value::list(expected);
        let failed = done
            .runs
            .iter()
            .any(|run| matches!(run.end, RunEnd::Failed(_)));
        let as_expected = step.get("error").is_none() || failed;
        if as_expected && self.same(&expected, &answered) {
            return Ok(());
        }
        let ends = done.runs.iter();
        let ends: Vec<_> = ends
            .map(|run| format!("{} {:?}", run.rule, run.end))
            .collect();
        Err(format!("{step}\n    answered {answered:?}\n    {ends:?}"))
    }

    /// Lets an event happen, and what its rules send.
    fn happen(
        &mut self,
        eci: &str,
        number: usize,
        (domain, kind): (Name, Name),
        attributes: Map,
    ) -> Result<Done, String> {
        let seeds = SEEDS.iter();
        let mut seeds = seeds.filter(|(test, step, _)| *test == self.test && *step == number);
        let seed = seeds.next().map_or(0, |(_, _, seed)| *seed);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&(number as u64).to_be_bytes());
        let event = Event {
            id: EventId(id),
            domain,
            kind,
            attributes,
            time: self.now,
            cause: None,
        };
        let transaction = Transaction {
            state: self.pens[eci].clone(),
            event,
            channel: Some(eci_of(eci)),
            for_ruleset: None,
            timer: None,
            now: self.now,
            seed: [seed; 32],
            bounds: Bounds::default(),
            answers: BTreeMap::new(),
        };
        let Ending::Done(done) = transaction.run() else {
            return Err("asks".to_owned());
        };
        self.pens.get_mut(eci).unwrap().apply(&done);
        for wanted in &done.effects {
            self.deliver(&wanted.effect, number)?;
        }
        Ok(*done)
    }

    fn deliver(&mut self, effect: &Effect, number: usize) -> Result<(), String> {
        let Effect::Send {
            to,
            domain,
            kind,
            attributes,
        } = effect
        else {
            return Err(format!("{effect:?} is for the world"));
        };
        let names = (domain.clone(), kind.clone());
        let eci = self.pens.keys().find(|eci| eci_of(eci) == *to).cloned();
        let eci = eci.ok_or("there is no such PEN")?;
        self.happen(&eci, number, names, attributes.clone())
            .map(|_| ())
    }

    fn query(&mut self, step: &Json) -> Result<(), String> {
        let (Some(rid), Some(name)) = (step["rid"].as_str(), step["name"].as_str()) else {
            return Ok(());
        };
        let eci = step["eci"].as_str().unwrap();
        let query = Query {
            state: self.pens[eci].clone(),
            rid: Name::new(rid).unwrap(),
            name: Name::new(name).unwrap(),
            arguments: map(&step["args"]),
            channel: Some(eci_of(eci)),
            now: self.now,
            seed: [0; 32],
            limits: Limits::default(),
            answers: BTreeMap::new(),
        };
        let (QueryEnding::Done(answered), _) = query.run() else {
            return Err("asks".to_owned());
        };
        let is_same = match (&answered, step.get("error")) {
            (Ok(answer), None) => self.same(&normal(&step["result"]), answer),
            (Err(_), Some(_)) => true,
            _ => false,
        };
        if is_same {
            return Ok(());
        }
        Err(format!("{step}\n    answered {answered:?}"))
    }

    /// Whether a value is the recorded one. An id is another one here, but always the same for
    /// the same one there.
    fn same(&mut self, recorded: &Value, answered: &Value) -> bool {
        match (recorded, answered) {
            (Value::List(recorded), Value::List(answered)) => {
                recorded.len() == answered.len()
                    && recorded
                        .iter()
                        .zip(answered.iter())
                        .all(|(recorded, answered)| self.same(recorded, answered))
            }
            (Value::Map(recorded), Value::Map(answered)) => {
                recorded.len() == answered.len()
                    && recorded.iter().all(|(name, recorded)| {
                        let answered = answered.get(name);
                        answered.is_some_and(|answered| self.same(recorded, answered))
                    })
            }
            (Value::Text(recorded), Value::Text(answered)) if is_id(recorded) => {
                let known = self.ids.entry(recorded.to_string());
                *known.or_insert_with(|| answered.to_string()) == **answered
            }
            _ => recorded == answered,
        }
    }
}

/// pico-engine's ids are a `c` and 24 lower-case letters and digits.
fn is_id(text: &str) -> bool {
    let rest = text.strip_prefix('c').unwrap_or_default();
    rest.len() == 24
        && rest
            .bytes()
            .all(|letter| letter.is_ascii_lowercase() || letter.is_ascii_digit())
}

/// A channel for a symbolic ECI, such as `$1`.
fn eci_of(symbol: &str) -> Eci {
    let number: u8 = symbol.trim_start_matches('$').parse().unwrap();
    Eci([number; 32])
}

fn map(json: &Json) -> Map {
    normal(json).as_map().cloned().unwrap_or_default()
}
