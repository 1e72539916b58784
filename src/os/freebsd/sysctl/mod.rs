//! `sysctl`: one table of nodes; lookup by name and by number, conversion to the guest's word size and order.
//!
//! Numbers of nodes that FreeBSD numbers itself (`CTL_AUTO_START` and up) are the table's own: programs ask for them by name.
//! Source: `sys/sysctl.h`, sysctl(3).

mod ipc;
mod machine;
mod nodes;
mod process;
mod records;
pub(super) mod shown;
mod sockets;
mod statistics;

pub use nodes::NODES;

use crate::abi::{Errno, GuestStruct, Kind, SysResult};
use crate::os::Call;

/// What a node holds.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `int`
    Int(fn(&Call<'_>) -> i64),
    /// `unsigned int`
    Uint(fn(&Call<'_>) -> i64),
    /// `bool`
    Bool(fn(&Call<'_>) -> bool),
    /// `long`
    Long(fn(&Call<'_>) -> i64),
    /// `unsigned long`
    Ulong(fn(&Call<'_>) -> i64),
    /// 64 bits.
    Wide(fn(&Call<'_>) -> i64),
    /// 64 bits, or 32 where there is room for these alone: programs built for FreeBSD 11 have no more (`vm_meter.c`).
    Counter(fn(&Call<'_>) -> i64),
    /// A string.
    Text(fn(&Call<'_>) -> Vec<u8>),
    /// Bytes in the guest's layout, with their format.
    Struct(&'static str, fn(&Call<'_>) -> Vec<u8>),
    /// Records in the guest's layout, with the format of one: as many as there are just now.
    Table(&'static str, fn(&Call<'_>) -> SysResult<Vec<u8>>),
    /// Counters in the guest's layout: as many as there is room for, the last ones 0 (later releases have more).
    Counters(&'static str, fn(&Call<'_>) -> Vec<u8>),
    /// An `int`, with a format that says what it means.
    Meaning(&'static str, fn(&Call<'_>) -> i64),
    /// Random bytes, as many as are asked for.
    Random,
    /// What the rest of the number asks for, with its format.
    List(&'static str, fn(&Call<'_>, &[i32]) -> SysResult<Vec<u8>>),
    /// A string that the new value asks for, with its format; `None` if there is none.
    Ask(&'static str, fn(&Call<'_>, &[u8]) -> Option<Vec<u8>>),
}

impl Value {
    /// Its type (`CTLTYPE_*`) and format, as `sysctl` the program goes by them (`sys/sysctl.h`).
    pub fn format(&self) -> (u32, &'static str) {
        match self {
            Int(_) => (2, "I"),
            Uint(_) => (6, "IU"),
            Bool(_) => (0xa, "CU"),
            Text(_) => (3, "A"),
            Wide(_) | Counter(_) => (9, "QU"),
            Long(_) => (7, "L"),
            Ulong(_) => (8, "LU"),
            Random => (5, "S,random"),
            Struct("LU", _) => (8, "LU"),
            Table("A", _) => (3, "A"),
            Struct(format, _) | Table(format, _) | Counters(format, _) => (5, format),
            Meaning(format, _) => (2, format),
            // They have no value under their own number.
            List(format, _) => (1, format),
            Ask(format, _) => (5, format),
        }
    }
}

/// A node.
#[derive(Debug)]
pub struct Node {
    /// Dotted name.
    pub name: &'static str,
    /// Its number.
    pub mib: &'static [i32],
    /// What is there. None can be set.
    pub value: Value,
    /// What it is, in words.
    pub description: &'static str,
}

use Value::{
    Ask, Bool, Counter, Counters, Int, List, Long, Meaning, Random, Struct, Table, Text, Uint,
    Ulong, Wide,
};

/// Numbers of a name at most (`CTL_MAXNAME`).
const MOST_NUMBERS: u64 = 24;
/// Bytes by which a table is said to be longer than it is, with one eighth of it.
const ROOM_TO_GROW: usize = 4096;
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

/// The new value, which asks for something.
fn asked(call: &Call<'_>) -> SysResult<Vec<u8>> {
    const MOST: u64 = 1024;
    let (at, len) = (call.arg(4), call.arg(5));
    if at == 0 || len > MOST {
        return Err(Errno::EINVAL);
    }
    call.read_bytes(at, len)
}

fn value(call: &mut Call<'_>, node: &Node, rest: &[i32], old: &Old) -> SysResult<Vec<u8>> {
    let int = |kind: Kind, v: i64| {
        let mut out = vec![0; kind.size(call.abi)];
        crate::abi::write_int(call.abi, kind, &mut out, v as u64);
        out
    };
    let with_nul = |mut text: Vec<u8>| {
        text.push(0);
        text
    };
    if !matches!(node.value, List(..)) && !rest.is_empty() {
        return Err(Errno::ENOENT);
    }
    Ok(match node.value {
        Int(f) | Uint(f) | Meaning(_, f) => int(Kind::I32, f(call)),
        Bool(f) => int(Kind::U8, f(call).into()),
        Long(f) | Ulong(f) => int(Kind::Long, f(call)),
        Wide(f) => int(Kind::I64, f(call)),
        Counter(f) => {
            let room = match (old.at, old.len_at) {
                (0, _) | (_, 0) => 8,
                (_, at) => call.read_int(at, Kind::Ulong)?,
            };
            int(if room == 4 { Kind::U32 } else { Kind::I64 }, f(call))
        }
        Text(f) => with_nul(f(call)),
        Struct(_, f) => f(call),
        Counters(_, f) => {
            const LONGEST: u64 = 4096;
            let mut bytes = f(call);
            if old.at != 0 && old.len_at != 0 {
                let room = call.read_int(old.len_at, Kind::Ulong)?;
                bytes.resize(room.min(LONGEST) as usize, 0);
            }
            bytes
        }
        Table(_, f) => {
            let mut bytes = f(call)?;
            // Asked for the size alone, the kernel leaves room for what may come until it is asked again.
            if old.at == 0 {
                bytes.resize(bytes.len() + bytes.len() / 8 + ROOM_TO_GROW, 0);
            }
            bytes
        }
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
        List(_, f) => f(call, rest)?,
        Ask(_, f) => with_nul(f(call, &asked(call)?).ok_or(Errno::ENOENT)?),
    })
}

/// The node that a number begins with, and the rest of the number.
fn by_mib(mib: &[i32]) -> Option<(&'static Node, &[i32])> {
    NODES
        .iter()
        .filter_map(|n| Some((n, mib.strip_prefix(n.mib)?)))
        .max_by_key(|(n, _)| n.mib.len())
}

/// The node with the least number above this one.
fn next(mib: &[i32]) -> Option<&'static Node> {
    NODES.iter().filter(|n| n.mib > mib).min_by_key(|n| n.mib)
}

fn by_node_name(name: &str) -> Option<&'static Node> {
    NODES.iter().find(|n| n.name == name)
}

fn ints(call: &Call<'_>, numbers: &[i32]) -> Vec<u8> {
    crate::abi::ints(call.abi, Kind::I32, numbers.iter().map(|n| *n as u64))
}

/// The name of a number, if it has one: that of its node and the rest of the number.
pub fn name_of(mib: &[i32]) -> Option<String> {
    let (node, rest) = by_mib(mib)?;
    let name = node.name.to_owned();
    Some(rest.iter().fold(name, |all, n| format!("{all}.{n}")))
}

/// A number as traces show it: its name, with the question in front where it asks about another ("sysctl.next kern.ostype").
pub fn shown(mib: &[i32]) -> Option<String> {
    let [0, question, of @ ..] = mib else {
        return name_of(mib);
    };
    let question = match question {
        0 => "debug",
        1 => "name",
        2 => "next",
        3 => "name2oid",
        4 => "oidfmt",
        5 => "oiddescr",
        7 => "nextnoskip",
        _ => return None,
    };
    let dotted = || of.iter().map(i32::to_string).collect::<Vec<_>>().join(".");
    let of = name_of(of).unwrap_or_else(dotted);
    Some(format!("sysctl.{question} {of}").trim_end().to_owned())
}

/// Nodes of parts that a kernel can be without, and this one is: that they are not there is their answer.
const ABSENT: &[&str] = &[
    "kstat.zfs.misc.arcstats.size",
    "machdep.smp_active",
    "net.inet.divert.pcblist",
    "net.inet.sctp.assoclist",
    "net.inet.sctp.stats",
    "net.inet.sdp.pcblist",
    "net.local.raw.pcblist",
    "net.local.rdm.pcblist",
    "vfs.nfs.nfsstats",
    "vfs.zfs.compressed_arc_enabled",
];

/// Reports a node that is not there, with what the caller wanted.
fn unknown(call: &Call<'_>, what: &str, old: &Old, new: u64) -> Errno {
    if ABSENT.contains(&what) {
        return Errno::ENOENT;
    }
    let room = match old.len_at {
        0 => 0,
        at => call.read_int(at, Kind::Ulong).unwrap_or(0),
    };
    let how = if new != 0 { "to be set" } else { "to be read" };
    call.unimplemented(&format!("{what} {how}, room for {room} bytes"));
    Errno::ENOENT
}

/// Bytes of a structure of which no field is checked.
fn bytes_of<T: GuestStruct>(call: &Call<'_>, value: &T) -> Vec<u8> {
    value.write(call.abi).unwrap_or_default()
}

/// Nodes that may be read in capability mode (CTLFLAG_CAPRD), besides those of features and of POSIX.
const READABLE_IN_CAPABILITY_MODE: &[&str] = &[
    "kern.arandom",
    "kern.argmax",
    "kern.domainname",
    "kern.hostid",
    "kern.hostname",
    "kern.hostuuid",
    "kern.job_control",
    "kern.maxphys",
    "kern.ngroups",
    "kern.osreldate",
    "kern.osrelease",
    "kern.osrevision",
    "kern.ostype",
    "kern.posix1version",
    "kern.proc.nfds",
    "kern.ps_strings",
    "kern.saved_ids",
    "kern.sched.cpusetsize",
    "kern.smp.cores",
    "kern.smp.cpus",
    "kern.smp.disabled",
    "kern.smp.maxcpus",
    "kern.smp.maxid",
    "kern.smp.threads_per_core",
    "kern.usrstack",
    "hw.byteorder",
    "hw.ncpu",
    "hw.pagesize",
];

fn is_readable_in_capability_mode(node: &Node) -> bool {
    READABLE_IN_CAPABILITY_MODE.contains(&node.name)
        || node.name.starts_with("kern.features.")
        || node.name.starts_with("p1003_1b.")
}

fn answer(call: &mut Call<'_>, node: &Node, rest: &[i32], old: &Old, new: u64) -> SysResult {
    if crate::os::freebsd::sys::capsicum::in_mode(call)
        && (new != 0 || !is_readable_in_capability_mode(node))
    {
        return Err(Errno::EPERM);
    }
    if new != 0 && !matches!(node.value, Ask(..)) {
        call.unimplemented(&format!("{} to be set", node.name));
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
        mib.push(call.read_int(call.arg(0).wrapping_add(4 * n), Kind::I32)? as i32);
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
                    if !ABSENT.contains(&&name[..]) {
                        call.unimplemented(&format!("number of {name}"));
                    }
                    Err(Errno::ENOENT)
                }
            }
        }
        NAME => {
            let name = name_of(mib)
                .unwrap_or_else(|| mib.iter().map(i32::to_string).collect::<Vec<_>>().join("."));
            give(call, old, &[name.as_bytes(), &[0]].concat())
        }
        NEXT | NEXTNOSKIP => {
            let next = next(mib).ok_or(Errno::ENOENT)?;
            let bytes = ints(call, next.mib);
            give(call, old, &bytes)
        }
        OIDFMT => {
            // CTLTYPE_* with CTLFLAG_RD and CTLFLAG_MPSAFE, then the format.
            const FLAGS: u32 = 0x8004_0000;
            // A node above those that answer has no value.
            const NODE: (u32, &str) = (1, "N");
            let is_above = || NODES.iter().any(|n| n.mib.starts_with(mib));
            let (kind, format) = match by_mib(mib) {
                Some((node, _)) => node.value.format(),
                None if is_above() => NODE,
                None => return Err(Errno::ENOENT),
            };
            let mut bytes = ints(call, &[(FLAGS | kind) as i32]);
            bytes.extend(format.as_bytes());
            bytes.push(0);
            give(call, old, &bytes)
        }
        OIDDESCR => {
            let (node, _) = by_mib(mib).ok_or(Errno::ENOENT)?;
            give(call, old, &[node.description.as_bytes(), &[0]].concat())
        }
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

    /// What `sysctl -a` goes through, from the first node to the last.
    #[test]
    fn the_next_node_leads_through_all_in_order() {
        let (mut at, mut seen) = (&[][..], 0);
        while let Some(node) = next(at) {
            assert!(node.mib > at, "{}", node.name);
            at = node.mib;
            seen += 1;
        }
        assert_eq!(seen, NODES.len());
        // From a number that has no node of its own, and behind one with an argument.
        assert_eq!(next(&[1]).map(|n| n.name), Some("kern.ostype"));
        assert_eq!(
            next(&[1, 14, 7, 99]).map(|n| n.name),
            Some("kern.proc.proc")
        );
    }

    #[test]
    fn numbers_are_shown_by_name() {
        assert_eq!(
            shown(&[1, 14, 12, -1]).as_deref(),
            Some("kern.proc.pathname.-1")
        );
        assert_eq!(shown(&[0, 3]).as_deref(), Some("sysctl.name2oid"));
        assert_eq!(
            shown(&[0, 2, 1, 1]).as_deref(),
            Some("sysctl.next kern.ostype")
        );
        assert_eq!(shown(&[77, 1]), None);
    }

    #[test]
    fn formats_and_descriptions_are_there() {
        /// CTLTYPE, the mask of all types.
        const TYPES: std::ops::RangeInclusive<u32> = 1..=0xf;
        for node in NODES {
            let (kind, format) = node.value.format();
            assert!(TYPES.contains(&kind) && !format.is_empty(), "{}", node.name);
            assert!(!node.description.is_empty(), "{}", node.name);
        }
    }

    #[test]
    fn a_number_with_more_finds_its_node() {
        let (node, rest) = by_mib(&[1, 14, 12, -1]).expect("kern.proc.pathname");
        assert_eq!((node.name, rest), ("kern.proc.pathname", &[-1][..]));
        assert!(by_mib(&[1, 999]).is_none());
    }
}
