use std::{
    cell::Cell,
    fmt,
    io::{self, Write},
    panic::Location,
    sync::{Arc, Mutex},
    time::{Duration, UNIX_EPOCH},
};

use tracing::{Level, Subscriber, error, info, info_span, level_filters::LevelFilter, warn};

use super::{notice, panics::log_panic, subscriber, subscriber::subscriber_with_clock};
use crate::{
    clock::{Clock, Moment, SystemClock},
    settings::{LogFormat, LogLevel, Notice, Settings},
};

/// 2026-07-04 05:06:07 UTC, for ever.
struct Stopped;

impl Clock for Stopped {
    fn now(&self) -> Moment {
        Moment { wall: UNIX_EPOCH + Duration::from_secs(1_783_141_567), ..SystemClock.now() }
    }
}

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What the log says at `level` while `run` runs.
fn log_of(level: LogLevel, run: impl FnOnce()) -> String {
    log_in(LogFormat::Text, level, run)
}

fn log_in(format: LogFormat, level: LogLevel, run: impl FnOnce()) -> String {
    let captured = Captured::default();
    let writer = captured.clone();
    let subscriber = subscriber_with_clock(format, level, move || writer.clone(), Stopped);
    tracing::subscriber::with_default(subscriber, run);
    String::from_utf8(captured.0.lock().unwrap().clone()).unwrap()
}

const START: &str = "[parameters-secrets-extension] 2026/07/04 05:06:07";

#[test]
fn a_line_is_prefix_time_level_message_and_fields() {
    let log = log_of(LogLevel::Debug, || {
        debug!(key = %"/app/db", callers = 3, took = ?Duration::from_millis(12), "fetched");
    });
    assert_eq!(log, format!("{START} DEBUG fetched key=/app/db callers=3 took=12ms\n"));
}

#[test]
fn a_value_with_a_blank_or_a_quote_or_without_anything_is_quoted() {
    let log = log_of(LogLevel::Info, || {
        info!(two = "a b", quote = %"a\"b", empty = "", plain = "a=b\\c", r#type = "é", "text");
    });
    let fields = r#"two="a b" quote="a\"b" empty="" plain=a=b\c type=é"#;
    assert_eq!(log, format!("{START} INFO text {fields}\n"));
}

#[test]
fn nothing_in_a_message_or_a_value_breaks_or_forges_a_line() {
    let log = log_of(LogLevel::Info, || {
        info!(name = "a\n[x] ERROR\u{1b}[31m", end = %"a\u{2028}b", "say \"{}\"", "a\r\nb\u{202e}");
    });
    assert_eq!(
        log,
        format!(
            "{START} INFO say \"a\\r\\nb\\u{{202e}}\" name=\"a\\n[x] ERROR\\u{{1b}}[31m\" \
             end=\"a\\u{{2028}}b\"\n"
        )
    );
}

#[test]
fn an_event_without_a_message_is_its_fields() {
    let log = log_of(LogLevel::Info, || info!(port = 2773));
    assert_eq!(log, format!("{START} INFO port=2773\n"));
}

#[test]
fn spans_are_not_printed() {
    let log = log_of(LogLevel::Debug, || {
        let _entered = info_span!("request", key = "secret").entered();
        info!("answered");
    });
    assert_eq!(log, format!("{START} INFO answered\n"));
}

#[test]
fn each_level_shows_itself_and_what_is_graver() {
    for (level, expected) in [
        (LogLevel::Debug, "DEBUG INFO WARN ERROR"),
        (LogLevel::Info, "INFO WARN ERROR"),
        (LogLevel::Warn, "WARN ERROR"),
        (LogLevel::Error, "ERROR"),
        (LogLevel::None, ""),
    ] {
        let log = log_of(level, || {
            debug!("-");
            info!("-");
            warn!("-");
            error!("-");
        });
        let levels: Vec<_> = log.lines().filter_map(|line| line.split(' ').nth(3)).collect();
        assert_eq!(levels.join(" "), expected, "{level:?}");
    }
}

#[test]
fn a_level_that_is_off_is_known_to_be_off_before_anything_is_evaluated() {
    for (level, hint) in [
        (LogLevel::Debug, LevelFilter::INFO),
        (LogLevel::Error, LevelFilter::ERROR),
        (LogLevel::None, LevelFilter::OFF),
    ] {
        assert_eq!(subscriber(level, io::sink).max_level_hint(), Some(hint));
    }
    let evaluated = Cell::new(false);
    log_of(LogLevel::Info, || debug!("{}", evaluated.replace(true)));
    assert!(!evaluated.get());
}

#[test]
fn events_of_other_crates_are_never_written() {
    let log = log_of(LogLevel::Debug, || {
        error!(target: "aws_smithy_runtime", "response body: plaintext");
        error!(target: "hyper", "plaintext");
        info!(target: "parameters_secrets_extension::cache", "hit");
    });
    assert_eq!(log, format!("{START} INFO hit\n"));
}

#[test]
fn a_writer_that_fails_and_a_value_that_cannot_be_formatted_do_no_harm() {
    struct Closed;
    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Err(io::ErrorKind::BrokenPipe.into())
        }
    }
    struct Unprintable;
    impl fmt::Debug for Unprintable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    tracing::subscriber::with_default(subscriber(LogLevel::Info, || Closed), || info!("lost"));
    let log = log_of(LogLevel::Info, || info!(bad = ?Unprintable, good = 1, "kept"));
    assert_eq!(log, format!("{START} INFO kept good=1\n"));
}

