//! Threads: `thr_*` and scheduling.

use crate::abi::{Errno, GuestStruct, Kind, SysResult};
use crate::os::freebsd::isa_of;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::sys::umtx;
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use crate::process::Outcome;

crate::syscalls! {
    thr_new(param: input::<ThrParam>(), param_size: INT) -> NUM, Partial("THR_SUSPENDED and the priority are ignored"), Handler(create);
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
