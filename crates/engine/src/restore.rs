//! An engine from what is durable.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use stratus_event::{Fault, Name, PenId, Timestamp, Value, Whose};
use stratus_pen::{
    RunId,
    language::{Change, Effect, Language},
};
use stratus_salience::Progress;

use crate::{
    Accepted, Config, Engine, Image, Key, Record, Start, Subject,
    ask::Pended,
    commit::Draft,
    effect::Pending,
    federation::Order,
    hosted::{Broken, Entry, History, Hosted, Restoring, Waiting, Window},
    outbox::Letter,
    relation::Relation,
    schedule::Alarm,
    seen::First,
};

impl Engine {
    /// The engine as it was when the image's last batch became durable.
    ///
    /// What was under way goes on: accepted events without an outcome are evaluated again, effects
    /// without a verdict are settled, the outbox is sent, pairings resume, timers that are due go
    /// off once. A ruleset that the language no longer takes does nothing, and says so when its PEN
    /// is listed. The seed must be a new one. Fails with `record-unreadable` if a record is not one
    /// that this version wrote.
    pub fn restore(
        config: Config,
        language: Arc<dyn Language>,
        seed: [u8; 32],
        now: Timestamp,
        start: Start<'_>,
    ) -> Result<Self, Fault> {
        let mut engine = Self::new(config, language, seed);
        engine.now = now;
        engine.pens_hosted = start.pens;
        for image in start.images {
            let mut draft = Draft::default();
            for pen in engine.take_in(image?, &mut draft)? {
                engine.resume_federation(pen, &mut draft);
            }
            engine.commit(draft);
            engine.let_sleep();
        }
        engine.resume_all_letters();
        for (pen, at) in start.timers {
            engine.schedule.set(at, Alarm::Load(Subject::Pen(pen)));
        }
        engine.settle();
        Ok(engine)
    }

    /// Takes whole PENs in, and says which.
    pub(crate) fn take_in(&mut self, image: Image, draft: &mut Draft) -> Result<Vec<PenId>, Fault> {
        let pens = self.living(&image, draft);
        let mut sources = BTreeMap::new();
        for (key, record) in image {
            if !self.is_living(&key, &record, &pens) {
                continue;
            }
            match (key, record) {
                (Key::Account(name), Record::Account(account)) => {
                    self.accounts.restore_account(name, account);
                }
                (Key::Credential(hash), Record::Credential(credential)) => {
                    self.accounts.restore_credential(hash, credential);
                }
                (Key::Program(hash), Record::Program { source }) => {
                    sources.insert(hash, source);
                }
                // Of the programs that were ever installed, only those that still are matter.
                (Key::Ruleset(pen, place), record @ Record::Ruleset { .. }) => {
                    let (rid, program) = self.take_terms(pen, record)?;
                    match self.compile_again(program, &sources)? {
                        Ok(()) => self.take_ruleset(pen, place, rid, program)?,
                        Err(fault) => self.take_broken(pen, place, (rid, program), fault)?,
                    }
                }
                (key @ (Key::Automaton(..) | Key::PartialMatch(..)), _) if self.is_broken(&key) => {
                    self.strand(key);
                }
                (Key::Variable(pen, rid, name), Record::Variable(value)) => {
                    self.take_variable(pen, (rid, name), value, draft)?;
                }
                (Key::Automaton(pen, rid, rule), Record::Automaton(value)) => {
                    self.take_automaton(pen, (&rid, &rule), &value, draft)?;
                }
                (key, record) => self.take_record(key, record)?,
            }
        }
        for pen in &pens {
            let hosted = self.hosted_mut(*pen)?;
            hosted.refresh_subscriptions();
            hosted.counted = true;
            self.touch(*pen);
            self.ready.insert(*pen);
        }
        Ok(pens.into_iter().collect())
    }

    /// The PENs of an image. Those that are deleted are not among them, and go on being erased.
    fn living(&mut self, image: &Image, draft: &mut Draft) -> BTreeSet<PenId> {
        let tombstones = Key::Tombstone(PenId([0; 16]))..=Key::Tombstone(PenId([u8::MAX; 16]));
        for pen in image.range(tombstones).filter_map(|(key, _)| key.pen()) {
            self.bury(pen, draft);
        }
        let mut pens = BTreeSet::new();
        for (key, record) in image {
            if let (Key::Pen(pen), Record::Pen { parent, .. }) = (key, record)
                && !self.is_deleted(*pen, parent.as_ref())
            {
                pens.insert(*pen);
            }
        }
        pens
    }

