//! What a row of a call table says. The translator and the tracer read the same rows.

use std::fmt;

use super::Call;
use crate::abi::{FlagTable, GuestStruct, Kind, OsAbi, Show, StructDesc, SysResult};

/// How much of a call works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// All of it.
    Full,
    /// Some of it; what is missing.
    Partial(&'static str),
    /// It answers without doing anything; what it answers and why that is right.
    Stub(&'static str),
    /// Nothing: the guest gets the error of a kernel without it, and the user is told.
    Missing,
}

impl fmt::Display for Support {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Support::Full => f.write_str("full"),
            Support::Partial(missing) => write!(f, "partial: {missing}"),
            Support::Stub(answer) => write!(f, "stub: {answer}"),
            Support::Missing => f.write_str("missing"),
        }
    }
}

/// Which way data goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dir {
    /// The kernel reads it.
    In,
    /// The kernel writes it, if the call succeeds.
    Out,
    /// Both.
    InOut,
}

impl Dir {
    /// Whether the kernel reads it.
    pub fn reads(self) -> bool {
        self != Dir::Out
    }

    /// Whether the kernel writes it.
    pub fn writes(self) -> bool {
        self != Dir::In
    }
}

/// Number of elements of a buffer or array.
#[derive(Clone, Copy, Debug)]
pub enum Len {
    /// The value of argument `n`.
    Arg(u8),
    /// A constant.
    Const(u32),
    /// Argument `n` points to an `int` that holds it, and that is updated.
    Behind(u8),
}

/// The type of an argument.
#[derive(Clone, Copy, Debug)]
pub enum ArgType {
    /// A value.
    Value(Kind, Show),
    /// A 64-bit value, which takes two registers of a 32-bit guest.
    Wide(Show),
    /// A path that is looked up (also below the `-L` prefix).
    Path,
    /// A path that is created, removed or changed in its directory.
    PathNew,
    /// A NUL-terminated string.
    Str,
    /// A NULL-terminated array of strings.
    Strings,
    /// Bytes.
    Buf(Dir, Len),
    /// Integers.
    Ints(Dir, Kind, Show, Len),
    /// A structure.
    Struct(Dir, &'static StructDesc),
    /// An array of structures.
    Structs(Dir, &'static StructDesc, Len),
    /// `struct iovec[]`: whose bytes go in this direction.
    Iovec(Dir, Len),
    /// `sigset_t`, of as many bytes.
    SigSet(Dir, Len),
    /// `siginfo_t`
    SigInfo(Dir),
    /// `fd_set` for as many descriptors.
    FdSet(Len),
    /// A socket address of as many bytes.
    Sockaddr(Dir, Len),
    /// `struct msghdr`, or an array of `struct mmsghdr`.
    Msghdr(Dir),
    /// `struct mmsghdr[]`.
    Mmsghdrs(Dir, Len),
    /// Not there, because of what another argument says.
    Absent,
    /// Depends on other arguments.
    By(fn(&[u64], OsAbi) -> ArgType),
    /// A value that is shown by a function of all arguments.
    Named(fn(&[u64]) -> String),
    /// Memory that is shown by a function; to the translator it is an address.
    Decoded(Dir, Decoder),
    /// An address that is not looked at.
    Addr,
}

/// Shows what is at an address, after a call with its result; `None` if it cannot be read.
pub type Decoder = fn(&dyn View, u64, Option<u64>) -> Option<String>;

/// What a [`Decoder`] asks the tracer: the arguments of the call, memory, and the ways to show both.
pub trait View {
    /// The guest's ABI.
    fn abi(&self) -> OsAbi;
    /// The value of argument `n`.
    fn arg(&self, n: usize) -> u64;
    /// Bytes of the guest's memory; `None` if they cannot all be read.
    fn bytes(&self, at: u64, len: usize) -> Option<Vec<u8>>;
    /// What an argument of that type points to, after a call with its result; `None` if it cannot be read.
    fn shown(&self, ty: ArgType, at: u64, returned: Option<u64>) -> Option<String>;
    /// A structure that has been read.
    fn structure(&self, desc: &StructDesc, bytes: &[u8]) -> String;
    /// A value.
    fn value(&self, kind: Kind, show: Show, value: u64) -> String;
}

impl dyn View + '_ {
    /// An integer of the guest's memory; `None` if it cannot be read.
    pub fn int(&self, at: u64, kind: Kind) -> Option<u64> {
        let bytes = self.bytes(at, kind.size(self.abi()))?;
        Some(crate::abi::read_int(self.abi(), kind, &bytes))
    }

    /// The fields of a structure in the guest's memory; `None` if it cannot be read.
    pub fn structure_at<T: GuestStruct>(&self, at: u64) -> Option<String> {
        let bytes = self.bytes(at, T::DESC.size(self.abi()))?;
        Some(self.structure(T::DESC, &bytes))
    }

    /// Bytes in quotes, cut where they are many; `None` if they cannot be read.
    pub fn buffer(&self, at: u64, len: u64) -> Option<String> {
        let len = Len::Const(u32::try_from(len).ok()?);
        self.shown(ArgType::Buf(Dir::In, len), at, None)
    }
}

/// One argument.
#[derive(Clone, Copy, Debug)]
pub struct Arg {
    /// Its name in the manual page.
    pub name: &'static str,
    /// Its type.
    pub ty: ArgType,
}

/// How a call is carried out.
#[derive(Clone, Copy)]
pub enum Run {
    /// By host system call of this number, with arguments converted as their types say; it doesn't wait for others.
    Pass(i64),
    /// Likewise, but it may wait, and a signal for the guest ends it.
    Wait(i64),
    /// By a function.
    Handler(fn(&mut Call<'_>) -> SysResult),
    /// Not at all.
    Missing,
}

/// One system call.
pub struct Syscall {
    /// The kernel's name.
    pub name: &'static str,
    /// Its arguments.
    pub args: &'static [Arg],
    /// Meaning of the result.
    pub ret: (Kind, Show),
    /// What works.
    pub support: Support,
    /// How.
    pub run: Run,
}

impl fmt::Debug for Syscall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name)
    }
}

