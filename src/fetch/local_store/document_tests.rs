use super::Document;

fn complaint(content: &str) -> String {
    match Document::read(content.as_bytes()) {
        Ok(_) => panic!("this file is right: {content}"),
        Err(problem) => problem.to_string(),
    }
}

#[test]
fn an_empty_object_is_an_empty_store_and_a_byte_order_mark_is_no_problem() {
    for content in ["{}", "\u{feff}{}", "{\"secrets\": {}, \"parameters\": {}}\n"] {
        let document = Document::read(content.as_bytes()).unwrap_or_else(|p| panic!("{p}"));
        assert!(document.secrets.is_empty() && document.parameters.is_empty());
    }
}

#[test]
fn a_problem_names_its_line_its_column_and_its_place() {
    for (content, expected) in [
        ("", "line 1, column 0, EOF while parsing a value"),
        ("{\"secrets\": {\"a\": \"b\",}}", "line 1, column 23, at secrets: trailing comma"),
        ("{", "line 1, column 1, EOF while parsing an object"),
        (
            "{\"secrets\": {\"a\\nERROR forged\": {}}}",
            "line 1, column 34, at secrets.a\u{fffd}ERROR forged: \
             must have one of `string`, `json`, `binary` and `versions`",
        ),
        ("{} x", "line 1, column 4, trailing characters"),
        (
            "{\n  \"secret\": {}\n}",
            "line 2, column 10, at secret: \
             unknown field `secret`, \
             expected one of `secrets`, `parameters`, `delay_ms`, `fail`, `throttle`",
        ),
        (
            "{\"secrets\": {\"a\": {\"versions\": [{\"string\": \"b\", \"stage\": []}]}}}",
            "line 1, column 55, at secrets.a.versions[0].stage: unknown field `stage`, \
             expected one of `id`, `stages`, `created`, `string`, `json`, `binary`",
        ),
        (
            "{\"parameters\": {\"/a\": {\n\"type\": \"Secret\"}}}",
            "line 2, column 16, at parameters./a.type: unknown variant, \
             expected one of `String`, `StringList`, `SecureString`",
        ),
        (
            "{\"secrets\": {\"a\": {\"binary\": \"b\"}}}",
            "line 1, column 33, at secrets.a.binary: must be standard base64 with padding",
        ),
    ] {
        assert_eq!(complaint(content), expected);
    }
}

#[test]
fn a_value_in_the_wrong_place_is_not_repeated() {
    for (content, expected) in [
        (
            "{\"secrets\": {\"pin\": 4711}}",
            "line 1, column 24, at secrets.pin: invalid type: integer, \
             expected text, or an object with `string`, `json`, `binary` or `versions`",
        ),
        (
            "{\"secrets\": {\"pin\": {\"string\": 47.11}}}",
            "line 1, column 36, at secrets.pin.string: invalid type: floating point, \
             expected a string",
        ),
        (
            "{\"secrets\": \"hunter2, expected `nothing`\"}",
            "line 1, column 41, at secrets: invalid type: string, expected an object of names",
        ),
        (
            "{\"secrets\": {\"a\": {\"versions\": [\"hunter2\"]}}}",
            "line 1, column 41, at secrets.a.versions[0]: invalid type: string, \
             expected an object with `string`, `json` or `binary`",
        ),
        (
            "{\"parameters\": {\"/a\": {\"value\": [\"b\", 4711]}}}",
            "line 1, column 42, at parameters./a.value[1]: invalid type: integer, \
             expected a string",
        ),
        (
            "\"hunter2\"",
            "line 1, column 9, invalid type: string, \
             expected an object with `secrets` and `parameters`",
        ),
        (
            "[\"hunter2\"]",
            "line 1, column 10, at [0]: invalid type: string, expected an object of names",
        ),
    ] {
        assert_eq!(complaint(content), expected);
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    for (content, expected) in [
        (r#"{"secrets": {"a": "b", "a": "c"}}"#, "the name \"a\" stands here twice"),
        (r#"{"secrets": {"": "b"}}"#, "the name \"\" is empty"),
        (r#"{"secrets": {"arn:x": "b"}}"#, "is an ARN: give a name here and an `arn` in it"),
        (r#"{"secrets": {"a": {}}}"#, "must have one of `string`, `json`, `binary`"),
        (r#"{"secrets": {"a": {"string": "b", "json": 1}}}"#, "must have exactly one of"),
        (r#"{"secrets": {"a": {"string": "b", "versions": []}}}"#, "must have either `versions`"),
        (r#"{"secrets": {"a": {"id": "b", "versions": []}}}"#, "belong into each of its"),
        (r#"{"secrets": {"a": {"versions": []}}}"#, "`versions` must not be empty"),
        (
            r#"{"secrets": {"a": {"versions": [
                {"string": "b", "stages": ["S"]}, {"string": "c", "stages": ["S"]}]}}}"#,
            "the stage \"S\" stands here twice",
        ),
        (
            r#"{"secrets": {"a": {"versions": [
                {"string": "b", "id": "i"}, {"string": "c", "id": "i"}]}}}"#,
            "the version id \"i\" stands here twice",
        ),
        (r#"{"secrets": {"a": {"string": "b", "created": "May"}}}"#, "must be a date such as"),
        (r#"{"parameters": {"/a:b": "c"}}"#, "has a colon, which is for versions and labels"),
        (r#"{"parameters": {"/aws/reference/secretsmanager/a": "c"}}"#, "reads a secret"),
        (r#"{"parameters": {"/a": {}}}"#, "must have either `value` or `versions`"),
        (r#"{"parameters": {"/a": {"versions": []}}}"#, "`versions` must not be empty"),
        (r#"{"parameters": {"/a": {"labels": ["b"], "versions": []}}}"#, "belong into each of"),
        (r#"{"parameters": {"/a": {"value": "b", "labels": ["1b"]}}}"#, "begins with a digit"),
        (r#"{"parameters": {"/a": {"value": "b", "labels": ["L", "L"]}}}"#, "stands here twice"),
        (r#"{"parameters": {"/a": ["b,c"]}}"#, "a text in a list must not have a comma"),
        (
            r#"{"secrets": {"a": {"string": "b", "fail": "two words"}}}"#,
            "an error code is one word",
        ),
        (r#"{"fail": {"code": ""}}"#, "at fail.code: an error code is one word"),
        (r#"{"fail": {"times": 1}}"#, "at fail: missing field `code`"),
        (r#"{"fail": {"code": "A", "times": 0}}"#, "at fail.times: invalid value: integer"),
        (r#"{"fail": true}"#, "expected an error code, or an object with `code` and `times`"),
        (r#"{"delay_ms": -1}"#, "at delay_ms: invalid value: integer"),
        (
            r#"{"secrets": {"a": {"string": "b", "throttle": "5"}}}"#,
            "at secrets.a.throttle: invalid type",
        ),
        (
            r#"{"secrets": {"a": {"versions": [{"string": "b", "fail": "A"}]}}}"#,
            "unknown field `fail`",
        ),
        (
            r#"{"parameters": {"/a": {"type": "SecureString", "value": ["b"]}}}"#,
            "a list of texts is of type StringList",
        ),
    ] {
        let complaint = complaint(content);
        assert!(complaint.contains(expected), "{content}: {complaint}");
    }
}
