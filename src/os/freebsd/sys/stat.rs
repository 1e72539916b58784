//! What is known of a file: `stat` and its like in the layouts of FreeBSD 12 and 11. `st_gen` is 0, as for all but the superuser.

mod chflags;

use super::{pipe, procdesc};
use crate::abi::{Errno, GuestStruct, Long, SysResult};
use crate::host::nr::*;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{flags as f, procinfo};
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Partial},
    *,
};

crate::syscalls! {
    fstat(fd: FD, sb: output::<Stat>()) -> NUM, Full, Handler(of_descriptor::<Stat>);
    fstatat(fd: DIRFD, path: PATH, buf: output::<Stat>(), flag: flags(&f::AT)) -> NUM, Full, Handler(|c| of_path::<Stat>(c, Some(0), c.arg(3)));
    freebsd11_stat(path: PATH, ub: output::<Stat11>()) -> NUM, Full, Handler(|c| of_path::<Stat11>(c, None, 0));
    freebsd11_lstat(path: PATH, ub: output::<Stat11>()) -> NUM, Full, Handler(|c| of_path::<Stat11>(c, None, NOFOLLOW));
    freebsd11_fstat(fd: FD, sb: output::<Stat11>()) -> NUM, Full, Handler(of_descriptor::<Stat11>);
    freebsd11_fstatat(fd: DIRFD, path: PATH, buf: output::<Stat11>(), flag: flags(&f::AT)) -> NUM, Full, Handler(|c| of_path::<Stat11>(c, Some(0), c.arg(3)));
    freebsd11_nstat(path: PATH, ub: output::<NStat>()) -> NUM, Full, Handler(|c| of_path::<NStat>(c, None, 0));
    freebsd11_nlstat(path: PATH, ub: output::<NStat>()) -> NUM, Full, Handler(|c| of_path::<NStat>(c, None, NOFOLLOW));
    chflags(path: PATH, flags: FILE_FLAGS) -> NUM, Partial(chflags::LIMITS), Handler(|c| chflags::of_path(c, None, 0));
    lchflags(path: PATH, flags: FILE_FLAGS) -> NUM, Partial(chflags::LIMITS), Handler(|c| chflags::of_path(c, None, NOFOLLOW));
    fchflags(fd: FD, flags: FILE_FLAGS) -> NUM, Partial(chflags::LIMITS), Handler(chflags::of_descriptor);
    chflagsat(fd: DIRFD, path: PATH, flags: FILE_FLAGS, atflag: flags(&f::AT)) -> NUM, Partial(chflags::LIMITS), Handler(|c| chflags::of_path(c, Some(0), c.arg(3)));
    freebsd11_nfstat(fd: FD, sb: output::<NStat>()) -> NUM, Full, Handler(of_descriptor::<NStat>);
}

const FILE_FLAGS: ArgType = flags(&f::FILE_FLAGS);

/// AT_SYMLINK_NOFOLLOW
const NOFOLLOW: u64 = 0x200;
/// That, AT_RESOLVE_BENEATH and AT_EMPTY_PATH.
const KNOWN: u64 = NOFOLLOW | 0x2000 | 0x4000;
const AT_FDCWD: u64 = -100i64 as u64;
const HOST_EMPTY_PATH: u64 = 0x1000;

/// `struct statx` (`linux/stat.h`), as far as it is read: offsets and widths.
pub(super) struct Statx([u8; 256]);

impl Statx {
    fn of(call: &mut Call<'_>, dir: u64, path: &std::ffi::CStr, flags: u64) -> SysResult<Statx> {
        /// STATX_BASIC_STATS and STATX_BTIME
        const WANTED: u64 = 0x7ff | 0x800;
        let mut out = Statx([0; 256]);
        let args = [
            dir,
            path.as_ptr() as u64,
            flags,
            WANTED,
            out.0.as_mut_ptr() as u64,
            0,
        ];
        call.host(SYS_statx, args)?;
        Ok(out)
    }

