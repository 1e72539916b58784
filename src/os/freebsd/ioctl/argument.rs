//! What requests point to, by the name of its type in C: one declaration for all requests that have it. Where it is not declared,
//! the bytes whose number the request tells.
//!
//! Source: `net/if.h`, `net/bpf.h`, `net/pfvar.h`, `sys/{cdio,mtio,filio,disk,mdioctl,soundcard}.h`, `net/if_tun.h`.

use super::Ioctl;
use super::interface::{Ifreq, IfreqAddress, IfreqFlags, IfreqNumber};
use crate::abi::{GuestStruct, Kind, Show, StructDesc, Ulong};
use crate::os::freebsd::structs::Timeval;
use crate::os::{ADDR, ArgType, Dir, INT, Len};

crate::guest_struct! {
    /// `struct ifaliasreq`
    pub struct Ifaliasreq("ifaliasreq") {
        ifra_name: [u8; 16] as Show::Chars, ifra_addr: [u8; 16] as Show::Sockaddr, ifra_broadaddr: [u8; 16] as Show::Sockaddr,
        ifra_mask: [u8; 16] as Show::Sockaddr, ifra_vhid: i32,
    }

    /// `struct ifgroupreq`, with a list of groups: the name of one is as long, and in the same place.
    pub struct Ifgroupreq("ifgroupreq") {
        ifgr_name: [u8; 16] as Show::Chars, ifgr_len: u32, ifgr_groups: Ulong as Show::Addr, _rest: [u8; 8],
    }
    layout crate::abi::is_32bit { ifgr_name: [u8; 16], ifgr_len: u32, ifgr_groups: Ulong, _rest: [u8; 12] }

    /// `struct ifmediareq`
    pub struct Ifmediareq("ifmediareq") {
        ifm_name: [u8; 16] as Show::Chars, ifm_current: i32 as Show::Hex, ifm_mask: i32 as Show::Hex, ifm_status: i32 as Show::Hex,
        ifm_active: i32 as Show::Hex, ifm_count: i32, ifm_ulist: Ulong as Show::Addr,
    }

    /// `struct ifdrv`
    pub struct Ifdrv("ifdrv") {
        ifd_name: [u8; 16] as Show::Chars, ifd_cmd: Ulong as Show::Hex, ifd_len: Ulong, ifd_data: Ulong as Show::Addr,
    }

    /// `struct if_clonereq`
    pub struct IfClonereq("if_clonereq") { ifcr_total: i32, ifcr_count: i32, ifcr_buffer: Ulong as Show::Addr }

    /// `struct ifstat`
    pub struct Ifstat("ifstat") { ifs_name: [u8; 16] as Show::Chars, ascii: [u8; 801] as Show::Chars }

    /// `struct bpf_program`
    pub struct BpfProgram("bpf_program") { bf_len: u32, bf_insns: Ulong as Show::Addr }

    /// `struct bpf_version`
    pub struct BpfVersion("bpf_version") { bv_major: u16, bv_minor: u16 }

    /// `struct bpf_stat`
    pub struct BpfStat("bpf_stat") { bs_recv: u32, bs_drop: u32 }

    /// `struct bpf_dltlist`
    pub struct BpfDltlist("bpf_dltlist") { bfl_len: u32, bfl_list: Ulong as Show::Addr }

    /// `struct ioc_toc_header`
    pub struct IocTocHeader("ioc_toc_header") { len: u16, starting_track: u8, ending_track: u8 }

    /// `struct ioc_read_toc_entry`
    pub struct IocReadTocEntry("ioc_read_toc_entry") { address_format: u8, starting_track: u8, data_len: u16, data: Ulong as Show::Addr }

    /// `struct ioc_vol`
    pub struct IocVol("ioc_vol") { vol: [u8; 4] }

    /// `struct ioc_play_msf`
    pub struct IocPlayMsf("ioc_play_msf") { start_m: u8, start_s: u8, start_f: u8, end_m: u8, end_s: u8, end_f: u8 }

    /// `struct ioc_play_track`
    pub struct IocPlayTrack("ioc_play_track") { start_track: u8, start_index: u8, end_track: u8, end_index: u8 }

    /// `struct ioc_play_blocks`
    pub struct IocPlayBlocks("ioc_play_blocks") { blk: i32, len: i32 }

    /// `struct mtop`
    pub struct Mtop("mtop") { mt_op: i16, mt_count: i32 }

    /// `struct fiobmap2_arg`
    pub struct Fiobmap2Arg("fiobmap2_arg") { bn: i64, runp: i32, runb: i32 }

    /// `struct diocgattr_arg`: the value is text or a number, as the attribute has it.
    pub struct DiocgattrArg("diocgattr_arg") { name: [u8; 64] as Show::Chars, len: i32, _pad: i32, value: [u8; 256] as Show::Chars }

    /// `struct tuninfo`
    pub struct Tuninfo("tuninfo") { baudrate: i32, mtu: u16, r#type: u8, _dummy: u8 }

    /// `struct audio_buf_info`
    pub struct AudioBufInfo("audio_buf_info") { fragments: i32, fragstotal: i32, fragsize: i32, bytes: i32 }

    /// `struct count_info`
    pub struct CountInfo("count_info") { bytes: i32, blocks: i32, ptr: i32 }

    /// `struct snd_size`
    pub struct SndSize("snd_size") { play_size: i32, rec_size: i32 }

    /// `struct pfioc_limit`
    pub struct PfiocLimit("pfioc_limit") { index: i32, limit: u32 }

    /// `struct pfioc_tm`
    pub struct PfiocTm("pfioc_tm") { timeout: i32, seconds: i32 }

    /// `struct pfioc_iface`
    pub struct PfiocIface("pfioc_iface") {
        pfiio_name: [u8; 16] as Show::Chars, pfiio_buffer: Ulong as Show::Addr, pfiio_esize: i32, pfiio_size: i32, pfiio_nzero: i32,
        pfiio_flags: i32 as Show::Hex,
    }

    /// `struct pfioc_trans`
    pub struct PfiocTrans("pfioc_trans") { size: i32, esize: i32, array: Ulong as Show::Addr }

    /// `struct pfioc_table`, which begins with `struct pfr_table`.
    pub struct PfiocTable("pfioc_table") {
        pfrt_anchor: [u8; 1024] as Show::Chars, pfrt_name: [u8; 32] as Show::Chars, pfrt_flags: u32 as Show::Hex, _pfrt_fback: u8,
        pfrio_buffer: Ulong as Show::Addr, pfrio_esize: i32, pfrio_size: i32, pfrio_size2: i32, pfrio_nadd: i32, pfrio_ndel: i32,
        pfrio_nchange: i32, pfrio_flags: i32 as Show::Hex, pfrio_ticket: u32,
    }
}

/// Structures by the names that rows have for them.
const STRUCTURES: &[(&str, &StructDesc)] = &[
    ("struct timeval", Timeval::DESC),
    ("struct ifaliasreq", Ifaliasreq::DESC),
    ("struct ifgroupreq", Ifgroupreq::DESC),
    ("struct ifmediareq", Ifmediareq::DESC),
    ("struct ifdrv", Ifdrv::DESC),
    ("struct if_clonereq", IfClonereq::DESC),
    ("struct ifstat", Ifstat::DESC),
    ("struct bpf_program", BpfProgram::DESC),
    ("struct bpf_version", BpfVersion::DESC),
    ("struct bpf_stat", BpfStat::DESC),
    ("struct bpf_dltlist", BpfDltlist::DESC),
    ("struct ioc_toc_header", IocTocHeader::DESC),
    ("struct ioc_read_toc_entry", IocReadTocEntry::DESC),
    ("struct ioc_vol", IocVol::DESC),
    ("struct ioc_play_msf", IocPlayMsf::DESC),
    ("struct ioc_play_track", IocPlayTrack::DESC),
    ("struct ioc_play_blocks", IocPlayBlocks::DESC),
    ("struct mtop", Mtop::DESC),
    ("struct fiobmap2_arg", Fiobmap2Arg::DESC),
    ("struct diocgattr_arg", DiocgattrArg::DESC),
    ("struct tuninfo", Tuninfo::DESC),
    ("audio_buf_info", AudioBufInfo::DESC),
    ("count_info", CountInfo::DESC),
    ("struct snd_size", SndSize::DESC),
    ("struct pfioc_limit", PfiocLimit::DESC),
    ("struct pfioc_tm", PfiocTm::DESC),
    ("struct pfioc_iface", PfiocIface::DESC),
    ("struct pfioc_trans", PfiocTrans::DESC),
    ("struct pfioc_table", PfiocTable::DESC),
];

/// Which way a request's argument goes, and its length in bytes (`sys/ioccom.h`); `None` if it points to nothing.
pub(super) fn direction(request: u32) -> Option<(Dir, u32)> {
    let dir = match request >> 29 {
        2 => Dir::Out,
        4 => Dir::In,
        6 => Dir::InOut,
        _ => return None,
    };
    Some((dir, request >> 16 & 0x1fff))
}

/// What is asked of an interface, by the request's name.
fn of_interface(name: &str) -> &'static StructDesc {
    let has = |parts: &[&str]| parts.iter().any(|part| name.contains(part));
    match () {
        () if has(&["HWADDR", "LLADDR", "IFMAC"]) => Ifreq::DESC,
        () if has(&["ADDR", "NETMASK", "MULTI"]) => IfreqAddress::DESC,
        () if has(&["IFFLAGS"]) => IfreqFlags::DESC,
        () if has(&["METRIC", "MTU", "PHYS", "MEDIA", "FIB", "INDEX", "VNET"]) => IfreqNumber::DESC,
        () => Ifreq::DESC,
    }
}

