//! A knote: one event source of a kqueue, and what it says when it fires.

use super::probe::{self, Class};
use super::*;
use crate::abi::Ulong;
use crate::host::fd::OwnFd;

/// Filters (`sys/event.h`).
pub(super) mod filter {
    pub const READ: i16 = -1;
    pub const WRITE: i16 = -2;
    pub const AIO: i16 = -3;
    pub const VNODE: i16 = -4;
    pub const PROC: i16 = -5;
    pub const SIGNAL: i16 = -6;
    pub const TIMER: i16 = -7;
    pub const PROCDESC: i16 = -8;
    pub const LIO: i16 = -10;
    pub const FS: i16 = -9;
    pub const SENDFILE: i16 = -12;
    pub const EMPTY: i16 = -13;
    pub const USER: i16 = -11;
}

// fflags of EVFILT_READ and EVFILT_WRITE
const NOTE_LOWAT: u32 = 1;
const NOTE_FILE_POLL: u32 = 2;
// of EVFILT_USER
const NOTE_TRIGGER: u32 = 0x0100_0000;
const NOTE_FFCTRLMASK: u32 = 0xc000_0000;
const NOTE_FFAND: u32 = 0x4000_0000;
const NOTE_FFOR: u32 = 0x8000_0000;
const NOTE_FFCOPY: u32 = 0xc000_0000;
const NOTE_FFLAGSMASK: u32 = 0x00ff_ffff;
// of EVFILT_PROC
pub(super) const NOTE_EXIT: u32 = 0x8000_0000;
pub(super) const NOTE_FORK: u32 = 0x4000_0000;
pub(super) const NOTE_EXEC: u32 = 0x2000_0000;
pub(super) const NOTE_TRACK: u32 = 1;
pub(super) const NOTE_TRACKERR: u32 = 2;
const NOTE_CHILD: u32 = 4;
// of EVFILT_TIMER
const NOTE_SECONDS: u32 = 1;
const NOTE_MSECONDS: u32 = 2;
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

const SIGKILL: i64 = 9;

/// Time in ns after which a socket that has not sent all is looked at again: the host does not tell when it has.
const LOOK_AGAIN: u64 = 2_000_000;

/// What a knote waits for.
pub(super) enum Source {
    /// The guest's own descriptor, registered in the epoll.
    Descriptor(Class),
    /// The way back of a pipe, registered in the epoll beside the guest's descriptor, which tells of the end of the other one.
    Back(OwnFd),
    /// A regular file: for reading, the watch that tells of its growth.
    File { watch: Option<i32> },
    /// A file that is watched: the watch, and its size and links as last seen.
    Vnode { watch: i32, size: u64, links: u64 },
    /// Monotonic time of the next expiry and the period in ns; no period for one that comes once.
    Timer { next: u64, period: Option<u64> },
    /// Whether it has been triggered.
    User { triggered: bool },
    /// An asynchronous request, or a list of them: its error, once it is done.
    Completion { error: Option<i64> },
    /// A process; `None` for one that had ended when its parent's tracking came upon it.
    Process(Option<OwnFd>),
    /// The child of a process that is tracked: told once.
    Child,
    /// Nothing comes of it.
    Nothing,
    /// A socket: when to look again whether all has been sent, while it has not.
    Empty { next: Option<u64> },
    /// Whether the one that is pending has been counted.
    Signal { pending: bool },
}

pub(super) struct Knote {
    pub ident: u64,
    pub filter: i16,
    pub flags: u16,
    udata: u64,
    ext: [u64; 4],
    /// `fflags` and `data` of the change: what is asked for.
    wanted: u32,
    parameter: i64,
    /// What has happened and how often.
    seen: u32,
    count: i64,
    pub source: Source,
    pub enabled: bool,
    /// In the queue's list of those that may have something to tell.
    pub active: bool,
    /// Has come to its end with nothing to tell.
    pub finished: bool,
    /// The status that its process has ended with, if it has told.
    pub status: Option<i64>,
}

/// What of a change is not implemented, and whether it cannot be registered at all.
pub(super) fn unsupported(change: &Kevent) -> Option<(String, bool)> {
    match change.filter {
        filter::READ
        | filter::WRITE
        | filter::VNODE
        | filter::SIGNAL
        | filter::TIMER
        | filter::PROCDESC
        | filter::AIO
        | filter::LIO
        | filter::FS
        | filter::SENDFILE
        | filter::EMPTY
        | filter::USER => None,
        filter::PROC if !wants_news(change.fflags) || change.flags & ev::ADD == 0 => None,
        // Only emulators tell of these.
        filter::PROC => {
            let program = |pid: &str| std::fs::read_link(format!("/proc/{pid}/exe")).ok();
            let guest = program(&change.ident.0.to_string()) == program("self");
            let what = "NOTE_FORK or NOTE_EXEC of a process that is no guest";
            (!guest).then(|| (what.to_owned(), false))
        }
        other => {
            let named = f::EVFILT.fields[0]
                .values
                .iter()
                .find(|v| v.host == i64::from(other) as u64);
            Some((
                format!("{} ({other})", named.map_or("filter", |v| v.name)),
                true,
            ))
        }
    }
}

