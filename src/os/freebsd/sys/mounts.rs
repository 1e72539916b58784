//! File systems that are mounted: `statfs` and its like in the layouts of FreeBSD 12 and 11; what only the superuser may do.
//!
//! A file system that FreeBSD has too goes by its name there. Reads and writes are not counted, as of FreeBSD's own that do not go
//! through its buffers, such as ZFS.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::abi::{Errno, GuestStruct, SysResult, Ulong};
use crate::host::nr::*;
use crate::os::freebsd::decode::files::{file_systems, parameters};
use crate::os::freebsd::flags as f;
use crate::os::freebsd::structs::*;
use crate::os::{
    Call,
    Run::Handler,
    Support::{Full, Stub},
    *,
};

const NOT_PERMITTED: &str = "EPERM, as for all but the superuser";

crate::syscalls! {
    statfs(path: PATH, buf: output::<Statfs>()) -> NUM, Full, Handler(of_path::<Statfs>);
    fstatfs(fd: FD, buf: output::<Statfs>()) -> NUM, Full, Handler(of_descriptor::<Statfs>);
    getfsstat(buf: ArgType::Decoded(Dir::Out, file_systems::<Statfs>), bufsize: LONG, mode: one_of(&f::MNT_MODE)) -> NUM, Full, Handler(all::<Statfs>);
    freebsd11_statfs(path: PATH, buf: output::<Statfs11>()) -> NUM, Full, Handler(of_path::<Statfs11>);
    freebsd11_fstatfs(fd: FD, buf: output::<Statfs11>()) -> NUM, Full, Handler(of_descriptor::<Statfs11>);
    freebsd11_getfsstat(buf: ArgType::Decoded(Dir::Out, file_systems::<Statfs11>), bufsize: LONG, mode: one_of(&f::MNT_MODE)) -> NUM, Full, Handler(all::<Statfs11>);
    mount(r#type: STR, path: PATH, flags: flags(&f::MNT), data: ADDR) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    unmount(path: PATH, flags: flags(&f::MNT)) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    nmount(iovp: ArgType::Decoded(Dir::In, parameters), iovcnt: UINT, flags: flags(&f::MNT)) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    quotactl(path: PATH, cmd: HEX, uid: INT, arg: ADDR) -> NUM, Stub("EOPNOTSUPP, as on a file system without quotas"), Handler(|_| Err(Errno::EOPNOTSUPP));
    acct(path: PATH) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    reboot(opt: flags(&f::REBOOT)) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    swapon(name: STR) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    swapoff(name: STR, flags: HEX) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
    freebsd13_swapoff(name: STR) -> NUM, Stub(NOT_PERMITTED), Handler(|_| Err(Errno::EPERM));
}

/// A line of `/proc/self/mountinfo`.
pub(super) struct Mount {
    on: Vec<u8>,
    from: Vec<u8>,
    kind: Vec<u8>,
}

impl Mount {
    fn all() -> Vec<Mount> {
        let text = std::fs::read("/proc/self/mountinfo").unwrap_or_default();
        text.split(|&b| b == b'\n')
            .filter_map(Mount::parse)
            .collect()
    }

    /// `36 35 98:0 /root /mounted/on rw,noatime master:1 - ext3 /dev/root rw`: after the fifth field optional ones up to a dash.
    fn parse(line: &[u8]) -> Option<Mount> {
        let mut fields = line.split(|&b| b == b' ');
        let on = unescape(fields.nth(4)?);
        let mut rest = fields.skip_while(|f| *f != b"-").skip(1);
        Some(Mount {
            on,
            kind: own_kind(&unescape(rest.next()?)),
            from: unescape(rest.next()?),
        })
    }
}

/// The kinds that are called otherwise on FreeBSD: the host's name, FreeBSD's.
const KINDS: [(&str, &str); 17] = [
    ("9p", "p9fs"),
    ("cifs", "smbfs"),
    ("devtmpfs", "devfs"),
    ("ext2", "ext2fs"),
    ("ext3", "ext2fs"),
    ("ext4", "ext2fs"),
    ("fuse", "fusefs"),
    ("fuseblk", "fusefs"),
    ("iso9660", "cd9660"),
    ("msdos", "msdosfs"),
    ("nfs4", "nfs"),
    ("ntfs3", "ntfs"),
    ("overlay", "unionfs"),
    ("proc", "linprocfs"),
    ("smb3", "smbfs"),
    ("sysfs", "linsysfs"),
    ("vfat", "msdosfs"),
];

/// FreeBSD's name of a kind that the host tells of, which may be a part of another (`fuse.sshfs`).
fn own_kind(host: &[u8]) -> Vec<u8> {
    let (kind, part) = match host.iter().position(|&b| b == b'.') {
        Some(dot) => host.split_at(dot),
        None => (host, &[][..]),
    };
    match KINDS.iter().find(|(name, _)| name.as_bytes() == kind) {
        Some((_, own)) => [own.as_bytes(), part].concat(),
        None => host.to_vec(),
    }
}

/// Whether a kind is of files elsewhere.
fn is_of_network(kind: &[u8]) -> bool {
    let kinds: [&[u8]; 5] = [b"ceph", b"fusefs.sshfs", b"nfs", b"p9fs", b"smbfs"];
    kinds.contains(&kind)
}

/// The kinds of file systems that there are (`vfs.conflist`): the host's, by the names that `statfs` has for them.
pub fn kinds(call: &Call<'_>) -> Vec<u8> {
    // sys/mount.h
    const VFCF_NETWORK: i32 = 0x4_0000;
    const VFCF_SYNTHETIC: i32 = 0x8_0000;
    let mounts = Mount::all();
    // A line is "nodev\tsysfs" or "\text4" (proc(5)).
    let host = proc_text("/proc/filesystems");
    let listed = host.lines().filter_map(|line| line.split_once('\t'));
    let listed = listed.map(|(device, name)| (own_kind(name.as_bytes()), device == "nodev"));
    // Such as "fusefs.sshfs".
    let mounted = mounts.iter().map(|mount| (mount.kind.clone(), true));
    let mut kinds: Vec<(Vec<u8>, bool)> = Vec::new();
    for (name, no_device) in listed.chain(mounted) {
        if !kinds.iter().any(|(known, _)| *known == name) {
            kinds.push((name, no_device));
        }
    }
    let describe = |(n, (name, no_device)): (usize, &(Vec<u8>, bool))| {
        let mounted = mounts.iter().filter(|m| m.kind == *name).count();
        Xvfsconf {
            vfc_vfsops: Ulong(0),
            vfc_name: text(name),
            vfc_typenum: n as i32 + 1,
            vfc_refcount: mounted as i32,
            vfc_flags: match no_device {
                _ if is_of_network(name) => VFCF_NETWORK,
                true => VFCF_SYNTHETIC,
                false => 0,
            },
            vfc_next: Ulong(0),
        }
    };
    let all = kinds.iter().enumerate().map(describe);
    all.flat_map(|kind| kind.write(call.abi).unwrap_or_default())
        .collect()
}

/// Octal escapes of blanks (`proc(5)`).
fn unescape(field: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = field;
    while let Some((&first, after)) = rest.split_first() {
        let digits = after
            .get(..3)
            .filter(|d| first == b'\\' && d.iter().all(u8::is_ascii_digit));
        match digits {
            Some(d) => {
                out.push(
                    d.iter()
                        .fold(0u8, |n, digit| n.wrapping_mul(8).wrapping_add(digit - b'0')),
                );
                rest = &after[3..];
            }
            None => {
                out.push(first);
                rest = after;
            }
        }
    }
    out
}

/// `struct statfs` of the host's kernel (`asm-generic/statfs.h`): 15 words.
pub(super) struct Host([u64; 15]);

impl Host {
    fn ask(call: &mut Call<'_>, number: i64, what: u64) -> SysResult<Host> {
        let mut out = Host([0; 15]);
        call.host(number, [what, out.0.as_mut_ptr() as u64, 0, 0, 0, 0])?;
        Ok(out)
    }

    fn id(&self) -> [u32; 2] {
        [self.0[7] as u32, (self.0[7] >> 32) as u32]
    }

    /// The name of the kind, as far as it is known; "" otherwise.
    fn kind(&self) -> &'static str {
        let known = NAMES.iter().find(|(number, _)| *number == self.0[0]);
        known.map_or("", |(_, name)| name)
    }
}

