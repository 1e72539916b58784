//! `net.*.pcblist`: the sockets of all processes, as `sockstat` and `netstat` read them. Where FreeBSD gives addresses inside of
//! the kernel, by which programs tell which descriptor, socket and control block belong together, the socket's inode stands.
//!
//! Source: `netinet/in_pcb.h`, `netinet/tcp_var.h`, `netinet/tcp_fsm.h`, `sys/unpcb.h`, `sys/socketvar.h` of FreeBSD 12 to 15,
//! which differ only in what they make of spare fields.

use super::bytes_of;
use crate::abi::{GuestStruct, Show, SysResult};
use crate::host::netlink::word;
use crate::host::sockets::{Listed, Socket, sockets};
use crate::os::freebsd::{flags as f, procinfo};
use crate::os::{Call, convert_sockaddr};

crate::guest_struct! {
    /// `struct xsockbuf`
    pub struct Xsockbuf("xsockbuf") {
        sb_cc: u32, sb_hiwat: u32, sb_mbcnt: u32 as Show::Detail, _sb_mcnt: u32, _sb_ccnt: u32, sb_mbmax: u32 as Show::Detail, sb_lowat: i32 as Show::Detail, _sb_timeo: i32,
        _sb_flags: i16,
    }

    /// `struct xsocket`
    pub struct Xsocket("xsocket") {
        xso_len: u64 as Show::Detail, xso_so: u64 as Show::Detail, so_pcb: u64 as Show::Detail, _so_oobmark: u64, _so_spare64: [i64; 8], xso_protocol: i32, xso_family: i32 as Show::Flags(&f::DOMAIN),
        so_qlen: u32, _so_incqlen: u32, so_qlimit: u32, _so_pgid: i32, so_uid: u32, _so_spare32: [i32; 8], so_type: i16 as Show::Flags(&f::SOCK),
        so_options: i16 as Show::Flags(&f::SOCKET_OPTION), _so_linger: i16, so_state: i16 as Show::Flags(&f::SOCKET_STATE), _so_timeo: i16, _so_error: u16, so_rcv: Xsockbuf, so_snd: Xsockbuf,
    }

    /// `struct in_conninfo`; ports and addresses are in the network's order, those of AF_INET in the last word.
    pub struct InConninfo("in_conninfo") {
        inc_flags: u8 as Show::Detail, _inc_len: u8, _inc_fibnum: u16, ie_fport: [u8; 2] as Show::Port, ie_lport: [u8; 2] as Show::Port, ie_faddr: [u8; 16] as Show::Internet,
        ie_laddr: [u8; 16] as Show::Internet, ie6_zoneid: u32 as Show::Detail,
    }

    /// `struct xinpcb`
    pub struct Xinpcb("xinpcb") {
        xi_len: u64 as Show::Detail, xi_socket: Xsocket, inp_inc: InConninfo, inp_gencnt: u64 as Show::Detail, inp_ppcb: u64 as Show::Detail, _inp_spare64: [i64; 4],
        _inp_flow: u32, _inp_flowid: u32, _inp_flowtype: u32, _inp_flags: i32, _inp_flags2: i32, _inp_rss: i32, in6p_cksum: i32 as Show::Detail,
        _inp_spare32: [i32; 4], _in6p_hops: u16, _inp_ip_tos: u8, _pad8: i8, inp_vflag: u8 as Show::Detail, _inp_ip_ttl: u8, inp_ip_p: u8 as Show::Detail,
        _inp_ip_minttl: u8, _inp_spare8: [i8; 4],
    }

    /// `struct xinpgen`, which stands in front of the list and behind it.
    pub struct Xinpgen("xinpgen") {
        xig_len: u64 as Show::Detail, xig_count: u32, _xig_spare32: u32, xig_gen: u64 as Show::Detail, xig_sogen: u64 as Show::Detail, _xig_spare64: [u64; 4],
    }

    /// `struct xtcpcb`; the names of FreeBSD 14 where 12 has spare fields.
    pub struct Xtcpcb("xtcpcb") {
        xt_len: u64 as Show::Detail, xt_inp: Xinpcb, xt_stack: [u8; 32] as Show::Detail, _xt_logid: [u8; 64], xt_cc: [u8; 16] as Show::Chars, _spare64: [i64; 6], t_state: i32 as Show::Flags(&f::TCPS),
        _t_flags: u32, _t_sndzerowin: i32, t_sndrexmitpack: i32 as Show::Detail, t_rcvoopack: i32 as Show::Detail, t_rcvtime: i32 as Show::Detail, tt_rexmt: i32 as Show::Detail,
        tt_persist: i32 as Show::Detail, tt_keep: i32 as Show::Detail, tt_2msl: i32 as Show::Detail, _tt_delack: i32, _t_logstate: i32, t_snd_cwnd: u32 as Show::Detail, t_snd_ssthresh: u32 as Show::Detail,
        t_maxseg: u32 as Show::Detail, _t_rcv_wnd: u32, _t_snd_wnd: u32, _xt_ecn: u32, _spare32: [i32; 26],
    }

    /// `struct xunpgen`, likewise.
    pub struct Xunpgen("xunpgen") { xug_len: u64 as Show::Detail, xug_count: u32, xug_gen: u64 as Show::Detail, xug_sogen: u64 as Show::Detail }

    /// `struct xunpcb`
    pub struct Xunpcb("xunpcb") {
        xu_len: u64 as Show::Detail, xu_unpp: u64 as Show::Detail, unp_vnode: u64 as Show::Detail, unp_conn: u64 as Show::Detail, _xu_firstref: u64, _xu_nextref: u64, unp_gencnt: u64 as Show::Detail,
        _xu_spare64: [i64; 8], _xu_spare32: [i32; 8], xu_addr: [u8; 256] as Show::Sockaddr, xu_caddr: [u8; 256] as Show::Sockaddr, xu_socket: Xsocket,
    }
}

