//! `stratus backup`, `stratus verify` and `stratus restore`

use std::{
    fs::File,
    io::BufReader,
    path::{Path, PathBuf},
};

use clap::Args;
use stratus_event::{Fault, Whose};
use stratus_store::{Damage, Findings, Head, Holds, Store};

use crate::{
    client::Client,
    data::{DataDirectory, NewFile},
    exit::Failure,
    render,
};

/// Copy all of the node into one file, while it runs or not
///
/// The file has everything: every PEN with its journal, the node's key, the owner's token and the
/// configuration. Whoever has it can be this node, so keep it where you keep keys. It is read again
/// before it gets its name.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The file to make; it must not be there yet
    file: PathBuf,
}

/// Check that a backup, or the store itself, is whole, and name what is damaged
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  stratus verify node.backup\n  stratus verify --store")]
pub(crate) struct Verify {
    /// The backup
    #[arg(required_unless_present = "store")]
    file: Option<PathBuf>,

    /// The store in the data directory; no node may be running
    #[arg(long, conflicts_with = "file")]
    store: bool,
}

/// Make a data directory of a backup
///
/// The data directory must be empty or not there. The restored node is the one of which the backup
/// was made: never run both.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// The backup
    file: PathBuf,
}

impl Backup {
    pub(super) async fn run(self, data: &DataDirectory) -> Result<(), Failure> {
        let mut file = NewFile::create(&self.file)?;
        match Client::open(data) {
            Ok(client) => match client.download("/backup", file.writer()).await {
                Err(failure) if is_down(&failure) => write_stopped(data, &mut file)?,
                done => done?,
            },
            Err(failure) if is_down(&failure) => write_stopped(data, &mut file)?,
            Err(failure) => return Err(failure),
        }
        let (_, findings) = check(file.draft())?;
        whole(&findings)?;
        file.keep()?;
        render::line(summary(&findings))
    }
}

impl Verify {
    pub(super) fn run(&self, data: &DataDirectory) -> Result<(), Failure> {
        let findings = match &self.file {
            None => stratus_store::check_store(&data.store())?,
            Some(file) => {
                let (head, findings) = check(file)?;
                render::line(contents(&head))?;
                findings
            }
        };
        findings
            .damages
            .iter()
            .try_for_each(|damage| render::line(told(damage)))?;
        render::line(summary(&findings))?;
        whole(&findings)
    }
}

impl Restore {
    pub(super) fn run(&self, data: &DataDirectory) -> Result<(), Failure> {
        let (_, findings) = check(&self.file)?;
        whole(&findings)?;
        let draft = data.begin_restoring()?;
        let input = open(&self.file)?;
        let beside = stratus_store::restore(input, &draft.store(), render::now())?;
        draft.put_beside(&beside)?;
        draft.become_whole(data)?;
        render::line(summary(&findings))?;
        render::talk(format_args!(
            "Restored into {}. Your partners may know more of your PENs than the backup does.",
            data.path().display()
        ));
        Ok(())
    }
}

/// The node does not run, so its store can be read here.
fn write_stopped(data: &DataDirectory, file: &mut NewFile) -> Result<(), Failure> {
    if !data.store().is_dir() {
        return Err(data.not_running());
    }
    let store = Store::open(&data.store())?;
    let backup = store.journal().backup();
    backup.write(render::now(), &data.beside()?, file.writer())?;
    Ok(())
}

fn is_down(failure: &Failure) -> bool {
    failure
        .told()
        .is_some_and(|(code, _)| code == "node-not-running")
}

/// Reads all of a file.
fn check(path: &Path) -> Result<(Head, Findings), Failure> {
    Ok(stratus_store::check_file(open(path)?)?)
}

pub(super) fn open(path: &Path) -> Result<BufReader<File>, Failure> {
    let file = File::open(path).map_err(|error| {
        let message = format!("{} cannot be read", path.display());
        Failure::caused(
            Fault::new(Whose::Caller, "file-unreadable", message),
            &error,
        )
    })?;
    Ok(BufReader::new(file))
}

/// The fault of what is not whole.
pub(super) fn whole(findings: &Findings) -> Result<(), Failure> {
    let Some(first) = findings.damages.first() else {
        return Ok(());
    };
    let count = findings
        .damages_left_out
        .saturating_add(findings.damages.len() as u64);
    let message = format!("{count} records are damaged; the first: {}", told(first));
    let fault = Fault::new(Whose::World, "store-corrupt", message);
    Err(fault
        .hint("restore the data directory from a backup that is whole, and look at the disk")
        .into())
}

fn told(damage: &Damage) -> String {
    format!("{} {}: {}", damage.kind, damage.key, damage.reason)
}

fn contents(head: &Head) -> String {
    let what = match head.holds {
        Holds::Node => "a node".to_owned(),
        Holds::Pen { pen, moved: false } => format!("a copy of the PEN {pen}"),
        Holds::Pen { pen, moved: true } => format!("the PEN {pen}, moved"),
    };
    format!("{what}, as of {}, in format {}", head.made, head.format)
}

fn summary(findings: &Findings) -> String {
    let Findings {
        records,
        bytes,
        pens,
        ..
    } = findings;
    let damaged = findings
        .damages_left_out
        .saturating_add(findings.damages.len() as u64);
    match damaged {
        0 => format!("{records} records of {pens} PENs, {bytes} bytes, all whole"),
        _ => format!("{records} records of {pens} PENs, {bytes} bytes, {damaged} damaged"),
    }
}
