//! The requests of `ioctl`: numbers of the headers (asm-generic, and of MIPS where they differ) and what the argument is.

use crate::abi::{Dialect, Flag, FlagField, FlagTable, Kind, Show};
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Dir, FD, INT, Len, STR, Support, ULONG, inout, input, ints, ints_of, output,
};

/// One request.
pub struct Ioctl {
    /// Name as in the header.
    pub name: &'static str,
    /// What the argument is.
    pub arg: ArgType,
    /// What works.
    pub support: Support,
}

/// The argument of a request that is known by name only: an address that is not looked at.
const MISSING: ArgType = ArgType::Addr;

const fn support(arg: ArgType) -> Support {
    match arg {
        ArgType::Addr => Support::Missing,
        _ => Support::Full,
    }
}

macro_rules! ioctls {
    (@other) => { &[] };
    (@other $mips:literal) => { &[(Dialect::Mips, $mips)] };
    ($($name:ident = $host:literal $(, mips $mips:literal)? => $arg:expr;)*) => {
        /// Request numbers of all dialects.
        pub static NAMES: FlagTable = FlagTable {
            prefix: "",
            fields: &[FlagField {
                mask: !0,
                values: &[$(Flag { name: stringify!($name), host: $host, other: ioctls!(@other $($mips)?) }),*],
            }],
            bits: &[],
            differs: &[Dialect::Mips],
        };

        /// The requests, in the order of [`NAMES`].
        pub static ROWS: &[Ioctl] =
            &[$(Ioctl { name: stringify!($name), arg: $arg, support: support($arg) }),*];
    };
}

const INT_IN: ArgType = ints(Dir::In, 1);
const INT_OUT: ArgType = ints(Dir::Out, 1);
const LONG_OUT: ArgType = ints_of(Dir::Out, Kind::Long, Show::Hex, 1);
const LONG_IN: ArgType = ints_of(Dir::In, Kind::Long, Show::Hex, 1);
const NONE: ArgType = ArgType::Absent;