/// One of the layouts.
pub(super) trait Layout: GuestStruct {
    fn fill(host: &Host, mount: &Mount, owner: u32) -> Self;
}

fn text<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    let n = bytes.len().min(N - 1);
    out[..n].copy_from_slice(&bytes[..n]);
    out
}

/// Flags of a mount (`sys/mount.h`) from the host's (`statfs(2)`): both have read-only, nosuid, noexec and synchronous.
fn mount_flags(host: u64, kind: &[u8]) -> u64 {
    const MNT_LOCAL: u64 = 0x1000;
    let pairs = [(1, 1), (2, 8), (8, 4), (0x10, 2), (0x400, 0x1000_0000)];
    let shared = pairs.iter().filter(|(h, _)| host & h != 0);
    let local = if is_of_network(kind) { 0 } else { MNT_LOCAL };
    shared.fold(local, |all, (_, own)| all | own)
}

impl Layout for Statfs {
    fn fill(host: &Host, mount: &Mount, owner: u32) -> Statfs {
        const VERSION: u32 = 0x2014_0518;
        let [
            kind,
            bsize,
            blocks,
            bfree,
            bavail,
            files,
            ffree,
            _,
            namemax,
            frsize,
            flags,
            ..,
        ] = host.0;
        Statfs {
            f_version: VERSION,
            f_type: kind as u32,
            f_flags: mount_flags(flags, &mount.kind),
            f_bsize: if frsize != 0 { frsize } else { bsize },
            f_iosize: bsize,
            f_blocks: blocks,
            f_bfree: bfree,
            f_bavail: bavail as i64,
            f_files: files,
            f_ffree: ffree as i64,
            f_syncwrites: 0,
            f_asyncwrites: 0,
            f_syncreads: 0,
            f_asyncreads: 0,
            _spare: [0; 10],
            f_namemax: namemax as u32,
            f_owner: owner,
            f_fsid: host.id(),
            _charspare: [0; 80],
            f_fstypename: text(&mount.kind),
            f_mntfromname: text(&mount.from),
            f_mntonname: text(&mount.on),
        }
    }
}

