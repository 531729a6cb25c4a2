//! Expressions.

use super::Printer;
use crate::{
    ast::{
        Argument, BinaryOperator, Defaction, Entry, Expression, ExpressionKind, Function,
        Parameter, Regexp, RegexpForm, Segment, UnaryOperator,
    },
    precedence::{self, CONDITIONAL, MEMBER, PREFIX},
};

impl Printer {
    pub(super) fn expression(&mut self, expression: &Expression) {
        match &expression.kind {
            ExpressionKind::Binary {
                operator,
                left,
                right,
            } => {
                self.binary(*operator, left, right);
            }
            ExpressionKind::Boolean(true) => self.write("true"),
            ExpressionKind::Boolean(false) => self.write("false"),
            ExpressionKind::Call { callee, arguments } => self.call(callee, arguments),
            ExpressionKind::Chevron(segments) => self.chevron(segments),
            ExpressionKind::Conditional {
                condition,
                consequent,
                alternate,
            } => {
                self.conditional(condition, consequent, alternate);
            }
            ExpressionKind::Defaction(defaction) => self.defaction(defaction),
            ExpressionKind::Function(function) => self.function(function),
            ExpressionKind::Index { object, index } => self.inside(object, "[", index, "]"),
            ExpressionKind::List(items) => self.bracketed("[", items, "]", Self::expression),
            ExpressionKind::Map(entries) => self.bracketed("{", entries, "}", Self::entry),
            ExpressionKind::Member { object, name } => {
                self.operand(object, MEMBER);
                self.write(".");
                self.qualified_name(name);
            }
            ExpressionKind::MethodCall {
                object,
                name,
                arguments,
            } => {
                self.operand(object, MEMBER);
                self.write(".");
                self.qualified_name(name);
                self.arguments(arguments);
            }
            ExpressionKind::Name(name) => self.qualified_name(name),
            ExpressionKind::Null => self.write("null"),
            ExpressionKind::Number(number) => self.write(&number.to_string()),
            ExpressionKind::Path { object, path } => self.inside(object, "{", path, "}"),
            ExpressionKind::Regexp(regexp) => self.regexp(regexp),
            ExpressionKind::Text(value) => self.text(value),
            ExpressionKind::Trail(trail) => self.trail(trail),
            ExpressionKind::Unary { operator, operand } => self.unary(*operator, operand),
        }
    }

    /// An expression after a word.
    pub(super) fn labelled(&mut self, label: &str, expression: &Expression) {
        self.write(label);
        self.expression(expression);
    }

    pub(super) fn regexp(&mut self, regexp: &Regexp) {
        let delimiter = match regexp.form {
            RegexpForm::Bare | RegexpForm::Hash => '#',
            RegexpForm::Slash => '/',
            RegexpForm::Text => return self.string(&regexp.pattern),
        };
        let pattern = escape_delimiter(&regexp.pattern, delimiter);
        let word = if regexp.form == RegexpForm::Bare {
            ""
        } else {
            "re"
        };
        self.write(&format!("{word}{delimiter}{pattern}{delimiter}"));
        self.write(if regexp.global { "g" } else { "" });
        self.write(if regexp.ignore_case { "i" } else { "" });
        self.write(if regexp.multiline { "m" } else { "" });
    }

    /// An operand of what binds with a power; in parentheses if it binds less.
    fn operand(&mut self, expression: &Expression, power: u8) {
        if expression_power(expression) >= power {
            return self.expression(expression);
        }
        self.labelled("(", expression);
        self.write(")");
    }

    fn binary(&mut self, operator: BinaryOperator, left: &Expression, right: &Expression) {
        let power = precedence::binary(operator);
        self.operand(left, power);
        self.write(&format!(" {} ", binary_sign(operator)));
        self.operand(right, power + 1);
    }

    fn call(&mut self, callee: &Expression, arguments: &[Argument]) {
        // Without the parentheses, this would be a method call.
        let member = matches!(callee.kind, ExpressionKind::Member { .. });
        self.operand(callee, if member { u8::MAX } else { MEMBER });
        self.arguments(arguments);
    }

    fn conditional(&mut self, condition: &Expression, yes: &Expression, no: &Expression) {
        self.operand(condition, CONDITIONAL + 1);
        self.write(" => ");
        self.operand(yes, CONDITIONAL + 1);
        self.write(" | ");
        self.operand(no, CONDITIONAL);
    }

    fn unary(&mut self, operator: UnaryOperator, operand: &Expression) {
        self.write(match operator {
            UnaryOperator::Negate => "-",
            UnaryOperator::Not => "not ",
            UnaryOperator::Plus => "+",
        });
        self.operand(operand, PREFIX);
    }

