//! Every figure that the project claims, each with its baseline in the same run.
//!
//! `cargo run --release -p bench -- NAME [--json]`. A figure that misses what is asked of it makes
//! the run fail.

mod fairness;
mod figure;
mod http;
mod journal;
mod krl;
mod meter;
mod peer;
mod pens;
mod salience;
mod variables;

use std::{error::Error, process::ExitCode};

use clap::{Parser, Subcommand};

use figure::Figure;

/// Measures what the project claims.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    name: Name,
    /// One line of JSON for each figure.
    #[arg(long, global = true)]
    json: bool,
}

/// What is measured.
#[derive(Clone, Subcommand)]
enum Name {
    /// What the neighbours of PENs that burn their fuel and raise to themselves feel of it.
    Fairness,
    /// Events and queries over HTTP, durable, beside a pico-engine.
    Http(http::Wanted),
    /// Reading a journal of a million events: what is wanted of it, and why.
    Journal,
    /// Reading and compiling rulesets, and evaluating what their rules say.
    Krl,
    /// What one thing takes of the memory of a process that does nothing else.
    #[command(hide = true)]
    Memory {
        /// Which thing.
        of: salience::Held,
    },
    /// A node with a hundred thousand PENs that sleep.
    Pens,
    /// Finding the rules that an event wakes, and moving their event expressions.
    Salience,
    /// Changing one entry of a variable of a million.
    Variables,
}

#[expect(clippy::print_stdout, reason = "figures are what the program is for")]
fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let mut missed = false;
    let mut failed: Option<Box<dyn Error>> = None;
    let mut tell = |figure: Figure| {
        missed |= figure.misses();
        if arguments.json {
            println!("{}", figure.json());
        } else {
            println!("{figure}");
        }
    };
    match arguments.name {
        Name::Fairness => failed = fairness::measure(&mut tell).err().map(Into::into),
        Name::Http(wanted) => failed = http::measure(&wanted, &mut tell).err().map(Into::into),
        Name::Journal => failed = journal::measure(&mut tell).err().map(Into::into),
        Name::Krl => krl::measure(&mut tell),
        Name::Memory { of } => println!("{}", of.bytes()),
        Name::Pens => failed = pens::measure(&mut tell).err().map(Into::into),
        Name::Salience => salience::measure(&mut tell),
        Name::Variables => failed = variables::measure(&mut tell).err(),
    }
    if let Some(fault) = &failed {
        println!("{fault}");
    }
    if missed || failed.is_some() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