#[test]
fn a_notice_without_a_level_is_shown_at_every_level_but_none() {
    let plain = Notice { level: None, text: "Log level set to error.".into() };
    let debug = Notice { level: Some(Level::DEBUG), text: "Cache is enabled.".into() };
    let log = |level| {
        log_of(level, || {
            notice(&plain);
            notice(&debug);
        })
    };
    assert_eq!(log(LogLevel::Error), format!("{START} Log level set to error.\n"));
    assert_eq!(
        log(LogLevel::Debug),
        format!("{START} Log level set to error.\n{START} DEBUG Cache is enabled.\n")
    );
    assert_eq!(log(LogLevel::None), "");
}

#[test]
fn the_start_up_log_stands_in_the_log_as_it_was_read() {
    let reading = Settings::read([("AWS_SESSION_TOKEN".to_owned(), "token".to_owned())]);
    let log = log_of(LogLevel::Debug, || reading.notices.iter().for_each(notice));
    let lines: Vec<_> = log.lines().collect();
    assert_eq!(lines.len(), 9);
    assert_eq!(
        lines[0],
        format!(
            "{START} PARAMETERS_SECRETS_EXTENSION_LOG_LEVEL is not present. Log level set to info."
        )
    );
    assert_eq!(
        lines[8],
        format!(
            "{START} DEBUG PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is not present. Setting default \
             port: 2773."
        )
    );
}

#[test]
fn a_panic_is_logged_with_its_place_and_only_a_message_from_the_source() {
    let here = Location::caller();
    let place = format!("{START} ERROR panicked at {}:{}", here.file(), here.line());
    let log_of_payload = |payload: &(dyn std::any::Any + Send)| {
        log_of(LogLevel::Error, || log_panic(Some(here), payload))
    };
    assert_eq!(log_of_payload(&"out of permits"), format!("{place}: out of permits\n"));
    assert_eq!(log_of_payload(&String::from("value: plaintext")), format!("{place}\n"));
    assert_eq!(log_of_payload(&7), format!("{place}\n"));
}

const JSON_START: &str = r#"{"timestamp":"2026-07-04T05:06:07.000Z""#;

fn json_of(run: impl FnOnce()) -> String {
    log_in(LogFormat::Json, LogLevel::Debug, run)
}

#[test]
fn in_json_an_event_is_an_object_with_its_fields_under_their_names() {
    let log = json_of(|| {
        debug!(key = %"/app/db", callers = 3, late = true, r#type = "é", took = ?Duration::from_millis(12), "fetched");
    });
    assert_eq!(
        log,
        format!(
            r#"{JSON_START},"level":"DEBUG","logger":"parameters-secrets-extension","message":"fetched","key":"/app/db","callers":3,"late":true,"type":"é","took":"12ms"}}{}"#,
            "\n"
        )
    );
}

#[test]
fn in_json_every_line_is_one_object_whatever_the_event_holds() {
    struct Unprintable;
    impl fmt::Debug for Unprintable {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let log = json_of(|| {
        info!(name = "a\n\"}\u{1b}\u{2028}", bad = ?Unprintable, least = i64::MIN, most = u64::MAX, "x\r\n\"{{");
        error!(port = 2773);
    });
    let lines: Vec<serde_json::Value> =
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines.len(), 2, "{log}");
    assert_eq!(lines[0]["name"], "a\n\"}\u{1b}\u{2028}");
    assert_eq!(lines[0]["message"], "x\r\n\"{");
    assert_eq!((&lines[0]["least"], &lines[0]["most"]), (&i64::MIN.into(), &u64::MAX.into()));
    assert_eq!(lines[0].get("bad"), None);
    assert_eq!((&lines[1]["level"], &lines[1]["port"]), (&"ERROR".into(), &2773.into()));
}

#[test]
fn in_json_a_notice_without_a_level_is_at_info() {
    let plain = Notice { level: None, text: "Log level set to error.".into() };
    let log = log_in(LogFormat::Json, LogLevel::Error, || notice(&plain));
    assert!(log.contains(r#""level":"INFO","logger""#), "{log}");
}
