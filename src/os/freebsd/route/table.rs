//! Messages about routes and neighbours: `struct rt_msghdr` and the addresses behind it.

use super::*;
use crate::abi::{GuestStruct, Long, Show, Ulong};
use crate::host::monotonic_ns;
use crate::host::netlink;
use crate::host::routes::{self as host, Neighbour, Route};
use crate::os::freebsd::flags as f;
use crate::os::proc_text;

crate::guest_struct! {
    /// `struct rt_msghdr`, with `struct rt_metrics`.
    pub struct RtMsghdr("rt_msghdr") {
        rtm_msglen: u16 as Show::Detail, rtm_version: u8 as Show::Detail, rtm_type: u8 as Show::Flags(&f::RTM), rtm_index: u16, _rtm_spare1: u16, rtm_flags: i32 as Show::Flags(&f::RTF), rtm_addrs: i32 as Show::Flags(&f::RTA),
        rtm_pid: i32, rtm_seq: i32, rtm_errno: i32, rtm_fmask: i32 as Show::Detail, rtm_inits: Ulong as Show::Detail, _rmx_locks: Ulong, rmx_mtu: Ulong as Show::Detail,
        _rmx_hopcount: Ulong, rmx_expire: Ulong as Show::Detail, _rmx_recvpipe: Ulong, _rmx_sendpipe: Ulong, _rmx_ssthresh: Ulong,
        _rmx_rtt: Ulong, _rmx_rttvar: Ulong, _rmx_pksent: Ulong, rmx_weight: Ulong as Show::Detail, _rmx_filler: [Long; 3],
    }
}

// Types and flags of net/route.h.
pub(in crate::os::freebsd) const RTM_GET: u8 = 4;
pub(in crate::os::freebsd) const RTF_UP: i32 = 1;
pub(in crate::os::freebsd) const RTF_GATEWAY: i32 = 2;
pub(in crate::os::freebsd) const RTF_HOST: i32 = 4;
pub(in crate::os::freebsd) const RTF_REJECT: i32 = 8;
pub(in crate::os::freebsd) const RTF_DONE: i32 = 0x40;
pub(in crate::os::freebsd) const RTF_LLINFO: i32 = 0x400;
pub(in crate::os::freebsd) const RTF_STATIC: i32 = 0x800;
pub(in crate::os::freebsd) const RTF_BLACKHOLE: i32 = 0x1000;
const RTF_PINNED: i32 = 0x10_0000;

// linux/rtnetlink.h
pub(in crate::os::freebsd) const RTN_UNICAST: u8 = 1;
const RTN_LOCAL: u8 = 2;
const RTN_BROADCAST: u8 = 3;
const RTN_ANYCAST: u8 = 4;
pub(in crate::os::freebsd) const RTN_BLACKHOLE: u8 = 6;
pub(in crate::os::freebsd) const RTN_UNREACHABLE: u8 = 7;
const RTN_PROHIBIT: u8 = 8;
const RTPROT_KERNEL: u8 = 2;
pub(in crate::os::freebsd) const RT_TABLE_MAIN: u32 = 254;
const RT_TABLE_LOCAL: u32 = 255;

/// The host's families that the guest asks for by its number.
fn families(family: i32) -> Vec<u8> {
    let both = [(AF_INET, 2), (AF_INET6, 10)].into_iter();
    both.filter(|(guest, _)| family == 0 || family == i32::from(*guest))
        .map(|(_, host)| host)
        .collect()
}

fn flags_of(route: &Route) -> i32 {
    let mut flags = RTF_UP;
    if !route.gateway.is_empty() {
        flags |= RTF_GATEWAY;
    }
    if route.prefix == host::bits(route.destination[0]) {
        flags |= RTF_HOST;
    }
    if route.protocol != RTPROT_KERNEL || route.kind == RTN_LOCAL {
        flags |= RTF_STATIC;
    }
    if route.kind == RTN_LOCAL {
        flags |= RTF_PINNED;
    }
    match route.kind {
        RTN_BLACKHOLE => flags | RTF_BLACKHOLE,
        RTN_UNREACHABLE | RTN_PROHIBIT => flags | RTF_REJECT,
        _ => flags,
    }
}

