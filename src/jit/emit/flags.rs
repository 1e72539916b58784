//! The guest's flags in the host's: comparisons and their users share EFLAGS; the state's copy is written only when it must be.

use super::alloc::Src;
use super::{Emitter, Result};
use crate::ir::{Block, Cmp, Cond, CpuState, NONE, Op, OpCode, Ty};
use crate::jit::analysis::FLAGS_AFTER;
use crate::jit::regs::{NO_HOST, state};
use crate::jit::x64::gpr::RAX;
use crate::jit::x64::{Alu, Asm, Cc, Mem, Reg, Shift};
use std::mem::offset_of;

/// How EFLAGS holds the guest's flags. The numbers are what the side table stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Form {
    /// Not at all: they are in the state.
    State = 0,
    /// CF is the inverted C, as after a subtraction.
    Sub = 1,
    /// CF is C, as after an addition, and after a logical operation, which clears both.
    Add = 2,
    /// As `ucomis` leaves them: ZF, PF, CF say equal, unordered, less.
    Fp = 3,
}

/// Where the guest's flags are.
#[derive(Clone, Copy, Debug)]
pub struct Flags {
    /// How EFLAGS holds them.
    pub form: Form,
    /// Whether the state has them too.
    pub saved: bool,
}

impl Flags {
    /// In the state only.
    pub const STATE: Flags = Flags {
        form: Form::State,
        saved: true,
    };

    /// The form from which the state's copy would have to be written.
    pub fn unsaved(self) -> Form {
        if self.saved { Form::State } else { self.form }
    }
}

/// A guest condition as tests of EFLAGS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// Always.
    Always,
    /// One condition.
    One(Cc),
    /// Both.
    And(Cc, Cc),
    /// Either.
    Or(Cc, Cc),
}

/// The state's flags, 16 bits.
pub fn flags_mem() -> Mem {
    state(offset_of!(CpuState, flags))
}

/// The byte with N, Z and inverted C.
fn high_byte() -> Mem {
    state(offset_of!(CpuState, flags) + 1)
}

/// Writes flags held as `form` to the state; destroys RAX, and leaves the host flags as `Sub` unless the form is `Fp`.
pub fn write_state_flags(asm: &mut Asm, form: Form, constants: super::call::FlagConstants) {
    match form {
        Form::State => return,
        Form::Sub | Form::Add => {
            if form == Form::Add {
                asm.cmc();
            }
            asm.store_flags(flags_mem());
            return;
        }
        Form::Fp => {
            // Unordered sets ZF, PF and CF: tested last.
            asm.mov_imm(RAX, 0);
            asm.cmov(Cc::E, false, RAX, constants.equal);
            asm.cmov(Cc::B, false, RAX, constants.less);
            asm.cmov(Cc::P, false, RAX, constants.unordered);
        }
    }
    asm.store(1, flags_mem(), RAX);
}

/// The packed flags that EFLAGS holds in the form with number `form`; `None` when the state has them.
pub fn packed_flags(form: u8, eflags: u64) -> Option<u16> {
    let bit = |n: u32| (eflags >> n & 1) as u16;
    let (cf, pf, zf, sf, of) = (bit(0), bit(2), bit(6), bit(7), bit(11));
    Some(match form {
        1 => sf << 15 | zf << 14 | cf << 8 | of,
        2 => sf << 15 | zf << 14 | (cf ^ 1) << 8 | of,
        3 if pf != 0 => 0x0001,
        3 if zf != 0 => 0x4000,
        3 if cf != 0 => 0x8100,
        3 => 0,
        _ => return None,
    })
}

/// The condition code of an integer comparison.
pub fn cmp_cc(cmp: Cmp) -> Cc {
    match cmp {
        Cmp::Eq => Cc::E,
        Cmp::Ne => Cc::Ne,
        Cmp::LtU => Cc::B,
        Cmp::LeU => Cc::Be,
        Cmp::LtS => Cc::L,
        Cmp::LeS => Cc::Le,
        Cmp::GtU => Cc::A,
        Cmp::GeU => Cc::Ae,
        Cmp::GtS => Cc::G,
        Cmp::GeS => Cc::Ge,
    }
}

