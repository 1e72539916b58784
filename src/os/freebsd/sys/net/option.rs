//! Socket options (`sys/socket.h`, `netinet/tcp.h`, `netinet/in.h`, `netinet6/in6.h`).

mod tcp;

use super::kept::Fact;
use super::*;
use crate::os::freebsd::procinfo;

/// What of the options is missing.
pub(super) const LIMITS: &str = "not TCP_MD5SIG and what TCP's other stacks have, IPSEC, options of IPv6's extension headers by their own values, SCTP's; SO_LISTENINCQLEN; sequence numbers in TCP_INFO";

/// What an option's value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// `int`, or any bytes that are the same on the host.
    Int,
    /// A truth that is told by the option's own number (`so_options`).
    Bit,
    /// Size of a buffer, of which the host tells twice as much.
    Buffer,
    /// `struct linger`: two `int`s.
    Linger,
    /// `struct timeval`
    Time,
    /// An error number.
    Error,
    /// An address family.
    Family,
    /// Addresses: bytes in network order.
    Bytes,
    /// A truth of one byte or an `int`, which is an `int` on the host.
    Flag,
    /// Group, interface's address, and perhaps the number of an interface: `struct ip_mreqn`.
    Group4,
    /// Group and interface: `struct ipv6_mreq`, whose interface is an `unsigned`.
    Group6,
    /// Interface, and as many socket addresses: `struct group_req`, `struct group_source_req`.
    Groups(usize),
    /// `struct __msfilterreq`: which sources of a group are heard.
    Sources,
    /// `struct xucred` of the peer.
    Credentials,
    /// The length of a queue of a listening socket.
    Queue,
    /// How long it may become.
    QueueLimit,
    /// Group, source and interface: the last two change places.
    Source,
    /// Whether packets must not be cut up, which the host has as a way to find the size of them.
    Whole,
    /// `struct tcp_info`
    Connection,
    /// Kept here, up to a largest value.
    Kept(Fact, i32),
    /// Two of FreeBSD's options that are one of the host's: this one and the other.
    Either(Fact, Fact),
    /// A filter of connections: none is there until its module is loaded, as on a GENERIC kernel.
    Filter,
    /// Labels, which without a policy nothing has.
    Label,
    /// Accepted up to a largest value, and without effect: nothing of the host would look at it. It cannot be asked for.
    Unseen(i32),
    /// Accepted and without effect: the host does so anyway or knows no such thing. What is told of it.
    Fixed(i32),
}

