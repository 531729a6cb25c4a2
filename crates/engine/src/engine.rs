//! Many PENs, the protocol, the outbox and the schedule behind one [`Input`] and one [`Output`].
//!
//! The engine is a state machine without socket, clock, file or thread. After every call of
//! [`Engine::handle`], **drain [`Engine::poll`] until it gives `None`**, and do what it says.

mod account;
mod ask;
mod channels;
mod command;
mod commit;
mod config;
mod delivery;
mod effect;
mod erase;
mod evaluate;
mod family;
mod federation;
mod hosted;
mod image;
mod input;
mod inquiry;
mod invite;
mod job;
pub mod journal;
mod loading;
mod local;
mod names;
mod outbox;
mod output;
mod pairing;
mod pens;
mod permit;
mod raise;
mod record;
mod relation;
mod restore;
mod rulesets;
mod schedule;
mod seen;
mod sleep;
mod subscription;
mod timer;
mod why;

pub use account::{
    Account, AccountCommand, AccountListing, Credential, CredentialKind, Identity, Scopes, Shown,
};
pub use command::{
    ChannelChange, ChannelWish, Command, CommandId, Door, InviteListing, Listing, PenListing,
    Reply, RulesetListing, SubscriptionListing, Updated, Wait,
};
pub use config::Config;
pub use erase::erase;
pub use image::{Image, Start, Subject};
pub use input::{Input, Verdict};
pub use job::{Finished, Job};
pub use output::{Ask, Output, Perform};
pub use record::{
    Accepted, AskId, Batch, EffectId, Key, Outcome, OutcomeRun, OutcomeStand, Position, Record,
    Residence, STANDS_BYTES_MAX, Source, Standing, Subscription, Version,
};
pub use stratus_pen::RunEnd;
pub use stratus_salience::Did;
pub use why::{Because, Found};
// An adapter speaks of these without knowing the protocol.
pub use stratus_protocol::{NodeId, SubscriptionId};

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    fmt,
    sync::Arc,
};

use rand_chacha::{
    ChaCha20Rng,
    rand_core::{Rng, SeedableRng},
};
use stratus_capability::{GrantHash, Meter};
use stratus_event::{Eci, Fault, Name, PenId, Timestamp};
use stratus_pen::{
    Common,
    language::{Language, Program},
};
use stratus_protocol::Federation;
use stratus_salience::Patterns;

use account::Accounts;
use channels::check_tags;
use commit::{Draft, Ledger};
use effect::Turns;
use hosted::Hosted;
use inquiry::Inquiry;
use loading::Loading;
use local::Awaited;
use pairing::PairWait;
use raise::Wish;
use schedule::Schedule;
use sleep::Awake;

/// One node's PENs and their part in the federation.
///
/// The state in memory runs ahead of the disk: an event may start before the one before it is
/// durable. Whatever the world hears, though, waits for [`Input::Committed`] of the batch that it
/// rests on. After [`Input::CommitFailed`] the engine answers every waiting and every further
/// command with `store-failed` and says nothing else; the node drops it, reopens the store and
/// builds a new one with [`Engine::restore`] from what is durable. To the new engine no stream is
/// open and nothing runs: the node closes the streams and forgets the jobs of the old one.
pub struct Engine {
    config: Config,
    language: Arc<dyn Language>,
    random: ChaCha20Rng,
    /// The time that the world told last.
    now: Timestamp,
    accounts: Accounts,
    /// The disk has no room for further events.
    disk_short: bool,
    /// Those that are in memory.
    pens: BTreeMap<PenId, Hosted>,
    /// How many there are, in memory or not. Batches tell: see [`Engine::note_written`].
    pens_hosted: u64,
    /// PENs that are deleted, with all below them, until they are erased.
    deleted: BTreeSet<PenId>,
    /// PENs that are gone, until that is durable.
    departed: BTreeMap<PenId, Position>,
    awake: Awake,
    loading: Loading,
    /// Programs by the hash of their text.
    programs: BTreeMap<[u8; 32], Arc<dyn Program>>,
    /// The patterns of all of them.
    patterns: Patterns,
    common: Common,
    /// Whose channel it is, if that PEN is in memory.
    channels: BTreeMap<Eci, PenId>,
    /// Whose invite it is.
    invites: BTreeMap<[u8; 16], PenId>,
    /// Whose subscription it is, pending ones included.
    subscriptions: BTreeMap<SubscriptionId, PenId>,
    /// Under which subscription a grant is held that is sent under.
    holdings: BTreeMap<GrantHash, (PenId, SubscriptionId)>,
    pairing_waits: Vec<PairWait>,
    /// Who has events for a PEN of this node that wait until that has room.
    awaited: Awaited,
    /// Whose turn it is at each connector.
    turns: BTreeMap<Name, Turns>,
    /// How much came in by doors of late, by channels that have a rate.
    meters: BTreeMap<Eci, Meter>,
    /// Questions to rulesets that workers evaluate, by number.
    inquiries: BTreeMap<u64, Inquiry>,
    inquiries_next: u64,
    federation: Federation,
    addresses: Vec<String>,
    connected: BTreeSet<NodeId>,
    schedule: Schedule,
    ledger: Ledger,
    /// PENs that may have something to begin.
    ready: BTreeSet<PenId>,
    outputs: VecDeque<Output>,
}

