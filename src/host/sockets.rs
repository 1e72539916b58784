//! Sockets of the host, whoever has them: what sock_diag(7) says, and `/proc/net` of raw ones, which a kernel may not have there.

use super::netlink::{Extent, Message, ask, attributes, half, word};
use crate::abi::{Errno, SysResult};
use std::collections::HashMap;

/// A socket.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Socket {
    /// `AF_*` of the host.
    pub family: i32,
    /// `SOCK_*`
    pub kind: i32,
    /// `IPPROTO_*`; 0 for AF_UNIX.
    pub protocol: i32,
    /// The number of its inode, by which descriptors name it; 0 when no process has it any more.
    pub inode: u64,
    /// Who made it.
    pub user: u32,
    /// State as the host counts those of TCP: 1 is connected, 7 closed, 10 listening.
    pub state: u8,
    /// Its name: a socket address of the host, empty without.
    pub local: Vec<u8>,
    /// That of the other end.
    pub remote: Vec<u8>,
    /// Bytes that wait to be read; connections that wait to be accepted where it listens.
    pub received: u32,
    /// Bytes that wait to be sent; how many connections may wait where it listens.
    pub sent: u32,
    /// Bytes that each buffer may hold, first that of what is received.
    pub room: [u32; 2],
    /// The inode of the socket at the other end (AF_UNIX).
    pub peer: u64,
    /// AF_INET6, and not open to AF_INET.
    pub only_v6: bool,
    /// What a timer waits for, and for how many milliseconds: 1 to send again, 2 to ask whether the other end lives, 3 for the
    /// end of TIME_WAIT, 4 to ask for room.
    pub timer: (u8, u32),
    /// `struct tcp_info` of the host, empty without.
    pub info: Vec<u8>,
    /// What controls congestion, in words.
    pub congestion: Vec<u8>,
}

/// Kinds that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// TCP over both protocols.
    Tcp,
    /// UDP over both.
    Udp,
    /// Raw ones of both.
    Raw,
    /// Those of AF_UNIX of this type.
    Unix(i32),
}

const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;
const AF_UNIX: u8 = 1;
const SOCK_STREAM: i32 = 1;
const SOCK_DGRAM: i32 = 2;
const SOCK_RAW: i32 = 3;
const IPPROTO_TCP: u8 = 6;
const IPPROTO_UDP: u8 = 17;

/// All sockets of a kind, in this network namespace. One that has no name yet is known to the host by its descriptor alone, and
/// not listed (AF_UNIX: it is).
///
/// # Errors
/// The kernel has no sock_diag.
pub fn sockets(listed: Listed) -> SysResult<Vec<Socket>> {
    match listed {
        Listed::Tcp => internet(IPPROTO_TCP, SOCK_STREAM),
        Listed::Udp => internet(IPPROTO_UDP, SOCK_DGRAM),
        Listed::Raw => Ok(raw()),
        Listed::Unix(kind) => Ok(unix()?.into_iter().filter(|s| s.kind == kind).collect()),
    }
}

/// All sockets of the kinds that are listed, by inode.
pub fn by_inode() -> HashMap<u64, Socket> {
    let kinds = [Listed::Tcp, Listed::Udp, Listed::Raw].map(sockets);
    let mut all = HashMap::new();
    for socket in kinds.into_iter().chain([unix()]).flatten().flatten() {
        all.entry(socket.inode).or_insert(socket);
    }
    all
}

/// Answers of sock_diag, none of a family that the host does not have.
fn diagnose(request: &[u8]) -> SysResult<Vec<Message>> {
    const NETLINK_SOCK_DIAG: i32 = 4;
    const SOCK_DIAG_BY_FAMILY: u16 = 20;
    match ask(NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, Extent::All, request) {
        Err(Errno::ENOENT) => Ok(Vec::new()),
        other => other,
    }
}

