//! Every form against the decoder of iced-x86, with every kind of register and memory operand.

mod vectors;

use super::*;
use iced_x86::{Decoder, DecoderOptions, Instruction, Mnemonic, OpKind, Register};

/// An operand as it should be decoded.
#[derive(Clone, Copy, Debug)]
enum Operand {
    R8(Reg),
    R16(Reg),
    R32(Reg),
    R64(Reg),
    X(Reg),
    /// Memory of that many bytes.
    M(usize),
    Imm(u64),
}

use Operand::*;

fn register(base: Register, n: Reg) -> Register {
    Register::try_from(base as usize + n as usize).expect("a register")
}

/// Low byte registers in encoding order: iced lists AH to BH between BL and SPL.
fn byte_register(n: Reg) -> Register {
    if n < 4 {
        register(Register::AL, n)
    } else {
        register(Register::SPL, n - 4)
    }
}

fn check(insn: &Instruction, m: Mem, want: Mnemonic, operands: &[Operand]) {
    assert_eq!(insn.mnemonic(), want, "{insn}");
    assert_eq!(insn.op_count() as usize, operands.len(), "{insn}");
    for (n, operand) in operands.iter().enumerate() {
        let n = n as u32;
        let reg = |want: Register| {
            assert_eq!(insn.op_kind(n), OpKind::Register, "{insn}");
            assert_eq!(insn.op_register(n), want, "{insn}");
        };
        match *operand {
            R8(r) => reg(byte_register(r)),
            R16(r) => reg(register(Register::AX, r)),
            R32(r) => reg(register(Register::EAX, r)),
            R64(r) => reg(register(Register::RAX, r)),
            X(r) => reg(register(Register::XMM0, r)),
            // iced widens immediates of 32-bit operations in different ways: their low half counts.
            Imm(x) if operands.iter().any(|o| matches!(o, R64(_) | M(8))) => {
                assert_eq!(insn.immediate(n), x, "{insn}")
            }
            Imm(x) => assert_eq!(insn.immediate(n) as u32, x as u32, "{insn}"),
            M(size) => {
                assert_eq!(insn.op_kind(n), OpKind::Memory, "{insn}");
                if size != 0 {
                    assert_eq!(insn.memory_size().size(), size, "{insn}");
                }
                check_memory(insn, m);
            }
        }
    }
}

fn check_memory(insn: &Instruction, m: Mem) {
    let gs = m.gs && insn.mnemonic() != Mnemonic::Lea;
    assert_eq!(insn.segment_prefix() == Register::GS, gs, "{insn}");
    if m.relative {
        assert_eq!(insn.memory_base(), Register::RIP, "{insn}");
        assert_eq!(
            insn.memory_displacement64(),
            BASE.wrapping_add(m.disp as i64 as u64),
            "{insn}"
        );
        return;
    }
    let file = if m.addr32 {
        Register::EAX
    } else {
        Register::RAX
    };
    let name = |r: Reg| {
        if r == NO_REG {
            Register::None
        } else {
            register(file, r)
        }
    };
    assert_eq!(insn.memory_base(), name(m.base), "{insn}");
    assert_eq!(insn.memory_index(), name(m.index), "{insn}");
    if m.index != NO_REG {
        assert_eq!(insn.memory_index_scale(), 1 << m.scale, "{insn}");
    }
    let disp = if m.addr32 {
        u64::from(m.disp as u32)
    } else {
        m.disp as i64 as u64
    };
    assert_eq!(insn.memory_displacement64(), disp, "{insn}");
}

/// Where the code pretends to be.
const BASE: u64 = 0x1234_5678_9000;

struct Case {
    rng: fastrand::Rng,
    asm: Asm,
}

