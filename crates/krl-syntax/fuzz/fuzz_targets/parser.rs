//! Any text: it is read without panic, nothing of it is lost, and what is without errors is printed
//! as the same tree.

#![no_main]

use libfuzzer_sys::fuzz_target;
use stratus_krl_syntax::{Tree, line_column, parse_ruleset, print, render};

fuzz_target!(|source: &str| {
    let tree = Tree::parse(source);
    assert_eq!(tree.text(), source);
    for diagnostic in tree.diagnostics().iter().take(2) {
        for (span, _) in &diagnostic.labels {
            assert!(source.get(span.start..span.end).is_some());
        }
        assert!(line_column(source, diagnostic.span().start).0 > 0);
        assert!(render(diagnostic, source, "fuzz").contains(diagnostic.code));
    }
    if let Ok(ruleset) = parse_ruleset(source).complete() {
        let printed = print(&ruleset);
        let again = parse_ruleset(&printed).complete();
        assert_eq!(again.map(|again| print(&again)), Ok(printed));
    }
});