fn internet(protocol: u8, kind: i32) -> SysResult<Vec<Socket>> {
    // linux/inet_diag.h, INET_DIAG_*
    const INFO: u16 = 2;
    const CONG: u16 = 4;
    const SKMEMINFO: u16 = 7;
    const SKV6ONLY: u16 = 11;
    const ASKED: u8 = 1 << (INFO - 1) | 1 << (CONG - 1) | 1 << (SKMEMINFO - 1);
    let mut all = Vec::new();
    for family in [AF_INET, AF_INET6] {
        // struct inet_diag_req_v2: family, protocol, what is asked for, padding, states, and which one.
        let mut request = vec![family, protocol, ASKED, 0];
        request.extend(u32::MAX.to_ne_bytes());
        request.resize(56, 0);
        for answer in diagnose(&request)? {
            // struct inet_diag_msg: family, state, timer, retransmits; ports, addresses, interface, cookie; the time, queues,
            // user, inode.
            let body = &answer.body[..];
            let Some(id) = body.get(4..72) else { continue };
            let scope = word(id, 36);
            let end = |port: usize, at: usize| {
                address(body[0], &id[port..port + 2], &id[at..at + 16], scope)
            };
            let mut socket = Socket {
                family: body[0].into(),
                kind,
                protocol: protocol.into(),
                state: body[1],
                timer: (body[2], word(body, 52)),
                local: end(0, 4),
                remote: end(2, 20),
                received: word(body, 56),
                sent: word(body, 60),
                user: word(body, 64),
                inode: word(body, 68).into(),
                ..Socket::default()
            };
            for (number, value) in attributes(body, 72) {
                match number {
                    INFO => socket.info = value.to_vec(),
                    CONG => socket.congestion = value.strip_suffix(b"\0").unwrap_or(value).to_vec(),
                    SKMEMINFO => socket.room = [word(value, 4), word(value, 12)],
                    SKV6ONLY => socket.only_v6 = value.first() == Some(&1),
                    _ => {}
                }
            }
            all.push(socket);
        }
    }
    Ok(all)
}

/// A socket address of the host; the port as the network has it.
fn address(family: u8, port: &[u8], address: &[u8], scope: u32) -> Vec<u8> {
    let mut out = vec![family, 0, port[0], port[1]];
    if family == AF_INET {
        out.extend(&address[..4]);
        out.resize(16, 0);
    } else {
        out.extend([0; 4]);
        out.extend(address);
        out.extend(scope.to_ne_bytes());
    }
    out
}

fn unix() -> SysResult<Vec<Socket>> {
    // linux/unix_diag.h: UNIX_DIAG_* and UDIAG_SHOW_* of name, peer, queues, memory, user.
    const NAME: u16 = 0;
    const PEER: u16 = 2;
    const RQLEN: u16 = 4;
    const MEMINFO: u16 = 5;
    const UID: u16 = 7;
    const SHOWN: u32 = 1 | 4 | 0x10 | 0x20 | 0x40;
    // struct unix_diag_req: family, protocol, padding, states, inode, what is asked for, cookie.
    let mut request = vec![AF_UNIX, 0, 0, 0];
    for field in [u32::MAX, 0, SHOWN, 0, 0] {
        request.extend(field.to_ne_bytes());
    }
    let named = |name: &[u8]| [&[AF_UNIX, 0], name].concat();
    let mut all = Vec::new();
    for answer in diagnose(&request)? {
        // struct unix_diag_msg: family, type, state, padding, inode, cookie.
        let body = &answer.body[..];
        if body.len() < 16 {
            continue;
        }
        let mut socket = Socket {
            family: AF_UNIX.into(),
            kind: body[1].into(),
            state: body[2],
            inode: word(body, 4).into(),
            ..Socket::default()
        };
        for (number, value) in attributes(body, 16) {
            match number {
                NAME => socket.local = named(value),
                PEER => socket.peer = word(value, 0).into(),
                RQLEN => (socket.received, socket.sent) = (word(value, 0), word(value, 4)),
                MEMINFO => socket.room = [word(value, 4), word(value, 12)],
                UID => socket.user = word(value, 0),
                _ => {}
            }
        }
        all.push(socket);
    }
    // The other end's name.
    let named = all.iter().map(|s| (s.inode, s.local.clone()));
    let names: HashMap<u64, Vec<u8>> = named.collect();
    for socket in all.iter_mut().filter(|s| s.peer != 0) {
        if let Some(name) = names.get(&socket.peer) {
            socket.remote = name.clone();
        }
    }
    Ok(all)
}

