//! The notes of a FreeBSD core file, in the guest's layout. Sources: `sys/elf_common.h` (types), `sys/procfs.h` and
//! `sys/ptrace.h` (structures), `machine/reg.h` (register sets); `imgact_elf.c` for the order and for what is in them (as facts).

use super::isa::FreeBsdIsa;
use crate::abi::{GuestStruct, Show, Ulong};
use crate::ir::CpuState;
use crate::isa::RegisterTable;
use crate::os::core::{RegisterSet, SetField, ThreadFacts, registers};
use crate::os::freebsd::procinfo::{name, signals};
use crate::os::freebsd::{flags as f, siginfo};

/// Owner of the notes.
pub const OWNER: &str = "FreeBSD";

/// Types of notes (`sys/elf_common.h`).
#[allow(missing_docs, reason = "the names of the header")]
pub mod nt {
    pub const PRSTATUS: u32 = 1;
    pub const FPREGSET: u32 = 2;
    pub const PRPSINFO: u32 = 3;
    pub const THRMISC: u32 = 7;
    pub const PROCSTAT_PROC: u32 = 8;
    pub const PROCSTAT_FILES: u32 = 9;
    pub const PROCSTAT_VMMAP: u32 = 10;
    pub const PROCSTAT_GROUPS: u32 = 11;
    pub const PROCSTAT_UMASK: u32 = 12;
    pub const PROCSTAT_RLIMIT: u32 = 13;
    pub const PROCSTAT_OSREL: u32 = 14;
    pub const PROCSTAT_PSSTRINGS: u32 = 15;
    pub const PROCSTAT_AUXV: u32 = 16;
    pub const PTLWPINFO: u32 = 17;
    pub const ARM_TLS: u32 = 0x401;
}

crate::guest_struct! {
    /// `prstatus_t` up to its registers.
    pub struct Prstatus("prstatus") {
        pr_version: i32, pr_statussz: Ulong, pr_gregsetsz: Ulong, pr_fpregsetsz: Ulong, pr_osreldate: i32,
        pr_cursig: i32 as Show::Signal, pr_pid: i32,
    }

    /// `prpsinfo_t`
    pub struct Prpsinfo("prpsinfo") {
        pr_version: i32, pr_psinfosz: Ulong, pr_fname: [u8; 17], pr_psargs: [u8; 81], pr_pid: i32,
    }

    /// `thrmisc_t`
    pub struct Thrmisc("thrmisc") { pr_tname: [u8; 20], _pad: u32 }

    /// `struct ptrace_lwpinfo` up to its `siginfo_t`.
    pub struct LwpInfoHead("ptrace_lwpinfo") {
        pl_lwpid: i32, pl_event: i32 as Show::Flags(&f::PL_EVENT), pl_flags: i32 as Show::Flags(&f::PL_FLAG), pl_sigmask: [u32; 4] as Show::SignalSet,
        pl_siglist: [u32; 4] as Show::SignalSet,
    }

    /// `struct ptrace_lwpinfo` behind its `siginfo_t`.
    pub struct LwpInfoTail("ptrace_lwpinfo") {
        pl_tdname: [u8; 20] as Show::Chars, pl_child_pid: i32, pl_syscall_code: u32, pl_syscall_narg: u32,
    }
}

/// `PL_EVENT_SIGNAL`
const EVENT_SIGNAL: i32 = 1;
/// `PL_FLAG_SI`: the `siginfo_t` says something.
const FLAG_SI: i32 = 0x20;

/// The registers of an instruction set in a core file.
#[derive(Debug)]
pub struct Layout {
    /// Name of the instruction set, as [`crate::isa::Isa::name`] has it.
    pub isa: &'static str,
    /// `e_machine`
    pub elf_machine: u16,
    /// `struct reg`, which is the end of NT_PRSTATUS.
    pub general: RegisterSet,
    /// `struct fpreg`
    pub float: RegisterSet,
    /// What the machine has besides.
    pub others: &'static [RegisterSet],
}

impl Layout {
    /// The registers that the note of that type holds; `None` if there is none.
    pub fn registers_of(&self, note: u32) -> Option<&RegisterSet> {
        let all = [&self.general, &self.float].into_iter();
        all.chain(self.others).find(|set| set.note == note)
    }
}

