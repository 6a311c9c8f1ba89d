//! Durations as Go writes them: the official extension's log lines come from a Go program.

use std::{
    fmt::{self, Write},
    time::Duration,
};

/// Prints as Go's `time.Duration.String()`: `5m0s`, `1.5s`, `250ms`, `0s`, `24h0m0s`.
#[derive(Clone, Copy, Debug)]
pub(super) struct GoDuration(pub(super) Duration);

impl fmt::Display for GoDuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.as_secs(), self.0.subsec_nanos());
        if seconds == 0 {
            // Below a second Go takes the largest unit that leaves a whole part.
            return match nanos {
                0 => f.write_str("0s"),
                1..1_000 => write!(f, "{nanos}ns"),
                1_000..1_000_000 => {
                    decimal(f, (nanos / 1_000).into(), nanos % 1_000, 3)?;
                    f.write_str("µs")
                }
                _ => {
                    decimal(f, (nanos / 1_000_000).into(), nanos % 1_000_000, 6)?;
                    f.write_str("ms")
                }
            };
        }
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        if hours > 0 {
            write!(f, "{hours}h")?;
        }
        if hours > 0 || minutes > 0 {
            write!(f, "{minutes}m")?;
        }
        decimal(f, seconds % 60, nanos, 9)?;
        f.write_char('s')
    }
}

/// `fraction` has `digits` decimal places; its trailing zeros are cut.
fn decimal(f: &mut fmt::Formatter<'_>, whole: u64, fraction: u32, digits: usize) -> fmt::Result {
    write!(f, "{whole}")?;
    if fraction > 0 {
        let padded = format!("{fraction:0digits$}");
        write!(f, ".{}", padded.trim_end_matches('0'))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::GoDuration;

    #[test]
    fn durations_read_as_go_prints_them() {
        let cases = [
            (Duration::ZERO, "0s"),
            (Duration::from_nanos(1), "1ns"),
            (Duration::from_nanos(999), "999ns"),
            (Duration::from_nanos(1_100), "1.1µs"),
            (Duration::from_millis(1), "1ms"),
            (Duration::from_micros(2_200), "2.2ms"),
            (Duration::from_millis(250), "250ms"),
            (Duration::from_secs(1), "1s"),
            (Duration::from_millis(1_500), "1.5s"),
            (Duration::from_millis(3_300), "3.3s"),
            (Duration::from_millis(1_001), "1.001s"),
            (Duration::new(1, 1), "1.000000001s"),
            (Duration::from_secs(59), "59s"),
            (Duration::from_secs(60), "1m0s"),
            (Duration::from_secs(300), "5m0s"),
            (Duration::from_millis(245_001), "4m5.001s"),
            (Duration::from_secs(3_600), "1h0m0s"),
            (Duration::from_secs(18_360), "5h6m0s"),
            (Duration::from_secs(86_400), "24h0m0s"),
        ];
        for (duration, expected) in cases {
            assert_eq!(GoDuration(duration).to_string(), expected);
        }
    }
}
