//! PENs that are not in memory are read when something comes for them, which waits meanwhile.
//!
//! Nobody can tell whether a PEN was in memory: what comes for it is done in the order in which it
//! came. Of a PEN there is one image under way at most, and it is asked for only when all that was
//! written of the PEN is durable; so an image is never older than what was in memory.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use stratus_capability::GrantId;
use stratus_event::{Eci, Fault, PenId, Whose};
use stratus_protocol::{Output as Said, SubscriptionId};

use crate::{
    Ask, CommandId, Engine, Image, Input, Key, Output, PenListing, Record, Subject,
    commit::Draft,
    inquiry::{self, Inquiry},
    schedule::Alarm,
};

/// What is being read, and what waits for it.
#[derive(Debug, Default)]
pub(crate) struct Loading {
    /// What waits, by what it waits for, in the order in which it came.
    waiting: BTreeMap<Subject, Vec<Held>>,
    /// How many there are of these.
    held: usize,
    /// How many there have been.
    came: u64,
    /// What is to be asked for when there is room.
    wanted: VecDeque<Subject>,
    /// The same, and what is under way.
    asked: BTreeSet<Subject>,
    /// Grants under which events are passed over because too many wait; they come again.
    stalled: BTreeSet<(Eci, GrantId)>,
}

/// What waits, and how many came before it.
#[derive(Debug)]
struct Held {
    came: u64,
    what: Waits,
}

/// What waits for a PEN.
#[derive(Debug)]
enum Waits {
    Input(Box<Input>),
    Said(Box<Said>),
    /// A rule asks the PEN.
    Ask(Box<Ask>),
    /// A query asks the PEN.
    Inquiry(Box<Inquiry>),
    /// A timer is due.
    Time,
}

impl Loading {
    /// Every command that waits; they wait no longer.
    pub(crate) fn take_commands(&mut self) -> Vec<CommandId> {
        let waiting = std::mem::take(&mut self.waiting).into_values().flatten();
        waiting.filter_map(|held| held.what.command()).collect()
    }

    /// Has it read, unless that is under way.
    pub(crate) fn want(&mut self, subject: Subject) {
        if self.asked.insert(subject.clone()) {
            self.wanted.push_back(subject);
        }
    }

    fn put(&mut self, subject: Subject, what: Waits) {
        self.came += 1;
        let came = self.came;
        self.put_back(subject.clone(), Held { came, what });
        self.want(subject);
    }

    fn put_back(&mut self, subject: Subject, held: Held) {
        self.held += 1;
        self.waiting.entry(subject).or_default().push(held);
    }

    fn take(&mut self, subject: &Subject) -> Vec<Held> {
        let taken = self.waiting.remove(subject).unwrap_or_default();
        self.held -= taken.len();
        taken
    }

    /// The next thing to be asked for.
    fn next(&mut self, under_way_max: usize) -> Option<Subject> {
        let under_way = self.asked.len() - self.wanted.len();
        (under_way < under_way_max.max(1))
            .then(|| self.wanted.pop_front())
            .flatten()
    }
}

impl Engine {
    /// Lets an input wait if what it is about has to be read first; else gives it back.
    pub(crate) fn hold_input(&mut self, input: Input) -> Option<Input> {
        let Input::Command { id, command } = &input else {
            return Some(input);
        };
        let (id, about) = (*id, command.subject(self.config.pens_listed_max));
        let Some(about) = about.filter(|about| self.is_away(about)) else {
            return Some(input);
        };
        match self.check_waiting(&about) {
            Ok(()) => self.hold(about, Waits::Input(Box::new(input))),
            Err(fault) => self.reply(id, Err(fault)),
        }
        None
    }

    /// The same of what the federation says.
    pub(crate) fn hold_said(&mut self, said: Said) -> Option<Said> {
        let about = self.subject_of(&said);
        let Some(about) = about.filter(|about| self.is_away(about)) else {
            return Some(said);
        };
        let grant = match &said {
            Said::Deliver { eci, grant, .. } | Said::Refuse { eci, grant, .. } => (*eci, *grant),
            _ => {
                self.hold(about, Waits::Said(Box::new(said)));
                return None;
            }
        };
        // Under one grant, none is taken before all earlier ones are.
        if self.loading.stalled.contains(&grant) || self.check_waiting(&about).is_err() {
            self.loading.stalled.insert(grant);
            self.loading.want(about);
            self.ask_loads();
        } else {
            self.hold(about, Waits::Said(Box::new(said)));
        }
        None
    }

