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
    (0xffff, 0x0800, "SO_NOSIGPIPE", 1, 0, Value::Ignored),
    (0xffff, 0x1001, "SO_SNDBUF", 1, 7, Value::Int),
    (0xffff, 0x1002, "SO_RCVBUF", 1, 8, Value::Int),
    (0xffff, 0x1004, "SO_RCVLOWAT", 1, 18, Value::Int),
    (0xffff, 0x1005, "SO_SNDTIMEO", 1, 21, Value::Time),
    (0xffff, 0x1006, "SO_RCVTIMEO", 1, 20, Value::Time),
    (0xffff, 0x1007, "SO_ERROR", 1, 4, Value::Error),
    (0xffff, 0x1008, "SO_TYPE", 1, 3, Value::Int),
    (0xffff, 0x1016, "SO_PROTOCOL", 1, 38, Value::Int),
    (0xffff, 0x1019, "SO_DOMAIN", 1, 39, Value::Family),
    (0xffff, 0x10000, "SO_REUSEPORT_LB", 1, 15, Value::Int),
    (6, 1, "TCP_NODELAY", 6, 1, Value::Int),
    (6, 2, "TCP_MAXSEG", 6, 2, Value::Int),
    (6, 4, "TCP_NOPUSH", 6, 3, Value::Int),
    (6, 256, "TCP_KEEPIDLE", 6, 4, Value::Int),
    (6, 512, "TCP_KEEPINTVL", 6, 5, Value::Int),
    (6, 1024, "TCP_KEEPCNT", 6, 6, Value::Int),
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
    (41, 27, "IPV6_V6ONLY", 41, 26, Value::Int),
];

fn row(call: &mut Call<'_>) -> SysResult<&'static Row> {
    let (level, name) = (call.arg(1) & 0xffff_ffff, call.arg(2) & 0xffff_ffff);
    let found = ROWS.iter().find(|r| (r.0, r.1) == (level, name));
    found.ok_or_else(|| {
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
        Value::Int => (call.read_int(at, Kind::I32)? as i32)
            .to_le_bytes()
            .to_vec(),
        Value::Linger => {
            let on = call.read_int(at, Kind::I32)? as i32;
            let time = call.read_int(at + 4, Kind::I32)? as i32;
            [on.to_le_bytes(), time.to_le_bytes()].concat()
        }
        Value::Time => {
            let t: Timeval = call.read_struct(at)?;
            [t.tv_sec.0.to_le_bytes(), t.tv_usec.0.to_le_bytes()].concat()
        }
        Value::Bytes => call.read_bytes(at, size)?,
        Value::Error | Value::Family => return Err(Errno::ENOPROTOOPT),
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
    if value != Value::Ignored {
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
        _ => {
            let mut out = vec![0u8; host.len() / 4 * 4];
            for (from, to) in host.chunks_exact(4).zip(out.chunks_exact_mut(4)) {
                let v = read_int(OsAbi::HOST, Kind::I32, from);
                let v = match value {
                    Value::Error => Show::Errno.convert(v, OsAbi::HOST, call.abi),
                    Value::Family => f::DOMAIN.to_guest(call.abi.dialect, v),
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
