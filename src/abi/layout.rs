//! Structures that guest and host share, declared once: layout computed for each [`OsAbi`], conversion field by field.

use super::{Abi, Dialect, Endian, Errno, FlagTable, OsAbi, Signal};

/// The C type of a field or of an argument.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `signed char`
    I8,
    /// `unsigned char`
    U8,
    /// `short`
    I16,
    /// `unsigned short`
    U16,
    /// `int`
    I32,
    /// `unsigned int`
    U32,
    /// `long long`
    I64,
    /// `unsigned long long`
    U64,
    /// `unsigned long long` that is aligned to 4 bytes only (`struct epoll_event` of x86).
    U64Align4,
    /// `long`
    Long,
    /// `unsigned long`, `size_t`, a pointer
    Ulong,
    /// A structure inside of the structure.
    Struct(&'static StructDesc),
}

impl Kind {
    /// Size in bytes.
    pub fn size(self, a: OsAbi) -> usize {
        match self {
            Kind::I8 | Kind::U8 => 1,
            Kind::I16 | Kind::U16 => 2,
            Kind::I32 | Kind::U32 => 4,
            Kind::I64 | Kind::U64 | Kind::U64Align4 => 8,
            Kind::Long | Kind::Ulong => a.abi.word.into(),
            Kind::Struct(d) => d.size(a),
        }
    }

    /// Alignment in bytes inside a structure.
    pub fn align(self, a: OsAbi) -> usize {
        match self {
            Kind::I64 | Kind::U64 => a.abi.align64.into(),
            Kind::U64Align4 => 4,
            Kind::Struct(d) => d.align(a),
            _ => self.size(a),
        }
    }

    /// Whether values are sign-extended when widened.
    pub fn signed(self) -> bool {
        matches!(
            self,
            Kind::I8 | Kind::I16 | Kind::I32 | Kind::I64 | Kind::Long
        )
    }

    /// Widens the low bytes of a register to the argument's value.
    pub fn extend(self, a: OsAbi, raw: u64) -> u64 {
        let bits = 64 - 8 * self.size(a).min(8) as u32;
        if self.signed() {
            (((raw << bits) as i64) >> bits) as u64
        } else {
            raw << bits >> bits
        }
    }
}

