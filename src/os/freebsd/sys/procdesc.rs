//! Process descriptors: `pdfork` and its like (`sys/procdesc.h`), over the host's pidfds.
//!
//! The process of a descriptor ends with the last descriptor for it, wherever that is: with its parent, in a child of the parent, on
//! its way through a socket. Only the host's kernel can know. So each such process holds the reading end of a pipe, its *lifeline*,
//! and each process that has a descriptor for it a writing end: when the last one is closed, the kernel sends the process the signal
//! that it has set for news of the pipe, which is SIGKILL.
//!
//! FreeBSD's wait calls for any child leave these processes out, and SIGCHLD does not tell of their end: their parent has a list
//! (`Descriptors::is_hidden`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::fd::{self, OwnFd};
use crate::host::nr::*;
use crate::host::syscall;
use crate::os::freebsd::{self, flags as f};
use crate::os::{Call, Dir, Run::Handler, Support::Full, *};
use crate::process::Forked;

crate::syscalls! {
    pdfork(fdp: ints_of(Dir::Out, Kind::I32, Show::Fd, 1), flags: flags(&f::PD)) -> NUM, Full, Handler(create);
    pdkill(fd: FD, signum: SIGNAL) -> NUM, Full, Handler(kill);
    pdgetpid(fd: FD, pidp: ints(Dir::Out, 1)) -> NUM, Full, Handler(id);
}

const PD_DAEMON: u64 = 1;
const PD_CLOEXEC: u64 = 0x10_0000;
const SIGKILL: u64 = 9;
const F_GETFD: u64 = 1;
const F_SETFD: u64 = 2;

/// A descriptor of a process.
#[derive(Clone)]
pub(super) struct ProcessDescriptor {
    pub pid: i32,
    /// The writing end of its lifeline; `None` for a process that lives on without descriptors.
    pub life: Option<Arc<OwnFd>>,
}

#[derive(Default)]
struct Tables {
    open: HashMap<i32, ProcessDescriptor>,
    /// Children of this process that have, or had, descriptors.
    hidden: HashSet<i32>,
    /// Those of them that have been waited for: the signal that the host tells of their end by may still be on its way.
    ended: HashSet<i32>,
    /// The reading end of this process's own lifeline.
    own: Option<OwnFd>,
}

impl Tables {
    fn reaped(&mut self, pid: i32) {
        if self.hidden.remove(&pid) {
            self.ended.insert(pid);
        }
    }
}

/// The process descriptors of a process, and its children behind them.
#[derive(Default)]
pub struct Descriptors(Mutex<Tables>);

impl Descriptors {
    fn lock(&self) -> MutexGuard<'_, Tables> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether wait calls for any child leave this one out.
    pub(in crate::os::freebsd) fn is_hidden(&self, pid: i32) -> bool {
        self.lock().hidden.contains(&pid)
    }

    /// Whether there are such children.
    pub(in crate::os::freebsd) fn hides_some(&self) -> bool {
        !self.lock().hidden.is_empty()
    }

    /// Whether this is one of them whose last descriptor here is closed: FreeBSD has given it to another parent.
    pub(super) fn has_released(&self, pid: i32) -> bool {
        let tables = self.lock();
        tables.hidden.contains(&pid) && !tables.open.values().any(|d| d.pid == pid)
    }

    /// Nobody can wait for this one any more.
    pub(super) fn reaped(&self, pid: i32) {
        self.lock().reaped(pid);
    }

    /// Whether SIGCHLD does not tell of the end of this one.
    pub(super) fn ends_quietly(&self, pid: i32) -> bool {
        let tables = self.lock();
        tables.hidden.contains(&pid) || tables.ended.contains(&pid)
    }

    /// A child without a descriptor, which may have the id of one that had.
    pub(super) fn born(&self, pid: i32) {
        self.lock().ended.remove(&pid);
    }

    /// Whether this process has descriptors of processes.
    fn are_open(&self) -> bool {
        !self.lock().open.is_empty()
    }

    /// What a program that this process executes has to know, as text: `FD=PID.LIFELINE` for descriptors that stay open (whose
    /// lifelines are left open, too), `hPID` for hidden children, `lFD` for the process's own lifeline. `vforked`: it is the child of
    /// a vfork, which has descriptors, but neither the children nor the lifeline of the process whose memory this is.
    pub(in crate::os::freebsd) fn to_text(&self, vforked: bool) -> String {
        const FD_CLOEXEC: u64 = 1;
        let tables = self.lock();
        let mut parts = Vec::new();
        let stays = |fd: i32| {
            syscall(SYS_fcntl, [fd as u64, F_GETFD, 0, 0, 0, 0]).is_ok_and(|f| f & FD_CLOEXEC == 0)
        };
        // A lifeline stays open if one of several descriptors does.
        for d in tables.open.values() {
            d.life
                .iter()
                .for_each(|l| fd::set_inherited(l.number(), false));
        }
        for (fd, d) in tables.open.iter().filter(|(fd, _)| stays(**fd)) {
            let life = d.life.as_ref().map_or(-1, |l| l.number());
            if life >= 0 {
                fd::set_inherited(life, true);
            }
            parts.push(format!("{fd}={}.{life}", d.pid));
        }
        if let Some(end) = &tables.own {
            fd::set_inherited(end.number(), !vforked);
        }
        if !vforked {
            parts.extend(tables.hidden.iter().map(|pid| format!("h{pid}")));
            parts.extend(tables.own.iter().map(|end| format!("l{}", end.number())));
        }
        parts.join(";")
    }

