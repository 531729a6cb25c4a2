//! Where the node listens: where it was told to; else where it listened last, or at the usual
//! port, or at a free one.
//!
//! Only a port that nobody chose gives way to a free one: what somebody chose, others were told.

use std::{io, net::SocketAddr};

use stratus_event::{Fault, Whose};
use stratus_network::{Network, Notices, StartError};
use tokio::net::TcpListener;

use crate::{
    config::Configuration,
    data::{DataDirectory, Port},
    exit::Failure,
};

/// Listens for other nodes.
pub(super) fn network(
    data: &DataDirectory,
    configuration: &Configuration,
) -> Result<(Network, Notices), Failure> {
    let seed = data.node_key()?;
    let start = |listen: Vec<String>| {
        let config = stratus_network::Config::new(seed, listen);
        let announce = configuration.announce.clone();
        Network::start(stratus_network::Config { announce, ..config })
    };
    let started = match &configuration.listen {
        Some(listen) => start(listen.clone()),
        None => match start(vec![anywhere(
            data.port(Port::Nodes).unwrap_or(NODES_USUAL),
        )]) {
            Err(StartError::Listen { .. }) => start(vec![anywhere(FREE)]),
            started => started,
        },
    };
    started.map_err(|e| {
        let whose = match e {
            StartError::Address { .. } => Whose::Caller,
            _ => Whose::World,
        };
        Fault::new(whose, e.code(), e.to_string())
            .hint(e.hint())
            .into()
    })
}

/// Keeps the port by which other nodes were told to come.
pub(super) fn keep(
    data: &DataDirectory,
    configuration: &Configuration,
    addresses: &[String],
) -> Result<(), Failure> {
    let port = addresses.iter().find_map(|address| port(address));
    match port.filter(|_| configuration.listen.is_none()) {
        Some(port) => data.keep_port(Port::Nodes, port),
        None => Ok(()),
    }
}

/// Listens for the API.
pub(super) async fn api(
    data: &DataDirectory,
    configuration: &Configuration,
) -> Result<TcpListener, Failure> {
    let usual = here(data.port(Port::Api).unwrap_or(API_USUAL));
    let wanted = configuration.api.unwrap_or(usual);
    let listener = match TcpListener::bind(wanted).await {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse && configuration.api.is_none() => {
            TcpListener::bind(here(FREE)).await
        }
        bound => bound,
    };
    let listener = listener.map_err(|e| {
        let message = format!("the API cannot listen at {wanted}");
        let fault = Fault::new(Whose::World, "api-listen-failed", message);
        Failure::caused(
            fault.hint("choose another one with --api 127.0.0.1:PORT"),
            &e,
        )
    })?;
    if configuration.api.is_none() {
        data.keep_port(Port::Api, listener.local_addr()?.port())?;
    }
    Ok(listener)
}

fn anywhere(port: u16) -> String {
    format!("/ip4/0.0.0.0/tcp/{port}")
}

fn here(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// The TCP port of a multiaddress.
fn port(address: &str) -> Option<u16> {
    let mut parts = address.split('/').skip_while(|part| *part != "tcp");
    parts.nth(1)?.parse().ok()
}

const API_USUAL: u16 = 4800;
const NODES_USUAL: u16 = 4810;

/// The system chooses.
const FREE: u16 = 0;

#[cfg(test)]
mod tests {
    use super::*;

    fn code<T>(result: Result<T, Failure>) -> String {
        match result {
            Err(Failure::Fault(fault, _)) => fault.code.into_owned(),
            _ => String::new(),
        }
    }

    fn fresh() -> (tempfile::TempDir, DataDirectory) {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDirectory::locate(Some(folder.path().into())).unwrap();
        (folder, data)
    }

    #[tokio::test]
    async fn a_chosen_port_that_is_taken_is_a_failure() {
        let (_folder, data) = fresh();
        let taken = TcpListener::bind(here(FREE)).await.unwrap();
        let api = Some(taken.local_addr().unwrap());
        let configuration = Configuration {
            api,
            ..Configuration::default()
        };
        assert_eq!(
            code(super::api(&data, &configuration).await),
            "api-listen-failed"
        );
    }

    #[tokio::test]
    async fn a_port_that_nobody_chose_gives_way_and_the_new_one_is_kept() {
        let (_folder, data) = fresh();
        let taken = TcpListener::bind(here(FREE)).await.unwrap();
        data.keep_port(Port::Api, taken.local_addr().unwrap().port())
            .unwrap();
        let listener = api(&data, &Configuration::default()).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let again = api(&data, &Configuration::default()).await.unwrap();
        assert_eq!(again.local_addr().unwrap().port(), port);
    }

    #[tokio::test]
    async fn an_address_that_is_none_is_named() {
        let (_folder, data) = fresh();
        let listen = Some(vec!["127.0.0.1:4810".to_owned()]);
        let configuration = Configuration {
            listen,
            ..Configuration::default()
        };
        assert_eq!(code(network(&data, &configuration)), "address-malformed");
    }

    #[test]
    fn ports_of_multiaddresses() {
        assert_eq!(port("/ip4/127.0.0.1/tcp/4810"), Some(4810));
        assert_eq!(port("/ip4/127.0.0.1/udp/4810"), None);
        let (_folder, data) = fresh();
        let addresses = ["/ip4/127.0.0.1/tcp/4811".to_owned()];
        keep(&data, &Configuration::default(), &addresses).unwrap();
        assert_eq!(data.port(Port::Nodes), Some(4811));
    }
}
