//! What is printed reads back as the same tree.

#[path = "common/tree.rs"]
mod tree;

use stratus_krl_syntax::{ast::Ruleset, parse_ruleset, print, render};
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

const SOURCES: [&str; 4] = [
    include_str!("krl/modern.krl"),
    include_str!("krl/classic.krl"),
    include_str!("krl/events.krl"),
    include_str!("krl/expressions.krl"),
];
