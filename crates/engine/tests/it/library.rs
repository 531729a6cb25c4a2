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

/// The PEN of that name.
fn named(world: &mut World, name: &str) -> PenId {
    let Reply::Status { pens, .. } = world.ok(0, Command::Status) else {
        panic!()
    };
    pens.iter().find(|pen| pen.name == name).unwrap().id
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

#[test]
fn a_parent_hears_of_a_ruleset_that_the_node_does_not_bring() {
    let (mut world, pen) = world();
    let parent = r#"ruleset parent {
        meta { shares code }
        global { code = function() { ent:code } }
        rule make { select when a child ctx:newPico([{"rid": "none.such"}]) }
        rule hear { select when system ruleset_failed fired { ent:code := event:attr("code") } }
    }"#;
    world.install(0, pen, parent);
    let owner = world.owner(0, pen);
    world.ok(0, raise(owner, "a:child", &[]));
    world.run();
    let code = asked(&mut world, pen, "parent", "code", &[]);
    assert_eq!(code, Value::text("ruleset-unbrought"));
}

#[test]
fn a_child_that_wrangler_makes_has_all_three_and_reports() {
    let (mut world, pen) = world();
    world.install(0, pen, WRANGLER);
    world.install(0, pen, HEARER);
    let owner = world.owner(0, pen);
    world.ok(
        0,
        raise(owner, "wrangler:new_child_request", &[("name", "Ada")]),
    );
    world.run();
    assert_eq!(
        asked(&mut world, pen, "hearer", "heard", &[]),
        Value::text("Ada")
    );
    let child = named(&mut world, "Ada");
    let expected = [
        "io.picolabs.wrangler",
        "io.picolabs.pds",
        "io.picolabs.subscription",
    ];
    assert_eq!(installed(&mut world, child), expected.map(name));
    let profile = asked(
        &mut world,
        child,
        "io.picolabs.pds",
        "get_me",
        &[("key", "name")],
    );
    assert_eq!(profile, Value::text("Ada"));
    let known = asked(
        &mut world,
        child,
        "io.picolabs.subscription",
        "wellKnown_Rx",
        &[],
    );
    assert!(known.as_map().is_some(), "{known:?}");
    world.crash(0);
    assert_eq!(installed(&mut world, child), expected.map(name));
}

/// Hears of children.
const HEARER: &str = r#"ruleset hearer {
    meta { shares heard }
    global { heard = function() { ent:heard } }
    rule hear {
        select when wrangler child_initialized
        fired { ent:heard := event:attr("name") }
    }
}"#;

/// Two children, whose `wrangler` events go by the channels of their owner.
struct Siblings {
    world: World,
    pens: [PenId; 2],
}

impl Siblings {
    fn new() -> Self {
        let (mut world, pen) = world();
        world.install(0, pen, WRANGLER);
        let owner = world.owner(0, pen);
        for name in ["Ada", "Bob"] {
            world.ok(
                0,
                raise(owner, "wrangler:new_child_request", &[("name", name)]),
            );
        }
        world.run();
        let pens = ["Ada", "Bob"].map(|name| named(&mut world, name));
        Self { world, pens }
    }

    fn raise(&mut self, who: usize, kind: &str, attributes: &[(&str, &str)]) {
        let owner = self.world.owner(0, self.pens[who]);
        let event = raise(owner, &format!("wrangler:{kind}"), attributes);
        self.world.ok(0, event);
        self.world.run();
    }

    /// Ada asks Bob, who does not answer at once; gives the id.
    fn ask(&mut self) -> String {
        self.ask_any();
        text(&self.listed(0, "outbound")[0], "Id")
    }

    fn ask_any(&mut self) {
        let pen = self.pens[1];
        let known = asked(&mut self.world, pen, SUBSCRIPTIONS, "wellKnown_Rx", &[]);
        let wish = [
            ("wellKnown_Tx", text(&known, "id")),
            ("Rx_role", "elder".to_owned()),
            ("Tx_role", "younger".to_owned()),
        ];
        let wish: Vec<_> = wish.iter().map(|(key, value)| (*key, &**value)).collect();
        self.raise(0, "subscription", &wish);
    }

