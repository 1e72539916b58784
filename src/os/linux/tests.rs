//! The tables against what C compilers say of the kernel's headers: `headers/ISA.txt` holds sizes, offsets and constants
//! printed by a C program built with the headers of Linux 7 for each architecture.

use super::{flags, isa, structs, sys};
use crate::abi::{Abi, Dialect, Endian, Errno, FlagTable, GuestStruct, OsAbi, Signal, StructDesc};
use crate::os::{ArgType, Run, Support};

fn struct_named(name: &str) -> Option<&'static StructDesc> {
    Some(match name {
        "struct stat" => structs::Stat::DESC,
        "struct stat64" => structs::Stat64::DESC,
        "struct statfs" => structs::Statfs::DESC,
        "struct statfs64" => structs::Statfs64::DESC,
        "struct termios" => structs::Termios::DESC,
        "struct flock" => structs::Flock::DESC,
        "struct flock64" => structs::Flock64::DESC,
        "struct epoll_event" => structs::EpollEvent::DESC,
        "struct ipc64_perm" => structs::IpcPerm::DESC,
        "struct shmid64_ds" => structs::ShmidDs::DESC,
        "struct semid64_ds" => structs::SemidDs::DESC,
        "struct msqid64_ds" => structs::MsqidDs::DESC,
        "struct timeval" => structs::Timeval::DESC,
        "struct timespec" => structs::Timespec::DESC,
        "struct rusage" => structs::Rusage::DESC,
        "struct rlimit" => structs::Rlimit::DESC,
        "struct sysinfo" => structs::Sysinfo::DESC,
        "struct tms" => structs::Tms::DESC,
        "struct new_utsname" => structs::Utsname::DESC,
        "struct sigaction" => structs::Sigaction::DESC,
        "stack_t" => structs::Stack::DESC,
        _ => return None,
    })
}

/// Tables in which a constant may be.
fn tables() -> Vec<&'static FlagTable> {
    vec![
        &flags::OPEN,
        &flags::MAP,
        &flags::SA,
        &flags::SIG_HOW,
        &flags::POLL,
        &flags::RLIMIT,
        &flags::SOL,
        &flags::LOCK_TYPE,
        &flags::EPOLL_CREATE,
        &flags::TERM_IFLAG,
        &flags::TERM_OFLAG,
        &flags::TERM_CFLAG,
        &flags::TERM_LFLAG,
        &sys::file::FCNTL_CMD,
        &sys::ioctl::NAMES,
        &sys::sockopt::SO,
    ]
}

/// Lines that no table answers, and why.
const UNCHECKED: &[&str] = &[
    // The C types themselves.
    "sizeof long",
    "sizeof void*",
    // c_cc is a field for each character here; their places are checked by VINTR and its like.
    "NCCS",
    "struct termios.c_cc",
    "struct termios.c_cc#",
    // Masks of more than one bit, which the tables have as fields.
    "CBAUD",
    "CBAUDEX",
    "CSIZE",
    // Checked by the tests of siginfo and signals.
    "sizeof siginfo_t",
    "sizeof sigset_t",
    "SIGRTMIN",
    "SIGRTMAX",
    "RLIM_INFINITY",
    "MINSIGSTKSZ",
    // The kernel's name for what fcntl(2) calls O_ASYNC.
    "FASYNC",
    // Linux 5.19 moved l_pid of o32 by a mistake in its headers; every libc, and so every program, has it where it was.
    "struct flock.l_pid",
    // The host's structure has room at the end that this one's last field does not count.
    "struct sigaction.sa_mask#",
    "sizeof struct sigaction",
];

