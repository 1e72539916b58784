//! Interfaces, their addresses, routes and neighbours in the words of the routing socket: `sysctl` of `net.route`, which
//! `getifaddrs(3)`, Go, `netstat` and `arp` read, and sockets of PF_ROUTE.
//!
//! Source: FreeBSD `sys/net/rtsock.c`, `net/route.h`, `net/if.h`, `net/if_dl.h` (as facts).

pub(super) mod decode;
mod interface;
pub(super) mod table;

use crate::abi::{Errno, Kind, OsAbi, SysResult, write_int};
use crate::host::net::{Address, Interface, interfaces};
use crate::os::{Call, convert_sockaddr};
use interface::{address_of, group_of, link};

/// What the table of domains has for AF_ROUTE, where the host has none.
pub const HOST_DOMAIN: u64 = 0x1011;

// net/route.h
pub(super) const RTM_VERSION: u8 = 5;
const RTM_NEWADDR: u8 = 0xc;
const RTM_IFINFO: u8 = 0xe;
const RTM_NEWMADDR: u8 = 0xf;
const RTA_DST: u64 = 1;
const RTA_GATEWAY: u64 = 2;
const RTA_NETMASK: u64 = 4;
const RTA_IFP: u64 = 0x10;
const RTA_IFA: u64 = 0x20;
const RTA_BRD: u64 = 0x80;

/// What comes after `{ CTL_NET, PF_ROUTE }` in the number: 0, address family, kind of list, index of an interface.
pub fn list(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    // sys/socket.h
    const NET_RT_DUMP: i32 = 1;
    const NET_RT_FLAGS: i32 = 2;
    const NET_RT_IFLIST: i32 = 3;
    const NET_RT_IFMALIST: i32 = 4;
    const NET_RT_IFLISTL: i32 = 5;
    // The last number, which need not be there, is that of a routing table: there is one.
    let (&[0, family, kind, index] | &[0, family, kind, index, 0]) = rest else {
        return Err(Errno::EINVAL);
    };
    let (a, all) = (call.abi, interfaces());
    match kind {
        NET_RT_DUMP => return table::routes(a, family, &all),
        NET_RT_FLAGS => return table::flagged(a, family, index, &all),
        _ => {}
    }
    let wanted = all.iter().filter(|i| index == 0 || i.index == index as u32);
    let mut out = Vec::new();
    for interface in wanted {
        match kind {
            NET_RT_IFLIST | NET_RT_IFLISTL => {
                let long = kind == NET_RT_IFLISTL;
                if family == 0 || family == i32::from(AF_LINK) {
                    out.extend(link(a, interface, long));
                }
                let addresses = interface.addresses.iter();
                for address in addresses.filter(|at| family == 0 || at.family(a) == family) {
                    out.extend(address_of(a, interface, address, long));
                }
            }
            NET_RT_IFMALIST => {
                for group in &interface.groups {
                    out.extend(group_of(a, interface, group));
                }
            }
            other => {
                call.unimplemented(&format!("sysctl net.route, list {other}"));
                return Err(Errno::EINVAL);
            }
        }
    }
    Ok(out)
}

pub(super) const AF_LINK: u8 = 18;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 28;

impl Address {
    /// The guest's number of the family.
    fn family(&self, a: OsAbi) -> i32 {
        i32::from(bsd(a, &self.address).get(1).copied().unwrap_or(0))
    }
}

/// A socket address of the host in FreeBSD's layout.
fn bsd(a: OsAbi, host: &[u8]) -> Vec<u8> {
    let mut out = host.to_vec();
    convert_sockaddr(a, &mut out, false);
    out
}

/// A message under construction.
struct Message {
    a: OsAbi,
    bytes: Vec<u8>,
}

