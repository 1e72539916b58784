//! Conditions of breakpoints, evaluated by the guest thread that comes to one: nobody else stops, and no server wakes.

use crate::abi;
use crate::isa::{Isa, Register};
use crate::mem::AddressSpace;
use crate::process::Thread;
use emu_stub::{AgentContext, AgentExpr, Endian};
use std::collections::BTreeMap;
use std::sync::{OnceLock, PoisonError, RwLock};

/// The addresses where every breakpoint has a condition.
#[derive(Default)]
pub(super) struct Conditions {
    at: RwLock<BTreeMap<u64, Vec<AgentExpr>>>,
    /// The registers by the debugger's numbers.
    registers: OnceLock<Vec<&'static Register>>,
}

impl Conditions {
    /// Says once which registers the debugger's numbers mean.
    pub fn set_registers(&self, registers: Vec<&'static Register>) {
        let _ = self.registers.set(registers);
    }

    /// The breakpoint at `pc` is to stop if one of these holds; if there are none, always. Call with all threads stopped.
    pub fn set(&self, pc: u64, conditions: Vec<AgentExpr>) {
        let mut at = self.at.write().unwrap_or_else(PoisonError::into_inner);
        if conditions.is_empty() {
            at.remove(&pc);
        } else {
            at.insert(pc, conditions);
        }
    }

    /// The conditions at `pc`.
    pub fn get(&self, pc: u64) -> Vec<AgentExpr> {
        let at = self.at.read().unwrap_or_else(PoisonError::into_inner);
        at.get(&pc).cloned().unwrap_or_default()
    }

    /// Whether a thread that has come to the breakpoint at its PC is to stop. A condition that cannot be evaluated stops.
    pub fn hold(&self, thread: &mut Thread) -> bool {
        let at = self.at.read().unwrap_or_else(PoisonError::into_inner);
        let Some(conditions) = at.get(&thread.cpu.pc) else {
            return true;
        };
        let process = thread.process.clone();
        let mut context = Context {
            thread,
            isa: process.isa,
            mem: &process.mem,
            registers: self.registers.get().map_or(&[], Vec::as_slice),
        };
        conditions
            .iter()
            .any(|c| c.evaluate(&mut context).unwrap_or(1) != 0)
    }
}

struct Context<'a> {
    thread: &'a mut Thread,
    isa: &'static dyn Isa,
    mem: &'a AddressSpace,
    registers: &'a [&'static Register],
}

impl AgentContext for Context<'_> {
    fn register(&mut self, number: usize) -> Option<u64> {
        let register = self.registers.get(number)?;
        self.isa.sync_registers(&mut self.thread.cpu);
        Some(register.read(&self.thread.cpu) as u64)
    }

    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> bool {
        self.mem.read(addr, buf).is_ok()
    }

    fn endian(&self) -> Endian {
        match self.isa.abi().endian {
            abi::Endian::Little => Endian::Little,
            abi::Endian::Big => Endian::Big,
        }
    }
}