/// An operating system on an instruction set.
#[derive(Clone, Copy)]
pub enum System {
    /// Linux.
    Linux(&'static super::linux::isa::LinuxIsa),
    /// FreeBSD.
    FreeBsd(&'static super::freebsd::isa::FreeBsdIsa),
}

impl System {
    /// The system that a process runs on.
    pub fn of(process: &crate::process::Process) -> System {
        let isa = process.isa.name();
        System::named(process.os.name(), isa)
            .unwrap_or_else(|| System::Linux(super::linux::isa_named(isa)))
    }

    /// The system of that name ([`crate::process::Os::name`]) on the instruction set of that name
    /// ([`crate::isa::Isa::name`]), if there is one.
    pub fn named(os: &str, isa: &str) -> Option<System> {
        match os {
            "freebsd" => {
                let mut all = super::freebsd::isa::ALL.iter();
                all.find(|i| i.name == isa).map(|i| System::FreeBsd(i))
            }
            _ => {
                let mut all = super::linux::isa::ALL.iter();
                all.find(|i| i.name == isa).map(|i| System::Linux(i))
            }
        }
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            System::Linux(_) => "linux",
            System::FreeBsd(_) => "freebsd",
        }
    }

    /// Data conventions and constants of its programs.
    pub fn abi(self) -> OsAbi {
        match self {
            System::Linux(isa) => isa.abi,
            System::FreeBsd(isa) => isa.abi,
        }
    }

    /// `e_machine` of its programs.
    pub fn elf_machine(self) -> u16 {
        match self {
            System::Linux(isa) => isa.elf_machine,
            System::FreeBsd(isa) => super::freebsd::core::layout(isa.name).elf_machine,
        }
    }

    /// The row of a call's number.
    pub fn row(self, number: u64) -> Option<&'static Syscall> {
        match self {
            System::Linux(isa) => super::linux::row_of(isa, number),
            System::FreeBsd(_) => super::freebsd::nr::row(number),
        }
    }
}

