//! Shapes of expressions that have a shorter form with the same meaning.

use crate::{
    evaluate::of_constants,
    program::{Arguments, Code, Expression},
    value::{Callable, Value},
};

/// An operator between constants is a constant, if it is a number or a truth.
pub(super) fn folded(expression: Expression) -> Expression {
    let is_constant = |side: &Expression| matches!(side.code, Code::Constant(_));
    let made = match &expression.code {
        Code::Binary(_, left, right) if is_constant(left) && is_constant(right) => {
            of_constants(&expression)
        }
        Code::Negate(operand) => match operand.code {
            Code::Constant(Value::Number(number)) => Some(Value::number(-number)),
            _ => None,
        },
        _ => None,
    };
    match made {
        Some(made) => Expression {
            code: Code::Constant(made),
            ..expression
        },
        None => expression,
    }
}

/// The value at a path. `event:attrs{"name"}` needs no map of all attributes.
pub(super) fn at_path(object: Expression, path: Expression) -> Code {
    match (&object.code, &path.code) {
        (Code::Property(property), Code::Constant(Value::Text(name)))
            if property.name == "event:attrs" =>
        {
            Code::Attribute(name.to_string())
        }
        _ => Code::Get(Box::new(object), Box::new(path)),
    }
}

/// A call. `event:attr("name")` needs none.
pub(super) fn called(callee: Expression, arguments: Arguments) -> Code {
    if let Code::Constant(Value::Function(Callable::Builtin(builtin))) = &callee.code
        && matches!(builtin.name, "event:attr" | "event:param")
        && arguments.named.is_empty()
        && let [
            Expression {
                code: Code::Constant(Value::Text(name)),
                ..
            },
        ] = arguments.positional.as_slice()
    {
        return Code::Attribute(name.to_string());
    }
    Code::Call(Box::new(callee), arguments)
}
