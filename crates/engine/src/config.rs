//! Who the node is, and every bound of its engine.

use std::{collections::BTreeMap, sync::Arc};

use stratus_capability::Rate;
use stratus_event::Name;
use stratus_pen::Bounds;
use stratus_protocol::NodeId;

/// Who the node is, and every bound of its engine. What happens at a bound is said at each.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// This node.
    pub node: NodeId,
    /// The federation's own bounds.
    pub federation: stratus_protocol::Config,
    /// What one evaluation may use up.
    pub evaluation: Bounds,
    /// Accounts of the node. One more is refused with `accounts-full`.
    pub accounts_max: usize,
    /// How long an event waits for the answer to a question. Then the answer is the error
    /// `answer-late`.
    pub answer_wait_ms_max: u64,
    /// Commands of a PEN that wait for its running event. One more is refused with `queue-full`.
    pub commands_waiting_max: usize,
    /// Sessions of an account, and links, and tokens. One more session or link ends the oldest; one
    /// more token is refused with `tokens-full`.
    pub credentials_max: usize,
    /// How often an effect is tried. Then the event `system:effect_failed` says what its connector
    /// said last, or `effect-in-doubt` if nobody knows whether it was done.
    pub effect_attempts_max: u32,
    /// The longest wait before an effect is tried again.
    pub effect_retry_delay_ms_max: u64,
    /// The shortest wait before an effect is tried again; it doubles with each attempt.
    pub effect_retry_delay_ms_min: u64,
    /// How long to wait before a connector is asked whether an effect in doubt was done, so that
    /// a request that is still on its way can arrive.
    pub effect_settle_delay_ms: u64,
    /// Effects of a PEN without a final verdict. One more is answered with the event
    /// `system:effect_failed` and the code `effects-full`.
    pub effects_max: usize,
    /// Effects that one connector is given at a time. Others wait for their turn.
    pub effects_performing_max: usize,
    /// How often the evaluation of an event is begun again after a crash. Then its outcome is the
    /// failure `evaluation-gave-up`.
    pub evaluation_attempts_max: u32,
    /// An event's attributes, encoded. A larger event is refused with `event-oversize`.
    pub event_bytes_max: u32,
    /// The id that a sender gives an event. A longer one is refused with `external-id-oversize`.
    pub external_id_bytes_max: usize,
    /// How many failed effects that follow from each other are told to the PEN. The next one stands
    /// in the journal only, so that handlers of failures cannot go round for ever.
    pub failures_max: u32,
    /// How long a grant is in force that this node gives.
    pub grant_lifetime_days: u32,
    /// How fast a partner may send under a grant that this node gives.
    pub grant_rate: Rate,
    /// Symbols that an invite may offer, and that it may want. More are refused with
    /// `invite-oversize`.
    pub invite_events_max: usize,
    /// How many may use one invite. A larger number is refused with `invite-uses`.
    pub invite_uses_max: u32,
    /// Invites of a PEN that have not ended. One more is refused with `invites-full`.
    pub invites_max: usize,
    /// The texts of the rulesets that the node brings, by id. One of them is installed in a PEN
    /// together with a ruleset that uses it as a module, if the PEN has none of that id.
    pub library: BTreeMap<Name, Arc<str>>,
    /// How long to wait before something is read again that could not be.
    pub load_retry_delay_ms: u64,
    /// What is read of the store at a time. Others wait for their turn.
    pub loads_max: usize,
    /// Commands and messages of partners that wait for PENs to be read. One more command is refused
    /// with `queue-full`; a partner's event comes again.
    pub loads_waiting_max: usize,
    /// Names that people give to PENs, partners and roles. A longer one is refused with
    /// `name-oversize`.
    pub name_bytes_max: usize,
    /// Events for one partner that are not acknowledged. One more comes back as
    /// `event:send_failed` with the code `outbox-full`.
    pub outbox_events_max: usize,
    /// How long [`crate::Command::Pair`] may wait for the other side. A longer wait is cut to it.
    pub pair_wait_ms_max: u64,
    /// How long a PEN stays in memory that is not used.
    pub pens_idle_ms_max: u64,
    /// PENs in memory. When there are more, those leave it that were not used for the longest time,
    /// unless they are in the middle of something.
    pub pens_loaded_max: usize,
    /// PENs that are listed at a time.
    pub pens_listed_max: usize,
    /// PENs of the node. One more is refused with `pens-full`.
    pub pens_max: u64,
    /// The text of a program. A longer one is refused with `program-oversize`.
    pub program_bytes_max: usize,
    /// Compiled programs that no PEN in memory uses. The room for them is made as it is needed.
    pub programs_unused_max: usize,
    /// Queries that wait for each other. One more is refused with `query-depth-exhausted`.
    pub query_depth_max: usize,
    /// Steps of evaluation of a query, and of those that it leads to, that are done at once. What
    /// takes more is done by a worker, so that a long query keeps nobody waiting.
    pub query_fuel_at_once: u64,
    /// Queries that workers evaluate or are to evaluate. One more is refused with `queries-full`.
    pub queries_running_max: usize,
    /// Accepted events of a PEN without an outcome. One more is refused with `queue-full` if it
    /// comes by a door; a partner's waits at the partner's node until half of the room is free; a
    /// timer waits; what the engine itself tells the PEN is let in above the bound.
    pub queue_events_max: usize,
    /// Receipts that are remembered per PEN and connector. The oldest is forgotten first.
    pub receipts_max: usize,
    /// Refusals per grant that are remembered over a restart. The oldest is forgotten first.
    pub refusals_max: usize,
    /// Rulesets of a PEN. One more is refused with `rulesets-full`.
    pub rulesets_max: usize,
    /// External ids that are remembered per channel. The oldest is forgotten first.
    pub seen_ids_max: usize,
    /// Subscriptions of a PEN that have not ended, pending ones included. One more is refused with
    /// `subscriptions-full`.
    pub subscriptions_max: usize,
    /// Texts of a ruleset that are remembered, the present one included. The oldest is forgotten
    /// first.
    pub versions_max: usize,
    /// How long a timer waits that finds the queue of its PEN full.
    pub timer_retry_delay_ms: u64,
}