const fn bytes(dir: Dir, n: u32) -> ArgType {
    ArgType::Buf(dir, Len::Const(n))
}

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
    TCGETS2 = 0x802c542a, mips 0x4030542a => output::<Termios2>();
    TCSETS2 = 0x402c542b, mips 0x8030542b => input::<Termios2>();
    TCSETSW2 = 0x402c542c, mips 0x8030542c => input::<Termios2>();
    TCSETSF2 = 0x402c542d, mips 0x8030542d => input::<Termios2>();
    TIOCEXCL = 0x540c, mips 0x740d => NONE;
    TIOCNXCL = 0x540d, mips 0x740e => NONE;
    TIOCSCTTY = 0x540e, mips 0x5480 => INT;
    TIOCGPGRP = 0x540f, mips 0x40047477 => INT_OUT;
    TIOCSPGRP = 0x5410, mips 0x80047476 => INT_IN;
    TIOCOUTQ = 0x5411, mips 0x7472 => INT_OUT;
    TIOCSTI = 0x5412, mips 0x5472 => ArgType::Buf(Dir::In, Len::Const(1));
    TIOCGWINSZ = 0x5413, mips 0x40087468 => output::<Winsize>();
    TIOCSWINSZ = 0x5414, mips 0x80087467 => input::<Winsize>();
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
    TIOCSBRK = 0x5427 => NONE;
    TIOCCBRK = 0x5428 => NONE;
    TIOCGSID = 0x5429, mips 0x7416 => INT_OUT;
    TIOCGPTN = 0x80045430, mips 0x40045430 => INT_OUT;
    TIOCSPTLCK = 0x40045431, mips 0x80045431 => INT_IN;
    TIOCGPTLCK = 0x80045439, mips 0x40045439 => INT_OUT;
    TIOCGPKT = 0x80045438, mips 0x40045438 => INT_OUT;
    TIOCGEXCL = 0x80045440, mips 0x40045440 => INT_OUT;
    TIOCGPTPEER = 0x5441, mips 0x20005441 => ArgType::Value(Kind::U32, Show::Flags(&f::OPEN));
    TIOCVHANGUP = 0x5437 => NONE;
    TIOCCONS = 0x541d, mips 0x80047478 => NONE;
    TIOCGDEV = 0x80045432, mips 0x40045432 => ints_of(Dir::Out, Kind::U32, Show::Dev, 1);
    TIOCSIG = 0x40045436, mips 0x80045436 => INT;
    TIOCGSERIAL = 0x541e, mips 0x5484 => output::<SerialStruct>();
    TIOCSSERIAL = 0x541f, mips 0x5485 => input::<SerialStruct>();
    TIOCSERGETLSR = 0x5459, mips 0x548e => INT_OUT;
    TIOCMIWAIT = 0x545c, mips 0x5491 => INT;
    TIOCGICOUNT = 0x545d, mips 0x5492 => ints(Dir::Out, 20);
    TIOCGRS485 = 0x542e, mips 0x4020542e => ints_of(Dir::Out, Kind::U32, Show::Hex, 8);
    TIOCSRS485 = 0x542f, mips 0xc020542f => ints_of(Dir::InOut, Kind::U32, Show::Hex, 8);
    TIOCGLCKTRMIOS = 0x5456, mips 0x548b => output::<Termios>();
    TIOCSLCKTRMIOS = 0x5457, mips 0x548c => input::<Termios>();
    TIOCLINUX = 0x541c, mips 0x5483 => MISSING;
    // Descriptors
    FIONCLEX = 0x5450, mips 0x6602 => NONE;
    FIOCLEX = 0x5451, mips 0x6601 => NONE;
    FIOASYNC = 0x5452, mips 0x667d => INT_IN;
    FIOQSIZE = 0x5460, mips 0x667f => ints_of(Dir::Out, Kind::I64, Show::Dec, 1);
    // Files: linux/fs.h
    FS_IOC_GETFLAGS = 0x80086601, mips 0x40046601 => LONG_OUT;
    FS_IOC_SETFLAGS = 0x40086602, mips 0x80046602 => LONG_IN;
    FS_IOC_GETVERSION = 0x80087601, mips 0x40047601 => LONG_OUT;
    FS_IOC_FSGETXATTR = 0x801c581f, mips 0x401c581f => output::<Fsxattr>();
    FS_IOC_FSSETXATTR = 0x401c5820, mips 0x801c5820 => input::<Fsxattr>();
    FIBMAP = 0x1, mips 0x20000001 => ints(Dir::InOut, 1);
    FIGETBSZ = 0x2, mips 0x20000002 => INT_OUT;
    FICLONE = 0x40049409, mips 0x80049409 => INT;
    FICLONERANGE = 0x4020940d, mips 0x8020940d => input::<FileCloneRange>();
    FIFREEZE = 0xc0045877 => NONE;
    FITHAW = 0xc0045878 => NONE;
    FS_IOC_SETVERSION = 0x40087602, mips 0x80047602 => LONG_IN;
    FS_IOC_FIEMAP = 0xc020660b => MISSING;
    FIDEDUPERANGE = 0xc0189436 => MISSING;
    FITRIM = 0xc0185879 => ints_of(Dir::InOut, Kind::U64, Show::Dec, 3);
    FS_IOC_GETFSLABEL = 0x81009431, mips 0x41009431 => bytes(Dir::Out, 256);
    FS_IOC_SETFSLABEL = 0x41009432, mips 0x81009432 => bytes(Dir::In, 256);
    FS_IOC_SET_ENCRYPTION_POLICY = 0x800c6613, mips 0x400c6613 => bytes(Dir::In, 12);
    FS_IOC_GET_ENCRYPTION_PWSALT = 0x40106614, mips 0x80106614 => bytes(Dir::Out, 16);
    FS_IOC_GET_ENCRYPTION_POLICY = 0x400c6615, mips 0x800c6615 => bytes(Dir::Out, 12);
    FS_IOC_ADD_ENCRYPTION_KEY = 0xc0506617 => MISSING;
    FS_IOC_ENABLE_VERITY = 0x40806685, mips 0x80806685 => MISSING;
    FS_IOC_MEASURE_VERITY = 0xc0046686 => MISSING;
    NS_GET_USERNS = 0xb701, mips 0x2000b701 => NONE;
    NS_GET_PARENT = 0xb702, mips 0x2000b702 => NONE;
    NS_GET_NSTYPE = 0xb703, mips 0x2000b703 => NONE;
    NS_GET_OWNER_UID = 0xb704, mips 0x2000b704 => ints_of(Dir::Out, Kind::U32, Show::Dec, 1);
    FUSE_DEV_IOC_CLONE = 0x8004e500, mips 0x4004e500 => ints_of(Dir::In, Kind::U32, Show::Fd, 1);
    BTRFS_IOC_SNAP_CREATE = 0x50009401, mips 0x90009401 => MISSING;
    BTRFS_IOC_SUBVOL_CREATE = 0x5000940e, mips 0x9000940e => MISSING;
    BTRFS_IOC_SYNC = 0x9408, mips 0x20009408 => NONE;
    // Sockets: linux/sockios.h
    FIOSETOWN = 0x8901, mips 0x8004667c => INT_IN;
    SIOCSPGRP = 0x8902, mips 0x80047308 => INT_IN;
    FIOGETOWN = 0x8903, mips 0x4004667b => INT_OUT;
    SIOCGPGRP = 0x8904, mips 0x40047309 => INT_OUT;
    SIOCATMARK = 0x8905, mips 0x40047307 => INT_OUT;
    SIOCGSTAMP = 0x8906 => output::<Timeval>();
    SIOCGSTAMPNS = 0x8907 => output::<Timespec>();
    SIOCGIFNAME = 0x8910 => inout::<IfreqInt>();
    SIOCGIFFLAGS = 0x8913 => inout::<IfreqFlags>();
    SIOCSIFFLAGS = 0x8914 => input::<IfreqFlags>();
    SIOCGIFADDR = 0x8915 => inout::<IfreqAddr>();
    SIOCSIFADDR = 0x8916 => input::<IfreqAddr>();
    SIOCGIFDSTADDR = 0x8917 => inout::<IfreqAddr>();
    SIOCGIFBRDADDR = 0x8919 => inout::<IfreqAddr>();
    SIOCGIFNETMASK = 0x891b => inout::<IfreqAddr>();
    SIOCSIFNETMASK = 0x891c => input::<IfreqAddr>();
    SIOCGIFMETRIC = 0x891d => inout::<IfreqInt>();
    SIOCGIFMTU = 0x8921 => inout::<IfreqInt>();
    SIOCSIFMTU = 0x8922 => input::<IfreqInt>();
    SIOCGIFHWADDR = 0x8927 => inout::<IfreqAddr>();
    SIOCGIFINDEX = 0x8933 => inout::<IfreqInt>();
    SIOCGIFTXQLEN = 0x8942 => inout::<IfreqInt>();
    SIOCGIFCONF = 0x8912 => inout::<Ifconf>();
    SIOCGIFMEM = 0x891f => inout::<IfreqInt>();
    SIOCSIFMETRIC = 0x891e => input::<IfreqInt>();
    SIOCSIFNAME = 0x8923 => input::<IfreqNames>();
    SIOCSIFBRDADDR = 0x891a => input::<IfreqAddr>();
    SIOCSIFDSTADDR = 0x8918 => input::<IfreqAddr>();
    SIOCSIFHWADDR = 0x8924 => input::<IfreqAddr>();
    SIOCADDMULTI = 0x8931 => input::<IfreqAddr>();
    SIOCDELMULTI = 0x8932 => input::<IfreqAddr>();
    SIOCSIFTXQLEN = 0x8943 => input::<IfreqInt>();
    SIOCGIFPFLAGS = 0x8935 => inout::<IfreqFlags>();
    SIOCSIFPFLAGS = 0x8934 => input::<IfreqFlags>();
    SIOCGIFMAP = 0x8970 => inout::<IfreqMap>();
    SIOCSIFSLAVE = 0x8930 => MISSING;
    SIOCGARP = 0x8954 => inout::<Arpreq>();
    SIOCSARP = 0x8955 => input::<Arpreq>();
    SIOCDARP = 0x8953 => input::<Arpreq>();
    SIOCADDRT = 0x890b => MISSING;
    SIOCDELRT = 0x890c => MISSING;
    SIOCETHTOOL = 0x8946 => MISSING;
    SIOCGMIIPHY = 0x8947 => MISSING;
    SIOCGMIIREG = 0x8948 => MISSING;
    SIOCBRADDBR = 0x89a0 => STR;
    SIOCBRDELBR = 0x89a1 => STR;
    SIOCBRADDIF = 0x89a2 => input::<IfreqInt>();
    SIOCBRDELIF = 0x89a3 => input::<IfreqInt>();
    SIOCOUTQNSD = 0x894b => INT_OUT;
    SIOCGSKNS = 0x894c => NONE;
    SIOCGIFVLAN = 0x8982 => MISSING;
    SIOCSIFVLAN = 0x8983 => MISSING;
    SIOCGIWNAME = 0x8b01 => MISSING;
    SIOCGSTAMP_NEW = 0x80108906, mips 0x40108906 => output::<Timeval64>();
    SIOCGSTAMPNS_NEW = 0x80108907, mips 0x40108907 => output::<Timespec64>();
    TUNSETNOCSUM = 0x400454c8, mips 0x800454c8 => INT;
    TUNSETDEBUG = 0x400454c9, mips 0x800454c9 => INT;
    TUNSETIFF = 0x400454ca, mips 0x800454ca => inout::<IfreqFlags>();
    TUNGETIFF = 0x800454d2, mips 0x400454d2 => output::<IfreqFlags>();
    TUNSETPERSIST = 0x400454cb, mips 0x800454cb => INT;
    TUNSETOWNER = 0x400454cc, mips 0x800454cc => INT;
    TUNSETGROUP = 0x400454ce, mips 0x800454ce => INT;
    TUNSETLINK = 0x400454cd, mips 0x800454cd => INT;
    TUNGETFEATURES = 0x800454cf, mips 0x400454cf => INT_OUT;
    TUNSETOFFLOAD = 0x400454d0, mips 0x800454d0 => INT;
    TUNGETSNDBUF = 0x800454d3, mips 0x400454d3 => INT_OUT;
    TUNSETSNDBUF = 0x400454d4, mips 0x800454d4 => INT_IN;
    TUNGETVNETHDRSZ = 0x800454d7, mips 0x400454d7 => INT_OUT;
    TUNSETVNETHDRSZ = 0x400454d8, mips 0x800454d8 => INT_IN;
    PPPIOCGFLAGS = 0x8004745a, mips 0x4004745a => INT_OUT;
    PPPIOCSFLAGS = 0x40047459, mips 0x80047459 => INT_IN;
    PPPIOCGUNIT = 0x80047456, mips 0x40047456 => INT_OUT;
    PPPIOCNEWUNIT = 0xc004743e => ints(Dir::InOut, 1);
    PPPIOCATTCHAN = 0x40047438, mips 0x80047438 => INT_IN;
    PPPIOCCONNECT = 0x4004743a, mips 0x8004743a => INT_IN;
    // Consoles: linux/vt.h, linux/kd.h
    VT_OPENQRY = 0x5600 => INT_OUT;
    VT_GETMODE = 0x5601 => output::<VtMode>();
    VT_SETMODE = 0x5602 => input::<VtMode>();
    VT_GETSTATE = 0x5603 => ints_of(Dir::Out, Kind::U16, Show::Dec, 3);
    VT_RELDISP = 0x5605 => INT;
    VT_ACTIVATE = 0x5606 => INT;
    VT_WAITACTIVE = 0x5607 => INT;
    VT_DISALLOCATE = 0x5608 => INT;
    VT_RESIZE = 0x5609 => ints_of(Dir::In, Kind::U16, Show::Dec, 3);
    VT_LOCKSWITCH = 0x560b => INT;
    VT_UNLOCKSWITCH = 0x560c => INT;
    VT_GETHIFONTMASK = 0x560d => ints_of(Dir::Out, Kind::U16, Show::Hex, 1);
    KIOCSOUND = 0x4b2f => INT;
    KDMKTONE = 0x4b30 => INT;
    KDGETLED = 0x4b31 => bytes(Dir::Out, 1);
    KDSETLED = 0x4b32 => INT;
    KDGKBTYPE = 0x4b33 => bytes(Dir::Out, 1);
    KDSETMODE = 0x4b3a => INT;
    KDGETMODE = 0x4b3b => INT_OUT;
    KDGKBMODE = 0x4b44 => INT_OUT;
    KDSKBMODE = 0x4b45 => INT;
    KDGKBMETA = 0x4b62 => INT_OUT;
    KDSKBMETA = 0x4b63 => INT;
    KDGKBLED = 0x4b64 => bytes(Dir::Out, 1);
    KDSKBLED = 0x4b65 => INT;
    KDGKBENT = 0x4b46 => MISSING;
    KDSKBENT = 0x4b47 => MISSING;
    KDFONTOP = 0x4b72 => MISSING;
    PIO_FONT = 0x4b61 => MISSING;
    GIO_FONT = 0x4b60 => MISSING;
    GIO_UNIMAP = 0x4b66 => MISSING;
    PIO_UNIMAP = 0x4b67 => MISSING;
    PIO_UNIMAPCLR = 0x4b68 => MISSING;
    GIO_CMAP = 0x4b70 => bytes(Dir::Out, 48);
    PIO_CMAP = 0x4b71 => bytes(Dir::In, 48);
    // Block devices: linux/fs.h, linux/blkpg.h, linux/hdreg.h
    BLKROSET = 0x125d, mips 0x2000125d => INT_IN;
    BLKROGET = 0x125e, mips 0x2000125e => INT_OUT;
    BLKRRPART = 0x125f, mips 0x2000125f => NONE;
    BLKGETSIZE = 0x1260, mips 0x20001260 => LONG_OUT;
    BLKFLSBUF = 0x1261, mips 0x20001261 => NONE;
    BLKSSZGET = 0x1268, mips 0x20001268 => INT_OUT;
    BLKBSZGET = 0x80081270, mips 0x40041270 => INT_OUT;
    BLKGETSIZE64 = 0x80081272, mips 0x40041272 => ints_of(Dir::Out, Kind::U64, Show::Dec, 1);
    BLKRASET = 0x1262, mips 0x20001262 => ULONG;
    BLKRAGET = 0x1263, mips 0x20001263 => LONG_OUT;
    BLKFRASET = 0x1264, mips 0x20001264 => ULONG;
    BLKFRAGET = 0x1265, mips 0x20001265 => LONG_OUT;
    BLKSECTGET = 0x1267, mips 0x20001267 => ints_of(Dir::Out, Kind::U16, Show::Dec, 1);
    BLKBSZSET = 0x40081271, mips 0x80041271 => INT_IN;
    BLKDISCARD = 0x1277, mips 0x20001277 => ints_of(Dir::In, Kind::U64, Show::Dec, 2);
    BLKSECDISCARD = 0x127d, mips 0x2000127d => ints_of(Dir::In, Kind::U64, Show::Dec, 2);
    BLKZEROOUT = 0x127f, mips 0x2000127f => ints_of(Dir::In, Kind::U64, Show::Dec, 2);
    BLKIOMIN = 0x1278, mips 0x20001278 => INT_OUT;
    BLKIOOPT = 0x1279, mips 0x20001279 => INT_OUT;
    BLKALIGNOFF = 0x127a, mips 0x2000127a => INT_OUT;
    BLKPBSZGET = 0x127b, mips 0x2000127b => INT_OUT;
    BLKDISCARDZEROES = 0x127c, mips 0x2000127c => INT_OUT;
    BLKROTATIONAL = 0x127e, mips 0x2000127e => ints_of(Dir::Out, Kind::U16, Show::Dec, 1);
    BLKGETDISKSEQ = 0x80081280, mips 0x40081280 => ints_of(Dir::Out, Kind::U64, Show::Dec, 1);
    BLKPG = 0x1269, mips 0x20001269 => MISSING;
    HDIO_GETGEO = 0x301 => output::<HdGeometry>();
    HDIO_GET_IDENTITY = 0x30d => MISSING;
    SG_IO = 0x2285 => MISSING;
    SG_GET_VERSION_NUM = 0x2282 => INT_OUT;
    SCSI_IOCTL_GET_IDLUN = 0x5382 => ints_of(Dir::Out, Kind::I32, Show::Hex, 2);
    SCSI_IOCTL_GET_BUS_NUMBER = 0x5386 => INT_OUT;
    CDROMEJECT = 0x5309 => NONE;
    CDROMCLOSETRAY = 0x5319 => NONE;
    CDROM_DRIVE_STATUS = 0x5326 => INT;
    CDROM_DISC_STATUS = 0x5327 => NONE;
    CDROM_GET_CAPABILITY = 0x5331 => NONE;
    CDROM_LOCKDOOR = 0x5329 => INT;
    CDROM_MEDIA_CHANGED = 0x5325 => INT;
    // Loop devices: linux/loop.h
    LOOP_SET_FD = 0x4c00 => FD;
    LOOP_CLR_FD = 0x4c01 => NONE;
    LOOP_SET_STATUS = 0x4c02 => MISSING;
    LOOP_GET_STATUS = 0x4c03 => MISSING;
    LOOP_SET_STATUS64 = 0x4c04 => input::<LoopInfo64>();
    LOOP_GET_STATUS64 = 0x4c05 => output::<LoopInfo64>();
    LOOP_CHANGE_FD = 0x4c06 => FD;
    LOOP_SET_CAPACITY = 0x4c07 => NONE;
    LOOP_SET_DIRECT_IO = 0x4c08 => ULONG;
    LOOP_SET_BLOCK_SIZE = 0x4c09 => ULONG;
    LOOP_CONFIGURE = 0x4c0a => input::<LoopConfig>();
    LOOP_CTL_ADD = 0x4c80 => INT;
    LOOP_CTL_REMOVE = 0x4c81 => INT;
    LOOP_CTL_GET_FREE = 0x4c82 => NONE;
    // Random numbers, clocks, watchdogs: linux/random.h, linux/rtc.h, linux/watchdog.h
    RNDGETENTCNT = 0x80045200, mips 0x40045200 => INT_OUT;
    RNDADDTOENTCNT = 0x40045201, mips 0x80045201 => INT_IN;
    RNDADDENTROPY = 0x40085203, mips 0x80085203 => MISSING;
    RNDZAPENTCNT = 0x5204, mips 0x20005204 => NONE;
    RNDCLEARPOOL = 0x5206, mips 0x20005206 => NONE;
    RNDRESEEDCRNG = 0x5207, mips 0x20005207 => NONE;
    RTC_AIE_ON = 0x7001, mips 0x20007001 => NONE;
    RTC_AIE_OFF = 0x7002, mips 0x20007002 => NONE;
    RTC_UIE_ON = 0x7003, mips 0x20007003 => NONE;
    RTC_UIE_OFF = 0x7004, mips 0x20007004 => NONE;
    RTC_PIE_ON = 0x7005, mips 0x20007005 => NONE;
    RTC_PIE_OFF = 0x7006, mips 0x20007006 => NONE;
    RTC_ALM_SET = 0x40247007, mips 0x80247007 => input::<RtcTime>();
    RTC_ALM_READ = 0x80247008, mips 0x40247008 => output::<RtcTime>();
    RTC_RD_TIME = 0x80247009, mips 0x40247009 => output::<RtcTime>();
    RTC_SET_TIME = 0x4024700a, mips 0x8024700a => input::<RtcTime>();
    RTC_IRQP_READ = 0x8008700b, mips 0x4004700b => LONG_OUT;
    RTC_IRQP_SET = 0x4008700c, mips 0x8004700c => ULONG;
    RTC_EPOCH_READ = 0x8008700d, mips 0x4004700d => LONG_OUT;
    RTC_EPOCH_SET = 0x4008700e, mips 0x8004700e => ULONG;
    RTC_WKALM_SET = 0x4028700f, mips 0x8028700f => input::<RtcWkalrm>();
    RTC_WKALM_RD = 0x80287010, mips 0x40287010 => output::<RtcWkalrm>();
    RTC_VL_READ = 0x80047013, mips 0x40047013 => INT_OUT;
    RTC_VL_CLR = 0x7014, mips 0x20007014 => NONE;
    WDIOC_GETSUPPORT = 0x80285700, mips 0x40285700 => output::<WatchdogInfo>();
    WDIOC_GETSTATUS = 0x80045701, mips 0x40045701 => INT_OUT;
    WDIOC_GETBOOTSTATUS = 0x80045702, mips 0x40045702 => INT_OUT;
    WDIOC_KEEPALIVE = 0x80045705, mips 0x40045705 => INT_OUT;
    WDIOC_SETTIMEOUT = 0xc0045706 => ints(Dir::InOut, 1);
    WDIOC_GETTIMEOUT = 0x80045707, mips 0x40045707 => INT_OUT;
    WDIOC_GETTIMELEFT = 0x8004570a, mips 0x4004570a => INT_OUT;
    // Input: linux/input.h, linux/uinput.h
    EVIOCGVERSION = 0x80044501, mips 0x40044501 => INT_OUT;
    EVIOCGID = 0x80084502, mips 0x40084502 => ints_of(Dir::Out, Kind::U16, Show::Hex, 4);
    EVIOCGREP = 0x80084503, mips 0x40084503 => ints(Dir::Out, 2);
    EVIOCSREP = 0x40084503, mips 0x80084503 => ints(Dir::In, 2);
    EVIOCGRAB = 0x40044590, mips 0x80044590 => INT;
    EVIOCREVOKE = 0x40044591, mips 0x80044591 => INT;
    EVIOCSCLOCKID = 0x400445a0, mips 0x800445a0 => INT_IN;
    EVIOCGKEYCODE = 0x80084504, mips 0x40084504 => ints(Dir::InOut, 2);
    EVIOCSKEYCODE = 0x40084504, mips 0x80084504 => ints(Dir::In, 2);
    EVIOCGEFFECTS = 0x80044584, mips 0x40044584 => INT_OUT;
    EVIOCRMFF = 0x40044581, mips 0x80044581 => INT;
    EVIOCSFF = 0x40304580, mips 0x802c4580 => MISSING;
    UI_DEV_CREATE = 0x5501, mips 0x20005501 => NONE;
    UI_DEV_DESTROY = 0x5502, mips 0x20005502 => NONE;
    UI_DEV_SETUP = 0x405c5503, mips 0x805c5503 => MISSING;
    UI_SET_EVBIT = 0x40045564, mips 0x80045564 => INT;
    UI_SET_KEYBIT = 0x40045565, mips 0x80045565 => INT;
    UI_SET_RELBIT = 0x40045566, mips 0x80045566 => INT;
    UI_SET_ABSBIT = 0x40045567, mips 0x80045567 => INT;
    JSIOCGVERSION = 0x80046a01, mips 0x40046a01 => ints_of(Dir::Out, Kind::U32, Show::Hex, 1);
    JSIOCGAXES = 0x80016a11, mips 0x40016a11 => bytes(Dir::Out, 1);
    JSIOCGBUTTONS = 0x80016a12, mips 0x40016a12 => bytes(Dir::Out, 1);
    HIDIOCGRDESCSIZE = 0x80044801, mips 0x40044801 => INT_OUT;
    HIDIOCGRAWINFO = 0x80084803, mips 0x40084803 => MISSING;
    // Frame buffers: linux/fb.h
    FBIOGET_VSCREENINFO = 0x4600 => ints_of(Dir::Out, Kind::U32, Show::Dec, 40);
    FBIOPUT_VSCREENINFO = 0x4601 => ints_of(Dir::InOut, Kind::U32, Show::Dec, 40);
    FBIOGET_FSCREENINFO = 0x4602 => output::<FbFix>();
    FBIOPAN_DISPLAY = 0x4606 => ints_of(Dir::InOut, Kind::U32, Show::Dec, 40);
    FBIOBLANK = 0x4611 => INT;
    FBIO_WAITFORVSYNC = 0x40044620, mips 0x80044620 => INT_IN;
    FBIOGETCMAP = 0x4604 => MISSING;
    FBIOPUTCMAP = 0x4605 => MISSING;
    // Sound: linux/soundcard.h, sound/asound.h
    SNDCTL_DSP_RESET = 0x5000, mips 0x20005000 => NONE;
    SNDCTL_DSP_SYNC = 0x5001, mips 0x20005001 => NONE;
    SNDCTL_DSP_SPEED = 0xc0045002 => ints(Dir::InOut, 1);
    SNDCTL_DSP_STEREO = 0xc0045003 => ints(Dir::InOut, 1);
    SNDCTL_DSP_GETBLKSIZE = 0xc0045004 => ints(Dir::InOut, 1);
    SNDCTL_DSP_CHANNELS = 0xc0045006 => ints(Dir::InOut, 1);
    SNDCTL_DSP_GETFMTS = 0x8004500b, mips 0x4004500b => INT_OUT;
    SNDCTL_DSP_SETFMT = 0xc0045005 => ints(Dir::InOut, 1);
    SNDCTL_DSP_SETFRAGMENT = 0xc004500a => ints(Dir::InOut, 1);
    SNDCTL_DSP_GETOSPACE = 0x8010500c, mips 0x4010500c => ints(Dir::Out, 4);
    SNDCTL_DSP_GETISPACE = 0x8010500d, mips 0x4010500d => ints(Dir::Out, 4);
    SNDCTL_DSP_GETCAPS = 0x8004500f, mips 0x4004500f => INT_OUT;
    SNDCTL_DSP_SETTRIGGER = 0x40045010, mips 0x80045010 => INT_IN;
    SNDCTL_DSP_GETTRIGGER = 0x80045010, mips 0x40045010 => INT_OUT;
    SOUND_MIXER_READ_DEVMASK = 0x80044dfe, mips 0x40044dfe => INT_OUT;
    SOUND_MIXER_READ_VOLUME = 0x80044d00, mips 0x40044d00 => INT_OUT;
    SOUND_MIXER_WRITE_VOLUME = 0xc0044d00 => ints(Dir::InOut, 1);
    SNDRV_CTL_IOCTL_PVERSION = 0x80045500, mips 0x40045500 => INT_OUT;
    SNDRV_CTL_IOCTL_CARD_INFO = 0x81785501, mips 0x41785501 => MISSING;
    SNDRV_CTL_IOCTL_ELEM_LIST = 0xc0505510, mips 0xc0485510 => MISSING;
    SNDRV_CTL_IOCTL_ELEM_INFO = 0xc1105511 => MISSING;
    SNDRV_CTL_IOCTL_ELEM_READ = 0xc4c85512, mips 0xc2c85512 => MISSING;
    SNDRV_CTL_IOCTL_ELEM_WRITE = 0xc4c85513, mips 0xc2c85513 => MISSING;
    SNDRV_CTL_IOCTL_SUBSCRIBE_EVENTS = 0xc0045516 => ints(Dir::InOut, 1);
    SNDRV_CTL_IOCTL_PCM_NEXT_DEVICE = 0x80045530, mips 0x40045530 => INT_OUT;
    SNDRV_CTL_IOCTL_PCM_INFO = 0xc1205531 => MISSING;
    SNDRV_CTL_IOCTL_PCM_PREFER_SUBDEVICE = 0x40045532, mips 0x80045532 => INT_IN;
    SNDRV_PCM_IOCTL_PVERSION = 0x80044100, mips 0x40044100 => INT_OUT;
    SNDRV_PCM_IOCTL_INFO = 0x81204101, mips 0x41204101 => MISSING;
    SNDRV_PCM_IOCTL_HW_REFINE = 0xc2604110, mips 0xc25c4110 => MISSING;
    SNDRV_PCM_IOCTL_HW_PARAMS = 0xc2604111, mips 0xc25c4111 => MISSING;
    SNDRV_PCM_IOCTL_HW_FREE = 0x4112, mips 0x20004112 => NONE;
    SNDRV_PCM_IOCTL_SW_PARAMS = 0xc0884113, mips 0xc0684113 => MISSING;
    SNDRV_PCM_IOCTL_STATUS = 0x80984120, mips 0x406c4120 => MISSING;
    SNDRV_PCM_IOCTL_DELAY = 0x80084121, mips 0x40044121 => MISSING;
    SNDRV_PCM_IOCTL_HWSYNC = 0x4122, mips 0x20004122 => NONE;
    SNDRV_PCM_IOCTL_PREPARE = 0x4140, mips 0x20004140 => NONE;
    SNDRV_PCM_IOCTL_RESET = 0x4141, mips 0x20004141 => NONE;
    SNDRV_PCM_IOCTL_START = 0x4142, mips 0x20004142 => NONE;
    SNDRV_PCM_IOCTL_DROP = 0x4143, mips 0x20004143 => NONE;
    SNDRV_PCM_IOCTL_DRAIN = 0x4144, mips 0x20004144 => NONE;
    SNDRV_PCM_IOCTL_PAUSE = 0x40044145, mips 0x80044145 => INT;
    SNDRV_PCM_IOCTL_RESUME = 0x4147, mips 0x20004147 => NONE;
    SNDRV_PCM_IOCTL_XRUN = 0x4148, mips 0x20004148 => NONE;
    SNDRV_PCM_IOCTL_WRITEI_FRAMES = 0x40184150, mips 0x800c4150 => MISSING;
    SNDRV_PCM_IOCTL_READI_FRAMES = 0x80184151, mips 0x400c4151 => MISSING;
    SNDRV_TIMER_IOCTL_PVERSION = 0x80045400, mips 0x40045400 => INT_OUT;
    // Devices and kernel services of which only the name is known, but for requests without data
    PERF_EVENT_IOC_ENABLE = 0x2400, mips 0x20002400 => INT;
    PERF_EVENT_IOC_DISABLE = 0x2401, mips 0x20002401 => INT;
    PERF_EVENT_IOC_RESET = 0x2403, mips 0x20002403 => INT;
    UFFDIO_API = 0xc018aa3f => MISSING;
    UFFDIO_REGISTER = 0xc020aa00 => MISSING;
    UFFDIO_COPY = 0xc028aa03 => MISSING;
    I2C_SLAVE = 0x703 => INT;
    I2C_SLAVE_FORCE = 0x706 => INT;
    I2C_TENBIT = 0x704 => INT;
    I2C_FUNCS = 0x705 => LONG_OUT;
    I2C_RDWR = 0x707 => MISSING;
    I2C_SMBUS = 0x720 => MISSING;
    SPI_IOC_RD_MODE = 0x80016b01, mips 0x40016b01 => bytes(Dir::Out, 1);
    SPI_IOC_WR_MODE = 0x40016b01, mips 0x80016b01 => bytes(Dir::In, 1);
    SPI_IOC_RD_BITS_PER_WORD = 0x80016b03, mips 0x40016b03 => bytes(Dir::Out, 1);
    SPI_IOC_WR_BITS_PER_WORD = 0x40016b03, mips 0x80016b03 => bytes(Dir::In, 1);
    SPI_IOC_RD_MAX_SPEED_HZ = 0x80046b04, mips 0x40046b04 => INT_OUT;
    SPI_IOC_WR_MAX_SPEED_HZ = 0x40046b04, mips 0x80046b04 => INT_IN;
    GPIO_GET_CHIPINFO_IOCTL = 0x8044b401, mips 0x4044b401 => MISSING;
    GPIO_GET_LINEHANDLE_IOCTL = 0xc16cb403 => MISSING;
    GPIO_V2_GET_LINE_IOCTL = 0xc250b407 => MISSING;
    MMC_IOC_CMD = 0xc048b300 => MISSING;
    MTIOCTOP = 0x40086d01, mips 0x80086d01 => MISSING;
    MTIOCGET = 0x80306d02, mips 0x401c6d02 => MISSING;
    PPCLAIM = 0x708b, mips 0x2000708b => NONE;
    PPRELEASE = 0x708c, mips 0x2000708c => NONE;
    LPGETSTATUS = 0x60b => INT_OUT;
    MEMGETINFO = 0x80204d01, mips 0x40204d01 => MISSING;
    MEMERASE = 0x40084d02, mips 0x80084d02 => ints_of(Dir::In, Kind::U32, Show::Hex, 2);
    VIDIOC_QUERYCAP = 0x80685600, mips 0x40685600 => MISSING;
    VIDIOC_G_FMT = 0xc0d05604, mips 0xc0cc5604 => MISSING;
    VIDIOC_S_FMT = 0xc0d05605, mips 0xc0cc5605 => MISSING;
    VIDIOC_STREAMON = 0x40045612, mips 0x80045612 => INT_IN;
    VIDIOC_STREAMOFF = 0x40045613, mips 0x80045613 => INT_IN;
    DRM_IOCTL_VERSION = 0xc0406400, mips 0xc0246400 => MISSING;
    DRM_IOCTL_GET_CAP = 0xc010640c => ints_of(Dir::InOut, Kind::U64, Show::Dec, 2);
    DRM_IOCTL_SET_MASTER = 0x641e, mips 0x2000641e => NONE;
    DRM_IOCTL_DROP_MASTER = 0x641f, mips 0x2000641f => NONE;
    DRM_IOCTL_MODE_GETRESOURCES = 0xc04064a0 => MISSING;
    USBDEVFS_CONTROL = 0xc0185500, mips 0xc0105500 => MISSING;
    USBDEVFS_BULK = 0xc0185502, mips 0xc0105502 => MISSING;
    USBDEVFS_SUBMITURB = 0x8038550a, mips 0x402c550a => MISSING;
    USBDEVFS_CLAIMINTERFACE = 0x8004550f, mips 0x4004550f => INT_IN;
    USBDEVFS_RELEASEINTERFACE = 0x80045510, mips 0x40045510 => INT_IN;
    USBDEVFS_RESET = 0x5514, mips 0x20005514 => NONE;
    KVM_GET_API_VERSION = 0xae00, mips 0x2000ae00 => NONE;
    KVM_CREATE_VM = 0xae01, mips 0x2000ae01 => ULONG;
    KVM_CHECK_EXTENSION = 0xae03, mips 0x2000ae03 => ULONG;
    DM_VERSION = 0xc138fd00 => MISSING;
    DM_DEV_CREATE = 0xc138fd03 => MISSING;
    DM_TABLE_LOAD = 0xc138fd09 => MISSING;
    DM_LIST_DEVICES = 0xc138fd02 => MISSING;
    VFIO_GET_API_VERSION = 0x3b64, mips 0x20003b64 => NONE;
    VHOST_SET_OWNER = 0xaf01, mips 0x2000af01 => NONE;
    AUTOFS_IOC_READY = 0x9360, mips 0x20009360 => INT;
    AUTOFS_IOC_FAIL = 0x9361, mips 0x20009361 => INT;
    SECCOMP_IOCTL_NOTIF_RECV = 0xc0502100 => MISSING;
    SECCOMP_IOCTL_NOTIF_SEND = 0xc0182101 => MISSING;
}
