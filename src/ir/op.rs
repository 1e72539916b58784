//! The operations of the IR: one table.

/// A value: the index of the op that computes it.
pub type Val = u16;

/// The type of a value, or the operand width of an op without a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ty {
    /// No value.
    None,
    /// 32-bit integer.
    I32,
    /// 64-bit integer.
    I64,
    /// Vector of which only the low 64 bits are defined.
    V64,
    /// Vector of 128 bits.
    V128,
}

impl Ty {
    /// Whether values of the type live in vector registers.
    #[inline(always)]
    pub const fn is_vector(self) -> bool {
        self as u8 >= Ty::V64 as u8
    }

    /// Size in bytes.
    #[inline(always)]
    pub const fn size(self) -> usize {
        [0, 4, 8, 8, 16][self as usize]
    }
}

/// Conditions on the flags, numbered as Arm's condition field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)] // The names are Arm's: equal, not equal, carry set, ... (Arm ARM C1.2.4).
pub enum Cond {
    Eq,
    Ne,
    Cs,
    Cc,
    Mi,
    Pl,
    Vs,
    Vc,
    Hi,
    Ls,
    Ge,
    Lt,
    Gt,
    Le,
    Al,
    Nv,
}

impl Cond {
    /// The condition with Arm's number `n` (low four bits).
    pub fn from_bits(n: u32) -> Cond {
        use Cond::*;
        [
            Eq, Ne, Cs, Cc, Mi, Pl, Vs, Vc, Hi, Ls, Ge, Lt, Gt, Le, Al, Nv,
        ][(n & 15) as usize]
    }

    /// The opposite condition. `Al` and `Nv` both mean "always" and have none.
    pub fn invert(self) -> Cond {
        Cond::from_bits(self as u32 ^ 1)
    }

    /// Whether the condition holds for NZCV in bits 31:28.
    pub fn holds(self, nzcv: u32) -> bool {
        let (n, z, c, v) = (
            nzcv >> 31 & 1 != 0,
            nzcv >> 30 & 1 != 0,
            nzcv >> 29 & 1 != 0,
            nzcv >> 28 & 1 != 0,
        );
        match self {
            Cond::Eq => z,
            Cond::Ne => !z,
            Cond::Cs => c,
            Cond::Cc => !c,
            Cond::Mi => n,
            Cond::Pl => !n,
            Cond::Vs => v,
            Cond::Vc => !v,
            Cond::Hi => c && !z,
            Cond::Ls => !c || z,
            Cond::Ge => n == v,
            Cond::Lt => n != v,
            Cond::Gt => !z && n == v,
            Cond::Le => z || n != v,
            Cond::Al | Cond::Nv => true,
        }
    }
}

/// Integer comparisons.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum Cmp {
    Eq,
    Ne,
    LtU,
    LeU,
    LtS,
    LeS,
    GtU,
    GeU,
    GtS,
    GeS,
}

impl Cmp {
    /// The opposite comparison.
    pub fn invert(self) -> Cmp {
        use Cmp::*;
        match self {
            Eq => Ne,
            Ne => Eq,
            LtU => GeU,
            LeU => GtU,
            LtS => GeS,
            LeS => GtS,
            GtU => LeU,
            GeU => LtU,
            GtS => LeS,
            GeS => LtS,
        }
    }

    /// The comparison with that number.
    pub fn from_u16(n: u16) -> Cmp {
        use Cmp::*;
        [Eq, Ne, LtU, LeU, LtS, LeS, GtU, GeU, GtS, GeS][n as usize]
    }
}

/// Floating-point comparisons: each is false for an unordered pair unless it says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
#[allow(missing_docs)]
pub enum FCond {
    Unordered,
    Eq,
    UnorderedOrEq,
    Lt,
    UnorderedOrLt,
    Le,
    UnorderedOrLe,
}

impl FCond {
    /// The comparison with that number.
    pub fn from_u16(n: u16) -> FCond {
        use FCond::*;
        [
            Unordered,
            Eq,
            UnorderedOrEq,
            Lt,
            UnorderedOrLt,
            Le,
            UnorderedOrLe,
        ][n as usize]
    }
}

