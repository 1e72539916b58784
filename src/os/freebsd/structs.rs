//! Structures of FreeBSD's interface that the host's kernel has too: the host's fields first, then FreeBSD's layout.
//! Source: FreeBSD 13.2 headers, of which 15's have the same layouts.

use super::flags as f;
use crate::abi::{Dialect, Long, OsAbi, Show, Ulong};

fn freebsd(a: OsAbi) -> bool {
    a.dialect == Dialect::FreeBsd
}

/// `time_t` has 64 bits everywhere (but on i386, which is not there).
fn freebsd32(a: OsAbi) -> bool {
    freebsd(a) && a.abi.is_32bit()
}

crate::guest_struct! {
    /// `struct timespec`
    pub struct Timespec("timespec") { tv_sec: Long, tv_nsec: Long }
    layout freebsd32 { tv_sec: i64, tv_nsec: Long }

    /// `struct timeval`
    pub struct Timeval("timeval") { tv_sec: Long, tv_usec: Long }
    layout freebsd32 { tv_sec: i64, tv_usec: Long }

    /// `struct itimerval`
    pub struct Itimerval("itimerval") { it_interval: Timeval, it_value: Timeval }

    /// `struct stat` of FreeBSD 12 and later.
    pub struct Stat("stat") {
        st_dev: u64 as Show::Detail, st_ino: u64, st_nlink: u64 as Show::Detail, st_mode: u32 as Show::Mode,
        st_uid: u32 as Show::Detail, st_gid: u32 as Show::Detail, _pad0: u32, st_rdev: u64 as Show::Detail,
        st_size: i64, st_blksize: i64, st_blocks: i64 as Show::Detail,
        st_atime: i64 as Show::Detail, st_atime_nsec: i64 as Show::Detail, st_mtime: i64 as Show::Detail,
        st_mtime_nsec: i64 as Show::Detail, st_ctime: i64 as Show::Detail, st_ctime_nsec: i64 as Show::Detail,
        st_birthtime: i64 as Show::Detail, st_birthtime_nsec: i64 as Show::Detail, st_flags: u32 as Show::Detail, _pad3: u32,
    }
    layout freebsd {
        st_dev: u64, st_ino: u64, st_nlink: u64, st_mode: u16, _pad1: u16, st_uid: u32, st_gid: u32, _pad2: u32, st_rdev: u64,
        st_atime: i64, st_atime_nsec: Long, st_mtime: i64, st_mtime_nsec: Long, st_ctime: i64, st_ctime_nsec: Long,
        st_birthtime: i64, st_birthtime_nsec: Long, st_size: i64, st_blocks: i64, st_blksize: i32, st_flags: u32, _gen: u64,
        _spare: [u64; 10],
    }

    /// `struct stat` of FreeBSD 11.
    pub struct Stat11("freebsd11_stat") {
        st_dev: u32 as Show::Detail, st_ino: u32 as Show::Detail, st_mode: u16 as Show::Mode, st_nlink: u16 as Show::Detail,
        st_uid: u32 as Show::Detail, st_gid: u32 as Show::Detail, st_rdev: u32 as Show::Detail, st_atime: i64 as Show::Detail,
        st_atime_nsec: Long as Show::Detail, st_mtime: i64 as Show::Detail, st_mtime_nsec: Long as Show::Detail,
        st_ctime: i64 as Show::Detail, st_ctime_nsec: Long as Show::Detail, st_size: i64, st_blocks: i64 as Show::Detail,
        st_blksize: i32 as Show::Detail, st_flags: u32 as Show::Detail, st_gen: u32 as Show::Detail, _lspare: i32,
        st_birthtime: i64 as Show::Detail, st_birthtime_nsec: Long as Show::Detail,
    }

    /// `struct nstat`
    pub struct NStat("nstat") {
        st_dev: u32 as Show::Detail, st_ino: u32 as Show::Detail, st_mode: u32 as Show::Mode, st_nlink: u32 as Show::Detail,
        st_uid: u32 as Show::Detail, st_gid: u32 as Show::Detail, st_rdev: u32 as Show::Detail, st_atime: i64 as Show::Detail,
        st_atime_nsec: Long as Show::Detail, st_mtime: i64 as Show::Detail, st_mtime_nsec: Long as Show::Detail,
        st_ctime: i64 as Show::Detail, st_ctime_nsec: Long as Show::Detail, st_size: i64, st_blocks: i64 as Show::Detail,
        st_blksize: i32 as Show::Detail, st_flags: u32 as Show::Detail, st_gen: u32 as Show::Detail,
        st_birthtime: i64 as Show::Detail, st_birthtime_nsec: Long as Show::Detail,
    }

    /// `struct statfs` of FreeBSD 12 and later.
    pub struct Statfs("statfs") {
        f_version: u32 as Show::Detail, f_type: u32 as Show::Detail, f_flags: u64 as Show::Flags(&f::MNT), f_bsize: u64, f_iosize: u64 as Show::Detail,
        f_blocks: u64, f_bfree: u64, f_bavail: i64, f_files: u64, f_ffree: i64, f_syncwrites: u64 as Show::Detail,
        f_asyncwrites: u64 as Show::Detail, f_syncreads: u64 as Show::Detail, f_asyncreads: u64 as Show::Detail, _spare: [u64; 10],
        f_namemax: u32 as Show::Detail, f_owner: u32 as Show::Detail, f_fsid: [u32; 2] as Show::Detail, _charspare: [u8; 80],
        f_fstypename: [u8; 16] as Show::Chars, f_mntfromname: [u8; 1024] as Show::Chars, f_mntonname: [u8; 1024] as Show::Chars,
    }

    /// `struct xvfsconf`
    pub struct Xvfsconf("xvfsconf") { vfc_vfsops: Ulong as Show::Detail, vfc_name: [u8; 16] as Show::Chars, vfc_typenum: i32, vfc_refcount: i32, vfc_flags: i32 as Show::Hex, vfc_next: Ulong as Show::Detail }

    /// `struct statfs` of FreeBSD 11.
    pub struct Statfs11("freebsd11_statfs") {
        f_version: u32 as Show::Detail, f_type: u32 as Show::Detail, f_flags: u64 as Show::Flags(&f::MNT), f_bsize: u64, f_iosize: u64 as Show::Detail,
        f_blocks: u64, f_bfree: u64, f_bavail: i64, f_files: u64, f_ffree: i64, f_syncwrites: u64 as Show::Detail,
        f_asyncwrites: u64 as Show::Detail, f_syncreads: u64 as Show::Detail, f_asyncreads: u64 as Show::Detail, _spare: [u64; 10],
        f_namemax: u32 as Show::Detail, f_owner: u32 as Show::Detail, f_fsid: [u32; 2] as Show::Detail, _charspare: [u8; 80],
        f_fstypename: [u8; 16] as Show::Chars, f_mntfromname: [u8; 88] as Show::Chars, f_mntonname: [u8; 88] as Show::Chars,
    }

    /// `struct spacectl_range`
    pub struct SpaceRange("spacectl_range") { r_offset: i64, r_len: i64 }

    /// `struct sf_hdtr`
    pub struct SfHdtr("sf_hdtr") { headers: Ulong as Show::Addr, hdr_cnt: i32, _pad: u32, trailers: Ulong as Show::Addr, trl_cnt: i32, _pad2: u32 }
    layout freebsd { headers: Ulong, hdr_cnt: i32, trailers: Ulong, trl_cnt: i32 }

    /// `struct rusage`
    pub struct Rusage("rusage") {
        ru_utime: Timeval, ru_stime: Timeval, ru_maxrss: Long as Show::Detail, ru_ixrss: Long as Show::Detail,
        ru_idrss: Long as Show::Detail, ru_isrss: Long as Show::Detail, ru_minflt: Long as Show::Detail,
        ru_majflt: Long as Show::Detail, ru_nswap: Long as Show::Detail, ru_inblock: Long as Show::Detail,
        ru_oublock: Long as Show::Detail, ru_msgsnd: Long as Show::Detail, ru_msgrcv: Long as Show::Detail,
        ru_nsignals: Long as Show::Detail, ru_nvcsw: Long as Show::Detail, ru_nivcsw: Long as Show::Detail,
    }

    /// `struct clockinfo`
    pub struct Clockinfo("clockinfo") { hz: i32, tick: i32, _spare: i32, stathz: i32, profhz: i32 }

    /// `struct loadavg`
    pub struct Loadavg("loadavg") { ldavg: [u32; 3], fscale: Long }

    /// `struct vmtotal`
    pub struct Vmtotal("vmtotal") {
        t_vm: u64, t_avm: u64, t_rm: u64, t_arm: u64, t_vmshr: u64 as Show::Detail, t_avmshr: u64 as Show::Detail,
        t_rmshr: u64 as Show::Detail, t_armshr: u64 as Show::Detail, t_free: u64, t_rq: i16, t_dw: i16, t_pw: i16, t_sl: i16,
        t_sw: i16, _pad: [u16; 3],
    }

    /// `struct __wrusage` of `wait6`
    pub struct WRusage("__wrusage") { wru_self: Rusage, wru_children: Rusage }

    /// `struct rlimit`: 64 bits everywhere, infinity is the largest positive number.
    pub struct Rlimit("rlimit") { rlim_cur: i64, rlim_max: i64 }

    /// `struct sigaction`; the mask is read by its own functions.
    pub struct Sigaction("sigaction") {
        sa_handler: Ulong as Show::Handler, sa_flags: i32 as Show::Flags(&f::SA), sa_mask: [u32; 4] as Show::SignalSet,
    }

    /// `stack_t`
    pub struct Stack("stack_t") { ss_sp: Ulong as Show::Addr, ss_size: Ulong, ss_flags: i32 as Show::Flags(&f::SS) }

    /// `struct thr_param` of `thr_new`
    pub struct ThrParam("thr_param") {
        start_func: Ulong as Show::Addr, arg: Ulong as Show::Hex, stack_base: Ulong as Show::Addr, stack_size: Ulong,
        tls_base: Ulong as Show::Addr, tls_size: Ulong, child_tid: Ulong as Show::Addr, parent_tid: Ulong as Show::Addr,
        flags: i32 as Show::Flags(&f::THR), rtp: Ulong as Show::Addr, _spare: [Ulong; 3],
    }

    /// `struct kevent` of FreeBSD 12 and later.
    pub struct Kevent("kevent") {
        ident: Ulong, filter: i16 as Show::Flags(&f::EVFILT), flags: u16 as Show::Flags(&f::EV), fflags: u32 as Show::FlagsBy(&f::NOTES),
        data: i64, udata: Ulong as Show::Hex, ext: [u64; 4] as Show::Detail,
    }

    /// `struct kevent` of FreeBSD 11 and earlier.
    pub struct Kevent11("kevent") {
        ident: Ulong, filter: i16 as Show::Flags(&f::EVFILT), flags: u16 as Show::Flags(&f::EV), fflags: u32 as Show::FlagsBy(&f::NOTES),
        data: Long, udata: Ulong as Show::Hex,
    }

    /// `struct pollfd`
    pub struct Pollfd("pollfd") { fd: i32 as Show::Fd, events: i16 as Show::Flags(&f::POLL), revents: i16 as Show::Flags(&f::POLL) }

    /// `struct _umtx_time`
    pub struct UmtxTime("_umtx_time") { timeout: Timespec, flags: u32 as Show::Flags(&f::UMTX_TIME), clockid: u32 as Show::Flags(&f::CLOCK) }

    /// `struct flock`
    pub struct Flock("flock") {
        l_type: i16 as Show::Flags(&f::LOCK_TYPE), l_whence: i16 as Show::Flags(&f::WHENCE), l_start: i64, l_len: i64, l_pid: i32,
    }
    layout freebsd { l_start: i64, l_len: i64, l_pid: i32, l_type: i16, l_whence: i16, _sysid: i32 }

    /// `struct __oflock` of FreeBSD 7
    pub struct Oflock("__oflock") {
        l_type: i16 as Show::Flags(&f::LOCK_TYPE), l_whence: i16 as Show::Flags(&f::WHENCE), l_start: i64, l_len: i64, l_pid: i32,
    }
    layout freebsd { l_start: i64, l_len: i64, l_pid: i32, l_type: i16, l_whence: i16 }
    /// `struct msghdr`
    pub struct Msghdr("msghdr") {
        msg_name: Ulong as Show::Addr, msg_namelen: u32, _pad: u32, msg_iov: Ulong as Show::Addr, msg_iovlen: Ulong,
        msg_control: Ulong as Show::Addr, msg_controllen: Ulong, msg_flags: i32 as Show::Flags(&f::MSG),
    }
    layout freebsd {
        msg_name: Ulong, msg_namelen: u32, msg_iov: Ulong, msg_iovlen: i32, msg_control: Ulong, msg_controllen: u32, msg_flags: i32,
    }
}

