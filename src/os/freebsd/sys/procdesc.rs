//! Process descriptors: `pdfork` and its like (`sys/procdesc.h`), over the host's pidfds.
//!
//! The process of a descriptor ends with the last descriptor for it: those that this process has are known here.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd;
use crate::os::{
    Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use crate::process::Forked;

crate::syscalls! {
    pdfork(fdp: ints_of(Dir::Out, Kind::I32, Show::Fd, 1), flags: HEX) -> NUM, Partial("wait calls for any child find it, and SIGCHLD tells of it; exec closes it"), Handler(create);
    pdkill(fd: FD, signum: SIGNAL) -> NUM, Full, Handler(kill);
    pdgetpid(fd: FD, pidp: ints(Dir::Out, 1)) -> NUM, Full, Handler(id);
}

const PD_DAEMON: u64 = 1;
const PD_CLOEXEC: u64 = 0x10_0000;

/// Descriptors of processes that end with them: process ids by descriptor.
#[derive(Default)]
pub struct Descriptors(Mutex<HashMap<i32, i32>>);

fn with<R: Default>(call: &Call<'_>, action: impl FnOnce(&mut HashMap<i32, i32>) -> R) -> R {
    match freebsd::of(call.thread) {
        Some(os) => action(
            &mut os
                .descriptors
                .0
                .lock()
                .unwrap_or_else(PoisonError::into_inner),
        ),
        None => R::default(),
    }
}

fn create(call: &mut Call<'_>) -> SysResult {
    let flags = call.arg(1);
    if flags & !(PD_DAEMON | PD_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    // Nobody is born if its descriptor cannot be told.
    call.write_int(call.arg(0), Kind::I32, 0)?;
    match call.thread.fork()? {
        Forked::Parent(pid) => {
            // The host's descriptors of processes are always closed by exec.
            let fd = call.host(SYS_pidfd_open, [pid as u64, 0, 0, 0, 0, 0])?;
            call.write_int(call.arg(0), Kind::I32, fd)?;
            if flags & PD_DAEMON == 0 {
                with(call, |all| all.insert(fd as i32, pid));
            }
            Ok(pid as u64)
        }
        Forked::Child => {
            super::process::become_child(call);
            Ok(0)
        }
    }
}

/// The child of a fork has its parent's descriptors, but it is the parent's that count.
pub(super) fn forked(call: &Call<'_>) {
    with(call, HashMap::clear);
}

/// `new` is another descriptor for what `old` is.
pub(super) fn copied(call: &Call<'_>, old: i32, new: i32) {
    with(call, |all| {
        if let Some(&pid) = all.get(&old) {
            all.insert(new, pid);
        }
    });
}

/// Descriptors from `first` to `last` have been closed: processes that have none left end.
pub(super) fn closed(call: &mut Call<'_>, first: i32, last: i32) {
    const SIGKILL: u64 = 9;
    let ended: Vec<i32> = with(call, |all| {
        let gone: Vec<i32> = all
            .extract_if(|fd, _| (first..=last).contains(fd))
            .map(|(_, pid)| pid)
            .collect();
        gone.into_iter()
            .filter(|pid| !all.values().any(|other| other == pid))
            .collect()
    });
    for pid in ended {
        // A child that has ended, and nobody has waited for, keeps its id.
        let _ = call.host(SYS_kill, [pid as u64, SIGKILL, 0, 0, 0, 0]);
    }
}

/// The process behind a descriptor.
fn process_of(call: &mut Call<'_>, fd: u64) -> SysResult<i32> {
    const F_GETFD: u64 = 1;
    call.host(SYS_fcntl, [fd, F_GETFD, 0, 0, 0, 0])?;
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd as i32));
    let info = info.map_err(|_| Errno::EBADF)?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    // A descriptor of something else has none: FreeBSD's error for that.
    pid.and_then(|pid| pid.trim().parse().ok())
        .ok_or(Errno::EINVAL)
}

fn kill(call: &mut Call<'_>) -> SysResult {
    process_of(call, call.arg(0))?;
    let signal = call.host_flags(1);
    let args = [call.arg(0), signal, 0, 0, 0, 0];
    call.host(SYS_pidfd_send_signal, args)
}

fn id(call: &mut Call<'_>) -> SysResult {
    match process_of(call, call.arg(0))? {
        // It has ended and was waited for.
        pid if pid < 0 => Err(Errno::ESRCH),
        pid => {
            call.write_int(call.arg(1), Kind::I32, pid as u64)?;
            Ok(0)
        }
    }
}
