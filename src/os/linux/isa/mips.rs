//! Linux on 32-bit MIPS (o32). Sources: `arch/mips/include/uapi/asm/{sigcontext,ucontext}.h`, `arch/mips/kernel/signal.c` and
//! `vdso/sigreturn.S` (as facts).

use super::{LinuxIsa, disarm, restore_stack, saved_stack};
use crate::abi::{Abi, Dialect, Endian, Errno, GuestStruct, Kind, OsAbi, read_int, write_int};
use crate::ir::{CpuState, MemFault};
use crate::isa::mips::regs::o32::*;
use crate::isa::mips::{mode, regs};
use crate::os::core::{Holds, RegisterSet, SetField, registers};
use crate::os::linux::core;
use crate::os::linux::structs::Stack;
use crate::os::linux::{nr, siginfo};
use crate::os::{sigset_from_guest, sigset_to_guest};
use crate::process::{self, Action, Machine, SigInfo, Thread, sa};

/// Linux on big-endian MIPS.
pub static MIPS: LinuxIsa = linux("mips", Endian::Big);

/// Linux on little-endian MIPS, whose `uname` says "mips" as well.
pub static MIPSEL: LinuxIsa = linux("mipsel", Endian::Little);

const fn abi(endian: Endian) -> OsAbi {
    OsAbi {
        abi: Abi::o32(endian),
        dialect: Dialect::Mips,
    }
}

const fn linux(name: &'static str, endian: Endian) -> LinuxIsa {
    LinuxIsa {
        name,
        machine: "mips",
        elf_machine: 8,
        abi: abi(endian),
        first_number: 4000,
        numbers: &nr::mips_o32::NUMBERS,
        describe: || Machine {
            platform: None,
            // HWCAP_MIPS_R6, MSA and CRC32 are not there.
            hwcap: 0,
            hwcap2: 0,
            min_signal_stack: None,
            task_size: 0x7fff_8000,
            top_byte_ignored: false,
            ..Machine::default()
        },
        min_signal_stack: 2048,
        read_syscall,
        set_result,
        set_second_result: |cpu, v| cpu.write32(regs::gpr(V1), v as u32),
        sp: |cpu| cpu.read32(regs::gpr(SP)).into(),
        set_sp: |cpu, v| cpu.write32(regs::gpr(SP), v as u32),
        set_tls: |cpu, v| cpu.write32(regs::ULR, v as u32),
        // li v0, 4193; syscall; li v0, 4119; syscall
        trampolines: &[0x2402_1061, 0x0000_000c, 0x2402_1017, 0x0000_000c],
        push_frame,
        pop_frame,
        // asm/elf.h: ELF_NGREG
        gregset: 45,
        register_sets: REGISTER_SETS,
        // PR_FP_MODE_FR is bit 0, as is the mode's.
        fp_mode: |cpu| cpu.mode & mode::FR,
        fp_mode_of_status: |cpu| {
            u32::from(cpu.read32(regs::STATUS) & crate::isa::mips::STATUS_FR != 0)
        },
        set_fp_mode: |cpu, value| crate::isa::mips::set_fr(cpu, value & 1 != 0),
        cpuinfo,
    }
}

/// The register sets of a core file beside the general registers (`arch/mips/kernel/ptrace.c`).
static REGISTER_SETS: &[RegisterSet] = &[
    // The FP registers, control and status, implementation.
    RegisterSet {
        owner: core::CORE,
        note: core::nt::PRFPREG,
        size: 264,
        fields: &[
            registers(0, "f0", 32, 8),
            registers(256, "fcsr", 1, 4),
            registers(260, "fir", 1, 4),
        ],
    },
    RegisterSet {
        owner: core::LINUX,
        note: core::nt::MIPS_FP_MODE,
        size: 4,
        fields: &[SetField {
            at: 0,
            holds: Holds::FpMode,
        }],
    },
];

/// The ABI of the thread's process.
fn abi_of(thread: &Thread) -> OsAbi {
    abi(thread.process.isa.abi().endian)
}

