//! Programs that were written for pico-engine, and what it answered to them.
//!
//! A story in `tests/wild/` names rulesets, the events that are raised and the queries that are
//! asked, and what pico-engine 1.4 answered when that was recorded. Public rulesets are not ours to
//! give: `STRATUS_WILD_RULESETS` names a folder with a checkout of each repository, called
//! `OWNER+NAME`. If `STRATUS_PEER_DIR` names a built pico-engine, it is started and asked too.

use std::{
    env, fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};
use tokio::time::sleep;

use crate::program::Node;

#[derive(Deserialize)]
struct Story {
    about: String,
    rulesets: Vec<String>,
    steps: Vec<Step>,
}

/// An event or a query.
#[derive(Deserialize)]
struct Step {
    #[serde(default)]
    event: String,
    #[serde(default)]
    query: String,
    #[serde(default)]
    attributes: Map<String, Json>,
    #[serde(default)]
    arguments: Map<String, Json>,
    /// What pico-engine answered.
    #[serde(default, alias = "directives")]
    answer: Json,
    /// What Stratus answers instead, on purpose.
    stratus: Option<Json>,
}

/// One who is asked over HTTP, by a channel that lets in everything.
struct Engine {
    client: Client,
    base: String,
    eci: String,
}

impl Engine {
    async fn post(&self, path: &str, body: &Json) -> Json {
        let url = format!("{}/c/{}/{path}", self.base, self.eci);
        let answer = self.client.post(url).json(body).send().await.unwrap();
        answer.json().await.unwrap()
    }

    /// What a step is answered, without what is new each time.
    async fn play(&self, step: &Step) -> Json {
        if step.event.is_empty() {
            let path = format!("query/{}", step.query);
            return plain(&self.post(&path, &json!(step.arguments)).await);
        }
        let path = format!("event-wait/{}", step.event.replace(':', "/"));
        let answer = self.post(&path, &json!(step.attributes)).await;
        let told = answer["directives"].as_array().cloned();
        let told = told.unwrap_or_else(|| vec![answer.clone()]);
        let shown = told.iter().map(
            |directive| json!({"name": directive["name"], "options": plain(&directive["options"])}),
        );
        shown.collect()
    }

    /// Plays a step; a query is asked again until what was raised before it has been done.
    async fn expect(&self, step: &Step, expected: &Json, about: &str) {
        let end = Instant::now() + PATIENCE;
        loop {
            let found = self.play(step).await;
            if found == *expected {
                return;
            }
            let (event, query) = (&step.event, &step.query);
            let again = event.is_empty() && Instant::now() < end;
            assert!(
                again,
                "{about} {event}{query}: {found:#} instead of {expected:#}"
            );
            sleep(Duration::from_millis(50)).await;
        }
    }
}

/// A pico-engine that runs for one story.
struct Peer {
    engine: Engine,
    process: Child,
    _home: tempfile::TempDir,
}