/// A route in a message that answers `request`, with the interface and the source address if that asks for them.
pub(in crate::os::freebsd) fn message(
    a: OsAbi,
    route: &Route,
    interfaces: &[Interface],
    request: &RtMsghdr,
) -> Vec<u8> {
    let interface = interfaces.iter().find(|i| i.index == route.interface);
    let flags = flags_of(route);
    let mut which = RTA_DST | RTA_GATEWAY;
    if flags & RTF_HOST == 0 {
        which |= RTA_NETMASK;
    }
    which |= request.rtm_addrs as u64 & (RTA_IFP | RTA_IFA);
    let mtu = match (route.mtu, interface) {
        (0, Some(interface)) => interface.mtu,
        (mtu, _) => mtu,
    };
    let header = RtMsghdr {
        rtm_version: RTM_VERSION,
        rtm_type: if request.rtm_type == 0 {
            RTM_GET
        } else {
            request.rtm_type
        },
        rtm_index: route.interface as u16,
        rtm_flags: if request.rtm_type == 0 {
            flags
        } else {
            flags | RTF_DONE
        },
        rtm_addrs: which as i32,
        rtm_pid: request.rtm_pid,
        rtm_seq: request.rtm_seq,
        rmx_mtu: Ulong(mtu.into()),
        rmx_weight: Ulong(1),
        ..RtMsghdr::default()
    };
    let mut m = Message {
        a,
        bytes: header.write(a).unwrap_or_default(),
    };
    let family = route.destination[0];
    m.address(&scoped(bsd(a, &route.destination), route.interface));
    match interface {
        _ if !route.gateway.is_empty() => {
            m.address(&scoped(bsd(a, &route.gateway), route.interface))
        }
        Some(interface) => m.address(&plain_link_address(a, interface, &[])),
        None => m.address(&bsd(a, &route.destination)),
    }
    if which & RTA_NETMASK != 0 {
        m.address(&bsd(a, &host::mask(family, route.prefix)));
    }
    if which & RTA_IFP != 0 {
        let unknown = Interface::default();
        m.address(&link_address(a, interface.unwrap_or(&unknown)));
    }
    if which & RTA_IFA != 0 {
        let own = interface.into_iter().flat_map(|i| &i.addresses);
        let own = own.map(|a| &a.address).find(|a| a.first() == Some(&family));
        let source = match route.source.is_empty() {
            true => own.cloned().unwrap_or(host::socket_address(family, &[])),
            false => route.source.clone(),
        };
        m.address(&scoped(bsd(a, &source), route.interface));
    }
    m.end()
}

/// NET_RT_DUMP: all routes of a family, or of all.
pub(in crate::os::freebsd) fn routes(
    a: OsAbi,
    family: i32,
    interfaces: &[Interface],
) -> SysResult<Vec<u8>> {
    let mut out = Vec::new();
    for family in families(family) {
        let all = host::routes(family)?.into_iter();
        // The own addresses are in a table of their own, with others that FreeBSD has no routes for.
        let shown = all.filter(|r| {
            let own = r.table == RT_TABLE_LOCAL && r.kind == RTN_LOCAL;
            let listed = r.table == RT_TABLE_MAIN || own;
            listed && !matches!(r.kind, RTN_BROADCAST | RTN_ANYCAST)
        });
        for route in shown {
            out.extend(message(a, &route, interfaces, &RtMsghdr::default()));
        }
    }
    Ok(out)
}

