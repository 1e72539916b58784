//! Threads: `thr_*` and scheduling.

use crate::abi::{Errno, GuestStruct, Kind, SysResult};
use crate::host::nr::SYS_sched_setscheduler;
use crate::os::freebsd::decode::process::context;
use crate::os::freebsd::isa_of;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::sys::umtx;
use crate::os::{Call, Run::Handler, Support::Full, *};
use crate::process::Outcome;

crate::syscalls! {
    thr_new(param: input::<ThrParam>(), param_size: INT) -> NUM, Full, Handler(create);
    thr_create(ctx: ArgType::Decoded(Dir::In, context), id: ADDR, flags: INT) -> NUM, Full, Handler(create_from_context);
    thr_exit(state: ADDR) -> NUM, Full, Handler(exit);
    thr_self(id: ints_of(Dir::Out, Kind::Long, crate::abi::Show::Dec, 1)) -> NUM, Full, Handler(own_id);
    thr_set_name(id: LONG, name: STR) -> NUM, Full, Handler(set_name);
    thr_wake(id: LONG) -> NUM, Full, Handler(umtx::wake_thread);
    thr_suspend(timeout: input::<Timespec>()) -> NUM, Full, Handler(umtx::suspend_thread);
}

fn create(call: &mut Call<'_>) -> SysResult {
    let size = call.int(1);
    if size < 0 || size as usize > ThrParam::DESC.size(call.abi) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = call.read_bytes(call.arg(0), size as u64)?;
    bytes.resize(ThrParam::DESC.size(call.abi), 0);
    let p = ThrParam::read(call.abi, &bytes)?;
    // THR_SUSPENDED means nothing to the kernel.
    let priority = match p.rtp.0 {
        0 => None,
        at => Some(new_priority(call, at)?),
    };
    let isa = isa_of(call.thread);
    let abi = call.abi;
    let (parent_tid, child_tid) = (p.parent_tid.0, p.child_tid.0);
    call.thread.spawn(
        move |cpu| {
            let stack_end = p.stack_base.0.wrapping_add(p.stack_size.0);
            (isa.enter_thread)(cpu, p.start_func.0, p.arg.0, stack_end, p.tls_base.0);
        },
        move |thread| {
            if let Some((policy, level)) = priority {
                let level = level as u32;
                let args = [0, policy, (&raw const level) as u64, 0, 0, 0];
                let _ = thread.syscall(SYS_sched_setscheduler, args);
            }
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

/// The thread begins with the registers of a `ucontext_t`, and with the signal mask of this one.
fn create_from_context(call: &mut Call<'_>) -> SysResult {
    let (isa, abi) = (isa_of(call.thread), call.abi);
    let context = call.read_bytes(call.arg(0), isa.context_size as u64)?;
    let id_at = call.arg(1);
    if id_at != 0 {
        // The kernel finds out before there is a thread.
        call.write_int(id_at, Kind::Long, 0)?;
    }
    let process = call.thread.process.clone();
    call.thread.spawn(
        |cpu| (isa.load_context)(process.isa, cpu, &context),
        move |thread| {
            let mem = thread.process.mem.clone();
            if id_at != 0 {
                let _ = mem.store_word(id_at, abi.abi, thread.tid() as u64);
            }
        },
    )?;
    Ok(0)
}

/// The host's policy and priority of a new thread: only the superuser has any but the normal one.
fn new_priority(call: &Call<'_>, at: u64) -> SysResult<(u64, u64)> {
    const IDLE: u64 = 4;
    const NORMAL: u64 = 3;
    let kind = call.read_int(at, Kind::U16)?;
    if kind == IDLE {
        return Err(Errno::EINVAL);
    }
    if kind != NORMAL && crate::host::ids().euid != 0 {
        return Err(Errno::EPERM);
    }
    super::sched::read_priority(call, at)
}

fn exit(call: &mut Call<'_>) -> SysResult {
    let process = call.thread.process.clone();
    if let Some(tracee) = crate::os::freebsd::tracee_of(&process) {
        tracee.exits(call.thread);
    }
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
