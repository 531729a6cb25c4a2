//! Markdown pages that say what rulesets do, and are held to it.
//!
//! A page is prose with fenced blocks. A heading begins with a new PEN and a new clock. A `krl`
//! block is a ruleset that is installed there; an `event` block says what is done to the PEN, and
//! an `expect` block what must have happened since the one before. `spec/krl/README.md` has the
//! words of the two.

use std::time::Duration;

use stratus_event::{Map, Name, Value};
use stratus_krl_syntax::{Diagnostic, Severity, line_column};

use crate::{check, check_together, data, trial::Trial};

/// What came of a page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// How many lines of `expect` blocks were looked at.
    pub checks: usize,
    /// What was not as the page says.
    pub problems: Vec<Problem>,
}

/// Something that was not as the page says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line of the page, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub message: String,
}

/// Does what a page says, and sees whether what it expects happens.
pub fn test(markdown: &str) -> Report {
    let mut page = Page::default();
    for piece in pieces(markdown) {
        match piece {
            Piece::Heading(line) => page.begin(line),
            Piece::Block(block) => page.block(&block),
        }
    }
    page.end();
    page.report
}

/// A page that is being worked through.
#[derive(Default)]
struct Page {
    trial: Trial,
    rid: Option<Name>,
    /// The rulesets that are installed.
    sources: Vec<String>,
    /// What happened since the last expectation.
    happened: Vec<String>,
    /// An error in a `krl` block that no `expect` block has looked at yet.
    error: Option<Problem>,
    report: Report,
}

impl Page {
    fn begin(&mut self, _line: usize) {
        self.end();
        self.trial = Trial::new();
        self.rid = None;
        self.sources.clear();
        self.happened.clear();
    }

    /// An error that the page does not expect is a problem.
    fn end(&mut self) {
        self.report.problems.extend(self.error.take());
    }

    fn block(&mut self, block: &Block<'_>) {
        match block.language {
            "krl" => self.install(block),
            "event" => block.lines().for_each(|(line, text)| self.act(line, text)),
            "expect" => self.expect(block),
            _ => {}
        }
    }

    fn install(&mut self, block: &Block<'_>) {
        self.end();
        self.happened.clear();
        let source = block.source();
        for found in check(&source) {
            let told = diagnostic(&source, &found);
            if found.severity == Severity::Error && self.error.is_none() {
                let line = block.line + line_column(&source, found.span().start).0;
                let message = told.clone();
                self.error = Some(Problem { line, message });
            }
            self.happened.push(told);
        }
        if self.error.is_some() {
            return;
        }
        match self.trial.install(&source) {
            Ok(rid) => {
                self.rid = Some(rid);
                self.sources.push(source);
            }
            Err(faults) => {
                for fault in faults {
                    self.happened.push(format!("error {}", fault.code));
                    self.error = Some(problem(block.line, fault.to_string()));
                }
            }
        }
    }

    /// One line of an `event` block.
    fn act(&mut self, line: usize, text: &str) {
        if let Err(message) = self.acted(text) {
            self.report.problems.push(problem(line, message));
        }
    }

    fn acted(&mut self, text: &str) -> Result<(), String> {
        let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
        match word {
            "answer" => self.trial.answer(read(rest)?),
            "check" => self.check(),
            "configure" => self.configure(rest)?,
            "evaluate" => {
                let told = match self.trial.evaluate(self.rid.as_ref(), rest) {
                    Ok(value) => format!("answer {}", data::written(&value)),
                    Err(faults) => failed(faults.first().map_or("", |fault| &fault.code)),
                };
                self.happened.push(told);
            }
            "query" => self.query(rest)?,
            "subscription" => self.subscribe(rest)?,
            "wait" => {
                let told = self.trial.wait(duration(rest)?);
                self.happened.extend(told);
            }
            _ => {
                let (domain, kind) = symbol(word)?;
                let told = self.trial.send(&domain, &kind, map(rest)?);
                self.happened.extend(told);
            }
        }
        Ok(())
    }

    /// What there is to say of all rulesets together.
    fn check(&mut self) {
        let sources: Vec<&str> = self.sources.iter().map(String::as_str).collect();
        for (number, found) in check_together(&sources) {
            let source = sources.get(number).copied().unwrap_or_default();
            self.happened.push(diagnostic(source, &found));
        }
    }

    fn configure(&mut self, text: &str) -> Result<(), String> {
        let (rid, configuration) = text.split_once(' ').unwrap_or((text, ""));
        self.trial.configure(&name_of(rid)?, map(configuration)?);
        Ok(())
    }

    fn query(&mut self, text: &str) -> Result<(), String> {
        let (name, arguments) = text.split_once(' ').unwrap_or((text, ""));
        let rid = self.rid.clone().ok_or("there is no ruleset to be asked")?;
        let told = match self.trial.query(&rid, &name_of(name)?, &map(arguments)?) {
            Ok(value) => format!("answer {}", data::written(&value)),
            Err(fault) => failed(&fault.code),
        };
        self.happened.push(told);
        Ok(())
    }

