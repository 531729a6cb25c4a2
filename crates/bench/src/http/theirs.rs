//! A pico-engine 1.4, from a folder in which it was built.

use std::{
    fs, io,
    net::SocketAddr,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::{Value as Json, json};
use tempfile::TempDir;

use super::{house::House, json, process, process::Process, program};

/// An engine of its own, as its command line runs: it logs every event to a file and never syncs
/// what it writes.
pub(super) struct Theirs {
    /// Ends before its folder does.
    process: Process,
    _folder: TempDir,
    address: SocketAddr,
    channel: String,
}

impl Theirs {
    /// Starts what was built in that folder, a copy of pico-engine's repository.
    pub(super) fn start(repository: &Path) -> io::Result<Self> {
        let (folder, address) = (tempfile::tempdir()?, process::free_address()?);
        let child = Command::new("node")
            .arg(repository.join("packages/pico-engine/bin/pico-engine"))
            .env("PORT", address.port().to_string())
            .env("PICO_ENGINE_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let mut process = Process::new(child);
        let context = process.await_answer(|| json::ask(address, "/api/ui-context", None))?;
        let own = text(&context["eci"]);
        let tell = |kind: &str, body: Json| {
            let path = format!("/c/{own}/event-wait/engine_ui/{kind}");
            json::post(address, &path, None, &body)
        };
        for (name, source) in [("plain", program::PLAIN), ("filters", &program::filters())] {
            let file = folder.path().join(format!("{name}.krl"));
            fs::write(&file, source)?;
            tell(
                "install",
                json!({ "url": format!("file://{}", file.display()) }),
            )?;
        }
        let all = |first: &str| json!({ "allow": [{ first: "*", "name": "*" }], "deny": [] });
        let channel = json!({
            "tags": ["bench"], "eventPolicy": all("domain"), "queryPolicy": all("rid"),
        });
        tell("new_channel", channel)?;
        let path = format!("/c/{own}/query/io.picolabs.pico-engine-ui/pico");
        let pico = json::ask(address, &path, None)?;
        let channels = pico["channels"].as_array().into_iter().flatten();
        let mut ours = channels.filter(|channel| channel["tags"] == json!(["bench"]));
        let eci = ours.next().map(|channel| text(&channel["id"]));
        let eci = eci.ok_or_else(|| io::Error::other(format!("it made no channel: {pico}")))?;
        Ok(Self {
            process,
            _folder: folder,
            address,
            channel: format!("/c/{eci}"),
        })
    }
}

fn text(json: &Json) -> String {
    json.as_str().unwrap_or_default().to_owned()
}

impl House for Theirs {
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
