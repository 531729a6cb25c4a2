//! What the owner asks for, and what she hears when it cannot be.

use stratus_engine::{ChannelWish, Command, Config, Door, Input, PenListing, Reply, Wait};
use stratus_event::{Eci, Map, Name, PenId, Timestamp, Value};
use stratus_pen::{Bearer, Permissions, Policy};
use stratus_protocol::SubscriptionId;

use crate::{
    chatter::name,
    world::{World, create, invite, pair_command, raise, symbols},
};

const NOBODY: PenId = PenId([9; 16]);

fn install(pen: PenId, source: &str) -> Command {
    Command::Install {
        from: None,
        configuration: None,
        permissions: None,
        pen,
        source: source.to_owned(),
    }
}

fn query(pen: PenId, rid: &str, what: &str, arguments: &[&str]) -> Command {
    let arguments: Map = arguments
        .iter()
        .map(|argument| (*argument, "yes"))
        .collect();
    Command::Query {
        pen,
        rid: name(rid),
        name: name(what),
        arguments,
    }
}

#[test]
fn a_pen_has_a_channel_for_its_owner() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    let Reply::Listing(listing) = world.ok(0, Command::List { pen }) else {
        panic!()
    };
    assert_eq!(listing.channels.len(), 1);
    assert!(
        listing.channels[0]
            .policy
            .permits_event(&name("any"), &name("thing"))
    );
    let Reply::Status {
        pens, addresses, ..
    } = world.ok(0, Command::Status)
    else {
        panic!()
    };
    let named = |pen: &PenListing| (pen.id, pen.name.clone(), pen.parent);
    let pens: Vec<_> = pens.iter().map(named).collect();
    assert_eq!(pens, [(pen, "pen 0".to_owned(), None)]);
    assert_eq!(addresses, ["/memory/0"]);
}

#[test]
fn a_ruleset_is_installed_replaced_and_taken_out() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    let installed = |source: &str, rules: &[&str], replaced| Reply::Ruleset {
        rid: name("a"),
        rules: rules.iter().copied().map(name).collect(),
        replaced,
        hash: *blake3::hash(source.as_bytes()).as_bytes(),
        permissions: Permissions::any(),
    };
    let source = "ruleset a\non x:y count\non x:z count";
    let first = world.ok(0, install(pen, source));
    assert_eq!(first, installed(source, &["rule_1", "rule_2"], false));
    let source = "ruleset a\non x:y count";
    let again = world.ok(0, install(pen, source));
    assert_eq!(again, installed(source, &["rule_1"], true));
    let owner = world.owner(0, pen);
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
    world.crash(0);
    assert_eq!(world.query(0, pen, "a", "count"), Value::from(1));
    world.ok(
        0,
        Command::Uninstall {
            pen,
            rid: name("a"),
        },
    );
    assert_eq!(
        world.code(0, query(pen, "a", "count", &[])),
        "ruleset-unknown"
    );
    world.ok(0, install(pen, "ruleset a\non x:y count"));
    assert_eq!(
        world.query(0, pen, "a", "count"),
        Value::Null,
        "its variables went with it"
    );
}

#[test]
fn a_program_that_does_not_compile_comes_back_with_all_its_problems() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    let fault = world
        .command(0, install(pen, "nonsense"))
        .unwrap()
        .unwrap_err();
    assert_eq!(fault.code, "talk-unreadable");
    assert_eq!(fault.message, "line 1: no ruleset\nline 2: no rule");
    assert_eq!(world.code(0, install(pen, "silence")), "program-refused");
}

