//! The variables that configure the wrapper, read from the environment that it also resolves.

use std::{collections::BTreeMap, io, num::IntErrorKind, time::Duration};

use crate::{
    reference::Reference,
    token::{AGENTS_VARIABLE, GivenToken, OWN_VARIABLE, Token, TokenSource},
};

pub(crate) const ENV_FROM: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_FROM";
pub(crate) const ENV_FROM_OVERRIDES: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_FROM_OVERRIDES";
pub(crate) const IN_SNAPSHOT: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_IN_SNAPSHOT";
pub(crate) const NEXT_WRAPPER: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_NEXT_WRAPPER";
pub(crate) const TIME_OUT: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_TIMEOUT_MILLIS";
pub(crate) const PORT: &str = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT";
pub(crate) const SESSION_TOKEN: &str = "AWS_SESSION_TOKEN";

const DEFAULT_PORT: u16 = 2773;

/// Below the 10 s that Lambda gives INIT, so that the reason is still reported.
const DEFAULT_TIME_OUT: Duration = Duration::from_secs(9);

/// What the environment asks of the wrapper. It holds a token, so it has no `Debug`.
pub(crate) struct Settings {
    pub(crate) port: u16,
    /// The token that the extension accepts.
    pub(crate) token: Option<String>,
    /// For finding the extension and for all of its answers together.
    pub(crate) time_out: Duration,
    /// JSON objects whose every member becomes a variable; of two with one name the first counts.
    pub(crate) sets: Vec<Reference>,
    /// Whether members replace variables that are there.
    pub(crate) sets_override: bool,
    /// Whether values may become part of a snapshot.
    pub(crate) in_snapshot: bool,
    pub(crate) is_snap_start: bool,
    /// What to start instead of the command, with the command as its arguments.
    pub(crate) next_wrapper: Option<String>,
    /// `host:port` of Lambda's Runtime API; `None` outside Lambda.
    pub(crate) runtime_api: Option<String>,
    /// Values that could not be read and what counts instead.
    pub(crate) warnings: Vec<String>,
}

impl Settings {
    pub(crate) fn read(variables: &BTreeMap<&str, &str>) -> Self {
        let mut warnings = Vec::new();
        // As in the extension's own settings, blanks around a value are not part of it, and a blank
        // value is absent.
        let get = |name: &str| {
            let text = variables.get(name)?.trim();
            (!text.is_empty()).then_some(text)
        };
        let mut switch = |name: &str| match get(name) {
            None => false,
            Some(text) if text.eq_ignore_ascii_case("true") => true,
            Some(text) if text.eq_ignore_ascii_case("false") => false,
            Some(_) => {
                warnings.push(format!("{name} is neither TRUE nor FALSE; FALSE counts"));
                false
            }
        };
        let sets_override = switch(ENV_FROM_OVERRIDES);
        let in_snapshot = switch(IN_SNAPSHOT);
        let time_out = time_out(get(TIME_OUT), &mut warnings);
        let sets = sets(get(ENV_FROM), &mut warnings);
        let token = token(get, &mut warnings);
        Self {
            port: port(get(PORT)),
            token,
            time_out,
            sets,
            sets_override,
            in_snapshot,
            is_snap_start: get("AWS_LAMBDA_INITIALIZATION_TYPE") == Some("snap-start"),
            next_wrapper: get(NEXT_WRAPPER).map(str::to_owned),
            runtime_api: get("AWS_LAMBDA_RUNTIME_API").map(str::to_owned),
            warnings,
        }
    }
}

/// The port on which the extension serves, which warns of a bad value: a number above the range is
/// the highest port, however large, and everything else the default.
fn port(text: Option<&str>) -> u16 {
    match text.map(str::parse::<u64>) {
        None | Some(Ok(0)) => DEFAULT_PORT,
        Some(Ok(port)) => u16::try_from(port).unwrap_or(u16::MAX),
        Some(Err(error)) if *error.kind() == IntErrorKind::PosOverflow => u16::MAX,
        Some(Err(_)) => DEFAULT_PORT,
    }
}

fn time_out(text: Option<&str>, warnings: &mut Vec<String>) -> Duration {
    match text.map(str::parse) {
        None => DEFAULT_TIME_OUT,
        Some(Ok(millis)) if millis > 0 => Duration::from_millis(millis),
        Some(_) => {
            let default = DEFAULT_TIME_OUT.as_millis();
            warnings.push(format!("{TIME_OUT} is no number from 1; {default} counts"));
            DEFAULT_TIME_OUT
        }
    }
}

fn sets(list: Option<&str>, warnings: &mut Vec<String>) -> Vec<Reference> {
    let mut sets = Vec::new();
    for text in list.into_iter().flat_map(|list| list.split(',')).map(str::trim) {
        match Reference::parse(text) {
            Some(reference) => sets.push(reference),
            None if text.is_empty() => {}
            None => warnings.push(format!(
                "{ENV_FROM} has an item that is neither secret:ID nor parameter:NAME; it is left out"
            )),
        }
    }
    sets
}

fn token<'a>(get: impl Fn(&str) -> Option<&'a str>, warnings: &mut Vec<String>) -> Option<String> {
    // In the order of the extension.
    let given = [OWN_VARIABLE, AGENTS_VARIABLE]
        .into_iter()
        .find_map(|variable| GivenToken::new(variable, get(variable)?.to_owned()));
    match (get(SESSION_TOKEN), given) {
        (Some(token), _) => Some(token.to_owned()),
        (None, None) => get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(str::to_owned),
        (None, Some(GivenToken { variable, source })) => match token_in(source) {
            Ok(token) => Some(token.reveal().to_owned()),
            Err(error) => {
                warnings.push(format!("{variable} names a file that cannot be read: {error}"));
                None
            }
        },
    }
}

fn token_in(source: TokenSource) -> io::Result<Token> {
    match source {
        TokenSource::Value(token) => Ok(token),
        TokenSource::File(path) => Token::from_file(&path),
    }
}

#[cfg(test)]
#[path = "settings_tests.rs"]
mod tests;
