//! Pipes, which on FreeBSD go both ways (`pipe(2)`).
//!
//! From the second descriptor to the first one goes a pipe of the host's, and the two are its ends: nothing that is done the usual way
//! comes here. The *way back* is a second pipe of the host's, a descriptor of the emulator's own for both ends of it
//! ([`OwnFd::loop_pipe`]). It is a buffer and nothing more: whether the other end is closed is asked of the first pipe, which the
//! host closes with the last descriptor for it, so it does not matter in which processes the way back is still open.
//!
//! What is known of an end goes where its descriptor goes, as what is kept of sockets does (`net::kept`): to copies, to the
//! children of forks, through `execve` as text, and over sockets behind the descriptors of a message. Where it cannot go, to a program
//! of the host's and through it, the pipe goes one way.

pub(super) mod wait;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use super::descriptors;
use super::own::Own;
use crate::abi::{Errno, Kind, SysResult};
use crate::host::fd::{self, OwnFd};
use crate::host::nr::*;
use crate::host::syscall;
use crate::os::freebsd::of;
use crate::os::{Call, Dir, host_iovecs};
use crate::process::Outcome;

/// What the rows of pipes say.
pub(super) const LIMITS: &str = "one way only: between the child of a vfork that made it and others, where a program of the host's has passed it on, and when a process holds some 900";

/// Which of the two descriptors an end is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    /// `fildes[0]`: read from by the host's pipe, written to by the way back.
    First,
    /// `fildes[1]`: the other way round.
    Second,
}

impl Side {
    pub(super) const BOTH: [Side; 2] = [Side::First, Side::Second];

    /// The number that stands for it in text.
    pub(super) fn number(self) -> i32 {
        match self {
            Side::First => 0,
            Side::Second => 1,
        }
    }

    pub(super) fn from_number(number: i32) -> Option<Side> {
        Side::BOTH.into_iter().find(|s| s.number() == number)
    }

    /// What goes by the way back: [`Dir::Out`] for reading, as in a row.
    pub(super) fn back(self) -> Dir {
        match self {
            Side::First => Dir::In,
            Side::Second => Dir::Out,
        }
    }
}

/// An end of a pipe.
#[derive(Clone)]
pub(super) struct End {
    pub side: Side,
    pub back: Arc<OwnFd>,
}

/// Ends by descriptor.
#[derive(Clone, Default)]
pub(super) struct Ends(Vec<Option<End>>);

impl Ends {
    pub(super) fn get(&self, fd: i32) -> Option<&End> {
        self.0.get(usize::try_from(fd).ok()?)?.as_ref()
    }

    fn set(&mut self, fd: i32, end: Option<End>) {
        let Ok(n) = usize::try_from(fd) else { return };
        if n >= self.0.len() && end.is_some() {
            self.0.resize(n + 1, None);
        }
        if let Some(place) = self.0.get_mut(n) {
            *place = end;
        }
    }

    fn iter(&self) -> impl Iterator<Item = (i32, &End)> {
        let numbered = self.0.iter().enumerate();
        numbered.filter_map(|(fd, end)| Some((fd as i32, end.as_ref()?)))
    }

    pub(super) fn close(&mut self, first: i32, last: i32) {
        let range = first.max(0) as usize..=last.max(-1) as usize;
        let ends = self.0.iter_mut().enumerate();
        ends.filter(|(fd, _)| last >= 0 && range.contains(fd))
            .for_each(|(_, end)| *end = None);
    }
}

/// The ends that a process has.
#[derive(Default)]
pub struct Pipes {
    pub(super) ends: Own<Ends>,
    /// Which descriptors are or have been ends of either side, for who has no time to look: bit n for descriptor n, the last for
    /// all from there on.
    been: [AtomicU64; 2],
}

impl Pipes {
    /// What a program that this process executes has to know, as text: `FD=SIDE.BACK`, for descriptors that stay open. The ways back
    /// of those are left open, too. `native`: the host's program gets none of it.
    pub(in crate::os::freebsd) fn to_text(&self, vforked: bool, native: bool) -> String {
        const F_GETFD: u64 = 1;
        const FD_CLOEXEC: u64 = 1;
        if !self.ends.is_used() {
            return String::new();
        }
        let stays = |fd: i32| {
            let flags = syscall(SYS_fcntl, [fd as u64, F_GETFD, 0, 0, 0, 0]);
            !native && flags.is_ok_and(|f| f & FD_CLOEXEC == 0)
        };
        self.ends.with(vforked, |ends| {
            // A way back stays open if one of several descriptors does.
            ends.iter()
                .for_each(|(_, end)| fd::set_inherited(end.back.number(), false));
            let left = ends.iter().filter(|(fd, _)| stays(*fd));
            let items = left.map(|(fd, end)| {
                let back = end.back.number();
                fd::set_inherited(back, true);
                format!("{fd}={}.{back}", end.side.number())
            });
            items.collect::<Vec<_>>().join(";")
        })
    }

