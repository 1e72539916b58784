//! What guest processes tell each other: a folder for each process that there is something to say of, in the host's folder of shared
//! memory. A process without one has nothing to look at, which costs one call of the host to find out.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;
use std::sync::Once;

use super::procctl::is_guest;
use super::wait::stat_of;
use crate::abi::{Errno, SysResult};
use crate::host::nr::{SYS_access, SYS_kill};
use crate::host::syscall;
use crate::os::cstring;

/// How many commands `procctl` has, 0 included.
pub(super) const COMMANDS: usize = 25;

const SHARED_MEMORY: &str = "/dev/shm";
/// Before the number of the process in the name of its folder.
const PREFIX: &str = "emu-freebsd.";

/// The folder of a process.
pub(super) fn folder(pid: i32) -> PathBuf {
    PathBuf::from(format!("{SHARED_MEMORY}/{PREFIX}{pid}"))
}

/// Whether a process has a folder.
pub(super) fn exists(pid: i32) -> bool {
    let Ok(path) = cstring(folder(pid).as_os_str().as_bytes()) else {
        return false;
    };
    syscall(SYS_access, [path.as_ptr() as u64, 0, 0, 0, 0, 0]).is_ok()
}

/// Whether what a process's folder says is to be believed: it is this user's, or the superuser's.
pub(super) fn is_trusted(pid: i32) -> bool {
    let own = |meta: fs::Metadata| meta.uid() == crate::host::ids().euid || meta.uid() == 0;
    fs::symlink_metadata(folder(pid)).is_ok_and(own)
}

/// Puts something into the folder of a process, which is made if there is none. Another process may find it empty and take it away
/// before that: then again. Whoever makes one for the first time clears up after those who could not.
///
/// # Errors
/// The host's: there is no folder of shared memory.
pub(super) fn put<R>(pid: i32, mut action: impl FnMut() -> SysResult<R>) -> SysResult<R> {
    const TRIES: usize = 16;
    static CLEARED: Once = Once::new();
    for _ in 0..TRIES {
        match fs::DirBuilder::new().mode(0o700).create(folder(pid)) {
            Err(e) if e.kind() != std::io::ErrorKind::AlreadyExists => return Err(errno(&e)),
            Err(_) => {}
            Ok(()) => CLEARED.call_once(clear),
        }
        match action() {
            Err(Errno::ENOENT) => {}
            other => return other,
        }
    }
    Err(Errno::ENOENT)
}

/// Removes the folders of processes that are gone: of those that were killed and that no guest has waited for.
fn clear() {
    let gone = |pid: i32| syscall(SYS_kill, [pid as u64, 0, 0, 0, 0, 0]) == Err(Errno::ESRCH);
    for entry in fs::read_dir(SHARED_MEMORY).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let pid = name
            .to_str()
            .and_then(|n| n.strip_prefix(PREFIX)?.parse().ok());
        // Another user's stay.
        if let Some(pid) = pid.filter(|&pid| pid > 0 && gone(pid)) {
            remove(pid);
        }
    }
}

/// This process dies of a signal that the host does not have, so that its exit status cannot say so: for its parent, if that is a
/// guest, it is left here.
pub(super) fn leave_end(signal: u8) {
    let parent = crate::host::parent();
    if !is_guest(parent) {
        return;
    }
    let pid = crate::host::pid();
    // Without a folder it has exited.
    let _ = put(pid, || {
        let text = format!("{} {signal}", start_time(pid));
        fs::write(folder(pid).join("end"), text).map_err(|e| errno(&e))
    });
}

/// What a process that has ended, and has not been waited for yet, has left by [`leave_end`]: the signal as it is known here.
pub(super) fn end(pid: i32) -> Option<u8> {
    if !exists(pid) || !is_trusted(pid) {
        return None;
    }
    let text = fs::read_to_string(folder(pid).join("end")).ok()?;
    let (started, signal) = text.split_once(' ')?;
    (started.parse() == Ok(start_time(pid))).then(|| signal.parse().ok())?
}

/// Removes the folder of a process with all that it says.
pub(super) fn remove(pid: i32) {
    let _ = fs::remove_dir_all(folder(pid));
}

pub(super) fn errno(e: &std::io::Error) -> Errno {
    Errno(e.raw_os_error().unwrap_or(Errno::EIO.0))
}

