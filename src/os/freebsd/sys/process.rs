//! Processes: creation, end, waiting, identity, limits.

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::files::text;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{flags as f, isa_of};
use crate::os::{
    ArgType, Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};
use crate::process::{Forked, Outcome};

crate::syscalls! {
    exit(rval: INT) -> NUM, Full, Handler(end);
    fork() -> NUM, Full, Handler(create);
    vfork() -> NUM, Full, Handler(create_shared);
    rfork(flags: HEX) -> NUM, Partial("RFPROC|RFFDG, RFPROC|RFCFDG, RFFDG, RFCFDG, RFSPAWN: no shared descriptors, no RFMEM"), Handler(create_by_flags);
    execve(fname: PATH, argv: ArgType::Strings, envv: ArgType::Strings) -> NUM, Full, Handler(|c| replace_program(c, |c| execute(c, None, 0, 0)));
    fexecve(fd: FD, argv: ArgType::Strings, envv: ArgType::Strings) -> NUM, Full, Handler(|c| replace_program(c, |c| execute_descriptor(c, c.int(0), 1)));
    getpid() -> NUM, Full, Pass(SYS_getpid);
    getppid() -> NUM, Full, Pass(SYS_getppid);
    getpgrp() -> NUM, Full, Pass(SYS_getpgrp);
    getpgid(pid: INT) -> NUM, Full, Pass(SYS_getpgid);
    setpgid(pid: INT, pgid: INT) -> NUM, Full, Pass(SYS_setpgid);
    getsid(pid: INT) -> NUM, Full, Pass(SYS_getsid);
    setsid() -> NUM, Full, Pass(SYS_setsid);
    getdtablesize() -> NUM, Full, Handler(descriptor_limit);
    setlogin(namebuf: STR) -> NUM, Stub("EPERM, as for all but the superuser"), Handler(|_| Err(Errno::EPERM));
    setloginclass(namebuf: STR) -> NUM, Stub("EPERM, as for all but the superuser"), Handler(|_| Err(Errno::EPERM));
    __setugid(flag: INT) -> NUM, Stub("ENOSYS, as without REGRESSION in the kernel"), Handler(|_| Err(Errno::ENOSYS));
    getrlimitusage(which: one_of(&f::RLIMIT), flags: HEX, res: ints_of(Dir::Out, Kind::U64, Show::Dec, 1)) -> NUM, Partial("of the process: RLIMIT_NOFILE and RLIMIT_AS"), Handler(limit_usage);
    getlogin(namebuf: ArgType::Decoded(Dir::Out, text), namelen: UINT) -> NUM, Full, Handler(login_name);
    getpriority(which: one_of(&f::PRIO), who: INT) -> NUM, Full, Handler(|c| Ok(20u64.wrapping_sub(c.host(SYS_getpriority, [c.arg(0), c.arg(1), 0, 0, 0, 0])?)));
    setpriority(which: one_of(&f::PRIO), who: INT, prio: INT) -> NUM, Full, Pass(SYS_setpriority);
    getrlimit(which: one_of(&f::RLIMIT), rlp: output::<Rlimit>()) -> NUM, Partial("limits that the host has"), Handler(get_limit);
    setrlimit(which: one_of(&f::RLIMIT), rlp: input::<Rlimit>()) -> NUM, Partial("limits that the host has"), Handler(set_limit);
    getrusage(who: one_of(&f::RUSAGE), rusage: output::<Rusage>()) -> NUM, Full, Pass(SYS_getrusage);
    sysarch(op: one_of(&f::SYSARCH), parms: ADDR) -> NUM, Full, Handler(|c| (isa_of(c.thread).sysarch)(c));
}

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

/// The child shares the memory until it executes a program or ends.
fn create_shared(call: &mut Call<'_>) -> SysResult {
    const SIGCHLD: u64 = 17;
    let (isa, parent) = (isa_of(call.thread), crate::host::pid());
    let pid = call.thread.vfork(SIGCHLD, |thread| {
        super::kqueue::relatives::born(parent);
        super::kqueue::relatives::forked(parent, crate::host::pid());
        (isa.set_result)(&mut thread.cpu, isa.fork_result)
    })?;
    super::capsicum::vfork_done(call, pid);
    super::net::kept::vfork_done(call, pid);
    super::net::routing::vfork_done(call, pid);
    Ok(pid as u64)
}

/// What the child of a fork is told, and what it does not have of its parent.
pub(super) fn become_child(call: &mut Call<'_>, parent: i32) {
    super::kqueue::relatives::born(parent);
    super::kqueue::forked(call);
    super::umtx::forked(call);
    super::procdesc::forked(call);
    super::capsicum::forked(call, parent);
    super::net::kept::forked(call, parent);
    super::net::routing::forked(call, parent);
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
            Ok(pid as u64)
        }
        Forked::Child => {
            become_child(call, parent);
            Ok(0)
        }
    }
}

