//! Expressions, functions and calls.

use std::sync::Arc;

use stratus_event::Name;
use stratus_krl_syntax::ast::{self, BinaryOperator, ExpressionKind};

use super::{Compiler, GlobalName, kind_of, shape, site, testing::TESTING};
use crate::{
    library::{self, Builtin, Member},
    pattern::Pattern,
    program::{Arguments, Code, Declaration, Expression, Function, Operator, Parameter},
    resolve::Kind,
    value::Value,
};

/// How a name is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    Action,
    Call,
    Value,
}

impl Compiler {
    pub(super) fn expression(&mut self, tree: &ast::Expression) -> Expression {
        shape::folded(Expression {
            code: self.code(tree),
            site: site(tree.span),
        })
    }

    fn boxed(&mut self, tree: &ast::Expression) -> Box<Expression> {
        Box::new(self.expression(tree))
    }

    fn code(&mut self, tree: &ast::Expression) -> Code {
        match &tree.kind {
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => self.binary(*operator, left, right),
            ExpressionKind::Boolean(truth) => Code::Constant(Value::Boolean(*truth)),
            ExpressionKind::Call { callee, arguments } => self.call(callee, arguments),
            ExpressionKind::Chevron(segments) => self.chevron(segments),
            ExpressionKind::Conditional {
                condition,
                consequent,
                alternate,
            } => {
                let parts = [condition, consequent, alternate];
                Code::Conditional(Box::new(parts.map(|part| self.expression(part))))
            }
            ExpressionKind::Defaction(defaction) => self.defaction(defaction),
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Index { object, index } => {
                let path = Expression {
                    code: self.list_of(index),
                    site: site(index.span),
                };
                shape::at_path(self.expression(object), path)
            }
            ExpressionKind::List(items) => {
                Code::List(items.iter().map(|item| self.expression(item)).collect())
            }
            ExpressionKind::Map(entries) => self.map(entries),
            ExpressionKind::Member { object, name } => {
                let path = Code::Constant(Value::Text(name.name.name.as_str().into()));
                let path = Expression {
                    code: path,
                    site: site(name.span),
                };
                shape::at_path(self.expression(object), path)
            }
            ExpressionKind::MethodCall {
                object,
                name,
                arguments,
            } => self.method_call(object, name, arguments),
            ExpressionKind::Name(name) => self.qualified_name(name, Use::Value),
            ExpressionKind::Null => Code::Constant(Value::Null),
            ExpressionKind::Number(number) => Code::Constant(Value::number(*number)),
            ExpressionKind::Path { object, path } => {
                shape::at_path(self.expression(object), self.expression(path))
            }
            ExpressionKind::Regexp(regexp) => self.regexp(regexp),
            ExpressionKind::Text(text) => Code::Constant(Value::Text(text.as_str().into())),
            ExpressionKind::Trail(trail) => self.trail(trail, tree.span),
            ExpressionKind::Unary { operator, operand } => self.unary(*operator, operand),
        }
    }

    fn list_of(&mut self, index: &ast::Expression) -> Code {
        Code::List(vec![self.expression(index)])
    }

    fn map(&mut self, entries: &[ast::Entry]) -> Code {
        let entries = entries.iter().map(|entry| {
            (
                entry.key.value.as_str().into(),
                self.expression(&entry.value),
            )
        });
        Code::Map(entries.collect())
    }

    fn chevron(&mut self, segments: &[ast::Segment]) -> Code {
        let pieces = segments.iter().map(|segment| match segment {
            ast::Segment::Expression(expression) => self.expression(expression),
            ast::Segment::Text(text) => Expression {
                code: Code::Constant(Value::Text(text.value.as_str().into())),
                site: site(text.span),
            },
        });
        Code::Concatenate(pieces.collect())
    }

    fn unary(&mut self, operator: ast::UnaryOperator, operand: &ast::Expression) -> Code {
        match operator {
            ast::UnaryOperator::Negate => Code::Negate(self.boxed(operand)),
            ast::UnaryOperator::Not => Code::Not(self.boxed(operand)),
            ast::UnaryOperator::Plus => self.code(operand),
        }
    }

    fn binary(
        &mut self,
        operator: BinaryOperator,
        left: &ast::Expression,
        right: &ast::Expression,
    ) -> Code {
        let (left, right) = (self.expression(left), self.expression(right));
        let (left, right) = (Box::new(left), Box::new(right));
        match strict(operator) {
            Some(operator) => Code::Binary(operator, left, right),
            None if operator == BinaryOperator::And => Code::And(left, right),
            None => Code::Or(left, right),
        }
    }

