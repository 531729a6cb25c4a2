//! What pico-engine answers, as recorded from its own test suites, against what we answer.
//!
//! A vector becomes an expression of KRL, which a query evaluates. The vectors stand beside the
//! repository; without them the tests say so and pass, unless `STRATUS_REQUIRE` has `conformance`.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::Value as Json;
use stratus_event::{Timestamp, Value};

use crate::{
    deviations::{deviations, tally},
    world::{World, data, faults},
};

#[test]
fn operators_answer_as_recorded() {
    let (mut compared, mut listed) = (0, 0);
    let mut wrong = String::new();
    for vector in vectors("stdlib.jsonl") {
        let seq = vector["seq"].as_u64().unwrap();
        let Some(source) = operator_source(&vector) else {
            continue;
        };
        let deviates = deviations("stdlib.jsonl").contains(&seq.to_string());
        compared += 1;
        listed += usize::from(deviates);
        if agrees(&vector, &source) == deviates {
            tell(&mut wrong, seq, &vector, &source);
        }
    }
    assert!(wrong.is_empty(), "these changed:\n{wrong}");
    tally("S", compared, listed);
}

#[test]
fn modules_answer_as_recorded() {
    let (mut compared, mut listed) = (0, 0);
    let mut wrong = String::new();
    for vector in vectors("modules.jsonl") {
        let (name, seq) = (
            vector["fn"].as_str().unwrap(),
            vector["seq"].as_u64().unwrap(),
        );
        let Some(source) = module_source(&vector) else {
            continue;
        };
        let deviates = deviations("modules.jsonl").contains(&format!("{name} {seq}"));
        compared += 1;
        listed += usize::from(deviates);
        if agrees(&vector, &source) == deviates {
            tell(&mut wrong, seq, &vector, &source);
        }
    }
    assert!(wrong.is_empty(), "these changed:\n{wrong}");
    tally("M", compared, listed);
}

#[test]
fn rulesets_compile_as_recorded() {
    let (mut compared, mut listed) = (0, 0);
    let mut wrong = String::new();
    for (line, vector) in vectors("compiler.jsonl").iter().enumerate() {
        let (source, accepted) = (vector["src"].as_str().unwrap(), vector["ok"] == true);
        let deviates = deviations("compiler.jsonl").contains(&(line + 1).to_string());
        compared += 1;
        listed += usize::from(deviates);
        let faults = faults(&as_ruleset(source));
        if (accepted == (faults == "no fault")) == deviates {
            let _ = writeln!(wrong, "{}: {source}\n{faults}\n", line + 1);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    tally("C", compared, listed);
}

/// A vector may be an expression alone.
fn as_ruleset(source: &str) -> String {
    if source.trim_start().starts_with("ruleset") {
        return source.to_owned();
    }
    format!("ruleset r {{ meta {{ shares q }} global {{ q = function() {{ {source} }} }} }}")
}

#[expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "the vectors are files"
)]
pub(crate) fn vectors(file: &str) -> Vec<Json> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/conformance")
        .join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        let required = std::env::var("STRATUS_REQUIRE").unwrap_or_default();
        assert!(
            !required.contains("conformance"),
            "{} is missing",
            path.display()
        );
        println!("{} is missing: nothing was compared", path.display());
        return Vec::new();
    };
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn agrees(vector: &Json, source: &str) -> bool {
    answer(vector, source).ok() == expected(vector)
}

fn tell(wrong: &mut String, seq: u64, vector: &Json, source: &str) {
    let (expected, answer) = (expected(vector), answer(vector, source));
    let _ = writeln!(
        wrong,
        "{seq} {source}: expected {expected:?}, answered {answer:?}"
    );
}

/// None for an error: our texts are our own.
fn expected(vector: &Json) -> Option<Value> {
    vector
        .get("error")
        .is_none()
        .then(|| normal(&vector["result"]))
}

fn answer(vector: &Json, source: &str) -> Result<Value, String> {
    let mut world = World::with(&[&as_ruleset(source)]);
    world.now = recorded_instant(vector);
    world.ask("q").map_err(|stop| format!("{stop:?}"))
}

/// When the record was made, if that is what it tells.
fn recorded_instant(vector: &Json) -> Option<Timestamp> {
    let instant = vector["result"]
        .as_str()
        .filter(|_| vector["fn"] == "time:now")?;
    let instant = chrono::DateTime::parse_from_rfc3339(instant).ok()?;
    Some(Timestamp(instant.timestamp_millis()))
}

/// What JavaScript has more than one word for, in one word.
pub(crate) fn normal(json: &Json) -> Value {
    match json {
        Json::Array(items) => Value::list(items.iter().map(normal)),
        Json::Object(members) => match members.get("$t").and_then(Json::as_str) {
            Some("NaN" | "undefined") => Value::Null,
            Some("-0") => Value::from(0),
            Some("RegExp") => Value::text(pattern(json)),
            // No answer of ours has a function in it.
            Some(_) => Value::text("a function"),
            None => Value::map(
                members
                    .iter()
                    .map(|(name, member)| (name, normal(member)))
                    .collect(),
            ),
        },
        other => data(other),
    }
}

