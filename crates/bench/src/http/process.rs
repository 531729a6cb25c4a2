//! Processes: what they use, and that they end.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{SocketAddr, TcpListener},
    process::Child,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    param::clock_ticks_per_second,
    process::{Pid, Signal, kill_process},
};

/// A process that ends with the value.
pub(super) struct Process(Child);

impl Process {
    pub(super) fn new(child: Child) -> Self {
        Self(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }

    /// Waits until something answers as it should.
    pub(super) fn await_answer<T>(
        &mut self,
        mut answer: impl FnMut() -> io::Result<T>,
    ) -> io::Result<T> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.0.try_wait()? {
                return Err(io::Error::other(format!("the engine ended: {status}")));
            }
            match answer() {
                Err(_) if begun.elapsed() < START_WAIT => thread::sleep(START_PAUSE),
                answered => return answered,
            }
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let pid = i32::try_from(self.0.id()).ok().and_then(Pid::from_raw);
        // What has ended already cannot be asked to, and needs not.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.0.wait();
    }
}

/// The CPU time of a process, all its threads, and all processes that it started.
pub(super) fn cpu(process: u32) -> io::Result<Duration> {
    let mut of_all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // One that has ended meanwhile is counted by its parent.
        let line = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
        of_all.extend(used(&line).map(|used| (id, used)));
    }
    let ticks = of_tree(&of_all, process);
    Ok(Duration::from_secs_f64(
        ticks as f64 / clock_ticks_per_second() as f64,
    ))
}

/// Its own ticks, those of children that it has waited for, and those of its children.
fn of_tree(of_all: &BTreeMap<u32, (u32, u64)>, process: u32) -> u64 {
    let own = of_all.get(&process).map_or(0, |(_, ticks)| *ticks);
    let children = of_all.iter().filter(|(_, (parent, _))| *parent == process);
    own + children
        .map(|(child, _)| of_tree(of_all, *child))
        .sum::<u64>()
}

/// The parent and the ticks of a line of `/proc/PID/stat` (proc(5)).
fn used(line: &str) -> Option<(u32, u64)> {
    // The name before it is in parentheses, and may have anything in it.
    let fields: Vec<&str> = line.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    let ticks = [11, 12, 13, 14]
        .into_iter()
        .map(number)
        .sum::<Option<u64>>()?;
    Some((u32::try_from(number(1)?).ok()?, ticks))
}

/// An address at which nothing answers.
pub(super) fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind(("127.0.0.1", 0))?.local_addr()
}

/// A machine that does much else starts a program slowly.
const START_WAIT: Duration = Duration::from_mins(3);
const START_PAUSE: Duration = Duration::from_millis(50);
