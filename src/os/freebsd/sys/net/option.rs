//! Socket options (`sys/socket.h`, `netinet/tcp.h`, `netinet/in.h`, `netinet6/in6.h`).

use super::*;

/// What an option's value is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Value {
    /// `int`, or any bytes that are the same on the host.
    Int,
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
    /// Group and interface: `struct ipv6_mreq`, whose interface is an `unsigned`.
    Group6,
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
    /// Whether a broken connection raises no signal: kept here.
    Quiet,
    /// Accepted and without effect: the host does so anyway or knows no such thing.
    Ignored,
}

/// Level, option, its name, level and option of the host, value.
type Row = (u64, u64, &'static str, u64, u64, Value);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (0xffff, 0x0002, "SO_ACCEPTCONN", 1, 30, Value::Int),
    (0xffff, 0x0004, "SO_REUSEADDR", 1, 2, Value::Int),
    (0xffff, 0x0008, "SO_KEEPALIVE", 1, 9, Value::Int),
    (0xffff, 0x0010, "SO_DONTROUTE", 1, 5, Value::Int),
    (0xffff, 0x0020, "SO_BROADCAST", 1, 6, Value::Int),
    (0xffff, 0x0080, "SO_LINGER", 1, 13, Value::Linger),
    (0xffff, 0x0100, "SO_OOBINLINE", 1, 10, Value::Int),
    (0xffff, 0x0200, "SO_REUSEPORT", 1, 15, Value::Int),
    (0xffff, 0x0001, "SO_DEBUG", 1, 1, Value::Int),
    (0xffff, 0x0040, "SO_USELOOPBACK", 1, 0, Value::Ignored),
    (0xffff, 0x0400, "SO_TIMESTAMP", 1, 29, Value::Int),
    (0xffff, 0x0800, "SO_NOSIGPIPE", 1, 0, Value::Quiet),
    (0xffff, 0x1001, "SO_SNDBUF", 1, 7, Value::Int),
    (0xffff, 0x1002, "SO_RCVBUF", 1, 8, Value::Int),
    (0xffff, 0x1003, "SO_SNDLOWAT", 1, 0, Value::Ignored),
    (0xffff, 0x1004, "SO_RCVLOWAT", 1, 18, Value::Int),
    (0xffff, 0x1005, "SO_SNDTIMEO", 1, 21, Value::Time),
    (0xffff, 0x1006, "SO_RCVTIMEO", 1, 20, Value::Time),
    (0xffff, 0x1007, "SO_ERROR", 1, 4, Value::Error),
    (0xffff, 0x1008, "SO_TYPE", 1, 3, Value::Int),
    (0xffff, 0x1012, "SO_LISTENQLEN", 6, 11, Value::Queue),
    (0xffff, 0x1011, "SO_LISTENQLIMIT", 6, 11, Value::QueueLimit),
    (0xffff, 0x4000, "SO_NO_OFFLOAD", 1, 0, Value::Ignored),
    (0xffff, 0x8000, "SO_NO_DDP", 1, 0, Value::Ignored),
    (0xffff, 0x1014, "SO_SETFIB", 1, 0, Value::Ignored),
    (0xffff, 0x1015, "SO_USER_COOKIE", 1, 36, Value::Int),
    (0xffff, 0x1016, "SO_PROTOCOL", 1, 38, Value::Int),
    (0xffff, 0x1018, "SO_MAX_PACING_RATE", 1, 47, Value::Int),
    (0xffff, 0x1019, "SO_DOMAIN", 1, 39, Value::Family),
    (0xffff, 0x10000, "SO_REUSEPORT_LB", 1, 15, Value::Int),
    (6, 1, "TCP_NODELAY", 6, 1, Value::Int),
    (6, 2, "TCP_MAXSEG", 6, 2, Value::Int),
    (6, 4, "TCP_NOPUSH", 6, 3, Value::Int),
    (6, 64, "TCP_CONGESTION", 6, 13, Value::Bytes),
    (6, 128, "TCP_KEEPINIT", 6, 0, Value::Ignored),
    (6, 256, "TCP_KEEPIDLE", 6, 4, Value::Int),
    (6, 512, "TCP_KEEPINTVL", 6, 5, Value::Int),
    (6, 1024, "TCP_KEEPCNT", 6, 6, Value::Int),
    (6, 1025, "TCP_FASTOPEN", 6, 23, Value::Int),
    (0, 1, "LOCAL_PEERCRED", 1, 17, Value::Credentials),
    (0, 1, "IP_OPTIONS", 0, 4, Value::Bytes),
    (0, 5, "IP_RECVOPTS", 0, 6, Value::Flag),
    (0, 6, "IP_RECVRETOPTS", 0, 7, Value::Flag),
    (0, 19, "IP_PORTRANGE", 0, 0, Value::Ignored),
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
    (0, 9, "IP_MULTICAST_IF", 0, 32, Value::Bytes),
    (0, 10, "IP_MULTICAST_TTL", 0, 33, Value::Bytes),
    (0, 11, "IP_MULTICAST_LOOP", 0, 34, Value::Bytes),
    (0, 12, "IP_ADD_MEMBERSHIP", 0, 35, Value::Bytes),
    (0, 13, "IP_DROP_MEMBERSHIP", 0, 36, Value::Bytes),
    (41, 4, "IPV6_UNICAST_HOPS", 41, 16, Value::Int),
    (41, 9, "IPV6_MULTICAST_IF", 41, 17, Value::Int),
    (41, 10, "IPV6_MULTICAST_HOPS", 41, 18, Value::Int),
    (41, 11, "IPV6_MULTICAST_LOOP", 41, 19, Value::Int),
    (0, 7, "IP_RECVDSTADDR", 0, 8, Value::Flag),
    (0, 65, "IP_RECVTTL", 0, 12, Value::Flag),
    (0, 66, "IP_MINTTL", 0, 21, Value::Int),
    (0, 68, "IP_RECVTOS", 0, 13, Value::Flag),
    (41, 12, "IPV6_JOIN_GROUP", 41, 20, Value::Group6),
    (41, 13, "IPV6_LEAVE_GROUP", 41, 21, Value::Group6),
    (41, 14, "IPV6_PORTRANGE", 41, 0, Value::Ignored),
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
    (41, 27, "IPV6_V6ONLY", 41, 26, Value::Int),
];