fn operator_source(vector: &Json) -> Option<String> {
    let function = lambda(vector["seq"].as_u64()?);
    let arguments = vector["args"].as_array()?.iter();
    let arguments = arguments.map(|argument| literal(argument, Some(function)));
    let arguments = arguments.collect::<Option<Vec<_>>>()?;
    let operator = vector["op"].as_str()?;
    if operator.chars().all(|c| c.is_ascii_alphabetic()) && !["cmp", "like"].contains(&operator) {
        return Some(format!("{operator}({})", arguments.join(", ")));
    }
    match &arguments[..] {
        [one] => Some(format!("{operator} {one}")),
        [one, two] => Some(format!("{one} {operator} {two}")),
        _ => None,
    }
}

fn module_source(vector: &Json) -> Option<String> {
    let name = vector["fn"].as_str()?;
    match &vector["args"] {
        // A property has no arguments at all.
        Json::Object(members) if members.contains_key("$t") => Some(name.to_owned()),
        Json::Object(members) => {
            let named = members.iter();
            let named =
                named.map(|(key, value)| Some(format!("{key} = {}", literal(value, None)?)));
            Some(format!(
                "{name}({})",
                named.collect::<Option<Vec<_>>>()?.join(", ")
            ))
        }
        positional => Some(format!("{name}({})", literals(positional)?.join(", "))),
    }
}

fn literals(arguments: &Json) -> Option<Vec<String>> {
    let arguments = arguments.as_array()?.iter();
    arguments.map(|argument| literal(argument, None)).collect()
}

/// JSON as a literal of KRL. The records keep no source of functions: it is given.
fn literal(json: &Json, function: Option<&str>) -> Option<String> {
    Some(match json {
        Json::String(text) => format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
        Json::Number(number) if number.as_f64()? < 0.0 => format!("({number})"),
        Json::Array(items) => {
            let items = items.iter().map(|item| literal(item, function));
            let items = items.collect::<Option<Vec<_>>>()?;
            format!("[{}]", items.join(", "))
        }
        Json::Object(members) => match members.get("$t").and_then(Json::as_str) {
            Some("NaN" | "undefined") => "null".to_owned(),
            Some("RegExp") => pattern(json),
            Some("function") if json["krl_action"] == true => "defaction() { noop() }".to_owned(),
            Some("function") if json["krl_function"] == true => function?.to_owned(),
            // JavaScript's own functions are nothing that KRL has.
            Some("function") => "function() { null }".to_owned(),
            Some(_) => return None,
            None => {
                let entries = members.iter().map(|(name, member)| {
                    Some(format!(
                        "{}: {}",
                        literal(&Json::from(name.as_str()), None)?,
                        literal(member, function)?
                    ))
                });
                format!("{{{}}}", entries.collect::<Option<Vec<_>>>()?.join(", "))
            }
        },
        other => other.to_string(),
    })
}

/// What the function of a vector does, by the vector's number, as pico-engine's tests have it.
fn lambda(seq: u64) -> &'static str {
    match seq {
        275 | 284 | 290 | 296 => "function(x) { x < 10 }",
        277 | 285 | 291 | 297 => "function(x) { x > 3 }",
        280 | 286 | 292 | 298 => "function(x) { x > 10 }",
        276 => "function(match) { (match * 2).as(\"String\") }",
        278 => {
            "function(match, p1, offset, string) { \
                (match == p1 && string.substr(offset, p1.length()) == p1 && string == \"1 2 3\") \
                    => (match * 2).as(\"String\") | \"wrong\" }"
        }
        279 => {
            "function(match, p1, p2, p3, offset, string) { \
                (match == \"abc333???\" && offset == 3 && string == \"000abc333???wat\") \
                    => \"[\" + p1 + \" - \" + p2 + \" : \" + p3 + \"]\" | \"wrong\" }"
        }
        318 | 319 => "function(x) { x < 5 => \"x\" | \"y\" }",
        322 => "function(x) { x < 5 }",
        323 | 324 => "function(x) { x > 5 }",
        325 => "function(x) { x % 2 != 0 }",
        326 => "function(v, k) { k == \"b\" }",
        362 => "function(x) { x + 2 }",
        368 | 369 | 370 | 376 | 377 => "function(x, y) { x + y }",
        372 => "function(l, r) { [l, r] }",
        378 => "function(a, b) { a - b }",
        536 | 540 | 541 => "function(a, b) { a < b => -1 | a == b => 0 | 1 }",
        537 => "function(a, b) { a > b => -1 | a == b => 0 | 1 }",
        // The others are not called, or give nothing.
        _ => "function() { null }",
    }
}

fn pattern(json: &Json) -> String {
    let part = |name: &str| json[name].as_str().unwrap_or_default().to_owned();
    format!("re#{}#{}", part("source"), part("flags"))
}
