//! `ioctl`: one table of requests, and what their numbers tell of those that are not in it.

mod table;

pub use table::{Ioctl, NAMES, ROWS};

use crate::abi::{Dialect, Endian, Errno, GuestStruct, Kind, OsAbi, SysResult};
use crate::host::nr::*;
use crate::os::linux::structs::*;
use crate::os::{ADDR, ArgType, Call, Dir, Len, Support, ints};
use crate::process::Unimplemented;

/// The parts that a request's number is made of (`asm/ioctl.h`). MIPS has one bit for each direction, one of them for none, and
/// 13 bits for the size; the others have two bits and 14.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Parts {
    /// The kernel writes.
    read: bool,
    /// The kernel reads.
    write: bool,
    ty: u8,
    number: u8,
    size: u64,
}

impl Parts {
    fn of(dialect: Dialect, request: u64) -> Parts {
        let (read, write, size) = match dialect {
            Dialect::Mips => (request >> 30 & 1, request >> 31 & 1, request >> 16 & 0x1fff),
            _ => (request >> 31 & 1, request >> 30 & 1, request >> 16 & 0x3fff),
        };
        Parts {
            read: read != 0,
            write: write != 0,
            ty: (request >> 8) as u8,
            number: request as u8,
            size,
        }
    }

    /// The host's request of these parts.
    fn host(self) -> u64 {
        u64::from(self.read) << 31
            | u64::from(self.write) << 30
            | (self.size & 0x3fff) << 16
            | u64::from(self.ty) << 8
            | u64::from(self.number)
    }

    fn direction(self) -> &'static str {
        match (self.read, self.write) {
            (false, false) => "none",
            (true, false) => "read",
            (false, true) => "write",
            (true, true) => "read/write",
        }
    }
}

/// Requests whose number has the length of the caller's buffer in it: name, type, first and last number, whether the bytes have
/// no byte order.
const SIZED: &[(&str, u8, u8, u8, bool)] = &[
    ("EVIOCGNAME", b'E', 0x06, 0x06, true),
    ("EVIOCGPHYS", b'E', 0x07, 0x07, true),
    ("EVIOCGUNIQ", b'E', 0x08, 0x08, true),
    // Bits in words of `long`.
    ("EVIOCGPROP", b'E', 0x09, 0x09, false),
    ("EVIOCGKEY", b'E', 0x18, 0x18, false),
    ("EVIOCGLED", b'E', 0x19, 0x19, false),
    ("EVIOCGSND", b'E', 0x1a, 0x1a, false),
    ("EVIOCGSW", b'E', 0x1b, 0x1b, false),
    ("EVIOCGBIT", b'E', 0x20, 0x3f, false),
    ("JSIOCGNAME", b'j', 0x13, 0x13, true),
    ("HIDIOCGRAWNAME", b'H', 0x04, 0x04, true),
    ("HIDIOCGRAWPHYS", b'H', 0x05, 0x05, true),
    ("UI_GET_SYSNAME", b'U', 0x2c, 0x2c, true),
];

/// What the types of requests stand for (Documentation/userspace-api/ioctl/ioctl-number.rst of the kernel).
const GROUPS: &[(u8, &str)] = &[
    (0x02, "floppy disks"),
    (0x03, "hard disks, linux/hdreg.h"),
    (0x07, "I2C, linux/i2c-dev.h"),
    (0x12, "block devices, linux/fs.h"),
    (0x22, "SCSI, scsi/sg.h"),
    (b'$', "performance counters, linux/perf_event.h"),
    (b'!', "seccomp notifications, linux/seccomp.h"),
    (b';', "VFIO, linux/vfio.h"),
    (b'A', "sound, sound/asound.h"),
    (b'B', "Bluetooth or initial RAM disks"),
    (b'C', "CAPI or mixers of sound cards"),
    (b'D', "DASD disks"),
    (b'E', "input devices, linux/input.h"),
    (b'F', "frame buffers, linux/fb.h"),
    (b'H', "HID devices, linux/hidraw.h"),
    (b'I', "InfiniBand or ISDN"),
    (b'K', "keyboards, linux/kd.h"),
    (b'L', "loop devices, linux/loop.h"),
    (
        b'M',
        "memory devices, mtd/mtd-abi.h, or mixers, linux/soundcard.h",
    ),
    (b'N', "NVMe, linux/nvme_ioctl.h"),
    (b'P', "sound, linux/soundcard.h"),
    (b'R', "random numbers, linux/random.h"),
    (b'S', "CD-ROMs, linux/cdrom.h, or SCSI"),
    (
        b'T',
        "terminals, asm/ioctls.h, tun devices or timers of sound cards",
    ),
    (
        b'U',
        "USB, linux/usbdevice_fs.h, uinput or mixers of sound cards",
    ),
    (
        b'V',
        "virtual terminals, linux/vt.h, or video, linux/videodev2.h",
    ),
    (b'W', "watchdogs, linux/watchdog.h, or MIDI"),
    (b'X', "XFS and other file systems, linux/fs.h"),
    (b'a', "ATM or security modules"),
    (b'b', "DMA buffers, linux/dma-buf.h"),
    (b'd', "graphics, drm/drm.h, or directories of file systems"),
    (b'f', "file systems, linux/fs.h"),
    (b'j', "joysticks, linux/joystick.h"),
    (b'k', "SPI, linux/spi/spidev.h"),
    (b'm', "tapes, linux/mtio.h"),
    (b'o', "DVB or UBI"),
    (b'p', "clocks, linux/rtc.h, or parallel ports"),
    (b'q', "telephony"),
    (b'r', "FAT file systems, linux/msdos_fs.h"),
    (b's', "sockets"),
    (b't', "terminals, asm/ioctls.h, or PPP, linux/ppp-ioctl.h"),
    (b'v', "file systems, linux/ext2_fs.h"),
    (0x89, "sockets, linux/sockios.h"),
    (0x8b, "wireless networks, linux/wireless.h"),
    (0x93, "autofs, linux/auto_fs.h"),
    (0x94, "Btrfs and copies of files, linux/btrfs.h, linux/fs.h"),
    (0x99, "memory of other processes"),
    (0xaa, "page faults in user space, linux/userfaultfd.h"),
    (0xab, "network block devices, linux/nbd.h"),
    (0xae, "virtual machines, linux/kvm.h"),
    (0xaf, "vhost, linux/vhost.h"),
    (0xb3, "memory cards, linux/mmc/ioctl.h"),
    (0xb4, "GPIO, linux/gpio.h"),
    (0xb7, "namespaces, linux/nsfs.h"),
    (0xe5, "FUSE, linux/fuse.h"),
    (0xfd, "device mapper, linux/dm-ioctl.h"),
];

