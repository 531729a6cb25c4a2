//! Channels from their making to their end.

use stratus_capability::Rate;
use stratus_event::{Eci, Fault, Name, PenId, Whose};
use stratus_pen::{Bearer, Channel, ChannelId, Policy};
use stratus_protocol::SubscriptionId;

use crate::{
    ChannelChange, ChannelWish, Engine, Key, Record, commit::Draft, family::refused,
    hosted::Hosted, names::OWNER,
};

impl ChannelWish {
    /// A channel for whose use an ECI is not enough, without a limit of its own.
    pub(crate) fn closed(tags: Vec<Name>, policy: Policy) -> Self {
        Self {
            tags,
            policy,
            bearer: Bearer::Nobody,
            rate: None,
        }
    }
}

impl ChannelChange {
    /// The channel as it is afterwards.
    fn apply(self, channel: Channel) -> Channel {
        Channel {
            tags: self.tags.unwrap_or(channel.tags),
            policy: Policy {
                events_allowed: self.events_allowed.unwrap_or(channel.policy.events_allowed),
                events_denied: self.events_denied.unwrap_or(channel.policy.events_denied),
                queries_allowed: self
                    .queries_allowed
                    .unwrap_or(channel.policy.queries_allowed),
                queries_denied: self.queries_denied.unwrap_or(channel.policy.queries_denied),
            },
            bearer: self.bearer.unwrap_or(channel.bearer),
            rate: self.rate.unwrap_or(channel.rate),
            open: self.open.unwrap_or(channel.open),
            ..channel
        }
    }
}

impl Engine {
    /// Makes a channel with a key of its own.
    pub(crate) fn make_channel(
        &mut self,
        pen: PenId,
        wish: ChannelWish,
        draft: &mut Draft,
    ) -> Result<Channel, Fault> {
        let bounds = self.config.evaluation;
        let id = ChannelId(self.random_bytes());
        let hosted = self.hosted_mut(pen)?;
        let channels = hosted.state.channels_count() + 1;
        bounds.check_channels(channels).map_err(refused)?;
        let eci = hosted.state.seed().eci(id);
        let channel = Channel {
            bearer: wish.bearer,
            rate: wish.rate,
            ..Channel::new(eci, id, wish.tags, wish.policy)
        };
        hosted.put_channel(channel.clone(), draft);
        self.channels.insert(eci, pen);
        Ok(channel)
    }

    /// Changes what there is to change of a channel. The tags by which the engine knows its own
    /// stay.
    pub(crate) fn change_channel(
        &mut self,
        pen: PenId,
        eci: Eci,
        mut change: ChannelChange,
        draft: &mut Draft,
    ) -> Result<Channel, Fault> {
        let channel = self.channel_of(pen, &eci)?.clone();
        check_family(&channel)?;
        if let Some(tags) = &mut change.tags {
            let kept = channel
                .tags
                .iter()
                .filter(|tag| Channel::reserves(tag))
                .cloned();
            tags.retain(|tag| !channel.tags.contains(tag) || !Channel::reserves(tag));
            check_tags(tags)?;
            tags.splice(0..0, kept);
        }
        if change.rate.is_some() {
            self.meters.remove(&eci);
        }
        let channel = change.apply(channel);
        self.hosted_mut(pen)?.put_channel(channel.clone(), draft);
        Ok(channel)
    }

    /// Deletes a channel with all that is known of what came in by it. One that a subscription
    /// needs goes with the subscription, by the owner's word for that: its partner has to be told,
    /// and what waits for the partner given back.
    pub(crate) fn delete_channel(
        &mut self,
        pen: PenId,
        eci: Eci,
        draft: &mut Draft,
    ) -> Result<(), Fault> {
        let channel = self.channel_of(pen, &eci)?;
        check_family(channel)?;
        if channel.tags.iter().any(|tag| *tag == OWNER) {
            let message = format!("the channel {eci} is the owner's own");
            return Err(Fault::new(Whose::Caller, "channel-reserved", message)
                .hint("shut it if nothing is to come in by it"));
        }
        if let Some(subscription) = self.hosted(pen)?.subscription_on(&eci) {
            let message = format!("the subscription {subscription} uses the channel {eci}");
            return Err(
                Fault::new(Whose::Caller, "channel-in-use", message).hint(format!(
                    "end it first: `stratus unsubscribe {subscription}`"
                )),
            );
        }
        // What is written of its events is written before it is removed.
        self.hosted_mut(pen)?.flush(pen, draft);
        self.forget_channel(pen, eci, draft);
        Ok(())
    }

