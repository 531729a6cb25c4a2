//! Work for a worker: one event, or one query.

use std::fmt;

use stratus_event::{Fault, PenId, Whose};
use stratus_pen::{Ending, Query, QueryEnding, Transaction};

/// Something to evaluate. Running it touches nothing but its own copy of the PEN's state.
#[derive(Debug)]
pub struct Job {
    /// Whose event, or who is asked.
    pub pen: PenId,
    pub(crate) work: Work,
}

#[derive(Debug)]
pub(crate) enum Work {
    /// The PEN's event at that place of its journal. There is one of a PEN at a time.
    Event(u64, Box<Transaction>),
    /// A query, and the inquiry that it belongs to.
    Query(u64, Box<Query>),
}

impl Job {
    /// Evaluates it. Takes as long as its fuel lasts.
    pub fn run(self) -> Finished {
        let pen = self.pen;
        let result = match self.work {
            Work::Event(position, transaction) => Worked::Event(position, transaction.run()),
            Work::Query(inquiry, query) => {
                let (ending, fuel) = query.run();
                Worked::Query(inquiry, ending, fuel)
            }
        };
        Finished { pen, result }
    }

    /// The same if it takes no more than so many steps. Else the job comes back as it was, so that
    /// long ones do not stand before short ones.
    pub fn run_within(self, fuel_max: u64) -> Result<Finished, Box<Self>> {
        let pen = self.pen;
        let result = match self.work {
            Work::Event(position, transaction) => match transaction.run_within(fuel_max) {
                Ok(ending) => Worked::Event(position, ending),
                Err(transaction) => {
                    let work = Work::Event(position, transaction);
                    return Err(Box::new(Self { pen, work }));
                }
            },
            Work::Query(inquiry, query) => match query.run_within(fuel_max) {
                Ok((ending, fuel)) => Worked::Query(inquiry, ending, fuel),
                Err(query) => {
                    let work = Work::Query(inquiry, query);
                    return Err(Box::new(Self { pen, work }));
                }
            },
        };
        Ok(Finished { pen, result })
    }

    /// Whether it is a query, which any number of a PEN may be at a time.
    pub fn is_query(&self) -> bool {
        matches!(self.work, Work::Query(..))
    }

    /// What is to be told if its worker is lost. None for an event: the engine would wait for it,
    /// so the node has to end and to start again.
    pub fn lost(&self) -> Option<Finished> {
        let Work::Query(inquiry, query) = &self.work else {
            return None;
        };
        let message = format!("the evaluation of {}/{} panicked", query.rid, query.name);
        let fault = Fault::new(Whose::Bug, "evaluation-panicked", message);
        let ending = QueryEnding::Done(Err(fault));
        Some(Finished {
            pen: self.pen,
            result: Worked::Query(*inquiry, ending, 0),
        })
    }
}

/// What it is about, for a log.
impl fmt::Display for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.work {
            Work::Event(position, _) => write!(f, "the event at journal position {position}"),
            Work::Query(inquiry, _) => write!(f, "the query {inquiry}"),
        }
    }
}

/// A job that has come to its end.
#[derive(Debug)]
pub struct Finished {
    /// Whose event, or who was asked.
    pub pen: PenId,
    pub(crate) result: Worked,
}

#[derive(Debug)]
pub(crate) enum Worked {
    /// The event's place in the PEN's journal, and what came of it.
    Event(u64, Ending),
    /// The inquiry, what came of the query, and the fuel used.
    Query(u64, QueryEnding, u64),
}

/// What it was about, for a log.
impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.result {
            Worked::Event(position, _) => write!(f, "the event at journal position {position}"),
            Worked::Query(inquiry, ..) => write!(f, "the query {inquiry}"),
        }
    }
}
