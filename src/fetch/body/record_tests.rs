use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueOutput;
use aws_sdk_ssm::types::{Parameter, ParameterType};
use aws_smithy_types::{Blob, DateTime};

use super::{ParameterRecord, SecretRecord};
use crate::secret::SecretValue;

const SECRET_ARN: &str = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf";
const PARAMETER_ARN: &str = "arn:aws:ssm:eu-west-1:123456789012:parameter/app/db";

fn body(value: &SecretValue) -> String {
    String::from_utf8(value.reveal().to_vec()).expect("a body is UTF-8")
}

#[test]
fn a_string_secret_is_compact_with_its_keys_in_order() {
    let output = GetSecretValueOutput::builder()
        .arn(SECRET_ARN)
        .name("app/db")
        .version_id("a1b2c3d4-5678-90ab-cdef-EXAMPLE11111")
        .secret_string("{\"user\":\"a<b\",\n\"pass\":\"é&\u{2028}\u{1}\"}")
        .version_stages("AWSCURRENT")
        .version_stages("Own")
        .created_date(DateTime::from_millis(1_712_345_651_090))
        .build();
    assert_eq!(
        body(&SecretRecord::from(output).into_body()),
        concat!(
            r#"{"ARN":"arn:aws:secretsmanager:eu-west-1:123456789012:secret:app/db-AbCdEf","#,
            r#""CreatedDate":"2024-04-05T19:34:11.09Z","Name":"app/db","SecretBinary":null,"#,
            r#""SecretString":"{\"user\":\"a\u003cb\",\n\"pass\":\"é\u0026\u2028\u0001\"}","#,
            r#""VersionId":"a1b2c3d4-5678-90ab-cdef-EXAMPLE11111","#,
            r#""VersionStages":["AWSCURRENT","Own"],"ResultMetadata":{}}"#,
        )
    );
}

#[test]
fn a_binary_secret_is_padded_base64_and_its_string_is_null() {
    for (bytes, encoded) in
        [(&b""[..], ""), (b"\0", "AA=="), (b"\xff\xfe", "//4="), (b"\xfb\xef\xbe", "++++")]
    {
        let output = GetSecretValueOutput::builder().secret_binary(Blob::new(bytes)).build();
        assert_eq!(
            body(&SecretRecord::from(output).into_body()),
            format!(
                r#"{{"ARN":null,"CreatedDate":null,"Name":null,"SecretBinary":"{encoded}","SecretString":null,"VersionId":null,"VersionStages":null,"ResultMetadata":{{}}}}"#
            )
        );
    }
}

#[test]
fn a_parameter_is_compact_with_its_keys_in_order() {
    let parameter = Parameter::builder()
        .arn(PARAMETER_ARN)
        .data_type("text")
        .last_modified_date(DateTime::from_secs(1_712_345_651))
        .name("/app/db")
        .selector(":Dev")
        .source_result(r#"{"a":1}"#)
        .r#type(ParameterType::SecureString)
        .value("correct horse")
        .version(7)
        .build();
    assert_eq!(
        body(&ParameterRecord::from(parameter).into_body()),
        concat!(
            r#"{"Parameter":{"ARN":"arn:aws:ssm:eu-west-1:123456789012:parameter/app/db","#,
            r#""DataType":"text","LastModifiedDate":"2024-04-05T19:34:11Z","Name":"/app/db","#,
            r#""Selector":":Dev","SourceResult":"{\"a\":1}","Type":"SecureString","#,
            r#""Value":"correct horse","Version":7},"ResultMetadata":{}}"#,
        )
    );
}

#[test]
fn whatever_aws_leaves_out_of_a_parameter_is_null() {
    assert_eq!(
        body(&ParameterRecord::from(Parameter::builder().version(1).build()).into_body()),
        concat!(
            r#"{"Parameter":{"ARN":null,"DataType":null,"LastModifiedDate":null,"Name":null,"#,
            r#""Selector":null,"SourceResult":null,"Type":null,"Value":null,"Version":1},"#,
            r#""ResultMetadata":{}}"#,
        )
    );
}

#[test]
fn a_parameter_type_that_aws_invents_later_is_passed_on() {
    let parameter = Parameter::builder().r#type(ParameterType::from("SecureList")).build();
    assert!(body(&ParameterRecord::from(parameter).into_body()).contains(r#""Type":"SecureList""#));
}

#[test]
fn dates_have_milliseconds_at_most_and_no_trailing_zeros() {
    for (date, expected) in [
        (DateTime::from_secs(0), r#""1970-01-01T00:00:00Z""#),
        (DateTime::from_millis(51_500), r#""1970-01-01T00:00:51.5Z""#),
        (DateTime::from_millis(51_713), r#""1970-01-01T00:00:51.713Z""#),
        (DateTime::from_millis(-1), r#""1969-12-31T23:59:59.999Z""#),
        // As a floating-point number of seconds arrives.
        (DateTime::from_secs_f64(1_523_477_145.713), r#""2018-04-11T20:05:45.713Z""#),
        (DateTime::from_secs_and_nanos(51, 712_999_999), r#""1970-01-01T00:00:51.713Z""#),
        (DateTime::from_secs_and_nanos(51, 713_000_001), r#""1970-01-01T00:00:51.713Z""#),
        (DateTime::from_secs_and_nanos(51, 999_999_999), r#""1970-01-01T00:00:52Z""#),
        (DateTime::from_secs(i64::MAX), "null"),
    ] {
        let output = GetSecretValueOutput::builder().created_date(date).build();
        let body = body(&SecretRecord::from(output).into_body());
        assert!(body.contains(&format!(r#""CreatedDate":{expected},"#)), "{date:?}: {body}");
    }
}

#[test]
fn a_record_does_not_show_its_plaintext_when_debugged() {
    let secret = GetSecretValueOutput::builder().secret_string("correct horse").build();
    let parameter =
        Parameter::builder().value("correct horse").source_result("correct horse").build();
    let shown = format!("{:?}{:?}", SecretRecord::from(secret), ParameterRecord::from(parameter));
    assert!(!shown.contains("horse"), "{shown}");
}
