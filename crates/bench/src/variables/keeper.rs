//! A PEN with one large variable, and the world around its engine.

use std::{error::Error, sync::Arc};

use stratus_engine::{
    ChannelWish, Command, CommandId, Config, Door, Engine, Image, Input, Key, NodeId, Output,
    Record, Reply, Start, Wait,
};
use stratus_event::{Eci, Fault, Map, Name, NameError, PenId, Timestamp, Value};
use stratus_krl::Krl;
use stratus_pen::{Policy, Rule};

use crate::meter;

/// The engine of a node, whose disk is a list of records.
pub(super) struct Keeper {
    engine: Engine,
    disk: Image,
    channel: Eci,
    /// Entries of the variable.
    entries: u64,
    raised: u64,
    reply: Option<Result<Reply, Fault>>,
    /// What it took to load the PEN, in seconds.
    pub(super) load_s: f64,
    /// Bytes written of the variable.
    written: usize,
}

impl Keeper {
    /// A node that starts with a variable of so many entries.
    pub(super) fn start(entries: u64) -> Result<Self, Box<dyn Error>> {
        let mut keeper = Self::new(entries);
        let Reply::Pen(pen) = keeper.command(Command::CreatePen {
            name: "pen".into(),
            parent: None,
        })?
        else {
            return Err("no PEN".into());
        };
        let source = RULESET.to_owned();
        keeper.command(Command::Install {
            pen,
            source,
            from: None,
            configuration: None,
            permissions: None,
        })?;
        let rule = Rule {
            first: None,
            second: None,
        };
        let policy = Policy {
            events_allowed: vec![rule],
            ..Policy::default()
        };
        let wish = ChannelWish {
            policy,
            ..ChannelWish::default()
        };
        let Reply::Channel(channel) = keeper.command(Command::MakeChannel { pen, wish })? else {
            return Err("no channel".into());
        };
        keeper.channel = channel.eci;
        keeper.fill(pen)?;
        let start = Start::within(&keeper.disk);
        keeper.engine = Engine::restore(config(), Arc::new(Krl), [2; 32], NOW, start)?;
        let begin = meter::cpu();
        keeper.command(Command::List { pen })?;
        keeper.load_s = meter::cpu().saturating_sub(begin).as_secs_f64();
        keeper.disk.clear();
        Ok(keeper)
    }

    fn new(entries: u64) -> Self {
        Self {
            engine: Engine::new(config(), Arc::new(Krl), [1; 32]),
            disk: Image::new(),
            channel: Eci([0; 32]),
            entries,
            raised: 0,
            reply: None,
            load_s: 0.0,
            written: 0,
        }
    }

    /// Writes the variable as an engine would have.
    fn fill(&mut self, pen: PenId) -> Result<(), NameError> {
        let (rid, variable) = (Name::new("keeper")?, Name::new("m")?);
        let key = Key::Variable(pen, rid.clone(), variable.clone());
        self.disk.insert(key, Record::Variable(Map::new().into()));
        for number in 0..self.entries {
            let (rid, variable) = (rid.clone(), variable.clone());
            let key = Key::VariableEntry(pen, rid, variable, Vec::new(), number);
            let name = format!("n{number}");
            let value = Value::from("a value of some length");
            self.disk.insert(key, Record::VariableEntry { name, value });
        }
        Ok(())
    }

    /// Counts from here on.
    pub(super) fn begin(&mut self) {
        (self.raised, self.written) = (0, 0);
    }

    /// Raises an event that changes an entry: one that lies anywhere, or the oldest.
    pub(super) fn raise(&mut self, kind: &str) {
        self.raised += 1;
        let anywhere = self.raised.wrapping_mul(7_919) % self.entries;
        let attributes = [
            ("name", anywhere),
            ("old", self.raised),
            ("new", self.raised + self.entries),
        ];
        let attributes = attributes.map(|(name, number)| (name, format!("n{number}")));
        let (Ok(domain), Ok(kind)) = (Name::new("entry"), Name::new(kind)) else {
            return;
        };
        let told = self.command(Command::Raise {
            channel: self.channel,
            door: Door::Owner,
            domain,
            kind,
            attributes: attributes.into(),
            external_id: None,
            wait: Wait::Outcome,
        });
        debug_assert!(told.is_ok(), "{told:?}");
    }

    /// Bytes that an event has written of the variable.
    pub(super) fn written_each(&self) -> f64 {
        self.written as f64 / self.raised as f64
    }

    fn command(&mut self, command: Command) -> Result<Reply, Box<dyn Error>> {
        let id = CommandId(0);
        self.engine.handle(NOW, Input::Command { id, command });
        self.obey();
        Ok(self.reply.take().ok_or("no reply")??)
    }

    fn obey(&mut self) {
        while let Some(output) = self.engine.poll() {
            match output {
                Output::Commit(batch) => {
                    for (key, record) in batch.changes {
                        self.write(key, record);
                    }
                    let through = batch.position;
                    self.engine.handle(NOW, Input::Committed { through });
                }
                Output::Load(subject) => {
                    let image = subject.within(&self.disk);
                    let image = Ok(image);
                    self.engine.handle(NOW, Input::Loaded { subject, image });
                }
                Output::Reply { reply, .. } => self.reply = Some(reply),
                Output::Run(job) => {
                    let finished = Box::new(job.run());
                    self.engine.handle(NOW, Input::Finished(finished));
                }
                _ => {}
            }
        }
    }

    /// Events go on for ever, the disk is only there for the load.
    fn write(&mut self, key: Key, record: Option<Record>) {
        self.written += match &record {
            Some(Record::Variable(value)) => value.size(),
            Some(Record::VariableEntry { name, value }) => name.len() + value.size(),
            _ => 0,
        };
        if let (Some(record), 0.0) = (record, self.load_s) {
            self.disk.insert(key, record);
        }
    }
}

const RULESET: &str = r#"ruleset keeper {
  rule set {
    select when entry set
    fired { ent:m{event:attrs{"name"}} := event:attrs{"new"} }
  }
  rule put {
    select when entry put
    fired { ent:m := ent:m.put([event:attrs{"name"}], event:attrs{"old"}) }
  }
  rule swap {
    select when entry swap
    fired { clear ent:m{event:attrs{"old"}}; ent:m{event:attrs{"new"}} := event:attrs{"name"} }
  }
}"#;

const NOW: Timestamp = Timestamp(1_800_000_000_000);

fn config() -> Config {
    Config::new(NodeId([7; 32]))
}
