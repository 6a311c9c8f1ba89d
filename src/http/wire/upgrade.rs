//! Removes an offer to upgrade the protocol from a request's head.
//!
//! A server may ignore the offer (RFC 9110, 7.8), and this one does. actix-http has no such
//! setting: it answers `Connection: Upgrade` and closes the connection, and takes what follows
//! `Upgrade: websocket` for an endless body. Java's HttpClient offers HTTP/2 in this way with the
//! first request of each connection.

use memchr::memchr_iter;

const CONNECTION: &[u8] = b"connection:";
const UPGRADE: &[u8] = b"upgrade:";
const UPGRADE_OPTION: &[u8] = b"upgrade";

/// Overwrites the option `upgrade` of `Connection`, and the value of `Upgrade`, with blanks. The
/// length of the head and all other bytes stay the same.
pub(super) fn ignore_offer(head: &mut [u8]) {
    let mut start = 0;
    while let Some(length) = memchr_iter(b'\n', &head[start..]).next() {
        let end = start + length;
        ignore_offer_in_line(&mut head[start..end]);
        start = end + 1;
    }
}

fn ignore_offer_in_line(line: &mut [u8]) {
    // Every line of every request passes here; the first byte decides about most of them.
    match line.first() {
        Some(b'C' | b'c') if has_name(line, CONNECTION) => {
            for option in line[CONNECTION.len()..].split_mut(|byte| *byte == b',') {
                if option.trim_ascii().eq_ignore_ascii_case(UPGRADE_OPTION) {
                    blank(option);
                }
            }
        }
        Some(b'U' | b'u') if has_name(line, UPGRADE) => blank(&mut line[UPGRADE.len()..]),
        _ => {}
    }
}

fn has_name(line: &[u8], name: &[u8]) -> bool {
    line.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name))
}

/// Leaves the white space at the end, a carriage return among it.
fn blank(text: &mut [u8]) {
    let length = text.trim_ascii_end().len();
    text[..length].fill(b' ');
}

#[cfg(test)]
mod tests {
    use super::ignore_offer;

    fn without_offer(head: &str) -> String {
        let mut head = head.as_bytes().to_vec();
        ignore_offer(&mut head);
        String::from_utf8(head).unwrap()
    }

    #[test]
    fn the_option_goes_and_the_others_stay() {
        for (line, left) in [
            ("Connection: Upgrade, HTTP2-Settings", "Connection:        , HTTP2-Settings"),
            ("connection:upgrade", "connection:       "),
            ("CONNECTION: close ,\tUPGRADE ", "CONNECTION: close ,         "),
            ("Connection: keep-alive, Upgrade", "Connection: keep-alive,        "),
        ] {
            let head = |line| format!("GET / HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n");
            assert_eq!(without_offer(&head(line)).trim_end(), head(left).trim_end(), "{line}");
            assert_eq!(without_offer(&head(line)).len(), head(line).len(), "{line}");
        }
    }

    #[test]
    fn the_protocol_that_is_offered_goes() {
        assert_eq!(
            without_offer("GET /\nUpgrade: websocket\r\n\r\n"),
            "GET /\nUpgrade:          \r\n\r\n"
        );
        assert_eq!(without_offer("GET /\nupgrade:h2c\n\n"), "GET /\nupgrade:   \n\n");
    }

    #[test]
    fn what_is_no_offer_stays_as_it_is() {
        for head in [
            "GET /upgrade?connection:upgrade HTTP/1.1\r\nHost: localhost\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: close\r\nX-Connection: upgrade\r\n\r\n",
            "GET / HTTP/1.1\r\nConnection: upgraded\r\nUpgrade-Insecure-Requests: 1\r\nC\r\nU\r\n\r\n",
            "",
        ] {
            assert_eq!(without_offer(head), head);
        }
    }
}
