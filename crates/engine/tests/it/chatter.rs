//! A language of one-line rules, so that the tests need no other crate.
//!
//! `ruleset NAME`, then lines `on DOMAIN:TYPE ACTION WORD…`, one rule each, or `pair DOMAIN:TYPE
//! TYPE ACTION WORD…`, which waits for both with the same `n`, or `due DOMAIN:TYPE ACTION WORD…`,
//! which waits for the time that is its `n`, or `once MILLISECONDS ACTION WORD…` and `daily MILLISECONDS
//! ACTION WORD…`. A query of the name of a variable answers its value.

use std::{any::Any, sync::Arc};

use regex::Regex;
use stratus_event::{Fault, Map, Name, Timestamp, Value, Whose};
use stratus_pen::Cron;
use stratus_pen::language::{
    Change, Directive, Effect, Ended, Judgement, Language, Outline, Program, Question, QuestionId,
    Raise, RuleError, Scene, Stop, Timer, TimerChange,
};
use stratus_salience::{Expression, Filter, Instant, Join, Patterns, Primitive, Symbol};

pub(crate) struct Chatter;

#[derive(Debug)]
struct Talk {
    rid: Name,
    outlines: Vec<Outline>,
    actions: Vec<Vec<String>>,
    queries: Vec<Name>,
}

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

impl Language for Chatter {
    fn compile_among(
        &self,
        source: &str,
        _: &mut Patterns,
    ) -> Result<Arc<dyn Program>, Vec<Fault>> {
        if source == "silence" {
            return Err(Vec::new());
        }
        let mut lines = source
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty());
        let rid = lines.next().and_then(|line| line.strip_prefix("ruleset "));
        let Some(rid) = rid else {
            let fault = |message| Fault::new(Whose::Ruleset, "talk-unreadable", message);
            return Err(vec![fault("line 1: no ruleset"), fault("line 2: no rule")]);
        };
        let mut talk = Talk {
            rid: name(rid),
            outlines: Vec::new(),
            actions: Vec::new(),
            queries: ["seen", "count", "last", "answer"].map(name).to_vec(),
        };
        for (line, number) in lines.zip(1..) {
            let mut words = line.split_whitespace().map(str::to_owned);
            let word = words.next().unwrap();
            let event = words.next().unwrap();
            let (domain, kind) = event.split_once(':').map(symbol).unwrap_or_default();
            let first = primitive(domain.clone(), kind);
            let select = match &*word {
                "daily" => wait(Instant::Daily(event.parse().unwrap())),
                "due" => pair(first, Primitive::at(Instant::Bound(0)), None),
                "once" => wait(Instant::Once(Timestamp(event.parse().unwrap()))),
                "pair" => {
                    let last = primitive(domain, words.next().as_deref().map(name));
                    pair(first, last, Some(name("n")))
                }
                _ => Expression::Primitive(first),
            };
            talk.actions.push(words.collect());
            let name = name(&format!("rule_{number}"));
            talk.outlines.push(Outline {
                name,
                active: true,
                select,
            });
        }
        Ok(Arc::new(talk))
    }
}

fn primitive(domain: Option<Name>, kind: Option<Name>) -> Primitive {
    Primitive::of(Symbol { domain, kind })
}

fn wait(instant: Instant) -> Expression {
    Expression::Primitive(Primitive::at(instant))
}

/// One before the other, which has something to do with the `n` of the first.
fn pair(mut first: Primitive, mut last: Primitive, attribute: Option<Name>) -> Expression {
    first.filters.push(Filter {
        attribute: name("n"),
        pattern: Arc::new(Regex::new("(.+)").unwrap()),
    });
    first.setting.push(name("both"));
    last.joins.push(Join {
        variable: name("both"),
        attribute,
    });
    let all = [first, last].map(Expression::Primitive);
    Expression::Before(all.into())
}

fn symbol((domain, kind): (&str, &str)) -> (Option<Name>, Option<Name>) {
    let part = |text: &str| (text != "*").then(|| name(text));
    (part(domain), part(kind))
}

impl Program for Talk {
    fn rid(&self) -> &Name {
        &self.rid
    }

    fn rules(&self) -> &[Outline] {
        &self.outlines
    }

    fn queries(&self) -> &[Name] {
        &self.queries
    }

    fn modules(&self) -> &[Name] {
        &[]
    }

    fn holds(&self, _condition: usize, _scene: &Scene<'_>) -> Judgement<bool> {
        Judgement::free(Ok(true))
    }

