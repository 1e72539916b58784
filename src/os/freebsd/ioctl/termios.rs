//! `struct termios` (`sys/_termios.h`) and the host's `struct termios2` (`asm-generic/termbits.h`).

use crate::abi::{Dialect, Show};
use crate::os::freebsd::flags as f;

crate::guest_struct! {
    /// `struct termios`
    pub struct Termios("termios") {
        c_iflag: u32 as Show::Flags(&f::IFLAG), c_oflag: u32 as Show::Flags(&f::OFLAG), c_cflag: u32 as Show::Flags(&f::CFLAG),
        c_lflag: u32 as Show::Flags(&f::LFLAG), c_cc: [u8; 20] as Show::Bytes, c_ispeed: u32, c_ospeed: u32,
    }
    layout freebsd {
        c_iflag: u32, c_oflag: u32, c_cflag: u32, c_lflag: u32, c_cc: [u8; 20], c_ispeed: u32, c_ospeed: u32,
    }
}

fn freebsd(a: crate::abi::OsAbi) -> bool {
    a.dialect == Dialect::FreeBsd
}

/// Where control characters are: the host's index, FreeBSD's. VEOF, VEOL, VEOL2, VERASE, VWERASE, VKILL, VREPRINT, VINTR, VQUIT,
/// VSUSP, VSTART, VSTOP, VLNEXT, VDISCARD, VMIN, VTIME.
const CC: [(usize, usize); 16] = [
    (4, 0),
    (11, 1),
    (16, 2),
    (2, 3),
    (14, 4),
    (3, 5),
    (12, 6),
    (0, 8),
    (1, 9),
    (10, 10),
    (8, 12),
    (9, 13),
    (15, 14),
    (13, 15),
    (6, 16),
    (5, 17),
];

/// From where on they are numbers: VMIN and VTIME.
const NUMBERS: usize = 14;

/// A character that is not in use: the host's is 0.
const DISABLED: u8 = 0xff;

// Offsets in struct termios2: c_line, c_cc, speeds.
const HOST_CC: usize = 17;
const HOST_SPEEDS: usize = 36;

/// Bits of c_cflag that say how fast, of both directions: the number counts if they are BOTHER.
const SPEED_BITS: u32 = 0x100f | 0x100f << 16;
const BOTHER: u32 = 0x1000 | 0x1000 << 16;

fn word(bytes: &[u8; 44], at: usize) -> u32 {
    u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// The structure with flags as the host has them: they are converted where it is written for the guest.
pub fn from_host(host: &[u8; 44]) -> Termios {
    let mut t = Termios {
        c_iflag: word(host, 0),
        c_oflag: word(host, 4),
        c_cflag: word(host, 8) & !SPEED_BITS,
        c_lflag: word(host, 12),
        c_cc: [DISABLED; 20],
        c_ispeed: word(host, HOST_SPEEDS),
        c_ospeed: word(host, HOST_SPEEDS + 4),
    };
    for (n, (from, to)) in CC.into_iter().enumerate() {
        t.c_cc[to] = match host[HOST_CC + from] {
            0 if n < NUMBERS => DISABLED,
            c => c,
        };
    }
    t
}

/// The host's, with what FreeBSD has nothing for taken from `old`.
pub fn to_host(t: &Termios, old: &[u8; 44]) -> [u8; 44] {
    let mut host = *old;
    let mut put = |at: usize, value: u32| host[at..at + 4].copy_from_slice(&value.to_le_bytes());
    // The table keeps what it does not know, which is no flag of the host's.
    put(0, t.c_iflag & 0x7fff);
    put(4, t.c_oflag & 0xffff);
    put(8, t.c_cflag & !SPEED_BITS | BOTHER);
    put(12, t.c_lflag & 0x1_ffff);
    let speed = |wanted: u32, at: usize| if wanted == 0 { word(old, at) } else { wanted };
    put(HOST_SPEEDS, speed(t.c_ispeed, HOST_SPEEDS));
    put(HOST_SPEEDS + 4, speed(t.c_ospeed, HOST_SPEEDS + 4));
    for (n, (to, from)) in CC.into_iter().enumerate() {
        host[HOST_CC + to] = match t.c_cc[from] {
            DISABLED if n < NUMBERS => 0,
            c => c,
        };
    }
    host
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::GuestStruct;
    use crate::os::freebsd::isa::AARCH64;

    #[test]
    fn a_terminal_survives_the_round_trip() {
        // What `stty sane` leaves on the host, at 9600 baud.
        let mut host = [0u8; 44];
        for (at, value) in [
            (0, 0x500u32),
            (4, 5),
            (8, 0xbf),
            (12, 0x8a3b),
            (36, 9600),
            (40, 9600),
        ] {
            host[at..at + 4].copy_from_slice(&value.to_le_bytes());
        }
        host[17..34]
            .copy_from_slice(&[3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
        let a = AARCH64.abi;
        let bytes = from_host(&host).write(a).expect("no overflow");
        let int = |at: usize| crate::abi::read_int(a, crate::abi::Kind::U32, &bytes[at..]);
        // ICRNL | IXON; OPOST | ONLCR; CS8 | CREAD; ECHOKE ECHOE ECHOK ECHO ECHOCTL ISIG ICANON IEXTEN
        assert_eq!([int(0), int(4), int(8), int(12)], [0x300, 3, 0xb00, 0x5cf]);
        assert_eq!((int(36), bytes.len()), (9600, 44));
        // VEOF, VEOL (none), VERASE, VINTR, VMIN.
        let cc = &bytes[16..];
        assert_eq!([cc[0], cc[1], cc[3], cc[8], cc[16]], [4, 0xff, 127, 3, 1]);
        let back = Termios::read(a, &bytes).expect("whole");
        let mut expected = host;
        let cflag = 0xb0u32 | BOTHER;
        expected[8..12].copy_from_slice(&cflag.to_le_bytes());
        assert_eq!(to_host(&back, &host), expected);
    }
}
