//! The on-call dispatch: classes, teaching assistants, students, and their phones.
//!
//! The rulesets are those of the demonstration, unchanged. People are played here: students text
//! a class, assistants who are on call text back after a while or never do.

use std::time::Duration;

use stratus_engine::{ChannelWish, Command, CommandId, Door, Reply, Wait};
use stratus_event::{Eci, Fault, Map, Name, PenId, Timestamp, Value, Whose};
use stratus_pen::{Policy, Rule};

use crate::{Faults, NodeIndex, Notice, Text, World, random::Random};

const CALENDAR: &str = include_str!("../../node/rulesets/calendar.krl");
const DISPATCHER: &str = include_str!("../../node/rulesets/dispatcher.krl");
const NOTIFY: &str = include_str!("../../node/rulesets/notify.krl");
const ON_CALL: &str = include_str!("../../node/rulesets/on-call.krl");

/// How long a class waits for an answer.
pub const PATIENCE_S: u64 = 900;
/// After this time without an answer a service sends its request again, with the same id.
const RESEND_MS: u64 = 5_000;
/// Assistants who answer do so within this time.
const ANSWER_MS_MAX: u64 = 240_000;
/// After the faults have stopped, everything heals within this time.
pub const HEAL_S: u64 = 1_800;

/// How large a run is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Nodes in all; a tenth of them are classes, the others assistants.
    pub nodes: usize,
    /// Students' texts in all.
    pub inquiries: usize,
    /// The time over which they come.
    pub minutes: u64,
}

/// What people did and how it was meant, for the checker.
#[derive(Debug, Default)]
pub struct Story {
    /// All classes.
    pub classes: Vec<Class>,
    /// All assistants.
    pub assistants: Vec<Assistant>,
    /// All students' texts.
    pub inquiries: Vec<Inquiry>,
    sendings: Vec<Sending>,
    plans: Vec<Plan>,
}

/// A class and the node of its PEN.
#[derive(Debug)]
pub struct Class {
    node: NodeIndex,
    pen: PenId,
    phone: Eci,
    /// The assistants who are subscribed, by number.
    pub assistants: Vec<usize>,
}

/// A teaching assistant.
#[derive(Debug)]
pub struct Assistant {
    node: NodeIndex,
    phone: Eci,
    /// What classes call her.
    pub name: String,
    /// Her phone's number.
    pub number: String,
    /// Whether her calendar says that she is on call, all the time.
    pub on_call: bool,
    /// Whether she answers when she is asked.
    pub answers: bool,
}

/// A student's text.
#[derive(Debug)]
pub struct Inquiry {
    /// Which class was asked.
    pub class: usize,
    /// The student's number, which no other student has.
    pub student: String,
    /// What was asked; no other inquiry says the same.
    pub message: String,
}

/// A text on its way from a person to a node, sent again until the node says that it has it.
#[derive(Debug)]
struct Sending {
    node: NodeIndex,
    channel: Eci,
    attributes: Map,
    sid: String,
    asked: Option<CommandId>,
    done: bool,
}

/// What an alarm is for.
#[derive(Clone, Copy, Debug)]
enum Plan {
    Inquire(usize),
    Send(usize),
}

/// Builds the world and plays the story to its end.
pub fn play(seed: u64, size: Size, faults: Faults) -> Result<(World, Story), Fault> {
    play_in(World::new(seed), seed, size, faults)
}

/// The same in a world that has been prepared.
pub fn play_in(
    mut world: World,
    seed: u64,
    size: Size,
    faults: Faults,
) -> Result<(World, Story), Fault> {
    let mut random = Random::new(seed, "on-call");
    let mut story = Story::settle(&mut world, &mut random, size)?;
    story.plan_inquiries(&mut world, &mut random, size);
    world.set_faults(faults);
    let end = world.now() + Duration::from_secs(size.minutes * 60 + PATIENCE_S + 60);
    story.run(&mut world, &mut random, end);
    world.set_faults(Faults::NONE);
    let healed = world.now() + Duration::from_secs(HEAL_S);
    story.run(&mut world, &mut random, healed);
    Ok((world, story))
}

impl Story {
    fn settle(world: &mut World, random: &mut Random, size: Size) -> Result<Self, Fault> {
        let mut story = Self::default();
        for _ in 0..(size.nodes / 10).max(1) {
            let class = settle_class(world)?;
            story.classes.push(class);
        }
        for number in 0..size.nodes.saturating_sub(story.classes.len()) {
            let assistant = settle_assistant(world, random, number)?;
            story.assistants.push(assistant);
            let class = number % story.classes.len();
            story.subscribe(world, number, class)?;
        }
        Ok(story)
    }

