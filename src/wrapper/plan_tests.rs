use std::{collections::BTreeMap, ffi::OsString};

use super::{Answers, Plan, Refusal};
use crate::{reference::Reference, secret::SecretValue, settings::Settings};

const ENV_FROM: &str = "PARAMETERS_SECRETS_EXTENSION_ENV_FROM";
const OVERRIDES: (&str, &str) = ("PARAMETERS_SECRETS_EXTENSION_ENV_FROM_OVERRIDES", "TRUE");

fn plan(variables: &[(&'static str, &'static str)]) -> Plan {
    let variables = BTreeMap::from_iter(variables.iter().copied());
    Plan::new(&variables, &Settings::read(&variables))
}

fn answers(values: &[(&str, &str)]) -> Answers {
    values
        .iter()
        .map(|(source, value)| {
            let source = Reference::parse(source).unwrap().source;
            (source, Ok(SecretValue::new(*value)))
        })
        .collect()
}

fn refused(source: &str, code: &str) -> Answers {
    let source = Reference::parse(source).unwrap().source;
    let text = format!("{code}: said so");
    Answers::from([(source, Err(Refusal::Answered { code: code.into(), text }))])
}

fn set(values: &[(&str, &str)]) -> Result<Vec<(String, OsString)>, Vec<String>> {
    Ok(values.iter().map(|(name, value)| ((*name).to_owned(), value.into())).collect())
}

#[test]
fn every_reference_is_replaced_and_nothing_else_is_touched() {
    let plan = plan(&[
        ("HOME", "/root"),
        ("PASSWORD", "${secret:db#password}"),
        ("SHELLS", "${HOME}"),
        ("URL", "postgres://${secret:db#user}:${secret:db#password}@host/${parameter:/name}"),
        ("WHOLE", "${secret:db}"),
        ("WRITTEN", "$${secret:db}"),
    ]);
    let json = r#"{"user":"app","password":"p"}"#;

    let resolved = plan.resolve(&answers(&[("secret:db", json), ("parameter:/name", "main")]));

    assert_eq!(
        resolved,
        set(&[
            ("PASSWORD", "p"),
            ("URL", "postgres://app:p@host/main"),
            ("WHOLE", json),
            ("WRITTEN", "${secret:db}"),
        ])
    );
}

#[test]
fn many_references_to_one_secret_are_one_question() {
    let plan = plan(&[
        ("A", "${secret:db#a}${secret:db#b}${secret:db}"),
        ("B", "${secret:db:-x}"),
        ("C", "${secret:db?versionStage=AWSPREVIOUS}"),
        (ENV_FROM, "secret:db"),
    ]);
    let sources: Vec<_> = plan.sources().into_iter().map(ToString::to_string).collect();
    assert_eq!(sources, ["secret:db", "secret:db?versionStage=AWSPREVIOUS"]);
}

