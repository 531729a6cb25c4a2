//! What a ruleset may do beyond its PEN: what its text asks for, and what its owner grants it.

use std::collections::BTreeSet;

use stratus_event::{Map, Name};

use crate::language::OF_PENS;

/// What a ruleset asks for, or is granted.
///
/// A ruleset may also do what a module may do that it may use.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Permissions {
    /// Connectors besides `http`, such as `twilio`.
    pub connectors: Allowed,
    /// Domains of events that it may send to other PENs.
    pub domains: Allowed,
    /// Hosts that it may ask and tell by HTTP: lower case, without a port.
    pub hosts: Allowed,
    /// Rulesets that it may use as modules.
    pub modules: Allowed,
    /// Whether it may ask other PENs of the node.
    pub pens: bool,
    /// Whether it may install and remove rulesets.
    pub rulesets: bool,
}

/// Which of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// All of them, whatever they are called.
    Any,
    /// Those of these names.
    Only(BTreeSet<String>),
}

impl Permissions {
    /// The permission to do everything.
    pub fn any() -> Self {
        Self {
            connectors: Allowed::Any,
            domains: Allowed::Any,
            hosts: Allowed::Any,
            modules: Allowed::Any,
            pens: true,
            rulesets: true,
        }
    }

    /// Adds what another one permits.
    pub fn extend(&mut self, other: &Self) {
        self.connectors.extend(&other.connectors);
        self.domains.extend(&other.domains);
        self.hosts.extend(&other.hosts);
        self.modules.extend(&other.modules);
        self.pens |= other.pens;
        self.rulesets |= other.rulesets;
    }

    /// Whether nothing is permitted.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What of the wanted is not permitted.
    #[must_use]
    pub fn lacking(&self, wanted: &Self) -> Self {
        Self {
            connectors: self.connectors.lacking(&wanted.connectors),
            domains: self.domains.lacking(&wanted.domains),
            hosts: self.hosts.lacking(&wanted.hosts),
            modules: self.modules.lacking(&wanted.modules),
            pens: wanted.pens && !self.pens,
            rulesets: wanted.rulesets && !self.rulesets,
        }
    }

    /// What of the wanted an owner leaves out who says in detail what she permits: where a text
    /// does not tell what it will want, she may name some.
    #[must_use]
    pub fn left_out(&self, wanted: &Self) -> Self {
        let named = |mine: &Allowed, wanted: &Allowed| match (mine, wanted) {
            (Allowed::Only(names), Allowed::Any) if !names.is_empty() => Allowed::default(),
            _ => mine.lacking(wanted),
        };
        Self {
            connectors: named(&self.connectors, &wanted.connectors),
            domains: named(&self.domains, &wanted.domains),
            hosts: named(&self.hosts, &wanted.hosts),
            modules: named(&self.modules, &wanted.modules),
            ..self.lacking(wanted)
        }
    }

    /// Whether work of a connector, or a question to it, is permitted.
    pub fn permits(&self, connector: &Name, arguments: &Map) -> bool {
        match connector.as_str() {
            HTTP => match arguments.text("url").and_then(host) {
                Some(host) => self.hosts.permits(&host),
                None => self.hosts == Allowed::Any,
            },
            OF_PENS => self.pens,
            RULESET => self.rulesets,
            other => self.connectors.permits(other),
        }
    }

    /// What is permitted, a line each, for people.
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        let lists = [
            ("talk to the hosts", "any host", &self.hosts),
            ("use the connectors", "any connector", &self.connectors),
            ("send events of the domains", "any domain", &self.domains),
            ("use the modules", "any module", &self.modules),
        ];
        for (what, any, allowed) in lists {
            match allowed {
                Allowed::Any => lines.push(format!("{what}: {any}")),
                Allowed::Only(names) if names.is_empty() => {}
                Allowed::Only(names) => {
                    let names: Vec<&str> = names.iter().map(String::as_str).collect();
                    lines.push(format!("{what}: {}", names.join(", ")));
                }
            }
        }
        if self.pens {
            lines.push("ask other PENs of this node".to_owned());
        }
        if self.rulesets {
            let line =
                "install rulesets, which then may do what their texts ask for, and remove them";
            lines.push(line.to_owned());
        }
        lines
    }
}

