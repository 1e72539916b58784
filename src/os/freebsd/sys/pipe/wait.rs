//! Waiting for pipes: what `poll` and `select` see of the way back, and of an end whose other one is closed.

use super::*;
use crate::abi::{read_int, write_int};
use crate::host::monotonic_ns;
use crate::process::ERESTARTSYS;

// poll.h; the first four have FreeBSD's values, too.
pub(in crate::os::freebsd::sys) const IN: u32 = 1;
const PRI: u32 = 2;
pub(in crate::os::freebsd::sys) const OUT: u32 = 4;
pub(in crate::os::freebsd::sys) const ERR: u32 = 8;
pub(in crate::os::freebsd::sys) const HUP: u32 = 0x10;
const NVAL: u32 = 0x20;
const RDNORM: u32 = 0x40;
const RDBAND: u32 = 0x80;
const WRNORM: u32 = 0x100;
const WRBAND: u32 = 0x200;

/// What asks for data, and for room.
const READING: u32 = IN | RDNORM;
const WRITING: u32 = OUT | WRNORM;

/// Size of `struct pollfd`, on all systems: descriptor, events, what has been found.
const SIZE: usize = 8;

/// `struct pollfd` of the host's.
#[derive(Clone, Copy)]
#[repr(C)]
pub(in crate::os::freebsd::sys) struct Pollfd {
    pub fd: i32,
    pub events: u16,
    pub found: u16,
}

impl Pollfd {
    pub fn new(fd: i32, events: u32) -> Pollfd {
        Pollfd {
            fd,
            events: events as u16,
            found: 0,
        }
    }

    fn finds(&self, events: u32) -> bool {
        u32::from(self.found) & events != 0
    }
}

impl Side {
    /// What the host is to look for at the way back.
    fn event(self) -> u32 {
        match self {
            Side::First => OUT,
            Side::Second => IN,
        }
    }

    /// What of the guest's events goes by the way back.
    fn events(self) -> u32 {
        match self {
            Side::First => WRITING,
            Side::Second => READING,
        }
    }
}

/// What of `events` a descriptor has now, and whether it is at its end.
pub(in crate::os::freebsd::sys) fn look(fd: i32, events: u32) -> u32 {
    let mut one = Pollfd::new(fd, events);
    let result = syscall(SYS_poll, [(&raw mut one) as u64, 1, 0, 0, 0, 0]);
    result.map_or(0, |_| u32::from(one.found))
}

/// Waits until the way back of a descriptor is ready, or its other end closed.
pub(super) fn until_ready(call: &mut Call<'_>, fd: i32, end: &End) -> SysResult<()> {
    let mut both = [
        Pollfd::new(end.back.number(), end.side.event()),
        Pollfd::new(fd, 0),
    ];
    let args = [both.as_mut_ptr() as u64, 2, 0, 0, 8, 0];
    match call.host_wait(SYS_ppoll, args) {
        // A transfer is made again after a signal, which the host's call is not.
        Err(Errno::EINTR) => Err(ERESTARTSYS),
        other => other.map(|_| ()),
    }
}

/// `ppoll` of the host, with the ways back. `time`: seconds and nanoseconds; `mask`: the host's.
pub(in crate::os::freebsd::sys) fn poll(
    call: &mut Call<'_>,
    fds: &mut Vec<Pollfd>,
    time: Option<[u64; 2]>,
    mask: Option<u64>,
) -> SysResult {
    let count = fds.len();
    // The ends among them, by place.
    let ends: Vec<(usize, End)> = if_used(call, |ends| {
        let numbered = fds.iter().enumerate();
        numbered
            .filter_map(|(n, one)| Some((n, ends.get(one.fd)?.clone())))
            .collect()
    })
    .unwrap_or_default();
    let asked =
        |fds: &[Pollfd], n: usize, end: &End| u32::from(fds[n].events) & end.side.events() != 0;
    let back: Vec<&(usize, End)> = ends.iter().filter(|(n, end)| asked(fds, *n, end)).collect();
    for (_, end) in &back {
        fds.push(Pollfd::new(end.back.number(), end.side.event()));
    }
    let args = [
        fds.as_mut_ptr() as u64,
        fds.len() as u64,
        time.as_ref().map_or(0, |t| t.as_ptr() as u64),
        mask.as_ref().map_or(0, |m| std::ptr::from_ref(m) as u64),
        8,
        0,
    ];
    let result = call.host_wait(SYS_ppoll, args);
    let backs = fds.split_off(count);
    result?;
    for ((n, end), back) in back.iter().zip(backs) {
        if back.finds(end.side.event()) {
            fds[*n].found |= fds[*n].events & end.side.events() as u16;
        }
    }
    for (n, _) in &ends {
        let one = &mut fds[*n];
        if one.finds(ERR | HUP) {
            // Its end can be read, and a write fails at once (`pipe_poll`).
            one.found &= !(ERR as u16);
            one.found |= HUP as u16 | one.events & (READING | WRITING) as u16;
        }
    }
    Ok(fds.iter().filter(|one| one.found != 0).count() as u64)
}

/// What of the guest's array of `struct pollfd` may be about pipes.
pub(in crate::os::freebsd::sys) struct Look {
    /// An end is among the descriptors.
    pub ends: bool,
    /// A way back is asked for.
    pub back: bool,
    /// An end whose other one is closed has been found.
    pub closed: bool,
}