/// What a value means, which decides how it is converted between dialects and how the tracer shows it.
#[derive(Clone, Copy, Debug)]
pub enum Show {
    /// A number.
    Dec,
    /// A number that only a verbose trace shows.
    Detail,
    /// A number in hexadecimal.
    Hex,
    /// A guest address.
    Addr,
    /// A file descriptor.
    Fd,
    /// A file descriptor that may be `AT_FDCWD`.
    DirFd,
    /// File type and permissions.
    Mode,
    /// Device number.
    Dev,
    /// Process status as `wait4` stores it; contains a signal number.
    WaitStatus,
    /// Flags or an enumeration.
    Flags(&'static FlagTable),
    /// Flags whose meaning another field of the structure decides.
    FlagsBy(&'static FlagChoice),
    /// Words of a number that names something in a tree of the kernel's (`sysctl`).
    Mib,
    /// Flags of `clone`, with a signal number in the low byte.
    CloneFlags(&'static FlagTable),
    /// Size of a `sigset_t`, which is 8 bytes on the host and 16 on MIPS.
    SigSetSize,
    /// A signal number.
    Signal,
    /// What a signal does: `SIG_DFL`, `SIG_IGN` or the address of a function.
    Handler,
    /// An error number.
    Errno,
    /// A set of signals: words of the set in ascending order.
    SignalSet,
    /// A resource limit of 64 bits, where all ones is infinity.
    Rlim64,
    /// A resource limit, where each ABI has its own infinity.
    Rlim,
    /// Characters up to a NUL.
    Chars,
    /// Address of text that a NUL ends.
    Text,
    /// A socket address.
    Sockaddr,
    /// A port in the network's order, as bytes.
    Port,
    /// An address of IPv6, or one of IPv4 behind twelve bytes of 0.
    Internet,
    /// Bytes of no known meaning.
    Bytes,
}

/// Tables of flags, of which the value of another field says which one counts.
#[derive(Debug)]
pub struct FlagChoice {
    /// Name of the other field.
    pub by: &'static str,
    /// Its value, extended as its kind is, and the table.
    pub tables: &'static [(i64, &'static FlagTable)],
}

impl Show {
    /// Converts a value's numbers from one dialect to another.
    pub fn convert(self, value: u64, from: OsAbi, to: OsAbi) -> u64 {
        match self {
            Show::Flags(t) => t.translate(value, from.dialect, to.dialect),
            Show::Signal => Signal::from_guest(from.dialect, value as u32)
                .map_or(value, |s| s.to_guest(to.dialect).into()),
            Show::Errno => Errno::from_guest(from.dialect, value as u32)
                .to_guest(to.dialect)
                .into(),
            Show::WaitStatus => convert_wait_status(value as u32, from.dialect, to.dialect).into(),
            Show::SigSetSize if value == u64::from(Signal::count(from.dialect)) / 8 => {
                u64::from(Signal::count(to.dialect)) / 8
            }
            Show::Rlim if value == rlim_infinity(from) => rlim_infinity(to),
            Show::Rlim => value.min(rlim_infinity(to)),
            _ => value,
        }
    }
}

/// `RLIM_INFINITY` of `getrlimit`: on 32-bit MIPS it is the largest positive number.
fn rlim_infinity(a: OsAbi) -> u64 {
    match (a.dialect, a.abi.is_32bit()) {
        (Dialect::Mips, true) => 0x7fff_ffff,
        (_, true) => 0xffff_ffff,
        (_, false) => u64::MAX,
    }
}

/// Converts the signal numbers inside a `wait4` status.
fn convert_wait_status(status: u32, from: Dialect, to: Dialect) -> u32 {
    let map = |n: u32| Signal::from_guest(from, n).map_or(n, |s| s.to_guest(to));
    match status & 0x7f {
        0 => status,
        // Stopped: 0x7f, the signal in the next byte, ptrace events above. Bit 7 of the signal marks a system call stop.
        // Continued is a value of its own, which FreeBSD has another one for (`sys/wait.h`).
        0x7f if status == 0xffff && to == Dialect::FreeBsd => 0x13,
        0x7f if status == 0xffff => status,
        0x7f => {
            let signal = status >> 8 & 0x7f;
            (status & !0x7f00) | (map(signal) & 0x7f) << 8
        }
        signal => (status & !0x7f) | (map(signal) & 0x7f),
    }
}

/// One field of a layout.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Name as in the header; names that begin with `_` are padding.
    pub name: &'static str,
    /// C type.
    pub kind: Kind,
    /// Elements, 1 for a scalar.
    pub count: u16,
    /// Meaning.
    pub show: Show,
}

/// The fields of a structure in one ABI, in order.
pub type Layout = &'static [Field];

/// A layout, and which ABIs have it.
pub type Variant = (fn(OsAbi) -> bool, Layout);

/// A structure: its usual (host) layout and those of the ABIs that differ by more than word size and byte order.
#[derive(Debug)]
pub struct StructDesc {
    /// Tag in the header.
    pub name: &'static str,
    /// The host's layout.
    pub fields: Layout,
    /// Other layouts, and which ABIs have them.
    pub others: &'static [Variant],
    /// A value that does not fit the guest's field is an error, rather than cut off.
    pub checked: bool,
}

/// A value does not fit the guest's field: `EOVERFLOW`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Overflow;

impl From<Overflow> for Errno {
    fn from(_: Overflow) -> Errno {
        Errno::EOVERFLOW
    }
}

impl StructDesc {
    /// The fields in an ABI.
    pub fn layout(&self, a: OsAbi) -> Layout {
        self.others
            .iter()
            .find(|(applies, _)| applies(a))
            .map_or(self.fields, |(_, l)| l)
    }

    /// The fields with their offsets in bytes.
    pub fn offsets(&self, a: OsAbi) -> impl Iterator<Item = (usize, &'static Field)> {
        let mut at = 0;
        self.layout(a).iter().map(move |f| {
            let start = round_up(at, f.kind.align(a));
            at = start + f.kind.size(a) * usize::from(f.count);
            (start, f)
        })
    }

