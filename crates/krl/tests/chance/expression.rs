//! Expressions by chance: of every form, and with most operands of the kind that they should have.

use crate::author::Author;

/// What the value of an expression most likely is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Function,
    List,
    Map,
    Number,
    Pattern,
    Text,
    Time,
}

use Kind::{Boolean, Function, List, Map, Number, Pattern, Text, Time};

impl Author<'_> {
    /// An expression, in brackets where another one may be put before it or behind it.
    pub(crate) fn operand(&mut self, kind: Kind) -> String {
        let expression = self.expression(kind);
        if self.draw.once_in(16) {
            return expression;
        }
        format!("({expression})")
    }

    pub(crate) fn expression(&mut self, kind: Kind) -> String {
        let kind = if self.draw.once_in(24) {
            *self.draw.one(KINDS)
        } else {
            kind
        };
        if self.depth >= DEPTH_MAX || self.draw.is_empty() {
            return self.leaf(kind);
        }
        self.depth += 1;
        let written = self.compound(kind);
        self.depth -= 1;
        written
    }

    /// A function with so many parameters at least.
    pub(crate) fn function(&mut self, parameters: usize) -> String {
        let outside = self.names.len();
        let mut names = Vec::new();
        for _ in 0..parameters + self.draw.below(2) {
            let default = self.draw.once_in(6);
            let name = self.fresh();
            names.push(if default {
                format!("{name} = {}", self.leaf(Number))
            } else {
                name.clone()
            });
            self.declare(name);
        }
        // What has a default stands behind what has none.
        names.sort_by_key(|name| name.contains('='));
        let declarations = self.declarations(2);
        let kind = *self.draw.one(KINDS);
        let result = self.expression(kind);
        self.names.truncate(outside);
        let space = self.space();
        let (names, word) = (names.join(", "), *self.draw.one(&["", "return "]));
        format!("function({names}) {{{space}{declarations}{word}{result} }}")
    }

    /// `a = 1` and so on, each behind the other.
    pub(crate) fn declarations(&mut self, most: usize) -> String {
        let mut declarations = String::new();
        for _ in 0..self.draw.below(most + 1) {
            let kind = *self.draw.one(KINDS);
            let value = self.expression(kind);
            let name = self.fresh();
            declarations.extend([format!("{name} = {value};{}", self.space())]);
            self.declare(name);
        }
        declarations
    }

    fn compound(&mut self, kind: Kind) -> String {
        match self.draw.below(12) {
            0 | 1 => self.leaf(kind),
            2 => self.conditional(kind),
            3 => self.selected(),
            4 => self.applied(),
            5 if kind == List => self.list(),
            5 if kind == Map => self.map(),
            5 if kind == Text => self.chevron(),
            5..=7 => self.operation(kind),
            _ => self.call(kind),
        }
    }

    fn leaf(&mut self, kind: Kind) -> String {
        let known = self.names.len();
        if known > 0 && self.draw.below(3) == 1 {
            let name = self.draw.below(known);
            return self.names[known - 1 - name].clone();
        }
        let literals = match kind {
            Boolean => BOOLEANS,
            Function => FUNCTIONS,
            List => LISTS,
            Map => MAPS,
            Number => NUMBERS,
            Pattern => PATTERNS,
            Text => TEXTS,
            Time => TIMES,
        };
        (*self.draw.one(literals)).to_owned()
    }

    fn conditional(&mut self, kind: Kind) -> String {
        let condition = self.expression(Boolean);
        let (one, two) = (self.expression(kind), self.expression(kind));
        let space = self.space();
        format!("({condition}) => ({one}){space}| ({two})")
    }

    /// What is at a path in something.
    fn selected(&mut self) -> String {
        let (of, path) = *self.draw.one(&[(Map, Text), (List, Number), (Map, List)]);
        let (object, path) = (self.operand(of), self.expression(path));
        match self.draw.below(2) {
            0 => format!("{object}{{{path}}}"),
            _ => format!("{object}[{path}]"),
        }
    }

    fn applied(&mut self) -> String {
        let function = self.operand(Function);
        let arguments = self.arguments(&[Number, List, Text]);
        format!("{function}({arguments})")
    }

    /// Some of the arguments, the first ones.
    fn arguments(&mut self, kinds: &[Kind]) -> String {
        let surplus = usize::from(self.draw.once_in(20));
        let missing = usize::from(self.draw.once_in(12));
        let wanted = kinds.len().saturating_sub(missing);
        let given = kinds.iter().take(wanted).map(|kind| self.expression(*kind));
        let mut given: Vec<String> = given.collect();
        given.extend((0..surplus).map(|_| self.leaf(Number)));
        given.join(&format!(",{}", self.space()))
    }

    fn list(&mut self) -> String {
        let kind = *self.draw.one(KINDS);
        let items: Vec<String> = (0..self.draw.below(5))
            .map(|_| self.expression(kind))
            .collect();
        format!("[{}]", items.join(", "))
    }

    fn map(&mut self) -> String {
        let mut entries = Vec::new();
        for _ in 0..self.draw.below(4) {
            let (key, kind) = (*self.draw.one(KEYS), *self.draw.one(KINDS));
            let value = self.expression(kind);
            entries.push(format!("{key}: {value}"));
        }
        format!("{{{}}}", entries.join(&format!(",{}", self.space())))
    }

    fn chevron(&mut self) -> String {
        let (kind, text) = (*self.draw.one(KINDS), *self.draw.one(PROSE));
        let bee = self.expression(kind);
        match self.draw.below(3) {
            0 => format!("<<{text}#{{{bee}}}>>"),
            1 => format!("<<#{{{bee}}}{text}#{{{}}}{text}>>", self.leaf(Text)),
            _ => format!("<<{text}>>"),
        }
    }

    fn operation(&mut self, kind: Kind) -> String {
        let operations = match kind {
            Boolean => COMPARISONS,
            Number => ARITHMETIC,
            Text => ADDITIONS,
            _ => return self.call(kind),
        };
        let (left, operator, right) = *self.draw.one(operations);
        let right = self.operand(right);
        match left {
            Some(left) => {
                let (left, space) = (self.operand(left), self.space());
                format!("{left}{space}{operator} {right}")
            }
            None => format!("{operator} {right}"),
        }
    }

    fn call(&mut self, kind: Kind) -> String {
        let fitting: Vec<&Call> = CALLS.iter().filter(|call| call.0 == kind).collect();
        if fitting.is_empty() {
            return self.leaf(kind);
        }
        let (_, receiver, name, kinds) = **self.draw.one(&fitting);
        if kinds == PROPERTY {
            return name.to_owned();
        }
        let Some(receiver) = receiver else {
            let arguments = self.arguments(kinds);
            return format!("{name}({arguments})");
        };
        let receiver = self.operand(receiver);
        let arguments = match name {
            "as" => (*self.draw.one(TYPES)).to_owned(),
            "map" | "filter" | "collect" | "all" | "any" | "none" | "notall" => self.function(1),
            "reduce" | "sort" | "pairwise" if !self.draw.once_in(4) => self.function(2),
            _ => self.arguments(kinds),
        };
        format!("{receiver}.{name}({arguments})")
    }
}

