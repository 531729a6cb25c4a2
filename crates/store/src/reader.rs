//! Reading what an engine needs.

use std::{collections::BTreeSet, sync::Arc};

use fjall::Snapshot;
use stratus_engine::{Image, Key, Record, Residence, Start, Subject};
use stratus_event::{Fault, PenId};

use crate::{Tables, key::Space, register};

/// Reads PENs while the node runs. Only what is durable is seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Reader {
    tables: Arc<Tables>,
}

impl Reader {
    pub(crate) fn new(tables: Arc<Tables>) -> Self {
        Self { tables }
    }

    /// What a start reads. The images are read one by one, as they are taken.
    pub fn start(&self) -> Result<Start<'static>, Fault> {
        let snapshot = self.tables.snapshot();
        let open = register::open(&self.tables, &snapshot)?;
        let timers = register::timers(&self.tables, &snapshot)?;
        let accounts = std::iter::once(self.accounts(&snapshot));
        let reader = self.clone();
        Ok(Start {
            pens: register::count(&self.tables, &snapshot)?,
            timers: timers.into_iter().collect(),
            images: Box::new(accounts.chain(open.into_iter().map(move |pen| reader.pen(pen)))),
        })
    }

    /// What there is of it. A record that cannot be read is a fault, never left out.
    pub fn load(&self, subject: &Subject) -> Result<Image, Fault> {
        let (tables, snapshot) = (&self.tables, self.tables.snapshot());
        let keys: Vec<Key> = match subject {
            Subject::Channel(eci) => {
                let owner = register::owner(tables, &snapshot, *eci)?;
                owner
                    .map(|pen| Key::Channel(pen, *eci))
                    .into_iter()
                    .collect()
            }
            Subject::Pen(pen) => return self.pen(*pen),
            Subject::Pens { after, most } => {
                let pens = register::pens(tables, &snapshot, *after, *most)?;
                pens.into_iter().map(Key::Pen).collect()
            }
            Subject::Receipts(connector) => register::receipts(tables, &snapshot, connector)?,
        };
        let mut image = Image::new();
        for key in keys {
            tables.take_one(&snapshot, key, &mut image)?;
        }
        Ok(image)
    }

    fn accounts(&self, snapshot: &Snapshot) -> Result<Image, Fault> {
        let mut image = Image::new();
        let all: (Space, &[u8]) = (Space::Accounts, &[]);
        self.tables.take_prefix(snapshot, all, &mut image)?;
        Ok(image)
    }

    fn pen(&self, pen: PenId) -> Result<Image, Fault> {
        let (tables, snapshot) = (&self.tables, self.tables.snapshot());
        let mut image = Image::new();
        // What does not live here is not there.
        if tables.standing(&snapshot, pen)?.residence != Residence::Here {
            return Ok(image);
        }
        tables.take_prefix(&snapshot, (Space::State, &pen.0), &mut image)?;
        tables.take_accepted(&snapshot, &mut image)?;
        let (programs, channels) = needed(&image);
        for hash in programs {
            tables.take_one(&snapshot, Key::Program(hash), &mut image)?;
        }
        for eci in channels {
            tables.take_prefix(&snapshot, (Space::Windows, &eci), &mut image)?;
        }
        Ok(image)
    }
}

/// The programs of a PEN's rulesets, and the channels of its subscriptions.
fn needed(image: &Image) -> (BTreeSet<[u8; 32]>, BTreeSet<[u8; 32]>) {
    let (mut programs, mut channels) = (BTreeSet::new(), BTreeSet::new());
    for record in image.values() {
        match record {
            Record::Ruleset { program, .. } => drop(programs.insert(*program)),
            Record::Subscription(subscription) => drop(channels.insert(subscription.rx.0)),
            _ => {}
        }
    }
    (programs, channels)
}
