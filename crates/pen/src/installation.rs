//! Rulesets come and go.

use std::{collections::BTreeSet, sync::Arc};

use stratus_event::{Fault, Name, Whose};
use stratus_salience::{Piece, Progress};

use crate::{
    State, Terms,
    language::Program,
    rulesets::{Rule, Rulesets},
    variable::{self, Part},
};

/// What went away with a ruleset: what the store has to remove.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gone {
    /// What is written of automata that were not at their start: ruleset, rule, piece.
    pub automata: Vec<(Name, Name, Piece)>,
    /// Timers.
    pub timers: Vec<Name>,
    /// What is written of variables: ruleset, name, part.
    pub variables: Vec<(Name, Name, Part)>,
}

impl State {
    /// Installs a ruleset, or replaces the one of the same id. The new one takes over the place,
    /// the variables, the timers, and the automata of those rules whose name and event expression
    /// stay. [`State::instants`] then says which instants are waited for.
    ///
    /// The modules that it uses must be installed (`module-missing`) and must not use it
    /// (`module-cycle`); its event expressions must be within the bounds of
    /// [`stratus_salience::Expression::check`] (`expression-unfit`).
    pub fn install(&mut self, program: Arc<dyn Program>) -> Result<Gone, Fault> {
        self.check_modules(program.as_ref())?;
        check_expressions(program.as_ref())?;
        Ok(self.restore_ruleset(program))
    }

    /// Like [`State::install`] without its checks, for rulesets that were installed before: they
    /// come back in install order, which need not be the order of who uses whom.
    pub fn restore_ruleset(&mut self, program: Arc<dyn Program>) -> Gone {
        let rid = program.rid().clone();
        self.take_over(&rid, |rulesets| Arc::make_mut(rulesets).put(program))
    }

    /// Changes the ruleset of that id; its automata go on where they can.
    pub(crate) fn take_over(
        &mut self,
        rid: &Name,
        change: impl FnOnce(&mut Arc<Rulesets>),
    ) -> Gone {
        let before = self.rulesets.clone();
        let begun = self.take_automata(rid);
        change(&mut self.rulesets);
        let mut gone = Gone {
            timers: self.drop_instants(&before, rid),
            ..Gone::default()
        };
        for (name, progress) in begun {
            let old = before.named(rid, &name);
            let new = self.rulesets.named(rid, &name);
            match old.zip(new).filter(|(old, new)| new.continues(old)) {
                Some((_, new)) => Arc::make_mut(&mut self.automata).put(&new, progress),
                None => gone.automata.extend(pieces(rid, &name, &progress)),
            }
        }
        gone
    }

    /// Takes a ruleset out, with its variables and timers, unless it is not there
    /// (`ruleset-unknown`) or another one uses it as a module (`ruleset-used`).
    pub fn uninstall(&mut self, rid: &Name) -> Result<Gone, Fault> {
        if self.rulesets.program(rid).is_none() {
            return Err(ruleset_unknown(rid));
        }
        if let Some(user) = self
            .programs()
            .find(|program| program.modules().contains(rid))
        {
            return Err(ruleset_used(rid, user.rid()));
        }
        Ok(self.forget_ruleset(rid))
    }

    /// Takes out all that belongs to a ruleset, be it there or not.
    pub fn forget_ruleset(&mut self, rid: &Name) -> Gone {
        let begun = self.take_automata(rid);
        let gone = Gone {
            automata: begun
                .iter()
                .flat_map(|(rule, progress)| pieces(rid, rule, progress))
                .collect(),
            timers: self
                .all_timers()
                .filter(|timer| timer.rid == *rid)
                .map(|timer| timer.id.clone())
                .collect(),
            variables: self.variable_parts(rid),
        };
        Arc::make_mut(&mut self.timers).retain(|_, timer| timer.rid != *rid);
        Arc::make_mut(&mut self.variables).remove(rid);
        Arc::make_mut(&mut self.rulesets).remove(rid);
        self.set_terms(rid, Terms::default());
        gone
    }

