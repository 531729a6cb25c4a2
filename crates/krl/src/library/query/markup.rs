//! HTML as people write it, and XML: elements, attributes and texts, in one pass.
//!
//! Nothing is refused for its form. An element that is not closed ends with the one around it, an
//! end without a beginning is left out, and what is no tag is text. A text that begins with `<?xml`
//! is XML: its names are told apart by case, and none of its elements is closed by itself.

use std::{borrow::Cow, collections::BTreeMap, ops::Range};

use crate::{
    limit::{Failure, Meter},
    value::Value,
};

/// The elements of a document, each after the one that it is in.
#[derive(Debug)]
pub(super) struct Document<'s> {
    source: &'s str,
    pub(super) elements: Vec<Element<'s>>,
    texts: Vec<Text<'s>>,
    pub(super) is_xml: bool,
}

/// One element.
#[derive(Debug)]
pub(super) struct Element<'s> {
    pub(super) name: &'s str,
    /// Names and values, which are not decoded yet.
    pub(super) attributes: Vec<(&'s str, &'s str)>,
    /// Its position among the elements.
    pub(super) parent: Option<usize>,
    written: Range<usize>,
    texts: Range<usize>,
}

/// A piece of text.
#[derive(Debug)]
struct Text<'s> {
    written: &'s str,
    /// Whether `&amp;` means `&` in it.
    escaped: bool,
}

impl<'s> Document<'s> {
    pub(super) fn parse(meter: &mut Meter, source: &'s str) -> Result<Self, Failure> {
        if source.len() > DOCUMENT_BYTES_MAX {
            return Err(oversize(DOCUMENT_BYTES_MAX, "bytes"));
        }
        meter.spend_for(source.len())?;
        let mut parser = Parser {
            meter,
            at: 0,
            open: Vec::new(),
            names: BTreeMap::new(),
            document: Self {
                source,
                elements: Vec::new(),
                texts: Vec::new(),
                is_xml: source.trim_start().starts_with("<?xml"),
            },
        };
        parser.document()?;
        Ok(parser.document)
    }

    /// An element as it stands in the source.
    pub(super) fn written(&self, element: usize) -> &'s str {
        let element = self.elements.get(element);
        let written = element.and_then(|element| self.source.get(element.written.clone()));
        written.unwrap_or_default()
    }

    /// All text in an element, with one space for each run of white space.
    pub(super) fn text(&self, meter: &mut Meter, element: usize) -> Result<Value, Failure> {
        let element = self.elements.get(element);
        let texts = element.and_then(|element| self.texts.get(element.texts.clone()));
        let mut whole = String::new();
        for text in texts.unwrap_or_default() {
            meter.spend_for(text.written.len())?;
            let text = if text.escaped {
                decoded(text.written)
            } else {
                Cow::Borrowed(text.written)
            };
            for character in text.chars() {
                if !character.is_ascii_whitespace() {
                    whole.push(character);
                } else if !whole.ends_with(' ') {
                    whole.push(' ');
                }
            }
        }
        meter.text(whole)
    }

    /// Whether two names of elements or attributes are the same.
    pub(super) fn is_same(&self, one: &str, other: &str) -> bool {
        one == other || !self.is_xml && one.eq_ignore_ascii_case(other)
    }
}

/// The text with the characters that stand for others replaced: the few that HTML and XML have in
/// common, the space that does not break, and characters by their number.
pub(super) fn decoded(text: &str) -> Cow<'_, str> {
    let Some((first, rest)) = text.split_once('&') else {
        return Cow::Borrowed(text);
    };
    let mut whole = first.to_owned();
    for piece in rest.split('&') {
        let end = piece.bytes().take(REFERENCE_BYTES_MAX);
        let end = end.into_iter().position(|byte| byte == b';');
        let reference = end.and_then(|end| Some((piece.get(..end)?, piece.get(end + 1..)?)));
        let referred = reference.and_then(|(name, rest)| Some((referred(name)?, rest)));
        let (character, rest) = referred.unwrap_or(('&', piece));
        whole.push(character);
        whole.push_str(rest);
    }
    Cow::Owned(whole)
}

fn referred(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let number = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        return char::from_u32(number.ok()?).filter(|character| *character != '\0');
    }
    Some(match name {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "lt" => '<',
        "nbsp" => '\u{a0}',
        "quot" => '"',
        _ => return None,
    })
}

/// Reads a document; every byte is looked at a fixed number of times.
struct Parser<'m, 's> {
    meter: &'m mut Meter,
    at: usize,
    /// The elements that are not closed yet.
    open: Vec<usize>,
    /// How many of them there are of each name.
    names: BTreeMap<Cow<'s, str>, usize>,
    document: Document<'s>,
}