/// The condition code of a guest condition on flags held as `Sub`.
fn sub_cc(cond: Cond) -> Option<Cc> {
    Some(match cond {
        Cond::Eq => Cc::E,
        Cond::Ne => Cc::Ne,
        Cond::Cs => Cc::Ae,
        Cond::Cc => Cc::B,
        Cond::Mi => Cc::S,
        Cond::Pl => Cc::Ns,
        Cond::Vs => Cc::O,
        Cond::Vc => Cc::No,
        Cond::Hi => Cc::A,
        Cond::Ls => Cc::Be,
        Cond::Ge => Cc::Ge,
        Cond::Lt => Cc::L,
        Cond::Gt => Cc::G,
        Cond::Le => Cc::Le,
        Cond::Al | Cond::Nv => return None,
    })
}

/// Tests for a guest condition on flags held as `Fp` (NZCV: less 8, equal 6, greater 2, unordered 3).
fn fp_test(cond: Cond) -> Test {
    use Test::*;
    match cond {
        Cond::Eq => And(Cc::E, Cc::Np),
        Cond::Ne => Or(Cc::Ne, Cc::P),
        Cond::Cs | Cond::Pl => Or(Cc::Ae, Cc::P),
        Cond::Cc | Cond::Mi => And(Cc::B, Cc::Np),
        Cond::Hi => Or(Cc::A, Cc::P),
        Cond::Ls => And(Cc::Be, Cc::Np),
        Cond::Vs => One(Cc::P),
        Cond::Vc => One(Cc::Np),
        Cond::Ge => One(Cc::Ae),
        Cond::Lt => One(Cc::B),
        Cond::Gt => One(Cc::A),
        Cond::Le => One(Cc::Be),
        Cond::Al | Cond::Nv => Always,
    }
}

impl Emitter {
    /// Writes the guest's flags to the state if they are only in EFLAGS. Host flags are undefined after it unless the form stays.
    pub(super) fn save_flags(&mut self) -> Result {
        if self.flags.saved {
            return Ok(());
        }
        let locked = self.locked;
        self.take(RAX)?;
        self.locked = locked;
        let form = self.flags.form;
        let constants = self.flag_constants();
        write_state_flags(&mut self.asm, form, constants);
        self.flags = Flags {
            form: if form == Form::Fp { form } else { Form::Sub },
            saved: true,
        };
        Ok(())
    }

    /// The guest's flags are now in EFLAGS only.
    pub(super) fn flags_in_host(&mut self, form: Form) {
        self.flags = Flags { form, saved: false };
    }

    /// EFLAGS no longer has the guest's flags; the state has them, or nobody needs them.
    pub(super) fn host_flags_gone(&mut self) {
        self.flags = Flags::STATE;
    }

    /// Loads the state's flags into EFLAGS as `Sub`.
    fn load_flags(&mut self) -> Result {
        let locked = self.locked;
        self.take(RAX)?;
        self.locked = locked;
        self.asm.load(false, 1, false, RAX, flags_mem());
        // V is bit 0: 1 + 7fh overflows, 0 + 7fh does not.
        self.asm.add_al(0x7f);
        self.asm.sahf();
        self.flags = Flags {
            form: Form::Sub,
            saved: true,
        };
        Ok(())
    }

    /// Makes EFLAGS ready for a test of `cond`. Values may move to other registers.
    pub(super) fn test_cond(&mut self, cond: Cond) -> Result<Test> {
        let Some(cc) = sub_cc(cond) else {
            return Ok(Test::Always);
        };
        match self.flags.form {
            Form::Fp => return Ok(fp_test(cond)),
            Form::Sub => return Ok(Test::One(cc)),
            Form::Add => match cond {
                Cond::Cs => return Ok(Test::One(Cc::B)),
                Cond::Cc => return Ok(Test::One(Cc::Ae)),
                Cond::Hi | Cond::Ls => {
                    self.asm.cmc();
                    self.flags.form = Form::Sub;
                }
                _ => {}
            },
            Form::State => {
                let (m, bit, set) = match cond {
                    Cond::Eq | Cond::Ne => (high_byte(), 0x40, cond == Cond::Eq),
                    Cond::Mi | Cond::Pl => (high_byte(), 0x80, cond == Cond::Mi),
                    Cond::Cs | Cond::Cc => (high_byte(), 1, cond == Cond::Cc),
                    Cond::Vs | Cond::Vc => (flags_mem(), 1, cond == Cond::Vs),
                    _ => {
                        self.load_flags()?;
                        return Ok(Test::One(cc));
                    }
                };
                self.asm.test_imm8(m, bit);
                return Ok(Test::One(if set { Cc::Ne } else { Cc::E }));
            }
        }
        Ok(Test::One(cc))
    }

