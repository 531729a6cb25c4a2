//! `stratus`: a peer-to-peer node that hosts personal event networks, and its command line.
//!
//! `stratus up` runs the node in this process. Every other command talks HTTP to a node that runs,
//! and finds it by its data directory.

mod client;
mod commands;
mod config;
mod crash;
mod data;
mod demo;
mod exit;
mod keeping;
mod library;
mod owner;
mod render;
mod runtime;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;
use stratus_event::{Fault, Whose};
use tracing_subscriber::EnvFilter;

use crate::{commands::Verb, data::DataDirectory, exit::Failure};

/// What every command knows.
#[derive(Debug, Parser)]
#[command(name = "stratus", version, arg_required_else_help = true)]
#[command(about = "A peer-to-peer node that hosts your personal event network")]
#[command(after_help = "Begin with `stratus up` in one terminal and `stratus status` in another.")]
struct Arguments {
    /// Where keys, store and configuration are [default: `$XDG_DATA_HOME/stratus`]
    #[arg(long, global = true, value_name = "DIR", env = "STRATUS_DATA")]
    data: Option<std::path::PathBuf>,

    /// How much to tell on stderr: error, warn, info, debug, trace, or a filter as of `RUST_LOG`
    #[arg(
        long,
        global = true,
        value_name = "LEVEL",
        env = "RUST_LOG",
        hide_env_values = true
    )]
    log: Option<String>,

    #[command(subcommand)]
    verb: Verb,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

fn run(arguments: Arguments) -> Result<(), Failure> {
    log(arguments.log.as_deref(), arguments.verb.log_level())?;
    let data = DataDirectory::locate(arguments.data)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let result = runtime.block_on(arguments.verb.run(data));
    // A worker that still evaluates must not hold up the end; what it does is not durable yet.
    runtime.shutdown_timeout(STOP_WAIT);
    result
}

/// People read the log: one line each, on stderr, without colour where nobody would see it.
fn log(wanted: Option<&str>, otherwise: &str) -> Result<(), Failure> {
    let filter = filter(wanted.unwrap_or(otherwise))?;
    let colour = std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .with_timer(render::LogClock)
        .init();
    Ok(())
}

/// A bare level is about Stratus itself; of the libraries below only what is wrong is told.
fn filter(wanted: &str) -> Result<EnvFilter, Failure> {
    let bare = LEVELS.contains(&wanted);
    let text = if bare {
        format!("warn,stratus={wanted}")
    } else {
        wanted.to_owned()
    };
    EnvFilter::try_new(text).map_err(|e| {
        let message = format!("{wanted:?} is no log level: {e}");
        Fault::new(Whose::Caller, "log-level-unknown", message)
            .hint("write --log info, or --log debug")
            .into()
    })
}

const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];

const STOP_WAIT: std::time::Duration = std::time::Duration::from_secs(5);

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn levels_and_filters() {
        assert_eq!(filter("debug").unwrap().to_string(), "stratus=debug,warn");
        assert_eq!(
            filter("stratus_network=trace").unwrap().to_string(),
            "stratus_network=trace"
        );
        let Err(Failure::Fault(fault, _)) = filter("a=b=c") else {
            panic!("taken")
        };
        assert_eq!(fault.code, "log-level-unknown");
    }
}
