//! Linux on AArch64. Sources: `arch/arm64/include/uapi/asm/{sigcontext,ucontext}.h`, `arch/arm64/kernel/signal.c` (as facts).

use std::cell::Cell;

use super::{LinuxIsa, disarm, restore_stack, saved_stack};
use crate::abi::{Abi, Dialect, Endian, Errno, GuestStruct, OsAbi};
use crate::ir::{CpuState, MemFault};
use crate::isa::aarch64::{features, regs};
use crate::os::core::{Holds, RegisterSet, SetField, registers};
use crate::os::linux::core;
use crate::os::linux::structs::Stack;
use crate::os::linux::{nr, siginfo};
use crate::os::{sigset_from_guest, sigset_to_guest};
use crate::process::{self, Action, Machine, SigFields, SigInfo, Thread, sa};

/// Linux on little-endian AArch64.
pub static AARCH64: LinuxIsa = LinuxIsa {
    name: "aarch64",
    machine: "aarch64",
    elf_machine: 183,
    abi: ABI,
    first_number: 0,
    numbers: &nr::aarch64::NUMBERS,
    describe,
    min_signal_stack: 5120,
    read_syscall,
    set_result,
    set_second_result: |cpu, v| cpu.write64(regs::x(1), v),
    sp: |cpu| cpu.read64(regs::SP),
    set_sp: |cpu, v| cpu.write64(regs::SP, v),
    set_tls: |cpu, v| cpu.write64(regs::TPIDR, v),
    // mov x8, #139; svc #0: debuggers know the frame by these two instructions.
    trampolines: &[0xd280_1168, 0xd400_0001],
    push_frame,
    pop_frame,
    // struct user_pt_regs: x0 to x30, sp, pc, pstate.
    gregset: 34,
    register_sets: &[
        // struct user_fpsimd_state
        RegisterSet {
            owner: core::CORE,
            note: core::nt::PRFPREG,
            size: 528,
            fields: &[
                registers(0, "v0", 32, 16),
                registers(512, "fpsr", 1, 4),
                registers(516, "fpcr", 1, 4),
            ],
        },
        RegisterSet {
            owner: core::LINUX,
            note: core::nt::ARM_TLS,
            size: 8,
            fields: &[registers(0, "tpidr", 1, 8)],
        },
        RegisterSet {
            owner: core::LINUX,
            note: core::nt::ARM_SYSTEM_CALL,
            size: 4,
            fields: &[SetField {
                at: 0,
                holds: Holds::CallNumber,
            }],
        },
    ],
    fp_mode: |_| 0,
    fp_mode_of_status: |_| 0,
    set_fp_mode: |_, _| {},
    cpuinfo,
};

const ABI: OsAbi = OsAbi {
    abi: Abi {
        endian: Endian::Little,
        word: 8,
        align64: 8,
        even_pairs: false,
    },
    dialect: Dialect::Arm,
};

fn describe() -> Machine {
    let (hwcap, hwcap2) = features::hwcaps();
    Machine {
        platform: Some("aarch64"),
        hwcap,
        hwcap2,
        min_signal_stack: Some(FRAME_SIZE + 16),
        task_size: 1 << 48,
        top_byte_ignored: true,
        ..Machine::default()
    }
}

fn read_syscall(thread: &mut Thread) -> process::Syscall {
    let cpu = &thread.cpu;
    let mut args = [0; 8];
    for (n, arg) in args.iter_mut().enumerate().take(7) {
        *arg = cpu.read64(regs::x(n as u32));
    }
    process::Syscall {
        number: cpu.read64(regs::x(8)) & 0xffff_ffff,
        args,
        pc: cpu.pc.wrapping_sub(4),
    }
}

fn set_result(cpu: &mut CpuState, result: Result<u64, u32>) {
    let value = match result {
        Ok(v) => v,
        Err(e) => -i64::from(e) as u64,
    };
    cpu.write64(regs::x(0), value);
}

