//! The rulesets that the node brings.

use std::sync::Arc;

use stratus_engine::{Command, Config, Reply};
use stratus_event::{Map, Name, PenId, Value};
use stratus_krl::Krl;
use stratus_pen::language::Language;

use crate::{
    chatter::name,
    world::{World, raise},
};

const WRANGLER: &str = include_str!("../../../../node/rulesets/system/io.picolabs.wrangler.krl");
const SUBSCRIPTION: &str =
    include_str!("../../../../node/rulesets/system/io.picolabs.subscription.krl");
const PDS: &str = include_str!("../../../../node/rulesets/system/io.picolabs.pds.krl");

/// A ruleset that uses the PDS, and counts how often it hears that it was installed.
const USER: &str = r#"ruleset user {
    meta { use module io.picolabs.pds alias pds shares heard, item }
    global {
        heard = function() { ent:heard }
        item = function() { pds:get_item("a", "b") }
    }
    rule begin {
        select when wrangler ruleset_installed where event:attr("rids") >< meta:rid
        fired { ent:heard := ent:heard.defaultsTo(0) + 1 }
    }
}"#;

/// A node that brings the three rulesets.
fn world() -> (World, PenId) {
    let language: Arc<dyn Language> = Arc::new(Krl);
    let library = [
        ("io.picolabs.wrangler", WRANGLER),
        ("io.picolabs.subscription", SUBSCRIPTION),
        ("io.picolabs.pds", PDS),
    ];
    let mut world = World::speaking(&language, 1, |config: &mut Config| {
        config.library = library
            .iter()
            .map(|(rid, text)| (name(rid), Arc::from(*text)))
            .collect();
    });
    let pen = world.pen(0);
    (world, pen)
}

fn installed(world: &mut World, pen: PenId) -> Vec<Name> {
    let Reply::Listing(listing) = world.ok(0, Command::List { pen }) else {
        panic!()
    };
    listing.rulesets.into_iter().map(|(rid, ..)| rid).collect()
}

fn asked(
    world: &mut World,
    pen: PenId,
    rid: &str,
    what: &str,
    arguments: &[(&str, &str)],
) -> Value {
    let query = Command::Query {
        pen,
        rid: name(rid),
        name: name(what),
        arguments: arguments.iter().copied().collect::<Map>(),
    };
    match world.ok(0, query) {
        Reply::Value(value) => value,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_module_that_the_pen_lacks_comes_with_the_ruleset_that_uses_it() {
    let (mut world, pen) = world();
    assert!(installed(&mut world, pen).is_empty(), "a new PEN has none");
    world.install(0, pen, USER);
    let expected = ["io.picolabs.wrangler", "io.picolabs.pds", "user"].map(name);
    assert_eq!(installed(&mut world, pen), expected);
    world.run();
    assert_eq!(asked(&mut world, pen, "user", "heard", &[]), Value::from(1));
    world.install(0, pen, USER);
    assert_eq!(installed(&mut world, pen), expected);
    world.crash(0);
    assert_eq!(installed(&mut world, pen), expected);
}

#[test]
fn each_of_them_can_be_used() {
    for rid in [
        "io.picolabs.wrangler",
        "io.picolabs.subscription",
        "io.picolabs.pds",
    ] {
        let (mut world, pen) = world();
        let user = format!("ruleset user {{ meta {{ use module {rid} alias it }} }}");
        world.install(0, pen, &user);
        assert!(installed(&mut world, pen).contains(&name(rid)));
    }
}

#[test]
fn what_the_owner_has_installed_under_that_id_stays() {
    let (mut world, pen) = world();
    let own = r#"ruleset io.picolabs.wrangler { meta { shares name provides name }
        global { name = function() { "mine" } } }"#;
    world.install(0, pen, own);
    world.install(0, pen, USER);
    let name = asked(&mut world, pen, "io.picolabs.wrangler", "name", &[]);
    assert_eq!(name, Value::text("mine"));
}

#[test]
fn the_pds_keeps_items_for_all_rulesets_of_the_pen() {
    let (mut world, pen) = world();
    world.install(0, pen, USER);
    let owner = world.owner(0, pen);
    let item = [("namespace", "a"), ("key", "b"), ("value", "c")];
    world.ok(0, raise(owner, "pds:new_data_available", &item));
    assert_eq!(
        asked(&mut world, pen, "user", "item", &[]),
        Value::text("c")
    );
    let keys = asked(
        &mut world,
        pen,
        "io.picolabs.pds",
        "get_keys",
        &[("namespace", "a")],
    );
    assert_eq!(keys, Value::list([Value::text("b")]));
    world.ok(0, raise(owner, "pds:remove_old_data", &item[..2]));
    assert_eq!(asked(&mut world, pen, "user", "item", &[]), Value::Null);
}
