//! Waiting for children: `wait4`, `wait6` (`sys/wait.h`).
//!
//! The host knows three kinds of sets of children: one, a group, all. For the others, and for all but those behind process
//! descriptors, each child is asked in turn.

mod traced;

use crate::abi::{Errno, GuestStruct, GuestValue, Kind, OsAbi, Show, SysResult};
use crate::host::child;
use crate::host::nr::*;
use crate::host::signal::RawInfo;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{self, flags as f, siginfo};
use crate::os::{
    Call, Dir,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use crate::process::{End, SigFields, SigInfo, Signal};

crate::syscalls! {
    wait4(pid: INT, status: ints_of(Dir::Out, Kind::I32, Show::WaitStatus, 1), options: flags(&f::WAIT), rusage: output::<Rusage>()) -> NUM, Full, Handler(wait_child);
    wait6(idtype: one_of(&f::ID_TYPE), id: OFFSET, status: ints_of(Dir::Out, Kind::I32, Show::WaitStatus, 1), options: flags(&f::WAIT), wrusage: output::<WRusage>(), info: ArgType::SigInfo(Dir::Out)) -> NUM, Partial("of wru_children: times, in hundredths of a second, and page faults"), Handler(wait_id);
}

// idtype_t of the guest
const P_PID: u64 = 0;
const P_PGID: u64 = 2;
const P_SID: u64 = 3;
const P_UID: u64 = 5;
const P_GID: u64 = 6;
const P_ALL: u64 = 7;
const P_JAILID: u64 = 12;

// The host's.
const HOST_P_PID: u64 = 1;
const HOST_P_PGID: u64 = 2;
const HOST_P_ALL: u64 = 0;
const WNOHANG: u64 = 1;
const WSTOPPED: u64 = 2;
const WEXITED: u64 = 4;
const WCONTINUED: u64 = 8;
const WNOWAIT: u64 = 0x0100_0000;
/// Those too that tell of their end by another signal than SIGCHLD.
const WALL: u64 = 0x4000_0000;
const EVENTS: u64 = WEXITED | WSTOPPED | WCONTINUED;

// si_code of SIGCHLD, the host's.
const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;

/// The longest time between two looks at children that the host cannot be asked to wait for, in ns.
const LONGEST_PAUSE: u64 = 20_000_000;

/// A child that something has happened to.
struct Found {
    pid: i32,
    info: RawInfo,
    /// The host's `struct rusage` of the child, and of the children that it has waited for.
    used: Vec<u8>,
    used_by_children: Vec<u8>,
}

impl Found {
    fn without_usage(info: RawInfo) -> Found {
        let used = vec![0; Rusage::DESC.size(OsAbi::HOST)];
        Found {
            pid: info.i32(16),
            info,
            used: used.clone(),
            used_by_children: used,
        }
    }
}

/// What is asked for besides the host's options.
#[derive(Clone, Copy)]
struct Asked {
    /// What the child has used.
    usage: bool,
    /// Stops of tracees.
    trapped: bool,
}

/// Which children are meant.
#[derive(Clone, Copy)]
struct Wanted {
    kind: u64,
    id: u64,
}

/// What the host says of a process; `None` if there is none.
pub(super) fn stat_of(pid: i32) -> Option<ProcStat> {
    ProcStat::read(&format!("/proc/{pid}/stat"))
}

/// The effective id on a line of `/proc/PID/status` (real, effective, saved, of the file system).
fn effective_id(pid: i32, key: &str) -> Option<u64> {
    let text = proc_text(&format!("/proc/{pid}/status"));
    status_field(&text, key)
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

impl Wanted {
    /// The host's kind, where it has one for these.
    fn host_kind(self, call: &Call<'_>) -> Option<u64> {
        match self.kind {
            P_PID => Some(HOST_P_PID),
            P_PGID => Some(HOST_P_PGID),
            P_ALL => {
                let hides = freebsd::of(call.thread).is_some_and(|os| os.descriptors.hides_some());
                (!hides).then_some(HOST_P_ALL)
            }
            _ => None,
        }
    }

    fn includes(self, call: &Call<'_>, pid: i32) -> bool {
        // proc(5)
        const GROUP: usize = 5;
        const SESSION: usize = 6;
        let field = |n: usize| stat_of(pid).map(|stat| stat.number(n) as u64);
        match self.kind {
            P_PID => pid as u64 == self.id,
            P_PGID => field(GROUP) == Some(self.id),
            P_SID => field(SESSION) == Some(self.id),
            P_UID => effective_id(pid, "Uid") == Some(self.id),
            P_GID => effective_id(pid, "Gid") == Some(self.id),
            // Nobody is in a jail.
            P_JAILID => self.id == 0,
            P_ALL => !freebsd::of(call.thread).is_some_and(|os| os.descriptors.is_hidden(pid)),
            _ => false,
        }
    }
}

/// Finds a child that something has happened to, without taking it; 0 if none has, and the caller does not wait.
fn look(call: &mut Call<'_>, wanted: Wanted, options: u64) -> SysResult<i32> {
    let mut info = RawInfo([0; 128]);
    let at = info.0.as_mut_ptr() as u64;
    super::procdesc::reap_released(call);
    let released = |os: &freebsd::FreeBsd| os.descriptors.has_released(wanted.id as i32);
    if wanted.kind == P_PID && freebsd::of(call.thread).is_some_and(released) {
        return Err(Errno::ECHILD);
    }
    let host_kind = wanted.host_kind(call).filter(|_| options & EVENTS != 0);
    if let Some(kind) = host_kind {
        let args = [kind, wanted.id, at, options | WNOWAIT, 0, 0];
        call.host_wait(SYS_waitid, args)?;
        return Ok(info.i32(16));
    }
    let mut pause = 1_000_000;
    loop {
        super::procdesc::reap_released(call);
        let children = super::procctl::children(crate::host::pid());
        let children: Vec<i32> = children
            .into_iter()
            .filter(|&pid| wanted.includes(call, pid))
            .collect();
        if children.is_empty() {
            return Err(Errno::ECHILD);
        }
        for pid in children {
            let how = options | WNOWAIT | WNOHANG;
            let args = [HOST_P_PID, pid as u64, at, how, 0, 0];
            if options & EVENTS != 0 && call.host(SYS_waitid, args).is_ok() && info.i32(16) != 0 {
                return Ok(info.i32(16));
            }
        }
        if options & WNOHANG != 0 {
            return Ok(0);
        }
        let time = [0u64, pause];
        // A signal interrupts that, but the call is one that is made again.
        call.host_wait(SYS_ppoll, [0, 0, time.as_ptr() as u64, 0, 8, 0])
            .map_err(|e| match e {
                Errno::EINTR => crate::process::ERESTARTSYS,
                e => e,
            })?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// What the children of a child have used, as the host's `struct rusage`, taken off `used`, which is for both. `stat`: of it
/// before it was waited for.
fn children_usage(stat: &ProcStat, used: &mut [u8]) -> Vec<u8> {
    /// USER_HZ
    const TICKS: u64 = 100;
    const SECOND: u64 = 1_000_000;
    let field = |n: usize| stat.number(n) as u64;
    let mut children = vec![0; used.len()];
    let get = |bytes: &[u8], at: usize| {
        let mut word = [0; 8];
        word.copy_from_slice(&bytes[at..at + 8]);
        u64::from_le_bytes(word)
    };
    let put = |bytes: &mut [u8], at: usize, value: u64| {
        bytes[at..at + 8].copy_from_slice(&value.to_le_bytes());
    };
    // cutime, cstime: struct timeval
    for (at, ticks) in [(0, field(16)), (16, field(17))] {
        let both = get(used, at) * SECOND + get(used, at + 8);
        let theirs = (ticks * (SECOND / TICKS)).min(both);
        for (bytes, time) in [(&mut *used, both - theirs), (&mut children[..], theirs)] {
            put(bytes, at, time / SECOND);
            put(bytes, at + 8, time % SECOND);
        }
    }
    // cminflt, cmajflt
    for (at, theirs) in [(64, field(11)), (72, field(13))] {
        let both = get(used, at);
        put(used, at, both.saturating_sub(theirs));
        put(&mut children, at, theirs);
    }
    children
}

fn wait(call: &mut Call<'_>, wanted: Wanted, options: u64, how: Asked) -> SysResult<Option<Found>> {
    let options = options | WALL;
    let usage = how.usage;
    loop {
        let traces = freebsd::of(call.thread).is_some_and(|os| os.tracer.traces_any());
        let pid = match traces {
            true => match traced::look(call, wanted, options, how.trapped)? {
                traced::Seen::Tracee(info) => return Ok(Some(Found::without_usage(info))),
                traced::Seen::Child(pid) => pid,
            },
            false => look(call, wanted, options)?,
        };
        if pid == 0 {
            return Ok(None);
        }
        let mut info = RawInfo([0; 128]);
        let mut used = vec![0u8; Rusage::DESC.size(OsAbi::HOST)];
        // The kernel forgets it with the child.
        let stat = usage.then(|| stat_of(pid)).flatten().unwrap_or_default();
        let signal = super::board::end(pid);
        let args = [
            HOST_P_PID,
            pid as u64,
            options | WNOHANG,
            used.as_mut_ptr() as u64,
        ];
        match child::wait_id(args, &mut info, |args| call.host(SYS_waitid, args)) {
            // Another thread has it: on to the next one.
            Err(Errno::ECHILD) => continue,
            Ok(()) if info.i32(16) != pid => continue,
            other => other?,
        }
        if let (CLD_EXITED, Some(signal)) = (info.i32(8), signal) {
            info.0[8..12].copy_from_slice(&CLD_KILLED.to_le_bytes());
            info.0[24..28].copy_from_slice(&i32::from(signal).to_le_bytes());
        }
        if options & WNOWAIT == 0 && matches!(info.i32(8), 1..=3) {
            if let Some(os) = freebsd::of(call.thread) {
                os.descriptors.reaped(pid);
                os.tracer.remove(pid);
            }
            // One that was killed has not done that itself.
            if super::board::exists(pid) {
                super::board::remove(pid);
            }
        }
        let used_by_children = children_usage(&stat, &mut used);
        return Ok(Some(Found {
            pid,
            info,
            used,
            used_by_children,
        }));
    }
}

fn give_status(call: &mut Call<'_>, at: u64, info: &RawInfo) -> SysResult<()> {
    if at == 0 {
        return Ok(());
    }
    let status = Show::WaitStatus.convert(child::status(info).into(), OsAbi::HOST, call.abi);
    call.write_int(at, Kind::I32, status)
}

fn wait_child(call: &mut Call<'_>) -> SysResult {
    let (kind, id) = match call.int(0) {
        -1 => (P_ALL, 0),
        // A group cannot have this number.
        i32::MIN => return Err(Errno::ESRCH),
        0 => (P_PGID, call.host(SYS_getpgrp, [0; 6])?),
        group @ ..0 => (P_PGID, -group as u64),
        pid => (P_PID, pid as u64),
    };
    if !known_options(call, 2) {
        return Err(Errno::EINVAL);
    }
    let options = call.host_flags(2);
    let usage = call.arg(3) != 0;
    let how = Asked {
        usage,
        trapped: true,
    };
    let found = wait(call, Wanted { kind, id }, options | WEXITED, how)?;
    let Some(found) = found else { return Ok(0) };
    give_status(call, call.arg(1), &found.info)?;
    if usage {
        let used: Rusage = GuestValue::from_host(&found.used);
        call.write_struct(call.arg(3), &used)?;
    }
    Ok(found.pid as u64)
}

/// WNOHANG, WUNTRACED, WCONTINUED, WNOWAIT, WEXITED, WTRAPPED of the guest, and nothing else.
fn known_options(call: &Call<'_>, n: usize) -> bool {
    call.arg(n) & 0xffff_ffff & !0x3f == 0
}

fn wait_id(call: &mut Call<'_>) -> SysResult {
    /// WNOHANG, WNOWAIT of the guest.
    const WNOHANG_NOWAIT: u64 = 1 | 8;
    const WTRAPPED: u64 = 32;
    let asked = call.arg(3) & 0x3f;
    if !known_options(call, 3) || asked & !WNOHANG_NOWAIT == 0 {
        return Err(Errno::EINVAL);
    }
    let mut wanted = Wanted {
        kind: call.arg(0),
        id: call.arg(1),
    };
    if (wanted.kind, wanted.id) == (P_PID, 0) {
        // WAIT_MYPGRP
        wanted = Wanted {
            kind: P_PGID,
            id: call.host(SYS_getpgrp, [0; 6])?,
        };
    }
    let usage = call.arg(4) != 0;
    let how = Asked {
        usage,
        trapped: asked & WTRAPPED != 0,
    };
    let found = wait(call, wanted, call.host_flags(3), how)?;
    let Some(found) = found else { return Ok(0) };
    give_status(call, call.arg(2), &found.info)?;
    if usage {
        let usage = WRusage {
            wru_self: GuestValue::from_host(&found.used),
            wru_children: GuestValue::from_host(&found.used_by_children),
        };
        call.write_struct(call.arg(4), &usage)?;
    }
    if call.arg(5) != 0 {
        let info = crate::process::SigInfo::from_host(&found.info);
        call.write_bytes(call.arg(5), &siginfo::to_guest(call.abi, &info))?;
    }
    Ok(found.pid as u64)
}

/// This process ends: if it dies of a signal that the host does not have, its parent has to be told.
pub(in crate::os::freebsd) fn ends(end: End) {
    const HOST_SIGNALS: u8 = 64;
    if let End::Signal(info) = end
        && info.signal.0 > HOST_SIGNALS
    {
        super::board::leave_end(info.signal.0);
    }
}

/// SIGCHLD does not tell of the end of a process that has a descriptor. The host's may stand for another child's, too, that has
/// ended meanwhile: then it is heard.
pub(in crate::os::freebsd) fn is_unheard_of(os: &freebsd::FreeBsd, info: &SigInfo) -> bool {
    /// CLD_EXITED, CLD_KILLED, CLD_DUMPED
    const ENDS: std::ops::RangeInclusive<i32> = 1..=3;
    let SigFields::Child { pid, .. } = info.fields else {
        return false;
    };
    if info.signal != Signal::SIGCHLD
        || !ENDS.contains(&info.code)
        || !os.descriptors.ends_quietly(pid)
    {
        return false;
    }
    let others = super::procctl::children(crate::host::pid()).into_iter();
    let has_news = |pid: i32| {
        let mut info = RawInfo([0; 128]);
        let at = info.0.as_mut_ptr() as u64;
        let how = EVENTS | WNOWAIT | WNOHANG | WALL;
        let args = [HOST_P_PID, pid as u64, at, how, 0, 0];
        crate::host::syscall(SYS_waitid, args).is_ok() && info.i32(16) != 0
    };
    !others
        .filter(|&pid| !os.descriptors.is_hidden(pid))
        .any(has_news)
}
