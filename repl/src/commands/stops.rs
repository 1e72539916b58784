//! What a stop means, and how it is told.

use super::breakpoints::{Disposition, Event as Caught, Kind, watch_name};
use super::forks::Forked;
use super::run::Ran;
use crate::expr::Value;
use crate::say;
use crate::session::Cx;
use emu_stub::{RegisterRole, Result, Resume, ResumePlan, Stop, StopReason, Tid, WatchKind};
use serde_json::json;

impl Cx<'_> {
    /// What a stop means; `None` to go on.
    pub(super) fn judge(&mut self, stop: &Stop, own: &[u64]) -> Result<Option<Ran>> {
        match &stop.reason {
            StopReason::Exited(_) | StopReason::Terminated(_) | StopReason::Lost(_) => {
                self.report_end(stop);
                return Ok(Some(Ran::Reported));
            }
            StopReason::Breakpoint { .. } | StopReason::Step => {
                let pc = self.role(stop.tid, RegisterRole::Pc)?;
                if let Some(call) = self.returned_call(stop.tid, pc) {
                    if call.waited_for {
                        return Ok(Some(Ran::Returned));
                    }
                    if own.contains(&pc) {
                        return Ok(Some(Ran::Arrived));
                    }
                    // One that was given up: the program is where it was before.
                    self.pop_call(&call)?;
                    self.report(stop, "", true);
                    return Ok(Some(Ran::Reported));
                }
                let here: Vec<usize> = self
                    .s
                    .breakpoints
                    .points
                    .iter()
                    .filter(|p| {
                        p.enabled
                            && matches!(&p.kind, Kind::Code { addrs, .. } if addrs.contains(&pc))
                    })
                    .map(|p| p.number)
                    .collect();
                let hits: Vec<usize> = here
                    .into_iter()
                    .filter(|n| self.hit(*n, stop.tid))
                    .collect();
                if let Some(first) = hits.first() {
                    self.report_hits(stop, *first, &hits);
                    return Ok(Some(Ran::Reported));
                }
                if own.contains(&pc) {
                    return Ok(Some(Ran::Arrived));
                }
                return Ok((stop.reason == StopReason::Step).then_some(Ran::Stepped));
            }
            StopReason::Watchpoint { kind, addr } => return self.watch_hit(stop, *kind, *addr),
            StopReason::Signal(n) => return self.signal_stop(stop, *n),
            StopReason::SyscallEntry(n) | StopReason::SyscallReturn(n) => {
                let found = self.s.breakpoints.points.iter().find(|p| {
                    p.enabled
                        && match &p.kind {
                            Kind::Syscall(None) => true,
                            Kind::Syscall(Some(list)) => list.contains(n),
                            _ => false,
                        }
                });
                let Some(number) = found.map(|p| p.number) else {
                    return Ok(None);
                };
                if !self.hit(number, stop.tid) {
                    return Ok(None);
                }
                let name = self.inf.syscall_name(*n).unwrap_or_else(|| n.to_string());
                let how = if matches!(stop.reason, StopReason::SyscallEntry(_)) {
                    format!("(call to syscall {name})")
                } else {
                    format!("(returned from syscall {name})")
                };
                self.report(stop, &format!("Catchpoint {number} {how}, "), true);
                self.defer_commands(&[number]);
            }
            StopReason::Fork { pid, tid } | StopReason::VFork { pid, tid } => {
                let vfork = matches!(stop.reason, StopReason::VFork { .. });
                self.s.forked = Some(Forked {
                    parent: stop.pid,
                    child: (*pid, *tid),
                    vfork,
                });
                let (event, how) = match vfork {
                    true => (Caught::VFork, "vfork"),
                    false => (Caught::Fork, "fork"),
                };
                return self.event(stop, event, &format!("({how}ed process {pid})"));
            }
            StopReason::VForkDone => return Ok(None),
            StopReason::Exec(path) => {
                say!(
                    self,
                    "process {} is executing new program: {}",
                    stop.pid,
                    path.display()
                );
                self.follow_exec();
                return self.event(stop, Caught::Exec, &format!("(exec'd {})", path.display()));
            }
            StopReason::LibrariesChanged => {
                self.refresh_libraries();
                return Ok(None);
            }
            StopReason::ThreadCreated | StopReason::ThreadExited(_) => return Ok(None),
            StopReason::Interrupted => {
                self.report(stop, "Program stopped.\n", true);
            }
            StopReason::EndOfRecording { beginning } => {
                let end = if *beginning { "beginning" } else { "end" };
                self.report(stop, &format!("The {end} of the recording.\n"), true);
            }
            StopReason::InternalError(text) => {
                self.report(
                    stop,
                    &format!("Internal error of the emulator: {text}\n"),
                    true,
                );
            }
        }
        Ok(Some(Ran::Reported))
    }

    fn event(&mut self, stop: &Stop, event: Caught, text: &str) -> Result<Option<Ran>> {
        let found = self
            .s
            .breakpoints
            .points
            .iter()
            .find(|p| p.enabled && matches!(&p.kind, Kind::Event(e) if *e == event));
        let Some(number) = found.map(|p| p.number) else {
            return Ok(None);
        };
        if !self.hit(number, stop.tid) {
            return Ok(None);
        }
        self.report(stop, &format!("Catchpoint {number} {text}, "), true);
        self.defer_commands(&[number]);
        Ok(Some(Ran::Reported))
    }

    fn report_hits(&mut self, stop: &Stop, first: usize, all: &[usize]) {
        let temporary = self
            .s
            .breakpoints
            .get(first)
            .is_some_and(|p| p.disposition == Disposition::Delete);
        let what = if temporary {
            "Temporary breakpoint"
        } else {
            "Breakpoint"
        };
        let head = match self.thread_title(stop.tid) {
            Some(title) => format!("{title} hit {what} {first}, "),
            None => format!("{what} {first}, "),
        };
        let silent = all.iter().any(|n| {
            self.s
                .breakpoints
                .get(*n)
                .is_some_and(|p| p.commands.first().is_some_and(|c| c.trim() == "silent"))
        });
        if silent {
            self.note_stop(stop);
        } else {
            self.report(stop, &head, true);
        }
        self.defer_commands(all);
        if let Some(answer) = &mut self.s.answer {
            answer["breakpoint"] = json!(first);
        }
    }

    /// Has the commands of these points, which were hit, run once this command is done.
    fn defer_commands(&mut self, numbers: &[usize]) {
        for n in numbers {
            if let Some(p) = self.s.breakpoints.get(*n) {
                let lines: Vec<String> = p
                    .commands
                    .iter()
                    .filter(|c| c.trim() != "silent")
                    .cloned()
                    .collect();
                self.s.deferred.extend(lines);
            }
            self.spend(*n);
        }
    }

    /// `Thread 2 "name"`, if there are several.
    pub fn thread_title(&mut self, tid: Tid) -> Option<String> {
        if self.inf.threads().len() < 2 {
            return None;
        }
        let number = self.thread_number(tid);
        let name = self
            .inf
            .thread_info(tid)
            .map(|i| i.name)
            .unwrap_or_default();
        Some(format!("Thread {number} \"{name}\""))
    }

    /// Values of what is watched, before it runs.
    pub(super) fn note_watched(&mut self) {
        let watched: Vec<(usize, u64, Value)> = self
            .s
            .breakpoints
            .points
            .iter()
            .filter_map(|p| match &p.kind {
                Kind::Watch { addr, old, .. } => Some((p.number, *addr, old.clone())),
                _ => None,
            })
            .collect();
        for (number, addr, old) in watched {
            if let Ok(now) = self.value_at(old.ty.clone(), addr)
                && let Some(p) = self.s.breakpoints.get(number)
                && let Kind::Watch { old, .. } = &mut p.kind
            {
                *old = now;
            }
        }
    }

    fn watch_hit(&mut self, stop: &Stop, kind: WatchKind, at: u64) -> Result<Option<Ran>> {
        let found: Vec<(usize, WatchKind, String, Value, u64, Option<u64>)> = self
            .s
            .breakpoints
            .points
            .iter()
            .filter(|p| p.enabled)
            .filter_map(|p| match &p.kind {
                Kind::Watch {
                    kind: k,
                    expr,
                    old,
                    addr,
                    len,
                    scope,
                } if *k == kind && (*addr..addr.saturating_add(*len)).contains(&at) => {
                    Some((p.number, *k, expr.clone(), old.clone(), *addr, *scope))
                }
                _ => None,
            })
            .collect();
        // The access is still to be done on machines whose watchpoints stop before it.
        if !self.target().watch_after() {
            let plan = ResumePlan {
                threads: vec![(stop.tid, Resume::Step { signal: None })],
                ..ResumePlan::default()
            };
            self.s.invalidate();
            self.inf.resume(plan)?;
            let after = self.wait()?;
            self.s.invalidate();
            if after.is_exit() {
                self.report_end(&after);
                return Ok(Some(Ran::Reported));
            }
        }
        for (number, kind, expr, old, addr, scope) in found {
            let now = self.value_at(old.ty.clone(), addr)?;
            let changed = now.bytes != old.bytes;
            // The frame is gone, and what is written there is another's.
            if let Some(cfa) = scope
                && self
                    .role(stop.tid, RegisterRole::Sp)
                    .is_ok_and(|sp| sp > cfa)
            {
                self.s.breakpoints.points.retain(|p| p.number != number);
                let text = format!(
                    "Watchpoint {number} deleted because the program has left the block in\nwhich its expression is valid.\n"
                );
                self.report(stop, &text, true);
                return Ok(Some(Ran::Reported));
            }
            if kind == WatchKind::Write && !changed {
                continue;
            }
            if !self.hit(number, stop.tid) {
                continue;
            }
            let (before, after) = (
                self.show(&old, Default::default(), true)?,
                self.show(&now, Default::default(), true)?,
            );
            let values = match kind {
                WatchKind::Read => format!("Value = {after}\n"),
                WatchKind::Access if !changed => format!("Value = {after}\n"),
                _ => format!("Old value = {before}\nNew value = {after}\n"),
            };
            let head = match self.thread_title(stop.tid) {
                Some(title) => format!("{title} hit "),
                None => String::new(),
            };
            self.report(
                stop,
                &format!("{head}{} {number}: {expr}\n\n{values}", watch_name(kind)),
                true,
            );
            self.defer_commands(&[number]);
            return Ok(Some(Ran::Reported));
        }
        Ok(None)
    }

    fn signal_stop(&mut self, stop: &Stop, n: i32) -> Result<Option<Ran>> {
        let handling = self.handling(n);
        self.s.pending_signal = handling.pass.then_some((stop.tid, n));
        let caught = self.s.breakpoints.points.iter().find(|p| {
            p.enabled
                && match &p.kind {
                    Kind::Signal(None) => handling.stop,
                    Kind::Signal(Some(list)) => list.contains(&n),
                    _ => false,
                }
        });
        let name = self.signal_name(n);
        if let Some(number) = caught.map(|p| p.number)
            && self.hit(number, stop.tid)
        {
            self.report(
                stop,
                &format!("Catchpoint {number} (signal {name}), "),
                true,
            );
            self.defer_commands(&[number]);
            return Ok(Some(Ran::Reported));
        }
        let who = self
            .thread_title(stop.tid)
            .unwrap_or_else(|| "Program".into());
        let text = format!(
            "{who} received signal {name}, {}.\n",
            super::signals::description(&name)
        );
        if handling.stop {
            self.report(stop, &text, true);
            return Ok(Some(Ran::Reported));
        }
        if handling.print {
            let _ = self.out.write_str(&text);
        }
        Ok(None)
    }

    fn report_end(&mut self, stop: &Stop) {
        self.s.pending_signal = None;
        self.s.thread = None;
        match stop.reason {
            StopReason::Exited(0) => {
                say!(self, "[Inferior 1 (process {}) exited normally]", stop.pid);
                self.s.exit_code = Some(0);
                self.s.answer =
                    Some(json!({ "stopped": "exited", "status": 0, "process": stop.pid }));
            }
            StopReason::Exited(status) => {
                say!(
                    self,
                    "[Inferior 1 (process {}) exited with code 0{status:o}]",
                    stop.pid
                );
                self.s.exit_code = Some(status.into());
                self.s.answer =
                    Some(json!({ "stopped": "exited", "status": status, "process": stop.pid }));
            }
            StopReason::Terminated(n) => {
                let name = self.signal_name(n);
                say!(
                    self,
                    "Program terminated with signal {name}, {}.",
                    super::signals::description(&name)
                );
                say!(self, "The program no longer exists.");
                self.s.answer =
                    Some(json!({ "stopped": "terminated", "signal": name, "process": stop.pid }));
            }
            StopReason::Lost(why) => {
                say!(
                    self,
                    "[Inferior 1 (process {}) cannot be seen any more: {why}]",
                    stop.pid
                );
                self.s.answer = Some(json!({ "stopped": "lost", "why": why, "process": stop.pid }));
            }
            _ => {}
        }
    }

    /// What changes with a stop that is shown: the registers to compare with, the threads' numbers.
    pub fn note_stop(&mut self, stop: &Stop) {
        self.s.registers_before = std::mem::take(&mut self.s.registers_now);
        if !stop.is_exit() {
            self.snapshot_registers(stop.tid);
        }
        for tid in self.inf.threads() {
            self.thread_number(tid);
        }
        self.refresh_libraries();
        self.s.listing = None;
    }

    /// Shows a stop: `head`, where it is, what is displayed.
    pub fn report(&mut self, stop: &Stop, head: &str, frame_line: bool) {
        self.note_stop(stop);
        let _ = self.out.write_str(head);
        self.show_place(frame_line);
        let _ = super::display::show_displays(self);
        self.answer_stop(stop);
    }

    /// The structured answer for a stop.
    fn answer_stop(&mut self, stop: &Stop) {
        let mut answer = match &stop.reason {
            StopReason::Interrupted => json!({ "stopped": "interrupted" }),
            StopReason::Step => json!({ "stopped": "step" }),
            StopReason::Breakpoint { .. } => json!({ "stopped": "breakpoint" }),
            StopReason::Watchpoint { addr, .. } => {
                json!({ "stopped": "watchpoint", "address": addr })
            }
            StopReason::Signal(n) => json!({ "stopped": "signal", "signal": self.signal_name(*n) }),
            StopReason::SyscallEntry(n) => {
                json!({ "stopped": "syscall-entry", "number": n, "name": self.inf.syscall_name(*n) })
            }
            StopReason::SyscallReturn(n) => {
                json!({ "stopped": "syscall-return", "number": n, "name": self.inf.syscall_name(*n) })
            }
            StopReason::Fork { pid, .. } => json!({ "stopped": "fork", "child": pid }),
            StopReason::VFork { pid, .. } => json!({ "stopped": "vfork", "child": pid }),
            StopReason::Exec(path) => json!({ "stopped": "exec", "path": path.to_string_lossy() }),
            StopReason::InternalError(text) => json!({ "stopped": "internal-error", "text": text }),
            _ => json!({ "stopped": "other" }),
        };
        answer["thread"] = json!(stop.tid);
        if let Ok(Some(frame)) = self.frame_at(0) {
            answer["frame"] = self.frame_json(&frame, 0, true);
        }
        self.s.answer = Some(answer);
    }

    /// Reports the end of a step or of another command's own run.
    pub fn report_arrival(&mut self, frame_line: bool) -> Result<()> {
        let stop = self.stop()?;
        let stop = Stop {
            reason: StopReason::Step,
            tid: self.tid()?,
            ..stop
        };
        self.report(&stop, "", frame_line);
        Ok(())
    }
}
