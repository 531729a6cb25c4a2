//! Rules and their actions.

use super::Printer;
use crate::ast::{
    Action, ActionBlock, Argument, ArgumentKind, BlockKind, Foreach, Rule, RuleState, Select,
    SelectKind,
};

impl Printer {
    pub(super) fn rule(&mut self, rule: &Rule) {
        self.write("rule ");
        self.identifier(&rule.name);
        self.write(match rule.state {
            RuleState::Active => "",
            RuleState::Inactive => " is inactive",
            RuleState::Test => " is test",
        });
        self.open();
        if let Some(select) = &rule.select {
            self.line("select ");
            self.select(select);
        }
        for foreach in &rule.foreach {
            self.line("foreach ");
            self.foreach(foreach);
        }
        if !rule.prelude.is_empty() {
            self.line("pre");
            self.block(&rule.prelude, Self::declaration);
        }
        if let Some(emission) = &rule.emission {
            self.line("");
            self.labelled("emit ", emission);
        }
        if let Some(actions) = &rule.actions {
            self.line("");
            self.action_block(actions);
        }
        if let Some(callbacks) = &rule.callbacks {
            self.line("");
            self.callbacks(callbacks);
        }
        if let Some(postlude) = &rule.postlude {
            self.line("");
            self.postlude(postlude);
        }
        self.shut();
    }

    pub(super) fn action_block(&mut self, block: &ActionBlock) {
        if let Some(condition) = &block.condition {
            self.labelled("if ", condition);
            self.write(" then ");
        }
        match &block.kind {
            BlockKind::Choose(discriminant) => {
                // In parentheses, because a brace after it would begin a path.
                self.labelled("choose (", discriminant);
                self.write(")");
                self.block(&block.actions, Self::action);
            }
            BlockKind::Every => {
                self.write("every");
                self.block(&block.actions, Self::action);
            }
            BlockKind::Sample => {
                self.write(if self.classic { "choose" } else { "sample" });
                self.block(&block.actions, Self::action);
            }
            BlockKind::Single => self.separated(&block.actions, "; ", Self::action),
        }
    }

    /// `(value, name = value)`; modifiers are not among them.
    pub(super) fn arguments(&mut self, arguments: &[Argument]) {
        let inner = arguments.iter().filter(|argument| !is_modifier(argument));
        self.write("(");
        self.separated(inner, ", ", Self::argument);
        self.write(")");
    }

    fn select(&mut self, select: &Select) {
        match &select.kind {
            SelectKind::When(event) => {
                self.write("when ");
                self.event_expression(event);
            }
            SelectKind::Where(condition) => self.labelled("where ", condition),
        }
    }

    fn foreach(&mut self, foreach: &Foreach) {
        self.expression(&foreach.collection);
        self.names(" setting (", &foreach.setting);
        self.write(")");
    }

    fn action(&mut self, action: &Action) {
        if let Some(label) = &action.label {
            self.identifier(label);
            self.write(" => ");
        }
        self.qualified_name(&action.name);
        self.arguments(&action.arguments);
        self.setting(&action.setting);
        let outer = action
            .arguments
            .iter()
            .filter(|argument| is_modifier(argument));
        self.write(if outer.clone().next().is_some() {
            " with "
        } else {
            ""
        });
        self.separated(outer, " and ", Self::argument);
    }

    fn argument(&mut self, argument: &Argument) {
        if let Some(name) = argument.name() {
            self.identifier(name);
            self.write(" = ");
        }
        self.expression(&argument.value);
    }
}

/// Whether an argument stands after the parentheses.
fn is_modifier(argument: &Argument) -> bool {
    matches!(argument.kind, ArgumentKind::Modifier(_))
}
