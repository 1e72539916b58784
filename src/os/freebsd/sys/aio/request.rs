//! Requests, and the lists of them: what the kernel keeps of a process's asynchronous input and output (`kern/vfs_aio.c`).

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use super::notice::Notice;
use crate::abi::Errno;
use crate::host::fd::OwnFd;
use crate::host::nr::{SYS_fcntl, SYS_futex};
use crate::host::syscall;
use crate::process::Process;

/// Requests that a process may have queued (`vfs.aio.max_aio_queue_per_proc`).
pub(in crate::os::freebsd) const MOST: usize = 256;

/// What a request does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    Read,
    Write,
    /// Flag: only the data.
    Sync(bool),
    Lock,
}

/// How far a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It may be started, once those it comes after are done and, on a socket, something is to be had.
    Queued,
    /// A thread of the emulator is at it: too late to cancel it.
    Running,
    /// It has a result, which nobody has asked for yet.
    Done,
}

/// One request.
pub(super) struct Request {
    pub id: u64,
    /// Guest address of its `struct aiocb`, by which the guest names it.
    pub at: u64,
    pub operation: Operation,
    /// The guest's descriptor.
    pub fd: i32,
    /// What it was made for, once the guest has closed the descriptor.
    pub kept: Option<OwnFd>,
    pub is_socket: bool,
    pub offset: i64,
    /// `struct iovec[]` of the host.
    pub vectors: Vec<[u64; 2]>,
    /// The same memory by guest addresses.
    pub ranges: Vec<(u64, u64)>,
    /// Requests on the same descriptor that come before it: it is a sync.
    pub after: Vec<u64>,
    pub notice: Notice,
    pub list: Option<u64>,
    pub stage: Stage,
    /// Bytes that a write to a socket has moved so far.
    pub moved: u64,
    pub result: Result<u64, Errno>,
}

impl Request {
    /// So many bytes more have been moved; whether there are more to move.
    pub fn advance(&mut self, mut bytes: u64) -> bool {
        self.moved += bytes;
        for [base, len] in &mut self.vectors {
            let step = bytes.min(*len);
            (*base, *len) = (*base + step, *len - step);
            bytes -= step;
        }
        self.vectors.iter().any(|[_, len]| *len != 0)
    }

    /// The descriptor to use now.
    pub fn descriptor(&self) -> i32 {
        self.kept.as_ref().map_or(self.fd, OwnFd::number)
    }

    /// Whether the guest's descriptor of that number is still what it is about.
    fn uses(&self, range: &std::ops::RangeInclusive<i32>) -> bool {
        self.stage != Stage::Done
            && self.kept.is_none()
            && self.operation != Operation::Lock
            && range.contains(&self.fd)
    }
}

/// What one `lio_listio` has asked for.
pub(super) struct List {
    /// Requests of it that there are, one more while it is being made; and how many are done.
    pub count: usize,
    pub done: usize,
    pub notice: Notice,
    told: bool,
}

/// Everything that is under the lock.
#[derive(Default)]
pub(super) struct State {
    /// Whether the process has used any of the calls.
    pub used: bool,
    /// Number of the last request or list.
    pub last: u64,
    /// In the order in which they were made.
    pub requests: Vec<Request>,
    /// Done, in the order in which they became so.
    pub done: VecDeque<u64>,
    pub lists: HashMap<u64, List>,
    /// Threads for files, and those of them that have nothing to do.
    pub workers: usize,
    pub idle: usize,
    /// Whether there is a thread for sockets, and what wakes it.
    pub watched: bool,
    pub wake: Option<OwnFd>,
    /// No request is to be started: the process is about to end, or to execute a program.
    pub halted: bool,
}

/// A process's requests.
#[derive(Default)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// Something is to be done by a thread for files.
    pub work: Condvar,
    /// A request that was running is not any more.
    pub settled: Condvar,
    /// Counts requests that are done: guest threads wait for it to change.
    pub finished: AtomicU32,
}

impl Shared {
    pub fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes the guest threads that wait for a request to be done.
    pub fn wake_waiters(&self) {
        const WAKE_PRIVATE: u64 = 1 | 0x80;
        self.finished.fetch_add(1, SeqCst);
        let at = self.finished.as_ptr() as u64;
        let _ = syscall(SYS_futex, [at, WAKE_PRIVATE, i32::MAX as u64, 0, 0, 0]);
    }

