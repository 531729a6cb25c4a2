//! `stratus up`

mod places;
mod welcome;

use std::{net::SocketAddr, sync::Arc, time::Duration};

use clap::Args;
use stratus_api::{Archive, Desk, Guard, Site};
use stratus_event::{Fault, Whose};
use tokio::{
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};

use crate::{
    config::Configuration,
    crash::CrashPoint,
    data::DataDirectory,
    exit::Failure,
    keeping::Keeping,
    library,
    owner::Owner,
    render,
    runtime::{self, JournalView, Library, Parts, Runtime},
};

/// Run the node
///
/// At the first start this makes the data directory, the node's key, the owner's token, the store
/// and your PEN; later starts find them again. Ctrl-C stops it.
#[derive(Debug, Args)]
pub(crate) struct Up {
    /// Where to listen for other nodes, as a multiaddress; may be repeated
    /// [default: /ip4/0.0.0.0/tcp/4810, or a free port]
    #[arg(long, value_name = "MULTIADDR")]
    listen: Vec<String>,

    /// Where the API listens [default: 127.0.0.1:4800, or a free port]
    #[arg(long, value_name = "ADDRESS:PORT")]
    api: Option<SocketAddr>,

    /// What your PEN is called; used at the first start [default: me]
    #[arg(long)]
    name: Option<String>,
}

/// The ways to an engine that runs.
struct Doors {
    desk: Desk,
    journal: JournalView,
}

type Loop = JoinHandle<Result<(), Failure>>;

impl Up {
    pub(super) async fn run(self, data: DataDirectory) -> Result<(), Failure> {
        data.create()?;
        let configuration = self.over(Configuration::read(&data)?);
        let stop = stop_signal()?;
        let (doors, mut engine) = start(&data, &configuration, stop.clone())?;
        let served = tokio::select! {
            served = serve(&data, &configuration, &doors, stop) => served,
            ended = &mut engine => ended.unwrap_or_else(|e| Err(panicked(&e))),
        };
        data.remove_api_url();
        served?;
        finish(doors, engine).await
    }

    /// The flags go before the file.
    fn over(self, mut configuration: Configuration) -> Configuration {
        configuration.api = self.api.or(configuration.api);
        configuration.name = self.name.or(configuration.name);
        if !self.listen.is_empty() {
            configuration.listen = Some(self.listen);
        }
        configuration
    }
}

/// Becomes true at Ctrl-C, and when the system asks the process to end.
fn stop_signal() -> Result<watch::Receiver<bool>, Failure> {
    let (stop, stopping) = watch::channel(false);
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupted.recv() => {}
            _ = terminated.recv() => {}
        }
        stop.send_replace(true);
    });
    Ok(stopping)
}

/// Opens the store first: its lock makes sure that no other process makes keys here.
fn start(
    data: &DataDirectory,
    configuration: &Configuration,
    stop: watch::Receiver<bool>,
) -> Result<(Doors, Loop), Failure> {
    let opened = stratus_store::Store::open(&data.store()).map_err(|fault| locked(fault, data))?;
    let network = places::network(data, configuration)?;
    let (desk, orders) = Desk::new(ORDERS_MAX);
    let runtime = Runtime::new(Parts {
        store: data.store(),
        opened,
        disk_reserve_bytes_min: configuration.disk_reserve_bytes_min(),
        engine: stratus_engine::Config {
            library: library::library(),
            ..stratus_engine::Config::new(network.0.node())
        },
        network,
        orders,
        twilio: configuration.twilio.clone(),
        crash: Arc::new(CrashPoint::from_environment()?),
        stop,
    })?;
    let journal = runtime.journal();
    Ok((Doors { desk, journal }, tokio::spawn(runtime.run())))
}

