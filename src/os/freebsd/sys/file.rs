//! Files that are open: reading, writing, positions, locks, descriptors.

use super::dir::change_mode_of_open;
use super::net::{kept, routing};
use super::{descriptors, pipe};
use crate::abi::{Errno, GuestStruct, GuestValue, Kind, OsAbi, SysResult, write_int};
use crate::host::nr::*;
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{ioctl, procinfo};
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::{Full, Partial},
    *,
};

const OPEN_LIMITS: &str = "O_EXEC: locks and times of the descriptor are EBADF, and what is looked up from it must be accessible then";

const IOVEC_OUT: ArgType = ArgType::Iovec(Dir::Out, Len::Arg(2));
const IOVEC_IN: ArgType = ArgType::Iovec(Dir::In, Len::Arg(2));

crate::syscalls! {
    read(fd: FD, buf: buf_out(2), nbyte: SIZE) -> NUM, Full, Handler(|c| { countable(c)?; let result = read_file(c); pipe::or_back(c, result, Dir::Out) });
    write(fd: FD, buf: buf_in(2), nbyte: SIZE) -> NUM, Full, Handler(write_any);
    readv(fd: FD, iovp: IOVEC_OUT, iovcnt: INT) -> NUM, Full, Handler(|c| { let result = pass(c, SYS_readv, true); pipe::or_back(c, result, Dir::Out) });
    writev(fd: FD, iovp: IOVEC_IN, iovcnt: INT) -> NUM, Full, Handler(|c| { routing::refuse_parts(c)?; let result = kept::write_vector(c); pipe::or_back(c, result, Dir::In) });
    pread(fd: FD, buf: buf_out(2), nbyte: SIZE, offset: OFFSET) -> NUM, Full, Handler(|c| { countable(c)?; pass(c, SYS_pread64, true) });
    pwrite(fd: FD, buf: buf_in(2), nbyte: SIZE, offset: OFFSET) -> NUM, Full, Handler(|c| { countable(c)?; pass(c, SYS_pwrite64, true) });
    preadv(fd: FD, iovp: IOVEC_OUT, iovcnt: INT, offset: OFFSET) -> NUM, Full, Handler(|c| vector_at(c, SYS_preadv, Dir::Out));
    pwritev(fd: FD, iovp: IOVEC_IN, iovcnt: INT, offset: OFFSET) -> NUM, Full, Handler(|c| vector_at(c, SYS_pwritev, Dir::In));
    lseek(fd: FD, offset: OFFSET, whence: one_of(&f::WHENCE)) -> WIDENUM, Full, Pass(SYS_lseek);
    open(path: PATH, flags: flags(&f::OPEN), mode: ArgType::By(|a, _| creation_mode(a[1]))) -> FDNUM, Partial(OPEN_LIMITS), Handler(|c| open_file(c, None, 0));
    openat(fd: DIRFD, path: PATH, flags: flags(&f::OPEN), mode: ArgType::By(|a, _| creation_mode(a[2]))) -> FDNUM, Partial(OPEN_LIMITS), Handler(|c| open_file(c, Some(0), 1));
    close(fd: FD) -> NUM, Full, Handler(descriptors::close);
    freebsd12_closefrom(lowfd: FD) -> NUM, Full, Handler(|c| close_from(c, c.int(0).max(0) as u64, u64::from(u32::MAX), 0));
    close_range(lowfd: UINT, highfd: UINT, flags: flags(&f::CLOSE_RANGE)) -> NUM, Full, Handler(|c| close_from(c, c.arg(0), c.arg(1), c.arg(2)));
    dup(fd: FD) -> FDNUM, Full, Handler(duplicate);
    dup2(from: FD, to: FD) -> FDNUM, Full, Handler(|c| duplicate_to(c, c.int(0), c.int(1), 0));
    freebsd10_pipe() -> FDNUM, Partial(pipe::LIMITS), Handler(pipe::create_old);
    pipe2(fildes: ints_of(Dir::Out, crate::abi::Kind::I32, crate::abi::Show::Fd, 2), flags: flags(&f::OPEN)) -> NUM, Partial(pipe::LIMITS), Handler(pipe::create);
    fcntl(fd: FD, cmd: one_of(&f::FCNTL), arg: ArgType::By(|a, _| fcntl_arg(a[1]))) -> NUM, Full, Handler(control);
    flock(fd: FD, how: flags(&f::FLOCK_OP)) -> NUM, Full, Wait(SYS_flock);
    fsync(fd: FD) -> NUM, Full, Wait(SYS_fsync);
    fdatasync(fd: FD) -> NUM, Full, Wait(SYS_fdatasync);
    sync() -> NUM, Full, Wait(SYS_sync);
    ftruncate(fd: FD, length: OFFSET) -> NUM, Full, Pass(SYS_ftruncate);
    truncate(path: PATH, length: OFFSET) -> NUM, Full, Handler(truncate_named);
    fchmod(fd: FD, mode: MODE) -> NUM, Full, Handler(change_mode_of_open);
    fchown(fd: FD, uid: INT, gid: INT) -> NUM, Full, Handler(change_owner);
    posix_fallocate(fd: FD, offset: OFFSET, len: OFFSET) -> NUM, Full, Handler(allocate);
    posix_fadvise(fd: FD, offset: OFFSET, len: OFFSET, advice: one_of(&f::FADVICE)) -> NUM, Full, Pass(SYS_fadvise64);
    copy_file_range(infd: FD, inoffp: OFFSET_PTR, outfd: FD, outoffp: OFFSET_PTR, len: SIZE, flags: HEX) -> NUM, Full, Handler(copy_range);
    fspacectl(fd: FD, cmd: one_of(&f::SPACECTL), rqsr: input::<SpaceRange>(), flags: HEX, rmsr: output::<SpaceRange>()) -> NUM, Full, Handler(free_space);
    freebsd6_pread(fd: FD, buf: buf_out(2), nbyte: SIZE, pad: INT, offset: OFFSET) -> NUM, Full, Handler(|c| c.at_offset(SYS_pread64, Dir::Out));
    freebsd6_pwrite(fd: FD, buf: buf_in(2), nbyte: SIZE, pad: INT, offset: OFFSET) -> NUM, Full, Handler(|c| c.at_offset(SYS_pwrite64, Dir::In));
    freebsd6_lseek(fd: FD, pad: INT, offset: OFFSET, whence: one_of(&f::WHENCE)) -> NUM, Full, Handler(|c| c.host(SYS_lseek, [c.arg(0), c.arg(2), c.arg(3), 0, 0, 0]));
    freebsd6_ftruncate(fd: FD, pad: INT, length: OFFSET) -> NUM, Full, Handler(|c| c.host(SYS_ftruncate, [c.arg(0), c.arg(2), 0, 0, 0, 0]));
    ioctl(fd: FD, com: ArgType::By(ioctl::request), data: ArgType::By(ioctl::argument)) -> NUM, Partial("requests: see --list ioctls --os freebsd"), Handler(ioctl::control);
}

