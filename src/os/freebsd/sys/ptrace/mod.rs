//! `ptrace`: one guest process traces another (see [`crate::os::tracing`]). Here is what the tracer's process does of it; what the
//! tracee's does is in `served`.
//!
//! A thread's number is the host's, of which the main thread's is the process's as well. Where `ptrace` gives the number of a main
//! thread it adds a large number, so that it can be told from the process when it comes back.

mod layout;
mod meeting;
mod served;

pub(in crate::os::freebsd) use meeting::{rung, sends_stop};
pub(in crate::os::freebsd) use served::serve;

use layout::*;

use crate::abi::{Errno, GuestStruct, Kind, OsAbi, Show, SysResult, Ulong, read_int, write_int};
use crate::host::nr::SYS_kill;
use crate::os::freebsd::sys::board;
use crate::os::freebsd::{self, core, flags as f, nr, siginfo};
use crate::os::tracing::{Request, State, event};
use crate::os::{ArgType, Call, Dir, Run::Handler, Support::Partial, *};
use crate::process::Signal;

const LIMITS: &str = "no debug registers, PT_COREDUMP, PT_SC_REMOTE; tracer and tracee are of one instruction set; a \
    tracer that executes a program loses its tracees";

crate::syscalls! {
    ptrace(req: one_of(&f::PTRACE), pid: INT, addr: ArgType::By(|a, _| argument(a[0])), data: ArgType::By(|a, _| data(a[0]))) -> NUM, Partial(LIMITS), Handler(trace);
}

/// The type of the address of a request.
fn argument(request: u64) -> ArgType {
    match request as i32 {
        pt::TRACE_ME | pt::KILL | pt::ATTACH | pt::DETACH => ADDR,
        pt::IO => inout::<IoDesc>(),
        pt::LWPINFO => ArgType::Decoded(Dir::Out, show_lwp),
        pt::GETLWPLIST => ArgType::Ints(Dir::Out, Kind::I32, Show::Dec, Len::Arg(3)),
        pt::GET_EVENT_MASK => ints_of(Dir::Out, Kind::I32, Show::Flags(&f::PTRACE_EVENT), 1),
        pt::SET_EVENT_MASK => ints_of(Dir::In, Kind::I32, Show::Flags(&f::PTRACE_EVENT), 1),
        pt::GET_SC_ARGS => ArgType::Ints(Dir::Out, Kind::Ulong, Show::Hex, Len::Const(8)),
        pt::GET_SC_RET => output::<CallReturn>(),
        pt::VM_ENTRY => inout::<VmEntry>(),
        pt::GETREGSET | pt::SETREGSET => inout::<Span>(),
        _ => BITS,
    }
}

/// The type of the number of a request: a signal, a word or an `int`.
fn data(request: u64) -> ArgType {
    match request as i32 {
        pt::CONTINUE | pt::STEP | pt::DETACH | pt::TO_SCE | pt::TO_SCX | pt::SYSCALL => SIGNAL,
        pt::WRITE_D | pt::WRITE_I => HEX,
        _ => INT,
    }
}

/// `struct ptrace_lwpinfo`
fn show_lwp(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const SI: i32 = 0x20;
    let size = v.arg(3) as usize;
    let head_size = core::LwpInfoHead::DESC.size(v.abi());
    let bytes = v.bytes(at, head_size.min(size))?;
    if bytes.len() < head_size {
        return v.buffer(at, bytes.len() as u64);
    }
    let head = v.structure(core::LwpInfoHead::DESC, &bytes);
    let flags = core::LwpInfoHead::read(v.abi(), &bytes).ok()?.pl_flags;
    let word = usize::from(v.abi().abi.word);
    let info_at = head_size.next_multiple_of(word);
    let tail_at = info_at + siginfo::size(v.abi());
    let tail_size = core::LwpInfoTail::DESC.size(v.abi());
    let mut out = head.strip_suffix('}').unwrap_or(&head).to_owned();
    if flags & SI != 0 && size >= tail_at {
        let info = v.shown(ArgType::SigInfo(Dir::Out), at + info_at as u64, Some(0))?;
        out += &format!(", pl_siginfo={info}");
    }
    if size >= tail_at + tail_size {
        let tail = v.bytes(at + tail_at as u64, tail_size)?;
        let tail = v.structure(core::LwpInfoTail::DESC, &tail);
        out += &format!(", {}", tail.trim_start_matches('{').trim_end_matches('}'));
    }
    Some(out + "}")
}

