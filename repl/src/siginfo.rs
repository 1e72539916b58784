//! What a `siginfo_t` says, in the layout of the guest's operating system: `asm-generic/siginfo.h` of Linux, of which MIPS has
//! `si_code` before `si_errno`; `sys/signal.h` of FreeBSD.

use emu_stub::TargetDescription;

/// A `siginfo_t`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SigInfo {
    /// `si_signo`, the guest's number.
    pub signal: i32,
    /// `si_errno`
    pub errno: i32,
    /// `si_code`
    pub code: i32,
    /// `si_addr`, if the signal is one that has it.
    pub addr: u64,
    /// Whether a process sent it, rather than the kernel.
    pub sent: bool,
    /// `si_pid` and `si_uid` of the sender, if one did.
    pub sender: (u32, u32),
}

impl SigInfo {
    /// Reads it; `None` if it is cut off.
    pub fn parse(target: &TargetDescription, info: &[u8]) -> Option<SigInfo> {
        let word = usize::from(target.pointer_size);
        let number = |at: usize, size: usize| {
            let bytes = info.get(at..at + size)?;
            Some(target.read_integer(bytes))
        };
        let freebsd = target.gdb_osabi == "FreeBSD";
        let (errno_at, code_at) = match target.gdb_arch.starts_with("mips") && !freebsd {
            true => (8, 4),
            false => (4, 8),
        };
        let (pid_at, addr_at) = match (freebsd, word) {
            (true, _) => (12, 24),
            (false, 8) => (16, 16),
            (false, _) => (12, 12),
        };
        let code = number(code_at, 4)? as u32 as i32;
        // SI_USER, SI_QUEUE and SI_LWP of FreeBSD; SI_USER, SI_QUEUE, SI_TKILL and the like of Linux.
        let sent = match freebsd {
            true => matches!(code, 0x10001 | 0x10002 | 0x10007),
            false => code <= 0,
        };
        Some(SigInfo {
            signal: number(0, 4)? as u32 as i32,
            errno: number(errno_at, 4)? as u32 as i32,
            code,
            addr: number(addr_at, word)?,
            sent,
            sender: (number(pid_at, 4)? as u32, number(pid_at + 4, 4)? as u32),
        })
    }

    /// `si_code` of a fault in words (sigaction(2)), where `signal` is the signal's name without "SIG".
    pub fn fault_words(&self, target: &TargetDescription, signal: &str) -> Option<&'static str> {
        // Integer overflow and division have each other's number on FreeBSD.
        let code = match (target.gdb_osabi == "FreeBSD", signal, self.code) {
            (true, "FPE", code @ (1 | 2)) => 3 - code,
            (_, _, code) => code,
        };
        let row = CODES.iter().find(|(n, c, _)| *n == signal && *c == code);
        row.map(|(_, _, words)| *words)
    }

    /// Whether the kernel raised it for an instruction of the program, so that it has an address. `signal` is its name without
    /// "SIG".
    pub fn is_fault(&self, signal: &str) -> bool {
        let faults = ["SEGV", "BUS", "ILL", "FPE", "TRAP"].contains(&signal);
        // 0x80 is SI_KERNEL.
        faults && (1..0x80).contains(&self.code)
    }
}

/// `si_code` in words (sigaction(2)).
const CODES: &[(&str, i32, &str)] = &[
    ("SEGV", 1, "nothing is mapped"),
    ("SEGV", 2, "access is not allowed"),
    ("BUS", 1, "misaligned access"),
    (
        "BUS",
        2,
        "no such physical address: beyond the end of a mapped file",
    ),
    ("ILL", 1, "undefined instruction"),
    ("FPE", 1, "integer division by zero"),
    ("FPE", 2, "integer overflow"),
    ("FPE", 3, "floating-point division by zero"),
    ("TRAP", 1, "breakpoint instruction"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use emu_stub::Endian;

    fn target(osabi: &str, arch: &str, endian: Endian, word: u8) -> TargetDescription {
        TargetDescription {
            gdb_osabi: osabi.into(),
            gdb_arch: arch.into(),
            endian,
            pointer_size: word,
            triple: String::new(),
            page_size: 4096,
            elf_abi: String::new(),
            breakpoint_size: 4,
            registers: Vec::new(),
        }
    }

    #[test]
    fn each_system_has_its_own_layout() {
        let words = |words: &[u32], endian: Endian| -> Vec<u8> {
            let bytes = |w: &u32| match endian {
                Endian::Little => w.to_le_bytes(),
                Endian::Big => w.to_be_bytes(),
            };
            words.iter().flat_map(bytes).collect()
        };
        let (little, big) = (Endian::Little, Endian::Big);
        // SIGFPE with si_code 1, at 0x1234: a division on Linux, an overflow on FreeBSD.
        let linux = target("GNU/Linux", "aarch64", little, 8);
        let info = SigInfo::parse(&linux, &words(&[8, 0, 1, 0, 0x1234, 0], little)).expect("whole");
        assert_eq!((info.addr, info.sent), (0x1234, false));
        assert_eq!(
            info.fault_words(&linux, "FPE"),
            Some("integer division by zero")
        );
        let mips = target("GNU/Linux", "mips", big, 4);
        let info = SigInfo::parse(&mips, &words(&[11, 2, 0, 0x1234, 0], big)).expect("whole");
        assert_eq!((info.code, info.addr), (2, 0x1234));
        let freebsd = target("FreeBSD", "aarch64", little, 8);
        let info = [8, 0, 1, 0, 0, 0, 0x1234, 0];
        let info = SigInfo::parse(&freebsd, &words(&info, little)).expect("whole");
        assert!(info.is_fault("FPE") && info.addr == 0x1234);
        assert_eq!(info.fault_words(&freebsd, "FPE"), Some("integer overflow"));
        // Sent by thr_kill (SI_LWP) of process 77, on a 32-bit big-endian machine.
        let freebsd = target("FreeBSD", "mips", big, 4);
        let info = [6, 0, 0x10007, 77, 1001, 0, 0];
        let info = SigInfo::parse(&freebsd, &words(&info, big)).expect("whole");
        assert_eq!((info.sent, info.sender), (true, (77, 1001)));
        assert_eq!(SigInfo::parse(&freebsd, &[0; 20]), None);
    }
}