const OFFSET_PTR: ArgType = ints_of(Dir::InOut, crate::abi::Kind::I64, crate::abi::Show::Dec, 1);

// sys/fcntl.h
const O_CREAT: u64 = 0x200;
const O_NOFOLLOW: u64 = 0x100;
const O_DIRECTORY: u64 = 0x2_0000;
const O_EXEC: u64 = 0x4_0000;
const O_EMPTY_PATH: u64 = 0x200_0000;
const O_SHLOCK: u64 = 0x10;
const O_EXLOCK: u64 = 0x20;
const O_NONBLOCK: u64 = 4;

/// Bytes of a transfer at most: `IOSIZE_MAX`, what `ssize_t` holds.
fn countable(call: &mut Call<'_>) -> SysResult<()> {
    let bits = 8 * u32::from(call.abi.abi.word);
    match call.arg(2) >> (bits - 1) {
        0 => Ok(()),
        _ => Err(Errno::EINVAL),
    }
}

/// `write`: to a socket that the host does not have as the guest does, or to any other file.
fn write_any(call: &mut Call<'_>) -> SysResult {
    countable(call)?;
    let special = routing::write(call).or_else(|| kept::write(call));
    let result = special.unwrap_or_else(|| write_file(call));
    pipe::or_back(call, result, Dir::In)
}

