//! What the codes of KRL mean.

use crate::resolve::nearest;

/// What a code means, and what to do: a page of Markdown. None if there is no such code. Codes of
/// KRL have a page of their own; of all others, the table of errors tells.
pub fn explain(code: &str) -> Option<String> {
    page(code).map(str::to_owned).or_else(|| {
        let row = rows().find(|row| row.code == code)?;
        Some(row.page())
    })
}

/// The codes that a person who writes rulesets may meet: those of KRL, and those of what the
/// ruleset's rules do in a node.
pub fn codes() -> impl Iterator<Item = &'static str> {
    let pages = ERRORS.lines().filter_map(|line| line.strip_prefix("## "));
    let rulesets = rows().filter(|row| row.whose == "ruleset" && page(row.code).is_none());
    pages.chain(rulesets.map(|row| row.code))
}

/// The code that one that there is not was probably meant to be.
pub fn nearest_code(code: &str) -> Option<&'static str> {
    let all = codes().chain(rows().map(|row| row.code));
    nearest(code, all)
}

/// The section of a code.
fn page(code: &str) -> Option<&'static str> {
    let heading = ERRORS.match_indices("\n## ").find(|(at, mark)| {
        let line = ERRORS.get(at + mark.len()..).unwrap_or_default();
        line.lines().next() == Some(code)
    });
    let (at, _) = heading?;
    let page = ERRORS.get(at + 1..)?;
    let end = page
        .get(1..)?
        .find("\n## ")
        .map_or(page.len(), |end| end + 1);
    Some(page.get(..end)?.trim_end())
}

/// A line of the table of errors.
struct Row {
    code: &'static str,
    whose: &'static str,
    meaning: &'static str,
    advice: &'static str,
}

impl Row {
    fn page(&self) -> String {
        let Self {
            code,
            whose,
            meaning,
            advice,
        } = self;
        let (meaning, advice) = (sentence(meaning), sentence(advice));
        let cause = match *whose {
            "bug" => "It is a bug of Stratus",
            "caller" => "The cause is in the command or the request",
            "peer" => "The cause is another node",
            "ruleset" => "The cause is in a ruleset",
            _ => "The cause is a disk, a network, or a service that somebody else runs",
        };
        format!("## {code}\n\n{meaning} {cause}.\n\nWhat to do: {advice}")
    }
}

fn rows() -> impl Iterator<Item = Row> {
    TABLE.lines().filter_map(|line| {
        let line = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let mut cells = line.split(" | ");
        Some(Row {
            code: cells.next()?.strip_suffix('`')?,
            whose: cells.next()?,
            meaning: cells.next()?,
            advice: cells.next()?,
        })
    })
}

/// A cell of the table as a sentence.
fn sentence(cell: &str) -> String {
    let mut letters = cell.chars();
    let first = letters.next().map(char::to_uppercase);
    let first: String = first.into_iter().flatten().collect();
    format!("{first}{}.", letters.as_str())
}

const ERRORS: &str = include_str!("../../../spec/krl/errors.md");

const TABLE: &str = include_str!("../../../spec/errors.md");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_page_of_its_own() {
        let page = explain("krl-name-undefined").unwrap();
        assert!(page.starts_with("## krl-name-undefined\n\n"), "{page}");
        assert_eq!(page.matches("\n## ").count(), 0, "{page}");
        assert_eq!(explain("krl-nothing"), None);
        assert_eq!(nearest_code("krl-type-mismach"), Some("krl-type-mismatch"));
        assert_eq!(nearest_code("nonsense"), None);
        assert!(codes().all(|code| explain(code).is_some_and(|page| page.len() > code.len() + 20)));
    }

    #[test]
    fn a_code_of_the_table_is_told_from_it() {
        let expected = "## fuel-exhausted\n\nOne run of a rule took too many steps. The cause is \
            in a ruleset.\n\nWhat to do: Do less in one rule.";
        assert_eq!(explain("fuel-exhausted").as_deref(), Some(expected));
        assert!(codes().any(|code| code == "call-depth-exhausted"));
        assert!(codes().all(|code| code != "node-not-running"));
        assert!(explain("node-not-running").is_some());
        assert_eq!(nearest_code("fuel-exausted"), Some("fuel-exhausted"));
        assert!(rows().count() > 200);
    }
}
