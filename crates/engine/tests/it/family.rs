//! Children: made, talked to and deleted, by their owner and by rules.

use std::sync::Arc;

use stratus_engine::{Command, Door, Key, Listing, PenListing, Reply, Wait};
use stratus_event::{Eci, PenId, Value};
use stratus_krl::Krl;
use stratus_pen::language::Language;

use crate::{
    chatter::name,
    world::{Death, World, create, raise},
};

const HOUSE: &str = r#"ruleset house {
    meta { shares made, heard, failed, children, channels }
    global {
        made = function() { ent:made }
        heard = function() { ent:heard }
        failed = function() { ent:failed }
        children = function() { ctx:children }
        channels = function() { ctx:channels.map(function(c) { c{"tags"} }) }
    }
    rule make {
        select when a make
        ctx:newPico(name = event:attrs{"name"}) setting(eci)
        fired { ent:made := eci }
    }
    rule make_many {
        select when a many
        foreach 1.range(event:attrs{"n"}.as("Number")) setting(n)
        ctx:newPico(name = "lamp " + n)
    }
    rule begin {
        select when a begin
        ctx:newPico(name = "lamp") setting(eci)
        fired { raise a event "begun" attributes {"eci": eci} }
    }
    rule begun {
        select when a begun
        ctx:delPico(event:attrs{"eci"})
        fired { ent:made := ctx:children }
    }
    rule tell {
        select when a tell
        ctx:event(event:attrs{"eci"}.defaultsTo(ent:made), "a", "say", event:attrs)
    }
    rule told {
        select when lamp said
        fired { ent:heard := ent:heard.defaultsTo([]).append(event:attrs{"n"}) }
    }
    rule drop { select when a drop ctx:delPico(ent:made) }
    rule open {
        select when a open
        ctx:newChannel(["Public  door"], {"allow": [{"domain": "a", "name": "*"}], "deny": []}) setting(c)
        fired { ent:made := c{"id"} }
    }
    rule shut { select when a shut ctx:delChannel(ent:made) }
    rule failed {
        select when event send_failed
        fired { ent:failed := event:attrs{"code"} }
    }
    rule wrong {
        select when system error
        fired { ent:failed := event:attrs{"code"} }
    }
}"#;

const LAMP: &str = r#"ruleset lamp {
    meta { shares seen }
    global { seen = function() { ent:seen } }
    rule say {
        select when a say
        event:send({"eci": ctx:parent, "domain": "lamp", "type": "said", "attrs": event:attrs})
        fired { ent:seen := ent:seen.defaultsTo([]).append(event:attrs{"n"}) }
    }
}"#;

fn world(change: impl Fn(&mut stratus_engine::Config)) -> (World, PenId, Eci) {
    let language: Arc<dyn Language> = Arc::new(Krl);
    let mut world = World::speaking(&language, 1, change);
    let pen = world.pen(0);
    world.install(0, pen, HOUSE);
    let owner = world.owner(0, pen);
    (world, pen, owner)
}

fn listing(world: &mut World, pen: PenId) -> Listing {
    match world.ok(0, Command::List { pen }) {
        Reply::Listing(listing) => *listing,
        reply => panic!("{reply:?}"),
    }
}

fn pens(world: &mut World) -> Vec<PenListing> {
    match world.ok(0, Command::Status) {
        Reply::Status { pens, .. } => pens,
        reply => panic!("{reply:?}"),
    }
}

fn tell(world: &mut World, owner: Eci, symbol: &str, attributes: &[(&str, &str)]) {
    world.ok(0, raise(owner, symbol, attributes));
}

/// A house with a lamp that knows what to say.
fn with_lamp(change: impl Fn(&mut stratus_engine::Config)) -> (World, PenId, PenId, Eci) {
    let (mut world, house, owner) = world(change);
    tell(&mut world, owner, "a:make", &[("name", "lamp")]);
    let lamp = listing(&mut world, house).children[0];
    world.install(0, lamp, LAMP);
    (world, house, lamp, owner)
}

/// Ends the jobs of one PEN that are under way; those of others stay.
fn finish(world: &mut World, pen: PenId) {
    let jobs = world.nodes[0].jobs.replace(Vec::new()).unwrap();
    for job in jobs {
        if job.pen == pen {
            world.finish(0, job);
            world.obey(0);
        } else {
            world.nodes[0].jobs.as_mut().unwrap().push(job);
        }
    }
}

