//! What FreeBSD's kernel tells of a process: the structures that `kern.proc.*` returns and that core files hold.
//!
//! Source: `sys/user.h`, `sys/sysctl.h`; `kern_proc.c` and `kern_descrip.c` for which field says what (as facts). Fields that
//! hold addresses inside of the kernel are 0.

use crate::abi::{Dialect, GuestStruct, Long, OsAbi, Show, Ulong};
use crate::host::{self, nr};
use crate::mem::{Kind, Prot};
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::{Rlimit, Rusage, Timeval};
use crate::os::{ProcStat, proc_text, sigset_to_guest, status_field, status_signals, thread_name};
use crate::process::{Process, SigSet};
use files::vnode_type;
pub use files::{
    KinfoFile, KinfoSocket, Xfile, descriptor, descriptors, every_file, files, shared_objects,
    working_folder,
};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

mod files;

/// `FSCALE` (`sys/param.h`): what stands for 1 in fixed-point numbers.
pub const FSCALE: u32 = 2048;

/// Length of a path at most, with its NUL.
const PATH_MAX: usize = 1024;

crate::guest_struct! {
    /// `struct kinfo_proc`
    pub struct KinfoProc("kinfo_proc") {
        ki_structsize: i32 as Show::Detail, ki_layout: i32 as Show::Detail, _ki_args: Ulong, _ki_paddr: Ulong, _ki_addr: Ulong, _ki_tracep: Ulong,
        _ki_textvp: Ulong, ki_fd: Ulong as Show::Detail, _ki_vmspace: Ulong, ki_wchan: Ulong as Show::Detail,
        ki_pid: i32, ki_ppid: i32, ki_pgid: i32, ki_tpgid: i32 as Show::Detail, ki_sid: i32, ki_tsid: i32 as Show::Detail, ki_jobc: i16 as Show::Detail, _spare_short1: i16,
        ki_tdev_freebsd11: u32 as Show::Detail, ki_siglist: [u32; 4] as Show::Detail, ki_sigmask: [u32; 4] as Show::Detail, ki_sigignore: [u32; 4] as Show::Detail, ki_sigcatch: [u32; 4] as Show::Detail,
        ki_uid: u32, ki_ruid: u32 as Show::Detail, ki_svuid: u32 as Show::Detail, ki_rgid: u32 as Show::Detail, ki_svgid: u32 as Show::Detail, ki_ngroups: i16 as Show::Detail, _spare_short2: i16,
        ki_groups: [u32; 16] as Show::Detail, ki_size: Ulong, ki_rssize: Long, _ki_swrss: Long, _ki_tsize: Long, _ki_dsize: Long,
        _ki_ssize: Long, ki_xstat: u16 as Show::Detail, _ki_acflag: u16, ki_pctcpu: u32 as Show::Detail, _ki_estcpu: u32, _ki_slptime: u32, ki_swtime: u32 as Show::Detail,
        _ki_cow: u32, ki_runtime: u64 as Show::Detail, ki_start: Timeval as Show::Detail, ki_childtime: Timeval as Show::Detail, ki_flag: Long as Show::Detail, ki_kiflag: Long as Show::Detail,
        _ki_traceflag: i32, ki_stat: i8 as Show::Flags(&f::PROC_STATE), ki_nice: i8, _ki_lock: i8, _ki_rqindex: i8, _ki_oncpu_old: u8, _ki_lastcpu_old: u8,
        ki_tdname: [u8; 17] as Show::Chars, ki_wmesg: [u8; 9] as Show::Chars, ki_login: [u8; 18] as Show::Detail, _ki_lockname: [u8; 9], ki_comm: [u8; 20] as Show::Chars,
        ki_emul: [u8; 17] as Show::Detail, _ki_loginclass: [u8; 18], ki_moretdname: [u8; 4] as Show::Detail, _sparestrings: [u8; 46], _spareints: [i32; 2],
        ki_tdev: u64 as Show::Detail, _ki_oncpu: i32, ki_lastcpu: i32 as Show::Detail, ki_tracer: i32 as Show::Detail, _ki_flag2: i32, _ki_fibnum: i32, _ki_cr_flags: u32,
        _ki_jid: i32, ki_numthreads: i32, ki_tid: i32, ki_pri: [u8; 4] as Show::Detail, ki_rusage: Rusage as Show::Detail, _ki_rusage_ch: Rusage,
        _ki_pcb: Ulong, _ki_kstack: Ulong, _ki_udata: Ulong, _ki_tdaddr: Ulong, _ki_pd: Ulong, _spareptrs: [Ulong; 5],
        _sparelongs: [Long; 12], _ki_sflag: Long, ki_tdflags: Long as Show::Detail,
    }

    /// `struct kinfo_vmentry`
    pub struct KinfoVmentry("kinfo_vmentry") {
        kve_structsize: i32 as Show::Detail, kve_type: i32 as Show::Flags(&f::KVME_TYPE), kve_start: u64 as Show::Hex, kve_end: u64 as Show::Hex, kve_offset: u64 as Show::Hex, kve_vn_fileid: u64 as Show::Detail,
        kve_vn_fsid_freebsd11: u32 as Show::Detail, kve_flags: i32 as Show::Flags(&f::KVME_FLAG), kve_resident: i32 as Show::Detail, kve_private_resident: i32 as Show::Detail, kve_protection: i32 as Show::Flags(&f::KVME_PROT),
        kve_ref_count: i32 as Show::Detail, kve_shadow_count: i32 as Show::Detail, kve_vn_type: i32 as Show::Detail, kve_vn_size: u64, kve_vn_rdev_freebsd11: u32 as Show::Detail,
        kve_vn_mode: u16 as Show::Detail, kve_status: u16 as Show::Detail, kve_vn_fsid: u64 as Show::Detail, kve_vn_rdev: u64 as Show::Detail, _spare: [i32; 8],
    }

    /// `struct kinfo_kstack`
    pub struct KinfoKstack("kinfo_kstack") { kkst_tid: i32, kkst_state: i32, kkst_trace: [u8; 1024] as Show::Chars, _kkst_ispare: [i32; 16] }

    /// `struct kinfo_sigtramp`
    pub struct KinfoSigtramp("kinfo_sigtramp") { ksigtramp_start: Ulong as Show::Hex, ksigtramp_end: Ulong as Show::Hex, _spare: [Ulong; 4] }
}

