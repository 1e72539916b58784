//! The nodes: names, numbers, what they hold and where it comes from.
//!
//! Numbers below 256 are FreeBSD's own (`sys/sysctl.h`), those above are the table's.

use super::super::sys::{aio, mounts};
use super::process;
use super::{Node, Value, bytes_of, ipc, machine, sockets, statistics};
use crate::abi::{Kind, Long, ints};
use crate::host::sockets::Listed;
use crate::loader::freebsd_aux;
use crate::mem::PAGE_SIZE;
use crate::os::freebsd::procinfo::{self, FSCALE, boot_time};
use crate::os::freebsd::structs::{Clockinfo, Loadavg, Timeval, Vmtotal};
use crate::os::freebsd::{self, isa_of};
use crate::os::{Call, proc_text};
use Value::{
    Ask, Bool, Counter, Counters, Int, List, Long as LongValue, Meaning, Random, Struct, Table,
    Text, Uint, Ulong, Wide,
};

const fn row(
    name: &'static str,
    mib: &'static [i32],
    value: Value,
    description: &'static str,
) -> Node {
    Node {
        name,
        mib,
        value,
        description,
    }
}

fn text(s: &str) -> Vec<u8> {
    s.as_bytes().to_vec()
}

fn cpus() -> i64 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as i64)
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(field: &str) -> i64 {
    let info = proc_text("/proc/meminfo");
    let line = info
        .lines()
        .find_map(|l| l.strip_prefix(field)?.strip_prefix(':'));
    let kb = line.and_then(|l| l.split_whitespace().next()?.parse::<i64>().ok());
    kb.unwrap_or(0) << 10
}

fn pages(field: &str) -> i64 {
    memory(field) / PAGE_SIZE as i64
}

/// Physical memory, no more than the guest can count.
fn physical(call: &Call<'_>) -> i64 {
    let all = memory("MemTotal");
    match call.abi.abi.is_32bit() {
        true => all.min(0x7fff_f000),
        false => all,
    }
}

/// The first number in a file below `/proc/sys`.
fn host_number(path: &str) -> i64 {
    let text = proc_text(path);
    let number = text.split_whitespace().next().and_then(|n| n.parse().ok());
    number.unwrap_or(0)
}

/// The second one.
fn second_number(path: &str) -> i64 {
    let text = proc_text(path);
    let number = text.split_whitespace().nth(1).and_then(|n| n.parse().ok());
    number.unwrap_or(0)
}

fn host_name() -> Vec<u8> {
    proc_text("/proc/sys/kernel/hostname").trim_end().into()
}

fn release(call: &Call<'_>) -> String {
    let configured = &call.thread.process.config.uname_release;
    match (configured, freebsd::of(call.thread)) {
        (Some(release), _) => release.clone(),
        (None, Some(os)) => os.release(),
        (None, None) => String::new(),
    }
}

fn release_date(call: &Call<'_>) -> i64 {
    freebsd::of(call.thread).map_or(0, |os| os.release_date().into())
}

fn stack_top(call: &Call<'_>) -> i64 {
    process::own_aux(call, freebsd_aux::USRSTACKBASE) as i64
}

fn ps_strings(call: &Call<'_>) -> i64 {
    process::own_aux(call, freebsd_aux::PS_STRINGS) as i64
}

fn numbers(call: &Call<'_>, kind: Kind, values: &[i64]) -> Vec<u8> {
    ints(call.abi, kind, values.iter().map(|v| *v as u64))
}

fn longs(call: &Call<'_>, values: &[i64]) -> Vec<u8> {
    numbers(call, Kind::Long, values)
}

fn boot(call: &Call<'_>) -> Vec<u8> {
    let at = Timeval {
        tv_sec: Long(boot_time()),
        ..Timeval::default()
    };
    bytes_of(call, &at)
}

/// The host counts times in ticks of 10 ms.
fn clock_rate(call: &Call<'_>) -> Vec<u8> {
    let rate = Clockinfo {
        hz: 100,
        tick: 10_000,
        stathz: 100,
        profhz: 100,
        ..Clockinfo::default()
    };
    bytes_of(call, &rate)
}

/// Three fixed-point numbers and their scale.
fn load_average(call: &Call<'_>) -> Vec<u8> {
    let text = proc_text("/proc/loadavg");
    let mut load = Loadavg {
        fscale: Long(FSCALE.into()),
        ..Loadavg::default()
    };
    for (fixed, number) in load.ldavg.iter_mut().zip(text.split_whitespace()) {
        *fixed = (number.parse::<f64>().unwrap_or(0.0) * f64::from(FSCALE)) as u32;
    }
    bytes_of(call, &load)
}

/// Times of the CPUs in ticks: user, nice, system, interrupt, idle (`sys/resource.h`, CP_*), for each line of `/proc/stat` that
/// `wanted` takes.
fn cpu_times(call: &Call<'_>, wanted: fn(&str) -> bool) -> Vec<u8> {
    let stat = proc_text("/proc/stat");
    let mut out = Vec::new();
    for line in stat.lines() {
        let mut words = line.split_whitespace();
        if !words.next().is_some_and(wanted) {
            continue;
        }
        let t: Vec<i64> = words.map(|w| w.parse().unwrap_or(0)).collect();
        let at = |n: usize| t.get(n).copied().unwrap_or(0);
        // The host's: user, nice, system, idle, iowait, irq, softirq.
        let times = [at(0), at(1), at(2), at(5) + at(6), at(3) + at(4)];
        out.extend(longs(call, &times));
    }
    out
}

/// Numbers of pages, then of processes.
fn totals(call: &Call<'_>) -> Vec<u8> {
    let [all, free, active, shared] =
        ["MemTotal", "MemFree", "Active", "Shmem"].map(|field| pages(field) as u64);
    let running = proc_text("/proc/stat");
    let running = running
        .lines()
        .find_map(|l| l.strip_prefix("procs_running "));
    let running = running.and_then(|n| n.trim().parse().ok()).unwrap_or(1);
    let totals = Vmtotal {
        t_vm: all,
        t_avm: active,
        t_rm: all - free,
        t_arm: active,
        t_vmshr: shared,
        t_avmshr: shared,
        t_rmshr: shared,
        t_armshr: shared,
        t_free: free,
        t_rq: running,
        ..Vmtotal::default()
    };
    bytes_of(call, &totals)
}

/// `kern.devname`: the name below `/dev` of a device number, which is asked for as the new value.
fn device_name(call: &Call<'_>, asked: &[u8]) -> Option<Vec<u8>> {
    let dev = crate::abi::read_int(call.abi, Kind::U64, asked.get(..8)?);
    let (major, minor) = ((dev >> 8) & 0xfff, (dev & 0xff) | (dev >> 12) & 0xff_ff00);
    if (136..144).contains(&major) {
        return Some(format!("pts/{}", (major - 136) << 20 | minor).into_bytes());
    }
    let uevent = proc_text(&format!("/sys/dev/char/{major}:{minor}/uevent"));
    let name = uevent.lines().find_map(|l| l.strip_prefix("DEVNAME="))?;
    Some(name.as_bytes().to_vec())
}