impl Engine {
    /// A node without PENs. All ids, keys and seeds come of the seed, which must be random and a
    /// new one for each start.
    pub fn new(config: Config, language: Arc<dyn Language>, seed: [u8; 32]) -> Self {
        let mut random = ChaCha20Rng::from_seed(seed);
        let mut federation_seed = [0; 32];
        random.fill_bytes(&mut federation_seed);
        Self {
            federation: Federation::new(config.federation.clone(), federation_seed),
            config,
            language,
            random,
            now: Timestamp::default(),
            accounts: Accounts::default(),
            disk_short: false,
            pens: BTreeMap::new(),
            pens_hosted: 0,
            deleted: BTreeSet::new(),
            departed: BTreeMap::new(),
            awake: Awake::default(),
            loading: Loading::default(),
            programs: BTreeMap::new(),
            patterns: Patterns::default(),
            common: Common::default(),
            channels: BTreeMap::new(),
            invites: BTreeMap::new(),
            subscriptions: BTreeMap::new(),
            holdings: BTreeMap::new(),
            pairing_waits: Vec::new(),
            awaited: Awaited::default(),
            turns: BTreeMap::new(),
            meters: BTreeMap::new(),
            inquiries: BTreeMap::new(),
            inquiries_next: 0,
            addresses: Vec::new(),
            connected: BTreeSet::new(),
            schedule: Schedule::default(),
            ledger: Ledger::default(),
            ready: BTreeSet::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Takes in what happened in the world.
    pub fn handle(&mut self, now: Timestamp, input: Input) {
        self.now = now;
        if let Some(fault) = self.ledger.failure() {
            if let Input::Command { id, .. } = input {
                self.say(id, Err(fault));
            }
            return;
        }
        self.dispatch(input);
        self.settle();
    }

    /// What there is to do; none if all is said.
    pub fn poll(&mut self) -> Option<Output> {
        self.outputs.pop_front()
    }

    /// Goes on until nothing moves any more without the world.
    fn settle(&mut self) {
        // After a failed commit nothing moves.
        if self.ledger.failure().is_some() {
            return;
        }
        self.fire_due();
        loop {
            let started = self.start_ready();
            let released = self.release();
            let heard = self.drain_federation();
            if !(started || released || heard) {
                break;
            }
        }
        self.let_sleep();
        self.ask_wake();
    }

    /// Does what the input wants, once the PEN is in memory that it is about.
    fn dispatch(&mut self, input: Input) {
        if let Some(input) = self.hold_input(input) {
            self.dispatch_present(input);
        }
    }

    fn dispatch_present(&mut self, input: Input) {
        let now = self.now;
        match input {
            Input::Answered {
                pen,
                question,
                answer,
            } => {
                self.handle_answered(pen, question, answer);
            }
            Input::Command { id, command } => self.handle_command(id, command),
            Input::CommitFailed { reason, .. } => self.handle_commit_failed(&reason),
            Input::Committed { through } => self.handle_committed(through),
            Input::Connected { peer } => {
                self.connected.insert(peer);
                self.federation.handle_connected(now, peer);
            }
            Input::DialFailed { peer, .. } => self.federation.handle_dial_failed(now, peer),
            Input::Disconnected { peer } => {
                self.connected.remove(&peer);
                self.federation.handle_disconnected(now, peer);
            }
            Input::DiskSpace { enough } => self.handle_disk_space(enough),
            Input::Erased { pen } => self.handle_erased(pen),
            Input::Finished(finished) => self.handle_finished(*finished),
            Input::Listening { addresses } => {
                self.addresses.clone_from(&addresses);
                self.federation.handle_addresses(addresses);
            }
            Input::Loaded { subject, image } => self.handle_loaded(&subject, image),
            Input::Performed {
                pen,
                effect,
                verdict,
            } => {
                self.handle_performed(pen, effect, verdict);
            }
            Input::Received { peer, bytes } => {
                self.federation.handle_received(now, peer, &bytes);
            }
            Input::Wake => self.schedule.woken(),
        }
    }

    fn handle_command(&mut self, id: CommandId, command: Command) {
        match command {
            Command::Account(command) => self.handle_account_command(id, command),
            Command::CreatePen { .. } | Command::DeletePen { .. } | Command::RenamePen { .. } => {
                self.handle_family_command(id, command);
            }
            Command::Install { pen, .. }
            | Command::Uninstall { pen, .. }
            | Command::Update { pen, .. } => {
                self.change_rulesets(id, pen, command);
            }
            Command::Invite { .. }
            | Command::Pair { .. }
            | Command::Unsubscribe { .. }
            | Command::Withdraw { .. } => self.handle_partner_command(id, command),
            Command::List { pen } => self.reply(id, self.list(pen)),
            Command::ChangeChannel { pen, eci, change } => self.change(id, |engine, draft| {
                let channel = engine.change_channel(pen, eci, *change, draft)?;
                Ok(Reply::Channel(channel))
            }),
            Command::DeleteChannel { pen, eci } => self.change(id, |engine, draft| {
                engine.delete_channel(pen, eci, draft)?;
                Ok(Reply::Done)
            }),
            Command::MakeChannel { pen, wish } => self.change(id, |engine, draft| {
                check_tags(&wish.tags)?;
                engine.make_channel(pen, wish, draft).map(Reply::Channel)
            }),
            Command::Query { .. } | Command::QueryBy { .. } => self.handle_query(id, command),
            Command::Raise {
                channel,
                door,
                domain,
                kind,
                attributes,
                external_id,
                wait,
            } => {
                let wish = Wish {
                    channel,
                    door,
                    domain,
                    kind,
                    attributes,
                    external_id,
                    wait,
                };
                self.raise(id, wish);
            }
            // It needs a page of PENs and has been answered with it.
            Command::Status => {}
        }
    }

    fn handle_family_command(&mut self, id: CommandId, command: Command) {
        self.change(id, |engine, draft| match command {
            Command::CreatePen { name, parent } => engine.create_pen(&name, parent, draft),
            Command::DeletePen { pen } => engine.delete_pen(pen, draft),
            Command::RenamePen { pen, name } => engine.rename_pen(pen, &name, draft),
            _ => Ok(Reply::Done),
        });
    }

    /// Does a command on a batch of its own; one that fails changes nothing.
    fn change(
        &mut self,
        id: CommandId,
        change: impl FnOnce(&mut Self, &mut Draft) -> Result<Reply, Fault>,
    ) {
        let mut draft = Draft::default();
        let reply = change(self, &mut draft);
        draft.reply(id, reply);
        self.commit(draft);
    }

    fn random_bytes<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        self.random.fill_bytes(&mut bytes);
        bytes
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("node", &self.config.node)
            .field("pens", &self.pens.len())
            .field("ledger", &self.ledger)
            .finish_non_exhaustive()
    }
}
