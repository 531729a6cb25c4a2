//! What clients of pico-engine read.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Directive, Object, Raised};

/// What an event came to, for one who waited.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Episode {
    /// The event's id.
    pub eid: String,
    /// What its rules answered.
    pub directives: Vec<LegacyDirective>,
}

impl Episode {
    pub(crate) fn new(raised: Raised) -> Self {
        let eid = raised.event;
        let directives = raised
            .directives
            .into_iter()
            .map(|directive| LegacyDirective::new(directive, &eid))
            .collect();
        Self { eid, directives }
    }

    /// A text among the options of the last directive of that name.
    pub(crate) fn option(&self, name: &str, option: &str) -> Option<&str> {
        let mut named = self.directives.iter().rev().filter(|one| one.name == name);
        named.find_map(|one| one.options.get(option)?.as_str())
    }
}

/// What a rule answers.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LegacyDirective {
    /// Always `directive`.
    pub r#type: String,
    /// Its name.
    pub name: String,
    /// Its options.
    pub options: Object,
    /// Where it comes from.
    pub meta: LegacyMeta,
}

impl LegacyDirective {
    fn new(directive: Directive, eid: &str) -> Self {
        Self {
            r#type: "directive".to_owned(),
            name: directive.name,
            options: directive.options,
            meta: LegacyMeta {
                rid: directive.rid.unwrap_or_default(),
                rule_name: directive.rule.unwrap_or_default(),
                txn_id: eid.to_owned(),
            },
        }
    }
}

/// Where a directive comes from.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct LegacyMeta {
    /// The ruleset.
    pub rid: String,
    /// The rule.
    pub rule_name: String,
    /// The event's id.
    #[serde(rename = "txnId")]
    pub txn_id: String,
}
