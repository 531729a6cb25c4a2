//! The recorded answers that we differ from, as `spec/krl/deviations.md` has them.

use std::collections::BTreeSet;

/// The vectors that we answer otherwise: the first column of the table under a file's heading,
/// which gives a reason for each.
pub(crate) fn deviations(file: &str) -> BTreeSet<String> {
    let rows = rows(file);
    let rows = rows.iter().filter(|row| row[0] != "vector");
    rows.map(|row| {
        assert!(row.len() == 2 && row[1].len() > 10, "{row:?} has no reason");
        row[0].clone()
    })
    .collect()
}

/// Holds the page's table of figures to what a test has found, if there were vectors at all.
pub(crate) fn tally(set: &str, vectors: usize, listed: usize) {
    if vectors == 0 {
        return;
    }
    let rows = rows("The recorded vectors");
    let row = rows.iter().find(|row| row[0].starts_with(set));
    let row = row.map(|row| row[1..].to_vec()).unwrap_or_default();
    let found = [vectors, vectors - listed, listed].map(|figure| figure.to_string());
    assert_eq!(row, found, "the row {set} of spec/krl/deviations.md");
}

/// The rows of the tables in a section of the page.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let page = include_str!("../../../../spec/krl/deviations.md");
    let heading = format!("\n## {heading}\n");
    let section = page.split_once(&heading).map_or("", |(_, section)| section);
    let section = section.split("\n## ").next().unwrap_or_default();
    let rows = section.lines().filter_map(|line| line.strip_prefix("| "));
    rows.map(|row| {
        let row = row.trim_end_matches(['|', ' ']);
        row.split(" | ").map(str::to_owned).collect()
    })
    .collect()
}
