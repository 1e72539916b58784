//! Stepping by lines and instructions, and running to a place.

use super::run::{Ran, repeat};
use crate::say;
use crate::session::{Cx, fail};
use crate::stack::Frame;
use emu_stub::{Result, Resume};

impl Cx<'_> {
    /// The frame that a stop is in, and its caller's address in the stack to know it again.
    fn here(&mut self) -> Result<(Frame, Option<u64>)> {
        let Some(frame) = self.frame_at(0)? else {
            return fail("there is no frame");
        };
        // Unwinding once more gives the frame its address.
        self.frame_at(1)?;
        let cfa = self.frame_at(0)?.and_then(|f| f.cfa);
        Ok((frame, cfa))
    }

    /// Runs the selected thread until it comes to `addr` in the frame whose address is `cfa`.
    fn run_to(&mut self, addr: u64, cfa: Option<u64>) -> Result<Ran> {
        loop {
            let plan = self.plan(Resume::Continue { signal: None })?;
            let tid = self.tid()?;
            match self.run_until(plan, &[addr])? {
                Ran::Arrived => {}
                other => return Ok(other),
            }
            let same_thread = self.tid()? == tid;
            let (_, now) = self.here()?;
            if same_thread && (cfa.is_none() || now == cfa || now.is_none()) {
                return Ok(Ran::Arrived);
            }
            self.s.thread = Some(tid);
        }
    }

    /// Whether the innermost frame was called from the frame of that address and function; then where it returns to.
    fn called_from(&mut self, cfa: Option<u64>, function: Option<u64>) -> Result<Option<u64>> {
        let (Some(cfa), Some(caller)) = (cfa, self.frame_at(1)?) else {
            return Ok(None);
        };
        self.frame_at(2)?;
        let caller_cfa = self.frame_at(1)?.and_then(|f| f.cfa);
        let start = self.symbols().function_start(caller.lookup_pc());
        let own = self.frame_at(0)?.and_then(|f| f.cfa);
        // The caller's address may not be found in code without call frame information; its stack pointer is this frame's.
        let deeper = own.is_some_and(|o| o < cfa || (o == cfa && caller_cfa == Some(cfa)));
        Ok((start == function
            && start.is_some()
            && (caller_cfa == Some(cfa) || (caller_cfa.is_none() && deeper)))
            .then_some(caller.pc))
    }

    /// One step to another line; `over` calls.
    fn step_line(&mut self, over: bool) -> Result<Ran> {
        let (frame, cfa) = self.here()?;
        let symbols = self.symbols();
        let function = symbols.function_start(frame.pc);
        let mut line = symbols.line_at(frame.pc);
        let mut range = match &line {
            Some(l) => (l.start, l.end),
            None => {
                let Some((name, offset)) = symbols.symbol_at(frame.pc) else {
                    return fail("Cannot find bounds of current function");
                };
                say!(
                    self,
                    "Single stepping until exit from function {name},\nwhich has no line number information."
                );
                let start = frame.pc - offset;
                let size = symbols.symbol(&name).map_or(0, |(_, size, _)| size);
                (start, start.saturating_add(size.max(offset + 4)))
            }
        };
        loop {
            let plan = self.plan(Resume::StepRange {
                start: range.0,
                end: range.1,
            })?;
            match self.run_until(plan, &[])? {
                Ran::Stepped => {}
                other => return Ok(other),
            }
            let pc = self.pc()?;
            let here = symbols.line_at(pc);
            if (symbols.function_start(pc) != function || Some(pc) == function)
                && let Some(back) = self.called_from(cfa, function)?
            {
                let start = symbols.function_start(pc).unwrap_or(pc);
                if over || here.is_none() {
                    match self.run_to(back, cfa)? {
                        Ran::Arrived => {}
                        other => return Ok(other),
                    }
                    let pc = self.pc()?;
                    if (range.0..range.1).contains(&pc) {
                        continue;
                    }
                } else {
                    let body = symbols.after_prologue(start);
                    if pc < body {
                        return self.run_to(body, None);
                    }
                    return Ok(Ran::Stepped);
                }
            }
            let pc = self.pc()?;
            let (_, now) = self.here()?;
            let here = symbols.line_at(pc);
            let same_frame = now == cfa && symbols.function_start(pc) == function;
            match (&here, &line) {
                (Some(h), Some(l)) if same_frame && h.line == l.line && h.file == l.file => {
                    range = (h.start, h.end);
                }
                // In the middle of another line: to its end.
                (Some(h), Some(_)) if same_frame && (h.start != pc || !h.is_stmt) => {
                    range = (h.start, h.end);
                    line = here.clone();
                }
                (None, None) if same_frame => {
                    if (range.0..range.1).contains(&pc) {
                        continue;
                    }
                    return Ok(Ran::Stepped);
                }
                _ => return Ok(Ran::Stepped),
            }
        }
    }

    fn steps(&mut self, over: bool) -> Result<()> {
        self.need_to_run()?;
        let n = repeat(self)?;
        let tid = self.stop()?.tid;
        if self.s.thread.is_none() {
            self.s.thread = Some(tid);
        }
        let mut frame_line = false;
        for _ in 0..n {
            let (frame, cfa) = self.here()?;
            let function = self.symbols().function_start(frame.pc);
            match self.step_line(over)? {
                Ran::Reported => return Ok(()),
                Ran::Stepped | Ran::Arrived => {}
            }
            let pc = self.pc()?;
            let (_, now) = self.here()?;
            frame_line = self.symbols().function_start(pc) != function || now != cfa;
        }
        self.report_arrival(frame_line)
    }

    fn step_instructions(&mut self, over: bool) -> Result<()> {
        self.need_to_run()?;
        let n = repeat(self)?;
        let first = self.pc()?;
        let function = self.symbols().function_start(first);
        for _ in 0..n {
            let (frame, cfa) = self.here()?;
            let start = self.symbols().function_start(frame.pc);
            let plan = self.plan(Resume::Step { signal: None })?;
            match self.run_until(plan, &[])? {
                Ran::Stepped => {}
                Ran::Reported | Ran::Arrived => return Ok(()),
            }
            if over
                && let Some(back) = self.called_from(cfa, start)?
                && let Ran::Reported = self.run_to(back, cfa)?
            {
                return Ok(());
            }
        }
        let pc = self.pc()?;
        let changed = self.symbols().function_start(pc) != function;
        let bare = self.symbols().line_at(pc).is_none();
        self.report_arrival(changed || bare)
    }
}