/// A path of the host's to what is open.
pub(super) fn path_of_open(call: &mut Call<'_>, fd: u64) -> SysResult<std::ffi::CString> {
    const F_GETFD: u64 = 1;
    call.host(SYS_fcntl, [fd, F_GETFD, 0, 0, 0, 0])?;
    cstring(format!("/proc/self/fd/{}", fd as i32))
}

/// `fchown`, also of a descriptor that was opened with O_EXEC: the host has no access by it.
fn change_owner(call: &mut Call<'_>) -> SysResult {
    const AT_EMPTY_PATH: u64 = 0x1000;
    let args = [
        call.arg(0),
        c"".as_ptr() as u64,
        call.arg(1),
        call.arg(2),
        AT_EMPTY_PATH,
        0,
    ];
    // Not the working folder, which AT_FDCWD would be.
    if call.int(0) < 0 {
        return Err(Errno::EBADF);
    }
    call.host(SYS_fchownat, args)
}

fn creation_mode(flags: u64) -> ArgType {
    if flags & O_CREAT != 0 {
        MODE
    } else {
        ArgType::Absent
    }
}

fn open_file(call: &mut Call<'_>, dir: Option<usize>, at: usize) -> SysResult {
    const AT_FDCWD: u64 = -100i64 as u64;
    const LOCK_SH: u64 = 1;
    const LOCK_EX: u64 = 2;
    const LOCK_NB: u64 = 4;
    const HOST_O_PATH: u64 = 0x20_0000;
    const HOST_O_NOCTTY: u64 = 0x100;
    // The host's.
    const X_OK: u64 = 1;
    const AT_EACCESS: u64 = 0x200;
    const AT_SYMLINK_NOFOLLOW: u64 = 0x100;
    const ACCESS: u64 = 3;
    let mut path = call.path(at)?;
    let wanted = call.arg(at + 1);
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    if wanted & ACCESS == ACCESS
        || wanted & O_EXEC != 0 && wanted & ACCESS != 0
        || wanted & (O_CREAT | O_DIRECTORY) == O_CREAT | O_DIRECTORY
    {
        return Err(Errno::EINVAL);
    }
    if path.is_empty() && wanted & O_EMPTY_PATH != 0 {
        // The file behind the descriptor, opened anew.
        path = cstring(format!("/proc/self/fd/{}", dir as i32))?;
    }
    // No terminal becomes the session's by being opened.
    let mut flags = call.host_flags(at + 1) | HOST_O_NOCTTY;
    let mode = if wanted & O_CREAT != 0 {
        call.arg(at + 2) & 0o7777
    } else {
        0
    };
    if wanted & O_EXEC != 0 {
        // The host's descriptor for no access at all, which does not ask whether the file may be executed.
        flags |= HOST_O_PATH;
        let follow = if wanted & O_NOFOLLOW != 0 {
            AT_SYMLINK_NOFOLLOW
        } else {
            0
        };
        // Whoever makes the file has what it asks for, whatever the mode.
        if !create_first(call, dir, &path, mode, wanted)? {
            let args = [dir, path.as_ptr() as u64, X_OK, AT_EACCESS | follow, 0, 0];
            call.host(SYS_faccessat2, args)?;
        }
    }
    let args = [dir, path.as_ptr() as u64, flags, mode, 0, 0];
    let fd = match call.host_wait(SYS_openat, args) {
        // FreeBSD's error for a symbolic link under O_NOFOLLOW.
        Err(Errno::ELOOP) if wanted & O_NOFOLLOW != 0 => return Err(Errno::EMLINK),
        other => other?,
    };
    if !call.found.is_empty() {
        // What is opened from a directory is limited as that is.
        super::capsicum::inherited(call, call.raw.args[0] as i32, fd as i32);
    }
    let lock = match wanted & (O_SHLOCK | O_EXLOCK) {
        0 => return Ok(fd),
        O_SHLOCK => LOCK_SH,
        _ => LOCK_EX,
    };
    let nonblocking = if wanted & O_NONBLOCK != 0 { LOCK_NB } else { 0 };
    match call.host_wait(SYS_flock, [fd, lock | nonblocking, 0, 0, 0, 0]) {
        Ok(_) => Ok(fd),
        Err(e) => {
            let _ = call.host(SYS_close, [fd, 0, 0, 0, 0, 0]);
            Err(e)
        }
    }
}

