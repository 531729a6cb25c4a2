//! Rulesets: what is sent, and what is answered.

use serde::{Deserialize, Serialize};
use stratus_engine::{RulesetListing, Updated};
use stratus_event::{Fault, Name};
use stratus_pen::language::Program;
use utoipa::ToSchema;

use super::{Failure, Object};
use crate::map_to_json;

/// `POST /api/v1/rulesets`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Install {
    /// The program's text; without it the one at the address is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The address of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What its rules read as `meta:rulesetConfig`; without it what was there before stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Object>,
    /// What it may do beyond its PEN; without it what its text asks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub permissions: Option<Permissions>,
}

/// `POST /api/v1/rulesets/review`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Review {
    /// The program's text; without it the one at the address is fetched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The address of the text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// `POST /api/v1/rulesets/flush`
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Flush {
    /// The address whose rulesets are brought up to date.
    pub url: String,
}

/// `POST /api/v1/rulesets/{rid}/rollback`
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RollBack {
    /// How the hash of the wanted text begins; without it the text before the present one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hash: Option<String>,
}

/// What a ruleset may do beyond its PEN. In a list, `*` is any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Permissions {
    /// Connectors besides `http`, such as `twilio`.
    pub connectors: Vec<String>,
    /// Domains of events for other PENs.
    pub domains: Vec<String>,
    /// Hosts to talk to by HTTP.
    pub hosts: Vec<String>,
    /// Rulesets to use as modules.
    pub modules: Vec<String>,
    /// Whether it may ask other PENs of the node.
    pub pens: bool,
    /// Whether it may install and remove rulesets.
    pub rulesets: bool,
}

impl Permissions {
    pub(crate) fn new(permissions: &stratus_pen::Permissions) -> Self {
        Self {
            connectors: (&permissions.connectors).into(),
            domains: (&permissions.domains).into(),
            hosts: (&permissions.hosts).into(),
            modules: (&permissions.modules).into(),
            pens: permissions.pens,
            rulesets: permissions.rulesets,
        }
    }

    pub(crate) fn read(&self) -> stratus_pen::Permissions {
        let read = |names: &[String]| names.iter().map(String::as_str).collect();
        stratus_pen::Permissions {
            connectors: read(&self.connectors),
            domains: read(&self.domains),
            hosts: read(&self.hosts),
            modules: read(&self.modules),
            pens: self.pens,
            rulesets: self.rulesets,
        }
    }
}

/// The answer to `POST /api/v1/rulesets`, and to a rollback.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Installed {
    /// The ruleset's id.
    pub rid: String,
    /// Its rules, in the order in which they stand.
    pub rules: Vec<String>,
    /// There was one of that id before.
    pub replaced: bool,
    /// The BLAKE3 hash of its text.
    pub hash: String,
    /// What it may do beyond its PEN, a line each, for people.
    pub may: Vec<String>,
    /// The same for programs.
    pub permissions: Permissions,
}

/// The answer to `POST /api/v1/rulesets/review`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Reviewed {
    /// The ruleset's id.
    pub rid: String,
    /// The text.
    pub source: String,
    /// What it wants to do beyond its PEN, a line each, for people.
    pub wants: Vec<String>,
    /// The same for programs.
    pub permissions: Permissions,
}

impl Reviewed {
    pub(crate) fn new(program: &dyn Program, source: String) -> Self {
        let wants = program.wants();
        Self {
            rid: program.rid().to_string(),
            source,
            wants: wants.lines(),
            permissions: Permissions::new(&wants),
        }
    }
}

/// The answer to `POST /api/v1/rulesets/flush`.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Flushed {
    /// Rulesets that have another text now.
    pub changed: Vec<String>,
    /// Rulesets whose text is the same.
    pub unchanged: Vec<String>,
    /// Rulesets that keep the text that they had, and why.
    pub failed: Vec<NotFlushed>,
}

/// A ruleset that keeps the text that it had.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NotFlushed {
    /// Its id.
    pub rid: String,
    /// Why.
    pub failure: Failure,
}

impl Flushed {
    pub(crate) fn new(updated: Updated) -> Self {
        let texts = |rids: Vec<Name>| rids.iter().map(ToString::to_string).collect();
        let failed = |(rid, fault): (Name, Fault)| NotFlushed {
            rid: rid.to_string(),
            failure: Failure::new(fault),
        };
        Self {
            changed: texts(updated.changed),
            unchanged: texts(updated.unchanged),
            failed: updated.failed.into_iter().map(failed).collect(),
        }
    }
}

/// A text that a ruleset has, or had.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Version {
    /// Its BLAKE3 hash.
    pub hash: String,
    /// When it was installed.
    pub at: String,
    /// The address that it was fetched from, if it was.
    pub url: Option<String>,
    /// It is the text that the ruleset has now.
    pub present: bool,
}

impl Version {
    /// The newest first.
    pub(crate) fn list(versions: &[stratus_engine::Version]) -> Vec<Self> {
        let present = versions.len().saturating_sub(1);
        let shown = versions.iter().enumerate().rev();
        let shown = shown.map(|(number, version)| Self {
            hash: digits(&version.program),
            at: version.at.to_string(),
            url: version.from.clone(),
            present: number == present,
        });
        shown.collect()
    }
}

/// An installed ruleset.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct Ruleset {
    /// Its id.
    pub rid: String,
    /// Its rules.
    pub rules: Vec<String>,
    /// Functions that can be asked as queries.
    pub queries: Vec<String>,
    /// The address of its text; null if the owner gave the text.
    #[serde(default)]
    pub url: Option<String>,
    /// What it is configured with.
    #[serde(default)]
    pub configuration: Object,
    /// What it may do beyond its PEN.
    #[serde(default)]
    pub permissions: Permissions,
    /// Why it does nothing: this version's compiler refuses it.
    #[serde(default)]
    pub fault: Option<Failure>,
    /// Why its text could not be brought up to date when that was tried last.
    #[serde(default)]
    pub trouble: Option<Failure>,
}

impl Ruleset {
    pub(super) fn new(
        (rid, rules, queries): &(Name, Vec<Name>, Vec<Name>),
        listed: RulesetListing,
    ) -> Self {
        let texts = |names: &[Name]| names.iter().map(ToString::to_string).collect();
        Self {
            rid: rid.to_string(),
            rules: texts(rules),
            queries: texts(queries),
            url: listed.terms.from,
            configuration: map_to_json(&listed.terms.configuration),
            permissions: Permissions::new(&listed.permissions),
            fault: None,
            trouble: listed.trouble.map(Failure::new),
        }
    }

    pub(super) fn broken((rid, fault): (Name, Fault)) -> Self {
        Self {
            rid: rid.to_string(),
            rules: Vec::new(),
            queries: Vec::new(),
            url: None,
            configuration: Object::new(),
            permissions: Permissions::default(),
            fault: Some(Failure::new(fault)),
            trouble: None,
        }
    }
}

/// A hash as people read it.
pub(crate) fn digits(hash: &[u8; 32]) -> String {
    let mut text = String::with_capacity(2 * hash.len());
    for byte in hash {
        for half in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(half), 16));
        }
    }
    text
}