/// Expressions within expressions, at most.
const DEPTH_MAX: usize = 5;

pub(crate) const KINDS: &[Kind] = &[Number, Text, List, Map, Boolean, Function, Time, Pattern];

const BOOLEANS: &[&str] = &["true", "false", "null", "1 == 1"];

const FUNCTIONS: &[&str] = &[
    "function(x) { x }",
    "function(x, y) { x + y }",
    "function() { null }",
    "function(a, b = 2) { a => b | a }",
    "math:abs",
    "time:now",
    "noop",
];

const LISTS: &[&str] = &[
    "[]",
    "[1, 2, 3]",
    "0.range(9)",
    "[3, \"b\", null, 1.5, [], {}]",
    "[[1, 2], [\"a\"]]",
    "ent:list",
    "\"a b c\".split(\" \")",
];

const MAPS: &[&str] = &[
    "{}",
    "{\"a\": 1}",
    "{\"a\": {\"b\": [1, {\"c\": null}]}, \"days\": 2}",
    "event:attrs",
    "ent:map",
    "ent:missing",
    "app:shared",
];

pub(crate) const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "(-1)",
    "1.5",
    ".25",
    "7",
    "40",
    "1000",
    "999999999999",
    "123456789012345678901234567890",
    "ent:count",
];

pub(crate) const PATTERNS: &[&str] = &[
    "re##",
    "re#a#",
    "re#(.*)#",
    r"re#^(\w+) (\d+)$#i",
    "re#[aeiou]#g",
    "re#(a|b|ab)*c#g",
    r"re#\s*,\s*#gm",
    "re#(x)?y#",
];