fn texts(words: &[&str]) -> Value {
    Value::list(words.iter().map(|word| Value::from(*word)))
}

/// The records of a PEN, its windows and tombstone among them.
fn left_of(world: &World, pen: PenId) -> usize {
    world.nodes[0].count(|key| key.pen() == Some(pen))
}

#[test]
fn a_rule_makes_a_child_and_talks_with_it_and_deletes_it() {
    let (mut world, house, lamp, owner) = with_lamp(|_| {});
    let found = pens(&mut world);
    let child = found.iter().find(|pen| pen.id == lamp).unwrap();
    assert_eq!((&*child.name, child.parent), ("lamp", Some(house)));
    assert_eq!(listing(&mut world, lamp).parent, Some(house));
    for n in ["1", "2", "3"] {
        tell(&mut world, owner, "a:tell", &[("n", n)]);
    }
    let all = texts(&["1", "2", "3"]);
    assert_eq!(world.query(0, lamp, "lamp", "seen"), all);
    assert_eq!(world.query(0, house, "house", "heard"), all);
    world.crash(0);
    tell(&mut world, owner, "a:tell", &[("n", "4")]);
    assert_eq!(
        world.query(0, house, "house", "heard"),
        texts(&["1", "2", "3", "4"])
    );
    tell(&mut world, owner, "a:drop", &[]);
    assert_eq!(pens(&mut world).len(), 1);
    assert_eq!(left_of(&world, lamp), 0);
    assert_eq!(world.query(0, house, "house", "children"), Value::list([]));
    let tags = world.query(0, house, "house", "channels");
    assert_eq!(tags, Value::list([texts(&["owner"])]));
    tell(&mut world, owner, "a:tell", &[("n", "5")]);
    assert_eq!(
        world.query(0, house, "house", "failed"),
        Value::from("partner-unknown")
    );
}

#[test]
fn later_rules_of_the_event_see_what_the_earlier_ones_arranged() {
    let (mut world, house, owner) = world(|_| {});
    tell(&mut world, owner, "a:begin", &[]);
    assert_eq!(world.query(0, house, "house", "made"), Value::list([]));
    assert_eq!(pens(&mut world).len(), 1);
    let kept = world.nodes[0].count(|key| key.pen().is_some_and(|pen| pen != house));
    assert_eq!(kept, 0, "a child that came and went leaves nothing");
}

#[test]
fn a_channel_that_a_rule_made_is_used_by_the_family_and_the_owner() {
    let (mut world, house, lamp, owner) = with_lamp(|_| {});
    world.install(0, lamp, HOUSE);
    tell(&mut world, owner, "a:open", &[]);
    let made = world.query(0, house, "house", "made");
    let made = made.as_text().unwrap();
    let lamps = world.owner(0, lamp);
    tell(&mut world, lamps, "a:tell", &[("eci", made), ("n", "1")]);
    assert_eq!(world.query(0, lamp, "house", "failed"), Value::Null);
    let stranger = world.pen(0);
    world.install(0, stranger, HOUSE);
    let strangers = world.owner(0, stranger);
    tell(
        &mut world,
        strangers,
        "a:tell",
        &[("eci", made), ("n", "1")],
    );
    assert_eq!(
        world.query(0, stranger, "house", "failed"),
        Value::from("partner-unknown")
    );
    tell(&mut world, owner, "a:shut", &[]);
    tell(&mut world, lamps, "a:tell", &[("eci", made), ("n", "1")]);
    assert_eq!(
        world.query(0, lamp, "house", "failed"),
        Value::from("partner-unknown")
    );
    tell(&mut world, owner, "a:shut", &[]);
    assert_eq!(
        world.query(0, house, "house", "failed"),
        Value::from("channel-unknown")
    );
}

