//! Signal numbers and names.
//!
//! Source: `asm-generic/signal.h`, `arch/mips/include/uapi/asm/signal.h`; FreeBSD `sys/signal.h`.

use super::Dialect;

/// A signal, held as the host's number, 1 to 64; numbers above are MIPS real-time signals (up to 127) that the host lacks and
/// that only exist inside the guest, and likewise for FreeBSD.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(pub u8);

macro_rules! signals {
    ($($name:ident = $host:literal, mips $mips:literal, bsd $bsd:literal;)*) => {
        #[allow(missing_docs, reason = "the names of signal(7)")]
        impl Signal {
            $(pub const $name: Signal = Signal($host);)*
        }

        /// Name, host number, MIPS number, FreeBSD number.
        const ROWS: &[(&str, u8, u8, u8)] = &[$((stringify!($name), $host, $mips, $bsd)),*];
    };
}

signals! {
    SIGHUP = 1, mips 1, bsd 1;
    SIGINT = 2, mips 2, bsd 2;
    SIGQUIT = 3, mips 3, bsd 3;
    SIGILL = 4, mips 4, bsd 4;
    SIGTRAP = 5, mips 5, bsd 5;
    SIGABRT = 6, mips 6, bsd 6;
    SIGBUS = 7, mips 10, bsd 10;
    SIGFPE = 8, mips 8, bsd 8;
    SIGKILL = 9, mips 9, bsd 9;
    SIGUSR1 = 10, mips 16, bsd 30;
    SIGSEGV = 11, mips 11, bsd 11;
    SIGUSR2 = 12, mips 17, bsd 31;
    SIGPIPE = 13, mips 13, bsd 13;
    SIGALRM = 14, mips 14, bsd 14;
    SIGTERM = 15, mips 15, bsd 15;
    SIGCHLD = 17, mips 18, bsd 20;
    SIGCONT = 18, mips 25, bsd 19;
    SIGSTOP = 19, mips 23, bsd 17;
    SIGTSTP = 20, mips 24, bsd 18;
    SIGTTIN = 21, mips 26, bsd 21;
    SIGTTOU = 22, mips 27, bsd 22;
    SIGURG = 23, mips 21, bsd 16;
    SIGXCPU = 24, mips 30, bsd 24;
    SIGXFSZ = 25, mips 31, bsd 25;
    SIGVTALRM = 26, mips 28, bsd 26;
    SIGPROF = 27, mips 29, bsd 27;
    SIGWINCH = 28, mips 20, bsd 28;
    SIGIO = 29, mips 22, bsd 23;
    SIGPWR = 30, mips 19, bsd 29;
    SIGSYS = 31, mips 12, bsd 12;
}

/// The host's `SIGSTKFLT`, which takes the place of the `SIGEMT` of MIPS and FreeBSD: no kernel ever raises its own.
const SIGSTKFLT: u8 = 16;
const SIGEMT: u8 = 7;

/// First real-time signal of FreeBSD, which is the host's [`FREEBSD_HOST_RTMIN`]: 32 and 33 are FreeBSD's SIGTHR and SIGLIBRT.
const FREEBSD_RTMIN: u8 = 65;
const FREEBSD_HOST_RTMIN: u8 = 34;
/// Real-time signals that FreeBSD and the host both have.
const FREEBSD_RT_SHARED: u8 = 64 - FREEBSD_HOST_RTMIN + 1;

/// Numbers from 32 on between FreeBSD and the host, either way: the host's real-time signals change places with FreeBSD's first
/// ones, and the numbers that FreeBSD does not use lie where the host has none.
const fn swap_freebsd_rt(number: u8) -> u8 {
    const SHIFT: u8 = FREEBSD_RTMIN - FREEBSD_HOST_RTMIN;
    match number {
        FREEBSD_HOST_RTMIN..FREEBSD_RTMIN => number + SHIFT,
        _ if number >= FREEBSD_RTMIN && number < FREEBSD_RTMIN + FREEBSD_RT_SHARED => {
            number - SHIFT
        }
        _ => number,
    }
}

