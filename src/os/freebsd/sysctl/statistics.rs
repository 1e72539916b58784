//! `net.inet.*.stats`: what the host counts of its protocols in `/proc/net/snmp` and `/proc/net/netstat`, in the order of FreeBSD's
//! structures. What it does not count is 0.
//!
//! Source: `netinet/tcp_var.h`, `udp_var.h`, `ip_var.h`, `icmp_var.h`, of which the later releases differ behind what is given here.

use crate::abi::{Kind, ints};
use crate::host::sockets::{Listed, sockets};
use crate::os::{Call, proc_text};
use std::collections::HashMap;

/// A field of a structure: which counters of the host it is the sum of.
type Field = &'static [&'static str];

/// Not counted.
const NONE: Field = &[];

/// `struct tcpstat`
#[rustfmt::skip]
const TCP: &[Field] = &[
    // connattempt, accepts, connects, drops, conndrops, minmssdrops
    &["Tcp.ActiveOpens"], &["Tcp.PassiveOpens"], NONE, &["Tcp.EstabResets"], &["Tcp.AttemptFails"], NONE,
    // closed, segstimed, rttupdated, delack, timeoutdrop, rexmttimeo
    NONE, NONE, NONE, &["TcpExt.DelayedACKs"], &["TcpExt.TCPAbortOnTimeout"], &["TcpExt.TCPTimeouts"],
    // persisttimeo, keeptimeo, keepprobe, keepdrops
    NONE, NONE, &["TcpExt.TCPKeepAlive"], NONE,
    // sndtotal, sndpack, sndbyte, sndrexmitpack, sndrexmitbyte, sndrexmitbad
    &["Tcp.OutSegs"], &["TcpExt.TCPOrigDataSent"], NONE, &["Tcp.RetransSegs"], NONE, &["TcpExt.TCPSpuriousRTOs"],
    // sndacks, sndprobe, sndurg, sndwinup, sndctrl
    NONE, &["TcpExt.TCPWinProbe"], NONE, NONE, &["Tcp.OutRsts"],
    // rcvtotal, rcvpack, rcvbyte, rcvbadsum, rcvbadoff, rcvreassfull, rcvshort
    &["Tcp.InSegs"], &["TcpExt.TCPHPHits"], NONE, &["Tcp.InCsumErrors"], NONE, &["TcpExt.TCPOFODrop"], NONE,
    // rcvduppack, rcvdupbyte, rcvpartduppack, rcvpartdupbyte, rcvoopack, rcvoobyte
    &["TcpExt.DelayedACKLost"], NONE, NONE, NONE, &["TcpExt.TCPOFOQueue"], NONE,
    // rcvpackafterwin, rcvbyteafterwin, rcvafterclose, rcvwinprobe, rcvdupack, rcvacktoomuch
    &["TcpExt.BeyondWindow"], NONE, NONE, NONE, NONE, NONE,
    // rcvackpack, rcvackbyte, rcvwinupd, pawsdrop, predack, preddat
    &["TcpExt.TCPPureAcks", "TcpExt.TCPHPAcks"], NONE, NONE, &["TcpExt.PAWSEstab"], &["TcpExt.TCPHPAcks"], &["TcpExt.TCPHPHits"],
    // pcbcachemiss, cachedrtt, cachedrttvar, cachedssthresh, usedrtt, usedrttvar, usedssthresh, persistdrop
    NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE,
    // badsyn, mturesent, listendrop, badrst
    NONE, NONE, &["TcpExt.ListenDrops"], NONE,
    // Of the cache of connections that begin: added, retransmitted, dupsyn, dropped, completed, bucketoverflow, cacheoverflow,
    // reset, stale, aborted, badack, unreach, zonefail, sendcookie, recvcookie
    NONE, NONE, NONE, NONE, NONE, NONE, &["TcpExt.ListenOverflows"], NONE, NONE, NONE, NONE, NONE, NONE,
    &["TcpExt.SyncookiesSent"], &["TcpExt.SyncookiesRecv"],
];

/// `struct udpstat`
#[rustfmt::skip]
const UDP: &[Field] = &[
    // ipackets, hdrops, badsum, nosum, badlen, noport, noportbcast, fullsock
    &["Udp.InDatagrams", "Udp.NoPorts", "Udp.InErrors"], NONE, &["Udp.InCsumErrors"], NONE, NONE, &["Udp.NoPorts"], NONE, &["Udp.RcvbufErrors"],
    // pcbcachemiss, pcbhashmiss, opackets
    NONE, NONE, &["Udp.OutDatagrams"],
];

/// `struct ipstat`
#[rustfmt::skip]
const IP: &[Field] = &[
    // total, badsum, tooshort, toosmall, badhlen, badlen, fragments, fragdropped, fragtimeout
    &["Ip.InReceives"], &["IpExt.InCsumErrors"], &["IpExt.InTruncatedPkts"], NONE, &["Ip.InHdrErrors"], NONE, &["Ip.ReasmReqds"], &["Ip.ReasmFails"], &["Ip.ReasmTimeout"],
    // forward, fastforward, cantforward, redirectsent, noproto, delivered, localout, odropped, reassembled
    &["Ip.ForwDatagrams"], NONE, NONE, NONE, &["Ip.InUnknownProtos"], &["Ip.InDelivers"], &["Ip.OutRequests"], &["Ip.OutDiscards"], &["Ip.ReasmOKs"],
    // fragmented, ofragments, cantfrag, badoptions, noroute, badvers, rawout, toolong, notmember, nogif, badaddr
    &["Ip.FragOKs"], &["Ip.FragCreates"], &["Ip.FragFails"], NONE, &["Ip.OutNoRoutes"], NONE, NONE, NONE, NONE, NONE, &["Ip.InAddrErrors"],
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
    let values = fields.iter().map(|names| sum(&counters, names));
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
        for names in [TCP, UDP, IP].into_iter().flatten() {
            for name in names.iter().filter(|n| **n != "IpExt.InCsumErrors") {
                assert!(counters.contains_key(*name), "{name}");
            }
        }
    }
}
