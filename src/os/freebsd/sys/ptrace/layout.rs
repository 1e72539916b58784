//! Requests of `ptrace` and what they hand over (`sys/ptrace.h`).

use crate::abi::{Long, Show, Ulong};
use crate::os::freebsd::flags as f;

/// The requests.
#[allow(missing_docs, reason = "the names of the header")]
pub mod pt {
    pub const TRACE_ME: i32 = 0;
    pub const READ_I: i32 = 1;
    pub const READ_D: i32 = 2;
    pub const WRITE_I: i32 = 4;
    pub const WRITE_D: i32 = 5;
    pub const CONTINUE: i32 = 7;
    pub const KILL: i32 = 8;
    pub const STEP: i32 = 9;
    pub const ATTACH: i32 = 10;
    pub const DETACH: i32 = 11;
    pub const IO: i32 = 12;
    pub const LWPINFO: i32 = 13;
    pub const GETNUMLWPS: i32 = 14;
    pub const GETLWPLIST: i32 = 15;
    pub const CLEARSTEP: i32 = 16;
    pub const SETSTEP: i32 = 17;
    pub const SUSPEND: i32 = 18;
    pub const RESUME: i32 = 19;
    pub const TO_SCE: i32 = 20;
    pub const TO_SCX: i32 = 21;
    pub const SYSCALL: i32 = 22;
    pub const FOLLOW_FORK: i32 = 23;
    pub const LWP_EVENTS: i32 = 24;
    pub const GET_EVENT_MASK: i32 = 25;
    pub const SET_EVENT_MASK: i32 = 26;
    pub const GET_SC_ARGS: i32 = 27;
    pub const GET_SC_RET: i32 = 28;
    pub const GETREGS: i32 = 33;
    pub const SETREGS: i32 = 34;
    pub const GETFPREGS: i32 = 35;
    pub const SETFPREGS: i32 = 36;
    pub const VM_TIMESTAMP: i32 = 40;
    pub const VM_ENTRY: i32 = 41;
    pub const GETREGSET: i32 = 42;
    pub const SETREGSET: i32 = 43;
}

// PIOD_*
pub(super) const READ_DATA: i32 = 1;
pub(super) const WRITE_DATA: i32 = 2;
pub(super) const READ_TEXT: i32 = 3;
pub(super) const WRITE_TEXT: i32 = 4;

/// `_SIG_MAXSIG`
pub(super) const MAX_SIGNAL: i64 = 128;

crate::guest_struct! {
    /// `struct ptrace_io_desc`
    pub struct IoDesc("ptrace_io_desc") {
        piod_op: i32 as Show::Flags(&f::PIOD), piod_offs: Ulong as Show::Hex,
        piod_addr: Ulong as Show::Hex, piod_len: Ulong,
    }

    /// `struct iovec` of a set of registers.
    pub struct Span("iovec") { iov_base: Ulong as Show::Hex, iov_len: Ulong }

    /// `struct ptrace_vm_entry`
    pub struct VmEntry("ptrace_vm_entry") {
        pve_entry: i32, pve_timestamp: i32, pve_start: Ulong as Show::Hex, pve_end: Ulong as Show::Hex,
        pve_offset: Ulong as Show::Hex, pve_prot: u32 as Show::Flags(&f::PROT),
        pve_pathlen: u32, pve_fileid: Long, pve_fsid: u32, pve_path: Ulong as Show::Hex,
    }

    /// `struct ptrace_sc_ret`
    pub struct CallReturn("ptrace_sc_ret") {
        sr_retval0: Ulong as Show::Hex, sr_retval1: Ulong as Show::Hex, sr_error: i32 as Show::Errno,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::GuestStruct;
    use crate::os::freebsd::isa::{AARCH64, MIPS};

    /// From FreeBSD 13.2's headers, compiled for arm64 and mips.
    #[test]
    fn sizes_are_those_of_the_headers() {
        let sizes = |a| {
            [
                IoDesc::DESC.size(a),
                VmEntry::DESC.size(a),
                CallReturn::DESC.size(a),
            ]
        };
        assert_eq!(sizes(AARCH64.abi), [32, 64, 24]);
        assert_eq!(sizes(MIPS.abi), [16, 40, 12]);
        assert_eq!(VmEntry::DESC.offset(AARCH64.abi, "pve_path"), Some(56));
        assert_eq!(VmEntry::DESC.offset(MIPS.abi, "pve_path"), Some(36));
    }
}
