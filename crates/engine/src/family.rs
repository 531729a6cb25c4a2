//! PENs and their families: made, named anew, and deleted with all that belongs to them.

use stratus_event::{Eci, Fault, PenId, Whose};
use stratus_pen::{
    Arrangement, Channel, ChannelId, Done, Kin, NewPen, Parent, Policy, language::RuleError,
};

use crate::{
    Engine, Key, Record, Reply,
    commit::{After, Draft},
    federation::Order,
    hosted::Hosted,
    names::{OWNER, fixed},
};

impl Engine {
    /// Makes a PEN with a channel for its owner, as a child of another one if there is to be a
    /// parent.
    pub(crate) fn create_pen(
        &mut self,
        name: &str,
        parent: Option<PenId>,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        self.check_name("a PEN's name", name)?;
        self.check_pens(1)?;
        let id = PenId(self.random_bytes());
        let Some(parent) = parent else {
            let seed = self.random_bytes();
            self.host(Hosted::new(id, name, seed, None), draft);
            return Ok(Reply::Pen(id));
        };
        let bounds = self.config.evaluation;
        let channels = [self.random_bytes(), self.random_bytes()].map(ChannelId);
        let state = &mut self.hosted_mut(parent)?.state;
        let children = state.children().len() + 1;
        bounds.check_children(children).map_err(refused)?;
        let depth = state.ancestors().len() + 1;
        bounds.check_depth(depth).map_err(refused)?;
        let child = NewPen::new(state, id, name, channels);
        let arrangement = Arrangement::CreatePen(Box::new(child));
        state.arrange(&arrangement);
        self.write_arrangement(parent, &arrangement, draft);
        Ok(Reply::Pen(id))
    }

    /// Gives a PEN another name.
    pub(crate) fn rename_pen(
        &mut self,
        pen: PenId,
        name: &str,
        draft: &mut Draft,
    ) -> Result<Reply, Fault> {
        self.check_name("a PEN's name", name)?;
        let hosted = self.hosted_mut(pen)?;
        hosted.state.rename(name);
        draft.put(Key::Pen(pen), hosted.record());
        Ok(Reply::Done)
    }

    /// Deletes a PEN with its descendants and all that belongs to them.
    pub(crate) fn delete_pen(&mut self, pen: PenId, draft: &mut Draft) -> Result<Reply, Fault> {
        let state = &self.hosted(pen)?.state;
        if let Some(Parent { kin, .. }) = state.parent().cloned() {
            let child = Kin {
                pen,
                theirs: kin.mine,
                mine: kin.theirs,
            };
            let arrangement = Arrangement::DeletePen(child);
            if let Some(parent) = self.pens.get_mut(&kin.pen) {
                parent.state.arrange(&arrangement);
            }
            self.write_arrangement(kin.pen, &arrangement, draft);
        } else {
            self.depart(pen, draft);
        }
        Ok(Reply::Done)
    }

    /// Refuses PENs for which there is no room.
    pub(crate) fn check_pens(&self, more: usize) -> Result<(), Fault> {
        let pens_max = self.config.pens_max;
        let more = u64::try_from(more).unwrap_or(u64::MAX);
        if self.pens_hosted.saturating_add(more) <= pens_max {
            return Ok(());
        }
        let message = format!("the node hosts {pens_max} PENs, which is the most");
        Err(Fault::new(Whose::Caller, "pens-full", message).hint("delete one that is not needed"))
    }

    /// What came of an event, unless it makes PENs for which the node has no room: then it is given
    /// up as a whole.
    pub(crate) fn fitting(&self, done: Done) -> Done {
        let is_new = |arrangement| matches!(arrangement, &Arrangement::CreatePen(_));
        let arrangements = done.arrangements.iter();
        let new = arrangements.filter(|arranged| is_new(&arranged.arrangement));
        let new = new.count();
        match self.check_pens(new) {
            Err(fault) if new > 0 => done.given_up(fault),
            _ => done,
        }
    }