/// Level, option, its name, level and option of the host, value.
type Row = (u64, u64, &'static str, u64, u64, Value);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (0xffff, 0x0002, "SO_ACCEPTCONN", 1, 30, Value::Bit),
    (0xffff, 0x0004, "SO_REUSEADDR", 1, 2, Value::Bit),
    (0xffff, 0x0008, "SO_KEEPALIVE", 1, 9, Value::Bit),
    (0xffff, 0x0010, "SO_DONTROUTE", 1, 5, Value::Bit),
    (0xffff, 0x0020, "SO_BROADCAST", 1, 6, Value::Bit),
    (0xffff, 0x0080, "SO_LINGER", 1, 13, Value::Linger),
    (0xffff, 0x0100, "SO_OOBINLINE", 1, 10, Value::Bit),
    (0xffff, 0x0200, "SO_REUSEPORT", 1, 15, Value::Bit),
    (0xffff, 0x0001, "SO_DEBUG", 1, 1, Value::Bit),
    (0xffff, 0x0040, "SO_USELOOPBACK", 1, 0, Value::Fixed(0)),
    (0xffff, 0x0400, "SO_TIMESTAMP", 1, 35, Value::Either(Fact::Timestamp, Fact::Bintime)),
    (0xffff, 0x0800, "SO_NOSIGPIPE", 1, 0, Value::Kept(Fact::NoSignal, 1)),
    (0xffff, 0x1000, "SO_ACCEPTFILTER", 1, 0, Value::Filter),
    (0xffff, 0x2000, "SO_BINTIME", 1, 35, Value::Either(Fact::Bintime, Fact::Timestamp)),
    (0xffff, 0x1009, "SO_LABEL", 1, 0, Value::Label),
    (0xffff, 0x1010, "SO_PEERLABEL", 1, 0, Value::Label),
    (0xffff, 0x1017, "SO_TS_CLOCK", 1, 0, Value::Kept(Fact::Clock, 3)),
    (0xffff, 0x1001, "SO_SNDBUF", 1, 7, Value::Buffer),
    (0xffff, 0x1002, "SO_RCVBUF", 1, 8, Value::Buffer),
    (0xffff, 0x1003, "SO_SNDLOWAT", 1, 0, Value::Fixed(2048)),
    (0xffff, 0x1004, "SO_RCVLOWAT", 1, 18, Value::Int),
    (0xffff, 0x1005, "SO_SNDTIMEO", 1, 21, Value::Time),
    (0xffff, 0x1006, "SO_RCVTIMEO", 1, 20, Value::Time),
    (0xffff, 0x1007, "SO_ERROR", 1, 4, Value::Error),
    (0xffff, 0x1008, "SO_TYPE", 1, 3, Value::Int),
    (0xffff, 0x1012, "SO_LISTENQLEN", 6, 11, Value::Queue),
    (0xffff, 0x1011, "SO_LISTENQLIMIT", 6, 11, Value::QueueLimit),
    (0xffff, 0x4000, "SO_NO_OFFLOAD", 1, 0, Value::Fixed(0)),
    (0xffff, 0x8000, "SO_NO_DDP", 1, 0, Value::Fixed(0)),
    (0xffff, 0x1014, "SO_SETFIB", 1, 0, Value::Unseen(0)),
    (0xffff, 0x1015, "SO_USER_COOKIE", 1, 0, Value::Unseen(i32::MAX)),
    (0xffff, 0x1016, "SO_PROTOCOL", 1, 38, Value::Int),
    (0xffff, 0x1018, "SO_MAX_PACING_RATE", 1, 47, Value::Int),
    (0xffff, 0x1019, "SO_DOMAIN", 1, 39, Value::Family),
    (0xffff, 0x10000, "SO_REUSEPORT_LB", 1, 15, Value::Bit),
    (6, 1, "TCP_NODELAY", 6, 1, Value::Int),
    (6, 2, "TCP_MAXSEG", 6, 2, Value::Int),
    (6, 4, "TCP_NOPUSH", 6, 3, Value::Int),
    (6, 32, "TCP_INFO", 6, 11, Value::Connection),
    (6, 64, "TCP_CONGESTION", 6, 13, Value::Bytes),
    (6, 128, "TCP_KEEPINIT", 6, 0, Value::Fixed(75)),
    (6, 256, "TCP_KEEPIDLE", 6, 4, Value::Int),
    (6, 512, "TCP_KEEPINTVL", 6, 5, Value::Int),
    (6, 1024, "TCP_KEEPCNT", 6, 6, Value::Int),
    (6, 1025, "TCP_FASTOPEN", 6, 23, Value::Int),
    (0, 1, "IP_OPTIONS", 0, 4, Value::Bytes),
    (0, 5, "IP_RECVOPTS", 0, 6, Value::Flag),
    (0, 6, "IP_RECVRETOPTS", 0, 7, Value::Flag),
    (0, 19, "IP_PORTRANGE", 0, 0, Value::Kept(Fact::PortRange, 2)),
    (0, 24, "IP_BINDANY", 0, 19, Value::Int),
    (0, 67, "IP_DONTFRAG", 0, 10, Value::Whole),
    (0, 70, "IP_ADD_SOURCE_MEMBERSHIP", 0, 39, Value::Source),
    (0, 71, "IP_DROP_SOURCE_MEMBERSHIP", 0, 40, Value::Source),
    (0, 72, "IP_BLOCK_SOURCE", 0, 38, Value::Source),
    (0, 73, "IP_UNBLOCK_SOURCE", 0, 37, Value::Source),
    (17, 1, "UDP_ENCAP", 17, 100, Value::Int),
    (0, 2, "IP_HDRINCL", 0, 3, Value::Int),
    (0, 3, "IP_TOS", 0, 1, Value::Int),
    (0, 4, "IP_TTL", 0, 2, Value::Int),
    (0, 9, "IP_MULTICAST_IF", 0, 32, Value::Group4),
    (0, 10, "IP_MULTICAST_TTL", 0, 33, Value::Bytes),
    (0, 11, "IP_MULTICAST_LOOP", 0, 34, Value::Bytes),
    (0, 12, "IP_ADD_MEMBERSHIP", 0, 35, Value::Group4),
    (0, 13, "IP_DROP_MEMBERSHIP", 0, 36, Value::Group4),
    (41, 4, "IPV6_UNICAST_HOPS", 41, 16, Value::Int),
    (41, 9, "IPV6_MULTICAST_IF", 41, 17, Value::Int),
    (41, 10, "IPV6_MULTICAST_HOPS", 41, 18, Value::Int),
    (41, 11, "IPV6_MULTICAST_LOOP", 41, 19, Value::Int),
    (0, 7, "IP_RECVDSTADDR", 0, 8, Value::Either(Fact::ToAddress, Fact::Interface)),
    (0, 20, "IP_RECVIF", 0, 8, Value::Either(Fact::Interface, Fact::ToAddress)),
    (0, 27, "IP_ORIGDSTADDR", 0, 20, Value::Flag),
    (0, 74, "IP_MSFILTER", 0, 48, Value::Sources),
    (0, 80, "MCAST_JOIN_GROUP", 0, 42, Value::Groups(1)),
    (0, 81, "MCAST_LEAVE_GROUP", 0, 45, Value::Groups(1)),
    (0, 82, "MCAST_JOIN_SOURCE_GROUP", 0, 46, Value::Groups(2)),
    (0, 83, "MCAST_LEAVE_SOURCE_GROUP", 0, 47, Value::Groups(2)),
    (0, 84, "MCAST_BLOCK_SOURCE", 0, 43, Value::Groups(2)),
    (0, 85, "MCAST_UNBLOCK_SOURCE", 0, 44, Value::Groups(2)),
    (0, 65, "IP_RECVTTL", 0, 12, Value::Flag),
    (0, 66, "IP_MINTTL", 0, 21, Value::Int),
    (0, 68, "IP_RECVTOS", 0, 13, Value::Flag),
    (41, 12, "IPV6_JOIN_GROUP", 41, 20, Value::Group6),
    (41, 13, "IPV6_LEAVE_GROUP", 41, 21, Value::Group6),
    (41, 14, "IPV6_PORTRANGE", 41, 0, Value::Kept(Fact::PortRange, 2)),
    (41, 19, "IPV6_2292PKTINFO", 41, 2, Value::Int),
    (41, 20, "IPV6_2292HOPLIMIT", 41, 8, Value::Int),
    (41, 22, "IPV6_2292HOPOPTS", 41, 3, Value::Int),
    (41, 23, "IPV6_2292DSTOPTS", 41, 4, Value::Int),
    (41, 24, "IPV6_2292RTHDR", 41, 5, Value::Int),
    (41, 38, "IPV6_RECVRTHDR", 41, 56, Value::Int),
    (41, 39, "IPV6_RECVHOPOPTS", 41, 53, Value::Int),
    (41, 40, "IPV6_RECVDSTOPTS", 41, 58, Value::Int),
    (41, 43, "IPV6_RECVPATHMTU", 41, 60, Value::Int),
    (41, 59, "IPV6_AUTOFLOWLABEL", 41, 70, Value::Int),
    (41, 62, "IPV6_DONTFRAG", 41, 62, Value::Int),
    (41, 64, "IPV6_BINDANY", 41, 75, Value::Int),
    (41, 26, "IPV6_CHECKSUM", 41, 7, Value::Int),
    (41, 36, "IPV6_RECVPKTINFO", 41, 49, Value::Int),
    (41, 37, "IPV6_RECVHOPLIMIT", 41, 51, Value::Int),
    (41, 57, "IPV6_RECVTCLASS", 41, 66, Value::Int),
    (41, 61, "IPV6_TCLASS", 41, 67, Value::Int),
    (41, 72, "IPV6_ORIGDSTADDR", 41, 74, Value::Int),
    (41, 74, "IPV6_MSFILTER", 41, 48, Value::Sources),
    (41, 80, "MCAST_JOIN_GROUP", 41, 42, Value::Groups(1)),
    (41, 81, "MCAST_LEAVE_GROUP", 41, 45, Value::Groups(1)),
    (41, 82, "MCAST_JOIN_SOURCE_GROUP", 41, 46, Value::Groups(2)),
    (41, 83, "MCAST_LEAVE_SOURCE_GROUP", 41, 47, Value::Groups(2)),
    (41, 84, "MCAST_BLOCK_SOURCE", 41, 43, Value::Groups(2)),
    (41, 85, "MCAST_UNBLOCK_SOURCE", 41, 44, Value::Groups(2)),
    (41, 27, "IPV6_V6ONLY", 41, 26, Value::Int),
];

