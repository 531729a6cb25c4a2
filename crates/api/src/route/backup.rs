//! A backup of the node, while it runs.

use std::{
    io::{self, Write},
    sync::Arc,
};

use axum::{
    Extension,
    body::{Body, Bytes},
    extract::State,
    http::header::{CONTENT_DISPOSITION, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use futures::stream;
use tokio::sync::{Semaphore, mpsc};

use crate::{
    Site,
    limit::too_many,
    login::Operator,
    openapi::{Routes, about},
    problem::Refusal,
};

/// The route, with a turnstile of its own: a backup reads all there is.
pub(super) fn routes() -> Routes {
    let turnstile = Arc::new(Semaphore::new(BACKUPS_MAX));
    let backup = about("Everything of the node, in one file");
    Routes::new()
        .get(
            "/backup",
            download,
            backup.answers_as("application/octet-stream"),
        )
        .within(|router| router.layer(Extension(turnstile)))
}

/// All that is durable now, as a file. If it cannot be made to its end, the file says why.
async fn download(
    State(site): State<Arc<Site>>,
    _: Operator,
    Extension(turnstile): Extension<Arc<Semaphore>>,
) -> Result<Response, Refusal> {
    let permit = turnstile.try_acquire_owned().map_err(|_| too_many())?;
    let (sender, receiver) = mpsc::channel(PIECES_MAX);
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let mut out = io::BufWriter::with_capacity(PIECE_BYTES, Pieces(sender));
        let made = site.keeper.backup(&mut out);
        if let Err(fault) = made {
            tracing::warn!("no backup was made: {fault}");
        }
    });
    let pieces = stream::unfold(receiver, |mut receiver| async {
        let piece = receiver.recv().await?;
        Some((Ok::<_, io::Error>(piece), receiver))
    });
    let headers = [
        (CONTENT_TYPE, "application/octet-stream"),
        (
            CONTENT_DISPOSITION,
            "attachment; filename=\"stratus.backup\"",
        ),
    ];
    Ok((headers, Body::from_stream(pieces)).into_response())
}

/// Takes what is written to one who fetches it.
struct Pieces(mpsc::Sender<Bytes>);

impl Write for Pieces {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let sent = self.0.blocking_send(Bytes::copy_from_slice(bytes));
        sent.map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Backups that are made at a time.
const BACKUPS_MAX: usize = 1;

/// Pieces that wait for one who fetches slowly, and their size.
const PIECES_MAX: usize = 8;
const PIECE_BYTES: usize = 256 << 10;
