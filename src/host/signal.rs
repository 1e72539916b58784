//! Signals of the host: the one handler, each guest thread's slot, masks, and interruptible system calls.

use super::fault;
use super::handover::Borrower;
use super::syscall::{decode, syscall};
use crate::abi::{Errno, Signal, SysResult};
use crate::ir::{CpuState, pending};
use std::arch::global_asm;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// `siginfo_t` as the kernel fills it (128 bytes, `asm-generic/siginfo.h`).
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct RawInfo(pub [u8; 128]);

impl RawInfo {
    /// That of a signal which a process has sent, or which tells of one (`asm-generic/siginfo.h`, 64-bit layout): `value` is what it
    /// was sent with, or the status of the process.
    pub fn new(signal: Signal, errno: i32, code: i32, pid: i32, uid: u32, value: u64) -> RawInfo {
        let mut raw = RawInfo([0; 128]);
        let mut put = |at: usize, bytes: &[u8]| raw.0[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, &u32::from(signal.0).to_le_bytes());
        put(4, &errno.to_le_bytes());
        put(8, &code.to_le_bytes());
        put(16, &pid.to_le_bytes());
        put(20, &uid.to_le_bytes());
        put(24, &value.to_le_bytes());
        raw
    }

    /// That of SIGCHLD (`CLD_*`) about a process, with its exit status or a signal.
    pub fn of_child(pid: i32, code: i32, status: i32) -> RawInfo {
        let uid = super::ids().uid;
        RawInfo::new(Signal::SIGCHLD, 0, code, pid, uid, u64::from(status as u32))
    }

    /// The signed 32-bit field at that offset.
    pub fn i32(&self, offset: usize) -> i32 {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&self.0[offset..offset + 4]);
        i32::from_le_bytes(bytes)
    }

    /// The 64-bit field at that offset.
    pub fn u64(&self, offset: usize) -> u64 {
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&self.0[offset..offset + 8]);
        u64::from_le_bytes(bytes)
    }
}

/// Signals that have been taken from the kernel for a guest thread and wait for its next poll.
///
/// The handler leaves everything but SIGSEGV and SIGBUS blocked, so there are at most three: one of any kind, then one of each
/// of these two when somebody sends them; and one that [`end_by`] has kept open.
pub struct Slot {
    cpu: Borrower<CpuState>,
    taken: [Entry; 4],
}

struct Entry {
    full: AtomicBool,
    info: UnsafeCell<RawInfo>,
}

// SAFETY: written by the handler, which runs on the thread that owns the slot, and read by that thread with the entry full,
// when the handler does not write it. `cpu` is used for its atomic only.
unsafe impl Sync for Slot {}
// SAFETY: as for Sync.
unsafe impl Send for Slot {}

thread_local! {
    /// The slot of this thread; null for threads that run no guest. Const and without a destructor, so that the handler may
    /// read it at any time.
    static SLOT: Cell<*const Slot> = const { Cell::new(std::ptr::null()) };
}

/// What a fault handler of generated code may look at and change.
pub struct HostContext<'a> {
    regs: &'a mut [libc::greg_t; 23],
    /// SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGTRAP.
    pub signal: Signal,
    /// `si_code`.
    pub code: i32,
    /// Host address at fault; 0 for a non-canonical one.
    pub addr: u64,
    /// PC of the guest thread that was running, as far as its state has it.
    pub guest_pc: Option<u64>,
}

impl HostContext<'_> {
    /// Where the fault happened.
    pub fn pc(&self) -> u64 {
        self.regs[libc::REG_RIP as usize] as u64
    }

    /// Where to go on.
    pub fn set_pc(&mut self, pc: u64) {
        self.regs[libc::REG_RIP as usize] = pc as i64;
    }

    /// A general register by its x86-64 encoding: 0 rax, 1 rcx, 2 rdx, 3 rbx, 4 rsp, 5 rbp, 6 rsi, 7 rdi, 8 to 15.
    pub fn reg(&self, number: usize) -> u64 {
        self.regs[GREG[number] as usize] as u64
    }

    /// Sets a general register.
    pub fn set_reg(&mut self, number: usize, value: u64) {
        self.regs[GREG[number] as usize] = value as i64;
    }

    /// EFLAGS.
    pub fn flags(&self) -> u64 {
        self.regs[libc::REG_EFL as usize] as u64
    }

    /// Whether the access was a write (page fault error code, bit 1).
    pub fn is_write(&self) -> bool {
        self.regs[libc::REG_ERR as usize] & 2 != 0
    }
}