const fn set(note: u32, size: usize, fields: &'static [crate::os::core::SetField]) -> RegisterSet {
    RegisterSet {
        owner: OWNER,
        note,
        size,
        fields,
    }
}

// struct reg is 40 words on MIPS (mips/include/regnum.h), struct fpreg 34.
const MIPS_GENERAL: &[SetField] = &[
    registers(0, "r0", 32, 4),
    registers(4 * 32, "status", 1, 4),
    registers(4 * 33, "lo", 1, 4),
    registers(4 * 34, "hi", 1, 4),
    registers(4 * 35, "badvaddr", 1, 4),
    registers(4 * 36, "cause", 1, 4),
    registers(4 * 37, "pc", 1, 4),
];
const MIPS_FLOAT: &[SetField] = &[registers(0, "f0", 32, 4), registers(4 * 32, "fcsr", 1, 4)];

const fn mips(isa: &'static str) -> Layout {
    Layout {
        isa,
        elf_machine: goblin::elf::header::EM_MIPS,
        general: set(nt::PRSTATUS, 4 * 40, MIPS_GENERAL),
        float: set(nt::FPREGSET, 4 * 34, MIPS_FLOAT),
        others: &[],
    }
}

/// Every instruction set whose cores are known.
pub static LAYOUTS: &[Layout] = &[
    Layout {
        isa: "aarch64",
        elf_machine: goblin::elf::header::EM_AARCH64,
        general: set(
            nt::PRSTATUS,
            272,
            &[
                registers(0, "x0", 31, 8),
                registers(248, "sp", 1, 8),
                registers(256, "pc", 1, 8),
                registers(264, "cpsr", 1, 8),
            ],
        ),
        float: set(
            nt::FPREGSET,
            528,
            &[
                registers(0, "v0", 32, 16),
                registers(512, "fpsr", 1, 4),
                registers(516, "fpcr", 1, 4),
            ],
        ),
        others: &[set(nt::ARM_TLS, 8, &[registers(0, "tpidr", 1, 8)])],
    },
    mips("mips"),
    mips("mipsel"),
];

/// The layout of an instruction set ([`crate::isa::Isa::name`]). Each of [`super::isa::ALL`] has one.
pub fn layout(isa: &str) -> &'static Layout {
    LAYOUTS.iter().find(|l| l.isa == isa).unwrap_or(&LAYOUTS[0])
}

impl Layout {
    /// The register set of a note, if it has one; the general registers are in NT_PRSTATUS and not meant.
    pub fn set_of(&self, note: u32) -> Option<&RegisterSet> {
        let mut sets = std::iter::once(&self.float).chain(self.others);
        sets.find(|s| s.note == note)
    }

    /// Offset of the registers in NT_PRSTATUS.
    fn general_at(&self, isa: &FreeBsdIsa) -> usize {
        Prstatus::DESC.size(isa.abi)
    }

    /// Size of NT_PRSTATUS.
    pub fn prstatus_size(&self, isa: &FreeBsdIsa) -> usize {
        self.general_at(isa) + self.general.size
    }

    /// A thread's NT_PRSTATUS. `cpu` is up to date ([`crate::isa::Isa::sync_registers`]).
    pub fn prstatus(
        &self,
        isa: &FreeBsdIsa,
        table: &RegisterTable,
        facts: &ThreadFacts,
        release_date: u32,
        cpu: &CpuState,
    ) -> Vec<u8> {
        let head = Prstatus {
            pr_version: 1,
            pr_statussz: Ulong(self.prstatus_size(isa) as u64),
            pr_gregsetsz: Ulong(self.general.size as u64),
            pr_fpregsetsz: Ulong(self.float.size as u64),
            pr_osreldate: release_date as i32,
            pr_cursig: facts.signal.into(),
            pr_pid: facts.tid,
        };
        // Not a structure that is checked: it cannot overflow.
        let mut out = head.write(isa.abi).unwrap_or_default();
        out.extend(self.general.write(isa.abi, table, cpu, |_| 0));
        out
    }

