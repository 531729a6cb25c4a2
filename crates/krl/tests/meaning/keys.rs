//! Secrets of rulesets: a rule sees handles, a connector the secret.

use stratus_event::{Map, Name, PenId};
use stratus_krl::Krl;
use stratus_pen::{
    Seed, State,
    language::{Language as _, StateView as _},
};

use crate::world::World;

const OWNER: &str = r#"ruleset owner {
    meta {
        key token "t-o-p"
        key pair {"name": "ada", "word": "s3cret"}
        provides keys pair to friend
        shares a
    }
    global { a = function() { [keys:token, keys:pair("word"), keys:pair{"name"}, keys:token()] } }
    rule r { select when a b http:get("http://x/?t=" + keys:token, auth = keys:pair) }
}"#;

const FRIEND: &str = r#"ruleset friend {
    meta { use module owner shares a, b }
    global { a = function() { keys:pair{"word"} } b = function() { keys:token } }
}"#;

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn a_rule_sees_handles_only() {
    let world = World::with(&[OWNER]);
    let told = world.send("a:b");
    assert!(told.contains("?t={{key owner token 0 "), "{told}");
    assert!(
        !told.contains("t-o-p") && !told.contains("s3cret"),
        "{told}"
    );
    let shown = format!("{:?}", world.ask("a").unwrap());
    assert!(shown.contains("{{key owner pair 1 "), "{shown}");
}

#[test]
fn a_connector_gets_the_secret_if_the_ruleset_may_have_it() {
    let mut state = State::new(PenId([1; 16]), "pen");
    for source in [OWNER, FRIEND] {
        state.install(Krl.compile(source).unwrap()).unwrap();
    }
    let asked = |text: &str| Map::from([("x", text)]);
    let check = |reader: &str, text: &str, expected: &str| {
        assert_eq!(state.unsealed(&name(reader), &asked(text)), asked(expected));
    };
    let token = state.handle(&name("owner"), "token", 0);
    let word = state.handle(&name("owner"), "pair", 1);
    let both = format!("a {token}, {word}!");
    check("owner", &both, "a t-o-p, s3cret!");
    check("friend", &both, &format!("a {token}, s3cret!"));
    check("stranger", &both, &both);
    let unknown = format!("{} {{{{key", state.handle(&name("owner"), "token", 7));
    check("owner", &unknown, &unknown);
    // What only looks like a handle, and the handle of another PEN, stay what they are.
    check("owner", "{{key owner token 0}}", "{{key owner token 0}}");
    let other = Seed([1; 32]).handle(&name("owner"), "token", 0);
    check("owner", &other, &other);
    let moved = token.replace("token 0", "pair 1");
    check("owner", &moved, &moved);
}

#[test]
fn a_key_is_seen_by_those_that_it_is_provided_to() {
    let world = World::with(&[FRIEND, OWNER]);
    let shown = format!("{:?}", world.ask("a").unwrap());
    assert!(shown.starts_with(r#""{{key owner pair 1 "#), "{shown}");
    let refused = format!("{:?}", world.ask("b").unwrap_err());
    assert!(refused.contains("friend has no key token"), "{refused}");
}
