//! Reads settings one after the other, and keeps the lines that they give.

use tracing::Level;

use crate::settings::{
    kind::Setting,
    notice::{Echo, Notice},
    variables::{OWN_PREFIX, Variables},
};

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) variables: Variables,
    pub(super) notices: Vec<Notice>,
    /// Set once the official extension's lines are complete.
    official: Option<Vec<Notice>>,
    /// This project's own settings that are not present.
    at_default: Vec<&'static str>,
}

impl Reader {
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables, notices: Vec::new(), official: None, at_default: Vec::new() }
    }

    /// Reads a setting and keeps its line. This project's own settings share one line if they are
    /// not present.
    pub(super) fn read<S: Setting>(&mut self, setting: &S) -> S::Value {
        let text = self.text(setting.name());
        let (value, notice) = setting.read(text.as_deref());
        if text.is_none() && self.official.is_some() {
            self.at_default(setting.name());
        } else {
            self.notices.push(notice);
        }
        value
    }

    /// Reads the setting whose line is the last of the official extension's; all further ones are
    /// this project's own.
    pub(super) fn read_last_official<S: Setting>(&mut self, setting: &S) -> S::Value {
        let value = self.read(setting);
        self.official = Some(std::mem::take(&mut self.notices));
        value
    }

    /// One of this project's own settings is not present.
    pub(super) fn at_default(&mut self, name: &'static str) {
        self.at_default.push(name.strip_prefix(OWN_PREFIX).unwrap_or(name));
    }

    /// Warns of unknown variables that look like settings.
    pub(super) fn warn_of_strangers(&mut self) {
        for (name, meant) in self.variables.strangers() {
            let name = Echo(name);
            let line = match meant {
                Some(meant) => format!("{name} is not a setting. Did you mean {meant}?"),
                None => format!("{name} is not a setting."),
            };
            self.notices.push(Notice::new(Level::WARN, line));
        }
    }

    /// The official lines, then this project's own. A line for each setting at its default would
    /// bury the first event.
    pub(super) fn into_notices(self) -> (Vec<Notice>, Vec<Notice>) {
        let mut own = self.notices;
        if !self.at_default.is_empty() {
            let names = self.at_default.join(", ");
            let line = format!("Not present, so at their defaults: {OWN_PREFIX}… {names}.");
            own.insert(0, Notice::new(Level::DEBUG, line));
        }
        (self.official.unwrap_or_default(), own)
    }

    /// Reads a setting that has a line only where its value is bad.
    pub(super) fn read_quietly<S: Setting>(&mut self, setting: &S) -> S::Value {
        let (value, notice) = setting.read(self.text(setting.name()).as_deref());
        self.notices.extend(Some(notice).filter(Notice::is_warning));
        value
    }

    /// A variable that may hold anything.
    pub(super) fn text(&self, name: &'static str) -> Option<String> {
        self.variables.get(name)
    }
}
