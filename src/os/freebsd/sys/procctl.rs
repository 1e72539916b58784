//! Control of processes: `procctl` (`sys/procctl.h`).

use std::sync::Mutex;

use crate::abi::{Errno, Kind, Show, SysResult, write_int};
use crate::host::nr::*;
use crate::os::freebsd::{self, flags as f};
use crate::os::{ArgType, Call, Run::Handler, Support::Partial, *};

const ID_TYPE: ArgType = one_of(&f::ID_TYPE);

crate::syscalls! {
    procctl(idtype: ID_TYPE, id: OFFSET, com: one_of(&f::PROCCTL), data: ADDR) -> NUM, Partial("of the calling process; ASLR, PROTMAX, STACKGAP, WXMAP and LOGSIGEXIT are kept without effect"), Handler(control);
}

/// What is kept of the controls that have no counterpart: the last value of each command.
#[derive(Default)]
pub struct Controls(Mutex<[u32; 25]>);

// Commands.
const SPROTECT: i32 = 1;
const REAP_ACQUIRE: i32 = 2;
const REAP_RELEASE: i32 = 3;
const REAP_STATUS: i32 = 4;
const REAP_GETPIDS: i32 = 5;
const REAP_KILL: i32 = 6;
const TRACE_CTL: i32 = 7;
const TRACE_STATUS: i32 = 8;
const TRAPCAP_CTL: i32 = 9;
const TRAPCAP_STATUS: i32 = 10;
const PDEATHSIG_CTL: i32 = 11;
const PDEATHSIG_STATUS: i32 = 12;
const ASLR_CTL: i32 = 13;
const ASLR_STATUS: i32 = 14;
const PROTMAX_CTL: i32 = 15;
const PROTMAX_STATUS: i32 = 16;
const STACKGAP_CTL: i32 = 17;
const STACKGAP_STATUS: i32 = 18;
const NO_NEW_PRIVS_CTL: i32 = 19;
const NO_NEW_PRIVS_STATUS: i32 = 20;
const WXMAP_CTL: i32 = 21;
const WXMAP_STATUS: i32 = 22;
const LOGSIGEXIT_CTL: i32 = 23;
const LOGSIGEXIT_STATUS: i32 = 24;

/// PROC_TRAPCAP_CTL_ENABLE
pub(super) const TRAPCAP_ENABLE: u32 = 1;

// The host's prctl(2).
const PR_SET_PDEATHSIG: u64 = 1;
const PR_GET_PDEATHSIG: u64 = 2;
const PR_GET_DUMPABLE: u64 = 3;
const PR_SET_DUMPABLE: u64 = 4;
const PR_SET_CHILD_SUBREAPER: u64 = 36;
const PR_GET_CHILD_SUBREAPER: u64 = 37;
const PR_SET_NO_NEW_PRIVS: u64 = 38;
const PR_GET_NO_NEW_PRIVS: u64 = 39;

fn prctl(call: &mut Call<'_>, option: u64, value: u64) -> SysResult {
    call.host(SYS_prctl, [option, value, 0, 0, 0, 0])
}

/// An `int` that the host stores through a pointer.
fn prctl_get(call: &mut Call<'_>, option: u64) -> SysResult {
    let mut value = 0u32;
    prctl(call, option, (&raw mut value) as u64)?;
    Ok(value.into())
}

/// The value that a control was set to.
pub(super) fn kept(call: &Call<'_>, command: i32) -> u32 {
    let Some(os) = freebsd::of(call.thread) else {
        return 0;
    };
    let values = os.controls.0.lock();
    values.map_or(0, |values| values[command as usize])
}

fn keep(call: &Call<'_>, command: i32, value: u32) {
    if let Some(os) = freebsd::of(call.thread)
        && let Ok(mut values) = os.controls.0.lock()
    {
        values[command as usize] = value;
    }
}

/// Whether capability violations raise SIGTRAP.
pub(super) fn traps_violations(call: &Call<'_>) -> bool {
    kept(call, TRAPCAP_CTL) == TRAPCAP_ENABLE
}

