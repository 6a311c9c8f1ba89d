//! Which variables get which values: pure, given the extension's answers.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsString,
    fmt,
    os::unix::ffi::OsStringExt,
};

use crate::{
    field::{self, FieldError},
    reference::{Piece, Reference, Source, Template},
    secret::SecretValue,
    settings::{ENV_FROM, Settings},
};

/// The value of each source, or why there is none.
pub(crate) type Answers = BTreeMap<Source, Result<SecretValue, Refusal>>;

/// Why there is no value. The texts show none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The extension's answer: an error's code, and what it says.
    Answered { code: String, text: String },
    /// There is a value, but not in the form that is needed.
    Field(FieldError),
    /// A variable cannot hold it.
    Nul,
}

impl Refusal {
    /// Whether the thing does not exist. One that exists and is refused, or out of reach, is a
    /// failure that no default may hide.
    fn is_missing(&self) -> bool {
        match self {
            Self::Answered { code, .. } => {
                ["ResourceNotFoundException", "ParameterNotFound", "ParameterVersionNotFound"]
                    .contains(&code.as_str())
            }
            Self::Field(FieldError::Missing(_)) => true,
            Self::Field(_) | Self::Nul => false,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered { text, .. } => f.write_str(text),
            Self::Field(error) => write!(f, "{error}"),
            Self::Nul => f.write_str("the value holds a NUL byte, which no variable can"),
        }
    }
}

/// What the environment asks for.
pub(crate) struct Plan {
    /// Variables that hold references, by name.
    variables: BTreeMap<String, Template>,
    sets: Vec<Reference>,
    /// Every variable that is there, where those win over a set's members.
    winners: BTreeSet<String>,
    /// Variables in which a text begins like a reference but is not one.
    pub(crate) broken: Vec<String>,
}

impl Plan {
    pub(crate) fn new(variables: &BTreeMap<&str, &str>, settings: &Settings) -> Self {
        let mut plan = Self {
            variables: BTreeMap::new(),
            sets: settings.sets.clone(),
            winners: BTreeSet::new(),
            broken: Vec::new(),
        };
        if !settings.sets_override {
            plan.winners = variables.keys().map(|name| (*name).to_owned()).collect();
        }
        for (name, text) in variables.iter().filter(|(_, text)| text.contains("${")) {
            let template = Template::parse(text);
            if template.has_broken {
                plan.broken.push((*name).to_owned());
            }
            // An escaped opening changes the text too.
            if template.pieces != [Piece::Text((*text).to_owned())] {
                plan.variables.insert((*name).to_owned(), template);
            }
        }
        plan
    }

    /// What the extension has to be asked: each once.
    pub(crate) fn sources(&self) -> BTreeSet<&Source> {
        let references = self.variables.values().flat_map(Template::references);
        references.chain(&self.sets).map(|reference| &reference.source).collect()
    }

    /// The variables to set.
    ///
    /// # Errors
    ///
    /// A line for each variable, and each set, that cannot be.
    pub(crate) fn resolve(
        &self,
        answers: &Answers,
    ) -> Result<Vec<(String, OsString)>, Vec<String>> {
        let mut resolved = BTreeMap::new();
        let mut complaints = Vec::new();
        for set in &self.sets {
            match members(set, answers) {
                Ok(members) => {
                    for (name, value) in members {
                        if self.winners.contains(&name) || resolved.contains_key(&name) {
                            continue;
                        }
                        match variable(&name, value) {
                            Ok(value) => drop(resolved.insert(name, value)),
                            Err(what) => {
                                complaints.push(format!("{ENV_FROM}: {}: {what}", set.source))
                            }
                        }
                    }
                }
                Err(refusal) => complaints.push(format!("{ENV_FROM}: {}: {refusal}", set.source)),
            }
        }
        for (name, template) in &self.variables {
            match text(template, answers) {
                // With the switch a set's member has replaced it.
                Ok(text) => drop(resolved.entry(name.clone()).or_insert(text)),
                Err((source, refusal)) => complaints.push(format!("{name}: {source}: {refusal}")),
            }
        }
        if complaints.is_empty() { Ok(resolved.into_iter().collect()) } else { Err(complaints) }
    }
}

/// What a set's member becomes, if it can be a variable at all.
fn variable(name: &str, value: SecretValue) -> Result<OsString, String> {
    let value = value.reveal();
    if name.is_empty() || name.contains(['=', '\0']) {
        return Err(format!("the key {name:?} cannot be a variable's name"));
    }
    if value.contains(&0) {
        return Err(format!("the key {name:?}: {}", Refusal::Nul));
    }
    Ok(OsString::from_vec(value.to_vec()))
}

/// A value is put in as it is: references in it are not replaced.
fn text<'a>(template: &'a Template, answers: &Answers) -> Result<OsString, (&'a Source, Refusal)> {
    let mut text = Vec::new();
    for piece in &template.pieces {
        match piece {
            Piece::Text(piece) => text.extend_from_slice(piece.as_bytes()),
            Piece::Reference(reference) => {
                let value =
                    value(reference, answers).map_err(|refusal| (&reference.source, refusal))?;
                text.extend_from_slice(&value.reveal());
            }
        }
    }
    Ok(OsString::from_vec(text))
}

fn value(reference: &Reference, answers: &Answers) -> Result<SecretValue, Refusal> {
    let value = whole(reference, answers).and_then(|value| match &reference.field {
        Some(field) => field.of_text(&as_text(&value)).map_err(Refusal::Field),
        None => Ok(value),
    });
    match (value, &reference.default) {
        (Err(refusal), Some(default)) if refusal.is_missing() => {
            Ok(SecretValue::new(default.as_str()))
        }
        (Ok(value), Some(default)) if value.is_empty() => Ok(SecretValue::new(default.as_str())),
        (Ok(value), _) if value.reveal().contains(&0) => Err(Refusal::Nul),
        (value, _) => value,
    }
}

fn members(set: &Reference, answers: &Answers) -> Result<BTreeMap<String, SecretValue>, Refusal> {
    let object = value(set, answers)?;
    field::members_of(&as_text(&object)).map_err(Refusal::Field)
}

fn whole(reference: &Reference, answers: &Answers) -> Result<SecretValue, Refusal> {
    match answers.get(&reference.source) {
        Some(answer) => answer.clone(),
        None => Err(Refusal::Field(FieldError::NoValue)),
    }
}

/// Values of secrets and parameters are text, so nothing is replaced.
fn as_text(value: &SecretValue) -> String {
    String::from_utf8_lossy(&value.reveal()).into_owned()
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