    /// Takes over what the program before this one has left.
    pub(in crate::os::freebsd) fn inherit(&self, text: &str) {
        // Descriptors of one pipe have one way back.
        let mut backs: Vec<(i32, Option<Arc<OwnFd>>)> = Vec::new();
        let parse = |item: &str| {
            let (fd, rest) = item.split_once('=')?;
            let (side, back) = rest.split_once('.')?;
            let side = Side::from_number(side.parse().ok()?)?;
            Some((fd.parse().ok()?, side, back.parse().ok()?))
        };
        self.ends.with(false, |ends| {
            for (fd, side, left) in text.split(';').filter_map(parse) {
                let known = backs.iter().find(|(n, _)| *n == left);
                let back = match known {
                    Some((_, back)) => back.clone(),
                    None => {
                        let back = OwnFd::adopt_loop(left).ok().map(Arc::new);
                        backs.push((left, back.clone()));
                        back
                    }
                };
                if let Some(back) = back.filter(|_| descriptors::is_open(fd)) {
                    self.note(fd, side);
                    ends.set(fd, Some(End { side, back }));
                }
            }
        });
    }
}

impl Pipes {
    /// A descriptor is that end of a pipe.
    fn note(&self, fd: i32, side: Side) {
        self.been[side.number() as usize].fetch_or(bit(fd), Relaxed);
    }

    /// Whether a descriptor may be that end of a pipe.
    fn may_be(&self, fd: i32, side: Side) -> bool {
        fd >= 0 && self.been[side.number() as usize].load(Relaxed) & bit(fd) != 0
    }
}

/// The bit of a descriptor in [`Pipes::been`].
fn bit(fd: i32) -> u64 {
    1 << fd.clamp(0, 63)
}

/// Looks at or changes the process's ends, if it has any.
fn if_used<R>(call: &Call<'_>, action: impl FnOnce(&mut Ends) -> R) -> Option<R> {
    of(call.thread)?.pipes.ends.if_used(call, action)
}

/// The end that a descriptor is.
pub(super) fn end(call: &Call<'_>, fd: i32) -> Option<End> {
    if_used(call, |ends| ends.get(fd).cloned())?
}

/// A descriptor, which is new, is this end of a pipe.
pub(super) fn set(call: &Call<'_>, fd: i32, end: End) {
    // The child of a vfork has descriptors of its own, but what owns them is in its parent's memory.
    if let Some(os) = of(call.thread)
        && !call.thread.handle.has_own_files()
    {
        os.pipes.note(fd, end.side);
        os.pipes.ends.with(false, |ends| ends.set(fd, Some(end)));
    }
}

/// A descriptor has been copied.
pub(super) fn copied(call: &Call<'_>, old: i32, new: i32) {
    let copy = if_used(call, |ends| {
        let end = ends.get(old).cloned();
        let side = end.as_ref().map(|end| end.side);
        ends.set(new, end);
        side
    });
    if let (Some(side), Some(os)) = (copy.flatten(), of(call.thread)) {
        os.pipes.note(new, side);
    }
}

/// Descriptors from `first` to `last` are about to be closed.
pub(super) fn closing(call: &Call<'_>, first: i32, last: i32) {
    if_used(call, |ends| ends.close(first, last));
}

/// Makes a pipe; `flags` are the host's.
fn open(call: &mut Call<'_>, flags: u64) -> SysResult<[i32; 2]> {
    let mut fds = [0i32; 2];
    call.host(SYS_pipe2, [fds.as_mut_ptr() as u64, flags, 0, 0, 0, 0])?;
    if call.thread.handle.has_own_files() {
        return Ok(fds);
    }
    // Without room for the way back it goes one way.
    if let Ok(back) = OwnFd::loop_pipe().map(Arc::new) {
        for (fd, side) in fds.into_iter().zip(Side::BOTH) {
            let back = back.clone();
            set(call, fd, End { side, back });
        }
    }
    Ok(fds)
}

