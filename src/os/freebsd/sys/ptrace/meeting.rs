//! How a tracer and its tracee come together: sockets in the folders of processes ([`board`]), with the instruction set and the process
//! that waits there in their names. SIGSTOP for a tracee goes the same way, as its tracer is to hear of it.

use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::abi::{Errno, SysResult};
use crate::host;
use crate::host::nr::{SYS_kill, SYS_ppoll};
use crate::os::freebsd::sys::{board, procctl};
use crate::os::freebsd::{self, FreeBsd, procinfo};
use crate::os::tracing::rendezvous::{Connections, Meeting, PAUSE};
use crate::os::tracing::{State, event};
use crate::os::{Call, parent_of, process_of};
use crate::process::{Process, SigInfo, Signal, Thread};

/// A child that asks its parent to trace it.
const ASK: &str = "trace-me";
/// A process that wants to trace this one.
const ATTACH: &str = "attach";
/// A process that sends SIGSTOP.
const STOP: &str = "stop";

/// What a new tracer hears of.
const DEFAULT: u32 = event::EXEC;

fn meet(pid: i32, name: &str, isa: &str) -> SysResult<Meeting> {
    let path = board::folder(pid).join(format!("{name}.{isa}.{}", host::pid()));
    board::put(pid, || {
        let _ = fs::remove_file(&path);
        Meeting::at(path.clone()).map_err(|e| board::errno(&e))
    })
}

/// PT_TRACE_ME
pub(super) fn ask(call: &mut Call<'_>) -> SysResult {
    let process = call.thread.process.clone();
    let os = freebsd::of_process(&process).ok_or(Errno::EPERM)?;
    let parent = host::parent();
    if board::tracer(host::pid()) != 0 {
        return Err(Errno::EBUSY);
    }
    if parent <= 1 {
        return Err(Errno::EPERM);
    }
    if !procctl::is_guest(parent) {
        call.unimplemented("PT_TRACE_ME to a parent that is no guest");
        return Err(Errno::EPERM);
    }
    let meeting = meet(parent, ASK, os.isa.name)?;
    board::set_tracer(host::pid(), parent)?;
    os.tracee.ask(call.thread, parent, DEFAULT, meeting);
    Ok(0)
}

/// PT_ATTACH
pub(super) fn attach(call: &mut Call<'_>, number: i32) -> SysResult {
    const PATIENCE: u32 = 500;
    let process = call.thread.process.clone();
    let os = freebsd::of_process(&process).ok_or(Errno::EPERM)?;
    let pid = process_of(number & !super::MAIN_LWP).ok_or(Errno::ESRCH)?;
    if pid == host::pid() {
        return Err(Errno::EINVAL);
    }
    if board::controls(pid)[procctl::TRACE_CTL as usize] != 0 {
        return Err(Errno::EPERM);
    }
    let me = host::ids();
    // Real, effective, saved.
    let users = procinfo::users(pid);
    if me.euid != 0 && users.iter().take(3).any(|id| *id != me.euid) {
        return Err(Errno::EPERM);
    }
    if board::tracer(pid) != 0 {
        return Err(Errno::EBUSY);
    }
    if os.tracee.is_traced() && is_ancestor(pid) {
        return Err(Errno::EINVAL);
    }
    if !procctl::is_guest(pid) {
        call.unimplemented("PT_ATTACH to a process that is no guest");
        return Err(Errno::EPERM);
    }
    let meeting = meet(pid, ATTACH, os.isa.name)?;
    // One that a signal has stopped is let go for the stop that its tracer hears of.
    if super::super::wait::stat_of(pid).is_some_and(|stat| stat.state() == b'T') {
        call.host(SYS_kill, [pid as u64, Signal::SIGCONT.0.into(), 0, 0, 0, 0])?;
    }
    let tries = std::cell::Cell::new(0);
    let connections = meeting.wait_for(
        pid,
        |fd, pause| {
            use std::os::fd::AsRawFd;
            // struct pollfd: POLLIN
            let polled = [fd.as_raw_fd() as u32, 1];
            let time = [0u64, pause.subsec_nanos().into()];
            let args = [polled.as_ptr() as u64, 1, (&raw const time) as u64, 0, 8, 0];
            let time_is_up = call.host_wait(SYS_ppoll, args) == Ok(0);
            tries.set(tries.get() + u32::from(time_is_up));
        },
        || tries.get() < PATIENCE,
    );
    let Some(connections) = connections else {
        if board::tracer(pid) != 0 {
            return Err(Errno::EBUSY);
        }
        call.unimplemented("PT_ATTACH to a guest of another system or instruction set");
        return Err(Errno::EPERM);
    };
    let mut news = os.tracer.news()?;
    os.tracer.add(&process, pid, connections)?;
    // It does nothing more from here on, as one that SIGSTOP has been sent to.
    for _ in 0..PATIENCE {
        if os.tracer.state(pid) != Some(State::Running) {
            break;
        }
        call.thread.block_while(|| {
            news.wait(PAUSE);
            Ok(0)
        })?;
        news.clear();
    }
    Ok(0)
}

