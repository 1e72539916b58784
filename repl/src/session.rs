//! What the prompt keeps between commands, and what a command works with.

use crate::commands::breakpoints::Breakpoints;
use crate::commands::display::Displays;
use crate::commands::forks::{Follow, Forked};
use crate::commands::signals::Handling;
use crate::dwarf::{Image, Module, Symbols, find_separate};
use crate::expr::{Arena, Dummy, Value};
use crate::stack::Frame;
use emu_stub::{
    CommandContext, Error, Inferior, RegisterRole, Result, State, Stop, TargetDescription, Tid,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The state of a prompt.
#[derive(Default)]
pub struct Session {
    /// Symbols of the executable and the libraries.
    pub(crate) symbols: Arc<Symbols>,
    loaded: bool,
    /// Warnings about symbols that have not been shown yet.
    pub(crate) warnings: Vec<String>,
    /// Selected thread; `None` follows the stops.
    pub(crate) thread: Option<Tid>,
    /// Selected frame, 0 is the innermost one.
    pub(crate) frame: usize,
    /// Frames of the selected thread, as far as they have been looked for, and whether there are more.
    pub(crate) frames: Vec<Frame>,
    pub(crate) frames_end: bool,
    pub(crate) breakpoints: Breakpoints,
    pub(crate) displays: Displays,
    /// Results of `print`, `$1` first.
    pub(crate) values: Vec<Value>,
    /// Convenience variables (`$name`).
    pub(crate) variables: BTreeMap<String, Value>,
    /// Registers at the stop before this one, and at this one, by thread.
    pub(crate) registers_before: HashMap<Tid, Vec<Vec<u8>>>,
    pub(crate) registers_now: HashMap<Tid, Vec<Vec<u8>>>,
    /// Settings of `x` that stay: format, unit, where it goes on.
    pub(crate) examine: crate::commands::data::Examine,
    /// Where `list` goes on.
    pub(crate) listing: Option<(String, u32)>,
    /// What signals do, where it is not the default.
    pub(crate) handling: BTreeMap<i32, Handling>,
    /// The structured answer of the command that runs.
    pub(crate) answer: Option<Json>,
    /// `quit` was given, with this status.
    pub(crate) quit: Option<i32>,
    /// The guest was let go.
    pub(crate) detached: bool,
    /// The full-screen view is to be entered.
    pub(crate) full_screen: bool,
    /// Commands may ask back: there is somebody to answer.
    pub(crate) interactive: bool,
    /// Source files that have been read, by path.
    pub(crate) sources: HashMap<String, Option<Arc<Vec<String>>>>,
    /// How deep `source` and breakpoint commands are nested.
    pub(crate) nesting: usize,
    /// Status of the program that has exited.
    pub(crate) exit_code: Option<i64>,
    /// A signal that the program is to get when it goes on.
    pub(crate) pending_signal: Option<(Tid, i32)>,
    /// What becomes of breakpoints at places that are not found.
    pub(crate) pending: crate::commands::breakpoints::Pending,
    /// Whether other threads run along.
    pub(crate) locking: crate::commands::run::Locking,
    /// Threads in the order in which they were seen first: their numbers.
    pub(crate) thread_numbers: Vec<Tid>,
    /// A thread that stands, at this address, where so many inlined functions begin, and is seen before them.
    pub(crate) before_inlined: Option<(Tid, u64, usize)>,
    /// The signals that the inferior was told to pass.
    pub(crate) passed: Option<Vec<i32>>,
    /// Lines that `list` shows, where that was set.
    pub(crate) list_size: Option<u32>,
    /// Which process is debugged after a fork.
    pub(crate) follow: Follow,
    /// A fork that waits for the program to go on.
    pub(crate) forked: Option<Forked>,
    /// The program has been asked to report its forks.
    pub(crate) asked_for_forks: bool,
    /// It has been asked to report that it has loaded libraries.
    pub(crate) asked_for_libraries: bool,
    /// Calls of the program's functions that have not returned.
    pub(crate) dummies: Vec<Dummy>,
    /// Memory of the program that was taken for expressions.
    pub(crate) arena: Arena,
    /// A function that a signal comes in is given up, and the thread is put back.
    pub(crate) unwind_on_signal: bool,
    /// The program has been let run.
    pub(crate) started: bool,
    /// The arguments that it is to be started with, as the shell takes them; `None` for those of the command line.
    pub(crate) arguments: Option<String>,
    /// Those that the present one was started with.
    pub(crate) started_with: Option<String>,
    /// The filter of the trace, if it is on.
    pub(crate) trace: Option<String>,
    /// Commands of breakpoints that wait for the command that hit them to be done.
    pub(crate) deferred: std::collections::VecDeque<String>,
    /// Where threads stand that have reported a breakpoint there: it is passed when they go on.
    pub(crate) reported_at: HashMap<Tid, u64>,
    /// Another debugger moves the program between the commands.
    pub(crate) guest_of_debugger: bool,
    /// The full-screen view, while it is on.
    pub(crate) view: Option<crate::tui::View>,
    /// The terminal that the prompt shares with the program.
    pub(crate) terminal: Option<crate::terminal::Terminal>,
}

/// What holds for one stop.
pub(crate) struct Kept {
    thread: Option<Tid>,
    frame: usize,
    before_inlined: Option<(Tid, u64, usize)>,
    reported_at: HashMap<Tid, u64>,
    pending_signal: Option<(Tid, i32)>,
    started: bool,
}

impl Session {
    /// A prompt that has just begun.
    pub fn new() -> Session {
        Session::default()
    }

    /// What `monitor` commands of a debugger keep, which moves the program between them.
    pub fn for_monitor() -> Session {
        Session {
            guest_of_debugger: true,
            ..Session::default()
        }
    }

    /// What is known of the stop, to take it up again after the program was let run for a while.
    pub(crate) fn keep_stop(&self) -> Kept {
        Kept {
            thread: self.thread,
            frame: self.frame,
            before_inlined: self.before_inlined,
            reported_at: self.reported_at.clone(),
            pending_signal: self.pending_signal,
            started: self.started,
        }
    }

    /// Takes up a stop again: the registers are as they were.
    pub(crate) fn take_up(&mut self, kept: Kept) {
        self.forget_frames();
        self.thread = kept.thread;
        self.frame = kept.frame;
        self.before_inlined = kept.before_inlined;
        self.reported_at = kept.reported_at;
        self.pending_signal = kept.pending_signal;
        self.started = kept.started;
    }

    /// Forgets what was about a program that has ended: another one has been started.
    pub(crate) fn new_program(&mut self) {
        self.invalidate();
        self.started = false;
        self.thread = None;
        self.thread_numbers.clear();
        self.registers_before.clear();
        self.registers_now.clear();
        self.reported_at.clear();
        self.forked = None;
        self.asked_for_forks = false;
        self.asked_for_libraries = false;
        self.passed = None;
        self.dummies.clear();
        self.arena = Arena::default();
        self.pending_signal = None;
        self.exit_code = None;
        self.listing = None;
        if let Some(terminal) = &mut self.terminal {
            terminal.forget_guest();
        }
    }

    /// Forgets what holds for one stop only.
    pub(crate) fn invalidate(&mut self) {
        self.frames.clear();
        self.frames_end = false;
        self.frame = 0;
    }

    /// Forgets frames, after a register or memory was changed.
    pub(crate) fn forget_frames(&mut self) {
        self.frames.clear();
        self.frames_end = false;
    }
}

/// What a command works with: the inferior, the prompt's state, its arguments and where its answer goes.
pub struct Cx<'a> {
    /// The inferior.
    pub inf: &'a mut (dyn Inferior + 'static),
    /// The prompt's state.
    pub s: &'a mut Session,
    /// Where the answer goes.
    pub out: &'a mut dyn fmt::Write,
    /// What follows the command's name.
    pub args: &'a str,
}