/// The calls of an operating system on an instruction set.
#[derive(Clone, Copy)]
pub struct CallTable {
    /// Data conventions and constants of its programs.
    pub abi: OsAbi,
    system: System,
}

impl CallTable {
    /// The calls that a process makes.
    pub fn of(process: &crate::process::Process) -> CallTable {
        let system = System::of(process);
        CallTable {
            abi: system.abi(),
            system,
        }
    }

    /// The row of a call's number.
    pub fn row(&self, number: u64) -> Option<&'static Syscall> {
        self.system.row(number)
    }
}

/// Arguments at most, after pairs have been joined.
pub const MAX_ARGS: usize = 7;

impl Syscall {
    /// The arguments in their order, from the registers (and stack words) that hold them: pairs joined, values extended.
    pub fn arguments(&self, a: OsAbi, raw: &[u64; 8]) -> [u64; MAX_ARGS] {
        let mut values = [0; MAX_ARGS];
        let mut at = 0;
        for (value, arg) in values.iter_mut().zip(self.args) {
            *value = match arg.ty {
                ArgType::Wide(_) if a.abi.is_32bit() => {
                    if a.abi.even_pairs {
                        at += at & 1;
                    }
                    let (first, second) = (raw[at] & 0xffff_ffff, raw[at + 1] & 0xffff_ffff);
                    at += 1;
                    match a.abi.endian {
                        crate::abi::Endian::Little => second << 32 | first,
                        crate::abi::Endian::Big => first << 32 | second,
                    }
                }
                ArgType::Value(kind, _) => kind.extend(a, raw[at]),
                ArgType::Wide(_) => raw[at],
                _ => Kind::Ulong.extend(a, raw[at]),
            };
            at += 1;
        }
        values
    }
}

/// `int`
pub const INT: ArgType = ArgType::Value(Kind::I32, Show::Dec);
/// `unsigned int`
pub const UINT: ArgType = ArgType::Value(Kind::U32, Show::Dec);
/// `unsigned int` of bits
pub const HEX: ArgType = ArgType::Value(Kind::U32, Show::Hex);
/// `long`
pub const LONG: ArgType = ArgType::Value(Kind::Long, Show::Dec);
/// `unsigned long`
pub const ULONG: ArgType = ArgType::Value(Kind::Ulong, Show::Dec);
/// `unsigned long` of bits
pub const BITS: ArgType = ArgType::Value(Kind::Ulong, Show::Hex);
/// `size_t`
pub const SIZE: ArgType = ULONG;
/// A file descriptor
pub const FD: ArgType = ArgType::Value(Kind::I32, Show::Fd);
/// The directory descriptor of an `at` call
pub const DIRFD: ArgType = ArgType::Value(Kind::I32, Show::DirFd);
/// `mode_t`
pub const MODE: ArgType = ArgType::Value(Kind::U32, Show::Mode);
/// `dev_t`
pub const DEV: ArgType = ArgType::Value(Kind::U32, Show::Dev);
/// A signal number
pub const SIGNAL: ArgType = ArgType::Value(Kind::I32, Show::Signal);
/// `loff_t` by value
pub const OFFSET: ArgType = ArgType::Wide(Show::Dec);
/// An address that the kernel doesn't follow
pub const ADDR: ArgType = ArgType::Addr;
/// A path that is looked up
pub const PATH: ArgType = ArgType::Path;
/// A path that is created or removed
pub const PATH_NEW: ArgType = ArgType::PathNew;
/// A string
pub const STR: ArgType = ArgType::Str;

/// The size of a `sigset_t`
pub const SIGSET_SIZE: ArgType = ArgType::Value(Kind::Ulong, Show::SigSetSize);

