//! Deciding whether a dying guest leaves a core file, and making it.

use super::capture::{self, Subject};
use super::memory;
use super::pattern::{Facts, Pattern, unfinished};
use super::write::{self, Written};
use crate::host;
use crate::process::{DefaultAction, End, Observer, Process, SigFields, SigInfo, Signal, Thread};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What the user asked for.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// How core files are named.
    pub pattern: Pattern,
    /// The user gave the pattern: the limit that the emulator inherited does not count. One that the guest sets does.
    pub explicit: bool,
}

/// Leaves a core file when the guest dies of a signal that makes one.
pub struct CoreDump {
    settings: Settings,
    /// RLIMIT_CORE (soft) when the emulator started.
    inherited: u64,
    tell: Box<dyn Fn(&str) + Send + Sync>,
}

/// Why there is no core file.
enum Refusal {
    Limit,
    NotDumpable,
    Failed(PathBuf, io::Error, u64),
}

/// A core file that was written.
struct Left {
    path: PathBuf,
    written: Written,
}

impl CoreDump {
    /// `tell` is given what the user is to know: one line without its end.
    pub fn new(settings: Settings, tell: impl Fn(&str) + Send + Sync + 'static) -> CoreDump {
        CoreDump {
            settings,
            inherited: host::core_limit(),
            tell: Box::new(tell),
        }
    }

    /// How large a core may be in bytes.
    fn limit(&self) -> u64 {
        let now = host::core_limit();
        if self.settings.explicit && now == self.inherited {
            u64::MAX
        } else {
            now
        }
    }

    /// How large a core may be, if the process may have one.
    fn allowed(&self) -> Result<u64, Refusal> {
        let limit = self.limit();
        // The kernel asks for a page at least.
        if limit < crate::mem::PAGE_SIZE {
            return Err(Refusal::Limit);
        }
        match host::dumpable() {
            1 => Ok(limit),
            _ => Err(Refusal::NotDumpable),
        }
    }

    /// The name of a core of this process.
    fn name(&self, subject: &Subject<'_>, limit: u64) -> PathBuf {
        let (process, ids) = (subject.process, host::ids());
        self.settings.pattern.expand(&Facts {
            pid: subject.pid,
            outer_pid: outer_pid().unwrap_or(subject.pid),
            tid: subject.first,
            uid: ids.uid,
            gid: ids.gid,
            dumpable: host::dumpable(),
            signal: subject
                .signal
                .map_or(0, |i| process.os.signal_number(i.signal)),
            time: std::time::SystemTime::now()
                .duration_since(std::time::UNIX_EPOCH)
                .map_or(0, |t| t.as_secs()),
            host: memory::read_some("/proc/sys/kernel/hostname", 256)
                .trim_ascii_end()
                .to_vec(),
            name: crate::os::thread_name(subject.pid, subject.first),
            exe: process.exe.clone(),
            limit,
        })
    }

    fn write(
        &self,
        subject: &Subject<'_>,
        limit: u64,
        registers: &mut capture::Registers<'_>,
    ) -> Result<Left, Refusal> {
        let path = self.name(subject, limit);
        match write_file(&path, limit, subject, registers) {
            Ok(written) => Ok(Left { path, written }),
            Err(e) => {
                let extents = memory::extents(&subject.process.mem);
                let needed = extents.iter().map(|e| e.saved).sum();
                Err(Refusal::Failed(path, e, needed))
            }
        }
    }

    fn dump(&self, thread: &mut Thread, info: SigInfo) -> Result<Left, Refusal> {
        let (tid, process) = (thread.tid(), thread.process.clone());
        let limit = self.allowed()?;
        let subject = Subject {
            process: &process,
            pid: host::pid(),
            threads: match thread.is_vfork_child() {
                true => vec![tid],
                false => ids_of(&process),
            },
            first: tid,
            blocked: Some(thread.signal_mask()),
            signal: Some(info),
            error: None,
        };
        thread.exclusively(|thread| {
            self.write(&subject, limit, &mut |of, look| {
                if of == tid {
                    look(&mut thread.cpu);
                    return true;
                }
                borrow(&process, of, look)
            })
        })
    }

    /// Leaves the core of a guest that a bug of the emulator ends: `what` says which. May be called anywhere, also in a signal
    /// handler. A copy of the process writes it, in which nothing moves any more, and which is given up if it waits for a lock
    /// that the bug has left locked. Threads that were running are shown with the registers that they had written back.
    pub fn leave_after_bug(&self, process: &Process, what: &str) {
        const SECONDS: u64 = 20;
        let (pid, tid) = (host::pid(), host::tid());
        host::in_copy(SECONDS, || {
            let threads = ids_of(process);
            let first = match threads.contains(&tid) {
                true => tid,
                // A debugger's thread.
                false => threads.first().copied().unwrap_or(pid),
            };
            let info = SigInfo {
                signal: Signal::SIGABRT,
                errno: 0,
                // SI_TKILL: as abort(3) sends it.
                code: -6,
                fields: SigFields::Kill {
                    pid,
                    uid: host::ids().uid,
                },
            };
            let subject = Subject {
                process,
                pid,
                threads,
                first,
                blocked: None,
                signal: Some(info),
                error: Some(what),
            };
            let left = self.allowed().and_then(|limit| {
                self.write(&subject, limit, &mut |tid, look| {
                    let all = process.threads();
                    let thread = all.iter().find(|t| t.tid == tid);
                    thread.map(|t| t.cpu.peek_in_copy(look)).is_some()
                })
            });
            (self.tell)(&told("the guest", left));
        });
    }
}