    /// Pairs an assistant with a class by an invite, as two people would.
    fn subscribe(
        &mut self,
        world: &mut World,
        assistant: usize,
        class: usize,
    ) -> Result<(), Fault> {
        let (class, ta) = (&mut self.classes[class], &self.assistants[assistant]);
        let expires = world.now() + Duration::from_hours(24);
        let invite = Command::Invite {
            pen: class.pen,
            name: ta.name.clone(),
            role_mine: "class".to_owned(),
            role_theirs: "ta".to_owned(),
            offered: vec![(name("schedule")?, name("response")?)],
            wanted: vec![
                (name("schedule")?, name("inquiry")?),
                (name("schedule")?, name("taken")?),
            ],
            expires,
            uses_max: 1,
        };
        let Reply::Invite { link, .. } = world.ask(class.node, invite)? else {
            return Err(unexpected("an invite"));
        };
        let pen = pen_of(world, ta.node)?;
        let name = Some("the class".to_owned());
        let pair = Command::Pair {
            pen,
            link,
            name,
            wait_ms: 30_000,
        };
        let Reply::Paired { .. } = world.ask(ta.node, pair)? else {
            return Err(unexpected("a pairing"));
        };
        class.assistants.push(assistant);
        Ok(())
    }

    fn plan_inquiries(&mut self, world: &mut World, random: &mut Random, size: Size) {
        for number in 0..size.inquiries {
            let class = usize_of(random.between(0, self.classes.len() as u64 - 1));
            let student = format!("+1801{number:07}");
            let message = format!("question {number}");
            self.inquiries.push(Inquiry {
                class,
                student,
                message,
            });
            let at = random.between(1, size.minutes * 60_000);
            self.plan(world, Duration::from_millis(at), Plan::Inquire(number));
        }
    }

    fn plan(&mut self, world: &mut World, after: Duration, plan: Plan) {
        self.plans.push(plan);
        world.set_alarm(world.now() + after, self.plans.len() as u64 - 1);
    }

    fn run(&mut self, world: &mut World, random: &mut Random, end: Timestamp) {
        while let Some(notices) = world.step(end) {
            for notice in notices {
                self.handle(world, random, notice);
            }
        }
    }

    fn handle(&mut self, world: &mut World, random: &mut Random, notice: Notice) {
        match notice {
            Notice::Alarm(alarm) => match self.plans[usize_of(alarm)] {
                Plan::Inquire(number) => self.inquire(world, number),
                Plan::Send(number) => self.send(world, number),
            },
            Notice::Replied { id, reply } => self.replied(id, &reply),
            Notice::Text(text) => self.read(world, random, &text),
        }
    }

    fn inquire(&mut self, world: &mut World, number: usize) {
        let inquiry = &self.inquiries[number];
        let class = &self.classes[inquiry.class];
        let attributes = incoming(&inquiry.student, "+15550000", &inquiry.message);
        self.sendings.push(Sending {
            node: class.node,
            channel: class.phone,
            attributes,
            sid: format!("in-{number}"),
            asked: None,
            done: false,
        });
        self.send(world, self.sendings.len() - 1);
    }

    /// An assistant reads a text. If it asks her for a reply, and she is one who answers, she does.
    fn read(&mut self, world: &mut World, random: &mut Random, text: &Text) {
        let Some(ta) = self
            .assistants
            .iter()
            .find(|ta| ta.number == text.to && ta.answers)
        else {
            return;
        };
        let Some(code) = code_to_reply(&text.body) else {
            return;
        };
        self.sendings.push(Sending {
            node: ta.node,
            channel: ta.phone,
            attributes: incoming(&ta.number, "+15551111", code),
            sid: format!("reply-{}", text.sid),
            asked: None,
            done: false,
        });
        let after = Duration::from_millis(random.between(1_000, ANSWER_MS_MAX));
        self.plan(world, after, Plan::Send(self.sendings.len() - 1));
    }

    fn send(&mut self, world: &mut World, number: usize) {
        let sending = &mut self.sendings[number];
        if sending.done {
            return;
        }
        let raise = Command::Raise {
            channel: sending.channel,
            door: Door::Service(known("twilio")),
            domain: known("twilio"),
            kind: known("sms"),
            attributes: sending.attributes.clone(),
            external_id: Some(sending.sid.clone()),
            wait: Wait::Accepted,
        };
        sending.asked = Some(world.command(sending.node, raise));
        self.plan(world, Duration::from_millis(RESEND_MS), Plan::Send(number));
    }

    fn replied(&mut self, id: CommandId, reply: &Result<Reply, Fault>) {
        let sending = self
            .sendings
            .iter_mut()
            .rev()
            .find(|sending| sending.asked == Some(id));
        if let (Some(sending), Ok(_)) = (sending, reply) {
            sending.done = true;
        }
    }
}

fn settle_class(world: &mut World) -> Result<Class, Fault> {
    let node = world.add_node();
    let pen = create(world, node, "class", &[DISPATCHER])?;
    let phone = open_phone(world, node, pen)?;
    let patience = Map::from([("patience_s", PATIENCE_S.to_string())]);
    raise(world, node, pen, ("dispatcher", "configured"), patience)?;
    Ok(Class {
        node,
        pen,
        phone,
        assistants: Vec::new(),
    })
}

