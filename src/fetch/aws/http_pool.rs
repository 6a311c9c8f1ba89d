//! Connections to AWS: which roots they trust, and how many there may be.

use std::{io, num::NonZeroUsize, path::Path, sync::Arc};

use aws_smithy_http_client::{
    pool::{Client, ConnectionPool},
    proxy::ProxyConfig,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::{client::http::SharedHttpClient, shared::IntoShared};

use crate::{fetch::error::FetchError, freeze::LONGEST_REST};

/// The TLS library of connections to AWS, as `--version` names it.
pub const TLS_LIBRARY: &str = "rustls with aws-lc";

/// Where the distributions Lambda runs on keep their CA bundle, and then the ones developers use.
const CA_BUNDLES: [&str; 4] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// Trusted where there is no bundle, as in an image that holds nothing but the program.
const AMAZON_ROOTS: &str = include_str!("amazon_roots.pem");

/// Connections by host, and the TLS roots they are checked against. Equality is identity.
#[derive(Clone, Debug)]
pub(super) struct HttpPool {
    pool: Arc<ConnectionPool>,
}

impl PartialEq for HttpPool {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.pool, &other.pool)
    }
}

impl HttpPool {
    /// A pool without connections: `max_connections` to each host at most. Reads and parses the CA
    /// bundle.
    pub(super) fn new(
        ca_bundle: Option<&Path>,
        max_connections: NonZeroUsize,
    ) -> Result<Self, FetchError> {
        let pool = ConnectionPool::builder()
            .max_connections_per_host(max_connections.get())
            // After a rest this long a new pool is taken: an older connection would only stay open.
            .idle_timeout(LONGEST_REST)
            .proxy_config(ProxyConfig::from_env())
            .tls_provider(Provider::rustls(CryptoMode::AwsLc))
            .tls_context(trust_roots(ca_bundle)?)
            .build_https()
            .map_err(set_up_failed)?;
        Ok(Self { pool: Arc::new(pool) })
    }

    /// One connection without TLS, to an endpoint beside the function: for credentials.
    pub(super) fn of_the_credentials() -> Result<Self, FetchError> {
        let pool = ConnectionPool::builder()
            .max_connections_per_host(1)
            .idle_timeout(LONGEST_REST)
            .build_http()
            .map_err(set_up_failed)?;
        Ok(Self { pool: Arc::new(pool) })
    }

    /// The pool in the form that SDK clients take.
    pub(super) fn client(&self) -> Result<SharedHttpClient, FetchError> {
        Ok(Client::new(&self.pool).map_err(set_up_failed)?.into_shared())
    }
}

/// One bundle file: reading a whole certificate directory, as the SDK does by default, costs a cold
/// start 4 to 5 ms. Its text is not kept: it is 200 kB of idle memory.
fn trust_roots(ca_bundle: Option<&Path>) -> Result<TlsContext, FetchError> {
    let mut roots = TrustStore::empty();
    match ca_bundle {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|error| unreadable_bundle(path, &error))?;
            roots.add_pem_certificate(pem);
        }
        None => {
            let bundle = CA_BUNDLES.iter().find_map(|path| std::fs::read(path).ok());
            roots.add_pem_certificate(bundle.unwrap_or_else(|| AMAZON_ROOTS.into()));
        }
    }
    TlsContext::builder().with_trust_store(roots).build().map_err(set_up_failed)
}

fn unreadable_bundle(path: &Path, error: &io::Error) -> FetchError {
    FetchError::Dispatch {
        reason: format!(
            "the CA bundle {} (AWS_CA_BUNDLE or SSL_CERT_FILE) cannot be read: {error}",
            path.display()
        ),
    }
}

fn set_up_failed(error: impl std::error::Error) -> FetchError {
    FetchError::Dispatch { reason: format!("the AWS client could not be set up: {error}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands between BEGIN and END, without line ends.
    fn certificates(pem: &str) -> Vec<String> {
        pem.split("-----BEGIN CERTIFICATE-----")
            .skip(1)
            .filter_map(|text| text.split_once("-----END CERTIFICATE-----"))
            .map(|(body, _)| body.split_whitespace().collect())
            .collect()
    }

    #[test]
    fn the_roots_that_are_compiled_in_stand_in_the_bundle_of_this_machine() {
        let bundle = CA_BUNDLES.iter().find_map(|path| std::fs::read_to_string(path).ok());
        let trusted_here = certificates(&bundle.expect("this machine has a CA bundle"));
        let compiled_in = certificates(AMAZON_ROOTS);
        assert_eq!(compiled_in.len(), 5);
        for root in compiled_in {
            assert!(trusted_here.contains(&root), "this machine does not trust {root}");
        }
    }

    #[test]
    fn a_pool_can_be_built_from_the_roots_that_are_compiled_in() {
        let mut roots = TrustStore::empty();
        roots.add_pem_certificate(AMAZON_ROOTS);
        let context = TlsContext::builder().with_trust_store(roots).build().unwrap();
        let pool = ConnectionPool::builder().tls_provider(Provider::rustls(CryptoMode::AwsLc));
        pool.tls_context(context).build_https().unwrap();
    }
}
