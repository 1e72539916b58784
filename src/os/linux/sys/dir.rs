//! Paths and directories.

use super::misc::{GONE, gone};
use crate::abi::{Errno, Kind, OsAbi, Show, SysResult, write_int};
use crate::host::{self, nr::*};
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass},
    Support::{Full, Missing, Partial},
    *,
};

const TIMES: ArgType = ArgType::Structs(
    Dir::In,
    <Timeval as crate::abi::GuestStruct>::DESC,
    Len::Const(2),
);
const TIMES_NS: ArgType = ArgType::Structs(
    Dir::In,
    <Timespec as crate::abi::GuestStruct>::DESC,
    Len::Const(2),
);
const TIMES_NS64: ArgType = ArgType::Structs(
    Dir::In,
    <Timespec64 as crate::abi::GuestStruct>::DESC,
    Len::Const(2),
);

crate::syscalls! {
    getcwd(buf: buf_out(1), size: SIZE) -> NUM, Full, Pass(SYS_getcwd);
    chdir(path: PATH) -> NUM, Full, Pass(SYS_chdir);
    fchdir(fd: FD) -> NUM, Full, Pass(SYS_fchdir);
    chroot(path: PATH) -> NUM, Full, Pass(SYS_chroot);
    mkdir(pathname: PATH_NEW, mode: MODE) -> NUM, Full, Pass(SYS_mkdir);
    mkdirat(dirfd: DIRFD, pathname: PATH_NEW, mode: MODE) -> NUM, Full, Pass(SYS_mkdirat);
    mknod(pathname: PATH_NEW, mode: MODE, dev: DEV) -> NUM, Full, Pass(SYS_mknod);
    mknodat(dirfd: DIRFD, pathname: PATH_NEW, mode: MODE, dev: DEV) -> NUM, Full, Pass(SYS_mknodat);
    rmdir(pathname: PATH_NEW) -> NUM, Full, Pass(SYS_rmdir);
    unlink(pathname: PATH_NEW) -> NUM, Full, Pass(SYS_unlink);
    unlinkat(dirfd: DIRFD, pathname: PATH_NEW, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_unlinkat);
    rename(oldpath: PATH_NEW, newpath: PATH_NEW) -> NUM, Full, Pass(SYS_rename);
    renameat(olddirfd: DIRFD, oldpath: PATH_NEW, newdirfd: DIRFD, newpath: PATH_NEW) -> NUM, Full, Pass(SYS_renameat);
    renameat2(olddirfd: DIRFD, oldpath: PATH_NEW, newdirfd: DIRFD, newpath: PATH_NEW, flags: flags(&f::RENAME)) -> NUM, Full, Pass(SYS_renameat2);
    link(oldpath: PATH, newpath: PATH_NEW) -> NUM, Full, Pass(SYS_link);
    linkat(olddirfd: DIRFD, oldpath: PATH, newdirfd: DIRFD, newpath: PATH_NEW, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_linkat);
    symlink(target: STR, linkpath: PATH_NEW) -> NUM, Full, Pass(SYS_symlink);
    symlinkat(target: STR, newdirfd: DIRFD, linkpath: PATH_NEW) -> NUM, Full, Pass(SYS_symlinkat);
    readlink(pathname: PATH, buf: buf_out(2), bufsiz: SIZE) -> NUM, Full, Handler(|c| read_link(c, None, 0));
    readlinkat(dirfd: DIRFD, pathname: PATH, buf: buf_out(3), bufsiz: SIZE) -> NUM, Full, Handler(|c| read_link(c, Some(0), 1));
    access(pathname: PATH, mode: flags(&f::ACCESS)) -> NUM, Full, Pass(SYS_access);
    faccessat(dirfd: DIRFD, pathname: PATH, mode: flags(&f::ACCESS)) -> NUM, Full, Pass(SYS_faccessat);
    faccessat2(dirfd: DIRFD, pathname: PATH, mode: flags(&f::ACCESS), flags: flags(&f::FACCESSAT)) -> NUM, Full, Pass(SYS_faccessat2);
    chmod(pathname: PATH, mode: MODE) -> NUM, Full, Pass(SYS_chmod);
    fchmodat(dirfd: DIRFD, pathname: PATH, mode: MODE) -> NUM, Full, Pass(SYS_fchmodat);
    fchmodat2(dirfd: DIRFD, pathname: PATH, mode: MODE, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_fchmodat2);
    chown(pathname: PATH, owner: INT, group: INT) -> NUM, Full, Pass(SYS_chown);
    lchown(pathname: PATH, owner: INT, group: INT) -> NUM, Full, Pass(SYS_lchown);
    fchownat(dirfd: DIRFD, pathname: PATH, owner: INT, group: INT, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_fchownat);
    stat(pathname: PATH, statbuf: output::<Stat>()) -> NUM, Full, Pass(SYS_stat);
    lstat(pathname: PATH, statbuf: output::<Stat>()) -> NUM, Full, Pass(SYS_lstat);
    newfstatat(dirfd: DIRFD, pathname: PATH, statbuf: output::<Stat>(), flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_newfstatat);
    stat64(pathname: PATH, statbuf: output::<Stat64>()) -> NUM, Full, Pass(SYS_stat);
    lstat64(pathname: PATH, statbuf: output::<Stat64>()) -> NUM, Full, Pass(SYS_lstat);
    fstatat64(dirfd: DIRFD, pathname: PATH, statbuf: output::<Stat64>(), flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_newfstatat);
    statx(dirfd: DIRFD, pathname: PATH, flags: flags(&f::AT), mask: flags(&f::STATX_MASK), statxbuf: output::<Statx>()) -> NUM, Full, Pass(SYS_statx);
    statfs(path: PATH, buf: output::<Statfs>()) -> NUM, Full, Pass(SYS_statfs);
    utime(filename: PATH, times: input::<Utimbuf>()) -> NUM, Full, Pass(SYS_utime);
    utimes(filename: PATH, times: TIMES) -> NUM, Full, Pass(SYS_utimes);
    futimesat(dirfd: DIRFD, pathname: PATH, times: TIMES) -> NUM, Full, Pass(SYS_futimesat);
    utimensat(dirfd: DIRFD, pathname: PATH, times: TIMES_NS, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_utimensat);
    utimensat_time64(dirfd: DIRFD, pathname: PATH, times: TIMES_NS64, flags: flags(&f::AT)) -> NUM, Full, Pass(SYS_utimensat);
    getdents(fd: FD, dirp: buf_out(2), count: UINT) -> NUM, Full, Handler(|c| list_directory(c, Dirent::Old));
    getdents64(fd: FD, dirp: buf_out(2), count: UINT) -> NUM, Full, Handler(|c| list_directory(c, Dirent::New));
    readdir(fd: UINT, dirp: ADDR, count: UINT) -> NUM, Missing, Run::Missing;
    setxattr(path: PATH, name: STR, value: buf_in(3), size: SIZE, flags: flags(&f::XATTR)) -> NUM, Full, Pass(SYS_setxattr);
    lsetxattr(path: PATH, name: STR, value: buf_in(3), size: SIZE, flags: flags(&f::XATTR)) -> NUM, Full, Pass(SYS_lsetxattr);
    getxattr(path: PATH, name: STR, value: buf_out(3), size: SIZE) -> NUM, Full, Pass(SYS_getxattr);
    lgetxattr(path: PATH, name: STR, value: buf_out(3), size: SIZE) -> NUM, Full, Pass(SYS_lgetxattr);
    listxattr(path: PATH, list: buf_out(2), size: SIZE) -> NUM, Full, Pass(SYS_listxattr);
    llistxattr(path: PATH, list: buf_out(2), size: SIZE) -> NUM, Full, Pass(SYS_llistxattr);
    removexattr(path: PATH, name: STR) -> NUM, Full, Pass(SYS_removexattr);
    lremovexattr(path: PATH, name: STR) -> NUM, Full, Pass(SYS_lremovexattr);
    setxattrat(dirfd: DIRFD, path: PATH, at_flags: flags(&f::AT), name: STR, args: ADDR, size: SIZE) -> NUM, Missing, Run::Missing;
    getxattrat(dirfd: DIRFD, path: PATH, at_flags: flags(&f::AT), name: STR, args: ADDR, size: SIZE) -> NUM, Missing, Run::Missing;
    listxattrat(dirfd: DIRFD, path: PATH, at_flags: flags(&f::AT), list: ADDR, size: SIZE) -> NUM, Missing, Run::Missing;
    removexattrat(dirfd: DIRFD, path: PATH, at_flags: flags(&f::AT), name: STR) -> NUM, Missing, Run::Missing;
    file_getattr(dirfd: DIRFD, path: PATH, attr: ADDR, size: SIZE, at_flags: flags(&f::AT)) -> NUM, Missing, Run::Missing;
    file_setattr(dirfd: DIRFD, path: PATH, attr: ADDR, size: SIZE, at_flags: flags(&f::AT)) -> NUM, Missing, Run::Missing;
    name_to_handle_at(dirfd: DIRFD, pathname: PATH, handle: inout::<FileHandle>(), mount_id: ints(Dir::Out, 1), flags: flags(&f::AT)) -> NUM, Full, Handler(name_to_handle);
    open_by_handle_at(mount_fd: DIRFD, handle: input::<FileHandle>(), flags: flags(&f::OPEN)) -> FDNUM, Full, Handler(open_by_handle);
    umask(mask: MODE) -> OCTNUM, Full, Pass(SYS_umask);
    mount(source: STR, target: PATH, filesystemtype: STR, mountflags: flags_long(&f::MOUNT), data: STR) -> NUM, Full, Pass(SYS_mount);
    umount(target: PATH) -> NUM, Full, Pass(SYS_umount2);
    umount2(target: PATH, flags: flags(&f::UMOUNT)) -> NUM, Full, Pass(SYS_umount2);
    pivot_root(new_root: PATH, put_old: PATH) -> NUM, Full, Pass(SYS_pivot_root);
    open_tree(dirfd: DIRFD, pathname: PATH, flags: HEX) -> FDNUM, Full, Pass(SYS_open_tree);
    open_tree_attr(dirfd: DIRFD, pathname: PATH, flags: HEX, attr: ADDR, size: SIZE) -> FDNUM, Missing, Run::Missing;
    move_mount(from_dirfd: DIRFD, from: PATH, to_dirfd: DIRFD, to: PATH, flags: HEX) -> NUM, Full, Pass(SYS_move_mount);
    fsopen(fsname: STR, flags: HEX) -> FDNUM, Full, Pass(SYS_fsopen);
    fsconfig(fd: FD, cmd: one_of(&f::FSCONFIG), key: STR, value: ArgType::By(|a, _| mount_value(a[1])), aux: INT) -> NUM, Full, Handler(|c| pass(c, SYS_fsconfig, true));
    fsmount(fsfd: FD, flags: HEX, attr_flags: HEX) -> FDNUM, Full, Pass(SYS_fsmount);
    fspick(dirfd: DIRFD, pathname: PATH, flags: HEX) -> FDNUM, Full, Pass(SYS_fspick);
    mount_setattr(dirfd: DIRFD, pathname: PATH, flags: HEX, attr: ints_of(Dir::In, Kind::U64, Show::Hex, 4), size: SIZE) -> NUM, Partial("only the 32-byte structure"), Pass(SYS_mount_setattr);
    statmount(req: ADDR, buf: ADDR, bufsize: SIZE, flags: HEX) -> NUM, Missing, Run::Missing;
    listmount(req: ADDR, mnt_ids: ADDR, nr: SIZE, flags: HEX) -> NUM, Missing, Run::Missing;
    listns(req: ADDR, ns_ids: ADDR, nr: SIZE, flags: HEX) -> NUM, Missing, Run::Missing;
    quotactl(cmd: HEX, special: STR, id: INT, addr: ADDR) -> NUM, Missing, Run::Missing;
    quotactl_fd(fd: FD, cmd: HEX, id: INT, addr: ADDR) -> NUM, Missing, Run::Missing;
    swapon(path: PATH, flags: HEX) -> NUM, Full, Pass(SYS_swapon);
    swapoff(path: PATH) -> NUM, Full, Pass(SYS_swapoff);
    acct(filename: PATH) -> NUM, Full, Pass(SYS_acct);
    ustat(dev: DEV, ubuf: output::<Ustat>()) -> NUM, Full, Pass(SYS_ustat);
    sysfs(option: INT, arg1: ULONG, arg2: ULONG) -> NUM, Missing, Run::Missing;
    lookup_dcookie(cookie: OFFSET, buffer: ADDR, len: SIZE) -> NUM, Support::Stub(GONE), Handler(gone);
    nfsservctl(cmd: INT, argp: ADDR, resp: ADDR) -> NUM, Support::Stub(GONE), Handler(gone);
    uselib(library: PATH) -> NUM, Support::Stub(GONE), Handler(gone);
}

