//! How instructions leave: exits, faults with exact registers, changes of the mode. What they compute is in `tests/vectors`.

use super::*;
use crate::ir::{Block, BlockExit, BlockKey, Interpreter, MemFault};
use crate::isa::testing::FlatMemory;
use crate::isa::{Limits, translate_block};

const CODE: u64 = 0x1000;

/// Executes `words` at [`CODE`], followed by `data`, until the first exit.
fn run(cpu: &mut CpuState, words: &[u32], data: &[u8]) -> (BlockExit, FlatMemory) {
    let mut bytes: Vec<u8> = words.iter().flat_map(|w| w.to_le_bytes()).collect();
    bytes.extend(data);
    let mut mem = FlatMemory::new(CODE, bytes);
    let limits = Limits {
        max_insns: 64,
        is_breakpoint: &|_| false,
        watch: None,
    };
    cpu.pc = CODE;
    loop {
        let key = BlockKey {
            pc: cpu.pc,
            mode: cpu.mode,
            instrumentation: 0,
        };
        let mut block = Block::default();
        translate_block(&AArch64, &mut mem, key, &limits, &mut block);
        assert_eq!(block.fp, AArch64.fp_rules(cpu.mode));
        match Interpreter::default().run(cpu, &block, &mut mem, AArch64.helpers()) {
            BlockExit::Goto => {}
            exit => return (exit, mem),
        }
    }
}

fn state(registers: &[(u32, u64)]) -> Box<CpuState> {
    let mut cpu = CpuState::new();
    AArch64.reset(&mut cpu);
    for &(n, value) in registers {
        cpu.write64(if n == 31 { regs::SP } else { regs::x(n) }, value);
    }
    cpu
}

const NOP: u32 = 0xd503_201f;

#[test]
fn exceptions_have_their_immediate_and_pc() {
    let mut cpu = state(&[]);
    assert_eq!(
        run(&mut cpu, &[NOP, 0xd400_2461], &[]).0,
        BlockExit::Syscall(0x123)
    );
    assert_eq!(cpu.pc, CODE + 8); // after the instruction
    let exit = run(&mut cpu, &[NOP, 0xd420_2460], &[]).0; // brk #0x123
    assert_eq!(
        (exit, cpu.pc),
        (BlockExit::Trap(Trap::Breakpoint, 0x123), CODE + 4)
    );
    for illegal in [
        0x0000_1234, // udf
        0xd400_0002, // hvc
        0xd400_0003, // smc
        0xd440_0000, // hlt
        0xd53b_4220, // mrs x0, daif
        0xd538_1000, // mrs x0, sctlr_el1
        0xd51b_d060, // msr tpidrro_el0, x0
        0x1ee0_2800, // fadd h0, h0, h0
        0x0460_0000, // SVE
        0xffff_ffff,
    ] {
        let exit = run(&mut cpu, &[NOP, illegal], &[]).0;
        assert_eq!(
            exit,
            BlockExit::Trap(Trap::IllegalInstruction, 0),
            "{illegal:08x}"
        );
        assert_eq!(cpu.pc, CODE + 4, "{illegal:08x}");
    }
}

#[test]
fn a_misaligned_pc_is_an_alignment_fault_of_the_pc() {
    let mut cpu = state(&[(1, CODE + 6)]);
    let exit = run(&mut cpu, &[0xd61f_0020, NOP, NOP], &[]).0; // br x1
    assert!(
        matches!(exit, BlockExit::Trap(Trap::Alignment, _)),
        "{exit:?}"
    );
    assert_eq!((cpu.pc, cpu.exit_arg), (CODE + 6, CODE + 6));
}

