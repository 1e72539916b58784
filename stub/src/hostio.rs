//! Files that the debugger has open (`vFile` packets), for gdbstub's host I/O.

use gdbstub::target::ext::host_io::{
    FsKind, HostIo, HostIoClose, HostIoCloseOps, HostIoErrno, HostIoError, HostIoFstat,
    HostIoFstatOps, HostIoOpen, HostIoOpenFlags, HostIoOpenMode, HostIoOpenOps, HostIoPread,
    HostIoPreadOps, HostIoPwrite, HostIoPwriteOps, HostIoReadlink, HostIoReadlinkOps, HostIoResult,
    HostIoSetfs, HostIoSetfsOps, HostIoStat, HostIoUnlink, HostIoUnlinkOps,
};

use crate::core::Guest;
use crate::file::{FileError, FileStat, GuestFile, OpenFlags};
use crate::framing::PACKET_SIZE;

/// Most files that a debugger can have open at a time.
const MAX_OPEN: usize = 64;

/// Longest reply to a read: escapes can double it, and it has to stay within a packet.
const MAX_READ: usize = PACKET_SIZE / 2 - 64;

/// Open files by descriptor.
#[derive(Default)]
pub(crate) struct OpenFiles(Vec<Option<Box<dyn GuestFile>>>);

impl OpenFiles {
    pub fn insert(&mut self, file: Box<dyn GuestFile>) -> Result<u32, FileError> {
        let free = self.0.iter().position(Option::is_none);
        let fd = free.unwrap_or(self.0.len());
        if fd == MAX_OPEN {
            return Err(FileError::TooManyFiles);
        }
        if free.is_none() {
            self.0.push(None);
        }
        self.0[fd] = Some(file);
        Ok(fd as u32)
    }

    pub fn get(&mut self, fd: u32) -> Result<&mut dyn GuestFile, FileError> {
        match self.0.get_mut(fd as usize) {
            Some(Some(file)) => Ok(&mut **file),
            _ => Err(FileError::BadDescriptor),
        }
    }

    pub fn remove(&mut self, fd: u32) -> Result<(), FileError> {
        self.get(fd)?;
        self.0[fd as usize] = None;
        Ok(())
    }
}

impl<E> From<FileError> for HostIoError<E> {
    fn from(e: FileError) -> HostIoError<E> {
        use HostIoErrno::*;
        HostIoError::Errno(match e {
            FileError::NotPermitted => EPERM,
            FileError::NotFound => ENOENT,
            FileError::Interrupted => EINTR,
            FileError::Io => EIO,
            FileError::BadDescriptor => EBADF,
            FileError::AccessDenied => EACCES,
            FileError::BadAddress => EFAULT,
            FileError::Busy => EBUSY,
            FileError::Exists => EEXIST,
            FileError::NoDevice => ENODEV,
            FileError::NotDirectory => ENOTDIR,
            FileError::IsDirectory => EISDIR,
            FileError::Invalid => EINVAL,
            FileError::TooManyFilesInSystem => ENFILE,
            FileError::TooManyFiles => EMFILE,
            FileError::TooBig => EFBIG,
            FileError::NoSpace => ENOSPC,
            FileError::NotSeekable => ESPIPE,
            FileError::ReadOnly => EROFS,
            FileError::Unsupported => ENOSYS,
            FileError::NameTooLong => ENAMETOOLONG,
            FileError::Unknown => EUNKNOWN,
        })
    }
}

/// The 64 bytes of gdb's `struct stat` ("File-I/O", "struct stat"): big-endian, times and numbers of 32 bits.
pub(crate) fn stat_bytes(s: &FileStat) -> [u8; 64] {
    let mut out = [0; 64];
    let mut at = 0;
    let mut put = |bytes: &[u8]| {
        out[at..at + bytes.len()].copy_from_slice(bytes);
        at += bytes.len();
    };
    let s = core_stat(s);
    for n in [
        s.st_dev,
        s.st_ino,
        s.st_mode.bits(),
        s.st_nlink,
        s.st_uid,
        s.st_gid,
        s.st_rdev,
    ] {
        put(&n.to_be_bytes());
    }
    for n in [s.st_size, s.st_blksize, s.st_blocks] {
        put(&n.to_be_bytes());
    }
    for n in [s.st_atime, s.st_mtime, s.st_ctime] {
        put(&n.to_be_bytes());
    }
    out
}

