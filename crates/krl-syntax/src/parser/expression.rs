//! Expressions.

use super::{Outcome, Parser, recovery::null};
use crate::{
    ast::{
        BinaryOperator, Entry, Expression, ExpressionKind, QualifiedName, Segment, Span, Text,
        UnaryOperator,
    },
    diagnostic::Diagnostic,
    layout::{TIGHT_AFTER, TIGHT_BEFORE},
    lexer::TokenKind,
    precedence::{self, CALL, CONDITIONAL, MEMBER, PREFIX},
};

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> Outcome<Expression> {
        self.operation(0)
    }

    /// An expression without comparisons, or more in parentheses.
    pub(super) fn sum(&mut self) -> Outcome<Expression> {
        self.operation(precedence::binary(BinaryOperator::Equal))
    }

    /// What `choose` goes by: no operator that would need parentheses, and no path, because its
    /// brace is the block's.
    pub(super) fn discriminant(&mut self) -> Outcome<Expression> {
        self.nested(|parser| {
            let start = parser.span();
            let mut left = parser.primary()?;
            while let Some(infix) = parser.infix().filter(|infix| infix.power() >= MEMBER) {
                if infix == Infix::Path {
                    break;
                }
                parser.link()?;
                left = parser.joined(start, left, infix)?;
            }
            Ok(left)
        })
    }

    /// An expression of operators that bind tighter than a power.
    fn operation(&mut self, power: u8) -> Outcome<Expression> {
        self.nested(|parser| {
            let start = parser.span();
            let mut left = parser.primary()?;
            while let Some(infix) = parser.infix().filter(|infix| infix.power() > power) {
                parser.link()?;
                left = parser.joined(start, left, infix)?;
                if matches!(infix, Infix::Binary(_)) && parser.at("within") {
                    left = parser.aged(left)?;
                }
            }
            if parser.at("within") {
                left = parser.aged(left)?;
            }
            Ok(left)
        })
    }

    /// What an expression begins with.
    pub(super) fn primary(&mut self) -> Outcome<Expression> {
        if self.at("(") {
            self.mark(TIGHT_AFTER);
            let opening = self.expect("(")?;
            return self.enclosed(")", opening);
        }
        let start = self.span();
        let kind = match self.token(0).map(|token| token.kind) {
            Some(TokenKind::ChevronOpen) => self.chevron()?,
            Some(TokenKind::JavaScript) => self.javascript()?,
            Some(TokenKind::Number) => self.number()?,
            Some(TokenKind::Symbol) => self.word_expression()?,
            Some(TokenKind::Punctuation) => self.sign_expression()?,
            _ => self.text_expression()?,
        };
        Ok(Expression {
            kind,
            span: self.since(start),
        })
    }

    fn text_expression(&mut self) -> Outcome<ExpressionKind> {
        if let Some(beestings) = self.beestings() {
            return Ok(beestings);
        }
        if let Some(text) = self.string() {
            return Ok(ExpressionKind::Text(text.value));
        }
        let regexp = self
            .regexp()
            .ok_or_else(|| self.expected("an expression"))?;
        Ok(ExpressionKind::Regexp(regexp))
    }

    fn number(&mut self) -> Outcome<ExpressionKind> {
        let span = self.span();
        let number = span.text(self.source).parse().unwrap_or(f64::INFINITY);
        if number.is_infinite() {
            let diagnostic = Diagnostic::error("krl-number-range", "the number is too great", span);
            return Err(diagnostic.into());
        }
        self.advance();
        Ok(ExpressionKind::Number(number))
    }

    /// What begins with a word.
    fn word_expression(&mut self) -> Outcome<ExpressionKind> {
        if let Some(trail) = self.trail()? {
            return Ok(trail);
        }
        let kind = match self.word(0) {
            Some("defaction") => return self.nested(Self::defaction),
            Some("function") => return self.nested(Self::function),
            Some("not") => return self.unary(UnaryOperator::Not),
            Some("false") => ExpressionKind::Boolean(false),
            Some("null") => ExpressionKind::Null,
            Some("true") => ExpressionKind::Boolean(true),
            // An operand cannot be returned.
            Some("return") if !self.at_fresh() && self.sign(1) == Some("{") => {
                let reserved = self.reserved("return", "an expression");
                self.note_only_classic(reserved);
                let name = self.any_word("an expression")?;
                let (domain, span) = (None, name.span);
                return Ok(ExpressionKind::Name(QualifiedName { domain, name, span }));
            }
            _ if self.at_keyword() => return Ok(self.no_operand()),
            Some(word) if OPERATORS.contains(&word) => {
                let reserved = self.reserved(word, "an expression");
                if matches!(word, "and" | "or") {
                    return Err(reserved.into());
                }
                self.slip(reserved);
                return self
                    .qualified_name("an expression")
                    .map(ExpressionKind::Name);
            }
            _ if self.at_declaration() && self.at_fresh() => {
                return Err(self
                    .expected("an expression before the next declaration")
                    .into());
            }
            _ => {
                return self
                    .qualified_name("an expression")
                    .map(ExpressionKind::Name);
            }
        };
        self.advance();
        Ok(kind)
    }

    /// What begins with a sign.
    fn sign_expression(&mut self) -> Outcome<ExpressionKind> {
        match self.sign(0) {
            Some("+") => self.unary(UnaryOperator::Plus),
            Some("-") => self.unary(UnaryOperator::Negate),
            Some("[") => self
                .sequence(("[", "]"), Self::expression)
                .map(ExpressionKind::List),
            Some("{") => self
                .sequence(("{", "}"), Self::entry)
                .map(ExpressionKind::Map),
            _ if self.infix().is_some() || self.at("|") => Ok(self.no_operand()),
            _ => Err(self.expected("an expression").into()),
        }
    }

    fn unary(&mut self, operator: UnaryOperator) -> Outcome<ExpressionKind> {
        if operator != UnaryOperator::Not {
            self.mark(TIGHT_AFTER);
        }
        self.advance();
        let operand = Box::new(self.operation(PREFIX)?);
        Ok(ExpressionKind::Unary { operator, operand })
    }

    /// `"key": value`.
    fn entry(&mut self) -> Outcome<Entry> {
        let key = self.key()?;
        self.mark(TIGHT_BEFORE);
        self.expect(":")?;
        let value = self.expression()?;
        let span = self.since(key.span);
        Ok(Entry { key, value, span })
    }

    /// A map's key; in 2012 a word could be one.
    fn key(&mut self) -> Outcome<Text> {
        let what = "a key (a string)";
        if let (Some(word), Some(":")) = (self.word(0), self.sign(1)) {
            let (span, expected) = (self.span(), self.expected(what));
            self.advance();
            let help = format!("write `\"{word}\"`");
            self.note_only_classic(expected.help(help));
            let value = word.to_owned();
            return Ok(Text { value, span });
        }
        self.string().ok_or_else(|| self.expected(what).into())
    }

    /// `<<text #{expression} text>>`.
    fn chevron(&mut self) -> Outcome<ExpressionKind> {
        let opening = self.span();
        self.advance();
        let mut segments = Vec::new();
        while let Some(token) = self.token(0) {
            match token.kind {
                TokenKind::ChevronClose => {
                    self.advance();
                    return Ok(ExpressionKind::Chevron(segments));
                }
                TokenKind::ChevronText => {
                    self.advance();
                    segments.push(Segment::Text(self.chevron_text(token)));
                }
                _ => segments.push(Segment::Expression(self.beesting()?)),
            }
        }
        let diagnostic =
            Diagnostic::error("krl-unclosed-chevron", "the chevron never ends", opening);
        Err(Box::new(diagnostic.help("close it with `>>`")))
    }

    /// `#{expression}`.
    fn beesting(&mut self) -> Outcome<Expression> {
        if !self.at_kind(TokenKind::BeestingOpen) {
            return Err(self.expected("`>>`").into());
        }
        self.advance();
        let from = self.position;
        let at_end = |parser: &Self| parser.at_kind(TokenKind::BeestingClose);
        let mut read = self.expression();
        if read.is_ok() && !at_end(self) {
            read = Err(self.expected("`}`").into());
        }
        let expression = match read {
            Err(diagnostic) if self.skip_to(from, at_end) => {
                self.report(*diagnostic);
                null(self.span())
            }
            read => read?,
        };
        self.advance();
        Ok(expression)
    }

    /// Which operator stands here after an expression.
    fn infix(&self) -> Option<Infix> {
        let infix = match self.sign(0)? {
            "(" => Infix::Call,
            "." => Infix::Member,
            "[" => Infix::Index,
            // A path is never followed by a colon, so this is a map that follows.
            "{" if self.string_at(1) && self.sign(2) == Some(":") => return None,
            "{" => Infix::Path,
            "=>" => Infix::Conditional,
            sign => Infix::Binary(binary_operator(sign)?),
        };
        // A word that is an operator may also be the name of what comes next.
        let named = self.word(0).is_some() && matches!(self.sign(1), Some("=" | "=>" | ":" | ":="));
        let bracket = matches!(infix, Infix::Call | Infix::Index | Infix::Path);
        let apart = bracket && self.in_condition && self.at_fresh();
        Some(infix).filter(|_| !named && !apart)
    }

    /// Notes the generation that the operator that is next shows.
    fn note_operator(&mut self) {
        match self.sign(0) {
            Some("eq" | "neq") => self.note_classic(self.span()),
            Some("<=>" | "cmp") => self.note_modern(self.span()),
            _ => {}
        }
    }

    /// The expression of an operator that is next and of what stands before it.
    fn joined(&mut self, start: Span, left: Expression, infix: Infix) -> Outcome<Expression> {
        let left = Box::new(left);
        if !matches!(infix, Infix::Binary(_) | Infix::Conditional) {
            self.mark(TIGHT_BEFORE);
        }
        let kind = match infix {
            Infix::Binary(operator) => {
                self.note_operator();
                self.advance();
                let right = Box::new(self.operation(infix.power())?);
                ExpressionKind::Binary {
                    operator,
                    left,
                    right,
                }
            }
            Infix::Call => ExpressionKind::Call {
                callee: left,
                arguments: self.arguments()?,
            },
            Infix::Conditional => self.conditional(left)?,
            Infix::Index => {
                let index = Box::new(self.bracketed("[", "]")?);
                ExpressionKind::Index {
                    object: left,
                    index,
                }
            }
            Infix::Member => self.member(left)?,
            Infix::Path => {
                let path = Box::new(self.bracketed("{", "}")?);
                ExpressionKind::Path { object: left, path }
            }
        };
        Ok(Expression {
            kind,
            span: self.since(start),
        })
    }

    /// `condition => consequent | alternate`; the alternate may be such an expression again.
    fn conditional(&mut self, condition: Box<Expression>) -> Outcome<ExpressionKind> {
        self.advance();
        let consequent = Box::new(self.operation(CONDITIONAL)?);
        self.expect("|")?;
        let alternate = Box::new(self.operation(CONDITIONAL - 1)?);
        Ok(ExpressionKind::Conditional {
            condition,
            consequent,
            alternate,
        })
    }

    /// `object.name` or `object.name(arguments)`.
    fn member(&mut self, object: Box<Expression>) -> Outcome<ExpressionKind> {
        self.mark(TIGHT_AFTER);
        self.advance();
        let name = self.qualified_name("a name after `.`")?;
        if self.at("(") {
            self.mark(TIGHT_BEFORE);
        }
        if !self.at("(") {
            return Ok(ExpressionKind::Member { object, name });
        }
        Ok(ExpressionKind::MethodCall {
            object,
            name,
            arguments: self.arguments()?,
        })
    }

    /// `[index]` or `{path}`.
    pub(super) fn bracketed(&mut self, open: &str, close: &str) -> Outcome<Expression> {
        self.mark(TIGHT_BEFORE | TIGHT_AFTER);
        let opening = self.expect(open)?;
        self.enclosed(close, opening)
    }
}

