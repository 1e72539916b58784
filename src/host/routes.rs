//! Routes and neighbours of the host (rtnetlink(7)).

use super::net::Address;
use super::netlink::{Extent, Message, ask, attributes, word};
use crate::abi::SysResult;

const NETLINK_ROUTE: i32 = 0;
const AF_INET: u8 = 2;
const AF_INET6: u8 = 10;

/// A route.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Route {
    /// Where it leads: a socket address of the host.
    pub destination: Vec<u8>,
    /// How many bits of it count.
    pub prefix: u8,
    /// Who sends packets on, a socket address; empty if they are delivered directly.
    pub gateway: Vec<u8>,
    /// The address that packets are sent from, likewise.
    pub source: Vec<u8>,
    /// Number of the interface.
    pub interface: u32,
    /// `RTN_*`: 1 is unicast, 2 local, 6 blackhole, 7 and 8 unreachable and forbidden.
    pub kind: u8,
    /// `RTPROT_*`: who made it; 2 is the kernel.
    pub protocol: u8,
    /// `RT_TABLE_*`: 254 is the main one, 255 that of local addresses.
    pub table: u32,
    /// Largest packet; 0 is that of the interface.
    pub mtu: u32,
}

/// Bits of an address of this family.
pub fn bits(family: u8) -> u8 {
    if family == AF_INET6 { 128 } else { 32 }
}

/// A socket address of the host.
pub fn socket_address(family: u8, address: &[u8]) -> Vec<u8> {
    let (at, len) = if family == AF_INET6 { (8, 28) } else { (4, 16) };
    let mut out = vec![0; len];
    out[0] = family;
    let n = address.len().min(usize::from(bits(family) / 8));
    out[at..at + n].copy_from_slice(&address[..n]);
    out
}

/// The bytes of the address in a socket address of the host.
pub fn address_bytes(address: &[u8]) -> Option<&[u8]> {
    match *address.first()? {
        AF_INET => address.get(4..8),
        AF_INET6 => address.get(8..24),
        _ => None,
    }
}

// linux/rtnetlink.h
const RTM_NEWROUTE: u16 = 24;
const RTM_DELROUTE: u16 = 25;
const RTM_GETROUTE: u16 = 26;
const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PREFSRC: u16 = 7;
const RTA_METRICS: u16 = 8;
const RTA_TABLE: u16 = 15;

/// `struct rtmsg`: family, lengths of destination and source, type of service, table, protocol, scope, kind, flags.
const HEADER: usize = 12;

/// The route in an answer.
fn route(message: &Message) -> Option<Route> {
    (message.kind == RTM_NEWROUTE).then(|| route_in(&message.body))?
}

/// The route in the body of a message about one.
fn route_in(body: &[u8]) -> Option<Route> {
    if body.len() < HEADER {
        return None;
    }
    let family = body[0];
    let mut route = Route {
        destination: socket_address(family, &[]),
        prefix: body[1],
        table: body[4].into(),
        protocol: body[5],
        kind: body[7],
        ..Route::default()
    };
    for (number, value) in attributes(body, HEADER) {
        match number {
            RTA_DST => route.destination = socket_address(family, value),
            RTA_GATEWAY => route.gateway = socket_address(family, value),
            RTA_PREFSRC => route.source = socket_address(family, value),
            RTA_OIF => route.interface = word(value, 0),
            RTA_TABLE => route.table = word(value, 0),
            RTA_METRICS => {
                const RTAX_MTU: u16 = 2;
                let mtu = attributes(value, 0).find(|a| a.0 == RTAX_MTU);
                route.mtu = mtu.map_or(0, |(_, value)| word(value, 0));
            }
            _ => {}
        }
    }
    Some(route)
}

/// The route that a message tells of, and whether it has come or gone.
pub fn changed(message: &Message) -> Option<(Route, bool)> {
    let added = match message.kind {
        RTM_NEWROUTE => true,
        RTM_DELROUTE => false,
        _ => return None,
    };
    Some((route_in(&message.body)?, added))
}

