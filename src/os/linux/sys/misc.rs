//! The rest: names, limits, random numbers, the kernel's own affairs.

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Missing, Partial, Stub},
    *,
};

crate::syscalls! {
    uname(buf: output::<Utsname>()) -> NUM, Full, Handler(name_system);
    sysinfo(info: output::<Sysinfo>()) -> NUM, Full, Handler(tell_system);
    getrandom(buf: buf_out(1), buflen: SIZE, flags: flags(&f::GRND)) -> NUM, Full, Handler(randomise);
    sethostname(name: buf_in(1), len: SIZE) -> NUM, Full, Pass(SYS_sethostname);
    setdomainname(name: buf_in(1), len: SIZE) -> NUM, Full, Pass(SYS_setdomainname);
    syslog(r#type: INT, bufp: buf_out(2), len: INT) -> NUM, Full, Pass(SYS_syslog);
    reboot(magic: HEX, magic2: HEX, cmd: one_of(&f::REBOOT), arg: STR) -> NUM, Full, Pass(SYS_reboot);
    getcpu(cpu: ints(Dir::Out, 1), node: ints(Dir::Out, 1), tcache: ADDR) -> NUM, Full, Handler(tell_cpu);
    getrlimit(resource: one_of(&f::RLIMIT), rlim: output::<Rlimit>()) -> NUM, Full, Pass(SYS_getrlimit);
    setrlimit(resource: one_of(&f::RLIMIT), rlim: input::<Rlimit>()) -> NUM, Full, Handler(limit);
    prlimit64(pid: INT, resource: one_of(&f::RLIMIT), new_limit: input::<Rlimit64>(), old_limit: output::<Rlimit64>()) -> NUM, Full, Handler(limit);
    getrusage(who: ArgType::Value(Kind::I32, Show::Flags(&f::RUSAGE)), usage: output::<Rusage>()) -> NUM, Full, Pass(SYS_getrusage);
    add_key(r#type: STR, description: STR, payload: buf_in(3), plen: SIZE, keyring: INT) -> NUM, Full, Pass(SYS_add_key);
    request_key(r#type: STR, description: STR, callout_info: STR, dest_keyring: INT) -> NUM, Full, Pass(SYS_request_key);
    keyctl(operation: one_of(&f::KEYCTL), arg2: ArgType::By(|a, _| key_argument(a[0], 2)), arg3: ArgType::By(|a, _| key_argument(a[0], 3)), arg4: ArgType::By(|a, _| key_argument(a[0], 4)), arg5: ArgType::By(|a, _| key_argument(a[0], 5))) -> NUM, Partial("INSTANTIATE_IOV, DH_COMPUTE, PKEY_*, RESTRICT_KEYRING, WATCH_KEY"), Handler(control_keys);
    bpf(cmd: one_of(&f::BPF), attr: ADDR, size: UINT) -> NUM, Missing, Run::Missing;
    perf_event_open(attr: ADDR, pid: INT, cpu: INT, group_fd: FD, flags: BITS) -> FDNUM, Missing, Run::Missing;
    kexec_load(entry: BITS, nr_segments: ULONG, segments: ADDR, flags: BITS) -> NUM, Missing, Run::Missing;
    kexec_file_load(kernel_fd: FD, initrd_fd: FD, cmdline_len: ULONG, cmdline: STR, flags: BITS) -> NUM, Missing, Run::Missing;
    init_module(module_image: ADDR, len: ULONG, param_values: STR) -> NUM, Missing, Run::Missing;
    finit_module(fd: FD, param_values: STR, flags: HEX) -> NUM, Missing, Run::Missing;
    delete_module(name: STR, flags: HEX) -> NUM, Missing, Run::Missing;
    landlock_create_ruleset(attr: ADDR, size: SIZE, flags: HEX) -> FDNUM, Missing, Run::Missing;
    landlock_add_rule(ruleset_fd: FD, rule_type: INT, rule_attr: ADDR, flags: HEX) -> NUM, Missing, Run::Missing;
    landlock_restrict_self(ruleset_fd: FD, flags: HEX) -> NUM, Missing, Run::Missing;
    lsm_get_self_attr(attr: UINT, ctx: ADDR, size: ADDR, flags: HEX) -> NUM, Missing, Run::Missing;
    lsm_set_self_attr(attr: UINT, ctx: ADDR, size: UINT, flags: HEX) -> NUM, Missing, Run::Missing;
    lsm_list_modules(ids: ADDR, size: ADDR, flags: HEX) -> NUM, Missing, Run::Missing;
    mq_open(name: STR, oflag: flags(&f::OPEN), mode: MODE, attr: input::<MqAttr>()) -> FDNUM, Full, Pass(SYS_mq_open);
    mq_unlink(name: STR) -> NUM, Full, Pass(SYS_mq_unlink);
    mq_timedsend(mqdes: FD, msg_ptr: buf_in(2), msg_len: SIZE, msg_prio: UINT, abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedsend);
    mq_timedsend_time64(mqdes: FD, msg_ptr: buf_in(2), msg_len: SIZE, msg_prio: UINT, abs_timeout: input::<Timespec64>()) -> NUM, Full, Run::Wait(SYS_mq_timedsend);
    mq_timedreceive(mqdes: FD, msg_ptr: buf_out(2), msg_len: SIZE, msg_prio: ints(Dir::Out, 1), abs_timeout: input::<Timespec>()) -> NUM, Full, Run::Wait(SYS_mq_timedreceive);
    mq_timedreceive_time64(mqdes: FD, msg_ptr: buf_out(2), msg_len: SIZE, msg_prio: ints(Dir::Out, 1), abs_timeout: input::<Timespec64>()) -> NUM, Full, Run::Wait(SYS_mq_timedreceive);
    mq_notify(mqdes: FD, sevp: input::<Sigevent>()) -> NUM, Full, Pass(SYS_mq_notify);
    mq_getsetattr(mqdes: FD, newattr: input::<MqAttr>(), oldattr: output::<MqAttr>()) -> NUM, Full, Pass(SYS_mq_getsetattr);

    syscall(number: INT, a: BITS, b: BITS, c: BITS, d: BITS, e: BITS) -> NUM, Full, Handler(crate::os::linux::indirect);
    cacheflush(addr: BITS, nbytes: INT, cache: flags(&f::CACHEFLUSH)) -> NUM, Full, Handler(flush_cache);
    cachectl(addr: BITS, nbytes: INT, op: INT) -> NUM, Stub("ENOSYS, as in every kernel"), Handler(|_| Err(Errno::ENOSYS));
    sysmips(cmd: one_of(&f::SYSMIPS), arg1: BITS, arg2: BITS, arg3: BITS) -> NUM, Full, Handler(mips_service);

    // Numbers that the kernel keeps for calls that it no longer has or never had.
    _sysctl(args: ADDR) -> NUM, Stub(GONE), Handler(gone);
    afs_syscall() -> NUM, Stub(GONE), Handler(gone);
    bdflush() -> NUM, Stub(GONE), Handler(gone);
    r#break() -> NUM, Stub(GONE), Handler(gone);
    create_module() -> NUM, Stub(GONE), Handler(gone);
    get_kernel_syms() -> NUM, Stub(GONE), Handler(gone);
    query_module() -> NUM, Stub(GONE), Handler(gone);
    getpmsg() -> NUM, Stub(GONE), Handler(gone);
    putpmsg() -> NUM, Stub(GONE), Handler(gone);
    gtty() -> NUM, Stub(GONE), Handler(gone);
    stty() -> NUM, Stub(GONE), Handler(gone);
    idle() -> NUM, Stub(GONE), Handler(gone);
    ioperm() -> NUM, Stub(GONE), Handler(gone);
    iopl() -> NUM, Stub(GONE), Handler(gone);
    lock() -> NUM, Stub(GONE), Handler(gone);
    modify_ldt() -> NUM, Stub(GONE), Handler(gone);
    mpx() -> NUM, Stub(GONE), Handler(gone);
    prof() -> NUM, Stub(GONE), Handler(gone);
    profil() -> NUM, Stub(GONE), Handler(gone);
    ulimit() -> NUM, Stub(GONE), Handler(gone);
    vm86() -> NUM, Stub(GONE), Handler(gone);
    vserver() -> NUM, Stub(GONE), Handler(gone);
}

/// The last command of `keyctl` before those that are not here; the others take numbers, strings and buffers only.
fn key_command_works(command: u64) -> bool {
    matches!(command, 0..=19 | 21 | 22 | 30 | 31)
}

/// The type of argument `n` of `keyctl`, counted as in its manual page.
fn key_argument(command: u64, n: u8) -> ArgType {
    match (command, n) {
        // JOIN_SESSION_KEYRING, and the type and description of SEARCH
        (1, 2) | (10, 3 | 4) => STR,
        // UPDATE, INSTANTIATE: a payload and its length
        (2 | 12, 3) => buf_in(3),
        // DESCRIBE, READ, GET_SECURITY: a buffer and its length
        (6 | 11 | 17, 3) => buf_out(3),
        (31, 2) => buf_out(2),
        _ => INT_OR_SIZE,
    }
}

/// A key's id, a number of seconds, a length: the kernel looks at the low 32 bits, but for lengths.
const INT_OR_SIZE: ArgType = LONG;

fn control_keys(call: &mut Call<'_>) -> SysResult {
    if !key_command_works(call.arg(0)) {
        let name = f::KEYCTL.name_of(call.abi.dialect, call.arg(0));
        let number = format!("command {}", call.arg(0));
        call.unimplemented(name.unwrap_or(&number));
        return Err(Errno::EOPNOTSUPP);
    }
    pass(call, SYS_keyctl, false)
}

pub(super) const GONE: &str = "ENOSYS, as in the kernel, which only keeps the number";

pub(super) fn gone(_: &mut Call<'_>) -> SysResult {
    Err(Errno::ENOSYS)
}

fn name_system(call: &mut Call<'_>) -> SysResult {
    let mut host = vec![0; 390];
    call.host(SYS_uname, [host.as_mut_ptr() as u64, 0, 0, 0, 0, 0])?;
    let mut name: Utsname = crate::abi::GuestValue::from_host(&host);
    name.machine = [0; 65];
    let machine = crate::os::linux::machine_name(call);
    name.machine[..machine.len()].copy_from_slice(machine.as_bytes());
    if let Some(release) = &call.thread.process.config.uname_release {
        let n = release.len().min(64);
        name.release = [0; 65];
        name.release[..n].copy_from_slice(&release.as_bytes()[..n]);
    }
    call.write_struct(call.arg(0), &name)?;
    Ok(0)
}

fn tell_system(call: &mut Call<'_>) -> SysResult {
    let mut host = vec![0; 112];
    call.host(SYS_sysinfo, [host.as_mut_ptr() as u64, 0, 0, 0, 0, 0])?;
    let mut info: Sysinfo = crate::abi::GuestValue::from_host(&host);
    if call.abi.abi.is_32bit() {
        // Like the kernel for a 32-bit process: count memory in larger units until it fits.
        while [info.totalram, info.totalswap]
            .iter()
            .any(|v| v.0 >> 32 != 0)
        {
            for v in [
                &mut info.totalram,
                &mut info.freeram,
                &mut info.sharedram,
                &mut info.bufferram,
                &mut info.totalswap,
                &mut info.freeswap,
                &mut info.totalhigh,
                &mut info.freehigh,
            ] {
                v.0 >>= 1;
            }
            info.mem_unit <<= 1;
        }
    }
    call.write_struct(call.arg(0), &info)?;
    Ok(0)
}

fn randomise(call: &mut Call<'_>) -> SysResult {
    if call.arg(2) & !7 != 0 || call.arg(2) & 6 == 6 {
        return Err(Errno::EINVAL);
    }
    let (addr, len) = (call.arg(0), call.arg(1).min(1 << 25));
    let mut bytes = vec![0; len as usize];
    call.thread.random(&mut bytes);
    call.write_bytes(addr, &bytes)?;
    Ok(len)
}

fn tell_cpu(call: &mut Call<'_>) -> SysResult {
    let mut host = [0u32; 2];
    let at = host.as_mut_ptr() as u64;
    call.host(SYS_getcpu, [at, at + 4, 0, 0, 0, 0])?;
    for (i, value) in host.into_iter().enumerate() {
        if call.arg(i) != 0 {
            call.write_int(call.arg(i), Kind::U32, value.into())?;
        }
    }
    Ok(0)
}

/// `RLIMIT_DATA`, `RLIMIT_STACK`, `RLIMIT_AS`
const MEMORY_LIMITS: [u64; 3] = [2, 3, 9];

/// Sets a limit. Limits of memory would hit the emulator rather than the guest, so they are checked and forgotten.
fn limit(call: &mut Call<'_>) -> SysResult {
    let (resource, new) = if call.row.args.len() == 2 {
        (0, 1)
    } else {
        (1, 2)
    };
    let own = new == 1 || matches!(call.int(0), 0) || call.int(0) == crate::host::pid();
    let number = if new == 1 {
        SYS_setrlimit
    } else {
        SYS_prlimit64
    };
    if own && call.arg(new) != 0 && MEMORY_LIMITS.contains(&call.host_flags(resource)) {
        let saved = call.args[new];
        call.unimplemented("a limit of memory, which is not enforced");
        call.args[new] = 0;
        let result = if number == SYS_prlimit64 {
            pass(call, number, false)
        } else {
            Ok(0)
        };
        call.args[new] = saved;
        return result;
    }
    pass(call, number, false)
}

fn flush_cache(call: &mut Call<'_>) -> SysResult {
    let start = call.arg(0);
    call.mem()
        .invalidate_code(start, start.saturating_add(call.arg(1)));
    Ok(0)
}

/// `sysmips`, of which two services are in use: an atomic exchange, and the flushing of all caches.
fn mips_service(call: &mut Call<'_>) -> SysResult {
    match call.arg(0) {
        2001 => {
            let (addr, new) = (call.arg(1), call.arg(2) as u32);
            if addr % 4 != 0 {
                return Err(Errno::EINVAL);
            }
            let raw = |v: u32| match call.abi.abi.endian {
                crate::abi::Endian::Big => v.swap_bytes(),
                crate::abi::Endian::Little => v,
            };
            loop {
                let old = call.read_int(addr, Kind::U32)? as u32;
                let expected = u128::from(raw(old));
                let seen = call
                    .mem()
                    .compare_exchange(addr, 4, expected, raw(new).into())?;
                if seen == expected {
                    // The old value is returned even if it looks like an error number; the caller knows.
                    return Ok(old.into());
                }
            }
        }
        3 => {
            let limit = call.mem().limit();
            call.mem().invalidate_code(0, limit);
            Ok(0)
        }
        // Unaligned accesses are fixed up anyway: there is nothing to switch.
        7 => Ok(0),
        command => {
            call.unimplemented(&format!("command {command}"));
            Err(Errno::EINVAL)
        }
    }
}
