//! Sockets.

use super::sockopt;
use crate::abi::{
    Dialect, Endian, Errno, GuestStruct, GuestValue, Kind, OsAbi, Show, StructDesc, SysResult,
    convert, read_int, write_int,
};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::{Full, Partial},
    *,
};
use crate::os::{convert_sockaddr, host_iovecs};

const SOCKADDR_OUT: ArgType = ArgType::Sockaddr(Dir::Out, Len::Behind(2));
const LEN_PTR: ArgType = ints(Dir::InOut, 1);

crate::syscalls! {
    socket(domain: one_of(&f::AF), r#type: flags(&f::SOCK), protocol: ArgType::By(|a, _| protocol_type(a[0]))) -> FDNUM, Partial("AF_NETLINK messages are not converted for big-endian guests"), Handler(make_socket);
    socketpair(domain: one_of(&f::AF), r#type: flags(&f::SOCK), protocol: INT, sv: ints_of(Dir::Out, Kind::I32, Show::Fd, 2)) -> NUM, Full, Pass(SYS_socketpair);
    bind(sockfd: FD, addr: ArgType::Sockaddr(Dir::In, Len::Arg(2)), addrlen: UINT) -> NUM, Full, Pass(SYS_bind);
    listen(sockfd: FD, backlog: INT) -> NUM, Full, Pass(SYS_listen);
    accept(sockfd: FD, addr: SOCKADDR_OUT, addrlen: LEN_PTR) -> FDNUM, Full, Wait(SYS_accept);
    accept4(sockfd: FD, addr: SOCKADDR_OUT, addrlen: LEN_PTR, flags: flags(&f::SOCK_FLAGS)) -> FDNUM, Full, Wait(SYS_accept4);
    connect(sockfd: FD, addr: ArgType::Sockaddr(Dir::In, Len::Arg(2)), addrlen: UINT) -> NUM, Full, Wait(SYS_connect);
    getsockname(sockfd: FD, addr: SOCKADDR_OUT, addrlen: LEN_PTR) -> NUM, Full, Pass(SYS_getsockname);
    getpeername(sockfd: FD, addr: SOCKADDR_OUT, addrlen: LEN_PTR) -> NUM, Full, Pass(SYS_getpeername);
    send(sockfd: FD, buf: buf_in(2), len: SIZE, flags: flags(&f::MSG)) -> NUM, Full, Wait(SYS_sendto);
    recv(sockfd: FD, buf: buf_out(2), len: SIZE, flags: flags(&f::MSG)) -> NUM, Full, Wait(SYS_recvfrom);
    sendto(sockfd: FD, buf: buf_in(2), len: SIZE, flags: flags(&f::MSG), dest_addr: ArgType::Sockaddr(Dir::In, Len::Arg(5)), addrlen: UINT) -> NUM, Full, Wait(SYS_sendto);
    recvfrom(sockfd: FD, buf: buf_out(2), len: SIZE, flags: flags(&f::MSG), src_addr: ArgType::Sockaddr(Dir::Out, Len::Behind(5)), addrlen: LEN_PTR) -> NUM, Full, Wait(SYS_recvfrom);
    sendmsg(sockfd: FD, msg: ArgType::Msghdr(Dir::In), flags: flags(&f::MSG)) -> NUM, Partial(CMSGS), Handler(send_message);
    recvmsg(sockfd: FD, msg: ArgType::Msghdr(Dir::Out), flags: flags(&f::MSG)) -> NUM, Partial(CMSGS), Handler(receive_message);
    sendmmsg(sockfd: FD, msgvec: ArgType::Mmsghdrs(Dir::In, Len::Arg(2)), vlen: UINT, flags: flags(&f::MSG)) -> NUM, Partial(CMSGS), Handler(send_messages);
    recvmmsg(sockfd: FD, msgvec: ArgType::Mmsghdrs(Dir::Out, Len::Arg(2)), vlen: UINT, flags: flags(&f::MSG), timeout: inout::<Timespec>()) -> NUM, Partial(MMSG), Handler(receive_messages);
    recvmmsg_time64(sockfd: FD, msgvec: ArgType::Mmsghdrs(Dir::Out, Len::Arg(2)), vlen: UINT, flags: flags(&f::MSG), timeout: inout::<Timespec64>()) -> NUM, Partial(MMSG), Handler(receive_messages);
    shutdown(sockfd: FD, how: one_of(&f::SHUT)) -> NUM, Full, Pass(SYS_shutdown);
    setsockopt(sockfd: FD, level: one_of(&f::SOL), optname: ArgType::By(sockopt::name_type), optval: ArgType::By(sockopt::set_type), optlen: UINT) -> NUM, Partial("options: see the table in sockopt.rs"), Handler(sockopt::set);
    getsockopt(sockfd: FD, level: one_of(&f::SOL), optname: ArgType::By(sockopt::name_type), optval: ArgType::By(sockopt::get_type), optlen: LEN_PTR) -> NUM, Partial("options: see the table in sockopt.rs"), Handler(sockopt::get);
    socketcall(call: one_of(&f::SOCKETCALL), args: ArgType::Ints(Dir::In, Kind::Ulong, Show::Hex, Len::Const(6))) -> NUM, Full, Handler(call_by_number);
}

const CMSGS: &str = "control messages that are not in the table of net.rs, for big-endian guests";
const MMSG: &str = "a timeout is only looked at between messages; control messages as for recvmsg";

const SOL_SOCKET: i32 = 1;

const AF_NETLINK: u64 = 16;

/// The protocol of a socket, by its family.
fn protocol_type(family: u64) -> ArgType {
    match family {
        2 | 10 => one_of(&f::IPPROTO),
        AF_NETLINK => one_of(&f::NETLINK),
        _ => INT,
    }
}

fn make_socket(call: &mut Call<'_>) -> SysResult {
    if call.arg(0) == AF_NETLINK && call.abi.abi.endian == Endian::Big {
        call.unimplemented("AF_NETLINK: its messages are not converted");
    }
    pass(call, SYS_socket, false)
}

/// A message in host layout, with what it points to.
struct Message {
    header: [u8; 56],
    name: Vec<u8>,
    iov: Vec<u8>,
    control: Vec<u8>,
    guest: Msghdr,
}

impl Message {
    /// Brings the `struct msghdr` at `addr` over.
    fn new(call: &Call<'_>, addr: u64, dir: Dir) -> SysResult<Box<Message>> {
        let a = call.abi;
        let guest: Msghdr = call.read_struct(addr)?;
        let mut name = Vec::new();
        if guest.msg_name.0 != 0 {
            let len = u64::from(guest.msg_namelen as u32).min(128);
            name = vec![0; len as usize];
            if dir == Dir::In {
                name = call.read_bytes(guest.msg_name.0, len)?;
                convert_sockaddr(a, &mut name, true);
            }
        }
        if guest.msg_iovlen.0 > 1024 {
            return Err(Errno::EMSGSIZE);
        }
        let iov = host_iovecs(call, guest.msg_iov.0, guest.msg_iovlen.0, dir)?;
        let len = guest.msg_controllen.0.min(1 << 16);
        let control = match (guest.msg_control.0, dir) {
            (0, _) => Vec::new(),
            (at, Dir::In) => control_to_host(call, &call.read_bytes(at, len)?)?,
            // Headers and alignment are at most twice as long on the host.
            _ => vec![0; (len as usize * 2).next_multiple_of(8)],
        };
        let mut message = Box::new(Message {
            header: [0; 56],
            name,
            iov,
            control,
            guest,
        });
        let at = |v: &Vec<u8>| if v.is_empty() { 0 } else { v.as_ptr() as u64 };
        let header = Msghdr {
            msg_name: crate::abi::Ulong(at(&message.name)),
            msg_namelen: message.name.len() as i32,
            msg_iov: crate::abi::Ulong(at(&message.iov)),
            msg_iovlen: guest.msg_iovlen,
            msg_control: crate::abi::Ulong(at(&message.control)),
            msg_controllen: crate::abi::Ulong(message.control.len() as u64),
            msg_flags: 0,
        };
        header.to_host(&mut message.header);
        Ok(message)
    }

    fn at(&self) -> u64 {
        self.header.as_ptr() as u64
    }

    /// Writes what was received to the guest.
    fn write_back(&self, call: &Call<'_>, addr: u64) -> SysResult<()> {
        let got = Msghdr::from_host(&self.header);
        let mut guest = self.guest;
        guest.msg_flags = got.msg_flags;
        if guest.msg_name.0 != 0 {
            let mut name = self.name.clone();
            name.truncate(got.msg_namelen.max(0) as usize);
            convert_sockaddr(call.abi, &mut name, false);
            call.write_bytes(guest.msg_name.0, &name)?;
        }
        guest.msg_namelen = got.msg_namelen;
        let used = (got.msg_controllen.0 as usize).min(self.control.len());
        let mut control = control_to_guest(call, &self.control[..used]);
        let room = self.guest.msg_controllen.0 as usize;
        if control.len() > room {
            // MSG_CTRUNC
            guest.msg_flags |= 8;
        }
        // The kernel counts the padding behind the last message too, as far as there is room (CMSG_SPACE).
        control.resize(control.len().next_multiple_of(call.abi.abi.word.into()), 0);
        control.truncate(room);
        if guest.msg_control.0 != 0 {
            call.write_bytes(guest.msg_control.0, &control)?;
        }
        guest.msg_controllen = crate::abi::Ulong(control.len() as u64);
        call.write_struct(addr, &guest)
    }
}

/// How the payload of a control message is converted.
#[derive(Clone, Copy)]
enum Payload {
    /// Numbers of one kind.
    Numbers(Kind),
    /// A structure, and a socket address after it if there is more.
    Struct(&'static StructDesc),
    /// A socket address.
    Address,
    /// As it is.
    Bytes,
}

const SOL_IP: i32 = 0;
const SOL_TCP: i32 = 6;
const SOL_UDP: i32 = 17;
const SOL_IPV6: i32 = 41;
const SOL_PACKET: i32 = 263;
const SOL_NETLINK: i32 = 270;
const SOL_ALG: i32 = 279;
const SOL_TLS: i32 = 282;

/// The payloads that are not single bytes, by level and type (`linux/socket.h`, `asm/socket.h`, `linux/in.h`, `linux/in6.h`,
/// `linux/udp.h`, `linux/if_packet.h`, `linux/netlink.h`, `linux/if_alg.h`).
fn payload(call: &Call<'_>, level: i32, kind: i32, len: usize) -> Payload {
    match (level, kind) {
        // SCM_RIGHTS, SCM_CREDENTIALS, SCM_PIDFD
        (SOL_SOCKET, 1 | 2 | 4) => Payload::Numbers(Kind::U32),
        // SCM_TIMESTAMP, SCM_TIMESTAMPNS, SCM_TIMESTAMPING: two longs each
        (SOL_SOCKET, 29 | 35 | 37) => Payload::Numbers(Kind::Long),
        // Likewise in 64 bits, and SCM_TXTIME
        (SOL_SOCKET, 63 | 64 | 65 | 61) => Payload::Numbers(Kind::I64),
        // SCM_SECURITY
        (SOL_SOCKET, 3) => Payload::Bytes,
        (SOL_IP, 8) => Payload::Struct(InPktinfo::DESC),
        (SOL_IPV6, 50) => Payload::Struct(In6Pktinfo::DESC),
        // IP_RECVERR, IPV6_RECVERR
        (SOL_IP, 11) | (SOL_IPV6, 25) => Payload::Struct(SockExtendedErr::DESC),
        // UDP_SEGMENT
        (SOL_UDP, 103) => Payload::Numbers(Kind::U16),
        (SOL_PACKET, 8) => Payload::Struct(TpacketAuxdata::DESC),
        // NETLINK_PKTINFO
        (SOL_NETLINK, 3) => Payload::Numbers(Kind::U32),
        // ALG_SET_IV: a length and bytes
        (SOL_ALG, 2) => Payload::Struct(AfAlgIv::DESC),
        // IPV6_HOPOPTS and the other headers, options of IP, TLS record types
        (SOL_IPV6, 54..=59) | (SOL_IP, 4 | 6 | 7) | (SOL_TLS, 1 | 2) => Payload::Bytes,
        // IP_ORIGDSTADDR, IPV6_ORIGDSTADDR: addresses, whose family is not in network order
        (SOL_IP, 20) | (SOL_IPV6, 74) => Payload::Address,
        (SOL_IP | SOL_IPV6 | SOL_UDP | SOL_TCP | SOL_ALG | SOL_SOCKET, _) if len == 4 => {
            Payload::Numbers(Kind::U32)
        }
        _ if len == 1 => Payload::Bytes,
        _ => {
            if call.abi.abi.endian == Endian::Big {
                let level = f::SOL
                    .name_of(Dialect::X86, level as u64)
                    .map_or_else(|| format!("level {level}"), str::to_owned);
                call.unimplemented(&format!("control message {level} type {kind}"));
            }
            Payload::Bytes
        }
    }
}

fn convert_address(from: OsAbi, bytes: &mut [u8], to: OsAbi) {
    if from == OsAbi::HOST {
        convert_sockaddr(to, bytes, false);
    } else {
        convert_sockaddr(from, bytes, true);
    }
}

fn convert_payload(how: Payload, from: OsAbi, data: &[u8], to: OsAbi) -> SysResult<Vec<u8>> {
    let kind = match how {
        Payload::Bytes => return Ok(data.to_vec()),
        Payload::Struct(desc) => {
            let (n, m) = (desc.size(from), desc.size(to));
            if data.len() < n {
                return Ok(data.to_vec());
            }
            let mut out = vec![0; m];
            convert(desc, from, &data[..n], to, &mut out)?;
            let mut rest = data[n..].to_vec();
            if !std::ptr::eq(desc, AfAlgIv::DESC) {
                convert_address(from, &mut rest, to);
            }
            out.extend_from_slice(&rest);
            return Ok(out);
        }
        Payload::Address => {
            let mut out = data.to_vec();
            convert_address(from, &mut out, to);
            return Ok(out);
        }
        Payload::Numbers(kind) => kind,
    };
    let (n, m) = (kind.size(from), kind.size(to));
    let mut out = vec![0; data.len() / n * m];
    for (input, output) in data.chunks_exact(n).zip(out.chunks_mut(m)) {
        write_int(to, kind, output, read_int(from, kind, input));
    }
    Ok(out)
}

/// Converts a buffer of control messages.
fn convert_control(call: &Call<'_>, from: OsAbi, bytes: &[u8], to: OsAbi) -> SysResult<Vec<u8>> {
    let (head, to_head) = (Cmsghdr::DESC.size(from), Cmsghdr::DESC.size(to));
    let mut out = Vec::new();
    let mut at = 0;
    while at + head <= bytes.len() {
        let h = Cmsghdr::read(from, &bytes[at..])?;
        let len = h.cmsg_len.0 as usize;
        if len < head || len > bytes.len() - at {
            break;
        }
        let data = &bytes[at + head..at + len];
        let how = payload(call, h.cmsg_level, h.cmsg_type, data.len());
        let data = convert_payload(how, from, data, to)?;
        let new = Cmsghdr {
            cmsg_len: crate::abi::Ulong((to_head + data.len()) as u64),
            ..h
        };
        out.resize(out.len().next_multiple_of(to.abi.word.into()), 0);
        out.extend_from_slice(&new.write(to)?);
        out.extend_from_slice(&data);
        at += len.next_multiple_of(from.abi.word.into());
    }
    Ok(out)
}

fn control_to_host(call: &Call<'_>, bytes: &[u8]) -> SysResult<Vec<u8>> {
    let mut out = convert_control(call, call.abi, bytes, OsAbi::HOST)?;
    out.resize(out.len().next_multiple_of(8), 0);
    Ok(out)
}

fn control_to_guest(call: &Call<'_>, bytes: &[u8]) -> Vec<u8> {
    // The host's own buffer is well formed, and every host value fits.
    convert_control(call, OsAbi::HOST, bytes, call.abi).unwrap_or_default()
}

fn send_message(call: &mut Call<'_>) -> SysResult {
    let message = Message::new(call, call.arg(1), Dir::In)?;
    let args = [call.arg(0), message.at(), call.arg(2), 0, 0, 0];
    call.host_wait(SYS_sendmsg, args)
}

fn receive_message(call: &mut Call<'_>) -> SysResult {
    let message = Message::new(call, call.arg(1), Dir::Out)?;
    let args = [call.arg(0), message.at(), call.arg(2), 0, 0, 0];
    let n = call.host_wait(SYS_recvmsg, args)?;
    message.write_back(call, call.arg(1))?;
    Ok(n)
}

/// `UIO_MAXIOV`: messages of one call.
const MESSAGES_MAX: u64 = 1024;

fn send_messages(call: &mut Call<'_>) -> SysResult {
    let size = Mmsghdr::DESC.size(call.abi) as u64;
    let len_at = Mmsghdr::DESC.offset(call.abi, "msg_len").unwrap_or(0) as u64;
    let mut sent = 0;
    while sent < call.arg(2).min(MESSAGES_MAX) {
        let addr = call.arg(1) + sent * size;
        let one = Message::new(call, addr, Dir::In).and_then(|m| {
            let args = [call.arg(0), m.at(), call.arg(3), 0, 0, 0];
            call.host_wait(SYS_sendmsg, args)
        });
        match one {
            Ok(n) => call.write_int(addr.wrapping_add(len_at), Kind::U32, n)?,
            Err(e) if sent == 0 => return Err(e),
            Err(_) => break,
        }
        sent += 1;
    }
    Ok(sent)
}

const MSG_DONTWAIT: u64 = 0x40;
const MSG_WAITFORONE: u64 = 0x1_0000;

fn receive_messages(call: &mut Call<'_>) -> SysResult {
    let size = Mmsghdr::DESC.size(call.abi) as u64;
    let len_at = Mmsghdr::DESC.offset(call.abi, "msg_len").unwrap_or(0) as u64;
    let deadline = match call.row.args[4].ty {
        _ if call.arg(4) == 0 => None,
        ArgType::Struct(_, desc) if std::ptr::eq(desc, Timespec64::DESC) => {
            let t: Timespec64 = call.read_struct(call.arg(4))?;
            Some((t.tv_sec, t.tv_nsec))
        }
        _ => {
            let t: Timespec = call.read_struct(call.arg(4))?;
            Some((t.tv_sec.0, t.tv_nsec.0))
        }
    };
    let deadline = deadline.map(|(s, n)| {
        let wait = std::time::Duration::new(s.max(0) as u64, n.clamp(0, 999_999_999) as u32);
        std::time::Instant::now() + wait
    });
    let mut how = call.arg(3) & !MSG_WAITFORONE;
    let mut received = 0;
    while received < call.arg(2).min(MESSAGES_MAX) {
        let addr = call.arg(1) + received * size;
        let one = Message::new(call, addr, Dir::Out).and_then(|m| {
            let args = [call.arg(0), m.at(), how, 0, 0, 0];
            let n = call.host_wait(SYS_recvmsg, args)?;
            m.write_back(call, addr)?;
            Ok(n)
        });
        match one {
            Ok(n) => call.write_int(addr.wrapping_add(len_at), Kind::U32, n)?,
            Err(e) if received == 0 => return Err(e),
            Err(_) => break,
        }
        received += 1;
        if call.arg(3) & MSG_WAITFORONE != 0 {
            how |= MSG_DONTWAIT;
        }
        if deadline.is_some_and(|d| std::time::Instant::now() >= d) {
            break;
        }
    }
    Ok(received)
}

/// `socketcall`: the call's number, and its arguments in memory.
fn call_by_number(call: &mut Call<'_>) -> SysResult {
    let calls: [&'static Syscall; 20] = [
        &rows::socket,
        &rows::bind,
        &rows::connect,
        &rows::listen,
        &rows::accept,
        &rows::getsockname,
        &rows::getpeername,
        &rows::socketpair,
        &rows::send,
        &rows::recv,
        &rows::sendto,
        &rows::recvfrom,
        &rows::shutdown,
        &rows::setsockopt,
        &rows::getsockopt,
        &rows::sendmsg,
        &rows::recvmsg,
        &rows::accept4,
        &rows::recvmmsg,
        &rows::sendmmsg,
    ];
    let number = call.arg(0) as usize;
    let Some(row) = number.checked_sub(1).and_then(|n| calls.get(n)) else {
        return Err(Errno::EINVAL);
    };
    let mut raw = [0; 8];
    let word = u64::from(call.abi.abi.word);
    for (i, slot) in raw.iter_mut().enumerate().take(row.args.len()) {
        *slot = call.read_int(call.arg(1).wrapping_add(i as u64 * word), Kind::Ulong)?;
    }
    crate::os::linux::run_row(call, row, &raw)
}
