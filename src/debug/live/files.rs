//! The guest's files for a debugger: the host's under the guest's prefix, and `/proc` as the guest sees it.

use super::Live;
use crate::host;
use emu_stub::{FileError, FileStat, GuestFile, OpenFlags};
use std::path::{Path, PathBuf};

/// What `/proc/PID/NAME` is for the debugged process, if `path` is such a file: NAME, for the process's own id or `self`.
fn own_proc_file(path: &[u8], pid: i32) -> Option<&str> {
    let path = std::str::from_utf8(path).ok()?;
    let (who, name) = path.strip_prefix("/proc/")?.split_once('/')?;
    if who != "self" && who.parse() != Ok(pid) {
        return None;
    }
    // The same for each task: /proc/PID/task/TID/maps.
    let name = match name.strip_prefix("task/") {
        Some(task) => task.split_once('/')?.1,
        None => name,
    };
    Some(name)
}

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
    match own_proc_file(path, host::pid()) {
        Some("maps") => return Ok(Box::new(live.process.mem.maps())),
        Some("auxv") => return Ok(Box::new(live.program.auxv.clone())),
        Some("exe") => return Ok(Box::new(std::fs::File::open(&live.process.exe)?)),
        // What describes the emulator rather than the guest is not shown as the guest's.
        Some("smaps" | "mem" | "pagemap" | "smaps_rollup" | "numa_maps") => {
            return Err(FileError::NotFound);
        }
        _ => {}
    }
    let file = flags.options().mode(mode).open(host_path(prefix, path))?;
    Ok(Box::new(file))
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
    if own_proc_file(path, host::pid()) == Some("exe") {
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
