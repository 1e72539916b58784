//! Where a trace goes: whole lines of all threads and processes, one after the other.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::host;
use crate::host::map::SharedNumbers;

/// What a line begins with besides the thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Stamp {
    /// Nothing.
    #[default]
    None,
    /// The time of day in seconds.
    Time,
    /// The time of day in microseconds.
    Micros,
    /// Seconds since the epoch.
    Unix,
    /// Seconds since the line before.
    Relative,
}

/// Stamps by their names on the command line.
pub const STAMPS: &[(&str, Stamp)] = &[
    ("time", Stamp::Time),
    ("us", Stamp::Micros),
    ("unix", Stamp::Unix),
    ("rel", Stamp::Relative),
];

/// A place that lines are written to.
pub enum Sink {
    /// A stream that all processes share.
    Shared(Box<dyn Write + Send>),
    /// A file for each process: a path with `%p` for its id.
    Each(PathBuf),
}

/// The path with the process's id for `%p`.
pub fn path_for(pattern: &Path, pid: i32) -> PathBuf {
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    let mut out = Vec::new();
    let mut rest = pattern.as_os_str().as_bytes();
    while let Some(at) = rest.windows(2).position(|w| w == b"%p") {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(pid.to_string().as_bytes());
        rest = &rest[at + 2..];
    }
    out.extend_from_slice(rest);
    std::ffi::OsString::from_vec(out).into()
}

fn append(path: &Path) -> std::io::Result<File> {
    // Appended to, as the emulator starts anew for each program that the guest executes.
    File::options().append(true).create(true).open(path)
}

/// What the processes of a family have to agree on: whose line is unfinished (a thread's id, or 0), and whether there are
/// several of them.
#[derive(Clone, Copy, Default)]
struct State {
    open: i32,
    several: bool,
}

/// The state, in a file of memory that forked processes inherit and executed ones open by its path.
struct Family {
    /// Locked while somebody writes.
    file: File,
    path: String,
    /// The thread and whether there are several. Mapped, so that a guest which closes every descriptor does no harm.
    numbers: &'static SharedNumbers,
}

const FAMILY: &std::ffi::CStr = c"emu-trace";

impl Family {
    /// The one at `path`, which another emulator has handed on, or a new one. `None` if the host has no room for one: then
    /// lines of several processes may mix.
    fn new(path: Option<&str>) -> Option<Family> {
        let at = |file: File, path: String| {
            let numbers = host::map::share_numbers(&file)?;
            Some(Family {
                file,
                path,
                numbers,
            })
        };
        let inherited = path.and_then(|path| {
            let name = std::fs::read_link(path).ok()?;
            let ours = name.to_str()?.contains(FAMILY.to_str().ok()?);
            let file = host::fd::raised(|| File::options().read(true).write(true).open(path));
            at(file.ok().filter(|_| ours)?, path.to_owned())
        });
        inherited.or_else(|| {
            let file = host::fd::memory_file(FAMILY).ok()?;
            let path = format!("/proc/{}/fd/{}", host::pid(), file.as_raw_fd());
            at(file, path)
        })
    }

    fn read(&self) -> State {
        State {
            open: self.numbers[0].load(Relaxed),
            several: self.numbers[1].load(Relaxed) != 0,
        }
    }

    fn write(&self, state: State) {
        self.numbers[0].store(state.open, Relaxed);
        self.numbers[1].store(state.several.into(), Relaxed);
    }
}

struct Inner {
    to: Box<dyn Write + Send>,
    family: Option<Family>,
    /// In place of the family's, or the process's own.
    state: State,
    last: Option<Duration>,
    /// Nobody reads it any more.
    gone: bool,
}

/// Writes lines.
pub struct Output {
    inner: Mutex<Inner>,
    each: Option<PathBuf>,
    stamp: Stamp,
}

impl Output {
    /// `family` is what [`Output::family`] of another emulator gave that executed this one.
    ///
    /// # Errors
    /// The file of this process cannot be made.
    pub fn new(sink: Sink, stamp: Stamp, family: Option<&str>) -> std::io::Result<Output> {
        let (to, each, family): (Box<dyn Write + Send>, _, _) = match sink {
            Sink::Shared(to) => (to, None, Family::new(family)),
            Sink::Each(pattern) => {
                let path = path_for(&pattern, host::pid());
                let file = host::fd::raised(|| append(&path))?;
                (Box::new(file), Some(pattern), None)
            }
        };
        Ok(Output {
            inner: Mutex::new(Inner {
                to,
                family,
                state: State::default(),
                last: None,
                gone: false,
            }),
            each,
            stamp,
        })
    }