/// Writes a line of the answer; an answer cannot fail to be written.
#[macro_export]
macro_rules! say {
    ($cx:expr) => {
        $cx.put_line("")
    };
    ($cx:expr, $($arg:tt)*) => {{
        // Made first: what is said may have to be looked up.
        let text = format!($($arg)*);
        $cx.put_line(&text)
    }};
}

/// An error whose text is for the user.
pub fn fail<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::Failed(text.into()))
}

impl<'a> Cx<'a> {
    /// From what the table's functions get.
    ///
    /// # Errors
    /// The state is not this crate's: the table was used with another's.
    pub fn of<'c>(context: &'c mut CommandContext<'_>) -> Result<Cx<'c>> {
        let Some(s) = context.session.downcast_mut::<Session>() else {
            return Err(Error::Unsupported("the prompt's state is missing"));
        };
        let mut cx = Cx {
            inf: context.inferior,
            s,
            out: context.out,
            args: context.args,
        };
        if cx.s.guest_of_debugger {
            cx.s.invalidate();
            cx.s.thread = None;
            cx.follow_program();
        }
        Ok(cx)
    }

    /// Writes a line of the answer.
    pub fn put_line(&mut self, text: &str) {
        // Answers are kept or shown; neither can fail in a way that matters here.
        let _ = writeln!(self.out, "{text}");
    }

