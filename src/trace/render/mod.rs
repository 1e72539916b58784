//! Values, strings and structures as text, in the style of strace.

use std::fmt::Write;

mod signals;
mod sockets;

pub use signals::siginfo;
use signals::{signal_set, wait_status};

use super::signal_name;
use crate::abi::{
    Dialect, Endian, Errno, FlagChoice, Kind, OsAbi, Show, Signal, StructDesc, read_int,
};
use crate::mem::{AddressSpace, PAGE_SIZE};
use crate::os::{ArgType, Dir, Len, MAX_ARGS, Syscall, View, sigset_from_guest};

/// Bytes of a string or buffer that are shown, as strace's default.
const STRING_LIMIT: usize = 32;

/// Elements of an array that are shown.
const ARRAY_LIMIT: u64 = 32;

/// Where a renderer finds what arguments point to.
pub trait Memory {
    /// Fills `bytes` from guest address `addr`; false if it can't all be read.
    fn read(&self, addr: u64, bytes: &mut [u8]) -> bool;
}

impl Memory for AddressSpace {
    fn read(&self, addr: u64, bytes: &mut [u8]) -> bool {
        AddressSpace::read(self, addr, bytes).is_ok()
    }
}

/// No memory: pointers are shown as numbers.
pub struct NoMemory;

impl Memory for NoMemory {
    fn read(&self, _: u64, _: &mut [u8]) -> bool {
        false
    }
}

/// The arguments of one call, and where they point.
pub struct Render<'a> {
    mem: &'a dyn Memory,
    /// The guest's ABI.
    pub abi: OsAbi,
    row: &'static Syscall,
    args: [u64; MAX_ARGS],
}

impl View for Render<'_> {
    fn abi(&self) -> OsAbi {
        self.abi
    }

    fn arg(&self, n: usize) -> u64 {
        self.args[n]
    }

    fn bytes(&self, at: u64, len: usize) -> Option<Vec<u8>> {
        Render::bytes(self, at, len)
    }

    fn shown(&self, ty: ArgType, at: u64, returned: Option<u64>) -> Option<String> {
        self.pointee(ty, at, returned)
    }

    fn structure(&self, desc: &StructDesc, bytes: &[u8]) -> String {
        Render::structure(self, desc, bytes)
    }

    fn value(&self, kind: Kind, show: Show, value: u64) -> String {
        Render::value(self, kind, show, value)
    }
}

/// A string in quotes, cut after `limit` bytes.
pub fn quote(bytes: &[u8], limit: usize) -> String {
    let mut out = String::from("\"");
    let shown = &bytes[..bytes.len().min(limit)];
    for (i, &b) in shown.iter().enumerate() {
        match b {
            b'"' => out += "\\\"",
            b'\\' => out += "\\\\",
            b'\n' => out += "\\n",
            b'\t' => out += "\\t",
            b'\r' => out += "\\r",
            0x0b => out += "\\v",
            0x0c => out += "\\f",
            0x20..=0x7e => out.push(char::from(b)),
            _ => {
                // Octal, in full only if a digit follows.
                let digit = shown.get(i + 1).is_some_and(u8::is_ascii_digit);
                // Writing to a string cannot fail.
                let _ = if digit {
                    write!(out, "\\{b:03o}")
                } else {
                    write!(out, "\\{b:o}")
                };
            }
        }
    }
    out.push('"');
    if bytes.len() > limit {
        out += "...";
    }
    out
}

