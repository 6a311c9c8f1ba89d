//! Asks the extension as much code in the wild does: a small blocking client, the token from the
//! environment.

use std::env::var;

/// The status and the body; an error status is an answer like any other.
pub fn get(path: &str) -> Result<(u16, String), ureq::Error> {
    let port = var("PARAMETERS_SECRETS_EXTENSION_HTTP_PORT").unwrap_or_else(|_| "2773".to_owned());
    let token = var("AWS_SESSION_TOKEN").unwrap_or_default();
    let mut reply = ureq::get(format!("http://localhost:{port}{path}"))
        .config()
        .http_status_as_error(false)
        .build()
        .header("X-Aws-Parameters-Secrets-Token", token)
        .call()?;
    Ok((reply.status().as_u16(), reply.body_mut().read_to_string()?))
}
