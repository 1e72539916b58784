//! The JIT against the interpreter.

mod blocks;
mod copies;
mod faults;
mod fp;
mod generate;
mod random;

use super::cache::CodeCache;
use super::emit::{ENGINE_ADDR, ENGINE_LEN, exit_code};
use crate::abi::Abi;
use crate::host::code::set_gs_base;
use crate::ir::{
    Access, Block, BlockExit, Builder, CpuState, FpRules, Helper, HelperFn, Interpreter, JumpEntry,
    NanRule, Trap, WatchHit, WatchRange,
};
use crate::isa::testing::FlatMemory;
use crate::isa::{CodeSource, FetchFault, Flow, Isa, Pins, RegisterTable};
use std::sync::Arc;

/// A guest that exists for its registers and helpers: blocks are written by hand.
pub struct TestIsa {
    abi: Abi,
    table: RegisterTable,
}

const fn slots<const N: usize>(start: u16, step: u16) -> [u16; N] {
    let mut list = [0; N];
    let mut i = 0;
    while i < N {
        list[i] = start + step * i as u16;
        i += 1;
    }
    list
}

/// Pinned registers, out of order so that position and slot differ.
static WIDE_INT: [u16; 12] = slots(16, 8);
static WIDE_VECTOR: [u16; 12] = slots(272, 16);
static NARROW_INT: [u16; 12] = slots(8, 4);
static NARROW_VECTOR: [u16; 12] = slots(264, 8);

/// 64-bit registers and 128-bit vectors, as AArch64.
pub static WIDE: TestIsa = TestIsa {
    abi: Abi::HOST,
    table: RegisterTable {
        gdb_arch: "",
        registers: &[],
        pins: Pins {
            int: &WIDE_INT,
            int_size: 8,
            vector: &WIDE_VECTOR,
            vector_size: 16,
            temporaries: (128, 256),
        },
    },
};

/// 32-bit registers and 64-bit floating-point registers, as MIPS.
pub static NARROW: TestIsa = TestIsa {
    abi: Abi {
        word: 4,
        ..Abi::HOST
    },
    table: RegisterTable {
        gdb_arch: "",
        registers: &[],
        pins: Pins {
            int: &NARROW_INT,
            int_size: 4,
            vector: &NARROW_VECTOR,
            vector_size: 8,
            temporaries: (0, 0),
        },
    },
};

extern "sysv64" fn mix(_: &mut CpuState, a: u64, b: u64, c: u64, imm: u64) -> u64 {
    a.wrapping_mul(3) ^ b.rotate_left(7) ^ c.wrapping_add(imm)
}

/// Reads and writes a pinned and an unpinned register, the flags and the FP environment.
extern "sysv64" fn meddle(cpu: &mut CpuState, a: u64, _: u64, _: u64, imm: u64) -> u64 {
    let old = cpu.read64(16) ^ cpu.read64(160);
    cpu.write64(16, a);
    cpu.write64(160, old.wrapping_add(imm));
    cpu.set_nzcv((a as u32) & 0xf000_0000);
    cpu.fp_round = (a >> 8) as u8 & 3;
    cpu.fp_flags ^= 1 << (a & 3);
    old
}

extern "sysv64" fn mix_vectors(cpu: &mut CpuState, imm: u64) {
    let [a, b, c, _] = cpu.vargs;
    // Host floating point in a helper must neither see the guest's rounding mode nor raise the guest's exceptions.
    let third = std::hint::black_box(1.0f64) / std::hint::black_box(3.0f64);
    cpu.vargs[0] = a.wrapping_add(b) ^ c ^ u128::from(imm) ^ u128::from(third.to_bits());
}

static HELPERS: [Helper; 3] = [
    Helper {
        name: "mix",
        func: HelperFn::Int(mix),
        touches_state: false,
    },
    Helper {
        name: "meddle",
        func: HelperFn::Int(meddle),
        touches_state: true,
    },
    Helper {
        name: "mix_vectors",
        func: HelperFn::Vec(mix_vectors),
        touches_state: false,
    },
];

/// Floating-point rules by mode bits: two for the NaNs, one for flushing.
pub fn rules(mode: u32) -> FpRules {
    FpRules {
        nan: [NanRule::Arm, NanRule::Default, NanRule::MipsLegacy][(mode & 3) as usize % 3],
        flush_to_zero: mode & 4 != 0,
    }
}

