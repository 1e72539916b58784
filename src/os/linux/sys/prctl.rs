//! `prctl`: one table of options.

use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::os::{ArgType, BITS, Call, Dir, INT, Len, SIGNAL, STR, ints};

crate::flags! {
    /// Options of `prctl`.
    pub enum OPTIONS, "PR_" [] {
        PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_GET_UNALIGN = 5,
        PR_SET_UNALIGN = 6, PR_GET_KEEPCAPS = 7, PR_SET_KEEPCAPS = 8, PR_GET_FPEMU = 9, PR_SET_FPEMU = 10, PR_GET_FPEXC = 11,
        PR_SET_FPEXC = 12, PR_GET_TIMING = 13, PR_SET_TIMING = 14, PR_SET_NAME = 15, PR_GET_NAME = 16, PR_GET_ENDIAN = 19,
        PR_SET_ENDIAN = 20, PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22, PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24,
        PR_GET_TSC = 25, PR_SET_TSC = 26, PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29,
        PR_GET_TIMERSLACK = 30, PR_TASK_PERF_EVENTS_DISABLE = 31, PR_TASK_PERF_EVENTS_ENABLE = 32, PR_MCE_KILL = 33,
        PR_MCE_KILL_GET = 34, PR_SET_MM = 35, PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37,
        PR_SET_NO_NEW_PRIVS = 38, PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, PR_SET_THP_DISABLE = 41,
        PR_GET_THP_DISABLE = 42, PR_MPX_ENABLE_MANAGEMENT = 43, PR_MPX_DISABLE_MANAGEMENT = 44, PR_SET_FP_MODE = 45,
        PR_GET_FP_MODE = 46, PR_CAP_AMBIENT = 47, PR_SVE_SET_VL = 50, PR_SVE_GET_VL = 51, PR_GET_SPECULATION_CTRL = 52,
        PR_SET_SPECULATION_CTRL = 53, PR_PAC_RESET_KEYS = 54, PR_SET_TAGGED_ADDR_CTRL = 55, PR_GET_TAGGED_ADDR_CTRL = 56,
        PR_SET_IO_FLUSHER = 57, PR_GET_IO_FLUSHER = 58, PR_SET_SYSCALL_USER_DISPATCH = 59, PR_PAC_SET_ENABLED_KEYS = 60,
        PR_PAC_GET_ENABLED_KEYS = 61, PR_SCHED_CORE = 62, PR_SME_SET_VL = 63, PR_SME_GET_VL = 64, PR_SET_MDWE = 65,
        PR_GET_MDWE = 66, PR_SET_MEMORY_MERGE = 67, PR_GET_MEMORY_MERGE = 68, PR_SET_VMA = 0x53564d41,
        PR_SET_PTRACER = 0x59616d61,
    }
}

/// The type of `prctl`'s second argument.
pub fn argument(args: &[u64], _: crate::abi::OsAbi) -> ArgType {
    match OPTIONS
        .name_of(crate::abi::Dialect::X86, args[0])
        .unwrap_or("")
    {
        "PR_SET_NAME" => STR,
        "PR_GET_NAME" => ArgType::Buf(Dir::Out, Len::Const(16)),
        "PR_SET_PDEATHSIG" => SIGNAL,
        "PR_GET_PDEATHSIG" | "PR_GET_CHILD_SUBREAPER" => ints(Dir::Out, 1),
        "PR_SET_DUMPABLE"
        | "PR_SET_KEEPCAPS"
        | "PR_CAPBSET_READ"
        | "PR_CAPBSET_DROP"
        | "PR_SET_SECUREBITS"
        | "PR_SET_CHILD_SUBREAPER"
        | "PR_SET_NO_NEW_PRIVS"
        | "PR_SET_THP_DISABLE"
        | "PR_CAP_AMBIENT"
        | "PR_SET_TIMERSLACK" => INT,
        _ => BITS,
    }
}

pub(super) fn control(call: &mut Call<'_>) -> SysResult {
    let name = OPTIONS.name_of(crate::abi::Dialect::X86, call.arg(0));
    match name.unwrap_or("") {
        "PR_SET_NAME" => {
            // Not by the row's type: the kernel takes the first 15 bytes of a string of any length.
            let text = call
                .mem()
                .read_cstr(call.arg(1), 16)?
                .unwrap_or_else(|| vec![b'?'; 15]);
            let text = crate::os::cstring(&text[..text.len().min(15)])?;
            call.host(SYS_prctl, [15, text.as_ptr() as u64, 0, 0, 0, 0])
        }
        "PR_SET_PDEATHSIG"
        | "PR_GET_NAME"
        | "PR_GET_CHILD_SUBREAPER"
        | "PR_GET_DUMPABLE"
        | "PR_SET_DUMPABLE"
        | "PR_GET_KEEPCAPS"
        | "PR_SET_KEEPCAPS"
        | "PR_CAPBSET_READ"
        | "PR_CAPBSET_DROP"
        | "PR_GET_SECUREBITS"
        | "PR_SET_SECUREBITS"
        | "PR_SET_TIMERSLACK"
        | "PR_GET_TIMERSLACK"
        | "PR_SET_CHILD_SUBREAPER"
        | "PR_SET_NO_NEW_PRIVS"
        | "PR_GET_NO_NEW_PRIVS"
        | "PR_SET_THP_DISABLE"
        | "PR_GET_THP_DISABLE"
        | "PR_CAP_AMBIENT"
        | "PR_SET_PTRACER" => crate::os::pass(call, SYS_prctl, false),
        "PR_GET_PDEATHSIG" => {
            let mut signal = [0u8; 4];
            call.host(SYS_prctl, [2, signal.as_mut_ptr() as u64, 0, 0, 0, 0])?;
            let signal = u64::from(u32::from_le_bytes(signal));
            let signal =
                crate::abi::Show::Signal.convert(signal, crate::abi::OsAbi::HOST, call.abi);
            call.write_int(call.arg(1), crate::abi::Kind::I32, signal)?;
            Ok(0)
        }
        "PR_SET_VMA" if call.arg(1) == 0 => {
            // Names for anonymous memory: a kernel without CONFIG_ANON_VMA_NAME says EINVAL, and every libc lives with it.
            Err(Errno::EINVAL)
        }
        _ => {
            match name {
                Some(name) => call.unimplemented(name),
                None => call.unimplemented(&format!("option {:#x}", call.arg(0))),
            }
            Err(Errno::EINVAL)
        }
    }
}