pub(crate) const TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"abc def\"",
    "\"12\"",
    "\"0x1F\"",
    "\"false\"",
    "\"%s and %d\"",
    "\"é 日本 \\\"q\\\" \\n\"",
    "\"{\\\"a\\\": [1, 2, {}]}\"",
    "\"$1-$&-$$\"",
    "event:attr(\"n\")",
    "ent:text",
    "meta:rid",
];

const TIMES: &[&str] = &[
    "\"2026-11-23T09:00:00Z\"",
    "time:now()",
    "\"2024-02-29\"",
    "\"20261123T090000\"",
    "\"12:30\"",
    "0",
];

const KEYS: &[&str] = &[
    "\"a\"",
    "\"b\"",
    "\"n\"",
    "\"days\"",
    "\"months\"",
    "\"0\"",
    "\"\"",
    "\"é\"",
];

const PROSE: &[&str] = &["", "text ", "two\n lines", "é \\#{no} ", "\"quoted\" %s"];

const TYPES: &[&str] = &[
    "\"Number\"",
    "\"String\"",
    "\"Boolean\"",
    "\"RegExp\"",
    "\"Array\"",
];

type Operation = (Option<Kind>, &'static str, Kind);

const COMPARISONS: &[Operation] = &[
    (Some(Number), "==", Number),
    (Some(Text), "!=", Text),
    (Some(Number), "<", Number),
    (Some(Text), ">", Text),
    (Some(Number), "<=", Number),
    (Some(Number), ">=", Number),
    (Some(Text), "like", Pattern),
    (Some(List), "><", Number),
    (Some(Map), "><", Text),
    (Some(Boolean), "&&", Boolean),
    (Some(Boolean), "||", Boolean),
    (Some(List), "==", List),
    (None, "not", Boolean),
];

const ARITHMETIC: &[Operation] = &[
    (Some(Number), "+", Number),
    (Some(Number), "-", Number),
    (Some(Number), "*", Number),
    (Some(Number), "/", Number),
    (Some(Number), "%", Number),
    (Some(Number), "<=>", Number),
    (Some(Text), "cmp", Text),
    (None, "-", Number),
];

const ADDITIONS: &[Operation] = &[
    (Some(Text), "+", Text),
    (Some(Text), "+", Number),
    (Some(Text), "||", Text),
];

/// What a call gives, what stands before it, its name, and what is given to it.
type Call = (Kind, Option<Kind>, &'static str, &'static [Kind]);

/// These are read and not called.
const PROPERTY: &[Kind] = &[Function, Function, Function, Function];

const CALLS: &[Call] = &[
    (Boolean, Some(Number), "isnull", &[]),
    (Boolean, Some(Text), "match", &[Pattern]),
    (Boolean, Some(Text), "contains", &[Text]),
    (Boolean, Some(Text), "startsWith", &[Text]),
    (Boolean, Some(Text), "endsWith", &[Text]),
    (Boolean, Some(List), "isEmpty", &[]),
    (Boolean, Some(List), "has", &[List]),
    (Boolean, Some(List), "all", &[Function]),
    (Boolean, Some(List), "any", &[Function]),
    (Boolean, Some(Map), "none", &[Function]),
    (Boolean, Some(List), "notall", &[Function]),
    (Boolean, Some(Text), "as", &[]),
    (Boolean, None, "meta:inEvent", PROPERTY),
    (List, Some(List), "map", &[Function]),
    (List, Some(List), "filter", &[Function]),
    (List, Some(List), "append", &[List, Number]),
    (List, Some(List), "sort", &[Text]),
    (List, Some(List), "reverse", &[]),
    (List, Some(List), "slice", &[Number, Number]),
    (List, Some(List), "splice", &[Number, Number, List]),
    (List, Some(List), "tail", &[]),
    (List, Some(List), "union", &[List]),
    (List, Some(List), "difference", &[List]),
    (List, Some(List), "intersection", &[List]),
    (List, Some(List), "duplicates", &[]),
    (List, Some(List), "once", &[]),
    (List, Some(List), "unique", &[]),
    (List, Some(List), "pairwise", &[Function]),
    (List, Some(Map), "keys", &[]),
    (List, Some(Map), "keys", &[List]),
    (List, Some(Map), "values", &[]),
    (List, Some(Number), "range", &[Number]),
    (List, Some(Text), "split", &[Pattern]),
    (List, Some(Text), "split", &[Text]),
    (List, Some(Text), "extract", &[Pattern]),
    (List, None, "subscription:established", &[]),
    (List, None, "schedule:list", &[]),
    (List, None, "calendar:in_progress", &[List, Time]),
    (Map, Some(Map), "put", &[Text, Number]),
    (Map, Some(Map), "put", &[List, Map]),
    (Map, Some(Map), "put", &[Map]),
    (Map, Some(Map), "set", &[List, Text]),
    (Map, Some(Map), "delete", &[List]),
    (Map, Some(Map), "map", &[Function]),
    (Map, Some(Map), "filter", &[Function]),
    (Map, Some(List), "collect", &[Function]),
    (Map, Some(Text), "decode", &[]),
    (Map, Some(Map), "defaultsTo", &[Map, Text]),
    (Map, Some(Map), "klog", &[Text]),
    (Map, Some(Map), "get", &[List]),
    (Map, None, "http:get", &[Text]),
    (Map, None, "event:attrs", PROPERTY),
    (Number, Some(List), "length", &[]),
    (Number, Some(Text), "length", &[]),
    (Number, Some(List), "index", &[Number]),
    (Number, Some(List), "head", &[]),
    (Number, Some(List), "reduce", &[Function, Number]),
    (Number, Some(Text), "ord", &[]),
    (Number, Some(Text), "as", &[]),
    (Number, Some(Number), "band", &[Number]),
    (Number, Some(Number), "bor", &[Number]),
    (Number, Some(Number), "bxor", &[Number]),
    (Number, Some(Number), "bnot", &[]),
    (Number, Some(Number), "shiftLeft", &[Number]),
    (Number, Some(Number), "shiftRight", &[Number]),
    (Number, Some(Number), "defaultsTo", &[Number]),
    (Number, None, "math:abs", &[Number]),
    (Number, None, "math:int", &[Number]),
    (Number, None, "math:floor", &[Number, Number]),
    (Number, None, "math:ceiling", &[Number, Number]),
    (Number, None, "math:round", &[Number, Number]),
    (Number, None, "math:random", &[Number]),
    (Number, None, "random:integer", &[Number, Number]),
    (Number, None, "random:number", &[Number, Number]),
    (Pattern, Some(Text), "as", &[]),
    (Text, Some(Text), "capitalize", &[]),
    (Text, Some(Text), "lc", &[]),
    (Text, Some(Text), "uc", &[]),
    (Text, Some(Text), "trim", &[]),
    (Text, Some(Text), "trimLeading", &[]),
    (Text, Some(Text), "trimTrailing", &[]),
    (Text, Some(Text), "substr", &[Number, Number]),
    (Text, Some(Text), "replace", &[Pattern, Text]),
    (Text, Some(Text), "replace", &[Pattern, Function]),
    (Text, Some(Text), "sprintf", &[Text]),
    (Text, Some(Number), "sprintf", &[Text]),
    (Text, Some(Number), "chr", &[]),
    (Text, Some(List), "join", &[Text]),
    (Text, Some(Map), "encode", &[]),
    (Text, Some(List), "encode", &[Number]),
    (Text, Some(Map), "typeof", &[]),
    (Text, Some(Number), "as", &[]),
    (Text, None, "math:hash", &[Text, Text]),
    (Text, None, "math:base64encode", &[Text]),
    (Text, None, "math:base64decode", &[Text]),
    (Text, None, "random:word", &[]),
    (Text, None, "time:strftime", &[Time, Text]),
    (Text, None, "event:attr", &[Text]),
    (Text, None, "meta:ruleName", PROPERTY),
    (Text, None, "meta:callingRID", PROPERTY),
    (Text, None, "ctx:name", PROPERTY),
    (Time, None, "time:new", &[Time]),
    (Time, None, "time:add", &[Time, Map]),
    (Time, None, "event:time", PROPERTY),
];