    /// CF := the guest's carry, or its inverse. EFLAGS holds nothing else of the guest's after it.
    fn load_carry(&mut self, inverted: bool) {
        let have_inverted = match self.flags.form {
            Form::Sub => true,
            Form::Add => false,
            // After a floating-point comparison C is "not less": CF and not PF is less; the state's copy is simpler.
            Form::Fp | Form::State => {
                self.asm.bt_imm(false, flags_mem(), 8);
                true
            }
        };
        if have_inverted != inverted {
            self.asm.cmc();
        }
    }

    pub(super) fn flag_op(&mut self, b: &Block, op: &Op) -> Result {
        let used = self.values[self.at].last_use != 0;
        match op.code {
            OpCode::AddF | OpCode::AdcF | OpCode::Adc => self.add_with_flags(b, op),
            OpCode::SubF | OpCode::SbcF | OpCode::Sbc => self.sub_with_flags(b, op, used),
            OpCode::AndF => self.and_with_flags(b, op, used),
            OpCode::SetNzcv => {
                let a = self.gpr(b, op.a)?;
                self.kill(op);
                let t = self.alloc_gpr()?;
                let m = self.alloc_gpr()?;
                self.asm.rorx(false, t, a, 28);
                self.asm.mov_imm(m, 0xc101);
                // Bits N, Z, C, V to 15, 14, 8, 0; C is kept inverted.
                self.asm.pdep(false, t, t, m);
                self.asm.alu_imm(Alu::Xor, false, t, 0x100);
                self.asm.store(1, flags_mem(), t);
                self.host_flags_gone();
                Ok(())
            }
            OpCode::GetNzcv => {
                self.save_flags()?;
                let d = self.def_gpr_early()?;
                let m = self.alloc_gpr()?;
                self.asm.load(false, 1, false, d, flags_mem());
                self.asm.mov_imm(m, 0xc101);
                self.asm.pext(false, d, d, m);
                self.asm.alu_imm(Alu::Xor, false, d, 2);
                self.asm.shift_imm(Shift::Shl, false, d, 28);
                self.host_flags_gone();
                self.set_zero(1);
                Ok(())
            }
            OpCode::CondValue => self.cond_value(op),
            OpCode::CondSelect => self.cond_select(b, op),
            _ => self.cond_compare(b, op),
        }
    }

    fn add_with_flags(&mut self, b: &Block, op: &Op) -> Result {
        let carry_in = op.code != OpCode::AddF;
        let keeps_flags = op.code == OpCode::Adc && self.values[self.at].is(FLAGS_AFTER);
        if keeps_flags || carry_in && self.flags.form == Form::Fp {
            self.save_flags()?;
        }
        let w = op.ty == Ty::I64;
        let (mut x, mut y) = (op.a, op.b);
        if self.constant(b, x).is_some() {
            (x, y) = (y, x);
        }
        let src = self.src(b, y, op.ty)?;
        let avoid = register_of(&src);
        self.lock_operand(x);
        let d = self.def_from(b, op, x, op.ty, avoid)?;
        if carry_in {
            self.load_carry(false);
        }
        let alu = if carry_in { Alu::Adc } else { Alu::Add };
        self.alu_src(alu, w, d, src);
        self.set_zero(u8::from(!w));
        if op.code == OpCode::Adc {
            self.host_flags_gone();
        } else {
            self.flags_in_host(Form::Add);
        }
        Ok(())
    }

    fn sub_with_flags(&mut self, b: &Block, op: &Op, used: bool) -> Result {
        let carry_in = op.code != OpCode::SubF;
        let keeps_flags = op.code == OpCode::Sbc && self.values[self.at].is(FLAGS_AFTER);
        if keeps_flags || carry_in && self.flags.form == Form::Fp {
            self.save_flags()?;
        }
        let w = op.ty == Ty::I64;
        if !used && !carry_in {
            self.emit_cmp(b, op)?;
            self.kill(op);
            self.flags_in_host(Form::Sub);
            return Ok(());
        }
        let src = self.src(b, op.b, op.ty)?;
        self.lock_operand(op.a);
        let d = self.def_from(b, op, op.a, op.ty, register_of(&src))?;
        if carry_in {
            self.load_carry(true);
        }
        let alu = if carry_in { Alu::Sbb } else { Alu::Sub };
        self.alu_src(alu, w, d, src);
        self.set_zero(u8::from(!w));
        if op.code == OpCode::Sbc {
            self.host_flags_gone();
        } else {
            self.flags_in_host(Form::Sub);
        }
        Ok(())
    }