/// The value that our tables give for a line of the file.
fn ours(a: OsAbi, name: &str) -> Option<i64> {
    if let Some(tag) = name.strip_prefix("sizeof ") {
        return Some(struct_named(tag)?.size(a) as i64);
    }
    if let Some((tag, field)) = name.split_once('.') {
        if tag == "siginfo_t" {
            return None;
        }
        let desc = struct_named(tag)?;
        let (field, size) = match field.strip_suffix('#') {
            Some(f) => (f, true),
            None => (field, false),
        };
        let (at, f) = desc.offsets(a).find(|(_, f)| f.name == field)?;
        let value = if size {
            f.kind.size(a) * usize::from(f.count)
        } else {
            at
        };
        return Some(value as i64);
    }
    // Places in c_cc.
    if name.starts_with('V') && name.chars().all(|c| c.is_ascii_uppercase()) {
        let desc = structs::Termios::DESC;
        let at = desc.offset(a, &name.to_lowercase())?;
        return Some(at as i64 - 17);
    }
    if name.starts_with("SIG") && !name.starts_with("SIG_") {
        let n = (1..=Signal::count(a.dialect)).find(|&n| {
            let s = Signal::from_guest(a.dialect, n).expect("every number is a signal");
            // What is SIGSTKFLT elsewhere is SIGEMT on MIPS.
            s.name() == name || (name == "SIGEMT" && s.name() == "SIGSTKFLT")
        })?;
        return Some(n.into());
    }
    if name.starts_with('E') && !name.starts_with("EPOLL") && name != "ECHO" && name != "ECHONL" {
        let e = (1..200).map(Errno).find(|e| e.name() == name)?;
        return Some(e.to_guest(a.dialect).into());
    }
    tables()
        .iter()
        .find_map(|t| t.by_name(name, a.dialect))
        .map(|v| v as i64)
}

fn compare(a: OsAbi, text: &str, isa: &str) -> usize {
    let mut checked = 0;
    for line in text.lines() {
        let (name, value) = line.rsplit_once(" = ").expect("name = value");
        let moved = name == "struct flock.l_pid" && !a.is_o32();
        if (UNCHECKED.contains(&name) && !moved) || name.starts_with("siginfo_t") {
            continue;
        }
        let value: i64 = value.parse().expect("a number");
        let Some(ours) = ours(a, name) else {
            // A 64-bit guest's stat64 and flock64 are its stat and flock.
            panic!("{isa}: nothing for {name} = {value}");
        };
        // Numbers with the top bit set are printed as negative ints.
        assert_eq!(ours as u32, value as u32, "{isa}: {name}");
        checked += 1;
    }
    checked
}

#[test]
fn structures_and_constants_are_those_of_the_headers() {
    let riscv64 = OsAbi {
        abi: Abi {
            endian: Endian::Little,
            word: 8,
            align64: 8,
            even_pairs: false,
        },
        dialect: Dialect::Generic,
    };
    let n = compare(
        isa::AARCH64.abi,
        include_str!("headers/aarch64.txt"),
        "aarch64",
    ) + compare(isa::MIPS.abi, include_str!("headers/mips-o32.txt"), "mips")
        + compare(
            isa::MIPSEL.abi,
            include_str!("headers/mips-o32.txt"),
            "mipsel",
        )
        + compare(OsAbi::HOST, include_str!("headers/x86_64.txt"), "x86_64")
        + compare(riscv64, include_str!("headers/riscv64.txt"), "riscv64");
    assert!(n > 1200, "only {n} lines were compared");
}

#[test]
fn number_tables_are_complete() {
    // Calls of AArch64 and o32 in Linux 7: scripts/syscall.tbl, syscall_o32.tbl without the unused and reserved.
    let count = |isa: &isa::LinuxIsa| isa.numbers.iter().flatten().count();
    assert_eq!(count(&isa::AARCH64), 327);
    assert_eq!(count(&isa::MIPS), 437);
    let number = |isa: &isa::LinuxIsa, name: &str| {
        isa.numbers
            .iter()
            .position(|r| r.is_some_and(|r| r.name == name))
    };
    assert_eq!(number(&isa::AARCH64, "openat"), Some(56));
    assert_eq!(number(&isa::AARCH64, "rseq_slice_yield"), Some(471));
    assert_eq!(number(&isa::MIPS, "openat"), Some(288));
    assert_eq!(number(&isa::MIPS, "futex_time64"), Some(422));
}

