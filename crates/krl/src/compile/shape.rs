//! Shapes of expressions that have a shorter form with the same meaning.

use super::Compiler;
use crate::{
    program::{Arguments, Code, Expression, Operator},
    scalar::Scalar,
    value::{Callable, Value},
};

impl Compiler {
    /// An operator; between constants, what it makes of them.
    pub(super) fn operator(operator: Operator, left: Expression, right: Expression) -> Code {
        if let (Code::Constant(left), Code::Constant(right)) = (&left.code, &right.code)
            && let (Some(left), Some(right)) = (Scalar::of(left), Scalar::of(right))
            && let Some(made) = Scalar::operate(operator, left, right)
        {
            return Code::Constant(made.into());
        }
        Code::Binary(operator, Box::new(left), Box::new(right))
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
}
