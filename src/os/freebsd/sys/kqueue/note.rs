//! A knote: one event source of a kqueue, and what it says when it fires.

use std::os::fd::FromRawFd;

use super::*;

/// Filters (`sys/event.h`).
mod filter {
    pub const READ: i16 = -1;
    pub const WRITE: i16 = -2;
    pub const VNODE: i16 = -4;
    pub const PROC: i16 = -5;
    pub const TIMER: i16 = -7;
    pub const PROCDESC: i16 = -8;
    pub const USER: i16 = -11;
}

// fflags of EVFILT_USER
const NOTE_TRIGGER: u32 = 0x0100_0000;
const NOTE_FFCTRLMASK: u32 = 0xc000_0000;
const NOTE_FFAND: u32 = 0x4000_0000;
const NOTE_FFOR: u32 = 0x8000_0000;
const NOTE_FFCOPY: u32 = 0xc000_0000;
const NOTE_FFLAGSMASK: u32 = 0x00ff_ffff;
// of EVFILT_PROC
const NOTE_EXIT: u32 = 0x8000_0000;
// of EVFILT_TIMER
const NOTE_SECONDS: u32 = 1;
const NOTE_USECONDS: u32 = 4;
const NOTE_NSECONDS: u32 = 8;
const NOTE_ABSTIME: u32 = 0x10;
// of EVFILT_VNODE
const NOTE_DELETE: u32 = 1;
const NOTE_WRITE: u32 = 2;
const NOTE_EXTEND: u32 = 4;
const NOTE_ATTRIB: u32 = 8;
const NOTE_LINK: u32 = 0x10;
const NOTE_RENAME: u32 = 0x20;
const NOTE_REVOKE: u32 = 0x40;
const NOTE_OPEN: u32 = 0x80;
const NOTE_CLOSE: u32 = 0x100;
const NOTE_CLOSE_WRITE: u32 = 0x200;
const NOTE_READ: u32 = 0x400;

// sys/epoll.h
const EPOLLIN: u32 = 1;
const EPOLLOUT: u32 = 4;
const EPOLLERR: u32 = 8;
const EPOLLHUP: u32 = 0x10;
const EPOLLRDHUP: u32 = 0x2000;
const EPOLLET: u32 = 1 << 31;
const CTL_ADD: u64 = 1;
const CTL_DEL: u64 = 2;

/// What a knote waits for.
pub(super) enum Source {
    /// The guest's own descriptor.
    Descriptor,
    /// A copy of it, where the descriptor itself is registered for another filter.
    Copy(OwnedFd),
    /// A regular file, which is always ready: an eventfd that is, too.
    Ready(OwnedFd),
    /// A timer; the expiry of an absolute one is told once.
    Timer(OwnedFd),
    /// EVFILT_USER: readable while triggered.
    User(OwnedFd),
    /// A process.
    Process(OwnedFd),
    /// A file that is watched: the inotify descriptor, and its size and links as last seen.
    File(OwnedFd, u64, u64),
}

pub(super) struct Knote {
    pub ident: u64,
    pub filter: i16,
    pub flags: u16,
    fflags: u32,
    data: i64,
    udata: u64,
    ext: [u64; 4],
    source: Source,
    enabled: bool,
    spent: bool,
}

/// What of a change is not implemented, if anything.
pub(super) fn unsupported(change: &Kevent) -> Option<String> {
    match change.filter {
        filter::READ
        | filter::WRITE
        | filter::VNODE
        | filter::TIMER
        | filter::PROCDESC
        | filter::USER => None,
        filter::PROC if change.fflags & !NOTE_EXIT == 0 || change.flags & ev::ADD == 0 => None,
        filter::PROC => Some(format!(
            "kevent EVFILT_PROC {:#x}",
            change.fflags & !NOTE_EXIT
        )),
        other => {
            let named = f::EVFILT.fields[0]
                .values
                .iter()
                .find(|v| v.host == i64::from(other) as u64);
            Some(format!(
                "kevent {} ({other})",
                named.map_or("filter", |v| v.name)
            ))
        }
    }
}

