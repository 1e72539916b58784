//! Socket options: one table.

use crate::abi::{
    Errno, FlagTable, GuestStruct, Kind, OsAbi, Show, StructDesc, SysResult, convert, read_int,
    write_int,
};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{ArgType, Call, Dir, INT, Len, one_of};
use crate::process::Unimplemented;

/// What an option's value is.
#[derive(Clone, Copy)]
enum Value {
    /// `int`, or fewer bytes of one.
    Int,
    /// `int`, an error number.
    Error,
    /// `int`, a socket type.
    SocketType,
    /// A structure.
    Struct(&'static StructDesc),
    /// Bytes without byte order: names, addresses, filters of user space's own making.
    Bytes,
    /// Something that is not converted: the option is known by its name only.
    Missing,
}

struct Opt {
    level: u64,
    name: &'static str,
    value: Value,
}

impl Opt {
    fn is_missing(&self) -> bool {
        matches!(self.value, Value::Missing)
    }
}

macro_rules! sockopts {
    ($($table:ident $level:literal [$($differs:ident)*] { $($name:ident = $host:literal $(($($d:ident $v:literal),+))? : $value:expr),* $(,)? })*) => {
        $(crate::flags! {
            /// Options of one level.
            pub enum $table, "" [$($differs)*] { $($name = $host $(($($d $v),+))?),* }
        })*

        static TABLES: &[(u64, &FlagTable)] = &[$(($level, &$table)),*];
        static OPTIONS: &[Opt] = &[$($(Opt { level: $level, name: stringify!($name), value: $value }),*),*];
    };
}

use Value::{Bytes, Error, Int, Missing, SocketType, Struct};

sockopts! {
    SO 1 [Mips] {
        SO_DEBUG = 1: Int, SO_REUSEADDR = 2 (Mips 4): Int, SO_TYPE = 3 (Mips 0x1008): SocketType, SO_ERROR = 4 (Mips 0x1007): Error,
        SO_DONTROUTE = 5 (Mips 0x10): Int, SO_BROADCAST = 6 (Mips 0x20): Int, SO_SNDBUF = 7 (Mips 0x1001): Int,
        SO_RCVBUF = 8 (Mips 0x1002): Int, SO_KEEPALIVE = 9 (Mips 8): Int, SO_OOBINLINE = 10 (Mips 0x100): Int,
        SO_NO_CHECK = 11: Int, SO_PRIORITY = 12: Int, SO_LINGER = 13 (Mips 0x80): Struct(Linger::DESC), SO_BSDCOMPAT = 14: Int,
        SO_REUSEPORT = 15 (Mips 0x200): Int, SO_PASSCRED = 16 (Mips 17): Int, SO_PEERCRED = 17 (Mips 18): Struct(Ucred::DESC),
        SO_RCVLOWAT = 18 (Mips 0x1004): Int, SO_SNDLOWAT = 19 (Mips 0x1003): Int,
        SO_RCVTIMEO = 20 (Mips 0x1006): Struct(Timeval::DESC), SO_SNDTIMEO = 21 (Mips 0x1005): Struct(Timeval::DESC),
        SO_BINDTODEVICE = 25: Bytes, SO_TIMESTAMP = 29: Int, SO_ACCEPTCONN = 30 (Mips 0x1009): Int, SO_PEERSEC = 31 (Mips 30): Bytes,
        SO_SNDBUFFORCE = 32 (Mips 31): Int, SO_RCVBUFFORCE = 33: Int, SO_PASSSEC = 34: Int, SO_TIMESTAMPNS = 35: Int,
        SO_MARK = 36: Int, SO_TIMESTAMPING = 37: Int, SO_PROTOCOL = 38 (Mips 0x1028): Int, SO_DOMAIN = 39 (Mips 0x1029): Int,
        SO_RXQ_OVFL = 40: Int, SO_PEEK_OFF = 42: Int, SO_NOFCS = 43: Int, SO_LOCK_FILTER = 44: Int, SO_BUSY_POLL = 46: Int,
        SO_MAX_PACING_RATE = 47: Int, SO_INCOMING_CPU = 49: Int, SO_INCOMING_NAPI_ID = 56: Int, SO_ZEROCOPY = 60: Int,
        SO_ATTACH_FILTER = 26: Missing, SO_DETACH_FILTER = 27: Int, SO_PEERNAME = 28: Missing, SO_ATTACH_BPF = 50: Int,
        SO_ATTACH_REUSEPORT_CBPF = 51: Missing, SO_ATTACH_REUSEPORT_EBPF = 52: Int, SO_CNX_ADVICE = 53: Int, SO_MEMINFO = 55: Missing,
        SO_COOKIE = 57: Missing, SO_PEERGROUPS = 59: Missing, SO_TXTIME = 61: Missing, SO_BINDTOIFINDEX = 62: Int,
        SO_TIMESTAMP_NEW = 63: Int, SO_TIMESTAMPNS_NEW = 64: Int, SO_TIMESTAMPING_NEW = 65: Int, SO_PREFER_BUSY_POLL = 69: Int,
        SO_NETNS_COOKIE = 71: Missing, SO_BUF_LOCK = 72: Int, SO_RESERVE_MEM = 73: Int, SO_PASSPIDFD = 76: Int, SO_PEERPIDFD = 77: Int,
        SO_RCVTIMEO_NEW = 66: Struct(Timespec64::DESC), SO_SNDTIMEO_NEW = 67: Struct(Timespec64::DESC),
    }
    IP 0 [] {
        IP_TOS = 1: Int, IP_TTL = 2: Int, IP_HDRINCL = 3: Int, IP_OPTIONS = 4: Bytes, IP_RECVOPTS = 6: Int, IP_RETOPTS = 7: Int,
        IP_PKTINFO = 8: Int, IP_MTU_DISCOVER = 10: Int, IP_RECVERR = 11: Int, IP_RECVTTL = 12: Int, IP_RECVTOS = 13: Int,
        IP_MTU = 14: Int, IP_FREEBIND = 15: Int, IP_TRANSPARENT = 19: Int, IP_RECVORIGDSTADDR = 20: Int,
        IP_MULTICAST_IF = 32: Struct(IpMreqn::DESC), IP_MULTICAST_TTL = 33: Int, IP_MULTICAST_LOOP = 34: Int,
        IP_ADD_MEMBERSHIP = 35: Struct(IpMreqn::DESC), IP_DROP_MEMBERSHIP = 36: Struct(IpMreqn::DESC), IP_MULTICAST_ALL = 49: Int,
        IP_BIND_ADDRESS_NO_PORT = 24: Int, IP_MINTTL = 21: Int, IP_CHECKSUM = 23: Int, IP_RECVFRAGSIZE = 25: Int,
        IP_UNBLOCK_SOURCE = 37: Bytes, IP_BLOCK_SOURCE = 38: Bytes, IP_ADD_SOURCE_MEMBERSHIP = 39: Bytes,
        IP_DROP_SOURCE_MEMBERSHIP = 40: Bytes, IP_MSFILTER = 41: Missing, MCAST_JOIN_GROUP = 42: Missing, MCAST_LEAVE_GROUP = 45: Missing,
        MCAST_JOIN_SOURCE_GROUP = 46: Missing, MCAST_LEAVE_SOURCE_GROUP = 47: Missing, MCAST_MSFILTER = 48: Missing, IP_UNICAST_IF = 50: Int,
        IPT_SO_SET_REPLACE = 64: Missing, IPT_SO_SET_ADD_COUNTERS = 65: Missing,
    }
    TCP 6 [] {
        TCP_NODELAY = 1: Int, TCP_MAXSEG = 2: Int, TCP_CORK = 3: Int, TCP_KEEPIDLE = 4: Int, TCP_KEEPINTVL = 5: Int,
        TCP_KEEPCNT = 6: Int, TCP_SYNCNT = 7: Int, TCP_LINGER2 = 8: Int, TCP_DEFER_ACCEPT = 9: Int, TCP_WINDOW_CLAMP = 10: Int,
        TCP_INFO = 11: Struct(TcpInfo::DESC), TCP_QUICKACK = 12: Int, TCP_CONGESTION = 13: Bytes, TCP_USER_TIMEOUT = 18: Int,
        TCP_MD5SIG = 14: Missing, TCP_THIN_LINEAR_TIMEOUTS = 16: Int, TCP_THIN_DUPACK = 17: Int, TCP_REPAIR = 19: Int,
        TCP_REPAIR_QUEUE = 20: Int, TCP_QUEUE_SEQ = 21: Int, TCP_TIMESTAMP = 24: Int, TCP_CC_INFO = 26: Missing, TCP_SAVE_SYN = 27: Int,
        TCP_SAVED_SYN = 28: Bytes, TCP_REPAIR_WINDOW = 29: Missing, TCP_ULP = 31: Bytes, TCP_FASTOPEN_KEY = 33: Bytes,
        TCP_FASTOPEN_NO_COOKIE = 34: Int, TCP_ZEROCOPY_RECEIVE = 35: Missing, TCP_INQ = 36: Int, TCP_TX_DELAY = 37: Int,
        TCP_FASTOPEN = 23: Int, TCP_NOTSENT_LOWAT = 25: Int, TCP_FASTOPEN_CONNECT = 30: Int,
    }
    MPTCP 284 [] { MPTCP_INFO = 1: Struct(MptcpInfo::DESC) }
    UDP 17 [] { UDP_CORK = 1: Int, UDP_SEGMENT = 103: Int, UDP_GRO = 104: Int }
    IPV6 41 [] {
        IPV6_ADDRFORM = 1: Int, IPV6_CHECKSUM = 7: Int, IPV6_UNICAST_HOPS = 16: Int, IPV6_MULTICAST_IF = 17: Int,
        IPV6_MULTICAST_HOPS = 18: Int, IPV6_MULTICAST_LOOP = 19: Int, IPV6_ADD_MEMBERSHIP = 20: Struct(Ipv6Mreq::DESC),
        IPV6_DROP_MEMBERSHIP = 21: Struct(Ipv6Mreq::DESC), IPV6_MTU_DISCOVER = 23: Int, IPV6_MTU = 24: Int, IPV6_RECVERR = 25: Int,
        IPV6_V6ONLY = 26: Int, IPV6_RECVPKTINFO = 49: Int, IPV6_RECVHOPLIMIT = 51: Int, IPV6_UNICAST_IF = 76: Int, IPV6_ROUTER_ALERT = 22: Int, IPV6_FLOWINFO = 11: Int, IPV6_MULTICAST_ALL = 29: Int,
        IPV6_RECVERR_RFC4884 = 31: Int, IPV6_JOIN_ANYCAST = 27: Struct(Ipv6Mreq::DESC), IPV6_LEAVE_ANYCAST = 28: Struct(Ipv6Mreq::DESC),
        IPV6_FLOWLABEL_MGR = 32: Missing, IPV6_FLOWINFO_SEND = 33: Int, IPV6_PKTINFO = 50: Struct(In6Pktinfo::DESC), IPV6_HOPLIMIT = 52: Int,
        IPV6_RECVHOPOPTS = 53: Int, IPV6_HOPOPTS = 54: Bytes, IPV6_RTHDR = 57: Bytes, IPV6_RECVRTHDR = 56: Int, IPV6_RECVDSTOPTS = 58: Int,
        IPV6_DSTOPTS = 59: Bytes, IPV6_RECVPATHMTU = 60: Int, IPV6_PATHMTU = 61: Missing, IPV6_DONTFRAG = 62: Int,
        IPV6_AUTOFLOWLABEL = 70: Int, IPV6_ADDR_PREFERENCES = 72: Int, IPV6_MINHOPCOUNT = 73: Int, IPV6_RECVORIGDSTADDR = 74: Int,
        IPV6_TRANSPARENT = 75: Int, IPV6_FREEBIND = 78: Int,
        IPV6_RECVTCLASS = 66: Int, IPV6_TCLASS = 67: Int,
    }
    NETLINK 270 [] {
        NETLINK_ADD_MEMBERSHIP = 1: Int, NETLINK_DROP_MEMBERSHIP = 2: Int, NETLINK_PKTINFO = 3: Int, NETLINK_BROADCAST_ERROR = 4: Int,
        NETLINK_NO_ENOBUFS = 5: Int, NETLINK_CAP_ACK = 10: Int, NETLINK_EXT_ACK = 11: Int, NETLINK_GET_STRICT_CHK = 12: Int,
    }
    RAW 255 [] { ICMP_FILTER = 1: Int }
    PACKET 263 [] {
        PACKET_ADD_MEMBERSHIP = 1: Struct(PacketMreq::DESC), PACKET_DROP_MEMBERSHIP = 2: Struct(PacketMreq::DESC),
        PACKET_RECV_OUTPUT = 3: Int, PACKET_RX_RING = 5: Missing, PACKET_STATISTICS = 6: Missing, PACKET_COPY_THRESH = 7: Int,
        PACKET_AUXDATA = 8: Int, PACKET_ORIGDEV = 9: Int, PACKET_VERSION = 10: Int, PACKET_HDRLEN = 11: Int, PACKET_RESERVE = 12: Int,
        PACKET_TX_RING = 13: Missing, PACKET_LOSS = 14: Int, PACKET_FANOUT = 18: Int,
    }
    ALG 279 [] { ALG_SET_KEY = 1: Bytes, ALG_SET_AEAD_AUTHSIZE = 5: Missing }
    TLS 282 [] { TLS_TX = 1: Missing, TLS_RX = 2: Missing }
}

fn table(level: u64) -> Option<&'static FlagTable> {
    TABLES.iter().find(|(l, _)| *l == level).map(|(_, t)| *t)
}

