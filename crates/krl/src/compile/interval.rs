//! What a `where` wants of numbers before anything else.

use std::ops::Bound::{Excluded, Included, Unbounded};

use stratus_event::Name;
use stratus_krl_syntax::ast::{
    ArgumentKind, BinaryOperator, Expression, ExpressionKind as Tree, Primitive,
};
use stratus_salience::Interval;

use super::{Compiler, select::constant};

impl Compiler {
    /// The intervals in which attributes must lie for the condition to hold. Only what stands
    /// before anything else counts: the rest would not be evaluated where it does not hold.
    pub(super) fn intervals(&self, tree: &Primitive, variables: &[Name]) -> Vec<Interval> {
        let mut found = Vec::new();
        if let Some(condition) = &tree.condition {
            self.add_intervals(condition, variables, &mut found);
        }
        found
    }

    /// Whether the expression is nothing but intervals.
    fn add_intervals(
        &self,
        tree: &Expression,
        variables: &[Name],
        found: &mut Vec<Interval>,
    ) -> bool {
        let Tree::Binary {
            operator,
            left,
            right,
        } = &tree.kind
        else {
            return false;
        };
        if *operator == BinaryOperator::And {
            return self.add_intervals(left, variables, found)
                && self.add_intervals(right, variables, found);
        }
        let interval = match (self.number(left, variables), self.number(right, variables)) {
            (Some(attribute), None) => interval(attribute, *operator, right),
            (None, Some(attribute)) => interval(attribute, turned(*operator), left),
            _ => None,
        };
        let is_interval = interval.is_some();
        found.extend(interval);
        is_interval
    }

    /// The attribute that the expression reads, perhaps made a number.
    fn number(&self, tree: &Expression, variables: &[Name]) -> Option<Name> {
        match &tree.kind {
            Tree::MethodCall {
                object,
                name,
                arguments,
            } if name.domain.is_none()
                && name.name.name == "as"
                && !self.globals.contains_key("as") =>
            {
                let [argument] = arguments.as_slice() else {
                    return None;
                };
                let wanted = &argument.value.kind;
                let is_number = matches!(wanted, Tree::Text(text) if text == "Number")
                    && argument.kind == ArgumentKind::Positional;
                self.attribute(object, variables).filter(|_| is_number)
            }
            _ => self.attribute(tree, variables),
        }
    }
}

fn interval(
    attribute: Name,
    operator: BinaryOperator,
    constant_tree: &Expression,
) -> Option<Interval> {
    let number = constant(constant_tree).filter(|number| number.is_finite())?;
    let (low, high) = match operator {
        BinaryOperator::Equal => (Included(number), Included(number)),
        BinaryOperator::Greater => (Excluded(number), Unbounded),
        BinaryOperator::GreaterOrEqual => (Included(number), Unbounded),
        BinaryOperator::Less => (Unbounded, Excluded(number)),
        BinaryOperator::LessOrEqual => (Unbounded, Included(number)),
        _ => return None,
    };
    Some(Interval {
        attribute,
        low,
        high,
    })
}

/// The operator with its operands exchanged.
fn turned(operator: BinaryOperator) -> BinaryOperator {
    match operator {
        BinaryOperator::Greater => BinaryOperator::Less,
        BinaryOperator::GreaterOrEqual => BinaryOperator::LessOrEqual,
        BinaryOperator::Less => BinaryOperator::Greater,
        BinaryOperator::LessOrEqual => BinaryOperator::GreaterOrEqual,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use stratus_pen::language::Language as _;

    use super::*;
    use crate::Krl;

    /// What a `where` hands over of an event that is preceded by one that binds `bound`.
    fn check(condition: &str, expected: &str) {
        let first = "t:a n re#(.*)# setting(bound)";
        let rule = format!("rule r {{ select when {first} before t:b where {condition} }}");
        let globals = "global { declared = 1 }";
        let source = format!("ruleset io.example.intervals {{ {globals} {rule} }}");
        let program = Krl.compile(&source).unwrap();
        let [first, second] = program.rules()[0].select.primitives()[..] else {
            panic!("two events");
        };
        assert_eq!(first.intervals, []);
        let show = |it: &Interval| format!("{} {:?} {:?}", it.attribute, it.low, it.high);
        let shown: Vec<_> = second.intervals.iter().map(show).collect();
        assert_eq!(shown.join(", "), expected, "{condition}");
    }

    #[test]
    fn comparisons_with_numbers_become_intervals() {
        check(r#"event:attr("n") > 30"#, "n Excluded(30.0) Unbounded");
        check(r#"event:attrs{"n"} >= -3.5"#, "n Included(-3.5) Unbounded");
        check("n < 30", "n Unbounded Excluded(30.0)");
        check("n <= 2 * 5", "n Unbounded Included(10.0)");
        check("n == 7", "n Included(7.0) Included(7.0)");
        check("30 < n", "n Excluded(30.0) Unbounded");
        check(r#"n.as("Number") >= 1"#, "n Included(1.0) Unbounded");
        let both = "n Excluded(1.0) Unbounded, n Unbounded Included(2.0)";
        check("n > 1 && n <= 2", both);
    }

    /// What stands behind anything else might not have been evaluated.
    #[test]
    fn only_what_comes_first_counts() {
        check(
            r#"n > 1 && m like "x" && o > 2"#,
            "n Excluded(1.0) Unbounded",
        );
        check("n.length() > 1 && m > 2", "");
        check("n > 1 || m > 2", "");
        check("n > m", "");
        check("n != 1", "");
        check("n > 1 / 0", "");
        check("bound > 1", "");
        check("declared > 1", "");
        check(r#"n.as("String") > 1"#, "");
    }
}
