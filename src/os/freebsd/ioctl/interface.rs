//! Network interfaces.

use crate::abi::{Errno, GuestStruct, Kind, Show, SysResult, Ulong, write_int};
use crate::host::nr::SYS_ioctl;
use crate::os::freebsd::flags as f;
use crate::os::{Call, convert_sockaddr};

crate::guest_struct! {
    /// `struct ifreq`: a name, and what is asked for.
    pub struct Ifreq("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_ifru: [u8; 16] as Show::Bytes }

    /// `struct ifreq` with an address.
    pub struct IfreqAddress("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_addr: [u8; 16] as Show::Sockaddr }

    /// `struct ifreq` with a number: the metric, the MTU, an index and their like.
    pub struct IfreqNumber("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_value: i32, _rest: [i32; 3] }

    /// `struct ifreq` with flags, whose upper half is in a field of its own.
    pub struct IfreqFlags("ifreq") {
        ifr_name: [u8; 16] as Show::Chars, ifr_flags: u16 as Show::Flags(&f::IFF), ifr_flagshigh: u16 as Show::Hex, _rest: [i32; 3],
    }

    /// `struct ifconf`
    pub struct Ifconf("ifconf") { ifc_len: i32, ifc_buf: Ulong as Show::Addr }
}

/// The host's `struct ifreq`.
const HOST_SIZE: usize = 40;
/// Where its union begins, as FreeBSD's does.
const UNION: usize = 16;

/// The host's answer to a request about the interface of the caller's name.
fn ask(call: &mut Call<'_>, request: u64) -> SysResult<[u8; HOST_SIZE]> {
    let name = call.read_bytes(call.arg(2), UNION as u64)?;
    let mut host = [0u8; HOST_SIZE];
    host[..UNION].copy_from_slice(&name);
    let args = [call.arg(0), request, host.as_mut_ptr() as u64, 0, 0, 0];
    match call.host(SYS_ioctl, args) {
        // FreeBSD's word for an interface that is not there.
        Err(Errno::ENODEV) => Err(Errno::ENXIO),
        result => result.map(|_| host),
    }
}

/// A socket address.
pub fn address(call: &mut Call<'_>, request: u64) -> SysResult {
    let mut host = ask(call, request)?;
    let address = &mut host[UNION..UNION + 16];
    convert_sockaddr(call.abi, address, false);
    call.write_bytes(call.arg(2).wrapping_add(UNION as u64), address)?;
    Ok(0)
}

/// An `int`.
pub fn int(call: &mut Call<'_>, request: u64) -> SysResult {
    let host = ask(call, request)?;
    let value = u32::from_le_bytes([host[16], host[17], host[18], host[19]]);
    call.write_int(
        call.arg(2).wrapping_add(UNION as u64),
        Kind::I32,
        value.into(),
    )?;
    Ok(0)
}

/// Its flags: 16 bits, and 16 more that the host has none for.
pub fn flags(call: &mut Call<'_>) -> SysResult {
    const SIOCGIFFLAGS: u64 = 0x8913;
    let host = ask(call, SIOCGIFFLAGS)?;
    let flags = u64::from(u16::from_le_bytes([host[16], host[17]]));
    let flags = f::IFF.to_guest(call.abi.dialect, flags);
    let mut out = [0; 4];
    write_int(call.abi, Kind::U16, &mut out, flags);
    call.write_bytes(call.arg(2).wrapping_add(UNION as u64), &out)?;
    Ok(0)
}

/// Interfaces with an IPv4 address: as many as there is room for.
pub fn list(call: &mut Call<'_>) -> SysResult {
    const SIOCGIFCONF: u64 = 0x8912;
    const MOST: usize = 4096;
    let conf: Ifconf = call.read_struct(call.arg(2))?;
    let record = Ifreq::DESC.size(call.abi);
    let room = (conf.ifc_len.max(0) as usize / record).min(MOST);
    let mut records = vec![0u8; room * HOST_SIZE];
    // struct ifconf of the host: a length, then the address.
    let mut header = [(room * HOST_SIZE) as u64, records.as_mut_ptr() as u64];
    let args = [
        call.arg(0),
        SIOCGIFCONF,
        header.as_mut_ptr() as u64,
        0,
        0,
        0,
    ];
    call.host(SYS_ioctl, args)?;
    let count = (header[0] as u32 as usize / HOST_SIZE).min(room);
    let mut out = Vec::new();
    for host in records.chunks_exact_mut(HOST_SIZE).take(count) {
        convert_sockaddr(call.abi, &mut host[UNION..UNION + 16], false);
        out.extend(&host[..record]);
    }
    call.write_bytes(conf.ifc_buf.0, &out)?;
    call.write_int(call.arg(2), Kind::I32, out.len() as u64)?;
    Ok(0)
}
