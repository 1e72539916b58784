//! The decoded trace of system calls and signals, from the same rows that translate them.

mod missing;
mod recent;
mod render;
#[cfg(test)]
mod tests;

pub use missing::Missing;
pub use recent::describe;

use std::cell::RefCell;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::abi::Show;
use crate::os::linux::{isa_of, row_of, sys};
use crate::os::{ArgType, Dir, Syscall};
use crate::process::{self, ERESTARTSYS, End, Observer, Outcome, SigInfo, Signal, Thread};
use render::Render;

/// Which calls are shown.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// What is shown; nothing for all calls.
    wanted: Vec<Item>,
    /// What is not shown.
    unwanted: Vec<Item>,
}

/// A call by its name, or a class of calls.
#[derive(Clone, Debug)]
enum Item {
    Name(String),
    Class(fn(&Syscall) -> bool),
}

impl Item {
    fn parse(text: &str) -> Option<Item> {
        let Some(class) = text.strip_prefix('%') else {
            let known = sys::all_rows().any(|r| r.name == text);
            return known.then(|| Item::Name(text.to_owned()));
        };
        Some(Item::Class(match class {
            "file" => |r| {
                r.args
                    .iter()
                    .any(|a| matches!(a.ty, ArgType::Path | ArgType::PathNew))
            },
            "desc" => |r| {
                r.args
                    .iter()
                    .any(|a| matches!(a.ty, ArgType::Value(_, Show::Fd | Show::DirFd)))
            },
            "memory" => |r| listed(sys::mem::ROWS, r),
            "network" | "net" => |r| listed(sys::net::ROWS, r),
            "process" => |r| listed(sys::process::ROWS, r),
            "signal" => |r| listed(sys::signal::ROWS, r),
            "time" => |r| listed(sys::time::ROWS, r),
            "thread" => |r| listed(sys::thread::ROWS, r),
            _ => return None,
        }))
    }

    fn matches(&self, row: &Syscall) -> bool {
        match self {
            Item::Name(name) => row.name == name,
            Item::Class(holds) => holds(row),
        }
    }
}

fn listed(rows: &[&Syscall], row: &Syscall) -> bool {
    rows.iter().any(|r| std::ptr::eq(*r, row))
}

impl Filter {
    /// From the user's list: names, classes (`%file`), either with `!` for what is not to be shown. Empty for all calls.
    ///
    /// # Errors
    /// The item that names no call and no class.
    pub fn parse(list: &str) -> Result<Filter, String> {
        let mut filter = Filter::default();
        for text in list.split(',').filter(|t| !t.is_empty()) {
            let (name, items) = match text.strip_prefix('!') {
                Some(name) => (name, &mut filter.unwanted),
                None => (text, &mut filter.wanted),
            };
            items.push(Item::parse(name).ok_or_else(|| text.to_owned())?);
        }
        Ok(filter)
    }

    /// Whether a call is shown; `None` is one that has no row.
    fn shows(&self, row: Option<&Syscall>) -> bool {
        let Some(row) = row else {
            return self.wanted.is_empty();
        };
        let any = |items: &[Item]| items.iter().any(|i| i.matches(row));
        (self.wanted.is_empty() || any(&self.wanted)) && !any(&self.unwanted)
    }
}

/// Where the trace goes, and whose line is unfinished there.
struct Out {
    to: Box<dyn Write + Send>,
    open: Option<i32>,
}

/// Prints each call, signal and end, as strace does.
pub struct Trace {
    filter: Filter,
    out: Mutex<Out>,
    /// There is more than one thread or process: lines begin with the thread's id.
    several: AtomicBool,
}

/// A call that has begun.
#[derive(Default)]
struct Begun {
    shown: bool,
    /// Arguments as they were at the start; `None` for what the kernel only writes.
    before: Vec<Option<String>>,
    /// How many of them have been printed.
    printed: usize,
}

thread_local! {
    static BEGUN: RefCell<Begun> = RefCell::default();
}

