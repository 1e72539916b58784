//! The FP control registers: FIR, FCSR and its views FCCR, FEXR and FENR (volume I-A, 5.5; volume III, FPU control).
//!
//! While the CPU runs, FCSR is spread out so that FP code costs nothing extra: condition codes are words of their own, flags
//! accumulate in [`CpuState::fp_flags`], the rounding mode is [`CpuState::fp_round`], FS and "some exception is enabled" are
//! mode bits. The slot holds the rest, FS, Cause and Enables.
//!
//! Cause belongs to the last FP operation alone. With an exception enabled, every operation records it. Otherwise `cfc1`
//! works it out by doing the operation before it in the block once more; where there is none in the block, Cause is
//! what was recorded last.

use super::decode::{Insn, Row, row};
use super::translate::{Done, Outcome, Refusal, Translator};
use super::{helpers, mode, regs};
use crate::ir::{Cmp, CpuState, Effect, FpRound, Helper, HelperFn, OpCode, Trap, Ty, Val, fp_flag};

pub const ROWS: &[Row] = &[
    row("CFC1", "010001 00010 rt:5 fs:5 00000000000", cfc1),
    row("CTC1", "010001 00110 rt:5 fs:5 00000000000", ctc1),
];

/// FIR: 64-bit registers (F64), formats L, W, D and S; no paired single, no MIPS-3D, NaNs of before IEEE 754-2008.
pub const FIR_VALUE: u32 = 1 << 22 | 1 << 21 | 1 << 20 | 1 << 17 | 1 << 16;

/// FCSR.FS: denormal results are flushed to zero.
const FS: u32 = 1 << 24;
const CAUSE: u32 = 0x3f << 12;
const ENABLES: u32 = 0x1f << 7;
const FLAGS: u32 = 0x1f << 2;
/// Bits that can be written; the others are zero: NAN2008 and ABS2008 are fixed, bits 22:21 are not implemented.
const WRITABLE: u32 = 0xff80_0000 | FS | CAUSE | ENABLES | FLAGS | 3;

/// Numbers of the FP control registers.
const FIR: u32 = 0;
const FCCR: u32 = 25;
const FEXR: u32 = 26;
const FENR: u32 = 28;
const FCSR: u32 = 31;

/// Stands for "no Cause has been worked out" in a call of [`read_control`].
const NO_CAUSE: u32 = u32::MAX;

/// IEEE exceptions in the order of FCSR's fields, lowest bit first, and Linux's `si_code` for each (asm-generic/siginfo.h).
const EXCEPTIONS: [(u32, u16); 5] = [
    (fp_flag::INEXACT, 6),     // I, FPE_FLTRES
    (fp_flag::UNDERFLOW, 5),   // U, FPE_FLTUND
    (fp_flag::OVERFLOW, 4),    // O, FPE_FLTOVF
    (fp_flag::DIV_BY_ZERO, 3), // Z, FPE_FLTDIV
    (fp_flag::INVALID, 7),     // V, FPE_FLTINV
];

/// [`fp_flag`] bits as a field of FCSR.
fn field_of_flags(flags: u32) -> u32 {
    (0..5).fold(0, |field, n| {
        field | u32::from(flags & EXCEPTIONS[n].0 != 0) << n
    })
}

/// The reverse of [`field_of_flags`].
fn flags_of_field(field: u32) -> u32 {
    (0..5).fold(0, |flags, n| {
        flags
            | if field >> n & 1 != 0 {
                EXCEPTIONS[n].0
            } else {
                0
            }
    })
}

/// FCSR.RM as [`CpuState::fp_round`], and the reverse: nearest, zero, up, down.
const ROUNDINGS: [FpRound; 4] = [
    FpRound::NearestEven,
    FpRound::Zero,
    FpRound::Up,
    FpRound::Down,
];

/// FCSR as a whole.
pub fn read(cpu: &CpuState) -> u32 {
    let rm = ROUNDINGS
        .iter()
        .position(|r| *r as u8 == cpu.fp_round)
        .unwrap_or(0) as u32;
    let condition_codes = (0..8).fold(0, |all, n| {
        let bit = if n == 0 { 23 } else { 24 + n };
        all | (cpu.read32(regs::fcc(n)) & 1) << bit
    });
    cpu.read32(regs::FCSR) & (FS | CAUSE | ENABLES)
        | condition_codes
        | field_of_flags(cpu.fp_flags) << 2
        | rm
}

/// Spreads a value of FCSR over the state; bits that are not writable are ignored.
pub fn write(cpu: &mut CpuState, value: u32) {
    let value = value & WRITABLE;
    cpu.write32(regs::FCSR, value);
    for n in 0..8 {
        let bit = if n == 0 { 23 } else { 24 + n };
        cpu.write32(regs::fcc(n), value >> bit & 1);
    }
    cpu.fp_flags = flags_of_field(value >> 2);
    cpu.fp_round = ROUNDINGS[(value & 3) as usize] as u8;
    cpu.mode = cpu.mode & mode::FR
        | if value & FS != 0 { mode::FS } else { 0 }
        | if value & ENABLES != 0 {
            mode::FP_TRAPS
        } else {
            0
        };
}

