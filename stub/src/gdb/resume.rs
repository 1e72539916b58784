//! Running: `vCont` in all its forms, the older `c`, `C`, `s`, `S`, backwards with `bc` and `bs`; detach, kill, restart.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use crate::hex;
use crate::inferior::{Backward, Error, Resume, ResumePlan, StartArguments, Tid};
use crate::register::RegisterRole;
use crate::session::{Answer, Ended, Outcome, Session, malformed};
use crate::thread_id::{Id, ThreadId};

/// `vCont?`.
pub(crate) fn query(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    if s.guest.capabilities.resume {
        s.out.text("vCont;c;C;s;S;r");
    }
    Ok(Answer::Body)
}

/// `vCont;action[:thread-id]...`: for each thread the leftmost action that matches it counts.
pub(crate) fn vcont(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let mut plan = ResumePlan::default();
    // `t` without a thread, or a wildcard, decides for all that are not named before it.
    let mut rest_decided = false;
    let mut named: Vec<Tid> = Vec::new();
    for part in args.split(|b| *b == b';').filter(|p| !p.is_empty()) {
        let (action, id) = match hex::split(part, b':') {
            Some((action, id)) => (action, ThreadId::parse(id).ok_or_else(malformed)?),
            None => {
                let tid = Id::All;
                (part, ThreadId { pid: None, tid })
            }
        };
        let action = s.parse_action(action)?;
        if rest_decided {
            continue;
        }
        if id.tid == Id::All {
            s.enter(id.pid)?;
            plan.others = action;
            plan.process = matches!(id.pid, Some(Id::One(_))).then_some(s.pid);
            rest_decided = true;
            continue;
        }
        let tid = s.thread(id)?;
        if !named.contains(&tid) {
            named.push(tid);
            plan.threads.extend(action.map(|a| (tid, a)));
        }
    }
    // A thread that is told to stay must not fall under the wildcard.
    if let Some(others) = plan.others.take() {
        let held = named.len() > plan.threads.len();
        if held {
            let free = s.all_threads();
            let wanted = |pid, tid| !named.contains(&tid) && plan.process.is_none_or(|p| p == pid);
            let free: Vec<_> = free.into_iter().filter(|(p, t)| wanted(*p, *t)).collect();
            plan.threads
                .extend(free.into_iter().map(|(_, t)| (t, others)));
        } else {
            plan.others = Some(others);
        }
    }
    s.resume(plan)
}

impl Session<'_> {
    /// One action of `vCont`; `None` is `t`, which in all-stop means to stay stopped.
    fn parse_action(&mut self, text: &[u8]) -> Result<Option<Resume>, Error> {
        let (kind, rest) = text.split_first().ok_or_else(malformed)?;
        Ok(Some(match (kind, rest) {
            (b'c', []) => Resume::Continue { signal: None },
            (b's', []) => Resume::Step { signal: None },
            (b'C', _) => Resume::Continue {
                signal: self.parse_signal(rest)?,
            },
            (b'S', _) => Resume::Step {
                signal: self.parse_signal(rest)?,
            },
            (b'r', _) => {
                let (start, end) = hex::pair(rest).ok_or_else(malformed)?;
                if start > end {
                    return Err(malformed());
                }
                // An empty range is one step (gdb manual, vCont `r`).
                if start == end {
                    Resume::Step { signal: None }
                } else {
                    Resume::StepRange { start, end }
                }
            }
            (b't', []) => return Ok(None),
            _ => return Err(malformed()),
        }))
    }

    /// The guest's signal of the debugger's number; 0 is none.
    fn parse_signal(&mut self, text: &[u8]) -> Result<Option<i32>, Error> {
        let number = hex::number(text)
            .and_then(|n| u8::try_from(n).ok())
            .ok_or_else(malformed)?;
        if number == 0 {
            return Ok(None);
        }
        self.meant_signal(number)
            .map(Some)
            .ok_or_else(|| Error::Invalid(format!("the guest has no signal for {number}")))
    }

    fn resume(&mut self, plan: ResumePlan) -> Outcome {
        if plan.threads.is_empty() && plan.others.is_none() {
            return Err(Error::Invalid("nothing to resume".into()));
        }
        let resumed = self.guest.inferior.resume(plan.clone());
        if let (Err(why), false) = (&resumed, self.guest.capabilities.resume) {
            // What never runs (a core) stays where it is. Debuggers make little of an error here: gdb 13 shows its number, lldb
            // takes the connection for lost.
            self.out.cancel();
            self.console(&format!("{why}\n"));
            self.out.begin();
            return super::stop::why(self, b"");
        }
        resumed?;
        self.plan = Some(plan);
        Ok(Answer::Later)
    }

    /// The older packets: one action, for the thread of `Hc`; the others go along when a thread continues, as in `vCont;c`, and
    /// also when it steps (`Hc0` or `Hc-1`), but not when one thread was named.
    fn resume_selected(&mut self, action: Resume, addr: &[u8]) -> Outcome {
        let id = ThreadId {
            pid: None,
            tid: self.resume_thread,
        };
        let tid = self.thread(id)?;
        if !addr.is_empty() {
            self.set_pc(tid, hex::number(addr).ok_or_else(malformed)?)?;
        }
        let others = match self.resume_thread {
            Id::One(_) => None,
            Id::All | Id::Any => Some(Resume::Continue { signal: None }),
        };
        self.resume(ResumePlan {
            threads: vec![(tid, action)],
            others,
            process: None,
        })
    }

    fn set_pc(&mut self, tid: Tid, addr: u64) -> Result<(), Error> {
        let target = self.guest.target.clone();
        let pc = target
            .register_in_role(RegisterRole::Pc)
            .ok_or(Error::Unsupported("no register is known as PC"))?;
        let size = target.registers[pc].size();
        let value = target.integer(addr, size);
        self.guest.inferior.write_register(tid, pc, &value)
    }

    /// Signal and address of `C sig[;addr]`.
    fn signal_and_addr<'a>(&mut self, args: &'a [u8]) -> Result<(Option<i32>, &'a [u8]), Error> {
        let (signal, addr) = hex::split(args, b';').unwrap_or((args, b""));
        Ok((self.parse_signal(signal)?, addr))
    }
}

