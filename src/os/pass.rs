//! Making a call on the host with arguments converted as the types of its row say.

use std::ffi::CString;

use super::call::MAX_COPY;
use super::{ArgType, Call, Dir, Len};
use crate::abi::{
    Dialect, Endian, Errno, Kind, OsAbi, Show, Signal, StructDesc, SysResult, convert, read_int,
    write_int,
};
use crate::process::SigSet;

/// `IOV_MAX`
const IOV_MAX: u64 = 1024;

/// Largest socket address (`struct sockaddr_storage`).
const SOCKADDR_MAX: u64 = 128;

/// A copy of guest data in host layout that the host's kernel works on.
struct Copy {
    host: Vec<u8>,
    guest: u64,
    back: Back,
}

/// How a copy goes back to the guest.
enum Back {
    /// Not at all.
    No,
    /// Integers.
    Ints(Kind, Show, Count),
    /// Structures.
    Structs(&'static StructDesc, Count),
    /// A set of descriptors.
    FdSet,
    /// A set of signals.
    SigSet(u64),
    /// A socket address: the copy that holds the new length, and the room for it.
    Sockaddr(usize, u64),
}

/// How many elements go back.
#[derive(Clone, Copy)]
enum Count {
    /// As many.
    All,
    /// As many as the call returned.
    Returned,
}

/// Makes the call with host number `number`. `wait`: it may wait for others.
pub fn pass(call: &mut Call<'_>, number: i64, wait: bool) -> SysResult {
    pass_with(call, number, wait, &[])
}

/// As [`pass`], with some arguments already brought to the host: pairs of position and value. They may lie behind those of the row.
pub fn pass_with(
    call: &mut Call<'_>,
    number: i64,
    wait: bool,
    given: &[(usize, u64)],
) -> SysResult {
    let mut args = [0; 6];
    let mut copies = Vec::new();
    for &(at, value) in given {
        args[at] = value;
    }
    for i in 0..call.row.args.len().min(6) {
        args[i] = match given.iter().find(|(at, _)| *at == i) {
            Some((_, value)) => *value,
            None => argument(call, i, call.row.args[i].ty, &mut copies)?,
        };
    }
    finish(call, number, wait, args, &mut copies)
}

/// Makes a call whose arguments are the host's already, but for argument `at`, which has type `ty`.
pub fn pass_as(
    call: &mut Call<'_>,
    number: i64,
    wait: bool,
    mut args: [u64; 6],
    at: usize,
    ty: ArgType,
) -> SysResult {
    let mut copies = Vec::new();
    args[at] = argument(call, at, ty, &mut copies)?;
    finish(call, number, wait, args, &mut copies)
}

fn finish(
    call: &mut Call<'_>,
    number: i64,
    wait: bool,
    args: [u64; 6],
    copies: &mut [Copy],
) -> SysResult {
    let result = if wait {
        call.host_wait(number, args)?
    } else {
        call.host(number, args)?
    };
    for i in 0..copies.len() {
        // FreeBSD tells how much of an address it has written, the host how long it is.
        if let Back::Sockaddr(length, room) = copies[i].back
            && call.abi.dialect == Dialect::FreeBsd
            && let Some(length) = copies.get_mut(length)
        {
            let told = read_int(OsAbi::HOST, Kind::I32, &length.host).min(room);
            write_int(OsAbi::HOST, Kind::I32, &mut length.host, told);
        }
        write_back(call, copies, i, result)?;
    }
    Ok(result)
}

/// The host's value of argument `i`; what it points to is added to `copies`.
fn argument(call: &Call<'_>, i: usize, ty: ArgType, copies: &mut Vec<Copy>) -> SysResult {
    let a = call.abi;
    let value = call.args[i];
    // The boxed bytes of a Vec stay where they are when `copies` grows.
    let mut keep = |host: Vec<u8>, back: Back| {
        let at = host.as_ptr() as u64;
        copies.push(Copy {
            host,
            guest: value,
            back,
        });
        at
    };
    Ok(match ty {
        ArgType::By(resolve) => return argument(call, i, resolve(&call.args, a), copies),
        ArgType::Value(_, show) => show.convert(value, a, OsAbi::HOST),
        ArgType::Wide(_) | ArgType::Absent | ArgType::Named(_) => value,
        ArgType::Addr | ArgType::Decoded(..) => call.host_range(value, 0, false)?,
        _ if value == 0 => 0,
        ArgType::Path => keep(call.path(i)?.into_bytes_with_nul(), Back::No),
        ArgType::PathNew => keep(call.name(i)?.into_bytes_with_nul(), Back::No),
        ArgType::Str => keep(call.read_str(value)?.into_bytes_with_nul(), Back::No),
        ArgType::Buf(dir, len) => {
            let n = length(call, len)?;
            // FreeBSD does not look at where nothing is read or written (`uiomove`); the host checks the address.
            if n == 0 && a.dialect == Dialect::FreeBsd {
                return Ok(0);
            }
            // What is filled is as long as the result says; what holds its own length is used as a whole.
            let counted = dir.writes() && matches!(len, Len::Arg(_));
            call.lend(value, n, dir, counted)?
        }
        ArgType::Ints(dir, kind, show, len) => {
            let n = length(call, len)?;
            let (guest, host) = (kind.size(a) as u64, kind.size(OsAbi::HOST) as u64);
            let mut bytes = room(n, host)?;
            if dir.reads() {
                let input = call.read_bytes(value, n * guest)?;
                for (from, to) in input
                    .chunks(guest as usize)
                    .zip(bytes.chunks_mut(host as usize))
                {
                    let v = show.convert(read_int(a, kind, from), a, OsAbi::HOST);
                    write_int(OsAbi::HOST, kind, to, v);
                }
            }
            keep(
                bytes,
                if dir.writes() {
                    Back::Ints(kind, show, count(dir, len))
                } else {
                    Back::No
                },
            )
        }
        ArgType::Struct(dir, desc) => {
            let bytes = structs_in(call, value, dir, desc, 1)?;
            keep(bytes, back_structs(dir, desc, Count::All))
        }
        ArgType::Structs(dir, desc, len) => {
            let bytes = structs_in(call, value, dir, desc, length(call, len)?)?;
            keep(bytes, back_structs(dir, desc, count(dir, len)))
        }
        ArgType::Iovec(dir, len) => {
            let n = length(call, len)?;
            if n > IOV_MAX {
                return Err(Errno::EINVAL);
            }
            keep(host_iovecs(call, value, n, dir)?, Back::No)
        }
        ArgType::SigSet(dir, len) => {
            let size = length(call, len)?;
            let set = if dir.reads() {
                read_sigset(call, value, size)?
            } else {
                SigSet::EMPTY
            };
            let back = if dir.writes() {
                Back::SigSet(size)
            } else {
                Back::No
            };
            keep(set.host_mask().to_le_bytes().to_vec(), back)
        }
        ArgType::FdSet(len) => {
            let n = length(call, len)?.min(1 << 20);
            let mut bytes = call.read_bytes(value, n.div_ceil(word_bits(a)) * word_bits(a) / 8)?;
            swap_words(a, &mut bytes);
            bytes.resize(bytes.len().next_multiple_of(8), 0);
            keep(bytes, Back::FdSet)
        }
        ArgType::Sockaddr(Dir::In, len) => {
            let size = length(call, len)?;
            if size > SOCKADDR_MAX {
                return Err(Errno::EINVAL);
            }
            let mut bytes = call.read_bytes(value, size)?;
            convert_sockaddr(a, &mut bytes, true);
            keep(bytes, Back::No)
        }
        ArgType::Sockaddr(_, Len::Behind(n)) => {
            let at = call.args[usize::from(n)];
            let room = call.read_int(at, Kind::I32)?;
            if (room as i32) < 0 {
                return Err(Errno::EINVAL);
            }
            // The length's own copy follows: it is the next argument.
            let next = copies.len() + 1;
            let host = vec![0; SOCKADDR_MAX as usize];
            let back = Back::Sockaddr(next, room);
            let address = host.as_ptr() as u64;
            copies.push(Copy {
                host,
                guest: value,
                back,
            });
            address
        }
        ArgType::Sockaddr(..)
        | ArgType::Strings
        | ArgType::SigInfo(_)
        | ArgType::Msghdr(_)
        | ArgType::Mmsghdrs(..) => {
            // Only handlers take these.
            return Err(Errno::ENOSYS);
        }
    })
}

fn write_back(call: &Call<'_>, copies: &[Copy], i: usize, result: u64) -> SysResult<()> {
    let a = call.abi;
    let copy = &copies[i];
    match copy.back {
        Back::No => Ok(()),
        Back::Ints(kind, show, count) => {
            let (guest, host) = (kind.size(a), kind.size(OsAbi::HOST));
            let n = count.of(copy.host.len() / host, result);
            let mut bytes = vec![0; n * guest];
            for (from, to) in copy.host.chunks(host).zip(bytes.chunks_mut(guest)) {
                let v = show.convert(read_int(OsAbi::HOST, kind, from), OsAbi::HOST, a);
                write_int(a, kind, to, v);
            }
            call.write_bytes(copy.guest, &bytes)
        }
        Back::Structs(desc, count) => {
            let (guest, host) = (desc.size(a), desc.size(OsAbi::HOST));
            let n = count.of(copy.host.len() / host, result);
            let mut bytes = vec![0; n * guest];
            for (from, to) in copy.host.chunks(host).zip(bytes.chunks_mut(guest)) {
                convert(desc, OsAbi::HOST, from, a, to)?;
            }
            call.write_bytes(copy.guest, &bytes)
        }
        Back::FdSet => {
            let mut bytes = copy.host.clone();
            swap_words(a, &mut bytes);
            // The host's set is rounded up to a whole host word, the guest's may be shorter.
            let nfds = call.args[0].min(1 << 20);
            let len = nfds.div_ceil(word_bits(a)) * word_bits(a) / 8;
            call.write_bytes(copy.guest, &bytes[..(len as usize).min(bytes.len())])
        }
        Back::SigSet(size) => {
            let mut bits = [0; 8];
            bits.copy_from_slice(&copy.host[..8]);
            write_sigset(
                call,
                copy.guest,
                size,
                SigSet::from_host(u64::from_le_bytes(bits)),
            )
        }
        Back::Sockaddr(length_copy, room) => {
            let len = copies
                .get(length_copy)
                .map_or(0, |c| read_int(OsAbi::HOST, Kind::I32, &c.host));
            let mut bytes = copy.host[..(len.min(SOCKADDR_MAX) as usize)].to_vec();
            convert_sockaddr(a, &mut bytes, false);
            bytes.truncate(room as usize);
            call.write_bytes(copy.guest, &bytes)
        }
    }
}

impl Count {
    fn of(self, all: usize, result: u64) -> usize {
        match self {
            Count::All => all,
            Count::Returned => all.min(result as usize),
        }
    }
}

fn count(dir: Dir, len: Len) -> Count {
    match (dir, len) {
        (Dir::Out, Len::Arg(_)) => Count::Returned,
        _ => Count::All,
    }
}

fn back_structs(dir: Dir, desc: &'static StructDesc, count: Count) -> Back {
    if dir.writes() {
        Back::Structs(desc, count)
    } else {
        Back::No
    }
}

/// Zeroed bytes for `n` elements.
fn room(n: u64, size: u64) -> SysResult<Vec<u8>> {
    match n.checked_mul(size) {
        Some(len) if len <= MAX_COPY => Ok(vec![0; len as usize]),
        _ => Err(Errno::EINVAL),
    }
}

fn structs_in(
    call: &Call<'_>,
    addr: u64,
    dir: Dir,
    desc: &'static StructDesc,
    n: u64,
) -> SysResult<Vec<u8>> {
    let (guest, host) = (desc.size(call.abi), desc.size(OsAbi::HOST));
    let mut bytes = room(n, host as u64)?;
    if dir.reads() {
        let input = call.read_bytes(addr, n * guest as u64)?;
        for (from, to) in input.chunks(guest).zip(bytes.chunks_mut(host)) {
            convert(desc, call.abi, from, OsAbi::HOST, to)?;
        }
    }
    Ok(bytes)
}

/// The value of a length.
pub fn length(call: &Call<'_>, len: Len) -> SysResult {
    match len {
        Len::Const(n) => Ok(n.into()),
        Len::Arg(n) => Ok(call.args[usize::from(n)]),
        Len::Behind(n) => call.read_int(call.args[usize::from(n)], Kind::U32),
    }
}

fn word_bits(a: OsAbi) -> u64 {
    u64::from(a.abi.word) * 8
}

/// Brings sets that are arrays of `long` from big-endian words to the host's order of bits, or back.
fn swap_words(a: OsAbi, bytes: &mut [u8]) {
    if a.abi.endian == Endian::Big {
        for word in bytes.chunks_exact_mut(a.abi.word.into()) {
            word.reverse();
        }
    }
}

/// `struct iovec[]` with host addresses, as bytes in host layout.
pub fn host_iovecs(call: &Call<'_>, addr: u64, n: u64, dir: Dir) -> SysResult<Vec<u8>> {
    let word = usize::from(call.abi.abi.word);
    let input = call.read_bytes(addr, n * 2 * word as u64)?;
    let mut out = Vec::with_capacity(n as usize * 16);
    // `recvmmsg` counts messages.
    let counted = dir.writes() && !call.row.name.starts_with("recvmmsg");
    let most = u64::MAX >> (65 - 8 * word);
    // A length is an `ssize_t`; on FreeBSD their sum is one too, where the host transfers less.
    let mut sum = 0u64;
    for v in input.chunks(2 * word) {
        let len = read_int(call.abi, Kind::Ulong, &v[word..]);
        sum = sum.saturating_add(len);
        if len > most || sum > most && call.abi.dialect == Dialect::FreeBsd {
            return Err(Errno::EINVAL);
        }
    }
    for v in input.chunks(2 * word) {
        let base = read_int(call.abi, Kind::Ulong, v);
        let len = read_int(call.abi, Kind::Ulong, &v[word..]);
        let host = if len == 0 {
            0
        } else {
            call.lend(base, len, dir, counted)?
        };
        out.extend_from_slice(&host.to_le_bytes());
        out.extend_from_slice(&len.to_le_bytes());
    }
    Ok(out)
}

/// The guest's `sigset_t` of `size` bytes at `addr`.
///
/// # Errors
/// EINVAL if the size is not that of the guest's kernel.
pub fn read_sigset(call: &Call<'_>, addr: u64, size: u64) -> SysResult<SigSet> {
    let a = call.abi;
    if size != sigset_size(a.dialect) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = call.read_bytes(addr, size)?;
    swap_words(a, &mut bytes);
    Ok(sigset_from_guest(a.dialect, &bytes))
}

/// Writes the guest's `sigset_t`.
pub fn write_sigset(call: &Call<'_>, addr: u64, size: u64, set: SigSet) -> SysResult<()> {
    let mut bytes = sigset_to_guest(call.abi, set);
    bytes.truncate(size as usize);
    call.write_bytes(addr, &bytes)
}

/// Size of the kernel's `sigset_t` in bytes.
pub fn sigset_size(dialect: Dialect) -> u64 {
    u64::from(Signal::count(dialect)) / 8
}

/// From the guest's bits, signal 1 lowest.
pub fn sigset_from_guest(dialect: Dialect, bytes: &[u8]) -> SigSet {
    let mut set = SigSet::EMPTY;
    for (i, byte) in bytes.iter().enumerate() {
        for bit in 0..8 {
            if byte >> bit & 1 != 0
                && let Some(s) = Signal::from_guest(dialect, (i * 8 + bit + 1) as u32)
            {
                set = set.union(s.into());
            }
        }
    }
    set
}

/// The guest's `sigset_t`, as it is in memory.
pub fn sigset_to_guest(a: OsAbi, set: SigSet) -> Vec<u8> {
    let mut bytes = vec![0; sigset_size(a.dialect) as usize];
    for signal in set.iter() {
        let n = signal.to_guest(a.dialect) as usize - 1;
        if let Some(byte) = bytes.get_mut(n / 8) {
            *byte |= 1 << (n % 8);
        }
    }
    swap_words(a, &mut bytes);
    bytes
}

/// Brings the parts of a socket address that are in host order from or to the guest's order. Addresses and ports are in
/// network order and stay.
pub fn convert_sockaddr(a: OsAbi, bytes: &mut [u8], from_guest: bool) {
    if a.dialect == Dialect::FreeBsd {
        return convert_bsd_sockaddr(a, bytes, from_guest);
    }
    if a.abi.endian == Endian::Little || bytes.len() < 2 {
        return;
    }
    let family = if from_guest {
        u16::from_be_bytes([bytes[0], bytes[1]])
    } else {
        u16::from_le_bytes([bytes[0], bytes[1]])
    };
    bytes[..2].reverse();
    // linux/in6.h, linux/netlink.h, linux/if_packet.h, linux/vm_sockets.h
    let fields: &[std::ops::Range<usize>] = match family {
        10 => std::slice::from_ref(&(24..28)),
        16 => &[4..8, 8..12],
        17 => &[4..8, 8..10],
        40 => &[4..8, 8..12],
        _ => &[],
    };
    for field in fields {
        if let Some(field) = bytes.get_mut(field.clone()) {
            field.reverse();
        }
    }
}

/// `struct sockaddr` of 4.4BSD: a byte of length, a byte of family, then as on the host.
fn convert_bsd_sockaddr(a: OsAbi, bytes: &mut [u8], from_guest: bool) {
    const AF_INET6: u16 = 10;
    let families = &super::freebsd::flags::DOMAIN;
    let len = bytes.len() as u8;
    let Some(head) = bytes.get_mut(..2) else {
        return;
    };
    let host_family = if from_guest {
        families.to_host(Dialect::FreeBsd, head[1].into()) as u16
    } else {
        u16::from_le_bytes([head[0], head[1]])
    };
    if from_guest {
        head.copy_from_slice(&host_family.to_le_bytes());
    } else {
        let family = families.to_guest(Dialect::FreeBsd, host_family.into());
        head.copy_from_slice(&[len, family as u8]);
    }
    // The scope's number is not in the network's order.
    if host_family == AF_INET6
        && a.abi.endian == Endian::Big
        && let Some(scope) = bytes.get_mut(24..28)
    {
        scope.reverse();
    }
}

/// A string as the host's kernel wants it.
pub fn cstring(bytes: impl Into<Vec<u8>>) -> SysResult<CString> {
    CString::new(bytes).map_err(|_| Errno::EINVAL)
}