#[test]
fn a_channel_of_the_family_is_for_the_one_at_its_other_end() {
    let (mut world, house, lamp, owner) = with_lamp(|_| {});
    let down = world.query(0, house, "house", "made");
    let down: Eci = down.as_text().unwrap().parse().unwrap();
    assert_eq!(world.code(0, raise(down, "a:say", &[])), "channel-family");
    for door in [Door::Bearer { from: None }, Door::Service(name("twilio"))] {
        let by = Command::Raise {
            channel: down,
            door,
            domain: name("a"),
            kind: name("say"),
            attributes: [("n", "1")].into(),
            external_id: None,
            wait: Wait::Outcome,
        };
        assert_eq!(world.code(0, by), "channel-family");
    }
    let ask = Command::QueryBy {
        channel: down,
        door: Door::Owner,
        rid: name("lamp"),
        name: name("seen"),
        arguments: [("n", "1")].into(),
    };
    assert_eq!(world.code(0, ask), "channel-family");
    world.install(0, lamp, HOUSE);
    let lamps = world.owner(0, lamp);
    let down = down.to_string();
    tell(&mut world, lamps, "a:tell", &[("eci", &down)]);
    assert_eq!(
        world.query(0, lamp, "house", "failed"),
        Value::from("channel-family")
    );
    tell(&mut world, owner, "a:shut", &[]);
    assert_eq!(
        world.query(0, house, "house", "failed"),
        Value::from("channel-unknown")
    );
}

#[test]
fn events_wait_in_their_order_until_there_is_room() {
    let small = |config: &mut stratus_engine::Config| config.queue_events_max = 2;
    let (mut world, house, lamp, owner) = with_lamp(small);
    world.nodes[0].jobs = Some(Vec::new());
    let numbers = ["1", "2", "3", "4", "5", "6", "7"];
    let lamps = world.owner(0, lamp);
    // The lamp is busy while the house goes on telling.
    world.give(0, raise(lamps, "a:say", &[("n", "0")]));
    for n in numbers {
        world.give(0, raise(owner, "a:tell", &[("n", n)]));
        finish(&mut world, house);
    }
    assert_eq!(
        world.nodes[0].count(|key| matches!(key, Key::Letter(..))),
        6
    );
    world.nodes[0].jobs = None;
    world.crash(0);
    world.run();
    let all: Vec<&str> = ["0"].into_iter().chain(numbers).collect();
    assert_eq!(world.query(0, lamp, "lamp", "seen"), texts(&all));
    assert_eq!(world.query(0, house, "house", "heard"), texts(&all));
    assert_eq!(
        world.nodes[0].count(|key| matches!(key, Key::Letter(..))),
        0
    );
}

#[test]
fn the_node_dies_at_every_batch_and_the_family_is_whole() {
    for batches in 1..40 {
        for durable in [false, true] {
            let (mut world, house, owner) = world(|_| {});
            let node = 0;
            world.death = Some(world.counted_from_now(Death {
                node,
                batches,
                durable,
            }));
            for (symbol, n) in [
                ("a:make", "0"),
                ("a:tell", "1"),
                ("a:tell", "2"),
                ("a:drop", "3"),
            ] {
                if let Some(lamp) = listing(&mut world, house).children.first().copied()
                    && listing(&mut world, lamp).rulesets.is_empty()
                {
                    let install = Command::Install {
                        pen: lamp,
                        source: LAMP.to_owned(),
                        from: None,
                        configuration: None,
                        permissions: None,
                    };
                    world.command(0, install);
                }
                world.command(0, raise(owner, symbol, &[("name", "lamp"), ("n", n)]));
                world.run();
            }
            let children = listing(&mut world, house).children;
            let found = pens(&mut world);
            assert_eq!(found.len(), 1 + children.len(), "{batches} {durable}");
            let alive = |pen: PenId| found.iter().any(|found| found.id == pen);
            let lost = world.nodes[0].count(|key| key.pen().is_some_and(|pen| !alive(pen)));
            assert_eq!(lost, 0, "{batches} {durable}");
        }
    }
}

