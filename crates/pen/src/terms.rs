//! On which terms a ruleset is installed.

use stratus_event::Map;

use crate::Permissions;

/// What an owner says of a ruleset when she installs it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Terms {
    /// What it is configured with; its rules read it.
    pub configuration: Map,
    /// The address of its text; none if she gave the text itself.
    pub from: Option<String>,
    /// What it may do beyond its PEN; none is what its text asks for, as it was with the versions
    /// that asked nobody.
    pub permissions: Option<Permissions>,
}