/// Whether such an EVFILT_PROC is to be told by the process itself.
pub(super) fn wants_news(fflags: u32) -> bool {
    fflags & (NOTE_FORK | NOTE_EXEC | NOTE_TRACK) != 0
}

/// Whether the identifier is a descriptor of the guest's.
pub(super) fn is_on_descriptor(filter: i16) -> bool {
    matches!(
        filter,
        filter::READ | filter::WRITE | filter::VNODE | filter::PROCDESC | filter::EMPTY
    )
}

/// The signal that a change is about.
pub(super) fn counted_signal(change: &Kevent) -> Option<u64> {
    (change.filter == filter::SIGNAL).then_some(change.ident.0)
}

impl Knote {
    /// Something that a process has told.
    pub fn tell(&mut self, what: u32) {
        self.seen |= what & (self.wanted | NOTE_TRACKERR);
    }

    /// The change that would make this EVFILT_PROC for a child of its process; `data` is the process.
    pub fn for_child(&self, child: i32) -> Kevent {
        Kevent {
            ident: Ulong(child as u64),
            filter: self.filter,
            flags: self.flags | ev::ADD,
            fflags: self.wanted,
            data: self.ident as i64,
            udata: Ulong(self.udata),
            ext: [0; 4],
        }
    }

    /// Which processes it is to be told of.
    pub fn wanted(&self) -> u32 {
        self.wanted
    }

    /// A new one, without its source.
    pub fn new(change: &Kevent) -> Knote {
        let volatile = ev::ADD | ev::DELETE | ev::ENABLE | ev::DISABLE | ev::FORCEONESHOT;
        Knote {
            ident: change.ident.0,
            filter: change.filter,
            flags: change.flags & !volatile,
            udata: change.udata.0,
            ext: change.ext,
            wanted: change.fflags,
            parameter: change.data,
            seen: 0,
            count: 0,
            source: Source::User { triggered: false },
            enabled: change.flags & ev::DISABLE == 0,
            active: false,
            finished: false,
            status: None,
        }
    }

    fn fd(&self) -> i32 {
        self.ident as i32
    }

    /// Whether the identifier is a descriptor of the guest's.
    pub fn is_on_descriptor(&self) -> bool {
        is_on_descriptor(self.filter)
    }

    /// What the host's epoll is to look for.
    pub fn interest(&self) -> u32 {
        match self.filter {
            // Nothing but its end, which the host tells without being asked.
            _ if matches!(self.source, Source::Back(_)) => probe::RDHUP,
            filter::WRITE => probe::OUT,
            filter::READ => probe::IN | probe::RDHUP,
            _ => probe::IN,
        }
    }

    /// What the host's epoll is to look for at the way back of a pipe.
    pub fn interest_back(&self) -> u32 {
        match self.filter {
            filter::WRITE => probe::OUT,
            _ => probe::IN,
        }
    }

    /// Whether it is to be told of changes only, not as long as something is so.
    pub fn wants_edges(&self) -> bool {
        self.flags & ev::CLEAR != 0
            || self.low_water() > 1
            || matches!(self.source, Source::Back(_))
    }

    fn low_water(&self) -> i64 {
        match self.wanted & NOTE_LOWAT {
            0 => 1,
            _ => self.parameter.max(1),
        }
    }

    /// The watch of its file.
    pub fn watch(&self) -> Option<i32> {
        match self.source {
            Source::File { watch } => watch,
            Source::Vnode { watch, .. } => Some(watch),
            _ => None,
        }
    }

    /// A change of one that is there: new parameters. Whether it is enabled is the queue's affair.
    pub fn change(&mut self, change: &Kevent) -> SysResult<()> {
        if change.flags & ev::KEEPUDATA == 0 {
            self.udata = change.udata.0;
        }
        match &mut self.source {
            Source::User { triggered } => {
                if change.fflags & NOTE_TRIGGER != 0 {
                    *triggered = true;
                }
                let given = change.fflags & NOTE_FFLAGSMASK;
                match change.fflags & NOTE_FFCTRLMASK {
                    NOTE_FFAND => self.wanted &= given,
                    NOTE_FFOR => self.wanted |= given,
                    NOTE_FFCOPY => self.wanted = given,
                    _ => {}
                }
                self.parameter = change.data;
                if change.flags & ev::CLEAR != 0 {
                    *triggered = false;
                }
            }
            Source::Timer { .. } if change.flags & ev::ADD == 0 => {}
            _ => {
                self.wanted = change.fflags;
                self.parameter = change.data;
            }
        }
        if change.flags & ev::ADD != 0 && self.filter == filter::TIMER {
            self.arm()?;
        }
        Ok(())
    }

