//! `kern.proc`: what programs are told of processes. Ids are the host's, so all of its processes are there; what only the emulator
//! knows of a guest (its memory, its vector) is there for the process that asks.

use super::bytes_of;
use crate::abi::{Errno, Kind, SysResult, Ulong};
use crate::host;
use crate::loader::{Header, OsKind, Target, aux_value, freebsd_aux};
use crate::os::freebsd;
use crate::os::freebsd::procinfo::{self, KinfoKstack, KinfoSigtramp};
use crate::os::freebsd::sys::limits;
use crate::os::freebsd::sys::procctl::is_guest;
use crate::os::freebsd::sys::procdesc;
use crate::os::{Call, ProcStat, numbers_in, proc_text, status_field};
use crate::process::Command;
use std::ffi::OsString;
use std::fs::File;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

/// Whether the id is that of the process that asks; ESRCH if there is no such process.
fn is_own(pid: i32) -> SysResult<bool> {
    if pid == -1 || pid == 0 || pid == host::pid() {
        return Ok(true);
    }
    match ProcStat::read(&format!("/proc/{pid}/stat")) {
        Some(_) if pid > 0 => Ok(false),
        _ => Err(Errno::ESRCH),
    }
}

/// The id in the rest of a number.
fn id(rest: &[i32]) -> SysResult<i32> {
    match rest {
        [id] => Ok(*id),
        _ => Err(Errno::EINVAL),
    }
}

/// Of the process that asks alone.
fn own(rest: &[i32]) -> SysResult<()> {
    match is_own(id(rest)?)? {
        true => Ok(()),
        false => Err(Errno::EPERM),
    }
}

/// The id of a process, 0 and -1 being the one that asks.
fn pid(rest: &[i32]) -> SysResult<i32> {
    let pid = id(rest)?;
    Ok(if is_own(pid)? { host::pid() } else { pid })
}

fn with_nul(mut text: Vec<u8>) -> Vec<u8> {
    text.push(0);
    text
}

/// An integer as the guest has it.
fn number(call: &Call<'_>, kind: Kind, value: u64) -> Vec<u8> {
    let mut out = vec![0; kind.size(call.abi)];
    crate::abi::write_int(call.abi, kind, &mut out, value);
    out
}

pub(super) fn path(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let pid = id(rest)?;
    if is_own(pid)? {
        return Ok(with_nul(
            call.thread.process.exe.as_os_str().as_bytes().to_vec(),
        ));
    }
    let link = |name: &str| std::fs::read_link(format!("/proc/{pid}/{name}"));
    if let Some(command) = guest_command(call, pid)? {
        // Relative to where the guest was then, which is as a rule where it still is.
        let folder = link("cwd").unwrap_or_default();
        let program = folder.join(command.program);
        let program = std::fs::canonicalize(&program).unwrap_or(program);
        return Ok(with_nul(program.into_os_string().into_vec()));
    }
    let exe = link("exe").map_err(|_| Errno::EPERM)?;
    Ok(with_nul(exe.into_os_string().into_vec()))
}

/// What the program of another process says of itself; `None` if it is not FreeBSD's.
fn other_header(call: &Call<'_>, rest: &[i32]) -> SysResult<Option<Header>> {
    let program = path(call, rest)?;
    let program = program.strip_suffix(b"\0").unwrap_or(&program);
    let program = PathBuf::from(OsString::from_vec(program.to_vec()));
    let file = File::open(&program).map_err(|_| Errno::EPERM)?;
    let header = Header::read(&file, &program).map_err(|_| Errno::EPERM)?;
    let target = Target::of(&header, &program);
    let is_freebsd = target.is_ok_and(|t| t.os == OsKind::FreeBsd);
    Ok(is_freebsd.then_some(header))
}

fn command_line(pid: i32) -> SysResult<Vec<u8>> {
    std::fs::read(format!("/proc/{pid}/cmdline")).map_err(|_| Errno::EPERM)
}

