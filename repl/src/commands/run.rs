//! Running: resuming, waiting, and what a stop means.

use super::breakpoints::Kind;
use super::locations::Aim;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, RegisterRole, Result, Resume, ResumePlan, Stop, StopReason, Tid};
use rustix::event::{PollFd, PollFlags, poll};

/// How a run came to its end.
#[derive(Debug)]
pub enum Ran {
    /// A step is done, and nothing else happened.
    Stepped,
    /// At one of the command's own addresses.
    Arrived,
    /// A function that the command has called is done.
    Returned,
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
    pub(super) fn wait(&mut self) -> Result<Stop> {
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
            self.follow_fork(&mut plan)?;
            self.set_passed_signals()?;
            self.ask_for_forks()?;
            self.ask_for_libraries()?;
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
                self.see_inlined(stop.tid, pc);
            }
            match self.judge(&stop, own)? {
                Some(ran) => return Ok(ran),
                None => self.s.thread = before,
            }
        }
    }

    /// Where inlined functions begin, a thread is seen before them, or in the one that a breakpoint is meant for.
    fn see_inlined(&mut self, tid: Tid, pc: u64) {
        let symbols = self.symbols();
        let beginning = symbols.inlined_beginning_at(pc);
        if beginning == 0 {
            self.s.before_inlined = None;
            return;
        }
        let chain = symbols.inlined_at(pc);
        // Innermost first, and what the line is where it has not been entered.
        let inner: Vec<_> = chain.iter().rev().take(beginning).collect();
        let line = symbols.line_at(pc).map(|l| l.line);
        let aims = self
            .s
            .breakpoints
            .points
            .iter()
            .filter_map(|p| match &p.kind {
                Kind::Code { addrs, aim, .. } if p.enabled && addrs.contains(&pc) => Some(aim),
                _ => None,
            });
        let skipped = aims.filter_map(|aim| match aim {
            Aim::Address => None,
            Aim::Function(name) => inner.iter().position(|i| i.function.name == *name),
            Aim::Line(n) if line == Some(*n) => Some(0),
            Aim::Line(n) => inner.iter().position(|i| i.call.2 == *n).map(|at| at + 1),
        });
        let skipped = skipped.min().unwrap_or(beginning);
        self.s.before_inlined = Some((tid, pc, skipped));
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
                match n {
                    2 => say!(
                        cx,
                        "Will ignore next crossing of breakpoint {number}.  Continuing."
                    ),
                    _ => say!(
                        cx,
                        "Will ignore next {} crossings of breakpoint {number}.  Continuing.",
                        n - 1
                    ),
                };
            }
            None => {
                say!(cx, "Not stopped at any breakpoint; argument ignored.");
            }
        }
    }
    let plan = cx.plan(Resume::Continue { signal: None })?;
    cx.run_until(plan, &[])?;
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
