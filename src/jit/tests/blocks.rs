//! Hand-made blocks: linking, polling, invalidation, the shape of code.

use super::*;
use crate::ir::{BlockKey, Cond, FpRules, MemArg, NONE, OpCode, Ty, pending};
use std::sync::atomic::Ordering;

/// A block at `pc` written by `f`.
fn block(pc: u64, f: impl FnOnce(&mut Builder<'_>)) -> Block {
    let mut block = Block::default();
    block.clear(BlockKey {
        pc,
        mode: 0,
        instrumentation: 0,
    });
    block.fp = FpRules::default();
    block.insns = 1;
    block.ranges.push((pc, 0x10));
    let mut b = Builder::new(&mut block);
    b.insn_start(pc, 4, false);
    f(&mut b);
    crate::ir::verify(&block).expect("a valid block");
    block
}

/// A pinned register, and one that is not.
const X: u16 = 16;
const Y: u16 = 160;

/// `loop: X -= 1; Y += X; if X != 0 goto loop; goto after`
fn countdown(pc: u64, after: u64) -> Block {
    block(pc, |b| {
        let x = b.get(Ty::I64, X);
        let one = b.const64(1);
        let x1 = b.op(OpCode::SubF, Ty::I64, &[x, one], 0, 0);
        let y = b.get(Ty::I64, Y);
        let y1 = b.add(y, x1);
        b.set(Ty::I64, X, x1);
        b.set(Ty::I64, Y, y1);
        b.insn_start(pc + 4, 4, false);
        b.exit_if_cond(Cond::Ne, pc);
        b.jump(after);
    })
}

/// The argument of an exit that wants to be linked.
fn link_id(code: u64) -> u64 {
    assert_eq!(code & 0xff, exit_code::LINK);
    code >> 8
}

fn entry(m: &Machine, pc: u64) -> Option<u64> {
    let key = BlockKey {
        pc,
        mode: 0,
        instrumentation: 0,
    };
    match m.cache.lookup(key) {
        crate::jit::cache::Found::Entry(e) => Some(e),
        crate::jit::cache::Found::Missing => None,
    }
}

fn follow(m: &Machine, id: u64, pc: u64) -> bool {
    let key = BlockKey {
        pc,
        mode: 0,
        instrumentation: 0,
    };
    matches!(m.cache.follow(id, key), crate::jit::cache::Found::Entry(_))
}

#[test]
fn a_linked_loop_runs_by_itself_until_asked_to_stop() {
    let mut m = Machine::new(&WIDE);
    let entry = m.add(&countdown(0x1000, 0x2000));
    let mut cpu = CpuState::new();
    cpu.write64(X, 1000);
    let code = m.enter(&mut cpu, entry);
    assert_eq!((cpu.pc, cpu.read64(X)), (0x1000, 999));
    assert!(follow(&m, link_id(code), 0x1000));
    // The rest without leaving; the flags of the last subtraction are in the state.
    let code = m.enter(&mut cpu, entry);
    assert_eq!((cpu.pc, cpu.read64(X)), (0x2000, 0));
    assert_eq!(cpu.read64(Y), 999 * 1000 / 2);
    assert_eq!(cpu.nzcv(), 0x6000_0000);
    assert_eq!(code & 0xff, exit_code::LINK);
    // A pending request is seen before the first instruction.
    cpu.write64(X, 5);
    cpu.pending.store(pending::STOP, Ordering::SeqCst);
    let code = m.enter(&mut cpu, entry);
    assert_eq!((code & 0xff, cpu.pc), (exit_code::POLL, 0x1000));
    assert_eq!(cpu.read64(X), 5);
}

#[test]
fn another_thread_stops_an_endless_loop() {
    let mut m = Machine::new(&WIDE);
    let pc = 0x1000;
    let entry = m.add(&block(pc, |b| {
        let x = b.get(Ty::I64, X);
        let x = b.add_imm(x, 1);
        b.set(Ty::I64, X, x);
        b.jump(pc);
    }));
    let mut cpu = CpuState::new();
    let code = m.enter(&mut cpu, entry);
    assert!(follow(&m, link_id(code), pc));
    let flag = &raw const cpu.pending as usize;
    let stopper = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        // SAFETY: the state outlives the thread, which is joined below.
        let flag = unsafe { &*(flag as *const std::sync::atomic::AtomicU32) };
        flag.store(pending::SIGNAL, Ordering::SeqCst);
    });
    let code = m.enter(&mut cpu, entry);
    stopper.join().expect("the stopper");
    assert_eq!((code & 0xff, cpu.pc), (exit_code::POLL, pc));
    assert!(cpu.read64(X) > 1000);
}

