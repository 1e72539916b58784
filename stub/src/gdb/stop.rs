//! Stop replies: `?`, and what follows a resume.

use std::os::unix::ffi::OsStrExt;

use crate::inferior::{State, Stop, StopReason, Tid, WatchKind};
use crate::register::RegisterRole;
use crate::session::{Answer, Outcome, Session};
use crate::signal::{self, GDB_SIGABRT, GDB_SIGINT, GDB_SIGTRAP};

/// Registers that go along with a stop, so that a debugger need not ask: those that a backtrace begins with.
const EXPEDITED: [RegisterRole; 4] = [
    RegisterRole::Pc,
    RegisterRole::Sp,
    RegisterRole::Fp,
    RegisterRole::Ra,
];

/// `?`.
pub(crate) fn why(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    match s.guest.inferior.state() {
        State::Stopped(stop) => {
            if !stop.is_exit() {
                // The thread that stopped may be gone by now: a later `T` or `z` says so, but this reply has to name a live one.
                let alive = s.guest.inferior.threads();
                let tid = match alive.first() {
                    Some(first) if !alive.contains(&stop.tid) => *first,
                    _ => stop.tid,
                };
                s.select(stop.pid, tid);
                s.write_stop(&Stop { tid, ..stop });
            } else {
                s.write_stop(&stop);
            }
            Ok(Answer::Body)
        }
        // Between an interrupt and its stop: the reply comes with the stop.
        State::Running => Ok(Answer::Later),
    }
}

impl Session<'_> {
    /// The debugger's number of a guest signal.
    fn shown_signal(&self, number: i32) -> u8 {
        let gdb = self.guest.inferior.gdb_signal(number);
        match self.client.lldb {
            false => gdb,
            true if self.numbers_as_guest() => number as u8,
            true => signal::to_lldb(gdb).unwrap_or(number as u8),
        }
    }

    /// The guest's number of a signal that the debugger names.
    pub(crate) fn meant_signal(&self, shown: u8) -> Option<i32> {
        match self.client.lldb {
            false => self.guest.inferior.guest_signal(shown),
            true if self.numbers_as_guest() => Some(shown.into()),
            true => signal::from_lldb(shown).and_then(|gdb| self.guest.inferior.guest_signal(gdb)),
        }
    }

    /// Whether lldb numbers the guest's signals as the guest does. Of Linux it knows one list, which is not that of MIPS.
    fn numbers_as_guest(&self) -> bool {
        self.guest.target.os() != "linux"
    }

    /// The debugger's signal number for a stop.
    pub(crate) fn stop_signal(&self, reason: &StopReason) -> u8 {
        match reason {
            StopReason::Interrupted => GDB_SIGINT,
            StopReason::Signal(n) => self.shown_signal(*n),
            StopReason::InternalError(_) => GDB_SIGABRT,
            _ => GDB_SIGTRAP,
        }
    }

    /// Writes a stop reply.
    pub(crate) fn write_stop(&mut self, stop: &Stop) {
        match &stop.reason {
            StopReason::Exited(status) => {
                self.out.text("W");
                self.out.hex(&[*status]);
                self.write_exit_process(stop);
            }
            StopReason::Terminated(signal) => {
                self.out.text("X");
                let signal = self.shown_signal(*signal);
                self.out.hex(&[signal]);
                self.write_exit_process(stop);
            }
            StopReason::ThreadExited(status) => {
                self.out.text("w");
                self.out.hex(&[*status as u8]);
                self.out.text(";");
                self.write_thread(stop.pid, stop.tid);
            }
            reason => {
                self.out.text("T");
                let signal = self.stop_signal(reason);
                self.out.hex(&[signal]);
                self.write_expedited(stop.tid);
                self.out.text("thread:");
                self.write_thread(stop.pid, stop.tid);
                self.out.text(";");
                if self.client.lldb {
                    self.write_lldb_stop(stop);
                }
                self.write_reason(reason);
            }
        }
    }

    /// gdb needs the process only where there can be several; lldb knows no such key after `W`.
    fn write_exit_process(&mut self, stop: &Stop) {
        if self.client.multiprocess && !self.client.lldb {
            let pid = self.shown_pid(stop.pid);
            self.out.text(";process:");
            self.out.number(pid);
        }
    }

    /// Numbers and values of the registers that go along with a stop.
    pub(crate) fn expedited(&mut self, tid: Tid) -> Vec<(usize, Vec<u8>)> {
        let target = self.guest.target.clone();
        let mut values = Vec::new();
        for role in EXPEDITED {
            let Some(n) = target.register_in_role(role) else {
                continue;
            };
            let mut value = vec![0; target.registers[n].size()];
            if self
                .guest
                .inferior
                .read_register(tid, n, &mut value)
                .is_ok()
            {
                values.push((n, value));
            }
        }
        values
    }

    fn write_expedited(&mut self, tid: Tid) {
        for (n, value) in self.expedited(tid) {
            // Two digits at least: lldb takes a single one for a key of another kind.
            self.out.text(format!("{n:02x}:"));
            self.out.hex(&value);
            self.out.text(";");
        }
    }

    fn write_reason(&mut self, reason: &StopReason) {
        match reason {
            StopReason::Breakpoint { hardware: false } if self.client.swbreak => {
                self.out.text("swbreak:;");
            }
            StopReason::Breakpoint { hardware: true } if self.client.hwbreak => {
                self.out.text("hwbreak:;");
            }
            StopReason::Watchpoint { kind, addr } => {
                self.out.text(match kind {
                    WatchKind::Write => "watch:",
                    WatchKind::Read => "rwatch:",
                    WatchKind::Access => "awatch:",
                });
                self.out.number(*addr);
                self.out.text(";");
            }
            StopReason::SyscallEntry(n) => self.write_pair("syscall_entry:", u64::from(*n)),
            StopReason::SyscallReturn(n) => self.write_pair("syscall_return:", u64::from(*n)),
            StopReason::Fork { pid, tid } => self.write_child("fork:", *pid, *tid),
            StopReason::VFork { pid, tid } => self.write_child("vfork:", *pid, *tid),
            StopReason::VForkDone => self.out.text("vforkdone:;"),
            StopReason::Exec(path) if self.client.exec_events => {
                self.out.text("exec:");
                self.out.hex(path.as_os_str().as_bytes());
                self.out.text(";");
            }
            StopReason::LibrariesChanged => self.out.text("library:;"),
            StopReason::ThreadCreated => self.out.text("create:;"),
            StopReason::EndOfRecording { beginning } => self.out.text(if *beginning {
                "replaylog:begin;"
            } else {
                "replaylog:end;"
            }),
            _ => {}
        }
    }

    fn write_pair(&mut self, key: &str, n: u64) {
        self.out.text(key);
        self.out.number(n);
        self.out.text(";");
    }

    fn write_child(&mut self, key: &str, pid: u32, tid: Tid) {
        self.out.text(key);
        self.write_thread(pid, tid);
        self.out.text(";");
    }
}
