//! How the guest is told that a request or a list is done: `struct sigevent`.

use std::sync::{Arc, Mutex};

use crate::abi::{Dialect, Errno, Kind, Signal, SysResult, Ulong};
use crate::host::nr::{SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo};
use crate::host::signal::RawInfo;
use crate::host::{pid, syscall};
use crate::os::Call;
use crate::os::freebsd::structs::Kevent;
use crate::os::freebsd::sys::kqueue;
use crate::process::{Process, SigFields, SigInfo};

// sys/signal.h
const SIGEV_NONE: u64 = 0;
const SIGEV_SIGNAL: u64 = 1;
const SIGEV_KEVENT: u64 = 3;
const SIGEV_THREAD_ID: u64 = 4;

/// What is to happen.
#[derive(Default)]
pub(super) enum Notice {
    #[default]
    None,
    /// A signal with a value, to the process or one of its threads.
    Signal(Signal, u64, Option<i32>),
    /// An event of a kqueue.
    Event(Event),
}

/// An event of a kqueue: that the kernel has registered, not the guest.
pub(super) struct Event {
    queue: Arc<Mutex<kqueue::Queue>>,
    ident: u64,
    filter: i16,
}

/// A `struct sigevent` as it is.
pub(super) struct Wish {
    notify: u64,
    /// `sigev_signo`, which is the kqueue of SIGEV_KEVENT.
    number: u64,
    value: u64,
    /// Thread of SIGEV_THREAD_ID.
    thread: i32,
    /// Flags of SIGEV_KEVENT.
    flags: u16,
}

impl Wish {
    /// The one at an address.
    pub fn read(call: &Call<'_>, at: u64) -> SysResult<Wish> {
        let word = u64::from(call.abi.abi.word);
        let mut wish = Wish {
            notify: call.read_int(at, Kind::U32)?,
            number: call.read_int(at.wrapping_add(4), Kind::U32)?,
            value: call.read_int(at.wrapping_add(8), Kind::Ulong)?,
            thread: 0,
            flags: 0,
        };
        // A union.
        let rest = at.wrapping_add(8 + word);
        match wish.notify {
            SIGEV_THREAD_ID => wish.thread = call.read_int(rest, Kind::I32)? as i32,
            SIGEV_KEVENT => wish.flags = call.read_int(rest, Kind::U16)? as u16,
            _ => {}
        }
        Ok(wish)
    }

    /// The one of FreeBSD 6 at an address: way, number, value.
    pub fn read_old(call: &Call<'_>, at: u64) -> SysResult<Wish> {
        let wish = Wish {
            notify: call.read_int(at, Kind::U32)?,
            number: call.read_int(at.wrapping_add(4), Kind::U32)?,
            value: call.read_int(at.wrapping_add(8), Kind::Ulong)?,
            thread: 0,
            flags: 0,
        };
        match wish.notify {
            SIGEV_NONE | SIGEV_KEVENT => Ok(wish),
            // Its value was not sent.
            SIGEV_SIGNAL => Ok(Wish { value: 0, ..wish }),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Makes it what is to happen, without registering an event.
    pub fn check(&self) -> SysResult<()> {
        match self.notify {
            SIGEV_NONE | SIGEV_KEVENT => Ok(()),
            SIGEV_SIGNAL | SIGEV_THREAD_ID => self.signal().map(|_| ()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn signal(&self) -> SysResult<Signal> {
        Signal::from_guest(Dialect::FreeBsd, self.number as u32).ok_or(Errno::EINVAL)
    }

    /// What is to happen; an event is registered under this identifier and filter.
    pub fn prepare(&self, call: &Call<'_>, ident: u64, filter: i16) -> SysResult<Notice> {
        const EV_ADD: u16 = 1;
        // EV_CLEAR, EV_DISPATCH, EV_ONESHOT
        const ALLOWED: u16 = 0x20 | 0x80 | 0x10;
        Ok(match self.notify {
            SIGEV_SIGNAL => Notice::Signal(self.signal()?, self.value, None),
            SIGEV_THREAD_ID => Notice::Signal(self.signal()?, self.value, Some(self.thread)),
            SIGEV_KEVENT => {
                // Only those of a request have flags.
                let flags = if filter == kqueue::EVFILT_AIO {
                    self.flags
                } else {
                    0
                };
                if flags & !ALLOWED != 0 {
                    return Err(Errno::EINVAL);
                }
                let queue = kqueue::find(call, self.number as i32).ok_or(Errno::EBADF)?;
                kqueue::add_completion(
                    &queue,
                    &Kevent {
                        ident: Ulong(ident),
                        filter,
                        flags: EV_ADD | flags,
                        udata: Ulong(self.value),
                        ..Kevent::default()
                    },
                );
                Notice::Event(Event {
                    queue,
                    ident,
                    filter,
                })
            }
            _ => Notice::None,
        })
    }
}

impl Notice {
    /// It has happened. `error`: that of a request.
    pub fn tell(&self, process: &Arc<Process>, error: Option<Errno>) {
        match self {
            Notice::None => {}
            Notice::Signal(signal, value, thread) => send(process, *signal, *value, *thread),
            Notice::Event(e) => {
                let error = error.map_or(0, |e| e.to_guest(Dialect::FreeBsd));
                kqueue::complete(&e.queue, e.ident, e.filter, error.into());
            }
        }
    }

    /// What it was about is gone.
    pub fn withdraw(&mut self) {
        if let Notice::Event(e) = std::mem::take(self) {
            kqueue::remove_completion(&e.queue, e.ident, e.filter);
        }
    }
}

fn send(process: &Arc<Process>, signal: Signal, value: u64, thread: Option<i32>) {
    /// The host's SI_ASYNCIO.
    const SI_ASYNCIO: i32 = -4;
    if signal.0 > 64 {
        let (pid, uid) = (0, 0);
        process.send_beyond(
            thread,
            SigInfo {
                signal,
                errno: 0,
                code: SI_ASYNCIO,
                fields: SigFields::Queue { pid, uid, value },
            },
        );
        return;
    }
    // siginfo_t: signal, error, code, sender and user (none), value
    let mut info = RawInfo([0; 128]);
    info.0[..4].copy_from_slice(&u32::from(signal.0).to_le_bytes());
    info.0[8..12].copy_from_slice(&SI_ASYNCIO.to_le_bytes());
    info.0[24..32].copy_from_slice(&value.to_le_bytes());
    let (me, number, info) = (
        pid() as u64,
        u64::from(signal.0),
        (&raw const info.0) as u64,
    );
    // A thread that is not there any more gets none.
    let _ = match thread {
        None => syscall(SYS_rt_sigqueueinfo, [me, number, info, 0, 0, 0]),
        Some(t) => syscall(SYS_rt_tgsigqueueinfo, [me, t as u64, number, info, 0, 0]),
    };
}
