//! Forms and query strings whose names say where in a tree their values belong: `m[a]=3`, `l[]=4`,
//! `l=5&l=6`. The form is what web frameworks of Node.js and PHP have in common.

use serde_json::{Map, Value as Json};
use stratus_event::Fault;

use crate::input::malformed;

/// How many values a form or a query string may have. Above it: `request-malformed`.
pub const PARAMETERS_MAX: usize = 1_000;

/// How many brackets a name may have. Above it: `request-malformed`.
pub const PARAMETER_DEPTH_MAX: usize = 5;

/// The tree that a form stands for.
pub(crate) fn tree(fields: Vec<(String, String)>) -> Result<Map<String, Json>, Fault> {
    if fields.len() > PARAMETERS_MAX {
        let message = format!("there are more than {PARAMETERS_MAX} values");
        return Err(malformed(message));
    }
    let mut tree = Map::new();
    for (name, text) in fields {
        let (first, path) = path(&name)?;
        tree = put_member(tree, first, &path, text);
    }
    Ok(tree)
}

/// A name before its brackets, and what is in each of them. Brackets that do not fit are part of
/// the name.
fn path(name: &str) -> Result<(&str, Vec<&str>), Fault> {
    let plain = || Ok((name, Vec::new()));
    let Some((first, rest)) = name.split_once('[') else {
        return plain();
    };
    let Some(inner) = rest.strip_suffix(']').filter(|_| !first.is_empty()) else {
        return plain();
    };
    let path: Vec<&str> = inner.split("][").collect();
    if path.iter().any(|part| part.contains(['[', ']'])) {
        return plain();
    }
    if path.len() > PARAMETER_DEPTH_MAX {
        let message = format!("a name has more than {PARAMETER_DEPTH_MAX} brackets");
        return Err(malformed(message));
    }
    Ok((first, path))
}

/// What is at a place once a text is put there, or further inside.
fn put(place: Json, path: &[&str], text: String) -> Json {
    let Some((&part, rest)) = path.split_first() else {
        return add(place, text);
    };
    let mut items = match place {
        Json::Null => Vec::new(),
        Json::Array(items) => items,
        Json::Object(members) => return Json::Object(put_member(members, part, rest, text)),
        single => vec![single],
    };
    let Some(index) = index(part, &items) else {
        return Json::Object(put_member(numbered(items), part, rest, text));
    };
    match items.get_mut(index) {
        Some(item) => *item = put(item.take(), rest, text),
        None => items.push(put(Json::Null, rest, text)),
    }
    Json::Array(items)
}

fn put_member(
    mut members: Map<String, Json>,
    part: &str,
    rest: &[&str],
    text: String,
) -> Map<String, Json> {
    let member = members.get_mut(part).map(Json::take).unwrap_or_default();
    members.insert(part.to_owned(), put(member, rest, text));
    members
}

/// A text beside what is there: both become a list.
fn add(place: Json, text: String) -> Json {
    match place {
        Json::Null => Json::String(text),
        Json::Array(mut items) => {
            items.push(Json::String(text));
            Json::Array(items)
        }
        Json::Object(mut members) => {
            members.insert(text, Json::Bool(true));
            Json::Object(members)
        }
        single => Json::Array(vec![single, Json::String(text)]),
    }
}

/// Which place of a list a part means; none if it is no place of it or next to it.
fn index(part: &str, items: &[Json]) -> Option<usize> {
    if part.is_empty() {
        return Some(items.len());
    }
    let index: usize = part.parse().ok()?;
    (index <= items.len()).then_some(index)
}

/// A list as an object.
fn numbered(items: Vec<Json>) -> Map<String, Json> {
    let numbers = (0..).map(|number: usize| number.to_string());
    numbers.zip(items).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: &str, expected: &str) {
        let field = |field: &str| {
            let (name, text) = field.split_once('=').unwrap();
            (name.to_owned(), text.to_owned())
        };
        let fields = form.split('&').filter(|part| !part.is_empty());
        let tree = tree(fields.map(field).collect());
        let found = match tree {
            Ok(tree) => Json::Object(tree).to_string(),
            Err(fault) => fault.code.into_owned(),
        };
        assert_eq!(found, expected, "{form}");
    }

    #[test]
    fn names_say_where_values_belong() {
        check("", "{}");
        check("a=1&b=two", r#"{"a":"1","b":"two"}"#);
        check("a=1&a=2&a=3", r#"{"a":["1","2","3"]}"#);
        check("a[]=1", r#"{"a":["1"]}"#);
        check("a[]=1&a[]=2", r#"{"a":["1","2"]}"#);
        check("a=1&a[]=2", r#"{"a":["1","2"]}"#);
        check("a[0]=1&a[1]=2&a[0]=3", r#"{"a":[["1","3"],"2"]}"#);
        check("a[9]=1", r#"{"a":{"9":"1"}}"#);
        check("a[0]=1&a[x]=2", r#"{"a":{"0":"1","x":"2"}}"#);
        check("m[a]=3&m[b][c]=4", r#"{"m":{"a":"3","b":{"c":"4"}}}"#);
        check("m[a]=3&m=4", r#"{"m":{"a":"3","4":true}}"#);
        check("m[l][]=1&m[l][]=2", r#"{"m":{"l":["1","2"]}}"#);
    }

    #[test]
    fn brackets_that_do_not_fit_are_part_of_the_name() {
        for name in ["[a]", "a[", "a]", "a[b", "a[b]c", "a[[b]]", "a[b]c[d]"] {
            check(&format!("{name}=1"), &format!(r#"{{"{name}":"1"}}"#));
        }
    }

    #[test]
    fn there_are_bounds() {
        check(
            "a[1][2][3][4][5]=1",
            r#"{"a":{"1":{"2":{"3":{"4":{"5":"1"}}}}}}"#,
        );
        check("a[1][2][3][4][5][6]=1", "request-malformed");
        check(&"a=1&".repeat(PARAMETERS_MAX + 1), "request-malformed");
    }
}
