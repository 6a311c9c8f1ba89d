//! The date and the time of day of a line.

use std::time::{SystemTime, UNIX_EPOCH};

use time::OffsetDateTime;

/// Year, month and day, hour, minute and second, and milliseconds, in universal time.
pub(super) fn date_and_time(wall: SystemTime) -> ((i32, u8, u8), (u8, u8, u8), u32) {
    let since = wall.duration_since(UNIX_EPOCH).unwrap_or_default();
    let time = i64::try_from(since.as_secs())
        .ok()
        .and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok())
        .unwrap_or(OffsetDateTime::UNIX_EPOCH);
    let date = (time.year(), u8::from(time.month()), time.day());
    (date, time.to_hms(), since.subsec_millis())
}