#[test]
fn commands_are_refused_with_a_code() {
    let mut world = World::with(1, |config: &mut Config| {
        config.pens_max = 1;
        config.rulesets_max = 1;
        config.evaluation.channels_max = 2;
        config.program_bytes_max = 100;
    });
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let channel = |pen| Command::MakeChannel {
        pen,
        wish: ChannelWish::default(),
    };
    world.ok(0, channel(pen));
    let subscription = SubscriptionId([1; 16]);
    let cases = [
        (create("two", None), "pens-full"),
        (create(&"n".repeat(257), None), "name-oversize"),
        (Command::List { pen: NOBODY }, "pen-unknown"),
        (channel(NOBODY), "pen-unknown"),
        (channel(pen), "channels-full"),
        (install(NOBODY, "ruleset a"), "pen-unknown"),
        (install(pen, "ruleset b"), "rulesets-full"),
        (install(pen, &"x".repeat(101)), "program-oversize"),
        (
            Command::Uninstall {
                pen,
                rid: name("b"),
            },
            "ruleset-unknown",
        ),
        (query(NOBODY, "a", "count", &[]), "pen-unknown"),
        (query(pen, "b", "count", &[]), "ruleset-unknown"),
        (query(pen, "a", "nothing", &[]), "query-unknown"),
        (query(pen, "a", "count", &["fail"]), "talk-failed"),
        (query(pen, "a", "count", &["ask"]), "question-unsupported"),
        (
            Command::Withdraw {
                pen,
                invite: [0; 16],
            },
            "invite-unknown",
        ),
        (
            Command::Unsubscribe { pen, subscription },
            "subscription-unknown",
        ),
        (
            Command::Unsubscribe {
                pen: NOBODY,
                subscription,
            },
            "pen-unknown",
        ),
        (pair_command(pen, "nonsense"), "invite-malformed"),
        (raise(Eci([7; 32]), "x:y", &[]), "channel-unknown"),
    ];
    for (command, code) in cases {
        assert_eq!(world.code(0, command.clone()), code, "{command:?}");
    }
}

#[test]
fn an_invite_is_refused_with_a_code() {
    let mut world = World::with(1, |config: &mut Config| {
        config.invites_max = 1;
        config.invite_events_max = 3;
    });
    let pen = world.pen(0);
    world.invite(0, pen);
    let now = world.now;
    let changed = |change: &dyn Fn(&mut u32, &mut Symbols, &mut Symbols)| {
        let mut command = invite(pen, now);
        if let Command::Invite {
            uses_max,
            offered,
            wanted,
            ..
        } = &mut command
        {
            change(uses_max, offered, wanted);
        }
        command
    };
    let many = || symbols(&["a:b", "a:c", "a:d", "a:e"]);
    let cases = [
        (invite(NOBODY, now), "pen-unknown"),
        (invite(pen, now), "invites-full"),
        (invite(pen, Timestamp(0)), "invite-past"),
        (changed(&|uses, _, _| *uses = 0), "invite-uses"),
        (changed(&|uses, _, _| *uses = 10_001), "invite-uses"),
        (changed(&|_, offered, _| offered.clear()), "scope-empty"),
        (changed(&|_, _, wanted| *wanted = many()), "invite-oversize"),
    ];
    for (command, code) in cases {
        assert_eq!(world.code(0, command.clone()), code, "{command:?}");
    }
    // Those that have ended make room.
    world.pass(3_700_000);
    world.invite(0, pen);
}

type Symbols = Vec<(Name, Name)>;

#[test]
fn a_command_waits_for_the_running_event() {
    let mut world = World::with(1, |config| config.commands_waiting_max = 1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:y count");
    let owner = world.owner(0, pen);
    world.nodes[0].jobs = Some(Vec::new());
    world.give(0, raise(owner, "x:y", &[]));
    let waiting = world.give(
        0,
        Command::Uninstall {
            pen,
            rid: name("a"),
        },
    );
    assert_eq!(
        world.code(
            0,
            Command::Uninstall {
                pen,
                rid: name("a")
            }
        ),
        "queue-full"
    );
    assert!(!world.nodes[0].replies.contains_key(&waiting));
    let job = world.nodes[0].jobs.as_mut().unwrap().remove(0);
    world.handle(0, Input::Finished(Box::new(job.run())));
    assert_eq!(
        world.nodes[0].replies.remove(&waiting),
        Some(Ok(Reply::Done))
    );
    assert_eq!(world.query_code(0, pen, "a"), "ruleset-unknown");
}

#[test]
fn the_policy_and_the_door_decide() {
    let mut world = World::new(2);
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.pair((0, class), (1, assistant));
    let owner = world.owner(0, class);
    let policy = Policy {
        events_allowed: vec![stratus_pen::Rule {
            first: Some(name("sms")),
            second: None,
        }],
        ..Policy::default()
    };
    let tags = vec![name("twilio")];
    let made = world.ok(
        0,
        Command::MakeChannel {
            pen: class,
            wish: ChannelWish {
                tags,
                policy,
                ..ChannelWish::default()
            },
        },
    );
    let Reply::Channel(channel) = made else {
        panic!()
    };
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: class }) else {
        panic!()
    };
    let partner = listing.subscriptions[0].rx;
    let by_service = |channel, symbol: &str| match raise(channel, symbol, &[]) {
        Command::Raise {
            channel,
            domain,
            kind,
            attributes,
            ..
        } => Command::Raise {
            channel,
            door: Door::Service(name("twilio")),
            domain,
            kind,
            attributes,
            external_id: None,
            wait: Wait::Accepted,
        },
        command => command,
    };
    assert_eq!(
        world.code(0, raise(channel.eci, "x:y", &[])),
        "policy-refuses"
    );
    assert_eq!(
        world.code(0, by_service(channel.eci, "x:y")),
        "policy-refuses"
    );
    world.ok(0, by_service(channel.eci, "sms:incoming"));
    world.ok(0, raise(channel.eci, "sms:incoming", &[]));
    world.ok(0, raise(owner, "x:y", &[]));
    assert_eq!(
        world.code(0, by_service(owner, "sms:incoming")),
        "policy-refuses"
    );
    assert_eq!(
        world.code(0, by_service(partner, "talk:answer")),
        "policy-refuses"
    );
}

