//! Names of arguments of calls that are not translated by table: the handlers read FreeBSD's values, or both systems have the same.
//!
//! Source: FreeBSD 12 to 15 headers (`sys/unistd.h`, `sys/mount.h`, `sys/mman.h`, `sys/random.h`, `sys/kenv.h`, `sys/linker.h`,
//! `sys/fcntl.h`, `sys/aio.h`, `sys/acl.h`, `sys/shm.h`, `sys/socket.h`, `sys/procdesc.h`, `sys/reboot.h`, `sys/membarrier.h`).

crate::flags! {
    /// `rfork`.
    pub flags RF, "RF" [] {
        RFNAMEG = 1, RFENVG = 2, RFFDG = 4, RFNOTEG = 8, RFPROC = 0x10, RFMEM = 0x20, RFNOWAIT = 0x40, RFCNAMEG = 0x400,
        RFCENVG = 0x800, RFCFDG = 0x1000, RFTHREAD = 0x2000, RFSIGSHARE = 0x4000, RFLINUXTHPN = 0x10000, RFSTOPPED = 0x20000,
        RFHIGHPID = 0x40000, RFTSIGZMB = 0x80000, RFPROCDESC = 0x10000000, RFSPAWN = 0x80000000,
    }

    /// `pdfork`.
    pub flags PD, "PD_" [] { PD_DAEMON = 1, PD_CLOEXEC = 2 }

    /// `minherit`.
    pub enum INHERIT, "INHERIT_" [] { INHERIT_SHARE = 0, INHERIT_COPY = 1, INHERIT_NONE = 2, INHERIT_ZERO = 3 }

    /// `posix_fadvise`.
    pub enum FADVICE, "POSIX_FADV_" [] {
        POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1, POSIX_FADV_SEQUENTIAL = 2, POSIX_FADV_WILLNEED = 3, POSIX_FADV_DONTNEED = 4,
        POSIX_FADV_NOREUSE = 5,
    }

    /// `fspacectl`.
    pub enum SPACECTL, "SPACECTL_" [] { SPACECTL_DEALLOC = 1 }

    /// `getrandom`.
    pub flags GRND, "GRND_" [] { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 }

    /// `pathconf`.
    pub enum PATHCONF, "_PC_" [] {
        _PC_LINK_MAX = 1, _PC_MAX_CANON = 2, _PC_MAX_INPUT = 3, _PC_NAME_MAX = 4, _PC_PATH_MAX = 5, _PC_PIPE_BUF = 6,
        _PC_CHOWN_RESTRICTED = 7, _PC_NO_TRUNC = 8, _PC_VDISABLE = 9, _PC_ALLOC_SIZE_MIN = 10, _PC_FILESIZEBITS = 12,
        _PC_REC_INCR_XFER_SIZE = 14, _PC_REC_MAX_XFER_SIZE = 15, _PC_REC_MIN_XFER_SIZE = 16, _PC_REC_XFER_ALIGN = 17,
        _PC_SYMLINK_MAX = 18, _PC_MIN_HOLE_SIZE = 21, _PC_ASYNC_IO = 53, _PC_PRIO_IO = 54, _PC_SYNC_IO = 55, _PC_ACL_EXTENDED = 59,
        _PC_ACL_PATH_MAX = 60, _PC_CAP_PRESENT = 61, _PC_INF_PRESENT = 62, _PC_MAC_PRESENT = 63, _PC_ACL_NFS4 = 64,
        _PC_DEALLOC_PRESENT = 65,
    }

    /// `shmat`.
    pub flags SHM_ATTACH, "SHM_" [] { SHM_RDONLY = 0x1000, SHM_RND = 0x2000 }

    /// `sendfile`: the length of the read-ahead is in the upper half.
    pub flags SENDFILE, "SF_" [] { SF_NODISKIO = 1, SF_MNOWAIT = 2, SF_SYNC = 4, SF_USER_READAHEAD = 8, SF_NOCACHE = 0x10 }

    /// `kenv`.
    pub enum KENV, "KENV_" [] {
        KENV_GET = 0, KENV_SET = 1, KENV_UNSET = 2, KENV_DUMP = 3, KENV_DUMP_LOADER = 4, KENV_DUMP_STATIC = 5,
    }

    /// `kldsym`.
    pub enum KLDSYM, "KLDSYM_" [] { KLDSYM_LOOKUP = 1 }

    /// `kldunloadf`.
    pub enum KLD_UNLOAD, "LINKER_UNLOAD_" [] { LINKER_UNLOAD_NORMAL = 0, LINKER_UNLOAD_FORCE = 1 }

    /// `lio_listio`.
    pub enum LIO_MODE, "LIO_" [] { LIO_NOWAIT = 0, LIO_WAIT = 1 }

    /// What `aio_cancel` returns.
    pub enum AIO_CANCEL, "AIO_" [] { AIO_CANCELED = 1, AIO_NOTCANCELED = 2, AIO_ALLDONE = 3 }

    /// `getfsstat`.
    pub enum MNT_MODE, "MNT_" [] { MNT_WAIT = 1, MNT_NOWAIT = 2, MNT_LAZY = 3, MNT_SUSPEND = 4 }

    /// `reboot`.
    pub flags REBOOT, "RB_" [] {
        RB_ASKNAME = 1, RB_SINGLE = 2, RB_NOSYNC = 4, RB_HALT = 8, RB_INITNAME = 0x10, RB_DFLTROOT = 0x20, RB_KDB = 0x40,
        RB_RDONLY = 0x80, RB_DUMP = 0x100, RB_MINIROOT = 0x200, RB_VERBOSE = 0x800, RB_SERIAL = 0x1000, RB_CDROM = 0x2000,
        RB_POWEROFF = 0x4000, RB_GDB = 0x8000, RB_MUTE = 0x10000, RB_PAUSE = 0x100000, RB_REROOT = 0x200000, RB_POWERCYCLE = 0x400000,
    }

    /// `membarrier`.
    pub enum MEMBARRIER, "MEMBARRIER_CMD_" [] {
        MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1, MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4, MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 0x10, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 0x20,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 0x40,
    }

    /// `timerfd_settime`.
    pub flags TFD_TIMER, "TFD_TIMER_" [] { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 }

    /// `__specialfd`.
    pub enum SPECIALFD, "SPECIALFD_" [] { SPECIALFD_EVENTFD = 1, SPECIALFD_INOTIFY = 2 }

    /// `kcmp`.
    pub enum KCMP, "KCMP_" [] { KCMP_FILE = 100, KCMP_FILEOBJ = 101, KCMP_FILES = 102, KCMP_SIGHAND = 103, KCMP_VM = 104 }
}
