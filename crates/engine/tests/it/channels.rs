//! Channels are shut and opened, changed, held to a rate and deleted.

use stratus_capability::Rate;
use stratus_engine::{ChannelChange, ChannelWish, Command, Door, Key, Reply, Wait};
use stratus_event::{Eci, Map, Name, PenId};
use stratus_pen::{Bearer, Channel, Policy, Rule};

use crate::{
    chatter::name,
    world::{World, raise},
};

/// A PEN that counts `x:count`, and a channel that lets it in.
struct Scene {
    world: World,
    pen: PenId,
    eci: Eci,
}

impl Scene {
    fn new() -> Self {
        let mut world = World::new(1);
        let pen = world.pen(0);
        world.install(0, pen, "ruleset a\non x:count count");
        let wish = ChannelWish {
            tags: vec![name("mine")],
            policy: Policy {
                events_allowed: vec![rule("x", "count")],
                ..Policy::default()
            },
            ..ChannelWish::default()
        };
        let eci = made(&mut world, pen, wish).unwrap().eci;
        Self { world, pen, eci }
    }

    fn change(&mut self, change: ChannelChange) -> Channel {
        match self.world.ok(0, self.command(change)) {
            Reply::Channel(channel) => channel,
            other => panic!("{other:?}"),
        }
    }

    fn command(&self, change: ChannelChange) -> Command {
        Command::ChangeChannel {
            pen: self.pen,
            eci: self.eci,
            change: Box::new(change),
        }
    }

    fn delete(&self) -> Command {
        Command::DeleteChannel {
            pen: self.pen,
            eci: self.eci,
        }
    }

    fn set_open(&mut self, open: bool) {
        let open = Some(open);
        self.change(ChannelChange {
            open,
            ..ChannelChange::default()
        });
    }

    /// Raises `x:count` by the channel.
    fn comes(&mut self, expected: Option<&str>) {
        let event = raise(self.eci, "x:count", &[]);
        match expected {
            Some(code) => assert_eq!(self.world.code(0, event), code),
            None => drop(self.world.ok(0, event)),
        }
    }
}

fn made(world: &mut World, pen: PenId, wish: ChannelWish) -> Result<Channel, String> {
    match world
        .command(0, Command::MakeChannel { pen, wish })
        .unwrap()
    {
        Ok(Reply::Channel(channel)) => Ok(channel),
        Ok(other) => panic!("{other:?}"),
        Err(fault) => Err(fault.code.into_owned()),
    }
}

fn rule(first: &str, second: &str) -> Rule {
    Rule {
        first: Some(name(first)),
        second: Some(name(second)),
    }
}

/// An event `x:count` to which its sender has given an id.
fn numbered(channel: Eci) -> Command {
    Command::Raise {
        channel,
        door: Door::Owner,
        domain: name("x"),
        kind: name("count"),
        attributes: Map::new(),
        external_id: Some("1".to_owned()),
        wait: Wait::Outcome,
    }
}

#[test]
fn a_new_channel_lets_in_nothing() {
    let mut scene = Scene::new();
    scene.eci = made(&mut scene.world, scene.pen, ChannelWish::default())
        .unwrap()
        .eci;
    scene.comes(Some("policy-refuses"));
}

#[test]
fn a_shut_channel_lets_nothing_in_until_it_is_opened() {
    let mut scene = Scene::new();
    scene.comes(None);
    scene.set_open(false);
    scene.comes(Some("channel-shut"));
    scene.world.crash(0);
    scene.comes(Some("channel-shut"));
    scene.set_open(true);
    scene.comes(None);
}

#[test]
fn what_a_change_does_not_name_stays() {
    let mut scene = Scene::new();
    let before = scene.change(ChannelChange::default());
    let changed = scene.change(ChannelChange {
        events_denied: Some(vec![rule("x", "count")]),
        tags: Some(vec![name("other")]),
        bearer: Some(Bearer::Nearby),
        ..ChannelChange::default()
    });
    let expected = Channel {
        tags: vec![name("other")],
        bearer: Bearer::Nearby,
        policy: Policy {
            events_denied: vec![rule("x", "count")],
            ..before.policy.clone()
        },
        ..before
    };
    assert_eq!(changed, expected);
    scene.comes(Some("policy-refuses"));
    scene.world.crash(0);
    assert_eq!(scene.change(ChannelChange::default()), expected);
}

