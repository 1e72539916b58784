//! Files of the guest, for a debugger that wants the executable, the libraries and `/proc` (`vFile` packets). Numbers are those
//! of gdb's File-I/O protocol (gdb manual, "File-I/O Remote Protocol Extension", constants), not those of any system.

use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};

/// How a file is opened: bits of the File-I/O protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenFlags(pub u32);

impl OpenFlags {
    /// Mask of the access mode.
    const ACCESS: u32 = 3;

    /// Only for reading.
    pub const READ_ONLY: OpenFlags = OpenFlags(0);

    /// Whether it can be read.
    pub fn read(self) -> bool {
        self.0 & Self::ACCESS != 1
    }

    /// Whether it can be written.
    pub fn write(self) -> bool {
        matches!(self.0 & Self::ACCESS, 1 | 2)
    }

    /// `O_APPEND`.
    pub fn append(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// `O_CREAT`.
    pub fn create(self) -> bool {
        self.0 & 0x200 != 0
    }

    /// `O_TRUNC`.
    pub fn truncate(self) -> bool {
        self.0 & 0x400 != 0
    }

    /// `O_EXCL`.
    pub fn exclusive(self) -> bool {
        self.0 & 0x800 != 0
    }

    /// The same for [`File`].
    pub fn options(self) -> std::fs::OpenOptions {
        let mut o = File::options();
        o.read(self.read())
            .write(self.write())
            .append(self.append())
            .truncate(self.truncate())
            .create(self.create())
            .create_new(self.create() && self.exclusive());
        o
    }
}

/// An error number of the File-I/O protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[repr(u16)]
pub enum FileError {
    /// `EPERM`.
    NotPermitted = 1,
    /// `ENOENT`.
    NotFound = 2,
    /// `EINTR`.
    Interrupted = 4,
    /// `EIO`.
    Io = 5,
    /// `EBADF`.
    BadDescriptor = 9,
    /// `EACCES`.
    AccessDenied = 13,
    /// `EFAULT`.
    BadAddress = 14,
    /// `EBUSY`.
    Busy = 16,
    /// `EEXIST`.
    Exists = 17,
    /// `ENODEV`.
    NoDevice = 19,
    /// `ENOTDIR`.
    NotDirectory = 20,
    /// `EISDIR`.
    IsDirectory = 21,
    /// `EINVAL`.
    Invalid = 22,
    /// `ENFILE`.
    TooManyFilesInSystem = 23,
    /// `EMFILE`.
    TooManyFiles = 24,
    /// `EFBIG`.
    TooBig = 27,
    /// `ENOSPC`.
    NoSpace = 28,
    /// `ESPIPE`.
    NotSeekable = 29,
    /// `EROFS`.
    ReadOnly = 30,
    /// `ENOSYS`: this inferior has no files.
    Unsupported = 88,
    /// `ENAMETOOLONG`.
    NameTooLong = 91,
    /// Any other error.
    Unknown = 9999,
}

impl From<std::io::Error> for FileError {
    fn from(e: std::io::Error) -> FileError {
        use std::io::ErrorKind::*;
        match e.kind() {
            NotFound => FileError::NotFound,
            PermissionDenied => FileError::AccessDenied,
            AlreadyExists => FileError::Exists,
            NotADirectory => FileError::NotDirectory,
            IsADirectory => FileError::IsDirectory,
            InvalidInput => FileError::Invalid,
            ReadOnlyFilesystem => FileError::ReadOnly,
            StorageFull => FileError::NoSpace,
            FileTooLarge => FileError::TooBig,
            ResourceBusy => FileError::Busy,
            NotSeekable => FileError::NotSeekable,
            Interrupted => FileError::Interrupted,
            _ => FileError::Unknown,
        }
    }
}

/// What is known of a file. `mode` has the bits of Linux `st_mode`, which are those of the protocol.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileStat {
    /// Device.
    pub dev: u64,
    /// Inode.
    pub ino: u64,
    /// Type and access rights.
    pub mode: u32,
    /// Hard links.
    pub nlink: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Device number, if it is a device.
    pub rdev: u64,
    /// Size in bytes.
    pub size: u64,
    /// Preferred block size in bytes.
    pub blksize: u64,
    /// Blocks of 512 bytes.
    pub blocks: u64,
    /// Last access, seconds since 1970.
    pub atime: i64,
    /// Last change of the contents, likewise.
    pub mtime: i64,
    /// Last change of the inode, likewise.
    pub ctime: i64,
}

impl From<&std::fs::Metadata> for FileStat {
    fn from(m: &std::fs::Metadata) -> FileStat {
        FileStat {
            dev: m.dev(),
            ino: m.ino(),
            mode: m.mode(),
            nlink: m.nlink() as u32,
            uid: m.uid(),
            gid: m.gid(),
            rdev: m.rdev(),
            size: m.size(),
            blksize: m.blksize(),
            blocks: m.blocks(),
            atime: m.atime(),
            mtime: m.mtime(),
            ctime: m.ctime(),
        }
    }
}

/// An open file of the guest.
pub trait GuestFile: Send {
    /// Reads at `offset`; 0 at the end of the file.
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> Result<usize, FileError>;

    /// Writes at `offset`; returns how much was written.
    fn pwrite(&mut self, data: &[u8], offset: u64) -> Result<usize, FileError>;

    /// Describes it.
    fn stat(&mut self) -> Result<FileStat, FileError>;
}

/// A file of the host.
impl GuestFile for File {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> Result<usize, FileError> {
        Ok(self.read_at(buf, offset)?)
    }

    fn pwrite(&mut self, data: &[u8], offset: u64) -> Result<usize, FileError> {
        Ok(self.write_at(data, offset)?)
    }

    fn stat(&mut self) -> Result<FileStat, FileError> {
        Ok(FileStat::from(&self.metadata()?))
    }
}

/// Generated contents, such as `/proc/<pid>/maps`; read-only.
impl GuestFile for Vec<u8> {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> Result<usize, FileError> {
        let from = usize::try_from(offset)
            .unwrap_or(usize::MAX)
            .min(self.len());
        let n = buf.len().min(self.len() - from);
        buf[..n].copy_from_slice(&self[from..from + n]);
        Ok(n)
    }

    fn pwrite(&mut self, _data: &[u8], _offset: u64) -> Result<usize, FileError> {
        Err(FileError::BadDescriptor)
    }

    fn stat(&mut self) -> Result<FileStat, FileError> {
        const REGULAR_READ_ONLY: u32 = 0o100444;
        Ok(FileStat {
            mode: REGULAR_READ_ONLY,
            nlink: 1,
            size: self.len() as u64,
            blksize: 4096,
            blocks: self.len().div_ceil(512) as u64,
            ..FileStat::default()
        })
    }
}
