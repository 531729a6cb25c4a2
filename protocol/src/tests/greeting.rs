//! A node looks for its partners although nothing waits for them, but not for ever.

use stratus_event::Timestamp;

use super::scene::{NOW, PEER, Scene, grant_of, holder};
use crate::{Held, Output, message::Message};

const GREETINGS: u32 = 3;

#[test]
fn a_partner_is_dialled_when_its_grant_is_held() {
    let mut scene = Scene::new(|config| config.greetings_max = GREETINGS);
    hold(&mut scene);
    assert_eq!(dials_that_fail(&mut scene), GREETINGS);
}

#[test]
fn a_partner_is_dialled_when_its_stream_broke() {
    let mut scene = Scene::introduced(|config| config.greetings_max = GREETINGS);
    hold(&mut scene);
    assert!(scene.outputs.is_empty(), "{:?}", scene.outputs);
    scene.federation.handle_disconnected(NOW, PEER);
    scene.drain();
    // The stream that broke counts as the first try.
    assert_eq!(dials_that_fail(&mut scene), GREETINGS - 1);
}

#[test]
fn a_partner_is_dialled_to_hear_that_its_grant_is_revoked() {
    let mut scene = Scene::new(|config| config.greetings_max = GREETINGS);
    hold(&mut scene);
    dials_that_fail(&mut scene);
    let granted = grant_of(5, |_| ());
    scene.admit(&granted);
    scene.federation.revoke(NOW, granted.eci(), granted.id());
    scene.drain();
    assert!(matches!(
        scene.outputs.pop(),
        Some(Output::Dial { peer: PEER, .. })
    ));
    scene.connect();
    scene.say(&super::scene::hello());
    let ended = Message::Ended {
        grants: vec![granted.id()],
    };
    assert!(scene.heard.contains(&ended), "{:?}", scene.heard);
}

fn hold(scene: &mut Scene) {
    let held = Held {
        grant: grant_of(8, |_| ()),
        key: holder(),
        peer: PEER,
        addresses: vec!["/memory/2".into()],
    };
    scene.federation.hold(NOW, held);
    scene.drain();
}

/// How often the peer is dialled until it is let be, if every dial fails.
fn dials_that_fail(scene: &mut Scene) -> u32 {
    let mut dials = 0;
    for second in 0..10_000 {
        let now = Timestamp(NOW.0 + second * 1_000);
        while let Some(Output::Dial { .. }) = scene.outputs.pop() {
            dials += 1;
            scene.federation.handle_dial_failed(now, PEER);
            scene.drain();
        }
        scene.federation.handle_wake(now);
        scene.drain();
    }
    dials
}