/// A dialect's column of [`ROWS`].
fn column(dialect: Dialect) -> fn(&(&str, u8, u8, u8)) -> u8 {
    match dialect {
        Dialect::Mips => |row| row.2,
        Dialect::FreeBsd => |row| row.3,
        _ => |row| row.1,
    }
}

impl Signal {
    /// First real-time signal of the kernel, on the host and on every guest.
    pub const SIGRTMIN: Signal = Signal(32);

    /// SIGEMT of MIPS and FreeBSD, in the place of the host's SIGSTKFLT.
    pub const SIGEMT: Signal = Signal(SIGSTKFLT);

    /// Number of signals that a dialect has (`_NSIG`).
    pub fn count(dialect: Dialect) -> u32 {
        match dialect {
            Dialect::Mips | Dialect::FreeBsd => 128,
            _ => 64,
        }
    }

    /// The signal that a guest of this dialect means by `number`; `None` if it has no such signal.
    pub fn from_guest(dialect: Dialect, number: u32) -> Option<Signal> {
        // MIPS's _NSIG is 128, but signal 128 can't be told from a core dump in a wait status; the kernel accepts it, so do we.
        if number == 0 || number > Signal::count(dialect) {
            return None;
        }
        let number = number as u8;
        let own = match dialect {
            Dialect::FreeBsd if number >= Signal::SIGRTMIN.0 => {
                return Some(Signal(swap_freebsd_rt(number)));
            }
            Dialect::Mips | Dialect::FreeBsd if number < Signal::SIGRTMIN.0 => column(dialect),
            _ => return Some(Signal(number)),
        };
        if number == SIGEMT {
            return Some(Signal(SIGSTKFLT));
        }
        ROWS.iter()
            .find(|row| own(row) == number)
            .map(|row| Signal(row.1))
    }

    /// The number that a guest of this dialect knows it by.
    pub fn to_guest(self, dialect: Dialect) -> u32 {
        let own = match dialect {
            Dialect::FreeBsd if self >= Signal::SIGRTMIN => return swap_freebsd_rt(self.0).into(),
            Dialect::Mips | Dialect::FreeBsd if self < Signal::SIGRTMIN => column(dialect),
            _ => return self.0.into(),
        };
        if self.0 == SIGSTKFLT {
            return SIGEMT.into();
        }
        ROWS.iter()
            .find(|row| row.1 == self.0)
            .map_or(self.0, own)
            .into()
    }

    /// Its name, `SIGINT`, `SIGRT_2`.
    pub fn name(self) -> std::borrow::Cow<'static, str> {
        if self >= Signal::SIGRTMIN {
            return format!("SIGRT_{}", self.0 - Signal::SIGRTMIN.0).into();
        }
        if self.0 == SIGSTKFLT {
            return "SIGSTKFLT".into();
        }
        ROWS.iter()
            .find(|row| row.1 == self.0)
            .map_or_else(|| self.0.to_string().into(), |row| row.0.into())
    }
}

impl std::fmt::Debug for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_survives_the_round_trip() {
        for d in [
            Dialect::Generic,
            Dialect::X86,
            Dialect::Arm,
            Dialect::Mips,
            Dialect::FreeBsd,
        ] {
            assert_eq!(Signal::from_guest(d, 0), None);
            assert_eq!(Signal::from_guest(d, Signal::count(d) + 1), None);
            for n in 1..=Signal::count(d) {
                let s = Signal::from_guest(d, n).expect("every number up to _NSIG is a signal");
                assert_eq!(s.to_guest(d), n, "{d:?} {n}");
            }
        }
        assert_eq!(Signal::from_guest(Dialect::Mips, 18), Some(Signal::SIGCHLD));
        assert_eq!(Signal::SIGUSR1.to_guest(Dialect::FreeBsd), 30);
        assert_eq!(Signal::from_guest(Dialect::FreeBsd, 65), Some(Signal(34)));
        assert_eq!(Signal(32).to_guest(Dialect::FreeBsd), 32);
        assert_eq!(Signal(16).to_guest(Dialect::Mips), 7);
        assert_eq!(Signal(34).name(), "SIGRT_2");
    }
}