/// States of TCP as the host counts them.
const CONNECTED: u8 = 1;
const LISTENING: u8 = 10;

/// The guest's number of a TCP state (`TCPS_*`).
pub(super) fn tcp_state(host: u8) -> i32 {
    // CLOSED for what the host does not have; ESTABLISHED, SYN_SENT, SYN_RECEIVED, FIN_WAIT_1, FIN_WAIT_2, TIME_WAIT, CLOSED,
    // CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING, and SYN_RECEIVED again.
    const STATES: [i32; 13] = [0, 4, 2, 3, 6, 9, 10, 0, 5, 8, 1, 7, 3];
    STATES.get(usize::from(host)).copied().unwrap_or(0)
}

fn listed(call: &Call<'_>, which: Listed) -> SysResult<Vec<Socket>> {
    sockets(which).inspect_err(|e| {
        call.unimplemented(&format!("a list of sockets: sock_diag of the host: {e}"))
    })
}

/// A buffer: bytes in it and how many may be. What the host allows includes what it needs to keep them, as FreeBSD's `sb_mbmax`.
fn buffer(used: u32, room: u32) -> Xsockbuf {
    Xsockbuf {
        sb_cc: used,
        sb_mbcnt: used,
        sb_hiwat: room / 2,
        sb_mbmax: room,
        sb_lowat: 1,
        ..Xsockbuf::default()
    }
}

fn xsocket(call: &Call<'_>, s: &Socket) -> Xsocket {
    // sys/socket.h, sys/socketvar.h
    const SO_ACCEPTCONN: i16 = 2;
    const SS_ISCONNECTED: i16 = 2;
    let listens = s.state == LISTENING && !matches!(s.protocol, 17) && s.kind != 3;
    let (received, sent) = if listens {
        (0, 0)
    } else {
        (s.received, s.sent)
    };
    Xsocket {
        xso_len: Xsocket::DESC.size(call.abi) as u64,
        xso_so: s.inode,
        so_pcb: s.inode,
        xso_protocol: s.protocol,
        xso_family: s.family,
        so_qlen: if listens { s.received } else { 0 },
        so_qlimit: if listens { s.sent } else { 0 },
        so_uid: s.user,
        so_type: s.kind as i16,
        so_options: if listens { SO_ACCEPTCONN } else { 0 },
        so_state: if s.state == CONNECTED {
            SS_ISCONNECTED
        } else {
            0
        },
        so_rcv: buffer(received, s.room[0]),
        so_snd: buffer(sent, s.room[1]),
        ..Xsocket::default()
    }
}

