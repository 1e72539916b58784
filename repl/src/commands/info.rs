//! The process: threads, mappings, auxiliary vector, files, libraries.

use crate::expr::quoted;
use crate::say;
use crate::session::{Cx, fail};
use emu_stub::{Result, State, StopReason, Tid};
use serde_json::json;

impl Cx<'_> {
    /// The number of a thread, as the user sees it: in the order in which they were seen first.
    pub fn thread_number(&mut self, tid: Tid) -> usize {
        let threads = self.inf.threads();
        let known = &mut self.s.thread_numbers;
        for other in threads {
            if !known.contains(&other) {
                known.push(other);
            }
        }
        match known.iter().position(|t| *t == tid) {
            Some(i) => i + 1,
            None => {
                known.push(tid);
                known.len()
            }
        }
    }

    /// The thread of that number.
    ///
    /// # Errors
    /// There is none.
    pub fn thread_numbered(&mut self, text: &str) -> Result<Tid> {
        let threads = self.inf.threads();
        if let Some(first) = threads.first() {
            self.thread_number(*first);
        }
        let tid = text
            .parse::<usize>()
            .ok()
            .and_then(|n| self.s.thread_numbers.get(n.checked_sub(1)?).copied());
        match tid {
            Some(tid) if threads.contains(&tid) => Ok(tid),
            _ => fail(format!("Unknown thread {text}.")),
        }
    }
}

pub fn threads(cx: &mut Cx<'_>) -> Result<()> {
    let list = cx.inf.threads();
    if list.is_empty() {
        say!(cx, "No threads.");
        cx.s.answer = Some(json!({ "threads": [] }));
        return Ok(());
    }
    let selected = cx.tid()?;
    let (frame, frames, end) = (
        cx.s.frame,
        std::mem::take(&mut cx.s.frames),
        cx.s.frames_end,
    );
    let kept = cx.s.thread;
    say!(cx, "  {:<4} {:<36} Frame", "Id", "Target Id");
    let mut answer = Vec::new();
    for tid in list {
        let number = cx.thread_number(tid);
        let info = cx.inf.thread_info(tid).unwrap_or_default();
        cx.s.thread = Some(tid);
        cx.s.invalidate();
        let place = match cx.frame_at(0)? {
            Some(f) => {
                let json = cx.frame_json(&f, 0, false);
                let text = cx.frame_text(&f, 0, false, true);
                answer.push(json!({ "number": number, "id": tid, "name": info.name, "state": info.state, "selected": tid == selected, "frame": json }));
                text
            }
            None => String::new(),
        };
        let mark = if tid == selected { '*' } else { ' ' };
        let name = if info.name.is_empty() {
            String::new()
        } else {
            format!(" \"{}\"", info.name)
        };
        let state = if info.state.is_empty() {
            String::new()
        } else {
            format!(" ({})", info.state)
        };
        let target = format!("Thread {tid}{name}{state}");
        say!(cx, "{mark} {number:<4} {target:<36} {place}");
    }
    cx.s.thread = kept;
    cx.s.frame = frame;
    cx.s.frames = frames;
    cx.s.frames_end = end;
    cx.s.answer = Some(json!({ "threads": answer }));
    Ok(())
}

pub fn thread(cx: &mut Cx<'_>) -> Result<()> {
    let args = cx.args;
    if args.is_empty() {
        let tid = cx.tid()?;
        let number = cx.thread_number(tid);
        say!(cx, "[Current thread is {number} (Thread {tid})]");
        cx.s.answer = Some(json!({ "number": number, "id": tid }));
        return Ok(());
    }
    let tid = cx.thread_numbered(args)?;
    cx.s.thread = Some(tid);
    cx.s.invalidate();
    let number = cx.thread_number(tid);
    say!(cx, "[Switching to thread {number} (Thread {tid})]");
    let Some(frame) = cx.frame_at(0)? else {
        return Ok(());
    };
    let text = cx.frame_text(&frame, 0, true, true);
    say!(cx, "{text}");
    cx.s.listing = None;
    cx.show_place(false);
    cx.s.answer =
        Some(json!({ "number": number, "id": tid, "frame": cx.frame_json(&frame, 0, true) }));
    Ok(())
}

/// `thread apply all COMMAND`, or numbers in place of `all`.
/// `taa COMMAND`
pub fn thread_apply_all(cx: &mut Cx<'_>) -> Result<()> {
    let args = format!("all {}", cx.args);
    thread_apply(&mut cx.with_args(&args))
}

