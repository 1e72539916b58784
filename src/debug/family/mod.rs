//! The processes of a debugging session as one [`Inferior`]: the guest of this process, and those that came of it by fork and
//! vfork and are served by their own emulators ([`Remote`]).
//!
//! All-stop goes for all of them: whichever stops, the others are halted before the stop is told, and a stop of theirs that comes
//! meanwhile waits for the next resume. While there is only the guest of this process, every request goes to it as it is.

mod inferior;

use super::control::new_notifier;
use super::live::{Happening, Live};
use super::relay::{Channel, Event, Remote, Session};
use emu_stub::{
    Backward, Breakpoint, Capabilities, CatchSyscalls, Error, FileError, FileStat, GuestFile,
    Inferior, Instruction, Libraries, MemoryRegion, Notifier, OpenFile, OpenFlags, Permissions,
    Pid, ProcessInfo, RecentCall, Result, ResumePlan, SectionOffsets, SignalAction, StartArguments,
    State, Stop, StopReason, TargetDescription, ThreadInfo, Tid, Unimplemented, WatchKind,
};
use rustix::event::epoll;
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// How long a program that the child of a vfork executes has to introduce itself.
const BIRTH: Duration = Duration::from_secs(10);

/// The guest of this process and its relatives.
pub struct Family {
    live: Live,
    remotes: Vec<Remote>,
    /// The remote that has the selected process; this process has it otherwise.
    current: Option<usize>,
    /// The selected process.
    selected: Pid,
    /// Stops that came while the others were halted.
    waiting: VecDeque<Stop>,
    /// What was told last.
    state: State,
    /// What is polled for news of all of them, made with the first relative.
    poller: Option<Poller>,
}

/// One descriptor for the news of several processes.
struct Poller {
    epoll: OwnedFd,
    /// Set while stops wait that were not told.
    waiting: Notifier,
}

impl Poller {
    fn new(live: &Live) -> io::Result<Poller> {
        let epoll = || Ok(epoll::create(epoll::CreateFlags::CLOEXEC)?);
        let poller = Poller {
            epoll: crate::host::fd::raised(epoll)?,
            waiting: new_notifier()?,
        };
        poller.add(poller.waiting.as_fd())?;
        if let Some(fd) = live.stop_fd() {
            poller.add(fd)?;
        }
        Ok(poller)
    }

    fn add(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        let data = epoll::EventData::new_u64(fd.as_raw_fd() as u64);
        Ok(epoll::add(&self.epoll, fd, data, epoll::EventFlags::IN)?)
    }
}

impl Family {
    /// The guest of this process alone.
    pub fn new(live: Live) -> Family {
        Family {
            state: live.state(),
            selected: live.pid(),
            live,
            remotes: Vec::new(),
            current: None,
            waiting: VecDeque::new(),
            poller: None,
        }
    }

    /// The guest of this process.
    pub fn live(&mut self) -> &mut Live {
        &mut self.live
    }

    /// Takes relatives over from the process that served the session before.
    pub fn adopt(&mut self, channels: Vec<Channel>) {
        for channel in channels {
            // One that is gone by now has told the process before.
            if let Ok(remote) = Remote::take_over(channel) {
                self.add(remote);
            }
        }
    }

    fn add(&mut self, remote: Remote) {
        if self.poller.is_none() {
            // Without one, news of relatives waits for the next request.
            self.poller = Poller::new(&self.live).ok();
            if let Some(poller) = &self.poller {
                self.live.set_descriptor(poller.epoll.as_fd(), true);
            }
        }
        if let Some(poller) = &self.poller {
            // Cannot fail but for lack of memory.
            let _ = poller.add(remote.socket());
        }
        self.live.set_descriptor(remote.socket(), true);
        self.live.set_relatives(true);
        self.remotes.push(remote);
    }

    fn remove(&mut self, at: usize) {
        let gone = self.remotes.remove(at);
        self.live.set_descriptor(gone.socket(), false);
        self.live.set_relatives(!self.remotes.is_empty());
        self.current = match self.current {
            Some(n) if n == at => None,
            Some(n) if n > at => Some(n - 1),
            other => other,
        };
        if self.current.is_none() && self.live.processes().is_empty() && !self.remotes.is_empty() {
            self.current = Some(0);
        }
    }