#[test]
fn an_eci_is_enough_only_where_the_owner_says_so() {
    let mut world = World::new(1);
    let pen = world.pen(0);
    world.install(0, pen, "ruleset a\non x:count count");
    let owner = world.owner(0, pen);
    let [nobody, nearby, anywhere] = [Bearer::Nobody, Bearer::Nearby, Bearer::Anywhere]
        .map(|bearer| made(&mut world, pen, bearer));
    let at = |from: &str| Door::Bearer {
        from: from.parse().ok(),
    };
    let cases = [
        (owner, "127.0.0.1", "x:count", Some("channel-not-legacy")),
        (nobody, "127.0.0.1", "x:count", Some("channel-not-legacy")),
        (nearby, "127.0.0.1", "x:count", None),
        (nearby, "127.0.0.1", "x:seen", Some("policy-refuses")),
        (nearby, "192.0.2.1", "x:count", Some("channel-only-nearby")),
        (nearby, "a proxy", "x:count", Some("channel-only-nearby")),
        (anywhere, "192.0.2.1", "x:count", None),
        (anywhere, "a proxy", "x:seen", Some("policy-refuses")),
        (
            Eci([1; 32]),
            "127.0.0.1",
            "x:count",
            Some("channel-unknown"),
        ),
    ];
    for (channel, from, symbol, expected) in cases {
        let (event, query) = by_door(channel, &at(from), symbol);
        for command in [event, query] {
            match expected {
                Some(code) => assert_eq!(world.code(0, command), code, "{from} {symbol}"),
                None => drop(world.ok(0, command)),
            }
        }
    }
}

/// A channel that lets in `x:count`, and the query `a:count`.
fn made(world: &mut World, pen: PenId, bearer: Bearer) -> Eci {
    let rule = |first, second| stratus_pen::Rule {
        first: Some(name(first)),
        second: Some(name(second)),
    };
    let make = Command::MakeChannel {
        pen,
        wish: ChannelWish {
            policy: Policy {
                events_allowed: vec![rule("x", "count")],
                queries_allowed: vec![rule("a", "count")],
                ..Policy::default()
            },
            bearer,
            ..ChannelWish::default()
        },
    };
    match world.ok(0, make) {
        Reply::Channel(channel) => channel.eci,
        other => panic!("{other:?}"),
    }
}

/// An event of that symbol and a query named like the event's type.
fn by_door(channel: Eci, door: &Door, symbol: &str) -> (Command, Command) {
    let (domain, kind) = symbol.split_once(':').unwrap();
    let event = Command::Raise {
        channel,
        door: door.clone(),
        domain: name(domain),
        kind: name(kind),
        attributes: Map::new(),
        external_id: None,
        wait: Wait::Outcome,
    };
    let query = Command::QueryBy {
        channel,
        door: door.clone(),
        rid: name("a"),
        name: name(kind),
        arguments: Map::new(),
    };
    (event, query)
}
