//! Host faults in generated code: the guest's state afterwards, against the interpreter's.

use super::*;
use crate::abi::Signal;
use crate::host::map;
use crate::host::signal::{Disposition, set_action, set_recover};
use crate::ir::{AtomicOp, BlockKey, MemArg, MemFault, NONE, OpCode, Ty};
use std::sync::Once;

const PAGE: u64 = 4096;

/// Catches host faults for the whole test process; everything that [`crate::jit::recover`] does not know still kills it.
pub(super) fn catch_faults() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_recover(crate::jit::recover);
        for signal in [Signal::SIGSEGV, Signal::SIGBUS] {
            set_action(signal, Disposition::Handle).expect("a handler");
        }
    });
}

/// Two readable and writable pages at the guest address [`MEMORY`], nothing around them. Never given back: tests are few.
pub(super) fn island() -> u64 {
    let base = map::reserve(None, 32 * PAGE).expect("a reservation");
    map::protect(base + 16 * PAGE, 2 * PAGE, 3).expect("pages");
    base + 16 * PAGE
}

/// Writes registers and flags around an access that `f` makes with the address in slot 16.
fn faulting_block(isa: &TestIsa, f: impl FnOnce(&mut Builder<'_>, crate::ir::Val)) -> Block {
    let mut block = Block::default();
    block.clear(BlockKey {
        pc: 0x1000,
        mode: 0,
        instrumentation: 0,
    });
    block.addr32 = isa.abi().is_32bit();
    block.insns = 3;
    let ty = if block.addr32 { Ty::I32 } else { Ty::I64 };
    let mut b = Builder::new(&mut block);
    b.insn_start(0x1000, 4, false);
    let x = b.get(Ty::I32, 24);
    let y = b.get(Ty::I32, 160);
    let sum = b.add(x, y);
    // A pinned and an unpinned register, and flags that are in EFLAGS only.
    b.set(Ty::I32, 28, sum);
    b.set(Ty::I32, 164, sum);
    b.op(OpCode::AddF, Ty::I32, &[x, y], 0, 0);
    b.insn_start(0x1004, 4, false);
    let addr = b.get(ty, 16);
    f(&mut b, addr);
    b.insn_start(0x1008, 4, false);
    let zero = b.const32(0);
    b.set(Ty::I32, 28, zero);
    b.op(OpCode::SubF, Ty::I32, &[zero, zero], 0, 0);
    b.leave(0x100c);
    crate::ir::verify(&block).expect("a valid block");
    block
}

/// Runs the block on both engines with that address in slot 16; returns the fault.
fn fault(isa: &'static TestIsa, block: &Block, addr: u64) -> MemFault {
    catch_faults();
    let mut m = Machine::new(isa);
    let start = |cpu: &mut CpuState| {
        for s in (0..512).step_by(8) {
            cpu.write64(s, u64::from(s) * 0x0101_0101_0101);
        }
        cpu.write64(16, addr);
        cpu.write32(24, 0x8000_0000);
        cpu.write32(160, 0x8000_0000);
        cpu.write64(40, 16);
    };
    let mut want = CpuState::new();
    start(&mut want);
    let mut memory = vec![0; 2 * PAGE as usize];
    let want_exit = interpret(&mut want, block, &mut memory);
    let mut got = CpuState::new();
    start(&mut got);
    got.guest_base = island().wrapping_sub(MEMORY);
    let entry = m.add(block);
    let code = m.enter_at_base(&mut got, entry);
    let exit = exit_of(&got, code);
    let BlockExit::Fault(f) = exit else {
        panic!("{exit:x?} at {addr:#x}, the interpreter: {want_exit:x?}\n{block}");
    };
    let BlockExit::Fault(w) = want_exit else {
        panic!("the interpreter left with {want_exit:x?}");
    };
    assert_eq!(f.write, w.write, "{block}");
    assert_eq!(got.pc, want.pc);
    assert_eq!(got.nzcv(), want.nzcv());
    assert_eq!(want.nzcv(), 0x7000_0000);
    assert_eq!(got.regs, want.regs, "{block}");
    f
}

fn mem(size: u8) -> MemArg {
    MemArg {
        size,
        ..MemArg::default()
    }
}

#[test]
fn loads_and_stores_fault_precisely() {
    for isa in [&WIDE, &NARROW] {
        for size in 0..5 {
            for big in [false, true] {
                let arg = MemArg {
                    big: big && size < 4,
                    ..mem(size)
                };
                let ty = match size {
                    4 => Ty::V128,
                    3 => Ty::I64,
                    _ => Ty::I32,
                };
                let load = faulting_block(isa, |b, addr| {
                    let v = b.load(ty, arg, addr, NONE, 8);
                    if ty == Ty::I32 {
                        b.set(ty, 28, v);
                    } else {
                        b.set(ty, 304, v);
                    }
                });
                let store = faulting_block(isa, |b, addr| {
                    let v = b.get(ty, 320);
                    b.store(arg, addr, NONE, 8, v);
                });
                for block in [&load, &store] {
                    let f = fault(isa, block, MEMORY - PAGE);
                    assert_eq!((f.addr, f.code, f.bus), (MEMORY - PAGE + 8, 2, false));
                }
                // Across the end of what is mapped: the first address that is not.
                if size > 0 {
                    let f = fault(isa, &load, MEMORY + 2 * PAGE - 8 - 1);
                    assert_eq!(f.addr, MEMORY + 2 * PAGE);
                }
            }
        }
    }
}

#[test]
fn indexed_and_absolute_addresses_fault_precisely() {
    let indexed = faulting_block(&WIDE, |b, addr| {
        let index = b.get(Ty::I64, 40);
        let arg = MemArg { scale: 3, ..mem(2) };
        let v = b.load(Ty::I32, arg, addr, index, -16);
        b.set(Ty::I32, 28, v);
    });
    let f = fault(&WIDE, &indexed, MEMORY - 2 * PAGE);
    assert_eq!(f.addr, MEMORY - 2 * PAGE + 128 - 16);
    // 32-bit addresses wrap.
    let wraps = faulting_block(&NARROW, |b, addr| {
        let v = b.load(Ty::I32, mem(2), addr, NONE, 0x7000);
        b.set(Ty::I32, 28, v);
    });
    let f = fault(&NARROW, &wraps, 0xffff_a000);
    assert_eq!(f.addr, 0x1000);
}

#[test]
fn addresses_that_are_not_canonical_are_told() {
    let block = faulting_block(&WIDE, |b, addr| {
        let v = b.load(Ty::I64, mem(3), addr, NONE, 0x20);
        b.set(Ty::I64, 32, v);
    });
    let f = fault(&WIDE, &block, 0x1234_5678_9abc_def0);
    assert_eq!((f.addr, f.code, f.write), (0x1234_5678_9abc_df10, 1, false));
}

#[test]
fn atomics_fault_precisely_as_stores() {
    for isa in [&WIDE, &NARROW] {
        for kind in 0..10 {
            let block = faulting_block(isa, |b, addr| {
                let x = b.get(Ty::I32, 24);
                let old = b.atomic_rmw(Ty::I32, AtomicOp::from_u16(kind), mem(2), addr, x);
                b.set(Ty::I32, 28, old);
            });
            assert!(fault(isa, &block, MEMORY - PAGE).write);
        }
    }
    // With the address in a pin, and in none: then R14 is borrowed.
    for unpinned in [false, true] {
        let block = faulting_block(&WIDE, |b, addr| {
            let addr = if unpinned { b.add_imm(addr, 16) } else { addr };
            let v = b.get(Ty::V128, 320);
            let old = b.op(OpCode::AtomicCas, Ty::V128, &[addr, v, v], mem(4).pack(), 0);
            b.set(Ty::V128, 304, old);
        });
        let f = fault(&WIDE, &block, MEMORY - PAGE);
        assert!(f.write);
        assert_eq!(f.addr, MEMORY - PAGE + if unpinned { 16 } else { 0 });
    }
}
