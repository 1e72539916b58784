//! Files by name: directories, links, permissions.

use std::ffi::{CStr, CString, OsStr};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::acl;
use super::extattr::Target;
use crate::abi::{Errno, Kind, Show, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::decode::files::{self as decode, text};
use crate::os::freebsd::flags as f;
use crate::os::{
    Call,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};

crate::syscalls! {
    link(path: PATH, link: PATH_NEW) -> NUM, Full, Handler(|c| { let (from, to) = (c.path(0)?, c.read_str(c.arg(1))?); c.host(SYS_linkat, [AT_FDCWD, from.as_ptr() as u64, AT_FDCWD, to.as_ptr() as u64, HOST_SYMLINK_FOLLOW, 0]) });
    linkat(fd1: DIRFD, path1: PATH, fd2: DIRFD, path2: PATH_NEW, flag: flags(&f::AT)) -> NUM, Full, Pass(SYS_linkat);
    unlink(path: PATH_NEW) -> NUM, Full, Handler(|c| remove(c, None, 0, 0));
    unlinkat(fd: DIRFD, path: PATH_NEW, flag: flags(&f::AT)) -> NUM, Full, Handler(|c| remove(c, Some(0), 1, c.host_flags(2)));
    funlinkat(dfd: DIRFD, path: PATH_NEW, fd: FD, flag: flags(&f::AT)) -> NUM, Full, Handler(remove_if_same);
    chdir(path: PATH) -> NUM, Full, Pass(SYS_chdir);
    fchdir(fd: FD) -> NUM, Full, Pass(SYS_fchdir);
    chroot(path: PATH) -> NUM, Full, Pass(SYS_chroot);
    chmod(path: PATH, mode: MODE) -> NUM, Full, Handler(|c| { let path = c.path(0)?; change_mode_of(c, AT_FDCWD, &path, c.arg(1), 0) });
    fchmodat(fd: DIRFD, path: PATH, mode: MODE, flag: flags(&f::AT)) -> NUM, Partial("AT_SYMLINK_NOFOLLOW of a symbolic link is EOPNOTSUPP, as on the host"), Handler(change_mode);
    chown(path: PATH, uid: INT, gid: INT) -> NUM, Full, Pass(SYS_chown);
    lchown(path: PATH, uid: INT, gid: INT) -> NUM, Full, Pass(SYS_lchown);
    fchownat(fd: DIRFD, path: PATH, uid: INT, gid: INT, flag: flags(&f::AT)) -> NUM, Full, Pass(SYS_fchownat);
    access(path: PATH, amode: flags(&f::ACCESS)) -> NUM, Full, Pass(SYS_access);
    eaccess(path: PATH, amode: flags(&f::ACCESS)) -> NUM, Full, Handler(access_effective);
    faccessat(fd: DIRFD, path: PATH, amode: flags(&f::ACCESS), flag: flags(&f::FACCESSAT)) -> NUM, Full, Handler(access_at);
    mkdir(path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_directory(c, None, 0));
    mkdirat(fd: DIRFD, path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_directory(c, Some(0), 1));
    rmdir(path: PATH_NEW) -> NUM, Full, Handler(|c| remove(c, None, 0, HOST_REMOVEDIR));
    mkfifo(path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_fifo(c, None, 0));
    mkfifoat(fd: DIRFD, path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_fifo(c, Some(0), 1));
    rename(from: PATH_NEW, to: PATH_NEW) -> NUM, Full, Handler(|c| rename_file(c, (AT_FDCWD, 0), (AT_FDCWD, 1)));
    renameat(oldfd: DIRFD, old: PATH_NEW, newfd: DIRFD, new: PATH_NEW) -> NUM, Full, Handler(|c| rename_file(c, (c.arg(0), 1), (c.arg(2), 3)));
    symlink(path: STR, link: PATH_NEW) -> NUM, Full, Pass(SYS_symlink);
    symlinkat(path1: STR, fd: DIRFD, path2: PATH_NEW) -> NUM, Full, Pass(SYS_symlinkat);
    readlink(path: PATH, buf: buf_out(2), count: SIZE) -> NUM, Full, Handler(|c| { let path = c.path(0)?; let buf = c.host_range(c.arg(1), c.arg(2), true)?; c.host(SYS_readlinkat, [AT_FDCWD, path.as_ptr() as u64, buf, c.arg(2), 0, 0]) });
    readlinkat(fd: DIRFD, path: PATH, buf: buf_out(3), bufsize: SIZE) -> NUM, Full, Pass(SYS_readlinkat);
    umask(newmask: MODE) -> OCTNUM, Full, Pass(SYS_umask);
    __getcwd(buf: ArgType::Decoded(Dir::Out, text), buflen: SIZE) -> NUM, Full, Handler(working_directory);
    __realpathat(fd: DIRFD, path: PATH, buf: ArgType::Decoded(Dir::Out, text), size: SIZE, flags: HEX) -> NUM, Full, Handler(real_path);
    getdirentries(fd: FD, buf: ArgType::Decoded(Dir::Out, decode::entries), count: SIZE, basep: ints_of(Dir::Out, Kind::I64, Show::Dec, 1)) -> NUM, Full, Handler(|c| read_directory(c, entry, c.arg(3), Kind::I64));
    freebsd11_getdirentries(fd: FD, buf: ArgType::Decoded(Dir::Out, decode::entries11), count: UINT, basep: ints_of(Dir::Out, Kind::Long, Show::Dec, 1)) -> NUM, Full, Handler(|c| read_directory(c, entry11, c.arg(3), Kind::Long));
    freebsd11_getdents(fd: FD, buf: ArgType::Decoded(Dir::Out, decode::entries11), count: SIZE) -> NUM, Full, Handler(|c| read_directory(c, entry11, 0, Kind::Long));
    mknodat(fd: DIRFD, path: PATH_NEW, mode: MODE, dev: OFFSET) -> NUM, Full, Handler(|c| make_node(c, Some(0), 1, c.arg(3)));
    freebsd11_mknod(path: PATH_NEW, mode: MODE, dev: UINT) -> NUM, Full, Handler(|c| make_node(c, None, 0, c.arg(2)));
    freebsd11_mknodat(fd: DIRFD, path: PATH_NEW, mode: MODE, dev: UINT) -> NUM, Full, Handler(|c| make_node(c, Some(0), 1, c.arg(3)));
    lchmod(path: PATH, mode: MODE) -> NUM, Full, Handler(|c| { let path = c.path(0)?; change_mode_of(c, AT_FDCWD, &path, c.arg(1), HOST_SYMLINK_NOFOLLOW) });
    freebsd6_truncate(path: PATH, pad: INT, length: OFFSET) -> NUM, Full, Handler(|c| { let path = c.path(0)?; c.host(SYS_truncate, [path.as_ptr() as u64, c.arg(2), 0, 0, 0, 0]) });
    pathconf(path: PATH, name: one_of(&f::PATHCONF)) -> NUM, Full, Handler(|c| { let path = c.path(0)?; configuration(c, AT_FDCWD, &path, 0, Target::Path(SYS_getxattr)) });
    lpathconf(path: PATH, name: one_of(&f::PATHCONF)) -> NUM, Full, Handler(|c| { let path = c.path(0)?; configuration(c, AT_FDCWD, &path, HOST_SYMLINK_NOFOLLOW, Target::Path(SYS_lgetxattr)) });
    fpathconf(fd: FD, name: one_of(&f::PATHCONF)) -> NUM, Full, Handler(|c| configuration(c, c.arg(0), c"", HOST_EMPTY_PATH, Target::Descriptor(SYS_fgetxattr)));
    undelete(path: PATH_NEW) -> NUM, Stub("EOPNOTSUPP, as but on a file system of whiteouts"), Handler(|_| Err(Errno::EOPNOTSUPP));
    revoke(path: PATH) -> NUM, Stub("EPERM, as of another's terminal; EINVAL of what is no device"), Handler(revoke_access);
    fchroot(fd: FD) -> NUM, Full, Handler(|c| { let path = cstring(format!("/proc/self/fd/{}", c.int(0)))?; c.host(SYS_chroot, [path.as_ptr() as u64, 0, 0, 0, 0, 0]) });
}

const AT_FDCWD: u64 = -100i64 as u64;
const HOST_SYMLINK_NOFOLLOW: u64 = 0x100;
const HOST_REMOVEDIR: u64 = 0x200;
const HOST_SYMLINK_FOLLOW: u64 = 0x400;
const HOST_EMPTY_PATH: u64 = 0x1000;

/// A name to be created, removed or renamed: FreeBSD refuses the root folder before anything else.
fn refuse_root(path: CString) -> SysResult<CString> {
    let bytes = path.as_bytes();
    match !bytes.is_empty() && bytes.iter().all(|&b| b == b'/') {
        true => Err(Errno::EISDIR),
        false => Ok(path),
    }
}

/// Argument `at`, the name of something that is created, removed or renamed in its directory. A symbolic link at the end is meant
/// itself, but with a slash behind it FreeBSD follows it, which the host does not.
fn new_name(call: &Call<'_>, dir: u64, at: usize) -> SysResult<CString> {
    /// `MAXSYMLINKS`
    const MOST_LINKS: usize = 32;
    let mut path = refuse_root(call.name(at)?)?;
    for _ in 0..MOST_LINKS {
        let bytes = path.as_bytes();
        let end = bytes.iter().rposition(|&b| b != b'/').map_or(0, |n| n + 1);
        if end == 0 || end == bytes.len() {
            return Ok(path);
        }
        let name = cstring(&bytes[..end])?;
        let mut target = [0u8; 4096];
        let args = [
            dir,
            name.as_ptr() as u64,
            target.as_mut_ptr() as u64,
            4096,
            0,
            0,
        ];
        let Ok(length) = crate::host::syscall(SYS_readlinkat, args) else {
            return Ok(path);
        };
        let target = &target[..length as usize];
        let parent = match name.as_bytes().iter().rposition(|&b| b == b'/') {
            Some(slash) if !target.starts_with(b"/") => &name.as_bytes()[..=slash],
            _ => &[],
        };
        path = call.resolve(cstring([parent, target, b"/"].concat())?);
    }
    Err(Errno::ELOOP)
}

fn make_directory(call: &mut Call<'_>, dir: Option<usize>, at: usize) -> SysResult {
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let path = new_name(call, dir, at)?;
    call.host(
        SYS_mkdirat,
        [dir, path.as_ptr() as u64, call.arg(at + 1), 0, 0, 0],
    )
}

fn rename_file(call: &mut Call<'_>, old: (u64, usize), new: (u64, usize)) -> SysResult {
    let from = new_name(call, old.0, old.1)?;
    let to = match new_name(call, new.0, new.1) {
        // The error that rename(2) has for moving a folder over one above it.
        Err(Errno::EISDIR) if is_directory(call, old.0, &from, HOST_SYMLINK_NOFOLLOW)? => {
            return Err(Errno::EINVAL);
        }
        other => other?,
    };
    let args = [old.0, from.as_ptr() as u64, new.0, to.as_ptr() as u64, 0, 0];
    call.host(SYS_renameat, args)
}

fn remove(call: &mut Call<'_>, dir: Option<usize>, at: usize, flags: u64) -> SysResult {
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let path = new_name(call, dir, at)?;
    match call.host(SYS_unlinkat, [dir, path.as_ptr() as u64, flags, 0, 0, 0]) {
        // POSIX's error, which FreeBSD gives for a directory.
        Err(Errno::EISDIR) if flags & HOST_REMOVEDIR == 0 => Err(Errno::EPERM),
        other => other,
    }
}

/// `funlinkat`: only if the name is of the file that the descriptor is of.
fn remove_if_same(call: &mut Call<'_>) -> SysResult {
    const FD_NONE: i32 = -200;
    let flags = call.host_flags(3);
    if call.int(2) != FD_NONE {
        let open = identity(call, call.arg(2), c"", HOST_EMPTY_PATH)?;
        let path = new_name(call, call.arg(0), 1)?;
        if identity(call, call.arg(0), &path, HOST_SYMLINK_NOFOLLOW)? != open {
            return Err(Errno::EDEADLK);
        }
    }
    remove(call, Some(0), 1, flags)
}

/// What a file is, whatever its name: device and inode, as statx(2) has them.
fn identity(call: &mut Call<'_>, dir: u64, path: &CStr, flags: u64) -> SysResult<[u8; 16]> {
    let stat = status(call, dir, path, flags)?;
    let mut id = [0; 16];
    id[..8].copy_from_slice(&stat[32..40]);
    id[8..].copy_from_slice(&stat[136..144]);
    Ok(id)
}

fn change_mode(call: &mut Call<'_>) -> SysResult {
    let path = call.path(1)?;
    change_mode_of(call, call.arg(0), &path, call.arg(2), call.host_flags(3))
}

/// What statx(2) says of a file.
fn status(call: &mut Call<'_>, dir: u64, path: &CStr, flags: u64) -> SysResult<[u8; 256]> {
    let mut stat = [0u8; 256];
    // STATX_BASIC_STATS
    let args = [
        dir,
        path.as_ptr() as u64,
        flags,
        0x7ff,
        stat.as_mut_ptr() as u64,
        0,
    ];
    call.host(SYS_statx, args)?;
    Ok(stat)
}

/// `st_mode` of a file.
pub(super) fn mode_of(call: &mut Call<'_>, dir: u64, path: &CStr, flags: u64) -> SysResult<u16> {
    const STX_MODE: usize = 28;
    let stat = status(call, dir, path, flags)?;
    Ok(u16::from_le_bytes([stat[STX_MODE], stat[STX_MODE + 1]]))
}

pub(super) fn is_directory(
    call: &mut Call<'_>,
    dir: u64,
    path: &CStr,
    flags: u64,
) -> SysResult<bool> {
    Ok(mode_of(call, dir, path, flags)? & S_IFMT == S_IFDIR)
}

/// The sticky bit of what is no folder is the superuser's (sticky(7)); the host takes it from anybody.
fn refuse_sticky(
    call: &mut Call<'_>,
    dir: u64,
    path: &CStr,
    mode: u64,
    flags: u64,
) -> SysResult<()> {
    const S_ISVTX: u64 = 0o1000;
    if mode & S_ISVTX == 0 || crate::host::ids().euid == 0 || is_directory(call, dir, path, flags)?
    {
        return Ok(());
    }
    Err(Errno::EFTYPE)
}

/// `fchmod`, also of a descriptor that was opened with O_EXEC: the host has no access by it.
pub(super) fn change_mode_of_open(call: &mut Call<'_>) -> SysResult {
    let (fd, mode) = (call.arg(0), call.arg(1));
    refuse_sticky(call, fd, c"", mode, HOST_EMPTY_PATH)?;
    match call.host(SYS_fchmod, [fd, mode, 0, 0, 0, 0]) {
        Err(Errno::EBADF) => {
            let path = super::file::path_of_open(call, fd)?;
            call.host(
                SYS_fchmodat,
                [AT_FDCWD, path.as_ptr() as u64, mode, 0, 0, 0],
            )
        }
        other => other,
    }
}

fn change_mode_of(call: &mut Call<'_>, dir: u64, path: &CStr, mode: u64, flags: u64) -> SysResult {
    let at = path.as_ptr() as u64;
    refuse_sticky(call, dir, path, mode, flags)?;
    match flags {
        0 => call.host(SYS_fchmodat, [dir, at, mode, 0, 0, 0]),
        flags => match call.host(SYS_fchmodat2, [dir, at, mode, flags, 0, 0]) {
            // Before Linux 6.6.
            Err(Errno::ENOSYS) => Err(Errno::EOPNOTSUPP),
            other => other,
        },
    }
}

fn access_effective(call: &mut Call<'_>) -> SysResult {
    const AT_EACCESS: u64 = 0x200;
    let path = call.path(0)?;
    call.host(
        SYS_faccessat2,
        [
            AT_FDCWD,
            path.as_ptr() as u64,
            call.arg(1),
            AT_EACCESS,
            0,
            0,
        ],
    )
}

/// `faccessat` knows no AT_SYMLINK_NOFOLLOW.
fn access_at(call: &mut Call<'_>) -> SysResult {
    // sys/fcntl.h: AT_EACCESS, AT_RESOLVE_BENEATH, AT_EMPTY_PATH
    const KNOWN: u64 = 0x100 | 0x2000 | 0x4000;
    if call.arg(3) & 0xffff_ffff & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    pass(call, SYS_faccessat2, false)
}

/// What is no device cannot be taken from others; a device is another's.
fn revoke_access(call: &mut Call<'_>) -> SysResult {
    const S_IFCHR: u16 = 0o20000;
    let path = call.path(0)?;
    match mode_of(call, AT_FDCWD, &path, HOST_SYMLINK_NOFOLLOW)? & S_IFMT {
        S_IFCHR => Err(Errno::EPERM),
        _ => Err(Errno::EINVAL),
    }
}

// sys/stat.h, the host's numbers too.
const S_IFMT: u16 = 0o170000;
const S_IFDIR: u16 = 0o40000;

fn make_fifo(call: &mut Call<'_>, dir: Option<usize>, at: usize) -> SysResult {
    const S_IFIFO: u64 = 0o10000;
    let path = refuse_root(call.name(at)?)?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let mode = call.arg(at + 1) & 0o7777 | S_IFIFO;
    call.host(SYS_mknodat, [dir, path.as_ptr() as u64, mode, 0, 0, 0])
}

fn working_directory(call: &mut Call<'_>) -> SysResult {
    let mut path = [0u8; 4096];
    let n = call.host(SYS_getcwd, [path.as_mut_ptr() as u64, 4096, 0, 0, 0, 0])? as usize;
    // The host counts the NUL.
    let path = OsStr::from_bytes(&path[..n.saturating_sub(1)]);
    let mut bytes = call.shown(path.into()).into_os_string().into_vec();
    bytes.push(0);
    if bytes.len() as u64 > call.arg(1) {
        return Err(Errno::ERANGE);
    }
    call.write_bytes(call.arg(0), &bytes)?;
    Ok(0)
}

/// Devices are the superuser's to make, and nothing else but a fifo is made so: the host makes files, and its whiteouts for anybody.
fn make_node(call: &mut Call<'_>, dir: Option<usize>, at: usize, device: u64) -> SysResult {
    const S_IFIFO: u64 = 0o10000;
    const S_IFCHR: u64 = 0o20000;
    const S_IFBLK: u64 = 0o60000;
    match call.arg(at + 1) & u64::from(S_IFMT) {
        S_IFCHR | S_IFBLK if crate::host::ids().euid != 0 => return Err(Errno::EPERM),
        S_IFCHR | S_IFBLK => {}
        S_IFIFO if device == 0 => return make_fifo(call, dir, at),
        _ => return Err(Errno::EINVAL),
    }
    let path = refuse_root(call.name(at)?)?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let (major, minor) = super::stat::device_parts(device);
    // The host's encoding (`linux/kdev_t.h`), of 12 and 20 bits.
    let host = minor & 0xff | (major & 0xfff) << 8 | (minor & 0xfff00) << 12;
    let args = [dir, path.as_ptr() as u64, call.arg(at + 1), host, 0, 0];
    call.host(SYS_mknodat, args)
}

/// `realpath(3)` in one call. The path has been found below the prefix already.
fn real_path(call: &mut Call<'_>) -> SysResult {
    if call.arg(4) != 0 {
        return Err(Errno::EINVAL);
    }
    let path = call.path(1)?;
    let path = Path::new(OsStr::from_bytes(path.as_bytes()));
    let whole = match call.int(0) {
        fd if !path.is_absolute() && fd != AT_FDCWD as i32 => {
            Path::new(&format!("/proc/self/fd/{fd}")).join(path)
        }
        _ => path.to_owned(),
    };
    let real = std::fs::canonicalize(whole).map_err(|e| Errno(e.raw_os_error().unwrap_or(2)))?;
    let mut bytes = call.shown(real).into_os_string().into_vec();
    bytes.push(0);
    if bytes.len() as u64 > call.arg(3) {
        return Err(Errno::ENAMETOOLONG);
    }
    call.write_bytes(call.arg(2), &bytes)?;
    Ok(0)
}

/// `sys/unistd.h`. `lists`: how the file's access control lists are asked for.
fn configuration(
    call: &mut Call<'_>,
    dir: u64,
    path: &CStr,
    flags: u64,
    lists: Target,
) -> SysResult {
    status(call, dir, path, flags)?;
    Ok(match call.int(1) {
        1 => 32767,           // _PC_LINK_MAX
        2 | 3 => 255,         // _PC_MAX_CANON, _PC_MAX_INPUT
        4 => 255,             // _PC_NAME_MAX
        5 => 1024,            // _PC_PATH_MAX
        6 => 512,             // _PC_PIPE_BUF
        7 | 8 => 1,           // _PC_CHOWN_RESTRICTED, _PC_NO_TRUNC
        9 => 0xff,            // _PC_VDISABLE
        12 => 64,             // _PC_FILESIZEBITS
        18 => 1024,           // _PC_SYMLINK_MAX
        10 | 16 | 17 => 4096, // _PC_ALLOC_SIZE_MIN and its like
        21 => 512,            // _PC_MIN_HOLE_SIZE
        53 | 55 => 1,         // _PC_ASYNC_IO, _PC_SYNC_IO
        54 | 61..=64 => 0,
        59 => acl::are_kept(call, lists).into(), // _PC_ACL_EXTENDED
        60 => acl::most_entries(call, lists),    // _PC_ACL_PATH_MAX
        _ => return Err(Errno::EINVAL),
    })
}

/// An entry of a directory, as the host has it.
struct Entry<'a> {
    inode: u64,
    after: u64,
    kind: u8,
    name: &'a [u8],
}

