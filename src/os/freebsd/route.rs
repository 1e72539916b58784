//! The list of network interfaces and their addresses as the routing socket gives it: `sysctl` of `net.route`, which
//! `getifaddrs(3)` and Go read (FreeBSD `sys/net/rtsock.c`, `net/route.h`, `net/if.h`, `net/if_dl.h`).

use crate::abi::{Endian, Errno, Kind, SysResult, write_int};
use crate::host::net::{Address, Interface, interfaces};
use crate::os::{Call, convert_sockaddr};

// net/route.h
const RTM_VERSION: u8 = 5;
const RTM_NEWADDR: u8 = 0xc;
const RTM_IFINFO: u8 = 0xe;
const RTM_NEWMADDR: u8 = 0xf;
const RTA_NETMASK: u64 = 4;
const RTA_IFP: u64 = 0x10;
const RTA_IFA: u64 = 0x20;
const RTA_BRD: u64 = 0x80;

/// What comes after `{ CTL_NET, PF_ROUTE }` in the number: 0, address family, kind of list, index of an interface.
pub fn list(call: &Call<'_>, rest: &[i32]) -> SysResult<Vec<u8>> {
    // sys/socket.h
    const NET_RT_IFLIST: i32 = 3;
    const NET_RT_IFMALIST: i32 = 4;
    const NET_RT_IFLISTL: i32 = 5;
    let &[0, family, kind, index] = rest else {
        return Err(Errno::EINVAL);
    };
    let all = interfaces();
    let wanted = all.iter().filter(|i| index == 0 || i.index == index as u32);
    let mut out = Vec::new();
    for interface in wanted {
        match kind {
            NET_RT_IFLIST | NET_RT_IFLISTL => {
                let long = kind == NET_RT_IFLISTL;
                if family == 0 || family == i32::from(AF_LINK) {
                    out.extend(link(call, interface, long));
                }
                let addresses = interface.addresses.iter();
                for address in addresses.filter(|a| family == 0 || a.family() == family) {
                    out.extend(address_of(call, interface, address, long));
                }
            }
            NET_RT_IFMALIST => {
                for group in &interface.groups {
                    out.extend(group_of(call, interface, group));
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

const AF_LINK: u8 = 18;

impl Address {
    /// The guest's number of the family.
    fn family(&self) -> i32 {
        i32::from(bsd(&self.address).get(1).copied().unwrap_or(0))
    }
}

/// A socket address of the host in FreeBSD's layout.
fn bsd(host: &[u8]) -> Vec<u8> {
    let mut out = host.to_vec();
    convert_sockaddr(crate::os::freebsd::isa::AARCH64.abi, &mut out, false);
    out
}

/// A message under construction.
struct Message<'a, 'b> {
    call: &'a Call<'b>,
    bytes: Vec<u8>,
}

impl Message<'_, '_> {
    fn new<'a, 'b>(
        call: &'a Call<'b>,
        kind: u8,
        addresses: u64,
        flags: u32,
        index: u32,
    ) -> Message<'a, 'b> {
        let mut m = Message {
            call,
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
        self.bytes.resize(at + kind.size(self.call.abi), 0);
        write_int(self.call.abi, kind, &mut self.bytes[at..], value);
    }

    /// Adds a socket address, padded as `SA_SIZE` says.
    fn address(&mut self, address: &[u8]) {
        let word = usize::from(self.call.abi.abi.word);
        let size = address.len().next_multiple_of(word);
        let at = self.bytes.len();
        self.bytes.extend(address);
        self.bytes.resize(at + size, 0);
    }

    fn end(mut self) -> Vec<u8> {
        let word = usize::from(self.call.abi.abi.word);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(word), 0);
        let len = self.bytes.len() as u64;
        write_int(self.call.abi, Kind::U16, &mut self.bytes, len);
        self.bytes
    }
}

/// `struct if_data`: what is not known of the host is 0.
fn data(m: &mut Message<'_, '_>, interface: &Interface) {
    const SIZE: usize = 152;
    const LINK_STATE_UP: u8 = 2;
    let begin = m.bytes.len();
    let hardware = interface.hardware.len() as u8;
    m.bytes
        .extend([interface_type(interface), 0, hardware, 14, LINK_STATE_UP, 0]);
    m.put(Kind::U16, SIZE as u64);
    m.put(Kind::U32, interface.mtu.into());
    m.bytes.resize(begin + SIZE, 0);
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
        |interface| link_address(call, interface),
    )
}

/// `struct sockaddr_dl`: name and hardware address of an interface.
fn link_address(call: &Call<'_>, interface: &Interface) -> Vec<u8> {
    const SIZE: usize = 54;
    let name = interface.name.as_bytes();
    let mut out = vec![SIZE as u8, AF_LINK];
    let index = interface.index as u16;
    out.extend(match call.abi.abi.endian {
        Endian::Little => index.to_le_bytes(),
        Endian::Big => index.to_be_bytes(),
    });
    out.extend([
        interface_type(interface),
        name.len() as u8,
        interface.hardware.len() as u8,
        0,
    ]);
    out.extend(name);
    out.extend(&interface.hardware);
    out.resize(SIZE, 0);
    out
}

fn link(call: &Call<'_>, interface: &Interface, long: bool) -> Vec<u8> {
    let flags = interface_flags(interface.flags);
    let mut m = Message::new(call, RTM_IFINFO, RTA_IFP, flags, interface.index);
    if long {
        // Length of the header with its data, where these are, a spare word.
        m.put(Kind::U16, 24 + 152);
        m.put(Kind::U16, 24);
        m.put(Kind::U32, 0);
    }
    data(&mut m, interface);
    m.address(&link_address(call, interface));
    m.end()
}

fn address_of(call: &Call<'_>, interface: &Interface, address: &Address, long: bool) -> Vec<u8> {
    let mut which = RTA_NETMASK | RTA_IFP | RTA_IFA;
    if address.broadcast.is_some() {
        which |= RTA_BRD;
    }
    let mut m = Message::new(call, RTM_NEWADDR, which, 0, interface.index);
    if long {
        m.put(Kind::U16, 24 + 152);
        m.put(Kind::U16, 24);
        m.put(Kind::U32, 0);
        data(&mut m, interface);
    } else {
        m.put(Kind::U32, 0); // metric
    }
    m.address(&bsd(&address.mask));
    m.address(&link_address(call, interface));
    m.address(&scoped(bsd(&address.address), interface.index));
    if let Some(broadcast) = &address.broadcast {
        m.address(&bsd(broadcast));
    }
    m.end()
}

/// FreeBSD's kernel tells the interface of a link-local address in its second word, not in the scope.
fn scoped(mut address: Vec<u8>, index: u32) -> Vec<u8> {
    const AF_INET6: u8 = 28;
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

fn group_of(call: &Call<'_>, interface: &Interface, group: &[u8]) -> Vec<u8> {
    let mut m = Message::new(call, RTM_NEWMADDR, RTA_IFP | RTA_IFA, 0, interface.index);
    m.address(&link_address(call, interface));
    m.address(&scoped(bsd(group), interface.index));
    m.end()
}
