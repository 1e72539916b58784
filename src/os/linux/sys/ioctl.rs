//! `ioctl`: one table of requests.

use crate::abi::{Dialect, Errno, FlagTable, Kind, OsAbi, Show, SysResult};
use crate::host::nr::*;
use crate::os::linux::structs::*;
use crate::os::{ADDR, ArgType, Call, Dir, INT, Support, inout, input, ints, ints_of, output};

/// One request.
pub struct Ioctl {
    /// Name as in the header.
    pub name: &'static str,
    /// What the argument is.
    pub arg: ArgType,
    /// What works.
    pub support: Support,
}

/// Requests whose number is made of direction, type, number and size (`asm/ioctl.h`); `dir` 1 is write, 2 read.
const fn ioc(dir: u64, ty: u8, nr: u64, size: u64) -> u64 {
    dir << 30 | size << 16 | (ty as u64) << 8 | nr
}

/// The number that an encoded request has on MIPS: no direction is 1, read 2, write 4, in the top three bits.
const fn mips(host: u64) -> u64 {
    let dir = match host >> 30 {
        0 => 1,
        1 => 4,
        2 => 2,
        _ => 6,
    };
    dir << 29 | (host & 0x1fff_ffff)
}

macro_rules! ioctls {
    ($($name:ident = $host:expr, mips $mips:expr => $arg:expr;)*) => {
        /// Request numbers of all dialects.
        pub static NAMES: FlagTable = FlagTable {
            prefix: "",
            fields: &[crate::abi::FlagField {
                mask: !0,
                values: &[$(crate::abi::Flag {
                    name: stringify!($name),
                    host: $host,
                    other: &[(Dialect::Mips, $mips)],
                }),*],
            }],
            bits: &[],
            differs: &[Dialect::Mips],
        };

        /// The requests, in the order of [`NAMES`].
        pub static ROWS: &[Ioctl] = &[$(Ioctl { name: stringify!($name), arg: $arg, support: Support::Full }),*];
    };
}

const INT_IN: ArgType = ints(Dir::In, 1);
const INT_OUT: ArgType = ints(Dir::Out, 1);
const LONG_OUT: ArgType = ints_of(Dir::Out, Kind::Long, Show::Hex, 1);
const LONG_IN: ArgType = ints_of(Dir::In, Kind::Long, Show::Hex, 1);
const NONE: ArgType = ArgType::Absent;