/// An entry in the layout of FreeBSD 12 and later (`struct dirent`).
fn entry(call: &Call<'_>, e: &Entry<'_>) -> Vec<u8> {
    const HEAD: usize = 24;
    let size = (HEAD + e.name.len() + 1).next_multiple_of(8);
    let mut out = vec![0; size];
    let mut put = |at: usize, kind: Kind, value: u64| {
        crate::abi::write_int(call.abi, kind, &mut out[at..], value);
    };
    put(0, Kind::U64, e.inode);
    put(8, Kind::I64, e.after);
    put(16, Kind::U16, size as u64);
    put(18, Kind::U8, e.kind.into());
    put(20, Kind::U16, e.name.len() as u64);
    out[HEAD..HEAD + e.name.len()].copy_from_slice(e.name);
    out
}

/// Of FreeBSD 11 (`struct freebsd11_dirent`).
fn entry11(call: &Call<'_>, e: &Entry<'_>) -> Vec<u8> {
    const HEAD: usize = 8;
    let size = (HEAD + e.name.len() + 1).next_multiple_of(4);
    let mut out = vec![0; size];
    let mut put = |at: usize, kind: Kind, value: u64| {
        crate::abi::write_int(call.abi, kind, &mut out[at..], value);
    };
    put(0, Kind::U32, e.inode);
    put(4, Kind::U16, size as u64);
    put(6, Kind::U8, e.kind.into());
    put(7, Kind::U8, e.name.len() as u64);
    out[HEAD..HEAD + e.name.len()].copy_from_slice(e.name);
    out
}

