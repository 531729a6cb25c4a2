//! Which name means what: scopes while a ruleset is compiled.

use std::{cell::Cell, collections::BTreeMap};

use stratus_krl_syntax::ast::Span;

use crate::program::Local;

/// The names in scope at one place of the source.
#[derive(Debug, Default)]
pub(crate) struct Scope {
    functions: Vec<FunctionScope>,
}

impl Scope {
    /// Enters the body of a function or of a rule: a frame of its own.
    pub(crate) fn enter_function(&mut self) {
        self.functions.push(FunctionScope {
            levels: vec![Level::default()],
            slots: 0,
        });
    }

    /// Leaves it; the number of slots that its frame needs.
    pub(crate) fn leave_function(&mut self) -> usize {
        self.functions.pop().map_or(0, |function| function.slots)
    }

    /// Enters a block within the same frame. Its names may hide those outside.
    pub(crate) fn enter_block(&mut self) {
        if let Some(function) = self.functions.last_mut() {
            function.levels.push(Level::default());
        }
    }

    /// Leaves the block; its slots are not used again.
    pub(crate) fn leave_block(&mut self) {
        if let Some(function) = self.functions.last_mut() {
            function.levels.pop();
        }
    }

    /// Declares a name in the innermost block. It is seen by functions at once, because they run
    /// later, and by other expressions after [`Self::reveal`]. None if the block has it already.
    pub(crate) fn declare(&mut self, name: &str, kind: Kind) -> Option<usize> {
        let function = self.functions.last_mut()?;
        let level = function.levels.last_mut()?;
        if level.names.contains_key(name) {
            return None;
        }
        let slot = function.slots;
        function.slots += 1;
        level.names.insert(
            name.to_owned(),
            Entry {
                slot,
                kind,
                visible: false,
                used: Cell::new(false),
                span: None,
            },
        );
        Some(slot)
    }

    /// From here on, the name is seen.
    pub(crate) fn reveal(&mut self, name: &str) {
        let level = self
            .functions
            .last_mut()
            .and_then(|function| function.levels.last_mut());
        if let Some(entry) = level.and_then(|level| level.names.get_mut(name)) {
            entry.visible = true;
        }
    }

    /// The slot of a name of the innermost block.
    pub(crate) fn slot(&self, name: &str) -> Option<usize> {
        let level = self.functions.last()?.levels.last()?;
        level.names.get(name).map(|entry| entry.slot)
    }

    /// Says where a name of the innermost block stands: one that is declared, not set by something.
    pub(crate) fn spanned(&mut self, name: &str, span: Span) {
        let function = self.functions.last_mut();
        let level = function.and_then(|function| function.levels.last_mut());
        if let Some(entry) = level.and_then(|level| level.names.get_mut(name)) {
            entry.span = Some(span);
        }
    }

    /// The declarations of the innermost function that nothing has used, in textual order.
    pub(crate) fn unused(&self) -> Vec<(String, Span)> {
        let function = self.functions.last();
        let levels = function.into_iter().flat_map(|function| &function.levels);
        let entries = levels.flat_map(|level| &level.names);
        let unused = entries.filter(|(_, entry)| !entry.used.get());
        let mut unused: Vec<_> = unused
            .filter_map(|(name, entry)| Some((name.clone(), entry.span?)))
            .collect();
        unused.sort_by_key(|(_, span)| span.start);
        unused
    }

    /// A slot without a name.
    pub(crate) fn reserve(&mut self) -> usize {
        self.functions.last_mut().map_or(0, |function| {
            function.slots += 1;
            function.slots - 1
        })
    }

    /// What a name means.
    pub(crate) fn find(&self, name: &str) -> Option<(Local, Kind)> {
        for (up, function) in self.functions.iter().rev().enumerate() {
            for level in function.levels.iter().rev() {
                if let Some(entry) = level
                    .names
                    .get(name)
                    .filter(|entry| entry.visible || up > 0)
                {
                    entry.used.set(true);
                    let up = u32::try_from(up).ok()?;
                    return Some((
                        Local {
                            up,
                            slot: entry.slot,
                        },
                        entry.kind,
                    ));
                }
            }
        }
        None
    }

