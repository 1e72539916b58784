//! One kqueue: its knotes, where their news comes from, and the list of those that have news.
//!
//! A knote is *active* when it may have something to tell that the epoll will not say again; it is looked at in the next call.
//! A descriptor is registered once, for all knotes on it: level-triggered while each of them is to be told as long as it is ready,
//! otherwise edge-triggered, and then a level-triggered knote stays active.

mod track;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::ops::RangeInclusive;

use super::note::{Knote, NOTE_EXIT, Source, filter};
use super::probe::{self, Class};
use super::relatives::{Listener, News};
use super::*;
use crate::host::fd::OwnFd;
use crate::host::{monotonic_ns, syscall};

const CLOEXEC_NONBLOCK: u64 = 0x80800;

// sys/epoll.h
const EPOLLET: u32 = 1 << 31;
const CTL_ADD: u64 = 1;
const CTL_DEL: u64 = 2;
const CTL_MOD: u64 = 3;

/// What an entry of the epoll is, in the upper half of its data; the lower half is a descriptor or the number of a knote.
mod tag {
    pub const DESCRIPTOR: u64 = 0;
    pub const BELL: u64 = 1;
    pub const TIMER: u64 = 2;
    pub const FILES: u64 = 3;
    pub const SIGNALS: u64 = 4;
    /// Something that one knote has for itself.
    pub const NOTE: u64 = 5;
    pub const NEWS: u64 = 6;
}

/// Registers `fd` in an epoll.
pub(super) fn control(epoll: i32, operation: u64, fd: i32, events: u32, data: u64) -> SysResult {
    // struct epoll_event of x86-64: packed.
    let mut event = [0u8; 12];
    event[..4].copy_from_slice(&events.to_le_bytes());
    event[4..].copy_from_slice(&data.to_le_bytes());
    let args = [
        epoll as u64,
        operation,
        fd as u64,
        event.as_ptr() as u64,
        0,
        0,
    ];
    syscall(SYS_epoll_ctl, args)
}

/// Room for what the epoll says.
pub(in crate::os::freebsd::sys) struct Ready(Vec<[u8; 12]>);

impl Ready {
    pub fn new(room: usize) -> Ready {
        Ready(vec![[0; 12]; room.clamp(1, 64)])
    }

    /// What is ready now.
    pub fn poll(&mut self, epoll: i32) -> SysResult<usize> {
        let (at, room) = (self.0.as_mut_ptr() as u64, self.0.len() as u64);
        syscall(SYS_epoll_wait, [epoll as u64, at, room, 0, 0, 0]).map(|n| n as usize)
    }

    /// Waits for something, at most as many ns.
    pub fn wait(&mut self, call: &mut Call<'_>, epoll: i32, ns: Option<u64>) -> SysResult<usize> {
        let (at, room) = (self.0.as_mut_ptr() as u64, self.0.len() as u64);
        let time = ns.map(|ns| [ns / 1_000_000_000, ns % 1_000_000_000]);
        let timeout = time.as_ref().map_or(0, |t| t.as_ptr() as u64);
        let args = [epoll as u64, at, room, timeout, 0, 8];
        match call.host_wait(SYS_epoll_pwait2, args) {
            // Before Linux 5.11.
            Err(Errno::ENOSYS) => {
                let ms = ns.map_or(-1, |ns| ns.div_ceil(1_000_000).min(i32::MAX as u64) as i64);
                call.host_wait(SYS_epoll_pwait, [epoll as u64, at, room, ms as u64, 0, 8])
            }
            other => other,
        }
        .map(|n| n as usize)
    }

    fn entries(&self, count: usize) -> impl Iterator<Item = (u32, u64)> {
        self.0.iter().take(count).map(|event| {
            let (mut bits, mut data) = ([0; 4], [0; 8]);
            bits.copy_from_slice(&event[..4]);
            data.copy_from_slice(&event[4..]);
            (u32::from_le_bytes(bits), u64::from_le_bytes(data))
        })
    }
}

/// A guest's descriptor in the epoll.
#[derive(Default)]
struct Registration {
    /// The knotes on it, by number.
    notes: Vec<u64>,
    /// As it is registered; 0 if it is not.
    events: u32,
    /// Edge-triggered from now on.
    edges: bool,
}

