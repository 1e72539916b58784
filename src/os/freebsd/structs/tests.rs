//! Layouts against what compilers made of FreeBSD 13.2's headers: `headers/ISA.txt` holds `sizeof` and `offsetof`.

use super::*;
use crate::abi::{GuestStruct, StructDesc};
use crate::os::freebsd::{isa, siginfo};
use std::collections::HashMap;

/// `struct NAME = size`, `struct NAME.FIELD = offset`.
fn facts(text: &'static str) -> HashMap<&'static str, usize> {
    text.lines()
        .filter_map(|line| {
            let (name, value) = line.split_once(" = ")?;
            Some((name, value.parse().ok()?))
        })
        .collect()
}

/// The name in the header of a field that has another one here.
fn header_name(field: &str) -> &str {
    match field {
        "st_atime" => "st_atim",
        "st_mtime" => "st_mtim",
        "st_ctime" => "st_ctim",
        "st_birthtime" => "st_birthtim",
        field => field.strip_prefix("_st").unwrap_or(field),
    }
}

fn check(a: OsAbi, text: &'static str) {
    let facts = facts(text);
    let mut compared = 0;
    let mut compare = |desc: &StructDesc, tag: &str| {
        assert_eq!(
            facts.get(format!("sizeof {tag}").as_str()),
            Some(&desc.size(a)),
            "size of {tag}"
        );
        for (at, field) in desc.offsets(a) {
            let name = format!("{tag}.{}", header_name(field.name));
            if let Some(offset) = facts.get(name.as_str()) {
                assert_eq!(*offset, at, "{name}");
                compared += 1;
            }
        }
    };
    compare(Timespec::DESC, "struct timespec");
    compare(Timeval::DESC, "struct timeval");
    compare(Itimerval::DESC, "struct itimerval");
    compare(Stat::DESC, "struct stat");
    compare(Statfs::DESC, "struct statfs");
    compare(Rusage::DESC, "struct rusage");
    compare(WRusage::DESC, "struct __wrusage");
    compare(Rlimit::DESC, "struct rlimit");
    compare(Sigaction::DESC, "struct sigaction");
    compare(Stack::DESC, "stack_t");
    compare(ThrParam::DESC, "struct thr_param");
    compare(Kevent::DESC, "struct kevent");
    compare(Pollfd::DESC, "struct pollfd");
    compare(UmtxTime::DESC, "struct _umtx_time");
    compare(Flock::DESC, "struct flock");
    compare(Msghdr::DESC, "struct msghdr");
    compare(Itimerspec::DESC, "struct itimerspec");
    compare(IpcPerm::DESC, "struct ipc_perm");
    compare(ShmidDs::DESC, "struct shmid_ds");
    compare(SemidDs::DESC, "struct semid_ds");
    compare(MsqidDs::DESC, "struct msqid_ds");
    compare(Sigevent::DESC, "struct sigevent");
    assert!(compared > 40, "only {compared} offsets were compared");
    assert_eq!(facts["sizeof siginfo_t"], siginfo::size(a));
}

#[test]
fn layouts_are_those_of_the_headers() {
    check(isa::AARCH64.abi, include_str!("../headers/aarch64.txt"));
    check(isa::MIPS.abi, include_str!("../headers/mips.txt"));
    check(isa::MIPSEL.abi, include_str!("../headers/mips.txt"));
}

#[test]
fn the_older_event_has_no_extension() {
    assert_eq!(Kevent11::DESC.size(isa::AARCH64.abi), 32);
    assert_eq!(Kevent11::DESC.size(isa::MIPS.abi), 20);
    assert_eq!(Kevent11::DESC.offset(isa::MIPS.abi, "udata"), Some(16));
}

/// Those that no header of 13.2 has: what the headers' declarations give with 64-bit words.
#[test]
fn layouts_of_earlier_releases() {
    let a = isa::AARCH64.abi;
    let check = |desc: &StructDesc, fields: &[(&str, usize)], size| {
        for (field, offset) in fields {
            assert_eq!(
                desc.offset(a, field),
                Some(*offset),
                "{}.{field}",
                desc.name
            );
        }
        assert_eq!(desc.size(a), size, "{}", desc.name);
    };
    check(
        Stat11::DESC,
        &[
            ("st_mode", 8),
            ("st_atime", 24),
            ("st_size", 72),
            ("st_birthtime", 104),
        ],
        120,
    );
    check(
        NStat::DESC,
        &[("st_atime", 32), ("st_size", 80), ("st_birthtime", 112)],
        128,
    );
    check(
        Statfs11::DESC,
        &[
            ("f_namemax", 184),
            ("f_fstypename", 280),
            ("f_mntfromname", 296),
            ("f_mntonname", 384),
        ],
        472,
    );
    check(
        SfHdtr::DESC,
        &[("hdr_cnt", 8), ("trailers", 16), ("trl_cnt", 24)],
        32,
    );
}
