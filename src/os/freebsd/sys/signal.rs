//! Signals: actions, masks, sending, waiting, contexts.

use super::procctl;
use crate::abi::{Errno, GuestStruct, Kind, Show, Signal, SysResult, Ulong};
use crate::host::nr::*;
use crate::host::signal::RawInfo;
use crate::os::freebsd::decode::process::context;
use crate::os::freebsd::structs::*;
use crate::os::freebsd::{flags as f, isa_of, of, siginfo};
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::Handler,
    Support::{Full, Partial},
    *,
};
use crate::process::{Action, AltStack, Outcome, SigFields, SigInfo, SigSet};

const SET_SIZE: u32 = 16;
const SET_IN: ArgType = ArgType::SigSet(Dir::In, Len::Const(SET_SIZE));
const SET_OUT: ArgType = ArgType::SigSet(Dir::Out, Len::Const(SET_SIZE));

crate::syscalls! {
    sigaction(sig: SIGNAL, act: input::<Sigaction>(), oact: output::<Sigaction>()) -> NUM, Full, Handler(set_action);
    sigprocmask(how: one_of(&f::SIG_HOW), set: SET_IN, oset: SET_OUT) -> NUM, Full, Handler(change_mask);
    sigpending(set: SET_OUT) -> NUM, Full, Handler(pending);
    sigsuspend(sigmask: SET_IN) -> NUM, Full, Handler(suspend);
    sigwait(set: SET_IN, sig: ints_of(Dir::Out, Kind::I32, Show::Signal, 1)) -> NUM, Full, Handler(wait_number);
    sigwaitinfo(set: SET_IN, info: ArgType::SigInfo(Dir::Out)) -> NUM, Full, Handler(|c| wait_signal(c, None));
    sigtimedwait(set: SET_IN, info: ArgType::SigInfo(Dir::Out), timeout: input::<Timespec>()) -> NUM, Full, Handler(wait_timed);
    sigaltstack(ss: input::<Stack>(), oss: output::<Stack>()) -> NUM, Full, Handler(alternate_stack);
    sigreturn(sigcntxp: ArgType::Decoded(Dir::In, context)) -> NUM, Full, Handler(|c| enter_context(c, c.arg(0)));
    getcontext(ucp: ArgType::Decoded(Dir::Out, context)) -> NUM, Full, Handler(get_context);
    setcontext(ucp: ArgType::Decoded(Dir::In, context)) -> NUM, Full, Handler(|c| enter_context(c, c.arg(0)));
    swapcontext(oucp: ArgType::Decoded(Dir::Out, context), ucp: ArgType::Decoded(Dir::In, context)) -> NUM, Full, Handler(swap_context);
    kill(pid: INT, signum: SIGNAL) -> NUM, Full, Handler(|c| send(c, None));
    sigqueue(pid: INT, signum: SIGNAL, value: BITS) -> NUM, Partial("signals below SIGRTMIN wait once each"), Handler(|c| { let value = c.arg(2); send(c, Some(value)) });
    thr_kill(id: LONG, sig: SIGNAL) -> NUM, Full, Handler(|c| kill_thread(c, crate::host::pid() as u64, c.arg(0), 1));
    thr_kill2(pid: INT, id: LONG, sig: SIGNAL) -> NUM, Full, Handler(|c| kill_thread(c, c.arg(0), c.arg(1), 2));
}

fn signal_of(call: &Call<'_>, n: usize) -> SysResult<Signal> {
    Signal::from_guest(call.abi.dialect, call.arg(n) as u32).ok_or(Errno::EINVAL)
}

/// Where the mask is in the guest's `struct sigaction`.
fn mask_at(call: &Call<'_>) -> u64 {
    Sigaction::DESC.offset(call.abi, "sa_mask").unwrap_or(0) as u64
}

