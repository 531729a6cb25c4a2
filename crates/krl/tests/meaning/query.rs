//! `query`: elements of what people write as HTML, by selectors.

use std::fmt::Write as _;

use crate::world::World;

fn world() -> World {
    World::with(&["ruleset a { meta { shares q }
        global { q = function(page, selector) { page.query(selector, true).join(\"|\") } } }"])
}

fn asked(world: &World, page: &str, selector: &str) -> String {
    let arguments = serde_json::json!({"page": page, "selector": selector});
    world.query("q", &arguments.to_string())
}

#[track_caller]
fn check(page: &str, selector: &str, expected: &str) {
    let told = asked(&world(), page, selector);
    assert_eq!(told, format!("{expected:?}"), "{selector} of {page}");
}

#[test]
fn pages_as_people_write_them() {
    check("<B>a</b>", "b", "a");
    check("<b>a", "b", "a");
    check("<b>a</i></b>c", "b", "a");
    check("<b>a<i>b</b>c", "i", "b");
    check("<b/>a", "b", "");
    check("<br>a<p>b<br/>c", "p", "bc");
    check("a < b <b>c < d</b>", "b", "c < d");
    check("<b", "b", "");
    check("<b x='1", "b", "");
    check("<b x=\"a>b\">c</b>", "b[x='a>b']", "c");
    check("<b x=1 y>c</b>", "b[x=1][y]", "c");
    check("<b x = '1' / y>c</b>", "[x='1'][y='']", "c");
    check("<b ==>c</b>", "b", "c");
    check("<!-- <b>a</b> --><b>c</b>", "b", "c");
    check("<!doctype html><b>c</b><!-- ", "b", "c");
    check("<b><![CDATA[a<i>&amp;]]></b>", "b", "a<i>&amp;");
    check("<p>a<script>if (a<b) '<i>'</script>b", "p", "ab");
    check("<script><b>c</b></script>", "b", "");
    check("<textarea><b>&lt;</textarea>", "textarea", "<b><");
    check("<table><tr><td>a<td>b<tr><td>c", "td", "a|b|c");
    check("<table><tr><td>a<td>b<tr><td>c", "tr", "ab|c");
    check("<dl><dt>a<dd>b<dt>c", "dt", "a|c");
    check(
        "<b>&lt;&#65;&#x42;&nbsp;&copy;&;&#0;&amp</b>",
        "b",
        "<AB\u{a0}&copy;&;&#0;&amp",
    );
    check("<b> a\n\t b </b>", "b", " a b ");
    check("<?xml?><A><br>x</br></A><a>y</a>", "A > br", "x");
}

#[test]
fn selectors() {
    let page =
        "<div id=a class='x  y'><p>1<div><p class=y>2</p><q>3</q></div></div><p lang=de-AT>4";
    check(page, "p", "1|2|4");
    check(page, "*.y > p", "1");
    check(page, "div p", "1|2");
    check(page, "div div p", "2");
    check(page, "div > div > p.y", "2");
    check(page, "#a>div>q", "3");
    check(page, "#a > q", "");
    check(page, "q , p[lang^=de]", "3|4");
    check(page, "[lang$='AT'], [lang*=\"-\"], [class~=y] q", "3|4");
    check(page, "[lang~=de], [lang^='']", "");
    check("<a><b><a><c>1</c></a></b></a>", "a > b c", "1");
    check("<a><b><a><c>1</c></a></b></a>", "a > c", "1");
    check("<x><a><b><a><a><c>1", "x > a a > c", "1");
    check("<font size=+2>1</font>", "font[size=+2]", "1");
    check("<b id=\u{e4}>1</b>", "#\u{e4}", "1");
}

#[test]
fn what_is_no_selector_is_told() {
    for selector in [
        "", " ", ",", "a,", "a >", "> a", "a:b", "a + b", "[", "[a", "[a=", "[a='b]", ".", "#",
        "a..b",
    ] {
        let told = asked(&world(), "<a>", selector);
        assert!(
            told.starts_with("failed krl-argument-invalid"),
            "{selector}: {told}"
        );
    }
    let long = "a ".repeat(65);
    assert!(asked(&world(), "<a>", &long).contains("more than 64 parts"));
    check("<a>1", "a,".repeat(64).trim_end_matches(','), "1");
}

#[test]
fn hostile_pages_come_to_an_end() {
    let name = "a".repeat(1 << 20);
    let pages = [
        "<".repeat(200_000),
        "<a ".repeat(300_000),
        "</a>".repeat(300_000),
        "<!--".repeat(300_000),
        "<a></b></a>".repeat(50_000),
        "<script></scrip".repeat(100_000),
        "&".repeat(1_000_000),
        format!("<{name}>{}", "<b/>".repeat(90_000)),
        format!("<a b='{name}'>{}", "</c>".repeat(90_000)),
        format!("{}{}", "<a>".repeat(250), "</x></X>".repeat(90_000)),
    ];
    for page in pages {
        let told = asked(&world(), &page, "a a, a > b, [b^=a], .a .a, #a");
        let told: String = told.chars().take(60).collect();
        assert!(
            told.starts_with('"') || told.contains("exhausted"),
            "{told}"
        );
    }
    let told = asked(&world(), &"<b/>".repeat(100_001), "a");
    assert!(
        told.starts_with("failed krl-document-oversize") && told.contains("than 100000 elements"),
        "{told}"
    );
    let told = asked(&world(), &"<b>".repeat(257), "a");
    assert!(
        told.contains("more than 256 elements within each other"),
        "{told}"
    );
    let told = asked(&world(), &" ".repeat((4 << 20) + 1), "a");
    assert!(told.contains("more than 4194304 bytes"), "{told}");
}

/// Pieces of markup in any order never stop the evaluator but by an error.
#[test]
fn anything_is_a_page_and_nothing_panics() {
    let pieces = [
        "<",
        ">",
        "</",
        "/>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml",
        "a",
        "B",
        "li",
        "td",
        "p",
        "script",
        " ",
        "=",
        "'",
        "\"",
        "&",
        "&#x;",
        "&lt;",
        ";",
        "\u{e4}",
        "\u{1f600}",
        "\n",
        "[",
        "]",
        ".",
        "#",
        "*",
        ",",
        "^",
        "~",
    ];
    let mut state = 1_u64;
    let mut draw = |most: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % most
    };
    let world = world();
    for _ in 0..3_000 {
        let (mut page, mut selector) = (String::new(), String::new());
        for _ in 0..draw(30) {
            write!(page, "{}", pieces[draw(pieces.len())]).unwrap();
        }
        for _ in 0..draw(5) {
            write!(selector, "{}", pieces[draw(pieces.len())]).unwrap();
        }
        for selector in [selector.as_str(), "*", "li p, a > b"] {
            let told = asked(&world, &page, selector);
            let is_answer =
                told.starts_with('"') || told.starts_with("failed krl-argument-invalid");
            assert!(is_answer, "{selector} of {page}: {told}");
        }
    }
}