    /// The same of what a rule asks another PEN.
    pub(crate) fn hold_ask(&mut self, ask: Ask) -> Option<Ask> {
        let about = inquiry::channel(&ask.arguments).map(Subject::Channel);
        let Some(about) = about.filter(|about| self.is_away(about)) else {
            return Some(ask);
        };
        self.hold(about, Waits::Ask(Box::new(ask)));
        None
    }

    /// The same of what a query asks another PEN.
    pub(crate) fn hold_inquiry(&mut self, mut inquiry: Inquiry) -> Option<Inquiry> {
        let eci = inquiry
            .channel()
            .filter(|eci| inquiry.arrived != Some(*eci));
        let about = eci.map(Subject::Channel);
        let Some(about) = about.filter(|about| self.is_away(about)) else {
            return Some(inquiry);
        };
        inquiry.arrived = eci;
        self.hold(about, Waits::Inquiry(Box::new(inquiry)));
        None
    }

    /// Has something read because it is time.
    pub(crate) fn rouse(&mut self, subject: Subject) {
        if self.is_away(&subject) {
            self.hold(subject, Waits::Time);
        }
    }

    /// Asks for what is wanted, as far as there is room.
    pub(crate) fn ask_loads(&mut self) {
        while let Some(subject) = self.loading.next(self.config.loads_max) {
            self.outputs.push_back(Output::Load(subject));
        }
    }

    /// What was asked for is read, or could not be.
    pub(crate) fn handle_loaded(&mut self, subject: &Subject, image: Result<Image, Fault>) {
        if !self.loading.asked.remove(subject) {
            return;
        }
        let done = image.and_then(|image| self.take_loaded(subject, image));
        if let Err(fault) = done {
            self.load_failed(subject, &fault);
        }
        self.ask_loads();
    }

    fn hold(&mut self, subject: Subject, what: Waits) {
        self.loading.put(subject, what);
        self.ask_loads();
    }

