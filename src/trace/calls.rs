//! The trace itself: system calls, signals and ends as they happen.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::filter::{Ended, Filter};
use super::name_in;
use super::output::Output;
use super::render::{self, Render};
use super::summary::Summary;
use crate::host;
use crate::os::{CallTable, Dir, Syscall};
use crate::process::{self, ERESTARTSYS, End, Observer, Outcome, SigInfo, Thread, Unimplemented};

/// Prints each call, signal and end, as strace does.
pub struct Trace {
    filter: Mutex<Option<Filter>>,
    /// There is a filter, or a summary: looked at first, as a debugger may switch the trace on at any time.
    on: AtomicBool,
    out: Output,
    durations: bool,
    summary: Option<Summary>,
}

/// A call that has begun.
#[derive(Default)]
struct Begun {
    tid: i32,
    /// It may be shown.
    shown: bool,
    name: String,
    /// Nothing of it has been printed: its end decides.
    held: Option<String>,
    /// Time since the epoch, and for the duration.
    at: Option<(Duration, Instant)>,
    /// Something of it is not implemented, and what that is.
    missing: Vec<String>,
    /// Arguments as they were at the start; `None` for what the kernel only writes.
    before: Vec<Option<String>>,
    /// How many of them have been printed.
    printed: usize,
}

thread_local! {
    /// More than one only while the child of a vfork, which has this thread's variables, makes calls inside of its parent's.
    static BEGUN: RefCell<Vec<Begun>> = const { RefCell::new(Vec::new()) };
}

/// The call that the thread is in, and no longer: those of children that have gone meanwhile are dropped.
fn take_begun(tid: i32) -> Begun {
    BEGUN.with_borrow_mut(|all| {
        while let Some(begun) = all.pop() {
            if begun.tid == tid {
                return begun;
            }
        }
        Begun::default()
    })
}

impl Trace {
    /// A trace of the calls that `filter` shows; none yet without one.
    pub fn new(filter: Option<Filter>, out: Output) -> Trace {
        Trace {
            on: AtomicBool::new(filter.is_some()),
            filter: Mutex::new(filter),
            out,
            durations: false,
            summary: None,
        }
    }

    /// Shows how long each call took.
    pub fn with_durations(mut self, on: bool) -> Trace {
        self.durations = on;
        self
    }

    /// Counts the calls, and prints a table at the end.
    pub fn with_summary(mut self, on: bool) -> Trace {
        self.summary = on.then(Summary::default);
        *self.on.get_mut() |= on;
        self
    }

    /// Shows other calls from now on; none without a filter.
    pub fn set_filter(&self, filter: Option<Filter>) {
        let mut place = self.filter.lock().unwrap_or_else(PoisonError::into_inner);
        self.on.store(
            filter.is_some() || self.summary.is_some(),
            Ordering::Relaxed,
        );
        *place = filter;
    }

    /// Where it is written.
    pub fn output(&self) -> &Output {
        &self.out
    }

    /// What the filter says, or `none` without one.
    fn ask<R>(&self, none: R, question: impl FnOnce(&Filter) -> R) -> R {
        match &*self.filter.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(filter) => question(filter),
            None => none,
        }
    }

    fn event(&self, thread: &Thread, text: &str) {
        if self.ask(false, Filter::shows_events) {
            self.out.line(thread.tid(), host::clock::now(), text);
        }
    }

    fn print_summary(&self, thread: &Thread) {
        // The counts of a vfork's child are in its parent's memory, who tells them.
        if let Some(summary) = self.summary.as_ref().filter(|_| !thread.is_vfork_child()) {
            self.out.raw(&summary.take());
        }
    }
}

/// A call by name.
pub(super) fn name_of(row: Option<&Syscall>, number: u64) -> String {
    row.map_or_else(|| format!("syscall_{number:#x}"), |r| r.name.to_owned())
}

/// Arguments of a call that has no row to say how many count.
pub(super) fn raw_arguments(call: &process::Syscall) -> String {
    let args: Vec<String> = call.args[..6].iter().map(|a| format!("{a:#x}")).collect();
    args.join(", ")
}