/// Rounding of a floating-point operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum FpRound {
    /// To nearest, ties to even.
    NearestEven,
    /// Towards +infinity.
    Up,
    /// Towards -infinity.
    Down,
    /// Towards zero.
    Zero,
    /// To nearest, ties away from zero.
    NearestAway,
    /// As [`super::CpuState::fp_round`] says.
    Dynamic,
}

impl FpRound {
    /// The rounding with that number.
    pub fn from_u8(n: u8) -> FpRound {
        use FpRound::*;
        [NearestEven, Up, Down, Zero, NearestAway, Dynamic][n as usize]
    }
}

/// Read-modify-write operations on memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum AtomicOp {
    /// `old + v`
    Add,
    /// `old & v`
    And,
    /// `old & !v` (Arm LDCLR)
    AndNot,
    /// `old | v`
    Or,
    /// `old ^ v`
    Xor,
    /// Signed maximum.
    MaxS,
    /// Signed minimum.
    MinS,
    /// Unsigned maximum.
    MaxU,
    /// Unsigned minimum.
    MinU,
    /// `v`
    Swap,
}

impl AtomicOp {
    /// The operation with that number.
    pub fn from_u16(n: u16) -> AtomicOp {
        use AtomicOp::*;
        [Add, And, AndNot, Or, Xor, MaxS, MinS, MaxU, MinU, Swap][n as usize]
    }
}

/// How a load or store accesses memory; packed into [`Op::aux`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct MemArg {
    /// Log2 of the size in bytes: 0 to 4.
    pub size: u8,
    /// Sign-extend a load to the value's type (else zero-extend).
    pub signed: bool,
    /// Big-endian data (each scalar; not for 16 bytes).
    pub big: bool,
    /// Left shift of the index: 0 to 3 (4 for 16-byte accesses is the front end's own shift).
    pub scale: u8,
}

impl MemArg {
    /// As stored in an op.
    pub fn pack(self) -> u16 {
        u16::from(self.size)
            | u16::from(self.signed) << 3
            | u16::from(self.big) << 4
            | u16::from(self.scale) << 5
    }

    /// From an op.
    pub fn unpack(n: u16) -> MemArg {
        MemArg {
            size: (n & 7) as u8,
            signed: n >> 3 & 1 != 0,
            big: n >> 4 & 1 != 0,
            scale: (n >> 5 & 3) as u8,
        }
    }
}

/// One operation. Which fields mean what is in the table of [`OpCode`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Op {
    /// What it does.
    pub code: OpCode,
    /// Type of its value, or width of its operands when it has none (`SetReg`, `Store`, `ExitIfCmp` ...).
    pub ty: Ty,
    /// Small argument: slot, condition, lane size, packed [`MemArg`].
    pub aux: u16,
    /// First operand.
    pub a: Val,
    /// Second operand.
    pub b: Val,
    /// Third operand.
    pub c: Val,
    /// Second small argument.
    pub aux2: u16,
    /// Large argument: constant, displacement, guest PC.
    pub imm: i64,
}

/// Marks an absent operand.
pub const NONE: Val = Val::MAX;

/// What the optimiser may assume of an op.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// No effect but its value: may be dropped when unused.
    Pure,
    /// As `Pure`, but reads the flags.
    ReadsFlags,
    /// Writes the flags (its value, if any, may be unused).
    WritesFlags,
    /// Reads and writes the flags.
    ReadsWritesFlags,
    /// May raise IEEE exceptions (accumulated, so order is free); kept even when the value is unused.
    Fp,
    /// Reads a guest register.
    GetReg,
    /// Writes a guest register.
    SetReg,
    /// May fault, or changes memory or the monitor; ordered.
    Memory,
    /// May call out and change state; ordered.
    State,
    /// May leave the block, otherwise goes on.
    SideExit,
    /// Ends the block.
    Terminal,
    /// Marks the start of a guest instruction.
    Mark,
}

