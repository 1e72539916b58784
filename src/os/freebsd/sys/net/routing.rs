//! Sockets of PF_ROUTE (route(4)): the guest has one end of a pair of the host's sockets, from which it reads as from any other.
//! What it writes is taken here, made of the host's rtnetlink, and answered through the other end; a thread tells every such
//! socket of the process what changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering::SeqCst};

use super::*;
use crate::host;
use crate::host::fd::OwnFd;
use crate::host::net::interfaces;
use crate::host::netlink;
use crate::host::routes::{self, Route};
use crate::os::freebsd;
use crate::os::freebsd::route::{AF_LINK, RTM_VERSION, table};
use crate::os::freebsd::sys::own::Own;
use table::RtMsghdr;

/// What such sockets do not do.
pub(super) const LIMITS: &str = "PF_ROUTE: RTM_CHANGE and other messages than ADD, DELETE and GET; messages in parts; after exec";

/// The other ends, by the guest's descriptors.
#[derive(Default)]
pub struct RouteSockets {
    pub(in crate::os::freebsd::sys) ends: Own<HashMap<i32, Arc<OwnFd>>>,
    /// The process whose thread listens; children of it have none.
    listener: AtomicI32,
}

impl RouteSockets {
    /// Sends a message to all of them.
    fn tell(&self, message: &[u8]) {
        let ends = self.ends.with(false, |all| all.clone());
        ends.values().for_each(|end| send(end, message));
    }
}

fn of<'a>(call: &'a Call<'_>) -> Option<&'a RouteSockets> {
    freebsd::of(call.thread).map(|os| &os.routes)
}

fn end(call: &Call<'_>, fd: i32) -> Option<Arc<OwnFd>> {
    of(call)?.ends.if_used(call, |all| all.get(&fd).cloned())?
}

/// Puts a message into the queue of what the guest can read; a full queue loses it, as FreeBSD's does.
fn send(end: &OwnFd, message: &[u8]) {
    // MSG_DONTWAIT, MSG_NOSIGNAL
    const QUIETLY: u64 = 0x4040;
    let (at, len) = (message.as_ptr() as u64, message.len() as u64);
    let args = [end.number() as u64, at, len, QUIETLY, 0, 0];
    // It may have stopped reading.
    let _ = host::syscall(SYS_sendto, args);
}

/// `socket` of PF_ROUTE, with the host's type.
pub(super) fn open(call: &mut Call<'_>, kind: u64) -> SysResult {
    const AF_UNIX: u64 = 1;
    const SOCK_DGRAM: u64 = 2;
    const SOCK_RAW: u64 = 3;
    const SOCK_TYPE: u64 = 0xf;
    if kind & SOCK_TYPE != SOCK_RAW {
        return Err(Errno::EPROTOTYPE);
    }
    let mut ends = [0i32; 2];
    let at = ends.as_mut_ptr() as u64;
    let kind = kind & !SOCK_TYPE;
    call.host(SYS_socketpair, [AF_UNIX, SOCK_DGRAM | kind, 0, at, 0, 0])?;
    let own = OwnFd::adopt(ends[1]).map_err(|_| Errno::EMFILE)?;
    if let Some(sockets) = of(call) {
        let vforked = call.thread.handle.has_own_files();
        sockets
            .ends
            .with(vforked, |all| all.insert(ends[0], Arc::new(own)));
    }
    listen(call);
    Ok(ends[0] as u64)
}

/// `write` and `sendto` to such a socket, whose arguments are the same; `None` if it is another one.
pub(in crate::os::freebsd::sys) fn write(call: &mut Call<'_>) -> Option<SysResult> {
    let end = end(call, call.int(0))?;
    Some(ask(call, &end))
}

/// Refuses a message in parts to such a socket.
pub(in crate::os::freebsd::sys) fn refuse_parts(call: &Call<'_>) -> SysResult<()> {
    match end(call, call.int(0)) {
        Some(_) => {
            call.unimplemented("a message to a routing socket in parts");
            Err(Errno::EOPNOTSUPP)
        }
        None => Ok(()),
    }
}

/// Longest message (`rtsock.c`).
const LONGEST: u64 = 2048;

fn ask(call: &mut Call<'_>, end: &OwnFd) -> SysResult {
    let len = call.arg(2);
    if len > LONGEST {
        return Err(Errno::EINVAL);
    }
    let mut bytes = call.read_bytes(call.arg(1), len)?;
    let request = Request::read(call.abi, &bytes)?;
    let answer = request.carry_out(call);
    let message = match &answer {
        Ok(Some(message)) => message.clone(),
        // The request comes back, with what became of it.
        other => {
            let mut header = request.header;
            match other {
                Err(e) => header.rtm_errno = e.to_guest(call.abi.dialect) as i32,
                _ => header.rtm_flags |= table::RTF_DONE,
            }
            let header = header.write(call.abi)?;
            bytes[..header.len()].copy_from_slice(&header);
            bytes
        }
    };
    send(end, &message);
    answer.map(|_| len)
}

