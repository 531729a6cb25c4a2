//! What is printed reads back as the same tree.

#[path = "common/tree.rs"]
mod tree;

use stratus_krl_syntax::{
    ast::{Generation, Ruleset},
    parse_ruleset, print, render,
};
use tree::without_spans;

#[test]
fn a_printed_ruleset_reads_back_as_the_same_tree() {
    for source in SOURCES {
        let tree = read(source);
        let printed = print(&tree);
        let again = read(&printed);
        assert_eq!(without_spans(&again), without_spans(&tree), "{printed}");
        assert_eq!(print(&again), printed);
    }
}

#[test]
fn the_printed_form_is_settled() {
    let source = "ruleset a{global{f=function(x){y=-x+1 y*(2+x)}}rule b{select when c d e re/f/ \
        where g setting(h) if x then every{i(1,j=2)with k=3}fired{ent:l{m}:=n}else{last if o}}}";
    let expected = r"ruleset a {
  global {
    f = function(x) {
      y = -x + 1;
      return y * (2 + x)
    };
  }
  rule b {
    select when c:d e re/f/ setting (h) where g
    if x then every {
      i(1, j = 2) with k = 3;
    }
    fired {
      ent:l{m} := n;
    } else {
      last if o;
    }
  }
}
";
    assert_eq!(print(&read(source)), expected);
}

#[test]
fn a_classic_ruleset_stays_one() {
    // Each has one classic form, of which the tree has no trace.
    for rule in [
        "select when a b if c eq d then e()",
        "select when a b if c neq 'd' then e()",
        "select when click \"a\"",
        "select when a b { c(); d() }",
        "select when a b choose { c(); d() }",
        "select when a b always { set ent:c 1 }",
        "select when a b foreach c setting()",
        "select when a b pre { c = {d: 1} }",
    ] {
        let tree = read(&format!("ruleset r {{ rule s {{ {rule} }} }}"));
        assert_eq!(tree.generation, Generation::Classic, "{rule}");
        let again = read(&print(&tree));
        assert_eq!(without_spans(&again), without_spans(&tree), "{rule}");
    }
}

fn read(source: &str) -> Ruleset {
    let parsed = parse_ruleset(source);
    let told: String = parsed
        .diagnostics
        .iter()
        .map(|one| render(one, source, "print"))
        .collect();
    assert!(told.is_empty(), "{told}\n{source}");
    parsed.complete().unwrap_or_else(|_| panic!("{source}"))
}

const SOURCES: [&str; 5] = [
    include_str!("krl/modern.krl"),
    include_str!("krl/classic.krl"),
    include_str!("krl/events.krl"),
    include_str!("krl/expressions.krl"),
    include_str!("krl/quotes.krl"),
];