/// Directory entries in one of FreeBSD's layouts (`sys/dirent.h`), read one host buffer at a time. Where reading began goes to
/// `base`, an integer of that kind.
fn read_directory(
    call: &mut Call<'_>,
    layout: fn(&Call<'_>, &Entry<'_>) -> Vec<u8>,
    base: u64,
    base_kind: Kind,
) -> SysResult {
    const SEEK_SET: u64 = 0;
    const SEEK_CUR: u64 = 1;
    let (fd, at, room) = (call.arg(0), call.arg(1), call.arg(2));
    if room < 512 {
        return Err(Errno::EINVAL);
    }
    let start = match call.host(SYS_lseek, [fd, 0, SEEK_CUR, 0, 0, 0]) {
        // A pipe or socket.
        Err(Errno::ESPIPE) => return Err(Errno::EINVAL),
        other => other?,
    };
    let mut host = vec![0u8; room.min(65536) as usize];
    let args = [fd, host.as_mut_ptr() as u64, host.len() as u64, 0, 0, 0];
    let n = match call.host_wait(SYS_getdents64, args) {
        Err(Errno::ENOTDIR) => return Err(Errno::EINVAL),
        other => other? as usize,
    };
    let mut out: Vec<u8> = Vec::new();
    let (mut from, mut after) = (0, start);
    while from + 19 <= n {
        // struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name
        let word = |i: usize| {
            let mut b = [0; 8];
            b.copy_from_slice(&host[from + i..from + i + 8]);
            u64::from_le_bytes(b)
        };
        let length = usize::from(u16::from_le_bytes([host[from + 16], host[from + 17]]));
        let found = Entry {
            inode: word(0),
            after: word(8),
            kind: host[from + 18],
            name: host[from + 19..from + length]
                .split(|&b| b == 0)
                .next()
                .unwrap_or_default(),
        };
        let bytes = layout(call, &found);
        if out.len() + bytes.len() > room as usize {
            // The rest is read again.
            call.host(SYS_lseek, [fd, after, SEEK_SET, 0, 0, 0])?;
            break;
        }
        out.extend(bytes);
        after = found.after;
        from += length;
    }
    let told = call.write_bytes(at, &out).and_then(|()| match base {
        0 => Ok(()),
        _ => call.write_int(base, base_kind, start),
    });
    if told.is_err() {
        // What the guest did not get is there for the next call.
        call.host(SYS_lseek, [fd, start, SEEK_SET, 0, 0, 0])?;
    }
    told?;
    Ok(out.len() as u64)
}
