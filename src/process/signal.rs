//! Signals: sets, information, actions.

use super::{Errno, Signal, SysResult};
use crate::host;
use crate::host::signal::{self, Disposition, Inherited, RawInfo};

/// A set of signals; bit n - 1 is signal n in the host's numbering.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SigSet(pub u128);

impl SigSet {
    /// No signal.
    pub const EMPTY: SigSet = SigSet(0);
    /// Every signal.
    pub const FULL: SigSet = SigSet(u128::MAX);

    /// Whether `signal` is in it.
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & Self::from(signal).0 != 0
    }

    /// Those that are in either.
    #[must_use]
    pub fn union(self, other: SigSet) -> SigSet {
        SigSet(self.0 | other.0)
    }

    /// Those that are not in `other`.
    #[must_use]
    pub fn without(self, other: SigSet) -> SigSet {
        SigSet(self.0 & !other.0)
    }

    /// What a guest can block: all but SIGKILL and SIGSTOP.
    #[must_use]
    pub fn blockable(self) -> SigSet {
        self.without(Signal::SIGKILL.into())
            .without(Signal::SIGSTOP.into())
    }

    /// The host's `sigset_t` (64 bits) for a thread that has this mask: synchronous faults stay unblocked. Also right for the
    /// mask argument of `ppoll` and its like.
    pub fn host_mask(self) -> u64 {
        self.without(Signal::SIGSEGV.into())
            .without(Signal::SIGBUS.into())
            .0 as u64
    }

    /// From a host `sigset_t`.
    pub fn from_host(bits: u64) -> SigSet {
        SigSet(bits.into())
    }

    /// Its members, lowest first.
    pub fn iter(self) -> impl Iterator<Item = Signal> {
        (1..=128u8).map(Signal).filter(move |&s| self.contains(s))
    }
}

impl From<Signal> for SigSet {
    fn from(signal: Signal) -> SigSet {
        match signal.0 {
            n @ 1..=128 => SigSet(1 << (n - 1)),
            _ => SigSet(0),
        }
    }
}

/// What comes with a signal: `siginfo_t` without a layout. Numbers (signal, `errno`, `code`) are the host's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigInfo {
    /// Which signal.
    pub signal: Signal,
    /// `si_errno`.
    pub errno: i32,
    /// `si_code`.
    pub code: i32,
    /// The rest.
    pub fields: SigFields,
}

/// The parts of `siginfo_t` that depend on signal and code (`asm-generic/siginfo.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SigFields {
    /// `si_pid`, `si_uid`: kill, tgkill.
    Kill {
        /// Sender.
        pid: i32,
        /// Its user.
        uid: u32,
    },
    /// `si_timerid`, `si_overrun`, `si_value`: POSIX timers.
    Timer {
        /// Timer.
        id: i32,
        /// Expirations missed.
        overrun: i32,
        /// The guest's value, as it came from the host: pointer-sized.
        value: u64,
    },
    /// `si_pid`, `si_uid`, `si_value`: sigqueue, message queues.
    Queue {
        /// Sender.
        pid: i32,
        /// Its user.
        uid: u32,
        /// The guest's value, pointer-sized.
        value: u64,
    },
    /// SIGCHLD.
    Child {
        /// Which child.
        pid: i32,
        /// Its user.
        uid: u32,
        /// Exit status, or the host's number of the signal (by `code`).
        status: i32,
        /// User time in clock ticks.
        utime: i64,
        /// System time in clock ticks.
        stime: i64,
    },
    /// SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP raised by the CPU.
    Fault {
        /// The guest address at fault.
        addr: u64,
    },
    /// SIGIO.
    Poll {
        /// `si_band`.
        band: i64,
        /// `si_fd`.
        fd: i32,
    },
    /// SIGSYS (seccomp).
    Sys {
        /// Address of the call.
        addr: u64,
        /// Its number.
        number: i32,
        /// AUDIT_ARCH.
        arch: u32,
    },
}

/// Flags of an action (`sa_flags`), in the host's values.
#[allow(missing_docs)] // The kernel's names.
pub mod sa {
    pub const NOCLDSTOP: u64 = 1;
    pub const NOCLDWAIT: u64 = 2;
    pub const SIGINFO: u64 = 4;
    pub const RESTORER: u64 = 0x0400_0000;
    pub const ONSTACK: u64 = 0x0800_0000;
    pub const RESTART: u64 = 0x1000_0000;
    pub const NODEFER: u64 = 0x4000_0000;
    pub const RESETHAND: u64 = 0x8000_0000;
}

