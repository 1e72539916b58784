//! What a guest asked for and did not get: collected, and told at the end.

use std::cell::RefCell;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::report::{self, Record};
use crate::host;
use crate::isa::RegRole;
use crate::loader::Symbols;
use crate::mem::{AddressSpace, Kind};
use crate::process::{self, End, Observer, Outcome, Thread, Unimplemented};

/// How it is told at the end.
pub enum Tell {
    /// One line on standard error that there is something.
    Line,
    /// Every thing, on standard error.
    Summary,
    /// Every thing, at the end of a trace.
    Trace(std::sync::Arc<super::Trace>),
    /// As records of JSON, appended to a file that many processes share.
    Records(Records),
    /// Not at all: a debugger asks.
    Nothing,
}

/// A file of records.
pub struct Records {
    path: PathBuf,
    file: File,
    /// Device and inode: the guest may have closed the descriptor, and got its number for a file of its own.
    identity: Option<(u64, u64)>,
}

impl Records {
    /// Opens the file at an absolute path, out of the guest's way.
    ///
    /// # Errors
    /// It cannot be opened or made.
    pub fn open(path: PathBuf) -> std::io::Result<Records> {
        let file = open(&path)?;
        Ok(Records {
            identity: identity(&file),
            path,
            file,
        })
    }

