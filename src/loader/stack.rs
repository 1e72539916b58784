//! The first stack of a Linux program: strings, auxiliary vector, environment, arguments (gABI, "Process Initialization";
//! Linux `fs/binfmt_elf.c`).

use super::Error;
use crate::abi::Abi;
use crate::mem::{AddressSpace, MemFault};

/// Types of auxiliary vector entries (`linux/auxvec.h`).
#[allow(missing_docs)] // The header's names.
pub mod aux {
    pub const NULL: u64 = 0;
    pub const PHDR: u64 = 3;
    pub const PHENT: u64 = 4;
    pub const PHNUM: u64 = 5;
    pub const PAGESZ: u64 = 6;
    pub const BASE: u64 = 7;
    pub const FLAGS: u64 = 8;
    pub const ENTRY: u64 = 9;
    pub const UID: u64 = 11;
    pub const EUID: u64 = 12;
    pub const GID: u64 = 13;
    pub const EGID: u64 = 14;
    pub const PLATFORM: u64 = 15;
    pub const HWCAP: u64 = 16;
    pub const CLKTCK: u64 = 17;
    pub const SECURE: u64 = 23;
    pub const RANDOM: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const EXECFN: u64 = 31;
    pub const MINSIGSTKSZ: u64 = 51;
}

/// Longest argument or environment string, with its NUL (MAX_ARG_STRLEN).
const MAX_STRING: usize = 32 * 4096;

/// What a program is started with.
#[derive(Clone, Debug, Default)]
pub struct Arguments {
    /// `argv`; the first is the program's name.
    pub argv: Vec<Vec<u8>>,
    /// `environ`, as NAME=VALUE.
    pub envp: Vec<Vec<u8>>,
    /// AT_EXECFN: the path as it was given.
    pub execfn: Vec<u8>,
    /// 16 bytes for AT_RANDOM.
    pub random: [u8; 16],
}

/// Where things ended up.
#[derive(Clone, Debug, Default)]
pub(super) struct Built {
    /// Stack pointer at entry: the address of `argc`.
    pub sp: u64,
    /// The auxiliary vector in the guest's layout.
    pub auxv: Vec<u8>,
    /// First and last + 1 address of the argument strings.
    pub arg_range: (u64, u64),
    /// Likewise of the environment strings.
    pub env_range: (u64, u64),
}

/// Writes downwards from `top`.
struct Push<'a> {
    mem: &'a AddressSpace,
    sp: u64,
}

impl Push<'_> {
    fn bytes(&mut self, data: &[u8]) -> Result<u64, MemFault> {
        self.sp -= data.len() as u64;
        self.mem.write(self.sp, data)?;
        Ok(self.sp)
    }

    /// A string with its NUL.
    fn string(&mut self, s: &[u8]) -> Result<u64, MemFault> {
        self.bytes(&[0])?;
        self.bytes(s)
    }
}

/// Builds the stack in the mapping `[top - size, top)`. `auxv` are entries without RANDOM, EXECFN, PLATFORM and NULL, which
/// point into the stack and are added here.
pub(super) fn build(
    mem: &AddressSpace,
    abi: Abi,
    top: u64,
    size: u64,
    args: &Arguments,
    platform: Option<&str>,
    auxv: &[(u64, u64)],
) -> Result<Built, Error> {
    let strings: u64 = args
        .argv
        .iter()
        .chain(&args.envp)
        .map(|s| s.len() as u64 + 1)
        .sum();
    let pointers = (args.argv.len() + args.envp.len()) as u64 * u64::from(abi.word);
    // The kernel allows a quarter of the stack.
    let (needed, limit) = (strings + pointers, size / 4);
    if needed > limit {
        return Err(Error::ArgumentsTooLong(needed, limit));
    }
    if let Some(s) = args
        .argv
        .iter()
        .chain(&args.envp)
        .find(|s| s.len() >= MAX_STRING)
    {
        return Err(Error::ArgumentsTooLong(s.len() as u64, MAX_STRING as u64));
    }
    write(mem, abi, top, args, platform, auxv).map_err(|f| {
        Error::Memory(
            "stack".into(),
            format!("cannot write the first stack at {:#x}", f.addr),
        )
    })
}

fn write(
    mem: &AddressSpace,
    abi: Abi,
    top: u64,
    args: &Arguments,
    platform: Option<&str>,
    auxv: &[(u64, u64)],
) -> Result<Built, MemFault> {
    let word = u64::from(abi.word);
    let mut push = Push {
        mem,
        sp: top - word,
    };
    let execfn = push.string(&args.execfn)?;
    let env_end = push.sp;
    let mut envp = Vec::with_capacity(args.envp.len());
    for s in args.envp.iter().rev() {
        envp.push(push.string(s)?);
    }
    let arg_end = push.sp;
    let mut argv = Vec::with_capacity(args.argv.len());
    for s in args.argv.iter().rev() {
        argv.push(push.string(s)?);
    }
    let arg_start = push.sp;
    let platform = platform.map(|p| push.string(p.as_bytes())).transpose()?;
    let random = push.bytes(&args.random)?;

    let mut entries = auxv.to_vec();
    entries.push((aux::RANDOM, random));
    entries.push((aux::EXECFN, execfn));
    entries.extend(platform.map(|p| (aux::PLATFORM, p)));
    entries.push((aux::NULL, 0));

    let mut words = vec![args.argv.len() as u64];
    words.extend(argv.iter().rev());
    words.push(0);
    words.extend(envp.iter().rev());
    words.push(0);
    let before_auxv = words.len();
    words.extend(entries.iter().flat_map(|(kind, value)| [*kind, *value]));
    // Every psABI wants the stack pointer at entry aligned to 16 bytes.
    let sp = (push.sp - words.len() as u64 * word) & !15;
    let mut image = Vec::with_capacity(words.len() * word as usize);
    for w in &words {
        match (abi.is_32bit(), abi.endian) {
            (true, crate::abi::Endian::Little) => image.extend((*w as u32).to_le_bytes()),
            (true, crate::abi::Endian::Big) => image.extend((*w as u32).to_be_bytes()),
            (false, crate::abi::Endian::Little) => image.extend(w.to_le_bytes()),
            (false, crate::abi::Endian::Big) => image.extend(w.to_be_bytes()),
        }
    }
    mem.write(sp, &image)?;
    Ok(Built {
        sp,
        auxv: image.split_off(before_auxv * word as usize),
        arg_range: (arg_start, arg_end),
        env_range: (arg_end, env_end),
    })
}
