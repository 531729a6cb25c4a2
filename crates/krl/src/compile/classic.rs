//! What only rulesets of 2009 to 2012 say: data sets, trails, counters, and the actions that a web
//! page did, which are directives here.

use stratus_event::{Map as DataMap, Value as Data};
use stratus_krl_syntax::ast;

use super::{Compiler, expression::strict, site};
use crate::{
    library,
    program::{
        Action, ActionBlock, Arguments, BlockKind, Code, Expression, Function, Global, Local,
        Operator, Parameter, StatementKind, Trail, TrailKind,
    },
    resolve::Kind,
    value::Value,
};

impl Compiler {
    /// A data set is the content of a document, asked for when it is first used; a data source is a
    /// function of what is added to its address.
    pub(super) fn dataset(&mut self, tree: &ast::Dataset) -> Global {
        let span = tree.span;
        let text = |text: &str| constant(Value::Text(text.into()), span);
        let format = tree.format.as_ref().map_or("JSON", |format| &format.name);
        let mut positional = vec![
            text(&tree.name.name),
            text(&tree.url.value),
            text(format),
            self.kept_for(tree),
        ];
        let of = |code| Expression {
            code,
            site: site(span),
        };
        if tree.source {
            positional.push(of(Code::Local(Local { up: 0, slot: 0 })));
        }
        let arguments = Arguments {
            positional,
            named: Vec::new(),
        };
        let callee = Box::new(constant(library::datasource(), span));
        let content = of(Code::Call(callee, arguments));
        let value = if tree.source {
            let parameter = Parameter {
                name: "query".to_owned(),
                default: None,
            };
            of(Code::Closure(std::sync::Arc::new(Function {
                site: site(span),
                parameters: vec![parameter],
                slots: 1,
                declarations: Vec::new(),
                actions: None,
                result: Some(content),
            })))
        } else {
            content
        };
        Global {
            name: tree.name.name.clone(),
            value,
            configurable: false,
        }
    }

    /// For how many seconds the content is kept.
    fn kept_for(&mut self, tree: &ast::Dataset) -> Expression {
        let seconds = |seconds| constant(Value::number(seconds), tree.span);
        match &tree.cache {
            None => seconds(library::KEPT_S),
            Some(ast::Cache { period: None, .. }) => seconds(library::CACHABLE_S),
            Some(ast::Cache {
                period: Some(period),
                ..
            }) => {
                let amount = Box::new(self.expression(&period.amount));
                let unit = Box::new(seconds(period.unit.seconds() as f64));
                Expression {
                    code: Code::Binary(Operator::Multiply, amount, unit),
                    site: site(tree.span),
                }
            }
        }
    }

    pub(super) fn trail(&mut self, tree: &ast::Trail, span: ast::Span) -> Code {
        let Some(variable) = self.persistent(&tree.variable) else {
            return Code::Constant(Value::Null);
        };
        let within = tree.within.as_ref().map(|period| {
            let milliseconds = period.unit.seconds() as f64 * 1000.0;
            let factor = Box::new(constant(Value::number(milliseconds), span));
            let amount = Box::new(self.expression(&period.amount));
            Expression {
                code: Code::Binary(Operator::Multiply, amount, factor),
                site: site(span),
            }
        });
        if within.is_some() {
            self.timed.insert(variable.clone());
        }
        let kind = match &tree.kind {
            ast::TrailKind::Compared(compared) => {
                let compared = compared.as_ref();
                TrailKind::Compared(compared.and_then(|(operator, value)| {
                    Some((strict(*operator)?, self.expression(value)))
                }))
            }
            ast::TrailKind::Current => TrailKind::Current,
            ast::TrailKind::History(back) => TrailKind::History(self.expression(back)),
            ast::TrailKind::Seen(pattern) => TrailKind::Seen(self.expression(pattern)),
            ast::TrailKind::SeenInOrder {
                first,
                after,
                second,
            } => {
                let (first, second) = (self.expression(first), self.expression(second));
                TrailKind::SeenInOrder(first, *after, second)
            }
        };
        Code::Trail(Box::new(Trail {
            variable,
            kind,
            within,
        }))
    }

    /// Counters and trails, as they are changed.
    pub(super) fn remembering(&mut self, tree: &ast::StatementKind) -> Option<StatementKind> {
        match tree {
            ast::StatementKind::Forget { pattern, variable } => {
                let pattern = self.expression(pattern);
                let variable = self.persistent(variable)?;
                Some(StatementKind::Forget { variable, pattern })
            }
            ast::StatementKind::Increment {
                variable,
                path,
                negative,
                amount,
                start,
            } => {
                let path = path.as_ref().map(|path| self.expression(path));
                let amount = self.expression(amount);
                let start = start.as_ref().map(|start| self.expression(start));
                Some(StatementKind::Increment {
                    variable: self.persistent(variable)?,
                    path,
                    amount,
                    negative: *negative,
                    start,
                })
            }
            ast::StatementKind::Mark { variable, place } => {
                let place = place.as_ref().map(|place| self.expression(place));
                let variable = self.persistent(variable)?;
                Some(StatementKind::Mark { variable, place })
            }
            _ => None,
        }
    }