#[test]
fn the_node_s_own_tags_are_neither_given_nor_taken() {
    let mut scene = Scene::new();
    let tags = |tags: &[&str]| tags.iter().map(|tag| name(tag)).collect::<Vec<Name>>();
    for tag in ["owner", "subscription"] {
        let wish = ChannelWish {
            tags: tags(&["fine", tag]),
            ..ChannelWish::default()
        };
        let refused = made(&mut scene.world, scene.pen, wish);
        assert_eq!(refused.unwrap_err(), "tag-reserved");
        let change = ChannelChange {
            tags: Some(tags(&[tag])),
            ..ChannelChange::default()
        };
        let command = scene.command(change);
        assert_eq!(scene.world.code(0, command), "tag-reserved");
    }
    scene.eci = scene.world.owner(0, scene.pen);
    let changed = scene.change(ChannelChange {
        tags: Some(tags(&["owner", "me"])),
        ..ChannelChange::default()
    });
    assert_eq!(changed.tags, tags(&["owner", "me"]));
    let command = scene.delete();
    assert_eq!(scene.world.code(0, command), "channel-reserved");
}

#[test]
fn a_rate_is_a_bucket_that_fills_with_time() {
    let mut scene = Scene::new();
    let rate = Rate {
        burst: 2,
        per_minute: 60,
    };
    scene.change(ChannelChange {
        rate: Some(Some(rate)),
        ..ChannelChange::default()
    });
    scene.comes(None);
    scene.comes(None);
    let event = raise(scene.eci, "x:count", &[]);
    let fault = scene.world.command(0, event).unwrap().unwrap_err();
    assert_eq!(&*fault.code, "rate-exceeded");
    assert_eq!(fault.retry_after_ms, Some(1000));
    scene.world.pass(1000);
    scene.comes(None);
    scene.comes(Some("rate-exceeded"));
    // What is counted is not durable: after a restart the burst is there again.
    scene.world.crash(0);
    scene.comes(None);
    scene.comes(None);
    scene.comes(Some("rate-exceeded"));
    scene.change(ChannelChange {
        rate: Some(None),
        ..ChannelChange::default()
    });
    (0..5).for_each(|_| scene.comes(None));
}

#[test]
fn one_that_comes_again_is_answered_whatever_the_rate() {
    let mut scene = Scene::new();
    let rate = Rate {
        burst: 1,
        per_minute: 1,
    };
    scene.change(ChannelChange {
        rate: Some(Some(rate)),
        ..ChannelChange::default()
    });
    let first = || numbered(scene.eci);
    let (once, again) = (first(), first());
    scene.world.ok(0, once);
    let Reply::Raised { duplicate, .. } = scene.world.ok(0, again) else {
        panic!()
    };
    assert!(duplicate);
    scene.comes(Some("rate-exceeded"));
}

#[test]
fn a_deleted_channel_is_gone_with_all_that_came_in_by_it() {
    let mut scene = Scene::new();
    let event = numbered(scene.eci);
    scene.world.ok(0, event);
    let seen = |key: &Key| matches!(key, Key::Seen(..));
    assert_eq!(scene.world.nodes[0].count(seen), 1);
    let delete = scene.delete();
    assert_eq!(scene.world.ok(0, delete.clone()), Reply::Done);
    assert_eq!(scene.world.nodes[0].count(seen), 0);
    scene.comes(Some("channel-unknown"));
    scene.world.crash(0);
    scene.comes(Some("channel-unknown"));
    assert_eq!(scene.world.code(0, delete), "channel-unknown");
}

#[test]
fn a_channel_that_a_subscription_needs_stays_until_that_ends() {
    let mut scene = Scene::new();
    let mut world = World::new(2);
    let pens = (world.pen(0), world.pen(1));
    let subscription = world.pair((0, pens.0), (1, pens.1));
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: pens.0 }) else {
        panic!()
    };
    (scene.world, scene.pen, scene.eci) = (world, pens.0, listing.subscriptions[0].rx);
    let delete = scene.delete();
    assert_eq!(scene.world.code(0, delete.clone()), "channel-in-use");
    let end = Command::Unsubscribe {
        pen: scene.pen,
        subscription,
    };
    scene.world.ok(0, end);
    assert_eq!(scene.world.ok(0, delete), Reply::Done);
    // An ended subscription can be told of without its channel.
    scene.world.crash(0);
    scene.comes(Some("channel-unknown"));
}
