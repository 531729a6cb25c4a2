//! How strangers become subscribers, and how not.

use stratus_capability::{HolderKey, SigningKey, Terms};
use stratus_event::{Eci, Timestamp};

use super::{
    delivery::{pair, paired},
    owner::Disk,
    scene::{NOW, PEER, Scene, grant_of, hello, holder},
    world::World,
};
use crate::{InviteLink, NodeId, Output, Pairing, SubscriptionId, message::Message};

/// Both ends know the same subscription, each holds what the other granted, and nothing is open.
fn check_paired(world: &World, context: &str) {
    let [inviter, redeemer] = &world.owners;
    let (id, theirs) = redeemer
        .state
        .subscriptions
        .first_key_value()
        .expect(context);
    let mine = &inviter.state.subscriptions[id];
    assert_eq!(redeemer.state.subscriptions.len(), 1, "{context}");
    assert_eq!(inviter.state.subscriptions.len(), 1, "{context}");
    assert!(mine.established && theirs.established, "{context}");
    assert_eq!(mine.held.as_ref(), Some(&theirs.granted), "{context}");
    assert_eq!(theirs.held.as_ref(), Some(&mine.granted), "{context}");
    assert!(redeemer.state.pairings.is_empty(), "{context}");
    assert_eq!(
        inviter.state.invites.values().next().unwrap().used.len(),
        1,
        "{context}"
    );
}

#[test]
fn an_invite_makes_subscribers() {
    check_paired(&paired(0), "without faults");
}

/// After each number of steps, each sort of fault, once.
#[test]
fn a_fault_at_any_step_changes_nothing() {
    type Fault = fn(&mut World);
    let faults: [(&str, Fault); 5] = [
        ("the stream breaks", World::disconnect),
        ("the inviter restarts", |world| world.restart(0)),
        ("the redeemer restarts", |world| world.restart(1)),
        ("the inviter's store fails", |world| {
            world.owners[0].lose_commit(world.now);
        }),
        ("the redeemer's store fails", |world| {
            world.owners[1].lose_commit(world.now);
        }),
    ];
    for (name, fault) in faults {
        for steps in 0..120 {
            let mut world = World::new(steps);
            pair(&mut world);
            (0..2).for_each(|side| world.owners[side].commit(world.now));
            (0..steps).for_each(|_| world.step(false));
            fault(&mut world);
            world.drain();
            world.settle();
            check_paired(&world, &format!("{name} after {steps} steps"));
        }
    }
}

/// Redeems a link after something was done to it, and says why that failed at the redeemer.
fn refusal(alter: impl FnOnce(&mut World, &mut String)) -> String {
    let mut world = World::new(0);
    let mut link = world.owners[0].invite(7, Timestamp(2_000_000), 1);
    world.settle();
    alter(&mut world, &mut link);
    world.owners[1].redeem(&link);
    world.settle();
    assert!(world.owners[1].state.pairings.is_empty());
    assert!(world.owners[1].state.subscriptions.is_empty());
    let codes = &world.owners[1].state.failed;
    assert_eq!(codes.len(), 1);
    codes[0].clone()
}

fn altered(link: &mut String, alter: impl FnOnce(&mut InviteLink)) {
    let mut parsed = InviteLink::parse(link).unwrap();
    alter(&mut parsed);
    *link = parsed.text();
}

#[test]
fn an_expired_invite_is_refused() {
    assert_eq!(
        refusal(|world, _| world.now = Timestamp(2_000_001)),
        "invite-expired"
    );
}

#[test]
fn an_altered_invite_is_refused() {
    let cases: [fn(&mut InviteLink); 5] = [
        |link| link.expires = Timestamp(9_000_000_000),
        |link| link.role_redeemer = "owner".into(),
        |link| {
            link.offered
                .push(("all".parse().unwrap(), "*".parse().unwrap()));
        },
        |link| link.label = "Somebody else".into(),
        |link| link.addresses.push("/ip4/10.0.0.1/tcp/1".into()),
    ];
    for alter in cases {
        assert_eq!(refusal(|_, link| altered(link, alter)), "invite-altered");
    }
}

/// Who does not know the secret learns no more than who made the invite up.
#[test]
fn a_foreign_invite_is_refused() {
    let cases: [fn(&mut InviteLink); 2] = [|link| link.secret[0] ^= 1, |link| link.invite[0] ^= 1];
    for alter in cases {
        let wrong = |world: &mut World, link: &mut String| {
            altered(link, alter);
            world.owners[1].config.name = None;
        };
        assert_eq!(refusal(wrong), "invite-foreign");
    }
    assert_eq!(
        refusal(|world, _| world.owners[0].federation.withdraw([7; 16])),
        "invite-foreign"
    );
}

#[test]
fn an_own_invite_is_refused() {
    let mut world = World::new(0);
    let link = world.owners[0].invite(7, Timestamp(2_000_000), 1);
    world.owners[0].redeem(&link);
    world.settle();
    assert_eq!(world.owners[0].state.failed, ["invite-foreign"]);
}

#[test]
fn a_used_invite_is_refused_to_another_and_answered_to_the_same() {
    let used = refusal(|world, _| {
        let invite = world.owners[0].state.invites.get_mut(&[7; 16]).unwrap();
        let holder = HolderKey([9; 32]);
        let subscription = SubscriptionId([9; 16]);
        invite.used.push(crate::Redemption {
            holder,
            subscription,
        });
        let invite = invite.clone();
        world.owners[0].federation.invite(invite);
    });
    assert_eq!(used, "invite-used");

    // The same redeemer, who forgot everything, is granted again, even after the end.
    let mut world = paired(0);
    let link = world.owners[0].state.invites[&[7; 16]].link.clone();
    world.owners[1].disk = Disk::default();
    world.restart(1);
    world.now = Timestamp(901_000_000);
    world.owners[1].redeem(&link);
    world.settle();
    check_paired(&world, "again");
}

