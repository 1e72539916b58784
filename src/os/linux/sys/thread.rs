//! Threads: futexes, robust lists, scheduling, thread pointers.

use crate::abi::{Endian, Errno, GuestStruct, GuestValue, Kind, OsAbi, SysResult};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::isa_of;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Missing, Partial, Stub},
    *,
};

crate::syscalls! {
    futex(uaddr: ADDR, futex_op: flags(&f::FUTEX_OP), val: UINT, timeout: ArgType::By(|a, _| futex_arg(a, input::<Timespec>())), uaddr2: ArgType::By(|a, _| futex_later(a, ADDR, 4)), val3: ArgType::By(|a, _| futex_later(a, HEX, 5))) -> NUM, Partial(FUTEX_LIMITS), Handler(futex_call::<Timespec>);
    futex_time64(uaddr: ADDR, futex_op: flags(&f::FUTEX_OP), val: UINT, timeout: ArgType::By(|a, _| futex_arg(a, input::<Timespec64>())), uaddr2: ArgType::By(|a, _| futex_later(a, ADDR, 4)), val3: ArgType::By(|a, _| futex_later(a, HEX, 5))) -> NUM, Partial(FUTEX_LIMITS), Handler(futex_call::<Timespec64>);
    futex_waitv(waiters: array::<FutexWaitv>(Dir::In, 1), nr_futexes: UINT, flags: HEX, timeout: input::<Timespec64>(), clockid: one_of(&f::CLOCK)) -> NUM, Full, Handler(wait_for_any);
    futex_wait(uaddr: ADDR, val: BITS, mask: BITS, flags: HEX, timeout: input::<Timespec64>(), clockid: one_of(&f::CLOCK)) -> NUM, Missing, Run::Missing;
    futex_wake(uaddr: ADDR, mask: BITS, nr: INT, flags: HEX) -> NUM, Missing, Run::Missing;
    futex_requeue(waiters: array::<FutexWaitv>(Dir::In, 2), flags: HEX, nr_wake: INT, nr_requeue: INT) -> NUM, Missing, Run::Missing;
    set_robust_list(head: ADDR, len: SIZE) -> NUM, Full, Handler(set_robust);
    get_robust_list(pid: INT, head_ptr: ADDR, len_ptr: ADDR) -> NUM, Partial("only the calling thread's"), Handler(get_robust);
    set_tid_address(tidptr: ADDR) -> NUM, Full, Handler(set_clear_tid);
    membarrier(cmd: one_of(&f::MEMBARRIER), flags: HEX, cpu_id: INT) -> NUM, Full, Pass(SYS_membarrier);
    rseq(rseq: ADDR, rseq_len: UINT, flags: flags(&f::RSEQ), sig: HEX) -> NUM, Stub("ENOSYS, on which every libc falls back to getcpu"), Handler(|_| Err(Errno::ENOSYS));
    rseq_slice_yield() -> NUM, Stub("ENOSYS, as there is no rseq"), Handler(|_| Err(Errno::ENOSYS));
    set_thread_area(addr: BITS) -> NUM, Full, Handler(set_thread_pointer);
    sched_yield() -> NUM, Full, Pass(SYS_sched_yield);
    sched_setparam(pid: INT, param: input::<SchedParam>()) -> NUM, Full, Pass(SYS_sched_setparam);
    sched_getparam(pid: INT, param: output::<SchedParam>()) -> NUM, Full, Pass(SYS_sched_getparam);
    sched_setscheduler(pid: INT, policy: flags(&f::SCHED), param: input::<SchedParam>()) -> NUM, Full, Pass(SYS_sched_setscheduler);
    sched_getscheduler(pid: INT) -> NUM, Full, Pass(SYS_sched_getscheduler);
    sched_get_priority_max(policy: flags(&f::SCHED)) -> NUM, Full, Pass(SYS_sched_get_priority_max);
    sched_get_priority_min(policy: flags(&f::SCHED)) -> NUM, Full, Pass(SYS_sched_get_priority_min);
    sched_rr_get_interval(pid: INT, tp: output::<Timespec>()) -> NUM, Full, Pass(SYS_sched_rr_get_interval);
    sched_rr_get_interval_time64(pid: INT, tp: output::<Timespec64>()) -> NUM, Full, Pass(SYS_sched_rr_get_interval);
    sched_setaffinity(pid: INT, cpusetsize: SIZE, mask: buf_in(1)) -> NUM, Full, Handler(set_affinity);
    sched_getaffinity(pid: INT, cpusetsize: SIZE, mask: buf_out(1)) -> NUM, Full, Handler(get_affinity);
    sched_setattr(pid: INT, attr: input::<SchedAttr>(), flags: HEX) -> NUM, Full, Handler(set_attributes);
    sched_getattr(pid: INT, attr: output::<SchedAttr>(), size: UINT, flags: HEX) -> NUM, Full, Handler(tell_attributes);
}