fn read_syscall(thread: &mut Thread) -> process::Syscall {
    let a = abi_of(thread);
    let mut args = [0; 8];
    for n in 0..4 {
        args[n as usize] = thread.cpu.read32(regs::gpr(A0 + n)).into();
    }
    // The other arguments are on the stack, above room for the first four. Most calls have none, so it may be anything.
    let sp = u64::from(thread.cpu.read32(regs::gpr(SP)));
    for (n, arg) in args.iter_mut().enumerate().skip(4) {
        let at = sp + 4 * n as u64;
        *arg = thread
            .process
            .mem
            .load::<u32>(at, a.abi.endian)
            .unwrap_or(0)
            .into();
    }
    process::Syscall {
        number: thread.cpu.read32(regs::gpr(V0)).into(),
        args,
        pc: thread.cpu.pc.wrapping_sub(4),
    }
}

fn set_result(cpu: &mut CpuState, result: Result<u64, u32>) {
    let (value, failed) = match result {
        Ok(v) => (v as u32, 0),
        Err(e) => (e, 1),
    };
    cpu.write32(regs::gpr(V0), value);
    cpu.write32(regs::gpr(A3), failed);
}

// struct sigcontext
const SC_STATUS: usize = 4;
const SC_PC: usize = 8;
const SC_REGS: usize = 16;
const SC_FPREGS: usize = 272;
const SC_FPC_CSR: usize = 532;
const SC_USED_MATH: usize = 540;
const SC_MDHI: usize = 552;
const SC_MDLO: usize = 560;
const SC_SIZE: usize = 592;
/// `sc_used_math`: the FP registers are valid; they are 64 bits wide.
const USED_FP: u32 = 1;
const USED_FR1: u32 = 2;

/// Room for four arguments and padding begins each frame.
const HEAD: usize = 24;
// struct sigframe
const OLD_MASK: usize = HEAD + SC_SIZE;
const OLD_SIZE: usize = OLD_MASK + 16;
// struct rt_sigframe
const INFO: usize = HEAD;
const UC: usize = INFO + siginfo::SIZE;
const UC_STACK: usize = UC + 8;
const UC_SC: usize = UC + 24;
const UC_MASK: usize = UC_SC + SC_SIZE;
const RT_SIZE: usize = UC_MASK + 16;

fn save_context(thread: &Thread, a: OsAbi, sc: &mut [u8]) {
    let cpu = &thread.cpu;
    let mut put = |at: usize, kind: Kind, v: u64| write_int(a, kind, &mut sc[at..], v);
    let wide = cpu.mode & mode::FR != 0;
    put(SC_STATUS, Kind::U32, cpu.read32(regs::STATUS).into());
    put(SC_PC, Kind::U64, cpu.pc);
    for n in 1..32 {
        let v = cpu.read32(regs::gpr(n));
        // Registers are sign-extended into their 64-bit fields.
        put(SC_REGS + 8 * n as usize, Kind::U64, v as i32 as u64);
    }
    for n in (0..32).step_by(if wide { 1 } else { 2 }) {
        put(
            SC_FPREGS + 8 * n as usize,
            Kind::U64,
            cpu.read64(regs::fpr(n)),
        );
    }
    put(SC_FPC_CSR, Kind::U32, cpu.read32(regs::FCSR).into());
    let used = USED_FP | if wide { USED_FR1 } else { 0 };
    put(SC_USED_MATH, Kind::U32, used.into());
    put(SC_MDHI, Kind::U64, cpu.read32(regs::HI) as i32 as u64);
    put(SC_MDLO, Kind::U64, cpu.read32(regs::LO) as i32 as u64);
}

fn restore_context(thread: &mut Thread, a: OsAbi, sc: &[u8]) {
    let get = |at: usize, kind: Kind| read_int(a, kind, &sc[at..]);
    let cpu = &mut thread.cpu;
    cpu.pc = get(SC_PC, Kind::U64) & 0xffff_ffff;
    for n in 1..32 {
        cpu.write32(
            regs::gpr(n),
            get(SC_REGS + 8 * n as usize, Kind::U64) as u32,
        );
    }
    let used = get(SC_USED_MATH, Kind::U32) as u32;
    if used & USED_FP != 0 {
        let step = if cpu.mode & mode::FR != 0 { 1 } else { 2 };
        for n in (0..32).step_by(step) {
            cpu.write64(regs::fpr(n), get(SC_FPREGS + 8 * n as usize, Kind::U64));
        }
        cpu.write32(regs::FCSR, get(SC_FPC_CSR, Kind::U32) as u32);
    }
    cpu.write32(regs::HI, get(SC_MDHI, Kind::U64) as u32);
    cpu.write32(regs::LO, get(SC_MDLO, Kind::U64) as u32);
}

