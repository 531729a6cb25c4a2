//! `meta { … }`.

use super::{Outcome, Parser};
use crate::{
    ast::{Declaration, Identifier, Meta, Property, PropertyKind, Resource, Use},
    diagnostic::Diagnostic,
};

impl Parser<'_> {
    /// `meta { property … }`.
    pub(super) fn meta(&mut self) -> Outcome<Meta> {
        let start = self.expect("meta")?;
        let (properties, _) = self.block(Self::property, Self::at_property)?;
        Ok(Meta {
            properties,
            span: self.since(start),
        })
    }

    /// `name = value and name = value`; classic KRL needs the `and`, pico-engine none.
    pub(super) fn assignments(&mut self) -> Outcome<Vec<Declaration>> {
        let mut declarations = vec![self.declaration()?];
        while self.eat("and") || self.at_declaration() {
            declarations.push(self.declaration()?);
        }
        Ok(declarations)
    }

    fn property(&mut self) -> Outcome<Property> {
        let start = self.span();
        let Some(word) = self.word(0) else {
            return Err(self.expected("a property of `meta`").into());
        };
        if !PROPERTIES.contains(&word) {
            return Err(self.unknown_property(word).into());
        }
        self.advance();
        let kind = match word {
            "authz" => self.authorization()?,
            "author" => PropertyKind::Author(self.expression()?),
            "configure" => self.configure()?,
            "description" => PropertyKind::Description(self.expression()?),
            "errors" => self.errors()?,
            "key" | "keys" => {
                PropertyKind::Key(self.identifier("the key's name")?, self.expression()?)
            }
            "logging" => PropertyKind::Logging(self.on_or_off()?),
            "name" => PropertyKind::Name(self.expression()?),
            "provide" | "provides" => self.provides()?,
            "share" | "shares" => {
                self.note_modern(start);
                PropertyKind::Shares(self.identifiers("a shared name")?)
            }
            "sharing" => {
                self.note_classic(start);
                PropertyKind::Sharing(self.on_or_off()?)
            }
            "use" if matches!(self.word(0), Some("css" | "javascript")) => self.resource()?,
            "use" => PropertyKind::Use(self.module()?),
            _ => PropertyKind::Version(self.expression()?),
        };
        Ok(Property {
            kind,
            span: self.since(start),
        })
    }

    fn configure(&mut self) -> Outcome<PropertyKind> {
        self.expect("using")?;
        Ok(PropertyKind::Configure(self.assignments()?))
    }

    fn errors(&mut self) -> Outcome<PropertyKind> {
        self.expect("to")?;
        let rid = self.rid()?;
        if self.at("version") && self.sign(1).is_none() && self.previous_line() {
            self.note_classic(self.span());
            self.advance();
            let version = self.text("a version (a string)")?;
            return Ok(PropertyKind::ErrorsVersion(rid, version));
        }
        Ok(PropertyKind::Errors(rid))
    }

    /// `authz require user`.
    fn authorization(&mut self) -> Outcome<PropertyKind> {
        self.note_classic(self.previous());
        self.expect("require")?;
        self.expect("user")?;
        Ok(PropertyKind::Authorization)
    }

    /// `css resource "…"` or `javascript resource name`.
    fn resource(&mut self) -> Outcome<PropertyKind> {
        self.note_classic(self.span());
        let css = self.at("css");
        self.advance();
        self.expect("resource")?;
        let location = self.nested(Self::primary)?;
        Ok(PropertyKind::Resource(Resource { css, location }))
    }

    /// Whether the next token stands on the line of the one before it.
    fn previous_line(&self) -> bool {
        !self.at_fresh()
    }

    fn on_or_off(&mut self) -> Outcome<bool> {
        if self.eat("on") {
            Ok(true)
        } else if self.eat("off") {
            Ok(false)
        } else {
            Err(self.expected("`on` or `off`").into())
        }
    }

    fn provides(&mut self) -> Outcome<PropertyKind> {
        if self.word(1).is_none() || !self.eat("keys") {
            return Ok(PropertyKind::Provides(self.identifiers("a provided name")?));
        }
        let keys = self.identifiers("the key's name")?;
        self.expect("to")?;
        Ok(PropertyKind::ProvidesKeys {
            keys,
            rulesets: self.rids()?,
        })
    }

    fn rids(&mut self) -> Outcome<Vec<Identifier>> {
        let mut rids = vec![self.rid()?];
        while self.eat(",") {
            rids.push(self.rid()?);
        }
        Ok(rids)
    }

    fn module(&mut self) -> Outcome<Use> {
        self.expect("module")?;
        let rid = self.rid()?;
        let version = if self.at("version") {
            self.note_classic(self.span());
            self.advance();
            Some(self.text("a version (a string)")?)
        } else {
            None
        };
        let alias = if self.eat("alias") {
            Some(self.identifier("an alias")?)
        } else {
            None
        };
        let with = if self.eat("with") {
            self.assignments()?
        } else {
            Vec::new()
        };
        Ok(Use {
            rid,
            version,
            alias,
            with,
        })
    }

    fn at_property(&self) -> bool {
        self.word(0).is_some_and(|word| PROPERTIES.contains(&word))
    }

    fn unknown_property(&self, word: &str) -> Diagnostic {
        let title = format!("`meta` has no property `{word}`");
        let diagnostic = Diagnostic::error("krl-meta-unknown", title, self.span());
        let diagnostic = self.suggest(diagnostic, &PROPERTIES);
        if diagnostic.help.is_some() {
            return diagnostic;
        }
        diagnostic.help(format!("it may have: {}", PROPERTIES.join(", ")))
    }
}

/// The properties of `meta`, by the words they begin with.
const PROPERTIES: [&str; 16] = [
    "author",
    "authz",
    "configure",
    "description",
    "errors",
    "key",
    "keys",
    "logging",
    "name",
    "provide",
    "provides",
    "share",
    "shares",
    "sharing",
    "use",
    "version",
];
