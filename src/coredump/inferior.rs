//! A core file as an [`Inferior`]: what the prompt and debuggers look at.

use super::notes::CallNote;
use super::read::{Core, CoreThread};
use crate::abi::Signal;
use crate::debug::{Source, describe, visible};
use crate::isa::Register;
use crate::loader::{self, aux, under_prefix};
use crate::mem::{PAGE_SIZE, Prot, page_down};
use crate::trace::name_in;
use emu_stub::{
    Capabilities, Error, FileError, FileStat, GuestFile, Handler, Inferior, Instruction, Libraries,
    MemoryRegion, OpenFlags, Permissions, Pid, ProcessInfo, RecentCall, Result, ResumePlan,
    SectionOffsets, SignalAction, State, Stop, StopReason, TargetDescription, ThreadInfo, Tid,
    signal,
};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const DOES_NOT_RUN: Error =
    Error::Unsupported("a core file cannot run: it is what is left of a program");
const CANNOT_CHANGE: Error = Error::Unsupported("a core file cannot be changed");

/// A file that the process had mapped.
struct Mapped {
    path: PathBuf,
    /// `None` if it cannot be opened or is not the one that was mapped.
    file: Option<File>,
}

/// A core file to look at.
pub struct CoreInferior {
    core: Core,
    target: Arc<TargetDescription>,
    registers: Vec<&'static Register>,
    /// The guest's root folder on the host (`-L`).
    prefix: Option<PathBuf>,
    /// The program's file on the host, if it is known.
    exe: Option<PathBuf>,
    /// The program's segments, for cores that do not list mapped files.
    program: Option<loader::Header>,
    /// Mapped files by the guest's path.
    mapped: HashMap<Vec<u8>, Mapped>,
}

impl CoreInferior {
    /// The core with the files that belong to it: the program is `exe` if that is given, else where the core says that it is;
    /// libraries are looked up under `prefix` first. What does not fit is added to the warnings of [`CoreInferior::warnings`].
    pub fn new(core: Core, exe: Option<PathBuf>, prefix: Option<PathBuf>) -> CoreInferior {
        let table = core
            .threads
            .first()
            .map_or(core.isa.registers(), |t| t.table);
        let mut inferior = CoreInferior {
            target: Arc::new(describe(core.isa, table, core.system.name())),
            registers: visible(table).collect(),
            core,
            prefix,
            exe: None,
            program: None,
            mapped: HashMap::new(),
        };
        inferior.find_program(exe);
        inferior
    }

    /// What is wrong with the core or its files, but leaves something to look at.
    pub fn warnings(&self) -> &[String] {
        &self.core.warnings
    }

    /// What was read.
    pub fn core(&self) -> &Core {
        &self.core
    }

    /// An address of the program, whatever was mapped besides.
    fn program_address(&self) -> Option<u64> {
        self.core
            .auxv_value(aux::ENTRY)
            .or_else(|| self.core.auxv_value(aux::PHDR))
    }