/// What the guest wants done with a signal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Action {
    /// Guest address of the handler; [`Action::DEFAULT`] or [`Action::IGNORE`].
    pub handler: u64,
    /// [`sa`] flags, in the host's values.
    pub flags: u64,
    /// Guest address that the handler returns to, if `flags` has [`sa::RESTORER`].
    pub restorer: u64,
    /// Blocked while the handler runs.
    pub mask: SigSet,
}

impl Action {
    /// SIG_DFL.
    pub const DEFAULT: u64 = 0;
    /// SIG_IGN.
    pub const IGNORE: u64 = 1;
}

/// What happens to a signal without a handler (signal(7)).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultAction {
    /// The process ends.
    Terminate,
    /// The process ends with a core file.
    Core,
    /// Nothing.
    Ignore,
    /// The process stops.
    Stop,
    /// The process goes on.
    Continue,
}

impl DefaultAction {
    /// The default action of a signal.
    pub fn of(signal: Signal) -> DefaultAction {
        use DefaultAction::*;
        match signal {
            Signal::SIGCHLD | Signal::SIGURG | Signal::SIGWINCH => Ignore,
            Signal::SIGCONT => Continue,
            Signal::SIGSTOP | Signal::SIGTSTP | Signal::SIGTTIN | Signal::SIGTTOU => Stop,
            Signal::SIGQUIT
            | Signal::SIGILL
            | Signal::SIGTRAP
            | Signal::SIGABRT
            | Signal::SIGBUS
            | Signal::SIGFPE
            | Signal::SIGSEGV
            | Signal::SIGXCPU
            | Signal::SIGXFSZ
            | Signal::SIGSYS => Core,
            _ => Terminate,
        }
    }
}

/// The actions of a process.
#[derive(Clone)]
pub(super) struct Actions {
    of: [Action; 128],
    /// Signals that are to be seen even if they are ignored.
    watched: SigSet,
    /// Those that stop and continue the process are to be seen, and have no effect.
    stops: bool,
}

/// The actions of this process, and of children of vforks that share its memory.
#[derive(Default)]
pub(super) struct ActionTables {
    own: Actions,
    /// With the processes that have them.
    others: Vec<(Vec<i32>, Box<Actions>)>,
}

impl ActionTables {
    fn place(&self, pid: i32) -> Option<usize> {
        self.others.iter().position(|(pids, _)| pids.contains(&pid))
    }

    fn of(&mut self, pid: i32) -> &mut Actions {
        match self.place(pid) {
            Some(n) => &mut self.others[n].1,
            None => &mut self.own,
        }
    }

    /// Those of the calling process.
    pub(super) fn mine(&mut self) -> &mut Actions {
        if self.others.is_empty() {
            return &mut self.own;
        }
        self.of(crate::host::pid())
    }

    /// In a process that shares the memory: gives it a copy of the actions of its parent.
    pub(super) fn split(&mut self, parent: i32) {
        let copy = Box::new(self.of(parent).clone());
        self.others.push((vec![crate::host::pid()], copy));
    }

    /// In a process that shares the memory: it shares the actions of its parent, too.
    pub(super) fn share(&mut self, parent: i32) {
        if let Some(n) = self.place(parent) {
            self.others[n].0.push(crate::host::pid());
        }
    }

    /// Once such a child has ended.
    pub(super) fn join(&mut self, child: i32) {
        self.others
            .iter_mut()
            .for_each(|(pids, _)| pids.retain(|p| *p != child));
        self.others.retain(|(pids, _)| !pids.is_empty());
    }

    /// In a child of a fork, with memory of its own: what `parent` had is the process's.
    pub(super) fn forked(&mut self, parent: i32) {
        let mut others = self.others.drain(..);
        if let Some((_, actions)) = others.find(|(pids, _)| pids.contains(&parent)) {
            self.own = *actions;
        }
    }
}

impl Default for Actions {
    fn default() -> Self {
        Actions {
            of: [Action::default(); 128],
            watched: SigSet::EMPTY,
            stops: false,
        }
    }
}

impl Actions {
    pub(super) fn get(&self, signal: Signal) -> Action {
        match signal.0 {
            n @ 1..=128 => self.of[usize::from(n) - 1],
            _ => Action::default(),
        }
    }

    pub(super) fn set(&mut self, signal: Signal, action: Action) -> SysResult<Action> {
        let slot = match signal.0 {
            n @ 1..=128 => &mut self.of[usize::from(n) - 1],
            _ => return Err(Errno::EINVAL),
        };
        if signal == Signal::SIGKILL || signal == Signal::SIGSTOP {
            return Err(Errno::EINVAL);
        }
        Ok(std::mem::replace(slot, action))
    }