impl Peer {
    async fn start(folder: &Path) -> Self {
        let home = tempfile::tempdir().unwrap();
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let process = Command::new("node")
            .arg(folder.join("packages/pico-engine/dist/cli.js"))
            .env("PORT", port.to_string())
            .env("PICO_ENGINE_HOME", home.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let mut engine = Engine {
            client: client(),
            base: format!("http://127.0.0.1:{port}"),
            eci: String::new(),
        };
        engine.eci = engine.ready().await;
        engine.eci = engine.channel().await;
        Self {
            engine,
            process,
            _home: home,
        }
    }

    async fn install(&self, ruleset: &Path) {
        let url = format!("file://{}", ruleset.display());
        let path = "event-wait/wrangler/install_ruleset_request";
        let told = self.engine.post(path, &json!({ "url": url })).await;
        assert_eq!(told["error"], Json::Null, "{}", ruleset.display());
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Engine {
    /// The channel of pico-engine's user interface, once it answers.
    async fn ready(&self) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let answer = self
                .client
                .get(format!("{}/api/ui-context", self.base))
                .send();
            if let Ok(answer) = answer.await {
                let context: Json = answer.json().await.unwrap();
                return context["eci"].as_str().unwrap().to_owned();
            }
            assert!(Instant::now() < end, "pico-engine does not start");
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// A channel of pico-engine's first pico that lets in everything.
    async fn channel(&self) -> String {
        let wish = json!({
            "tags": ["story"],
            "eventPolicy": {"allow": [{"domain": "*", "name": "*"}], "deny": []},
            "queryPolicy": {"allow": [{"rid": "*", "name": "*"}], "deny": []},
        });
        self.post("event-wait/engine_ui/new_channel", &wish).await;
        let pico = self
            .post("query/io.picolabs.pico-engine-ui/pico", &json!({}))
            .await;
        let mut channels = pico["channels"].as_array().unwrap().iter();
        let made = channels.find(|channel| channel["tags"] == json!(["story"]));
        made.unwrap()["id"].as_str().unwrap().to_owned()
    }
}

async fn play(story: &Story, rulesets: &[PathBuf], peer: Option<&Path>) {
    let node = Node::start("");
    for ruleset in rulesets {
        node.done(&["ruleset", "install", ruleset.to_str().unwrap()]);
    }
    let make = [
        "channel", "make", "story", "--legacy", "--event", "*:*", "--query", "*:*",
    ];
    let ours = Engine {
        client: client(),
        base: node.url(),
        eci: node.data_of(&make)["eci"].as_str().unwrap().to_owned(),
    };
    for step in &story.steps {
        let expected = step.stratus.as_ref().unwrap_or(&step.answer);
        ours.expect(step, expected, &story.about).await;
    }
    let Some(peer) = peer else { return };
    let peer = Peer::start(peer).await;
    for ruleset in rulesets {
        peer.install(ruleset).await;
    }
    for step in &story.steps {
        peer.engine.expect(step, &step.answer, &story.about).await;
    }
}

fn client() -> Client {
    let client = Client::builder().no_proxy().pool_max_idle_per_host(0);
    client.build().unwrap()
}

fn stories() -> Vec<Story> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/wild");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let texts = files.iter().map(|file| fs::read_to_string(file).unwrap());
    texts
        .map(|text| serde_json::from_str(&text).unwrap())
        .collect()
}

/// The story's files: our own stand beside it.
fn files(story: &Story, public: Option<&Path>) -> Option<Vec<PathBuf>> {
    let own = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/krl");
    let file = |name: &String| match name.strip_prefix("ours/") {
        Some(name) => own.join(name).canonicalize().ok(),
        None => public
            .map(|folder| folder.join(name))
            .filter(|file| file.exists()),
    };
    story.rulesets.iter().map(file).collect()
}

/// A value without ids and times, which are other ones each time, nor the request's own headers.
fn plain(value: &Json) -> Json {
    match value {
        Json::Array(items) => items.iter().map(plain).collect(),
        Json::Object(fields) => {
            let fields = fields.iter().filter(|(name, _)| *name != "_headers");
            fields
                .map(|(name, value)| (name.clone(), plain(value)))
                .collect()
        }
        Json::String(text) if is_id(text) => json!("<id>"),
        Json::String(text) if is_time(text) => json!("<time>"),
        other => other.clone(),
    }
}

/// A cuid, an ECI, a UUID or the id of a PEN.
fn is_id(text: &str) -> bool {
    let digits = text
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let hexadecimal = text
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    let cuid = text.len() == 25 && text.starts_with('c');
    let eci = text.len() == 48 && text.starts_with("z6Mk");
    digits && (cuid || eci) || hexadecimal && (text.len() == 32 || text.len() == 36)
}

/// ISO 8601, extended or basic.
fn is_time(text: &str) -> bool {
    let shape: String = text
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape.starts_with("0000-00-00T00:00:00") || shape.starts_with("00000000T000000")
}

#[tokio::test]
async fn what_our_own_programs_are_answered_is_what_pico_engine_answered() {
    let peer = env::var_os("STRATUS_PEER_DIR").map(PathBuf::from);
    let mut played = 0;
    for story in stories() {
        if let Some(rulesets) = files(&story, None) {
            play(&story, &rulesets, peer.as_deref()).await;
            played += 1;
        }
    }
    assert_ne!(played, 0);
}

#[tokio::test]
async fn public_programs_are_answered_as_by_pico_engine() {
    let Some(folder) = env::var_os("STRATUS_WILD_RULESETS").map(PathBuf::from) else {
        let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("wild"),
            "STRATUS_WILD_RULESETS names no folder"
        );
        println!("skipped: STRATUS_WILD_RULESETS names no folder of public rulesets");
        return;
    };
    let peer = env::var_os("STRATUS_PEER_DIR").map(PathBuf::from);
    for story in stories() {
        if files(&story, None).is_some() {
            continue;
        }
        let rulesets = files(&story, Some(&folder));
        let rulesets = rulesets.unwrap_or_else(|| panic!("{:?} are not there", story.rulesets));
        play(&story, &rulesets, peer.as_deref()).await;
    }
}

/// How long what is raised may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);
