//! What the agent of a tracee does for its tracer: in the tracee's own process, which has stopped.

use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use super::layout::*;
use super::{lwp_number, words};
use crate::abi::{Errno, GuestStruct, Kind, Long, OsAbi, SysResult, Ulong, ints, write_int};
use crate::ir::CpuState;
use crate::mem::{Kind as Backed, PAGE_SIZE};
use crate::os::core::RegisterSet;
use crate::os::freebsd::core::{self, LwpInfoHead, LwpInfoTail};
use crate::os::freebsd::procinfo::{name, signals};
use crate::os::freebsd::{of_process, siginfo, sys::board};
use crate::os::tracing::{Reply, Request, Tracee, event};
use crate::os::{proc_text, status_signals, thread_name};
use crate::process::{Controller, Outcome, Process, ThreadHandle};

type Answer = SysResult<(u64, Vec<u8>)>;

const NOTHING: Answer = Ok((0, Vec::new()));

/// What a request comes to.
pub fn serve(process: &Arc<Process>, tracee: &Tracee, request: &Request) -> Reply {
    Reply::of(answer(process, tracee, request))
}

struct Stopped<'s> {
    process: &'s Arc<Process>,
    tracee: &'s Tracee,
    request: &'s Request,
    abi: OsAbi,
    tid: i32,
}

fn answer(process: &Arc<Process>, tracee: &Tracee, request: &Request) -> Answer {
    let abi = of_process(process).ok_or(Errno::EINVAL)?.isa.abi;
    let tid = tracee.thread_of(request);
    let stopped = Stopped {
        process,
        tracee,
        request,
        abi,
        tid,
    };
    let wants = tracee.wants();
    let switch = |bit: u32| match request.data {
        0 => wants & !bit,
        _ => wants | bit,
    };
    match request.code {
        pt::READ_I | pt::READ_D | pt::IO if request.bytes.is_empty() => stopped.read_memory(),
        pt::WRITE_I | pt::WRITE_D | pt::IO => stopped.write_memory(),
        pt::CONTINUE | pt::STEP | pt::TO_SCE | pt::TO_SCX | pt::SYSCALL => stopped.go_on(wants),
        pt::DETACH => {
            let _ = board::set_tracer(crate::host::pid(), 0);
            tracee.detach(process, request.data as i32);
            NOTHING
        }
        pt::LWPINFO => stopped.describe(),
        pt::GETNUMLWPS => Ok((stopped.threads().len() as u64, Vec::new())),
        pt::GETLWPLIST => stopped.list(),
        pt::CLEARSTEP | pt::SETSTEP => {
            let step = request.code == pt::SETSTEP;
            stopped.thread()?.set_stepping(Controller::Tracer, step);
            NOTHING
        }
        pt::SUSPEND | pt::RESUME => {
            stopped.thread()?;
            tracee.with_lwp(tid, |lwp| lwp.suspended = request.code == pt::SUSPEND);
            NOTHING
        }
        pt::FOLLOW_FORK => {
            tracee.set_wants(switch(event::FORK));
            NOTHING
        }
        pt::LWP_EVENTS => {
            tracee.set_wants(switch(event::THREAD));
            NOTHING
        }
        pt::GET_EVENT_MASK => Ok((0, ints(abi, Kind::I32, [wants.into()]))),
        pt::SET_EVENT_MASK => {
            tracee.set_wants(request.data as u32);
            NOTHING
        }
        pt::GET_SC_ARGS => stopped.call_arguments(),
        pt::GET_SC_RET => stopped.call_result(),
        pt::GETREGS | pt::GETFPREGS | pt::GETREGSET => stopped.read_registers(),
        pt::SETREGS | pt::SETFPREGS | pt::SETREGSET => stopped.write_registers(),
        pt::VM_TIMESTAMP => Ok((process.mem.map_generation() & 0x7fff_ffff, Vec::new())),
        pt::VM_ENTRY => stopped.mapping(),
        _ => Err(Errno::EINVAL),
    }
}

