//! The requests, each stated once: what [`super::Remote`] sends and what [`super::serve`] answers.

use emu_stub::{
    Breakpoint, CatchSyscalls, Error, FileError, FileStat, GuestFile, Inferior, Instruction,
    Libraries, MemoryRegion, OpenFile, OpenFlags, Permissions, Pid, ProcessInfo, RecentCall,
    Result, ResumePlan, SectionOffsets, SignalAction, Tid, Unimplemented, WatchKind,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Files that are open for the serving process, by number.
#[derive(Default)]
pub(super) struct Files {
    open: BTreeMap<u32, Box<dyn GuestFile>>,
    next: u32,
}

impl Files {
    fn insert(&mut self, file: Box<dyn GuestFile>) -> u32 {
        self.next += 1;
        self.open.insert(self.next, file);
        self.next
    }

    fn get(&mut self, file: u32) -> std::result::Result<&mut dyn GuestFile, FileError> {
        match self.open.get_mut(&file) {
            Some(file) => Ok(&mut **file),
            None => Err(FileError::BadDescriptor),
        }
    }
}

/// Declares requests as `name(arguments) -> result = answer`: the enum that travels, and the function that answers one.
macro_rules! requests {
    ($inferior:ident, $files:ident; $(
        $name:ident($($arg:ident: $ty:ty),*) -> $result:ty = $answer:expr;
    )*) => {
        #[allow(non_camel_case_types)] // The names of the methods.
        #[derive(Debug, Serialize, Deserialize)]
        pub(super) enum Request {
            $($name { $($arg: $ty),* },)*
            /// The guest is to introduce itself again: another process serves the session now.
            introduce {},
            /// The session moves here; it comes along.
            adopt(Box<super::Session>),
        }

        /// Answers a request; `None` is for one that is not the inferior's.
        pub(super) fn answer(
            $inferior: &mut dyn Inferior,
            $files: &mut Files,
            request: Request,
        ) -> Option<Vec<u8>> {
            let reply = match request {
                $(Request::$name { $($arg),* } => {
                    let reply: $result = $answer;
                    postcard::to_stdvec(&reply)
                })*
                Request::introduce {} | Request::adopt(_) => return None,
            };
            // Into memory, of types that all can be written: cannot fail.
            reply.ok()
        }
    };
}

type FileResult<T> = std::result::Result<T, FileError>;

requests! { inferior, files;
    processes() -> Vec<Pid> = inferior.processes();
    select_process(pid: Pid) -> Result<()> = inferior.select_process(pid);
    process_info() -> Result<ProcessInfo> = inferior.process_info();
    threads() -> Vec<Tid> = inferior.threads();
    thread_info(tid: Tid) -> Result<emu_stub::ThreadInfo> = inferior.thread_info(tid);
    read_register(tid: Tid, register: usize, size: usize) -> Result<Vec<u8>> = {
        let mut value = vec![0; size.min(emu_stub::MAX_REGISTER_BITS as usize / 8)];
        inferior.read_register(tid, register, &mut value).map(|()| value)
    };
    write_register(tid: Tid, register: usize, value: Vec<u8>) -> Result<()> = inferior.write_register(tid, register, &value);
    read_memory(addr: u64, length: usize) -> Result<Vec<u8>> = {
        let mut bytes = vec![0; length];
        inferior.read_memory(addr, &mut bytes).map(|n| {
            bytes.truncate(n);
            bytes
        })
    };
    write_memory(addr: u64, data: Vec<u8>) -> Result<()> = inferior.write_memory(addr, &data);
    memory_regions() -> Result<Vec<MemoryRegion>> = inferior.memory_regions();
    allocate_memory(size: u64, permissions: Permissions) -> Result<u64> = inferior.allocate_memory(size, permissions);
    deallocate_memory(addr: u64) -> Result<()> = inferior.deallocate_memory(addr);
    insert_breakpoint(breakpoint: Breakpoint) -> Result<()> = inferior.insert_breakpoint(breakpoint);
    remove_breakpoint(addr: u64, hardware: bool) -> Result<()> = inferior.remove_breakpoint(addr, hardware);
    insert_watchpoint(kind: WatchKind, addr: u64, len: u64) -> Result<()> = inferior.insert_watchpoint(kind, addr, len);
    remove_watchpoint(kind: WatchKind, addr: u64, len: u64) -> Result<()> = inferior.remove_watchpoint(kind, addr, len);
    clear_breakpoints() -> Result<()> = inferior.clear_breakpoints();
    resume(plan: ResumePlan) -> Result<()> = inferior.resume(plan);
    interrupt() -> Result<()> = inferior.interrupt();
    kill() -> Result<()> = inferior.kill();
    detach(signal: Option<i32>) -> Result<()> = inferior.detach(signal);
    catch_syscalls(which: CatchSyscalls) -> Result<()> = inferior.catch_syscalls(which);
    pass_signals(signals: Vec<i32>) -> Result<()> = inferior.pass_signals(&signals);
    report_thread_events(on: bool) -> Result<()> = inferior.report_thread_events(on);
    report_forks(on: bool) -> Result<()> = inferior.report_forks(on);
    exec_file() -> Result<PathBuf> = inferior.exec_file();
    exec_file_on_host() -> Result<PathBuf> = inferior.exec_file_on_host();
    auxv() -> Result<Vec<u8>> = inferior.auxv();
    read_siginfo(tid: Tid) -> Result<Vec<u8>> = inferior.read_siginfo(tid);
    write_siginfo(tid: Tid, data: Vec<u8>) -> Result<()> = inferior.write_siginfo(tid, &data);
    libraries() -> Result<Libraries> = inferior.libraries();
    library_info_slot() -> Result<u64> = inferior.library_info_slot();
    section_offsets() -> Result<SectionOffsets> = inferior.section_offsets();
    tls_address(tid: Tid, offset: u64, link_map: u64) -> Result<u64> = inferior.tls_address(tid, offset, link_map);
    disassemble(addr: u64, count: usize) -> Result<Vec<Instruction>> = inferior.disassemble(addr, count);
    syscall_name(number: u32) -> Option<String> = inferior.syscall_name(number);
    syscall_number(name: String) -> Option<u32> = inferior.syscall_number(&name);
    open_files() -> Result<Vec<OpenFile>> = inferior.open_files();
    signal_actions() -> Result<Vec<SignalAction>> = inferior.signal_actions();
    recent_calls() -> Result<Vec<RecentCall>> = inferior.recent_calls();
    set_trace(filter: Option<String>) -> Result<()> = inferior.set_trace(filter.as_deref());
    unimplemented() -> Result<Vec<Unimplemented>> = inferior.unimplemented();
    statistics() -> Result<String> = inferior.statistics();
    write_core(path: PathBuf) -> Result<u64> = inferior.write_core(&path);
    open_file(path: Vec<u8>, flags: OpenFlags, mode: u32) -> FileResult<u32> =
        inferior.open_file(&path, flags, mode).map(|file| files.insert(file));
    read_file(file: u32, length: usize, offset: u64) -> FileResult<Vec<u8>> = files.get(file).and_then(|f| {
        let mut bytes = vec![0; length];
        let n = f.pread(&mut bytes, offset)?;
        bytes.truncate(n);
        Ok(bytes)
    });
    write_file(file: u32, data: Vec<u8>, offset: u64) -> FileResult<usize> = files.get(file).and_then(|f| f.pwrite(&data, offset));
    stat_open_file(file: u32) -> FileResult<FileStat> = files.get(file).and_then(|f| f.stat());
    close_file(file: u32) -> () = {
        files.open.remove(&file);
    };
    stat_file(path: Vec<u8>, follow: bool) -> FileResult<FileStat> = inferior.stat_file(&path, follow);
    read_link(path: Vec<u8>) -> FileResult<Vec<u8>> = inferior.read_link(&path);
    unlink_file(path: Vec<u8>) -> FileResult<()> = inferior.unlink_file(&path);
}

/// What a request comes to when the process that it is about is gone.
pub(super) fn gone() -> Error {
    Error::Failed("the process is gone".into())
}