/// What the guest asks for.
struct Request {
    header: RtMsghdr,
    /// Socket addresses of the host by their numbers (`RTAX_*`).
    addresses: [Option<Vec<u8>>; 8],
}

const DST: usize = 0;
const GATEWAY: usize = 1;
const NETMASK: usize = 2;

impl Request {
    fn read(a: OsAbi, bytes: &[u8]) -> SysResult<Request> {
        let size = RtMsghdr::DESC.size(a);
        if bytes.len() < size {
            return Err(Errno::EINVAL);
        }
        let mut header = RtMsghdr::read(a, &bytes[..size])?;
        if usize::from(header.rtm_msglen) != bytes.len() {
            return Err(Errno::EINVAL);
        }
        if header.rtm_version != RTM_VERSION {
            return Err(Errno::EPROTONOSUPPORT);
        }
        header.rtm_pid = host::pid();
        let word = usize::from(a.abi.word);
        let mut rest = &bytes[size..];
        let mut addresses = [const { None }; 8];
        for (n, address) in addresses.iter_mut().enumerate() {
            if header.rtm_addrs >> n & 1 == 0 || rest.is_empty() {
                continue;
            }
            // An address of length 0 takes a word.
            let len = match rest[0] {
                0 => word,
                len => usize::from(len),
            };
            let mut found = rest.get(..len).ok_or(Errno::EINVAL)?.to_vec();
            rest = &rest[len.next_multiple_of(word).min(rest.len())..];
            if found.get(1) == Some(&AF_LINK) || n == NETMASK {
                *address = Some(found);
                continue;
            }
            convert_sockaddr(a, &mut found, true);
            *address = Some(found);
        }
        Ok(Request { header, addresses })
    }

    fn destination(&self) -> SysResult<&[u8]> {
        let destination = self.addresses[DST].as_deref().ok_or(Errno::EINVAL)?;
        match routes::address_bytes(destination) {
            Some(_) => Ok(destination),
            None => Err(Errno::EAFNOSUPPORT),
        }
    }

    /// The length of the network's part of the destination: all of it without a mask. A mask may be cut off behind its last byte,
    /// and need not say its family.
    fn prefix(&self, family: u8) -> u8 {
        let Some(mask) = &self.addresses[NETMASK] else {
            return routes::bits(family);
        };
        let len = usize::from(mask.first().copied().unwrap_or(0));
        let at = if routes::bits(family) == 32 { 4 } else { 8 };
        let mask = mask.get(at..len.min(mask.len())).unwrap_or_default();
        routes::prefix(&routes::socket_address(family, mask))
    }

    /// The number of the interface that the gateway is, where it is one.
    fn gateway_interface(&self, a: OsAbi) -> Option<u32> {
        let link = self.addresses[GATEWAY].as_ref()?;
        let index = link.get(2..4).filter(|_| link[1] == AF_LINK)?;
        Some(crate::abi::read_int(a, Kind::U16, index) as u32)
    }

    /// Does what is asked; the answer, where it is not the request itself.
    fn carry_out(&self, call: &Call<'_>) -> SysResult<Option<Vec<u8>>> {
        const RTM_ADD: u8 = 1;
        const RTM_DELETE: u8 = 2;
        match self.header.rtm_type {
            table::RTM_GET => {
                let route = self.look_up()?;
                let message = table::message(call.abi, &route, &interfaces(), &self.header);
                Ok(Some(message))
            }
            RTM_ADD => {
                routes::change(&self.route(call.abi)?, true)?;
                Ok(None)
            }
            RTM_DELETE => {
                // What is not there is not there, whatever the host calls it.
                let gone = routes::change(&self.route(call.abi)?, false);
                gone.map(|()| None)
            }
            other => {
                call.unimplemented(&format!("message of type {other} to a routing socket"));
                Err(Errno::EOPNOTSUPP)
            }
        }
    }

