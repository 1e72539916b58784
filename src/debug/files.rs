//! The guest's files for a debugger: the host's under the guest's prefix, and `/proc` as the guest sees it.

use std::path::{Path, PathBuf};

/// What `/proc/PID/NAME` is for the debugged process, if `path` is such a file: NAME, for the process's own id or `self`.
pub(super) fn own_proc_file(path: &[u8], pid: i32) -> Option<&str> {
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
pub(super) fn host_path(prefix: Option<&Path>, path: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    crate::loader::under_prefix(prefix, Path::new(std::ffi::OsStr::from_bytes(path)))
}
