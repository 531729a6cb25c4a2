//! Events that partners send: taken or refused, and answered once that is durable.

use stratus_capability::GrantId;
use stratus_event::{Eci, Event, Fault, PenId};

use crate::{
    Accepted, Engine, Key, Record, Source,
    commit::{After, Draft},
    federation::Order,
    hosted::{Hosted, Window},
    raise::Arrival,
};

impl Engine {
    /// Takes an event that the federation has verified, or refuses it for good, or lets it wait at
    /// the partner's if there is no room.
    pub(crate) fn handle_delivered(
        &mut self,
        eci: Eci,
        grant: GrantId,
        sequence: u64,
        event: Event,
    ) {
        match self.check_delivered(eci, &event) {
            Ok(pen) if self.stalls(pen, eci, grant) => {}
            Ok(pen) => self.take_delivered(pen, eci, grant, sequence, event),
            Err(fault) => self.refuse(eci, grant, sequence, fault.code.into_owned()),
        }
    }

    /// There is room again: what was passed over comes once more.
    pub(crate) fn resume_partners(&mut self, pen: PenId) {
        let room_from = self.config.queue_events_max / 2;
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        if hosted.stalled.is_empty() || hosted.unsettled() > room_from {
            return;
        }
        for (eci, grant) in std::mem::take(&mut hosted.stalled) {
            let window = hosted.windows.get(&(eci, grant));
            let through = window.map_or(0, |window| window.through);
            self.federation.rewind(eci, grant, through);
        }
    }

    /// Whether the event is passed over because there is no room, or was none for an earlier one:
    /// under one grant, no event is taken or refused before all earlier ones are.
    fn stalls(&mut self, pen: PenId, eci: Eci, grant: GrantId) -> bool {
        let full = self.check_room(pen).is_err();
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return false;
        };
        if full {
            hosted.stalled.insert((eci, grant));
        }
        hosted.stalled.contains(&(eci, grant))
    }

    /// Makes durable that an event is refused, after all that came before it.
    pub(crate) fn refuse(&mut self, eci: Eci, grant: GrantId, sequence: u64, code: String) {
        let refusals_max = self.config.refusals_max;
        let mut draft = Draft::default();
        if let Ok((pen, _)) = self.channel(&eci)
            && let Some(hosted) = self.pens.get_mut(&pen)
        {
            if hosted.stalled.contains(&(eci, grant)) {
                return;
            }
            hosted.flush(pen, &mut draft);
            let window = hosted.advance(eci, grant, sequence);
            window.refused.push_back((sequence, code.clone()));
            while window.refused.len() > refusals_max {
                window.refused.pop_front();
            }
            draft.put(Key::Window(eci, grant), window.record());
        }
        draft.order(Order::Rejected {
            eci,
            grant,
            sequence,
            code,
        });
        self.commit(draft);
    }

    fn check_delivered(&self, eci: Eci, event: &Event) -> Result<PenId, Fault> {
        let (pen, channel) = self.channel(&eci)?;
        channel.check_open()?;
        channel.check_event(&event.domain, &event.kind)?;
        Ok(pen)
    }

    fn take_delivered(
        &mut self,
        pen: PenId,
        eci: Eci,
        grant: GrantId,
        sequence: u64,
        event: Event,
    ) {
        let seed = self.random_bytes();
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        let window = hosted.advance(eci, grant, sequence).record();
        let accepted = Accepted {
            event,
            channel: Some(eci),
            source: Source::Partner { grant, sequence },
            for_ruleset: None,
            at: self.now,
            seed,
        };
        let acknowledge = Order::Accepted {
            eci,
            grant,
            sequence,
        };
        let arrival = Arrival {
            accepted,
            changes: vec![(Key::Window(eci, grant), Some(window))],
            after: vec![After::Order(Box::new(acknowledge))],
            waiter: None,
        };
        self.admit(pen, arrival);
    }
}

impl Hosted {
    fn advance(&mut self, eci: Eci, grant: GrantId, sequence: u64) -> &mut Window {
        let window = self.windows.entry((eci, grant)).or_default();
        window.through = window.through.max(sequence);
        window
    }
}

impl Window {
    fn record(&self) -> Record {
        Record::Window {
            through: self.through,
            refused: self.refused.iter().cloned().collect(),
        }
    }
}
