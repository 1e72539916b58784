//! Scalar IEEE 754 operations on the host's SSE unit, with the rounding mode and the raised exceptions as values.
//!
//! Rust has no access to rounding modes and exception flags; here each operation runs in one `asm!` block that loads MXCSR,
//! operates, and restores it, so that the compiler's own floating point is never affected.

use std::arch::asm;

/// MXCSR with all exceptions masked, no flag set, no flushing; rounding goes to bits 14:13.
const MXCSR_MASKED: u32 = 0x1f80;

/// MXCSR rounding control for to nearest even, up, down, to zero (the order of IEEE modes used by the IR).
const ROUNDING: [u32; 4] = [0, 2 << 13, 1 << 13, 3 << 13];

/// The result of an operation: bits, and IEEE exceptions (1 invalid, 2 division by zero, 4 overflow, 8 underflow with tininess
/// detected after rounding, 16 inexact).
pub type Result = (u64, u32);

/// Exceptions from MXCSR's flag bits; the denormal-operand flag is x86's own and dropped.
fn exceptions(mxcsr: u32) -> u32 {
    (mxcsr & 1) | (mxcsr >> 1 & 0x1e)
}

macro_rules! scalar {
    ($(#[$doc:meta])* $name:ident, $single:literal, $double:literal) => {
        $(#[$doc])*
        /// `double`: operands are binary64 (else binary32 in the low half). `round`: 0 nearest even, 1 up, 2 down, 3 zero.
        pub fn $name(double: bool, a: u64, b: u64, c: u64, round: u8) -> Result {
            let mut csr = MXCSR_MASKED | ROUNDING[round as usize & 3];
            let mut saved = 0u32;
            let mut x = f64::from_bits(a);
            let (y, z) = (f64::from_bits(b), f64::from_bits(c));
            macro_rules! run {
                ($insn:literal) => {
                    // SAFETY: works on registers and two stack slots of this function; MXCSR is restored before the block ends.
                    unsafe {
                        asm!(
                            "stmxcsr [{saved}]", "ldmxcsr [{csr}]", $insn, "stmxcsr [{csr}]", "ldmxcsr [{saved}]",
                            saved = in(reg) &mut saved, csr = in(reg) &mut csr,
                            x = inout(xmm_reg) x, y = in(xmm_reg) y, z = in(xmm_reg) z,
                            options(nostack, preserves_flags),
                        )
                    }
                };
            }
            if double {
                run!($double);
                (x.to_bits(), exceptions(csr))
            } else {
                run!($single);
                (x.to_bits() & 0xffff_ffff, exceptions(csr))
            }
        }
    };
}

scalar!(
    /// `a + b`
    add, "addss {x}, {y} /* {z} */", "addsd {x}, {y} /* {z} */"
);
scalar!(
    /// `a - b`
    sub, "subss {x}, {y} /* {z} */", "subsd {x}, {y} /* {z} */"
);
scalar!(
    /// `a * b`
    mul, "mulss {x}, {y} /* {z} */", "mulsd {x}, {y} /* {z} */"
);
scalar!(
    /// `a / b`
    div, "divss {x}, {y} /* {z} */", "divsd {x}, {y} /* {z} */"
);
scalar!(
    /// The square root of `a`.
    sqrt, "sqrtss {x}, {x} /* {y} {z} */", "sqrtsd {x}, {x} /* {y} {z} */"
);
scalar!(
    /// `a * b + c`, rounded once. Needs FMA3.
    mul_add, "vfmadd213ss {x}, {y}, {z}", "vfmadd213sd {x}, {y}, {z}"
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rounding_and_flags() {
        let third = |r| div(true, 1f64.to_bits(), 3f64.to_bits(), 0, r);
        assert_eq!(third(0), ((1f64 / 3.0).to_bits(), 16));
        assert_eq!(third(1).0, third(0).0 + 1);
        assert_eq!(third(2).0, third(0).0);
        assert_eq!(
            div(false, 1f32.to_bits().into(), 0, 0, 0),
            (f32::INFINITY.to_bits().into(), 2)
        );
        assert_eq!(sqrt(true, 4f64.to_bits(), 0, 0, 0), (2f64.to_bits(), 0));
        assert_eq!(
            mul_add(true, 3f64.to_bits(), 5f64.to_bits(), 7f64.to_bits(), 0),
            (22f64.to_bits(), 0)
        );
        assert_eq!(sqrt(true, (-4f64).to_bits(), 0, 0, 0).1, 1);
        assert_eq!(1.0f64 / 3.0 + std::hint::black_box(0.0), 1.0 / 3.0);
    }
}
