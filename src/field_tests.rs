use super::{Field, FieldError};
use crate::secret::SecretValue;

const DATABASE: &str = r#"{"user":"app","password":"a \"b\" é","port":5432,"tls":true,"none":null,
    "id":12345678901234567890123,"db":{"password":"inner","hosts":["a","b"]},"a/b":"slash","m~n":"tilde","":"empty"}"#;

fn field(text: &str) -> Field {
    Field::new(text).unwrap()
}

fn read(name: &str) -> Result<String, FieldError> {
    let value = field(name).of_text(DATABASE)?;
    Ok(String::from_utf8(value.reveal().to_vec()).unwrap())
}

#[test]
fn a_string_is_its_text_and_everything_else_is_what_the_json_says() {
    for (name, expected) in [
        ("user", "app"),
        ("password", "a \"b\" é"),
        ("port", "5432"),
        ("id", "12345678901234567890123"),
        ("tls", "true"),
        ("none", "null"),
        ("db", r#"{"password":"inner","hosts":["a","b"]}"#),
    ] {
        assert_eq!(read(name).as_deref(), Ok(expected), "{name}");
    }
}

#[test]
fn what_begins_with_a_slash_is_a_json_pointer() {
    for (pointer, expected) in [
        ("/user", "app"),
        ("/db/password", "inner"),
        ("/db/hosts/1", "b"),
        ("/a~1b", "slash"),
        ("a/b", "slash"),
        ("/m~0n", "tilde"),
        ("/", "empty"),
    ] {
        assert_eq!(read(pointer).as_deref(), Ok(expected), "{pointer}");
    }
}

#[test]
fn a_field_that_is_not_there_is_named_and_nothing_else_is_shown() {
    for name in ["pass", "/db/hosts/2", "/db/hosts/01", "/db/hosts/+1", "/db/hosts/-", "/user/x"] {
        let error = read(name).unwrap_err();
        assert_eq!(error, FieldError::Missing(field(name)));
        assert_eq!(error.to_string(), format!("the value has no field {name:?}"));
    }
}

#[test]
fn of_a_name_that_stands_there_twice_the_last_counts() {
    let value = field("a").of_text(r#"{"a":"old","a":"new"}"#).unwrap();
    assert_eq!(&value.reveal()[..], b"new");
}

#[test]
fn a_text_that_is_no_json_has_no_fields() {
    for text in ["", "plain", "{", "{\"a\":1} trailing"] {
        assert_eq!(field("a").of_text(text), Err(FieldError::NotJson), "{text}");
    }
    for text in ["7", "\"text\"", "null", "[]"] {
        assert_eq!(field("a").of_text(text), Err(FieldError::Missing(field("a"))), "{text}");
    }
}

#[test]
fn json_nested_beyond_all_reason_takes_no_stack_and_is_followed_for_64_steps() {
    let text = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(field(&"/0".repeat(64)).of_text(&text).is_ok());
    let too_deep = field(&"/0".repeat(65));
    assert_eq!(too_deep.of_text(&text), Err(FieldError::Missing(too_deep)));
}

#[test]
fn a_body_is_looked_through_for_the_secrets_or_the_parameters_value() {
    let of_body = |body: &str| field("a").of_body(body.as_bytes());
    let text = |value: SecretValue| value.reveal();

    let secret = r#"{"ARN":"arn","Name":"db","SecretBinary":null,"SecretString":"{\"a\":\"x\"}"}"#;
    assert_eq!(of_body(secret).map(text).as_deref(), Ok(&b"x"[..]));
    let parameter = r#"{"Parameter":{"Name":"/a","Value":"{\"a\":7}"},"ResultMetadata":{}}"#;
    assert_eq!(of_body(parameter).map(text).as_deref(), Ok(&b"7"[..]));
    let binary = r#"{"SecretBinary":"AAEC","SecretString":null}"#;
    assert_eq!(of_body(binary), Err(FieldError::Binary));
    for no_value in ["", "[]", "{}", r#"{"Parameter":{"Value":null}}"#] {
        assert_eq!(of_body(no_value), Err(FieldError::NoValue), "{no_value}");
    }
}