fn option(a: OsAbi, level: u64, name: u64) -> Option<(&'static Opt, u64)> {
    let level = f::SOL.to_host(a.dialect, level);
    let table = table(level)?;
    let text = table.name_of(a.dialect, name)?;
    let opt = OPTIONS
        .iter()
        .find(|o| o.level == level && o.name == text)?;
    Some((opt, table.to_host(a.dialect, name)))
}

/// The type of `optname`: a constant of its level's table.
pub fn name_type(args: &[u64], a: OsAbi) -> ArgType {
    table(f::SOL.to_host(a.dialect, args[1])).map_or(INT, one_of)
}

fn value_type(args: &[u64], a: OsAbi, dir: Dir, len: Len) -> ArgType {
    let int = |show| ArgType::Ints(dir, Kind::I32, show, Len::Const(1));
    match option(a, args[1], args[2]).map(|(o, _)| o.value) {
        Some(Int) => int(Show::Dec),
        Some(Error) => int(Show::Errno),
        Some(SocketType) => int(Show::Flags(&f::SOCK)),
        Some(Struct(desc)) => ArgType::Struct(dir, desc),
        Some(Bytes | Missing) | None => ArgType::Buf(dir, len),
    }
}

/// The type of `setsockopt`'s value.
pub fn set_type(args: &[u64], a: OsAbi) -> ArgType {
    value_type(args, a, Dir::In, Len::Arg(4))
}