    fn find_program(&mut self, given: Option<PathBuf>) {
        let listed = self
            .program_address()
            .and_then(|at| self.core.file_at(at))
            .map(|f| f.path.clone());
        let listed_on_host = listed.as_ref().map(|path| self.on_host(path));
        let path = given.clone().or(listed_on_host).or(self.core.exe.clone());
        let Some(path) = path else {
            self.core
                .warnings
                .push("it does not say which program it is of; give the program after it".into());
            return;
        };
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) => {
                let why = e.to_string();
                let why = why.split(" (os error").next().unwrap_or_default();
                self.core.warnings.push(format!(
                    "{}: {why}; give the program after the core file, and its root folder with -L",
                    path.display()
                ));
                return;
            }
        };
        match loader::Header::read(&file, &path) {
            Ok(header) if header.machine == self.core.system.elf_machine() => {
                self.program = Some(header);
            }
            Ok(_) => {
                let text = format!("{}: a program for another machine", path.display());
                self.core.warnings.push(text);
                return;
            }
            Err(e) => {
                self.core.warnings.push(e.to_string());
                return;
            }
        }
        if let Some(listed) = listed {
            let usable = self.is_same(&file, &listed, &path);
            let file = usable.then_some(file);
            self.mapped.insert(
                listed,
                Mapped {
                    path: path.clone(),
                    file,
                },
            );
        }
        self.exe = Some(path);
    }

    /// Where a path of the guest is on the host.
    fn on_host(&self, path: &[u8]) -> PathBuf {
        under_prefix(self.prefix.as_deref(), Path::new(OsStr::from_bytes(path)))
    }

    /// Whether a file is the one that was mapped, as far as the page with its ELF header tells, which the core has.
    fn is_same(&mut self, file: &File, listed: &[u8], path: &Path) -> bool {
        let first = self
            .core
            .files
            .iter()
            .find(|f| f.path == listed && f.offset == 0)
            .map(|f| f.start);
        let Some(first) = first else { return true };
        let (mut saved, mut now) = ([0; PAGE_SIZE as usize], [0; PAGE_SIZE as usize]);
        let n = self.core.read_saved(first, &mut saved);
        // The file may be shorter than a page.
        let m = read_up_to(file, &mut now, 0);
        let n = n.min(m);
        if saved[..n] == now[..n] {
            return true;
        }
        self.core.warnings.push(format!(
            "{}: is not the file that the program had mapped (other content); give the right one, or its root folder with -L",
            path.display()
        ));
        false
    }

    /// Reads what is at `addr` from the file that was mapped there: as much as is in one piece.
    fn read_mapped(&mut self, addr: u64, buf: &mut [u8]) -> usize {
        let Some(f) = self.core.file_at(addr) else {
            return 0;
        };
        let (path, offset) = (f.path.clone(), f.offset + (addr - f.start));
        let n = ((f.end - addr).min(buf.len() as u64)) as usize;
        if !self.mapped.contains_key(&path) {
            let on_host = self.on_host(&path);
            let regular = on_host.metadata().is_ok_and(|m| m.is_file());
            let file = File::open(&on_host).ok().filter(|_| regular);
            let file = file.filter(|file| self.is_same(file, &path, &on_host));
            let entry = Mapped {
                path: on_host,
                file,
            };
            self.mapped.insert(path.clone(), entry);
        }
        let Some(file) = self.mapped.get(&path).and_then(|m| m.file.as_ref()) else {
            return 0;
        };
        let there = read_up_to(file, &mut buf[..n], offset);
        // The rest of a file's last page is zero.
        let rest = match there {
            0 => 0,
            _ => (page_down(addr + there as u64 + PAGE_SIZE - 1) - addr).min(n as u64) as usize,
        };
        if rest > there {
            buf[there..rest].fill(0);
        }
        there.max(rest)
    }

    /// How far the program was moved.
    fn bias(&self) -> Option<u64> {
        let program = self.program.as_ref()?;
        let entry = self.core.auxv_value(aux::ENTRY)?;
        Some(entry.wrapping_sub(program.entry))
    }

    /// Reads what is at `addr` from the program's read-only segments.
    fn read_program(&self, addr: u64, buf: &mut [u8]) -> usize {
        let (Some(program), Some(bias), Some(path)) = (&self.program, self.bias(), &self.exe)
        else {
            return 0;
        };
        // The core lists what was mapped: the program does not add to that.
        if !self.core.loads.is_empty() && self.core.load_at(addr).is_none() {
            return 0;
        }
        let at = addr.wrapping_sub(bias);
        const PF_W: u32 = 2;
        let segment = program
            .segments
            .iter()
            .find(|s| s.flags & PF_W == 0 && (s.vaddr..s.vaddr + s.filesz).contains(&at));
        let (Some(segment), Ok(file)) = (segment, File::open(path)) else {
            return 0;
        };
        let from = at - segment.vaddr;
        let n = (segment.filesz - from).min(buf.len() as u64) as usize;
        read_up_to(&file, &mut buf[..n], segment.offset + from)
    }

    /// Looks for the dynamic linker's list.
    fn with_libraries<R>(&mut self, look: impl FnOnce(&mut Source<'_>) -> R) -> R {
        let (auxv, prefix) = (self.core.auxv.clone(), self.prefix.clone());
        let (abi, isa) = (self.core.system.abi(), self.core.isa);
        let bias = self.bias().unwrap_or(0);
        look(&mut Source {
            read: &mut |at, buf: &mut [u8]| self.read_memory(at, buf) == Ok(buf.len()),
            abi,
            isa,
            auxv: &auxv,
            bias,
            prefix: prefix.as_deref(),
        })
    }

    fn thread(&self, tid: Tid) -> Result<&CoreThread> {
        let mut threads = self.core.threads.iter();
        threads.find(|t| t.tid == tid).ok_or(Error::NoThread(tid))
    }

    fn host_signal(&self, number: i32) -> Option<Signal> {
        let number = u32::try_from(number).ok()?;
        Signal::from_guest(self.core.system.abi().dialect, number)
    }

    /// `/proc/PID/maps`: the guest's own, or what the core tells otherwise.
    fn maps(&mut self) -> String {
        if let Some(maps) = &self.core.maps {
            return maps.clone();
        }
        let regions = self.memory_regions().unwrap_or_default();
        let mut text = String::new();
        for r in regions {
            let bit = |on: bool, c: char| if on { c } else { '-' };
            let offset = self
                .core
                .file_at(r.start)
                .map_or(0, |f| f.offset + (r.start - f.start));
            let fields = format!(
                "{:08x}-{:08x} {}{}{}p {offset:08x} 00:00 0",
                r.start,
                r.end,
                bit(r.permissions.read, 'r'),
                bit(r.permissions.write, 'w'),
                bit(r.permissions.exec, 'x'),
            );
            text += format!("{fields:<72} {}", r.name).trim_end();
            text.push('\n');
        }
        text
    }

    /// What `/proc/PID/NAME` is, if `path` is such a file of the process.
    fn own_proc_file<'p>(&self, path: &'p [u8]) -> Option<&'p str> {
        let file = crate::os::proc_file_of(path, self.core.pid() as i32)?;
        std::str::from_utf8(file).ok()
    }

    /// The name of a region without a file, from the guest's maps.
    fn names(&self) -> Vec<(u64, u64, String)> {
        let Some(maps) = &self.core.maps else {
            // The end of the main stack has the program's name in it.
            let stack = self
                .core
                .stack_address()
                .and_then(|at| self.core.load_at(at));
            return stack
                .map(|l| (l.start, l.end, "[stack]".to_owned()))
                .into_iter()
                .collect();
        };
        maps.lines()
            .filter_map(|line| {
                let (range, rest) = line.split_once(' ')?;
                let (start, end) = range.split_once('-')?;
                // Access, offset, device and inode stand before it.
                let name = rest.splitn(5, ' ').nth(4)?.trim();
                let number = |text| u64::from_str_radix(text, 16).ok();
                Some((number(start)?, number(end)?, name.to_owned()))
            })
            .collect()
    }
}

