//! What keeps the design's tables true and the code pleasant to live in.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const FILE_LINES_MAX: usize = 800;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_COLUMNS_MAX: usize = 100;

/// What a visitor sees first.
const TOP_LEVEL: [&str; 12] = [
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "crates",
    "node",
    "protocol",
    "simnet",
    "spec",
    "tests",
];

/// Which of our crates each crate may use (spec/architecture.md). What is not here is forbidden.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("stratus-event", &[]),
    ("stratus-capability", &["stratus-event"]),
    ("stratus-krl-syntax", &[]),
    ("stratus-salience", &["stratus-event"]),
    (
        "stratus-krl",
        &[
            "stratus-event",
            "stratus-krl-syntax",
            "stratus-salience",
            "stratus-pen",
        ],
    ),
    (
        "stratus-pen",
        &["stratus-event", "stratus-capability", "stratus-salience"],
    ),
    ("stratus-protocol", &["stratus-event", "stratus-capability"]),
    ("stratus-engine", PURE),
    (
        "stratus-store",
        &[
            "stratus-event",
            "stratus-capability",
            "stratus-pen",
            "stratus-protocol",
            "stratus-engine",
        ],
    ),
    ("stratus-network", &["stratus-protocol"]),
    ("stratus-connector", &["stratus-event", "stratus-krl"]),
    (
        "stratus-api",
        &[
            "stratus-event",
            "stratus-capability",
            "stratus-krl",
            "stratus-pen",
            "stratus-engine",
        ],
    ),
    ("simnet", PURE),
    ("bench", EVERYTHING),
    ("stratus", EVERYTHING),
];

const PURE: &[&str] = &[
    "stratus-event",
    "stratus-capability",
    "stratus-krl-syntax",
    "stratus-salience",
    "stratus-krl",
    "stratus-pen",
    "stratus-protocol",
    "stratus-engine",
];

const EVERYTHING: &[&str] = &[
    "stratus-event",
    "stratus-capability",
    "stratus-krl-syntax",
    "stratus-salience",
    "stratus-krl",
    "stratus-pen",
    "stratus-protocol",
    "stratus-engine",
    "stratus-store",
    "stratus-network",
    "stratus-connector",
    "stratus-api",
];

/// Crates from outside that only these of ours may use.
const KEPT_IN: [(&str, &[&str]); 6] = [
    ("libp2p", &["stratus-network"]),
    ("fjall", &["stratus-store"]),
    ("axum", &["stratus-api", "stratus"]),
    ("reqwest", &["stratus-connector", "stratus"]),
    ("serde_cbor", &["stratus-event"]),
    (
        "tokio",
        &[
            "stratus-network",
            "stratus-connector",
            "stratus-api",
            "stratus-store",
            "stratus",
        ],
    ),
];

const PURE_FOLDERS: [&str; 9] = [
    "crates/event",
    "crates/capability",
    "crates/krl-syntax",
    "crates/salience",
    "crates/krl",
    "crates/pen",
    "crates/engine",
    "protocol",
    "simnet",
];

/// Literals of the code that look like codes of errors, and what they are; sorted.
const NOT_CODES: [(&str, &str); 9] = [
    (
        "calendar-entry-invalid",
        "stays in its module; the log tells the message",
    ),
    ("demo-token", "a secret of the demonstration"),
    ("kebab-case", "a word of serde for names in data"),
    ("last-event-id", "a header of HTTP"),
    ("no-store", "a word of HTTP"),
    ("outbound-api", "Twilio's word for the direction of a text"),
    ("same-origin", "a word of HTTP"),
    ("sec-fetch-site", "a header of HTTP"),
    ("x-twilio-signature", "a header of HTTP"),
];

/// Codes that no test names, and why; sorted.
const UNPROVOKED: [(&str, &str); 11] = [
    (
        "demo-ending-missed",
        "the story would have to end otherwise than it does",
    ),
    (
        "demo-failed",
        "the system would have to refuse the nodes of the demonstration",
    ),
    (
        "demo-node-silent",
        "a node of the demonstration would have to end by itself",
    ),
    (
        "demo-node-unknown",
        "the command line knows the nodes and refuses other names before",
    ),
    (
        "demo-refused",
        "a node of the demonstration would have to refuse its story",
    ),
    (
        "http-unusable",
        "the system would have to be without certificates",
    ),
    (
        "owner-channel-missing",
        "a PEN of an account would have to be without its owner's channel, which nobody can delete",
    ),
    (
        "randomness-missing",
        "the system would have to be without randomness",
    ),
    ("store-thread", "the system would have to refuse a thread"),
    (
        "store-writer-gone",
        "the store's thread would have to panic",
    ),
    (
        "stream-unexpected",
        "a peer would have to open a second stream, which no node does",
    ),
];

