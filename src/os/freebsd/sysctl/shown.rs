//! Values of `sysctl` as traces show them: by the format of their node.

use super::{by_mib, by_node_name, records, shown};
use crate::abi::{Kind, Show, read_int};
use crate::os::{ArgType, Dir, Len, View};

/// How values are shown.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Format {
    /// As the node says.
    Node(&'static str),
    /// The number of a node.
    Number,
    /// A type and the text of a format.
    Type,
}

/// Names are longer than any number of a node.
const MOST: u64 = 24;

fn number(v: &dyn View, at: u64, count: u64) -> Option<Vec<i32>> {
    let bytes = v.bytes(at, 4 * count.min(MOST) as usize)?;
    let words = bytes.chunks_exact(4);
    Some(
        words
            .map(|b| read_int(v.abi(), Kind::I32, b) as i32)
            .collect(),
    )
}

/// Formats of the old value and of the new one.
fn formats(mib: &[i32]) -> Option<[Format; 2]> {
    Some(match mib {
        // Questions about nodes: `about` answers them.
        [0, 1 | 5, ..] => [Format::Node("A"); 2],
        [0, 2 | 7, ..] => [Format::Number; 2],
        [0, 3, ..] => [Format::Number, Format::Node("A")],
        [0, 4, ..] => [Format::Type; 2],
        _ => [Format::Node(by_mib(mib)?.0.value.format().1); 2],
    })
}

fn by_number(v: &dyn View) -> Option<[Format; 2]> {
    formats(&number(v, v.arg(0), v.arg(1))?)
}

fn by_name(v: &dyn View) -> Option<[Format; 2]> {
    let bytes = v.bytes(v.arg(0), v.arg(1).min(256) as usize)?;
    let name = bytes.split(|b| *b == 0).next()?;
    let node = by_node_name(std::str::from_utf8(name).ok()?)?;
    formats(node.mib)
}

/// The old value of `__sysctl`.
pub fn old(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    value(
        v,
        by_number(v).map(|f| f[0]),
        at,
        v.int(v.arg(3), Kind::Ulong)?,
    )
}

/// The new value of `__sysctl`.
pub fn new(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    value(v, by_number(v).map(|f| f[1]), at, v.arg(5))
}

/// The old value of `__sysctlbyname`.
pub fn old_by_name(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    value(
        v,
        by_name(v).map(|f| f[0]),
        at,
        v.int(v.arg(3), Kind::Ulong)?,
    )
}

/// The new value of `__sysctlbyname`.
pub fn new_by_name(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    value(v, by_name(v).map(|f| f[1]), at, v.arg(5))
}

fn value(v: &dyn View, format: Option<Format>, at: u64, len: u64) -> Option<String> {
    let kind = match format {
        Some(Format::Number) => {
            let mib = number(v, at, len / 4)?;
            return Some(match shown(&mib) {
                Some(name) => format!("[{name}]"),
                None => format!("{mib:?}"),
            });
        }
        Some(Format::Type) if len > 4 => {
            let kind = v.int(at, Kind::U32)?;
            return Some(format!(
                "{{kind={kind:#x}, fmt={}}}",
                text(v, at + 4, len - 4)?
            ));
        }
        Some(Format::Node("A")) => return text(v, at, len),
        Some(Format::Node("I")) => Kind::I32,
        Some(Format::Node("IU")) => Kind::U32,
        Some(Format::Node("L")) => Kind::Long,
        Some(Format::Node("LU")) => Kind::Ulong,
        Some(Format::Node("Q")) => Kind::I64,
        Some(Format::Node("QU")) => Kind::U64,
        Some(Format::Node(format)) => {
            let shape = records::shape(format);
            return shape.map_or_else(|| v.buffer(at, len), |shape| shape.shown(v, at, len));
        }
        _ => return v.buffer(at, len),
    };
    let count = len / kind.size(v.abi()) as u64;
    if count == 1 {
        return Some(v.value(kind, Show::Dec, kind.extend(v.abi(), v.int(at, kind)?)));
    }
    v.shown(
        ArgType::Ints(Dir::In, kind, Show::Dec, Len::Const(count as u32)),
        at,
        None,
    )
}

/// Text without the NUL that ends it; several, as of arguments, in brackets.
fn text(v: &dyn View, at: u64, len: u64) -> Option<String> {
    const MOST: usize = 32;
    const LONGEST: u64 = 4096;
    let bytes = v.bytes(at, len.min(LONGEST) as usize)?;
    let text = bytes.strip_suffix(&[0]).unwrap_or(&bytes);
    if !text.contains(&0) {
        return v.buffer(at, len - u64::from(text.len() < bytes.len()));
    }
    let (mut parts, mut done) = (Vec::new(), 0);
    for part in text.split(|b| *b == 0) {
        if parts.len() == MOST {
            parts.push("...".to_owned());
            break;
        }
        parts.push(v.buffer(at + done, part.len() as u64)?);
        done += part.len() as u64 + 1;
    }
    Some(format!("[{}]", parts.join(", ")))
}
