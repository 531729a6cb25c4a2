//! Questions to rulesets: of the owner, of somebody at a door, of a rule in another PEN; and those
//! that they lead to.
//!
//! A query is evaluated on a copy of its PEN's state, which costs nothing to make; so it waits for
//! no event and no event for it, and PENs that ask each other cannot wait for each other. What a
//! query asks of other PENs is answered first, then it is evaluated again with the answers known.

use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, Ipv4Addr},
};

use stratus_event::{Eci, Fault, Map, Name, PenId, Value, Whose};
use stratus_pen::{
    Channel, Query, QueryEnding, State,
    language::{Answers, OF_PENS, QUERY, Question},
};

use crate::{
    Ask, AskId, Command, CommandId, Door, Engine, Job, Output, Position, Reply, job::Work,
    raise::check_door, rulesets::ruleset_broken,
};

/// A question, and those that it led to.
#[derive(Debug)]
pub(crate) struct Inquiry {
    asker: Asker,
    /// The queries that wait for each other; the last one is evaluated.
    steps: Vec<Step>,
    /// The PENs as they were when they were first asked. To this inquiry they stay so.
    seen: BTreeMap<PenId, State>,
    /// The last batch that was written when one of them was looked at.
    rests: Position,
    /// Steps of evaluation that are left, for all queries together.
    fuel: u64,
    /// Of these, those that may be spent without a worker.
    at_once: u64,
    /// The channel whose PEN was read for this, if there is one.
    pub(crate) arrived: Option<Eci>,
}

/// Who wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asker {
    Command(CommandId),
    Rule(PenId, AskId),
}

/// A query on its way to an answer.
#[derive(Debug)]
struct Step {
    target: Target,
    query: Query,
    /// What it has to know first; the first of them is being found out.
    open: VecDeque<Question>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    pen: PenId,
    channel: Option<Eci>,
    rid: Name,
    name: Name,
    arguments: Map,
}

impl Engine {
    /// Answers what the owner, or somebody at a door, asks a ruleset.
    pub(crate) fn handle_query(&mut self, id: CommandId, command: Command) {
        let target = match command {
            Command::Query {
                pen,
                rid,
                name,
                arguments,
            } => Ok(Target {
                pen,
                channel: None,
                rid,
                name,
                arguments,
            }),
            Command::QueryBy {
                channel,
                door,
                rid,
                name,
                arguments,
            } => self.target_by(channel, &door, (rid, name), arguments),
            _ => return,
        };
        self.inquire(Asker::Command(id), target);
    }

    /// Finds the answer, or says why there is none.
    fn inquire(&mut self, asker: Asker, target: Result<Target, Fault>) {
        let mut inquiry = Inquiry {
            asker,
            steps: Vec::new(),
            seen: BTreeMap::new(),
            rests: Position::default(),
            fuel: self.config.evaluation.rule.fuel_max,
            at_once: self.config.query_fuel_at_once,
            arrived: None,
        };
        match target.and_then(|target| self.descend(&mut inquiry, target)) {
            Ok(()) => self.pursue(inquiry),
            Err(fault) => self.inform(&inquiry, Err(fault)),
        }
    }

    /// Asks for a rule of a PEN what it wants to know of another one.
    pub(crate) fn inquire_for_rule(&mut self, ask: Ask) {
        if let Some(ask) = self.hold_ask(ask) {
            self.inquire_present(&ask);
        }
    }

    /// The same once the PEN is in memory that is asked.
    pub(crate) fn inquire_present(&mut self, ask: &Ask) {
        let target = self.target(ask.pen, &ask.action, &ask.arguments);
        self.inquire(Asker::Rule(ask.pen, ask.question), target);
    }

    /// What somebody asks who comes by a channel, or why she may not.
    fn target_by(
        &self,
        channel: Eci,
        door: &Door,
        (rid, name): (Name, Name),
        arguments: Map,
    ) -> Result<Target, Fault> {
        let (pen, found) = self.channel(&channel)?;
        check_door(found, door)?;
        self.hosted(pen)?
            .state
            .permits_query(&channel, &rid, &name)?;
        Ok(Target {
            pen,
            channel: Some(channel),
            rid,
            name,
            arguments,
        })
    }

    pub(crate) fn handle_queried(&mut self, id: u64, ending: QueryEnding, fuel: u64) {
        // Else it is a job of the engine before a restore.
        if let Some(mut inquiry) = self.inquiries.remove(&id) {
            match inquiry.take(ending, fuel) {
                None => self.pursue(inquiry),
                Some(answer) => self.inform(&inquiry, answer),
            }
        }
    }

