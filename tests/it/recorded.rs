//! Whole conversations with pico-engine, as recorded, played to a node by HTTP.
//!
//! The rulesets are those of pico-engine's folder `test-rulesets`, if `STRATUS_PEER_RULESETS` says
//! where it is, and else the copies that stand among the vectors; without vectors, which stand
//! beside the repository, the test says so and passes.

use std::{
    collections::{BTreeMap, BTreeSet},
    env,
    fmt::Write as _,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use reqwest::{Client, Method};
use serde_json::{Map, Value as Json, json};

use crate::program::Node;
use clock::Clock;
use deviations::{deviations, tally};

mod clock;
#[path = "../../crates/krl-syntax/tests/common/deviations.rs"]
mod deviations;

/// Steps in which chance decides: they are tried until it falls as it fell there.
const CHANCE: [(&str, usize); 2] = [("events.krl", 21), ("events.krl", 23)];
const TRIES_MAX: usize = 64;

/// How long what a rule sent to another channel may be under way before a query tells of it.
const SENT_WAIT: Duration = Duration::from_secs(1);

#[tokio::test]
async fn conversations_go_as_recorded_by_http() {
    let (records, sources) = (vectors("engine.jsonl"), sources());
    if records.is_empty() {
        return;
    }
    let Some(stage) = Stage::open().await else {
        return skip("no C compiler makes the clock");
    };
    let (mut steps, mut listed) = (0, 0);
    let mut wrong = String::new();
    for record in &records {
        let test = record["test"].as_str().unwrap();
        let differences = Conversation::new(&stage, &sources, test).play(record).await;
        let mut expected = known(test);
        listed += expected.len();
        let played = record["steps"].as_array().unwrap().iter();
        steps += played.filter(|step| step["kind"] != "install").count();
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
    tally("H", steps, listed);
}

/// The steps of a conversation that are known to go otherwise.
fn known(test: &str) -> BTreeSet<usize> {
    let deviations = deviations("engine.jsonl by HTTP");
    let steps = deviations.iter().filter_map(|vector| {
        let (conversation, step) = vector.rsplit_once(' ')?;
        (conversation == test).then(|| step.parse().unwrap())
    });
    steps.collect()
}

/// What is recorded, a line each.
fn vectors(file: &str) -> Vec<Json> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/conformance");
    let Ok(text) = fs::read_to_string(folder.join(file)) else {
        skip(&format!("{file} is missing"));
        return Vec::new();
    };
    let lines = text.lines();
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The rulesets by their ids.
fn sources() -> BTreeMap<String, String> {
    let texts: Vec<String> = if let Ok(folder) = env::var("STRATUS_PEER_RULESETS") {
        let files = fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().path());
        let files = files.filter(|file| file.extension().is_some_and(|end| end == "krl"));
        files
            .map(|file| fs::read_to_string(file).unwrap())
            .collect()
    } else {
        let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("peer"),
            "STRATUS_PEER_RULESETS names no folder"
        );
        println!("STRATUS_PEER_RULESETS names no folder: the copies of the rulesets are played");
        let vectors = vectors("compiler.jsonl");
        let accepted = vectors.iter().filter(|vector| vector["ok"] == true);
        accepted
            .map(|vector| vector["src"].as_str().unwrap().to_owned())
            .collect()
    };
    let named = texts.into_iter().filter_map(|text| {
        let rid = text.split_whitespace().nth(1)?.to_owned();
        rid.starts_with("io.picolabs").then_some((rid, text))
    });
    named.collect()
}

fn skip(reason: &str) {
    let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
    assert!(!required.contains("conformance"), "{reason}");
    println!("skipped: {reason}");
}

/// A PEN for every symbolic ECI that a conversation may have, each on a node of its own.
struct Stage {
    pens: BTreeMap<&'static str, Pen>,
}

impl Stage {
    /// None where no clock can be had that is set.
    async fn open() -> Option<Self> {
        let mut pens = BTreeMap::new();
        for eci in ["$1", "$2"] {
            pens.insert(eci, Pen::open().await?);
        }
        Some(Self { pens })
    }

    async fn install(&self, source: &str) -> Result<(), String> {
        for pen in self.pens.values() {
            let install = json!({ "source": source });
            let (status, answer) = pen.own(Method::POST, "rulesets", Some(&install)).await;
            if status != 200 {
                return Err(answer.to_string());
            }
        }
        Ok(())
    }

    async fn uninstall(&self, rid: &str) {
        for pen in self.pens.values() {
            pen.own(Method::DELETE, &format!("rulesets/{rid}"), None)
                .await;
        }
    }
}