    /// All that is written of the ruleset's variables.
    fn variable_parts(&self, rid: &Name) -> Vec<(Name, Name, Part)> {
        let mut parts = Vec::new();
        for (name, value) in self.variables(rid) {
            let gone = variable::rewritten(Some(value), None, 0).unwrap_or_default();
            parts.extend(
                gone.into_iter()
                    .map(|(part, _)| (rid.clone(), name.clone(), part)),
            );
        }
        parts
    }

    /// Takes out the timers of the instants for which rules waited that are gone, or wait for
    /// others now.
    fn drop_instants(&mut self, before: &Rulesets, rid: &Name) -> Vec<Name> {
        let mut dropped = Vec::new();
        for old in before.rules(rid).filter(|old| old.automaton.has_instants()) {
            let new = self.rulesets.named(rid, &old.outline.name);
            if new.is_none_or(|new| !new.continues(&old)) {
                dropped.extend(self.instant_timer(&old).map(|timer| timer.id.clone()));
            }
        }
        for id in &dropped {
            self.remove_timer(id);
        }
        dropped
    }

    /// Takes out, and gives by rule, how far the ruleset's event expressions have come.
    fn take_automata(&mut self, rid: &Name) -> Vec<(Name, Progress)> {
        let rulesets = self.rulesets.clone();
        if self.automata.is_empty() {
            // It is shared with all PENs that have none.
            return Vec::new();
        }
        let automata = Arc::make_mut(&mut self.automata);
        let take = |rule: Rule<'_>| Some((rule.outline.name.clone(), automata.take(&rule)?));
        rulesets.rules(rid).filter_map(take).collect()
    }

    fn check_modules(&self, program: &dyn Program) -> Result<(), Fault> {
        let mut seen = BTreeSet::new();
        let mut open = program.modules().to_vec();
        while let Some(rid) = open.pop() {
            if rid == *program.rid() {
                return Err(module_cycle(&rid));
            }
            let module = self
                .rulesets
                .program(&rid)
                .ok_or_else(|| module_missing(program, &rid))?;
            if seen.insert(rid) {
                open.extend_from_slice(module.modules());
            }
        }
        Ok(())
    }
}

fn pieces(
    rid: &Name,
    rule: &Name,
    progress: &Progress,
) -> impl Iterator<Item = (Name, Name, Piece)> {
    let piece = |piece| (rid.clone(), rule.clone(), piece);
    progress.pieces().into_iter().map(piece)
}

fn check_expressions(program: &dyn Program) -> Result<(), Fault> {
    program.rules().iter().try_for_each(|rule| {
        rule.select.check().map_err(|error| {
            let message = format!("in the rule {} of {}: {error}", rule.name, program.rid());
            Fault::new(Whose::Ruleset, "expression-unfit", message)
                .hint("split the rule's event expression over several rules")
        })
    })
}

fn module_cycle(rid: &Name) -> Fault {
    let message = format!("the ruleset {rid} would use itself through its modules");
    Fault::new(Whose::Ruleset, "module-cycle", message)
        .hint("take one of the `use module` lines out")
}

fn module_missing(user: &dyn Program, rid: &Name) -> Fault {
    let message = format!(
        "the ruleset {} uses {rid}, which is not installed here",
        user.rid()
    );
    Fault::new(Whose::Caller, "module-missing", message).hint(format!("install {rid} first"))
}

pub(crate) fn ruleset_unknown(rid: &Name) -> Fault {
    let message = format!("the ruleset {rid} is not installed here");
    Fault::new(Whose::Caller, "ruleset-unknown", message).hint("list the installed rulesets")
}

fn ruleset_used(rid: &Name, user: &Name) -> Fault {
    let message = format!("the ruleset {rid} is used by {user}");
    Fault::new(Whose::Caller, "ruleset-used", message).hint(format!("uninstall {user} first"))
}
