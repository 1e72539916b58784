//! SSE/AVX instructions, all in the VEX encoding of 128 bits: three operands, and the upper halves of the YMM registers stay zero.

use super::{Asm, Mem, NO_TAIL, Reg, Rm, imm8};

/// Opcode of a VEX instruction: mandatory prefix (0 none, 1 66, 2 F3, 3 F2), map (1 0F, 2 0F38, 3 0F3A), opcode byte, W.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VexOp(pub u8, pub u8, pub u8, pub bool);

/// Opcodes by the manual's names.
#[allow(missing_docs)]
pub mod v {
    use super::VexOp;
    const fn i(op: u8) -> VexOp {
        VexOp(1, 1, op, false)
    }
    const fn j(op: u8) -> VexOp {
        VexOp(1, 2, op, false)
    }
    pub const PADD: [VexOp; 4] = [i(0xfc), i(0xfd), i(0xfe), i(0xd4)];
    pub const PSUB: [VexOp; 4] = [i(0xf8), i(0xf9), i(0xfa), i(0xfb)];
    pub const PCMPEQ: [VexOp; 4] = [i(0x74), i(0x75), i(0x76), j(0x29)];
    pub const PCMPGT: [VexOp; 4] = [i(0x64), i(0x65), i(0x66), j(0x37)];
    pub const PMINS: [VexOp; 3] = [j(0x38), i(0xea), j(0x39)];
    pub const PMINU: [VexOp; 3] = [i(0xda), j(0x3a), j(0x3b)];
    pub const PMAXS: [VexOp; 3] = [j(0x3c), i(0xee), j(0x3d)];
    pub const PMAXU: [VexOp; 3] = [i(0xde), j(0x3e), j(0x3f)];
    pub const PABS: [VexOp; 3] = [j(0x1c), j(0x1d), j(0x1e)];
    pub const PADDS: [VexOp; 2] = [i(0xec), i(0xed)];
    pub const PADDUS: [VexOp; 2] = [i(0xdc), i(0xdd)];
    pub const PSUBS: [VexOp; 2] = [i(0xe8), i(0xe9)];
    pub const PSUBUS: [VexOp; 2] = [i(0xd8), i(0xd9)];
    pub const PAVG: [VexOp; 2] = [i(0xe0), i(0xe3)];
    pub const PSADBW: VexOp = i(0xf6);
    pub const PUNPCKL: [VexOp; 4] = [i(0x60), i(0x61), i(0x62), i(0x6c)];
    pub const PUNPCKH: [VexOp; 4] = [i(0x68), i(0x69), i(0x6a), i(0x6d)];
    pub const PMOVZX: [VexOp; 3] = [j(0x30), j(0x33), j(0x35)];
    pub const PMOVSX: [VexOp; 3] = [j(0x20), j(0x23), j(0x25)];
    pub const PBROADCAST: [VexOp; 4] = [j(0x78), j(0x79), j(0x58), j(0x59)];
    pub const PMULLW: VexOp = i(0xd5);
    pub const PMULLD: VexOp = j(0x40);
    pub const PMULUDQ: VexOp = i(0xf4);
    pub const PMULDQ: VexOp = j(0x28);
    pub const PAND: VexOp = i(0xdb);
    pub const PANDN: VexOp = i(0xdf);
    pub const POR: VexOp = i(0xeb);
    pub const PXOR: VexOp = i(0xef);
    pub const PHADDW: VexOp = j(0x01);
    pub const PHADDD: VexOp = j(0x02);
    pub const PSHUFB: VexOp = j(0x00);
    pub const PALIGNR: VexOp = VexOp(1, 3, 0x0f, false);
    pub const PBLENDW: VexOp = VexOp(1, 3, 0x0e, false);
    pub const PBLENDD: VexOp = VexOp(1, 3, 0x02, false);
    pub const BLENDVPD: VexOp = VexOp(1, 3, 0x4b, false);
    pub const SHUFPS: VexOp = VexOp(0, 1, 0xc6, false);
    pub const INSERTPS: VexOp = VexOp(1, 3, 0x21, false);
    pub const PTEST: VexOp = j(0x17);
    pub const BLENDVPS: VexOp = VexOp(1, 3, 0x4a, false);
    pub const PSHUFD: VexOp = i(0x70);
    pub const PMOVSXBQ: VexOp = j(0x22);
    /// Shifts by lane of 4 and 8 bytes.
    pub const PSLLV: [VexOp; 2] = [j(0x47), VexOp(1, 2, 0x47, true)];
    pub const PSRLV: [VexOp; 2] = [j(0x45), VexOp(1, 2, 0x45, true)];
    pub const PSRAVD: VexOp = j(0x46);
    pub const CVTPS2PD: VexOp = VexOp(0, 1, 0x5a, false);
    pub const CVTPD2PS: VexOp = i(0x5a);
    pub const CVTPS2DQ: VexOp = i(0x5b);
    pub const CVTTPS2DQ: VexOp = VexOp(2, 1, 0x5b, false);
    pub const PCLMULQDQ: VexOp = VexOp(1, 3, 0x44, false);
    pub const AESENC: VexOp = j(0xdc);
    pub const AESENCLAST: VexOp = j(0xdd);
    pub const AESDECLAST: VexOp = j(0xdf);
    pub const AESIMC: VexOp = j(0xdb);
    /// Low quadword, upper half zero.
    pub const MOVQ: VexOp = VexOp(2, 1, 0x7e, false);
    /// Merges the low quadword.
    pub const MOVSD: VexOp = VexOp(3, 1, 0x10, false);
    pub const MOVAPS: VexOp = VexOp(0, 1, 0x28, false);
    pub const MOVUPS: VexOp = VexOp(0, 1, 0x10, false);
    pub const CVTDQ2PS: VexOp = VexOp(0, 1, 0x5b, false);
    pub const CVTSD2SS: VexOp = VexOp(3, 1, 0x5a, false);
    pub const CVTSS2SD: VexOp = VexOp(2, 1, 0x5a, false);