    /// How an emulator that is executed finds the state that the family's processes share.
    pub fn family(&self) -> Option<String> {
        self.lock().family.as_ref().map(|f| f.path.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs `write` with the state and nobody else writing.
    fn turn(&self, write: impl FnOnce(&mut State, &mut Option<Duration>) -> String) {
        let mut guard = self.lock();
        let inner = &mut *guard;
        let mut state = inner.state;
        if let Some(family) = &inner.family {
            host::fd::lock_against_processes(&family.file, true);
            state = family.read();
        }
        let text = write(&mut state, &mut inner.last);
        // The trace's reader may have gone; the guest goes on.
        if !inner.gone {
            let to = &mut inner.to;
            let written = host::without_sigpipe(|| to.write_all(text.as_bytes()));
            inner.gone = written.is_err_and(|e| host::is_gone(&e));
        }
        inner.state = state;
        if let Some(family) = &inner.family {
            family.write(state);
            host::fd::lock_against_processes(&family.file, false);
        }
    }

    /// What a line of this thread begins with, at a time since the epoch.
    fn head(&self, tid: i32, several: bool, at: Duration, last: &mut Option<Duration>) -> String {
        let mut head = String::new();
        if several {
            head += &format!("[pid {tid}] ");
        }
        let micros = at.subsec_micros();
        match self.stamp {
            Stamp::None => {}
            Stamp::Time | Stamp::Micros => {
                let (h, m, s) = host::clock::time_of_day(at.as_secs());
                head += &format!("{h:02}:{m:02}:{s:02}");
                if self.stamp == Stamp::Micros {
                    head += &format!(".{micros:06}");
                }
                head.push(' ');
            }
            Stamp::Unix => head += &format!("{}.{micros:06} ", at.as_secs()),
            Stamp::Relative => {
                let since = last.map_or(Duration::ZERO, |l| at.saturating_sub(l));
                *last = Some(at);
                head += &format!("{:6}.{:06} ", since.as_secs(), since.subsec_micros());
            }
        }
        head
    }

    /// There is more than one thread or process: lines begin with the thread's id.
    pub fn set_several(&self) {
        self.turn(|state, _| {
            state.several = true;
            String::new()
        });
    }

    /// The process forked.
    pub fn fork(&self) {
        if self.each.is_none() {
            self.set_several();
        }
    }

    /// This is the child of a fork.
    pub fn forked(&self) {
        if let Some(pattern) = &self.each {
            let path = path_for(pattern, host::pid());
            let mut inner = self.lock();
            inner.state = State::default();
            inner.gone = false;
            // There is one thread now, so that no guest is in the way. Without the file the child goes untraced.
            inner.to = match host::fd::raised(|| append(&path)) {
                Ok(file) => Box::new(file),
                Err(_) => Box::new(std::io::sink()),
            };
        } else {
            self.set_several();
        }
    }

    /// Writes a whole line, after cutting the unfinished one of somebody if there is one. `at` is a time since the epoch.
    pub fn line(&self, tid: i32, at: Duration, text: &str) {
        self.turn(|state, last| {
            let cut = match std::mem::take(&mut state.open) {
                0 => "",
                _ => " <unfinished ...>\n",
            };
            format!("{cut}{}{text}\n", self.head(tid, state.several, at, last))
        });
    }

    /// Writes text as it is, which ends its line.
    pub fn raw(&self, text: &str) {
        self.turn(|state, _| {
            let cut = match std::mem::take(&mut state.open) {
                0 => "",
                _ => " <unfinished ...>\n",
            };
            format!("{cut}{text}")
        });
    }

    /// Begins a line.
    pub fn begin(&self, tid: i32, at: Duration, text: &str) {
        self.turn(|state, last| {
            let cut = match std::mem::replace(&mut state.open, tid) {
                0 => "",
                _ => " <unfinished ...>\n",
            };
            format!("{cut}{}{text}", self.head(tid, state.several, at, last))
        });
    }

    /// Goes on with a line that [`Output::begin`] began, for a call of that name, and ends it.
    pub fn end(&self, tid: i32, name: &str, text: &str) {
        self.go_on(tid, name, text, true);
    }

    /// Goes on with a line, without ending it.
    pub fn insert(&self, tid: i32, name: &str, text: &str) {
        self.go_on(tid, name, text, false);
    }

    fn go_on(&self, tid: i32, name: &str, text: &str, end: bool) {
        self.turn(|state, last| {
            let cut = match state.open {
                open if open == tid => None,
                0 => Some(""),
                _ => Some(" <unfinished ...>\n"),
            };
            let head = cut.map(|cut| {
                let head = self.head(tid, state.several, host::clock::now(), last);
                format!("{cut}{head}<... {name} resumed> ")
            });
            state.open = if end { 0 } else { tid };
            let newline = if end { "\n" } else { "" };
            format!("{}{text}{newline}", head.unwrap_or_default())
        });
    }
}
