//! Files, devices and disks.

use crate::abi::{Errno, Kind, SysResult, Ulong};
use crate::host::nr::*;
use crate::os::Call;
use crate::os::freebsd::sys::pipe;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

crate::guest_struct! {
    /// `struct fiodgname_arg`
    pub struct FiodgnameArg("fiodgname_arg") { len: i32, buf: Ulong as crate::abi::Show::Addr }
}

/// By the host's request of that number, with a value.
pub fn plain(call: &mut Call<'_>, request: u64, value: u64) -> SysResult {
    let fd = call.arg(0);
    call.host(SYS_ioctl, [fd, request, value, 0, 0, 0])?;
    Ok(0)
}

/// By the host's request that fills an `int`.
pub fn int_out(call: &mut Call<'_>, request: u64) -> SysResult {
    let mut value = 0u32;
    plain(call, request, (&raw mut value) as u64)?;
    call.write_int(call.arg(2), Kind::I32, value.into())?;
    Ok(0)
}

/// `FIONREAD`. At the end of a pipe that is for writing there is nothing to read; the host counts what is on its way.
pub fn bytes_to_read(call: &mut Call<'_>) -> SysResult {
    const FIONREAD: u64 = 0x541b;
    const F_GETFL: u64 = 3;
    const O_ACCMODE: u64 = 3;
    const O_WRONLY: u64 = 1;
    let flags = call.host(SYS_fcntl, [call.arg(0), F_GETFL, 0, 0, 0, 0])?;
    if flags & O_ACCMODE != O_WRONLY {
        return int_out(call, FIONREAD);
    }
    if let Some(unread) = pipe::bytes_back(call, call.int(0)) {
        call.write_int(call.arg(2), Kind::I32, unread)?;
        return Ok(0);
    }
    let mut unread = 0u32;
    plain(call, FIONREAD, (&raw mut unread) as u64)?;
    call.write_int(call.arg(2), Kind::I32, 0)?;
    Ok(0)
}

/// By the host's request that reads an `int`.
pub fn int_in(call: &mut Call<'_>, request: u64) -> SysResult {
    let value = call.read_int(call.arg(2), Kind::U32)? as u32;
    given_int(call, request, value)
}

/// By the host's request that reads an `int`, which is this one.
pub fn given_int(call: &mut Call<'_>, request: u64, value: u32) -> SysResult {
    plain(call, request, (&raw const value) as u64)
}

/// Who gets the signals: the host has requests for sockets only, and `fcntl` for all.
pub fn set_owner(call: &mut Call<'_>) -> SysResult {
    const F_SETOWN: u64 = 8;
    let owner = call.read_int(call.arg(2), Kind::I32)?;
    let fd = call.arg(0);
    call.host(SYS_fcntl, [fd, F_SETOWN, owner, 0, 0, 0])?;
    Ok(0)
}

/// Likewise.
pub fn get_owner(call: &mut Call<'_>) -> SysResult {
    // F_GETOWN cannot tell the group 1 to 4095 from an error.
    const F_GETOWN_EX: u64 = 16;
    const F_OWNER_PGRP: u32 = 2;
    let mut owner = [0u32; 2];
    let fd = call.arg(0);
    call.host(
        SYS_fcntl,
        [fd, F_GETOWN_EX, owner.as_mut_ptr() as u64, 0, 0, 0],
    )?;
    let id = owner[1] as i32;
    let id = if owner[0] == F_OWNER_PGRP { -id } else { id };
    call.write_int(call.arg(2), Kind::I32, id as u64)?;
    Ok(0)
}

/// What is open, by the descriptor's link and what it leads to.
fn metadata(call: &Call<'_>) -> SysResult<std::fs::Metadata> {
    std::fs::metadata(format!("/proc/self/fd/{}", call.int(0))).map_err(|_| Errno::EBADF)
}

/// `D_*` of `sys/disk.h`'s neighbour `sys/conf.h`.
pub fn device_type(call: &mut Call<'_>) -> SysResult {
    const D_DISK: u64 = 2;
    const D_TTY: u64 = 4;
    const D_MEM: u64 = 8;
    const TCGETS: u64 = 0x5401;
    let meta = metadata(call)?;
    let (is_char, is_block) = (
        meta.file_type().is_char_device(),
        meta.file_type().is_block_device(),
    );
    let mut room = [0u8; 64];
    let kind = if is_block {
        D_DISK
    } else if !is_char {
        return Err(Errno::ENOTTY);
    } else if meta.rdev() >> 8 == 1 {
        // null, zero, random and the like
        D_MEM
    } else if plain(call, TCGETS, room.as_mut_ptr() as u64).is_ok() {
        D_TTY
    } else {
        0
    };
    call.write_int(call.arg(2), Kind::I32, kind)?;
    Ok(0)
}

