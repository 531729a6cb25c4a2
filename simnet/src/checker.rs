//! What must be true of every on-call story, whatever went wrong on the way.
//!
//! The checker shares nothing with the nodes: it reads what people sent and which texts they got.

use std::collections::BTreeMap;

use crate::{
    World,
    on_call::{Assistant, Inquiry, Story},
};

/// Everything that is wrong, each in a sentence; empty if all is well.
pub fn check(world: &World, story: &Story) -> Vec<String> {
    let mut wrong = Vec::new();
    wrong.extend(no_text_twice(world));
    for inquiry in &story.inquiries {
        wrong.extend(ends_once_and_rightly(world, story, inquiry));
    }
    let outbox = world.outbox();
    if outbox > 0 {
        wrong.push(format!("{outbox} messages are still not acknowledged"));
    }
    wrong
}

/// Nobody gets the same text twice: all messages differ, and every notice names its code.
fn no_text_twice(world: &World) -> Vec<String> {
    let mut seen = BTreeMap::new();
    for text in world.texts() {
        *seen.entry((&text.to, &text.body)).or_insert(0) += 1;
    }
    let twice = seen.into_iter().filter(|(_, count)| *count > 1);
    twice
        .map(|((to, body), count)| format!("{to} got {count} times: {body}"))
        .collect()
}

fn ends_once_and_rightly(world: &World, story: &Story, inquiry: &Inquiry) -> Option<String> {
    let texts = world
        .texts()
        .iter()
        .filter(|text| text.to == inquiry.student);
    let endings: Vec<&str> = texts.map(|text| text.body.as_str()).collect();
    let [ending] = endings[..] else {
        return Some(format!(
            "{} ({}) got {} endings: {endings:?}",
            inquiry.student,
            inquiry.message,
            endings.len()
        ));
    };
    let expected = expected(story, inquiry);
    let right = match &expected {
        Expected::Helped(names) => names.iter().any(|name| {
            ending.starts_with(&format!("{name} is on call")) && ending.contains(&inquiry.message)
        }),
        Expected::Said(start) => ending.starts_with(start) && ending.contains(&inquiry.message),
    };
    (!right).then(|| {
        format!(
            "{} ({}) was told {ending:?}: {expected:?}",
            inquiry.student, inquiry.message
        )
    })
}

/// How an inquiry has to end.
#[derive(Debug)]
enum Expected {
    /// One of these comes.
    Helped(Vec<String>),
    /// The text begins so.
    Said(&'static str),
}

fn expected(story: &Story, inquiry: &Inquiry) -> Expected {
    let class = &story.classes[inquiry.class];
    let asked: Vec<&Assistant> = class
        .assistants
        .iter()
        .map(|&number| &story.assistants[number])
        .collect();
    let on_call: Vec<&&Assistant> = asked.iter().filter(|ta| ta.on_call).collect();
    let answering: Vec<String> = on_call
        .iter()
        .filter(|ta| ta.answers)
        .map(|ta| ta.name.clone())
        .collect();
    if asked.is_empty() {
        Expected::Said("No teaching assistant can be asked")
    } else if on_call.is_empty() {
        Expected::Said("Nobody is on call")
    } else if answering.is_empty() {
        Expected::Said("Nobody answered in time")
    } else {
        Expected::Helped(answering)
    }
}