    fn append(&self, text: &str) {
        let again;
        let mut file = &self.file;
        if identity(file) != self.identity {
            match open(&self.path) {
                Ok(f) => again = f,
                // The guest may have given up the rights that it takes. It must not suffer from it.
                Err(_) => return,
            }
            file = &again;
        }
        // Appending is whole on its own where it is one write; the lock is for file systems where it is not. A full disk must
        // not end the guest.
        let _ = file.lock();
        let _ = host::without_sigpipe(|| file.write_all(text.as_bytes()));
        let _ = file.unlock();
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    host::fd::raised(|| File::options().append(true).create(true).open(path))
}

fn identity(file: &File) -> Option<(u64, u64)> {
    let data = file.metadata().ok()?;
    Some((data.dev(), data.ino()))
}

/// Where in the guest's code something was asked for.
#[derive(Clone, Debug, Default)]
struct Place {
    pc: u64,
    /// The mapped file and the offset in it.
    file: Option<(PathBuf, u64)>,
}

/// One thing, of which there may have been many cases.
#[derive(Clone)]
struct Thing {
    what: Unimplemented,
    count: u64,
    /// What the guest got the last time.
    result: String,
    place: Place,
    /// Where the return address register points: the caller of a C library's function, as a rule.
    caller: Place,
}

/// Collects what is not implemented.
pub struct Missing {
    things: Mutex<Vec<Thing>>,
    tell: Tell,
    program: PathBuf,
}

thread_local! {
    /// Things of the system call that is being made.
    static PENDING: RefCell<Vec<(&'static str, String)>> = const { RefCell::new(Vec::new()) };
}

/// Bytes as hexadecimal numbers.
fn dump(bytes: &[u8]) -> String {
    let each: Vec<String> = bytes.iter().map(|b| format!("{b:02x}")).collect();
    each.join(" ")
}

/// A thing with its size and input, as text.
pub fn described(what: &Unimplemented) -> String {
    let mut text = what.to_string();
    if let Some(size) = what.size {
        text += &format!(", {size} bytes");
    }
    if !what.input.is_empty() {
        text += &format!(" [{}]", dump(&what.input));
    }
    text
}

impl Place {
    fn of(mem: &AddressSpace, pc: u64) -> Place {
        let file = mem.region_at(pc).and_then(|r| match r.kind {
            Kind::File(f) => Some((f.path.clone(), pc - r.start + r.offset)),
            _ => None,
        });
        Place { pc, file }
    }

    /// `symbol+0x2c`, `file+0x1234`, or the address.
    fn name(&self) -> String {
        let Some((path, offset)) = &self.file else {
            return format!("{:#x}", self.pc);
        };
        let found = std::fs::read(path)
            .ok()
            .and_then(|data| Symbols::at_offset(&data, *offset));
        found.unwrap_or_else(|| {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            format!("{file}+{offset:#x}")
        })
    }
}

impl Thing {
    /// The function that called the one that asked; "" if there is none in a file, or it is the same.
    fn caller_name(&self) -> String {
        let function = |name: &str| name.split('+').next().unwrap_or_default().to_owned();
        let name = match self.caller.file {
            Some(_) => self.caller.name(),
            None => String::new(),
        };
        if function(&name) == function(&self.place.name()) {
            return String::new();
        }
        name
    }
}

fn return_address(thread: &Thread) -> u64 {
    let register = thread.process.isa.registers().by_role(RegRole::Ra);
    register.map_or(0, |r| r.read(&thread.cpu) as u64)
}

impl Missing {
    /// For the program of that path.
    pub fn new(tell: Tell, program: PathBuf) -> Missing {
        Missing {
            things: Mutex::default(),
            tell,
            program,
        }
    }

    fn with<R>(&self, action: impl FnOnce(&mut Vec<Thing>) -> R) -> R {
        action(&mut self.things.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// What there has been so far, in the order of its first appearance.
    pub fn records(&self) -> Vec<Record> {
        self.with(|things| self.describe(things))
    }

    /// Likewise without the names of places, which cost reading the files: each thing, how often, what the guest got.
    pub fn things(&self) -> Vec<(Unimplemented, u64, String)> {
        self.with(|things| {
            let each = |t: &Thing| (t.what.clone(), t.count, t.result.clone());
            things.iter().map(each).collect()
        })
    }

    fn describe(&self, things: &[Thing]) -> Vec<Record> {
        let record = |t: &Thing| Record {
            program: self.program.to_string_lossy().into_owned(),
            pid: host::pid(),
            kind: t.what.kind.to_owned(),
            what: t.what.what.clone(),
            count: t.count,
            size: t.what.size,
            result: t.result.clone(),
            at: t.place.name(),
            caller: t.caller_name(),
            pc: t.place.pc,
            file: t
                .place
                .file
                .as_ref()
                .map(|(path, offset)| (path.to_string_lossy().into_owned(), *offset)),
            input: t.what.input.clone(),
        };
        things.iter().map(record).collect()
    }

    /// Tells what there is.
    fn tell(&self) {
        let things = self.with(|t| t.clone());
        let Some(first) = things.first() else {
            return;
        };
        match &self.tell {
            Tell::Line => {
                let more = match things.len() - 1 {
                    0 => String::new(),
                    1 => " and 1 more thing".to_owned(),
                    n => format!(" and {n} more things"),
                };
                host::say(&format!(
                    "emu: not implemented: {}{more}; --report=- lists what {} asked for, --strace=:unimplemented shows where\n",
                    first.what,
                    self.program.file_name().unwrap_or_default().display()
                ));
            }
            Tell::Summary => host::say(&report::text(&self.describe(&things))),
            Tell::Trace(trace) => trace.output().raw(&report::text(&self.describe(&things))),
            Tell::Records(records) => {
                let lines: String = self
                    .describe(&things)
                    .iter()
                    .map(|r| r.to_json() + "\n")
                    .collect();
                records.append(&lines);
            }
            Tell::Nothing => {}
        }
    }
}

/// What the guest got, as a word.
fn word(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Return(value) => value.to_string(),
        Outcome::Fail(e) if e.name().is_empty() => e.0.to_string(),
        Outcome::Fail(e) => e.name().to_owned(),
        _ => String::new(),
    }
}

impl Observer for Missing {
    fn unimplemented(&self, thread: &Thread, what: &Unimplemented) {
        let instruction = what.kind == "instruction";
        self.with(|things| {
            let same = |t: &&mut Thing| t.what.kind == what.kind && t.what.what == what.what;
            match things.iter_mut().find(same) {
                Some(thing) => thing.count += 1,
                None => things.push(Thing {
                    what: what.clone(),
                    count: 1,
                    result: if instruction { "SIGILL" } else { "" }.to_owned(),
                    place: Place::of(&thread.process.mem, what.pc),
                    caller: Place::of(&thread.process.mem, return_address(thread)),
                }),
            }
        });
        if !instruction {
            PENDING.with_borrow_mut(|p| p.push((what.kind, what.what.clone())));
        }
    }

    fn syscall_exit(&self, _: &mut Thread, _: &process::Syscall, outcome: &Outcome) {
        if PENDING.with_borrow(Vec::is_empty) {
            return;
        }
        let pending = PENDING.take();
        self.with(|things| {
            for thing in things.iter_mut() {
                let here = |(kind, what): &(&str, String)| {
                    thing.what.kind == *kind && thing.what.what == *what
                };
                if pending.iter().any(here) {
                    thing.result = word(outcome);
                }
            }
        });
    }

    fn process_exit(&self, thread: &mut Thread, _: End) {
        // What the child of a vfork asked for is in its parent's memory, who tells it.
        if !thread.is_vfork_child() {
            self.tell();
        }
    }

    fn exec(&self, thread: &mut Thread, _: &std::path::Path) {
        if !thread.is_vfork_child() {
            self.tell();
            // Should the program not be replaced after all, only what comes after is told later.
            self.with(Vec::clear);
        }
    }

    fn forked(&self, _: &mut Thread) {
        // What there was is the parent's to tell.
        self.with(Vec::clear);
        PENDING.take();
    }
}