#[test]
fn a_deleted_pen_leaves_nothing_though_the_node_dies_in_between() {
    let (mut world, house, owner) = world(|_| {});
    tell(&mut world, owner, "a:make", &[("name", "room")]);
    let room = listing(&mut world, house).children[0];
    world.install(0, room, HOUSE);
    let rooms = world.owner(0, room);
    tell(&mut world, rooms, "a:make", &[("name", "lamp")]);
    let lamp = listing(&mut world, room).children[0];
    world.install(0, lamp, LAMP);
    world.nodes[0].unerased = Some(Vec::new());
    assert_eq!(world.ok(0, Command::DeletePen { pen: room }), Reply::Done);
    assert_eq!(world.code(0, Command::List { pen: room }), "pen-unknown");
    assert_eq!(world.code(0, Command::List { pen: lamp }), "pen-unknown");
    assert_eq!(
        world.code(0, raise(rooms, "a:make", &[])),
        "channel-unknown"
    );
    assert!(left_of(&world, room) > 1 && left_of(&world, lamp) > 1);
    world.crash(0);
    assert_eq!(world.code(0, Command::List { pen: lamp }), "pen-unknown");
    let unerased = world.nodes[0].unerased.take().unwrap();
    assert_eq!(
        unerased,
        [room, room],
        "asked for once more after the start"
    );
    world.crash(0);
    assert_eq!((left_of(&world, room), left_of(&world, lamp)), (0, 0));
    assert_eq!(listing(&mut world, house).children, []);
    assert_eq!(listing(&mut world, house).channels.len(), 1);
}

#[test]
fn a_partner_hears_that_the_pen_is_gone() {
    let mut world = World::new(2);
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.install(1, assistant, "ruleset ta\non subscription:removed count");
    world.pair((0, class), (1, assistant));
    world.ok(0, Command::DeletePen { pen: class });
    world.run();
    assert_eq!(world.query(1, assistant, "ta", "count"), Value::from(1));
    assert_eq!(left_of(&world, class), 0);
    assert_eq!(
        world.nodes[0].count(|key| matches!(key, Key::Window(..))),
        0
    );
}

#[test]
fn who_waits_for_a_deleted_pen_hears_it() {
    let (mut world, house, _) = world(|_| {});
    world.nodes[0].jobs = Some(Vec::new());
    let owner = world.owner(0, house);
    let waiting = world.give(0, raise(owner, "a:make", &[]));
    world.ok(0, Command::DeletePen { pen: house });
    let reply = world.nodes[0].replies.remove(&waiting).unwrap();
    assert_eq!(reply.unwrap_err().code, "pen-deleted");
    finish(&mut world, house);
    assert_eq!(pens(&mut world), []);
}

#[test]
fn a_pen_gets_another_name() {
    let (mut world, house, _) = world(|_| {});
    let rename = |name: &str| Command::RenamePen {
        pen: house,
        name: name.to_owned(),
    };
    assert_eq!(world.ok(0, rename("home")), Reply::Done);
    assert_eq!(world.code(0, rename(&"n".repeat(257))), "name-oversize");
    world.crash(0);
    assert_eq!(pens(&mut world)[0].name, "home");
}

#[test]
fn families_have_bounds() {
    let few = |config: &mut stratus_engine::Config| {
        config.evaluation.children_max = 2;
        config.evaluation.family_depth_max = 1;
        config.pens_max = 4;
    };
    let (mut world, house, owner) = world(few);
    let failed = |world: &mut World| world.query(0, house, "house", "failed");
    tell(&mut world, owner, "a:many", &[("n", "3")]);
    assert_eq!(failed(&mut world), Value::from("children-full"));
    assert_eq!(pens(&mut world).len(), 1, "the run is undone");
    tell(&mut world, owner, "a:many", &[("n", "2")]);
    assert_eq!(world.code(0, create("lamp", Some(house))), "children-full");
    let lamp = listing(&mut world, house).children[0];
    assert_eq!(
        world.code(0, create("bulb", Some(lamp))),
        "family-depth-exceeded"
    );
    assert_eq!(
        world.code(0, create("more", Some(PenId([9; 16])))),
        "pen-unknown"
    );
    world.pen(0);
    assert_eq!(world.code(0, create("more", None)), "pens-full");
}

#[test]
fn an_event_that_makes_more_pens_than_fit_is_given_up() {
    let few = |config: &mut stratus_engine::Config| config.pens_max = 2;
    let (mut world, _, owner) = world(few);
    tell(&mut world, owner, "a:many", &[("n", "2")]);
    assert_eq!(pens(&mut world).len(), 1);
    tell(&mut world, owner, "a:many", &[("n", "1")]);
    assert_eq!(pens(&mut world).len(), 2);
}