    fn subscribe(&mut self, text: &str) -> Result<(), String> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let [name, rx_role, tx_role] = words[..] else {
            return Err("a subscription has a name, an Rx role and a Tx role".to_owned());
        };
        self.trial.subscribe(name, rx_role, tx_role);
        Ok(())
    }

    fn expect(&mut self, block: &Block<'_>) {
        let mut expected: Vec<(&str, Vec<(usize, &str)>)> = Vec::new();
        for (line, text) in block.lines() {
            let kind = text.split_whitespace().next().unwrap_or_default();
            match expected.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, lines)) => lines.push((line, text)),
                None => expected.push((kind, vec![(line, text)])),
            }
        }
        if expected.iter().any(|(kind, _)| *kind == "error") {
            self.error = None;
        }
        for (kind, lines) in expected {
            self.report.checks += lines.len();
            self.kind(kind, &lines);
        }
        self.happened.clear();
    }

    /// All expectations about one kind of thing.
    fn kind(&mut self, kind: &str, lines: &[(usize, &str)]) {
        let problems: Vec<Problem> = match kind {
            "no" => lines.iter().filter_map(|line| self.absent(*line)).collect(),
            "nothing" if self.happened.is_empty() => Vec::new(),
            "nothing" => {
                let message = format!("this happened: {}", self.happened.join("; "));
                lines
                    .iter()
                    .map(|(line, _)| problem(*line, message.clone()))
                    .collect()
            }
            "why" => lines.iter().filter_map(|line| self.reason(*line)).collect(),
            _ => match kind.strip_prefix("ent:") {
                Some(name) => lines
                    .iter()
                    .filter_map(|line| self.variable(name, *line))
                    .collect(),
                None => self.sequence(kind, lines),
            },
        };
        self.report.problems.extend(problems);
    }

    fn absent(&self, (line, text): (usize, &str)) -> Option<Problem> {
        let kind = text.strip_prefix("no ")?;
        let found = self
            .happened
            .iter()
            .find(|happened| matches(kind, happened))?;
        Some(problem(line, format!("this happened: {found}")))
    }

    fn reason(&self, (line, text): (usize, &str)) -> Option<Problem> {
        let wanted = text.strip_prefix("why ")?;
        let why = self.trial.why();
        if why.iter().any(|reason| reason.ends_with(wanted)) {
            return None;
        }
        Some(problem(
            line,
            format!("the reasons are: {}", why.join("; ")),
        ))
    }

    fn variable(&self, name: &str, (line, text): (usize, &str)) -> Option<Problem> {
        let wanted = text.split_once(' ').map_or("", |(_, wanted)| wanted);
        let name = Name::new(name).ok()?;
        let rid = self.rid.as_ref()?;
        let value = self.trial.variable(rid, &name);
        if data::read(wanted).is_some_and(|wanted| wanted == value) {
            return None;
        }
        Some(problem(
            line,
            format!("ent:{name} is {}", data::written(&value)),
        ))
    }

    /// Things of one kind happened in this order, and no others of it.
    fn sequence(&self, kind: &str, lines: &[(usize, &str)]) -> Vec<Problem> {
        let is_kind = |text: &&String| text.split(' ').next() == Some(kind);
        let mut happened = self.happened.iter().filter(is_kind);
        let mut problems = Vec::new();
        for (line, text) in lines {
            match happened.next() {
                Some(told) if matches(text, told) => {}
                Some(told) => problems.push(problem(*line, format!("this happened: {told}"))),
                None => problems.push(problem(*line, format!("this did not happen: {text}"))),
            }
        }
        let last = lines.last().map_or(0, |(line, _)| *line);
        let surplus = happened.map(|told| problem(last, format!("this happened too: {told}")));
        problems.extend(surplus);
        problems
    }
}

/// Whether what happened is what was expected: its words begin with the expected ones, and the data
/// is the same if some is expected.
fn matches(expected: &str, happened: &str) -> bool {
    let (words, wanted) = split(expected);
    let (told, value) = split(happened);
    let is_prefix = match told.strip_prefix(words) {
        Some(rest) => rest.is_empty() || rest.starts_with(' ') || words.is_empty(),
        None => false,
    };
    match wanted {
        Some(wanted) => told == words && value == Some(wanted),
        None => is_prefix,
    }
}

/// Words, and the data behind them.
fn split(text: &str) -> (&str, Option<Value>) {
    let spaces = text.match_indices(' ');
    for (space, _) in spaces {
        let (words, rest) = text.split_at(space);
        if let Some(value) = data::read(rest.trim()) {
            return (words, Some(value));
        }
    }
    (text.trim(), None)
}

fn diagnostic(source: &str, found: &Diagnostic) -> String {
    let (line, column) = line_column(source, found.span().start);
    let kind = match found.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    format!("{kind} {} {line}:{column} {}", found.code, found.title)
}

fn failed(code: &str) -> String {
    format!("failed {code}")
}

fn read(text: &str) -> Result<Value, String> {
    data::read(text).ok_or_else(|| format!("this is no JSON: {text}"))
}