/// NET_RT_FLAGS: what has one of these flags; with RTF_LLINFO, neighbours.
pub(in crate::os::freebsd) fn flagged(
    a: OsAbi,
    family: i32,
    flags: i32,
    interfaces: &[Interface],
) -> SysResult<Vec<u8>> {
    let mut out = Vec::new();
    if flags & RTF_LLINFO != 0 {
        for family in families(family) {
            for found in host::neighbours(family)? {
                if let Some(interface) = interfaces.iter().find(|i| i.index == found.interface) {
                    out.extend(neighbour(a, &found, interface));
                }
            }
        }
        return Ok(out);
    }
    for family in families(family) {
        let all = host::routes(family)?.into_iter();
        for route in all.filter(|r| flags_of(r) & flags != 0) {
            out.extend(message(a, &route, interfaces, &RtMsghdr::default()));
        }
    }
    Ok(out)
}

fn neighbour(a: OsAbi, found: &Neighbour, interface: &Interface) -> Vec<u8> {
    const RTF_LLDATA: i32 = RTF_LLINFO;
    let permanent = if found.permanent { RTF_STATIC } else { 0 };
    // An entry is kept that many seconds after its last change, by the machine's clock; an older one goes with the next sweep.
    let kept = proc_text("/proc/sys/net/ipv4/neigh/default/gc_stale_time");
    let kept: u64 = kept.trim().parse().unwrap_or(0);
    let left = kept.saturating_sub(found.age.into()).max(1);
    let now = monotonic_ns() / 1_000_000_000;
    let header = RtMsghdr {
        rtm_version: RTM_VERSION,
        rtm_type: RTM_GET,
        rtm_index: found.interface as u16,
        rtm_flags: RTF_UP | RTF_HOST | RTF_LLDATA | permanent,
        rtm_addrs: (RTA_DST | RTA_GATEWAY) as i32,
        rmx_expire: Ulong(if found.permanent { 0 } else { now + left }),
        ..RtMsghdr::default()
    };
    let mut m = Message {
        a,
        bytes: header.write(a).unwrap_or_default(),
    };
    m.address(&scoped(bsd(a, &found.address), found.interface));
    m.address(&plain_link_address(a, interface, &found.hardware));
    m.end()
}

/// What a message of the host's about a change says to the guest; `None` if FreeBSD tells nothing of the kind.
pub(in crate::os::freebsd) fn change(a: OsAbi, message: &netlink::Message) -> Option<Vec<u8>> {
    // linux/rtnetlink.h
    const RTM_NEWLINK: u16 = 16;
    const RTM_DELLINK: u16 = 17;
    const RTM_NEWADDR_HOST: u16 = 20;
    const RTM_DELADDR_HOST: u16 = 21;
    const RTM_ADD: u8 = 1;
    const RTM_DELETE: u8 = 2;
    const RTM_DELADDR: u8 = 0xd;
    let body = &message.body[..];
    match message.kind {
        // struct ifinfomsg: family, padding, kind, number, flags.
        RTM_NEWLINK | RTM_DELLINK => {
            let index = netlink::word(body, 4);
            let all = interfaces();
            let found = all.iter().find(|i| i.index == index)?;
            Some(link(a, found, false))
        }
        RTM_NEWADDR_HOST | RTM_DELADDR_HOST => {
            let (index, address) = host::address(body)?;
            let all = interfaces();
            let found = all.iter().find(|i| i.index == index)?;
            let kind = match message.kind {
                RTM_NEWADDR_HOST => RTM_NEWADDR,
                _ => RTM_DELADDR,
            };
            Some(interface::address_change(a, found, &address, kind))
        }
        _ => {
            let (route, added) = host::changed(message)?;
            if route.table != RT_TABLE_MAIN {
                return None;
            }
            let header = RtMsghdr {
                rtm_type: if added { RTM_ADD } else { RTM_DELETE },
                ..RtMsghdr::default()
            };
            Some(self::message(a, &route, &interfaces(), &header))
        }
    }
}