    /// Whether a name of the innermost function was looked up since it was declared.
    pub(crate) fn is_used(&self, name: &str) -> bool {
        let levels = self.functions.last().into_iter();
        let levels = levels.flat_map(|function| &function.levels);
        let mut entries = levels.filter_map(|level| level.names.get(name));
        entries.any(|entry| entry.used.get())
    }

    /// Whether the place is inside some function or rule.
    pub(crate) fn depth(&self) -> usize {
        self.functions.len()
    }

    /// All names in scope, for suggestions.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let levels = self.functions.iter().flat_map(|function| &function.levels);
        levels.flat_map(|level| level.names.keys().map(String::as_str))
    }
}

/// What is known of a name's value without running anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Action,
    Any,
    /// Both a function and an action.
    Either,
    Function,
}

#[derive(Debug)]
struct FunctionScope {
    levels: Vec<Level>,
    slots: usize,
}

#[derive(Debug, Default)]
struct Level {
    names: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    slot: usize,
    kind: Kind,
    visible: bool,
    used: Cell<bool>,
    /// Where it is declared; none if something else binds it.
    span: Option<Span>,
}

/// The candidate that was probably meant, if one is near enough.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl Iterator<Item = &'a str>,
) -> Option<&'a str> {
    // A third of the letters may differ: in a name of two, none.
    let allowed = (name.chars().count() / 3).min(3);
    candidates
        .filter(|candidate| *candidate != name)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min()
        .map(|(_, candidate)| candidate)
}

/// `; did you mean …?`, or nothing.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |near| format!("; did you mean {near}?"))
}

/// Levenshtein's distance, ignoring case; a difference in length of more than 3 counts as far.
fn distance(one: &str, two: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().take(64).collect();
    let two: Vec<char> = two.to_lowercase().chars().take(64).collect();
    if one.len().abs_diff(two.len()) > 3 {
        return usize::MAX;
    }
    let mut row: Vec<usize> = (0..=two.len()).collect();
    for (above, left) in one.iter().enumerate() {
        let mut diagonal = above;
        let mut previous = above + 1;
        for (cell, right) in row.iter_mut().skip(1).zip(&two) {
            let replaced = diagonal + usize::from(left != right);
            diagonal = *cell;
            *cell = replaced.min(previous + 1).min(diagonal + 1);
            previous = *cell;
        }
        if let Some(first) = row.first_mut() {
            *first = above + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_blocks_hide_outer_ones_once_declared() {
        let mut scope = Scope::default();
        scope.enter_function();
        scope.declare("a", Kind::Any);
        scope.reveal("a");
        scope.enter_block();
        scope.declare("a", Kind::Any);
        assert_eq!(scope.find("a").unwrap().0, Local { up: 0, slot: 0 });
        scope.reveal("a");
        assert_eq!(scope.find("a").unwrap().0, Local { up: 0, slot: 1 });
        scope.enter_function();
        assert_eq!(scope.find("a").unwrap().0, Local { up: 1, slot: 1 });
        assert_eq!(scope.find("b"), None);
    }

    #[test]
    fn a_block_has_a_name_once() {
        let mut scope = Scope::default();
        scope.enter_function();
        assert_eq!(scope.declare("a", Kind::Any), Some(0));
        assert_eq!(scope.declare("a", Kind::Any), None);
        assert_eq!(scope.leave_function(), 1);
    }

    #[test]
    fn near_names_are_suggested() {
        let names = ["capitalize", "length", "lc"];
        assert_eq!(nearest("lenght", names.into_iter()), Some("length"));
        assert_eq!(nearest("capitalise", names.into_iter()), Some("capitalize"));
        assert_eq!(nearest("zebra", names.into_iter()), None);
    }
}