/// The name below `/dev`.
pub fn device_name(call: &mut Call<'_>) -> SysResult {
    let arg: FiodgnameArg = call.read_struct(call.arg(2))?;
    let meta = metadata(call)?;
    if !meta.file_type().is_char_device() && !meta.file_type().is_block_device() {
        return Err(Errno::ENOTTY);
    }
    // The controlling side of a pseudo-terminal has the name of the other side (`ptsdev_ioctl`).
    const TIOCGPTN: u64 = 0x8004_5430;
    let mut number = 0u32;
    let mut name = match plain(call, TIOCGPTN, (&raw mut number) as u64) {
        Ok(_) => format!("pts/{number}").into_bytes(),
        Err(_) => {
            let link = std::fs::read_link(format!("/proc/self/fd/{}", call.int(0)));
            let link = link.map_err(|_| Errno::EBADF)?;
            let path = link.as_os_str().as_bytes();
            path.strip_prefix(b"/dev/").ok_or(Errno::ENOTTY)?.to_vec()
        }
    };
    name.push(0);
    if name.len() as i64 > i64::from(arg.len) {
        return Err(Errno::EINVAL);
    }
    call.write_bytes(arg.buf.0, &name)?;
    Ok(0)
}

/// Room in a socket's send buffer.
pub fn write_space(call: &mut Call<'_>) -> SysResult {
    const SIOCOUTQ: u64 = 0x5411;
    const SOL_SOCKET: u64 = 1;
    const SO_SNDBUF: u64 = 7;
    let (mut used, mut size, mut len) = (0u32, 0u32, 4u32);
    plain(call, SIOCOUTQ, (&raw mut used) as u64)?;
    let (at, len_at) = ((&raw mut size) as u64, (&raw mut len) as u64);
    let fd = call.arg(0);
    call.host(SYS_getsockopt, [fd, SOL_SOCKET, SO_SNDBUF, at, len_at, 0])?;
    call.write_int(call.arg(2), Kind::I32, size.saturating_sub(used).into())?;
    Ok(0)
}

/// The next data or hole at or behind an offset; the file's own offset stays.
pub fn seek(call: &mut Call<'_>, whence: u64) -> SysResult {
    const SEEK_SET: u64 = 0;
    const SEEK_CUR: u64 = 1;
    let from = call.read_int(call.arg(2), Kind::I64)?;
    let fd = call.arg(0);
    let old = call.host(SYS_lseek, [fd, 0, SEEK_CUR, 0, 0, 0])?;
    let found = call.host(SYS_lseek, [fd, from, whence, 0, 0, 0]);
    call.host(SYS_lseek, [fd, old, SEEK_SET, 0, 0, 0])?;
    call.write_int(call.arg(2), Kind::I64, found?)?;
    Ok(0)
}

/// Size of a disk in bytes.
pub fn media_size(call: &mut Call<'_>) -> SysResult {
    const BLKGETSIZE64: u64 = 0x8008_1272;
    let mut size = 0u64;
    plain(call, BLKGETSIZE64, (&raw mut size) as u64)?;
    call.write_int(call.arg(2), Kind::I64, size)?;
    Ok(0)
}

/// Size of a disk's physical sectors.
pub fn stripe_size(call: &mut Call<'_>) -> SysResult {
    const BLKPBSZGET: u64 = 0x127b;
    let mut size = 0u32;
    plain(call, BLKPBSZGET, (&raw mut size) as u64)?;
    call.write_int(call.arg(2), Kind::I64, size.into())?;
    Ok(0)
}

/// What is cached goes to the disk.
pub fn flush_cache(call: &mut Call<'_>) -> SysResult {
    if !metadata(call)?.file_type().is_block_device() {
        return Err(Errno::ENOTTY);
    }
    let fd = call.arg(0);
    call.host_wait(SYS_fsync, [fd, 0, 0, 0, 0, 0])
}
