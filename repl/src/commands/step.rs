//! Stepping by lines and instructions, and running to a place.

use super::run::{Ran, repeat};
use crate::dwarf::Inlined;
use crate::say;
use crate::session::{Cx, fail};
use crate::stack::Frame;
use emu_stub::{Result, Resume};

/// Where a thread stands, to know the place again.
struct Here {
    /// The innermost frame, which may be that of an inlined function.
    frame: Frame,
    /// Address of the frame in memory.
    cfa: Option<u64>,
    /// First address of its function.
    function: Option<u64>,
    /// The functions inlined into it that the thread is in, outermost first: where their entries are.
    inlined: Vec<usize>,
}

impl Here {
    fn same_frame(&self, other: &Here) -> bool {
        self.cfa == other.cfa && self.function == other.function
    }

    fn same_place(&self, other: &Here) -> bool {
        self.same_frame(other) && self.inlined == other.inlined
    }
}

impl Cx<'_> {
    fn here(&mut self) -> Result<Here> {
        let Some(frame) = self.frame_at(0)? else {
            return fail("there is no frame");
        };
        // Unwinding once more gives the frame its address.
        self.real_frame_at(1)?;
        let frames = &self.s.frames;
        let mut inlined: Vec<usize> = frames
            .iter()
            .map_while(|f| f.inlined.as_ref().map(|i| i.function.offset))
            .collect();
        inlined.reverse();
        Ok(Here {
            cfa: self.frame_at(0)?.and_then(|f| f.cfa),
            function: self.symbols().function_start(frame.pc),
            frame,
            inlined,
        })
    }

    /// Goes into the inlined function that begins where the thread stands, which takes no step; whether there is one.
    fn enter_inlined(&mut self) -> Result<bool> {
        let (tid, pc) = (self.tid()?, self.pc()?);
        match self.skipped_inlined(pc) {
            0 => Ok(false),
            n => {
                self.s.before_inlined = Some((tid, pc, n - 1));
                self.s.invalidate();
                Ok(true)
            }
        }
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
            let now = self.here()?.cfa;
            if same_thread && (cfa.is_none() || now == cfa || now.is_none()) {
                return Ok(Ran::Arrived);
            }
            self.s.thread = Some(tid);
        }
    }

    /// Whether the innermost frame was called from the frame of that address and function; then where it returns to.
    fn called_from(&mut self, cfa: Option<u64>, function: Option<u64>) -> Result<Option<u64>> {
        let (Some(cfa), Some(caller)) = (cfa, self.real_frame_at(1)?) else {
            return Ok(None);
        };
        self.real_frame_at(2)?;
        let caller_cfa = self.real_frame_at(1)?.and_then(|f| f.cfa);
        let start = self.symbols().function_start(caller.lookup_pc());
        let own = self.real_frame_at(0)?.and_then(|f| f.cfa);
        // The caller's address may not be found in code without call frame information; its stack pointer is this frame's.
        let deeper = own.is_some_and(|o| o < cfa || (o == cfa && caller_cfa == Some(cfa)));
        Ok((start == function
            && start.is_some()
            && (caller_cfa == Some(cfa) || (caller_cfa.is_none() && deeper)))
            .then_some(caller.pc))
    }

    /// One step to another line; `over` calls.
    fn step_line(&mut self, over: bool) -> Result<Ran> {
        if !over && self.enter_inlined()? {
            return Ok(Ran::Stepped);
        }
        let from = self.here()?;
        let (frame, cfa, function) = (&from.frame, from.cfa, from.function);
        let symbols = self.symbols();
        let mut line = self.frame_line(frame);
        let mut range = match &symbols.line_at(frame.pc) {
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
            let now = self.here()?;
            let here = symbols.line_at(pc);
            let same_frame = now.same_frame(&from);
            let chain = symbols.inlined_at(pc);
            let outer = from.inlined.len();
            if same_frame
                && let Some(inner) = chain.get(outer)
                && chain
                    .iter()
                    .zip(&from.inlined)
                    .all(|(i, o)| i.function.offset == *o)
            {
                // In an inlined function that was called from here, or before it.
                let before = now.inlined == from.inlined;
                let (file, _, number) = &inner.call;
                let same_line = line
                    .as_ref()
                    .is_some_and(|l| l.line == *number && l.file == *file);
                if before && !same_line {
                    return Ok(Ran::Stepped);
                }
                if !over {
                    if before {
                        self.enter_inlined()?;
                    }
                    return Ok(Ran::Stepped);
                }
                range = here.map_or((pc, pc + 1), |h| (h.start, h.end));
                continue;
            }
            match (&here, &line) {
                (Some(h), Some(l))
                    if now.same_place(&from) && h.line == l.line && h.file == l.file =>
                {
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
            let before = self.here()?;
            match self.step_line(over)? {
                Ran::Reported => return Ok(()),
                Ran::Stepped | Ran::Arrived | Ran::Returned => {}
            }
            frame_line = !self.here()?.same_place(&before);
        }
        self.report_arrival(frame_line)
    }

    fn step_instructions(&mut self, over: bool) -> Result<()> {
        self.need_to_run()?;
        let n = repeat(self)?;
        let first = self.pc()?;
        let function = self.symbols().function_start(first);
        for _ in 0..n {
            let from = self.here()?;
            let (cfa, start) = (from.cfa, from.function);
            let plan = self.plan(Resume::Step { signal: None })?;
            match self.run_until(plan, &[])? {
                Ran::Stepped => {}
                Ran::Reported | Ran::Arrived | Ran::Returned => return Ok(()),
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
    let depth = cx.real_depth(n)?;
    if let Some(inlined) = frame.inlined.clone() {
        return finish_inlined(cx, n, &inlined);
    }
    let Some(caller) = cx.real_frame_at(depth + 1)? else {
        return fail("\"finish\" not meaningful in the outermost frame.");
    };
    cx.real_frame_at(depth + 2)?;
    let caller_cfa = cx.real_frame_at(depth + 1)?.and_then(|f| f.cfa);
    let text = cx.frame_text(&frame, n, true, true);
    say!(cx, "Run till exit from {text}");
    let returns = cx.frame_function(&frame).map(|f| f.item.returns);
    match cx.run_to(caller.pc, caller_cfa)? {
        Ran::Reported => return Ok(()),
        Ran::Arrived | Ran::Stepped | Ran::Returned => {}
    }
    let value = match returns {
        Some(Some(ty)) => {
            let ty = cx.symbols().resolve(&ty);
            cx.returned_value(ty)
        }
        _ => None,
    };
    // A call of the prompt's that was given up ends where it was made.
    let (tid, pc) = (cx.tid()?, cx.pc()?);
    if let Some(call) = cx.returned_call(tid, pc) {
        cx.pop_call(&call)?;
    }
    cx.report_arrival(true)?;
    if let Some(value) = value {
        let text = cx.show(&value, Default::default(), true)?;
        let json = cx.json(&value);
        cx.s.values.push(value);
        let number = cx.s.values.len();
        say!(cx, "Value returned is ${number} = {text}");
        if let Some(answer) = &mut cx.s.answer {
            answer["returned"] = json;
        }
    }
    Ok(())
}

/// `return`: the selected frame's function is left at once, with this value if there is one.
pub fn leave(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    let frame = cx.selected_frame()?;
    if frame.inlined.is_some() {
        return fail("Can not force return from an inlined function.");
    }
    let n = cx.s.frame;
    let depth = cx.real_depth(n)?;
    let Some(caller) = cx.real_frame_at(depth + 1)? else {
        return fail("Can not force return from the outermost frame.");
    };
    let (tid, target) = (cx.tid()?, cx.target());
    let mut set: Vec<(usize, Vec<u8>)> = Vec::new();
    if !cx.args.is_empty() {
        let value = cx.eval(cx.args)?;
        let returns = cx.frame_function(&frame).and_then(|f| f.item.returns);
        let ty = returns.map(|ty| cx.symbols().resolve(&ty));
        set = cx.returning(&value, ty)?;
    }
    for (number, value) in caller.registers.iter().enumerate() {
        if let Some(value) = value
            && !set.iter().any(|(n, _)| *n == number)
        {
            let bytes = target.integer(*value, target.registers[number].size());
            // The value that is returned counts, where one register has both.
            set.insert(0, (number, bytes));
        }
    }
    for (number, bytes) in set {
        cx.inf.write_register(tid, number, &bytes)?;
    }
    cx.s.invalidate();
    cx.s.before_inlined = None;
    if let Some(frame) = cx.frame_at(0)? {
        let text = cx.frame_text(&frame, 0, true, true);
        say!(cx, "{text}");
        cx.show_place(false);
        cx.s.answer = Some(serde_json::json!({ "frame": cx.frame_json(&frame, 0, true) }));
    }
    Ok(())
}

/// Steps out of the code of an inlined function, whose frame is the one at `n`.
fn finish_inlined(cx: &mut Cx<'_>, n: usize, inlined: &Inlined) -> Result<()> {
    let depth = cx.real_depth(n)?;
    cx.real_frame_at(depth + 1)?;
    let Some(frame) = cx.frame_at(n)? else {
        return fail("there is no frame");
    };
    let text = cx.frame_text(&frame, n, true, true);
    say!(cx, "Run till exit from {text}");
    let cfa = frame.cfa;
    if depth > 0
        && let Ran::Reported = cx.run_to(frame.pc, cfa)?
    {
        return Ok(());
    }
    let symbols = cx.symbols();
    let Some(module) = symbols.modules.get(inlined.module) else {
        return fail("the function's file is not known any more");
    };
    loop {
        let at = module.to_file(cx.pc()?);
        let within = inlined.ranges.iter().find(|(s, e)| (*s..*e).contains(&at));
        let Some((start, end)) = within else { break };
        let from = cx.here()?;
        let plan = cx.plan(Resume::StepRange {
            start: module.to_memory(*start),
            end: module.to_memory(*end),
        })?;
        if let Ran::Reported = cx.run_until(plan, &[])? {
            return Ok(());
        }
        if let Some(back) = cx.called_from(cfa, from.function)?
            && let Ran::Reported = cx.run_to(back, cfa)?
        {
            return Ok(());
        }
    }
    cx.report_arrival(true)
}

/// Runs to a place, or to the end of the frame.
fn run_to_place(cx: &mut Cx<'_>) -> Result<()> {
    cx.need_to_run()?;
    let place = cx.locate(cx.args)?;
    let depth = cx.real_depth(cx.s.frame)?;
    let caller = cx.real_frame_at(depth + 1)?.map(|f| f.pc);
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
        let from = cx.here()?;
        if let Ran::Reported = cx.step_line(true)? {
            return Ok(());
        }
        let pc = cx.pc()?;
        let same = cx.here()?.same_place(&from);
        if !same || pc > first {
            return cx.report_arrival(!same);
        }
    }
}
