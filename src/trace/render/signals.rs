//! Signals: sets, information, statuses of processes that they ended.

use super::pointer;
use crate::abi::{Dialect, Errno, OsAbi, Signal};
use crate::process::{SigFields, SigInfo, SigSet};
use crate::trace::{name_in, signal_name};
use std::fmt::Write;

/// A status as `wait4` stores it.
pub(super) fn wait_status(d: Dialect, status: u32) -> String {
    let signal = |n: u32| signal_name(d, n);
    match status & 0x7f {
        0 => format!(
            "{{WIFEXITED(s) && WEXITSTATUS(s) == {}}}",
            status >> 8 & 0xff
        ),
        0x7f if status == 0xffff => "{WIFCONTINUED(s)}".to_owned(),
        0x7f => format!(
            "{{WIFSTOPPED(s) && WSTOPSIG(s) == {}}}",
            signal(status >> 8 & 0x7f)
        ),
        n => format!(
            "{{WIFSIGNALED(s) && WTERMSIG(s) == {}{}}}",
            signal(n),
            if status & 0x80 != 0 {
                " && WCOREDUMP(s)"
            } else {
                ""
            }
        ),
    }
}

/// A set of signals out of `full` that there are.
pub(super) fn signal_set(dialect: Dialect, set: SigSet, full: u32) -> String {
    let names = |s: SigSet| {
        let each: Vec<String> = s
            .iter()
            .filter(|s| u32::from(s.0) <= full)
            .map(|s| name_in(dialect, s).trim_start_matches("SIG").to_owned())
            .collect();
        each.join(" ")
    };
    let count = set.iter().filter(|s| u32::from(s.0) <= full).count() as u32;
    if count > full / 2 {
        format!("~[{}]", names(SigSet::FULL.without(set)))
    } else {
        format!("[{}]", names(set))
    }
}

/// The name of a code that the kernel gives with a signal of its own.
fn code_name(dialect: Dialect, info: &SigInfo) -> String {
    let own: &[&str] = match info.signal {
        Signal::SIGSEGV => &["SEGV_MAPERR", "SEGV_ACCERR", "SEGV_BNDERR", "SEGV_PKUERR"],
        Signal::SIGBUS => &["BUS_ADRALN", "BUS_ADRERR", "BUS_OBJERR"],
        Signal::SIGILL => &[
            "ILL_ILLOPC",
            "ILL_ILLOPN",
            "ILL_ILLADR",
            "ILL_ILLTRP",
            "ILL_PRVOPC",
            "ILL_PRVREG",
            "ILL_COPROC",
            "ILL_BADSTK",
        ],
        Signal::SIGFPE => &[
            "FPE_INTDIV",
            "FPE_INTOVF",
            "FPE_FLTDIV",
            "FPE_FLTOVF",
            "FPE_FLTUND",
            "FPE_FLTRES",
            "FPE_FLTINV",
            "FPE_FLTSUB",
        ],
        Signal::SIGTRAP => &["TRAP_BRKPT", "TRAP_TRACE", "TRAP_BRANCH", "TRAP_HWBKPT"],
        Signal::SIGCHLD => &[
            "CLD_EXITED",
            "CLD_KILLED",
            "CLD_DUMPED",
            "CLD_TRAPPED",
            "CLD_STOPPED",
            "CLD_CONTINUED",
        ],
        _ => &[],
    };
    usize::try_from(info.code)
        .ok()
        .and_then(|c| own.get(c.wrapping_sub(1)))
        .map(|n| (*n).to_owned())
        .or_else(|| {
            // Sent to a thread: both kernels have the code, each a name of its own.
            const SI_TKILL: i32 = -6;
            if dialect == Dialect::FreeBsd && info.code == SI_TKILL {
                return Some("SI_LWP".into());
            }
            crate::os::linux::flags::SI_CODE
                .name_of(Dialect::X86, i64::from(info.code) as u64)
                .map(str::to_owned)
        })
        .unwrap_or_else(|| info.code.to_string())
}

/// `siginfo_t` by its fields; numbers of signals by name.
pub fn siginfo(info: &SigInfo, abi: OsAbi) -> String {
    let mut out = format!(
        "{{si_signo={}, si_code={}",
        name_in(abi.dialect, info.signal),
        code_name(abi.dialect, info)
    );
    if info.errno != 0 {
        // Writing to a string cannot fail.
        let _ = write!(out, ", si_errno={:?}", Errno(info.errno));
    }
    let rest = match info.fields {
        SigFields::Kill { pid, uid } => format!(", si_pid={pid}, si_uid={uid}"),
        SigFields::Timer { id, overrun, value } => {
            format!(", si_timerid={id:#x}, si_overrun={overrun}, si_value={value:#x}")
        }
        SigFields::Queue { pid, uid, value } => {
            format!(", si_pid={pid}, si_uid={uid}, si_value={value:#x}")
        }
        SigFields::Child {
            pid,
            uid,
            status,
            utime,
            stime,
        } => {
            const CLD_EXITED: i32 = 1;
            let status = if info.code == CLD_EXITED {
                status.to_string()
            } else {
                name_in(abi.dialect, Signal(status as u8))
            };
            format!(
                ", si_pid={pid}, si_uid={uid}, si_status={status}, si_utime={utime}, si_stime={stime}"
            )
        }
        SigFields::Fault { addr } => format!(", si_addr={}", pointer(addr)),
        SigFields::Poll { band, fd } => format!(", si_band={band:#x}, si_fd={fd}"),
        SigFields::Sys { addr, number, .. } => {
            format!(", si_call_addr={addr:#x}, si_syscall={number}")
        }
    };
    out + &rest + "}"
}
