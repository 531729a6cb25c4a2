//! One form for all sources.

mod piece;

use piece::Piece;

use crate::{
    Diagnostic, Severity,
    layout::{BODY, CLOSE, ITEM, JOINED, OPEN},
    parser::{self, SOURCE_BYTES_MAX},
};

/// Lays a source out anew. There are no options. What is written stays, comments with it; only
/// blanks and line ends change: a block's items stand on lines of their own, lines are indented by
/// two blanks for each bracket that is open, and operators have a blank on both sides. Where a line
/// ends inside of an expression is left to its author.
///
/// # Errors
///
/// The diagnostics of a source with errors, which is left as it is.
pub fn format(source: &str) -> Result<String, Vec<Diagnostic>> {
    let (parsed, layout) = parser::read(source, SOURCE_BYTES_MAX);
    let wrong = |diagnostic: &Diagnostic| diagnostic.severity == Severity::Error;
    if parsed.ruleset.is_none() || parsed.diagnostics.iter().any(wrong) {
        return Err(parsed.diagnostics);
    }
    let mut formatter = Formatter::new(piece::pieces(source, &layout.marks));
    for index in 0..formatter.pieces.len() {
        formatter.place(index);
    }
    formatter.text.push('\n');
    Ok(formatter.text)
}

/// What has been laid out so far.
struct Formatter<'a> {
    pieces: Vec<Piece<'a>>,
    /// The brackets that are open, innermost last.
    open: Vec<Bracket>,
    /// How far the line is indented that is being written.
    indent: usize,
    text: String,
}

/// A bracket that is open.
#[derive(Clone, Copy)]
struct Bracket {
    /// How far the line is indented that it stands on.
    indent: usize,
    /// Whether its items stand on lines of their own.
    broken: bool,
}

impl<'a> Formatter<'a> {
    fn new(pieces: Vec<Piece<'a>>) -> Self {
        Self {
            pieces,
            open: Vec::new(),
            indent: 0,
            text: String::new(),
        }
    }

    /// Writes a piece with what stands before it.
    fn place(&mut self, index: usize) {
        let Some(piece) = self.pieces.get(index).copied() else {
            return;
        };
        let before = index.checked_sub(1).and_then(|at| self.pieces.get(at));
        if let Some(before) = before.copied() {
            match self.line_ends(before, piece) {
                0 if is_tight(before, piece) => {}
                0 => self.text.push(' '),
                ends => self.new_line(ends, before, piece),
            }
        }
        self.text.push_str(piece.text);
        self.follow(piece);
    }

    fn new_line(&mut self, ends: usize, before: Piece<'_>, piece: Piece<'_>) {
        self.indent = self.indent_of(before, piece);
        self.text.extend(std::iter::repeat_n('\n', ends));
        self.text.extend(std::iter::repeat_n(' ', self.indent));
    }

    /// Keeps count of the brackets.
    fn follow(&mut self, piece: Piece<'_>) {
        if piece.opens() {
            self.open.push(Bracket {
                indent: self.indent,
                broken: piece.broken,
            });
        } else if piece.closes() {
            self.open.pop();
        }
    }

    /// How many line ends stand between two pieces: two make a blank line.
    fn line_ends(&self, before: Piece<'_>, piece: Piece<'_>) -> usize {
        let due = usize::from(before.is_line_comment());
        let written = piece.line_ends.min(2);
        if piece.is_comment() {
            let most = if before.opens() { 1 } else { 2 };
            return written.min(most).max(due);
        }
        if is_joined(before, piece) {
            return due;
        }
        let item = piece.has(ITEM) && self.open.last().is_some_and(|bracket| bracket.broken);
        let edge = before.opens() && before.broken || piece.has(CLOSE) && self.in_broken();
        let least = due.max(usize::from(item || edge));
        let most = if before.opens() || piece.closes() {
            1
        } else {
            2
        };
        written.min(most).max(least)
    }

    fn in_broken(&self) -> bool {
        self.open.last().is_some_and(|bracket| bracket.broken)
    }

    /// How far a line is indented that begins with a piece.
    fn indent_of(&self, before: Piece<'_>, piece: Piece<'_>) -> usize {
        let Some(bracket) = self.open.last() else {
            return 0;
        };
        let begins = piece.has(ITEM | JOINED) || piece.is_comment() || before.opens();
        if piece.closes() {
            bracket.indent
        } else if begins {
            bracket.indent + INDENT
        } else {
            bracket.indent + 2 * INDENT
        }
    }
}

