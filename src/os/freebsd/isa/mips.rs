//! FreeBSD on 32-bit MIPS (o32): `sys/mips/include/{sigframe,ucontext,sysarch,tls}.h`, `sys/mips/mips/{trap,vm_machdep,pm_machdep}.c`
//! of 13.2, the last release for it (as facts).

use super::{CallResult, FreeBsdIsa};
use crate::abi::{Abi, Dialect, Endian, Errno, Kind, OsAbi, read_int, write_int};
use crate::ir::{CpuState, MemFault};
use crate::isa::Isa;
use crate::isa::mips::regs::o32::*;
use crate::isa::mips::{mode, regs};
use crate::mem::Prot;
use crate::os::freebsd::siginfo;
use crate::os::{Call, sigset_to_guest};
use crate::process::{self, Action, Machine, SigFields, SigInfo, Signal, Thread, sa};

/// FreeBSD on big-endian MIPS.
pub static MIPS: FreeBsdIsa = freebsd("mips", "mips", Endian::Big);

/// FreeBSD on little-endian MIPS.
pub static MIPSEL: FreeBsdIsa = freebsd("mipsel", "mipsel", Endian::Little);

const fn abi(endian: Endian) -> OsAbi {
    OsAbi {
        abi: Abi::o32(endian),
        dialect: Dialect::FreeBsd,
    }
}

const fn freebsd(name: &'static str, machine_arch: &'static str, endian: Endian) -> FreeBsdIsa {
    FreeBsdIsa {
        name,
        machine: "mips",
        machine_arch,
        abi: abi(endian),
        describe: || Machine {
            // VM_MAXUSER_ADDRESS
            task_size: 0x7fff_f000,
            // The signal code is there, and GCC's nested functions.
            stack_prot: Some(Prot(Prot::RW.0 | Prot::EXEC.0)),
            stack_code: 4 * SIGCODE.len() as u64,
            ..Machine::default()
        },
        start: |cpu, sp, entry, ps_strings| {
            put(cpu, SP, sp & !7);
            put(cpu, A0, sp);
            put(cpu, A3, ps_strings);
            put(cpu, T9, entry);
            cpu.pc = entry;
        },
        read_syscall,
        set_result: match endian {
            Endian::Big => |cpu, result| set_result(cpu, result, true),
            Endian::Little => |cpu, result| set_result(cpu, result, false),
        },
        has_break: true,
        fork_result: CallResult::Pair(0, 1),
        sp: |cpu| get(cpu, SP),
        enter_thread: |cpu, function, argument, stack_end, tls| {
            // CALLFRAME_SIZ: room for four arguments, and padding.
            put(cpu, SP, (stack_end & !7).wrapping_sub(24));
            put(cpu, A0, argument);
            put(cpu, T9, function);
            cpu.pc = function;
            set_tls(cpu, tls);
        },
        sigcode: SIGCODE,
        min_signal_stack: 2048,
        trap_signal: Signal::SIGEMT,
        push_frame,
        context_size: UC_SIZE,
        load_context,
        context: |thread, returned| context(thread, returned).0,
        sysarch,
    }
}

/// addiu a0, sp, SIGF_UC; li v0, SYS_sigreturn; syscall; break 0
const SIGCODE: &[u32] = &[0x27a4_0010, 0x2402_01a1, 0x0000_000c, 0x0000_000d];

fn get(cpu: &CpuState, n: u32) -> u64 {
    cpu.read32(regs::gpr(n)).into()
}

fn put(cpu: &mut CpuState, n: u32, value: u64) {
    cpu.write32(regs::gpr(n), value as u32);
}

/// What `rdhwr $29` reads lies behind the base that the kernel keeps: TLS_TP_OFFSET and the size of the thread control block.
const TP_OFFSET: u32 = 0x7000 + 8;

fn set_tls(cpu: &mut CpuState, base: u64) {
    cpu.write32(regs::ULR, (base as u32).wrapping_add(TP_OFFSET));
}

fn tls(cpu: &CpuState) -> u32 {
    cpu.read32(regs::ULR).wrapping_sub(TP_OFFSET)
}

fn abi_of(thread: &Thread) -> OsAbi {
    abi(thread.process.isa.abi().endian)
}

/// Calls whose number is their first argument: an `int`, or 64 bits that keep the alignment of the other arguments.
const SYS_SYSCALL: u64 = 0;
const SYS___SYSCALL: u64 = 198;

