//! Two owners and a link that breaks.

use std::collections::VecDeque;

use rand_chacha::{
    ChaCha8Rng,
    rand_core::{Rng, SeedableRng},
};
use sha2::{Digest, Sha256};
use stratus_event::Timestamp;

use super::owner::Owner;
use crate::Output;

pub(super) struct World {
    pub(super) now: Timestamp,
    pub(super) owners: [Owner; 2],
    /// What is under way to each of them; none if there is no stream.
    pub(super) link: Option<[VecDeque<Vec<u8>>; 2]>,
    /// Everything that was said, for comparison.
    pub(super) trace: Sha256,
    pub(super) dials: u32,
    dialing: [bool; 2],
    wake: [Option<Timestamp>; 2],
    random: ChaCha8Rng,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            now: Timestamp(1_000_000),
            owners: [Owner::new(1), Owner::new(2)],
            link: None,
            trace: Sha256::new(),
            dials: 0,
            dialing: [false; 2],
            wake: [None; 2],
            random: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    pub(super) fn random(&mut self, below: u64) -> u64 {
        self.random.next_u64() % below
    }

    /// One thing happens, which may be a fault.
    pub(super) fn step(&mut self, faults: bool) {
        let side = usize::from(self.random(2) == 1);
        match self.random(if faults { 100 } else { 90 }) {
            0..40 => self.deliver(side),
            40..60 => self.commit(side),
            60..75 => self.connect(side, faults),
            75..90 => self.wait(),
            90..94 => self.disconnect(),
            94..96 => self.owners[side].lose_commit(self.now),
            _ => self.restart(side),
        }
        self.drain();
    }

    /// Goes on without faults until nothing happens any more.
    pub(super) fn settle(&mut self) {
        self.drain();
        for _ in 0..100_000 {
            (0..2).for_each(|side| self.commit(side));
            self.drain();
            if let Some(link) = &self.link
                && let Some(side) = (0..2).find(|side| !link[*side].is_empty())
            {
                self.deliver(side);
            } else if let Some(side) = (0..2).find(|side| self.dialing[*side]) {
                self.connect(side, false);
            } else if self.wake.iter().all(Option::is_none) {
                return;
            } else {
                self.wait();
            }
            self.drain();
        }
        panic!("it does not come to rest");
    }

    pub(super) fn disconnect(&mut self) {
        if self.link.take().is_some() {
            let nodes = [self.owners[0].node(), self.owners[1].node()];
            self.owners[0]
                .federation
                .handle_disconnected(self.now, nodes[1]);
            self.owners[1]
                .federation
                .handle_disconnected(self.now, nodes[0]);
        }
    }

    pub(super) fn restart(&mut self, side: usize) {
        if self.link.take().is_some() {
            let node = self.owners[side].node();
            self.owners[1 - side]
                .federation
                .handle_disconnected(self.now, node);
        }
        self.dialing[side] = false;
        self.wake[side] = None;
        self.owners[side].restart(self.now);
    }

    pub(super) fn drain(&mut self) {
        for side in 0..2 {
            while let Some(output) = self.owners[side].federation.poll() {
                self.trace.update(format!("{side} {output:?}"));
                self.output(side, output);
            }
        }
    }

    fn output(&mut self, side: usize, output: Output) {
        match output {
            Output::Close { .. } => self.disconnect(),
            Output::Dial { addresses, .. } => {
                assert!(!addresses.is_empty());
                self.dials += 1;
                self.dialing[side] = true;
            }
            Output::Send { bytes, .. } => {
                if let Some(link) = &mut self.link {
                    link[1 - side].push_back(bytes);
                }
            }
            Output::WakeAt(at) => self.wake[side] = Some(at),
            other => self.owners[side].hear(other),
        }
    }

    fn deliver(&mut self, side: usize) {
        let from = self.owners[1 - side].node();
        if let Some(bytes) = self.link.as_mut().and_then(|link| link[side].pop_front()) {
            self.owners[side]
                .federation
                .handle_received(self.now, from, &bytes);
        }
    }

    fn commit(&mut self, side: usize) {
        self.owners[side].commit(self.now);
    }

    fn connect(&mut self, side: usize, faults: bool) {
        if !std::mem::take(&mut self.dialing[side]) {
            return;
        }
        let nodes = [self.owners[0].node(), self.owners[1].node()];
        if faults && self.random(3) == 0 {
            self.owners[side]
                .federation
                .handle_dial_failed(self.now, nodes[1 - side]);
        } else if self.link.is_none() {
            self.dialing = [false; 2];
            self.link = Some(Default::default());
            self.owners[0]
                .federation
                .handle_connected(self.now, nodes[1]);
            self.owners[1]
                .federation
                .handle_connected(self.now, nodes[0]);
        }
    }

    /// Time goes on to the next timer.
    fn wait(&mut self) {
        let Some(at) = self.wake.iter().flatten().min().copied() else {
            return;
        };
        self.now = self.now.max(at);
        for side in 0..2 {
            if self.wake[side].is_some_and(|at| at <= self.now) {
                self.wake[side] = None;
                self.owners[side].federation.handle_wake(self.now);
            }
        }
    }
}
