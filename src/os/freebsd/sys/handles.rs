//! File handles (`getfh(2)`, `fhopen(2)`), which are the superuser's: the host's, with the id of their file system before them.

use std::ffi::CStr;

use super::credentials::superuser_only;
use super::{mounts, stat};
use crate::abi::{Errno, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{ArgType, Call, Run::Handler, Support::Full, *};

const GIVEN: ArgType = input::<FileHandle>();

crate::syscalls! {
    getfh(fname: PATH, fhp: output::<FileHandle>()) -> NUM, Full, Handler(|c| make(c, None, HOST_SYMLINK_FOLLOW));
    lgetfh(fname: PATH, fhp: output::<FileHandle>()) -> NUM, Full, Handler(|c| make(c, None, 0));
    getfhat(fd: DIRFD, path: PATH, fhp: output::<FileHandle>(), flags: flags(&f::AT)) -> NUM, Full, Handler(make_at);
    fhopen(u_fhp: GIVEN, flags: flags(&f::OPEN)) -> FDNUM, Full, Handler(open_file);
    fhstat(u_fhp: GIVEN, sb: output::<Stat>()) -> NUM, Full, Handler(|c| on_file(c, |c, fd| stat::tell::<Stat>(c, fd, c.arg(1))));
    fhstatfs(u_fhp: GIVEN, buf: output::<Statfs>()) -> NUM, Full, Handler(|c| on_file(c, |c, fd| mounts::tell::<Statfs>(c, fd, c.arg(1))));
    fhlink(fhp: GIVEN, to: PATH_NEW) -> NUM, Full, Handler(|c| on_file(c, |c, fd| link(c, fd, None)));
    fhlinkat(fhp: GIVEN, tofd: DIRFD, to: PATH_NEW) -> NUM, Full, Handler(|c| on_file(c, |c, fd| link(c, fd, Some(1))));
    fhreadlink(fhp: GIVEN, buf: buf_out(2), bufsize: SIZE) -> NUM, Full, Handler(|c| on_file(c, read_link));
    freebsd11_fhstat(u_fhp: GIVEN, sb: output::<Stat11>()) -> NUM, Full, Handler(|c| on_file(c, |c, fd| stat::tell::<Stat11>(c, fd, c.arg(1))));
    freebsd11_fhstatfs(u_fhp: GIVEN, buf: output::<Statfs11>()) -> NUM, Full, Handler(|c| on_file(c, |c, fd| mounts::tell::<Statfs11>(c, fd, c.arg(1))));
}

const AT_FDCWD: u64 = -100i64 as u64;
// The host's.
const HOST_SYMLINK_FOLLOW: u64 = 0x400;
const HOST_EMPTY_PATH: u64 = 0x1000;
const HOST_O_PATH: u64 = 0x20_0000;

/// Bytes of the host's handle that FreeBSD's has room for (MAXFIDSZ).
const ROOM: usize = 16;

/// `struct file_handle` of the host (`name_to_handle_at(2)`): the length, the type and the bytes.
#[repr(C)]
struct HostHandle {
    length: u32,
    kind: i32,
    bytes: [u8; ROOM],
}

fn make_at(call: &mut Call<'_>) -> SysResult {
    /// AT_SYMLINK_NOFOLLOW; AT_RESOLVE_BENEATH is the other one that it knows.
    const NOFOLLOW: u64 = 0x200;
    const KNOWN: u64 = NOFOLLOW | 0x2000;
    superuser_only()?;
    match call.arg(3) & 0xffff_ffff {
        flags if flags & !KNOWN != 0 => Err(Errno::EINVAL),
        flags if flags & NOFOLLOW != 0 => make(call, Some(0), 0),
        _ => make(call, Some(0), HOST_SYMLINK_FOLLOW),
    }
}

/// The handle of a file. `dir`: the argument that its path begins at.
fn make(call: &mut Call<'_>, dir: Option<usize>, flags: u64) -> SysResult {
    superuser_only()?;
    let at = dir.map_or(0, |n| n + 1);
    let path = call.path(at)?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let mut host = HostHandle {
        length: ROOM as u32,
        kind: 0,
        bytes: [0; ROOM],
    };
    let mut mount = 0i32;
    let args = [
        dir,
        path.as_ptr() as u64,
        (&raw mut host) as u64,
        (&raw mut mount) as u64,
        flags,
        0,
    ];
    match call.host(SYS_name_to_handle_at, args) {
        // The host's is longer: of a file system that FreeBSD's kernel would not hand out either.
        Err(Errno::EOVERFLOW) => return Err(Errno::EOPNOTSUPP),
        other => other?,
    };
    let fh_fsid = with_file(call, dir, &path, flags, mounts::id)?;
    let handle = FileHandle {
        fh_fsid,
        fid_len: host.length as u16,
        fid_data0: host.kind as u16,
        fid_data: host.bytes,
    };
    call.write_struct(call.arg(at + 1), &handle)?;
    Ok(0)
}

/// Does something with a file while it is open by name only.
fn with_file<R>(
    call: &mut Call<'_>,
    dir: u64,
    path: &CStr,
    flags: u64,
    action: impl FnOnce(&mut Call<'_>, u64) -> SysResult<R>,
) -> SysResult<R> {
    const HOST_O_NOFOLLOW: u64 = 0x2_0000;
    let follow = match flags & HOST_SYMLINK_FOLLOW {
        0 => HOST_O_NOFOLLOW,
        _ => 0,
    };
    let args = [dir, path.as_ptr() as u64, HOST_O_PATH | follow, 0, 0, 0];
    let fd = call.host(SYS_openat, args)?;
    let done = action(call, fd);
    call.host(SYS_close, [fd, 0, 0, 0, 0, 0])?;
    done
}

/// Opens the file of the handle that argument 0 points to, with the host's flags.
///
/// # Errors
/// ESTALE if its file system or the file is not there any more.
fn open(call: &mut Call<'_>, flags: u64) -> SysResult {
    superuser_only()?;
    let handle: FileHandle = call.read_struct(call.arg(0))?;
    if usize::from(handle.fid_len) > ROOM {
        return Err(Errno::EINVAL);
    }
    let host = HostHandle {
        length: handle.fid_len.into(),
        kind: handle.fid_data0.into(),
        bytes: handle.fid_data,
    };
    let mut failed = Errno::ESTALE;
    for on in mounts::places() {
        let id = with_file(call, AT_FDCWD, &on, 0, mounts::id);
        if id != Ok(handle.fh_fsid) {
            continue;
        }
        // Any file of the file system stands for it, but one that is really open.
        let args = [AT_FDCWD, on.as_ptr() as u64, 0, 0, 0, 0];
        let Ok(mount) = call.host(SYS_openat, args) else {
            continue;
        };
        let args = [mount, (&raw const host) as u64, flags, 0, 0, 0];
        let opened = call.host(SYS_open_by_handle_at, args);
        call.host(SYS_close, [mount, 0, 0, 0, 0, 0])?;
        match opened {
            Ok(fd) => return Ok(fd),
            Err(e) => failed = e,
        }
    }
    Err(failed)
}

fn open_file(call: &mut Call<'_>) -> SysResult {
    const ACCESS: u64 = 3;
    const O_CREAT: u64 = 0x200;
    const O_EXEC: u64 = 0x4_0000;
    superuser_only()?;
    let flags = call.arg(1);
    if flags & ACCESS == ACCESS || flags & (O_CREAT | O_EXEC) != 0 {
        return Err(Errno::EINVAL);
    }
    let flags = call.host_flags(1);
    open(call, flags)
}

/// Does something with the file of a handle.
fn on_file(call: &mut Call<'_>, action: impl FnOnce(&mut Call<'_>, u64) -> SysResult) -> SysResult {
    let fd = open(call, HOST_O_PATH)?;
    let done = action(call, fd);
    call.host(SYS_close, [fd, 0, 0, 0, 0, 0])?;
    done
}

/// `dir`: the argument that the new name begins at.
fn link(call: &mut Call<'_>, fd: u64, dir: Option<usize>) -> SysResult {
    let to = call.name(dir.map_or(1, |n| n + 1))?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let args = [
        fd,
        c"".as_ptr() as u64,
        dir,
        to.as_ptr() as u64,
        HOST_EMPTY_PATH,
        0,
    ];
    call.host(SYS_linkat, args)
}

fn read_link(call: &mut Call<'_>, fd: u64) -> SysResult {
    let (at, size) = (call.arg(1), call.arg(2));
    let buf = call.lend(at, size, Dir::Out, true)?;
    match call.host(SYS_readlinkat, [fd, c"".as_ptr() as u64, buf, size, 0, 0]) {
        // The host's error for what is no symbolic link, where there is no name.
        Err(Errno::ENOENT) => Err(Errno::EINVAL),
        other => other,
    }
}