impl Layout for Statfs11 {
    fn fill(host: &Host, mount: &Mount, owner: u32) -> Statfs11 {
        const VERSION: u32 = 0x2003_0518;
        let now = Statfs::fill(host, mount, owner);
        Statfs11 {
            f_version: VERSION,
            f_type: now.f_type,
            f_flags: now.f_flags,
            f_bsize: now.f_bsize,
            f_iosize: now.f_iosize,
            f_blocks: now.f_blocks,
            f_bfree: now.f_bfree,
            f_bavail: now.f_bavail,
            f_files: now.f_files,
            f_ffree: now.f_ffree,
            f_syncwrites: 0,
            f_asyncwrites: 0,
            f_syncreads: 0,
            f_asyncreads: 0,
            _spare: [0; 10],
            f_namemax: now.f_namemax,
            f_owner: owner,
            f_fsid: now.f_fsid,
            _charspare: [0; 80],
            f_fstypename: text(&mount.kind),
            f_mntfromname: text(&mount.from),
            f_mntonname: text(&mount.on),
        }
    }
}

/// Names of kinds of file systems by their numbers (`linux/magic.h` and file systems' own headers).
const NAMES: [(u64, &str); 9] = [
    (0x0102_1994, "tmpfs"),
    (0x2fc1_2fc1, "zfs"),
    (0x5846_5342, "xfs"),
    (0x6573_5546, "fuse"),
    (0x6969, "nfs"),
    (0x794c_7630, "overlay"),
    (0x9123_683e, "btrfs"),
    (0xef53, "ext4"),
    (0xf2f5_2010, "f2fs"),
];

/// The mount that a file is below: the longest, and of these the last, which covers the others. One that the host does not tell of,
/// as behind `chroot`, has at least its kind.
fn mount_of(path: &Path, host: &Host) -> Mount {
    let on_path = |m: &Mount| path.starts_with(Path::new(std::ffi::OsStr::from_bytes(&m.on)));
    Mount::all()
        .into_iter()
        .filter(on_path)
        .max_by_key(|m| m.on.len())
        .unwrap_or(Mount {
            on: b"/".to_vec(),
            from: Vec::new(),
            kind: own_kind(host.kind().as_bytes()),
        })
}

