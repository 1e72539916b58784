//! Files that are open: reading, writing, positions, locks, descriptors.

use super::ioctl;
use crate::abi::{Dialect, Errno, GuestStruct, Kind, OsAbi, Show, SysResult};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass, Wait},
    Support::{Full, Missing, Partial},
    *,
};
use crate::os::{host_iovecs, pass_as};

const IOVEC_OUT: ArgType = ArgType::Iovec(Dir::Out, Len::Arg(2));
const IOVEC_IN: ArgType = ArgType::Iovec(Dir::In, Len::Arg(2));
const LOFF_PTR: ArgType = ints_of(Dir::InOut, Kind::I64, Show::Dec, 1);

crate::syscalls! {
    read(fd: FD, buf: buf_out(2), count: SIZE) -> NUM, Full, Handler(read_file);
    write(fd: FD, buf: buf_in(2), count: SIZE) -> NUM, Full, Handler(write_file);
    readv(fd: FD, iov: IOVEC_OUT, iovcnt: INT) -> NUM, Full, Wait(SYS_readv);
    writev(fd: FD, iov: IOVEC_IN, iovcnt: INT) -> NUM, Full, Wait(SYS_writev);
    pread64(fd: FD, buf: buf_out(2), count: SIZE, offset: OFFSET) -> NUM, Full, Wait(SYS_pread64);
    pwrite64(fd: FD, buf: buf_in(2), count: SIZE, offset: OFFSET) -> NUM, Full, Wait(SYS_pwrite64);
    preadv(fd: FD, iov: IOVEC_OUT, iovcnt: INT, pos_l: ULONG, pos_h: ULONG) -> NUM, Full, Handler(|c| vector_at(c, SYS_preadv, Dir::Out));
    pwritev(fd: FD, iov: IOVEC_IN, iovcnt: INT, pos_l: ULONG, pos_h: ULONG) -> NUM, Full, Handler(|c| vector_at(c, SYS_pwritev, Dir::In));
    preadv2(fd: FD, iov: IOVEC_OUT, iovcnt: INT, pos_l: ULONG, pos_h: ULONG, flags: flags(&f::RWF)) -> NUM, Full, Handler(|c| vector_at(c, SYS_preadv2, Dir::Out));
    pwritev2(fd: FD, iov: IOVEC_IN, iovcnt: INT, pos_l: ULONG, pos_h: ULONG, flags: flags(&f::RWF)) -> NUM, Full, Handler(|c| vector_at(c, SYS_pwritev2, Dir::In));
    sendfile(out_fd: FD, in_fd: FD, offset: ints_of(Dir::InOut, Kind::Long, Show::Dec, 1), count: SIZE) -> NUM, Full, Wait(SYS_sendfile);
    sendfile64(out_fd: FD, in_fd: FD, offset: LOFF_PTR, count: SIZE) -> NUM, Full, Wait(SYS_sendfile);
    splice(fd_in: FD, off_in: LOFF_PTR, fd_out: FD, off_out: LOFF_PTR, len: SIZE, flags: flags(&f::SPLICE)) -> NUM, Full, Wait(SYS_splice);
    tee(fd_in: FD, fd_out: FD, len: SIZE, flags: flags(&f::SPLICE)) -> NUM, Full, Wait(SYS_tee);
    vmsplice(fd: FD, iov: IOVEC_IN, nr_segs: SIZE, flags: flags(&f::SPLICE)) -> NUM, Full, Wait(SYS_vmsplice);
    copy_file_range(fd_in: FD, off_in: LOFF_PTR, fd_out: FD, off_out: LOFF_PTR, len: SIZE, flags: HEX) -> NUM, Full, Wait(SYS_copy_file_range);
    lseek(fd: FD, offset: LONG, whence: one_of(&f::WHENCE)) -> NUM, Full, Handler(seek);
    _llseek(fd: FD, offset_high: ULONG, offset_low: ULONG, result: ints_of(Dir::Out, Kind::I64, Show::Dec, 1), whence: one_of(&f::WHENCE)) -> NUM, Full, Handler(seek_far);

    openat(dirfd: DIRFD, pathname: PATH, flags: flags(&f::OPEN), mode: ArgType::By(|a, g| creation_mode(a[2], g))) -> FDNUM, Full, Handler(|c| open_file(c, Some(0), 1, c.host_flags(2), c.arg(3)));
    open(pathname: PATH, flags: flags(&f::OPEN), mode: ArgType::By(|a, g| creation_mode(a[1], g))) -> FDNUM, Full, Handler(|c| open_file(c, None, 0, c.host_flags(1), c.arg(2)));
    creat(pathname: PATH, mode: MODE) -> FDNUM, Full, Handler(|c| open_file(c, None, 0, O_CREAT_WRONLY_TRUNC, c.arg(1)));
    openat2(dirfd: DIRFD, pathname: PATH, how: input::<OpenHow>(), size: SIZE) -> FDNUM, Full, Handler(open_how);
    close(fd: FD) -> NUM, Full, Pass(SYS_close);
    close_range(first: UINT, last: UINT, flags: flags(&f::CLOSE_RANGE)) -> NUM, Full, Handler(|c| crate::host::fd::close_range(c.arg(0), c.arg(1), c.host_flags(2)));
    dup(oldfd: FD) -> FDNUM, Full, Pass(SYS_dup);
    dup2(oldfd: FD, newfd: FD) -> FDNUM, Full, Pass(SYS_dup2);
    dup3(oldfd: FD, newfd: FD, flags: flags(&f::OPEN)) -> FDNUM, Full, Pass(SYS_dup3);
    pipe(fds: ints_of(Dir::Out, Kind::I32, Show::Fd, 2)) -> NUM, Full, Handler(make_pipe);
    pipe2(fds: ints_of(Dir::Out, Kind::I32, Show::Fd, 2), flags: flags(&f::OPEN)) -> NUM, Full, Pass(SYS_pipe2);
    fcntl(fd: FD, cmd: one_of(&FCNTL_CMD), arg: ArgType::By(fcntl_arg)) -> NUM, Full, Handler(control);
    fcntl64(fd: FD, cmd: one_of(&FCNTL_CMD), arg: ArgType::By(fcntl_arg)) -> NUM, Full, Handler(control);
    flock(fd: FD, operation: flags(&f::FLOCK_OP)) -> NUM, Full, Wait(SYS_flock);
    fsync(fd: FD) -> NUM, Full, Wait(SYS_fsync);
    fdatasync(fd: FD) -> NUM, Full, Wait(SYS_fdatasync);
    sync() -> NUM, Full, Wait(SYS_sync);
    syncfs(fd: FD) -> NUM, Full, Wait(SYS_syncfs);
    sync_file_range(fd: FD, offset: OFFSET, nbytes: OFFSET, flags: flags(&f::SYNC_RANGE)) -> NUM, Full, Wait(SYS_sync_file_range);
    truncate(path: PATH, length: LONG) -> NUM, Full, Pass(SYS_truncate);
    truncate64(path: PATH, length: OFFSET) -> NUM, Full, Pass(SYS_truncate);
    ftruncate(fd: FD, length: LONG) -> NUM, Full, Pass(SYS_ftruncate);
    ftruncate64(fd: FD, length: OFFSET) -> NUM, Full, Pass(SYS_ftruncate);
    fallocate(fd: FD, mode: flags(&f::FALLOCATE), offset: OFFSET, len: OFFSET) -> NUM, Full, Wait(SYS_fallocate);
    fadvise64(fd: FD, offset: OFFSET, len: OFFSET, advice: one_of(&f::FADVICE)) -> NUM, Full, Pass(SYS_fadvise64);
    readahead(fd: FD, offset: OFFSET, count: SIZE) -> NUM, Full, Wait(SYS_readahead);
    memfd_create(name: STR, flags: flags(&f::MEMFD)) -> FDNUM, Full, Pass(SYS_memfd_create);
    cachestat(fd: FD, range: ints_of(Dir::In, Kind::U64, Show::Dec, 2), stat: ints_of(Dir::Out, Kind::U64, Show::Dec, 5), flags: HEX) -> NUM, Full, Pass(SYS_cachestat);
    vhangup() -> NUM, Full, Pass(SYS_vhangup);

    fstat(fd: FD, statbuf: output::<Stat>()) -> NUM, Full, Pass(SYS_fstat);
    fstat64(fd: FD, statbuf: output::<Stat64>()) -> NUM, Full, Pass(SYS_fstat);
    fstatfs(fd: FD, buf: output::<Statfs>()) -> NUM, Full, Pass(SYS_fstatfs);
    fstatfs64(fd: FD, size: SIZE, buf: output::<Statfs64>()) -> NUM, Full, Handler(|c| stat_fs64(c, SYS_fstatfs));
    statfs64(path: PATH, size: SIZE, buf: output::<Statfs64>()) -> NUM, Full, Handler(|c| stat_fs64(c, SYS_statfs));
    fchmod(fd: FD, mode: MODE) -> NUM, Full, Pass(SYS_fchmod);
    fchown(fd: FD, owner: INT, group: INT) -> NUM, Full, Pass(SYS_fchown);
    fsetxattr(fd: FD, name: STR, value: buf_in(3), size: SIZE, flags: flags(&f::XATTR)) -> NUM, Full, Pass(SYS_fsetxattr);
    fgetxattr(fd: FD, name: STR, value: buf_out(3), size: SIZE) -> NUM, Full, Pass(SYS_fgetxattr);
    flistxattr(fd: FD, list: buf_out(2), size: SIZE) -> NUM, Full, Pass(SYS_flistxattr);
    fremovexattr(fd: FD, name: STR) -> NUM, Full, Pass(SYS_fremovexattr);
    ioctl(fd: FD, request: ArgType::Value(Kind::U32, Show::Flags(&ioctl::NAMES)), arg: ArgType::By(ioctl::argument)) -> NUM, Partial("requests: see --list ioctls"), Handler(ioctl::control);

    io_setup(nr_events: UINT, ctx: ADDR) -> NUM, Missing, Run::Missing;
    io_destroy(ctx: BITS) -> NUM, Missing, Run::Missing;
    io_submit(ctx: BITS, nr: LONG, iocbs: ADDR) -> NUM, Missing, Run::Missing;
    io_cancel(ctx: BITS, iocb: ADDR, result: ADDR) -> NUM, Missing, Run::Missing;
    io_getevents(ctx: BITS, min_nr: LONG, nr: LONG, events: ADDR, timeout: input::<Timespec>()) -> NUM, Missing, Run::Missing;
    io_pgetevents(ctx: BITS, min_nr: LONG, nr: LONG, events: ADDR, timeout: input::<Timespec>(), sig: ADDR) -> NUM, Missing, Run::Missing;
    io_pgetevents_time64(ctx: BITS, min_nr: LONG, nr: LONG, events: ADDR, timeout: input::<Timespec64>(), sig: ADDR) -> NUM, Missing, Run::Missing;
    io_uring_setup(entries: UINT, params: ADDR) -> FDNUM, Missing, Run::Missing;
    io_uring_enter(fd: FD, to_submit: UINT, min_complete: UINT, flags: HEX, arg: ADDR, argsz: SIZE) -> NUM, Missing, Run::Missing;
    io_uring_register(fd: FD, opcode: UINT, arg: ADDR, nr_args: UINT) -> NUM, Missing, Run::Missing;
}

