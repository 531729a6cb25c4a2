//! Work for connectors: given out after the commit, tried again when it was not done, settled
//! when nobody knows.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet, VecDeque},
};

use stratus_event::{Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_pen::{Wanted, language::Effect};

use crate::{
    EffectId, Engine, Image, Key, Outcome, Output, Perform, Record, Source, Subject, Verdict,
    commit::{After, Draft},
    hosted::Entry,
    names::{EFFECT_FAILED, SYSTEM, attribute},
    schedule::Alarm,
};

/// An effect without a final verdict.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) rid: Name,
    pub(crate) connector: Name,
    pub(crate) action: Name,
    pub(crate) arguments: Map,
    pub(crate) wanted: Timestamp,
    /// How often it was tried and not done.
    pub(crate) attempts: u32,
    /// It may have been done already.
    pub(crate) doubt: bool,
    /// How many failed effects led to it.
    pub(crate) failures: u32,
}

/// Whose turn it is at a connector.
///
/// A doubt is settled by looking at what the service has done. So that nobody takes another
/// effect's work for its own, it is settled alone: no other effect is on its way meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    waiting: VecDeque<(PenId, EffectId)>,
    /// The same as in `waiting`, and those that are on their way.
    known: BTreeSet<(PenId, EffectId)>,
    performing: BTreeSet<(PenId, EffectId)>,
    settling: bool,
}

impl Turns {
    /// What a PEN that is gone waited for. What is on its way stays so until its verdict is there:
    /// no doubt may be settled meanwhile.
    pub(crate) fn forget(&mut self, pen: PenId) {
        self.waiting.retain(|(waiting, _)| *waiting != pen);
        let performing = &self.performing;
        self.known
            .retain(|known| known.0 != pen || performing.contains(known));
    }
}

impl Engine {
    /// Takes in what a rule wants of the world.
    pub(crate) fn want(
        &mut self,
        pen: PenId,
        entry: &Entry,
        ordinal: u32,
        wanted: &Wanted,
        outcome: &mut Outcome,
        draft: &mut Draft,
    ) {
        let id = EffectId {
            position: entry.position,
            ordinal,
        };
        match &wanted.effect {
            Effect::Act {
                connector,
                action,
                arguments,
            } => {
                let pending = Pending {
                    rid: wanted.run.rid.clone(),
                    connector: connector.clone(),
                    action: action.clone(),
                    arguments: arguments.clone(),
                    wanted: self.now,
                    attempts: 0,
                    doubt: false,
                    failures: entry.failures(),
                };
                self.want_act(pen, id, pending, draft);
            }
            Effect::Send { .. } => self.post(pen, entry, id, wanted, outcome, draft),
        }
    }

    fn want_act(&mut self, pen: PenId, id: EffectId, pending: Pending, draft: &mut Draft) {
        let effects_max = self.config.effects_max;
        let (rid, connector) = (&pending.rid, &pending.connector);
        if let Err(fault) = self.check_permitted(pen, rid, connector, &pending.arguments) {
            return self.effect_failed(pen, id, &pending, &fault, draft);
        }
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        if hosted.effects.len() >= effects_max {
            self.effect_failed(pen, id, &pending, &effects_full(effects_max), draft);
            return;
        }
        draft.put(Key::Effect(pen, id), pending.record());
        draft.after(After::Perform(pen, id));
        hosted.effects.insert(id, pending);
    }

    /// Queues an effect for its connector.
    pub(crate) fn perform(&mut self, pen: PenId, id: EffectId) {
        let pending = self
            .pens
            .get(&pen)
            .and_then(|hosted| hosted.effects.get(&id));
        let Some(connector) = pending.map(|pending| pending.connector.clone()) else {
            return;
        };
        let turns = self.turns.entry(connector.clone()).or_default();
        if turns.known.insert((pen, id)) {
            turns.waiting.push_back((pen, id));
            self.advance(&connector);
        }
    }

    /// Gives the connector what it may have now. Who settles a doubt has to know first what belongs
    /// to others.
    fn advance(&mut self, connector: &Name) {
        while let Some((pen, id, doubt)) = self.next_turn(connector) {
            let Some(turns) = self.turns.get_mut(connector) else {
                return;
            };
            turns.performing.insert((pen, id));
            if doubt {
                turns.settling = true;
                self.loading.want(Subject::Receipts(connector.clone()));
                self.ask_loads();
            } else {
                self.hand_over(pen, id, Vec::new());
            }
        }
    }

