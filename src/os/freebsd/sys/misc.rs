//! The rest: sysctl, random numbers, devices, modules.

use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::sysctl;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::Handler,
    Support::{Full, Partial, Stub},
    *,
};

crate::syscalls! {
    __sysctl(name: ArgType::Ints(Dir::In, Kind::I32, crate::abi::Show::Dec, Len::Arg(1)), namelen: UINT, old: ADDR, oldlenp: ADDR, new: ADDR, newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_number);
    __sysctlbyname(name: buf_in(1), namelen: SIZE, old: ADDR, oldlenp: ADDR, new: ADDR, newlen: SIZE) -> NUM, Partial("see --list sysctls"), Handler(sysctl::by_name);
    getrandom(buf: ADDR, buflen: SIZE, flags: HEX) -> NUM, Full, Handler(random);
    utrace(addr: ADDR, len: SIZE) -> NUM, Stub("success, as without ktrace"), Handler(|_| Ok(0));
}

fn random(call: &mut Call<'_>) -> SysResult {
    const GRND_ALL: u64 = 7;
    if call.arg(2) & !GRND_ALL != 0 {
        return Err(Errno::EINVAL);
    }
    let mut left = call.arg(1);
    let mut at = call.arg(0);
    while left > 0 {
        let mut bytes = vec![0; left.min(65536) as usize];
        call.thread.random(&mut bytes);
        call.write_bytes(at, &bytes)?;
        at += bytes.len() as u64;
        left -= bytes.len() as u64;
    }
    Ok(call.arg(1))
}

/// `ioctl`: the few that need no structure of the terminal's, and TIOCGETA's question whether it is one.
pub(super) fn device_control(call: &mut Call<'_>) -> SysResult {
    // sys/filio.h, sys/ttycom.h; the host's from asm-generic/ioctls.h
    const HOST_FIONREAD: u64 = 0x541b;
    const HOST_FIONBIO: u64 = 0x5421;
    const HOST_FIOCLEX: u64 = 0x5451;
    const HOST_FIONCLEX: u64 = 0x5450;
    const HOST_TCGETS: u64 = 0x5401;
    const HOST_TIOCGWINSZ: u64 = 0x5413;
    const HOST_TIOCGPGRP: u64 = 0x540f;
    let (fd, request, at) = (call.arg(0), call.arg(1) & 0xffff_ffff, call.arg(2));
    let mut value = 0u64;
    let address = (&raw mut value) as u64;
    match request {
        0x2000_6601 => call.host(SYS_ioctl, [fd, HOST_FIOCLEX, 0, 0, 0, 0]),
        0x2000_6602 => call.host(SYS_ioctl, [fd, HOST_FIONCLEX, 0, 0, 0, 0]),
        0x4004_667f | 0x4004_7477 => {
            let host = if request == 0x4004_667f {
                HOST_FIONREAD
            } else {
                HOST_TIOCGPGRP
            };
            call.host(SYS_ioctl, [fd, host, address, 0, 0, 0])?;
            call.write_int(at, Kind::I32, value)?;
            Ok(0)
        }
        0x8004_667e => {
            value = call.read_int(at, Kind::U32)?;
            let address = (&raw mut value) as u64;
            call.host(SYS_ioctl, [fd, HOST_FIONBIO, address, 0, 0, 0])
        }
        0x4008_7468 => {
            // struct winsize: four shorts
            call.host(SYS_ioctl, [fd, HOST_TIOCGWINSZ, address, 0, 0, 0])?;
            for n in 0..4 {
                call.write_int(at + 2 * n, Kind::U16, value >> (16 * n) & 0xffff)?;
            }
            Ok(0)
        }
        0x402c_7413 => {
            let mut host = [0u32; 16];
            call.host(
                SYS_ioctl,
                [fd, HOST_TCGETS, host.as_mut_ptr() as u64, 0, 0, 0],
            )?;
            call.write_bytes(at, &termios(call, &host))?;
            Ok(0)
        }
        _ => {
            let (group, number) = (request >> 8 & 0xff, request & 0xff);
            let length = request >> 16 & 0x1fff;
            let way = match request >> 29 {
                1 => "_IO",
                2 => "_IOR",
                4 => "_IOW",
                _ => "_IOWR",
            };
            let group = char::from(group as u8).escape_default().to_string();
            call.unimplemented(&format!(
                "ioctl {request:#x}, {way}('{group}', {number}), {length} bytes"
            ));
            Err(Errno::ENOTTY)
        }
    }
}

