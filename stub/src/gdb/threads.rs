//! Threads: which there are, and which one the next packets are about.

use crate::inferior::{Error, Tid};
use crate::session::{Answer, Outcome, Session, malformed};
use crate::thread_id::{Id, ThreadId};

impl Session<'_> {
    /// The thread that a text names.
    pub(crate) fn parse_thread(&mut self, text: &[u8]) -> Result<Tid, Error> {
        let id = ThreadId::parse(text).ok_or_else(malformed)?;
        self.thread(id)
    }
}

/// `H op thread-id`.
pub(crate) fn set_thread(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let (op, id) = args.split_first().ok_or_else(malformed)?;
    let id = ThreadId::parse(id).ok_or_else(malformed)?;
    match op {
        b'g' => s.guest.thread = s.thread(id)?,
        b'c' => {
            if let Id::One(_) = id.tid {
                s.thread(id)?;
            } else {
                s.enter(id.pid)?;
            }
            s.resume_thread = id.tid;
        }
        _ => return Err(malformed()),
    }
    Ok(Answer::Ok)
}

/// `T thread-id`: is it alive?
pub(crate) fn is_alive(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let id = ThreadId::parse(args).ok_or_else(malformed)?;
    let before = s.pid;
    let result = s.thread(id);
    // The question must not change which process is selected.
    if s.pid != before && s.guest.inferior.select_process(before).is_ok() {
        s.pid = before;
    }
    result.map(|_| Answer::Ok)
}

/// `qC`: the thread that packets are about.
pub(crate) fn current(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let tid = s.thread(ThreadId {
        pid: None,
        tid: Id::Any,
    })?;
    s.out.text("QC");
    s.write_thread(s.pid, tid);
    Ok(Answer::Body)
}

/// `qfThreadInfo`: all threads of all processes, in one reply.
pub(crate) fn list(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let all = s.all_threads();
    if all.is_empty() {
        s.out.text("l");
        return Ok(Answer::Body);
    }
    for (i, (pid, tid)) in all.into_iter().enumerate() {
        s.out.text(if i == 0 { "m" } else { "," });
        s.write_thread(pid, tid);
    }
    Ok(Answer::Body)
}

/// `qsThreadInfo`: the first reply had them all.
pub(crate) fn list_rest(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    s.out.text("l");
    Ok(Answer::Body)
}

/// `qThreadExtraInfo,thread-id`: what `info threads` shows.
pub(crate) fn extra_info(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let tid = s.parse_thread(args)?;
    let info = s.guest.inferior.thread_info(tid)?;
    let text = match (info.name.as_str(), info.state.as_str()) {
        ("", "") => "thread".to_string(),
        ("", state) => state.to_string(),
        (name, "") => name.to_string(),
        (name, state) => format!("{name}, {state}"),
    };
    s.out.hex(text.as_bytes());
    Ok(Answer::Body)
}

impl Session<'_> {
    /// Every thread with its process. The selected process stays selected.
    pub(crate) fn all_threads(&mut self) -> Vec<(u32, Tid)> {
        let mut all = Vec::new();
        let selected = self.pid;
        for pid in self.guest.inferior.processes() {
            if pid == selected || self.guest.inferior.select_process(pid).is_ok() {
                all.extend(self.guest.inferior.threads().into_iter().map(|t| (pid, t)));
                if pid != selected {
                    // It was selected a moment ago; an exit since then shows with the next request.
                    let _ = self.guest.inferior.select_process(selected);
                }
            }
        }
        all
    }
}