const FUTEX_LIMITS: &str = "the operations with priority inheritance, on big-endian guests";

const FUTEX_PRIVATE: u64 = 0x80;
const FUTEX_CLOCK_REALTIME: u64 = 0x100;

/// Futex commands.
mod op {
    pub const WAIT: u64 = 0;
    pub const WAKE: u64 = 1;
    pub const REQUEUE: u64 = 3;
    pub const CMP_REQUEUE: u64 = 4;
    pub const WAKE_OP: u64 = 5;
    pub const LOCK_PI: u64 = 6;
    pub const UNLOCK_PI: u64 = 7;
    pub const TRYLOCK_PI: u64 = 8;
    pub const WAIT_BITSET: u64 = 9;
    pub const WAKE_BITSET: u64 = 10;
    pub const WAIT_REQUEUE_PI: u64 = 11;
    pub const CMP_REQUEUE_PI: u64 = 12;
    pub const LOCK_PI2: u64 = 13;
}

/// Whether the fourth argument of a command is a time; else it is a number.
fn takes_time(command: u64) -> bool {
    matches!(
        command,
        op::WAIT | op::WAIT_BITSET | op::LOCK_PI | op::LOCK_PI2 | op::WAIT_REQUEUE_PI
    )
}

fn futex_arg(args: &[u64], time: ArgType) -> ArgType {
    if takes_time(args[1] & 0x7f) {
        time
    } else if matches!(
        args[1] & 0x7f,
        op::WAKE | op::WAKE_BITSET | op::UNLOCK_PI | op::TRYLOCK_PI
    ) {
        ArgType::Absent
    } else {
        ULONG
    }
}

/// The fifth and sixth argument, which most commands do not have.
fn futex_later(args: &[u64], ty: ArgType, n: usize) -> ArgType {
    let there = match args[1] & 0x7f {
        op::WAIT_BITSET | op::WAKE_BITSET => n == 5,
        op::REQUEUE | op::WAIT_REQUEUE_PI => n == 4,
        op::CMP_REQUEUE | op::WAKE_OP | op::CMP_REQUEUE_PI => true,
        _ => false,
    };
    if there { ty } else { ArgType::Absent }
}

fn futex_call<T: GuestStruct + crate::abi::GuestValue>(call: &mut Call<'_>) -> SysResult {
    let command = call.arg(1) & 0x7f;
    let (uaddr, val, val2, uaddr2, val3) = (
        call.arg(0),
        call.arg(2) as u32,
        call.arg(3),
        call.arg(4),
        call.arg(5) as u32,
    );
    if uaddr % 4 != 0 {
        return Err(Errno::EINVAL);
    }
    let big = call.abi.abi.endian == Endian::Big;
    // The host's kernel compares words in its own byte order.
    let word = |v: u32| if big { v.swap_bytes() } else { v };
    let mut time = vec![0; T::DESC.size(OsAbi::HOST)];
    let fourth = if takes_time(command) {
        match call.read_optional::<T>(val2)? {
            Some(t) => {
                t.to_host(&mut time);
                time.as_ptr() as u64
            }
            None => 0,
        }
    } else {
        val2 & 0xffff_ffff
    };
    let at = match command {
        op::LOCK_PI | op::LOCK_PI2 | op::UNLOCK_PI | op::TRYLOCK_PI => {
            call.lend(uaddr, 4, Dir::InOut, false)?
        }
        op::WAIT | op::WAIT_BITSET | op::CMP_REQUEUE => call.lend(uaddr, 4, Dir::In, false)?,
        _ => call.mem().host_range(uaddr, 4, false)?,
    };
    // Callers leave anything in the registers of arguments that their command does not have.
    let second = match command {
        op::REQUEUE | op::CMP_REQUEUE | op::WAKE_OP | op::WAIT_REQUEUE_PI | op::CMP_REQUEUE_PI => {
            let access = if command == op::WAKE_OP {
                Dir::InOut
            } else {
                Dir::In
            };
            call.lend(uaddr2, 4, access, false)?
        }
        _ => 0,
    };
    let (val, val3) = match command {
        op::WAIT | op::WAIT_BITSET => (word(val), val3),
        op::CMP_REQUEUE => (val, word(val3)),
        op::WAKE | op::WAKE_BITSET | op::REQUEUE => (val, val3),
        op::WAKE_OP if big => return wake_op(call, at, second, val, fourth as u32, val3),
        op::WAKE_OP => (val, val3),
        op::LOCK_PI
        | op::LOCK_PI2
        | op::UNLOCK_PI
        | op::TRYLOCK_PI
        | op::WAIT_REQUEUE_PI
        | op::CMP_REQUEUE_PI
            if !big =>
        {
            (val, val3)
        }
        _ => {
            let name = f::FUTEX_OP.fields[0]
                .values
                .iter()
                .find(|v| v.host == command)
                .map_or_else(|| format!("command {command}"), |v| v.name.to_owned());
            call.unimplemented(&name);
            return Err(Errno::ENOSYS);
        }
    };
    let args = [at, call.arg(1), val.into(), fourth, second, val3.into()];
    if matches!(
        command,
        op::WAIT | op::WAIT_BITSET | op::LOCK_PI | op::LOCK_PI2 | op::WAIT_REQUEUE_PI
    ) {
        call.host_wait(SYS_futex, args)
    } else {
        call.host(SYS_futex, args)
    }
}

