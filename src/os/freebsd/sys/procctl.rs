//! Control of processes: `procctl` (`sys/procctl.h`).

mod memory;

pub(super) use memory::{forbids_writable_code, implied_maximum};

use super::{board, wait};
use crate::abi::{Errno, Kind, Show, SysResult, write_int};
use crate::host::nr::*;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{self, flags as f};
use crate::os::{ArgType, Call, Run::Handler, Support::Partial, *};

const ID_TYPE: ArgType = one_of(&f::ID_TYPE);

const LIMITS: &str = "of guests; ASLR and STACKGAP are kept, but addresses are the same in every run, and LOGSIGEXIT without a \
    log; TRACE_CTL of another process does not keep it from dumping core; NO_NEW_PRIVS_CTL of another process holds from its next \
    program on; what an ELF file's feature note asks for is not looked at";

crate::syscalls! {
    procctl(idtype: ID_TYPE, id: OFFSET, com: one_of(&f::PROCCTL), data: ArgType::By(|a, _| data(a[2]))) -> NUM, Partial(LIMITS), Handler(control);
}

/// The data of a command.
fn data(command: u64) -> ArgType {
    match command as i32 {
        REAP_STATUS => output::<ReaperStatus>(),
        REAP_GETPIDS => input::<ReaperPids>(),
        REAP_KILL => inout::<ReaperKill>(),
        PDEATHSIG_CTL => ints_of(Dir::In, Kind::I32, Show::Signal, 1),
        PDEATHSIG_STATUS => ints_of(Dir::Out, Kind::I32, Show::Signal, 1),
        SPROTECT | TRACE_CTL | TRAPCAP_CTL | ASLR_CTL | PROTMAX_CTL | STACKGAP_CTL
        | NO_NEW_PRIVS_CTL | WXMAP_CTL | LOGSIGEXIT_CTL => ints(Dir::In, 1),
        TRACE_STATUS | TRAPCAP_STATUS | ASLR_STATUS | PROTMAX_STATUS | STACKGAP_STATUS
        | NO_NEW_PRIVS_STATUS | WXMAP_STATUS | LOGSIGEXIT_STATUS => ints(Dir::Out, 1),
        _ => ADDR,
    }
}

// Commands.
const SPROTECT: i32 = 1;
const REAP_ACQUIRE: i32 = 2;
const REAP_RELEASE: i32 = 3;
const REAP_STATUS: i32 = 4;
const REAP_GETPIDS: i32 = 5;
const REAP_KILL: i32 = 6;
pub(super) const TRACE_CTL: i32 = 7;
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
const TRAPCAP_ENABLE: u32 = 1;

/// PROC_TRACE_CTL_ENABLE and its like
const TRACE_ENABLE: u64 = 1;
const TRACE_DISABLE: u64 = 2;
const TRACE_DISABLE_EXEC: u32 = 3;

// The host's prctl(2).
const PR_SET_PDEATHSIG: u64 = 1;
const PR_GET_PDEATHSIG: u64 = 2;
const PR_GET_DUMPABLE: u64 = 3;
const PR_SET_DUMPABLE: u64 = 4;
const PR_SET_CHILD_SUBREAPER: u64 = 36;
const PR_GET_CHILD_SUBREAPER: u64 = 37;
const PR_SET_NO_NEW_PRIVS: u64 = 38;

fn prctl(call: &mut Call<'_>, option: u64, value: u64) -> SysResult {
    call.host(SYS_prctl, [option, value, 0, 0, 0, 0])
}

/// An `int` that the host stores through a pointer.
fn prctl_get(call: &mut Call<'_>, option: u64) -> SysResult {
    let mut value = 0u32;
    prctl(call, option, (&raw mut value) as u64)?;
    Ok(value.into())
}

/// The value that a control of a process was set to; 0 for none.
fn kept(pid: i32, command: i32) -> u32 {
    board::controls(pid)[command as usize]
}

fn keep(pid: i32, command: i32, value: u32) -> SysResult {
    let mut values = board::controls(pid);
    values[command as usize] = value;
    board::set_controls(pid, &values)?;
    Ok(0)
}