/// What is added to the number of a main thread; greater than any number that the host gives a thread.
const MAIN_LWP: i32 = 0x4000_0000;

/// The number of a thread of process `pid`, as `ptrace` gives it.
fn lwp_number(pid: i32, tid: i32) -> i32 {
    if tid == pid { tid + MAIN_LWP } else { tid }
}

/// How many words the arguments of a call take (`sy_narg`).
fn words(a: OsAbi, number: u64) -> usize {
    let Some(row) = nr::row(number) else {
        return 0;
    };
    let mut count = 0usize;
    for arg in row.args {
        if matches!(arg.ty, ArgType::Wide(_)) && a.abi.is_32bit() {
            count = count.next_multiple_of(if a.abi.even_pairs { 2 } else { 1 }) + 1;
        }
        count += 1;
    }
    count
}

fn trace(call: &mut Call<'_>) -> SysResult {
    match call.int(0) {
        pt::TRACE_ME => meeting::ask(call),
        pt::ATTACH => meeting::attach(call, call.int(1)),
        request => control(call, request),
    }
}

/// A tracee, and the thread of it that is meant: 0 for the one that has stopped.
fn target(call: &Call<'_>, number: i32) -> SysResult<(i32, i32)> {
    let os = freebsd::of(call.thread).ok_or(Errno::EPERM)?;
    let found = match number {
        n if os.tracer.state(n).is_some() => (n, 0),
        MAIN_LWP.. => (number - MAIN_LWP, number - MAIN_LWP),
        n => match process_of(n) {
            Some(pid) if pid == n => (n, 0),
            Some(pid) => (pid, n),
            None => return Err(Errno::ESRCH),
        },
    };
    match os.tracer.state(found.0) {
        Some(State::Stopped { waited: true, .. }) => Ok(found),
        Some(State::Ended { .. }) => Err(Errno::ESRCH),
        Some(_) => Err(Errno::EBUSY),
        None if parent_of(found.0).is_none() => Err(Errno::ESRCH),
        None if board::tracer(found.0) != 0 => Err(Errno::EBUSY),
        None => Err(Errno::EPERM),
    }
}