fn set_action(call: &mut Call<'_>) -> SysResult {
    let signal = signal_of(call, 0)?;
    let process = call.thread.process.clone();
    let old = match call.arg(1) {
        0 => process.action(signal),
        addr => {
            let act: Sigaction = call.read_struct(addr)?;
            let new = Action {
                handler: act.sa_handler.0,
                flags: u64::from(act.sa_flags as u32),
                restorer: 0,
                mask: read_sigset(call, addr.wrapping_add(mask_at(call)), SET_SIZE.into())?,
            };
            process.set_action(signal, new)?
        }
    };
    if call.arg(2) != 0 {
        let act = Sigaction {
            sa_handler: Ulong(old.handler),
            sa_flags: old.flags as i32,
            sa_mask: [0; 4],
        };
        call.write_struct(call.arg(2), &act)?;
        write_sigset(
            call,
            call.arg(2).wrapping_add(mask_at(call)),
            SET_SIZE.into(),
            old.mask,
        )?;
    }
    Ok(0)
}

fn change_mask(call: &mut Call<'_>) -> SysResult {
    let old = call.thread.signal_mask();
    if call.arg(1) != 0 {
        let set = read_sigset(call, call.arg(1), SET_SIZE.into())?;
        let mask = match call.arg(0) {
            1 => old.union(set),
            2 => old.without(set),
            3 => set,
            _ => return Err(Errno::EINVAL),
        };
        call.thread.set_signal_mask(mask);
    }
    if call.arg(2) != 0 {
        write_sigset(call, call.arg(2), SET_SIZE.into(), old)?;
    }
    Ok(0)
}

fn pending(call: &mut Call<'_>) -> SysResult {
    let mut bits = [0u8; 8];
    call.host(SYS_rt_sigpending, [bits.as_mut_ptr() as u64, 8, 0, 0, 0, 0])?;
    let set = SigSet::from_host(u64::from_le_bytes(bits));
    let set = set.union(call.thread.pending_here());
    write_sigset(call, call.arg(0), SET_SIZE.into(), set)?;
    Ok(0)
}

fn suspend(call: &mut Call<'_>) -> SysResult {
    let mask = read_sigset(call, call.arg(0), SET_SIZE.into())?;
    let bits = mask.blockable().host_mask().to_le_bytes();
    let args = [bits.as_ptr() as u64, 8, 0, 0, 0, 0];
    call.thread
        .wait_with_mask(mask.blockable(), SYS_rt_sigsuspend, args)
}

fn wait_timed(call: &mut Call<'_>) -> SysResult {
    let timeout = call.read_optional::<Timespec>(call.arg(2))?;
    wait_signal(call, timeout)
}

/// Waits for a signal; returns the guest's number of it.
fn wait_signal(call: &mut Call<'_>, timeout: Option<Timespec>) -> SysResult {
    let set = read_sigset(call, call.arg(0), SET_SIZE.into())?;
    let bits = set.host_mask().to_le_bytes();
    let time = timeout.map(|t| [t.tv_sec.0, t.tv_nsec.0]);
    let mut raw = RawInfo([0; 128]);
    let args = [
        bits.as_ptr() as u64,
        raw.0.as_mut_ptr() as u64,
        time.as_ref().map_or(0, |t| t.as_ptr() as u64),
        8,
        0,
        0,
    ];
    let info = match call.thread.wait_for_signal(set, args)? {
        Some(info) => info,
        None => SigInfo::from_host(&raw),
    };
    if let Some(os) = of(call.thread) {
        os.signal_consumed(info.signal);
    }
    if call.arg(1) != 0 {
        call.write_bytes(call.arg(1), &siginfo::to_guest(call.abi, &info))?;
    }
    Ok(info.signal.to_guest(call.abi.dialect).into())
}

/// `sigwait` writes the number where `sigwaitinfo` has information, and returns the error rather than setting errno.
fn wait_number(call: &mut Call<'_>) -> SysResult {
    let at = std::mem::take(&mut call.args[1]);
    match wait_signal(call, None) {
        Ok(number) => {
            call.write_int(at, Kind::I32, number)?;
            Ok(0)
        }
        Err(e) if e == crate::process::ERESTARTSYS => Err(e),
        Err(e) => Ok(e.to_guest(call.abi.dialect).into()),
    }
}