/// FreeBSD's `struct termios` (`sys/_termios.h`) of the host's: the flags that both have.
fn termios(call: &Call<'_>, host: &[u32; 16]) -> Vec<u8> {
    const NCCS: usize = 20;
    let map = |value: u32, pairs: &[(u32, u32)]| -> u64 {
        pairs
            .iter()
            .filter(|(from, _)| value & from == *from)
            .fold(0, |all, (_, to)| all | to)
            .into()
    };
    // c_iflag: the low flags agree but IUTF8, IXON, IXOFF, IXANY, IMAXBEL
    let iflag = map(
        host[0],
        &[
            (1, 1),
            (2, 2),
            (4, 4),
            (8, 8),
            (0x10, 0x10),
            (0x20, 0x20),
            (0x40, 0x40),
            (0x80, 0x80),
            (0x100, 0x100),
            (0x400, 0x200),
            (0x1000, 0x400),
            (0x800, 0x800),
            (0x2000, 0x2000),
        ],
    );
    // c_oflag: OPOST, ONLCR, OCRNL, ONOCR, ONLRET
    let oflag = map(
        host[1],
        &[(1, 1), (4, 2), (8, 0x10), (0x10, 0x20), (0x20, 0x40)],
    );
    // c_cflag: CS6 to CS8, CSTOPB, CREAD, PARENB, PARODD, HUPCL, CLOCAL, CRTSCTS
    let cflag = u64::from(host[2] >> 4 & 3) << 8
        | map(
            host[2],
            &[
                (0x40, 0x400),
                (0x80, 0x800),
                (0x100, 0x1000),
                (0x200, 0x2000),
                (0x400, 0x4000),
                (0x800, 0x8000),
                (0x8000_0000, 0x3_0000),
            ],
        );
    // c_lflag: ISIG, ICANON, ECHO, ECHOE, ECHOK, ECHONL, NOFLSH, TOSTOP, ECHOCTL, ECHOPRT, ECHOKE, FLUSHO, PENDIN, IEXTEN
    let lflag = map(
        host[3],
        &[
            (1, 0x80),
            (2, 0x100),
            (8, 8),
            (0x10, 2),
            (0x20, 4),
            (0x40, 0x10),
            (0x80, 0x8000_0000),
            (0x100, 0x40_0000),
            (0x200, 0x40),
            (0x400, 0x20),
            (0x800, 1),
            (0x1000, 0x80_0000),
            (0x4000, 0x2000_0000),
            (0x8000, 0x400),
        ],
    );
    let mut out = vec![0u8; 44];
    let mut put =
        |at: usize, value: u64| crate::abi::write_int(call.abi, Kind::U32, &mut out[at..], value);
    for (n, flags) in [iflag, oflag, cflag, lflag].into_iter().enumerate() {
        put(4 * n, flags);
    }
    // Speeds are plain numbers; a pseudo-terminal has none that matters.
    put(36, 38400);
    put(40, 38400);
    // c_cc begins after c_line: VINTR VQUIT VERASE VKILL VEOF VTIME VMIN VSWTC VSTART VSTOP VSUSP VEOL VREPRINT VDISCARD VWERASE
    // VLNEXT VEOL2, at FreeBSD's VEOF 0, VEOL 1, VEOL2 2, VERASE 3, VWERASE 4, VKILL 5, VREPRINT 6, VINTR 8, VQUIT 9, VSUSP 10,
    // VSTART 12, VSTOP 13, VLNEXT 14, VDISCARD 15, VMIN 16, VTIME 17.
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
    let bytes: Vec<u8> = host.iter().flat_map(|w| w.to_le_bytes()).collect();
    let cc = &bytes[17..];
    out[16..16 + NCCS].fill(0xff);
    for (from, to) in CC {
        out[16 + to] = cc[from];
    }
    out
}