fn own(fd: u64) -> OwnedFd {
    // SAFETY: the kernel has just made it for us.
    crate::host::fd::raise(unsafe { OwnedFd::from_raw_fd(fd as i32) })
}

impl Knote {
    pub fn new(change: &Kevent) -> SysResult<Knote> {
        let mut note = Knote {
            ident: change.ident.0,
            filter: change.filter,
            flags: change.flags,
            fflags: change.fflags,
            data: change.data,
            udata: change.udata.0,
            ext: change.ext,
            source: Source::Descriptor,
            enabled: false,
            spent: false,
        };
        note.source = note.make_source()?;
        if change.filter == filter::USER {
            note.fflags = change.fflags & NOTE_FFLAGSMASK;
            note.touch(change)?;
        }
        Ok(note)
    }

    fn make_source(&self) -> SysResult<Source> {
        use crate::host::syscall;
        const CLOEXEC_NONBLOCK: u64 = 0x80800;
        let fd = self.ident as i32;
        Ok(match self.filter {
            filter::READ | filter::WRITE => {
                let path = format!("/proc/self/fd/{fd}");
                let meta = std::fs::metadata(path).map_err(|_| Errno::EBADF)?;
                if meta.is_file() {
                    let ready = own(syscall(SYS_eventfd2, [1, CLOEXEC_NONBLOCK, 0, 0, 0, 0])?);
                    Source::Ready(ready)
                } else {
                    Source::Descriptor
                }
            }
            filter::USER => Source::User(own(syscall(
                SYS_eventfd2,
                [0, CLOEXEC_NONBLOCK, 0, 0, 0, 0],
            )?)),
            filter::TIMER => {
                const CLOCK_MONOTONIC: u64 = 1;
                let clock = if self.fflags & NOTE_ABSTIME != 0 {
                    0
                } else {
                    CLOCK_MONOTONIC
                };
                let args = [clock, CLOEXEC_NONBLOCK, 0, 0, 0, 0];
                let timer = own(syscall(SYS_timerfd_create, args)?);
                self.arm(&timer)?;
                Source::Timer(timer)
            }
            filter::PROC => {
                if self.ident as i32 <= 0 {
                    return Err(Errno::ESRCH);
                }
                Source::Process(own(syscall(SYS_pidfd_open, [self.ident, 0, 0, 0, 0, 0])?))
            }
            filter::PROCDESC => Source::Descriptor,
            filter::VNODE => {
                let inotify = own(syscall(
                    SYS_inotify_init1,
                    [CLOEXEC_NONBLOCK, 0, 0, 0, 0, 0],
                )?);
                let path = std::ffi::CString::new(format!("/proc/self/fd/{fd}"))
                    .map_err(|_| Errno::EINVAL)?;
                // IN_ALL_EVENTS
                let args = [
                    inotify.as_raw_fd() as u64,
                    path.as_ptr() as u64,
                    0xfff,
                    0,
                    0,
                    0,
                ];
                syscall(SYS_inotify_add_watch, args).map_err(|_| Errno::EBADF)?;
                let (size, links) = self.size_and_links();
                Source::File(inotify, size, links)
            }
            _ => return Err(Errno::EINVAL),
        })
    }

    /// Sets the timer as `data` and `fflags` say.
    fn arm(&self, timer: &OwnedFd) -> SysResult<()> {
        const TFD_TIMER_ABSTIME: u64 = 1;
        if self.data < 0 {
            return Err(Errno::EINVAL);
        }
        let unit = match self.fflags & 0xf {
            NOTE_SECONDS => 1_000_000_000,
            NOTE_USECONDS => 1000,
            NOTE_NSECONDS => 1,
            _ => 1_000_000,
        };
        // A period of 0 is as short as it can be.
        let ns = (self.data as u64).saturating_mul(unit).max(1);
        let absolute = self.fflags & NOTE_ABSTIME != 0;
        let once = absolute || self.flags & ev::ONESHOT != 0;
        let (sec, nsec) = (ns / 1_000_000_000, ns % 1_000_000_000);
        // struct itimerspec: interval, value
        let spec = if once {
            [0, 0, sec, nsec]
        } else {
            [sec, nsec, sec, nsec]
        };
        let how = if absolute { TFD_TIMER_ABSTIME } else { 0 };
        let args = [timer.as_raw_fd() as u64, how, spec.as_ptr() as u64, 0, 0, 0];
        crate::host::syscall(SYS_timerfd_settime, args).map(|_| ())
    }