/// The type of `getsockopt`'s value.
pub fn get_type(args: &[u64], a: OsAbi) -> ArgType {
    value_type(args, a, Dir::Out, Len::Behind(4))
}

/// Reports an option that is not in the table, or there by its name only.
fn report(call: &Call<'_>, set: bool) -> Errno {
    let (level, option) = (call.arg(1), call.arg(2));
    let level = match f::SOL.name_of(call.abi.dialect, level) {
        Some(name) => name.to_owned(),
        None => format!("level {level}"),
    };
    let name = table(f::SOL.to_host(call.abi.dialect, call.arg(1)))
        .and_then(|t| t.name_of(call.abi.dialect, option))
        .map_or_else(|| format!("option {option}"), str::to_owned);
    let size = set.then(|| call.arg(4));
    call.report_unimplemented(Unimplemented {
        what: format!("{level} {name}"),
        size,
        input: size.map_or(Vec::new(), |n| call.peek(call.arg(3), n)),
        ..Unimplemented::default()
    });
    Errno::ENOPROTOOPT
}

pub(super) fn set(call: &mut Call<'_>) -> SysResult {
    let a = call.abi;
    let Some((opt, name)) = option(a, call.arg(1), call.arg(2)).filter(|(o, _)| !o.is_missing())
    else {
        return Err(report(call, true));
    };
    let level = f::SOL.to_host(a.dialect, call.arg(1));
    let (addr, len) = (call.arg(3), call.arg(4));
    let mut guest = if addr == 0 {
        Vec::new()
    } else {
        call.read_bytes(addr, len.min(1 << 16))?
    };
    let host = match opt.value {
        Int | Error | SocketType if guest.len() >= 4 => (read_int(a, Kind::I32, &guest) as u32)
            .to_le_bytes()
            .to_vec(),
        // A membership may be given by the shorter structure, whose fields are in network order.
        Struct(desc) if guest.len() >= desc.size(a) => {
            let mut host = vec![0; desc.size(OsAbi::HOST)];
            convert(desc, a, &guest, OsAbi::HOST, &mut host)?;
            host
        }
        _ => std::mem::take(&mut guest),
    };
    let at = if addr == 0 { 0 } else { host.as_ptr() as u64 };
    let len = if addr == 0 { len } else { host.len() as u64 };
    call.host(SYS_setsockopt, [call.arg(0), level, name, at, len, 0])
}

