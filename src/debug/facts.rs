//! What the prompt shows of a live guest beyond registers and memory.

use crate::isa::{Disassembler, Isa};
use crate::os::CallTable;
use crate::process::{Action, Process, Recent, SigSet, Signal, sa};
use crate::trace::name_in;
use emu_stub::{Error, Handler, Instruction, RecentCall, Result, SignalAction, Tid};

/// Longest instruction of any guest in bytes.
const MAX_INSN: usize = 4;

/// At most `count` instructions from `addr` on. `read` fills a buffer, which never crosses the end of a page, or says that it
/// cannot.
pub fn disassemble(
    isa: &dyn Isa,
    read: &mut dyn FnMut(u64, &mut [u8]) -> bool,
    addr: u64,
    count: usize,
) -> Result<Vec<Instruction>> {
    let disassembler = Disassembler::new(isa).ok_or(Error::Unsupported(
        "there is no disassembler for this machine",
    ))?;
    let page = crate::mem::PAGE_SIZE;
    let wanted = count.saturating_mul(MAX_INSN);
    let mut code = Vec::new();
    while code.len() < wanted {
        let at = addr.wrapping_add(code.len() as u64);
        let step = ((page - at % page) as usize).min(wanted - code.len());
        let mut piece = vec![0; step];
        if !read(at, &mut piece) {
            break;
        }
        code.extend(piece);
    }
    if code.is_empty() && count > 0 {
        return Err(Error::Fault(addr));
    }
    let lines = disassembler.lines(&code, addr, count);
    Ok(lines
        .into_iter()
        .map(|l| Instruction {
            addr: l.addr,
            bytes: l.bytes,
            text: format!("{} {}", l.mnemonic, l.operands)
                .trim_end()
                .to_owned(),
        })
        .collect())
}

/// The last system calls of the process's threads, in words.
pub(super) fn recent_calls(process: &Process) -> Vec<RecentCall> {
    let table = CallTable::of(process);
    let calls = process.recent_calls();
    let shown = |c: &Recent| {
        let (call, result) = crate::trace::describe(&*process.mem, table, c);
        RecentCall {
            tid: c.tid as Tid,
            call,
            result,
        }
    };
    calls.iter().map(shown).collect()
}

/// What each signal does, by the guest's number.
pub fn signal_actions(process: &Process) -> Vec<SignalAction> {
    let mut actions: Vec<SignalAction> = (1..=64)
        .map(Signal)
        .map(|s| describe(process, s, process.action(s)))
        .collect();
    actions.sort_by_key(|a| a.signal);
    actions
}

fn describe(process: &Process, signal: Signal, action: Action) -> SignalAction {
    const FLAGS: &[(u64, &str)] = &[
        (sa::NOCLDSTOP, "SA_NOCLDSTOP"),
        (sa::NOCLDWAIT, "SA_NOCLDWAIT"),
        (sa::SIGINFO, "SA_SIGINFO"),
        (sa::ONSTACK, "SA_ONSTACK"),
        (sa::RESTART, "SA_RESTART"),
        (sa::NODEFER, "SA_NODEFER"),
        (sa::RESETHAND, "SA_RESETHAND"),
    ];
    let number = |s: Signal| process.os.signal_number(s) as i32;
    let set = FLAGS.iter().filter(|(bit, _)| action.flags & bit != 0);
    let mask: SigSet = action.mask;
    SignalAction {
        signal: number(signal),
        name: name_in(CallTable::of(process).abi.dialect, signal),
        handler: match action.handler {
            Action::DEFAULT => Handler::Default,
            Action::IGNORE => Handler::Ignore,
            function => Handler::Function(function),
        },
        flags: set.map(|(_, name)| *name).collect::<Vec<_>>().join("|"),
        mask: mask.iter().map(number).collect(),
    }
}
