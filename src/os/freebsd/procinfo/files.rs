//! Files that processes have open, as `kern.proc.filedesc` and `kern.file` tell of them.
//!
//! Source: `sys/user.h`, `sys/file.h`; `kern_descrip.c` for which field says what (as facts).

use super::{bytes_of, with_path};
use crate::abi::{Dialect, GuestStruct, OsAbi, Show};
use crate::host::sockets::{Socket, by_inode};
use crate::host::{self, nr};
use crate::os::freebsd::flags as f;
use crate::os::{ProcStat, convert_sockaddr, numbers_in, proc_text, status_field};
use crate::process::Process;
use std::cell::LazyCell;
use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileTypeExt, MetadataExt};

crate::guest_struct! {
    /// `struct kinfo_file`, with the part of its union that is about a file in a file system.
    pub struct KinfoFile("kinfo_file") {
        kf_structsize: i32 as Show::Detail, kf_type: i32 as Show::Flags(&f::KF_TYPE), kf_fd: i32, kf_ref_count: i32, kf_flags: i32 as Show::Flags(&f::KF_FLAG), _pad0: i32, kf_offset: i64,
        kf_file_type: i32 as Show::Flags(&f::KF_VTYPE), _spareint: [i32; 3], _spareint64: [u64; 29], kf_file_nlink: u64 as Show::Detail, kf_file_fsid: u64 as Show::Detail,
        kf_file_rdev: u64 as Show::Detail, kf_file_fileid: u64 as Show::Detail, kf_file_size: u64, _fsid_freebsd11: u32, _rdev_freebsd11: u32,
        kf_file_mode: u16 as Show::Mode, _file_pad0: u16, _file_pad1: u32,
        kf_status: u16 as Show::Detail, _pad1: u16, _ispare0: i32, kf_cap_rights: [u64; 2] as Show::Detail, _cap_spare: u64,
    }

    /// `struct kinfo_file`, with the part of its union that is about a socket; the domain is the host's until it is written.
    pub struct KinfoSocket("kinfo_file") {
        kf_structsize: i32 as Show::Detail, kf_type: i32 as Show::Flags(&f::KF_TYPE), kf_fd: i32, kf_ref_count: i32, kf_flags: i32 as Show::Flags(&f::KF_FLAG), _pad0: i32, kf_offset: i64,
        kf_sock_sendq: u32 as Show::Detail, kf_sock_domain: i32 as Show::Flags(&f::DOMAIN), kf_sock_type: i32 as Show::Flags(&f::SOCK), kf_sock_protocol: i32, kf_sa_local: [u8; 128] as Show::Sockaddr,
        kf_sa_peer: [u8; 128] as Show::Sockaddr, kf_sock_pcb: u64 as Show::Detail, kf_sock_inpcb: u64 as Show::Detail, kf_sock_unpconn: u64 as Show::Detail, _snd_sb_state: u16, _rcv_sb_state: u16, kf_sock_recvq: u32 as Show::Detail,
        kf_status: u16 as Show::Detail, _pad1: u16, _ispare0: i32, kf_cap_rights: [u64; 2] as Show::Detail, _cap_spare: u64,
    }

    /// `struct xfile`
    pub struct Xfile("xfile") {
        xf_size: u64 as Show::Detail, xf_pid: i32, xf_uid: u32, xf_fd: i32, _xf_int_pad1: i32, xf_file: u64 as Show::Detail, xf_type: i16 as Show::Flags(&f::DTYPE), _xf_short_pad1: i16,
        xf_count: i32 as Show::Detail, xf_msgcount: i32 as Show::Detail, _xf_int_pad2: i32, xf_offset: i64, xf_data: u64 as Show::Detail, xf_vnode: u64 as Show::Detail, xf_flag: u32 as Show::Hex,
        _xf_int_pad3: i32, _xf_int64_pad: [i64; 6],
    }
}

/// Types of the things behind descriptors (`KF_TYPE_*`) that are found out.
mod kf {
    pub const VNODE: i32 = 1;
    pub const SOCKET: i32 = 2;
    pub const PIPE: i32 = 3;
    pub const FIFO: i32 = 4;
    pub const KQUEUE: i32 = 5;
    pub const SHM: i32 = 8;
    pub const PTS: i32 = 10;
    pub const PROCDESC: i32 = 11;
    pub const EVENTFD: i32 = 13;
    pub const TIMERFD: i32 = 14;
    pub const UNKNOWN: i32 = 255;
    // In the place of a descriptor's number.
    pub const FD_CWD: i32 = -1;
    pub const FD_ROOT: i32 = -2;
    pub const FD_TEXT: i32 = -5;
    pub const FD_CTTY: i32 = -6;
}