impl Config {
    /// The bounds that a node has if nobody says otherwise.
    pub fn new(node: NodeId) -> Self {
        Self {
            node,
            federation: stratus_protocol::Config::new(node),
            evaluation: Bounds::default(),
            accounts_max: 10_000,
            answer_wait_ms_max: 30_000,
            commands_waiting_max: 256,
            credentials_max: 32,
            effect_attempts_max: 12,
            effect_retry_delay_ms_max: 600_000,
            effect_retry_delay_ms_min: 1_000,
            effect_settle_delay_ms: 1_000,
            effects_max: 10_000,
            effects_performing_max: 16,
            evaluation_attempts_max: 3,
            event_bytes_max: 64 * 1024,
            external_id_bytes_max: 256,
            failures_max: 3,
            grant_lifetime_days: 365,
            grant_rate: Rate {
                burst: 1_000,
                per_minute: 6_000,
            },
            invite_events_max: 64,
            invite_uses_max: 10_000,
            invites_max: 1_000,
            library: BTreeMap::new(),
            load_retry_delay_ms: 5_000,
            loads_max: 32,
            loads_waiting_max: 4_096,
            name_bytes_max: 256,
            outbox_events_max: 10_000,
            pair_wait_ms_max: 120_000,
            pens_idle_ms_max: 600_000,
            pens_listed_max: 1_000,
            pens_loaded_max: 4_096,
            pens_max: 1_000_000,
            program_bytes_max: 1 << 20,
            programs_unused_max: 256,
            query_depth_max: 16,
            query_fuel_at_once: 10_000,
            queries_running_max: 1_024,
            queue_events_max: 1_024,
            receipts_max: 1_000,
            refusals_max: 64,
            rulesets_max: 1_000,
            seen_ids_max: 4_096,
            subscriptions_max: 10_000,
            timer_retry_delay_ms: 1_000,
            versions_max: 32,
        }
    }
}