    /// Whether the identifier is a descriptor of the guest's.
    pub fn is_on_descriptor(&self) -> bool {
        matches!(
            self.filter,
            filter::READ | filter::WRITE | filter::VNODE | filter::PROCDESC
        )
    }

    /// Whether it can never fire again.
    pub fn is_spent(&self) -> bool {
        self.spent
    }

    /// EV_ADD of one that is there: new parameters.
    pub fn update(&mut self, epoll: i32, id: u64, change: &Kevent) -> SysResult<()> {
        if change.flags & ev::KEEPUDATA == 0 {
            self.udata = change.udata.0;
        }
        self.ext = change.ext;
        let kept = ev::CLEAR | ev::ONESHOT | ev::DISPATCH;
        if self.filter == filter::USER {
            return self.touch(change);
        }
        let was = self.enabled;
        self.disable(epoll);
        self.flags = (self.flags & !kept) | (change.flags & kept);
        self.fflags = change.fflags;
        self.data = change.data;
        if let Source::Timer(timer) = &self.source {
            self.arm(timer)?;
        }
        if was { self.enable(epoll, id) } else { Ok(()) }
    }

    /// NOTE_TRIGGER and the flags of EVFILT_USER.
    pub fn touch(&mut self, change: &Kevent) -> SysResult<()> {
        let Source::User(event) = &self.source else {
            return Ok(());
        };
        let given = change.fflags & NOTE_FFLAGSMASK;
        match change.fflags & NOTE_FFCTRLMASK {
            NOTE_FFAND => self.fflags &= given,
            NOTE_FFOR => self.fflags |= given,
            NOTE_FFCOPY => self.fflags = given,
            _ => {}
        }
        if change.fflags & NOTE_TRIGGER != 0 {
            self.data = change.data;
            let one = 1u64.to_le_bytes();
            let args = [event.as_raw_fd() as u64, one.as_ptr() as u64, 8, 0, 0, 0];
            crate::host::syscall(SYS_write, args)?;
        }
        Ok(())
    }

    /// EV_ENABLE, EV_DISABLE; the latter wins.
    pub fn enable_as(&mut self, epoll: i32, id: u64, flags: u16) -> SysResult<()> {
        if flags & ev::DISABLE != 0 {
            self.disable(epoll);
            Ok(())
        } else if flags & ev::ENABLE != 0 && !self.enabled {
            self.enable(epoll, id)
        } else {
            Ok(())
        }
    }

    fn fd(&self) -> i32 {
        match &self.source {
            Source::Descriptor => self.ident as i32,
            Source::Copy(fd)
            | Source::Ready(fd)
            | Source::Timer(fd)
            | Source::User(fd)
            | Source::Process(fd)
            | Source::File(fd, ..) => fd.as_raw_fd(),
        }
    }

    fn enable(&mut self, epoll: i32, id: u64) -> SysResult<()> {
        let mut events = match self.filter {
            filter::WRITE => EPOLLOUT,
            filter::READ => EPOLLIN | EPOLLRDHUP,
            _ => EPOLLIN,
        };
        // Our own sources are read when they fire, so that edges are not needed.
        if self.flags & ev::CLEAR != 0
            && matches!(self.source, Source::Descriptor | Source::Copy(_))
        {
            events |= EPOLLET;
        }
        // A regular file under WRITE: the eventfd is readable.
        if matches!(self.source, Source::Ready(_)) {
            events = EPOLLIN
                | if self.flags & ev::CLEAR != 0 {
                    EPOLLET
                } else {
                    0
                };
        }
        match epoll_control(epoll, CTL_ADD, self.fd(), events, id) {
            Err(Errno::EEXIST) if matches!(self.source, Source::Descriptor) => {
                let copy = crate::host::syscall(SYS_dup, [self.ident, 0, 0, 0, 0, 0])?;
                self.source = Source::Copy(own(copy));
                epoll_control(epoll, CTL_ADD, self.fd(), events, id)?;
            }
            other => {
                other?;
            }
        }
        self.enabled = true;
        Ok(())
    }