impl Case {
    /// Emits one instruction with random operands and checks it. The closure gets three registers, a memory operand, a random
    /// number, and says what should have been emitted.
    fn form(&mut self, emit: impl Fn(&mut Asm, [Reg; 3], Mem, u32) -> (Mnemonic, Vec<Operand>)) {
        for _ in 0..200 {
            let rng = &mut self.rng;
            let regs = [rng.u8(..16), rng.u8(..16), rng.u8(..16)];
            let mut m = Mem {
                gs: rng.bool(),
                addr32: rng.bool(),
                disp: [0, rng.i32(-128..128), rng.i32(..)][rng.usize(..3)],
                ..Mem::base(rng.u8(..16), 0)
            };
            if rng.bool() {
                let index = rng.u8(..16);
                if index != gpr::RSP {
                    m.index = index;
                    m.scale = rng.u8(..4);
                }
            }
            match rng.u8(..8) {
                0 => m.base = NO_REG,
                1 => {
                    m = Mem {
                        gs: m.gs,
                        ..Mem::relative(m.disp)
                    }
                }
                _ => {}
            }
            self.asm.start(BASE);
            let number = self.rng.u32(..);
            let (mnemonic, operands) = emit(&mut self.asm, regs, m, number);
            let code = self.asm.code();
            let mut decoder = Decoder::with_ip(64, code, BASE, DecoderOptions::NONE);
            let insn = decoder.decode();
            assert!(!insn.is_invalid(), "{mnemonic:?} {code:02x?}");
            assert_eq!(insn.len(), code.len(), "{insn} {code:02x?}");
            check(&insn, m, mnemonic, &operands);
        }
    }
}

fn case() -> Case {
    Case {
        rng: fastrand::Rng::with_seed(1),
        asm: Asm::default(),
    }
}

/// A general register of 32 or 64 bits.
fn g(w: bool, r: Reg) -> Operand {
    if w { R64(r) } else { R32(r) }
}

/// A general register of 1 << `size` bytes.
fn sized(size: u8, r: Reg) -> Operand {
    [R8(r), R16(r), R32(r), R64(r)][size as usize]
}

#[test]
fn moves() {
    let mut c = case();
    for w in [false, true] {
        let size = if w { 8 } else { 4 };
        c.form(|a, [x, y, _], _, _| {
            a.mov(w, x, y);
            (Mnemonic::Mov, vec![g(w, x), g(w, y)])
        });
        c.form(|a, [x, ..], m, _| {
            a.mov(w, x, m);
            (Mnemonic::Mov, vec![g(w, x), M(size)])
        });
        c.form(|a, [x, ..], m, _| {
            a.lea(w, x, Mem { gs: false, ..m });
            (Mnemonic::Lea, vec![g(w, x), M(0)])
        });
    }
    for size in 0..4u8 {
        let bytes = 1usize << size;
        c.form(|a, [x, ..], m, _| {
            a.store(size, m, x);
            (Mnemonic::Mov, vec![M(bytes), sized(size, x)])
        });
        c.form(|a, _, m, n| {
            a.store_imm(size, m, n as i32);
            let imm = match size {
                0 => n as u8 as u64,
                1 => n as u16 as u64,
                2 => n.into(),
                _ => n as i32 as i64 as u64,
            };
            (Mnemonic::Mov, vec![M(bytes), Imm(imm)])
        });
        if size > 0 {
            c.form(|a, [x, ..], m, _| {
                a.movbe_load(size, x, m);
                (Mnemonic::Movbe, vec![sized(size, x), M(bytes)])
            });
            c.form(|a, [x, ..], m, _| {
                a.movbe_store(size, m, x);
                (Mnemonic::Movbe, vec![M(bytes), sized(size, x)])
            });
        }
    }
    for size in 0..2u8 {
        c.form(|a, [x, y, _], _, _| {
            a.load(false, size, false, x, y);
            (Mnemonic::Movzx, vec![R32(x), sized(size, y)])
        });
        for w in [false, true] {
            c.form(|a, [x, ..], m, _| {
                a.load(w, size, true, x, m);
                (Mnemonic::Movsx, vec![g(w, x), M(1 << size)])
            });
        }
    }
    c.form(|a, [x, y, _], _, _| {
        a.load(true, 2, true, x, y);
        (Mnemonic::Movsxd, vec![R64(x), R32(y)])
    });
    c.form(|a, [x, ..], _, n| {
        a.mov_imm(x, n.into());
        (Mnemonic::Mov, vec![R32(x), Imm(n.into())])
    });
    c.form(|a, [x, ..], _, n| {
        let value = (n | 0x8000_0000) as i32 as i64 as u64;
        a.mov_imm(x, value);
        (Mnemonic::Mov, vec![R64(x), Imm(value)])
    });
    c.form(|a, [x, ..], _, n| {
        let value = u64::from(n) << 32 | 0x1_0000_0001;
        a.mov_imm(x, value);
        (Mnemonic::Mov, vec![R64(x), Imm(value)])
    });
}