/// Bytes of a structure of which no field is checked.
fn bytes_of<T: GuestStruct>(a: OsAbi, value: &T) -> Vec<u8> {
    value.write(a).unwrap_or_default()
}

/// A structure of which the field at offset 0 is its length, with a path behind it: as long as it has to be
/// (`kern_descrip.c`, pack_kinfo).
fn with_path(a: OsAbi, mut bytes: Vec<u8>, path: &[u8]) -> Vec<u8> {
    bytes.extend(&path[..path.len().min(PATH_MAX - 1)]);
    bytes.push(0);
    bytes.resize(bytes.len().next_multiple_of(8), 0);
    let len = bytes.len() as u64;
    crate::abi::write_int(a, crate::abi::Kind::I32, &mut bytes, len);
    bytes
}

/// A name in a field, cut off so that a NUL follows.
pub fn name<const N: usize>(text: &[u8]) -> [u8; N] {
    let mut field = [0; N];
    let n = text.len().min(N - 1);
    field[..n].copy_from_slice(&text[..n]);
    field
}

/// A set of signals as the guest numbers them, in words.
pub fn signals(set: SigSet) -> [u32; 4] {
    let bytes = sigset_to_guest(
        OsAbi {
            dialect: Dialect::FreeBsd,
            ..OsAbi::HOST
        },
        set,
    );
    let mut words = [0; 4];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    words
}

/// `SSLEEP`, `SRUN` and the like (`sys/proc.h`) of a state's letter.
fn state(letter: u8) -> i8 {
    match letter {
        b'R' => 2,
        b'T' | b't' => 4,
        b'Z' | b'X' => 5,
        _ => 3,
    }
}