    /// Offset in bytes of a field.
    pub fn offset(&self, a: OsAbi, name: &str) -> Option<usize> {
        self.offsets(a).find(|(_, f)| f.name == name).map(|x| x.0)
    }

    /// Alignment in bytes.
    pub fn align(&self, a: OsAbi) -> usize {
        self.layout(a)
            .iter()
            .map(|f| f.kind.align(a))
            .max()
            .unwrap_or(1)
    }

    /// Size in bytes.
    pub fn size(&self, a: OsAbi) -> usize {
        let end = self
            .offsets(a)
            .last()
            .map_or(0, |(at, f)| at + f.kind.size(a) * usize::from(f.count));
        round_up(end, self.align(a))
    }

    /// Whether both ABIs have the very same bytes.
    pub fn same(&self, a: OsAbi, b: OsAbi) -> bool {
        a == b
            || (a.abi.endian == b.abi.endian
                && a.abi.word == b.abi.word
                && a.abi.align64 == b.abi.align64
                && std::ptr::eq(self.layout(a), self.layout(b))
                && self.layout(a).iter().all(|f| match (f.kind, f.show) {
                    (Kind::Struct(d), _) => d.same(a, b),
                    (_, Show::Flags(t)) => {
                        !t.differs.contains(&a.dialect) && !t.differs.contains(&b.dialect)
                    }
                    (_, Show::Signal | Show::Errno | Show::WaitStatus) => {
                        let own = |d| matches!(d, Dialect::Mips | Dialect::FreeBsd);
                        !own(a.dialect) && !own(b.dialect)
                    }
                    _ => true,
                }))
    }
}

fn round_up(n: usize, align: usize) -> usize {
    n.div_ceil(align) * align
}

/// Reads an integer from the start of `bytes`, extended to 64 bits.
///
/// # Panics
/// If `bytes` is shorter than the kind's size.
pub fn read_int(a: OsAbi, kind: Kind, bytes: &[u8]) -> u64 {
    let size = kind.size(a);
    let mut le = [0; 8];
    le[..size].copy_from_slice(&bytes[..size]);
    if a.abi.endian == Endian::Big {
        le[..size].reverse();
    }
    kind.extend(a, u64::from_le_bytes(le))
}

/// Writes the low bytes of `value` at the start of `bytes`.
///
/// # Panics
/// If `bytes` is shorter than the kind's size.
pub fn write_int(a: OsAbi, kind: Kind, bytes: &mut [u8], value: u64) {
    let size = kind.size(a);
    bytes[..size].copy_from_slice(&value.to_le_bytes()[..size]);
    if a.abi.endian == Endian::Big {
        bytes[..size].reverse();
    }
}

/// Integers of a kind, one after the other.
pub fn ints(a: OsAbi, kind: Kind, values: impl IntoIterator<Item = u64>) -> Vec<u8> {
    let mut out = Vec::new();
    for value in values {
        let at = out.len();
        out.resize(at + kind.size(a), 0);
        write_int(a, kind, &mut out[at..], value);
    }
    out
}

/// Converts a structure. `src` may be shorter than the structure (missing fields are zero), `dst` too (they are not written).
pub fn convert(
    desc: &StructDesc,
    from: OsAbi,
    src: &[u8],
    to: OsAbi,
    dst: &mut [u8],
) -> Result<(), Overflow> {
    if desc.same(from, to) {
        let n = src.len().min(dst.len());
        dst[..n].copy_from_slice(&src[..n]);
        return Ok(());
    }
    for (to_at, to_field) in desc.offsets(to) {
        let Some((from_at, from_field)) = desc.offsets(from).find(|(_, f)| f.name == to_field.name)
        else {
            let len = to_field.kind.size(to) * usize::from(to_field.count);
            if let Some(gap) = dst.get_mut(to_at..to_at + len) {
                gap.fill(0);
            }
            continue;
        };
        let show = match to_field.show {
            Show::Dec | Show::Detail => from_field.show,
            show => show,
        };
        let (from_size, to_size) = (from_field.kind.size(from), to_field.kind.size(to));
        for i in 0..usize::from(to_field.count) {
            let out = (to_at + i * to_size)..(to_at + (i + 1) * to_size);
            let Some(out) = dst.get_mut(out) else { break };
            let input = (from_at + i * from_size)..(from_at + (i + 1) * from_size);
            let input = match src.get(input) {
                Some(input) if i < usize::from(from_field.count) => input,
                _ => {
                    out.fill(0);
                    continue;
                }
            };
            match (from_field.kind, to_field.kind) {
                (Kind::Struct(d), Kind::Struct(_)) => convert(d, from, input, to, out)?,
                (from_kind, to_kind) => {
                    let value = show.convert(read_int(from, from_kind, input), from, to);
                    if desc.checked && to_kind.extend(to, value) != value {
                        return Err(Overflow);
                    }
                    write_int(to, to_kind, out, value);
                }
            }
        }
    }
    Ok(())
}

