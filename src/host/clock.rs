//! The host's clocks, for people who read logs.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the epoch.
pub fn now() -> Duration {
    // A clock before 1970 is shown as 1970.
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Hour, minute and second of a time since the epoch, in the user's time zone.
pub fn time_of_day(seconds: u64) -> (i32, i32, i32) {
    let time = seconds as libc::time_t;
    // SAFETY: all zero is a valid value of this plain structure; the function fills it from a valid time.
    let tm = unsafe {
        let mut tm: libc::tm = std::mem::zeroed();
        libc::localtime_r(&time, &mut tm);
        tm
    };
    (tm.tm_hour, tm.tm_min, tm.tm_sec)
}