    /// A request has come to its end: tells whom it was to tell.
    pub fn finish(
        &self,
        state: &mut State,
        process: &Arc<Process>,
        id: u64,
        result: Result<u64, Errno>,
    ) {
        let Some(request) = state.requests.iter_mut().find(|r| r.id == id) else {
            return;
        };
        request.stage = Stage::Done;
        request.result = result;
        request.kept = None;
        state.done.push_back(id);
        request.notice.tell(process, result.err());
        if let Some(list) = request.list.and_then(|l| state.lists.get_mut(&l)) {
            list.done += 1;
            list.settle(process);
        }
        for other in &mut state.requests {
            other.after.retain(|&before| before != id);
        }
        self.wake_waiters();
        self.settled.notify_all();
        // A sync may have waited for it.
        self.work.notify_one();
    }
}

impl List {
    pub fn new(notice: Notice) -> List {
        List {
            count: 1,
            done: 0,
            notice,
            told: false,
        }
    }

    /// Tells that all are done, once.
    pub fn settle(&mut self, process: &Arc<Process>) {
        if self.done == self.count && !self.told {
            self.told = true;
            self.notice.tell(process, None);
        }
    }
}

impl State {
    /// The first request for files that may be started.
    pub fn startable(&self) -> Option<usize> {
        if self.halted {
            return None;
        }
        self.requests
            .iter()
            .position(|r| r.stage == Stage::Queued && !r.is_socket && r.after.is_empty())
    }

    /// The sockets to watch: the first request of each direction of each.
    pub fn to_watch(&self) -> Vec<u64> {
        let mut seen = Vec::new();
        let mut out = Vec::new();
        for r in &self.requests {
            let key = (r.descriptor(), r.operation == Operation::Read);
            if r.is_socket && r.stage != Stage::Done && !seen.contains(&key) {
                seen.push(key);
                if r.stage == Stage::Queued && !self.halted {
                    out.push(r.id);
                }
            }
        }
        out
    }

    pub fn find(&mut self, id: u64) -> Option<&mut Request> {
        self.requests.iter_mut().find(|r| r.id == id)
    }

    /// Takes a request that is done off the books.
    pub fn release(&mut self, id: u64) -> Option<Request> {
        let at = self.requests.iter().position(|r| r.id == id)?;
        let mut request = self.requests.remove(at);
        self.done.retain(|&d| d != id);
        request.notice.withdraw();
        if let Some(list) = request.list.and_then(|l| self.lists.get_mut(&l)) {
            list.count -= 1;
            list.done -= 1;
        }
        self.release_list(request.list);
        Some(request)
    }

    /// Takes a request off the books that has not been begun.
    pub fn withdraw(&mut self, id: u64) {
        let Some(at) = self.requests.iter().position(|r| r.id == id) else {
            return;
        };
        let mut request = self.requests.remove(at);
        request.notice.withdraw();
        if let Some(list) = request.list.and_then(|l| self.lists.get_mut(&l)) {
            list.count -= 1;
        }
    }

    /// Takes a list off the books that has no requests any more.
    pub fn release_list(&mut self, id: Option<u64>) {
        if let Some(id) = id
            && self.lists.get(&id).is_some_and(|l| l.count == 0)
            && let Some(mut list) = self.lists.remove(&id)
        {
            list.notice.withdraw();
        }
    }

    /// In the child of a fork, which has none of its parent's requests and none of its threads.
    pub fn forked(&mut self) {
        *self = State::default();
    }
}

/// The guest is about to close descriptors: what is under way on one ends first, what has not begun keeps the file.
pub(super) fn closing(shared: &Shared, range: &std::ops::RangeInclusive<i32>) {
    let mut state = shared.lock();
    while state
        .requests
        .iter()
        .any(|r| r.stage == Stage::Running && r.uses(range))
    {
        state = shared
            .settled
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
    for request in state.requests.iter_mut().filter(|r| r.uses(range)) {
        const F_DUPFD_CLOEXEC: u64 = 1030;
        let args = [request.fd as u64, F_DUPFD_CLOEXEC, 0, 0, 0, 0];
        request.kept = OwnFd::open(SYS_fcntl, args).ok();
        if request.kept.is_none() {
            // It will find no file.
            request.fd = -1;
        }
    }
}

/// Waits until no request is under way, and lets none begin, so that one that has been begun is not cut short.
pub(super) fn halt(shared: &Shared) {
    let mut state = shared.lock();
    state.halted = true;
    while state.requests.iter().any(|r| r.stage == Stage::Running) {
        state = shared
            .settled
            .wait(state)
            .unwrap_or_else(PoisonError::into_inner);
    }
}
