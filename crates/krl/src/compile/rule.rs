//! Rules: what they repeat over, do, and leave behind.

use std::collections::BTreeSet;

use stratus_event::{Name, Value as Data};
use stratus_krl_syntax::ast::{self, StatementKind as Tree};
use stratus_pen::{Cron, language::Outline};

use super::{
    Compiler, constant_text,
    expression::{Use, application_name},
    site,
};
use crate::{
    program::{
        Action, ActionBlock, Arguments, BlockKind, Code, Expression, Foreach, Guard, Postlude,
        Raise, Rule, ScheduleTime, Statement, StatementKind,
    },
    resolve::Kind,
    value::{Callable, Value},
};

impl Compiler {
    pub(super) fn rules(&mut self, trees: &[ast::Rule]) -> (Vec<Rule>, Vec<Outline>) {
        let mut seen = BTreeSet::new();
        let mut compiled = (Vec::new(), Vec::new());
        for tree in trees {
            if !seen.insert(tree.name.name.as_str()) {
                let message = format!("there are two rules named {}", tree.name.name);
                self.fault(tree.name.span, "krl-name-duplicate", message);
            }
            if let Some((rule, outline)) = self.rule(tree) {
                compiled.0.push(rule);
                compiled.1.push(outline);
            }
        }
        compiled
    }

    fn rule(&mut self, tree: &ast::Rule) -> Option<(Rule, Outline)> {
        let name = self.name(&tree.name);
        let Some(select) = &tree.select else {
            let message = format!("the rule {} has no select", tree.name.name);
            self.fault(tree.name.span, "krl-select-missing", message);
            return None;
        };
        let select = self.select(select);
        self.scope.enter_function();
        let bindings = self.bindings(&select.variables);
        let foreach = tree
            .foreach
            .iter()
            .map(|level| self.foreach(level))
            .collect();
        self.scope.enter_block();
        let prelude = self.declarations(&tree.prelude);
        let actions = tree.actions.as_ref().map(|block| self.action_block(block));
        let actions = self.emitting(actions, tree.emission.as_ref());
        let postlude = tree
            .postlude
            .as_ref()
            .map_or_else(Postlude::default, |tree| self.postlude(tree));
        self.unused();
        self.check_bound(tree);
        let slots = self.scope.leave_function();
        let callbacks = tree.callbacks.as_ref().map(|tree| self.callbacks(tree));
        let name = name?;
        let active = tree.state != ast::RuleState::Inactive;
        if !active {
            let message = format!("the rule {name} is inactive, so it never runs");
            self.warn(
                tree.name.span,
                "krl-rule-unreachable",
                message,
                "write `is active`",
            );
        }
        let outline = Outline {
            name: name.clone(),
            active,
            select: select.expression?,
        };
        let writes = writes(&postlude);
        let site = site(tree.span);
        Some((
            Rule {
                name,
                site,
                slots,
                bindings,
                foreach,
                prelude,
                actions,
                postlude,
                callbacks,
                writes,
            },
            outline,
        ))
    }

    fn bindings(&mut self, variables: &[Name]) -> Vec<(Name, usize)> {
        let mut bindings = Vec::new();
        for name in variables {
            if let Some(slot) = self.scope.declare(name.as_str(), Kind::Any) {
                self.scope.reveal(name.as_str());
                bindings.push((name.clone(), slot));
            }
        }
        bindings
    }

    fn foreach(&mut self, tree: &ast::Foreach) -> Foreach {
        let collection = self.expression(&tree.collection);
        self.scope.enter_block();
        let slots = tree
            .setting
            .iter()
            .map(|name| self.variable(name))
            .collect();
        Foreach { collection, slots }
    }

    /// A variable that something sets.
    fn variable(&mut self, name: &ast::Identifier) -> usize {
        let slot = self
            .scope
            .declare(&name.name, Kind::Any)
            .unwrap_or_else(|| {
                self.duplicate(name);
                self.scope.reserve()
            });
        self.scope.reveal(&name.name);
        slot
    }

    pub(super) fn action_block(&mut self, tree: &ast::ActionBlock) -> ActionBlock {
        let condition = tree
            .condition
            .as_ref()
            .map(|condition| self.expression(condition));
        let kind = match &tree.kind {
            ast::BlockKind::Choose(by) => BlockKind::Choose(self.expression(by)),
            ast::BlockKind::Every | ast::BlockKind::Single => BlockKind::Every,
            ast::BlockKind::Sample => BlockKind::Sample,
        };
        if matches!(kind, BlockKind::Choose(_)) {
            self.check_labels(&tree.actions);
        }
        let actions = tree
            .actions
            .iter()
            .map(|action| self.action(action))
            .collect();
        let mut operands = Vec::new();
        if let Some(condition) = &tree.condition {
            self.operands(condition, &mut operands);
        }
        ActionBlock {
            condition,
            operands,
            first: None,
            kind,
            actions,
            site: site(tree.span),
        }
    }