fn read_syscall(thread: &mut Thread) -> process::Syscall {
    let a = abi_of(thread);
    let registers: [u64; 4] = std::array::from_fn(|n| get(&thread.cpu, A0 + n as u32));
    let (number, taken) = match (get(&thread.cpu, V0), a.abi.endian) {
        (SYS_SYSCALL, _) => (registers[0], 1),
        (SYS___SYSCALL, Endian::Big) => (registers[1], 2),
        (SYS___SYSCALL, Endian::Little) => (registers[0], 2),
        (number, _) => (number, 0),
    };
    let in_registers = &registers[taken..];
    let mut args = [0; 8];
    args[..in_registers.len()].copy_from_slice(in_registers);
    // The others are on the stack, above room for four. Most calls have none, so it may be anything.
    let mut at = get(&thread.cpu, SP) + 16;
    for arg in &mut args[in_registers.len()..] {
        let word = thread.process.mem.load::<u32>(at, a.abi.endian);
        *arg = word.unwrap_or(0).into();
        at += 4;
    }
    process::Syscall {
        number,
        args,
        pc: thread.cpu.pc.wrapping_sub(4),
    }
}

fn set_result(cpu: &mut CpuState, result: CallResult, big: bool) {
    // The number is still there: callers of `__syscall` take the result for one of 64 bits, whose low word is v1 if big-endian.
    let low_is_second = big && get(cpu, V0) == SYS___SYSCALL;
    let (first, second) = match result {
        CallResult::Value(v) => (v, low_is_second.then_some(v)),
        CallResult::Wide(v) if big => (v >> 32, Some(v)),
        CallResult::Wide(v) => (v, Some(v >> 32)),
        CallResult::Pair(first, second) => (first, Some(second)),
        CallResult::Error(e) => (e.into(), low_is_second.then_some(e.into())),
    };
    put(cpu, V0, first);
    if let Some(second) = second {
        put(cpu, V1, second);
    }
    let failed = matches!(result, CallResult::Error(_));
    put(cpu, A3, failed.into());
}

// struct sigframe: four words for the arguments, ucontext_t, siginfo_t, two spare words.
const UC: usize = 16;
const SI: usize = UC + UC_SIZE;
const FRAME_SIZE: usize = SI + 64 + 8;

// ucontext_t: sigset_t, mcontext_t, uc_link, uc_stack, uc_flags, spare words.
const UC_SIZE: usize = 376;
const MC: usize = 16;
const MC_ONSTACK: usize = MC;
const MC_PC: usize = MC + 4;
const MC_REGS: usize = MC + 8;
const MC_SR: usize = MC + 136;
const MC_LO: usize = MC + 140;
const MC_HI: usize = MC + 144;
const MC_FPUSED: usize = MC + 148;
/// 32 registers of 32 bits, then FCSR.
const MC_FPREGS: usize = MC + 152;
const MC_TLS: usize = MC + 288;
const UC_STACK: usize = 344;
/// In the place of register 0 of a context that a signal saved.
const UCONTEXT_MAGIC: u64 = 0xaced_bade;
const SS_ONSTACK: u64 = 1;
const SS_DISABLE: u64 = 4;

/// The half of a 64-bit slot that holds FP register `n` of 32 bits: odd registers are upper halves. (With FR = 1, which FreeBSD's
/// o32 does not have, the upper halves of odd registers are not saved.)
fn fp_half(cpu: &CpuState, n: u32) -> crate::ir::Slot {
    if cpu.mode & mode::FR != 0 || n & 1 == 0 {
        regs::fpr(n)
    } else {
        regs::fpr(n - 1) + 4
    }
}

/// The context, and whether the thread is on its alternate stack.
fn context(thread: &mut Thread, returned: bool) -> (Vec<u8>, bool) {
    let process = thread.process.clone();
    process.isa.sync_registers(&mut thread.cpu);
    let a = abi_of(thread);
    let mut uc = vec![0; UC_SIZE];
    let mask = sigset_to_guest(a, thread.signal_mask());
    uc[..mask.len()].copy_from_slice(&mask);
    let cpu = &thread.cpu;
    let on_stack = thread.altstack.contains(get(cpu, SP));
    let mut put = |at: usize, v: u64| write_int(a, Kind::U32, &mut uc[at..], v);
    put(MC_ONSTACK, on_stack.into());
    put(MC_PC, cpu.pc);
    for n in 1..32 {
        let value = match n {
            V0 | V1 | A3 if returned => 0,
            n => get(cpu, n),
        };
        put(MC_REGS + 4 * n as usize, value);
    }
    put(MC_SR, cpu.read32(regs::STATUS).into());
    put(MC_LO, cpu.read32(regs::LO).into());
    put(MC_HI, cpu.read32(regs::HI).into());
    put(MC_FPUSED, 1);
    for n in 0..32 {
        let value = cpu.read32(fp_half(cpu, n));
        put(MC_FPREGS + 4 * n as usize, value.into());
    }
    put(MC_FPREGS + 128, cpu.read32(regs::FCSR).into());
    put(MC_TLS, tls(cpu).into());
    let alt = thread.altstack;
    put(UC_STACK, alt.sp);
    put(UC_STACK + 4, alt.size);
    let state = match (alt.size, on_stack) {
        (0, _) => SS_DISABLE,
        (_, true) => SS_ONSTACK,
        _ => 0,
    };
    put(UC_STACK + 8, state);
    (uc, on_stack)
}