fn alternate_stack(call: &mut Call<'_>) -> SysResult {
    const SS_ONSTACK: i32 = 1;
    const SS_DISABLE: i32 = 4;
    let addr = call.arg(0);
    let sp = (isa_of(call.thread).sp)(&call.thread.cpu);
    let old = call.thread.altstack;
    if addr != 0 {
        // Its flags are the kernel's own: SS_DISABLE has another value on the host.
        let flags_at = Stack::DESC.offset(call.abi, "ss_flags").unwrap_or(0) as u64;
        let flags = call.read_int(addr.wrapping_add(flags_at), Kind::I32)? as i32;
        let new: Stack = call.read_struct(addr)?;
        if old.contains(sp) {
            return Err(Errno::EPERM);
        }
        if flags & !SS_DISABLE != 0 {
            return Err(Errno::EINVAL);
        }
        call.thread.altstack = if flags & SS_DISABLE != 0 {
            AltStack::default()
        } else if new.ss_size.0 < isa_of(call.thread).min_signal_stack {
            return Err(Errno::ENOMEM);
        } else {
            AltStack {
                sp: new.ss_sp.0,
                size: new.ss_size.0,
                flags: 0,
            }
        };
    }
    if call.arg(1) != 0 {
        let shown = Stack {
            ss_sp: Ulong(old.sp),
            ss_size: Ulong(old.size),
            ss_flags: match (old.size, old.contains(sp)) {
                (0, _) => 2, // the host's SS_DISABLE
                (_, true) => SS_ONSTACK,
                _ => 0,
            },
        };
        call.write_struct(call.arg(1), &shown)?;
    }
    Ok(0)
}

fn enter_context(call: &mut Call<'_>, addr: u64) -> SysResult {
    let isa = isa_of(call.thread);
    let context = call.read_bytes(addr, isa.context_size as u64)?;
    let mask = read_sigset(call, addr, SET_SIZE.into())?;
    (isa.load_context)(call.thread.process.isa, &mut call.thread.cpu, &context);
    call.thread.set_signal_mask(mask);
    call.outcome = Some(Outcome::Keep);
    Ok(0)
}

/// The context is that after the call, which returns 0 when it is entered.
fn write_context(call: &mut Call<'_>, addr: u64) -> SysResult<()> {
    let isa = isa_of(call.thread);
    let context = (isa.context)(call.thread, true);
    call.write_bytes(addr, &context)
}

fn get_context(call: &mut Call<'_>) -> SysResult {
    write_context(call, call.arg(0))?;
    Ok(0)
}

fn swap_context(call: &mut Call<'_>) -> SysResult {
    write_context(call, call.arg(0))?;
    enter_context(call, call.arg(1))
}

/// `si_code`s of the host.
const SI_USER: i32 = 0;
const SI_QUEUE: i32 = -1;
const SI_TKILL: i32 = -6;

/// The signal of argument `n`, or none: 0 only asks whether there is somebody to get one.
fn signal_or_none(call: &Call<'_>, n: usize) -> SysResult<Option<Signal>> {
    match call.int(n) {
        0 => Ok(None),
        _ => signal_of(call, n).map(Some),
    }
}

/// Whether the host does not have a signal.
fn is_beyond(signal: Option<Signal>) -> Option<Signal> {
    signal.filter(|s| s.0 > 64)
}

fn information(signal: Signal, code: i32, value: Option<u64>) -> SigInfo {
    let (pid, uid) = (crate::host::pid(), crate::host::ids().uid);
    SigInfo {
        signal,
        errno: 0,
        code,
        fields: match value {
            Some(value) => SigFields::Queue { pid, uid, value },
            None => SigFields::Kill { pid, uid },
        },
    }
}