/// What `/proc/net/raw` and `raw6` list (proc(5)): number, addresses with the protocol in the port's place, state, queues, a timer,
/// retransmits, user, time, inode.
fn raw() -> Vec<Socket> {
    let mut all = Vec::new();
    for (file, family) in [("raw", AF_INET), ("raw6", AF_INET6)] {
        let text = std::fs::read_to_string(format!("/proc/net/{file}")).unwrap_or_default();
        all.extend(text.lines().skip(1).filter_map(|l| raw_line(family, l)));
    }
    all
}

fn raw_line(family: u8, line: &str) -> Option<Socket> {
    let words: Vec<&str> = line.split_whitespace().collect();
    let end = |n: usize| {
        let (digits, port) = words.get(n)?.split_once(':')?;
        // Words, printed as numbers of the host's byte order.
        let word = |n: usize| u32::from_str_radix(digits.get(8 * n..8 * n + 8)?, 16).ok();
        let mut bytes = Vec::new();
        for n in 0..digits.len() / 8 {
            bytes.extend(word(n)?.to_ne_bytes());
        }
        let port = u16::from_str_radix(port, 16).ok()?;
        (bytes.len() >= 4).then_some((bytes, port))
    };
    let ((local, protocol), (remote, _)) = (end(1)?, end(2)?);
    let (sent, received) = words.get(4)?.split_once(':')?;
    let queue = |text: &str| u32::from_str_radix(text, 16).ok();
    Some(Socket {
        family: family.into(),
        kind: SOCK_RAW,
        protocol: protocol.into(),
        state: u8::from_str_radix(words.get(3)?, 16).ok()?,
        local: address(family, &[0, 0], &local, 0),
        remote: address(family, &[0, 0], &remote, 0),
        sent: queue(sent)?,
        received: queue(received)?,
        user: words.get(7)?.parse().ok()?,
        inode: words.get(9)?.parse().ok()?,
        ..Socket::default()
    })
}

/// The port in a socket address of AF_INET or AF_INET6, as the network has it; 0 without.
pub fn port(address: &[u8]) -> u16 {
    half(address, 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{TcpListener, TcpStream, UdpSocket};
    use std::os::fd::AsRawFd;
    use std::os::unix::net::UnixStream;

    fn inode(socket: &impl AsRawFd) -> u64 {
        let link = std::fs::read_link(format!("/proc/self/fd/{}", socket.as_raw_fd()));
        let link = link.expect("a descriptor").to_string_lossy().into_owned();
        let number = link
            .strip_prefix("socket:[")
            .and_then(|l| l.strip_suffix(']'));
        number.and_then(|n| n.parse().ok()).expect("a socket")
    }

    fn found(listed: Listed, socket: &impl AsRawFd) -> Socket {
        let all = sockets(listed).expect("sock_diag");
        let inode = inode(socket);
        let found = all.into_iter().find(|s| s.inode == inode);
        found.expect("the socket")
    }

    #[test]
    fn open_sockets_are_found() {
        let server = TcpListener::bind("127.0.0.1:0").expect("a port");
        let at = server.local_addr().expect("its address");
        let listener = found(Listed::Tcp, &server);
        assert_eq!((listener.state, listener.family), (10, 2));
        assert_eq!(port(&listener.local).to_ne_bytes(), at.port().to_be_bytes());
        assert!(listener.sent > 0, "how many may wait");
        let client = TcpStream::connect(at).expect("a connection");
        let client = found(Listed::Tcp, &client);
        assert_eq!((client.state, &client.remote), (1, &listener.local));
        assert!(!client.info.is_empty() && client.room[0] > 0);

        let six = UdpSocket::bind("[::1]:0").expect("a port");
        assert_eq!(found(Listed::Udp, &six).local[8..24].last(), Some(&1));

        let (one, other) = UnixStream::pair().expect("a pair");
        assert_eq!(found(Listed::Unix(1), &one).peer, inode(&other));
    }

    #[test]
    fn lines_of_raw_sockets_are_read() {
        let line = "   1: 0100007F:0001 00000000:0000 07 00000000:00000010 00:00000000 00000000  1000        0 4711 2 0 0";
        let socket = raw_line(AF_INET, line).expect("a socket");
        assert_eq!(
            (socket.protocol, socket.user, socket.inode),
            (1, 1000, 4711)
        );
        assert_eq!(
            (&socket.local[4..8], socket.received),
            (&[127, 0, 0, 1][..], 16)
        );
        assert_eq!(raw_line(AF_INET, "   1: 0100007F:0001"), None);
    }
}