/// A PEN, its node, and the channel by which all may be asked of it.
struct Pen {
    node: Node,
    clock: Clock,
    client: Client,
    token: String,
    eci: String,
}

impl Pen {
    async fn open() -> Option<Self> {
        let mut node = Node::new();
        let clock = Clock::under(&mut node)?;
        node.up();
        let token = fs::read_to_string(node.data().join("owner.token")).unwrap();
        let mut pen = Self {
            node,
            clock,
            client: Client::builder().no_proxy().build().unwrap(),
            token: token.trim().to_owned(),
            eci: String::new(),
        };
        let wanted = json!({ "events": ["*:*"], "queries": ["*:*"], "legacy": "nearby" });
        let (_, made) = pen.own(Method::POST, "channels", Some(&wanted)).await;
        made["eci"].as_str().unwrap().clone_into(&mut pen.eci);
        Some(pen)
    }

    /// Asks as the owner.
    async fn own(&self, method: Method, path: &str, body: Option<&Json>) -> (u16, Json) {
        let url = format!("{}/api/v1/{path}", self.node.url());
        let mut request = self.client.request(method, url).bearer_auth(&self.token);
        if let Some(body) = body {
            request = request.json(body);
        }
        told(request).await
    }

    /// Asks as one who knows nothing but the ECI.
    async fn ask(&self, path: &str, body: &Json) -> (u16, Json) {
        let url = format!("{}{path}", self.node.url());
        told(self.client.post(url).json(body)).await
    }

    /// Whether a rule went wrong for the newest event.
    async fn failed(&self) -> bool {
        let newest = "journal?newest_first=true&limit=1";
        let (_, journal) = self.own(Method::GET, newest, None).await;
        let outcome = &journal["entries"][0]["outcome"];
        outcome["runs"]
            .as_array()
            .unwrap()
            .iter()
            .any(|run| run["end"] == "failed")
    }
}

async fn told(request: reqwest::RequestBuilder) -> (u16, Json) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let text = response.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Json::Null))
}

/// A conversation that is played.
struct Conversation<'s> {
    stage: &'s Stage,
    sources: &'s BTreeMap<String, String>,
    test: &'s str,
    installed: Vec<String>,
    /// What ids of the record are called here.
    ids: BTreeMap<String, String>,
}

impl<'s> Conversation<'s> {
    fn new(stage: &'s Stage, sources: &'s BTreeMap<String, String>, test: &'s str) -> Self {
        Self {
            stage,
            sources,
            test,
            installed: Vec::new(),
            ids: BTreeMap::new(),
        }
    }

    /// Plays all steps; which of them went otherwise, and how.
    async fn play(mut self, record: &Json) -> BTreeMap<usize, String> {
        let mut differences = BTreeMap::new();
        for (number, step) in record["steps"].as_array().unwrap().iter().enumerate() {
            let outcome = match step["kind"].as_str().unwrap() {
                "install" => self.install(step).await,
                "event" => self.event(number, step).await,
                _ => self.query(number, step).await,
            };
            if let Err(difference) = outcome {
                differences.insert(number, difference);
            }
        }
        // One that others use goes last.
        for rid in self.installed.iter().rev() {
            self.stage.uninstall(rid).await;
        }
        differences
    }

    /// The record does not say in which PEN, so it is done in all.
    async fn install(&mut self, step: &Json) -> Result<(), String> {
        let rid = step["rid"].as_str().unwrap();
        let source = self.sources.get(rid).ok_or("it has no source")?;
        self.stage.install(source).await?;
        self.installed.push(rid.to_owned());
        Ok(())
    }

    async fn event(&mut self, number: usize, step: &Json) -> Result<(), String> {
        let chance = CHANCE.contains(&(self.test, number));
        let mut tries_left = if chance { TRIES_MAX } else { 1 };
        loop {
            tries_left -= 1;
            match self.happen(number, step).await {
                Err(_) if tries_left > 0 => {}
                outcome => return outcome,
            }
        }
    }