    /// `add` 58, `mul` 59, `sub` 5C, `min` 5D, `div` 5E, `max` 5F, `sqrt` 51: scalar or packed, of lane size 2 or 3.
    pub const fn fp(op: u8, lane: u16, scalar: bool) -> VexOp {
        let pp = match (scalar, lane) {
            (true, 2) => 2,
            (true, _) => 3,
            (false, 2) => 0,
            (false, _) => 1,
        };
        VexOp(pp, 1, op, false)
    }

    /// `cmpps`, `cmppd` (with a predicate).
    pub const fn cmp(lane: u16) -> VexOp {
        fp(0xc2, lane, false)
    }

    /// `ucomis` (quiet) or `comis`.
    pub const fn comis(lane: u16, signaling: bool) -> VexOp {
        VexOp(
            if lane == 2 { 0 } else { 1 },
            1,
            if signaling { 0x2f } else { 0x2e },
            false,
        )
    }

    /// `vfmadd231` (B8/B9), `vfmsub231` (BA/BB), `vfnmadd231` (BC/BD), `vfnmsub231` (BE/BF).
    pub const fn fma231(negate: u16, lane: u16, scalar: bool) -> VexOp {
        let op = match negate & 3 {
            0 => 0xb8,
            1 => 0xbc,
            2 => 0xba,
            _ => 0xbe,
        };
        VexOp(1, 2, if scalar { op + 1 } else { op }, lane == 3)
    }

    /// `roundss`, `roundsd`
    pub const fn round_scalar(lane: u16) -> VexOp {
        VexOp(1, 3, if lane == 2 { 0x0a } else { 0x0b }, false)
    }

    /// `roundps`, `roundpd`
    pub const fn round_packed(lane: u16) -> VexOp {
        VexOp(1, 3, if lane == 2 { 0x08 } else { 0x09 }, false)
    }

    /// `cvtsi2ss`, `cvtsi2sd`
    pub const fn from_int(lane: u16, wide: bool) -> VexOp {
        VexOp(if lane == 2 { 2 } else { 3 }, 1, 0x2a, wide)
    }

    /// `cvttss2si` (truncating) or `cvtss2si`, and the forms of double precision.
    pub const fn to_int(lane: u16, wide: bool, truncate: bool) -> VexOp {
        VexOp(
            if lane == 2 { 2 } else { 3 },
            1,
            if truncate { 0x2c } else { 0x2d },
            wide,
        )
    }
}

/// Instructions of the SHA extensions with two operands, by the last byte of their opcode; the first is also the destination.
/// They have no VEX encoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Sha {
    /// `sha1msg2`
    Msg2Of1 = 0xca,
    /// `sha256rnds2`, with the schedule in XMM0.
    Rounds2Of256 = 0xcb,
    /// `sha256msg1`
    Msg1Of256 = 0xcc,
    /// `sha256msg2`
    Msg2Of256 = 0xcd,
}

impl Asm {
    /// Of the SHA extensions.
    pub fn sha(&mut self, op: Sha, dst: Reg, src: Reg) {
        self.legacy(0, 2, op as u8, false, dst, src.into(), false, NO_TAIL);
    }

    /// `sha1rnds4 dst, src, part`
    pub fn sha1rnds4(&mut self, dst: Reg, src: Reg, part: u8) {
        self.legacy(0, 3, 0xcc, false, dst, src.into(), false, imm8(part));
    }