fn read_up_to(file: &File, buf: &mut [u8], offset: u64) -> usize {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) | Err(_) => break,
            Ok(n) => done += n,
        }
    }
    done
}

impl Inferior for CoreInferior {
    fn target(&self) -> Arc<TargetDescription> {
        self.target.clone()
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities {
            siginfo: self.core.threads.iter().any(|t| t.siginfo.is_some()),
            auxv: !self.core.auxv.is_empty(),
            exec_file: self.exe.is_some(),
            libraries: true,
            ..Capabilities::default()
        }
    }

    fn gdb_signal(&self, number: i32) -> u8 {
        let dialect = self.core.system.abi().dialect;
        let name = self.host_signal(number).map(|s| name_in(dialect, s));
        name.and_then(|n| signal::by_name(n.strip_prefix("SIG").unwrap_or("")))
            .or_else(|| signal::realtime(number))
            .unwrap_or(signal::GDB_SIGUNKNOWN)
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        (1..=127).find(|n| self.gdb_signal(*n) == gdb && gdb != signal::GDB_SIGUNKNOWN)
    }

    fn processes(&mut self) -> Vec<Pid> {
        vec![self.core.pid()]
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        let Some(p) = &self.core.process else {
            return Ok(ProcessInfo::default());
        };
        Ok(ProcessInfo {
            parent: p.parent,
            uid: p.uid,
            gid: p.gid,
            euid: p.uid,
            egid: p.gid,
        })
    }

