//! Two nodes: pairing, events both ways, refusals, the end.

use stratus_engine::{Command, Key, Reply};
use stratus_event::{Eci, PenId, Value};
use stratus_pen::Policy;
use stratus_protocol::SubscriptionId;

use crate::world::{World, invite, pair_command, raise};

const CLASS: &str = "ruleset class\non x:ask send talk question\non x:other send talk other\n\
                     on x:to send_to eci talk question\non talk:answer append n\n\
                     on event:send_failed keep code\non event:send_failed count";
const ASSISTANT: &str = "ruleset ta\non talk:question append n\non talk:question send talk answer\n\
                         on subscription:* count\non subscription:pairing_failed keep code";

struct Pair {
    world: World,
    class: PenId,
    assistant: PenId,
    owner: Eci,
    subscription: SubscriptionId,
}

fn unpaired() -> (World, PenId, PenId) {
    let mut world = World::new(2);
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.install(0, class, CLASS);
    world.install(1, assistant, ASSISTANT);
    (world, class, assistant)
}

fn paired() -> Pair {
    let (mut world, class, assistant) = unpaired();
    let subscription = world.pair((0, class), (1, assistant));
    let owner = world.owner(0, class);
    Pair {
        world,
        class,
        assistant,
        owner,
        subscription,
    }
}

fn texts(texts: &[&str]) -> Value {
    Value::list(texts.iter().map(|text| Value::from(*text)))
}

fn outbox(world: &World, node: usize) -> usize {
    world.nodes[node].count(|key| matches!(key, Key::Outbox(..)))
}

#[test]
fn an_event_goes_to_the_partner_and_its_answer_comes_back() {
    let Pair {
        mut world,
        class,
        assistant,
        owner,
        ..
    } = paired();
    world.ok(0, raise(owner, "x:ask", &[("n", "1")]));
    assert_eq!(world.query(1, assistant, "ta", "seen"), texts(&["1"]));
    assert_eq!(world.query(0, class, "class", "seen"), texts(&["1"]));
    assert_eq!(
        (outbox(&world, 0), outbox(&world, 1)),
        (0, 0),
        "acknowledged"
    );
}

#[test]
fn both_sides_hear_of_the_subscription() {
    let Pair {
        mut world,
        class,
        assistant,
        subscription,
        ..
    } = paired();
    assert_eq!(world.nodes[0].journal(class), ["subscription:added"]);
    assert_eq!(world.nodes[1].journal(assistant), ["subscription:added"]);
    let mut listed = |node, pen| {
        let Reply::Listing(listing) = world.ok(node, Command::List { pen }) else {
            panic!()
        };
        listing.subscriptions.into_iter().next().unwrap()
    };
    let (mine, theirs) = (listed(0, class), listed(1, assistant));
    assert_eq!((mine.id, theirs.id), (subscription, subscription));
    assert_eq!((mine.state, theirs.state), ("established", "established"));
    assert_eq!((Some(mine.rx), mine.tx), (theirs.tx, Some(theirs.rx)));
    assert_eq!(
        (mine.role_mine, mine.role_theirs),
        (theirs.role_theirs, theirs.role_mine)
    );
    assert_eq!((&*mine.name, &*theirs.name), ("partner", "inviter"));
}

#[test]
fn events_wait_for_a_partner_who_is_away_and_come_in_order() {
    let Pair {
        mut world,
        assistant,
        class,
        owner,
        ..
    } = paired();
    world.cut(0, 1);
    for n in ["1", "2", "3"] {
        world.nodes[0]
            .engine
            .handle(world.now, stratus_engine::Input::Wake);
        world.give(0, raise(owner, "x:ask", &[("n", n)]));
        world.cut(0, 1);
    }
    assert_eq!(outbox(&world, 0), 3);
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: class }) else {
        panic!()
    };
    assert!(listing.subscriptions[0].waiting > 0);
    world.crash(0);
    world.pass(120_000);
    assert_eq!(
        world.query(1, assistant, "ta", "seen"),
        texts(&["1", "2", "3"])
    );
    assert_eq!(outbox(&world, 0), 0);
}

