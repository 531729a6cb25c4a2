//! What only rulesets of 2009 to 2012 say.

use super::{Printer, expression::binary_sign};
use crate::ast::{
    Callback, Callbacks, Dataset, Dispatch, DispatchKind, Emission, Ruleset, Trail, TrailKind,
};

impl Printer {
    pub(super) fn dispatch(&mut self, line: &Dispatch) {
        match &line.kind {
            DispatchKind::Domain(domain, ruleset) => {
                self.write("domain ");
                self.string(&domain.value);
                if let Some(ruleset) = ruleset {
                    self.write(" -> ");
                    self.string(&ruleset.value);
                }
            }
            DispatchKind::Iframe(pattern) => {
                self.write("iframe ");
                self.string(&pattern.value);
            }
        }
    }

    /// `global { … }`, if there is anything in it.
    pub(super) fn globals(&mut self, ruleset: &Ruleset) {
        let Ruleset {
            datasets,
            emissions,
            globals,
            ..
        } = ruleset;
        if datasets.is_empty() && emissions.is_empty() && globals.is_empty() {
            return;
        }
        self.line("global");
        self.open();
        self.lines(datasets, Self::dataset);
        self.lines(emissions, Self::emission);
        self.lines(globals, Self::declaration);
        self.shut();
    }

    pub(super) fn callbacks(&mut self, callbacks: &Callbacks) {
        self.write("callbacks");
        self.open();
        self.line("success");
        self.block(&callbacks.success, Self::callback);
        self.line("failure");
        self.block(&callbacks.failure, Self::callback);
        self.shut();
    }

    pub(super) fn trail(&mut self, trail: &Trail) {
        match &trail.kind {
            TrailKind::Compared(_) => {}
            TrailKind::Current => self.write("current "),
            TrailKind::History(index) => {
                self.labelled("history (", index);
                self.write(") ");
            }
            TrailKind::Seen(pattern) => {
                self.labelled("seen (", pattern);
                self.write(") in ");
            }
            TrailKind::SeenInOrder {
                first,
                after,
                second,
            } => {
                self.labelled("seen (", first);
                self.write(if *after { ") after (" } else { ") before (" });
                self.expression(second);
                self.write(") in ");
            }
        }
        self.qualified_name(&trail.variable);
        if let TrailKind::Compared(Some((operator, value))) = &trail.kind {
            self.labelled(&format!(" {} (", binary_sign(*operator)), value);
            self.write(")");
        }
        if let Some(period) = &trail.within {
            self.write(" within ");
            self.amount(period);
        }
    }

    fn dataset(&mut self, dataset: &Dataset) {
        self.write(if dataset.source {
            "datasource "
        } else {
            "dataset "
        });
        self.identifier(&dataset.name);
        if let Some(format) = &dataset.format {
            self.write(":");
            self.identifier(format);
        }
        self.write(" <- ");
        self.string(&dataset.url.value);
        if let Some(cache) = &dataset.cache {
            self.write(" cachable");
            if let Some(period) = &cache.period {
                self.write(" for ");
                self.amount(period);
            }
        }
    }

    fn emission(&mut self, emission: &Emission) {
        self.labelled(
            if emission.css { "css " } else { "emit " },
            &emission.content,
        );
    }

    fn callback(&mut self, callback: &Callback) {
        self.identifier(&callback.event);
        self.write(" ");
        self.identifier(&callback.attribute);
        self.write(" = ");
        self.string(&callback.value.value);
        if let Some(statement) = &callback.triggers {
            self.write(" triggers ");
            self.statement(statement);
        }
    }
}
