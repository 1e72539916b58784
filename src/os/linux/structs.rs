//! Structures of Linux's interface: the host's fields first, then the layouts of guests that differ in more than word size,
//! alignment and byte order. Sources: the kernel's uapi headers, `asm-generic` and of each architecture.

use super::flags as f;
use crate::abi::{Dialect, Endian, Long, OsAbi, Show, U64Align4, Ulong, is_32bit};

fn generic64(a: OsAbi) -> bool {
    a.dialect != Dialect::X86 && a.dialect != Dialect::Mips && !a.abi.is_32bit()
}

fn not_x86(a: OsAbi) -> bool {
    a.dialect != Dialect::X86
}

fn no_restorer(a: OsAbi) -> bool {
    a.dialect == Dialect::Generic
}

fn mips(a: OsAbi) -> bool {
    a.dialect == Dialect::Mips
}

fn o32(a: OsAbi) -> bool {
    a.is_o32()
}

fn big_32(a: OsAbi) -> bool {
    a.abi.is_32bit() && a.abi.endian == Endian::Big
}

/// What `struct stat` looks like to the 32-bit calls with 64 in their name.
fn mips64(a: OsAbi) -> bool {
    a.dialect == Dialect::Mips && !a.abi.is_32bit()
}

crate::guest_struct! {
    /// `struct timespec` of the original calls: `long` on 32-bit guests.
    pub struct Timespec("timespec") { tv_sec: Long, tv_nsec: Long }

    /// `struct __kernel_timespec` of the `time64` calls. The kernel ignores the upper half of `tv_nsec` that a 32-bit guest's
    /// libc leaves undefined.
    pub struct Timespec64("timespec") { tv_sec: i64, tv_nsec: i64 }
    layout big_32 { tv_sec: i64, _pad: i32, tv_nsec: i32 }
    layout is_32bit { tv_sec: i64, tv_nsec: i32, _pad: i32 }

    /// `struct timeval`
    pub struct Timeval("timeval") { tv_sec: Long, tv_usec: Long }

    /// `struct timezone`
    pub struct Timezone("timezone") { tz_minuteswest: i32, tz_dsttime: i32 }

    /// `struct itimerval`
    pub struct Itimerval("itimerval") { it_interval: Timeval, it_value: Timeval }

    /// `struct itimerspec` of the original calls
    pub struct Itimerspec("itimerspec") { it_interval: Timespec, it_value: Timespec }

    /// `struct __kernel_itimerspec`
    pub struct Itimerspec64("itimerspec") { it_interval: Timespec64, it_value: Timespec64 }

    /// `struct timex`
    pub struct Timex("timex") {
        modes: u32 as Show::Hex, offset: Long, freq: Long, maxerror: Long, esterror: Long, status: i32 as Show::Hex, constant: Long,
        precision: Long, tolerance: Long, time: Timeval, tick: Long, ppsfreq: Long as Show::Detail, jitter: Long as Show::Detail,
        shift: i32 as Show::Detail, stabil: Long as Show::Detail, jitcnt: Long as Show::Detail, calcnt: Long as Show::Detail,
        errcnt: Long as Show::Detail, stbcnt: Long as Show::Detail, tai: i32, _pad: [i32; 11],
    }

    /// `struct __kernel_timex`
    pub struct Timex64("timex") {
        modes: u32 as Show::Hex, offset: i64, freq: i64, maxerror: i64, esterror: i64, status: i32 as Show::Hex, constant: i64,
        precision: i64, tolerance: i64, time: Timeval64, tick: i64, ppsfreq: i64 as Show::Detail, jitter: i64 as Show::Detail,
        shift: i32 as Show::Detail, stabil: i64 as Show::Detail, jitcnt: i64 as Show::Detail, calcnt: i64 as Show::Detail,
        errcnt: i64 as Show::Detail, stbcnt: i64 as Show::Detail, tai: i32, _pad: [i32; 11],
    }

    /// `struct tms`
    pub struct Tms("tms") { tms_utime: Long, tms_stime: Long, tms_cutime: Long, tms_cstime: Long }

    /// `struct utimbuf`
    pub struct Utimbuf("utimbuf") { actime: Long, modtime: Long }

    /// `struct stat` of `stat`, `fstat`, `newfstatat`.
    pub struct Stat("stat") checked {
        st_dev: u64 as Show::Detail,
        st_ino: u64 as Show::Detail,
        st_nlink: u64 as Show::Detail,
        st_mode: u32 as Show::Mode,
        st_uid: u32 as Show::Detail,
        st_gid: u32 as Show::Detail,
        _pad0: u32,
        st_rdev: u64 as Show::Detail,
        st_size: i64,
        st_blksize: i64 as Show::Detail,
        st_blocks: i64 as Show::Detail,
        st_atime: i64 as Show::Detail,
        st_atime_nsec: i64 as Show::Detail,
        st_mtime: i64 as Show::Detail,
        st_mtime_nsec: i64 as Show::Detail,
        st_ctime: i64 as Show::Detail,
        st_ctime_nsec: i64 as Show::Detail,
        _unused: [i64; 3],
    }
    layout generic64 {
        st_dev: u64, st_ino: u64, st_mode: u32, st_nlink: u32, st_uid: u32, st_gid: u32, st_rdev: u64, _pad1: u64,
        st_size: i64, st_blksize: i32, _pad2: i32, st_blocks: i64,
        st_atime: i64, st_atime_nsec: u64, st_mtime: i64, st_mtime_nsec: u64, st_ctime: i64, st_ctime_nsec: u64,
        _unused: [u32; 2],
    }
    layout o32 {
        st_dev: u32, _pad1: [i32; 3], st_ino: u32, st_mode: u32, st_nlink: u32, st_uid: u32, st_gid: u32, st_rdev: u32,
        _pad2: [i32; 2], st_size: i32, _pad3: i32, st_atime: i32, st_atime_nsec: i32, st_mtime: i32, st_mtime_nsec: i32,
        st_ctime: i32, st_ctime_nsec: i32, st_blksize: i32, st_blocks: i32, _pad4: [i32; 14],
    }
    layout mips64 {
        st_dev: u32, _pad0: [u32; 3], st_ino: u64, st_mode: u32, st_nlink: u32, st_uid: u32, st_gid: u32, st_rdev: u32,
        _pad1: [u32; 3], st_size: i64, st_atime: u32, st_atime_nsec: u32, st_mtime: u32, st_mtime_nsec: u32,
        st_ctime: u32, st_ctime_nsec: u32, st_blksize: u32, _pad2: u32, st_blocks: u64,
    }

    /// `struct stat64` of the 32-bit guests' `stat64`, `fstat64`, `fstatat64`.
    pub struct Stat64("stat64") checked {
        st_dev: u64 as Show::Detail,
        st_ino: u64 as Show::Detail,
        st_nlink: u64 as Show::Detail,
        st_mode: u32 as Show::Mode,
        st_uid: u32 as Show::Detail,
        st_gid: u32 as Show::Detail,
        _pad0: u32,
        st_rdev: u64 as Show::Detail,
        st_size: i64,
        st_blksize: i64 as Show::Detail,
        st_blocks: i64 as Show::Detail,
        st_atime: i64 as Show::Detail,
        st_atime_nsec: i64 as Show::Detail,
        st_mtime: i64 as Show::Detail,
        st_mtime_nsec: i64 as Show::Detail,
        st_ctime: i64 as Show::Detail,
        st_ctime_nsec: i64 as Show::Detail,
        _unused: [i64; 3],
    }
    layout o32 {
        st_dev: u32, _pad0: [u32; 3], st_ino: u64, st_mode: u32, st_nlink: u32, st_uid: u32, st_gid: u32, st_rdev: u32,
        _pad1: [u32; 3], st_size: i64, st_atime: i32, st_atime_nsec: u32, st_mtime: i32, st_mtime_nsec: u32,
        st_ctime: i32, st_ctime_nsec: u32, st_blksize: u32, _pad2: u32, st_blocks: i64,
    }

    /// `struct statx_timestamp`
    pub struct StatxTimestamp("statx_timestamp") { tv_sec: i64, tv_nsec: u32, _reserved: i32 }

    /// `struct statx`, the same everywhere but for byte order.
    pub struct Statx("statx") {
        stx_mask: u32 as Show::Flags(&f::STATX_MASK),
        stx_blksize: u32 as Show::Detail,
        stx_attributes: u64 as Show::Detail,
        stx_nlink: u32 as Show::Detail,
        stx_uid: u32 as Show::Detail,
        stx_gid: u32 as Show::Detail,
        stx_mode: u16 as Show::Mode,
        _spare0: u16,
        stx_ino: u64 as Show::Detail,
        stx_size: u64,
        stx_blocks: u64 as Show::Detail,
        stx_attributes_mask: u64 as Show::Detail,
        stx_atime: StatxTimestamp as Show::Detail,
        stx_btime: StatxTimestamp as Show::Detail,
        stx_ctime: StatxTimestamp as Show::Detail,
        stx_mtime: StatxTimestamp as Show::Detail,
        stx_rdev_major: u32 as Show::Detail,
        stx_rdev_minor: u32 as Show::Detail,
        stx_dev_major: u32 as Show::Detail,
        stx_dev_minor: u32 as Show::Detail,
        stx_mnt_id: u64 as Show::Detail,
        stx_dio_mem_align: u32 as Show::Detail,
        stx_dio_offset_align: u32 as Show::Detail,
        _spare3: [u64; 12],
    }

    /// `struct statfs`
    pub struct Statfs("statfs") checked {
        f_type: Long as Show::Hex,
        f_bsize: Long,
        f_blocks: Ulong,
        f_bfree: Ulong,
        f_bavail: Ulong,
        f_files: Ulong,
        f_ffree: Ulong,
        f_fsid: [i32; 2],
        f_namelen: Long,
        f_frsize: Long,
        f_flags: Long as Show::Hex,
        _spare: [Long; 4],
    }
    layout mips {
        f_type: Long, f_bsize: Long, f_frsize: Long, f_blocks: Long, f_bfree: Long, f_files: Long, f_ffree: Long,
        f_bavail: Long, f_fsid: [i32; 2], f_namelen: Long, f_flags: Long, _spare: [Long; 5],
    }

    /// `struct statfs64` of 32-bit guests
    pub struct Statfs64("statfs64") {
        f_type: Long as Show::Hex,
        f_bsize: Long,
        f_blocks: u64,
        f_bfree: u64,
        f_bavail: u64,
        f_files: u64,
        f_ffree: u64,
        f_fsid: [i32; 2],
        f_namelen: Long,
        f_frsize: Long,
        f_flags: Long as Show::Hex,
        _spare: [Long; 4],
    }
    layout o32 {
        f_type: u32, f_bsize: u32, f_frsize: u32, _pad: u32, f_blocks: u64, f_bfree: u64, f_files: u64, f_ffree: u64,
        f_bavail: u64, f_fsid: [i32; 2], f_namelen: u32, f_flags: u32, _spare: [u32; 5],
    }

    /// `struct flock`
    pub struct Flock("flock") checked {
        l_type: i16 as Show::Flags(&f::LOCK_TYPE),
        l_whence: i16 as Show::Flags(&f::WHENCE),
        l_start: Long,
        l_len: Long,
        l_pid: i32,
    }
    layout o32 { l_type: i16, l_whence: i16, l_start: i32, l_len: i32, l_sysid: i32, l_pid: i32, _pad: [i32; 4] }

    /// `struct flock64`
    pub struct Flock64("flock64") checked {
        l_type: i16 as Show::Flags(&f::LOCK_TYPE),
        l_whence: i16 as Show::Flags(&f::WHENCE),
        l_start: i64,
        l_len: i64,
        l_pid: i32,
    }

    /// `struct f_owner_ex`
    pub struct FOwnerEx("f_owner_ex") { r#type: i32, pid: i32 }

    /// `struct open_how`
    pub struct OpenHow("open_how") {
        flags: u64 as Show::Flags(&f::OPEN), mode: u64 as Show::Mode, resolve: u64 as Show::Hex,
    }

    /// `struct iovec`
    pub struct Iovec("iovec") { iov_base: Ulong as Show::Addr, iov_len: Ulong }

    /// `struct termios` of the kernel; each of the characters of `c_cc` is a field, since MIPS has them in another order.
    pub struct Termios("termios") {
        c_iflag: u32 as Show::Flags(&f::TERM_IFLAG),
        c_oflag: u32 as Show::Flags(&f::TERM_OFLAG),
        c_cflag: u32 as Show::Flags(&f::TERM_CFLAG),
        c_lflag: u32 as Show::Flags(&f::TERM_LFLAG),
        c_line: u8 as Show::Detail,
        vintr: u8 as Show::Detail, vquit: u8 as Show::Detail, verase: u8 as Show::Detail, vkill: u8 as Show::Detail, veof: u8 as Show::Detail, vtime: u8 as Show::Detail, vmin: u8 as Show::Detail, vswtc: u8 as Show::Detail, vstart: u8 as Show::Detail, vstop: u8 as Show::Detail,
        vsusp: u8 as Show::Detail, veol: u8 as Show::Detail, vreprint: u8 as Show::Detail, vdiscard: u8 as Show::Detail, vwerase: u8 as Show::Detail, vlnext: u8 as Show::Detail, veol2: u8 as Show::Detail, _cc: [u8; 2],
    }
    layout mips {
        c_iflag: u32, c_oflag: u32, c_cflag: u32, c_lflag: u32, c_line: u8,
        vintr: u8, vquit: u8, verase: u8, vkill: u8, vmin: u8, vtime: u8, veol2: u8, vswtc: u8, vstart: u8, vstop: u8,
        vsusp: u8, _cc11: u8, vreprint: u8, vdiscard: u8, vwerase: u8, vlnext: u8, veof: u8, veol: u8, _cc: [u8; 5],
    }

    /// `struct termios2`
    pub struct Termios2("termios2") {
        c_iflag: u32 as Show::Flags(&f::TERM_IFLAG),
        c_oflag: u32 as Show::Flags(&f::TERM_OFLAG),
        c_cflag: u32 as Show::Flags(&f::TERM_CFLAG),
        c_lflag: u32 as Show::Flags(&f::TERM_LFLAG),
        c_line: u8 as Show::Detail,
        vintr: u8 as Show::Detail, vquit: u8 as Show::Detail, verase: u8 as Show::Detail, vkill: u8 as Show::Detail, veof: u8 as Show::Detail, vtime: u8 as Show::Detail, vmin: u8 as Show::Detail, vswtc: u8 as Show::Detail, vstart: u8 as Show::Detail, vstop: u8 as Show::Detail,
        vsusp: u8 as Show::Detail, veol: u8 as Show::Detail, vreprint: u8 as Show::Detail, vdiscard: u8 as Show::Detail, vwerase: u8 as Show::Detail, vlnext: u8 as Show::Detail, veol2: u8 as Show::Detail, _cc: [u8; 2],
        c_ispeed: u32,
        c_ospeed: u32,
    }
    layout mips {
        c_iflag: u32, c_oflag: u32, c_cflag: u32, c_lflag: u32, c_line: u8,
        vintr: u8, vquit: u8, verase: u8, vkill: u8, vmin: u8, vtime: u8, veol2: u8, vswtc: u8, vstart: u8, vstop: u8,
        vsusp: u8, _cc11: u8, vreprint: u8, vdiscard: u8, vwerase: u8, vlnext: u8, veof: u8, veol: u8, _cc: [u8; 5],
        c_ispeed: u32, c_ospeed: u32,
    }

    /// `struct winsize`
    pub struct Winsize("winsize") { ws_row: u16, ws_col: u16, ws_xpixel: u16, ws_ypixel: u16 }

    /// `struct pollfd`
    pub struct Pollfd("pollfd") { fd: i32 as Show::Fd, events: u16 as Show::Flags(&f::POLL), revents: u16 as Show::Flags(&f::POLL) }

    /// `struct epoll_event`: packed on x86 only.
    pub struct EpollEvent("epoll_event") { events: u32 as Show::Flags(&f::EPOLL), data: U64Align4 as Show::Hex }
    layout not_x86 { events: u32, data: u64 }

    /// `struct new_utsname`
    pub struct Utsname("utsname") {
        sysname: [u8; 65] as Show::Chars, nodename: [u8; 65] as Show::Chars, release: [u8; 65] as Show::Chars,
        version: [u8; 65] as Show::Chars, machine: [u8; 65] as Show::Chars, domainname: [u8; 65] as Show::Chars,
    }

    /// `struct sysinfo`
    pub struct Sysinfo("sysinfo") {
        uptime: Long,
        loads: [Ulong; 3],
        totalram: Ulong,
        freeram: Ulong,
        sharedram: Ulong,
        bufferram: Ulong,
        totalswap: Ulong,
        freeswap: Ulong,
        procs: u16,
        _pad: u16,
        totalhigh: Ulong,
        freehigh: Ulong,
        mem_unit: u32,
    }
    layout is_32bit {
        uptime: Long, loads: [Ulong; 3], totalram: Ulong, freeram: Ulong, sharedram: Ulong, bufferram: Ulong,
        totalswap: Ulong, freeswap: Ulong, procs: u16, _pad: u16, totalhigh: Ulong, freehigh: Ulong, mem_unit: u32, _f: [u8; 8],
    }

    /// `struct rlimit`
    pub struct Rlimit("rlimit") { rlim_cur: Ulong as Show::Rlim, rlim_max: Ulong as Show::Rlim }
    layout o32 { rlim_cur: u32, rlim_max: u32 }

    /// `struct rlimit64` of `prlimit64`: infinity is all ones everywhere.
    pub struct Rlimit64("rlimit64") { rlim_cur: u64 as Show::Rlim64, rlim_max: u64 as Show::Rlim64 }

    /// `struct rusage`
    pub struct Rusage("rusage") {
        ru_utime: Timeval, ru_stime: Timeval, ru_maxrss: Long, ru_ixrss: Long, ru_idrss: Long, ru_isrss: Long,
        ru_minflt: Long, ru_majflt: Long, ru_nswap: Long, ru_inblock: Long, ru_oublock: Long, ru_msgsnd: Long,
        ru_msgrcv: Long, ru_nsignals: Long, ru_nvcsw: Long, ru_nivcsw: Long,
    }

    /// `struct sched_param`
    pub struct SchedParam("sched_param") { sched_priority: i32 }

    /// `struct sched_attr`
    pub struct SchedAttr("sched_attr") {
        size: u32, sched_policy: u32 as Show::Flags(&f::SCHED), sched_flags: u64 as Show::Hex, sched_nice: i32,
        sched_priority: u32, sched_runtime: u64, sched_deadline: u64, sched_period: u64, sched_util_min: u32, sched_util_max: u32,
    }

    /// `struct __user_cap_header_struct`
    pub struct CapHeader("cap_user_header") { version: u32 as Show::Hex, pid: i32 }

    /// `struct __user_cap_data_struct`
    pub struct CapData("cap_user_data") { effective: u32 as Show::Hex, permitted: u32 as Show::Hex, inheritable: u32 as Show::Hex }

    /// `struct clone_args`
    pub struct CloneArgs("clone_args") {
        flags: u64 as Show::Flags(&f::CLONE), pidfd: u64 as Show::Addr, child_tid: u64 as Show::Addr,
        parent_tid: u64 as Show::Addr, exit_signal: u64 as Show::Signal, stack: u64 as Show::Addr, stack_size: u64 as Show::Hex,
        tls: u64 as Show::Addr, set_tid: u64 as Show::Addr, set_tid_size: u64, cgroup: u64,
    }

    /// `struct sigaction` of `rt_sigaction`; the mask follows as an array of `long`s whose number depends on the ABI.
    pub struct Sigaction("sigaction") {
        sa_handler: Ulong as Show::Handler, sa_flags: Ulong as Show::Flags(&f::SA), sa_restorer: Ulong as Show::Addr,
        sa_mask: [u64; 2] as Show::SignalSet,
    }
    layout no_restorer {
        sa_handler: Ulong,
        sa_flags: Ulong,
        sa_mask: u64,
    }
    layout mips { sa_flags: u32, sa_handler: Ulong, sa_mask: [u64; 2] }
    layout not_x86 { sa_handler: Ulong, sa_flags: Ulong, sa_restorer: Ulong, sa_mask: u64 }

    /// `stack_t`
    pub struct Stack("sigaltstack") { ss_sp: Ulong as Show::Addr, ss_flags: i32 as Show::Flags(&f::SS), ss_size: Ulong }
    layout mips { ss_sp: Ulong, ss_size: Ulong, ss_flags: i32 }

    /// `struct sigevent`: the part that is in use.
    pub struct Sigevent("sigevent") {
        sigev_value: Ulong as Show::Hex, sigev_signo: i32 as Show::Signal, sigev_notify: i32 as Show::Flags(&f::SIGEV),
        sigev_tid: i32, _pad: [i32; 11],
    }
    layout is_32bit { sigev_value: Ulong, sigev_signo: i32, sigev_notify: i32, sigev_tid: i32, _pad: [i32; 12] }

    /// `struct signalfd_siginfo`
    pub struct SignalfdSiginfo("signalfd_siginfo") {
        ssi_signo: u32 as Show::Signal, ssi_errno: i32, ssi_code: i32, ssi_pid: u32, ssi_uid: u32, ssi_fd: i32, ssi_tid: u32,
        ssi_band: u32, ssi_overrun: u32, ssi_trapno: u32, ssi_status: i32, ssi_int: i32, ssi_ptr: u64, ssi_utime: u64,
        ssi_stime: u64, ssi_addr: u64, ssi_addr_lsb: u16, _pad2: u16, ssi_syscall: i32, ssi_call_addr: u64, ssi_arch: u32,
        _pad: [u8; 28],
    }

    /// `struct inotify_event` without its name.
    pub struct InotifyEvent("inotify_event") { wd: i32, mask: u32 as Show::Flags(&f::INOTIFY), cookie: u32, len: u32 }

    /// `struct user_msghdr`
    pub struct Msghdr("msghdr") {
        msg_name: Ulong as Show::Addr, msg_namelen: i32, msg_iov: Ulong as Show::Addr, msg_iovlen: Ulong,
        msg_control: Ulong as Show::Addr, msg_controllen: Ulong, msg_flags: u32 as Show::Flags(&f::MSG),
    }

    /// `struct mmsghdr`
    pub struct Mmsghdr("mmsghdr") { msg_hdr: Msghdr, msg_len: u32 }

    /// `struct cmsghdr`
    pub struct Cmsghdr("cmsghdr") { cmsg_len: Ulong, cmsg_level: i32 as Show::Flags(&f::SOL), cmsg_type: i32 }

    /// `struct linger`
    pub struct Linger("linger") { l_onoff: i32, l_linger: i32 }

    /// `struct ucred`
    pub struct Ucred("ucred") { pid: i32, uid: u32, gid: u32 }

    /// `struct ip_mreq`: addresses are in network order, so bytes.
    pub struct IpMreq("ip_mreq") { imr_multiaddr: [u8; 4], imr_interface: [u8; 4] }

    /// `struct ip_mreqn`
    pub struct IpMreqn("ip_mreqn") { imr_multiaddr: [u8; 4], imr_address: [u8; 4], imr_ifindex: i32 }

    /// `struct ipv6_mreq`
    pub struct Ipv6Mreq("ipv6_mreq") { ipv6mr_multiaddr: [u8; 16], ipv6mr_interface: i32 }

    /// `struct in6_pktinfo`
    pub struct In6Pktinfo("in6_pktinfo") { ipi6_addr: [u8; 16], ipi6_ifindex: i32 }

    /// `struct in_pktinfo`: addresses are in network order, so bytes.
    pub struct InPktinfo("in_pktinfo") { ipi_ifindex: i32, ipi_spec_dst: [u8; 4], ipi_addr: [u8; 4] }

    /// `struct sock_extended_err`
    pub struct SockExtendedErr("sock_extended_err") {
        ee_errno: u32 as Show::Errno, ee_origin: u8, ee_type: u8, ee_code: u8, ee_pad: u8, ee_info: u32, ee_data: u32,
    }

    /// `struct tpacket_auxdata`
    pub struct TpacketAuxdata("tpacket_auxdata") {
        tp_status: u32 as Show::Hex, tp_len: u32, tp_snaplen: u32, tp_mac: u16, tp_net: u16, tp_vlan_tci: u16, tp_vlan_tpid: u16,
    }

    /// `struct af_alg_iv` without its bytes
    pub struct AfAlgIv("af_alg_iv") { ivlen: u32 }

    /// `struct packet_mreq`
    pub struct PacketMreq("packet_mreq") { mr_ifindex: i32, mr_type: u16, mr_alen: u16, mr_address: [u8; 8] }

    /// `struct tcp_info`: the fields up to the retransmit counters are the ones that every kernel has.
    pub struct TcpInfo("tcp_info") {
        tcpi_state: u8, tcpi_ca_state: u8, tcpi_retransmits: u8, tcpi_probes: u8, tcpi_backoff: u8, tcpi_options: u8,
        tcpi_wscale: u8, tcpi_delivery: u8, tcpi_fields: [u32; 24],
    }

    /// `struct ifreq` whose union holds a number.
    pub struct IfreqInt("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_ivalue: i32, _pad: [i32; 5] }
    layout is_32bit { ifr_name: [u8; 16], ifr_ivalue: i32, _pad: [i32; 3] }

    /// `struct ifreq` whose union holds flags.
    pub struct IfreqFlags("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_flags: u16 as Show::Hex, _pad: [u16; 11] }
    layout is_32bit { ifr_name: [u8; 16], ifr_flags: u16, _pad: [u16; 7] }

    /// `struct ifreq` whose union holds a socket address, of which the family is the host's and the rest bytes.
    pub struct IfreqAddr("ifreq") { ifr_name: [u8; 16] as Show::Chars, sa_family: u16 as Show::Flags(&f::AF), sa_data: [u8; 14], _pad: [u8; 8] }
    layout is_32bit { ifr_name: [u8; 16], sa_family: u16, sa_data: [u8; 14] }

    /// `struct ifreq` that renames an interface.
    pub struct IfreqNames("ifreq") { ifr_name: [u8; 16] as Show::Chars, ifr_newname: [u8; 16] as Show::Chars, _pad: [u8; 8] }
    layout is_32bit { ifr_name: [u8; 16], ifr_newname: [u8; 16] }

    /// `struct ifreq` whose union holds where a device is.
    pub struct IfreqMap("ifreq") {
        ifr_name: [u8; 16] as Show::Chars, mem_start: Ulong as Show::Hex, mem_end: Ulong as Show::Hex, base_addr: u16 as Show::Hex,
        irq: u8, dma: u8, port: u8, _pad: [u8; 3],
    }

    /// `struct ifconf`
    pub struct Ifconf("ifconf") { ifc_len: i32, ifc_buf: Ulong as Show::Addr }

    /// `struct arpreq`
    pub struct Arpreq("arpreq") {
        pa_family: u16 as Show::Flags(&f::AF), pa_data: [u8; 14], ha_family: u16 as Show::Hex, ha_data: [u8; 14],
        arp_flags: i32 as Show::Hex, netmask_family: u16 as Show::Detail, netmask_data: [u8; 14] as Show::Detail,
        arp_dev: [u8; 16] as Show::Chars,
    }

    /// `struct __kernel_sock_timeval`
    pub struct Timeval64("timeval") { tv_sec: i64, tv_usec: i64 }

    /// `struct serial_struct`
    pub struct SerialStruct("serial_struct") {
        r#type: i32, line: i32, port: u32 as Show::Hex, irq: i32, flags: i32 as Show::Hex, xmit_fifo_size: i32, custom_divisor: i32,
        baud_base: i32, close_delay: u16, io_type: u8, _reserved: u8, hub6: i32, closing_wait: u16, closing_wait2: u16,
        iomem_base: Ulong as Show::Addr, iomem_reg_shift: u16, port_high: u32, iomap_base: Ulong as Show::Hex,
    }

    /// `struct vt_mode`
    pub struct VtMode("vt_mode") { mode: u8, waitv: u8, relsig: i16 as Show::Signal, acqsig: i16 as Show::Signal, frsig: i16 as Show::Signal }

    /// `struct hd_geometry`
    pub struct HdGeometry("hd_geometry") { heads: u8, sectors: u8, cylinders: u16, start: Ulong }

    /// `struct loop_info64`
    pub struct LoopInfo64("loop_info64") {
        lo_device: u64 as Show::Detail, lo_inode: u64 as Show::Detail, lo_rdevice: u64 as Show::Detail, lo_offset: u64, lo_sizelimit: u64,
        lo_number: u32, lo_encrypt_type: u32 as Show::Detail, lo_encrypt_key_size: u32 as Show::Detail, lo_flags: u32 as Show::Hex,
        lo_file_name: [u8; 64] as Show::Chars, lo_crypt_name: [u8; 64] as Show::Detail, lo_encrypt_key: [u8; 32] as Show::Detail,
        lo_init: [u64; 2] as Show::Detail,
    }

    /// `struct rtc_time`
    pub struct RtcTime("rtc_time") {
        tm_sec: i32, tm_min: i32, tm_hour: i32, tm_mday: i32, tm_mon: i32, tm_year: i32, tm_wday: i32 as Show::Detail,
        tm_yday: i32 as Show::Detail, tm_isdst: i32 as Show::Detail,
    }

    /// `struct watchdog_info`
    pub struct WatchdogInfo("watchdog_info") { options: u32 as Show::Hex, firmware_version: u32, identity: [u8; 32] as Show::Chars }

    /// `struct fb_fix_screeninfo`
    pub struct FbFix("fb_fix_screeninfo") {
        id: [u8; 16] as Show::Chars, smem_start: Ulong as Show::Hex, smem_len: u32, r#type: u32, type_aux: u32, visual: u32,
        xpanstep: u16, ypanstep: u16, ywrapstep: u16, line_length: u32, mmio_start: Ulong as Show::Hex, mmio_len: u32, accel: u32,
        capabilities: u16, _reserved: [u16; 2],
    }

    /// `struct futex_waitv`
    pub struct FutexWaitv("futex_waitv") { val: u64, uaddr: u64 as Show::Addr, flags: u32 as Show::Hex, _reserved: u32 }

    /// `struct robust_list_head`
    pub struct RobustListHead("robust_list_head") { list: Ulong as Show::Addr, futex_offset: Long, list_op_pending: Ulong as Show::Addr }

    /// `struct sembuf`
    pub struct Sembuf("sembuf") { sem_num: u16, sem_op: i16, sem_flg: i16 as Show::Flags(&f::IPC_CREATE) }

    /// `struct mq_attr`
    pub struct MqAttr("mq_attr") { mq_flags: Long as Show::Flags(&f::OPEN), mq_maxmsg: Long, mq_msgsize: Long, mq_curmsgs: Long, _reserved: [Long; 4] }

    /// `struct file_handle` without its bytes.
    pub struct FileHandle("file_handle") { handle_bytes: u32, handle_type: i32 }

    /// `struct ustat`
    pub struct Ustat("ustat") { f_tfree: i32, f_tinode: Ulong, f_fname: [u8; 6], f_fpack: [u8; 6] }

    /// `struct fiemap`-free part of `ioctl(FS_IOC_FSGETXATTR)`.
    pub struct Fsxattr("fsxattr") { fsx_xflags: u32 as Show::Hex, fsx_extsize: u32, fsx_nextents: u32, fsx_projid: u32, fsx_cowextsize: u32, _pad: [u8; 8] }

    /// `struct file_clone_range`
    pub struct FileCloneRange("file_clone_range") { src_fd: i64, src_offset: u64, src_length: u64, dest_offset: u64 }

    /// `struct shmid64_ds` and the like begin with this.
    pub struct IpcPerm("ipc64_perm") {
        key: i32 as Show::Hex, uid: u32, gid: u32, cuid: u32, cgid: u32, mode: u32 as Show::Mode, seq: u16, _pad2: u16,
        _unused: [Ulong; 2],
    }
    layout is_32bit {
        key: i32, uid: u32, gid: u32, cuid: u32, cgid: u32, mode: u32, seq: u16, _pad2: u16, _unused: [Ulong; 2],
    }
}

crate::guest_struct! {
    /// `struct shmid64_ds`
    pub struct ShmidDs("shmid_ds") {
        shm_perm: IpcPerm, shm_segsz: Ulong, shm_atime: Long, shm_dtime: Long, shm_ctime: Long, shm_cpid: i32, shm_lpid: i32,
        shm_nattch: Ulong, _unused: [Ulong; 2],
    }
    layout o32 {
        shm_perm: IpcPerm, shm_segsz: Ulong, shm_atime: Long, shm_dtime: Long, shm_ctime: Long, shm_cpid: i32, shm_lpid: i32,
        shm_nattch: Ulong, _atime_high: u16, _dtime_high: u16, _ctime_high: u16, _unused1: u16,
    }

    /// `struct loop_config`
    pub struct LoopConfig("loop_config") { fd: u32 as Show::Fd, block_size: u32, info: LoopInfo64, _reserved: [u64; 8] }

    /// `struct rtc_wkalrm`
    pub struct RtcWkalrm("rtc_wkalrm") { enabled: u8, pending: u8, time: RtcTime }

    /// `struct semid64_ds`
    pub struct SemidDs("semid_ds") {
        sem_perm: IpcPerm, sem_otime: Long, _unused1: Ulong, sem_ctime: Long, _unused2: Ulong, sem_nsems: Ulong, _unused3: [Ulong; 2],
    }
    layout o32 { sem_perm: IpcPerm, sem_otime: Long, sem_ctime: Long, sem_nsems: Ulong, _otime_high: Ulong, _ctime_high: Ulong }
    layout not_x86 { sem_perm: IpcPerm, sem_otime: Long, sem_ctime: Long, sem_nsems: Ulong, _unused3: [Ulong; 2] }

    /// `struct msqid64_ds`
    pub struct MsqidDs("msqid_ds") {
        msg_perm: IpcPerm, msg_stime: Long, msg_rtime: Long, msg_ctime: Long, msg_cbytes: Ulong, msg_qnum: Ulong, msg_qbytes: Ulong,
        msg_lspid: i32, msg_lrpid: i32, _unused: [Ulong; 2],
    }
    layout big_32 {
        msg_perm: IpcPerm, _stime_high: Ulong, msg_stime: Ulong, _rtime_high: Ulong, msg_rtime: Ulong, _ctime_high: Ulong,
        msg_ctime: Ulong, msg_cbytes: Ulong, msg_qnum: Ulong, msg_qbytes: Ulong, msg_lspid: i32, msg_lrpid: i32, _unused: [Ulong; 2],
    }
    layout is_32bit {
        msg_perm: IpcPerm, msg_stime: Ulong, _stime_high: Ulong, msg_rtime: Ulong, _rtime_high: Ulong, msg_ctime: Ulong,
        _ctime_high: Ulong, msg_cbytes: Ulong, msg_qnum: Ulong, msg_qbytes: Ulong, msg_lspid: i32, msg_lrpid: i32, _unused: [Ulong; 2],
    }

    /// `struct shminfo64`
    pub struct Shminfo("shminfo") { shmmax: Ulong, shmmin: Ulong, shmmni: Ulong, shmseg: Ulong, shmall: Ulong, _unused: [Ulong; 4] }

    /// `struct shm_info`
    pub struct ShmInfo("shm_info") {
        used_ids: i32, shm_tot: Ulong, shm_rss: Ulong, shm_swp: Ulong, swap_attempts: Ulong, swap_successes: Ulong,
    }

    /// `struct msginfo`
    pub struct Msginfo("msginfo") {
        msgpool: i32, msgmap: i32, msgmax: i32, msgmnb: i32, msgmni: i32, msgssz: i32, msgtql: i32, msgseg: u16,
    }
}
