//! Controls of a process's memory: the most that mappings may ever allow (PROTMAX), mappings that can be written and executed
//! (WXMAP), the gap at the start of the stack (STACKGAP, which is kept for who asks: stacks have none here).

use super::{PROTMAX_CTL, STACKGAP_CTL, WXMAP_CTL, WXMAP_STATUS, give, keep, kept};
use crate::abi::{Errno, Kind, SysResult};
use crate::os::Call;
use crate::os::freebsd::sys::board;

/// PROC_PROTMAX_FORCE_ENABLE and its like
const FORCE_ENABLE: u32 = 1;
const FORCE_DISABLE: u32 = 2;
const NOFORCE: u32 = 3;
/// PROC_PROTMAX_ACTIVE, PROC_WXORX_ENFORCE
const ACTIVE: u32 = 1 << 31;

/// PROC_WX_MAPPINGS_PERMIT, PROC_WX_MAPPINGS_DISALLOW_EXEC
const WX_PERMIT: u32 = 1;
const WX_DISALLOW_EXEC: u32 = 2;

/// PROC_STACKGAP_ENABLE and its like
const GAP: u32 = 1;
const NO_GAP: u32 = 2;
const GAP_EXEC: u32 = 4;
const NO_GAP_EXEC: u32 = 8;

/// What a mapping of this protection may ever allow, where `mmap` is not told: only that, if it is asked for (`kern_mmap`).
pub(in crate::os::freebsd::sys) fn implied_maximum(protection: u8) -> Option<u8> {
    const PROT_NONE: u8 = 0;
    let forced = kept(crate::host::pid(), PROTMAX_CTL) == FORCE_ENABLE;
    (protection != PROT_NONE && forced).then_some(protection)
}

/// Whether this program may have no memory that it can both write and execute.
pub(in crate::os::freebsd::sys) fn forbids_writable_code() -> bool {
    kept(crate::host::pid(), WXMAP_STATUS) != 0
}

/// What the program that is executed now may do, by what its process has been set to.
pub(super) fn executes(values: &mut [u32; board::COMMANDS]) {
    let disallowed = values[WXMAP_CTL as usize] & WX_DISALLOW_EXEC != 0;
    values[WXMAP_STATUS as usize] = disallowed.into();
    let gap = &mut values[STACKGAP_CTL as usize];
    if *gap & NO_GAP_EXEC == 0 {
        *gap &= !NO_GAP;
    }
}

/// A command of these that sets something.
pub(super) fn set(pid: i32, command: i32, value: u32) -> SysResult {
    match (command, value) {
        (PROTMAX_CTL, FORCE_ENABLE..=NOFORCE) => keep(pid, command, value),
        (WXMAP_CTL, WX_PERMIT) => {
            keep(pid, WXMAP_STATUS, 0)?;
            keep(pid, command, kept(pid, command) | WX_PERMIT)
        }
        (WXMAP_CTL, WX_DISALLOW_EXEC) => keep(pid, command, kept(pid, command) | WX_DISALLOW_EXEC),
        (STACKGAP_CTL, ..=0xf) => {
            let mut gap = kept(pid, command);
            match value & (GAP | NO_GAP) {
                // Once gone it is so for all the program.
                GAP if gap & NO_GAP != 0 => return Err(Errno::EINVAL),
                0 | GAP => {}
                NO_GAP => gap |= NO_GAP,
                _ => return Err(Errno::EINVAL),
            }
            match value & (GAP_EXEC | NO_GAP_EXEC) {
                0 => {}
                GAP_EXEC => gap &= !NO_GAP_EXEC,
                NO_GAP_EXEC => gap |= NO_GAP_EXEC,
                _ => return Err(Errno::EINVAL),
            }
            keep(pid, command, gap)
        }
        _ => Err(Errno::EINVAL),
    }
}

/// What the control of that command is set to.
pub(super) fn tell(call: &mut Call<'_>, pid: i32, command: i32) -> SysResult {
    let value = kept(pid, command);
    let told = match command {
        PROTMAX_CTL => match value {
            FORCE_ENABLE => FORCE_ENABLE | ACTIVE,
            FORCE_DISABLE => FORCE_DISABLE,
            _ => NOFORCE,
        },
        WXMAP_CTL => match kept(pid, WXMAP_STATUS) {
            0 => value,
            _ => value | ACTIVE,
        },
        _ => {
            let now = if value & NO_GAP != 0 { NO_GAP } else { GAP };
            let next = if value & NO_GAP_EXEC != 0 {
                NO_GAP_EXEC
            } else {
                GAP_EXEC
            };
            now | next
        }
    };
    give(call, call.arg(3), told.into())
}

/// The value that a command sets.
pub(super) fn given(call: &Call<'_>) -> SysResult<u32> {
    Ok(call.read_int(call.arg(3), Kind::U32)? as u32)
}