/// `KF_VTYPE_*`
pub(super) fn vnode_type(meta: &std::fs::Metadata) -> i32 {
    let t = meta.file_type();
    match () {
        () if t.is_file() => 1,
        () if t.is_dir() => 2,
        () if t.is_block_device() => 3,
        () if t.is_char_device() => 4,
        () if t.is_symlink() => 5,
        () if t.is_socket() => 6,
        () if t.is_fifo() => 7,
        () => 255,
    }
}

/// `KF_FLAG_*` of the flags that `/proc/PID/fdinfo` shows.
fn file_flags(host: u64) -> i32 {
    const READ: i32 = 1;
    const WRITE: i32 = 2;
    let access = match host & 3 {
        0 => READ,
        1 => WRITE,
        _ => READ | WRITE,
    };
    // O_APPEND, O_ASYNC, O_SYNC, O_NONBLOCK, O_DIRECT of the host
    [
        (0x400, 4),
        (0x2000, 8),
        (0x10_1000, 0x10),
        (0x800, 0x20),
        (0x4000, 0x40),
    ]
    .iter()
    .filter(|(bit, _)| host & bit == *bit)
    .fold(access, |all, (_, flag)| all | flag)
}

/// A file that a process holds, as the host's `/proc` tells of it.
struct OpenFile {
    /// `KF_TYPE_*`
    kind: i32,
    /// Where its link leads.
    target: Vec<u8>,
    meta: Option<std::fs::Metadata>,
    offset: i64,
    /// Flags of `open`, the host's.
    flags: u64,
}

impl OpenFile {
    /// `number` is its descriptor or one of the negative numbers of [`kf`]. `None` if it is not there, or not to be seen.
    fn read(pid: i32, number: i32, link: &str) -> Option<OpenFile> {
        let target = std::fs::read_link(link).ok()?;
        let target = target.as_os_str().as_bytes().to_vec();
        let meta = std::fs::metadata(link).ok();
        let info = match number {
            0.. => proc_text(&format!("/proc/{pid}/fdinfo/{number}")),
            _ => String::new(),
        };
        let kind = match &target[..] {
            p if p.starts_with(b"socket:") => kf::SOCKET,
            p if p.starts_with(b"pipe:") => kf::PIPE,
            b"anon_inode:[eventpoll]" => kf::KQUEUE,
            b"anon_inode:[eventfd]" => kf::EVENTFD,
            b"anon_inode:[timerfd]" => kf::TIMERFD,
            b"anon_inode:[pidfd]" => kf::PROCDESC,
            p if p.starts_with(b"/dev/pts/") => kf::PTS,
            p if p.starts_with(b"/dev/shm/") => kf::SHM,
            p if p.starts_with(b"/") => match &meta {
                Some(m) if m.file_type().is_fifo() => kf::FIFO,
                _ => kf::VNODE,
            },
            _ => kf::UNKNOWN,
        };
        Some(OpenFile {
            kind,
            target,
            meta,
            offset: status_field(&info, "pos").parse().unwrap_or(0),
            flags: u64::from_str_radix(status_field(&info, "flags"), 8).unwrap_or(0),
        })
    }

    /// Whether it is the way back of a pipe ([`crate::os::freebsd::sys::pipe`]), which is the emulator's own: a guest's pipe is open
    /// for one of both.
    fn is_way_back(&self) -> bool {
        const ACCESS: u64 = 3;
        const O_RDWR: u64 = 2;
        self.kind == kf::PIPE && self.flags & ACCESS == O_RDWR
    }

    /// Its inode, which stands for FreeBSD's addresses in the kernel; 0 if it cannot be seen.
    fn inode(&self) -> u64 {
        self.meta.as_ref().map_or(0, MetadataExt::ino)
    }
}

/// The host's sockets by inode, asked for once in a listing, and only if there is a socket in it.
type Sockets = LazyCell<HashMap<u64, Socket>>;

