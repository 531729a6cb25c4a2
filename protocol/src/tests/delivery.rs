//! Events between two nodes that are subscribed.

use sha2::Digest;
use stratus_capability::{Rate, Terms};
use stratus_event::{EventId, Map, Timestamp, Value};

use super::{owner::event, world::World};

/// Two nodes that are subscribed, without any fault.
pub(super) fn paired(seed: u64) -> World {
    let mut world = World::new(seed);
    pair(&mut world);
    world.settle();
    world
}

pub(super) fn pair(world: &mut World) {
    let link = world.owners[0].invite(7, Timestamp(900_000_000), 1);
    world.owners[1].redeem(&link);
}

fn ids(number: u8, count: u16) -> Vec<EventId> {
    (1..=count).map(|n| event(number, n, "test").id).collect()
}

/// Both pair and send each other events while everything fails that can, and then nothing does.
fn chaos(seed: u64) -> ([u8; 32], u32) {
    const EVENTS: u16 = 40;
    let mut world = World::new(seed);
    // Every second world makes the senders wait.
    if seed % 2 == 1 {
        world
            .owners
            .iter_mut()
            .for_each(|owner| owner.terms = slowly);
    }
    pair(&mut world);
    (0..2).for_each(|side| world.owners[side].commit(world.now));
    let mut sent = [0_u16; 2];
    let faulty = 200 + world.random(2000);
    for step in 0.. {
        world.step(step < faulty);
        for (side, number) in [(0, 1), (1, 2)] {
            // Only what is committed counts as sent, so each is committed by itself.
            if world.random(10) == 0 && sent[side] < EVENTS {
                world.owners[side].commit(world.now);
                if world.owners[side].send(event(number, sent[side] + 1, "test")) {
                    world.owners[side].commit(world.now);
                    sent[side] += 1;
                }
            }
        }
        if step >= faulty && sent == [EVENTS; 2] {
            break;
        }
        assert!(step < 100_000, "seed {seed}: {sent:?}");
    }
    world.settle();
    for (side, number) in [(0, 2), (1, 1)] {
        let state = &world.owners[side].state;
        assert_eq!(
            state.accepted,
            ids(number, EVENTS),
            "seed {seed}, side {side}"
        );
        assert!(
            state.outbox.is_empty(),
            "seed {seed}: {:?}",
            state.outbox.keys()
        );
        assert!(
            state.lost.is_empty() && state.failed.is_empty(),
            "seed {seed}"
        );
        // Time passes in steps of a timer, so a Hello can be late; nothing else is anybody's fault.
        world.owners[side].codes.remove("hello-late");
        assert!(
            world.owners[side].codes.is_empty(),
            "seed {seed}: {:?}",
            world.owners[side].codes
        );
    }
    (world.trace.finalize().into(), world.dials)
}

fn slowly(mut terms: Terms) -> Terms {
    terms.rate = Rate {
        burst: 3,
        per_minute: 6000,
    };
    terms
}

#[test]
fn every_event_comes_once_and_in_order() {
    let dials: u32 = (0..100).map(|seed| chaos(seed).1).sum();
    assert!(dials > 100, "the faults had no effect");
}

#[test]
fn the_same_seed_gives_the_same_outputs() {
    for seed in 0..2 {
        assert_eq!(chaos(seed), chaos(seed));
    }
    assert_ne!(chaos(0).0, chaos(1).0);
}

#[test]
fn many_events_go_in_few_frames_and_more_than_fit_are_asked_for() {
    let mut world = paired(0);
    for n in 1..=100 {
        assert!(world.owners[0].send(event(1, n, "test")));
    }
    let now = world.now;
    world.owners[0].commit(now);
    let grant = world.owners[0].state.outbox.keys().next().unwrap().0;
    assert_eq!(world.owners[0].federation.waiting(grant), 12);
    world.settle();
    assert_eq!(world.owners[1].state.accepted, ids(1, 100));
    assert_eq!(world.owners[0].state.acked, 100);
    assert!(world.owners[0].state.outbox.is_empty());
}

#[test]
fn a_smaller_window_at_the_receiver_loses_nothing() {
    let mut world = paired(0);
    world.owners[1].config.window_events_max = 3;
    world.restart(1);
    for n in 1..=40 {
        world.owners[0].send(event(1, n, "test"));
    }
    world.settle();
    assert_eq!(world.owners[1].state.accepted, ids(1, 40));
    assert!(world.owners[0].state.outbox.is_empty());
}

#[test]
fn what_the_grant_does_not_permit_is_refused_and_later_events_go_on() {
    let mut world = paired(0);
    for (n, domain) in [(1, "test"), (2, "other"), (3, "test")] {
        world.owners[0].send(event(1, n, domain));
    }
    world.settle();
    assert_eq!(world.owners[1].state.accepted.len(), 2);
    assert_eq!(
        world.owners[0].state.rejected,
        [(2, "grant-scope".to_owned())]
    );
    assert_eq!(world.owners[0].state.acked, 3);
}

#[test]
fn a_refusal_is_heard_although_the_stream_broke() {
    let mut world = paired(0);
    world.owners[0].send(event(1, 1, "other"));
    world.owners[0].send(event(1, 2, "test"));
    let now = world.now;
    world.owners[0].commit(now);
    world.drain();
    while world.link.as_ref().is_some_and(|link| !link[1].is_empty()) {
        world.step(false);
    }
    // The refusal becomes durable, and is lost with the stream.
    world.owners[1].commit(now);
    world.disconnect();
    world.restart(1);
    world.settle();
    assert_eq!(
        world.owners[0].state.rejected,
        [(1, "grant-scope".to_owned())]
    );
    assert_eq!(world.owners[0].state.acked, 2);
}

