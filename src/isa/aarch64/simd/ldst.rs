//! Structure loads and stores: LD1 to LD4, ST1 to ST4, of whole registers, of single lanes, and replicating.
//!
//! All of an instruction's loads come before its first register write, so that a fault leaves the registers whole.

use crate::ir::{MemArg, NONE, OpCode, Ty, Val};
use crate::isa::Flow;
use crate::isa::aarch64::decode::{Feature, Insn, Row, row};
use crate::isa::aarch64::translate::Translator;

#[rustfmt::skip]
/// The rows.
pub(super) const ROWS: &[Row] = &[
    row("ST1 (multiple, 1 register)", Feature::AdvSimd, "0 Q 0011000 0 000000 0111 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 1, 1)),
    row("ST1 (multiple, 1 register, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 0111 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 1, 1)),
    row("ST1 (multiple, 2 registers)", Feature::AdvSimd, "0 Q 0011000 0 000000 1010 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 2, 1)),
    row("ST1 (multiple, 2 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 1010 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 2, 1)),
    row("ST1 (multiple, 3 registers)", Feature::AdvSimd, "0 Q 0011000 0 000000 0110 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 3, 1)),
    row("ST1 (multiple, 3 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 0110 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 3, 1)),
    row("ST1 (multiple, 4 registers)", Feature::AdvSimd, "0 Q 0011000 0 000000 0010 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 4, 1)),
    row("ST1 (multiple, 4 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 0010 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 4, 1)),
    row("ST2 (multiple)", Feature::AdvSimd, "0 Q 0011000 0 000000 1000 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 2, 2)),
    row("ST2 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 1000 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 2, 2)),
    row("ST3 (multiple)", Feature::AdvSimd, "0 Q 0011000 0 000000 0100 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 3, 3)),
    row("ST3 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 0100 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 3, 3)),
    row("ST4 (multiple)", Feature::AdvSimd, "0 Q 0011000 0 000000 0000 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 4, 4)),
    row("ST4 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 0 0 Rm:5 0000 size:2 Rn:5 Rt:5", |t, i| store_multiple(t, i, 4, 4)),
    row("ST1 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 000 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 1)),
    row("ST1 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 000 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 1)),
    row("ST1 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 010 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 1)),
    row("ST1 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 010 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 1)),
    row("ST1 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 100 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 1)),
    row("ST1 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 100 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 1)),
    row("ST1 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 100 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 1)),
    row("ST1 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 100 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 1)),
    row("ST2 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 000 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 2)),
    row("ST2 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 000 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 2)),
    row("ST2 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 010 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 2)),
    row("ST2 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 010 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 2)),
    row("ST2 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 100 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 2)),
    row("ST2 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 100 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 2)),
    row("ST2 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 100 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 2)),
    row("ST2 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 100 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 2)),
    row("ST3 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 001 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 3)),
    row("ST3 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 001 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 3)),
    row("ST3 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 011 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 3)),
    row("ST3 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 011 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 3)),
    row("ST3 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 101 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 3)),
    row("ST3 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 101 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 3)),
    row("ST3 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 0 0 00000 101 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 3)),
    row("ST3 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 0 Rm:5 101 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 3)),
    row("ST4 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 001 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 4)),
    row("ST4 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 001 S size:2 Rn:5 Rt:5", |t, i| store_lane(t, i, 0, 4)),
    row("ST4 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 011 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 4)),
    row("ST4 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 011 S size 0 Rn:5 Rt:5", |t, i| store_lane(t, i, 1, 4)),
    row("ST4 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 101 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 4)),
    row("ST4 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 101 S 00 Rn:5 Rt:5", |t, i| store_lane(t, i, 2, 4)),
    row("ST4 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 0 1 00000 101 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 4)),
    row("ST4 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 0 1 Rm:5 101 0 01 Rn:5 Rt:5", |t, i| store_lane(t, i, 3, 4)),
    row("LD1 (multiple, 1 register)", Feature::AdvSimd, "0 Q 0011000 1 000000 0111 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 1, 1)),
    row("LD1 (multiple, 1 register, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 0111 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 1, 1)),
    row("LD1 (multiple, 2 registers)", Feature::AdvSimd, "0 Q 0011000 1 000000 1010 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 2, 1)),
    row("LD1 (multiple, 2 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 1010 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 2, 1)),
    row("LD1 (multiple, 3 registers)", Feature::AdvSimd, "0 Q 0011000 1 000000 0110 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 3, 1)),
    row("LD1 (multiple, 3 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 0110 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 3, 1)),
    row("LD1 (multiple, 4 registers)", Feature::AdvSimd, "0 Q 0011000 1 000000 0010 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 4, 1)),
    row("LD1 (multiple, 4 registers, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 0010 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 4, 1)),
    row("LD2 (multiple)", Feature::AdvSimd, "0 Q 0011000 1 000000 1000 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 2, 2)),
    row("LD2 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 1000 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 2, 2)),
    row("LD3 (multiple)", Feature::AdvSimd, "0 Q 0011000 1 000000 0100 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 3, 3)),
    row("LD3 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 0100 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 3, 3)),
    row("LD4 (multiple)", Feature::AdvSimd, "0 Q 0011000 1 000000 0000 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 4, 4)),
    row("LD4 (multiple, post-index)", Feature::AdvSimd, "0 Q 0011001 1 0 Rm:5 0000 size:2 Rn:5 Rt:5", |t, i| load_multiple(t, i, 4, 4)),
    row("LD1 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 000 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 1)),
    row("LD1 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 000 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 1)),
    row("LD1 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 010 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 1)),
    row("LD1 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 010 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 1)),
    row("LD1 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 100 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 1)),
    row("LD1 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 100 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 1)),
    row("LD1 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 100 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 1)),
    row("LD1 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 100 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 1)),
    row("LD2 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 000 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 2)),
    row("LD2 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 000 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 2)),
    row("LD2 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 010 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 2)),
    row("LD2 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 010 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 2)),
    row("LD2 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 100 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 2)),
    row("LD2 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 100 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 2)),
    row("LD2 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 100 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 2)),
    row("LD2 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 100 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 2)),
    row("LD3 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 001 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 3)),
    row("LD3 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 001 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 3)),
    row("LD3 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 011 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 3)),
    row("LD3 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 011 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 3)),
    row("LD3 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 101 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 3)),
    row("LD3 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 101 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 3)),
    row("LD3 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 1 0 00000 101 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 3)),
    row("LD3 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 101 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 3)),
    row("LD4 (single, 8-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 001 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 4)),
    row("LD4 (single, 8-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 001 S size:2 Rn:5 Rt:5", |t, i| load_lane(t, i, 0, 4)),
    row("LD4 (single, 16-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 011 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 4)),
    row("LD4 (single, 16-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 011 S size 0 Rn:5 Rt:5", |t, i| load_lane(t, i, 1, 4)),
    row("LD4 (single, 32-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 101 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 4)),
    row("LD4 (single, 32-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 101 S 00 Rn:5 Rt:5", |t, i| load_lane(t, i, 2, 4)),
    row("LD4 (single, 64-bit)", Feature::AdvSimd, "0 Q 0011010 1 1 00000 101 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 4)),
    row("LD4 (single, 64-bit, post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 101 0 01 Rn:5 Rt:5", |t, i| load_lane(t, i, 3, 4)),
    row("LD1R", Feature::AdvSimd, "0 Q 0011010 1 0 00000 110 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 1)),
    row("LD1R (post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 110 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 1)),
    row("LD2R", Feature::AdvSimd, "0 Q 0011010 1 1 00000 110 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 2)),
    row("LD2R (post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 110 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 2)),
    row("LD3R", Feature::AdvSimd, "0 Q 0011010 1 0 00000 111 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 3)),
    row("LD3R (post-index)", Feature::AdvSimd, "0 Q 0011011 1 0 Rm:5 111 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 3)),
    row("LD4R", Feature::AdvSimd, "0 Q 0011010 1 1 00000 111 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 4)),
    row("LD4R (post-index)", Feature::AdvSimd, "0 Q 0011011 1 1 Rm:5 111 0 size:2 Rn:5 Rt:5", |t, i| load_replicate(t, i, 4)),
];

/// The field `size`: log2 of the lane size in bytes.
fn size(i: Insn) -> u16 {
    i.bits(10, 2) as u16
}

fn mem(size: u16) -> MemArg {
    MemArg {
        size: size as u8,
        ..MemArg::default()
    }
}

/// Writes the base register of a post-index form back: `bytes` further, or by Xm.
fn write_back(t: &mut Translator<'_, '_>, i: Insn, base: Val, bytes: u32) {
    if !i.bit(23) {
        return;
    }
    let base = match i.rm() {
        31 => t.b.add_imm(base, bytes.into()),
        m => {
            let offset = t.x(m);
            t.b.add(base, offset)
        }
    };
    t.set_r_or_sp(i.rn(), base);
}

/// `count` registers from Vt on, wrapping.
fn registers(i: Insn, count: u32) -> impl Iterator<Item = u32> {
    (0..count).map(move |k| (i.rt() + k) % 32)
}

/// Rejects 64-bit lanes in 64-bit vectors, which only LD1 and ST1 have.
fn check_arrangement(i: Insn, structure: u32) -> Option<()> {
    (structure == 1 || i.q() || size(i) != 3).then_some(())
}

fn load_multiple(t: &mut Translator<'_, '_>, i: Insn, count: u32, structure: u32) -> Option<Flow> {
    check_arrangement(i, structure)?;
    let base = t.x_or_sp(i.rn());
    let total = count * if i.q() { 16 } else { 8 };
    let values = if structure == 1 {
        let log2 = if i.q() { 4 } else { 3 };
        (0..i64::from(count))
            .map(|k| t.b.load(Ty::V128, mem(log2), base, NONE, k << log2))
            .collect()
    } else {
        let chunks = (0..total)
            .step_by(16)
            .map(|at| {
                let log2 = if total - at < 16 { 3 } else { 4 };
                t.b.load(Ty::V128, mem(log2), base, NONE, at.into())
            })
            .collect::<Vec<_>>();
        deinterleave(t, i, structure, &chunks)
    };
    write_back(t, i, base, total);
    for (v, value) in registers(i, count).zip(values) {
        t.set_v_q(i.q() || structure == 1, v, value);
    }
    t.next()
}

fn store_multiple(t: &mut Translator<'_, '_>, i: Insn, count: u32, structure: u32) -> Option<Flow> {
    check_arrangement(i, structure)?;
    let base = t.x_or_sp(i.rn());
    let total = count * if i.q() { 16 } else { 8 };
    let values: Vec<Val> = registers(i, count).map(|v| t.v(v)).collect();
    if structure == 1 {
        let log2 = if i.q() { 4 } else { 3 };
        for (k, value) in values.into_iter().enumerate() {
            t.b.store(mem(log2), base, NONE, (k as i64) << log2, value);
        }
    } else {
        let chunks = interleave(t, i, structure, &values);
        for (at, chunk) in (0..total).step_by(16).zip(chunks) {
            let log2 = if total - at < 16 { 3 } else { 4 };
            t.b.store(mem(log2), base, NONE, at.into(), chunk);
        }
    }
    write_back(t, i, base, total);
    t.next()
}

/// The registers of structures of 2, 3 or 4 elements, from memory in chunks of 16 bytes. In the 64-bit forms only the low
/// halves of the results count.
fn deinterleave(t: &mut Translator<'_, '_>, i: Insn, structure: u32, chunks: &[Val]) -> Vec<Val> {
    let lane = size(i);
    let mut split = |a: Val, b: Val| {
        (
            t.vec2(OpCode::VUnzipEven, lane, a, b),
            t.vec2(OpCode::VUnzipOdd, lane, a, b),
        )
    };
    match (structure, chunks) {
        (2, &[a]) => {
            let (even, odd) = split(a, a);
            vec![even, odd]
        }
        (2, &[a, b]) => {
            let (even, odd) = split(a, b);
            vec![even, odd]
        }
        (4, &[a, b]) => {
            let (even, odd) = split(a, b);
            let ((r0, r2), (r1, r3)) = (split(even, even), split(odd, odd));
            vec![r0, r1, r2, r3]
        }
        (4, &[a, b, c, d]) => {
            let ((even0, odd0), (even1, odd1)) = (split(a, b), split(c, d));
            let ((r0, r2), (r1, r3)) = (split(even0, even1), split(odd0, odd1));
            vec![r0, r1, r2, r3]
        }
        _ => {
            let bytes = if i.q() { 16 } else { 8 };
            (0..3)
                .map(|r| {
                    gather(t, chunks, |p| {
                        let (element, byte) = (p >> lane, p & ((1 << lane) - 1));
                        (p < bytes).then_some(((element * 3 + r) << lane) + byte)
                    })
                })
                .collect()
        }
    }
}

/// The inverse of [`deinterleave`].
fn interleave(t: &mut Translator<'_, '_>, i: Insn, structure: u32, values: &[Val]) -> Vec<Val> {
    let lane = size(i);
    let q = i.q();
    let mut merge = |a: Val, b: Val| {
        let low = t.vec2(OpCode::VZipLo, lane, a, b);
        if q {
            vec![low, t.vec2(OpCode::VZipHi, lane, a, b)]
        } else {
            vec![low]
        }
    };
    match *values {
        [a, b] => merge(a, b),
        [a, b, c, d] => {
            let (even, odd) = (merge(a, c), merge(b, d));
            let pairs: Vec<(Val, Val)> = even.into_iter().zip(odd).collect();
            pairs
                .into_iter()
                .flat_map(|(x, y)| {
                    [
                        t.vec2(OpCode::VZipLo, lane, x, y),
                        t.vec2(OpCode::VZipHi, lane, x, y),
                    ]
                })
                .collect()
        }
        _ => {
            debug_assert_eq!(structure, 3);
            let total = if q { 48 } else { 24 };
            (0..total)
                .step_by(16)
                .map(|start| {
                    gather(t, values, |p| {
                        let at = start + p;
                        let (element, byte) = (at >> lane, at & ((1 << lane) - 1));
                        let (register, index) = (element % 3, element / 3);
                        (at < total).then_some(register * 16 + (index << lane) + byte)
                    })
                })
                .collect()
        }
    }
}

/// The vector whose byte `p` is byte `source(p)` of the concatenation of `from`, 16 bytes each, or zero.
fn gather(t: &mut Translator<'_, '_>, from: &[Val], source: impl Fn(u32) -> Option<u32>) -> Val {
    let mut value = None;
    for (k, &v) in from.iter().enumerate() {
        let index = (0..16).fold(0u128, |index, p| {
            let byte = source(p)
                .filter(|at| at / 16 == k as u32)
                .map_or(0xff, |at| at % 16);
            index | u128::from(byte) << (8 * p)
        });
        if index == u128::MAX {
            continue;
        }
        let index = t.b.vconst(index);
        let part = t.vec2(OpCode::VTable, 0, v, index);
        value = Some(match value {
            Some(v) => t.vec2(OpCode::VOr, 0, v, part),
            None => part,
        });
    }
    value.unwrap_or_else(|| t.b.vconst(0))
}

/// The lane that Q, S and size choose.
fn lane_index(i: Insn, lane: u16) -> u16 {
    (i.bits(30, 1) << 3 | i.bits(10, 3)) as u16 >> lane
}

fn int(lane: u16) -> Ty {
    if lane == 3 { Ty::I64 } else { Ty::I32 }
}

fn load_lane(t: &mut Translator<'_, '_>, i: Insn, lane: u16, count: u32) -> Option<Flow> {
    let values = load_elements(t, i, lane, count);
    for (v, value) in registers(i, count).zip(values) {
        let old = t.v(v);
        let code = OpCode::VInsertInt;
        let new =
            t.b.op(code, Ty::V128, &[old, value], lane, lane_index(i, lane));
        t.set_v(v, new);
    }
    t.next()
}

fn load_replicate(t: &mut Translator<'_, '_>, i: Insn, count: u32) -> Option<Flow> {
    let lane = size(i);
    let values = load_elements(t, i, lane, count);
    for (v, value) in registers(i, count).zip(values) {
        let value = t.b.op(OpCode::VDupInt, Ty::V128, &[value], lane, 0);
        t.set_v_q(i.q(), v, value);
    }
    t.next()
}

/// Loads `count` consecutive elements as integers, and updates the base.
fn load_elements(t: &mut Translator<'_, '_>, i: Insn, lane: u16, count: u32) -> Vec<Val> {
    let base = t.x_or_sp(i.rn());
    let values = (0..i64::from(count))
        .map(|k| t.b.load(int(lane), mem(lane), base, NONE, k << lane))
        .collect();
    write_back(t, i, base, count << lane);
    values
}

fn store_lane(t: &mut Translator<'_, '_>, i: Insn, lane: u16, count: u32) -> Option<Flow> {
    let base = t.x_or_sp(i.rn());
    for (k, v) in registers(i, count).enumerate() {
        let v = t.v(v);
        let value =
            t.b.op(OpCode::VToInt, int(lane), &[v], lane, lane_index(i, lane));
        t.b.store(mem(lane), base, NONE, (k as i64) << lane, value);
    }
    write_back(t, i, base, count << lane);
    t.next()
}
