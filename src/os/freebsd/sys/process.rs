//! Processes: creation, end, waiting, identity, limits.

use std::sync::atomic::Ordering::Relaxed;

use super::descriptors::kept_of_descriptors;
use super::own::PerProcess;
use crate::abi::{Dialect, Errno, GuestStruct, Kind, Signal, SysResult};
use crate::host::fd::OwnFd;
use crate::host::nr::*;
use crate::os::freebsd;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{flags as f, isa_of, of};
use crate::os::host_process::ProcStat;
use crate::os::{
    ArgType, Call,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};
use crate::process::{Forked, Outcome, Thread};

crate::syscalls! {
    exit(rval: INT) -> NUM, Full, Handler(end);
    fork() -> NUM, Full, Handler(create);
    vfork() -> NUM, Full, Handler(create_shared);
    rfork(flags: flags(&f::RF)) -> NUM, Partial("without RFMEM, RFPROC needs RFFDG or RFCFDG, and SIGCHLD tells of the end; with RFMEM, the child has no further threads, no aio, and no kqueues but with shared descriptors; after RFNOWAIT it still has this parent by getppid"), Handler(create_by_flags);
    execve(fname: PATH, argv: ArgType::Strings, envv: ArgType::Strings) -> NUM, Full, Handler(|c| replace_program(c, |c| execute(c, None, 0, 0)));
    fexecve(fd: FD, argv: ArgType::Strings, envv: ArgType::Strings) -> NUM, Full, Handler(|c| replace_program(c, execute_open_file));
    getpid() -> NUM, Full, Pass(SYS_getpid);
    getppid() -> NUM, Full, Pass(SYS_getppid);
    getpgrp() -> NUM, Full, Pass(SYS_getpgrp);
    getpgid(pid: INT) -> NUM, Full, Pass(SYS_getpgid);
    setpgid(pid: INT, pgid: INT) -> NUM, Full, Pass(SYS_setpgid);
    getsid(pid: INT) -> NUM, Full, Pass(SYS_getsid);
    setsid() -> NUM, Full, Pass(SYS_setsid);
    __setugid(flag: INT) -> NUM, Stub("ENOSYS, as without REGRESSION in the kernel"), Handler(|_| Err(Errno::ENOSYS));
    getpriority(which: one_of(&f::PRIO), who: INT) -> NUM, Full, Handler(|c| Ok(20u64.wrapping_sub(c.host(SYS_getpriority, [c.arg(0), c.arg(1), 0, 0, 0, 0])?)));
    setpriority(which: one_of(&f::PRIO), who: INT, prio: INT) -> NUM, Full, Pass(SYS_setpriority);
    getrusage(who: one_of(&f::RUSAGE), rusage: output::<Rusage>()) -> NUM, Partial("ru_nsignals counts those of RUSAGE_SELF; ru_msgsnd and ru_msgrcv are 0"), Handler(usage);
    sysarch(op: one_of(&f::SYSARCH), parms: ADDR) -> NUM, Full, Handler(|c| (isa_of(c.thread).sysarch)(c));
}

/// The host's.
const SIGCHLD: u64 = 17;

fn end(call: &mut Call<'_>) -> SysResult {
    super::umtx::process_exit(call);
    super::aio::halt(call);
    call.outcome = Some(Outcome::ExitProcess(call.int(0) & 0xff));
    Ok(0)
}