/// FUTEX_WAKE_OP with the arithmetic done here, as the host's kernel would do it in the wrong byte order.
fn wake_op(
    call: &mut Call<'_>,
    at: u64,
    second: u64,
    wake: u32,
    wake2: u32,
    encoded: u32,
) -> SysResult {
    let addr2 = call.arg(4);
    let (operation, compare) = (encoded >> 28 & 7, encoded >> 24 & 15);
    let sign12 = |v: u32| ((v << 20) as i32 >> 20) as u32;
    let mut operand = sign12(encoded >> 12 & 0xfff);
    let limit = sign12(encoded & 0xfff) as i32;
    if encoded >> 31 != 0 {
        operand = 1u32.checked_shl(operand & 31).unwrap_or(0);
    }
    let old = loop {
        let old = call.read_int(addr2, Kind::U32)? as u32;
        let new = match operation {
            0 => operand,
            1 => old.wrapping_add(operand),
            2 => old | operand,
            3 => old & !operand,
            4 => old ^ operand,
            _ => return Err(Errno::ENOSYS),
        };
        let expected = u128::from(old.swap_bytes());
        let new = u128::from(new.swap_bytes());
        if call.mem().compare_exchange(addr2, 4, expected, new)? == expected {
            break old as i32;
        }
    };
    let how = op::WAKE | (call.arg(1) & (FUTEX_PRIVATE | FUTEX_CLOCK_REALTIME) & FUTEX_PRIVATE);
    let mut woken = call.host(SYS_futex, [at, how, wake.into(), 0, 0, 0])?;
    let holds = match compare {
        0 => old == limit,
        1 => old != limit,
        2 => old < limit,
        3 => old <= limit,
        4 => old > limit,
        5 => old >= limit,
        _ => return Err(Errno::ENOSYS),
    };
    if holds {
        woken += call.host(SYS_futex, [second, how, wake2.into(), 0, 0, 0])?;
    }
    Ok(woken)
}

fn set_robust(call: &mut Call<'_>) -> SysResult {
    if call.arg(1) != RobustListHead::DESC.size(call.abi) as u64 {
        return Err(Errno::EINVAL);
    }
    call.thread.robust_list = (call.arg(0), call.arg(1));
    Ok(0)
}

fn get_robust(call: &mut Call<'_>) -> SysResult {
    if call.int(0) != 0 && call.int(0) != call.thread.tid() {
        call.unimplemented("of another thread");
        return Err(Errno::EPERM);
    }
    let (head, len) = call.thread.robust_list;
    call.write_int(call.arg(2), Kind::Ulong, len)?;
    call.write_int(call.arg(1), Kind::Ulong, head)?;
    Ok(0)
}

fn set_clear_tid(call: &mut Call<'_>) -> SysResult {
    call.thread.clear_child_tid = call.arg(0);
    Ok(call.thread.tid() as u64)
}

fn set_thread_pointer(call: &mut Call<'_>) -> SysResult {
    let (isa, value) = (isa_of(call.thread), call.arg(0));
    (isa.set_tls)(&mut call.thread.cpu, value);
    Ok(0)
}

/// `FUTEX_WAITV_MAX`
const WAITERS_MAX: u64 = 128;

/// `FUTEX2_SIZE_MASK` and the one size that there is
const SIZE_MASK: u32 = 3;
const SIZE_U32: u32 = 2;