/// Positions in `gregs` by encoding.
const GREG: [libc::c_int; 16] = [
    libc::REG_RAX,
    libc::REG_RCX,
    libc::REG_RDX,
    libc::REG_RBX,
    libc::REG_RSP,
    libc::REG_RBP,
    libc::REG_RSI,
    libc::REG_RDI,
    libc::REG_R8,
    libc::REG_R9,
    libc::REG_R10,
    libc::REG_R11,
    libc::REG_R12,
    libc::REG_R13,
    libc::REG_R14,
    libc::REG_R15,
];

/// Looks at a synchronous fault of the host; returns whether it was one of generated code, which then goes on at the context's
/// PC. Called in a signal handler: takes no lock and allocates nothing.
pub type Recover = fn(&mut HostContext<'_>) -> bool;

/// Reports a fault of the emulator itself; called in the signal handler, once.
pub type Crash = fn(&HostContext<'_>);

static RECOVER: AtomicUsize = AtomicUsize::new(0);
static CRASH: AtomicUsize = AtomicUsize::new(0);
static CRASHING: AtomicBool = AtomicBool::new(false);

/// Signals that end the process when they come (bit n - 1 is signal n), see [`end_by`].
static ENDING: AtomicU64 = AtomicU64::new(0);

/// Says which signals end the process at once (bit n - 1 is signal n): for a time in which no guest thread runs that could take
/// them, and which may be long.
pub fn end_by(signals: u64) {
    ENDING.store(signals, Ordering::Release);
}

/// Sets who recovers faults of generated code.
pub fn set_recover(recover: Recover) {
    RECOVER.store(recover as usize, Ordering::Release);
}

/// Sets who reports faults of the emulator.
pub fn set_crash(crash: Crash) {
    CRASH.store(crash as usize, Ordering::Release);
}

// A system call with a known window: up to and including the `syscall` instruction, a signal has either not been seen yet by
// the test, or interrupted a call that the kernel is ready to restart (it puts the program counter back on the instruction).
// In both cases the handler sends the thread to the way out. (number, args, pending)
global_asm!(
    ".pushsection .text.emu_syscall,\"ax\",@progbits",
    ".globl emu_syscall, emu_syscall_window, emu_syscall_done, emu_syscall_out",
    "emu_syscall:",
    "mov r11, rdx",
    "mov rax, rdi",
    "mov r10, rsi",
    "mov rdi, [r10]",
    "mov rsi, [r10 + 8]",
    "mov rdx, [r10 + 16]",
    "mov r8, [r10 + 32]",
    "mov r9, [r10 + 40]",
    "mov r10, [r10 + 24]",
    "emu_syscall_window:",
    "test dword ptr [r11], {signal}",
    "jnz emu_syscall_out",
    "syscall",
    "emu_syscall_done: ret",
    "emu_syscall_out: mov rax, -512",
    "ret",
    // The kernel wants handlers on x86-64 to bring their own way back.
    ".globl emu_restorer",
    "emu_restorer: mov eax, 15",
    "syscall",
    ".popsection",
    signal = const pending::SIGNAL,
);

unsafe extern "sysv64" {
    static emu_syscall_window: u8;
    static emu_syscall_done: u8;
    static emu_syscall_out: u8;
    static emu_restorer: u8;
    fn emu_syscall(number: i64, args: *const [u64; 6], pending: *const u32) -> i64;
}

/// The kernel's "restart this call" (ERESTARTSYS), which [`interruptible`] gives for a call that did nothing.
const RESTART: i64 = -512;

/// Makes a host system call that a signal for this thread interrupts, also one that was taken just before: such a call, and one
/// that the kernel would restart, fails with errno 512. Arguments as for [`syscall`].
pub fn interruptible(slot: &Slot, number: i64, args: [u64; 6]) -> SysResult {
    let pending = slot.cpu.pending().as_ptr();
    // SAFETY: the routine keeps to the calling convention; `args` and the flag outlive the call.
    match unsafe { emu_syscall(number, &args, pending) } {
        RESTART => Err(Errno(512)),
        result => decode(result),
    }
}

/// `si_code` of [`kick`]: negative, so that the kernel lets a process send it to itself, and one that nobody else uses.
const KICK: i32 = -0x656d;

/// Makes the blocking system call of a thread of this process return. Sent as SIGBUS, which is never blocked.
pub fn kick(tid: i32) {
    let mut info = RawInfo([0; 128]);
    info.0[..4].copy_from_slice(&libc::SIGBUS.to_le_bytes());
    info.0[8..12].copy_from_slice(&KICK.to_le_bytes());
    let target = [
        super::pid() as u64,
        tid as u64,
        libc::SIGBUS as u64,
        &raw const info as u64,
        0,
        0,
    ];
    // Fails only if the thread has just ended.
    let _ = syscall(libc::SYS_rt_tgsigqueueinfo, target);
}

/// `si_code` of [`ring`].
const RING: i32 = -0x656f;

/// Somebody has rung since [`take_ring`].
static RUNG: AtomicBool = AtomicBool::new(false);

/// Asks another process that runs a guest to look for news ([`take_ring`]): one of its guest threads leaves what it is doing for
/// that. Sent as SIGBUS, which such a process never blocks; any other one would be ended by it.
///
/// # Errors
/// The host's: ESRCH, EPERM.
pub fn ring(pid: i32) -> SysResult<()> {
    send_ring(libc::SYS_rt_sigqueueinfo, &[pid as u64])
}

fn send_ring(number: i64, target: &[u64]) -> SysResult<()> {
    let mut info = RawInfo([0; 128]);
    info.0[..4].copy_from_slice(&libc::SIGBUS.to_le_bytes());
    info.0[8..12].copy_from_slice(&RING.to_le_bytes());
    let mut args = [0; 6];
    args[..target.len()].copy_from_slice(target);
    args[target.len()] = libc::SIGBUS as u64;
    args[target.len() + 1] = &raw const info as u64;
    syscall(number, args).map(drop)
}

/// Whether somebody has rung since the last time.
pub fn take_ring() -> bool {
    RUNG.load(Ordering::Relaxed) && RUNG.swap(false, Ordering::SeqCst)
}

/// A thread is rung for. One that runs no guest hands it on to the main thread.
fn answer_ring(context: &mut libc::ucontext_t) {
    // SAFETY: null, or set by this thread to a slot that outlives its time as a guest thread.
    match unsafe { SLOT.get().as_ref() } {
        Some(slot) => {
            RUNG.store(true, Ordering::SeqCst);
            slot.cpu
                .pending()
                .fetch_or(pending::SIGNAL, Ordering::SeqCst);
            leave_window(context);
        }
        None => {
            let pid = super::pid() as u64;
            // Whoever rings does so until he is heard.
            if super::tid() as u64 != pid {
                let _ = send_ring(libc::SYS_rt_tgsigqueueinfo, &[pid, pid]);
            }
        }
    }
}

/// Signals that the CPU raises on its own. SIGSEGV and SIGBUS are never blocked (see `process`).
fn is_fault(signal: Signal) -> bool {
    matches!(
        signal,
        Signal::SIGSEGV | Signal::SIGBUS | Signal::SIGFPE | Signal::SIGILL | Signal::SIGTRAP
    )
}

/// Mask of all signals but SIGSEGV and SIGBUS.
const ALL_BUT_FAULTS: u64 = !(1 << (libc::SIGSEGV - 1) | 1 << (libc::SIGBUS - 1));

extern "C" fn handle(number: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel gives both, valid until the handler returns, and nobody else's.
    let (info, context) = unsafe {
        (
            *info.cast::<RawInfo>(),
            &mut *context.cast::<libc::ucontext_t>(),
        )
    };
    let signal = Signal(number as u8);
    let code = info.i32(8);
    if is_fault(signal) && code > 0 {
        synchronous(signal, &info, context);
        return;
    }
    match code {
        KICK => return leave_window(context),
        RING => return answer_ring(context),
        _ => {}
    }
    let ending = ENDING.load(Ordering::Acquire);
    if ending & 1u64.unbounded_shl(u32::from(signal.0) - 1) != 0 {
        die(signal);
    }
    let slot = SLOT.get();
    if slot.is_null() {
        // Threads of the emulator's own block all signals; one that comes before they do is for the process, and lost only if
        // no guest thread exists.
        return;
    }
    // SAFETY: set by this thread to a slot that outlives its time as a guest thread.
    let slot = unsafe { &*slot };
    if let Some(entry) = slot.taken.iter().find(|e| !e.full.load(Ordering::Relaxed)) {
        // SAFETY: not full, so the thread does not read it; see `Slot`.
        unsafe { *entry.info.get() = info };
        entry.full.store(true, Ordering::Release);
    }
    slot.cpu
        .pending()
        .fetch_or(pending::SIGNAL, Ordering::SeqCst);
    leave_window(context);
    // No other signal until the run loop has dealt with this one. The kernel's sigset_t is the first 8 bytes.
    // SAFETY: `uc_sigmask` is at least 8 bytes of plain data.
    unsafe { *(&raw mut context.uc_sigmask).cast::<u64>() = ALL_BUT_FAULTS & !ending };
}

/// Sends a thread that is about to make its system call, or whose call the kernel would restart, to the way out.
fn leave_window(context: &mut libc::ucontext_t) {
    let pc = &mut context.uc_mcontext.gregs[libc::REG_RIP as usize];
    let window = &raw const emu_syscall_window as i64..&raw const emu_syscall_done as i64;
    if window.contains(pc) {
        *pc = &raw const emu_syscall_out as i64;
    }
}

fn synchronous(signal: Signal, info: &RawInfo, context: &mut libc::ucontext_t) {
    let addr = info.u64(16);
    let code = info.i32(8);
    let regs = &mut context.uc_mcontext.gregs;
    let pc = regs[libc::REG_RIP as usize] as u64;
    let bus = signal == Signal::SIGBUS;
    if let Some((out, rax, rdx)) = fault::resume(pc, addr, code, bus) {
        regs[libc::REG_RIP as usize] = out as i64;
        regs[libc::REG_RAX as usize] = rax as i64;
        regs[libc::REG_RDX as usize] = rdx as i64;
        return;
    }
    let mut cx = HostContext {
        regs,
        signal,
        code,
        addr,
        // SAFETY: null, or set by this thread to a slot that outlives its time as a guest thread.
        guest_pc: unsafe { SLOT.get().as_ref() }.map(|slot| slot.cpu.pc_hint()),
    };
    let recover = RECOVER.load(Ordering::Acquire);
    if recover != 0 {
        // SAFETY: stored from a `Recover` only.
        let recover: Recover = unsafe { std::mem::transmute(recover) };
        if recover(&mut cx) {
            return;
        }
    }
    // A bug of the emulator. Report once, then fault again with the default action, so that the host's tools see it.
    if !CRASHING.swap(true, Ordering::SeqCst) {
        let crash = CRASH.load(Ordering::Acquire);
        if crash != 0 {
            // SAFETY: stored from a `Crash` only.
            let crash: Crash = unsafe { std::mem::transmute(crash) };
            crash(&cx);
        }
    }
    let _ = set_action(signal, Disposition::Default);
}

/// The signal for which glibc sets a handler of its own when the first thread is created (SIGSETXID, by which setuid reaches every
/// thread). The emulator makes such calls itself, so the signal is the guest's.
pub const TAKEN_BY_LIBC: Signal = Signal(33);

/// What the host does with a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// SIG_DFL.
    Default,
    /// SIG_IGN.
    Ignore,
    /// Taken for the guest.
    Handle,
}

/// `struct sigaction` of the kernel (`asm/signal.h`): libc's own refuses the signals that it keeps for itself.
#[repr(C)]
#[derive(Default)]
struct KernelAction {
    handler: u64,
    flags: u64,
    restorer: u64,
    mask: u64,
}

/// SA_NOCLDSTOP and SA_NOCLDWAIT change what the kernel does, so they come along with [`set_action_flags`].
const SA_RESTORER: u64 = 0x0400_0000;

/// Sets what the host does with a signal.
///
/// # Errors
/// EINVAL for SIGKILL, SIGSTOP and numbers that the host does not have.
pub fn set_action(signal: Signal, disposition: Disposition) -> SysResult<()> {
    set_action_flags(signal, disposition, 0).map(drop)
}

/// What the host did with a signal before [`set_action_flags`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inherited {
    /// Ignored it: at the start, because whoever started the emulator did.
    Ignored,
    /// Anything else.
    Taken,
}