    /// The same with other arguments and another place for the answer.
    pub fn with<'b>(&'b mut self, args: &'b str, out: &'b mut dyn fmt::Write) -> Cx<'b> {
        Cx {
            inf: self.inf,
            s: self.s,
            out,
            args,
        }
    }

    /// The same with other arguments.
    pub fn with_args<'b>(&'b mut self, args: &'b str) -> Cx<'b> {
        Cx {
            inf: self.inf,
            s: self.s,
            out: self.out,
            args,
        }
    }

    /// The machine.
    pub fn target(&self) -> Arc<TargetDescription> {
        self.inf.target()
    }

    /// Symbols, which are read when they are first asked for.
    pub fn symbols(&mut self) -> Arc<Symbols> {
        if !self.s.loaded {
            self.s.loaded = true;
            self.load_executable();
        }
        self.s.symbols.clone()
    }

    fn load_executable(&mut self) {
        let path = self.inf.exec_file_on_host();
        let Ok(path) = path else { return };
        let bias = self.inf.section_offsets().map_or(0, |o| o.text);
        let name = self.inf.exec_file().unwrap_or_else(|_| path.clone());
        self.s.symbols = Arc::default();
        self.add_module(name.to_string_lossy().into_owned(), path, bias);
        self.refresh_libraries();
    }

    /// Reads symbols anew if another program runs than the one they are of.
    fn follow_program(&mut self) {
        let Some(known) = self.s.symbols.modules.first().map(|m| m.path.clone()) else {
            return;
        };
        if self.inf.exec_file_on_host().is_ok_and(|path| path != known) {
            self.reload_symbols();
        }
        self.refresh_libraries();
    }

    /// Looks for libraries that have been loaded since, and in them for places of pending breakpoints.
    pub fn refresh_libraries(&mut self) {
        if !self.s.loaded || !self.inf.capabilities().libraries {
            return;
        }
        let Ok(list) = self.inf.libraries() else {
            return;
        };
        let before = self.s.symbols.modules.len();
        for library in list.libraries {
            let known = self
                .s
                .symbols
                .modules
                .iter()
                .any(|m| m.name == library.name && m.bias == library.load_bias);
            if let Some(path) = library.host_path.filter(|_| !known) {
                self.add_module(library.name, path, library.load_bias);
            }
        }
        if self.s.symbols.modules.len() > before {
            self.resolve_pending();
        }
    }

    /// Reads symbols anew: another program runs.
    pub fn reload_symbols(&mut self) {
        self.s.loaded = false;
        self.s.sources.clear();
        self.s.symbols = Arc::default();
    }

    fn add_module(&mut self, name: String, path: PathBuf, bias: u64) {
        let modules = self.s.symbols.modules.clone();
        let number = modules.len();
        let parsed = std::fs::read(&path)
            .map_err(|e| e.to_string())
            .and_then(|data| {
                let debug = self.separate_debug(&data, &path, &name);
                Module::parse(name, path.clone(), bias, number, &data, debug.as_deref())
            });
        match parsed {
            Ok(module) => {
                self.s.warnings.extend(module.warning.clone());
                let mut modules = modules;
                modules.push(Arc::new(module));
                self.s.symbols = Arc::new(Symbols { modules });
            }
            Err(why) => self
                .s
                .warnings
                .push(format!("{}: no symbols: {why}", path.display())),
        }
    }

    /// The contents of the file with the debugging information of this one, if it has none itself.
    fn separate_debug(&mut self, data: &[u8], path: &Path, name: &str) -> Option<Vec<u8>> {
        let image = Image::parse(data).ok()?;
        if image.has_dwarf() {
            return None;
        }
        let prefix = self.inf.file_prefix();
        let found = find_separate(&image, path, Path::new(name), prefix.as_deref());
        found.map(|(_, data)| data)
    }

    /// The stop that the inferior is at.
    ///
    /// # Errors
    /// It runs, or it has ended.
    pub fn stop(&self) -> Result<Stop> {
        match self.inf.state() {
            State::Running => Err(Error::WrongState("the program is running")),
            State::Stopped(stop) if stop.is_exit() => {
                Err(Error::WrongState("the program has ended"))
            }
            State::Stopped(stop) => Ok(stop),
        }
    }

    /// Whether there is a process to look at.
    pub fn alive(&self) -> bool {
        matches!(self.inf.state(), State::Stopped(stop) if !stop.is_exit())
    }

    /// The selected thread.
    ///
    /// # Errors
    /// There is none.
    pub fn tid(&mut self) -> Result<Tid> {
        let stop = self.stop()?;
        let threads = self.inf.threads();
        let wanted = self.s.thread.unwrap_or(stop.tid);
        match threads.first() {
            _ if threads.contains(&wanted) => Ok(wanted),
            Some(first) => {
                self.s.thread = None;
                if threads.contains(&stop.tid) {
                    return Ok(stop.tid);
                }
                Ok(*first)
            }
            None => Err(Error::WrongState("there are no threads")),
        }
    }

    /// Value of a register of the selected thread (not of a frame), of 8 bytes at most.
    ///
    /// # Errors
    /// No such register, or its value is not known.
    pub fn register(&mut self, tid: Tid, number: usize) -> Result<u64> {
        let bytes = self.register_bytes(tid, number)?;
        Ok(self.target().read_integer(&bytes))
    }

    /// Bytes of a register.
    ///
    /// # Errors
    /// As [`Cx::register`].
    pub fn register_bytes(&mut self, tid: Tid, number: usize) -> Result<Vec<u8>> {
        let target = self.target();
        let info = target
            .registers
            .get(number)
            .ok_or(Error::NoRegister(number))?;
        let mut buf = vec![0; info.size()];
        self.inf.read_register(tid, number, &mut buf)?;
        Ok(buf)
    }

    /// The register in a role.
    ///
    /// # Errors
    /// The machine has none, or its value is not known.
    pub fn role(&mut self, tid: Tid, role: RegisterRole) -> Result<u64> {
        let number = self
            .target()
            .register_in_role(role)
            .ok_or(Error::Unavailable)?;
        self.register(tid, number)
    }

    /// The program counter of the selected thread.
    ///
    /// # Errors
    /// There is no thread.
    pub fn pc(&mut self) -> Result<u64> {
        let tid = self.tid()?;
        self.role(tid, RegisterRole::Pc)
    }

    /// Memory, all of it.
    ///
    /// # Errors
    /// [`Error::Fault`] with the first address that cannot be read.
    pub fn read(&mut self, addr: u64, len: usize) -> Result<Vec<u8>> {
        let mut buf = vec![0; len];
        let n = self.inf.read_memory(addr, &mut buf)?;
        if n < len {
            return Err(Error::Fault(addr.wrapping_add(n as u64)));
        }
        Ok(buf)
    }

    /// An integer of `size` bytes from memory.
    ///
    /// # Errors
    /// As [`Cx::read`].
    pub fn read_uint(&mut self, addr: u64, size: usize) -> Result<u64> {
        let bytes = self.read(addr, size)?;
        Ok(self.target().read_integer(&bytes))
    }

    /// A string up to its zero byte: at most `limit` bytes, and whether it goes on.
    ///
    /// # Errors
    /// The first byte cannot be read.
    pub fn read_string(&mut self, addr: u64, limit: usize) -> Result<(Vec<u8>, bool)> {
        let mut text = Vec::new();
        while text.len() < limit {
            let at = addr.wrapping_add(text.len() as u64);
            // Not across a page: the next one may not be there.
            let step = (64 - at % 64) as usize;
            let mut buf = vec![0; step.min(limit - text.len())];
            match self.inf.read_memory(at, &mut buf) {
                Ok(n) => buf.truncate(n),
                Err(e) if text.is_empty() => return Err(e),
                Err(_) => return Ok((text, false)),
            }
            if let Some(end) = buf.iter().position(|b| *b == 0) {
                text.extend(&buf[..end]);
                return Ok((text, false));
            }
            text.extend(buf);
        }
        Ok((text, true))
    }

    /// Addresses wrap at the machine's width.
    pub fn mask(&self, addr: u64) -> u64 {
        match self.target().pointer_size {
            4 => addr & 0xffff_ffff,
            _ => addr,
        }
    }

    /// A source file's lines, if it can be found.
    pub fn source(&mut self, path: &str) -> Option<Arc<Vec<String>>> {
        if let Some(known) = self.s.sources.get(path) {
            return known.clone();
        }
        // The path that the compiler recorded; below the working folder for what was built elsewhere: its ends, longest first.
        let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
        let ends = (0..parts.len()).map(|i| parts[i..].join("/"));
        let text = std::iter::once(path.to_owned())
            .chain(ends)
            .find_map(|p| std::fs::read(p).ok());
        let lines = text.map(|t| {
            Arc::new(
                String::from_utf8_lossy(&t)
                    .lines()
                    .map(str::to_owned)
                    .collect::<Vec<_>>(),
            )
        });
        self.s.sources.insert(path.to_owned(), lines.clone());
        lines
    }
}