/// Makes the file of an `open` with O_EXEC and O_CREAT, as the host does not in one call; whether it is new.
fn create_first(
    call: &mut Call<'_>,
    dir: u64,
    path: &std::ffi::CStr,
    mode: u64,
    wanted: u64,
) -> SysResult<bool> {
    const O_EXCL: u64 = 0x800;
    // The host's O_CREAT | O_EXCL | O_CLOEXEC.
    const NEW: u64 = 0o100 | 0o200 | 0o2000000;
    if wanted & O_CREAT == 0 {
        return Ok(false);
    }
    match call.host(SYS_openat, [dir, path.as_ptr() as u64, NEW, mode, 0, 0]) {
        Ok(fd) => call.host(SYS_close, [fd, 0, 0, 0, 0, 0]).map(|_| true),
        Err(Errno::EEXIST) if wanted & O_EXCL == 0 => Ok(false),
        Err(e) => Err(e),
    }
}

fn duplicate(call: &mut Call<'_>) -> SysResult {
    let copy = pass(call, SYS_dup, false)?;
    descriptors::copied(call, call.int(0), copy as i32);
    Ok(copy)
}

/// `dup2`: what was open under the new number is closed.
fn duplicate_to(call: &mut Call<'_>, from: i32, to: i32, flags: u64) -> SysResult {
    const F_GETFD: u64 = 1;
    if crate::host::fd::is_own(to) {
        return Err(Errno::EBADF);
    }
    call.host(SYS_fcntl, [from as u64, F_GETFD, 0, 0, 0, 0])?;
    if from == to {
        return Ok(to as u64);
    }
    descriptors::closing(call, to, to);
    let args = [from as u64, to as u64, flags, 0, 0, 0];
    let result = call.host(SYS_dup3, args)?;
    descriptors::copied(call, from, to);
    Ok(result)
}

fn close_from(call: &mut Call<'_>, first: u64, last: u64, flags: u64) -> SysResult {
    if first > last {
        return Err(Errno::EINVAL);
    }
    descriptors::close_range(call, first, last, flags)
}

/// What is no file has no length to change: FreeBSD does nothing then.
fn truncate_named(call: &mut Call<'_>) -> SysResult {
    use std::os::unix::{ffi::OsStrExt, fs::FileTypeExt};
    let result = pass(call, SYS_truncate, false);
    if result != Err(Errno::EINVAL) || (call.arg(1) as i64) < 0 {
        return result;
    }
    let path = call.path(0)?;
    let meta = std::fs::metadata(std::ffi::OsStr::from_bytes(path.as_bytes()));
    let kind = meta.map_err(|e| Errno(e.raw_os_error().unwrap_or(2)))?;
    match kind.file_type().is_fifo() || kind.file_type().is_char_device() {
        true => Ok(0),
        false => result,
    }
}

fn allocate(call: &mut Call<'_>) -> SysResult {
    // It returns the error number rather than setting errno.
    match call.host_wait(
        SYS_fallocate,
        [call.arg(0), 0, call.arg(1), call.arg(2), 0, 0],
    ) {
        Ok(_) => Ok(0),
        Err(e) if e == crate::process::ERESTARTSYS => Err(e),
        Err(e) => Ok(e.to_guest(call.abi.dialect).into()),
    }
}