    fn inside(&mut self, object: &Expression, open: &str, inner: &Expression, close: &str) {
        self.operand(object, MEMBER);
        self.labelled(open, inner);
        self.write(close);
    }

    fn bracketed<T>(&mut self, open: &str, items: &[T], close: &str, item: fn(&mut Self, &T)) {
        self.write(open);
        self.separated(items, ", ", item);
        self.write(close);
    }

    fn entry(&mut self, entry: &Entry) {
        self.string(&entry.key.value);
        self.labelled(": ", &entry.value);
    }

    pub(super) fn string(&mut self, value: &str) {
        let value = value.replace('\\', r"\\").replace('"', r#"\""#);
        self.write(&format!("\"{value}\""));
    }

    /// A text among expressions, where `#{` begins one in a classic ruleset.
    fn text(&mut self, value: &str) {
        let from = self.text.len();
        self.string(value);
        if self.classic && value.contains("#{") {
            let written = self.text.split_off(from).replace("#{", r"\#{");
            self.write(&written);
        }
    }

    fn chevron(&mut self, segments: &[Segment]) {
        self.write("<<");
        for segment in segments {
            match segment {
                Segment::Expression(expression) => {
                    self.labelled("#{", expression);
                    self.write("}");
                }
                Segment::Text(text) => self.write(&escape_chevron(&text.value)),
            }
        }
        self.write(">>");
    }

    fn function(&mut self, function: &Function) {
        self.parameters("function", &function.parameters);
        self.open();
        for declaration in &function.declarations {
            self.line("");
            self.declaration(declaration);
            self.write(";");
        }
        self.line("");
        self.labelled("return ", &function.result);
        self.shut();
    }

    fn defaction(&mut self, defaction: &Defaction) {
        self.parameters("defaction", &defaction.parameters);
        self.open();
        if !defaction.configuration.is_empty() {
            self.line("configure using ");
            self.separated(&defaction.configuration, " and ", Self::declaration);
            self.write(";");
        }
        for declaration in &defaction.declarations {
            self.line("");
            self.declaration(declaration);
            self.write(";");
        }
        self.line("");
        self.action_block(&defaction.actions);
        if let Some(result) = &defaction.result {
            self.line("");
            self.labelled("return ", result);
        }
        self.shut();
    }

    fn parameters(&mut self, word: &str, parameters: &[Parameter]) {
        self.write(word);
        self.bracketed("(", parameters, ")", Self::parameter);
    }

    fn parameter(&mut self, parameter: &Parameter) {
        self.identifier(&parameter.name);
        if let Some(default) = &parameter.default {
            self.labelled(" = ", default);
        }
    }
}

/// How tightly the outermost operator of an expression binds.
fn expression_power(expression: &Expression) -> u8 {
    match &expression.kind {
        ExpressionKind::Binary { operator, .. } => precedence::binary(*operator),
        ExpressionKind::Conditional { .. } => CONDITIONAL,
        ExpressionKind::Defaction(_)
        | ExpressionKind::Function(_)
        | ExpressionKind::Unary { .. } => PREFIX,
        ExpressionKind::Member { .. } => MEMBER,
        ExpressionKind::Trail(_) => 0,
        _ => u8::MAX,
    }
}

pub(super) fn binary_sign(operator: BinaryOperator) -> &'static str {
    match operator {
        BinaryOperator::Add => "+",
        BinaryOperator::And => "&&",
        BinaryOperator::Compare => "<=>",
        BinaryOperator::CompareText => "cmp",
        BinaryOperator::Contains => "><",
        BinaryOperator::Divide => "/",
        BinaryOperator::Equal => "==",
        BinaryOperator::Greater => ">",
        BinaryOperator::GreaterOrEqual => ">=",
        BinaryOperator::Less => "<",
        BinaryOperator::LessOrEqual => "<=",
        BinaryOperator::Like => "like",
        BinaryOperator::Multiply => "*",
        BinaryOperator::NotEqual => "!=",
        BinaryOperator::Or => "||",
        BinaryOperator::Remainder => "%",
        BinaryOperator::Subtract => "-",
    }
}

/// A pattern with a backslash before each delimiter that has none.
fn escape_delimiter(pattern: &str, delimiter: char) -> String {
    let mut escaped = String::with_capacity(pattern.len());
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character == delimiter {
            escaped.push('\\');
        }
        escaped.push(character);
        if character == '\\' {
            escaped.extend(characters.next());
        }
    }
    escaped
}

/// A chevron's text with a backslash before what would end it.
fn escape_chevron(text: &str) -> String {
    text.replace('\\', r"\\")
        .replace("#{", r"\#{")
        .replace('>', r"\>")
}
