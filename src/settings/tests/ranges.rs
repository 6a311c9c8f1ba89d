use std::time::Duration;

use super::{TOKEN, check, own_lines, read};

#[test]
fn the_cache_size_is_0_to_1000() {
    let name = "PARAMETERS_SECRETS_EXTENSION_CACHE_SIZE";
    let given = |text: &str, size: usize| {
        format!("DEBUG {name} is {text}. Using cache size: {size} objects.")
    };
    let above = |text: &str| {
        format!(
            "WARN {name} exceeds max limit. Setting cache size to 1000 objects. It is {text}, the \
             range is 0 to 1000."
        )
    };
    let bad = |text: &str| {
        format!(
            "WARN {name} is \"{text}\", which is not a whole number in the range 0 to 1000. Using \
             default cache size: 1000 objects."
        )
    };
    check(
        name,
        |settings| settings.cache.size,
        &[
            ("0", 0, &given("0", 0)),
            ("500", 500, &given("500", 500)),
            (" 0500 ", 500, &given("0500", 500)),
            ("1000", 1000, &given("1000", 1000)),
            ("1001", 1000, &above("1001")),
            ("18446744073709551616", 1000, &above("18446744073709551616")),
            ("-1", 1000, &bad("-1")),
            ("1.5", 1000, &bad("1.5")),
            ("1e3", 1000, &bad("1e3")),
            ("many", 1000, &bad("many")),
            ("\u{1b}[2J", 1000, &bad("\\u{1b}[2J")),
        ],
    );
}

#[test]
fn the_cache_bytes_are_0_to_a_gibibyte() {
    let name = "PARAMETERS_SECRETS_EXTENSION_CACHE_BYTES";
    for (text, bytes, line) in [
        ("0", 0, format!("DEBUG {name} is 0. Using cache limit: 0 bytes.")),
        ("65536", 65_536, format!("DEBUG {name} is 65536. Using cache limit: 65536 bytes.")),
        (
            "1073741825",
            1_073_741_824,
            format!(
                "WARN {name} exceeds max limit. Setting cache limit to 1073741824 bytes. It is \
                 1073741825, the range is 0 to 1073741824 bytes."
            ),
        ),
        (
            "32M",
            33_554_432,
            format!(
                "WARN {name} is \"32M\", which is not a whole number in the range 0 to 1073741824 \
                 bytes. Using default cache limit: 33554432 bytes."
            ),
        ),
    ] {
        let reading = read(&[TOKEN, (name, text)]);
        assert_eq!(reading.settings.cache_bytes, bytes, "{text}");
        assert_eq!(own_lines(&reading)[1..], [line]);
    }
}

#[test]
fn a_time_to_live_is_up_to_a_day_of_seconds() {
    let seconds = Duration::from_secs;
    check(
        "SECRETS_MANAGER_TTL",
        |settings| settings.ttl.secrets_manager,
        &[
            ("60", seconds(60), "DEBUG SECRETS_MANAGER_TTL is 60. Setting time-to-live: 1m0s."),
            ("0", seconds(0), "DEBUG SECRETS_MANAGER_TTL is 0. Setting time-to-live: 0s."),
            (
                "86400",
                seconds(86_400),
                "DEBUG SECRETS_MANAGER_TTL is 86400. Setting time-to-live: 24h0m0s.",
            ),
            (
                "86401",
                seconds(86_400),
                "WARN SECRETS_MANAGER_TTL exceeds max limit. Setting Secrets Manger TTL to 24h0m0s. \
                 It is 86401, the range is 0 to 86400 seconds.",
            ),
            (
                "5m",
                seconds(300),
                "WARN SECRETS_MANAGER_TTL is \"5m\", which is not a whole number in the range 0 to \
                 86400 seconds. Setting default time-to-live: 5m0s.",
            ),
        ],
    );
    check(
        "SSM_PARAMETER_STORE_TTL",
        |settings| settings.ttl.parameter_store,
        &[
            (
                "2700",
                seconds(2_700),
                "DEBUG SSM_PARAMETER_STORE_TTL is 2700. Setting time-to-live: 45m0s.",
            ),
            (
                "100000",
                seconds(86_400),
                "WARN SSM_PARAMETER_STORE_TTL exceeds max limit. Setting SSM Parameter Store TTL to \
                 24h0m0s. It is 100000, the range is 0 to 86400 seconds.",
            ),
        ],
    );
}

#[test]
fn a_time_out_is_up_to_a_day_of_milliseconds_and_0_is_none() {
    let millis = |millis| Some(Duration::from_millis(millis));
    check(
        "SECRETS_MANAGER_TIMEOUT_MILLIS",
        |settings| settings.timeout.secrets_manager,
        &[
            (
                "1500",
                millis(1_500),
                "DEBUG SECRETS_MANAGER_TIMEOUT_MILLIS is 1500. Setting timeout: 1.5s.",
            ),
            ("0", None, "DEBUG SECRETS_MANAGER_TIMEOUT_MILLIS is 0. Setting timeout: 0s."),
            (
                "-1",
                None,
                "WARN SECRETS_MANAGER_TIMEOUT_MILLIS is \"-1\", which is not a whole number in the \
                 range 0 to 86400000 milliseconds. Setting default timeout: 0s.",
            ),
        ],
    );
    check(
        "SSM_PARAMETER_STORE_TIMEOUT_MILLIS",
        |settings| settings.timeout.parameter_store,
        &[
            (
                "250",
                millis(250),
                "DEBUG SSM_PARAMETER_STORE_TIMEOUT_MILLIS is 250. Setting timeout: 250ms.",
            ),
            (
                "99999999999",
                millis(86_400_000),
                "WARN SSM_PARAMETER_STORE_TIMEOUT_MILLIS exceeds max limit. Setting SSM Parameter \
                 Store timeout to 24h0m0s. It is 99999999999, the range is 0 to 86400000 \
                 milliseconds.",
            ),
        ],
    );
}

#[test]
fn connections_are_1_to_10000_per_upstream() {
    let name = "PARAMETERS_SECRETS_EXTENSION_MAX_CONNECTIONS";
    check(
        name,
        |settings| settings.max_connections.get(),
        &[
            ("5", 5, &format!("DEBUG {name} is 5. Setting value: 5.")),
            (
                "0",
                3,
                &format!(
                    "WARN {name} is \"0\", which is not a whole number in the range 1 to 10000. \
                     Setting default value: 3."
                ),
            ),
            (
                "10001",
                10_000,
                &format!(
                    "WARN {name} exceeds max limit. Setting max connections to 10000. It is 10001, \
                     the range is 1 to 10000."
                ),
            ),
        ],
    );
}

#[test]
fn the_port_is_1_to_65535() {
    let name = "PARAMETERS_SECRETS_EXTENSION_HTTP_PORT";
    check(
        name,
        |settings| settings.http_port.get(),
        &[
            ("2774", 2774, &format!("DEBUG {name} is 2774. Setting port: 2774.")),
            (
                "0",
                2773,
                &format!(
                    "WARN {name} is \"0\", which is not a whole number in the range 1 to 65535. \
                     Setting default port: 2773."
                ),
            ),
            (
                "65536",
                65_535,
                &format!(
                    "WARN {name} exceeds max limit. Setting port to 65535. It is 65536, the range \
                     is 1 to 65535."
                ),
            ),
        ],
    );
}
