//! Rulesets of a PEN: install, replace, take out, ask.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::{Eci, Fault, Map, Name, PenId, Value, Whose};
use stratus_pen::{
    Gone,
    language::{Answers, Outline, Program, RuleError, Scene, StateView, Stop},
};
use stratus_salience::{Primitive, Symbol};

use crate::{
    Command, CommandId, Door, Engine, Key, Record, Reply,
    commit::Draft,
    hosted::Hosted,
    names::{RULESET_INSTALLED, SYSTEM, attribute, fixed},
    raise::check_door,
};

impl Engine {
    /// Does a command that changes rulesets, once no job reads them.
    pub(crate) fn change_rulesets(&mut self, id: CommandId, pen: PenId, command: Command) {
        if self
            .pens
            .get(&pen)
            .is_some_and(|hosted| hosted.running.is_some())
        {
            self.defer(id, pen, command);
            return;
        }
        let mut draft = Draft::default();
        let reply = match command {
            Command::Install { source, .. } => self.install_whole(pen, source, &mut draft),
            Command::Uninstall { rid, .. } => self.uninstall(pen, &rid, &mut draft),
            _ => return,
        };
        self.share_rulesets(pen);
        draft.reply(id, reply);
        self.commit(draft);
    }

    /// Lets a PEN share its set of rulesets with others that have the same.
    pub(crate) fn share_rulesets(&mut self, pen: PenId) {
        if let Some(hosted) = self.pens.get_mut(&pen) {
            self.common.share(&mut hosted.state);
        }
    }

    fn defer(&mut self, id: CommandId, pen: PenId, command: Command) {
        let waiting_max = self.config.commands_waiting_max;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        if hosted.deferred.len() < waiting_max {
            hosted.deferred.push_back((id, command));
            return;
        }
        let message = format!("{waiting_max} commands wait for the running event already");
        let fault = Fault::new(Whose::World, "queue-full", message).hint("try again later");
        self.reply(id, Err(fault));
    }

    /// Installs a ruleset and, before it, the modules that it lacks and the node brings. If it is
    /// refused then, those stay.
    fn install_whole(
        &mut self,
        pen: PenId,
        source: String,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let (_, program) = self.compile(&source)?;
        for source in self.lacking(pen, program.as_ref(), 0)? {
            self.install(pen, source.to_string(), draft)?;
        }
        self.install(pen, source, draft)
    }

    /// The modules that a ruleset needs, the PEN lacks and the node brings, each after those that
    /// it needs itself; some may come twice, which does no harm.
    fn lacking(
        &mut self,
        pen: PenId,
        program: &dyn Program,
        depth: usize,
    ) -> Result<Vec<Arc<str>>, Fault> {
        let mut lacking = Vec::new();
        // Modules that use each other are found out when they are installed.
        if depth > self.config.library.len() {
            return Ok(lacking);
        }
        for module in program.modules() {
            if self.hosted(pen)?.place(module).is_some() {
                continue;
            }
            let Some(source) = self.config.library.get(module).cloned() else {
                continue;
            };
            let (_, program) = self.compile(&source)?;
            lacking.extend(self.lacking(pen, program.as_ref(), depth + 1)?);
            lacking.push(source);
        }
        Ok(lacking)
    }

