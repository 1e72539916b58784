//! Calls of the program's functions: the thread is sent there, to return to an address where it stops, and gets its registers back.

use super::abi::{Abi, Returned};
use super::parse::Expr;
use super::value::{Location, Value};
use crate::commands::run::Ran;
use crate::dwarf::{self, Kind, Ty};
use crate::session::{Cx, fail};
use crate::stack::Frame;
use emu_stub::{Error, Permissions, RegisterRole, Result, Resume, State, StopReason, Tid};

/// `AT_ENTRY` of the auxiliary vector (elf.h).
const AT_ENTRY: u64 = 9;
/// Bytes that are taken from the program's memory at a time, for strings.
const ARENA: u64 = 64 * 1024;

/// A call that has not returned yet.
#[derive(Clone, Debug)]
pub struct Dummy {
    /// The thread that makes it.
    tid: Tid,
    /// Where it returns to, with the stack pointer as the function found it.
    pub addr: u64,
    sp: u64,
    /// The registers before the call; `None` for those that cannot be read.
    registers: Vec<Option<Vec<u8>>>,
    /// The command that made it waits for its result.
    pub waited_for: bool,
}

/// Memory of the program for what expressions need there.
#[derive(Clone, Copy, Debug, Default)]
pub struct Arena {
    next: u64,
    end: u64,
}

