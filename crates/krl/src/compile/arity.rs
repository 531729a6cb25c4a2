//! Whether a call fits what it calls.

use stratus_krl_syntax::ast;

use super::Compiler;
use crate::{
    program::Code,
    value::{Callable, Value},
};

impl Compiler {
    /// Warns of arguments that the callee has no parameters for, if the text tells what it is: a
    /// function or action that is built in, or a global of the ruleset. `before` arguments stand
    /// in front of the call.
    pub(super) fn check_arguments(
        &mut self,
        name: &ast::QualifiedName,
        callee: &Code,
        before: usize,
        arguments: &[ast::Argument],
    ) {
        let (callee, parameters) = match callee {
            Code::Constant(
                Value::Action(Callable::Builtin(builtin))
                | Value::Function(Callable::Builtin(builtin)),
            ) => {
                let parameters = builtin.parameters.iter().map(|name| (*name).to_owned());
                (builtin.name.to_owned(), parameters.collect())
            }
            _ => match self.own_parameters(name) {
                Some(parameters) => (name.name.name.clone(), parameters),
                None => return,
            },
        };
        self.check_number(&callee, &parameters, before, arguments);
        self.check_names(&callee, &parameters, arguments);
    }

    /// The parameters of a function or action among the globals, if nothing hides it here.
    fn own_parameters(&self, name: &ast::QualifiedName) -> Option<Vec<String>> {
        let callee = &name.name.name;
        if name.domain.is_some() || self.scope.find(callee).is_some() {
            return None;
        }
        self.globals.get(callee)?.parameters.clone()
    }

    fn check_number(
        &mut self,
        callee: &str,
        parameters: &[String],
        before: usize,
        arguments: &[ast::Argument],
    ) {
        let takes = parameters.len();
        let Some(surplus) = arguments.get(takes.saturating_sub(before)) else {
            return;
        };
        let gets = arguments.len() + before;
        let plural = if takes == 1 { "" } else { "s" };
        let message = format!("{callee} takes {takes} argument{plural}, and gets {gets}");
        let help = "take the others away, or add parameters";
        self.warn(surplus.span, "krl-argument-surplus", message, help);
    }

    fn check_names(&mut self, callee: &str, parameters: &[String], arguments: &[ast::Argument]) {
        for name in arguments.iter().filter_map(ast::Argument::name) {
            if !parameters.contains(&name.name) {
                let near = self.near(&name.name, parameters.iter().map(String::as_str));
                let message = format!("{callee} has no parameter {}{near}", name.name);
                let help = "the call fails where it is made";
                self.warn(name.span, "krl-parameter-unknown", message, help);
            }
        }
    }
}

/// What a function or an action takes.
pub(super) fn parameters_of(value: &ast::Expression) -> Option<Vec<String>> {
    let parameters = match &value.kind {
        ast::ExpressionKind::Defaction(action) if action.configuration.is_empty() => {
            &action.parameters
        }
        ast::ExpressionKind::Function(function) => &function.parameters,
        _ => return None,
    };
    let names = parameters.iter();
    Some(names.map(|parameter| parameter.name.name.clone()).collect())
}