    /// As FreeBSD has it of a process behind a descriptor: a file as old as the process, which its owner may do all with while it
    /// lives, or a file without anything once it was waited for.
    fn of_process(pid: i32) -> Statx {
        /// `starttime` of proc(5)
        const START: usize = 22;
        const TICKS: i64 = 100;
        const S_IFREG: u16 = 0o100_000;
        const S_IRWXU: u16 = 0o700;
        const MODE: usize = 28;
        const OWNERS: [(usize, &str); 2] = [(20, "Uid"), (24, "Gid")];
        const TIMES: [usize; 4] = [64, 80, 96, 112];
        let mut out = Statx([0; 256]);
        let mut set = |at: usize, bytes: &[u8]| out.0[at..at + bytes.len()].copy_from_slice(bytes);
        set(MODE, &S_IFREG.to_le_bytes());
        let Some(stat) = ProcStat::read(&format!("/proc/{pid}/stat")) else {
            return out;
        };
        if !matches!(stat.state(), b'Z' | b'X') {
            set(MODE, &(S_IFREG | S_IRWXU).to_le_bytes());
        }
        let status = proc_text(&format!("/proc/{pid}/status"));
        for (at, key) in OWNERS {
            let real = status_field(&status, key).split_whitespace().next();
            let real = real.and_then(|id| id.parse::<u32>().ok()).unwrap_or(0);
            set(at, &real.to_le_bytes());
        }
        let start = procinfo::boot_time() * TICKS + stat.number(START);
        let nanoseconds = (start % TICKS) as u32 * 10_000_000;
        for at in TIMES {
            set(at, &(start / TICKS).to_le_bytes());
            set(at + 8, &nanoseconds.to_le_bytes());
        }
        out
    }

    fn u16(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.0[at], self.0[at + 1]])
    }

    fn u32(&self, at: usize) -> u32 {
        u32::from(self.u16(at)) | u32::from(self.u16(at + 2)) << 16
    }

    fn u64(&self, at: usize) -> u64 {
        u64::from(self.u32(at)) | u64::from(self.u32(at + 4)) << 32
    }

    fn set_inode_and_size(&mut self, inode: Option<u64>, size: u64) {
        if let Some(inode) = inode {
            self.0[32..40].copy_from_slice(&inode.to_le_bytes());
        }
        self.0[40..48].copy_from_slice(&size.to_le_bytes());
    }

    /// Major and minor number.
    fn device(&self, at: usize) -> u64 {
        device_number(self.u32(at).into(), self.u32(at + 4).into())
    }
}

/// `dev_t` of FreeBSD (`sys/types.h`): minor and major numbers of 32 bits each, their low bytes where they always were.
pub fn device_number(major: u64, minor: u64) -> u64 {
    (major & 0xffff_ff00) << 32 | (major & 0xff) << 8 | (minor & 0xff00) << 24 | minor & 0xffff_00ff
}

/// Major and minor number of a `dev_t` of FreeBSD.
pub fn device_parts(device: u64) -> (u64, u64) {
    (
        device >> 32 & 0xffff_ff00 | device >> 8 & 0xff,
        device >> 24 & 0xff00 | device & 0xffff_00ff,
    )
}

/// One of the layouts.
pub(super) trait Layout: GuestStruct {
    /// # Errors
    /// EOVERFLOW for what the layout has no room for.
    fn fill(s: &Statx) -> SysResult<Self>;
}

impl Layout for Stat {
    fn fill(s: &Statx) -> SysResult<Stat> {
        let time = |at| (s.u64(at) as i64, i64::from(s.u32(at + 8)));
        let (atime, btime, ctime, mtime) = (time(64), time(80), time(96), time(112));
        Ok(Stat {
            st_dev: s.device(136),
            st_ino: s.u64(32),
            st_nlink: s.u32(16).into(),
            st_mode: s.u16(28).into(),
            st_uid: s.u32(20),
            st_gid: s.u32(24),
            _pad0: 0,
            st_rdev: s.device(128),
            st_size: s.u64(40) as i64,
            st_blksize: s.u32(4).into(),
            st_blocks: s.u64(48) as i64,
            st_atime: atime.0,
            st_atime_nsec: atime.1,
            st_mtime: mtime.0,
            st_mtime_nsec: mtime.1,
            st_ctime: ctime.0,
            st_ctime_nsec: ctime.1,
            st_birthtime: btime.0,
            st_birthtime_nsec: btime.1,
            st_flags: chflags::of_attributes(s.u64(8)),
            _pad3: 0,
        })
    }
}

