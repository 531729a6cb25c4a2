//! Our node: the release build of the program, with its store on the disk.

use std::{
    env, fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use serde_json::json;
use tempfile::TempDir;

use super::{house::House, json, process, process::Process, program};

/// A node of its own.
pub(super) struct Ours {
    /// Ends before its folder does.
    process: Process,
    _folder: TempDir,
    address: SocketAddr,
    channel: String,
}

/// Builds the program that is measured, and says where it is: beside this one.
pub(super) fn build() -> io::Result<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--package", "stratus", "--quiet"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .status()?;
    if !built.success() {
        return Err(io::Error::other("the node could not be built"));
    }
    Ok(env::current_exe()?.with_file_name("stratus"))
}

impl Ours {
    pub(super) fn start(program: &Path) -> io::Result<Self> {
        let (folder, address) = (tempfile::tempdir()?, process::free_address()?);
        let data = folder.path().join("data");
        let child = Command::new(program)
            .arg("up")
            .arg("--data")
            .arg(&data)
            .args(["--api", &address.to_string()])
            .args(["--listen", "/ip4/127.0.0.1/tcp/0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            // The log is written, as it would be by somebody who keeps it.
            .stderr(fs::File::create(folder.path().join("log"))?)
            .spawn()?;
        let mut process = Process::new(child);
        process.await_answer(|| json::ask(address, "/health", None))?;
        let token = fs::read_to_string(data.join("owner.token"))?;
        let own = |path: &str, body| {
            json::post(
                address,
                &format!("/api/v1/{path}"),
                Some(token.trim()),
                &body,
            )
        };
        for source in [program::PLAIN, &program::filters()] {
            own("rulesets", json!({ "source": source }))?;
        }
        let channel = json!({ "events": ["*:*"], "queries": ["*:*"], "legacy": "nearby" });
        let made = own("channels", channel)?;
        let eci = made["eci"].as_str().unwrap_or_default();
        Ok(Self {
            process,
            _folder: folder,
            address,
            channel: format!("/c/{eci}"),
        })
    }
}

impl House for Ours {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn channel(&self) -> &str {
        &self.channel
    }

    fn process(&self) -> u32 {
        self.process.id()
    }
}
