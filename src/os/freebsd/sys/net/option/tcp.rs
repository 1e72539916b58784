//! TCP_INFO: the state of a connection (`netinet/tcp.h`).

use crate::abi::{Endian, Kind, OsAbi, read_int, write_int};

/// Size of `struct tcp_info`, most of whose end is room to grow.
const SIZE: usize = 236;

/// The guest's numbers of the host's states, from ESTABLISHED, which is 1 on the host (`netinet/tcp_fsm.h`).
const STATES: [u8; 12] = [4, 2, 3, 6, 9, 10, 0, 5, 8, 1, 7, 3];

/// Where fields of 32 bits are, on the guest and on the host, and what the host's are multiplied by.
const FIELDS: &[(usize, usize, u64)] = &[
    (8, 8, 1),      // tcpi_rto
    (16, 16, 1),    // tcpi_snd_mss
    (20, 20, 1),    // tcpi_rcv_mss
    (52, 52, 1000), // tcpi_last_data_recv: milliseconds on the host
    (68, 68, 1),    // tcpi_rtt
    (72, 72, 1),    // tcpi_rttvar
    (96, 96, 1),    // tcpi_rcv_space
    (100, 228, 1),  // tcpi_snd_wnd
    (120, 100, 1),  // tcpi_snd_rexmitpack: tcpi_total_retrans
    (124, 224, 1),  // tcpi_rcv_ooopack
];

/// `struct tcp_info` from the host's. What FreeBSD does not fill in is 0, as are the sequence numbers, which the host keeps to
/// itself.
pub(super) fn info(a: OsAbi, host: &[u8]) -> Vec<u8> {
    // Timestamps, selective acknowledgements, window scaling, congestion notification; data in the SYN.
    const SHARED: u8 = 0xf;
    const SYN_DATA: u8 = 0x20;
    const SND_MSS: usize = 16;
    let word = |at: usize| {
        let bytes = host.get(at..at + 4);
        bytes.map_or(0, |b| read_int(OsAbi::HOST, Kind::U32, b))
    };
    let byte = |at: usize| host.get(at).copied().unwrap_or(0);
    let mut out = vec![0; SIZE];
    let state = usize::from(byte(0)).checked_sub(1);
    out[0] = state.and_then(|s| STATES.get(s).copied()).unwrap_or(0);
    out[5] = byte(5) & (SHARED | SYN_DATA);
    // Two fields of four bits, the first one where the compiler begins.
    out[6] = match a.abi.endian {
        Endian::Little => byte(6),
        Endian::Big => byte(6).rotate_left(4),
    };
    let mut put = |at: usize, value: u64| {
        write_int(a, Kind::U32, &mut out[at..], value.min(u32::MAX.into()));
    };
    for &(to, from, unit) in FIELDS {
        put(to, word(from) * unit);
    }
    // tcpi_snd_ssthresh, tcpi_snd_cwnd: the host counts segments.
    for at in [76, 80] {
        put(at, word(at) * word(SND_MSS));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::freebsd::isa::AARCH64;

    #[test]
    fn the_host_s_numbers_become_freebsd_s() {
        let mut host = vec![0u8; 240];
        host[0] = 10;
        host[5] = 0x1f;
        host[6] = 0x72;
        for (at, value) in [(16, 1460u32), (52, 3), (80, 10), (100, 7), (228, 65535)] {
            host[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        let mut a = AARCH64.abi;
        let out = info(a, &host);
        assert_eq!((out.len(), out[0], out[5], out[6]), (236, 1, 0xf, 0x72));
        let word = |at: usize| read_int(a, Kind::U32, &out[at..]);
        assert_eq!([52, 80, 100, 120].map(word), [3000, 14600, 65535, 7]);
        a.abi.endian = Endian::Big;
        assert_eq!(info(a, &host)[6], 0x27);
        // An old host tells less.
        assert_eq!(info(a, &host[..104]).len(), 236);
    }
}
