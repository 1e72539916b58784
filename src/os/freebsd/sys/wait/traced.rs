//! Waiting by a process that traces others: for its tracees, which may be no children of it, and for its children.

use std::os::fd::{AsFd, AsRawFd};

use super::{
    EVENTS, HOST_P_PID, LONGEST_PAUSE, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WSTOPPED, Wanted,
};
use crate::abi::{Errno, SysResult};
use crate::host::fd::OwnFd;
use crate::host::nr::{SYS_kill, SYS_pidfd_open, SYS_ppoll, SYS_waitid};
use crate::host::signal::RawInfo;
use crate::os::Call;
use crate::os::freebsd;
use crate::os::freebsd::sys::{procctl, procdesc, ptrace};
use crate::os::tracing::State;
use crate::process::Signal;

/// What has been found.
pub(super) enum Seen {
    /// A tracee, with the information that SIGCHLD would bring (the host's).
    Tracee(RawInfo),
    /// A child that the host has something to say of; 0 if there is nothing.
    Child(i32),
}

const CLD_STOPPED: i32 = 5;
const CLD_CONTINUED: i32 = 6;
const CLD_TRAPPED: i32 = 4;

/// How often to look at tracees that somebody may have stopped by the host's own means, in ns.
const SELDOM: u64 = 200_000_000;

/// Finds a tracee or a child that something has happened to. A tracee's stop is taken unless the caller only looks, a child is not.
pub(super) fn look(
    call: &mut Call<'_>,
    wanted: Wanted,
    options: u64,
    trapped: bool,
) -> SysResult<Seen> {
    let process = call.thread.process.clone();
    let os = freebsd::of_process(&process).ok_or(Errno::ECHILD)?;
    let mut news = os.tracer.news()?;
    loop {
        procdesc::reap_released(call);
        let mut tracees = os.tracer.tracees();
        tracees.retain(|&pid| wanted.includes(call, pid));
        for &pid in &tracees {
            match os.tracer.state(pid) {
                Some(State::Stopped {
                    signal,
                    waited: false,
                }) if trapped => {
                    if options & WNOWAIT == 0 {
                        os.tracer.set_waited(pid);
                    }
                    let dialect = call.abi.dialect;
                    let signal = Signal::from_guest(dialect, signal as u32);
                    let number = signal.map_or(0, |s| s.0.into());
                    return Ok(Seen::Tracee(RawInfo::of_child(pid, CLD_TRAPPED, number)));
                }
                Some(State::Ended { code, status }) if options & WEXITED != 0 => {
                    if options & WNOWAIT == 0 {
                        let gone = OwnFd::open(SYS_pidfd_open, [pid as u64, 0, 0, 0, 0, 0]);
                        call.thread.block_while(|| {
                            os.tracer.collect(pid);
                            // Its parent can wait for it at once.
                            let fd = gone.as_ref().map_or(-1, OwnFd::number);
                            let mut polled = [fd, 1];
                            let time = [0u64, SELDOM];
                            let (fds, time) = (polled.as_mut_ptr() as u64, time.as_ptr() as u64);
                            crate::host::syscall(SYS_ppoll, [fds, 1, time, 0, 8, 0])
                        })?;
                    }
                    return Ok(Seen::Tracee(RawInfo::of_child(pid, code, status)));
                }
                _ => {}
            }
        }
        let mut children = procctl::children(crate::host::pid());
        children.retain(|&pid| wanted.includes(call, pid));
        let mut untraced = false;
        for &pid in &children {
            let is_tracee = tracees.contains(&pid);
            untraced |= !is_tracee;
            let Some(code) = news_of(call, pid, options, is_tracee) else {
                continue;
            };
            if is_tracee && code == CLD_STOPPED {
                // Somebody stopped it by the host's own means: its tracer is to hear of it.
                let cont = Signal::SIGCONT.0.into();
                call.host(SYS_kill, [pid as u64, cont, 0, 0, 0, 0])?;
                ptrace::sends_stop(call, pid, 0);
            } else if !is_tracee || code != CLD_CONTINUED {
                return Ok(Seen::Child(pid));
            }
        }
        if tracees.is_empty() && children.is_empty() {
            return Err(Errno::ECHILD);
        }
        if options & WNOHANG != 0 {
            return Ok(Seen::Child(0));
        }
        // The host tells of ends at once; of stops it tells nobody who does not ask.
        let asks_for_stops = untraced && options & (WSTOPPED | WCONTINUED) != 0;
        let pause = if asks_for_stops {
            LONGEST_PAUSE
        } else {
            SELDOM
        };
        let ends = children.iter().filter(|_| options & WEXITED != 0);
        let ends =
            ends.filter_map(|&pid| OwnFd::open(SYS_pidfd_open, [pid as u64, 0, 0, 0, 0, 0]).ok());
        let ends: Vec<OwnFd> = ends.collect();
        let numbers = ends.iter().map(OwnFd::number);
        // struct pollfd: POLLIN
        let mut polled: Vec<[i32; 2]> = numbers
            .chain([news.as_fd().as_raw_fd()])
            .map(|fd| [fd, 1])
            .collect();
        let time = [0u64, pause];
        let args = [
            polled.as_mut_ptr() as u64,
            polled.len() as u64,
            time.as_ptr() as u64,
            0,
            8,
            0,
        ];
        call.host_wait(SYS_ppoll, args).map_err(|e| match e {
            Errno::EINTR => crate::process::ERESTARTSYS,
            e => e,
        })?;
        news.clear();
    }
}

/// `si_code` of what the host has to say of a child, if there is something; of a tracee its stops are asked for as well.
fn news_of(call: &mut Call<'_>, pid: i32, options: u64, is_tracee: bool) -> Option<i32> {
    let mut info = RawInfo([0; 128]);
    let at = info.0.as_mut_ptr() as u64;
    let ask = |call: &mut Call<'_>, events: u64| {
        let args = [HOST_P_PID, pid as u64, at, events | WNOWAIT | WNOHANG, 0, 0];
        events & EVENTS != 0 && call.host(SYS_waitid, args).is_ok()
    };
    let events = match is_tracee {
        true => options & WEXITED,
        false => options & EVENTS,
    };
    if ask(call, events) && info.i32(16) != 0 {
        return Some(info.i32(8));
    }
    if is_tracee && ask(call, WSTOPPED) && info.i32(16) != 0 {
        return Some(info.i32(8));
    }
    None
}
