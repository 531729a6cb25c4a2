//! Batches on their way to the disk, and what waits for them.
//!
//! The state in memory runs ahead of the disk, the world never does: whatever the world hears
//! rests on a batch and is held until that batch is durable. Once a batch failed, nothing more is
//! said: the node reopens its store and builds the engine again with [`Engine::restore`].

use std::collections::{BTreeMap, VecDeque};

use stratus_event::{Fault, PenId, Timestamp, Whose};
use stratus_pen::{language::Change, variable::Rewritten};

use crate::{
    Ask, Batch, CommandId, EffectId, Engine, Key, Output, Position, Record, Reply,
    federation::Order,
};

/// Changes that become one batch, and what follows when it is durable.
#[derive(Debug, Default)]
pub(crate) struct Draft {
    changes: Vec<(Key, Option<Record>)>,
    after: Vec<After>,
}

impl Draft {
    pub(crate) fn put(&mut self, key: Key, record: Record) {
        self.changes.push((key, Some(record)));
    }

    pub(crate) fn set(&mut self, key: Key, record: Option<Record>) {
        self.changes.push((key, record));
    }

    pub(crate) fn extend(&mut self, changes: Vec<(Key, Option<Record>)>) {
        self.changes.extend(changes);
    }

    pub(crate) fn remove(&mut self, key: Key) {
        self.changes.push((key, None));
    }

    /// Writes and removes parts of a variable.
    pub(crate) fn rewrite(&mut self, pen: PenId, change: &Change, parts: Vec<Rewritten>) {
        for (part, written) in parts {
            let key = Key::part(pen, change.rid.clone(), change.name.clone(), part);
            self.set(key, written.map(Record::part));
        }
    }

    /// Says what became of an effect, for those who ask why.
    pub(crate) fn verdict(
        &mut self,
        pen: PenId,
        effect: EffectId,
        at: Timestamp,
        end: Result<String, Fault>,
    ) {
        self.put(Key::Verdict(pen, effect), Record::Verdict { at, end });
    }

    pub(crate) fn after(&mut self, after: After) {
        self.after.push(after);
    }

    pub(crate) fn order(&mut self, order: Order) {
        self.after.push(After::Order(Box::new(order)));
    }

    pub(crate) fn reply(&mut self, id: CommandId, reply: Result<Reply, Fault>) {
        self.after.push(After::Reply(id, Box::new(reply)));
    }
}

/// What is done when the batch that it rests on is durable.
#[derive(Debug)]
pub(crate) enum After {
    /// A question leaves.
    Ask(Ask),
    /// What there is of a PEN is erased.
    Erase(PenId),
    /// The federation hears.
    Order(Box<Order>),
    /// An effect goes to its connector.
    Perform(PenId, EffectId),
    /// A command is answered.
    Reply(CommandId, Box<Result<Reply, Fault>>),
    /// A restored event, whose attempt is counted now, may run.
    Start(PenId),
}

/// How far the batches have come.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    last: Position,
    durable: Position,
    held: VecDeque<(Position, After)>,
    failed: Option<String>,
}

impl Ledger {
    /// The last batch that is on its way, or there.
    pub(crate) fn last(&self) -> Position {
        self.last
    }

    /// Why nothing can be made durable any more, if so.
    pub(crate) fn failure(&self) -> Option<Fault> {
        self.failed.as_deref().map(store_failed)
    }

    /// The last batch that is durable.
    pub(crate) fn durable(&self) -> Position {
        self.durable
    }

    /// The next action whose batch is durable.
    fn ripe(&mut self) -> Option<After> {
        let (position, _) = self.held.front()?;
        if *position > self.durable {
            return None;
        }
        self.held.pop_front().map(|(_, after)| after)
    }
}

impl Engine {
    /// Sends a batch on its way. A draft without changes rests on all batches before it.
    pub(crate) fn commit(&mut self, draft: Draft) {
        let Draft { changes, after } = draft;
        // The last change of a key is the one that counts, so a batch names each key once.
        let changes: Vec<_> = changes
            .into_iter()
            .collect::<BTreeMap<_, _>>()
            .into_iter()
            .collect();
        if !changes.is_empty() {
            let position = Position(self.ledger.last.0.saturating_add(1));
            self.ledger.last = position;
            self.note_written(&changes, position);
            self.outputs
                .push_back(Output::Commit(Batch { position, changes }));
        }
        let last = self.ledger.last;
        self.ledger
            .held
            .extend(after.into_iter().map(|after| (last, after)));
    }

    pub(crate) fn handle_committed(&mut self, through: Position) {
        let durable = self.ledger.durable.max(through);
        self.ledger.durable = durable;
        self.departed.retain(|_, position| *position > durable);
    }

    /// Does what waited for batches that are durable now. Says whether there was anything.
    pub(crate) fn release(&mut self) -> bool {
        let mut released = false;
        while let Some(after) = self.ledger.ripe() {
            released = true;
            match after {
                After::Ask(ask) => self.put_question(ask),
                After::Erase(pen) => self.outputs.push_back(Output::Erase(pen)),
                After::Order(order) => self.obey(*order),
                After::Perform(pen, effect) => self.perform(pen, effect),
                After::Reply(id, reply) => self.say(id, *reply),
                After::Start(pen) => self.launch(pen),
            }
        }
        released
    }

    /// Answers a command at once: only for what rests on no batch.
    pub(crate) fn say(&mut self, id: CommandId, reply: Result<Reply, Fault>) {
        self.outputs.push_back(Output::Reply { id, reply });
    }

    /// Answers a command when all that is in memory is durable.
    pub(crate) fn reply(&mut self, id: CommandId, reply: Result<Reply, Fault>) {
        let mut draft = Draft::default();
        draft.reply(id, reply);
        self.commit(draft);
    }

    /// Answers a command when that batch is durable, whatever came after it.
    pub(crate) fn reply_resting(
        &mut self,
        rests: Position,
        id: CommandId,
        reply: Result<Reply, Fault>,
    ) {
        if rests <= self.ledger.durable {
            return self.say(id, reply);
        }
        let held = &mut self.ledger.held;
        let place = held.partition_point(|(position, _)| *position <= rests);
        held.insert(place, (rests, After::Reply(id, Box::new(reply))));
    }

    /// From here on nothing is acknowledged. Every waiting command hears `store-failed`.
    pub(crate) fn handle_commit_failed(&mut self, reason: &str) {
        self.outputs
            .retain(|output| matches!(output, Output::Reply { .. }));
        let held = std::mem::take(&mut self.ledger.held);
        let replies = held.into_iter().filter_map(|(_, after)| match after {
            After::Reply(id, _) => Some(id),
            _ => None,
        });
        let waiting = self
            .pens
            .values_mut()
            .flat_map(crate::hosted::Hosted::take_waiting);
        let pairing = std::mem::take(&mut self.pairing_waits)
            .into_iter()
            .map(|wait| wait.command);
        let inquiries = std::mem::take(&mut self.inquiries).into_values();
        let inquiring = inquiries.filter_map(|inquiry| inquiry.command());
        let loading = self.loading.take_commands();
        let commands: Vec<CommandId> = replies
            .chain(waiting)
            .chain(pairing)
            .chain(inquiring)
            .chain(loading)
            .collect();
        for id in commands {
            self.say(id, Err(store_failed(reason)));
        }
        self.ledger.failed = Some(reason.to_owned());
    }
}

fn store_failed(reason: &str) -> Fault {
    Fault::new(
        Whose::World,
        "store-failed",
        format!("the store cannot write: {reason}"),
    )
    .hint("look at the disk; the node reopens its store and goes on with what is durable")
}
