//! What a formatter puts in place without looking into it.

use crate::{
    ast::Span,
    layout::{BODY, OPEN, TIGHT_AFTER, TIGHT_BEFORE},
    lexer::{Token, TokenKind, tokenize},
    tree::is_comment,
};

/// A token, a whole chevron, or a comment.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    /// What is written; of a line comment, without its line end.
    pub(super) text: &'a str,
    /// Of a chevron, that of its first token.
    pub(super) kind: TokenKind,
    /// Line ends between the piece before it and this one.
    pub(super) line_ends: usize,
    /// Whether it opens a block whose items stand on lines of their own.
    pub(super) broken: bool,
    marks: u8,
}

impl Piece<'_> {
    /// Whether it has any of these marks.
    pub(super) fn has(self, marks: u8) -> bool {
        self.marks & marks != 0
    }

    pub(super) fn is_comment(self) -> bool {
        is_comment(self.kind)
    }

    pub(super) fn is_line_comment(self) -> bool {
        self.kind == TokenKind::LineComment
    }

    pub(super) fn is_separator(self) -> bool {
        self.is_sign(&[",", ";"])
    }

    pub(super) fn opens(self) -> bool {
        self.is_sign(&["(", "[", "{"])
    }

    pub(super) fn closes(self) -> bool {
        self.is_sign(&[")", "]", "}"])
    }

    pub(super) fn is_tight_before(self) -> bool {
        self.has(TIGHT_BEFORE) || self.is_separator() || self.is_sign(&[")", "]"])
    }

    pub(super) fn is_tight_after(self) -> bool {
        self.has(TIGHT_AFTER) || self.is_sign(&["(", "["])
    }

    fn is_sign(self, signs: &[&str]) -> bool {
        self.kind == TokenKind::Punctuation && signs.contains(&self.text)
    }
}

/// The pieces of a source, with the marks of its tokens that mean something.
pub(super) fn pieces<'a>(source: &'a str, marks: &[u8]) -> Vec<Piece<'a>> {
    let mut pieces: Vec<Piece<'a>> = Vec::new();
    let mut marks = marks.iter().copied();
    let mut tokens = tokenize(source).into_iter();
    let mut end = 0;
    while let Some(token) = tokens.next() {
        if token.kind == TokenKind::Whitespace {
            continue;
        }
        let mark = if is_comment(token.kind) {
            0
        } else {
            marks.next().unwrap_or_default()
        };
        let span = whole(token, &mut tokens, &mut marks);
        let text = span.text(source).trim_end_matches(['\r', '\n']);
        pieces.push(Piece {
            text: if token.kind == TokenKind::LineComment {
                text.trim_end()
            } else {
                span.text(source)
            },
            kind: token.kind,
            line_ends: line_ends(Span::new(end, span.start).text(source)),
            broken: false,
            marks: mark,
        });
        end = if token.kind == TokenKind::LineComment {
            span.start + text.len()
        } else {
            span.end
        };
    }
    move_line_ends(&mut pieces);
    break_blocks(&mut pieces);
    pieces
}

/// The span of a token, or of the whole chevron that it opens.
fn whole(
    token: Token,
    tokens: &mut impl Iterator<Item = Token>,
    marks: &mut impl Iterator<Item = u8>,
) -> Span {
    let mut open = usize::from(token.kind == TokenKind::ChevronOpen);
    let mut span = token.span;
    while open > 0 {
        let Some(next) = tokens.next() else {
            break;
        };
        if !next.kind.is_trivia() {
            marks.next();
        }
        match next.kind {
            TokenKind::ChevronOpen => open += 1,
            TokenKind::ChevronClose => open -= 1,
            _ => {}
        }
        span = span.to(next.span);
    }
    span
}

/// A line that ends before a separator ends behind it instead.
fn move_line_ends(pieces: &mut [Piece<'_>]) {
    for index in 1..pieces.len() {
        if let Some([piece, next]) = pieces.get_mut(index..=index + 1)
            && piece.is_separator()
            && piece.line_ends > 0
        {
            next.line_ends = next.line_ends.max(1);
        }
    }
}

/// Decides which blocks have their items on lines of their own: all that have any, but the body of
/// a function only if it is not on one line already.
fn break_blocks(pieces: &mut [Piece<'_>]) {
    let mut open: Vec<(usize, bool)> = Vec::new();
    for index in 0..pieces.len() {
        let Some(piece) = pieces.get(index).copied() else {
            continue;
        };
        let ends = piece.line_ends > 0 || piece.is_line_comment();
        if let Some((_, broken)) = open.last_mut() {
            *broken |= ends;
        }
        if piece.opens() {
            open.push((index, false));
        } else if piece.closes()
            && let Some((opening, mut ends)) = open.pop()
        {
            let empty = opening + 1 == index;
            if let Some(opening) = pieces.get_mut(opening) {
                let always = opening.has(OPEN) || opening.has(BODY) && ends;
                opening.broken = always && !empty;
                ends |= opening.broken;
            }
            if let Some((_, broken)) = open.last_mut() {
                *broken |= ends;
            }
        }
    }
}

/// Line ends in a blank: `\n`, `\r\n` and `\r`.
fn line_ends(blank: &str) -> usize {
    let returns = blank.matches('\r').count() - blank.matches("\r\n").count();
    blank.matches('\n').count() + returns
}