/// Options of sockets of AF_UNIX, whose level is that of IP (`sys/un.h`).
const LOCAL: &[Row] = &[
    (0, 1, "LOCAL_PEERCRED", 1, SO_PEERCRED, Value::Credentials),
    (
        0,
        2,
        "LOCAL_CREDS",
        1,
        16,
        Value::Either(Fact::Credentials, Fact::LastingCredentials),
    ),
    (
        0,
        3,
        "LOCAL_CREDS_PERSISTENT",
        1,
        16,
        Value::Either(Fact::LastingCredentials, Fact::Credentials),
    ),
];

fn known(rows: &'static [Row], level: u64, name: u64) -> Option<&'static Row> {
    rows.iter().find(|r| (r.0, r.1) == (level, name))
}

/// The option of that number, for traces, which do not know the socket's family.
fn likely(level: u64, name: u64) -> Option<&'static Row> {
    // Who asks for the peer is met more often than who asks for IP_OPTIONS.
    match (level, name) {
        (0, 1) => known(LOCAL, level, name),
        _ => known(ROWS, level, name),
    }
}

/// An option's name, for traces; its number if nothing is known of it.
pub(super) fn name(level: u64, name: u64) -> String {
    likely(level, name).map_or_else(|| format!("{name:#x}"), |row| row.2.to_owned())
}