    /// `op dst, a, b`
    pub fn v3(&mut self, op: VexOp, dst: Reg, a: Reg, b: impl Into<Rm>) {
        self.vex(op.0, op.1, op.2, op.3, dst, a, b.into(), NO_TAIL);
    }

    /// `op dst, a, b, imm`
    pub fn v3i(&mut self, op: VexOp, dst: Reg, a: Reg, b: impl Into<Rm>, imm: u8) {
        self.vex(op.0, op.1, op.2, op.3, dst, a, b.into(), imm8(imm));
    }

    /// `op dst, a`
    pub fn v2(&mut self, op: VexOp, dst: Reg, a: impl Into<Rm>) {
        self.vex(op.0, op.1, op.2, op.3, dst, 0, a.into(), NO_TAIL);
    }

    /// Shift of each lane by a constant: groups 12 to 14. `kind`: 2 logical right, 4 arithmetic right, 6 left; lane size 1 to 3.
    pub fn vshift_imm(&mut self, lane: u16, kind: u8, dst: Reg, a: Reg, n: u8) {
        self.vex(1, 1, 0x70 + lane as u8, false, kind, dst, a.into(), imm8(n));
    }

    /// `vpsrldq` (`left` false) or `vpslldq`: shift of the whole vector by bytes.
    pub fn vshift_bytes(&mut self, left: bool, dst: Reg, a: Reg, n: u8) {
        let kind = if left { 7 } else { 3 };
        self.vex(1, 1, 0x73, false, kind, dst, a.into(), imm8(n));
    }

    /// Full copy between registers.
    pub fn vmov(&mut self, dst: Reg, src: Reg) {
        if dst != src {
            self.v2(v::MOVAPS, dst, src);
        }
    }

    /// Load of 16 bytes.
    pub fn vload(&mut self, dst: Reg, m: Mem) {
        self.v2(v::MOVUPS, dst, m);
    }

    /// Load of 4 or 8 bytes, the rest zero.
    pub fn vload_low(&mut self, size: u8, dst: Reg, m: Mem) {
        if size == 2 {
            self.vex(1, 1, 0x6e, false, dst, 0, m.into(), NO_TAIL);
        } else {
            self.v2(v::MOVQ, dst, m);
        }
    }

    /// Store of the low 1 << `size` bytes, `size` 0 to 4.
    pub fn vstore(&mut self, size: u8, m: Mem, src: Reg) {
        match size {
            0 => self.vex(1, 3, 0x14, false, src, 0, m.into(), imm8(0)),
            1 => self.vex(1, 3, 0x15, false, src, 0, m.into(), imm8(0)),
            2 => self.vex(1, 1, 0x7e, false, src, 0, m.into(), NO_TAIL),
            3 => self.vex(1, 1, 0xd6, false, src, 0, m.into(), NO_TAIL),
            _ => self.vex(0, 1, 0x11, false, src, 0, m.into(), NO_TAIL),
        }
    }

    /// Integer register to lane 0, the rest zero.
    pub fn vfrom_gpr(&mut self, w: bool, dst: Reg, src: Reg) {
        self.vex(1, 1, 0x6e, w, dst, 0, src.into(), NO_TAIL);
    }

    /// Lane 0 to an integer register.
    pub fn vto_gpr(&mut self, w: bool, dst: Reg, src: Reg) {
        self.vex(1, 1, 0x7e, w, src, 0, dst.into(), NO_TAIL);
    }

    /// `pextrb`, `pextrw`, `pextrd`, `pextrq`: zero-extended.
    pub fn vextract(&mut self, size: u8, dst: Reg, src: Reg, lane: u8) {
        let op = [0x14, 0x15, 0x16, 0x16][size as usize & 3];
        self.vex(1, 3, op, size == 3, src, 0, dst.into(), imm8(lane));
    }

    /// `pinsrb`, `pinsrw`, `pinsrd`, `pinsrq`
    pub fn vinsert(&mut self, size: u8, dst: Reg, a: Reg, src: Reg, lane: u8) {
        match size {
            0 => self.vex(1, 3, 0x20, false, dst, a, src.into(), imm8(lane)),
            1 => self.vex(1, 1, 0xc4, false, dst, a, src.into(), imm8(lane)),
            _ => self.vex(1, 3, 0x22, size == 3, dst, a, src.into(), imm8(lane)),
        }
    }

    /// `blendvpd`, `pblendvb`-style: `mask` chooses `b` over `a`.
    pub fn vblendv(&mut self, op: VexOp, dst: Reg, a: Reg, b: Reg, mask: Reg) {
        self.vex(op.0, op.1, op.2, op.3, dst, a, b.into(), imm8(mask << 4));
    }
}