/// When a process was started: with its number it names it for good.
fn start_time(pid: i32) -> u64 {
    // proc(5)
    const STARTTIME: usize = 22;
    stat_of(pid).map_or(0, |stat| stat.number(STARTTIME) as u64)
}

/// Says that a process is traced by another one, or no longer (0).
///
/// # Errors
/// The host's.
pub(super) fn set_tracer(pid: i32, tracer: i32) -> SysResult<()> {
    let at = folder(pid).join("tracer");
    if tracer == 0 {
        let _ = fs::remove_file(&at);
        return Ok(());
    }
    let text = format!("{} {tracer}", start_time(pid));
    put(pid, || fs::write(&at, &text).map_err(|e| errno(&e)))
}

/// Who traces a process; 0 for nobody.
pub fn tracer(pid: i32) -> i32 {
    if !exists(pid) || !is_trusted(pid) {
        return 0;
    }
    let text = fs::read_to_string(folder(pid).join("tracer")).unwrap_or_default();
    // One of an earlier process of this number says nothing.
    match text.split_once(' ') {
        Some((start, tracer)) if start.parse() == Ok(start_time(pid)) => {
            tracer.parse().unwrap_or(0)
        }
        _ => 0,
    }
}

/// Says that this process has ended, though it is still there for its tracer; or that it goes away, with its folder.
pub(in crate::os::freebsd) fn set_ended(altogether: bool) {
    let me = crate::host::pid();
    if altogether {
        return remove(me);
    }
    let (at, text) = (folder(me).join("ended"), start_time(me).to_string());
    // Without a folder nobody sees it end before its tracer does.
    let _ = put(me, || fs::write(&at, &text).map_err(|e| errno(&e)));
}

/// Whether a process has ended, though it is there.
pub fn has_ended(pid: i32) -> bool {
    if !exists(pid) || !is_trusted(pid) {
        return false;
    }
    let text = fs::read_to_string(folder(pid).join("ended")).unwrap_or_default();
    text.parse() == Ok(start_time(pid))
}

/// What the controls of a process are set to (`procctl`), by command; 0 for one that is not set.
pub(super) fn controls(pid: i32) -> [u32; COMMANDS] {
    let mut values = [0; COMMANDS];
    if !exists(pid) || !is_trusted(pid) {
        return values;
    }
    let text = fs::read_to_string(folder(pid).join("controls")).unwrap_or_default();
    let mut words = text.split(' ');
    // One of an earlier process of this number says nothing.
    if words.next().and_then(|w| w.parse().ok()) == Some(start_time(pid)) {
        for (value, word) in values.iter_mut().zip(words) {
            *value = word.trim().parse().unwrap_or(0);
        }
    }
    values
}

/// Sets all controls of a process.
///
/// # Errors
/// The host's.
pub(super) fn set_controls(pid: i32, values: &[u32; COMMANDS]) -> SysResult<()> {
    let mut text = start_time(pid).to_string();
    for value in values {
        text += &format!(" {value}");
    }
    // Whoever reads it finds the old or the new ones.
    let (at, new) = (
        folder(pid).join("controls"),
        folder(pid).join("controls.new"),
    );
    put(pid, || {
        fs::write(&new, &text)
            .and_then(|()| fs::rename(&new, &at))
            .map_err(|e| errno(&e))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_gone_have_left_is_taken_away() {
        // No process has a number beyond the host's largest, and this one has its own.
        let (gone, own) = (i32::MAX, crate::host::pid());
        for pid in [gone, own] {
            let _ = fs::create_dir(folder(pid));
        }
        clear();
        assert!(!exists(gone) && exists(own));
        remove(own);
    }

    #[test]
    fn controls_are_the_process_s() {
        let mut child = std::process::Command::new("sleep")
            .arg("100")
            .spawn()
            .expect("sleep");
        let pid = child.id() as i32;
        assert_eq!(controls(pid), [0; COMMANDS]);
        let mut values = [0; COMMANDS];
        values[9] = 1;
        set_controls(pid, &values).expect("written");
        assert_eq!(controls(pid), values);
        // Another process of the number.
        let text = fs::read_to_string(folder(pid).join("controls")).expect("there");
        fs::write(folder(pid).join("controls"), format!("1{text}")).expect("written");
        assert_eq!(controls(pid), [0; COMMANDS]);
        remove(pid);
        assert!(!exists(pid));
        let _ = child.kill();
        let _ = child.wait();
    }
}
