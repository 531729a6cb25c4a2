//! Workers for the engine's jobs.

use std::{sync::Arc, thread};

use stratus_engine::{Input, Job};
use stratus_event::{Fault, Whose};
use tokio::{
    sync::{Semaphore, mpsc},
    task::JoinError,
};

/// As many workers as the machine has processors, and some beside them for long jobs, so that one
/// who computes for ever takes a part of the processors and no place in the queue of the others.
pub(super) struct Evaluation {
    workers: Arc<Semaphore>,
    patient_workers: Arc<Semaphore>,
}

impl Evaluation {
    pub(super) fn new() -> Self {
        let count = thread::available_parallelism().map_or(1, std::num::NonZero::get);
        // One processor stays free of long jobs if there are two.
        let patient_count = count.saturating_sub(1).max(1);
        Self {
            workers: Arc::new(Semaphore::new(count)),
            patient_workers: Arc::new(Semaphore::new(patient_count)),
        }
    }

    /// Runs a job when a worker is free. The engine gives one job per PEN at a time. A job that
    /// turns out to be long begins anew among the long ones.
    ///
    /// An event that panics ends the node: the engine would wait for it for ever. It is evaluated
    /// again at the next start, and is given up after some attempts. A query that panics is
    /// answered with an error.
    pub(super) fn run(&self, job: Job, results: &mpsc::Sender<Result<Input, Fault>>) {
        let (workers, results) = (Arc::clone(&self.workers), results.clone());
        let patient_workers = Arc::clone(&self.patient_workers);
        tokio::spawn(async move {
            let (name, lost) = (job.to_string(), job.lost());
            let short = work(workers, move || job.run_within(FUEL_SHORT_MAX)).await;
            let finished = match short {
                Ok(Err(long)) => work(patient_workers, move || long.run()).await,
                Ok(Ok(finished)) => Ok(finished),
                Err(panic) => Err(panic),
            };
            let finished = finished.ok().or(lost);
            let result = finished.map(|finished| Input::Finished(Box::new(finished)));
            let result = result.ok_or_else(|| panicked(&name));
            // A loop that is gone needs no result.
            let _ = results.send(result).await;
        });
    }
}

async fn work<T: Send + 'static>(
    workers: Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    // The semaphore is never closed.
    let _permit = workers.acquire_owned().await;
    tokio::task::spawn_blocking(work).await
}

/// Steps of evaluation after which a job counts as long: some milliseconds.
const FUEL_SHORT_MAX: u64 = 100_000;

fn panicked(name: &str) -> Fault {
    let message = format!("the evaluation of {name} panicked");
    Fault::new(Whose::Bug, "evaluation-panicked", message)
        .hint("start the node again; after some attempts it gives the event up")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_names_the_event() {
        let fault = panicked("the event at journal position 7");
        assert_eq!(fault.code, "evaluation-panicked");
        assert!(fault.message.contains("position 7"));
    }
}
