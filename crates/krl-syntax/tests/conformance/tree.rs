//! Our tree in the shape that the recorded trees have, for the parts where the shape is decided by
//! how operators bind: expressions and event expressions.

use serde_json::{Value, json};
use stratus_krl_syntax::ast::{
    AggregateKind, Argument, ArgumentKind, BinaryOperator, Declaration, EventExpression,
    EventExpressionKind, EventOperator, Expression, ExpressionKind, Function, Identifier,
    Primitive, QualifiedName, Quantifier, Regexp, Segment, Span, Text, UnaryOperator,
};

/// A recorded tree with the places that are compared: those of nodes of which it keeps the whole
/// extent, and not only a word or an operator.
pub(crate) fn comparable(tree: &Value) -> Value {
    match tree {
        Value::Array(items) => items.iter().map(comparable).collect(),
        Value::Object(fields) => fields
            .iter()
            .filter(|(name, _)| *name != "loc" || has_extent(tree))
            .map(|(name, value)| match tree["type"].as_str() {
                Some("EventGroupOperator" | "EventOperator") => (name.clone(), counted(value)),
                _ => (name.clone(), comparable(value)),
            })
            .collect(),
        other => other.clone(),
    }
}

/// Our event expressions do not keep where their number of events stands.
fn counted(tree: &Value) -> Value {
    let mut tree = tree.clone();
    let first = match &mut tree {
        Value::Array(items) => items.first_mut(),
        other => Some(other),
    };
    if let Some(first) = first.filter(|first| first["type"] == "Number") {
        first
            .as_object_mut()
            .and_then(|fields| fields.remove("loc"));
    }
    comparable(&tree)
}

/// Where two trees differ: the first place, and what is there in ours and in the other.
pub(crate) fn difference(ours: &Value, other: &Value) -> Option<String> {
    match (ours, other) {
        (Value::Object(our_fields), Value::Object(fields)) => {
            let names = our_fields.keys().chain(fields.keys());
            let mut found = names.filter_map(|name| {
                let inner = difference(&ours[name], &other[name])?;
                Some(format!(
                    "{}.{name}{inner}",
                    ours["type"].as_str().unwrap_or_default()
                ))
            });
            found.next()
        }
        (Value::Array(our_items), Value::Array(items)) if our_items.len() == items.len() => {
            let pairs = our_items.iter().zip(items).enumerate();
            let mut found = pairs
                .filter_map(|(at, (our, item))| Some(format!("[{at}].{}", difference(our, item)?)));
            found.next()
        }
        _ => (ours != other).then(|| format!(": {ours}, not {other}")),
    }
}

fn has_extent(tree: &Value) -> bool {
    let kind = tree["type"].as_str().unwrap_or_default();
    !WITHOUT_EXTENT.contains(&kind)
}

fn placed(mut tree: Value, span: Span) -> Value {
    if has_extent(&tree) {
        tree["loc"] = json!({"start": span.start, "end": span.end});
    }
    tree
}

pub(crate) fn expression(tree: &Expression) -> Value {
    placed(expression_shape(tree), tree.span)
}

