//! Literals: from how they are written to what they say.

use super::Parser;
use crate::{
    ast::{Regexp, RegexpForm, Span, Text},
    lexer::{Token, TokenKind},
};

impl Parser<'_> {
    /// Takes a string if it is next.
    pub(super) fn string(&mut self) -> Option<Text> {
        let token = self
            .token(0)
            .filter(|token| token.kind == TokenKind::String)?;
        self.advance();
        if token.span.text(self.source).starts_with('\'') {
            self.note_classic(token.span);
        }
        let body = inside(token.span.text(self.source));
        let start = token.span.start + 1;
        let quote = quote(token, self.source);
        let value = unescape(
            Span::new(start, start + body.len()).text(self.source),
            |escaped| escaped.starts_with([quote, '\\']).then_some(1),
        );
        let span = token.span;
        Some(Text { value, span })
    }

    /// A stretch of a string in which there may be expressions, or of a text of `JavaScript`.
    pub(super) fn string_part(&self, token: Token, span: Span) -> Text {
        if token.kind == TokenKind::JavaScript {
            let value = span.text(self.source).to_owned();
            return Text { value, span };
        }
        let quote = quote(token, self.source);
        let value = unescape(span.text(self.source), |escaped| match escaped {
            escaped if escaped.starts_with([quote, '\\']) => Some(1),
            escaped if escaped.starts_with("#{") => Some(2),
            _ => None,
        });
        Text { value, span }
    }

    /// The text of a stretch of a chevron.
    pub(super) fn chevron_text(&self, token: Token) -> Text {
        let value = unescape(token.span.text(self.source), |escaped| match escaped {
            escaped if escaped.starts_with(['>', '\\']) => Some(1),
            escaped if escaped.starts_with("#{") => Some(2),
            _ => None,
        });
        Text {
            value,
            span: token.span,
        }
    }

    /// Takes a regular expression if it is next.
    pub(super) fn regexp(&mut self) -> Option<Regexp> {
        let token = self
            .token(0)
            .filter(|token| token.kind == TokenKind::Regexp)?;
        self.advance();
        let regexp = regexp(token.span.text(self.source), token.span);
        if regexp.form != RegexpForm::Hash {
            self.note_classic(regexp.span);
        }
        Some(regexp)
    }

    /// Takes the pattern of an attribute filter: a regular expression, or a string as in classic
    /// KRL.
    pub(super) fn pattern(&mut self) -> Option<Regexp> {
        let text = match self.regexp() {
            Some(regexp) => return Some(regexp),
            None => self.string()?,
        };
        self.note_classic(text.span);
        let form = RegexpForm::Text;
        let span = text.span;
        let (global, ignore_case, multiline) = (false, false, false);
        Some(Regexp {
            pattern: text.value,
            global,
            ignore_case,
            multiline,
            form,
            span,
        })
    }
}

/// `re#…#gim`, `re/…/gim` or `#…#gim`. Flags cannot contain the delimiter, so the last one ends the
/// pattern.
fn regexp(written: &str, span: Span) -> Regexp {
    let (form, delimiter, before) = if written.starts_with("re/") {
        (RegexpForm::Slash, '/', 3)
    } else if written.starts_with('#') {
        (RegexpForm::Bare, '#', 1)
    } else {
        (RegexpForm::Hash, '#', 3)
    };
    let rest = written.get(before..).unwrap_or_default();
    let (body, flags) = rest.rsplit_once(delimiter).unwrap_or((rest, ""));
    let pattern = unescape(body, |escaped| escaped.starts_with(delimiter).then_some(1));
    let [global, ignore_case, multiline] = ['g', 'i', 'm'].map(|flag| flags.contains(flag));
    Regexp {
        pattern,
        global,
        ignore_case,
        multiline,
        form,
        span,
    }
}

/// What a string is written between.
fn quote(token: Token, source: &str) -> char {
    token.span.text(source).chars().next().unwrap_or('"')
}

/// What stands between quotes; the second may be missing.
pub(super) fn inside(written: &str) -> &str {
    let quote = written.chars().next().unwrap_or('"');
    let body = written.get(1..).unwrap_or_default();
    body.strip_suffix(quote).unwrap_or(body)
}

/// Takes away the backslashes before what they protect. `protects` is given the text after a
/// backslash and says how many bytes of it are meant; any other backslash is a character.
fn unescape(written: &str, protects: impl Fn(&str) -> Option<usize>) -> String {
    let mut value = String::with_capacity(written.len());
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('\\') {
        value.push_str(before);
        let length = protects(after);
        if length.is_none() {
            value.push('\\');
        }
        let first = after.chars().next().map_or(0, char::len_utf8);
        let (taken, left) = after
            .split_at_checked(length.unwrap_or(first))
            .unwrap_or((after, ""));
        value.push_str(taken);
        rest = left;
    }
    value.push_str(rest);
    value
}