/// `futex_waitv`: addresses become the host's, and values the host's bytes.
fn wait_for_any(call: &mut Call<'_>) -> SysResult {
    let (at, n) = (call.arg(0), call.arg(1));
    if n == 0 || n > WAITERS_MAX || at == 0 {
        return Err(Errno::EINVAL);
    }
    let size = FutexWaitv::DESC.size(call.abi) as u64;
    let mut waiters = vec![0u8; n as usize * 24];
    for i in 0..n {
        let mut waiter: FutexWaitv = call.read_struct(at.wrapping_add(i * size))?;
        if waiter.flags & SIZE_MASK != SIZE_U32 || !waiter.uaddr.is_multiple_of(4) {
            return Err(Errno::EINVAL);
        }
        waiter.uaddr = call.mem().host_range(waiter.uaddr, 4, false)?;
        if call.abi.abi.endian == Endian::Big {
            waiter.val = (waiter.val as u32).swap_bytes().into();
        }
        waiter.to_host(&mut waiters[i as usize * 24..]);
    }
    let mut time = [0u8; 16];
    let timeout = match call.read_optional::<Timespec64>(call.arg(3))? {
        Some(t) => {
            t.to_host(&mut time);
            time.as_ptr() as u64
        }
        None => 0,
    };
    let args = [
        waiters.as_ptr() as u64,
        n,
        call.arg(2),
        timeout,
        call.arg(4),
        0,
    ];
    call.host_wait(SYS_futex_waitv, args)
}

/// Sizes of `struct sched_attr`: the first version, and the one with utilisation.
const ATTR_FIRST: u64 = 48;

fn set_attributes(call: &mut Call<'_>) -> SysResult {
    let addr = call.arg(1);
    if addr == 0 {
        return Err(Errno::EINVAL);
    }
    let size = match call.read_int(addr, Kind::U32)? {
        0 => ATTR_FIRST,
        n => n,
    };
    let known = SchedAttr::DESC.size(call.abi);
    if !(ATTR_FIRST..=crate::mem::PAGE_SIZE).contains(&size) {
        call.write_int(addr, Kind::U32, known as u64)?;
        return Err(Errno::E2BIG);
    }
    let mut bytes = call.read_bytes(addr, size)?;
    if bytes.len() > known && bytes[known..].iter().any(|&b| b != 0) {
        call.write_int(addr, Kind::U32, known as u64)?;
        return Err(Errno::E2BIG);
    }
    bytes.resize(known, 0);
    let mut attr = SchedAttr::read(call.abi, &bytes)?;
    attr.size = size.min(known as u64) as u32;
    let mut host = [0u8; 56];
    attr.to_host(&mut host);
    let args = [call.arg(0), host.as_ptr() as u64, call.arg(2), 0, 0, 0];
    call.host(SYS_sched_setattr, args)
}

fn tell_attributes(call: &mut Call<'_>) -> SysResult {
    let (addr, size) = (call.arg(1), call.arg(2));
    if addr == 0 || !(ATTR_FIRST..=crate::mem::PAGE_SIZE).contains(&size) {
        return Err(Errno::EINVAL);
    }
    let mut host = [0u8; 56];
    let args = [call.arg(0), host.as_mut_ptr() as u64, 56, call.arg(3), 0, 0];
    call.host(SYS_sched_getattr, args)?;
    let mut attr: SchedAttr = GuestValue::from_host(&host);
    attr.size = attr.size.min(size as u32);
    let mut bytes = attr.write(call.abi)?;
    bytes.truncate(size as usize);
    call.write_bytes(addr, &bytes)?;
    Ok(0)
}

/// Largest CPU set that is passed on, in bytes (8192 CPUs).
const CPU_SET_MAX: u64 = 1024;

/// Brings a CPU set, an array of `long`, to the host's byte order or back.
fn swap_set(call: &Call<'_>, bytes: &mut [u8]) {
    if call.abi.abi.endian == Endian::Big {
        for word in bytes.chunks_exact_mut(call.abi.abi.word.into()) {
            word.reverse();
        }
    }
}

fn set_affinity(call: &mut Call<'_>) -> SysResult {
    let mut bytes = call.read_bytes(call.arg(2), call.arg(1).min(CPU_SET_MAX))?;
    swap_set(call, &mut bytes);
    let args = [
        call.arg(0),
        bytes.len() as u64,
        bytes.as_ptr() as u64,
        0,
        0,
        0,
    ];
    call.host(SYS_sched_setaffinity, args)
}

fn get_affinity(call: &mut Call<'_>) -> SysResult {
    let size = call.arg(1);
    if !size.is_multiple_of(call.abi.abi.word.into()) {
        return Err(Errno::EINVAL);
    }
    // The host wants whole words of its own.
    let mut bytes = vec![0u8; CPU_SET_MAX as usize];
    let args = [call.arg(0), CPU_SET_MAX, bytes.as_mut_ptr() as u64, 0, 0, 0];
    let n = call.host(SYS_sched_getaffinity, args)?;
    let word = u64::from(call.abi.abi.word);
    let used = bytes
        .iter()
        .rposition(|&b| b != 0)
        .map_or(0, |i| i as u64 + 1);
    if size < used.next_multiple_of(word) {
        return Err(Errno::EINVAL);
    }
    let n = n.min(size);
    bytes.truncate(n as usize);
    swap_set(call, &mut bytes);
    call.write_bytes(call.arg(2), &bytes)?;
    Ok(n)
}
