use proptest::{prelude::*, sample::Index};

use super::{BadRequest, Question};
use crate::{
    cache::Urgency,
    key::{CacheKey, ParameterKey, SecretKey, Selector, UpstreamKind},
};

const SECRET: &str = "/secretsmanager/get";
const PARAMETER: &str = "/systemsmanager/parameters/get";

fn parse(path: &str, query: &str) -> Result<Question, BadRequest> {
    super::parse(UpstreamKind::at_path(path).expect("a path of values"), query)
}

fn secret(secret_id: &str, version_id: Option<&str>, version_stage: Option<&str>) -> CacheKey {
    CacheKey::Secret(SecretKey {
        secret_id: secret_id.into(),
        version_id: version_id.map(Into::into),
        version_stage: version_stage.map(Into::into),
    })
}

fn parameter(name: &str, selector: Option<Selector>, with_decryption: bool) -> CacheKey {
    CacheKey::Parameter(ParameterKey { name: name.into(), selector, with_decryption })
}

fn key(path: &str, query: &str) -> CacheKey {
    parse(path, query).expect("a well-formed request").key
}

fn complaint(path: &str, query: &str) -> String {
    parse(path, query).expect_err("a bad request").to_string()
}

#[test]
fn a_go_client_with_its_trailing_slash_and_sorted_query_is_understood() {
    assert_eq!(
        key(
            "/systemsmanager/parameters/get/",
            "label=Dev&name=%2Fapp%2Fdb&version=&withDecryption=true"
        ),
        parameter("/app/db", Some(Selector::Label("Dev".into())), true)
    );
    assert_eq!(
        key("/secretsmanager/get/", "secretId=app%2Fdb&versionId=v1&versionStage=AWSPREVIOUS"),
        secret("app/db", Some("v1"), Some("AWSPREVIOUS"))
    );
}

#[test]
fn no_name_is_longer_than_aws_allows_for_any() {
    let longest = "é".repeat(2_048);
    assert_eq!(key(SECRET, &format!("secretId={longest}")), secret(&longest, None, None));
    for (path, query, parameter) in [
        (SECRET, "secretId=", "secretId"),
        (SECRET, "secretId=a&versionId=", "versionId"),
        (SECRET, "secretId=a&versionStage=", "versionStage"),
        (PARAMETER, "name=", "name"),
        (PARAMETER, "name=a&label=", "label"),
    ] {
        assert_eq!(
            complaint(path, &format!("{query}{longest}x")),
            format!("query parameter {parameter} has 2049 characters: it must have at most 2048")
        );
    }
}

#[test]
fn a_node_middleware_with_raw_slashes_and_colons_is_understood() {
    let arn = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/db";
    assert_eq!(
        key(PARAMETER, &format!("withDecryption=true&name={arn}")),
        parameter(arn, None, true)
    );
    let arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf";
    assert_eq!(key(SECRET, &format!("secretId={arn}")), secret(arn, None, None));
}

#[test]
fn a_secret_read_through_the_parameter_path_keeps_its_whole_name() {
    assert_eq!(
        key(
            PARAMETER,
            "name=%2Faws%2Freference%2Fsecretsmanager%2Fapp%2Fdb&label=AWSPREVIOUS&withDecryption=true"
        ),
        parameter(
            "/aws/reference/secretsmanager/app/db",
            Some(Selector::Label("AWSPREVIOUS".into())),
            true
        )
    );
}

#[test]
fn a_plus_and_percent_20_are_a_space_and_percent_2b_is_a_plus() {
    assert_eq!(key(SECRET, "secretId=a+b%20c%2Bd"), secret("a b c+d", None, None));
}

#[test]
fn names_are_decoded() {
    assert_eq!(key(SECRET, "secret%49d=a&version%49d=c"), secret("a", Some("c"), None));
}

#[test]
fn a_semicolon_and_a_second_equals_sign_are_part_of_the_value() {
    assert_eq!(key(SECRET, "secretId=a;b=c"), secret("a;b=c", None, None));
}

#[test]
fn of_a_repeated_parameter_the_first_counts() {
    assert_eq!(key(SECRET, "secretId=a&secretId=b"), secret("a", None, None));
    assert_eq!(
        complaint(SECRET, "secretId=&secretId=b"),
        "query parameter secretId is missing or empty: it must be a secret's name or ARN"
    );
}

#[test]
fn empty_optional_values_and_empty_pairs_count_as_absent() {
    assert_eq!(
        key(SECRET, "&&secretId=a&versionId=&versionStage&refreshNow=&"),
        secret("a", None, None)
    );
    assert_eq!(
        key(PARAMETER, "name=a&version=&label=&withDecryption="),
        parameter("a", None, false)
    );
}

