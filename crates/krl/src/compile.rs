//! Tree to program: resolves names and checks what can be checked without running anything.

mod arity;
mod classic;
mod expression;
mod instant;
mod interval;
mod join;
mod key;
mod operands;
mod rule;
mod select;
mod shape;
mod testing;
mod warnings;

use std::collections::{BTreeMap, BTreeSet};

use stratus_event::{Name, Value as Data};
use stratus_krl_syntax::{Diagnostic, Partial, Severity, ast, ast::Generation};
use stratus_salience::Patterns;

use self::testing::TESTING;
use crate::{
    program::{About, Code, Condition, Global, Lines, Module, Ruleset},
    resolve::{Kind, Scope, suggestion},
};

/// What came of compiling a tree.
pub(crate) struct Outcome {
    /// The ruleset, unless something is wrong with it.
    pub(crate) ruleset: Result<Ruleset, Vec<Diagnostic>>,
    /// What is not wrong, but probably not meant.
    pub(crate) warnings: Vec<Diagnostic>,
}

/// Compiles a tree. Everything that is wrong with it comes back at once.
pub(crate) fn compile(source: &str, tree: &ast::Ruleset, patterns: &mut Patterns) -> Outcome {
    let mut compiler = Compiler::new(source, tree.generation);
    std::mem::swap(&mut compiler.patterns, patterns);
    let ruleset = compiler.ruleset(tree);
    std::mem::swap(&mut compiler.patterns, patterns);
    let mut warnings = std::mem::take(&mut compiler.warnings);
    warnings.sort_by_key(|warning| warning.span().start);
    let ruleset = match ruleset {
        Some(ruleset) if compiler.faults.is_empty() => Ok(ruleset),
        _ => Err(compiler.faults),
    };
    Outcome { ruleset, warnings }
}

/// What there is to say of the parts of a source that were read whole, where others were not. What
/// those may declare or use is not missed.
pub(crate) fn survey(source: &str, partial: Partial) -> Vec<Diagnostic> {
    let tree = &partial.ruleset;
    let mut compiler = Compiler::new(source, tree.generation);
    compiler.declared = partial.declared;
    compiler.mentioned = partial.mentioned;
    compiler.ruleset(tree);
    let mut said = compiler.faults;
    said.extend(compiler.warnings);
    said
}

struct Compiler {
    lines: Lines,
    generation: Generation,
    /// What `__testing` is before the ruleset says anything of it.
    tested: Data,
    /// Variables of which a predicate asks when they were written.
    timed: BTreeSet<Name>,
    /// Names that parts of the source may declare which could not be read.
    declared: BTreeSet<String>,
    /// All words of those parts.
    mentioned: BTreeSet<String>,
    /// Those that rulesets have in common.
    patterns: Patterns,
    faults: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    scope: Scope,
    globals: BTreeMap<String, GlobalName>,
    globals_used: BTreeSet<String>,
    /// Globals from here on are not seen by expressions outside functions.
    globals_seen: usize,
    modules: Vec<Module>,
    conditions: Vec<Condition>,
    /// The variables of the rule's event expression that are bound by one event each.
    bound_together: Vec<Vec<Name>>,
    /// Whether names that nothing binds are attributes of the event.
    in_condition: bool,
}

struct GlobalName {
    position: usize,
    kind: Kind,
    /// What it takes, if it is a function or an action.
    parameters: Option<Vec<String>>,
    /// Whether no text declares it.
    is_made: bool,
}

impl GlobalName {
    fn value(position: usize) -> Self {
        Self {
            position,
            kind: Kind::Any,
            parameters: None,
            is_made: true,
        }
    }
}

impl Compiler {
    fn new(source: &str, generation: Generation) -> Self {
        Self {
            lines: Lines::new(source),
            generation,
            tested: Data::Null,
            timed: BTreeSet::new(),
            declared: BTreeSet::new(),
            mentioned: BTreeSet::new(),
            patterns: Patterns::default(),
            faults: Vec::new(),
            warnings: Vec::new(),
            scope: Scope::default(),
            globals: BTreeMap::new(),
            globals_used: BTreeSet::new(),
            globals_seen: 0,
            modules: Vec::new(),
            conditions: Vec::new(),
            bound_together: Vec::new(),
            in_condition: false,
        }
    }

    fn ruleset(&mut self, tree: &ast::Ruleset) -> Option<Ruleset> {
        let rid = self.name(&tree.rid);
        let properties = tree.meta.as_ref().map_or(&[][..], |meta| &meta.properties);
        let about = self.about(tree, properties);
        self.declare_globals(tree, properties);
        self.uses(properties);
        self.remember_testing(tree, properties);
        let globals = self.globals(tree, properties);
        let preface = self.preface(tree, properties);
        let provided = self.provided(properties);
        let shared = self.shared(properties);
        let (rules, outlines) = self.rules(&tree.rules);
        self.check_globals(tree);
        self.check_reached(tree);
        Some(Ruleset {
            rid: rid?,
            about,
            lines: std::mem::replace(&mut self.lines, Lines::new("")),
            globals,
            module_rids: module_rids(&self.modules),
            modules: std::mem::take(&mut self.modules),
            provided,
            shared,
            rules,
            outlines,
            conditions: std::mem::take(&mut self.conditions),
            timed: std::mem::take(&mut self.timed),
            errors_to: errors_to(properties),
            preface,
            keys: self.keys(properties),
        })
    }