    /// Writes what the rules of an event have changed of their PEN.
    pub(crate) fn write_arrangements(&mut self, pen: PenId, done: &Done, draft: &mut Draft) {
        for arranged in &done.arrangements {
            self.write_arrangement(pen, &arranged.arrangement, draft);
        }
    }

    /// Writes what a PEN has changed of itself, and does what follows for the others.
    pub(crate) fn write_arrangement(
        &mut self,
        pen: PenId,
        arrangement: &Arrangement,
        draft: &mut Draft,
    ) {
        match arrangement {
            Arrangement::ChangeChannel { eci, .. } => self.write_channel(pen, *eci, draft),
            Arrangement::CreatePen(child) => self.host_child(pen, child, draft),
            Arrangement::DeleteChannel { eci } => self.forget_channel(pen, *eci, draft),
            Arrangement::DeletePen(child) => {
                draft.remove(Key::Child(pen, child.pen));
                self.forget_channel(pen, child.mine, draft);
                self.depart(child.pen, draft);
            }
            Arrangement::MakeChannel(channel) => {
                self.channels.insert(channel.eci, pen);
                self.write_channel(pen, channel.eci, draft);
            }
        }
    }

    fn write_channel(&self, pen: PenId, eci: Eci, draft: &mut Draft) {
        let hosted = self.pens.get(&pen);
        if let Some(channel) = hosted.and_then(|hosted| hosted.state.channel(&eci)) {
            draft.put(Key::Channel(pen, eci), Record::Channel(channel.clone()));
        }
    }

    /// Takes in a child that is new in its parent's state.
    fn host_child(&mut self, pen: PenId, child: &NewPen, draft: &mut Draft) {
        let Some(Hosted { state, .. }) = self.pens.get(&pen) else {
            return;
        };
        let kin = child.kin();
        let place = state.place_of(&kin).unwrap_or_default();
        let seed = state.seed().of_child(child.id);
        let mut ancestors = state.ancestors().to_vec();
        ancestors.push(pen);
        let parent = Parent {
            kin: Kin {
                pen,
                theirs: kin.mine,
                mine: kin.theirs,
            },
            ancestors,
        };
        self.channels.insert(kin.mine, pen);
        self.write_channel(pen, kin.mine, draft);
        draft.put(Key::Child(pen, kin.pen), Record::Child { place, kin });
        let mut hosted = Hosted::new(child.id, &child.name, seed.0, Some(parent));
        hosted.state.set_channel(child.below.clone());
        self.channels.insert(kin.theirs, kin.pen);
        let below = Record::Channel(child.below.clone());
        draft.put(Key::Channel(kin.pen, kin.theirs), below);
        self.host(hosted, draft);
        for rid in &child.rulesets {
            self.endow(pen, child.id, rid, draft);
        }
        self.share_rulesets(child.id);
    }

    /// Takes a new PEN in, and makes the channel for its owner.
    fn host(&mut self, mut hosted: Hosted, draft: &mut Draft) {
        let (pen, id) = (hosted.state.id(), ChannelId(self.random_bytes()));
        let eci = hosted.state.seed().eci(id);
        let channel = Channel::new(eci, id, vec![fixed(OWNER)], Policy::any());
        hosted.state.set_channel(channel.clone());
        self.channels.insert(eci, pen);
        draft.put(Key::Pen(pen), hosted.record());
        draft.put(Key::Channel(pen, eci), Record::Channel(channel));
        self.pens.insert(pen, hosted);
    }

    /// From here on nobody reaches the PEN and its descendants. The tombstone is durable before
    /// anything of them is erased, so that a start goes on with it.
    fn depart(&mut self, pen: PenId, draft: &mut Draft) {
        draft.put(Key::Tombstone(pen), Record::Tombstone { since: self.now });
        draft.remove(Key::Pen(pen));
        draft.after(After::Erase(pen));
        self.deleted.insert(pen);
        self.forget_family(pen, draft);
    }

