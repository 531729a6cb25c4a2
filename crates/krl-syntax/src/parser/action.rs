//! Actions.

use super::{Outcome, Parser};
use crate::ast::{Action, ActionBlock, Argument, ArgumentKind, BlockKind};

impl Parser<'_> {
    /// `if condition then action()`, or a block of actions in its place.
    pub(super) fn action_block(&mut self) -> Outcome<ActionBlock> {
        let start = self.span();
        let condition = if self.eat("if") {
            let condition = self.expression()?;
            self.expect("then")?;
            Some(condition)
        } else {
            None
        };
        let (kind, actions) = self.actions()?;
        Ok(ActionBlock {
            condition,
            kind,
            actions,
            span: self.since(start),
        })
    }

    /// `(value, name = value)`.
    pub(super) fn arguments(&mut self) -> Outcome<Vec<Argument>> {
        self.sequence(("(", ")"), Self::argument)
    }

    /// Whether `if` or an action begins here.
    pub(super) fn at_action_block(&self) -> bool {
        let block = matches!(
            (self.word(0), self.sign(1)),
            (Some("if" | "choose"), _) | (Some("every" | "sample"), Some("{"))
        );
        block || self.at_action()
    }

    fn actions(&mut self) -> Outcome<(BlockKind, Vec<Action>)> {
        match (self.word(0), self.sign(1)) {
            (Some("every"), Some("{")) => {
                self.advance();
                Ok((
                    BlockKind::Every,
                    self.block(Self::action, Self::at_action)?.0,
                ))
            }
            (Some("sample"), Some("{")) => {
                self.advance();
                Ok((
                    BlockKind::Sample,
                    self.block(Self::action, Self::at_action)?.0,
                ))
            }
            (Some("choose"), next) if next != Some("=>") => {
                self.advance();
                let kind = BlockKind::Choose(self.discriminant()?);
                Ok((kind, self.block(Self::action, Self::at_action)?.0))
            }
            _ if self.at_action() => Ok((BlockKind::Single, vec![self.action()?])),
            _ => Err(self
                .expected("an action, `every`, `sample` or `choose`")
                .into()),
        }
    }

    /// `label => domain:name(arguments) setting(result) with name = value and …`.
    fn action(&mut self) -> Outcome<Action> {
        let start = self.span();
        let label = if self.sign(1) == Some("=>") {
            let label = self.identifier("a label")?;
            self.advance();
            Some(label)
        } else {
            None
        };
        let name = self.qualified_name("an action")?;
        let mut arguments = self.arguments()?;
        let mut setting = self.setting()?;
        self.modifiers(&mut arguments)?;
        if setting.is_empty() {
            setting = self.setting()?;
        }
        self.eat(";");
        Ok(Action {
            label,
            name,
            arguments,
            setting,
            span: self.since(start),
        })
    }

    /// `with name = value and name = value`, as classic KRL has it after an action.
    fn modifiers(&mut self, arguments: &mut Vec<Argument>) -> Outcome<()> {
        if !self.at_modifiers() {
            return Ok(());
        }
        self.advance();
        loop {
            let declaration = self.declaration()?;
            let kind = ArgumentKind::Modifier(declaration.name);
            arguments.push(Argument {
                kind,
                value: declaration.value,
                span: declaration.span,
            });
            if !self.eat("and") {
                return Ok(());
            }
        }
    }

    /// Whether `with name =` is next.
    pub(super) fn at_modifiers(&self) -> bool {
        self.at("with") && self.word(1).is_some() && self.sign(2) == Some("=")
    }

    fn argument(&mut self) -> Outcome<Argument> {
        let start = self.span();
        let kind = if self.at_declaration() {
            let name = self.identifier("an argument's name")?;
            self.advance();
            ArgumentKind::Named(name)
        } else {
            ArgumentKind::Positional
        };
        let value = self.expression()?;
        Ok(Argument {
            kind,
            value,
            span: self.since(start),
        })
    }

    /// Whether an action begins here.
    fn at_action(&self) -> bool {
        self.word(0).is_some() && matches!(self.sign(1), Some("(" | ":" | "=>"))
    }
}
