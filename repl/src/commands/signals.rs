//! Signals: names, what the prompt does with them, what the program does.

use crate::say;
use crate::session::{Cx, fail};
use crate::siginfo::SigInfo;
use emu_stub::{Error, Handler, Result, signal};
use serde_json::json;

/// What the prompt does when a signal comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handling {
    /// The program stops.
    pub stop: bool,
    /// The user is told.
    pub print: bool,
    /// The program gets it.
    pub pass: bool,
}

/// What the C library calls them (`strsignal`).
const DESCRIPTIONS: &[(&str, &str)] = &[
    ("SIGHUP", "Hangup"),
    ("SIGINT", "Interrupt"),
    ("SIGQUIT", "Quit"),
    ("SIGILL", "Illegal instruction"),
    ("SIGTRAP", "Trace/breakpoint trap"),
    ("SIGABRT", "Aborted"),
    ("SIGEMT", "Emulation trap"),
    ("SIGFPE", "Arithmetic exception"),
    ("SIGKILL", "Killed"),
    ("SIGBUS", "Bus error"),
    ("SIGSEGV", "Segmentation fault"),
    ("SIGSYS", "Bad system call"),
    ("SIGPIPE", "Broken pipe"),
    ("SIGALRM", "Alarm clock"),
    ("SIGTERM", "Terminated"),
    ("SIGURG", "Urgent I/O condition"),
    ("SIGSTOP", "Stopped (signal)"),
    ("SIGTSTP", "Stopped (user)"),
    ("SIGCONT", "Continued"),
    ("SIGCHLD", "Child status changed"),
    ("SIGTTIN", "Stopped (tty input)"),
    ("SIGTTOU", "Stopped (tty output)"),
    ("SIGIO", "I/O possible"),
    ("SIGXCPU", "CPU time limit exceeded"),
    ("SIGXFSZ", "File size limit exceeded"),
    ("SIGVTALRM", "Virtual timer expired"),
    ("SIGPROF", "Profiling timer expired"),
    ("SIGWINCH", "Window size changed"),
    ("SIGINFO", "Information request"),
    ("SIGLIBRT", "Real-time library interrupt"),
    ("SIGUSR1", "User defined signal 1"),
    ("SIGUSR2", "User defined signal 2"),
    ("SIGPWR", "Power fail/restart"),
];

/// Those that come often and mean no trouble: passed without a word.
const QUIET: &[&str] = &[
    "SIGALRM",
    "SIGURG",
    "SIGIO",
    "SIGVTALRM",
    "SIGPROF",
    "SIGCHLD",
    "SIGWINCH",
    "SIGPOLL",
    // The C library's own.
    "SIG32",
    "SIG33",
];

/// A signal in words.
pub fn description(name: &str) -> String {
    match DESCRIPTIONS.iter().find(|(n, _)| *n == name) {
        Some((_, text)) => (*text).to_owned(),
        None => match name.strip_prefix("SIG") {
            Some(n) if n.starts_with(|c: char| c.is_ascii_digit()) => {
                format!("Real-time event {n}")
            }
            _ => "Unknown signal".into(),
        },
    }
}

impl Cx<'_> {
    /// The name of one of the guest's signals.
    pub fn signal_name(&self, number: i32) -> String {
        let gdb = self.inf.gdb_signal(number);
        match signal::name(gdb) {
            Some(name) => format!("SIG{name}"),
            None => format!("SIG{}", signal::realtime_number(gdb).unwrap_or(number)),
        }
    }

    /// The guest's number of a signal by its name, with or without `SIG`, or by its number.
    ///
    /// # Errors
    /// The guest has no such signal.
    pub fn signal_number(&self, text: &str) -> Result<i32> {
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        let by_name = signal::by_name(name).and_then(|g| self.inf.guest_signal(g));
        let number = by_name.or_else(|| name.parse::<i32>().ok().filter(|n| (1..=127).contains(n)));
        match number {
            Some(n) => Ok(n),
            None => fail(format!("Unrecognized or ambiguous signal: \"{text}\".")),
        }
    }

    /// What is done with a signal.
    pub fn handling(&self, number: i32) -> Handling {
        if let Some(h) = self.s.handling.get(&number) {
            return *h;
        }
        let name = self.signal_name(number);
        if QUIET.contains(&name.as_str()) {
            return Handling {
                stop: false,
                print: false,
                pass: true,
            };
        }
        // Those are the debugger's own.
        let pass = !matches!(name.as_str(), "SIGINT" | "SIGTRAP");
        Handling {
            stop: true,
            print: true,
            pass,
        }
    }

    /// Tells the inferior which signals need no stop.
    ///
    /// # Errors
    /// Never: an inferior that cannot do it stops, and the prompt goes on by itself.
    pub fn set_passed_signals(&mut self) -> Result<()> {
        if !self.inf.capabilities().pass_signals {
            return Ok(());
        }
        let caught: Vec<i32> = self
            .s
            .breakpoints
            .points
            .iter()
            .filter_map(|p| match &p.kind {
                super::breakpoints::Kind::Signal(Some(list)) if p.enabled => Some(list.clone()),
                _ => None,
            })
            .flatten()
            .collect();
        let quiet: Vec<i32> = (1..=127)
            .filter(|n| {
                let h = self.handling(*n);
                !h.stop && !h.print && h.pass && !caught.contains(n)
            })
            .collect();
        // An inferior that cannot stops at each, and is let go again.
        if self.s.passed.as_ref() != Some(&quiet) {
            let _ = self.inf.pass_signals(&quiet);
            self.s.passed = Some(quiet);
        }
        Ok(())
    }
}

