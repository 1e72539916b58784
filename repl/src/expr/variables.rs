//! Values of variables and registers.

use super::value::{Location, Value};
use crate::dwarf::{self, At, Kind, Place, Requests, Ty, Variable};
use crate::session::{Cx, fail};
use crate::stack::{Frame, FrameRequests, by_dwarf};
use emu_stub::{Endian, Error, RegisterType, Result};

/// Bytes of a value at most; larger ones are to be looked at in parts.
pub const MAX_VALUE: u64 = 1 << 20;

impl Cx<'_> {
    /// Reads a value of that type from memory.
    ///
    /// # Errors
    /// The memory cannot be read, or it is too much.
    pub fn value_at(&mut self, ty: Ty, addr: u64) -> Result<Value> {
        let symbols = self.symbols();
        let addr = self.mask(addr);
        if matches!(symbols.strip(&ty).kind, Kind::Function(..)) {
            return Ok(Value::new(ty, Vec::new(), Location::Memory(addr)));
        }
        let size = symbols.size_of(&ty);
        if size > MAX_VALUE {
            return fail(format!(
                "value requires {size} bytes, which is more than the {MAX_VALUE} that are shown at once"
            ));
        }
        let bytes = self.read(addr, size as usize)?;
        Ok(Value::new(ty, bytes, Location::Memory(addr)))
    }

    /// The value of a register in the frame at `depth`.
    ///
    /// # Errors
    /// It is not known there.
    pub fn register_value(&mut self, number: usize, depth: usize) -> Result<Value> {
        let target = self.target();
        let info = target.registers[number];
        let size = info.size() as u64;
        let bytes = if size > 8 || self.real_depth(depth)? == 0 {
            let tid = self.tid()?;
            self.register_bytes(tid, number)?
        } else {
            let frame = self.frame_at(depth)?.ok_or(Error::Unavailable)?;
            let value = frame.registers[number].ok_or(Error::Unavailable)?;
            target.integer(value, info.size())
        };
        let ty = match info.kind {
            RegisterType::CodePtr => dwarf::pointer(
                dwarf::made(
                    "",
                    1,
                    Kind::Function(Value::known(&dwarf::void()), Vec::new()),
                ),
                size,
            ),
            RegisterType::DataPtr => dwarf::pointer(dwarf::void(), size),
            RegisterType::Float => dwarf::made(
                if size == 4 { "float" } else { "double" },
                size,
                Kind::Float,
            ),
            RegisterType::Vector => dwarf::array(dwarf::int("uint8_t", 1, false), size),
            RegisterType::Int if size == 8 => dwarf::int("long", 8, true),
            RegisterType::Int => dwarf::int("int", size, true),
            RegisterType::Flags(_) => dwarf::int("unsigned int", size, false),
        };
        Ok(Value::new(ty, bytes, Location::Register(number, depth)))
    }

    /// The value of a variable, in a frame if it is a local one.
    ///
    /// # Errors
    /// Its place cannot be read.
    pub fn variable_value(
        &mut self,
        at: &At<Variable>,
        frame: Option<(&Frame, usize)>,
    ) -> Result<Value> {
        let symbols = self.symbols();
        let target = self.target();
        let ty = match &at.item.ty {
            Some(ty) => symbols.resolve(ty),
            None => dwarf::void(),
        };
        let size = symbols.size_of(&ty);
        if let Some(constant) = &at.item.constant {
            let number = constant
                .sdata_value()
                .or(constant.udata_value().map(|n| n as i64));
            if let Some(n) = number {
                return Ok(Value::new(
                    ty,
                    target.integer(n as u64, size.min(8) as usize),
                    Location::None,
                ));
            }
        }
        let told = at.item.location.as_ref();
        let own_offset = match frame {
            None => at.module.thread_local(&at.item.name),
            Some(_) => None,
        };
        if told.is_none() && own_offset.is_none() {
            return Ok(Value::lost(ty));
        }
        let empty = Frame {
            pc: 0,
            cfa: None,
            registers: vec![None; target.registers.len()],
            interrupted: true,
            inlined: None,
            call: None,
        };
        let (frame, depth) = frame.unwrap_or((&empty, 0));
        let base = self
            .frame_function(frame)
            .and_then(|f| self.frame_base(frame, &f));
        let tid = self.tid().ok();
        let mut requests = FrameRequests {
            inf: &mut *self.inf,
            target: target.clone(),
            frame,
            base,
            eh: false,
            tid,
            error: None,
        };
        let pc = at.module.to_file(frame.lookup_pc());
        let place = match (told, own_offset) {
            (Some(location), _) => {
                dwarf::locate(&at.module, at.item.unit, location, pc, &mut requests)
            }
            (None, Some(offset)) => requests.thread_local(&at.module, offset).map(Place::Memory),
            (None, None) => None,
        };
        let Some(place) = place else {
            if let Some(why) = requests.error {
                return Err(why);
            }
            return fail(format!("cannot tell where \"{}\" is", at.item.name));
        };
        self.at_place(ty, size, place, frame, depth)
    }

    fn at_place(
        &mut self,
        ty: Ty,
        size: u64,
        place: Place,
        frame: &Frame,
        depth: usize,
    ) -> Result<Value> {
        let target = self.target();
        Ok(match place {
            Place::Memory(addr) => return self.value_at(ty, addr),
            Place::Value(n) => {
                Value::new(ty, target.integer(n, size.min(8) as usize), Location::None)
            }
            Place::Bytes(mut bytes) => {
                bytes.resize(size.min(MAX_VALUE) as usize, 0);
                Value::new(ty, bytes, Location::None)
            }
            Place::OptimisedOut => Value::lost(ty),
            Place::Register(dwarf) => {
                let Some(number) = by_dwarf(&target, dwarf, false) else {
                    return Ok(Value::lost(ty));
                };
                let whole = self.register_part(number, size, frame, depth);
                match whole {
                    Some(bytes) => Value::new(ty, bytes, Location::Register(number, depth)),
                    None => Value::lost(ty),
                }
            }
            Place::Pieces(pieces) => {
                let mut bytes = Vec::new();
                for piece in pieces {
                    let rest = size.saturating_sub(bytes.len() as u64).min(MAX_VALUE);
                    let n = piece.size.unwrap_or(rest).min(rest);
                    let inner = self.at_place(
                        dwarf::array(dwarf::int("char", 1, false), n),
                        n,
                        piece.place,
                        frame,
                        depth,
                    )?;
                    if inner.lost {
                        return Ok(Value::lost(ty));
                    }
                    bytes.extend(inner.bytes);
                }
                bytes.resize(size.min(MAX_VALUE) as usize, 0);
                Value::new(ty, bytes, Location::None)
            }
        })
    }

    /// `size` bytes of a register: its low ones, in the target's order; of what is larger, the registers that follow as well.
    fn register_part(
        &mut self,
        number: usize,
        size: u64,
        frame: &Frame,
        depth: usize,
    ) -> Option<Vec<u8>> {
        let target = self.target();
        let mut bytes = Vec::new();
        let mut n = number;
        while (bytes.len() as u64) < size {
            let info = target.registers.get(n)?;
            let one = if info.size() > 8 || depth == 0 {
                let tid = self.tid().ok()?;
                self.register_bytes(tid, n).ok()?
            } else {
                target.integer(frame.registers[n]?, info.size())
            };
            let rest = (size as usize) - bytes.len();
            if one.len() > rest {
                match target.endian {
                    Endian::Little => bytes.extend(&one[..rest]),
                    Endian::Big => bytes.extend(&one[one.len() - rest..]),
                }
            } else {
                bytes.extend(one);
            }
            n += 1;
        }
        Some(bytes)
    }

    /// The variables of the selected frame's function: arguments, then locals, outer blocks first.
    ///
    /// # Errors
    /// There is no frame, or nothing is known of its function.
    pub fn frame_variables(&mut self, frame: &Frame) -> Result<Vec<At<Variable>>> {
        let Some(at) = self.frame_function(frame) else {
            return fail("No symbol table info available.");
        };
        let found = at.module.locals(&at.item, frame.lookup_pc());
        Ok(found
            .into_iter()
            .map(|item| At {
                module: at.module.clone(),
                index: at.index,
                item,
            })
            .collect())
    }

    /// Stores a value.
    ///
    /// # Errors
    /// It is not in memory or in a register.
    pub fn store(&mut self, to: &Value, bytes: &[u8]) -> Result<()> {
        match &to.location {
            Location::Memory(addr) => {
                self.inf.write_memory(*addr, bytes)?;
            }
            Location::Register(number, depth) => {
                if self.real_depth(*depth)? > 0 {
                    return fail("registers of outer frames cannot be set; use 'frame 0'");
                }
                let tid = self.tid()?;
                let target = self.target();
                let mut whole = self.register_bytes(tid, *number)?;
                let n = bytes.len().min(whole.len());
                match target.endian {
                    Endian::Little => whole[..n].copy_from_slice(&bytes[..n]),
                    Endian::Big => {
                        let start = whole.len() - n;
                        whole[start..].copy_from_slice(&bytes[bytes.len() - n..]);
                    }
                }
                self.inf.write_register(tid, *number, &whole)?;
            }
            Location::Variable(_) | Location::None => {
                return fail("the left side of an assignment is not in memory or in a register");
            }
        }
        self.s.forget_frames();
        Ok(())
    }
}