/// `struct kinfo_file` of a file that a process holds: `number` as in [`OpenFile::read`].
fn file_entry(a: OsAbi, pid: i32, number: i32, link: &str, sockets: &Sockets) -> Option<Vec<u8>> {
    let file = OpenFile::read(pid, number, link).filter(|file| !file.is_way_back())?;
    let (kind, path) = (file.kind, &file.target[..]);
    let flags = if number < 0 {
        1
    } else {
        file_flags(file.flags)
    };
    if kind == kf::SOCKET {
        let socket = KinfoSocket {
            kf_type: kind,
            kf_fd: number,
            kf_ref_count: 1,
            kf_flags: flags,
            ..socket_facts(a, pid, number, sockets.get(&file.inode()), file.inode())
        };
        return Some(with_path(a, bytes_of(a, &socket), b""));
    }
    let meta = file.meta.as_ref();
    let get = |field: fn(&std::fs::Metadata) -> u64| meta.map_or(0, field);
    let entry = KinfoFile {
        kf_type: kind,
        kf_fd: number,
        kf_ref_count: 1,
        kf_flags: flags,
        kf_offset: file.offset,
        kf_file_type: meta.map_or(255, vnode_type),
        kf_file_nlink: get(MetadataExt::nlink),
        kf_file_fsid: get(MetadataExt::dev),
        kf_file_rdev: get(MetadataExt::rdev),
        kf_file_fileid: file.inode(),
        kf_file_size: get(MetadataExt::size),
        kf_file_mode: get(|m| m.mode().into()) as u16,
        // KF_ATTR_VALID
        kf_status: meta.is_some().into(),
        ..KinfoFile::default()
    };
    let path = if path.starts_with(b"/") { path } else { b"" };
    Some(with_path(a, bytes_of(a, &entry), path))
}

/// `DTYPE_*` of a `KF_TYPE_*`.
fn descriptor_type(kind: i32) -> i16 {
    const PROCDESC: i16 = 12;
    const DEV: i16 = 11;
    match kind {
        kf::PROCDESC => PROCDESC,
        // The numbers of Linux's in FreeBSD 12, and the file's own from 13 on.
        kf::UNKNOWN => DEV,
        other => other as i16,
    }
}

/// `FREAD`, `FWRITE` and the flags of `open` that a descriptor keeps (`sys/fcntl.h`).
fn kernel_flags(host: u64) -> u32 {
    const FREAD: u32 = 1;
    const FWRITE: u32 = 2;
    const ACCESS: u64 = 3;
    let access = match host & ACCESS {
        0 => FREAD,
        1 => FWRITE,
        _ => FREAD | FWRITE,
    };
    f::OPEN.to_guest(Dialect::FreeBsd, host & !ACCESS) as u32 | access
}

/// `struct xfile` of every descriptor of every process that may be seen.
pub fn every_file(a: OsAbi) -> Vec<u8> {
    let mut out = Vec::new();
    for pid in numbers_in("/proc") {
        let user = super::users(pid).get(1).copied().unwrap_or(0);
        for fd in descriptors(pid) {
            let link = format!("/proc/{pid}/fd/{fd}");
            let Some(file) = OpenFile::read(pid, fd, &link).filter(|file| !file.is_way_back())
            else {
                continue;
            };
            let is_vnode = matches!(file.kind, kf::VNODE | kf::FIFO | kf::PTS | kf::SHM);
            let inode = file.inode();
            let entry = Xfile {
                xf_size: Xfile::DESC.size(a) as u64,
                xf_pid: pid,
                xf_uid: user,
                xf_fd: fd,
                xf_file: inode,
                xf_type: descriptor_type(file.kind),
                xf_count: 1,
                xf_offset: file.offset,
                xf_data: inode,
                xf_vnode: if is_vnode { inode } else { 0 },
                xf_flag: kernel_flags(file.flags),
                ..Xfile::default()
            };
            out.extend(bytes_of(a, &entry));
        }
    }
    out
}

/// What is known of a socket of any process, from its inode; of one of this process, from itself what is not listed.
fn socket_facts(a: OsAbi, pid: i32, fd: i32, socket: Option<&Socket>, inode: u64) -> KinfoSocket {
    let mut entry = match pid == host::pid() {
        true => own_socket(a, fd),
        false => KinfoSocket::default(),
    };
    // What FreeBSD tells by addresses in the kernel: which other one it is connected with.
    entry.kf_sock_pcb = inode;
    entry.kf_sock_inpcb = inode;
    let Some(socket) = socket else {
        return entry;
    };
    entry.kf_sock_unpconn = socket.peer;
    (entry.kf_sock_recvq, entry.kf_sock_sendq) = (socket.received, socket.sent);
    if pid != host::pid() {
        entry.kf_sock_domain = socket.family;
        (entry.kf_sock_type, entry.kf_sock_protocol) = (socket.kind, socket.protocol);
        entry.kf_sa_local = bsd_address(a, &socket.local);
        entry.kf_sa_peer = bsd_address(a, &socket.remote);
    }
    entry
}

