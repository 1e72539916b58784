//! Messages about interfaces and their addresses.

use super::*;
use crate::os::proc_text;

/// `struct if_data`: what is not known of the host is 0.
fn data(m: &mut Message, interface: &Interface) {
    const SIZE: usize = 152;
    const LINK_STATE_DOWN: u8 = 1;
    const LINK_STATE_UP: u8 = 2;
    const IFF_RUNNING: u32 = 0x40;
    let begin = m.bytes.len();
    let hardware = interface.hardware.len() as u8;
    let state = match interface.flags & IFF_RUNNING {
        0 => LINK_STATE_DOWN,
        _ => LINK_STATE_UP,
    };
    m.bytes
        .extend([interface_type(interface), 0, hardware, 14, state, 0]);
    m.put(Kind::U16, SIZE as u64);
    m.put(Kind::U32, interface.mtu.into());
    // The metric; the rate in bits a second, which the host tells in millions of them where it knows.
    m.put(Kind::U32, 0);
    let rate = proc_text(&format!("/sys/class/net/{}/speed", interface.name));
    let rate: u64 = rate.trim().parse().unwrap_or(0);
    m.put(Kind::U64, rate.saturating_mul(1_000_000));
    const COUNTS: [&str; 10] = [
        "rx_packets",
        "rx_errors",
        "tx_packets",
        "tx_errors",
        "collisions",
        "rx_bytes",
        "tx_bytes",
        "multicast",
        "",
        "rx_dropped",
    ];
    for name in COUNTS.into_iter().chain(["tx_dropped"]) {
        let file = format!("/sys/class/net/{}/statistics/{name}", interface.name);
        let count = proc_text(&file).trim().parse().unwrap_or(0);
        m.put(Kind::U64, count);
    }
    m.bytes.resize(begin + SIZE, 0);
}

/// `struct if_msghdr`, or `struct if_msghdrl`.
pub(super) fn link(a: OsAbi, interface: &Interface, long: bool) -> Vec<u8> {
    let flags = interface_flags(interface.flags);
    let mut m = Message::new(a, RTM_IFINFO, RTA_IFP, flags, interface.index);
    if long {
        // Length of the header with its data, where these are, a spare word.
        m.put(Kind::U16, 24 + 152);
        m.put(Kind::U16, 24);
        m.put(Kind::U32, 0);
    }
    data(&mut m, interface);
    m.address(&link_address(a, interface));
    m.end()
}

/// `struct ifa_msghdr`, or `struct ifa_msghdrl`: the interface is that of the message before.
pub(super) fn address_of(
    a: OsAbi,
    interface: &Interface,
    address: &Address,
    long: bool,
) -> Vec<u8> {
    let mut which = RTA_NETMASK | RTA_IFA;
    if address.broadcast.is_some() {
        which |= RTA_BRD;
    }
    let mut m = Message::new(a, RTM_NEWADDR, which, 0, interface.index);
    if long {
        m.put(Kind::U16, 24 + 152);
        m.put(Kind::U16, 24);
        m.put(Kind::U32, 0);
        data(&mut m, interface);
    } else {
        m.put(Kind::U32, 0); // metric
    }
    m.address(&bsd(a, &address.mask));
    m.address(&scoped(bsd(a, &address.address), interface.index));
    if let Some(broadcast) = &address.broadcast {
        m.address(&bsd(a, broadcast));
    }
    m.end()
}

/// `struct ifa_msghdr` of an address that has come or gone.
pub(super) fn address_change(
    a: OsAbi,
    interface: &Interface,
    address: &Address,
    kind: u8,
) -> Vec<u8> {
    let which = RTA_NETMASK | RTA_IFP | RTA_IFA;
    let mut m = Message::new(a, kind, which, 0, interface.index);
    m.put(Kind::U32, 0); // metric
    m.address(&bsd(a, &address.mask));
    m.address(&link_address(a, interface));
    m.address(&scoped(bsd(a, &address.address), interface.index));
    m.end()
}

/// `struct ifma_msghdr`
pub(super) fn group_of(a: OsAbi, interface: &Interface, group: &[u8]) -> Vec<u8> {
    let mut m = Message::new(a, RTM_NEWMADDR, RTA_IFP | RTA_IFA, 0, interface.index);
    m.address(&link_address(a, interface));
    m.address(&scoped(bsd(a, group), interface.index));
    m.end()
}