#[test]
fn of_a_version_and_a_label_the_first_in_the_url_counts() {
    let label = Some(Selector::Label("Dev".into()));
    let version = Some(Selector::Version(3));
    for (query, expected) in [
        ("name=a&version=3&label=Dev", version.clone()),
        ("label=Dev&name=a&version=3", label.clone()),
        ("name=a&label=Dev&version=nonsense", label.clone()),
        ("name=a&version=&label=Dev", label),
        ("name=a&label=&version=3&label=Dev", version),
    ] {
        assert_eq!(key(PARAMETER, query), parameter("a", expected, false), "{query}");
    }
}

#[test]
fn an_unknown_parameter_that_nearly_is_one_is_refused_with_what_was_meant() {
    for (path, query, given, meant) in [
        (SECRET, "secretId=a&versionstage=AWSPREVIOUS", "versionstage", "versionStage"),
        (SECRET, "secret_id=a", "secret_id", "secretId"),
        (SECRET, "secretId=a&refresh-now=true", "refresh-now", "refreshNow"),
        (PARAMETER, "name=a&withdecryption=true", "withdecryption", "withDecryption"),
        (PARAMETER, "name=a&withDecription=true", "withDecription", "withDecryption"),
        (PARAMETER, "Name=a", "Name", "name"),
    ] {
        assert_eq!(
            complaint(path, query),
            format!("unknown query parameter {given:?}: did you mean {meant}?")
        );
    }
}

#[test]
fn any_other_unknown_parameter_is_ignored() {
    for query in ["secretId=a&_=1712", "secretId=a&stage=b", "name=b&secretId=a", "secretId=a&x"] {
        assert_eq!(key(SECRET, query), secret("a", None, None), "{query}");
    }
    for query in ["secretId=a&trace=%FF", "secretId=a&tr%FFce=b"] {
        assert_eq!(key(SECRET, query), secret("a", None, None), "what is not UTF-8: {query}");
    }
    let long = "n".repeat(10_000);
    assert_eq!(key(PARAMETER, &format!("name=a&{long}=b")), parameter("a", None, false));
}

#[test]
fn a_version_is_a_whole_number() {
    assert_eq!(
        key(PARAMETER, "name=a&version=007"),
        parameter("a", Some(Selector::Version(7)), false)
    );
    assert_eq!(
        key(PARAMETER, "name=a&version=0"),
        parameter("a", Some(Selector::Version(0)), false),
        "the service says what is wrong with it"
    );
    for value in ["-1", "1.5", "%2B1", "+1", "1e3", "Dev", "18446744073709551616"] {
        let complaint = complaint(PARAMETER, &format!("name=a&version={value}"));
        assert!(complaint.starts_with("query parameter version is \""), "{complaint}");
        assert!(complaint.ends_with("\": it must be a whole number below 2^64"), "{complaint}");
    }
}

#[test]
fn with_decryption_is_true_or_false_in_any_letter_case() {
    for (value, expected) in [("true", true), ("TRUE", true), ("False", false)] {
        let query = format!("name=a&withDecryption={value}");
        assert_eq!(key(PARAMETER, &query), parameter("a", None, expected));
    }
    assert_eq!(
        complaint(PARAMETER, "name=a&withDecryption=1"),
        "query parameter withDecryption is \"1\": it must be true or false"
    );
}

#[test]
fn refresh_now_is_told_apart_from_the_key_on_both_paths() {
    use Urgency::{Patient, Refresh};
    for (value, urgency) in [("true", Refresh), ("1", Refresh), ("FALSE", Patient), ("0", Patient)]
    {
        assert_eq!(
            parse(SECRET, &format!("secretId=a&refreshNow={value}")),
            Ok(Question { key: secret("a", None, None), urgency, field: None })
        );
        assert_eq!(
            parse(PARAMETER, &format!("refreshNow={value}&name=a")),
            Ok(Question { key: parameter("a", None, false), urgency, field: None })
        );
    }
    assert_eq!(
        complaint(SECRET, "secretId=a&refreshNow=yes"),
        "query parameter refreshNow is \"yes\": it must be true, false, 1 or 0"
    );
}

#[test]
fn a_missing_name_is_named_even_when_the_other_paths_parameter_is_there() {
    assert_eq!(
        complaint(PARAMETER, "secretId=a"),
        "query parameter name is missing or empty: it must be a parameter's name, path or ARN"
    );
}