    fn check_labels(&mut self, actions: &[ast::Action]) {
        for action in actions.iter().filter(|action| action.label.is_none()) {
            let message = "every action inside choose needs a label";
            self.fault(action.span, "krl-label-missing", message);
        }
    }

    fn action(&mut self, tree: &ast::Action) -> Action {
        if let Some(directive) = self.page_action(tree) {
            return directive;
        }
        let code = self.qualified_name(&tree.name, Use::Action);
        let modifiers = self.directive_options(&code, &tree.arguments);
        if modifiers.is_none() {
            self.check_arguments(&tree.name, &code, 0, &tree.arguments);
        }
        let callee = Expression {
            code,
            site: site(tree.name.span),
        };
        let arguments = modifiers.unwrap_or_else(|| self.arguments(&tree.arguments));
        let setting = tree
            .setting
            .iter()
            .map(|name| self.variable(name))
            .collect();
        let label = tree.label.as_ref().map(|label| label.name.clone());
        Action {
            label,
            callee,
            arguments,
            setting,
            site: site(tree.span),
        }
    }

    /// Classic KRL writes a directive's options as modifiers:
    /// `send_directive("x") with a = 1 and b = 2`.
    fn directive_options(&mut self, callee: &Code, trees: &[ast::Argument]) -> Option<Arguments> {
        let Code::Constant(Value::Action(Callable::Builtin(builtin))) = callee else {
            return None;
        };
        let (modifiers, others): (Vec<_>, Vec<_>) = trees
            .iter()
            .cloned()
            .partition(|argument| matches!(argument.kind, ast::ArgumentKind::Modifier(_)));
        if builtin.name != "send_directive" || modifiers.is_empty() || others.len() != 1 {
            return None;
        }
        let mut arguments = self.arguments(&others);
        let entries = modifiers.iter().filter_map(|modifier| {
            let name = modifier.name()?.name.as_str().into();
            Some((name, self.expression(&modifier.value)))
        });
        let code = Code::Map(entries.collect());
        arguments.positional.push(Expression {
            code,
            site: site(trees.first()?.span),
        });
        Some(arguments)
    }

    fn postlude(&mut self, tree: &ast::Postlude) -> Postlude {
        Postlude {
            fired: self.statements(tree.fired.as_deref()),
            notfired: self.statements(tree.notfired.as_deref()),
            always: self.statements(tree.always.as_deref()),
        }
    }

    fn statements(&mut self, trees: Option<&[ast::Statement]>) -> Vec<Statement> {
        let trees = trees.unwrap_or_default();
        self.scope.enter_block();
        let slots: Vec<Option<usize>> = trees.iter().map(|tree| self.declared(tree)).collect();
        let statements = trees.iter().zip(slots);
        let statements = statements
            .filter_map(|(tree, slot)| self.statement(tree, slot))
            .collect();
        self.scope.leave_block();
        statements
    }

    fn declared(&mut self, tree: &ast::Statement) -> Option<usize> {
        match &tree.kind {
            Tree::Declare(declaration) => Some(self.declare(declaration)),
            _ => None,
        }
    }

    fn statement(&mut self, tree: &ast::Statement, slot: Option<usize>) -> Option<Statement> {
        let kind = match &tree.kind {
            Tree::Assign {
                variable,
                path,
                value,
            } => {
                let path = path.as_ref().map(|path| self.expression(path));
                let value = self.expression(value);
                StatementKind::Assign {
                    variable: self.persistent(variable)?,
                    path,
                    value,
                }
            }
            Tree::Clear { variable, path } => {
                let path = path.as_ref().map(|path| self.expression(path));
                StatementKind::Clear {
                    variable: self.persistent(variable)?,
                    path,
                }
            }
            Tree::Declare(tree) => StatementKind::Declare(self.declaration(tree, slot?)),
            Tree::Error(level, value) => StatementKind::Error(word(*level), self.expression(value)),
            Tree::Forget { .. } | Tree::Increment { .. } | Tree::Mark { .. } => {
                self.remembering(&tree.kind)?
            }
            Tree::Last => StatementKind::Last,
            Tree::Log(level, value) => StatementKind::Log(word(*level), self.expression(value)),
            Tree::Raise(tree) => StatementKind::Raise(self.raise(tree)?),
            Tree::Schedule(schedule) => self.schedule(schedule)?,
        };
        Some(Statement {
            guard: self.guard(tree.guard.as_ref()),
            kind,
            site: site(tree.span),
        })
    }

