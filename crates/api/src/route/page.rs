//! Lists in pages.

use serde::Deserialize;
use utoipa::IntoParams;

/// How many items a page has if nobody says.
const ITEMS: usize = 100;

/// How many items a page has at most. A larger wish is cut to it.
pub const ITEMS_MAX: usize = 500;

/// Which page is wanted.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Pages {
    /// Only what comes after this item: the `next` of the page before.
    after: Option<String>,
    /// At most so many.
    limit: Option<usize>,
}

/// The wanted page of a list whose items stand in the order of their keys, and the key after which
/// to go on, if there are more.
pub(super) fn page<T>(
    items: impl Iterator<Item = T>,
    pages: &Pages,
    key: impl Fn(&T) -> String,
) -> (Vec<T>, Option<String>) {
    let limit = pages.limit.unwrap_or(ITEMS).clamp(1, ITEMS_MAX);
    let mut all: Vec<_> = items.map(|item| (key(&item), item)).collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    let after = |(key, _): &(String, T)| pages.after.as_ref().is_none_or(|after| key > after);
    let mut rest = all.into_iter().filter(after);
    let taken: Vec<_> = rest.by_ref().take(limit).collect();
    let next = taken.last().map(|(key, _)| key.clone());
    let next = next.filter(|_| rest.next().is_some());
    (taken.into_iter().map(|(_, item)| item).collect(), next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(after: Option<&str>, limit: Option<usize>, expected: &[&str], next: Option<&str>) {
        let pages = Pages {
            after: after.map(ToOwned::to_owned),
            limit,
        };
        let items = ["c", "a", "b"].into_iter();
        let (found, then) = page(items, &pages, |item| (*item).to_owned());
        assert_eq!((&*found, then.as_deref()), (expected, next), "{pages:?}");
    }

    #[test]
    fn pages_follow_each_other() {
        check(None, None, &["a", "b", "c"], None);
        check(None, Some(2), &["a", "b"], Some("b"));
        check(Some("b"), Some(2), &["c"], None);
        check(Some("c"), None, &[], None);
        check(None, Some(0), &["a"], Some("a"));
        check(Some("aa"), Some(3), &["b", "c"], None);
    }
}
