//! The processes of a debugging session as one [`Inferior`]: the guest of this process, and those that came of it by fork and
//! vfork and are served by their own emulators ([`Remote`]).
//!
//! All-stop goes for all of them: whichever stops, the others are halted before the stop is told, and a stop of theirs that comes
//! meanwhile waits for the next resume. While there is only the guest of this process, every request goes to it as it is.

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

    /// Does the same in each.
    fn each(&mut self, act: impl Fn(&mut dyn Inferior) -> Result<()>) -> Result<()> {
        for remote in &mut self.remotes {
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
            if !self.runs(member) || self.member(member).interrupt().is_err() {
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
        if self.remotes.is_empty() {
            return self.live.select_process(pid).is_ok();
        }
        for member in self.members() {
            if self.member(member).processes().contains(&pid)
                && self.member(member).select_process(pid).is_ok()
            {
                self.current = member;
                return true;
            }
        }
        false
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

impl Inferior for Family {
    fn attach(&mut self) {
        self.live.attach();
        // Whoever runs is interrupted for the debugger next.
        if self.members().any(|m| self.runs(m)) {
            self.state = State::Running;
        }
    }

    fn target(&self) -> Arc<TargetDescription> {
        self.current_ref().target()
    }

    fn capabilities(&self) -> Capabilities {
        self.live.capabilities()
    }

    fn gdb_signal(&self, signal: i32) -> u8 {
        self.current_ref().gdb_signal(signal)
    }

    fn guest_signal(&self, gdb: u8) -> Option<i32> {
        self.current_ref().guest_signal(gdb)
    }

    fn processes(&mut self) -> Vec<Pid> {
        let mut all = self.live.processes();
        if self.remotes.is_empty() {
            return all;
        }
        for (n, remote) in self.remotes.iter_mut().enumerate() {
            let theirs = remote.inferior().processes();
            if self.current == Some(n) {
                all.splice(0..0, theirs);
            } else {
                all.extend(theirs);
            }
        }
        all
    }

    fn select_process(&mut self, pid: Pid) -> Result<()> {
        if self.enter(pid) {
            Ok(())
        } else {
            Err(Error::NoProcess(pid))
        }
    }

    fn process_info(&mut self) -> Result<ProcessInfo> {
        self.current().process_info()
    }

    fn threads(&mut self) -> Vec<Tid> {
        self.current().threads()
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        self.with_thread(tid).thread_info(tid)
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        self.with_thread(tid).read_register(tid, register, buf)
    }

    fn write_register(&mut self, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
        self.with_thread(tid).write_register(tid, register, value)
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> Result<usize> {
        self.current().read_memory(addr, buf)
    }

    fn write_memory(&mut self, addr: u64, data: &[u8]) -> Result<()> {
        self.current().write_memory(addr, data)
    }

    fn memory_regions(&mut self) -> Result<Vec<MemoryRegion>> {
        self.current().memory_regions()
    }

    fn allocate_memory(&mut self, size: u64, permissions: Permissions) -> Result<u64> {
        self.current().allocate_memory(size, permissions)
    }

    fn deallocate_memory(&mut self, addr: u64) -> Result<()> {
        self.current().deallocate_memory(addr)
    }

    fn insert_breakpoint(&mut self, breakpoint: Breakpoint) -> Result<()> {
        self.current().insert_breakpoint(breakpoint)
    }

    fn remove_breakpoint(&mut self, addr: u64, hardware: bool) -> Result<()> {
        self.current().remove_breakpoint(addr, hardware)
    }

    fn insert_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.current().insert_watchpoint(kind, addr, len)
    }

    fn remove_watchpoint(&mut self, kind: WatchKind, addr: u64, len: u64) -> Result<()> {
        self.current().remove_watchpoint(kind, addr, len)
    }

    fn clear_breakpoints(&mut self) -> Result<()> {
        self.each(|i| i.clear_breakpoints())
    }

    fn state(&self) -> State {
        if self.remotes.is_empty() && self.waiting.is_empty() {
            return self.live.state();
        }
        self.state.clone()
    }

    fn resume(&mut self, plan: ResumePlan) -> Result<()> {
        if self.remotes.is_empty() && self.waiting.is_empty() {
            return self.live.resume(plan);
        }
        self.state = State::Running;
        // What has happened before is told first: nothing runs until then.
        if !self.waiting.is_empty() {
            if let Some(poller) = &self.poller {
                poller.waiting.set();
            }
            return Ok(());
        }
        for member in self.members() {
            let threads = threads_of(self.member(member));
            let part = ResumePlan {
                threads: plan
                    .threads
                    .iter()
                    .filter(|(tid, _)| threads.iter().any(|(_, t)| t == tid))
                    .copied()
                    .collect(),
                ..plan.clone()
            };
            let runs = threads
                .iter()
                .any(|(pid, tid)| part.action(*pid, *tid).is_some());
            if runs {
                self.member(member).resume(part)?;
            }
        }
        Ok(())
    }

    fn resume_backward(&mut self, how: Backward) -> Result<()> {
        self.current().resume_backward(how)
    }

    fn interrupt(&mut self) -> Result<()> {
        let runs = self.members().find(|m| self.runs(*m));
        if let Some(member) = runs {
            self.member(member).interrupt()?;
        }
        // A stop that crossed with the request is not polled for.
        if let Some(poller) = &self.poller
            && self.remotes.iter().any(Remote::has_unpolled_news)
        {
            poller.waiting.set();
        }
        Ok(())
    }

    fn stop_fd(&self) -> Option<BorrowedFd<'_>> {
        match &self.poller {
            Some(poller) => Some(poller.epoll.as_fd()),
            None => self.live.stop_fd(),
        }
    }

    fn take_stop(&mut self) -> Option<Stop> {
        if let Some(poller) = &self.poller {
            poller.waiting.clear();
        }
        if let Some(stop) = self.waiting.pop_front() {
            return Some(self.tell(stop));
        }
        let mut members = self.members();
        let stop = members.find_map(|m| {
            (m.is_none() || m.is_some_and(|n| n < self.remotes.len()))
                .then(|| self.next_stop(m))
                .flatten()
        })?;
        if !self.remotes.is_empty() {
            self.halt();
        }
        Some(self.tell(stop))
    }

    fn kill(&mut self) -> Result<()> {
        self.current().kill()?;
        if let Some(n) = self.current {
            self.remove(n);
        }
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        match self.current {
            Some(n) => {
                let remote = self.remotes[n].inferior();
                let several = remote.processes().len() > 1;
                remote.detach(signal)?;
                if !several {
                    self.remove(n);
                }
            }
            None => {
                self.live.detach(signal)?;
                if self.live.processes().is_empty() && !self.remotes.is_empty() {
                    self.current = Some(0);
                }
            }
        }
        Ok(())
    }

    fn catch_syscalls(&mut self, which: CatchSyscalls) -> Result<()> {
        self.each(|i| i.catch_syscalls(which.clone()))
    }

    fn pass_signals(&mut self, signals: &[i32]) -> Result<()> {
        self.each(|i| i.pass_signals(signals))
    }

    fn report_thread_events(&mut self, on: bool) -> Result<()> {
        self.each(|i| i.report_thread_events(on))
    }

    fn report_forks(&mut self, on: bool) -> Result<()> {
        self.each(|i| i.report_forks(on))
    }

    fn wants_session(&self) -> bool {
        self.executes() || self.is_left()
    }

    fn exec_file(&mut self) -> Result<PathBuf> {
        self.current().exec_file()
    }

    fn exec_file_on_host(&mut self) -> Result<PathBuf> {
        self.current().exec_file_on_host()
    }

    fn file_prefix(&mut self) -> Option<PathBuf> {
        self.current().file_prefix()
    }

    fn auxv(&mut self) -> Result<Vec<u8>> {
        self.current().auxv()
    }

    fn read_siginfo(&mut self, tid: Tid) -> Result<Vec<u8>> {
        self.with_thread(tid).read_siginfo(tid)
    }

    fn write_siginfo(&mut self, tid: Tid, data: &[u8]) -> Result<()> {
        self.with_thread(tid).write_siginfo(tid, data)
    }

    fn libraries(&mut self) -> Result<Libraries> {
        self.current().libraries()
    }

    fn library_info_slot(&mut self) -> Result<u64> {
        self.current().library_info_slot()
    }

    fn section_offsets(&mut self) -> Result<SectionOffsets> {
        self.current().section_offsets()
    }

    fn tls_address(&mut self, tid: Tid, offset: u64, link_map: u64) -> Result<u64> {
        self.with_thread(tid).tls_address(tid, offset, link_map)
    }

    fn thread_pointer(&mut self, tid: Tid) -> Result<u64> {
        self.with_thread(tid).thread_pointer(tid)
    }

    fn disassemble(&mut self, addr: u64, count: usize) -> Result<Vec<Instruction>> {
        self.current().disassemble(addr, count)
    }

    fn syscall_name(&self, number: u32) -> Option<String> {
        self.current_ref().syscall_name(number)
    }

    fn syscall_number(&self, name: &str) -> Option<u32> {
        self.current_ref().syscall_number(name)
    }

    fn open_files(&mut self) -> Result<Vec<OpenFile>> {
        self.current().open_files()
    }

    fn signal_actions(&mut self) -> Result<Vec<SignalAction>> {
        self.current().signal_actions()
    }

    fn recent_calls(&mut self) -> Result<Vec<RecentCall>> {
        self.current().recent_calls()
    }

    fn set_trace(&mut self, filter: Option<&str>) -> Result<()> {
        self.each(|i| i.set_trace(filter))
    }

    fn set_terminal(&mut self, path: Option<&Path>) -> Result<()> {
        self.each(|i| i.set_terminal(path))
    }

    fn restart(&mut self, program: Option<PathBuf>, arguments: &StartArguments) -> Result<()> {
        self.current().restart(program, arguments)
    }

    fn arguments(&mut self) -> Result<Vec<Vec<u8>>> {
        self.current().arguments()
    }

    fn unimplemented(&mut self) -> Result<Vec<Unimplemented>> {
        self.current().unimplemented()
    }

    fn statistics(&mut self) -> Result<String> {
        self.current().statistics()
    }

    fn write_core(&mut self, path: &Path) -> Result<u64> {
        self.current().write_core(path)
    }

    fn open_file(
        &mut self,
        path: &[u8],
        flags: OpenFlags,
        mode: u32,
    ) -> std::result::Result<Box<dyn GuestFile>, FileError> {
        self.current().open_file(path, flags, mode)
    }

    fn stat_file(&mut self, path: &[u8], follow: bool) -> std::result::Result<FileStat, FileError> {
        self.current().stat_file(path, follow)
    }

    fn read_link(&mut self, path: &[u8]) -> std::result::Result<Vec<u8>, FileError> {
        self.current().read_link(path)
    }

    fn unlink_file(&mut self, path: &[u8]) -> std::result::Result<(), FileError> {
        self.current().unlink_file(path)
    }
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

#[cfg(test)]
mod tests {
    /// The names of the methods that a block of Rust source defines at its first level.
    fn methods(source: &str) -> Vec<&str> {
        let lines = source.lines().filter_map(|l| l.strip_prefix("    fn "));
        lines.filter_map(|l| l.split(['(', '<']).next()).collect()
    }

    /// A method that is not handed on would silently be the trait's own answer, "not supported", for every guest.
    #[test]
    fn every_request_is_handed_on() {
        let of_trait = include_str!("../../stub/src/inferior.rs");
        let of_trait = of_trait.split("pub trait Inferior").nth(1).expect("there");
        let here = include_str!("family.rs");
        let here = here
            .split("impl Inferior for Family")
            .nth(1)
            .expect("there");
        let here = methods(here);
        for method in methods(of_trait) {
            assert!(here.contains(&method), "{method}");
        }
    }
}