/// A request about a tracee that has stopped.
fn control(call: &mut Call<'_>, code: i32) -> SysResult {
    let (addr, data) = (call.arg(2), i64::from(call.int(3)));
    let input = match code {
        pt::SETREGS => call.read_bytes(addr, registers(call).general.size as u64)?,
        pt::SETFPREGS => call.read_bytes(addr, registers(call).float.size as u64)?,
        pt::IO => call.read_bytes(addr, IoDesc::DESC.size(call.abi) as u64)?,
        pt::VM_ENTRY => call.read_bytes(addr, VmEntry::DESC.size(call.abi) as u64)?,
        pt::SET_EVENT_MASK if data == 4 => call.read_bytes(addr, 4)?,
        pt::SET_EVENT_MASK => return Err(Errno::EINVAL),
        _ => Vec::new(),
    };
    if code == pt::CLEARSTEP && is_own_thread(call) {
        return Ok(0);
    }
    let (pid, tid) = target(call, call.int(1))?;
    let request = Request {
        code,
        tid,
        addr,
        data,
        bytes: input,
    };
    match code {
        pt::READ_I | pt::READ_D => read_word(call, pid, request),
        pt::WRITE_I | pt::WRITE_D => write_word(call, pid, request),
        pt::IO => transfer(call, pid, request),
        pt::CONTINUE | pt::STEP | pt::TO_SCE | pt::TO_SCX | pt::SYSCALL | pt::DETACH | pt::KILL => {
            go_on(call, pid, request)
        }
        pt::LWPINFO => {
            let whole = core::siginfo_at(isa(call)) + siginfo::size(call.abi);
            let whole = whole + core::LwpInfoTail::DESC.size(call.abi);
            let whole = whole.next_multiple_of(call.abi.abi.word.into()) as i64;
            if data <= 0 || data > whole {
                return Err(Errno::EINVAL);
            }
            give(call, pid, &request, data as usize)
        }
        pt::GETLWPLIST if data <= 0 => Err(Errno::EINVAL),
        pt::GET_EVENT_MASK if data != 4 => Err(Errno::EINVAL),
        pt::GET_SC_ARGS | pt::GET_SC_RET => give(call, pid, &request, data.max(0) as usize),
        pt::GETREGS | pt::GETFPREGS | pt::GETLWPLIST | pt::GET_EVENT_MASK => {
            give(call, pid, &request, usize::MAX)
        }
        pt::SET_EVENT_MASK => {
            const ALL: u64 = (event::EXEC
                | event::CALL
                | event::RETURN
                | event::FORK
                | event::THREAD
                | event::VFORK_DONE) as u64;
            let mask = read_int(call.abi, Kind::U32, &request.bytes);
            if mask & !ALL != 0 {
                return Err(Errno::EINVAL);
            }
            let data = mask as i64;
            ask(call, pid, &Request { data, ..request }).map(|reply| reply.0)
        }
        pt::VM_ENTRY => mapping(call, pid, request),
        pt::GETREGSET | pt::SETREGSET => register_set(call, pid, request),
        pt::CLEARSTEP
        | pt::SETSTEP
        | pt::SUSPEND
        | pt::RESUME
        | pt::FOLLOW_FORK
        | pt::LWP_EVENTS
        | pt::GETNUMLWPS
        | pt::SETREGS
        | pt::SETFPREGS
        | pt::VM_TIMESTAMP => ask(call, pid, &request).map(|reply| reply.0),
        _ => {
            call.unimplemented(&format!("request {code}"));
            Err(Errno::EINVAL)
        }
    }
}