    fn and_with_flags(&mut self, b: &Block, op: &Op, used: bool) -> Result {
        let w = op.ty == Ty::I64;
        let (mut x, mut y) = (op.a, op.b);
        if self.constant(b, x).is_some() {
            (x, y) = (y, x);
        }
        if !used {
            match self.src(b, y, op.ty)? {
                Src::Imm(imm) => {
                    let a = self.gpr(b, x)?;
                    self.asm.test_imm(w, a, imm);
                }
                Src::Rm(m) => {
                    let a = self.gpr(b, x)?;
                    self.asm.test(w, m, a);
                }
            }
            self.kill(op);
        } else {
            let src = self.src(b, y, op.ty)?;
            self.lock_operand(x);
            let d = self.def_from(b, op, x, op.ty, register_of(&src))?;
            self.alu_src(Alu::And, w, d, src);
            self.set_zero(u8::from(!w));
        }
        self.flags_in_host(Form::Add);
        Ok(())
    }

    /// Keeps the register of an operand from being given away before it is read.
    pub(super) fn lock_operand(&mut self, v: u16) {
        if v != NONE {
            let r = self.reg_of(v);
            if r != NO_HOST {
                self.lock(r);
            }
        }
    }

    pub(super) fn alu_src(&mut self, alu: Alu, w: bool, d: Reg, src: Src) {
        match src {
            Src::Imm(imm) => self.asm.alu_imm(alu, w, d, imm),
            Src::Rm(rm) => self.asm.alu(alu, w, d, rm),
        }
    }

    /// `cmp a, b` with the operands of `op`; the caller ends their lives.
    pub(super) fn emit_cmp(&mut self, b: &Block, op: &Op) -> Result {
        self.emit_cmp_values(b, op.a, op.b, op.ty)
    }

    /// `cmp x, y` of type `ty`.
    pub(super) fn emit_cmp_values(&mut self, b: &Block, x: u16, y: u16, ty: Ty) -> Result {
        let w = ty == Ty::I64;
        let a = self.gpr(b, x)?;
        match self.src(b, y, ty)? {
            Src::Imm(0) => self.asm.test(w, a, a),
            Src::Imm(imm) => self.asm.alu_imm(Alu::Cmp, w, a, imm),
            Src::Rm(rm) => self.asm.alu(Alu::Cmp, w, a, rm),
        }
        Ok(())
    }

    fn cond_value(&mut self, op: &Op) -> Result {
        let test = self.test_cond(Cond::from_bits(op.aux.into()))?;
        let d = self.def_gpr_early()?;
        match test {
            Test::Always => self.asm.mov_imm(d, 1),
            Test::One(cc) => {
                self.asm.setcc(cc, d);
                self.asm.load(false, 0, false, d, d);
            }
            // Moves only: the flags may be needed again.
            Test::And(x, y) => {
                let t = self.alloc_gpr()?;
                self.asm.mov_imm(d, 1);
                self.asm.mov_imm(t, 0);
                self.asm.cmov(x.invert(), false, d, t);
                self.asm.cmov(y.invert(), false, d, t);
            }
            Test::Or(x, y) => {
                let t = self.alloc_gpr()?;
                self.asm.mov_imm(d, 0);
                self.asm.mov_imm(t, 1);
                self.asm.cmov(x, false, d, t);
                self.asm.cmov(y, false, d, t);
            }
        }
        self.set_zero(1);
        Ok(())
    }

    fn cond_select(&mut self, b: &Block, op: &Op) -> Result {
        let test = self.test_cond(Cond::from_bits(op.aux.into()))?;
        self.select_by(b, op, test)
    }