    fn regexp(&mut self, regexp: &ast::Regexp) -> Code {
        let pattern = self.pattern(regexp);
        Code::Constant(pattern.map_or(Value::Null, |pattern| Value::Pattern(Arc::new(pattern))))
    }

    pub(super) fn pattern(&mut self, regexp: &ast::Regexp) -> Option<Pattern> {
        let written = [
            (regexp.global, 'g'),
            (regexp.ignore_case, 'i'),
            (regexp.multiline, 'm'),
        ];
        let flags: String = written
            .into_iter()
            .filter_map(|(set, flag)| set.then_some(flag))
            .collect();
        match Pattern::shared(&regexp.pattern, &flags, &mut self.patterns) {
            Ok(pattern) => Some(pattern),
            Err(failure) if self.is_classic() => {
                let help = "what is selected by it is never selected";
                let message = failure.message().to_owned();
                self.warn(regexp.span, failure.code(), message, help);
                None
            }
            Err(failure) => {
                self.fault(regexp.span, failure.code(), failure.message());
                None
            }
        }
    }

    fn call(&mut self, callee: &ast::Expression, arguments: &[ast::Argument]) -> Code {
        let code = match &callee.kind {
            ExpressionKind::Name(name) => {
                let code = self.qualified_name(name, Use::Call);
                self.check_arguments(name, &code, 0, arguments);
                code
            }
            _ => self.code(callee),
        };
        // Classic KRL calls `event:attrs()` and `event:type()`; they take nothing.
        if matches!(code, Code::Property(_)) {
            if arguments.is_empty() {
                return code;
            }
            self.not_a_function(callee.span);
        }
        let arguments = self.arguments(arguments);
        let site = site(callee.span);
        shape::called(Expression { code, site }, arguments)
    }

    fn method_call(
        &mut self,
        object: &ast::Expression,
        name: &ast::QualifiedName,
        arguments: &[ast::Argument],
    ) -> Code {
        let code = self.qualified_name(name, Use::Call);
        if matches!(code, Code::Property(_)) {
            self.not_a_function(name.span);
        }
        self.check_arguments(name, &code, 1, arguments);
        let object = self.expression(object);
        let mut arguments = self.arguments(arguments);
        arguments.positional.insert(0, object);
        let site = site(name.span);
        shape::called(Expression { code, site }, arguments)
    }

    fn not_a_function(&mut self, span: ast::Span) {
        self.fault(
            span,
            "krl-not-a-function",
            "this is a value, not a function",
        );
    }

    pub(super) fn arguments(&mut self, trees: &[ast::Argument]) -> Arguments {
        let mut arguments = Arguments::default();
        for tree in trees {
            let value = self.expression(&tree.value);
            match tree.name() {
                Some(name) => arguments.named.push((name.name.clone(), value)),
                None if arguments.named.is_empty() => arguments.positional.push(value),
                None => self.fault(
                    tree.span,
                    "krl-argument-order",
                    "after a named argument, all others must be named",
                ),
            }
        }
        arguments
    }

    fn function(&mut self, tree: &ast::Function) -> Code {
        let outside = std::mem::replace(&mut self.in_condition, false);
        self.scope.enter_function();
        let parameters = self.parameters(&tree.parameters);
        self.scope.enter_block();
        let declarations = self.declarations(&tree.declarations);
        let result = Some(self.expression(&tree.result));
        self.unused();
        let slots = self.scope.leave_function();
        self.in_condition = outside;
        Code::Closure(Arc::new(Function {
            site: site(tree.span),
            parameters,
            slots,
            declarations,
            actions: None,
            result,
        }))
    }

    fn defaction(&mut self, tree: &ast::Defaction) -> Code {
        self.scope.enter_function();
        let mut parameters = self.parameters(&tree.parameters);
        // Classic `configure using` gives a defaction parameters that are only passed by name.
        for declaration in &tree.configuration {
            let default = Some(self.expression(&declaration.value));
            self.parameter(&declaration.name);
            parameters.push(Parameter {
                name: declaration.name.name.clone(),
                default,
            });
        }
        self.scope.enter_block();
        let declarations = self.declarations(&tree.declarations);
        let actions = Some(self.action_block(&tree.actions));
        let result = tree.result.as_ref().map(|result| self.expression(result));
        self.unused();
        let slots = self.scope.leave_function();
        Code::Closure(Arc::new(Function {
            site: site(tree.span),
            parameters,
            slots,
            declarations,
            actions,
            result,
        }))
    }

