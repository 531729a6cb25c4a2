//! Power cuts and broken disks under load.
//!
//! `kill -9` alone proves little, since the system still has what a process wrote. So the node runs
//! on a disk of which only that is left which was synced, and of the rest a random part.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use reqwest::Client;
use serde_json::{Value as Json, json};

use crate::{program::Node, random::Random};
use disk::Disk;

mod disk;

/// A node with a ledger, and what is known of it.
struct Bank {
    node: Node,
    disk: Disk,
    client: Client,
    random: Random,
    /// The numbers of the entries that the node said it has.
    acknowledged: Arc<Mutex<BTreeSet<u64>>>,
    /// The number that no entry has yet.
    next: u64,
    model: Model,
}

/// What the ledger's variables must be after the entries of the journal.
#[derive(Debug, Default)]
struct Model {
    after: Option<u64>,
    seen: BTreeSet<u64>,
    chain: u64,
}

const LEDGER: &str = r#"
ruleset ledger {
  meta { shares state }
  global {
    state = function() { {"chain": ent:chain, "count": ent:count, "echoes": ent:echoes} }
  }
  rule take {
    select when ledger entry
    pre { number = event:attr("number") }
    fired {
      ent:count := ent:count.defaultsTo(0) + 1;
      ent:chain := (ent:chain.defaultsTo(0) * 31 + number) % 1000003;
      raise ledger event "echo" attributes {"number": number}
    }
  }
  rule echo {
    select when ledger echo
    fired { ent:echoes := ent:echoes.defaultsTo(0) + 1 }
  }
}
"#;

impl Bank {
    /// Opens the bank; none where no such disk can be had.
    fn open(seed: u64) -> Option<Self> {
        let mut node = Node::new();
        let disk = Disk::under(&mut node)?;
        disk.settle();
        node.up();
        let ruleset = node.folder().join("ledger.krl");
        std::fs::write(&ruleset, LEDGER).unwrap();
        node.done(&["ruleset", "install", ruleset.to_str().unwrap()]);
        Some(Self {
            node,
            disk,
            client: Client::new(),
            random: Random(seed),
            acknowledged: Arc::default(),
            next: 0,
            model: Model::default(),
        })
    }

    /// Sends entries from many sides at a time until the power is cut, and starts again.
    fn cut_under_load(&mut self) {
        let before = self.acknowledged.lock().unwrap().len();
        let load = self.load();
        self.await_acknowledgement(before);
        std::thread::sleep(Duration::from_millis(self.random.below(80) as u64));
        self.cut(load);
    }