fn settle_assistant(
    world: &mut World,
    random: &mut Random,
    number: usize,
) -> Result<Assistant, Fault> {
    let node = world.add_node();
    let pen = create(world, node, "assistant", &[CALENDAR, ON_CALL, NOTIFY])?;
    let phone = open_phone(world, node, pen)?;
    let on_call = random.chance(300_000);
    let answers = random.chance(700_000);
    let own_number = format!("+1385{number:07}");
    let profile = Map::from([("phone", own_number.as_str())]);
    raise(world, node, pen, ("profile", "updated"), profile)?;
    let entries = if on_call {
        vec![on_call_entry()]
    } else {
        Vec::new()
    };
    let calendar = Map::from([("events", Value::list(entries))]);
    raise(world, node, pen, ("calendar", "loaded"), calendar)?;
    let name = format!("Assistant {number}");
    Ok(Assistant {
        node,
        phone,
        name,
        number: own_number,
        on_call,
        answers,
    })
}

fn create(
    world: &mut World,
    node: NodeIndex,
    kind: &str,
    rulesets: &[&str],
) -> Result<PenId, Fault> {
    let create = Command::CreatePen {
        name: kind.to_owned(),
        parent: None,
    };
    let Reply::Pen(pen) = world.ask(node, create)? else {
        return Err(unexpected("a PEN"));
    };
    for source in rulesets {
        world.ask(
            node,
            Command::Install {
                from: None,
                configuration: None,
                permissions: None,
                pen,
                source: (*source).to_owned(),
            },
        )?;
    }
    Ok(pen)
}

/// Opens the channel by which the telephone service brings texts.
fn open_phone(world: &mut World, node: NodeIndex, pen: PenId) -> Result<Eci, Fault> {
    let texts = Rule {
        first: Some(name("twilio")?),
        second: Some(name("sms")?),
    };
    let policy = Policy {
        events_allowed: vec![texts],
        ..Policy::default()
    };
    let make = Command::MakeChannel {
        pen,
        wish: ChannelWish {
            tags: vec![name("phone")?],
            policy,
            ..ChannelWish::default()
        },
    };
    match world.ask(node, make)? {
        Reply::Channel(channel) => Ok(channel.eci),
        _ => Err(unexpected("a channel")),
    }
}

/// Raises an event by the owner's own channel.
fn raise(
    world: &mut World,
    node: NodeIndex,
    pen: PenId,
    (domain, kind): (&str, &str),
    attributes: Map,
) -> Result<(), Fault> {
    let Reply::Listing(listing) = world.ask(node, Command::List { pen })? else {
        return Err(unexpected("a listing"));
    };
    let owner = listing
        .channels
        .iter()
        .find(|channel| channel.tags.iter().any(|tag| tag == "owner"));
    let channel = owner.ok_or_else(|| unexpected("the owner's channel"))?.eci;
    let raise = Command::Raise {
        channel,
        door: Door::Owner,
        domain: name(domain)?,
        kind: name(kind)?,
        attributes,
        external_id: None,
        wait: Wait::Outcome,
    };
    world.ask(node, raise).map(|_| ())
}

fn pen_of(world: &mut World, node: NodeIndex) -> Result<PenId, Fault> {
    match world.ask(node, Command::Status)? {
        Reply::Status { pens, .. } if !pens.is_empty() => Ok(pens[0].id),
        _ => Err(unexpected("a PEN")),
    }
}

/// Every day from morning to morning, for ever.
fn on_call_entry() -> Value {
    Value::map(Map::from([
        ("uid", Value::text("on-call")),
        ("summary", Value::text("On call")),
        ("categories", Value::list([Value::text("on-call")])),
        ("start", Value::text("2026-01-01T00:00:00")),
        ("end", Value::text("2026-01-02T00:00:00")),
        ("timezone", Value::text("America/Denver")),
        ("all_day", Value::from(false)),
        ("rule", Value::text("FREQ=DAILY")),
        ("except", Value::list([])),
        ("added", Value::list([])),
    ]))
}

fn incoming(from: &str, to: &str, body: &str) -> Map {
    Map::from([("From", from), ("To", to), ("Body", body)])
}

/// The code that a text asks its reader to reply.
fn code_to_reply(body: &str) -> Option<&str> {
    body.split("Reply ").nth(1)?.split(' ').next()
}

fn name(text: &str) -> Result<Name, Fault> {
    Name::new(text).map_err(|error| unexpected(&error.to_string()))
}

/// A name that is written in this file.
fn known(text: &str) -> Name {
    Name::new(text).unwrap_or_else(|error| unreachable!("{text}: {error}"))
}

fn unexpected(what: &str) -> Fault {
    Fault::new(Whose::Bug, "simnet-unexpected", format!("expected {what}"))
}

fn usize_of(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
