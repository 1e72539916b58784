//! Pairs that become one access, and loops that keep registers of their own, against the interpreter.

use super::faults::{catch_faults, island};
use super::*;
use crate::ir::{BlockKey, Cmp, Cond, MemArg, NONE, OpCode, Ty, pending};
use crate::jit::copy::Copies;
use crate::jit::regs::Convention;
use fastrand::Rng;
use std::sync::atomic::Ordering;

const START: u64 = 0x1000;
/// Pinned: base addresses and a counter.
const FROM: u16 = 16;
const TO: u16 = 24;
const COUNT: u16 = 32;
/// Not pinned, not kept by calls: the first of a pair.
const FIRST: u16 = 128;

fn word() -> MemArg {
    MemArg {
        size: 3,
        ..MemArg::default()
    }
}

/// Writes instructions one after another.
struct Writer<'a> {
    b: Builder<'a>,
    pc: u64,
}

impl Writer<'_> {
    fn insn(&mut self) -> &mut Self {
        self.b.insn_start(self.pc, 4, false);
        self.pc += 4;
        self
    }

    fn load_pair(&mut self, slot: u16, base: u16, disp: i64) {
        let b = &mut self.insn().b;
        let a = b.get(Ty::I64, base);
        let x = b.load(Ty::I64, word(), a, NONE, disp);
        let y = b.load(Ty::I64, word(), a, NONE, disp + 8);
        b.set(Ty::I64, slot, x);
        b.set(Ty::I64, slot + 8, y);
    }

    fn store_pair(&mut self, slot: u16, base: u16, disp: i64) {
        let b = &mut self.insn().b;
        let a = b.get(Ty::I64, base);
        for i in 0..2 {
            let x = b.get(Ty::I64, slot + 8 * i);
            b.store(word(), a, NONE, disp + 8 * i64::from(i), x);
        }
    }

    fn add(&mut self, slot: u16, n: i64) {
        let b = &mut self.insn().b;
        let x = b.get(Ty::I64, slot);
        let sum = b.add_imm(x, n);
        b.set(Ty::I64, slot, sum);
    }

    /// Counts down, with flags.
    fn count(&mut self) {
        let b = &mut self.insn().b;
        let x = b.get(Ty::I64, COUNT);
        let one = b.const64(1);
        let left = b.op(OpCode::SubF, Ty::I64, &[x, one], 0, 0);
        b.set(Ty::I64, COUNT, left);
    }
}