/// `si_code` of the FP exception that `fcsr` asks for, in the kernel's order (arch/mips/kernel/traps.c, force_fcr31_sig); 0 for none.
/// Cause bit E (Unimplemented Operation) raises nothing: the kernel's emulator then completes the instruction.
fn pending_exception(fcsr: u32) -> u16 {
    let pending = fcsr >> 12 & fcsr >> 7 & 0x1f;
    [4, 3, 2, 1, 0]
        .into_iter()
        .find(|n| pending >> n & 1 != 0)
        .map_or(0, |n| EXCEPTIONS[n as usize].1)
}

/// Clears Cause bits that are enabled, as the kernel does before it gives control back to a program: they would trap at once.
pub fn drop_pending_exceptions(cpu: &mut CpuState) {
    let fcsr = cpu.read32(regs::FCSR);
    let pending = (fcsr >> 12 & fcsr >> 7 & 0x1f) << 12;
    cpu.write32(regs::FCSR, fcsr & !pending);
}

/// Records `cause` unless it is [`NO_CAUSE`].
fn note_cause(cpu: &mut CpuState, cause: u32) {
    if cause != NO_CAUSE {
        let fcsr = cpu.read32(regs::FCSR) & !CAUSE;
        cpu.write32(regs::FCSR, fcsr | field_of_flags(cause) << 12);
    }
}

/// Control register `register`. `flags` are the accumulated exceptions, `cause` those of the last operation or [`NO_CAUSE`].
extern "sysv64" fn read_control(
    cpu: &mut CpuState,
    flags: u64,
    cause: u64,
    _: u64,
    register: u64,
) -> u64 {
    cpu.fp_flags = flags as u32;
    note_cause(cpu, cause as u32);
    let fcsr = read(cpu);
    u64::from(match register as u32 {
        FCCR => fcsr >> 24 & 0xfe | fcsr >> 23 & 1,
        FEXR => fcsr & (CAUSE | FLAGS),
        FENR => fcsr & (ENABLES | 3) | fcsr >> 22 & 4,
        _ => fcsr,
    })
}

/// Writes `value` to control register `register`; `flags` and `cause` as in [`read_control`]. The result: new accumulated exceptions in bits 7:0, rounding mode in 15:8, mode in 23:16, `si_code` of an exception that is now due in 31:24.
extern "sysv64" fn write_control(
    cpu: &mut CpuState,
    value: u64,
    flags: u64,
    cause: u64,
    register: u64,
) -> u64 {
    cpu.fp_flags = flags as u32;
    note_cause(cpu, cause as u32);
    let (value, fcsr) = (value as u32, read(cpu));
    let new = match register as u32 {
        FCCR => fcsr & !0xfe80_0000 | (value & 0xfe) << 24 | (value & 1) << 23,
        FEXR => fcsr & !(CAUSE | FLAGS) | value & (CAUSE | FLAGS),
        FENR => fcsr & !(ENABLES | FS | 3) | value & (ENABLES | 3) | (value & 4) << 22,
        _ => value,
    };
    write(cpu, new);
    u64::from(cpu.fp_flags)
        | u64::from(cpu.fp_round) << 8
        | u64::from(cpu.mode) << 16
        | u64::from(pending_exception(new)) << 24
}

/// Records the exceptions `flags` of an operation as Cause; returns the `si_code` of the one that is enabled, or 0. `result` is
/// its result on a lane of `1 << lane` bytes, or `lane` is 0 for other results.
extern "sysv64" fn note_exceptions(
    cpu: &mut CpuState,
    flags: u64,
    result: u64,
    _: u64,
    lane: u64,
) -> u64 {
    let fcsr = cpu.read32(regs::FCSR);
    let magnitude_is_denormal = |bits: u32, fraction: u32| {
        let magnitude = result & (u64::MAX >> (65 - bits));
        magnitude != 0 && magnitude >> fraction == 0
    };
    let tiny = match lane {
        2 => magnitude_is_denormal(32, 23),
        3 => magnitude_is_denormal(64, 52),
        _ => false,
    };
    let mut cause = field_of_flags(flags as u32);
    // Underflow, when enabled, is any tiny result, also an exact one (IEEE 754-1985, 7.4).
    if tiny && fcsr & 1 << 8 != 0 {
        cause |= 2;
    }
    let fcsr = fcsr & !CAUSE | cause << 12;
    cpu.write32(regs::FCSR, fcsr);
    pending_exception(fcsr).into()
}

/// See [`read_control`].
pub const READ_CONTROL: Helper = Helper {
    name: "read_fp_control",
    func: HelperFn::Int(read_control),
    touches_state: true,
};