fn map(text: &str) -> Result<Map, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let value = read(text)?;
    let map = value.as_map().cloned();
    map.ok_or_else(|| format!("this is no map: {text}"))
}

fn symbol(text: &str) -> Result<(Name, Name), String> {
    let (domain, kind) = text
        .split_once(':')
        .ok_or_else(|| format!("an event is named domain:type, not {text}"))?;
    Ok((name_of(domain)?, name_of(kind)?))
}

fn name_of(text: &str) -> Result<Name, String> {
    Name::new(text).map_err(|error| format!("{text} is no name: {error}"))
}

/// `5 minutes`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("a time to wait is like 5 minutes, not {text}");
    let (number, unit) = text.trim().split_once(' ').ok_or_else(wrong)?;
    let number: u64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit.trim().trim_end_matches('s') {
        "second" => 1,
        "minute" => 60,
        "hour" => 3_600,
        "day" => 86_400,
        "week" => 604_800,
        _ => return Err(wrong()),
    };
    Ok(Duration::from_secs(number.saturating_mul(seconds)))
}

fn problem(line: usize, message: impl Into<String>) -> Problem {
    let message = message.into();
    Problem { line, message }
}

/// What a page is made of, prose left out.
enum Piece<'m> {
    Block(Block<'m>),
    Heading(usize),
}

/// A fenced block.
struct Block<'m> {
    language: &'m str,
    /// The line of its opening fence, from 1.
    line: usize,
    content: Vec<&'m str>,
}

impl<'m> Block<'m> {
    fn source(&self) -> String {
        self.content.join("\n")
    }

    /// Its lines with their numbers, without empty ones and comments.
    fn lines(&self) -> impl Iterator<Item = (usize, &'m str)> {
        let first = self.line + 1;
        let lines = self.content.iter().enumerate();
        lines
            .map(move |(at, line)| (first + at, line.trim()))
            .filter(|(_, line)| !line.is_empty() && !line.starts_with("//"))
    }
}

fn pieces(markdown: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut open: Option<Block<'_>> = None;
    for (at, text) in markdown.lines().enumerate() {
        match (&mut open, text.strip_prefix("```")) {
            (Some(_), Some("")) => pieces.extend(open.take().map(Piece::Block)),
            (Some(block), _) => block.content.push(text),
            (None, Some(language)) => {
                open = Some(Block {
                    language: language.trim(),
                    line: at + 1,
                    content: Vec::new(),
                });
            }
            (None, None) if text.starts_with('#') => pieces.push(Piece::Heading(at + 1)),
            (None, None) => {}
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(page: &str, expected: &[&str]) {
        let report = test(page);
        let problems: Vec<_> = report
            .problems
            .iter()
            .map(|problem| format!("{}: {}", problem.line, problem.message))
            .collect();
        assert_eq!(problems, expected, "{page}");
    }

    const RULE: &str = "```krl\nruleset a { rule r { select when b c if event:attr(\"x\") > 1 \
                        then send_directive(\"d\", {\"x\": event:attr(\"x\")}) } }\n```\n";

    #[test]
    fn a_page_is_held_to_what_it_says() {
        let page = |event: &str, expect: &str| {
            format!("{RULE}```event\n{event}\n```\n```expect\n{expect}\n```\n")
        };
        check(
            &page("b:c {\"x\": 2}", "rule r fired\ndirective d {\"x\": 2}"),
            &[],
        );
        check(&page("b:c {\"x\": 2}", "directive d"), &[]);
        check(
            &page("b:c {\"x\": 1}", "no directive\nrule r not fired"),
            &[],
        );
        check(&page("b:d", "nothing\nwhy waits for b:c, not for b:d"), &[]);
        check(
            &page("b:c {\"x\": 3}", "directive d {\"x\": 2}"),
            &["8: this happened: directive d {\"x\": 3}"],
        );
        check(
            &page("b:c", "directive d"),
            &["8: this did not happen: directive d"],
        );
        check(
            &page("b", "nothing"),
            &["5: an event is named domain:type, not b"],
        );
    }

    #[test]
    fn an_error_that_is_not_expected_is_a_problem() {
        let source = "```krl\nruleset a { rule r { select when b c pre { d = e } } }\n```\n";
        assert_eq!(test(source).problems.len(), 1);
        let expected = "```expect\nerror krl-name-undefined 1:48\n```\n";
        check(&format!("{source}{expected}"), &[]);
    }

    #[test]
    fn the_world_answers_what_was_prepared() {
        let page = "```krl\nruleset a { rule r { select when b c \
            pre { x = http:get(\"http://u\"){\"content\"} } send_directive(x) } }\n```\n\
            ```event\nb:c\n```\n```expect\nask http get {\"url\": \"http://u\"}\n\
            rule r failed krl-answer-failed\n\
            message line 1, column 48: http get: the fixture has no answer to this question \
            [krl-answer-missing]\n```\n\
            ```event\nanswer {\"content\": \"d\"}\nb:c\n```\n```expect\ndirective d {}\n```\n";
        check(page, &[]);
    }
}
