//! Large variables on the disk.

use std::sync::Arc;

use stratus_engine::{Command, Key, Record};
use stratus_event::{Eci, Map, PenId, Value};
use stratus_krl::Krl;
use stratus_pen::language::Language;

use crate::{
    chatter::name,
    world::{World, raise},
};

const RULES: &str = r#"ruleset a {
    meta { shares m, rooms }
    global { m = function() { ent:m } rooms = function() { ent:rooms } }
    rule fill {
        select when m fill
        foreach 0.range(199) setting(n)
        fired { ent:m{n} := n }
    }
    rule set { select when m set fired { ent:m{event:attrs{"name"}} := event:attrs{"value"} } }
    rule clear { select when m clear fired { clear ent:m{event:attrs{"name"}} } }
    rule move { select when m moved fired { ent:rooms{["hall", "things"]} := ent:m } }
    rule put {
        select when m put
        fired { ent:rooms := ent:rooms.put(["hall", "things", event:attrs{"name"}], "there") }
    }
    rule empty { select when m empty fired { clear ent:m } }
    rule wrong {
        select when m wrong
        fired { ent:m{"5"} := "wrong"; ent:x := "x".as("Nothing") }
    }
}"#;

fn world() -> (World, PenId, Eci) {
    let language: Arc<dyn Language> = Arc::new(Krl);
    let mut world = World::speaking(&language, 1, |_| {});
    let pen = world.pen(0);
    world.install(0, pen, RULES);
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

fn is_part(key: &Key) -> bool {
    matches!(key, Key::Variable(..) | Key::VariableEntry(..))
}

/// The variables and the numbers of the entries that an event has written or removed.
fn written(world: &mut World, owner: Eci, symbol: &str, attributes: &[(&str, &str)]) -> String {
    world.nodes[0].written.clear();
    world.ok(0, raise(owner, symbol, attributes));
    let parts = world.nodes[0].written.iter().filter_map(|key| match key {
        Key::Variable(_, _, name) => Some(name.to_string()),
        Key::VariableEntry(_, _, name, path, number) => {
            Some(format!("{name}{} {number}", path.join("/")))
        }
        _ => None,
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// What a query answers, before a start and after it.
fn asked(world: &mut World, pen: PenId, query: &str) -> Value {
    let before = world.query(0, pen, "a", query);
    world.crash(0);
    let after = world.query(0, pen, "a", query);
    assert_eq!(format!("{after:?}"), format!("{before:?}"));
    after
}

#[test]
fn an_event_writes_the_entries_that_it_changed_and_no_others() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "m:fill", &[]));
    assert_eq!(world.nodes[0].count(is_part), 201);
    let set = |name, value| [("name", name), ("value", value)];
    assert_eq!(
        written(&mut world, owner, "m:set", &set("77", "new")),
        "m 77"
    );
    assert_eq!(
        written(&mut world, owner, "m:set", &set("new", "1")),
        "m 200"
    );
    assert_eq!(
        written(&mut world, owner, "m:clear", &[("name", "0")]),
        "m 0"
    );
    assert_eq!(
        written(&mut world, owner, "m:clear", &[("name", "absent")]),
        ""
    );
    assert_eq!(written(&mut world, owner, "m:wrong", &[]), "");
    let m = asked(&mut world, pen, "m");
    let m = m.as_map().unwrap();
    assert_eq!(
        (m.len(), m.text("77"), m.text("new")),
        (200, Some("new"), Some("1"))
    );
    assert_eq!(m.get("5"), Some(&Value::from(5)));
    let names: Vec<&str> = m.iter().map(|(name, _)| &**name).collect();
    assert_eq!((names[0], names[76], names[199]), ("1", "77", "new"));
    assert_eq!(
        written(&mut world, owner, "m:set", &set("9", "again")),
        "m 9"
    );
}

#[test]
fn a_large_map_within_others_is_written_by_entry_too() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "m:fill", &[]));
    world.ok(0, raise(owner, "m:moved", &[]));
    assert_eq!(world.nodes[0].count(is_part), 402);
    let name = [("name", "7")];
    assert_eq!(
        written(&mut world, owner, "m:put", &name),
        "roomshall/things 7"
    );
    assert_eq!(
        written(&mut world, owner, "m:moved", &[]),
        "roomshall/things 7"
    );
    world.ok(0, raise(owner, "m:put", &name));
    let rooms = asked(&mut world, pen, "rooms");
    let things = rooms
        .as_map()
        .unwrap()
        .get("hall")
        .unwrap()
        .as_map()
        .unwrap();
    let things = things.get("things").unwrap().as_map().unwrap();
    assert_eq!((things.len(), things.text("7")), (200, Some("there")));
}

#[test]
fn what_shrinks_or_goes_leaves_nothing_behind() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "m:fill", &[]));
    for number in 0..136 {
        world.ok(0, raise(owner, "m:clear", &[("name", &number.to_string())]));
    }
    assert_eq!(world.nodes[0].count(is_part), 1, "it is one record again");
    assert_eq!(asked(&mut world, pen, "m").as_map().map(Map::len), Some(64));
    world.ok(0, raise(owner, "m:fill", &[]));
    assert_eq!(
        asked(&mut world, pen, "m").as_map().map(Map::len),
        Some(200)
    );
    world.ok(0, raise(owner, "m:empty", &[]));
    assert_eq!(world.nodes[0].count(is_part), 0);
    world.ok(0, raise(owner, "m:fill", &[]));
    let rid = name("a");
    world.ok(0, Command::Uninstall { pen, rid });
    assert_eq!(world.nodes[0].count(is_part), 0);
}

#[test]
fn a_large_map_that_an_earlier_version_wrote_into_one_record_is_taken_apart() {
    let (mut world, pen, owner) = world();
    world.ok(0, raise(owner, "m:fill", &[]));
    let whole = world.query(0, pen, "a", "m");
    let disk = &mut world.nodes[0].disk;
    disk.retain(|key, _| !matches!(key, Key::VariableEntry(..)));
    disk.insert(
        Key::Variable(pen, name("a"), name("m")),
        Record::Variable(whole.clone()),
    );
    world.crash(0);
    assert_eq!(asked(&mut world, pen, "m"), whole);
    assert_eq!(world.nodes[0].count(is_part), 201);
}