    pub(super) fn watch(&mut self, signal: Signal, watched: bool) {
        self.watched = match watched {
            true => self.watched.union(signal.into()),
            false => self.watched.without(signal.into()),
        };
    }

    pub(super) fn see_stops(&mut self, stops: bool) {
        self.stops = stops;
    }

    /// Makes the host do what the action of `signal` asks for; returns what it did before. `default` is what the guest's system
    /// does without a handler.
    pub(super) fn apply(&self, signal: Signal, default: DefaultAction) -> SysResult<Inherited> {
        if signal.0 > 64 || signal == Signal::SIGKILL || signal == Signal::SIGSTOP {
            return Ok(Inherited::Taken);
        }
        let action = self.get(signal);
        // The kernel must not lose these two, whatever the guest wants: they carry the faults of guest code.
        let is_fault = matches!(signal, Signal::SIGSEGV | Signal::SIGBUS);
        let disposition = match (action.handler, default) {
            _ if is_fault => Disposition::Handle,
            (Action::DEFAULT, DefaultAction::Stop | DefaultAction::Continue) if self.stops => {
                Disposition::Handle
            }
            (Action::IGNORE, _) | (Action::DEFAULT, DefaultAction::Ignore)
                if self.watched.contains(signal) =>
            {
                Disposition::Handle
            }
            (Action::IGNORE, _) => Disposition::Ignore,
            (Action::DEFAULT, DefaultAction::Ignore)
                if DefaultAction::of(signal) != DefaultAction::Ignore =>
            {
                Disposition::Ignore
            }
            (Action::DEFAULT, DefaultAction::Terminate | DefaultAction::Core) => {
                Disposition::Handle
            }
            (Action::DEFAULT, _) => Disposition::Default,
            _ => Disposition::Handle,
        };
        let mut kept = action.flags & (sa::NOCLDSTOP | sa::NOCLDWAIT);
        if action.handler == Action::IGNORE && signal == Signal::SIGCHLD {
            // What the host's kernel does by itself if it is told to ignore the signal.
            kept |= sa::NOCLDWAIT;
        }
        signal::set_action_flags(signal, disposition, kept)
    }
}

impl SigInfo {
    /// That of a signal which process `pid`, of this process's user, has sent by `kill`.
    pub fn sent_by(signal: Signal, pid: i32) -> SigInfo {
        SigInfo {
            signal,
            errno: 0,
            code: 0,
            fields: SigFields::Kill {
                pid,
                uid: host::ids().uid,
            },
        }
    }

    /// As the kernel has it, if a process sent it.
    pub(super) fn to_host(self) -> Option<RawInfo> {
        let (pid, uid, value) = match self.fields {
            SigFields::Kill { pid, uid } => (pid, uid, 0),
            SigFields::Queue { pid, uid, value } => (pid, uid, value),
            _ => return None,
        };
        let raw = RawInfo::new(self.signal, self.errno, self.code, pid, uid, value);
        Some(raw)
    }

    /// From the kernel's `siginfo_t` (`asm-generic/siginfo.h`, 64-bit layout).
    pub fn from_host(raw: &RawInfo) -> SigInfo {
        const SI_QUEUE: i32 = -1;
        const SI_TIMER: i32 = -2;
        const SI_TKILL: i32 = -6;
        const SI_USER: i32 = 0;
        const SI_KERNEL: i32 = 0x80;
        let signal = Signal(raw.i32(0) as u8);
        let code = raw.i32(8);
        let (pid, uid) = (raw.i32(16), raw.i32(20) as u32);
        let fields = match (code, signal) {
            (SI_USER | SI_TKILL | SI_KERNEL, _) => SigFields::Kill { pid, uid },
            (SI_TIMER, _) => SigFields::Timer {
                id: raw.i32(16),
                overrun: raw.i32(20),
                value: raw.u64(24),
            },
            (..=SI_QUEUE, _) => SigFields::Queue {
                pid,
                uid,
                value: raw.u64(24),
            },
            (_, Signal::SIGCHLD) => SigFields::Child {
                pid,
                uid,
                status: raw.i32(24),
                utime: raw.u64(32) as i64,
                stime: raw.u64(40) as i64,
            },
            (_, Signal::SIGIO) => SigFields::Poll {
                band: raw.u64(16) as i64,
                fd: raw.i32(24),
            },
            (_, Signal::SIGSYS) => SigFields::Sys {
                addr: raw.u64(16),
                number: raw.i32(24),
                arch: raw.i32(28) as u32,
            },
            _ => SigFields::Fault { addr: raw.u64(16) },
        };
        SigInfo {
            signal,
            errno: raw.i32(4),
            code,
            fields,
        }
    }
}