fn known(level: u64, name: u64) -> Option<&'static Row> {
    ROWS.iter().find(|r| (r.0, r.1) == (level, name))
}

/// An option's name, for traces; its number if nothing is known of it.
pub(super) fn name(level: u64, name: u64) -> String {
    known(level, name).map_or_else(|| format!("{name:#x}"), |row| row.2.to_owned())
}

/// What an option's value is, for traces: as long as argument 4 says, or what is behind it.
pub(super) fn value(level: u64, name: u64, dir: Dir) -> ArgType {
    let len = match dir {
        Dir::In => Len::Arg(4),
        _ => Len::Behind(4),
    };
    match known(level, name).map(|row| row.5) {
        Some(Value::Int | Value::Flag) => ints(dir, 1),
        Some(Value::Error) => ints_of(dir, Kind::I32, Show::Errno, 1),
        Some(Value::Family) => ints_of(dir, Kind::I32, Show::Flags(&f::DOMAIN), 1),
        Some(Value::Time) => ArgType::Struct(dir, Timeval::DESC),
        Some(Value::Linger) => ArgType::Ints(dir, Kind::I32, Show::Dec, Len::Const(2)),
        _ => ArgType::Buf(dir, len),
    }
}

/// `struct xucred` (`sys/ucred.h`) from the host's `struct ucred`: process, user, group.
fn peer_credentials(call: &Call<'_>, host: &[u8]) -> SysResult<Vec<u8>> {
    const XU_NGROUPS: usize = 16;
    // Groups after version, user and count; the process is in a union with a pointer.
    let groups = 12;
    let word = usize::from(call.abi.abi.word);
    let process = (groups + 4 * XU_NGROUPS).next_multiple_of(word);
    let mut out = vec![0; process + word];
    let field = |n: usize| read_int(OsAbi::HOST, Kind::U32, &host[4 * n..]);
    let mut put = |at: usize, kind: Kind, value: u64| {
        crate::abi::write_int(call.abi, kind, &mut out[at..], value);
    };
    put(4, Kind::U32, field(1));
    put(8, Kind::U16, 1);
    put(groups, Kind::U32, field(2));
    put(process, Kind::I32, field(0));
    Ok(out)
}