    /// Takes out a channel of which no partner may know any more.
    pub(crate) fn forget_channel(&mut self, pen: PenId, eci: Eci, draft: &mut Draft) {
        self.channels.remove(&eci);
        self.meters.remove(&eci);
        self.lose_letters(eci, draft);
        draft.remove(Key::Channel(pen, eci));
        let Some(hosted) = self.pens.get_mut(&pen) else {
            return;
        };
        hosted.state.remove_channel(&eci);
        hosted.stalled.retain(|(channel, _)| *channel != eci);
        let windows = hosted.windows.keys().filter(|(channel, _)| *channel == eci);
        for window in windows.copied().collect::<Vec<_>>() {
            hosted.windows.remove(&window);
            draft.remove(Key::Window(window.0, window.1));
        }
        let seen = hosted.seen.remove(&eci).unwrap_or_default();
        for id in seen.ids() {
            draft.remove(Key::Seen(pen, eci, id.to_owned()));
        }
    }

    /// Counts an event that is about to be taken by a door against the channel's rate:
    /// `rate-exceeded`. The count is kept in memory only: after a restart the burst is there again.
    pub(crate) fn check_rate(&mut self, pen: PenId, eci: &Eci) -> Result<(), Fault> {
        let Some(rate) = self.channel_of(pen, eci)?.rate else {
            return Ok(());
        };
        let meter = self.meters.entry(*eci).or_default();
        meter
            .take(rate, self.now)
            .map_err(|wait_ms| rate_exceeded(eci, rate, wait_ms))
    }

    /// A channel of that PEN.
    fn channel_of(&self, pen: PenId, eci: &Eci) -> Result<&Channel, Fault> {
        self.hosted(pen)?.state.channel(eci).ok_or_else(|| {
            let message = format!("the PEN has no channel {eci}");
            Fault::new(Whose::Caller, "channel-unknown", message).hint("list the PEN's channels")
        })
    }
}

impl Hosted {
    /// Puts a channel in, or in place of what it was.
    pub(crate) fn put_channel(&mut self, channel: Channel, draft: &mut Draft) {
        let key = Key::Channel(self.state.id(), channel.eci);
        draft.put(key, Record::Channel(channel.clone()));
        self.state.set_channel(channel);
    }

    /// The subscription that needs that channel: one that has not ended, or is being made.
    fn subscription_on(&self, eci: &Eci) -> Option<SubscriptionId> {
        let mut living = self.relations.values().map(|relation| &relation.record);
        let living = living.find(|record| !record.ended && record.rx == *eci);
        let mut begun = self.pairings.values();
        living
            .map(|record| record.id)
            .or_else(|| Some(begun.find(|pairing| pairing.rx == *eci)?.subscription))
    }
}

/// Refuses tags by which the engine knows its own channels: `tag-reserved`.
pub(crate) fn check_tags(tags: &[Name]) -> Result<(), Fault> {
    let Some(tag) = tags.iter().find(|tag| Channel::reserves(tag)) else {
        return Ok(());
    };
    let message = format!("the tag {tag} is for channels that the node makes itself");
    Err(Fault::new(Whose::Caller, "tag-reserved", message).hint("choose another word"))
}

/// A channel of the family comes and goes with the child.
fn check_family(channel: &Channel) -> Result<(), Fault> {
    if channel.family.is_none() {
        return Ok(());
    }
    let message = format!("the channel {} is for the PEN's family", channel.eci);
    Err(Fault::new(Whose::Caller, "channel-reserved", message)
        .hint("it goes with the child that uses it"))
}

fn rate_exceeded(eci: &Eci, rate: Rate, wait_ms: u64) -> Fault {
    let message = format!(
        "the channel {eci} lets in {} events a minute, {} at once",
        rate.per_minute, rate.burst
    );
    Fault::new(Whose::Caller, "rate-exceeded", message)
        .hint("send slower, or set another rate with `stratus channel edit`")
        .retry_after_ms(wait_ms)
}
