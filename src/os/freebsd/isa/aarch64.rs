//! FreeBSD on AArch64 (`sys/arm64/include/{frame,ucontext}.h`, `sys/arm64/arm64/{exec_machdep,trap,locore}`).

use super::{CallResult, FreeBsdIsa};
use crate::abi::{Abi, Dialect, Endian, Errno, Kind, OsAbi, Show, read_int};
use crate::ir::{CpuState, MemFault};
use crate::isa::Isa;
use crate::isa::aarch64::{features, regs};
use crate::os::freebsd::siginfo;
use crate::os::sigset_to_guest;
use crate::process::{self, Action, Machine, SigInfo, Signal, Thread};

/// FreeBSD on little-endian AArch64.
pub static AARCH64: FreeBsdIsa = FreeBsdIsa {
    name: "aarch64",
    machine: "arm64",
    machine_arch: "aarch64",
    abi: ABI,
    describe: || {
        let (hwcap, hwcap2) = features::hwcaps();
        Machine {
            hwcap,
            hwcap2,
            task_size: 1 << 48,
            top_byte_ignored: true,
            ..Machine::default()
        }
    },
    start: |cpu, sp, entry, _| {
        cpu.write64(regs::x(0), sp);
        cpu.write64(regs::SP, sp & !15);
        cpu.write64(regs::x(30), entry);
        cpu.pc = entry;
    },
    read_syscall,
    set_result,
    has_break: false,
    fork_result: CallResult::Value(0),
    sp: |cpu| cpu.read64(regs::SP),
    enter_thread: |cpu, function, argument, stack_end, tls| {
        cpu.pc = function;
        cpu.write64(regs::x(0), argument);
        cpu.write64(regs::SP, stack_end & !15);
        cpu.write64(regs::TPIDR, tls);
    },
    // The kernel's own instructions, by which debuggers know the frame: mov x0, sp; add x0, x0, #SF_UC; mov x8, #SYS_sigreturn;
    // svc #0; mov x8, #SYS_exit; svc #0
    sigcode: &[
        0x9100_03e0,
        0x9101_4000,
        0xd280_3428,
        0xd400_0001,
        0xd280_0028,
        0xd400_0001,
    ],
    min_signal_stack: 4096,
    trap_signal: Signal::SIGTRAP,
    push_frame,
    context_size: UC_SIZE,
    load_context,
    context,
    // arm64/sysarch.h: no operation is there but ARM64_GUARD_PAGE.
    sysarch: |_| Err(Errno::EINVAL),
};

const ABI: OsAbi = OsAbi {
    abi: Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    },
    dialect: Dialect::FreeBsd,
};

/// Calls whose number is their first argument.
const SYS_SYSCALL: u64 = 0;
const SYS___SYSCALL: u64 = 198;

fn read_syscall(thread: &mut Thread) -> process::Syscall {
    let cpu = &thread.cpu;
    let mut number = cpu.read64(regs::x(8)) & 0xffff_ffff;
    let mut first = 0;
    if matches!(number, SYS_SYSCALL | SYS___SYSCALL) {
        number = cpu.read64(regs::x(0)) & 0xffff_ffff;
        first = 1;
    }
    let mut args = [0; 8];
    for (n, arg) in args.iter_mut().enumerate().take(8 - first) {
        *arg = cpu.read64(regs::x((n + first) as u32));
    }
    process::Syscall {
        number,
        args,
        pc: cpu.pc.wrapping_sub(4),
    }
}

/// PSTATE.C
const CARRY: u32 = 1 << 29;

fn set_result(cpu: &mut CpuState, result: CallResult) {
    let flags = cpu.nzcv();
    let (first, second) = match result {
        CallResult::Value(value) | CallResult::Wide(value) => (value, 0),
        CallResult::Pair(first, second) => (first, second),
        CallResult::Error(error) => {
            cpu.write64(regs::x(0), error.into());
            cpu.set_nzcv(flags | CARRY);
            return;
        }
    };
    cpu.write64(regs::x(0), first);
    cpu.write64(regs::x(1), second);
    cpu.set_nzcv(flags & !CARRY);
}

// struct sigframe: siginfo_t, ucontext_t.
const UC: usize = 80;
const FRAME_SIZE: u64 = (UC + UC_SIZE) as u64;

