//! Running: resuming, waiting, and what a stop means.

use super::breakpoints::{Event as Caught, Kind, watch_name};
use crate::expr::Value;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, RegisterRole, Result, Resume, ResumePlan, Stop, StopReason, Tid, WatchKind};
use rustix::event::{PollFd, PollFlags, poll};
use serde_json::json;

/// How a run came to its end.
#[derive(Debug)]
pub enum Ran {
    /// A step is done, and nothing else happened.
    Stepped,
    /// At one of the command's own addresses.
    Arrived,
    /// Something that has been reported to the user.
    Reported,
}

impl Cx<'_> {
    /// What the selected thread and the others do: `resume`, and the others run along.
    ///
    /// # Errors
    /// There is no thread.
    pub fn plan(&mut self, resume: Resume) -> Result<ResumePlan> {
        let tid = self.tid()?;
        let signal = self.s.pending_signal.take();
        let mut threads = vec![(tid, resume)];
        match (signal, resume) {
            (None, _) => {}
            (Some((at, n)), Resume::Continue { .. }) if at == tid => {
                threads[0].1 = Resume::Continue { signal: Some(n) };
            }
            (Some((at, n)), _) if at == tid => threads[0].1 = Resume::Step { signal: Some(n) },
            (Some((at, n)), _) => threads.push((at, Resume::Continue { signal: Some(n) })),
        }
        let others = match self.s.locking {
            Locking::Off => Some(Resume::Continue { signal: None }),
            Locking::On => None,
            Locking::Step if matches!(resume, Resume::Continue { .. }) => {
                Some(Resume::Continue { signal: None })
            }
            Locking::Step => None,
        };
        Ok(ResumePlan {
            threads,
            others,
            process: None,
        })
    }

    /// Whether the program can run at all.
    ///
    /// # Errors
    /// It cannot: it is a core file.
    pub fn need_to_run(&self) -> Result<()> {
        if self.inf.capabilities().resume {
            return Ok(());
        }
        Err(Error::Unsupported("a core file does not run"))
    }

    /// Waits for the stop of what was resumed.
    fn wait(&mut self) -> Result<Stop> {
        loop {
            if let Some(stop) = self.inf.take_stop() {
                return Ok(stop);
            }
            if let Some(view) = &mut self.s.view {
                view.wait_for_stop(self.inf);
                continue;
            }
            let Some(fd) = self.inf.stop_fd() else {
                return Err(Error::WrongState("nothing runs here"));
            };
            let mut fds = [PollFd::new(&fd, PollFlags::IN)];
            match poll(&mut fds, None) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(e) => return fail(format!("waiting for the program: {e}")),
            }
        }
    }

    /// Lets the program run as `plan` says until something stops it that counts. `own` are addresses that the command wants to
    /// stop at.
    ///
    /// # Errors
    /// It cannot run.
    pub fn run_until(&mut self, mut plan: ResumePlan, own: &[u64]) -> Result<Ran> {
        self.need_to_run()?;
        loop {
            self.set_passed_signals()?;
            self.insert_points(own)?;
            self.note_watched();
            self.s.invalidate();
            self.s.started = true;
            if let Some(t) = &mut self.s.terminal {
                t.give_to_guest();
            }
            let stop = match self.pass_breakpoints(&mut plan) {
                Ok(None) => {
                    let resumed = self.inf.resume(plan.clone());
                    resumed.and_then(|()| self.wait())
                }
                Ok(Some(stop)) => Ok(stop),
                Err(e) => Err(e),
            };
            if let Some(t) = &mut self.s.terminal {
                t.take_back();
            }
            let stop = stop?;
            self.s.invalidate();
            plan.forget_signals();
            let before = self.s.thread;
            self.s.thread = Some(stop.tid);
            if !stop.is_exit()
                && let Ok(pc) = self.role(stop.tid, RegisterRole::Pc)
            {
                self.s.reported_at.insert(stop.tid, pc);
            }
            match self.judge(&stop, own)? {
                Some(ran) => return Ok(ran),
                None => self.s.thread = before,
            }
        }
    }

    /// Takes the threads that stand at breakpoints which have been reported past them, one instruction each. Returns a stop that
    /// came of it, other than the end of such a step.
    fn pass_breakpoints(&mut self, plan: &mut ResumePlan) -> Result<Option<Stop>> {
        let pid = self.inf.processes().first().copied().unwrap_or(0);
        for tid in self.inf.threads() {
            let Some(&at) = self.s.reported_at.get(&tid) else {
                continue;
            };
            let Some(Resume::Continue { signal }) = plan.action(pid, tid) else {
                continue;
            };
            let here = self.role(tid, RegisterRole::Pc)? == at;
            self.s.reported_at.remove(&tid);
            // With a signal the handler comes first, and the breakpoint after it.
            if !here || !self.s.breakpoints.is_inserted(at) || signal.is_some() {
                continue;
            }
            self.inf.resume(ResumePlan {
                threads: vec![(tid, Resume::Step { signal: None })],
                ..ResumePlan::default()
            })?;
            let stop = self.wait()?;
            if stop.reason != StopReason::Step {
                return Ok(Some(stop));
            }
            let pc = self.role(tid, RegisterRole::Pc)?;
            if self.s.breakpoints.is_inserted(pc) {
                return Ok(Some(Stop {
                    reason: StopReason::Breakpoint { hardware: false },
                    ..stop
                }));
            }
        }
        Ok(None)
    }

    /// What a stop means; `None` to go on.
    fn judge(&mut self, stop: &Stop, own: &[u64]) -> Result<Option<Ran>> {
        match &stop.reason {
            StopReason::Exited(_) | StopReason::Terminated(_) => {
                self.report_end(stop);
                return Ok(Some(Ran::Reported));
            }
            StopReason::Breakpoint { .. } | StopReason::Step => {
                let pc = self.role(stop.tid, RegisterRole::Pc)?;
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
            StopReason::Fork { pid, .. } | StopReason::VFork { pid, .. } => {
                let vfork = matches!(stop.reason, StopReason::VFork { .. });
                // The child runs by itself: this prompt has one program.
                let child = *pid;
                if self.inf.select_process(child).is_ok() {
                    let _ = self.inf.detach(None);
                    let _ = self.inf.select_process(stop.pid);
                }
                let event = if vfork { Caught::VFork } else { Caught::Fork };
                return self.event(
                    stop,
                    event,
                    &format!(
                        "({}ed process {child})",
                        if vfork { "vfork" } else { "fork" }
                    ),
                );
            }
            StopReason::VForkDone => return Ok(None),
            StopReason::Exec(path) => {
                self.reload_symbols();
                self.s.breakpoints.forget_inserted();
                say!(
                    self,
                    "process {} is executing new program: {}",
                    stop.pid,
                    path.display()
                );
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
        let temporary = self.s.breakpoints.get(first).is_some_and(|p| p.temporary);
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
        for n in all {
            self.spend(*n);
        }
    }

    /// Has the commands of these points run once this command is done.
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
    fn note_watched(&mut self) {
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
                    "[Inferior 1 (process {}) exited with code {status:03o}]",
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
        let _ = super::breakpoints::show_displays(self);
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

/// Whether other threads run along.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Locking {
    /// They always do.
    #[default]
    Off,
    /// They never do.
    On,
    /// Not while one is stepped.
    Step,
}

fn count(cx: &mut Cx<'_>) -> Result<u64> {
    let args = cx.args;
    if args.is_empty() {
        return Ok(1);
    }
    Ok(cx.eval_int(args)?.max(0) as u64)
}

/// The count argument of a stepping command.
pub fn repeat(cx: &mut Cx<'_>) -> Result<u64> {
    count(cx)
}

pub fn go_on(cx: &mut Cx<'_>) -> Result<()> {
    let n = count(cx)?;
    let stop = cx.stop()?;
    if n > 1 {
        // The breakpoint that it is at is passed over so often.
        let pc = cx.role(stop.tid, RegisterRole::Pc)?;
        let here =
            cx.s.breakpoints
                .points
                .iter_mut()
                .find(|p| matches!(&p.kind, Kind::Code { addrs, .. } if addrs.contains(&pc)));
        match here {
            Some(p) => {
                p.ignore = n - 1;
                let number = p.number;
                say!(
                    cx,
                    "Will ignore next {} crossings of breakpoint {number}.  Continuing.",
                    n - 1
                );
            }
            None => return fail("Not stopped at any breakpoint; argument ignored."),
        }
    }
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
    Ok(())
}

pub fn run(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    if cx.s.started || !cx.args.is_empty() {
        restart(cx)?;
    }
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
    Ok(())
}

fn restart(cx: &mut Cx<'_>) -> Result<()> {
    let args = (!cx.args.is_empty()).then(|| {
        cx.args
            .split_whitespace()
            .map(|a| a.as_bytes().to_vec())
            .collect()
    });
    cx.inf.restart(None, args)?;
    cx.s.invalidate();
    cx.s.thread = None;
    cx.s.pending_signal = None;
    cx.s.breakpoints.forget_inserted();
    cx.reload_symbols();
    Ok(())
}

pub fn start(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    super::breakpoints::set_temporary(&mut cx.with_args("main"))?;
    run(cx)
}

pub fn kill(cx: &mut Cx<'_>) -> Result<()> {
    let stop = cx.stop()?;
    cx.inf.kill()?;
    cx.s.invalidate();
    say!(cx, "[Inferior 1 (process {}) killed]", stop.pid);
    Ok(())
}

pub fn detach(cx: &mut Cx<'_>) -> Result<()> {
    let stop = cx.stop()?;
    cx.need_to_run()?;
    let signal = cx.s.pending_signal.take().map(|(_, n)| n);
    if let Some(t) = &mut cx.s.terminal {
        t.give_to_guest();
    }
    cx.inf.detach(signal)?;
    cx.s.detached = true;
    say!(cx, "[Inferior 1 (process {}) detached]", stop.pid);
    Ok(())
}

/// `signal SIG`: goes on with this signal, or with none for 0.
pub fn signal(cx: &mut Cx<'_>) -> Result<()> {
    let tid = cx.tid()?;
    let args = cx.args;
    if args.is_empty() {
        return fail("Argument required (signal number).");
    }
    cx.s.pending_signal = if args == "0" {
        say!(cx, "Continuing with no signal.");
        None
    } else {
        let n = cx.signal_number(args)?;
        let name = cx.signal_name(n);
        say!(cx, "Continuing with signal {name}.");
        Some((tid, n))
    };
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
    Ok(())
}

pub fn jump(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return fail("Argument required (starting address).");
    }
    let place = cx.locate(cx.args)?;
    let addr = place.addrs.first().copied().unwrap_or(0);
    let tid = cx.tid()?;
    let target = cx.target();
    let pc = target
        .register_in_role(RegisterRole::Pc)
        .ok_or(Error::Unavailable)?;
    let bytes = target.integer(addr, target.registers[pc].size());
    cx.inf.write_register(tid, pc, &bytes)?;
    cx.s.forget_frames();
    say!(cx, "Continuing at {addr:#x}.");
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
    Ok(())
}
