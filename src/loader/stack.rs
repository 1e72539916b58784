//! The first stack of a Linux program (FreeBSD's is in `freebsd.rs`): strings, auxiliary vector, environment, arguments (gABI, "Process Initialization";
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
#[derive(Clone, Debug)]
pub struct Arguments {
    /// `argv`; the first is the program's name.
    pub argv: Vec<Vec<u8>>,
    /// `environ`, as NAME=VALUE.
    pub envp: Vec<Vec<u8>>,
    /// AT_EXECFN: the path as it was given.
    pub execfn: Vec<u8>,
    /// Random data: Linux's AT_RANDOM are the first 16 bytes, FreeBSD's canary all.
    pub random: [u8; 64],
}

impl Default for Arguments {
    fn default() -> Arguments {
        Arguments {
            argv: Vec::new(),
            envp: Vec::new(),
            execfn: Vec::new(),
            random: [0; 64],
        }
    }
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
pub(super) struct Push<'a> {
    pub mem: &'a AddressSpace,
    pub sp: u64,
}

impl Push<'_> {
    pub fn bytes(&mut self, data: &[u8]) -> Result<u64, MemFault> {
        self.sp -= data.len() as u64;
        self.mem.write(self.sp, data)?;
        Ok(self.sp)
    }

    /// A string with its NUL.
    pub fn string(&mut self, s: &[u8]) -> Result<u64, MemFault> {
        self.bytes(&[0])?;
        self.bytes(s)
    }

    /// The strings of the environment and, below them, of the arguments.
    pub fn strings(&mut self, args: &Arguments) -> Result<Strings, MemFault> {
        let mut all = |strings: &[Vec<u8>]| -> Result<(Vec<u64>, (u64, u64)), MemFault> {
            let end = self.sp;
            let mut at = Vec::with_capacity(strings.len());
            for s in strings.iter().rev() {
                at.push(self.string(s)?);
            }
            at.reverse();
            Ok((at, (self.sp, end)))
        };
        let (envp, env_range) = all(&args.envp)?;
        let (argv, arg_range) = all(&args.argv)?;
        Ok(Strings {
            argv,
            envp,
            arg_range,
            env_range,
        })
    }

    /// Words in the guest's layout at the stack pointer that they leave, a multiple of `align`; returns their bytes.
    pub fn words(&mut self, abi: Abi, words: &[u64], align: u64) -> Result<Vec<u8>, MemFault> {
        let mut image = Vec::with_capacity(words.len() * usize::from(abi.word));
        for w in words {
            match (abi.is_32bit(), abi.endian) {
                (true, crate::abi::Endian::Little) => image.extend((*w as u32).to_le_bytes()),
                (true, crate::abi::Endian::Big) => image.extend((*w as u32).to_be_bytes()),
                (false, crate::abi::Endian::Little) => image.extend(w.to_le_bytes()),
                (false, crate::abi::Endian::Big) => image.extend(w.to_be_bytes()),
            }
        }
        self.sp = (self.sp - image.len() as u64) / align * align;
        self.mem.write(self.sp, &image)?;
        Ok(image)
    }
}

/// Where the strings are.
pub(super) struct Strings {
    pub argv: Vec<u64>,
    pub envp: Vec<u64>,
    pub arg_range: (u64, u64),
    pub env_range: (u64, u64),
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
    check_size(abi, size, args)?;
    write(mem, abi, top, args, platform, auxv).map_err(unwritable)
}

/// What the user is told if the stack that was just mapped cannot be written.
pub(super) fn unwritable(f: MemFault) -> Error {
    Error::Memory(
        "stack".into(),
        format!("cannot write the first stack at {:#x}", f.addr),
    )
}

/// Whether strings and pointers fit into a stack of `size` bytes.
pub(super) fn check_size(abi: Abi, size: u64, args: &Arguments) -> Result<(), Error> {
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
    Ok(())
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
    let strings = push.strings(args)?;
    let platform = platform.map(|p| push.string(p.as_bytes())).transpose()?;
    let random = push.bytes(&args.random[..16])?;

    let mut entries = auxv.to_vec();
    entries.push((aux::RANDOM, random));
    entries.push((aux::EXECFN, execfn));
    entries.extend(platform.map(|p| (aux::PLATFORM, p)));
    entries.push((aux::NULL, 0));

    let mut words = vec![args.argv.len() as u64];
    words.extend(&strings.argv);
    words.push(0);
    words.extend(&strings.envp);
    words.push(0);
    let before_auxv = words.len();
    words.extend(entries.iter().flat_map(|(kind, value)| [*kind, *value]));
    // Every psABI wants the stack pointer at entry aligned to 16 bytes.
    let mut image = push.words(abi, &words, 16)?;
    Ok(Built {
        sp: push.sp,
        auxv: image.split_off(before_auxv * usize::from(abi.word)),
        arg_range: strings.arg_range,
        env_range: strings.env_range,
    })
}