/// As [`set_action`], with SA_NOCLDSTOP or SA_NOCLDWAIT; returns what the host did before.
pub fn set_action_flags(
    signal: Signal,
    disposition: Disposition,
    flags: u64,
) -> SysResult<Inherited> {
    let action = match disposition {
        Disposition::Default => KernelAction {
            flags,
            ..KernelAction::default()
        },
        Disposition::Ignore => KernelAction {
            handler: 1,
            flags,
            ..KernelAction::default()
        },
        Disposition::Handle => KernelAction {
            handler: handle as *const () as u64,
            // SA_RESTART: a call that can be restarted then shows by the program counter being in the window.
            flags: flags
                | (libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART) as u64
                | SA_RESTORER,
            restorer: &raw const emu_restorer as u64,
            mask: ALL_BUT_FAULTS,
        },
    };
    let mut before = KernelAction::default();
    let pointers = [&raw const action as u64, &raw mut before as u64];
    syscall(
        libc::SYS_rt_sigaction,
        [u64::from(signal.0), pointers[0], pointers[1], 8, 0, 0],
    )?;
    // The emulator's own start ignores SIGPIPE.
    let ignored = match signal {
        Signal::SIGPIPE => super::start::sigpipe_was_ignored(),
        _ => before.handler == 1,
    };
    Ok(if ignored {
        Inherited::Ignored
    } else {
        Inherited::Taken
    })
}

