//! `sysctl`: one table of nodes; lookup by name and by number, conversion to the guest's word size and order.
//!
//! Numbers of nodes that FreeBSD numbers itself (`CTL_AUTO_START` and up) are the table's own: programs ask for them by name.
//! Source: `sys/sysctl.h`, sysctl(3).

use crate::abi::{Errno, Kind, SysResult};
use crate::mem::PAGE_SIZE;
use crate::os::Call;
use crate::os::freebsd;

/// What a node holds.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `int`, `unsigned`
    Int(fn(&Call<'_>) -> i64),
    /// `long`, `unsigned long`
    Long(fn(&Call<'_>) -> i64),
    /// 64 bits.
    Wide(fn(&Call<'_>) -> i64),
    /// A string.
    Text(fn(&Call<'_>) -> Vec<u8>),
    /// Bytes in the guest's layout.
    Bytes(fn(&Call<'_>) -> Vec<u8>),
    /// Random bytes, as many as are asked for.
    Random,
    /// What the rest of the number asks for.
    List(fn(&Call<'_>, &[i32]) -> SysResult<Vec<u8>>),
    /// Something of a process, whose id follows in the number.
    Process(fn(&Call<'_>, i32) -> SysResult<Vec<u8>>),
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Dotted name.
    pub name: &'static str,
    /// Its number.
    pub mib: &'static [i32],
    /// What is there.
    pub value: Value,
}

const fn node(name: &'static str, mib: &'static [i32], value: Value) -> Node {
    Node { name, mib, value }
}

fn text(s: &str) -> Vec<u8> {
    s.as_bytes().to_vec()
}

fn cpus() -> i64 {
    std::thread::available_parallelism().map_or(1, |n| n.get() as i64)
}

/// A line of `/proc/meminfo`, in bytes.
fn memory(field: &str) -> i64 {
    let info = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|l| l.strip_prefix(field));
    let kb = line.and_then(|l| {
        l.trim_start_matches(':')
            .split_whitespace()
            .next()?
            .parse::<i64>()
            .ok()
    });
    kb.unwrap_or(0) << 10
}

/// Physical memory, no more than the guest can count.
fn physical(call: &Call<'_>) -> i64 {
    let all = memory("MemTotal");
    if call.abi.abi.is_32bit() {
        all.min(0x7fff_f000)
    } else {
        all
    }
}

fn host_file(path: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap_or_default();
    while bytes.last() == Some(&b'\n') {
        bytes.pop();
    }
    bytes
}

fn release(call: &Call<'_>) -> String {
    match (
        &call.thread.process.config.uname_release,
        freebsd::of(call.thread),
    ) {
        (Some(release), _) => release.clone(),
        (None, Some(os)) => os.release(),
        (None, None) => String::new(),
    }
}

fn release_date(call: &Call<'_>) -> i64 {
    freebsd::of(call.thread).map_or(0, |os| os.release_date().into())
}

fn stack_top(call: &Call<'_>) -> i64 {
    call.mem().limit() as i64 & !(PAGE_SIZE as i64 - 1)
}

/// `struct ps_strings` is at the very top of the stack.
fn ps_strings(call: &Call<'_>) -> i64 {
    stack_top(call) - 4 * i64::from(call.abi.abi.word)
}

fn longs(call: &Call<'_>, values: &[i64]) -> Vec<u8> {
    let size = Kind::Long.size(call.abi);
    let mut out = vec![0; values.len() * size];
    for (v, to) in values.iter().zip(out.chunks_mut(size)) {
        crate::abi::write_int(call.abi, Kind::Long, to, *v as u64);
    }
    out
}

fn boot_time(call: &Call<'_>) -> Vec<u8> {
    let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
    let at = stat
        .lines()
        .find_map(|l| l.strip_prefix("btime ")?.parse::<i64>().ok());
    longs(call, &[at.unwrap_or(0), 0])
}

/// `struct loadavg`: three fixed-point numbers and their scale (`sys/resource.h`).
fn load_average(call: &Call<'_>) -> Vec<u8> {
    const SCALE: i64 = 2048;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let mut out = Vec::new();
    for n in load.split_whitespace().take(3) {
        let fixed = (n.parse::<f64>().unwrap_or(0.0) * SCALE as f64) as u64;
        let mut word = [0; 4];
        crate::abi::write_int(call.abi, Kind::U32, &mut word, fixed);
        out.extend(word);
    }
    out.resize(if call.abi.abi.is_32bit() { 12 } else { 16 }, 0);
    out.extend(longs(call, &[SCALE]));
    out
}

/// Only the process itself is known as a guest.
fn own(pid: i32) -> SysResult<()> {
    if pid == -1 || pid == 0 || pid == crate::host::pid() {
        Ok(())
    } else {
        Err(Errno::ESRCH)
    }
}

fn own_path(call: &Call<'_>, pid: i32) -> SysResult<Vec<u8>> {
    use std::os::unix::ffi::OsStrExt;
    own(pid)?;
    let mut path = call.thread.process.exe.as_os_str().as_bytes().to_vec();
    path.push(0);
    Ok(path)
}

fn guest_bytes(call: &Call<'_>, (start, end): (u64, u64)) -> SysResult<Vec<u8>> {
    call.read_bytes(start, end.saturating_sub(start))
}

fn own_args(call: &Call<'_>, pid: i32) -> SysResult<Vec<u8>> {
    own(pid)?;
    let image = call.thread.process.image().ok_or(Errno::ESRCH)?;
    guest_bytes(call, image.args)
}

fn own_env(call: &Call<'_>, pid: i32) -> SysResult<Vec<u8>> {
    own(pid)?;
    let image = call.thread.process.image().ok_or(Errno::ESRCH)?;
    guest_bytes(call, image.env)
}

fn own_auxv(call: &Call<'_>, pid: i32) -> SysResult<Vec<u8>> {
    own(pid)?;
    Ok(call
        .thread
        .process
        .image()
        .ok_or(Errno::ESRCH)?
        .auxv
        .clone())
}

fn own_release_date(call: &Call<'_>, pid: i32) -> SysResult<Vec<u8>> {
    own(pid)?;
    let mut out = vec![0; 4];
    crate::abi::write_int(call.abi, Kind::I32, &mut out, release_date(call) as u64);
    Ok(out)
}

use Value::{Bytes, Int, List, Long, Process, Random, Text, Wide};

/// Every node that answers.
#[rustfmt::skip]
pub static NODES: &[Node] = &[
    node("kern.ostype", &[1, 1], Text(|_| text("FreeBSD"))),
    node("kern.osrelease", &[1, 2], Text(|c| release(c).into_bytes())),
    node("kern.osrevision", &[1, 3], Int(|_| 199_506)),
    node("kern.version", &[1, 4], Text(|c| format!("FreeBSD {} GENERIC\n", release(c)).into_bytes())),
    node("kern.maxproc", &[1, 6], Int(|_| 32768)),
    node("kern.maxfiles", &[1, 7], Int(|_| 1 << 20)),
    node("kern.argmax", &[1, 8], Int(|_| 524_288)),
    node("kern.securelevel", &[1, 9], Int(|_| -1)),
    node("kern.hostname", &[1, 10], Text(|_| host_file("/proc/sys/kernel/hostname"))),
    node("kern.hostid", &[1, 11], Long(|_| 0)),
    node("kern.posix1version", &[1, 17], Int(|_| 200_112)),
    node("kern.ngroups", &[1, 18], Int(|_| 1023)),
    node("kern.job_control", &[1, 19], Int(|_| 1)),
    node("kern.saved_ids", &[1, 20], Int(|_| 1)),
    node("kern.boottime", &[1, 21], Bytes(boot_time)),
    node("kern.domainname", &[1, 22], Text(|_| Vec::new())),
    node("kern.osreldate", &[1, 24], Int(release_date)),
    node("kern.bootfile", &[1, 26], Text(|_| text("/boot/kernel/kernel"))),
    node("kern.maxfilesperproc", &[1, 27], Int(|_| 1 << 20)),
    node("kern.maxprocperuid", &[1, 28], Int(|_| 32768)),
    node("kern.ps_strings", &[1, 32], Long(ps_strings)),
    node("kern.usrstack", &[1, 33], Long(stack_top)),
    node("kern.iov_max", &[1, 35], Int(|_| 1024)),
    node("kern.hostuuid", &[1, 36], Text(|_| text("00000000-0000-0000-0000-000000000000"))),
    node("kern.arandom", &[1, 37], Random),
    node("kern.proc.args", &[1, 14, 7], Process(own_args)),
    node("kern.proc.pathname", &[1, 14, 12], Process(own_path)),
    node("kern.proc.env", &[1, 14, 35], Process(own_env)),
    node("kern.proc.auxv", &[1, 14, 36], Process(own_auxv)),
    node("kern.proc.osrel", &[1, 14, 40], Process(own_release_date)),
    node("kern.smp.maxcpus", &[1, 256, 1], Int(|_| 256)),
    node("kern.smp.maxid", &[1, 256, 2], Int(|_| cpus() - 1)),
    node("kern.smp.active", &[1, 256, 3], Int(|_| (cpus() > 1).into())),
    node("kern.smp.cpus", &[1, 256, 4], Int(|_| cpus())),
    node("kern.sched.cpusetsize", &[1, 257, 1], Int(|_| 32)),
    node("kern.ipc.soacceptqueue", &[1, 258, 1], Int(|_| 128)),
    node("kern.ipc.somaxconn", &[1, 258, 2], Int(|_| 128)),
    node("kern.ipc.maxsockbuf", &[1, 258, 3], Long(|_| 2 << 20)),
    node("kern.stackprot", &[1, 259], Int(|_| 3)),
    node("kern.logsigexit", &[1, 260], Int(|_| 0)),
    node("kern.pid_max", &[1, 261], Int(|_| 4_194_304)),
    node("kern.features.posix_shm", &[1, 262, 1], Int(|_| 1)),
    node("kern.conftxt", &[1, 263], Text(|_| Vec::new())),
    node("vm.loadavg", &[2, 2], Bytes(load_average)),
    node("vm.overcommit", &[2, 12], Int(|_| 0)),
    node("vm.swap_total", &[2, 256], Wide(|_| memory("SwapTotal"))),
    node("vm.stats.vm.v_page_size", &[2, 257, 1, 1], Int(|_| PAGE_SIZE as i64)),
    node("vm.stats.vm.v_page_count", &[2, 257, 1, 2], Int(|c| physical(c) / PAGE_SIZE as i64)),
    node("vm.stats.vm.v_free_count", &[2, 257, 1, 3], Int(|_| memory("MemFree") / PAGE_SIZE as i64)),
    node("vfs.usermount", &[3, 256], Int(|_| 0)),
    node("net.inet.ip.portrange.first", &[4, 2, 0, 256, 1], Int(|_| 10_000)),
    node("net.inet.ip.portrange.last", &[4, 2, 0, 256, 2], Int(|_| 65_535)),
    node("net.route", &[4, 17], List(freebsd::route::list)),
    node("hw.machine", &[6, 1], Text(|c| text(freebsd::isa_of(c.thread).machine))),
    node("hw.model", &[6, 2], Text(|c| text(freebsd::isa_of(c.thread).machine_arch))),
    node("hw.ncpu", &[6, 3], Int(|_| cpus())),
    node("hw.byteorder", &[6, 4], Int(|c| if c.abi.abi.endian == crate::abi::Endian::Little { 1234 } else { 4321 })),
    node("hw.physmem", &[6, 5], Long(physical)),
    node("hw.usermem", &[6, 6], Long(physical)),
    node("hw.pagesize", &[6, 7], Int(|_| PAGE_SIZE as i64)),
    node("hw.floatingpoint", &[6, 10], Int(|_| 1)),
    node("hw.machine_arch", &[6, 11], Text(|c| text(freebsd::isa_of(c.thread).machine_arch))),
    node("hw.realmem", &[6, 12], Long(physical)),
    node("hw.pagesizes", &[6, 256], Bytes(|c| longs(c, &[PAGE_SIZE as i64]))),
    node("hw.availpages", &[6, 257], Long(|c| physical(c) / PAGE_SIZE as i64)),
    node("user.cs_path", &[8, 1], Text(|_| text("/rescue:/usr/bin:/bin:/usr/sbin:/sbin"))),
    node("p1003_1b.pagesize", &[9, 6], Int(|_| PAGE_SIZE as i64)),
    node("security.jail.jailed", &[14, 1, 1], Int(|_| 0)),
];

/// Numbers of a name at most (`CTL_MAXNAME`).
const MOST_NUMBERS: u64 = 24;
/// Length of a name at most (`MAXPATHLEN`).
const LONGEST_NAME: u64 = 1024;

/// Where the caller wants the value, and how much room there is.
struct Old {
    at: u64,
    len_at: u64,
}

/// Hands a value over: all of it, or what fits and ENOMEM; only the size if there is no buffer.
fn give(call: &Call<'_>, old: &Old, bytes: &[u8]) -> SysResult {
    if old.len_at == 0 {
        return Ok(0);
    }
    let room = call.read_int(old.len_at, Kind::Ulong)?;
    let given = if old.at == 0 {
        bytes
    } else {
        &bytes[..bytes.len().min(room as usize)]
    };
    if old.at != 0 {
        call.write_bytes(old.at, given)?;
    }
    call.write_int(old.len_at, Kind::Ulong, given.len() as u64)?;
    if given.len() < bytes.len() {
        return Err(Errno::ENOMEM);
    }
    Ok(0)
}

fn value(call: &mut Call<'_>, node: &Node, rest: &[i32], old: &Old) -> SysResult<Vec<u8>> {
    let int = |kind: Kind, v: i64| {
        let mut out = vec![0; kind.size(call.abi)];
        crate::abi::write_int(call.abi, kind, &mut out, v as u64);
        out
    };
    if !matches!(node.value, Process(_) | List(_)) && !rest.is_empty() {
        return Err(Errno::ENOENT);
    }
    Ok(match node.value {
        Int(f) => int(Kind::I32, f(call)),
        Long(f) => int(Kind::Long, f(call)),
        Wide(f) => int(Kind::I64, f(call)),
        Text(f) => {
            let mut text = f(call);
            text.push(0);
            text
        }
        Bytes(f) => f(call),
        Random => {
            let wanted = if old.len_at == 0 {
                0
            } else {
                call.read_int(old.len_at, Kind::Ulong)?
            };
            let mut bytes = vec![0; wanted.min(256) as usize];
            call.thread.random(&mut bytes);
            bytes
        }
        List(f) => f(call, rest)?,
        Process(f) => match rest {
            [pid] => f(call, *pid)?,
            _ => return Err(Errno::EINVAL),
        },
    })
}

/// The node that a number begins with, and the rest of the number.
fn by_mib(mib: &[i32]) -> Option<(&'static Node, &[i32])> {
    NODES
        .iter()
        .filter_map(|n| Some((n, mib.strip_prefix(n.mib)?)))
        .max_by_key(|(n, _)| n.mib.len())
}

fn by_node_name(name: &str) -> Option<&'static Node> {
    NODES.iter().find(|n| n.name == name)
}

fn ints(call: &Call<'_>, numbers: &[i32]) -> Vec<u8> {
    let mut out = vec![0; numbers.len() * 4];
    for (n, to) in numbers.iter().zip(out.chunks_mut(4)) {
        crate::abi::write_int(call.abi, Kind::I32, to, *n as u64);
    }
    out
}

/// Reports a node that is not there, with what the caller wanted.
fn unknown(call: &Call<'_>, what: &str, old: &Old, new: u64) -> Errno {
    let room = match old.len_at {
        0 => 0,
        at => call.read_int(at, Kind::Ulong).unwrap_or(0),
    };
    let how = if new != 0 { "to be set" } else { "to be read" };
    call.unimplemented(&format!("sysctl {what}, {how}, room for {room} bytes"));
    Errno::ENOENT
}

fn answer(call: &mut Call<'_>, node: &Node, rest: &[i32], old: &Old, new: u64) -> SysResult {
    if new != 0 {
        call.unimplemented(&format!("sysctl {} to be set", node.name));
        return Err(Errno::EPERM);
    }
    let bytes = value(call, node, rest, old)?;
    give(call, old, &bytes)
}

/// `__sysctl`
pub fn by_number(call: &mut Call<'_>) -> SysResult {
    let count = call.arg(1);
    if !(2..=MOST_NUMBERS).contains(&count) {
        return Err(Errno::EINVAL);
    }
    let mut mib = Vec::new();
    for n in 0..count {
        mib.push(call.read_int(call.arg(0) + 4 * n, Kind::I32)? as i32);
    }
    let old = Old {
        at: call.arg(2),
        len_at: call.arg(3),
    };
    let new = call.arg(4);
    if mib[0] == 0 {
        return about(call, &mib[1..], &old);
    }
    match by_mib(&mib) {
        Some((node, rest)) => answer(call, node, rest, &old, new),
        None => {
            let dotted: Vec<String> = mib.iter().map(i32::to_string).collect();
            Err(unknown(call, &dotted.join("."), &old, new))
        }
    }
}

/// `__sysctlbyname`
pub fn by_name(call: &mut Call<'_>) -> SysResult {
    let old = Old {
        at: call.arg(2),
        len_at: call.arg(3),
    };
    let (at, len) = (call.arg(0), call.arg(1));
    let name = read_name(call, at, len)?;
    match by_node_name(&name) {
        Some(node) => answer(call, node, &[], &old, call.arg(4)),
        None => Err(unknown(call, &name, &old, call.arg(4))),
    }
}

fn read_name(call: &Call<'_>, at: u64, len: u64) -> SysResult<String> {
    if len == 0 || len >= LONGEST_NAME {
        return Err(Errno::ENOENT);
    }
    let bytes = call.read_bytes(at, len)?;
    let name = bytes.split(|&b| b == 0).next().unwrap_or_default();
    Ok(String::from_utf8_lossy(name).into_owned())
}

/// Nodes below 0 tell of others (`sysctl(3)`, `kern_sysctl.c`): name, next, number of a name, format, description.
fn about(call: &mut Call<'_>, mib: &[i32], old: &Old) -> SysResult {
    const NAME: i32 = 1;
    const NEXT: i32 = 2;
    const NAME2OID: i32 = 3;
    const OIDFMT: i32 = 4;
    const OIDDESCR: i32 = 5;
    const NEXTNOSKIP: i32 = 7;
    let (question, mib) = (mib[0], &mib[1..]);
    match question {
        NAME2OID => {
            let name = read_name(call, call.arg(4), call.arg(5))?;
            let found = by_node_name(&name).map(|n| n.mib);
            // A node above those that answer has a number, too.
            let above = || {
                let prefix = format!("{name}.");
                let below = NODES.iter().find(|n| n.name.starts_with(&prefix))?;
                Some(&below.mib[..name.split('.').count().min(below.mib.len())])
            };
            match found.or_else(above) {
                Some(mib) => {
                    let bytes = ints(call, mib);
                    give(call, old, &bytes)
                }
                None => {
                    call.unimplemented(&format!("sysctl {name}"));
                    Err(Errno::ENOENT)
                }
            }
        }
        NAME => {
            let name = match by_mib(mib) {
                Some((node, rest)) => rest
                    .iter()
                    .fold(node.name.to_owned(), |all, n| format!("{all}.{n}")),
                None => mib.iter().map(i32::to_string).collect::<Vec<_>>().join("."),
            };
            give(call, old, &[name.as_bytes(), &[0]].concat())
        }
        NEXT | NEXTNOSKIP => {
            let next = NODES.iter().map(|n| n.mib).filter(|n| *n > mib).min();
            let bytes = ints(call, next.ok_or(Errno::ENOENT)?);
            give(call, old, &bytes)
        }
        OIDFMT => {
            let (node, _) = by_mib(mib).ok_or(Errno::ENOENT)?;
            // CTLTYPE and CTLFLAG_RD, then the format.
            const READ: i64 = 0x8000_0000;
            let (kind, format) = match node.value {
                Int(_) => (2, "I"),
                Text(_) => (3, "A"),
                Wide(_) => (4, "Q"),
                Long(_) => (7, "L"),
                List(_) => (1, ""),
                Process(_) => (1, "N"),
                Bytes(_) | Random => (5, "S"),
            };
            let mut bytes = ints(call, &[(READ | kind) as i32]);
            bytes.extend(format.as_bytes());
            bytes.push(0);
            give(call, old, &bytes)
        }
        OIDDESCR => give(call, old, &[0]),
        _ => Err(Errno::ENOENT),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_are_unique_and_in_step() {
        for (n, node) in NODES.iter().enumerate() {
            assert_eq!(
                node.name.split('.').count(),
                node.mib.len(),
                "{}",
                node.name
            );
            for other in &NODES[n + 1..] {
                assert!(
                    node.name != other.name && node.mib != other.mib,
                    "{}",
                    node.name
                );
            }
        }
    }

    #[test]
    fn a_number_with_more_finds_its_node() {
        let (node, rest) = by_mib(&[1, 14, 12, -1]).expect("kern.proc.pathname");
        assert_eq!((node.name, rest), ("kern.proc.pathname", &[-1][..]));
        assert!(by_mib(&[1, 999]).is_none());
    }
}