/// `c [addr]`.
pub(crate) fn go(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    s.resume_selected(Resume::Continue { signal: None }, args)
}

/// `s [addr]`.
pub(crate) fn step(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    s.resume_selected(Resume::Step { signal: None }, args)
}

/// `C sig[;addr]`.
pub(crate) fn go_with_signal(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (signal, addr) = s.signal_and_addr(args)?;
    s.resume_selected(Resume::Continue { signal }, addr)
}

/// `S sig[;addr]`.
pub(crate) fn step_with_signal(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (signal, addr) = s.signal_and_addr(args)?;
    s.resume_selected(Resume::Step { signal }, addr)
}

/// `bc`.
pub(crate) fn go_back(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.guest.inferior.resume_backward(Backward::Continue)?;
    Ok(Answer::Later)
}

/// `bs`.
pub(crate) fn step_back(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let id = ThreadId {
        pid: None,
        tid: s.resume_thread,
    };
    let tid = s.thread(id)?;
    s.guest.inferior.resume_backward(Backward::Step(tid))?;
    Ok(Answer::Later)
}

/// `vCtrlC`: an interrupt as a packet.
pub(crate) fn interrupt(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    if s.is_running() {
        s.guest.inferior.interrupt()?;
    }
    Ok(Answer::Ok)
}

/// `D` or `D;pid`. Of several processes only the one goes.
pub(crate) fn detach(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    // lldb's `D1` (stay stopped) is not offered; its plain `D` comes without a pid.
    if !args.is_empty() {
        let pid = args.strip_prefix(b";").ok_or_else(malformed)?;
        let pid = hex::number(pid).ok_or_else(malformed)?;
        s.enter(Some(Id::One(pid)))?;
    }
    s.guest.inferior.detach(None)?;
    Ok(s.after_departure(Ended::Detached))
}

/// `vKill;pid`.
pub(crate) fn kill_process(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let pid = hex::number(args).ok_or_else(malformed)?;
    s.enter(Some(Id::One(pid)))?;
    s.guest.inferior.kill()?;
    Ok(s.after_departure(Ended::Killed))
}

/// `k`: gdb expects no reply, lldb that of the death.
pub(crate) fn kill(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    // A core cannot be killed: the debugger goes all the same.
    match s.guest.inferior.kill() {
        Ok(()) | Err(Error::Unsupported(_)) => {}
        Err(e) => return Err(e),
    }
    if s.client.lldb {
        s.out.text("X09");
        return Ok(Answer::Last(Ended::Killed));
    }
    Ok(Answer::Silent(Ended::Killed))
}

impl Session<'_> {
    /// `OK`, and the end of the session if no other process is left, nor can be started.
    fn after_departure(&mut self, end: Ended) -> Answer {
        let gone = self.pid;
        let left = self.guest.inferior.processes();
        if let Some(next) = left.into_iter().find(|p| *p != gone)
            && self.guest.inferior.select_process(next).is_ok()
        {
            self.pid = next;
            self.guest.thread = self.guest.inferior.threads().first().copied().unwrap_or(0);
            return Answer::Ok;
        }
        if self.client.extended && self.guest.capabilities.restart {
            // The debugger stays, for `vRun`.
            return Answer::Ok;
        }
        self.out.text("OK");
        Answer::Last(end)
    }
}

/// `R XX`: starts the program anew; no reply.
pub(crate) fn restart(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.guest.inferior.restart(None, &StartArguments::Same)?;
    s.refresh();
    Ok(Answer::Nothing)
}

/// `vRun;filename[;argument]...`, all in hex.
pub(crate) fn run(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let mut parts = Vec::new();
    for part in args.split(|b| *b == b';') {
        parts.push(hex::decode(part).ok_or_else(malformed)?);
    }
    let program = parts.remove(0);
    let program = (!program.is_empty()).then(|| OsString::from_vec(program).into());
    let args = match parts.is_empty() {
        true => StartArguments::Same,
        false => StartArguments::Words(parts),
    };
    s.guest.inferior.restart(program, &args)?;
    s.refresh();
    crate::gdb::stop::why(s, b"")
}

/// `vAttach;pid` and lldb's variants: there is one process, and the debugger has it.
pub(crate) fn attach(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let shown = hex::number(args).ok_or_else(malformed)?;
    s.process(shown).map_err(|_| {
        Error::Unsupported("emu runs one process: start another emu, or use -g PATH,suspend=n")
    })?;
    s.enter(Some(Id::One(shown)))?;
    crate::gdb::stop::why(s, b"")
}
