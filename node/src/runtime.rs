//! The loop that owns the engine: the world's notices go in, what the engine wants is done.
//!
//! Nothing here decides. What wakes the loop is in [`Runtime::next`], what the engine can want in
//! [`Runtime::perform`]; each adapter has a file of its own.

mod archive;
mod connectors;
mod durable;
mod evaluation;
mod links;
mod replies;
mod space;

use std::{ops::ControlFlow, path::PathBuf, sync::Arc, time::Duration};

use stratus_api::Order;
use stratus_engine::{Engine, Input, Output, Start};
use stratus_event::{Fault, Timestamp, Whose};
use stratus_network::{Network, Notices};
use tokio::sync::{mpsc, watch};

use crate::{config::TwilioAccount, crash::CrashPoint, exit::Failure, render::now};
use connectors::Connectors;
use durable::Durable;
use evaluation::Evaluation;
use links::Links;
use replies::Replies;
use space::Space;

pub(crate) use archive::JournalView;
pub(crate) use connectors::{Library, webhook_verifier};
pub(crate) use space::DISK_RESERVE_BYTES_MIN;

/// What a runtime is made of.
pub(crate) struct Parts {
    /// Where the store is.
    pub store: PathBuf,
    /// The store, opened.
    pub opened: stratus_store::Store,
    /// What of the disk has to be free for new events to be taken.
    pub disk_reserve_bytes_min: u64,
    /// The bounds of the engine.
    pub engine: stratus_engine::Config,
    /// The network, listening.
    pub network: (Network, Notices),
    /// The owner's commands.
    pub orders: mpsc::Receiver<Order>,
    /// The account for texts, if there is one.
    pub twilio: Option<TwilioAccount>,
    /// Where tests let the process crash.
    pub crash: Arc<CrashPoint>,
    /// Becomes true when the node is to stop.
    pub stop: watch::Receiver<bool>,
}

/// An engine and everything that it needs of the world.
pub(crate) struct Runtime {
    engine: Engine,
    engine_config: stratus_engine::Config,
    durable: Durable,
    evaluation: Evaluation,
    connectors: Connectors,
    links: Links,
    replies: Replies,
    space: Space,
    /// What came of work that the engine gave away; a fault ends the node.
    results: (mpsc::Sender<Outcome>, mpsc::Receiver<Outcome>),
    wake: Option<Timestamp>,
    stop: watch::Receiver<bool>,
}

/// What comes back from a worker or a connector.
type Outcome = Result<Input, Fault>;

/// What woke the loop.
enum Woken {
    /// The store has come further, or has failed.
    Durable,
    /// Something for the engine.
    Input(Input),
    /// Nobody can give orders any more.
    OrdersClosed,
    /// The node is to stop.
    Stop,
    /// Something that the engine need not know.
    Nothing,
}

impl Runtime {
    /// Restores the engine from what is durable, or begins a new one.
    pub(crate) fn new(parts: Parts) -> Result<Self, Failure> {
        let space = Space::new(parts.store.clone(), parts.disk_reserve_bytes_min);
        let start = parts.opened.reader().start()?;
        let durable = Durable::start(parts.store, parts.opened, Arc::clone(&parts.crash))?;
        let results = mpsc::channel(RESULTS_MAX);
        let mut runtime = Self {
            engine: restore(&parts.engine, start)?,
            engine_config: parts.engine,
            durable,
            evaluation: Evaluation::new(),
            connectors: Connectors::new(parts.twilio, Arc::clone(&parts.crash))?,
            links: Links::new(parts.network, parts.crash),
            replies: Replies::new(parts.orders),
            space,
            results,
            wake: None,
            stop: parts.stop,
        };
        runtime.drain()?;
        Ok(runtime)
    }

    /// The journal, as it is read while the runtime runs.
    pub(crate) fn journal(&self) -> JournalView {
        self.durable.journal()
    }

    /// Runs until nobody can give orders any more and all are answered.
    pub(crate) async fn run(mut self) -> Result<(), Failure> {
        loop {
            match self.next().await? {
                Woken::Durable => self.take_progress().await?,
                Woken::Input(input) => self.feed(input)?,
                Woken::OrdersClosed if self.replies.is_empty() => return Ok(()),
                Woken::OrdersClosed => self.replies.close(),
                Woken::Stop => self.durable.stop_telling(),
                Woken::Nothing => {}
            }
            if self.replies.is_done() {
                return Ok(());
            }
        }
    }

    /// Own work first: it is bounded by what was let in before.
    async fn next(&mut self) -> Result<Woken, Failure> {
        tokio::select! {
            biased;
            () = self.durable.moved() => Ok(Woken::Durable),
            Some(result) = self.results.1.recv() => Ok(Woken::Input(result?)),
            () = sleep_until(self.wake), if self.wake.is_some() => {
                self.wake = None;
                Ok(Woken::Input(Input::Wake))
            }
            space = self.space.changed() => Ok(Woken::Input(space)),
            order = self.replies.next() => Ok(order.map_or(Woken::OrdersClosed, Woken::Input)),
            notice = self.links.next() => match notice {
                Some(notice) => Ok(notice.map_or(Woken::Nothing, Woken::Input)),
                None => Err(network_ended().into()),
            },
            Ok(()) = self.stop.changed() => Ok(Woken::Stop),
        }
    }

