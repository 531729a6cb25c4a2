//! A PEN's state: channels, rulesets, queries.

use std::sync::Arc;

use stratus_event::{Eci, Fault, Map, PenId, Timestamp, Value};
use stratus_pen::{
    Bearer, Channel, ChannelId, Common, Gone, Policy, Query, QueryEnding, Rule, State,
    language::{Answers, Limits, Question, QuestionId, RuleError, StateView, Stop},
    variable::Part,
};
use stratus_salience::Expression;

use crate::ruleset::{Ruleset, fired, name, on, run, setting, state, story, timer};

#[test]
fn modules_have_to_be_there_and_stay() {
    let mut state = state([Ruleset::new("base")]);
    let code = |gone: Result<Gone, Fault>| gone.unwrap_err().code;
    let missing = Ruleset::new("top").uses("middle");
    assert_eq!(code(state.install(Arc::new(missing))), "module-missing");
    state
        .install(Arc::new(Ruleset::new("middle").uses("base")))
        .unwrap();
    let cycle = Ruleset::new("base").uses("middle");
    assert_eq!(code(state.install(Arc::new(cycle))), "module-cycle");
    assert_eq!(code(state.uninstall(&name("base"))), "ruleset-used");
    assert_eq!(code(state.uninstall(&name("other"))), "ruleset-unknown");
    state.uninstall(&name("middle")).unwrap();
    state.change(&setting("base", "v", 1));
    state.set_timer(timer("t", "base"));
    let gone = state.uninstall(&name("base")).unwrap();
    assert_eq!(gone.variables, [(name("base"), name("v"), Part::Head)]);
    assert_eq!(gone.timers, [name("t")]);
    assert_eq!(
        (state.programs().count(), state.all_timers().count()),
        (0, 0)
    );
    assert_eq!(state.variable(&name("base"), &name("v")), None);
}

#[test]
fn an_expression_beyond_the_bounds_is_refused() {
    let endless = Expression::Or(vec![on("t:a"); 1000]);
    let ruleset = Ruleset::new("r").rule("a", endless, |_| Ok(fired()));
    let mut state = State::new(PenId([1; 16]), "test");
    assert_eq!(
        state.install(Arc::new(ruleset)).unwrap_err().code,
        "expression-unfit"
    );
    assert_eq!(state.programs().count(), 0);
}

#[test]
fn a_ruleset_installed_again_keeps_its_place() {
    let ruleset = |rid| Ruleset::new(rid).rule("a", on("t:a"), |_| Ok(fired()));
    let mut one = state([ruleset("x"), ruleset("y")]);
    one.install(Arc::new(ruleset("x"))).unwrap();
    assert_eq!(story(&run(&one, "t:a")), ["t:a x/a", "t:a y/a"]);
    one.uninstall(&name("x")).unwrap();
    one.install(Arc::new(ruleset("x"))).unwrap();
    assert_eq!(story(&run(&one, "t:a")), ["t:a y/a", "t:a x/a"]);
}

#[test]
fn pens_with_the_same_programs_share_their_rulesets() {
    let program = Arc::new(Ruleset::new("x").rule("a", on("t:a"), |_| Ok(fired())));
    let pen = |id, programs: usize| {
        let mut state = State::new(PenId([id; 16]), "test");
        if programs > 0 {
            state.install(program.clone()).unwrap();
        }
        state
    };
    let (mut one, mut two, mut other) = (pen(1, 1), pen(2, 1), pen(3, 0));
    let mut common = Common::default();
    for pen in [&mut one, &mut two, &mut other] {
        common.share(pen);
    }
    assert!(one.shares_rulesets(&two));
    assert!(!one.shares_rulesets(&other));
    // What is shared changes for one alone.
    one.uninstall(&name("x")).unwrap();
    assert_eq!(
        (
            story(&run(&one, "t:a")).len(),
            story(&run(&two, "t:a")).len()
        ),
        (0, 1)
    );
}

fn channel(open: bool, policy: Policy) -> Channel {
    let (eci, id) = (Eci([7; 32]), ChannelId([0; 16]));
    Channel {
        eci,
        id,
        tags: Vec::new(),
        policy,
        generation: 0,
        open,
        bearer: Bearer::Nobody,
        family: None,
        rate: None,
    }
}

fn lines(lines: &str) -> Vec<Rule> {
    let half = |text: &str| (text != "*").then(|| name(text));
    let line = |text: &str| {
        let (first, second) = text.split_once(':').unwrap();
        Rule {
            first: half(first),
            second: half(second),
        }
    };
    lines.split_whitespace().map(line).collect()
}

