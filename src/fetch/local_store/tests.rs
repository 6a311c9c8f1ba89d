use std::{fs, path::Path, time::Duration};

use super::LocalStore;
use crate::{
    fetch::{error::FetchError, upstream::Upstream},
    key::{CacheKey, ParameterKey, SecretKey},
};

pub(super) fn secret(secret_id: &str) -> CacheKey {
    CacheKey::Secret(SecretKey {
        secret_id: secret_id.into(),
        version_id: None,
        version_stage: None,
    })
}

pub(super) fn parameter(name: &str) -> CacheKey {
    CacheKey::Parameter(ParameterKey { name: name.into(), selector: None, with_decryption: true })
}

async fn ask(store: &LocalStore, key: CacheKey) -> Result<String, FetchError> {
    let value = match key {
        CacheKey::Secret(key) => store.fetch(key).await?,
        CacheKey::Parameter(key) => store.fetch(key).await?,
    };
    Ok(String::from_utf8(value.reveal().to_vec()).expect("a body is UTF-8"))
}

/// Writes and gives the file a modification time of its own, however coarse the clock is.
fn write(path: &Path, content: &str, age_in_seconds: u64) {
    fs::write(path, content).expect("a writable file");
    let file = fs::File::options().write(true).open(path).expect("the file");
    let modified = file.metadata().and_then(|metadata| metadata.modified()).expect("its time");
    file.set_modified(modified - Duration::from_secs(age_in_seconds)).expect("a new time");
}

