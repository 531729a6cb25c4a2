//! Connections: how many there are, how long their heads may take, and how they end.
//!
//! `axum::serve` has no bound on either, and a webhook is called by the world.

use std::{
    collections::HashMap,
    future::Future,
    net::IpAddr,
    pin::{Pin, pin},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::Router;
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};

use crate::meters::household;

/// How many connections there are at a time. Further ones wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 512;

/// How many of these one address may have, but the node's own computer. One more is closed at
/// once.
pub const ADDRESS_CONNECTIONS_MAX: usize = 64;

/// How long the head of a request may take, and how long a connection may be idle. Then it is
/// closed.
pub const HEAD_MS_MAX: u64 = 30_000;

/// The longest head of a request. Above it: 431, by hyper.
pub const HEAD_BYTES_MAX: usize = 32 << 10;

/// The address of the computer that a request comes from, by its socket: an extension of every
/// request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller(pub(crate) IpAddr);

/// A connection, where it comes from, and its place among the others.
type Connection = (TcpStream, IpAddr, Place);

/// A place among all connections, and among those of an address; it is free again with the value.
struct Place {
    _among_all: OwnedSemaphorePermit,
    address: IpAddr,
    places: Arc<Places>,
}

/// The places that connections have.
struct Places {
    all: Arc<Semaphore>,
    taken: Mutex<HashMap<IpAddr, usize>>,
}

impl Places {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            all: Arc::new(Semaphore::new(CONNECTIONS_MAX)),
            taken: Mutex::default(),
        })
    }

    /// A place for an address; none if it has as many as it may have.
    fn take(self: &Arc<Self>, address: IpAddr, among_all: OwnedSemaphorePermit) -> Option<Place> {
        let address = household(address);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(address).or_default();
        if *count >= ADDRESS_CONNECTIONS_MAX && !address.is_loopback() {
            return None;
        }
        *count += 1;
        Some(Place {
            _among_all: among_all,
            address,
            places: Arc::clone(self),
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let taken = self.places.taken.lock();
        let mut taken = taken.unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.address) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                taken.remove(&self.address);
            }
        }
    }
}

/// Serves connections until `stop` is done; then no new ones, and no further requests of old ones.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send,
) {
    let places = Places::new();
    let connections = GracefulShutdown::new();
    let mut stop = pin!(stop);
    while let Some((stream, address, place)) = next(&listener, &places, stop.as_mut()).await {
        let service = TowerToHyperService::new(router.clone());
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(Caller(address));
            service.call(request)
        });
        let connection = http().serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!("a connection ended early: {error}");
            }
            drop(place);
        });
    }
    drop(listener);
    connections.shutdown().await;
}

/// The next connection, once there is a place for it; none when it is time to stop.
async fn next(
    listener: &TcpListener,
    places: &Arc<Places>,
    stop: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Option<Connection> {
    tokio::select! {
        () = stop => None,
        connection = accept(listener, places) => connection,
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Places>) -> Option<Connection> {
    loop {
        // Never closed, so there is a place sooner or later.
        let among_all = Arc::clone(&places.all).acquire_owned().await.ok()?;
        match listener.accept().await {
            Ok((stream, address)) => {
                if let Some(place) = places.take(address.ip(), among_all) {
                    return Some((stream, address.ip(), place));
                }
                tracing::debug!("too many connections from {address}");
            }
            Err(error) => {
                // The peer was gone already, or the system has no more descriptors just now.
                tracing::debug!("no connection: {error}");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn http() -> http1::Builder {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(HEAD_MS_MAX))
        .max_header_size(HEAD_BYTES_MAX);
    http
}

const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

#[cfg(test)]
mod tests {
    use super::*;

    async fn many(address: &str) -> usize {
        let (places, address) = (Places::new(), address.parse().unwrap());
        let mut taken = Vec::new();
        for _ in 0..=ADDRESS_CONNECTIONS_MAX {
            let among_all = Arc::clone(&places.all).acquire_owned().await.unwrap();
            taken.extend(places.take(address, among_all));
        }
        let count = taken.len();
        drop(taken);
        assert!(places.taken.lock().unwrap().is_empty());
        count
    }

    #[tokio::test]
    async fn one_address_does_not_take_all_places() {
        assert_eq!(many("192.0.2.1").await, ADDRESS_CONNECTIONS_MAX);
        assert_eq!(many("127.0.0.1").await, ADDRESS_CONNECTIONS_MAX + 1);
    }
}