#[test]
fn what_the_grant_does_not_permit_comes_back() {
    let Pair {
        mut world,
        class,
        owner,
        ..
    } = paired();
    world.ok(0, raise(owner, "x:other", &[]));
    world.pass(10_000);
    assert_eq!(world.query(0, class, "class", "count"), Value::from(1));
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("grant-scope")
    );
    assert_eq!(outbox(&world, 0), 0);
    world.ok(0, raise(owner, "x:ask", &[("n", "1")]));
    assert_eq!(
        world.query(0, class, "class", "seen"),
        texts(&["1"]),
        "later events go on"
    );
}

#[test]
fn an_event_for_nobody_comes_back() {
    let Pair {
        mut world,
        class,
        owner,
        ..
    } = paired();
    let stranger = Eci([5; 32]).to_string();
    world.ok(0, raise(owner, "x:to", &[("eci", &stranger)]));
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("partner-unknown")
    );
}

#[test]
fn a_full_outbox_gives_events_back() {
    let mut world = World::with(2, |config| config.outbox_events_max = 2);
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.install(0, class, CLASS);
    world.pair((0, class), (1, assistant));
    let owner = world.owner(0, class);
    for _ in 0..3 {
        world.give(0, raise(owner, "x:ask", &[]));
        world.cut(0, 1);
    }
    assert_eq!(outbox(&world, 0), 2);
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("outbox-full")
    );
}

#[test]
fn the_end_of_a_subscription_is_effective_at_once_and_told() {
    for (ending, pens) in [(0, "inviter"), (1, "redeemer")] {
        let Pair {
            mut world,
            class,
            assistant,
            owner,
            subscription,
        } = paired();
        let pen = if ending == 0 { class } else { assistant };
        world.ok(ending, Command::Unsubscribe { pen, subscription });
        world.ok(0, raise(owner, "x:ask", &[("n", "1")]));
        assert_eq!(
            world.query(1, assistant, "ta", "seen"),
            Value::Null,
            "{pens}"
        );
        for (node, pen) in [(0, class), (1, assistant)] {
            let journal = world.nodes[node].journal(pen);
            assert!(
                journal.contains(&"subscription:removed".to_owned()),
                "{pens} {journal:?}"
            );
            let Reply::Listing(listing) = world.ok(node, Command::List { pen }) else {
                panic!()
            };
            assert_eq!(listing.subscriptions[0].state, "ended");
        }
        let again = Command::Unsubscribe { pen, subscription };
        assert_eq!(world.code(ending, again), "subscription-unknown");
    }
}

#[test]
fn a_partner_who_is_away_hears_of_the_end_later() {
    let Pair {
        mut world,
        class,
        assistant,
        owner,
        subscription,
    } = paired();
    world.cut(0, 1);
    let end = Command::Unsubscribe {
        pen: assistant,
        subscription,
    };
    let id = world.give(1, end);
    world.cut(0, 1);
    world.crash(1);
    world.give(0, raise(owner, "x:ask", &[("n", "1")]));
    world.pass(120_000);
    assert_eq!(world.nodes[1].replies.get(&id), Some(&Ok(Reply::Done)));
    assert_eq!(world.query(1, assistant, "ta", "seen"), Value::Null);
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("grant-revoked")
    );
    assert!(
        world.nodes[0]
            .journal(class)
            .contains(&"subscription:removed".to_owned())
    );
    assert_eq!(outbox(&world, 0), 0);
}

#[test]
fn an_event_to_a_former_partner_comes_back() {
    let Pair {
        mut world,
        class,
        owner,
        subscription,
        ..
    } = paired();
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: class }) else {
        panic!()
    };
    let eci = listing.subscriptions[0].tx.unwrap().to_string();
    world.ok(
        0,
        Command::Unsubscribe {
            pen: class,
            subscription,
        },
    );
    world.ok(0, raise(owner, "x:to", &[("eci", &eci)]));
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("subscription-ended")
    );
}