fn expression_shape(tree: &Expression) -> Value {
    match &tree.kind {
        ExpressionKind::Binary {
            operator,
            left,
            right,
        } => json!({
            "type": "InfixOperator", "op": sign(*operator),
            "left": expression(left), "right": expression(right)
        }),
        ExpressionKind::Boolean(value) => json!({"type": "Boolean", "value": value}),
        ExpressionKind::Call { callee, arguments } => application(&expression(callee), arguments),
        ExpressionKind::Chevron(segments) => {
            json!({"type": "Chevron", "value": segments.iter().map(segment).collect::<Value>()})
        }
        ExpressionKind::Conditional {
            condition,
            consequent,
            alternate,
        } => json!({
            "type": "ConditionalExpression", "test": expression(condition),
            "consequent": expression(consequent), "alternate": expression(alternate)
        }),
        ExpressionKind::Trail(_) => json!("no recorded expression is classic"),
        ExpressionKind::Defaction(_) => json!("no recorded expression is an action"),
        ExpressionKind::Function(tree) => function(tree),
        ExpressionKind::Index { object, index } => member(object, "index", &expression(index)),
        ExpressionKind::List(items) => {
            json!({"type": "Array", "value": items.iter().map(expression).collect::<Value>()})
        }
        ExpressionKind::Map(entries) => json!({"type": "Map", "value": entries.iter().map(|entry| {
            let key = text(&entry.key);
            json!({"type": "MapKeyValuePair", "key": key, "value": expression(&entry.value)})
        }).collect::<Value>()}),
        ExpressionKind::Member { object, name } => member(object, "dot", &qualified_name(name)),
        ExpressionKind::MethodCall {
            object,
            name,
            arguments,
        } => {
            let span = Span {
                start: object.span.start,
                end: name.span.end,
            };
            let callee = placed(member(object, "dot", &qualified_name(name)), span);
            application(&callee, arguments)
        }
        ExpressionKind::Name(name) => qualified_name(name),
        ExpressionKind::Null => json!({"type": "Null"}),
        ExpressionKind::Number(value) => json!({"type": "Number", "value": number(*value)}),
        ExpressionKind::Path { object, path } => member(object, "path", &expression(path)),
        ExpressionKind::Regexp(tree) => regexp(tree),
        ExpressionKind::Text(value) => json!({"type": "String", "value": value}),
        ExpressionKind::Unary { operator, operand } => json!({
            "type": "UnaryOperator", "op": unary_sign(*operator), "arg": expression(operand)
        }),
    }
}

pub(crate) fn event(tree: &EventExpression) -> Value {
    placed(event_shape(tree), tree.span)
}

fn event_shape(tree: &EventExpression) -> Value {
    match &tree.kind {
        EventExpressionKind::Any(count, events) => {
            let count = json!({"type": "Number", "value": count});
            let events = std::iter::once(count).chain(events.iter().map(event));
            operator("any", &events.collect())
        }
        EventExpressionKind::At(_) => json!("no recorded event is classic"),
        EventExpressionKind::Between {
            event: inner,
            negated,
            start,
            end,
        } => {
            let word = if *negated { "not between" } else { "between" };
            operator(word, &json!([event(inner), event(start), event(end)]))
        }
        EventExpressionKind::Combined(kind, operands) => {
            operator(word(*kind), &operands.iter().map(event).collect())
        }
        EventExpressionKind::Counted {
            quantifier,
            number,
            event: inner,
            aggregate,
        } => {
            let mut inner = event(inner);
            if let Some(aggregate) = aggregate {
                let names = identifiers(&aggregate.variables);
                let op = aggregate_word(aggregate.kind);
                inner["aggregator"] = json!({"type": "EventAggregator", "op": op, "args": names});
            }
            let count = json!({"type": "Number", "value": number});
            let op = if *quantifier == Quantifier::Count {
                "count"
            } else {
                "repeat"
            };
            json!({"type": "EventGroupOperator", "op": op, "n": count, "event": inner})
        }
        EventExpressionKind::Primitive(tree) => primitive(tree),
        // A recorded `within` stands beside the event expression.
        EventExpressionKind::Within(inner, _) => event(inner),
    }
}

fn primitive(tree: &Primitive) -> Value {
    let filters = tree.filters.iter().map(|filter| {
        let key = filter.attribute.as_ref().map(identifier);
        json!({"type": "AttributeMatch", "key": key, "value": regexp(&filter.pattern)})
    });
    json!({
        "type": "EventExpression", "event_domain": identifier(&tree.domain),
        "event_type": identifier(&tree.name), "event_attrs": filters.collect::<Value>(),
        "setting": identifiers(&tree.setting),
        "where": tree.condition.as_ref().map(expression), "aggregator": null
    })
}

fn operator(op: &str, arguments: &Value) -> Value {
    json!({"type": "EventOperator", "op": op, "args": arguments})
}

fn application(callee: &Value, arguments: &[Argument]) -> Value {
    let arguments: Value = arguments.iter().map(argument).collect();
    let arguments = json!({"type": "Arguments", "args": arguments});
    json!({"type": "Application", "callee": callee, "args": arguments})
}

