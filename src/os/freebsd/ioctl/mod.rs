//! `ioctl`: one table of requests. Those that the host can answer have handlers; the others are traced and reported by name.
//!
//! A request's number holds its direction, the length of what its argument points to, a group and a number within it
//! (`sys/ioccom.h`); so that even one which is not in the table is described.

mod argument;
mod device;
mod interface;
mod interface6;
mod named;
mod table;
mod termios;
mod tty;

use crate::abi::{Errno, Flag, FlagField, FlagTable, Kind, OsAbi, Show, SysResult};
use crate::os::{ADDR, ArgType, Call, Dir, Len};
use crate::process::Unimplemented;
use named::NAMED;
use table::TRANSLATED;

/// What carries a request out.
pub type Handler = fn(&mut Call<'_>) -> SysResult;

/// A request.
#[derive(Debug)]
pub struct Ioctl {
    /// Its name.
    pub name: &'static str,
    /// Its number where words have 64 bits.
    pub request: u32,
    /// Its number where they have 32: the length of a structure may differ.
    pub request_32: u32,
    /// C type of what the argument points to; "" if it points to nothing.
    pub pointee: &'static str,
    /// The argument, as far as its type is declared.
    pub arg: ArgType,
    /// How it is carried out, if it is.
    pub run: Option<Handler>,
}

/// A row for a request that is known by name.
const fn named(name: &'static str, request: u32, request_32: u32, pointee: &'static str) -> Ioctl {
    Ioctl {
        name,
        request,
        request_32,
        pointee,
        arg: ADDR,
        run: None,
    }
}

impl Ioctl {
    /// Its number in an ABI.
    pub fn number(&self, a: OsAbi) -> u32 {
        match a.abi.is_32bit() {
            true => self.request_32,
            false => self.request,
        }
    }
}

/// Every request, those that are carried out first.
pub fn rows() -> impl Iterator<Item = &'static Ioctl> {
    TRANSLATED.iter().chain(NAMED)
}

const COUNT: usize = TRANSLATED.len() + NAMED.len();

/// The names as constants of an enumeration.
const fn constants(is_32bit: bool) -> [Flag; COUNT] {
    let mut all = [const {
        Flag {
            name: "",
            host: 0,
            other: &[],
        }
    }; COUNT];
    let mut n = 0;
    while n < COUNT {
        let row = if n < TRANSLATED.len() {
            &TRANSLATED[n]
        } else {
            &NAMED[n - TRANSLATED.len()]
        };
        let number = if is_32bit {
            row.request_32
        } else {
            row.request
        };
        all[n] = Flag {
            name: row.name,
            host: number as u64,
            other: &[],
        };
        n += 1;
    }
    all
}

static CONSTANTS: [Flag; COUNT] = constants(false);
static CONSTANTS_32: [Flag; COUNT] = constants(true);

const fn names(values: &'static [Flag]) -> [FlagField; 1] {
    [FlagField {
        mask: 0xffff_ffff,
        values,
    }]
}

static FIELDS: [FlagField; 1] = names(&CONSTANTS);
static FIELDS_32: [FlagField; 1] = names(&CONSTANTS_32);

static NAMES: FlagTable = FlagTable {
    prefix: "IOC_",
    fields: &FIELDS,
    bits: &[],
    differs: &[],
};
static NAMES_32: FlagTable = FlagTable {
    prefix: "IOC_",
    fields: &FIELDS_32,
    bits: &[],
    differs: &[],
};

fn names_of(a: OsAbi) -> Show {
    Show::Flags(if a.abi.is_32bit() { &NAMES_32 } else { &NAMES })
}

/// The type of `ioctl`'s second argument: a name, or what its number says.
pub fn request(args: &[u64], a: OsAbi) -> ArgType {
    match find(a, args[1] as u32) {
        Some(_) => ArgType::Value(Kind::U32, names_of(a)),
        None => ArgType::Named(|args| composed(args[1] as u32)),
    }
}

/// The macro of `sys/ioccom.h` that composes such numbers.
fn macro_of(request: u32) -> Option<&'static str> {
    match request >> 29 {
        1 => Some("_IO"),
        2 => Some("_IOR"),
        4 => Some("_IOW"),
        6 => Some("_IOWR"),
        _ => None,
    }
}

/// A number as the macros of `sys/ioccom.h` compose it: `_IOWR('j', 7, 24 bytes)`.
fn composed(request: u32) -> String {
    let Some(name) = macro_of(request) else {
        return format!("{request:#x}");
    };
    let (group, number, len) = ((request >> 8) as u8, request & 0xff, request >> 16 & 0x1fff);
    let group = match group {
        b' '..=b'~' => format!("'{}'", char::from(group)),
        _ => format!("{group:#x}"),
    };
    match len {
        0 => format!("{name}({group}, {number})"),
        _ => format!("{name}({group}, {number}, {len} bytes)"),
    }
}

/// The type of the requests that a descriptor is limited to: as many as argument 2 says.
pub fn requests(dir: Dir, a: OsAbi) -> ArgType {
    ArgType::Ints(dir, Kind::Ulong, names_of(a), Len::Arg(2))
}

