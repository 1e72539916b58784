//! The report on a program that has died: the signal in words, the instruction with the values of its operands, what is mapped
//! where it went, the stacks of all threads, the last system calls. Over an [`Inferior`] only, so for a core or a live program.

use crate::siginfo::SigInfo;
use crate::{Session, execute};
use emu_stub::{
    Inferior, MemoryRegion, RegisterRole, State, StopReason, TargetDescription, signal,
};
use std::fmt::Write;

/// Instructions before the one at fault, where all have the same length.
const BEFORE: u64 = 3;

/// System calls that are shown: the latest.
const CALLS: usize = 12;

/// Signals in words (signal(7)).
const WORDS: &[(&str, &str)] = &[
    ("ILL", "illegal instruction"),
    ("TRAP", "a trap"),
    ("ABRT", "it aborted itself"),
    ("BUS", "bus error"),
    ("FPE", "arithmetic exception"),
    ("SEGV", "segmentation fault"),
    ("QUIT", "it was asked to quit"),
    ("SYS", "a system call that is not allowed"),
    ("XCPU", "limit of CPU time exceeded"),
    ("XFSZ", "limit of file size exceeded"),
];

/// The report, in lines.
pub fn crash(inferior: &mut (dyn Inferior + 'static)) -> String {
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = write(&mut out, inferior);
    out
}

fn write(out: &mut String, inferior: &mut (dyn Inferior + 'static)) -> std::fmt::Result {
    let State::Stopped(stop) = inferior.state() else {
        return writeln!(out, "The program is running.");
    };
    let target = inferior.target();
    let exe = inferior.exec_file().map(|p| p.display().to_string());
    let exe = exe.unwrap_or_else(|_| "a program that is not known".into());
    let regions = inferior.memory_regions().unwrap_or_default();
    let mut accessed = None;
    write!(out, "Process {}, {exe}: ", stop.pid)?;
    match &stop.reason {
        StopReason::Signal(number) => {
            let gdb = inferior.gdb_signal(*number);
            let name = signal::name(gdb).unwrap_or("?");
            let words = WORDS.iter().find(|(n, _)| *n == name).map_or("", |w| w.1);
            let info = inferior
                .read_siginfo(stop.tid)
                .ok()
                .and_then(|info| SigInfo::parse(&target, &info));
            write!(out, "SIG{name}")?;
            if !words.is_empty() {
                write!(out, ", {words}")?;
            }
            match info {
                Some(f) if f.sent && f.sender.0 != 0 => {
                    let by_itself = f.sender.0 == stop.pid;
                    let who = if by_itself {
                        "itself".into()
                    } else {
                        format!("process {}", f.sender.0)
                    };
                    write!(out, ", sent by {who}")?;
                }
                Some(f) if f.is_fault(name) => {
                    match f.fault_words(&target, name) {
                        Some(words) => write!(out, ": {words}, address {:#x}", f.addr)?,
                        None => write!(out, ": code {}, address {:#x}", f.code, f.addr)?,
                    }
                    accessed = matches!(name, "SEGV" | "BUS").then_some(f.addr);
                }
                // Without more to say.
                _ => {}
            }
            writeln!(out)?;
        }
        StopReason::InternalError(why) => {
            writeln!(out, "a bug of the emulator, not of the program: {why}")?;
            writeln!(
                out,
                "Registers are as far as the emulator had come with them. Please report it."
            )?;
        }
        _ => writeln!(out, "no signal")?,
    }
    let mut session = Session::new();
    let mut run = |inferior: &mut (dyn Inferior + 'static), line: &str| {
        let mut text = String::new();
        match execute(inferior, &mut session, line, &mut text) {
            Ok(()) => text,
            Err(e) => format!("{text}{e}\n"),
        }
    };
    let read = |inferior: &mut (dyn Inferior + 'static), n: usize| {
        let mut value = vec![0; target.registers[n].size()];
        inferior.read_register(stop.tid, n, &mut value).ok()?;
        Some(target.read_integer(&value))
    };
    let pc = target
        .register_in_role(RegisterRole::Pc)
        .and_then(|n| read(inferior, n));
    if let Some(pc) = pc {
        writeln!(out)?;
        if let Ok(insn) = inferior.disassemble(pc, 1)
            && let Some(insn) = insn.first()
        {
            let (mut from, mut count) = (pc, 1);
            let step = BEFORE * u64::from(target.breakpoint_size);
            let mut byte = [0];
            if let Some(earlier) = pc.checked_sub(step)
                && inferior.read_memory(earlier, &mut byte).is_ok()
            {
                (from, count) = (earlier, BEFORE + 1);
            }
            out.push_str(&run(inferior, &format!("x/{count}i {from:#x}")));
            let values: Vec<String> = operands(&target, &insn.text)
                .into_iter()
                .filter_map(|(shown, n)| Some(format!("{shown} = {:#x}", read(inferior, n)?)))
                .collect();
            if !values.is_empty() {
                writeln!(out, "with {}", values.join(", "))?;
            }
        } else {
            writeln!(out, "There is no code at {pc:#x}: {}", place(&regions, pc))?;
        }
    }
    if let Some(addr) = accessed {
        writeln!(out, "{addr:#x} is {}", place(&regions, addr))?;
    }
    writeln!(out)?;
    out.push_str(run(inferior, "thread apply all backtrace").trim_start());
    if let Ok(calls) = inferior.recent_calls()
        && !calls.is_empty()
    {
        let several = calls.iter().any(|c| c.tid != calls[0].tid);
        writeln!(
            out,
            "\nThe last system calls, with what their arguments point to now:"
        )?;
        for call in &calls[calls.len().saturating_sub(CALLS)..] {
            let who = if several {
                format!("[{}] ", call.tid)
            } else {
                String::new()
            };
            let result = match call.result.as_str() {
                "" => "(has not returned)".to_owned(),
                result => format!("= {result}"),
            };
            writeln!(out, "  {who}{} {result}", call.call)?;
        }
    }
    Ok(())
}

/// What is mapped at an address, in words, with the nearest mappings where nothing is.
fn place(regions: &[MemoryRegion], addr: u64) -> String {
    let show = |r: &MemoryRegion| {
        let bit = |on: bool, c: char| if on { c } else { '-' };
        let p = r.permissions;
        let rights: String = [bit(p.read, 'r'), bit(p.write, 'w'), bit(p.exec, 'x')]
            .into_iter()
            .collect();
        let name = if r.name.is_empty() { "" } else { " " };
        format!("{:#x}-{:#x} {rights}{name}{}", r.start, r.end, r.name)
    };
    if let Some(r) = regions.iter().find(|r| (r.start..r.end).contains(&addr)) {
        return format!("in {}", show(r));
    }
    let below = regions.iter().rfind(|r| r.end <= addr);
    let above = regions.iter().find(|r| r.start > addr);
    match (below, above) {
        (Some(r), _) if addr - r.end < 1 << 20 => {
            format!(
                "not mapped, {:#x} bytes after the end of {}",
                addr - r.end,
                show(r)
            )
        }
        (_, Some(r)) if r.start - addr < 1 << 20 => {
            format!("not mapped, {:#x} bytes before {}", r.start - addr, show(r))
        }
        _ => "not mapped, and nothing is near".into(),
    }
}

/// The registers that an instruction names: how they are shown, and their numbers. Vector registers are left out: they have no one
/// value.
fn operands(target: &TargetDescription, text: &str) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    // The mnemonic is no register.
    let (_, operands) = text.split_once(' ').unwrap_or((text, ""));
    for word in operands.split(|c: char| !c.is_ascii_alphanumeric()) {
        let number = target.register_by_name(word).or_else(|| {
            // The lower half of an AArch64 register.
            let half = word
                .strip_prefix('w')
                .filter(|_| target.gdb_arch == "aarch64")?;
            target.register_by_name(&format!("x{half}"))
        });
        if let Some(n) = number
            && target.registers[n].size() <= usize::from(target.pointer_size)
            && !found.iter().any(|(_, other)| *other == n)
        {
            found.push((target.registers[n].name.to_owned(), n));
        }
    }
    found
}
