//! The notes of Linux.

use super::{Registers, Subject, arguments};
use crate::abi::Ulong;
use crate::coredump::elf::Note;
use crate::host;
use crate::mem::{Kind, PAGE_SIZE};
use crate::os::core::{FileMapping, ThreadFacts};
use crate::os::linux::core::{self, CORE, LINUX, Prpsinfo, file_note, nt};
use crate::os::linux::isa::LinuxIsa;
use crate::os::linux::siginfo;
use crate::os::{ProcStat, thread_name};
use std::os::unix::ffi::OsStrExt;

/// The first thread's status, facts of the process, the first thread's other registers, then each other thread.
pub(super) fn notes(
    subject: &Subject<'_>,
    isa: &LinuxIsa,
    threads: &[ThreadFacts],
    registers: &mut Registers<'_>,
) -> Vec<Note> {
    let process = subject.process;
    // Owner LINUX makes lldb sure of the operating system.
    debug_assert!(isa.register_sets.iter().any(|s| s.owner == LINUX));
    let mut all = Vec::new();
    for (n, facts) in threads.iter().enumerate() {
        let mut of_thread = Vec::new();
        let known = registers(facts.tid, &mut |cpu| {
            process.isa.sync_registers(cpu);
            let table = process.isa.registers_in_mode(cpu.mode);
            of_thread.push(Note::new(
                CORE,
                nt::PRSTATUS,
                isa.prstatus(table, facts, cpu),
            ));
            for set in isa.register_sets {
                let data = isa.register_set(set, table, facts, cpu);
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
    all
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
    let stat = ProcStat::read(&format!("/proc/{}/stat", subject.pid)).unwrap_or_default();
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
    let args = arguments(process, info.pr_psargs.len() - 1);
    info.pr_psargs[..args.len()].copy_from_slice(&args);
    core::prpsinfo(isa.abi, &info)
}
