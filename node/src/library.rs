//! The rulesets that the node brings.

use std::{collections::BTreeMap, sync::Arc};

use stratus_event::Name;

/// The texts, by id, as the engine wants them.
pub(crate) fn library() -> BTreeMap<Name, Arc<str>> {
    let named = RULESETS
        .iter()
        .filter_map(|(rid, text)| Some((Name::new(rid).ok()?, Arc::from(*text))));
    named.collect()
}

/// The text of one of them.
pub(crate) fn text(rid: &str) -> Option<&'static str> {
    let found = RULESETS.iter().find(|(id, _)| *id == rid);
    found.map(|(_, text)| *text)
}

/// The programs themselves stand beside the others that the node knows, so that they are read,
/// checked and laid out as programs are.
const RULESETS: [(&str, &str); 3] = [
    (
        "io.picolabs.pds",
        include_str!("../rulesets/system/io.picolabs.pds.krl"),
    ),
    (
        "io.picolabs.subscription",
        include_str!("../rulesets/system/io.picolabs.subscription.krl"),
    ),
    (
        "io.picolabs.wrangler",
        include_str!("../rulesets/system/io.picolabs.wrangler.krl"),
    ),
];

#[cfg(test)]
mod tests {
    use stratus_krl::Krl;
    use stratus_pen::language::Language as _;

    use super::*;

    #[test]
    fn each_compiles_under_its_id() {
        for (rid, text) in RULESETS {
            let program = Krl.compile(text).unwrap();
            assert_eq!(program.rid().as_str(), rid);
        }
        assert_eq!(library().len(), RULESETS.len());
    }
}
