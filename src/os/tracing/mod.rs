//! One guest process traces another: what `ptrace` of every guest system has in common.
//!
//! Each guest process has an emulator of its own, so the two talk. The tracee's side ([`Tracee`]) is an observer of its process: a
//! thread that comes to something the tracer wants to hear of halts all threads, as a debugger does, and says so; an agent, which is
//! a thread of the emulator's own, then carries out the tracer's requests, in the process that they are about: registers and memory
//! are reached as everywhere else. The tracer's side ([`Tracer`]) has a thread that listens to all its tracees, wakes who waits for
//! them and sends SIGCHLD. The host's process is not stopped meanwhile: it can be killed, and the agent runs.
//!
//! Both sides find each other by a socket in the folder of the one that is to be spoken to ([`rendezvous`]), who is told to look
//! there by a signal that no guest can block ([`crate::host::signal::ring`]). Two connections follow: one for requests with their
//! replies, one for what the tracee tells. When the tracer ends, the host closes them, and the tracee knows.
//!
//! A process that is not traced pays for a look at a flag at each event.

pub mod rendezvous;
mod tracee;
mod tracer;

pub use tracee::{Lwp, Started, System, Tracee};
pub use tracer::{State, Tracer};

use crate::abi::Signal;
use crate::process::Process;
use serde::{Deserialize, Serialize};

/// What a tracer may want to hear of, and what a thread has stopped for: bits of a set.
pub mod event {
    /// A program has been executed.
    pub const EXEC: u32 = 1;
    /// A system call is about to be made.
    pub const CALL: u32 = 2;
    /// A system call is over.
    pub const RETURN: u32 = 4;
    /// A process has been created, which is to be traced as well.
    pub const FORK: u32 = 8;
    /// A thread begins, or ends.
    pub const THREAD: u32 = 0x10;
    /// The child of a vfork has ended or executed a program.
    pub const VFORK_DONE: u32 = 0x20;
    /// Of a stop: the created process has its parent's memory for a time.
    pub const VFORK: u32 = 0x40;
    /// Of a stop: the process is the one that has been created.
    pub const CHILD: u32 = 0x80;
    /// Of a stop: the thread begins.
    pub const BORN: u32 = 0x100;
    /// Of a stop: the thread ends.
    pub const EXITED: u32 = 0x200;
}

/// What a tracer asks of a stopped tracee. The codes are the guest system's.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Request {
    /// Which request.
    pub code: i32,
    /// The thread that it is about; 0 for the one that has stopped.
    pub tid: i32,
    /// An address of the tracee.
    pub addr: u64,
    /// A number.
    pub data: i64,
    /// What the request hands over, in the guest's layout.
    pub bytes: Vec<u8>,
}

/// What comes of a [`Request`].
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Reply {
    /// The host's number of an error; 0 for none.
    pub error: i32,
    /// The result.
    pub value: u64,
    /// What the tracer gets, in the guest's layout.
    pub bytes: Vec<u8>,
}

impl Reply {
    /// That of a request that comes to `result`.
    pub fn of(result: crate::abi::SysResult<(u64, Vec<u8>)>) -> Reply {
        match result {
            Ok((value, bytes)) => Reply {
                error: 0,
                value,
                bytes,
            },
            Err(e) => Reply {
                error: e.0,
                ..Reply::default()
            },
        }
    }
}

/// What a tracee tells.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
enum Notice {
    /// All threads have stopped, for this signal (the guest's number).
    Stopped(i32),
    /// It has ended, and is waited for: `si_code` and `si_status` of its SIGCHLD, the host's numbers.
    Ended { code: i32, status: i32 },
    /// A process has been created and is traced; its connections come along.
    Forked(i32),
}

/// The request that lets an ended tracee go. No guest's.
const COLLECTED: i32 = -1;

/// The host's signal that the guest knows by that number.
fn host_signal(process: &Process, number: i32) -> Option<Signal> {
    let known = |s: &Signal| process.os.signal_number(*s) as i32 == number;
    (1..=126).map(Signal).find(known)
}
