//! Compact JSON exactly as Go's `encoding/json` writes it, straight into memory that is wiped.
//!
//! Clients compare and cut these bodies byte for byte (AWS's own Java sample cuts at a fixed
//! offset), so the escapes are Go's, not merely equivalent ones.

use std::io;

use serde::Serialize;
use serde_json::{Serializer, ser::Formatter};

use crate::secret::SecretValue;

/// Serialises `body`, which may hold plaintext.
///
/// It is measured first and then written, so that the buffer never grows: growing would leave
/// copies of the plaintext in freed memory that is not wiped. The second pass costs microseconds,
/// only a fetch pays them, and the cached body has no spare capacity in return.
pub(super) fn to_body(body: &impl Serialize) -> SecretValue {
    let mut length = Length(0);
    write(body, &mut length);
    let mut plaintext = Vec::with_capacity(length.0);
    write(body, &mut plaintext);
    debug_assert_eq!(plaintext.len(), length.0, "both passes write the same");
    SecretValue::new(plaintext)
}

fn write(body: &impl Serialize, writer: &mut impl io::Write) {
    if let Err(error) = body.serialize(&mut Serializer::with_formatter(writer, GoFormatter)) {
        // Only a failing writer or a map key that is not a string could fail; neither occurs here.
        unreachable!("a record does not serialise: {error}");
    }
}

/// Counts what is written.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, written: &[u8]) -> io::Result<usize> {
        self.0 += written.len();
        Ok(written.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What Go escapes beyond JSON's rules: it keeps its output safe inside HTML and JavaScript.
/// Control characters need nothing here: serde_json and newer Go agree on them.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()>
    where
        W: ?Sized + io::Write,
    {
        let mut written = 0;
        for (at, character) in fragment.match_indices(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            writer.write_all(&fragment.as_bytes()[written..at])?;
            writer.write_all(match character {
                "<" => br"\u003c",
                ">" => br"\u003e",
                "&" => br"\u0026",
                "\u{2028}" => br"\u2028",
                _ => br"\u2029",
            })?;
            written = at + character.len();
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::to_body;

    fn go_json(text: &str) -> String {
        String::from_utf8(to_body(&text).reveal().to_vec()).expect("JSON is UTF-8")
    }

    #[test]
    fn strings_are_escaped_as_go_does_it() {
        for (text, expected) in [
            ("", r#""""#),
            ("plain", r#""plain""#),
            (r#"{"user":"a\b"}"#, r#""{\"user\":\"a\\b\"}""#),
            ("<&>", r#""\u003c\u0026\u003e""#),
            ("a<b", r#""a\u003cb""#),
            ("a\u{2028}b\u{2029}", r#""a\u2028b\u2029""#),
            ("\n\r\t\u{8}\u{c}", r#""\n\r\t\b\f""#),
            ("\0\u{1}\u{b}\u{1f}", r#""\u0000\u0001\u000b\u001f""#),
            ("/'\u{7f}\u{80}é漢🦀", "\"/'\u{7f}\u{80}é漢🦀\""),
        ] {
            assert_eq!(go_json(text), expected, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_string_reads_back_and_needs_no_character_that_go_escapes(text in any::<String>()) {
            let json = go_json(&text);
            let escaped_by_go = ['<', '>', '&', '\u{2028}', '\u{2029}'];
            prop_assert!(!json.contains(escaped_by_go));
            prop_assert_eq!(serde_json::from_str::<String>(&json).expect("valid JSON"), text);
        }
    }
}