impl Isa for TestIsa {
    fn name(&self) -> &'static str {
        "test"
    }

    fn abi(&self) -> Abi {
        self.abi
    }

    fn registers(&self) -> &'static RegisterTable {
        if self.abi.is_32bit() {
            &NARROW.table
        } else {
            &WIDE.table
        }
    }

    fn helpers(&self) -> &'static [Helper] {
        &HELPERS
    }

    fn fp_rules(&self, mode: u32) -> FpRules {
        rules(mode)
    }

    fn reset(&self, _: &mut CpuState) {}

    fn sync_derived(&self, _: &mut CpuState) {}

    fn sync_registers(&self, _: &mut CpuState) {}

    fn translate(
        &self,
        _: &mut Builder<'_>,
        _: &mut dyn CodeSource,
        _: u64,
    ) -> Result<Flow, FetchFault> {
        Err(FetchFault)
    }

    fn insn_len(&self, _: &mut dyn CodeSource, _: u64) -> Result<u32, FetchFault> {
        Err(FetchFault)
    }
}

/// Guest address of the memory of [`Machine`].
pub const MEMORY: u64 = 0x1_0000;
/// Its size in bytes.
pub const MEMORY_LEN: usize = 0x4000;

/// A cache and a thread without a run loop: one block at a time.
pub struct Machine {
    pub cache: Arc<CodeCache>,
    emitter: super::emit::Emitter,
    slot: Arc<super::cache::ThreadSlot>,
    jumps: Box<[JumpEntry]>,
    pub memory: Vec<u8>,
}

impl Machine {
    pub fn new(isa: &'static TestIsa) -> Machine {
        let cache = Arc::new(CodeCache::new(isa).expect("a code cache"));
        Machine {
            emitter: cache.emitter(),
            slot: cache.register(),
            jumps: super::engine::new_jumps(),
            memory: vec![0; MEMORY_LEN],
            cache,
        }
    }

    /// Adds a block; panics if it is too complex.
    pub fn add(&mut self, block: &Block) -> u64 {
        self.try_add(block).expect("a simple block")
    }

    pub fn try_add(&mut self, block: &Block) -> Option<u64> {
        self.cache
            .add(block, &[], &mut self.emitter, &self.slot, None, || true)
            .ok()
            .flatten()
    }

    /// Runs from `entry` until generated code leaves.
    pub fn enter(&mut self, cpu: &mut CpuState, entry: u64) -> u64 {
        cpu.guest_base = (self.memory.as_ptr() as u64).wrapping_sub(MEMORY);
        self.enter_at_base(cpu, entry)
    }

    /// The same with the state's own guest base.
    pub fn enter_at_base(&mut self, cpu: &mut CpuState, entry: u64) -> u64 {
        cpu.jump_cache = self.jumps.as_mut_ptr();
        set_gs_base(cpu.guest_base).expect("gs");
        // SAFETY: as in the engine.
        unsafe {
            let enter: extern "sysv64" fn(*mut CpuState, u64) -> u64 =
                std::mem::transmute(self.cache.enter_stub() as usize as *const ());
            enter(cpu, entry)
        }
    }
}

/// An exit code as the interpreter would say it.
pub fn exit_of(cpu: &CpuState, code: u64) -> BlockExit {
    let argument = code >> 8;
    match code & 0xff {
        exit_code::LINK | exit_code::LOOKUP => BlockExit::Goto,
        exit_code::SYSCALL => BlockExit::Syscall(argument as u16),
        exit_code::TRAP => BlockExit::Trap(
            Trap::from_u16(argument as u16).expect("a trap"),
            (argument >> 16) as u16,
        ),
        exit_code::FAULT => BlockExit::Fault(super::buffer::noted_fault(cpu)),
        exit_code::INVALIDATE => BlockExit::InvalidateCode {
            addr: cpu.engine[ENGINE_ADDR],
            len: cpu.engine[ENGINE_LEN],
        },
        exit_code::LEAVE => BlockExit::Leave,
        exit_code::WATCH => BlockExit::Watchpoint(WATCHED),
        other => panic!("exit {other}"),
    }
}

/// Stands for any watched access: generated code leaves it to the interpreter to say which.
pub const WATCHED: WatchHit = WatchHit {
    range: WatchRange {
        first: 0,
        last: 0,
        access: Access::READ_WRITE,
    },
    addr: 0,
};

/// Runs a block on the interpreter.
pub fn interpret(cpu: &mut CpuState, block: &Block, memory: &mut Vec<u8>) -> BlockExit {
    let mut flat = FlatMemory::new(MEMORY, std::mem::take(memory));
    let exit = Interpreter::default().run(cpu, block, &mut flat, &HELPERS);
    *memory = flat.data;
    match exit {
        BlockExit::Watchpoint(_) => BlockExit::Watchpoint(WATCHED),
        exit => exit,
    }
}