pub(in crate::os::freebsd::sys) struct Queue {
    epoll: i32,
    closed: bool,
    /// Threads that wait for it.
    waiting: usize,
    notes: HashMap<u64, Knote>,
    /// The knote of an identifier and a filter.
    index: HashMap<(u64, i16), u64>,
    /// Number of the last knote.
    last: u64,
    descriptors: HashMap<i32, Registration>,
    active: VecDeque<u64>,
    /// Those told in the call that is under way which are to be looked at again in the next one.
    told: Vec<u64>,
    /// Readable while a knote is active, so that who waits for the epoll looks.
    bell: Option<OwnFd>,
    rung: bool,
    timer: Option<OwnFd>,
    /// Expiries with the knotes they are of, earliest first.
    expiries: BTreeSet<(u64, u64)>,
    files: Option<OwnFd>,
    /// The knotes of each watch.
    watches: HashMap<i32, Vec<u64>>,
    signals: Option<OwnFd>,
    /// What processes tell.
    listener: Option<Listener>,
    /// News of processes that the news of their birth is still to come of.
    early: Vec<News>,
}

/// As many at most.
const MOST_EARLY: usize = 256;

impl Queue {
    pub fn new(epoll: i32) -> Queue {
        Queue {
            epoll,
            closed: false,
            waiting: 0,
            notes: HashMap::new(),
            index: HashMap::new(),
            last: 0,
            descriptors: HashMap::new(),
            active: VecDeque::new(),
            told: Vec::new(),
            bell: None,
            rung: false,
            timer: None,
            expiries: BTreeSet::new(),
            files: None,
            watches: HashMap::new(),
            signals: None,
            listener: None,
            early: Vec::new(),
        }
    }

    /// The descriptor that it was reached by is closed; this copy of it is not.
    pub fn moved_to(&mut self, fd: i32) {
        self.epoll = fd;
    }

    /// Its last descriptor is about to be closed: threads that wait for it get an error. Returns the signals it counted.
    pub fn close(&mut self) -> Vec<u64> {
        self.closed = true;
        if self.waiting > 0 {
            self.ring();
        }
        let counted = self.notes.values().filter(|n| n.filter == filter::SIGNAL);
        counted.map(|n| n.ident).collect()
    }

    /// Registers, changes or removes a knote.
    /// `end`: the descriptor is that end of a pipe.
    pub fn apply(&mut self, change: &Kevent, end: Option<&End>) -> SysResult<()> {
        let key = (change.ident.0, change.filter);
        let found = self.index.get(&key).copied();
        let id = match found {
            None if change.flags & ev::ADD == 0 => return Err(Errno::ENOENT),
            None => self.add(change, end)?,
            Some(id) if change.flags & ev::DELETE != 0 => {
                self.remove(id);
                self.settle_bell();
                return Ok(());
            }
            Some(id) => {
                self.change(id, change)?;
                id
            }
        };
        if change.flags & ev::FORCEONESHOT != 0
            && let Some(note) = self.notes.get_mut(&id)
        {
            note.flags |= ev::ONESHOT;
            self.activate(id);
        }
        self.settle_bell();
        Ok(())
    }

    fn add(&mut self, change: &Kevent, end: Option<&End>) -> SysResult<u64> {
        self.last += 1;
        let id = self.last;
        let mut note = Knote::new(change);
        note.source = self.source(&mut note, id, end)?;
        let fd = note.ident as i32;
        let (filter, source) = (note.filter, &note.source);
        let on_epoll = matches!(source, Source::Descriptor(_) | Source::Back(_));
        // What is ready from the beginning the epoll tells by itself, but not of its own sources.
        let look = matches!(
            source,
            Source::File { .. } | Source::Signal { .. } | Source::Empty { .. }
        );
        if let Some(expiry) = note.expiry() {
            self.expiries.insert((expiry, id));
        }
        if let Some(watch) = note.watch() {
            self.watches.entry(watch).or_default().push(id);
        }
        self.index.insert((change.ident.0, filter), id);
        self.notes.insert(id, note);
        if on_epoll {
            self.descriptors.entry(fd).or_default().notes.push(id);
            if let Err(e) = self.register(fd) {
                self.remove(id);
                // Such a device has no way to be waited for.
                return Err(if e == Errno::EPERM { Errno::ENODEV } else { e });
            }
        }
        match filter {
            filter::TIMER => self.set_timer()?,
            filter::SIGNAL => self.set_signals()?,
            _ => {}
        }
        if look {
            self.activate(id);
        }
        Ok(id)
    }