pub fn thread_apply(cx: &mut Cx<'_>) -> Result<()> {
    let mut rest = cx.args.trim();
    let mut chosen: Vec<Tid> = Vec::new();
    let all = rest == "all" || rest.starts_with("all ");
    if all {
        // As gdb does: the newest first, unless asked otherwise.
        chosen = cx.inf.threads();
        rest = rest[3..].trim();
        match rest.strip_prefix("-ascending ") {
            Some(more) => rest = more.trim(),
            None => chosen.reverse(),
        }
    } else {
        while let Some((word, more)) = rest.split_once(char::is_whitespace) {
            if !word.starts_with(|c: char| c.is_ascii_digit()) {
                break;
            }
            chosen.push(cx.thread_numbered(word)?);
            rest = more.trim();
        }
    }
    if rest.is_empty() || chosen.is_empty() {
        return fail("Arguments required: all or thread numbers, and a command.");
    }
    let (kept, frame) = (cx.s.thread, cx.s.frame);
    let mut answers = Vec::new();
    let mut result = Ok(());
    for tid in chosen {
        let number = cx.thread_number(tid);
        cx.s.thread = Some(tid);
        cx.s.invalidate();
        say!(cx, "\nThread {number} (Thread {tid}):");
        result = super::misc::execute(cx, rest);
        answers.push(json!({ "number": number, "id": tid, "answer": cx.s.answer.take() }));
        if result.is_err() || !cx.alive() {
            break;
        }
    }
    cx.s.thread = kept;
    cx.s.invalidate();
    cx.s.frame = frame;
    cx.s.answer = Some(json!({ "threads": answers }));
    result
}

pub fn mappings(cx: &mut Cx<'_>) -> Result<()> {
    let regions = cx.inf.memory_regions()?;
    let width = usize::from(cx.target().pointer_size) * 2 + 2;
    say!(
        cx,
        "{:>width$} {:>width$} {:>10} Perm Name",
        "Start",
        "End",
        "Size"
    );
    let mut answer = Vec::new();
    for r in regions {
        let p = r.permissions;
        let bit = |on, c| if on { c } else { '-' };
        let perm: String = [bit(p.read, 'r'), bit(p.write, 'w'), bit(p.exec, 'x')]
            .iter()
            .collect();
        let size = r.end - r.start;
        say!(
            cx,
            "{:#width$x} {:#width$x} {size:>#10x} {perm}  {}",
            r.start,
            r.end,
            r.name
        );
        answer.push(json!({ "start": r.start, "end": r.end, "permissions": perm, "name": r.name }));
    }
    cx.s.answer = Some(json!({ "mappings": answer }));
    Ok(())
}

/// An entry of the auxiliary vector: type, name, `x` for an address or `d` for a number or `s` for a string, meaning.
type AuxRow = (u64, &'static str, char, &'static str);

/// FreeBSD's entries from 10 on; those below are Linux's (`sys/elf_common.h`).
const FREEBSD_AUXV: &[AuxRow] = &[
    (11, "AT_UID", 'd', "Real user ID"),
    (12, "AT_EUID", 'd', "Effective user ID"),
    (13, "AT_GID", 'd', "Real group ID"),
    (14, "AT_EGID", 'd', "Effective group ID"),
    (15, "AT_EXECPATH", 's', "Path of the program"),
    (16, "AT_CANARY", 'x', "Canary of the stack protector"),
    (17, "AT_CANARYLEN", 'd', "Length of the canary"),
    (18, "AT_OSRELDATE", 'd', "Release of the kernel"),
    (19, "AT_NCPUS", 'd', "Number of CPUs"),
    (20, "AT_PAGESIZES", 'x', "Page sizes"),
    (21, "AT_PAGESIZESLEN", 'd', "Length of the page sizes"),
    (22, "AT_TIMEKEEP", 'x', "Time without system calls"),
    (23, "AT_STACKPROT", 'x', "Access to the stack"),
    (24, "AT_EHDRFLAGS", 'x', "e_flags of the program"),
    (
        25,
        "AT_HWCAP",
        'x',
        "Machine-dependent CPU capability hints",
    ),
    (26, "AT_HWCAP2", 'x', "Extension of AT_HWCAP"),
    (27, "AT_BSDFLAGS", 'x', "Flags of the kernel"),
    (28, "AT_ARGC", 'd', "Number of arguments"),
    (29, "AT_ARGV", 'x', "Arguments"),
    (30, "AT_ENVC", 'd', "Number of environment strings"),
    (31, "AT_ENVV", 'x', "Environment"),
    (32, "AT_PS_STRINGS", 'x', "struct ps_strings"),
    (
        33,
        "AT_FXRNG",
        'x',
        "Seed version of the kernel's random source",
    ),
    (34, "AT_KPRELOAD", 'x', "The vDSO"),
    (35, "AT_USRSTACKBASE", 'x', "Top of the main stack"),
    (
        36,
        "AT_USRSTACKLIM",
        'd',
        "Most that the main stack may grow to",
    ),
    (38, "AT_HWCAP3", 'x', "Extension of AT_HWCAP"),
    (39, "AT_HWCAP4", 'x', "Extension of AT_HWCAP"),
];