fn control(call: &mut Call<'_>) -> SysResult {
    const P_PID: i32 = 0;
    const P_PGID: i32 = 2;
    let (kind, id, command) = (call.int(0), call.arg(1) as i64, call.int(2));
    let me = i64::from(crate::host::pid());
    if !(SPROTECT..=LOGSIGEXIT_STATUS).contains(&command) {
        call.unimplemented(&format!("command {command:#x}"));
        return Err(Errno::EINVAL);
    }
    let own = match kind {
        P_PID => id == 0 || id == me,
        // Only these may be asked of a group.
        P_PGID if matches!(command, SPROTECT | TRACE_CTL | TRAPCAP_CTL) => {
            let group = call.host(SYS_getpgrp, [0; 6])?;
            id as u64 == group
        }
        _ => return Err(Errno::EINVAL),
    };
    if !own {
        // What another process allows is its own affair: it may not even be a guest.
        if matches!(command, PDEATHSIG_CTL | PDEATHSIG_STATUS) {
            return Err(Errno::EINVAL);
        }
        call.host(SYS_kill, [id as u64, 0, 0, 0, 0, 0])?;
        call.unimplemented("another process");
        return Err(Errno::EPERM);
    }
    let at = call.arg(3);
    match command {
        SPROTECT => match crate::host::ids().euid {
            0 => Ok(0),
            _ => Err(Errno::EPERM),
        },
        REAP_ACQUIRE => match prctl_get(call, PR_GET_CHILD_SUBREAPER)? {
            0 => prctl(call, PR_SET_CHILD_SUBREAPER, 1),
            _ => Err(Errno::EBUSY),
        },
        REAP_RELEASE => match prctl_get(call, PR_GET_CHILD_SUBREAPER)? {
            0 => Err(Errno::EINVAL),
            _ => prctl(call, PR_SET_CHILD_SUBREAPER, 0),
        },
        REAP_STATUS => reaper_status(call, at),
        REAP_GETPIDS => reaper_pids(call, at),
        REAP_KILL => reaper_kill(call, at),
        PDEATHSIG_CTL => {
            let signal = call.read_int(at, Kind::I32)?;
            let host = match signal {
                0 => 0,
                n => Show::Signal.convert(n, call.abi, crate::abi::OsAbi::HOST),
            };
            if host > 64 {
                return Err(Errno::EINVAL);
            }
            prctl(call, PR_SET_PDEATHSIG, host)
        }
        PDEATHSIG_STATUS => {
            let host = prctl_get(call, PR_GET_PDEATHSIG)?;
            let signal = match host {
                0 => 0,
                n => Show::Signal.convert(n, crate::abi::OsAbi::HOST, call.abi),
            };
            give(call, at, signal)
        }
        TRACE_CTL => match call.read_int(at, Kind::I32)? {
            1 => prctl(call, PR_SET_DUMPABLE, 1),
            // The host gives a program that is executed its own again, as PROC_TRACE_CTL_DISABLE does.
            2 => prctl(call, PR_SET_DUMPABLE, 0),
            3 => {
                call.unimplemented("PROC_TRACE_CTL_DISABLE_EXEC");
                Err(Errno::EINVAL)
            }
            _ => Err(Errno::EINVAL),
        },
        // -1 when tracing is off, 0 when nobody traces.
        TRACE_STATUS => {
            let dumpable = prctl(call, PR_GET_DUMPABLE, 0)?;
            give(call, at, if dumpable == 0 { u64::MAX } else { 0 })
        }
        NO_NEW_PRIVS_CTL => match call.read_int(at, Kind::I32)? {
            1 => prctl(call, PR_SET_NO_NEW_PRIVS, 1),
            _ => Err(Errno::EINVAL),
        },
        NO_NEW_PRIVS_STATUS => {
            let on = prctl(call, PR_GET_NO_NEW_PRIVS, 0)?;
            give(call, at, if on != 0 { 1 } else { 2 })
        }
        TRAPCAP_CTL | ASLR_CTL | PROTMAX_CTL | STACKGAP_CTL | WXMAP_CTL | LOGSIGEXIT_CTL => {
            let value = call.read_int(at, Kind::U32)? as u32;
            let known = match command {
                TRAPCAP_CTL => 1..=2,
                STACKGAP_CTL => 1..=15,
                _ => 1..=3,
            };
            if !known.contains(&value) {
                return Err(Errno::EINVAL);
            }
            keep(call, command, value);
            Ok(0)
        }
        TRAPCAP_STATUS => {
            let value = kept(call, TRAPCAP_CTL).max(1);
            give(
                call,
                at,
                if traps_violations(call) {
                    1
                } else {
                    u64::from(value.max(2))
                },
            )
        }
        ASLR_STATUS => status(call, ASLR_CTL, 3),
        PROTMAX_STATUS => status(call, PROTMAX_CTL, 3),
        STACKGAP_STATUS => status(call, STACKGAP_CTL, 5),
        WXMAP_STATUS => status(call, WXMAP_CTL, 1),
        LOGSIGEXIT_STATUS => status(call, LOGSIGEXIT_CTL, 1),
        _ => Err(Errno::EINVAL),
    }
}

fn give(call: &mut Call<'_>, at: u64, value: u64) -> SysResult {
    call.write_int(at, Kind::I32, value)?;
    Ok(0)
}

/// What a control is set to, or has from the start.
fn status(call: &mut Call<'_>, command: i32, default: u32) -> SysResult {
    let value = match kept(call, command) {
        0 => default,
        value => value,
    };
    give(call, call.arg(3), value.into())
}

