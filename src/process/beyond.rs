//! Signals that the host does not have: 65 and up, of FreeBSD and MIPS.
//!
//! They are queued here rather than by the host's kernel. A thread that may take one finds it at its next poll; one that is in a
//! system call is made to leave it. From one guest process to another they travel on the host's last signal, with a code that
//! nobody else uses: while the receiver blocks or ignores that one they wait or are lost.
//!
//! So is SIGSTOP for a process that another guest traces: its tracer has to hear of it, and the host's would stop it at once.

use super::{Process, SigFields, SigInfo, SigSet, Signal, SysResult, Thread, ThreadHandle};
use crate::abi::Errno;
use crate::host;
use crate::host::nr::{SYS_rt_sigqueueinfo, SYS_rt_sigtimedwait};
use crate::host::signal::RawInfo;
use crate::ir::pending;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A signal with the thread that it is for; the process, if `None`.
type Entry = (Option<i32>, SigInfo);

/// Those that are pending.
#[derive(Default)]
pub(super) struct Beyond {
    queue: Mutex<Vec<Entry>>,
    /// Whether there are any.
    some: AtomicBool,
}

/// The host's signal that carries one, and its `si_code`: negative, so that the kernel lets a process send it.
const CARRIER: Signal = Signal(64);
const CARRIED: i32 = -0x656e;
/// In `si_errno`, above the number: it comes from `sigqueue`.
const QUEUED: i32 = 0x100;
const SI_USER: i32 = 0;
const SI_QUEUE: i32 = -1;

impl Beyond {
    fn lock(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first of `wanted` that thread `tid` may have, the lowest number first.
    pub(super) fn take(&self, tid: i32, wanted: SigSet) -> Option<SigInfo> {
        if !self.some.load(SeqCst) {
            return None;
        }
        let mut queue = self.lock();
        let (at, _) = queue
            .iter()
            .enumerate()
            .filter(|(_, (target, info))| {
                target.is_none_or(|t| t == tid) && wanted.contains(info.signal)
            })
            .min_by_key(|(at, (_, info))| (info.signal, *at))?;
        let (_, info) = queue.remove(at);
        self.some.store(!queue.is_empty(), SeqCst);
        Some(info)
    }

    /// The signals that are pending for thread `tid` or the process.
    pub(super) fn pending(&self, tid: i32) -> SigSet {
        if !self.some.load(SeqCst) {
            return SigSet::EMPTY;
        }
        let queue = self.lock();
        let own = queue.iter().filter(|(t, _)| t.is_none_or(|t| t == tid));
        own.fold(SigSet::EMPTY, |set, (_, info)| {
            set.union(info.signal.into())
        })
    }

    /// None is pending, as in the child of a fork.
    pub(super) fn clear(&self) {
        self.lock().clear();
        self.some.store(false, SeqCst);
    }
}

/// The part of a set that the host does not have, by which threads say what they take.
fn beyond(set: SigSet) -> u64 {
    (set.0 >> 64) as u64
}

impl Process {
    /// Sends a signal that the host does not have to this process, or to one of its threads.
    pub fn send_beyond(&self, target: Option<i32>, info: SigInfo) {
        if self.action(info.signal).handler == super::Action::IGNORE {
            return;
        }
        {
            let mut queue = self.beyond.lock();
            queue.push((target, info));
            self.beyond.some.store(true, SeqCst);
        }
        self.rouse_taker(target, info.signal);
    }

    /// Has a thread that takes the signal look for it.
    fn rouse_taker(&self, target: Option<i32>, signal: Signal) {
        let me = host::tid();
        let mut threads = self.threads();
        // The sender itself, if it can.
        threads.sort_by_key(|t| t.tid != me);
        let bit = beyond(signal.into());
        let takes =
            |t: &ThreadHandle| signal == Signal::SIGSTOP || t.open_beyond.load(SeqCst) & bit != 0;
        let taker = threads
            .iter()
            .find(|t| target.is_none_or(|tid| tid == t.tid) && takes(t));
        if let Some(taker) = taker {
            taker.cpu.pending().fetch_or(pending::SIGNAL, SeqCst);
            if taker.tid != me {
                host::signal::kick(taker.tid);
            }
        }
    }