/// What `fsconfig` sets, by command.
fn mount_value(command: u64) -> ArgType {
    match command {
        1 => STR,
        2 => buf_in(4),
        3 | 4 => PATH,
        _ => BITS,
    }
}

/// `MAX_HANDLE_SZ`
const HANDLE_MAX: u32 = 128;

/// A handle in host layout: the header's numbers, and room for bytes that nobody but the file system looks at.
fn handle_of(call: &Call<'_>, addr: u64) -> SysResult<Vec<u8>> {
    let handle: FileHandle = call.read_struct(addr)?;
    if handle.handle_bytes > HANDLE_MAX {
        return Err(Errno::EINVAL);
    }
    let mut host = handle.handle_bytes.to_le_bytes().to_vec();
    host.extend_from_slice(&handle.handle_type.to_le_bytes());
    host.resize(8 + HANDLE_MAX as usize, 0);
    Ok(host)
}

fn name_to_handle(call: &mut Call<'_>) -> SysResult {
    let path = call.path(1)?;
    let addr = call.arg(2);
    let mut host = handle_of(call, addr)?;
    let mut mount = [0u8; 8];
    let args = [
        call.arg(0),
        path.as_ptr() as u64,
        host.as_mut_ptr() as u64,
        mount.as_mut_ptr() as u64,
        call.arg(4),
        0,
    ];
    let result = call.host(SYS_name_to_handle_at, args);
    // EOVERFLOW comes with the number of bytes that are needed.
    if !matches!(result, Ok(_) | Err(Errno::EOVERFLOW)) {
        return result;
    }
    let word = |at: usize| u32::from_le_bytes([host[at], host[at + 1], host[at + 2], host[at + 3]]);
    let handle = FileHandle {
        handle_bytes: word(0),
        handle_type: word(4) as i32,
    };
    call.write_struct(addr, &handle)?;
    if result.is_ok() {
        let n = handle.handle_bytes.min(HANDLE_MAX) as usize;
        call.write_bytes(addr.wrapping_add(8), &host[8..8 + n])?;
    }
    let mount = u64::from(u32::from_le_bytes([mount[0], mount[1], mount[2], mount[3]]));
    call.write_int(call.arg(3), Kind::I32, mount)?;
    result
}