/// Sets the calling thread's mask (bit n - 1 is signal n); returns the old one.
pub fn set_mask(mask: u64) -> u64 {
    change_mask(libc::SIG_SETMASK, mask)
}

/// Blocks these signals, too, in the calling thread; returns the old mask.
pub fn block(mask: u64) -> u64 {
    change_mask(libc::SIG_BLOCK, mask)
}

/// The kernel's call: the C library's lets nobody block the two signals that it uses itself, 32 and 33.
fn change_mask(how: i32, mask: u64) -> u64 {
    let mut old = 0u64;
    let args = [
        how as u64,
        &raw const mask as u64,
        &raw mut old as u64,
        8,
        0,
        0,
    ];
    // Cannot fail: the arguments are right.
    let _ = syscall(libc::SYS_rt_sigprocmask, args);
    old
}

/// Blocks every signal but synchronous faults in the calling thread; returns the old mask. For threads that run no guest, and
/// around the start of one that does.
pub fn block_all() -> u64 {
    set_mask(ALL_BUT_FAULTS)
}

/// Has this process do nothing when one of these signals comes, while programs that it starts find them as it did. For a process
/// that runs no guest.
pub fn pay_no_heed(signals: &[Signal]) -> Unheeded {
    extern "C" fn nothing(_: i32) {}
    let action = KernelAction {
        handler: nothing as *const () as u64,
        flags: libc::SA_RESTART as u64 | SA_RESTORER,
        restorer: &raw const emu_restorer as u64,
        ..KernelAction::default()
    };
    let heeded = signals.iter().copied().filter(|signal| {
        // What is ignored stays so.
        kernel_action(*signal, None).handler != libc::SIG_IGN as u64
    });
    let before: Vec<_> = heeded
        .map(|signal| (signal, kernel_action(signal, Some(&action))))
        .collect();
    Unheeded(before)
}