#[test]
fn every_row_has_a_number_and_says_what_it_is() {
    for row in sys::all_rows() {
        let used = isa::ALL
            .iter()
            .any(|i| i.numbers.iter().flatten().any(|r| std::ptr::eq(*r, row)));
        // x86-64 and other guests to come have these.
        let later = ["epoll_pwait_time64"].contains(&row.name);
        assert!(used || later, "{} has no number", row.name);
        let missing = matches!(row.run, Run::Missing);
        assert_eq!(missing, row.support == Support::Missing, "{}", row.name);
        // A call made by its types alone has no argument that only a handler understands.
        if let Run::Pass(_) | Run::Wait(_) = row.run {
            for arg in row.args {
                let plain = !matches!(
                    arg.ty,
                    ArgType::Strings
                        | ArgType::SigInfo(_)
                        | ArgType::Msghdr(_)
                        | ArgType::Mmsghdrs(..)
                );
                assert!(plain, "{}: {}", row.name, arg.name);
            }
        }
    }
}

#[test]
fn wide_arguments_take_even_pairs() {
    // pread64(fd, buf, count, [pad,] offset): o32 has the offset at sp+16 and sp+20.
    let row = &sys::rows::pread64;
    let raw = [3, 0x1000, 100, 0xdead, 1, 2, 0, 0];
    assert_eq!(row.arguments(isa::MIPS.abi, &raw)[3], 1 << 32 | 2);
    assert_eq!(row.arguments(isa::MIPSEL.abi, &raw)[3], 2 << 32 | 1);
    let raw = [3, 0x1000, 100, 1 << 40, 0, 0, 0, 0];
    assert_eq!(row.arguments(isa::AARCH64.abi, &raw)[3], 1 << 40);
    // sync_file_range(fd, [pad,] offset, nbytes, flags): seven words.
    let row = &sys::rows::sync_file_range;
    let raw = [3, 0, 0, 1, 0, 2, 4, 0];
    assert_eq!(row.arguments(isa::MIPS.abi, &raw)[..4], [3, 1, 2, 4]);
    // A negative int is negative, an address is not.
    let row = &sys::rows::openat;
    let raw = [0xffff_ff9c, 0x8000_0000, 0, 0, 0, 0, 0, 0];
    let args = row.arguments(isa::MIPS.abi, &raw);
    assert_eq!((args[0] as i64, args[1]), (-100, 0x8000_0000));
}

#[test]
fn a_structure_survives_the_way_there_and_back() {
    let stat = structs::Stat64 {
        st_dev: 0x801,
        st_ino: 0x1234_5678_9abc,
        st_mode: 0o100644,
        st_nlink: 2,
        st_size: 1 << 40,
        st_mtime: 1_000_000_000,
        ..structs::Stat64::default()
    };
    for a in [isa::MIPS.abi, isa::MIPSEL.abi] {
        let bytes = stat.write(a).expect("everything fits");
        assert_eq!(structs::Stat64::read(a, &bytes), Ok(stat));
    }
    let big = structs::Stat {
        st_size: 1 << 40,
        ..structs::Stat::default()
    };
    assert!(big.write(isa::MIPS.abi).is_err(), "EOVERFLOW");
    // The kernel's termios of MIPS has VMIN and VEOF elsewhere, and IEXTEN another bit.
    let termios = structs::Termios {
        c_lflag: 0x8000,
        vmin: 1,
        veof: 4,
        ..structs::Termios::default()
    };
    let bytes = termios.write(isa::MIPS.abi).expect("everything fits");
    assert_eq!((bytes[17 + 4], bytes[17 + 16]), (1, 4));
    assert_eq!(bytes[12..16], [0, 0, 1, 0]);
}