    fn instant(&self, _: usize, scene: &Scene<'_>) -> Judgement<Option<Timestamp>> {
        let bound = scene.bindings.get("both").and_then(Value::as_text);
        Judgement::free(Ok(bound.map(|text| Timestamp(text.parse().unwrap()))))
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        let words: Vec<&str> = self.actions[rule].iter().map(String::as_str).collect();
        let attributes = &scene.event.unwrap().attributes;
        let mut ended = Ended {
            fired: true,
            iterations: 1,
            ..Ended::default()
        };
        match words[..] {
            ["append" | "keep", _] | ["count"] | ["ask", ..] => {
                let (variable, value) = self.remember(&words, attributes, scene)?;
                let (rid, name) = (self.rid.clone(), name(variable));
                ended.changes.push(Change {
                    rid,
                    name,
                    value: Some(value),
                });
            }
            ["send" | "send_to" | "act", ..] => {
                ended.effects = wanted(&words, attributes, scene);
            }
            ["direct", text] => {
                let options = attributes.clone();
                ended.directives.push(Directive {
                    name: text.to_owned(),
                    options,
                    by: None,
                });
            }
            ["after" | "every", ..] | ["cancel"] => {
                ended.timers.push(self.timer(&words, attributes, scene));
            }
            _ => panic!("no such action: {words:?}"),
        }
        Ok(ended)
    }

    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Judgement<Value, Stop> {
        Judgement::free(self.told(name, arguments, scene))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Talk {
    fn told(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Result<Value, Stop> {
        if arguments.contains("fail") {
            let message = "it was asked to fail".to_owned();
            return Err(Stop::Error(RuleError {
                code: "talk-failed",
                message,
            }));
        }
        if arguments.contains("ask") {
            return answer("http", "get", arguments, scene);
        }
        Ok(scene.view.variable(&self.rid, name).unwrap_or_default())
    }

    fn remember<'a>(
        &self,
        words: &[&str],
        attributes: &Map,
        scene: &Scene<'_>,
    ) -> Result<(&'a str, Value), Stop> {
        let variable = |text| scene.view.variable(&self.rid, &name(text));
        Ok(match words {
            // A list that grows by one item per event, in order.
            ["append", attribute] => {
                let before = variable("seen");
                let mut items = before.map(|list| list.as_list().unwrap().to_vec());
                let items = items.get_or_insert_default();
                items.push(attributes.get(attribute).cloned().unwrap_or_default());
                ("seen", Value::list(items.clone()))
            }
            ["count"] => {
                let before = match variable("count") {
                    Some(Value::Number(number)) => number.get(),
                    _ => 0.0,
                };
                ("count", Value::number(before + 1.0))
            }
            ["keep", attribute] => (
                "last",
                attributes.get(attribute).cloned().unwrap_or_default(),
            ),
            ["ask", connector, action] => ("answer", answer(connector, action, attributes, scene)?),
            _ => panic!("nothing to remember: {words:?}"),
        })
    }

    fn timer(&self, words: &[&str], attributes: &Map, scene: &Scene<'_>) -> TimerChange {
        let id = name(&format!("timer-{}", attributes.text("n").unwrap_or("0")));
        let (wait, repeat, domain, kind) = match words {
            ["after", milliseconds, domain, kind] => {
                (milliseconds.parse().unwrap(), None, domain, kind)
            }
            ["every", seconds, domain, kind] => {
                let cron = Cron::new(&format!("*/{seconds} * * * * *"), None).unwrap();
                let wait = cron.after(scene.now).unwrap().since(scene.now);
                (
                    u64::try_from(wait.as_millis()).unwrap(),
                    Some(cron),
                    domain,
                    kind,
                )
            }
            _ => return TimerChange::Remove { id },
        };
        let wait = std::time::Duration::from_millis(wait);
        let raise = Raise {
            domain: name(domain),
            kind: name(kind),
            attributes: attributes.clone(),
            for_ruleset: None,
        };
        TimerChange::Set(Timer {
            id,
            rid: self.rid.clone(),
            at: scene.now + wait,
            raise,
            repeat,
        })
    }
}

fn wanted(words: &[&str], attributes: &Map, scene: &Scene<'_>) -> Vec<Effect> {
    let send = |to, domain: &str, kind: &str| Effect::Send {
        to,
        domain: name(domain),
        kind: name(kind),
        attributes: attributes.clone(),
    };
    match words {
        ["send", domain, kind] => {
            let partners = scene.view.subscriptions().into_iter();
            partners
                .map(|partner| send(partner.tx, domain, kind))
                .collect()
        }
        ["send_to", attribute, domain, kind] => {
            vec![send(
                attributes.text(attribute).unwrap().parse().unwrap(),
                domain,
                kind,
            )]
        }
        ["act", connector, action] => vec![Effect::Act {
            connector: name(connector),
            action: name(action),
            arguments: attributes.clone(),
        }],
        _ => panic!("nothing is wanted: {words:?}"),
    }
}

fn answer(
    connector: &str,
    action: &str,
    attributes: &Map,
    scene: &Scene<'_>,
) -> Result<Value, Stop> {
    let id = QuestionId {
        iteration: 0,
        site: 0,
        ordinal: 0,
    };
    match scene.answers.get(&id) {
        None => Err(Stop::Ask(vec![Question {
            id,
            connector: name(connector),
            action: name(action),
            arguments: attributes.clone(),
        }])),
        Some(Ok(value)) => Ok(value.clone()),
        Some(Err(fault)) => Ok(Value::text(&fault.code)),
    }
}
