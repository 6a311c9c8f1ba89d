use std::path::Path;

use super::{OWN, TOKEN, lines, own_lines, read};
use crate::{
    key::PerUpstream,
    settings::{InitializationType, RetryMode},
};

#[test]
fn lambda_is_where_the_runtime_api_is() {
    assert_eq!(read(&[("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand")]).settings.lambda, None);
    assert_eq!(read(&[("AWS_LAMBDA_RUNTIME_API", "")]).settings.lambda, None);
    let on = |kind| {
        let vars = [
            ("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9001"),
            ("AWS_LAMBDA_INITIALIZATION_TYPE", kind),
        ];
        let lambda = read(&vars).settings.lambda.unwrap();
        assert_eq!(lambda.runtime_api.as_str(), "127.0.0.1:9001");
        lambda.initialization_type
    };
    assert_eq!(on(""), InitializationType::OnDemand);
    assert_eq!(on("on-demand"), InitializationType::OnDemand);
    assert_eq!(on("provisioned-concurrency"), InitializationType::ProvisionedConcurrency);
    assert_eq!(on("snap-start"), InitializationType::SnapStart);
    assert_eq!(on("lambda-managed-instances"), InitializationType::ManagedInstances);
    assert_eq!(on("warm"), InitializationType::Other("warm".into()));
}

#[test]
fn the_usual_aws_variables_count() {
    let reading = read(&[
        TOKEN,
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_ENDPOINT_URL", "http://localhost:1"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:2"),
        ("AWS_ENDPOINT_URL_SSM", "http://localhost:3"),
        ("AWS_USE_FIPS_ENDPOINT", "True"),
        ("AWS_USE_DUALSTACK_ENDPOINT", "TRUE"),
        ("AWS_MAX_ATTEMPTS", "5"),
        ("AWS_RETRY_MODE", "Adaptive"),
        ("SSL_CERT_FILE", "/certs.pem"),
    ]);
    let aws = &reading.settings.aws;
    assert_eq!(aws.region.as_deref(), Some("us-east-1"));
    assert_eq!(aws.endpoint_url.as_deref(), Some("http://localhost:1"));
    assert_eq!(aws.endpoint_url_of.secrets_manager.as_deref(), Some("http://localhost:2"));
    assert_eq!(aws.endpoint_url_of.parameter_store.as_deref(), Some("http://localhost:3"));
    assert!(aws.use_fips && aws.use_dualstack);
    assert_eq!(aws.max_attempts, Some(5));
    assert_eq!(aws.retry_mode, RetryMode::Adaptive);
    assert_eq!(aws.ca_bundle.as_deref(), Some(Path::new("/certs.pem")));
    assert_eq!(lines(&reading), lines(&read(&[TOKEN])), "they have no lines of their own");
}

#[test]
fn no_endpoint_url_counts_where_they_are_to_be_ignored() {
    let aws = read(&[
        ("AWS_ENDPOINT_URL", "http://localhost:1"),
        ("AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:2"),
        ("AWS_ENDPOINT_URL_SSM", "http://localhost:3"),
        ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"),
    ])
    .settings
    .aws;
    assert_eq!(aws.endpoint_url, None);
    assert_eq!(aws.endpoint_url_of, PerUpstream { secrets_manager: None, parameter_store: None });
}

#[test]
fn the_more_precise_aws_variable_wins() {
    let aws = read(&[
        ("AWS_REGION", "eu-west-1"),
        ("AWS_DEFAULT_REGION", "us-east-1"),
        ("AWS_CA_BUNDLE", "/aws.pem"),
        ("SSL_CERT_FILE", "/ssl.pem"),
    ])
    .settings
    .aws;
    assert_eq!(aws.region.as_deref(), Some("eu-west-1"));
    assert_eq!(aws.ca_bundle.as_deref(), Some(Path::new("/aws.pem")));
}

#[test]
fn a_bad_aws_variable_is_warned_of_after_the_official_lines() {
    let reading = read(&[
        TOKEN,
        ("AWS_USE_FIPS_ENDPOINT", "yes"),
        ("AWS_MAX_ATTEMPTS", "0"),
        ("AWS_RETRY_MODE", "legacy"),
    ]);
    let aws = &reading.settings.aws;
    assert!(!aws.use_fips);
    assert_eq!(aws.max_attempts, None);
    assert_eq!(aws.retry_mode, RetryMode::Standard);
    assert_eq!(
        own_lines(&reading)[OWN..],
        [
            "WARN AWS_USE_FIPS_ENDPOINT is \"yes\", which is not one of TRUE, FALSE. It counts as \
             false.",
            "WARN AWS_MAX_ATTEMPTS is \"0\", which is not a whole number in the range 1 to \
             4294967295. Setting default attempts: the SDK's own.",
            "WARN AWS_RETRY_MODE is \"legacy\", which is not one of standard, adaptive. Setting \
             retry mode: standard.",
        ]
    );
}
