//! A rule waits for something that only the world can say.

use stratus_event::{Fault, PenId, Value, Whose};
use stratus_pen::{
    Answered, Asked, RunId,
    language::{OF_PENS, Question, QuestionId},
};

use crate::{
    Ask, AskId, Engine, Key, Output, Record,
    commit::{After, Draft},
    hosted::Entry,
    schedule::Alarm,
};

/// A question and its answer, once it is there.
#[derive(Clone, Debug)]
pub(crate) struct Pended {
    pub(crate) run: RunId,
    pub(crate) question: Question,
    pub(crate) answer: Option<Result<Value, Fault>>,
    /// It may have left in a process that died.
    pub(crate) doubt: bool,
    /// The evaluation has come to it in this process.
    pub(crate) reached: bool,
}

impl Engine {
    /// The event's evaluation goes on when the answers are there. The acceptance and the questions
    /// are durable before the questions leave.
    pub(crate) fn ask(&mut self, pen: PenId, asked: Asked) {
        let late = self.in_ms(self.config.answer_wait_ms_max);
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let mut draft = Draft::default();
        hosted.flush(pen, &mut draft);
        let Some(entry) = hosted.running.as_mut() else {
            return;
        };
        for question in asked.questions {
            let id = entry.pend(&asked.run, question);
            let Some(pended) = entry.questions.get(&id) else {
                continue;
            };
            draft.put(Key::Question(pen, id), pended.record());
            if pended.answer.is_none() {
                draft.after(After::Ask(pended.ask(pen, id)));
                self.schedule.set(late, Alarm::Answer(pen, id));
            }
        }
        self.commit(draft);
        self.launch_answered(pen);
    }

    /// Asks the world, or another PEN. What stands for a secret is in the record; the secret itself
    /// goes out only here, to the connector.
    pub(crate) fn put_question(&mut self, ask: Ask) {
        let permitted = self.check_permitted(ask.pen, &ask.rid, &ask.connector, &ask.arguments);
        if let Err(fault) = permitted {
            return self.handle_answered(ask.pen, ask.question, Err(fault));
        }
        if ask.connector == *OF_PENS {
            return self.inquire_for_rule(ask);
        }
        // A PEN that is gone asks nothing.
        let Some(hosted) = self.pens.get(&ask.pen) else {
            return;
        };
        let arguments = hosted.state.unsealed(&ask.rid, &ask.arguments);
        self.outputs
            .push_back(Output::Ask(Ask { arguments, ..ask }));
    }

    pub(crate) fn handle_answered(&mut self, pen: PenId, id: AskId, answer: Result<Value, Fault>) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let running = hosted
            .running
            .as_mut()
            .filter(|entry| entry.position == id.position);
        let pended = running.and_then(|entry| entry.questions.get_mut(&id));
        // A second answer, or one for an event that has ended, changes nothing.
        let Some(pended) = pended.filter(|pended| pended.answer.is_none()) else {
            return;
        };
        pended.answer = Some(answer);
        let mut draft = Draft::default();
        draft.put(Key::Question(pen, id), pended.record());
        self.commit(draft);
        self.launch_answered(pen);
    }

    pub(crate) fn answer_late(&mut self, pen: PenId, id: AskId) {
        let wait = self.config.answer_wait_ms_max;
        let message = format!("there was no answer within {wait} ms");
        self.handle_answered(
            pen,
            id,
            Err(Fault::new(Whose::World, "answer-late", message)),
        );
    }

    /// Evaluates the event again once all that it asked is answered.
    fn launch_answered(&mut self, pen: PenId) {
        let running = self
            .pens
            .get(&pen)
            .and_then(|hosted| hosted.running.as_ref());
        if running.is_some_and(Entry::all_answered) {
            self.launch(pen);
        }
    }
}

impl Entry {
    /// The answers that are there.
    pub(crate) fn answers(&self) -> Answered {
        let mut answers = Answered::new();
        for pended in self.questions.values() {
            if let Some(answer) = &pended.answer {
                let of_run = answers.entry(pended.run.clone()).or_default();
                of_run.insert(pended.question.id, answer.clone());
            }
        }
        answers
    }

    fn all_answered(&self) -> bool {
        self.questions
            .values()
            .all(|pended| !pended.reached || pended.answer.is_some())
    }

    /// Takes a question in, or finds it again if it was asked before a crash.
    fn pend(&mut self, run: &RunId, question: Question) -> AskId {
        if let Some((id, before)) = self.asked_before(run, question.id) {
            before.reached = true;
            if before.question != question {
                before.answer = Some(Err(mismatch(&question)));
            }
            return id;
        }
        let ordinal = u32::try_from(self.questions.len()).unwrap_or(u32::MAX);
        let id = AskId {
            position: self.position,
            ordinal,
        };
        let run = run.clone();
        let pended = Pended {
            run,
            question,
            answer: None,
            doubt: false,
            reached: true,
        };
        self.questions.insert(id, pended);
        id
    }

    fn asked_before(&mut self, run: &RunId, id: QuestionId) -> Option<(AskId, &mut Pended)> {
        let same = |pended: &Pended| pended.run == *run && pended.question.id == id;
        let mut questions = self.questions.iter_mut();
        questions
            .find(|(_, pended)| same(pended))
            .map(|(id, pended)| (*id, pended))
    }
}

impl Pended {
    pub(crate) fn record(&self) -> Record {
        Record::Question {
            event: self.run.event,
            rid: self.run.rid.clone(),
            rule: self.run.rule.clone(),
            question: self.question.clone(),
            answer: self.answer.clone(),
        }
    }

    fn ask(&self, pen: PenId, question: AskId) -> Ask {
        Ask {
            pen,
            question,
            rid: self.run.rid.clone(),
            connector: self.question.connector.clone(),
            action: self.question.action.clone(),
            arguments: self.question.arguments.clone(),
            doubt: self.doubt,
        }
    }
}

fn mismatch(question: &Question) -> Fault {
    let (connector, action) = (&question.connector, &question.action);
    let message =
        format!("before a restart, the rule asked something else here than {connector}:{action}");
    Fault::new(Whose::Ruleset, "question-mismatch", message)
        .hint("raise the event again, if the ruleset was replaced meanwhile")
}