    /// Evaluates what does not take long; what does goes to a worker. A PEN that is asked and is
    /// not in memory is waited for.
    pub(crate) fn pursue(&mut self, mut inquiry: Inquiry) {
        loop {
            while inquiry.question().is_some() {
                let Some(present) = self.hold_inquiry(inquiry) else {
                    return;
                };
                inquiry = present;
                self.open(&mut inquiry);
            }
            let Some((ending, fuel)) = inquiry.run_at_once() else {
                return self.hand_out(inquiry);
            };
            if let Some(answer) = inquiry.take(ending, fuel) {
                return self.inform(&inquiry, answer);
            }
        }
    }

    /// Gives the query to a worker.
    fn hand_out(&mut self, mut inquiry: Inquiry) {
        let queries_max = self.config.queries_running_max;
        if self.inquiries.len() >= queries_max {
            return self.inform(&inquiry, Err(queries_full(queries_max)));
        }
        let fuel = inquiry.fuel;
        let Some(step) = inquiry.steps.last_mut() else {
            return;
        };
        step.query.limits.fuel_max = fuel;
        let id = self.inquiries_next;
        self.inquiries_next = id.wrapping_add(1);
        let job = Job {
            pen: step.target.pen,
            work: Work::Query(id, Box::new(step.query.clone())),
        };
        self.inquiries.insert(id, inquiry);
        self.outputs.push_back(Output::Run(Box::new(job)));
    }

    /// Goes on to what the last query has to know first.
    fn open(&mut self, inquiry: &mut Inquiry) {
        inquiry.arrived = None;
        let Some((asker, question)) = inquiry.question() else {
            return;
        };
        let target = self.target(asker, &question.action, &question.arguments);
        if let Err(fault) = target.and_then(|target| self.descend(inquiry, target)) {
            inquiry.answer(Err(fault));
        }
    }

    /// Puts a query on top of those that wait for it.
    fn descend(&mut self, inquiry: &mut Inquiry, target: Target) -> Result<(), Fault> {
        inquiry.check(&target, self.config.query_depth_max)?;
        let seed = self.random_bytes();
        let hosted = self.hosted(target.pen)?;
        if let Some(broken) = hosted.broken.get(&target.rid) {
            return Err(ruleset_broken(&target.rid, &broken.fault));
        }
        let state = inquiry.seen.entry(target.pen);
        let state = state.or_insert_with(|| hosted.state.clone()).clone();
        inquiry.rests = self.ledger.last();
        let query = Query {
            state,
            rid: target.rid.clone(),
            name: target.name.clone(),
            arguments: target.arguments.clone(),
            channel: target.channel,
            now: self.now,
            seed,
            limits: self.config.evaluation.rule,
            answers: Answers::new(),
        };
        inquiry.steps.push(Step {
            target,
            query,
            open: VecDeque::new(),
        });
        Ok(())
    }

    /// What a PEN asks of another one, if it may.
    fn target(&self, asker: PenId, action: &Name, arguments: &Map) -> Result<Target, Fault> {
        if action.as_str() != QUERY {
            return Err(question_unsupported());
        }
        let text = |name| arguments.text(name).unwrap_or_default();
        let channel: Eci = text("eci").parse().map_err(|_| unread("eci"))?;
        let rid = Name::new(text("rid")).map_err(|_| unread("rid"))?;
        let name = Name::new(text("name")).map_err(|_| unread("name"))?;
        let given = arguments.get("args").and_then(Value::as_map);
        let (pen, found) = self.channel(&channel)?;
        self.check_neighbour(asker, pen, found)?;
        self.hosted(pen)?
            .state
            .permits_query(&channel, &rid, &name)?;
        Ok(Target {
            pen,
            channel: Some(channel),
            rid,
            name,
            arguments: given.cloned().unwrap_or_default(),
        })
    }

    /// Whether a PEN of this node may use a channel of another one: it is a partner there, or the
    /// ECI is enough. To itself a PEN is the owner.
    fn check_neighbour(&self, asker: PenId, pen: PenId, channel: &Channel) -> Result<(), Fault> {
        let partners = self.pens.get(&asker).map(|hosted| &hosted.partners);
        let is_partner = partners.is_some_and(|known| known.contains_key(&channel.eci));
        if asker == pen || is_partner || channel.family == Some(asker) {
            return Ok(());
        }
        let from = Some(IpAddr::V4(Ipv4Addr::LOCALHOST));
        check_door(channel, &Door::Bearer { from })
    }

