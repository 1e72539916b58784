//! Sockets and polling.

mod control;
pub(in crate::os::freebsd) mod kept;
mod message;
mod option;
mod rights;
pub(in crate::os::freebsd) mod routing;

use super::{capsicum, descriptors, pipe, procdesc};
use crate::abi::{Errno, GuestStruct, Kind, OsAbi, Show, SysResult, read_int};
use crate::host;
use crate::host::nr::*;
use crate::os::freebsd::decode::messages as decode;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::{Full, Partial, Stub},
    *,
};

const ADDR_OUT_2: ArgType = ArgType::Sockaddr(Dir::Out, Len::Behind(2));
const LONG_NAMES: &str = "the last part of a name in another directory has at most 85 bytes";
const LENGTH: ArgType = ints_of(Dir::InOut, Kind::I32, Show::Dec, 1);

crate::syscalls! {
    socket(domain: one_of(&f::DOMAIN), r#type: flags(&f::SOCK), protocol: INT) -> FDNUM, Partial(routing::LIMITS), Handler(open_socket);
    socketpair(domain: one_of(&f::DOMAIN), r#type: flags(&f::SOCK), protocol: INT, rsv: ints_of(Dir::Out, Kind::I32, Show::Fd, 2)) -> NUM, Full, Handler(|c| { refuse_type(c)?; pass(c, SYS_socketpair, false) });
    bind(s: FD, name: ArgType::Sockaddr(Dir::In, Len::Arg(2)), namelen: UINT) -> NUM, Full, Handler(bind_address);
    connect(s: FD, name: ArgType::Sockaddr(Dir::In, Len::Arg(2)), namelen: UINT) -> NUM, Full, Handler(connect_to);
    listen(s: FD, backlog: INT) -> NUM, Full, Pass(SYS_listen);
    accept(s: FD, name: ADDR_OUT_2, anamelen: LENGTH) -> FDNUM, Full, Handler(accept_inheriting);
    accept4(s: FD, name: ADDR_OUT_2, anamelen: LENGTH, flags: flags(&f::SOCK)) -> FDNUM, Full, Handler(|c| accept_connection(c, c.host_flags(3)));
    getsockname(fdes: FD, asa: ADDR_OUT_2, alen: LENGTH) -> NUM, Full, Pass(SYS_getsockname);
    getpeername(fdes: FD, asa: ADDR_OUT_2, alen: LENGTH) -> NUM, Full, Pass(SYS_getpeername);
    sendto(s: FD, buf: buf_in(2), len: SIZE, flags: flags(&f::MSG), to: ArgType::Sockaddr(Dir::In, Len::Arg(5)), tolen: UINT) -> NUM, Full, Handler(send_to);
    recvfrom(s: FD, buf: buf_out(2), len: SIZE, flags: flags(&f::MSG), from: ArgType::Sockaddr(Dir::Out, Len::Behind(5)), fromlenaddr: LENGTH) -> NUM, Full, Wait(SYS_recvfrom);
    sendmsg(s: FD, msg: ArgType::Decoded(Dir::In, decode::sent), flags: flags(&f::MSG)) -> NUM, Partial(message::LIMITS), Handler(message::send);
    recvmsg(s: FD, msg: ArgType::Decoded(Dir::Out, decode::received), flags: flags(&f::MSG)) -> NUM, Partial(message::LIMITS), Handler(message::receive);
    sendfile(fd: FD, s: FD, offset: OFFSET, nbytes: SIZE, hdtr: input::<SfHdtr>(), sbytes: ints_of(Dir::Out, Kind::I64, Show::Dec, 1), flags: flags(&f::SENDFILE)) -> NUM, Full, Handler(send_file);
    shutdown(s: FD, how: one_of(&f::SHUT)) -> NUM, Full, Pass(SYS_shutdown);
    setsockopt(s: FD, level: one_of(&f::SOL), name: ArgType::Named(|a| option::name(a[1], a[2])), val: ArgType::By(|a, _| option::value(a[1], a[2], Dir::In)), valsize: UINT) -> NUM, Partial(option::LIMITS), Handler(option::set);
    getsockopt(s: FD, level: one_of(&f::SOL), name: ArgType::Named(|a| option::name(a[1], a[2])), val: ArgType::By(|a, _| option::value(a[1], a[2], Dir::Out)), avalsize: LENGTH) -> NUM, Partial(option::LIMITS), Handler(option::get);
    poll(fds: array::<Pollfd>(Dir::InOut, 1), nfds: UINT, timeout: INT) -> NUM, Full, Handler(poll_descriptors);
    ppoll(fds: array::<Pollfd>(Dir::InOut, 1), nfds: UINT, ts: input::<Timespec>(), set: ArgType::SigSet(Dir::In, Len::Const(16))) -> NUM, Full, Handler(poll_with_mask);
    pselect(nd: INT, r#in: ArgType::FdSet(Len::Arg(0)), ou: ArgType::FdSet(Len::Arg(0)), ex: ArgType::FdSet(Len::Arg(0)), ts: input::<Timespec>(), sm: ArgType::SigSet(Dir::In, Len::Const(16))) -> NUM, Full, Handler(select_with_mask);
    bindat(fd: DIRFD, s: FD, name: ArgType::Sockaddr(Dir::In, Len::Arg(3)), namelen: UINT) -> NUM, Partial(LONG_NAMES), Handler(|c| named_at(c, SYS_bind));
    connectat(fd: DIRFD, s: FD, name: ArgType::Sockaddr(Dir::In, Len::Arg(3)), namelen: UINT) -> NUM, Partial(LONG_NAMES), Handler(|c| named_at(c, SYS_connect));
    setfib(fibnum: INT) -> NUM, Stub("there is one routing table, number 0"), Handler(|c| if c.int(0) == 0 { Ok(0) } else { Err(Errno::EINVAL) });
    select(nd: INT, r#in: ArgType::FdSet(Len::Arg(0)), ou: ArgType::FdSet(Len::Arg(0)), ex: ArgType::FdSet(Len::Arg(0)), tv: input::<Timeval>()) -> NUM, Full, Handler(select_descriptors);
}

// Options of the host's at the level of sockets, and their values.
const SO_TYPE: u64 = 3;
const SO_PEERCRED: u64 = 17;
const SO_DOMAIN: u64 = 39;
const SOCK_STREAM: u32 = 1;
const AF_UNIX: u32 = 1;

/// The words of an option of the host's, of the socket that argument `n` names.
fn host_option<const N: usize>(call: &mut Call<'_>, n: usize, name: u64) -> SysResult<[u32; N]> {
    const SOL_SOCKET: u64 = 1;
    let (mut words, mut len) = ([0u32; N], 4 * N as u32);
    let (to, len) = (words.as_mut_ptr() as u64, (&raw mut len) as u64);
    call.host(SYS_getsockopt, [call.arg(n), SOL_SOCKET, name, to, len, 0])?;
    Ok(words)
}

fn is_local(call: &mut Call<'_>, n: usize) -> bool {
    host_option(call, n, SO_DOMAIN) == Ok([AF_UNIX])
}

fn is_stream(call: &mut Call<'_>, n: usize) -> bool {
    host_option(call, n, SO_TYPE) == Ok([SOCK_STREAM])
}

/// The result of sending with flags: EPIPE raises SIGPIPE whatever the socket's type (`sosend` in `uipc_syscalls.c`), on the host only
/// where it is a stream.
fn broken(call: &mut Call<'_>, flags: u64, result: SysResult) -> SysResult {
    const MSG_NOSIGNAL: u64 = 0x2_0000;
    let silent = flags & MSG_NOSIGNAL != 0 || kept::is_silent(call, call.int(0));
    if result == Err(Errno::EPIPE) && !silent && !is_stream(call, 0) {
        raise_sigpipe(call)?;
    }
    result
}

/// Sends the calling thread SIGPIPE.
pub(super) fn raise_sigpipe(call: &mut Call<'_>) -> SysResult<()> {
    let sigpipe = crate::process::Signal::SIGPIPE;
    let id = [host::pid() as u64, call.thread.tid() as u64];
    call.host(SYS_tgkill, [id[0], id[1], sigpipe.0 as u64, 0, 0, 0])?;
    Ok(())
}

fn open_socket(call: &mut Call<'_>) -> SysResult {
    refuse_type(call)?;
    match call.host_flags(0) {
        crate::os::freebsd::route::HOST_DOMAIN => {
            let kind = call.host_flags(1);
            routing::open(call, kind)
        }
        _ => pass(call, SYS_socket, false),
    }
}

fn send_to(call: &mut Call<'_>) -> SysResult {
    if let Some(result) = routing::write(call) {
        return result;
    }
    let quiet = match kept::is_silent(call, call.int(0)) {
        true => kept::NOSIGNAL,
        false => 0,
    };
    let flags = call.host_flags(3) | quiet;
    let result = pass_with(call, SYS_sendto, true, &[(3, flags)]);
    broken(call, call.arg(3), result)
}

/// `accept` hands O_NONBLOCK of the listening socket on, which the host's does not.
fn accept_inheriting(call: &mut Call<'_>) -> SysResult {
    const F_GETFL: u64 = 3;
    const O_NONBLOCK: u64 = 0x800;
    let flags = call.host(SYS_fcntl, [call.arg(0), F_GETFL, 0, 0, 0, 0])?;
    // SOCK_NONBLOCK has the same value.
    accept_connection(call, flags & O_NONBLOCK)
}

/// `flags` are the host's.
fn accept_connection(call: &mut Call<'_>, flags: u64) -> SysResult {
    let (name_at, len_at) = (call.arg(1), call.arg(2));
    let (mut name, mut len) = (vec![0u8; NAME_MAX as usize], NAME_MAX);
    let (mut to, mut room) = ([0, 0], 0);
    if name_at != 0 {
        room = call.read_int(len_at, Kind::U32)? as usize;
        if room > i32::MAX as usize {
            return Err(Errno::EINVAL);
        }
        to = [name.as_mut_ptr() as u64, (&raw mut len) as u64];
    }
    let fd = call.host_wait(SYS_accept4, [call.arg(0), to[0], to[1], flags, 0, 0])?;
    if name_at != 0 {
        name.truncate(len as usize);
        convert_sockaddr(call.abi, &mut name, false);
        name.truncate(room);
        let told = call
            .write_bytes(name_at, &name)
            .and_then(|()| call.write_int(len_at, Kind::U32, name.len() as u64));
        if let Err(e) = told {
            // The connection is lost, not left open under a number that nobody knows.
            call.host(SYS_close, [fd, 0, 0, 0, 0, 0])?;
            return Err(e);
        }
    }
    descriptors::accepted(call, call.int(0), fd as i32);
    Ok(fd)
}

fn bind_address(call: &mut Call<'_>) -> SysResult {
    refuse_multicast(call, 0, 1)?;
    let mut port = [0u8; 2];
    // Length, family, port.
    let given = call.mem().read(call.arg(1).wrapping_add(2), &mut port);
    if let (Ok(()), [0, 0], Some(range)) = (given, port, port_range(call)) {
        if call.arg(2) > u64::from(NAME_MAX) {
            return Err(Errno::EINVAL);
        }
        let mut name = call.read_bytes(call.arg(1), call.arg(2))?;
        convert_sockaddr(call.abi, &mut name, true);
        return bind_in_range(call, range, &mut name);
    }
    let result = pass(call, SYS_bind, false);
    if result == Err(Errno::EADDRINUSE) && is_local(call, 0) && own_address(call)?.len() > 2 {
        // It has a name already.
        return Err(Errno::EINVAL);
    }
    of_family(call, 0, 1, result)
}

/// The address of the socket that argument 0 names, as the host has it.
fn own_address(call: &mut Call<'_>) -> SysResult<Vec<u8>> {
    let mut name = vec![0u8; NAME_MAX as usize];
    let mut len = NAME_MAX;
    let (at, len_at) = (name.as_mut_ptr() as u64, (&raw mut len) as u64);
    call.host(SYS_getsockname, [call.arg(0), at, len_at, 0, 0, 0])?;
    name.truncate(len as usize);
    Ok(name)
}

/// AF_UNIX has no raw sockets; the host takes them for datagrams'.
fn refuse_type(call: &Call<'_>) -> SysResult<()> {
    const SOCK_RAW: u64 = 3;
    match (call.arg(0), call.arg(1) & 0xff) {
        (domain, SOCK_RAW) if domain == u64::from(AF_UNIX) => Err(Errno::EPROTOTYPE),
        _ => Ok(()),
    }
}

fn connect_to(call: &mut Call<'_>) -> SysResult {
    refuse_multicast(call, 0, 1)?;
    if let Some(range) = port_range(call) {
        // A socket without a port gets one before it is connected.
        let mut name = own_address(call)?;
        if name.get(2..4) == Some(&[0, 0]) {
            bind_in_range(call, range, &mut name)?;
        }
    }
    let result = pass(call, SYS_connect, true);
    of_family(call, 0, 1, result)
}

/// What came of giving the socket of argument `socket` the address of argument `name`. FreeBSD has an error of its own for one of
/// another family; the host where the socket is of AF_UNIX not.
fn of_family(call: &mut Call<'_>, socket: usize, name: usize, result: SysResult) -> SysResult {
    let family = |call: &Call<'_>| call.read_int(call.arg(name).wrapping_add(1), Kind::U8);
    match result {
        Err(Errno::EINVAL)
            if family(call).is_ok_and(|f| f != u64::from(AF_UNIX)) && is_local(call, socket) =>
        {
            Err(Errno::EAFNOSUPPORT)
        }
        other => other,
    }
}

/// The ports that one is to be taken from (IP_PORTRANGE), if these are not the usual ones (`netinet/in.h`, `in_pcb.c`).
fn port_range(call: &Call<'_>) -> Option<std::ops::RangeInclusive<u16>> {
    const HIGH: u8 = 1;
    const LOW: u8 = 2;
    match kept::get(call, call.int(0), kept::Fact::PortRange) {
        HIGH => Some(49152..=65535),
        LOW => Some(600..=1023),
        _ => None,
    }
}

/// Binds the socket that argument 0 names to a free one of these ports of an address of the host's.
fn bind_in_range(
    call: &mut Call<'_>,
    range: std::ops::RangeInclusive<u16>,
    name: &mut [u8],
) -> SysResult {
    if name.len() < 4 {
        return Err(Errno::EINVAL);
    }
    // Whoever begins at the same one finds it taken.
    let count = usize::from(range.end() - range.start()) + 1;
    let begin = host::monotonic_ns() as usize % count;
    for port in range.clone().cycle().skip(begin).take(count) {
        name[2..4].copy_from_slice(&port.to_be_bytes());
        let args = [
            call.arg(0),
            name.as_ptr() as u64,
            name.len() as u64,
            0,
            0,
            0,
        ];
        match call.host(SYS_bind, args) {
            Err(Errno::EADDRINUSE) => {}
            other => return other,
        }
    }
    Err(Errno::EADDRNOTAVAIL)
}

fn select_descriptors(call: &mut Call<'_>) -> SysResult {
    let time = |call: &Call<'_>| {
        let time = call.read_optional::<Timeval>(call.arg(4))?;
        time.map(|t| valid_time(t.tv_sec.0, t.tv_usec.0.saturating_mul(1000)))
            .transpose()
    };
    match pipe::wait::select(call, time, None) {
        Some(result) => result,
        None => pass(call, SYS_select, true),
    }
}

/// Seconds and nanoseconds that are a time to wait for.
fn valid_time(sec: i64, nsec: i64) -> SysResult<[u64; 2]> {
    match sec >= 0 && (0..1_000_000_000).contains(&nsec) {
        true => Ok([sec as u64, nsec as u64]),
        false => Err(Errno::EINVAL),
    }
}

/// The host wants the mask and its size behind one pointer.
fn select_with_mask(call: &mut Call<'_>) -> SysResult {
    let mask = match call.arg(5) {
        0 => None,
        at => Some(read_sigset(call, at, 16)?.blockable().host_mask()),
    };
    let time = |call: &Call<'_>| {
        let time = call.read_optional::<Timespec>(call.arg(4))?;
        time.map(|t| valid_time(t.tv_sec.0, t.tv_nsec.0))
            .transpose()
    };
    if let Some(result) = pipe::wait::select(call, time, mask) {
        return result;
    }
    let pair = [mask.as_ref().map_or(0, |m| std::ptr::from_ref(m) as u64), 8];
    pass_with(call, SYS_pselect6, true, &[(5, pair.as_ptr() as u64)])
}

/// A stream cannot have an address of many. Argument `socket` is its descriptor, argument `name` the address, its length the next.
fn refuse_multicast(call: &mut Call<'_>, socket: usize, name: usize) -> SysResult<()> {
    const AF_INET: u8 = 2;
    let mut head = [0u8; 8];
    if call.arg(name + 1) < 8 || call.mem().read(call.arg(name), &mut head).is_err() {
        return Ok(());
    }
    // Length, family, port, address.
    if head[1] == AF_INET && head[4] & 0xf0 == 0xe0 && is_stream(call, socket) {
        return Err(Errno::EAFNOSUPPORT);
    }
    Ok(())
}

/// `bindat`, `connectat`: the name of a socket of AF_UNIX is relative to a directory.
fn named_at(call: &mut Call<'_>, number: i64) -> SysResult {
    const AT_FDCWD: i32 = -100;
    if call.arg(3) > u64::from(NAME_MAX) {
        return Err(Errno::EINVAL);
    }
    refuse_multicast(call, 1, 2)?;
    let mut name = call.read_bytes(call.arg(2), call.arg(3))?;
    convert_sockaddr(call.abi, &mut name, true);
    let is_unix = name.get(..2) == Some(&(AF_UNIX as u16).to_le_bytes());
    let dir = call.int(0);
    let confined = capsicum::in_mode(call) || capsicum::limits(call, dir).is_some();
    let mut held = None;
    if is_unix && (confined || dir != AT_FDCWD && name.get(2) != Some(&b'/')) {
        // The host looks the name up through /proc, if it still fits.
        let path: Vec<u8> = name[2..].iter().copied().take_while(|&b| b != 0).collect();
        let confined = confined && (capsicum::in_mode(call) || !path.starts_with(b"/"));
        let (dir, path) = if confined {
            let (dir, last) = capsicum::look_up(dir, &path, number == SYS_connect)?;
            (held.insert(dir).number(), last.into_bytes())
        } else {
            (dir, path)
        };
        name.truncate(2);
        if !path.starts_with(b"/") {
            name.extend(format!("/proc/self/fd/{dir}/").bytes());
        }
        name.extend(path);
        name.push(0);
        if name.len() > 110 {
            call.unimplemented("a long name relative to a directory");
            return Err(Errno::ENAMETOOLONG);
        }
    }
    let args = [
        call.arg(1),
        name.as_ptr() as u64,
        name.len() as u64,
        0,
        0,
        0,
    ];
    let result = call.host_wait(number, args);
    drop(held);
    of_family(call, 1, 2, result)
}

/// Descriptors that may not be waited for are not open to `poll`. The host takes any time below 0 for none.
fn poll_descriptors(call: &mut Call<'_>) -> SysResult {
    const INFTIM: i32 = -1;
    if call.int(2) < INFTIM {
        return Err(Errno::EINVAL);
    }
    let pipes = pipe::wait::look_at(call);
    if !capsicum::in_use(call) && !procdesc::in_use(call) && !pipes.back {
        let ready = pass(call, SYS_poll, true)?;
        // The host says something else of an end whose other one is closed.
        return match ready != 0 && pipes.ends && pipe::wait::look_at(call).closed {
            true => poll_for(call, Some([0, 0]), None),
            false => Ok(ready),
        };
    }
    let ms = call.int(2);
    let time = u64::try_from(ms).ok();
    let time = time.map(|ms| [ms / 1000, ms % 1000 * 1_000_000]);
    poll_for(call, time, None)
}

fn poll_with_mask(call: &mut Call<'_>) -> SysResult {
    let time = call
        .read_optional::<Timespec>(call.arg(2))?
        .map(|t| [t.tv_sec.0 as u64, t.tv_nsec.0 as u64]);
    let mask = match call.arg(3) {
        0 => None,
        at => Some(read_sigset(call, at, 16)?.blockable().host_mask()),
    };
    poll_for(call, time, mask)
}

/// `time`: seconds and nanoseconds.
fn poll_for(call: &mut Call<'_>, time: Option<[u64; 2]>, mask: Option<u64>) -> SysResult {
    // A number that is never open: the host answers POLLNVAL.
    const NOT_OPEN: i32 = i32::MAX;
    const POLLIN: u32 = 1;
    /// What a process descriptor is told of its process's end by, and nothing else.
    const POLLHUP: u16 = 0x10;
    let n = call.arg(1);
    if n > 1 << 20 {
        return Err(Errno::EINVAL);
    }
    let size = Pollfd::DESC.size(call.abi) as u64;
    let host_size = Pollfd::DESC.size(OsAbi::HOST);
    let bytes = call.read_bytes(call.arg(0), n * size)?;
    let mut fds = Vec::with_capacity(n as usize);
    let mut host = vec![0u8; host_size];
    for from in bytes.chunks(size as usize) {
        crate::abi::convert(Pollfd::DESC, call.abi, from, OsAbi::HOST, &mut host)?;
        let word = |kind, at: usize| read_int(OsAbi::HOST, kind, &host[at..]);
        let (fd, events) = (word(Kind::I32, 0) as i32, word(Kind::U16, 4) as u32);
        let open = !capsicum::lacks_event(call, fd);
        let (fd, events) = match procdesc::known(call, fd) {
            _ if !open => (NOT_OPEN, events),
            // The host's news of an end, whatever is asked for.
            Some(_) => (fd, POLLIN),
            None => (fd, events),
        };
        fds.push(pipe::wait::Pollfd::new(fd, events));
    }
    let ready = pipe::wait::poll(call, &mut fds, time, mask)?;
    let mut back = vec![0u8; n as usize * size as usize];
    let entries = fds.iter().zip(bytes.chunks(size as usize));
    for ((one, given), to) in entries.zip(back.chunks_mut(size as usize)) {
        let found = match one.found != 0 && procdesc::known(call, one.fd).is_some() {
            true => POLLHUP,
            false => one.found,
        };
        host[6..8].copy_from_slice(&found.to_le_bytes());
        crate::abi::convert(Pollfd::DESC, OsAbi::HOST, &host, call.abi, to)?;
        // Descriptor and events are as given.
        to[..6].copy_from_slice(&given[..6]);
    }
    call.write_bytes(call.arg(0), &back)?;
    Ok(ready)
}

/// Largest socket address, and most iovecs.
const NAME_MAX: u32 = 128;
const IOV_MAX: u64 = 1024;

/// Sends what one of the vectors of `struct sf_hdtr` points to; returns how much.
fn send_vector(call: &mut Call<'_>, at: u64, count: i32) -> SysResult {
    if at == 0 || count <= 0 {
        return Ok(0);
    }
    if count as u64 > IOV_MAX {
        return Err(Errno::EINVAL);
    }
    let iov = host_iovecs(call, at, count as u64, Dir::In)?;
    let args = [call.arg(1), iov.as_ptr() as u64, count as u64, 0, 0, 0];
    call.host_wait(SYS_writev, args)
}

/// Files are sent to connected stream sockets only; the host asks no questions when there is nothing to send.
fn sendable(call: &mut Call<'_>) -> SysResult<()> {
    if host_option(call, 1, SO_TYPE)? != [SOCK_STREAM] {
        return Err(Errno::EINVAL);
    }
    let mut name = [0u8; NAME_MAX as usize];
    let mut len = NAME_MAX;
    let (at, len_at) = (name.as_mut_ptr() as u64, (&raw mut len) as u64);
    call.host(SYS_getpeername, [call.arg(1), at, len_at, 0, 0, 0])?;
    Ok(())
}

fn send_file(call: &mut Call<'_>) -> SysResult {
    if (call.arg(2) as i64) < 0 {
        return Err(Errno::EINVAL);
    }
    let hdtr = call
        .read_optional::<SfHdtr>(call.arg(4))?
        .unwrap_or_default();
    sendable(call)?;
    let mut sent = 0;
    let result = send_vector(call, hdtr.headers.0, hdtr.hdr_cnt).and_then(|headers| {
        sent += headers;
        let (bytes, result) = send_contents(call, headers != 0);
        sent += bytes;
        result?;
        sent += send_vector(call, hdtr.trailers.0, hdtr.trl_cnt)?;
        Ok(0)
    });
    if call.arg(5) != 0 {
        // Where it cannot be written the call succeeds all the same, as the kernel's.
        let _ = call.write_int(call.arg(5), Kind::I64, sent);
    }
    match result {
        // What is sent is sent: it cannot be made again.
        Err(crate::process::ERESTARTSYS) if sent != 0 => Err(Errno::EINTR),
        other => other,
    }
}

/// Sends the file itself; how much was sent counts also if it fails.
fn send_contents(call: &mut Call<'_>, begun: bool) -> (u64, SysResult) {
    let (fd, socket, count) = (call.arg(0), call.arg(1), call.arg(3));
    let mut offset = call.arg(2);
    let start = offset;
    // A count of 0 means all.
    let most = if count == 0 { u64::MAX } else { count };
    let result = loop {
        let left = most - (offset - start);
        if left == 0 {
            break Ok(0);
        }
        let args = [
            socket,
            fd,
            (&raw mut offset) as u64,
            left.min(0x7fff_f000),
            0,
            0,
        ];
        match call.host_wait(SYS_sendfile, args) {
            Ok(0) => break Ok(0),
            Ok(_) => {}
            Err(crate::process::ERESTARTSYS) if begun || offset != start => {
                break Err(Errno::EINTR);
            }
            Err(e) => break Err(e),
        }
    };
    (offset - start, result)
}
