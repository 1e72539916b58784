//! What instructions do that random streams do not show: exceptions, delay slots, misaligned accesses, modes.

use super::*;
use crate::cpu::{CodeControl, Engine, Exit, InterpEngine};
use crate::ir::OpCode;
use std::sync::Arc;

struct NoControl;

impl CodeControl for NoControl {
    fn is_breakpoint(&self, _: u64) -> bool {
        false
    }
    fn generation(&self) -> u64 {
        0
    }
    fn invalidate(&self, _: u64, _: u64) {}
    fn note_translated(&self, _: &[(u64, u32)]) {}
}

/// Runs `words` until an exit.
fn run(
    isa: &'static Mips,
    words: &[u32],
    prepare: impl FnOnce(&mut CpuState),
) -> (Box<CpuState>, Exit) {
    let bytes = |w: &u32| match isa.endian {
        Endian::Big => w.to_be_bytes(),
        Endian::Little => w.to_le_bytes(),
    };
    let mut data: Vec<u8> = words.iter().flat_map(bytes).collect();
    data.resize(0x1000, 0);
    let mut cpu = CpuState::new();
    isa.reset(&mut cpu);
    cpu.pc = BASE;
    prepare(&mut cpu);
    let mut engine = InterpEngine::new(isa, FlatMemory::new(BASE, data), Arc::new(NoControl));
    let exit = engine.run(&mut cpu);
    (cpu, exit)
}

const SYSCALL: u32 = 0x0000_000c;
const NOP: u32 = 0;

fn i_type(op: u32, rs: u32, rt: u32, imm: i16) -> u32 {
    op << 26 | rs << 21 | rt << 16 | u32::from(imm as u16)
}

fn special(rs: u32, rt: u32, rd: u32, sa: u32, funct: u32) -> u32 {
    rs << 21 | rt << 16 | rd << 11 | sa << 6 | funct
}

const ADDIU: u32 = 9;
const BEQ: u32 = 4;
const BNE: u32 = 5;
const LW: u32 = 0x23;

#[test]
fn a_slot_runs_before_the_branch_and_sees_the_link() {
    // jal over one instruction; the slot copies ra.
    let words = [
        3 << 26 | (BASE as u32 + 12) >> 2,
        special(31, 0, 2, 0, 0x21), // addu v0, ra, zero
        i_type(ADDIU, 0, 3, 1),
        SYSCALL,
    ];
    let (cpu, exit) = run(&MIPS, &words, |_| {});
    assert_eq!(exit, Exit::Syscall(0));
    assert_eq!(cpu.pc, BASE + 16);
    assert_eq!(cpu.read32(regs::gpr(2)), BASE as u32 + 8);
    assert_eq!(cpu.read32(regs::gpr(3)), 0);
}

#[test]
fn a_branch_tests_what_was_before_its_slot() {
    let words = [
        i_type(BEQ, 2, 0, 2),
        i_type(ADDIU, 0, 2, 5),
        i_type(ADDIU, 0, 3, 1),
        SYSCALL,
    ];
    let (cpu, _) = run(&MIPSEL, &words, |_| {});
    assert_eq!(cpu.read32(regs::gpr(2)), 5);
    assert_eq!(cpu.read32(regs::gpr(3)), 0);
}

#[test]
fn a_likely_branch_that_falls_through_skips_its_slot() {
    let words = [
        i_type(0x15, 2, 0, 2), // bnel v0, zero
        i_type(ADDIU, 0, 2, 5),
        SYSCALL,
        SYSCALL,
    ];
    let (cpu, _) = run(&MIPS, &words, |_| {});
    assert_eq!((cpu.pc, cpu.read32(regs::gpr(2))), (BASE + 12, 0));
    let (cpu, _) = run(&MIPS, &words, |cpu| cpu.write32(regs::gpr(2), 1));
    assert_eq!((cpu.pc, cpu.read32(regs::gpr(2))), (BASE + 16, 5));
}

#[test]
fn a_fault_in_a_slot_reports_the_branch() {
    let words = [NOP, i_type(BNE, 2, 0, 2), i_type(LW, 0, 4, 0), SYSCALL];
    let (cpu, exit) = run(&MIPS, &words, |_| {});
    assert!(matches!(exit, Exit::Fault(f) if f.addr == 0), "{exit:?}");
    assert_eq!(cpu.pc, BASE + 4);
}

#[test]
fn a_branch_in_a_slot_is_reserved() {
    let words = [i_type(BEQ, 0, 0, 2), i_type(BEQ, 0, 0, 2), NOP, SYSCALL];
    let (cpu, exit) = run(&MIPS, &words, |_| {});
    assert_eq!(exit, Exit::Trap(Trap::IllegalInstruction, 0));
    assert_eq!(cpu.pc, BASE);
}

#[test]
fn a_system_call_in_a_slot_returns_to_the_target() {
    let words = [i_type(BEQ, 2, 0, 3), SYSCALL, NOP, NOP, NOP];
    let (cpu, exit) = run(&MIPS, &words, |_| {});
    assert_eq!((exit, cpu.pc), (Exit::Syscall(0), BASE + 16));
    let (cpu, exit) = run(&MIPS, &words, |cpu| cpu.write32(regs::gpr(2), 1));
    assert_eq!((exit, cpu.pc), (Exit::Syscall(0), BASE + 8));
}