/// Serves the API until the node is to stop, and then the requests that have begun.
async fn serve(
    data: &DataDirectory,
    configuration: &Configuration,
    doors: &Doors,
    stop: watch::Receiver<bool>,
) -> Result<(), Failure> {
    let name = configuration.name.as_deref().unwrap_or("me");
    let owner = Owner::find(&doors.desk, name).await?;
    let listener = places::api(data, configuration).await?;
    let url = format!("http://{}", listener.local_addr()?);
    let site = site((data, configuration), doors, &owner, &url)?;
    data.write_api_url(&url)?;
    let addresses = welcome::welcome(data, &doors.desk, &owner, &url).await?;
    places::keep(data, configuration, &addresses)?;
    let late = async {
        stopped(stop.clone()).await;
        tokio::time::sleep(REQUESTS_WAIT).await;
    };
    let keeping = Keeping::new(data, &doors.journal, configuration);
    let trimming = tokio::spawn(keeping.trim_for_ever());
    tokio::select! {
        () = stratus_api::serve(listener, site, stopped(stop.clone())) => {}
        () = late => {}
    }
    trimming.abort();
    Ok(())
}

async fn stopped(mut stop: watch::Receiver<bool>) {
    // A sender that is gone means the same.
    let _ = stop.wait_for(|stop| *stop).await;
}

fn site(
    (data, configuration): (&DataDirectory, &Configuration),
    doors: &Doors,
    owner: &Owner,
    url: &str,
) -> Result<Site, Failure> {
    let journal = doors.journal.clone();
    let journal_moved = journal.moved.clone();
    let keeper = Arc::new(Keeping::new(data, &journal, configuration));
    Ok(Site {
        keeper,
        desk: doors.desk.clone(),
        library: Arc::new(Library::new()?),
        journal: Archive::new(Arc::new(journal), Arc::new(stratus_krl::Krl)),
        journal_moved,
        pen: owner.pen,
        owner_channel: owner.channel,
        token: data.make_owner_token()?,
        url: url.to_owned(),
        public_url: configuration.public_url.clone(),
        twilio: configuration.twilio.as_ref().map(runtime::webhook_verifier),
        legacy_errors_as_200: configuration.legacy_errors_as_200,
        guard: Guard::default(),
    })
}

/// Lets the engine answer what it was asked, and the store write what it was given.
async fn finish(doors: Doors, engine: Loop) -> Result<(), Failure> {
    render::talk("Stopping: finishing what is under way.");
    // Without a desk nobody can give orders, and the loop ends.
    drop(doors);
    engine.await.unwrap_or_else(|e| Err(panicked(&e)))?;
    render::talk("Stopped. Everything that was acknowledged is on the disk.");
    Ok(())
}

fn locked(fault: Fault, data: &DataDirectory) -> Failure {
    if fault.code != "store-locked" {
        return fault.into();
    }
    let message = format!(
        "a node runs already with its data in {}",
        data.path().display()
    );
    Fault::new(Whose::Caller, "node-already-running", message)
        .hint("use it, stop it with Ctrl-C in its terminal, or give another directory: --data DIR")
        .into()
}

fn panicked(error: &tokio::task::JoinError) -> Failure {
    let fault = Fault::new(
        Whose::Bug,
        "runtime-panicked",
        "the node's loop came to grief",
    );
    Failure::caused(
        fault.hint("start it again: nothing that was acknowledged is lost"),
        error,
    )
}

/// Orders that wait for the loop.
const ORDERS_MAX: usize = 256;

/// How long requests that have begun may take once the node is to stop.
const REQUESTS_WAIT: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_in_use_means_that_a_node_runs() {
        let data = DataDirectory::locate(Some("/data".into())).unwrap();
        let fault = Fault::new(Whose::Caller, "store-locked", "in use");
        let Failure::Fault(fault, _) = locked(fault, &data) else {
            panic!("no fault")
        };
        assert_eq!(fault.code, "node-already-running");
    }

    #[tokio::test]
    async fn a_loop_that_panics_is_a_bug() {
        let error = tokio::spawn(async { panic!("on purpose") })
            .await
            .unwrap_err();
        let Failure::Fault(fault, _) = panicked(&error) else {
            panic!("no fault")
        };
        assert_eq!(fault.code, "runtime-panicked");
    }
}
