//! Expressions.

use super::{Outcome, Parser};
use crate::{
    ast::{BinaryOperator, Entry, Expression, ExpressionKind, Segment, Span, UnaryOperator},
    diagnostic::Diagnostic,
    lexer::TokenKind,
    precedence::{self, CALL, CONDITIONAL, MEMBER, PREFIX},
};

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expression(&mut self) -> Outcome<Expression> {
        self.operation(0)
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
            }
            Ok(left)
        })
    }

    /// What an expression begins with.
    fn primary(&mut self) -> Outcome<Expression> {
        if self.at("(") {
            let opening = self.expect("(")?;
            let inner = self.expression()?;
            self.close(")", opening)?;
            return Ok(inner);
        }
        let start = self.span();
        let kind = match self.token(0).map(|token| token.kind) {
            Some(TokenKind::ChevronOpen) => self.chevron()?,
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
        let kind = match self.word(0) {
            Some("defaction") => return self.nested(Self::defaction),
            Some("function") => return self.nested(Self::function),
            Some("not") => return self.unary(UnaryOperator::Not),
            Some("false") => ExpressionKind::Boolean(false),
            Some("null") => ExpressionKind::Null,
            Some("true") => ExpressionKind::Boolean(true),
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
            _ => Err(self.expected("an expression").into()),
        }
    }

    fn unary(&mut self, operator: UnaryOperator) -> Outcome<ExpressionKind> {
        self.advance();
        let operand = Box::new(self.operation(PREFIX)?);
        Ok(ExpressionKind::Unary { operator, operand })
    }

    /// `"key": value`.
    fn entry(&mut self) -> Outcome<Entry> {
        let key = self
            .string()
            .ok_or_else(|| self.expected("a key (a string)"))?;
        self.expect(":")?;
        let value = self.expression()?;
        let span = self.since(key.span);
        Ok(Entry { key, value, span })
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
        let expression = self.expression()?;
        if !self.at_kind(TokenKind::BeestingClose) {
            return Err(self.expected("`}`").into());
        }
        self.advance();
        Ok(expression)
    }

    /// Which operator stands here after an expression.
    fn infix(&self) -> Option<Infix> {
        let infix = match self.sign(0)? {
            "(" => Infix::Call,
            "." => Infix::Member,
            "[" => Infix::Index,
            "{" => Infix::Path,
            "=>" => Infix::Conditional,
            sign => Infix::Binary(binary_operator(sign)?),
        };
        // A word that is an operator may also be the name of what comes next.
        let named = self.word(0).is_some() && matches!(self.sign(1), Some("=" | "=>" | ":" | ":="));
        Some(infix).filter(|_| !named)
    }

    /// The expression of an operator that is next and of what stands before it.
    fn joined(&mut self, start: Span, left: Expression, infix: Infix) -> Outcome<Expression> {
        let left = Box::new(left);
        let kind = match infix {
            Infix::Binary(operator) => {
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
        self.advance();
        let name = self.qualified_name("a name after `.`")?;
        if !self.at("(") {
            return Ok(ExpressionKind::Member { object, name });
        }
        Ok(ExpressionKind::MethodCall {
            object,
            name,
            arguments: self.arguments()?,
        })
    }

    fn bracketed(&mut self, open: &str, close: &str) -> Outcome<Expression> {
        let opening = self.expect(open)?;
        let inner = self.expression()?;
        self.close(close, opening)?;
        Ok(inner)
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
