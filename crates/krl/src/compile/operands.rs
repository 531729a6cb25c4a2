//! What a condition compares, as text.

use stratus_krl_syntax::ast::{self, BinaryOperator, ExpressionKind, UnaryOperator};

use super::{Compiler, site};

impl Compiler {
    /// The operands that the condition comes down to, in their order; constants left out.
    pub(super) fn operands(&self, tree: &ast::Expression, found: &mut Vec<(u32, Box<str>)>) {
        match &tree.kind {
            ExpressionKind::Binary {
                operator: BinaryOperator::And | BinaryOperator::Or,
                left,
                right,
            } => {
                self.operands(left, found);
                self.operands(right, found);
            }
            ExpressionKind::Binary { left, right, .. } => {
                self.operand(left, found);
                self.operand(right, found);
            }
            ExpressionKind::Unary {
                operator: UnaryOperator::Not,
                operand,
            } => self.operands(operand, found),
            _ => self.operand(tree, found),
        }
    }

    fn operand(&self, tree: &ast::Expression, found: &mut Vec<(u32, Box<str>)>) {
        let constant = matches!(
            tree.kind,
            ExpressionKind::Boolean(_)
                | ExpressionKind::Null
                | ExpressionKind::Number(_)
                | ExpressionKind::Regexp(_)
                | ExpressionKind::Text(_)
        );
        if !constant {
            let text = tree.span.text(self.lines.source());
            let words: Vec<_> = text.split_whitespace().collect();
            found.push((site(tree.span), words.join(" ").into()));
        }
    }
}