ioctls! {
    // Terminals: asm-generic/ioctls.h, arch/mips/include/uapi/asm/ioctls.h
    TCGETS = 0x5401, mips 0x540d => output::<Termios>();
    TCSETS = 0x5402, mips 0x540e => input::<Termios>();
    TCSETSW = 0x5403, mips 0x540f => input::<Termios>();
    TCSETSF = 0x5404, mips 0x5410 => input::<Termios>();
    TCSBRK = 0x5409, mips 0x5405 => INT;
    TCXONC = 0x540a, mips 0x5406 => INT;
    TCFLSH = 0x540b, mips 0x5407 => INT;
    TCSBRKP = 0x5425, mips 0x5486 => INT;
    TCGETS2 = ioc(2, b'T', 0x2a, 44), mips 0x4030_542a => output::<Termios2>();
    TCSETS2 = ioc(1, b'T', 0x2b, 44), mips 0x8030_542b => input::<Termios2>();
    TCSETSW2 = ioc(1, b'T', 0x2c, 44), mips 0x8030_542c => input::<Termios2>();
    TCSETSF2 = ioc(1, b'T', 0x2d, 44), mips 0x8030_542d => input::<Termios2>();
    TIOCEXCL = 0x540c, mips 0x740d => NONE;
    TIOCNXCL = 0x540d, mips 0x740e => NONE;
    TIOCSCTTY = 0x540e, mips 0x5480 => INT;
    TIOCGPGRP = 0x540f, mips 0x4004_7477 => INT_OUT;
    TIOCSPGRP = 0x5410, mips 0x8004_7476 => INT_IN;
    TIOCOUTQ = 0x5411, mips 0x7472 => INT_OUT;
    TIOCSTI = 0x5412, mips 0x5472 => ArgType::Buf(Dir::In, crate::os::Len::Const(1));
    TIOCGWINSZ = 0x5413, mips 0x4008_7468 => output::<Winsize>();
    TIOCSWINSZ = 0x5414, mips 0x8008_7467 => input::<Winsize>();
    TIOCMGET = 0x5415, mips 0x741d => INT_OUT;
    TIOCMBIS = 0x5416, mips 0x741b => INT_IN;
    TIOCMBIC = 0x5417, mips 0x741c => INT_IN;
    TIOCMSET = 0x5418, mips 0x741a => INT_IN;
    TIOCGSOFTCAR = 0x5419, mips 0x5481 => INT_OUT;
    TIOCSSOFTCAR = 0x541a, mips 0x5482 => INT_IN;
    FIONREAD = 0x541b, mips 0x467f => INT_OUT;
    TIOCPKT = 0x5420, mips 0x5470 => INT_IN;
    FIONBIO = 0x5421, mips 0x667e => INT_IN;
    TIOCNOTTY = 0x5422, mips 0x5471 => NONE;
    TIOCSETD = 0x5423, mips 0x7401 => INT_IN;
    TIOCGETD = 0x5424, mips 0x7400 => INT_OUT;
    TIOCSBRK = 0x5427, mips 0x5427 => NONE;
    TIOCCBRK = 0x5428, mips 0x5428 => NONE;
    TIOCGSID = 0x5429, mips 0x7416 => INT_OUT;
    TIOCGPTN = ioc(2, b'T', 0x30, 4), mips 0x4004_5430 => INT_OUT;
    TIOCSPTLCK = ioc(1, b'T', 0x31, 4), mips 0x8004_5431 => INT_IN;
    TIOCGPTLCK = ioc(2, b'T', 0x39, 4), mips 0x4004_5439 => INT_OUT;
    TIOCGPKT = ioc(2, b'T', 0x38, 4), mips 0x4004_5438 => INT_OUT;
    TIOCGEXCL = ioc(2, b'T', 0x40, 4), mips 0x4004_5440 => INT_OUT;
    TIOCGPTPEER = ioc(0, b'T', 0x41, 0), mips 0x2000_5441 => ArgType::Value(Kind::U32, Show::Flags(&crate::os::linux::flags::OPEN));
    TIOCVHANGUP = 0x5437, mips 0x5437 => NONE;
    // Descriptors
    FIONCLEX = 0x5450, mips 0x6602 => NONE;
    FIOCLEX = 0x5451, mips 0x6601 => NONE;
    FIOASYNC = 0x5452, mips 0x667d => INT_IN;
    FIOQSIZE = 0x5460, mips 0x6667 => ints_of(Dir::Out, Kind::I64, Show::Dec, 1);
    // Files: linux/fs.h
    FS_IOC_GETFLAGS = ioc(2, b'f', 1, 8), mips 0x4004_6601 => LONG_OUT;
    FS_IOC_SETFLAGS = ioc(1, b'f', 2, 8), mips 0x8004_6602 => LONG_IN;
    FS_IOC_GETVERSION = ioc(2, b'v', 1, 8), mips 0x4004_7601 => LONG_OUT;
    FS_IOC_FSGETXATTR = ioc(2, b'X', 31, 28), mips 0x401c_581f => output::<Fsxattr>();
    FS_IOC_FSSETXATTR = ioc(1, b'X', 32, 28), mips 0x801c_5820 => input::<Fsxattr>();
    FIBMAP = ioc(0, 0, 1, 0), mips 0x2000_0001 => ints(Dir::InOut, 1);
    FIGETBSZ = ioc(0, 0, 2, 0), mips 0x2000_0002 => INT_OUT;
    FICLONE = ioc(1, 0x94, 9, 4), mips mips(ioc(1, 0x94, 9, 4)) => INT;
    FICLONERANGE = ioc(1, 0x94, 13, 32), mips mips(ioc(1, 0x94, 13, 32)) => input::<FileCloneRange>();
    FIFREEZE = ioc(3, b'X', 119, 4), mips mips(ioc(3, b'X', 119, 4)) => NONE;
    FITHAW = ioc(3, b'X', 120, 4), mips mips(ioc(3, b'X', 120, 4)) => NONE;
    BLKROSET = ioc(0, 0x12, 93, 0), mips 0x2000_125d => INT_IN;
    BLKROGET = ioc(0, 0x12, 94, 0), mips 0x2000_125e => INT_OUT;
    BLKRRPART = ioc(0, 0x12, 95, 0), mips 0x2000_125f => NONE;
    BLKGETSIZE = ioc(0, 0x12, 96, 0), mips 0x2000_1260 => LONG_OUT;
    BLKFLSBUF = ioc(0, 0x12, 97, 0), mips 0x2000_1261 => NONE;
    BLKSSZGET = ioc(0, 0x12, 104, 0), mips 0x2000_1268 => INT_OUT;
    BLKBSZGET = ioc(2, 0x12, 112, 8), mips 0x4004_1270 => INT_OUT;
    BLKGETSIZE64 = ioc(2, 0x12, 114, 8), mips 0x4004_1272 => ints_of(Dir::Out, Kind::U64, Show::Dec, 1);
    // Sockets: linux/sockios.h
    FIOSETOWN = 0x8901, mips 0x8004_667c => INT_IN;
    SIOCSPGRP = 0x8902, mips 0x8004_7308 => INT_IN;
    FIOGETOWN = 0x8903, mips 0x4004_667b => INT_OUT;
    SIOCGPGRP = 0x8904, mips 0x4004_7309 => INT_OUT;
    SIOCATMARK = 0x8905, mips 0x4004_7307 => INT_OUT;
    SIOCGSTAMP = 0x8906, mips 0x8906 => output::<Timeval>();
    SIOCGSTAMPNS = 0x8907, mips 0x8907 => output::<Timespec>();
    SIOCGIFNAME = 0x8910, mips 0x8910 => inout::<IfreqInt>();
    SIOCGIFFLAGS = 0x8913, mips 0x8913 => inout::<IfreqFlags>();
    SIOCSIFFLAGS = 0x8914, mips 0x8914 => input::<IfreqFlags>();
    SIOCGIFADDR = 0x8915, mips 0x8915 => inout::<IfreqAddr>();
    SIOCSIFADDR = 0x8916, mips 0x8916 => input::<IfreqAddr>();
    SIOCGIFDSTADDR = 0x8917, mips 0x8917 => inout::<IfreqAddr>();
    SIOCGIFBRDADDR = 0x8919, mips 0x8919 => inout::<IfreqAddr>();
    SIOCGIFNETMASK = 0x891b, mips 0x891b => inout::<IfreqAddr>();
    SIOCSIFNETMASK = 0x891c, mips 0x891c => input::<IfreqAddr>();
    SIOCGIFMETRIC = 0x891d, mips 0x891d => inout::<IfreqInt>();
    SIOCGIFMTU = 0x8921, mips 0x8921 => inout::<IfreqInt>();
    SIOCSIFMTU = 0x8922, mips 0x8922 => input::<IfreqInt>();
    SIOCGIFHWADDR = 0x8927, mips 0x8927 => inout::<IfreqAddr>();
    SIOCGIFINDEX = 0x8933, mips 0x8933 => inout::<IfreqInt>();
    SIOCGIFTXQLEN = 0x8942, mips 0x8942 => inout::<IfreqInt>();
}

