//! Where a variable is: DWARF expressions and location lists.

use super::{Bytes, Module};
use gimli::{AttributeValue, Encoding, EvaluationResult, Expression, Location, Reader, Value};

/// Operations that one expression may take.
const MAX_OPERATIONS: u32 = 10_000;
/// Entries of a location list that are looked at.
const MAX_LIST: usize = 100_000;

/// What an expression asks for. DWARF numbers of registers are those of the debugging information.
pub trait Requests {
    /// The register of that DWARF number in the frame.
    fn register(&mut self, dwarf: u16) -> Option<u64>;
    /// An integer of `size` bytes from memory.
    fn memory(&mut self, addr: u64, size: u8) -> Option<u64>;
    /// The frame's address.
    fn cfa(&mut self) -> Option<u64>;
    /// The address that the function's variables are counted from.
    fn frame_base(&mut self) -> Option<u64>;
    /// The address of what the thread has of the module's thread-local variables, at this offset.
    fn thread_local(&mut self, module: &Module, offset: u64) -> Option<u64>;
}

/// Where a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// At this address of memory (as the guest sees it).
    Memory(u64),
    /// In the register of this DWARF number.
    Register(u16),
    /// Nowhere but here.
    Value(u64),
    /// Nowhere but here, these bytes.
    Bytes(Vec<u8>),
    /// In several places.
    Pieces(Vec<Piece>),
    /// Nowhere.
    OptimisedOut,
}

/// A part of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Its size in bytes; `None` for all.
    pub size: Option<u64>,
    /// Where it is.
    pub place: Place,
}

/// Where a variable is that has this location attribute, for code at `pc` (an address of the file).
pub fn locate(
    module: &Module,
    unit: usize,
    location: &AttributeValue<Bytes>,
    pc: u64,
    requests: &mut dyn Requests,
) -> Option<Place> {
    let unit = module.units.get(unit)?;
    let expression = match location {
        AttributeValue::Exprloc(e) => e.clone(),
        other => {
            let mut list = module.dwarf.attr_locations(unit, other.clone()).ok()??;
            let mut found = None;
            for _ in 0..MAX_LIST {
                match list.next() {
                    Ok(Some(entry)) if (entry.range.begin..entry.range.end).contains(&pc) => {
                        found = Some(entry.data);
                        break;
                    }
                    Ok(Some(_)) => {}
                    _ => break,
                }
            }
            match found {
                Some(e) => e,
                None => return Some(Place::OptimisedOut),
            }
        }
    };
    if expression.0.is_empty() {
        return Some(Place::OptimisedOut);
    }
    evaluate(
        module,
        Some(unit),
        expression,
        unit.encoding(),
        None,
        requests,
    )
}

/// Evaluates an expression; `initial` is on its stack at first.
pub fn evaluate(
    module: &Module,
    unit: Option<&gimli::Unit<Bytes>>,
    expression: Expression<Bytes>,
    encoding: Encoding,
    initial: Option<u64>,
    requests: &mut dyn Requests,
) -> Option<Place> {
    let mut evaluation = expression.evaluation(encoding);
    evaluation.set_max_iterations(MAX_OPERATIONS);
    if let Some(value) = initial {
        evaluation.set_initial_value(value);
    }
    let mut state = evaluation.evaluate().ok()?;
    // Each request is an operation, but a hostile expression must not depend on gimli's count alone.
    for _ in 0..MAX_OPERATIONS {
        let next = match state {
            EvaluationResult::Complete => {
                return place(module, evaluation.result());
            }
            EvaluationResult::RequiresMemory { address, size, .. } => {
                evaluation.resume_with_memory(Value::Generic(requests.memory(address, size)?))
            }
            EvaluationResult::RequiresRegister { register, .. } => {
                evaluation.resume_with_register(Value::Generic(requests.register(register.0)?))
            }
            EvaluationResult::RequiresFrameBase => {
                evaluation.resume_with_frame_base(requests.frame_base()?)
            }
            EvaluationResult::RequiresCallFrameCfa => {
                evaluation.resume_with_call_frame_cfa(requests.cfa()?)
            }
            EvaluationResult::RequiresRelocatedAddress(addr) => {
                evaluation.resume_with_relocated_address(module.to_memory(addr))
            }
            EvaluationResult::RequiresIndexedAddress { index, relocate } => {
                let addr = module.dwarf.address(unit?, index).ok()?;
                let addr = if relocate {
                    module.to_memory(addr)
                } else {
                    addr
                };
                evaluation.resume_with_indexed_address(addr)
            }
            EvaluationResult::RequiresTls(offset) => {
                evaluation.resume_with_tls(requests.thread_local(module, offset)?)
            }
            EvaluationResult::RequiresEntryValue(_) => return Some(Place::OptimisedOut),
            // Typed stacks: not told, rather than told wrong.
            _ => return None,
        };
        state = next.ok()?;
    }
    None
}

fn place(_module: &Module, pieces: Vec<gimli::Piece<Bytes>>) -> Option<Place> {
    let one = |location: &Location<Bytes>| {
        Some(match location {
            Location::Empty => Place::OptimisedOut,
            Location::Register { register } => Place::Register(register.0),
            Location::Address { address } => Place::Memory(*address),
            Location::Value { value } => Place::Value(value.to_u64(u64::MAX).ok()?),
            Location::Bytes { value } => Place::Bytes(value.to_slice().ok()?.into_owned()),
            _ => Place::OptimisedOut,
        })
    };
    if let [piece] = pieces.as_slice()
        && piece.size_in_bits.is_none()
    {
        return one(&piece.location);
    }
    if pieces.is_empty() {
        return Some(Place::OptimisedOut);
    }
    let parts = pieces.iter().take(64).map(|p| {
        Some(Piece {
            size: p.size_in_bits.map(|b| b / 8),
            place: one(&p.location)?,
        })
    });
    parts.collect::<Option<Vec<_>>>().map(Place::Pieces)
}
