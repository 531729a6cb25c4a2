//! Why an event did, or did not, select a rule of a PEN.

use stratus_event::{Event, Name};
use stratus_salience::{Did, Progress, Why};

use crate::{Done, RunEnd, State};

impl State {
    /// Why the event did, or did not, select the rule; none if there is no such rule.
    ///
    /// `self` is the PEN before [`State::apply`] took in what its transaction came to. The answer
    /// rests on what the outcome keeps and nothing is evaluated again.
    pub fn why(&self, event: &Event, done: &Done, rid: &Name, rule: &Name) -> Option<Why> {
        let found = self.rulesets().named(rid, rule)?;
        let mut runs = done.runs.iter().filter(|run| {
            let it = (&run.event.id, &run.rid, &run.rule);
            it == (&event.id, rid, rule)
        });
        let selected = runs.any(|run| run.end != RunEnd::NotSelected);
        let mut automata = done.automata.iter();
        let moved = automata.find(|moved| (&moved.rid, &moved.rule) == (rid, rule));
        let did = match moved {
            _ if selected => Did::Fired,
            Some(_) => Did::Moved,
            None => Did::Nothing,
        };
        let start = Progress::default();
        let before = self.progress_at(found.place);
        let after = moved.map_or(before, |moved| moved.progress.as_ref());
        Some(found.automaton.why(event, did, after.unwrap_or(&start)))
    }
}