fn open_by_handle(call: &mut Call<'_>) -> SysResult {
    let addr = call.arg(1);
    let mut host = handle_of(call, addr)?;
    let n = u64::from(u32::from_le_bytes([host[0], host[1], host[2], host[3]]));
    host[8..8 + n as usize].copy_from_slice(&call.read_bytes(addr.wrapping_add(8), n)?);
    let args = [
        call.arg(0),
        host.as_ptr() as u64,
        call.host_flags(2),
        0,
        0,
        0,
    ];
    call.host_wait(SYS_open_by_handle_at, args)
}

fn read_link(call: &mut Call<'_>, dirfd: Option<usize>, path: usize) -> SysResult {
    let name = call.read_str(call.arg(path))?;
    let (buf, size) = (call.arg(path + 1), call.arg(path + 2));
    if crate::os::is_own_proc_file(name.as_bytes(), b"exe") {
        if size as i32 <= 0 {
            return Err(crate::abi::Errno::EINVAL);
        }
        use std::os::unix::ffi::OsStrExt;
        let exe = call.thread.process.exe.clone();
        let text = exe.as_os_str().as_bytes();
        let n = text.len().min(size as usize);
        call.write_bytes(buf, &text[..n])?;
        return Ok(n as u64);
    }
    let name = call.resolve(name);
    let dirfd = dirfd.map_or(-100i64 as u64, |n| call.arg(n));
    let to = call.lend(buf, size, Dir::Out, true)?;
    call.host(
        SYS_readlinkat,
        [dirfd, name.as_ptr() as u64, to, size, 0, 0],
    )
}

