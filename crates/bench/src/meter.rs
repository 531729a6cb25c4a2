//! CPU time and memory of this process.

use std::{
    env, fs,
    process::Command,
    time::{Duration, Instant},
};

use clap::{ValueEnum, builder::PossibleValue};
use rustix::time::{ClockId, clock_gettime};

/// The CPU time that this thread has used.
pub(crate) fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or(0);
    Duration::new(seconds, nanoseconds)
}

/// The CPU time of one repetition, in nanoseconds.
pub(crate) fn time_each(repetitions: u32, mut work: impl FnMut(u32)) -> f64 {
    let begin = cpu();
    (0..repetitions).for_each(&mut work);
    cpu().saturating_sub(begin).as_secs_f64() * 1e9 / f64::from(repetitions)
}

/// What a piece of work takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    /// Seconds of CPU.
    pub(crate) cpu: f64,
    /// Seconds by the clock on the wall.
    pub(crate) wall: f64,
}

/// The medians of several warm runs, each by itself.
pub(crate) fn median_cost(warm: usize, runs: usize, mut work: impl FnMut()) -> Cost {
    (0..warm).for_each(|_| work());
    let (mut of_cpu, mut of_wall) = (Vec::new(), Vec::new());
    for _ in 0..runs {
        let (begin, start) = (cpu(), Instant::now());
        work();
        of_cpu.push(cpu().saturating_sub(begin).as_secs_f64());
        of_wall.push(start.elapsed().as_secs_f64());
    }
    Cost {
        cpu: median(of_cpu),
        wall: median(of_wall),
    }
}

fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The least of several runs of each, which take turns, so that what else the machine does harms
/// them alike.
pub(crate) fn interleaved<const N: usize>(
    runs: usize,
    mut measure: impl FnMut(usize) -> f64,
) -> [f64; N] {
    let mut least = [f64::INFINITY; N];
    for _ in 0..runs {
        for (which, least) in least.iter_mut().enumerate() {
            *least = least.min(measure(which));
        }
    }
    least
}

/// What one thing takes of the memory of a process that does nothing else, in bytes: nothing that
/// was freed before is used again, and what the allocator adds is counted. Without end if the
/// process cannot be started.
pub(crate) fn memory_of(thing: &impl ValueEnum) -> f64 {
    let value = thing.to_possible_value();
    let name = value.as_ref().map_or("", PossibleValue::get_name);
    let told = env::current_exe().and_then(|bench| {
        let mut command = Command::new(bench);
        command.args(["memory", name]).output()
    });
    let told = told.map(|told| told.stdout).unwrap_or_default();
    String::from_utf8_lossy(&told)
        .trim()
        .parse()
        .unwrap_or(f64::INFINITY)
}

/// The memory that the process holds, in bytes.
pub(crate) fn memory() -> f64 {
    let statistics = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statistics
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok());
    pages.unwrap_or(0.0) * 4096.0
}