    fn install(&mut self, pen: PenId, source: String, draft: &mut Draft) -> Result<Reply, Fault> {
        let rulesets_max = self.config.rulesets_max;
        let (hash, program) = self.compile(&source)?;
        let known = self.programs.contains_key(&hash);
        let hosted = self.hosted_mut(pen)?;
        let rid = program.rid().clone();
        let before = hosted.place(&rid);
        if before.is_none() && hosted.places.len() >= rulesets_max {
            return Err(rulesets_full(rulesets_max));
        }
        let gone = hosted.state.install(program.clone())?;
        write_gone(pen, gone, draft);
        for key in hosted.mended(&rid) {
            draft.remove(key);
        }
        let place = before.unwrap_or_else(|| hosted.place_next());
        hosted.places.insert(place, (rid.clone(), hash));
        draft.put(
            Key::Ruleset(pen, place),
            Record::Ruleset {
                rid: rid.clone(),
                program: hash,
            },
        );
        let since = hosted.evaluated_next();
        draft.put(
            Key::Installed(pen, since, rid.clone()),
            Record::Installed {
                program: Some(hash),
            },
        );
        if !known {
            draft.put(Key::Program(hash), Record::Program { source });
        }
        let rules = program
            .rules()
            .iter()
            .map(|rule: &Outline| rule.name.clone())
            .collect();
        self.programs.insert(hash, program);
        self.set_instants(pen, None, draft);
        self.tell_installed(pen, &rid, draft);
        Ok(Reply::Ruleset {
            rid,
            rules,
            replaced: before.is_some(),
        })
    }

    /// Tells a PEN that a ruleset was installed, if one of its rules waits for that.
    fn tell_installed(&mut self, pen: PenId, rid: &Name, draft: &mut Draft) {
        let symbol = Symbol {
            domain: Some(fixed(SYSTEM)),
            kind: Some(fixed(RULESET_INSTALLED)),
        };
        let waits = |hosted: &Hosted| hosted.selects(&symbol);
        if self.pens.get(&pen).is_some_and(waits) {
            let attributes = Map::from([("rid", attribute(rid))]);
            let event = self.happening(SYSTEM, RULESET_INSTALLED, attributes);
            self.tell(pen, draft, event);
        }
    }

    fn uninstall(&mut self, pen: PenId, rid: &Name, draft: &mut Draft) -> Result<Reply, Fault> {
        let hosted = self.hosted_mut(pen)?;
        let gone = if hosted.broken.contains_key(rid) {
            hosted.state.forget_ruleset(rid)
        } else {
            hosted.state.uninstall(rid)?
        };
        write_gone(pen, gone, draft);
        for key in hosted.mended(rid) {
            draft.remove(key);
        }
        if let Some(place) = hosted.place(rid) {
            hosted.places.remove(&place);
            draft.remove(Key::Ruleset(pen, place));
        }
        draft.put(
            Key::Installed(pen, hosted.evaluated_next(), rid.clone()),
            Record::Installed { program: None },
        );
        Ok(Reply::Done)
    }

    /// The program of that text, compiled once for all PENs.
    fn compile(&mut self, source: &str) -> Result<([u8; 32], Arc<dyn Program>), Fault> {
        let bytes_max = self.config.program_bytes_max;
        if source.len() > bytes_max {
            let message = format!(
                "the program has {} bytes, {bytes_max} are allowed",
                source.len()
            );
            return Err(Fault::new(Whose::Caller, "program-oversize", message)
                .hint("split it into several rulesets"));
        }
        let hash = *blake3::hash(source.as_bytes()).as_bytes();
        if let Some(program) = self.programs.get(&hash) {
            return Ok((hash, program.clone()));
        }
        let program = self
            .language
            .compile_among(source, &mut self.patterns)
            .map_err(one_fault)?;
        Ok((hash, program))
    }

    /// Answers a query at once, from what the PEN knows now.
    pub(crate) fn query(
        &mut self,
        pen: PenId,
        channel: Option<Eci>,
        (rid, name): (&Name, &Name),
        arguments: &Map,
    ) -> Result<Value, Fault> {
        let seed = self.random_bytes();
        let hosted = self.hosted(pen)?;
        if let Some(broken) = hosted.broken.get(rid) {
            return Err(ruleset_broken(rid, &broken.fault));
        }
        let program = hosted
            .state
            .program(rid)
            .ok_or_else(|| ruleset_unknown(rid))?;
        if !program.queries().contains(name) {
            return Err(query_unknown(rid, name));
        }
        let scene = Scene {
            view: &hosted.state,
            event: None,
            channel,
            bindings: &BTreeMap::new(),
            now: self.now,
            seed,
            answers: &Answers::new(),
            limits: &self.config.evaluation.rule,
        };
        program.query(name, arguments, &scene).map_err(stopped)
    }

