//! Rulesets of a PEN: install, replace, take out.

use std::sync::Arc;

use stratus_event::{Fault, Map, Name, PenId, Value, Whose};
use stratus_pen::{
    Gone, Permissions, Terms,
    language::{Outline, Program, StateView as _},
};
use stratus_salience::{Primitive, Symbol};

use crate::{
    Command, CommandId, Engine, Key, Record, Reply, Updated, Version,
    commit::Draft,
    hosted::Hosted,
    names::{RULESET_FAILED, RULESET_INSTALLED, RULESET_UPDATED, SYSTEM, attribute, fixed},
    permit::permissions_needed,
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
            Command::Install {
                source,
                from,
                configuration,
                permissions,
                ..
            } => {
                let text = Text {
                    source,
                    from,
                    configuration,
                    granted: permissions.map(|granted| *granted),
                    unattended: false,
                };
                self.install_whole(pen, text, &mut draft)
            }
            Command::Update { from, text, .. } => self.update(pen, &from, &text, &mut draft),
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
    fn install_whole(&mut self, pen: PenId, text: Text, draft: &mut Draft) -> Result<Reply, Fault> {
        let (_, program) = self.compile(&text.source)?;
        for source in self.lacking(pen, program.as_ref(), 0)? {
            self.install(pen, Text::brought(&source), draft)?;
        }
        self.install(pen, text, draft)
    }

    /// Gives a new child a ruleset that the node brings. What cannot be given is told the parent.
    pub(crate) fn endow(&mut self, parent: PenId, child: PenId, rid: &Name, draft: &mut Draft) {
        let source = self.config.library.get(rid).cloned();
        let given = source
            .ok_or_else(|| ruleset_unbrought(rid))
            .and_then(|source| self.install_whole(child, Text::brought(&source), draft));
        if let Err(fault) = given {
            let attributes = Map::from([
                ("rid", attribute(rid)),
                ("code", Value::text(&*fault.code)),
                ("reason", Value::text(&*fault.message)),
            ]);
            let event = self.happening(SYSTEM, RULESET_FAILED, attributes);
            self.tell(parent, draft, event);
        }
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

    fn install(&mut self, pen: PenId, text: Text, draft: &mut Draft) -> Result<Reply, Fault> {
        let (hash, program) = self.compile(&text.source)?;
        let rid = program.rid().clone();
        let permissions = text.permissions(program.as_ref())?;
        let before = self.check_place(pen, &rid)?;
        let known = self.programs.contains_key(&hash);
        let hosted = self.hosted_mut(pen)?;
        let gone = hosted.state.install(program.clone())?;
        write_gone(pen, gone, draft);
        for key in hosted.mended(&rid) {
            draft.remove(key);
        }
        hosted.settle_terms(&rid, &text, permissions.clone());
        let place = before.unwrap_or_else(|| hosted.place_next());
        let old = hosted.places.insert(place, (rid.clone(), hash));
        let since = hosted.evaluated_next();
        draft.put(
            Key::Installed(pen, since, rid.clone()),
            Record::Installed {
                program: Some(hash),
            },
        );
        if !known {
            let source = text.source;
            draft.put(Key::Program(hash), Record::Program { source });
        }
        let rules = program
            .rules()
            .iter()
            .map(|rule: &Outline| rule.name.clone())
            .collect();
        self.programs.insert(hash, program);
        self.note_version(pen, &rid, (hash, text.from), draft);
        self.set_instants(pen, None, draft);
        self.tell_installed(pen, &rid, draft);
        if old.is_some_and(|(_, old)| old != hash) {
            self.tell_updated(pen, &rid, hash, draft);
        }
        Ok(Reply::Ruleset {
            rid,
            rules,
            replaced: before.is_some(),
            hash,
            permissions,
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

    /// The place of a ruleset that is there; refuses one more than there may be.
    fn check_place(&self, pen: PenId, rid: &Name) -> Result<Option<u32>, Fault> {
        let rulesets_max = self.config.rulesets_max;
        let hosted = self.hosted(pen)?;
        let place = hosted.place(rid);
        if place.is_none() && hosted.places.len() >= rulesets_max {
            return Err(rulesets_full(rulesets_max));
        }
        Ok(place)
    }

    /// Brings the rulesets up to date whose texts come from that address. One that cannot be keeps
    /// the text that it has; its PEN is told, and nothing else is held up.
    fn update(
        &mut self,
        pen: PenId,
        from: &str,
        text: &Result<String, Fault>,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        let hosted = self.hosted(pen)?;
        let installed: Vec<(Name, [u8; 32])> = hosted.places.values().cloned().collect();
        let mut updated = Updated::default();
        for (rid, hash) in installed {
            let terms = self.hosted(pen)?.state.terms(&rid);
            if terms.from.as_deref() != Some(from) {
                continue;
            }
            match text {
                Ok(source) if *blake3::hash(source.as_bytes()).as_bytes() == hash => {
                    self.set_trouble(pen, &rid, None, draft);
                    updated.unchanged.push(rid);
                }
                _ => match self.update_ruleset(pen, &rid, from, text.clone(), draft) {
                    Ok(()) => updated.changed.push(rid),
                    Err(fault) => {
                        self.set_trouble(pen, &rid, Some(fault.clone()), draft);
                        self.tell_ruleset_failed(pen, &rid, from, &fault, draft);
                        updated.failed.push((rid, fault));
                    }
                },
            }
        }
        Ok(Reply::Updated(updated))
    }

    /// A new text may not want more than the old one, unless that was permitted.
    fn update_ruleset(
        &mut self,
        pen: PenId,
        rid: &Name,
        from: &str,
        text: Result<String, Fault>,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let source = text?;
        let (_, program) = self.compile(&source)?;
        if program.rid() != rid {
            return Err(another_ruleset(rid, program.rid()));
        }
        let state = &self.hosted(pen)?.state;
        let old = state.program(rid).map(|old| old.wants());
        let granted = state.terms(rid).permissions;
        let granted = granted.or_else(|| old.clone()).unwrap_or_default();
        let mut known = granted.clone();
        known.extend(&old.unwrap_or_default());
        let lacking = known.lacking(&program.wants());
        if !lacking.is_empty() {
            return Err(permissions_needed(rid, &lacking));
        }
        let text = Text {
            source,
            from: Some(from.to_owned()),
            configuration: None,
            granted: Some(granted),
            unattended: true,
        };
        self.install(pen, text, draft).map(drop)
    }

    /// Writes the ruleset's record with one more text in its history.
    fn note_version(
        &mut self,
        pen: PenId,
        rid: &Name,
        (program, from): ([u8; 32], Option<String>),
        draft: &mut Draft,
    ) {
        let (at, versions_max) = (self.now, self.config.versions_max.max(1));
        if let Some(hosted) = self.pens.get_mut(&pen) {
            let history = hosted.histories.entry(rid.clone()).or_default();
            history.trouble = None;
            if history
                .versions
                .last()
                .is_none_or(|last| last.program != program)
            {
                history.versions.push(Version { program, at, from });
            }
            let surplus = history.versions.len().saturating_sub(versions_max);
            history.versions.drain(..surplus);
            hosted.write_ruleset(pen, rid, draft);
        }
    }

    fn set_trouble(&mut self, pen: PenId, rid: &Name, trouble: Option<Fault>, draft: &mut Draft) {
        if let Some(hosted) = self.pens.get_mut(&pen) {
            let history = hosted.histories.entry(rid.clone()).or_default();
            if history.trouble != trouble {
                history.trouble = trouble;
                hosted.write_ruleset(pen, rid, draft);
            }
        }
    }

    fn tell_updated(&mut self, pen: PenId, rid: &Name, hash: [u8; 32], draft: &mut Draft) {
        let hash = blake3::Hash::from_bytes(hash).to_hex();
        let attributes = Map::from([
            ("rid", attribute(rid)),
            ("hash", Value::text(hash.as_str())),
        ]);
        let event = self.happening(SYSTEM, RULESET_UPDATED, attributes);
        self.tell(pen, draft, event);
    }

    fn tell_ruleset_failed(
        &mut self,
        pen: PenId,
        rid: &Name,
        from: &str,
        fault: &Fault,
        draft: &mut Draft,
    ) {
        let attributes = Map::from([
            ("rid", attribute(rid)),
            ("url", Value::text(from)),
            ("code", Value::text(&fault.code)),
            ("reason", Value::text(&fault.message)),
        ]);
        let event = self.happening(SYSTEM, RULESET_FAILED, attributes);
        self.tell(pen, draft, event);
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
            hosted.histories.remove(rid);
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
}

/// A text that is to be installed, and on which terms.
struct Text {
    source: String,
    from: Option<String>,
    configuration: Option<Map>,
    granted: Option<Permissions>,
    /// Nobody was asked: what is granted has been looked at.
    unattended: bool,
}

impl Text {
    /// One that the node brings.
    fn brought(source: &str) -> Self {
        Self {
            source: source.to_owned(),
            from: None,
            configuration: None,
            granted: None,
            unattended: false,
        }
    }

    /// What the program may do; the owner must not leave out by mistake what it names.
    fn permissions(&self, program: &dyn Program) -> Result<Permissions, Fault> {
        let wanted = program.wants();
        let Some(granted) = &self.granted else {
            return Ok(wanted);
        };
        let left_out = granted.left_out(&wanted);
        if left_out.is_empty() || self.unattended {
            return Ok(granted.clone());
        }
        Err(permissions_needed(program.rid(), &left_out))
    }
}

impl Hosted {
    fn settle_terms(&mut self, rid: &Name, text: &Text, permissions: Permissions) {
        let before = self.state.terms(rid).configuration;
        let configuration = text.configuration.clone().unwrap_or(before);
        let terms = Terms {
            configuration,
            from: text.from.clone(),
            permissions: Some(permissions),
        };
        self.state.set_terms(rid, terms);
    }

    fn write_ruleset(&self, pen: PenId, rid: &Name, draft: &mut Draft) {
        let mut places = self.places.iter();
        let Some((place, (_, program))) = places.find(|(_, (known, _))| known == rid) else {
            return;
        };
        let history = self.histories.get(rid).cloned().unwrap_or_default();
        let record = Record::Ruleset {
            rid: rid.clone(),
            program: *program,
            terms: self.state.terms(rid),
            versions: history.versions,
            trouble: history.trouble,
        };
        draft.put(Key::Ruleset(pen, *place), record);
    }

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

fn another_ruleset(rid: &Name, other: &Name) -> Fault {
    let message = format!("where the text of {rid} stood, that of {other} stands now");
    Fault::new(Whose::World, "ruleset-another", message)
        .hint("install the other one by itself, if you want it")
}

fn rulesets_full(rulesets_max: usize) -> Fault {
    let message = format!("the PEN has {rulesets_max} rulesets, which is the most");
    Fault::new(Whose::Caller, "rulesets-full", message).hint("uninstall one that is not used")
}

fn ruleset_unbrought(rid: &Name) -> Fault {
    let message = format!("the node brings no ruleset {rid}");
    Fault::new(Whose::Ruleset, "ruleset-unbrought", message)
        .hint("install it in the child once that is there")
}

pub(crate) fn ruleset_broken(rid: &Name, fault: &Fault) -> Fault {
    let message = format!("the ruleset {rid} does not compile: {fault}");
    Fault::new(Whose::Ruleset, "ruleset-broken", message).hint("install a text of it that does")
}
