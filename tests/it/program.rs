//! The real program, and nodes that run it.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// A node that does not answer within this time has failed to start.
const START_WAIT: Duration = Duration::from_secs(20);

/// Where the program is that this build made.
pub(crate) fn stratus() -> PathBuf {
    PathBuf::from(env!("CARGO_BIN_EXE_stratus"))
}

/// A node with a data directory of its own; it ends with the value.
pub(crate) struct Node {
    folder: TempDir,
    child: Option<Child>,
    api: u16,
    listen: u16,
    environment: Vec<(&'static str, PathBuf)>,
}

impl Node {
    /// Starts a node on an empty data directory, with settings that may be empty.
    pub(crate) fn start(settings: &str) -> Self {
        let mut node = Self::new();
        if !settings.is_empty() {
            fs::create_dir_all(node.data()).unwrap();
            write_private(&node.data().join("stratus.toml"), settings);
        }
        node.up();
        node
    }

    /// A node that has not been started yet.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
            child: None,
            api: free_port(),
            listen: free_port(),
            environment: Vec::new(),
        }
    }

    /// Sets a variable for the node's later starts.
    pub(crate) fn set_variable(&mut self, name: &'static str, value: PathBuf) {
        self.environment.push((name, value));
    }

    /// Starts the node again on what its data directory has.
    pub(crate) fn up(&mut self) {
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(self.log())
            .unwrap();
        let child = self
            .up_command()
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        self.child = Some(child);
        let end = Instant::now() + START_WAIT;
        while self.run(&["status"]).status.code() != Some(0) {
            assert!(Instant::now() < end, "no answer:\n{}", self.logged());
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// The command that starts this node.
    pub(crate) fn up_command(&self) -> Command {
        let mut command = Command::new(stratus());
        command
            .arg("up")
            .arg("--data")
            .arg(self.data())
            .args(["--api", &format!("127.0.0.1:{}", self.api)])
            .args(["--listen", &format!("/ip4/127.0.0.1/tcp/{}", self.listen)])
            .env_remove("STRATUS_CRASH_AT")
            .envs(self.environment.iter().cloned())
            .stdin(Stdio::null());
        command
    }

    /// Asks the node to end, waits until it has, and gives its exit code.
    pub(crate) fn stop(&mut self) -> Option<i32> {
        self.signal(Signal::TERM)
    }

    /// Kills the node.
    pub(crate) fn kill(&mut self) {
        self.signal(Signal::KILL);
    }

    /// Runs the program with this node's data directory.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        Command::new(stratus())
            .args(arguments)
            .arg("--data")
            .arg(self.data())
            .output()
            .unwrap()
    }

    /// Runs the program, which has to succeed, and gives what it prints.
    pub(crate) fn done(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{arguments:?}: {told}\n{}",
            self.logged()
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs the program with `--json`, which has to succeed, and gives what it prints.
    pub(crate) fn data_of(&self, arguments: &[&str]) -> serde_json::Value {
        let printed = self.done(&[arguments, &["--json"]].concat());
        serde_json::from_str(&printed).unwrap_or_else(|error| panic!("{error}: {printed}"))
    }

    /// All entries of the node's journal.
    pub(crate) fn journal(&self) -> Vec<serde_json::Value> {
        let printed = self.done(&["journal", "--json"]);
        printed
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// Raises an event by the owner's channel and gives its id.
    pub(crate) fn raise(&self, event: &str, attributes: &[&str]) -> String {
        let output = self.run(&[&["event", "send", event], attributes].concat());
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let id = told
            .strip_prefix("event ")
            .and_then(|told| told.split(' ').next());
        id.unwrap_or_else(|| panic!("no id in {told:?}")).to_owned()
    }

    /// Runs the program, which has to fail with this code, and gives its exit status.
    pub(crate) fn refused(&self, arguments: &[&str], code: &str) -> i32 {
        let output = self.run(arguments);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success(), "{arguments:?} was done");
        assert!(
            told.starts_with("error: ") && told.contains(&format!("[{code}]")),
            "{told}"
        );
        output.status.code().unwrap()
    }

    /// The folder that holds all of this node.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The node's data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The address of the node's API.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.api)
    }

    /// The port at which other nodes reach it.
    pub(crate) fn port(&self) -> u16 {
        self.listen
    }

    /// What the node has logged.
    pub(crate) fn logged(&self) -> String {
        fs::read_to_string(self.log()).unwrap_or_default()
    }

    fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn signal(&mut self, signal: Signal) -> Option<i32> {
        let mut child = self.child.take()?;
        let pid = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(pid, signal).unwrap();
        child.wait().unwrap().code()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn write_private(path: &Path, text: &str) {
    use std::{io::Write, os::unix::fs::OpenOptionsExt};
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .mode(0o600)
        .open(path)
        .unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// A port that is free now, and none of those that the system gives to outgoing connections, which
/// could take it while the node is down.
pub(crate) fn free_port() -> u16 {
    static DRAWN: AtomicU32 = AtomicU32::new(0);
    let is_free = |port: &u16| TcpListener::bind(("127.0.0.1", *port)).is_ok();
    let draw = || {
        let drawn = DRAWN.fetch_add(1, Ordering::Relaxed);
        12_000 + u16::try_from((std::process::id() * 7 + drawn) % 18_000).unwrap()
    };
    std::iter::repeat_with(draw).find(is_free).unwrap()
}