    /// Starts the timer as `data` and `fflags` say; what it has counted is gone.
    pub fn arm(&mut self) -> SysResult<()> {
        const UNITS: u32 = NOTE_SECONDS | NOTE_MSECONDS | NOTE_USECONDS | NOTE_NSECONDS;
        let unit = match self.wanted & UNITS {
            NOTE_SECONDS => 1_000_000_000,
            0 | NOTE_MSECONDS => 1_000_000,
            NOTE_USECONDS => 1000,
            NOTE_NSECONDS => 1,
            _ => return Err(Errno::EINVAL),
        };
        if self.parameter < 0 || self.wanted & !(UNITS | NOTE_ABSTIME) != 0 {
            return Err(Errno::EINVAL);
        }
        let once = self.flags & ev::ONESHOT != 0;
        if self.parameter == 0 && !once {
            self.parameter = 1;
        }
        let ns = (self.parameter as u64).saturating_mul(unit);
        let now = crate::host::monotonic_ns();
        let absolute = self.wanted & NOTE_ABSTIME != 0;
        let next = if absolute {
            // The kernel, too, makes a time since it was started of the wall clock's once and for all.
            now.saturating_add(ns.saturating_sub(wall_clock_ns()))
        } else {
            self.flags |= ev::CLEAR;
            now.saturating_add(ns)
        };
        self.count = 0;
        self.source = Source::Timer {
            next,
            period: (!absolute && !once).then_some(ns),
        };
        Ok(())
    }

    /// When its timer expires.
    pub fn expiry(&self) -> Option<u64> {
        match self.source {
            Source::Timer { next, .. } => Some(next),
            Source::Empty { next } => next,
            _ => None,
        }
    }

    /// Its timer has expired; whether it goes on.
    pub fn expire(&mut self, now: u64) -> bool {
        if let Source::Empty { next } = &mut self.source {
            *next = None;
        }
        let Source::Timer { next, period } = &mut self.source else {
            return false;
        };
        match *period {
            Some(period) => {
                let times = now.saturating_sub(*next) / period + 1;
                self.count += times as i64;
                *next += times * period;
                true
            }
            None => {
                self.count += 1;
                false
            }
        }
    }

    /// A signal has come.
    pub fn count_signal(&mut self) {
        if let Source::Signal { pending } = &mut self.source
            && !std::mem::take(pending)
        {
            self.count += 1;
        }
    }

    /// A signal is pending for a thread that blocks it: it counts now, not when it is taken. Whether it is a new one.
    pub fn count_pending(&mut self) -> bool {
        match &mut self.source {
            Source::Signal { pending } if !*pending => {
                *pending = true;
                self.count += 1;
                true
            }
            _ => false,
        }
    }

    /// A signal has been sent that is pending already; that one counts too, if nobody has looked since.
    pub fn count_repeated(&mut self) {
        self.count_pending();
        self.count += 1;
    }

    /// The pending one has been taken.
    pub fn forget_pending(&mut self) {
        if let Source::Signal { pending } = &mut self.source {
            *pending = false;
        }
    }