    /// Takes the next effect whose turn it is.
    fn next_turn(&mut self, connector: &Name) -> Option<(PenId, EffectId, bool)> {
        let turns = self.turns.get_mut(connector)?;
        let busy = turns.performing.len();
        while let Some((pen, id)) = turns.waiting.front().copied() {
            let hosted = self.pens.get(&pen);
            let pending = hosted.and_then(|hosted| hosted.effects.get(&id));
            let Some(doubt) = pending.map(|pending| pending.doubt) else {
                turns.waiting.pop_front();
                turns.known.remove(&(pen, id));
                continue;
            };
            let blocked = turns.settling || doubt && busy > 0;
            if blocked || busy >= self.config.effects_performing_max.max(1) {
                return None;
            }
            turns.waiting.pop_front();
            return Some((pen, id, doubt));
        }
        None
    }

    /// Lets the connector settle the doubt whose turn it is, now that it is known what belongs to
    /// others: on the disk those of all PENs, in memory those that are not durable yet.
    pub(crate) fn settle_doubt(&mut self, connector: &Name, durable: &Image) {
        let turns = self.turns.get(connector).filter(|turns| turns.settling);
        let Some((pen, id)) = turns.and_then(|turns| turns.performing.first().copied()) else {
            return;
        };
        let kept = durable.values().filter_map(|record| match record {
            Record::Receipt(receipt) => Some(receipt),
            _ => None,
        });
        let of_pens = self.pens.values();
        let of_pens = of_pens.filter_map(|hosted| hosted.receipts.get(connector));
        let receipts: BTreeSet<&String> = of_pens.flat_map(BTreeMap::values).chain(kept).collect();
        let receipts = receipts.into_iter().cloned().collect();
        self.hand_over(pen, id, receipts);
    }

    fn hand_over(&mut self, pen: PenId, effect: EffectId, receipts: Vec<String>) {
        let Some(hosted) = self.pens.get(&pen) else {
            return;
        };
        let Some(pending) = hosted.effects.get(&effect) else {
            return;
        };
        self.outputs.push_back(Output::Perform(Perform {
            pen,
            effect,
            rid: pending.rid.clone(),
            connector: pending.connector.clone(),
            action: pending.action.clone(),
            arguments: hosted.state.unsealed(&pending.rid, &pending.arguments),
            wanted: pending.wanted,
            doubt: pending.doubt,
            receipts,
        }));
    }

    pub(crate) fn handle_performed(&mut self, pen: PenId, id: EffectId, verdict: Verdict) {
        let pending = self
            .pens
            .get(&pen)
            .and_then(|hosted| hosted.effects.get(&id))
            .cloned();
        let Some(pending) = pending else {
            self.performed_for_nobody(pen, id);
            return;
        };
        let connector = pending.connector.clone();
        let Some(turns) = self.turns.get_mut(&connector) else {
            return;
        };
        // A second verdict on the same attempt changes nothing.
        if !turns.performing.remove(&(pen, id)) {
            return;
        }
        turns.known.remove(&(pen, id));
        turns.settling = false;
        match verdict {
            Verdict::Done { receipt } => self.effect_done(pen, id, &pending, receipt),
            Verdict::NotDone {
                code,
                reason,
                again,
            } => {
                let fault = connector_said(code, reason);
                self.effect_not_done(pen, id, pending, again, &fault);
            }
            Verdict::Unknown { reason } => self.effect_in_doubt(pen, id, pending, &reason),
        }
        self.advance(&connector);
    }

    /// The PEN was deleted while the effect was on its way: the turn ends.
    fn performed_for_nobody(&mut self, pen: PenId, id: EffectId) {
        let ended = self.turns.iter_mut().find_map(|(connector, turns)| {
            let was_under_way = turns.performing.remove(&(pen, id));
            was_under_way.then_some((connector, turns))
        });
        if let Some((connector, turns)) = ended {
            turns.known.remove(&(pen, id));
            turns.settling = false;
            let connector = connector.clone();
            self.advance(&connector);
        }
    }

    fn effect_done(&mut self, pen: PenId, id: EffectId, pending: &Pending, receipt: String) {
        let (now, receipts_max) = (self.now, self.config.receipts_max.max(1));
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let connector = &pending.connector;
        let mut draft = Draft::default();
        hosted.effects.remove(&id);
        draft.remove(Key::Effect(pen, id));
        let receipts = hosted.receipts.entry(connector.clone()).or_default();
        receipts.insert(id, receipt.clone());
        draft.put(
            Key::Receipt(pen, connector.clone(), id),
            Record::Receipt(receipt.clone()),
        );
        draft.verdict(pen, id, now, Ok(receipt));
        while receipts.len() > receipts_max {
            let Some((oldest, _)) = receipts.pop_first() else {
                break;
            };
            draft.remove(Key::Receipt(pen, connector.clone(), oldest));
        }
        self.commit(draft);
    }