#[test]
fn an_invite_is_used_once() {
    let mut world = World::new(3);
    let pens = [world.pen(0), world.pen(1), world.pen(2)];
    let link = world.invite(0, pens[0]);
    world.ok(1, pair_command(pens[1], &link));
    assert_eq!(world.code(2, pair_command(pens[2], &link)), "invite-used");
    assert_eq!(world.code(1, pair_command(pens[1], &link)), "invite-used");
    assert_eq!(
        world.code(0, pair_command(pens[0], &link)),
        "invite-foreign"
    );
    assert_eq!(
        world.nodes[2].count(|key| matches!(key, Key::Channel(..))),
        1,
        "nothing is left"
    );
    assert_eq!(
        world.nodes[2].journal(pens[2]),
        ["subscription:pairing_failed"]
    );
}

#[test]
fn a_group_uses_one_invite() {
    let mut world = World::new(3);
    let pens = [world.pen(0), world.pen(1), world.pen(2)];
    let mut command = invite(pens[0], world.now);
    if let Command::Invite { uses_max, .. } = &mut command {
        *uses_max = 2;
    }
    let Reply::Invite { link, .. } = world.ok(0, command) else {
        panic!()
    };
    for node in [1, 2] {
        let reply = world.ok(node, pair_command(pens[node], &link));
        assert!(matches!(reply, Reply::Paired { .. }), "{reply:?}");
    }
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: pens[0] }) else {
        panic!()
    };
    assert_eq!(listing.subscriptions.len(), 2);
    assert_eq!(listing.invites[0].uses_left, 0);
}

#[test]
fn a_withdrawn_and_an_ended_invite_are_refused() {
    let (mut world, class, assistant) = unpaired();
    let made = world.ok(0, invite(class, world.now));
    let Reply::Invite { id, link, .. } = made else {
        panic!()
    };
    world.ok(
        0,
        Command::Withdraw {
            pen: class,
            invite: id,
        },
    );
    assert_eq!(
        world.code(1, pair_command(assistant, &link)),
        "invite-foreign"
    );
    let link = world.invite(0, class);
    world.pass(3_700_000);
    assert_eq!(
        world.code(1, pair_command(assistant, &link)),
        "invite-expired"
    );
}

#[test]
fn a_pairing_goes_on_without_the_command() {
    let (mut world, class, assistant) = unpaired();
    let link = world.invite(0, class);
    let id = world.give(1, pair_command(assistant, &link));
    world.cut(0, 1);
    assert!(!world.nodes[1].replies.contains_key(&id));
    world.pass(0);
    let again = world.give(1, pair_command(assistant, &link));
    world.cut(0, 1);
    world.nodes[1].wake = None;
    world.now.0 += 5_000;
    world.handle(1, stratus_engine::Input::Wake);
    for id in [id, again] {
        let reply = world.nodes[1].replies.remove(&id);
        assert!(
            matches!(reply, Some(Ok(Reply::PairingPending { .. }))),
            "{reply:?}"
        );
    }
    world.pass(300_000);
    let Reply::Listing(listing) = world.ok(1, Command::List { pen: assistant }) else {
        panic!()
    };
    assert_eq!(listing.subscriptions[0].state, "established");
}

#[test]
fn a_pairing_can_be_given_up() {
    let (mut world, class, assistant) = unpaired();
    let link = world.invite(0, class);
    let id = world.give(1, pair_command(assistant, &link));
    world.cut(0, 1);
    let Reply::Listing(listing) = world.ok(1, Command::List { pen: assistant }) else {
        panic!()
    };
    let subscription = listing.subscriptions[0].id;
    assert_eq!(listing.subscriptions[0].state, "pending");
    world.ok(
        1,
        Command::Unsubscribe {
            pen: assistant,
            subscription,
        },
    );
    let reply = world.nodes[1].replies.remove(&id).unwrap();
    assert_eq!(reply.unwrap_err().code, "pairing-withdrawn");
    world.pass(60_000);
    let Reply::Listing(listing) = world.ok(1, Command::List { pen: assistant }) else {
        panic!()
    };
    assert!(listing.subscriptions.is_empty());
}