    /// What inotify has seen of the file.
    pub fn file_changed(&mut self, seen: u32) {
        let fd = self.fd();
        let Source::Vnode { size, links, .. } = &mut self.source else {
            return;
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
        // By the event that is about it: what came before is told of a file as it is now.
        const MODIFY: u32 = 0x2;
        const ATTRIB: u32 = 0x4;
        const ENTRIES: u32 = 0x3c0;
        let (now_size, now_links) = probe::size_and_links(fd);
        if seen & MODIFY != 0 {
            if now_size > *size {
                out |= NOTE_EXTEND;
            }
            *size = now_size;
        }
        if seen & (ATTRIB | ENTRIES) != 0 {
            if now_links != *links {
                out |= NOTE_LINK;
                // The host tells of the end only when the last descriptor is closed.
                if now_links == 0 {
                    out |= NOTE_DELETE;
                }
            }
            *links = now_links;
        }
        // FreeBSD tells all that one change is, once any of it is wanted: a write that makes a file longer, and a new or removed
        // folder in another.
        let of_entries = if seen & ENTRIES != 0 { NOTE_LINK } else { 0 };
        let one = out & (NOTE_WRITE | NOTE_EXTEND | of_entries);
        self.seen |= out & self.wanted;
        if one & self.wanted != 0 {
            self.seen |= one;
        }
    }

    /// The event, if there is one now. `ready` is what the host's epoll said of the descriptor, if it has just done so.
    pub fn event(&mut self, ready: Option<u32>) -> Option<Kevent> {
        let fd = self.fd();
        let mut flags = self.flags;
        let (mut fflags, mut data) = (self.seen, self.count);
        match &mut self.source {
            Source::Descriptor(_) if self.filter == filter::PROCDESC => {
                if !probe::has_ended(fd) {
                    return None;
                }
                data = probe::exit_status(fd).unwrap_or(SIGKILL);
                fflags = NOTE_EXIT;
                flags |= ev::EOF;
            }
            Source::Descriptor(class) => {
                let class = *class;
                let ready = ready.unwrap_or_else(|| probe::poll(fd, self.interest()));
                let (eof, level) = self.descriptor_state(class, ready)?;
                data = level;
                if eof {
                    flags |= ev::EOF;
                }
            }
            Source::Back(back) => {
                let (back, reading) = (back.number(), self.filter == filter::READ);
                let (closed, level) = (pipe::is_other_closed(fd), probe::pipe_level(back, reading));
                if !closed && level.is_none_or(|level| level < self.low_water()) {
                    return None;
                }
                data = level.unwrap_or(0);
                if closed {
                    flags |= ev::EOF;
                }
            }
            Source::File { .. } if self.filter == filter::READ => {
                data = probe::file_left(fd);
                if data == 0 && self.wanted & NOTE_FILE_POLL == 0 {
                    return None;
                }
            }
            Source::File { .. } => {}
            Source::User { triggered } => {
                if !*triggered {
                    return None;
                }
                (fflags, data) = (self.wanted, self.parameter);
                if self.flags & ev::CLEAR != 0 {
                    *triggered = false;
                }
            }
            Source::Completion { error } => {
                let error = (*error)?;
                if self.filter == filter::AIO {
                    self.flags |= ev::EOF;
                    (flags, data) = (self.flags, error);
                }
            }
            Source::Vnode { .. } => {
                if self.seen == 0 {
                    return None;
                }
            }
            Source::Timer { .. } | Source::Signal { .. } => {
                if self.count == 0 {
                    return None;
                }
            }
            Source::Process(pidfd) => {
                let ended = pidfd.as_ref().is_none_or(|p| probe::has_ended(p.number()));
                if ended {
                    // Its end is the last that there is to tell.
                    self.flags |= ev::EOF | ev::ONESHOT;
                    flags = self.flags;
                    fflags |= self.wanted & NOTE_EXIT;
                    let host = pidfd.as_ref().and_then(|p| probe::exit_status(p.number()));
                    if fflags & NOTE_EXIT != 0 {
                        // Guests tell of every end but by SIGKILL.
                        data = host.or(self.status).unwrap_or(SIGKILL);
                    }
                }
                if fflags == 0 {
                    self.finished = ended;
                    return None;
                }
            }
            Source::Child => {
                (fflags, data) = (NOTE_CHILD, self.parameter);
            }
            Source::Nothing => return None,
            Source::Empty { next } => {
                data = probe::unsent(fd);
                if data != 0 {
                    *next = Some(crate::host::monotonic_ns() + LOOK_AGAIN);
                    return None;
                }
            }
        }
        if self.flags & ev::CLEAR != 0 {
            (self.seen, self.count) = (0, 0);
        }
        Some(Kevent {
            ident: Ulong(self.ident),
            filter: self.filter,
            flags,
            fflags,
            data,
            udata: Ulong(self.udata),
            ext: self.ext,
        })
    }

    /// Whether a descriptor is at its end, and the bytes that there are; `None` if it is not ready.
    fn descriptor_state(&self, class: Class, ready: u32) -> Option<(bool, i64)> {
        let fd = self.fd();
        let reading = self.filter == filter::READ;
        let gone = if class == Class::Socket {
            // The host says that a socket that has never been connected is hung up, but not that the other end is.
            let hung_up = ready & probe::HUP != 0;
            if hung_up
                && ready & probe::RDHUP == 0
                && probe::poll(fd, probe::RDHUP) & probe::RDHUP == 0
            {
                return None;
            }
            hung_up || reading && ready & probe::RDHUP != 0
        } else {
            ready & (probe::HUP | probe::ERR) != 0
        };
        let wanted = if reading { probe::IN } else { probe::OUT };
        if !gone && ready & (wanted | probe::ERR) == 0 {
            return None;
        }
        let level = if reading {
            probe::readable(fd)
        } else {
            probe::writable(fd)
        };
        if !gone && ready & probe::ERR == 0 && level < self.low_water() {
            // What a datagram of no bytes is worth.
            let empty = reading && level == 0 && self.wanted & NOTE_LOWAT == 0;
            if !empty {
                return None;
            }
        }
        Some((gone, level))
    }
}

fn wall_clock_ns() -> u64 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |t| t.as_nanos() as u64)
}