    fn parameters(&mut self, trees: &[ast::Parameter]) -> Vec<Parameter> {
        let mut parameters: Vec<Parameter> = Vec::new();
        for tree in trees {
            let default = tree
                .default
                .as_ref()
                .map(|default| self.expression(default));
            if default.is_none() && parameters.last().is_some_and(|last| last.default.is_some()) {
                let message = format!(
                    "{} has no default, but stands after a parameter that has one",
                    tree.name.name
                );
                self.fault(tree.name.span, "krl-parameter-order", message);
            }
            self.parameter(&tree.name);
            parameters.push(Parameter {
                name: tree.name.name.clone(),
                default,
            });
        }
        parameters
    }

    fn parameter(&mut self, name: &ast::Identifier) {
        if self.scope.declare(&name.name, Kind::Any).is_none() {
            self.scope.reserve();
            let message = format!("{} is a parameter twice", name.name);
            self.fault(name.span, "krl-name-duplicate", message);
        }
        self.scope.reveal(&name.name);
    }

    /// The declarations of a block that has just been entered.
    pub(super) fn declarations(&mut self, trees: &[ast::Declaration]) -> Vec<Declaration> {
        let slots: Vec<usize> = trees.iter().map(|tree| self.declare(tree)).collect();
        let declarations = trees.iter().zip(slots);
        declarations
            .map(|(tree, slot)| self.declaration(tree, slot))
            .collect()
    }

    pub(super) fn declare(&mut self, tree: &ast::Declaration) -> usize {
        if let Some(slot) = self.scope.declare(&tree.name.name, kind_of(&tree.value)) {
            return slot;
        }
        self.duplicate(&tree.name);
        // Where declaring again is no error, the last value counts.
        let known = self.scope.slot(&tree.name.name);
        known.unwrap_or_else(|| self.scope.reserve())
    }

    pub(super) fn declaration(&mut self, tree: &ast::Declaration, slot: usize) -> Declaration {
        let value = self.expression(&tree.value);
        self.scope.reveal(&tree.name.name);
        self.scope.spanned(&tree.name.name, tree.name.span);
        Declaration { slot, value }
    }

    /// Tells of declarations in the function or rule that ends here, which nothing uses.
    pub(super) fn unused(&mut self) {
        for (name, span) in self.scope.unused() {
            if self.mentioned.contains(&name) {
                continue;
            }
            let message = format!("{name} is never used");
            self.warn(
                span,
                "krl-declaration-unused",
                message,
                "take it away, or use it",
            );
        }
    }

    /// What a name stands for.
    pub(super) fn qualified_name(&mut self, name: &ast::QualifiedName, used: Use) -> Code {
        match &name.domain {
            None => self.plain_name(&name.name, used),
            Some(domain) if domain.name == "ent" => self.variable_name(&name.name),
            Some(domain) if domain.name == "app" => self.application_variable(&name.name),
            Some(domain)
                if domain.name == "datasource" && self.globals.contains_key(&name.name.name) =>
            {
                self.plain_name(&name.name, used)
            }
            Some(domain) => self.member(domain, name, used),
        }
    }

    fn variable_name(&mut self, name: &ast::Identifier) -> Code {
        match Name::new(&name.name) {
            Ok(name) => Code::Variable(name),
            Err(error) => self.undefined(name.span, "krl-name-invalid", &error.to_string()),
        }
    }

    /// An `app:` variable is one of the ruleset, kept beside its `ent:` variables.
    fn application_variable(&mut self, name: &ast::Identifier) -> Code {
        match application_name(&name.name) {
            Ok(name) => Code::Variable(name),
            Err(error) => self.undefined(name.span, "krl-name-invalid", &error.to_string()),
        }
    }

    fn plain_name(&mut self, name: &ast::Identifier, used: Use) -> Code {
        if let Some((local, kind)) = self.scope.find(&name.name) {
            self.check_use(name.span, &name.name, kind, used);
            return Code::Local(local);
        }
        if let Some((position, kind)) = self.find_global(&name.name) {
            self.globals_used.insert(name.name.clone());
            self.check_use(name.span, &name.name, kind, used);
            return Code::Global(position);
        }
        if self.in_condition && used == Use::Value {
            return Code::Attribute(name.name.clone());
        }
        if name.name == TESTING {
            return Code::Data(self.tested.clone());
        }
        if let Some(builtin) = library::operator(&name.name) {
            self.check_use(name.span, &name.name, builtin.kind(), used);
            return constant(builtin);
        }
        if self.declared.contains(&name.name) {
            return Code::Constant(Value::Null);
        }
        let message = format!("{} is not defined{}", name.name, self.suggest(&name.name));
        if !self.is_classic() {
            return self.undefined(name.span, "krl-name-undefined", &message);
        }
        match (self.doubt(name.span, "krl-name-undefined", message), used) {
            // As in 2012, a name that nothing binds has no value.
            (_, Use::Value) => Code::Constant(Value::Null),
            (fail, _) => fail,
        }
    }