/// This process is about to execute a program, which may be to have no other rights than it has.
pub(in crate::os::freebsd) fn about_to_execute() {
    if kept(crate::host::pid(), NO_NEW_PRIVS_CTL) != 0 {
        let _ = crate::host::syscall(SYS_prctl, [PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0, 0]);
    }
}

/// Whether capability violations of this process raise SIGTRAP.
pub(super) fn traps_violations() -> bool {
    kept(crate::host::pid(), TRAPCAP_CTL) == TRAPCAP_ENABLE
}

/// In the child of a fork: it has its parent's controls, but is no reaper.
pub(super) fn inherit(parent: i32) {
    let mut values = board::controls(parent);
    values[REAP_ACQUIRE as usize] = 0;
    if values.iter().any(|&v| v != 0) {
        let _ = board::set_controls(crate::host::pid(), &values);
    }
}

/// This process begins to execute a program: the host lets that one be traced again, and it has its own memory.
pub(super) fn executes() {
    let me = crate::host::pid();
    let before = board::controls(me);
    let mut values = before;
    match values[TRACE_CTL as usize] {
        TRACE_DISABLE_EXEC => {
            let args = [PR_SET_DUMPABLE, 0, 0, 0, 0, 0];
            let _ = crate::host::syscall(SYS_prctl, args);
        }
        _ => values[TRACE_CTL as usize] = 0,
    }
    memory::executes(&mut values);
    if values != before {
        // It fails only without a folder, which there is.
        let _ = board::set_controls(me, &values);
    }
}

/// The processes of a group.
pub(super) fn group_members(group: i32) -> Vec<i32> {
    // proc(5)
    const GROUP: usize = 5;
    let in_group =
        |pid: &i32| wait::stat_of(*pid).is_some_and(|stat| stat.number(GROUP) == i64::from(group));
    numbers_in("/proc").into_iter().filter(in_group).collect()
}

/// Whether a process is a guest of such an emulator as this.
pub(in crate::os::freebsd) fn is_guest(pid: i32) -> bool {
    let program = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
    pid == crate::host::pid() || program(&pid.to_string()) == program("self")
}

fn control(call: &mut Call<'_>) -> SysResult {
    const P_PID: i32 = 0;
    const P_PGID: i32 = 2;
    let (kind, id, command) = (call.int(0), call.arg(1) as i64, call.int(2));
    let me = crate::host::pid();
    if !(SPROTECT..=LOGSIGEXIT_STATUS).contains(&command) {
        call.unimplemented(&format!("command {command:#x}"));
        return Err(Errno::EINVAL);
    }
    let target = i32::try_from(id).map_err(|_| Errno::ESRCH)?;
    match kind {
        P_PID if target == 0 || target == me => apply(call, me, command),
        // It is asked for oneself alone.
        P_PID if matches!(command, PDEATHSIG_CTL | PDEATHSIG_STATUS) => Err(Errno::EINVAL),
        P_PID => {
            call.host(SYS_kill, [target as u64, 0, 0, 0, 0, 0])?;
            apply(call, target, command)
        }
        // Only these may be asked of a group: what one process can, the call can.
        P_PGID if matches!(command, SPROTECT | TRACE_CTL | TRAPCAP_CTL) => {
            let mut result = Err(Errno::ESRCH);
            for pid in group_members(target)
                .into_iter()
                .filter(|&pid| is_guest(pid))
            {
                let one = apply(call, pid, command);
                if result.is_err() {
                    result = one;
                }
            }
            result
        }
        _ => Err(Errno::EINVAL),
    }
}