    /// Waits until more than so many entries are acknowledged.
    fn await_acknowledgement(&self, before: usize) {
        let begun = Instant::now();
        while self.acknowledged.lock().unwrap().len() <= before {
            assert!(begun.elapsed() < LOAD_WAIT, "{}", self.node.logged());
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Cuts the power, and starts again.
    fn cut(&mut self, load: JoinHandle<()>) {
        self.node.kill();
        load.join().unwrap();
        self.disk.cut(&mut self.random);
        self.disk.settle();
        self.node.up();
    }

    /// Entries may be in the journal of which nobody was told; from here on they count as told.
    fn forget_unanswered(&self) {
        let mut acknowledged = self.acknowledged.lock().unwrap();
        acknowledged.extend(&self.model.seen);
    }

    fn load(&mut self) -> JoinHandle<()> {
        let (senders, first) = (SENDERS as u64, self.next);
        self.next += senders * ENTRIES_MAX;
        let (url, token, client) = (self.node.url(), self.token(), self.client.clone());
        let acknowledged = Arc::clone(&self.acknowledged);
        std::thread::spawn(move || {
            let nth = |nth| first + nth * ENTRIES_MAX;
            let sender = |first| send(&client, &url, &token, first, &acknowledged);
            let senders = (0..senders).map(nth).map(sender);
            runtime().block_on(futures::future::join_all(senders));
        })
    }

    /// Compares the journal with what was acknowledged, and the variables with the model.
    fn audit(&mut self) -> Result<(), String> {
        self.model
            .read(&self.client, &self.node.url(), &self.token());
        let acknowledged = self.acknowledged.lock().unwrap();
        if let Some(lost) = acknowledged.difference(&self.model.seen).next() {
            return Err(format!("entry {lost} was acknowledged and is lost"));
        }
        let count = self.model.seen.len();
        let expected = json!({ "chain": self.model.chain, "count": count, "echoes": count });
        let state = self.node.done(&["query", "ledger", "state"]);
        let state: Json = serde_json::from_str(&state).unwrap();
        if count > 0 && state != expected {
            return Err(format!("the variables are {state}, the model's {expected}"));
        }
        Ok(())
    }

    fn token(&self) -> String {
        std::fs::read_to_string(self.node.data().join("owner.token")).unwrap()
    }
}

impl Model {
    /// Goes on with the entries that came since it read last, once all of them have an outcome.
    fn read(&mut self, client: &Client, url: &str, token: &str) {
        let runtime = runtime();
        loop {
            let after = self.after.map(|after| format!("&after={after}"));
            let path = "/api/v1/journal?limit=500&settled=true&wait_ms=200";
            let url = format!("{url}{path}{}", after.unwrap_or_default());
            let page: Json = runtime.block_on(async {
                let request = client.get(url).bearer_auth(token.trim());
                request.send().await.unwrap().json().await.unwrap()
            });
            let entries = page["entries"].as_array().unwrap();
            if entries.is_empty() {
                return;
            }
            for entry in entries {
                self.take(entry);
            }
        }
    }

    fn take(&mut self, entry: &Json) {
        self.after = entry["position"].as_u64();
        if entry["event"]["domain"] != "ledger" {
            return;
        }
        let number = entry["event"]["attributes"]["number"].as_u64().unwrap();
        assert!(self.seen.insert(number), "entry {number} came twice");
        self.chain = (self.chain * 31 + number) % 1_000_003;
    }
}

/// Sends one entry after the other until the node is gone.
async fn send(
    client: &Client,
    url: &str,
    token: &str,
    first: u64,
    acknowledged: &Mutex<BTreeSet<u64>>,
) {
    for number in first..first + ENTRIES_MAX {
        let wait = if number % 2 == 0 {
            "accepted"
        } else {
            "outcome"
        };
        let entry = json!({
            "domain": "ledger", "type": "entry", "wait": wait, "attributes": { "number": number },
        });
        let request = client.post(format!("{url}/api/v1/events"));
        let sent = request.bearer_auth(token.trim()).json(&entry).send().await;
        let Ok(answer) = sent else { return };
        if answer.status().is_success() {
            acknowledged.lock().unwrap().insert(number);
        }
    }
}

fn runtime() -> tokio::runtime::Runtime {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap()
}

/// Cuts the power again and again, and says after how many times something was wrong.
fn cut_again_and_again(seed: u64, lies: bool) -> Option<Result<usize, String>> {
    let mut bank = Bank::open(seed)?;
    if lies {
        bank.node.stop();
        bank.node.set_variable("STRATUS_DISK_LIES", "yes".into());
        bank.disk.settle();
        bank.node.up();
    }
    for _ in 0..CUTS {
        bank.cut_under_load();
        if let Err(wrong) = bank.audit() {
            return Some(Err(wrong));
        }
    }
    let acknowledged = bank.acknowledged.lock().unwrap().len();
    assert!(
        acknowledged > CUTS,
        "too little load: {acknowledged} entries"
    );
    Some(Ok(acknowledged))
}

fn check(seed: u64) {
    match cut_again_and_again(seed, false) {
        Some(Ok(acknowledged)) => {
            println!("{CUTS} power cuts, {acknowledged} acknowledged entries, none lost");
        }
        Some(Err(wrong)) => panic!("seed {seed}: {wrong}"),
        None => skip(),
    }
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut_1() {
    check(1);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut_2() {
    check(2);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut_3() {
    check(3);
}

#[test]
fn nothing_acknowledged_is_lost_in_a_power_cut_4() {
    check(4);
}

#[test]
fn a_disk_that_does_not_sync_is_found_out() {
    match cut_again_and_again(5, true) {
        Some(Ok(_)) => panic!("nothing was lost though nothing was synced"),
        Some(Err(wrong)) => println!("found out: {wrong}"),
        None => skip(),
    }
}

/// While the disk fails nothing is acknowledged, and when it works again the node goes on by itself.
fn check_failing(way: &str) {
    let Some(mut bank) = Bank::open(6) else {
        return skip();
    };
    for _ in 0..FAILURES {
        bank.disk.set_failing(way, true);
        let load = bank.load();
        std::thread::sleep(Duration::from_millis(300));
        let (durable, acknowledged) = (bank.model.seen.len(), bank.acknowledged.clone());
        assert_eq!(acknowledged.lock().unwrap().len(), durable, "{way}");
        bank.disk.set_failing(way, false);
        bank.await_acknowledgement(durable);
        bank.cut(load);
        bank.audit()
            .unwrap_or_else(|wrong| panic!("{way}: {wrong}"));
        bank.forget_unanswered();
    }
}

#[test]
fn a_disk_that_cannot_sync_is_lived_through() {
    check_failing("sync");
}

#[test]
fn a_disk_that_cannot_write_is_lived_through() {
    check_failing("write");
}

#[test]
fn a_disk_that_is_full_is_lived_through() {
    check_failing("full");
}

/// Without a compiler there is no such disk.
fn skip() {
    let required = std::env::var("STRATUS_REQUIRE").unwrap_or_default();
    assert!(!required.contains("power"), "no C compiler makes the disk");
    println!("skipped: no C compiler makes the disk that loses power");
}

const CUTS: usize = 50;
const FAILURES: usize = 3;
const SENDERS: usize = 8;
/// Entries that one sender has to send, which are more than it can.
const ENTRIES_MAX: u64 = 1_000;
const LOAD_WAIT: Duration = Duration::from_secs(20);
