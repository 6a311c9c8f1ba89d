//! References in a variable's text: `${secret:ID[?versionStage=…][#field][:-default]}` and
//! `${parameter:NAME[?label=…][#field][:-default]}`.
//!
//! Pure and total: any text gives a [`Template`]. Text that is not exactly a reference stays as it
//! is, and `$${secret:` is how to write `${secret:` itself.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::field::Field;

/// Everything but what RFC 3986 leaves unreserved.
const ENCODED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// A text with the references in it, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Template {
    pub(crate) pieces: Vec<Piece>,
    /// Whether a text begins like a reference but is not one, which is probably a mistake.
    pub(crate) has_broken: bool,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    Text(String),
    Reference(Reference),
}

/// One value, or a field of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reference {
    pub(crate) source: Source,
    pub(crate) field: Option<Field>,
    /// The value if the named one does not exist.
    pub(crate) default: Option<String>,
}

/// What the extension is asked for: one call, however many references name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Source {
    kind: Kind,
    id: String,
    /// The version, stage or label, as the extension's query takes it.
    selectors: Vec<(&'static str, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Secret,
    Parameter,
}

impl Kind {
    const ALL: [Self; 2] = [Self::Secret, Self::Parameter];

    fn prefix(self) -> &'static str {
        match self {
            Self::Secret => "secret:",
            Self::Parameter => "parameter:",
        }
    }

    fn selectors(self) -> &'static [&'static str] {
        match self {
            Self::Secret => &["versionStage", "versionId"],
            Self::Parameter => &["label", "version"],
        }
    }

    /// The kind that `text` begins with, and what follows.
    fn split(text: &str) -> Option<(Self, &str)> {
        Self::ALL.into_iter().find_map(|kind| Some((kind, text.strip_prefix(kind.prefix())?)))
    }
}

impl Template {
    pub(crate) fn parse(text: &str) -> Self {
        let mut template = Self::default();
        let mut rest = text;
        while let Some(at) = rest.find("${") {
            let (before, opening) = rest.split_at(at);
            let Some((kind, inside)) = Kind::split(&opening[2..]) else {
                template.push_text(&rest[..at + 2]);
                rest = &opening[2..];
                continue;
            };
            let opening = &opening[..opening.len() - inside.len()];
            if let Some(before) = before.strip_suffix('$') {
                template.push_text(before);
                template.push_text(opening);
                rest = inside;
                continue;
            }
            template.push_text(before);
            let reference = inside
                .split_once('}')
                .and_then(|(body, behind)| Some((Reference::parse_body(kind, body)?, behind)));
            if let Some((reference, behind)) = reference {
                template.pieces.push(Piece::Reference(reference));
                rest = behind;
            } else {
                template.has_broken = true;
                template.push_text(opening);
                rest = inside;
            }
        }
        template.push_text(rest);
        template
    }

    fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    pub(crate) fn references(&self) -> impl Iterator<Item = &Reference> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Text(_) => None,
            Piece::Reference(reference) => Some(reference),
        })
    }
}

impl Reference {
    /// A reference without its braces, as a variable names a whole secret: `secret:prod/env`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (kind, body) = Kind::split(text)?;
        Self::parse_body(kind, body)
    }

    fn parse_body(kind: Kind, body: &str) -> Option<Self> {
        let (body, default) = split_off(body, ":-");
        let (body, field) = split_off(body, "#");
        let field = match field {
            Some(field) => Some(Field::new(field)?),
            None => None,
        };
        let (id, query) = split_off(body, "?");
        let selectors = match query {
            Some(query) => {
                query.split('&').map(|pair| selector(kind, pair)).collect::<Option<_>>()?
            }
            None => Vec::new(),
        };
        let source = Source { kind, id: word(id)?, selectors };
        Some(Self { source, field, default: default.map(str::to_owned) })
    }
}

fn split_off<'a>(text: &'a str, mark: &str) -> (&'a str, Option<&'a str>) {
    match text.split_once(mark) {
        Some((text, behind)) => (text, Some(behind)),
        None => (text, None),
    }
}

fn selector(kind: Kind, pair: &str) -> Option<(&'static str, String)> {
    let (name, value) = pair.split_once('=')?;
    let name = kind.selectors().iter().copied().find(|known| *known == name)?;
    Some((name, word(value)?))
}

/// What names, ARNs, versions, stages and labels are made of.
fn word(text: &str) -> Option<String> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"/_+=.@!:-".contains(&byte);
    (!text.is_empty() && text.bytes().all(is_word)).then(|| text.to_owned())
}

impl Source {
    /// The path and query that the extension is asked. A parameter is always asked for in
    /// plaintext: no command has a use for the ciphertext.
    pub(crate) fn path(&self) -> String {
        let (path, name, more) = match self.kind {
            Kind::Secret => ("/secretsmanager/get", "secretId", ""),
            Kind::Parameter => ("/systemsmanager/parameters/get", "name", "&withDecryption=true"),
        };
        let encoded = |text| utf8_percent_encode(text, ENCODED);
        let mut path = format!("{path}?{name}={}{more}", encoded(&self.id));
        for (name, value) in &self.selectors {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
        path
    }
}

/// As it was written.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.kind.prefix(), self.id)?;
        for (index, (name, value)) in self.selectors.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "reference_tests.rs"]
mod tests;