    fn find_global(&self, name: &str) -> Option<(usize, Kind)> {
        let GlobalName { position, kind, .. } = self.globals.get(name)?;
        let is_seen = *position < self.globals_seen || self.scope.depth() > 0;
        is_seen.then_some((*position, *kind))
    }

    fn suggest(&self, name: &str) -> String {
        let globals = self.globals.keys().map(String::as_str);
        let operators = library::OPERATORS.iter().copied().flatten();
        let operators = operators.map(|builtin| builtin.name);
        self.near(name, self.scope.names().chain(globals).chain(operators))
    }

    fn member(&mut self, domain: &ast::Identifier, name: &ast::QualifiedName, used: Use) -> Code {
        let used_module = self
            .modules
            .iter()
            .position(|module| module.alias == domain.name);
        if let Some(module) = used_module {
            return Code::Member(module, name.name.name.clone());
        }
        if domain.name == "keys" {
            return super::key::key(name, used);
        }
        match library::member(&domain.name, &name.name.name) {
            Some(Member::Builtin(builtin)) => {
                self.check_use(name.span, builtin.name, builtin.kind(), used);
                constant(builtin)
            }
            Some(Member::Property(property)) => {
                if used == Use::Action {
                    self.check_use(name.span, property.name, Kind::Function, used);
                }
                Code::Property(property)
            }
            None => self.unknown_member(domain, name),
        }
    }

    fn unknown_member(&mut self, domain: &ast::Identifier, name: &ast::QualifiedName) -> Code {
        if library::is_unavailable(&domain.name, &name.name.name) {
            let (domain, member) = (&domain.name, &name.name.name);
            let message = format!("{domain}:{member} is not available to rules here");
            return self.doubt(name.span, "krl-member-unavailable", message);
        }
        let members: Vec<&str> = library::members(&domain.name).collect();
        if members.is_empty() && self.mentioned.contains(&domain.name) {
            return Code::Constant(Value::Null);
        }
        let (code, message) = if members.is_empty() {
            let aliases = self.modules.iter().map(|module| module.alias.as_str());
            let near = self.near(
                &domain.name,
                aliases.chain(library::DOMAINS.iter().copied()),
            );
            (
                "krl-module-unknown",
                format!("there is no module {}{near}", domain.name),
            )
        } else {
            let near = self.near(&name.name.name, members.into_iter());
            let message = format!("{} has no member {}{near}", domain.name, name.name.name);
            ("krl-module-member-unknown", message)
        };
        self.doubt(name.span, code, message)
    }

    fn undefined(&mut self, span: ast::Span, code: &'static str, message: &str) -> Code {
        self.fault(span, code, message);
        Code::Constant(Value::Null)
    }

    fn check_use(&mut self, span: ast::Span, name: &str, kind: Kind, used: Use) {
        match (used, kind) {
            (Use::Call, Kind::Action) => {
                let message = format!("{name} is an action; it belongs among a rule's actions");
                self.fault(span, "krl-not-a-function", message);
            }
            (Use::Action, Kind::Function) => {
                self.fault(
                    span,
                    "krl-not-an-action",
                    format!("{name} is not an action"),
                );
            }
            _ => {}
        }
    }
}

/// The name under which an `app:` variable is kept.
pub(super) fn application_name(name: &str) -> Result<Name, stratus_event::NameError> {
    Name::new(&format!("app.{name}"))
}

fn constant(builtin: &'static Builtin) -> Code {
    Code::Constant(builtin.value())
}

/// What is evaluated on both operands' values; none of `&&` and `||`, whose right one may not be
/// needed.
pub(super) fn strict(operator: BinaryOperator) -> Option<Operator> {
    let strict = match operator {
        BinaryOperator::And | BinaryOperator::Or => return None,
        BinaryOperator::Add => Operator::Add,
        BinaryOperator::Compare => Operator::Compare,
        BinaryOperator::CompareText => Operator::CompareText,
        BinaryOperator::Contains => Operator::Contains,
        BinaryOperator::Divide => Operator::Divide,
        BinaryOperator::Equal => Operator::Equal,
        BinaryOperator::Greater => Operator::Greater,
        BinaryOperator::GreaterOrEqual => Operator::GreaterOrEqual,
        BinaryOperator::Less => Operator::Less,
        BinaryOperator::LessOrEqual => Operator::LessOrEqual,
        BinaryOperator::Like => Operator::Like,
        BinaryOperator::Multiply => Operator::Multiply,
        BinaryOperator::NotEqual => Operator::NotEqual,
        BinaryOperator::Remainder => Operator::Remainder,
        BinaryOperator::Subtract => Operator::Subtract,
    };
    Some(strict)
}
