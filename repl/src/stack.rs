//! Frames: unwinding by call frame information, else by the frame pointer or by reading the prologue.

use crate::dwarf::{self, At, Cfa, Function, Inlined, Place, Requests, Rule, SourceLine};
use crate::session::Cx;
use emu_stub::{Error, Inferior, RegisterRole, Result, TargetDescription, Tid};
use std::sync::Arc;

/// Frames at most; a deeper stack is cut.
pub const MAX_FRAMES: usize = 10_000;
/// Instructions of a prologue that are read at most.
const MAX_PROLOGUE: u64 = 256;

/// One frame of a thread's stack.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Where it executes.
    pub pc: u64,
    /// Its address: the stack pointer before the call. `None` if it could not be found.
    pub cfa: Option<u64>,
    /// Values of registers of up to 8 bytes, by number; `None` for those that are lost.
    pub registers: Vec<Option<u64>>,
    /// It was interrupted (by a signal or the stop) rather than that it made a call.
    pub interrupted: bool,
    /// It is that of a function which was inlined: it has everything in common with the frame that it was inlined into, which is
    /// the next one out.
    pub inlined: Option<Arc<Inlined>>,
    /// It calls an inlined function from this file, by its full and its given path, and line.
    pub call: Option<(String, String, u32)>,
}

impl Frame {
    /// The address to look up symbols and lines for: of a call, not what follows it.
    pub fn lookup_pc(&self) -> u64 {
        if self.interrupted {
            self.pc
        } else {
            self.pc.wrapping_sub(1)
        }
    }
}

/// What DWARF expressions ask, answered from a frame.
pub struct FrameRequests<'a> {
    /// For memory.
    pub inf: &'a mut dyn Inferior,
    /// The machine.
    pub target: Arc<TargetDescription>,
    /// The frame.
    pub frame: &'a Frame,
    /// What the function's variables are counted from, if that has been found.
    pub base: Option<u64>,
    /// Register numbers are those of `.eh_frame`.
    pub eh: bool,
    /// The thread that thread-local variables are those of.
    pub tid: Option<Tid>,
    /// Why a request was not answered, where there is more to say of it.
    pub error: Option<Error>,
}

/// Position of the register of that DWARF number.
pub fn by_dwarf(target: &TargetDescription, number: u16, eh: bool) -> Option<usize> {
    target.registers.iter().position(|r| {
        let own = if eh { r.eh_frame.or(r.dwarf) } else { r.dwarf };
        own == Some(number)
    })
}

impl Requests for FrameRequests<'_> {
    fn register(&mut self, dwarf: u16) -> Option<u64> {
        let number = by_dwarf(&self.target, dwarf, self.eh)?;
        *self.frame.registers.get(number)?
    }

    fn memory(&mut self, addr: u64, size: u8) -> Option<u64> {
        let mut buf = vec![0; usize::from(size)];
        let n = self.inf.read_memory(addr, &mut buf).ok()?;
        (n == buf.len()).then(|| self.target.read_integer(&buf))
    }

    fn cfa(&mut self) -> Option<u64> {
        self.frame.cfa
    }

    fn frame_base(&mut self) -> Option<u64> {
        self.base
    }

    fn thread_local(&mut self, module: &dwarf::Module, offset: u64) -> Option<u64> {
        if module.number() != 0 {
            let why = "thread-local variables of libraries are not found: where the C library keeps them is its own affair";
            self.error = Some(Error::Unsupported(why));
            return None;
        }
        let (image, align) = module.tls?;
        let pointer = match self.tid {
            Some(tid) => self.inf.thread_pointer(tid),
            None => Err(Error::WrongState("there is no thread that has it")),
        };
        let tp = match pointer {
            Ok(tp) => tp,
            Err(e) => {
                self.error = Some(e);
                return None;
            }
        };
        // Variant I of the ELF handling of TLS: the executable's block is behind the control block of two pointers; on MIPS its
        // middle is what the thread pointer counts from.
        let block = match self.target.gdb_arch.as_str() {
            "aarch64" => {
                let begin = tp.checked_add(16)?;
                begin.checked_add(image.wrapping_sub(begin) & (align - 1))?
            }
            arch if arch.starts_with("mips") => tp.wrapping_sub(0x7000),
            _ => return None,
        };
        Some(block.wrapping_add(offset))
    }
}