    /// Registers an event that tells when an asynchronous request is done. Another one of its identifier is of an earlier request.
    pub fn add_completion(&mut self, change: &Kevent) {
        self.remove_completion(change.ident.0, change.filter);
        self.last += 1;
        let mut note = Knote::new(change);
        note.source = Source::Completion { error: None };
        self.index
            .insert((change.ident.0, change.filter), self.last);
        self.notes.insert(self.last, note);
    }

    /// Such a request is done.
    pub fn complete(&mut self, ident: u64, filter: i16, error: i64) {
        let Some(&id) = self.index.get(&(ident, filter)).filter(|_| !self.closed) else {
            return;
        };
        if let Some(note) = self.notes.get_mut(&id) {
            note.source = Source::Completion { error: Some(error) };
            self.activate(id);
            self.settle_bell();
        }
    }

    /// Such a request is gone.
    pub fn remove_completion(&mut self, ident: u64, filter: i16) {
        let found = self.index.get(&(ident, filter)).copied();
        if let Some(id) = found.filter(|_| !self.closed) {
            self.remove(id);
            self.settle_bell();
        }
    }

    /// Makes the source of a new knote.
    fn source(&mut self, note: &mut Knote, id: u64, end: Option<&End>) -> SysResult<Source> {
        let fd = note.ident as i32;
        Ok(match note.filter {
            filter::WRITE if end.is_some() && pipe::is_other_closed(fd) => {
                return Err(Errno::EPIPE);
            }
            filter::READ | filter::WRITE
                if end.is_some_and(|e| {
                    (e.side.back() == Dir::Out) == (note.filter == filter::READ)
                }) =>
            {
                self.back(end, note.interest_back(), id)?
            }
            filter::READ | filter::WRITE => match probe::class(fd)? {
                Class::File if note.filter == filter::READ => Source::File {
                    watch: Some(self.watch(fd)?),
                },
                Class::File => Source::File { watch: None },
                Class::Device => return Err(Errno::ENODEV),
                // No error, but no event either (`pipe_kqfilter`).
                Class::Stream if probe::is_other_end(fd, note.filter == filter::READ) => {
                    Source::Nothing
                }
                class => Source::Descriptor(class),
            },
            filter::PROCDESC => Source::Descriptor(Class::Stream),
            filter::VNODE => {
                probe::class(fd)?;
                let watch = self.watch(fd)?;
                let (size, links) = probe::size_and_links(fd);
                Source::Vnode { watch, size, links }
            }
            filter::TIMER => {
                note.arm()?;
                return Ok(std::mem::replace(
                    &mut note.source,
                    Source::User { triggered: false },
                ));
            }
            filter::USER => Source::User { triggered: false },
            filter::PROC => {
                note.flags |= ev::CLEAR;
                if fd <= 0 {
                    return Err(Errno::ESRCH);
                }
                let pidfd = OwnFd::open(SYS_pidfd_open, [note.ident, 0, 0, 0, 0, 0])?;
                // One that has ended can tell only that.
                if note.wanted() & NOTE_EXIT == 0 && probe::has_ended(pidfd.number()) {
                    return Err(Errno::ESRCH);
                }
                self.follow(fd, note.wanted())?;
                self.register_for(id, &pidfd, probe::IN)?;
                Source::Process(Some(pidfd))
            }
            filter::SIGNAL => {
                note.flags |= ev::CLEAR;
                // One that is pending came before, and does not count.
                let pending = probe::pending_signals() & host_bit(note.ident) != 0;
                Source::Signal { pending }
            }
            // Only the kernel can make these.
            filter::AIO | filter::LIO => return Err(Errno::EPERM),
            filter::FS => {
                note.flags |= ev::CLEAR;
                Source::Nothing
            }
            // Without a module for it.
            filter::SENDFILE => return Err(Errno::ENXIO),
            filter::EMPTY if probe::class(fd)? == Class::Socket => Source::Empty { next: None },
            _ => return Err(Errno::EINVAL),
        })
    }