pub fn step(cx: &mut Cx<'_>) -> Result<()> {
    cx.steps(false)
}

pub fn next(cx: &mut Cx<'_>) -> Result<()> {
    cx.steps(true)
}

pub fn stepi(cx: &mut Cx<'_>) -> Result<()> {
    cx.step_instructions(false)
}

pub fn nexti(cx: &mut Cx<'_>) -> Result<()> {
    cx.step_instructions(true)
}

pub fn finish(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    let n = cx.s.frame;
    let frame = cx.selected_frame()?;
    let Some(caller) = cx.frame_at(n + 1)? else {
        return fail("\"finish\" not meaningful in the outermost frame.");
    };
    cx.frame_at(n + 2)?;
    let caller_cfa = cx.frame_at(n + 1)?.and_then(|f| f.cfa);
    let text = cx.frame_text(&frame, n, true, true);
    say!(cx, "Run till exit from {text}");
    let returns = cx.frame_function(&frame).map(|f| f.item.returns);
    match cx.run_to(caller.pc, caller_cfa)? {
        Ran::Reported => return Ok(()),
        Ran::Arrived | Ran::Stepped => {}
    }
    cx.report_arrival(true)?;
    if let Some(Some(ty)) = returns {
        let ty = cx.symbols().resolve(&ty);
        if let Some(value) = cx.returned(ty) {
            let text = cx.show(&value, Default::default(), true)?;
            let json = cx.json(&value);
            cx.s.values.push(value);
            let number = cx.s.values.len();
            say!(cx, "Value returned is ${number} = {text}");
            if let Some(answer) = &mut cx.s.answer {
                answer["returned"] = json;
            }
        }
    }
    Ok(())
}

impl Cx<'_> {
    /// What a function that has just returned gave back, if it fits into a register (AAPCS64 6.8, MIPS o32 chapter 3).
    fn returned(&mut self, ty: crate::dwarf::Ty) -> Option<crate::expr::Value> {
        use crate::dwarf::Kind;
        use crate::expr::Value;
        let target = self.target();
        let symbols = self.symbols();
        let plain = symbols.strip(&ty);
        let size = symbols.size_of(&ty) as usize;
        let arm = target.gdb_arch == "aarch64";
        let mips = target.gdb_arch.starts_with("mips");
        let (float, vector) = match &plain.kind {
            Kind::Float => (true, false),
            Kind::Array(..) if plain.name == "vector" => (false, true),
            Kind::Struct(..) | Kind::Array(..) | Kind::Void | Kind::Function(..) => return None,
            _ => (false, false),
        };
        let names: &[&str] = match (arm, mips, float || vector) {
            (true, _, true) => &["v0"],
            (true, _, false) => &["x0"],
            (_, true, false) if size == 8 => &["r2", "r3"],
            (_, true, false) => &["r2"],
            (_, true, true) if float => &["f0", "f1"],
            _ => return None,
        };
        let tid = self.tid().ok()?;
        let mut bytes = Vec::new();
        for name in names {
            if bytes.len() >= size {
                break;
            }
            let number = target.register_by_name(name)?;
            let one = self.register_bytes(tid, number).ok()?;
            // The two halves of a double are in a pair of registers, the low one first in either byte order.
            if mips
                && float
                && size == 8
                && one.len() == 4
                && target.endian == emu_stub::Endian::Big
            {
                bytes = [one, bytes].concat();
            } else {
                bytes.extend(one);
            }
        }
        let bytes = match target.endian {
            emu_stub::Endian::Little => bytes.get(..size)?.to_vec(),
            emu_stub::Endian::Big => bytes.get(bytes.len().checked_sub(size)?..)?.to_vec(),
        };
        Some(Value::new(ty, bytes, crate::expr::Location::None))
    }
}

/// Runs to a place, or to the end of the frame.
fn run_to_place(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    let place = cx.locate(cx.args)?;
    cx.frame_at(1)?;
    let caller = cx.frame_at(1)?.map(|f| f.pc);
    let mut own = place.addrs;
    own.extend(caller);
    let plan = cx.plan(Resume::Continue { signal: None })?;
    if let Ran::Reported = cx.run_until(plan, &own)? {
        return Ok(());
    }
    cx.report_arrival(true)
}

pub fn advance(cx: &mut Cx<'_>) -> Result<()> {
    if cx.args.is_empty() {
        return fail("Argument required (a location).");
    }
    run_to_place(cx)
}

/// `until`: to a later line, so that a loop is left.
pub fn until(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    if !cx.args.is_empty() {
        return run_to_place(cx);
    }
    let first = cx.pc()?;
    loop {
        let (frame, cfa) = cx.here()?;
        let function = cx.symbols().function_start(frame.pc);
        if let Ran::Reported = cx.step_line(true)? {
            return Ok(());
        }
        let pc = cx.pc()?;
        let (_, now) = cx.here()?;
        let same = cx.symbols().function_start(pc) == function && now == cfa;
        if !same || pc > first {
            return cx.report_arrival(!same);
        }
    }
}
