//! What user mode may and may not ask of the system: `rdhwr`, and the coprocessors that are not usable.

use super::decode::{Insn, Row, row};
use super::translate::{Done, Outcome, Refusal, Translator};
use super::{helpers, ldst, regs};
use crate::ir::{CpuState, Helper, HelperFn, Ty};

pub const ROWS: &[Row] = &[
    row("RDHWR", "011111 00000 rt:5 rd:5 00000 111011", rdhwr),
    // Coprocessor Unusable in user mode: Linux sends SIGILL.
    row("MFC0", "010000 00000 rt:5 rd:5 00000000 sel:3", unusable),
    row("MTC0", "010000 00100 rt:5 rd:5 00000000 sel:3", unusable),
    row("RDPGPR", "010000 01010 rt:5 rd:5 00000000000", unusable),
    row("DI", "010000 01011 rt:5 01100 00000 000000", unusable),
    row("EI", "010000 01011 rt:5 01100 00000 100000", unusable),
    row("WRPGPR", "010000 01110 rt:5 rd:5 00000000000", unusable),
    row("TLBR", "010000 1 0000000000000000000 000001", unusable),
    row("TLBWI", "010000 1 0000000000000000000 000010", unusable),
    row("TLBWR", "010000 1 0000000000000000000 000110", unusable),
    row("TLBP", "010000 1 0000000000000000000 001000", unusable),
    row("ERET", "010000 1 0000000000000000000 011000", unusable),
    row("DERET", "010000 1 0000000000000000000 011111", unusable),
    row("WAIT", "010000 1 code:19 100000", unusable),
    row("CACHE", "101111 base:5 op:5 offset:16", unusable),
    row("SDBBP", "011100 code:20 111111", unusable),
    row("COP2", "010010 cofun:26", unusable),
    row("LWC2", "110010 base:5 rt:5 offset:16", unusable),
    row("LDC2", "110110 base:5 rt:5 offset:16", unusable),
    row("SWC2", "111010 base:5 rt:5 offset:16", unusable),
    row("SDC2", "111110 base:5 rt:5 offset:16", unusable),
];

fn unusable(_: &mut Translator<'_, '_>, _: Insn) -> Outcome {
    Err(Refusal::Reserved)
}

/// The registers that Linux enables for user mode (HWREna, and UserLocal).
fn rdhwr(t: &mut Translator<'_, '_>, i: Insn) -> Outcome {
    let value = match i.rd() {
        // CPUNum: guest threads see one CPU here; the system call getcpu tells the true one.
        0 => t.b.const32(0),
        1 => t.b.const32(ldst::SYNCI_STEP),
        2 => {
            t.b.call(Ty::I32, helpers::READ_CYCLE_COUNTER, false, &[], 0)
        }
        3 => t.b.const32(CYCLES_PER_COUNT),
        29 => t.b.get(Ty::I32, regs::ULR),
        _ => return Err(Refusal::Reserved),
    };
    t.set_r(i.rt(), value);
    Ok(Done::Next)
}

/// CCRes: the counter advances every second cycle, as on most MIPS32 cores.
const CYCLES_PER_COUNT: u32 = 2;

/// Half of the frequency of the CPU that the guest seems to run on, in Hz: what CC counts.
const COUNTS_PER_SECOND: u128 = 500_000_000;

extern "sysv64" fn read_cycle_counter(_: &mut CpuState, _: u64, _: u64, _: u64, _: u64) -> u64 {
    use std::sync::LazyLock;
    use std::time::Instant;
    static START: LazyLock<Instant> = LazyLock::new(Instant::now);
    let counts = START.elapsed().as_nanos() * COUNTS_PER_SECOND / 1_000_000_000;
    u64::from(counts as u32)
}

/// CC: `touches_state` although it does not, as two reads must not be taken for one.
pub const READ_CYCLE_COUNTER: Helper = Helper {
    name: "read_cycle_counter",
    func: HelperFn::Int(read_cycle_counter),
    touches_state: true,
};
