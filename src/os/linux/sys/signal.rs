//! Signals: actions, masks, sending, waiting, return from handlers.

use crate::abi::{Dialect, Errno, Kind, OsAbi, Show, Signal, SysResult};
use crate::host::nr::*;
use crate::os::linux::flags as f;
use crate::os::linux::structs::*;
use crate::os::linux::{isa_of, siginfo};
use crate::os::{
    ArgType, Call, Dir, Len,
    Run::{Handler, Pass},
    Support::Full,
    *,
};
use crate::os::{SIGSET_SIZE, read_sigset, sigset_size, write_sigset};
use crate::process::{Action, AltStack, Outcome, SigSet};

const SET_IN_3: ArgType = ArgType::SigSet(Dir::In, Len::Arg(3));
const SET_OUT_3: ArgType = ArgType::SigSet(Dir::Out, Len::Arg(3));

crate::syscalls! {
    rt_sigaction(signum: SIGNAL, act: input::<Sigaction>(), oldact: output::<Sigaction>(), sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(set_action);
    rt_sigprocmask(how: one_of(&f::SIG_HOW), set: SET_IN_3, oldset: SET_OUT_3, sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(change_mask);
    rt_sigpending(set: ArgType::SigSet(Dir::Out, Len::Arg(1)), sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(pending);
    rt_sigsuspend(mask: ArgType::SigSet(Dir::In, Len::Arg(1)), sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(suspend);
    rt_sigtimedwait(set: SET_IN_3, info: ArgType::SigInfo(Dir::Out), timeout: input::<Timespec>(), sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(wait_signal::<Timespec>);
    rt_sigtimedwait_time64(set: SET_IN_3, info: ArgType::SigInfo(Dir::Out), timeout: input::<Timespec64>(), sigsetsize: SIGSET_SIZE) -> NUM, Full, Handler(wait_signal::<Timespec64>);
    rt_sigqueueinfo(tgid: INT, sig: SIGNAL, info: ArgType::SigInfo(Dir::In)) -> NUM, Full, Handler(queue);
    rt_tgsigqueueinfo(tgid: INT, tid: INT, sig: SIGNAL, info: ArgType::SigInfo(Dir::In)) -> NUM, Full, Handler(queue_to_thread);
    pidfd_send_signal(pidfd: FD, sig: SIGNAL, info: ArgType::SigInfo(Dir::In), flags: HEX) -> NUM, Full, Handler(queue_to_pidfd);
    rt_sigreturn() -> NUM, Full, Handler(return_from_handler);
    sigaltstack(ss: input::<Stack>(), old_ss: output::<Stack>()) -> NUM, Full, Handler(alternate_stack);
    kill(pid: INT, sig: SIGNAL) -> NUM, Full, Pass(SYS_kill);
    tkill(tid: INT, sig: SIGNAL) -> NUM, Full, Pass(SYS_tkill);
    tgkill(tgid: INT, tid: INT, sig: SIGNAL) -> NUM, Full, Pass(SYS_tgkill);
    pause() -> NUM, Full, Run::Wait(SYS_pause);
    restart_syscall() -> NUM, Support::Stub("EINTR: calls are restarted without it"), Handler(|_| Err(Errno::EINTR));

    // The calls of before real-time signals: masks of one word.
    signal(signum: SIGNAL, handler: BITS) -> HEXNUM, Full, Handler(set_handler);
    sigaction(signum: SIGNAL, act: input::<Sigaction>(), oldact: output::<Sigaction>()) -> NUM, Full, Handler(set_action);
    sigprocmask(how: one_of(&f::SIG_HOW), set: OLD_SET_IN, oldset: OLD_SET_OUT) -> NUM, Full, Handler(change_old_mask);
    sigpending(set: OLD_SET_OUT) -> NUM, Full, Handler(old_pending);
    sigsuspend(set: OLD_SET_IN) -> NUM, Full, Handler(old_suspend);
    sigreturn() -> NUM, Full, Handler(return_from_old_handler);
    sgetmask() -> HEXNUM, Full, Handler(|c| Ok(old_word(c)));
    ssetmask(newmask: BITS) -> HEXNUM, Full, Handler(set_old_mask);
}

/// The old `sigset_t` of MIPS is as long as the new one; its calls look at the first word.
const OLD_SET_IN: ArgType = ArgType::Ints(Dir::In, Kind::Ulong, Show::Hex, Len::Const(1));
const OLD_SET_OUT: ArgType = ArgType::Ints(Dir::Out, Kind::Ulong, Show::Hex, Len::Const(1));

fn signal_of(call: &Call<'_>, n: usize) -> SysResult<Signal> {
    Signal::from_guest(call.abi.dialect, call.arg(n) as u32).ok_or(Errno::EINVAL)
}

/// The kernel's `sigsetsize` check.
fn check_size(call: &Call<'_>, n: usize) -> SysResult<()> {
    if call.row.args.len() > n && call.arg(n) != sigset_size(call.abi.dialect) {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

fn set_action(call: &mut Call<'_>) -> SysResult {
    check_size(call, 3)?;
    let signal = signal_of(call, 0)?;
    let process = call.thread.process.clone();
    let old = if call.arg(1) == 0 {
        process.action(signal)
    } else {
        let new = read_action(call, call.arg(1))?;
        process.set_action(signal, new)?
    };
    if call.arg(2) != 0 {
        write_action(call, call.arg(2), &old)?;
    }
    Ok(0)
}

/// Bytes of the mask in a guest's `struct sigaction` and where they are.
fn mask_at(call: &Call<'_>) -> (u64, u64) {
    let desc = <Sigaction as crate::abi::GuestStruct>::DESC;
    let at = desc.offset(call.abi, "sa_mask").unwrap_or(0) as u64;
    (at, sigset_size(call.abi.dialect))
}

fn read_action(call: &Call<'_>, addr: u64) -> SysResult<Action> {
    let act: Sigaction = call.read_struct(addr)?;
    let (at, size) = mask_at(call);
    Ok(Action {
        handler: act.sa_handler.0,
        flags: act.sa_flags.0,
        restorer: act.sa_restorer.0,
        mask: read_sigset(call, addr.wrapping_add(at), size)?,
    })
}

fn write_action(call: &Call<'_>, addr: u64, action: &Action) -> SysResult<()> {
    let act = Sigaction {
        sa_handler: crate::abi::Ulong(action.handler),
        sa_flags: crate::abi::Ulong(action.flags),
        sa_restorer: crate::abi::Ulong(action.restorer),
        sa_mask: [0; 2],
    };
    call.write_struct(addr, &act)?;
    let (at, size) = mask_at(call);
    write_sigset(call, addr.wrapping_add(at), size, action.mask)
}

/// `signal(2)`: one shot, as in System V.
fn set_handler(call: &mut Call<'_>) -> SysResult {
    let signal = signal_of(call, 0)?;
    let action = Action {
        handler: call.arg(1),
        flags: crate::process::sa::RESETHAND | crate::process::sa::NODEFER,
        ..Action::default()
    };
    let old = call.thread.process.clone().set_action(signal, action)?;
    Ok(old.handler)
}

/// SIG_BLOCK, SIG_UNBLOCK, SIG_SETMASK of the host.
fn apply_mask(call: &mut Call<'_>, how: u64, set: SigSet) -> SysResult<()> {
    let now = call.thread.signal_mask();
    let mask = match how {
        0 => now.union(set),
        1 => now.without(set),
        2 => set,
        _ => return Err(Errno::EINVAL),
    };
    call.thread.set_signal_mask(mask);
    Ok(())
}

fn change_mask(call: &mut Call<'_>) -> SysResult {
    check_size(call, 3)?;
    let size = call.arg(3);
    let old = call.thread.signal_mask();
    if call.arg(1) != 0 {
        let set = read_sigset(call, call.arg(1), size)?;
        apply_mask(call, call.host_flags(0), set)?;
    }
    if call.arg(2) != 0 {
        write_sigset(call, call.arg(2), size, old)?;
    }
    Ok(0)
}

/// The signals that wait for this thread and are blocked.
fn pending_set(call: &mut Call<'_>) -> SysResult<SigSet> {
    let mut bits = [0u8; 8];
    call.host(SYS_rt_sigpending, [bits.as_mut_ptr() as u64, 8, 0, 0, 0, 0])?;
    Ok(SigSet::from_host(u64::from_le_bytes(bits)))
}

fn pending(call: &mut Call<'_>) -> SysResult {
    if call.arg(1) > sigset_size(call.abi.dialect) {
        return Err(Errno::EINVAL);
    }
    let set = pending_set(call)?;
    write_sigset(call, call.arg(0), call.arg(1), set)?;
    Ok(0)
}

fn suspend_with(call: &mut Call<'_>, mask: SigSet) -> SysResult {
    let bits = mask.blockable().host_mask().to_le_bytes();
    call.host_wait(SYS_rt_sigsuspend, [bits.as_ptr() as u64, 8, 0, 0, 0, 0])
}

fn suspend(call: &mut Call<'_>) -> SysResult {
    let mask = read_sigset(call, call.arg(0), call.arg(1))?;
    suspend_with(call, mask)
}

fn wait_signal<T: crate::abi::GuestStruct + crate::abi::GuestValue>(
    call: &mut Call<'_>,
) -> SysResult {
    let set = read_sigset(call, call.arg(0), call.arg(3))?;
    let bits = set.host_mask().to_le_bytes();
    let mut time = vec![0; T::DESC.size(OsAbi::HOST)];
    let timeout = match call.read_optional::<T>(call.arg(2))? {
        Some(t) => {
            t.to_host(&mut time);
            time.as_ptr() as u64
        }
        None => 0,
    };
    let mut raw = [0u8; 128];
    let args = [
        bits.as_ptr() as u64,
        raw.as_mut_ptr() as u64,
        timeout,
        8,
        0,
        0,
    ];
    let signal = call.host_wait(SYS_rt_sigtimedwait, args)?;
    if call.arg(1) != 0 {
        let bytes = siginfo::to_guest(call.abi, &siginfo::parse(&raw));
        call.write_bytes(call.arg(1), &bytes)?;
    }
    Ok(Show::Signal.convert(signal, OsAbi::HOST, call.abi))
}

/// The guest's `siginfo_t` at `addr` as the host's bytes.
fn read_info(call: &Call<'_>, addr: u64) -> SysResult<[u8; 128]> {
    let bytes = call.read_bytes(addr, 128)?;
    Ok(siginfo::host_bytes(&siginfo::from_guest(call.abi, &bytes)))
}

fn queue(call: &mut Call<'_>) -> SysResult {
    let mut info = read_info(call, call.arg(2))?;
    let signal = Show::Signal.convert(call.arg(1), call.abi, OsAbi::HOST);
    info[..4].copy_from_slice(&(signal as u32).to_le_bytes());
    let args = [call.arg(0), signal, info.as_ptr() as u64, 0, 0, 0];
    call.host(SYS_rt_sigqueueinfo, args)
}

fn queue_to_thread(call: &mut Call<'_>) -> SysResult {
    let mut info = read_info(call, call.arg(3))?;
    let signal = Show::Signal.convert(call.arg(2), call.abi, OsAbi::HOST);
    info[..4].copy_from_slice(&(signal as u32).to_le_bytes());
    let args = [call.arg(0), call.arg(1), signal, info.as_ptr() as u64, 0, 0];
    call.host(SYS_rt_tgsigqueueinfo, args)
}

fn queue_to_pidfd(call: &mut Call<'_>) -> SysResult {
    let signal = Show::Signal.convert(call.arg(1), call.abi, OsAbi::HOST);
    let mut info = [0; 128];
    let mut at = 0;
    if call.arg(2) != 0 {
        info = read_info(call, call.arg(2))?;
        info[..4].copy_from_slice(&(signal as u32).to_le_bytes());
        at = info.as_ptr() as u64;
    }
    let args = [call.arg(0), signal, at, call.arg(3), 0, 0];
    let result = call.host(SYS_pidfd_send_signal, args);
    let _ = &info;
    result
}

fn return_from_handler(call: &mut Call<'_>) -> SysResult {
    let isa = isa_of(call.thread);
    (isa.pop_frame)(call.thread, false)?;
    call.outcome = Some(Outcome::Keep);
    Ok(0)
}

fn return_from_old_handler(call: &mut Call<'_>) -> SysResult {
    let isa = isa_of(call.thread);
    (isa.pop_frame)(call.thread, true)?;
    call.outcome = Some(Outcome::Keep);
    Ok(0)
}

const SS_ONSTACK: i32 = 1;
const SS_DISABLE: i32 = 2;
const SS_AUTODISARM: u32 = 0x8000_0000;

fn alternate_stack(call: &mut Call<'_>) -> SysResult {
    let isa = isa_of(call.thread);
    let sp = (isa.sp)(&call.thread.cpu);
    let old = call.thread.altstack;
    let on_it = old.flags & SS_AUTODISARM == 0
        && old.size != 0
        && sp.wrapping_sub(old.sp).wrapping_sub(1) < old.size;
    if let Some(new) = call.read_optional::<Stack>(call.arg(0))? {
        let mode = new.ss_flags & !(SS_AUTODISARM as i32);
        if on_it {
            return Err(Errno::EPERM);
        }
        if !matches!(mode, 0 | SS_ONSTACK | SS_DISABLE) {
            return Err(Errno::EINVAL);
        }
        call.thread.altstack = if mode == SS_DISABLE {
            AltStack::default()
        } else {
            if new.ss_size.0 < isa.min_signal_stack {
                return Err(Errno::ENOMEM);
            }
            AltStack {
                sp: new.ss_sp.0,
                size: new.ss_size.0,
                flags: new.ss_flags as u32 & SS_AUTODISARM,
            }
        };
    }
    if call.arg(1) != 0 {
        call.write_struct(call.arg(1), &stack_struct(&old, on_it))?;
    }
    Ok(0)
}

/// The structure that shows an alternate stack.
pub fn stack_struct(stack: &AltStack, on_it: bool) -> Stack {
    let mode = match (stack.size, on_it) {
        (0, _) => SS_DISABLE,
        (_, true) => SS_ONSTACK,
        _ => 0,
    };
    Stack {
        ss_sp: crate::abi::Ulong(stack.sp),
        ss_flags: mode | stack.flags as i32,
        ss_size: crate::abi::Ulong(stack.size),
    }
}

/// The first word of the guest's mask.
fn old_word(call: &Call<'_>) -> u64 {
    let bytes = crate::os::sigset_to_guest(call.abi, call.thread.signal_mask());
    crate::abi::read_int(call.abi, Kind::Ulong, &bytes)
}

/// A set of which the guest gave the first word.
fn set_of_word(dialect: Dialect, word: u64) -> SigSet {
    crate::os::sigset_from_guest(dialect, &word.to_le_bytes()[..4])
}

fn change_old_mask(call: &mut Call<'_>) -> SysResult {
    let old = old_word(call);
    if call.arg(1) != 0 {
        let word = call.read_int(call.arg(1), Kind::Ulong)?;
        let set = set_of_word(call.abi.dialect, word);
        let how = call.host_flags(0);
        if how == 2 {
            // Signals past the first word keep their state.
            let all = set_of_word(call.abi.dialect, !0);
            let rest = call.thread.signal_mask().without(all);
            apply_mask(call, 2, rest.union(set))?;
        } else {
            apply_mask(call, how, set)?;
        }
    }
    if call.arg(2) != 0 {
        call.write_int(call.arg(2), Kind::Ulong, old)?;
    }
    Ok(0)
}

fn set_old_mask(call: &mut Call<'_>) -> SysResult {
    let old = old_word(call);
    let set = set_of_word(call.abi.dialect, call.arg(0));
    apply_mask(call, 2, set)?;
    Ok(old)
}

fn old_pending(call: &mut Call<'_>) -> SysResult {
    let set = pending_set(call)?;
    let bytes = crate::os::sigset_to_guest(call.abi, set);
    let word = crate::abi::read_int(call.abi, Kind::Ulong, &bytes);
    call.write_int(call.arg(0), Kind::Ulong, word)?;
    Ok(0)
}

fn old_suspend(call: &mut Call<'_>) -> SysResult {
    let word = call.read_int(call.arg(0), Kind::Ulong)?;
    let mask = set_of_word(call.abi.dialect, word);
    suspend_with(call, mask)
}
