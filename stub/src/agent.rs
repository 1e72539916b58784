//! Breakpoint conditions in gdb's agent bytecode (gdb manual, appendix "The GDB Agent Expression Mechanism"). The debugger sends
//! them with `Z0`; an inferior evaluates them where the breakpoint is hit, without a round trip.

use std::fmt;

use crate::inferior::Endian;
use serde::{Deserialize, Serialize};

/// A condition as the debugger sent it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentExpr(pub Vec<u8>);

/// Where a condition gets its values from: the thread that has hit the breakpoint.
pub trait AgentContext {
    /// Value of a register by its number, as far as 64 bits hold it; `None` if it cannot be read.
    fn register(&mut self, number: usize) -> Option<u64>;

    /// Reads guest memory; says whether all of it could be.
    fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> bool;

    /// Byte order of values in memory.
    fn endian(&self) -> Endian;
}

/// Why a condition has no value. The breakpoint then counts as hit: better one stop too many than one too few.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AgentError {
    /// The bytecode ends in the middle of an operation, or jumps outside.
    Truncated,
    /// This operation is not supported (floating point, tracing) or not defined.
    Operation(u8),
    /// An operation found too little on the stack, or the stack grew past its limit.
    Stack,
    /// Division by zero.
    DivideByZero,
    /// This register cannot be read.
    Register(usize),
    /// This memory cannot be read.
    Memory(u64),
    /// It has run for too long: an endless loop.
    Endless,
}

impl fmt::Display for AgentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AgentError::Truncated => f.write_str("the condition's bytecode is incomplete"),
            AgentError::Operation(op) => write!(f, "operation {op:#04x} is not supported"),
            AgentError::Stack => f.write_str("the condition's stack is too small or too large"),
            AgentError::DivideByZero => f.write_str("division by zero"),
            AgentError::Register(n) => write!(f, "register {n} cannot be read"),
            AgentError::Memory(addr) => write!(f, "memory at {addr:#x} cannot be read"),
            AgentError::Endless => f.write_str("the condition does not end"),
        }
    }
}

impl std::error::Error for AgentError {}

/// Most values on the stack; gdb's own agent has about as many.
const STACK: usize = 100;

/// Most operations before the evaluation is given up: conditions have no loops of their own, `goto` serves `&&` and `||`.
const FUEL: usize = 10_000;

struct Stack {
    values: [u64; STACK],
    len: usize,
}

impl Stack {
    fn push(&mut self, value: u64) -> Result<(), AgentError> {
        *self.values.get_mut(self.len).ok_or(AgentError::Stack)? = value;
        self.len += 1;
        Ok(())
    }

    fn pop(&mut self) -> Result<u64, AgentError> {
        self.len = self.len.checked_sub(1).ok_or(AgentError::Stack)?;
        Ok(self.values[self.len])
    }

    /// The value `depth` below the top.
    fn peek(&self, depth: usize) -> Result<u64, AgentError> {
        let at = self.len.checked_sub(depth + 1).ok_or(AgentError::Stack)?;
        Ok(self.values[at])
    }

    fn unary(&mut self, op: impl Fn(u64) -> u64) -> Result<(), AgentError> {
        let a = self.pop()?;
        self.push(op(a))
    }

    fn binary(&mut self, op: impl Fn(u64, u64) -> Option<u64>) -> Result<(), AgentError> {
        let (b, a) = (self.pop()?, self.pop()?);
        self.push(op(a, b).ok_or(AgentError::DivideByZero)?)
    }
}

fn shift(by: u64) -> u32 {
    u32::try_from(by).unwrap_or(u32::MAX)
}

/// The low `bits` bits, with or without their sign; all of them for 64 and more.
fn extend(value: u64, bits: u8, signed: bool) -> u64 {
    match bits {
        0 => 0,
        64.. => value,
        _ => {
            let up = 64 - bits;
            let top = value << up;
            if signed {
                (top as i64 >> up) as u64
            } else {
                top >> up
            }
        }
    }
}

