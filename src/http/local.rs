//! Refuses requests that were not made for this extension by a client in the same environment.
//!
//! The token keeps out clients that do not have it. These checks keep out foreign requests that
//! arrive through a client that does: through a proxy in the function, or from a web page whose
//! host name resolves to a loopback address (DNS rebinding).

use actix_web::{
    HttpRequest,
    http::header::{FORWARDED, HOST, HeaderName, VIA, X_FORWARDED_FOR},
};

use crate::http::{BadRequest, Shown};

/// Headers that a proxy adds to the requests it forwards.
const FORWARDING_HEADERS: [HeaderName; 3] = [X_FORWARDED_FOR, FORWARDED, VIA];

const LOOPBACK_NAMES: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// Refuses a request that came through a proxy, or was made for another host.
pub(super) fn check(request: &HttpRequest) -> Result<(), BadRequest> {
    let headers = request.headers();
    if FORWARDING_HEADERS.iter().any(|header| headers.contains_key(header)) {
        return Err(BadRequest::Forwarded);
    }
    let of_the_target = request.uri().host().map(str::as_bytes);
    let of_the_header = headers.get(HOST).map(|host| host.as_bytes());
    let foreign = of_the_target.into_iter().chain(of_the_header).find(|host| !is_loopback(host));
    foreign.map_or(Ok(()), |host| {
        Err(BadRequest::ForeignHost(Shown::new(&String::from_utf8_lossy(host))))
    })
}

/// Whether `host` is a loopback name, with or without a port. HTTP/1.1 allows an empty host.
fn is_loopback(host: &[u8]) -> bool {
    let has_name = |name: &&str| {
        host.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
    };
    let port = LOOPBACK_NAMES.iter().find(|name| has_name(name)).map(|name| &host[name.len()..]);
    match port {
        Some([]) => true,
        Some([b':', digits @ ..]) => digits.iter().all(u8::is_ascii_digit),
        Some(_) => false,
        None => host.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::is_loopback;

    #[test]
    fn loopback_names_are_taken_with_any_port_and_in_any_letter_case() {
        for host in [
            "localhost",
            "LocalHost:2773",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]",
            "[::1]:65535",
            "localhost:",
            "",
        ] {
            assert!(is_loopback(host.as_bytes()), "{host:?}");
        }
    }

    #[test]
    fn every_other_name_is_foreign() {
        for host in [
            "example.com",
            "localhost.example.com",
            "127.0.0.1.nip.io",
            "127.0.0.2",
            "[::1].com",
            "local",
            "::1",
            "0.0.0.0",
            "localhost:2773@example.com",
            ":2773",
            "[::1",
            "\u{e9}",
        ] {
            assert!(!is_loopback(host.as_bytes()), "{host:?}");
        }
    }
}