const O_CREAT_WRONLY_TRUNC: u64 = 0o1101;

fn vector_at(call: &mut Call<'_>, number: i64, dir: Dir) -> SysResult {
    let n = call.arg(2);
    if n > 1024 {
        return Err(Errno::EINVAL);
    }
    // A 32-bit guest passes the position in halves, low first in either byte order.
    let pos = if call.abi.abi.is_32bit() {
        call.arg(4) << 32 | call.arg(3)
    } else {
        call.arg(3)
    };
    let iov = host_iovecs(call, call.arg(1), n, dir)?;
    let args = [call.arg(0), iov.as_ptr() as u64, n, pos, 0, call.arg(5)];
    call.host_wait(number, args)
}

fn seek(call: &mut Call<'_>) -> SysResult {
    let args = [call.arg(0), call.arg(1), call.arg(2), 0, 0, 0];
    let at = call.host(SYS_lseek, args)?;
    if call.abi.abi.is_32bit() && i32::try_from(at).is_err() {
        return Err(Errno::EOVERFLOW);
    }
    Ok(at)
}

fn seek_far(call: &mut Call<'_>) -> SysResult {
    let offset = call.arg(1) << 32 | call.arg(2);
    let at = call.host(SYS_lseek, [call.arg(0), offset, call.arg(4), 0, 0, 0])?;
    call.write_int(call.arg(3), Kind::I64, at)?;
    Ok(0)
}

