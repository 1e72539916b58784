//! gdb's own signal numbers (`include/gdb/signals.def`), which the remote protocol uses whatever the guest's system is; and those
//! that lldb uses instead where it takes the server for one of its own, which it does with each that knows
//! `QThreadSuffixSupported`: the system's as most of its ISAs have them (`asm-generic/signal.h`), MIPS among them.

/// gdb's and lldb's numbers of the signals that Linux and FreeBSD have, by name without `SIG`; 0 where lldb has none for Linux.
/// Real-time signals: see [`realtime`].
const SIGNALS: &[(&str, u8, u8)] = &[
    ("HUP", 1, 1),
    ("INT", 2, 2),
    ("QUIT", 3, 3),
    ("ILL", 4, 4),
    ("TRAP", 5, 5),
    ("ABRT", 6, 6),
    ("EMT", 7, 0),
    ("FPE", 8, 8),
    ("KILL", 9, 9),
    ("BUS", 10, 7),
    ("SEGV", 11, 11),
    ("SYS", 12, 31),
    ("PIPE", 13, 13),
    ("ALRM", 14, 14),
    ("TERM", 15, 15),
    ("URG", 16, 23),
    ("STOP", 17, 19),
    ("TSTP", 18, 20),
    ("CONT", 19, 18),
    ("CHLD", 20, 17),
    ("TTIN", 21, 21),
    ("TTOU", 22, 22),
    ("IO", 23, 29),
    ("XCPU", 24, 24),
    ("XFSZ", 25, 25),
    ("VTALRM", 26, 26),
    ("PROF", 27, 27),
    ("WINCH", 28, 28),
    ("LOST", 29, 0),
    ("USR1", 30, 10),
    ("USR2", 31, 12),
    ("PWR", 32, 30),
    ("POLL", 33, 0),
    ("INFO", 142, 0),
    ("LIBRT", 151, 0),
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
    SIGNALS
        .iter()
        .find(|(n, ..)| *n == name)
        .map(|(_, g, _)| *g)
}

/// The name, without `SIG`, of gdb's signal.
pub fn name(gdb: u8) -> Option<&'static str> {
    SIGNALS.iter().find(|(_, g, _)| *g == gdb).map(|(n, ..)| *n)
}

/// lldb's number, for Linux, of gdb's signal.
pub(crate) fn to_lldb(gdb: u8) -> Option<u8> {
    match SIGNALS.iter().find(|(_, g, _)| *g == gdb) {
        Some((_, _, lldb)) => Some(*lldb).filter(|n| *n != 0),
        None => realtime_number(gdb).and_then(|n| u8::try_from(n).ok()),
    }
}

/// gdb's number of lldb's signal for Linux.
pub(crate) fn from_lldb(lldb: u8) -> Option<u8> {
    match SIGNALS.iter().find(|(_, _, l)| *l == lldb && lldb != 0) {
        Some((_, gdb, _)) => Some(*gdb),
        None => realtime(lldb.into()),
    }
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
    fn lldb_has_the_systems_numbers() {
        let usr1 = by_name("USR1").expect("known");
        assert_eq!((usr1, to_lldb(usr1)), (30, Some(10)));
        assert_eq!(by_name("EMT").and_then(to_lldb), None);
        for n in 1..=127 {
            // 16 is SIGSTKFLT, for which gdb has no number.
            assert_eq!(
                from_lldb(n).and_then(to_lldb),
                (n != 16).then_some(n),
                "{n}"
            );
        }
    }

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
