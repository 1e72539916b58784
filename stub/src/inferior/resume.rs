//! How the guest goes on.

use super::{Pid, Tid};
use serde::{Deserialize, Serialize};

/// How one thread goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resume {
    /// Run until something stops it.
    Continue {
        /// Guest signal to deliver first.
        signal: Option<i32>,
    },
    /// Execute one instruction. With a signal: enter the handler, stop at its first instruction.
    Step {
        /// Guest signal to deliver first.
        signal: Option<i32>,
    },
    /// Step while the PC stays in `start..end`; stop as after a step when it leaves, and for any other reason to stop.
    StepRange {
        /// First address.
        start: u64,
        /// First address after the range.
        end: u64,
    },
}

/// What to resume. A thread that is not named in `threads` does what `others` says, if it is of the process that those are of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResumePlan {
    /// Threads by id, each at most once. Never names a thread that [`Inferior::threads`](super::Inferior::threads) does not list.
    pub threads: Vec<(Tid, Resume)>,
    /// All others, and threads created while running: `None` leaves them halted (scheduler locking).
    pub others: Option<Resume>,
    /// The process that `others` is for; threads of other processes stay halted. `None` is for all processes.
    pub process: Option<Pid>,
}

impl ResumePlan {
    /// Every thread of every process does the same.
    pub fn all(resume: Resume) -> ResumePlan {
        ResumePlan {
            threads: Vec::new(),
            others: Some(resume),
            process: None,
        }
    }

    /// What the plan says of the thread `tid` of process `pid`.
    pub fn action(&self, pid: Pid, tid: Tid) -> Option<Resume> {
        let named = self.threads.iter().find(|(t, _)| *t == tid);
        match named {
            Some((_, resume)) => Some(*resume),
            None => self.others_in(pid),
        }
    }

    /// What the plan says of the threads of process `pid` that are not named, and of those that it creates.
    pub fn others_in(&self, pid: Pid) -> Option<Resume> {
        self.others
            .filter(|_| self.process.is_none_or(|only| only == pid))
    }

    /// Takes the signals out, for a second use of the plan.
    pub fn forget_signals(&mut self) {
        for (_, resume) in &mut self.threads {
            *resume = resume.without_signal();
        }
        self.others = self.others.map(Resume::without_signal);
    }
}

impl Resume {
    /// The signal to deliver first.
    pub fn signal(self) -> Option<i32> {
        match self {
            Resume::Continue { signal } | Resume::Step { signal } => signal,
            Resume::StepRange { .. } => None,
        }
    }

    /// The same without a signal.
    pub fn without_signal(self) -> Resume {
        match self {
            Resume::Continue { .. } => Resume::Continue { signal: None },
            Resume::Step { .. } => Resume::Step { signal: None },
            range => range,
        }
    }
}

/// Reverse execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Backward {
    /// Undo one instruction of this thread.
    Step(Tid),
    /// Run back to the latest breakpoint or watchpoint hit, or to the beginning.
    Continue,
}