#[test]
fn a_narrowed_policy_refuses_what_the_grant_permits() {
    let Pair {
        mut world,
        class,
        assistant,
        owner,
        ..
    } = paired();
    let Reply::Listing(listing) = world.ok(1, Command::List { pen: assistant }) else {
        panic!()
    };
    let rx = listing.subscriptions[0].rx;
    // No command narrows a policy yet; the disk says so at the next start.
    let key = Key::Channel(assistant, rx);
    let Some(stratus_engine::Record::Channel(channel)) = world.nodes[1].disk.get_mut(&key) else {
        panic!();
    };
    channel.policy = Policy::default();
    world.crash(1);
    world.ok(0, raise(owner, "x:ask", &[("n", "1")]));
    world.pass(10_000);
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("policy-refuses")
    );
    // The refusal is durable: a partner who did not hear it hears it again, and no acceptance.
    let windows = world.nodes[1].count(|key| matches!(key, Key::Window(..)));
    assert_eq!(windows, 1);
}

#[test]
fn nobody_can_use_the_channel_of_an_ended_subscription() {
    let Pair {
        mut world,
        class,
        subscription,
        ..
    } = paired();
    let Reply::Listing(listing) = world.ok(0, Command::List { pen: class }) else {
        panic!();
    };
    let rx = listing.subscriptions[0].rx;
    world.ok(0, raise(rx, "talk:answer", &[]));
    world.ok(
        0,
        Command::Unsubscribe {
            pen: class,
            subscription,
        },
    );
    assert_eq!(world.code(0, raise(rx, "talk:answer", &[])), "channel-shut");
}

#[test]
fn subscriptions_are_bounded_at_both_ends() {
    let mut world = World::with(3, |config| config.subscriptions_max = 1);
    let pens = [world.pen(0), world.pen(1), world.pen(2)];
    world.pair((0, pens[0]), (1, pens[1]));
    let link = world.invite(0, pens[0]);
    let refused = world
        .command(2, pair_command(pens[2], &link))
        .unwrap()
        .unwrap_err();
    assert!(refused.message.contains("subscriptions-full"), "{refused}");
    let link = world.invite(2, pens[2]);
    assert_eq!(
        world.code(1, pair_command(pens[1], &link)),
        "subscriptions-full"
    );
}

#[test]
fn events_wait_at_the_partner_while_the_queue_is_full() {
    let mut world = World::with(2, |config| config.queue_events_max = 2);
    let (class, assistant) = (world.pen(0), world.pen(1));
    world.install(0, class, CLASS);
    world.install(1, assistant, ASSISTANT);
    world.pair((0, class), (1, assistant));
    let owner = world.owner(0, class);
    world.nodes[1].jobs = Some(Vec::new());
    // The fifth is one that the grant does not permit: it must not overtake those that wait.
    for (symbol, n) in ["1", "2", "3", "4", "", "6"].map(|n| ("x:ask", n)) {
        let symbol = if n.is_empty() { "x:other" } else { symbol };
        world.ok(0, raise(owner, symbol, &[("n", n)]));
    }
    assert_eq!(outbox(&world, 0), 4, "two are accepted");
    while let Some(job) = world.nodes[1].jobs.as_mut().unwrap().pop() {
        world.handle(1, stratus_engine::Input::Finished(Box::new(job.run())));
        world.run();
    }
    let seen = world.query(1, assistant, "ta", "seen");
    assert_eq!(seen, texts(&["1", "2", "3", "4", "6"]));
    assert_eq!(outbox(&world, 0), 0);
    assert_eq!(
        world.query(0, class, "class", "last"),
        Value::from("grant-scope")
    );
    assert_eq!(world.query(0, class, "class", "count"), Value::from(1));
}