/// LOCAL_CREDS, which has the number that IP_HDRINCL has on other sockets.
static LOCAL_CREDS: Row = (0, 2, "LOCAL_CREDS", 1, 16, Value::Int);

fn is_local(call: &mut Call<'_>) -> bool {
    const SOL_SOCKET: u64 = 1;
    const SO_DOMAIN: u64 = 39;
    const AF_UNIX: u32 = 1;
    let (mut domain, mut len) = (0u32, 4u32);
    let args = [
        call.arg(0),
        SOL_SOCKET,
        SO_DOMAIN,
        (&raw mut domain) as u64,
        (&raw mut len) as u64,
        0,
    ];
    call.host(SYS_getsockopt, args).is_ok() && domain == AF_UNIX
}

fn row(call: &mut Call<'_>) -> SysResult<&'static Row> {
    let (level, name) = (call.arg(1) & 0xffff_ffff, call.arg(2) & 0xffff_ffff);
    if (level, name) == (0, 2) && is_local(call) {
        return Ok(&LOCAL_CREDS);
    }
    known(level, name).ok_or_else(|| {
        call.unimplemented(&format!("socket option {name:#x} of level {level:#x}"));
        Errno::ENOPROTOOPT
    })
}

pub(super) fn set(call: &mut Call<'_>) -> SysResult {
    let &(_, _, _, level, name, value) = row(call)?;
    let (at, size) = (call.arg(3), call.arg(4));
    if size > 4096 {
        return Err(Errno::EINVAL);
    }
    let host = match value {
        Value::Ignored => return Ok(0),
        Value::Quiet => {
            let on = call.read_int(at, Kind::I32)? != 0;
            quiet::set(call, call.int(0), on);
            return Ok(0);
        }
        Value::Int => (call.read_int(at, Kind::I32)? as i32)
            .to_le_bytes()
            .to_vec(),
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
        Value::Flag => (call.read_int(at, Kind::I32)? as i32)
            .to_le_bytes()
            .to_vec(),
        Value::Group6 => {
            let mut group = call.read_bytes(at, 16)?;
            let interface = call.read_int(at.wrapping_add(16), Kind::U32)? as u32;
            group.extend(interface.to_le_bytes());
            group
        }
        Value::Source => {
            let mut addresses = call.read_bytes(at, 12)?;
            addresses[4..].rotate_left(4);
            addresses
        }
        // IP_PMTUDISC_DO and IP_PMTUDISC_DONT
        Value::Whole => match call.read_int(at, Kind::I32)? {
            0 => 0i32.to_le_bytes().to_vec(),
            _ => 2i32.to_le_bytes().to_vec(),
        },
        Value::Error | Value::Family | Value::Credentials | Value::Queue | Value::QueueLimit => {
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

pub(super) fn get(call: &mut Call<'_>) -> SysResult {
    let &(_, _, _, level, name, value) = row(call)?;
    let (at, len_at) = (call.arg(3), call.arg(4));
    let room = call.read_int(len_at, Kind::U32)? as usize;
    let mut host = vec![0u8; 256];
    let mut len = 256u32;
    if value == Value::Quiet {
        host[0] = quiet::contains(call, call.int(0)).into();
        len = 4;
    } else if value != Value::Ignored {
        let args = [
            call.arg(0),
            level,
            name,
            host.as_mut_ptr() as u64,
            (&raw mut len) as u64,
            0,
        ];
        call.host(SYS_getsockopt, args)?;
    } else {
        len = 4;
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
        Value::Credentials => peer_credentials(call, &host)?,
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
            let mut out = vec![0u8; host.len() / 4 * 4];
            for (from, to) in host.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
                let v = read_int(OsAbi::HOST, Kind::I32, from);
                let v = match value {
                    Value::Error => Show::Errno.convert(v, OsAbi::HOST, call.abi),
                    Value::Family => f::DOMAIN.to_guest(call.abi.dialect, v),
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
