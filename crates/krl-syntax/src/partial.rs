//! What can be known of a source with errors.

use std::collections::BTreeSet;

use crate::{
    ast::{PropertyKind, Ruleset, Span},
    diagnostic::{Diagnostic, Severity},
    lexer::{Token, TokenKind, tokenize},
    parser::{DIAGNOSTICS_MAX, Parsed},
};

/// A ruleset without the parts of it that have errors.
#[derive(Clone, Debug, PartialEq)]
pub struct Partial {
    /// The properties, declarations and rules that were read whole.
    pub ruleset: Ruleset,
    /// Names that the other parts may declare.
    pub declared: BTreeSet<String>,
    /// All words of the other parts.
    pub mentioned: BTreeSet<String>,
}

impl Partial {
    /// What is whole of a source. None if no ruleset was found, or if there is more wrong with it
    /// than was told.
    pub fn new(source: &str, parsed: &Parsed) -> Option<Self> {
        let mut ruleset = parsed.ruleset.clone()?;
        if parsed.diagnostics.len() > DIAGNOSTICS_MAX {
            return None;
        }
        let errors = parsed.diagnostics.iter();
        let errors = errors.filter(|found| found.severity == Severity::Error);
        let mut lost = Lost {
            broken: errors.map(Diagnostic::span).collect(),
            parts: parsed.skipped.clone(),
            declared: BTreeSet::new(),
        };
        lost.broken.extend(&parsed.skipped);
        lost.take_from(&mut ruleset);
        let words = words(source);
        let in_any = |span: Span, spans: &[Span]| spans.iter().any(|lost| overlap(*lost, span));
        let mentioned = words.iter().filter(|word| in_any(word.span, &lost.parts));
        let mentioned = mentioned.map(|word| word.text.to_owned()).collect();
        let declared = words.iter().filter(|word| word.is_declared);
        let declared = declared.filter(|word| in_any(word.span, &parsed.skipped));
        let mut names = lost.declared;
        names.extend(declared.map(|word| word.text.to_owned()));
        Some(Self {
            ruleset,
            declared: names,
            mentioned,
        })
    }
}

/// What is taken out of a ruleset.
struct Lost {
    /// Where something is wrong.
    broken: Vec<Span>,
    /// What is not in the tree, or not any more.
    parts: Vec<Span>,
    /// The names of what is taken out.
    declared: BTreeSet<String>,
}

impl Lost {
    fn take_from(&mut self, ruleset: &mut Ruleset) {
        ruleset.version = None;
        ruleset.dispatch.clear();
        ruleset.emissions.clear();
        for dataset in ruleset.datasets.drain(..) {
            self.declared.insert(dataset.name.name);
        }
        ruleset.rules.retain(|rule| self.keeps(rule.span));
        ruleset.globals.retain(|global| {
            let kept = self.keeps(global.span);
            if !kept {
                self.declared.insert(global.name.name.clone());
            }
            kept
        });
        let Some(meta) = &mut ruleset.meta else {
            return;
        };
        meta.properties.retain(|property| {
            let kept = self.keeps(property.span);
            if let PropertyKind::Configure(declarations) = &property.kind
                && !kept
            {
                let names = declarations.iter().map(|one| one.name.name.clone());
                self.declared.extend(names);
            }
            kept
        });
    }

    /// Whether a part is whole; if not, it is noted as lost.
    fn keeps(&mut self, part: Span) -> bool {
        let whole = !self.broken.iter().any(|broken| overlap(*broken, part));
        if !whole {
            self.parts.push(part);
        }
        whole
    }
}

/// Whether two places have something in common. An empty one is where the next character is.
fn overlap(one: Span, other: Span) -> bool {
    let end = |span: Span| span.end.max(span.start + 1);
    one.start < end(other) && other.start < end(one)
}

/// A word of a source.
struct Word<'s> {
    text: &'s str,
    span: Span,
    /// Whether it looks as if something were given this name here.
    is_declared: bool,
}

fn words(source: &str) -> Vec<Word<'_>> {
    let tokens = tokenize(source).into_iter();
    let tokens: Vec<Token> = tokens.filter(|token| !token.kind.is_trivia()).collect();
    let text = |at: usize| {
        let token = tokens.get(at);
        token.map_or("", |token| token.span.text(source))
    };
    let words = tokens.iter().enumerate();
    let words = words.filter(|(_, token)| token.kind == TokenKind::Symbol);
    let words = words.map(|(at, token)| Word {
        text: text(at),
        span: token.span,
        is_declared: text(at + 1) == "="
            || matches!(
                at.checked_sub(1).map(text),
                Some("alias" | "dataset" | "datasource" | "module")
            ),
    });
    words.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse_ruleset;

    #[test]
    fn what_is_wrong_is_taken_out_and_remembered() {
        let source = "ruleset a {
            meta { shares f use module x alias }
            global { f = function(){ 1 } g = [1 + ] h = = 2 i = 3 }
            rule whole { select when b c }
            rule wrong { select when b c if then noop() fired { ent:x := h } }
            rule open { select when b c pre { y = 1 }
            rule last { select when b c }
        }";
        let partial = Partial::new(source, &parse_ruleset(source)).unwrap();
        let tree = &partial.ruleset;
        let rules: Vec<_> = tree.rules.iter().map(|rule| &*rule.name.name).collect();
        assert_eq!(rules, ["whole", "last"]);
        let globals: Vec<_> = tree.globals.iter().map(|one| &*one.name.name).collect();
        assert_eq!(globals, ["f"]);
        let declared: Vec<_> = partial.declared.iter().map(String::as_str).collect();
        assert_eq!(declared, ["g", "h", "i", "x", "y"]);
        assert!(partial.mentioned.contains("wrong"));
        assert!(!partial.mentioned.contains("whole"));
        assert_eq!(Partial::new("rule", &parse_ruleset("rule")), None);
    }
}