/// What another guest runs: its emulator's arguments tell.
fn guest_command(call: &Call<'_>, pid: i32) -> SysResult<Option<Command>> {
    let (true, Some(read)) = (is_guest(pid), call.thread.process.config.command_of) else {
        return Ok(None);
    };
    let line = command_line(pid)?;
    let words = line.strip_suffix(b"\0").unwrap_or(&line).split(|&b| b == 0);
    let words = words.map(|w| OsString::from_vec(w.to_vec()));
    Ok(read(words.skip(1).collect()))
}

fn guest_bytes(call: &Call<'_>, (start, end): (u64, u64)) -> SysResult<Vec<u8>> {
    call.read_bytes(start, end.saturating_sub(start))
}

pub(super) fn args(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let pid = id(rest)?;
    if !is_own(pid)? {
        if let Some(command) = guest_command(call, pid)? {
            let args = command.args.into_iter();
            return Ok(args.flat_map(|a| with_nul(a.into_vec())).collect());
        }
        return command_line(pid);
    }
    let image = call.thread.process.image().ok_or(Errno::ESRCH)?;
    guest_bytes(call, image.args)
}

pub(super) fn env(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    own(rest)?;
    let image = call.thread.process.image().ok_or(Errno::ESRCH)?;
    guest_bytes(call, image.env)
}

pub(super) fn auxv(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    own(rest)?;
    let image = call.thread.process.image().ok_or(Errno::ESRCH)?;
    Ok(image.auxv.clone())
}

/// The value of an entry in the auxiliary vector of the process that asks.
pub(super) fn own_aux(call: &Call<'_>, key: u64) -> u64 {
    let image = call.thread.process.image();
    let value = image.and_then(|i| aux_value(call.abi.abi, &i.auxv, key));
    value.unwrap_or(0)
}

pub(super) fn strings(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    own(rest)?;
    let at = own_aux(call, freebsd_aux::PS_STRINGS);
    Ok(number(call, Kind::Ulong, at))
}

/// A program of the host's has none.
pub(super) fn release_date(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let date = match is_own(id(rest)?)? {
        true => call.thread.process.os.machine().os_release_date,
        false => other_header(call, rest)?
            .map_or(0, |header| freebsd::told_release(header.freebsd_release)),
    };
    Ok(number(call, Kind::I32, date.into()))
}

pub(super) fn sigtramp(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    own(rest)?;
    let regions = call.mem().regions();
    let code = regions.iter().find(|r| *r.name() == *"[sigcode]");
    let tramp = KinfoSigtramp {
        ksigtramp_start: Ulong(code.map_or(0, |r| r.start)),
        ksigtramp_end: Ulong(code.map_or(0, |r| r.end)),
        ..KinfoSigtramp::default()
    };
    Ok(bytes_of(call, &tramp))
}

pub(super) fn mappings(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    own(rest)?;
    Ok(procinfo::mappings(call.abi, &call.thread.process))
}

pub(super) fn files(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let own = is_own(id(rest)?)?;
    let process = own.then_some(&*call.thread.process);
    procinfo::files(call.abi, pid(rest)?, process).ok_or(Errno::ESRCH)
}

pub(super) fn file_count(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let count = procinfo::descriptors(pid(rest)?).len();
    Ok(number(call, Kind::I32, count as u64))
}

pub(super) fn working_folder(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    procinfo::working_folder(call.abi, pid(rest)?).ok_or(Errno::EPERM)
}

/// `struct kinfo_kstack` of each thread: what the host's kernel shows of it, to the superuser.
pub(super) fn kernel_stacks(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    const STACKOK: i32 = 0;
    const RUNNING: i32 = 2;
    let pid = pid(rest)?;
    let mut out = Vec::new();
    for tid in numbers_in(&format!("/proc/{pid}/task")) {
        let text = proc_text(&format!("/proc/{pid}/task/{tid}/stack"));
        // "[<0>] function+0x1/0x2", innermost first. Addresses inside of the kernel are 0.
        let functions = text.lines().filter_map(|l| l.split_once("] "));
        let trace: String = functions
            .enumerate()
            .map(|(n, (_, at))| {
                let at = at.split('/').next().unwrap_or(at);
                format!("#{n} 0 at {at}\n")
            })
            .collect();
        let stack = KinfoKstack {
            kkst_tid: tid,
            kkst_state: if trace.is_empty() { RUNNING } else { STACKOK },
            kkst_trace: procinfo::name(trace.as_bytes()),
            ..KinfoKstack::default()
        };
        out.extend(bytes_of(call, &stack));
    }
    Ok(out)
}

