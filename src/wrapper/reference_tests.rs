use proptest::prelude::*;

use super::{Piece, Reference, Template};
use crate::field::Field;

fn only_reference(text: &str) -> Reference {
    match Template::parse(text).pieces.pop() {
        Some(Piece::Reference(reference)) => reference,
        other => panic!("{text} is {other:?}"),
    }
}

/// The text that a template gives if each reference's value is the source's name in brackets.
fn shown(text: &str) -> String {
    let pieces = Template::parse(text).pieces;
    pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Reference(reference) => format!("[{}]", reference.source),
        })
        .collect()
}

fn path(text: &str) -> String {
    only_reference(text).source.path()
}

#[test]
fn a_reference_says_what_is_asked_for() {
    assert_eq!(path("${secret:prod/db}"), "/secretsmanager/get?secretId=prod/db");
    assert_eq!(
        path(
            "${secret:arn:aws:secretsmanager:eu-west-1:1:secret:rds!db-AbCdEf?versionStage=AWSPREVIOUS}"
        ),
        "/secretsmanager/get?secretId=arn%3Aaws%3Asecretsmanager%3Aeu-west-1%3A1%3Asecret%3Ards%21db-AbCdEf\
         &versionStage=AWSPREVIOUS"
    );
    assert_eq!(
        path("${secret:a+b?versionStage=S&versionId=1}"),
        "/secretsmanager/get?secretId=a%2Bb&versionStage=S&versionId=1"
    );
    assert_eq!(
        path("${parameter:/app/level?label=Dev}"),
        "/systemsmanager/parameters/get?name=/app/level&withDecryption=true&label=Dev"
    );
    assert_eq!(
        path("${parameter:/app/level?version=3}"),
        "/systemsmanager/parameters/get?name=/app/level&withDecryption=true&version=3"
    );
}

#[test]
fn a_field_and_a_default_belong_to_the_reference_and_not_to_what_is_asked() {
    let plain = only_reference("${secret:db}");
    for (text, field, default) in [
        ("${secret:db#password}", Some("password"), None),
        ("${secret:db#/a/b}", Some("/a/b"), None),
        ("${secret:db#a b?c}", Some("a b?c"), None),
        ("${secret:db:-}", None, Some("")),
        ("${secret:db:-x:-y#z?}", None, Some("x:-y#z?")),
        ("${secret:db#user:-app}", Some("user"), Some("app")),
    ] {
        let reference = only_reference(text);
        assert_eq!(reference.source, plain.source, "{text}");
        assert_eq!(reference.field, field.and_then(Field::new), "{text}");
        assert_eq!(reference.default.as_deref(), default, "{text}");
    }
}

#[test]
fn references_stand_inside_a_longer_text() {
    assert_eq!(
        shown("postgres://${secret:prod/db#username}:${secret:prod/db#password}@host/app"),
        "postgres://[secret:prod/db]:[secret:prod/db]@host/app"
    );
    assert_eq!(shown("$${${secret:a}}$"), "$${[secret:a]}$");
}

#[test]
fn what_is_not_exactly_a_reference_stays_as_it_is_and_is_told() {
    for text in [
        "${secret:}",
        "${secret:db",
        "${secret:a b}",
        "${secret:db#}",
        "${secret:db?}",
        "${secret:db?versionstage=A}",
        "${secret:db?versionStage=}",
        "${secret:db?label=Dev}",
        "${parameter:/a?versionStage=A}",
        "${secret:é}",
        "${secret:?versionId=1}",
    ] {
        assert_eq!(shown(text), text);
        assert!(Template::parse(text).has_broken, "{text}");
    }
}

#[test]
fn the_syntax_of_other_tools_is_not_a_reference() {
    for text in [
        "",
        "$",
        "${",
        "${}",
        "${HOME}",
        "$HOME",
        "${secrets:a}",
        "${SECRET:a}",
        "{secret:a}",
        "$ {secret:a}",
    ] {
        assert_eq!(shown(text), text);
        assert!(!Template::parse(text).has_broken, "{text}");
    }
}

#[test]
fn two_dollars_write_the_opening_itself() {
    for (text, expected) in [
        ("$${secret:db}", "${secret:db}"),
        ("$$${parameter:/a}", "$${parameter:/a}"),
        ("$${secret:a}${secret:b}", "${secret:a}[secret:b]"),
        ("$${secret:${secret:b}}", "${secret:[secret:b]}"),
        ("$${HOME}", "$${HOME}"),
    ] {
        assert_eq!(shown(text), expected);
        assert!(!Template::parse(text).has_broken, "{text}");
    }
}

