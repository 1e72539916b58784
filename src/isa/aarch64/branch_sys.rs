//! Branches, exception generation, hints, barriers and system instructions (the manual's C4.1, "Branches, Exception
//! Generating and System instructions").

use super::decode::Feature::Base;
use super::decode::{Insn, Row, row};
use super::sysregs;
use super::translate::Translator;
use crate::ir::{Cmp, Cond, NONE, OpCode, Trap, Ty};
use crate::isa::Flow;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("UDF", Base, "0000000000000000 imm16:16", |_, _| None),
    row("B", Base, "0 00101 imm26:26", |t, i| Some(Flow::Goto(target(t, i.signed(0, 26))))),
    row("BL", Base, "1 00101 imm26:26", bl),
    row("B.cond", Base, "01010100 imm19:19 0 cond:4", b_cond),
    row("CBZ", Base, "sf 011010 0 imm19:19 Rt:5", |t, i| compare_and_branch(t, i, Cmp::Eq)),
    row("CBNZ", Base, "sf 011010 1 imm19:19 Rt:5", |t, i| compare_and_branch(t, i, Cmp::Ne)),
    row("TBZ", Base, "b5 011011 0 b40:5 imm14:14 Rt:5", |t, i| test_and_branch(t, i, false)),
    row("TBNZ", Base, "b5 011011 1 b40:5 imm14:14 Rt:5", |t, i| test_and_branch(t, i, true)),
    row("BR", Base, "1101011 0000 11111 000000 Rn:5 00000", |t, i| branch_register(t, i, false)),
    row("BLR", Base, "1101011 0001 11111 000000 Rn:5 00000", |t, i| branch_register(t, i, true)),
    row("RET", Base, "1101011 0010 11111 000000 Rn:5 00000", |t, i| branch_register(t, i, false)),

    row("SVC", Base, "11010100 000 imm16:16 00001", svc),
    row("BRK", Base, "11010100 001 imm16:16 00000", brk),

    // NOP, YIELD, WFE, WFI, SEV, SEVL, and what is a NOP to a CPU without the feature: BTI, PACIASP, XPACLRI, ESB ...
    row("HINT", Base, "1101010100 0 00 011 0010 CRm:4 op2:3 11111", |t, _| t.next()),
    row("CLREX", Base, "1101010100 0 00 011 0011 CRm:4 010 11111", clrex),
    row("DSB", Base, "1101010100 0 00 011 0011 CRm:4 100 11111", barrier),
    row("DMB", Base, "1101010100 0 00 011 0011 CRm:4 101 11111", barrier),
    // Translations are discarded as soon as code is invalidated, so nothing is left to synchronise.
    row("ISB", Base, "1101010100 0 00 011 0011 CRm:4 110 11111", |t, _| t.next()),

    row("DC ZVA", Base, "1101010100 0 01 011 0111 0100 001 Rt:5", dc_zva),
    row("DC CVAC", Base, "1101010100 0 01 011 0111 1010 001 Rt:5", dc_clean),
    row("DC CVAU", Base, "1101010100 0 01 011 0111 1011 001 Rt:5", dc_clean),
    row("DC CIVAC", Base, "1101010100 0 01 011 0111 1110 001 Rt:5", dc_clean),
    row("IC IVAU", Base, "1101010100 0 01 011 0111 0101 001 Rt:5", ic_ivau),
    row("MSR (register)", Base, "1101010100 0 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5", sysregs::msr),
    row("MRS", Base, "1101010100 1 1 o0 op1:3 CRn:4 CRm:4 op2:3 Rt:5", sysregs::mrs),
];

fn target(t: &Translator, words: i64) -> u64 {
    t.pc.wrapping_add((words << 2) as u64)
}

fn link(t: &mut Translator) {
    let next = t.next_pc();
    let value = t.b.const64(next);
    t.set_r(30, value);
}

fn bl(t: &mut Translator, i: Insn) -> Option<Flow> {
    link(t);
    Some(Flow::Goto(target(t, i.signed(0, 26))))
}

