//! The program itself, as somebody starts it.

use std::{
    env, fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::client::Client;

/// A node that runs until the value goes.
pub(crate) struct Node {
    process: Child,
    address: SocketAddr,
}

/// Builds the program that is measured, and says where it is: beside this one.
pub(crate) fn build() -> io::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "stratus", "--quiet"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if built.success() {
        Ok(env::current_exe()?.with_file_name("stratus"))
    } else {
        Err(io::Error::other("the node could not be built"))
    }
}

impl Node {
    /// Starts it and waits until it answers.
    pub(crate) fn start(program: &Path, data: &Path) -> io::Result<Self> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let process = Command::new(program)
            .args(["up", "--listen", "/ip4/127.0.0.1/tcp/0", "--api"])
            .arg(address.to_string())
            .arg("--data")
            .arg(data)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(data.join("log"))?)
            .spawn()?;
        let mut node = Self { process, address };
        node.await_answer()?;
        Ok(node)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it holds of the memory, in bytes.
    pub(crate) fn memory(&self) -> io::Result<f64> {
        let statistics = fs::read_to_string(format!("/proc/{}/statm", self.process.id()))?;
        let pages = statistics.split(' ').nth(1).unwrap_or_default();
        let pages: f64 = pages.parse().map_err(io::Error::other)?;
        Ok(pages * 4096.0)
    }

    fn await_answer(&mut self) -> io::Result<()> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.process.try_wait()? {
                return Err(io::Error::other(format!("the node ended: {status}")));
            }
            let answered = Client::connect(self.address).and_then(|mut it| it.get("/health"));
            match answered {
                Ok(_) => return Ok(()),
                Err(error) if begun.elapsed() > START_WAIT => return Err(error),
                Err(_) => thread::sleep(START_PAUSE),
            }
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let pid = i32::try_from(self.process.id())
            .ok()
            .and_then(Pid::from_raw);
        // What has ended already cannot be asked to, and needs not.
        let _ = pid.map(|pid| kill_process(pid, Signal::TERM));
        let _ = self.process.wait();
    }
}

/// A machine that does much else starts a program slowly.
const START_WAIT: Duration = Duration::from_mins(3);
const START_PAUSE: Duration = Duration::from_millis(5);
