//! The threads of the emulator that carry requests out: as many as there is work for files, one for all sockets.
//!
//! They run no guest code and block all signals. The host's kernel reads and writes the guest's memory directly; as on FreeBSD a
//! range that is not there by then is EFAULT.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::request::{Operation, Shared, Stage, State};
use crate::abi::{Errno, Signal, SysResult};
use crate::host::fd::OwnFd;
use crate::host::nr::*;
use crate::host::{pid, syscall};
use crate::process::Process;

/// Threads for files (`vfs.aio.max_aio_per_proc`).
const MOST_WORKERS: usize = 32;

/// How long one waits for more to do.
const PATIENCE: Duration = Duration::from_secs(5);

/// Has somebody look at the requests.
pub(super) fn kick(shared: &Arc<Shared>, state: &mut State, process: &Arc<Process>) {
    if state.startable().is_some() {
        if state.idle > 0 {
            shared.work.notify_one();
        } else if state.workers < MOST_WORKERS {
            let (own, owner) = (shared.clone(), process.clone());
            if process.spawn_helper("aio", move || work(&own, &owner)) {
                state.workers += 1;
            }
        }
    }
    let sockets = state.to_watch();
    if sockets.is_empty() {
        return;
    }
    if state.wake.is_none() {
        const CLOEXEC_NONBLOCK: u64 = 0x8_0800;
        state.wake = OwnFd::open(SYS_eventfd2, [0, CLOEXEC_NONBLOCK, 0, 0, 0, 0]).ok();
    }
    if state.watched {
        wake(state);
    } else {
        let (own, owner) = (shared.clone(), process.clone());
        state.watched = process.spawn_helper("aio sockets", move || watch(&own, &owner));
    }
}

/// Has the thread for sockets look again at what there is to watch.
pub(super) fn wake(state: &State) {
    if let Some(wake) = &state.wake {
        let one = 1u64.to_le_bytes();
        let args = [wake.number() as u64, one.as_ptr() as u64, 8, 0, 0, 0];
        let _ = syscall(SYS_write, args);
    }
}

fn work(shared: &Arc<Shared>, process: &Arc<Process>) {
    let mut state = shared.lock();
    loop {
        let Some(at) = state.startable() else {
            state.idle += 1;
            let (back, waited) = shared
                .work
                .wait_timeout(state, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            state = back;
            state.idle -= 1;
            if waited.timed_out() && state.startable().is_none() {
                state.workers -= 1;
                return;
            }
            continue;
        };
        let request = &mut state.requests[at];
        request.stage = Stage::Running;
        let (id, fd, operation) = (request.id, request.descriptor() as u64, request.operation);
        let (vectors, offset) = (request.vectors.clone(), request.offset as u64);
        // Another one may be startable, too.
        kick(shared, &mut state, process);
        drop(state);
        let (at, count) = (vectors.as_ptr() as u64, vectors.len() as u64);
        let result = match operation {
            Operation::Read => syscall(SYS_preadv, [fd, at, count, offset, 0, 0]),
            Operation::Write => syscall(SYS_pwritev, [fd, at, count, offset, 0, 0]),
            Operation::Sync(true) => syscall(SYS_fdatasync, [fd, 0, 0, 0, 0, 0]),
            Operation::Sync(false) => syscall(SYS_fsync, [fd, 0, 0, 0, 0, 0]),
            Operation::Lock => vectors.iter().try_fold(0, |_, [base, len]| {
                syscall(SYS_mlock, [*base, *len, 0, 0, 0, 0])
            }),
        };
        state = shared.lock();
        shared.finish(&mut state, process, id, result);
    }
}

/// Waits for sockets, and serves the first request of each direction of each.
fn watch(shared: &Arc<Shared>, process: &Arc<Process>) {
    const POLLIN: u32 = 1;
    const POLLOUT: u32 = 4;
    let mut state = shared.lock();
    loop {
        let ids = state.to_watch();
        let Some(wake) = state.wake.as_ref().filter(|_| !ids.is_empty()) else {
            state.watched = false;
            return;
        };
        // struct pollfd: descriptor, events in the lower half of the second word.
        let mut polled = vec![[wake.number() as u32, POLLIN]];
        for &id in &ids {
            if let Some(r) = state.find(id) {
                let wanted = if r.operation == Operation::Read {
                    POLLIN
                } else {
                    POLLOUT
                };
                polled.push([r.descriptor() as u32, wanted]);
            }
        }
        drop(state);
        let args = [polled.as_mut_ptr() as u64, polled.len() as u64, 0, 0, 8, 0];
        let _ = syscall(SYS_ppoll, args);
        state = shared.lock();
        let ready = |n: usize| polled[n][1] >> 16 != 0;
        if ready(0)
            && let Some(wake) = &state.wake
        {
            let mut count = [0u8; 8];
            let args = [wake.number() as u64, count.as_mut_ptr() as u64, 8, 0, 0, 0];
            let _ = syscall(SYS_read, args);
        }
        for (n, &id) in ids.iter().enumerate() {
            if ready(n + 1) {
                serve(shared, &mut state, process, id);
            }
        }
    }
}

/// Does what can be done for a request on a socket now. It does not wait, so the lock is kept.
fn serve(shared: &Arc<Shared>, state: &mut State, process: &Arc<Process>, id: u64) {
    let Some(request) = state.find(id).filter(|r| r.stage == Stage::Queued) else {
        return;
    };
    let writes = request.operation == Operation::Write;
    let mut result = transfer(request.descriptor(), request.operation, &request.vectors);
    // A write goes on until all is written, unless the socket is not to be waited for.
    if writes && let Ok(bytes) = result {
        result = match request.advance(bytes) {
            true => Err(Errno::EAGAIN),
            false => Ok(request.moved),
        };
    }
    if request.moved != 0
        && result.is_err()
        && (result != Err(Errno::EAGAIN) || is_nonblocking(request.descriptor()))
    {
        result = Ok(request.moved);
    }
    match result {
        Err(Errno::EAGAIN) => {}
        result => {
            let broken = result == Err(Errno::EPIPE) && writes;
            let silent = broken && super::super::net::kept::is_silent_in(process, request.fd);
            shared.finish(state, process, id, result);
            if broken && !silent {
                let signal = u64::from(Signal::SIGPIPE.0);
                let _ = syscall(SYS_kill, [pid() as u64, signal, 0, 0, 0, 0]);
            }
        }
    }
}

fn is_nonblocking(fd: i32) -> bool {
    const F_GETFL: u64 = 3;
    const O_NONBLOCK: u64 = 0x800;
    syscall(SYS_fcntl, [fd as u64, F_GETFL, 0, 0, 0, 0]).is_ok_and(|flags| flags & O_NONBLOCK != 0)
}

fn transfer(fd: i32, operation: Operation, vectors: &[[u64; 2]]) -> SysResult {
    const MSG_DONTWAIT: u64 = 0x40;
    const MSG_NOSIGNAL: u64 = 0x4000;
    // struct msghdr: name, its length, vectors, how many, control messages, their length, flags.
    let mut message = [
        0,
        0,
        vectors.as_ptr() as u64,
        vectors.len() as u64,
        0,
        0,
        0u64,
    ];
    let (number, flags) = match operation {
        Operation::Read => (SYS_recvmsg, MSG_DONTWAIT),
        _ => (SYS_sendmsg, MSG_DONTWAIT | MSG_NOSIGNAL),
    };
    let args = [fd as u64, message.as_mut_ptr() as u64, flags, 0, 0, 0];
    syscall(number, args)
}
