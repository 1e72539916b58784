//! FreeBSD's `siginfo_t` (`sys/signal.h`).

use crate::abi::{Errno, Kind, OsAbi, Show, read_int, write_int};
use crate::process::{SigFields, SigInfo, Signal};

/// Size in bytes.
pub fn size(a: OsAbi) -> usize {
    if a.abi.is_32bit() { 64 } else { 80 }
}

// si_code
const SI_USER: i32 = 0x10001;
const SI_QUEUE: i32 = 0x10002;
const SI_TIMER: i32 = 0x10003;
const SI_ASYNCIO: i32 = 0x10004;
const SI_MESGQ: i32 = 0x10005;
const SI_KERNEL: i32 = 0x10006;
const SI_LWP: i32 = 0x10007;
const FPE_INTOVF: i32 = 1;
const FPE_INTDIV: i32 = 2;
const TRAP_BRKPT: i32 = 1;
const TRAP_TRACE: i32 = 2;

/// `si_code` for the guest, from the host's (`asm-generic/siginfo.h`).
fn code(info: &SigInfo) -> i32 {
    match (info.code, info.signal) {
        (0, _) => SI_USER,
        (-1, _) => SI_QUEUE,
        (-2, _) => SI_TIMER,
        (-3, _) => SI_MESGQ,
        (-4, _) => SI_ASYNCIO,
        (-6, _) => SI_LWP,
        (0x80, _) => SI_KERNEL,
        // Integer overflow and division have each other's number.
        (1, Signal::SIGFPE) => FPE_INTDIV,
        (2, Signal::SIGFPE) => FPE_INTOVF,
        // TRAP_HWBKPT and TRAP_UNK, which a debugger sees: FreeBSD has no others for hardware.
        (4, Signal::SIGTRAP) => TRAP_BRKPT,
        (5, Signal::SIGTRAP) => TRAP_TRACE,
        (code, _) => code,
    }
}

/// CLD_EXITED, after which the status is a number; after the others it is a signal.
const CLD_EXITED: i32 = 1;

/// The guest's bytes.
pub fn to_guest(a: OsAbi, info: &SigInfo) -> Vec<u8> {
    let mut out = vec![0; size(a)];
    let word = usize::from(a.abi.word);
    // Fields in order: signo, errno, code, pid, uid, status, addr, value, then what depends on the signal.
    let (addr_at, value_at, reason_at) = (24, 24 + word, 24 + 2 * word);
    let mut put = |at: usize, kind: Kind, value: u64| write_int(a, kind, &mut out[at..], value);
    put(0, Kind::I32, info.signal.to_guest(a.dialect).into());
    put(
        4,
        Kind::I32,
        Show::Errno.convert(info.errno as u64, OsAbi::HOST, a),
    );
    put(8, Kind::I32, code(info) as u64);
    let mut sender = |pid: i32, uid: u32| {
        put(12, Kind::I32, pid as u64);
        put(16, Kind::U32, uid.into());
    };
    match info.fields {
        SigFields::Kill { pid, uid } => sender(pid, uid),
        SigFields::Queue { pid, uid, value } => {
            sender(pid, uid);
            put(value_at, Kind::Ulong, value);
        }
        SigFields::Timer { id, overrun, value } => {
            put(value_at, Kind::Ulong, value);
            put(reason_at, Kind::I32, id as u64);
            put(reason_at + 4, Kind::I32, overrun as u64);
        }
        SigFields::Child {
            pid, uid, status, ..
        } => {
            sender(pid, uid);
            let status = if info.code == CLD_EXITED {
                status as u64
            } else {
                Show::Signal.convert(status as u64, OsAbi::HOST, a)
            };
            put(20, Kind::I32, status);
        }
        SigFields::Fault { addr } => put(addr_at, Kind::Ulong, addr),
        SigFields::Poll { band, .. } => put(reason_at, Kind::Long, band as u64),
        SigFields::Sys { addr, number, .. } => {
            put(addr_at, Kind::Ulong, addr);
            put(reason_at, Kind::I32, number as u64);
        }
    }
    out
}

