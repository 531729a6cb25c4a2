//! The README's tutorial, line by line, as a reader would type it.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use crate::program::stratus;

const BEGIN: &str = "<!-- tutorial:";

#[test]
fn the_readme_s_tutorial_works_as_it_stands() {
    let novice = Reader::sit_down();
    let mut printed = String::new();
    for line in lines() {
        let line = line.replace("LINK", &printed);
        match line.strip_suffix(" &") {
            Some(up) => novice.start(up),
            None => printed = novice.type_line(&line),
        }
    }
}

/// Somebody with the README open, a shell, and the program on her path.
struct Reader {
    folder: tempfile::TempDir,
    nodes: std::cell::RefCell<Vec<Child>>,
}

impl Reader {
    fn sit_down() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let rulesets = root().join("node/rulesets");
        fs::create_dir_all(folder.path().join("node/rulesets")).unwrap();
        for ruleset in fs::read_dir(rulesets).unwrap() {
            let ruleset = ruleset.unwrap();
            if ruleset.path().is_dir() {
                continue;
            }
            let to = folder
                .path()
                .join("node/rulesets")
                .join(ruleset.file_name());
            fs::copy(ruleset.path(), to).unwrap();
        }
        fs::write(folder.path().join("my-calendar.ics"), CALENDAR).unwrap();
        Self {
            folder,
            nodes: std::cell::RefCell::default(),
        }
    }

    /// A line that ends in `&`: a node. It gets ports that are free here.
    fn start(&self, line: &str) {
        let mut node = self.shell(&format!("{line} --api 127.0.0.1:0"));
        let node = node
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        self.nodes.borrow_mut().push(node);
        let data = line.split("--data ").nth(1).unwrap();
        let end = Instant::now() + Duration::from_secs(20);
        while !self
            .shell(&format!("stratus status --data {data}"))
            .output()
            .unwrap()
            .status
            .success()
        {
            assert!(Instant::now() < end, "{line} does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    /// Any other line has to succeed. Gives what it prints.
    fn type_line(&self, line: &str) -> String {
        let output: Output = self.shell(line).output().unwrap();
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "$ {line}\n{told}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    fn shell(&self, line: &str) -> Command {
        let program = stratus();
        let path = format!(
            "{}:{}",
            program.parent().unwrap().display(),
            std::env::var("PATH").unwrap()
        );
        let mut command = Command::new("sh");
        // The shell makes way for the program, so that killing the one kills the other.
        command
            .arg("-c")
            .arg(format!("exec {line}"))
            .current_dir(self.folder.path());
        command.env("PATH", path).stdin(Stdio::null());
        command
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        for node in self.nodes.borrow_mut().iter_mut() {
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// All lines of the tutorial that begin with a prompt.
fn lines() -> Vec<String> {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let tutorial = &readme[readme.find(BEGIN).unwrap()..];
    let lines = tutorial.lines().filter_map(|line| line.strip_prefix("$ "));
    let lines: Vec<_> = lines.map(str::to_owned).collect();
    assert!(lines.len() > 10, "{lines:?}");
    lines
}

const CALENDAR: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\nBEGIN:VEVENT\r\n\
UID:1\r\nDTSTAMP:20260101T000000Z\r\nDTSTART:20260101T000000Z\r\nDURATION:P1D\r\n\
RRULE:FREQ=DAILY\r\nSUMMARY:On call\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
