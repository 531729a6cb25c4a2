//! Functions and actions that a ruleset defines.

use super::{Outcome, Parser, recovery::null};
use crate::{
    ast::{Declaration, Defaction, Expression, ExpressionKind, Function, Parameter, Span},
    diagnostic::Diagnostic,
    layout::{BODY, CLOSE, ITEM, TIGHT_BEFORE},
};

impl Parser<'_> {
    /// `function(parameters) { declarations return result }`.
    pub(super) fn function(&mut self) -> Outcome<ExpressionKind> {
        let start = self.expect("function")?;
        let parameters = self.parameters()?;
        self.mark(BODY);
        let opening = self.expect("{")?;
        let (declarations, result) = self.body(opening)?;
        self.mark(CLOSE);
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
        self.mark(BODY);
        let opening = self.expect("{")?;
        self.eat_stray_separators();
        let configuration = self.configuration()?;
        let declarations = self.declarations();
        self.mark(ITEM);
        let actions = self.action_block()?;
        self.eat_separators();
        self.mark(ITEM);
        let result = self.action_result()?;
        self.mark(CLOSE);
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
        self.mark(TIGHT_BEFORE);
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
        self.note_classic(self.span());
        self.mark(ITEM);
        self.advance();
        self.advance();
        let mut declarations = vec![self.declaration()?];
        while self.eat("and") {
            declarations.push(self.declaration()?);
        }
        Ok(declarations)
    }

    /// The declarations at the beginning of an action's body. One that is wrong is reported and
    /// skipped.
    fn declarations(&mut self) -> Vec<Declaration> {
        let mut declarations = Vec::new();
        self.eat_separators();
        while self.at_declaration() {
            self.mark(ITEM);
            declarations.extend(self.attempt(Self::declaration, Self::at_action_item));
            self.eat_separators();
        }
        declarations
    }

    /// What a function's braces hold: declarations and the result. What is wrong is reported and
    /// skipped; a result that is wrong is null in the tree.
    fn body(&mut self, opening: Span) -> Outcome<(Vec<Declaration>, Expression)> {
        let mut declarations = Vec::new();
        let mut result = None;
        let mut failed = false;
        self.eat_stray_separators();
        while !self.at("}") && !self.at_end() && !self.at_rule() {
            self.mark(ITEM);
            let item = self.attempt(|parser| parser.body_item(opening), Self::at_body_item);
            match item {
                Some(BodyItem::Declaration(declaration)) => declarations.push(declaration),
                Some(BodyItem::Result(expression)) => result = Some(expression),
                None => failed = true,
            }
            self.eat_separators();
        }
        let place = Span::new(self.span().start, self.span().start);
        match result {
            Some(result) => Ok((declarations, result)),
            None if failed => Ok((declarations, null(place))),
            None if self.at("}") => Err(self.no_result(declarations.last()).into()),
            None => Ok((declarations, null(place))),
        }
    }

    fn body_item(&mut self, opening: Span) -> Outcome<BodyItem> {
        if self.at_declaration() {
            return self.declaration().map(BodyItem::Declaration);
        }
        if !self.at_return_name() {
            self.eat("return");
        }
        let result = self.expression()?;
        self.eat_separators();
        if !self.at("}") && !self.at_end() && !self.at_rule() {
            let diagnostic = self.expected("`}`").label(opening, "opened here");
            return Err(diagnostic.into());
        }
        Ok(BodyItem::Result(result))
    }

    fn at_body_item(&self) -> bool {
        self.at_declaration() || self.at("return")
    }

    fn at_action_item(&self) -> bool {
        self.at_body_item() || self.at_action_block()
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

/// What stands in a function's braces.
enum BodyItem {
    Declaration(Declaration),
    Result(Expression),
}
