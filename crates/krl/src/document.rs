//! What a ruleset says about itself and offers, as Markdown.

use std::fmt::Write as _;

use stratus_krl_syntax::{ast, parse_ruleset};

/// Describes a ruleset in Markdown: what `meta` says, what can be asked and used, and what its
/// rules wait for and do. None if the text has no ruleset in it; of one with errors, what can be
/// read is described.
pub fn document(source: &str) -> Option<String> {
    let tree = parse_ruleset(source).ruleset?;
    let mut page = Page {
        source,
        text: String::new(),
    };
    page.head(&tree);
    page.functions(&tree);
    page.modules(&tree);
    page.rules(&tree.rules);
    Some(page.text)
}

struct Page<'s> {
    source: &'s str,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, text: impl AsRef<str>) {
        let _ = writeln!(self.text, "{}", text.as_ref());
    }

    fn head(&mut self, tree: &ast::Ruleset) {
        self.line(format!("# {}\n", tree.rid.name));
        let properties = tree.meta.as_ref().map_or(&[][..], |meta| &meta.properties);
        for property in properties {
            let (label, value) = match &property.kind {
                ast::PropertyKind::Author(value) => ("Author: ", value),
                ast::PropertyKind::Description(value) => ("", value),
                ast::PropertyKind::Name(value) => ("Name: ", value),
                ast::PropertyKind::Version(value) => ("Version: ", value),
                _ => continue,
            };
            let said = constant(value).unwrap_or_else(|| self.written(value.span));
            self.line(format!("{label}{}\n", said.trim()));
        }
    }

    /// The functions and actions that others may use.
    fn functions(&mut self, tree: &ast::Ruleset) {
        let properties = tree.meta.as_ref().map_or(&[][..], |meta| &meta.properties);
        let mut offered = Vec::new();
        for property in properties {
            match &property.kind {
                ast::PropertyKind::Provides(names) => {
                    offered.extend(names.iter().map(|name| (name, "for modules")));
                }
                ast::PropertyKind::Shares(names) => {
                    offered.extend(names.iter().map(|name| (name, "as a query")));
                }
                _ => {}
            }
        }
        if !offered.is_empty() {
            self.line("## Offers\n");
        }
        for (name, how) in &offered {
            let declared = tree
                .globals
                .iter()
                .find(|global| global.name.name == name.name);
            let shape = declared.map_or_else(String::new, |global| parameters(&global.value));
            self.line(format!("- `{}{shape}` {how}", name.name));
        }
        if !offered.is_empty() {
            self.line("");
        }
    }

    fn modules(&mut self, tree: &ast::Ruleset) {
        let properties = tree.meta.as_ref().map_or(&[][..], |meta| &meta.properties);
        let used = properties
            .iter()
            .filter_map(|property| match &property.kind {
                ast::PropertyKind::Use(used) => Some(used),
                _ => None,
            });
        let used: Vec<String> = used.map(|used| format!("- `{}`", used.rid.name)).collect();
        if !used.is_empty() {
            self.line("## Uses\n");
            self.line(format!("{}\n", used.join("\n")));
        }
    }

    fn rules(&mut self, rules: &[ast::Rule]) {
        if rules.is_empty() {
            return;
        }
        self.line("## Rules\n");
        for rule in rules {
            self.rule(rule);
        }
    }

    fn rule(&mut self, rule: &ast::Rule) {
        self.line(format!("### {}\n", rule.name.name));
        if rule.state == ast::RuleState::Inactive {
            self.line("It is inactive.\n");
        }
        if let Some(select) = &rule.select {
            self.line(format!("- Event: `{}`", self.written(select.span)));
        }
        for level in &rule.foreach {
            self.line(format!(
                "- For each of `{}`",
                self.written(level.collection.span)
            ));
        }
        if let Some(block) = &rule.actions {
            if let Some(condition) = &block.condition {
                self.line(format!("- If `{}`", self.written(condition.span)));
            }
            for action in &block.actions {
                self.line(format!("- Does `{}`", self.written(action.name.span)));
            }
        }
        for raised in raised(rule) {
            self.line(format!("- Raises `{raised}`"));
        }
        self.line("");
    }

    /// Source on one line.
    fn written(&self, span: ast::Span) -> String {
        let words: Vec<&str> = span.text(self.source).split_whitespace().collect();
        words.join(" ")
    }
}

fn constant(value: &ast::Expression) -> Option<String> {
    match &value.kind {
        ast::ExpressionKind::Text(text) => Some(text.clone()),
        ast::ExpressionKind::Chevron(segments) => segments
            .iter()
            .map(|segment| match segment {
                ast::Segment::Text(text) => Some(text.value.as_str()),
                ast::Segment::Expression(_) => None,
            })
            .collect(),
        _ => None,
    }
}

/// `(a, b)` of a function or an action; nothing of a value.
fn parameters(value: &ast::Expression) -> String {
    let parameters = match &value.kind {
        ast::ExpressionKind::Defaction(defaction) => &defaction.parameters,
        ast::ExpressionKind::Function(function) => &function.parameters,
        _ => return String::new(),
    };
    let names: Vec<&str> = parameters
        .iter()
        .map(|parameter| parameter.name.name.as_str())
        .collect();
    format!("({})", names.join(", "))
}

/// The events that a rule raises or schedules, as far as they stand in the text.
fn raised(rule: &ast::Rule) -> Vec<String> {
    let Some(postlude) = &rule.postlude else {
        return Vec::new();
    };
    let blocks = [&postlude.fired, &postlude.notfired, &postlude.always];
    let statements = blocks.into_iter().flatten().flatten();
    let events = statements.filter_map(|statement| match &statement.kind {
        ast::StatementKind::Raise(raise) => Some((&raise.domain, &raise.name)),
        ast::StatementKind::Schedule(schedule) => Some((&schedule.domain, &schedule.name)),
        _ => None,
    });
    let symbols = events.filter_map(|(domain, name)| {
        let kind = match &name.kind {
            ast::ExpressionKind::Name(name) => Some(name.name.name.clone()),
            _ => constant(name),
        }?;
        Some(match domain {
            Some(domain) => format!("{}:{kind}", domain.name),
            None => kind,
        })
    });
    symbols.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruleset_is_described() {
        let source = r#"ruleset a.b {
            meta { name "Doors" description <<Opens doors>> shares open use module c.d alias d }
            global { open = function(door, how = 1) { door } }
            rule ring { select when door bell foreach open("x") setting (x)
                if x > 1 then send_directive("ding")
                always { raise door event "rung" } }
        }"#;
        let expected = "# a.b\n\nName: Doors\n\nOpens doors\n\n## Offers\n\n\
            - `open(door, how)` as a query\n\n## Uses\n\n- `c.d`\n\n## Rules\n\n### ring\n\n\
            - Event: `select when door bell`\n- For each of `open(\"x\")`\n- If `x > 1`\n\
            - Does `send_directive`\n- Raises `door:rung`\n\n";
        assert_eq!(document(source).unwrap(), expected);
        assert_eq!(document(""), None);
    }
}