fn head(cx: &mut Cx<'_>) {
    say!(
        cx,
        "{:<12} {:<5} {:<6} {:<16} Description",
        "Signal",
        "Stop",
        "Print",
        "Pass to program"
    );
}

fn row(cx: &mut Cx<'_>, number: i32) {
    let h = cx.handling(number);
    let name = cx.signal_name(number);
    let yes = |on| if on { "Yes" } else { "No" };
    say!(
        cx,
        "{name:<12} {:<5} {:<6} {:<16} {}",
        yes(h.stop),
        yes(h.print),
        yes(h.pass),
        description(&name)
    );
}

pub fn handle(cx: &mut Cx<'_>) -> Result<()> {
    let mut signals = Vec::new();
    let mut actions = Vec::new();
    for word in cx.args.split_whitespace() {
        match word {
            "stop" | "nostop" | "print" | "noprint" | "pass" | "nopass" | "ignore" | "noignore" => {
                actions.push(word)
            }
            "all" => signals.extend(
                (1..=64).filter(|n| !matches!(cx.signal_name(*n).as_str(), "SIGINT" | "SIGTRAP")),
            ),
            name => signals.push(cx.signal_number(name)?),
        }
    }
    if signals.is_empty() {
        return fail("Argument required (signal to handle).");
    }
    head(cx);
    for n in signals {
        let mut h = cx.handling(n);
        for action in &actions {
            match *action {
                "stop" => (h.stop, h.print) = (true, true),
                "nostop" => h.stop = false,
                "print" => h.print = true,
                "noprint" => (h.stop, h.print) = (false, false),
                "pass" | "noignore" => h.pass = true,
                _ => h.pass = false,
            }
        }
        cx.s.handling.insert(n, h);
        row(cx, n);
    }
    Ok(())
}

/// `info signals`: what the prompt does, and what the program does.
pub fn info(cx: &mut Cx<'_>) -> Result<()> {
    let actions = cx.inf.signal_actions();
    let wanted = match cx.args {
        "" => None,
        name => Some(cx.signal_number(name)?),
    };
    say!(
        cx,
        "{:<10} {:<5} {:<6} {:<5} {:<22} Description",
        "Signal",
        "Stop",
        "Print",
        "Pass",
        "Program does"
    );
    let mut answer = Vec::new();
    let numbers: Vec<i32> = match &actions {
        Ok(list) => list.iter().map(|a| a.signal).collect(),
        Err(_) => (1..=31).collect(),
    };
    for n in numbers {
        let action = actions
            .as_ref()
            .ok()
            .and_then(|l| l.iter().find(|a| a.signal == n).cloned());
        let realtime = cx
            .signal_name(n)
            .trim_start_matches("SIG")
            .starts_with(|c: char| c.is_ascii_digit());
        let default = action
            .as_ref()
            .is_none_or(|a| a.handler == Handler::Default);
        // Real-time signals only where something is set.
        if wanted.is_some_and(|w| w != n) || (wanted.is_none() && realtime && default) {
            continue;
        }
        let does = match &action {
            None => "?".into(),
            Some(a) => match a.handler {
                Handler::Default => "default".into(),
                Handler::Ignore => "ignored".into(),
                Handler::Function(f) => {
                    let label = cx.symbols().label(f);
                    if label.is_empty() {
                        format!("{f:#x}")
                    } else {
                        label
                    }
                }
            },
        };
        let h = cx.handling(n);
        let name = cx.signal_name(n);
        let yes = |on| if on { "Yes" } else { "No" };
        let flags = action.as_ref().map_or("", |a| a.flags.as_str());
        let flags = if flags.is_empty() {
            String::new()
        } else {
            format!(" ({flags})")
        };
        say!(
            cx,
            "{name:<10} {:<5} {:<6} {:<5} {does:<22} {}{flags}",
            yes(h.stop),
            yes(h.print),
            yes(h.pass),
            description(&name)
        );
        answer.push(json!({
            "number": n, "name": name, "stop": h.stop, "print": h.print, "pass": h.pass, "program": does,
            "flags": action.map(|a| a.flags),
        }));
    }
    if let Err(e) = actions {
        say!(cx, "What the program does is not known: {e}");
    }
    cx.s.answer = Some(json!({ "signals": answer }));
    Ok(())
}

/// The signal information of the stop.
pub fn info_siginfo(cx: &mut Cx<'_>) -> Result<()> {
    let tid = cx.tid()?;
    let data = cx.inf.read_siginfo(tid)?;
    let target = cx.target();
    let info = SigInfo::parse(&target, &data).ok_or(Error::Unavailable)?;
    let SigInfo {
        signal: number,
        code,
        errno,
        ..
    } = info;
    let name = cx.signal_name(number);
    say!(
        cx,
        "si_signo = {number} ({name}), si_code = {code}, si_errno = {errno}"
    );
    let mut answer = json!({ "signo": number, "name": name, "code": code, "errno": errno });
    if info.is_fault(name.trim_start_matches("SIG")) {
        let addr = info.addr;
        say!(cx, "si_addr = {addr:#x} {}", cx.symbols().label(addr));
        answer["addr"] = json!(addr);
    } else if info.sent {
        let (pid, _) = info.sender;
        say!(cx, "si_pid = {pid}");
        answer["pid"] = json!(pid);
    }
    cx.s.answer = Some(answer);
    Ok(())
}