    fn effect_not_done(
        &mut self,
        pen: PenId,
        id: EffectId,
        pending: Pending,
        again: bool,
        fault: &Fault,
    ) {
        let attempts = pending.attempts.saturating_add(1);
        if again && attempts < self.config.effect_attempts_max {
            let wait = self.retry_delay_ms(attempts);
            self.postpone(
                pen,
                id,
                Pending {
                    attempts,
                    doubt: false,
                    ..pending
                },
                wait,
            );
        } else {
            self.drop_effect(pen, id, &pending, fault);
        }
    }

    /// Nobody knows whether it was done: it is settled before it is tried again.
    fn effect_in_doubt(&mut self, pen: PenId, id: EffectId, pending: Pending, reason: &str) {
        let attempts = pending.attempts.saturating_add(1);
        if attempts < self.config.effect_attempts_max {
            let again = if pending.doubt {
                self.retry_delay_ms(attempts)
            } else {
                0
            };
            let wait = again.max(self.config.effect_settle_delay_ms);
            self.postpone(
                pen,
                id,
                Pending {
                    attempts,
                    doubt: true,
                    ..pending
                },
                wait,
            );
        } else {
            self.drop_effect(pen, id, &pending, &still_in_doubt(reason));
        }
    }

    fn postpone(&mut self, pen: PenId, id: EffectId, pending: Pending, wait_ms: u64) {
        let due = self.in_ms(wait_ms);
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let mut draft = Draft::default();
        draft.put(Key::Effect(pen, id), pending.record());
        hosted.effects.insert(id, pending);
        self.commit(draft);
        self.schedule.set(due, Alarm::Effect(pen, id));
    }

    fn drop_effect(&mut self, pen: PenId, id: EffectId, pending: &Pending, fault: &Fault) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        hosted.effects.remove(&id);
        let mut draft = Draft::default();
        draft.remove(Key::Effect(pen, id));
        self.effect_failed(pen, id, pending, fault, &mut draft);
        self.commit(draft);
    }

    /// Tells the PEN that an effect will not be done, or may not have been. What the handlers of
    /// such news want and do not get is told again only so often; else they could go round for
    /// ever.
    fn effect_failed(
        &mut self,
        pen: PenId,
        id: EffectId,
        pending: &Pending,
        fault: &Fault,
        draft: &mut Draft,
    ) {
        draft.verdict(pen, id, self.now, Err(fault.clone()));
        if pending.failures >= self.config.failures_max {
            return;
        }
        let attributes = Map::from([
            ("connector", attribute(&pending.connector)),
            ("action", attribute(&pending.action)),
            ("code", Value::text(&fault.code)),
            ("reason", Value::text(&fault.message)),
            ("rid", attribute(&pending.rid)),
            (
                "effect",
                Value::text(format!("{}.{}", id.position, id.ordinal)),
            ),
            (FAILURES, Value::number(f64::from(pending.failures + 1))),
            ("arguments", Value::map(pending.arguments.clone())),
        ]);
        let event = self.happening(SYSTEM, EFFECT_FAILED, attributes);
        self.tell(pen, draft, event);
    }

    fn retry_delay_ms(&self, attempts: u32) -> u64 {
        let doublings = attempts.saturating_sub(1).min(32);
        let delay = self
            .config
            .effect_retry_delay_ms_min
            .saturating_mul(1 << doublings);
        delay.min(self.config.effect_retry_delay_ms_max)
    }
}

impl Entry {
    /// How many failed effects led to this event, as the engine counts them in what it tells.
    pub(crate) fn failures(&self) -> u32 {
        let counted = match (
            &self.accepted.source,
            self.accepted.event.attributes.get(FAILURES),
        ) {
            (Source::Engine, Some(Value::Number(number))) => number.as_integer(),
            _ => None,
        };
        counted
            .and_then(|failures| u32::try_from(failures).ok())
            .unwrap_or(0)
    }
}

impl Pending {
    pub(crate) fn record(&self) -> Record {
        Record::Effect {
            rid: self.rid.clone(),
            effect: Effect::Act {
                connector: self.connector.clone(),
                action: self.action.clone(),
                arguments: self.arguments.clone(),
            },
            wanted: self.wanted,
            attempts: self.attempts,
            failures: self.failures,
        }
    }
}

fn connector_said(code: String, reason: String) -> Fault {
    Fault {
        code: Cow::Owned(code),
        whose: Whose::World,
        message: reason,
        hint: None,
        retry_after_ms: None,
    }
}

fn effects_full(effects_max: usize) -> Fault {
    let message = format!("{effects_max} effects of the PEN have no verdict yet");
    Fault::new(Whose::World, "effects-full", message).hint("look at their connectors")
}

fn still_in_doubt(reason: &str) -> Fault {
    let message = format!("nobody knows whether it was done: {reason}");
    Fault::new(Whose::World, "effect-in-doubt", message)
        .hint("ask the service whether it was done before you do it again")
}

/// The attribute by which the engine counts failures that follow from each other.
pub(crate) const FAILURES: &str = "failures";
