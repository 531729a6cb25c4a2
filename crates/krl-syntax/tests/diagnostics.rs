//! What is told of wrong sources: every independent error, where it is, and nothing else.

use stratus_krl_syntax::{
    DIAGNOSTICS_MAX, NESTING_DEPTH_MAX, SOURCE_BYTES_MAX, TREE_DEPTH_MAX, line_column,
    parse_expression, parse_ruleset, render,
};

#[test]
fn each_error_has_its_code_and_place() {
    check("ruleset a{rule b{fired{ent:c=1}}}", &["krl-expected 1:29"]);
    check(
        "ruleset a{rule b{fired{ent:c := }}}",
        &["krl-expected 1:33"],
    );
    check("ruleset a.b. {}", &["krl-rid-invalid 1:9"]);
    let great = format!("ruleset a{{global{{b = {}}}}}", "9".repeat(400));
    check(&great, &["krl-number-range 1:22"]);
    check("ruleset a..b {}", &["krl-rid-invalid 1:9"]);
    check("ruleset a{meta{use module b- }}", &["krl-rid-invalid 1:27"]);
    check("ruleset a-2012.16x2 {}", &[]);
    check("ruleset a{meta{foo bar}}", &["krl-meta-unknown 1:16"]);
    check("ruleset a{meta{} meta{}}", &["krl-duplicate-block 1:23"]);
    check(
        "ruleset a{global{a = function(){}}}",
        &["krl-function-result 1:33"],
    );
    check(
        "ruleset a{global{a = defaction(){b() return 1, 2}}}",
        &["krl-action-result 1:46"],
    );
    check("ruleset a{global{not = 1}}", &["krl-reserved-word 1:18"]);
    check(
        "ruleset a{global{a = setting}}",
        &["krl-reserved-word 1:22"],
    );
    check(
        "ruleset a{rule b{select when or x}}",
        &["krl-reserved-word 1:30"],
    );
    check(
        "ruleset a{global{a = 1 ~~ b = 2}}",
        &["krl-illegal-character 1:24"],
    );
    check(
        "ruleset a{global{a = \"x\nb = 2}}",
        &["krl-unclosed-string 1:22"],
    );
    check("ruleset a{} /* b", &["krl-unclosed-comment 1:13"]);
    check(
        "ruleset a{global{a = re#x\n}}",
        &["krl-unclosed-regexp 1:22"],
    );
    check(
        "ruleset a{rule b{select when c d pre{} pre{}}}",
        &["krl-duplicate-block 1:40"],
    );
    check(
        "ruleset a{rule b{always{} noop()}}",
        &["krl-rule-order 1:27"],
    );
    check(
        "ruleset a{rule b{every{} noop()}}",
        &["krl-duplicate-block 1:26"],
    );
    check("ruleset a{} ruleset b{}", &["krl-expected 1:13"]);
    check("ruleset a{", &["krl-unclosed-bracket 1:10"]);
    check("", &["krl-expected 1:1"]);
}

#[test]
fn an_unclosed_chevron_is_told_where_it_opens() {
    let codes = codes("ruleset a{global{b = <<x #{y} }}");
    assert!(
        codes.contains(&"krl-unclosed-chevron 1:22".to_owned()),
        "{codes:?}"
    );
}

