//! What can be said only of rulesets that are installed together.

use stratus_event::Name;
use stratus_krl_syntax::{Diagnostic, Severity, ast::Span};
use stratus_salience::{Patterns, Symbol};

use crate::{
    compiled,
    program::{Code, Raise, Ruleset, StatementKind},
    resolve::suggestion,
    value::Value,
};

/// What there is to say of rulesets that are all that is installed in a PEN: the number of the
/// source with each. Sources with errors are left out; they are for [`crate::check`].
pub fn check_together(sources: &[&str]) -> Vec<(usize, Diagnostic)> {
    let mut patterns = Patterns::default();
    let rulesets = sources
        .iter()
        .map(|source| compiled(source, &mut patterns).0);
    let rulesets: Vec<Option<Ruleset>> = rulesets.collect();
    let selected: Vec<Symbol> = rulesets.iter().flatten().flat_map(selected).collect();
    let mut found = Vec::new();
    for (number, (ruleset, source)) in rulesets.iter().zip(sources).enumerate() {
        let raised = ruleset.iter().flat_map(raised);
        for (domain, kind, site) in raised {
            if !selected.iter().any(|symbol| covers(symbol, &domain, &kind)) {
                let name = format!("{domain}:{kind}");
                let span = named(source, site, &kind);
                found.push((number, unselected(&name, &selected, span)));
            }
        }
    }
    found
}

fn unselected(name: &str, selected: &[Symbol], span: Span) -> Diagnostic {
    let known: Vec<String> = selected.iter().map(ToString::to_string).collect();
    let near = suggestion(name, known.iter().map(String::as_str));
    let message = format!("no rule selects the event {name}{near}");
    let diagnostic = Diagnostic::error("krl-event-unselected", message, span);
    let diagnostic = diagnostic.help("look for a typing error in its domain or its type");
    Diagnostic {
        severity: Severity::Warning,
        ..diagnostic
    }
}

/// Where the type of an event stands, in a statement that begins at a place.
fn named(source: &str, site: usize, kind: &str) -> Span {
    let statement = source.get(site..).unwrap_or_default();
    let statement = statement.split(';').next().unwrap_or_default();
    match statement.find(kind) {
        Some(at) => Span::new(site + at, site + at + kind.len()),
        None => Span::new(site, site),
    }
}

/// The events that a ruleset raises or schedules whose names stand in its text, and where.
fn raised(ruleset: &Ruleset) -> Vec<(String, String, usize)> {
    let postludes = ruleset.rules.iter().map(|rule| &rule.postlude);
    let statements = postludes.flat_map(|postlude| {
        let blocks = [&postlude.fired, &postlude.notfired, &postlude.always];
        blocks.into_iter().flatten()
    });
    let raised = statements.filter_map(|statement| match &statement.kind {
        StatementKind::Raise(raise) | StatementKind::Schedule { raise, .. } => {
            let (domain, kind) = symbol(raise)?;
            Some((domain, kind, statement.site as usize))
        }
        _ => None,
    });
    raised.collect()
}

fn symbol(raise: &Raise) -> Option<(String, String)> {
    let Code::Constant(Value::Text(kind)) = &raise.kind.code else {
        return None;
    };
    if let Some(domain) = &raise.domain {
        return Some((domain.to_string(), kind.to_string()));
    }
    let (domain, kind) = kind.split_once(':')?;
    Some((domain.to_owned(), kind.to_owned()))
}

/// What the active rules of a ruleset select.
fn selected(ruleset: &Ruleset) -> Vec<Symbol> {
    let mut primitives = Vec::new();
    for rule in ruleset.outlines.iter().filter(|rule| rule.active) {
        crate::trial::primitives(&rule.select, &mut primitives);
    }
    let symbols = primitives.iter();
    symbols.map(|primitive| primitive.symbol.clone()).collect()
}

fn covers(symbol: &Symbol, domain: &str, kind: &str) -> bool {
    let is = |known: &Option<Name>, word: &str| {
        let known = known.as_ref();
        known.is_none_or(|known| known.as_str() == word)
    };
    is(&symbol.domain, domain) && is(&symbol.kind, kind)
}