fn create_by_flags(call: &mut Call<'_>) -> SysResult {
    let parent = crate::host::pid();
    // sys/unistd.h
    const RFFDG: u64 = 1 << 2;
    const RFPROC: u64 = 1 << 4;
    const RFCFDG: u64 = 1 << 12;
    const RFSPAWN: u64 = 1 << 31;
    let flags = call.arg(0);
    match flags {
        _ if flags & (RFFDG | RFCFDG) == RFFDG | RFCFDG => Err(Errno::EINVAL),
        // Descriptors of its own: it has them.
        RFFDG => Ok(0),
        RFCFDG => close_all(call),
        _ if flags == RFFDG | RFPROC => create(call),
        _ if flags == RFCFDG | RFPROC => match call.thread.fork()? {
            Forked::Parent(pid) => {
                super::kqueue::relatives::forked(parent, pid);
                Ok(pid as u64)
            }
            Forked::Child => {
                become_child(call, parent);
                close_all(call)
            }
        },
        // posix_spawn's: vfork with the caught signals reset, which exec does anyway.
        RFSPAWN => create_shared(call),
        _ => {
            call.unimplemented(&format!("flags {flags:#x}"));
            Err(Errno::EINVAL)
        }
    }
}

fn close_all(call: &mut Call<'_>) -> SysResult {
    super::descriptors::close_range(call, 0, u32::MAX.into(), 0)
}

/// The host's number of RLIMIT_NOFILE.
const HOST_NOFILE: u64 = 7;

fn descriptor_limit(call: &mut Call<'_>) -> SysResult {
    let mut limits = [0u64; 2];
    call.host(
        SYS_prlimit64,
        [0, HOST_NOFILE, 0, limits.as_mut_ptr() as u64, 0, 0],
    )?;
    Ok(limits[0].min(i32::MAX as u64))
}

fn limit_usage(call: &mut Call<'_>) -> SysResult {
    // sys/resource.h
    const RLIMIT_NOFILE: u64 = 8;
    const RLIMIT_AS: u64 = 10;
    let used = match call.arg(0) {
        RLIMIT_NOFILE => std::fs::read_dir("/proc/self/fd").map_or(0, |d| {
            let guests = d
                .flatten()
                .filter_map(|e| e.file_name().to_str()?.parse().ok());
            guests.filter(|&fd| !crate::host::fd::is_own(fd)).count() as u64
        }),
        RLIMIT_AS => call
            .mem()
            .regions()
            .iter()
            .map(crate::mem::Region::len)
            .sum(),
        0..=14 => {
            call.unimplemented(&format!("usage of resource {}", call.arg(0)));
            return Err(Errno::ENXIO);
        }
        _ => return Err(Errno::EINVAL),
    };
    call.write_int(call.arg(2), Kind::I64, used)?;
    Ok(0)
}

fn login_name(call: &mut Call<'_>) -> SysResult {
    let mut name = std::env::var_os("LOGNAME")
        .or_else(|| std::env::var_os("USER"))
        .map_or_else(
            || b"root".to_vec(),
            std::os::unix::ffi::OsStringExt::into_vec,
        );
    name.push(0);
    if name.len() as u64 > call.arg(1) {
        return Err(Errno::ERANGE);
    }
    call.write_bytes(call.arg(0), &name)?;
    Ok(0)
}

/// RLIM_INFINITY of FreeBSD: the largest positive number; the host's has all bits set.
const INFINITY: i64 = i64::MAX;

/// Whether the host has this limit.
fn host_limit(call: &Call<'_>) -> SysResult<Option<u64>> {
    match call.arg(0) {
        0..=14 => Ok(Some(call.host_flags(0)).filter(|&n| n < 100)),
        _ => Err(Errno::EINVAL),
    }
}

fn get_limit(call: &mut Call<'_>) -> SysResult {
    let mut host = [u64::MAX; 2];
    if let Some(which) = host_limit(call)? {
        call.host(SYS_prlimit64, [0, which, 0, host.as_mut_ptr() as u64, 0, 0])?;
    }
    let own = |v: u64| i64::try_from(v).unwrap_or(INFINITY);
    let limit = Rlimit {
        rlim_cur: own(host[0]),
        rlim_max: own(host[1]),
    };
    call.write_struct(call.arg(1), &limit)?;
    Ok(0)
}

fn set_limit(call: &mut Call<'_>) -> SysResult {
    let limit: Rlimit = call.read_struct(call.arg(1))?;
    if limit.rlim_cur < 0 || limit.rlim_max < 0 {
        return Err(Errno::EINVAL);
    }
    let host = |v: i64| if v == INFINITY { u64::MAX } else { v as u64 };
    let new = [host(limit.rlim_cur), host(limit.rlim_max)];
    match host_limit(call)? {
        Some(which) => call.host(SYS_prlimit64, [0, which, new.as_ptr() as u64, 0, 0, 0]),
        None => Ok(0),
    }
}
