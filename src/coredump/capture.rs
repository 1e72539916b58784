//! The notes of a process that is stopped: what a core file says besides memory.

use super::elf::Note;
use super::memory::read_some;
use super::notes::{self, CallNote};
use super::write;
use crate::abi::Ulong;
use crate::host;
use crate::ir::CpuState;
use crate::mem::{Kind, PAGE_SIZE};
use crate::os::linux::core::{
    self, CORE, FileMapping, LINUX, Prpsinfo, ThreadFacts, file_note, nt,
};
use crate::os::linux::isa::LinuxIsa;
use crate::os::linux::{isa_named, siginfo};
use crate::process::{CallState, Process, SigInfo, SigSet};
use std::os::unix::ffi::OsStrExt;
use std::time::{SystemTime, UNIX_EPOCH};

/// Gives access to a thread's registers; `false` if they cannot be had.
pub type Registers<'a> = dyn FnMut(i32, &mut dyn FnMut(&mut CpuState)) -> bool + 'a;

/// What is to be written down.
pub struct Subject<'a> {
    /// The process; all its threads are stopped.
    pub process: &'a Process,
    /// Its id: not this process's in a fork that was made to write the core.
    pub pid: i32,
    /// Its threads. The child of a vfork has one, though the process that it shares memory with has others.
    pub threads: Vec<i32>,
    /// The thread that comes first: the one that was hit.
    pub first: i32,
    /// Signals that the first thread blocks, if they are known.
    pub blocked: Option<SigSet>,
    /// The signal that ends it.
    pub signal: Option<SigInfo>,
    /// The bug of the emulator that ends it.
    pub error: Option<&'a str>,
}

/// The ELF file that the core of a process is.
pub fn kind(process: &Process) -> write::Kind {
    let isa = isa_named(process.isa.name());
    write::Kind {
        is_64: !isa.abi.abi.is_32bit(),
        big: isa.abi.abi.endian == crate::abi::Endian::Big,
        machine: isa.elf_machine,
        flags: process.image().map_or(0, |i| i.elf_flags),
    }
}

/// Fields of `/proc/PID/stat` after the name, from the third (proc(5)).
struct Stat(Vec<String>);

impl Stat {
    fn read(path: &str) -> Stat {
        let text = read_some(path, 4096);
        let text = String::from_utf8_lossy(&text);
        let tail = text.rsplit_once(')').map_or("", |t| t.1);
        Stat(tail.split_whitespace().map(str::to_owned).collect())
    }

    /// Field number `n` of the manual; 0 if there is none.
    fn number(&self, n: usize) -> i64 {
        self.0
            .get(n - 3)
            .and_then(|f| f.parse().ok())
            .unwrap_or_default()
    }

    fn state(&self) -> u8 {
        self.0.first().map_or(b'R', |s| s.as_bytes()[0])
    }
}

/// A set of signals in `/proc/PID/status`.
fn signal_set(status: &str, key: &str) -> SigSet {
    let line = status.lines().find_map(|l| l.strip_prefix(key));
    let bits =
        line.and_then(|l| u64::from_str_radix(l.trim().trim_start_matches(':').trim(), 16).ok());
    SigSet::from_host(bits.unwrap_or(0))
}

/// The name of a thread.
pub fn thread_name(pid: i32, tid: i32) -> Vec<u8> {
    let mut name = read_some(&format!("/proc/{pid}/task/{tid}/comm"), 64);
    name.truncate(name.iter().position(|&b| b == b'\n').unwrap_or(name.len()));
    name
}

/// Every note, in the kernel's order: the first thread's status, facts of the process, the first thread's other registers, then
/// each other thread; the emulator's own at the end.
pub fn notes(subject: &Subject<'_>, registers: &mut Registers<'_>) -> Vec<Note> {
    let process = subject.process;
    let isa = isa_named(process.isa.name());
    let calls = process.recent_calls();
    let mut tids = subject.threads.clone();
    tids.sort_by_key(|&tid| tid != subject.first);

    let mut all = Vec::new();
    for (n, &tid) in tids.iter().enumerate() {
        let call = calls
            .iter()
            .rfind(|c| c.tid == tid)
            .filter(|c| c.state == CallState::Begun)
            .map(|c| c.call.number);
        let facts = thread_facts(subject, tid, call);
        let mut of_thread = Vec::new();
        let known = registers(tid, &mut |cpu| {
            process.isa.sync_registers(cpu);
            let table = process.isa.registers_in_mode(cpu.mode);
            of_thread.push(Note::new(
                CORE,
                nt::PRSTATUS,
                isa.prstatus(table, &facts, cpu),
            ));
            for set in isa.register_sets {
                let data = isa.register_set(set, table, &facts, cpu);
                of_thread.push(Note::new(set.owner, set.note, data));
            }
        });
        if !known {
            continue;
        }
        let rest = of_thread.split_off(1);
        all.extend(of_thread);
        if n == 0 {
            all.extend(process_notes(subject, isa));
        }
        all.extend(rest);
    }
    all.extend(own_notes(subject, isa, &tids));
    all
}

