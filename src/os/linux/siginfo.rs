//! `siginfo_t` in every layout.

use crate::abi::{Dialect, Kind, OsAbi, Show, Signal, read_int, write_int};
use crate::host::signal::RawInfo;
use crate::os::linux::flags::SI_CODE;
use crate::process::{SigFields, SigInfo};

/// Size in bytes, everywhere.
pub const SIZE: usize = 128;

/// From the host's bytes.
pub fn parse(raw: &[u8; SIZE]) -> SigInfo {
    SigInfo::from_host(&RawInfo(*raw))
}

/// Only the signal in the host's bytes; 0 if there is none.
pub fn from_host(raw: &[u8; SIZE]) -> Signal {
    Signal(raw[0])
}

/// The host's bytes, for calls that send one.
pub fn host_bytes(info: &SigInfo) -> [u8; SIZE] {
    to_guest(OsAbi::HOST, info)
}

/// Offset of the fields after the header: a pointer inside of them aligns them on 64-bit guests.
fn fields_at(a: OsAbi) -> usize {
    if a.abi.is_32bit() { 12 } else { 16 }
}

/// `si_code` in the guest's numbering. Codes from the kernel (positive) are the same everywhere.
fn code_to(from: Dialect, to: Dialect, code: i32) -> i32 {
    if code < 0 {
        SI_CODE.translate(i64::from(code) as u64, from, to) as i32
    } else {
        code
    }
}

/// CLD_EXITED, after which the status is a number; after the others it is a signal.
const CLD_EXITED: i32 = 1;

/// The guest's bytes.
pub fn to_guest(a: OsAbi, info: &SigInfo) -> [u8; SIZE] {
    let mut out = [0; SIZE];
    let mut put = |at: usize, kind: Kind, value: u64| write_int(a, kind, &mut out[at..], value);
    let code = code_to(Dialect::X86, a.dialect, info.code);
    put(0, Kind::I32, info.signal.to_guest(a.dialect).into());
    let errno = Show::Errno.convert(info.errno as u64, OsAbi::HOST, a);
    let (errno_at, code_at) = if a.dialect == Dialect::Mips {
        (8, 4)
    } else {
        (4, 8)
    };
    put(errno_at, Kind::I32, errno);
    put(code_at, Kind::I32, code as u64);
    let at = fields_at(a);
    let word = usize::from(a.abi.word);
    match info.fields {
        SigFields::Kill { pid, uid } => {
            put(at, Kind::I32, pid as u64);
            put(at + 4, Kind::U32, uid.into());
        }
        SigFields::Timer { id, overrun, value } => {
            put(at, Kind::I32, id as u64);
            put(at + 4, Kind::I32, overrun as u64);
            put(at + 8, Kind::Ulong, value);
        }
        SigFields::Queue { pid, uid, value } => {
            put(at, Kind::I32, pid as u64);
            put(at + 4, Kind::U32, uid.into());
            put(at + 8, Kind::Ulong, value);
        }
        SigFields::Child {
            pid,
            uid,
            status,
            utime,
            stime,
        } => {
            put(at, Kind::I32, pid as u64);
            put(at + 4, Kind::U32, uid.into());
            let status = if info.code == CLD_EXITED {
                status as u64
            } else {
                Show::Signal.convert(status as u64, OsAbi::HOST, a)
            };
            put(at + 8, Kind::I32, status);
            let times = (at + 12).next_multiple_of(word);
            put(times, Kind::Long, utime as u64);
            put(times + word, Kind::Long, stime as u64);
        }
        SigFields::Fault { addr } => put(at, Kind::Ulong, addr),
        SigFields::Poll { band, fd } => {
            put(at, Kind::Long, band as u64);
            put(at + word, Kind::I32, fd as u64);
        }
        SigFields::Sys { addr, number, arch } => {
            put(at, Kind::Ulong, addr);
            put(at + word, Kind::I32, number as u64);
            put(at + word + 4, Kind::U32, arch.into());
        }
    }
    out
}

