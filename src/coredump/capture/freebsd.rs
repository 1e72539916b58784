//! The notes of FreeBSD.

use super::{Registers, Subject, arguments};
use crate::abi::{GuestStruct, Kind, write_int};
use crate::coredump::elf::Note;
use crate::loader::{aux_value, freebsd_aux};
use crate::os::core::ThreadFacts;
use crate::os::freebsd::core::{self, OWNER, Prpsinfo, Thrmisc, nt};
use crate::os::freebsd::isa::FreeBsdIsa;
use crate::os::freebsd::procinfo;
use crate::os::freebsd::structs::Rlimit;
use crate::os::thread_name;

/// Facts of the process; each thread, the one that was hit first; what `procstat` shows of a process.
pub(super) fn notes(
    subject: &Subject<'_>,
    isa: &FreeBsdIsa,
    threads: &[ThreadFacts],
    registers: &mut Registers<'_>,
) -> Vec<Note> {
    let process = subject.process;
    let layout = core::layout(isa.name);
    let release = process.os.machine().os_release_date;
    let mut all = vec![Note::new(OWNER, nt::PRPSINFO, prpsinfo(subject, isa))];
    let mut seen = Vec::new();
    for (n, facts) in threads.iter().enumerate() {
        let name = thread_name(subject.pid, facts.tid);
        let info = subject.signal.filter(|_| n == 0);
        let info = info.map(|i| process.os.siginfo(&i));
        let known = registers(facts.tid, &mut |cpu| {
            process.isa.sync_registers(cpu);
            let table = process.isa.registers_in_mode(cpu.mode);
            let status = layout.prstatus(isa, table, facts, release, cpu);
            let set = |set: &crate::os::core::RegisterSet| {
                Note::new(OWNER, set.note, set.write(isa.abi, table, cpu, |_| 0))
            };
            let misc = Thrmisc {
                pr_tname: procinfo::name(&name),
                ..Thrmisc::default()
            };
            // No field of it is checked.
            let misc = misc.write(isa.abi).unwrap_or_default();
            let lwp = core::lwp_info(isa, facts, &name, info.as_deref());
            all.push(Note::new(OWNER, nt::PRSTATUS, status));
            all.push(set(&layout.float));
            all.push(Note::new(OWNER, nt::THRMISC, misc));
            all.push(Note::new(OWNER, nt::PTLWPINFO, lwp));
            all.extend(layout.others.iter().map(set));
        });
        if known {
            seen.push(facts.tid);
        }
    }
    all.extend(process_notes(subject, isa, &seen));
    all
}

fn prpsinfo(subject: &Subject<'_>, isa: &FreeBsdIsa) -> Vec<u8> {
    let mut info = Prpsinfo {
        pr_version: 1,
        pr_fname: procinfo::name(&thread_name(subject.pid, subject.pid)),
        pr_pid: subject.pid,
        ..Prpsinfo::default()
    };
    info.pr_psinfosz.0 = Prpsinfo::DESC.size(isa.abi) as u64;
    let args = arguments(subject.process, info.pr_psargs.len() - 1);
    info.pr_psargs[..args.len()].copy_from_slice(&args);
    // No field of it is checked.
    info.write(isa.abi).unwrap_or_default()
}

fn process_notes(subject: &Subject<'_>, isa: &FreeBsdIsa, tids: &[i32]) -> Vec<Note> {
    let (process, pid, a) = (subject.process, subject.pid, isa.abi);
    let int = |kind: Kind, value: u64| {
        let mut bytes = vec![0; kind.size(a)];
        write_int(a, kind, &mut bytes, value);
        bytes
    };
    let word = Kind::Ulong.size(a);
    let entries: Vec<u8> = tids
        .iter()
        .filter_map(|&tid| procinfo::process_entry(a, pid, tid))
        .flatten()
        .collect();
    let groups = procinfo::groups(pid);
    let groups: Vec<u8> = groups
        .iter()
        .flat_map(|&g| int(Kind::U32, g.into()))
        .collect();
    let limits: Vec<u8> = (0..procinfo::LIMITS)
        .flat_map(|n| procinfo::limit(pid, n).write(a).unwrap_or_default())
        .collect();
    let auxv = process
        .image()
        .map_or_else(Vec::new, |image| image.auxv.clone());
    let strings = aux_value(a.abi, &auxv, freebsd_aux::PS_STRINGS).unwrap_or(0);
    let release = process.os.machine().os_release_date;
    let (path, limit) = (1024, Rlimit::DESC.size(a));
    [
        (
            nt::PROCSTAT_PROC,
            procinfo::KinfoProc::DESC.size(a),
            entries,
        ),
        (
            nt::PROCSTAT_FILES,
            procinfo::KinfoFile::DESC.size(a) + path,
            procinfo::files(a, pid, Some(process)).unwrap_or_default(),
        ),
        (
            nt::PROCSTAT_VMMAP,
            procinfo::KinfoVmentry::DESC.size(a) + path,
            procinfo::mappings(a, process),
        ),
        (nt::PROCSTAT_GROUPS, 4, groups),
        (
            nt::PROCSTAT_UMASK,
            2,
            int(Kind::U16, procinfo::umask(pid).into()),
        ),
        (nt::PROCSTAT_RLIMIT, procinfo::LIMITS * limit, limits),
        (nt::PROCSTAT_OSREL, 4, int(Kind::U32, release.into())),
        (nt::PROCSTAT_PSSTRINGS, word, int(Kind::Ulong, strings)),
        (nt::PROCSTAT_AUXV, 2 * word, auxv),
    ]
    .into_iter()
    .map(|(kind, size, data)| Note::new(OWNER, kind, core::sized(isa, size, &data)))
    .collect()
}
