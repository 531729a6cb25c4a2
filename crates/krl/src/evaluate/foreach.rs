//! A rule's iterations.

use std::sync::Arc;

use stratus_pen::language::Directive;

use super::{At, Evaluator, GLOBAL_ITERATION, TOP};
use crate::{
    border,
    limit::{Failure, Halt, ITERATIONS_MAX},
    program::{Foreach, Rule},
    value::Value,
};

impl Evaluator<'_> {
    /// Runs every iteration of a rule.
    pub(super) fn rule(&mut self, rule: &Rule) -> Result<(), Halt> {
        let mut slots = vec![Value::Null; rule.slots];
        for (name, slot) in &rule.bindings {
            let bound = self.scene.bindings.get(name);
            if let (Some(value), Some(place)) = (bound, slots.get_mut(*slot)) {
                *place = border::from_data(&mut self.meter, value)?;
            }
        }
        let outcome = self.level(rule, &rule.foreach, slots, true);
        outcome.map_err(|halt| halt.at(|| self.place(TOP, rule.site)))?;
        if self.ended.fired {
            self.tell_page(rule)?;
        }
        Ok(())
    }

    /// What a page is told besides what the rule does.
    fn tell_page(&mut self, rule: &Rule) -> Result<(), Halt> {
        if let Some(options) = &rule.callbacks {
            self.wish()?;
            self.ended.directives.push(Directive {
                name: "callbacks".to_owned(),
                options: options.clone(),
                by: None,
            });
        }
        let ruleset = self.ruleset(TOP.instance)?;
        for (name, options) in &ruleset.preface {
            let options = self.value(TOP, options)?;
            let options = self.data_map(&options, "a directive's options")?;
            let name = (*name).to_owned();
            self.ended.preface.push(Directive {
                name,
                options,
                by: None,
            });
        }
        Ok(())
    }

    /// Goes through one level of `foreach`, or, below the last, runs the rule's body.
    fn level(
        &mut self,
        rule: &Rule,
        levels: &[Foreach],
        slots: Vec<Value>,
        is_final: bool,
    ) -> Result<(), Halt> {
        self.meter.spend_for(slots.len())?;
        let Some((level, inner)) = levels.split_first() else {
            return self.iterate(rule, slots, is_final);
        };
        let frame = self.frames.push(TOP.frame, slots.clone());
        let collection = self.value(At { frame, ..TOP }, &level.collection);
        self.frames.pop(frame);
        let elements = self.elements(&collection?)?;
        let last = elements.len().saturating_sub(1);
        for (position, (value, key)) in elements.into_iter().enumerate() {
            let mut slots = slots.clone();
            for (slot, value) in level.slots.iter().zip([value, key]) {
                if let Some(place) = slots.get_mut(*slot) {
                    *place = value;
                }
            }
            self.level(rule, inner, slots, is_final && position == last)?;
            if self.stopped {
                break;
            }
        }
        Ok(())
    }

    /// The values and keys that `foreach` goes through; nothing for what is no collection.
    fn elements(&mut self, collection: &Value) -> Result<Vec<(Value, Value)>, Failure> {
        let length = match collection {
            Value::List(list) => list.items.len(),
            Value::Map(map) => map.len(),
            Value::Text(text) => text.len(),
            _ => return Ok(Vec::new()),
        };
        self.meter.spend_for(length)?;
        Ok(match collection {
            Value::List(list) => {
                let items = list.items.iter().cloned().enumerate();
                items
                    .map(|(index, item)| (item, Value::count(index)))
                    .collect()
            }
            Value::Map(map) => {
                let entries = map.entries(&mut self.meter)?.iter();
                entries
                    .map(|(name, item)| (item.clone(), Value::Text(Arc::clone(name))))
                    .collect()
            }
            Value::Text(text) => {
                self.meter.allocate_slots(length)?;
                let letters = text
                    .chars()
                    .map(|letter| Value::Text(letter.to_string().into()));
                let letters = letters.enumerate();
                letters
                    .map(|(index, letter)| (letter, Value::count(index)))
                    .collect()
            }
            _ => Vec::new(),
        })
    }

    /// One iteration. One that stops at a question lets the others find theirs, unless they may
    /// read what it would have written.
    fn iterate(&mut self, rule: &Rule, slots: Vec<Value>, is_final: bool) -> Result<(), Halt> {
        if self.ended.iterations >= ITERATIONS_MAX {
            let message = format!("foreach goes through more than {ITERATIONS_MAX} elements");
            return Err(Failure::new("iterations-exhausted", message).into());
        }
        self.begin_iteration(u32::try_from(self.ended.iterations).unwrap_or(GLOBAL_ITERATION - 1));
        self.ended.iterations += 1;
        self.is_final = is_final;
        let frame = self.frames.push(TOP.frame, slots);
        let outcome = self.rule_body(At { frame, ..TOP }, rule);
        self.frames.pop(frame);
        match outcome {
            Err(Halt::Ask(_)) if !rule.writes => Ok(()),
            outcome => outcome,
        }
    }

    fn rule_body(&mut self, at: At, rule: &Rule) -> Result<(), Halt> {
        self.declare(at, &rule.prelude)?;
        let fired = match &rule.actions {
            Some(block) => self.actions(at, block)?,
            None => true,
        };
        self.ended.fired |= fired;
        let postlude = &rule.postlude;
        self.statements(
            at,
            if fired {
                &postlude.fired
            } else {
                &postlude.notfired
            },
        )?;
        self.statements(at, &postlude.always)
    }
}