    /// Sends one to another process, which must be a guest for it to be what it is. `value` is that of `sigqueue`.
    ///
    /// # Errors
    /// The host's: ESRCH, EPERM, EAGAIN.
    pub fn send_beyond_to(&self, pid: i32, signal: Signal, value: Option<u64>) -> SysResult {
        let number = i32::from(signal.0) | if value.is_some() { QUEUED } else { 0 };
        let (sender, uid) = (host::pid(), host::ids().uid);
        let raw = RawInfo::new(CARRIER, number, CARRIED, sender, uid, value.unwrap_or(0));
        let args = [pid as u64, CARRIER.0.into(), &raw const raw as u64, 0, 0, 0];
        host::syscall(SYS_rt_sigqueueinfo, args)
    }
}

/// What the host's signal carries, if it is one that does.
pub(super) fn carried(info: &SigInfo) -> Option<SigInfo> {
    let SigFields::Queue { pid, uid, value } = info.fields else {
        return None;
    };
    if info.signal != CARRIER || info.code != CARRIED {
        return None;
    }
    let queued = info.errno & QUEUED != 0;
    Some(SigInfo {
        signal: Signal(info.errno as u8),
        errno: 0,
        code: if queued { SI_QUEUE } else { SI_USER },
        fields: if queued {
            SigFields::Queue { pid, uid, value }
        } else {
            SigFields::Kill { pid, uid }
        },
    })
}

/// The `si_code` of what was sent to one thread only.
const SI_TKILL: i32 = -6;

impl Thread {
    /// Hands signals to the process that came to this thread, which ends, to the others: the kernel would not have chosen it. It
    /// is no longer among them, and blocks all signals.
    pub(super) fn hand_on_signals(&mut self) {
        let deferred = std::mem::take(&mut self.deferred);
        let mut left: Vec<RawInfo> = deferred.into_iter().filter_map(SigInfo::to_host).collect();
        while let Some(raw) = self.slot.take() {
            left.push(raw);
        }
        for raw in left.iter().filter(|raw| raw.i32(8) != SI_TKILL) {
            let args = [
                host::pid() as u64,
                raw.i32(0) as u64,
                &raw const *raw as u64,
                0,
                0,
                0,
            ];
            // A process may send itself any code. Nobody is left to tell of an error.
            let _ = host::syscall(SYS_rt_sigqueueinfo, args);
        }
        for signal in self.process.beyond.pending(self.tid()).iter() {
            self.process.rouse_taker(None, signal);
        }
    }

    /// Signals that wait for this thread, which blocks them, in the emulator rather than in the host.
    pub fn pending_here(&self) -> SigSet {
        let deferred = self.deferred.iter().map(|info| info.signal.into());
        let own = deferred.fold(SigSet::EMPTY, SigSet::union);
        own.union(self.process.beyond.pending(self.tid()))
    }

    /// Lets others know which signals beyond the host's this thread takes now.
    pub(super) fn open_beyond(&mut self, mask: SigSet) {
        self.handle.open_beyond.store(!beyond(mask), SeqCst);
        if self.has_open_beyond() {
            self.cpu.pending.fetch_or(pending::SIGNAL, SeqCst);
        }
    }

    fn has_open_beyond(&self) -> bool {
        let open = self.handle.open_beyond.load(SeqCst);
        let pending = self.process.beyond.pending(self.tid());
        beyond(pending) & open != 0 || pending.contains(Signal::SIGSTOP)
    }

    /// Takes one that is open.
    pub(super) fn take_beyond(&mut self) -> Option<SigInfo> {
        let open = self.handle.open_beyond.load(SeqCst);
        let open = SigSet(u128::from(open) << 64).union(Signal::SIGSTOP.into());
        self.process.beyond.take(self.tid(), open)
    }

