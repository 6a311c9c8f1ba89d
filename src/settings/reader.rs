//! Reads one setting after the other and keeps the lines they give.

use super::kind::Setting;
use super::notice::Notice;
use super::variables::Variables;

#[derive(Debug)]
pub(super) struct Reader {
    pub(super) variables: Variables,
    pub(super) notices: Vec<Notice>,
    official: Vec<Notice>,
}

impl Reader {
    pub(super) fn new(variables: Variables) -> Self {
        Self { variables, notices: Vec::new(), official: Vec::new() }
    }

    /// Reads a setting and keeps its line.
    pub(super) fn read<S: Setting>(&mut self, setting: &S) -> S::Value {
        let (value, notice) = setting.read(self.text(setting.name()).as_deref());
        self.notices.push(notice);
        value
    }

    /// Reads the setting whose line is the last of the official extension's; all further ones are ours.
    pub(super) fn read_last_official<S: Setting>(&mut self, setting: &S) -> S::Value {
        let value = self.read(setting);
        self.official = std::mem::take(&mut self.notices);
        value
    }

    /// The official lines, then ours.
    pub(super) fn into_notices(self) -> (Vec<Notice>, Vec<Notice>) {
        (self.official, self.notices)
    }

    /// Reads a setting that has a line only where its value is bad.
    pub(super) fn read_quietly<S: Setting>(&mut self, setting: &S) -> S::Value {
        let (value, notice) = setting.read(self.text(setting.name()).as_deref());
        self.notices.extend(Some(notice).filter(Notice::is_warning));
        value
    }

    /// A variable that may hold anything.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.variables.get(name)
    }
}