impl Stopped<'_> {
    fn threads(&self) -> Vec<Arc<ThreadHandle>> {
        let mut threads = self.process.threads();
        threads.retain(|t| !self.tracee.lwp(t.tid).exited);
        threads
    }

    fn thread(&self) -> SysResult<Arc<ThreadHandle>> {
        let mut own = self.threads().into_iter().filter(|t| t.tid == self.tid);
        own.next().ok_or(Errno::ESRCH)
    }

    fn with_cpu<R>(&self, look: impl FnOnce(&mut CpuState) -> R) -> SysResult<R> {
        self.thread()?.cpu.borrow(look).ok_or(Errno::EBUSY)
    }

    /// As many bytes as `data` says, or as many of them as there are.
    fn read_memory(&self) -> Answer {
        let mut bytes = vec![0; self.request.data.max(0) as usize];
        let done = by_page(self.request.addr, bytes.len(), |at, range| {
            self.process.mem.read_forced(at, &mut bytes[range]).is_ok()
        });
        bytes.truncate(done);
        if done == 0 && self.request.data != 0 {
            return Err(Errno::EFAULT);
        }
        Ok((done as u64, bytes))
    }

    fn write_memory(&self) -> Answer {
        let bytes = &self.request.bytes;
        self.tracee.with_lwp(self.tid, |lwp| lwp.written = true);
        let done = by_page(self.request.addr, bytes.len(), |at, range| {
            self.process.mem.write_forced(at, &bytes[range]).is_ok()
        });
        if done == 0 && !bytes.is_empty() {
            return Err(Errno::EFAULT);
        }
        Ok((done as u64, Vec::new()))
    }

    fn go_on(&self, wants: u32) -> Answer {
        /// The address that leaves the thread where it is.
        const HERE: u64 = 1;
        let request = self.request;
        if request.code == pt::STEP {
            self.thread()?.set_stepping(Controller::Tracer, true);
        } else if request.addr != HERE {
            self.with_cpu(|cpu| cpu.pc = request.addr)?;
        }
        self.tracee.set_wants(
            wants
                | match request.code {
                    pt::TO_SCE => event::CALL,
                    pt::TO_SCX => event::RETURN,
                    pt::SYSCALL => event::CALL | event::RETURN,
                    _ => 0,
                },
        );
        self.tracee.resume(request.data as i32);
        NOTHING
    }

    /// `struct ptrace_lwpinfo`
    fn describe(&self) -> Answer {
        const FLAG_SI: u32 = 0x20;
        /// The bits of `pl_flags`, by those of [`event`].
        const FLAGS: [(u32, u32); 8] = [
            (event::EXEC, 0x10),
            (event::FORK, 0x40),
            (event::CHILD, 0x80),
            (event::BORN, 0x100),
            (event::EXITED, 0x200),
            (event::VFORK, 0x400),
            (event::VFORK_DONE, 0x800),
            (event::RETURN, 8),
        ];
        const FLAG_SCE: u32 = 4;
        self.thread()?;
        let isa = of_process(self.process).ok_or(Errno::EINVAL)?.isa;
        let lwp = self.tracee.lwp(self.tid);
        let mut flags = FLAGS
            .iter()
            .filter(|(bit, _)| lwp.events & bit != 0)
            .fold(0, |all, (_, flag)| all | flag);
        let in_call = lwp.events & event::CALL != 0 || (lwp.in_call && !lwp.stopped);
        if in_call && lwp.events & event::RETURN == 0 {
            flags |= FLAG_SCE;
        }
        let info = lwp.info.filter(|_| lwp.stopped);
        if info.is_some() {
            flags |= FLAG_SI;
        }
        let call = lwp
            .call
            .filter(|_| in_call || lwp.events & event::RETURN != 0);
        let status = proc_text(&format!("/proc/self/task/{}/status", self.tid));
        let head = LwpInfoHead {
            pl_lwpid: lwp_number(crate::host::pid(), self.tid),
            pl_event: lwp.stopped.into(),
            pl_flags: flags as i32,
            pl_sigmask: signals(status_signals(&status, "SigBlk")),
            pl_siglist: signals(status_signals(&status, "SigPnd")),
        };
        let tail = LwpInfoTail {
            pl_tdname: name(&thread_name(crate::host::pid(), self.tid)),
            pl_child_pid: lwp.child,
            pl_syscall_code: call.map_or(0, |c| c.number as u32),
            pl_syscall_narg: call.map_or(0, |c| words(self.abi, c.number) as u32),
        };
        let info = info.map(|info| siginfo::to_guest(self.abi, &info));
        let whole = core::lwp_info_struct(isa, &head, info.as_deref(), &tail);
        Ok((0, whole))
    }

    fn list(&self) -> Answer {
        let most = usize::try_from(self.request.data).map_err(|_| Errno::EINVAL)?;
        let threads = self.threads();
        let listed = threads.iter().take(most);
        let numbers = listed.map(|t| lwp_number(crate::host::pid(), t.tid));
        let bytes = ints(self.abi, Kind::I32, numbers.map(|n| n as u64));
        Ok((bytes.len() as u64 / 4, bytes))
    }

    fn call_arguments(&self) -> Answer {
        let lwp = self.tracee.lwp(self.tid);
        let call = lwp
            .call
            .filter(|_| lwp.events & (event::CALL | event::RETURN) != 0);
        let call = call.ok_or(Errno::EINVAL)?;
        let word = usize::from(self.abi.abi.word);
        let mut bytes = vec![0; call.args.len() * word];
        let count = words(self.abi, call.number);
        for (place, arg) in bytes.chunks_mut(word).zip(call.args).take(count) {
            write_int(self.abi, Kind::Ulong, place, arg);
        }
        Ok((0, bytes))
    }

    fn call_result(&self) -> Answer {
        let lwp = self.tracee.lwp(self.tid);
        if lwp.events & event::RETURN == 0 {
            return Err(Errno::EINVAL);
        }
        let (first, second, error) = match lwp.outcome {
            Some(Outcome::Return(value)) => (value, 0, 0),
            Some(Outcome::ReturnPair(first, second)) => (first, second, 0),
            Some(Outcome::Fail(e)) => (0, 0, e.0),
            _ => (0, 0, 0),
        };
        let result = CallReturn {
            sr_retval0: Ulong(first),
            sr_retval1: Ulong(second),
            sr_error: error,
        };
        Ok((0, result.write(self.abi)?))
    }

    fn set(&self) -> SysResult<&'static RegisterSet> {
        let layout = core::layout(self.process.isa.name());
        match self.request.code {
            pt::GETREGS | pt::SETREGS => Ok(&layout.general),
            pt::GETFPREGS | pt::SETFPREGS => Ok(&layout.float),
            _ => {
                let set = layout.registers_of(self.request.data as u32);
                set.ok_or(Errno::EINVAL)
            }
        }
    }

    fn read_registers(&self) -> Answer {
        let (isa, abi, set) = (self.process.isa, self.abi, self.set()?);
        let bytes = self.with_cpu(|cpu| {
            isa.sync_registers(cpu);
            set.write(abi, isa.registers_in_mode(cpu.mode), cpu, |_| 0)
        })?;
        Ok((0, bytes))
    }

    fn write_registers(&self) -> Answer {
        let (isa, abi, set) = (self.process.isa, self.abi, self.set()?);
        // A call that the thread waits in is made again once its registers are back, since it shows itself before the call.
        self.thread()?.discard_syscall();
        self.tracee.with_lwp(self.tid, |lwp| lwp.written = true);
        self.with_cpu(|cpu| {
            let table = isa.registers_in_mode(cpu.mode);
            isa.sync_registers(cpu);
            set.read(abi, table, &self.request.bytes, cpu, |_, _, _| {});
            isa.sync_derived(cpu);
        })?;
        NOTHING
    }

    /// `struct ptrace_vm_entry` with the path behind it.
    fn mapping(&self) -> Answer {
        let asked = VmEntry::read(self.abi, &self.request.bytes)?;
        let at = usize::try_from(asked.pve_entry).map_err(|_| Errno::EINVAL)?;
        let regions = self.process.mem.regions();
        let region = match regions.get(at) {
            Some(region) => region,
            None if at == regions.len() => return Err(Errno::ENOENT),
            None => return Err(Errno::EINVAL),
        };
        let file = match &region.kind {
            Backed::File(file) => Some(file),
            _ => None,
        };
        const NO_VALUE: i32 = -1;
        let mut entry = VmEntry {
            pve_entry: asked.pve_entry + 1,
            pve_timestamp: (self.process.mem.map_generation() & 0x7fff_ffff) as i32,
            pve_start: Ulong(region.start),
            pve_end: Ulong(region.end - 1),
            pve_offset: Ulong(region.offset),
            pve_prot: region.prot.0.into(),
            pve_pathlen: 0,
            pve_fileid: Long(file.map_or(NO_VALUE.into(), |f| f.inode as i64)),
            pve_fsid: file.map_or(NO_VALUE as u32, |f| f.dev as u32),
            pve_path: asked.pve_path,
        };
        let mut path = Vec::new();
        if let Some(file) = file.filter(|_| asked.pve_pathlen != 0) {
            path = file.path.as_os_str().as_bytes().to_vec();
            path.push(0);
            entry.pve_pathlen = path.len() as u32;
            if path.len() > asked.pve_pathlen as usize {
                return Err(Errno::ENAMETOOLONG);
            }
        }
        let mut bytes = entry.write(self.abi)?;
        bytes.extend(path);
        Ok((0, bytes))
    }
}

/// Does something with a range page by page, for as long as it works; returns how many bytes it has worked for.
fn by_page(
    addr: u64,
    len: usize,
    mut one: impl FnMut(u64, std::ops::Range<usize>) -> bool,
) -> usize {
    let mut done = 0;
    while done < len {
        let at = addr.wrapping_add(done as u64);
        let step = ((PAGE_SIZE - at % PAGE_SIZE) as usize).min(len - done);
        if !one(at, done..done + step) {
            break;
        }
        done += step;
    }
    done
}
