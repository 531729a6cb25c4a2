//! Workers for the engine's jobs.

use std::{sync::Arc, thread};

use stratus_engine::{Input, Job};
use stratus_event::{Fault, Whose};
use tokio::sync::{Semaphore, mpsc};

/// As many workers as the machine has processors.
pub(super) struct Evaluation {
    workers: Arc<Semaphore>,
}

impl Evaluation {
    pub(super) fn new() -> Self {
        let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            workers: Arc::new(Semaphore::new(count)),
        }
    }

    /// Runs a job when a worker is free. The engine gives one job per PEN at a time.
    ///
    /// A job that panics ends the node: the engine would wait for it for ever. The event is
    /// evaluated again at the next start, and is given up after some attempts.
    pub(super) fn run(&self, job: Job, results: &mpsc::Sender<Result<Input, Fault>>) {
        let (workers, results) = (Arc::clone(&self.workers), results.clone());
        tokio::spawn(async move {
            // The semaphore is never closed.
            let _permit = workers.acquire_owned().await;
            let position = job.position;
            let finished = tokio::task::spawn_blocking(move || job.run()).await;
            let result = match finished {
                Ok(finished) => Ok(Input::Finished(Box::new(finished))),
                Err(_) => Err(panicked(position)),
            };
            // A loop that is gone needs no result.
            let _ = results.send(result).await;
        });
    }
}

fn panicked(position: u64) -> Fault {
    let message = format!("the evaluation of the event at journal position {position} panicked");
    Fault::new(Whose::Bug, "evaluation-panicked", message)
        .hint("start the node again; after some attempts it gives the event up")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_names_the_event() {
        let fault = panicked(7);
        assert_eq!(fault.code, "evaluation-panicked");
        assert!(fault.message.contains("position 7"));
    }
}
