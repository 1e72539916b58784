//! Processes: creation, programs, waiting, identities.

use super::prctl;
use crate::abi::{Endian, Errno, GuestStruct, Kind, OsAbi, Show, Signal, SysResult};
use crate::host::child;
use crate::host::nr::*;
use crate::host::signal::RawInfo;
use crate::os::linux::flags as f;
use crate::os::linux::isa_of;
use crate::os::linux::siginfo;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass},
    Support::{Full, Missing, Partial},
    *,
};
use crate::process::{Forked, Outcome, Thread};

const CLONE_FLAGS: ArgType = ArgType::Value(Kind::Ulong, Show::CloneFlags(&f::CLONE));
const TID_PTR: ArgType = ArgType::Addr;

crate::syscalls! {
    exit(status: INT) -> NUM, Full, Handler(|c| end(c, Outcome::ExitThread(c.int(0))));
    exit_group(status: INT) -> NUM, Full, Handler(|c| end(c, Outcome::ExitProcess(c.int(0))));
    fork() -> NUM, Full, Handler(|c| create(c, &Creation { flags: SIGCHLD, ..Creation::default() }));
    clone(flags: CLONE_FLAGS, stack: BITS, parent_tid: TID_PTR, tls: BITS, child_tid: TID_PTR) -> NUM, Partial(CLONE_LIMITS), Handler(clone_by_args);
    clone3(cl_args: input::<CloneArgs>(), size: SIZE) -> NUM, Partial(CLONE_LIMITS), Handler(clone_by_struct);
    unshare(flags: flags(&f::CLONE)) -> NUM, Full, Pass(SYS_unshare);
    setns(fd: FD, nstype: flags(&f::CLONE)) -> NUM, Full, Pass(SYS_setns);
    execve(pathname: PATH, argv: ArgType::Strings, envp: ArgType::Strings) -> NUM, Full, Handler(|c| execute(c, None, 0, 0));
    execveat(dirfd: DIRFD, pathname: PATH, argv: ArgType::Strings, envp: ArgType::Strings, flags: flags(&f::AT)) -> NUM, Full, Handler(|c| execute(c, Some(0), 1, c.arg(4)));
    wait4(pid: INT, wstatus: ints_of(Dir::Out, Kind::I32, Show::WaitStatus, 1), options: flags(&f::WAIT), rusage: output::<Rusage>()) -> NUM, Full, Handler(|c| wait_child(c, 3));
    waitpid(pid: INT, wstatus: ints_of(Dir::Out, Kind::I32, Show::WaitStatus, 1), options: flags(&f::WAIT)) -> NUM, Full, Handler(|c| wait_child(c, 6));
    waitid(idtype: one_of(&f::ID_TYPE), id: INT, infop: ArgType::SigInfo(Dir::Out), options: flags(&f::WAIT), rusage: output::<Rusage>()) -> NUM, Full, Handler(wait_id);
    getpid() -> NUM, Full, Pass(SYS_getpid);
    getppid() -> NUM, Full, Pass(SYS_getppid);
    gettid() -> NUM, Full, Pass(SYS_gettid);
    getpgid(pid: INT) -> NUM, Full, Pass(SYS_getpgid);
    setpgid(pid: INT, pgid: INT) -> NUM, Full, Pass(SYS_setpgid);
    getpgrp() -> NUM, Full, Pass(SYS_getpgrp);
    getsid(pid: INT) -> NUM, Full, Pass(SYS_getsid);
    setsid() -> NUM, Full, Pass(SYS_setsid);
    getuid() -> NUM, Full, Pass(SYS_getuid);
    geteuid() -> NUM, Full, Pass(SYS_geteuid);
    getgid() -> NUM, Full, Pass(SYS_getgid);
    getegid() -> NUM, Full, Pass(SYS_getegid);
    setuid(uid: INT) -> NUM, Full, Pass(SYS_setuid);
    setgid(gid: INT) -> NUM, Full, Pass(SYS_setgid);
    setreuid(ruid: INT, euid: INT) -> NUM, Full, Pass(SYS_setreuid);
    setregid(rgid: INT, egid: INT) -> NUM, Full, Pass(SYS_setregid);
    setresuid(ruid: INT, euid: INT, suid: INT) -> NUM, Full, Pass(SYS_setresuid);
    setresgid(rgid: INT, egid: INT, sgid: INT) -> NUM, Full, Pass(SYS_setresgid);
    getresuid(ruid: ints(Dir::Out, 1), euid: ints(Dir::Out, 1), suid: ints(Dir::Out, 1)) -> NUM, Full, Pass(SYS_getresuid);
    getresgid(rgid: ints(Dir::Out, 1), egid: ints(Dir::Out, 1), sgid: ints(Dir::Out, 1)) -> NUM, Full, Pass(SYS_getresgid);
    setfsuid(fsuid: INT) -> NUM, Full, Pass(SYS_setfsuid);
    setfsgid(fsgid: INT) -> NUM, Full, Pass(SYS_setfsgid);
    getgroups(size: INT, list: ArgType::Ints(Dir::Out, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Pass(SYS_getgroups);
    setgroups(size: INT, list: ArgType::Ints(Dir::In, Kind::U32, Show::Dec, Len::Arg(0))) -> NUM, Full, Pass(SYS_setgroups);
    capget(hdrp: inout::<CapHeader>(), datap: ArgType::Structs(Dir::Out, CapData::DESC, Len::Const(2))) -> NUM, Full, Handler(|c| capabilities(c, SYS_capget));
    capset(hdrp: inout::<CapHeader>(), datap: ArgType::Structs(Dir::In, CapData::DESC, Len::Const(2))) -> NUM, Full, Handler(|c| capabilities(c, SYS_capset));
    getpriority(which: one_of(&f::PRIO), who: INT) -> NUM, Full, Pass(SYS_getpriority);
    setpriority(which: one_of(&f::PRIO), who: INT, prio: INT) -> NUM, Full, Pass(SYS_setpriority);
    nice(inc: INT) -> NUM, Full, Handler(be_nice);
    personality(persona: flags(&f::PERSONALITY)) -> HEXNUM, Full, Pass(SYS_personality);
    prctl(option: one_of(&prctl::OPTIONS), arg2: ArgType::By(prctl::argument), arg3: BITS, arg4: BITS, arg5: BITS) -> NUM, Partial("options: see the table in prctl.rs"), Handler(prctl::control);
    ptrace(request: one_of(&f::PTRACE), pid: INT, addr: BITS, data: BITS) -> NUM, Missing, Run::Missing;
    seccomp(operation: one_of(&f::SECCOMP), flags: HEX, args: ADDR) -> NUM, Missing, Run::Missing;
    kcmp(pid1: INT, pid2: INT, r#type: INT, idx1: BITS, idx2: BITS) -> NUM, Full, Pass(SYS_kcmp);
    process_vm_readv(pid: INT, local_iov: ArgType::Iovec(Dir::Out, Len::Arg(2)), liovcnt: ULONG, remote_iov: ADDR, riovcnt: ULONG, flags: BITS) -> NUM, Partial(OWN_MEMORY), Handler(|c| copy_memory(c, SYS_process_vm_readv));
    process_vm_writev(pid: INT, local_iov: ArgType::Iovec(Dir::In, Len::Arg(2)), liovcnt: ULONG, remote_iov: ADDR, riovcnt: ULONG, flags: BITS) -> NUM, Partial(OWN_MEMORY), Handler(|c| copy_memory(c, SYS_process_vm_writev));
    pidfd_open(pid: INT, flags: flags(&f::PIDFD)) -> FDNUM, Full, Pass(SYS_pidfd_open);
    pidfd_getfd(pidfd: FD, targetfd: INT, flags: HEX) -> FDNUM, Full, Pass(SYS_pidfd_getfd);
    ioprio_get(which: INT, who: INT) -> NUM, Full, Pass(SYS_ioprio_get);
    ioprio_set(which: INT, who: INT, ioprio: INT) -> NUM, Full, Pass(SYS_ioprio_set);
}

const CLONE_LIMITS: &str = "a process that shares memory has no further threads; CLONE_VFORK waits with CLONE_VM only; no new namespaces; exit signal SIGCHLD or none but with CLONE_VM";

fn end(call: &mut Call<'_>, outcome: Outcome) -> SysResult {
    call.outcome = Some(outcome);
    Ok(0)
}

/// What `clone` and `clone3` ask for.
#[derive(Clone, Copy, Default)]
struct Creation {
    /// With the exit signal in the low byte, in the host's numbering.
    flags: u64,
    stack: u64,
    tls: u64,
    parent_tid: u64,
    child_tid: u64,
    pidfd: u64,
}

const SIGCHLD: u64 = 17;
const CSIGNAL: u64 = 0xff;
const CLONE_VM: u64 = 0x100;
const CLONE_FS: u64 = 0x200;
const CLONE_FILES: u64 = 0x400;
const CLONE_SIGHAND: u64 = 0x800;
const CLONE_PIDFD: u64 = 0x1000;
const CLONE_VFORK: u64 = 0x4000;
const CLONE_PARENT: u64 = 0x8000;
const CLONE_THREAD: u64 = 0x1_0000;
const CLONE_SETTLS: u64 = 0x8_0000;
const CLONE_PARENT_SETTID: u64 = 0x10_0000;
const CLONE_CHILD_CLEARTID: u64 = 0x20_0000;
const CLONE_CHILD_SETTID: u64 = 0x100_0000;
/// CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const CLONE_NAMESPACES: u64 = 0x7e02_0000;
/// What makes a thread of glibc and musl; CLONE_SYSVSEM and CLONE_DETACHED make no difference.
const THREAD: u64 = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD;

fn clone_by_args(call: &mut Call<'_>) -> SysResult {
    let raw = call.arg(0);
    let signal = Show::Signal.convert(raw & CSIGNAL, call.abi, OsAbi::HOST);
    let creation = Creation {
        flags: (raw & !CSIGNAL & 0xffff_ffff) | signal,
        stack: call.arg(1),
        parent_tid: call.arg(2),
        tls: call.arg(3),
        child_tid: call.arg(4),
        // The old call has one argument for both.
        pidfd: call.arg(2),
    };
    create(call, &creation)
}

fn clone_by_struct(call: &mut Call<'_>) -> SysResult {
    let (addr, size) = (call.arg(0), call.arg(1));
    // CLONE_ARGS_SIZE_VER0
    if size < 64 {
        return Err(Errno::EINVAL);
    }
    if size > 4096 {
        return Err(Errno::E2BIG);
    }
    let mut bytes = call.read_bytes(addr, size)?;
    let known = CloneArgs::DESC.size(call.abi);
    if bytes.len() > known && bytes[known..].iter().any(|&b| b != 0) {
        return Err(Errno::E2BIG);
    }
    bytes.resize(known, 0);
    let args = CloneArgs::read(call.abi, &bytes)?;
    if args.flags & CSIGNAL != 0 || (args.stack == 0) != (args.stack_size == 0) {
        return Err(Errno::EINVAL);
    }
    if args.set_tid_size != 0 || args.flags >> 32 != 0 {
        call.unimplemented("set_tid, CLONE_CLEAR_SIGHAND or CLONE_INTO_CGROUP");
        return Err(Errno::EINVAL);
    }
    let creation = Creation {
        flags: args.flags | args.exit_signal,
        stack: args.stack + args.stack_size,
        tls: args.tls,
        parent_tid: args.parent_tid,
        child_tid: args.child_tid,
        pidfd: args.pidfd,
    };
    create(call, &creation)
}

/// Creates a thread or a process.
fn create(call: &mut Call<'_>, c: &Creation) -> SysResult {
    let flags = c.flags;
    let refuse = |call: &Call<'_>, why: &str| {
        let mut names = String::new();
        // Writing to a string cannot fail.
        let _ = f::CLONE.write(&mut names, crate::abi::Dialect::X86, flags & !CSIGNAL);
        call.unimplemented(&format!("{names}: {why}"));
    };
    if flags & CLONE_NAMESPACES != 0 || flags & CLONE_PARENT != 0 {
        refuse(call, "new namespaces or CLONE_PARENT");
        return Err(Errno::EINVAL);
    }
    if flags & CLONE_SIGHAND != 0 && flags & CLONE_VM == 0
        || flags & CLONE_THREAD != 0 && flags & CLONE_SIGHAND == 0
    {
        return Err(Errno::EINVAL);
    }
    if flags & CLONE_THREAD != 0 {
        if flags & THREAD != THREAD {
            refuse(call, "a thread that does not share files and directory");
            return Err(Errno::EINVAL);
        }
        return create_thread(call, c);
    }
    if flags & CLONE_VM == 0 && !matches!(flags & CSIGNAL, 0 | SIGCHLD) {
        refuse(call, "an exit signal other than SIGCHLD, but not CLONE_VM");
        return Err(Errno::EINVAL);
    }
    create_process(call, c)
}

fn create_thread(call: &mut Call<'_>, c: &Creation) -> SysResult {
    let isa = isa_of(call.thread);
    let (flags, stack, tls) = (c.flags, c.stack, c.tls);
    let (parent_tid, child_tid) = (c.parent_tid, c.child_tid);
    let abi = call.abi;
    let tid = call.thread.spawn(
        move |cpu| {
            if stack != 0 {
                (isa.set_sp)(cpu, stack);
            }
            if flags & CLONE_SETTLS != 0 {
                (isa.set_tls)(cpu, tls);
            }
            (isa.set_result)(cpu, Ok(0));
        },
        move |thread| {
            let tid = thread.tid() as u32;
            let mem = thread.process.mem.clone();
            // The kernel ignores that these may not be writable.
            if flags & CLONE_PARENT_SETTID != 0 {
                let _ = mem.store::<u32>(parent_tid, abi.abi.endian, tid);
            }
            if flags & CLONE_CHILD_SETTID != 0 {
                let _ = mem.store::<u32>(child_tid, abi.abi.endian, tid);
            }
            if flags & CLONE_CHILD_CLEARTID != 0 {
                thread.clear_child_tid = child_tid;
            }
        },
    )?;
    Ok(tid as u64)
}

fn create_process(call: &mut Call<'_>, c: &Creation) -> SysResult {
    let endian = call.abi.abi.endian;
    let kept = c.flags & (CSIGNAL | CLONE_FS | CLONE_FILES | CLONE_SIGHAND);
    let pid = if c.flags & CLONE_VM != 0 && c.flags & CLONE_VFORK != 0 {
        call.thread
            .vfork(kept, |thread| begin_process(thread, c, endian))?
    } else if c.flags & CLONE_VM != 0 {
        let own = *c;
        let begin = move |thread: &mut Thread| begin_process(thread, &own, endian);
        call.thread.share_memory(kept, begin, |_, _| ())?
    } else {
        if c.flags & CLONE_VFORK != 0 {
            call.unimplemented("waiting in clone with CLONE_VFORK, but without CLONE_VM");
        }
        match call.thread.fork()? {
            Forked::Parent(pid) => pid,
            Forked::Child => {
                begin_process(call.thread, c, endian);
                return Ok(0);
            }
        }
    };
    if c.flags & CLONE_PARENT_SETTID != 0 {
        let _ = call.mem().store::<u32>(c.parent_tid, endian, pid as u32);
    }
    if c.flags & CLONE_PIDFD != 0 {
        let fd = call.host(SYS_pidfd_open, [pid as u64, 0, 0, 0, 0, 0])?;
        call.write_int(c.pidfd, Kind::I32, fd)?;
    }
    Ok(pid as u64)
}

/// Sets the thread of a new process up, as `clone` was asked to.
fn begin_process(thread: &mut Thread, c: &Creation, endian: Endian) {
    let isa = isa_of(thread);
    if c.stack != 0 {
        (isa.set_sp)(&mut thread.cpu, c.stack);
    }
    if c.flags & CLONE_SETTLS != 0 {
        (isa.set_tls)(&mut thread.cpu, c.tls);
    }
    if c.flags & CLONE_CHILD_SETTID != 0 {
        let tid = thread.tid() as u32;
        let _ = thread.process.mem.store::<u32>(c.child_tid, endian, tid);
    }
    if c.flags & CLONE_CHILD_CLEARTID != 0 {
        thread.clear_child_tid = c.child_tid;
    }
    (isa.set_result)(&mut thread.cpu, Ok(0));
}

/// `wait4`; the resource usage goes to argument `usage`, if there is one.
fn wait_child(call: &mut Call<'_>, usage: usize) -> SysResult {
    let mut used = vec![0u8; Rusage::DESC.size(OsAbi::HOST)];
    let options = u64::from(call.arg(2) as u32);
    let args = [call.arg(0), options, used.as_mut_ptr() as u64];
    let (pid, status) = child::wait4(args, |args| call.host_wait(SYS_waitid, args))?;
    if pid != 0 && call.arg(1) != 0 {
        let status = Show::WaitStatus.convert(status.into(), OsAbi::HOST, call.abi);
        call.write_int(call.arg(1), Kind::I32, status)?;
    }
    if pid != 0 && call.arg(usage) != 0 {
        let used: Rusage = crate::abi::GuestValue::from_host(&used);
        call.write_struct(call.arg(usage), &used)?;
    }
    Ok(pid as u64)
}

fn wait_id(call: &mut Call<'_>) -> SysResult {
    let mut raw = RawInfo([0; 128]);
    let mut used = vec![0u8; Rusage::DESC.size(OsAbi::HOST)];
    let options = u64::from(call.arg(3) as u32);
    let args = [call.arg(0), call.arg(1), options, used.as_mut_ptr() as u64];
    child::wait_id(args, &mut raw, |args| call.host_wait(SYS_waitid, args))?;
    let raw = raw.0;
    let info = siginfo::from_host(&raw);
    if call.arg(2) != 0 {
        let bytes = match info {
            // Nothing to report (WNOHANG): all zero.
            Signal(0) => [0; 128],
            _ => siginfo::to_guest(call.abi, &siginfo::parse(&raw)),
        };
        call.write_bytes(call.arg(2), &bytes)?;
    }
    if call.arg(4) != 0 && info != Signal(0) {
        let used: Rusage = crate::abi::GuestValue::from_host(&used);
        call.write_struct(call.arg(4), &used)?;
    }
    Ok(0)
}

/// `_LINUX_CAPABILITY_VERSION_1`, which has one data structure; later ones have two.
const CAPABILITY_VERSION_1: u32 = 0x1998_0330;

fn capabilities(call: &mut Call<'_>, number: i64) -> SysResult {
    let header: CapHeader = call.read_struct(call.arg(0))?;
    let words = if header.version == CAPABILITY_VERSION_1 {
        3
    } else {
        6
    };
    let mut host_header = [header.version, header.pid as u32];
    let mut data = [0u32; 6];
    let addr = call.arg(1);
    if number == SYS_capset && addr != 0 {
        for (i, word) in data[..words].iter_mut().enumerate() {
            *word = call.read_int(addr.wrapping_add(i as u64 * 4), Kind::U32)? as u32;
        }
    }
    let data_at = if addr == 0 {
        0
    } else {
        data.as_mut_ptr() as u64
    };
    let args = [host_header.as_mut_ptr() as u64, data_at, 0, 0, 0, 0];
    let result = call.host(number, args);
    // An unknown version is answered with the preferred one, along with the error.
    call.write_int(call.arg(0), Kind::U32, host_header[0].into())?;
    let value = result?;
    if number == SYS_capget && addr != 0 {
        for (i, &word) in data[..words].iter().enumerate() {
            call.write_int(addr.wrapping_add(i as u64 * 4), Kind::U32, word.into())?;
        }
    }
    Ok(value)
}

const OWN_MEMORY: &str = "only within a process, and between a process and its forks";

/// `process_vm_readv` and `process_vm_writev`. Another process's guest has its memory elsewhere on the host, unless one is the
/// other's fork: then both have it at the same place. What is not mapped there fails with EFAULT as it should.
fn copy_memory(call: &mut Call<'_>, number: i64) -> SysResult {
    let other = call.int(0);
    if other != crate::host::pid() && !is_fork(other) {
        call.unimplemented("of another program");
        return Err(Errno::EPERM);
    }
    let (local, remote) = if number == SYS_process_vm_readv {
        (Dir::Out, Dir::In)
    } else {
        (Dir::In, Dir::Out)
    };
    if call.arg(2) > 1024 || call.arg(4) > 1024 {
        return Err(Errno::EINVAL);
    }
    let own = crate::os::host_iovecs(call, call.arg(1), call.arg(2), local)?;
    // Bounds only: the other's memory is not this process's to look at.
    let far = if other == crate::host::pid() {
        crate::os::host_iovecs(call, call.arg(3), call.arg(4), remote)?
    } else {
        let word = u64::from(call.abi.abi.word);
        let mut far = Vec::new();
        for i in 0..call.arg(4) {
            let at = call.arg(3) + 2 * i * word;
            let base = call.read_int(at, Kind::Ulong)?;
            let len = call.read_int(at.wrapping_add(word), Kind::Ulong)?;
            let end = base.checked_add(len).ok_or(Errno::EFAULT)?;
            if end > call.mem().limit() {
                return Err(Errno::EFAULT);
            }
            far.extend_from_slice(&(call.mem().base() + base).to_le_bytes());
            far.extend_from_slice(&len.to_le_bytes());
        }
        far
    };
    let args = [
        call.arg(0),
        own.as_ptr() as u64,
        call.arg(2),
        far.as_ptr() as u64,
        call.arg(4),
        call.arg(5),
    ];
    call.host(number, args)
}

/// Whether a process is a child or the parent of this one with the same host program in it, which has not executed since: the
/// mappings of the emulator's own code are at the same place only then.
fn is_fork(pid: i32) -> bool {
    let first = |pid: &str| {
        let maps = std::fs::read_to_string(format!("/proc/{pid}/maps")).ok()?;
        let line = maps.lines().find(|l| l.contains(" r-xp "))?;
        Some(line.to_owned())
    };
    let own = first("self");
    own.is_some() && first(&pid.to_string()) == own
}

/// `PRIO_PROCESS`
const PRIO_PROCESS: u64 = 0;

fn be_nice(call: &mut Call<'_>) -> SysResult {
    // The kernel's getpriority returns 20 - nice.
    let now = 20 - call.host(SYS_getpriority, [PRIO_PROCESS, 0, 0, 0, 0, 0])? as i64;
    let want = (now + i64::from(call.int(0).clamp(-40, 40))).clamp(-20, 19);
    call.host(SYS_setpriority, [PRIO_PROCESS, 0, want as u64, 0, 0, 0])
}
