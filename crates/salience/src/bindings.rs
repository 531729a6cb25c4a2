//! What an event expression has bound so far.

use std::collections::BTreeMap;

use stratus_event::{Name, Value};

/// Variables bound by `setting`, by name. A variable of a branch that did not match is absent.
pub type Bindings = BTreeMap<Name, Value>;