fn bsd_address(a: OsAbi, host: &[u8]) -> [u8; 128] {
    let mut bytes = [0; 128];
    let n = host.len().min(bytes.len());
    bytes[..n].copy_from_slice(&host[..n]);
    convert_sockaddr(a, &mut bytes[..n], false);
    bytes
}

/// Domain, type, protocol and addresses of a socket of this process.
fn own_socket(a: OsAbi, fd: i32) -> KinfoSocket {
    let option = |which: u64| {
        const SOL_SOCKET: u64 = 1;
        let (mut value, mut len) = (0u32, 4u32);
        let (at, len_at) = ((&raw mut value) as u64, (&raw mut len) as u64);
        let args = [fd as u64, SOL_SOCKET, which, at, len_at, 0];
        host::syscall(nr::SYS_getsockopt, args).map_or(0, |_| value)
    };
    let address = |number: i64| {
        let (mut bytes, mut len) = ([0u8; 128], 128u32);
        let (at, len_at) = (bytes.as_mut_ptr() as u64, (&raw mut len) as u64);
        match host::syscall(number, [fd as u64, at, len_at, 0, 0, 0]) {
            Ok(_) => bsd_address(a, &bytes[..(len as usize).min(bytes.len())]),
            Err(_) => [0; 128],
        }
    };
    // SO_DOMAIN, SO_TYPE, SO_PROTOCOL of the host
    let (family, kind, protocol) = (option(39), option(3), option(38));
    KinfoSocket {
        kf_sock_domain: family as i32,
        kf_sock_type: kind as i32,
        kf_sock_protocol: protocol as i32,
        kf_sa_local: address(nr::SYS_getsockname),
        kf_sa_peer: address(nr::SYS_getpeername),
        ..KinfoSocket::default()
    }
}

/// Open descriptors of a process, lowest first, without the emulator's own.
pub fn descriptors(pid: i32) -> Vec<i32> {
    let own = pid == host::pid();
    let Ok(entries) = std::fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Vec::new();
    };
    let mut fds: Vec<i32> = entries
        .filter_map(|e| e.ok()?.file_name().to_str()?.parse().ok())
        .filter(|fd| !own || !host::fd::is_own(*fd))
        .collect();
    fds.sort_unstable();
    fds
}

/// `struct kinfo_file` records: program, working folder, root folder, terminal, then the open descriptors. `None` if there is no
/// such process.
pub fn files(a: OsAbi, pid: i32, program: Option<&Process>) -> Option<Vec<u8>> {
    ProcStat::read(&format!("/proc/{pid}/stat"))?;
    let sockets = Sockets::new(by_inode);
    let mut out = Vec::new();
    let exe = match program {
        Some(process) => process.exe.to_string_lossy().into_owned(),
        None => format!("/proc/{pid}/exe"),
    };
    let text = match program {
        // The host's link leads to the emulator.
        Some(_) => std::fs::metadata(&exe).ok().map(|m| {
            let file = KinfoFile {
                kf_type: kf::VNODE,
                kf_fd: kf::FD_TEXT,
                kf_ref_count: 1,
                kf_flags: 1,
                kf_file_type: vnode_type(&m),
                kf_file_fsid: m.dev(),
                kf_file_fileid: m.ino(),
                kf_file_size: m.size(),
                kf_file_mode: m.mode() as u16,
                kf_status: 1,
                ..KinfoFile::default()
            };
            with_path(a, bytes_of(a, &file), exe.as_bytes())
        }),
        None => file_entry(a, pid, kf::FD_TEXT, &exe, &sockets),
    };
    out.extend(text.unwrap_or_default());
    for (number, link) in [(kf::FD_CWD, "cwd"), (kf::FD_ROOT, "root")] {
        let entry = file_entry(a, pid, number, &format!("/proc/{pid}/{link}"), &sockets);
        out.extend(entry.unwrap_or_default());
    }
    let fds = descriptors(pid);
    let terminal = fds.iter().map(|fd| format!("/proc/{pid}/fd/{fd}"));
    let terminal = terminal.into_iter().find(|link| {
        std::fs::read_link(link).is_ok_and(|t| t.as_os_str().as_bytes().starts_with(b"/dev/pts/"))
    });
    if let Some(link) = terminal {
        out.extend(file_entry(a, pid, kf::FD_CTTY, &link, &sockets).unwrap_or_default());
    }
    for fd in fds {
        // One that has been closed since is left out.
        let entry = file_entry(a, pid, fd, &format!("/proc/{pid}/fd/{fd}"), &sockets);
        out.extend(entry.unwrap_or_default());
    }
    Some(out)
}

