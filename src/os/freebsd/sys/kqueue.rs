//! `kqueue` and `kevent` (FreeBSD `kqueue(2)`, `sys/event.h`).
//!
//! A guest's kqueue descriptor is a host epoll descriptor, so that it can be polled, nested in another one and closed as any
//! other. Every knote has a source of its own in it: the guest's descriptor, or a timerfd, eventfd, inotify or pidfd of ours.
//! The knotes are kept here, by identifier and filter.

mod note;

use std::collections::HashMap;
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::{Errno, GuestStruct, GuestValue, Long, SysResult, Ulong};
use crate::host::nr::*;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{self, flags as f};
use crate::os::{
    ArgType, Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use note::Knote;

const LIMITS: &str = "EVFILT_AIO, LIO, SIGNAL, FS, SENDFILE, EMPTY; of EVFILT_PROC only NOTE_EXIT";

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
pub(super) mod ev {
    pub const ADD: u16 = 1;
    pub const DELETE: u16 = 2;
    pub const ENABLE: u16 = 4;
    pub const DISABLE: u16 = 8;
    pub const ONESHOT: u16 = 0x10;
    pub const CLEAR: u16 = 0x20;
    pub const RECEIPT: u16 = 0x40;
    pub const DISPATCH: u16 = 0x80;
    pub const KEEPUDATA: u16 = 0x200;
    pub const ERROR: u16 = 0x4000;
    pub const EOF: u16 = 0x8000;
}

/// Events that are handed over in one go: a guest that has room for more calls again.
const MOST_EVENTS: usize = 1024;

/// Changes in one call at most: an absurd number is an error before memory is taken for it.
const MOST_CHANGES: u64 = 1 << 16;

/// The kqueues of a process, by descriptor.
#[derive(Default)]
pub struct Kqueues(Mutex<HashMap<i32, Kqueue>>);

impl Kqueues {
    fn lock(&self) -> MutexGuard<'_, HashMap<i32, Kqueue>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One kqueue.
#[derive(Default)]
struct Kqueue {
    notes: HashMap<u64, Knote>,
    /// The knote of an identifier and a filter.
    index: HashMap<(u64, i16), u64>,
    /// Number of the last knote: what its source is registered with.
    last: u64,
}

fn queues<'a>(call: &'a Call<'_>) -> SysResult<&'a Kqueues> {
    freebsd::of(call.thread)
        .map(|os| &os.kqueues)
        .ok_or(Errno::ENOSYS)
}

fn create(call: &mut Call<'_>, flags: u64) -> SysResult {
    const KQUEUE_CLOEXEC: u64 = 1;
    const EPOLL_CLOEXEC: u64 = 0x80000;
    if flags & !KQUEUE_CLOEXEC != 0 {
        return Err(Errno::EINVAL);
    }
    let host = if flags != 0 { EPOLL_CLOEXEC } else { 0 };
    let fd = call.host(SYS_epoll_create1, [host, 0, 0, 0, 0, 0])?;
    queues(call)?.lock().insert(fd as i32, Kqueue::default());
    Ok(fd)
}

/// A guest's descriptor is about to be closed: the knotes on it go, and the kqueue that it is.
pub(super) fn closed(call: &Call<'_>, fd: i32) {
    closed_range(call, fd, fd);
}

/// Likewise for all from `first` to `last`.
pub(super) fn closed_range(call: &Call<'_>, first: i32, last: i32) {
    // The child of a vfork shares the parent's, but closes descriptors of its own.
    if call.thread.is_vfork_child() {
        return;
    }
    let Ok(queues) = queues(call) else { return };
    let mut queues = queues.lock();
    if queues.is_empty() {
        return;
    }
    queues.retain(|fd, _| !(first..=last).contains(fd));
    for (&epoll, queue) in queues.iter_mut() {
        queue.remove_if(epoll, |note| {
            note.is_on_descriptor() && (first..=last).contains(&(note.ident as i32))
        });
    }
}

/// The child of a fork has none of the parent's kqueues.
pub(super) fn forked(call: &Call<'_>) {
    if let Ok(queues) = queues(call) {
        for (fd, _) in queues.lock().drain() {
            let _ = crate::host::syscall(SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
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
    if count < 0 || room < 0 || count as u64 > MOST_CHANGES {
        return Err(Errno::EINVAL);
    }
    if !queues(call)?.lock().contains_key(&kq) {
        return Err(not_a_kqueue(call, kq));
    }
    let room = (room as usize).min(MOST_EVENTS);
    let timeout = call.read_optional::<Timespec>(call.arg(5))?;
    if timeout.is_some_and(|t| t.tv_sec.0 < 0 || !(0..1_000_000_000).contains(&t.tv_nsec.0)) {
        return Err(Errno::EINVAL);
    }
    let size = T::DESC.size(call.abi) as u64;
    let mut out: Vec<Kevent> = Vec::new();
    for n in 0..count as u64 {
        let change = call
            .read_struct::<T>(changes.wrapping_add(n * size))?
            .into_kevent();
        let result = apply(call, kq, &change);
        if result.is_ok() && change.flags & ev::RECEIPT == 0 {
            continue;
        }
        let errno = result.err();
        if out.len() >= room {
            match errno {
                Some(e) => return Err(e),
                None => continue,
            }
        }
        out.push(Kevent {
            flags: ev::ERROR,
            data: errno.map_or(0, |e| e.to_guest(call.abi.dialect)).into(),
            ..change
        });
    }
    // Errors and receipts are told at once.
    if out.is_empty() && room > 0 {
        out = wait(call, kq, room, timeout)?;
    }
    for (n, event) in out.iter().enumerate() {
        call.write_struct(list.wrapping_add(n as u64 * size), &T::from_kevent(event))?;
    }
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
fn apply(call: &mut Call<'_>, kq: i32, change: &Kevent) -> SysResult<()> {
    if let Some(what) = note::unsupported(change) {
        call.unimplemented(&what);
        return Err(Errno::EINVAL);
    }
    let mut all = queues(call)?.lock();
    let queue = all.get_mut(&kq).ok_or(Errno::EBADF)?;
    let key = (change.ident.0, change.filter);
    let found = queue.index.get(&key).copied();
    if change.flags & ev::ADD == 0 {
        let id = found.ok_or(Errno::ENOENT)?;
        if change.flags & ev::DELETE != 0 {
            queue.remove(kq, id);
            return Ok(());
        }
        let note = queue.notes.get_mut(&id).ok_or(Errno::ENOENT)?;
        note.touch(change)?;
        return note.enable_as(kq, id, change.flags);
    }
    if let Some(id) = found {
        let note = queue.notes.get_mut(&id).ok_or(Errno::ENOENT)?;
        note.update(kq, id, change)?;
        return note.enable_as(kq, id, change.flags | ev::ENABLE);
    }
    queue.last += 1;
    let id = queue.last;
    let mut note = Knote::new(change)?;
    note.enable_as(kq, id, change.flags | ev::ENABLE)?;
    queue.index.insert(key, id);
    queue.notes.insert(id, note);
    Ok(())
}

impl Kqueue {
    fn remove(&mut self, epoll: i32, id: u64) {
        if let Some(mut note) = self.notes.remove(&id) {
            note.disable(epoll);
            self.index.remove(&(note.ident, note.filter));
        }
    }

    fn remove_if(&mut self, epoll: i32, which: impl Fn(&Knote) -> bool) {
        let gone: Vec<u64> = self
            .notes
            .iter()
            .filter(|(_, note)| which(note))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove(epoll, id);
        }
    }

    /// Turns what epoll says into events, at most `room`.
    fn collect(&mut self, epoll: i32, room: usize) -> SysResult<Vec<Kevent>> {
        // struct epoll_event of x86-64: packed.
        let mut raw = vec![[0u8; 12]; room];
        let args = [epoll as u64, raw.as_mut_ptr() as u64, room as u64, 0, 0, 0];
        let n = crate::host::syscall(SYS_epoll_wait, args)?;
        let mut out = Vec::new();
        for event in raw.iter().take(n as usize) {
            let mut bits = [0; 4];
            bits.copy_from_slice(&event[..4]);
            let mut id = [0; 8];
            id.copy_from_slice(&event[4..]);
            let id = u64::from_le_bytes(id);
            let Some(note) = self.notes.get_mut(&id) else {
                continue;
            };
            let Some(event) = note.fire(u32::from_le_bytes(bits)) else {
                continue;
            };
            if note.flags & ev::ONESHOT != 0 || note.is_spent() {
                self.remove(epoll, id);
            } else if note.flags & ev::DISPATCH != 0 {
                note.disable(epoll);
            }
            out.push(event);
        }
        Ok(out)
    }
}

fn wait(
    call: &mut Call<'_>,
    kq: i32,
    room: usize,
    timeout: Option<Timespec>,
) -> SysResult<Vec<Kevent>> {
    let deadline = timeout.map(|t| {
        let ns = (t.tv_sec.0 as u64)
            .saturating_mul(1_000_000_000)
            .saturating_add(t.tv_nsec.0 as u64);
        crate::host::monotonic_ns().saturating_add(ns)
    });
    loop {
        let events = match queues(call)?.lock().get_mut(&kq) {
            Some(queue) => queue.collect(kq, room)?,
            // Closed by another thread meanwhile.
            None => return Err(Errno::EBADF),
        };
        if !events.is_empty() {
            return Ok(events);
        }
        let left = deadline.map(|d| d.saturating_sub(crate::host::monotonic_ns()));
        if left == Some(0) {
            return Ok(events);
        }
        // struct pollfd: descriptor, POLLIN.
        const POLLIN: u64 = 1;
        let mut pollfd = (kq as u32 as u64) | POLLIN << 32;
        let time = left.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
        let args = [
            (&raw mut pollfd) as u64,
            1,
            time.as_ref().map_or(0, |t| t.as_ptr() as u64),
            0,
            8,
            0,
        ];
        // kevent is not restarted after a signal.
        call.host_wait(SYS_ppoll, args).map_err(|e| match e {
            crate::process::ERESTARTSYS => Errno::EINTR,
            e => e,
        })?;
    }
}

/// Registers `fd` in an epoll.
fn epoll_control(epoll: i32, operation: u64, fd: i32, events: u32, id: u64) -> SysResult {
    let mut event = [0u8; 12];
    event[..4].copy_from_slice(&events.to_le_bytes());
    event[4..].copy_from_slice(&id.to_le_bytes());
    let args = [
        epoll as u64,
        operation,
        fd as u64,
        event.as_ptr() as u64,
        0,
        0,
    ];
    crate::host::syscall(SYS_epoll_ctl, args)
}