    /// Whether a record is taken in: what is left of a PEN that is deleted is not, nor what its
    /// parent has of it.
    fn is_living(&self, key: &Key, record: &Record, pens: &BTreeSet<PenId>) -> bool {
        let is_gone = |pen: &PenId| self.deleted.contains(pen);
        match (key, record) {
            (Key::Child(_, child), _) if is_gone(child) => false,
            (Key::Channel(..), Record::Channel(channel))
                if channel.family.as_ref().is_some_and(is_gone) =>
            {
                false
            }
            _ => key.pen().is_none_or(|pen| pens.contains(&pen)),
        }
    }

    fn take_record(&mut self, key: Key, record: Record) -> Result<(), Fault> {
        match (key, record) {
            (Key::Pen(pen), Record::Pen { name, seed, parent }) => {
                let hosted = Hosted::new(pen, &name, seed, parent);
                self.pens.insert(pen, hosted);
            }
            (Key::Child(pen, _), Record::Child { place, kin }) => {
                self.hosted_mut(pen)?.state.put_child(Some(place), kin);
            }
            (Key::Letter(pen, number), record @ Record::Letter { .. }) => {
                if let Some(letter) = Letter::of(record) {
                    self.take_letter(pen, number, letter);
                }
            }
            (Key::Window(eci, grant), Record::Window { through, refused }) => {
                let pen = self.channels.get(&eci).copied();
                // A window outlives its channel only if the channel was forgotten.
                if let Some(hosted) = pen.and_then(|pen| self.pens.get_mut(&pen)) {
                    let window = Window {
                        through,
                        refused: refused.into(),
                    };
                    hosted.windows.insert((eci, grant), window);
                }
            }
            (Key::Channel(pen, eci), Record::Channel(channel)) => {
                self.channels.insert(eci, pen);
                self.hosted_mut(pen)?.state.set_channel(channel);
            }
            (Key::Invite(pen, id), Record::Invite(invite)) => {
                self.invites.insert(id, pen);
                self.hosted_mut(pen)?.invites.insert(id, invite);
            }
            (Key::Pairing(pen, id), Record::Pairing(pairing)) => {
                self.subscriptions.insert(id, pen);
                self.hosted_mut(pen)?.pairings.insert(id, pairing);
            }
            (Key::Subscription(pen, id), Record::Subscription(subscription)) => {
                self.subscriptions.insert(id, pen);
                let relation = Relation::restore(subscription)?;
                self.hosted_mut(pen)?.relations.insert(id, relation);
            }
            (key, record) => self.take_pen_record(key, record)?,
        }
        Ok(())
    }
}

impl Engine {
    fn take_pen_record(&mut self, key: Key, record: Record) -> Result<(), Fault> {
        let pen = key.pen().ok_or_else(|| orphan("a record"))?;
        let now = self.now;
        let settled = now + std::time::Duration::from_millis(self.config.effect_settle_delay_ms);
        let ids_max = self.config.seen_ids_max;
        let hosted = self.hosted_mut(pen)?;
        match (key, record) {
            (Key::Journal(_), Record::Journal { next }) => hosted.next = next,
            (Key::VariableEntry(_, rid, name, path, number), record) => {
                let Record::VariableEntry { name: entry, value } = record else {
                    return Err(orphan("an entry under the wrong key"));
                };
                let entry = (entry.as_str(), value);
                let restored = hosted
                    .state
                    .restore_entry((&rid, &name), &path, number, entry);
                restored.ok_or_else(|| orphan("an entry of a variable"))?;
            }
            (Key::PartialMatch(_, rid, rule, number), Record::PartialMatch(value)) => hosted
                .state
                .restore_partial_match(&rid, &rule, number, &value)
                .map_err(|_| orphan("a partial match"))?,
            (Key::Timer(_, id), Record::Timer(timer)) => {
                self.schedule.set(timer.at, Alarm::Timer(pen, id));
                self.hosted_mut(pen)?.state.set_timer(timer);
            }
            (Key::Seen(_, channel, id), record @ Record::Seen { .. }) => {
                let first = First::of(id, record);
                let seen = hosted.seen.entry(channel).or_default();
                if let Some(first) = first {
                    seen.remember(first, ids_max);
                }
            }
            (Key::Outbox(_, grant, sequence), record @ Record::Outbox { .. }) => {
                let waiting = Waiting::of(record);
                hosted
                    .outbox
                    .extend(waiting.map(|waiting| ((grant, sequence), waiting)));
            }
            (Key::Effect(_, id), record @ Record::Effect { .. }) => {
                hosted
                    .effects
                    .extend(pending(record).map(|pending| (id, pending)));
                // What left before the end may still be on its way.
                self.schedule.set(settled, Alarm::Effect(pen, id));
            }
            (Key::Receipt(_, connector, id), Record::Receipt(receipt)) => {
                hosted
                    .receipts
                    .entry(connector)
                    .or_default()
                    .insert(id, receipt);
            }
            (key, record) => hosted.take_entry(key, record)?,
        }
        Ok(())
    }