/// What an option's value is, for traces: as long as argument 4 says, or what is behind it.
pub(super) fn value(level: u64, name: u64, dir: Dir) -> ArgType {
    let len = match dir {
        Dir::In => Len::Arg(4),
        _ => Len::Behind(4),
    };
    match likely(level, name).map(|row| row.5) {
        Some(
            Value::Int
            | Value::Bit
            | Value::Buffer
            | Value::Flag
            | Value::Kept(..)
            | Value::Either(..)
            | Value::Fixed(_)
            | Value::Unseen(_),
        ) => ints(dir, 1),
        Some(Value::Error) => ints_of(dir, Kind::I32, Show::Errno, 1),
        Some(Value::Family) => ints_of(dir, Kind::I32, Show::Flags(&f::DOMAIN), 1),
        Some(Value::Time) => ArgType::Struct(dir, Timeval::DESC),
        Some(Value::Linger) => ArgType::Ints(dir, Kind::I32, Show::Dec, Len::Const(2)),
        _ => ArgType::Buf(dir, len),
    }
}

/// `struct xucred` (`sys/ucred.h`) from the host's `struct ucred`: process, user, group.
fn peer_credentials(call: &Call<'_>, host: &[u8]) -> Vec<u8> {
    const XU_NGROUPS: usize = 16;
    // Groups after version, user and count; the process is in a union with a pointer.
    const GROUPS: usize = 12;
    let word = usize::from(call.abi.abi.word);
    let process = (GROUPS + 4 * XU_NGROUPS).next_multiple_of(word);
    let mut out = vec![0; process + word];
    let field = |n: usize| read_int(OsAbi::HOST, Kind::U32, &host[4 * n..]);
    let (pid, user, group) = (field(0), field(1), field(2));
    // The groups of a process that has changed since are not its groups then.
    let mut groups = procinfo::groups(pid as i32);
    groups.truncate(XU_NGROUPS);
    if groups.first() != Some(&(group as u32)) {
        groups = vec![group as u32];
    }
    let mut put = |at: usize, kind: Kind, value: u64| {
        crate::abi::write_int(call.abi, kind, &mut out[at..], value);
    };
    put(4, Kind::U32, user);
    put(8, Kind::U16, groups.len() as u64);
    for (n, group) in groups.into_iter().enumerate() {
        put(GROUPS + 4 * n, Kind::U32, group.into());
    }
    put(process, Kind::I32, pid);
    out
}