fn write(f: impl FnOnce(&mut Writer<'_>)) -> Block {
    let mut block = Block::default();
    block.clear(BlockKey {
        pc: START,
        ..BlockKey::default()
    });
    let mut w = Writer {
        b: Builder::new(&mut block),
        pc: START,
    };
    f(&mut w);
    let len = (w.pc - START) as u32;
    block.ranges.push((START, len));
    crate::ir::verify(&block).expect("a valid block");
    block
}

/// The block rewritten, the registers that its loop keeps, and the number of accesses of 16 bytes in it.
fn rewrite(block: &Block) -> (Block, Vec<u16>, usize) {
    let mut after = Block {
        key: block.key,
        ops: block.ops.clone(),
        vconsts: block.vconsts.clone(),
        ranges: block.ranges.clone(),
        insns: block.insns,
        ..Block::default()
    };
    let pins = Copies::default().rewrite(&mut after, &Convention::new(&WIDE.table.pins));
    crate::ir::verify(&after).expect("a valid block");
    let wide = after
        .ops
        .iter()
        .filter(|op| matches!(op.code, OpCode::Load | OpCode::Store) && op.ty == Ty::V128)
        .count();
    (after, pins, wide)
}

#[test]
fn pairs_that_are_only_copied_become_one_access() {
    let copy = write(|w| {
        w.load_pair(FIRST, FROM, 0);
        w.store_pair(FIRST, TO, 0);
        w.b.jump(0);
    });
    assert_eq!(rewrite(&copy).2, 2);
    // Across two lines of the host's cache, or pinned.
    for slot in [FIRST + 56, 40, 88] {
        let other = write(|w| {
            w.load_pair(slot, FROM, 0);
            w.store_pair(slot, TO, 0);
            w.b.jump(0);
        });
        assert_eq!(rewrite(&other).2, 0, "{slot}");
    }
    // A half that is used on its own is better off in a general register.
    let used = write(|w| {
        w.load_pair(FIRST, FROM, 0);
        w.add(FIRST + 8, 1);
        w.store_pair(FIRST, TO, 0);
        w.b.jump(0);
    });
    assert_eq!(rewrite(&used).2, 0);
    // Halves that were written one by one are stored so; then the load before does not matter.
    let written = write(|w| {
        w.store_pair(FIRST, TO, 16);
        w.load_pair(FIRST, FROM, 0);
        w.store_pair(FIRST, TO, 0);
        w.insn();
        let zero = w.b.const64(0);
        w.b.set(Ty::I64, FIRST, zero);
        w.store_pair(FIRST, TO, 0);
        w.b.jump(0);
    });
    assert_eq!(rewrite(&written).2, 3);
    // What a function saves first is not taken for a pair, what it loads back is.
    let saved = write(|w| {
        w.store_pair(480, TO, 0);
        w.load_pair(480, TO, 0);
        w.b.jump(0);
    });
    assert_eq!(rewrite(&saved).2, 1);
}

#[test]
fn what_is_not_a_pair_stays() {
    let apart = |disp: i64, big: bool| {
        write(|w| {
            let b = &mut w.insn().b;
            let a = b.get(Ty::I64, FROM);
            let arg = MemArg { big, ..word() };
            let x = b.load(Ty::I64, arg, a, NONE, 0);
            let y = b.load(Ty::I64, arg, a, NONE, disp);
            b.set(Ty::I64, FIRST, x);
            b.set(Ty::I64, FIRST + 8, y);
            b.jump(0);
        })
    };
    assert_eq!(rewrite(&apart(8, false)).2, 1);
    assert_eq!(rewrite(&apart(16, false)).2, 0);
    assert_eq!(rewrite(&apart(8, true)).2, 0);
    let shared = write(|w| {
        let b = &mut w.insn().b;
        let a = b.get(Ty::I64, FROM);
        let x = b.load(Ty::I64, word(), a, NONE, 0);
        let y = b.load(Ty::I64, word(), a, NONE, 8);
        b.set(Ty::I64, FIRST, x);
        b.set(Ty::I64, FIRST + 8, y);
        b.set(Ty::I64, COUNT, y);
        b.jump(0);
    });
    assert_eq!(rewrite(&shared).2, 0);
}

/// A loop like memcpy's: random pairs move in random order.
fn random_loop(rng: &mut Rng) -> Block {
    let pairs = rng.u16(1..=5);
    write(|w| {
        for _ in 0..rng.usize(1..12) {
            let slot = FIRST + 16 * rng.u16(..pairs);
            let disp = 16 * rng.i64(-2..4);
            match rng.u8(..8) {
                0..=2 => w.load_pair(slot, FROM, disp),
                3..=5 => w.store_pair(slot, TO, disp),
                6 => {
                    let half = slot + 8 * rng.u16(..2);
                    w.add(if rng.bool() { half } else { FROM }, 16);
                }
                // On the way out: nothing is true of the counter above its start.
                _ => {
                    w.insn();
                    let (x, limit) = (w.b.get(Ty::I64, COUNT), w.b.const64(3));
                    w.b.exit_if_cmp(Cmp::Eq, x, limit, 0x9000);
                }
            }
        }
        w.add(TO, 16);
        w.count();
        w.insn();
        w.b.exit_if_cond(Cond::Ne, START);
        if rng.bool() {
            let next = w.pc;
            w.b.jump(next);
        } else {
            w.add(COUNT, 100);
            w.b.jump(0x8000);
        }
    })
}

/// Runs a loop on both engines, with `asked` set in the middle or not; says whether it kept registers and whether it faulted.
fn run_loop(m: &mut Machine, seed: u64, asked: bool) -> (bool, bool) {
    let mut rng = Rng::with_seed(seed);
    let block = random_loop(&mut rng);
    let (rewritten, pins, _) = rewrite(&block);
    const LEN: usize = 8192;
    let mut memory: Vec<u8> = std::iter::repeat_with(|| rng.u8(..)).take(LEN).collect();
    let registers: Vec<u64> = std::iter::repeat_with(|| rng.u64(..)).take(64).collect();
    let rounds = rng.u64(1..60);
    // Some run off the end.
    let from = MEMORY + 16 * rng.u64(2..505);
    let to = MEMORY + 16 * rng.u64(2..505);
    let start = |cpu: &mut CpuState| {
        for (i, x) in registers.iter().enumerate() {
            cpu.write64(8 * i as u16, *x);
        }
        cpu.write64(FROM, from);
        cpu.write64(TO, to);
        cpu.write64(COUNT, rounds);
        cpu.pc = START;
    };
    let base = island();
    // SAFETY: `island` maps that much, readable and writable, for good.
    let host = unsafe { std::slice::from_raw_parts_mut(base as *mut u8, LEN) };
    host.copy_from_slice(&memory);

    let mut want = CpuState::new();
    start(&mut want);
    let mut want_exit = BlockExit::Goto;
    // The rewritten block ends behind the loop, the other may go on.
    let behind = rewritten.ops.last().map_or(0, |op| op.imm as u64);
    while want_exit == BlockExit::Goto && want.pc == START {
        let mut once = Block {
            key: block.key,
            ops: block.ops.clone(),
            ..Block::default()
        };
        if !pins.is_empty() {
            once.ops.truncate(rewritten.ops.len() - 1);
            let mut b = Builder::new(&mut once);
            b.jump(behind);
        }
        want_exit = interpret(&mut want, &once, &mut memory);
    }

    let mut got = CpuState::new();
    start(&mut got);
    got.guest_base = base.wrapping_sub(MEMORY);
    let entry = m
        .cache
        .add(&rewritten, &pins, &mut m.emitter, &m.slot, None, || true)
        .expect("a simple block")
        .expect("an entry");
    let mut code;
    loop {
        if asked {
            got.pending.store(pending::FLUSH, Ordering::Relaxed);
        }
        code = m.enter_at_base(&mut got, entry);
        // A loop that was asked to leave goes on where it stopped; one without registers of its own leaves after each round.
        if asked && code & 0xff == exit_code::POLL {
            got.pending.store(0, Ordering::Relaxed);
            assert_eq!(got.pc, START);
            code = m.enter_at_base(&mut got, entry);
        }
        if code & 0xff != exit_code::LINK || got.pc != START {
            break;
        }
    }
    let exit = exit_of(&got, code);
    let faulted = matches!(exit, BlockExit::Fault(_));
    match (&exit, &want_exit) {
        (BlockExit::Fault(g), BlockExit::Fault(w)) => assert_eq!(g.write, w.write, "{seed}"),
        _ => assert_eq!(exit, want_exit, "seed {seed}\n{rewritten}"),
    }
    assert_eq!(got.pc, want.pc, "seed {seed}\n{rewritten}");
    assert_eq!(got.nzcv(), want.nzcv(), "seed {seed}\n{rewritten}");
    assert_eq!(got.regs, want.regs, "seed {seed}\n{rewritten}");
    assert_eq!(host, memory, "seed {seed}\n{rewritten}");
    m.cache.invalidate_range(START, START + 4);
    (!pins.is_empty(), faulted)
}

#[test]
fn loops_copy_as_the_interpreter_does() {
    catch_faults();
    let mut m = Machine::new(&WIDE);
    let (mut kept, mut kept_and_faulted) = (0, 0);
    for seed in 0..600 {
        let (pins, fault) = run_loop(&mut m, seed, seed % 3 == 0);
        kept += u32::from(pins);
        kept_and_faulted += u32::from(pins && fault);
    }
    assert!(kept > 50, "{kept}");
    assert!(kept_and_faulted > 10, "{kept_and_faulted}");
}

/// Between two rounds a loop sees that it is asked to leave, and leaves with its registers in the state.
#[test]
fn a_loop_leaves_when_asked() {
    let block = write(|w| {
        w.store_pair(FIRST, TO, 0);
        w.load_pair(FIRST, FROM, 0);
        w.count();
        w.insn();
        w.b.exit_if_cond(Cond::Ne, START);
        let next = w.pc;
        w.b.jump(next);
    });
    let (block, pins, wide) = rewrite(&block);
    assert_eq!((pins.as_slice(), wide), ([FIRST].as_slice(), 2));
    let mut m = Machine::new(&WIDE);
    let entry = m
        .cache
        .add(&block, &pins, &mut m.emitter, &m.slot, None, || true)
        .expect("a simple block")
        .expect("an entry");
    let mut cpu = Box::new(CpuState::new());
    cpu.write64(FROM, MEMORY);
    cpu.write64(TO, MEMORY + 64);
    // It would take years.
    cpu.write64(COUNT, u64::MAX / 2);
    cpu.pc = START;
    for (i, byte) in m.memory[..16].iter_mut().enumerate() {
        *byte = i as u8;
    }
    let asked = &raw const cpu.pending as usize;
    let other = std::thread::spawn(move || {
        std::thread::sleep(std::time::Duration::from_millis(20));
        // SAFETY: the state outlives the thread, which is joined below; the field is an atomic.
        unsafe { &*(asked as *const std::sync::atomic::AtomicU32) }
            .store(pending::FLUSH, Ordering::SeqCst);
    });
    let code = m.enter(&mut cpu, entry);
    other.join().expect("the other thread");
    assert_eq!(code & 0xff, exit_code::POLL);
    assert_eq!(cpu.pc, START);
    assert!(cpu.read64(COUNT) < u64::MAX / 2);
    assert_eq!(cpu.read64(FIRST), 0x0706_0504_0302_0100);
    assert_eq!(cpu.read64(FIRST + 8), 0x0f0e_0d0c_0b0a_0908);
    // Not zero, not less.
    assert_eq!(cpu.nzcv(), 0x2000_0000);
}
