//! The wrapper's references: any text is a template, and what it refers to can be asked for.

use parameters_secrets_extension::{
    http::{BadRequest, query::parse},
    key::UpstreamKind,
};

#[path = "../../../src/wrapper/reference.rs"]
#[allow(dead_code, reason = "the wrapper uses the rest")]
mod wrapper;

use wrapper::{Piece, Reference, Template};

pub fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let template = Template::parse(&text);
    if !text.contains("${") {
        let plain = (!text.is_empty()).then(|| Piece::Text(text.to_string()));
        assert_eq!(template.pieces, Vec::from_iter(plain), "what holds no reference stays");
    }
    for pair in template.pieces.windows(2) {
        let both_text = pair.iter().all(|piece| matches!(piece, Piece::Text(_)));
        assert!(!both_text, "texts that follow each other are one");
    }
    template.references().for_each(check);
    if let Some(reference) = Reference::parse(&text) {
        check(&reference);
    }
}

fn check(reference: &Reference) {
    let path = reference.source.path();
    let (path, query) = path.split_once('?').expect("a query");
    let upstream = UpstreamKind::at_path(path).expect("a path that is answered");
    match parse(upstream, query) {
        Ok(question) => assert!(question.field.is_none(), "the wrapper takes the field out itself"),
        // The wrapper leaves it to the extension to say what a version is, and how long a name may
        // be.
        Err(BadRequest::Invalid { parameter: "version", .. } | BadRequest::TooLong { .. }) => {}
        Err(error) => panic!("{} cannot be asked for: {error}", reference.source),
    }
    let source = reference.source.to_string();
    let again = Reference::parse(&source).expect("it reads back as it is written");
    assert_eq!(again.source, reference.source);
}
