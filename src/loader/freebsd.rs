//! The first stack of a FreeBSD program (FreeBSD `sys/kern/kern_exec.c`, `sys/kern/imgact_elf.c`, `sys/sys/elf_common.h`).
//!
//! From the top: `struct ps_strings`, on some architectures the code that signal handlers return to, the path of the program, the
//! stack protector's canary, the page sizes, the strings, the auxiliary vector, `envp`, `argv`, `argc`.

use super::Error;
use super::stack::{Arguments, Built, Push, check_size, unwritable};
use crate::abi::Abi;
use crate::mem::{AddressSpace, MemFault, PAGE_SIZE, Prot};
use crate::process::Machine;

/// Types of auxiliary vector entries (`sys/elf_common.h`). Those below 10 are Linux's.
#[allow(missing_docs)] // The header's names.
pub mod aux {
    pub const EXECPATH: u64 = 15;
    pub const CANARY: u64 = 16;
    pub const CANARYLEN: u64 = 17;
    pub const OSRELDATE: u64 = 18;
    pub const NCPUS: u64 = 19;
    pub const PAGESIZES: u64 = 20;
    pub const PAGESIZESLEN: u64 = 21;
    pub const STACKPROT: u64 = 23;
    pub const EHDRFLAGS: u64 = 24;
    pub const HWCAP: u64 = 25;
    pub const HWCAP2: u64 = 26;
    pub const BSDFLAGS: u64 = 27;
    pub const ARGC: u64 = 28;
    pub const ARGV: u64 = 29;
    pub const ENVC: u64 = 30;
    pub const ENVV: u64 = 31;
    pub const PS_STRINGS: u64 = 32;
    pub const USRSTACKBASE: u64 = 35;
    pub const USRSTACKLIM: u64 = 36;
}

/// What the vector tells beyond the arguments.
pub(super) struct Facts<'a> {
    /// The program's path.
    pub path: &'a [u8],
    /// `e_flags` of the program.
    pub flags: u32,
    /// What is known of the machine.
    pub machine: &'a Machine,
    /// Entries that say where the program is.
    pub image: &'a [(u64, u64)],
}

/// Builds the stack in the mapping `[top - size, top)`.
pub(super) fn build(
    mem: &AddressSpace,
    abi: Abi,
    top: u64,
    size: u64,
    args: &Arguments,
    facts: &Facts<'_>,
) -> Result<Built, Error> {
    check_size(abi, size, args)?;
    write(mem, abi, top, size, args, facts).map_err(unwritable)
}

/// ELF_BSDF_SIGFASTBLK: `sigfastblock` is there. That memory is never overcommitted is not said.
const SIGFASTBLK: u64 = 1;

fn write(
    mem: &AddressSpace,
    abi: Abi,
    top: u64,
    size: u64,
    args: &Arguments,
    facts: &Facts<'_>,
) -> Result<Built, MemFault> {
    let word = u64::from(abi.word);
    // struct ps_strings: argv, nargv, envp, nenv; the counts are ints in a word each.
    let ps_strings = top - 4 * word;
    let mut push = Push {
        mem,
        sp: ps_strings - facts.machine.stack_code,
    };
    let execpath = push.string(facts.path)?;
    push.sp &= !(word - 1);
    let canary = push.bytes(&args.random)?;
    push.words(abi, &[PAGE_SIZE], word)?;
    let page_sizes = push.sp;
    let strings = push.strings(args)?;
    push.sp &= if facts.machine.stack_code == 0 {
        !(word - 1)
    } else {
        // Frames on the page of the code would have it translated anew all the time.
        !(PAGE_SIZE - 1)
    };

    let (argc, envc) = (strings.argv.len() as u64, strings.envp.len() as u64);
    let mut entries = facts.image.to_vec();
    entries.extend([
        (aux::EHDRFLAGS, facts.flags.into()),
        (aux::EXECPATH, execpath),
        (aux::OSRELDATE, facts.machine.os_release_date.into()),
        (aux::CANARY, canary),
        (aux::CANARYLEN, args.random.len() as u64),
        (aux::NCPUS, cpus() as u64),
        (aux::PAGESIZES, page_sizes),
        (aux::PAGESIZESLEN, word),
        (
            aux::STACKPROT,
            facts.machine.stack_prot.unwrap_or(Prot::RW).0.into(),
        ),
        (aux::HWCAP, facts.machine.hwcap),
        (aux::HWCAP2, facts.machine.hwcap2),
        (aux::BSDFLAGS, SIGFASTBLK),
    ]);
    // The addresses of argv and envp depend on how long the vector is: five entries and the end follow.
    let count = entries.len() as u64 + 5 + 2 + 1;
    let words = 1 + argc + 1 + envc + 1 + 2 * count;
    let start = (push.sp - words * word) & !15;
    let argv = start + word;
    let envp = argv + (argc + 1) * word;
    entries.extend([
        (aux::ARGC, argc),
        (aux::ARGV, argv),
        (aux::ENVC, envc),
        (aux::ENVV, envp),
        (aux::PS_STRINGS, ps_strings),
        (aux::USRSTACKBASE, top),
        (aux::USRSTACKLIM, size),
        (super::aux::NULL, 0),
    ]);
    let mut words = vec![argc];
    words.extend(&strings.argv);
    words.push(0);
    words.extend(&strings.envp);
    words.push(0);
    let before_auxv = words.len() * usize::from(abi.word);
    words.extend(entries.iter().flat_map(|(kind, value)| [*kind, *value]));
    let mut image = push.words(abi, &words, 16)?;
    debug_assert_eq!(push.sp, start);

    let count_word = |n: u64| match (abi.is_32bit(), abi.endian) {
        // An int at the start of a 64-bit word.
        (false, crate::abi::Endian::Big) => n << 32,
        _ => n,
    };
    let mut end = Push { mem, sp: top };
    end.words(abi, &[argv, count_word(argc), envp, count_word(envc)], word)?;
    Ok(Built {
        sp: push.sp,
        auxv: image.split_off(before_auxv),
        arg_range: strings.arg_range,
        env_range: strings.env_range,
    })
}

fn cpus() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