/// `si_code` in the host's numbering.
fn host_code(signal: Signal, code: i32) -> i32 {
    match (code, signal) {
        (SI_USER, _) => 0,
        (SI_QUEUE, _) => -1,
        (SI_TIMER, _) => -2,
        (SI_MESGQ, _) => -3,
        (SI_ASYNCIO, _) => -4,
        (SI_LWP, _) => -6,
        (SI_KERNEL, _) => 0x80,
        (FPE_INTDIV, Signal::SIGFPE) => 1,
        (FPE_INTOVF, Signal::SIGFPE) => 2,
        (code, _) => code,
    }
}

/// From the guest's bytes, of which there are [`size`].
pub fn from_guest(a: OsAbi, bytes: &[u8]) -> Option<SigInfo> {
    let word = usize::from(a.abi.word);
    let (addr_at, value_at, reason_at) = (24, 24 + word, 24 + 2 * word);
    if bytes.len() < size(a) {
        return None;
    }
    let get = |at: usize, kind: Kind| read_int(a, kind, &bytes[at..]);
    let signal = Signal::from_guest(a.dialect, get(0, Kind::U32) as u32)?;
    let code = host_code(signal, get(8, Kind::I32) as i32);
    let (pid, uid) = (get(12, Kind::I32) as i32, get(16, Kind::U32) as u32);
    let fields = match (code, signal) {
        (0 | -6 | 0x80, _) => SigFields::Kill { pid, uid },
        (-2, _) => SigFields::Timer {
            id: get(reason_at, Kind::I32) as i32,
            overrun: get(reason_at + 4, Kind::I32) as i32,
            value: get(value_at, Kind::Ulong),
        },
        (..0, _) => SigFields::Queue {
            pid,
            uid,
            value: get(value_at, Kind::Ulong),
        },
        (_, Signal::SIGCHLD) => SigFields::Child {
            pid,
            uid,
            status: match get(20, Kind::I32) {
                status if code == CLD_EXITED => status as i32,
                status => Show::Signal.convert(status, a, OsAbi::HOST) as i32,
            },
            utime: 0,
            stime: 0,
        },
        (_, Signal::SIGIO) => SigFields::Poll {
            band: get(reason_at, Kind::Long) as i64,
            fd: 0,
        },
        (_, Signal::SIGSYS) => SigFields::Sys {
            addr: get(addr_at, Kind::Ulong),
            number: get(reason_at, Kind::I32) as i32,
            arch: 0,
        },
        _ => SigFields::Fault {
            addr: get(addr_at, Kind::Ulong),
        },
    };
    Some(SigInfo {
        signal,
        errno: Errno::from_guest(a.dialect, get(4, Kind::I32) as u32).0,
        code,
        fields,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa;

    #[test]
    fn what_a_handler_gets_is_read_back() {
        let a = isa::AARCH64.abi;
        let kill = SigFields::Kill { pid: 7, uid: 8 };
        let value = 0x55aa;
        for (signal, code, fields) in [
            (Signal::SIGUSR1, 0, kill),
            (Signal::SIGUSR2, -6, kill),
            (
                Signal(34),
                -1,
                SigFields::Queue {
                    pid: 7,
                    uid: 8,
                    value,
                },
            ),
            (
                Signal::SIGALRM,
                -2,
                SigFields::Timer {
                    id: 3,
                    overrun: 4,
                    value,
                },
            ),
            (Signal::SIGSEGV, 1, SigFields::Fault { addr: 0x1234 }),
            (Signal::SIGFPE, 1, SigFields::Fault { addr: 0x1234 }),
        ] {
            let info = SigInfo {
                signal,
                errno: 0,
                code,
                fields,
            };
            let bytes = to_guest(a, &info);
            assert_eq!(bytes.len(), 80);
            assert_eq!(from_guest(a, &bytes), Some(info));
        }
        let user = to_guest(
            a,
            &SigInfo {
                signal: Signal::SIGUSR1,
                errno: 0,
                code: 0,
                fields: kill,
            },
        );
        assert_eq!(&user[..4], &30u32.to_le_bytes());
        assert_eq!(&user[8..12], &0x10001u32.to_le_bytes());
        assert_eq!(from_guest(a, &user[..60]), None);
    }
}