/// From the guest's bytes, of which there are [`SIZE`]: what `rt_sigqueueinfo` is given.
pub fn from_guest(a: OsAbi, bytes: &[u8]) -> SigInfo {
    let get = |at: usize, kind: Kind| read_int(a, kind, &bytes[at..]);
    let number = get(0, Kind::U32) as u32;
    let signal = Signal::from_guest(a.dialect, number).unwrap_or(Signal(0));
    let (errno_at, code_at) = if a.dialect == Dialect::Mips {
        (8, 4)
    } else {
        (4, 8)
    };
    let code = code_to(a.dialect, Dialect::X86, get(code_at, Kind::I32) as i32);
    let at = fields_at(a);
    let (pid, uid) = (get(at, Kind::I32) as i32, get(at + 4, Kind::U32) as u32);
    let value = get(at + 8, Kind::Ulong);
    let fields = match code {
        0 | -6 => SigFields::Kill { pid, uid },
        -2 => SigFields::Timer {
            id: pid,
            overrun: uid as i32,
            value,
        },
        SI_KERNEL => SigFields::Kill { pid, uid },
        ..0 => SigFields::Queue { pid, uid, value },
        _ => from_kernel(a, signal, code, bytes),
    };
    SigInfo {
        signal,
        errno: get(errno_at, Kind::I32) as i32,
        code,
        fields,
    }
}

/// SI_KERNEL
const SI_KERNEL: i32 = 0x80;

/// The fields of a signal that the kernel sent for a reason of the signal's own (a positive `si_code`).
fn from_kernel(a: OsAbi, signal: Signal, code: i32, bytes: &[u8]) -> SigFields {
    let get = |at: usize, kind: Kind| read_int(a, kind, &bytes[at..]);
    let (at, word) = (fields_at(a), usize::from(a.abi.word));
    match signal {
        Signal::SIGCHLD => {
            let status = get(at + 8, Kind::I32);
            let times = (at + 12).next_multiple_of(word);
            SigFields::Child {
                pid: get(at, Kind::I32) as i32,
                uid: get(at + 4, Kind::U32) as u32,
                status: if code == CLD_EXITED {
                    status as i32
                } else {
                    Show::Signal.convert(status, a, OsAbi::HOST) as i32
                },
                utime: get(times, Kind::Long) as i64,
                stime: get(times + word, Kind::Long) as i64,
            }
        }
        Signal::SIGIO => SigFields::Poll {
            band: get(at, Kind::Long) as i64,
            fd: get(at + word, Kind::I32) as i32,
        },
        Signal::SIGSYS => SigFields::Sys {
            addr: get(at, Kind::Ulong),
            number: get(at + word, Kind::I32) as i32,
            arch: get(at + word + 4, Kind::U32) as u32,
        },
        _ => SigFields::Fault {
            addr: get(at, Kind::Ulong),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::linux::isa;

    #[test]
    fn layouts_are_those_of_the_headers() {
        // abi/linux-mips-o32: si_code 4, si_errno 8, si_pid 12, si_value 20; aarch64: 8, 4, 16, 24.
        let info = SigInfo {
            signal: Signal::SIGCHLD,
            errno: 0,
            code: -1,
            fields: SigFields::Queue {
                pid: 0x1234,
                uid: 0,
                value: 0x55aa,
            },
        };
        let o32 = to_guest(isa::MIPS.abi, &info);
        assert_eq!(read_int(isa::MIPS.abi, Kind::I32, &o32), 18);
        assert_eq!(read_int(isa::MIPS.abi, Kind::I32, &o32[4..]) as i32, -1);
        assert_eq!(read_int(isa::MIPS.abi, Kind::I32, &o32[12..]), 0x1234);
        assert_eq!(read_int(isa::MIPS.abi, Kind::Ulong, &o32[20..]), 0x55aa);
        let a64 = to_guest(isa::AARCH64.abi, &info);
        assert_eq!(read_int(isa::AARCH64.abi, Kind::I32, &a64[8..]) as i32, -1);
        assert_eq!(read_int(isa::AARCH64.abi, Kind::Ulong, &a64[24..]), 0x55aa);
        let with = |signal, code, fields| SigInfo {
            signal,
            errno: 0,
            code,
            fields,
        };
        let child = |status| SigFields::Child {
            pid: 5,
            uid: 6,
            status,
            utime: 7,
            stime: 8,
        };
        let all = [
            info,
            with(Signal::SIGCHLD, CLD_EXITED, child(99)),
            with(Signal::SIGCHLD, 2, child(Signal::SIGUSR1.0.into())),
            with(Signal::SIGSEGV, 1, SigFields::Fault { addr: 0x1000 }),
            with(Signal::SIGIO, 1, SigFields::Poll { band: 1, fd: 3 }),
            with(Signal::SIGTERM, 0, SigFields::Kill { pid: 1, uid: 2 }),
        ];
        for a in [isa::MIPS.abi, isa::MIPSEL.abi, isa::AARCH64.abi] {
            for info in all {
                assert_eq!(from_guest(a, &to_guest(a, &info)), info);
            }
        }
    }
}
