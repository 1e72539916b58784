//! Engines over a guest memory with given contents.

use emu::cpu::{CodeControl, Engine, InterpEngine};
use emu::isa::Isa;
use emu::jit::{CodeCache, JitEngine};
use emu::mem::{AddressSpace, Config, Mapping, Place, Prot, View};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// The engines under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Interpreter,
    Jit,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Interpreter, Kind::Jit];
}

/// Guest memory with these parts (address and content), readable, writable and executable.
pub fn memory(isa: &dyn Isa, parts: &[(u64, &[u8])]) -> Arc<AddressSpace> {
    let config = Config {
        addr32: isa.abi().is_32bit(),
        // All of the programs are below; more would only cost page tables.
        size: Some(1 << 32),
        ..Config::default()
    };
    let space = AddressSpace::new(config).unwrap();
    for (addr, bytes) in parts {
        let start = addr & !0xfff;
        let len = addr + bytes.len() as u64 - start;
        let all = Prot::READ | Prot::WRITE | Prot::EXEC;
        space
            .map(&Mapping::anonymous(Place::Fixed(start), len, all))
            .unwrap();
        space.write(*addr, bytes).unwrap();
    }
    Arc::new(space)
}

/// An engine of that kind for one thread.
pub fn engine(
    kind: Kind,
    isa: &'static dyn Isa,
    space: &Arc<AddressSpace>,
    control: Arc<dyn CodeControl>,
) -> Box<dyn Engine> {
    let view = View::new(space.clone());
    match kind {
        Kind::Interpreter => Box::new(InterpEngine::new(isa, view, control)),
        Kind::Jit => {
            let cache = Arc::new(CodeCache::new(isa).unwrap());
            let stepper = InterpEngine::new(isa, view.clone(), control.clone());
            Box::new(JitEngine::new(cache, view, stepper, control))
        }
    }
}

/// A breakpoint at one address, 0 for none. Code never changes.
#[derive(Default)]
pub struct StopAt(pub AtomicU64);

impl CodeControl for StopAt {
    fn is_breakpoint(&self, pc: u64) -> bool {
        pc != 0 && pc == self.0.load(Ordering::Relaxed)
    }

    fn generation(&self) -> u64 {
        0
    }

    fn invalidate(&self, _: u64, _: u64) {}

    fn note_translated(&self, _: &[(u64, u32)]) {}
}