/// The row of an entry's type.
fn aux_row(osabi: &str, kind: u64) -> Option<&'static AuxRow> {
    let table = match osabi {
        "FreeBSD" if kind >= 10 => FREEBSD_AUXV,
        _ => AUXV,
    };
    table.iter().find(|row| row.0 == kind)
}

/// Names and kinds of the entries (`elf.h`, `asm/auxvec.h`): `x` an address, `d` a number, `s` a string.
const AUXV: &[AuxRow] = &[
    (0, "AT_NULL", 'x', "End of vector"),
    (2, "AT_EXECFD", 'd', "File descriptor of program"),
    (3, "AT_PHDR", 'x', "Program headers for program"),
    (4, "AT_PHENT", 'd', "Size of program header entry"),
    (5, "AT_PHNUM", 'd', "Number of program headers"),
    (6, "AT_PAGESZ", 'd', "System page size"),
    (7, "AT_BASE", 'x', "Base address of interpreter"),
    (8, "AT_FLAGS", 'x', "Flags"),
    (9, "AT_ENTRY", 'x', "Entry point of program"),
    (11, "AT_UID", 'd', "Real user ID"),
    (12, "AT_EUID", 'd', "Effective user ID"),
    (13, "AT_GID", 'd', "Real group ID"),
    (14, "AT_EGID", 'd', "Effective group ID"),
    (15, "AT_PLATFORM", 's', "String identifying platform"),
    (
        16,
        "AT_HWCAP",
        'x',
        "Machine-dependent CPU capability hints",
    ),
    (17, "AT_CLKTCK", 'd', "Frequency of times()"),
    (23, "AT_SECURE", 'd', "Boolean, was exec setuid-like?"),
    (
        24,
        "AT_BASE_PLATFORM",
        's',
        "String identifying base platform",
    ),
    (25, "AT_RANDOM", 'x', "Address of 16 random bytes"),
    (26, "AT_HWCAP2", 'x', "Extension of AT_HWCAP"),
    (
        27,
        "AT_RSEQ_FEATURE_SIZE",
        'd',
        "rseq supported feature size",
    ),
    (28, "AT_RSEQ_ALIGN", 'd', "rseq allocation alignment"),
    (29, "AT_HWCAP3", 'x', "Extension of AT_HWCAP"),
    (30, "AT_HWCAP4", 'x', "Extension of AT_HWCAP"),
    (31, "AT_EXECFN", 's', "File name of executable"),
    (32, "AT_SYSINFO", 'x', "Entry point for system calls"),
    (
        33,
        "AT_SYSINFO_EHDR",
        'x',
        "System-supplied DSO's ELF header",
    ),
    (
        51,
        "AT_MINSIGSTKSZ",
        'd',
        "Minimum stack size for signal delivery",
    ),
];

pub fn auxv(cx: &mut Cx<'_>) -> Result<()> {
    let data = cx.inf.auxv()?;
    let target = cx.target();
    let word = usize::from(target.pointer_size);
    let mut answer = Vec::new();
    for pair in data.chunks_exact(2 * word) {
        let kind = target.read_integer(&pair[..word]);
        let value = target.read_integer(&pair[word..]);
        let (name, format, what) = match aux_row(&target.gdb_osabi, kind) {
            Some((_, name, format, what)) => (*name, *format, *what),
            None => ("???", 'x', ""),
        };
        let text = match format {
            'd' => value.to_string(),
            's' => {
                let string = cx
                    .read_string(value, 200)
                    .map(|(s, _)| quoted(&s))
                    .unwrap_or_default();
                format!("{value:#x} {string}")
            }
            _ => format!("{value:#x}"),
        };
        say!(cx, "{kind:<4} {name:<20} {what:<38} {}", text.trim_end());
        answer.push(json!({ "type": kind, "name": name, "value": value }));
        if kind == 0 {
            break;
        }
    }
    cx.s.answer = Some(json!({ "auxv": answer }));
    Ok(())
}

