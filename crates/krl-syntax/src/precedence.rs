//! How tightly operators bind: what stands with the greater number is taken together first.

use crate::ast::{BinaryOperator, EventOperator};

/// `f(…)`.
pub(crate) const CALL: u8 = 90;
/// `a.b`, `a[b]`, `a{b}`.
pub(crate) const MEMBER: u8 = 80;
/// `not a`, `-a`, `+a`.
pub(crate) const PREFIX: u8 = 70;
/// `a => b | c`.
pub(crate) const CONDITIONAL: u8 = 10;

/// `a between (b, c)`, among event expressions.
pub(crate) const BETWEEN: u8 = 50;

/// Of an operator between two operands. All are left-associative.
pub(crate) fn binary(operator: BinaryOperator) -> u8 {
    match operator {
        BinaryOperator::Multiply | BinaryOperator::Divide | BinaryOperator::Remainder => 60,
        BinaryOperator::Add | BinaryOperator::Subtract => 50,
        BinaryOperator::Compare
        | BinaryOperator::CompareText
        | BinaryOperator::Contains
        | BinaryOperator::Equal
        | BinaryOperator::Greater
        | BinaryOperator::GreaterOrEqual
        | BinaryOperator::Less
        | BinaryOperator::LessOrEqual
        | BinaryOperator::Like
        | BinaryOperator::NotEqual => 40,
        BinaryOperator::And => 30,
        BinaryOperator::Or => 20,
    }
}

/// Of an operator between two event expressions. All are left-associative.
pub(crate) fn event(operator: EventOperator) -> u8 {
    match operator {
        EventOperator::After | EventOperator::Before | EventOperator::Then => 40,
        EventOperator::And => 30,
        EventOperator::Or => 20,
    }
}