/// Makes a command for one process.
fn apply(call: &mut Call<'_>, pid: i32, command: i32) -> SysResult {
    let at = call.arg(3);
    let own = pid == crate::host::pid();
    if !is_guest(pid) {
        call.unimplemented("a process that is no guest");
        return Err(Errno::EPERM);
    }
    match command {
        SPROTECT => match crate::host::ids().euid {
            0 => Ok(0),
            _ => Err(Errno::EPERM),
        },
        REAP_ACQUIRE | REAP_RELEASE if !own => Err(Errno::EPERM),
        REAP_ACQUIRE => match prctl_get(call, PR_GET_CHILD_SUBREAPER)? {
            0 => {
                prctl(call, PR_SET_CHILD_SUBREAPER, 1)?;
                keep(pid, REAP_ACQUIRE, 1)
            }
            _ => Err(Errno::EBUSY),
        },
        REAP_RELEASE => match prctl_get(call, PR_GET_CHILD_SUBREAPER)? {
            0 => Err(Errno::EINVAL),
            _ => {
                prctl(call, PR_SET_CHILD_SUBREAPER, 0)?;
                keep(pid, REAP_ACQUIRE, 0)
            }
        },
        REAP_STATUS => reaper_status(call, pid, at),
        REAP_GETPIDS => reaper_pids(call, pid, at),
        REAP_KILL => reaper_kill(call, pid, at),
        PDEATHSIG_CTL | PDEATHSIG_STATUS if !own => Err(Errno::EINVAL),
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
            TRACE_ENABLE if !own => Err(Errno::EPERM),
            TRACE_DISABLE | 3 if board::tracer(pid) != 0 => Err(Errno::EBUSY),
            value @ (TRACE_ENABLE | TRACE_DISABLE | 3) => {
                if own {
                    prctl(call, PR_SET_DUMPABLE, (value == TRACE_ENABLE).into())?;
                }
                // The host gives a program that is executed its own again, as PROC_TRACE_CTL_DISABLE does.
                let value = if value == TRACE_ENABLE {
                    0
                } else {
                    value as u32
                };
                if value == kept(pid, TRACE_CTL) {
                    return Ok(0);
                }
                keep(pid, TRACE_CTL, value)
            }
            _ => Err(Errno::EINVAL),
        },
        // -1 when tracing is off, 0 when nobody traces.
        TRACE_STATUS => {
            let off = own && prctl(call, PR_GET_DUMPABLE, 0)? == 0 || kept(pid, TRACE_CTL) != 0;
            let tracer = match board::tracer(pid) {
                0 => status_line(pid, "TracerPid:"),
                tracer => tracer as u64,
            };
            give(call, at, if off { u64::MAX } else { tracer })
        }
        NO_NEW_PRIVS_CTL => match call.read_int(at, Kind::I32)? {
            1 if own => prctl(call, PR_SET_NO_NEW_PRIVS, 1),
            // It takes effect when that process executes a program.
            1 => keep(pid, NO_NEW_PRIVS_CTL, 1),
            _ => Err(Errno::EINVAL),
        },
        NO_NEW_PRIVS_STATUS => {
            let on = status_line(pid, "NoNewPrivs:") != 0 || kept(pid, NO_NEW_PRIVS_CTL) != 0;
            give(call, at, if on { 1 } else { 2 })
        }
        PROTMAX_CTL | STACKGAP_CTL | WXMAP_CTL => memory::set(pid, command, memory::given(call)?),
        TRAPCAP_CTL | ASLR_CTL | LOGSIGEXIT_CTL => {
            let value = memory::given(call)?;
            let known = match command {
                TRAPCAP_CTL => 1..=2,
                _ => 1..=3,
            };
            if !known.contains(&value) {
                return Err(Errno::EINVAL);
            }
            keep(pid, command, value)
        }
        TRAPCAP_STATUS => status(call, pid, TRAPCAP_CTL, 2),
        ASLR_STATUS => status(call, pid, ASLR_CTL, 3),
        PROTMAX_STATUS | STACKGAP_STATUS | WXMAP_STATUS => memory::tell(call, pid, command - 1),
        LOGSIGEXIT_STATUS => status(call, pid, LOGSIGEXIT_CTL, 1),
        _ => Err(Errno::EINVAL),
    }
}

/// A number in `/proc/PID/status`.
fn status_line(pid: i32, name: &str) -> u64 {
    let text = proc_text(&format!("/proc/{pid}/status"));
    let number = text
        .lines()
        .find_map(|l| l.strip_prefix(name)?.trim().parse().ok());
    number.unwrap_or(0)
}