#[test]
fn an_event_that_fits_no_frame_is_refused() {
    let mut world = paired(0);
    let mut large = event(1, 1, "test");
    large.attributes = Map::from([("text", "x".repeat(300_000).as_str())]);
    let mut deep = event(1, 2, "test");
    let nested = (0..40).fold(Value::Null, |inner, _| Value::list([inner]));
    deep.attributes = Map::from([("nested", nested)]);
    for event in [large, deep] {
        let fault = world.owners[0].federation.fits(&event).unwrap_err();
        assert_eq!(fault.code, "event-oversize");
        world.owners[0].send(event);
    }
    assert_eq!(
        world.owners[0].federation.fits(&event(1, 3, "test")),
        Ok(())
    );
    world.owners[0].send(event(1, 3, "test"));
    world.settle();
    let code = "event-oversize".to_owned();
    assert_eq!(
        world.owners[0].state.rejected,
        [(1, code.clone()), (2, code)]
    );
    assert_eq!(world.owners[1].state.accepted, [event(1, 3, "test").id]);
}

#[test]
fn an_event_larger_than_the_grant_permits_is_refused() {
    let mut world = paired(0);
    let mut large = event(1, 1, "test");
    large.attributes = Map::from([("text", "x".repeat(5000).as_str())]);
    world.owners[0].send(large);
    world.settle();
    let code = "grant-event-too-large".to_owned();
    assert_eq!(world.owners[0].state.rejected, [(1, code)]);
}

#[test]
fn too_many_events_come_later() {
    let mut world = World::new(0);
    world.owners[1].terms = |mut terms| {
        terms.rate = Rate {
            burst: 2,
            per_minute: 60,
        };
        terms
    };
    pair(&mut world);
    world.settle();
    let start = world.now;
    for n in 1..=10 {
        world.owners[0].send(event(1, n, "test"));
    }
    world.settle();
    assert_eq!(world.owners[1].state.accepted, ids(1, 10));
    let took_ms = world.now.since(start).as_millis();
    assert!((8_000..12_000).contains(&took_ms), "{took_ms}");
}

#[test]
fn after_a_revocation_nothing_comes_and_the_sender_knows() {
    let mut world = paired(0);
    world.owners[0].send(event(1, 1, "test"));
    world.settle();
    // Under way while the receiver revokes.
    world.owners[0].send(event(1, 2, "test"));
    let now = world.now;
    world.owners[0].commit(now);
    world.drain();
    world.owners[1].revoke();
    world.owners[1].commit(now);
    world.settle();
    assert_eq!(world.owners[1].state.accepted, ids(1, 1));
    assert_eq!(world.owners[0].state.lost, ["grant-revoked"]);
    // The other direction is untouched.
    world.owners[1].send(event(2, 1, "test"));
    world.settle();
    assert_eq!(world.owners[0].state.accepted, ids(2, 1));
}

#[test]
fn a_revocation_is_told_on_the_next_stream() {
    let mut world = paired(0);
    world.disconnect();
    world.owners[1].revoke();
    world.settle();
    world.restart(1);
    world.owners[0].send(event(1, 1, "test"));
    world.settle();
    assert_eq!(world.owners[0].state.lost, ["grant-revoked"]);
    assert!(world.owners[1].state.accepted.is_empty());
}

#[test]
fn an_expired_grant_is_lost_on_a_live_session_and_on_a_new_one() {
    for reconnect in [false, true] {
        let mut world = paired(0);
        world.owners[0].send(event(1, 1, "test"));
        world.settle();
        if reconnect {
            world.disconnect();
        }
        world.now = Timestamp(1_000_000_000);
        world.owners[0].send(event(1, 2, "test"));
        world.settle();
        assert_eq!(world.owners[0].state.lost, ["grant-expired"]);
        assert_eq!(world.owners[1].state.accepted, ids(1, 1));
    }
}

#[test]
fn a_partner_that_was_restored_from_a_backup_is_found_out() {
    let mut world = paired(0);
    let (old_sender, old_receiver) = (world.owners[0].disk.clone(), world.owners[1].disk.clone());
    for n in 1..=3 {
        world.owners[0].send(event(1, n, "test"));
    }
    world.settle();
    let new_sender = world.owners[0].disk.clone();

    world.owners[0].disk = old_sender;
    world.restart(0);
    world.owners[0].send(event(1, 9, "test"));
    world.settle();
    assert_eq!(world.owners[0].state.lost, ["window-ahead"]);

    world.owners[0].disk = new_sender;
    world.restart(0);
    world.owners[1].disk = old_receiver;
    world.restart(1);
    world.owners[0].send(event(1, 4, "test"));
    world.settle();
    assert_eq!(world.owners[0].state.lost, ["window-behind"]);
}

#[test]
fn a_released_grant_sends_nothing() {
    let mut world = paired(0);
    world.owners[0].send(event(1, 1, "test"));
    let (grant, _) = *world.owners[0].state.outbox.keys().next().unwrap();
    let now = world.now;
    world.owners[0].commit(now);
    world.owners[0].federation.release(grant);
    world.settle();
    assert!(world.owners[1].state.accepted.is_empty());
    assert_eq!(world.owners[0].federation.waiting(grant), 0);
}