    /// Has the epoll tell of something that a knote has for itself.
    fn register_for(&self, id: u64, source: &OwnFd, events: u32) -> SysResult {
        let data = tag::NOTE << 32 | id & 0xffff_ffff;
        control(self.epoll, CTL_ADD, source.number(), events | EPOLLET, data)
    }

    /// The way back of a pipe.
    fn back(&self, end: Option<&End>, events: u32, id: u64) -> SysResult<Source> {
        let end = end.ok_or(Errno::EBADF)?;
        // An epoll has each descriptor once.
        let back = OwnFd::duplicate(end.back.as_fd()).map_err(|_| Errno::EMFILE)?;
        self.register_for(id, &back, events)?;
        Ok(Source::Back(back))
    }

    fn change(&mut self, id: u64, change: &Kevent) -> SysResult<()> {
        let note = self.notes.get_mut(&id).ok_or(Errno::ENOENT)?;
        let before = note.expiry();
        note.change(change)?;
        let after = note.expiry();
        let told = (note.filter == filter::PROC).then(|| (note.ident as i32, note.wanted()));
        if change.flags & ev::ENABLE != 0 {
            note.enabled = true;
        } else if change.flags & ev::DISABLE != 0 {
            note.enabled = false;
        }
        let registered = matches!(note.source, Source::Descriptor(_) | Source::Back(_));
        let fd = registered.then_some(note.ident as i32);
        if let Some((pid, wanted)) = told {
            self.follow(pid, wanted)?;
        }
        if before != after {
            self.expiries.remove(&(before.unwrap_or(0), id));
            self.expiries.extend(after.map(|at| (at, id)));
            self.set_timer()?;
        }
        match fd {
            // A level-triggered one speaks up by itself.
            Some(fd) if !self.register(fd)? => {}
            _ => self.activate(id),
        }
        Ok(())
    }

    fn remove(&mut self, id: u64) {
        let Some(note) = self.notes.remove(&id) else {
            return;
        };
        let key = (note.ident, note.filter);
        if self.index.get(&key) == Some(&id) {
            self.index.remove(&key);
        }
        if note.active {
            self.active.retain(|&n| n != id);
        }
        if let Some(expiry) = note.expiry() {
            self.expiries.remove(&(expiry, id));
        }
        if let Some(watch) = note.watch()
            && let Some(notes) = self.watches.get_mut(&watch)
        {
            notes.retain(|&n| n != id);
            if notes.is_empty() {
                self.watches.remove(&watch);
                let files = self.files.as_ref().map_or(-1, OwnFd::number);
                let _ = syscall(
                    SYS_inotify_rm_watch,
                    [files as u64, watch as u64, 0, 0, 0, 0],
                );
            }
        }
        if let Source::Back(back) = &note.source {
            let _ = control(self.epoll, CTL_DEL, back.number(), 0, 0);
        }
        match note.source {
            Source::Descriptor(_) | Source::Back(_) => {
                let fd = note.ident as i32;
                if let Some(on) = self.descriptors.get_mut(&fd) {
                    on.notes.retain(|&n| n != id);
                    let _ = self.register(fd);
                }
            }
            Source::Process(pidfd) => {
                if let Some(pidfd) = pidfd {
                    let _ = control(self.epoll, CTL_DEL, pidfd.number(), 0, 0);
                }
                if let Some(listener) = &mut self.listener {
                    listener.leave(note.ident as i32);
                }
            }
            Source::Signal { .. } => {
                let _ = self.set_signals();
            }
            _ => {}
        }
    }

    /// The guest is about to close these descriptors.
    pub fn descriptors_closed(&mut self, range: RangeInclusive<i32>) {
        let gone: Vec<u64> = self
            .notes
            .iter()
            .filter(|(_, n)| n.is_on_descriptor() && range.contains(&(n.ident as i32)))
            .map(|(id, _)| *id)
            .collect();
        for id in gone {
            self.remove(id);
        }
        self.settle_bell();
    }