/// Executes a program: what is being written asynchronously is written first.
fn replace_program(
    call: &mut Call<'_>,
    execute: impl FnOnce(&mut Call<'_>) -> SysResult,
) -> SysResult {
    super::aio::halt(call);
    let failed = execute(call);
    super::aio::go_on(call);
    failed
}

/// The programs that run scripts have names, which there are none of in capability mode.
fn execute_open_file(call: &mut Call<'_>) -> SysResult {
    let fd = call.int(0);
    if super::capsicum::in_mode(call) && is_script(fd) {
        return Err(Errno::ECAPMODE);
    }
    execute_descriptor(call, fd, 1)
}

/// The child shares the memory until it executes a program or ends.
fn create_shared(call: &mut Call<'_>) -> SysResult {
    let process = call.thread.process.clone();
    if let Some(os) = freebsd::of_process(&process)
        && os.tracee.lends_memory(call.thread)
    {
        return create_for_tracer(call, os);
    }
    let parent = crate::host::pid();
    let pid = call
        .thread
        .vfork(SIGCHLD, |thread| begin_sharer(thread, parent))?;
    settle(call, pid);
    if let Some(os) = of(call.thread) {
        sharer_gone(os, pid);
    }
    Ok(parent_of(call, pid))
}

/// In a process that shares the memory of `parent`, before it runs.
fn begin_sharer(thread: &mut Thread, parent: i32) {
    let isa = isa_of(thread);
    super::kqueue::relatives::born(parent);
    super::kqueue::relatives::forked(parent, crate::host::pid());
    (isa.set_result)(&mut thread.cpu, isa.fork_result);
}

/// A child that has ended rather than executed a program can be waited for when the call returns (posix_spawn(3) does so without
/// waiting); the host's kernel lets its parent go on a moment before.
fn settle(call: &mut Call<'_>, pid: i32) {
    /// Field of the flags in proc(5), and the one that a process has from the beginning of its end on.
    const FLAGS: usize = 9;
    const PF_EXITING: i64 = 4;
    const P_PID: u64 = 1;
    /// WEXITED | WNOWAIT
    const ENDED_LEFT: u64 = 0x100_0004;
    let stat = ProcStat::read(&format!("/proc/{pid}/stat"));
    if stat.is_some_and(|s| s.number(FLAGS) & PF_EXITING != 0) {
        let args = [P_PID, pid as u64, 0, ENDED_LEFT, 0, 0];
        // Whoever ignores SIGCHLD has no child any more: that is no error here.
        let _ = call.host(SYS_waitid, args);
    }
}

/// The child has memory of its own, which its parent does not see: its tracer stops it before it executes a program.
fn create_for_tracer(call: &mut Call<'_>, os: &freebsd::FreeBsd) -> SysResult {
    let (end, childs) = OwnFd::pipe()?;
    let child = create(call)?;
    if child == 0 {
        os.tracee.borrows_memory(childs);
    } else {
        os.tracee.lent_memory(call.thread, end);
    }
    Ok(child)
}

/// What is kept for a process beside its descriptors.
fn kept_of_itself(os: &freebsd::FreeBsd) -> [&dyn PerProcess; 3] {
    [&os.capabilities.mode, &os.limits.0, &os.login.0]
}

/// All that is kept for a process.
fn kept_of(os: &freebsd::FreeBsd) -> impl Iterator<Item = &dyn PerProcess> {
    let descriptors = kept_of_descriptors(os);
    kept_of_itself(os).into_iter().chain(descriptors)
}

/// What the parent of a fork is told: the child, and 0 as the second result, which on MIPS tells it from the child.
pub(super) fn parent_of(call: &mut Call<'_>, child: i32) -> u64 {
    if let Some(os) = of(call.thread) {
        os.descriptors.born(child);
    }
    call.outcome = Some(Outcome::ReturnPair(child as u64, 0));
    child as u64
}

/// What the child of a fork is told, and what it does not have of its parent.
pub(super) fn become_child(call: &mut Call<'_>, parent: i32) {
    super::kqueue::relatives::born(parent);
    super::kqueue::forked(call);
    super::umtx::forked(call);
    super::procdesc::forked(call);
    super::mem::forked(call);
    super::mem::forget_wired(call);
    if let Some(os) = of(call.thread) {
        os.signals.store(0, Relaxed);
        kept_of(os).for_each(|kept| kept.forked(parent));
    }
    if let crate::os::freebsd::isa::CallResult::Pair(first, second) =
        isa_of(call.thread).fork_result
    {
        call.outcome = Some(Outcome::ReturnPair(first, second));
    }
}

fn create(call: &mut Call<'_>) -> SysResult {
    let parent = crate::host::pid();
    match call.thread.fork()? {
        Forked::Parent(pid) => {
            super::kqueue::relatives::forked(parent, pid);
            Ok(parent_of(call, pid))
        }
        Forked::Child => {
            become_child(call, parent);
            Ok(0)
        }
    }
}

// sys/unistd.h
const RFFDG: u64 = 1 << 2;
const RFPROC: u64 = 1 << 4;
const RFMEM: u64 = 1 << 5;
const RFNOWAIT: u64 = 1 << 6;
const RFCFDG: u64 = 1 << 12;
const RFTHREAD: u64 = 1 << 13;
const RFSIGSHARE: u64 = 1 << 14;
const RFLINUXTHPN: u64 = 1 << 16;
const RFTSIGZMB: u64 = 1 << 19;
const RFTSIGFLAGS: u64 = 0xff << 20;
const RFSPAWN: u64 = 1 << 31;
const RFFLAGS: u64 = RFFDG
    | RFPROC
    | RFMEM
    | RFNOWAIT
    | RFCFDG
    | RFTHREAD
    | RFSIGSHARE
    | RFLINUXTHPN
    | RFTSIGZMB
    | RFTSIGFLAGS
    | RFSPAWN;

fn create_by_flags(call: &mut Call<'_>) -> SysResult {
    let flags = call.arg(0) & 0xffff_ffff;
    match flags {
        _ if flags & (RFFDG | RFCFDG) == RFFDG | RFCFDG => Err(Errno::EINVAL),
        _ if flags & !RFFLAGS != 0
            || flags & RFSPAWN != 0 && flags != RFSPAWN
            || flags & RFTSIGFLAGS != 0 && flags & RFTSIGZMB == 0 =>
        {
            Err(Errno::EINVAL)
        }
        // No process is made; this one has memory and descriptors of its own.
        _ if flags & (RFPROC | RFSPAWN) == 0 => match flags & RFCFDG {
            0 => Ok(0),
            _ => close_all(call),
        },
        _ if [RFFDG | RFPROC, RFCFDG | RFPROC].contains(&(flags & !RFNOWAIT)) => {
            let child = create(call)?;
            match child {
                0 if flags & RFCFDG != 0 => return close_all(call),
                1.. if flags & RFNOWAIT != 0 => super::procdesc::give_away(call, child as i32),
                _ => {}
            }
            Ok(child)
        }
        // posix_spawn's: vfork with the caught signals reset, which exec does anyway.
        RFSPAWN => create_shared(call),
        _ if flags & RFMEM != 0 => create_sharer(call, flags),
        _ => {
            call.unimplemented(&format!("flags {flags:#x}"));
            Err(Errno::EINVAL)
        }
    }
}

/// The host's number of the signal that tells a parent of the end of a child; 0 for none. `None`: one that the host lacks.
fn end_signal(flags: u64) -> Option<u64> {
    const SIGUSR1: u64 = 10;
    match flags {
        _ if flags & RFTSIGZMB != 0 => match (flags & RFTSIGFLAGS) >> 20 {
            0 => Some(0),
            number => Signal::from_guest(Dialect::FreeBsd, number as u32)
                .filter(|signal| signal.0 <= 64)
                .map(|signal| signal.0.into()),
        },
        _ if flags & RFLINUXTHPN != 0 => Some(SIGUSR1),
        _ => Some(SIGCHLD),
    }
}

/// The child shares the memory for good.
fn create_sharer(call: &mut Call<'_>, flags: u64) -> SysResult {
    const CLONE_FILES: u64 = 0x400;
    const CLONE_SIGHAND: u64 = 0x800;
    let shares_files = flags & (RFFDG | RFCFDG) == 0;
    let refuse = |call: &Call<'_>, what: &str| {
        call.unimplemented(what);
        Err(Errno::EINVAL)
    };
    if shares_files && call.thread.handle.has_own_files() {
        let what = "descriptors that a process shares whose memory is another's";
        return refuse(call, what);
    }
    if flags & RFTHREAD != 0 && call.thread.is_vfork_child() {
        return refuse(call, "RFTHREAD from a process whose memory is another's");
    }
    let Some(mut how) = end_signal(flags) else {
        return refuse(call, "RFTSIGNUM of a signal from 96 on");
    };
    if shares_files {
        how |= CLONE_FILES;
    }
    if flags & RFSIGSHARE != 0 {
        how |= CLONE_SIGHAND;
    }
    let parent = crate::host::pid();
    let begin = move |thread: &mut Thread| {
        begin_sharer(thread, parent);
        if flags & RFTHREAD != 0 {
            end_with_parent();
        }
        if let Some(os) = of(thread) {
            kept_of_itself(os)
                .into_iter()
                .for_each(|kept| kept.split(parent));
            if !shares_files {
                kept_of_descriptors(os)
                    .into_iter()
                    .for_each(|kept| kept.split(parent));
                super::kqueue::shared(os);
            }
        }
        if flags & RFCFDG != 0 {
            super::descriptors::begin_without(thread);
        }
    };
    let pid = call.thread.share_memory(how, begin, |process, child| {
        if let Some(os) = freebsd::of_process(process) {
            sharer_gone(os, child);
        }
    })?;
    if flags & RFNOWAIT != 0 {
        super::procdesc::give_away(call, pid);
    }
    Ok(parent_of(call, pid))
}

/// This process ends when the one does that has made it, as the peers of a leader do ([`RFTHREAD`]).
fn end_with_parent() {
    const PR_SET_PDEATHSIG: u64 = 1;
    const SIGKILL: u64 = 9;
    let _ = crate::host::syscall(SYS_prctl, [PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0, 0]);
}

/// A process that shared the memory has ended or executed a program.
fn sharer_gone(os: &freebsd::FreeBsd, child: i32) {
    kept_of(os).for_each(|kept| kept.vfork_done(child));
}

fn close_all(call: &mut Call<'_>) -> SysResult {
    super::descriptors::close_range(call, 0, u32::MAX.into(), 0)
}

/// The host counts no signals.
fn usage(call: &mut Call<'_>) -> SysResult {
    const RUSAGE_SELF: i32 = 0;
    pass(call, SYS_getrusage, false)?;
    let at = Rusage::DESC.offset(call.abi, "ru_nsignals").unwrap_or(0) as u64;
    let signals = of(call.thread).map_or(0, |os| os.signals.load(Relaxed));
    if call.int(0) == RUSAGE_SELF {
        call.write_int(call.arg(1).wrapping_add(at), Kind::Long, signals)?;
    }
    Ok(0)
}
