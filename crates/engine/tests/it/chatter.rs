//! A language of one-line rules, so that the tests need no other crate.
//!
//! `ruleset NAME`, then lines `on DOMAIN:TYPE ACTION WORD…`, one rule each. A query of the name of a
//! variable answers its value.

use std::{any::Any, sync::Arc};

use stratus_event::{Fault, Map, Name, Value, Whose};
use stratus_pen::language::{
    Change, Directive, Effect, Ended, Language, Outline, Program, Question, QuestionId, Raise,
    RuleError, Scene, Stop, Timer, TimerChange,
};
use stratus_salience::{Expression, Primitive, Symbol};

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
    fn compile(&self, source: &str) -> Result<Arc<dyn Program>, Vec<Fault>> {
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
            let mut words = line.split_whitespace().skip(1).map(str::to_owned);
            let (domain, kind) = words.next().unwrap().split_once(':').map(symbol).unwrap();
            talk.actions.push(words.collect());
            let select = Expression::Primitive(Primitive {
                symbol: Symbol { domain, kind },
                filters: Vec::new(),
                setting: Vec::new(),
                condition: None,
            });
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

    fn holds(&self, _condition: usize, _scene: &Scene<'_>) -> Result<bool, RuleError> {
        Ok(true)
    }

    fn run(&self, rule: usize, scene: &Scene<'_>) -> Result<Ended, Stop> {
        let words: Vec<&str> = self.actions[rule].iter().map(String::as_str).collect();
        let attributes = scene.event.unwrap().attributes.clone();
        let mut ended = Ended {
            fired: true,
            iterations: 1,
            ..Ended::default()
        };
        let mut set = |variable: &str, value: Value| {
            let (rid, name) = (self.rid.clone(), name(variable));
            ended.changes.push(Change {
                rid,
                name,
                value: Some(value),
            });
        };
        match words[..] {
            // A variable that grows by one text per event, in order.
            ["append", attribute] => {
                let before = scene.view.variable(&self.rid, &name("seen"));
                let mut items = before.map(|list| list.as_list().unwrap().to_vec());
                let items = items.get_or_insert_default();
                items.push(attributes.get(attribute).cloned().unwrap_or_default());
                set("seen", Value::list(items.clone()));
            }
            ["count"] => {
                let before = scene.view.variable(&self.rid, &name("count"));
                let before = match before {
                    Some(Value::Number(number)) => number.get(),
                    _ => 0.0,
                };
                set("count", Value::number(before + 1.0));
            }
            ["keep", attribute] => {
                set(
                    "last",
                    attributes.get(attribute).cloned().unwrap_or_default(),
                );
            }
            ["send", domain, kind] => {
                let partners = scene.view.subscriptions().into_iter();
                ended.effects.extend(partners.map(|partner| Effect::Send {
                    to: partner.tx,
                    domain: name(domain),
                    kind: name(kind),
                    attributes: attributes.clone(),
                }));
            }
            ["send_to", attribute, domain, kind] => ended.effects.push(Effect::Send {
                to: attributes.text(attribute).unwrap().parse().unwrap(),
                domain: name(domain),
                kind: name(kind),
                attributes: attributes.clone(),
            }),
            ["act", connector, action] => ended.effects.push(Effect::Act {
                connector: name(connector),
                action: name(action),
                arguments: attributes.clone(),
            }),
            ["direct", text] => {
                ended.directives.push(Directive {
                    name: text.to_owned(),
                    options: attributes,
                });
            }
            ["after", milliseconds, domain, kind] => {
                let wait = std::time::Duration::from_millis(milliseconds.parse().unwrap());
                ended.timers.push(TimerChange::Set(Timer {
                    id: name(&format!("timer-{}", attributes.text("n").unwrap_or("0"))),
                    rid: self.rid.clone(),
                    at: scene.now + wait,
                    raise: Raise {
                        domain: name(domain),
                        kind: name(kind),
                        attributes,
                        for_ruleset: None,
                    },
                }));
            }
            ["cancel"] => {
                let id = name(&format!("timer-{}", attributes.text("n").unwrap_or("0")));
                ended.timers.push(TimerChange::Remove { id });
            }
            ["ask", connector, action] => {
                let id = QuestionId {
                    iteration: 0,
                    site: 0,
                    ordinal: 0,
                };
                match scene.answers.get(&id) {
                    None => {
                        return Err(Stop::Ask(vec![Question {
                            id,
                            connector: name(connector),
                            action: name(action),
                            arguments: attributes,
                        }]));
                    }
                    Some(Ok(value)) => set("answer", value.clone()),
                    Some(Err(fault)) => set("answer", Value::text(&fault.code)),
                }
            }
            _ => panic!("no such action: {words:?}"),
        }
        Ok(ended)
    }

    fn query(&self, name: &Name, arguments: &Map, scene: &Scene<'_>) -> Result<Value, Stop> {
        if arguments.contains("fail") {
            let message = "it was asked to fail".to_owned();
            return Err(Stop::Error(RuleError {
                code: "talk-failed",
                message,
            }));
        }
        if arguments.contains("ask") {
            return Err(Stop::Ask(Vec::new()));
        }
        Ok(scene.view.variable(&self.rid, name).unwrap_or_default())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