impl Call<'_> {
    /// `pread` and `pwrite` of FreeBSD 6, which have a word of padding.
    fn at_offset(&mut self, number: i64, dir: Dir) -> SysResult {
        let buf = self.lend(self.arg(1), self.arg(2), dir, dir.writes())?;
        let args = [self.arg(0), buf, self.arg(2), self.arg(4), 0, 0];
        self.host_wait(number, args)
    }
}

/// Across file systems, and where the host cannot do it, the bytes are copied.
fn copy_range(call: &mut Call<'_>) -> SysResult {
    /// COPY_FILE_RANGE_CLONE
    const CLONE: u64 = 0x80_0000;
    const AT_ONCE: u64 = 1 << 20;
    match call.arg(5) {
        0 => {}
        CLONE => return Err(Errno::EOPNOTSUPP),
        _ => return Err(Errno::EINVAL),
    }
    match pass(call, SYS_copy_file_range, true) {
        Err(Errno::EXDEV | Errno::EOPNOTSUPP | Errno::ENOSYS) => {}
        other => return other,
    }
    let mut bytes = vec![0u8; call.arg(4).min(AT_ONCE) as usize];
    let offset = |at: u64| match at {
        0 => Ok(None),
        at => call.read_int(at, crate::abi::Kind::I64).map(Some),
    };
    let (from, to) = (offset(call.arg(1))?, offset(call.arg(3))?);
    let moved =
        |call: &mut Call<'_>, fd: u64, at: Option<u64>, numbers: (i64, i64), len: u64, buf: u64| {
            match at {
                Some(at) => call.host_wait(numbers.0, [fd, buf, len, at, 0, 0]),
                None => call.host_wait(numbers.1, [fd, buf, len, 0, 0, 0]),
            }
        };
    let (infd, outfd, len) = (call.arg(0), call.arg(2), bytes.len() as u64);
    let buf = bytes.as_mut_ptr() as u64;
    let read = moved(call, infd, from, (SYS_pread64, SYS_read), len, buf)?;
    let written = moved(call, outfd, to, (SYS_pwrite64, SYS_write), read, buf)?;
    for (at, before) in [(call.arg(1), from), (call.arg(3), to)] {
        if let Some(before) = before {
            call.write_int(at, crate::abi::Kind::I64, before + written)?;
        }
    }
    Ok(written)
}

/// Makes a hole. What is left to do comes back: nothing, or what lies beyond the end of the file.
fn free_space(call: &mut Call<'_>) -> SysResult {
    const SPACECTL_DEALLOC: i32 = 1;
    /// FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE
    const PUNCH: u64 = 3;
    let range: SpaceRange = call.read_struct(call.arg(2))?;
    let bad =
        range.r_offset < 0 || range.r_len <= 0 || range.r_offset.checked_add(range.r_len).is_none();
    if call.int(1) != SPACECTL_DEALLOC || call.arg(3) != 0 || bad {
        return Err(Errno::EINVAL);
    }
    let (offset, len) = (range.r_offset as u64, range.r_len as u64);
    call.host_wait(SYS_fallocate, [call.arg(0), PUNCH, offset, len, 0, 0])?;
    if call.arg(4) != 0 {
        let meta = std::fs::metadata(format!("/proc/self/fd/{}", call.int(0)));
        let end = (offset + len).min(meta.map_or(u64::MAX, |m| m.len()).max(offset));
        let rest = SpaceRange {
            r_offset: end as i64,
            r_len: 0,
        };
        call.write_struct(call.arg(4), &rest)?;
    }
    Ok(0)
}

fn vector_at(call: &mut Call<'_>, number: i64, dir: Dir) -> SysResult {
    let n = call.arg(2);
    if n > 1024 {
        return Err(Errno::EINVAL);
    }
    let iov = host_iovecs(call, call.arg(1), n, dir)?;
    call.host_wait(
        number,
        [call.arg(0), iov.as_ptr() as u64, n, call.arg(3), 0, 0],
    )
}

