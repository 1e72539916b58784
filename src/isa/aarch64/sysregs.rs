//! System registers and what is derived from them.

use std::sync::OnceLock;
use std::time::Instant;

use super::decode::Insn;
use super::features::{IdRegister, id_register};
use super::translate::Translator;
use super::{helpers, mode, regs};
use crate::ir::{CpuState, Helper, HelperFn, Op, OpCode, Ty, Val, fp_flag};
use crate::isa::Flow;

/// FPCR bits that user mode can set here: AHP, DN, FZ, RMode. Trapped exceptions are not implemented, so that their enable
/// bits read as zero (the manual allows it).
pub const FPCR_MASK: u32 = 0x07c0_0000;
/// FPSR bits: QC, IDC, IXC, UFC, OFC, DZC, IOC. NZCV of AArch32 (31:28) is not kept.
pub const FPSR_MASK: u32 = 0x0800_009f;

/// Bytes that DC ZVA clears.
pub const ZVA_BYTES: u64 = 64;
/// Line size of the caches that CTR_EL0 tells of.
pub const CACHE_LINE: u64 = 64;

/// Recomputes `mode` and `fp_round` from FPCR.
pub fn derive_from_fpcr(cpu: &mut CpuState) {
    let fpcr = cpu.read32(regs::FPCR) & FPCR_MASK;
    cpu.write32(regs::FPCR, fpcr);
    let flag = |bit: u32, mode: u32| if fpcr >> bit & 1 != 0 { mode } else { 0 };
    cpu.mode = flag(24, mode::FZ) | flag(25, mode::DN) | flag(26, mode::AHP);
    // RMode counts as FpRound does: nearest, plus infinity, minus infinity, zero.
    cpu.fp_round = (fpcr >> 22 & 3) as u8;
}

/// Recomputes `fp_flags` and QC from FPSR.
pub fn derive_from_fpsr(cpu: &mut CpuState) {
    let fpsr = cpu.read32(regs::FPSR) & FPSR_MASK;
    cpu.write32(regs::FPSR, fpsr);
    let input_denormal = if fpsr & 0x80 != 0 {
        fp_flag::INPUT_DENORMAL
    } else {
        0
    };
    cpu.fp_flags = fpsr & 0x1f | input_denormal;
    cpu.write(regs::QC, 16, (fpsr >> 27 & 1).into());
}

/// Brings FPSR up to date.
pub fn store_fpsr(cpu: &mut CpuState) {
    let idc = if cpu.fp_flags & fp_flag::INPUT_DENORMAL != 0 {
        0x80
    } else {
        0
    };
    let qc = u32::from(cpu.read(regs::QC, 16) != 0) << 27;
    cpu.write32(regs::FPSR, qc | idc | cpu.fp_flags & 0x1f);
}

/// Recomputes what hangs on FPCR, after it was written.
pub const DERIVE_MODE: Helper = Helper {
    name: "derive_mode",
    func: HelperFn::Int(derive_mode),
    touches_state: true,
};

extern "sysv64" fn derive_mode(cpu: &mut CpuState, _: u64, _: u64, _: u64, _: u64) -> u64 {
    derive_from_fpcr(cpu);
    0
}

/// Ticks per second of the virtual counter (CNTFRQ_EL0): those of Armv8.6-A and later.
pub const COUNTER_FREQUENCY: u64 = 1_000_000_000;

/// Reads the virtual counter CNTVCT_EL0.
pub const READ_COUNTER: Helper = Helper {
    name: "read_counter",
    func: HelperFn::Int(read_counter),
    // Says "not pure": two reads are two values.
    touches_state: true,
};

extern "sysv64" fn read_counter(_: &mut CpuState, _: u64, _: u64, _: u64, _: u64) -> u64 {
    static START: OnceLock<Instant> = OnceLock::new();
    START.get_or_init(Instant::now).elapsed().as_nanos() as u64
}

/// A system register by (op0, op1, CRn, CRm, op2).
fn name(i: Insn) -> (u32, u32, u32, u32, u32) {
    (
        2 + i.bits(19, 1),
        i.bits(16, 3),
        i.bits(12, 4),
        i.bits(8, 4),
        i.bits(5, 3),
    )
}

/// Registers that always read the same. Those with op1 = 0 are Linux's emulation for user mode (arch/arm64 "CPU feature
/// registers"): the ones that it doesn't know read as zero in the range of identification registers.
fn constant(name: (u32, u32, u32, u32, u32)) -> Option<u64> {
    Some(match name {
        // CTR_EL0: cleaning and invalidation are needed (IDC = DIC = 0); log2 words of the lines, granule and write-back unit.
        (3, 3, 0, 0, 1) => {
            let words = u64::from((CACHE_LINE / 4).ilog2());
            1 << 31 | words << 24 | words << 20 | words << 16 | 3 << 14 | words
        }
        // DCZID_EL0: log2 words.
        (3, 3, 0, 0, 7) => u64::from((ZVA_BYTES / 4).ilog2()),
        // CNTFRQ_EL0
        (3, 3, 14, 0, 0) => COUNTER_FREQUENCY,
        // MIDR_EL1: implementer 0 is "reserved for software use"; the architecture is "defined by ID registers".
        (3, 0, 0, 0, 0) => 0x000f_0000,
        // MPIDR_EL1
        (3, 0, 0, 0, 5) => 1 << 31,
        // REVIDR_EL1
        (3, 0, 0, 0, 6) => 0,
        (3, 0, 0, 4, 0) => id_register(IdRegister::Pfr0),
        // ID_AA64DFR0_EL1: Armv8 debug architecture, all that Linux shows.
        (3, 0, 0, 5, 0) => 6,
        (3, 0, 0, 6, 0) => id_register(IdRegister::Isar0),
        (3, 0, 0, 6, 1) => id_register(IdRegister::Isar1),
        // ID_AA64MMFR0_EL1: Linux hides the granules as "not supported".
        (3, 0, 0, 7, 0) => 0xff00_0000,
        (3, 0, 0, 2..=7, _) => 0,
        _ => return None,
    })
}