/// `kill`, or `sigqueue` with its value.
fn send(call: &mut Call<'_>, value: Option<u64>) -> SysResult {
    let (pid, signal) = (call.int(0), signal_or_none(call, 1)?);
    super::procdesc::reap_released(call);
    if let Some(signal) = is_beyond(signal) {
        let process = call.thread.process.clone();
        let code = if value.is_some() { SI_QUEUE } else { SI_USER };
        return match pid {
            pid if pid == crate::host::pid() => {
                process.send_beyond(None, information(signal, code, value));
                Ok(0)
            }
            1.. => process.send_beyond_to(pid, signal, value),
            // Only `kill` has groups.
            _ if value.is_some() => Err(Errno::EINVAL),
            _ => send_to_group(call, pid, signal),
        };
    }
    if signal == Some(Signal::SIGSTOP) && super::ptrace::sends_stop(call, pid, 0) {
        return Ok(0);
    }
    let own = signal.filter(|_| pid == crate::host::pid());
    let signal = signal.unwrap_or(Signal(0));
    let number = u64::from(signal.0);
    let Some(value) = value else {
        return send_by(call, own, SYS_kill, [pid as u64, number, 0, 0, 0, 0]);
    };
    let (sender, uid) = (crate::host::pid(), crate::host::ids().uid);
    let info = RawInfo::new(signal, 0, SI_QUEUE, sender, uid, value);
    let args = [pid as u64, number, &raw const info as u64, 0, 0, 0];
    send_by(call, own, SYS_rt_sigqueueinfo, args)
}

/// Sends a signal to a process by a call of the host's. `own`: the signal, if it is to this process, whose kqueues count each.
fn send_by(call: &mut Call<'_>, own: Option<Signal>, number: i64, args: [u64; 6]) -> SysResult {
    let repeated = own.filter(|s| of(call.thread).is_some_and(|os| os.kqueues.repeats(*s)));
    let sent = call.host(number, args)?;
    if let (Some(signal), Some(os)) = (repeated, of(call.thread)) {
        os.kqueues.signal_repeated(signal);
    }
    Ok(sent)
}

/// Sends a signal that the host does not have to a group of processes: 0 is the own one, -1 is everybody else.
fn send_to_group(call: &mut Call<'_>, pid: i32, signal: Signal) -> SysResult {
    let me = crate::host::pid();
    let targets: Vec<i32> = match pid {
        -1 => numbers_in("/proc")
            .into_iter()
            .filter(|&p| p > 1 && p != me)
            .collect(),
        0 => procctl::group_members(call.host(SYS_getpgrp, [0; 6])? as i32),
        group => procctl::group_members(group.wrapping_neg()),
    };
    let process = call.thread.process.clone();
    let mut result = Err(Errno::ESRCH);
    for target in targets {
        let sent = if target == me {
            process.send_beyond(None, information(signal, SI_USER, None));
            Ok(0)
        } else if procctl::is_guest(target) {
            process.send_beyond_to(target, signal, None)
        } else {
            // To a program of the host's it would be another signal.
            continue;
        };
        if result.is_err() {
            result = sent;
        }
    }
    result
}

/// -1 is every other thread of the process.
fn kill_thread(call: &mut Call<'_>, pid: u64, tid: u64, n: usize) -> SysResult {
    let signal = signal_or_none(call, n)?;
    let (all, me) = (tid as i64 == -1, call.thread.tid());
    let own = pid == crate::host::pid() as u64;
    let threads = call.thread.process.threads();
    let targets: Vec<i32> = if all && own {
        let others = threads.iter().map(|t| t.tid);
        others.filter(|&t| t != me).collect()
    } else {
        vec![tid as i32]
    };
    if let Some(signal) = is_beyond(signal) {
        if !own {
            call.unimplemented("a signal from 96 on to a thread of another process");
            return Err(Errno::EINVAL);
        }
        for target in targets {
            if !threads.iter().any(|t| t.tid == target) {
                return Err(Errno::ESRCH);
            }
            let info = information(signal, SI_TKILL, None);
            call.thread.process.send_beyond(Some(target), info);
        }
        return Ok(0);
    }
    if signal == Some(Signal::SIGSTOP) && !all {
        let threads = process_of(tid as i32);
        if threads == Some(pid as i32) && super::ptrace::sends_stop(call, pid as i32, tid as i32) {
            return Ok(0);
        }
    }
    let signal = signal.map_or(0, |s| s.0.into());
    let mut result = if all { Err(Errno::ESRCH) } else { Ok(0) };
    for target in targets {
        let sent = call.host(SYS_tgkill, [pid, target as u64, signal, 0, 0, 0]);
        // Of several, one that has just ended is no error.
        if !all || sent.is_ok() {
            result = sent;
        }
    }
    result
}
