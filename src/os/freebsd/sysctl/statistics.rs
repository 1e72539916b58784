//! `net.inet.*.stats`: what the host counts of its protocols in `/proc/net/snmp` and `/proc/net/netstat`, in the order of FreeBSD's
//! structures. What it does not count is 0.
//!
//! Source: `netinet/tcp_var.h`, `udp_var.h`, `ip_var.h`, `icmp_var.h`, of which the later releases differ behind what is given here.

use crate::abi::{Kind, ints};
use crate::host::sockets::{Listed, sockets};
use crate::os::{Call, proc_text};
use std::collections::HashMap;

/// A field of a structure: its name, and which counters of the host it is the sum of.
pub(super) type Field = (&'static str, &'static [&'static str]);

/// Not counted.
const NONE: &[&str] = &[];

/// `struct tcpstat`
#[rustfmt::skip]
pub(super) const TCP: &[Field] = &[
    ("tcps_connattempt", &["Tcp.ActiveOpens"]),
    ("tcps_accepts", &["Tcp.PassiveOpens"]),
    ("tcps_connects", NONE),
    ("tcps_drops", &["Tcp.EstabResets"]),
    ("tcps_conndrops", &["Tcp.AttemptFails"]),
    ("tcps_minmssdrops", NONE),
    ("tcps_closed", NONE),
    ("tcps_segstimed", NONE),
    ("tcps_rttupdated", NONE),
    ("tcps_delack", &["TcpExt.DelayedACKs"]),
    ("tcps_timeoutdrop", &["TcpExt.TCPAbortOnTimeout"]),
    ("tcps_rexmttimeo", &["TcpExt.TCPTimeouts"]),
    ("tcps_persisttimeo", NONE),
    ("tcps_keeptimeo", NONE),
    ("tcps_keepprobe", &["TcpExt.TCPKeepAlive"]),
    ("tcps_keepdrops", NONE),
    ("tcps_sndtotal", &["Tcp.OutSegs"]),
    ("tcps_sndpack", &["TcpExt.TCPOrigDataSent"]),
    ("tcps_sndbyte", NONE),
    ("tcps_sndrexmitpack", &["Tcp.RetransSegs"]),
    ("tcps_sndrexmitbyte", NONE),
    ("tcps_sndrexmitbad", &["TcpExt.TCPSpuriousRTOs"]),
    ("tcps_sndacks", NONE),
    ("tcps_sndprobe", &["TcpExt.TCPWinProbe"]),
    ("tcps_sndurg", NONE),
    ("tcps_sndwinup", NONE),
    ("tcps_sndctrl", &["Tcp.OutRsts"]),
    ("tcps_rcvtotal", &["Tcp.InSegs"]),
    ("tcps_rcvpack", &["TcpExt.TCPHPHits"]),
    ("tcps_rcvbyte", NONE),
    ("tcps_rcvbadsum", &["Tcp.InCsumErrors"]),
    ("tcps_rcvbadoff", NONE),
    ("tcps_rcvreassfull", &["TcpExt.TCPOFODrop"]),
    ("tcps_rcvshort", NONE),
    ("tcps_rcvduppack", &["TcpExt.DelayedACKLost"]),
    ("tcps_rcvdupbyte", NONE),
    ("tcps_rcvpartduppack", NONE),
    ("tcps_rcvpartdupbyte", NONE),
    ("tcps_rcvoopack", &["TcpExt.TCPOFOQueue"]),
    ("tcps_rcvoobyte", NONE),
    ("tcps_rcvpackafterwin", &["TcpExt.BeyondWindow"]),
    ("tcps_rcvbyteafterwin", NONE),
    ("tcps_rcvafterclose", NONE),
    ("tcps_rcvwinprobe", NONE),
    ("tcps_rcvdupack", NONE),
    ("tcps_rcvacktoomuch", NONE),
    ("tcps_rcvackpack", &["TcpExt.TCPPureAcks", "TcpExt.TCPHPAcks"]),
    ("tcps_rcvackbyte", NONE),
    ("tcps_rcvwinupd", NONE),
    ("tcps_pawsdrop", &["TcpExt.PAWSEstab"]),
    ("tcps_predack", &["TcpExt.TCPHPAcks"]),
    ("tcps_preddat", &["TcpExt.TCPHPHits"]),
    ("tcps_pcbcachemiss", NONE),
    ("tcps_cachedrtt", NONE),
    ("tcps_cachedrttvar", NONE),
    ("tcps_cachedssthresh", NONE),
    ("tcps_usedrtt", NONE),
    ("tcps_usedrttvar", NONE),
    ("tcps_usedssthresh", NONE),
    ("tcps_persistdrop", NONE),
    ("tcps_badsyn", NONE),
    ("tcps_mturesent", NONE),
    ("tcps_listendrop", &["TcpExt.ListenDrops"]),
    ("tcps_badrst", NONE),
    ("tcps_sc_added", NONE),
    ("tcps_sc_retransmitted", NONE),
    ("tcps_sc_dupsyn", NONE),
    ("tcps_sc_dropped", NONE),
    ("tcps_sc_completed", NONE),
    ("tcps_sc_bucketoverflow", NONE),
    ("tcps_sc_cacheoverflow", &["TcpExt.ListenOverflows"]),
    ("tcps_sc_reset", NONE),
    ("tcps_sc_stale", NONE),
    ("tcps_sc_aborted", NONE),
    ("tcps_sc_badack", NONE),
    ("tcps_sc_unreach", NONE),
    ("tcps_sc_zonefail", NONE),
    ("tcps_sc_sendcookie", &["TcpExt.SyncookiesSent"]),
    ("tcps_sc_recvcookie", &["TcpExt.SyncookiesRecv"]),
];

/// `struct udpstat`
#[rustfmt::skip]
pub(super) const UDP: &[Field] = &[
    ("udps_ipackets", &["Udp.InDatagrams", "Udp.NoPorts", "Udp.InErrors"]),
    ("udps_hdrops", NONE),
    ("udps_badsum", &["Udp.InCsumErrors"]),
    ("udps_nosum", NONE),
    ("udps_badlen", NONE),
    ("udps_noport", &["Udp.NoPorts"]),
    ("udps_noportbcast", NONE),
    ("udps_fullsock", &["Udp.RcvbufErrors"]),
    ("udps_pcbcachemiss", NONE),
    ("udps_pcbhashmiss", NONE),
    ("udps_opackets", &["Udp.OutDatagrams"]),
];

/// `struct ipstat`
#[rustfmt::skip]
pub(super) const IP: &[Field] = &[
    ("ips_total", &["Ip.InReceives"]),
    ("ips_badsum", &["IpExt.InCsumErrors"]),
    ("ips_tooshort", &["IpExt.InTruncatedPkts"]),
    ("ips_toosmall", NONE),
    ("ips_badhlen", &["Ip.InHdrErrors"]),
    ("ips_badlen", NONE),
    ("ips_fragments", &["Ip.ReasmReqds"]),
    ("ips_fragdropped", &["Ip.ReasmFails"]),
    ("ips_fragtimeout", &["Ip.ReasmTimeout"]),
    ("ips_forward", &["Ip.ForwDatagrams"]),
    ("ips_fastforward", NONE),
    ("ips_cantforward", NONE),
    ("ips_redirectsent", NONE),
    ("ips_noproto", &["Ip.InUnknownProtos"]),
    ("ips_delivered", &["Ip.InDelivers"]),
    ("ips_localout", &["Ip.OutRequests"]),
    ("ips_odropped", &["Ip.OutDiscards"]),
    ("ips_reassembled", &["Ip.ReasmOKs"]),
    ("ips_fragmented", &["Ip.FragOKs"]),
    ("ips_ofragments", &["Ip.FragCreates"]),
    ("ips_cantfrag", &["Ip.FragFails"]),
    ("ips_badoptions", NONE),
    ("ips_noroute", &["Ip.OutNoRoutes"]),
    ("ips_badvers", NONE),
    ("ips_rawout", NONE),
    ("ips_toolong", NONE),
    ("ips_notmember", NONE),
    ("ips_nogif", NONE),
    ("ips_badaddr", &["Ip.InAddrErrors"]),
];

/// Messages of ICMP by type, received and sent, of those that the host counts by name.
const ICMP_TYPES: usize = 41;

/// Counters of the host by group and name: pairs of lines, names and values.
fn counters() -> HashMap<String, u64> {
    let mut all = HashMap::new();
    for file in ["/proc/net/snmp", "/proc/net/netstat"] {
        let text = proc_text(file);
        let lines: Vec<&str> = text.lines().collect();
        for pair in lines.chunks_exact(2) {
            let group = pair[0].split(':').next().unwrap_or_default();
            let names = pair[0].split_whitespace().zip(pair[1].split_whitespace());
            for (name, value) in names.skip(1) {
                all.insert(format!("{group}.{name}"), value.parse().unwrap_or(0));
            }
        }
    }
    all
}

fn sum(counters: &HashMap<String, u64>, names: &[impl AsRef<str>]) -> u64 {
    names.iter().filter_map(|n| counters.get(n.as_ref())).sum()
}

fn structure(call: &Call<'_>, fields: &[Field]) -> Vec<u8> {
    let counters = counters();
    let values = fields.iter().map(|(_, names)| sum(&counters, names));
    ints(call.abi, Kind::U64, values)
}

/// `net.inet.tcp.stats`
pub(super) fn tcp(call: &Call<'_>) -> Vec<u8> {
    structure(call, TCP)
}

/// `net.inet.udp.stats`
pub(super) fn udp(call: &Call<'_>) -> Vec<u8> {
    structure(call, UDP)
}

/// `net.inet.ip.stats`
pub(super) fn ip(call: &Call<'_>) -> Vec<u8> {
    structure(call, IP)
}

/// `net.inet.icmp.stats`, of longs: errors sent and two reasons for none; what was sent by type; five reasons to refuse; what came,
/// by type; four more reasons.
pub(super) fn icmp(call: &Call<'_>) -> Vec<u8> {
    let counters = counters();
    let typed = |direction: &str| {
        let name = move |n: usize| format!("IcmpMsg.{direction}Type{n}");
        (0..ICMP_TYPES).map(name).collect::<Vec<_>>()
    };
    let count = |name: &String| sum(&counters, std::slice::from_ref(name));
    let sent: Vec<u64> = typed("Out").iter().map(count).collect();
    let came: Vec<u64> = typed("In").iter().map(count).collect();
    const ERRORS: [usize; 5] = [3, 4, 5, 11, 12];
    let errors = ERRORS.iter().map(|&n| sent[n]).sum();
    let checksum = sum(&counters, &["Icmp.InCsumErrors"]);
    // An echo's answer is a reflection.
    let values = [
        &[errors, 0, 0][..],
        &sent,
        &[0, 0, checksum, 0, sent[0]],
        &came,
        &[0; 4],
    ]
    .concat();
    ints(call.abi, Kind::Ulong, values)
}

/// `net.inet.tcp.states`: how many connections are in each.
pub(super) fn tcp_states(call: &Call<'_>) -> Vec<u8> {
    let mut counts = [0u64; 11];
    for socket in sockets(Listed::Tcp).unwrap_or_default() {
        counts[super::sockets::tcp_state(socket.state) as usize] += 1;
    }
    ints(call.abi, Kind::U64, counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_host() {
        let counters = counters();
        assert!(counters["Tcp.InSegs"] > 0 || counters.contains_key("Tcp.OutSegs"));
        // The last field that is given: tcps_sc_recvcookie, udps_opackets, ips_badaddr.
        assert_eq!((TCP.len(), UDP.len(), IP.len()), (79, 11, 29));
        for (_, names) in [TCP, UDP, IP].into_iter().flatten() {
            for name in names.iter().filter(|n| **n != "IpExt.InCsumErrors") {
                assert!(counters.contains_key(*name), "{name}");
            }
        }
    }
}