    /// Value of the current op := `test` ? `a` : `b`. Flags stay.
    pub(super) fn select_by(&mut self, b: &Block, op: &Op, test: Test) -> Result {
        if op.ty.is_vector() {
            let x = self.xmm(b, op.a)?;
            let y = self.xmm(b, op.b)?;
            let d = self.def_xmm_early()?;
            self.asm.vmov(d, y);
            match test {
                Test::Always => self.asm.vmov(d, x),
                Test::One(cc) => {
                    let skip = self.asm.jcc8(cc.invert());
                    self.asm.vmov(d, x);
                    self.asm.bind(skip);
                }
                Test::And(p, q) => {
                    let skip = self.asm.jcc8(p.invert());
                    let skip2 = self.asm.jcc8(q.invert());
                    self.asm.vmov(d, x);
                    self.asm.bind(skip);
                    self.asm.bind(skip2);
                }
                Test::Or(p, q) => {
                    let take = self.asm.jcc8(p);
                    let skip = self.asm.jcc8(q.invert());
                    self.asm.bind(take);
                    self.asm.vmov(d, x);
                    self.asm.bind(skip);
                }
            }
            self.kill(op);
            return Ok(());
        }
        let w = op.ty == Ty::I64;
        // The value that stays when no move happens, the other one, and the conditions that move it.
        let (stay, other, ccs) = match test {
            Test::Always => (op.a, op.a, [None, None]),
            Test::One(cc) => {
                // Prefer to start from the operand that is already where the result goes.
                let hint = self.values[self.at].hint;
                if hint != NO_HOST && self.is_in(op.a, hint) && self.constant(b, op.b).is_none() {
                    (op.a, op.b, [Some(cc.invert()), None])
                } else {
                    (op.b, op.a, [Some(cc), None])
                }
            }
            Test::And(p, q) => (op.a, op.b, [Some(p.invert()), Some(q.invert())]),
            Test::Or(p, q) => (op.b, op.a, [Some(p), Some(q)]),
        };
        let source = self.gpr(b, other)?;
        self.lock_operand(stay);
        let d = self.def_from(b, op, stay, op.ty, source)?;
        for cc in ccs.into_iter().flatten() {
            self.asm.cmov(cc, w, d, source);
        }
        self.set_zero(u8::from(!w));
        Ok(())
    }

    /// EFLAGS := NZCV constant, as `Sub` or `Add`; destroys RAX.
    fn constant_flags(&mut self, nzcv: u16, form: Form) {
        let (n, z, c, v) = (nzcv >> 3 & 1, nzcv >> 2 & 1, nzcv >> 1 & 1, nzcv & 1);
        let cf = if form == Form::Sub { c ^ 1 } else { c };
        let ax = (n << 7 | z << 6 | cf) << 8 | v;
        self.asm.mov_imm(RAX, ax.into());
        self.asm.add_al(0x7f);
        self.asm.sahf();
    }

    fn cond_compare(&mut self, b: &Block, op: &Op) -> Result {
        let add = op.aux2 & 16 != 0;
        let form = if add { Form::Add } else { Form::Sub };
        let w = op.ty == Ty::I64;
        self.take(RAX)?;
        // Everything that may emit moves of values comes before the branch.
        let x = self.gpr(b, op.a)?;
        let src = self.src(b, op.b, op.ty)?;
        let test = self.test_cond(Cond::from_bits(op.aux.into()))?;
        let mut fails = Vec::new();
        match test {
            Test::Always => {}
            Test::One(cc) => fails.push(self.asm.jcc32(cc.invert())),
            Test::And(p, q) => {
                fails.push(self.asm.jcc32(p.invert()));
                fails.push(self.asm.jcc32(q.invert()));
            }
            Test::Or(p, q) => {
                let holds = self.asm.jcc8(p);
                fails.push(self.asm.jcc32(q.invert()));
                self.asm.bind(holds);
            }
        }
        if add {
            self.asm.mov(w, RAX, x);
            self.alu_src(Alu::Add, w, RAX, src);
        } else {
            self.alu_src(Alu::Cmp, w, x, src);
        }
        if !fails.is_empty() {
            let done = self.asm.jmp8();
            for at in fails {
                self.asm.bind32(at);
            }
            self.constant_flags(op.aux2 & 15, form);
            self.asm.bind(done);
        }
        self.kill(op);
        self.flags_in_host(form);
        Ok(())
    }
}

/// The register of a source operand, to be kept while the result is being put together.
pub(super) fn register_of(src: &Src) -> u8 {
    match src {
        Src::Rm(crate::jit::x64::Rm::R(r)) => *r,
        _ => NO_HOST,
    }
}