/// The value that a call returned, if it did.
pub(super) fn value_of(outcome: &Outcome) -> Option<u64> {
    match outcome {
        Outcome::Return(value) => Some(*value),
        Outcome::ReturnPair(..) => Some(0),
        _ => None,
    }
}

/// The value or error that a call came to, as strace shows it.
pub(super) fn result(render: &Render<'_>, row: &Syscall, outcome: &Outcome) -> String {
    match *outcome {
        Outcome::Return(value) => {
            let (kind, show) = row.ret;
            render.value(kind, show, kind.extend(render.abi, value))
        }
        Outcome::ReturnPair(first, second) => format!("{first} (second {second})"),
        Outcome::Fail(ERESTARTSYS) => {
            "? ERESTARTSYS (To be restarted if SA_RESTART is set)".to_owned()
        }
        Outcome::Fail(e) if e.name().is_empty() => format!("-1 errno {} ({e})", e.0),
        Outcome::Fail(e) => format!("-1 {} ({e})", e.name()),
        Outcome::Keep | Outcome::ExitThread(_) | Outcome::ExitProcess(_) => "?".to_owned(),
    }
}

impl Observer for Trace {
    fn thread_start(&self, thread: &mut Thread) {
        if thread.tid() != host::pid() {
            self.out.set_several();
        }
    }

    fn fork(&self, _thread: &mut Thread, _child: i32) {
        self.out.fork();
    }

    fn forked(&self, _thread: &mut Thread) {
        // The call's line is the parent's.
        BEGUN.with_borrow_mut(Vec::clear);
        self.out.forked();
        if let Some(summary) = &self.summary {
            // The parent's are the parent's.
            summary.take();
        }
    }

    fn exec(&self, thread: &mut Thread, _path: &std::path::Path) {
        // Whoever runs the new program writes from here on, and cannot go on with this line.
        let open = BEGUN.with_borrow(|b| {
            b.last()
                .is_some_and(|b| b.tid == thread.tid() && b.shown && b.held.is_none())
        });
        if open {
            self.out.end(thread.tid(), "execve", ") = 0");
        }
        self.print_summary(thread);
    }