pub(super) fn umask(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let umask = procinfo::umask(pid(rest)?);
    Ok(number(call, Kind::U16, umask.into()))
}

pub(super) fn groups(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let groups = procinfo::groups(pid(rest)?);
    let bytes = groups.iter().map(|&g| number(call, Kind::U32, g.into()));
    Ok(bytes.flatten().collect())
}

pub(super) fn limit(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    match *rest {
        [id, which] if (0..procinfo::LIMITS as i32).contains(&which) => {
            let pid = pid(&[id])?;
            let limit = match limits::own(call, which as u64) {
                Some(limit) if pid == crate::host::pid() => limit,
                _ => procinfo::limit(pid, which as usize),
            };
            Ok(bytes_of(call, &limit))
        }
        _ => Err(Errno::EINVAL),
    }
}

/// The name of the kernel's table of calls that the program uses.
pub(super) fn system_vector(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    let is_64 = match is_own(id(rest)?)? {
        true => !call.abi.abi.is_32bit(),
        false => other_header(call, rest)?.ok_or(Errno::EPERM)?.is_64,
    };
    let name: &[u8] = if is_64 {
        b"FreeBSD ELF64"
    } else {
        b"FreeBSD ELF32"
    };
    Ok(with_nul(name.to_vec()))
}

/// Which processes `kern.proc` lists, by what its number says (`KERN_PROC_*`).
fn listed(of: i32, id: i32, process: i32) -> bool {
    let stat = || ProcStat::read(&format!("/proc/{process}/stat"));
    let field = |n: usize| stat().map(|s| s.number(n) as i32);
    let status = |key: &str, n: usize| {
        let text = proc_text(&format!("/proc/{process}/status"));
        let mut ids = status_field(&text, key).split_whitespace();
        ids.nth(n).and_then(|t| t.parse::<i32>().ok())
    };
    match of {
        // PGRP, SESSION, TTY, UID, RUID, RGID, GID
        2 => field(5) == Some(id),
        3 => field(6) == Some(id),
        4 => field(7) == Some(id),
        5 => status("Uid", 1) == Some(id),
        6 => status("Uid", 0) == Some(id),
        10 => status("Gid", 0) == Some(id),
        11 => status("Gid", 1) == Some(id),
        _ => true,
    }
}

/// `struct kinfo_proc` of the processes that the number, all of it, asks for; of each thread, if it says so.
pub(super) fn list(call: &Call<'_>, of: i32, rest: &[i32]) -> SysResult<Vec<u8>> {
    const INC_THREAD: i32 = 0x10;
    const ALL: i32 = 0;
    const PID: i32 = 1;
    const PROC: i32 = 8;
    let (threads, of) = (of & INC_THREAD != 0, of & !INC_THREAD);
    let wanted = match (of, rest) {
        (ALL | PROC, [] | [_]) => 0,
        (_, [id]) => *id,
        _ => return Err(Errno::EINVAL),
    };
    // Children that nobody else will wait for are gone when they have ended.
    procdesc::reap_released(call);
    let processes = match of {
        PID => {
            is_own(wanted)?;
            vec![if wanted <= 0 { host::pid() } else { wanted }]
        }
        _ => numbers_in("/proc"),
    };
    let mut out = Vec::new();
    for process in processes.into_iter().filter(|&p| listed(of, wanted, p)) {
        let tids = match threads {
            true => numbers_in(&format!("/proc/{process}/task")),
            false => vec![process],
        };
        for tid in tids {
            // One that has ended since is left out.
            out.extend(procinfo::process_entry(call.abi, process, tid).unwrap_or_default());
        }
    }
    if out.is_empty() && of == PID {
        return Err(Errno::ESRCH);
    }
    Ok(out)
}