/// Whether a piece stays on the line of the one before it, whatever its author did.
fn is_joined(before: Piece<'_>, piece: Piece<'_>) -> bool {
    let block = piece.has(OPEN | BODY) && !piece.has(ITEM);
    let empty = before.opens() && piece.closes();
    block || empty || piece.has(JOINED) || piece.is_separator()
}

/// Whether no blank stands between two pieces on one line.
fn is_tight(before: Piece<'_>, piece: Piece<'_>) -> bool {
    let empty = before.opens() && piece.closes();
    empty || before.is_tight_after() || piece.is_tight_before()
}

/// Blanks by which a line is indented for a bracket.
const INDENT: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruleset_has_one_form() {
        let source = "// a\n\n\nruleset   a.b{meta{name \"x\" // here\n shares f,g}\nglobal{ f=function(x){y= -x*( 1+2 )\n\n\n// why\n y{\"a\"} . b ( 1,{ \"c\" :[ 1,2 ]} )}\n\n g = function(x){x}}\n rule c{select when d:e f re#g#setting( h )\n or i j\n if not h\nthen every{k(l)/* m */ n(o);}\nfired{ent:p:=q;\nraise r event \"s\"}\nelse\n{}}}";
        let expected = "// a\n\nruleset a.b {\n  meta {\n    name \"x\" // here\n    shares f, g\n  }\n  global {\n    f = function(x) {\n      y = -x * (1 + 2)\n\n      // why\n      y{\"a\"}.b(1, {\"c\": [1, 2]})\n    }\n\n    g = function(x) { x }\n  }\n  rule c {\n    select when d:e f re#g# setting(h)\n      or i j\n    if not h\n      then every {\n        k(l) /* m */\n        n(o);\n      }\n    fired {\n      ent:p := q;\n      raise r event \"s\"\n    } else {}\n  }\n}\n";
        check(source, expected);
        check(expected, expected);
    }

    #[test]
    fn lines_of_an_expression_stay() {
        let source = "ruleset a{global{b = [\n1,\n2\n].map(function(x){\nx\n})\n.join(\n\",\"\n) c = <<\n x  \n>>\n}}";
        let expected = "ruleset a {\n  global {\n    b = [\n      1,\n      2\n    ].map(function(x) {\n      x\n    })\n      .join(\n        \",\"\n      )\n    c = <<\n x  \n>>\n  }\n}\n";
        check(source, expected);
        check(expected, expected);
    }

    #[test]
    fn classic_forms_are_laid_out_too() {
        let source = "ruleset 10{dispatch{domain \"a\"->\"b\"}global{dataset c:JSON<-\"d\" cachable for 3 hours;}rule e is test{select using \"f\" setting()\n{g();h()with i='j' and k = 2}callbacks{success{click id=\"l\" triggers ent:m+=1 from 2;}}}}";
        let expected = "ruleset 10 {\n  dispatch {\n    domain \"a\" -> \"b\"\n  }\n  global {\n    dataset c:JSON <- \"d\" cachable for 3 hours;\n  }\n  rule e is test {\n    select using \"f\" setting()\n    {\n      g();\n      h() with i = 'j' and k = 2\n    }\n    callbacks {\n      success {\n        click id = \"l\" triggers ent:m += 1 from 2;\n      }\n    }\n  }\n}\n";
        check(source, expected);
        check(expected, expected);
    }

    #[test]
    fn a_block_in_a_body_breaks_the_body() {
        let source = "ruleset a{global{b = defaction(x) { every { c() d() } }}}";
        let expected = "ruleset a {\n  global {\n    b = defaction(x) {\n      every {\n        c()\n        d()\n      }\n    }\n  }\n}\n";
        check(source, expected);
        check(expected, expected);
    }

    #[test]
    fn what_is_wrong_is_left_alone() {
        let codes = format("ruleset a { rule }").unwrap_err();
        assert_eq!(codes[0].code, "krl-expected");
    }

    fn check(source: &str, expected: &str) {
        assert_eq!(format(source).unwrap(), expected);
    }
}
