//! What lldb wants to know of threads in one go.

use crate::hex;
use crate::inferior::{State, Stop, StopReason, Tid};
use crate::register::RegisterRole;
use crate::session::{Answer, Outcome, Session, malformed};
use crate::thread_id::{Id, ThreadId};

/// lldb's word for a reason; "" for a thread that is merely halted with the others.
fn reason_word(reason: &StopReason) -> &'static str {
    match reason {
        StopReason::Step => "trace",
        StopReason::Breakpoint { .. } => "breakpoint",
        StopReason::Watchpoint { .. } => "watchpoint",
        StopReason::Signal(_) | StopReason::Interrupted => "signal",
        StopReason::Exec(_) => "exec",
        StopReason::Fork { .. } => "fork",
        StopReason::VFork { .. } => "vfork",
        StopReason::VForkDone => "vforkdone",
        _ => "signal",
    }
}

impl Session<'_> {
    /// The keys of a stop reply that only lldb knows.
    pub(crate) fn write_lldb_stop(&mut self, stop: &Stop) {
        if let Ok(info) = self.guest.inferior.thread_info(stop.tid)
            && !info.name.is_empty()
        {
            self.out.text("hexname:");
            self.out.hex(info.name.as_bytes());
            self.out.text(";");
        }
        if self.client.threads_in_stop {
            let threads = self.guest.inferior.threads();
            let list: Vec<String> = threads.iter().map(|t| format!("{t:x}")).collect();
            self.out.text(format!("threads:{};", list.join(",")));
            let pcs: Vec<String> = threads
                .iter()
                .filter_map(|t| self.pc(*t))
                .map(|pc| format!("{pc:x}"))
                .collect();
            if pcs.len() == threads.len() {
                self.out.text(format!("thread-pcs:{};", pcs.join(",")));
            }
        }
        // The watch key itself makes lldb set this reason, with its address.
        if !matches!(stop.reason, StopReason::Watchpoint { .. }) {
            self.out
                .text(format!("reason:{};", reason_word(&stop.reason)));
        }
    }

    fn pc(&mut self, tid: Tid) -> Option<u64> {
        let target = self.guest.target.clone();
        let n = target.register_in_role(RegisterRole::Pc)?;
        let mut value = vec![0; target.registers[n].size()];
        self.guest.inferior.read_register(tid, n, &mut value).ok()?;
        Some(target.read_integer(&value))
    }

    /// The stop of one thread: that of the inferior if it was this thread's, else merely halted.
    fn thread_stop(&mut self, tid: Tid) -> Option<Stop> {
        match self.guest.inferior.state() {
            State::Stopped(stop) if stop.tid == tid && !stop.is_exit() => Some(stop),
            _ => None,
        }
    }
}

/// `qThreadStopInfo thread-id`.
pub(crate) fn stop_info(s: &mut Session<'_>, args: &[u8]) -> Outcome {
    let n = match ThreadId::parse(args) {
        Some(ThreadId {
            pid,
            tid: Id::One(n),
        }) => ThreadId {
            pid,
            tid: Id::One(n),
        },
        _ => return Err(malformed()),
    };
    let tid = s.thread(n)?;
    match s.thread_stop(tid) {
        Some(stop) => s.write_stop(&stop),
        None => {
            s.out.text("T00thread:");
            s.write_thread(s.pid, tid);
            s.out.text(";");
        }
    }
    Ok(Answer::Body)
}

/// `jThreadsInfo`: all threads with reason and the registers that a backtrace begins with.
pub(crate) fn all_info(s: &mut Session<'_>, _: &[u8]) -> Outcome {
    let mut json = String::from("[");
    for tid in s.guest.inferior.threads() {
        if json.len() > 1 {
            json.push(',');
        }
        json += &format!("{{\"tid\":{tid}");
        let info = s.guest.inferior.thread_info(tid)?;
        if !info.name.is_empty() {
            json += &format!(",\"name\":{}", quote(&info.name));
        }
        let (signal, word) = match s.thread_stop(tid) {
            Some(stop) => (s.stop_signal(&stop.reason), reason_word(&stop.reason)),
            None => (0, ""),
        };
        if !word.is_empty() {
            json += &format!(",\"reason\":\"{word}\"");
        }
        json += &format!(",\"signal\":{signal},\"registers\":{{");
        let mut first = true;
        for (n, value) in s.expedited(tid) {
            let mut digits = Vec::new();
            hex::push(&mut digits, &value);
            let comma = if first { "" } else { "," };
            first = false;
            json += &format!("{comma}\"{n}\":\"{}\"", String::from_utf8_lossy(&digits));
        }
        json.push_str("}}");
    }
    json.push(']');
    // `}` would be taken for an escape.
    s.out.binary(json.as_bytes());
    Ok(Answer::Body)
}

/// A JSON string.
fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if (c as u32) < 32 => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
