//! Runs scenarios and says what was wrong.

use std::process::ExitCode;

use clap::Parser;
use simnet::{Faults, checker, on_call};

/// Simulate a network of whole nodes from one seed.
#[derive(Parser)]
#[command(name = "simnet")]
enum Arguments {
    /// Run a scenario.
    Run(Run),
}

#[derive(clap::Args)]
struct Run {
    /// Which scenario: on-call.
    scenario: Scenario,
    /// Nodes in all; a tenth of them are classes.
    #[arg(long, default_value_t = 200)]
    nodes: usize,
    /// The seed of everything random; the first of them with --seeds.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds to run, one after the other, until one fails.
    #[arg(long, default_value_t = 1)]
    seeds: u64,
    /// Students' texts in all.
    #[arg(long, default_value_t = 200)]
    inquiries: usize,
    /// The virtual time over which they come.
    #[arg(long, default_value_t = 60)]
    minutes: u64,
    /// Nothing goes wrong.
    #[arg(long)]
    calm: bool,
    /// Print data instead of sentences.
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Scenario {
    OnCall,
}

#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "this is a program"
)]
fn main() -> ExitCode {
    let Arguments::Run(run) = Arguments::parse();
    let Scenario::OnCall = run.scenario;
    for seed in run.seed..run.seed.saturating_add(run.seeds) {
        let report = match report(&run, seed) {
            Ok(report) => report,
            Err(fault) => {
                eprintln!("error: {fault}");
                return ExitCode::FAILURE;
            }
        };
        println!(
            "{}",
            if run.json {
                report.json()
            } else {
                report.text()
            }
        );
        if !report.wrong.is_empty() {
            eprintln!("replay: {}", run.replay(seed));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

impl Run {
    fn faults(&self) -> Faults {
        if self.calm {
            Faults::NONE
        } else {
            Faults::ROUGH
        }
    }

    fn replay(&self, seed: u64) -> String {
        let calm = if self.calm { " --calm" } else { "" };
        format!(
            "cargo run --release -p simnet -- run on-call --nodes {} --inquiries {} --minutes {} \
             --seed {seed}{calm}",
            self.nodes, self.inquiries, self.minutes
        )
    }
}

/// What came of one seed.
struct Report {
    seed: u64,
    nodes: usize,
    inquiries: usize,
    texts: usize,
    outcomes: u64,
    crashes: u64,
    trace: String,
    wrong: Vec<String>,
}

impl Report {
    fn text(&self) -> String {
        let verdict = if self.wrong.is_empty() {
            "every inquiry ended once and rightly".to_owned()
        } else {
            self.wrong.join("\n")
        };
        format!(
            "seed {}: {} nodes, {} inquiries, {} outcomes, {} texts, {} crashes, trace {}\n{verdict}",
            self.seed,
            self.nodes,
            self.inquiries,
            self.outcomes,
            self.texts,
            self.crashes,
            self.trace
        )
    }

    fn json(&self) -> String {
        serde_json::json!({
            "seed": self.seed,
            "nodes": self.nodes,
            "inquiries": self.inquiries,
            "outcomes": self.outcomes,
            "texts": self.texts,
            "crashes": self.crashes,
            "trace_hash": self.trace,
            "wrong": self.wrong,
        })
        .to_string()
    }
}

fn report(run: &Run, seed: u64) -> Result<Report, stratus_event::Fault> {
    let size = on_call::Size {
        nodes: run.nodes,
        inquiries: run.inquiries,
        minutes: run.minutes,
    };
    let (world, story) = on_call::play(seed, size, run.faults())?;
    Ok(Report {
        seed,
        nodes: run.nodes,
        inquiries: run.inquiries,
        texts: world.texts().len(),
        outcomes: world.outcomes(),
        crashes: world.crashes(),
        trace: world.trace(),
        wrong: checker::check(&world, &story),
    })
}