pub(super) fn get(call: &mut Call<'_>) -> SysResult {
    let a = call.abi;
    let Some((opt, name)) = option(a, call.arg(1), call.arg(2)).filter(|(o, _)| !o.is_missing())
    else {
        return Err(report(call, false));
    };
    let level = f::SOL.to_host(a.dialect, call.arg(1));
    let room = call.read_int(call.arg(4), Kind::I32)? as i32;
    if room < 0 {
        return Err(Errno::EINVAL);
    }
    let mut host = vec![0u8; (room as usize).clamp(16, 4096)];
    let ask = match opt.value {
        Int | Error | SocketType => 4.min(room as u32),
        Struct(desc) => desc.size(OsAbi::HOST) as u32,
        Bytes | Missing => host.len().min(room as usize) as u32,
    };
    host.resize(host.len().max(ask as usize), 0);
    let mut len = ask.to_le_bytes();
    let args = [
        call.arg(0),
        level,
        name,
        host.as_mut_ptr() as u64,
        len.as_mut_ptr() as u64,
        0,
    ];
    call.host(SYS_getsockopt, args)?;
    host.truncate(u32::from_le_bytes(len) as usize);
    let mut guest = match opt.value {
        Int | Error | SocketType if host.len() == 4 => {
            let value = read_int(OsAbi::HOST, Kind::I32, &host);
            let value = match opt.value {
                Error => Show::Errno.convert(value, OsAbi::HOST, a),
                SocketType => f::SOCK.to_guest(a.dialect, value),
                _ => value,
            };
            let mut out = vec![0; 4];
            write_int(a, Kind::I32, &mut out, value);
            out
        }
        Struct(desc) if host.len() >= desc.size(OsAbi::HOST).min(ask as usize) => {
            let mut out = vec![0; desc.size(a)];
            convert(desc, OsAbi::HOST, &host, a, &mut out)?;
            out
        }
        _ => host,
    };
    guest.truncate(room as usize);
    call.write_bytes(call.arg(3), &guest)?;
    call.write_int(call.arg(4), Kind::I32, guest.len() as u64)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::Dialect;

    #[test]
    fn mips_numbers() {
        assert_eq!(SO.by_name("SO_PEERCRED", Dialect::Mips), Some(18));
        let a = OsAbi {
            dialect: Dialect::Mips,
            ..OsAbi::HOST
        };
        let (opt, host) = option(a, 0xffff, 0x1007).expect("SO_ERROR");
        assert_eq!((opt.name, host), ("SO_ERROR", 4));
    }
}
