//! Tree to text.

mod classic;
mod event;
mod expression;
mod postlude;
mod rule;

use crate::{
    ast::{
        Declaration, Generation, Identifier, Meta, Property, PropertyKind, QualifiedName, Ruleset,
        Use,
    },
    parser::is_classic_rid,
};

/// Writes a ruleset in one settled form, which reads back as the same tree but for the places in
/// it. Only what the tree holds is written: comments and the choice between words that mean the
/// same are not kept. The generation is: what both have is written with the words of the ruleset's.
pub fn print(ruleset: &Ruleset) -> String {
    let mut printer = Printer {
        text: String::new(),
        depth: 0,
        classic: ruleset.generation == Generation::Classic,
    };
    printer.ruleset(ruleset);
    printer.text.push('\n');
    printer.text
}

/// What has been written so far.
struct Printer {
    text: String,
    /// How many blocks the next line is in.
    depth: usize,
    /// Whether the ruleset is a classic one.
    classic: bool,
}

impl Printer {
    fn ruleset(&mut self, ruleset: &Ruleset) {
        self.write("ruleset ");
        self.identifier(&ruleset.rid);
        self.open();
        if let Some(version) = &ruleset.version {
            self.line("version ");
            self.expression(version);
        }
        if let Some(meta) = &ruleset.meta {
            self.line("meta");
            self.meta(meta);
        }
        // An empty block shows a classic ruleset, however little of it is left in the tree.
        let shown = is_classic_rid(&ruleset.rid.name) || !self.classic;
        if !ruleset.dispatch.is_empty() || !shown {
            self.line("dispatch");
            self.block(&ruleset.dispatch, Self::dispatch);
        }
        self.globals(ruleset);
        for rule in &ruleset.rules {
            self.line("");
            self.rule(rule);
        }
        self.shut();
    }

    fn meta(&mut self, meta: &Meta) {
        self.block(&meta.properties, Self::property);
    }

    fn property(&mut self, property: &Property) {
        match &property.kind {
            PropertyKind::Authorization => self.write("authz require user"),
            PropertyKind::Author(value) => self.labelled("author ", value),
            PropertyKind::Configure(declarations) => {
                self.write("configure using ");
                self.separated(declarations, " ", Self::declaration);
            }
            PropertyKind::Description(value) => self.labelled("description ", value),
            PropertyKind::Errors(rid) => self.write(&format!("errors to {}", rid.name)),
            PropertyKind::ErrorsVersion(rid, version) => {
                self.write(&format!("errors to {} version ", rid.name));
                self.string(&version.value);
            }
            PropertyKind::Key(name, value) => {
                self.labelled(&format!("key {} ", name.name), value);
            }
            PropertyKind::Logging(on) => self.write(if *on { "logging on" } else { "logging off" }),
            PropertyKind::Name(value) => self.labelled("name ", value),
            PropertyKind::Provides(names) => self.names("provides ", names),
            PropertyKind::ProvidesKeys { keys, rulesets } => {
                self.names("provides keys ", keys);
                self.names(" to ", rulesets);
            }
            PropertyKind::Resource(resource) => {
                let word = if resource.css { "css" } else { "javascript" };
                self.labelled(&format!("use {word} resource "), &resource.location);
            }
            PropertyKind::Sharing(on) => self.write(if *on { "sharing on" } else { "sharing off" }),
            PropertyKind::Shares(names) => self.names("shares ", names),
            PropertyKind::Use(module) => self.module(module),
            PropertyKind::Version(value) => self.labelled("version ", value),
        }
    }

    fn module(&mut self, module: &Use) {
        self.write("use module ");
        self.identifier(&module.rid);
        if let Some(version) = &module.version {
            self.write(" version ");
            self.string(&version.value);
        }
        if let Some(alias) = &module.alias {
            self.write(" alias ");
            self.identifier(alias);
        }
        if !module.with.is_empty() {
            self.write(" with ");
            self.separated(&module.with, " and ", Self::declaration);
        }
    }

    fn declaration(&mut self, declaration: &Declaration) {
        self.identifier(&declaration.name);
        self.write(" = ");
        self.expression(&declaration.value);
    }

    fn identifier(&mut self, identifier: &Identifier) {
        self.write(&identifier.name);
    }

    fn qualified_name(&mut self, name: &QualifiedName) {
        if let Some(domain) = &name.domain {
            self.identifier(domain);
            self.write(":");
        }
        self.identifier(&name.name);
    }

    fn names(&mut self, label: &str, names: &[Identifier]) {
        self.write(label);
        self.separated(names, ", ", Self::identifier);
    }

    /// ` setting (a, b)`; nothing if no name is set.
    fn setting(&mut self, names: &[Identifier]) {
        if !names.is_empty() {
            self.names(" setting (", names);
            self.write(")");
        }
    }

    /// ` { … }` with each item on a line of its own.
    fn block<T>(&mut self, items: &[T], item: fn(&mut Self, &T)) {
        if items.is_empty() {
            return self.write(" {}");
        }
        self.open();
        self.lines(items, item);
        self.shut();
    }

    /// Each item on a line of its own.
    fn lines<T>(&mut self, items: &[T], item: fn(&mut Self, &T)) {
        for each in items {
            self.line("");
            item(self, each);
            self.write(";");
        }
    }

    fn separated<'t, T: 't>(
        &mut self,
        items: impl IntoIterator<Item = &'t T>,
        separator: &str,
        item: fn(&mut Self, &T),
    ) {
        for (index, each) in items.into_iter().enumerate() {
            self.write(if index == 0 { "" } else { separator });
            item(self, each);
        }
    }

    fn open(&mut self) {
        self.write(" {");
        self.depth += 1;
    }

    fn shut(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.line("}");
    }

    fn line(&mut self, text: &str) {
        self.write("\n");
        self.write(&"  ".repeat(self.depth));
        self.write(text);
    }

    fn write(&mut self, text: &str) {
        self.text.push_str(text);
    }
}