    /// Reads NT_PRSTATUS: the head, with the general registers put into `cpu`. `None` if it is not as long as it has to be.
    pub fn read_prstatus(
        &self,
        isa: &FreeBsdIsa,
        table: &RegisterTable,
        bytes: &[u8],
        cpu: &mut CpuState,
    ) -> Option<Prstatus> {
        if bytes.len() < self.prstatus_size(isa) {
            return None;
        }
        let (head, registers) = bytes.split_at(self.general_at(isa));
        self.general
            .read(isa.abi, table, registers, cpu, |_, _, _| {});
        Prstatus::read(isa.abi, head).ok()
    }
}

/// The content of a PROCSTAT note or of NT_PTLWPINFO: the size of one of its structures, then them.
pub fn sized(isa: &FreeBsdIsa, size: usize, data: &[u8]) -> Vec<u8> {
    let mut out = vec![0; 4];
    crate::abi::write_int(isa.abi, crate::abi::Kind::I32, &mut out, size as u64);
    out.extend(data);
    out
}

/// NT_PTLWPINFO. `info`: the signal that ended the thread, in the guest's layout.
pub fn lwp_info(
    isa: &FreeBsdIsa,
    facts: &ThreadFacts,
    thread_name: &[u8],
    info: Option<&[u8]>,
) -> Vec<u8> {
    let head = LwpInfoHead {
        pl_lwpid: facts.tid,
        pl_event: if info.is_some() { EVENT_SIGNAL } else { 0 },
        pl_flags: if info.is_some() { FLAG_SI } else { 0 },
        pl_sigmask: signals(facts.blocked),
        pl_siglist: signals(facts.pending),
    };
    let tail = LwpInfoTail {
        pl_tdname: name(thread_name),
        pl_child_pid: 0,
        pl_syscall_code: facts.call.unwrap_or(0) as u32,
        pl_syscall_narg: 0,
    };
    let data = lwp_info_struct(isa, &head, info, &tail);
    sized(isa, data.len(), &data)
}

/// `struct ptrace_lwpinfo`, with a `siginfo_t` in the guest's layout between its parts.
pub fn lwp_info_struct(
    isa: &FreeBsdIsa,
    head: &LwpInfoHead,
    info: Option<&[u8]>,
    tail: &LwpInfoTail,
) -> Vec<u8> {
    let mut data = head.write(isa.abi).unwrap_or_default();
    // siginfo_t begins where a pointer may be.
    data.resize(siginfo_at(isa), 0);
    let none = vec![0; siginfo::size(isa.abi)];
    data.extend(info.unwrap_or(&none));
    data.extend(tail.write(isa.abi).unwrap_or_default());
    data.resize(data.len().next_multiple_of(isa.abi.abi.word.into()), 0);
    data
}

/// Offset of `pl_siginfo`.
pub fn siginfo_at(isa: &FreeBsdIsa) -> usize {
    LwpInfoHead::DESC
        .size(isa.abi)
        .next_multiple_of(isa.abi.abi.word.into())
}