    fn syscall_enter(&self, thread: &mut Thread, call: &process::Syscall) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let table = CallTable::of(&thread.process);
        let tid = thread.tid();
        let row = table.row(call.number);
        let (shown, wait) = self.ask((false, false), |f| (f.shows(row), f.needs_end()));
        let at = host::clock::now();
        if thread.is_vfork_child() {
            self.out.set_several();
        }
        let mut begun = Begun {
            tid,
            shown,
            name: name_of(row, call.number),
            at: Some((at, Instant::now())),
            ..Begun::default()
        };
        if begun.shown {
            let text = match row {
                Some(row) => {
                    let args = row.arguments(table.abi, &call.args);
                    let render = Render::new(&*thread.process.mem, table.abi, row, args);
                    for i in 0..row.args.len() {
                        let shown = match render.direction(i) {
                            Some(Dir::Out) => None,
                            _ => Some(render.argument(i, None)),
                        };
                        begun.before.push(shown);
                    }
                    let ready = begun.before.iter().take_while(|a| a.is_some()).count();
                    // What the kernel also writes is printed at the end, with what became of it.
                    begun.printed = (0..ready)
                        .find(|&i| render.direction(i) == Some(Dir::InOut))
                        .unwrap_or(ready);
                    let parts: Vec<&str> = begun.before[..begun.printed]
                        .iter()
                        .flatten()
                        .map(String::as_str)
                        .filter(|a| !a.is_empty())
                        .collect();
                    format!("{}({}", row.name, parts.join(", "))
                }
                None => format!("{}({}", name_of(row, call.number), raw_arguments(call)),
            };
            if wait {
                begun.held = Some(text);
            } else {
                self.out.begin(tid, at, &text);
            }
        }
        BEGUN.with_borrow_mut(|all| all.push(begun));
    }

    fn syscall_exit(&self, thread: &mut Thread, call: &process::Syscall, outcome: &Outcome) {
        let begun = take_begun(thread.tid());
        let Some((at, started)) = begun.at else {
            return;
        };
        let took = started.elapsed();
        let table = CallTable::of(&thread.process);
        let tid = thread.tid();
        let row = table.row(call.number);
        let failed = matches!(outcome, Outcome::Fail(e) if *e != ERESTARTSYS);
        if let Some(summary) = &self.summary {
            summary.count(&name_of(row, call.number), took, failed);
        }
        let end = Ended {
            failed,
            unimplemented: !begun.missing.is_empty(),
        };
        if !begun.shown || !self.ask(false, |f| f.shows_end(end)) {
            return;
        }
        let mut text = String::new();
        let tail = match row {
            Some(row) => {
                let args = row.arguments(table.abi, &call.args);
                let render = Render::new(&*thread.process.mem, table.abi, row, args);
                let mut any = begun.before[..begun.printed]
                    .iter()
                    .flatten()
                    .any(|a| !a.is_empty());
                for i in begun.printed..row.args.len() {
                    let shown = after(&render, i, &begun.before[i], outcome);
                    if shown.is_empty() {
                        continue;
                    }
                    if any {
                        text += ", ";
                    }
                    any = true;
                    text += &shown;
                }
                result(&render, row, outcome)
            }
            None => "-1 ENOSYS (Function not implemented)".to_owned(),
        };
        if begun.held.is_some() {
            // Otherwise they have been printed when they were found.
            for what in &begun.missing {
                text += &comment(what);
            }
        }
        text += &format!(") = {tail}");
        if self.durations {
            text += &format!(" <{}.{:06}>", took.as_secs(), took.subsec_micros());
        }
        match begun.held {
            Some(start) => self.out.line(tid, at, &(start + &text)),
            None => self.out.end(tid, &name_of(row, call.number), &text),
        }
    }

    fn signal(&self, thread: &mut Thread, info: SigInfo) -> Option<SigInfo> {
        if self.on.load(Ordering::Relaxed) {
            let shown = render::siginfo(&info, CallTable::of(&thread.process).abi);
            let name = name_in(CallTable::of(&thread.process).abi.dialect, info.signal);
            self.event(thread, &format!("--- {name} {shown} ---"));
        }
        Some(info)
    }

    fn thread_exit(&self, thread: &mut Thread, status: i32) {
        self.event(thread, &format!("+++ exited with {} +++", status & 0xff));
    }

    fn process_exit(&self, thread: &mut Thread, end: End) {
        self.event(
            thread,
            &match end {
                End::Exit(status) => format!("+++ exited with {} +++", status & 0xff),
                End::Signal(info) => {
                    let dialect = CallTable::of(&thread.process).abi.dialect;
                    format!("+++ killed by {} +++", name_in(dialect, info.signal))
                }
            },
        );
        self.print_summary(thread);
    }

    fn unimplemented(&self, thread: &Thread, what: &Unimplemented) {
        if !self.on.load(Ordering::Relaxed) {
            return;
        }
        let text = super::missing::described(what);
        if what.kind == "instruction" {
            if self.ask(false, |_| true) {
                self.out
                    .line(thread.tid(), host::clock::now(), comment(&text).trim());
            }
            return;
        }
        let open = BEGUN.with_borrow_mut(|all| {
            let begun = all.last_mut()?;
            begun.missing.push(text.clone());
            (begun.shown && begun.held.is_none()).then(|| begun.name.clone())
        });
        if let Some(name) = open {
            // Inside of the call's own line, which is not finished yet.
            self.out.insert(thread.tid(), &name, &comment(&text));
        }
    }
}

/// A remark on what is missing.
fn comment(what: &str) -> String {
    format!(" /* emu: not implemented: {what} */")
}

/// An argument after the call: what the kernel wrote, and for what it also read, both if they differ.
fn after(render: &Render<'_>, i: usize, before: &Option<String>, outcome: &Outcome) -> String {
    match (render.direction(i), before, value_of(outcome)) {
        (Some(Dir::Out), _, Some(value)) => render.argument(i, Some(value)),
        (Some(Dir::Out), _, None) => render.address(i),
        (Some(Dir::InOut), Some(before), Some(value)) => {
            let now = render.argument(i, Some(value));
            if now == *before {
                now
            } else {
                format!("{before} => {now}")
            }
        }
        (_, before, _) => before.clone().unwrap_or_default(),
    }
}