/// `pipe` of FreeBSD 10 returns both descriptors in registers.
pub(super) fn create_old(call: &mut Call<'_>) -> SysResult {
    let fds = open(call, 0)?;
    call.outcome = Some(Outcome::ReturnPair(fds[0] as u64, fds[1] as u64));
    Ok(0)
}

pub(super) fn create(call: &mut Call<'_>) -> SysResult {
    const O_CLOEXEC: u64 = 0x10_0000;
    const O_NONBLOCK: u64 = 4;
    if call.arg(1) & !(O_CLOEXEC | O_NONBLOCK) != 0 {
        return Err(Errno::EINVAL);
    }
    let fds = open(call, call.host_flags(1))?;
    let at = call.arg(0);
    let told = (0..2).try_for_each(|n| {
        call.write_int(at.wrapping_add(4 * n), Kind::I32, fds[n as usize] as u64)
    });
    if told.is_err() {
        for fd in fds {
            closing(call, fd, fd);
            let _ = call.host(SYS_close, [fd as u64, 0, 0, 0, 0, 0]);
        }
    }
    told.map(|()| 0)
}

/// The result of a transfer that the host's pipe has none for: by the way back. `dir` is that of the guest's memory.
pub(super) fn or_back(call: &mut Call<'_>, result: SysResult, dir: Dir) -> SysResult {
    if result != Err(Errno::EBADF) {
        return result;
    }
    let Some(end) = end(call, call.int(0)).filter(|e| e.side.back() == dir) else {
        return result;
    };
    let vectors = match call.row.name {
        "readv" | "writev" => host_iovecs(call, call.arg(1), call.arg(2), dir)?,
        _ => {
            let (at, len) = (call.arg(1), call.arg(2));
            let host = if len == 0 {
                0
            } else {
                call.lend(at, len, dir, dir.writes())?
            };
            [host.to_le_bytes(), len.to_le_bytes()].concat()
        }
    };
    match end.side {
        Side::First => write_back(call, &end, vectors),
        Side::Second => read_back(call, &end, &vectors),
    }
}

/// Whether all descriptors for the other end are closed, in all processes.
pub(super) fn is_other_closed(fd: i32) -> bool {
    wait::look(fd, 0) & (wait::ERR | wait::HUP) != 0
}

/// Whether a descriptor does not wait.
fn is_nonblocking(call: &mut Call<'_>, fd: i32) -> bool {
    const F_GETFL: u64 = 3;
    const O_NONBLOCK: u64 = 0x800;
    let flags = call.host(SYS_fcntl, [fd as u64, F_GETFL, 0, 0, 0, 0]);
    flags.is_ok_and(|flags| flags & O_NONBLOCK != 0)
}

/// Makes `readv` or `writev`, which do not wait.
fn move_bytes(call: &mut Call<'_>, number: i64, end: &End, vectors: &[u8]) -> SysResult {
    let (at, count) = (vectors.as_ptr() as u64, vectors.len() as u64 / IOVEC as u64);
    call.host(number, [end.back.number() as u64, at, count, 0, 0, 0])
}

/// Size of the host's `struct iovec`.
const IOVEC: usize = 16;

fn read_back(call: &mut Call<'_>, end: &End, vectors: &[u8]) -> SysResult {
    let fd = call.int(0);
    loop {
        // What was written before the other end was closed is read first.
        let closed = is_other_closed(fd);
        match move_bytes(call, SYS_readv, end, vectors) {
            Err(Errno::EAGAIN) if closed => return Ok(0),
            Err(Errno::EAGAIN) if !is_nonblocking(call, fd) => wait::until_ready(call, fd, end)?,
            other => return other,
        }
    }
}

fn write_back(call: &mut Call<'_>, end: &End, mut vectors: Vec<u8>) -> SysResult {
    let fd = call.int(0);
    let mut done = 0;
    loop {
        let result = match is_other_closed(fd) {
            true => Err(Errno::EPIPE),
            false => move_bytes(call, SYS_writev, end, &vectors),
        };
        let result = match result {
            Ok(n) => {
                done += n;
                if !advance(&mut vectors, n) {
                    return Ok(done);
                }
                continue;
            }
            Err(Errno::EAGAIN) if !is_nonblocking(call, fd) => wait::until_ready(call, fd, end),
            Err(e) => Err(e),
        };
        match result {
            Ok(()) => {}
            Err(_) if done > 0 => return Ok(done),
            Err(Errno::EPIPE) => {
                super::net::raise_sigpipe(call)?;
                return Err(Errno::EPIPE);
            }
            Err(e) => return Err(e),
        }
    }
}