/// `struct kinfo_file` of every object of `shm_open` that may be seen, by name: the files of the host's `/dev/shm`.
pub fn shared_objects(a: OsAbi) -> Vec<u8> {
    let entries = std::fs::read_dir("/dev/shm")
        .into_iter()
        .flatten()
        .flatten();
    let mut files: Vec<_> = entries.map(|e| e.path()).collect();
    files.sort();
    let mut out = Vec::new();
    for path in files {
        let Some(meta) = std::fs::symlink_metadata(&path)
            .ok()
            .filter(|m| m.is_file())
        else {
            continue;
        };
        let entry = KinfoFile {
            kf_type: kf::SHM,
            kf_fd: -1,
            kf_ref_count: 1,
            kf_file_type: vnode_type(&meta),
            kf_file_fileid: meta.ino(),
            kf_file_size: meta.size(),
            kf_file_mode: meta.mode() as u16,
            kf_status: 1,
            ..KinfoFile::default()
        };
        let name = path.strip_prefix("/dev/shm").unwrap_or(&path);
        let name = [b"/", name.as_os_str().as_bytes()].concat();
        out.extend(with_path(a, bytes_of(a, &entry), &name));
    }
    out
}

/// `struct kinfo_file` record of a descriptor; `None` if it is not open.
pub fn descriptor(a: OsAbi, pid: i32, fd: i32) -> Option<Vec<u8>> {
    let link = format!("/proc/{pid}/fd/{fd}");
    file_entry(a, pid, fd, &link, &Sockets::new(by_inode))
}

/// `struct kinfo_file` record of the working folder.
pub fn working_folder(a: OsAbi, pid: i32) -> Option<Vec<u8>> {
    let link = format!("/proc/{pid}/cwd");
    file_entry(a, pid, kf::FD_CWD, &link, &Sockets::new(by_inode))
}

#[cfg(test)]
mod tests {
    use super::super::PATH_MAX;
    use super::*;
    use crate::abi::Endian;
    use crate::os::freebsd::isa::{AARCH64, MIPS};

    #[test]
    fn layouts_are_those_of_the_headers() {
        // sizeof and offsetof of FreeBSD 13.2 for arm64; the paths, of 1024 bytes, follow.
        let a = AARCH64.abi;
        assert_eq!(KinfoFile::DESC.size(a), 1392 - PATH_MAX);
        assert_eq!(KinfoSocket::DESC.size(a), 1392 - PATH_MAX);
        for a in [a, MIPS.abi] {
            assert_eq!(Xfile::DESC.size(a), 128);
            assert_eq!(Xfile::DESC.offset(a, "xf_flag"), Some(72));
        }
    }

    #[test]
    fn every_file_of_this_process_is_listed() {
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").expect("a port");
        let fd = std::os::fd::AsRawFd::as_raw_fd(&socket);
        let (a, pid) = (MIPS.abi, host::pid());
        let all = every_file(a);
        let mut records = all.chunks(128).filter_map(|r| Xfile::read(a, r).ok());
        let found = records.find(|r| (r.xf_pid, r.xf_fd) == (pid, fd));
        let found = found.expect("the socket");
        // DTYPE_SOCKET; FREAD and FWRITE
        assert_eq!((found.xf_type, found.xf_flag & 3), (2, 3));
        assert!(found.xf_data != 0 && found.xf_vnode == 0);
    }

    #[test]
    fn records_are_as_long_as_they_say() {
        for endian in [Endian::Little, Endian::Big] {
            let mut a = AARCH64.abi;
            a.abi.endian = endian;
            let all = files(a, host::pid(), None).expect("this process");
            let (mut rest, mut numbers) = (&all[..], Vec::new());
            while !rest.is_empty() {
                let int = |at: usize| crate::abi::read_int(a, crate::abi::Kind::I32, &rest[at..]);
                let size = int(0) as usize;
                numbers.push(int(8) as i32);
                assert!(size.is_multiple_of(8) && size > KinfoFile::DESC.size(a));
                rest = &rest[size..];
            }
            assert!(numbers.starts_with(&[kf::FD_TEXT, kf::FD_CWD, kf::FD_ROOT]));
        }
        assert_eq!(files(AARCH64.abi, i32::MAX, None), None);
    }
}