/// Commands of `fcntl` (`sys/fcntl.h`).
mod cmd {
    pub const DUPFD: u64 = 0;
    pub const GETFD: u64 = 1;
    pub const SETFD: u64 = 2;
    pub const GETFL: u64 = 3;
    pub const SETFL: u64 = 4;
    pub const GETOWN: u64 = 5;
    pub const SETOWN: u64 = 6;
    pub const OGETLK: u64 = 7;
    pub const OSETLK: u64 = 8;
    pub const OSETLKW: u64 = 9;
    pub const DUP2FD: u64 = 10;
    pub const GETLK: u64 = 11;
    pub const SETLK: u64 = 12;
    pub const SETLKW: u64 = 13;
    pub const SETLK_REMOTE: u64 = 14;
    pub const DUPFD_CLOEXEC: u64 = 17;
    pub const DUP2FD_CLOEXEC: u64 = 18;
    pub const READAHEAD: u64 = 15;
    pub const RDAHEAD: u64 = 16;
    pub const ADD_SEALS: u64 = 19;
    pub const ISUNIONSTACK: u64 = 21;
    pub const GET_SEALS: u64 = 20;
    pub const KINFO: u64 = 22;
}

fn fcntl_arg(command: u64) -> ArgType {
    match command {
        cmd::DUPFD | cmd::DUPFD_CLOEXEC | cmd::DUP2FD | cmd::DUP2FD_CLOEXEC => FD,
        cmd::SETFD => flags(&f::FD_FLAGS),
        cmd::SETFL => flags(&f::OPEN),
        cmd::SETOWN => INT,
        cmd::SETLK | cmd::SETLKW => input::<Flock>(),
        cmd::GETLK => inout::<Flock>(),
        cmd::OSETLK | cmd::OSETLKW => input::<Oflock>(),
        cmd::OGETLK => inout::<Oflock>(),
        cmd::KINFO => ADDR,
        cmd::GETFD | cmd::GETFL | cmd::GETOWN | cmd::GET_SEALS => ArgType::Absent,
        _ => BITS,
    }
}