#[test]
fn a_withdrawn_pairing_ends_at_both_sides() {
    let mut world = World::new(0);
    pair(&mut world);
    let id = *world.owners[1].state.pairings.keys().next().unwrap();
    while world.owners[1].state.subscriptions.is_empty() {
        world.step(false);
    }
    world.owners[1].federation.drop_pairing(id);
    world.owners[1].state.pairings.clear();
    world.owners[1].orders.clear();
    world.settle();
    assert_eq!(world.owners[0].state.failed, ["pairing-withdrawn"]);
    assert!(!world.owners[0].state.subscriptions[&id].established);
}

#[test]
fn the_owner_can_refuse() {
    let mut world = World::new(0);
    pair(&mut world);
    let id = *world.owners[1].state.pairings.keys().next().unwrap();
    while world.owners[0].state.subscriptions.is_empty() {
        world.step(false);
    }
    world.owners[0].orders.clear();
    let node = world.owners[1].node();
    world.owners[0]
        .federation
        .refuse_pairing(node, id, "Not A Code");
    world.settle();
    assert_eq!(world.owners[1].state.failed, ["pairing-withdrawn"]);
}

/// A scene in which the federation redeems an invite of the peer.
fn redeeming() -> (Scene, SubscriptionId) {
    let mut peer = super::owner::Owner::new(2);
    let link = peer.invite(7, Timestamp(2_000_000), 1);
    let mut scene = Scene::introduced(|_| ());
    let key = holder();
    let subscription = SubscriptionId::derive(&[7; 16], &HolderKey(key.public()));
    let pairing = Pairing {
        subscription,
        link,
        name: String::new(),
        node: PEER,
        addresses: vec![],
        rx: Eci([0; 32]),
        since: NOW,
        confirming: None,
    };
    scene.federation.redeem(NOW, &pairing, &key);
    scene.drain();
    assert!(matches!(scene.heard.pop(), Some(Message::Redeem { .. })));
    (scene, subscription)
}

#[test]
fn a_grant_for_another_key_or_that_has_ended_breaks_the_pairing_off() {
    type Alter = fn(&mut Terms);
    let mine = HolderKey(holder().public());
    let cases: [(bool, Alter); 3] = [
        (true, |_| ()),
        (false, |terms| {
            terms.holder = HolderKey(SigningKey::from_bytes(&[5; 32]).public());
        }),
        (false, |terms| terms.expires = 1000),
    ];
    for (sound, alter) in cases {
        let (mut scene, subscription) = redeeming();
        let grant = grant_of(7, alter).bytes().to_vec();
        scene.say(&Message::Granted {
            subscription,
            grant,
            holder: mine,
        });
        if sound {
            assert!(matches!(scene.outputs[..], [Output::Granted { .. }]));
            assert!(scene.heard.is_empty());
        } else {
            let code = "pairing-grant-invalid";
            assert_eq!(scene.heard, [refused(subscription, code)]);
            let Some(Output::PairingFailed { fault, .. }) = scene.outputs.pop() else {
                panic!()
            };
            assert_eq!(fault.code, code);
        }
    }
}

#[test]
fn only_the_inviter_can_answer() {
    let (mut scene, subscription) = redeeming();
    let third = NodeId([3; 32]);
    scene.federation.handle_connected(NOW, third);
    let grant = grant_of(7, |_| ()).bytes().to_vec();
    let holder = HolderKey([4; 32]);
    for message in [
        hello(),
        Message::Granted {
            subscription,
            grant,
            holder,
        },
        Message::Established { subscription },
        refused(subscription, "invite-used"),
    ] {
        scene
            .federation
            .handle_received(NOW, third, &message.encode());
        scene.drain();
    }
    // Established before anything was confirmed is passed over, too.
    scene.say(&Message::Established { subscription });
    assert!(scene.outputs.is_empty(), "{:?}", scene.outputs);
}

#[test]
fn only_the_redeemer_can_confirm_and_only_with_the_grant_that_was_asked_for() {
    let subscription = SubscriptionId([1; 16]);
    let other = SigningKey::from_bytes(&[5; 32]);
    let cases: [(&str, NodeId, HolderKey); 3] = [
        ("", PEER, HolderKey(holder().public())),
        (
            "pairing-unknown",
            NodeId([3; 32]),
            HolderKey(holder().public()),
        ),
        ("pairing-grant-invalid", PEER, HolderKey(other.public())),
    ];
    for (code, peer, asked) in cases {
        let mut scene = Scene::introduced(|_| ());
        scene
            .federation
            .grant_redeemer(peer, subscription, vec![], asked);
        scene.drain();
        scene.heard.clear();
        let grant = grant_of(7, |_| ()).bytes().to_vec();
        scene.say(&Message::Confirm {
            subscription,
            grant,
        });
        if code.is_empty() {
            assert!(matches!(scene.outputs[..], [Output::Confirmed { .. }]));
        } else {
            assert_eq!(scene.heard, [refused(subscription, code)]);
            assert_eq!(
                (scene.outputs.len(), &scene.faults[..]),
                (0, &[code.to_owned()][..])
            );
        }
    }
}

fn refused(subscription: SubscriptionId, code: &str) -> Message {
    Message::PairingRefused {
        subscription,
        code: code.into(),
    }
}