#[test]
fn arithmetic() {
    let mut c = case();
    let alu = [
        (Alu::Add, Mnemonic::Add),
        (Alu::Or, Mnemonic::Or),
        (Alu::Adc, Mnemonic::Adc),
        (Alu::Sbb, Mnemonic::Sbb),
        (Alu::And, Mnemonic::And),
        (Alu::Sub, Mnemonic::Sub),
        (Alu::Xor, Mnemonic::Xor),
        (Alu::Cmp, Mnemonic::Cmp),
    ];
    for w in [false, true] {
        let size = if w { 8 } else { 4 };
        let imm = |n: u32| {
            if w { n as i32 as i64 as u64 } else { n.into() }
        };
        for (op, name) in alu {
            c.form(|a, [x, y, _], _, _| {
                a.alu(op, w, x, y);
                (name, vec![g(w, x), g(w, y)])
            });
            c.form(|a, [x, ..], m, _| {
                a.alu(op, w, x, m);
                (name, vec![g(w, x), M(size)])
            });
            c.form(|a, [x, ..], _, n| {
                let n = if n & 1 == 0 { n } else { n as i8 as u32 };
                a.alu_imm(op, w, x, n as i32);
                (name, vec![g(w, x), Imm(imm(n))])
            });
            c.form(|a, [x, ..], m, n| {
                let s = (n % 4) as u8;
                a.alu_store(op, s, m, x);
                (name, vec![M(1 << s), sized(s, x)])
            });
        }
        c.form(|a, [x, y, _], _, _| {
            a.test(w, x, y);
            (Mnemonic::Test, vec![g(w, x), g(w, y)])
        });
        c.form(|a, [x, ..], _, n| {
            a.test_imm(w, x, n as i32);
            (Mnemonic::Test, vec![g(w, x), Imm(imm(n))])
        });
        c.form(|a, [x, ..], _, n| {
            a.bt_imm(w, x, n as u8);
            (Mnemonic::Bt, vec![g(w, x), Imm(n as u8 as u64)])
        });
        for (op, name) in [
            (Unary::Not, Mnemonic::Not),
            (Unary::Neg, Mnemonic::Neg),
            (Unary::Imul, Mnemonic::Imul),
            (Unary::Div, Mnemonic::Div),
            (Unary::Idiv, Mnemonic::Idiv),
        ] {
            c.form(|a, [x, ..], _, _| {
                a.unary(op, w, x);
                (name, vec![g(w, x)])
            });
        }
        for (op, name) in [
            (Shift::Rol, Mnemonic::Rol),
            (Shift::Ror, Mnemonic::Ror),
            (Shift::Shl, Mnemonic::Shl),
            (Shift::Shr, Mnemonic::Shr),
            (Shift::Sar, Mnemonic::Sar),
        ] {
            c.form(|a, [x, ..], _, n| {
                a.shift_imm(op, w, x, n as u8);
                (name, vec![g(w, x), Imm(n as u8 as u64)])
            });
            c.form(|a, [x, ..], _, _| {
                a.shift_cl(op, w, x);
                (name, vec![g(w, x), R8(gpr::RCX)])
            });
        }
        for (op, name) in [
            (Shift::Shl, Mnemonic::Shlx),
            (Shift::Shr, Mnemonic::Shrx),
            (Shift::Sar, Mnemonic::Sarx),
        ] {
            c.form(|a, [x, y, z], m, n| {
                if n & 1 == 0 {
                    a.shiftx(op, w, x, y, z);
                    (name, vec![g(w, x), g(w, y), g(w, z)])
                } else {
                    a.shiftx(op, w, x, m, z);
                    (name, vec![g(w, x), M(size), g(w, z)])
                }
            });
        }
        c.form(|a, [x, y, _], m, n| {
            a.rorx(w, x, if n & 1 == 0 { Rm::R(y) } else { Rm::M(m) }, n as u8);
            let source = if n & 1 == 0 { g(w, y) } else { M(size) };
            (Mnemonic::Rorx, vec![g(w, x), source, Imm(n as u8 as u64)])
        });
        c.form(|a, [x, y, z], _, _| {
            a.andn(w, x, y, z);
            (Mnemonic::Andn, vec![g(w, x), g(w, y), g(w, z)])
        });
        c.form(|a, [x, y, z], _, _| {
            a.mulx(w, x, y, z);
            (Mnemonic::Mulx, vec![g(w, x), g(w, y), g(w, z)])
        });
        c.form(|a, [x, y, z], _, _| {
            a.pext(w, x, y, z);
            (Mnemonic::Pext, vec![g(w, x), g(w, y), g(w, z)])
        });
        c.form(|a, [x, y, z], _, _| {
            a.pdep(w, x, y, z);
            (Mnemonic::Pdep, vec![g(w, x), g(w, y), g(w, z)])
        });
        c.form(|a, [x, y, _], _, _| {
            a.lzcnt(w, x, y);
            (Mnemonic::Lzcnt, vec![g(w, x), g(w, y)])
        });
        c.form(|a, [x, ..], m, _| {
            a.tzcnt(w, x, m);
            (Mnemonic::Tzcnt, vec![g(w, x), M(size)])
        });
        c.form(|a, [x, ..], _, _| {
            a.bswap(w, x);
            (Mnemonic::Bswap, vec![g(w, x)])
        });
        c.form(|a, [x, y, _], _, _| {
            a.imul(w, x, y);
            (Mnemonic::Imul, vec![g(w, x), g(w, y)])
        });
        c.form(|a, [x, y, _], _, n| {
            a.imul_imm(w, x, y, n as i32);
            (Mnemonic::Imul, vec![g(w, x), g(w, y), Imm(imm(n))])
        });
        c.form(|a, [x, y, _], _, n| {
            a.shrd(w, x, y, n as u8);
            (Mnemonic::Shrd, vec![g(w, x), g(w, y), Imm(n as u8 as u64)])
        });
        c.form(|a, _, _, _| {
            a.sign_to_rdx(w);
            (if w { Mnemonic::Cqo } else { Mnemonic::Cdq }, vec![])
        });
        let conditions = [
            (Cc::O, Mnemonic::Cmovo, Mnemonic::Seto),
            (Cc::No, Mnemonic::Cmovno, Mnemonic::Setno),
            (Cc::B, Mnemonic::Cmovb, Mnemonic::Setb),
            (Cc::Ae, Mnemonic::Cmovae, Mnemonic::Setae),
            (Cc::E, Mnemonic::Cmove, Mnemonic::Sete),
            (Cc::Ne, Mnemonic::Cmovne, Mnemonic::Setne),
            (Cc::Be, Mnemonic::Cmovbe, Mnemonic::Setbe),
            (Cc::A, Mnemonic::Cmova, Mnemonic::Seta),
            (Cc::S, Mnemonic::Cmovs, Mnemonic::Sets),
            (Cc::Ns, Mnemonic::Cmovns, Mnemonic::Setns),
            (Cc::P, Mnemonic::Cmovp, Mnemonic::Setp),
            (Cc::Np, Mnemonic::Cmovnp, Mnemonic::Setnp),
            (Cc::L, Mnemonic::Cmovl, Mnemonic::Setl),
            (Cc::Ge, Mnemonic::Cmovge, Mnemonic::Setge),
            (Cc::Le, Mnemonic::Cmovle, Mnemonic::Setle),
            (Cc::G, Mnemonic::Cmovg, Mnemonic::Setg),
        ];
        for (cc, cmov, set) in conditions {
            c.form(|a, [x, y, _], _, _| {
                a.cmov(cc, w, x, y);
                (cmov, vec![g(w, x), g(w, y)])
            });
            c.form(|a, [x, ..], _, _| {
                a.setcc(cc, x);
                (set, vec![R8(x)])
            });
            assert_eq!(cc.invert() as u8, cc as u8 ^ 1);
        }
    }
    c.form(|a, [x, ..], m, n| {
        if n & 1 == 0 {
            a.test_imm8(x, n as u8);
            (Mnemonic::Test, vec![R8(x), Imm(n as u8 as u64)])
        } else {
            a.test_imm8(m, n as u8);
            (Mnemonic::Test, vec![M(1), Imm(n as u8 as u64)])
        }
    });
    c.form(|a, [x, ..], _, n| {
        a.shift_imm16(Shift::Rol, x, n as u8);
        (Mnemonic::Rol, vec![R16(x), Imm(n as u8 as u64)])
    });
    c.form(|a, [x, y, _], _, n| {
        let s = (n % 4) as u8;
        a.crc32c(s, x, y);
        let dst = if s == 3 { R64(x) } else { R32(x) };
        (Mnemonic::Crc32, vec![dst, sized(s, y)])
    });
}

