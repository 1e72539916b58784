//! What a dying process says of its core to the emulator that waits for it.
//!
//! `WCOREDUMP` of a wait status is about cores that the host's kernel wrote, and it writes none of guests. The limits of a process
//! can be read until somebody has waited for it, so a process that has left a core of its own says so there, by a limit that nobody
//! else would set. That needs no memory in common, and holds across `execve`.

use super::signal::RawInfo;
use super::syscall::syscall;
use crate::abi::{Errno, SysResult};

/// Limits (soft, hard) of a process that must leave no core. One byte is too little for a file, and the kernel's word for "not to
/// a program either". PR_SET_DUMPABLE would hold for every process that shares this memory.
const NO_CORE: [u64; 2] = [1, 1];
/// Likewise, of one that has left its core already.
const CORE_LEFT: [u64; 2] = [1, 2];

/// `prlimit64(2)` of RLIMIT_CORE.
fn limit(pid: i32, new: Option<&[u64; 2]>) -> Option<[u64; 2]> {
    let mut old = [0; 2];
    let args = [
        pid as u64,
        u64::from(libc::RLIMIT_CORE),
        new.map_or(0, |n| n.as_ptr() as u64),
        old.as_mut_ptr() as u64,
        0,
        0,
    ];
    syscall(libc::SYS_prlimit64, args).ok().map(|_| old)
}

/// Says that this process, which is about to die, has left a core. Where the hard limit is 0 it cannot be said.
pub fn tell_core() {
    let _ = limit(0, Some(&CORE_LEFT));
}

/// Keeps the kernel from writing a core of this process.
pub(super) fn forbid_core() {
    if limit(0, None) != Some(CORE_LEFT) && limit(0, Some(&NO_CORE)).is_none() {
        let _ = limit(0, Some(&[0, 0]));
    }
}

/// Whether a child that has ended, and that nobody has waited for yet, has left a core of its own.
fn has_left_core(pid: i32) -> bool {
    limit(pid, None) == Some(CORE_LEFT)
}

/// Waits as waitid(2) does, `wait` being what makes the call (arguments as the kernel has them: type, id, where the `siginfo_t`
/// goes, options, where the `rusage` goes), and with CLD_DUMPED for a child that has left a core of its own.
///
/// # Errors
/// Those of waitid.
pub fn wait_id(
    [kind, id, options, usage]: [u64; 4],
    info: &mut RawInfo,
    mut wait: impl FnMut([u64; 6]) -> SysResult,
) -> SysResult<()> {
    let peek = options | libc::WNOWAIT as u64;
    loop {
        *info = RawInfo([0; 128]);
        let to = info.0.as_mut_ptr() as u64;
        wait([kind, id, to, peek, usage, 0])?;
        let (code, pid) = (info.i32(CODE), info.i32(PID));
        if pid == 0 {
            return Ok(());
        }
        let dumped = code == libc::CLD_KILLED && has_left_core(pid);
        if options & libc::WNOWAIT as u64 == 0 {
            // Another thread may have waited for it meanwhile; then for the next one.
            let one = options | libc::WNOHANG as u64;
            let taken = wait([libc::P_PID as u64, pid as u64, to, one, usage, 0]);
            if taken == Err(Errno::ECHILD) || taken.is_ok() && info.i32(PID) != pid {
                continue;
            }
            taken?;
        }
        if dumped {
            info.0[CODE..CODE + 4].copy_from_slice(&libc::CLD_DUMPED.to_le_bytes());
        }
        return Ok(());
    }
}

/// Offsets in `siginfo_t` of x86-64: `si_code`, `si_pid`, `si_status`.
const CODE: usize = 8;
const PID: usize = 16;
const STATUS: usize = 24;

/// As [`wait_id`], with the arguments of wait4(2): the child and its status, or 0.
///
/// # Errors
/// Those of wait4.
pub fn wait4(
    [pid, options, usage]: [u64; 3],
    wait: impl FnMut([u64; 6]) -> SysResult,
) -> SysResult<(i32, u32)> {
    const ALLOWED: u64 = (libc::WNOHANG | libc::WUNTRACED | libc::WCONTINUED) as u64
        | (libc::__WNOTHREAD | libc::__WALL | libc::__WCLONE) as u32 as u64;
    if options & !ALLOWED != 0 {
        return Err(Errno::EINVAL);
    }
    let (kind, id) = match pid as i32 {
        -1 => (libc::P_ALL, 0),
        i32::MIN => return Err(Errno::ESRCH),
        // SAFETY: no arguments, no failure.
        0 => (libc::P_PGID, unsafe { libc::getpgrp() }),
        group @ ..0 => (libc::P_PGID, -group),
        pid => (libc::P_PID, pid),
    };
    let options = options | libc::WEXITED as u64;
    let mut info = RawInfo([0; 128]);
    wait_id([kind.into(), id as u64, options, usage], &mut info, wait)?;
    Ok((info.i32(PID), status(&info)))
}

/// The status that wait4(2) gives for what waitid(2) has told.
pub fn status(info: &RawInfo) -> u32 {
    let status = info.i32(STATUS) as u32;
    match info.i32(CODE) {
        libc::CLD_EXITED => (status & 0xff) << 8,
        libc::CLD_KILLED => status,
        libc::CLD_DUMPED => status | 0x80,
        libc::CLD_CONTINUED => 0xffff,
        // CLD_STOPPED, CLD_TRAPPED
        _ => 0x7f | status << 8,
    }
}
