//! A conversation about rulesets: lines in, lines out.

use stratus_event::{Fault, Name};

use crate::{data, fixture::duration, trial::Trial};

/// A conversation with a PEN that is only there to try rulesets in.
#[derive(Debug, Default)]
pub struct Session {
    trial: Trial,
    rid: Option<Name>,
}

impl Session {
    /// A conversation about no ruleset yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Installs a ruleset; what is asked from now on is about it.
    pub fn install(&mut self, source: &str) -> Result<Name, Vec<Fault>> {
        let rid = self.trial.install(source)?;
        self.rid = Some(rid.clone());
        Ok(rid)
    }

    /// Does what a line says. What comes of it is lines too; a line that makes no sense is told so.
    pub fn line(&mut self, line: &str) -> Vec<String> {
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "" => Vec::new(),
            ":help" => HELP.lines().map(str::to_owned).collect(),
            ":vars" => self.variables(),
            ":why" => self.trial.why(),
            ":wait" => match duration(rest) {
                Ok(duration) => quiet(self.trial.wait(duration)),
                Err(message) => vec![message],
            },
            ":answer" => match data::read(rest) {
                Some(answer) => {
                    self.trial.answer(answer);
                    Vec::new()
                }
                None => vec![format!("this is no JSON: {rest}")],
            },
            ":send" => self.send(rest),
            _ if word.starts_with(':') => vec![format!("there is no {word}; :help lists all")],
            _ => self.evaluate(line),
        }
    }

    fn send(&mut self, text: &str) -> Vec<String> {
        let (symbol, attributes) = text.trim().split_once(' ').unwrap_or((text.trim(), "{}"));
        let names = symbol
            .split_once(':')
            .and_then(|(domain, kind)| Some((Name::new(domain).ok()?, Name::new(kind).ok()?)));
        let attributes = data::read(attributes).and_then(|value| value.as_map().cloned());
        match (names, attributes) {
            (Some((domain, kind)), Some(attributes)) => {
                quiet(self.trial.send(&domain, &kind, attributes))
            }
            (None, _) => vec!["an event is sent by :send domain:type {\"name\": 1}".to_owned()],
            (_, None) => vec!["the attributes of an event are a map in JSON".to_owned()],
        }
    }

    fn variables(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for rid in self.trial.rulesets() {
            for (name, value) in self.trial.variables(rid) {
                lines.push(format!("{rid} ent:{name} {}", data::written(value)));
            }
        }
        quiet(lines)
    }

    fn evaluate(&self, expression: &str) -> Vec<String> {
        match self.trial.evaluate(self.rid.as_ref(), expression) {
            Ok(value) => vec![data::written(&value)],
            Err(faults) => faults.iter().map(ToString::to_string).collect(),
        }
    }
}

/// Something is always said, so that one knows that it was done.
fn quiet(lines: Vec<String>) -> Vec<String> {
    if lines.is_empty() {
        vec!["nothing".to_owned()]
    } else {
        lines
    }
}

const HELP: &str = "\
an expression              its value, in the scope of the ruleset
:send domain:type {…}      raise an event, with its attributes as JSON
:vars                      show the persistent variables
:why                       say what each rule did about the last event, or why it did nothing
:wait 5 minutes            let time pass
:answer {…}                what the world answers to the next question
:help                      show this
:quit                      end the conversation";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversation() {
        let mut session = Session::new();
        let source = r#"ruleset a { global { two = 2 } rule r { select when b c n re#^(\d+)$# setting(n)
            if n > two then noop() fired { ent:n := n.as("Number") } } }"#;
        assert_eq!(session.install(source).unwrap().as_str(), "a");
        let mut check =
            |line: &str, expected: &[&str]| assert_eq!(session.line(line), expected, "{line}");
        check("two + 1", &["3"]);
        check(
            "1 +",
            &[
                "line 1, column 4: expected an expression, found the end of the source [krl-expected]",
            ],
        );
        check(":send b:c {\"n\": 1}", &["rule r not fired"]);
        check(
            ":why",
            &["a/r: was selected, but did not fire: `if n > two` is false"],
        );
        check(":send b:c {\"n\": \"x\"}", &["nothing"]);
        check(
            ":why",
            &["a/r: the attribute n is \"x\", which re#^([0-9]+)$# does not match"],
        );
        check(":vars", &["nothing"]);
        check(":send b:c {\"n\": 5}", &["rule r fired"]);
        check(":vars", &["a ent:n 5"]);
        check("ent:n * 2", &["10"]);
        check(":wait 5 minutes", &["nothing"]);
        check(":nix", &["there is no :nix; :help lists all"]);
        assert_eq!(session.line(":help").len(), 8);
    }
}