/// The type of the argument of a request that is known by name and type.
pub(super) fn of(row: &Ioctl, request: u32) -> ArgType {
    let Some((dir, len)) = direction(request) else {
        // _IOWINT: the value itself.
        return if row.pointee == "int" { INT } else { ADDR };
    };
    let one = |kind, show| ArgType::Ints(dir, kind, show, Len::Const(1));
    match row.pointee {
        "int" => one(Kind::I32, Show::Dec),
        "u_int" | "unsigned int" | "unsigned" => one(Kind::U32, Show::Dec),
        "uint32_t" | "u_int32_t" => one(Kind::U32, Show::Hex),
        "long" => one(Kind::Long, Show::Dec),
        "u_long" | "size_t" => one(Kind::Ulong, Show::Dec),
        "off_t" | "sbintime_t" => one(Kind::I64, Show::Dec),
        "unsigned long long" => one(Kind::U64, Show::Dec),
        "struct ifreq" => ArgType::Struct(dir, of_interface(row.name)),
        name => {
            let known = STRUCTURES.iter().find(|(tag, _)| *tag == name);
            match known {
                Some((_, desc)) => ArgType::Struct(dir, desc),
                None => bytes(dir, len),
            }
        }
    }
}

/// The bytes of a request whose type is not declared.
pub(super) const fn bytes(dir: Dir, len: u32) -> ArgType {
    ArgType::Buf(dir, Len::Const(len))
}

#[cfg(test)]
mod tests {
    use super::super::named::NAMED;
    use super::*;
    use crate::os::freebsd::isa::{AARCH64, MIPS};
    use std::collections::HashSet;

    #[test]
    fn types_are_as_long_as_the_numbers_say() {
        let mut seen = HashSet::new();
        for a in [AARCH64.abi, MIPS.abi] {
            for row in NAMED {
                let request = row.number(a);
                let Some((_, len)) = direction(request) else {
                    continue;
                };
                let size = match of(row, request) {
                    ArgType::Struct(_, desc) => {
                        seen.insert(desc.name);
                        desc.size(a)
                    }
                    ArgType::Ints(_, kind, ..) => kind.size(a),
                    _ => continue,
                };
                assert_eq!(size, len as usize, "{}", row.name);
            }
        }
        // No declaration is for nothing.
        for (tag, desc) in STRUCTURES {
            assert!(seen.contains(desc.name), "{tag}");
        }
    }
}