/// MRS. Registers that user mode can't read are illegal instructions, as under Linux.
pub fn mrs(t: &mut Translator, i: Insn) -> Option<Flow> {
    let value = match name(i) {
        // NZCV
        (3, 3, 4, 2, 0) => {
            let flags = t.b.op(OpCode::GetNzcv, Ty::I32, &[], 0, 0);
            t.b.zext32(flags)
        }
        // FPCR
        (3, 3, 4, 4, 0) => {
            let fpcr = t.b.get(Ty::I32, regs::FPCR);
            t.b.zext32(fpcr)
        }
        // FPSR
        (3, 3, 4, 4, 1) => read_fpsr(t),
        // TPIDR_EL0
        (3, 3, 13, 0, 2) => t.b.get(Ty::I64, regs::TPIDR),
        // TPIDRRO_EL0
        (3, 3, 13, 0, 3) => t.b.get(Ty::I64, regs::TPIDRRO),
        // CNTVCT_EL0
        (3, 3, 14, 0, 2) => t.b.call(Ty::I64, helpers::READ_COUNTER, false, &[], 0),
        other => {
            let value = constant(other)?;
            t.b.const64(value)
        }
    };
    t.set_r(i.rt(), value);
    t.next()
}

fn read_fpsr(t: &mut Translator) -> Val {
    let flags = t.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0);
    // INPUT_DENORMAL is bit 5 of the IR's flags and bit 7 of FPSR.
    let low = t.b.binary_imm(OpCode::And, flags, 0x1f);
    let denormal =
        t.b.binary_imm(OpCode::And, flags, fp_flag::INPUT_DENORMAL.into());
    let denormal = t.b.binary_imm(OpCode::Shl, denormal, 2);
    let flags = t.b.binary(OpCode::Or, low, denormal);
    let flags = t.b.zext32(flags);
    let saturated = t.b.get(Ty::V128, regs::QC);
    let halves = [0, 1].map(|lane| t.b.op(OpCode::VToInt, Ty::I64, &[saturated], 3, lane));
    let any = t.b.binary(OpCode::Or, halves[0], halves[1]);
    let zero = t.b.const64(0);
    let qc = t.b.compare(crate::ir::Cmp::Ne, any, zero);
    let qc = t.b.zext32(qc);
    let qc = t.b.binary_imm(OpCode::Shl, qc, 27);
    t.b.binary(OpCode::Or, flags, qc)
}

/// MSR (register).
pub fn msr(t: &mut Translator, i: Insn) -> Option<Flow> {
    match name(i) {
        (3, 3, 4, 2, 0) => {
            let flags = t.w(i.rt());
            t.b.op(OpCode::SetNzcv, Ty::None, &[flags], 0, 0);
        }
        (3, 3, 4, 4, 0) => return write_fpcr(t, i),
        (3, 3, 4, 4, 1) => write_fpsr(t, i),
        (3, 3, 13, 0, 2) => {
            let value = t.x(i.rt());
            t.b.set(Ty::I64, regs::TPIDR, value);
        }
        _ => return None,
    }
    t.next()
}

fn write_fpcr(t: &mut Translator, i: Insn) -> Option<Flow> {
    let value = t.w(i.rt());
    let value = t.b.binary_imm(OpCode::And, value, FPCR_MASK.into());
    t.b.set(Ty::I32, regs::FPCR, value);
    let round = t.b.extract(false, value, 22, 2);
    t.b.op(OpCode::SetFpRound, Ty::None, &[round], 0, 0);
    t.b.call(Ty::None, helpers::DERIVE_MODE, false, &[], 0);
    // The rest is translated under the new mode.
    let next = t.next_pc();
    t.b.push(Op {
        imm: next as i64,
        ..Op::new(OpCode::Leave, Ty::None)
    });
    Some(Flow::End)
}

fn write_fpsr(t: &mut Translator, i: Insn) {
    let value = t.w(i.rt());
    let low = t.b.binary_imm(OpCode::And, value, 0x1f);
    let denormal = t.b.extract(false, value, 7, 1);
    let denormal = t.b.binary_imm(OpCode::Shl, denormal, 5);
    let flags = t.b.binary(OpCode::Or, low, denormal);
    t.b.op(OpCode::SetFpFlags, Ty::None, &[flags], 0, 0);
    let qc = t.b.extract(false, value, 27, 1);
    let qc = t.b.op(OpCode::VFromInt, Ty::V128, &[qc], 0, 0);
    t.b.set(Ty::V128, regs::QC, qc);
}