/// Result: a number.
pub const NUM: (Kind, Show) = (Kind::Long, Show::Dec);
/// Result: a number of 64 bits, in two registers of a 32-bit guest.
pub const WIDENUM: (Kind, Show) = (Kind::I64, Show::Dec);
/// Result: an address or bits.
pub const HEXNUM: (Kind, Show) = (Kind::Ulong, Show::Hex);
/// Result: a file descriptor.
pub const FDNUM: (Kind, Show) = (Kind::Long, Show::Fd);
/// Result: permissions.
pub const OCTNUM: (Kind, Show) = (Kind::Long, Show::Mode);

/// Flags in an `int`.
pub const fn flags(table: &'static FlagTable) -> ArgType {
    ArgType::Value(Kind::U32, Show::Flags(table))
}

/// Flags in an `unsigned long`.
pub const fn flags_long(table: &'static FlagTable) -> ArgType {
    ArgType::Value(Kind::Ulong, Show::Flags(table))
}

/// A constant of an enumeration in an `int`.
pub const fn one_of(table: &'static FlagTable) -> ArgType {
    ArgType::Value(Kind::I32, Show::Flags(table))
}

/// Bytes that the kernel reads, as many as argument `len` says.
pub const fn buf_in(len: u8) -> ArgType {
    ArgType::Buf(Dir::In, Len::Arg(len))
}

/// Bytes that the kernel writes, at most as many as argument `len` says, really as many as the result says.
pub const fn buf_out(len: u8) -> ArgType {
    ArgType::Buf(Dir::Out, Len::Arg(len))
}

/// A structure that the kernel reads.
pub const fn input<T: GuestStruct>() -> ArgType {
    ArgType::Struct(Dir::In, T::DESC)
}

/// A structure that the kernel writes.
pub const fn output<T: GuestStruct>() -> ArgType {
    ArgType::Struct(Dir::Out, T::DESC)
}

/// A structure that the kernel reads and writes.
pub const fn inout<T: GuestStruct>() -> ArgType {
    ArgType::Struct(Dir::InOut, T::DESC)
}

/// An array of structures, as many as argument `len` says.
pub const fn array<T: GuestStruct>(dir: Dir, len: u8) -> ArgType {
    ArgType::Structs(dir, T::DESC, Len::Arg(len))
}

/// `n` `int`s.
pub const fn ints(dir: Dir, n: u32) -> ArgType {
    ArgType::Ints(dir, Kind::I32, Show::Dec, Len::Const(n))
}

/// `n` integers of a kind.
pub const fn ints_of(dir: Dir, kind: Kind, show: Show, n: u32) -> ArgType {
    ArgType::Ints(dir, kind, show, Len::Const(n))
}

/// Declares [`Syscall`] rows: `name(arg: TYPE, ...) -> RESULT, SUPPORT, RUN;`. Each becomes a `static` of the call's name in a
/// module `rows`, which the number tables refer to.
#[macro_export]
macro_rules! syscalls {
    ($($name:ident($($arg:ident: $ty:expr),* $(,)?) -> $ret:expr, $support:expr, $run:expr;)*) => {
        /// The rows, by name.
        #[allow(non_upper_case_globals, reason = "the kernel's names")]
        pub mod rows {
            use super::*;

            $(
                #[doc = concat!("`", stringify!($name), "`")]
                pub static $name: $crate::os::Syscall = $crate::os::Syscall {
                    name: $crate::abi::plain_name(stringify!($name)),
                    args: &[$($crate::os::Arg { name: $crate::abi::plain_name(stringify!($arg)), ty: $ty }),*],
                    ret: $ret,
                    support: $support,
                    run: $run,
                };
            )*
        }

        /// The rows in order.
        pub static ROWS: &[&$crate::os::Syscall] = &[$(&rows::$name),*];
    };
}

#[cfg(test)]
mod tests {
    use crate::os::{freebsd, linux};

    /// `type` and `yield` are words of Rust.
    #[test]
    fn calls_and_arguments_have_the_kernel_s_names() {
        for row in linux::sys::all_rows().chain(freebsd::sys::all_rows()) {
            let names = row.args.iter().map(|arg| arg.name).chain([row.name]);
            names.for_each(|name| assert!(!name.contains('#'), "{name} of {}", row.name));
        }
    }
}
