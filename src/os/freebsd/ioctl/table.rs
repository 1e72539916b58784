//! The requests that are carried out.

use super::device as d;
use super::interface::{self as i, Ifconf, IfreqAddress, IfreqFlags, IfreqNumber};
use super::interface6::{self as i6, In6Ifreq, In6Ndifreq, In6Ndireq};
use super::termios::Termios;
use super::{Handler, Ioctl, tty as t};
use crate::abi::{Kind, Show};
use crate::os::linux::structs::Winsize;
use crate::os::{ADDR, ArgType, Dir, Len, inout, input, output};

/// A request of the same number everywhere.
const fn same(
    name: &'static str,
    request: u32,
    pointee: &'static str,
    arg: ArgType,
    run: Handler,
) -> Ioctl {
    Ioctl {
        name,
        request,
        request_32: request,
        pointee,
        arg,
        run: Some(run),
    }
}

const fn number(dir: Dir, kind: Kind, show: Show) -> ArgType {
    ArgType::Ints(dir, kind, show, Len::Const(1))
}

const INT_IN: ArgType = number(Dir::In, Kind::I32, Show::Dec);
const INT_OUT: ArgType = number(Dir::Out, Kind::I32, Show::Dec);
const BITS_IN: ArgType = number(Dir::In, Kind::I32, Show::Hex);
const BITS_OUT: ArgType = number(Dir::Out, Kind::I32, Show::Hex);
const OFF_OUT: ArgType = number(Dir::Out, Kind::I64, Show::Dec);
const OFF_INOUT: ArgType = number(Dir::InOut, Kind::I64, Show::Dec);