#[test]
fn a_reference_inside_a_value_is_text() {
    let plan = plan(&[("A", "${secret:a}"), (ENV_FROM, "secret:b")]);
    let answers = answers(&[("secret:a", "${secret:b}"), ("secret:b", r#"{"B":"${secret:a}"}"#)]);
    assert_eq!(plan.resolve(&answers), set(&[("A", "${secret:b}"), ("B", "${secret:a}")]));
}

#[test]
fn a_default_stands_in_for_what_does_not_exist_or_is_empty() {
    let plan =
        plan(&[("A", "${secret:a:-x}"), ("B", "${secret:b#f:-}"), ("C", "${secret:c#f:-y}")]);
    let mut answers = answers(&[("secret:b", "{}"), ("secret:c", r#"{"f":""}"#)]);
    answers.extend(refused("secret:a", "ResourceNotFoundException"));
    assert_eq!(plan.resolve(&answers), set(&[("A", "x"), ("B", ""), ("C", "y")]));
}

#[test]
fn no_default_hides_a_failure() {
    let plan = plan(&[("A", "${secret:a:-x}")]);
    for code in ["AccessDeniedException", "ThrottlingException", "RequestTimeout", ""] {
        let lines = plan.resolve(&refused("secret:a", code)).unwrap_err();
        assert_eq!(lines, [format!("A: secret:a: {code}: said so")]);
    }
    let lines = plan_of_field().resolve(&answers(&[("secret:a", "plain")])).unwrap_err();
    assert_eq!(lines, ["A: secret:a: the value is not JSON, so it has no fields"]);
}

fn plan_of_field() -> Plan {
    plan(&[("A", "${secret:a#f:-x}")])
}

#[test]
fn every_variable_that_cannot_be_set_has_its_line_and_none_shows_a_value() {
    let plan = plan(&[
        ("A", "${secret:a#missing}"),
        ("B", "${parameter:/gone}"),
        ("C", "${secret:nul}"),
        ("D", "${secret:a#user}"),
        (ENV_FROM, "secret:list,secret:odd"),
    ]);
    let mut answers = answers(&[
        ("secret:a", r#"{"user":"hidden"}"#),
        ("secret:nul", "hidden\0"),
        ("secret:list", r#"["hidden"]"#),
        ("secret:odd", r#"{"a=b":"hidden","nul":"hidden\u0000"}"#),
    ]);
    answers.extend(refused("parameter:/gone", "ParameterNotFound"));

    let lines = plan.resolve(&answers).unwrap_err();

    assert_eq!(
        lines,
        [
            "PARAMETERS_SECRETS_EXTENSION_ENV_FROM: secret:list: the value is not a JSON object",
            "PARAMETERS_SECRETS_EXTENSION_ENV_FROM: secret:odd: the key \"a=b\" cannot be a variable's name",
            "PARAMETERS_SECRETS_EXTENSION_ENV_FROM: secret:odd: the key \"nul\": the value holds a NUL byte, which no variable can",
            "A: secret:a: the value has no field \"missing\"",
            "B: parameter:/gone: ParameterNotFound: said so",
            "C: secret:nul: the value holds a NUL byte, which no variable can",
        ]
    );
}

#[test]
fn a_set_gives_every_member_that_is_not_there_yet() {
    let json = r#"{"HOST":"db","PORT":5432,"TLS":true,"KEEP":"set's","LIST":[1, 2]}"#;
    let plan = plan(&[("KEEP", "mine"), (ENV_FROM, "secret:env")]);
    assert_eq!(
        plan.resolve(&answers(&[("secret:env", json)])),
        set(&[("HOST", "db"), ("LIST", "[1, 2]"), ("PORT", "5432"), ("TLS", "true")])
    );
}

#[test]
fn a_set_replaces_what_is_there_only_if_told_to() {
    let variables = [("KEEP", "mine"), ("REF", "${secret:a}"), (ENV_FROM, "secret:env")];
    let answers = answers(&[("secret:env", r#"{"KEEP":"set","REF":"set"}"#), ("secret:a", "a")]);

    assert_eq!(plan(&variables).resolve(&answers), set(&[("REF", "a")]));
    let overriding = [variables[0], variables[1], variables[2], OVERRIDES];
    assert_eq!(plan(&overriding).resolve(&answers), set(&[("KEEP", "set"), ("REF", "set")]));
}

#[test]
fn of_two_sets_with_one_member_the_first_counts() {
    let plan = plan(&[(ENV_FROM, "secret:a,secret:b#inner")]);
    let answers =
        answers(&[("secret:a", r#"{"X":"a"}"#), ("secret:b", r#"{"inner":{"X":"b","Y":"b"}}"#)]);
    assert_eq!(plan.resolve(&answers), set(&[("X", "a"), ("Y", "b")]));
}

#[test]
fn a_variable_with_a_slip_in_it_is_named() {
    let plan = plan(&[("A", "${secret:a b}"), ("B", "${HOME}"), ("C", "$${secret:a b}")]);
    assert_eq!(plan.broken, ["A"]);
    assert!(plan.sources().is_empty());
}
