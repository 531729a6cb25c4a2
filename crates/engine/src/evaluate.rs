//! One event at a time through the rules of its PEN, and what comes of it.

use stratus_event::{Fault, Map, PenId, Value, Whose};
use stratus_pen::{Done, Ending, Moved, State, Transaction};

use crate::{
    Engine, Finished, Job, Key, Outcome, OutcomeRun, OutcomeStand, Output, Record,
    STANDS_BYTES_MAX,
    commit::{After, Draft},
    effect::FAILURES,
    hosted::Entry,
    job::{Work, Worked},
    names::{ERROR, SYSTEM, attribute},
    timer::write_timer,
};

impl Engine {
    /// Lets the next event of every PEN run that is ready. Says whether there was anything.
    pub(crate) fn start_ready(&mut self) -> bool {
        let ready = std::mem::take(&mut self.ready);
        let any = !ready.is_empty();
        for pen in ready {
            self.start(pen);
        }
        any
    }

    /// Begins the PEN's next event unless one is running; before it, the commands and the timers
    /// that waited for the last one.
    fn start(&mut self, pen: PenId) {
        while let Some(hosted) = self
            .pens
            .get_mut(&pen)
            .filter(|hosted| hosted.running.is_none())
        {
            if let Some((id, command)) = hosted.deferred.pop_front() {
                self.handle_command(id, command);
                continue;
            }
            if let Some(timer) = hosted.due.pop_first() {
                self.fire_timer(pen, &timer);
                continue;
            }
            let Some(entry) = hosted.queue.pop_front() else {
                return;
            };
            hosted.running = Some(entry);
            self.begin(pen);
        }
    }

    /// Runs the PEN's event. One that was begun before a crash is counted first, durably, so that
    /// an event whose rules bring the process down does not do so for ever.
    fn begin(&mut self, pen: PenId) {
        let Some(entry) = self
            .pens
            .get_mut(&pen)
            .and_then(|hosted| hosted.running.as_mut())
        else {
            return;
        };
        let position = entry.position;
        match entry.restored {
            None => self.launch(pen),
            Some(attempts) if attempts >= self.config.evaluation_attempts_max => {
                self.give_up(pen, attempts);
            }
            Some(attempts) => {
                let mut draft = Draft::default();
                let attempts = attempts.saturating_add(1);
                draft.put(Key::Queue(pen, position), Record::Queue { attempts });
                draft.after(After::Start(pen));
                self.commit(draft);
            }
        }
    }

    /// Hands the PEN's event to a worker.
    pub(crate) fn launch(&mut self, pen: PenId) {
        let bounds = self.config.evaluation;
        let Some(hosted) = self.pens.get(&pen) else {
            return;
        };
        let Some(entry) = &hosted.running else { return };
        let accepted = &entry.accepted;
        let transaction = Transaction {
            state: hosted.state.clone(),
            event: accepted.event.clone(),
            channel: accepted.channel,
            for_ruleset: accepted.for_ruleset.clone(),
            timer: accepted.timer(),
            now: accepted.at,
            seed: accepted.seed,
            bounds,
            answers: entry.answers(),
        };
        let job = Job {
            pen,
            work: Work::Event(entry.position, Box::new(transaction)),
        };
        self.outputs.push_back(Output::Run(Box::new(job)));
    }

    pub(crate) fn handle_finished(&mut self, finished: Finished) {
        let pen = finished.pen;
        let (position, ending) = match finished.result {
            Worked::Event(position, ending) => (position, ending),
            Worked::Query(inquiry, ending, fuel) => {
                return self.handle_queried(inquiry, ending, fuel);
            }
        };
        let running = self
            .pens
            .get(&pen)
            .and_then(|hosted| hosted.running.as_ref());
        // A job that this engine did not ask for: of the engine before a restore.
        if running.is_none_or(|entry| entry.position != position) {
            return;
        }
        match ending {
            Ending::Ask(asked) => self.ask(pen, asked),
            Ending::Done(done) => {
                let done = self.fitting(*done);
                self.conclude(pen, &done);
            }
        }
    }

    fn give_up(&mut self, pen: PenId, attempts: u32) {
        let message = format!("the process ended {attempts} times while this event was handled");
        let fault = Fault::new(Whose::Bug, "evaluation-gave-up", message)
            .hint("look at the rules that the event wakes; raise it again once they are mended");
        let failed = Some(fault);
        self.conclude(
            pen,
            &Done {
                failed,
                ..Done::default()
            },
        );
    }

    /// One batch: what the event changed, what it wants of the world, its outcome.
    fn conclude(&mut self, pen: PenId, done: &Done) {
        let now = self.now;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let Some(mut entry) = hosted.running.take() else {
            return;
        };
        let mut draft = Draft::default();
        entry.settle(pen, &mut draft);
        write_state(pen, &hosted.state, done, &mut draft);
        hosted.state.apply(done);
        self.write_arrangements(pen, done, &mut draft);
        self.arm_timers(pen, done);
        if let Some(fault) = &done.failed {
            self.set_instants(pen, Some(entry.accepted.at), &mut draft);
            self.tell_failed(pen, &entry, fault, &mut draft);
        }
        let (stands, stands_left_out) = outcome_stands(done);
        let mut outcome = Outcome {
            at: now,
            runs: outcome_runs(done),
            directives: done.directives.clone(),
            failed: done.failed.clone(),
            stands,
            stands_left_out,
        };
        for (wanted, ordinal) in done.effects.iter().zip(0..) {
            self.want(pen, &entry, ordinal, wanted, &mut outcome, &mut draft);
        }
        draft.put(Key::Outcome(pen, entry.position), Record::Outcome(outcome));
        self.answer(pen, &entry, done, &mut draft);
        self.commit(draft);
        self.ready.insert(pen);
        self.resume_partners(pen);
        self.resume_letters(pen);
    }