fn isa(call: &Call<'_>) -> &'static freebsd::isa::FreeBsdIsa {
    freebsd::isa_of(call.thread)
}

fn registers(call: &Call<'_>) -> &'static core::Layout {
    core::layout(isa(call).name)
}

/// Whether the request is about the thread that makes it.
fn is_own_thread(call: &Call<'_>) -> bool {
    let (number, tid) = (call.int(1), call.thread.tid());
    number == tid || number == lwp_number(crate::host::pid(), tid)
}

/// Asks a tracee to do something: the result, and what comes with it.
fn ask(call: &mut Call<'_>, pid: i32, request: &Request) -> SysResult<(u64, Vec<u8>)> {
    let process = call.thread.process.clone();
    let os = freebsd::of_process(&process).ok_or(Errno::EPERM)?;
    let mut bytes = Vec::new();
    // A debugger may have halted the tracee, and may want to halt this one as well.
    let value = call.thread.block_while(|| {
        let reply = os.tracer.request(pid, request)?;
        bytes = reply.bytes;
        match reply.error {
            0 => Ok(reply.value),
            error => Err(Errno(error)),
        }
    })?;
    Ok((value, bytes))
}

/// Likewise, and gives the guest what comes with it, at most as many bytes.
fn give(call: &mut Call<'_>, pid: i32, request: &Request, most: usize) -> SysResult {
    let (value, bytes) = ask(call, pid, request)?;
    call.write_bytes(request.addr, &bytes[..bytes.len().min(most)])?;
    Ok(value)
}

const INT_SIZE: i64 = 4;

fn read_word(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    let request = Request {
        data: INT_SIZE,
        ..request
    };
    match ask(call, pid, &request) {
        Ok((_, bytes)) if bytes.len() == INT_SIZE as usize => {
            Ok(read_int(call.abi, Kind::I32, &bytes))
        }
        Ok(_) | Err(Errno::EFAULT) => Err(Errno::ENOMEM),
        Err(e) => Err(e),
    }
}

fn write_word(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    let mut bytes = vec![0; INT_SIZE as usize];
    write_int(call.abi, Kind::I32, &mut bytes, request.data as u64);
    match ask(call, pid, &Request { bytes, ..request }) {
        Ok((done, _)) if done == INT_SIZE as u64 => Ok(0),
        Ok(_) | Err(Errno::EFAULT) => Err(Errno::ENOMEM),
        Err(e) => Err(e),
    }
}

/// PT_IO: what is read or written in several pieces.
fn transfer(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    const PIECE: u64 = 1 << 20;
    let mut desc = IoDesc::read(call.abi, &request.bytes)?;
    let writes = match desc.piod_op {
        READ_DATA | READ_TEXT => false,
        WRITE_DATA | WRITE_TEXT => true,
        _ => return Err(Errno::EINVAL),
    };
    let wanted = desc.piod_len.0;
    let mut done = 0;
    while done < wanted {
        let size = PIECE.min(wanted - done);
        let own = desc.piod_addr.0.wrapping_add(done);
        let bytes = match writes {
            true => call.read_bytes(own, size)?,
            false => Vec::new(),
        };
        let piece = Request {
            code: pt::IO,
            tid: request.tid,
            addr: desc.piod_offs.0.wrapping_add(done),
            data: size as i64,
            bytes,
        };
        let (moved, bytes) = ask(call, pid, &piece)?;
        call.write_bytes(own, &bytes)?;
        done += moved;
        if moved < size {
            return Err(Errno::EFAULT);
        }
    }
    desc.piod_len.0 = done;
    call.write_struct(request.addr, &desc)?;
    Ok(0)
}

/// PT_GETREGSET and PT_SETREGSET: the registers of a core's note, at the place that a `struct iovec` tells; with no place, how many
/// bytes they are.
fn register_set(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    let set = registers(call).registers_of(request.data as u32);
    let size = set.ok_or(Errno::EINVAL)?.size as u64;
    let span: Span = call.read_struct(request.addr)?;
    let (at, length) = (span.iov_base.0, span.iov_len.0);
    match request.code {
        pt::GETREGSET if at == 0 => {
            let iov_len = Ulong(size);
            call.write_struct(request.addr, &Span { iov_len, ..span })?;
            Ok(0)
        }
        _ if length != size => Err(Errno::EINVAL),
        pt::GETREGSET => give(
            call,
            pid,
            &Request {
                addr: at,
                ..request
            },
            usize::MAX,
        ),
        _ => {
            let bytes = call.read_bytes(at, size)?;
            ask(call, pid, &Request { bytes, ..request }).map(|reply| reply.0)
        }
    }
}

/// Lets a tracee go on, until it stops again, or for good.
fn go_on(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    const SIGKILL: i64 = 9;
    if !(0..=MAX_SIGNAL).contains(&request.data) && request.code != pt::KILL {
        return Err(Errno::EINVAL);
    }
    let process = call.thread.process.clone();
    let os = freebsd::of_process(&process).ok_or(Errno::EPERM)?;
    if request.code == pt::KILL || request.data == SIGKILL {
        os.tracer.set_running(pid);
        return call.host(SYS_kill, [pid as u64, Signal::SIGKILL.0.into(), 0, 0, 0, 0]);
    }
    let before = os.tracer.state(pid);
    os.tracer.set_running(pid);
    let result = ask(call, pid, &request);
    match (result, before) {
        // It may have run, and ended, before it could answer.
        (Ok(_) | Err(Errno::ESRCH), _) => {
            if request.code == pt::DETACH {
                os.tracer.remove(pid);
            }
            Ok(0)
        }
        (Err(e), Some(before)) => {
            os.tracer.set_state(pid, before);
            Err(e)
        }
        (Err(e), None) => Err(e),
    }
}

/// PT_VM_ENTRY: the structure, and the path at the address that is in it.
fn mapping(call: &mut Call<'_>, pid: i32, request: Request) -> SysResult {
    let (_, bytes) = ask(call, pid, &request)?;
    let size = VmEntry::DESC.size(call.abi);
    let (entry, path) = bytes.split_at_checked(size).ok_or(Errno::EIO)?;
    if !path.is_empty() {
        let at = VmEntry::read(call.abi, entry)?.pve_path.0;
        call.write_bytes(at, path)?;
    }
    call.write_bytes(request.addr, entry)?;
    Ok(0)
}