/// What the user is told.
fn told(name: &str, left: Result<Left, Refusal>) -> String {
    match left {
        Ok(Left { path, written }) => {
            let path = path.display();
            let cut = if written.cut {
                ", cut off at the limit of its size ('ulimit -c')"
            } else {
                ""
            };
            format!("{name}: core file {path} ({}{cut})", size(written.data))
        }
        Err(Refusal::Limit) => format!(
            "{name}: no core file, as the limit of its size is 0; 'ulimit -c unlimited' or --core-file=core.%p gives one"
        ),
        Err(Refusal::NotDumpable) => {
            format!("{name}: no core file, as the program does not want it (PR_SET_DUMPABLE)")
        }
        Err(Refusal::Failed(path, e, needed)) => {
            let why = e.to_string();
            let why = why.split(" (os error").next().unwrap_or_default();
            let path = path.display();
            let room = matches!(
                e.kind(),
                io::ErrorKind::StorageFull
                    | io::ErrorKind::QuotaExceeded
                    | io::ErrorKind::FileTooLarge
            );
            let hint = match room {
                true => format!(
                    "; it needs up to {}, and --core-file=FOLDER/core.%p puts it elsewhere",
                    size(needed)
                ),
                false => String::new(),
            };
            format!("{name}: no core file {path}: {why}{hint}")
        }
    }
}

fn ids_of(process: &Process) -> Vec<i32> {
    process.threads().iter().map(|t| t.tid).collect()
}

/// Looks at the registers of a thread that is parked or in a system call.
fn borrow(process: &Process, tid: i32, look: &mut dyn FnMut(&mut crate::ir::CpuState)) -> bool {
    process
        .threads()
        .iter()
        .find(|t| t.tid == tid)
        .and_then(|t| t.cpu.borrow(look))
        .is_some()
}

/// Id of this process in the outermost PID namespace that `/proc` tells of.
fn outer_pid() -> Option<i32> {
    let status = memory::read_some("/proc/self/status", 8192);
    let status = String::from_utf8_lossy(&status);
    let line = status.lines().find_map(|l| l.strip_prefix("NSpid:"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Writes a core file under another name first, so that one which bears the name is whole.
///
/// # Errors
/// The host's; nothing is left behind.
pub fn write_file(
    path: &Path,
    limit: u64,
    subject: &Subject<'_>,
    registers: &mut capture::Registers<'_>,
) -> io::Result<Written> {
    // A device or a pipe must not be replaced by a file; the kernel refuses them as well.
    if let Ok(there) = path.metadata()
        && !there.is_file()
    {
        return Err(io::Error::other("it exists and is not a regular file"));
    }
    // Before the file is open, which is no descriptor of the guest's.
    let notes = capture::notes(subject, registers);
    let part = unfinished(path);
    // Best effort: one that another emulator left behind.
    let _ = std::fs::remove_file(&part);
    // As private as the kernel makes it.
    let file = File::options()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)?;
    let done = (|| {
        let mem = &subject.process.mem;
        let extents = memory::extents(mem);
        let kind = capture::kind(subject.process);
        let written = write::write(&file, mem, &kind, &notes, &extents, limit)?;
        std::fs::rename(&part, path)?;
        Ok(written)
    })();
    if done.is_err() {
        // Best effort: the error counts.
        let _ = std::fs::remove_file(&part);
    }
    done
}

/// Writes the core of a process whose threads all are stopped, and which goes on: what gdb calls `gcore`. `first` is the thread
/// that comes first.
///
/// # Errors
/// The host's; nothing is left behind.
pub fn write_live(
    process: &Process,
    first: i32,
    signal: Option<SigInfo>,
    path: &Path,
) -> io::Result<Written> {
    let subject = Subject {
        process,
        pid: host::pid(),
        threads: ids_of(process),
        first,
        blocked: None,
        signal,
        error: None,
    };
    write_file(path, u64::MAX, &subject, &mut |tid, look| {
        borrow(process, tid, look)
    })
}

/// A size for people.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} bytes"),
        10_000..10_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{} MB", bytes.div_ceil(1_000_000)),
    }
}

impl Observer for CoreDump {
    fn process_exit(&self, thread: &mut Thread, end: End) {
        let End::Signal(info) = end else { return };
        if thread.process.os.default_action(info.signal) != DefaultAction::Core {
            return;
        }
        let name = info.signal.name();
        let left = self.dump(thread, info);
        if left.is_ok() {
            host::child::tell_core();
        }
        let text = told(&name, left);
        (self.tell)(&text);
    }
}