/// A value that can be a field: knows its C type, and how it lies in host memory.
pub trait GuestValue: Sized {
    /// C type (of an element).
    const KIND: Kind;
    /// Elements.
    const COUNT: u16 = 1;

    /// Reads it in host layout from the start of `bytes`.
    fn from_host(bytes: &[u8]) -> Self;

    /// Writes it in host layout to the start of `bytes`.
    fn to_host(&self, bytes: &mut [u8]);
}

/// C's `long`: as wide as the guest's word in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Long(pub i64);

/// C's `unsigned long`, `size_t` or a pointer: as wide as the guest's word in memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ulong(pub u64);

/// A 64-bit number with 4 bytes of alignment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct U64Align4(pub u64);

macro_rules! guest_values {
    ($($ty:ty, $kind:ident, $inner:ty, $wrap:expr, $unwrap:expr;)*) => {$(
        impl GuestValue for $ty {
            const KIND: Kind = Kind::$kind;

            fn from_host(bytes: &[u8]) -> Self {
                let mut b = [0; size_of::<$inner>()];
                b.copy_from_slice(&bytes[..size_of::<$inner>()]);
                $wrap(<$inner>::from_le_bytes(b))
            }

            fn to_host(&self, bytes: &mut [u8]) {
                bytes[..size_of::<$inner>()].copy_from_slice(&$unwrap(self).to_le_bytes());
            }
        }
    )*};
}

guest_values! {
    i8, I8, i8, |v| v, |v: &i8| *v;
    u8, U8, u8, |v| v, |v: &u8| *v;
    i16, I16, i16, |v| v, |v: &i16| *v;
    u16, U16, u16, |v| v, |v: &u16| *v;
    i32, I32, i32, |v| v, |v: &i32| *v;
    u32, U32, u32, |v| v, |v: &u32| *v;
    i64, I64, i64, |v| v, |v: &i64| *v;
    u64, U64, u64, |v| v, |v: &u64| *v;
    Long, Long, i64, Long, |v: &Long| v.0;
    Ulong, Ulong, u64, Ulong, |v: &Ulong| v.0;
    U64Align4, U64Align4, u64, U64Align4, |v: &U64Align4| v.0;
}

impl<T: GuestValue + Copy + Default, const N: usize> GuestValue for [T; N] {
    const KIND: Kind = T::KIND;
    const COUNT: u16 = N as u16;

    fn from_host(bytes: &[u8]) -> Self {
        let size = T::KIND.size(OsAbi::HOST);
        std::array::from_fn(|i| T::from_host(&bytes[i * size..]))
    }

    fn to_host(&self, bytes: &mut [u8]) {
        let size = T::KIND.size(OsAbi::HOST);
        for (i, v) in self.iter().enumerate() {
            v.to_host(&mut bytes[i * size..]);
        }
    }
}

/// A structure declared by [`guest_struct!`](crate::guest_struct).
pub trait GuestStruct: Sized {
    /// Its fields and layouts.
    const DESC: &'static StructDesc;

    /// Reads it from bytes in the layout of `a`.
    ///
    /// # Errors
    /// [`Overflow`] if a value does not fit the host's field.
    fn read(a: OsAbi, bytes: &[u8]) -> Result<Self, Overflow>;

    /// Its bytes in the layout of `a`.
    ///
    /// # Errors
    /// [`Overflow`] if a value does not fit and the structure is one that the kernel checks.
    fn write(&self, a: OsAbi) -> Result<Vec<u8>, Overflow>;
}

