//! Lookups that stay below a directory, as FreeBSD makes them (`kern/vfs_lookup.c`): no path or symbolic link from the root, and `..`
//! only back to a directory that the same lookup has come through.

use std::ffi::CString;

use crate::abi::{Errno, SysResult};
use crate::host::fd::OwnFd;
use crate::host::{nr::*, syscall};
use crate::os::{Call, cstring};

/// `MAXSYMLINKS`
const MOST_LINKS: usize = 32;

/// The parts of a path, last first, and whether it ends with a slash.
fn parts(path: &[u8]) -> (Vec<Vec<u8>>, bool) {
    let parts = path.split(|&b| b == b'/');
    let parts = parts.filter(|p| !p.is_empty() && *p != b".");
    let mut parts: Vec<Vec<u8>> = parts.map(<[u8]>::to_vec).collect();
    parts.reverse();
    (parts, path.ends_with(b"/") || path.ends_with(b"/."))
}

/// Opens a directory only to look things up in it.
fn directory(dir: i32, name: &[u8]) -> SysResult<OwnFd> {
    // O_PATH, O_NOFOLLOW, O_DIRECTORY, O_CLOEXEC
    const HOW: u64 = 0x20_0000 | 0x2_0000 | 0x1_0000 | 0x8_0000;
    let name = cstring(name)?;
    let args = [dir as u64, name.as_ptr() as u64, HOW, 0, 0, 0];
    OwnFd::open(SYS_openat, args)
}

/// What a symbolic link says; `None` for something else.
fn link(dir: i32, name: &[u8]) -> SysResult<Option<Vec<u8>>> {
    let name = cstring(name)?;
    let mut target = vec![0; 4096];
    let at = target.as_mut_ptr() as u64;
    match syscall(
        SYS_readlinkat,
        [dir as u64, name.as_ptr() as u64, at, 4096, 0, 0],
    ) {
        Ok(length) => {
            target.truncate(length as usize);
            Ok(Some(target))
        }
        Err(Errno::EINVAL) => Ok(None),
        Err(e) => Err(e),
    }
}

/// Looks a path up from a directory, without its last part: returns the directory that this is in, and the part. `follow`: if it
/// is a symbolic link, what the link leads to is meant.
///
/// # Errors
/// ENOTCAPABLE for a path that leads out of the directory; those of a lookup.
pub(in crate::os::freebsd::sys) fn look_up(
    from: i32,
    path: &[u8],
    follow: bool,
) -> SysResult<(OwnFd, CString)> {
    if path.is_empty() {
        return Err(Errno::ENOENT);
    }
    let is_absolute = |path: &[u8]| path.starts_with(b"/");
    if is_absolute(path) {
        return Err(Errno::ENOTCAPABLE);
    }
    let mut top = directory(from, b".")?;
    let mut above = Vec::new();
    let (mut left, mut slash) = parts(path);
    let mut links = 0;
    while let Some(part) = left.pop() {
        if part == b".." {
            top = above.pop().ok_or(Errno::ENOTCAPABLE)?;
            continue;
        }
        let last = left.is_empty();
        if !last || follow || slash {
            match link(top.number(), &part) {
                Ok(Some(target)) if is_absolute(&target) => return Err(Errno::ENOTCAPABLE),
                Ok(Some(target)) => {
                    links += 1;
                    if links > MOST_LINKS {
                        return Err(Errno::ELOOP);
                    }
                    let (mut new, end) = parts(&target);
                    slash |= last && end;
                    left.append(&mut new);
                    continue;
                }
                Ok(None) => {}
                // What is not there may be about to be made.
                Err(Errno::ENOENT) if last => {}
                Err(e) => return Err(e),
            }
        }
        if last {
            let end: &[u8] = if slash { b"/" } else { b"" };
            return Ok((top, cstring([&part, end].concat())?));
        }
        let next = directory(top.number(), &part)?;
        above.push(std::mem::replace(&mut top, next));
    }
    Ok((top, cstring(".")?))
}

/// Whether a call follows a symbolic link at the end of its `nth` path that is looked up from a directory.
pub(super) fn follows(call: &Call<'_>, nth: usize) -> bool {
    const O_NOFOLLOW: u64 = 0x100;
    const O_CREAT_EXCL: u64 = 0xa00;
    const AT_SYMLINK_NOFOLLOW: u64 = 0x200;
    const AT_SYMLINK_FOLLOW: u64 = 0x400;
    let opens = |flags: u64| flags & O_NOFOLLOW == 0 && flags & O_CREAT_EXCL != O_CREAT_EXCL;
    match (call.row.name, nth) {
        ("open", _) => opens(call.arg(1)),
        ("openat", _) => opens(call.arg(2)),
        (
            "fstatat" | "freebsd11_fstatat" | "faccessat" | "fchmodat" | "utimensat" | "chflagsat",
            _,
        ) => call.arg(3) & AT_SYMLINK_NOFOLLOW == 0,
        ("fchownat", _) => call.arg(4) & AT_SYMLINK_NOFOLLOW == 0,
        ("linkat", 0) => call.arg(4) & AT_SYMLINK_FOLLOW != 0,
        ("futimesat" | "inotify_add_watch_at" | "__realpathat", _) => true,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::symlink;

    #[test]
    fn lookups_stay_below() {
        let root = std::env::temp_dir().join(format!("emu-beneath-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&root);
        std::fs::create_dir_all(root.join("a/b")).expect("folders");
        for (target, name) in [
            ("a/b", "down"),
            ("../", "a/up"),
            ("../..", "a/b/twice"),
            ("/etc", "absolute"),
            ("loop", "loop"),
            ("..", "out"),
            ("file", "dangling"),
        ] {
            symlink(target, root.join(name)).expect("link");
        }
        let dir = std::fs::File::open(&root).expect("folder");
        let name = |path: &str, follow: bool| {
            look_up(dir.as_raw_fd(), path.as_bytes(), follow)
                .map(|(_, name)| name.to_string_lossy().into_owned())
        };
        for (path, expected) in [
            ("a/x", "x"),
            ("a/b/../x", "x"),
            ("a/..", "."),
            (".", "."),
            ("down/x", "x"),
            ("a/up/a/x", "x"),
            ("a/b/twice/x", "x"),
            ("a/", "a/"),
            ("down", "b"),
            ("dangling", "file"),
        ] {
            assert_eq!(name(path, true).as_deref(), Ok(expected), "{path}");
        }
        assert_eq!(name("down", false).as_deref(), Ok("down"));
        assert_eq!(name("down/", false).as_deref(), Ok("b/"));
        for path in [
            "..",
            "/",
            "/etc",
            "a/../..",
            "absolute",
            "absolute/x",
            "out/x",
            "down/../../../x",
        ] {
            assert_eq!(name(path, true), Err(Errno::ENOTCAPABLE), "{path}");
        }
        assert_eq!(name("loop/x", true), Err(Errno::ELOOP));
        assert_eq!(name("nothing/x", true), Err(Errno::ENOENT));
        assert_eq!(name("", true), Err(Errno::ENOENT));
        let _ = std::fs::remove_dir_all(&root);
    }
}
