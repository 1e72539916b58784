//! News of processes for EVFILT_PROC: that they fork and execute programs. The host tells nobody but a tracer, so the emulators of
//! the processes tell each other.
//!
//! Who wants to know of a process puts a FIFO of its own into the folder of the process ([`board`]). A process looks for its folder
//! when it forks and when it begins to execute a program, which costs it one call of the host, and writes to each FIFO there. The child of a process that is to be tracked puts links to the FIFO into its own folder
//! before it runs, so nothing that it does is missed. A FIFO that nobody reads any more is taken away by who finds it.
//!
//! Ends of processes the host's pidfds know, but a child that is tracked may be gone before its kqueue has one: so they are told, too.

use std::collections::HashMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

use crate::abi::{Errno, SysResult};
use crate::host::fd::OwnFd;
use crate::host::nr::*;
use crate::host::syscall;
use crate::os::cstring;
use crate::os::freebsd::sys::board::{self, errno, folder};

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News {
    /// A process has forked: parent and child.
    Fork(i32, i32),
    /// A process has begun to execute a program.
    Exec(i32),
    /// The child (second) of a process (first) cannot be tracked.
    Lost(i32, i32),
    /// A process ends, with this wait status of the guest's.
    Exit(i32, i32),
}

/// Bytes of one piece of news in a FIFO: less than PIPE_BUF, so that they stay together.
const SIZE: usize = 12;

impl News {
    fn to_bytes(self) -> [u8; SIZE] {
        let words = match self {
            News::Fork(parent, child) => [1, parent, child],
            News::Exec(pid) => [2, pid, 0],
            News::Lost(parent, child) => [3, parent, child],
            News::Exit(pid, status) => [4, pid, status],
        };
        let mut bytes = [0; SIZE];
        for (to, word) in bytes.chunks_mut(4).zip(words) {
            to.copy_from_slice(&word.to_le_bytes());
        }
        bytes
    }

    /// The process that it is of.
    pub fn process(self) -> i32 {
        let (News::Fork(pid, _) | News::Exec(pid) | News::Lost(pid, _) | News::Exit(pid, _)) = self;
        pid
    }

    fn from_bytes(bytes: &[u8]) -> Option<News> {
        let word = |n: usize| {
            Some(i32::from_le_bytes(
                bytes.get(4 * n..4 * n + 4)?.try_into().ok()?,
            ))
        };
        match word(0)? {
            1 => Some(News::Fork(word(1)?, word(2)?)),
            2 => Some(News::Exec(word(1)?)),
            3 => Some(News::Lost(word(1)?, word(2)?)),
            4 => Some(News::Exit(word(1)?, word(2)?)),
            _ => None,
        }
    }
}

/// The end of the names of FIFOs of those who want to know of the children, too.
const TRACKS: &str = ".track";

