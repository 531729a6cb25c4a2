//! One question to a ruleset.

use stratus_event::{Eci, Fault, Map, Name, Timestamp, Value, Whose};
use stratus_salience::Bindings;

use crate::{
    State,
    installation::ruleset_unknown,
    language::{Answers, FUEL_EXHAUSTED, Judgement, Limits, Question, Scene, StateView, Stop},
};

/// A query and everything that its evaluation may read. It changes nothing.
#[derive(Clone, Debug)]
pub struct Query {
    /// The PEN at one commit position.
    pub state: State,
    /// The ruleset that is asked.
    pub rid: Name,
    /// The function that it shares.
    pub name: Name,
    /// With what.
    pub arguments: Map,
    /// The channel by which it came. Whether that lets it in is [`State::permits_query`]'s to say.
    pub channel: Option<Eci>,
    /// The one instant of all that happens in here.
    pub now: Timestamp,
    /// The seed of all randomness in here.
    pub seed: [u8; 32],
    /// What the evaluation may use up.
    pub limits: Limits,
    /// The answers to the questions that were asked so far.
    pub answers: Answers,
}

/// What came of a query.
#[derive(Clone, Debug, PartialEq)]
pub enum QueryEnding {
    /// It needs to know something first: add the answers and run it again.
    Ask(Vec<Question>),
    /// The answer: `ruleset-unknown`, `query-unknown`, or what went wrong in the ruleset.
    Done(Result<Value, Fault>),
}

impl QueryEnding {
    /// Whether it took more steps than it might.
    pub fn is_out_of_fuel(&self) -> bool {
        matches!(self, Self::Done(Err(fault)) if fault.code == FUEL_EXHAUSTED)
    }
}

impl Query {
    /// Evaluates the query; what came of it, and the fuel used.
    pub fn run(&self) -> (QueryEnding, u64) {
        let Some(program) = self.state.program(&self.rid) else {
            return (QueryEnding::Done(Err(ruleset_unknown(&self.rid))), 0);
        };
        if !program.queries().contains(&self.name) {
            let fault = query_unknown(&self.rid, &self.name);
            return (QueryEnding::Done(Err(fault)), 0);
        }
        let scene = Scene {
            view: &self.state,
            event: None,
            channel: self.channel,
            bindings: &Bindings::new(),
            now: self.now,
            seed: self.seed,
            answers: &self.answers,
            limits: &self.limits,
        };
        let Judgement { said, fuel } = program.query(&self.name, &self.arguments, &scene);
        let ending = match said {
            Ok(value) => QueryEnding::Done(Ok(value)),
            Err(Stop::Ask(questions)) => self.ask(questions),
            Err(Stop::Error(error)) => {
                QueryEnding::Done(Err(Fault::new(Whose::Ruleset, error.code, error.message)))
            }
        };
        (ending, fuel)
    }

    /// The same if it takes no more than so many steps. Else the query comes back as it was, for
    /// when there is more time.
    pub fn run_within(mut self, fuel_max: u64) -> Result<(QueryEnding, u64), Box<Self>> {
        let limits = self.limits;
        self.limits.fuel_max = limits.fuel_max.min(fuel_max);
        let (ending, fuel) = self.run();
        let was_cut = self.limits.fuel_max < limits.fuel_max;
        if was_cut && ending.is_out_of_fuel() {
            return Err(Box::new(Self { limits, ..self }));
        }
        Ok((ending, fuel))
    }

    fn ask(&self, mut questions: Vec<Question>) -> QueryEnding {
        questions.retain(|question| !self.answers.contains_key(&question.id));
        if questions.is_empty() {
            let message = "the query waits for answers that it has";
            return QueryEnding::Done(Err(Fault::new(Whose::Bug, "question-repeated", message)));
        }
        QueryEnding::Ask(questions)
    }
}

fn query_unknown(rid: &Name, name: &Name) -> Fault {
    let message = format!("the ruleset {rid} shares no query {name}");
    Fault::new(Whose::Caller, "query-unknown", message).hint("list the ruleset's queries")
}