crate::guest_struct! {
    /// `struct itimerspec`
    pub struct Itimerspec("itimerspec") { it_interval: Timespec, it_value: Timespec }

    /// `struct sigevent`: the host's union begins with the thread's id too.
    pub struct Sigevent("sigevent") {
        sigev_value: Ulong as Show::Hex, sigev_signo: i32 as Show::Signal, sigev_notify: i32 as Show::Flags(&f::SIGEV),
        sigev_notify_thread_id: i32, _unused: [i32; 11],
    }
    layout freebsd {
        sigev_notify: i32, sigev_signo: i32, sigev_value: Ulong, sigev_notify_thread_id: i32, _spare: [Long; 7],
    }

    /// `struct timezone`
    pub struct Timezone("timezone") { tz_minuteswest: i32, tz_dsttime: i32 }

    /// `struct module_stat`
    pub struct ModuleStat("module_stat") { version: i32, name: [u8; 32] as Show::Chars, refs: i32, id: i32, data: Ulong as Show::Hex }

    /// `struct kld_sym_lookup`
    pub struct KldSymLookup("kld_sym_lookup") { version: i32, symname: Ulong as Show::Text, symvalue: Ulong as Show::Hex, symsize: Ulong }

    /// `struct jail`
    pub struct Jail("jail") {
        version: u32, path: Ulong as Show::Text, hostname: Ulong as Show::Text, jailname: Ulong as Show::Text, ip4s: u32, ip6s: u32,
        ip4: Ulong as Show::Addr, ip6: Ulong as Show::Addr,
    }

    /// `struct ntptimeval`
    pub struct NtpTimeval("ntptimeval") { time: Timespec, maxerror: Long, esterror: Long, tai: Long, time_state: i32 }

    /// `struct timex`; the host's has a time behind `tolerance`.
    pub struct Timex("timex") {
        modes: u32 as Show::Hex, offset: Long, freq: Long, maxerror: Long, esterror: Long, status: i32 as Show::Hex, constant: Long,
        precision: Long as Show::Detail, tolerance: Long as Show::Detail, ppsfreq: Long as Show::Detail, jitter: Long as Show::Detail,
        shift: i32 as Show::Detail, stabil: Long as Show::Detail, jitcnt: Long as Show::Detail, calcnt: Long as Show::Detail,
        errcnt: Long as Show::Detail, stbcnt: Long as Show::Detail,
    }

    /// `struct aiocb`
    pub struct Aiocb("aiocb") {
        aio_fildes: i32 as Show::Fd, aio_offset: i64, aio_buf: Ulong as Show::Addr, aio_nbytes: Ulong, _spare: [i32; 2],
        _spare2: Ulong, aio_lio_opcode: i32 as Show::Flags(&f::LIO), aio_reqprio: i32 as Show::Detail, _status: Long, _error: Long, _kernelinfo: Long,
        aio_sigevent: Sigevent,
    }

    /// `struct mq_attr`
    pub struct MqAttr("mq_attr") { mq_flags: Long as Show::Flags(&f::OPEN), mq_maxmsg: Long, mq_msgsize: Long, mq_curmsgs: Long, _reserved: [Long; 4] }

    /// `struct ipc_perm`
    pub struct IpcPerm("ipc_perm") {
        key: i32 as Show::Hex, uid: u32, gid: u32, cuid: u32, cgid: u32, mode: u32 as Show::Mode, seq: u16, _pad: u16, _unused: [Ulong; 2],
    }
    layout freebsd { cuid: u32, cgid: u32, uid: u32, gid: u32, mode: u16, seq: u16, key: Long }

    /// `struct sembuf`
    pub struct Sembuf("sembuf") { sem_num: u16, sem_op: i16, sem_flg: i16 as Show::Flags(&f::SEM_FLG) }
}

