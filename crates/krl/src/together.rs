//! What can be said only of rulesets that are installed together.

use stratus_krl_syntax::{Diagnostic, Severity, ast::Span};
use stratus_pen::language::Outline;
use stratus_salience::Patterns;

use crate::{
    compiled,
    program::{Code, Raise, Ruleset, StatementKind},
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
    let installed: Vec<&Ruleset> = rulesets.iter().flatten().collect();
    let mut found = Vec::new();
    for (number, ruleset) in rulesets.iter().enumerate() {
        let raised = ruleset.iter().flat_map(raised);
        for (domain, kind, site) in raised {
            let is_selected = installed.iter().any(|ruleset| {
                let mut rules = ruleset.outlines.iter();
                rules.any(|rule| rule.active && selects(rule, &domain, &kind))
            });
            if !is_selected {
                found.push((number, unselected(&domain, &kind, site)));
            }
        }
    }
    found
}

fn unselected(domain: &str, kind: &str, site: usize) -> Diagnostic {
    let message = format!("no rule selects the event {domain}:{kind}");
    let diagnostic = Diagnostic::error("krl-event-unselected", message, Span::new(site, site));
    let diagnostic = diagnostic.help("look for a typing error in its domain or its type");
    Diagnostic {
        severity: Severity::Warning,
        ..diagnostic
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

fn selects(rule: &Outline, domain: &str, kind: &str) -> bool {
    let mut primitives = Vec::new();
    crate::trial::primitives(&rule.select, &mut primitives);
    primitives.iter().any(|primitive| {
        let symbol = &primitive.symbol;
        symbol
            .domain
            .as_ref()
            .is_none_or(|known| known.as_str() == domain)
            && symbol
                .kind
                .as_ref()
                .is_none_or(|known| known.as_str() == kind)
    })
}
