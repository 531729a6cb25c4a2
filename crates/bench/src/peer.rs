//! What other programs do of the same, measured in the same run.

use std::{env, fs, path::PathBuf, process::Command};

use serde_json::Value;

/// The figures of npm `select-when`, the matcher of pico-engine; null where there is no npm.
#[expect(
    clippy::print_stderr,
    reason = "who reads the figures must know what is missing"
)]
pub(crate) fn select_when() -> Value {
    match run_select_when() {
        Ok(figures) => figures,
        Err(reason) => {
            let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
            assert!(!required.contains("npm"), "npm is required: {reason}");
            eprintln!("without select-when beside it: {reason}");
            Value::Null
        }
    }
}

fn run_select_when() -> Result<Value, String> {
    let target = env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let folder = PathBuf::from(target).join("peer");
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let write = |name, text| fs::write(folder.join(name), text).map_err(|error| error.to_string());
    write("package.json", r#"{"private": true}"#)?;
    write("select_when.js", SCRIPT)?;
    let command = |name: &str, arguments: &[&str]| {
        let output = Command::new(name)
            .args(arguments)
            .current_dir(&folder)
            .output();
        let output = output.map_err(|error| format!("{name}: {error}"))?;
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(format!(
                "{name}: {}",
                String::from_utf8_lossy(&output.stderr)
            ))
        }
    };
    if !folder.join("node_modules/select-when").exists() {
        command(
            "npm",
            &["install", "--no-audit", "--no-fund", "--silent", PACKAGE],
        )?;
    }
    let output = command("node", &["select_when.js"])?;
    serde_json::from_slice(&output).map_err(|error| error.to_string())
}

const PACKAGE: &str = "select-when@0.1.9";
const SCRIPT: &str = include_str!("../peer/select_when.js");