    /// Takes in how far a rule is. Earlier versions wrote its partial matches into the same record;
    /// these get records of their own.
    fn take_automaton(
        &mut self,
        pen: PenId,
        (rid, rule): (&Name, &Name),
        value: &Value,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let progress = Progress::try_from(value).map_err(|_| orphan("an automaton"))?;
        let state = &mut self.hosted_mut(pen)?.state;
        state.move_automaton(rid, rule, progress.clone());
        // One that is written in pieces already stays as it is.
        if !progress.is_whole() {
            return Ok(());
        }
        for (piece, written) in progress.changes(&Progress::default()) {
            let key = Key::piece(pen, rid.clone(), rule.clone(), piece);
            draft.set(key, written.map(|written| Record::piece(piece, written)));
        }
        Ok(())
    }

    /// Takes in the head of a variable. Earlier versions wrote the entries of its large maps into
    /// the same record; these get records of their own.
    fn take_variable(
        &mut self,
        pen: PenId,
        (rid, name): (Name, Name),
        value: Value,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let change = Change {
            rid,
            name,
            value: Some(value),
        };
        let state = &mut self.hosted_mut(pen)?.state;
        let parts = state.rewritten(&change);
        state.change(&change);
        if parts.len() > 1 {
            draft.rewrite(pen, &change, parts);
        }
        Ok(())
    }

    /// Takes in how a ruleset is installed; its id and the hash of its text.
    fn take_terms(&mut self, pen: PenId, record: Record) -> Result<(Name, [u8; 32]), Fault> {
        let Record::Ruleset {
            rid,
            program,
            terms,
            versions,
            trouble,
        } = record
        else {
            return Err(orphan("a record under the wrong key"));
        };
        let hosted = self.hosted_mut(pen)?;
        hosted.state.set_terms(&rid, terms);
        let history = History { versions, trouble };
        hosted.histories.insert(rid.clone(), history);
        Ok((rid, program))
    }

    /// Compiles a program; an inner fault is the compiler's.
    fn compile_again(
        &mut self,
        hash: [u8; 32],
        sources: &BTreeMap<[u8; 32], String>,
    ) -> Result<Result<(), Fault>, Fault> {
        if self.programs.contains_key(&hash) {
            return Ok(Ok(()));
        }
        let source = sources
            .get(&hash)
            .ok_or_else(|| orphan("a ruleset without its program"))?;
        let compiled = self
            .language
            .compile_among(source, &mut self.patterns)
            .map_err(program_refused);
        Ok(compiled.map(|program| drop(self.programs.insert(hash, program))))
    }

    /// A ruleset that does not compile keeps its place and its variables, and stops nothing else.
    fn take_broken(
        &mut self,
        pen: PenId,
        place: u32,
        (rid, hash): (Name, [u8; 32]),
        fault: Fault,
    ) -> Result<(), Fault> {
        let hosted = self.hosted_mut(pen)?;
        hosted.places.insert(place, (rid.clone(), hash));
        let automata = Vec::new();
        hosted.broken.insert(rid, Broken { fault, automata });
        Ok(())
    }

    fn broken_mut(&mut self, key: &Key) -> Option<&mut Broken> {
        let (Key::Automaton(pen, rid, _) | Key::PartialMatch(pen, rid, ..)) = key else {
            return None;
        };
        self.pens.get_mut(pen)?.broken.get_mut(rid)
    }

    fn is_broken(&mut self, key: &Key) -> bool {
        self.broken_mut(key).is_some()
    }

    fn strand(&mut self, key: Key) {
        if let Some(broken) = self.broken_mut(&key) {
            broken.automata.push(key);
        }
    }

    fn take_ruleset(
        &mut self,
        pen: PenId,
        place: u32,
        rid: Name,
        hash: [u8; 32],
    ) -> Result<(), Fault> {
        let program = self.programs.get(&hash).cloned();
        let program = program.ok_or_else(|| orphan("a ruleset without its program"))?;
        let hosted = self.pens.get_mut(&pen);
        let hosted = hosted.ok_or_else(|| orphan("a ruleset without its PEN"))?;
        self.common.restore_ruleset(&mut hosted.state, program);
        hosted.places.insert(place, (rid, hash));
        Ok(())
    }