/// Every instruction here accesses the last eight bytes before unmapped memory and what follows them.
#[test]
fn a_fault_leaves_all_registers_as_they_were() {
    for (name, word) in [
        ("ldp x2, x3, [x1]", 0xa940_0c22),
        ("ldp x1, x2, [x1]", 0xa940_0821),
        ("ldp x2, x3, [x1], #16", 0xa8c1_0c22),
        ("ldp q0, q1, [x1]", 0xad40_0420),
        ("ldpsw x2, x3, [x1, #4]", 0x6940_8c22),
        ("ldr x2, [x1, #8]!", 0xf840_8c22),
        ("ldr q0, [x1], #16", 0x3cc1_0420),
        ("str x2, [x1, #8]!", 0xf800_8c22),
        ("stp x2, x3, [x1, #8]!", 0xa980_8c22),
        ("ldr x2, [x1, #8]", 0xf940_0422),
        ("str d0, [x1, #8]!", 0xfc00_8c20),
        ("ld1 {v0.16b, v1.16b}, [x1], #32", 0x4cdf_a020),
        ("ld4 {v0.8b-v3.8b}, [x1], #32", 0x0cdf_0020),
        ("dc zva, x4", 0xd50b_7424),
        ("ic ivau, x4", 0xd50b_7524),
        ("dc cvau, x4", 0xd50b_7b24),
        ("ldadd x2, x3, [x4]", 0xf822_0083),
        ("cas x2, x3, [x4]", 0xc8a2_7c83),
        ("ldxr x2, [x4]", 0xc85f_7c82),
        ("ldar x2, [x4]", 0xc8df_fc82),
        ("stlr x2, [x4]", 0xc89f_fc82),
    ] {
        let unmapped = CODE + 16;
        let mut cpu = state(&[(1, unmapped - 8), (2, 2), (3, 3), (4, unmapped)]);
        for n in 0..4 {
            cpu.write(regs::v(n), 16, 0x1111 << n);
        }
        let before = cpu.regs;
        let (exit, _) = run(&mut cpu, &[word, NOP], &[7; 8]);
        let BlockExit::Fault(MemFault { addr, .. }) = exit else {
            panic!("{name}: {exit:?}");
        };
        // The first address that is not mapped, or the start of the access that reaches it.
        assert!(
            (unmapped - 8..=unmapped + 8).contains(&addr),
            "{name}: {addr:#x}"
        );
        assert_eq!(cpu.pc, CODE, "{name}");
        assert!(cpu.regs == before, "{name}");
    }
}

#[test]
fn atomic_accesses_must_be_aligned() {
    for (name, word) in [
        ("ldxr x2, [x1]", 0xc85f_7c22),
        ("stxr w3, x2, [x1]", 0xc803_7c22),
        ("ldxp x2, x3, [x1]", 0xc87f_0c22),
        ("ldarh w2, [x1]", 0x48df_fc22),
        ("stlr w2, [x1]", 0x889f_fc22),
        ("ldapr x2, [x1]", 0xf8bf_c022),
        ("swp w2, w3, [x1]", 0xb822_8023),
        ("casp x2, x3, x4, x5, [x1]", 0x4822_7c24),
    ] {
        let addr = CODE + 9;
        let mut cpu = state(&[(1, addr), (3, 33)]);
        let exit = run(&mut cpu, &[word, NOP], &[0; 32]).0;
        assert!(
            matches!(exit, BlockExit::Trap(Trap::Alignment, _)),
            "{name}: {exit:?}"
        );
        assert_eq!((cpu.exit_arg, cpu.pc), (addr, CODE), "{name}");
        assert_eq!(cpu.read64(regs::x(3)), 33, "{name}");
    }
}

#[test]
fn writing_fpcr_leaves_with_the_new_mode() {
    let mut cpu = state(&[(1, 0xffff_ffff)]);
    let exit = run(&mut cpu, &[0xd51b_4401, NOP], &[]).0; // msr fpcr, x1
    assert_eq!((exit, cpu.pc), (BlockExit::Leave, CODE + 4));
    assert_eq!(cpu.mode, mode::FZ | mode::DN | mode::AHP);
    assert_eq!(cpu.fp_round, 3);
    assert_eq!(cpu.read32(regs::FPCR), 0x07c0_0000);
    let rules = AArch64.fp_rules(cpu.mode);
    assert_eq!((rules.nan, rules.flush_to_zero), (NanRule::Default, true));
}

#[test]
fn fpsr_written_from_outside_is_read_back() {
    let mut cpu = state(&[]);
    cpu.write32(regs::FPSR, 0x0800_009f);
    AArch64.sync_derived(&mut cpu);
    run(&mut cpu, &[0xd53b_4420, 0xd400_0001], &[]); // mrs x0, fpsr; svc
    assert_eq!(cpu.read64(regs::x(0)), 0x0800_009f);
    // And what the guest writes is seen outside.
    cpu.write64(regs::x(0), 0x0800_0081);
    run(&mut cpu, &[0xd51b_4420, 0xd400_0001], &[]);
    AArch64.sync_registers(&mut cpu);
    assert_eq!(cpu.read32(regs::FPSR), 0x0800_0081);
}

