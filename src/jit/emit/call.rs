//! Calls out of generated code: helpers of the ISA, ops without code of their own, cold paths of floating point.
//!
//! Operands go to [`CpuState::vargs`], the address of a [`Descriptor`] to the frame; a stub keeps every register. So a call can
//! stand anywhere, and the cold path of an op needs nothing but the operands' registers.

use super::{Emitter, Result};
use crate::ir::{
    Access, Block, CpuState, FpRules, HelperFn, NONE, NanRule, Op, OpCode, Ty, WatchSet, exec,
};
use crate::jit::regs::{NO_HOST, XMM, frame, state};
use crate::jit::x64::gpr::RSP;
use crate::jit::x64::{Mem, Reg};
use std::mem::offset_of;
use std::sync::Arc;

/// What a stub calls.
#[derive(Debug)]
pub enum Descriptor {
    /// The reference semantics of an op.
    Exec {
        /// The op.
        op: Op,
        /// The block's floating-point rules.
        rules: FpRules,
    },
    /// A helper of the ISA with its immediate.
    Helper {
        /// Its function.
        func: HelperFn,
        /// The op's immediate.
        imm: u64,
        /// The block's floating-point rules.
        rules: FpRules,
    },
    /// Whether an access meets a watched range: 0 if not.
    Watch {
        /// What is watched.
        set: Arc<WatchSet>,
        /// To be added to the operand for the address.
        bias: u64,
        /// Bytes accessed.
        len: u64,
        /// How.
        access: Access,
        /// The block's floating-point rules.
        rules: FpRules,
    },
}

/// Descriptors at addresses that code names: a vector may move, what it points to does not.
#[allow(clippy::vec_box)]
pub type Descriptors = Vec<Box<Descriptor>>;

/// MXCSR with every exception masked and none raised, by rounding mode (0 nearest even, 1 up, 2 down, 3 zero).
pub const MXCSR: [u32; 4] = [0x1f80, 0x5f80, 0x3f80, 0x7f80];

/// The IEEE exceptions ([`crate::ir::fp_flag`]) in MXCSR's flag bits. The invalid flag is x86's opinion of which NaNs signal:
/// with MIPS's inverted quiet bit only the cold paths know, and they raise it themselves.
pub fn raised(mxcsr: u32, rules: FpRules) -> u32 {
    let invalid = if rules.nan == NanRule::MipsLegacy {
        0
    } else {
        mxcsr & 1
    };
    invalid | (mxcsr >> 1 & 0x1e)
}

/// Called by the stubs with the operands in `vargs`; returns the MXCSR to go on with.
///
/// # Safety
/// `descriptor` is one that a block in the code cache names.
pub unsafe extern "sysv64" fn call_out(
    cpu: &mut CpuState,
    descriptor: *const Descriptor,
    mxcsr: u32,
) -> u32 {
    // SAFETY: the cache keeps descriptors as long as the code that names them.
    match unsafe { &*descriptor } {
        Descriptor::Exec { op, rules } => {
            cpu.fp_flags |= raised(mxcsr, *rules);
            let [a, b, c, _] = cpu.vargs;
            cpu.vargs[0] = exec(cpu, *rules, op, a, b, c).unwrap_or(0);
        }
        Descriptor::Helper { func, imm, rules } => {
            cpu.fp_flags |= raised(mxcsr, *rules);
            match func {
                HelperFn::Int(f) => {
                    let [a, b, c, _] = cpu.vargs;
                    cpu.vargs[0] = f(cpu, a as u64, b as u64, c as u64, *imm).into();
                }
                HelperFn::Vec(f) => f(cpu, *imm),
            }
        }
        Descriptor::Watch {
            set,
            bias,
            len,
            access,
            rules,
        } => {
            cpu.fp_flags |= raised(mxcsr, *rules);
            let addr = (cpu.vargs[0] as u64).wrapping_add(*bias);
            cpu.vargs[0] = set.find(addr, *len, *access).is_some().into();
        }
    }
    MXCSR[cpu.fp_round as usize & 3]
}

/// Constants that the conversion of floating-point comparisons to packed flags reads.
#[derive(Clone, Copy)]
pub struct FlagConstants {
    /// Z and C.
    pub equal: Mem,
    /// N.
    pub less: Mem,
    /// C and V.
    pub unordered: Mem,
}

/// An op's slow path, emitted after the block.
pub struct Cold {
    /// Fields of the jumps to it.
    pub fields: [usize; 3],
    /// How many.
    pub count: usize,
    /// Where it goes back to.
    pub resume: usize,
    /// Index of the op.
    pub op: usize,
    /// Host registers of its operands, or [`NO_HOST`].
    pub operands: [u8; 3],
    /// Host register of its result.
    pub result: u8,
    /// The frame has the MXCSR of before the op, with which the path begins.
    pub saved_mxcsr: bool,
}

pub(super) const fn varg(n: usize) -> Mem {
    state(offset_of!(CpuState, vargs) + 16 * n)
}

const fn high(m: Mem) -> Mem {
    Mem {
        disp: m.disp + 8,
        ..m
    }
}

impl Emitter {
    pub(super) fn flag_constants(&self) -> FlagConstants {
        let at = |n: u64| self.constant_mem(self.stubs.flag_constants + 4 * n);
        FlagConstants {
            equal: at(0),
            less: at(1),
            unordered: at(2),
        }
    }

