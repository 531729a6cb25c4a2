//! Event expressions by chance: what a rule waits for.

use crate::{
    author::Author,
    expression::{Kind, PATTERNS},
};

/// The events that there are.
pub(crate) const SYMBOLS: &[(&str, &str)] = &[("d", "a"), ("d", "b"), ("d", "c"), ("e", "a")];

/// The attributes that they have.
pub(crate) const ATTRIBUTES: &[&str] = &["n", "m", "t"];

impl Author<'_> {
    /// An event expression. What it binds can be used from here on.
    pub(crate) fn selection(&mut self) -> String {
        if self.depth >= DEPTH_MAX || self.draw.is_empty() {
            return self.primitive();
        }
        self.depth += 1;
        let written = self.joined();
        self.depth -= 1;
        written
    }

    fn joined(&mut self) -> String {
        match self.draw.below(12) {
            0..=3 => self.primitive(),
            4 | 5 => self.pair(),
            6 => self.listed(),
            7 => self.between(),
            8 => self.any(),
            9 | 10 => self.counted(),
            _ => self.within(),
        }
    }

    fn primitive(&mut self) -> String {
        let (domain, kind) = *self.draw.one(SYMBOLS);
        let mut written = format!("{domain}{}{kind}", self.draw.one(&[" ", ":"]));
        let mut groups = 0;
        for _ in 0..self.draw.below(3) {
            let pattern = *self.draw.one(PATTERNS);
            written.extend([format!(" {} {pattern}", self.draw.one(ATTRIBUTES))]);
            groups += pattern.matches('(').count();
        }
        let setting = (groups > 0 && self.draw.below(3) > 0).then(|| self.setting(groups));
        if self.draw.once_in(3) {
            written.extend([format!(" where {}", self.condition())]);
        }
        written + &setting.unwrap_or_default()
    }

    /// Names for what the patterns' groups matched.
    fn setting(&mut self, groups: usize) -> String {
        let names: Vec<String> = (0..groups).map(|_| self.fresh()).collect();
        names.iter().cloned().for_each(|name| self.declare(name));
        format!(" setting({})", names.join(", "))
    }

    fn condition(&mut self) -> String {
        if self.draw.once_in(2) {
            let (left, operator) = (*self.draw.one(ATTRIBUTES), *self.draw.one(OPERATORS));
            return format!("{left} {operator} {}", self.operand(Kind::Number));
        }
        self.operand(Kind::Boolean)
    }

    fn pair(&mut self) -> String {
        let operator = *self.draw.one(&["before", "or", "and", "then", "after"]);
        let (left, right) = (self.selection(), self.selection());
        format!("({left} {operator} {right})")
    }

    fn listed(&mut self) -> String {
        let operator = *self.draw.one(&["before", "or", "and", "then", "after"]);
        let events = self.several(1);
        format!("{operator}({events})")
    }

    fn several(&mut self, least: usize) -> String {
        let number = least + self.draw.below(3);
        let events: Vec<String> = (0..number).map(|_| self.selection()).collect();
        events.join(", ")
    }

    fn between(&mut self) -> String {
        let not = *self.draw.one(&["", "not "]);
        let (inner, from, to) = (self.primitive(), self.selection(), self.selection());
        format!("({inner} {not}between({from}, {to}))")
    }

    fn any(&mut self) -> String {
        let number = 1 + self.draw.below(3);
        let events = self.several(number);
        format!("any {number} ({events})")
    }

    fn counted(&mut self) -> String {
        let (word, number) = (*self.draw.one(&["count", "repeat"]), 1 + self.draw.below(4));
        let event = self.primitive();
        if self.draw.below(3) == 0 {
            return format!("{word} {number} ({event})");
        }
        let (aggregate, name) = (*self.draw.one(AGGREGATES), self.fresh());
        self.declare(name.clone());
        format!("{word} {number} ({event}) {aggregate}({name})")
    }

    fn within(&mut self) -> String {
        let event = self.selection();
        let (number, unit) = (*self.draw.one(&["1", "10", "0.5"]), self.draw.one(UNITS));
        format!("(({event}) within {number} {unit})")
    }
}

/// Event expressions within event expressions, at most.
const DEPTH_MAX: usize = 4;

const AGGREGATES: &[&str] = &["avg", "max", "min", "push", "sum"];

const OPERATORS: &[&str] = &["==", ">", "<", "!=", "<="];

const UNITS: &[&str] = &["seconds", "minutes", "hours", "days", "second"];
