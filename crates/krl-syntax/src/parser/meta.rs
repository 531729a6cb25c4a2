//! `meta { … }`.

use super::{Outcome, Parser};
use crate::{
    ast::{Declaration, Identifier, Meta, Property, PropertyKind, Use},
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
            "author" => PropertyKind::Author(self.expression()?),
            "configure" => self.configure()?,
            "description" => PropertyKind::Description(self.expression()?),
            "errors" => self.errors()?,
            "key" | "keys" => {
                PropertyKind::Key(self.identifier("the key's name")?, self.expression()?)
            }
            "logging" => self.logging()?,
            "name" => PropertyKind::Name(self.expression()?),
            "provide" | "provides" => self.provides()?,
            "share" | "shares" => PropertyKind::Shares(self.identifiers("a shared name")?),
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
        Ok(PropertyKind::Errors(self.rid()?))
    }

    fn logging(&mut self) -> Outcome<PropertyKind> {
        if self.eat("on") {
            Ok(PropertyKind::Logging(true))
        } else if self.eat("off") {
            Ok(PropertyKind::Logging(false))
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
        Ok(Use { rid, alias, with })
    }

    fn at_property(&self) -> bool {
        self.word(0).is_some_and(|word| PROPERTIES.contains(&word))
    }

    fn unknown_property(&self, word: &str) -> Diagnostic {
        let title = format!("`meta` has no property `{word}`");
        let diagnostic = Diagnostic::error("krl-meta-unknown", title, self.span());
        diagnostic.help(format!("it may have: {}", PROPERTIES.join(", ")))
    }
}

/// The properties of `meta`, by the words they begin with.
const PROPERTIES: [&str; 14] = [
    "author",
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
    "use",
    "version",
];