/// The number of an interface and its address, in the body of a message about one (`struct ifaddrmsg`: family, prefix, flags,
/// scope, interface).
pub fn address(body: &[u8]) -> Option<(u32, Address)> {
    const SIZE: usize = 8;
    const IFA_ADDRESS: u16 = 1;
    const IFA_LOCAL: u16 = 2;
    let (&family, &prefix) = (body.first()?, body.get(1)?);
    let find = |wanted: u16| attributes(body, SIZE).find(|a| a.0 == wanted);
    let (_, address) = find(IFA_LOCAL).or_else(|| find(IFA_ADDRESS))?;
    let address = Address {
        address: socket_address(family, address),
        mask: mask(family, prefix),
        broadcast: None,
    };
    Some((word(body, 4), address))
}

/// How an address of an interface is, and how long it will be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressState {
    /// `IFA_F_*`
    pub flags: u32,
    /// Seconds for which it is used by itself, all ones for ever.
    pub preferred: u32,
    /// Seconds after which it is gone, likewise.
    pub valid: u32,
}

/// The state of an own address, a socket address of the host; `None` if it is not one.
pub fn address_state(of: &[u8]) -> Option<AddressState> {
    const RTM_GETADDR: u16 = 22;
    const IFA_CACHEINFO: u16 = 6;
    const IFA_FLAGS: u16 = 8;
    const SIZE: usize = 8;
    let wanted = address_bytes(of)?;
    let mut request = [0; SIZE];
    request[0] = of[0];
    let answers = ask(NETLINK_ROUTE, RTM_GETADDR, Extent::All, &request).ok()?;
    let found = answers.iter().map(|m| &m.body[..]).find(|body| {
        address(body).is_some_and(|(_, found)| address_bytes(&found.address) == Some(wanted))
    })?;
    let mut state = AddressState {
        flags: found[2].into(),
        preferred: u32::MAX,
        valid: u32::MAX,
    };
    for (number, value) in attributes(found, SIZE) {
        match number {
            IFA_FLAGS => state.flags = word(value, 0),
            IFA_CACHEINFO => (state.preferred, state.valid) = (word(value, 0), word(value, 4)),
            _ => {}
        }
    }
    Some(state)
}

/// All routes of a family, AF_INET or AF_INET6 of the host.
///
/// # Errors
/// The kernel's.
pub fn routes(family: u8) -> SysResult<Vec<Route>> {
    let mut request = [0; HEADER];
    request[0] = family;
    let answers = ask(NETLINK_ROUTE, RTM_GETROUTE, Extent::All, &request)?;
    Ok(answers.iter().filter_map(route).collect())
}

fn put(message: &mut Vec<u8>, attribute: u16, value: &[u8]) {
    message.extend((value.len() as u16 + 4).to_ne_bytes());
    message.extend(attribute.to_ne_bytes());
    message.extend(value);
    message.resize(message.len().next_multiple_of(4), 0);
}

/// The route that a packet to an address takes, a socket address of the host.
///
/// # Errors
/// ENETUNREACH and the like: there is none.
pub fn route_to(destination: &[u8]) -> SysResult<Route> {
    // The entry of the table, not what becomes of it for this address.
    const RTM_F_FIB_MATCH: u32 = 0x2000;
    let address = address_bytes(destination).ok_or(crate::abi::Errno::EAFNOSUPPORT)?;
    let family = destination[0];
    let mut request = vec![0; HEADER];
    (request[0], request[1]) = (family, bits(family));
    request[8..12].copy_from_slice(&RTM_F_FIB_MATCH.to_ne_bytes());
    put(&mut request, RTA_DST, address);
    let answers = ask(NETLINK_ROUTE, RTM_GETROUTE, Extent::One, &request)?;
    let route = answers.iter().find_map(route);
    route.ok_or(crate::abi::Errno::ESRCH)
}

/// Makes a route, or takes one away.
///
/// # Errors
/// EPERM without the right; EEXIST; ESRCH.
pub fn change(route: &Route, add: bool) -> SysResult<()> {
    const RT_SCOPE_LINK: u8 = 253;
    const RT_SCOPE_NOWHERE: u8 = 255;
    let family = route.destination.first().copied().unwrap_or(AF_INET);
    let scope = match (add, route.gateway.is_empty()) {
        (false, _) => RT_SCOPE_NOWHERE,
        (true, true) => RT_SCOPE_LINK,
        (true, false) => 0,
    };
    let mut request = vec![0; HEADER];
    (request[0], request[1]) = (family, route.prefix);
    (request[4], request[5]) = (route.table as u8, route.protocol);
    (request[6], request[7]) = (scope, route.kind);
    if let Some(address) = address_bytes(&route.destination) {
        put(&mut request, RTA_DST, address);
    }
    if let Some(gateway) = address_bytes(&route.gateway) {
        put(&mut request, RTA_GATEWAY, gateway);
    }
    if route.interface != 0 {
        put(&mut request, RTA_OIF, &route.interface.to_ne_bytes());
    }
    let (kind, extent) = match add {
        true => (RTM_NEWROUTE, Extent::New),
        false => (RTM_DELROUTE, Extent::One),
    };
    ask(NETLINK_ROUTE, kind, extent, &request).map(drop)
}