/// The row of the option that is to be set, which `gives` a value, or asked for.
fn row(call: &mut Call<'_>, gives: bool) -> SysResult<&'static Row> {
    let (level, name) = (call.arg(1) & 0xffff_ffff, call.arg(2) & 0xffff_ffff);
    let found = match level {
        0 if is_local(call, 0) => known(LOCAL, level, name),
        _ => known(ROWS, level, name),
    };
    found.ok_or_else(|| {
        // What the caller gives to `setsockopt`, or how much room it has for `getsockopt`, which has the length behind a pointer.
        let (value, len) = (call.arg(3), call.arg(4));
        let (size, input) = match gives {
            true => (Some(len), call.peek(value, len)),
            false => (call.read_int(len, Kind::U32).ok(), Vec::new()),
        };
        call.report_unimplemented(crate::process::Unimplemented {
            what: format!("socket option {name:#x} of level {level:#x}"),
            size,
            input,
            ..Default::default()
        });
        Errno::ENOPROTOOPT
    })
}

/// Sets one of two options that are one of the host's.
fn set_either(call: &mut Call<'_>, fd: i32, row: &Row, on: bool) -> SysResult {
    let &(_, _, _, level, name, Value::Either(this, other)) = row else {
        return Err(Errno::ENOPROTOOPT);
    };
    let others = kept::get(call, fd, other) != 0;
    let credentials = |f| matches!(f, Fact::Credentials | Fact::LastingCredentials);
    if on && others && credentials(this) {
        return Err(Errno::EINVAL);
    }
    let host = i32::from(on || others);
    let at = (&raw const host) as u64;
    call.host(SYS_setsockopt, [fd as u64, level, name, at, 4, 0])?;
    kept::set(call, fd, this, on.into());
    Ok(0)
}

/// Credentials have been told for LOCAL_CREDS: a stream tells them once.
pub(super) fn told_credentials(call: &mut Call<'_>, fd: i32) {
    if let Some(row) = known(LOCAL, 0, 2)
        && kept::get(call, fd, Fact::Credentials) != 0
        && is_stream(call, 0)
    {
        // What cannot be turned off is told again.
        let _ = set_either(call, fd, row, false);
    }
}

/// A socket's address in the guest's memory, as the host has it, in `struct sockaddr_storage`.
fn storage(call: &Call<'_>, at: u64) -> SysResult<Vec<u8>> {
    let mut address = call.read_bytes(at, STORAGE)?;
    convert_sockaddr(call.abi, &mut address, true);
    Ok(address)
}

/// `struct sockaddr_storage`, which is aligned to 8.
const STORAGE: u64 = 128;

/// What is before the sources in the host's `struct group_filter`, which is followed by them.
const FILTER_HEAD: usize = 144;
/// Most sources (`IP_MAX_SOURCE_FILTER`).
const SOURCES_MAX: u64 = 128;

/// The host's `struct group_filter` for `struct __msfilterreq` with as many sources, and how many the guest has or has room for.
fn source_filter(call: &Call<'_>, with_sources: bool) -> SysResult<(Vec<u8>, u64)> {
    const MCAST_EXCLUDE: u64 = 2;
    let at = call.arg(3);
    let field = |offset: u64| call.read_int(at.wrapping_add(offset), Kind::U32);
    let (interface, mode, count) = (field(0)?, field(4)?, field(8)?);
    if count > SOURCES_MAX {
        return Err(Errno::ENOBUFS);
    }
    let mut host = (interface as u32).to_le_bytes().to_vec();
    host.resize(8, 0);
    host.extend(storage(call, at.wrapping_add(16))?);
    // 0 is to exclude, 1 to include.
    host.extend(u32::from(mode != MCAST_EXCLUDE).to_le_bytes());
    host.extend((count as u32).to_le_bytes());
    let sources = sources_at(call)?;
    for n in 0..count {
        match with_sources {
            true => host.extend(storage(call, sources.wrapping_add(n * STORAGE))?),
            false => host.resize(host.len() + STORAGE as usize, 0),
        }
    }
    Ok((host, count))
}

/// The last field of `struct __msfilterreq`: where the sources are.
fn sources_at(call: &Call<'_>) -> SysResult {
    call.read_int(call.arg(3).wrapping_add(16 + STORAGE), Kind::Ulong)
}

/// The host's, as the first byte of an address.
const AF_INET: u8 = 2;

/// Which sources of a group are heard: as many as there is room for, and how many there are.
fn get_sources(call: &mut Call<'_>, level: u64, name: u64) -> SysResult {
    let (mut filter, room) = source_filter(call, false)?;
    let mut len = filter.len() as u32;
    let (to, len_at) = (filter.as_mut_ptr() as u64, (&raw mut len) as u64);
    call.host(SYS_getsockopt, [call.arg(0), level, name, to, len_at, 0])?;
    let word = |at: usize| read_int(OsAbi::HOST, Kind::U32, &filter[at..]);
    let (mode, count) = (if word(136) == 0 { 2 } else { 1 }, word(140));
    let at = call.arg(3);
    call.write_int(at.wrapping_add(4), Kind::U32, mode)?;
    call.write_int(at.wrapping_add(8), Kind::U32, count)?;
    let sources = sources_at(call)?;
    let found = filter[FILTER_HEAD..].chunks_exact(STORAGE as usize);
    for (n, source) in found.take(count.min(room) as usize).enumerate() {
        // The length of a source is that of its family's addresses.
        let size = if source[0] == AF_INET { 16 } else { 28 };
        let mut source = source.to_vec();
        convert_sockaddr(call.abi, &mut source[..size], false);
        call.write_bytes(sources.wrapping_add(n as u64 * STORAGE), &source)?;
    }
    Ok(0)
}

pub(super) fn set(call: &mut Call<'_>) -> SysResult {
    let row = row(call, true)?;
    let &(_, _, _, level, name, value) = row;
    let (at, size) = (call.arg(3), call.arg(4));
    if size > 4096 {
        return Err(Errno::EINVAL);
    }
    let int = |call: &Call<'_>| match size {
        0..4 => Err(Errno::EINVAL),
        _ => Ok(call.read_int(at, Kind::I32)? as i32),
    };
    let host = match value {
        Value::Fixed(_) => return Ok(0),
        Value::Unseen(most) => match int(call)? {
            v if (0..=most).contains(&v) || most == i32::MAX => return Ok(0),
            _ => return Err(Errno::EINVAL),
        },
        Value::Kept(fact, most) => {
            // What is on or off may be any number.
            let value = match int(call)? {
                v if most == 1 => i32::from(v != 0),
                v if (0..=most).contains(&v) => v,
                _ => return Err(Errno::EINVAL),
            };
            kept::set(call, call.int(0), fact, value as u8);
            return Ok(0);
        }
        Value::Either(..) => {
            let on = int(call)? != 0;
            return set_either(call, call.int(0), row, on);
        }
        Value::Filter => return set_filter(call),
        Value::Label => return Err(Errno::EINVAL),
        Value::Int | Value::Bit | Value::Buffer => int(call)?.to_le_bytes().to_vec(),
        Value::Linger => {
            let on = call.read_int(at, Kind::I32)? as i32;
            let time = call.read_int(at.wrapping_add(4), Kind::I32)? as i32;
            [on.to_le_bytes(), time.to_le_bytes()].concat()
        }
        Value::Time => {
            let t: Timeval = call.read_struct(at)?;
            [t.tv_sec.0.to_le_bytes(), t.tv_usec.0.to_le_bytes()].concat()
        }
        Value::Bytes => call.read_bytes(at, size)?,
        Value::Flag if size == 1 => vec![call.read_bytes(at, 1)?[0], 0, 0, 0],
        Value::Flag => int(call)?.to_le_bytes().to_vec(),
        Value::Group4 => {
            let mut group = call.read_bytes(at, size)?;
            if let Some(interface) = group.get_mut(8..12) {
                let number = read_int(call.abi, Kind::U32, interface) as u32;
                interface.copy_from_slice(&number.to_le_bytes());
            }
            group
        }
        Value::Group6 => {
            let mut group = call.read_bytes(at, 16)?;
            let interface = call.read_int(at.wrapping_add(16), Kind::U32)? as u32;
            group.extend(interface.to_le_bytes());
            group
        }
        Value::Groups(count) => {
            if size < 8 + count as u64 * STORAGE {
                return Err(Errno::EINVAL);
            }
            let interface = call.read_int(at, Kind::U32)?;
            let mut group = interface.to_le_bytes().to_vec();
            for n in 0..count as u64 {
                group.extend(storage(call, at.wrapping_add(8 + n * STORAGE))?);
            }
            group
        }
        Value::Sources => source_filter(call, true)?.0,
        Value::Source => {
            let mut addresses = call.read_bytes(at, 12)?;
            addresses[4..].rotate_left(4);
            addresses
        }
        // IP_PMTUDISC_DO and IP_PMTUDISC_DONT
        Value::Whole => match int(call)? {
            0 => 0i32.to_le_bytes().to_vec(),
            _ => 2i32.to_le_bytes().to_vec(),
        },
        Value::Error
        | Value::Family
        | Value::Credentials
        | Value::Connection
        | Value::Queue
        | Value::QueueLimit => {
            return Err(Errno::ENOPROTOOPT);
        }
    };
    let args = [
        call.arg(0),
        level,
        name,
        host.as_ptr() as u64,
        host.len() as u64,
        0,
    ];
    call.host(SYS_setsockopt, args)
}