#[test]
fn all_independent_errors_are_told() {
    let source = r#"
ruleset dispatch {
  meta {
    name "dispatch"
    colour "red"
    shares a,
    author "me"
  }
  global {
    limit = 
    good = 1
    wait = {"minutes": }
    other = f(1, 2
  }
  rule first {
    select when schedule
    always { ent:a = 1; ent:b := 2; raise event; last }
  }
  rule second {
    select when a b
    if x event:send(y)
    fired { log info "z" }
  }
  rule third { select when a b noop() always { clear ent:a }
  rule fourth { select when a b noop() }
}
"#;
    check(
        source,
        &[
            "krl-meta-unknown 5:5",
            "krl-expected 7:12",
            "krl-expected 11:5",
            "krl-expected 12:24",
            "krl-expected 14:3",
            "krl-expected 17:5",
            "krl-expected 17:20",
            "krl-expected 17:48",
            "krl-expected 21:10",
            "krl-unclosed-bracket 24:14",
        ],
    );
}

#[test]
fn the_rules_that_are_right_are_kept() {
    let source = "ruleset a { rule b { select } rule c { noop( } rule d { select when e f } }";
    let ruleset = parse_ruleset(source).ruleset;
    let names: Vec<_> = ruleset
        .iter()
        .flat_map(|one| &one.rules)
        .map(|rule| &*rule.name.name)
        .collect();
    assert_eq!(names, ["b", "c", "d"]);
}

#[test]
fn a_ruleset_closed_too_early_keeps_its_rules() {
    let source = "ruleset a {\nrule b { select when c d } }\nrule e { select when f g }\n}";
    check(source, &["krl-unopened-bracket 2:28"]);
    assert_eq!(
        parse_ruleset(source).ruleset.map(|one| one.rules.len()),
        Some(2)
    );
}

#[test]
fn only_a_source_without_errors_is_complete() {
    assert!(
        parse_ruleset("ruleset a{rule b{select}}")
            .complete()
            .is_err()
    );
    assert!(
        parse_ruleset("ruleset a{rule b{select when c d}}")
            .complete()
            .is_ok()
    );
}

#[test]
fn the_bounds_are_told() {
    let deep = |depth| format!("{}1{}", "(".repeat(depth), ")".repeat(depth));
    let signs = |depth| format!("{}1", "-".repeat(depth));
    let sum = |length| format!("1{}", "+1".repeat(length));
    let chain = |length| format!("a{}", ".b()".repeat(length));
    bound(&deep, NESTING_DEPTH_MAX - 1);
    bound(&signs, NESTING_DEPTH_MAX - 1);
    bound(&sum, TREE_DEPTH_MAX - 1);
    bound(&chain, TREE_DEPTH_MAX - 1);
    let long = " ".repeat(SOURCE_BYTES_MAX + 1);
    assert_eq!(codes(&long), ["krl-source-too-long 1:1"]);
    let wrong = format!(
        "ruleset a{{global{{{}}}}}",
        "~ \n".repeat(DIAGNOSTICS_MAX + 7)
    );
    let codes = codes(&wrong);
    assert_eq!(codes.len(), DIAGNOSTICS_MAX + 1);
    assert!(
        codes
            .iter()
            .any(|code| code.starts_with("krl-too-many-errors"))
    );
}

#[test]
fn a_problem_reads_well() {
    let source = "ruleset a {\n  global {\n    f = function(x) {\n      y = x [0]\n    }\n  }\n}\n";
    let parsed = parse_ruleset(source);
    let text: String = parsed
        .diagnostics
        .iter()
        .map(|one| render(one, source, "a.krl"))
        .collect();
    let expected = "\
error[krl-function-result]: a function must end with the expression that it gives
 --> a.krl:5:5
  |
5 |     }
  |     ^ an expression is missing before this
4 |       y = x [0]
  |           ^^^^^ this is read as one expression
  = help: if its end is meant to be the result, put `return` before that
";
    assert_eq!(text, expected);
}

#[test]
fn slips_in_words_of_the_language_are_understood() {
    meant("ruleset a{met{}}", "meta");
    meant("ruleset a{golbal{}}", "global");
    meant("rulset a{}", "ruleset");
    meant("ruleset a{meta{share a autor \"b\"}}", "author");
    meant("ruleset a{rule b{selct when c d}}", "select");
    meant("ruleset a{rule b{select whn c d}}", "when");
    meant("ruleset a{rule b{select when c d befor e f}}", "before");
    meant("ruleset a{rule b{if c the noop()}}", "then");
    meant("ruleset a{rule b{alwyas{}}}", "always");
    meant("ruleset a{rule b{fired{rais c event \"d\"}}}", "raise");
    meant("ruleset a{rule b{fired{raise c evnt \"d\"}}}", "event");
    meant("ruleset a{rule b is activ{}}", "active");
}

#[test]
fn errors_in_a_body_or_a_list_do_not_hide_each_other() {
    let source = "ruleset a{global{f = function(x){\n y = \n z = [1, *, 3, /]\n w = x +\n return 1\n}\n\
        g = defaction(){\n v = )\n u = 1\n noop()\n}}}";
    check(
        source,
        &[
            "krl-expected 3:2",
            "krl-expected 3:10",
            "krl-expected 3:16",
            "krl-reserved-word 5:2",
            "krl-expected 8:6",
        ],
    );
}

#[test]
fn forms_of_2012_are_slips_in_a_modern_ruleset() {
    let modern = |rule: &str| format!("ruleset a.b{{rule c{{select when d e {rule}}}}}");
    let classic = |rule: &str| format!("ruleset 1{{rule c{{select when d e {rule}}}}}");
    for rule in [
        "{ f(); g() }",
        "f(); g()",
        "f({h: 1})",
        "fired { clear ent:i{} }",
        "#x#",
        "foreach f setting()",
        "pre { return = 1 }",
        "pre { f = 1;; g = 2 }",
        "pre { ; f = 1 }",
        "always { last;; }",
        "f(then)",
        "f(return)",
        "pre { f = function(x){ return } }",
        "pre { f = function(x){ return.g() } }",
    ] {
        assert_eq!(codes(&classic(rule)), [""; 0], "{rule}");
        assert_eq!(codes(&modern(rule)).len(), 1, "{rule}");
    }
}

/// The first error of a source asks whether a word was meant.
fn meant(source: &str, word: &str) {
    let diagnostics = parse_ruleset(source).diagnostics;
    let help = diagnostics.first().and_then(|one| one.help.clone());
    assert_eq!(help, Some(format!("did you mean `{word}`?")), "{source}");
}

/// An expression of the greatest size is read, and one beyond it is told to be too deep.
fn bound(form: &dyn Fn(usize) -> String, greatest: usize) {
    assert_eq!(parse_expression(&form(greatest)).1, []);
    let diagnostics = parse_expression(&form(greatest + 1)).1;
    let codes: Vec<_> = diagnostics.iter().map(|one| one.code).collect();
    assert_eq!(codes, ["krl-nested-too-deep"]);
}

fn check(source: &str, expected: &[&str]) {
    let parsed = parse_ruleset(source);
    let told: String = parsed
        .diagnostics
        .iter()
        .map(|one| render(one, source, "test"))
        .collect();
    assert_eq!(codes(source), expected, "{told}");
}

/// What is told of a source: codes with lines and columns.
fn codes(source: &str) -> Vec<String> {
    let diagnostics = parse_ruleset(source).diagnostics;
    let place = |offset| line_column(source, offset);
    diagnostics
        .iter()
        .map(|one| (one.code, place(one.span().start)))
        .map(|(code, (line, column))| format!("{code} {line}:{column}"))
        .collect()
}
