//! Network interfaces of the host.

use std::collections::BTreeMap;
use std::ffi::CStr;

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Interface {
    /// Its name.
    pub name: String,
    /// Its number, from 1.
    pub index: u32,
    /// `IFF_` flags, the host's.
    pub flags: u32,
    /// Largest packet in bytes.
    pub mtu: u32,
    /// Hardware address; empty for one without.
    pub hardware: Vec<u8>,
    /// Addresses of AF_INET and AF_INET6.
    pub addresses: Vec<Address>,
    /// Multicast groups that it has joined, each a socket address of the host.
    pub groups: Vec<Vec<u8>>,
}

/// An address of an interface; each part is a socket address of the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Address {
    /// The address.
    pub address: Vec<u8>,
    /// Which bits of it are the network's.
    pub mask: Vec<u8>,
    /// The address of all in the network, or the other end.
    pub broadcast: Option<Vec<u8>>,
}

/// All interfaces, in the order of their numbers.
pub fn interfaces() -> Vec<Interface> {
    let mut list: *mut libc::ifaddrs = std::ptr::null_mut();
    // SAFETY: room for the list, which is freed below.
    if unsafe { libc::getifaddrs(&mut list) } != 0 {
        return Vec::new();
    }
    let mut found: BTreeMap<String, Interface> = BTreeMap::new();
    let mut next = list;
    // SAFETY: a list that ends with null, as getifaddrs(3) says; so for all that is read of its entries.
    while let Some(entry) = unsafe { next.as_ref() } {
        next = entry.ifa_next;
        // SAFETY: a string.
        let name = unsafe { CStr::from_ptr(entry.ifa_name) };
        let name_text = name.to_string_lossy().into_owned();
        let interface = found.entry(name_text.clone()).or_insert_with(|| Interface {
            // SAFETY: a string.
            index: unsafe { libc::if_nametoindex(name.as_ptr()) },
            flags: entry.ifa_flags,
            mtu: mtu(&name_text),
            name: name_text,
            ..Interface::default()
        });
        // SAFETY: null, or a socket address of its family.
        let family = unsafe { entry.ifa_addr.as_ref() }.map(|a| i32::from(a.sa_family));
        match family {
            Some(libc::AF_PACKET) => {
                // SAFETY: of this family.
                let link = unsafe { &*entry.ifa_addr.cast::<libc::sockaddr_ll>() };
                let len = usize::from(link.sll_halen).min(link.sll_addr.len());
                if link.sll_hatype != libc::ARPHRD_LOOPBACK {
                    interface.hardware = link.sll_addr[..len].to_vec();
                }
            }
            Some(libc::AF_INET | libc::AF_INET6) => {
                const IFF_BROADCAST_OR_POINT: u32 = 0x12;
                let broadcast = entry.ifa_flags & IFF_BROADCAST_OR_POINT != 0;
                interface.addresses.push(Address {
                    address: bytes(entry.ifa_addr),
                    mask: bytes(entry.ifa_netmask),
                    broadcast: Some(bytes(entry.ifa_ifu)).filter(|b| broadcast && !b.is_empty()),
                });
            }
            _ => {}
        }
    }
    // SAFETY: the list that getifaddrs gave.
    unsafe { libc::freeifaddrs(list) };
    let mut all: Vec<Interface> = found.into_values().collect();
    all.sort_by_key(|i| i.index);
    groups(&mut all);
    all
}

/// The bytes of a socket address; none for a null one.
fn bytes(address: *const libc::sockaddr) -> Vec<u8> {
    // SAFETY: null, or a socket address of its family.
    let Some(family) = (unsafe { address.as_ref() }).map(|a| i32::from(a.sa_family)) else {
        return Vec::new();
    };
    let len = match family {
        libc::AF_INET => size_of::<libc::sockaddr_in>(),
        libc::AF_INET6 => size_of::<libc::sockaddr_in6>(),
        _ => return Vec::new(),
    };
    // SAFETY: as long as an address of its family is.
    unsafe { std::slice::from_raw_parts(address.cast::<u8>(), len) }.to_vec()
}

fn mtu(name: &str) -> u32 {
    let text = std::fs::read_to_string(format!("/sys/class/net/{name}/mtu"));
    text.ok()
        .and_then(|t| t.trim().parse().ok())
        .unwrap_or(1500)
}

/// Adds the multicast groups that `/proc/net/igmp` and `/proc/net/igmp6` list.
fn groups(all: &mut [Interface]) {
    let mut current = 0;
    for line in std::fs::read_to_string("/proc/net/igmp")
        .unwrap_or_default()
        .lines()
    {
        let mut words = line.split_whitespace();
        let Some(first) = words.next() else { continue };
        if !line.starts_with(char::is_whitespace) {
            current = first.parse().unwrap_or(0);
        } else if let Ok(group) = u32::from_str_radix(first, 16)
            && let Some(interface) = all.iter_mut().find(|i| i.index == current)
        {
            // Printed as a number of the host's byte order.
            let mut address = vec![0; size_of::<libc::sockaddr_in>()];
            address[..2].copy_from_slice(&(libc::AF_INET as u16).to_le_bytes());
            address[4..8].copy_from_slice(&group.to_le_bytes());
            interface.groups.push(address);
        }
    }
    for line in std::fs::read_to_string("/proc/net/igmp6")
        .unwrap_or_default()
        .lines()
    {
        let mut words = line.split_whitespace();
        let (Some(index), Some(group)) = (words.next(), words.nth(1)) else {
            continue;
        };
        let digits = |n: usize| u8::from_str_radix(group.get(2 * n..2 * n + 2)?, 16).ok();
        let Some(group) = (0..16).map(digits).collect::<Option<Vec<u8>>>() else {
            continue;
        };
        if let Some(interface) = all.iter_mut().find(|i| Ok(i.index) == index.parse()) {
            let mut address = vec![0; size_of::<libc::sockaddr_in6>()];
            address[..2].copy_from_slice(&(libc::AF_INET6 as u16).to_le_bytes());
            address[8..24].copy_from_slice(&group);
            interface.groups.push(address);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_interface_is_there() {
        let all = interfaces();
        let loopback = all
            .iter()
            .find(|i| i.flags & 8 != 0)
            .expect("a loopback interface");
        assert!(loopback.index > 0 && loopback.mtu > 0 && loopback.hardware.is_empty());
    }
}
