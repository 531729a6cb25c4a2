//! Which variables of other events decide whether an event fits.

use stratus_event::Name;
use stratus_krl_syntax::ast::{
    ArgumentKind, BinaryOperator, Expression, ExpressionKind as Tree, Primitive,
};
use stratus_salience::Join;

use super::{Compiler, select::Compiled};

impl Compiler {
    /// The joins of an event: what its `where` reads that it does not bind itself.
    pub(super) fn joins(
        &self,
        tree: &Primitive,
        variables: &[Name],
        setting: &[Name],
        condition: Option<&Compiled>,
    ) -> Vec<Join> {
        let (Some(condition), Some(tree)) = (condition, tree.condition.as_ref()) else {
            return Vec::new();
        };
        let others = condition.read.iter().filter(|name| !setting.contains(name));
        let join = |variable: &Name| Join {
            variable: variable.clone(),
            attribute: self.equal(tree, variable, variables),
        };
        others.map(join).collect()
    }

    /// The attribute that the condition wants to be equal to the variable, whatever else it wants.
    fn equal(&self, tree: &Expression, variable: &Name, variables: &[Name]) -> Option<Name> {
        let Tree::Binary {
            operator,
            left,
            right,
        } = &tree.kind
        else {
            return None;
        };
        match operator {
            BinaryOperator::And => {
                let left = self.equal(left, variable, variables);
                left.or_else(|| self.equal(right, variable, variables))
            }
            BinaryOperator::Equal if is_name(left, variable) => self.attribute(right, variables),
            BinaryOperator::Equal if is_name(right, variable) => self.attribute(left, variables),
            _ => None,
        }
    }

    /// The attribute that the expression reads: `event:attr("x")`, `event:attrs{"x"}`, or `x`.
    pub(super) fn attribute(&self, tree: &Expression, variables: &[Name]) -> Option<Name> {
        match &tree.kind {
            Tree::Call { callee, arguments } if is_of_event(callee, &["attr", "param"]) => {
                let [argument] = arguments.as_slice() else {
                    return None;
                };
                let positional = argument.kind == ArgumentKind::Positional;
                text(&argument.value).filter(|_| positional)
            }
            Tree::Path { object, path } if is_of_event(object, &["attrs"]) => text(path),
            Tree::Name(name) if name.domain.is_none() => {
                let name = &name.name.name;
                let name = Name::new(name).ok()?;
                let text = name.as_str();
                let means_more = variables.contains(&name)
                    || self.scope.find(text).is_some()
                    || self.globals.contains_key(text);
                (!means_more).then_some(name)
            }
            _ => None,
        }
    }
}

fn is_name(tree: &Expression, variable: &Name) -> bool {
    matches!(&tree.kind, Tree::Name(name)
        if name.domain.is_none() && name.name.name == variable.as_str())
}

fn is_of_event(tree: &Expression, names: &[&str]) -> bool {
    matches!(&tree.kind, Tree::Name(name)
        if name.domain.as_ref().is_some_and(|domain| domain.name == "event")
            && names.contains(&name.name.name.as_str()))
}

/// A name that is written out. A path of several steps is no attribute's name.
fn text(tree: &Expression) -> Option<Name> {
    match &tree.kind {
        Tree::Text(text) if !text.contains('.') => Name::new(text).ok(),
        _ => None,
    }
}