/// Describes a request that is not in the table as far as its number tells.
fn describe(a: OsAbi, request: u64) -> String {
    let parts = Parts::of(a.dialect, request);
    let ty = match parts.ty {
        c @ 0x20..=0x7e => format!("'{}'", char::from(c)),
        c => format!("{c:#x}"),
    };
    let group = GROUPS
        .iter()
        .find(|(t, _)| *t == parts.ty)
        .map_or(String::new(), |(_, group)| format!(" ({group})"));
    format!(
        "{request:#x}: direction {}, type {ty}{group}, number {:#x}, size {}",
        parts.direction(),
        parts.number,
        parts.size
    )
}

/// What is known of a request: its name, the host's number, what the argument is, whether it works.
struct Known {
    name: &'static str,
    host: u64,
    arg: ArgType,
    support: Support,
}

fn known(a: OsAbi, request: u64) -> Option<Known> {
    let found = NAMES
        .all()
        .zip(ROWS)
        .find(|(flag, _)| flag.value(a.dialect) == request);
    if let Some((flag, row)) = found {
        return Some(Known {
            name: row.name,
            host: flag.host,
            arg: row.arg,
            support: row.support,
        });
    }
    let parts = Parts::of(a.dialect, request);
    if (parts.read, parts.write) != (true, false) {
        return None;
    }
    // struct input_absinfo: six numbers.
    if parts.ty == b'E' && (0x40..0x80).contains(&parts.number) {
        return Some(Known {
            name: "EVIOCGABS",
            host: parts.host(),
            arg: ints(Dir::Out, 6),
            support: Support::Full,
        });
    }
    let &(name, _, _, _, plain) = SIZED.iter().find(|(_, ty, first, last, _)| {
        *ty == parts.ty && (*first..=*last).contains(&parts.number)
    })?;
    let works = plain || a.abi.endian == Endian::Little;
    Some(Known {
        name,
        host: parts.host(),
        arg: if works {
            ArgType::Buf(Dir::Out, Len::Const(parts.size as u32))
        } else {
            ADDR
        },
        support: if works {
            Support::Full
        } else {
            Support::Missing
        },
    })
}

/// The type of `ioctl`'s third argument.
pub fn argument(args: &[u64], a: OsAbi) -> ArgType {
    known(a, args[1]).map_or(ADDR, |k| k.arg)
}

/// A request's name, if it has one.
pub fn name(a: OsAbi, request: u64) -> Option<&'static str> {
    known(a, request).map(|k| k.name)
}

pub(super) fn control(call: &mut Call<'_>) -> SysResult {
    let request = call.arg(1);
    let known = known(call.abi, request);
    let Some(known) = known.as_ref().filter(|k| k.support != Support::Missing) else {
        let parts = Parts::of(call.abi.dialect, request);
        let what = match &known {
            Some(k) => k.name.to_owned(),
            None => describe(call.abi, request),
        };
        let input = if parts.write {
            call.peek(call.arg(2), parts.size)
        } else {
            Vec::new()
        };
        call.report_unimplemented(Unimplemented {
            what,
            size: (parts.size != 0).then_some(parts.size),
            input,
            ..Unimplemented::default()
        });
        return Err(Errno::ENOTTY);
    };
    if known.name == "SIOCGIFCONF" {
        return interfaces(call);
    }
    // MIPS programs get at the low 32 bits of a request only; so does the host's kernel.
    let args = [call.arg(0), known.host, call.arg(2), 0, 0, 0];
    crate::os::pass_as(call, SYS_ioctl, true, args, 2, known.arg)
}