/// The rows. The host's requests are those of `asm-generic/ioctls.h`, `linux/sockios.h` and `linux/fs.h`.
#[rustfmt::skip]
pub const TRANSLATED: &[Ioctl] = &[
    // <sys/ttycom.h>
    same("TIOCEXCL", 0x2000_740d, "", ADDR, |c| d::plain(c, 0x540c, 0)),
    same("TIOCNXCL", 0x2000_740e, "", ADDR, |c| d::plain(c, 0x540d, 0)),
    same("TIOCGPTN", 0x4004_740f, "int", INT_OUT, |c| d::int_out(c, 0x8004_5430)),
    same("TIOCFLUSH", 0x8004_7410, "int", BITS_IN, t::flush),
    same("TIOCGETA", 0x402c_7413, "struct termios", output::<Termios>(), t::get),
    same("TIOCSETA", 0x802c_7414, "struct termios", input::<Termios>(), |c| t::set(c, 0x402c_542b)),
    same("TIOCSETAW", 0x802c_7415, "struct termios", input::<Termios>(), |c| t::set(c, 0x402c_542c)),
    same("TIOCSETAF", 0x802c_7416, "struct termios", input::<Termios>(), |c| t::set(c, 0x402c_542d)),
    same("TIOCGETD", 0x4004_741a, "int", INT_OUT, t::get_discipline),
    same("TIOCSETD", 0x8004_741b, "int", INT_IN, t::set_discipline),
    same("TIOCPTMASTER", 0x2000_741c, "", ADDR, t::is_master),
    same("TIOCDRAIN", 0x2000_745e, "", ADDR, |c| d::plain(c, 0x5409, 1)),
    same("TIOCSIG", 0x2004_745f, "int", ADDR, t::signal),
    same("TIOCSCTTY", 0x2000_7461, "", ADDR, |c| d::plain(c, 0x540e, 0)),
    same("TIOCCONS", 0x8004_7462, "int", INT_IN, |c| d::plain(c, 0x541d, 0)),
    same("TIOCGSID", 0x4004_7463, "int", INT_OUT, |c| d::int_out(c, 0x5429)),
    same("TIOCSWINSZ", 0x8008_7467, "struct winsize", input::<Winsize>(), t::set_window),
    same("TIOCGWINSZ", 0x4008_7468, "struct winsize", output::<Winsize>(), t::get_window),
    // The bits of modems have the host's numbers.
    same("TIOCMGET", 0x4004_746a, "int", BITS_OUT, |c| d::int_out(c, 0x5415)),
    same("TIOCMBIC", 0x8004_746b, "int", BITS_IN, |c| d::int_in(c, 0x5417)),
    same("TIOCMBIS", 0x8004_746c, "int", BITS_IN, |c| d::int_in(c, 0x5416)),
    same("TIOCMSET", 0x8004_746d, "int", BITS_IN, |c| d::int_in(c, 0x5418)),
    same("TIOCSTART", 0x2000_746e, "", ADDR, |c| d::plain(c, 0x540a, 1)),
    same("TIOCSTOP", 0x2000_746f, "", ADDR, |c| d::plain(c, 0x540a, 0)),
    same("TIOCPKT", 0x8004_7470, "int", INT_IN, |c| d::int_in(c, 0x5420)),
    same("TIOCNOTTY", 0x2000_7471, "", ADDR, |c| d::plain(c, 0x5422, 0)),
    same("TIOCSTI", 0x8001_7472, "char", number(Dir::In, Kind::U8, Show::Hex), t::type_in),
    same("TIOCOUTQ", 0x4004_7473, "int", INT_OUT, |c| d::int_out(c, 0x5411)),
    same("TIOCSPGRP", 0x8004_7476, "int", INT_IN, |c| d::int_in(c, 0x5410)),
    same("TIOCGPGRP", 0x4004_7477, "int", INT_OUT, |c| d::int_out(c, 0x540f)),
    same("TIOCCDTR", 0x2000_7478, "", ADDR, |c| d::given_int(c, 0x5417, t::DTR)),
    same("TIOCSDTR", 0x2000_7479, "", ADDR, |c| d::given_int(c, 0x5416, t::DTR)),
    same("TIOCCBRK", 0x2000_747a, "", ADDR, |c| d::plain(c, 0x5428, 0)),
    same("TIOCSBRK", 0x2000_747b, "", ADDR, |c| d::plain(c, 0x5427, 0)),
    // <sys/filio.h>
    same("FIOCLEX", 0x2000_6601, "", ADDR, |c| d::plain(c, 0x5451, 0)),
    same("FIONCLEX", 0x2000_6602, "", ADDR, |c| d::plain(c, 0x5450, 0)),
    same("FIONREAD", 0x4004_667f, "int", INT_OUT, d::bytes_to_read),
    same("FIONBIO", 0x8004_667e, "int", INT_IN, |c| d::int_in(c, 0x5421)),
    same("FIOASYNC", 0x8004_667d, "int", INT_IN, |c| d::int_in(c, 0x5452)),
    same("FIOSETOWN", 0x8004_667c, "int", INT_IN, d::set_owner),
    same("FIOGETOWN", 0x4004_667b, "int", INT_OUT, d::get_owner),
    same("FIODTYPE", 0x4004_667a, "int", INT_OUT, d::device_type),
    Ioctl { name: "FIODGNAME", request: 0x8010_6678, request_32: 0x8008_6678, pointee: "struct fiodgname_arg", arg: input::<d::FiodgnameArg>(), run: Some(d::device_name) },
    same("FIONWRITE", 0x4004_6677, "int", INT_OUT, |c| d::int_out(c, 0x5411)),
    same("FIONSPACE", 0x4004_6676, "int", INT_OUT, d::write_space),
    same("FIOSEEKDATA", 0xc008_6661, "off_t", OFF_INOUT, |c| d::seek(c, 3)),
    same("FIOSEEKHOLE", 0xc008_6662, "off_t", OFF_INOUT, |c| d::seek(c, 4)),
    // <sys/sockio.h>
    same("SIOCATMARK", 0x4004_7307, "int", INT_OUT, |c| d::int_out(c, 0x8905)),
    same("SIOCSPGRP", 0x8004_7308, "int", INT_IN, d::set_owner),
    same("SIOCGPGRP", 0x4004_7309, "int", INT_OUT, d::get_owner),
    Ioctl { name: "SIOCGIFCONF", request: 0xc010_6924, request_32: 0xc008_6924, pointee: "struct ifconf", arg: inout::<Ifconf>(), run: Some(i::list) },
    same("SIOCGIFADDR", 0xc020_6921, "struct ifreq", inout::<IfreqAddress>(), |c| i::address(c, 0x8915)),
    same("SIOCGIFDSTADDR", 0xc020_6922, "struct ifreq", inout::<IfreqAddress>(), |c| i::address(c, 0x8917)),
    same("SIOCGIFBRDADDR", 0xc020_6923, "struct ifreq", inout::<IfreqAddress>(), |c| i::address(c, 0x8919)),
    same("SIOCGIFNETMASK", 0xc020_6925, "struct ifreq", inout::<IfreqAddress>(), |c| i::address(c, 0x891b)),
    same("SIOCGIFFLAGS", 0xc020_6911, "struct ifreq", inout::<IfreqFlags>(), i::flags),
    same("SIOCGIFMTU", 0xc020_6933, "struct ifreq", inout::<IfreqNumber>(), |c| i::int(c, 0x8921)),
    same("SIOCGIFMETRIC", 0xc020_6917, "struct ifreq", inout::<IfreqNumber>(), |c| i::int(c, 0x891d)),
    same("SIOCGIFAFLAG_IN6", 0xc120_6949, "struct in6_ifreq", inout::<In6Ifreq>(), i6::address_flags),
    same("SIOCGIFALIFETIME_IN6", 0xc120_6951, "struct in6_ifreq", inout::<In6Ifreq>(), i6::lifetime),
    same("SIOCGIFINFO_IN6", 0xc048_696c, "struct in6_ndireq", inout::<In6Ndireq>(), i6::discovery),
    Ioctl { name: "SIOCGDEFIFACE_IN6", request: 0xc018_6956, request_32: 0xc014_6956, pointee: "struct in6_ndifreq", arg: inout::<In6Ndifreq>(), run: Some(i6::no_default) },
    same("SIOCGIFINDEX", 0xc020_6920, "struct ifreq", inout::<IfreqNumber>(), |c| i::int(c, 0x8933)),
    // <sys/disk.h>
    same("DIOCGSECTORSIZE", 0x4004_6480, "u_int", INT_OUT, |c| d::int_out(c, 0x1268)),
    same("DIOCGMEDIASIZE", 0x4008_6481, "off_t", OFF_OUT, d::media_size),
    same("DIOCGSTRIPESIZE", 0x4008_648b, "off_t", OFF_OUT, d::stripe_size),
    same("DIOCGFLUSH", 0x2000_6487, "", ADDR, d::flush_cache),
];