    fn threads(&mut self) -> Vec<Tid> {
        self.core.threads.iter().map(|t| t.tid).collect()
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        let thread = self.thread(tid)?;
        let row = thread.call.and_then(|n| self.core.system.row(n));
        let state = match (thread.call, row) {
            (Some(_), Some(row)) => format!("in {}", row.name),
            (Some(n), None) => format!("in system call {n}"),
            (None, _) => String::new(),
        };
        let first = self.core.threads.first().is_some_and(|t| t.tid == tid);
        let name = match (&thread.name[..], &self.core.process) {
            // The process has the name of its first thread.
            ("", Some(p)) if first => String::from_utf8_lossy(&p.name).into_owned(),
            (name, _) => name.to_owned(),
        };
        Ok(ThreadInfo { name, state })
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        let wanted = *self
            .registers
            .get(register)
            .ok_or(Error::NoRegister(register))?;
        let thread = self.thread(tid)?;
        // Each thread has a table of its own: MIPS has two, with the same registers in them.
        let n = thread
            .table
            .registers
            .iter()
            .position(|r| r.name == wanted.name);
        if n.is_none_or(|n| thread.known.get(n) != Some(&true)) {
            return Err(Error::Unavailable);
        }
        let value = wanted.read(&thread.cpu).to_le_bytes();
        buf.copy_from_slice(&value[..wanted.size()]);
        if self.target.endian == emu_stub::Endian::Big {
            buf.reverse();
        }
        Ok(())
    }