fn push_frame(
    thread: &mut Thread,
    info: &SigInfo,
    action: &Action,
    sigcode: u64,
) -> Result<(), MemFault> {
    let a = abi_of(thread);
    let (mut uc, _) = context(thread, false);
    write_int(a, Kind::U32, &mut uc[MC_REGS..], UCONTEXT_MAGIC);
    let top = thread.altstack.frame_top(action, get(&thread.cpu, SP));
    let sp = top.wrapping_sub(FRAME_SIZE as u64) & 0xffff_fff8;
    let mut frame = vec![0; FRAME_SIZE];
    frame[UC..SI].copy_from_slice(&uc);
    let si = siginfo::to_guest(a, info);
    let with_info = action.flags & sa::SIGINFO != 0;
    if with_info {
        frame[SI..SI + si.len()].copy_from_slice(&si);
    }
    thread.process.mem.write(sp, &frame)?;
    let cpu = &mut thread.cpu;
    put(cpu, A0, info.signal.to_guest(a.dialect).into());
    put(cpu, A2, sp + UC as u64);
    if with_info {
        put(cpu, A1, sp + SI as u64);
    } else {
        // Handlers of the old kind: code and address.
        const SI_CODE: usize = 8;
        put(cpu, A1, read_int(a, Kind::U32, &si[SI_CODE..]));
        let addr = match info.fields {
            SigFields::Fault { addr } => addr,
            _ => 0,
        };
        put(cpu, A3, addr);
    }
    put(cpu, SP, sp);
    put(cpu, RA, sigcode);
    put(cpu, T9, action.handler);
    cpu.pc = action.handler;
    Ok(())
}

fn load_context(isa: &dyn Isa, cpu: &mut CpuState, uc: &[u8]) {
    let a = OsAbi {
        abi: isa.abi(),
        dialect: Dialect::FreeBsd,
    };
    let word = |at: usize| read_int(a, Kind::U32, &uc[at..]);
    isa.sync_registers(cpu);
    for n in 1..32 {
        put(cpu, n, word(MC_REGS + 4 * n as usize));
    }
    cpu.pc = word(MC_PC);
    cpu.write32(regs::LO, word(MC_LO) as u32);
    cpu.write32(regs::HI, word(MC_HI) as u32);
    if word(MC_FPUSED) != 0 {
        for n in 0..32 {
            let half = fp_half(cpu, n);
            cpu.write32(half, word(MC_FPREGS + 4 * n as usize) as u32);
        }
        cpu.write32(regs::FCSR, word(MC_FPREGS + 128) as u32);
    }
    set_tls(cpu, word(MC_TLS));
    isa.sync_derived(cpu);
}

/// `sysarch`: the thread pointer, by value and to memory.
fn sysarch(call: &mut Call<'_>) -> crate::abi::SysResult {
    const MIPS_SET_TLS: i32 = 1;
    const MIPS_GET_TLS: i32 = 2;
    let at = call.arg(1);
    match call.int(0) {
        MIPS_SET_TLS => set_tls(&mut call.thread.cpu, at),
        MIPS_GET_TLS => {
            let base = tls(&call.thread.cpu);
            call.write_int(at, Kind::Ulong, base.into())?;
        }
        _ => return Err(Errno::EINVAL),
    }
    Ok(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_where_o32_has_them() {
        let mut cpu = CpuState::new();
        let mut after = |number: u64, result: CallResult, big: bool| {
            put(&mut cpu, V0, number);
            put(&mut cpu, V1, 0x77);
            set_result(&mut cpu, result, big);
            [get(&cpu, V0), get(&cpu, V1), get(&cpu, A3)]
        };
        assert_eq!(after(3, CallResult::Value(5), true), [5, 0x77, 0]);
        assert_eq!(after(3, CallResult::Error(35), true), [35, 0x77, 1]);
        assert_eq!(after(2, CallResult::Pair(0, 1), true), [0, 1, 0]);
        let offset = 0x1_0000_0002;
        assert_eq!(after(478, CallResult::Wide(offset), true), [1, 2, 0]);
        assert_eq!(after(478, CallResult::Wide(offset), false), [2, 1, 0]);
        // Through `__syscall`.
        assert_eq!(after(198, CallResult::Value(5), true), [5, 5, 0]);
        assert_eq!(after(198, CallResult::Value(5), false), [5, 0x77, 0]);
        assert_eq!(after(198, CallResult::Error(2), true), [2, 2, 1]);
        assert_eq!(after(198, CallResult::Wide(offset), true), [1, 2, 0]);
    }
}
