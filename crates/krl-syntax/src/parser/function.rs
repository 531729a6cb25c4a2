//! Functions and actions that a ruleset defines.

use super::{Outcome, Parser};
use crate::{
    ast::{Declaration, Defaction, Expression, ExpressionKind, Function, Parameter},
    diagnostic::Diagnostic,
};

impl Parser<'_> {
    /// `function(parameters) { declarations return result }`.
    pub(super) fn function(&mut self) -> Outcome<ExpressionKind> {
        let start = self.expect("function")?;
        let parameters = self.parameters()?;
        let opening = self.expect("{")?;
        let declarations = self.declarations()?;
        if self.at("}") {
            return Err(self.no_result(declarations.last()).into());
        }
        self.eat("return");
        let result = self.expression()?;
        self.eat_separators();
        self.close("}", opening)?;
        let span = self.since(start);
        let function = Function {
            parameters,
            declarations,
            result,
            span,
        };
        Ok(ExpressionKind::Function(Box::new(function)))
    }

    /// `defaction(parameters) { declarations actions return result }`.
    pub(super) fn defaction(&mut self) -> Outcome<ExpressionKind> {
        let start = self.expect("defaction")?;
        let parameters = self.parameters()?;
        let opening = self.expect("{")?;
        self.eat_separators();
        let configuration = self.configuration()?;
        let declarations = self.declarations()?;
        let actions = self.action_block()?;
        self.eat_separators();
        let result = self.action_result()?;
        self.close("}", opening)?;
        let span = self.since(start);
        let defaction = Defaction {
            parameters,
            configuration,
            declarations,
            actions,
            result,
            span,
        };
        Ok(ExpressionKind::Defaction(Box::new(defaction)))
    }

    fn parameters(&mut self) -> Outcome<Vec<Parameter>> {
        self.sequence(("(", ")"), |parser| {
            let name = parser.identifier("a parameter")?;
            let default = if parser.eat("=") {
                Some(parser.expression()?)
            } else {
                None
            };
            let span = parser.since(name.span);
            Ok(Parameter {
                name,
                default,
                span,
            })
        })
    }

    /// `configure using name = value and …`, as classic KRL has it.
    fn configuration(&mut self) -> Outcome<Vec<Declaration>> {
        if !self.at("configure") || self.word(1) != Some("using") {
            return Ok(Vec::new());
        }
        self.advance();
        self.advance();
        let mut declarations = vec![self.declaration()?];
        while self.eat("and") {
            declarations.push(self.declaration()?);
        }
        Ok(declarations)
    }

    fn declarations(&mut self) -> Outcome<Vec<Declaration>> {
        let mut declarations = Vec::new();
        self.eat_separators();
        while self.at_declaration() {
            declarations.push(self.declaration()?);
            self.eat_separators();
        }
        Ok(declarations)
    }

    fn action_result(&mut self) -> Outcome<Option<Expression>> {
        if self.at("}") {
            return Ok(None);
        }
        self.expect("return")?;
        let result = self.expression()?;
        self.eat_separators();
        if self.at(",") {
            let title = "an action returns one value";
            let diagnostic = Diagnostic::error("krl-action-result", title, self.span());
            return Err(Box::new(diagnostic.help("return a list or a map")));
        }
        Ok(Some(result))
    }

    /// A function without an expression at its end. Often there is one, but it has been read as an
    /// index or a path of the declaration before it.
    fn no_result(&self, last: Option<&Declaration>) -> Diagnostic {
        let title = "a function must end with the expression that it gives";
        let diagnostic = Diagnostic::error("krl-function-result", title, self.span())
            .here("an expression is missing before this");
        let joined = last.filter(|declaration| {
            let kind = &declaration.value.kind;
            matches!(
                kind,
                ExpressionKind::Index { .. } | ExpressionKind::Path { .. }
            )
        });
        match joined {
            Some(last) => diagnostic
                .label(last.value.span, "this is read as one expression")
                .help("if its end is meant to be the result, put `return` before that"),
            None => diagnostic,
        }
    }
}