fn b_cond(t: &mut Translator, i: Insn) -> Option<Flow> {
    let target = target(t, i.signed(5, 19));
    match Cond::from_bits(i.bits(0, 4)) {
        Cond::Al | Cond::Nv => Some(Flow::Goto(target)),
        cond => {
            t.b.exit_if_cond(cond, target);
            t.next()
        }
    }
}

fn compare_and_branch(t: &mut Translator, i: Insn, cmp: Cmp) -> Option<Flow> {
    let a = t.r(i.sf(), i.rt());
    let zero = t.b.iconst(Translator::int(i.sf()), 0);
    let target = target(t, i.signed(5, 19));
    t.b.exit_if_cmp(cmp, a, zero, target);
    t.next()
}

fn test_and_branch(t: &mut Translator, i: Insn, set: bool) -> Option<Flow> {
    let bit = i.bits(31, 1) << 5 | i.bits(19, 5);
    let a = t.x(i.rt());
    let target = target(t, i.signed(5, 14));
    t.b.exit_if_bit(a, bit as u16, set, target);
    t.next()
}

fn branch_register(t: &mut Translator, i: Insn, call: bool) -> Option<Flow> {
    let target = t.x(i.rn());
    if call {
        link(t);
    }
    t.b.jump_reg(target);
    Some(Flow::End)
}

fn svc(t: &mut Translator, i: Insn) -> Option<Flow> {
    // The return from the exception clears the monitor.
    t.b.op(OpCode::ClearExcl, Ty::None, &[], 0, 0);
    let next = t.next_pc();
    t.b.syscall(i.bits(5, 16) as u16, next);
    Some(Flow::End)
}

fn brk(t: &mut Translator, i: Insn) -> Option<Flow> {
    let pc = t.pc;
    t.b.raise(Trap::Breakpoint, i.bits(5, 16) as u16, pc);
    Some(Flow::End)
}

fn clrex(t: &mut Translator, _: Insn) -> Option<Flow> {
    t.b.op(OpCode::ClearExcl, Ty::None, &[], 0, 0);
    t.next()
}

/// The low bits of CRm are the accesses that are ordered: 01 loads with what follows, 10 stores with stores. Ordinary accesses
/// are so ordered anyway (see `ldst`). 11 is all, also in SSBB and PSSBB and in the reserved values with 00.
fn barrier(t: &mut Translator, i: Insn) -> Option<Flow> {
    if !matches!(i.bits(8, 2), 1 | 2) {
        t.b.op(OpCode::Fence, Ty::None, &[], 0, 0);
    }
    t.next()
}

fn dc_zva(t: &mut Translator, i: Insn) -> Option<Flow> {
    let addr = t.x(i.rt());
    let block =
        t.b.binary_imm(OpCode::And, addr, -(sysregs::ZVA_BYTES as i64));
    let zero = t.b.vconst(0);
    for offset in (0..sysregs::ZVA_BYTES).step_by(16) {
        t.b.store(size(4), block, NONE, offset as i64, zero);
    }
    t.next()
}

fn size(log2: u8) -> crate::ir::MemArg {
    crate::ir::MemArg {
        size: log2,
        ..Default::default()
    }
}

/// Caches are coherent here, but an address that is not mapped faults as on a CPU with real ones.
fn dc_clean(t: &mut Translator, i: Insn) -> Option<Flow> {
    let addr = t.x(i.rt());
    t.b.load(Ty::I64, size(0), addr, NONE, 0);
    t.next()
}

fn ic_ivau(t: &mut Translator, i: Insn) -> Option<Flow> {
    let addr = t.x(i.rt());
    t.b.load(Ty::I64, size(0), addr, NONE, 0);
    let line =
        t.b.binary_imm(OpCode::And, addr, -(sysregs::CACHE_LINE as i64));
    let len = t.b.const64(sysregs::CACHE_LINE);
    let next = t.next_pc();
    t.b.push(crate::ir::Op {
        a: line,
        b: len,
        imm: next as i64,
        ..crate::ir::Op::new(OpCode::InvalidateCode, Ty::None)
    });
    Some(Flow::End)
}
