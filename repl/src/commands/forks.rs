//! Forks and execs: which of the two processes the prompt stays with, and what becomes of breakpoints in another program.

use super::breakpoints::Kind;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Error, Pid, Result, Resume, ResumePlan, Tid};

/// Which process is debugged after a fork.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Follow {
    /// The one that forked.
    #[default]
    Parent,
    /// The new one.
    Child,
}

/// A fork that has been reported: the two processes are stopped until the program goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forked {
    /// The process that forked.
    pub parent: Pid,
    /// The new one, and its thread.
    pub child: (Pid, Tid),
    /// By `vfork`.
    pub vfork: bool,
}

const NO_FORKS: Error = Error::Unsupported(
    "forks are not reported here: the child runs on by itself, and the prompt stays with the parent",
);

impl Cx<'_> {
    /// Has the program's forks reported, as far as it can.
    ///
    /// # Errors
    /// The program is gone.
    pub fn ask_for_forks(&mut self) -> Result<()> {
        if !self.s.asked_for_forks && self.inf.capabilities().fork_events {
            self.s.asked_for_forks = true;
            self.inf.report_forks(true)?;
        }
        Ok(())
    }

    /// Lets one of the two processes of a fork go, before the other one goes on by `plan`.
    ///
    /// # Errors
    /// It cannot be let go.
    pub fn follow_fork(&mut self, plan: &mut ResumePlan) -> Result<()> {
        let Some(fork) = self.s.forked.take() else {
            return Ok(());
        };
        let (child, tid) = fork.child;
        let how = if fork.vfork { "vfork" } else { "fork" };
        let parent = fork.parent;
        match self.s.follow {
            Follow::Parent => {
                self.inf.select_process(child)?;
                self.inf.detach(None)?;
                say!(self, "[Detaching after {how} from child process {child}]");
                self.inf.select_process(parent)
            }
            Follow::Child => {
                say!(
                    self,
                    "[Attaching after process {parent} {how} to child process {child}]"
                );
                self.inf.select_process(parent)?;
                self.inf.detach(None)?;
                say!(self, "[Detaching after {how} from parent process {parent}]");
                self.inf.select_process(child)?;
                // The child has none of the parent's.
                self.s.breakpoints.forget_inserted();
                self.s.passed = None;
                self.s.thread_numbers.clear();
                self.s.reported_at.clear();
                self.s.thread = Some(tid);
                self.s.invalidate();
                let action = plan.threads.first().map(|(_, action)| *action);
                plan.threads = vec![(tid, action.unwrap_or(Resume::Continue { signal: None }))];
                self.insert_points(&[])
            }
        }
    }

    /// Another program runs: its symbols are read, and breakpoints are where it has what they were named by.
    pub fn follow_exec(&mut self) {
        self.s.new_program();
        self.s.started = true;
        self.reload_symbols();
        self.s.breakpoints.forget_inserted();
        self.reset_points();
    }

    /// Puts breakpoints where the program that runs has what they were named by. One that it does not have waits for another.
    pub fn reset_points(&mut self) {
        let points = self.s.breakpoints.points.clone();
        let mut kept = Vec::new();
        for mut point in points {
            match &mut point.kind {
                Kind::Code { addrs, spec, .. } => {
                    // What was named by an address, or by where the old program stood, names nothing in the new one.
                    let named = super::breakpoints::is_named(spec);
                    match named.then(|| self.locate(spec)) {
                        Some(Ok(place)) => *addrs = place.addrs,
                        Some(Err(e)) => {
                            say!(self, "Error in re-setting breakpoint {}: {e}", point.number);
                            addrs.clear();
                        }
                        None => {
                            say!(
                                self,
                                "Breakpoint {} deleted: it was at an address of the old program.",
                                point.number
                            );
                            continue;
                        }
                    }
                }
                Kind::Watch { expr, .. } => {
                    say!(
                        self,
                        "Watchpoint {} deleted: {expr} was in the old program.",
                        point.number
                    );
                    continue;
                }
                _ => {}
            }
            kept.push(point);
        }
        self.s.breakpoints.points = kept;
    }
}

/// `set follow-fork-mode`
pub fn set_follow(cx: &mut Cx<'_>, follow: Follow) -> Result<()> {
    if follow == Follow::Child && !cx.inf.capabilities().fork_events {
        return Err(NO_FORKS);
    }
    cx.s.follow = follow;
    Ok(())
}

/// `set detach-on-fork`: the other process always runs on by itself.
pub fn set_detach(cx: &mut Cx<'_>, detach: bool) -> Result<()> {
    if detach {
        return Ok(());
    }
    if !cx.inf.capabilities().fork_events {
        return Err(NO_FORKS);
    }
    fail("one process is debugged at a time: the one that is not followed runs on by itself")
}
