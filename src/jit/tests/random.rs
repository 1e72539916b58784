//! Random blocks on both engines.

use super::generate::{generate, nasty128};
use super::*;
use crate::ir::{OpCode, verify};
use fastrand::Rng;

fn random_state(rng: &mut Rng, cpu: &mut CpuState, mode: u32) {
    for s in (0..512).step_by(16) {
        cpu.write(s, 16, nasty128(rng));
    }
    cpu.set_nzcv(rng.u32(..) & 0xf000_0000);
    cpu.fp_round = rng.u8(..4);
    cpu.fp_flags = rng.u32(..32);
    cpu.mode = mode;
    cpu.excl_addr = u64::MAX;
    if rng.bool() {
        cpu.excl_addr = MEMORY + (rng.u64(..) & 0x7f0);
        cpu.excl_val = nasty128(rng);
    }
    cpu.exit_arg = 0;
}

fn copy_state(from: &CpuState) -> Box<CpuState> {
    let mut to = CpuState::new();
    to.regs = from.regs;
    to.flags = from.flags;
    to.fp_round = from.fp_round;
    to.fp_flags = from.fp_flags;
    to.mode = from.mode;
    to.excl_addr = from.excl_addr;
    to.excl_val = from.excl_val;
    to.exit_arg = from.exit_arg;
    to.pc = from.pc;
    to
}

/// The first difference between two states.
fn difference(want: &CpuState, got: &CpuState) -> Option<String> {
    for s in (0..512).step_by(4) {
        if want.read32(s) != got.read32(s) {
            return Some(format!(
                "slot {s}: {:#x}, not {:#x}",
                got.read32(s),
                want.read32(s)
            ));
        }
    }
    let pairs = [
        ("pc", want.pc, got.pc),
        ("nzcv", want.nzcv().into(), got.nzcv().into()),
        ("fp_flags", want.fp_flags.into(), got.fp_flags.into()),
        ("fp_round", want.fp_round.into(), got.fp_round.into()),
        ("excl_addr", want.excl_addr, got.excl_addr),
        ("excl_val", want.excl_val as u64, got.excl_val as u64),
        ("exit_arg", want.exit_arg, got.exit_arg),
    ];
    pairs
        .into_iter()
        .find(|(_, w, g)| w != g)
        .map(|(name, w, g)| format!("{name}: {g:#x}, not {w:#x}"))
}

/// Compares the engines on `count` random blocks; returns how many were too complex for the JIT.
fn compare(isa: &'static TestIsa, seed: u64, count: u64, focus: Option<OpCode>) -> u64 {
    let wide = !isa.abi().is_32bit();
    let mut machine = Machine::new(isa);
    let mut block = Block::default();
    let mut too_complex = 0;
    for n in 0..count {
        let mut rng = Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(n));
        generate(&mut rng, &mut block, wide, 0x40_0000 + n * 0x100, focus);
        verify(&block).expect("a valid block");
        let mut want = CpuState::new();
        random_state(&mut rng, &mut want, block.key.mode);
        let mut got = copy_state(&want);
        let mut want_memory: Vec<u8> = (0..MEMORY_LEN).map(|_| rng.u8(..)).collect();
        machine.memory.copy_from_slice(&want_memory);
        let want_exit = interpret(&mut want, &block, &mut want_memory);
        let Some(entry) = machine.try_add(&block) else {
            too_complex += 1;
            continue;
        };
        let code = machine.enter(&mut got, entry);
        let got_exit = exit_of(&got, code);
        let problem = if want_exit != got_exit {
            Some(format!("exit {got_exit:x?}, not {want_exit:x?}"))
        } else if want_memory != machine.memory {
            Some("memory".into())
        } else {
            difference(&want, &got)
        };
        if let Some(problem) = problem {
            let (mut start, mut rng) = (
                CpuState::new(),
                Rng::with_seed(seed.wrapping_mul(1_000_003).wrapping_add(n)),
            );
            generate(
                &mut rng,
                &mut Block::default(),
                wide,
                0x40_0000 + n * 0x100,
                focus,
            );
            random_state(&mut rng, &mut start, block.key.mode);
            let regs: Vec<String> = (0..512u16)
                .step_by(16)
                .map(|s| format!("{s}: {:032x}", start.read(s, 16)))
                .collect();
            let text = crate::jit::disassemble(machine.emitter.code(), entry);
            panic!(
                "seed {seed} block {n}: {problem}\nmode {:?} round {}\n{}\n{block}\n{text}",
                block.fp,
                start.fp_round,
                regs.join("\n")
            );
        }
    }
    too_complex
}

/// Each op often, on both kinds of guest.
#[test]
fn every_op_agrees_with_the_interpreter() {
    for (n, code) in OpCode::ALL.iter().enumerate() {
        for isa in [&WIDE, &NARROW] {
            let too_complex = compare(isa, n as u64 + 1, 150, Some(*code));
            assert!(too_complex < 10, "{} {too_complex}", code.name());
        }
    }
}

#[test]
fn random_blocks_agree_with_the_interpreter() {
    let blocks = std::env::var("EMU_JIT_BLOCKS").map_or(20_000, |n| n.parse().expect("a number"));
    let seed = std::env::var("EMU_JIT_SEED").map_or(1000, |n| n.parse().expect("a number"));
    for isa in [&WIDE, &NARROW] {
        let too_complex = compare(isa, seed, blocks, None);
        assert!(too_complex < blocks / 50, "{too_complex}");
    }
}