    pub fn disable(&mut self, epoll: i32) {
        if self.enabled {
            // The guest may have closed the descriptor by other means.
            let _ = epoll_control(epoll, CTL_DEL, self.fd(), 0, 0);
            self.enabled = false;
        }
    }

    fn size_and_links(&self) -> (u64, u64) {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(format!("/proc/self/fd/{}", self.ident as i32))
            .map_or((0, 0), |m| (m.len(), m.nlink()))
    }

    /// The event, if what epoll reported is one.
    pub fn fire(&mut self, epoll_events: u32) -> Option<Kevent> {
        let mut event = Kevent {
            ident: Ulong(self.ident),
            filter: self.filter,
            flags: self.flags & !(ev::ENABLE | ev::DISABLE | ev::RECEIPT),
            fflags: 0,
            data: 0,
            udata: Ulong(self.udata),
            ext: self.ext,
        };
        match &mut self.source {
            Source::Descriptor if self.filter == filter::PROCDESC => {
                event.fflags = NOTE_EXIT;
                event.data = exit_status(self.ident as i32)?;
                event.flags |= ev::EOF;
                self.spent = true;
            }
            Source::Descriptor | Source::Copy(_) => {
                let fd = self.ident as i32;
                if epoll_events & (EPOLLHUP | EPOLLERR) != 0
                    || self.filter == filter::READ && epoll_events & EPOLLRDHUP != 0
                {
                    event.flags |= ev::EOF;
                    event.fflags = socket_error(fd);
                }
                event.data = if self.filter == filter::READ {
                    readable(fd)
                } else {
                    writable(fd)
                };
            }
            Source::Ready(_) => event.data = file_left(self.ident as i32),
            Source::Timer(timer) => event.data = read_count(timer)? as i64,
            Source::User(trigger) => {
                event.fflags = self.fflags;
                event.data = self.data;
                if self.flags & ev::CLEAR != 0 {
                    read_count(trigger)?;
                    self.fflags = 0;
                    self.data = 0;
                }
            }
            Source::Process(pidfd) => {
                event.fflags = NOTE_EXIT;
                event.data = exit_status(pidfd.as_raw_fd()).unwrap_or(0);
                event.flags |= ev::EOF;
                self.spent = true;
            }
            Source::File(inotify, ..) => {
                let seen = inotify_mask(inotify);
                event.fflags = self.vnode_events(seen) & self.fflags;
                if event.fflags == 0 {
                    return None;
                }
            }
        }
        Some(event)
    }

    /// What inotify's events are to EVFILT_VNODE.
    fn vnode_events(&mut self, seen: u32) -> u32 {
        let (size, links) = self.size_and_links();
        let Source::File(_, old_size, old_links) = &mut self.source else {
            return 0;
        };
        let mut out = 0;
        for (bit, note) in [
            (0x1, NOTE_READ),        // IN_ACCESS
            (0x2, NOTE_WRITE),       // IN_MODIFY
            (0x4, NOTE_ATTRIB),      // IN_ATTRIB
            (0x8, NOTE_CLOSE_WRITE), // IN_CLOSE_WRITE
            (0x10, NOTE_CLOSE),      // IN_CLOSE_NOWRITE
            (0x20, NOTE_OPEN),       // IN_OPEN
            (0x3c0, NOTE_WRITE),     // entries of a directory moved, created, deleted
            (0x400, NOTE_DELETE),    // IN_DELETE_SELF
            (0x800, NOTE_RENAME),    // IN_MOVE_SELF
            (0x2000, NOTE_REVOKE),   // IN_UNMOUNT
        ] {
            if seen & bit != 0 {
                out |= note;
            }
        }
        if size > *old_size {
            out |= NOTE_EXTEND;
        }
        if links != *old_links {
            out |= NOTE_LINK;
            // The host tells of the end only when the last descriptor is closed.
            if links == 0 {
                out |= NOTE_DELETE;
            }
        }
        (*old_size, *old_links) = (size, links);
        out
    }
}

