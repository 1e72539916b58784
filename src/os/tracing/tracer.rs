//! The side of the process that traces others.

use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::rendezvous::Connections;
use super::{COLLECTED, Notice, Reply, Request, host_signal};
use crate::abi::{Errno, Signal, SysResult};
use crate::host;
use crate::host::fd;
use crate::host::nr::SYS_rt_sigqueueinfo;
use crate::host::signal::RawInfo;
use crate::process::{Action, Process, sa};
use emu_stub::proxy::Wire;

/// What a tracee is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It runs.
    Running,
    /// It has stopped for this signal (the guest's number). `waited`: a wait call has told so.
    Stopped {
        /// Which.
        signal: i32,
        /// Somebody knows.
        waited: bool,
    },
    /// It has ended, as `si_code` and `si_status` of SIGCHLD say (the host's numbers); only of those that are no children.
    Ended {
        /// `CLD_EXITED` or `CLD_KILLED`.
        code: i32,
        /// Exit status or signal.
        status: i32,
    },
}

struct Traced {
    pid: i32,
    state: State,
    link: Arc<Connections>,
    /// One request at a time.
    turn: Arc<Mutex<()>>,
}

#[derive(Default)]
struct Table {
    tracees: Vec<Traced>,
    /// Who waits for news: a socket of each, that something is written to.
    waiting: Vec<Arc<UnixStream>>,
    /// Wakes the listening thread, which there is then.
    wake: Option<Arc<UnixStream>>,
}

/// The tracees of a process.
#[derive(Default)]
pub struct Tracer {
    any: AtomicBool,
    table: Mutex<Table>,
}

const CLD_EXITED: i32 = 1;
const CLD_KILLED: i32 = 2;
const CLD_TRAPPED: i32 = 4;

/// Two ends of a connection that the emulator has with itself.
fn own_pair() -> std::io::Result<(UnixStream, UnixStream)> {
    let pair = || UnixStream::pair().map(|(a, b)| vec![a.into(), b.into()]);
    let mut ends = fd::raised_all(pair)?.into_iter().map(|end: OwnedFd| end);
    match (ends.next(), ends.next()) {
        (Some(a), Some(b)) => Ok((a.into(), b.into())),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    }
}

/// News of tracees for one that waits: a descriptor that can be read when there are some.
pub struct News<'t> {
    tracer: &'t Tracer,
    mine: UnixStream,
    theirs: Arc<UnixStream>,
}

impl AsFd for News<'_> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.mine.as_fd()
    }
}

impl News<'_> {
    /// Waits for them, at most that long.
    pub fn wait(&self, patience: std::time::Duration) {
        let patience = Timespec::try_from(patience).ok();
        let _ = poll(
            &mut [PollFd::new(&self.mine, PollFlags::IN)],
            patience.as_ref(),
        );
    }

    /// Takes what has come.
    pub fn clear(&mut self) {
        let _ = self.mine.set_nonblocking(true);
        let _ = self.mine.read(&mut [0; 64]);
    }
}

impl Drop for News<'_> {
    fn drop(&mut self) {
        let mut table = self.tracer.lock();
        table.waiting.retain(|w| !Arc::ptr_eq(w, &self.theirs));
        fd::forget(self.mine.as_raw_fd());
        fd::forget(self.theirs.as_raw_fd());
    }
}

impl Tracer {
    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it traces anybody.
    pub fn traces_any(&self) -> bool {
        self.any.load(SeqCst)
    }

    /// The tracees.
    pub fn tracees(&self) -> Vec<i32> {
        self.lock().tracees.iter().map(|t| t.pid).collect()
    }

    /// What a tracee is doing; `None` if it is none.
    pub fn state(&self, pid: i32) -> Option<State> {
        let table = self.lock();
        table.tracees.iter().find(|t| t.pid == pid).map(|t| t.state)
    }

    /// A process is traced from now on.
    ///
    /// # Errors
    /// EAGAIN: no thread, or no descriptors.
    pub fn add(&self, process: &Arc<Process>, pid: i32, link: Connections) -> SysResult<()> {
        let mut table = self.lock();
        if table.wake.is_none() {
            let (mine, theirs) = own_pair().map_err(|_| Errno::EAGAIN)?;
            let of_process = process.clone();
            let listen = move || {
                if let Some(tracer) = super::super::freebsd::tracer_of(&of_process) {
                    tracer.listen(&of_process, &theirs);
                }
            };
            if !process.spawn_helper("tracer", listen) {
                return Err(Errno::EAGAIN);
            }
            table.wake = Some(Arc::new(mine));
        }
        table.tracees.push(Traced {
            pid,
            state: State::Running,
            link: Arc::new(link),
            turn: Arc::default(),
        });
        self.any.store(true, SeqCst);
        table.rouse();
        Ok(())
    }

    /// One is traced no more.
    pub fn remove(&self, pid: i32) {
        if !self.traces_any() {
            return;
        }
        let mut table = self.lock();
        table.tracees.retain(|t| t.pid != pid);
        self.any.store(!table.tracees.is_empty(), SeqCst);
        table.rouse();
    }

    /// Asks one to do something.
    ///
    /// # Errors
    /// ESRCH: it is gone.
    pub fn request(&self, pid: i32, request: &Request) -> SysResult<Reply> {
        let (link, turn) = {
            let table = self.lock();
            let found = table.tracees.iter().find(|t| t.pid == pid);
            let found = found.ok_or(Errno::ESRCH)?;
            (found.link.clone(), found.turn.clone())
        };
        let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let frame = postcard::to_stdvec(request).map_err(|_| Errno::EIO)?;
        link.requests.send(&frame).map_err(|_| Errno::ESRCH)?;
        let reply = link.requests.receive().map_err(|_| Errno::ESRCH)?;
        postcard::from_bytes(&reply).map_err(|_| Errno::EIO)
    }

