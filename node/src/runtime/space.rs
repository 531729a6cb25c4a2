//! Whether the disk has room.

use std::{path::PathBuf, time::Duration};

use stratus_engine::Input;
use tokio::time::{Interval, MissedTickBehavior, interval};

/// Looks again and again how much of the store's disk is free.
pub(super) struct Space {
    path: PathBuf,
    reserve_bytes_min: u64,
    enough: bool,
    looks: Interval,
}

impl Space {
    pub(super) fn new(path: PathBuf, reserve_bytes_min: u64) -> Self {
        let mut looks = interval(LOOKS_PAUSE);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self {
            path,
            reserve_bytes_min,
            enough: true,
            looks,
        }
    }

    /// Waits until there is room no longer, or again.
    pub(super) async fn changed(&mut self) -> Input {
        loop {
            self.looks.tick().await;
            let Some(free) = self.free() else { continue };
            let enough = free >= self.reserve_bytes_min;
            if enough != self.enough {
                self.enough = enough;
                self.tell(free);
                return Input::DiskSpace { enough };
            }
        }
    }

    /// A new engine knows nothing of what was said to the one before.
    pub(super) fn forget(&mut self) {
        self.enough = true;
        self.looks.reset_immediately();
    }

    /// The free bytes of the disk; none if the system does not say.
    fn free(&self) -> Option<u64> {
        let disk = rustix::fs::statvfs(&self.path).ok()?;
        Some(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn tell(&self, free: u64) {
        let (path, reserve) = (self.path.display(), self.reserve_bytes_min);
        if self.enough {
            tracing::info!("{free} bytes are free at {path}: events are taken again");
        } else {
            tracing::error!(
                code = "disk-reserve-reached",
                "{free} bytes are free at {path}, fewer than {reserve}: no new event is taken"
            );
        }
    }
}

/// How often it is looked.
const LOOKS_PAUSE: Duration = Duration::from_secs(1);

/// What has to be free if nothing is configured: twice what the database may write before it is
/// looked again, and then what it needs to put its files in order.
pub(crate) const DISK_RESERVE_BYTES_MIN: u64 = 256 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_disk_is_short_if_less_is_free_than_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let mut space = Space::new(folder.path().to_owned(), u64::MAX);
        assert!(matches!(
            space.changed().await,
            Input::DiskSpace { enough: false }
        ));
        space.reserve_bytes_min = 0;
        assert!(matches!(
            space.changed().await,
            Input::DiskSpace { enough: true }
        ));
        space.reserve_bytes_min = u64::MAX;
        space.forget();
        assert!(matches!(
            space.changed().await,
            Input::DiskSpace { enough: false }
        ));
    }
}
