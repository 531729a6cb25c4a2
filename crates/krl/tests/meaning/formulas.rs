//! Operators mean the same however they are evaluated: between constants when the ruleset is
//! compiled, between locals as a formula, between the results of calls part by part.

use crate::world::World;

const OPERATORS: [&str; 15] = [
    "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "<=>", "cmp", "&&", "||",
];

#[test]
fn every_operator_means_the_same_in_every_way_of_evaluation() {
    let long = format!("\"{}\"", "7".repeat(100));
    let huge = format!("1{}", "0".repeat(300));
    let operands = [
        "null",
        "true",
        "false",
        "0",
        "-2.5",
        &huge,
        "\"\"",
        "\"7\"",
        "\" 0x10 \"",
        "\"abc\"",
        "[1, 2]",
        "{}",
        &long,
    ];
    for operator in OPERATORS {
        for left in operands {
            for right in operands {
                check(operator, left, right);
            }
        }
    }
}

#[test]
fn parts_that_are_no_formulas_are_evaluated_once() {
    let source = "ruleset t { global {
        count = function(n) { n.klog(\"counted\") }
      }
      rule r { select when a b if 1 + 2 * count(3) > 4 && \"x\" then noop() } }";
    let told = World::with(&[source]).send("a:b");
    assert_eq!(told.matches("counted").count(), 1, "{told}");
    assert!(told.starts_with("fired"), "{told}");
}

fn check(operator: &str, left: &str, right: &str) {
    let ways = [
        format!("{left} {operator} {right}"),
        format!("locals({left}, {right})"),
        format!("id({left}) {operator} id({right})"),
        format!("(({left} {operator} {right}) && true) => true | false"),
        format!("(id({left}) {operator} id({right})) => true | false"),
    ];
    let functions: Vec<_> = (0..ways.len()).map(|way| format!("way{way}")).collect();
    let bodies = functions.iter().zip(&ways);
    let bodies: Vec<_> = bodies
        .map(|(name, way)| format!("{name} = function() {{ {way} }}"))
        .collect();
    let world = World::with(&[&format!(
        "ruleset t {{ meta {{ shares {} }} global {{ id = function(x) {{ x }}
           locals = function(x, y) {{ x {operator} y }} {} }} }}",
        functions.join(", "),
        bodies.join("\n")
    )]);
    let answer = |way: &String| {
        let answer = world.query(way, "{}");
        // Where it went wrong differs between them.
        answer.rsplit(": ").next().unwrap_or_default().to_owned()
    };
    let answers: Vec<_> = functions.iter().map(answer).collect();
    let shown = format!("{left} {operator} {right}: {answers:?}");
    assert!(
        answers[0] == answers[1] && answers[1] == answers[2],
        "{shown}"
    );
    assert_eq!(answers[3], answers[4], "{shown}");
}
