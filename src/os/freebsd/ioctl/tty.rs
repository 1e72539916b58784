//! Terminals.

use super::device::plain;
use super::termios::{Termios, from_host, to_host};
use crate::abi::{Errno, Kind, Show, SysResult};
use crate::os::Call;
use crate::os::linux::structs::Winsize;

/// TIOCM_DTR
pub const DTR: u32 = 2;

/// `TCGETS2` of the host: its `struct termios2` has speeds as numbers.
const TCGETS2: u64 = 0x802c_542a;

fn host_termios(call: &mut Call<'_>) -> SysResult<[u8; 44]> {
    let mut host = [0u8; 44];
    plain(call, TCGETS2, host.as_mut_ptr() as u64)?;
    Ok(host)
}

/// TIOCGETA
pub fn get(call: &mut Call<'_>) -> SysResult {
    let host = host_termios(call)?;
    call.write_struct(call.arg(2), &from_host(&host))?;
    Ok(0)
}

/// TIOCSETA and the like, by the host's request. What FreeBSD has nothing for stays as it is.
pub fn set(call: &mut Call<'_>, request: u64) -> SysResult {
    let wanted: Termios = call.read_struct(call.arg(2))?;
    let old = host_termios(call)?;
    let new = to_host(&wanted, &old);
    plain(call, request, new.as_ptr() as u64)
}

/// TIOCFLUSH: FREAD (1) and FWRITE (2), both if neither.
pub fn flush(call: &mut Call<'_>) -> SysResult {
    const TCFLSH: u64 = 0x540b;
    let which = match call.read_int(call.arg(2), Kind::U32)? & 3 {
        1 => 0,
        2 => 1,
        _ => 2,
    };
    plain(call, TCFLSH, which)
}

/// The line discipline is TTYDISC (0) on every terminal.
pub fn get_discipline(call: &mut Call<'_>) -> SysResult {
    host_termios(call)?;
    call.write_int(call.arg(2), Kind::I32, 0)?;
    Ok(0)
}

/// There is no other.
pub fn set_discipline(call: &mut Call<'_>) -> SysResult {
    host_termios(call)?;
    match call.read_int(call.arg(2), Kind::I32)? {
        0 => Ok(0),
        _ => Err(Errno::ENXIO),
    }
}

/// Whether it is the master of a pseudo-terminal.
pub fn is_master(call: &mut Call<'_>) -> SysResult {
    const TIOCGPTN: u64 = 0x8004_5430;
    let mut number = 0u32;
    plain(call, TIOCGPTN, (&raw mut number) as u64).map_err(|_| Errno::EINVAL)
}

/// TIOCSIG: the signal is the argument itself.
pub fn signal(call: &mut Call<'_>) -> SysResult {
    const TIOCSIG: u64 = 0x4004_5436;
    let host = Show::Signal.convert(call.arg(2) & 0xffff_ffff, call.abi, crate::abi::OsAbi::HOST);
    plain(call, TIOCSIG, host)
}

/// TIOCGWINSZ
pub fn get_window(call: &mut Call<'_>) -> SysResult {
    const TIOCGWINSZ: u64 = 0x5413;
    let mut size = [0u16; 4];
    plain(call, TIOCGWINSZ, size.as_mut_ptr() as u64)?;
    let [ws_row, ws_col, ws_xpixel, ws_ypixel] = size;
    let window = Winsize {
        ws_row,
        ws_col,
        ws_xpixel,
        ws_ypixel,
    };
    call.write_struct(call.arg(2), &window)?;
    Ok(0)
}

/// TIOCSWINSZ
pub fn set_window(call: &mut Call<'_>) -> SysResult {
    const TIOCSWINSZ: u64 = 0x5414;
    let w: Winsize = call.read_struct(call.arg(2))?;
    let size = [w.ws_row, w.ws_col, w.ws_xpixel, w.ws_ypixel];
    plain(call, TIOCSWINSZ, size.as_ptr() as u64)
}

/// TIOCSTI
pub fn type_in(call: &mut Call<'_>) -> SysResult {
    const TIOCSTI: u64 = 0x5412;
    let byte = call.read_bytes(call.arg(2), 1)?;
    plain(call, TIOCSTI, byte.as_ptr() as u64)
}
