//! What reading the settings has to tell: lines for the start-up log.
//!
//! Settings decide the log level, so they are read before anything can be logged. The lines are
//! kept and written once the log stands.

use std::fmt;

use tracing::Level;

/// One line of the start-up log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// How important the line is; none is a line without a level word, which every log level but
    /// `NONE` shows.
    pub level: Option<Level>,
    /// The line, without prefix, time and level. It has no control characters.
    pub text: String,
}

impl Notice {
    pub(super) fn new(level: impl Into<Option<Level>>, text: String) -> Self {
        Self { level: level.into(), text }
    }

    pub(super) fn is_warning(&self) -> bool {
        self.level == Some(Level::WARN)
    }
}

/// How much of a variable's value a notice repeats, in characters: enough to recognise any value
/// that was meant, too little for a value that landed in the wrong variable to fill the log.
const ECHO_LENGTH: usize = 80;

/// A variable's value as a notice repeats it: escaped, so that it cannot forge a log line, and cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct Echo<'a>(pub(super) &'a str);

impl fmt::Display for Echo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut room = ECHO_LENGTH;
        for character in self.0.chars() {
            let escaped = character.escape_debug();
            if escaped.len() > room {
                return f.write_str("…");
            }
            room -= escaped.len();
            write!(f, "{escaped}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Echo;

    #[test]
    fn a_repeated_value_cannot_start_a_new_line_or_end_its_quotes() {
        assert_eq!(
            Echo("a\r\n[x] \"ERROR\" \u{1b}[31m\u{2028}").to_string(),
            r#"a\r\n[x] \"ERROR\" \u{1b}[31m\u{2028}"#
        );
    }

    #[test]
    fn a_repeated_value_is_cut_at_eighty_characters_and_never_inside_an_escape() {
        assert_eq!(Echo(&"x".repeat(80)).to_string(), "x".repeat(80));
        assert_eq!(Echo(&"x".repeat(81)).to_string(), format!("{}…", "x".repeat(80)));
        assert_eq!(
            Echo(&format!("{}\n", "x".repeat(79))).to_string(),
            format!("{}…", "x".repeat(79))
        );
    }
}
