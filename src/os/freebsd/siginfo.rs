//! FreeBSD's `siginfo_t` (`sys/signal.h`).

use crate::abi::{Kind, OsAbi, Show, write_int};
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