// ucontext_t: sigset_t, mcontext_t, uc_link, uc_stack, uc_flags, spare words.
const UC_SIZE: usize = 960;
const SIGMASK_SIZE: usize = 16;
const MC: usize = SIGMASK_SIZE;
const LR: usize = MC + 240;
const SP: usize = MC + 248;
const ELR: usize = MC + 256;
const SPSR: usize = MC + 264;
const Q: usize = MC + 272;
const FPSR: usize = MC + 784;
const FPCR: usize = MC + 788;
const MC_FLAGS: usize = MC + 792;
const UC_STACK: usize = 904;
/// mc_flags: the floating-point registers are there.
const MC_FP_VALID: u32 = 1;
const SS_ONSTACK: u32 = 1;
const SS_DISABLE: u32 = 4;

fn put(out: &mut [u8], at: usize, value: u64) {
    out[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn put32(out: &mut [u8], at: usize, value: u32) {
    out[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get(bytes: &[u8], at: usize) -> u64 {
    read_int(ABI, Kind::U64, &bytes[at..])
}

fn get32(bytes: &[u8], at: usize) -> u32 {
    get(bytes, at) as u32
}

fn context(thread: &mut Thread, returned: bool) -> Vec<u8> {
    let process = thread.process.clone();
    process.isa.sync_registers(&mut thread.cpu);
    let mut uc = vec![0; UC_SIZE];
    uc[..SIGMASK_SIZE].copy_from_slice(&sigset_to_guest(ABI, thread.signal_mask()));
    let cpu = &thread.cpu;
    let sp = cpu.read64(regs::SP);
    for n in 0..30 {
        put(&mut uc, MC + 8 * n, cpu.read64(regs::x(n as u32)));
    }
    put(&mut uc, LR, cpu.read64(regs::x(30)));
    put(&mut uc, SP, sp);
    put(&mut uc, ELR, cpu.pc);
    put32(&mut uc, SPSR, cpu.nzcv());
    if returned {
        put(&mut uc, MC, 0);
        put(&mut uc, MC + 8, 0);
        put32(&mut uc, SPSR, cpu.nzcv() & !CARRY);
    }
    for n in 0..32 {
        let v = cpu.read(regs::v(n as u32), 16).to_le_bytes();
        uc[Q + 16 * n..Q + 16 * n + 16].copy_from_slice(&v);
    }
    put32(&mut uc, FPSR, cpu.read32(regs::FPSR));
    put32(&mut uc, FPCR, cpu.read32(regs::FPCR));
    put32(&mut uc, MC_FLAGS, MC_FP_VALID);
    let alt = thread.altstack;
    put(&mut uc, UC_STACK, alt.sp);
    put(&mut uc, UC_STACK + 8, alt.size);
    let state = match (alt.size, alt.contains(sp)) {
        (0, _) => SS_DISABLE,
        (_, true) => SS_ONSTACK,
        _ => 0,
    };
    put32(&mut uc, UC_STACK + 16, state);
    uc
}

fn push_frame(
    thread: &mut Thread,
    info: &SigInfo,
    action: &Action,
    sigcode: u64,
) -> Result<(), MemFault> {
    let uc = context(thread, false);
    let sp = thread.cpu.read64(regs::SP);
    let frame = (thread.altstack.frame_top(action, sp) - FRAME_SIZE) & !15;
    let mut bytes = siginfo::to_guest(ABI, info);
    bytes.extend(&uc);
    thread.process.mem.write(frame, &bytes)?;
    let signal = Show::Signal.convert(info.signal.0.into(), OsAbi::HOST, ABI);
    let cpu = &mut thread.cpu;
    cpu.write64(regs::x(0), signal);
    cpu.write64(regs::x(1), frame);
    cpu.write64(regs::x(2), frame + UC as u64);
    cpu.write64(regs::SP, frame);
    cpu.write64(regs::x(30), sigcode);
    cpu.pc = action.handler;
    Ok(())
}

fn load_context(isa: &dyn Isa, cpu: &mut CpuState, uc: &[u8]) {
    isa.sync_registers(cpu);
    for n in 0..30 {
        cpu.write64(regs::x(n as u32), get(uc, MC + 8 * n));
    }
    cpu.write64(regs::x(30), get(uc, LR));
    cpu.write64(regs::SP, get(uc, SP));
    cpu.pc = get(uc, ELR);
    cpu.set_nzcv(get32(uc, SPSR));
    if get32(uc, MC_FLAGS) & MC_FP_VALID != 0 {
        for n in 0..32 {
            let mut v = [0; 16];
            v.copy_from_slice(&uc[Q + 16 * n..Q + 16 * n + 16]);
            cpu.write(regs::v(n as u32), 16, u128::from_le_bytes(v));
        }
        cpu.write32(regs::FPSR, get32(uc, FPSR));
        cpu.write32(regs::FPCR, get32(uc, FPCR));
    }
    isa.sync_derived(cpu);
}