    /// The descriptors that this process has of its relatives.
    pub fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let sockets = self.remotes.iter().map(Remote::socket);
        let poller = self.poller.iter().map(|p| p.epoll.as_fd());
        sockets.chain(poller).collect()
    }

    /// Whether the guest of this process is about to execute another program, rather than gone from the session.
    pub fn executes(&self) -> bool {
        self.live.wants_session()
    }

    /// Has the guest execute its program, whose emulator goes on with the session. Returns if that fails, with the guest stopped
    /// and nothing else changed.
    pub fn pass_on(&mut self, mut session: Session, mut descriptors: Vec<RawFd>) {
        session.others = self.remotes.iter().map(Remote::pid).collect();
        descriptors.extend(self.remotes.iter().map(|r| r.socket().as_raw_fd()));
        self.live.pass_on_session(session, descriptors);
    }

    /// Has the guest execute its program, whose emulator goes on at this end of `channel`, which a prompt has the other end of.
    /// Returns if that fails, with the guest stopped; it goes on as it was told last.
    pub fn pass_on_relay(&mut self, channel: &Channel) {
        let others = self.remotes.iter().map(|r| r.socket().as_raw_fd());
        self.live.pass_on_relay(channel, others.collect(), true);
    }

    /// Has a relative serve the prompt at the other end of `channel`, once the guest of this process is gone from the session and
    /// nothing is left to be told of before. Whether it does.
    pub fn pass_to_heir(&mut self, channel: &Channel) -> bool {
        if !self.is_left() {
            return false;
        }
        let session = Session {
            saved: None,
            unix: true,
            path: None,
            listens: false,
            debugged: true,
            prompt: true,
            wishes: self.live.wishes(),
            others: Vec::new(),
        };
        self.hand_over(session, &[channel.as_fd()]).is_ok()
    }

    /// Has another process go on with the session, with these descriptors.
    ///
    /// # Errors
    /// It is gone.
    pub fn hand_over(
        &mut self,
        mut session: Session,
        descriptors: &[BorrowedFd<'_>],
    ) -> io::Result<()> {
        let at = self.current.unwrap_or(0);
        if at >= self.remotes.len() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let heir = self.remotes.remove(at);
        session.others = self.remotes.iter().map(Remote::pid).collect();
        let sockets = self.remotes.iter().map(Remote::socket);
        let all: Vec<BorrowedFd<'_>> = descriptors.iter().copied().chain(sockets).collect();
        let moved = heir.hand_over(session, &all);
        self.remotes.clear();
        self.live.set_relatives(false);
        moved?;
        self.current = None;
        Ok(())
    }

    /// Ends the relatives, as the debugger has killed them all.
    pub fn kill_relatives(&mut self) {
        for mut remote in self.remotes.drain(..) {
            // Its death is what is asked for: it cannot be told.
            let _ = remote.inferior().kill();
        }
        self.live.set_relatives(false);
    }

    fn current(&mut self) -> &mut dyn Inferior {
        match self.current {
            Some(n) if n < self.remotes.len() => self.remotes[n].inferior(),
            _ => &mut self.live,
        }
    }

    fn current_ref(&self) -> &dyn Inferior {
        match self.current {
            Some(n) if n < self.remotes.len() => self.remotes[n].inferior_ref(),
            _ => &self.live,
        }
    }

    fn member(&mut self, at: Option<usize>) -> &mut dyn Inferior {
        match at {
            Some(n) => self.remotes[n].inferior(),
            None => &mut self.live,
        }
    }

    /// All members: this process, and each remote by its place.
    fn members(&self) -> impl Iterator<Item = Option<usize>> + use<> {
        std::iter::once(None).chain((0..self.remotes.len()).map(Some))
    }

    /// The thread that a process is said to end with, if that waits to be told. Until then the process is there, with nothing in
    /// it.
    fn untold_end(&self, pid: Pid) -> Option<Tid> {
        let of_it = |stop: &&Stop| stop.is_exit() && stop.pid == pid;
        self.waiting.iter().find(of_it).map(|stop| stop.tid)
    }

    /// Whether a thread is that of a process whose end waits to be told.
    fn has_ended(&self, tid: Tid) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|stop| stop.is_exit() && stop.tid == tid)
    }

    /// The member whose end waits to be told.
    fn ended_member(&self, pid: Pid) -> Option<usize> {
        self.remotes.iter().position(|r| r.pid() == pid)
    }

    /// The selected process leaves the session by the debugger's will. Whether it had ended, which then is not told.
    fn forget_selected(&mut self) -> bool {
        let pid = self.selected;
        let ended = self.untold_end(pid).is_some();
        self.waiting.retain(|stop| stop.pid != pid);
        if ended && let Some(n) = self.ended_member(pid) {
            self.remove(n);
        }
        ended
    }

    /// The member that has a thread. For one that nobody has: the current one, which says so.
    fn with_thread(&mut self, tid: Tid) -> &mut dyn Inferior {
        if self.remotes.is_empty() {
            return &mut self.live;
        }
        let mut members: Vec<_> = self.members().collect();
        members.sort_by_key(|m| *m != self.current);
        for member in members {
            if threads_of(self.member(member))
                .iter()
                .any(|(_, t)| *t == tid)
            {
                return self.member(member);
            }
        }
        self.current()
    }

    /// Does the same in each that has not ended.
    fn each(&mut self, act: impl Fn(&mut dyn Inferior) -> Result<()>) -> Result<()> {
        let alive = |remote: &&mut Remote| {
            let state = remote.inferior_ref().state();
            !matches!(state, State::Stopped(stop) if stop.is_exit())
        };
        for remote in self.remotes.iter_mut().filter(alive) {
            act(remote.inferior())?;
        }
        act(&mut self.live)
    }

    /// A relative at the other end of a channel. One that a vfork's child executes may fail to come.
    fn meet(&mut self, channel: Channel) {
        let mut patience = BIRTH;
        let slice = Duration::from_millis(10);
        while !channel.has_come(slice) {
            if self.live.child_has_stayed() || patience.is_zero() {
                return;
            }
            patience = patience.saturating_sub(slice);
        }
        if let Ok(remote) = Remote::meet(channel) {
            self.add(remote);
        }
    }

    /// The next stop of a member, without waiting; relatives that come to light join.
    fn next_stop(&mut self, member: Option<usize>) -> Option<Stop> {
        loop {
            match member {
                None => match self.live.take_happening()? {
                    Happening::Stopped(stop) => {
                        return Some(stop);
                    }
                    Happening::Child(channel) => self.meet(channel),
                    Happening::Exec => return None,
                },
                Some(n) => match self.remotes[n].event()? {
                    Event::Stopped(stop) => return Some(stop),
                    Event::Child(remote) => self.add(*remote),
                },
            }
        }
    }

    fn runs(&self, member: Option<usize>) -> bool {
        match member {
            None => self.live.is_debugged_now() && self.live.state() == State::Running,
            Some(n) => self.remotes[n].inferior_ref().state() == State::Running,
        }
    }

    /// Halts whoever still runs. Stops that are not the halt's wait.
    fn halt(&mut self) {
        let mut members: VecDeque<_> = self.members().collect();
        while let Some(member) = members.pop_front() {
            if !self.runs(member) {
                continue;
            }
            // A relative that has just ended hears nothing, and has said so.
            if self.member(member).interrupt().is_err() && member.is_none() {
                continue;
            }
            let known = self.remotes.len();
            loop {
                match self.next_stop(member) {
                    Some(stop) if stop.reason == StopReason::Interrupted => break,
                    Some(stop) => {
                        self.wait_for_turn(stop);
                        break;
                    }
                    // It is about to be replaced: the session moves before anything else.
                    None if member.is_none() && self.live.wants_session() => break,
                    None => self.wait_for_news(member),
                }
            }
            // A child that came to light meanwhile is stopped.
            members.extend((known..self.remotes.len()).map(Some));
        }
    }

    fn wait_for_turn(&mut self, stop: Stop) {
        self.waiting.push_back(stop);
    }

    fn wait_for_news(&self, member: Option<usize>) {
        const PATIENCE: Duration = Duration::from_secs(1);
        match member {
            Some(n) => {
                self.remotes[n].has_news(PATIENCE);
            }
            None => {
                if let Some(fd) = self.live.stop_fd() {
                    super::relay::wait(fd, PATIENCE);
                }
            }
        }
    }

    /// What a stop that is about to be told changes.
    fn tell(&mut self, stop: Stop) -> Stop {
        if stop.is_exit()
            && let Some(n) = self.remotes.iter().position(|r| r.pid() == stop.pid)
        {
            self.remove(n);
        } else {
            self.enter(stop.pid);
        }
        self.state = State::Stopped(stop.clone());
        stop
    }

    /// Makes the process that has `pid` the current one, if there is such.
    fn enter(&mut self, pid: Pid) -> bool {
        let member = if self.untold_end(pid).is_some() {
            self.ended_member(pid)
        } else {
            let mut members = self.members();
            let has = |m: &Option<usize>| {
                self.member(*m).processes().contains(&pid)
                    && self.member(*m).select_process(pid).is_ok()
            };
            match members.find(has) {
                Some(member) => member,
                None => return false,
            }
        };
        self.current = member;
        self.selected = pid;
        true
    }
}

/// The threads of all processes of an inferior, with their processes. The selected process stays selected.
fn threads_of(inferior: &mut dyn Inferior) -> Vec<(Pid, Tid)> {
    let processes = inferior.processes();
    let mut all = Vec::new();
    for pid in processes.iter().rev() {
        if inferior.select_process(*pid).is_ok() {
            all.extend(inferior.threads().into_iter().map(|tid| (*pid, tid)));
        }
    }
    all
}

impl Family {
    /// Whether the guest of this process is gone from the session, others are not, and all that they have done has been told.
    fn is_left(&self) -> bool {
        let told = |r: &Remote| matches!(r.inferior_ref().state(), State::Stopped(_));
        !self.remotes.is_empty()
            && !self.live.is_debugged_now()
            && self.waiting.is_empty()
            && self.remotes.iter().all(told)
    }
}