/// Looks at the array of the guest's `poll`: at what it asks, or at what the host has found.
pub(in crate::os::freebsd::sys) fn look_at(call: &Call<'_>) -> Look {
    /// Entries that are looked at at a time.
    const BATCH: u64 = 16;
    let mut seen = Look {
        ends: false,
        back: false,
        closed: false,
    };
    let (at, count) = (call.arg(0), call.arg(1).min(1 << 20));
    let pipes = of(call.thread).map(|os| &os.pipes);
    let Some(pipes) = pipes.filter(|pipes| pipes.ends.is_used()) else {
        return seen;
    };
    let mut bytes = [0; SIZE * BATCH as usize];
    for first in (0..count).step_by(BATCH as usize) {
        let some = &mut bytes[..SIZE * (count - first).min(BATCH) as usize];
        let at = at.wrapping_add(first * SIZE as u64);
        if call.mem().read(at, some).is_err() {
            break;
        }
        for one in some.chunks_exact(SIZE) {
            let word = |at: usize, kind| read_int(call.abi, kind, &one[at..]) as u32;
            let fd = word(0, Kind::I32) as i32;
            for side in Side::BOTH.into_iter().filter(|s| pipes.may_be(fd, *s)) {
                seen.ends = true;
                seen.back |= word(4, Kind::U16) & side.events() != 0;
                seen.closed |= word(6, Kind::U16) & (ERR | HUP) != 0;
            }
        }
    }
    seen
}

/// The sets of `select`: their arguments, what the host looks for, and what counts as found.
const SETS: [(usize, u32, u32); 3] = [
    (1, READING | RDBAND, READING | RDBAND | HUP | ERR),
    (2, WRITING | WRBAND, WRITING | WRBAND | ERR),
    (3, PRI, PRI),
];

/// `select`, if it asks for a way back.
pub(in crate::os::freebsd::sys) fn select(
    call: &mut Call<'_>,
    time: impl FnOnce(&Call<'_>) -> SysResult<Option<[u64; 2]>>,
    mask: Option<u64>,
) -> Option<SysResult> {
    let count = call.int(0);
    let asked: Vec<(i32, Side)> = if_used(call, |ends| {
        let below = ends.iter().filter(|(fd, _)| *fd < count);
        below.map(|(fd, end)| (fd, end.side)).collect()
    })?;
    let set_of = |side| match side {
        Side::First => call.arg(2),
        Side::Second => call.arg(1),
    };
    let is_asked = |&(fd, side): &(i32, Side)| is_set(call, set_of(side), fd) == Ok(true);
    if !asked.iter().any(is_asked) {
        return None;
    }
    Some(time(call).and_then(|time| select_by_poll(call, count, time, mask)))
}

/// Whether a descriptor is in a set at that address, 0 for none, of the guest's `select`.
pub(in crate::os::freebsd::sys) fn is_set(call: &Call<'_>, set: u64, fd: i32) -> SysResult<bool> {
    if set == 0 {
        return Ok(false);
    }
    let word = u64::from(call.abi.abi.word);
    let (fd, bits) = (fd as u64, word * 8);
    let at = set.wrapping_add(fd / bits * word);
    Ok(call.read_int(at, Kind::Ulong)? >> (fd % bits) & 1 != 0)
}

fn select_by_poll(
    call: &mut Call<'_>,
    count: i32,
    time: Option<[u64; 2]>,
    mask: Option<u64>,
) -> SysResult {
    const SECOND: u64 = 1_000_000_000;
    let mut fds = Vec::new();
    for fd in 0..count {
        let mut events = 0;
        for (n, looked_for, _) in SETS {
            if is_set(call, call.arg(n), fd)? {
                events |= looked_for;
            }
        }
        if events != 0 {
            fds.push(Pollfd::new(fd, events));
        }
    }
    let end = time.map(|[s, ns]| {
        let wait = s.saturating_mul(SECOND).saturating_add(ns);
        monotonic_ns().saturating_add(wait)
    });
    loop {
        let left = end.map(|end| end.saturating_sub(monotonic_ns()));
        poll(
            call,
            &mut fds,
            left.map(|ns| [ns / SECOND, ns % SECOND]),
            mask,
        )?;
        if fds.iter().any(|one| one.finds(NVAL)) {
            return Err(Errno::EBADF);
        }
        let mut hits = Vec::new();
        for one in &fds {
            for (n, looked_for, found) in SETS {
                if u32::from(one.events) & looked_for == looked_for && one.finds(found) {
                    hits.push((n, one.fd));
                }
            }
        }
        if !hits.is_empty() || left == Some(0) {
            return tell(call, count, &hits);
        }
        // What was found is nothing that was asked for, and does not go away.
        fds.retain(|one| one.found == 0);
    }
}

/// Leaves what has been found in the sets.
fn tell(call: &mut Call<'_>, count: i32, hits: &[(usize, i32)]) -> SysResult {
    let word = usize::from(call.abi.abi.word);
    let words = (count as usize).div_ceil(word * 8);
    for (n, ..) in SETS {
        let at = call.arg(n);
        if at == 0 {
            continue;
        }
        let mut set = vec![0u64; words];
        for (_, fd) in hits.iter().filter(|(of, _)| *of == n) {
            set[*fd as usize / (word * 8)] |= 1 << (*fd as usize % (word * 8));
        }
        let mut bytes = vec![0; words * word];
        for (to, value) in bytes.chunks_mut(word).zip(set) {
            write_int(call.abi, Kind::Ulong, to, value);
        }
        call.write_bytes(at, &bytes)?;
    }
    Ok(hits.len() as u64)
}
