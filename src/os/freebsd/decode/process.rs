//! Of processes and threads: contexts, sets of CPUs, priorities, rights of descriptors.

use super::named;
use crate::abi::{Kind, Show};
use crate::os::freebsd::flags as f;
use crate::os::{ArgType, Dir, Len, View};

/// `ucontext_t`: the signal mask and the registers that say where the thread is and goes.
pub fn context(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    // sys/ARCH/include/ucontext.h: mcontext_t follows the mask of 16 bytes.
    const AARCH64: [(&str, u64); 4] = [("pc", 256), ("sp", 248), ("lr", 240), ("x0", 0)];
    // mc_pc, and mc_regs of words from 8 on.
    const MIPS: [(&str, u64); 4] = [
        ("pc", 4),
        ("sp", 8 + 4 * 29),
        ("ra", 8 + 4 * 31),
        ("v0", 8 + 4 * 2),
    ];
    let registers = if v.abi().abi.is_32bit() {
        MIPS
    } else {
        AARCH64
    };
    let mask = v.shown(ArgType::SigSet(Dir::In, Len::Const(16)), at, None)?;
    let mut out = format!("{{uc_sigmask={mask}");
    for (name, offset) in registers {
        let value = v.int(at + 16 + offset, Kind::Ulong)?;
        out += &format!(", {name}={value:#x}");
    }
    Some(out + ", ...}")
}

/// `cpuset_t` of as many bytes as argument 3 says: the CPUs in it.
pub fn cpu_set(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    const MOST: u64 = 1024;
    let word = u64::from(v.abi().abi.word);
    let count = v.arg(3).min(MOST) / word;
    let mut cpus = Vec::new();
    for n in 0..count {
        let bits = v.int(at + n * word, Kind::Ulong)?;
        let set = (0..8 * word).filter(|bit| bits >> bit & 1 != 0);
        cpus.extend(set.map(|bit| (n * 8 * word + bit).to_string()));
    }
    Some(format!("[{}]", cpus.join(" ")))
}

/// `cap_rights_t`: the rights, in each word's order.
pub fn rights(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    // CAP_ALL0 and CAP_ALL1, which include bits without a name.
    const ALL: [u64; 2] = [0x7ff_ffff_ffff, 0x1f_ffff];
    // The version, which is the number of words less two, and the index of each word.
    const HEAD: u64 = 0x7f << 57;
    let words = [v.int(at, Kind::U64)?, v.int(at + 8, Kind::U64)?];
    let bits = words.map(|w| w & !HEAD);
    if bits == ALL {
        return Some("{CAP_ALL}".to_owned());
    }
    let tables = [&f::CAP_FIRST, &f::CAP_SECOND];
    let shown = bits.iter().zip(tables).filter(|(bits, _)| **bits != 0);
    let shown: Vec<String> = shown
        .map(|(bits, table)| v.value(Kind::U64, Show::Flags(table), *bits))
        .collect();
    Some(match shown.is_empty() {
        true => "{CAP_NONE}".to_owned(),
        false => format!("{{{}}}", shown.join("|")),
    })
}

/// The value of `kenv`, which goes in or out by what is asked for.
pub fn environment(what: u64) -> ArgType {
    const GET: i32 = 0;
    const SET: i32 = 1;
    match what as i32 {
        GET => ArgType::Decoded(Dir::Out, super::files::text),
        SET => ArgType::Str,
        3..=5 => ArgType::Buf(Dir::Out, Len::Arg(3)),
        _ => crate::os::ADDR,
    }
}

/// The priority of `rtprio`, which function 0 asks for.
pub fn priority(function: u64) -> ArgType {
    match function as i32 {
        0 => ArgType::Decoded(Dir::Out, show_priority),
        _ => ArgType::Decoded(Dir::In, show_priority),
    }
}

/// `struct rtprio`
fn show_priority(v: &dyn View, at: u64, _: Option<u64>) -> Option<String> {
    let kind = named(v, &f::RTP_PRIO, v.int(at, Kind::U16)?);
    let level = v.int(at + 2, Kind::U16)?;
    Some(format!("{{type={kind}, prio={level}}}"))
}