    fn listed(&mut self, who: usize, query: &str) -> Vec<Value> {
        let pen = self.pens[who];
        let listed = asked(&mut self.world, pen, SUBSCRIPTIONS, query, &[]);
        listed.as_list().unwrap().to_vec()
    }

    /// How many there are of each sort: established, inbound, outbound; and channels for others.
    fn count(&mut self, who: usize) -> [usize; 4] {
        let sorts = ["established", "inbound", "outbound"];
        let [established, inbound, outbound] = sorts.map(|query| self.listed(who, query).len());
        let pen = self.pens[who];
        let Reply::Listing(listing) = self.world.ok(0, Command::List { pen }) else {
            panic!()
        };
        let tag = |tag: &Name| *tag == "tx_rx";
        let channels = listing.channels.iter();
        let channels = channels.filter(|channel| channel.tags.iter().any(tag));
        // The channel on which others introduce themselves is one of them.
        [established, inbound, outbound, channels.count() - 1]
    }

    /// What an event comes to by Bob's channel for Ada.
    fn by_channel(&mut self, symbol: &str) -> Option<String> {
        let list = self.listed(1, "established").into_iter();
        let record = list.chain(self.listed(1, "inbound")).next().unwrap();
        let channel = text(&record, "Rx").parse().unwrap();
        let event = raise(channel, symbol, &[]);
        let reply = self.world.command(0, event).unwrap();
        reply.err().map(|fault| fault.code.into_owned())
    }
}

fn text(map: &Value, key: &str) -> String {
    let found = map.as_map().and_then(|map| map.text(key));
    found
        .unwrap_or_else(|| panic!("no {key} in {map:?}"))
        .to_owned()
}

#[test]
fn two_children_agree_and_part() {
    let mut both = Siblings::new();
    assert_eq!((both.count(0), both.count(1)), ([0; 4], [0; 4]));
    let id = both.ask();
    assert_eq!((both.count(0), both.count(1)), ([0, 0, 1, 1], [0, 1, 0, 1]));
    let refused = Some("policy-refuses".to_owned());
    assert_eq!(
        both.by_channel("any:thing"),
        refused,
        "nothing is agreed on"
    );
    both.raise(1, "pending_subscription_approval", &[("Id", &id)]);
    assert_eq!((both.count(0), both.count(1)), ([1, 0, 0, 1], [1, 0, 0, 1]));
    assert_eq!(both.by_channel("any:thing"), None);
    assert_eq!(both.by_channel("wrangler:install_ruleset_request"), refused);
    let (ada, bob) = (both.listed(0, "established"), both.listed(1, "established"));
    assert_eq!(text(&ada[0], "Tx"), text(&bob[0], "Rx"));
    assert_eq!(text(&ada[0], "Rx"), text(&bob[0], "Tx"));
    assert_eq!(text(&bob[0], "Rx_role"), "younger");
    both.world.crash(0);
    both.raise(0, "subscription_cancellation", &[("Id", &id)]);
    assert_eq!((both.count(0), both.count(1)), ([0; 4], [0; 4]));
}

#[test]
fn a_request_is_turned_down_or_withdrawn() {
    let mut both = Siblings::new();
    let id = both.ask();
    both.raise(1, "inbound_rejection", &[("Id", &id)]);
    assert_eq!((both.count(0), both.count(1)), ([0; 4], [0; 4]));
    let id = both.ask();
    both.raise(0, "outbound_cancellation", &[("Id", &id)]);
    assert_eq!((both.count(0), both.count(1)), ([0; 4], [0; 4]));
}

#[test]
fn a_request_that_fits_a_rule_is_approved_at_once() {
    let mut both = Siblings::new();
    let rule = [
        ("configName", "elders"),
        ("regexMap", r#"{"Tx_role": ["^elder$"]}"#),
    ];
    both.raise(1, "autoAcceptConfigUpdate", &rule);
    both.ask_any();
    assert_eq!((both.count(0), both.count(1)), ([1, 0, 0, 1], [1, 0, 0, 1]));
    both.raise(0, "cancel_subscriptions", &[]);
    assert_eq!((both.count(0), both.count(1)), ([0; 4], [0; 4]));
}

const SUBSCRIPTIONS: &str = "io.picolabs.subscription";