/// A comparison whose flags the next block needs, or does not, on the way to it: both ways of linking.
#[test]
fn flags_pass_a_link_only_when_they_are_needed() {
    let mut m = Machine::new(&WIDE);
    let first = m.add(&block(0x1000, |b| {
        let x = b.get(Ty::I64, X);
        let y = b.get(Ty::I64, Y);
        b.op(OpCode::SubF, Ty::I64, &[x, y], 0, 0);
        b.exit_if_cond(Cond::Lt, 0x2000);
        b.jump(0x3000);
    }));
    // Needs them.
    m.add(&block(0x2000, |b| {
        let v = b.op(OpCode::CondValue, Ty::I32, &[], Cond::Cs as u16, 0);
        let v = b.zext32(v);
        b.set(Ty::I64, Y, v);
        b.leave(0x2004);
    }));
    // Makes its own before anything could look.
    m.add(&block(0x3000, |b| {
        let x = b.get(Ty::I64, X);
        b.op(OpCode::SubF, Ty::I64, &[x, x], 0, 0);
        b.leave(0x3004);
    }));
    for (x, y, target, nzcv) in [
        (u64::MAX, 1, 0x2000, 0xa000_0000u32),
        (1, u64::MAX, 0x3000, 0x6000_0000),
    ] {
        let mut cpu = CpuState::new();
        cpu.write64(X, x);
        cpu.write64(Y, y);
        let code = m.enter(&mut cpu, first);
        assert_eq!(cpu.pc, target);
        assert!(follow(&m, link_id(code), target));
        cpu.write64(X, x);
        cpu.write64(Y, y);
        let code = m.enter(&mut cpu, first);
        assert_eq!((code & 0xff, cpu.pc), (exit_code::LEAVE, target + 4));
        assert_eq!(cpu.nzcv(), nzcv, "{target:x}");
        if target == 0x2000 {
            assert_eq!(cpu.read64(Y), 1);
        }
    }
}

#[test]
fn invalidated_blocks_are_unlinked_and_forgotten() {
    let mut m = Machine::new(&WIDE);
    let first = m.add(&block(0x1000, |b| b.jump(0x5000)));
    m.add(&block(0x5000, |b| b.leave(1)));
    let mut cpu = CpuState::new();
    let code = m.enter(&mut cpu, first);
    assert!(follow(&m, link_id(code), 0x5000));
    assert_eq!(m.enter(&mut cpu, first) & 0xff, exit_code::LEAVE);
    assert_eq!(cpu.pc, 1);
    let epoch = m.cache.epoch();
    m.cache.invalidate_range(0x7000, 0x8000);
    assert_eq!(m.cache.epoch(), epoch);
    m.cache.invalidate_range(0x5004, 0x5005);
    assert!(m.cache.epoch() > epoch);
    assert_eq!(entry(&m, 0x5000), None);
    assert_eq!(entry(&m, 0x1000), Some(first));
    let code = m.enter(&mut cpu, first);
    assert_eq!((code & 0xff, cpu.pc), (exit_code::LINK, 0x5000));
    // A new translation is linked again.
    m.add(&block(0x5000, |b| b.leave(2)));
    assert!(follow(&m, link_id(code), 0x5000));
    assert_eq!(m.enter(&mut cpu, first) & 0xff, exit_code::LEAVE);
    assert_eq!(cpu.pc, 2);
}

/// Jumps to every address find the right block or none, also to the one that marks empty entries.
#[test]
fn jump_cache_hits_and_misses() {
    let mut m = Machine::new(&WIDE);
    let first = m.add(&block(0x1000, |b| {
        let x = b.get(Ty::I64, X);
        b.jump_reg(x);
    }));
    let target = m.add(&block(0x5000, |b| b.leave(7)));
    let mut cpu = CpuState::new();
    for pc in [0x5000, u64::MAX, 0, 0x4000, 0x1_0000_5000] {
        cpu.write64(X, pc);
        assert_eq!(m.enter(&mut cpu, first) & 0xff, exit_code::LOOKUP);
        assert_eq!(cpu.pc, pc);
    }
    let n = (0x5000 >> 2) & (crate::ir::JUMP_CACHE_ENTRIES - 1);
    m.jumps[n] = JumpEntry {
        pc: 0x5000,
        host: target,
    };
    cpu.write64(X, 0x5000);
    assert_eq!(m.enter(&mut cpu, first) & 0xff, exit_code::LEAVE);
    cpu.write64(X, 0x1_0000_5000);
    assert_eq!(m.enter(&mut cpu, first) & 0xff, exit_code::LOOKUP);
}

/// When the areas are full everything is forgotten, again and again, and what is there still runs.
#[test]
fn full_areas_change_places() {
    let cache = CodeCache::with_area(&WIDE, 2 << 20).expect("a cache");
    let mut m = Machine::new(&WIDE);
    m.cache = Arc::new(cache);
    m.slot = m.cache.register();
    let mut cpu = CpuState::new();
    for n in 0..40_000u64 {
        let pc = 0x1000 + 0x20 * n;
        let b = block(pc, |b| {
            let x = b.get(Ty::I64, X);
            let x = b.add_imm(x, n as i64);
            let v = b.vconst(u128::from(n % 1000) << 64 | 1);
            b.set(Ty::V128, 288, v);
            b.set(Ty::I64, X, x);
            b.jump(pc + 0x20);
        });
        m.slot.at_safe_point(m.cache.epoch());
        let entry = m.add(&b);
        cpu.write64(X, 1);
        let code = m.enter(&mut cpu, entry);
        assert_eq!((code & 0xff, cpu.read64(X)), (exit_code::LINK, n + 1));
        assert_eq!(cpu.read(288, 16), u128::from(n % 1000) << 64 | 1);
        // Also links that were asked for before the areas changed.
        follow(&m, code >> 8, pc);
    }
    let stats = m.cache.stats();
    assert!(stats.flushes >= 3, "{stats}");
    assert_eq!(stats.blocks, 40_000);
}

