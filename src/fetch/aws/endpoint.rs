//! The address of a service, by the rules of the SDK's own clients.

use aws_config::Region;
use aws_smithy_runtime_api::box_error::BoxError;
use futures_util::FutureExt;
use hyper::Uri;

use crate::{key::UpstreamKind, settings::AwsSettings};

/// The URL that calls to `service` go to. Resolved, not connected.
///
/// # Errors
///
/// No region, or settings that do not go together, in the SDK's words.
pub async fn endpoint(service: UpstreamKind, settings: &AwsSettings) -> Result<String, String> {
    let own = settings.endpoint_url_of.get(service).as_ref();
    let given = own.or(settings.endpoint_url.as_ref()).cloned();
    let resolved = match service {
        UpstreamKind::SecretsManager => secrets_manager(settings, given).await,
        UpstreamKind::ParameterStore => parameter_store(settings, given).await,
    };
    resolved.map_err(|error| error.to_string())
}

/// The host that calls to `service` in this region go to, with its port where the URL has one.
pub(super) fn host(
    service: UpstreamKind,
    settings: &AwsSettings,
    region: Option<&Region>,
) -> Option<String> {
    let region = region.map(|region| region.to_string());
    let settings = AwsSettings { region, ..settings.clone() };
    // The rules are code, not I/O: the future is ready at once.
    let url = endpoint(service, &settings).now_or_never()?.ok()?;
    let uri: Uri = url.parse().ok()?;
    let host = uri.host()?;
    Some(uri.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// Each SDK crate has a resolver of its own type, with the same interface.
macro_rules! resolve_with {
    ($name:ident, $service:ident) => {
        async fn $name(settings: &AwsSettings, url: Option<String>) -> Result<String, BoxError> {
            use $service::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
            let params = Params::builder()
                .set_region(settings.region.clone())
                .use_fips(settings.use_fips)
                .use_dual_stack(settings.use_dualstack)
                .set_endpoint(url)
                .build()?;
            let endpoint = DefaultResolver::new().resolve_endpoint(&params).await?;
            Ok(endpoint.url().to_owned())
        }
    };
}

resolve_with!(secrets_manager, aws_sdk_secretsmanager);
resolve_with!(parameter_store, aws_sdk_ssm);
