//! Where rulesets come from, what they are told, and what they may do.

use std::sync::Arc;

use stratus_engine::{Command, Listing, Reply, RulesetListing, Updated};
use stratus_event::{Eci, Fault, Map, PenId, Value, Whose};
use stratus_krl::Krl;
use stratus_pen::{Allowed, Permissions, language::Language};

use crate::{
    chatter::name,
    world::{World, raise},
};

const URL: &str = "https://rulesets.example/a.krl";

const SHOP: &str = r#"ruleset a {
    meta { shares got, config }
    global {
        got = function() { ent:got }
        config = function() { [meta:rulesetConfig, meta:rid_url] }
    }
    rule ask {
        select when a ask
        pre { answer = http:get(event:attrs{"url"}) }
        fired { ent:got := answer{"content"} }
    }
    rule tell { select when a tell http:post(event:attrs{"url"}, body = "x") }
    rule send { select when a send event:send({"eci": meta:eci, "domain": "talk", "type": "x"}) }
    rule failed { select when system error or system effect_failed or event send_failed
        fired { ent:got := event:attrs{"code"} } }
}"#;

struct Home {
    world: World,
    pen: PenId,
    owner: Eci,
}

impl Home {
    fn new() -> Self {
        let language: Arc<dyn Language> = Arc::new(Krl);
        let mut world = World::speaking(&language, 1, |_| {});
        let pen = world.pen(0);
        let owner = world.owner(0, pen);
        Self { world, pen, owner }
    }

    fn install(&self, source: &str, permissions: Option<Permissions>) -> Command {
        Command::Install {
            pen: self.pen,
            source: source.to_owned(),
            from: Some(URL.to_owned()),
            configuration: None,
            permissions: permissions.map(Box::new),
        }
    }

    fn update(&mut self, text: Result<&str, Fault>) -> Updated {
        let command = Command::Update {
            pen: self.pen,
            from: URL.to_owned(),
            text: text.map(str::to_owned),
        };
        match self.world.ok(0, command) {
            Reply::Updated(updated) => updated,
            reply => panic!("{reply:?}"),
        }
    }

    #[track_caller]
    fn check_refused(&mut self, text: Result<&str, Fault>, code: &str) {
        let updated = self.update(text);
        let codes: Vec<_> = updated
            .failed
            .iter()
            .map(|(_, fault)| &*fault.code)
            .collect();
        assert_eq!(codes, [code]);
        let listed = self.listed();
        assert_eq!(
            listed.trouble.map(|fault| fault.code).as_deref(),
            Some(code)
        );
        let last = self.world.nodes[0].journal(self.pen).pop();
        assert_eq!(last.as_deref(), Some("system:ruleset_failed"));
    }

    fn listed(&mut self) -> RulesetListing {
        let Reply::Listing(listing) = self.world.ok(0, Command::List { pen: self.pen }) else {
            panic!()
        };
        let Listing { installed, .. } = *listing;
        installed.into_iter().next().unwrap().1
    }

    fn got(&mut self, event: &str, attributes: &[(&str, &str)]) -> Value {
        let command = raise(self.owner, event, attributes);
        self.world.ok(0, command);
        self.world.query(0, self.pen, "a", "got")
    }
}

fn only(names: &[&str]) -> Allowed {
    names.iter().copied().collect()
}

#[test]
fn a_text_is_brought_up_to_date_from_its_address() {
    let mut home = Home::new();
    let (old, new) = ("ruleset a { }", "ruleset a { rule r { select when a b } }");
    let command = home.install(old, None);
    home.world.ok(0, command);
    assert_eq!(home.update(Ok(old)).unchanged, [name("a")]);
    assert_eq!(home.update(Ok(new)).changed, [name("a")]);
    let journal = home.world.nodes[0].journal(home.pen);
    assert_eq!(journal, ["system:ruleset_updated"]);
    let versions = home.listed().versions;
    let hashes: Vec<_> = versions.iter().map(|version| version.program).collect();
    let hash = |source: &str| *blake3::hash(source.as_bytes()).as_bytes();
    assert_eq!(hashes, [hash(old), hash(new)]);
    assert!(
        versions
            .iter()
            .all(|version| version.from.as_deref() == Some(URL))
    );
    home.world.crash(0);
    assert_eq!(home.listed().versions, versions);
}

