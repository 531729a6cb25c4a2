//! Rulesets with random damage: they compile or not, run or fail, but nothing panics.

use stratus_pen::language::Limits;

use crate::world::World;

/// One of nearly everything.
const RULESET: &str = r#"ruleset test {
    meta { name "All" shares q, f provides f configure using c = 1 use module lib alias l }
    global {
        f = function(a, b = 2) { d = a + b; d > 3 => [d, "x"] | {"k": d, "l": [null, true]} }
        g = defaction(x) { if x then every { send_directive("g", {"x": x}) noop() } return x }
        q = function() { [3, 1, 2].sort("numeric").map(function(v, i) { v * i }).filter(function(v) { v > 0 }) }
        h = <<text #{f(1){"k"}} more #{time:now()}>>
    }
    rule one is active {
        select when a b n re#^(\d+)(.*)$#i setting(n, rest) where n > 1 || rest.length() < 5
        foreach [1, 2, 3] setting (v, k) foreach {"p": v, "q": "r"} setting (w)
        pre { s = n.as("Number") + v; t = h.replace(re#(t)#g, "$1-").split(" "); u = s{["a", 1]} }
        if s >= 0 && not (t >< "z") then choose w { r => g(s) setting(y); z => noop() }
        fired {
            ent:m{[k, "x"]} := (ent:m{k}.defaultsTo({"n": 0})).put(["n"], s);
            raise x event "y" attributes {"s": s, "m": ent:m} if v == 2;
            log info t.join(",").sprintf("%s");
            clear ent:m{k} on final
        } else { last } finally { ent:n := ent:n + 1 }
    }
    rule two {
        select when a b and (a b before a c) within 5 minutes
        event:send(subscription:established().head(), "d", "t") with attrs = {"r": math:random(9)}
        always { schedule x event "z" at time:add(time:now(), {"days": -1.5}) setting(id) error info id }
    }
}"#;

const MODULE: &str = "ruleset lib { meta { provides z } global { z = 1 } }";

#[test]
fn damaged_rulesets_never_panic() {
    let pieces: Vec<&str> = RULESET
        .split_inclusive([' ', '(', ')', '.', ',', '{', '}'])
        .collect();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut draw = |below: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        usize::try_from(state % below as u64).unwrap()
    };
    let mut ran = 0;
    for _ in 0..3_000 {
        let mut damaged = pieces.clone();
        for _ in 0..=draw(2) {
            let (from, to) = (draw(damaged.len()), draw(damaged.len()));
            match draw(3) {
                0 => drop(damaged.remove(from)),
                1 => damaged.insert(to, pieces[from % pieces.len()]),
                _ => damaged.swap(from, to),
            }
        }
        ran += usize::from(run(&damaged.concat()));
    }
    assert!(ran > 300, "only {ran} of them compiled");
}

/// Whether it compiled.
fn run(source: &str) -> bool {
    let Some(mut world) = World::try_with(&[source, MODULE]) else {
        return false;
    };
    world.limits = Limits {
        fuel_max: 20_000,
        ..Limits::default()
    };
    for event in ["a:b", r#"a:b {"n": "12é"}"#, "a:c"] {
        assert!(!world.send(event).contains("krl-internal"), "{source}");
    }
    let _ = world.ask("q");
    let _ = world.ask("f");
    true
}
