//! Connections: how many there are, how long their heads may take, and how they end.
//!
//! `axum::serve` has no bound on either, and a webhook is called by the world.

use std::{
    future::Future,
    net::IpAddr,
    pin::{Pin, pin},
    sync::Arc,
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

/// How many connections there are at a time. Further ones wait in the system's queue.
pub const CONNECTIONS_MAX: usize = 512;

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
type Connection = (TcpStream, IpAddr, OwnedSemaphorePermit);

/// Serves connections until `stop` is done; then no new ones, and no further requests of old ones.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    stop: impl Future<Output = ()> + Send,
) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
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
    places: &Arc<Semaphore>,
    stop: Pin<&mut (impl Future<Output = ()> + Send)>,
) -> Option<Connection> {
    tokio::select! {
        () = stop => None,
        connection = accept(listener, places) => connection,
    }
}

async fn accept(listener: &TcpListener, places: &Arc<Semaphore>) -> Option<Connection> {
    // Never closed, so there is a place sooner or later.
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    loop {
        match listener.accept().await {
            Ok((stream, address)) => return Some((stream, address.ip(), place)),
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