/// Whether a channel lets in `a:b`, as an event and as a query.
fn check_policy(allowed: &str, denied: &str, expected: bool) {
    let policy = Policy {
        events_allowed: lines(allowed),
        events_denied: lines(denied),
        queries_allowed: lines(allowed),
        queries_denied: lines(denied),
    };
    let channel = channel(true, policy);
    let code = |answer: Result<(), Fault>| answer.err().map(|fault| fault.code.into_owned());
    let (a, b) = (name("a"), name("b"));
    let event = code(channel.check_event(&a, &b));
    let query = code(channel.check_query(&a, &b));
    let refused = |code: &str| (!expected).then(|| code.to_owned());
    assert_eq!(event, refused("policy-refuses"), "{allowed} / {denied}");
    assert_eq!(query, refused("policy-refuses"), "{allowed} / {denied}");
}

#[test]
fn a_policy_lets_in_nothing_that_it_does_not_name() {
    check_policy("", "", false);
    check_policy("a:b", "", true);
    check_policy("a:*", "", true);
    check_policy("*:b", "", true);
    check_policy("*:*", "", true);
    check_policy("a:c c:b", "", false);
    check_policy("*:*", "a:b", false);
    check_policy("a:b", "*:b", false);
    check_policy("a:b", "a:c", true);
}

#[test]
fn unknown_and_shut_channels_let_in_nothing() {
    let mut pen = State::new(PenId([1; 16]), "test");
    let all = Policy {
        queries_allowed: lines("*:*"),
        ..Policy::default()
    };
    let code = |pen: &State| {
        pen.permits_query(&Eci([7; 32]), &name("a"), &name("b"))
            .err()
            .map(|fault| fault.code)
    };
    assert_eq!(code(&pen).as_deref(), Some("channel-unknown"));
    pen.set_channel(channel(false, all.clone()));
    assert_eq!(code(&pen).as_deref(), Some("channel-shut"));
    pen.set_channel(channel(true, all));
    assert_eq!(code(&pen), None);
    assert!(pen.remove_channel(&Eci([7; 32])).is_some());
    assert_eq!(code(&pen).as_deref(), Some("channel-unknown"));
}

fn query(state: &State, rid: &str, query: &str) -> Query {
    Query {
        state: state.clone(),
        rid: name(rid),
        name: name(query),
        arguments: Map::from([("a", 1)]),
        channel: None,
        now: Timestamp(2000),
        seed: [3; 32],
        limits: Limits::default(),
        answers: Answers::new(),
    }
}

#[test]
fn queries_answer_ask_and_fail() {
    let id = QuestionId {
        iteration: 0,
        site: 0,
        ordinal: 0,
    };
    let ruleset = Ruleset::new("r")
        .query("read", |arguments, scene| {
            assert!(scene.event.is_none());
            let stored = scene
                .view
                .variable(&name("r"), &name("v"))
                .unwrap_or_default();
            Ok(Value::list([
                stored,
                arguments.get("a").cloned().unwrap_or_default(),
            ]))
        })
        .query("ask", move |_, scene| match scene.answers.get(&id) {
            Some(answer) => Ok(answer.clone().unwrap()),
            None => Err(asking(id)),
        })
        .query("nag", move |_, _| Err(asking(id)))
        .query("bad", |_, _| {
            Err(Stop::Error(RuleError {
                code: "test-failed",
                message: "it went wrong".into(),
            }))
        });
    let mut state = state([ruleset]);
    state.change(&setting("r", "v", 7));
    let code = |query: Query| match query.run().0 {
        QueryEnding::Done(answer) => answer.unwrap_err().code,
        QueryEnding::Ask(_) => panic!("it asks"),
    };
    let read = query(&state, "r", "read").run();
    let answer = Ok(Value::list([7.into(), 1.into()]));
    assert_eq!(read, (QueryEnding::Done(answer), 10));
    let mut ask = query(&state, "r", "ask");
    let (QueryEnding::Ask(questions), _) = ask.run() else {
        panic!("it does not ask")
    };
    ask.answers.insert(questions[0].id, Ok(5.into()));
    assert_eq!(ask.run(), (QueryEnding::Done(Ok(5.into())), 10));
    let nag = Query {
        answers: ask.answers,
        ..query(&state, "r", "nag")
    };
    assert_eq!(code(nag), "question-repeated");
    assert_eq!(code(query(&state, "r", "bad")), "test-failed");
    assert_eq!(code(query(&state, "r", "none")), "query-unknown");
    assert_eq!(code(query(&state, "none", "read")), "ruleset-unknown");
}

fn asking(id: QuestionId) -> Stop {
    let (connector, action) = (name("test"), name("number"));
    Stop::Ask(vec![Question {
        id,
        connector,
        action,
        arguments: Map::new(),
    }])
}