    fn about(&mut self, tree: &ast::Ruleset, properties: &[ast::Property]) -> About {
        let mut about = About::default();
        if let Some(version) = &tree.version {
            about.version = constant_text(version);
        }
        let mut seen = BTreeSet::new();
        for property in properties {
            let (name, place, value) = match &property.kind {
                ast::PropertyKind::Author(value) => ("author", &mut about.author, value),
                ast::PropertyKind::Description(value) => {
                    ("description", &mut about.description, value)
                }
                ast::PropertyKind::Name(value) => ("name", &mut about.name, value),
                ast::PropertyKind::Version(value) => ("version", &mut about.version, value),
                _ => continue,
            };
            *place = constant_text(value);
            if !seen.insert(name) {
                let message = format!("meta has more than one {name}");
                self.fault(property.span, "krl-meta-duplicate", message);
            }
        }
        about
    }

    /// Makes the names of all globals known, in the order in which they are evaluated.
    fn declare_globals(&mut self, tree: &ast::Ruleset, properties: &[ast::Property]) {
        let declared = configured(properties).chain(&tree.globals);
        for (position, declaration) in declared.enumerate() {
            let global = GlobalName {
                position,
                kind: kind_of(&declaration.value),
                parameters: arity::parameters_of(&declaration.value),
                is_made: false,
            };
            let name = declaration.name.name.clone();
            if self.globals.insert(name, global).is_some() {
                self.duplicate(&declaration.name);
            }
        }
        let known = self.globals.len();
        let datasets = tree.datasets.iter().map(|dataset| &dataset.name);
        for (position, name) in datasets.enumerate() {
            let global = GlobalName::value(known + position);
            if self.globals.insert(name.name.clone(), global).is_some() {
                self.duplicate(name);
            }
        }
        self.declare_testing();
    }

    fn globals(&mut self, tree: &ast::Ruleset, properties: &[ast::Property]) -> Vec<Global> {
        let configurable = configured(properties).count();
        let mut globals = Vec::new();
        for (position, declaration) in configured(properties).chain(&tree.globals).enumerate() {
            self.globals_seen = position;
            globals.push(Global {
                name: declaration.name.name.clone(),
                value: self.expression(&declaration.value),
                configurable: position < configurable,
            });
        }
        self.globals_seen = self.globals.len();
        for dataset in &tree.datasets {
            globals.push(self.dataset(dataset));
        }
        if let Some(testing) = self.testing(tree, properties) {
            globals.push(testing);
        }
        globals
    }

    fn uses(&mut self, properties: &[ast::Property]) {
        let mut aliases = BTreeSet::new();
        for property in properties {
            if let ast::PropertyKind::Use(used) = &property.kind {
                let alias = used.alias.as_ref().unwrap_or(&used.rid);
                if !aliases.insert(alias.name.as_str()) {
                    self.duplicate(alias);
                }
                self.module(used, &alias.name);
            }
        }
    }

    fn module(&mut self, used: &ast::Use, alias: &str) {
        // What a module is configured with may use the globals: it is evaluated with them.
        self.globals_seen = self.globals.len();
        let values = used.with.iter().map(|declaration| {
            (
                declaration.name.name.clone(),
                self.expression(&declaration.value),
            )
        });
        let with = values.collect();
        if let Some(rid) = self.name(&used.rid) {
            self.modules.push(Module {
                rid,
                alias: alias.to_owned(),
                with,
            });
        }
    }

    fn provided(&mut self, properties: &[ast::Property]) -> BTreeSet<String> {
        let mut provided = BTreeSet::new();
        for property in properties {
            if let ast::PropertyKind::Provides(names) = &property.kind {
                for name in names {
                    self.check_defined(name, "provided");
                    self.globals_used.insert(name.name.clone());
                    provided.insert(name.name.clone());
                }
            }
        }
        provided
    }

    fn shared(&mut self, properties: &[ast::Property]) -> Vec<Name> {
        let mut shared = Vec::new();
        // Classic KRL shares what it provides.
        let sharing = |property: &ast::Property| property.kind == ast::PropertyKind::Sharing(true);
        let is_sharing = properties.iter().any(sharing);
        for property in properties {
            let names = match &property.kind {
                ast::PropertyKind::Provides(names) if is_sharing => names,
                ast::PropertyKind::Shares(names) => names,
                _ => continue,
            };
            for name in names {
                if self.check_defined(name, "shared") == Some(Kind::Action) {
                    let message = format!("{} is an action; only functions are shared", name.name);
                    self.fault(name.span, "krl-share-action", message);
                }
                self.globals_used.insert(name.name.clone());
                shared.extend(self.name(name).filter(|name| !shared.contains(name)));
            }
        }
        // One that a ruleset writes itself is meant to be asked for.
        let testing = self.globals.get(TESTING).filter(|global| !global.is_made);
        let testing = testing.and_then(|_| Name::new(TESTING).ok());
        shared.extend(testing.filter(|name| !shared.contains(name)));
        shared
    }

