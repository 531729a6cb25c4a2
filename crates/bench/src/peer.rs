//! What other programs do of the same, measured in the same run.

use std::{env, fs, path::PathBuf, process::Command};

use serde_json::Value;

/// The figures of npm `select-when`, the matcher of pico-engine; null where there is no npm.
pub(crate) fn select_when() -> Value {
    let (name, script) = ("select_when", include_str!("../peer/select_when.js"));
    figures(name, &["select-when@0.1.9"], script, "")
}

/// The figures of npm `krl-parser` and `krl-compiler`, those of pico-engine, on a text of KRL; null
/// where there is no npm.
pub(crate) fn krl_compiler(text: &str) -> Value {
    let (name, script) = ("krl", include_str!("../peer/krl.js"));
    let packages = ["krl-parser@1.3.0", "krl-compiler@1.3.0"];
    figures(name, &packages, script, text)
}

/// What a script prints that is given a text in a file.
#[expect(
    clippy::print_stderr,
    reason = "who reads the figures must know what is missing"
)]
fn figures(name: &str, packages: &[&str], script: &str, text: &str) -> Value {
    match run(name, packages, script, text) {
        Ok(figures) => figures,
        Err(reason) => {
            let required = env::var("STRATUS_REQUIRE").unwrap_or_default();
            let is_required = required.contains("npm") || required.contains("peer");
            assert!(!is_required, "the peer is required: {reason}");
            eprintln!("without {} beside it: {reason}", packages.join(" and "));
            Value::Null
        }
    }
}

fn run(name: &str, packages: &[&str], script: &str, text: &str) -> Result<Value, String> {
    let target = env::var("CARGO_TARGET_DIR").unwrap_or_else(|_| "target".to_owned());
    let folder = PathBuf::from(target).join("peer").join(name);
    fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
    let write = |name, text| fs::write(folder.join(name), text).map_err(|error| error.to_string());
    write("package.json", r#"{"private": true}"#)?;
    write("measure.js", script)?;
    write("text", text)?;
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
    let is_there = |package: &&str| {
        let name = package.split('@').next().unwrap_or(package);
        folder.join("node_modules").join(name).exists()
    };
    if !packages.iter().all(is_there) {
        let install = ["install", "--no-audit", "--no-fund", "--silent"];
        command("npm", &[&install, packages].concat())?;
    }
    let output = command("node", &["measure.js", "text"])?;
    serde_json::from_slice(&output).map_err(|error| error.to_string())
}