/// Reads NT_PTLWPINFO: the `siginfo_t` in the guest's layout if it says something, and the number of the system call that the
/// thread is in.
pub fn read_lwp_info(isa: &FreeBsdIsa, note: &[u8]) -> (Option<Vec<u8>>, Option<u64>) {
    let data = note.get(4..).unwrap_or_default();
    let (at, size) = (siginfo_at(isa), siginfo::size(isa.abi));
    let head = data.get(..LwpInfoHead::DESC.size(isa.abi));
    let head = head.and_then(|b| LwpInfoHead::read(isa.abi, b).ok());
    let says = head.is_some_and(|h| h.pl_flags & FLAG_SI != 0);
    let info = data.get(at..at + size).filter(|_| says);
    let tail = data.get(at + size..at + size + LwpInfoTail::DESC.size(isa.abi));
    let tail = tail.and_then(|b| LwpInfoTail::read(isa.abi, b).ok());
    let call = tail.map(|t| u64::from(t.pl_syscall_code));
    (info.map(<[u8]>::to_vec), call.filter(|&n| n != 0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::isa::aarch64::AArch64;
    use crate::os::freebsd::isa::{AARCH64, ALL};
    use crate::process::{SigFields, SigInfo, Signal};

    #[test]
    fn sizes_are_those_of_the_headers() {
        // FreeBSD 13.2, arm64: prstatus 320, prpsinfo 120, thrmisc 24, ptrace_lwpinfo 160.
        let layout = layout("aarch64");
        let a = AARCH64.abi;
        assert_eq!(Prstatus::DESC.offset(a, "pr_cursig"), Some(36));
        assert_eq!(
            (layout.general_at(&AARCH64), layout.prstatus_size(&AARCH64)),
            (48, 320)
        );
        assert_eq!((Prpsinfo::DESC.size(a), Thrmisc::DESC.size(a)), (120, 24));
        assert_eq!(Prpsinfo::DESC.offset(a, "pr_pid"), Some(116));
        assert_eq!(siginfo_at(&AARCH64), 48);
        let note = lwp_info(&AARCH64, &ThreadFacts::default(), b"x", None);
        assert_eq!(note.len(), 4 + 160);
    }

    #[test]
    fn every_instruction_set_has_a_layout_with_places_for_its_registers() {
        for isa in ALL {
            let layout = layout(isa.name);
            assert_eq!(layout.isa, isa.name);
            for set in [&layout.general, &layout.float]
                .into_iter()
                .chain(layout.others)
            {
                for field in set.fields {
                    let crate::os::core::Holds::Registers { first, count, .. } = field.holds else {
                        panic!("{}: {field:?}", isa.name)
                    };
                    let machine: &dyn Isa = match isa.name {
                        "aarch64" => &AArch64,
                        "mips" => &crate::isa::mips::MIPS,
                        _ => &crate::isa::mips::MIPSEL,
                    };
                    let places: Vec<_> = field.places(machine.registers()).collect();
                    assert_eq!(
                        places.first().map(|p| p.2.name),
                        Some(first),
                        "{}",
                        isa.name
                    );
                    assert_eq!(places.len(), count, "{} {first}", isa.name);
                    assert!(places.iter().all(|(at, n, _)| at + n <= set.size));
                }
            }
        }
    }

    #[test]
    fn registers_signals_and_calls_survive_the_round_trip() {
        let (isa, layout) = (&AARCH64, layout("aarch64"));
        let table = AArch64.registers();
        let mut cpu = CpuState::new();
        for (i, byte) in cpu.regs.iter_mut().enumerate() {
            *byte = (i * 7 + i / 256) as u8;
        }
        cpu.pc = 0x1234_5678;
        cpu.set_nzcv(0x9000_0000);
        let facts = ThreadFacts {
            tid: 100_042,
            signal: Signal::SIGBUS.0,
            call: Some(4),
            ..ThreadFacts::default()
        };
        let status = layout.prstatus(isa, table, &facts, 1_302_001, &cpu);
        let mut back = CpuState::new();
        let head = layout
            .read_prstatus(isa, table, &status, &mut back)
            .expect("whole");
        assert_eq!((head.pr_pid, head.pr_osreldate), (100_042, 1_302_001));
        // FreeBSD's number in the note, the host's in the structure.
        assert_eq!((status[36], head.pr_cursig), (10, Signal::SIGBUS.0.into()));
        assert!(
            layout
                .read_prstatus(isa, table, &status[1..], &mut back)
                .is_none()
        );
        for set in std::iter::once(&layout.float).chain(layout.others) {
            let note = set.write(isa.abi, table, &cpu, |_| 0);
            set.read(isa.abi, table, &note, &mut back, |_, _, _| {});
        }
        for r in table.registers {
            assert_eq!(r.read(&back), r.read(&cpu), "{}", r.name);
        }
        let info = siginfo::to_guest(
            isa.abi,
            &SigInfo {
                signal: Signal::SIGSEGV,
                errno: 0,
                code: 1,
                fields: SigFields::Fault { addr: 8 },
            },
        );
        let note = lwp_info(isa, &facts, b"worker", Some(&info));
        assert_eq!(read_lwp_info(isa, &note), (Some(info), Some(4)));
        let note = lwp_info(isa, &ThreadFacts::default(), b"worker", None);
        assert_eq!(read_lwp_info(isa, &note), (None, None));
        assert_eq!(read_lwp_info(isa, &note[..50]), (None, None));
    }
}
