//! What can be asked: one row for each method that crosses. The enumeration and the side that answers are made of it.

use crate::inferior::{
    Backward, Breakpoint, CatchSyscalls, Inferior, Permissions, Pid, Result, ResumePlan, Tid,
    WatchKind,
};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The bytes of all registers of a thread, each with its size in the table.
pub type Registers = Vec<Result<Vec<u8>>>;

macro_rules! calls {
    ($($name:ident { $($arg:ident: $ty:ty),* } |$inferior:ident| $run:expr;)*) => {
        /// A request.
        #[allow(non_camel_case_types)]
        #[derive(Debug, Serialize, Deserialize)]
        pub enum Call {
            $($name { $($arg: $ty),* },)*
        }

        /// Carries a request out; returns the result in the form in which it crosses.
        pub fn answer(inferior: &mut dyn Inferior, call: Call) -> postcard::Result<Vec<u8>> {
            match call {
                $(Call::$name { $($arg),* } => {
                    let $inferior = inferior;
                    postcard::to_stdvec(&$run)
                })*
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
