//! Files by name: directories, links, permissions.

use crate::abi::{Errno, Kind, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::{
    Call,
    Run::{Handler, Pass},
    Support::{Full, Partial, Stub},
    *,
};

crate::syscalls! {
    link(path: PATH, link: PATH_NEW) -> NUM, Full, Pass(SYS_link);
    linkat(fd1: DIRFD, path1: PATH, fd2: DIRFD, path2: PATH_NEW, flag: flags(&f::AT)) -> NUM, Full, Pass(SYS_linkat);
    unlink(path: PATH_NEW) -> NUM, Full, Handler(|c| remove(c, None, 0, 0));
    unlinkat(fd: DIRFD, path: PATH_NEW, flag: flags(&f::AT)) -> NUM, Full, Handler(|c| remove(c, Some(0), 1, c.host_flags(2)));
    funlinkat(dfd: DIRFD, path: PATH_NEW, fd: FD, flag: flags(&f::AT)) -> NUM, Partial("the descriptor is not compared with the file"), Handler(|c| remove(c, Some(0), 1, c.host_flags(3)));
    chdir(path: PATH) -> NUM, Full, Pass(SYS_chdir);
    fchdir(fd: FD) -> NUM, Full, Pass(SYS_fchdir);
    chroot(path: PATH) -> NUM, Full, Pass(SYS_chroot);
    chmod(path: PATH, mode: MODE) -> NUM, Full, Pass(SYS_chmod);
    fchmodat(fd: DIRFD, path: PATH, mode: MODE, flag: flags(&f::AT)) -> NUM, Partial("AT_SYMLINK_NOFOLLOW is EOPNOTSUPP, as on the host"), Handler(change_mode);
    chown(path: PATH, uid: INT, gid: INT) -> NUM, Full, Pass(SYS_chown);
    lchown(path: PATH, uid: INT, gid: INT) -> NUM, Full, Pass(SYS_lchown);
    fchownat(fd: DIRFD, path: PATH, uid: INT, gid: INT, flag: flags(&f::AT)) -> NUM, Full, Pass(SYS_fchownat);
    access(path: PATH, amode: flags(&f::ACCESS)) -> NUM, Full, Pass(SYS_access);
    eaccess(path: PATH, amode: flags(&f::ACCESS)) -> NUM, Full, Handler(access_effective);
    faccessat(fd: DIRFD, path: PATH, amode: flags(&f::ACCESS), flag: flags(&f::FACCESSAT)) -> NUM, Full, Pass(SYS_faccessat2);
    mkdir(path: PATH_NEW, mode: MODE) -> NUM, Full, Pass(SYS_mkdir);
    mkdirat(fd: DIRFD, path: PATH_NEW, mode: MODE) -> NUM, Full, Pass(SYS_mkdirat);
    rmdir(path: PATH_NEW) -> NUM, Full, Pass(SYS_rmdir);
    mkfifo(path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_fifo(c, None, 0));
    mkfifoat(fd: DIRFD, path: PATH_NEW, mode: MODE) -> NUM, Full, Handler(|c| make_fifo(c, Some(0), 1));
    rename(from: PATH_NEW, to: PATH_NEW) -> NUM, Full, Pass(SYS_rename);
    renameat(oldfd: DIRFD, old: PATH_NEW, newfd: DIRFD, new: PATH_NEW) -> NUM, Full, Pass(SYS_renameat);
    symlink(path: STR, link: PATH_NEW) -> NUM, Full, Pass(SYS_symlink);
    symlinkat(path1: STR, fd: DIRFD, path2: PATH_NEW) -> NUM, Full, Pass(SYS_symlinkat);
    readlink(path: PATH, buf: buf_out(2), count: SIZE) -> NUM, Full, Handler(|c| { let path = c.path(0)?; let buf = c.host_range(c.arg(1), c.arg(2), true)?; c.host(SYS_readlinkat, [AT_FDCWD, path.as_ptr() as u64, buf, c.arg(2), 0, 0]) });
    readlinkat(fd: DIRFD, path: PATH, buf: buf_out(3), bufsize: SIZE) -> NUM, Full, Pass(SYS_readlinkat);
    umask(newmask: MODE) -> OCTNUM, Full, Pass(SYS_umask);
    __getcwd(buf: ADDR, buflen: SIZE) -> NUM, Full, Handler(working_directory);
    pathconf(path: PATH, name: INT) -> NUM, Full, Handler(|c| configuration(c, 1));
    lpathconf(path: PATH, name: INT) -> NUM, Full, Handler(|c| configuration(c, 1));
    fpathconf(fd: FD, name: INT) -> NUM, Full, Handler(|c| configuration(c, 1));
    chflags(path: PATH, flags: BITS) -> NUM, Stub("EOPNOTSUPP, as on a file system without flags"), Handler(|_| Err(Errno::EOPNOTSUPP));
    fchflags(fd: FD, flags: BITS) -> NUM, Stub("EOPNOTSUPP, as on a file system without flags"), Handler(|_| Err(Errno::EOPNOTSUPP));
}

const AT_FDCWD: u64 = -100i64 as u64;

fn remove(call: &mut Call<'_>, dir: Option<usize>, at: usize, flags: u64) -> SysResult {
    const AT_REMOVEDIR: u64 = 0x200;
    let path = call.read_str(call.arg(at))?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    match call.host(SYS_unlinkat, [dir, path.as_ptr() as u64, flags, 0, 0, 0]) {
        // POSIX's error, which FreeBSD gives for a directory.
        Err(Errno::EISDIR) if flags & AT_REMOVEDIR == 0 => Err(Errno::EPERM),
        other => other,
    }
}

fn change_mode(call: &mut Call<'_>) -> SysResult {
    const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
    if call.host_flags(3) & AT_SYMLINK_NOFOLLOW != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    let path = call.path(1)?;
    call.host(
        SYS_fchmodat,
        [call.arg(0), path.as_ptr() as u64, call.arg(2), 0, 0, 0],
    )
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

fn make_fifo(call: &mut Call<'_>, dir: Option<usize>, at: usize) -> SysResult {
    const S_IFIFO: u64 = 0o10000;
    let path = call.read_str(call.arg(at))?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let mode = call.arg(at + 1) & 0o7777 | S_IFIFO;
    call.host(SYS_mknodat, [dir, path.as_ptr() as u64, mode, 0, 0, 0])
}

fn working_directory(call: &mut Call<'_>) -> SysResult {
    let mut path = [0u8; 4096];
    let n = call.host(SYS_getcwd, [path.as_mut_ptr() as u64, 4096, 0, 0, 0, 0])?;
    if n > call.arg(1) {
        return Err(Errno::ERANGE);
    }
    call.write_bytes(call.arg(0), &path[..n as usize])?;
    Ok(0)
}

/// `sys/unistd.h`
fn configuration(call: &mut Call<'_>, n: usize) -> SysResult {
    Ok(match call.int(n) {
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
        _ => return Err(Errno::EINVAL),
    })
}

/// Directory entries in FreeBSD's layout (`sys/dirent.h`), read one host buffer at a time.
pub(super) fn read_directory(call: &mut Call<'_>) -> SysResult {
    const HEAD: usize = 24;
    let (fd, at, room, base) = (call.arg(0), call.arg(1), call.arg(2), call.arg(3));
    if room < 512 {
        return Err(Errno::EINVAL);
    }
    const SEEK_SET: u64 = 0;
    const SEEK_CUR: u64 = 1;
    let start = call.host(SYS_lseek, [fd, 0, SEEK_CUR, 0, 0, 0])?;
    // A host entry is never longer than the guest's.
    let mut host = vec![0u8; room.min(65536) as usize];
    let n = call.host_wait(
        SYS_getdents64,
        [fd, host.as_mut_ptr() as u64, host.len() as u64, 0, 0, 0],
    )? as usize;
    let mut out: Vec<u8> = Vec::new();
    let (mut from, mut after) = (0, start);
    while from + 19 <= n {
        // struct linux_dirent64: d_ino, d_off, d_reclen, d_type, d_name
        let word = |i: usize| {
            let mut b = [0; 8];
            b.copy_from_slice(&host[from + i..from + i + 8]);
            u64::from_le_bytes(b)
        };
        let (ino, off) = (word(0), word(8));
        let length = usize::from(u16::from_le_bytes([host[from + 16], host[from + 17]]));
        let kind = host[from + 18];
        let name = host[from + 19..from + length]
            .split(|&b| b == 0)
            .next()
            .unwrap_or_default();
        let size = (HEAD + name.len() + 1).next_multiple_of(8);
        if out.len() + size > room as usize {
            // The rest is read again.
            call.host(SYS_lseek, [fd, after, SEEK_SET, 0, 0, 0])?;
            break;
        }
        let entry = out.len();
        out.resize(entry + size, 0);
        let mut put = |at: usize, kind: Kind, value: u64| {
            crate::abi::write_int(call.abi, kind, &mut out[entry + at..], value);
        };
        put(0, Kind::U64, ino);
        put(8, Kind::I64, off);
        put(16, Kind::U16, size as u64);
        put(18, Kind::U8, kind.into());
        put(20, Kind::U16, name.len() as u64);
        out[entry + HEAD..entry + HEAD + name.len()].copy_from_slice(name);
        after = off;
        from += length;
    }
    call.write_bytes(at, &out)?;
    if base != 0 {
        call.write_int(base, Kind::I64, start)?;
    }
    Ok(out.len() as u64)
}
