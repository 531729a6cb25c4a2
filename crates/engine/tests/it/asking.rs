//! PENs of one node ask each other.

use std::sync::Arc;

use stratus_engine::{ChannelWish, Command, Config, Door, Input, Position, Reply};
use stratus_event::{Eci, Fault, Map, PenId, Value};
use stratus_krl::Krl;
use stratus_pen::{Bearer, Policy, Rule, language::Language};

use crate::{
    chatter::name,
    world::{World, raise},
};

/// What both PENs have installed.
const PONG: &str = r#"ruleset pong {
    meta { shares count, got, heavy, circle, bounce, fetch }
    global {
        count = function() { ent:count.defaultsTo(0) }
        got = function() { ent:got }
        heavy = function(theirs, n) {
            theirs => ctx:query(theirs, "pong", "heavy", {"n": n})
                    | 0.range(n).map(function(i) { i * 2 }).length()
        }
        circle = function(mine, theirs) {
            ctx:query(theirs, "pong", "circle", {"mine": theirs, "theirs": mine})
        }
        bounce = function(mine, theirs, n) {
            n == 0 => ["ground", meta:eci == mine]
                    | ctx:query(theirs, "pong", "bounce",
                        {"mine": theirs, "theirs": mine, "n": n - 1})
        }
        fetch = function() { http:get("https://shop.example/") }
    }
    rule add { select when b add fired { ent:count := count() + 1 } }
    rule ask {
        select when a ask
        pre { answer = ctx:query(event:attrs{"eci"}, "pong", event:attrs{"name"}) }
        fired { ent:got := answer }
    }
    rule failed { select when system error fired { ent:got := event:attrs{"msg"} } }
}"#;

/// Two PENs, and a channel of each that whoever knows its ECI may use for queries.
struct Pair {
    world: World,
    pens: [PenId; 2],
    channels: [Eci; 2],
}

impl Pair {
    fn new() -> Self {
        Self::with(|_| {})
    }

    fn with(change: impl Fn(&mut Config)) -> Self {
        let language: Arc<dyn Language> = Arc::new(Krl);
        let mut world = World::speaking(&language, 1, change);
        let pens = [world.pen(0), world.pen(0)];
        let channels = pens.map(|pen| {
            world.install(0, pen, PONG);
            channel(&mut world, pen, Bearer::Nearby)
        });
        Self {
            world,
            pens,
            channels,
        }
    }

    fn query(&self, what: &str, arguments: Map) -> Command {
        Command::Query {
            pen: self.pens[0],
            rid: name("pong"),
            name: name(what),
            arguments,
        }
    }

    /// What a query of the first PEN comes to that asks the second one.
    fn answer(&mut self, what: &str, arguments: &[(&str, Value)]) -> Result<Value, Fault> {
        let mut given = Map::from([
            ("mine", Value::text(self.channels[0].to_string())),
            ("theirs", Value::text(self.channels[1].to_string())),
        ]);
        for (name, value) in arguments {
            given.insert(*name, value.clone());
        }
        let command = self.query(what, given);
        match self.world.command(0, command).expect("a reply")? {
            Reply::Value(value) => Ok(value),
            reply => panic!("{reply:?}"),
        }
    }

    #[track_caller]
    fn check_refused(&mut self, what: &str, arguments: &[(&str, Value)], code: &str) {
        let fault = self.answer(what, arguments).unwrap_err();
        assert!(fault.to_string().contains(code), "{fault}");
    }

    /// Lets a rule of the first PEN ask by that channel; what it got.
    fn ask(&mut self, eci: Eci, what: &str) -> Value {
        let owner = self.world.owner(0, self.pens[0]);
        let attributes = [("eci", &*eci.to_string()), ("name", what)];
        self.world.ok(0, raise(owner, "a:ask", &attributes));
        self.world.query(0, self.pens[0], "pong", "got")
    }
}

fn channel(world: &mut World, pen: PenId, bearer: Bearer) -> Eci {
    let rule = |query: &str| Rule {
        first: Some(name("pong")),
        second: Some(name(query)),
    };
    let any = Rule {
        first: None,
        second: None,
    };
    let policy = Policy {
        queries_allowed: vec![any],
        queries_denied: vec![rule("got")],
        ..Policy::default()
    };
    let wish = ChannelWish {
        tags: Vec::new(),
        policy,
        bearer,
        rate: None,
    };
    let command = Command::MakeChannel { pen, wish };
    match world.ok(0, command) {
        Reply::Channel(channel) => channel.eci,
        reply => panic!("{reply:?}"),
    }
}

