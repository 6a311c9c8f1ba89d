use super::*;
use crate::fetch::error::UpstreamErrorKind;

fn knowing(tokens: &[&str]) -> KnownTokens {
    let known = KnownTokens::default();
    tokens
        .iter()
        .filter_map(|token| Token::new((*token).to_owned()))
        .for_each(|token| known.add(token));
    known
}

#[test]
fn what_a_service_repeats_of_the_request_is_cut_off() {
    let message = "The request signature we calculated does not match.\n\nThe Canonical String was\n\
                   'POST\n/\n\nx-amz-security-token:the-token\n";
    let error = FetchError::Upstream {
        code: "InvalidSignatureException".to_owned(),
        message: message.to_owned(),
        kind: UpstreamErrorKind::Passing,
    };

    let redacted = knowing(&[]).redact(error).to_string();

    assert_eq!(redacted, "The request signature we calculated does not match.");
}

#[test]
fn known_tokens_are_cut_out_of_the_first_line_too() {
    let reason = "no answer for the-token, nor for another-token".to_owned();

    let redacted = knowing(&["the-token", "another-token"]).redact(FetchError::Dispatch { reason });

    assert_eq!(redacted.to_string(), "no answer for [redacted], nor for [redacted]");
}

#[test]
fn the_newest_tokens_are_known() {
    let known = knowing(&["a-1", "a-2", "a-2", "a-3", "a-4", "a-5", "a-6", "a-7", "a-8", "a-9"]);

    assert_eq!(known.first_line("a-1 a-2 a-9"), "a-1 [redacted] [redacted]");
}

#[test]
fn a_token_is_cut_out_however_it_is_percent_encoded() {
    let known = knowing(&["a/b+c=é"]);

    for written in [
        "a/b+c=é",
        "a%2Fb%2Bc%3D%C3%A9",
        "a%2fb%2bc%3d%c3%a9",
        "a/b%2Bc=é",
        "%61%2F%62%2B%63%3D%C3%A9",
        "a%252Fb%252Bc%253D%25C3%25A9",
    ] {
        let line = known.first_line(&format!("%2F token={written}&x=é%2"));
        assert_eq!(line, "%2F token=[redacted]&x=é%2", "{written}");
    }
    for other in ["a/b+c=", "a%2Fb", "a%2Gb+c=é", "%", "%2", "%25", "%2525", "é"] {
        assert_eq!(known.first_line(other), other);
    }
}

#[test]
fn a_token_with_percent_signs_is_cut_out_however_it_is_encoded() {
    for (token, written) in [
        ("a%b", "a%b"),
        ("a%b", "a%25b"),
        ("a%b", "a%2525b"),
        ("a%25b%", "a%25b%"),
        ("a%25b%", "a%2525b%25"),
        ("a%25b%", "a%252525b%2525"),
    ] {
        let line = knowing(&[token]).first_line(&format!("token={written}&x"));
        assert_eq!(line, "token=[redacted]&x", "{token} as {written}");
    }
}
