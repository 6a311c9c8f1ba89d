//! The kinds of setting: how a variable's text becomes a value and a line of the start-up log.
//!
//! A bad value never takes the function down: it becomes one WARN line with the name, the value,
//! the range and what is used instead. Which settings exist is declared in `table.rs`.

use std::{num::IntErrorKind, ops::RangeInclusive};

use tracing::Level;

use crate::settings::notice::{Echo, Notice};

/// Something declared that a variable sets.
pub(super) trait Setting {
    type Value;

    fn name(&self) -> &'static str;

    /// The value and the line that tells of it, for what the variable holds, if it is present.
    fn read(&self, text: Option<&str>) -> (Self::Value, Notice);
}

/// Where a value comes from.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    Given,
    Default,
}

/// A whole number in a range.
pub(super) struct Number<T> {
    pub(super) name: &'static str,
    pub(super) default: u64,
    /// A number above it counts as its end; one below it is a bad value.
    pub(super) range: RangeInclusive<u64>,
    /// The range's unit, with a blank before it.
    pub(super) unit: &'static str,
    pub(super) words: Words,
    pub(super) value: fn(u64) -> T,
    /// How the value reads in a log line.
    pub(super) show: fn(u64) -> String,
}

/// The words of a number's log lines: `Setting default port: 2773.`
pub(super) struct Words {
    pub(super) verb: &'static str,
    pub(super) noun: &'static str,
    /// The setting's name where its range is exceeded.
    pub(super) title: &'static str,
}

impl<T> Number<T> {
    fn sentence(&self, number: u64, origin: Origin) -> String {
        let default = if origin == Origin::Default { "default " } else { "" };
        let Words { verb, noun, .. } = self.words;
        format!("{verb} {default}{noun}: {}.", (self.show)(number))
    }

    fn range(&self) -> String {
        format!("{} to {}{}", self.range.start(), self.range.end(), self.unit)
    }
}

impl<T> Setting for Number<T> {
    type Value = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, text: Option<&str>) -> (T, Notice) {
        let Self { name, default, .. } = *self;
        let by_default = || self.sentence(default, Origin::Default);
        let (number, notice) = match text.map(|text| (text, parse(text))) {
            None => {
                let line = format!("{name} is not present. {}", by_default());
                (default, Notice::new(Level::DEBUG, line))
            }
            Some((text, Some(number))) if self.range.contains(&number) => {
                let sentence = self.sentence(number, Origin::Given);
                let line = format!("{name} is {}. {sentence}", Echo(text));
                (number, Notice::new(Level::DEBUG, line))
            }
            Some((text, Some(number))) if number > *self.range.end() => {
                let end = *self.range.end();
                let line = format!(
                    "{name} exceeds max limit. Setting {} to {}. It is {}, the range is {}.",
                    self.words.title,
                    (self.show)(end),
                    Echo(text),
                    self.range(),
                );
                (end, Notice::new(Level::WARN, line))
            }
            Some((text, _)) => {
                let line = format!(
                    "{name} is \"{}\", which is not a whole number in the range {}. {}",
                    Echo(text),
                    self.range(),
                    by_default(),
                );
                (default, Notice::new(Level::WARN, line))
            }
        };
        ((self.value)(number), notice)
    }
}

/// A number too large for 64 bits is still a number: the largest one, which is above every range.
fn parse(text: &str) -> Option<u64> {
    match text.parse() {
        Ok(number) => Some(number),
        Err(error) if *error.kind() == IntErrorKind::PosOverflow => Some(u64::MAX),
        Err(_) => None,
    }
}

/// One of a few words, in any letter case.
pub(super) struct Choice<T: 'static> {
    pub(super) name: &'static str,
    pub(super) default: T,
    pub(super) words: &'static [(&'static str, T)],
    /// The level of the line, unless it is a warning.
    pub(super) level: Option<Level>,
    /// What the log line says about the value.
    pub(super) sentence: fn(T, Origin) -> String,
}

impl<T: Copy> Setting for Choice<T> {
    type Value = T;

    fn name(&self) -> &'static str {
        self.name
    }

    fn read(&self, text: Option<&str>) -> (T, Notice) {
        let Self { name, default, .. } = *self;
        let by_default = || (self.sentence)(default, Origin::Default);
        let Some(text) = text else {
            let line = format!("{name} is not present. {}", by_default());
            return (default, Notice::new(self.level, line));
        };
        match self.words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some(&(_, value)) => {
                let sentence = (self.sentence)(value, Origin::Given);
                let line = format!("{name} is {}. {sentence}", Echo(text));
                (value, Notice::new(self.level, line))
            }
            None => {
                let words: Vec<_> = self.words.iter().map(|(word, _)| *word).collect();
                let line = format!(
                    "{name} is \"{}\", which is not one of {}. {}",
                    Echo(text),
                    words.join(", "),
                    by_default(),
                );
                (default, Notice::new(Level::WARN, line))
            }
        }
    }
}