fn give(call: &mut Call<'_>, at: u64, value: u64) -> SysResult {
    call.write_int(at, Kind::I32, value)?;
    Ok(0)
}

/// What a control is set to, or has from the start.
fn status(call: &mut Call<'_>, pid: i32, command: i32, default: u32) -> SysResult {
    let value = match kept(pid, command) {
        0 => default,
        value => value,
    };
    give(call, call.arg(3), value.into())
}

/// Children of a process, by the host's list.
pub(super) fn children(pid: i32) -> Vec<i32> {
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

/// The process that gets the orphans of this one's descendants, or of its siblings': itself, if it has acquired that, the nearest
/// above that has, or the first process.
fn reaper_of(pid: i32) -> i32 {
    // proc(5)
    const PARENT: usize = 4;
    const INIT: i32 = 1;
    let mut at = pid;
    while at > INIT && kept(at, REAP_ACQUIRE) == 0 {
        at = wait::stat_of(at).map_or(INIT, |stat| stat.number(PARENT) as i32);
    }
    at.max(INIT)
}

fn descendants(call: &Call<'_>, of: i32) -> Vec<Descendant> {
    let mut all = Vec::new();
    // Children whose last process descriptor is closed are another's.
    let given_away = |pid: i32| {
        of == crate::host::pid()
            && freebsd::of(call.thread).is_some_and(|os| os.descriptors.has_released(pid))
    };
    for child in children(of) {
        if given_away(child) {
            continue;
        }
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
fn reaper_status(call: &mut Call<'_>, pid: i32, at: u64) -> SysResult {
    const OWNED: u64 = 1;
    const REALINIT: u64 = 2;
    let reaper = reaper_of(pid);
    let all = descendants(call, reaper);
    let count = all.iter().filter(|d| d.is_child).count() as u64;
    let words = [
        if reaper == pid { OWNED } else { 0 } | if reaper == 1 { REALINIT } else { 0 },
        count,
        all.len() as u64,
        reaper as u64,
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
fn reaper_pids(call: &mut Call<'_>, pid: i32, at: u64) -> SysResult {
    const VALID: u64 = 1;
    const CHILD: u64 = 2;
    const INFO_SIZE: usize = 18 * 4;
    let room = call.read_int(at, Kind::U32)?;
    let list = call.read_int(at.wrapping_add(64), Kind::Ulong)?;
    let mut all = descendants(call, reaper_of(pid)).into_iter();
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
fn reaper_kill(call: &mut Call<'_>, pid: i32, at: u64) -> SysResult {
    const CHILDREN: u64 = 1;
    const SUBTREE: u64 = 2;
    let signal = call.read_int(at, Kind::I32)?;
    let flags = call.read_int(at.wrapping_add(4), Kind::U32)?;
    let subtree = call.read_int(at.wrapping_add(8), Kind::I32)? as i32;
    if !(1..=128).contains(&signal)
        || flags & !(CHILDREN | SUBTREE) != 0
        || flags == CHILDREN | SUBTREE
    {
        return Err(Errno::EINVAL);
    }
    let known = crate::abi::Signal::from_guest(call.abi.dialect, signal as u32);
    let host = u64::from(known.ok_or(Errno::EINVAL)?.0);
    if host > 64 {
        call.unimplemented("a signal from 96 on to what a reaper has");
        return Err(Errno::EINVAL);
    }
    // The host's own processes are not the guest's to kill in one go.
    let reaper = match reaper_of(pid) {
        1 => {
            call.unimplemented("PROC_REAP_KILL of all processes");
            return Err(Errno::EPERM);
        }
        reaper => reaper,
    };
    let (mut killed, mut failed, mut result) = (0, -1, Err(Errno::ESRCH));
    for d in descendants(call, reaper) {
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
    call.write_int(at.wrapping_add(12), Kind::U32, killed)?;
    call.write_int(at.wrapping_add(16), Kind::I32, failed as u64)?;
    result
}