impl AgentExpr {
    /// Evaluates the condition: the value on top of the stack at its end.
    pub fn evaluate(&self, context: &mut dyn AgentContext) -> Result<u64, AgentError> {
        let mut stack = Stack {
            values: [0; STACK],
            len: 0,
        };
        let mut pc = 0;
        // The next `N` bytes as a big-endian number, whatever the target's byte order is.
        fn operand<const N: usize>(code: &[u8], pc: &mut usize) -> Result<u64, AgentError> {
            let bytes = code.get(*pc..*pc + N).ok_or(AgentError::Truncated)?;
            *pc += N;
            Ok(bytes.iter().fold(0, |n, b| n << 8 | u64::from(*b)))
        }
        let code = &self.0[..];
        for _ in 0..FUEL {
            let op = *code.get(pc).ok_or(AgentError::Truncated)?;
            pc += 1;
            match op {
                0x02 => stack.binary(|a, b| Some(a.wrapping_add(b)))?,
                0x03 => stack.binary(|a, b| Some(a.wrapping_sub(b)))?,
                0x04 => stack.binary(|a, b| Some(a.wrapping_mul(b)))?,
                0x05 => stack
                    .binary(|a, b| (b != 0).then(|| (a as i64).wrapping_div(b as i64) as u64))?,
                0x06 => stack.binary(|a, b| a.checked_div(b))?,
                0x07 => stack
                    .binary(|a, b| (b != 0).then(|| (a as i64).wrapping_rem(b as i64) as u64))?,
                0x08 => stack.binary(|a, b| a.checked_rem(b))?,
                0x09 => stack.binary(|a, b| Some(a.checked_shl(shift(b)).unwrap_or(0)))?,
                0x0a => stack.binary(|a, b| Some((a as i64 >> b.min(63)) as u64))?,
                0x0b => stack.binary(|a, b| Some(a.checked_shr(shift(b)).unwrap_or(0)))?,
                0x0e => stack.unary(|a| u64::from(a == 0))?,
                0x0f => stack.binary(|a, b| Some(a & b))?,
                0x10 => stack.binary(|a, b| Some(a | b))?,
                0x11 => stack.binary(|a, b| Some(a ^ b))?,
                0x12 => stack.unary(|a| !a)?,
                0x13 => stack.binary(|a, b| Some(u64::from(a == b)))?,
                0x14 => stack.binary(|a, b| Some(u64::from((a as i64) < (b as i64))))?,
                0x15 => stack.binary(|a, b| Some(u64::from(a < b)))?,
                0x16 | 0x2a => {
                    let bits = operand::<1>(code, &mut pc)? as u8;
                    stack.unary(|a| extend(a, bits, op == 0x16))?;
                }
                0x17..=0x1a => {
                    let addr = stack.pop()?;
                    let mut bytes = [0; 8];
                    let size = 1 << (op - 0x17);
                    if !context.read_memory(addr, &mut bytes[..size]) {
                        return Err(AgentError::Memory(addr));
                    }
                    stack.push(match context.endian() {
                        Endian::Little => u64::from_le_bytes(bytes),
                        Endian::Big => u64::from_be_bytes(bytes) >> (64 - 8 * size),
                    })?;
                }
                0x20 => {
                    let target = operand::<2>(code, &mut pc)?;
                    if stack.pop()? != 0 {
                        pc = target as usize;
                    }
                }
                0x21 => pc = operand::<2>(code, &mut pc)? as usize,
                0x22 => stack.push(operand::<1>(code, &mut pc)?)?,
                0x23 => stack.push(operand::<2>(code, &mut pc)?)?,
                0x24 => stack.push(operand::<4>(code, &mut pc)?)?,
                0x25 => stack.push(operand::<8>(code, &mut pc)?)?,
                0x26 => {
                    let number = operand::<2>(code, &mut pc)? as usize;
                    let value = context.register(number);
                    stack.push(value.ok_or(AgentError::Register(number))?)?;
                }
                0x27 => return stack.pop(),
                0x28 => stack.push(stack.peek(0)?)?,
                0x29 => {
                    stack.pop()?;
                }
                0x2b => {
                    let (b, a) = (stack.pop()?, stack.pop()?);
                    stack.push(b)?;
                    stack.push(a)?;
                }
                0x32 => {
                    let depth = operand::<1>(code, &mut pc)?;
                    stack.push(stack.peek(depth as usize)?)?;
                }
                0x33 => {
                    // a b c => c a b
                    let (c, b, a) = (stack.pop()?, stack.pop()?, stack.pop()?);
                    for value in [c, a, b] {
                        stack.push(value)?;
                    }
                }
                _ => return Err(AgentError::Operation(op)),
            }
        }
        Err(AgentError::Endless)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Context(Endian);

    impl AgentContext for Context {
        fn register(&mut self, number: usize) -> Option<u64> {
            (number < 4).then_some(number as u64 * 100)
        }

        fn read_memory(&mut self, addr: u64, buf: &mut [u8]) -> bool {
            for (i, b) in buf.iter_mut().enumerate() {
                *b = (addr as u8).wrapping_add(i as u8) | 0x80;
            }
            addr < 0x1000
        }

        fn endian(&self) -> Endian {
            self.0
        }
    }

    fn run(code: &[u8]) -> Result<u64, AgentError> {
        AgentExpr(code.to_vec()).evaluate(&mut Context(Endian::Little))
    }

    #[test]
    fn arithmetic_and_comparison() {
        // $r2 + 5 == 205
        assert_eq!(
            run(&[0x26, 0, 2, 0x22, 5, 0x02, 0x22, 205, 0x13, 0x27]),
            Ok(1)
        );
        // -7 / 2 and -7 % 2, signed and unsigned
        let minus7 = [0x22, 0xf9, 0x16, 8];
        let with = |tail: &[u8]| run(&[&minus7[..], &[0x22, 2], tail, &[0x27]].concat());
        assert_eq!(with(&[0x05]), Ok(-3i64 as u64));
        assert_eq!(with(&[0x06]), Ok((-7i64 as u64) / 2));
        assert_eq!(with(&[0x07]), Ok(-1i64 as u64));
        assert_eq!(with(&[0x0a]), Ok(-2i64 as u64));
        assert_eq!(with(&[0x0b]), Ok((-7i64 as u64) >> 2));
        assert_eq!(with(&[0x14]), Ok(1));
        assert_eq!(with(&[0x15]), Ok(0));
        assert_eq!(
            run(&[0x22, 1, 0x22, 0, 0x05, 0x27]),
            Err(AgentError::DivideByZero)
        );
        // Shifts past the width.
        assert_eq!(run(&[0x22, 1, 0x22, 64, 0x09, 0x27]), Ok(0));
        assert_eq!(
            run(&[0x22, 0x80, 0x16, 8, 0x22, 200, 0x0a, 0x27]),
            Ok(u64::MAX)
        );
        // i64::MIN / -1 does not trap.
        let min = [
            0x25, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x22, 0xff, 0x16, 8, 0x05, 0x27,
        ];
        assert_eq!(run(&min), Ok(1 << 63));
    }

    #[test]
    fn memory_in_either_order() {
        let code = AgentExpr(vec![0x22, 4, 0x18, 0x27]);
        assert_eq!(code.evaluate(&mut Context(Endian::Little)), Ok(0x8584));
        assert_eq!(code.evaluate(&mut Context(Endian::Big)), Ok(0x8485));
        assert_eq!(
            run(&[0x23, 0x10, 0, 0x17, 0x27]),
            Err(AgentError::Memory(0x1000))
        );
        assert_eq!(run(&[0x26, 0, 9, 0x27]), Err(AgentError::Register(9)));
        assert_eq!(run(&[0x22, 0xff, 0x16, 4, 0x27]), Ok(u64::MAX));
        assert_eq!(run(&[0x22, 0xff, 0x2a, 4, 0x27]), Ok(15));
    }

    #[test]
    fn jumps_and_the_stack() {
        // 1 ? 7 : 9, as gdb compiles it
        let code = [0x22, 1, 0x20, 0, 10, 0x22, 9, 0x21, 0, 12, 0x22, 7, 0x27];
        assert_eq!(run(&code), Ok(7));
        assert_eq!(run(&[0x22, 1, 0x22, 2, 0x2b, 0x03, 0x27]), Ok(1));
        assert_eq!(
            run(&[0x22, 1, 0x22, 2, 0x22, 3, 0x33, 0x29, 0x29, 0x27]),
            Ok(3)
        );
        assert_eq!(run(&[0x22, 1, 0x22, 2, 0x32, 1, 0x27]), Ok(1));
        assert_eq!(run(&[0x21, 0, 0]), Err(AgentError::Endless));
        assert_eq!(run(&[0x22, 1, 0x21, 0, 0]), Err(AgentError::Stack));
        assert_eq!(run(&[0x27]), Err(AgentError::Stack));
        assert_eq!(run(&[0x22]), Err(AgentError::Truncated));
        assert_eq!(run(&[0x21, 0xff, 0xff]), Err(AgentError::Truncated));
        assert_eq!(run(&[0x01]), Err(AgentError::Operation(1)));
    }

    #[test]
    fn random_code_ends() {
        let mut rng = fastrand::Rng::with_seed(7);
        for _ in 0..20_000 {
            let code: Vec<u8> = (0..rng.usize(..40)).map(|_| rng.u8(..0x36)).collect();
            // Any result is fine; none may panic or hang.
            let _ = run(&code);
        }
    }
}