impl<'s> Parser<'_, 's> {
    fn document(&mut self) -> Result<(), Failure> {
        while self.at < self.document.source.len() {
            let rest = self.rest();
            let Some(tag) = rest.strip_prefix('<') else {
                self.text(rest.find('<').unwrap_or(rest.len()), true)?;
                continue;
            };
            match tag.bytes().next() {
                Some(b'!') if tag.starts_with("!--") => self.skip_past("-->"),
                Some(b'!') if tag.starts_with("![CDATA[") => self.character_data()?,
                Some(b'!' | b'?') => self.skip_past(">"),
                Some(b'/') => self.end(),
                Some(byte) if byte.is_ascii_alphabetic() || byte == b'_' => self.begin()?,
                _ => {
                    let length = tag.find('<').map_or(rest.len(), |at| at + 1);
                    self.text(length, true)?;
                }
            }
        }
        while !self.open.is_empty() {
            self.close(self.at);
        }
        Ok(())
    }

    fn rest(&self) -> &'s str {
        self.document.source.get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, end: &str) {
        let rest = self.rest();
        self.at += rest.find(end).map_or(rest.len(), |at| at + end.len());
    }

    fn text(&mut self, length: usize, escaped: bool) -> Result<(), Failure> {
        let written = self.rest().get(..length).unwrap_or_default();
        self.at += length;
        if written.is_empty() {
            return Ok(());
        }
        self.meter.allocate(NODE_BYTES)?;
        self.document.texts.push(Text { written, escaped });
        Ok(())
    }

    fn character_data(&mut self) -> Result<(), Failure> {
        self.at += "<![CDATA[".len();
        let rest = self.rest();
        self.text(rest.find("]]>").unwrap_or(rest.len()), false)?;
        self.skip_past("]]>");
        Ok(())
    }

    /// `</name>`: closes the innermost element of that name, and all that is open in it.
    fn end(&mut self) {
        let name = name(self.rest().get(2..).unwrap_or_default());
        let begin = self.at;
        self.skip_past(">");
        let key = self.key(name);
        if self.names.get(&key).is_none_or(|open| *open == 0) {
            return;
        }
        while let Some(inner) = self.top() {
            let is_it = self.document.is_same(inner, name);
            self.close(if is_it { self.at } else { begin });
            if is_it {
                return;
            }
        }
    }

    /// `<name attribute="value">`
    fn begin(&mut self) -> Result<(), Failure> {
        let begin = self.at;
        let name = name(self.rest().get(1..).unwrap_or_default());
        self.at += 1 + name.len();
        while !self.document.is_xml && self.top().is_some_and(|open| is_closed_by(open, name)) {
            self.close(begin);
        }
        let attributes = self.attributes()?;
        let is_empty = self.rest().starts_with('/');
        self.skip_past(">");
        self.push(name, attributes, begin)?;
        if is_empty || !self.document.is_xml && is_one_of(VOID, name) {
            self.close(self.at);
        } else if !self.document.is_xml && is_one_of(UNPARSED, name) {
            self.unparsed(name)?;
        }
        Ok(())
    }

    fn push(
        &mut self,
        name: &'s str,
        attributes: Vec<(&'s str, &'s str)>,
        begin: usize,
    ) -> Result<(), Failure> {
        if self.document.elements.len() >= ELEMENTS_MAX {
            return Err(oversize(ELEMENTS_MAX, "elements"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(oversize(DEPTH_MAX, "elements within each other"));
        }
        self.meter.spend(1)?;
        self.meter.allocate(NODE_BYTES)?;
        let texts = self.document.texts.len();
        let element = Element {
            name,
            attributes,
            parent: self.open.last().copied(),
            written: begin..begin,
            texts: texts..texts,
        };
        let key = self.key(name);
        *self.names.entry(key).or_default() += 1;
        self.open.push(self.document.elements.len());
        self.document.elements.push(element);
        Ok(())
    }

    /// Up to the `>`, or the `/` before it.
    fn attributes(&mut self) -> Result<Vec<(&'s str, &'s str)>, Failure> {
        let mut attributes = Vec::new();
        loop {
            self.skip_space();
            let rest = self.rest();
            if rest.is_empty() || rest.starts_with('>') || rest.starts_with("/>") {
                return Ok(attributes);
            }
            let stops = |character: char| {
                character.is_ascii_whitespace() || matches!(character, '=' | '>' | '/')
            };
            let length = rest.find(stops).unwrap_or(rest.len());
            self.at += length.max(1);
            let name = rest.get(..length).unwrap_or_default();
            if name.is_empty() {
                continue;
            }
            self.skip_space();
            self.meter.allocate(NODE_BYTES)?;
            attributes.push((name, self.attribute_value()));
        }
    }

    fn attribute_value(&mut self) -> &'s str {
        if !self.rest().starts_with('=') {
            return "";
        }
        self.at += 1;
        self.skip_space();
        let rest = self.rest();
        let quote = rest
            .chars()
            .next()
            .filter(|quote| matches!(quote, '"' | '\''));
        let (from, to) = if let Some(quote) = quote {
            let quoted = rest.get(1..).unwrap_or_default();
            (1, 1 + quoted.find(quote).unwrap_or(quoted.len()))
        } else {
            let stops = |character: char| character.is_ascii_whitespace() || character == '>';
            (0, rest.find(stops).unwrap_or(rest.len()))
        };
        self.at += (to + from).min(rest.len());
        rest.get(from..to).unwrap_or_default()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_ascii_start().len();
    }

    /// What is in a script is no markup and no text of the page; what is in a title is text.
    fn unparsed(&mut self, name: &'s str) -> Result<(), Failure> {
        let rest = self.rest();
        let ends = rest.match_indices("</").map(|(at, _)| at);
        let mut ends = ends.filter(|at| {
            let after = rest.as_bytes().get(at + 2..at + 2 + name.len());
            after.is_some_and(|after| after.eq_ignore_ascii_case(name.as_bytes()))
        });
        let length = ends.next().unwrap_or(rest.len());
        if is_one_of(SILENT, name) {
            self.at += length;
            return Ok(());
        }
        self.text(length, true)
    }

    fn top(&self) -> Option<&'s str> {
        let element = self.document.elements.get(*self.open.last()?)?;
        Some(element.name)
    }

    fn close(&mut self, end: usize) {
        let texts = self.document.texts.len();
        let Some(position) = self.open.pop() else {
            return;
        };
        let Some(element) = self.document.elements.get_mut(position) else {
            return;
        };
        element.written.end = end;
        element.texts.end = texts;
        let name = element.name;
        let key = self.key(name);
        if let Some(open) = self.names.get_mut(&key) {
            *open -= 1;
        }
    }

    fn key(&self, name: &'s str) -> Cow<'s, str> {
        if self.document.is_xml || !name.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(name.to_ascii_lowercase())
        }
    }
}

