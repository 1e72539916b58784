//! The guest's registers.

use super::Live;
use crate::isa::RegRole;
use emu_stub::{Endian, Error, Result, Tid};

pub(super) fn read(live: &mut Live, tid: Tid, register: usize, buf: &mut [u8]) -> Result<()> {
    let r = *live
        .registers
        .get(register)
        .ok_or(Error::NoRegister(register))?;
    let isa = live.process.isa;
    let value = live.with_cpu(tid, |cpu| {
        isa.sync_registers(cpu);
        r.read(cpu)
    })?;
    buf.copy_from_slice(&value.to_le_bytes()[..r.size()]);
    if live.target.endian == Endian::Big {
        buf.reverse();
    }
    Ok(())
}

pub(super) fn thread_pointer(live: &mut Live, tid: Tid) -> Result<u64> {
    let table = live.process.isa.registers_in_mode(0).registers;
    let tp = table.iter().find(|r| r.role == Some(RegRole::Tp));
    let tp = tp.ok_or(Error::Unsupported("this machine has no thread pointer"))?;
    live.with_cpu(tid, |cpu| tp.read(cpu) as u64)
}

pub(super) fn write(live: &mut Live, tid: Tid, register: usize, value: &[u8]) -> Result<()> {
    let r = *live
        .registers
        .get(register)
        .ok_or(Error::NoRegister(register))?;
    // A call that the thread waits in is made again once its registers are back, since it shows itself before the call.
    live.thread(tid)?.discard_syscall();
    let mut bytes = [0; 16];
    bytes[..r.size()].copy_from_slice(value);
    if live.target.endian == Endian::Big {
        bytes[..r.size()].reverse();
    }
    let isa = live.process.isa;
    let moved = live.with_cpu(tid, |cpu| {
        let before = cpu.pc;
        isa.sync_registers(cpu);
        r.write(cpu, u128::from_le_bytes(bytes));
        isa.sync_derived(cpu);
        cpu.pc != before
    })?;
    // Debuggers restore the registers after a call that failed. The signal that it failed by must not be left over.
    let mut state = live.control.lock();
    if moved && state.at_signal.contains_key(&tid) {
        state.signal_void.insert(tid);
    }
    Ok(())
}