/// Signals that this process does nothing about, until it is told to heed them again.
#[must_use = "or say that they are never heeded again"]
pub struct Unheeded(Vec<(Signal, KernelAction)>);

impl Unheeded {
    /// Lets them do what they did.
    pub fn heed(self) {
        for (signal, action) in self.0 {
            kernel_action(signal, Some(&action));
        }
    }
}

/// What is done with a signal, after which it is what `new` says.
fn kernel_action(signal: Signal, new: Option<&KernelAction>) -> KernelAction {
    let mut before = KernelAction::default();
    let new = new.map_or(0, |new| std::ptr::from_ref(new) as u64);
    let args = [u64::from(signal.0), new, &raw mut before as u64, 8, 0, 0];
    // Cannot fail: the arguments are right.
    let _ = syscall(libc::SYS_rt_sigaction, args);
    before
}

impl Slot {
    /// The slot of a thread with these registers.
    pub fn new(cpu: Borrower<CpuState>) -> Slot {
        Slot {
            cpu,
            taken: [const {
                Entry {
                    full: AtomicBool::new(false),
                    info: UnsafeCell::new(RawInfo([0; 128])),
                }
            }; 4],
        }
    }

    /// Makes this the slot of the calling thread and gives its handlers a stack, both for the rest of the thread's life.
    /// Call with signals blocked.
    pub fn install(&'static self) {
        SLOT.set(self);
        install_stack();
    }