/// Children of a process, by the host's list.
fn children(pid: i32) -> Vec<i32> {
    let mut all = Vec::new();
    let Ok(tasks) = std::fs::read_dir(format!("/proc/{pid}/task")) else {
        return all;
    };
    for task in tasks.flatten() {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        all.extend(
            list.split_whitespace()
                .filter_map(|n| n.parse::<i32>().ok()),
        );
    }
    all
}

/// A descendant, and the child of this process that it comes from.
struct Descendant {
    pid: i32,
    subtree: i32,
    is_child: bool,
}

fn descendants() -> Vec<Descendant> {
    let mut all = Vec::new();
    for child in children(crate::host::pid()) {
        all.push(Descendant {
            pid: child,
            subtree: child,
            is_child: true,
        });
        let mut open = vec![child];
        while let Some(parent) = open.pop() {
            for pid in children(parent) {
                all.push(Descendant {
                    pid,
                    subtree: child,
                    is_child: false,
                });
                open.push(pid);
            }
        }
    }
    all
}

/// `struct procctl_reaper_status`: flags, children, descendants, reaper, first child; 15 spare words.
fn reaper_status(call: &mut Call<'_>, at: u64) -> SysResult {
    const OWNED: u64 = 1;
    let owned = prctl_get(call, PR_GET_CHILD_SUBREAPER)? != 0;
    let all = descendants();
    let count = all.iter().filter(|d| d.is_child).count() as u64;
    let me = crate::host::pid() as u64;
    let words = [
        if owned { OWNED } else { 0 },
        count,
        all.len() as u64,
        if owned { me } else { 1 },
        all.first().map_or(u64::MAX, |d| d.pid as u64),
    ];
    let mut out = [0; 20 * 4];
    for (word, to) in words.into_iter().zip(out.chunks_mut(4)) {
        write_int(call.abi, Kind::U32, to, word);
    }
    call.write_bytes(at, &out)?;
    Ok(0)
}

/// `struct procctl_reaper_pids`: count, 15 spare words, pointer to that many `struct procctl_reaper_pidinfo`: id, subtree, flags, 15
/// spare words.
fn reaper_pids(call: &mut Call<'_>, at: u64) -> SysResult {
    const VALID: u64 = 1;
    const CHILD: u64 = 2;
    const INFO_SIZE: usize = 18 * 4;
    let room = call.read_int(at, Kind::U32)?;
    let list = call.read_int(at + 64, Kind::Ulong)?;
    let mut all = descendants().into_iter();
    for n in 0..room {
        let mut out = [0; INFO_SIZE];
        let next = all.next();
        if let Some(d) = &next {
            let flags = VALID | if d.is_child { CHILD } else { 0 };
            for (n, word) in [d.pid as u64, d.subtree as u64, flags]
                .into_iter()
                .enumerate()
            {
                write_int(call.abi, Kind::U32, &mut out[4 * n..], word);
            }
        }
        // The first that is not valid ends the list.
        call.write_bytes(list.wrapping_add(n * INFO_SIZE as u64), &out)?;
        if next.is_none() {
            break;
        }
    }
    Ok(0)
}

/// `struct procctl_reaper_kill`: signal, flags, subtree in; count, first that could not be killed out.
fn reaper_kill(call: &mut Call<'_>, at: u64) -> SysResult {
    const CHILDREN: u64 = 1;
    const SUBTREE: u64 = 2;
    let signal = call.read_int(at, Kind::I32)?;
    let flags = call.read_int(at + 4, Kind::U32)?;
    let subtree = call.read_int(at + 8, Kind::I32)? as i32;
    if !(1..=128).contains(&signal)
        || flags & !(CHILDREN | SUBTREE) != 0
        || flags == CHILDREN | SUBTREE
    {
        return Err(Errno::EINVAL);
    }
    let host = Show::Signal.convert(signal, call.abi, crate::abi::OsAbi::HOST);
    let (mut killed, mut failed, mut result) = (0, -1, Err(Errno::ESRCH));
    for d in descendants() {
        let wanted = match flags {
            CHILDREN => d.is_child,
            SUBTREE => d.subtree == subtree,
            _ => true,
        };
        if !wanted {
            continue;
        }
        match call.host(SYS_kill, [d.pid as u64, host, 0, 0, 0, 0]) {
            Ok(_) => {
                killed += 1;
                if failed == -1 {
                    result = Ok(0);
                }
            }
            Err(e) if failed == -1 => {
                failed = d.pid;
                result = Err(e);
            }
            Err(_) => {}
        }
    }
    call.write_int(at + 12, Kind::U32, killed)?;
    call.write_int(at + 16, Kind::I32, failed as u64)?;
    result
}