impl Allowed {
    /// Whether that one is among them.
    pub fn permits(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Only(names) => names.contains(name),
        }
    }

    /// Adds one more.
    pub fn add(&mut self, name: &str) {
        if let Self::Only(names) = self {
            names.insert(name.to_owned());
        }
    }

    fn extend(&mut self, other: &Self) {
        match (self, other) {
            (Self::Only(names), Self::Only(others)) => names.extend(others.iter().cloned()),
            (this, Self::Any) => *this = Self::Any,
            (Self::Any, _) => {}
        }
    }

    fn lacking(&self, wanted: &Self) -> Self {
        match (self, wanted) {
            (Self::Any, _) => Self::default(),
            (Self::Only(_), Self::Any) => Self::Any,
            (Self::Only(names), Self::Only(wanted)) => {
                Self::Only(wanted.difference(names).cloned().collect())
            }
        }
    }
}

impl Default for Allowed {
    /// None of them.
    fn default() -> Self {
        Self::Only(BTreeSet::new())
    }
}

/// Names; `*` is any.
impl<T: Into<String>> FromIterator<T> for Allowed {
    fn from_iter<I: IntoIterator<Item = T>>(names: I) -> Self {
        let names: BTreeSet<String> = names.into_iter().map(Into::into).collect();
        if names.contains(ANY) {
            Self::Any
        } else {
            Self::Only(names)
        }
    }
}

/// As it is written: the names, or `*`.
impl From<&Allowed> for Vec<String> {
    fn from(allowed: &Allowed) -> Self {
        match allowed {
            Allowed::Any => vec![ANY.to_owned()],
            Allowed::Only(names) => names.iter().cloned().collect(),
        }
    }
}

/// The host of an address, if it is written so plainly that everybody reads the same: `http` or
/// `https`, letters, digits, dots and hyphens, perhaps a port, and then a path or the end.
pub fn host(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
        return None;
    }
    let authority = rest.split(['/', '?', '#']).next()?;
    let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
    let plain = |character: char| character.is_ascii_alphanumeric() || ".-".contains(character);
    let is_plain = !host.is_empty() && host.chars().all(plain);
    let is_port = port.chars().all(|character| character.is_ascii_digit());
    (is_plain && is_port).then(|| host.to_ascii_lowercase())
}

/// The connector for requests by HTTP.
pub const HTTP: &str = "http";

/// The connector of questions for the text of a ruleset.
pub const RULESET: &str = "ruleset";

const ANY: &str = "*";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_of_an_address_is_plain_or_unknown() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(host(url).as_deref(), expected, "{url}");
        };
        check("https://Shop.example/a?b", Some("shop.example"));
        check("http://127.0.0.1:8080", Some("127.0.0.1"));
        check("http://a.example?x=//b.example", Some("a.example"));
        check("http://a.example@b.example/", None);
        check("http://a.example\\@b.example/", None);
        check("http://a.ex\tample/", None);
        check("http:/a.example/", None);
        check("http://[::1]/", None);
        check("http://%61.example/", None);
        check("http://bücher.example/", None);
        check("file:///etc/passwd", None);
        check("http://", None);
    }

    #[test]
    fn what_is_not_permitted_is_lacking() {
        let only = |names: &[&str]| names.iter().copied().collect::<Allowed>();
        let check = |mine: Allowed, wanted: Allowed, expected: Allowed| {
            assert_eq!(mine.lacking(&wanted), expected);
        };
        check(only(&["a"]), only(&["a", "b"]), only(&["b"]));
        check(only(&["*"]), only(&["a"]), only(&[]));
        check(only(&["a"]), only(&["*"]), Allowed::Any);
        let wanted = Permissions::any();
        let mut mine = Permissions::default();
        assert_eq!(mine.lacking(&wanted), wanted);
        mine.hosts.add("a");
        assert_eq!(mine.left_out(&wanted).hosts, Allowed::default());
        assert_eq!(mine.left_out(&wanted).domains, Allowed::Any);
        mine.extend(&wanted);
        assert_eq!(mine, wanted);
        assert!(mine.lacking(&wanted).is_empty());
    }

    #[test]
    fn a_connector_is_permitted_by_its_name_and_http_by_the_host() {
        let mut mine = Permissions::default();
        mine.hosts.add("a.example");
        mine.connectors.add("twilio");
        let check = |connector: &str, url: &str, expected: bool| {
            let connector = Name::new(connector).unwrap();
            assert_eq!(
                mine.permits(&connector, &Map::from([("url", url)])),
                expected
            );
        };
        check("http", "https://a.example/x", true);
        check("http", "https://b.example/x", false);
        check("http", "https://b@a.example/x", false);
        check("twilio", "", true);
        check("pen", "", false);
        check("ruleset", "", false);
    }

    #[test]
    fn people_read_what_is_permitted() {
        assert!(Permissions::default().lines().is_empty());
        let mut mine = Permissions::any();
        mine.hosts = ["b", "a"].into_iter().collect();
        assert_eq!(mine.lines()[0], "talk to the hosts: a, b");
        assert_eq!(mine.lines().len(), 6);
    }
}