#[test]
fn a_broken_reference_hides_no_good_one_behind_it() {
    assert_eq!(shown("${secret:${secret:a}"), "${secret:[secret:a]");
    assert_eq!(shown("${secret: x}${secret:a}"), "${secret: x}[secret:a]");
}

#[test]
fn a_whole_secret_is_named_without_braces() {
    let named = |text| Reference::parse(text).map(|reference| reference.source.to_string());
    assert_eq!(
        named("secret:prod/env?versionStage=A#x").as_deref(),
        Some("secret:prod/env?versionStage=A")
    );
    assert_eq!(named("parameter:/a").as_deref(), Some("parameter:/a"));
    for text in ["", "prod/env", "secret:", "${secret:a}"] {
        assert_eq!(named(text), None, "{text}");
    }
}

/// References in every form, with what they are made of.
fn any_reference() -> impl Strategy<Value = (String, Reference)> {
    let word = "[a-zA-Z0-9/_+=.@!-]{1,12}";
    let optional = |text: &'static str| proptest::option::of(text);
    (any::<bool>(), word, optional(word), optional("[^#:}]{1,8}"), optional("[^}]{0,8}")).prop_map(
        |(is_secret, id, version, field, default)| {
            let (kind, selector) =
                if is_secret { ("secret", "versionStage") } else { ("parameter", "label") };
            let version =
                version.map(|version| format!("?{selector}={version}")).unwrap_or_default();
            let source = format!("{kind}:{id}{version}");
            let reference = Reference {
                source: Reference::parse(&source).unwrap().source,
                field: field.clone().and_then(Field::new),
                default: default.clone(),
            };
            let field = field.map(|field| format!("#{field}")).unwrap_or_default();
            let default = default.map(|default| format!(":-{default}")).unwrap_or_default();
            (format!("${{{source}{field}{default}}}"), reference)
        },
    )
}

fn any_pieces_of_the_syntax() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("${secret:".to_owned()),
        Just("${parameter:".to_owned()),
        Just("$".to_owned()),
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("#".to_owned()),
        Just("?".to_owned()),
        Just(":-".to_owned()),
        Just("db".to_owned()),
        Just("versionStage=".to_owned()),
        Just("é".to_owned()),
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}

/// Writes a template down again.
fn written(template: &Template) -> String {
    let pieces = template.pieces.iter().map(|piece| match piece {
        Piece::Text(text) => {
            text.replace("${secret:", "$${secret:").replace("${parameter:", "$${parameter:")
        }
        Piece::Reference(Reference { source, field, default }) => {
            let field =
                field.as_ref().map(|field| format!("#{}", field.as_str())).unwrap_or_default();
            let default =
                default.as_ref().map(|default| format!(":-{default}")).unwrap_or_default();
            format!("${{{source}{field}{default}}}")
        }
    });
    pieces.collect()
}

proptest! {
    #[test]
    fn any_text_gives_a_template(text in any_pieces_of_the_syntax()) {
        let _template = Template::parse(&text);
    }

    #[test]
    fn a_text_without_an_opening_is_itself(text in any::<String>()) {
        prop_assume!(!text.contains("${secret:") && !text.contains("${parameter:"));
        prop_assert_eq!(shown(&text), text);
    }

    #[test]
    fn a_reference_is_read_as_it_was_written((text, reference) in any_reference(), before in "[^$]{0,8}", behind in "[^$]{0,8}") {
        let whole = format!("{before}{text}{behind}");
        let template = Template::parse(&whole);
        prop_assert!(!template.has_broken);
        prop_assert_eq!(template.references().collect::<Vec<_>>(), vec![&reference]);
    }

    #[test]
    fn a_template_that_is_written_down_again_is_the_same(text in any_pieces_of_the_syntax()) {
        let template = Template::parse(&text);
        let again = Template::parse(&written(&template));
        prop_assert_eq!(again.pieces, template.pieces);
    }

    #[test]
    fn no_name_can_reach_another_path_of_the_extension((_, reference) in any_reference()) {
        let path = reference.source.path();
        prop_assert!(path.starts_with("/secretsmanager/get?secretId=") || path.starts_with("/systemsmanager/parameters/get?name="));
        prop_assert!(path.bytes().all(|byte| byte.is_ascii_graphic()));
    }
}
