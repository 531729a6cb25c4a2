//! The forms of 2012 beside those of today.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use stratus_krl_syntax::{
    ast::{
        ArgumentKind, Attributes, BlockKind, EventExpressionKind, ExpressionKind, GuardKind,
        RegexpForm, Rule, SelectKind, StatementKind,
    },
    parse_ruleset, render,
};

/// The dispatch rule as it stood in 2012.
const DISPATCH: &str = include_str!("krl/dispatch-2012.txt");

#[test]
fn the_dispatch_rule_of_2012_is_read_as_it_stands() {
    let rule = rule(DISPATCH);
    let SelectKind::When(event) = rule.select.unwrap().kind else {
        panic!("select when")
    };
    let EventExpressionKind::Primitive(primitive) = event.kind else {
        panic!("one event")
    };
    assert_eq!(
        (&*primitive.domain.name, &*primitive.name.name),
        ("schedule", "inquiry")
    );
    let [foreach] = &*rule.foreach else {
        panic!("one foreach")
    };
    assert_eq!(foreach.setting[0].name, "ta");

    let block = rule.actions.unwrap();
    assert_eq!((block.kind, block.actions.len()), (BlockKind::Single, 1));
    let send = &block.actions[0];
    assert_eq!(send.name.domain.as_ref().unwrap().name, "event");
    assert_eq!(send.arguments.len(), 4);
    assert_eq!(send.arguments[2].kind, ArgumentKind::Positional);
    assert!(
        matches!(&send.arguments[3].kind, ArgumentKind::Modifier(name) if name.name == "attrs")
    );
    assert!(matches!(&send.arguments[3].value.kind, ExpressionKind::Map(map) if map.len() == 3));

    let always = rule.postlude.unwrap().always.unwrap();
    let [statement] = &*always else {
        panic!("one statement")
    };
    assert_eq!(statement.guard.as_ref().unwrap().kind, GuardKind::Final);
    let StatementKind::Raise(raise) = &statement.kind else {
        panic!("raise")
    };
    assert_eq!(raise.domain.as_ref().unwrap().name, "explicit");
    assert!(matches!(&raise.name.kind, ExpressionKind::Name(name) if name.domain.is_none()));
}

#[test]
fn modifiers_are_told_from_named_arguments() {
    let rule = rule("select when a b act(1, two = 2) setting (x) with three = 3 and four = 4");
    let action = &rule.actions.unwrap().actions[0];
    let kinds: Vec<_> = action
        .arguments
        .iter()
        .map(|argument| match &argument.kind {
            ArgumentKind::Modifier(name) => format!("with {}", name.name),
            ArgumentKind::Named(name) => name.name.clone(),
            ArgumentKind::Positional => "-".to_owned(),
        })
        .collect();
    assert_eq!(kinds, ["-", "two", "with three", "with four"]);
    assert_eq!(action.arguments[3].name().unwrap().name, "four");
    assert_eq!(action.setting[0].name, "x");
}

#[test]
fn raised_events_carry_modifiers() {
    let rule = rule("always { raise notification event status with priority = 2 and to = [] }");
    let always = rule.postlude.unwrap().always.unwrap();
    let StatementKind::Raise(raise) = &always[0].kind else {
        panic!("raise")
    };
    let Some(Attributes::Modifiers(modifiers)) = &raise.attributes else {
        panic!("modifiers")
    };
    assert_eq!(modifiers.len(), 2);
}

#[test]
fn classic_literals_are_read() {
    let source = r"select when email received from 'a\'b' subject re/\/y\./i setting(a, b) noop()";
    let SelectKind::When(event) = rule(source).select.unwrap().kind else {
        panic!("select when")
    };
    let EventExpressionKind::Primitive(primitive) = event.kind else {
        panic!("one event")
    };
    let [from, subject] = &*primitive.filters else {
        panic!("two filters")
    };
    assert_eq!(
        (&*from.pattern.pattern, from.pattern.form),
        ("a'b", RegexpForm::Text)
    );
    assert_eq!(
        (&*subject.pattern.pattern, subject.pattern.form),
        (r"/y\.", RegexpForm::Slash)
    );
    assert!(subject.pattern.ignore_case);
}

#[test]
fn a_pageview_may_leave_out_its_attribute() {
    let source = r#"select when web pageview "/support/(\\d+)" setting(n) before email received"#;
    let SelectKind::When(event) = rule(source).select.unwrap().kind else {
        panic!("select when")
    };
    let EventExpressionKind::Combined(_, operands) = event.kind else {
        panic!("before")
    };
    let EventExpressionKind::Primitive(view) = &operands[0].kind else {
        panic!("one event")
    };
    assert_eq!(view.filters[0].attribute, None);
    assert_eq!(view.filters[0].pattern.pattern, r"/support/(\d+)");
}

#[test]
fn what_is_put_before_or_after_a_part_of_a_page_is_an_action() {
    for word in ["after", "before"] {
        let body = format!("select when web pageview \"/x\" {word}(\"#id\", <<text>>)");
        let rule = rule(&body);
        assert_eq!(rule.actions.unwrap().actions[0].name.name.name, word);
    }
    let body = "select when a b before (c d or e f)";
    let SelectKind::When(event) = rule(body).select.unwrap().kind else {
        panic!("select when")
    };
    assert!(
        matches!(event.kind, EventExpressionKind::Combined(..)),
        "{event:?}"
    );
}

/// The one rule whose body this is.
fn rule(body: &str) -> Rule {
    let source = format!("ruleset class {{ rule dispatch {{ {body} }} }}");
    let parsed = parse_ruleset(&source);
    let told: String = parsed
        .diagnostics
        .iter()
        .map(|one| render(one, &source, "rule"))
        .collect();
    assert!(told.is_empty(), "{told}");
    parsed.complete().unwrap().rules.remove(0)
}