#[test]
fn a_broken_percent_sequence_anywhere_is_refused_with_its_place() {
    for (query, parameter, sequence) in [
        ("secretId=100%", "secretId", "%"),
        ("secretId=a%2", "secretId", "%2"),
        ("secretId=a%zz", "secretId", "%zz"),
        ("secretId=a%+1", "secretId", "%+1"),
        ("secretId=a%2é", "secretId", "%2é"),
        ("secretId=a&other=%G0", "other", "%G0"),
        ("secretId=a&%x1=b", "%x1", "%x1"),
        ("secretId=a&other=%FF%G0", "other", "%G0"),
        ("secretId=a&%FF=%G0", "%FF", "%G0"),
    ] {
        assert_eq!(
            complaint(SECRET, query),
            format!(
                "query parameter {parameter:?} has the broken percent-encoding {sequence:?}: \
                 % must be followed by two hexadecimal digits, and a % itself is written %25"
            )
        );
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_with_their_place() {
    assert_eq!(
        complaint(SECRET, "secretId=%ff%fe"),
        "query parameter \"secretId\" is not UTF-8 after percent-decoding"
    );
}

#[test]
fn a_complaint_neither_repeats_a_long_value_nor_passes_control_characters_on() {
    let complaint = complaint(PARAMETER, &format!("name=a&version=%0A{}", "9".repeat(10_000)));
    assert_eq!(
        complaint,
        format!(
            "query parameter version is \"\\n{}…\": it must be a whole number below 2^64",
            "9".repeat(79)
        )
    );
}

/// Encodes `value`, choosing among the spellings that mean the same by `choices`.
fn spell(value: &str, choices: &[u8]) -> String {
    let mut choices = choices.iter().copied().cycle();
    value
        .bytes()
        .map(|byte| match (byte, choices.next().unwrap_or(0) % 3) {
            (b' ', 0) => "+".into(),
            (b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~', 0) => {
                char::from(byte).into()
            }
            (b'/' | b':' | b';' | b'@' | b'=' | b'?' | b',', 0) => char::from(byte).into(),
            (_, 1) => format!("%{byte:02x}"),
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![any::<String>(), "[ -~]{1,40}", "[a-zA-Z0-9/_.:+%& -]{1,40}"]
        .prop_filter("empty counts as absent", |text| !text.is_empty())
}

fn any_key() -> impl Strategy<Value = CacheKey> {
    let optional = || proptest::option::of(any_text());
    let selector = proptest::option::of(prop_oneof![
        (1..=u64::MAX).prop_map(Selector::Version),
        any_text().prop_map(Selector::Label),
    ]);
    prop_oneof![
        (any_text(), optional(), optional()).prop_map(|(secret_id, version_id, version_stage)| {
            CacheKey::Secret(SecretKey { secret_id, version_id, version_stage })
        }),
        (any_text(), selector, any::<bool>()).prop_map(|(name, selector, with_decryption)| {
            CacheKey::Parameter(ParameterKey { name, selector, with_decryption })
        }),
    ]
}

fn pairs(key: &CacheKey) -> (&'static str, Vec<(&'static str, String)>) {
    match key.clone() {
        CacheKey::Secret(key) => {
            let optional = [("versionId", key.version_id), ("versionStage", key.version_stage)];
            let optional = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
            (SECRET, [("secretId", key.secret_id)].into_iter().chain(optional).collect())
        }
        CacheKey::Parameter(key) => {
            let selector = key.selector.map(|selector| match selector {
                Selector::Version(version) => ("version", version.to_string()),
                Selector::Label(label) => ("label", label),
            });
            let decryption = ("withDecryption", key.with_decryption.to_string());
            let required = [("name", key.name), decryption];
            (PARAMETER, required.into_iter().chain(selector).collect())
        }
    }
}

proptest! {
    #[test]
    fn any_string_gets_an_answer(query in any::<String>()) {
        for path in [SECRET, PARAMETER] {
            let complaint = parse(path, &query).map_err(|bad: BadRequest| bad.to_string());
            if let Err(complaint) = complaint {
                prop_assert!(!complaint.contains(char::is_control));
                // Two quotations of 80 characters, each at most `\u{10ffff}` long, and the words.
                prop_assert!(complaint.len() < 2_000);
            }
        }
    }

    #[test]
    fn any_query_made_of_its_own_pieces_gets_an_answer(
        pieces in proptest::collection::vec(
            prop_oneof![
                Just("secretId"), Just("name"), Just("version"), Just("label"), Just("="),
                Just("&"), Just("%"), Just("%2"), Just("%2F"), Just("%ff"), Just("+"),
                Just(";"), Just("é"), Just("refreshNow"), Just("withDecryption"), Just("1"),
            ],
            0..24,
        ),
    ) {
        let query = pieces.concat();
        for path in [SECRET, PARAMETER] {
            let _answer = parse(path, &query);
        }
    }

    #[test]
    fn every_spelling_of_a_key_gives_the_key(
        key in any_key(),
        choices in proptest::collection::vec(any::<u8>(), 1..64),
        rotation in any::<Index>(),
        slash in any::<bool>(),
        refresh in any::<bool>(),
    ) {
        let urgency = if refresh { Urgency::Refresh } else { Urgency::Patient };
        let (path, mut pairs) = pairs(&key);
        pairs.push(("refreshNow", refresh.to_string()));
        pairs.push(("unknown", "%&=".to_owned()));
        let first = rotation.index(pairs.len());
        pairs.rotate_left(first);
        let query: Vec<String> = pairs
            .iter()
            .map(|(name, value)| format!("{}={}", spell(name, &choices), spell(value, &choices)))
            .collect();
        let path = if slash { format!("{path}/") } else { path.to_owned() };
        prop_assert_eq!(parse(&path, &query.join("&")), Ok(Question { key, urgency, field: None }));
    }
}