#[test]
fn a_rule_asks_another_pen() {
    let mut pair = Pair::new();
    let [_, theirs] = pair.channels;
    let other = pair.world.owner(0, pair.pens[1]);
    assert_eq!(pair.ask(theirs, "count"), Value::from(0));
    pair.world.ok(0, raise(other, "b:add", &[]));
    assert_eq!(pair.ask(theirs, "count"), Value::from(1));
    assert!(pair.world.nodes[0].asks.is_empty(), "no connector is asked");
}

#[test]
fn a_pen_that_is_not_in_memory_is_read_to_be_asked() {
    let mut pair = Pair::with(|config| config.pens_idle_ms_max = 60_000);
    let [_, theirs] = pair.channels;
    pair.world.pass(600_000);
    assert_eq!(pair.ask(theirs, "count"), Value::from(0));
    pair.world.pass(600_000);
    let ground = Value::list([Value::text("ground"), Value::from(true)]);
    assert_eq!(pair.answer("bounce", &[("n", 5.into())]), Ok(ground));
    let told = pair.ask(Eci([7; 32]), "count");
    let told = format!("{told:?}");
    assert!(told.contains("channel-unknown"), "{told}");
}

#[test]
fn a_rule_asks_only_where_it_may() {
    let mut pair = Pair::new();
    let shut = channel(&mut pair.world, pair.pens[1], Bearer::Nobody);
    let cases = [
        (pair.channels[1], "got", "policy-refuses"),
        (pair.channels[1], "nothing", "query-unknown"),
        (pair.channels[1], "fetch", "question-unsupported"),
        (shut, "count", "channel-not-legacy"),
        (Eci([7; 32]), "count", "channel-unknown"),
    ];
    for (eci, what, code) in cases {
        let told = pair.ask(eci, what);
        let told = format!("{told:?}");
        assert!(told.contains(code), "{code}: {told}");
    }
    // Its own channels a PEN may use, whatever they are for.
    let mine = channel(&mut pair.world, pair.pens[0], Bearer::Nobody);
    assert_eq!(pair.ask(mine, "count"), Value::from(0));
}

#[test]
fn queries_ask_each_other_and_end() {
    let mut pair = Pair::new();
    let ground = Value::list([Value::text("ground"), Value::from(true)]);
    assert_eq!(pair.answer("bounce", &[("n", 5.into())]), Ok(ground));
    pair.check_refused("bounce", &[("n", 99.into())], "query-depth-exhausted");
    pair.check_refused("circle", &[], "query-cycle");
}

#[test]
fn all_queries_together_have_the_fuel_of_one() {
    let check = |n: i32, fits: bool| {
        let mut pair = Pair::with(|config| config.evaluation.rule.fuel_max = 20_000);
        let answer = pair.answer("heavy", &[("n", n.into())]);
        assert_eq!(answer.is_ok(), fits, "{answer:?}");
    };
    check(100, true);
    check(100_000, false);
}

#[test]
fn a_long_query_is_for_a_worker_and_an_event_does_not_wait_for_it() {
    let mut pair = Pair::with(|config| config.query_fuel_at_once = 100);
    let owner = pair.world.owner(0, pair.pens[0]);
    let arguments = Map::from([("n", Value::from(1_000))]);
    let command = pair.query("heavy", arguments);
    pair.world.nodes[0].jobs = Some(Vec::new());
    let id = pair.world.give(0, command);
    let job = pair.world.nodes[0].jobs.take().unwrap().remove(0);
    assert!(job.is_query());
    pair.world.ok(0, raise(owner, "b:add", &[]));
    assert!(!pair.world.nodes[0].replies.contains_key(&id));
    let finished = Box::new(job.run());
    pair.world.handle(0, Input::Finished(finished));
    pair.world.run();
    let reply = pair.world.nodes[0].replies.remove(&id).unwrap();
    assert_eq!(reply, Ok(Reply::Value(Value::from(1_001))));
}