/// What says to the guest more of a thread than the state alone: `ki_flag` (`P_*`), `ki_kiflag` (`KI_*`) and `ki_tdflags` (`TDF_*`).
fn flags_of(pid: i32, stat: &ProcStat) -> (i64, i64, i64) {
    const CONTROLT: i64 = 0x2;
    const KPROC: i64 = 0x4;
    const SYSTEM: i64 = 0x200;
    const TRACED: i64 = 0x800;
    const INMEM: i64 = 0x1000_0000;
    const CTTY: i64 = 1;
    const SLEADER: i64 = 2;
    const SINTR: i64 = 8;
    // PF_KTHREAD of the host
    let kernel = stat.number(9) & 0x20_0000 != 0;
    let terminal = stat.number(7) != 0;
    let leader = stat.number(6) == i64::from(pid);
    let flag = |on: bool, bit: i64| if on { bit } else { 0 };
    let traced = super::sys::board::tracer(pid) != 0;
    (
        INMEM | flag(terminal, CONTROLT) | flag(kernel, KPROC | SYSTEM) | flag(traced, TRACED),
        flag(terminal, CTTY) | flag(leader, SLEADER),
        flag(stat.state() != b'D', SINTR),
    )
}

/// `struct priority` (`sys/priority.h`): class, current, native and user level of a thread of that nice value.
fn priority(nice: i64) -> [u8; 4] {
    const PRI_TIMESHARE: u8 = 3;
    const PRI_MIN_TIMESHARE: i64 = 120;
    let level = (PRI_MIN_TIMESHARE + 20 + nice) as u8;
    [PRI_TIMESHARE, level, level, level]
}

/// The share of a CPU that a process had since it began, in units of 1/2048 (`kern.fscale`): the host keeps no decaying average.
fn share(ticks: i64, lived: i64) -> u32 {
    (ticks.max(0) as u64 * u64::from(FSCALE) / lived.max(1) as u64) as u32
}

/// How long something lives that began `start` ticks after the machine, in ticks.
fn age(start: i64) -> i64 {
    let up = proc_text("/proc/uptime");
    let up = up
        .split_whitespace()
        .next()
        .and_then(|s| s.parse::<f64>().ok());
    ((up.unwrap_or(0.0) * 100.0) as i64 - start).max(0)
}

/// A time in ticks of 10 ms.
fn time(ticks: i64) -> Timeval {
    Timeval {
        tv_sec: Long(ticks / 100),
        tv_usec: Long(ticks % 100 * 10_000),
    }
}

/// Numbers in a field of `/proc/PID/status`.
fn numbers(status: &str, key: &str) -> Vec<u32> {
    let words = status_field(status, key).split_whitespace();
    words.filter_map(|w| w.parse().ok()).collect()
}

/// When the machine was started, in seconds since 1970.
pub fn boot_time() -> i64 {
    let stat = proc_text("/proc/stat");
    let line = stat.lines().find_map(|l| l.strip_prefix("btime "));
    line.and_then(|t| t.trim().parse().ok()).unwrap_or(0)
}

/// The terminal of `/proc/PID/stat`; FreeBSD's NODEV (-1) for none.
fn terminal(stat: &ProcStat) -> u64 {
    match stat.number(7) {
        0 => u64::MAX,
        device => device as u64,
    }
}