    /// Asks a ruleset for somebody who comes by a channel, or says why not.
    pub(crate) fn query_by(
        &mut self,
        channel: Eci,
        door: &Door,
        (rid, name): (&Name, &Name),
        arguments: &Map,
    ) -> Result<Value, Fault> {
        let (pen, found) = self.channel(&channel)?;
        check_door(found, door)?;
        let state = &self.hosted(pen)?.state;
        state.permits_query(&channel, rid, name)?;
        self.query(pen, Some(channel), (rid, name), arguments)
    }
}

impl Hosted {
    /// The ruleset's place in the install order.
    fn place(&self, rid: &Name) -> Option<u32> {
        self.places
            .iter()
            .find(|(_, (installed, _))| installed == rid)
            .map(|(place, _)| *place)
    }

    /// Whether a rule names that event.
    fn selects(&self, symbol: &Symbol) -> bool {
        let names = |primitive: &Primitive| primitive.symbol == *symbol;
        let mut rules = self.state.programs().flat_map(|program| program.rules());
        rules.any(|rule| rule.select.primitives().into_iter().any(names))
    }

    /// A ruleset that did not compile is replaced or taken out: gives what is left of its automata.
    fn mended(&mut self, rid: &Name) -> Vec<Key> {
        let broken = self.broken.remove(rid);
        broken.map_or_else(Vec::new, |broken| broken.automata)
    }

    /// The journal position of the next event whose rules run.
    fn evaluated_next(&self) -> u64 {
        self.queue.front().map_or(self.next, |entry| entry.position)
    }

    fn place_next(&self) -> u32 {
        self.places
            .last_key_value()
            .map_or(0, |(last, _)| last.saturating_add(1))
    }
}

fn write_gone(pen: PenId, gone: Gone, draft: &mut Draft) {
    let Gone {
        automata,
        timers,
        variables,
    } = gone;
    for (rid, rule, piece) in automata {
        draft.remove(Key::piece(pen, rid, rule, piece));
    }
    for id in timers {
        draft.remove(Key::Timer(pen, id));
    }
    for (rid, name, part) in variables {
        draft.remove(Key::part(pen, rid, name, part));
    }
}

/// All that the compiler found, in the one fault that a reply has room for.
fn one_fault(faults: Vec<Fault>) -> Fault {
    let messages: Vec<&str> = faults.iter().map(|fault| fault.message.as_str()).collect();
    let message = messages.join("\n");
    match faults.into_iter().next() {
        Some(first) => Fault { message, ..first },
        None => Fault::new(Whose::Bug, "program-refused", "the compiler gave no reason"),
    }
}

fn stopped(stop: Stop) -> Fault {
    match stop {
        Stop::Ask(_) => {
            let message = "a query cannot wait for the world, this one asks it something";
            Fault::new(Whose::Ruleset, "question-unsupported", message)
                .hint("ask in a rule, and keep the answer in a variable")
        }
        Stop::Error(RuleError { code, message }) => Fault::new(Whose::Ruleset, code, message),
    }
}

fn rulesets_full(rulesets_max: usize) -> Fault {
    let message = format!("the PEN has {rulesets_max} rulesets, which is the most");
    Fault::new(Whose::Caller, "rulesets-full", message).hint("uninstall one that is not used")
}

fn ruleset_unknown(rid: &Name) -> Fault {
    let message = format!("there is no ruleset {rid} in this PEN");
    Fault::new(Whose::Caller, "ruleset-unknown", message)
        .hint("list the PEN to see what is installed")
}

fn ruleset_broken(rid: &Name, fault: &Fault) -> Fault {
    let message = format!("the ruleset {rid} does not compile: {fault}");
    Fault::new(Whose::Ruleset, "ruleset-broken", message).hint("install a text of it that does")
}

fn query_unknown(rid: &Name, name: &Name) -> Fault {
    let message = format!("the ruleset {rid} answers no query {name}");
    Fault::new(Whose::Caller, "query-unknown", message)
        .hint("list the PEN to see what can be asked")
}