/// The name with which a text begins.
fn name(text: &str) -> &str {
    let stops = |character: char| character.is_ascii_whitespace() || matches!(character, '/' | '>');
    text.get(..text.find(stops).unwrap_or(text.len()))
        .unwrap_or_default()
}

fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| known.eq_ignore_ascii_case(name))
}

/// Whether an open element ends where another begins, as list items and cells do.
fn is_closed_by(open: &str, next: &str) -> bool {
    let mut known = CLOSERS.iter().filter(|(names, _)| is_one_of(names, open));
    known.any(|(_, closers)| is_one_of(closers, next))
}

fn oversize(bound: usize, of: &str) -> Failure {
    let message = format!("the document has more than {bound} {of}");
    Failure::new("krl-document-oversize", message)
}

/// Bytes of one document.
const DOCUMENT_BYTES_MAX: usize = 4 << 20;

/// Elements of one document.
const ELEMENTS_MAX: usize = 100_000;

/// Elements within each other.
const DEPTH_MAX: usize = 256;

/// Bytes of what stands between `&` and `;`, that included.
const REFERENCE_BYTES_MAX: usize = 12;

/// What an element, an attribute or a text is counted as.
const NODE_BYTES: u64 = 96;

/// Elements that have nothing in them.
const VOID: &[&str] = &[
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source",
    "track", "wbr",
];

/// Elements in which there is no markup.
const UNPARSED: &[&str] = &["script", "style", "textarea", "title"];

/// Those of them that are not shown.
const SILENT: &[&str] = &["script", "style"];

/// Elements that end where one of others begins.
const CLOSERS: &[(&[&str], &[&str])] = &[
    (&["dd", "dt"], &["dd", "dt"]),
    (&["li"], &["li"]),
    (&["option"], &["optgroup", "option"]),
    (&["p"], BLOCKS),
    (
        &["td", "th"],
        &["tbody", "td", "tfoot", "th", "thead", "tr"],
    ),
    (&["tr"], &["tbody", "tfoot", "thead", "tr"]),
];

/// Elements that end a paragraph.
const BLOCKS: &[&str] = &[
    "address",
    "article",
    "aside",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "fieldset",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "td",
    "th",
    "tr",
    "ul",
];