/// Opens argument `path`, relative to argument `dirfd` if that is given.
pub fn open_file(
    call: &mut Call<'_>,
    dirfd: Option<usize>,
    path: usize,
    flags: u64,
    mode: u64,
) -> SysResult {
    let name = call.read_str(call.arg(path))?;
    if let Some(file) = crate::os::own_proc_file(name.as_bytes()) {
        if let Some(text) = crate::os::linux::procfs::content(&call.thread.process, file) {
            return crate::os::linux::procfs::open(call, &text, flags);
        }
        if crate::os::linux::procfs::is_of_the_host(file) {
            call.unimplemented(&format!("/proc/self/{}", String::from_utf8_lossy(file)));
            return Err(Errno::EACCES);
        }
    } else if let Some(text) = crate::os::linux::procfs::system_file(call, name.as_bytes()) {
        return crate::os::linux::procfs::open(call, &text, flags);
    }
    let name = call.resolve(name);
    let dirfd = dirfd.map_or(AT_FDCWD, |n| call.arg(n));
    call.host_wait(SYS_openat, [dirfd, name.as_ptr() as u64, flags, mode, 0, 0])
}

/// `AT_FDCWD`
const AT_FDCWD: u64 = -100i64 as u64;

fn open_how(call: &mut Call<'_>) -> SysResult {
    let size = OpenHow::DESC.size(call.abi) as u64;
    if call.arg(3) < size {
        return Err(Errno::EINVAL);
    }
    // A longer structure is one of a newer kernel: fine as long as nothing that this one doesn't know is asked for.
    if call.arg(3) > size {
        let rest = call.read_bytes(
            call.arg(2).wrapping_add(size),
            (call.arg(3) - size).min(4096),
        )?;
        if rest.iter().any(|&b| b != 0) {
            return Err(Errno::E2BIG);
        }
    }
    let how: OpenHow = call.read_struct(call.arg(2))?;
    if how.resolve == 0 {
        return open_file(call, Some(0), 1, how.flags, how.mode);
    }
    let path = call.path(1)?;
    let mut host = [0; 24];
    crate::abi::GuestValue::to_host(&how, &mut host);
    let args = [
        call.arg(0),
        path.as_ptr() as u64,
        host.as_ptr() as u64,
        24,
        0,
        0,
    ];
    call.host_wait(SYS_openat2, args)
}