/// Whether this process descends from that one.
fn is_ancestor(pid: i32) -> bool {
    let mut at = host::pid();
    while let Some(parent) = parent_of(at).filter(|p| *p > 0) {
        if parent == pid {
            return true;
        }
        at = parent;
    }
    false
}

/// Somebody has rung: looks for what there is to do.
pub(in crate::os::freebsd) fn rung(os: &FreeBsd, thread: &mut Thread) {
    let me = host::pid();
    if !board::exists(me) || !board::is_trusted(me) {
        return;
    }
    // Two threads may have been rung for.
    static LOOKING: Mutex<()> = Mutex::new(());
    let Ok(_looking) = LOOKING.try_lock() else {
        return;
    };
    let entries = fs::read_dir(board::folder(me)).into_iter().flatten();
    for path in entries.flatten().map(|e| e.path()) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut parts = name.split('.');
        let (what, isa) = (parts.next(), parts.next());
        let Some(pid) = parts.next().and_then(|p| p.parse::<i32>().ok()) else {
            continue;
        };
        let same = isa == Some(os.isa.name);
        let process = thread.process.clone();
        match what {
            Some(ASK) if same => trace(os, &process, pid, &path),
            Some(ATTACH) if same && !os.tracee.is_traced() => {
                // The tracer's call returns as soon as it is connected.
                let _ = board::set_tracer(me, pid);
                match Connections::open(&path) {
                    Ok(link) => os.tracee.attach(&process, pid, DEFAULT, link),
                    Err(_) => drop(board::set_tracer(me, 0)),
                }
            }
            Some(ASK | ATTACH) => drop(fs::remove_file(&path)),
            Some(STOP) => {
                let _ = fs::remove_file(&path);
                let target = isa.and_then(|t| t.parse().ok()).filter(|t| *t != 0);
                process.send_beyond(target, SigInfo::sent_by(Signal::SIGSTOP, pid));
            }
            _ => {}
        }
    }
}

/// A child asks to be traced.
fn trace(os: &FreeBsd, process: &Arc<Process>, pid: i32, path: &Path) {
    if let Ok(link) = Connections::open(path) {
        let _ = os.tracer.add(process, pid, link);
    }
}

/// Sends SIGSTOP to a process that is traced, or to a thread of it (0: to any), in such a way that its tracer hears of it; whether it is.
pub(in crate::os::freebsd) fn sends_stop(call: &Call<'_>, pid: i32, tid: i32) -> bool {
    let process = &call.thread.process;
    if pid == host::pid() {
        let traced = freebsd::of_process(process).is_some_and(|os| os.tracee.traces(call.thread));
        if traced {
            process.send_beyond(
                (tid != 0).then_some(tid),
                SigInfo::sent_by(Signal::SIGSTOP, pid),
            );
        }
        return traced;
    }
    if pid <= 0 || board::tracer(pid) == 0 {
        return false;
    }
    let path = board::folder(pid).join(format!("{STOP}.{tid}.{}", host::pid()));
    let left = board::put(pid, || fs::write(&path, b"").map_err(|e| board::errno(&e)));
    left.is_ok() && host::signal::ring(pid).is_ok()
}
