//! Scheduling: priorities, policies, sets of CPUs (`sys/{rtprio,sched,cpuset,domainset}.h`).

use crate::abi::{Endian, Errno, Kind, OsAbi, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::process as decode;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    Call, Dir,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};

const SETS: &str = "sets 0 and 1 are all CPUs, and cannot be changed";
const ONE_SET: &str = "every process is in set 1, whose root is set 0";

crate::syscalls! {
    rtprio(function: one_of(&f::RTP), pid: INT, rtp: ArgType::By(|a, _| decode::priority(a[0]))) -> NUM, Full, Handler(process_priority);
    rtprio_thread(function: one_of(&f::RTP), lwpid: INT, rtp: ArgType::By(|a, _| decode::priority(a[0]))) -> NUM, Full, Handler(priority);
    sched_yield() -> NUM, Full, Pass(SYS_sched_yield);
    r#yield() -> NUM, Full, Pass(SYS_sched_yield);
    sched_setparam(pid: INT, param: ints(Dir::In, 1)) -> NUM, Full, Handler(set_parameters);
    sched_getparam(pid: INT, param: ints(Dir::Out, 1)) -> NUM, Full, Handler(parameters);
    sched_setscheduler(pid: INT, policy: one_of(&f::SCHED), param: ints(Dir::In, 1)) -> NUM, Full, Handler(set_scheduler);
    sched_getscheduler(pid: INT) -> (Kind::Long, crate::abi::Show::Flags(&f::SCHED)), Full, Handler(scheduler);
    sched_get_priority_max(policy: one_of(&f::SCHED)) -> NUM, Full, Handler(|c| range(c).map(|r| r.1));
    sched_get_priority_min(policy: one_of(&f::SCHED)) -> NUM, Full, Handler(|c| range(c).map(|r| r.0));
    sched_rr_get_interval(pid: INT, interval: output::<Timespec>()) -> NUM, Full, Pass(SYS_sched_rr_get_interval);
    sched_getcpu() -> NUM, Full, Handler(current_cpu);
    cpuset(setid: ints(Dir::Out, 1)) -> NUM, Stub(ONE_SET), Handler(|c| give_set(c, 0, 1));
    cpuset_setid(which: one_of(&f::CPU_WHICH), id: OFFSET, setid: INT) -> NUM, Stub(ONE_SET), Handler(|c| if c.int(2) == 1 { Ok(0) } else { Err(Errno::ESRCH) });
    cpuset_getid(level: one_of(&f::CPU_LEVEL), which: one_of(&f::CPU_WHICH), id: OFFSET, setid: ints(Dir::Out, 1)) -> NUM, Stub(ONE_SET), Handler(set_of);
    cpuset_getaffinity(level: one_of(&f::CPU_LEVEL), which: one_of(&f::CPU_WHICH), id: OFFSET, cpusetsize: SIZE, mask: ArgType::Decoded(Dir::Out, decode::cpu_set)) -> NUM, Partial(SETS), Handler(get_affinity);
    cpuset_setaffinity(level: one_of(&f::CPU_LEVEL), which: one_of(&f::CPU_WHICH), id: OFFSET, cpusetsize: SIZE, mask: ArgType::Decoded(Dir::In, decode::cpu_set)) -> NUM, Partial(SETS), Handler(set_affinity);
    cpuset_setdomain(level: one_of(&f::CPU_LEVEL), which: one_of(&f::CPU_WHICH), id: OFFSET, domainsetsize: SIZE, mask: ArgType::Decoded(Dir::In, decode::cpu_set), policy: INT) -> NUM, Stub("success for the one domain of memory that there is"), Handler(set_domain);
    cpuset_getdomain(level: one_of(&f::CPU_LEVEL), which: one_of(&f::CPU_WHICH), id: OFFSET, domainsetsize: SIZE, mask: ArgType::Decoded(Dir::Out, decode::cpu_set), policy: ints(Dir::Out, 1)) -> NUM, Stub("one domain of memory"), Handler(domains);
}

// The host's policies (linux/sched.h), of which FreeBSD calls two priority types.
const SCHED_OTHER: u64 = 0;
const SCHED_FIFO: u64 = 1;
const SCHED_RR: u64 = 2;
const SCHED_IDLE: u64 = 5;
/// RTP_PRIO_MAX: from 0, the highest, on. The host's real-time priorities go from 1 up.
const RTP_PRIO_MAX: u64 = 31;