    /// Whether it has to be read first. A PEN that is gone need not.
    fn is_away(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Channel(eci) => !self.channels.contains_key(eci),
            Subject::Pen(pen) => !self.pens.contains_key(pen) && !self.departed.contains_key(pen),
            Subject::Pens { .. } | Subject::Receipts(_) => true,
        }
    }

    /// Refuses a command for which there is no room.
    fn check_waiting(&self, subject: &Subject) -> Result<(), Fault> {
        let of_subject = self.loading.waiting.get(subject).map_or(0, Vec::len);
        if of_subject < self.config.commands_waiting_max
            && self.loading.held < self.config.loads_waiting_max
        {
            return Ok(());
        }
        let message = "too much waits already for PENs to be read";
        Err(Fault::new(Whose::World, "queue-full", message).hint("try again later"))
    }

    /// What has to be in memory for that to be heard.
    fn subject_of(&self, said: &Said) -> Option<Subject> {
        let of_subscription = |id: &SubscriptionId| self.subscriptions.get(id);
        let pen = match said {
            Said::Deliver { eci, .. } | Said::Refuse { eci, .. } => {
                return Some(Subject::Channel(*eci));
            }
            Said::Confirmed { subscription, .. }
            | Said::Established { subscription }
            | Said::Granted { subscription, .. }
            | Said::PairingFailed { subscription, .. } => of_subscription(subscription),
            Said::Lost { grant, .. } => self.holdings.get(grant).map(|(pen, _)| pen),
            Said::Redeemed { invite, .. } => self.invites.get(invite),
            // A PEN whose messages wait is in memory.
            _ => None,
        };
        pen.copied().map(Subject::Pen)
    }

    fn take_loaded(&mut self, subject: &Subject, image: Image) -> Result<(), Fault> {
        match subject {
            Subject::Channel(eci) => self.take_owner(*eci, &image),
            Subject::Pen(pen) => self.take_pen(*pen, image)?,
            Subject::Pens { .. } => self.take_page(subject, &image),
            Subject::Receipts(connector) => {
                self.loading.take(subject);
                self.settle_doubt(connector, &image);
            }
        }
        Ok(())
    }

    /// It is known whose channel it is: what waited for that waits for the PEN.
    fn take_owner(&mut self, eci: Eci, image: &Image) {
        let owner = image.keys().find_map(|key| match key {
            Key::Channel(pen, _) => Some(*pen),
            _ => None,
        });
        let waiting = self.loading.take(&Subject::Channel(eci));
        let away = owner.map(Subject::Pen).filter(|pen| self.is_away(pen));
        if let Some(away) = away {
            for held in waiting {
                self.loading.put_back(away.clone(), held);
            }
            self.loading.want(away);
        } else {
            self.go_on(waiting);
            match owner {
                Some(owner) if self.pens.contains_key(&owner) => {
                    self.resume_stalled(owner, &[eci]);
                    self.resume_letters(owner);
                }
                _ => self.return_letters(eci),
            }
        }
    }

    fn take_pen(&mut self, pen: PenId, image: Image) -> Result<(), Fault> {
        let mut draft = Draft::default();
        self.take_in(image, &mut draft)
            .inspect_err(|_| drop(self.discard(pen)))?;
        self.commit(draft);
        let hosted = self.pens.get(&pen);
        let channels = hosted.map(|hosted| hosted.state.channels().map(|channel| channel.eci));
        let channels: Vec<Eci> = channels.into_iter().flatten().collect();
        let mut waiting = self.loading.take(&Subject::Pen(pen));
        for eci in &channels {
            waiting.extend(self.loading.take(&Subject::Channel(*eci)));
        }
        waiting.sort_by_key(|held| held.came);
        self.go_on(waiting);
        self.resume_stalled(pen, &channels);
        self.resume_letters(pen);
        Ok(())
    }

    fn go_on(&mut self, waiting: Vec<Held>) {
        for held in waiting {
            match held.what {
                Waits::Input(input) => self.dispatch_present(*input),
                Waits::Said(said) => self.hear_present(*said),
                Waits::Ask(ask) => self.inquire_present(&ask),
                Waits::Inquiry(inquiry) => self.pursue(*inquiry),
                Waits::Time => {}
            }
        }
    }

    /// What was passed over under grants of those channels comes once more.
    fn resume_stalled(&mut self, pen: PenId, channels: &[Eci]) {
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        for eci in channels {
            let of_channel = (*eci, GrantId([0; 16]))..=(*eci, GrantId([u8::MAX; 16]));
            let stalled = &mut self.loading.stalled;
            hosted
                .stalled
                .extend(stalled.extract_if(of_channel, |_| true));
        }
        self.resume_partners(pen);
    }

    fn take_page(&mut self, subject: &Subject, image: &Image) {
        let is_there = |pen: &PenListing| !self.deleted.contains(&pen.id);
        let listed = image.iter().filter_map(listed);
        let page: Vec<PenListing> = listed.filter(is_there).collect();
        for held in self.loading.take(subject) {
            if let Some(id) = held.what.command() {
                let reply = self.status(page.clone());
                self.reply(id, Ok(reply));
            }
        }
    }

    /// Commands hear why. All else waits, and it is tried again.
    fn load_failed(&mut self, subject: &Subject, fault: &Fault) {
        let mut again = matches!(subject, Subject::Receipts(_));
        for held in self.loading.take(subject) {
            if let Some(id) = held.what.command() {
                self.reply(id, Err(fault.clone()));
            } else {
                again = true;
                self.loading.put_back(subject.clone(), held);
            }
        }
        if again || !self.loading.stalled.is_empty() {
            let later = self.in_ms(self.config.load_retry_delay_ms);
            self.schedule.set(later, Alarm::Load(subject.clone()));
        }
    }
}

impl Waits {
    fn command(&self) -> Option<CommandId> {
        match self {
            Self::Input(input) => match **input {
                Input::Command { id, .. } => Some(id),
                _ => None,
            },
            Self::Inquiry(inquiry) => inquiry.command(),
            _ => None,
        }
    }
}

fn listed((key, record): (&Key, &Record)) -> Option<PenListing> {
    match (key, record) {
        (Key::Pen(pen), Record::Pen { name, parent, .. }) => Some(PenListing {
            id: *pen,
            name: name.clone(),
            parent: parent.as_ref().map(|parent| parent.kin.pen),
        }),
        _ => None,
    }
}