/// What a folder below `/proc` shows of the emulator.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hidden {
    Descriptors,
    Threads,
}

/// What is to be left out of the folder that `fd` is, if it is one of the process's own below `/proc`.
fn hidden_entries(fd: u64) -> Option<Hidden> {
    // Without descriptors of its own the emulator has no threads of its own either.
    host::fd::own().next()?;
    let path = std::fs::read_link(format!("/proc/self/fd/{}", fd as i32)).ok()?;
    let path = path.to_str()?;
    let inside = crate::os::own_proc_file(path.as_bytes())?;
    match inside {
        b"fd" | b"fdinfo" => Some(Hidden::Descriptors),
        b"task" => Some(Hidden::Threads),
        _ => None,
    }
}

impl Hidden {
    fn hides(self, call: &Call<'_>, name: &[u8]) -> bool {
        let number = std::str::from_utf8(name).ok().and_then(|n| n.parse().ok());
        number.is_some_and(|n: i32| match self {
            Hidden::Descriptors => host::fd::is_own(n),
            Hidden::Threads => call.thread.process.threads().iter().all(|t| t.tid != n),
        })
    }
}

/// The two shapes of a directory entry.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dirent {
    /// `struct linux_dirent`: words of the guest's size, the type in the last byte.
    Old,
    /// `struct linux_dirent64`
    New,
}