/// Port and address of one end, in the network's order.
fn end(address: &[u8]) -> ([u8; 2], [u8; 16]) {
    const AF_INET: u8 = 2;
    let (mut port, mut bytes) = ([0; 2], [0; 16]);
    if address.len() < 16 {
        return (port, bytes);
    }
    port.copy_from_slice(&address[2..4]);
    match (address[0], address.get(8..24)) {
        (AF_INET, _) => bytes[12..].copy_from_slice(&address[4..8]),
        (_, Some(six)) => bytes.copy_from_slice(six),
        _ => {}
    }
    (port, bytes)
}

/// Whether it is an address of AF_INET in the form of AF_INET6.
fn is_mapped(address: &[u8; 16]) -> bool {
    address.starts_with(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff])
}

fn xinpcb(call: &Call<'_>, s: &Socket) -> Xinpcb {
    const AF_INET6: i32 = 10;
    const INP_IPV4: u8 = 1;
    const INP_IPV6: u8 = 2;
    const INC_ISIPV6: u8 = 1;
    let ((fport, mut faddr), (lport, mut laddr)) = (end(&s.remote), end(&s.local));
    let vflag = if s.family != AF_INET6 || is_mapped(&laddr) {
        INP_IPV4
    } else if s.only_v6 || laddr != [0; 16] {
        INP_IPV6
    } else {
        INP_IPV4 | INP_IPV6
    };
    if vflag == INP_IPV4 {
        faddr[..12].fill(0);
        laddr[..12].fill(0);
    }
    Xinpcb {
        xi_len: Xinpcb::DESC.size(call.abi) as u64,
        xi_socket: xsocket(call, s),
        inp_inc: InConninfo {
            inc_flags: if vflag & INP_IPV4 == 0 { INC_ISIPV6 } else { 0 },
            ie_fport: fport,
            ie_lport: lport,
            ie_faddr: faddr,
            ie_laddr: laddr,
            ie6_zoneid: s.local.get(24..28).map_or(0, |_| word(&s.local, 24)),
            ..InConninfo::default()
        },
        inp_ppcb: s.inode,
        in6p_cksum: -1,
        inp_vflag: vflag,
        inp_ip_p: s.protocol as u8,
        ..Xinpcb::default()
    }
}

fn xtcpcb(call: &Call<'_>, s: &Socket) -> Xtcpcb {
    // linux/tcp.h, struct tcp_info: offsets of tcpi_snd_mss, last data received, ssthresh, cwnd, total retransmits, ooo packets.
    let info = |at: usize| word(&s.info, at);
    const SND_MSS: usize = 16;
    const LAST_DATA_RECV: usize = 52;
    const SND_SSTHRESH: usize = 72;
    const SND_CWND: usize = 80;
    const TOTAL_RETRANS: usize = 100;
    const RCV_OOOPACK: usize = 224;
    let timer = |which: u8| {
        if s.timer.0 == which {
            s.timer.1 as i32
        } else {
            0
        }
    };
    Xtcpcb {
        xt_len: Xtcpcb::DESC.size(call.abi) as u64,
        xt_inp: xinpcb(call, s),
        xt_stack: procinfo::name(b"freebsd"),
        xt_cc: procinfo::name(&s.congestion),
        t_state: tcp_state(s.state),
        t_sndrexmitpack: info(TOTAL_RETRANS) as i32,
        t_rcvoopack: info(RCV_OOOPACK) as i32,
        t_rcvtime: info(LAST_DATA_RECV) as i32,
        tt_rexmt: timer(1),
        tt_keep: timer(2),
        tt_2msl: timer(3),
        tt_persist: timer(4),
        // The host counts both in segments, FreeBSD in bytes.
        t_snd_cwnd: info(SND_CWND).saturating_mul(info(SND_MSS)),
        t_snd_ssthresh: info(SND_SSTHRESH).saturating_mul(info(SND_MSS)),
        t_maxseg: info(SND_MSS),
        ..Xtcpcb::default()
    }
}

/// The records between two headers, which are the same: nothing changes while the list is made.
fn between(head: &[u8], records: impl Iterator<Item = Vec<u8>>) -> Vec<u8> {
    let mut out = head.to_vec();
    records.for_each(|r| out.extend(r));
    out.extend(head);
    out
}