    /// A start finds a tombstone: what is left is erased.
    pub(crate) fn bury(&mut self, pen: PenId, draft: &mut Draft) {
        if self.deleted.insert(pen) {
            draft.after(After::Erase(pen));
            self.forget_family(pen, draft);
        }
    }

    /// Whether a PEN, or one above it, is deleted.
    pub(crate) fn is_deleted(&self, pen: PenId, parent: Option<&Parent>) -> bool {
        let mut ancestors = parent.into_iter().flat_map(|parent| &parent.ancestors);
        self.deleted.contains(&pen) || ancestors.any(|above| self.deleted.contains(above))
    }

    /// Takes a PEN and those below it out of memory.
    fn forget_family(&mut self, pen: PenId, draft: &mut Draft) {
        let hosted = self.pens.get(&pen);
        let is_leaf = hosted.is_some_and(|hosted| hosted.state.children().len() == 0);
        let others = self.pens.values().filter(|_| !is_leaf);
        let below = others.filter(|hosted| hosted.state.ancestors().contains(&pen));
        let mut departing: Vec<PenId> = below.map(|hosted| hosted.state.id()).collect();
        departing.push(pen);
        for pen in departing {
            if self.pens.contains_key(&pen) {
                draft.remove(Key::Pen(pen));
            }
            self.forget_pen(pen, draft);
        }
    }

    /// Takes a PEN out of memory, and tells partners and those who wait that it is gone.
    fn forget_pen(&mut self, pen: PenId, draft: &mut Draft) {
        let Some(mut hosted) = self.discard(pen) else {
            return;
        };
        for command in hosted.take_waiting() {
            draft.reply(command, Err(pen_deleted(pen)));
        }
        for channel in hosted.state.channels() {
            self.meters.remove(&channel.eci);
            self.lose_letters(channel.eci, draft);
        }
        for invite in hosted.invites.keys() {
            self.invites.remove(invite);
            draft.order(Order::Withdraw(*invite));
        }
        for subscription in hosted.pairings.keys() {
            self.subscriptions.remove(subscription);
            draft.order(Order::DropPairing(*subscription));
            for command in self.take_pair_waits(*subscription) {
                draft.reply(command, Err(pen_deleted(pen)));
            }
        }
        for (subscription, relation) in &hosted.relations {
            self.subscriptions.remove(subscription);
            let (eci, grant) = (relation.granted.eci(), relation.granted.id());
            draft.order(Order::Revoke { eci, grant });
            if let Some(held) = relation.outgoing() {
                self.holdings.remove(&held);
                draft.order(Order::Release(held));
            }
        }
        self.turns.values_mut().for_each(|turns| turns.forget(pen));
        self.ready.remove(&pen);
    }

    /// All that there was of a PEN and its descendants is erased.
    pub(crate) fn handle_erased(&mut self, pen: PenId) {
        let mut draft = Draft::default();
        self.deleted.remove(&pen);
        draft.remove(Key::Tombstone(pen));
        self.commit(draft);
    }
}

impl Hosted {
    /// What is kept of the PEN itself.
    pub(crate) fn record(&self) -> Record {
        Record::Pen {
            name: self.state.name().to_owned(),
            seed: self.state.seed().0,
            parent: self.state.parent().cloned(),
        }
    }
}

/// A bound that the owner has come to, as it is told her.
pub(crate) fn refused(RuleError { code, message }: RuleError) -> Fault {
    Fault::new(Whose::Caller, code, message)
}

/// A channel of the family is for the one who stands at its other end, and for nobody else.
pub(crate) fn check_not_family(channel: &Channel) -> Result<(), Fault> {
    if channel.family.is_none() {
        return Ok(());
    }
    let message = format!(
        "the channel {} is for a parent or a child alone",
        channel.eci
    );
    Err(Fault::new(Whose::Caller, "channel-family", message)
        .hint("use another channel of the PEN; one of the family comes and goes with the child"))
}

fn pen_deleted(pen: PenId) -> Fault {
    let message = format!("the PEN {pen} was deleted meanwhile");
    Fault::new(Whose::Caller, "pen-deleted", message)
}