/// See [`write_control`].
pub const WRITE_CONTROL: Helper = Helper {
    name: "write_fp_control",
    func: HelperFn::Int(write_control),
    touches_state: true,
};

/// See [`note_exceptions`].
pub const NOTE_EXCEPTIONS: Helper = Helper {
    name: "note_fp_exceptions",
    func: HelperFn::Int(note_exceptions),
    touches_state: true,
};

/// Raises the FP exception whose `si_code` is in `code`, unless that is 0.
fn raise_if_pending(t: &mut Translator<'_, '_>, code: Val) {
    for (_, si_code) in EXCEPTIONS {
        let this = t.b.const32(si_code.into());
        t.b.trap_if_cmp(Trap::FloatingPoint, si_code, Cmp::Eq, code, this);
    }
}

impl Translator<'_, '_> {
    /// An FP operation: `compute` writes its ops and returns its result. `lane`: size of an FP result, 0 for another. Where an
    /// exception is enabled, the operation records Cause and traps before its result is written.
    pub fn fp_operation(&mut self, lane: u16, compute: impl FnOnce(&mut Self) -> Val) -> Val {
        if self.mode() & mode::FP_TRAPS == 0 {
            return compute(self);
        }
        let before = self.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0);
        let none = self.b.const32(0);
        self.b.op(OpCode::SetFpFlags, Ty::None, &[none], 0, 0);
        let value = compute(self);
        let raised = self.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0);
        let bits = if lane == 0 {
            none
        } else {
            self.b.op(OpCode::VToInt, Ty::I64, &[value], lane, 0)
        };
        let code = self.b.call(
            Ty::I32,
            helpers::NOTE_FP_EXCEPTIONS,
            false,
            &[raised, bits],
            lane.into(),
        );
        // An exception that traps does not set its flag.
        let both = self.b.binary(OpCode::Or, before, raised);
        let flags = self.b.select(code, before, both);
        self.b.op(OpCode::SetFpFlags, Ty::None, &[flags], 0, 0);
        raise_if_pending(self, code);
        value
    }

    /// Exceptions of the last FP operation in the block, by doing it once more, or [`NO_CAUSE`].
    fn cause_of_last_operation(&mut self) -> Val {
        let ops = &self.b.block.ops;
        let last = ops.iter().rposition(|op| op.code.effect() == Effect::Fp);
        let Some(last) = last.filter(|_| self.mode() & mode::FP_TRAPS == 0) else {
            return self.b.const32(NO_CAUSE);
        };
        let first = ops[..last]
            .iter()
            .rposition(|op| op.code == OpCode::InsnStart)
            .unwrap_or(0);
        let none = self.b.const32(0);
        self.b.op(OpCode::SetFpFlags, Ty::None, &[none], 0, 0);
        // Operands are values, so they are still what they were.
        for n in first..=last {
            let op = self.b.block.ops[n];
            if op.code.effect() == Effect::Fp {
                self.b.push(op);
            }
        }
        self.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0)
    }
}

fn cfc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = match i.fs() {
        FIR => t.b.get(Ty::I32, regs::FIR),
        register @ (FCCR | FEXR | FENR | FCSR) => {
            let flags = t.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0);
            let cause = t.cause_of_last_operation();
            t.b.op(OpCode::SetFpFlags, Ty::None, &[flags], 0, 0);
            t.b.call(
                Ty::I32,
                helpers::READ_FP_CONTROL,
                false,
                &[flags, cause],
                register.into(),
            )
        }
        _ => return Err(Refusal::Reserved),
    };
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

fn ctc1(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let register = i.fs();
    if !matches!(register, FCCR | FEXR | FENR | FCSR) {
        return Err(Refusal::Reserved);
    }
    let value = t.r(i.rt());
    let flags = t.b.op(OpCode::GetFpFlags, Ty::I32, &[], 0, 0);
    // FCCR and FENR leave Cause as it is, and enabling what it has traps.
    let cause = if matches!(register, FCCR | FENR) {
        t.cause_of_last_operation()
    } else {
        t.b.const32(NO_CAUSE)
    };
    let new = t.b.call(
        Ty::I32,
        helpers::WRITE_FP_CONTROL,
        false,
        &[value, flags, cause],
        register.into(),
    );
    let flags = t.b.extract(false, new, 0, 8);
    t.b.op(OpCode::SetFpFlags, Ty::None, &[flags], 0, 0);
    let round = t.b.extract(false, new, 8, 8);
    t.b.op(OpCode::SetFpRound, Ty::None, &[round], 0, 0);
    let code = t.b.extract(false, new, 24, 8);
    raise_if_pending(t, code);
    if t.branch.is_none() {
        // Most writes change rounding or flags only: then the next block has the same mode and can be chained.
        let new_mode = t.b.extract(false, new, 16, 8);
        let old_mode = t.b.const32(t.mode());
        let next = t.pc_plus(4);
        t.b.exit_if_cmp(Cmp::Eq, new_mode, old_mode, next);
    }
    Ok(Done::Leave)
}
