//! Structures that the formats of nodes name, as traces show them: by the same declarations that their values are made of.

use super::ipc::{MsqidKernel, SemidKernel, ShmidKernel};
use super::machine::{Devstat, StreamHeader, UmaTypeHeader, Xswdev, Xtty};
use super::sockets::{Xinpcb, Xinpgen, Xtcpcb, Xunpcb, Xunpgen};
use super::statistics::{self, Field};
use crate::abi::{GuestStruct, Kind, Show, StructDesc};
use crate::os::freebsd::flags as f;
use crate::os::freebsd::procinfo::{
    KinfoFile, KinfoKstack, KinfoProc, KinfoSigtramp, KinfoSocket, KinfoVmentry, Xfile,
};
use crate::os::freebsd::route::decode::message;
use crate::os::freebsd::structs::{Clockinfo, Loadavg, Rlimit, Timeval, Vmtotal, Xvfsconf};
use crate::os::{ArgType, View};

/// Records that are shown: they are longer than the elements of other arrays.
const MOST: usize = 8;

/// Shows one record of so many bytes at most: its text and its length.
type Record = fn(v: &dyn View, at: u64, left: u64) -> Option<(String, u64)>;

/// How what a node holds is laid out.
#[derive(Clone, Copy)]
pub(super) enum Shape {
    /// One structure.
    One(&'static StructDesc),
    /// As many as there are.
    Structs(&'static StructDesc),
    /// Records whose length they say themselves.
    Records(Record),
    /// A word, then structures.
    Numbered(&'static StructDesc),
    /// One structure, then others.
    Headed(&'static StructDesc, &'static StructDesc),
    /// 64-bit counters; those that are 0 are not shown.
    Counters(&'static [Field]),
    /// A table in which structures stand at the place of their number; the others are 0.
    Places(&'static StructDesc),
}

/// The shape of a format, if it is more than bytes.
pub(super) fn shape(format: &str) -> Option<Shape> {
    Some(match format {
        "S,timeval" => Shape::One(Timeval::DESC),
        "S,clockinfo" => Shape::One(Clockinfo::DESC),
        "S,loadavg" => Shape::One(Loadavg::DESC),
        "S,vmtotal" => Shape::One(Vmtotal::DESC),
        "S,rlimit" => Shape::One(Rlimit::DESC),
        "S,sigtramp" => Shape::One(KinfoSigtramp::DESC),
        "S,xswdev" => Shape::One(Xswdev::DESC),
        "S,proc" => Shape::Structs(KinfoProc::DESC),
        "S,kinfo_kstack" => Shape::Structs(KinfoKstack::DESC),
        "S,xfile" => Shape::Structs(Xfile::DESC),
        "S,xtty" => Shape::Structs(Xtty::DESC),
        "S,xvfsconf" => Shape::Structs(Xvfsconf::DESC),
        "S,kinfo_vmentry" => Shape::Records(mapping),
        "S,kinfo_file" => Shape::Records(file),
        "S,auxv" => Shape::Records(auxiliary),
        "S,rt_msghdr" => Shape::Records(message),
        "S,xtcpcb" => {
            Shape::Records(|v, at, left| listed(v, at, left, Xinpgen::DESC, Xtcpcb::DESC))
        }
        "S,xinpcb" => {
            Shape::Records(|v, at, left| listed(v, at, left, Xinpgen::DESC, Xinpcb::DESC))
        }
        "S,xunpcb" => {
            Shape::Records(|v, at, left| listed(v, at, left, Xunpgen::DESC, Xunpcb::DESC))
        }
        "S,tcpstat" => Shape::Counters(statistics::TCP),
        "S,udpstat" => Shape::Counters(statistics::UDP),
        "S,ipstat" => Shape::Counters(statistics::IP),
        "S,devstat" => Shape::Numbered(Devstat::DESC),
        "S,struct uma_type_header" => Shape::Headed(StreamHeader::DESC, UmaTypeHeader::DESC),
        "S,malloc_type_ustats" => Shape::One(StreamHeader::DESC),
        "S,shmid_kernel" => Shape::Places(ShmidKernel::DESC),
        "S,semid_kernel" => Shape::Places(SemidKernel::DESC),
        "S,msqid_kernel" => Shape::Places(MsqidKernel::DESC),
        _ => return None,
    })
}

impl Shape {
    /// What is in so many bytes; a record that is not whole is not shown.
    pub(super) fn shown(self, v: &dyn View, at: u64, len: u64) -> Option<String> {
        let size = |desc: &StructDesc| desc.size(v.abi()) as u64;
        match self {
            // Counters that later releases have more of; a part of a structure is nothing.
            Shape::One(desc) if len < size(desc) => None,
            Shape::One(desc) => structure(v, at, desc),
            Shape::Structs(desc) => list(at, len, |at, left| record(v, at, left, desc)),
            Shape::Records(one) => list(at, len, |at, left| one(v, at, left)),
            Shape::Numbered(desc) => {
                let word = u64::from(v.abi().abi.word);
                let number = v.int(at, Kind::Long)?;
                let rest = list(at + word, len.checked_sub(word)?, |at, left| {
                    record(v, at, left, desc)
                })?;
                Some(format!("{{generation={number}, {rest}}}"))
            }
            Shape::Headed(head, desc) => {
                let rest = len.checked_sub(size(head))?;
                let shown = structure(v, at, head)?;
                let rest = list(at + size(head), rest, |at, left| record(v, at, left, desc))?;
                Some(format!("{{{shown}, {rest}}}"))
            }
            Shape::Counters(fields) => counters(v, at, len, fields),
            Shape::Places(desc) => places(v, at, len, desc),
        }
    }
}

fn structure(v: &dyn View, at: u64, desc: &StructDesc) -> Option<String> {
    let bytes = v.bytes(at, desc.size(v.abi()))?;
    Some(v.structure(desc, &bytes))
}

fn record(v: &dyn View, at: u64, left: u64, desc: &StructDesc) -> Option<(String, u64)> {
    let size = desc.size(v.abi()) as u64;
    (size <= left).then_some(())?;
    Some((structure(v, at, desc)?, size))
}

/// Records one behind the other, up to [`MOST`].
fn list(at: u64, len: u64, one: impl Fn(u64, u64) -> Option<(String, u64)>) -> Option<String> {
    let (mut parts, mut done) = (Vec::new(), 0);
    while done < len {
        let next = if parts.len() < MOST {
            one(at + done, len - done)
        } else {
            None
        };
        let Some((text, size)) = next.filter(|(_, size)| *size > 0) else {
            parts.push("...".to_owned());
            break;
        };
        parts.push(text);
        done += size;
    }
    Some(format!("[{}]", parts.join(", ")))
}

/// A structure between heads, each with its length in the first 64 bits.
fn listed(
    v: &dyn View,
    at: u64,
    left: u64,
    head: &StructDesc,
    desc: &StructDesc,
) -> Option<(String, u64)> {
    let len = v.int(at, Kind::U64)?;
    let desc = match len == head.size(v.abi()) as u64 {
        true => head,
        false => desc,
    };
    let (text, _) = record(v, at, left.min(len), desc)?;
    Some((text, len))
}

/// A structure with a path behind it, and its length in its first word.
fn with_path(
    v: &dyn View,
    at: u64,
    left: u64,
    desc: &StructDesc,
    name: &str,
) -> Option<(String, u64)> {
    let len = v.int(at, Kind::U32)?;
    let (text, size) = record(v, at, left.min(len), desc)?;
    let path = match size < len {
        true => v.shown(ArgType::Path, at + size, None)?,
        false => "\"\"".to_owned(),
    };
    let fields = text.strip_suffix('}')?;
    Some((format!("{fields}, {name}={path}}}"), len))
}

fn mapping(v: &dyn View, at: u64, left: u64) -> Option<(String, u64)> {
    with_path(v, at, left, KinfoVmentry::DESC, "kve_path")
}

fn file(v: &dyn View, at: u64, left: u64) -> Option<(String, u64)> {
    const SOCKET: u64 = 2;
    let desc = match v.int(at + 4, Kind::I32)? {
        SOCKET => KinfoSocket::DESC,
        _ => KinfoFile::DESC,
    };
    with_path(v, at, left, desc, "kf_path")
}

/// An entry of the auxiliary vector: `AT_ENTRY=0x10000`.
fn auxiliary(v: &dyn View, at: u64, left: u64) -> Option<(String, u64)> {
    let word = u64::from(v.abi().abi.word);
    (2 * word <= left).then_some(())?;
    let name = v.value(Kind::Ulong, Show::Flags(&f::AUX), v.int(at, Kind::Ulong)?);
    let value = v.value(Kind::Ulong, Show::Hex, v.int(at + word, Kind::Ulong)?);
    Some((format!("{name}={value}"), 2 * word))
}

/// Counters by name, without those that are 0.
fn counters(v: &dyn View, at: u64, len: u64, fields: &[Field]) -> Option<String> {
    let mut parts = Vec::new();
    for ((name, _), n) in fields.iter().zip(0..len / 8) {
        match v.int(at + 8 * n, Kind::U64)? {
            0 => {}
            count => parts.push(format!("{name}={count}")),
        }
    }
    Some(format!("{{{}}}", parts.join(", ")))
}

/// Those that are there, by their place.
fn places(v: &dyn View, at: u64, len: u64, desc: &StructDesc) -> Option<String> {
    const LONGEST: u64 = 1 << 24;
    let size = desc.size(v.abi());
    let bytes = v.bytes(at, len.min(LONGEST) as usize)?;
    let used = bytes.chunks_exact(size).enumerate();
    let used = used.filter(|(_, record)| record.iter().any(|b| *b != 0));
    let mut parts: Vec<String> = used
        .take(MOST + 1)
        .map(|(n, record)| format!("[{n}] = {}", v.structure(desc, record)))
        .collect();
    if parts.len() > MOST {
        parts[MOST] = "...".to_owned();
    }
    Some(format!("[{}]", parts.join(", ")))
}
