//! Signal numbers and names.
//!
//! Source: `asm-generic/signal.h`, `arch/mips/include/uapi/asm/signal.h`.

use super::Dialect;

/// A signal, held as the host's number, 1 to 64; numbers above are MIPS real-time signals (up to 127) that the host lacks and
/// that only exist inside the guest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Signal(pub u8);

macro_rules! signals {
    ($($name:ident = $host:literal, mips $mips:literal;)*) => {
        #[allow(missing_docs, reason = "the names of signal(7)")]
        impl Signal {
            $(pub const $name: Signal = Signal($host);)*
        }

        /// Name, host number, MIPS number.
        const ROWS: &[(&str, u8, u8)] = &[$((stringify!($name), $host, $mips)),*];
    };
}

signals! {
    SIGHUP = 1, mips 1;
    SIGINT = 2, mips 2;
    SIGQUIT = 3, mips 3;
    SIGILL = 4, mips 4;
    SIGTRAP = 5, mips 5;
    SIGABRT = 6, mips 6;
    SIGBUS = 7, mips 10;
    SIGFPE = 8, mips 8;
    SIGKILL = 9, mips 9;
    SIGUSR1 = 10, mips 16;
    SIGSEGV = 11, mips 11;
    SIGUSR2 = 12, mips 17;
    SIGPIPE = 13, mips 13;
    SIGALRM = 14, mips 14;
    SIGTERM = 15, mips 15;
    SIGCHLD = 17, mips 18;
    SIGCONT = 18, mips 25;
    SIGSTOP = 19, mips 23;
    SIGTSTP = 20, mips 24;
    SIGTTIN = 21, mips 26;
    SIGTTOU = 22, mips 27;
    SIGURG = 23, mips 21;
    SIGXCPU = 24, mips 30;
    SIGXFSZ = 25, mips 31;
    SIGVTALRM = 26, mips 28;
    SIGPROF = 27, mips 29;
    SIGWINCH = 28, mips 20;
    SIGIO = 29, mips 22;
    SIGPWR = 30, mips 19;
    SIGSYS = 31, mips 12;
}

/// The host's `SIGSTKFLT`, which takes the place of MIPS's `SIGEMT`: neither kernel ever raises its own.
const SIGSTKFLT: u8 = 16;
const MIPS_SIGEMT: u8 = 7;

impl Signal {
    /// First real-time signal of the kernel, on the host and on every guest.
    pub const SIGRTMIN: Signal = Signal(32);

    /// Number of signals that a dialect has (`_NSIG`).
    pub fn count(dialect: Dialect) -> u32 {
        match dialect {
            Dialect::Mips => 128,
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
        if dialect != Dialect::Mips || number >= Signal::SIGRTMIN.0 {
            return Some(Signal(number));
        }
        if number == MIPS_SIGEMT {
            return Some(Signal(SIGSTKFLT));
        }
        ROWS.iter()
            .find(|(_, _, mips)| *mips == number)
            .map(|(_, host, _)| Signal(*host))
    }

    /// The number that a guest of this dialect knows it by.
    pub fn to_guest(self, dialect: Dialect) -> u32 {
        if dialect != Dialect::Mips || self >= Signal::SIGRTMIN {
            return self.0.into();
        }
        if self.0 == SIGSTKFLT {
            return MIPS_SIGEMT.into();
        }
        ROWS.iter()
            .find(|(_, host, _)| *host == self.0)
            .map_or(self.0, |(_, _, mips)| *mips)
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
            .find(|(_, host, _)| *host == self.0)
            .map_or_else(|| self.0.to_string().into(), |(name, _, _)| (*name).into())
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
        for d in [Dialect::Generic, Dialect::X86, Dialect::Arm, Dialect::Mips] {
            assert_eq!(Signal::from_guest(d, 0), None);
            assert_eq!(Signal::from_guest(d, Signal::count(d) + 1), None);
            for n in 1..=Signal::count(d) {
                let s = Signal::from_guest(d, n).expect("every number up to _NSIG is a signal");
                assert_eq!(s.to_guest(d), n, "{d:?} {n}");
            }
        }
        assert_eq!(Signal::from_guest(Dialect::Mips, 18), Some(Signal::SIGCHLD));
        assert_eq!(Signal(16).to_guest(Dialect::Mips), 7);
        assert_eq!(Signal(34).name(), "SIGRT_2");
    }
}