    /// An action that a web page did is a directive of its name. None if the name means something
    /// else here.
    pub(super) fn page_action(&mut self, tree: &ast::Action) -> Option<Action> {
        let name = &tree.name.name.name;
        let is_known = self.scope.find(name).is_some() || self.globals.contains_key(name);
        let is_action = library::operator(name).is_some_and(|known| known.kind() != Kind::Function);
        if !self.is_classic() || tree.name.domain.is_some() || is_known || is_action {
            return None;
        }
        let (named, positional): (Vec<_>, Vec<_>) = tree
            .arguments
            .iter()
            .partition(|argument| argument.name().is_some());
        let mut options = Vec::new();
        if !positional.is_empty() {
            let list = positional
                .iter()
                .map(|argument| self.expression(&argument.value));
            let code = Code::List(list.collect());
            let site = site(tree.span);
            options.push(("arguments".into(), Expression { code, site }));
        }
        for argument in named {
            let name = argument.name()?.name.as_str().into();
            options.push((name, self.expression(&argument.value)));
        }
        let label = tree.label.as_ref().map(|label| label.name.clone());
        directive(name, options, label, tree.span)
    }

    /// What a page was given before what the rules do: `css` and `emit` among the globals, and
    /// what it was to load.
    pub(super) fn preface(
        &mut self,
        tree: &ast::Ruleset,
        properties: &[ast::Property],
    ) -> Vec<(&'static str, Expression)> {
        let mut preface = Vec::new();
        for property in properties {
            if let ast::PropertyKind::Resource(resource) = &property.kind {
                let kind = if resource.css { "css" } else { "javascript" };
                let kind = constant(Value::Text(kind.into()), property.span);
                let location = self.resource(&resource.location);
                let options = vec![("type".into(), kind), ("resource".into(), location)];
                preface.push(("use", map(options, property.span)));
            }
        }
        for emission in &tree.emissions {
            let name = if emission.css { "css" } else { "emit" };
            let content = self.expression(&emission.content);
            let options = map(vec![("content".into(), content)], emission.span);
            preface.push((name, options));
        }
        preface
    }

    /// A resource that the engine knew is named by a bare word.
    fn resource(&mut self, tree: &ast::Expression) -> Expression {
        match &tree.kind {
            ast::ExpressionKind::Name(name) if name.domain.is_none() => {
                constant(Value::Text(name.name.name.as_str().into()), tree.span)
            }
            _ => self.expression(tree),
        }
    }

    /// What a page was to call back for, as data. What that would have triggered stands in it as
    /// it was written: it is not done here.
    pub(super) fn callbacks(&mut self, tree: &ast::Callbacks) -> DataMap {
        let mut options = DataMap::new();
        for (name, callbacks) in [("success", &tree.success), ("failure", &tree.failure)] {
            if !callbacks.is_empty() {
                let callbacks = callbacks.iter().map(|callback| self.callback(callback));
                options.insert(name, Data::list(callbacks));
            }
        }
        options
    }

    fn callback(&mut self, tree: &ast::Callback) -> Data {
        let mut callback = DataMap::from([
            ("event", tree.event.name.as_str()),
            ("attribute", tree.attribute.name.as_str()),
            ("value", tree.value.value.as_str()),
        ]);
        if let Some(triggers) = &tree.triggers {
            let message = "what a callback triggers is not done here".to_owned();
            let help = "let the page raise an event, and write a rule for it";
            self.warn(triggers.span, "krl-classic-unsupported", message, help);
            callback.insert("triggers", triggers.span.text(self.lines.source()).trim());
        }
        Data::map(callback)
    }

    /// What `emit` before the actions sends.
    pub(super) fn emission(&mut self, tree: &ast::Expression) -> Option<Action> {
        let content = self.expression(tree);
        directive("emit", vec![("content".into(), content)], None, tree.span)
    }

    /// Adds what is emitted to a rule's actions.
    pub(super) fn emitting(
        &mut self,
        actions: Option<ActionBlock>,
        emission: Option<&ast::Expression>,
    ) -> Option<ActionBlock> {
        let Some(emission) = emission else {
            return actions;
        };
        let first = self.emission(emission);
        match actions {
            Some(block) => Some(ActionBlock { first, ..block }),
            None => Some(ActionBlock {
                condition: None,
                operands: Vec::new(),
                first,
                kind: BlockKind::Every,
                actions: Vec::new(),
                site: site(emission.span),
            }),
        }
    }
}

fn directive(
    name: &str,
    options: Vec<(std::sync::Arc<str>, Expression)>,
    label: Option<String>,
    span: ast::Span,
) -> Option<Action> {
    let send = library::operator("send_directive")?;
    let name = constant(Value::Text(name.into()), span);
    let options = map(options, span);
    Some(Action {
        label,
        callee: constant(send.value(), span),
        arguments: Arguments {
            positional: vec![name, options],
            named: Vec::new(),
        },
        setting: Vec::new(),
        site: site(span),
    })
}

fn map(entries: Vec<(std::sync::Arc<str>, Expression)>, span: ast::Span) -> Expression {
    Expression {
        code: Code::Map(entries),
        site: site(span),
    }
}

fn constant(value: Value, span: ast::Span) -> Expression {
    Expression {
        code: Code::Constant(value),
        site: site(span),
    }
}