    /// Makes this the slot of the calling thread for a time: in the child of a vfork, which shares the thread's memory and handler
    /// stack with it, and in the parent after that. Call with signals blocked.
    pub fn take_over(&self) {
        SLOT.set(self);
    }

    /// Takes a signal out, oldest first.
    pub fn take(&self) -> Option<RawInfo> {
        let entry = self.taken.iter().find(|e| e.full.load(Ordering::Acquire))?;
        // SAFETY: full, so the handler does not write it.
        let info = unsafe { *entry.info.get() };
        entry.full.store(false, Ordering::Release);
        Some(info)
    }

    /// Whether a signal waits.
    pub fn is_empty(&self) -> bool {
        !self.taken.iter().any(|e| e.full.load(Ordering::Acquire))
    }
}

/// Bytes for handlers: the kernel's frame with AVX-512 state is under 4 KiB, the crash report takes the rest.
const STACK: usize = 64 * 1024;

/// An alternate stack for the calling thread's handlers. Rust's own is for its overflow message only, and smaller.
fn install_stack() {
    let Ok(base) = super::map::reserve(None, STACK as u64) else {
        return;
    };
    if super::map::protect(base, STACK as u64, libc::PROT_READ | libc::PROT_WRITE).is_err() {
        return;
    }
    let stack = libc::stack_t {
        ss_sp: base as *mut _,
        ss_flags: 0,
        ss_size: STACK,
    };
    // SAFETY: the memory is ours and stays. Without it (no memory) handlers run on the thread's stack, which works too.
    unsafe { libc::sigaltstack(&stack, std::ptr::null_mut()) };
}

/// Frees the calling thread's handler stack; no signal may come afterwards.
pub fn release_stack() {
    SLOT.set(std::ptr::null());
    let mut old = libc::stack_t {
        ss_sp: std::ptr::null_mut(),
        ss_flags: 0,
        ss_size: 0,
    };
    let off = libc::stack_t {
        ss_sp: std::ptr::null_mut(),
        ss_flags: libc::SS_DISABLE,
        ss_size: 0,
    };
    // SAFETY: both structures are valid.
    unsafe { libc::sigaltstack(&off, &mut old) };
    if old.ss_size == STACK {
        super::map::release(old.ss_sp as u64, STACK as u64);
    }
}

/// Ends the process by `signal` as if nobody had handled it, without a core of the emulator.
pub fn die(signal: Signal) -> ! {
    super::child::forbid_core();
    let _ = set_action(signal, Disposition::Default);
    set_mask(!(1u64.unbounded_shl(u32::from(signal.0).wrapping_sub(1))));
    let target = [
        super::pid() as u64,
        super::tid() as u64,
        u64::from(signal.0),
        0,
        0,
        0,
    ];
    let _ = syscall(libc::SYS_tgkill, target);
    // Only signals that the host lacks get here; a shell would show the same number.
    exit_process(128 + i32::from(signal.0))
}

/// Ends the process (`exit_group`), without destructors or libc's exit handlers.
pub fn exit_process(status: i32) -> ! {
    loop {
        let _ = syscall(libc::SYS_exit_group, [status as u64, 0, 0, 0, 0, 0]);
    }
}

/// Ends the calling thread only, without destructors: for the main thread, whose return would end the process.
pub fn exit_thread(status: i32) -> ! {
    loop {
        let _ = syscall(libc::SYS_exit, [status as u64, 0, 0, 0, 0, 0]);
    }
}