/// Offset of the name in the host's `struct linux_dirent64`.
const NAME: usize = 19;

fn list_directory(call: &mut Call<'_>, form: Dirent) -> SysResult {
    let a = call.abi;
    let (fd, buf, size) = (call.arg(0), call.arg(1), call.arg(2));
    let hidden = hidden_entries(fd);
    if form == Dirent::New && a.abi.endian == crate::abi::Endian::Little && hidden.is_none() {
        let to = call.lend(buf, size, Dir::Out, true)?;
        return call.host(SYS_getdents64, [fd, to, size, 0, 0, 0]);
    }
    loop {
        let (read, written) = convert_entries(call, form, hidden, (fd, buf, size))?;
        // Where all that was read is hidden, the guest must not take it for the end.
        if written != 0 || read == 0 {
            return Ok(written);
        }
    }
}

/// Reads entries and writes those that are not hidden for the guest; how many bytes were read, and written.
fn convert_entries(
    call: &mut Call<'_>,
    form: Dirent,
    hidden: Option<Hidden>,
    (fd, buf, size): (u64, u64, u64),
) -> SysResult<(usize, u64)> {
    let a = call.abi;
    // No guest's record is longer than the host's but for rounding, so what is read now fits.
    let mut host = vec![0u8; size.min(1 << 16) as usize];
    let n = call.host(
        SYS_getdents64,
        [fd, host.as_mut_ptr() as u64, host.len() as u64, 0, 0, 0],
    )? as usize;
    let mut out = Vec::new();
    let mut at = 0;
    let mut last_off = None;
    while at + NAME <= n {
        let field = |o: usize, kind| crate::abi::read_int(OsAbi::HOST, kind, &host[at + o..]);
        let (ino, off) = (field(0, Kind::U64), field(8, Kind::U64));
        let reclen = field(16, Kind::U16) as usize;
        let kind = host[at + 18];
        let name = &host[at + NAME..at + reclen];
        let name = &name[..name.iter().position(|&b| b == 0).unwrap_or(name.len())];
        if hidden.is_some_and(|h| h.hides(call, name)) {
            last_off = Some(off);
            at += reclen;
            continue;
        }
        let mut record = Vec::new();
        let mut put = |kind: Kind, value: u64| {
            let start = record.len();
            record.resize(start + kind.size(a), 0);
            write_int(a, kind, &mut record[start..], value);
        };
        match form {
            Dirent::New => {
                put(Kind::U64, ino);
                put(Kind::U64, off);
                let len = (NAME + name.len() + 1).next_multiple_of(8);
                put(Kind::U16, len as u64);
                record.push(kind);
                record.extend_from_slice(name);
                record.resize(len, 0);
            }
            Dirent::Old => {
                put(Kind::Ulong, ino);
                put(Kind::Ulong, off);
                let word = usize::from(a.abi.word);
                let len = (2 * word + 2 + name.len() + 2).next_multiple_of(word);
                put(Kind::U16, len as u64);
                record.extend_from_slice(name);
                record.resize(len, 0);
                record[len - 1] = kind;
            }
        }
        if out.len() + record.len() > size as usize {
            break;
        }
        out.extend_from_slice(&record);
        last_off = Some(off);
        at += reclen;
    }
    if at < n {
        let Some(off) = last_off else {
            return Err(crate::abi::Errno::EINVAL);
        };
        // What did not fit is read again next time.
        call.host(SYS_lseek, [fd, off, 0, 0, 0, 0])?;
    }
    call.write_bytes(buf, &out)?;
    Ok((n, out.len() as u64))
}