/// FIFOs of those who want to know of a process, open for writing, with their paths.
fn readers(pid: i32) -> Vec<(OwnFd, PathBuf)> {
    // O_WRONLY, O_NONBLOCK, O_CLOEXEC, O_NOFOLLOW
    const HOW: u64 = 1 | 0x800 | 0x8_0000 | 0x2_0000;
    const AT_FDCWD: u64 = -100i64 as u64;
    let at = folder(pid);
    // What is written to must be a FIFO of the same user.
    if !board::is_trusted(pid) {
        return Vec::new();
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(&at).into_iter().flatten().flatten() {
        use std::os::unix::fs::FileTypeExt;
        let path = entry.path();
        if !entry.file_type().is_ok_and(|t| t.is_fifo()) {
            continue;
        }
        let Ok(name) = cstring(path.as_os_str().as_bytes()) else {
            continue;
        };
        match OwnFd::open(SYS_openat, [AT_FDCWD, name.as_ptr() as u64, HOW, 0, 0, 0]) {
            Ok(fifo) => found.push((fifo, path)),
            // Its reader is gone.
            Err(Errno::ENXIO) => drop(fs::remove_file(&path)),
            Err(_) => {}
        }
    }
    if found.is_empty() {
        let _ = fs::remove_dir(&at);
    }
    found
}

fn write(fifo: &OwnFd, news: News) {
    let bytes = news.to_bytes();
    let args = [
        fifo.number() as u64,
        bytes.as_ptr() as u64,
        SIZE as u64,
        0,
        0,
        0,
    ];
    // A reader that lets that many wait has lost the rest.
    let _ = syscall(SYS_write, args);
}

/// Links the FIFO at `path` into the folder of process `pid`. Whether it is there then: a child and who tracks it may both be at it.
fn link_to(path: &Path, pid: i32, link: &Path) -> bool {
    let linked = board::put(pid, || fs::hard_link(path, link).map_err(|e| errno(&e)));
    matches!(linked, Ok(()) | Err(Errno::EEXIST))
}

/// In a child that has just been born, before it runs: who tracks the parent tracks it.
pub(in crate::os::freebsd::sys) fn born(parent: i32) {
    if !board::exists(parent) {
        return;
    }
    let me = crate::host::pid();
    super::super::procctl::inherit(parent);
    for (fifo, path) in readers(parent) {
        let name = path.file_name().unwrap_or_default();
        if !name.as_bytes().ends_with(TRACKS.as_bytes()) {
            continue;
        }
        let link = folder(me).join(name);
        if !link_to(&path, me, &link) {
            write(&fifo, News::Lost(parent, me));
        }
    }
}

/// A process has a child.
pub(in crate::os::freebsd::sys) fn forked(parent: i32, child: i32) {
    if board::exists(parent) {
        for (fifo, _) in readers(parent) {
            write(&fifo, News::Fork(parent, child));
        }
    }
}

/// This process executes a program.
pub(in crate::os::freebsd) fn executes() {
    let me = crate::host::pid();
    if board::exists(me) {
        for (fifo, _) in readers(me) {
            write(&fifo, News::Exec(me));
        }
        super::super::procctl::executes();
    }
}

/// This process ends, with this wait status of the guest's: nobody will hear of it any more.
pub(in crate::os::freebsd) fn ends(status: i32) {
    let me = crate::host::pid();
    if board::exists(me) {
        for (fifo, _) in readers(me) {
            write(&fifo, News::Exit(me, status));
        }
        board::remove(me);
    }
}

/// The FIFO of one kqueue, and where its links are.
pub(super) struct Listener {
    /// The process that it is of: the child of a fork has a copy, and lets the links be.
    owner: i32,
    fifo: OwnFd,
    links: HashMap<i32, PathBuf>,
}

impl Listener {
    /// Makes a FIFO that is told of a process, and of its children if `tracks`.
    ///
    /// # Errors
    /// The host's: there is no folder of shared memory.
    pub fn new(pid: i32, tracks: bool) -> SysResult<Listener> {
        // Number of the last one of this process.
        static LAST: AtomicU32 = AtomicU32::new(0);
        const AT_FDCWD: u64 = -100i64 as u64;
        const FIFO_MODE: u64 = 0o10600;
        // O_RDWR, so that it has no end; O_NONBLOCK, O_CLOEXEC.
        const HOW: u64 = 2 | 0x800 | 0x8_0000;
        let n = LAST.fetch_add(1, Relaxed);
        let path = Self::path(pid, &format!("{}.{n}", crate::host::pid()), tracks);
        let name = cstring(path.as_os_str().as_bytes())?;
        let at = name.as_ptr() as u64;
        // One of a process before this one of the same number.
        let _ = fs::remove_file(&path);
        // Before it is open somebody may take it for one that nobody reads.
        let fifo = board::put(pid, || {
            syscall(SYS_mknodat, [AT_FDCWD, at, FIFO_MODE, 0, 0, 0])?;
            OwnFd::open(SYS_openat, [AT_FDCWD, at, HOW, 0, 0, 0])
        })?;
        let links = HashMap::from([(pid, path)]);
        Ok(Listener {
            owner: crate::host::pid(),
            fifo,
            links,
        })
    }

    fn path(pid: i32, name: &str, tracks: bool) -> PathBuf {
        let end = if tracks { TRACKS } else { "" };
        folder(pid).join(format!("{name}{end}"))
    }

    /// What the epoll is to look at.
    pub fn number(&self) -> i32 {
        self.fifo.number()
    }

    /// Is told of another process, too, or of a known one in another way. Whether it could be: not if no link is left to make
    /// another one from.
    pub fn follow(&mut self, pid: i32, tracks: bool) -> bool {
        let Some(link) = self.links.values().find(|link| link.exists()).cloned() else {
            return false;
        };
        let name = name_in(&link);
        let path = Self::path(pid, &name, tracks);
        if !link_to(&link, pid, &path) {
            return false;
        }
        if let Some(old) = self.links.insert(pid, path.clone())
            && old != path
        {
            let _ = fs::remove_file(old);
        }
        true
    }

    /// The child of a tracked process has made its link itself.
    pub fn follows_itself(&mut self, child: i32) {
        let Some(link) = self.links.values().next() else {
            return;
        };
        let name = name_in(link);
        self.links.insert(child, Self::path(child, &name, true));
    }

    /// Is told no more of a process.
    pub fn leave(&mut self, pid: i32) {
        if let Some(link) = self.links.remove(&pid) {
            remove(pid, &link);
        }
    }

    /// All that has come.
    pub fn news(&self) -> Vec<News> {
        let mut all = Vec::new();
        let mut bytes = [0; SIZE * 64];
        let (at, room) = (bytes.as_mut_ptr() as u64, bytes.len() as u64);
        while let Ok(n @ 1..) = syscall(SYS_read, [self.fifo.number() as u64, at, room, 0, 0, 0]) {
            all.extend(
                bytes[..n as usize]
                    .chunks(SIZE)
                    .filter_map(News::from_bytes),
            );
        }
        all
    }
}

/// The name of the FIFO that a link is for, whatever the link is to be told of.
fn name_in(link: &Path) -> String {
    let file = link.file_name().unwrap_or_default().to_string_lossy();
    file.strip_suffix(TRACKS).unwrap_or(&file).to_owned()
}

fn remove(pid: i32, link: &Path) {
    let _ = fs::remove_file(link);
    let _ = fs::remove_dir(folder(pid));
}

impl Drop for Listener {
    fn drop(&mut self) {
        if self.owner != crate::host::pid() {
            return;
        }
        for (pid, link) in self.links.drain() {
            remove(pid, &link);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_heard() {
        // No process has such a number, and no guest clears up after it.
        let (parent, child) = (-101, -102);
        let mut listener = Listener::new(parent, true).expect("a FIFO");
        forked(parent, child);
        assert_eq!(listener.news(), [News::Fork(parent, child)]);
        assert_eq!(listener.news(), []);
        assert!(listener.follow(child, false));
        forked(child, 3);
        assert_eq!(listener.news(), [News::Fork(child, 3)]);
        listener.leave(child);
        assert!(!folder(child).exists());
        forked(child, 3);
        assert_eq!(listener.news(), []);
        drop(listener);
        assert!(!folder(parent).exists());
    }

    #[test]
    fn a_child_and_who_tracks_it_may_both_link() {
        let (parent, child) = (-104, -105);
        let listener = Listener::new(parent, true).expect("a FIFO");
        let path = listener.links.values().next().expect("a link").clone();
        let link = folder(child).join("1.0.track");
        assert!(link_to(&path, child, &link));
        assert!(link_to(&path, child, &link));
        remove(child, &link);
    }

    #[test]
    fn one_that_nobody_reads_is_taken_away() {
        let pid = -103;
        let mut listener = Listener::new(pid, false).expect("a FIFO");
        let links = std::mem::take(&mut listener.links);
        drop(listener);
        assert!(links.values().all(|l| l.exists()));
        forked(pid, 4);
        assert!(!folder(pid).exists());
    }
}