fn push_frame(
    thread: &mut Thread,
    info: &SigInfo,
    action: &Action,
    trampoline: u64,
) -> Result<(), MemFault> {
    let process = thread.process.clone();
    process.isa.sync_registers(&mut thread.cpu);
    let a = abi_of(thread);
    let with_info = action.flags & sa::SIGINFO != 0;
    let size = if with_info { RT_SIZE } else { OLD_SIZE };
    let old_sp = u64::from(thread.cpu.read32(regs::gpr(SP)));
    // The kernel leaves 32 bytes, where its FPU emulator may have code.
    let sp = (thread
        .altstack
        .frame_top(action, old_sp)
        .wrapping_sub(32 + size as u64))
        & 0xffff_fff8;
    let mut frame = vec![0; size];
    let mask = sigset_to_guest(a, thread.signal_mask());
    let second = if with_info {
        frame[INFO..UC].copy_from_slice(&siginfo::to_guest(a, info));
        // Addresses of a 32-bit guest fit.
        if let Ok(stack) = saved_stack(thread, old_sp).write(a) {
            frame[UC_STACK..UC_STACK + stack.len()].copy_from_slice(&stack);
        }
        save_context(thread, a, &mut frame[UC_SC..]);
        frame[UC_MASK..UC_MASK + 16].copy_from_slice(&mask);
        sp + INFO as u64
    } else {
        save_context(thread, a, &mut frame[HEAD..]);
        frame[OLD_MASK..OLD_MASK + 16].copy_from_slice(&mask);
        0
    };
    process.mem.write(sp, &frame)?;
    disarm(thread);
    let cpu = &mut thread.cpu;
    let third = sp + if with_info { UC } else { HEAD } as u64;
    cpu.write32(regs::gpr(A0), info.signal.to_guest(a.dialect));
    cpu.write32(regs::gpr(A0 + 1), second as u32);
    cpu.write32(regs::gpr(A0 + 2), third as u32);
    cpu.write32(regs::gpr(SP), sp as u32);
    // rt_sigreturn comes first in the trampolines, sigreturn two instructions later.
    let back = trampoline + if with_info { 0 } else { 8 };
    cpu.write32(regs::gpr(RA), back as u32);
    cpu.write32(regs::gpr(T9), action.handler as u32);
    cpu.pc = action.handler;
    Ok(())
}

fn pop_frame(thread: &mut Thread, old: bool) -> Result<(), Errno> {
    let process = thread.process.clone();
    let a = abi_of(thread);
    let sp = u64::from(thread.cpu.read32(regs::gpr(SP)));
    let mut frame = vec![0; if old { OLD_SIZE } else { RT_SIZE }];
    process.mem.read(sp, &mut frame)?;
    process.isa.sync_registers(&mut thread.cpu);
    let (context, mask) = if old {
        (HEAD, OLD_MASK)
    } else {
        (UC_SC, UC_MASK)
    };
    restore_context(thread, a, &frame[context..]);
    process.isa.sync_derived(&mut thread.cpu);
    if !old {
        let stack = Stack::read(a, &frame[UC_STACK..])?;
        restore_stack(thread, &stack);
    }
    let mut bytes = frame[mask..mask + 16].to_vec();
    if a.abi.endian == Endian::Big {
        bytes.chunks_exact_mut(4).for_each(<[u8]>::reverse);
    }
    thread.set_signal_mask(sigset_from_guest(a.dialect, &bytes));
    Ok(())
}

fn cpuinfo(cpus: usize) -> String {
    let mut out = String::from("system type\t\t: emu\n");
    for n in 0..cpus {
        out += &format!(
            "processor\t\t: {n}\ncpu model\t\t: MIPS 24Kc V0.0  FPU V0.0\nBogoMIPS\t\t: 100.00\n\
             isa\t\t\t: mips1 mips2 mips32r1 mips32r2\nASEs implemented\t:\n\n"
        );
    }
    out
}
