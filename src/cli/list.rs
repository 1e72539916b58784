//! `--list`: what is covered, from the tables that do the work.

use super::Failure;
use crate::isa::{aarch64, mips};
use crate::os::{freebsd, linux};
use emu_stub::features::{Place, TERMS};
use emu_stub::packets::{Documented, PACKETS, Support};

/// The text for `--list what --os os`.
pub fn list(what: &str, os: Option<&str>) -> Result<String, Failure> {
    match (what, os.unwrap_or("linux")) {
        ("guests", _) => Ok(guests()),
        ("insns", _) => Ok(insns()),
        ("syscalls", "linux") => Ok(syscalls()),
        ("syscalls", "freebsd") => Ok(freebsd_syscalls()),
        ("ioctls", "linux") => Ok(ioctls()),
        ("ioctls", "freebsd") => Ok(freebsd_ioctls()),
        ("sysctls", _) => Ok(sysctls()),
        ("packets", _) => Ok(packets()),
        ("syscalls" | "ioctls", os) => Err(Failure::usage(format!(
            "--os knows linux and freebsd, not '{os}'"
        ))),
        _ => Err(Failure::usage(format!(
            "--list knows guests, insns, syscalls, ioctls, sysctls and packets, not '{what}'"
        ))),
    }
}

fn guests() -> String {
    String::from(
        "aarch64  Linux  64-bit little-endian, Armv8.0-A with the extensions in HWCAP (see --list insns)\n\
         mips     Linux  32-bit big-endian, o32, MIPS32 release 2 with FPU (FR=0 and FR=1)\n\
         mipsel   Linux  32-bit little-endian, o32, MIPS32 release 2 with FPU (FR=0 and FR=1)\n\
         aarch64  FreeBSD  13.2 and later; what is covered: --list syscalls --os freebsd, --list sysctls\n\
         mips     FreeBSD  13.2, o32 big-endian, with FPU (FR=0)\n\
         mipsel   FreeBSD  13.2, o32 little-endian, with FPU (FR=0)\n",
    )
}

/// Each decode row: guest, instruction, architecture feature, encoding.
fn insns() -> String {
    let mut text = String::new();
    for row in aarch64::rows() {
        let feature = row.feature.name();
        text += &format!("aarch64  {:<40} {feature:<12} {}\n", row.name, row.pattern);
    }
    for row in mips::rows() {
        text += &format!("mips     {:<28} {}\n", row.name, row.pattern);
    }
    text
}

/// Each system call: its numbers, what works, its arguments.
fn syscalls() -> String {
    let number = |isa: &linux::isa::LinuxIsa, name: &str| {
        let at = isa
            .numbers
            .iter()
            .position(|r| r.is_some_and(|r| r.name == name));
        at.map_or("-".to_owned(), |n| {
            (n as u64 + isa.first_number).to_string()
        })
    };
    let mut rows: Vec<_> = linux::sys::all_rows().collect();
    rows.sort_by_key(|r| r.name);
    let mut text = format!(
        "{:<28} {:>7} {:>5}  support\n",
        "system call", "aarch64", "mips"
    );
    for row in rows {
        let args: Vec<&str> = row.args.iter().map(|a| a.name).collect();
        text += &format!(
            "{:<28} {:>7} {:>5}  {:<8} ({})\n",
            row.name,
            number(&linux::isa::AARCH64, row.name),
            number(&linux::isa::MIPS, row.name),
            row.support.to_string(),
            args.join(", ")
        );
    }
    text
}

/// Each FreeBSD call, by number.
fn freebsd_syscalls() -> String {
    let mut text = format!("{:>6} {:<28} support\n", "number", "system call");
    for (number, row) in freebsd::nr::NUMBERS.iter().enumerate() {
        let Some(row) = row else { continue };
        let args: Vec<&str> = row.args.iter().map(|a| a.name).collect();
        text += &format!(
            "{number:>6} {:<28} {:<8} ({})\n",
            row.name,
            row.support.to_string(),
            args.join(", ")
        );
    }
    text
}

/// Each FreeBSD sysctl that answers: its number, its format, what it is.
fn sysctls() -> String {
    let mut text = String::new();
    for node in freebsd::sysctl::NODES {
        let mib: Vec<String> = node.mib.iter().map(i32::to_string).collect();
        let (_, format) = node.value.format();
        text += &format!(
            "{:<38} {:<16} {format:<16} {}\n",
            node.name,
            mib.join("."),
            node.description
        );
    }
    text
}

/// Each `ioctl` request.
fn ioctls() -> String {
    let mut text = String::new();
    for (flag, row) in linux::sys::ioctl::NAMES.all().zip(linux::sys::ioctl::ROWS) {
        text += &format!(
            "{:<20} {:#010x} mips {:#010x}  {}\n",
            row.name,
            flag.host,
            flag.value(crate::abi::Dialect::Mips),
            row.support
        );
    }
    text
}

/// Each request of FreeBSD's: numbers with words of 64 and 32 bits, what its argument points to, whether it is carried out.
fn freebsd_ioctls() -> String {
    let mut text = String::new();
    for row in freebsd::ioctl::rows() {
        let support = if row.run.is_some() { "full" } else { "missing" };
        let line = format!(
            "{:<24} {:#010x} {:#010x}  {support:<8} {}",
            row.name, row.request, row.request_32, row.pointee
        );
        text += line.trim_end();
        text += "\n";
    }
    text
}

/// Each packet of gdb's and lldb's documentation: whether the server of `-g` answers it, its limits, or why not. Then what these
/// have in them.
fn packets() -> String {
    let mut text = format!("{:<36} {:<5} {:<8} note\n", "packet", "whose", "support");
    for p in PACKETS {
        text += &packet_line(p.name, p.documented, p.support, p.note);
    }
    for (place, heading) in [
        (Place::Feature, "feature of qSupported"),
        (Place::Stop, "stop reply, or key in one"),
        (Place::Action, "action of vCont"),
        (Place::Breakpoint, "breakpoint of Z"),
    ] {
        text += &format!("\n{heading:<36} {:<5} {:<8} note\n", "whose", "support");
        for t in TERMS.iter().filter(|t| t.place == place) {
            text += &packet_line(t.name, t.documented, t.support, t.note);
        }
    }
    text
}

fn packet_line(name: &str, whose: Documented, support: Support, note: &str) -> String {
    let whose = match whose {
        Documented::Gdb => "gdb",
        Documented::Lldb => "lldb",
    };
    let support = match support {
        Support::Yes => "yes",
        Support::Partial => "partial",
        Support::No => "no",
    };
    let line = format!("{name:<36} {whose:<5} {support:<8} {note}");
    format!("{}\n", line.trim_end())
}