/// Another machine on the network of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Neighbour {
    /// A socket address of the host.
    pub address: Vec<u8>,
    /// Its hardware address.
    pub hardware: Vec<u8>,
    /// Number of the interface.
    pub interface: u32,
    /// Whether the entry never gets old.
    pub permanent: bool,
    /// Seconds since it was last changed.
    pub age: u32,
}

/// The neighbours of a family whose hardware addresses are known.
///
/// # Errors
/// The kernel's.
pub fn neighbours(family: u8) -> SysResult<Vec<Neighbour>> {
    // struct ndmsg: family, padding, interface, state, flags, kind.
    const SIZE: usize = 12;
    const NUD_PERMANENT: u16 = 0x80;
    const NUD_NOARP: u16 = 0x40;
    const NDA_DST: u16 = 1;
    const NDA_LLADDR: u16 = 2;
    const NDA_CACHEINFO: u16 = 3;
    const TICKS: u32 = 100;
    let mut request = [0; SIZE];
    request[0] = family;
    let answers = ask(NETLINK_ROUTE, RTM_GETNEIGH, Extent::All, &request)?;
    let mut all = Vec::new();
    for Message { kind, body } in answers {
        let state = super::netlink::half(&body, 8);
        if kind != RTM_NEWNEIGH || body.len() < SIZE || state & NUD_NOARP != 0 {
            continue;
        }
        let mut found = Neighbour {
            interface: word(&body, 4),
            permanent: state & NUD_PERMANENT != 0,
            ..Neighbour::default()
        };
        for (number, value) in attributes(&body, SIZE) {
            match number {
                NDA_DST => found.address = socket_address(body[0], value),
                NDA_LLADDR => found.hardware = value.to_vec(),
                // struct nda_cacheinfo: since it was confirmed, used, changed, in ticks.
                NDA_CACHEINFO => found.age = word(value, 8) / TICKS,
                _ => {}
            }
        }
        if !found.address.is_empty() && !found.hardware.is_empty() {
            all.push(found);
        }
    }
    Ok(all)
}

/// A socket address of which the first `prefix` bits are set: a netmask.
pub fn mask(family: u8, prefix: u8) -> Vec<u8> {
    let bytes: Vec<u8> = (0..bits(family) / 8)
        .map(|n| {
            let ones = prefix.saturating_sub(8 * n).min(8);
            (0xff00u32 >> ones) as u8
        })
        .collect();
    socket_address(family, &bytes)
}

/// How many bits of a netmask are set.
pub fn prefix(mask: &[u8]) -> u8 {
    let bytes = address_bytes(mask).unwrap_or_default();
    bytes.iter().map(|b| b.leading_ones() as u8).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_own_addresses_have_routes() {
        let all = routes(AF_INET).expect("rtnetlink");
        let local = socket_address(AF_INET, &[127, 0, 0, 1]);
        let found = all
            .iter()
            .find(|r| r.destination == local && r.prefix == 32);
        let found = found.expect("a route to the own address");
        // RTN_LOCAL, RT_TABLE_LOCAL
        assert_eq!((found.kind, found.table), (2, 255));
        let to = route_to(&local).expect("a route");
        assert_eq!((to.kind, to.interface), (2, found.interface));
        assert!(neighbours(AF_INET).is_ok());
        let state = address_state(&local).expect("an own address");
        assert_eq!(state.valid, u32::MAX);
        assert_eq!(
            address_state(&socket_address(AF_INET, &[203, 0, 113, 7])),
            None
        );
    }

    #[test]
    fn masks_and_prefixes_are_the_same() {
        assert_eq!(
            address_bytes(&mask(AF_INET, 20)),
            Some(&[255, 255, 240, 0][..])
        );
        for n in 0..=128 {
            assert_eq!(prefix(&mask(AF_INET6, n)), n);
        }
        assert_eq!(prefix(&[]), 0);
    }
}