impl<'a> Render<'a> {
    /// For one call.
    pub fn new(
        mem: &'a dyn Memory,
        abi: OsAbi,
        row: &'static Syscall,
        args: [u64; MAX_ARGS],
    ) -> Render<'a> {
        Render {
            mem,
            abi,
            row,
            args,
        }
    }

    fn ty(&self, i: usize) -> ArgType {
        match self.row.args[i].ty {
            ArgType::By(resolve) => resolve(&self.args, self.abi),
            ty => ty,
        }
    }

    /// Which way an argument's memory goes; `None` for a plain value.
    pub fn direction(&self, i: usize) -> Option<Dir> {
        match self.ty(i) {
            ArgType::Buf(d, _)
            | ArgType::Ints(d, ..)
            | ArgType::Struct(d, _)
            | ArgType::Structs(d, ..)
            | ArgType::Iovec(d, _)
            | ArgType::SigSet(d, _)
            | ArgType::SigInfo(d)
            | ArgType::Sockaddr(d, _)
            | ArgType::Msghdr(d)
            | ArgType::Mmsghdrs(d, _)
            | ArgType::Decoded(d, _) => Some(d),
            ArgType::FdSet(_) => Some(Dir::InOut),
            _ => None,
        }
    }

    /// An argument as an address.
    pub fn address(&self, i: usize) -> String {
        pointer(self.args[i])
    }

    /// Argument `i`; `returned` is the call's result, if it is over. "" for one that the call does not have.
    pub fn argument(&self, i: usize, returned: Option<u64>) -> String {
        let value = self.args[i];
        let ty = self.ty(i);
        match ty {
            ArgType::Absent => return String::new(),
            ArgType::Value(kind, show) => return self.value(kind, show, value),
            ArgType::Wide(show) => return self.value(Kind::I64, show, value),
            ArgType::Named(name) => return name(&self.args),
            ArgType::Addr => return pointer(value),
            _ if value == 0 => return "NULL".to_owned(),
            _ => {}
        }
        self.pointee(ty, value, returned)
            .unwrap_or_else(|| pointer(value))
    }

    /// How many elements there are, after a call as many as it returned.
    fn count(&self, dir: Dir, len: Len, returned: Option<u64>) -> Option<u64> {
        Some(match len {
            Len::Const(n) => n.into(),
            Len::Arg(n) => {
                let n = self.args[usize::from(n)];
                match (dir, returned) {
                    (Dir::Out, Some(r)) => n.min(r),
                    _ => n,
                }
            }
            Len::Behind(n) => self.int(self.args[usize::from(n)], Kind::U32)?,
        })
    }

    fn bytes(&self, addr: u64, len: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; len];
        self.mem.read(addr, &mut bytes).then_some(bytes)
    }

    fn int(&self, addr: u64, kind: Kind) -> Option<u64> {
        Some(read_int(
            self.abi,
            kind,
            &self.bytes(addr, kind.size(self.abi))?,
        ))
    }

    /// What is at `addr`; `None` if it can't be read.
    fn pointee(&self, ty: ArgType, addr: u64, returned: Option<u64>) -> Option<String> {
        Some(match ty {
            ArgType::Path | ArgType::PathNew => self.string(addr, 4096)?,
            ArgType::Str => self.string(addr, STRING_LIMIT)?,
            ArgType::Strings => self.strings(addr)?,
            ArgType::Buf(dir, len) => {
                let n = self.count(dir, len, returned)?;
                self.buffer(addr, n)?
            }
            ArgType::Ints(dir, _, Show::Mib, len) => {
                let n = self.count(dir, len, returned)?;
                self.mib(addr, n)?
            }
            ArgType::Ints(dir, kind, show, len) => {
                let n = self.count(dir, len, returned)?;
                self.list(n, kind.size(self.abi) as u64, addr, |b| {
                    self.value(kind, show, read_int(self.abi, kind, b))
                })?
            }
            ArgType::Struct(_, desc) => {
                let bytes = self.bytes(addr, desc.size(self.abi))?;
                self.structure(desc, &bytes)
            }
            ArgType::Structs(dir, desc, len) => {
                let n = self.count(dir, len, returned)?;
                self.list(n, desc.size(self.abi) as u64, addr, |b| {
                    self.structure(desc, b)
                })?
            }
            ArgType::Iovec(dir, len) => {
                self.iovecs(addr, self.count(Dir::In, len, None)?, dir, returned)?
            }
            ArgType::SigSet(_, len) => {
                let n = self.count(Dir::In, len, None)?.min(16);
                self.signals(&self.bytes(addr, n as usize)?)
            }
            ArgType::Decoded(_, decode) => decode(self, addr, returned)?,
            ArgType::SigInfo(_) if self.abi.dialect == Dialect::FreeBsd => {
                use crate::os::freebsd::siginfo as own;
                let bytes = self.bytes(addr, own::size(self.abi))?;
                siginfo(&own::from_guest(self.abi, &bytes)?, self.abi)
            }
            ArgType::SigInfo(_) => {
                let bytes = self.bytes(addr, crate::os::linux::siginfo::SIZE)?;
                siginfo(
                    &crate::os::linux::siginfo::from_guest(self.abi, &bytes),
                    self.abi,
                )
            }
            ArgType::FdSet(len) => self.fd_set(addr, self.count(Dir::In, len, None)?)?,
            ArgType::Sockaddr(dir, len) => {
                let n = self.count(dir, len, None)?.min(128);
                self.sockaddr(&self.bytes(addr, n as usize)?)
            }
            ArgType::Msghdr(dir) => self.message(addr, dir, returned)?,
            ArgType::Mmsghdrs(dir, len) => {
                let n = self.count(dir, len, returned)?;
                let size = <crate::os::linux::structs::Mmsghdr as crate::abi::GuestStruct>::DESC
                    .size(self.abi) as u64;
                let each: Option<Vec<String>> = (0..n.min(ARRAY_LIMIT))
                    .map(|i| self.message(addr + i * size, dir, None))
                    .collect();
                format!("[{}]", each?.join(", "))
            }
            ArgType::Absent
            | ArgType::Value(..)
            | ArgType::Wide(_)
            | ArgType::By(_)
            | ArgType::Named(_)
            | ArgType::Addr => pointer(addr),
        })
    }

    fn string(&self, addr: u64, limit: usize) -> Option<String> {
        let mut text = Vec::new();
        while text.len() <= limit {
            // Up to the end of the page: what follows may not be there, nor needed.
            let at = addr + text.len() as u64;
            let n = (PAGE_SIZE - at % PAGE_SIZE).min((limit + 1 - text.len()) as u64);
            let piece = self.bytes(at, n as usize)?;
            match piece.iter().position(|&b| b == 0) {
                Some(end) => {
                    text.extend_from_slice(&piece[..end]);
                    break;
                }
                None => text.extend_from_slice(&piece),
            }
        }
        Some(quote(&text, limit))
    }

    fn buffer(&self, addr: u64, len: u64) -> Option<String> {
        let bytes = self.bytes(addr, len.min(STRING_LIMIT as u64 + 1) as usize)?;
        Some(quote(&bytes, STRING_LIMIT))
    }

    /// `argv`: every string, or their number if there are many.
    fn strings(&self, addr: u64) -> Option<String> {
        let word = u64::from(self.abi.abi.word);
        let mut parts = Vec::new();
        let mut n = 0;
        loop {
            let at = self.int(addr + n * word, Kind::Ulong)?;
            if at == 0 {
                break;
            }
            if n < ARRAY_LIMIT {
                parts.push(self.string(at, STRING_LIMIT)?);
            }
            n += 1;
            if n > 1 << 16 {
                return None;
            }
        }
        if n > ARRAY_LIMIT {
            return Some(format!("{} /* {n} strings */", pointer(addr)));
        }
        Some(format!("[{}]", parts.join(", ")))
    }

    fn list(&self, n: u64, size: u64, addr: u64, show: impl Fn(&[u8]) -> String) -> Option<String> {
        let shown = n.min(ARRAY_LIMIT);
        let bytes = self.bytes(addr, (shown * size) as usize)?;
        let mut parts: Vec<String> = bytes.chunks(size as usize).map(show).collect();
        if n > shown {
            parts.push("...".to_owned());
        }
        Some(format!("[{}]", parts.join(", ")))
    }

    fn iovecs(&self, addr: u64, n: u64, dir: Dir, returned: Option<u64>) -> Option<String> {
        let word = u64::from(self.abi.abi.word);
        let mut left = match dir {
            Dir::In => u64::MAX,
            _ => returned?,
        };
        let mut parts = Vec::new();
        for i in 0..n.min(ARRAY_LIMIT) {
            let base = self.int(addr + 2 * i * word, Kind::Ulong)?;
            let len = self.int(addr + (2 * i + 1) * word, Kind::Ulong)?;
            let used = len.min(left);
            left -= used;
            let shown = self.buffer(base, used).unwrap_or_else(|| pointer(base));
            parts.push(format!("{{iov_base={shown}, iov_len={len}}}"));
        }
        Some(format!("[{}]", parts.join(", ")))
    }

    fn fd_set(&self, addr: u64, n: u64) -> Option<String> {
        let word = u64::from(self.abi.abi.word);
        let n = n.min(1024);
        let mut bytes = self.bytes(addr, (n.div_ceil(8 * word) * word) as usize)?;
        if self.abi.abi.endian == Endian::Big {
            bytes
                .chunks_exact_mut(word as usize)
                .for_each(<[u8]>::reverse);
        }
        let fds: Vec<String> = (0..n as usize)
            .filter(|fd| bytes[fd / 8] >> (fd % 8) & 1 != 0)
            .map(|fd| fd.to_string())
            .collect();
        Some(format!("[{}]", fds.join(" ")))
    }

    /// A set of signals from its bytes: `[INT TERM]`, or `~[...]` for what is not in a full one.
    fn signals(&self, bytes: &[u8]) -> String {
        let mut bytes = bytes.to_vec();
        let word = usize::from(self.abi.abi.word);
        if self.abi.abi.endian == Endian::Big {
            bytes.chunks_exact_mut(word).for_each(<[u8]>::reverse);
        }
        let set = sigset_from_guest(self.abi.dialect, &bytes);
        let full = Signal::count(self.abi.dialect).min(bytes.len() as u32 * 8);
        signal_set(self.abi.dialect, set, full)
    }

    /// The fields of a structure, without those that are a detail.
    fn structure(&self, desc: &StructDesc, bytes: &[u8]) -> String {
        let mut parts = Vec::new();
        let mut more = false;
        for field in desc.fields {
            if field.name.starts_with('_') {
                continue;
            }
            if matches!(field.show, Show::Detail) {
                more = true;
                continue;
            }
            let Some((at, real)) = desc.offsets(self.abi).find(|(_, f)| f.name == field.name)
            else {
                continue;
            };
            let size = real.kind.size(self.abi);
            let raw = &bytes[at..at + size * usize::from(real.count)];
            let shown = match (field.show, real.kind, real.count) {
                (Show::FlagsBy(choice), kind, 1) => {
                    let value = read_int(self.abi, kind, raw);
                    let show = self.chosen(choice, desc, bytes);
                    self.value(kind, show, value)
                }
                (Show::Chars, ..) => {
                    let end = raw.iter().position(|&b| b == 0).unwrap_or(raw.len());
                    quote(&raw[..end], STRING_LIMIT)
                }
                (Show::Text, kind, 1) => {
                    let at = read_int(self.abi, kind, raw);
                    let text = if at == 0 {
                        None
                    } else {
                        self.string(at, STRING_LIMIT)
                    };
                    text.unwrap_or_else(|| pointer(at))
                }
                (Show::SignalSet, ..) => self.signals(raw),
                (Show::Sockaddr, ..) => self.sockaddr(raw),
                (Show::Port, ..) if raw.len() == 2 => {
                    u16::from_be_bytes([raw[0], raw[1]]).to_string()
                }
                (Show::Internet, ..) if raw.len() == 16 => sockets::internet(raw),
                (_, Kind::Struct(inner), _) => self.structure(inner, raw),
                (_, Kind::U8, 2..) => {
                    let each: Vec<String> = raw.iter().map(u8::to_string).collect();
                    format!("[{}]", each.join(", "))
                }
                (show, kind, 1) => self.field(kind, show, read_int(self.abi, kind, raw)),
                (show, kind, _) => {
                    let each: Vec<String> = raw
                        .chunks(size)
                        .map(|b| self.field(kind, show, read_int(self.abi, kind, b)))
                        .collect();
                    format!("[{}]", each.join(", "))
                }
            };
            parts.push(format!("{}={shown}", field.name));
        }
        if more {
            parts.push("...".to_owned());
        }
        format!("{{{}}}", parts.join(", "))
    }

    /// The meaning of flags that another field decides; bits where none is known.
    fn chosen(&self, choice: &FlagChoice, desc: &StructDesc, bytes: &[u8]) -> Show {
        let by = desc.offsets(self.abi).find(|(_, f)| f.name == choice.by);
        let by = by.map(|(at, f)| read_int(self.abi, f.kind, &bytes[at..]) as i64);
        let table = choice.tables.iter().find(|(value, _)| by == Some(*value));
        table.map_or(Show::Hex, |(_, table)| Show::Flags(table))
    }

    /// A sysctl's number: its name, and what is asked of it if the number is one of those that tell of others.
    fn mib(&self, addr: u64, count: u64) -> Option<String> {
        const MOST: u64 = 24;
        if count > MOST {
            return None;
        }
        let bytes = self.bytes(addr, count as usize * 4)?;
        let mib: Vec<i32> = bytes
            .chunks_exact(4)
            .map(|b| read_int(self.abi, Kind::I32, b) as i32)
            .collect();
        Some(match crate::os::freebsd::sysctl::shown(&mib) {
            Some(name) => format!("[{name}]"),
            None => format!("{mib:?}"),
        })
    }

    /// A field's value: modes have a file type there.
    fn field(&self, kind: Kind, show: Show, value: u64) -> String {
        match show {
            Show::Mode => file_mode(value),
            _ => self.value(kind, show, value),
        }
    }

    /// A value.
    pub fn value(&self, kind: Kind, show: Show, value: u64) -> String {
        let d = self.abi.dialect;
        let decimal = || {
            if kind.signed() {
                (value as i64).to_string()
            } else {
                value.to_string()
            }
        };
        let flags = |table: &crate::abi::FlagTable, value: u64| {
            let mut out = String::new();
            // Writing to a string cannot fail.
            let _ = table.write(&mut out, d, value);
            out
        };
        match show {
            Show::Hex => {
                if value == 0 {
                    "0".to_owned()
                } else {
                    format!("{value:#x}")
                }
            }
            Show::Addr => pointer(value),
            Show::Handler => match value {
                0 => "SIG_DFL".to_owned(),
                1 => "SIG_IGN".to_owned(),
                _ => pointer(value),
            },
            Show::DirFd if value as i32 == -100 => "AT_FDCWD".to_owned(),
            Show::Mode => format!("0{value:03o}"),
            Show::Dev => format!(
                "makedev({:#x}, {:#x})",
                value >> 8 & 0xfff,
                (value & 0xff) | (value >> 12 & 0xf_ff00)
            ),
            Show::WaitStatus => wait_status(d, value as u32),
            Show::Flags(table) => flags(table, value),
            Show::CloneFlags(table) => {
                let signal = value & 0xff;
                let mut out = flags(table, value & !0xff);
                if signal != 0 {
                    let name = signal_name(d, signal as u32);
                    out = if value & !0xff == 0 {
                        name
                    } else {
                        format!("{out}|{name}")
                    };
                }
                out
            }
            Show::Signal if value == 0 => "0".to_owned(),
            Show::Signal => signal_name(d, value as u32),
            Show::Errno if value == 0 => "0".to_owned(),
            Show::Errno => format!("{:?}", Errno::from_guest(d, value as u32)),
            Show::Rlim if Show::Rlim.convert(value, self.abi, OsAbi::HOST) == u64::MAX => {
                "RLIM_INFINITY".to_owned()
            }
            Show::Rlim64 if value == u64::MAX => "RLIM64_INFINITY".to_owned(),
            _ => decimal(),
        }
    }
}

fn pointer(value: u64) -> String {
    if value == 0 {
        "NULL".to_owned()
    } else {
        format!("{value:#x}")
    }
}

/// `S_IFREG|0644`
fn file_mode(mode: u64) -> String {
    let kind = match mode >> 12 & 15 {
        1 => "S_IFIFO|",
        2 => "S_IFCHR|",
        4 => "S_IFDIR|",
        6 => "S_IFBLK|",
        8 => "S_IFREG|",
        10 => "S_IFLNK|",
        12 => "S_IFSOCK|",
        _ => "",
    };
    format!("{kind}0{:03o}", mode & 0o7777)
}