/// Requests that carry an address which is looked at by nobody but a driver that no guest has met yet are missing: they are
/// reported by number, with the parts that the number is made of.
fn describe(a: OsAbi, request: u64) -> String {
    let (dir, size) = match a.dialect {
        Dialect::Mips => (request >> 29 & 7, request >> 16 & 0x1fff),
        _ => (request >> 30 & 3, request >> 16 & 0x3fff),
    };
    let dir = match (a.dialect, dir) {
        (Dialect::Mips, 2) | (Dialect::X86 | Dialect::Arm | Dialect::Generic, 2) => "read",
        (Dialect::Mips, 4) | (Dialect::X86 | Dialect::Arm | Dialect::Generic, 1) => "write",
        (Dialect::Mips, 6) | (_, 3) => "read/write",
        _ => "none",
    };
    format!(
        "ioctl {request:#x} (direction {dir}, type {:#x}, number {}, size {size})",
        request >> 8 & 0xff,
        request & 0xff
    )
}

fn row(a: OsAbi, request: u64) -> Option<&'static Ioctl> {
    let name = NAMES.name_of(a.dialect, request)?;
    ROWS.iter().find(|r| r.name == name)
}

/// The type of `ioctl`'s third argument.
pub fn argument(args: &[u64], a: OsAbi) -> ArgType {
    row(a, args[1]).map_or(ADDR, |r| r.arg)
}

pub(super) fn control(call: &mut Call<'_>) -> SysResult {
    let request = call.arg(1);
    let Some(row) = row(call.abi, request) else {
        call.unimplemented(&describe(call.abi, request));
        return Err(Errno::ENOTTY);
    };
    let host = NAMES.to_host(call.abi.dialect, request);
    // MIPS programs get at the low 32 bits of a request only; so does the host's kernel.
    let args = [call.arg(0), host, call.arg(2), 0, 0, 0];
    crate::os::pass_as(call, SYS_ioctl, true, args, 2, row.arg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abi::GuestStruct;

    #[test]
    fn numbers_are_unique_in_each_dialect() {
        for d in [Dialect::X86, Dialect::Mips] {
            let mut numbers: Vec<u64> = NAMES.all().map(|f| f.value(d)).collect();
            numbers.sort_unstable();
            let n = numbers.len();
            numbers.dedup();
            assert_eq!(numbers.len(), n, "{d:?}");
        }
        assert_eq!(NAMES.all().count(), ROWS.len());
    }

    #[test]
    fn sizes_in_mips_numbers_are_those_of_the_structures() {
        let o32 = OsAbi {
            abi: crate::abi::Abi {
                endian: crate::abi::Endian::Big,
                word: 4,
                align64: 8,
                even_pairs: true,
            },
            dialect: Dialect::Mips,
        };
        for (flag, row) in NAMES.all().zip(ROWS) {
            let n = flag.value(Dialect::Mips);
            if let (ArgType::Struct(_, desc), true) =
                (row.arg, n >> 29 != 0 && n >> 16 & 0x1fff != 0)
            {
                assert_eq!(desc.size(o32) as u64, n >> 16 & 0x1fff, "{}", row.name);
            }
        }
        assert_eq!(Termios::DESC.size(o32), 40);
    }
}
