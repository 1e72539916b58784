//! The requests: most go to the process that is selected, or to the one that has the thread; running is for all.

use super::*;

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
        if self.remotes.is_empty() && self.waiting.is_empty() {
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
        for stop in self.waiting.iter().filter(|stop| stop.is_exit()) {
            if !all.contains(&stop.pid) {
                let at = if stop.pid == self.selected {
                    0
                } else {
                    all.len()
                };
                all.insert(at, stop.pid);
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
        match self.untold_end(self.selected) {
            Some(tid) => vec![tid],
            None => self.current().threads(),
        }
    }

    fn thread_info(&mut self, tid: Tid) -> Result<ThreadInfo> {
        self.with_thread(tid).thread_info(tid)
    }

    fn read_register(&mut self, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
        if self.has_ended(tid) {
            // Without registers gdb does not let it go on to be told of its end (of MIPS it fails an assertion). They read as
            // zero, as those of such a process under gdbserver.
            buf.fill(0);
            return Ok(());
        }
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
        if self.forget_selected() {
            return Ok(());
        }
        self.current().kill()?;
        if let Some(n) = self.current {
            self.remove(n);
        }
        Ok(())
    }

    fn detach(&mut self, signal: Option<i32>) -> Result<()> {
        if self.forget_selected() {
            return Ok(());
        }
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

    fn report_libraries(&mut self, on: bool) -> Result<()> {
        self.current().report_libraries(on)
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
        let of_trait = include_str!("../../../stub/src/inferior/mod.rs");
        let of_trait = of_trait.split("pub trait Inferior").nth(1).expect("there");
        let here = include_str!("inferior.rs");
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