    /// Brings the epoll's entry for a descriptor in line with the knotes on it; returns whether it is edge-triggered.
    fn register(&mut self, fd: i32) -> SysResult<bool> {
        let Some(on) = self.descriptors.get_mut(&fd) else {
            return Ok(false);
        };
        let notes = on.notes.iter().filter_map(|id| self.notes.get(id));
        on.edges |= notes.clone().any(Knote::wants_edges);
        let edges = on.edges;
        // An edge is not lost on a knote that is disabled: when it is enabled it is looked at.
        let mut events = notes
            .filter(|n| edges || n.enabled)
            .fold(0, |all, n| all | n.interest());
        if edges && events != 0 {
            events |= EPOLLET;
        }
        let operation = match (on.events, events) {
            (a, b) if a == b => None,
            (0, _) => Some(CTL_ADD),
            (_, 0) => Some(CTL_DEL),
            _ => Some(CTL_MOD),
        };
        on.events = events;
        let empty = on.notes.is_empty();
        if let Some(operation) = operation {
            let data = tag::DESCRIPTOR << 32 | u64::from(fd as u32);
            let result = control(self.epoll, operation, fd, events, data);
            if operation == CTL_ADD
                && result.is_err()
                && let Some(on) = self.descriptors.get_mut(&fd)
            {
                on.events = 0;
            }
            // What is taken out may be gone already, closed by means that the kqueue is not told of.
            if operation != CTL_DEL {
                result?;
            }
        }
        if empty {
            self.descriptors.remove(&fd);
        }
        Ok(edges)
    }

    /// Puts a source of the emulator's own into the epoll.
    fn open(&self, number: i64, args: [u64; 6], tag: u64, events: u32) -> SysResult<OwnFd> {
        let source = OwnFd::open(number, args)?;
        control(self.epoll, CTL_ADD, source.number(), events, tag << 32)?;
        Ok(source)
    }

    /// Watches the file behind a descriptor.
    fn watch(&mut self, fd: i32) -> SysResult<i32> {
        let files = match self.files.take() {
            Some(files) => files,
            None => self.open(
                SYS_inotify_init1,
                [CLOEXEC_NONBLOCK, 0, 0, 0, 0, 0],
                tag::FILES,
                probe::IN,
            )?,
        };
        let watch = probe::watch_file(&files, fd);
        self.files = Some(files);
        watch
    }

    /// Sets the timer to the first expiry.
    fn set_timer(&mut self) -> SysResult<()> {
        const CLOCK_MONOTONIC: u64 = 1;
        const TFD_TIMER_ABSTIME: u64 = 1;
        let timer = match self.timer.take() {
            Some(timer) => timer,
            None => self.open(
                SYS_timerfd_create,
                [CLOCK_MONOTONIC, CLOEXEC_NONBLOCK, 0, 0, 0, 0],
                tag::TIMER,
                probe::IN,
            )?,
        };
        // A time of 0 would stop it. What lies beyond the clock's range never comes.
        let first = self.expiries.first().map_or(0, |(at, _)| (*at).max(1));
        let first = first.min(i64::MAX as u64);
        // struct itimerspec: interval, value
        let spec = [0, 0, first / 1_000_000_000, first % 1_000_000_000];
        let args = [
            timer.number() as u64,
            TFD_TIMER_ABSTIME,
            spec.as_ptr() as u64,
            0,
            0,
            0,
        ];
        self.timer = Some(timer);
        syscall(SYS_timerfd_settime, args).map(|_| ())
    }

    /// Has the host tell of pending signals that the guest blocks.
    fn set_signals(&mut self) -> SysResult<()> {
        let counted = self.notes.values().filter(|n| n.filter == filter::SIGNAL);
        let mask = counted.fold(0u64, |mask, n| mask | host_bit(n.ident));
        let at = (&raw const mask) as u64;
        match &self.signals {
            Some(signals) => {
                let args = [signals.number() as u64, at, 8, CLOEXEC_NONBLOCK, 0, 0];
                syscall(SYS_signalfd4, args)?;
            }
            None => {
                let args = [-1i64 as u64, at, 8, CLOEXEC_NONBLOCK, 0, 0];
                let events = probe::IN | EPOLLET;
                self.signals = Some(self.open(SYS_signalfd4, args, tag::SIGNALS, events)?);
            }
        }
        Ok(())
    }

