//! Operands that are missing.
//!
//! Hardly any word is reserved, so `then` may be a name. What stands behind it shows that it is
//! not: behind a name neither another one can stand nor a literal.

use super::Parser;
use crate::{ast::ExpressionKind, lexer::TokenKind};

impl Parser<'_> {
    /// Reports that an operand is missing before the operator or the word that is next, which then
    /// goes on with null. Operators beside each other lack one operand only.
    pub(super) fn no_operand(&mut self) -> ExpressionKind {
        let mut missing = self.expected("an expression");
        if let Some(word) = self.word(0) {
            missing.title = format!("an operand is missing before `{word}`");
            missing.help = None;
        }
        self.report(missing);
        self.operand_missing = Some(self.position);
        ExpressionKind::Null
    }

    /// Whether a word of the language is next that cannot be meant as a name.
    pub(super) fn at_keyword(&self) -> bool {
        let Some(word) = self.word(0) else {
            return false;
        };
        if HEADS.contains(&word) && self.at_operand_behind() {
            return true;
        }
        match word {
            "then" => self.at_action_behind(),
            _ => BLOCKS.contains(&word) && self.sign(1) == Some("{") && self.at_item(2),
        }
    }

    /// Whether something stands behind the next word, on its line, that cannot follow a name.
    fn at_operand_behind(&self) -> bool {
        let Some(token) = self.token(1).filter(|_| !self.fresh_at(1)) else {
            return false;
        };
        match token.kind {
            TokenKind::ChevronOpen
            | TokenKind::JavaScript
            | TokenKind::Number
            | TokenKind::Regexp
            | TokenKind::String => true,
            TokenKind::Symbol => {
                let follows = self.word(1).is_none_or(|word| FOLLOWERS.contains(&word));
                !follows && self.sign(2) != Some("=")
            }
            _ => false,
        }
    }

    /// Whether actions stand behind the next word, be it on the next line.
    fn at_action_behind(&self) -> bool {
        match (self.sign(1), self.sign(2)) {
            (Some("every" | "sample"), Some("{")) => true,
            (Some("{"), _) => self.at_item(2),
            (_, Some("(" | "=>")) => self.word(1).is_some(),
            (_, Some(":")) => self.word(1).is_some() && self.sign(4) == Some("("),
            _ => false,
        }
    }

    /// Whether the first item of a block stands at a place counted from the next token, and not the
    /// end of a path.
    fn at_item(&self, ahead: usize) -> bool {
        if self.word(ahead).is_none() {
            return false;
        }
        let actions = matches!(self.word(0), Some("every" | "sample" | "then"));
        match self.sign(ahead + 1) {
            Some("(" | "=>") => actions,
            Some(":") => {
                let end = self.sign(ahead + 3);
                end == Some(":=") || actions && end == Some("(")
            }
            Some("=") => true,
            Some(sign) => sign.starts_with(char::is_alphabetic) && !FOLLOWERS.contains(&sign),
            None => self.string_at(ahead + 1),
        }
    }
}

/// Words before blocks.
const BLOCKS: [&str; 10] = [
    "always",
    "callbacks",
    "else",
    "every",
    "finally",
    "fired",
    "global",
    "notfired",
    "pre",
    "sample",
];

/// Words behind which a name or a literal stands.
const HEADS: [&str; 19] = [
    "attributes",
    "author",
    "choose",
    "clear",
    "description",
    "error",
    "for",
    "foreach",
    "forget",
    "if",
    "log",
    "mark",
    "provides",
    "raise",
    "rule",
    "schedule",
    "select",
    "shares",
    "then",
];

/// Words that may stand behind a name: operators, and those with which something goes on.
const FOLLOWERS: [&str; 24] = [
    "after",
    "alias",
    "and",
    "at",
    "attributes",
    "before",
    "between",
    "cmp",
    "eq",
    "event",
    "for",
    "from",
    "if",
    "in",
    "like",
    "neq",
    "on",
    "or",
    "repeat",
    "setting",
    "then",
    "where",
    "with",
    "within",
];