    fn write_register(&mut self, _: Tid, _: usize, _: &[u8]) -> Result<()> {
        Err(CANNOT_CHANGE)
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            let Some(at) = addr.checked_add(done as u64) else {
                break;
            };
            let rest = &mut buf[done..];
            let mut n = self.core.read_saved(at, rest);
            if n == 0 {
                n = self.read_mapped(at, rest);
            }
            if n == 0 {
                n = self.read_program(at, rest);
            }
            if n == 0 {
                break;
            }
            done += n;
        }
        match done {
            0 if !buf.is_empty() => Err(Error::Fault(addr)),
            _ => Ok(done),
        }
    }

    fn write_memory(&mut self, _: u64, _: &[u8]) -> Result<()> {
        Err(CANNOT_CHANGE)
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        let names = self.names();
        let loads = self.core.loads.clone();
        Ok(loads
            .iter()
            .map(|l| {
                let file = self.core.file_at(l.start).map(|f| f.path.clone());
                let name = match &file {
                    Some(path) => String::from_utf8_lossy(path).into_owned(),
                    None => names
                        .iter()
                        .find(|(start, end, _)| (*start..*end).contains(&l.start))
                        .map_or(String::new(), |n| n.2.clone()),
                };
                MemoryRegion {
                    start: l.start,
                    end: l.end,
                    permissions: Permissions {
                        read: l.prot.contains(Prot::READ),
                        write: l.prot.contains(Prot::WRITE),
                        exec: l.prot.contains(Prot::EXEC),
                    },
                    name,
                    host_path: file.map(|path| match self.mapped.get(&path) {
                        Some(m) => m.path.clone(),
                        None => self.on_host(&path),
                    }),
                }
            })
            .collect())
    }

    fn state(&self) -> State {
        let first = self.core.threads.first().map_or(0, |t| t.tid);
        let reason = match (&self.core.error, self.core.signal()) {
            (Some(error), _) => StopReason::InternalError(error.clone()),
            (None, Some(signal)) => {
                StopReason::Signal(signal.to_guest(self.core.system.abi().dialect) as i32)
            }
            (None, None) => StopReason::Step,
        };
        State::Stopped(Stop {
            pid: self.core.pid(),
            tid: first,
            reason,
        })
    }

    fn resume(&mut self, _: ResumePlan) -> Result<()> {
        Err(DOES_NOT_RUN)
    }

    fn interrupt(&mut self) -> Result<()> {
        Err(DOES_NOT_RUN)
    }

    fn kill(&mut self) -> Result<()> {
        // There is nothing to kill; a debugger that ends its session says it like this.
        Ok(())
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        Ok(())
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        self.exe.clone().ok_or(Error::Unsupported(
            "the core does not say which program it is of; give the program after it",
        ))
    }

    fn file_prefix(&mut self) -> Option<PathBuf> {
        self.prefix.clone()
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        match self.core.auxv.is_empty() {
            true => Err(Error::Unsupported("the core has no auxiliary vector")),
            false => Ok(self.core.auxv.clone()),
        }
    }

    fn read_siginfo(&mut self, tid: Tid) -> Result<Vec<u8>> {
        self.thread(tid)?.siginfo.clone().ok_or(Error::Unavailable)
    }

    fn libraries(&mut self) -> Result<Libraries> {
        self.with_libraries(|source| source.list())
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        self.with_libraries(|source| source.info_slot())
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        let bias = self.bias().ok_or(Error::Unavailable)?;
        Ok(SectionOffsets {
            text: bias,
            data: bias,
        })
    }

    fn disassemble(&mut self, addr: u64, count: usize) -> Result<Vec<Instruction>> {
        let isa = self.core.isa;
        crate::debug::disassemble(
            isa,
            &mut |at, buf: &mut [u8]| self.read_memory(at, buf).ok() == Some(buf.len()),
            addr,
            count,
        )
    }

    fn syscall_name(&self, number: u32) -> Option<String> {
        let row = self.core.system.row(number.into())?;
        Some(row.name.to_owned())
    }

    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        let Some(known) = &self.core.signals else {
            return Err(Error::Unsupported(
                "the core has no actions of signals in it: only emu writes them",
            ));
        };
        let dialect = self.core.system.abi().dialect;
        let signals = (1..=64).map(Signal);
        let mut all: Vec<SignalAction> = signals
            .map(|signal| {
                let number = signal.to_guest(dialect) as i32;
                let default = || SignalAction {
                    signal: number,
                    name: String::new(),
                    handler: Handler::Default,
                    flags: String::new(),
                    mask: Vec::new(),
                };
                let set = known.iter().find(|k| k.signal == number).cloned();
                SignalAction {
                    name: name_in(dialect, signal),
                    ..set.unwrap_or_else(default)
                }
            })
            .collect();
        all.sort_by_key(|a| a.signal);
        Ok(all)
    }

    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        if self.core.calls.is_empty() {
            return Err(Error::Unsupported(
                "the core has no system calls in it: only emu writes them",
            ));
        }
        let shown = |c: &CallNote| RecentCall {
            tid: c.record.tid,
            call: c.call.clone(),
            result: c.result.clone(),
        };
        Ok(self.core.calls.iter().map(shown).collect())
    }

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        use std::os::unix::fs::OpenOptionsExt;
        match self.own_proc_file(path) {
            Some("maps") => return Ok(Box::new(self.maps().into_bytes())),
            Some("auxv") => return Ok(Box::new(self.core.auxv.clone())),
            Some("exe") => {
                let exe = self.exe.as_ref().ok_or(FileError::NotFound)?;
                return Ok(Box::new(File::open(exe)?));
            }
            Some("cmdline") => {
                let Some(p) = &self.core.process else {
                    return Err(FileError::NotFound);
                };
                let args = p.args.iter();
                let words: Vec<u8> = args.map(|&b| if b == b' ' { 0 } else { b }).collect();
                return Ok(Box::new(words));
            }
            // The process is gone; a live one that has its number now is another.
            Some(_) => return Err(FileError::NotFound),
            None => {}
        }
        let file = flags.options().mode(mode).open(self.on_host(path))?;
        Ok(Box::new(file))
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        let path = self.on_host(path);
        let meta = if follow {
            path.metadata()
        } else {
            path.symlink_metadata()
        }?;
        Ok(FileStat::from(&meta))
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        if self.own_proc_file(path) == Some("exe") {
            let exe = self.exe.clone().ok_or(FileError::NotFound)?;
            return Ok(exe.into_os_string().into_vec());
        }
        let target = std::fs::read_link(self.on_host(path))?;
        Ok(target.into_os_string().into_vec())
    }
}