    /// Tells the PEN that the handling of an event was given up, unless that event told of others
    /// that were.
    fn tell_failed(&mut self, pen: PenId, entry: &Entry, fault: &Fault, draft: &mut Draft) {
        if entry.failures() >= self.config.failures_max {
            return;
        }
        let event = &entry.accepted.event;
        let attributes = Map::from([
            ("code", Value::text(&fault.code)),
            ("level", Value::text("error")),
            ("msg", Value::text(&fault.message)),
            ("event", Value::text(event.id.to_string())),
            ("domain", attribute(&event.domain)),
            ("type", attribute(&event.kind)),
            (FAILURES, Value::number(f64::from(entry.failures() + 1))),
        ]);
        let event = self.happening(SYSTEM, ERROR, attributes);
        self.tell(pen, draft, event);
    }

    fn arm_timers(&mut self, pen: PenId, done: &Done) {
        done.timers
            .iter()
            .for_each(|change| self.arm_timer(pen, change));
    }

    /// Answers those who waited for the event, and keeps the answer for its repetitions.
    fn answer(&mut self, pen: PenId, entry: &Entry, done: &Done, draft: &mut Draft) {
        for waiter in &entry.waiters {
            let reply = entry.reply(*waiter, &done.directives);
            draft.reply(waiter.command, Ok(reply));
        }
        let Some(channel) = entry
            .accepted
            .channel
            .filter(|_| !done.directives.is_empty())
        else {
            return;
        };
        let seen = self
            .pens
            .get_mut(&pen)
            .and_then(|hosted| hosted.seen.get_mut(&channel));
        let first = seen.and_then(|seen| seen.answered(entry.position, &done.directives));
        if let Some(first) = first {
            draft.put(
                Key::Seen(pen, channel, first.external_id.clone()),
                first.record(),
            );
        }
    }
}

impl Entry {
    /// Writes the acceptance if it is on no batch yet, else takes back the marks of one that had
    /// to wait.
    fn settle(&mut self, pen: PenId, draft: &mut Draft) {
        if self.unwritten.is_empty() {
            draft.remove(Key::Queue(pen, self.position));
            for id in self.questions.keys() {
                draft.remove(Key::Question(pen, *id));
            }
        }
        self.write(draft);
    }
}

/// Writes what an evaluation of that state came to.
fn write_state(pen: PenId, state: &State, done: &Done, draft: &mut Draft) {
    for change in &done.changes {
        draft.rewrite(pen, change, state.rewritten(change));
    }
    for Moved {
        rid, rule, pieces, ..
    } in &done.automata
    {
        for (piece, written) in pieces {
            let key = Key::piece(pen, rid.clone(), rule.clone(), *piece);
            let written = written.clone();
            draft.set(key, written.map(|written| Record::piece(*piece, written)));
        }
    }
    for change in &done.timers {
        write_timer(pen, change, draft);
    }
}

fn outcome_runs(done: &Done) -> Vec<OutcomeRun> {
    let wanted = |ordinal: &u32| {
        let wanted = done.effects.get(usize::try_from(*ordinal).ok()?)?;
        Some((*ordinal, wanted.effect.clone()))
    };
    let runs = done.runs.iter().map(|run| OutcomeRun {
        event: run.event.clone(),
        rid: run.rid.clone(),
        rule: run.rule.clone(),
        end: run.end.clone(),
        changes: run.changes.clone(),
        arranged: run.arranged.clone(),
        raised: run.raised.clone(),
        saw: run.saw.clone(),
        last: run.last,
        effects: run.effects.iter().filter_map(wanted).collect(),
        log: run.log.clone(),
    });
    runs.collect()
}

/// The stands that fit, and how many do not.
fn outcome_stands(done: &Done) -> (Vec<OutcomeStand>, u64) {
    let (mut stands, mut bytes) = (Vec::new(), 0_usize);
    let mut left_out = u64::try_from(done.stands_left_out).unwrap_or(u64::MAX);
    for stand in &done.stands {
        let before = Value::from(&stand.before);
        let after = stand.after.as_ref().map(Value::from);
        let size = before.size() + after.as_ref().map_or(0, Value::size);
        if bytes.saturating_add(size) > STANDS_BYTES_MAX {
            left_out = left_out.saturating_add(1);
            continue;
        }
        bytes += size;
        stands.push(OutcomeStand {
            event: stand.event,
            rid: stand.rid.clone(),
            rule: stand.rule.clone(),
            did: stand.did,
            before,
            after,
            left_out: u64::try_from(stand.left_out).unwrap_or(u64::MAX),
        });
    }
    (stands, left_out)
}