/// What may stand after an expression and make a greater one of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Infix {
    Binary(BinaryOperator),
    Call,
    Conditional,
    Index,
    Member,
    Path,
}

impl Infix {
    /// How tightly it binds.
    fn power(self) -> u8 {
        match self {
            Self::Binary(operator) => precedence::binary(operator),
            Self::Call => CALL,
            Self::Conditional => CONDITIONAL,
            Self::Index | Self::Member | Self::Path => MEMBER,
        }
    }
}

/// Words that join what stands beside them. In 2012 the last was a name of values too.
const OPERATORS: [&str; 3] = ["and", "or", "then"];

fn binary_operator(sign: &str) -> Option<BinaryOperator> {
    Some(match sign {
        "%" => BinaryOperator::Remainder,
        "&&" => BinaryOperator::And,
        "*" => BinaryOperator::Multiply,
        "+" => BinaryOperator::Add,
        "-" => BinaryOperator::Subtract,
        "/" => BinaryOperator::Divide,
        "!=" | "neq" => BinaryOperator::NotEqual,
        "<" => BinaryOperator::Less,
        "<=" => BinaryOperator::LessOrEqual,
        "<=>" => BinaryOperator::Compare,
        "==" | "eq" => BinaryOperator::Equal,
        ">" => BinaryOperator::Greater,
        "><" => BinaryOperator::Contains,
        ">=" => BinaryOperator::GreaterOrEqual,
        "cmp" => BinaryOperator::CompareText,
        "like" => BinaryOperator::Like,
        "||" => BinaryOperator::Or,
        _ => return None,
    })
}