#[tokio::test]
async fn the_example_store_opens_and_answers_each_form() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/store.json");
    let store = LocalStore::open(path, "eu-west-1").expect("a right file");
    for (secret_id, expected) in [
        ("example/plain", r#""SecretString":"not-a-secret""#),
        ("example/json", r#""SecretString":"{\"password\":\"not-a-secret\",\"port\":5432,"#),
        ("example/binary", r#""SecretBinary":"bm90LWEtc2VjcmV0/w==","SecretString":null"#),
        ("example/rotated", r#""SecretString":"not-a-secret-yet""#),
        ("example/staged", r#""VersionId":"11111111-1111-4111-8111-111111111111""#),
        (
            "arn:aws:secretsmanager:eu-central-1:111122223333:secret:example/staged",
            r#""CreatedDate":"2026-01-01T00:00:00Z""#,
        ),
    ] {
        let body = ask(&store, secret(secret_id)).await.expect("an answer");
        assert!(body.contains(expected), "{body}");
    }
    for (name, expected) in [
        ("/example/text", r#""Type":"String","Value":"hello""#),
        ("/example/list", r#""Type":"StringList","Value":"red,green,blue""#),
        ("/example/secure", r#""Type":"SecureString","Value":"not-a-secret""#),
        ("/example/versions", r#""Value":"third","Version":3"#),
        ("/example/versions:Dev", r#""Selector":":Dev""#),
        ("example-without-path", r#":parameter/example-without-path""#),
        ("/aws/reference/secretsmanager/example/plain", r#""Value":"not-a-secret","Version":0"#),
    ] {
        let name = name.to_owned();
        let key = ParameterKey { name, selector: None, with_decryption: true };
        let body = ask(&store, CacheKey::Parameter(key)).await.expect("an answer");
        assert!(body.contains(expected), "{body}");
    }
}

#[test]
fn a_file_that_cannot_be_read_or_is_wrong_is_refused_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.json");
    let shown = path.display();
    let complaint =
        |path: &Path| LocalStore::open(path, "eu-west-1").expect_err("a bad file").to_string();

    assert!(complaint(&path).starts_with(&format!("cannot read the local store {shown}: No such")));
    assert!(complaint(folder.path()).ends_with(": it is not a regular file"));
    write(&path, "{\n  \"secrets\": []\n}", 0);
    assert_eq!(
        complaint(&path),
        format!(
            "the local store {shown} is invalid: line 2, column 13, at secrets: \
             invalid type: sequence, expected an object of names"
        )
    );
}

#[tokio::test]
async fn an_edit_is_seen_by_the_next_fetch() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.json");
    write(&path, r#"{"secrets": {"a": "one"}}"#, 20);
    let store = LocalStore::open(&path, "eu-west-1").expect("a right file");
    assert!(ask(&store, secret("a")).await.expect("an answer").contains(r#""one""#));

    write(&path, r#"{"secrets": {"a": "two"}}"#, 10);
    assert!(ask(&store, secret("a")).await.expect("an answer").contains(r#""two""#));
}

/// The texts of these fields in one answer.
fn fields<const N: usize>(body: &str, names: [&str; N]) -> [String; N] {
    let json: serde_json::Value = serde_json::from_str(body).expect("a body is JSON");
    let holder = if json["Parameter"].is_null() { &json } else { &json["Parameter"] };
    names.map(|name| holder[name].to_string())
}

#[tokio::test]
async fn an_edit_is_a_new_version_of_what_it_changes_and_of_nothing_else() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.json");
    let content = |secret: &str, parameter: &str| {
        format!(
            r#"{{"secrets": {{"a": "{secret}", "b": "same"}},
                "parameters": {{"/a": "{parameter}", "/b": "same", "/list": ["{parameter}"]}}}}"#
        )
    };
    let versions = async |store: &LocalStore| {
        let of = async |key| ask(store, key).await.expect("an answer");
        let secret_fields = ["ARN", "VersionId", "CreatedDate"];
        let parameter_fields = ["ARN", "Version", "LastModifiedDate"];
        [
            fields(&of(secret("a")).await, secret_fields),
            fields(&of(secret("b")).await, secret_fields),
            fields(&of(parameter("/a")).await, parameter_fields),
            fields(&of(parameter("/b")).await, parameter_fields),
        ]
    };
    write(&path, &content("one", "one"), 20);
    let store = LocalStore::open(&path, "eu-west-1").expect("a right file");
    let before = versions(&store).await;
    write(&path, &content("two", "two"), 10);
    let after = versions(&store).await;

    for (before, after) in [(&before[0], &after[0]), (&before[2], &after[2])] {
        assert_eq!(before[0], after[0]);
        assert_ne!(before[1], after[1]);
        assert_ne!(before[2], after[2]);
    }
    assert_eq!((&before[2][1], &after[2][1]), (&"1".to_owned(), &"2".to_owned()));
    assert_eq!((&before[1], &before[3]), (&after[1], &after[3]));
    assert!(ask(&store, parameter("/a:2")).await.is_ok());
    assert_eq!(
        ask(&store, parameter("/a:1")).await.expect_err("an old version").code(),
        "ParameterVersionNotFound"
    );
}

#[tokio::test]
async fn an_edit_that_breaks_the_file_fails_every_fetch_until_it_is_put_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.json");
    let good = r#"{"secrets": {"a": "one"}}"#;
    write(&path, good, 30);
    let store = LocalStore::open(&path, "eu-west-1").expect("a right file");

    write(&path, r#"{"secrets": {"a": hunter2}}"#, 20);
    for _ in 0..2 {
        let error = ask(&store, secret("a")).await.expect_err("a bad file");
        assert_eq!(error.code(), "LocalStoreInvalid");
        let text = error.to_string();
        assert!(text.ends_with("line 1, column 19, at secrets.a: expected value"), "{text}");
    }
    fs::remove_file(&path).expect("the file goes");
    let error = ask(&store, secret("a")).await.expect_err("no file");
    assert!(error.to_string().starts_with("cannot read the local store "));

    write(&path, good, 10);
    assert!(ask(&store, secret("a")).await.expect("an answer").contains(r#""one""#));
}

#[tokio::test]
async fn a_file_that_did_not_change_is_not_read_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("store.json");
    fs::write(&path, r#"{"secrets": {"a": "one"}}"#).expect("a writable file");
    let modified = fs::metadata(&path).and_then(|file| file.modified()).expect("its time");
    let store = LocalStore::open(&path, "eu-west-1").expect("a right file");

    fs::write(&path, r#"{"secrets": {"a": "two"}}"#).expect("a writable file");
    let file = fs::File::options().write(true).open(&path).expect("the file");
    file.set_modified(modified).expect("the old time");
    assert!(ask(&store, secret("a")).await.expect("an answer").contains(r#""one""#));
}