    fn guard(&mut self, tree: Option<&ast::Guard>) -> Guard {
        match tree.map(|guard| &guard.kind) {
            None => Guard::Always,
            Some(ast::GuardKind::Final) => Guard::Final,
            Some(ast::GuardKind::If(condition)) => Guard::If(self.expression(condition)),
        }
    }

    pub(super) fn persistent(&mut self, variable: &ast::QualifiedName) -> Option<Name> {
        let domain = variable.domain.as_ref().map(|domain| domain.name.as_str());
        match domain {
            Some("ent") => self.name(&variable.name),
            Some("app") => application_name(&variable.name.name).ok(),
            _ => {
                let message = "only ent:… and app:… variables are persistent";
                self.fault(variable.span, "krl-variable-domain-unknown", message);
                None
            }
        }
    }

    fn raise(&mut self, tree: &ast::Raise) -> Option<Raise> {
        let domain = match &tree.domain {
            Some(domain) => Some(self.name(domain)?),
            None => None,
        };
        Some(Raise {
            domain,
            kind: self.event_type(&tree.name),
            recipient: tree
                .recipient
                .as_ref()
                .map(|recipient| self.expression(recipient)),
            attributes: self.attributes(tree.attributes.as_ref()),
        })
    }

    fn schedule(&mut self, tree: &ast::Schedule) -> Option<StatementKind> {
        let time = match &tree.time {
            ast::ScheduleTime::At(at) => ScheduleTime::At(self.expression(at)),
            ast::ScheduleTime::Repeat(cron) => {
                self.check_cron(cron);
                ScheduleTime::Repeat(self.expression(cron))
            }
        };
        let domain = tree.domain.as_ref().map(|domain| self.name(domain));
        let kind = self.event_type(&tree.name);
        let attributes = self.attributes(tree.attributes.as_ref());
        let setting = tree.setting.as_ref().map(|name| self.variable(name));
        let domain = domain.map_or(Some(None), |domain| domain.map(Some))?;
        let raise = Raise {
            domain,
            kind,
            recipient: None,
            attributes,
        };
        Some(StatementKind::Schedule {
            time,
            raise,
            setting,
        })
    }

    /// What stands in the text is known to be wrong before it runs.
    fn check_cron(&mut self, tree: &ast::Expression) {
        let Data::Text(expression) = constant_text(tree) else {
            return;
        };
        if let Err(error) = Cron::new(&expression, None) {
            self.fault(tree.span, "krl-cron-invalid", error.to_string());
        }
    }

    /// Classic KRL writes the type of an event as a bare word; a word that names nothing in scope
    /// stands for itself.
    fn event_type(&mut self, tree: &ast::Expression) -> Expression {
        if let ast::ExpressionKind::Name(name) = &tree.kind {
            let word = &name.name.name;
            let is_known = self.scope.find(word).is_some() || self.globals.contains_key(word);
            if name.domain.is_none() && !is_known {
                let code = Code::Constant(Value::Text(word.as_str().into()));
                return Expression {
                    code,
                    site: site(tree.span),
                };
            }
        }
        self.expression(tree)
    }

    fn attributes(&mut self, tree: Option<&ast::Attributes>) -> Option<Expression> {
        match tree? {
            ast::Attributes::Map(map) => Some(self.expression(map)),
            ast::Attributes::Modifiers(modifiers) => {
                let first = modifiers.first()?;
                let entries = modifiers.iter().map(|modifier| {
                    (
                        modifier.name.name.as_str().into(),
                        self.expression(&modifier.value),
                    )
                });
                let code = Code::Map(entries.collect());
                Some(Expression {
                    code,
                    site: site(first.span),
                })
            }
        }
    }
}

fn writes(postlude: &Postlude) -> bool {
    let blocks = [&postlude.fired, &postlude.notfired, &postlude.always];
    blocks.into_iter().flatten().any(|statement| {
        matches!(
            statement.kind,
            StatementKind::Assign { .. }
                | StatementKind::Clear { .. }
                | StatementKind::Forget { .. }
                | StatementKind::Increment { .. }
                | StatementKind::Mark { .. }
        )
    })
}

fn word(level: ast::Level) -> &'static str {
    match level {
        ast::Level::Error => "error",
        ast::Level::Warn => "warn",
        ast::Level::Info => "info",
        ast::Level::Debug => "debug",
    }
}