    /// Whether a knote counts the signal of that number of the guest's.
    pub fn counts_signal(&self, number: u64) -> bool {
        self.index.contains_key(&(number, filter::SIGNAL))
    }

    /// A signal has come to the process.
    pub fn signal_arrived(&mut self, number: u32) {
        let id = self.index.get(&(number.into(), filter::SIGNAL)).copied();
        if let Some(note) = id.and_then(|id| self.notes.get_mut(&id)) {
            note.count_signal();
        }
        if let Some(id) = id {
            self.activate(id);
            self.settle_bell();
        }
    }

    /// A signal has been sent that is pending already: it counts, though it will come once.
    pub fn signal_repeated(&mut self, number: u32) {
        let id = self.index.get(&(number.into(), filter::SIGNAL)).copied();
        if let Some((id, note)) = id.and_then(|id| Some((id, self.notes.get_mut(&id)?))) {
            note.count_repeated();
            self.activate(id);
            self.settle_bell();
        }
    }

    /// A pending signal has been taken.
    pub fn signal_consumed(&mut self, number: u32) {
        let id = self.index.get(&(number.into(), filter::SIGNAL));
        if let Some(note) = id.and_then(|id| self.notes.get_mut(id)) {
            note.forget_pending();
        }
    }

    /// A knote may have something to tell.
    fn activate(&mut self, id: u64) {
        if let Some(note) = self.notes.get_mut(&id)
            && !std::mem::replace(&mut note.active, true)
        {
            self.active.push_back(id);
        }
    }

    /// Makes the bell say whether a knote is active.
    fn settle_bell(&mut self) {
        match (self.active.is_empty(), self.rung) {
            (false, false) => self.ring(),
            (true, true) => {
                self.rung = false;
                if let Some(bell) = &self.bell {
                    probe::drain(bell);
                }
            }
            _ => {}
        }
    }

    fn ring(&mut self) {
        if self.bell.is_none() {
            let args = [0, CLOEXEC_NONBLOCK, 0, 0, 0, 0];
            self.bell = self.open(SYS_eventfd2, args, tag::BELL, probe::IN).ok();
        }
        if let Some(bell) = &self.bell {
            probe::add_one(bell);
            self.rung = true;
        }
    }

    /// Begins a look: events of active knotes, at most `room`, and the epoll to ask for others.
    pub fn begin_wait(&mut self, room: usize, out: &mut Vec<Kevent>) -> SysResult<i32> {
        if self.closed {
            return Err(Errno::EBADF);
        }
        self.waiting += 1;
        self.tell_active(room, out);
        if out.is_empty() {
            self.settle_bell();
        }
        Ok(self.epoll)
    }

    /// Ends it, with what the epoll said; returns whether the kqueue was closed meanwhile.
    pub fn end_wait(
        &mut self,
        ready: &Ready,
        count: usize,
        room: usize,
        out: &mut Vec<Kevent>,
    ) -> bool {
        self.waiting -= 1;
        if self.closed {
            return true;
        }
        // What a process tells comes before its end.
        self.hear();
        for (bits, data) in ready.entries(count) {
            let low = data & 0xffff_ffff;
            match data >> 32 {
                tag::DESCRIPTOR => self.descriptor_ready(low as i32, bits, room, out),
                tag::TIMER => self.timer_expired(),
                tag::FILES => self.files_changed(),
                tag::SIGNALS => self.signals_pending(),
                tag::NOTE => self.activate(low),
                // Heard already.
                tag::NEWS => {}
                _ => {}
            }
        }
        self.tell_active(room, out);
        for id in std::mem::take(&mut self.told) {
            self.activate(id);
        }
        self.settle_bell();
        false
    }