#[test]
fn a_worker_that_is_lost_is_an_answer() {
    let mut pair = Pair::with(|config| config.query_fuel_at_once = 0);
    pair.world.nodes[0].jobs = Some(Vec::new());
    let command = pair.query("count", Map::new());
    let id = pair.world.give(0, command);
    let job = pair.world.nodes[0].jobs.take().unwrap().remove(0);
    let lost = Box::new(job.lost().unwrap());
    pair.world.handle(0, Input::Finished(lost));
    let reply = pair.world.nodes[0].replies.remove(&id).unwrap();
    assert_eq!(reply.unwrap_err().code, "evaluation-panicked");
}

#[test]
fn there_are_only_so_many_long_queries() {
    let mut pair = Pair::with(|config| {
        config.query_fuel_at_once = 0;
        config.queries_running_max = 1;
    });
    pair.world.nodes[0].jobs = Some(Vec::new());
    let command = pair.query("count", Map::new());
    pair.world.give(0, command.clone());
    assert_eq!(pair.world.code(0, command), "queries-full");
}

#[test]
fn an_answer_waits_for_what_it_rests_on() {
    let mut pair = Pair::new();
    let owner = pair.world.owner(0, pair.pens[0]);
    pair.world.nodes[0].stuck = Some(Vec::new());
    pair.world.give(0, raise(owner, "b:add", &[]));
    let command = pair.query("count", Map::new());
    let id = pair.world.give(0, command);
    pair.world.run();
    assert!(
        !pair.world.nodes[0].replies.contains_key(&id),
        "what is not durable is not told"
    );
    let batches = pair.world.nodes[0].stuck.take().unwrap();
    let through = batches.last().unwrap().position;
    pair.world.handle(0, Input::Committed { through });
    let reply = pair.world.nodes[0].replies.remove(&id).unwrap();
    assert_eq!(reply, Ok(Reply::Value(Value::from(1))));
}

#[test]
fn after_a_failed_write_a_query_hears_of_it() {
    let mut pair = Pair::with(|config| config.query_fuel_at_once = 0);
    pair.world.nodes[0].jobs = Some(Vec::new());
    let command = pair.query("count", Map::new());
    let id = pair.world.give(0, command);
    let reason = "the disk is gone".to_owned();
    let from = Position(1);
    pair.world.handle(0, Input::CommitFailed { from, reason });
    let reply = pair.world.nodes[0].replies.remove(&id).unwrap();
    assert_eq!(reply.unwrap_err().code, "store-failed");
}

#[test]
fn a_question_to_a_pen_is_asked_again_after_a_crash() {
    let mut pair = Pair::with(|config| config.query_fuel_at_once = 0);
    let owner = pair.world.owner(0, pair.pens[0]);
    let eci = pair.channels[1].to_string();
    pair.world.nodes[0].jobs = Some(Vec::new());
    let asking = raise(owner, "a:ask", &[("eci", &*eci), ("name", "count")]);
    pair.world.give(0, asking);
    let event = pair.world.nodes[0].jobs.as_mut().unwrap().remove(0);
    pair.world.handle(0, Input::Finished(Box::new(event.run())));
    assert!(pair.world.nodes[0].jobs.as_ref().unwrap()[0].is_query());
    pair.world.nodes[0].jobs = None;
    pair.world.crash(0);
    pair.world.run();
    let got = pair.world.query(0, pair.pens[0], "pong", "got");
    assert_eq!(got, Value::from(0));
}

#[test]
fn a_door_asks_by_a_channel_that_lets_it_in() {
    let mut pair = Pair::new();
    let ask = |what: &str| Command::QueryBy {
        channel: pair.channels[0],
        door: Door::Bearer {
            from: Some([127, 0, 0, 1].into()),
        },
        rid: name("pong"),
        name: name(what),
        arguments: Map::new(),
    };
    let (count, got) = (ask("count"), ask("got"));
    assert_eq!(pair.world.ok(0, count), Reply::Value(Value::from(0)));
    assert_eq!(pair.world.code(0, got), "policy-refuses");
}

#[test]
fn a_question_that_names_no_channel_is_malformed() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y ask pen query");
    let owner = world.owner(0, pen);
    world.ok(0, raise(owner, "x:y", &[("rid", "a"), ("name", "count")]));
    let answer = world.query(0, pen, "a", "answer");
    assert_eq!(answer, Value::text("question-malformed"));
}