fn argument(tree: &Argument) -> Value {
    let value = expression(&tree.value);
    match &tree.kind {
        ArgumentKind::Named(name) | ArgumentKind::Modifier(name) => {
            json!({"type": "NamedArgument", "id": identifier(name), "value": value})
        }
        ArgumentKind::Positional => value,
    }
}

fn function(tree: &Function) -> Value {
    let parameters = tree.parameters.iter().map(|parameter| {
        let default = parameter.default.as_ref().map(expression);
        json!({"type": "Parameter", "id": identifier(&parameter.name), "default": default})
    });
    let parameters: Value = parameters.collect();
    json!({
        "type": "Function", "params": {"type": "Parameters", "params": parameters},
        "body": tree.declarations.iter().map(declaration).collect::<Value>(),
        "return": expression(&tree.result)
    })
}

fn declaration(tree: &Declaration) -> Value {
    json!({
        "type": "Declaration", "op": "=",
        "left": identifier(&tree.name), "right": expression(&tree.value)
    })
}

fn segment(tree: &Segment) -> Value {
    match tree {
        Segment::Expression(tree) => expression(tree),
        Segment::Text(tree) => text(tree),
    }
}

fn member(object: &Expression, method: &str, property: &Value) -> Value {
    let object = expression(object);
    json!({"type": "MemberExpression", "object": object, "method": method, "property": property})
}

/// A pattern as JavaScript shows it.
fn regexp(tree: &Regexp) -> Value {
    let source = tree.pattern.replace('/', r"\/");
    let source = if source.is_empty() {
        "(?:)".to_owned()
    } else {
        source
    };
    let flags = [
        (tree.global, "g"),
        (tree.ignore_case, "i"),
        (tree.multiline, "m"),
    ];
    let flags: String = flags
        .iter()
        .filter(|(set, _)| *set)
        .map(|(_, flag)| *flag)
        .collect();
    placed(
        json!({"type": "RegExp", "value": {"$t": "RegExp", "source": source, "flags": flags}}),
        tree.span,
    )
}

fn qualified_name(tree: &QualifiedName) -> Value {
    match &tree.domain {
        Some(domain) => placed(
            json!({"type": "DomainIdentifier", "domain": domain.name, "value": tree.name.name}),
            tree.span,
        ),
        None => identifier(&tree.name),
    }
}

fn identifiers(trees: &[Identifier]) -> Value {
    trees.iter().map(identifier).collect()
}

fn identifier(tree: &Identifier) -> Value {
    placed(json!({"type": "Identifier", "value": tree.name}), tree.span)
}

fn text(tree: &Text) -> Value {
    placed(json!({"type": "String", "value": tree.value}), tree.span)
}

/// JavaScript writes whole numbers without a point.
fn number(value: f64) -> Value {
    serde_json::from_str(&value.to_string()).unwrap_or_default()
}

fn word(operator: EventOperator) -> &'static str {
    match operator {
        EventOperator::After => "after",
        EventOperator::And => "and",
        EventOperator::Before => "before",
        EventOperator::Or => "or",
        EventOperator::Then => "then",
    }
}

fn aggregate_word(kind: AggregateKind) -> &'static str {
    match kind {
        AggregateKind::Average => "avg",
        AggregateKind::Maximum => "max",
        AggregateKind::Minimum => "min",
        AggregateKind::Push => "push",
        AggregateKind::Sum => "sum",
    }
}

fn unary_sign(operator: UnaryOperator) -> &'static str {
    match operator {
        UnaryOperator::Negate => "-",
        UnaryOperator::Not => "not",
        UnaryOperator::Plus => "+",
    }
}

fn sign(operator: BinaryOperator) -> &'static str {
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

/// Nodes of which the record keeps the place of a word, an operator or a bracket only, or whose
/// last part is such a node. Their parts are compared.
const WITHOUT_EXTENT: &[&str] = &[
    "Arguments",
    "AttributeMatch",
    "Declaration",
    "EventAggregator",
    "EventExpression",
    "EventGroupOperator",
    "EventOperator",
    "Function",
    "InfixOperator",
    "MapKeyValuePair",
    "NamedArgument",
    "Parameter",
    "Parameters",
    "UnaryOperator",
];
