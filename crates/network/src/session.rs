//! One open stream: frames out of bytes and bytes out of frames.

use std::{io, time::Duration};

use futures::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use stratus_protocol::NodeId;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};
use tokio_util::sync::CancellationToken;

use crate::{Config, notice::Report, shared::Link};

/// The way of one stream from `Connected` to `Disconnected`.
pub(crate) struct Session {
    peer: NodeId,
    frame_bytes_max: usize,
    send_queue_frames_max: usize,
    close_wait: Duration,
    finish: CancellationToken,
    stop: CancellationToken,
    reports: mpsc::Sender<Report>,
}

impl Session {
    pub(crate) fn new(
        peer: NodeId,
        config: &Config,
        stop: CancellationToken,
        reports: mpsc::Sender<Report>,
    ) -> Self {
        Self {
            peer,
            frame_bytes_max: config.frame_bytes_max,
            send_queue_frames_max: config.send_queue_frames_max,
            close_wait: Duration::from_millis(config.close_ms_max),
            finish: CancellationToken::new(),
            stop,
            reports,
        }
    }

    /// Carries frames until one of the ends has enough. When this returns, `Disconnected` is told
    /// and both tasks are gone.
    pub(crate) async fn run<S>(self, stream: S)
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (queue, queued) = mpsc::channel(self.send_queue_frames_max);
        let link = Link {
            queue,
            finish: self.finish.clone(),
            stop: self.stop.clone(),
        };
        if self
            .reports
            .send(Report::Connected(self.peer, link))
            .await
            .is_err()
        {
            return;
        }
        let (reader, writer) = stream.split();
        let (peer, reports) = (self.peer, self.reports.clone());
        let read = tokio::spawn(read_frames(peer, reader, self.frame_bytes_max, reports));
        let written = tokio::spawn(write_frames(writer, queued));
        self.wait(read, written).await;
        // The switchboard, and with it the reader of the notices, may be gone already.
        let _ = self.reports.send(Report::Disconnected(self.peer)).await;
    }

    async fn wait(&self, mut read: JoinHandle<End>, mut written: JoinHandle<End>) {
        let end = tokio::select! {
            () = self.stop.cancelled() => End::Stopped,
            end = &mut read => end.unwrap_or(End::Stopped),
            end = &mut written => end.unwrap_or(End::Stopped),
            () = self.finish.cancelled() => {
                let end = timeout(self.close_wait, &mut written).await;
                end.map_or(End::Stopped, |end| end.unwrap_or(End::Stopped))
            }
        };
        end.log(self.peer);
        for task in [read, written] {
            task.abort();
            // Wait until it is gone, so that nothing is told after `Disconnected`. An abortion is
            // no news.
            if !task.is_finished() {
                let _ = task.await;
            }
        }
    }
}

/// Why a stream ended.
#[derive(Debug)]
enum End {
    /// The peer closed it, or this node was done.
    Closed,
    /// The transport broke.
    Failed(io::Error),
    /// This node wanted it to end at once.
    Stopped,
    /// The peer announced a frame longer than any may be.
    TooLong { bytes: usize },
}

impl End {
    fn log(&self, peer: NodeId) {
        match self {
            Self::Closed | Self::Stopped => tracing::debug!(%peer, end = ?self, "stream ended"),
            Self::Failed(error) => tracing::debug!(%peer, %error, "stream broken"),
            Self::TooLong { bytes } => {
                tracing::warn!(%peer, code = "frame-oversize", bytes, "stream closed");
            }
        }
    }
}

async fn read_frames(
    peer: NodeId,
    mut reader: impl AsyncRead + Unpin,
    frame_bytes_max: usize,
    reports: mpsc::Sender<Report>,
) -> End {
    loop {
        let bytes = match read_frame(&mut reader, frame_bytes_max).await {
            Ok(bytes) => bytes,
            Err(end) => return end,
        };
        if reports.send(Report::Received(peer, bytes)).await.is_err() {
            return End::Stopped;
        }
    }
}

/// Reads one frame. Memory grows with what has come, not with what was announced.
async fn read_frame(
    reader: &mut (impl AsyncRead + Unpin),
    frame_bytes_max: usize,
) -> Result<Vec<u8>, End> {
    let mut length = [0; LENGTH_BYTES];
    reader.read_exact(&mut length).await.map_err(End::of_read)?;
    let length = u32::from_be_bytes(length);
    let bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes > frame_bytes_max {
        return Err(End::TooLong { bytes });
    }
    let mut frame = Vec::new();
    reader
        .take(u64::from(length))
        .read_to_end(&mut frame)
        .await
        .map_err(End::of_read)?;
    if frame.len() == bytes {
        Ok(frame)
    } else {
        Err(End::Closed)
    }
}

impl End {
    fn of_read(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Failed(error),
        }
    }
}

async fn write_frames(
    mut writer: impl AsyncWrite + Unpin,
    mut queue: mpsc::Receiver<Vec<u8>>,
) -> End {
    match write_all(&mut writer, &mut queue).await {
        Ok(()) => End::Closed,
        Err(error) => End::Failed(error),
    }
}

/// Writes what is queued until nobody can queue any more; flushes when there is nothing to write.
async fn write_all(
    writer: &mut (impl AsyncWrite + Unpin),
    queue: &mut mpsc::Receiver<Vec<u8>>,
) -> io::Result<()> {
    while let Some(frame) = queue.recv().await {
        write_frame(writer, &frame).await?;
        while let Ok(frame) = queue.try_recv() {
            write_frame(writer, &frame).await?;
        }
        writer.flush().await?;
    }
    writer.close().await
}

async fn write_frame(writer: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let length = u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    // One write for small frames: each write is a yamux frame and a noise message of its own.
    let mut bytes = Vec::with_capacity(LENGTH_BYTES + frame.len());
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(frame);
    writer.write_all(&bytes).await
}

/// The length before each frame, big-endian.
const LENGTH_BYTES: usize = 4;

#[cfg(test)]
mod tests {
    use futures::{executor::block_on, io::Cursor};

    use super::*;

    fn check(bytes: &[u8], expected: &str) {
        let read = block_on(read_frame(&mut Cursor::new(bytes), 8));
        assert_eq!(format!("{read:?}"), expected, "{bytes:?}");
    }

    #[test]
    fn reads_frames_and_refuses_long_ones_before_they_come() {
        check(&[0, 0, 0, 2, 1, 2, 3], "Ok([1, 2])");
        check(&[0, 0, 0, 0], "Ok([])");
        check(
            &[0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8],
            "Ok([1, 2, 3, 4, 5, 6, 7, 8])",
        );
        check(&[0, 0, 0, 9], "Err(TooLong { bytes: 9 })");
        check(&[255, 255, 255, 255], "Err(TooLong { bytes: 4294967295 })");
        check(&[0, 0, 0, 2, 1], "Err(Closed)");
        check(&[0, 0], "Err(Closed)");
        check(&[], "Err(Closed)");
    }

    #[test]
    fn what_is_written_can_be_read() {
        let mut bytes = Cursor::new(Vec::new());
        block_on(write_frame(&mut bytes, b"hello")).unwrap();
        check(&bytes.into_inner(), "Ok([104, 101, 108, 108, 111])");
    }
}
