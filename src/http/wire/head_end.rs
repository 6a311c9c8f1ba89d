//! Finds the end of a request's head: the first empty line after one with text.

use memchr::memchr_iter;

/// Finds the end of a head that arrives in pieces. Knows nothing of HTTP but lines, as actix-http's
/// parser reads them: a line feed ends a line, with or without a carriage return before it.
#[derive(Debug, Default)]
pub(super) struct HeadEnd {
    seen: usize,
    /// The first byte that is neither a carriage return nor a line feed. Empty lines ahead of a
    /// request are not its end.
    first: Option<u8>,
    /// Whether the current line has text.
    in_text: bool,
}

impl HeadEnd {
    /// The length of the head in bytes, if it ends in `piece`, the next one.
    ///
    /// Searches by whole lines: every request passes here, and most of it is a token of a thousand
    /// characters.
    pub(super) fn find(&mut self, piece: &[u8]) -> Option<usize> {
        let mut line = 0;
        for at in memchr_iter(b'\n', piece) {
            self.read(&piece[line..at]);
            line = at + 1;
            if self.has_begun() && !self.in_text {
                self.seen += line;
                return Some(self.seen);
            }
            self.in_text = false;
        }
        self.read(&piece[line..]);
        self.seen += piece.len();
        None
    }

    /// Takes in a line, or a part of one.
    fn read(&mut self, line: &[u8]) {
        if let Some(byte) = line.iter().find(|byte| **byte != b'\r') {
            self.first.get_or_insert(*byte);
            self.in_text = true;
        }
    }

    /// Whether any line so far has text.
    pub(super) fn has_begun(&self) -> bool {
        self.first.is_some()
    }

    /// Whether this cannot be a head. A TLS handshake does not begin with a visible character, and
    /// its client must not wait for a time-out.
    pub(super) fn is_malformed(&self) -> bool {
        self.first.is_some_and(|byte| !byte.is_ascii_graphic())
    }

    /// Whether this is a TLS handshake: its records have the type 22 (RFC 8446, section 5.1).
    pub(super) fn is_tls(&self) -> bool {
        self.first == Some(22)
    }

    /// The bytes of this head so far.
    pub(super) fn seen(&self) -> usize {
        self.seen
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::HeadEnd;

    fn end_of(bytes: &str) -> Option<usize> {
        HeadEnd::default().find(bytes.as_bytes())
    }

    #[test]
    fn an_empty_line_ends_a_head_however_lines_are_ended() {
        for head in ["a\r\nb\r\n\r\n", "a\n\n", "a\r\n\n", "a\n\r\n"] {
            assert_eq!(end_of(&format!("{head}rest\r\n\r\n")), Some(head.len()), "{head:?}");
            assert_eq!(end_of(&head[..head.len() - 1]), None, "{head:?}");
        }
    }

    #[test]
    fn empty_lines_ahead_of_a_request_do_not_end_it() {
        assert_eq!(end_of("\r\n\r\n\n\n"), None);
        assert_eq!(end_of("\r\n\r\na\r\n\r\n"), Some(9));
    }

    proptest! {
        #[test]
        fn pieces_end_where_the_whole_does(bytes in "[a\r\n]{0,20}", cut in 0..20_usize) {
            let cut = cut.min(bytes.len());
            let mut in_pieces = HeadEnd::default();
            let end = in_pieces
                .find(&bytes.as_bytes()[..cut])
                .or_else(|| in_pieces.find(&bytes.as_bytes()[cut..]));
            prop_assert_eq!(end, end_of(&bytes));
        }

        #[test]
        fn where_it_ends_actix_https_parser_has_all_it_needs(head in "[a: /\r\n]{0,30}") {
            let mut headers = [httparse::EMPTY_HEADER; 32];
            let request = format!("GET / HTTP/1.1\r\n{head}");
            let parsed = httparse::Request::new(&mut headers).parse(request.as_bytes());
            match end_of(&request) {
                Some(end) => prop_assert_ne!(
                    httparse::Request::new(&mut [httparse::EMPTY_HEADER; 32])
                        .parse(&request.as_bytes()[..end]),
                    Ok(httparse::Status::Partial)
                ),
                None => prop_assert!(!matches!(parsed, Ok(httparse::Status::Complete(_)))),
            }
        }
    }
}
