//! The guest's files for a debugger: the host's under the guest's prefix, and `/proc` as the guest sees it.

use super::Live;
use crate::host;
use crate::os::{is_own_proc_file, own_proc_file};
use emu_stub::{FileError, FileStat, GuestFile, OpenFile, OpenFlags};
use std::fs::File;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// Where a path of the guest is on the host.
fn host_path(prefix: Option<&Path>, path: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    crate::loader::under_prefix(prefix, Path::new(std::ffi::OsStr::from_bytes(path)))
}
pub(super) fn open(
    live: &mut Live,
    path: &[u8],
    flags: OpenFlags,
    mode: u32,
) -> Result<Box<dyn GuestFile>, FileError> {
    use std::os::unix::fs::OpenOptionsExt;
    let prefix = live.process.config.prefix.as_deref();
    if let Some(file) = own_proc_file(path) {
        if let Some(text) = live.process.os.proc_file(&live.process, file) {
            return Ok(Box::new(text));
        }
        match file {
            b"maps" => return Ok(Box::new(live.process.mem.maps())),
            b"auxv" => return Ok(Box::new(live.program.auxv.clone())),
            b"exe" => return Ok(Box::new(OwnFile::new(File::open(&live.process.exe)?))),
            // What describes the emulator rather than the guest is not shown as the guest's.
            b"smaps" | b"mem" | b"pagemap" | b"smaps_rollup" | b"numa_maps" => {
                return Err(FileError::NotFound);
            }
            _ => {}
        }
    }
    let file = flags.options().mode(mode).open(host_path(prefix, path))?;
    Ok(Box::new(OwnFile::new(file)))
}

/// A file that is open for the debugger, on a descriptor that the guest cannot close.
struct OwnFile(File);

impl OwnFile {
    fn new(file: File) -> OwnFile {
        OwnFile(host::fd::raise(file.into()).into())
    }
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        host::fd::forget(self.0.as_raw_fd());
    }
}

impl GuestFile for OwnFile {
    fn pread(&mut self, buf: &mut [u8], offset: u64) -> Result<usize, FileError> {
        self.0.pread(buf, offset)
    }

    fn pwrite(&mut self, data: &[u8], offset: u64) -> Result<usize, FileError> {
        self.0.pwrite(data, offset)
    }

    fn stat(&mut self) -> Result<FileStat, FileError> {
        self.0.stat()
    }
}

pub(super) fn stat(live: &mut Live, path: &[u8], follow: bool) -> Result<FileStat, FileError> {
    let path = host_path(live.process.config.prefix.as_deref(), path);
    let meta = if follow {
        path.metadata()
    } else {
        path.symlink_metadata()
    }?;
    Ok(FileStat::from(&meta))
}

pub(super) fn read_link(live: &mut Live, path: &[u8]) -> Result<Vec<u8>, FileError> {
    use std::os::unix::ffi::OsStringExt;
    if is_own_proc_file(path, b"exe") {
        return Ok(live.process.exe.clone().into_os_string().into_vec());
    }
    let path = host_path(live.process.config.prefix.as_deref(), path);
    Ok(std::fs::read_link(path)?.into_os_string().into_vec())
}

pub(super) fn unlink(live: &mut Live, path: &[u8]) -> Result<(), FileError> {
    Ok(std::fs::remove_file(host_path(
        live.process.config.prefix.as_deref(),
        path,
    ))?)
}

/// The guest's open files: this process's, but for those of the emulator itself.
pub(super) fn open_files() -> std::io::Result<Vec<OpenFile>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir("/proc/self/fd")? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(fd) = name.to_str().and_then(|n| n.parse::<i32>().ok()) else {
            continue;
        };
        // The descriptor that reads this very folder is gone by the time it is looked at.
        let Ok(target) = std::fs::read_link(entry.path()) else {
            continue;
        };
        let Ok(info) = std::fs::read_to_string(format!("/proc/self/fdinfo/{fd}")) else {
            continue;
        };
        if host::fd::is_own(fd) {
            continue;
        }
        let field = |key: &str| {
            info.lines()
                .find_map(|l| l.strip_prefix(key))
                .map(str::trim)
        };
        let flags = field("flags:").and_then(|f| u64::from_str_radix(f, 8).ok());
        files.push(OpenFile {
            fd,
            name: target.to_string_lossy().into_owned(),
            offset: field("pos:").and_then(|p| p.parse().ok()).unwrap_or(0),
            flags: flags.map(open_flags).unwrap_or_default(),
        });
    }
    files.sort_by_key(|f| f.fd);
    // The folder itself was open while it was read, and is not any more.
    files.retain(|f| f.name != format!("/proc/{}/fd", host::pid()));
    Ok(files)
}

/// The words of `open` for flags of the host (`asm-generic/fcntl.h`).
fn open_flags(flags: u64) -> String {
    const FLAGS: &[(u64, &str)] = &[
        (0o2000, "O_APPEND"),
        (0o4000, "O_NONBLOCK"),
        (0o200_0000, "O_CLOEXEC"),
        (0o40000, "O_DIRECT"),
        (0o1000_0000, "O_PATH"),
        (0o20_0000, "O_DIRECTORY"),
    ];
    let access = ["O_RDONLY", "O_WRONLY", "O_RDWR", "O_ACCMODE"][(flags & 3) as usize];
    let set = FLAGS.iter().filter(|(bit, _)| flags & bit != 0);
    let words: Vec<&str> = std::iter::once(access)
        .chain(set.map(|(_, n)| *n))
        .collect();
    words.join("|")
}
