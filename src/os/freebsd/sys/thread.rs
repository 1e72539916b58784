//! Threads: `thr_*` and scheduling.

use crate::abi::{Errno, GuestStruct, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::isa_of;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::sys::umtx;
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Partial, Stub},
    *,
};
use crate::process::Outcome;

crate::syscalls! {
    thr_new(param: input::<ThrParam>(), param_size: INT) -> NUM, Partial("THR_SUSPENDED and the priority are ignored"), Handler(create);
    thr_exit(state: ADDR) -> NUM, Full, Handler(exit);
    thr_self(id: ADDR) -> NUM, Full, Handler(own_id);
    thr_set_name(id: LONG, name: STR) -> NUM, Full, Handler(set_name);
    thr_wake(id: LONG) -> NUM, Full, Handler(umtx::wake_thread);
    thr_suspend(timeout: input::<Timespec>()) -> NUM, Full, Handler(umtx::suspend_thread);
    rtprio_thread(function: INT, lwpid: INT, rtp: ADDR) -> NUM, Stub("every thread has the normal priority"), Handler(priority);
    cpuset_getaffinity(level: INT, which: INT, id: OFFSET, cpusetsize: SIZE, mask: ADDR) -> NUM, Partial("of this process and its threads"), Handler(get_affinity);
    cpuset_setaffinity(level: INT, which: INT, id: OFFSET, cpusetsize: SIZE, mask: ADDR) -> NUM, Partial("of this process and its threads"), Handler(set_affinity);
}

fn create(call: &mut Call<'_>) -> SysResult {
    let size = call.int(1);
    if size < 0 || size as usize > ThrParam::DESC.size(call.abi) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = call.read_bytes(call.arg(0), size as u64)?;
    bytes.resize(ThrParam::DESC.size(call.abi), 0);
    let p = ThrParam::read(call.abi, &bytes)?;
    let isa = isa_of(call.thread);
    let abi = call.abi;
    let (parent_tid, child_tid) = (p.parent_tid.0, p.child_tid.0);
    call.thread.spawn(
        move |cpu| {
            let stack_end = p.stack_base.0.wrapping_add(p.stack_size.0);
            (isa.enter_thread)(cpu, p.start_func.0, p.arg.0, stack_end, p.tls_base.0);
        },
        move |thread| {
            let mem = thread.process.mem.clone();
            let tid = thread.tid() as u64;
            // Both are longs. The thread runs even if they cannot be written.
            for at in [parent_tid, child_tid] {
                if at != 0 {
                    let _ = mem.store_word(at, abi.abi, tid);
                }
            }
        },
    )?;
    Ok(0)
}

fn exit(call: &mut Call<'_>) -> SysResult {
    let state = call.arg(0);
    if state != 0 {
        // A thread that waits for this one waits for the word.
        call.write_int(state, Kind::Long, 1)?;
        umtx::wake(call, state, i32::MAX as u64);
    }
    call.outcome = Some(Outcome::ExitThread(0));
    Ok(0)
}

fn own_id(call: &mut Call<'_>) -> SysResult {
    let tid = call.thread.tid() as u64;
    call.write_int(call.arg(0), Kind::Long, tid)?;
    Ok(0)
}

fn set_name(call: &mut Call<'_>) -> SysResult {
    let mut name = if call.arg(1) == 0 {
        Vec::new()
    } else {
        call.read_str(call.arg(1))?.into_bytes()
    };
    // The host keeps 15 characters (FreeBSD 19).
    name.truncate(15);
    let path = format!("/proc/self/task/{}/comm", call.arg(0));
    std::fs::write(path, &name).map_err(|_| Errno::ESRCH)?;
    Ok(0)
}

fn priority(call: &mut Call<'_>) -> SysResult {
    const RTP_LOOKUP: i32 = 0;
    const RTP_SET: i32 = 1;
    const RTP_PRIO_NORMAL: u64 = 3;
    match call.int(0) {
        RTP_LOOKUP => {
            // struct rtprio: type, prio
            call.write_int(call.arg(2), Kind::U16, RTP_PRIO_NORMAL)?;
            call.write_int(call.arg(2) + 2, Kind::U16, 0)?;
            Ok(0)
        }
        RTP_SET => match call.read_int(call.arg(2), Kind::U16)? {
            RTP_PRIO_NORMAL => Ok(0),
            _ => Err(Errno::EPERM),
        },
        _ => Err(Errno::EINVAL),
    }
}

/// Size in bytes of the kernel's `cpuset_t`: 256 CPUs in 13.2.
const CPUSET_SIZE: u64 = 32;

/// The host's id of what a call is about; 0 is the calling thread.
fn subject(call: &mut Call<'_>) -> SysResult {
    // sys/cpuset.h
    const CPU_WHICH_TID: i32 = 1;
    const CPU_WHICH_PID: i32 = 2;
    match (call.int(1), call.arg(2) as i64) {
        (CPU_WHICH_TID | CPU_WHICH_PID, -1) => Ok(0),
        (CPU_WHICH_TID | CPU_WHICH_PID, id) => Ok(id as u64),
        (which, _) => {
            call.unimplemented(&format!("cpuset affinity of CPU_WHICH {which}"));
            Err(Errno::EINVAL)
        }
    }
}

fn get_affinity(call: &mut Call<'_>) -> SysResult {
    let size = call.arg(3);
    if size < CPUSET_SIZE {
        return Err(Errno::ERANGE);
    }
    let id = subject(call)?;
    let mut mask = vec![0u8; 1024];
    call.host(
        SYS_sched_getaffinity,
        [id, 1024, mask.as_mut_ptr() as u64, 0, 0, 0],
    )?;
    mask.resize(size.min(1024) as usize, 0);
    call.write_bytes(call.arg(4), &mask)?;
    Ok(0)
}

fn set_affinity(call: &mut Call<'_>) -> SysResult {
    let size = call.arg(3);
    if !(CPUSET_SIZE..=1024).contains(&size) {
        return Err(Errno::ERANGE);
    }
    let id = subject(call)?;
    let mask = call.read_bytes(call.arg(4), size)?;
    call.host(
        SYS_sched_setaffinity,
        [id, size, mask.as_ptr() as u64, 0, 0, 0],
    )
}