#[test]
fn the_top_level_is_the_design_s() {
    let mut entries: Vec<String> = fs::read_dir(root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with('.') && name != "target")
        .collect();
    entries.sort();
    assert_eq!(entries, TOP_LEVEL);
}

#[test]
fn crates_use_only_what_the_table_allows() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.into_iter().collect();
    for (package, dependencies) in dependencies() {
        let allowed = allowed
            .get(package.as_str())
            .unwrap_or_else(|| panic!("{package} is not in the table of crates"));
        for dependency in &dependencies {
            let ours = dependency.starts_with("stratus") || dependency == "simnet";
            assert!(
                !ours || allowed.contains(&dependency.as_str()),
                "{package} must not use {dependency}"
            );
            for (kept, owners) in KEPT_IN {
                assert!(
                    dependency != kept || owners.contains(&package.as_str()),
                    "{package} must not use {kept}: it is kept in {owners:?}"
                );
            }
        }
    }
}

#[test]
fn pure_crates_ban_the_world() {
    for folder in PURE_FOLDERS {
        let path = root().join(folder).join("clippy.toml");
        let text = fs::read_to_string(&path).unwrap_or_else(|_| panic!("{folder} has none"));
        for banned in [
            "Instant::now",
            "SystemTime::now",
            "thread::spawn",
            "env::var",
            "HashMap",
        ] {
            assert!(
                text.contains(banned),
                "{folder}/clippy.toml does not ban {banned}"
            );
        }
    }
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut faults = Vec::new();
    for path in sources("rs") {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let name = path.strip_prefix(root()).unwrap().display();
        if lines.len() > FILE_LINES_MAX {
            faults.push(format!(
                "{name}: {} lines, at most {FILE_LINES_MAX}",
                lines.len()
            ));
        }
        for (number, line) in lines.iter().enumerate() {
            // Data in tests reads better whole.
            let is_data = is_test_file(&path) || line.contains('"') || line.contains("http");
            if line.chars().count() > LINE_COLUMNS_MAX && !is_data {
                faults.push(format!(
                    "{name}:{}: more than {LINE_COLUMNS_MAX} columns",
                    number + 1
                ));
            }
        }
        for (number, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                faults.push(format!("{name}:{number}: a function of {length} lines"));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn no_loose_ends_are_left() {
    let loose = [
        "TO".to_owned() + "DO",
        "FIX".to_owned() + "ME",
        "X".repeat(3),
    ];
    for path in sources("rs").into_iter().chain(sources("krl")) {
        let text = fs::read_to_string(&path).unwrap();
        for mark in &loose {
            let is_there = text
                .split(|c: char| !c.is_alphanumeric())
                .any(|word| word == mark);
            assert!(!is_there, "{} has a {mark}", path.display());
        }
    }
}

#[test]
fn every_test_file_is_in_the_one_binary() {
    let folder = root().join("tests/it");
    let main = fs::read_to_string(folder.join("main.rs")).unwrap();
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let Some(module) = name.strip_suffix(".rs").filter(|module| *module != "main") else {
            continue;
        };
        assert!(
            main.contains(&format!("mod {module};")),
            "tests/it/main.rs forgets {name}"
        );
    }
}

/// The table and the code name the same errors, and each is tested somewhere.
#[test]
fn every_error_code_is_in_the_table_and_in_a_test() {
    let listed = listed_codes();
    let (production, tests) = production_and_tests();
    let mut used: BTreeSet<&str> = production.split('"').filter(|text| is_code(text)).collect();
    for (text, _) in NOT_CODES {
        assert!(
            used.remove(text),
            "{text} is in NOT_CODES, but nowhere in the code"
        );
    }
    let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
    let missing: Vec<_> = used.difference(&listed).collect();
    assert!(missing.is_empty(), "not in spec/errors.md: {missing:?}");
    let unused: Vec<_> = listed.difference(&used).collect();
    assert!(
        unused.is_empty(),
        "in spec/errors.md, but nowhere in the code: {unused:?}"
    );
    let untested = listed.into_iter().filter(|code| !tests.contains(code));
    let unprovoked: Vec<_> = UNPROVOKED.iter().map(|(code, _)| *code).collect();
    assert_eq!(
        untested.collect::<Vec<_>>(),
        unprovoked,
        "in no test, and UNPROVOKED"
    );
}

/// Everything between back quotes in the first column of the tables of spec/errors.md, sorted.
fn listed_codes() -> Vec<String> {
    let table = fs::read_to_string(root().join("spec/errors.md")).unwrap();
    let code = |line: &str| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned());
    let mut codes: Vec<String> = table.lines().filter_map(code).collect();
    codes.sort();
    for pair in codes.windows(2) {
        assert_ne!(pair[0], pair[1], "twice in spec/errors.md");
    }
    codes
}

/// The text of all that runs in a node, and of all that tests it.
fn production_and_tests() -> (String, String) {
    let (mut production, mut tests) = (String::new(), String::new());
    for path in sources("rs") {
        // What this file says about codes provokes none.
        if path.ends_with("tests/it/tidy.rs") {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let at = text.find("#[cfg(test)]").unwrap_or(text.len());
        let (before, after) = text.split_at(if is_test_file(&path) { 0 } else { at });
        production.push_str(before);
        tests.push_str(after);
    }
    tests.push_str(&expected_by_the_manual());
    (production, tests)
}

/// The manual's pages are run as tests; these are the diagnostics that they expect.
fn expected_by_the_manual() -> String {
    let pages = fs::read_dir(root().join("spec/krl")).unwrap();
    let texts = pages.map(|page| fs::read_to_string(page.unwrap().path()).unwrap());
    let is_diagnostic = |line: &&str| line.starts_with("error ") || line.starts_with("warning ");
    let diagnostics = |text: String| text.lines().filter(is_diagnostic).collect::<String>();
    texts.map(diagnostics).collect()
}

/// Lower-case words joined by hyphens.
fn is_code(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.contains('-') && text.split('-').all(is_word)
}

fn is_test_file(path: &Path) -> bool {
    let text = path.strip_prefix(root()).unwrap().to_string_lossy();
    text.contains("tests/") || text.ends_with("tests.rs") || text.starts_with("simnet/")
}

/// First line and length of every function, in rustfmt's layout: it ends at the first later line
/// that is its own indentation and a closing brace.
fn functions(lines: &[&str]) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let is_function = [
            "fn ",
            "pub fn ",
            "pub(crate) fn ",
            "async fn ",
            "pub async fn ",
        ]
        .iter()
        .any(|head| code.starts_with(head));
        if !is_function {
            continue;
        }
        let end = format!("{}}}", &line[..line.len() - code.len()]);
        let length = lines[start..]
            .iter()
            .position(|line| *line == end)
            .map_or(1, |at| at + 1);
        let one_line = code.ends_with('}') || code.ends_with(';');
        found.push((start + 1, if one_line { 1 } else { length }));
    }
    found
}

/// All files of that ending that git knows or would add.
fn sources(ending: &str) -> Vec<PathBuf> {
    let listing = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .unwrap();
    let listing = String::from_utf8(listing.stdout).unwrap();
    let files = listing.lines().map(|line| root().join(line));
    files
        .filter(|path| path.extension().is_some_and(|e| e == ending) && path.exists())
        .collect()
}

/// Normal dependencies of every package of the workspace.
fn dependencies() -> BTreeMap<String, Vec<String>> {
    let metadata = Command::new(env!("CARGO"))
        .args([
            "metadata",
            "--no-deps",
            "--format-version",
            "1",
            "--offline",
        ])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    packages
        .iter()
        .map(|package| (text(&package["name"]), normal_dependencies(package)))
        .collect()
}

fn normal_dependencies(package: &serde_json::Value) -> Vec<String> {
    let dependencies = package["dependencies"].as_array().unwrap();
    let normal = dependencies
        .iter()
        .filter(|dependency| dependency["kind"].is_null());
    normal.map(|dependency| text(&dependency["name"])).collect()
}

fn text(value: &serde_json::Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_owned()
}