    /// One that has stopped goes on: before it is asked to, as it may stop again at once.
    pub fn set_running(&self, pid: i32) {
        self.set_state(pid, State::Running);
    }

    /// A wait call has told of its stop.
    pub fn set_waited(&self, pid: i32) {
        if let Some(State::Stopped { signal, .. }) = self.state(pid) {
            let waited = true;
            self.set_state(pid, State::Stopped { signal, waited });
        }
    }

    /// Sets what one is doing.
    pub fn set_state(&self, pid: i32, state: State) {
        let mut table = self.lock();
        if let Some(traced) = table.tracees.iter_mut().find(|t| t.pid == pid) {
            traced.state = state;
        }
    }

    /// One that has ended has been waited for: its parent may know.
    pub fn collect(&self, pid: i32) {
        let collected = Request {
            code: COLLECTED,
            ..Request::default()
        };
        let _ = self.request(pid, &collected);
        self.remove(pid);
    }

    /// Begins to wait for news.
    ///
    /// # Errors
    /// No more descriptors.
    pub fn news(&self) -> SysResult<News<'_>> {
        let (mine, theirs) = own_pair().map_err(|_| Errno::EAGAIN)?;
        let theirs = Arc::new(theirs);
        self.lock().waiting.push(theirs.clone());
        Ok(News {
            tracer: self,
            mine,
            theirs,
        })
    }

    /// The thread that listens to all tracees.
    fn listen(&self, process: &Arc<Process>, wake: &UnixStream) {
        let _ = wake.set_nonblocking(true);
        loop {
            let links: Vec<(i32, Arc<Connections>)> = {
                let table = self.lock();
                let tracees = table.tracees.iter();
                let listened = tracees.filter(|t| !matches!(t.state, State::Ended { .. }));
                listened.map(|t| (t.pid, t.link.clone())).collect()
            };
            let mut fds = vec![PollFd::new(wake, PollFlags::IN)];
            fds.extend(
                links
                    .iter()
                    .map(|(_, l)| PollFd::from_borrowed_fd(l.notices.as_fd(), PollFlags::IN)),
            );
            if poll(&mut fds, None).is_err() {
                continue;
            }
            let ready: Vec<bool> = fds.iter().map(|f| !f.revents().is_empty()).collect();
            drop(fds);
            if ready[0] {
                let _ = (&mut &*wake).read(&mut [0; 64]);
            }
            for ((pid, link), _) in links.iter().zip(&ready[1..]).filter(|(_, ready)| **ready) {
                self.hear(process, *pid, link);
            }
        }
    }

    fn hear(&self, process: &Arc<Process>, pid: i32, link: &Connections) {
        let notice = link.notices.receive().ok();
        let notice = notice.and_then(|frame| postcard::from_bytes::<Notice>(&frame).ok());
        match notice {
            Some(Notice::Stopped(signal)) => {
                let waited = false;
                self.set_state(pid, State::Stopped { signal, waited });
                let number = host_signal(process, signal);
                tell_parent(process, pid, CLD_TRAPPED, number.map_or(0, |s| s.0.into()));
            }
            Some(Notice::Ended { code, status }) => {
                self.set_state(pid, State::Ended { code, status });
                tell_parent(process, pid, code, status);
            }
            Some(Notice::Forked(child)) => {
                let (requests, notices) = (
                    link.notices.take_descriptor(),
                    link.notices.take_descriptor(),
                );
                if let (Some(requests), Some(notices)) = (requests, notices) {
                    let _ = self.add(process, child, Connections::over(requests, notices));
                }
            }
            None => {
                if super::super::parent_of(pid) == Some(host::pid()) {
                    // The host tells.
                    self.remove(pid);
                } else {
                    let status = Signal::SIGKILL.0.into();
                    let code = CLD_KILLED;
                    self.set_state(pid, State::Ended { code, status });
                    tell_parent(process, pid, code, status);
                }
            }
        }
        self.lock().rouse();
    }

    /// Forks by calling `fork` with the table locked.
    pub fn around_fork(&self, fork: &mut dyn FnMut() -> bool) -> bool {
        let mut table = self.lock();
        let is_child = fork();
        if is_child {
            // The tracees are the parent's.
            for traced in std::mem::take(&mut table.tracees) {
                traced.link.close_inherited();
                std::mem::forget(traced);
            }
            for socket in std::mem::take(&mut table.waiting)
                .into_iter()
                .chain(table.wake.take())
            {
                fd::close_inherited(socket.as_fd());
                std::mem::forget(socket);
            }
            self.any.store(false, SeqCst);
        }
        is_child
    }
}

impl Table {
    /// Has everybody look again.
    fn rouse(&self) {
        for socket in self.waiting.iter().chain(&self.wake) {
            let _ = (&mut &**socket).write(&[0]);
        }
    }
}

/// Sends this process the SIGCHLD that its kernel would send.
fn tell_parent(process: &Process, pid: i32, code: i32, status: i32) {
    let action = process.action(Signal::SIGCHLD);
    if action.handler == Action::IGNORE
        || (code != CLD_EXITED && code != CLD_KILLED && action.flags & sa::NOCLDSTOP != 0)
    {
        return;
    }
    let raw = RawInfo::of_child(pid, code, status);
    let signal = Signal::SIGCHLD.0.into();
    let args = [host::pid() as u64, signal, &raw const raw as u64, 0, 0, 0];
    let _ = host::syscall(SYS_rt_sigqueueinfo, args);
}