impl Trace {
    /// A trace of the calls that `filter` shows.
    pub fn new(filter: Filter, to: Box<dyn Write + Send>) -> Trace {
        Trace {
            filter,
            out: Mutex::new(Out { to, open: None }),
            several: AtomicBool::new(false),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Out> {
        self.out.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a line of this thread begins with.
    fn prefix(&self, tid: i32) -> String {
        if self.several.load(Ordering::Relaxed) {
            format!("[pid {tid}] ")
        } else {
            String::new()
        }
    }

    /// Writes a whole line, after the unfinished one of somebody if there is one.
    fn line(&self, tid: i32, text: &str) {
        let mut out = self.lock();
        let cut = match out.open.take() {
            Some(_) => " <unfinished ...>\n",
            None => "",
        };
        let whole = format!("{cut}{}{text}\n", self.prefix(tid));
        out.write(&whole);
    }
}

impl Out {
    fn write(&mut self, text: &str) {
        // The trace's reader may have gone; the guest goes on.
        let _ = self.to.write_all(text.as_bytes());
        let _ = self.to.flush();
    }
}

/// The value or error that a call came to, as strace shows it.
fn result(render: &Render<'_>, row: &Syscall, outcome: &Outcome) -> String {
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
        if thread.tid() != crate::host::pid() {
            self.several.store(true, Ordering::Relaxed);
        }
    }

    fn fork(&self, _thread: &mut Thread, _child: i32) {
        self.several.store(true, Ordering::Relaxed);
    }

    fn forked(&self, _thread: &mut Thread) {
        self.several.store(true, Ordering::Relaxed);
    }

    fn syscall_enter(&self, thread: &mut Thread, call: &process::Syscall) {
        let isa = isa_of(thread);
        let tid = thread.tid();
        let row = row_of(isa, call.number);
        let mut begun = Begun {
            shown: self.filter.shows(row),
            ..Begun::default()
        };
        if begun.shown {
            let mut text = String::new();
            match row {
                Some(row) => {
                    let args = row.arguments(isa.abi, &call.args);
                    let render = Render::new(&thread.process.mem, isa.abi, row, args);
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
                    text = format!("{}({}", row.name, parts.join(", "));
                }
                None => {
                    // No row says how many arguments count.
                    let args: Vec<String> =
                        call.args[..6].iter().map(|a| format!("{a:#x}")).collect();
                    text += &format!("syscall_{:#x}({}", call.number, args.join(", "));
                }
            }
            let mut out = self.lock();
            let cut = match out.open {
                Some(_) => " <unfinished ...>\n",
                None => "",
            };
            out.open = Some(tid);
            let whole = format!("{cut}{}{text}", self.prefix(tid));
            out.write(&whole);
        }
        BEGUN.set(begun);
    }

    fn syscall_exit(&self, thread: &mut Thread, call: &process::Syscall, outcome: &Outcome) {
        let begun = BEGUN.take();
        if !begun.shown {
            return;
        }
        let isa = isa_of(thread);
        let tid = thread.tid();
        let mut text = String::new();
        let (name, mut tail) = match row_of(isa, call.number) {
            Some(row) => {
                let args = row.arguments(isa.abi, &call.args);
                let render = Render::new(&thread.process.mem, isa.abi, row, args);
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
                (row.name.to_owned(), result(&render, row, outcome))
            }
            None => (
                format!("syscall_{:#x}", call.number),
                "-1 ENOSYS (Function not implemented)".to_owned(),
            ),
        };
        text += ")";
        tail = format!(" = {tail}\n");
        let mut out = self.lock();
        let head = match out.open {
            Some(open) if open == tid => String::new(),
            Some(_) => format!(
                " <unfinished ...>\n{}<... {name} resumed> ",
                self.prefix(tid)
            ),
            None => format!("{}<... {name} resumed> ", self.prefix(tid)),
        };
        out.open = None;
        out.write(&format!("{head}{text}{tail}"));
    }

    fn signal(&self, thread: &mut Thread, info: SigInfo) -> Option<SigInfo> {
        let text = format!(
            "--- {} {} ---",
            info.signal.name(),
            render::siginfo(&info, isa_of(thread).abi)
        );
        self.line(thread.tid(), &text);
        Some(info)
    }

    fn thread_exit(&self, thread: &mut Thread, status: i32) {
        self.line(
            thread.tid(),
            &format!("+++ exited with {} +++", status & 0xff),
        );
    }

    fn process_exit(&self, thread: &mut Thread, end: End) {
        let text = match end {
            End::Exit(status) => format!("+++ exited with {} +++", status & 0xff),
            End::Signal(info) => format!("+++ killed by {} +++", info.signal.name()),
        };
        self.line(thread.tid(), &text);
    }

    fn unimplemented(&self, thread: &Thread, what: &str) {
        let tid = thread.tid();
        let mut out = self.lock();
        // A comment inside of the call's own line, which is not finished yet.
        let text = format!(" /* emu: not implemented: {what} */");
        match out.open {
            Some(open) if open == tid => out.write(&text),
            _ => {
                drop(out);
                self.line(tid, text.trim());
            }
        }
    }
}

/// An argument after the call: what the kernel wrote, and for what it also read, both if they differ.
fn after(render: &Render<'_>, i: usize, before: &Option<String>, outcome: &Outcome) -> String {
    let returned = match outcome {
        Outcome::Return(value) => Some(*value),
        Outcome::ReturnPair(..) => Some(0),
        _ => None,
    };
    match (render.direction(i), before, returned) {
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

/// The signal's name in a wait status.
fn signal_name(dialect: crate::abi::Dialect, number: u32) -> String {
    Signal::from_guest(dialect, number)
        .map_or_else(|| number.to_string(), |s| s.name().into_owned())
}