#[test]
fn breaks_and_traps_carry_linux_codes() {
    let brk = |code: u32| code << 6 | 13;
    for (word, exit) in [
        (brk(5), Exit::Trap(Trap::Breakpoint, 5)),
        // `break 7` of the assembler: the code in the upper half.
        (brk(7 << 10), Exit::Trap(Trap::IntegerDivideByZero, 7)),
        (brk(6), Exit::Trap(Trap::IntegerOverflow, 6)),
        // teq zero, zero, 7
        (7 << 6 | 0x34, Exit::Trap(Trap::IntegerDivideByZero, 7)),
        (3 << 6 | 0x34, Exit::Trap(Trap::TrapInstruction, 3)),
    ] {
        assert_eq!(run(&MIPS, &[word], |_| {}).1, exit, "{word:#x}");
    }
}

#[test]
fn an_enabled_fp_exception_traps_before_the_result() {
    let words = [
        i_type(ADDIU, 0, 2, 1 << 10),                // Enable Z
        17 << 26 | 6 << 21 | 2 << 16 | 31 << 11,     // ctc1 v0, fcsr
        17 << 26 | 17 << 21 | 4 << 16 | 2 << 11 | 3, // div.d f0, f2, f4
        SYSCALL,
    ];
    let (mut cpu, exit) = run(&MIPS, &words, |cpu| {
        cpu.write64(regs::fpr(0), 77);
        cpu.write64(regs::fpr(2), 1f64.to_bits());
    });
    assert_eq!(exit, Exit::Trap(Trap::FloatingPoint, 3));
    assert_eq!(cpu.pc, BASE + 8);
    assert_eq!(cpu.read64(regs::fpr(0)), 77);
    MIPS.sync_registers(&mut cpu);
    // Cause Z, enable Z; the flag stays clear.
    assert_eq!(cpu.read32(regs::FCSR), 1 << 15 | 1 << 10);
}

#[test]
fn cause_is_that_of_the_last_operation() {
    let words = [
        17 << 26 | 17 << 21 | 4 << 16 | 2 << 11 | 3, // div.d f0, f2, f4
        17 << 26 | 17 << 21 | 2 << 16 | 2 << 11 | 6 << 6, // add.d f6, f2, f2
        17 << 26 | 2 << 21 | 2 << 16 | 31 << 11,     // cfc1 v0, fcsr
        17 << 26 | 17 << 21 | 4 << 16 | 2 << 11 | 3, // div.d f0, f2, f4
        17 << 26 | 2 << 21 | 3 << 16 | 31 << 11,     // cfc1 v1, fcsr
        SYSCALL,
    ];
    let (cpu, _) = run(&MIPS, &words, |cpu| {
        cpu.write64(regs::fpr(2), 1f64.to_bits());
    });
    assert_eq!(cpu.read32(regs::gpr(2)), 1 << 5);
    assert_eq!(cpu.read32(regs::gpr(3)), 1 << 15 | 1 << 5);
}

#[test]
fn fcsr_survives_being_spread_out() {
    let mut cpu = CpuState::new();
    MIPS.reset(&mut cpu);
    let mut rng = fastrand::Rng::with_seed(2);
    for _ in 0..1000 {
        let value = rng.u32(..) & 0xff83_ffff;
        fcsr::write(&mut cpu, value);
        assert_eq!(fcsr::read(&cpu), value);
    }
}

#[test]
fn debuggers_see_the_registers_of_the_mode() {
    let mut cpu = CpuState::new();
    MIPS.reset(&mut cpu);
    cpu.write64(regs::fpr(2), 0x1111_2222_3333_4444);
    cpu.write64(regs::fpr(3), 5);
    let read = |cpu: &CpuState, name| {
        let table = MIPS.registers_in_mode(cpu.mode);
        table.by_name(name).unwrap().read(cpu)
    };
    assert_eq!(read(&cpu, "f2"), 0x1111_2222_3333_4444);
    assert_eq!(read(&cpu, "f3"), 0x1111_2222);
    set_fr(&mut cpu, true);
    assert_eq!(read(&cpu, "f2"), 0x1111_2222_3333_4444);
    assert_eq!(read(&cpu, "f3"), 5);
}