/// The type of its third.
pub fn argument(args: &[u64], a: OsAbi) -> ArgType {
    let request = args[1] as u32;
    match find(a, request) {
        Some(row) if row.run.is_some() => row.arg,
        Some(row) => argument::of(row, request),
        None => argument::direction(request).map_or(ADDR, |(dir, len)| argument::bytes(dir, len)),
    }
}

fn find(a: OsAbi, request: u32) -> Option<&'static Ioctl> {
    rows().find(|row| row.number(a) == request)
}

/// What the groups stand for.
const GROUPS: &[(u8, &str)] = &[
    (b'A', "audio, sys/soundcard.h"),
    (b'B', "packet filters, net/bpf.h"),
    (b'C', "capsicum or sound, sys/soundcard.h"),
    (b'D', "packet filter, net/pfvar.h"),
    (b'F', "frame buffers, sys/fbio.h"),
    (b'G', "general-purpose I/O, sys/gpio.h"),
    (b'H', "drives, sys/ata.h"),
    (b'K', "keyboards, sys/kbio.h"),
    (b'M', "mixers, sys/soundcard.h"),
    (b'P', "digital sound, sys/soundcard.h"),
    (b'Q', "sequencers, sys/soundcard.h"),
    (b'S', "SPI, sys/spigenio.h"),
    (b'W', "watchdogs, sys/watchdog.h"),
    (b'c', "consoles, sys/consio.h, or CD-ROMs, sys/cdio.h"),
    (b'd', "disks, sys/disk.h"),
    (b'f', "files, sys/filio.h"),
    (b'i', "network interfaces, sys/sockio.h"),
    (b'm', "tapes, sys/mtio.h"),
    (b'p', "PCI, sys/pciio.h"),
    (b'r', "multicast routing, sys/sockio.h"),
    (b's', "sockets, sys/sockio.h"),
    (b't', "terminals, sys/ttycom.h"),
];

/// Describes a request as far as its number tells.
fn describe(request: u32) -> String {
    let macro_name = macro_of(request).unwrap_or("no direction");
    let group = (request >> 8) as u8;
    let whose = GROUPS
        .iter()
        .find(|(g, _)| *g == group)
        .map_or(String::new(), |(_, whose)| format!(" ({whose})"));
    format!(
        "{request:#x}: {macro_name}, group '{}'{whose}, number {}, {} bytes",
        char::from(group).escape_default(),
        request & 0xff,
        request >> 16 & 0x1fff
    )
}

/// Reports a request that is not carried out: its name and structure, or what its number tells; with what the caller gives.
fn report(call: &Call<'_>, request: u32, row: Option<&Ioctl>) {
    const IN: u32 = 0x8000_0000;
    let size = u64::from(request >> 16 & 0x1fff);
    let what = match row {
        Some(row) if row.pointee.is_empty() => row.name.to_owned(),
        Some(row) => format!("{} ({})", row.name, row.pointee),
        None => describe(request),
    };
    let input = match request & IN {
        0 => Vec::new(),
        _ => call.peek(call.arg(2), size),
    };
    call.report_unimplemented(Unimplemented {
        what,
        size: (size != 0).then_some(size),
        input,
        ..Unimplemented::default()
    });
}

/// `ioctl`
pub fn control(call: &mut Call<'_>) -> SysResult {
    let request = call.arg(1) as u32;
    let row = find(call.abi, request);
    if let Some(run) = row.and_then(|row| row.run) {
        return run(call);
    }
    // A descriptor that is not open, whatever is asked.
    const F_GETFD: u64 = 1;
    let args = [call.arg(0), F_GETFD, 0, 0, 0, 0];
    call.host(crate::host::nr::SYS_fcntl, args)?;
    report(call, request, row);
    Err(Errno::ENOTTY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::AARCH64;
    use std::collections::HashSet;

    #[test]
    fn names_are_unique_and_what_is_carried_out_has_a_number_of_its_own() {
        let mut names = HashSet::new();
        for row in rows() {
            assert!(names.insert(row.name), "{}", row.name);
            assert!((1..=6).contains(&(row.request >> 29)), "{}", row.name);
            assert_eq!(
                row.request & 0xffff,
                row.request_32 & 0xffff,
                "{}",
                row.name
            );
        }
        let mut numbers = HashSet::new();
        for row in TRANSLATED {
            assert!(
                row.run.is_some() && numbers.insert(row.request),
                "{}",
                row.name
            );
        }
    }

    #[test]
    fn structures_are_as_long_as_the_numbers_say() {
        let mut a = AARCH64.abi;
        for word in [8, 4] {
            a.abi.word = word;
            for row in TRANSLATED {
                let len = row.number(a) as usize >> 16 & 0x1fff;
                if let ArgType::Struct(_, desc) = row.arg {
                    assert_eq!(desc.size(a), len, "{}", row.name);
                }
            }
        }
    }

    #[test]
    fn numbers_tell_what_they_can() {
        assert_eq!(composed(0xc018_6a07), "_IOWR('j', 7, 24 bytes)");
        assert_eq!(composed(0x2000_ff63), "_IO(0xff, 99)");
        assert_eq!(composed(7), "0x7");
        let text = describe(0xc018_6a07);
        assert_eq!(text, "0xc0186a07: _IOWR, group 'j', number 7, 24 bytes");
        assert!(describe(0x2000_7463).contains("_IO, group 't' (terminals"));
    }
}