/// The error that waits on a socket, as the guest's number.
fn socket_error(fd: i32) -> u32 {
    const SOL_SOCKET: u64 = 1;
    const SO_ERROR: u64 = 4;
    let (mut error, mut len) = (0i32, 4u32);
    let args = [
        fd as u64,
        SOL_SOCKET,
        SO_ERROR,
        (&raw mut error) as u64,
        (&raw mut len) as u64,
        0,
    ];
    match crate::host::syscall(SYS_getsockopt, args) {
        Ok(_) if error != 0 => Errno(error).to_guest(crate::abi::Dialect::FreeBsd),
        _ => 0,
    }
}

fn ioctl_int(fd: i32, request: u64) -> Option<i64> {
    let mut value = 0i32;
    let args = [fd as u64, request, (&raw mut value) as u64, 0, 0, 0];
    crate::host::syscall(SYS_ioctl, args).ok()?;
    Some(value.into())
}

/// Bytes that can be read; 1 for a listening socket, whose connections the host does not count.
fn readable(fd: i32) -> i64 {
    const FIONREAD: u64 = 0x541b;
    ioctl_int(fd, FIONREAD).unwrap_or(1)
}

/// Room for writing.
fn writable(fd: i32) -> i64 {
    const SIOCOUTQ: u64 = 0x5411;
    /// A pipe's buffer, or a socket's low estimate.
    const ROOM: i64 = 65536;
    (ROOM - ioctl_int(fd, SIOCOUTQ).unwrap_or(0)).max(1)
}

/// Bytes from the position of a file to its end.
fn file_left(fd: i32) -> i64 {
    const SEEK_CUR: u64 = 1;
    let at = crate::host::syscall(SYS_lseek, [fd as u64, 0, SEEK_CUR, 0, 0, 0]).unwrap_or(0);
    let size = std::fs::metadata(format!("/proc/self/fd/{fd}")).map_or(0, |m| m.len());
    size as i64 - at as i64
}

/// Reads and resets a timerfd or eventfd; `None` if it was not ready.
fn read_count(fd: &OwnedFd) -> Option<u64> {
    let mut count = [0u8; 8];
    let args = [fd.as_raw_fd() as u64, count.as_mut_ptr() as u64, 8, 0, 0, 0];
    crate::host::syscall(SYS_read, args).ok()?;
    Some(u64::from_le_bytes(count))
}

/// All that inotify has seen.
fn inotify_mask(inotify: &OwnedFd) -> u32 {
    let mut seen = 0;
    let mut bytes = [0u8; 4096];
    let args = [
        inotify.as_raw_fd() as u64,
        bytes.as_mut_ptr() as u64,
        4096,
        0,
        0,
        0,
    ];
    while let Ok(n @ 1..) = crate::host::syscall(SYS_read, args) {
        let mut at = 0;
        // struct inotify_event: wd, mask, cookie, len, name
        while let Some(head) = bytes[..n as usize].get(at..at + 16) {
            let word =
                |i: usize| u32::from_le_bytes([head[i], head[i + 1], head[i + 2], head[i + 3]]);
            seen |= word(4);
            at += 16 + word(12) as usize;
        }
    }
    seen
}

/// Status of a process that has ended, as `wait4` gives it to the guest.
fn exit_status(pidfd: i32) -> Option<i64> {
    const P_PIDFD: u64 = 3;
    const WEXITED_NOWAIT_NOHANG: u64 = 4 | 0x0100_0000 | 1;
    const CLD_EXITED: i32 = 1;
    const CLD_DUMPED: i32 = 3;
    let mut info = [0i32; 32];
    let args = [
        P_PIDFD,
        pidfd as u64,
        info.as_mut_ptr() as u64,
        WEXITED_NOWAIT_NOHANG,
        0,
        0,
    ];
    crate::host::syscall(SYS_waitid, args).ok()?;
    // si_code is the third word, si_status the seventh.
    let (code, status) = (info[2], info[6]);
    Some(match code {
        CLD_EXITED => i64::from(status & 0xff) << 8,
        _ => {
            let signal = crate::abi::Signal(status as u8).to_guest(crate::abi::Dialect::FreeBsd);
            i64::from(signal) | if code == CLD_DUMPED { 0x80 } else { 0 }
        }
    })
}