    /// Tells the asker.
    fn inform(&mut self, inquiry: &Inquiry, answer: Result<Value, Fault>) {
        match inquiry.asker {
            Asker::Command(id) => {
                self.reply_resting(inquiry.rests, id, answer.map(Reply::Value));
            }
            // Its record stands in a later batch than all that the answer rests on.
            Asker::Rule(pen, question) => self.handle_answered(pen, question, answer),
        }
    }
}

impl Inquiry {
    /// The command that waits for it.
    pub(crate) fn command(&self) -> Option<CommandId> {
        match self.asker {
            Asker::Command(id) => Some(id),
            Asker::Rule(..) => None,
        }
    }

    /// Evaluates the last query, unless it takes longer than may be waited for.
    fn run_at_once(&mut self) -> Option<(QueryEnding, u64)> {
        let limit = self.fuel.min(self.at_once);
        let step = self.steps.last_mut().filter(|_| self.at_once > 0)?;
        step.query.limits.fuel_max = limit;
        let (ending, fuel) = step.query.run();
        self.at_once = self.at_once.saturating_sub(fuel);
        if ending.is_out_of_fuel() && limit < self.fuel {
            self.at_once = 0;
            self.fuel = self.fuel.saturating_sub(fuel);
            return None;
        }
        Some((ending, fuel))
    }

    /// Takes in what came of the last query; gives the answer to the first one, once it is there.
    fn take(&mut self, ending: QueryEnding, fuel: u64) -> Option<Result<Value, Fault>> {
        self.fuel = self.fuel.saturating_sub(fuel);
        let answer = match ending {
            QueryEnding::Ask(questions) if questions.iter().all(is_of_pens) => {
                self.steps.last_mut()?.open = questions.into();
                return None;
            }
            QueryEnding::Ask(_) => Err(question_unsupported()),
            QueryEnding::Done(answer) => answer,
        };
        self.steps.pop();
        if self.steps.is_empty() {
            return Some(answer);
        }
        self.answer(answer);
        None
    }

    /// What the last query has to know first, and which PEN asks.
    fn question(&self) -> Option<(PenId, Question)> {
        let step = self.steps.last()?;
        Some((step.target.pen, step.open.front()?.clone()))
    }

    /// By which channel that is asked.
    pub(crate) fn channel(&self) -> Option<Eci> {
        channel(&self.steps.last()?.open.front()?.arguments)
    }

    /// Answers that.
    fn answer(&mut self, answer: Result<Value, Fault>) {
        let step = self.steps.last_mut();
        if let Some((step, question)) =
            step.and_then(|step| step.open.pop_front().map(|question| (step, question)))
        {
            step.query.answers.insert(question.id, answer);
        }
    }

    /// Refuses what would never end, or go too deep.
    fn check(&self, target: &Target, depth_max: usize) -> Result<(), Fault> {
        if self.steps.iter().any(|step| step.target == *target) {
            return Err(query_cycle(target));
        }
        if self.steps.len() >= depth_max {
            return Err(too_deep(depth_max));
        }
        Ok(())
    }
}

/// By which channel another PEN is asked.
pub(crate) fn channel(arguments: &Map) -> Option<Eci> {
    arguments.text("eci")?.parse().ok()
}

fn is_of_pens(question: &Question) -> bool {
    question.connector == *OF_PENS
}

fn question_unsupported() -> Fault {
    let message = "a query cannot wait for the world, this one asks it something";
    Fault::new(Whose::Ruleset, "question-unsupported", message)
        .hint("ask in a rule, and keep the answer in a variable")
}

fn unread(what: &str) -> Fault {
    let message = format!("the question to another PEN has no {what} that could be read");
    Fault::new(Whose::Ruleset, "question-malformed", message)
}

fn query_cycle(target: &Target) -> Fault {
    let Target { pen, rid, name, .. } = target;
    let message = format!("to answer {rid}/{name}, the PEN {pen} has to answer it first");
    Fault::new(Whose::Ruleset, "query-cycle", message).hint("end the circle of queries")
}

fn too_deep(depth_max: usize) -> Fault {
    let message = format!("queries go more than {depth_max} deep; does one never end?");
    Fault::new(Whose::Ruleset, "query-depth-exhausted", message).hint("end the circle of queries")
}

fn queries_full(queries_max: usize) -> Fault {
    let message = format!("{queries_max} long queries run already");
    Fault::new(Whose::World, "queries-full", message).hint("try again later")
}