    fn feed(&mut self, input: Input) -> Result<(), Failure> {
        self.engine.handle(now(), input);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Failure> {
        while let Some(output) = self.engine.poll() {
            self.perform(output)?;
        }
        Ok(())
    }

    fn perform(&mut self, output: Output) -> Result<(), Failure> {
        match output {
            Output::Ask(ask) => self.connectors.ask(ask, &self.results.0),
            Output::Close { peer } => self.links.close(peer),
            Output::Commit(batch) => self.durable.commit(batch)?,
            Output::Dial { peer, addresses } => self.links.dial(peer, addresses),
            Output::Erase(pen) => self.durable.erase(pen, &self.results.0),
            Output::Fault { peer, fault } => tracing::warn!("{peer}: {fault}"),
            Output::Load(subject) => self.durable.load(subject, &self.results.0),
            Output::Perform(perform) => self.connectors.perform(perform, &self.results.0),
            Output::Reply { id, reply } => self.replies.give(id, reply),
            Output::Run(job) => self.evaluation.run(*job, &self.results.0),
            Output::Send { peer, bytes } => self.links.send(peer, bytes),
            Output::WakeAt(at) => self.wake = Some(at),
        }
        Ok(())
    }

    async fn take_progress(&mut self) -> Result<(), Failure> {
        match self.durable.progress() {
            Some(Ok(input)) => self.feed(input),
            Some(Err((input, fault))) => {
                tracing::error!("{fault}; reopening the store");
                self.feed(input)?;
                self.reopen().await
            }
            None => Ok(()),
        }
    }

    /// After a failed write nobody knows what the disk holds, so everything is read again.
    async fn reopen(&mut self) -> Result<(), Failure> {
        // What the old engine gave away must not come back to the new one.
        self.results = mpsc::channel(RESULTS_MAX);
        self.wake = None;
        self.replies.forget();
        let Some(start) = self.await_disk().await? else {
            return Ok(());
        };
        self.engine = restore(&self.engine_config, start)?;
        self.space.forget();
        self.drain()?;
        if let Some(input) = self.links.restart() {
            self.feed(input)?;
        }
        tracing::info!("the store is open again");
        Ok(())
    }

    /// Opens the store again as soon as the disk lets it; none if the node is to stop before.
    async fn await_disk(&mut self) -> Result<Option<Start<'static>>, Failure> {
        let mut pause = REOPEN_PAUSE_MIN;
        loop {
            match self.durable.reopen() {
                Ok(start) => return Ok(Some(start)),
                Err(Failure::Fault(fault, _)) if fault.code == "store-unusable" => {
                    tracing::error!("{fault}; trying again in {} ms", pause.as_millis());
                    if self.sit_out(pause, &fault).await.is_break() {
                        return Ok(None);
                    }
                    pause = (pause * 2).min(REOPEN_PAUSE_MAX);
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    /// Lets nothing in for a while: what cannot be kept is refused, and a partner sends again what
    /// was not acknowledged. Breaks if the node is to stop.
    async fn sit_out(&mut self, pause: Duration, fault: &Fault) -> ControlFlow<()> {
        let mut over = std::pin::pin!(tokio::time::sleep(pause));
        loop {
            tokio::select! {
                () = &mut over => return ControlFlow::Continue(()),
                order = self.replies.next() => match order {
                    Some(Input::Command { id, .. }) => self.replies.give(id, Err(closed(fault))),
                    _ => return ControlFlow::Break(()),
                },
                Some(_) = self.links.next() => {}
                Ok(()) = self.stop.changed() => self.durable.stop_telling(),
            }
        }
    }
}

fn closed(fault: &Fault) -> Fault {
    let message = format!(
        "the store is closed until the disk is back: {}",
        fault.message
    );
    Fault::new(Whose::World, "store-failed", message)
}

fn restore(config: &stratus_engine::Config, start: Start<'_>) -> Result<Engine, Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|e| Failure::from(std::io::Error::other(e)))?;
    let language = Arc::new(stratus_krl::Krl);
    Ok(Engine::restore(
        config.clone(),
        language,
        seed,
        now(),
        start,
    )?)
}

/// Wakes now and then on the way, because the wall clock may be set. A spurious wake does nothing.
async fn sleep_until(at: Option<Timestamp>) {
    let wait = at.map_or(SLEEP_MAX, |at| at.since(now()));
    tokio::time::sleep(wait.min(SLEEP_MAX)).await;
}

fn network_ended() -> Fault {
    Fault::new(
        Whose::Bug,
        "network-ended",
        "the network has come to an end by itself",
    )
}

/// Results that wait for the loop; workers wait when there are more.
const RESULTS_MAX: usize = 256;

const SLEEP_MAX: Duration = Duration::from_secs(30);

/// How long to wait before a store is opened again that could not be; it doubles each time.
const REOPEN_PAUSE_MIN: Duration = Duration::from_millis(100);
const REOPEN_PAUSE_MAX: Duration = Duration::from_secs(10);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_that_ends_is_a_bug() {
        assert_eq!(network_ended().code, "network-ended");
    }
}