    /// Makes a host call that waits until a signal outside of `mask` arrives (`rt_sigsuspend`).
    pub fn wait_with_mask(&mut self, mask: SigSet, number: i64, args: [u64; 6]) -> SysResult {
        self.open_beyond(mask);
        // Until the poll that follows the call.
        if self.has_open_beyond() {
            return Err(Errno::EINTR);
        }
        match self.blocking_syscall(number, args) {
            Err(super::ERESTARTSYS) if self.has_open_beyond() => Err(Errno::EINTR),
            other => other,
        }
    }

    /// Queues what a signal of the host, taken during a call, carries; whether one did. Others wait for the next poll.
    fn unload_carrier(&mut self) -> bool {
        let mut carrier = false;
        while let Some(raw) = self.slot.take() {
            let info = SigInfo::from_host(&raw);
            match carried(&info) {
                Some(carried) => {
                    carrier = true;
                    self.process.send_beyond(None, carried);
                }
                None => self.deferred.push(info),
            }
        }
        carrier
    }

    /// Makes the host's `rt_sigtimedwait` for one of the signals in `wanted`; the signal, if it is one beyond the host's.
    pub fn wait_for_signal(
        &mut self,
        wanted: SigSet,
        args: [u64; 6],
    ) -> SysResult<Option<SigInfo>> {
        const TIMEOUT: usize = 2;
        let number = SYS_rt_sigtimedwait;
        let tid = self.tid();
        let beyond_host = SigSet(wanted.0 >> 64 << 64);
        // Whoever sends one wakes this thread.
        self.handle.open_beyond.fetch_or(beyond(wanted), SeqCst);
        let process = self.process.clone();
        // The host's have lower numbers, and come first: is there one now?
        let now = [0u64; 2];
        let mut args = args;
        if beyond(process.beyond.pending(tid)) & beyond(wanted) != 0 {
            args[TIMEOUT] = now.as_ptr() as u64;
        }
        let result = match self.blocking_syscall(number, args) {
            Ok(_) => Ok(None),
            Err(e) => {
                let carried = self.unload_carrier();
                match process.beyond.take(tid, beyond_host) {
                    Some(info) => Ok(Some(info)),
                    // Nothing that is to be seen: the wait goes on.
                    None if carried => Err(super::ERESTARTSYS),
                    None => Err(e),
                }
            }
        };
        self.open_beyond(self.mask);
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(number: u8) -> SigInfo {
        SigInfo {
            signal: Signal(number),
            errno: 0,
            code: SI_USER,
            fields: SigFields::Kill { pid: 1, uid: 2 },
        }
    }

    #[test]
    fn the_lowest_and_oldest_comes_first() {
        let all = Beyond::default();
        assert_eq!(all.take(1, SigSet::FULL), None);
        {
            let mut queue = all.lock();
            queue.extend([(None, info(100)), (Some(2), info(97)), (None, info(98))]);
            all.some.store(true, SeqCst);
        }
        assert!(all.pending(1).contains(Signal(98)));
        assert!(!all.pending(1).contains(Signal(97)));
        let open = SigSet::FULL.without(Signal(98).into());
        assert_eq!(all.take(1, open), Some(info(100)));
        assert_eq!(all.take(1, open), None);
        assert_eq!(all.take(2, SigSet::FULL), Some(info(97)));
        assert_eq!(all.take(2, SigSet::FULL), Some(info(98)));
        assert_eq!(all.pending(2), SigSet::EMPTY);
    }

    #[test]
    fn what_is_carried() {
        let mut carrier = info(64);
        carrier.fields = SigFields::Queue {
            pid: 1,
            uid: 2,
            value: 3,
        };
        assert_eq!(carried(&carrier), None);
        carrier.code = CARRIED;
        carrier.errno = 100;
        assert_eq!(carried(&carrier), Some(info(100)));
        carrier.errno |= QUEUED;
        let queued = carried(&carrier);
        assert_eq!(
            queued.map(|i| (i.code, i.fields)),
            Some((SI_QUEUE, carrier.fields))
        );
    }
}