#[test]
fn atomic_and_stack() {
    let mut c = case();
    for size in 0..4u8 {
        let bytes = 1usize << size;
        c.form(|a, [x, ..], m, _| {
            a.lock_xadd(size, m, x);
            (Mnemonic::Xadd, vec![M(bytes), sized(size, x)])
        });
        c.form(|a, [x, ..], m, _| {
            a.xchg(size, m, x);
            (Mnemonic::Xchg, vec![M(bytes), sized(size, x)])
        });
        c.form(|a, [x, ..], m, _| {
            a.lock_cmpxchg(size, m, x);
            (Mnemonic::Cmpxchg, vec![M(bytes), sized(size, x)])
        });
    }
    c.form(|a, _, m, _| {
        a.lock_cmpxchg16b(m);
        (Mnemonic::Cmpxchg16b, vec![M(16)])
    });
    c.form(|a, _, m, n| {
        a.lock_or(m, n as i8);
        (Mnemonic::Or, vec![M(4), Imm(n as i8 as u32 as u64)])
    });
    c.form(|a, [x, ..], _, n| {
        if n & 1 == 0 {
            a.push(x);
            (Mnemonic::Push, vec![R64(x)])
        } else {
            a.pop(x);
            (Mnemonic::Pop, vec![R64(x)])
        }
    });
    c.form(|a, [x, ..], m, n| {
        if n & 1 == 0 {
            a.jmp_rm(m);
            (Mnemonic::Jmp, vec![M(8)])
        } else {
            a.call_rm(x);
            (Mnemonic::Call, vec![R64(x)])
        }
    });
    c.form(|a, _, m, n| {
        if n & 1 == 0 {
            a.stmxcsr(m);
            (Mnemonic::Stmxcsr, vec![M(4)])
        } else {
            a.ldmxcsr(m);
            (Mnemonic::Ldmxcsr, vec![M(4)])
        }
    });
    c.form(|a, _, _, n| {
        type Plain = (fn(&mut Asm), Mnemonic);
        let plain: [Plain; 4] = [
            (Asm::lahf, Mnemonic::Lahf),
            (Asm::sahf, Mnemonic::Sahf),
            (Asm::cmc, Mnemonic::Cmc),
            (Asm::ret, Mnemonic::Ret),
        ];
        let (emit, name) = plain[n as usize % 4];
        emit(a);
        (name, vec![])
    });
    c.form(|a, _, _, n| {
        a.add_al(n as u8);
        (Mnemonic::Add, vec![R8(gpr::RAX), Imm(n as u8 as u64)])
    });
    for n in 1..8 {
        c.asm.start(BASE);
        c.asm.nop(n);
        let insn = Decoder::with_ip(64, c.asm.code(), BASE, DecoderOptions::NONE).decode();
        assert_eq!((insn.mnemonic(), insn.len()), (Mnemonic::Nop, n));
    }
}

