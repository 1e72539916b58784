//! Network interfaces, as IPv6 has them (`netinet6/in6_var.h`, `netinet6/nd6.h`).

use crate::abi::{Errno, Show, SysResult, Ulong};
use crate::host::monotonic_ns;
use crate::host::routes::{AddressState, address_state};
use crate::os::{Call, convert_sockaddr, proc_text};

crate::guest_struct! {
    /// `struct in6_ifreq`: a name, and an address or what is asked for.
    pub struct In6Ifreq("in6_ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_ifru: [u8; 272] as Show::Bytes }

    /// `struct in6_ndireq`, with `struct nd_ifinfo`. Times are in milliseconds.
    pub struct In6Ndireq("in6_ndireq") {
        ifname: [u8; 16] as Show::Chars, linkmtu: u32, maxmtu: u32, basereachable: u32, reachable: u32, retrans: u32,
        flags: u32 as Show::Hex, _recalctm: i32, chlim: u8, initialized: u8, _random: [u8; 24],
    }

    /// `struct in6_ndifreq`
    pub struct In6Ndifreq("in6_ndifreq") { ifname: [u8; 16] as Show::Chars, ifindex: Ulong }

    /// `struct in6_addrlifetime`: when it ends by the clock of the machine, and how long it lasts from now, in seconds.
    pub struct In6Addrlifetime("in6_addrlifetime") {
        ia6t_expire: i64, ia6t_preferred: i64, ia6t_vltime: u32, ia6t_pltime: u32,
    }
}

/// Where the union of `struct in6_ifreq` is.
const UNION: u64 = 16;

/// How the address that is asked about is.
fn asked(call: &Call<'_>) -> SysResult<AddressState> {
    const SOCKADDR_IN6: u64 = 28;
    let mut address = call.read_bytes(call.arg(2).wrapping_add(UNION), SOCKADDR_IN6)?;
    convert_sockaddr(call.abi, &mut address, true);
    // The kernel's form of a link-local address has its interface in the second word.
    if address[8] == 0xfe && address[9] & 0xc0 == 0x80 {
        address[10..12].fill(0);
    }
    address_state(&address).ok_or(Errno::EADDRNOTAVAIL)
}

/// SIOCGIFAFLAG_IN6
pub fn address_flags(call: &mut Call<'_>) -> SysResult {
    // IFA_F_TENTATIVE, DADFAILED, DEPRECATED, NODAD, MANAGETEMPADDR, TEMPORARY of the host, IN6_IFF_* of the guest.
    const FLAGS: [(u32, u32); 5] = [(0x40, 2), (8, 4), (0x20, 0x10), (2, 0x20), (1, 0x80)];
    let state = asked(call)?;
    let set = FLAGS.iter().filter(|(host, _)| state.flags & host != 0);
    let flags = set.fold(0, |all, (_, flag)| all | flag);
    let at = call.arg(2).wrapping_add(UNION);
    call.write_int(at, crate::abi::Kind::I32, flags.into())?;
    Ok(0)
}

/// SIOCGIFALIFETIME_IN6
pub fn lifetime(call: &mut Call<'_>) -> SysResult {
    let state = asked(call)?;
    let now = (monotonic_ns() / 1_000_000_000) as i64;
    // 0 is never.
    let end = |seconds: u32| match seconds {
        u32::MAX => 0,
        left => now + i64::from(left),
    };
    let lifetime = In6Addrlifetime {
        ia6t_expire: end(state.valid),
        ia6t_preferred: end(state.preferred),
        ia6t_vltime: state.valid,
        ia6t_pltime: state.preferred,
    };
    call.write_struct(call.arg(2).wrapping_add(UNION), &lifetime)?;
    Ok(0)
}

/// SIOCGIFINFO_IN6: how the interface finds its neighbours, from the host's `/proc/sys/net/ipv6` (ip-sysctl).
pub fn discovery(call: &mut Call<'_>) -> SysResult {
    const PERFORMNUD: u32 = 1;
    const ACCEPT_RTADV: u32 = 2;
    const IFDISABLED: u32 = 8;
    const AUTO_LINKLOCAL: u32 = 0x20;
    let request: In6Ndireq = call.read_struct(call.arg(2))?;
    let len = request.ifname.iter().position(|&b| b == 0);
    let name = String::from_utf8_lossy(&request.ifname[..len.unwrap_or(16)]).into_owned();
    // A name, not a path.
    if name.is_empty() || name.contains('/') || name.starts_with('.') {
        return Err(Errno::ENXIO);
    }
    let number = |kind: &str, setting: &str| {
        let text = proc_text(&format!("/proc/sys/net/ipv6/{kind}/{name}/{setting}"));
        text.trim().parse::<u32>().ok()
    };
    let mtu = number("conf", "mtu").ok_or(Errno::ENXIO)?;
    let set = |setting: &str, flag: u32| match number("conf", setting) {
        None | Some(0) => 0,
        Some(_) => flag,
    };
    // How the link-local address is made: 1 is not at all.
    let linklocal = match number("conf", "addr_gen_mode") {
        Some(1) => 0,
        _ => AUTO_LINKLOCAL,
    };
    let reachable = number("neigh", "base_reachable_time_ms").unwrap_or(0);
    let answer = In6Ndireq {
        linkmtu: mtu,
        maxmtu: mtu,
        basereachable: reachable,
        reachable: reachable / 1000,
        retrans: number("neigh", "retrans_time_ms").unwrap_or(0),
        flags: PERFORMNUD
            | set("accept_ra", ACCEPT_RTADV)
            | set("disable_ipv6", IFDISABLED)
            | linklocal,
        chlim: number("conf", "hop_limit").unwrap_or(0) as u8,
        initialized: 1,
        ..request
    };
    call.write_struct(call.arg(2), &answer)?;
    Ok(0)
}

/// SIOCGDEFIFACE_IN6: no interface is taken for those that have no router, which has no number.
pub fn no_default(call: &mut Call<'_>) -> SysResult {
    let request: In6Ndifreq = call.read_struct(call.arg(2))?;
    let answer = In6Ndifreq {
        ifindex: Ulong(0),
        ..request
    };
    call.write_struct(call.arg(2), &answer)?;
    Ok(0)
}