    /// Operand for a constant of the code buffer.
    pub(super) fn constant_mem(&self, addr: u64) -> Mem {
        Mem::relative(addr.wrapping_sub(self.asm.here() - self.asm.pos() as u64) as i32)
    }

    /// Operand for a 16-byte constant, if the pool has room.
    pub(super) fn pooled(&mut self, value: u128) -> Option<Mem> {
        let addr = self.pool.get(value)?;
        Some(self.constant_mem(addr))
    }

    pub(super) fn put_descriptor(&mut self, d: Descriptor) {
        let d = Box::new(d);
        let addr = &raw const *d as u64;
        self.descriptors.push(d);
        self.asm
            .store_imm(2, Mem::base(RSP, frame::DESCRIPTOR_OFFSET), addr as i32);
        self.asm.store_imm(
            2,
            Mem::base(RSP, frame::DESCRIPTOR_OFFSET + 4),
            (addr >> 32) as i32,
        );
    }

    /// Stores an integer register, of which `ty` counts, as argument `n`.
    fn put_int(&mut self, n: usize, ty: Ty, r: Reg) {
        let m = varg(n);
        if ty == Ty::I64 {
            self.asm.store(3, m, r);
        } else {
            self.asm.store(2, m, r);
            self.asm.store_imm(
                2,
                Mem {
                    disp: m.disp + 4,
                    ..m
                },
                0,
            );
        }
        self.asm.store_imm(3, high(m), 0);
    }

    fn put_operands(&mut self, b: &Block, op: &Op) -> Result {
        for (n, v) in [op.a, op.b, op.c].into_iter().enumerate() {
            if v == NONE {
                self.asm.store_imm(3, varg(n), 0);
                self.asm.store_imm(3, high(varg(n)), 0);
            } else if b.ops[v as usize].ty.is_vector() {
                let x = self.xmm(b, v)?;
                self.asm.vstore(4, varg(n), x);
            } else {
                let r = self.gpr(b, v)?;
                self.put_int(n, b.ops[v as usize].ty, r);
            }
            // One at a time needs a register only.
            self.locked = 0;
        }
        Ok(())
    }

    fn get_result(&mut self, op: &Op) -> Result {
        match op.ty {
            Ty::None => {}
            Ty::I32 | Ty::I64 => {
                let d = self.def_gpr()?;
                self.asm.mov(op.ty == Ty::I64, d, varg(0));
                self.set_zero(u8::from(op.ty == Ty::I32));
            }
            Ty::V64 | Ty::V128 => {
                let d = self.def_xmm()?;
                self.asm.vload(d, varg(0));
            }
        }
        Ok(())
    }

    /// Runs the op out of line by its reference semantics.
    pub(super) fn soft(&mut self, b: &Block, op: &Op) -> Result {
        self.put_operands(b, op)?;
        self.kill(op);
        self.put_descriptor(Descriptor::Exec {
            op: *op,
            rules: b.fp,
        });
        self.asm.call_to(self.stubs.call);
        self.host_flags_gone();
        self.get_result(op)
    }

    pub(super) fn helper_call(&mut self, b: &Block, op: &Op) -> Result {
        let Some(helper) = self.helpers.get(op.aux as usize) else {
            debug_assert!(false, "helper {} is not in the ISA's table", op.aux);
            return Err(super::TooComplex);
        };
        let touches = helper.touches_state || matches!(op.code, OpCode::Call | OpCode::CallVec);
        self.put_operands(b, op)?;
        self.kill(op);
        if touches {
            self.forget_guest_registers(b)?;
        }
        self.put_descriptor(Descriptor::Helper {
            func: helper.func,
            imm: op.imm as u64,
            rules: b.fp,
        });
        self.asm.call_to(if touches {
            self.stubs.call_with_state
        } else {
            self.stubs.call
        });
        self.host_flags_gone();
        self.get_result(op)
    }

    /// Has the current op's slow path entered from `fields`, and resumed here.
    pub(super) fn cold(&mut self, fields: &[usize], operands: [u8; 3], result: u8) {
        let mut list = [0; 3];
        list[..fields.len()].copy_from_slice(fields);
        self.colds.push(Cold {
            fields: list,
            count: fields.len(),
            resume: self.asm.pos(),
            op: self.at,
            operands,
            result,
            saved_mxcsr: false,
        });
    }

    /// Emits the slow paths.
    pub(super) fn cold_calls(&mut self, b: &Block) {
        for cold in std::mem::take(&mut self.colds) {
            let op = &b.ops[cold.op];
            for field in &cold.fields[..cold.count] {
                self.asm.bind32(*field);
            }
            if cold.saved_mxcsr {
                self.asm.ldmxcsr(frame::MXCSR);
            }
            for (n, r) in cold.operands.into_iter().enumerate() {
                let v = [op.a, op.b, op.c][n];
                if r == NO_HOST {
                    continue;
                }
                if r >= XMM {
                    self.asm.vstore(4, varg(n), r - XMM);
                } else {
                    self.put_int(n, b.ops[v as usize].ty, r);
                }
            }
            self.put_descriptor(Descriptor::Exec {
                op: *op,
                rules: b.fp,
            });
            self.asm.call_to(self.stubs.call);
            if cold.result >= XMM {
                self.asm.vload(cold.result - XMM, varg(0));
            } else {
                self.asm.mov(op.ty == Ty::I64, cold.result, varg(0));
            }
            let back = self.asm.here() - self.asm.pos() as u64 + cold.resume as u64;
            self.asm.jmp_to(back);
        }
    }
}
