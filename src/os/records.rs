//! Reading and writing descriptors whose contents are records of the kernel, which are in the host's layout: counters, events,
//! signals.

use super::linux::structs::{InotifyEvent, SignalfdSiginfo};
use super::{Call, pass};
use crate::abi::{Dialect, Endian, GuestStruct, Kind, OsAbi, SysResult};
use crate::host::nr::{SYS_read, SYS_write};

/// What the kernel's anonymous inodes return.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Records {
    /// eventfd, timerfd: a 64-bit count.
    Counter,
    /// inotify.
    Inotify,
    /// signalfd.
    Signalfd,
}

/// What kind of records a descriptor gives, if any.
fn records_of(fd: i32) -> Option<Records> {
    let link = std::fs::read_link(format!("/proc/self/fd/{fd}")).ok()?;
    match link.to_str()? {
        "anon_inode:[eventfd]" | "anon_inode:[timerfd]" => Some(Records::Counter),
        "anon_inode:inotify" => Some(Records::Inotify),
        "anon_inode:[signalfd]" => Some(Records::Signalfd),
        _ => None,
    }
}

/// Whether records of the kernel look to this guest as they do on the host.
fn host_records(a: OsAbi) -> bool {
    a.abi.endian == Endian::Little && a.dialect != Dialect::Mips
}

/// `read`, whatever the descriptor is.
///
/// # Errors
/// The call's.
pub fn read_file(call: &mut Call<'_>) -> SysResult {
    let n = pass(call, SYS_read, true)?;
    // Such reads are never shorter than 8 bytes and always a multiple of it, so that most reads are spared the question.
    if n >= 8 && n % 4 == 0 && !host_records(call.abi) {
        convert_records(call, n)?;
    }
    Ok(n)
}

/// Brings the records that a read left in guest memory into the guest's layout.
fn convert_records(call: &mut Call<'_>, n: u64) -> SysResult<()> {
    let Some(records) = records_of(call.int(0)) else {
        return Ok(());
    };
    let (a, addr) = (call.abi, call.arg(1));
    let mut bytes = call.read_bytes(addr, n)?;
    let mut at = 0;
    while at < bytes.len() {
        let (desc, extra) = match records {
            Records::Counter => {
                if a.abi.endian == Endian::Big {
                    bytes[at..].chunks_exact_mut(8).for_each(<[u8]>::reverse);
                }
                break;
            }
            Records::Inotify if bytes.len() - at >= 16 => {
                let event = InotifyEvent::read(OsAbi::HOST, &bytes[at..at + 16])?;
                (InotifyEvent::DESC, event.len as usize)
            }
            Records::Signalfd if bytes.len() - at >= 128 => (SignalfdSiginfo::DESC, 0),
            _ => break,
        };
        let size = desc.size(OsAbi::HOST);
        let host = bytes[at..at + size].to_vec();
        crate::abi::convert(desc, OsAbi::HOST, &host, a, &mut bytes[at..at + size])?;
        at += size + extra;
    }
    call.write_bytes(addr, &bytes)
}

/// `write`, whatever the descriptor is.
///
/// # Errors
/// The call's.
pub fn write_file(call: &mut Call<'_>) -> SysResult {
    let big = call.abi.abi.endian == Endian::Big;
    if big && call.arg(2) == 8 && records_of(call.int(0)) == Some(Records::Counter) {
        let count = call.read_int(call.arg(1), Kind::U64)?;
        let host = count.to_le_bytes();
        let fd = call.arg(0);
        return call.host_wait(SYS_write, [fd, host.as_ptr() as u64, 8, 0, 0, 0]);
    }
    pass(call, SYS_write, true)
}