fn make_pipe(call: &mut Call<'_>) -> SysResult {
    let mut fds = [0u8; 8];
    call.host(SYS_pipe2, [fds.as_mut_ptr() as u64, 0, 0, 0, 0, 0])?;
    let fd = |i: usize| {
        u64::from(u32::from_le_bytes([
            fds[i],
            fds[i + 1],
            fds[i + 2],
            fds[i + 3],
        ]))
    };
    if call.abi.dialect == Dialect::Mips {
        // MIPS returns the pair in v0 and v1 and doesn't look at the argument.
        call.outcome = Some(crate::process::Outcome::ReturnPair(fd(0), fd(4)));
        return Ok(fd(0));
    }
    call.write_int(call.arg(0), Kind::I32, fd(0))?;
    call.write_int(call.arg(0).wrapping_add(4), Kind::I32, fd(4))?;
    Ok(0)
}

fn stat_fs64(call: &mut Call<'_>, number: i64) -> SysResult {
    if call.arg(1) != Statfs64::DESC.size(call.abi) as u64 {
        return Err(Errno::EINVAL);
    }
    let path;
    let what = if number == SYS_statfs {
        path = call.path(0)?;
        path.as_ptr() as u64
    } else {
        call.arg(0)
    };
    let mut host = vec![0; Statfs64::DESC.size(OsAbi::HOST)];
    call.host(number, [what, host.as_mut_ptr() as u64, 0, 0, 0, 0])?;
    let stat: Statfs64 = crate::abi::GuestValue::from_host(&host);
    call.write_struct(call.arg(2), &stat)?;
    Ok(0)
}