fn internet_head(call: &Call<'_>, count: usize) -> Vec<u8> {
    let head = Xinpgen {
        xig_len: Xinpgen::DESC.size(call.abi) as u64,
        xig_count: count as u32,
        ..Xinpgen::default()
    };
    bytes_of(call, &head)
}

/// `net.inet.tcp.pcblist`
pub(super) fn tcp(call: &Call<'_>) -> SysResult<Vec<u8>> {
    let all = listed(call, Listed::Tcp)?;
    let records = all.iter().map(|s| bytes_of(call, &xtcpcb(call, s)));
    Ok(between(&internet_head(call, all.len()), records))
}

/// `net.inet.udp.pcblist` and `net.inet.raw.pcblist`
pub(super) fn datagrams(call: &Call<'_>, which: Listed) -> SysResult<Vec<u8>> {
    let all = listed(call, which)?;
    let records = all.iter().map(|s| bytes_of(call, &xinpcb(call, s)));
    Ok(between(&internet_head(call, all.len()), records))
}

/// A name of AF_UNIX in a field. The host has some that are in no file system, which begin with NUL: shown with a `@`.
fn unix_name(call: &Call<'_>, host: &[u8]) -> [u8; 256] {
    const LONGEST: usize = 106;
    let mut field = [0; 256];
    // Family, NUL: a socket without a name.
    if host.len() <= 3 {
        return field;
    }
    let mut name = host[..host.len().min(LONGEST)].to_vec();
    if name[2] == 0 {
        name[2] = b'@';
    }
    let end = name[2..].iter().position(|&b| b == 0);
    name.truncate(end.map_or(name.len(), |n| n + 2));
    convert_sockaddr(call.abi, &mut name, false);
    field[..name.len()].copy_from_slice(&name);
    field
}

/// `net.local.*.pcblist` of a type (`SOCK_*`).
pub(super) fn local(call: &Call<'_>, kind: i32) -> SysResult<Vec<u8>> {
    let all = listed(call, Listed::Unix(kind))?;
    let head = Xunpgen {
        xug_len: Xunpgen::DESC.size(call.abi) as u64,
        xug_count: all.len() as u32,
        ..Xunpgen::default()
    };
    let records = all.iter().map(|s| {
        let record = Xunpcb {
            xu_len: Xunpcb::DESC.size(call.abi) as u64,
            xu_unpp: s.inode,
            unp_conn: s.peer,
            xu_addr: unix_name(call, &s.local),
            xu_caddr: unix_name(call, &s.remote),
            xu_socket: xsocket(call, s),
            ..Xunpcb::default()
        };
        bytes_of(call, &record)
    });
    Ok(between(&bytes_of(call, &head), records))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::{AARCH64, MIPS};

    #[test]
    fn layouts_are_those_of_the_headers() {
        // sizeof and offsetof of FreeBSD 12.1, the same for arm64 and mips.
        for a in [AARCH64.abi, MIPS.abi] {
            assert_eq!(Xsocket::DESC.size(a), 240);
            assert_eq!(Xinpcb::DESC.size(a), 400);
            assert_eq!(Xinpcb::DESC.offset(a, "inp_vflag"), Some(392));
            assert_eq!(Xtcpcb::DESC.size(a), 744);
            assert_eq!(Xtcpcb::DESC.offset(a, "t_state"), Some(568));
            assert_eq!(Xinpgen::DESC.size(a), 64);
            assert_eq!(Xunpgen::DESC.size(a), 32);
            assert_eq!(Xunpcb::DESC.size(a), 904);
            assert_eq!(Xunpcb::DESC.offset(a, "xu_socket"), Some(664));
        }
    }

    #[test]
    fn addresses_of_one_protocol_in_the_form_of_the_other_are_recognised() {
        let mut mapped = [0; 28];
        (mapped[0], mapped[2], mapped[3]) = (10, 0x1f, 0x90);
        mapped[18..24].copy_from_slice(&[0xff, 0xff, 127, 0, 0, 1]);
        let (port, address) = end(&mapped);
        assert_eq!(port, [0x1f, 0x90]);
        assert!(is_mapped(&address) && address[12..] == [127, 0, 0, 1]);
        assert_eq!(
            end(&[2, 0, 0, 80, 10, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0]).1[12..],
            [10, 0, 0, 9]
        );
        assert_eq!(end(&[]), ([0; 2], [0; 16]));
    }
}