    /// Takes over what the program before this one has left.
    pub(in crate::os::freebsd) fn inherit(&self, text: &str) {
        let mut tables = self.lock();
        // Descriptors of one process have one lifeline.
        let mut lives: HashMap<i32, Arc<OwnFd>> = HashMap::new();
        for part in text.split(';') {
            if let Some(pid) = part.strip_prefix('h').and_then(|p| p.parse().ok()) {
                tables.hidden.insert(pid);
            } else if let Some(end) = part.strip_prefix('l').and_then(|p| p.parse().ok()) {
                tables.own = OwnFd::adopt(end).ok();
                tables.own.iter().for_each(OwnFd::leave_to_programs);
            } else if let Some((fd, (pid, life))) = part
                .split_once('=')
                .and_then(|(fd, rest)| Some((fd, rest.split_once('.')?)))
                && let (Ok(fd), Ok(pid), Ok(life)) = (fd.parse(), pid.parse(), life.parse::<i32>())
            {
                let life = match lives.get(&life) {
                    Some(known) => Some(known.clone()),
                    None => OwnFd::adopt(life).ok().map(Arc::new),
                };
                if let Some(life) = &life {
                    lives.insert(life.number(), life.clone());
                }
                tables.open.insert(fd, ProcessDescriptor { pid, life });
            }
        }
    }
}

fn of<'a>(call: &'a Call<'_>) -> Option<&'a Descriptors> {
    // The child of a vfork has descriptors of its own, but its parent's memory, tables included.
    freebsd::of(call.thread)
        .filter(|_| !call.thread.is_vfork_child())
        .map(|os| &os.descriptors)
}