/// Takes `n` bytes, which have been written, off the front of vectors; whether something is left.
fn advance(vectors: &mut Vec<u8>, mut n: u64) -> bool {
    let mut rest = Vec::with_capacity(vectors.len());
    for vector in vectors.chunks(IOVEC) {
        let word = |at: usize| {
            let mut bytes = [0; 8];
            bytes.copy_from_slice(&vector[at..at + 8]);
            u64::from_le_bytes(bytes)
        };
        let (at, len) = (word(0), word(8));
        let gone = n.min(len);
        n -= gone;
        if len > gone {
            rest.extend([at + gone, len - gone].map(u64::to_le_bytes).concat());
        }
    }
    *vectors = rest;
    !vectors.is_empty()
}

/// Bytes that wait in a pipe of the host's, asked by either end.
pub(super) fn waiting(fd: i32) -> u64 {
    const FIONREAD: u64 = 0x541b;
    let mut count = 0i32;
    let args = [fd as u64, FIONREAD, (&raw mut count) as u64, 0, 0, 0];
    syscall(SYS_ioctl, args).map_or(0, |_| count as u64)
}

/// Bytes that can be read from a descriptor by the way back.
pub(in crate::os::freebsd) fn bytes_back(call: &Call<'_>, fd: i32) -> Option<u64> {
    let end = end(call, fd).filter(|end| end.side == Side::Second)?;
    Some(waiting(end.back.number()))
}

/// What `fstat` tells of a descriptor that is an end: its inode number, and what can be read from it (`pipe_stat`).
pub(super) fn inode_and_size(call: &Call<'_>, fd: i32) -> Option<(Option<u64>, u64)> {
    use std::os::unix::fs::MetadataExt;
    let end = end(call, fd)?;
    Some(match end.side {
        Side::First => (None, waiting(fd)),
        // The other direction is another pipe, whose number the second end has for itself.
        Side::Second => {
            let back = end.back.number();
            let meta = std::fs::metadata(format!("/proc/self/fd/{back}"));
            (meta.ok().map(|m| m.ino()), waiting(back))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vectors(items: &[[u64; 2]]) -> Vec<u8> {
        items
            .iter()
            .flatten()
            .flat_map(|w| w.to_le_bytes())
            .collect()
    }

    #[test]
    fn what_is_written_is_taken_off_the_vectors() {
        let mut left = vectors(&[[100, 10], [0, 0], [200, 5]]);
        assert!(advance(&mut left, 4));
        assert_eq!(left, vectors(&[[104, 6], [200, 5]]));
        assert!(advance(&mut left, 8));
        assert_eq!(left, vectors(&[[202, 3]]));
        assert!(!advance(&mut left, 3));
    }

    #[test]
    fn ends_go_to_the_next_program() {
        let (before, after) = (Pipes::default(), Pipes::default());
        assert_eq!(before.to_text(false, false), "");
        let pipe = OwnFd::pipe().expect("a pipe");
        let number = pipe.0.number();
        fd::set_inherited(number, true);
        let back = Arc::new(OwnFd::loop_pipe().expect("room"));
        before.ends.with(false, |ends| {
            ends.set(
                number,
                Some(End {
                    side: Side::Second,
                    back: back.clone(),
                }),
            );
        });
        assert_eq!(before.to_text(false, true), "");
        let text = before.to_text(false, false);
        assert_eq!(text, format!("{number}=1.{}", back.number()));
        // The next program's emulator has the number to itself.
        let copy = fd::duplicate(back.as_fd()).expect("room");
        let left = std::os::fd::IntoRawFd::into_raw_fd(copy);
        after.inherit(&text.replace(&format!(".{}", back.number()), &format!(".{left}")));
        let side = after
            .ends
            .with(false, |ends| ends.get(number).map(|e| e.side));
        assert_eq!(side, Some(Side::Second));
        for bad in ["", "x", "1=0", "1=7.5", "1=0.-1"] {
            after.inherit(bad);
        }
        after.ends.with(false, |ends| ends.close(0, i32::MAX));
        assert!(after.ends.with(false, |ends| ends.iter().next().is_none()));
    }
}
