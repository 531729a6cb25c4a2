//! The on-call story of whole nodes: with crashes and broken links it ends as it should, and the
//! same seed tells the same story.

use simnet::{
    Faults, World, checker,
    on_call::{self, Size},
};

const SMALL: Size = Size {
    nodes: 40,
    inquiries: 60,
    minutes: 60,
};

#[test]
fn two_hundred_nodes_with_crashes_and_broken_links() {
    let size = Size {
        nodes: 200,
        inquiries: 200,
        minutes: 60,
    };
    let (world, story) = on_call::play(1, size, Faults::ROUGH).unwrap();
    assert!(world.crashes() > 50, "only {} crashes", world.crashes());
    assert_eq!(checker::check(&world, &story), [""; 0]);
}

#[test]
fn ten_seeds_of_forty_nodes() {
    for seed in 1..=10 {
        let (world, story) = on_call::play(seed, SMALL, Faults::ROUGH).unwrap();
        assert_eq!(checker::check(&world, &story), [""; 0], "seed {seed}");
    }
}

#[test]
fn the_same_seed_gives_the_same_trace() {
    let trace = |seed| on_call::play(seed, SMALL, Faults::ROUGH).unwrap().0.trace();
    assert_eq!(trace(7), trace(7));
    assert_ne!(trace(7), trace(8));
}

/// Nobody can tell that a PEN leaves the memory as soon as it is at rest.
#[test]
fn nodes_that_keep_nothing_in_memory_do_the_same() {
    for seed in 1..=5 {
        let mut world = World::new(seed);
        world.set_pens_loaded_max(0);
        let (world, story) = on_call::play_in(world, seed, SMALL, Faults::ROUGH).unwrap();
        assert!(world.loads() > 1_000, "only {} loads", world.loads());
        assert_eq!(checker::check(&world, &story), [""; 0], "seed {seed}");
    }
}

/// A checker that never finds anything would be worth nothing.
#[test]
fn the_checker_sees_what_is_wrong() {
    let (world, mut story) = on_call::play(1, SMALL, Faults::NONE).unwrap();
    assert_eq!(checker::check(&world, &story), [""; 0]);
    for assistant in &mut story.assistants {
        assistant.on_call = !assistant.on_call;
    }
    let wrong = checker::check(&world, &story);
    assert!(
        wrong.iter().any(|line| line.contains("was told")),
        "{wrong:?}"
    );
    story.inquiries[0].student = "+0".to_owned();
    let wrong = checker::check(&world, &story);
    assert!(
        wrong.iter().any(|line| line.contains("got 0 endings")),
        "{wrong:?}"
    );
}
