//! The notes of a process that is stopped: what a core file says besides memory.

mod freebsd;
mod linux;

use super::elf::{ELFOSABI_FREEBSD, ELFOSABI_LINUX, Note};
use super::notes::{self, CallNote};
use super::write;
use crate::ir::CpuState;
use crate::os::core::ThreadFacts;
use crate::os::{ProcStat, System, proc_text, status_signals, thread_name};
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
    let system = System::of(process);
    let abi = system.abi().abi;
    write::Kind {
        is_64: !abi.is_32bit(),
        big: abi.endian == crate::abi::Endian::Big,
        machine: system.elf_machine(),
        flags: process.image().map_or(0, |i| i.elf_flags),
        os_abi: match system {
            System::Linux(_) => ELFOSABI_LINUX,
            System::FreeBsd(_) => ELFOSABI_FREEBSD,
        },
    }
}

/// Every note: the operating system's, in its kernel's order; the emulator's own at the end.
pub fn notes(subject: &Subject<'_>, registers: &mut Registers<'_>) -> Vec<Note> {
    let calls = subject.process.recent_calls();
    let mut tids = subject.threads.clone();
    tids.sort_by_key(|&tid| tid != subject.first);
    let threads: Vec<ThreadFacts> = tids
        .iter()
        .map(|&tid| {
            let call = calls
                .iter()
                .rfind(|c| c.tid == tid)
                .filter(|c| c.state == CallState::Begun)
                .map(|c| c.call.number);
            thread_facts(subject, tid, call)
        })
        .collect();
    let mut all = match System::of(subject.process) {
        System::Linux(isa) => linux::notes(subject, isa, &threads, registers),
        System::FreeBsd(isa) => freebsd::notes(subject, isa, &threads, registers),
    };
    all.extend(own_notes(subject, &tids));
    all
}

fn thread_facts(subject: &Subject<'_>, tid: i32, call: Option<u64>) -> ThreadFacts {
    let folder = format!("/proc/{}/task/{tid}", subject.pid);
    let stat = ProcStat::read(&format!("{folder}/stat")).unwrap_or_default();
    let status = proc_text(&format!("{folder}/status"));
    ThreadFacts {
        tid,
        signal: subject.signal.map_or(0, |i| i.signal.0),
        pending: status_signals(&status, "SigPnd"),
        blocked: match subject.blocked {
            Some(set) if tid == subject.first => set,
            _ => status_signals(&status, "SigBlk"),
        },
        ids: [4, 5, 6].map(|n| stat.number(n) as i32),
        times: [14, 15, 16, 17].map(|n| stat.number(n)),
        call,
    }
}

/// The arguments with spaces between them, at most `len` bytes.
fn arguments(process: &Process, len: usize) -> Vec<u8> {
    let Some(image) = process.image() else {
        return Vec::new();
    };
    let (start, end) = image.args;
    let mut args = vec![0; end.saturating_sub(start).min(len as u64) as usize];
    if process.mem.read(start, &mut args).is_err() {
        return Vec::new();
    }
    while args.last() == Some(&0) {
        args.pop();
    }
    for byte in args.iter_mut().filter(|b| **b == 0) {
        *byte = b' ';
    }
    args
}

fn own_notes(subject: &Subject<'_>, tids: &[i32]) -> Vec<Note> {
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
        notes::calls(process.isa.abi().endian, &calls),
        notes::signals(&crate::debug::signal_actions(process)),
    ];
    if let Some(error) = subject.error {
        all.push(notes::text(notes::ERROR, error));
    }
    all
}