    /// Looks at each active knote once.
    fn tell_active(&mut self, room: usize, out: &mut Vec<Kevent>) {
        for _ in 0..self.active.len() {
            if out.len() >= room {
                break;
            }
            let Some(id) = self.active.pop_front() else {
                break;
            };
            let Some(note) = self.notes.get_mut(&id) else {
                continue;
            };
            note.active = false;
            if !note.enabled {
                continue;
            }
            let before = note.expiry();
            match note.event(None) {
                Some(event) => self.tell(id, event, true, out),
                None if note.finished => self.remove(id),
                None => {
                    let after = note.expiry();
                    if before.is_none() && after.is_some() {
                        self.expiries.extend(after.map(|at| (at, id)));
                        let _ = self.set_timer();
                    }
                }
            }
        }
    }

    /// Hands an event over. `stays`: one that is to be told as long as it is so has to be looked at again.
    fn tell(&mut self, id: u64, event: Kevent, stays: bool, out: &mut Vec<Kevent>) {
        out.push(event);
        let Some(note) = self.notes.get_mut(&id) else {
            return;
        };
        if note.flags & ev::ONESHOT != 0 {
            self.remove(id);
        } else if note.flags & ev::DISPATCH != 0 {
            note.enabled = false;
            if matches!(note.source, Source::Descriptor(_) | Source::Back(_)) {
                let fd = note.ident as i32;
                let _ = self.register(fd);
            }
        } else if stays && note.flags & ev::CLEAR == 0 {
            self.told.push(id);
        }
    }

    fn descriptor_ready(&mut self, fd: i32, bits: u32, room: usize, out: &mut Vec<Kevent>) {
        let Some(on) = self.descriptors.get(&fd) else {
            return;
        };
        let edges = on.edges;
        for id in on.notes.clone() {
            let Some(note) = self.notes.get_mut(&id) else {
                continue;
            };
            let concerned = note.interest() | probe::HUP | probe::ERR;
            if !note.enabled || bits & concerned == 0 || self.told.contains(&id) {
                continue;
            }
            if matches!(note.source, Source::Back(_)) {
                // The other end is closed.
                self.activate(id);
                continue;
            }
            if out.len() >= room {
                if edges {
                    self.activate(id);
                }
                continue;
            }
            match note.event(Some(bits)) {
                Some(event) => self.tell(id, event, edges, out),
                None if !edges => {
                    // The host finds it ready and FreeBSD does not: the host is to tell of changes only.
                    if let Some(on) = self.descriptors.get_mut(&fd) {
                        on.edges = true;
                    }
                    let _ = self.register(fd);
                }
                None => {}
            }
        }
    }

    fn timer_expired(&mut self) {
        if let Some(timer) = &self.timer {
            probe::drain(timer);
        }
        let now = monotonic_ns();
        while let Some(&(at, id)) = self.expiries.first()
            && at <= now
        {
            self.expiries.pop_first();
            let Some(note) = self.notes.get_mut(&id) else {
                continue;
            };
            if note.expire(now)
                && let Some(next) = note.expiry()
            {
                self.expiries.insert((next, id));
            }
            self.activate(id);
        }
        let _ = self.set_timer();
    }

    fn files_changed(&mut self) {
        let Some(files) = &self.files else { return };
        for (watch, seen) in probe::file_events(files) {
            for id in self.watches.get(&watch).cloned().unwrap_or_default() {
                if let Some(note) = self.notes.get_mut(&id) {
                    note.file_changed(seen);
                    self.activate(id);
                }
            }
        }
    }

    fn signals_pending(&mut self) {
        let pending = probe::pending_signals();
        let new: Vec<u64> = self
            .notes
            .iter_mut()
            .filter(|(_, n)| n.filter == filter::SIGNAL && pending & host_bit(n.ident) != 0)
            .filter_map(|(id, n)| n.count_pending().then_some(*id))
            .collect();
        for id in new {
            self.activate(id);
        }
    }
}

/// The bit of a guest's signal in the host's mask.
fn host_bit(number: u64) -> u64 {
    match Signal::from_guest(Dialect::FreeBsd, number as u32) {
        Some(Signal(n @ 1..=64)) => 1 << (n - 1),
        _ => 0,
    }
}