/// The host's `struct msginfo` (`linux/msg.h`), which nothing limits.
const MSGSSZ: i64 = 16;
const MSGSEG: i64 = 0xffff;

/// What FreeBSD counts and the host does not.
const NOT_COUNTED: Value = Counter(|_| 0);

/// The number behind a word in a file of lines of these.
fn counted(file: &str, word: &str) -> i64 {
    let text = proc_text(file);
    let mut lines = text.lines();
    let found = lines.find_map(|l| l.strip_prefix(word)?.strip_prefix(' '));
    let number = found.and_then(|n| n.split_whitespace().next()?.parse().ok());
    number.unwrap_or(0)
}

/// What the host counts of its processors and processes.
fn stat(word: &str) -> i64 {
    counted("/proc/stat", word)
}

/// What the host counts of its memory.
fn events(word: &str) -> i64 {
    counted("/proc/vmstat", word)
}

/// Every node that answers.
#[rustfmt::skip]
pub static NODES: &[Node] = &[
    row("kern.ostype", &[1, 1], Text(|_| text("FreeBSD")), "Operating system type"),
    row("kern.osrelease", &[1, 2], Text(|c| release(c).into_bytes()), "Operating system release"),
    row("kern.osrevision", &[1, 3], Int(|_| 199_506), "Operating system revision"),
    row("kern.version", &[1, 4], Text(|c| format!("FreeBSD {} GENERIC\n", release(c)).into_bytes()), "Kernel version"),
    row("kern.maxvnodes", &[1, 5], LongValue(|_| host_number("/proc/sys/fs/file-max").min(0x7fff_ffff)), "Target for maximum number of vnodes"),
    row("kern.maxproc", &[1, 6], Int(|_| host_number("/proc/sys/kernel/threads-max").min(0x7fff_ffff)), "Maximum number of processes"),
    row("kern.maxfiles", &[1, 7], Int(|_| host_number("/proc/sys/fs/file-max").min(0x7fff_ffff)), "Maximum number of files"),
    row("kern.argmax", &[1, 8], Int(|_| 524_288), "Maximum bytes of argument to execve(2)"),
    row("kern.securelevel", &[1, 9], Int(|_| -1), "Current secure level"),
    row("kern.hostname", &[1, 10], Text(|_| host_name()), "Hostname"),
    row("kern.hostid", &[1, 11], Ulong(|_| 0), "Host ID"),
    row("kern.clockrate", &[1, 12], Struct("S,clockinfo", clock_rate), "Rate and period of various kernel clocks"),
    row("kern.proc.all", &[1, 14, 0], List("S,proc", |c, r| process::list(c, 0, r)), "Processes"),
    row("kern.proc.pid", &[1, 14, 1], List("S,proc", |c, r| process::list(c, 1, r)), "Processes by id"),
    row("kern.proc.pgrp", &[1, 14, 2], List("S,proc", |c, r| process::list(c, 2, r)), "Processes by process group"),
    row("kern.proc.session", &[1, 14, 3], List("S,proc", |c, r| process::list(c, 3, r)), "Processes by session"),
    row("kern.proc.tty", &[1, 14, 4], List("S,proc", |c, r| process::list(c, 4, r)), "Processes by terminal"),
    row("kern.proc.uid", &[1, 14, 5], List("S,proc", |c, r| process::list(c, 5, r)), "Processes by effective user"),
    row("kern.proc.ruid", &[1, 14, 6], List("S,proc", |c, r| process::list(c, 6, r)), "Processes by real user"),
    row("kern.proc.args", &[1, 14, 7], List("A", process::args), "Arguments of a process"),
    row("kern.proc.proc", &[1, 14, 8], List("S,proc", |c, r| process::list(c, 8, r)), "Processes, without threads"),
    row("kern.proc.sv_name", &[1, 14, 9], List("A", process::system_vector), "Name of a process's system vector"),
    row("kern.proc.rgid", &[1, 14, 10], List("S,proc", |c, r| process::list(c, 10, r)), "Processes by real group"),
    row("kern.proc.gid", &[1, 14, 11], List("S,proc", |c, r| process::list(c, 11, r)), "Processes by effective group"),
    row("kern.proc.pathname", &[1, 14, 12], List("A", process::path), "Path of a process's program"),
    row("kern.proc.all_td", &[1, 14, 16], List("S,proc", |c, r| process::list(c, 16, r)), "Threads"),
    row("kern.proc.pid_td", &[1, 14, 17], List("S,proc", |c, r| process::list(c, 17, r)), "Threads of a process"),
    row("kern.proc.pgrp_td", &[1, 14, 18], List("S,proc", |c, r| process::list(c, 18, r)), "Threads by process group"),
    row("kern.proc.session_td", &[1, 14, 19], List("S,proc", |c, r| process::list(c, 19, r)), "Threads by session"),
    row("kern.proc.tty_td", &[1, 14, 20], List("S,proc", |c, r| process::list(c, 20, r)), "Threads by terminal"),
    row("kern.proc.uid_td", &[1, 14, 21], List("S,proc", |c, r| process::list(c, 21, r)), "Threads by effective user"),
    row("kern.proc.ruid_td", &[1, 14, 22], List("S,proc", |c, r| process::list(c, 22, r)), "Threads by real user"),
    row("kern.proc.proc_td", &[1, 14, 24], List("S,proc", |c, r| process::list(c, 24, r)), "Threads of all processes"),
    row("kern.proc.rgid_td", &[1, 14, 26], List("S,proc", |c, r| process::list(c, 26, r)), "Threads by real group"),
    row("kern.proc.gid_td", &[1, 14, 27], List("S,proc", |c, r| process::list(c, 27, r)), "Threads by effective group"),
    row("kern.proc.kstack", &[1, 14, 15], List("S,kinfo_kstack", process::kernel_stacks), "Kernel stacks of a process"),
    row("kern.proc.vmmap", &[1, 14, 32], List("S,kinfo_vmentry", process::mappings), "Memory of a process"),
    row("kern.proc.filedesc", &[1, 14, 33], List("S,kinfo_file", process::files), "Files of a process"),
    row("kern.proc.groups", &[1, 14, 34], List("I", process::groups), "Groups of a process"),
    row("kern.proc.env", &[1, 14, 35], List("A", process::env), "Environment of a process"),
    row("kern.proc.auxv", &[1, 14, 36], List("S,auxv", process::auxv), "Auxiliary vector of a process"),
    row("kern.proc.rlimit", &[1, 14, 37], List("S,rlimit", process::limit), "Limits of a process"),
    row("kern.proc.ps_strings", &[1, 14, 38], List("L", process::strings), "Where a process's ps_strings is"),
    row("kern.proc.umask", &[1, 14, 39], List("I", process::umask), "File mode mask of a process"),
    row("kern.proc.osrel", &[1, 14, 40], List("I", process::release_date), "Release that a process is told"),
    row("kern.proc.sigtramp", &[1, 14, 41], List("S,sigtramp", process::sigtramp), "Where a process's signal trampoline is"),
    row("kern.proc.cwd", &[1, 14, 42], List("S,kinfo_file", process::working_folder), "Working directory of a process"),
    row("kern.proc.nfds", &[1, 14, 43], List("I", process::file_count), "Number of a process's open descriptors"),
    row("kern.file", &[1, 15], Table("S,xfile", |c| Ok(procinfo::every_file(c.abi))), "Entire file table"),
    row("kern.posix1version", &[1, 17], Int(|_| 200_112), "Version of POSIX attempting to comply to"),
    row("kern.ngroups", &[1, 18], Int(|_| 1023), "Maximum number of supplementary groups"),
    row("kern.job_control", &[1, 19], Int(|_| 1), "Whether job control is available"),
    row("kern.saved_ids", &[1, 20], Int(|_| 1), "Whether saved set-group/user ID is available"),
    row("kern.boottime", &[1, 21], Struct("S,timeval", boot), "Estimated system boottime"),
    row("kern.domainname", &[1, 22], Text(|_| Vec::new()), "Name of the current YP/NIS domain"),
    row("kern.osreldate", &[1, 24], Int(release_date), "Kernel release date"),
    row("kern.bootfile", &[1, 26], Text(|_| text("/boot/kernel/kernel")), "Name of kernel file booted"),
    row("kern.maxfilesperproc", &[1, 27], Int(|_| host_number("/proc/sys/fs/nr_open")), "Maximum files allowed open per process"),
    row("kern.maxprocperuid", &[1, 28], Int(|_| host_number("/proc/sys/kernel/threads-max").min(0x7fff_ffff)), "Maximum processes allowed per userid"),
    row("kern.ipc.maxsockbuf", &[1, 30, 1], Ulong(|_| 2 << 20), "Maximum socket buffer size"),
    row("kern.ipc.soacceptqueue", &[1, 30, 3], Int(|_| host_number("/proc/sys/net/core/somaxconn")), "Maximum listen socket pending connection accept queue size"),
    row("kern.ipc.somaxconn", &[1, 30, 256], Int(|_| host_number("/proc/sys/net/core/somaxconn")), "Maximum listen socket pending connection accept queue size (compat)"),
    row("kern.ipc.shmmax", &[1, 30, 257], Ulong(|c| if c.abi.abi.is_32bit() { 0x7fff_ffff } else { 512 << 20 }), "Maximum shared memory segment size"),
    row("kern.ipc.shmmin", &[1, 30, 258], Ulong(|_| 1), "Minimum shared memory segment size"),
    row("kern.ipc.shmmni", &[1, 30, 259], Ulong(|_| ipc::PLACES), "Number of shared memory identifiers"),
    row("kern.ipc.shmseg", &[1, 30, 260], Ulong(|_| 128), "Number of segments per process"),
    row("kern.ipc.shmall", &[1, 30, 261], Ulong(|_| 131_072), "Maximum number of pages available for shared memory"),
    row("kern.ipc.semmni", &[1, 30, 262], Int(|_| ipc::PLACES), "Number of semaphore identifiers"),
    row("kern.ipc.semmns", &[1, 30, 263], Int(|_| 1_024_000_000), "Maximum number of semaphores in the system"),
    row("kern.ipc.semmsl", &[1, 30, 264], Int(|_| 32_000), "Max semaphores per id"),
    row("kern.ipc.semopm", &[1, 30, 265], Int(|_| 500), "Max operations per semop call"),
    row("kern.ipc.semvmx", &[1, 30, 266], Int(|_| 32_767), "Semaphore maximum value"),
    row("kern.ipc.msgmax", &[1, 30, 267], Int(|_| host_number("/proc/sys/kernel/msgmax")), "Maximum message size"),
    row("kern.ipc.msgmni", &[1, 30, 268], Int(|_| ipc::PLACES), "Number of message queue identifiers"),
    row("kern.ipc.msgmnb", &[1, 30, 269], Int(|_| host_number("/proc/sys/kernel/msgmnb")), "Maximum number of bytes in a queue"),
    row("kern.ipc.msgtql", &[1, 30, 271], Int(|_| host_number("/proc/sys/kernel/msgmni")), "Number of message headers"),
    row("kern.ipc.msgssz", &[1, 30, 272], Int(|_| MSGSSZ), "Size of a message segment"),
    row("kern.ipc.msgseg", &[1, 30, 273], Int(|_| MSGSEG), "Number of message segments"),
    row("kern.ipc.semmnu", &[1, 30, 274], Int(|_| 1_024_000_000), "Maximum number of undo structures in the system"),
    row("kern.ipc.semume", &[1, 30, 275], Int(|_| 500), "Max undo entries per process"),
    row("kern.ipc.semusz", &[1, 30, 276], Int(|_| 20), "Size in bytes of undo structure"),
    row("kern.ipc.semaem", &[1, 30, 277], Int(|_| 32_767), "Adjust on exit max value"),
    row("kern.ipc.shmsegs", &[1, 30, 278], Table("S,shmid_kernel", ipc::shared_memory), "Current number of shared memory segments allocated"),
    row("kern.ipc.sema", &[1, 30, 279], Table("S,semid_kernel", ipc::semaphores), "Array of struct semid_kernel for each potential semaphore"),
    row("kern.ipc.msqids", &[1, 30, 280], Table("S,msqid_kernel", ipc::queues), "Array of struct msqid_kernel for each potential message queue"),
    row("kern.ipc.posix_shm_list", &[1, 30, 281], Table("S,kinfo_file", |c| Ok(procinfo::shared_objects(c.abi))), "POSIX SHM list"),
    row("kern.ps_strings", &[1, 32], Ulong(ps_strings), "Location of process' ps_strings structure"),
    row("kern.usrstack", &[1, 33], Ulong(stack_top), "Top of process stack"),
    row("kern.logsigexit", &[1, 34], Int(|_| 0), "Log processes quitting on abnormal signals to syslog(3)"),
    row("kern.iov_max", &[1, 35], Int(|_| 1024), "Maximum number of elements in an I/O vector; sysconf(_SC_IOV_MAX)"),
    row("kern.hostuuid", &[1, 36], Text(|_| text("00000000-0000-0000-0000-000000000000")), "Host UUID"),
    row("kern.arandom", &[1, 37], Random, "arc4rand"),
    row("kern.maxphys", &[1, 38], Ulong(|_| 1 << 20), "Maximum block I/O access size"),
    row("kern.smp.maxcpus", &[1, 256, 1], Int(|_| 256), "Max number of CPUs that the system was compiled for."),
    row("kern.smp.maxid", &[1, 256, 2], Int(|_| cpus() - 1), "Max CPU ID."),
    row("kern.smp.active", &[1, 256, 3], Int(|_| (cpus() > 1).into()), "Indicates system is running in SMP mode"),
    row("kern.smp.cpus", &[1, 256, 4], Int(|_| cpus()), "Number of CPUs online"),
    row("kern.smp.cores", &[1, 256, 5], Int(|_| cpus()), "Number of physical cores online"),
    row("kern.smp.threads_per_core", &[1, 256, 6], Int(|_| 1), "Number of SMT threads online per core"),
    row("kern.smp.disabled", &[1, 256, 7], Int(|_| 0), "SMP has been disabled from the loader"),
    row("kern.sched.cpusetsize", &[1, 257, 1], Int(|_| 32), "sizeof(cpuset_t)"),
    row("kern.sched.name", &[1, 257, 2], Text(|_| text("ULE")), "Scheduler name"),
    row("kern.sched.preemption", &[1, 257, 3], Int(|_| 1), "Kernel preemption enabled"),
    row("kern.stackprot", &[1, 259], Int(|_| 3), "Stack memory permissions"),
    row("kern.pid_max", &[1, 261], Int(|_| host_number("/proc/sys/kernel/pid_max")), "Maximum allowed pid"),
    row("kern.features.posix_shm", &[1, 262, 1], Int(|_| 1), "POSIX shared memory"),
    row("kern.features.compat_freebsd_32bit", &[1, 262, 2], Int(|_| 0), "Compatible with 32-bit FreeBSD"),
    row("kern.features.compat_freebsd11", &[1, 262, 3], Int(|_| 1), "Compatible with FreeBSD 11"),
    row("kern.features.inet", &[1, 262, 4], Int(|_| 1), "Internet Protocol version 4"),
    row("kern.features.inet6", &[1, 262, 5], Int(|_| 1), "Internet Protocol version 6"),
    row("kern.features.process_descriptors", &[1, 262, 6], Int(|_| 1), "Process descriptors"),
    row("kern.features.security_capabilities", &[1, 262, 10], Int(|_| 1), "Capsicum Capabilities"),
    row("kern.features.security_capability_mode", &[1, 262, 11], Int(|_| 1), "Capsicum Capability Mode"),
    row("kern.features.aio", &[1, 262, 12], Int(|_| 1), "Asynchronous I/O"),
    row("kern.features.sysv_msg", &[1, 262, 7], Int(|_| 1), "System V message queues support"),
    row("kern.features.sysv_sem", &[1, 262, 8], Int(|_| 1), "System V semaphores support"),
    row("kern.features.sysv_shm", &[1, 262, 9], Int(|_| 1), "System V shared memory segments support"),
    row("kern.conftxt", &[1, 263], Text(|_| Vec::new()), "Kernel configuration file"),
    row("kern.cp_time", &[1, 264], Struct("LU", |c| cpu_times(c, |n| n == "cpu")), "CPU time statistics"),
    row("kern.cp_times", &[1, 265], Struct("LU", |c| cpu_times(c, |n| n.len() > 3 && n.starts_with("cpu"))), "per-CPU time statistics"),
    row("kern.devname", &[1, 266], Ask("A", device_name), "devname(3) handler"),
    row("kern.openfiles", &[1, 267], Int(|_| host_number("/proc/sys/fs/file-nr")), "System-wide number of open files"),
    row("kern.ident", &[1, 268], Text(|_| text("GENERIC")), "Kernel identifier"),
    row("kern.supported_archs", &[1, 270], Text(|c| text(isa_of(c.thread).machine_arch)), "Supported architectures for binaries"),
    row("kern.coredump", &[1, 271], Int(|_| 1), "Enable/Disable coredumps"),
    row("kern.corefile", &[1, 272], Text(|_| text("%N.core")), "Process corefile name format string"),
    row("kern.sugid_coredump", &[1, 273], Int(|_| 0), "Allow setuid and setgid processes to dump core"),
    row("kern.fallback_elf_brand", &[1, 274], Int(|_| -1), "ELF brand of last resort"),
    row("kern.elf64.sigfastblock", &[1, 275, 3], Int(|_| 1), "ELF64: fast sigblock support"),
    row("kern.elf32.sigfastblock", &[1, 276, 3], Int(|_| 1), "ELF32: fast sigblock support"),
    row("kern.elf64.nxstack", &[1, 275, 1], Int(|_| 1), "ELF64: support PT_GNU_STACK for non-executable stack control"),
    row("kern.elf64.aslr.enable", &[1, 275, 2, 1], Int(|_| 0), "ELF64: enable address map randomization"),
    row("kern.elf32.nxstack", &[1, 276, 1], Int(|_| 1), "ELF32: support PT_GNU_STACK for non-executable stack control"),
    row("kern.elf32.aslr.enable", &[1, 276, 2, 1], Int(|_| 0), "ELF32: enable address map randomization"),
    row("kern.randompid", &[1, 277], Int(|_| 0), "Random PID modulus"),
    row("kern.lastpid", &[1, 278], Int(|_| host_number("/proc/sys/kernel/ns_last_pid")), "Last used PID"),
    row("kern.threads.max_threads_per_proc", &[1, 279, 1], Int(|_| 1500), "Limit on threads per proc"),
    row("kern.threads.max_threads_hits", &[1, 279, 2], Int(|_| 0), "kern.threads.max_threads_per_proc hit count"),
    row("kern.eventtimer.periodic", &[1, 280, 1], Int(|_| 0), "Enable event timer periodic mode"),
    row("kern.timecounter.hardware", &[1, 281, 1], Text(|_| text("host")), "Timecounter hardware selected"),
    row("kern.timecounter.choice", &[1, 281, 2], Text(|_| text("host(1000)")), "Timecounter hardware detected"),
    row("kern.vm_guest", &[1, 282], Text(|_| text("none")), "Virtual machine guest detected?"),
    row("kern.tty_nin", &[1, 283], Ulong(|_| 0), "Total amount of bytes received: the host does not count"),
    row("kern.geom.conftxt", &[1, 284, 1], Text(|_| Vec::new()), "Dump the GEOM config in txt"),
    row("kern.disks", &[1, 285], Text(|_| Vec::new()), "names of available disks"),
    row("kern.fscale", &[1, 287], Int(|_| FSCALE.into()), "Fixed-point scale factor"),
    row("kern.ccpu", &[1, 288], Uint(|_| 0), "Decay factor used for updating %CPU in 4BSD scheduler"),
    row("kern.signosys", &[1, 286], Int(|_| 1), "Send SIGSYS on return from invalid syscall"),
    row("kern.tty_nout", &[1, 295], Ulong(|_| 0), "Total amount of bytes transmitted: the host does not count"),
    row("kern.ttys", &[1, 291], Table("S,xtty", machine::terminals), "List of TTYs"),
    row("kern.msgbuf", &[1, 292], Table("A", machine::message_buffer), "Contents of kernel message buffer"),
    row("kern.malloc_count", &[1, 293], Int(|_| 0), "Count of kernel malloc types: the host's kernel has none"),
    row("kern.malloc_stats", &[1, 294], Table("S,malloc_type_ustats", machine::no_malloc_types), "Return malloc types"),
    row("kern.devstat.version", &[1, 289, 1], Int(|_| 6), "Devstat list version number"),
    row("kern.devstat.numdevs", &[1, 289, 2], Int(|_| machine::disk_count()), "Number of devices in the devstat list"),
    row("kern.devstat.generation", &[1, 289, 3], LongValue(|_| machine::DISK_GENERATION), "Devstat list generation"),
    row("kern.devstat.all", &[1, 289, 4], Struct("S,devstat", machine::devices), "All devices in the devstat list, behind its generation"),
    row("kern.kill_on_debugger_exit", &[1, 310], Int(|_| 1), "Kill ptraced processes when debugger exits"),
    row("kern.sigqueue.max_pending_per_proc", &[1, 311, 1], Int(|_| 128), "Max pending signals per proc"),
    row("kern.trap_enotcap", &[1, 312], Bool(|_| false), "Deliver SIGTRAP on ENOTCAPABLE"),
    row("vm.vmtotal", &[2, 1], Struct("S,vmtotal", totals), "System virtual memory statistics"),
    row("vm.loadavg", &[2, 2], Struct("S,loadavg", load_average), "Machine loadaverage history"),
    row("vm.overcommit", &[2, 12], Int(|_| 0), "Configure virtual memory overcommit behavior. See tuning(7) for details."),
    row("vm.swap_total", &[2, 256], Wide(|_| memory("SwapTotal")), "Total amount of available swap storage."),
    row("vm.swap_info", &[2, 260], List("S,xswdev", machine::swap_area), "Swap statistics by device"),
    row("vm.dmmax", &[2, 261], Int(|_| machine::SWAP_HEADER), "Maximum size of a swap block"),
    row("vm.zone_count", &[2, 262], Int(|_| machine::zone_count()), "Number of UMA zones"),
    row("vm.zone_stats", &[2, 263], Table("S,struct uma_type_header", machine::zones), "Zone Stats"),
    row("vm.kmem_map_size", &[2, 264], Ulong(|c| memory("Slab").min(physical(c))), "Current kmem allocation size"),
    row("vm.swap_reserved", &[2, 258], Wide(|_| memory("Committed_AS")), "Amount of swap storage needed to back all allocated anonymous memory."),
    row("vm.stats.vm.v_page_size", &[2, 257, 1, 1], Uint(|_| PAGE_SIZE as i64), "Page size in bytes"),
    row("vm.stats.vm.v_page_count", &[2, 257, 1, 2], Uint(|c| physical(c) / PAGE_SIZE as i64), "Total number of pages in system"),
    row("vm.stats.vm.v_free_count", &[2, 257, 1, 3], Uint(|_| pages("MemFree")), "Free pages"),
    row("vm.stats.vm.v_active_count", &[2, 257, 1, 4], Uint(|_| pages("Active")), "Active pages"),
    row("vm.stats.vm.v_inactive_count", &[2, 257, 1, 5], Uint(|_| pages("Inactive")), "Inactive pages"),
    row("vm.stats.vm.v_wire_count", &[2, 257, 1, 6], Uint(|_| pages("Unevictable")), "Wired pages"),
    row("vm.stats.vm.v_laundry_count", &[2, 257, 1, 7], Uint(|_| pages("Dirty")), "Pages eligible for laundering"),
    row("vm.stats.vm.v_cache_count", &[2, 257, 1, 8], Uint(|_| 0), "Dummy for compatibility"),
    row("vm.stats.vm.v_vm_faults", &[2, 257, 1, 9], Counter(|_| events("pgfault")), "Address memory faults"),
    row("vm.stats.vm.v_io_faults", &[2, 257, 1, 10], Counter(|_| events("pgmajfault")), "Page faults requiring I/O"),
    row("vm.stats.vm.v_swappgsin", &[2, 257, 1, 11], Counter(|_| events("pswpin")), "Swap pages swapped in"),
    row("vm.stats.vm.v_swappgsout", &[2, 257, 1, 12], Counter(|_| events("pswpout")), "Swap pages swapped out"),
    row("vm.stats.vm.v_tfree", &[2, 257, 1, 13], Counter(|_| events("pgfree")), "Total pages freed"),
    row("vm.stats.vm.v_forks", &[2, 257, 1, 14], Counter(|_| stat("processes")), "Number of fork() calls"),
    row("vm.stats.vm.v_cow_faults", &[2, 257, 1, 15], NOT_COUNTED, "Copy-on-write faults"),
    row("vm.stats.vm.v_cow_optim", &[2, 257, 1, 16], NOT_COUNTED, "Optimized COW faults"),
    row("vm.stats.vm.v_zfod", &[2, 257, 1, 17], NOT_COUNTED, "Pages zero-filled on demand"),
    row("vm.stats.vm.v_ozfod", &[2, 257, 1, 18], NOT_COUNTED, "Optimized zero fill pages"),
    row("vm.stats.vm.v_swapin", &[2, 257, 1, 19], Counter(|_| events("pswpin")), "Swap pager pageins"),
    row("vm.stats.vm.v_swapout", &[2, 257, 1, 20], Counter(|_| events("pswpout")), "Swap pager pageouts"),
    row("vm.stats.vm.v_vnodein", &[2, 257, 1, 21], Counter(|_| events("pgmajfault")), "Vnode pager pageins"),
    row("vm.stats.vm.v_vnodeout", &[2, 257, 1, 22], NOT_COUNTED, "Vnode pager pageouts"),
    row("vm.stats.vm.v_vnodepgsin", &[2, 257, 1, 23], NOT_COUNTED, "Vnode pages paged in"),
    row("vm.stats.vm.v_vnodepgsout", &[2, 257, 1, 24], NOT_COUNTED, "Vnode pages paged out"),
    row("vm.stats.vm.v_intrans", &[2, 257, 1, 25], NOT_COUNTED, "In transit page faults"),
    row("vm.stats.vm.v_reactivated", &[2, 257, 1, 26], Counter(|_| events("pgactivate")), "Pages reactivated by pagedaemon"),
    row("vm.stats.vm.v_pdwakeups", &[2, 257, 1, 27], Counter(|_| events("pageoutrun")), "Pagedaemon wakeups"),
    row("vm.stats.vm.v_pdpages", &[2, 257, 1, 28], Counter(|_| events("pgscan_kswapd")), "Pages analyzed by pagedaemon"),
    row("vm.stats.vm.v_pdshortfalls", &[2, 257, 1, 29], NOT_COUNTED, "Page reclamation shortfalls"),
    row("vm.stats.vm.v_dfree", &[2, 257, 1, 30], Counter(|_| events("pgsteal_kswapd")), "Pages freed by pagedaemon"),
    row("vm.stats.vm.v_pfree", &[2, 257, 1, 31], NOT_COUNTED, "Pages freed by exiting processes"),
    row("vm.stats.vm.v_vforks", &[2, 257, 1, 32], NOT_COUNTED, "Number of vfork() calls"),
    row("vm.stats.vm.v_rforks", &[2, 257, 1, 33], NOT_COUNTED, "Number of rfork() calls"),
    row("vm.stats.vm.v_kthreads", &[2, 257, 1, 34], NOT_COUNTED, "Number of fork() calls by kernel"),
    row("vm.stats.vm.v_forkpages", &[2, 257, 1, 35], NOT_COUNTED, "VM pages affected by fork()"),
    row("vm.stats.vm.v_vforkpages", &[2, 257, 1, 36], NOT_COUNTED, "VM pages affected by vfork()"),
    row("vm.stats.vm.v_rforkpages", &[2, 257, 1, 37], NOT_COUNTED, "VM pages affected by rfork()"),
    row("vm.stats.vm.v_kthreadpages", &[2, 257, 1, 38], NOT_COUNTED, "VM pages affected by fork() by kernel"),
    row("vm.stats.vm.v_free_reserved", &[2, 257, 1, 39], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Pages reserved for deadlock"),
    row("vm.stats.vm.v_free_target", &[2, 257, 1, 40], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Pages desired free"),
    row("vm.stats.vm.v_free_min", &[2, 257, 1, 41], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Minimum low-free-pages threshold"),
    row("vm.stats.vm.v_inactive_target", &[2, 257, 1, 42], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Desired inactive pages"),
    row("vm.stats.vm.v_pageout_free_min", &[2, 257, 1, 43], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Min pages reserved for kernel"),
    row("vm.stats.vm.v_interrupt_free_min", &[2, 257, 1, 44], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Reserved pages for interrupt code"),
    row("vm.stats.vm.v_free_severe", &[2, 257, 1, 45], Uint(|_| host_number("/proc/sys/vm/min_free_kbytes") * 1024 / PAGE_SIZE as i64), "Severe page depletion point"),
    row("vm.stats.vm.v_user_wire_count", &[2, 257, 1, 46], Ulong(|_| pages("Mlocked")), "User-wired virtual memory"),
    row("vm.stats.sys.v_swtch", &[2, 257, 2, 1], Counter(|_| stat("ctxt")), "Context switches"),
    row("vm.stats.sys.v_intr", &[2, 257, 2, 2], Counter(|_| stat("intr")), "Device interrupts"),
    row("vm.stats.sys.v_soft", &[2, 257, 2, 3], Counter(|_| stat("softirq")), "Software interrupts"),
    row("vm.stats.sys.v_trap", &[2, 257, 2, 4], NOT_COUNTED, "Traps"),
    row("vm.stats.sys.v_syscall", &[2, 257, 2, 5], NOT_COUNTED, "System calls"),
    row("vm.kmem_size", &[2, 259], Ulong(physical), "Size of kernel memory"),
    row("vfs.usermount", &[3, 256], Int(|_| 0), "Unprivileged users may mount and unmount file systems"),
    row("vfs.conflist", &[3, 262], List("S,xvfsconf", |c, _| Ok(mounts::kinds(c))), "Kinds of file systems"),
    row("vfs.aio.enable_unsafe", &[3, 258, 1], Int(|_| 0), "Permit asynchronous IO on all file types, not just known-safe types"),
    row("vfs.aio.max_aio_procs", &[3, 258, 2], Int(|_| 32), "Threads for asynchronous IO at most"),
    row("vfs.aio.num_aio_procs", &[3, 258, 3], Int(|c| aio::counts(c).1 as i64), "Threads for asynchronous IO that there are"),
    row("vfs.aio.target_aio_procs", &[3, 258, 4], Int(|_| 4), "Threads for asynchronous IO that are kept ready"),
    row("vfs.aio.max_aio_queue", &[3, 258, 5], Int(|_| 1024), "Asynchronous IO requests of all processes at most"),
    row("vfs.aio.num_queue_count", &[3, 258, 6], Int(|c| aio::counts(c).0 as i64), "Asynchronous IO requests that there are"),
    row("vfs.aio.num_buf_aio", &[3, 258, 7], Int(|_| 0), "Asynchronous IO requests of raw devices"),
    row("vfs.aio.aiod_lifetime", &[3, 258, 8], Int(|_| 30), "How long a thread for asynchronous IO waits for work"),
    row("vfs.aio.max_aio_per_proc", &[3, 258, 9], Int(|_| 32), "Asynchronous IO requests of a process that are under way, at most"),
    row("vfs.aio.max_aio_queue_per_proc", &[3, 258, 10], Int(|_| aio::MOST as i64), "Asynchronous IO requests of a process at most"),
    row("vfs.aio.max_buf_aio", &[3, 258, 11], Int(|_| 16), "Asynchronous IO requests of raw devices of a process at most"),
    row("vfs.cache.nchstats", &[3, 259, 1], Struct("LU", |c| longs(c, &[0; 8])), "VFS cache effectiveness statistics: the host does not count"),
    row("vfs.numvnodes", &[3, 260], LongValue(|_| host_number("/proc/sys/fs/inode-nr")), "Number of vnodes in existence"),
    row("vfs.freevnodes", &[3, 261], LongValue(|_| second_number("/proc/sys/fs/inode-nr")), "Number of \"free\" vnodes"),
    row("vfs.numdirtybuffers", &[3, 264], Int(|_| pages("Dirty")), "Number of buffers that are dirty (has unwritten changes) at the moment"),
    row("vfs.bufspace", &[3, 257], LongValue(|c| memory("Buffers").min(physical(c))), "Physical memory used for buffers"),
    row("net.local.stream.pcblist", &[4, 1, 1, 258], Table("S,xunpcb", |c| sockets::local(c, 1)), "List of active local stream sockets"),
    row("net.local.dgram.pcblist", &[4, 1, 2, 257], Table("S,xunpcb", |c| sockets::local(c, 2)), "List of active local datagram sockets"),
    row("net.local.seqpacket.pcblist", &[4, 1, 5, 256], Table("S,xunpcb", |c| sockets::local(c, 5)), "List of active local seqpacket sockets"),
    row("net.local.stream.recvspace", &[4, 1, 1, 256], Ulong(|_| 8192), "Default stream receive space."),
    row("net.local.stream.sendspace", &[4, 1, 1, 257], Ulong(|_| 8192), "Default stream send space."),
    row("net.local.dgram.maxdgram", &[4, 1, 2, 256], Ulong(|_| 2048), "Maximum datagram size."),
    row("net.inet.ip.forwarding", &[4, 2, 0, 1], Int(|_| host_number("/proc/sys/net/ipv4/ip_forward")), "Enable IP forwarding between interfaces"),
    row("net.inet.ip.ttl", &[4, 2, 0, 3], Int(|_| host_number("/proc/sys/net/ipv4/ip_default_ttl")), "Maximum TTL on IP packets"),
    row("net.inet.ip.portrange.first", &[4, 2, 0, 256, 1], Int(|_| 10_000), "First port for local ports"),
    row("net.inet.ip.portrange.last", &[4, 2, 0, 256, 2], Int(|_| 65_535), "Last port for local ports"),
    row("net.inet.ip.portrange.hifirst", &[4, 2, 0, 256, 3], Int(|_| 49_152), "First port in the high range"),
    row("net.inet.ip.portrange.hilast", &[4, 2, 0, 256, 4], Int(|_| 65_535), "Last port in the high range"),
    row("net.inet.ip.portrange.lowfirst", &[4, 2, 0, 256, 5], Int(|_| 1023), "First port in the low range"),
    row("net.inet.ip.portrange.lowlast", &[4, 2, 0, 256, 6], Int(|_| 600), "Last port in the low range"),
    row("net.inet.ip.portrange.reservedhigh", &[4, 2, 0, 256, 7], Int(|_| 1023), "Last port that needs a privilege"),
    row("net.inet.tcp.sendspace", &[4, 2, 6, 8], Int(|_| 32_768), "Initial send socket buffer size"),
    row("net.inet.tcp.recvspace", &[4, 2, 6, 9], Int(|_| 65_536), "Initial receive socket buffer size"),
    row("net.inet.ip.stats", &[4, 2, 0, 11], Counters("S,ipstat", statistics::ip), "IP statistics (struct ipstat, netinet/ip_var.h)"),
    row("net.inet.icmp.maskrepl", &[4, 2, 1, 1], Int(|_| 0), "Reply to ICMP Address Mask Request packets"),
    row("net.inet.icmp.stats", &[4, 2, 1, 2], Counters("S,icmpstat", statistics::icmp), "ICMP statistics (struct icmpstat, netinet/icmp_var.h)"),
    row("net.inet.tcp.stats", &[4, 2, 6, 4], Counters("S,tcpstat", statistics::tcp), "TCP statistics (struct tcpstat, netinet/tcp_var.h)"),
    row("net.inet.tcp.states", &[4, 2, 6, 256], Struct("S,uint64_t[11]", statistics::tcp_states), "TCP connection counts by TCP state"),
    row("net.inet.udp.stats", &[4, 2, 17, 2], Counters("S,udpstat", statistics::udp), "UDP statistics (struct udpstat, netinet/udp_var.h)"),
    row("net.inet.tcp.pcblist", &[4, 2, 6, 11], Table("S,xtcpcb", sockets::tcp), "List of active TCP connections"),
    row("net.inet.udp.pcblist", &[4, 2, 17, 5], Table("S,xinpcb", |c| sockets::datagrams(c, Listed::Udp)), "List of active UDP sockets"),
    row("net.inet.raw.pcblist", &[4, 2, 255, 5], Table("S,xinpcb", |c| sockets::datagrams(c, Listed::Raw)), "List of active raw IP sockets"),
    row("net.inet.udp.maxdgram", &[4, 2, 17, 3], Ulong(|_| 9216), "Maximum outgoing UDP datagram size"),
    row("net.routetable", &[4, 17], List("S,rt_msghdr", crate::os::freebsd::route::list), "Return route tables and interface/address lists"),
    row("net.fibs", &[4, 256], Uint(|_| 1), "set number of fibs"),
    row("net.my_fibnum", &[4, 257], Int(|_| 0), "default FIB of caller"),
    row("net.inet6.ip6.v6only", &[4, 28, 41, 24], Int(|_| host_number("/proc/sys/net/ipv6/bindv6only")), "Restrict AF_INET6 sockets to IPv6 addresses only"),
    row("debug.debugger_on_panic", &[5, 256], Int(|_| 0), "Run debugger on kernel panic"),
    row("hw.machine", &[6, 1], Text(|c| text(isa_of(c.thread).machine)), "Machine class"),
    row("hw.model", &[6, 2], Text(|c| text(isa_of(c.thread).machine_arch)), "Machine model"),
    row("hw.ncpu", &[6, 3], Int(|_| cpus()), "Number of active CPUs"),
    row("hw.byteorder", &[6, 4], Int(|c| if c.abi.abi.endian == crate::abi::Endian::Little { 1234 } else { 4321 }), "System byte order"),
    row("hw.physmem", &[6, 5], Ulong(physical), "Amount of physical memory (in bytes)"),
    row("hw.usermem", &[6, 6], Ulong(physical), "Amount of memory (in bytes) which is not wired"),
    row("hw.pagesize", &[6, 7], Int(|_| PAGE_SIZE as i64), "System memory page size"),
    row("hw.floatingpoint", &[6, 10], Int(|_| 1), "CPU has floating point"),
    row("hw.machine_arch", &[6, 11], Text(|c| text(isa_of(c.thread).machine_arch)), "System architecture"),
    row("hw.realmem", &[6, 12], Ulong(physical), "Amount of memory (in bytes) reported by the firmware"),
    row("hw.intrnames", &[6, 258], Struct("S,intrnames", |_| machine::interrupt_names()), "Interrupt Names"),
    row("hw.intrcnt", &[6, 259], Struct("LU", |c| longs(c, &machine::interrupt_counts())), "Interrupt Counts"),
    row("hw.pagesizes", &[6, 256], Struct("LU", |c| longs(c, &[PAGE_SIZE as i64])), "Supported page sizes"),
    row("hw.availpages", &[6, 257], Ulong(|c| physical(c) / PAGE_SIZE as i64), "Amount of physical memory (in pages)"),
    row("user.cs_path", &[8, 1], Text(|_| text("/rescue:/usr/bin:/bin:/usr/sbin:/sbin")), "PATH that finds all the standard utilities"),
    row("user.bc_base_max", &[8, 2], Int(|_| 99), "Max ibase/obase values in bc(1)"),
    row("user.bc_dim_max", &[8, 3], Int(|_| 2048), "Max array size in bc(1)"),
    row("user.bc_scale_max", &[8, 4], Int(|_| 99), "Max scale value in bc(1)"),
    row("user.bc_string_max", &[8, 5], Int(|_| 1000), "Max string length in bc(1)"),
    row("user.coll_weights_max", &[8, 6], Int(|_| 10), "Maximum number of weights assigned to an LC_COLLATE locale entry"),
    row("user.expr_nest_max", &[8, 7], Int(|_| 32), "Maximum expressions nested in expr(1)"),
    row("user.line_max", &[8, 8], Int(|_| 2048), "Max length (bytes) of a text-processing utility's input line"),
    row("user.re_dup_max", &[8, 9], Int(|_| 255), "Maximum number of repeats of a regexp permitted"),
    row("user.posix2_version", &[8, 10], Int(|_| 199_212), "The version of POSIX 1003.2 with which the system attempts to comply"),
    row("user.posix2_c_bind", &[8, 11], Int(|_| 1), "Whether C development supports the C bindings option"),
    row("user.posix2_c_dev", &[8, 12], Int(|_| 1), "Whether system supports the C development utilities option"),
    row("user.stream_max", &[8, 19], Int(|_| 20), "Min Maximum number of streams a process may have open at one time"),
    row("user.tzname_max", &[8, 20], Int(|_| 255), "Min Maximum number of types supported for timezone names"),
    row("user.localbase", &[8, 21], Text(|_| text("/usr/local")), "Prefix used to install and locate add-on packages"),
    row("p1003_1b.asynchronous_io", &[9, 1], Int(|_| 200_112), "POSIX.1b asynchronous I/O"),
    row("p1003_1b.mapped_files", &[9, 2], Int(|_| 200_112), "POSIX.1b mapped files"),
    row("p1003_1b.memlock", &[9, 3], Int(|_| 200_112), "POSIX.1b memlock"),
    row("p1003_1b.memlock_range", &[9, 4], Int(|_| 200_112), "POSIX.1b memlock range"),
    row("p1003_1b.memory_protection", &[9, 5], Int(|_| 200_112), "POSIX.1b memory protection"),
    row("p1003_1b.message_passing", &[9, 6], Int(|_| 200_112), "POSIX.1b message passing"),
    row("p1003_1b.prioritized_io", &[9, 7], Int(|_| 0), "POSIX.1b prioritized I/O"),
    row("p1003_1b.priority_scheduling", &[9, 8], Int(|_| 200_112), "POSIX.1b priority scheduling"),
    row("p1003_1b.realtime_signals", &[9, 9], Int(|_| 200_112), "POSIX.1b realtime signals"),
    row("p1003_1b.semaphores", &[9, 10], Int(|_| 200_112), "POSIX.1b semaphores"),
    row("p1003_1b.fsync", &[9, 11], Int(|_| 200_112), "POSIX.1b fsync"),
    row("p1003_1b.shared_memory_objects", &[9, 12], Int(|_| 200_112), "POSIX.1b shared memory objects"),
    row("p1003_1b.synchronized_io", &[9, 13], Int(|_| 0), "POSIX.1b synchronized I/O"),
    row("p1003_1b.timers", &[9, 14], Int(|_| 200_112), "POSIX.1b timers"),
    row("p1003_1b.aio_listio_max", &[9, 15], Int(|_| aio::MOST as i64), "Requests of one lio_listio at most"),
    row("p1003_1b.aio_max", &[9, 16], Int(|_| 1024), "Asynchronous IO requests at most"),
    row("p1003_1b.aio_prio_delta_max", &[9, 17], Int(|_| 0), "How far the priority of a request can be lowered"),
    row("p1003_1b.delaytimer_max", &[9, 18], Int(|_| 2_147_483_647), "Overruns of a timer at most"),
    row("p1003_1b.mq_open_max", &[9, 19], Int(|_| 8), "Open message queues at most"),
    row("p1003_1b.pagesize", &[9, 20], Int(|_| PAGE_SIZE as i64), "Page size"),
    row("p1003_1b.rtsig_max", &[9, 21], Int(|_| 62), "Number of realtime signals"),
    row("p1003_1b.sem_nsems_max", &[9, 22], Int(|_| 2_147_483_647), "Semaphores at most"),
    row("p1003_1b.sem_value_max", &[9, 23], Int(|_| 0x7fff_ffff), "Largest value of a semaphore"),
    row("p1003_1b.sigqueue_max", &[9, 24], Int(|_| 128), "Queued signals at most"),
    row("p1003_1b.timer_max", &[9, 25], Int(|_| 32), "Timers at most"),
    row("security.jail.jailed", &[256, 1, 1], Int(|_| 0), "Process in jail?"),
    row("security.jail.vnet", &[256, 1, 2], Int(|_| 0), "Jail owns vnet?"),
    // Parameters of jails: their types; the value of one that has a length is this. One that says how a group of them is
    // shared has no name of its own, and the number behind the group's, by which libjail finds it.
    row("security.jail.param.jid", &[256, 1, 3, 1], Int(|_| 0), "Jail ID"),
    row("security.jail.param.parent", &[256, 1, 3, 2], Int(|_| 0), "Jail parent ID"),
    row("security.jail.param.name", &[256, 1, 3, 3], Text(|_| text("256")), "Jail name"),
    row("security.jail.param.path", &[256, 1, 3, 4], Text(|_| text("1024")), "Jail root path"),
    row("security.jail.param.securelevel", &[256, 1, 3, 5], Int(|_| 0), "Jail secure level"),
    row("security.jail.param.osreldate", &[256, 1, 3, 6], Int(|_| 0), "Jail value for kern.osreldate and uname -K"),
    row("security.jail.param.osrelease", &[256, 1, 3, 7], Text(|_| text("32")), "Jail value for kern.osrelease and uname -r"),
    row("security.jail.param.enforce_statfs", &[256, 1, 3, 8], Int(|_| 0), "Jail cannot see all mounted file systems"),
    row("security.jail.param.devfs_ruleset", &[256, 1, 3, 9], Int(|_| 0), "Ruleset for in-jail devfs mounts"),
    row("security.jail.param.persist", &[256, 1, 3, 10], Meaning("B", |_| 0), "Jail persistence"),
    row("security.jail.param.dying", &[256, 1, 3, 11], Meaning("B", |_| 0), "Jail is in the process of shutting down"),
    row("security.jail.param.cpuset.id", &[256, 1, 3, 12, 1], Int(|_| 0), "Jail cpuset ID"),
    row("security.jail.param.host.", &[256, 1, 3, 13, 14], Meaning("E,jailsys", |_| 0), "Jail host info"),
    row("security.jail.param.host.hostname", &[256, 1, 3, 13, 2], Text(|_| text("256")), "Jail hostname"),
    row("security.jail.param.host.domainname", &[256, 1, 3, 13, 3], Text(|_| text("256")), "Jail NIS domainname"),
    row("security.jail.param.host.hostuuid", &[256, 1, 3, 13, 4], Text(|_| text("64")), "Jail host UUID"),
    row("security.jail.param.host.hostid", &[256, 1, 3, 13, 5], Ulong(|_| 0), "Jail host ID"),
    row("security.jail.param.children.cur", &[256, 1, 3, 14, 1], Int(|_| 0), "Current number of child jails"),
    row("security.jail.param.children.max", &[256, 1, 3, 14, 2], Int(|_| 0), "Maximum number of child jails"),
    row("security.jail.param.ip4.", &[256, 1, 3, 15, 16], Meaning("E,jailsys", |_| 0), "Jail IPv4 address virtualization"),
    row("security.jail.param.ip4.addr", &[256, 1, 3, 15, 2], Struct("S,in_addr,a", |_| vec![0; 4]), "Jail IPv4 addresses"),
    row("security.jail.param.ip6.", &[256, 1, 3, 16, 17], Meaning("E,jailsys", |_| 0), "Jail IPv6 address virtualization"),
    row("security.jail.param.ip6.addr", &[256, 1, 3, 16, 2], Struct("S,in6_addr,a", |_| vec![0; 16]), "Jail IPv6 addresses"),
    row("security.bsd.see_other_uids", &[256, 2, 1], Int(|_| 1), "Unprivileged processes may see subjects/objects with different real uid"),
    row("security.bsd.see_other_gids", &[256, 2, 2], Int(|_| 1), "Unprivileged processes may see subjects/objects with different real gid"),
    row("security.bsd.unprivileged_proc_debug", &[256, 2, 3], Int(|_| 1), "Unprivileged processes may use process debugging facilities"),
    row("security.bsd.hardlink_check_uid", &[256, 2, 4], Int(|_| 0), "Unprivileged processes cannot create hard links to files owned by other users"),
    row("security.bsd.map_at_zero", &[256, 2, 5], Int(|_| 0), "Permit processes to map an object at virtual address 0."),
];