/// Policy and priority of a process or thread of the host.
fn host_priority(call: &mut Call<'_>, id: u64) -> SysResult<(u64, u64)> {
    const RESET_ON_FORK: u64 = 0x4000_0000;
    let policy = call.host(SYS_sched_getscheduler, [id, 0, 0, 0, 0, 0])?;
    let mut priority = 0u32;
    let at = (&raw mut priority) as u64;
    call.host(SYS_sched_getparam, [id, at, 0, 0, 0, 0])?;
    Ok((policy & !RESET_ON_FORK, priority.into()))
}

fn set_host_priority(call: &mut Call<'_>, id: u64, policy: u64, priority: u64) -> SysResult {
    let priority = priority as u32;
    let at = (&raw const priority) as u64;
    call.host(SYS_sched_setscheduler, [id, policy, at, 0, 0, 0])
}

const RTP_LOOKUP: i32 = 0;
const RTP_SET: i32 = 1;
const RTP_PRIO_REALTIME: u64 = 2;
const RTP_PRIO_NORMAL: u64 = 3;
const RTP_PRIO_IDLE: u64 = 4;
const RTP_PRIO_FIFO: u64 = 10;

/// The host's policy and priority for the `struct rtprio` at an address: type and priority, half a word each.
pub(super) fn read_priority(call: &Call<'_>, at: u64) -> SysResult<(u64, u64)> {
    let kind = call.read_int(at, Kind::U16)?;
    let level = call.read_int(at.wrapping_add(2), Kind::U16)?;
    let real_time = matches!(kind, RTP_PRIO_REALTIME | RTP_PRIO_FIFO);
    if (real_time || kind == RTP_PRIO_IDLE) && level > RTP_PRIO_MAX {
        return Err(Errno::EINVAL);
    }
    let host = if real_time {
        RTP_PRIO_MAX + 1 - level
    } else {
        0
    };
    let policy = match kind {
        RTP_PRIO_REALTIME => SCHED_RR,
        RTP_PRIO_FIFO => SCHED_FIFO,
        RTP_PRIO_NORMAL => SCHED_OTHER,
        RTP_PRIO_IDLE => SCHED_IDLE,
        _ => return Err(Errno::EINVAL),
    };
    Ok((policy, host))
}

/// Type and priority of a thread.
fn own_priority(call: &mut Call<'_>, id: u64) -> SysResult<(u64, u64)> {
    let (policy, host) = host_priority(call, id)?;
    let level = (RTP_PRIO_MAX + 1).saturating_sub(host);
    Ok(match policy {
        SCHED_FIFO => (RTP_PRIO_FIFO, level),
        SCHED_RR => (RTP_PRIO_REALTIME, level),
        SCHED_IDLE => (RTP_PRIO_IDLE, 0),
        _ => (RTP_PRIO_NORMAL, 0),
    })
}

fn give_priority(call: &mut Call<'_>, (kind, level): (u64, u64)) -> SysResult {
    let at = call.arg(2);
    call.write_int(at, Kind::U16, kind)?;
    call.write_int(at.wrapping_add(2), Kind::U16, level)?;
    Ok(0)
}