#[test]
fn what_cannot_be_brought_up_to_date_stays_and_is_told() {
    let mut home = Home::new();
    let command = home.install("ruleset a { }", None);
    home.world.ok(0, command);
    let gone = Fault::new(Whose::World, "fetch-refused", "the answer is 404");
    home.check_refused(Err(gone), "fetch-refused");
    home.check_refused(Ok("ruleset a { rule }"), "krl-expected");
    home.check_refused(Ok("ruleset b { }"), "ruleset-another");
    home.check_refused(Ok(SHOP), "permissions-needed");
    home.world.crash(0);
    assert!(home.listed().trouble.is_some());
    assert_eq!(home.update(Ok("ruleset a { }")).unchanged, [name("a")]);
    assert_eq!(home.listed().trouble, None);
    assert_eq!(home.listed().versions.len(), 1);
}

#[test]
fn a_ruleset_reads_what_it_is_configured_with() {
    let mut home = Home::new();
    let given = Map::from([("greeting", "Hi")]);
    let mut command = home.install(SHOP, None);
    if let Command::Install { configuration, .. } = &mut command {
        *configuration = Some(given.clone());
    }
    home.world.ok(0, command);
    let expected = Value::list([Value::map(given), Value::text(URL)]);
    assert_eq!(home.world.query(0, home.pen, "a", "config"), expected);
    let again = home.install(SHOP, None);
    home.world.ok(0, again);
    home.world.crash(0);
    assert_eq!(home.world.query(0, home.pen, "a", "config"), expected);
}

#[test]
fn what_a_text_names_must_be_permitted_to_install_it() {
    let mut home = Home::new();
    let source = r#"ruleset a { rule r { select when a b http:post("https://shop.example/x") } }"#;
    let none = home.install(source, Some(Permissions::default()));
    assert_eq!(home.world.code(0, none), "permissions-needed");
    let permissions = Permissions {
        hosts: only(&["shop.example"]),
        ..Permissions::default()
    };
    let some = home.install(source, Some(permissions.clone()));
    home.world.ok(0, some);
    assert_eq!(home.listed().permissions, permissions);
    let derived = home.install(source, None);
    home.world.ok(0, derived);
    assert_eq!(home.listed().permissions, permissions);
}

#[test]
fn what_is_not_permitted_does_not_leave() {
    let mut home = Home::new();
    let permissions = Permissions {
        hosts: only(&["shop.example"]),
        domains: only(&["talk"]),
        ..Permissions::default()
    };
    let command = home.install(SHOP, Some(permissions));
    home.world.ok(0, command);
    let thief = [("url", "https://thief.example/")];
    let refused = Value::text("effect-not-permitted");
    assert_eq!(home.got("a:tell", &thief), refused);
    let asked = home.got("a:ask", &thief);
    assert_eq!(asked, Value::text("krl-answer-failed"));
    assert!(home.world.nodes[0].asks.is_empty() && home.world.nodes[0].performs.is_empty());
    home.got("a:tell", &[("url", "https://shop.example/")]);
    assert_eq!(home.world.nodes[0].performs.len(), 1);
}

#[test]
fn an_event_of_another_domain_does_not_leave() {
    let mut home = Home::new();
    let source = SHOP.replace(r#""domain": "talk""#, r#""domain": "talk" + "er""#);
    let permissions = Permissions {
        hosts: Allowed::Any,
        domains: only(&["talk"]),
        ..Permissions::default()
    };
    let command = home.install(&source, Some(permissions));
    home.world.ok(0, command);
    assert_eq!(home.got("a:send", &[]), Value::text("effect-not-permitted"));
}

#[test]
fn a_ruleset_may_what_its_modules_may() {
    let mut home = Home::new();
    let module = r#"ruleset shop { meta { provides buy }
        global { buy = defaction() { http:post("https://shop.example/") } } }"#;
    let user = r"ruleset a { meta { use module shop shares got }
        global { got = function() { ent:got } }
        rule buy { select when a buy shop:buy() } }";
    for source in [module, user] {
        let command = home.install(source, None);
        home.world.ok(0, command);
    }
    home.got("a:buy", &[]);
    assert_eq!(home.world.nodes[0].performs.len(), 1);
}