/// `struct kinfo_proc` of a thread: of the first with `tid` = `pid`. `None` if there is no such process. Its memory is that of
/// the emulator.
pub fn process_entry(a: OsAbi, pid: i32, tid: i32) -> Option<Vec<u8>> {
    let folder = format!("/proc/{pid}/task/{tid}");
    let stat = ProcStat::read(&format!("{folder}/stat"))?;
    let status = proc_text(&format!("{folder}/status"));
    let ids = |key: &str, n: usize| numbers(&status, key).get(n).copied().unwrap_or(0);
    let mut groups = vec![ids("Gid", 1)];
    groups.extend(numbers(&status, "Groups"));
    let mut group_field = [0; 16];
    for (field, group) in group_field.iter_mut().zip(&groups) {
        *field = *group;
    }
    let of = |n: usize| stat.number(n) as i32;
    let (comm, tdname) = (thread_name(pid, pid), thread_name(pid, tid));
    let (user, system) = (stat.number(14), stat.number(15));
    let (flag, kiflag, tdflags) = flags_of(pid, &stat);
    // What it waits for: a function of the host's kernel, and "0" where it does not wait.
    let wait = match stat.state() {
        b'S' | b'D' => proc_text(&format!("{folder}/wchan")),
        _ => String::new(),
    };
    let wait = wait.trim_end().trim_start_matches('0');
    let age = age(stat.number(22));
    let peak = status_field(&status, "VmHWM").trim_end_matches(" kB");
    let entry = KinfoProc {
        ki_structsize: KinfoProc::DESC.size(a) as i32,
        // Not where its descriptors are in the kernel: only that it has them.
        ki_fd: Ulong((stat.state() != b'Z').into()),
        ki_pid: pid,
        ki_ppid: of(4),
        ki_pgid: of(5),
        ki_tpgid: of(8),
        ki_sid: of(6),
        ki_tsid: if of(7) == 0 { 0 } else { of(6) },
        ki_jobc: 1,
        ki_tdev_freebsd11: terminal(&stat) as u32,
        ki_siglist: signals(status_signals(&status, "SigPnd")),
        ki_sigmask: signals(status_signals(&status, "SigBlk")),
        ki_sigignore: signals(status_signals(&status, "SigIgn")),
        ki_sigcatch: signals(status_signals(&status, "SigCgt")),
        ki_uid: ids("Uid", 1),
        ki_ruid: ids("Uid", 0),
        ki_svuid: ids("Uid", 2),
        ki_rgid: ids("Gid", 0),
        ki_svgid: ids("Gid", 2),
        ki_ngroups: groups.len().min(16) as i16,
        ki_groups: group_field,
        ki_size: Ulong(stat.number(23) as u64),
        ki_rssize: Long(stat.number(24)),
        ki_runtime: (user + system) as u64 * 10_000,
        ki_start: time(boot_time() * 100 + stat.number(22)),
        ki_childtime: time(stat.number(16) + stat.number(17)),
        ki_pctcpu: share(user + system, age),
        ki_swtime: (age / 100) as u32,
        ki_flag: Long(flag),
        ki_kiflag: Long(kiflag),
        ki_tdflags: Long(tdflags),
        // No address of the host's kernel: only that it waits.
        ki_wchan: Ulong((!wait.is_empty()).into()),
        ki_wmesg: name(wait.as_bytes()),
        ki_stat: state(match super::sys::board::has_ended(pid) {
            true => b'Z',
            false => stat.state(),
        }),
        ki_nice: stat.number(19) as i8,
        ki_tdname: name(&tdname),
        ki_comm: name(&comm),
        ki_emul: name(match a.abi.is_32bit() {
            true => b"FreeBSD ELF32",
            false => b"FreeBSD ELF64",
        }),
        ki_moretdname: name(tdname.get(16..).unwrap_or_default()),
        ki_tdev: terminal(&stat),
        ki_lastcpu: of(39),
        ki_tracer: match super::sys::board::tracer(pid) {
            0 => status_field(&status, "TracerPid").parse().unwrap_or(0),
            tracer => tracer,
        },
        ki_numthreads: of(20),
        ki_tid: tid,
        ki_pri: priority(stat.number(19)),
        ki_rusage: Rusage {
            ru_utime: time(user),
            ru_stime: time(system),
            ru_maxrss: Long(peak.trim().parse().unwrap_or(0)),
            ru_minflt: Long(stat.number(10)),
            ru_majflt: Long(stat.number(12)),
            ..Rusage::default()
        },
        ..KinfoProc::default()
    };
    Some(bytes_of(a, &entry))
}

/// `struct kinfo_vmentry` records of the guest's memory, by address. What is resident is not counted.
pub fn mappings(a: OsAbi, process: &Process) -> Vec<u8> {
    const VNODE: i32 = 2;
    const SWAP: i32 = 3;
    const GUARD: i32 = 9;
    const COW: i32 = 1;
    const NEEDS_COPY: i32 = 2;
    const GROWS_DOWN: i32 = 0x20;
    let mut out = Vec::new();
    for r in process.mem.regions() {
        let bit = |p: Prot, flag: i32| if r.prot.contains(p) { flag } else { 0 };
        let mut entry = KinfoVmentry {
            kve_start: r.start,
            kve_end: r.end,
            kve_offset: r.offset,
            kve_protection: bit(Prot::READ, 1) | bit(Prot::WRITE, 2) | bit(Prot::EXEC, 4),
            kve_ref_count: 1,
            ..KinfoVmentry::default()
        };
        let mut path: &[u8] = b"";
        match &r.kind {
            Kind::File(file) => {
                entry.kve_type = VNODE;
                entry.kve_vn_fileid = file.inode;
                entry.kve_vn_fsid = file.dev;
                entry.kve_vn_fsid_freebsd11 = file.dev as u32;
                if !r.shared {
                    entry.kve_flags = COW | NEEDS_COPY;
                }
                if let Ok(meta) = std::fs::metadata(&file.path) {
                    entry.kve_vn_type = vnode_type(&meta);
                    entry.kve_vn_size = meta.size();
                    entry.kve_vn_mode = meta.mode() as u16;
                    entry.kve_status = 1;
                }
                path = file.path.as_os_str().as_bytes();
            }
            _ if r.prot == Prot::NONE => entry.kve_type = GUARD,
            kind => {
                entry.kve_type = SWAP;
                if matches!(kind, Kind::Stack) {
                    entry.kve_flags = GROWS_DOWN;
                }
            }
        }
        out.extend(with_path(a, bytes_of(a, &entry), path));
    }
    out
}