impl Cx<'_> {
    /// The value of a call; `returns` is what a cast around it says that it returns.
    ///
    /// # Errors
    /// It is no function, or it did not return.
    pub(super) fn call(
        &mut self,
        callee: &Expr,
        args: &[Expr],
        returns: Option<Ty>,
    ) -> Result<Value> {
        self.need_to_run()?;
        if self.s.guest_of_debugger {
            return fail("calling functions is left to the debugger that the program has");
        }
        self.stop()?;
        let symbols = self.symbols();
        let function = self.value(callee)?;
        let name = match callee {
            Expr::Name(name) => name.clone(),
            _ => "at this address".into(),
        };
        let mut ty = symbols.strip(&function.ty);
        if let Kind::Pointer(target) = &ty.kind {
            ty = symbols.strip(&symbols.resolve(target));
        }
        let Kind::Function(result, parameters) = &ty.kind else {
            return fail("Cannot perform a call on a non-function value.");
        };
        let known = ty.name.is_empty();
        let result = match returns {
            Some(ty) => ty,
            None if known => symbols.resolve(result),
            None => {
                return fail(format!(
                    "'{name}' has unknown return type; cast the call to its declared return type"
                ));
            }
        };
        let parameters: Vec<Ty> = parameters.iter().map(|p| symbols.resolve(p)).collect();
        if args.len() < parameters.len() {
            return fail("Too few arguments in function call.");
        }
        let mut values = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            let value = self.value(arg)?;
            values.push(self.argument(value, parameters.get(i))?);
        }
        let addr = self.int(&function)? as u64;
        self.make_call(&name, addr, values, result)
    }

    /// An argument as the parameter's type, or, without one, promoted as C does.
    fn argument(&mut self, value: Value, parameter: Option<&Ty>) -> Result<Value> {
        value.present()?;
        let symbols = self.symbols();
        let plain = symbols.strip(&value.ty);
        let value = match &plain.kind {
            Kind::Array(element, _) if plain.name != "vector" => {
                let addr = match value.location {
                    Location::Memory(addr) => addr,
                    _ => self.put(&value.bytes)?,
                };
                let element = symbols.resolve(element);
                Value::pointer(&self.target(), element, addr)
            }
            Kind::Function(..) => {
                let addr = self.int(&value)? as u64;
                Value::pointer(&self.target(), value.ty, addr)
            }
            _ => value,
        };
        match parameter {
            Some(ty) if matches!(symbols.strip(ty).kind, Kind::Struct(..)) => {
                let size = symbols.size_of(ty) as usize;
                if value.bytes.len() != size || value.bits.is_some() {
                    return fail("The argument is no structure of the parameter's type.");
                }
                Ok(value.with_type(ty.clone()))
            }
            Some(ty) => self.convert(&value, ty.clone()),
            None => match plain.kind {
                Kind::Float if plain.size == 4 => {
                    self.convert(&value, dwarf::made("double", 8, Kind::Float))
                }
                Kind::Char(_) | Kind::Bool => self.convert(&value, dwarf::int("int", 4, true)),
                Kind::Int(_) if plain.size < 4 => self.convert(&value, dwarf::int("int", 4, true)),
                _ => Ok(value),
            },
        }
    }

    /// Puts bytes into the program's memory, where they stay.
    fn put(&mut self, bytes: &[u8]) -> Result<u64> {
        let size = (bytes.len() as u64).next_multiple_of(16);
        if self.s.arena.end - self.s.arena.next < size {
            let room = ARENA.max(size);
            let permissions = Permissions {
                read: true,
                write: true,
                exec: false,
            };
            let next = self.inf.allocate_memory(room, permissions)?;
            self.s.arena = Arena {
                next,
                end: next + room,
            };
        }
        let addr = self.s.arena.next;
        self.inf.write_memory(addr, bytes)?;
        self.s.arena.next += size;
        Ok(addr)
    }

    fn make_call(
        &mut self,
        name: &str,
        addr: u64,
        values: Vec<Value>,
        result: Ty,
    ) -> Result<Value> {
        let target = self.target();
        let symbols = self.symbols();
        let abi = Abi::of(&target)?;
        let tid = self.tid()?;
        let back = self.return_address()?;
        let registers = self.all_registers(tid);
        // From the top down: the result, copies of arguments, arguments.
        let mut sp = self.role(tid, RegisterRole::Sp)? & !15;
        let returned = abi.returned(&target, &symbols, &result);
        let in_memory = (returned == Returned::Memory).then(|| {
            sp = (sp - symbols.size_of(&result)) & !15;
            sp
        });
        let mut copies = Vec::new();
        for value in values.iter().filter(|v| abi.by_address(&symbols, &v.ty)) {
            sp = (sp - value.bytes.len() as u64) & !15;
            self.inf.write_memory(sp, &value.bytes)?;
            copies.push(sp);
        }
        let setting = abi.set(&target, &symbols, &values, in_memory, &copies)?;
        // Not where another call has its end: its stack pointer is what it is known by.
        sp = (sp - (setting.stack.len() as u64).max(16)) & !15;
        self.inf.write_memory(sp, &setting.stack)?;
        let dummy = Dummy {
            tid,
            addr: back,
            sp,
            registers,
            waited_for: true,
        };
        let place = |role| target.register_in_role(role).ok_or(Error::Unavailable);
        let (own, link) = abi.linkage();
        let mut set = setting.registers;
        let mut word = |number: usize, value: u64| {
            set.push((
                number,
                target.integer(value, target.registers[number].size()),
            ));
        };
        for (name, value) in [(own, addr), (Some(link), back)] {
            if let Some(number) = name.and_then(|n| target.register_by_name(n)) {
                word(number, value);
            }
        }
        word(place(RegisterRole::Sp)?, sp);
        word(place(RegisterRole::Pc)?, addr);
        // What the prompt knows of the stop that it is at comes back with the registers.
        let kept = self.s.keep_stop();
        self.s.dummies.push(dummy.clone());
        let written: Result<()> = set
            .iter()
            .try_for_each(|(n, bytes)| self.inf.write_register(tid, *n, bytes));
        self.s.forget_frames();
        let ran = written.and_then(|()| {
            self.s.thread = Some(tid);
            self.s.pending_signal = None;
            let plan = self.plan(Resume::Continue { signal: None })?;
            self.run_until(plan, &[])
        });
        match ran {
            Ok(Ran::Returned) => {
                let value = self.result(&returned, result, in_memory);
                self.s.dummies.pop();
                self.restore(&dummy)?;
                self.s.take_up(kept);
                value
            }
            Ok(_) => self.abandoned(name, &dummy, kept),
            Err(e) => {
                self.s.dummies.pop();
                self.restore(&dummy)?;
                self.s.take_up(kept);
                Err(e)
            }
        }
    }

    /// Where called functions return to: nothing executes there any more once the program has begun, and it is code.
    fn return_address(&mut self) -> Result<u64> {
        let size = usize::from(self.target().pointer_size);
        let target = self.target();
        let auxv = self.inf.auxv()?;
        let mut pairs = auxv.chunks_exact(2 * size);
        let entry = pairs.find(|p| target.read_integer(&p[..size]) == AT_ENTRY);
        match entry {
            Some(pair) => Ok(target.read_integer(&pair[size..])),
            None => Err(Error::Unsupported(
                "the program's entry point, which called functions return to, is not known",
            )),
        }
    }

    fn all_registers(&mut self, tid: Tid) -> Vec<Option<Vec<u8>>> {
        let count = self.target().registers.len();
        (0..count)
            .map(|n| self.register_bytes(tid, n).ok())
            .collect()
    }

    fn restore(&mut self, dummy: &Dummy) -> Result<()> {
        for (n, bytes) in dummy.registers.iter().enumerate() {
            if let Some(bytes) = bytes {
                self.inf.write_register(dummy.tid, n, bytes)?;
            }
        }
        self.s.forget_frames();
        Ok(())
    }

    /// It stopped before it returned.
    fn abandoned(
        &mut self,
        name: &str,
        dummy: &Dummy,
        kept: crate::session::Kept,
    ) -> Result<Value> {
        let State::Stopped(stop) = self.inf.state() else {
            return Err(Error::WrongState("the program is running"));
        };
        for d in self
            .s
            .dummies
            .iter_mut()
            .filter(|d| d.sp == dummy.sp && d.tid == dummy.tid)
        {
            d.waited_for = false;
        }
        if stop.is_exit() {
            self.s.dummies.clear();
            return fail(format!(
                "The program being debugged exited while in a function called from the prompt.\n\
                 Evaluation of the expression containing the function\n({name}) will be abandoned."
            ));
        }
        if matches!(stop.reason, StopReason::Signal(_)) {
            if self.s.unwind_on_signal {
                self.s
                    .dummies
                    .retain(|d| d.sp != dummy.sp || d.tid != dummy.tid);
                self.restore(dummy)?;
                self.s.take_up(kept);
                return fail(format!(
                    "The program being debugged was signaled while in a function called from the prompt.\n\
                     The prompt has restored the context to what it was before the call.\n\
                     Evaluation of the expression containing the function\n({name}) will be abandoned."
                ));
            }
            return fail(format!(
                "The program being debugged was signaled while in a function called from the prompt.\n\
                 The prompt remains in the frame where the signal was received.\n\
                 To change this behavior use \"set unwindonsignal on\".\n\
                 Evaluation of the expression containing the function\n({name}) will be abandoned.\n\
                 When the function is done executing, the program will stop."
            ));
        }
        fail(format!(
            "The program being debugged stopped while in a function called from the prompt.\n\
             Evaluation of the expression containing the function\n({name}) will be abandoned.\n\
             When the function is done executing, the program will stop."
        ))
    }

    /// The call that a thread has just returned from.
    pub fn returned_call(&mut self, tid: Tid, pc: u64) -> Option<Dummy> {
        let sp = self.role(tid, RegisterRole::Sp).ok()?;
        let own = |d: &&Dummy| d.tid == tid && d.addr == pc && d.sp == sp;
        self.s.dummies.iter().find(own).cloned()
    }

    /// Takes a thread back to where it was before a call that has returned after it had been given up.
    ///
    /// # Errors
    /// Its registers cannot be set.
    pub fn pop_call(&mut self, dummy: &Dummy) -> Result<()> {
        self.restore(dummy)?;
        self.s
            .dummies
            .retain(|d| d.sp != dummy.sp || d.tid != dummy.tid);
        self.s.invalidate();
        if let Ok(pc) = self.role(dummy.tid, RegisterRole::Pc) {
            self.s.reported_at.insert(dummy.tid, pc);
        }
        Ok(())
    }

    /// The call that a frame is the caller in, of the selected thread; with the registers that it goes back to.
    pub fn calling_frame(&mut self, frame: &Frame) -> Option<(Dummy, Vec<Option<u64>>)> {
        if self.s.dummies.is_empty() {
            return None;
        }
        let target = self.target();
        let tid = self.tid().ok()?;
        let sp = frame.registers[target.register_in_role(RegisterRole::Sp)?]?;
        let own = |d: &&Dummy| d.tid == tid && d.addr == frame.pc && d.sp == sp;
        let dummy = self.s.dummies.iter().find(own)?.clone();
        let values = dummy.registers.iter().map(|r| {
            let bytes = r.as_ref().filter(|b| b.len() <= 8)?;
            Some(target.read_integer(bytes))
        });
        Some((dummy.clone(), values.collect()))
    }

    /// What a function has returned; `memory` is where, if it was told.
    fn result(&mut self, place: &Returned, ty: Ty, memory: Option<u64>) -> Result<Value> {
        let size = self.symbols().size_of(&ty);
        match place {
            Returned::Nothing => Ok(Value::new(dwarf::void(), Vec::new(), Location::None)),
            Returned::Memory => {
                let Some(addr) = memory else {
                    return Err(Error::Unavailable);
                };
                let bytes = self.read(addr, size as usize)?;
                Ok(Value::new(ty, bytes, Location::None))
            }
            Returned::Registers(parts) => {
                let (tid, target) = (self.tid()?, self.target());
                let mut bytes = Vec::new();
                for (number, n) in parts {
                    let one = self.register_bytes(tid, *number)?;
                    bytes.extend(match target.endian {
                        emu_stub::Endian::Little => &one[..(*n).min(one.len())],
                        emu_stub::Endian::Big => &one[one.len().saturating_sub(*n)..],
                    });
                }
                if bytes.len() != size as usize {
                    return Err(Error::Unavailable);
                }
                Ok(Value::new(ty, bytes, Location::None))
            }
        }
    }

    /// The registers that hold `value` for the caller of a function that returns `ty`; without a type, what the value is.
    ///
    /// # Errors
    /// It is not returned in registers.
    pub fn returning(&mut self, value: &Value, ty: Option<Ty>) -> Result<Vec<(usize, Vec<u8>)>> {
        let (target, symbols) = (self.target(), self.symbols());
        let ty = ty.unwrap_or_else(|| value.ty.clone());
        let value = self.convert(value, ty.clone())?;
        let Returned::Registers(parts) = Abi::of(&target)?.returned(&target, &symbols, &ty) else {
            return fail(
                "a value of that type is not returned in registers: set it where the caller expects it",
            );
        };
        let mut rest = &value.bytes[..];
        let mut set = Vec::new();
        for (number, n) in parts {
            let (part, more) = rest.split_at(n.min(rest.len()));
            rest = more;
            let fill = vec![0; target.registers[number].size().saturating_sub(part.len())];
            set.push((
                number,
                match target.endian {
                    emu_stub::Endian::Little => [part, &fill].concat(),
                    emu_stub::Endian::Big => [&fill, part].concat(),
                },
            ));
        }
        Ok(set)
    }

    /// What a function that has just returned gave back; `None` if that cannot be told from where it returned to.
    pub fn returned_value(&mut self, ty: Ty) -> Option<Value> {
        let (target, symbols) = (self.target(), self.symbols());
        let abi = Abi::of(&target).ok()?;
        let place = abi.returned(&target, &symbols, &ty);
        let memory = match (abi, &place) {
            // o32 has the address in v0; with AAPCS64 it is lost.
            (Abi::O32, Returned::Memory) => {
                let tid = self.tid().ok()?;
                let v0 = target.register_by_name("r2")?;
                Some(self.register(tid, v0).ok()?)
            }
            _ => None,
        };
        if place == Returned::Nothing {
            return None;
        }
        self.result(&place, ty, memory).ok()
    }
}