impl Message {
    fn new(a: OsAbi, kind: u8, addresses: u64, flags: u32, index: u32) -> Message {
        let mut m = Message {
            a,
            bytes: Vec::new(),
        };
        // Length, written at the end; version; type.
        m.bytes.extend([0, 0, RTM_VERSION, kind]);
        m.put(Kind::U32, addresses);
        m.put(Kind::U32, flags.into());
        m.put(Kind::U16, index.into());
        m.put(Kind::U16, 0);
        m
    }

    fn put(&mut self, kind: Kind, value: u64) {
        let at = self.bytes.len();
        self.bytes.resize(at + kind.size(self.a), 0);
        write_int(self.a, kind, &mut self.bytes[at..], value);
    }

    /// Adds a socket address, padded as `SA_SIZE` says.
    fn address(&mut self, address: &[u8]) {
        let word = usize::from(self.a.abi.word);
        let size = address.len().next_multiple_of(word);
        let at = self.bytes.len();
        self.bytes.extend(address);
        self.bytes.resize(at + size, 0);
    }

    fn end(mut self) -> Vec<u8> {
        let word = usize::from(self.a.abi.word);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(word), 0);
        let len = self.bytes.len() as u64;
        write_int(self.a, Kind::U16, &mut self.bytes, len);
        self.bytes
    }
}

/// `net/if_types.h`
fn interface_type(interface: &Interface) -> u8 {
    const IFF_LOOPBACK: u32 = 8;
    const IFT_ETHER: u8 = 6;
    const IFT_LOOP: u8 = 0x18;
    if interface.flags & IFF_LOOPBACK != 0 {
        IFT_LOOP
    } else {
        IFT_ETHER
    }
}

/// Flags of an interface (`net/if.h`): the first ones are those of the host, and both have multicast.
fn interface_flags(host: u32) -> u32 {
    const SHARED: u32 = 0x1 | 0x2 | 0x4 | 0x8 | 0x10 | 0x40 | 0x80 | 0x100 | 0x200;
    const HOST_MULTICAST: u32 = 0x1000;
    const MULTICAST: u32 = 0x8000;
    host & SHARED
        | if host & HOST_MULTICAST != 0 {
            MULTICAST
        } else {
            0
        }
}

/// `struct sockaddr_dl` of the interface of that number; one without anything if there is none.
pub fn interface_address(call: &Call<'_>, index: u32) -> Vec<u8> {
    const HEAD: u8 = 8;
    let all = interfaces();
    let found = all.iter().find(|i| i.index == index);
    found.map_or_else(
        || vec![HEAD, AF_LINK, 0, 0, 0, 0, 0, 0],
        |interface| link_address(call.abi, interface),
    )
}

/// `struct sockaddr_dl`: name and hardware address of an interface.
fn link_address(a: OsAbi, interface: &Interface) -> Vec<u8> {
    let name = interface.name.as_bytes();
    any_link_address(a, interface, name, &interface.hardware)
}

/// One that says which interface by its number alone, with a hardware address of it or of another machine.
fn plain_link_address(a: OsAbi, interface: &Interface, hardware: &[u8]) -> Vec<u8> {
    any_link_address(a, interface, &[], hardware)
}

fn any_link_address(a: OsAbi, interface: &Interface, name: &[u8], hardware: &[u8]) -> Vec<u8> {
    const SIZE: usize = 54;
    let mut out = vec![SIZE as u8, AF_LINK, 0, 0];
    write_int(a, Kind::U16, &mut out[2..], interface.index.into());
    let kind = interface_type(interface);
    out.extend([kind, name.len() as u8, hardware.len() as u8, 0]);
    out.extend(name);
    out.extend(hardware);
    out.resize(SIZE, 0);
    out
}

/// FreeBSD's kernel tells the interface of a link-local address in its second word, not in the scope.
fn scoped(mut address: Vec<u8>, index: u32) -> Vec<u8> {
    if address.len() >= 28
        && address[1] == AF_INET6
        && address[8] == 0xfe
        && address[9] & 0xc0 == 0x80
    {
        address[10..12].copy_from_slice(&(index as u16).to_be_bytes());
        address[24..28].fill(0);
    }
    address
}