crate::flags! {
    /// `fcntl` commands.
    pub enum FCNTL_CMD, "F_" [Mips] {
        F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETLK = 5 (Mips 14), F_SETLK = 6, F_SETLKW = 7,
        F_SETOWN = 8 (Mips 24), F_GETOWN = 9 (Mips 23), F_SETSIG = 10, F_GETSIG = 11, F_GETLK64 = 12 (Mips 33),
        F_SETLK64 = 13 (Mips 34), F_SETLKW64 = 14 (Mips 35), F_SETOWN_EX = 15, F_GETOWN_EX = 16, F_OFD_GETLK = 36,
        F_OFD_SETLK = 37, F_OFD_SETLKW = 38, F_SETLEASE = 1024, F_GETLEASE = 1025, F_NOTIFY = 1026, F_DUPFD_CLOEXEC = 1030,
        F_SETPIPE_SZ = 1031, F_GETPIPE_SZ = 1032, F_ADD_SEALS = 1033, F_GET_SEALS = 1034, F_GET_RW_HINT = 1035,
        F_SET_RW_HINT = 1036, F_GET_FILE_RW_HINT = 1037, F_SET_FILE_RW_HINT = 1038,
    }
}

/// The type of `fcntl`'s third argument.
fn fcntl_arg(args: &[u64], a: OsAbi) -> ArgType {
    match FCNTL_CMD.name_of(a.dialect, args[1]).unwrap_or("") {
        "F_SETFD" => flags(&f::FD_FLAGS),
        "F_SETFL" => flags(&f::OPEN),
        "F_GETLK" => inout::<Flock>(),
        "F_SETLK" | "F_SETLKW" => input::<Flock>(),
        "F_GETLK64" | "F_OFD_GETLK" => inout::<Flock64>(),
        "F_SETLK64" | "F_SETLKW64" | "F_OFD_SETLK" | "F_OFD_SETLKW" => input::<Flock64>(),
        "F_SETSIG" => SIGNAL,
        "F_SETOWN_EX" => input::<FOwnerEx>(),
        "F_GETOWN_EX" => output::<FOwnerEx>(),
        "F_ADD_SEALS" => flags(&f::SEALS),
        "F_SETLEASE" => one_of(&f::LOCK_TYPE),
        "F_GET_RW_HINT" | "F_GET_FILE_RW_HINT" => ints_of(Dir::Out, Kind::U64, Show::Dec, 1),
        "F_SET_RW_HINT" | "F_SET_FILE_RW_HINT" => ints_of(Dir::In, Kind::U64, Show::Dec, 1),
        "F_DUPFD" | "F_DUPFD_CLOEXEC" | "F_SETOWN" | "F_SETPIPE_SZ" | "F_NOTIFY" => INT,
        "" => ULONG,
        _ => ArgType::Absent,
    }
}

/// `open` has a mode only if it may create a file.
fn creation_mode(flags: u64, a: OsAbi) -> ArgType {
    const O_CREAT: u64 = 0o100;
    /// Without O_DIRECTORY, which is part of the constant in the headers.
    const O_TMPFILE: u64 = 0o20000000;
    if f::OPEN.to_host(a.dialect, flags) & (O_CREAT | O_TMPFILE) != 0 {
        MODE
    } else {
        ArgType::Absent
    }
}

fn control(call: &mut Call<'_>) -> SysResult {
    let Some(name) = FCNTL_CMD.name_of(call.abi.dialect, call.arg(1)) else {
        call.unimplemented(&format!("command {:#x}", call.arg(1)));
        return Err(Errno::EINVAL);
    };
    // The host's `struct flock` is the 64-bit one, and x86-64 has no commands for another.
    let cmd = match name {
        "F_GETLK64" => 5,
        "F_SETLK64" => 6,
        "F_SETLKW64" => 7,
        _ => call.host_flags(1),
    };
    let wait = matches!(name, "F_SETLKW" | "F_SETLKW64" | "F_OFD_SETLKW");
    let ty = fcntl_arg(&call.args, call.abi);
    let args = [call.arg(0), cmd, call.arg(2), 0, 0, 0];
    let result = pass_as(call, SYS_fcntl, wait, args, 2, ty)?;
    Ok(match name {
        "F_GETFL" => f::OPEN.to_guest(call.abi.dialect, result),
        "F_GETSIG" => Show::Signal.convert(result, OsAbi::HOST, call.abi),
        _ => result,
    })
}
