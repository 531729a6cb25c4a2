//! Postludes and their statements.

use super::Printer;
use crate::ast::{
    Attributes, Expression, Guard, GuardKind, Identifier, Level, Postlude, PostludeHead,
    QualifiedName, Raise, Schedule, ScheduleTime, Statement, StatementKind,
};

impl Printer {
    pub(super) fn postlude(&mut self, postlude: &Postlude) {
        let Postlude {
            fired,
            notfired,
            always,
            ..
        } = postlude;
        match postlude.head {
            PostludeHead::Always => self.branch("always", always.as_deref()),
            PostludeHead::Fired => {
                self.branch("fired", fired.as_deref());
                self.branch(" else", notfired.as_deref());
                self.branch(" finally", always.as_deref());
            }
            PostludeHead::NotFired => {
                self.branch("notfired", notfired.as_deref());
                self.branch(" else", fired.as_deref());
                self.branch(" finally", always.as_deref());
            }
        }
    }

    fn branch(&mut self, word: &str, statements: Option<&[Statement]>) {
        if let Some(statements) = statements {
            self.write(word);
            self.block(statements, Self::statement);
        }
    }

    pub(super) fn statement(&mut self, statement: &Statement) {
        match &statement.kind {
            StatementKind::Assign {
                variable,
                path,
                value,
            } if self.classic => {
                self.write("set ");
                self.variable(variable, path.as_ref());
                // In parentheses, because a bracket before it would begin a path.
                self.labelled(" (", value);
                self.write(")");
            }
            StatementKind::Assign {
                variable,
                path,
                value,
            } => {
                self.variable(variable, path.as_ref());
                self.labelled(" := ", value);
            }
            StatementKind::Clear { variable, path } => {
                self.write("clear ");
                self.variable(variable, path.as_ref());
            }
            StatementKind::Declare(declaration) => self.declaration(declaration),
            StatementKind::Error(level, value) => self.levelled("error ", *level, value),
            StatementKind::Forget { pattern, variable } => {
                self.labelled("forget ", pattern);
                self.write(" in ");
                self.qualified_name(variable);
            }
            StatementKind::Increment {
                variable,
                path,
                negative,
                amount,
                start,
            } => {
                self.variable(variable, path.as_ref());
                self.labelled(if *negative { " -= " } else { " += " }, amount);
                if let Some(start) = start {
                    self.labelled(" from ", start);
                }
            }
            StatementKind::Mark { variable, place } => {
                self.write("mark ");
                self.qualified_name(variable);
                if let Some(place) = place {
                    self.labelled(" with ", place);
                }
            }
            StatementKind::Last => self.write("last"),
            StatementKind::Log(level, value) => self.levelled("log ", *level, value),
            StatementKind::Raise(raise) => self.raise(raise),
            StatementKind::Schedule(schedule) => self.schedule(schedule),
        }
        if let Some(guard) = &statement.guard {
            self.guard(guard);
        }
    }

    fn variable(&mut self, variable: &QualifiedName, path: Option<&Expression>) {
        self.qualified_name(variable);
        if let Some(path) = path {
            self.labelled("{", path);
            self.write("}");
        }
    }

    fn levelled(&mut self, word: &str, level: Level, value: &Expression) {
        self.write(word);
        let level = match level {
            Level::Error => "error ",
            Level::Warn => "warn ",
            Level::Info => "info ",
            Level::Debug => "debug ",
        };
        self.labelled(level, value);
    }

    fn raise(&mut self, raise: &Raise) {
        self.write("raise ");
        self.event_name(raise.domain.as_ref(), &raise.name);
        if let Some(recipient) = &raise.recipient {
            self.labelled(" for ", recipient);
        }
        self.attributes(raise.attributes.as_ref());
    }

    fn schedule(&mut self, schedule: &Schedule) {
        self.write("schedule ");
        self.event_name(schedule.domain.as_ref(), &schedule.name);
        match &schedule.time {
            ScheduleTime::At(time) => self.labelled(" at ", time),
            ScheduleTime::Repeat(pattern) => self.labelled(" repeat ", pattern),
        }
        self.attributes(schedule.attributes.as_ref());
        self.setting(schedule.setting.as_slice());
    }

    fn event_name(&mut self, domain: Option<&Identifier>, name: &Expression) {
        if let Some(domain) = domain {
            self.identifier(domain);
            self.write(" ");
        }
        self.labelled("event ", name);
    }

    fn attributes(&mut self, attributes: Option<&Attributes>) {
        match attributes {
            Some(Attributes::Map(map)) => self.labelled(" attributes ", map),
            Some(Attributes::Modifiers(modifiers)) => {
                self.write(" with ");
                self.separated(modifiers, " and ", Self::declaration);
            }
            None => {}
        }
    }

    fn guard(&mut self, guard: &Guard) {
        match &guard.kind {
            GuardKind::Final => self.write(" on final"),
            GuardKind::If(condition) => self.labelled(" if ", condition),
        }
    }
}