/// Of a thread.
fn priority(call: &mut Call<'_>) -> SysResult {
    let id = call.arg(1);
    match call.int(0) {
        RTP_LOOKUP => {
            let own = own_priority(call, id)?;
            give_priority(call, own)
        }
        RTP_SET => {
            let (policy, host) = read_priority(call, call.arg(2))?;
            set_host_priority(call, id, policy, host)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Of a process: the highest of its threads', and for all of them. 0 is the calling thread.
fn process_priority(call: &mut Call<'_>) -> SysResult {
    if call.arg(1) == 0 {
        return priority(call);
    }
    let tasks = std::fs::read_dir(format!("/proc/{}/task", call.int(1)));
    let threads: Vec<u64> = tasks
        .map_err(|_| Errno::ESRCH)?
        .flatten()
        .filter_map(|e| e.file_name().to_str()?.parse().ok())
        .collect();
    match call.int(0) {
        RTP_LOOKUP => {
            let mut highest = (RTP_PRIO_IDLE, RTP_PRIO_MAX);
            for id in threads {
                // One that has just ended has none.
                if let Ok(own) = own_priority(call, id) {
                    // The types are in order, but for FIFO, which goes with real time.
                    let rank = |(kind, level): (u64, u64)| (kind % 8, level);
                    highest = std::cmp::min_by_key(highest, own, |&p| rank(p));
                }
            }
            give_priority(call, highest)
        }
        RTP_SET => {
            let (policy, host) = read_priority(call, call.arg(2))?;
            for id in threads {
                set_host_priority(call, id, policy, host)?;
            }
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Priorities of a policy, lowest and highest (`P1B_PRIO_MIN` and its like, `kern/ksched.c`): the host's real-time ones are one more.
fn priorities(policy: u64) -> SysResult<(u64, u64)> {
    const TIME_SHARING_MAX: u64 = 103;
    match policy {
        SCHED_FIFO | SCHED_RR => Ok((0, RTP_PRIO_MAX)),
        SCHED_OTHER => Ok((0, TIME_SHARING_MAX)),
        _ => Err(Errno::EINVAL),
    }
}

fn range(call: &mut Call<'_>) -> SysResult<(u64, u64)> {
    if !(1..=3).contains(&call.int(0)) {
        return Err(Errno::EINVAL);
    }
    priorities(call.host_flags(0))
}

fn parameters(call: &mut Call<'_>) -> SysResult {
    let (policy, host) = host_priority(call, call.arg(0))?;
    let own = match policy {
        SCHED_FIFO | SCHED_RR => host.saturating_sub(1),
        _ => 0,
    };
    call.write_int(call.arg(1), Kind::I32, own)?;
    Ok(0)
}

fn set_policy(call: &mut Call<'_>, policy: u64, at: u64) -> SysResult {
    let own = call.read_int(at, Kind::I32)?;
    let (least, most) = priorities(policy)?;
    if !(least..=most).contains(&own) {
        return Err(Errno::EINVAL);
    }
    let host = if policy == SCHED_OTHER { 0 } else { own + 1 };
    set_host_priority(call, call.arg(0), policy, host)
}

fn set_parameters(call: &mut Call<'_>) -> SysResult {
    let (policy, _) = host_priority(call, call.arg(0))?;
    let policy = if policy == SCHED_IDLE {
        SCHED_OTHER
    } else {
        policy
    };
    set_policy(call, policy, call.arg(1))
}

fn set_scheduler(call: &mut Call<'_>) -> SysResult {
    if !(1..=3).contains(&call.int(1)) {
        return Err(Errno::EINVAL);
    }
    let policy = call.host_flags(1);
    set_policy(call, policy, call.arg(2))
}

fn scheduler(call: &mut Call<'_>) -> SysResult {
    let (policy, _) = host_priority(call, call.arg(0))?;
    Ok(f::SCHED.to_guest(call.abi.dialect, policy))
}

fn current_cpu(call: &mut Call<'_>) -> SysResult {
    let mut cpu = 0u32;
    call.host(SYS_getcpu, [(&raw mut cpu) as u64, 0, 0, 0, 0, 0])?;
    Ok(cpu.into())
}

// sys/cpuset.h
const CPU_LEVEL_ROOT: i32 = 1;
const CPU_LEVEL_WHICH: i32 = 3;
const CPU_WHICH_TID: i32 = 1;
const CPU_WHICH_PID: i32 = 2;
const CPU_WHICH_CPUSET: i32 = 3;

fn give_set(call: &mut Call<'_>, n: usize, set: u64) -> SysResult {
    call.write_int(call.arg(n), Kind::I32, set)?;
    Ok(0)
}

fn set_of(call: &mut Call<'_>) -> SysResult {
    match call.int(0) {
        CPU_LEVEL_WHICH => Err(Errno::EINVAL),
        CPU_LEVEL_ROOT => give_set(call, 3, 0),
        _ => give_set(call, 3, 1),
    }
}

/// Size in bytes of the kernel's `cpuset_t`: 256 CPUs in 13.2.
const CPUSET_SIZE: u64 = 32;
/// As many as the host's kernel can have.
const LARGEST: u64 = 1024;

/// What a call is about.
enum Subject {
    /// Threads, by the host's ids; 0 is the calling one.
    Threads(Vec<u64>),
    /// A set that is everybody's.
    Set,
}

/// The threads of a process.
fn threads_of(pid: u64) -> SysResult<Vec<u64>> {
    let entries = std::fs::read_dir(format!("/proc/{pid}/task")).map_err(|_| Errno::ESRCH)?;
    let ids = entries.flatten();
    let ids = ids.filter_map(|e| e.file_name().to_str()?.parse().ok());
    Ok(ids.collect())
}

fn subject(call: &mut Call<'_>) -> SysResult<Subject> {
    const CPU_LEVEL_CPUSET: i32 = 2;
    let (level, which, id) = (call.int(0), call.int(1), call.arg(2) as i64);
    if !(CPU_LEVEL_ROOT..=CPU_LEVEL_WHICH).contains(&level) {
        return Err(Errno::EINVAL);
    }
    let threads = match (which, id) {
        (CPU_WHICH_TID, -1) => vec![0],
        (CPU_WHICH_TID, id) => vec![id as u64],
        (CPU_WHICH_PID, -1) => threads_of(crate::host::pid() as u64)?,
        (CPU_WHICH_PID, id) => threads_of(id as u64)?,
        (CPU_WHICH_CPUSET, -1..=1) => return Ok(Subject::Set),
        (CPU_WHICH_CPUSET, _) => return Err(Errno::ESRCH),
        (which, _) => {
            call.unimplemented(&format!("CPU_WHICH {which}"));
            return Err(Errno::EINVAL);
        }
    };
    Ok(match level {
        CPU_LEVEL_ROOT | CPU_LEVEL_CPUSET => Subject::Set,
        _ => Subject::Threads(threads),
    })
}

/// All CPUs of the host, as its mask.
fn all_cpus() -> Vec<u8> {
    let mut mask = vec![0u8; LARGEST as usize];
    let text = proc_text("/sys/devices/system/cpu/online");
    for range in text.trim().split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else {
            continue;
        };
        for cpu in first..=last.min(mask.len() * 8 - 1) {
            mask[cpu / 8] |= 1 << (cpu % 8);
        }
    }
    mask
}

/// A set is an array of longs.
fn swap_longs(a: OsAbi, mask: &mut [u8]) {
    if a.abi.endian == Endian::Big {
        mask.chunks_exact_mut(a.abi.word.into())
            .for_each(<[u8]>::reverse);
    }
}

fn get_affinity(call: &mut Call<'_>) -> SysResult {
    let size = call.arg(3);
    if size < CPUSET_SIZE {
        return Err(Errno::ERANGE);
    }
    let mut mask = vec![0u8; LARGEST as usize];
    match subject(call)? {
        Subject::Set => mask = all_cpus(),
        // Those that any of a process's threads may run on.
        Subject::Threads(threads) => {
            for id in threads {
                let mut one = vec![0u8; LARGEST as usize];
                let at = one.as_mut_ptr() as u64;
                call.host(SYS_sched_getaffinity, [id, LARGEST, at, 0, 0, 0])?;
                mask.iter_mut().zip(one).for_each(|(all, one)| *all |= one);
            }
        }
    }
    mask.resize(size.min(LARGEST) as usize, 0);
    swap_longs(call.abi, &mut mask);
    call.write_bytes(call.arg(4), &mask)?;
    Ok(0)
}

fn set_affinity(call: &mut Call<'_>) -> SysResult {
    let size = call.arg(3);
    if !(CPUSET_SIZE..=LARGEST).contains(&size) {
        return Err(Errno::ERANGE);
    }
    let subject = subject(call)?;
    let mut mask = call.read_bytes(call.arg(4), size)?;
    swap_longs(call.abi, &mut mask);
    let at = mask.as_ptr() as u64;
    match subject {
        // As for all but the superuser.
        Subject::Set => Err(Errno::EPERM),
        Subject::Threads(threads) => {
            for id in threads {
                call.host(SYS_sched_setaffinity, [id, size, at, 0, 0, 0])?;
            }
            Ok(0)
        }
    }
}

fn set_domain(call: &mut Call<'_>) -> SysResult {
    const DOMAINSET_SIZE: u64 = 32;
    const PREFER: i32 = 3;
    // DOMAINSET_POLICY_ROUNDROBIN to INTERLEAVE
    const POLICIES: std::ops::RangeInclusive<i32> = 1..=4;
    let (size, policy) = (call.arg(3), call.int(5));
    if !(DOMAINSET_SIZE..=LARGEST).contains(&size) {
        return Err(Errno::ERANGE);
    }
    if !POLICIES.contains(&policy) {
        return Err(Errno::EINVAL);
    }
    let mut mask = call.read_bytes(call.arg(4), size)?;
    swap_longs(call.abi, &mut mask);
    let others = mask[0] & !1 != 0 || mask[1..].iter().any(|&b| b != 0);
    if others || policy == PREFER && mask[0] == 0 {
        return Err(Errno::EINVAL);
    }
    match subject(call)? {
        Subject::Set => Err(Errno::EPERM),
        Subject::Threads(_) => Ok(0),
    }
}

fn domains(call: &mut Call<'_>) -> SysResult {
    /// Size in bytes of `domainset_t`: 256 domains.
    const DOMAINSET_SIZE: u64 = 32;
    const DOMAINSET_POLICY_ROUNDROBIN: u64 = 1;
    let size = call.arg(3);
    if !(DOMAINSET_SIZE..=LARGEST).contains(&size) {
        return Err(Errno::ERANGE);
    }
    let mut mask = vec![0u8; size as usize];
    mask[0] = 1;
    swap_longs(call.abi, &mut mask);
    call.write_bytes(call.arg(4), &mask)?;
    call.write_int(call.arg(5), Kind::I32, DOMAINSET_POLICY_ROUNDROBIN)?;
    Ok(0)
}
