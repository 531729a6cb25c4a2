//! A closed loop: connections that ask the same again and again, each as soon as it has its
//! answer. One thread, and nothing done for a request that need not be, so that it is not itself
//! the limit.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use rustix::event::epoll;

use crate::meter;

/// What is asked, of whom, by how many.
pub(super) struct Drive {
    pub(super) address: SocketAddr,
    pub(super) path: String,
    pub(super) connections: usize,
}

/// What came of it.
pub(super) struct Driven {
    /// All of them answered with 200.
    pub(super) requests: u64,
    elapsed: Duration,
    /// The generator's own part of one processor.
    pub(super) cpu_share: f64,
    /// In microseconds, sorted.
    latencies: Vec<u32>,
}

impl Drive {
    /// Asks for so long, and waits for the last answers.
    pub(super) fn run(&self, long: Duration) -> io::Result<Driven> {
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\n\r\n",
            self.path, self.address
        );
        let poll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let (begun, cpu) = (Instant::now(), meter::cpu());
        let mut connections = Vec::with_capacity(self.connections);
        for number in 0..self.connections {
            let connection = Connection::open(self.address, request.as_bytes())?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&poll, &connection.stream, data, epoll::EventFlags::IN)?;
            connections.push(connection);
        }
        let (mut open, mut latencies) = (connections.len(), Vec::new());
        let mut events = Vec::with_capacity(self.connections);
        while open > 0 {
            events.clear();
            let waited = epoll::wait(&poll, rustix::buffer::spare_capacity(&mut events), None);
            retried(waited)?;
            let now = Instant::now();
            for event in &events {
                let data = event.data;
                let number = usize::try_from(data.u64()).unwrap_or(usize::MAX);
                let Some(connection) = connections.get_mut(number) else {
                    continue;
                };
                if !connection.read()? {
                    continue;
                }
                let latency = now.saturating_duration_since(connection.begun).as_micros();
                latencies.push(u32::try_from(latency).unwrap_or(u32::MAX));
                if now.saturating_duration_since(begun) < long {
                    connection.ask(request.as_bytes(), now)?;
                } else {
                    open -= 1;
                }
            }
        }
        Ok(Driven::new(
            latencies,
            begun.elapsed(),
            meter::cpu().saturating_sub(cpu),
        ))
    }
}

impl Driven {
    fn new(mut latencies: Vec<u32>, elapsed: Duration, cpu: Duration) -> Self {
        latencies.sort_unstable();
        Self {
            requests: latencies.len() as u64,
            elapsed,
            cpu_share: cpu.as_secs_f64() / elapsed.as_secs_f64(),
            latencies,
        }
    }

    pub(super) fn per_s(&self) -> f64 {
        self.requests as f64 / self.elapsed.as_secs_f64()
    }

    /// Which no more than this part of all requests took longer than.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in the list"
    )]
    pub(super) fn latency_ms(&self, part: f64) -> f64 {
        let place = (self.latencies.len() as f64 * part) as usize;
        let latency = self.latencies.get(place).or(self.latencies.last());
        latency.map_or(f64::NAN, |latency| f64::from(*latency) / 1e3)
    }
}

/// One connection, and how much of its answer is there.
struct Connection {
    stream: TcpStream,
    answer: [u8; ANSWER_BYTES_MAX],
    length: usize,
    begun: Instant,
}

impl Connection {
    fn open(address: SocketAddr, request: &[u8]) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        let mut connection = Self {
            stream,
            answer: [0; ANSWER_BYTES_MAX],
            length: 0,
            begun: Instant::now(),
        };
        connection.ask(request, Instant::now())?;
        Ok(connection)
    }

    /// A request is small enough for the system to take it at once.
    fn ask(&mut self, request: &[u8], now: Instant) -> io::Result<()> {
        (self.length, self.begun) = (0, now);
        self.stream.write_all(request)
    }

    /// Reads what is there; whether the answer is whole.
    fn read(&mut self) -> io::Result<bool> {
        let room = self.answer.get_mut(self.length..).unwrap_or_default();
        match self.stream.read(room) {
            Ok(0) => {
                return Err(io::Error::other(
                    "the connection was closed, or the answer is long",
                ));
            }
            Ok(read) => self.length += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error),
        }
        is_whole(self.answer.get(..self.length).unwrap_or_default())
    }
}

/// Whether an answer has all of its body; one that is not 200 is an error.
fn is_whole(answer: &[u8]) -> io::Result<bool> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(false);
    };
    let (head, body) = answer.split_at(end + 4);
    if !head.starts_with(b"HTTP/1.1 200 ") {
        return Err(io::Error::other(String::from_utf8_lossy(answer)));
    }
    let length = head.split(|byte| *byte == b'\n').find_map(|line| {
        let (name, value) = line.split_at_checked(LENGTH.len())?;
        let value = name.eq_ignore_ascii_case(LENGTH).then_some(value)?;
        str::from_utf8(value).ok()?.trim().parse::<usize>().ok()
    });
    let length = length.ok_or_else(|| io::Error::other("an answer does not say how long it is"))?;
    Ok(body.len() >= length)
}

/// A wait that a signal ended is no error.
fn retried(waited: rustix::io::Result<usize>) -> io::Result<()> {
    match waited {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

const LENGTH: &[u8] = b"content-length:";

/// The answers here are below 2 KiB.
const ANSWER_BYTES_MAX: usize = 8 << 10;
