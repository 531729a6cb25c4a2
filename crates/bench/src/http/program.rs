//! The rulesets that both engines run.

use std::fmt::Write as _;

/// Rules with attribute filters, of which an event wakes one.
pub(super) const FILTERS: usize = 1_000;

/// A directive, a persistent variable, a query.
pub(super) const PLAIN: &str = r#"ruleset io.stratus.bench {
  meta { shares hello, counted }
  global {
    hello = function(name) { "Hello " + name }
    counted = function() { ent:count }
  }
  rule hello {
    select when bench hello
    send_directive("hello", {"to": "world"})
  }
  rule count {
    select when bench count
    fired { ent:count := ent:count.defaultsTo(0) + 1 }
  }
}
"#;

/// Rules of one event type, told apart by an attribute.
pub(super) fn filters() -> String {
    let mut text = "ruleset io.stratus.filters {\n".to_owned();
    for number in 0..FILTERS {
        let _ = writeln!(
            text,
            "  rule r{number} {{ select when bench filter number re#^{number}$# \
             send_directive(\"r{number}\") }}"
        );
    }
    text + "}\n"
}