/// Declares a structure of the kernel's interface: the host's fields first, then the layouts of ABIs that differ by more than
/// word size, alignment and byte order. `as` gives a field its meaning (a [`Show`]).
#[macro_export]
macro_rules! guest_struct {
    (@field $field:ident, $ty:ty, $($show:expr)?) => {
        $crate::abi::Field {
            name: $crate::abi::plain_name(stringify!($field)),
            kind: <$ty as $crate::abi::GuestValue>::KIND,
            count: <$ty as $crate::abi::GuestValue>::COUNT,
            show: $crate::guest_struct!(@show $($show)?),
        }
    };
    (@show) => { $crate::abi::Show::Dec };
    (@show $show:expr) => { $show };
    (@checked) => { false };
    (@checked checked) => { true };
    ($(
        $(#[$doc:meta])* pub struct $name:ident($tag:literal) $($checked:ident)? {
            $($field:ident : $ty:ty $(as $show:expr)?),* $(,)?
        }
        $(layout $applies:path { $($of:ident : $oty:ty),* $(,)? })*
    )*) => {$(
        $(#[$doc])*
        #[allow(missing_docs, reason = "fields are those of the header")]
        #[derive(Clone, Copy, Debug, PartialEq)]
        pub struct $name { $(pub $field: $ty),* }

        impl $name {
            const STRUCT: &'static $crate::abi::StructDesc = &$crate::abi::StructDesc {
                name: $tag,
                fields: &[$($crate::guest_struct!(@field $field, $ty, $($show)?)),*],
                others: &[$((
                    $applies,
                    &[$($crate::guest_struct!(@field $of, $oty,)),*],
                )),*],
                checked: $crate::guest_struct!(@checked $($checked)?),
            };
        }

        impl Default for $name {
            fn default() -> Self {
                <$name as $crate::abi::GuestValue>::from_host(
                    &vec![0; Self::STRUCT.size($crate::abi::OsAbi::HOST)],
                )
            }
        }

        impl $crate::abi::GuestValue for $name {
            const KIND: $crate::abi::Kind = $crate::abi::Kind::Struct(Self::STRUCT);

            fn from_host(bytes: &[u8]) -> Self {
                let mut fields = Self::STRUCT.offsets($crate::abi::OsAbi::HOST);
                let mut next = || fields.next().map_or(0, |f| f.0);
                $name { $($field: <$ty as $crate::abi::GuestValue>::from_host(&bytes[next()..])),* }
            }

            fn to_host(&self, bytes: &mut [u8]) {
                let mut fields = Self::STRUCT.offsets($crate::abi::OsAbi::HOST);
                let mut next = || fields.next().map_or(0, |f| f.0);
                $($crate::abi::GuestValue::to_host(&self.$field, &mut bytes[next()..]);)*
            }
        }

        impl $crate::abi::GuestStruct for $name {
            const DESC: &'static $crate::abi::StructDesc = Self::STRUCT;

            fn read(a: $crate::abi::OsAbi, bytes: &[u8]) -> Result<Self, $crate::abi::Overflow> {
                let mut host = vec![0; Self::STRUCT.size($crate::abi::OsAbi::HOST)];
                $crate::abi::convert(Self::STRUCT, a, bytes, $crate::abi::OsAbi::HOST, &mut host)?;
                Ok($crate::abi::GuestValue::from_host(&host))
            }

            fn write(&self, a: $crate::abi::OsAbi) -> Result<Vec<u8>, $crate::abi::Overflow> {
                let mut host = vec![0; Self::STRUCT.size($crate::abi::OsAbi::HOST)];
                $crate::abi::GuestValue::to_host(self, &mut host);
                let mut out = vec![0; Self::STRUCT.size(a)];
                $crate::abi::convert(Self::STRUCT, $crate::abi::OsAbi::HOST, &host, a, &mut out)?;
                Ok(out)
            }
        }
    )*};
}

/// Whether an ABI is a 32-bit one; for `layout` clauses.
pub fn is_32bit(a: OsAbi) -> bool {
    let Abi { word, .. } = a.abi;
    word == 4
}