fn control(call: &mut Call<'_>) -> SysResult {
    // linux/fcntl.h
    const F_SETOWN: u64 = 8;
    const F_GETOWN: u64 = 9;
    const F_GETLK: u64 = 5;
    const F_SETLK: u64 = 6;
    const F_SETLKW: u64 = 7;
    const F_DUPFD_CLOEXEC: u64 = 1030;
    const F_ADD_SEALS: u64 = 1033;
    const F_GET_SEALS: u64 = 1034;
    const O_CLOEXEC: u64 = 0x80000;
    const O_ACCMODE: u64 = 3;
    const O_RDWR: u64 = 2;
    let (fd, command, arg) = (call.arg(0), call.arg(1), call.arg(2));
    let mut fcntl = |command: u64, arg: u64| call.host(SYS_fcntl, [fd, command, arg, 0, 0, 0]);
    match command {
        cmd::DUPFD | cmd::DUPFD_CLOEXEC => {
            let copy = fcntl(
                if command == cmd::DUPFD {
                    0
                } else {
                    F_DUPFD_CLOEXEC
                },
                arg,
            )?;
            descriptors::copied(call, fd as i32, copy as i32);
            Ok(copy)
        }
        cmd::GETFD | cmd::SETFD => fcntl(command, arg),
        cmd::GETFL => {
            let host = match fcntl(command, 0)? {
                host if pipe::end(call, fd as i32).is_some() => host & !O_ACCMODE | O_RDWR,
                host => host,
            };
            Ok(f::OPEN.to_guest(call.abi.dialect, host))
        }
        cmd::SETFL => {
            // What cannot be set is not looked at (FCNTLFLAGS), and O_DIRECT only where it means something.
            const SETTABLE: u64 = 0x4 | 0x8 | 0x40 | 0x80 | O_DIRECT;
            const O_DIRECT: u64 = 0x1_0000;
            let host = |arg: u64| f::OPEN.to_host(crate::abi::Dialect::FreeBsd, arg & SETTABLE);
            match fcntl(command, host(arg)) {
                Err(Errno::EINVAL) if arg & O_DIRECT != 0 => fcntl(command, host(arg & !O_DIRECT)),
                other => other,
            }
        }
        cmd::GETOWN => fcntl(F_GETOWN, 0),
        cmd::SETOWN => fcntl(F_SETOWN, arg),
        cmd::DUP2FD => duplicate_to(call, fd as i32, arg as i32, 0),
        cmd::DUP2FD_CLOEXEC if arg == fd => fcntl(cmd::SETFD, 1).map(|_| fd),
        cmd::DUP2FD_CLOEXEC => duplicate_to(call, fd as i32, arg as i32, O_CLOEXEC),
        cmd::ADD_SEALS => fcntl(F_ADD_SEALS, arg),
        cmd::GET_SEALS => fcntl(F_GET_SEALS, 0),
        // How much is read ahead is the host's affair.
        cmd::READAHEAD | cmd::RDAHEAD => fcntl(cmd::GETFD, 0).map(|_| 0),
        // The host has no union file systems of this kind.
        cmd::ISUNIONSTACK => fcntl(cmd::GETFD, 0).map(|_| 0),
        cmd::GETLK => lock::<Flock>(call, F_GETLK, false),
        cmd::SETLK => lock::<Flock>(call, F_SETLK, false),
        cmd::SETLKW => lock::<Flock>(call, F_SETLKW, true),
        cmd::OGETLK => lock::<Oflock>(call, F_GETLK, false),
        cmd::OSETLK => lock::<Oflock>(call, F_SETLK, false),
        cmd::OSETLKW => lock::<Oflock>(call, F_SETLKW, true),
        // For the superuser's daemon of NFS.
        cmd::SETLK_REMOTE => fcntl(cmd::GETFD, 0).and(Err(Errno::EPERM)),
        cmd::KINFO => describe(call, fd as i32),
        _ => {
            let name = f::FCNTL.fields[0].values.iter().find(|v| v.host == command);
            call.unimplemented(&format!(
                "fcntl {} ({command})",
                name.map_or("command", |v| v.name)
            ));
            Err(Errno::EINVAL)
        }
    }
}

/// `struct kinfo_file` of a descriptor, whose first word says how large it is.
fn describe(call: &mut Call<'_>, fd: i32) -> SysResult {
    const KINFO_FILE_SIZE: usize = 1392;
    let at = call.arg(2);
    if call.read_int(at, Kind::I32)? != KINFO_FILE_SIZE as u64 {
        return Err(Errno::EINVAL);
    }
    let entry = procinfo::descriptor(call.abi, crate::host::pid(), fd).ok_or(Errno::EBADF)?;
    let mut whole = vec![0; KINFO_FILE_SIZE];
    whole[..entry.len()].copy_from_slice(&entry);
    write_int(call.abi, Kind::I32, &mut whole, KINFO_FILE_SIZE as u64);
    call.write_bytes(at, &whole)?;
    Ok(0)
}

fn lock<T: GuestStruct + GuestValue>(call: &mut Call<'_>, command: u64, wait: bool) -> SysResult {
    let at = call.arg(2);
    let mut lock: T = call.read_struct(at)?;
    let mut host = vec![0; T::DESC.size(OsAbi::HOST)];
    lock.to_host(&mut host);
    let args = [call.arg(0), command, host.as_mut_ptr() as u64, 0, 0, 0];
    let result = if wait {
        call.host_wait(SYS_fcntl, args)?
    } else {
        call.host(SYS_fcntl, args)?
    };
    if command == 5 {
        lock = T::from_host(&host);
        call.write_struct(at, &lock)?;
    }
    Ok(result)
}