// struct rt_sigframe: siginfo, then struct ucontext.
const UC: usize = siginfo::SIZE;
const UC_STACK: usize = UC + 16;
const UC_SIGMASK: usize = UC + 40;
/// struct sigcontext: fault_address, 31 registers, sp, pc, pstate; aligned to 16 after 128 bytes for the mask.
const SC: usize = UC + 176;
const SC_REGS: usize = SC + 8;
const SC_SP: usize = SC + 256;
const SC_PC: usize = SC + 264;
const SC_PSTATE: usize = SC + 272;
/// Records of other state, up to one with magic 0.
const RECORDS: usize = SC + 288;
const RECORDS_END: usize = RECORDS + 4096;
const FRAME_SIZE: u64 = RECORDS_END as u64;

const FPSIMD_MAGIC: u32 = 0x4650_8001;
const FPSIMD_SIZE: usize = 528;
const ESR_MAGIC: u32 = 0x4553_5201;
const ESR_SIZE: usize = 16;

thread_local! {
    /// What ESR_EL1 would be after the last data abort of this thread, and its address: handlers read there whether the access
    /// was a write.
    static LAST_ABORT: Cell<(u64, u64)> = const { Cell::new((0, 0)) };
}

/// Remembers a data abort for the frame of its signal.
pub fn note_abort(fault: &MemFault) {
    // Exception class 0x24 (data abort from a lower level), IL, WnR, and the fault status: translation or permission, level 3.
    let status = if fault.code == 1 { 0x07 } else { 0x0f };
    let esr = 0x24 << 26 | 1 << 25 | u64::from(fault.write) << 6 | status;
    LAST_ABORT.set((fault.addr, esr));
}

fn put(frame: &mut [u8], at: usize, value: u64) {
    frame[at..at + 8].copy_from_slice(&value.to_le_bytes());
}

fn put32(frame: &mut [u8], at: usize, value: u32) {
    frame[at..at + 4].copy_from_slice(&value.to_le_bytes());
}

fn get(frame: &[u8], at: usize) -> u64 {
    crate::abi::read_int(ABI, crate::abi::Kind::U64, &frame[at..])
}

fn get32(frame: &[u8], at: usize) -> u32 {
    get(frame, at) as u32
}

fn push_frame(
    thread: &mut Thread,
    info: &SigInfo,
    action: &Action,
    trampoline: u64,
) -> Result<(), MemFault> {
    let process = thread.process.clone();
    process.isa.sync_registers(&mut thread.cpu);
    let old_sp = thread.cpu.read64(regs::SP);
    // A frame record for unwinders comes first, then the frame.
    let record = (thread.altstack.frame_top(action, old_sp) - 16) & !15;
    let sp = record - FRAME_SIZE;
    let mut frame = vec![0; FRAME_SIZE as usize];
    frame[..siginfo::SIZE].copy_from_slice(&siginfo::to_guest(ABI, info));
    // Every value fits: the guest has the host's word size.
    if let Ok(stack) = saved_stack(thread, old_sp).write(ABI) {
        frame[UC_STACK..UC_STACK + stack.len()].copy_from_slice(&stack);
    }
    let mask = sigset_to_guest(ABI, thread.signal_mask());
    frame[UC_SIGMASK..UC_SIGMASK + 8].copy_from_slice(&mask);
    let cpu = &thread.cpu;
    for n in 0..31 {
        put(&mut frame, SC_REGS + 8 * n, cpu.read64(regs::x(n as u32)));
    }
    put(&mut frame, SC_SP, old_sp);
    put(&mut frame, SC_PC, cpu.pc);
    put(&mut frame, SC_PSTATE, cpu.nzcv().into());
    let mut at = RECORDS;
    put32(&mut frame, at, FPSIMD_MAGIC);
    put32(&mut frame, at + 4, FPSIMD_SIZE as u32);
    put32(&mut frame, at + 8, cpu.read32(regs::FPSR));
    put32(&mut frame, at + 12, cpu.read32(regs::FPCR));
    for n in 0..32 {
        let v = cpu.read(regs::v(n as u32), 16).to_le_bytes();
        frame[at + 16 + 16 * n..at + 32 + 16 * n].copy_from_slice(&v);
    }
    at += FPSIMD_SIZE;
    if let SigFields::Fault { addr } = info.fields {
        put(&mut frame, SC, addr);
        let (fault, esr) = LAST_ABORT.get();
        if fault == addr && esr != 0 {
            put32(&mut frame, at, ESR_MAGIC);
            put32(&mut frame, at + 4, ESR_SIZE as u32);
            put(&mut frame, at + 8, esr);
        }
    }
    process.mem.write(sp, &frame)?;
    let mut link = [0; 16];
    put(&mut link, 0, cpu.read64(regs::x(29)));
    put(&mut link, 8, cpu.read64(regs::x(30)));
    process.mem.write(record, &link)?;
    disarm(thread);
    let cpu = &mut thread.cpu;
    cpu.write64(regs::x(0), info.signal.to_guest(ABI.dialect).into());
    if action.flags & sa::SIGINFO != 0 {
        cpu.write64(regs::x(1), sp);
        cpu.write64(regs::x(2), sp + UC as u64);
    }
    cpu.write64(regs::SP, sp);
    cpu.write64(regs::x(29), record);
    let back = if action.flags & sa::RESTORER != 0 {
        action.restorer
    } else {
        trampoline
    };
    cpu.write64(regs::x(30), back);
    cpu.pc = action.handler;
    Ok(())
}