/// Values that do not fit the registers, all needed at the end.
#[test]
fn many_live_values_are_spilled() {
    let mut m = Machine::new(&WIDE);
    for n in [10u16, 40] {
        let b = block(0x1000 + u64::from(n), |b| {
            let x = b.get(Ty::I64, X);
            let seed = b.get(Ty::V128, 288);
            let mut ints = vec![x];
            let mut vectors = vec![seed];
            for k in 0..n {
                let last = *ints.last().unwrap_or(&x);
                let v = b.binary_imm(OpCode::Mul, last, i64::from(k) + 3);
                ints.push(v);
                let last = *vectors.last().unwrap_or(&seed);
                let v = b.vec(OpCode::VAdd, 2, &[last, seed]);
                vectors.push(v);
            }
            let sum = ints[1..]
                .iter()
                .fold(x, |s, v| b.op(OpCode::Xor, Ty::I64, &[s, *v], 0, 0));
            let total = vectors[1..]
                .iter()
                .fold(seed, |s, v| b.vec(OpCode::VXor, 0, &[s, *v]));
            b.set(Ty::I64, Y, sum);
            b.set(Ty::V128, 496, total);
            b.leave(0);
        });
        let Some(entry) = m.try_add(&b) else {
            assert_eq!(n, 40, "only many values are too many");
            continue;
        };
        let mut cpu = CpuState::new();
        cpu.write64(X, 0x1234_5678_9abc_def1);
        cpu.write(288, 16, 0x0102_0304_0506_0708_1112_1314_1516_1718);
        let mut want = CpuState::new();
        want.regs = cpu.regs;
        interpret(&mut want, &b, &mut Vec::new());
        m.enter(&mut cpu, entry);
        assert_eq!(cpu.regs, want.regs);
    }
}

/// The code of common patterns is as short as it should be.
#[test]
fn common_patterns_take_one_instruction() {
    let body = |b: &Block| {
        let mut m = Machine::new(&WIDE);
        let at = m.add(b);
        let text = crate::jit::disassemble(m.emitter.code(), at);
        // Between the poll and the exit.
        let lines: Vec<String> = text
            .lines()
            .skip(2)
            .map(|l| l.split_once(": ").map_or("", |(_, t)| t).to_string())
            .take_while(|l| !l.starts_with("call"))
            .collect();
        lines
    };
    // add x2, x2, #8
    let lines = body(&block(0x1000, |b| {
        let x = b.get(Ty::I64, X);
        let x = b.add_imm(x, 8);
        b.set(Ty::I64, X, x);
        b.leave(0);
    }));
    assert_eq!(lines, ["add rsi,8"]);
    // add w3, w2, w3
    let lines = body(&block(0x1000, |b| {
        let (x, y) = (b.get(Ty::I32, X), b.get(Ty::I32, X + 8));
        let v = b.add(x, y);
        let v = b.zext32(v);
        b.set(Ty::I64, X + 8, v);
        b.leave(0);
    }));
    assert_eq!(lines, ["add edi,esi"]);
    // ldr x3, [x2, #16]
    let lines = body(&block(0x1000, |b| {
        let x = b.get(Ty::I64, X);
        let m = MemArg {
            size: 3,
            ..MemArg::default()
        };
        let v = b.load(Ty::I64, m, x, NONE, 16);
        b.set(Ty::I64, X + 8, v);
        b.leave(0);
    }));
    assert_eq!(lines, ["mov rdi,gs:[rsi+10h]"]);
    // cmp w2, #3; b.le
    let lines = body(&block(0x1000, |b| {
        let x = b.get(Ty::I32, X);
        let three = b.const32(3);
        b.op(OpCode::SubF, Ty::I32, &[x, three], 0, 0);
        b.exit_if_cond(Cond::Le, 0x2000);
        let x = b.get(Ty::I32, X);
        b.op(OpCode::SubF, Ty::I32, &[x, x], 0, 0);
        b.jump(0x3000);
    }));
    let code: Vec<&str> = lines
        .iter()
        .map(|l| l.split(' ').next().unwrap_or(""))
        .filter(|l| *l != "nop")
        .collect();
    assert_eq!(code[..4], ["cmp", "jle", "cmp", "jmp"]);
    // fadd d2, d2, d3
    let lines = body(&block(0x1000, |b| {
        let (x, y) = (b.get(Ty::V128, 272), b.get(Ty::V128, 288));
        let v = b.fp(OpCode::FAdd, Ty::V128, 3, &[x, y]);
        b.set(Ty::V128, 272, v);
        b.leave(0);
    }));
    assert_eq!(lines.len(), 4, "{lines:?}");
    assert_eq!(lines[3], "vmovq xmm0,xmm12");
}