    /// The route that a packet takes, or with a mask the one to just this network.
    fn look_up(&self) -> SysResult<Route> {
        let destination = self.destination()?;
        if self.addresses[NETMASK].is_none() {
            // The host has several words for it.
            return routes::route_to(destination).map_err(|_| Errno::ESRCH);
        }
        let prefix = self.prefix(destination[0]);
        let all = routes::routes(destination[0])?.into_iter();
        let mut same = all.filter(|r| r.prefix == prefix && r.table == table::RT_TABLE_MAIN);
        let address = routes::address_bytes(destination);
        let found = same.find(|r| routes::address_bytes(&r.destination) == address);
        found.ok_or(Errno::ESRCH)
    }

    /// The route that is to be made or taken away.
    fn route(&self, a: OsAbi) -> SysResult<Route> {
        const RTPROT_STATIC: u8 = 4;
        let destination = self.destination()?;
        let flags = self.header.rtm_flags;
        let gateway = self.addresses[GATEWAY].clone().unwrap_or_default();
        let is_address = routes::address_bytes(&gateway).is_some();
        let has = |flag: i32| flags & flag != 0;
        let kind = match () {
            () if has(table::RTF_BLACKHOLE) => table::RTN_BLACKHOLE,
            () if has(table::RTF_REJECT) => table::RTN_UNREACHABLE,
            () => table::RTN_UNICAST,
        };
        let direct = kind != table::RTN_UNICAST || !is_address;
        Ok(Route {
            destination: destination.to_vec(),
            prefix: match has(table::RTF_HOST) {
                true => routes::bits(destination[0]),
                false => self.prefix(destination[0]),
            },
            gateway: if direct { Vec::new() } else { gateway },
            interface: self.gateway_interface(a).unwrap_or(0),
            kind,
            protocol: RTPROT_STATIC,
            table: table::RT_TABLE_MAIN,
            ..Route::default()
        })
    }
}

/// Has a thread tell what changes, unless one does.
fn listen(call: &Call<'_>) {
    // RTMGRP_* of linux/rtnetlink.h: links, addresses and routes of both protocols.
    const GROUPS: u32 = 1 | 0x10 | 0x40 | 0x100 | 0x400;
    const NETLINK_ROUTE: i32 = 0;
    // The child of a vfork has no thread of its own: it hears nothing until it executes a program, which has none of these.
    if call.thread.is_vfork_child() {
        return;
    }
    let Some(sockets) = of(call) else { return };
    if sockets.listener.swap(host::pid(), SeqCst) == host::pid() {
        return;
    }
    let Ok(socket) = netlink::open(NETLINK_ROUTE, GROUPS) else {
        call.unimplemented("changes told by a routing socket: the host has no rtnetlink");
        return;
    };
    let (process, a) = (call.thread.process.clone(), call.abi);
    let owner = process.clone();
    let heard = move || {
        while let Ok(messages) = netlink::hear(&socket) {
            let Some(os) = freebsd::of_process(&owner) else {
                return;
            };
            for message in messages {
                if let Some(told) = table::change(a, &message) {
                    os.routes.tell(&told);
                }
            }
        }
    };
    if !process.spawn_helper("routes", heard) {
        sockets.listener.store(0, SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::MIPS;

    /// A request for the route to 10.1.0.0/16, the mask cut off as `route` does.
    fn request(mask: bool) -> Vec<u8> {
        let a = MIPS.abi;
        let mut bytes = RtMsghdr {
            rtm_version: RTM_VERSION,
            rtm_type: table::RTM_GET,
            rtm_addrs: if mask { 5 } else { 1 },
            ..RtMsghdr::default()
        }
        .write(a)
        .expect("a header");
        bytes.extend([16, 2, 0, 0, 10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        if mask {
            bytes.extend([6, 0, 0, 0, 255, 255, 0, 0]);
        }
        let len = (bytes.len() as u16).to_be_bytes();
        bytes[..2].copy_from_slice(&len);
        bytes
    }

    #[test]
    fn requests_are_taken_apart() {
        let read = Request::read(MIPS.abi, &request(true)).expect("a request");
        assert_eq!(read.destination().map(|d| d[0]), Ok(2));
        assert_eq!(read.prefix(2), 16);
        let read = Request::read(MIPS.abi, &request(false)).expect("a request");
        assert_eq!((read.prefix(2), read.header.rtm_pid), (32, host::pid()));
        assert_eq!(read.gateway_interface(MIPS.abi), None);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let whole = request(true);
        let cut = |n: usize| Request::read(MIPS.abi, &whole[..n]).err();
        assert_eq!(cut(whole.len() - 1), Some(Errno::EINVAL));
        assert_eq!(cut(10), Some(Errno::EINVAL));
        let mut other = whole.clone();
        other[2] = 4;
        let other = Request::read(MIPS.abi, &other).err();
        assert_eq!(other, Some(Errno::EPROTONOSUPPORT));
    }
}