fn create(call: &mut Call<'_>) -> SysResult {
    let flags = call.arg(1);
    if flags & !(PD_DAEMON | PD_CLOEXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    reap_released(call);
    // Nobody is born if its descriptor cannot be told; the child is not told.
    let before = call.read_int(call.arg(0), Kind::I32)?;
    call.write_int(call.arg(0), Kind::I32, before)?;
    let lifeline = if flags & PD_DAEMON == 0 {
        Some(OwnFd::pipe()?)
    } else {
        None
    };
    let parent = crate::host::pid();
    match call.thread.fork()? {
        Forked::Parent(pid) => {
            super::kqueue::relatives::forked(parent, pid);
            let life = lifeline.map(|(_, writing)| Arc::new(writing));
            let fd = call.host(SYS_pidfd_open, [pid as u64, 0, 0, 0, 0, 0])?;
            if flags & PD_CLOEXEC == 0 {
                // The host's descriptors of processes are closed by exec otherwise.
                call.host(SYS_fcntl, [fd, F_SETFD, 0, 0, 0, 0])?;
            }
            call.write_int(call.arg(0), Kind::I32, fd)?;
            if let Some(descriptors) = of(call) {
                let mut tables = descriptors.lock();
                tables.hidden.insert(pid);
                tables
                    .open
                    .insert(fd as i32, ProcessDescriptor { pid, life });
            }
            Ok(super::process::parent_of(call, pid))
        }
        Forked::Child => {
            super::process::become_child(call, parent);
            if let Some((reading, writing)) = lifeline {
                hang_on(call, reading, writing);
            }
            Ok(0)
        }
    }
}

/// A child is nobody's to wait for: it has another parent, as one whose last descriptor is closed.
pub(super) fn give_away(call: &Call<'_>, pid: i32) {
    if let Some(descriptors) = of(call) {
        descriptors.lock().hidden.insert(pid);
    }
}

/// Makes the calling process end with the last writing end of its lifeline.
fn hang_on(call: &mut Call<'_>, reading: OwnFd, writing: OwnFd) {
    // fcntl.h
    const F_SETFL: u64 = 4;
    const F_SETOWN: u64 = 8;
    const F_SETSIG: u64 = 10;
    const O_ASYNC: u64 = 0x2000;
    const POLLHUP_SHIFTED: u64 = 0x10 << 48;
    let me = crate::host::pid() as u64;
    let fd = reading.number() as u64;
    for (command, value) in [(F_SETOWN, me), (F_SETSIG, SIGKILL), (F_SETFL, O_ASYNC)] {
        let _ = syscall(SYS_fcntl, [fd, command, value, 0, 0, 0]);
    }
    drop(writing);
    // The last end may have gone before the signal was set.
    let mut pollfd = fd;
    let ended = syscall(SYS_poll, [(&raw mut pollfd) as u64, 1, 0, 0, 0, 0]);
    if ended == Ok(1) && pollfd & POLLHUP_SHIFTED != 0 {
        let _ = syscall(SYS_kill, [me, SIGKILL, 0, 0, 0, 0]);
    }
    if let Some(descriptors) = of(call) {
        reading.leave_to_programs();
        descriptors.lock().own = Some(reading);
    }
}

/// The child of a fork has its parent's descriptors, but neither its children nor its lifeline.
pub(super) fn forked(call: &Call<'_>) {
    if let Some(descriptors) = of(call) {
        let mut tables = descriptors.lock();
        tables.hidden.clear();
        tables.ended.clear();
        tables.own = None;
    }
}

/// `new` is another descriptor for what `old` is.
pub(super) fn copied(call: &Call<'_>, old: i32, new: i32) {
    if let Some(descriptors) = of(call) {
        let mut tables = descriptors.lock();
        if let Some(descriptor) = tables.open.get(&old).cloned() {
            tables.open.insert(new, descriptor);
        }
    }
}

/// Descriptors from `first` to `last` have been closed: processes that have none left end.
pub(super) fn closed(call: &mut Call<'_>, first: i32, last: i32) {
    let Some(descriptors) = of(call) else { return };
    let mut tables = descriptors.lock();
    if tables.open.is_empty() {
        return;
    }
    tables.open.retain(|fd, _| !(first..=last).contains(fd));
    drop(tables);
    reap_released(call);
}

/// Waits for hidden children that have ended, and that no descriptor is left for: nobody else will.
pub(in crate::os::freebsd) fn reap_released(call: &Call<'_>) {
    const P_PID: u64 = 1;
    const WEXITED_NOHANG: u64 = 4 | 1;
    let Some(descriptors) = of(call) else { return };
    let mut tables = descriptors.lock();
    if tables.hidden.is_empty() {
        return;
    }
    let Tables { open, hidden, .. } = &*tables;
    let released = |pid: &&i32| !open.values().any(|d| d.pid == **pid);
    let released: Vec<i32> = hidden.iter().filter(released).copied().collect();
    for pid in released {
        let mut info = [0i32; 32];
        let at = info.as_mut_ptr() as u64;
        match syscall(SYS_waitid, [P_PID, pid as u64, at, WEXITED_NOHANG, 0, 0]) {
            // It lives.
            Ok(_) if info[0] == 0 => {}
            Ok(_) | Err(Errno::ECHILD) => tables.reaped(pid),
            Err(_) => {}
        }
    }
}

/// Whether the calling process has descriptors of processes.
pub(super) fn in_use(call: &Call<'_>) -> bool {
    of(call).is_some_and(Descriptors::are_open)
}

/// What is known of a descriptor that is a process's.
pub(super) fn known(call: &Call<'_>, fd: i32) -> Option<ProcessDescriptor> {
    of(call)?.lock().open.get(&fd).cloned()
}

/// A process descriptor has come over a socket.
pub(super) fn received(call: &Call<'_>, fd: i32, descriptor: ProcessDescriptor) {
    if let Some(descriptors) = of(call) {
        descriptors.lock().open.insert(fd, descriptor);
    }
}

/// The process behind a descriptor.
fn process_of(call: &mut Call<'_>, fd: u64) -> SysResult<i32> {
    call.host(SYS_fcntl, [fd, F_GETFD, 0, 0, 0, 0])?;
    if let Some(descriptor) = known(call, fd as i32) {
        return Ok(descriptor.pid);
    }
    let info = std::fs::read_to_string(format!("/proc/self/fdinfo/{}", fd as i32));
    let info = info.map_err(|_| Errno::EBADF)?;
    let pid = info.lines().find_map(|line| line.strip_prefix("Pid:"));
    // A descriptor of something else has none: FreeBSD's error for that.
    pid.and_then(|pid| pid.trim().parse().ok())
        .ok_or(Errno::EINVAL)
}

fn kill(call: &mut Call<'_>) -> SysResult {
    process_of(call, call.arg(0))?;
    let signal = call.host_flags(1);
    let args = [call.arg(0), signal, 0, 0, 0, 0];
    call.host(SYS_pidfd_send_signal, args)
}

fn id(call: &mut Call<'_>) -> SysResult {
    match process_of(call, call.arg(0))? {
        // It has ended and was waited for.
        pid if pid < 0 => Err(Errno::ESRCH),
        pid => {
            call.write_int(call.arg(1), Kind::I32, pid as u64)?;
            Ok(0)
        }
    }
}