/// The numbers that FreeBSD 11 had 32 bits for; more are cut, as the kernel does by default (`vfs.ino64_trunc_error`).
fn narrow(value: u64) -> u32 {
    value as u32
}

impl Layout for Stat11 {
    fn fill(s: &Statx) -> SysResult<Stat11> {
        let now = Stat::fill(s)?;
        Ok(Stat11 {
            st_dev: narrow(now.st_dev),
            st_ino: narrow(now.st_ino),
            st_mode: now.st_mode as u16,
            st_nlink: now.st_nlink.min(0x7fff) as u16,
            st_uid: now.st_uid,
            st_gid: now.st_gid,
            st_rdev: narrow(now.st_rdev),
            st_atime: now.st_atime,
            st_atime_nsec: Long(now.st_atime_nsec),
            st_mtime: now.st_mtime,
            st_mtime_nsec: Long(now.st_mtime_nsec),
            st_ctime: now.st_ctime,
            st_ctime_nsec: Long(now.st_ctime_nsec),
            st_size: now.st_size,
            st_blocks: now.st_blocks,
            st_blksize: now.st_blksize as i32,
            st_flags: now.st_flags,
            st_gen: 0,
            _lspare: 0,
            st_birthtime: now.st_birthtime,
            st_birthtime_nsec: Long(now.st_birthtime_nsec),
        })
    }
}

impl Layout for NStat {
    fn fill(s: &Statx) -> SysResult<NStat> {
        let now = Stat::fill(s)?;
        Ok(NStat {
            st_dev: narrow(now.st_dev),
            st_ino: narrow(now.st_ino),
            st_mode: now.st_mode,
            st_nlink: narrow(now.st_nlink),
            st_uid: now.st_uid,
            st_gid: now.st_gid,
            st_rdev: narrow(now.st_rdev),
            st_atime: now.st_atime,
            st_atime_nsec: Long(now.st_atime_nsec),
            st_mtime: now.st_mtime,
            st_mtime_nsec: Long(now.st_mtime_nsec),
            st_ctime: now.st_ctime,
            st_ctime_nsec: Long(now.st_ctime_nsec),
            st_size: now.st_size,
            st_blocks: now.st_blocks,
            st_blksize: now.st_blksize as i32,
            st_flags: now.st_flags,
            st_gen: 0,
            st_birthtime: now.st_birthtime,
            st_birthtime_nsec: Long(now.st_birthtime_nsec),
        })
    }
}

fn of_descriptor<T: Layout>(call: &mut Call<'_>) -> SysResult {
    if let Some(process) = procdesc::known(call, call.int(0)) {
        let found = Statx::of_process(process.pid);
        call.write_struct(call.arg(1), &T::fill(&found)?)?;
        return Ok(0);
    }
    tell::<T>(call, call.arg(0), call.arg(1))
}

/// Tells the guest of the file that a descriptor is of.
pub(super) fn tell<T: Layout>(call: &mut Call<'_>, fd: u64, at: u64) -> SysResult {
    let mut found = Statx::of(call, fd, c"", HOST_EMPTY_PATH)?;
    if let Some((inode, size)) = pipe::inode_and_size(call, fd as i32) {
        found.set_inode_and_size(inode, size);
    }
    call.write_struct(at, &T::fill(&found)?)?;
    Ok(0)
}

/// `flags` are the guest's.
fn of_path<T: Layout>(call: &mut Call<'_>, dir: Option<usize>, flags: u64) -> SysResult {
    let at = dir.map_or(0, |n| n + 1);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL);
    }
    let path = call.path(at)?;
    let dir = dir.map_or(AT_FDCWD, |n| call.arg(n));
    let flags = f::AT.to_host(call.abi.dialect, flags);
    let found = Statx::of(call, dir, &path, flags)?;
    call.write_struct(call.arg(at + 1), &T::fill(&found)?)?;
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn device_numbers_go_and_come() {
        for (major, minor) in [(0, 5), (136, 3), (259, 70000), (0xfff_ffff, 0xffff_ffff)] {
            assert_eq!(device_parts(device_number(major, minor)), (major, minor));
        }
        // What both systems have for small numbers.
        assert_eq!(device_number(8, 1), 0x801);
    }
}
