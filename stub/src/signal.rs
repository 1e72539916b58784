//! gdb's own signal numbers (`include/gdb/signals.def`), which the remote protocol uses whatever the guest's system is.

/// gdb's numbers of the signals that Linux and FreeBSD have, by name without `SIG`. Real-time signals: see [`realtime`].
pub const SIGNALS: &[(&str, u8)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("EMT", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("BUS", 10),
    ("SEGV", 11),
    ("SYS", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("URG", 16),
    ("STOP", 17),
    ("TSTP", 18),
    ("CONT", 19),
    ("CHLD", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("IO", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("LOST", 29),
    ("USR1", 30),
    ("USR2", 31),
    ("PWR", 32),
    ("POLL", 33),
    ("INFO", 142),
    ("LIBRT", 151),
];

/// `GDB_SIGNAL_INT`: what a debugger expects after its own interrupt.
pub const GDB_SIGINT: u8 = 2;
/// `GDB_SIGNAL_TRAP`: what it expects after breakpoints and steps.
pub const GDB_SIGTRAP: u8 = 5;
/// `GDB_SIGNAL_ABRT`.
pub const GDB_SIGABRT: u8 = 6;
/// `GDB_SIGNAL_UNKNOWN`: a signal for which gdb has no number (Linux `SIGSTKFLT`).
pub const GDB_SIGUNKNOWN: u8 = 143;

/// gdb's number of the signal of that name, without `SIG`.
pub fn by_name(name: &str) -> Option<u8> {
    SIGNALS.iter().find(|(n, _)| *n == name).map(|(_, g)| *g)
}

/// gdb's number of real-time signal `n` as Linux counts (32 to 127): 32 stands apart, and 64 to 127 follow later.
pub fn realtime(n: i32) -> Option<u8> {
    match n {
        32 => Some(77),
        33..=63 => Some((n - 33 + 45) as u8),
        64..=127 => Some((n - 64 + 78) as u8),
        _ => None,
    }
}

/// The inverse of [`realtime`].
pub fn realtime_number(gdb: u8) -> Option<i32> {
    match gdb {
        77 => Some(32),
        45..=75 => Some(i32::from(gdb) - 45 + 33),
        78..=141 => Some(i32::from(gdb) - 78 + 64),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn realtime_signals_map_both_ways() {
        for n in 32..=127 {
            assert_eq!(realtime(n).and_then(realtime_number), Some(n));
        }
        // `SIG34` is 46 and `SIG64` is 78 in gdb's list.
        assert_eq!(realtime(34), Some(46));
        assert_eq!(realtime(64), Some(78));
        assert_eq!(realtime(31), None);
    }
}