/// `SIOCGIFCONF`: addresses of interfaces, in records whose length depends on the word size; without a buffer, their length.
fn interfaces(call: &mut Call<'_>) -> SysResult {
    let a = call.abi;
    let at = call.arg(2);
    let conf: Ifconf = call.read_struct(at)?;
    let (guest, host) = (IfreqAddr::DESC.size(a), IfreqAddr::DESC.size(OsAbi::HOST));
    let room = if conf.ifc_buf.0 == 0 {
        0
    } else {
        (conf.ifc_len.max(0) as usize / guest).min(4096)
    };
    let mut records = vec![0u8; room * host];
    let buffer = if conf.ifc_buf.0 == 0 {
        0
    } else {
        records.as_mut_ptr() as u64
    };
    let mut header = [0u8; 16];
    header[..4].copy_from_slice(&((room * host) as u32).to_le_bytes());
    header[8..].copy_from_slice(&buffer.to_le_bytes());
    let args = [call.arg(0), 0x8912, header.as_mut_ptr() as u64, 0, 0, 0];
    let result = call.host(SYS_ioctl, args)?;
    let n = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize / host;
    let mut out = vec![0; n * guest];
    if buffer != 0 {
        for (from, to) in records.chunks(host).zip(out.chunks_mut(guest)) {
            crate::abi::convert(IfreqAddr::DESC, OsAbi::HOST, from, a, to)?;
        }
        call.write_bytes(conf.ifc_buf.0, &out)?;
    }
    call.write_int(at, Kind::I32, (n * guest) as u64)?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_unique_in_each_dialect() {
        for d in [Dialect::X86, Dialect::Mips] {
            let mut numbers: Vec<u64> = NAMES.all().map(|f| f.value(d)).collect();
            numbers.sort_unstable();
            let n = numbers.len();
            numbers.dedup();
            assert_eq!(numbers.len(), n, "{d:?}");
        }
        assert_eq!(NAMES.all().count(), ROWS.len());
    }

    #[test]
    fn numbers_are_those_of_the_headers() {
        // Printed by a C program that was built with the headers of Linux 6.1 for AArch64 and MIPS.
        let text = include_str!("../../headers/ioctls.txt");
        assert_eq!(text.lines().count(), ROWS.len());
        for (line, flag) in text.lines().zip(NAMES.all()) {
            let mips = flag.value(Dialect::Mips);
            assert_eq!(line, format!("{} {:#x} {mips:#x}", flag.name, flag.host));
        }
        let works = ROWS.iter().filter(|r| r.support == Support::Full).count();
        assert!(works > 250, "{works}");
    }

    #[test]
    fn numbers_are_taken_apart_as_each_dialect_makes_them() {
        let parts = Parts {
            read: true,
            write: false,
            ty: b'E',
            number: 6,
            size: 256,
        };
        assert_eq!(Parts::of(Dialect::Generic, 0x8100_4506), parts);
        assert_eq!(Parts::of(Dialect::Mips, 0x4100_4506), parts);
        assert_eq!(parts.host(), 0x8100_4506);
        let none = Parts::of(Dialect::Mips, 0x2000_125d);
        assert_eq!((none.direction(), none.size), ("none", 0));
        let o32 = crate::os::linux::isa::MIPS.abi;
        assert_eq!(name(o32, 0x4100_4506), Some("EVIOCGNAME"));
        assert_eq!(
            describe(o32, 0xc010_ae77),
            "0xc010ae77: direction read/write, type 0xae (virtual machines, linux/kvm.h), number 0x77, size 16"
        );
    }

    #[test]
    fn sizes_in_mips_numbers_are_those_of_the_structures() {
        let o32 = OsAbi {
            abi: crate::abi::Abi::o32(crate::abi::Endian::Big),
            dialect: Dialect::Mips,
        };
        for (flag, row) in NAMES.all().zip(ROWS) {
            let n = flag.value(Dialect::Mips);
            // The numbers of tun devices speak of an int where the structure is an ifreq.
            if row.name.starts_with("TUN") {
                continue;
            }
            if let (ArgType::Struct(_, desc), true) =
                (row.arg, n >> 29 != 0 && n >> 16 & 0x1fff != 0)
            {
                assert_eq!(desc.size(o32) as u64, n >> 16 & 0x1fff, "{}", row.name);
            }
        }
        assert_eq!(Termios::DESC.size(o32), 40);
    }
}
