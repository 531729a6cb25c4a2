//! Actions.

use super::{Outcome, Parser};
use crate::{
    ast::{
        Action, ActionBlock, Argument, ArgumentKind, BlockKind, Identifier, QualifiedName, Span,
    },
    layout::TIGHT_BEFORE,
};

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
                self.note_modern(self.span());
                self.advance();
                Ok((
                    BlockKind::Sample,
                    self.block(Self::action, Self::at_action)?.0,
                ))
            }
            (Some("choose"), Some("{")) => {
                self.note_classic(self.span());
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
            (None, _) if self.at("{") => {
                let expected = self.expected("an action, `every`, `sample` or `choose`");
                self.note_only_classic(expected.help("write `every` before the `{`"));
                Ok((
                    BlockKind::Every,
                    self.block(Self::action, Self::at_action)?.0,
                ))
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
        if self.at_emission("emit") {
            return self.emitting(start, label);
        }
        let name = self.qualified_name("an action")?;
        self.mark(TIGHT_BEFORE);
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

    /// `emit <<…>>`, the same as `emit(<<…>>)`.
    fn emitting(&mut self, start: Span, label: Option<Identifier>) -> Outcome<Action> {
        let word = self.identifier("an action")?;
        self.note_classic(word.span);
        let value = self.emitted()?;
        let arguments = vec![Argument {
            kind: ArgumentKind::Positional,
            span: value.span,
            value,
        }];
        self.eat(";");
        let name = QualifiedName {
            domain: None,
            span: word.span,
            name: word,
        };
        Ok(Action {
            label,
            name,
            arguments,
            setting: Vec::new(),
            span: self.since(start),
        })
    }

    /// `with name = value and name = value`, as classic KRL has it after an action. The first
    /// pico-engines needed no `and`.
    fn modifiers(&mut self, arguments: &mut Vec<Argument>) -> Outcome<()> {
        if !self.at_modifiers() {
            return Ok(());
        }
        self.note_classic(self.span());
        self.advance();
        loop {
            let declaration = self.declaration()?;
            let kind = ArgumentKind::Modifier(declaration.name);
            arguments.push(Argument {
                kind,
                value: declaration.value,
                span: declaration.span,
            });
            if !self.eat("and") && !self.at_declaration() {
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
    pub(super) fn at_action(&self) -> bool {
        let named = self.word(0).is_some() && matches!(self.sign(1), Some("(" | ":" | "=>"));
        let word = matches!(self.word(0), Some("every" | "sample")) && self.sign(1) == Some("(");
        named && !word || self.at_emission("emit")
    }
}