/// LWL, LWR, SWL, SWR at each offset in a word, as the tables of the manual (volume II-A) have them: the register is `abcd`, memory
/// `0123`, low address first.
#[test]
fn parts_of_words_follow_the_byte_order() {
    const LWL: u32 = 0x22;
    const LWR: u32 = 0x26;
    const SWL: u32 = 0x2a;
    const SWR: u32 = 0x2e;
    #[rustfmt::skip]
    let cases: [(&'static Mips, u32, [&[u8; 4]; 4]); 8] = [
        (&MIPS, LWL, [b"0123", b"123d", b"23cd", b"3bcd"]),
        (&MIPS, LWR, [b"abc0", b"ab01", b"a012", b"0123"]),
        (&MIPS, SWL, [b"abcd", b"0abc", b"01ab", b"012a"]),
        (&MIPS, SWR, [b"d123", b"cd23", b"bcd3", b"abcd"]),
        (&MIPSEL, LWL, [b"0bcd", b"10cd", b"210d", b"3210"]),
        (&MIPSEL, LWR, [b"3210", b"a321", b"ab32", b"abc3"]),
        (&MIPSEL, SWL, [b"a123", b"ba23", b"cba3", b"dcba"]),
        (&MIPSEL, SWR, [b"dcba", b"0dcb", b"01dc", b"012d"]),
    ];
    for (isa, op, results) in cases {
        for (offset, expected) in results.into_iter().enumerate() {
            let register = u32::from_be_bytes(*b"abcd");
            // t0 := memory word in the order of its bytes, stored by the guest itself; then the instruction; then memory again.
            let data = BASE + 0x800;
            let swap = isa.endian == Endian::Little;
            let raw = |bytes: [u8; 4]| {
                if swap {
                    u32::from_le_bytes(bytes)
                } else {
                    u32::from_be_bytes(bytes)
                }
            };
            let words = [
                i_type(0x2b, 4, 8, 0),
                i_type(op, 4, 2, offset as i16),
                i_type(LW, 4, 8, 0),
                SYSCALL,
            ];
            let (cpu, exit) = run(isa, &words, |cpu| {
                cpu.write32(regs::gpr(2), register);
                cpu.write32(regs::gpr(4), data as u32);
                cpu.write32(regs::gpr(8), raw(*b"0123"));
            });
            assert_eq!(exit, Exit::Syscall(0));
            let result = if op == LWL || op == LWR {
                cpu.read32(regs::gpr(2)).to_be_bytes()
            } else if swap {
                cpu.read32(regs::gpr(8)).to_le_bytes()
            } else {
                cpu.read32(regs::gpr(8)).to_be_bytes()
            };
            assert_eq!(
                &result,
                expected,
                "{} op {op:#x} offset {offset}: {:?}",
                isa.name(),
                std::str::from_utf8(&result)
            );
        }
    }
}

#[test]
fn misaligned_words_are_fixed_up_but_ll_is_not() {
    let words = [i_type(LW, 4, 2, 1), i_type(0x30, 4, 3, 1), SYSCALL];
    let (cpu, exit) = run(&MIPS, &words, |cpu| cpu.write32(regs::gpr(4), BASE as u32));
    assert_eq!(cpu.read32(regs::gpr(2)), words[0] << 8 | words[1] >> 24);
    assert_eq!(exit, Exit::Trap(Trap::Alignment, 0));
    assert_eq!((cpu.pc, cpu.exit_arg), (BASE + 4, BASE + 1));
}

#[test]
fn flushing_affects_operands_and_results() {
    const FS: u32 = 1 << 24;
    // add.d f0, f2, f4: a denormal operand; mul.d f6, f8, f8: a result that is too small.
    let words = [
        17 << 26 | 6 << 21 | 2 << 16 | 31 << 11,
        17 << 26 | 17 << 21 | 4 << 16 | 2 << 11,
        17 << 26 | 17 << 21 | 8 << 16 | 8 << 11 | 6 << 6 | 2,
        17 << 26 | 2 << 21 | 3 << 16 | 31 << 11,
        SYSCALL,
    ];
    for (fcsr, sum, product, after) in [
        (0, 5, 0x0009_0000_0000_0000, 0),
        // Underflow and Inexact, in Cause and in Flags.
        (FS, 0, 0, FS | 3 << 12 | 3 << 2),
    ] {
        let (cpu, _) = run(&MIPS, &words, |cpu| {
            cpu.write32(regs::gpr(2), fcsr);
            cpu.write64(regs::fpr(2), 5);
            cpu.write64(regs::fpr(8), 0x1ff8_0000_0000_0000); // 1.5 * 2^-512
        });
        assert_eq!(cpu.read64(regs::fpr(0)), sum);
        assert_eq!(cpu.read64(regs::fpr(6)), product);
        assert_eq!(cpu.read32(regs::gpr(3)), after);
    }
}

#[test]
fn only_the_formats_of_the_mode_exist() {
    let is_reserved = |word, mode| {
        translate(word, mode)
            .ops
            .iter()
            .any(|op| op.code == OpCode::Raise)
    };
    let add_d = |fd: u32| 17 << 26 | 17 << 21 | 4 << 16 | 2 << 11 | fd << 6;
    let cvt_l_d = 17 << 26 | 17 << 21 | 2 << 11 | 0x25;
    assert!(!is_reserved(add_d(6), 0));
    assert!(is_reserved(add_d(7), 0));
    assert!(!is_reserved(add_d(7), mode::FR));
    assert!(is_reserved(cvt_l_d, 0));
    assert!(!is_reserved(cvt_l_d, mode::FR));
    // FIR.PS = 0: add.ps is reserved.
    assert!(is_reserved(17 << 26 | 22 << 21, mode::FR));
}