macro_rules! ops {
    ($($(#[$doc:meta])* $name:ident $effect:ident,)*) => {
        /// The operations. `a`, `b`, `c` are operands; `s` is [`Op::aux`], `s2` is [`Op::aux2`], `imm` is [`Op::imm`].
        ///
        /// Integer ops work on the op's type (`I32`, `I64`). Vector ops take log2 of the lane size in bytes in `s` (0 to 3) and
        /// always work on all 16 bytes; front ends clear the upper half with `VZext` where the ISA wants it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum OpCode { $($(#[$doc])* $name,)* }

        impl OpCode {
            /// Every op, in the order of the table.
            pub const ALL: &'static [OpCode] = &[$(OpCode::$name,)*];

            /// Its name, for dumps.
            pub fn name(self) -> &'static str {
                match self { $(OpCode::$name => stringify!($name),)* }
            }

            /// What the optimiser may assume of it.
            #[inline(always)]
            pub const fn effect(self) -> Effect {
                const EFFECTS: [Effect; OpCode::ALL.len()] = [$(Effect::$effect,)*];
                EFFECTS[self as usize]
            }
        }
    };
}

ops! {
    /// Start of a guest instruction at `imm`; `s` = its length in bytes. In a branch delay slot `imm` is the branch's address
    /// (the slot restarts from there) and `s2` = 1.
    InsnStart Mark,

    // Constants and registers
    /// Integer constant `imm`.
    Const Pure,
    /// Vector constant `vconsts[imm]`.
    VConst Pure,
    /// Guest register at slot `s`, of the op's type.
    GetReg GetReg,
    /// Guest register at slot `s` := `a`; the op's type gives the width (`V64`: 8 bytes).
    SetReg SetReg,

    // Integers
    /// `a + b`
    Add Pure,
    /// `a - b`
    Sub Pure,
    /// `a + b + C`
    Adc ReadsFlags,
    /// `a - b - !C`
    Sbc ReadsFlags,
    /// Low half of `a * b`
    Mul Pure,
    /// High half of the unsigned product.
    MulHiU Pure,
    /// High half of the signed product.
    MulHiS Pure,
    /// Unsigned quotient; 0 when `b` = 0.
    DivU Pure,
    /// Signed quotient rounded to zero; 0 when `b` = 0, the dividend for MIN / -1.
    DivS Pure,
    /// Unsigned remainder; `a` when `b` = 0.
    RemU Pure,
    /// Signed remainder with the sign of `a`; `a` when `b` = 0, 0 for MIN % -1.
    RemS Pure,
    /// `a & b`
    And Pure,
    /// `a & !b`
    AndNot Pure,
    /// `a | b`
    Or Pure,
    /// `a ^ b`
    Xor Pure,
    /// `!a`
    Not Pure,
    /// `-a`
    Neg Pure,
    /// `a << b`, the amount taken modulo the width.
    Shl Pure,
    /// Logical `a >> b`, the amount taken modulo the width.
    ShrU Pure,
    /// Arithmetic `a >> b`, the amount taken modulo the width.
    ShrS Pure,
    /// Rotate right, the amount taken modulo the width.
    Rotr Pure,
    /// Leading zeros; the width for 0.
    Clz Pure,
    /// Trailing zeros; the width for 0.
    Ctz Pure,
    /// Bits in reverse order.
    Rbit Pure,
    /// Bytes in reverse order.
    Bswap Pure,
    /// Bytes reversed in each 16-bit part.
    Bswap16 Pure,
    /// Bytes reversed in each 32-bit part (`I64` only).
    Bswap32 Pure,
    /// Bits `s2` wide from bit `s`, zero-extended.
    ExtractU Pure,
    /// Bits `s2` wide from bit `s`, sign-extended.
    ExtractS Pure,
    /// `a` with the low `s2` bits of `b` put at bit `s`.
    Insert Pure,
    /// Low half of (`a`:`b`) >> `s` (Arm EXTR).
    Concat Pure,
    /// Low 8 bits sign-extended.
    Sext8 Pure,
    /// Low 16 bits sign-extended.
    Sext16 Pure,
    /// `I32` to `I64`, sign-extended.
    Sext32 Pure,
    /// Low 8 bits zero-extended.
    Zext8 Pure,
    /// Low 16 bits zero-extended.
    Zext16 Pure,
    /// `I32` to `I64`, zero-extended.
    Zext32 Pure,
    /// `I64` to `I32`.
    Trunc Pure,
    /// Comparison `s` ([`Cmp`]) of `a` and `b`, whose type ([`Ty`]) is `s2`; `I32` 0 or 1.
    Compare Pure,
    /// `c` (an `I32`) != 0 ? `a` : `b`; any type.
    Select Pure,
    /// CRC-32 of the low 1 << `s` bytes of `b` into `a` (`I32`); `s2` = 1: Castagnoli. Arm CRC32*, no inversion.
    Crc32 Pure,

    // Flags
    /// `a + b`, sets NZCV.
    AddF WritesFlags,
    /// `a - b`, sets NZCV with C = no borrow.
    SubF WritesFlags,
    /// `a + b + C`, sets NZCV.
    AdcF ReadsWritesFlags,
    /// `a - b - !C`, sets NZCV.
    SbcF ReadsWritesFlags,
    /// `a & b`, sets N and Z, clears C and V.
    AndF WritesFlags,
    /// NZCV := bits 31:28 of `a` (`I32`).
    SetNzcv WritesFlags,
    /// NZCV in bits 31:28, `I32`.
    GetNzcv ReadsFlags,
    /// 1 if condition `s` ([`Cond`]) holds, else 0.
    CondValue ReadsFlags,
    /// Condition `s` holds ? `a` : `b`.
    CondSelect ReadsFlags,
    /// NZCV := condition `s` holds ? flags of `a - b` (`s2` bit 4 clear) or `a + b` (set) : `s2` bits 3:0. The type is the operands'.
    CondCompare ReadsWritesFlags,
    /// NZCV := Arm's result of comparing lane 0 of `a` and `b` of size `s`: less 8, equal 6, greater 2, unordered 3. `s2` = 1:
    /// quiet NaNs raise Invalid too.
    FCmpF WritesFlags,

    // Memory. Address = a + (b << scale) + imm, b may be absent; modulo 2^32 when Block::addr32.
    /// Load; `s` = [`MemArg`].
    Load Memory,
    /// Store `c`; `s` = [`MemArg`]; the type is that of `c`.
    Store Memory,
    /// Full barrier.
    Fence Memory,
    /// Raise [`super::Trap::Alignment`] unless address `a` + `imm` is a multiple of 1 << `s`. `s2` = 1: the access is a store.
    CheckAlign Memory,
    /// Sequentially consistent read-modify-write at `a`: `s` = [`MemArg`], `s2` = [`AtomicOp`], operand `b`; the value is the old
    /// content, extended as MemArg says.
    AtomicRmw Memory,
    /// Sequentially consistent compare and swap at `a`: expected `b`, new `c`, `s` = [`MemArg`] (size 4: `V128` pair); the value is
    /// the old content.
    AtomicCas Memory,
    /// Load-exclusive at `a`, `s` = [`MemArg`] (size 4: `V128` pair): loads and arms the monitor with address and value.
    LoadExcl Memory,
    /// Store-exclusive of `b` at `a`, `s` = [`MemArg`]: stores if the monitor is armed for this address and memory still holds
    /// the value seen; disarms. The value is `I32` 0 for success, 1 for failure.
    StoreExcl Memory,
    /// Disarms the monitor.
    ClearExcl Memory,

    /// Leave for the debugger if an access of `s` = [`MemArg`] and kind `s2` ([`super::Access`]) at the address as for `Load` meets
    /// [`super::Block::watch`]; the PC stays at this instruction. An engine may also leave where the set's bounds are met: the
    /// interpreter decides. Bits 2 and 3 of `s2`: only a part of the word counts (`Builder::check_watch_part`).
    CheckWatch SideExit,

    // Helpers
    /// Calls integer helper `s` of the ISA with `a`, `b`, `c` (each may be absent) and `imm`; value of the op's type, or none.
    Call State,
    /// As `Call`, for a helper with `touches_state` false: dropped when unused.
    CallPure Pure,
    /// Calls vector helper `s` with vectors `a`, `b`, `c` (each may be absent) and `imm`; value `V128`.
    CallVec State,
    /// As `CallVec`, for a helper with `touches_state` false.
    CallVecPure Pure,

    // Scalar floating point on lane 0; `s` = lane size 2 or 3. A V128 result has its other lanes zero.
    /// `a + b`
    FAdd Fp,
    /// `a - b`
    FSub Fp,
    /// `a * b`
    FMul Fp,
    /// `a / b`
    FDiv Fp,
    /// Square root.
    FSqrt Fp,
    /// Arm FMIN: NaN if either is; -0 < +0.
    FMin Fp,
    /// Arm FMAX: NaN if either is; -0 < +0.
    FMax Fp,
    /// IEEE 754-2008 minNum: a quiet NaN loses against a number.
    FMinNum Fp,
    /// IEEE 754-2008 maxNum: a quiet NaN loses against a number.
    FMaxNum Fp,
    /// Fused `a * b + c`; `s2` bit 0 negates the product, bit 1 negates `c` (signs of operands, before rounding).
    FMulAdd Fp,
    /// Sign bit flipped; never raises.
    FNeg Pure,
    /// Sign bit cleared; never raises.
    FAbs Pure,
    /// Conversion from lane size `s` to lane size `s2` (1: half precision, IEEE).
    FCvt Fp,
    /// To an integer of the op's type: `s` = lane size, `s2` = rounding ([`FpRound`]) | signed << 4; out of range saturates and NaN gives
    /// 0 (Arm), or either gives the largest positive (MIPS legacy); Invalid is raised. `imm` = fraction bits of a fixed-point result.
    FToInt Fp,
    /// From the integer `a` (`I32`, `I64`) to lane size `s`; `s2` = signed << 4 | 1 if `a` is `I64`; `imm` = fraction bits of a fixed-point source. Rounds dynamically.
    IntToF Fp,
    /// To an integral value: `s2` = rounding | raise Inexact << 4.
    FRoundInt Fp,
    /// As FCmpF, but the value is NZCV in bits 31:28 (`I32`) and the flags stay.
    FCmpNzcv Fp,
    /// Comparison `s2` low bits ([`FCond`]), bit 4: quiet NaNs raise Invalid; `s` = lane size; `I32` 0 or 1.
    FCompare Fp,
    /// Accumulated IEEE exceptions ([`super::fp_flag`]), `I32`.
    GetFpFlags State,
    /// Accumulated IEEE exceptions := `a`.
    SetFpFlags State,
    /// Rounding mode := `a` ([`FpRound`] 0 to 3); takes effect at once.
    SetFpRound State,

    // Moves between and inside vectors
    /// Integer `a` to lane 0, the rest zero; the width is the type of `a`.
    VFromInt Pure,
    /// Lane `s2` of size `s`, zero-extended to the op's type.
    VToInt Pure,
    /// Lane `s2` of size `s`, sign-extended to the op's type.
    VToIntS Pure,
    /// `a` with lane `s2` of size `s` := low bits of integer `b`.
    VInsertInt Pure,
    /// `a` with lane `s2` & 15 of size `s` := lane `s2` >> 4 of `b`.
    VInsertLane Pure,
    /// Every lane of size `s` := low bits of integer `a`.
    VDupInt Pure,
    /// Every lane of size `s` := lane `s2` of `a`.
    VDupLane Pure,
    /// Bits above the low 1 << `s` bytes cleared (`s` = 0: 8 bits, to 3: 64 bits).
    VZext Pure,

    // Integer vectors
    /// `a + b`
    VAdd Pure,
    /// `a - b`
    VSub Pure,
    /// Low half of each product (8, 16, 32 bits).
    VMul Pure,
    /// `a & b`
    VAnd Pure,
    /// `a & !b`
    VAndNot Pure,
    /// `a | b`
    VOr Pure,
    /// `a | !b`
    VOrNot Pure,
    /// `a ^ b`
    VXor Pure,
    /// `!a`
    VNot Pure,
    /// Bit by bit: `a` ? `b` : `c`
    VSelect Pure,
    /// `-a`
    VNeg Pure,
    /// Absolute value, wrapping.
    VAbs Pure,
    /// All ones where equal.
    VCmpEq Pure,
    /// All ones where `a > b`, signed.
    VCmpGtS Pure,
    /// All ones where `a > b`, unsigned.
    VCmpGtU Pure,
    /// All ones where `a >= b`, signed.
    VCmpGeS Pure,
    /// All ones where `a >= b`, unsigned.
    VCmpGeU Pure,
    /// Signed minimum.
    VMinS Pure,
    /// Unsigned minimum.
    VMinU Pure,
    /// Signed maximum.
    VMaxS Pure,
    /// Unsigned maximum.
    VMaxU Pure,
    /// Each lane << `s2`; 0 when `s2` is the lane's width or more.
    VShlI Pure,
    /// Each lane >> `s2`, logical.
    VShrUI Pure,
    /// Each lane >> `s2`, arithmetic.
    VShrSI Pure,
    /// Signed saturating sum.
    VAddSatS Pure,
    /// Unsigned saturating sum.
    VAddSatU Pure,
    /// Signed saturating difference.
    VSubSatS Pure,
    /// Unsigned saturating difference.
    VSubSatU Pure,
    /// `(a + b + 1) >> 1` without overflow, unsigned (Arm URHADD; x86 PAVGB, PAVGW).
    VAvgU Pure,
    /// `2 * a * b >> width`, signed, saturating (16, 32 bits; Arm SQDMULH); `s2` = 1 rounds (SQRDMULH; x86 PMULHRSW but for -1 * -1).
    VMulDoubleHi Pure,
    /// Each lane shifted left by the signed low byte of its lane in `b`, logically right for a negative one (Arm USHL).
    VShlVarU Pure,
    /// As VShlVarU, arithmetically right (Arm SSHL).
    VShlVarS Pure,
    /// Sums of adjacent lanes, of `a` then of `b` (Arm ADDP).
    VPairAdd Pure,
    /// Maximum of adjacent lanes, unsigned, of `a` then of `b` (Arm UMAXP).
    VPairMaxU Pure,
    /// Minimum of adjacent lanes, unsigned.
    VPairMinU Pure,
    /// Low lanes of `a` and `b` interleaved (Arm ZIP1).
    VZipLo Pure,
    /// High lanes of `a` and `b` interleaved (Arm ZIP2).
    VZipHi Pure,
    /// Even lanes of `a`, then of `b` (Arm UZP1).
    VUnzipEven Pure,
    /// Odd lanes of `a`, then of `b` (Arm UZP2).
    VUnzipOdd Pure,
    /// Even lanes of `a` and `b` paired (Arm TRN1).
    VTransposeEven Pure,
    /// Odd lanes of `a` and `b` paired (Arm TRN2).
    VTransposeOdd Pure,
    /// Bytes `s2` to `s2`+15 of (`b`:`a`), `a` low (Arm EXT).
    VExtract Pure,
    /// Each byte of `b` selects a byte of `a`; 16 and above give 0 (Arm TBL, one register).
    VTable Pure,
    /// Lanes of size `s` reversed inside groups of 1 << `s2` bytes (Arm REV16/32/64).
    VReverse Pure,
    /// Bits set in each byte.
    VPopCount Pure,
    /// The low eight bytes' lanes of size `s`, zero-extended to twice the size.
    VWidenU Pure,
    /// The low eight bytes' lanes of size `s`, sign-extended to twice the size.
    VWidenS Pure,
    /// Lanes of twice size `s` cut to size `s` in the low eight bytes; the upper half zero (Arm XTN).
    VNarrow Pure,
    /// Products of the low eight bytes' lanes of size `s`, unsigned, twice as wide (Arm UMULL).
    VMulWideU Pure,
    /// Products of the low eight bytes' lanes of size `s`, signed, twice as wide (Arm SMULL).
    VMulWideS Pure,
    /// Carry-less product of the low 64 bits (Arm PMULL.1Q).
    VPmull64 Pure,
    /// Sums of the bytes of each half, as 64-bit lanes (x86 PSADBW against zero).
    VSumBytes Pure,

    // Floating-point vectors; lane size 2 or 3
    /// `a + b`
    VFAdd Fp,
    /// `a - b`
    VFSub Fp,
    /// `a * b`
    VFMul Fp,
    /// `a / b`
    VFDiv Fp,
    /// Square roots.
    VFSqrt Fp,
    /// Fused `a * b + c`; `s2` as in FMulAdd.
    VFMulAdd Fp,
    /// As FMin.
    VFMin Fp,
    /// As FMax.
    VFMax Fp,
    /// All ones where equal; quiet NaNs don't raise.
    VFCmpEq Fp,
    /// All ones where `a >= b`; quiet NaNs raise Invalid.
    VFCmpGe Fp,
    /// All ones where `a > b`; quiet NaNs raise Invalid.
    VFCmpGt Fp,
    /// Signed lanes to floating point, rounding dynamically.
    VIntToF Fp,
    /// Unsigned lanes to floating point, rounding dynamically.
    VUIntToF Fp,
    /// As FMinNum.
    VFMinNum Fp,
    /// As FMaxNum.
    VFMaxNum Fp,
    /// To integer lanes of the same size; `s2` and `imm` as in FToInt.
    VFToInt Fp,
    /// To integral values; `s2` as in FRoundInt.
    VFRoundInt Fp,
    /// The low eight bytes' lanes of size `s` (1: half precision, or 2) to twice the size.
    VFWiden Fp,
    /// Lanes of twice size `s` (1: half precision, or 2) to size `s` in the low eight bytes, rounding dynamically; the upper half zero.
    VFNarrow Fp,

    // Cryptography (FIPS 197; Arm AESE without the key addition is SubBytes(ShiftRows(a)))
    /// SubBytes and ShiftRows.
    AesEnc Pure,
    /// InvSubBytes and InvShiftRows.
    AesDec Pure,
    /// MixColumns.
    AesMix Pure,
    /// InvMixColumns.
    AesUnmix Pure,
    /// Four rounds of SHA-1 (FIPS 180-4) on words A to D in `a`, E in lane 0 of `b`, schedule plus constant in `c`: the new A to
    /// D. `s2`: 0 choose, 1 parity, 2 majority (Arm SHA1C, SHA1P, SHA1M).
    Sha1Rounds Pure,
    /// Four words of SHA-1's schedule from what earlier words contribute (`a`) and the four words before (`b`); Arm SHA1SU1.
    Sha1Schedule Pure,
    /// Four rounds of SHA-256 on words A to D in `a`, E to H in `b`, schedule plus constants in `c`: the new A to D, or for `s2` = 1
    /// E to H (Arm SHA256H, SHA256H2).
    Sha256Rounds Pure,
    /// First half of four words of SHA-256's schedule from the words 16 to 13 before (`a`) and the next (`b`); Arm SHA256SU0.
    Sha256ScheduleStart Pure,
    /// Second half: `a` plus what the words 8 to 5 (`b`) and 4 to 1 (`c`) before contribute; Arm SHA256SU1.
    Sha256ScheduleEnd Pure,

    // Leaving. Targets are guest addresses in `imm`.
    /// Leave for `imm` if condition `s` ([`Cond`]) holds.
    ExitIfCond SideExit,
    /// Leave for `imm` if comparison `s` ([`Cmp`]) of `a` and `b` (of the op's type) holds.
    ExitIfCmp SideExit,
    /// Leave for `imm` if bit `s` of `a` (of the op's type) equals `s2`.
    ExitIfBit SideExit,
    /// Raise trap `s` ([`super::Trap`]) with code `b`'s place taken by `s2`, if comparison `imm` ([`Cmp`]) of `a` and `b` holds;
    /// the PC stays at this instruction.
    TrapIfCmp SideExit,
    /// Go to `imm`.
    Jump Terminal,
    /// Go to the address in `a` (`I32` or `I64`).
    JumpReg Terminal,
    /// System call with immediate `s`; the PC becomes `imm`, the address after it, or the address in `a` if present (a system
    /// call in a delay slot).
    Syscall Terminal,
    /// Raise trap `s` ([`super::Trap`]) with code `s2`; the PC stays at `imm`.
    Raise Terminal,
    /// Discard translations of `b` bytes from address `a`, then go on at `imm`, or at the address in `c` if present (Arm IC IVAU,
    /// MIPS SYNCI).
    InvalidateCode Terminal,
    /// Leave to the run loop and go on at `imm`, or at the address in `a` if present: asked for after a change of
    /// [`super::CpuState::mode`].
    Leave Terminal,
}

impl Op {
    /// An op without operands.
    pub const fn new(code: OpCode, ty: Ty) -> Op {
        Op {
            code,
            ty,
            aux: 0,
            a: NONE,
            b: NONE,
            c: NONE,
            aux2: 0,
            imm: 0,
        }
    }

    /// Its present operands.
    pub fn operands(&self) -> impl Iterator<Item = Val> {
        [self.a, self.b, self.c].into_iter().filter(|v| *v != NONE)
    }
}
