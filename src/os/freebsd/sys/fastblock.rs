//! `sigfastblock(2)`: a word of the thread's by which its libraries hold signals off without a call. Its upper 28 bits count how
//! often they are held; the lowest says that one waits. The kernel looks at it when it would deliver one.

use crate::abi::{Errno, OsAbi, SysResult};
use crate::ir::MemFault;
use crate::os::freebsd::flags as f;
use crate::os::{Call, Run::Handler, Support::Full, *};
use crate::process::Thread;

crate::syscalls! {
    sigfastblock(cmd: one_of(&f::SIGFASTBLOCK), ptr: ADDR) -> NUM, Full, Handler(operate);
}

/// SIGFASTBLOCK_PEND
const PENDING: u32 = 1;
/// SIGFASTBLOCK_FLAGS: what is below the count.
const FLAGS: u32 = 0xf;

fn word(thread: &Thread, a: OsAbi) -> Result<u32, MemFault> {
    thread.process.mem.load(thread.hold_word, a.abi.endian)
}

/// Changes the word from one value to another; returns the value that it had.
fn exchange(thread: &Thread, a: OsAbi, from: u32, to: u32) -> Result<u32, MemFault> {
    let order = |v: u32| match a.abi.endian {
        crate::abi::Endian::Little => v,
        crate::abi::Endian::Big => v.swap_bytes(),
    };
    let mem = &thread.process.mem;
    let seen = mem.compare_exchange(thread.hold_word, 4, order(from).into(), order(to).into())?;
    Ok(order(seen as u32))
}

/// Whether the thread holds signals off; then its word says that one waits. A word that is not there holds none.
pub(in crate::os::freebsd) fn is_held(thread: &Thread, a: OsAbi) -> bool {
    let Ok(mut value) = word(thread, a) else {
        return false;
    };
    while value & !FLAGS != 0 {
        match exchange(thread, a, value, value | PENDING) {
            Ok(seen) if seen == value => return true,
            Ok(seen) => value = seen,
            Err(_) => return false,
        }
    }
    false
}

fn operate(call: &mut Call<'_>) -> SysResult {
    const SETPTR: i32 = 1;
    const UNBLOCK: i32 = 2;
    const UNSETPTR: i32 = 3;
    let at = call.arg(1);
    let is_set = call.thread.hold_word != 0;
    match call.int(0) {
        SETPTR if is_set => Err(Errno::EBUSY),
        SETPTR if !at.is_multiple_of(4) || at == 0 => Err(Errno::EINVAL),
        SETPTR => {
            call.thread.hold_word = at;
            Ok(0)
        }
        UNBLOCK | UNSETPTR if !is_set => Err(Errno::EINVAL),
        UNBLOCK => match exchange(call.thread, call.abi, PENDING, 0)? {
            PENDING | 0 => {
                // What waits is taken on the way out.
                let mask = call.thread.signal_mask();
                call.thread.set_signal_mask(mask);
                Ok(0)
            }
            _ => Err(Errno::EBUSY),
        },
        UNSETPTR => {
            if word(call.thread, call.abi)? & !FLAGS != 0 {
                return Err(Errno::EBUSY);
            }
            call.thread.hold_word = 0;
            let mask = call.thread.signal_mask();
            call.thread.set_signal_mask(mask);
            Ok(0)
        }
        _ => Err(Errno::EINVAL),
    }
}
