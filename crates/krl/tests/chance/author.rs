//! Rulesets by chance.

use crate::{
    draw::Draw,
    expression::{KINDS, Kind},
};

/// Writes rulesets as bytes decide. What it writes is well-formed, and most of it compiles.
pub(crate) struct Author<'b> {
    pub(crate) draw: Draw<'b>,
    /// What can be used here, the nearest last.
    pub(crate) names: Vec<String>,
    /// How deep the present expression is.
    pub(crate) depth: usize,
    /// How many names there have been.
    named: usize,
    uses_module: bool,
}

impl<'b> Author<'b> {
    pub(crate) fn new(draw: Draw<'b>) -> Self {
        Self {
            draw,
            names: Vec::new(),
            depth: 0,
            named: 0,
            uses_module: false,
        }
    }

    /// A name that there has not been.
    pub(crate) fn fresh(&mut self) -> String {
        self.named += 1;
        format!("v{}", self.named)
    }

    pub(crate) fn declare(&mut self, name: String) {
        self.names.push(name);
    }

    /// Blanks, an end of a line, or a comment.
    pub(crate) fn space(&mut self) -> &'static str {
        match self.draw.below(24) {
            1 => "\n    ",
            2 => " /* why */ ",
            3 => " // so\n",
            _ => " ",
        }
    }

    /// A ruleset that others use as a module.
    pub(crate) fn module(&mut self) -> String {
        let global = self.globals();
        let names = self.names.join(", ");
        self.names.clear();
        format!(
            "ruleset lib {{ meta {{ provides {names} configure using c = 1 }} {global} \
             rule m {{ select when {} noop() }} }}",
            self.selection()
        )
    }

    pub(crate) fn ruleset(&mut self) -> String {
        self.names.clear();
        self.uses_module = self.draw.below(3) == 1;
        let module = if self.uses_module {
            "use module lib alias l with c = 2 "
        } else {
            ""
        };
        let meta = *self.draw.one(METAS);
        let global = self.globals();
        let shared = self.names.join(", ");
        let mut rules = String::new();
        for number in 0..=self.draw.below(4) {
            rules.push_str(&self.rule(number));
        }
        format!("ruleset test {{ meta {{ {module}{meta} shares {shared} }} {global} {rules} }}")
    }

    /// A few functions and values. All of them know each other, so some never end.
    fn globals(&mut self) -> String {
        let number = 1 + self.draw.below(4);
        let names: Vec<String> = (0..number).map(|_| self.fresh()).collect();
        let mut global = String::from("global {");
        for name in &names {
            let value = self.global(&names);
            self.declare(name.clone());
            global.extend([format!("{}{name} = {value};", self.space())]);
        }
        if self.draw.below(2) == 1 {
            let actions = self.actions();
            global.extend([format!(" act = defaction(x, y = 1) {{ {actions} }}")]);
        }
        self.names = names;
        global + " }\n"
    }

    /// A value of those before it, or a function of them all.
    fn global(&mut self, names: &[String]) -> String {
        if self.draw.below(4) == 0 {
            let kind = *self.draw.one(KINDS);
            return self.expression(kind);
        }
        let before = std::mem::replace(&mut self.names, names.to_vec());
        let parameters = self.draw.below(3);
        let function = self.function(parameters);
        self.names = before;
        function
    }

    fn rule(&mut self, number: usize) -> String {
        let outside = self.names.len();
        let select = self.selection();
        let mut foreach = String::new();
        for _ in 0..self.draw.below(3) {
            let kind = *self.draw.one(&[Kind::List, Kind::Map, Kind::Text]);
            let (over, value, key) = (self.operand(kind), self.fresh(), self.fresh());
            foreach.extend([format!(" foreach {over} setting({value}, {key})")]);
            self.declare(value);
            self.declare(key);
        }
        let prelude = match self.draw.below(2) {
            0 => String::new(),
            _ => format!("pre {{ {} }}", self.declarations(3)),
        };
        let actions = self.actions();
        let postlude = self.postlude();
        self.names.truncate(outside);
        let space = self.space();
        format!(
            "rule r{number} {{{space}select when {select}{foreach} {prelude} {actions} \
             {postlude} }}\n"
        )
    }

    fn actions(&mut self) -> String {
        let condition = match self.draw.below(3) {
            0 => format!("if {} then ", self.operand(Kind::Boolean)),
            _ => String::new(),
        };
        let block = match self.draw.below(6) {
            0..=2 => self.action(),
            3 => format!("every {{ {} {} }}", self.action(), self.action()),
            4 => format!("sample {{ {} {} }}", self.action(), self.action()),
            _ => {
                let label = self.operand(Kind::Text);
                let (one, two) = (self.action(), self.action());
                format!("choose {label} {{ a => {one} abc => {two} }}")
            }
        };
        condition + &block
    }

    fn action(&mut self) -> String {
        match self.draw.below(8) {
            0 => "noop()".to_owned(),
            1..=3 => {
                let (name, options) = (self.expression(Kind::Text), self.expression(Kind::Map));
                format!("send_directive({name}, {options})")
            }
            4 => {
                let map = self.expression(Kind::Map);
                format!("event:send(subscription:established().head(), \"d\", \"a\", {map})")
            }
            5 => {
                let (text, name) = (self.expression(Kind::Text), self.fresh());
                self.declare(name.clone());
                format!("http:post({text}) setting({name})")
            }
            6 => format!("schedule:remove({})", self.expression(Kind::Text)),
            _ => format!("twilio:send_sms({}, \"b\")", self.expression(Kind::Text)),
        }
    }

    fn postlude(&mut self) -> String {
        match self.draw.below(5) {
            0 => String::new(),
            1 => format!("always {{ {} }}", self.statements()),
            2 => format!("fired {{ {} }}", self.statements()),
            3 => format!(
                "notfired {{ {} }} else {{ {} }}",
                self.statements(),
                self.statements()
            ),
            _ => {
                let (one, two) = (self.statements(), self.statements());
                format!(
                    "fired {{ {one} }} else {{ {two} }} finally {{ {} }}",
                    self.statements()
                )
            }
        }
    }

    fn statements(&mut self) -> String {
        let mut statements = String::new();
        for _ in 0..=self.draw.below(4) {
            let statement = self.statement();
            let guard = match self.draw.below(5) {
                1 => format!(" if {}", self.operand(Kind::Boolean)),
                2 => " on final".to_owned(),
                _ => String::new(),
            };
            statements.extend([format!("{statement}{guard};{}", self.space())]);
        }
        statements
    }

    fn statement(&mut self) -> String {
        match self.draw.below(12) {
            0..=2 => self.assignment(),
            3 | 4 => self.raise(),
            5 => format!("clear {}", self.variable()),
            6 => format!("log {} {}", self.draw.one(LEVELS), self.operand(Kind::Map)),
            7 => format!(
                "error {} {}",
                self.draw.one(LEVELS),
                self.operand(Kind::Text)
            ),
            8 => "last".to_owned(),
            9 => {
                let (time, map) = (self.operand(Kind::Time), self.operand(Kind::Map));
                format!("schedule d event \"b\" at {time} attributes {map}")
            }
            10 => {
                let (step, start) = (self.operand(Kind::Number), self.operand(Kind::Number));
                format!(
                    "ent:count {} {step} from {start}",
                    self.draw.one(&["+=", "-="])
                )
            }
            _ => {
                let (name, value) = (self.fresh(), self.expression(Kind::List));
                let written = format!("{name} = {value}");
                self.declare(name);
                written
            }
        }
    }

    fn assignment(&mut self) -> String {
        let (place, kind) = (self.variable(), *self.draw.one(KINDS));
        format!("{place} := {}", self.expression(kind))
    }

    /// A persistent variable, or a place in it.
    fn variable(&mut self) -> String {
        let variable = *self.draw.one(VARIABLES);
        match self.draw.below(4) {
            1 => format!("{variable}{{{}}}", self.expression(Kind::Text)),
            2 => format!("{variable}{{{}}}", self.expression(Kind::List)),
            _ => variable.to_owned(),
        }
    }

    fn raise(&mut self) -> String {
        let attributes = self.operand(Kind::Map);
        match self.draw.below(4) {
            0 => format!("raise d event \"b\" attributes {attributes}"),
            1 => format!("raise event \"d:c\" attributes {attributes}"),
            2 => format!("raise d event \"a\" for \"test\" attributes {attributes}"),
            _ => format!(
                "raise e event {} attributes event:attrs",
                self.operand(Kind::Text)
            ),
        }
    }
}

const LEVELS: &[&str] = &["info", "warn", "debug", "error"];

const METAS: &[&str] = &[
    "",
    "name \"by chance\" version \"1\" author \"nobody\"",
    "description <<two\n lines>> logging on",
    "errors to lib",
    "configure using k = 1",
];

const VARIABLES: &[&str] = &["ent:map", "ent:list", "ent:text", "ent:count", "app:shared"];