pub fn files(cx: &mut Cx<'_>) -> Result<()> {
    let list = cx.inf.open_files()?;
    say!(cx, "{:>4} {:>10} {:<24} Name", "Fd", "Offset", "Flags");
    let mut answer = Vec::new();
    for f in list {
        say!(
            cx,
            "{:>4} {:>10} {:<24} {}",
            f.fd,
            f.offset,
            f.flags,
            f.name
        );
        answer.push(json!({ "fd": f.fd, "offset": f.offset, "flags": f.flags, "name": f.name }));
    }
    cx.s.answer = Some(json!({ "files": answer }));
    Ok(())
}

pub fn libraries(cx: &mut Cx<'_>) -> Result<()> {
    cx.symbols();
    let list = cx.inf.libraries()?.libraries;
    cx.refresh_libraries();
    let symbols = cx.symbols();
    if list.is_empty() {
        say!(cx, "No shared libraries loaded at this time.");
    } else {
        let width = usize::from(cx.target().pointer_size) * 2 + 2;
        say!(
            cx,
            "{:<width$}  {:<width$}  Syms Read   Shared Object Library",
            "From",
            "To"
        );
    }
    let mut answer = Vec::new();
    for l in list {
        let module = symbols
            .modules
            .iter()
            .find(|m| m.name == l.name && m.bias == l.load_bias);
        let (from, to) = match module {
            Some(m) => (
                m.ranges().map(|r| r.0).min().unwrap_or(0),
                m.ranges().map(|r| r.1).max().unwrap_or(0),
            ),
            None => (l.load_bias, l.load_bias),
        };
        let read = match module {
            Some(m) if m.has_dwarf() => "Yes",
            Some(_) => "Yes (*)",
            None => "No",
        };
        say!(
            cx,
            "{}  {}  {read:<10}  {}",
            cx.addr_text(from),
            cx.addr_text(to),
            l.name
        );
        answer.push(json!({ "name": l.name, "from": from, "to": to, "link_map": l.link_map, "symbols": module.is_some() }));
    }
    if symbols.modules.iter().skip(1).any(|m| !m.has_dwarf()) {
        say!(cx, "(*): Shared library is missing debugging information.");
    }
    cx.s.answer = Some(json!({ "libraries": answer }));
    Ok(())
}

/// Where the program is and why it stopped.
pub fn program(cx: &mut Cx<'_>) -> Result<()> {
    let stop = match cx.inf.state() {
        State::Running => return fail("The program is running."),
        State::Stopped(stop) => stop,
    };
    let pids = cx.inf.processes();
    if stop.is_exit() {
        say!(cx, "The program being debugged is not being run.");
    }
    let name = cx
        .inf
        .exec_file()
        .map(|p| p.display().to_string())
        .unwrap_or_else(|_| "?".into());
    let reason = match &stop.reason {
        StopReason::Exited(n) => format!("It exited with status {n}."),
        StopReason::Terminated(n) => format!("It was ended by signal {}.", cx.signal_name(*n)),
        StopReason::Signal(n) => format!("It stopped with signal {}.", cx.signal_name(*n)),
        StopReason::Breakpoint { .. } => "It stopped at a breakpoint.".into(),
        StopReason::Interrupted => "It was interrupted.".into(),
        StopReason::Step => "It stopped after being stepped, or has not begun.".into(),
        StopReason::Lost(why) => format!("It cannot be seen any more: {why}."),
        other => format!("It stopped: {other:?}."),
    };
    if !stop.is_exit() {
        let pid = pids.first().copied().unwrap_or(stop.pid);
        say!(cx, "Program {name}, process {pid}.");
    }
    if let Ok(pc) = cx.pc() {
        let label = cx.symbols().label(pc);
        say!(cx, "Program stopped at {pc:#x} {label}.");
    }
    say!(cx, "{reason}");
    if !stop.is_exit()
        && let Ok(i) = cx.inf.process_info()
    {
        say!(
            cx,
            "Parent {}, user {} ({}), group {} ({}).",
            i.parent,
            i.uid,
            i.euid,
            i.gid,
            i.egid
        );
    }
    let target = cx.target();
    cx.s.answer = Some(json!({
        "program": name, "processes": pids, "arch": target.gdb_arch, "triple": target.triple, "reason": reason,
    }));
    Ok(())
}

pub fn sources(cx: &mut Cx<'_>) -> Result<()> {
    let symbols = cx.symbols();
    let wanted = cx.args;
    let mut all: Vec<&str> = symbols
        .modules
        .iter()
        .flat_map(|m| m.lines().files())
        .filter(|f| f.contains(wanted))
        .collect();
    all.sort_unstable();
    all.dedup();
    for f in &all {
        say!(cx, "{f}");
    }
    cx.s.answer = Some(json!({ "sources": all }));
    Ok(())
}