/// What a walk found of a caller.
struct Caller {
    cfa: u64,
    registers: Vec<Option<u64>>,
    pc: u64,
    signal: bool,
}

impl Cx<'_> {
    /// The innermost frame of the selected thread.
    fn first_frame(&mut self) -> Result<Frame> {
        let tid = self.tid()?;
        let target = self.target();
        let mut registers = Vec::with_capacity(target.registers.len());
        for (number, info) in target.registers.iter().enumerate() {
            let known = info.size() <= 8;
            registers.push(if known {
                self.register(tid, number).ok()
            } else {
                None
            });
        }
        let pc = self.role(tid, RegisterRole::Pc)?;
        Ok(Frame {
            pc,
            cfa: None,
            registers,
            interrupted: true,
            inlined: None,
            call: None,
        })
    }

    /// Adds a frame, with those of the functions that were inlined around its place before it.
    fn push_frame(&mut self, frame: Frame) {
        let mut chain = self.symbols().inlined_at(frame.lookup_pc());
        let mut call = None;
        if self.s.frames.is_empty() {
            for _ in 0..self.skipped_inlined(frame.pc) {
                call = chain.pop().map(|i| i.call);
            }
        }
        while let Some(inner) = chain.pop() {
            let site = call.replace(inner.call.clone());
            self.s.frames.push(Frame {
                inlined: Some(Arc::new(inner)),
                call: site,
                ..frame.clone()
            });
        }
        self.s.frames.push(Frame { call, ..frame });
    }

    /// How many inlined functions that begin at `pc` the selected thread is still seen before.
    pub fn skipped_inlined(&mut self, pc: u64) -> usize {
        match (self.s.before_inlined, self.tid()) {
            (Some((tid, at, n)), Ok(selected)) if tid == selected && at == pc => n,
            _ => 0,
        }
    }

    /// The frame at `n` of those that are in memory, 0 is the innermost one: without inlined functions.
    ///
    /// # Errors
    /// There is no thread.
    pub fn real_frame_at(&mut self, n: usize) -> Result<Option<Frame>> {
        let mut left = n;
        let mut at = 0;
        while let Some(frame) = self.frame_at(at)? {
            if frame.inlined.is_none() {
                if left == 0 {
                    return Ok(Some(frame));
                }
                left -= 1;
            }
            at += 1;
        }
        Ok(None)
    }

    /// Number of the frame in memory that frame `n` is in.
    ///
    /// # Errors
    /// There is no thread.
    pub fn real_depth(&mut self, n: usize) -> Result<usize> {
        self.frame_at(n)?;
        let outer = self.s.frames.iter().take(n);
        Ok(outer.filter(|f| f.inlined.is_none()).count())
    }

    /// Frame `n` of the selected thread, 0 is the innermost one; `None` if the stack is not that deep.
    ///
    /// # Errors
    /// There is no thread.
    pub fn frame_at(&mut self, n: usize) -> Result<Option<Frame>> {
        if self.s.frames.is_empty() {
            let first = self.first_frame()?;
            self.push_frame(first);
            self.s.frames_end = false;
        }
        while self.s.frames.len() <= n && !self.s.frames_end {
            let last = self.s.frames[self.s.frames.len() - 1].clone();
            let caller = self.unwind(&last);
            let real = |f: &Frame| f.inlined.is_none();
            let depth = self.s.frames.iter().filter(|f| real(f)).count();
            self.note_cfa(caller.as_ref().map(|c| c.cfa));
            // A stack that does not grow is damaged, or at its end.
            let mut outwards = self.s.frames.iter().rev().filter(|f| real(f));
            let below = outwards.nth(1).and_then(|f| f.cfa);
            match caller {
                Some(c)
                    if c.pc != 0
                        && depth < MAX_FRAMES
                        && (c.signal
                            || below.is_none_or(|b| {
                                c.cfa > b || (c.cfa == b && c.pc != last.pc && depth < 3)
                            }))
                        && self.is_code(c.pc) =>
                {
                    let frame = Frame {
                        pc: c.pc,
                        cfa: None,
                        registers: c.registers,
                        interrupted: c.signal,
                        inlined: None,
                        call: None,
                    };
                    self.push_frame(frame);
                }
                _ => self.s.frames_end = true,
            }
        }
        // The address of the outermost frame that was asked for is known only once its caller has been looked for.
        if n + 1 == self.s.frames.len() && self.s.frames[n].cfa.is_none() && !self.s.frames_end {
            let frame = self.s.frames[n].clone();
            let cfa = self.unwind(&frame).map(|c| c.cfa);
            self.note_cfa(cfa);
        }
        Ok(self.s.frames.get(n).cloned())
    }

    /// The outermost frame that has been found, and those inlined into it, have this address.
    fn note_cfa(&mut self, cfa: Option<u64>) {
        let mut frames = self.s.frames.iter_mut().rev();
        if let Some(last) = frames.next() {
            last.cfa = cfa;
        }
        for f in frames.take_while(|f| f.inlined.is_some()) {
            f.cfa = cfa;
        }
    }

    /// The selected frame.
    ///
    /// # Errors
    /// There is no thread.
    pub fn selected_frame(&mut self) -> Result<Frame> {
        let n = self.s.frame;
        match self.frame_at(n)? {
            Some(frame) => Ok(frame),
            None => {
                self.s.frame = 0;
                self.frame_at(0)?
                    .ok_or(Error::WrongState("there is no frame"))
            }
        }
    }

    fn is_code(&mut self, pc: u64) -> bool {
        let mut byte = [0];
        self.inf.read_memory(pc, &mut byte).is_ok()
    }

    /// The caller of a frame.
    fn unwind(&mut self, frame: &Frame) -> Option<Caller> {
        if let Some((_, registers)) = self.calling_frame(frame) {
            let target = self.target();
            let role = |r| registers[target.register_in_role(r)?];
            return Some(Caller {
                cfa: role(RegisterRole::Sp)?,
                pc: role(RegisterRole::Pc)?,
                registers,
                signal: true,
            });
        }
        let symbols = self.symbols();
        let lookup = frame.lookup_pc();
        if let Some(at) = symbols.module_at(lookup)
            && let Some(rules) = at.module.cfi().rules(at.module.to_file(lookup))
            && let Some(caller) = self.unwind_by(&at.module, &rules, frame)
        {
            return Some(caller);
        }
        let arch = self.target().gdb_arch.clone();
        if let Some(caller) = self.unwind_signal(frame) {
            return Some(caller);
        }
        if arch.starts_with("mips") {
            self.unwind_mips(frame)
        } else if arch == "aarch64" {
            self.unwind_aarch64(frame)
        } else {
            None
        }
    }

    fn unwind_by(
        &mut self,
        module: &dwarf::Module,
        rules: &dwarf::Rules,
        frame: &Frame,
    ) -> Option<Caller> {
        let target = self.target();
        let size = usize::from(target.pointer_size);
        let number = |dwarf: u16| by_dwarf(&target, dwarf, rules.eh);
        let mut requests = FrameRequests {
            inf: &mut *self.inf,
            target: target.clone(),
            frame,
            base: None,
            eh: rules.eh,
            tid: None,
            error: None,
        };
        let mut evaluate = |e: &gimli::Expression<dwarf::Bytes>, initial: Option<u64>| {
            let place = dwarf::evaluate(
                module,
                None,
                e.clone(),
                rules.encoding,
                initial,
                &mut requests,
            )?;
            match place {
                Place::Memory(v) | Place::Value(v) => Some(v),
                _ => None,
            }
        };
        let cfa = match &rules.cfa {
            Cfa::Register(r, offset) => {
                let base = (*frame.registers.get(number(*r)?)?)?;
                base.wrapping_add_signed(*offset)
            }
            Cfa::Expression(e) => evaluate(e, None)?,
        };
        let mask = if size == 4 { 0xffff_ffff } else { u64::MAX };
        let cfa = cfa & mask;
        // Where a rule's value is: in memory, or itself.
        let mut found: Vec<(usize, Option<u64>, Option<u64>)> = Vec::new();
        for (dwarf, rule) in &rules.registers {
            let Some(n) = number(*dwarf) else { continue };
            let (at, value) = match rule {
                Rule::Undefined => (None, None),
                Rule::Same => continue,
                Rule::At(offset) => (Some(cfa.wrapping_add_signed(*offset)), None),
                Rule::Is(offset) => (None, Some(cfa.wrapping_add_signed(*offset))),
                Rule::In(other) => (None, number(*other).and_then(|o| frame.registers[o])),
                Rule::AtExpression(e) => (evaluate(e, Some(cfa)), None),
                Rule::IsExpression(e) => (None, evaluate(e, Some(cfa))),
            };
            found.push((n, at, value));
        }
        let mut registers = frame.registers.clone();
        for (n, at, value) in found {
            let width = target.registers[n].size().min(8);
            registers[n] = match at {
                Some(at) => self.read_uint(at & mask, width).ok(),
                None => value,
            };
        }
        let ra = number(rules.return_address)?;
        let explicit = rules
            .registers
            .iter()
            .find(|(d, _)| *d == rules.return_address);
        if matches!(explicit, Some((_, Rule::Undefined))) {
            return None;
        }
        let pc = registers[ra]?;
        if let Some(sp) = target.register_in_role(RegisterRole::Sp)
            && !rules.registers.iter().any(|(d, _)| number(*d) == Some(sp))
        {
            registers[sp] = Some(cfa);
        }
        if let Some(n) = target.register_in_role(RegisterRole::Pc) {
            registers[n] = Some(pc);
        }
        Some(Caller {
            cfa,
            registers,
            pc,
            signal: rules.signal,
        })
    }

    /// The frame that a signal interrupted, if the code is the kernel's trampoline.
    fn unwind_signal(&mut self, frame: &Frame) -> Option<Caller> {
        let target = self.target();
        let sp_number = target.register_in_role(RegisterRole::Sp)?;
        let pc_number = target.register_in_role(RegisterRole::Pc)?;
        let sp = frame.registers[sp_number]?;
        let first = self.read_uint(frame.pc, 4).ok()?;
        let second = self.read_uint(frame.pc.wrapping_add(4), 4).ok()?;
        let mut registers = frame.registers.clone();
        if target.gdb_arch == "aarch64" {
            // Where x0 to x30, sp and pc are in the frame.
            let context = match (first, second) {
                // Linux, mov x8, #139; svc #0: siginfo (128 bytes), ucontext with its sigcontext at 176, there the fault's address.
                (0xd280_1168, 0xd400_0001) => 128 + 176 + 8,
                // FreeBSD, mov x0, sp; add x0, x0, #80: siginfo (80 bytes), ucontext with its mcontext at 16.
                (0x9100_03e0, 0x9101_4000) => 80 + 16,
                _ => return None,
            };
            let at = |n: u64| sp.wrapping_add(context + 8 * n);
            for n in 0..31u64 {
                let index = by_dwarf(&target, n as u16, false)?;
                registers[index] = self.read_uint(at(n), 8).ok();
            }
            let old_sp = self.read_uint(at(31), 8).ok()?;
            let pc = self.read_uint(at(32), 8).ok()?;
            registers[sp_number] = Some(old_sp);
            registers[pc_number] = Some(pc);
            return Some(Caller {
                cfa: sp,
                registers,
                pc,
                signal: true,
            });
        }
        if target.gdb_arch.starts_with("mips") {
            // The low half of a 64-bit slot.
            let half = if target.endian == emu_stub::Endian::Big {
                4
            } else {
                0
            };
            // Where pc and the 32 registers behind it are, and how far apart.
            let (from, stride) = match (first, second) {
                // Linux, li v0, 4193 (rt_sigreturn) or 4119 (sigreturn); syscall. struct rt_sigframe / sigframe of o32:
                // sigcontext's sc_pc is 8 bytes in, in 8 bytes as the registers.
                (0x2402_1061, 0x0000_000c) => (24 + 128 + 24 + 8 + half, 8),
                (0x2402_1017, 0x0000_000c) => (24 + 8 + half, 8),
                // FreeBSD, addiu a0, sp, 16; li v0, 417: ucontext with its mcontext at 16, there mc_onstack first.
                (0x27a4_0010, 0x2402_01a1) => (16 + 16 + 4, 4),
                _ => return None,
            };
            let slot = |n: u64| sp.wrapping_add(from + stride * n);
            let pc = self.read_uint(slot(0), 4).ok()?;
            for n in 0..32u64 {
                let index = by_dwarf(&target, n as u16, false)?;
                registers[index] = self.read_uint(slot(1 + n), 4).ok();
            }
            registers[pc_number] = Some(pc);
            return Some(Caller {
                cfa: sp,
                registers,
                pc,
                signal: true,
            });
        }
        None
    }

    /// By the frame record that `x29` points to (AAPCS64, 6.4.6), or by `x30` where the function has not made one yet.
    fn unwind_aarch64(&mut self, frame: &Frame) -> Option<Caller> {
        let target = self.target();
        let role = |r| target.register_in_role(r);
        let (fp_n, ra_n, sp_n, pc_n) = (
            role(RegisterRole::Fp)?,
            role(RegisterRole::Ra)?,
            role(RegisterRole::Sp)?,
            role(RegisterRole::Pc)?,
        );
        let (fp, ra, sp) = (
            frame.registers[fp_n]?,
            frame.registers[ra_n],
            frame.registers[sp_n]?,
        );
        let mut registers = frame.registers.clone();
        let start = self.symbols().function_start(frame.lookup_pc());
        // A leaf, or before the prologue: nothing between the function's start and here stores the link register.
        let leaf = frame.interrupted
            && start.is_none_or(|start| {
                let end = frame.pc.min(start.wrapping_add(4 * MAX_PROLOGUE));
                let code = self
                    .read(start, end.saturating_sub(start) as usize)
                    .unwrap_or_default();
                // stp x29, x30, [sp, #-n]! and stp x29, x30, [sp, #n]
                !code.chunks_exact(4).any(|w| {
                    let w = u32::from_le_bytes([w[0], w[1], w[2], w[3]]);
                    matches!(w & 0xffc0_7fff, 0xa980_7bfd | 0xa900_7bfd)
                })
            });
        let (cfa, pc) = if leaf && start.is_some() {
            (sp, ra?)
        } else {
            if fp == 0 || fp % 8 != 0 || fp < sp {
                return None;
            }
            registers[fp_n] = Some(self.read_uint(fp, 8).ok()?);
            let pc = self.read_uint(fp + 8, 8).ok()?;
            (fp.wrapping_add(16), pc)
        };
        registers[ra_n] = None;
        registers[sp_n] = Some(cfa);
        registers[pc_n] = Some(pc);
        Some(Caller {
            cfa,
            registers,
            pc,
            signal: false,
        })
    }

    /// By reading the prologue: `addiu sp, sp, -n`, `sw ra, n(sp)`, `move s8, sp`.
    fn unwind_mips(&mut self, frame: &Frame) -> Option<Caller> {
        let target = self.target();
        let role = |r| target.register_in_role(r);
        let (fp_n, ra_n, sp_n, pc_n) = (
            role(RegisterRole::Fp)?,
            role(RegisterRole::Ra)?,
            role(RegisterRole::Sp)?,
            role(RegisterRole::Pc)?,
        );
        let start = self.symbols().function_start(frame.lookup_pc());
        let start = start
            .unwrap_or(frame.pc)
            .max(frame.pc.saturating_sub(4 * MAX_PROLOGUE));
        let mut base = frame.registers[sp_n]?;
        let (mut size, mut saved) = (0u64, Vec::new());
        let mut at = start;
        while at < frame.pc {
            let word = self.read_uint(at, 4).ok()? as u32;
            let offset = word as u16 as i16;
            match word >> 16 {
                0x27bd if offset < 0 && size == 0 => size = u64::from(offset.unsigned_abs()),
                // The frame is taken down before the return: what was saved is back.
                0x27bd if offset > 0 && (at + 4 == frame.pc || at + 8 == frame.pc) => {
                    size = 0;
                    saved.clear();
                }
                // sw ra / s0-s8 at an offset from sp
                op if op & 0xffe0 == 0xafa0 => {
                    let register = op & 0x1f;
                    if matches!(register, 16..=23 | 28 | 30 | 31)
                        && !saved.iter().any(|(r, _)| *r == register)
                    {
                        saved.push((register, i64::from(offset)));
                    }
                }
                0x03a0 if matches!(word & 0xffff, 0xf025 | 0xf021) => base = frame.registers[fp_n]?,
                _ => {}
            }
            at += 4;
        }
        if !frame.interrupted && !saved.iter().any(|(r, _)| *r == 31) {
            // It has made a call, so its return address is saved somewhere that was not found.
            return None;
        }
        let cfa = base.wrapping_add(size) & 0xffff_ffff;
        let mut registers = frame.registers.clone();
        for (register, offset) in saved {
            let n = by_dwarf(&target, register as u16, false)?;
            registers[n] = self
                .read_uint(base.wrapping_add_signed(offset) & 0xffff_ffff, 4)
                .ok();
        }
        let pc = registers[ra_n]?;
        registers[sp_n] = Some(cfa);
        registers[pc_n] = Some(pc);
        Some(Caller {
            cfa,
            registers,
            pc,
            signal: false,
        })
    }

    /// The function of a frame, by the debugging information.
    pub fn frame_function(&mut self, frame: &Frame) -> Option<At<Function>> {
        let symbols = self.symbols();
        if let Some(inlined) = &frame.inlined {
            return Some(At {
                module: symbols.modules.get(inlined.module)?.clone(),
                index: inlined.module,
                item: inlined.function.clone(),
            });
        }
        symbols.function_at(frame.lookup_pc())
    }

    /// The source line of a frame.
    pub fn frame_line(&mut self, frame: &Frame) -> Option<SourceLine> {
        match &frame.call {
            // The line of the call; its code is elsewhere.
            Some((file, name, line)) => (*line != 0).then(|| SourceLine {
                file: file.clone(),
                name: name.clone(),
                line: *line,
                start: frame.pc,
                end: frame.pc,
                is_stmt: true,
            }),
            None => self.symbols().line_at(frame.lookup_pc()),
        }
    }

    /// What the variables of the frame's function are counted from.
    pub fn frame_base(&mut self, frame: &Frame, at: &At<Function>) -> Option<u64> {
        let location = at.item.frame_base.clone()?;
        let target = self.target();
        let mut requests = FrameRequests {
            inf: &mut *self.inf,
            target: target.clone(),
            frame,
            base: None,
            eh: false,
            tid: None,
            error: None,
        };
        let pc = at.module.to_file(frame.lookup_pc());
        match dwarf::locate(&at.module, at.item.unit, &location, pc, &mut requests)? {
            Place::Memory(addr) | Place::Value(addr) => Some(addr),
            Place::Register(n) => frame.registers[by_dwarf(&target, n, false)?],
            _ => None,
        }
    }
}