#[test]
fn jumps() {
    let mut a = Asm::default();
    a.start(BASE);
    let far = a.jcc32(Cc::Ne);
    let short = a.jcc8(Cc::L);
    let over = a.jmp8();
    a.jmp_to(BASE - 0x1000);
    a.call_to(BASE + 0x1000);
    a.bind(short);
    let here = a.here();
    a.bind(over);
    a.bind32(far);
    let back = a.pos();
    a.nop(3);
    a.jcc8_back(Cc::G, back);
    let mut d = Decoder::with_ip(64, a.code(), BASE, DecoderOptions::NONE);
    let mut next = || {
        let i = d.decode();
        (i.mnemonic(), i.near_branch_target())
    };
    assert_eq!(next(), (Mnemonic::Jne, here));
    assert_eq!(next(), (Mnemonic::Jl, here));
    assert_eq!(next(), (Mnemonic::Jmp, here));
    assert_eq!(next(), (Mnemonic::Jmp, BASE - 0x1000));
    assert_eq!(next(), (Mnemonic::Call, BASE + 0x1000));
    assert_eq!(next().0, Mnemonic::Nop);
    assert_eq!(next(), (Mnemonic::Jg, here));
    for n in 0..16 {
        a.start(BASE);
        for _ in 0..n {
            a.nop(1);
        }
        a.align_field(2);
        let at = a.jcc32(Cc::E);
        assert!((BASE + at as u64) & 7 <= 4);
    }
}

#[test]
fn sequences_are_their_instructions() {
    let m = Mem::base(gpr::R15, 1920);
    let (mut whole, mut parts) = (Asm::default(), Asm::default());
    for asm in [&mut whole, &mut parts] {
        asm.start(0x1000);
    }
    whole.store_flags(m);
    parts.lahf();
    parts.setcc(Cc::O, gpr::RAX);
    parts.store(1, m, gpr::RAX);
    whole.call_with_data(0x5000, [1, u64::MAX - 1]);
    parts.call_to(0x5000);
    parts.bytes(&1u64.to_le_bytes());
    parts.bytes(&(u64::MAX - 1).to_le_bytes());
    assert_eq!(whole.code(), parts.code());
}