crate::guest_struct! {
    /// `struct shmid_ds`
    pub struct ShmidDs("shmid_ds") {
        shm_perm: IpcPerm, shm_segsz: Ulong, shm_atime: i64, shm_dtime: i64, shm_ctime: i64, shm_cpid: i32, shm_lpid: i32,
        shm_nattch: Ulong, _unused: [Ulong; 2],
    }
    layout freebsd {
        shm_perm: IpcPerm, shm_segsz: Ulong, shm_lpid: i32, shm_cpid: i32, shm_nattch: u32, shm_atime: i64, shm_dtime: i64, shm_ctime: i64,
    }

    /// `struct semid_ds`
    pub struct SemidDs("semid_ds") {
        sem_perm: IpcPerm, sem_otime: i64, _unused1: Ulong, sem_ctime: i64, _unused2: Ulong, sem_nsems: Ulong, _unused3: [Ulong; 2],
    }
    layout freebsd { sem_perm: IpcPerm, _base: Ulong, sem_nsems: u16, sem_otime: i64, sem_ctime: i64 }

    /// `struct msqid_ds`
    pub struct MsqidDs("msqid_ds") {
        msg_perm: IpcPerm, msg_stime: i64, msg_rtime: i64, msg_ctime: i64, msg_cbytes: Ulong, msg_qnum: Ulong, msg_qbytes: Ulong,
        msg_lspid: i32, msg_lrpid: i32, _unused: [Ulong; 2],
    }
    layout freebsd {
        msg_perm: IpcPerm, _first: Ulong, _last: Ulong, msg_cbytes: Ulong, msg_qnum: Ulong, msg_qbytes: Ulong, msg_lspid: i32,
        msg_lrpid: i32, msg_stime: i64, msg_rtime: i64, msg_ctime: i64,
    }
}

#[cfg(test)]
mod tests;

crate::guest_struct! {
    /// `fhandle_t`
    pub struct FileHandle("fhandle") {
        fh_fsid: [u32; 2] as Show::Hex, fid_len: u16, fid_data0: u16 as Show::Hex, fid_data: [u8; 16] as Show::Detail,
    }

    /// `struct procctl_reaper_status`
    pub struct ReaperStatus("procctl_reaper_status") {
        rs_flags: u32 as Show::Flags(&f::REAPER_STATUS), rs_children: u32, rs_descendants: u32, rs_reaper: i32, rs_pid: i32, _pad: [u32; 15],
    }

    /// `struct procctl_reaper_pids`
    pub struct ReaperPids("procctl_reaper_pids") { rp_count: u32, _pad: [u32; 15], rp_pids: Ulong as Show::Addr }

    /// `struct procctl_reaper_kill`
    pub struct ReaperKill("procctl_reaper_kill") {
        rk_sig: i32 as Show::Signal, rk_flags: u32 as Show::Flags(&f::REAPER_KILL), rk_subtree: i32, rk_killed: u32, rk_fpid: i32, _pad: [u32; 15],
    }
}