    fn check_defined(&mut self, name: &ast::Identifier, what: &str) -> Option<Kind> {
        if let Some(global) = self.globals.get(&name.name) {
            return Some(global.kind);
        }
        if self.declared.contains(&name.name) {
            return None;
        }
        let near = self.near(&name.name, self.globals.keys().map(String::as_str));
        let message = format!("{} is {what} but not defined in global{near}", name.name);
        if self.is_classic() {
            let help = "define it, or take it away";
            self.warn(name.span, "krl-name-undefined", message, help);
        } else {
            self.fault(name.span, "krl-name-undefined", message);
        }
        None
    }

    fn name(&mut self, identifier: &ast::Identifier) -> Option<Name> {
        match Name::new(&identifier.name) {
            Ok(name) => Some(name),
            Err(error) => {
                self.fault(identifier.span, "krl-name-invalid", error.to_string());
                None
            }
        }
    }

    fn duplicate(&mut self, name: &ast::Identifier) {
        let message = format!("{} is declared twice in the same block", name.name);
        if self.is_classic() {
            let help = "the last one counts";
            self.warn(name.span, "krl-name-duplicate", message, help);
        } else {
            self.fault(name.span, "krl-name-duplicate", message);
        }
    }

    /// Something that fails where it is used, which is said now.
    fn doubt(&mut self, span: ast::Span, code: &'static str, message: String) -> Code {
        let help = "it is looked for again where it is used, and fails there";
        self.warn(span, code, message.clone(), help);
        Code::Fail(code, message)
    }

    fn is_classic(&self) -> bool {
        self.generation == Generation::Classic
    }

    fn fault(&mut self, span: ast::Span, code: &'static str, message: impl AsRef<str>) {
        if self.faults.len() >= FAULTS_MAX {
            return;
        }
        let message = message.as_ref();
        self.faults.push(Diagnostic::error(code, message, span));
        if self.faults.len() == FAULTS_MAX {
            let message = format!("there are more than {FAULTS_MAX} faults; the rest is not told");
            let code = "krl-too-many-errors";
            self.faults.push(Diagnostic::error(code, message, span));
        }
    }

    fn warn(&mut self, span: ast::Span, code: &'static str, message: String, help: &str) {
        if self.warnings.len() < FAULTS_MAX {
            let warning = Diagnostic::error(code, message, span).help(help);
            let severity = Severity::Warning;
            self.warnings.push(Diagnostic {
                severity,
                ..warning
            });
        }
    }

    /// What was probably meant, as long as anybody reads it.
    fn near<'a>(&self, name: &str, candidates: impl Iterator<Item = &'a str>) -> String {
        if self.faults.len() < FAULTS_MAX {
            suggestion(name, candidates)
        } else {
            String::new()
        }
    }
}

/// Faults that are told of one ruleset.
const FAULTS_MAX: usize = 100;

fn module_rids(modules: &[Module]) -> Vec<Name> {
    let rids: BTreeSet<&Name> = modules.iter().map(|module| &module.rid).collect();
    rids.into_iter().cloned().collect()
}

fn configured(properties: &[ast::Property]) -> impl Iterator<Item = &ast::Declaration> {
    properties.iter().flat_map(|property| match &property.kind {
        ast::PropertyKind::Configure(declarations) => &declarations[..],
        _ => &[],
    })
}

/// The ruleset that is told of this one's errors.
fn errors_to(properties: &[ast::Property]) -> Option<Name> {
    properties
        .iter()
        .rev()
        .find_map(|property| match &property.kind {
            ast::PropertyKind::Errors(rid) | ast::PropertyKind::ErrorsVersion(rid, _) => {
                Name::new(&rid.name).ok()
            }
            _ => None,
        })
}

/// The text of a constant; null if it has to be evaluated.
fn constant_text(expression: &ast::Expression) -> Data {
    match &expression.kind {
        ast::ExpressionKind::Text(text) => Data::text(text),
        ast::ExpressionKind::Chevron(segments) => {
            let texts = segments.iter().map(|segment| match segment {
                ast::Segment::Text(text) => Some(text.value.as_str()),
                ast::Segment::Expression(_) => None,
            });
            texts
                .collect::<Option<String>>()
                .map_or(Data::Null, Data::text)
        }
        _ => Data::Null,
    }
}

fn kind_of(value: &ast::Expression) -> Kind {
    match &value.kind {
        ast::ExpressionKind::Function(_) => Kind::Function,
        ast::ExpressionKind::Defaction(_) => Kind::Action,
        _ => Kind::Any,
    }
}

/// The byte offset that names a place. Sources are far below four gigabytes.
fn site(span: ast::Span) -> u32 {
    u32::try_from(span.start).unwrap_or(u32::MAX)
}