#[test]
fn the_thread_pointer_is_a_register() {
    let mut cpu = state(&[(1, 0x1234_5678_9abc)]);
    run(&mut cpu, &[0xd51b_d041, 0xd53b_d040, 0xd400_0001], &[]); // msr tpidr_el0, x1; mrs x0, tpidr_el0
    assert_eq!(cpu.read64(regs::x(0)), 0x1234_5678_9abc);
    assert_eq!(
        regs::TABLE.by_name("tpidr").unwrap().read(&cpu),
        0x1234_5678_9abc
    );
}

#[test]
fn clrex_fails_a_store_exclusive() {
    let words = [0xc85f_7c22, NOP, 0xc803_7c24, 0xd400_0001]; // ldxr x2, [x1]; nop; stxr w3, x4, [x1]
    let mut cpu = state(&[(1, CODE + 16), (3, 9), (4, 44)]);
    let (_, mem) = run(&mut cpu, &words, &[1; 8]);
    assert_eq!((cpu.read64(regs::x(3)), mem.data[16]), (0, 44));
    let words = [words[0], 0xd503_3f5f, words[2], words[3]]; // clrex
    let mut cpu = state(&[(1, CODE + 16), (3, 9), (4, 44)]);
    let (_, mem) = run(&mut cpu, &words, &[1; 8]);
    assert_eq!((cpu.read64(regs::x(3)), mem.data[16]), (1, 1));
}

#[test]
fn exceptions_clear_the_monitor() {
    let mut cpu = state(&[(1, CODE + 8)]);
    run(&mut cpu, &[0xc85f_7c22, 0xd420_0000], &[1; 8]); // ldxr x2, [x1]; brk
    assert_eq!(cpu.excl_addr, CODE + 8);
    AArch64.sync_derived(&mut cpu); // as after a signal
    assert_eq!(cpu.excl_addr, u64::MAX);
    run(&mut cpu, &[0xc85f_7c22, 0xd400_0001], &[1; 8]); // svc
    assert_eq!(cpu.excl_addr, u64::MAX);
}

#[test]
fn ic_ivau_discards_a_line_of_code() {
    let mut cpu = state(&[(1, CODE + 5)]);
    let exit = run(&mut cpu, &[0xd50b_7521, NOP], &[]).0;
    let line = BlockExit::InvalidateCode {
        addr: CODE,
        len: sysregs::CACHE_LINE,
    };
    assert_eq!((exit, cpu.pc), (line, CODE + 4));
}

#[test]
fn the_counter_counts_nanoseconds() {
    let words = [0xd53b_e040, 0xd53b_e041, 0xd53b_e002, 0xd400_0001]; // mrs x0, cntvct; mrs x1, cntvct; mrs x2, cntfrq
    let mut cpu = state(&[]);
    let start = std::time::Instant::now();
    run(&mut cpu, &words, &[]);
    let first = cpu.read64(regs::x(0));
    std::thread::sleep(std::time::Duration::from_millis(2));
    run(&mut cpu, &words, &[]);
    let (passed, limit) = (
        cpu.read64(regs::x(0)) - first,
        start.elapsed().as_nanos() as u64,
    );
    assert!((2_000_000..=limit).contains(&passed), "{passed} of {limit}");
    assert!(cpu.read64(regs::x(1)) >= cpu.read64(regs::x(0)));
    assert_eq!(cpu.read64(regs::x(2)), 1_000_000_000);
}

#[test]
fn movz_and_movk_become_one_constant() {
    // movz x0, #0x1111; movk x0, #0x2222, lsl #16; movk x0, #0x3333, lsl #48; movz w1, #1; movk w1, #0xffff, lsl #16; svc
    let words = [
        0xd282_2220,
        0xf2a4_4440,
        0xf2e6_6660,
        0x5280_0021,
        0x72bf_ffe1,
        0xd400_0001,
    ];
    let mut cpu = state(&[]);
    run(&mut cpu, &words, &[]);
    assert_eq!(cpu.read64(regs::x(0)), 0x3333_0000_2222_1111);
    assert_eq!(cpu.read64(regs::x(1)), 0xffff_0001);
    // movk w0 over a 64-bit constant clears the upper half; movk x0 after a write to x1 keeps what x0 had.
    run(&mut cpu, &[0xd2e6_6660, 0x7282_2220, 0xd400_0001], &[]);
    assert_eq!(cpu.read64(regs::x(0)), 0x1111);
    run(&mut cpu, &[0xd280_0021, 0xf2a4_4440, 0xd400_0001], &[]);
    assert_eq!(cpu.read64(regs::x(0)), 0x2222_1111);
}