fn pop_frame(thread: &mut Thread, _old: bool) -> Result<(), Errno> {
    let process = thread.process.clone();
    let sp = thread.cpu.read64(regs::SP);
    if !sp.is_multiple_of(16) {
        return Err(Errno::EFAULT);
    }
    let mut frame = vec![0; FRAME_SIZE as usize];
    process.mem.read(sp, &mut frame)?;
    // Records that the guest may have moved or dropped, as the kernel reads them.
    let mut at = RECORDS;
    let mut fpsimd = None;
    while at + 8 <= RECORDS_END {
        let (magic, size) = (get32(&frame, at), get32(&frame, at + 4) as usize);
        match (magic, size) {
            (0, 0) => break,
            (FPSIMD_MAGIC, FPSIMD_SIZE) if at + size <= RECORDS_END => fpsimd = Some(at),
            (ESR_MAGIC, ESR_SIZE) => {}
            _ => return Err(Errno::EFAULT),
        }
        at += size;
    }
    let at = fpsimd.ok_or(Errno::EFAULT)?;
    let stack = Stack::read(ABI, &frame[UC_STACK..])?;
    let mask = sigset_from_guest(ABI.dialect, &frame[UC_SIGMASK..UC_SIGMASK + 8]);
    process.isa.sync_registers(&mut thread.cpu);
    let cpu = &mut thread.cpu;
    for n in 0..31 {
        cpu.write64(regs::x(n as u32), get(&frame, SC_REGS + 8 * n));
    }
    cpu.write64(regs::SP, get(&frame, SC_SP));
    cpu.pc = get(&frame, SC_PC);
    cpu.set_nzcv(get32(&frame, SC_PSTATE));
    cpu.write32(regs::FPSR, get32(&frame, at + 8));
    cpu.write32(regs::FPCR, get32(&frame, at + 12));
    for n in 0..32 {
        let mut v = [0; 16];
        v.copy_from_slice(&frame[at + 16 + 16 * n..at + 32 + 16 * n]);
        cpu.write(regs::v(n as u32), 16, u128::from_le_bytes(v));
    }
    process.isa.sync_derived(cpu);
    restore_stack(thread, &stack);
    thread.set_signal_mask(mask);
    Ok(())
}

fn cpuinfo(cpus: usize) -> String {
    // Names of the hardware capabilities by bit (arch/arm64/kernel/cpuinfo.c).
    const NAMES: [&str; 16] = [
        "fp", "asimd", "evtstrm", "aes", "pmull", "sha1", "sha2", "crc32", "atomics", "fphp",
        "asimdhp", "cpuid", "asimdrdm", "jscvt", "fcma", "lrcpc",
    ];
    let hwcap = features::hwcaps().0;
    let names: Vec<&str> = (0..16)
        .filter(|n| hwcap >> n & 1 != 0)
        .map(|n| NAMES[n])
        .collect();
    let mut out = String::new();
    for n in 0..cpus {
        out += &format!(
            "processor\t: {n}\nBogoMIPS\t: 100.00\nFeatures\t: {}\nCPU implementer\t: 0x00\nCPU architecture: 8\n\
             CPU variant\t: 0x0\nCPU part\t: 0x000\nCPU revision\t: 0\n\n",
            names.join(" ")
        );
    }
    out
}