/// A filter of connections (`accept_filt_setopt`): no filter is there, so none can be set, and none can be taken away.
fn set_filter(call: &mut Call<'_>) -> SysResult {
    const SO_ACCEPTCONN: u64 = 30;
    /// `struct accept_filter_arg`
    const SIZE: u64 = 256;
    let (at, size) = (call.arg(3), call.arg(4));
    if at == 0 {
        let listens = host_option(call, 0, SO_ACCEPTCONN)? != [0];
        return if listens { Ok(0) } else { Err(Errno::EINVAL) };
    }
    if size < SIZE {
        return Err(Errno::EINVAL);
    }
    call.read_bytes(at, SIZE)?;
    Err(Errno::ENOENT)
}

pub(super) fn get(call: &mut Call<'_>) -> SysResult {
    let &(_, number, _, level, name, value) = row(call, false)?;
    let (at, len_at) = (call.arg(3), call.arg(4));
    let room = call.read_int(len_at, Kind::U32)? as usize;
    let mut host = vec![0u8; 512];
    let mut len = host.len() as u32;
    let told = match value {
        Value::Filter | Value::Label => return Err(Errno::EINVAL),
        Value::Unseen(_) | Value::Groups(_) => return Err(Errno::ENOPROTOOPT),
        Value::Sources => return get_sources(call, level, name),
        Value::Fixed(told) => Some(told),
        Value::Kept(fact, _) | Value::Either(fact, _) => {
            Some(kept::get(call, call.int(0), fact).into())
        }
        _ => None,
    };
    match told {
        Some(told) => {
            host[..4].copy_from_slice(&told.to_le_bytes());
            len = 4;
        }
        None => {
            let args = [
                call.arg(0),
                level,
                name,
                host.as_mut_ptr() as u64,
                (&raw mut len) as u64,
                0,
            ];
            call.host(SYS_getsockopt, args)?;
        }
    }
    host.truncate(len as usize);
    let mut out = match value {
        Value::Time => {
            let word = |n: usize| read_int(OsAbi::HOST, Kind::I64, &host[n..]) as i64;
            Timeval {
                tv_sec: crate::abi::Long(word(0)),
                tv_usec: crate::abi::Long(word(8)),
            }
            .write(call.abi)?
        }
        Value::Bytes => host,
        Value::Credentials => peer_credentials(call, &host),
        Value::Connection => tcp::info(call.abi, &host),
        Value::Queue | Value::QueueLimit => {
            // tcpi_unacked of a listening socket is what waits for accept, tcpi_sacked how much may.
            let at = if value == Value::Queue { 24 } else { 28 };
            let count = host
                .get(at..at + 4)
                .map_or(0, |b| read_int(OsAbi::HOST, Kind::U32, b));
            let mut out = vec![0; 4];
            crate::abi::write_int(call.abi, Kind::I32, &mut out, count);
            out
        }
        _ => {
            // Those of `so_options` are told as their bit.
            let is_bit = |fact| matches!(fact, Fact::NoSignal | Fact::Timestamp | Fact::Bintime);
            let bit = match value {
                Value::Bit => true,
                Value::Kept(fact, _) | Value::Either(fact, _) => is_bit(fact),
                _ => false,
            };
            let mut out = vec![0u8; host.len() / 4 * 4];
            for (from, to) in host.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
                let v = read_int(OsAbi::HOST, Kind::I32, from);
                let v = match value {
                    _ if bit => u64::from(v != 0) * number,
                    Value::Error => Show::Errno.convert(v, OsAbi::HOST, call.abi),
                    Value::Family => f::DOMAIN.to_guest(call.abi.dialect, v),
                    Value::Buffer => v / 2,
                    Value::Whole => (v == 2).into(),
                    _ => v,
                };
                crate::abi::write_int(call.abi, Kind::I32, to, v);
            }
            out
        }
    };
    out.truncate(room);
    call.write_bytes(at, &out)?;
    call.write_int(len_at, Kind::U32, out.len() as u64)?;
    Ok(0)
}
