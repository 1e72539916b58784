//! `kqueue` and `kevent` (FreeBSD `kqueue(2)`, `sys/event.h`).
//!
//! A guest's kqueue descriptor is a host epoll descriptor, so that it can be polled, nested in another one and closed as any
//! other. What the guest registers is a `note::Knote`; a `queue::Queue` has the knotes of one kqueue, and one source of each
//! kind in the epoll: the guest's own descriptors, a timerfd for all timers, an inotify for all files, a pidfd for each process,
//! a signalfd, and an eventfd that rings for what happens inside the emulator.

mod note;
mod probe;
mod queue;
pub(in crate::os::freebsd) mod relatives;

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::pipe::{self, End};
use crate::abi::{Dialect, Errno, GuestStruct, GuestValue, Long, Signal, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{self, flags as f};
use crate::os::{
    ArgType, Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
pub(super) use note::filter::{AIO as EVFILT_AIO, LIO as EVFILT_LIO};
pub(super) use queue::Queue;
use queue::Ready;

const LIMITS: &str = "NOTE_FORK, EXEC and TRACK of guests of the same user; EVFILT_SIGNAL counts one that is pending again only from \
    the process itself by kill and sigqueue; EVFILT_FS tells of nothing; \
    the error of a socket is left for its own calls; EV_CLEAR may tell of a descriptor again that is still ready";

crate::syscalls! {
    kqueue() -> FDNUM, Full, Handler(|c| create(c, 0));
    kqueuex(flags: HEX) -> FDNUM, Full, Handler(|c| create(c, c.arg(0)));
    kevent(fd: FD, changelist: CHANGES, nchanges: INT, eventlist: EVENTS, nevents: INT, timeout: input::<Timespec>()) -> NUM, Partial(LIMITS), Handler(event::<Kevent>);
    freebsd11_kevent(fd: FD, changelist: CHANGES11, nchanges: INT, eventlist: EVENTS11, nevents: INT, timeout: input::<Timespec>()) -> NUM, Partial(LIMITS), Handler(event::<Kevent11>);
}

const CHANGES: ArgType = array::<Kevent>(Dir::In, 2);
const EVENTS: ArgType = array::<Kevent>(Dir::Out, 4);
const CHANGES11: ArgType = array::<Kevent11>(Dir::In, 2);
const EVENTS11: ArgType = array::<Kevent11>(Dir::Out, 4);

/// Flags of an event (`sys/event.h`).
#[allow(missing_docs)] // The header's names.
mod ev {
    pub const ADD: u16 = 1;
    pub const DELETE: u16 = 2;
    pub const ENABLE: u16 = 4;
    pub const DISABLE: u16 = 8;
    pub const ONESHOT: u16 = 0x10;
    pub const CLEAR: u16 = 0x20;
    pub const RECEIPT: u16 = 0x40;
    pub const DISPATCH: u16 = 0x80;
    pub const FORCEONESHOT: u16 = 0x100;
    pub const KEEPUDATA: u16 = 0x200;
    pub const ERROR: u16 = 0x4000;
    pub const EOF: u16 = 0x8000;
    /// EV_SYSFLAGS, which a change cannot set: EV_FLAG1, EV_FLAG2, EV_ERROR, EV_EOF
    pub const SYSTEM: u16 = 0xf000;
}

/// Events that are handed over in one go: a guest that has room for more calls again.
const MOST_EVENTS: usize = 1024;

/// Changes in one call at most: an absurd number is an error before memory is taken for it.
const MOST_CHANGES: i32 = 1 << 16;

/// The kqueues of a process, by descriptor.
#[derive(Default)]
pub struct Kqueues {
    open: Mutex<HashMap<i32, Arc<Mutex<Queue>>>>,
    /// Knotes that count signals: nothing is to be done for a signal while there are none.
    signal_notes: AtomicUsize,
}

impl Kqueues {
    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Arc<Mutex<Queue>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A signal has come to the process.
    pub fn signal_arrived(&self, signal: Signal) {
        if self.signal_notes.load(SeqCst) == 0 {
            return;
        }
        let number = signal.to_guest(Dialect::FreeBsd);
        for queue in self.lock().values() {
            locked(queue).signal_arrived(number);
        }
    }

    /// Whether a signal that is about to be sent to this process is pending already, and counted: the host does not queue it a
    /// second time.
    pub fn repeats(&self, signal: Signal) -> bool {
        /// From here on the host queues them all.
        const SIGRTMIN: u8 = 32;
        self.signal_notes.load(SeqCst) != 0
            && signal.0 < SIGRTMIN
            && probe::pending_signals() & 1 << (signal.0 - 1) != 0
    }

    /// Such a signal has been sent.
    pub fn signal_repeated(&self, signal: Signal) {
        let number = signal.to_guest(Dialect::FreeBsd);
        for queue in self.lock().values() {
            locked(queue).signal_repeated(number);
        }
    }

    /// A signal that was pending has been taken by `sigwait` or its like.
    pub fn signal_consumed(&self, signal: Signal) {
        if self.signal_notes.load(SeqCst) == 0 {
            return;
        }
        let number = signal.to_guest(Dialect::FreeBsd);
        for queue in self.lock().values() {
            locked(queue).signal_consumed(number);
        }
    }
}

/// The kqueue that a descriptor is.
pub(super) fn find(call: &Call<'_>, fd: i32) -> Option<Arc<Mutex<Queue>>> {
    queues(call).ok()?.lock().get(&fd).cloned()
}

/// Registers an event that tells when an asynchronous request is done, which only the kernel can register.
pub(super) fn add_completion(queue: &Mutex<Queue>, change: &Kevent) {
    locked(queue).add_completion(change);
}

/// Such a request is done, with this error number of the guest's.
pub(super) fn complete(queue: &Mutex<Queue>, ident: u64, filter: i16, error: i64) {
    locked(queue).complete(ident, filter, error);
}

/// Such a request is gone, and its event with it.
pub(super) fn remove_completion(queue: &Mutex<Queue>, ident: u64, filter: i16) {
    locked(queue).remove_completion(ident, filter);
}

fn locked(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The kqueues are in the process's memory: another with descriptors of its own that shares it has none.
fn queues<'a>(call: &'a Call<'_>) -> SysResult<&'a Kqueues> {
    freebsd::of(call.thread)
        .filter(|_| !call.thread.handle.has_own_files())
        .map(|os| &os.kqueues)
        .ok_or(Errno::ENOSYS)
}

/// Whether a descriptor is a kqueue of this process.
pub(super) fn is_kqueue(call: &Call<'_>, fd: i32) -> bool {
    queues(call).is_ok_and(|queues| queues.lock().contains_key(&fd))
}

fn create(call: &mut Call<'_>, flags: u64) -> SysResult {
    const KQUEUE_CLOEXEC: u64 = 1;
    const EPOLL_CLOEXEC: u64 = 0x80000;
    if flags & !KQUEUE_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    if call.thread.handle.has_own_files() {
        call.unimplemented("in a process that shares memory, but not descriptors");
        return Err(Errno::EMFILE);
    }
    let host = if flags != 0 { EPOLL_CLOEXEC } else { 0 };
    let fd = call.host(SYS_epoll_create1, [host, 0, 0, 0, 0, 0])?;
    let queue = Arc::new(Mutex::new(Queue::new(fd as i32)));
    queues(call)?.lock().insert(fd as i32, queue);
    Ok(fd)
}

/// The guest's descriptors from `first` to `last` are about to be closed: the knotes on them go, and the kqueues among them.
pub(super) fn closed_range(call: &Call<'_>, first: i32, last: i32) {
    let Ok(queues) = queues(call) else { return };
    let mut open = queues.lock();
    if open.is_empty() {
        return;
    }
    let range = first..=last;
    let closing: Vec<i32> = open.keys().filter(|f| range.contains(f)).copied().collect();
    for fd in closing {
        let Some(queue) = open.remove(&fd) else {
            continue;
        };
        // A copy of the descriptor keeps the kqueue.
        let other = open.iter().find(|(_, q)| Arc::ptr_eq(q, &queue));
        let mut queue = locked(&queue);
        match other {
            Some((&copy, _)) => queue.moved_to(copy),
            None => {
                let signals = queue.close();
                release_signals(call, queues, &open, signals);
            }
        }
    }
    for queue in open.values() {
        locked(queue).descriptors_closed(range.clone());
    }
}

/// A guest's descriptor has been copied: a kqueue is then reached by both.
pub(super) fn duplicated(call: &Call<'_>, from: i32, to: i32) {
    let Ok(queues) = queues(call) else { return };
    let mut open = queues.lock();
    if let Some(queue) = open.get(&from).cloned() {
        open.insert(to, queue);
    }
}

/// The child of a fork has none of the parent's kqueues.
pub(super) fn forked(call: &Call<'_>) {
    if let Ok(queues) = queues(call) {
        for (fd, _) in queues.lock().drain() {
            let _ = crate::host::syscall(SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
        }
        queues.signal_notes.store(0, SeqCst);
    }
}

/// A process that shares the memory, but not the descriptors, has none of them either.
pub(super) fn shared(os: &freebsd::FreeBsd) {
    for fd in os.kqueues.lock().keys() {
        let _ = crate::host::syscall(SYS_close, [*fd as u64, 0, 0, 0, 0, 0]);
    }
}

/// Signals that knotes no longer count need not come any more, unless another kqueue's do.
fn release_signals(
    call: &Call<'_>,
    queues: &Kqueues,
    open: &HashMap<i32, Arc<Mutex<Queue>>>,
    signals: Vec<u64>,
) {
    for number in signals {
        queues.signal_notes.fetch_sub(1, SeqCst);
        if open.values().any(|q| locked(q).counts_signal(number)) {
            continue;
        }
        if let Some(signal) = Signal::from_guest(Dialect::FreeBsd, number as u32) {
            let _ = call.thread.process.watch_signal(signal, false);
        }
    }
}

/// An event in either layout.
trait Event: GuestStruct + GuestValue {
    fn from_kevent(event: &Kevent) -> Self;
    fn into_kevent(self) -> Kevent;
}

impl Event for Kevent {
    fn from_kevent(event: &Kevent) -> Kevent {
        *event
    }

    fn into_kevent(self) -> Kevent {
        self
    }
}

impl Event for Kevent11 {
    fn from_kevent(event: &Kevent) -> Kevent11 {
        Kevent11 {
            ident: event.ident,
            filter: event.filter,
            flags: event.flags,
            fflags: event.fflags,
            data: Long(event.data),
            udata: event.udata,
        }
    }

    fn into_kevent(self) -> Kevent {
        Kevent {
            ident: self.ident,
            filter: self.filter,
            flags: self.flags,
            fflags: self.fflags,
            data: self.data.0,
            udata: self.udata,
            ext: [0; 4],
        }
    }
}

fn event<T: Event>(call: &mut Call<'_>) -> SysResult {
    let kq = call.int(0);
    let (changes, count) = (call.arg(1), call.int(2));
    let (list, room) = (call.arg(3), call.int(4));
    if !(0..=MOST_CHANGES).contains(&count) || room < 0 {
        return Err(Errno::EINVAL);
    }
    let found = queues(call)?.lock().get(&kq).cloned();
    let Some(queue) = found else {
        return Err(not_a_kqueue(call, kq));
    };
    let room = (room as usize).min(MOST_EVENTS);
    let timeout = call.read_optional::<Timespec>(call.arg(5))?;
    let size = T::DESC.size(call.abi) as u64;
    let mut out: Vec<Kevent> = Vec::new();
    for n in 0..count as u64 {
        let mut change = call
            .read_struct::<T>(changes.wrapping_add(n * size))?
            .into_kevent();
        if change.filter == 0 {
            continue;
        }
        change.flags &= !ev::SYSTEM;
        let result = apply(call, &queue, &change);
        if result.is_ok() && change.flags & ev::RECEIPT == 0 {
            continue;
        }
        let errno = result.err();
        if out.len() >= room {
            return errno.map_or(Ok(0), Err);
        }
        out.push(Kevent {
            flags: ev::ERROR,
            data: errno.map_or(0, |e| e.to_guest(call.abi.dialect)).into(),
            ..change
        });
    }
    // Errors and receipts are told at once.
    if out.is_empty() && room > 0 {
        out = wait(call, &queue, room, timeout)?;
    }
    let mut bytes = Vec::with_capacity(out.len() * size as usize);
    for event in &out {
        bytes.extend(T::from_kevent(event).write(call.abi)?);
    }
    call.write_bytes(list, &bytes)?;
    Ok(out.len() as u64)
}

/// The error for a descriptor that is no kqueue.
fn not_a_kqueue(call: &mut Call<'_>, fd: i32) -> Errno {
    const F_GETFD: u64 = 1;
    match call.host(SYS_fcntl, [fd as u64, F_GETFD, 0, 0, 0, 0]) {
        Ok(_) => Errno::EINVAL,
        Err(_) => Errno::EBADF,
    }
}

/// Registers, changes or removes a knote.
fn apply(call: &mut Call<'_>, queue: &Mutex<Queue>, change: &Kevent) -> SysResult<()> {
    if let Some((what, fatal)) = note::unsupported(change) {
        call.unimplemented(&what);
        if fatal {
            return Err(Errno::EINVAL);
        }
    }
    let on_descriptor = note::is_on_descriptor(change.filter);
    if on_descriptor && super::capsicum::lacks_event(call, change.ident.0 as i32) {
        return Err(Errno::ENOTCAPABLE);
    }
    let signal = note::counted_signal(change);
    // What FreeBSD has and the host has not: the other direction of a pipe.
    let end = on_descriptor.then(|| pipe::end(call, change.ident.0 as i32));
    let mut queue = locked(queue);
    let (before, number) = (signal.map(|s| queue.counts_signal(s)), signal.unwrap_or(0));
    let result = queue.apply(change, end.flatten().as_ref());
    let after = signal.map(|s| queue.counts_signal(s));
    drop(queue);
    match (before, after) {
        (Some(false), Some(true)) => {
            queues(call)?.signal_notes.fetch_add(1, SeqCst);
            if let Some(signal) = Signal::from_guest(Dialect::FreeBsd, number as u32) {
                call.thread.process.watch_signal(signal, true)?;
            }
        }
        (Some(true), Some(false)) => {
            let queues = queues(call)?;
            release_signals(call, queues, &queues.lock(), vec![number]);
        }
        _ => {}
    }
    result
}

fn wait(
    call: &mut Call<'_>,
    queue: &Mutex<Queue>,
    room: usize,
    timeout: Option<Timespec>,
) -> SysResult<Vec<Kevent>> {
    let timeout = match timeout {
        Some(t) if t.tv_sec.0 < 0 || !(0..1_000_000_000).contains(&t.tv_nsec.0) => {
            return Err(Errno::EINVAL);
        }
        Some(t) => Some(
            (t.tv_sec.0 as u64)
                .saturating_mul(1_000_000_000)
                .saturating_add(t.tv_nsec.0 as u64),
        ),
        None => None,
    };
    let deadline = match timeout {
        None | Some(0) => None,
        Some(ns) => Some(crate::host::monotonic_ns().saturating_add(ns)),
    };
    let mut left = timeout;
    let mut ready = Ready::new(room);
    loop {
        let mut out = Vec::new();
        let epoll = locked(queue).begin_wait(room, &mut out)?;
        if !out.is_empty() {
            // There may be more, but nothing to wait for.
            let found = ready.poll(epoll);
            locked(queue).end_wait(&ready, found?, room, &mut out);
            return Ok(out);
        }
        let found = match left {
            Some(0) => ready.poll(epoll),
            _ => ready.wait(call, epoll, left),
        };
        let closed = locked(queue).end_wait(&ready, *found.as_ref().unwrap_or(&0), room, &mut out);
        match found {
            Err(crate::process::ERESTARTSYS | Errno::EINTR) => {
                // kevent is not made again after a signal, but one that the guest ignores does not end it.
                if !call.thread.pass_over_ignored() {
                    return Err(Errno::EINTR);
                }
            }
            Err(_) if closed => return Err(Errno::EBADF),
            Err(e) => return Err(e),
            Ok(_) if closed => return Err(Errno::EBADF),
            Ok(_) => {}
        }
        if !out.is_empty() {
            return Ok(out);
        }
        if left == Some(0) {
            return Ok(out);
        }
        left = deadline.map(|d| d.saturating_sub(crate::host::monotonic_ns()));
    }
}