    /// Events come now by one of pico-engine's routes and now by the other.
    async fn happen(&mut self, number: usize, step: &Json) -> Result<(), String> {
        let pen = self.pen(step);
        let (eci, symbol) = (&pen.eci, path(&step["domain"], &step["name"]));
        let path = if number.is_multiple_of(2) {
            format!("/c/{eci}/event-wait/{symbol}")
        } else {
            format!("/sky/event/{eci}/none/{symbol}")
        };
        pen.clock.set(step["time"].as_i64().unwrap_or(0));
        let (status, answer) = pen.ask(&path, &step["attrs"]).await;
        let failed = step.get("error").is_none() || pen.failed().await;
        pen.clock.set(0);
        let directives = named(&answer["directives"]);
        if status == 200 && failed && self.same(&named(&step["directives"]), &directives) {
            return Ok(());
        }
        Err(format!("{step}\n    {status} {answer}"))
    }

    async fn query(&mut self, number: usize, step: &Json) -> Result<(), String> {
        let begun = Instant::now();
        loop {
            match self.answer(number, step).await {
                Err(_) if begun.elapsed() < SENT_WAIT && !known(self.test).contains(&number) => {
                    tokio::time::sleep(SENT_WAIT / 20).await;
                }
                outcome => return outcome,
            }
        }
    }

    async fn answer(&mut self, number: usize, step: &Json) -> Result<(), String> {
        let pen = self.pen(step);
        // A query that was asked of nobody is asked of nobody.
        let eci = step["eci"].as_str().map_or("", |_| &pen.eci);
        let query = path(&step["rid"], &step["name"]);
        let path = if number.is_multiple_of(2) {
            format!("/c/{eci}/query/{query}")
        } else {
            format!("/sky/cloud/{eci}/{query}")
        };
        let arguments = step["args"]
            .as_object()
            .filter(|args| !args.contains_key("$t"));
        let arguments = Json::from(arguments.cloned().unwrap_or_default());
        let (status, answer) = pen.ask(&path, &arguments).await;
        let as_expected = match step.get("error") {
            Some(_) => status != 200,
            None => status == 200 && self.same(&normal(&step["result"]), &normal(&answer)),
        };
        if as_expected {
            return Ok(());
        }
        Err(format!("{step}\n    {status} {answer}"))
    }

    fn pen(&self, step: &Json) -> &'s Pen {
        &self.stage.pens[step["eci"].as_str().unwrap_or("$1")]
    }

    /// Whether an answer is the recorded one. An id is another one here, but always the same for
    /// the same one there.
    fn same(&mut self, recorded: &Json, answered: &Json) -> bool {
        match (recorded, answered) {
            (Json::Array(recorded), Json::Array(answered)) => {
                let mut pairs = recorded.iter().zip(answered);
                recorded.len() == answered.len()
                    && pairs.all(|(recorded, answered)| self.same(recorded, answered))
            }
            (Json::Object(recorded), Json::Object(answered)) => {
                let mut members = recorded.iter();
                recorded.len() == answered.len()
                    && members.all(|(name, recorded)| {
                        let answered = answered.get(name);
                        answered.is_some_and(|answered| self.same(recorded, answered))
                    })
            }
            (Json::String(recorded), Json::String(answered)) if is_id(recorded) => {
                let known = self.ids.entry(recorded.clone());
                known.or_insert_with(|| answered.clone()) == answered
            }
            _ => recorded == answered,
        }
    }
}

/// Two steps of a path.
fn path(first: &Json, second: &Json) -> String {
    let text = |word: &Json| word.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(first), text(second))
}

/// What is compared of directives.
fn named(directives: &Json) -> Json {
    let directives = directives.as_array().into_iter().flatten();
    directives
        .map(|one| normal(&json!([one["name"], one["options"]])))
        .collect()
}

/// What JavaScript has more than one word for, in one word; and without the headers of a request,
/// which both engines make an attribute, and of which the record knows nothing.
fn normal(json: &Json) -> Json {
    match json {
        Json::Array(items) => items.iter().map(normal).collect(),
        Json::Number(number) => json!(number.as_f64()),
        Json::Object(members) => match members.get("$t").and_then(Json::as_str) {
            Some("NaN" | "undefined") => Json::Null,
            Some("-0") => json!(0.0),
            Some("RegExp") => json!(format!("re#{}#", members["source"].as_str().unwrap())),
            Some(_) => json!("a function"),
            None => {
                let shown = members.iter().filter(|(name, _)| *name != "_headers");
                shown
                    .map(|(name, member)| (name.clone(), normal(member)))
                    .collect::<Map<_, _>>()
                    .into()
            }
        },
        other => other.clone(),
    }
}

/// pico-engine's ids are a `c` and 24 lower-case letters and digits.
fn is_id(text: &str) -> bool {
    let rest = text.strip_prefix('c').unwrap_or_default();
    let of_id = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    rest.len() == 24 && rest.bytes().all(of_id)
}