/// Number of resources (`RLIM_NLIMITS` of FreeBSD 13).
pub const LIMITS: usize = 15;

/// The limits on resource number `which` of FreeBSD's. One that the host does not have is infinite.
pub fn limit(pid: i32, which: usize) -> Rlimit {
    let mut limits = [u64::MAX; 2];
    let host_number = f::RLIMIT.to_host(Dialect::FreeBsd, which as u64);
    let args = [pid as u64, host_number, 0, limits.as_mut_ptr() as u64, 0, 0];
    // The table gives those that the host does not have numbers that it does not know. Without the right to ask, a limit is
    // shown as infinite, too.
    let _ = host::syscall(nr::SYS_prlimit64, args);
    let [soft, hard] = limits.map(|v| i64::try_from(v).unwrap_or(i64::MAX));
    Rlimit {
        rlim_cur: soft,
        rlim_max: hard,
    }
}

/// The real, effective, saved and file system's user; none of a process that is not there.
pub fn users(pid: i32) -> Vec<u32> {
    numbers(&proc_text(&format!("/proc/{pid}/status")), "Uid")
}

/// The real and the effective user, the real and the effective group; `None` if there is no such process.
pub fn ids(pid: i32) -> Option<[u32; 4]> {
    let status = proc_text(&format!("/proc/{pid}/status"));
    let (users, groups) = (numbers(&status, "Uid"), numbers(&status, "Gid"));
    Some([
        *users.first()?,
        *users.get(1)?,
        *groups.first()?,
        *groups.get(1)?,
    ])
}

/// The effective group and the supplementary ones.
pub fn groups(pid: i32) -> Vec<u32> {
    let status = proc_text(&format!("/proc/{pid}/status"));
    let mut all = vec![numbers(&status, "Gid").get(1).copied().unwrap_or(0)];
    all.extend(numbers(&status, "Groups"));
    all
}

/// The mask of permissions for new files.
pub fn umask(pid: i32) -> u16 {
    let status = proc_text(&format!("/proc/{pid}/status"));
    u16::from_str_radix(status_field(&status, "Umask"), 8).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::AARCH64;

    #[test]
    fn layouts_are_those_of_the_headers() {
        // sizeof and offsetof of FreeBSD 13.2 for arm64.
        let a = AARCH64.abi;
        let proc = KinfoProc::DESC;
        assert_eq!(proc.size(a), 1088);
        let places = ["ki_pid", "ki_comm", "ki_tid"].map(|f| proc.offset(a, f));
        assert_eq!(places, [Some(72), Some(447), Some(600)]);
        // The paths, of 1024 bytes, follow.
        assert_eq!(KinfoVmentry::DESC.size(a), 1160 - PATH_MAX);
    }

    #[test]
    fn the_own_process_is_described() {
        let pid = host::pid();
        let bytes = process_entry(AARCH64.abi, pid, pid).expect("this process");
        let entry = KinfoProc::read(AARCH64.abi, &bytes).expect("a structure");
        assert_eq!((entry.ki_pid, entry.ki_tid), (pid, pid));
        assert_eq!(entry.ki_structsize, 1088);
        assert!(entry.ki_numthreads >= 1 && entry.ki_start.tv_sec.0 > 1_000_000_000);
        assert!(process_entry(AARCH64.abi, i32::MAX, i32::MAX).is_none());
    }
}
