//! What can be asked: one row for each method that crosses. The enumeration and the side that answers are made of it.

use crate::file::{FileError, GuestFile, OpenFlags};
use crate::inferior::{
    Backward, Breakpoint, CatchSyscalls, Inferior, Permissions, Pid, Result, ResumePlan, Tid,
    WatchKind,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The bytes of all registers of a thread, each with its size in the table.
pub type Registers = Vec<Result<Vec<u8>>>;

/// Files that are open for the front end, by number.
#[derive(Default)]
pub struct Files {
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

    fn read(
        &mut self,
        file: u32,
        len: usize,
        offset: u64,
    ) -> std::result::Result<Vec<u8>, FileError> {
        let mut bytes = vec![0; len.min(super::MAX_FRAME / 2)];
        let n = self.get(file)?.pread(&mut bytes, offset)?;
        bytes.truncate(n);
        Ok(bytes)
    }
}

macro_rules! calls {
    ($($name:ident { $($arg:ident: $ty:ty),* } |$inferior:ident $(, $files:ident)?| $run:expr;)*) => {
        /// A request.
        #[allow(non_camel_case_types)]
        #[allow(missing_docs)] // Those of the methods are.
        #[derive(Debug, Serialize, Deserialize)]
        pub enum Call {
            $($name { $($arg: $ty),* },)*
            /// [`Message::Hello`](super::Message::Hello) is wanted again.
            introduce {},
            /// Something that is not the inferior's.
            note { bytes: Vec<u8> },
        }

        /// Carries a request out; returns the result in the form in which it crosses. Nothing for those that are not the
        /// inferior's.
        ///
        /// # Errors
        /// None is known: all results can be written to memory.
        pub fn answer(
            inferior: &mut dyn Inferior,
            files: &mut Files,
            call: Call,
        ) -> postcard::Result<Vec<u8>> {
            let _ = &files;
            match call {
                $(Call::$name { $($arg),* } => {
                    let $inferior = inferior;
                    $(let $files = files;)?
                    postcard::to_stdvec(&$run)
                })*
                Call::introduce {} | Call::note { .. } => Ok(Vec::new()),
            }
        }
    };
}

calls! {
    processes {} |i| i.processes();
    select_process { pid: Pid } |i| i.select_process(pid);
    process_info {} |i| i.process_info();
    threads {} |i| i.threads();
    thread_info { tid: Tid } |i| i.thread_info(tid);
    registers { tid: Tid } |i| registers(i, tid);
    write_register { tid: Tid, register: usize, value: Vec<u8> } |i| i.write_register(tid, register, &value);
    read_memory { addr: u64, len: usize } |i| read_memory(i, addr, len);
    write_memory { addr: u64, data: Vec<u8> } |i| i.write_memory(addr, &data);
    memory_regions {} |i| i.memory_regions();
    allocate_memory { size: u64, permissions: Permissions } |i| i.allocate_memory(size, permissions);
    deallocate_memory { addr: u64 } |i| i.deallocate_memory(addr);
    insert_breakpoint { breakpoint: Breakpoint } |i| i.insert_breakpoint(breakpoint);
    remove_breakpoint { addr: u64, hardware: bool } |i| i.remove_breakpoint(addr, hardware);
    insert_watchpoint { kind: WatchKind, addr: u64, len: u64 } |i| i.insert_watchpoint(kind, addr, len);
    remove_watchpoint { kind: WatchKind, addr: u64, len: u64 } |i| i.remove_watchpoint(kind, addr, len);
    clear_breakpoints {} |i| i.clear_breakpoints();
    resume { plan: ResumePlan } |i| i.resume(plan);
    resume_backward { how: Backward } |i| i.resume_backward(how);
    interrupt {} |i| i.interrupt();
    kill {} |i| i.kill();
    detach { signal: Option<i32> } |i| i.detach(signal);
    catch_syscalls { which: CatchSyscalls } |i| i.catch_syscalls(which);
    pass_signals { signals: Vec<i32> } |i| i.pass_signals(&signals);
    report_thread_events { on: bool } |i| i.report_thread_events(on);
    report_forks { on: bool } |i| i.report_forks(on);
    report_libraries { on: bool } |i| i.report_libraries(on);
    exec_file {} |i| i.exec_file();
    exec_file_on_host {} |i| i.exec_file_on_host();
    file_prefix {} |i| i.file_prefix();
    auxv {} |i| i.auxv();
    read_siginfo { tid: Tid } |i| i.read_siginfo(tid);
    write_siginfo { tid: Tid, data: Vec<u8> } |i| i.write_siginfo(tid, &data);
    libraries {} |i| i.libraries();
    library_info_slot {} |i| i.library_info_slot();
    section_offsets {} |i| i.section_offsets();
    tls_address { tid: Tid, offset: u64, link_map: u64 } |i| i.tls_address(tid, offset, link_map);
    thread_pointer { tid: Tid } |i| i.thread_pointer(tid);
    disassemble { addr: u64, count: usize } |i| i.disassemble(addr, count);
    syscall_name { number: u32 } |i| i.syscall_name(number);
    syscall_number { name: String } |i| i.syscall_number(&name);
    open_files {} |i| i.open_files();
    signal_actions {} |i| i.signal_actions();
    recent_calls {} |i| i.recent_calls();
    set_trace { filter: Option<String> } |i| i.set_trace(filter.as_deref());
    set_terminal { path: Option<PathBuf> } |i| i.set_terminal(path.as_deref());
    unimplemented {} |i| i.unimplemented();
    statistics {} |i| i.statistics();
    write_core { path: PathBuf } |i| i.write_core(&path);
    open_file { path: Vec<u8>, flags: OpenFlags, mode: u32 } |i, f| i.open_file(&path, flags, mode).map(|file| f.insert(file));
    read_file { file: u32, len: usize, offset: u64 } |_i, f| f.read(file, len, offset);
    write_file { file: u32, data: Vec<u8>, offset: u64 } |_i, f| f.get(file).and_then(|f| f.pwrite(&data, offset));
    stat_open_file { file: u32 } |_i, f| f.get(file).and_then(|f| f.stat());
    close_file { file: u32 } |_i, f| f.open.remove(&file).is_some();
    stat_file { path: Vec<u8>, follow: bool } |i| i.stat_file(&path, follow);
    read_link { path: Vec<u8> } |i| i.read_link(&path);
    unlink_file { path: Vec<u8> } |i| i.unlink_file(&path);
}

/// All registers at once: whoever asks for one asks for many.
fn registers(inferior: &mut dyn Inferior, tid: Tid) -> Registers {
    let target = inferior.target();
    let sizes = target.registers.iter().map(|r| r.size());
    sizes
        .enumerate()
        .map(|(number, size)| {
            let mut value = vec![0; size];
            inferior.read_register(tid, number, &mut value)?;
            Ok(value)
        })
        .collect()
}

fn read_memory(inferior: &mut dyn Inferior, addr: u64, len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; len.min(super::MAX_FRAME / 2)];
    let n = inferior.read_memory(addr, &mut bytes)?;
    bytes.truncate(n);
    Ok(bytes)
}
