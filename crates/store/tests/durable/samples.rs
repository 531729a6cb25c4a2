//! A record of each sort, and more than one where they differ inside.

use stratus_capability::{GrantHash, GrantId, HolderKey, Rate};
use stratus_engine::{
    Accepted, Account, AskId, Credential, CredentialKind, Did, EffectId, Key, Outcome, OutcomeRun,
    OutcomeStand, Record, Residence, RunEnd, Scopes, Source, Standing, Subscription, Version,
};
use stratus_event::{Eci, Event, EventId, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_pen::{
    Allowed, Bearer, Channel, ChannelId, Cron, Kin, Parent, Permissions, Policy, Rule, Terms,
    language::{Directive, Effect, Question, QuestionId, Raise, Timer},
};
use stratus_protocol::{Invite, NodeId, Pairing, Redemption, SubscriptionId};

pub(crate) const PEN: PenId = PenId([1; 16]);
const CHILD: PenId = PenId([2; 16]);
const ECI: Eci = Eci([2; 32]);
const SUBSCRIPTION: SubscriptionId = SubscriptionId([3; 16]);
const GRANT: GrantId = GrantId([4; 16]);
const HASH: GrantHash = GrantHash([5; 32]);
const NODE: NodeId = NodeId([6; 32]);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn permissions() -> Permissions {
    Permissions {
        hosts: Allowed::Any,
        modules: ["one", "two"].into_iter().collect(),
        pens: true,
        ..Permissions::default()
    }
}

/// Keys that are not in the order of the alphabet, at every depth, and each sort of value.
fn map() -> Map {
    let inner = Map::from([("z", Value::Null), ("a", Value::number(-2.5))]);
    Map::from([
        ("who", Value::text("Zoë\n")),
        ("empty", Value::map(Map::new())),
        (
            "deep",
            Value::list([Value::map(inner), Value::list([]), true.into()]),
        ),
        ("", Value::number(9_007_199_254_740_992.0)),
        ("big", Value::number(1e300)),
    ])
}

pub(crate) fn event(id: u8) -> Event {
    Event {
        id: EventId([id; 16]),
        domain: name("schedule"),
        kind: name("inquiry"),
        attributes: map(),
        time: Timestamp(1_795_402_799_999),
        cause: (id > 0).then_some(EventId([0; 16])),
    }
}

fn fault() -> Fault {
    Fault::new(Whose::World, "text-refused", "the number is no telephone").hint("check it")
}

pub(crate) fn accepted(source: Source) -> Accepted {
    let channel = (source != Source::Engine).then_some(ECI);
    let for_ruleset = (source == Source::Owner).then(|| name("dispatcher"));
    Accepted {
        event: event(7),
        channel,
        source,
        for_ruleset,
        at: Timestamp(-1),
        seed: [8; 32],
    }
}

fn effects() -> [Effect; 2] {
    let send = Effect::Send {
        to: ECI,
        domain: name("a"),
        kind: name("b"),
        attributes: map(),
    };
    let (connector, action) = (name("twilio"), name("send_sms"));
    [
        Effect::Act {
            connector,
            action,
            arguments: map(),
        },
        send,
    ]
}

fn directive() -> Directive {
    Directive {
        name: "say".into(),
        options: map(),
        by: Some((name("dispatcher"), name("answer"))),
    }
}

pub(crate) fn run(end: RunEnd) -> OutcomeRun {
    let [act, send] = effects();
    OutcomeRun {
        event: event(3),
        rid: name("dispatcher"),
        rule: name("ask"),
        end,
        changes: vec![(name("dispatcher"), name("open"))],
        arranged: vec!["deleted a channel".into()],
        raised: vec![(event(4), None), (event(5), Some(name("dispatcher")))],
        saw: vec![("n".into(), Value::Null)],
        last: true,
        effects: vec![(0, act), (7, send)],
        log: vec![("info".into(), "asked".into())],
    }
}

fn stand(did: Did) -> OutcomeStand {
    OutcomeStand {
        event: EventId([3; 16]),
        rid: name("dispatcher"),
        rule: name("ask"),
        did,
        before: Value::Null,
        after: (did == Did::Moved).then_some(Value::Null),
        left_out: 1,
    }
}

fn verdict(ordinal: u32, end: Result<String, Fault>) -> (Key, Record) {
    let effect = EffectId {
        position: 0,
        ordinal,
    };
    let at = Timestamp(2);
    (Key::Verdict(PEN, effect), Record::Verdict { at, end })
}

/// What was installed, and what became of effects.
pub(crate) fn history() -> Vec<(Key, Record)> {
    let installed = |from, program| {
        let key = Key::Installed(PEN, from, name("dispatcher"));
        (key, Record::Installed { program })
    };
    vec![
        installed(0, Some([1; 32])),
        installed(1, None),
        verdict(0, Ok("SM1".into())),
        verdict(7, Err(fault())),
    ]
}

fn subscription(held: Option<Vec<u8>>) -> Subscription {
    Subscription {
        id: SUBSCRIPTION,
        invite: [1; 16],
        name: "Ann".into(),
        role_mine: "dispatcher".into(),
        role_theirs: String::new(),
        node: NODE,
        addresses: vec!["/ip4/127.0.0.1/tcp/7420".into()],
        rx: ECI,
        granted: vec![0, 255, 3],
        held,
        sequence_next: u64::MAX,
        ended: true,
    }
}

fn invite() -> Invite {
    Invite {
        id: [1; 16],
        secret: [2; 32],
        name: "Ann".into(),
        role_mine: "dispatcher".into(),
        role_theirs: "helper".into(),
        offered: vec![(name("schedule"), name("answer"))],
        wanted: vec![(name("schedule"), name("inquiry")), (name("a"), name("b"))],
        expires: Timestamp(i64::MAX),
        uses_max: 3,
        used: vec![Redemption {
            holder: HolderKey([1; 32]),
            subscription: SUBSCRIPTION,
        }],
        link: "stratus:abc".into(),
    }
}

fn pairing(confirming: Option<Vec<u8>>) -> Pairing {
    Pairing {
        subscription: SUBSCRIPTION,
        link: "stratus:abc".into(),
        name: "Ann".into(),
        node: NODE,
        addresses: vec![],
        rx: ECI,
        since: Timestamp(i64::MIN),
        confirming,
    }
}

fn credential() -> Credential {
    Credential {
        account: name("ann"),
        kind: CredentialKind::Session,
        label: "laptop".to_owned(),
        scopes: Scopes {
            event: true,
            manage: false,
            read: true,
        },
        made: Timestamp(1),
        expires: Timestamp(2),
    }
}

fn channel() -> Channel {
    let any = Rule {
        first: None,
        second: None,
    };
    let one = Rule {
        first: Some(name("schedule")),
        second: None,
    };
    let policy = Policy {
        events_allowed: vec![any, one.clone()],
        events_denied: vec![one],
        queries_allowed: vec![],
        queries_denied: vec![Rule {
            first: None,
            second: Some(name("x")),
        }],
    };
    Channel {
        eci: ECI,
        id: ChannelId([9; 16]),
        tags: vec![name("sms")],
        policy,
        generation: u32::MAX,
        open: false,
        bearer: Bearer::Nearby,
        family: Some(PenId([8; 16])),
        rate: Some(Rate {
            burst: 5,
            per_minute: 60,
        }),
    }
}

fn timer(for_ruleset: Option<Name>) -> Timer {
    let raise = Raise {
        domain: name("a"),
        kind: name("b"),
        attributes: map(),
        for_ruleset,
    };
    Timer {
        id: name("t1"),
        rid: name("dispatcher"),
        at: Timestamp(0),
        raise,
        repeat: None,
    }
}

fn question(answer: Option<Result<Value, Fault>>) -> Record {
    let id = QuestionId {
        iteration: 1,
        site: 2,
        ordinal: 3,
    };
    let (connector, action) = (name("http"), name("get"));
    Record::Question {
        event: EventId([1; 16]),
        rid: name("dispatcher"),
        rule: name("ask"),
        question: Question {
            id,
            connector,
            action,
            arguments: map(),
        },
        answer,
    }
}

fn effect(effect: Effect) -> Record {
    let wanted = Timestamp(5);
    Record::Effect {
        rid: name("dispatcher"),
        effect,
        wanted,
        attempts: 1,
        failures: 2,
    }
}

/// The state: what an image holds.
pub(crate) fn state() -> Vec<(Key, Record)> {
    [accounts(), own(), rulesets(), relations(), work()].concat()
}

/// Whom the node lets in.
fn accounts() -> Vec<(Key, Record)> {
    vec![
        (
            Key::Account(name("ann")),
            Record::Account(Account {
                pen: PEN,
                channel: ECI,
                password: Some("$argon2id$".to_owned()),
                made: Timestamp(1),
            }),
        ),
        (Key::Credential([2; 32]), Record::Credential(credential())),
    ]
}

fn kin(pen: PenId) -> Kin {
    Kin {
        pen,
        theirs: Eci([4; 32]),
        mine: Eci([5; 32]),
    }
}

/// What a PEN has of itself.
fn own() -> Vec<(Key, Record)> {
    vec![
        (
            Key::Pen(PEN),
            Record::Pen {
                name: "Ann's".into(),
                seed: [255; 32],
                parent: Some(Parent {
                    kin: kin(PenId([8; 16])),
                    ancestors: vec![PenId([8; 16])],
                }),
            },
        ),
        (
            Key::Child(PEN, CHILD),
            Record::Child {
                place: 7,
                kin: kin(CHILD),
            },
        ),
        (
            Key::Tombstone(PenId([3; 16])),
            Record::Tombstone {
                since: Timestamp(1),
            },
        ),
        (Key::Journal(PEN), Record::Journal { next: 3 }),
        (
            Key::Program([1; 32]),
            Record::Program {
                source: "ruleset x {\n}".into(),
            },
        ),
        (Key::Channel(PEN, ECI), Record::Channel(channel())),
        (
            Key::Standing(PEN),
            Record::Standing(Standing {
                epoch: 2,
                since: Timestamp(9),
                residence: Residence::Moved,
            }),
        ),
        (Key::Timer(PEN, name("t1")), Record::Timer(timer(None))),
        (
            Key::Timer(PEN, name("t3")),
            Record::Timer(Timer {
                id: name("t3"),
                repeat: Some(Cron::new("0 8 * * 1-5", Some("Europe/Vienna")).unwrap()),
                ..timer(None)
            }),
        ),
        (
            Key::Timer(PEN, name("t2")),
            Record::Timer(timer(Some(name("dispatcher")))),
        ),
    ]
}

/// What it has of its rulesets.
fn rulesets() -> Vec<(Key, Record)> {
    let rid = || name("dispatcher");
    vec![
        (
            Key::Ruleset(PEN, 0),
            Record::Ruleset {
                rid: rid(),
                program: [1; 32],
                terms: Terms {
                    configuration: map(),
                    from: Some("https://rulesets.example/x.krl".into()),
                    permissions: Some(permissions()),
                },
                versions: vec![Version {
                    program: [1; 32],
                    at: Timestamp(4),
                    from: None,
                }],
                trouble: Some(Fault::new(Whose::World, "fetch-refused", "it is gone")),
            },
        ),
        (
            Key::Ruleset(PEN, 1),
            Record::Ruleset {
                rid: name("other"),
                program: [1; 32],
                terms: Terms::default(),
                versions: Vec::new(),
                trouble: None,
            },
        ),
        (
            Key::Variable(PEN, rid(), name("a")),
            Record::Variable(Value::map(map())),
        ),
        (
            Key::Variable(PEN, rid(), name("b")),
            Record::Variable(Value::Null),
        ),
        (
            Key::VariableEntry(PEN, rid(), name("a"), vec!["in".to_owned()], 9),
            Record::VariableEntry {
                name: "n".to_owned(),
                value: Value::map(map()),
            },
        ),
        (
            Key::Automaton(PEN, rid(), name("ask")),
            Record::Automaton(Value::list([])),
        ),
        (
            Key::PartialMatch(PEN, rid(), name("ask"), 7),
            Record::PartialMatch(Value::list([Value::Null])),
        ),
    ]
}

/// What it has with others.
fn relations() -> Vec<(Key, Record)> {
    let window = vec![(3, "event-too-large".into()), (9, "policy-denied".into())];
    vec![
        (
            Key::Subscription(PEN, SUBSCRIPTION),
            Record::Subscription(subscription(None)),
        ),
        (
            Key::Subscription(PEN, SubscriptionId([4; 16])),
            Record::Subscription(subscription(Some(vec![]))),
        ),
        (Key::Invite(PEN, [1; 16]), Record::Invite(invite())),
        (
            Key::Pairing(PEN, SUBSCRIPTION),
            Record::Pairing(pairing(None)),
        ),
        (
            Key::Pairing(PEN, SubscriptionId([4; 16])),
            Record::Pairing(pairing(Some(vec![1, 2]))),
        ),
        (
            Key::Window(ECI, GRANT),
            Record::Window {
                through: 9,
                refused: window,
            },
        ),
    ]
}

/// What it still has to do.
fn work() -> Vec<(Key, Record)> {
    let id = |ordinal| EffectId {
        position: 1,
        ordinal,
    };
    let ask = |ordinal| AskId {
        position: 1,
        ordinal,
    };
    let [act, send] = effects();
    vec![
        (
            Key::Seen(PEN, ECI, "SM\0 1".into()),
            Record::Seen {
                position: 1,
                event: EventId([1; 16]),
                directives: vec![directive()],
            },
        ),
        (
            Key::Outbox(PEN, HASH, 1),
            Record::Outbox {
                event: event(0),
                since: Timestamp(1),
                effect: None,
            },
        ),
        (
            Key::Outbox(PEN, HASH, 2),
            Record::Outbox {
                event: event(0),
                since: Timestamp(1),
                effect: Some(id(1)),
            },
        ),
        (Key::Effect(PEN, id(0)), effect(act)),
        (Key::Effect(PEN, id(1)), effect(send)),
        (
            Key::Receipt(PEN, name("twilio"), id(2)),
            Record::Receipt("SM1".into()),
        ),
        (
            Key::Letter(PEN, 3),
            Record::Letter {
                to: ECI,
                event: event(6),
                effect: None,
                failures: 1,
            },
        ),
        (Key::Question(PEN, ask(0)), question(None)),
        (Key::Question(PEN, ask(1)), question(Some(Ok(Value::Null)))),
        (Key::Question(PEN, ask(2)), question(Some(Err(fault())))),
    ]
}

/// The journal.
pub(crate) fn journal() -> Vec<(Key, Record)> {
    let sources = [
        Source::Engine,
        Source::Owner,
        Source::Partner {
            grant: GRANT,
            sequence: 1,
        },
        Source::Bearer { external_id: None },
        Source::Service {
            service: name("twilio"),
            external_id: Some("SM1".into()),
        },
        Source::Timer { id: name("t1") },
        Source::Pen { pen: CHILD },
    ];
    let ends = [
        RunEnd::Failed(fault()),
        RunEnd::Fired,
        RunEnd::NotFired,
        RunEnd::NotSelected,
    ];
    let outcome = Outcome {
        at: Timestamp(1),
        runs: ends.into_iter().map(run).collect(),
        directives: vec![directive()],
        failed: Some(Fault {
            hint: None,
            ..fault()
        }),
        stands: [Did::Nothing, Did::Moved, Did::Fired].map(stand).into(),
        stands_left_out: 3,
    };
    let accepted = sources.into_iter().zip(0..).map(|(source, position)| {
        (
            Key::Accepted(PEN, position),
            Record::Accepted(accepted(source)),
        )
    });
    let outcomes = [
        (Key::Outcome(PEN, 0), Record::Outcome(outcome)),
        (Key::Outcome(PEN, 1), Record::Outcome(Outcome::default())),
    ];
    accepted.chain(outcomes).collect()
}
