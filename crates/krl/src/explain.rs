//! What the codes of KRL mean.

use crate::resolve::nearest;

/// What a code means, and what to do: a page of Markdown. None if there is no such code.
pub fn explain(code: &str) -> Option<&'static str> {
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

/// All codes that [`explain`] knows.
pub fn codes() -> impl Iterator<Item = &'static str> {
    ERRORS.lines().filter_map(|line| line.strip_prefix("## "))
}

/// The code that one that there is not was probably meant to be.
pub fn nearest_code(code: &str) -> Option<&'static str> {
    nearest(code, codes())
}

const ERRORS: &str = include_str!("../../../spec/krl/errors.md");

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
}