fn of_path<T: Layout>(call: &mut Call<'_>) -> SysResult {
    let path = call.path(0)?;
    let host = Host::ask(call, SYS_statfs, path.as_ptr() as u64)?;
    let name = std::ffi::OsStr::from_bytes(path.as_bytes());
    let mount = mount_of(&std::fs::canonicalize(name).unwrap_or_default(), &host);
    call.write_struct(call.arg(1), &T::fill(&host, &mount, 0))?;
    Ok(0)
}

fn of_descriptor<T: Layout>(call: &mut Call<'_>) -> SysResult {
    tell::<T>(call, call.arg(0), call.arg(1))
}

/// Tells the guest of the file system that a descriptor is of.
pub(super) fn tell<T: Layout>(call: &mut Call<'_>, fd: u64, at: u64) -> SysResult {
    let host = Host::ask(call, SYS_fstatfs, fd)?;
    let link = format!("/proc/self/fd/{}", fd as i32);
    let mount = mount_of(&std::fs::read_link(link).unwrap_or_default(), &host);
    call.write_struct(at, &T::fill(&host, &mount, 0))?;
    Ok(0)
}

/// `f_fsid` of the file system that a descriptor is of.
pub(super) fn id(call: &mut Call<'_>, fd: u64) -> SysResult<[u32; 2]> {
    Ok(Host::ask(call, SYS_fstatfs, fd)?.id())
}

/// Where file systems are mounted.
pub(super) fn places() -> Vec<CString> {
    let mounts = Mount::all().into_iter();
    mounts.filter_map(|mount| cstring(mount.on).ok()).collect()
}

/// Without a buffer, how many there are.
fn all<T: Layout>(call: &mut Call<'_>) -> SysResult {
    const MNT_WAIT: i32 = 1;
    const MNT_NOWAIT: i32 = 2;
    let (at, room) = (call.arg(0), call.arg(1) as i64);
    if room < 0 || !matches!(call.int(2), MNT_WAIT | MNT_NOWAIT) {
        return Err(Errno::EINVAL);
    }
    let mounts = Mount::all();
    if at == 0 {
        return Ok(mounts.len() as u64);
    }
    let size = T::DESC.size(call.abi) as u64;
    let mut count = 0;
    for mount in mounts {
        if (count + 1) * size > room as u64 {
            break;
        }
        let path = cstring(mount.on.clone())?;
        // One that cannot be looked at is left out, as a file system that is gone.
        if let Ok(host) = Host::ask(call, SYS_statfs, path.as_ptr() as u64) {
            call.write_struct(at.wrapping_add(count * size), &T::fill(&host, &mount, 0))?;
            count += 1;
        }
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read_from_the_host() {
        let line = br"36 35 98:0 /mnt1 /mnt\0402 rw,noatime master:1 shared:3 - ext3 /dev/root rw,errors=continue";
        let mount = Mount::parse(line).expect("a mount");
        assert_eq!(mount.on, b"/mnt 2");
        assert_eq!(mount.kind, b"ext2fs");
        assert_eq!(mount.from, b"/dev/root");
        assert!(Mount::parse(b"").is_none());
        assert_eq!(unescape(br"a\0"), br"a\0");
    }

    #[test]
    fn kinds_have_names_without_a_mount() {
        let mut host = Host([0; 15]);
        assert_eq!(host.kind(), "");
        host.0[0] = 0xef53;
        assert_eq!(mount_of(Path::new("relative"), &host).kind, b"ext2fs");
        assert_eq!(own_kind(b"fuse.sshfs"), b"fusefs.sshfs");
        assert_eq!(own_kind(b"btrfs"), b"btrfs");
    }

    #[test]
    fn flags_are_those_of_the_header() {
        // MNT_LOCAL, MNT_RDONLY, MNT_NOSUID
        assert_eq!(mount_flags(1 | 2, b"tmpfs"), 0x1000 | 1 | 8);
        assert_eq!(mount_flags(0, b"nfs"), 0);
    }
}