    /// Tells the federation what it has to know.
    fn resume_federation(&mut self, pen: PenId, draft: &mut Draft) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        for invite in hosted.invites.values() {
            draft.order(Order::Invite(invite.clone()));
        }
        for relation in hosted.relations.values() {
            draft.order(Order::Admit(hosted.admitted(relation)));
            if relation.record.ended {
                let (eci, grant) = (relation.granted.eci(), relation.granted.id());
                draft.order(Order::Revoke { eci, grant });
            } else if !hosted.pairings.contains_key(&relation.record.id)
                && let Some(held) = hosted.held(relation)
            {
                self.holdings
                    .insert(held.grant.hash(), (pen, relation.record.id));
                draft.order(Order::Hold(held));
            }
        }
        for ((grant, sequence), waiting) in &hosted.outbox {
            let (grant, sequence, event) = (*grant, *sequence, waiting.event.clone());
            draft.order(Order::Send {
                grant,
                sequence,
                event,
            });
        }
        for pairing in hosted.pairings.values() {
            if let Some(key) = hosted.redeeming_key(&pairing.rx) {
                draft.order(Order::Redeem {
                    pairing: pairing.clone(),
                    key,
                });
            }
        }
    }
}

impl Hosted {
    /// Takes in an event without an outcome. Keys are sorted so that its attempts and questions
    /// come before the event itself.
    fn take_entry(&mut self, key: Key, record: Record) -> Result<(), Fault> {
        match (key, record) {
            (Key::Queue(_, position), Record::Queue { attempts }) => {
                self.restoring.entry(position).or_default().attempts = attempts;
            }
            (
                Key::Question(_, id),
                Record::Question {
                    event,
                    rid,
                    rule,
                    question,
                    answer,
                },
            ) => {
                let run = RunId { event, rid, rule };
                let pended = Pended {
                    run,
                    question,
                    answer,
                    doubt: true,
                    reached: false,
                };
                let restoring = self.restoring.entry(id.position).or_default();
                restoring.questions.insert(id, pended);
            }
            (Key::Accepted(_, position), Record::Accepted(accepted)) => {
                self.queue_again(position, accepted);
            }
            (Key::Outcome(..), Record::Outcome(_))
            | (Key::Verdict(..), Record::Verdict { .. })
            | (Key::Installed(..), Record::Installed { .. })
            | (Key::Standing(_), Record::Standing(_)) => {}
            _ => return Err(orphan("a record under the wrong key")),
        }
        Ok(())
    }
}

impl Hosted {
    fn queue_again(&mut self, position: u64, accepted: Accepted) {
        let Restoring {
            attempts,
            questions,
        } = self.restoring.remove(&position).unwrap_or_default();
        self.next = self.next.max(position.saturating_add(1));
        self.queue.push_back(Entry {
            position,
            accepted,
            unwritten: Vec::new(),
            after: Vec::new(),
            waiters: Vec::new(),
            restored: Some(attempts),
            questions,
        });
    }
}

impl First {
    fn of(external_id: String, record: Record) -> Option<Self> {
        let Record::Seen {
            position,
            event,
            directives,
        } = record
        else {
            return None;
        };
        Some(Self {
            position,
            event,
            directives,
            external_id,
        })
    }
}

impl Waiting {
    fn of(record: Record) -> Option<Self> {
        let Record::Outbox {
            event,
            since,
            effect,
        } = record
        else {
            return None;
        };
        Some(Self {
            event,
            since,
            effect,
        })
    }
}

/// An effect whose process ended may have been done.
fn pending(record: Record) -> Option<Pending> {
    let Record::Effect {
        rid,
        effect,
        wanted,
        attempts,
        failures,
    } = record
    else {
        return None;
    };
    let Effect::Act {
        connector,
        action,
        arguments,
    } = effect
    else {
        return None;
    };
    Some(Pending {
        rid,
        connector,
        action,
        arguments,
        wanted,
        attempts,
        doubt: true,
        failures,
    })
}

fn program_refused(faults: Vec<Fault>) -> Fault {
    let first = faults.into_iter().next();
    first.unwrap_or_else(|| orphan("a program that does not compile"))
}

fn orphan(what: &str) -> Fault {
    let message = format!("the store holds {what} that this version cannot use");
    Fault::new(Whose::Bug, "record-unreadable", message)
        .hint("start the version of Stratus that wrote the store")
}