fn core_stat(s: &FileStat) -> HostIoStat {
    HostIoStat {
        st_dev: s.dev as u32,
        st_ino: s.ino as u32,
        st_mode: HostIoOpenMode::from_bits_truncate(s.mode),
        st_nlink: s.nlink,
        st_uid: s.uid,
        st_gid: s.gid,
        st_rdev: s.rdev as u32,
        st_size: s.size,
        st_blksize: s.blksize,
        st_blocks: s.blocks,
        st_atime: s.atime as u32,
        st_mtime: s.mtime as u32,
        st_ctime: s.ctime as u32,
    }
}

impl Guest<'_> {
    /// `/proc/PID/...` with the guest's own id for the one that the debugger is shown.
    pub fn real_path(&self, path: &[u8]) -> Vec<u8> {
        let real = || {
            let rest = path.strip_prefix(b"/proc/")?;
            let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
            let shown: u64 = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
            let pid = shown.checked_sub(self.pid_offset)?;
            Some([b"/proc/", pid.to_string().as_bytes(), &rest[digits..]].concat())
        };
        real().unwrap_or_else(|| path.to_vec())
    }
}

impl HostIo for Guest<'_> {
    fn support_open(&mut self) -> Option<HostIoOpenOps<'_, Self>> {
        Some(self)
    }

    fn support_close(&mut self) -> Option<HostIoCloseOps<'_, Self>> {
        Some(self)
    }

    fn support_pread(&mut self) -> Option<HostIoPreadOps<'_, Self>> {
        Some(self)
    }

    fn support_pwrite(&mut self) -> Option<HostIoPwriteOps<'_, Self>> {
        Some(self)
    }

    fn support_fstat(&mut self) -> Option<HostIoFstatOps<'_, Self>> {
        Some(self)
    }

    fn support_unlink(&mut self) -> Option<HostIoUnlinkOps<'_, Self>> {
        Some(self)
    }

    fn support_readlink(&mut self) -> Option<HostIoReadlinkOps<'_, Self>> {
        Some(self)
    }

    fn support_setfs(&mut self) -> Option<HostIoSetfsOps<'_, Self>> {
        Some(self)
    }
}

impl HostIoOpen for Guest<'_> {
    fn open(
        &mut self,
        path: &[u8],
        flags: HostIoOpenFlags,
        mode: HostIoOpenMode,
    ) -> HostIoResult<u32, Self> {
        let path = self.real_path(path);
        let file = self
            .inferior
            .open_file(&path, OpenFlags(flags.bits()), mode.bits())?;
        Ok(self.files.insert(file)?)
    }
}

impl HostIoClose for Guest<'_> {
    fn close(&mut self, fd: u32) -> HostIoResult<(), Self> {
        Ok(self.files.remove(fd)?)
    }
}

impl HostIoPread for Guest<'_> {
    fn pread(
        &mut self,
        fd: u32,
        count: usize,
        offset: u64,
        buf: &mut [u8],
    ) -> HostIoResult<usize, Self> {
        let n = count.min(buf.len()).min(MAX_READ);
        Ok(self.files.get(fd)?.pread(&mut buf[..n], offset)?)
    }
}

impl HostIoPwrite for Guest<'_> {
    fn pwrite(&mut self, fd: u32, offset: u64, data: &[u8]) -> HostIoResult<u64, Self> {
        Ok(self.files.get(fd)?.pwrite(data, offset)? as u64)
    }
}

impl HostIoFstat for Guest<'_> {
    fn fstat(&mut self, fd: u32) -> HostIoResult<HostIoStat, Self> {
        Ok(core_stat(&self.files.get(fd)?.stat()?))
    }
}

impl HostIoUnlink for Guest<'_> {
    fn unlink(&mut self, path: &[u8]) -> HostIoResult<(), Self> {
        let path = self.real_path(path);
        Ok(self.inferior.unlink_file(&path)?)
    }
}

impl HostIoReadlink for Guest<'_> {
    fn readlink(&mut self, path: &[u8], buf: &mut [u8]) -> HostIoResult<usize, Self> {
        let path = self.real_path(path);
        let target = self.inferior.read_link(&path)?;
        let n = target.len().min(buf.len()).min(MAX_READ);
        buf[..n].copy_from_slice(&target[..n]);
        Ok(n)
    }
}

impl HostIoSetfs for Guest<'_> {
    fn setfs(&mut self, _: FsKind) -> HostIoResult<(), Self> {
        // There is one file system, the guest's; gdb asks for it by pid or as the stub's own.
        Ok(())
    }
}