fn thread_facts(subject: &Subject<'_>, tid: i32, call: Option<u64>) -> ThreadFacts {
    let folder = format!("/proc/{}/task/{tid}", subject.pid);
    let stat = Stat::read(&format!("{folder}/stat"));
    let status = read_some(&format!("{folder}/status"), 8192);
    let status = String::from_utf8_lossy(&status);
    ThreadFacts {
        tid,
        signal: subject.signal.map_or(0, |i| i.signal.0),
        pending: signal_set(&status, "SigPnd"),
        blocked: match subject.blocked {
            Some(set) if tid == subject.first => set,
            _ => signal_set(&status, "SigBlk"),
        },
        ids: [4, 5, 6].map(|n| stat.number(n) as i32),
        times: [14, 15, 16, 17].map(|n| stat.number(n)),
        call,
    }
}

fn process_notes(subject: &Subject<'_>, isa: &LinuxIsa) -> Vec<Note> {
    let process = subject.process;
    let mut all = vec![Note::new(CORE, nt::PRPSINFO, prpsinfo(subject, isa))];
    if let Some(info) = &subject.signal {
        let data = siginfo::to_guest(isa.abi, info).to_vec();
        all.push(Note::new(CORE, nt::SIGINFO, data));
    }
    if let Some(image) = process.image() {
        all.push(Note::new(CORE, nt::AUXV, image.auxv.clone()));
    }
    let files: Vec<FileMapping> = process
        .mem
        .regions()
        .iter()
        .filter_map(|r| match &r.kind {
            Kind::File(file) => Some(FileMapping {
                start: r.start,
                end: r.end,
                offset: r.offset,
                path: file.path.as_os_str().as_bytes().to_vec(),
            }),
            _ => None,
        })
        .collect();
    all.push(Note::new(
        CORE,
        nt::FILE,
        file_note(isa.abi, PAGE_SIZE, &files),
    ));
    all
}

fn prpsinfo(subject: &Subject<'_>, isa: &LinuxIsa) -> Vec<u8> {
    let process = subject.process;
    let stat = Stat::read(&format!("/proc/{}/stat", subject.pid));
    let ids = host::ids();
    let state = stat.state();
    let mut info = Prpsinfo {
        pr_state: b"RSDTZW".iter().position(|&c| c == state).unwrap_or(0) as i8,
        pr_sname: state,
        pr_zomb: (state == b'Z').into(),
        pr_nice: stat.number(19) as i8,
        pr_flag: Ulong(stat.number(9) as u64),
        pr_uid: ids.uid,
        pr_gid: ids.gid,
        pr_pid: subject.pid,
        pr_ppid: stat.number(4) as i32,
        pr_pgrp: stat.number(5) as i32,
        pr_sid: stat.number(6) as i32,
        ..Prpsinfo::default()
    };
    let name = thread_name(subject.pid, subject.pid);
    let n = name.len().min(info.pr_fname.len() - 1);
    info.pr_fname[..n].copy_from_slice(&name[..n]);
    if let Some(image) = process.image() {
        let (start, end) = image.args;
        let mut args = vec![0; end.saturating_sub(start).min(79) as usize];
        if process.mem.read(start, &mut args).is_ok() {
            while args.last() == Some(&0) {
                args.pop();
            }
            for (to, from) in info.pr_psargs.iter_mut().zip(args) {
                *to = if from == 0 { b' ' } else { from };
            }
        }
    }
    core::prpsinfo(isa.abi, &info)
}

fn own_notes(subject: &Subject<'_>, isa: &LinuxIsa, tids: &[i32]) -> Vec<Note> {
    let process = subject.process;
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |t| t.as_secs());
    let mut info = format!("version={}\ntime={time}\nexe=", env!("CARGO_PKG_VERSION")).into_bytes();
    info.extend_from_slice(process.exe.as_os_str().as_bytes());
    info.push(b'\n');
    let calls: Vec<CallNote> = process
        .recent_calls()
        .iter()
        .map(|c| {
            CallNote::new(
                c,
                crate::trace::describe(&*process.mem, crate::os::CallTable::of(process), c),
            )
        })
        .collect();
    let mut names = Vec::new();
    for &tid in tids {
        names.extend_from_slice(format!("{tid} ").as_bytes());
        names.extend(thread_name(subject.pid, tid));
        names.push(b'\n');
    }
    let mut all = vec![
        notes::text(notes::INFO, info),
        notes::text(notes::THREADS, names),
        notes::text(notes::MAPS, process.mem.maps()),
        notes::calls(isa.abi.abi.endian, &calls),
    ];
    if let Some(error) = subject.error {
        all.push(notes::text(notes::ERROR, error));
    }
    // Owner LINUX makes lldb sure of the operating system where no register set has it.
    debug_assert!(isa.register_sets.iter().any(|s| s.owner == LINUX));
    all
}
