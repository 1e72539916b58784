//! Names of what the kernel tells of processes, files, memory, sockets and routes: values of fields that traces show.
//!
//! Source: FreeBSD 12 to 15 headers (`sys/user.h`, `sys/proc.h`, `sys/file.h`, `sys/socketvar.h`, `sys/mount.h`, `net/route.h`,
//! `netinet/tcp_fsm.h`, `sys/procctl.h`, `sys/elf_common.h`).

crate::flags! {
    /// `ki_stat` of `struct kinfo_proc`.
    pub enum PROC_STATE, "S" [] { SIDL = 1, SRUN = 2, SSLEEP = 3, SSTOP = 4, SZOMB = 5, SWAIT = 6, SLOCK = 7 }

    /// `kve_type` of `struct kinfo_vmentry`.
    pub enum KVME_TYPE, "KVME_TYPE_" [] {
        KVME_TYPE_NONE = 0, KVME_TYPE_DEFAULT = 1, KVME_TYPE_VNODE = 2, KVME_TYPE_SWAP = 3, KVME_TYPE_DEVICE = 4, KVME_TYPE_PHYS = 5,
        KVME_TYPE_DEAD = 6, KVME_TYPE_SG = 7, KVME_TYPE_MGTDEVICE = 8, KVME_TYPE_GUARD = 9, KVME_TYPE_UNKNOWN = 255,
    }

    /// `kve_protection`.
    pub flags KVME_PROT, "KVME_PROT_" [] { KVME_PROT_READ = 1, KVME_PROT_WRITE = 2, KVME_PROT_EXEC = 4 }

    /// `kve_flags`.
    pub flags KVME_FLAG, "KVME_FLAG_" [] {
        KVME_FLAG_COW = 1, KVME_FLAG_NEEDS_COPY = 2, KVME_FLAG_NOCOREDUMP = 4, KVME_FLAG_SUPER = 8, KVME_FLAG_GROWS_UP = 0x10,
        KVME_FLAG_GROWS_DOWN = 0x20, KVME_FLAG_USER_WIRED = 0x40,
    }

    /// `kf_type` of `struct kinfo_file`.
    pub enum KF_TYPE, "KF_TYPE_" [] {
        KF_TYPE_NONE = 0, KF_TYPE_VNODE = 1, KF_TYPE_SOCKET = 2, KF_TYPE_PIPE = 3, KF_TYPE_FIFO = 4, KF_TYPE_KQUEUE = 5,
        KF_TYPE_CRYPTO = 6, KF_TYPE_MQUEUE = 7, KF_TYPE_SHM = 8, KF_TYPE_SEM = 9, KF_TYPE_PTS = 10, KF_TYPE_PROCDESC = 11,
        KF_TYPE_DEV = 12, KF_TYPE_EVENTFD = 13, KF_TYPE_TIMERFD = 14, KF_TYPE_UNKNOWN = 255,
    }

    /// `kf_file_type`.
    pub enum KF_VTYPE, "KF_VTYPE_" [] {
        KF_VTYPE_VNON = 0, KF_VTYPE_VREG = 1, KF_VTYPE_VDIR = 2, KF_VTYPE_VBLK = 3, KF_VTYPE_VCHR = 4, KF_VTYPE_VLNK = 5,
        KF_VTYPE_VSOCK = 6, KF_VTYPE_VFIFO = 7, KF_VTYPE_VBAD = 8, KF_VTYPE_UNKNOWN = 255,
    }

    /// `kf_flags`.
    pub flags KF_FLAG, "KF_FLAG_" [] {
        KF_FLAG_READ = 1, KF_FLAG_WRITE = 2, KF_FLAG_APPEND = 4, KF_FLAG_ASYNC = 8, KF_FLAG_FSYNC = 0x10, KF_FLAG_NONBLOCK = 0x20,
        KF_FLAG_DIRECT = 0x40, KF_FLAG_HASLOCK = 0x80, KF_FLAG_SHLOCK = 0x100, KF_FLAG_EXLOCK = 0x200, KF_FLAG_NOFOLLOW = 0x400,
        KF_FLAG_CREAT = 0x800, KF_FLAG_TRUNC = 0x1000, KF_FLAG_EXCL = 0x2000, KF_FLAG_EXEC = 0x4000,
    }

    /// `xf_type` of `struct xfile`.
    pub enum DTYPE, "DTYPE_" [] {
        DTYPE_NONE = 0, DTYPE_VNODE = 1, DTYPE_SOCKET = 2, DTYPE_PIPE = 3, DTYPE_FIFO = 4, DTYPE_KQUEUE = 5, DTYPE_CRYPTO = 6,
        DTYPE_MQUEUE = 7, DTYPE_SHM = 8, DTYPE_SEM = 9, DTYPE_PTS = 10, DTYPE_DEV = 11, DTYPE_PROCDESC = 12, DTYPE_EVENTFD = 13,
        DTYPE_TIMERFD = 14,
    }

    /// `so_state` of `struct xsocket`.
    pub flags SOCKET_STATE, "SS_" [] {
        SS_NOFDREF = 1, SS_ISCONNECTED = 2, SS_ISCONNECTING = 4, SS_ISDISCONNECTING = 8, SS_NBIO = 0x100, SS_ASYNC = 0x200,
        SS_ISCONFIRMING = 0x400, SS_ISDISCONNECTED = 0x2000,
    }

    /// `so_options` of `struct xsocket`.
    pub flags SOCKET_OPTION, "SO_" [] {
        SO_DEBUG = 1, SO_ACCEPTCONN = 2, SO_REUSEADDR = 4, SO_KEEPALIVE = 8, SO_DONTROUTE = 0x10, SO_BROADCAST = 0x20,
        SO_USELOOPBACK = 0x40, SO_LINGER = 0x80, SO_OOBINLINE = 0x100, SO_REUSEPORT = 0x200, SO_TIMESTAMP = 0x400, SO_NOSIGPIPE = 0x800,
        SO_ACCEPTFILTER = 0x1000, SO_BINTIME = 0x2000,
    }

    /// `t_state` of `struct xtcpcb`.
    pub enum TCPS, "TCPS_" [] {
        TCPS_CLOSED = 0, TCPS_LISTEN = 1, TCPS_SYN_SENT = 2, TCPS_SYN_RECEIVED = 3, TCPS_ESTABLISHED = 4, TCPS_CLOSE_WAIT = 5,
        TCPS_FIN_WAIT_1 = 6, TCPS_CLOSING = 7, TCPS_LAST_ACK = 8, TCPS_FIN_WAIT_2 = 9, TCPS_TIME_WAIT = 10,
    }

    /// Types of messages about routes and interfaces.
    pub enum RTM, "RTM_" [] {
        RTM_ADD = 1, RTM_DELETE = 2, RTM_CHANGE = 3, RTM_GET = 4, RTM_LOSING = 5, RTM_REDIRECT = 6, RTM_MISS = 7, RTM_LOCK = 8,
        RTM_RESOLVE = 0xb, RTM_NEWADDR = 0xc, RTM_DELADDR = 0xd, RTM_IFINFO = 0xe, RTM_NEWMADDR = 0xf, RTM_DELMADDR = 0x10,
        RTM_IFANNOUNCE = 0x11, RTM_IEEE80211 = 0x12,
    }

    /// Flags of routes.
    pub flags RTF, "RTF_" [] {
        RTF_UP = 1, RTF_GATEWAY = 2, RTF_HOST = 4, RTF_REJECT = 8, RTF_DYNAMIC = 0x10, RTF_MODIFIED = 0x20, RTF_DONE = 0x40,
        RTF_XRESOLVE = 0x200, RTF_LLINFO = 0x400, RTF_STATIC = 0x800, RTF_BLACKHOLE = 0x1000, RTF_PROTO2 = 0x4000, RTF_PROTO1 = 0x8000,
        RTF_PROTO3 = 0x40000, RTF_FIXEDMTU = 0x80000, RTF_PINNED = 0x100000, RTF_LOCAL = 0x200000, RTF_BROADCAST = 0x400000,
        RTF_MULTICAST = 0x800000, RTF_STICKY = 0x10000000,
    }

    /// Which addresses follow a message, in this order.
    pub flags RTA, "RTA_" [] {
        RTA_DST = 1, RTA_GATEWAY = 2, RTA_NETMASK = 4, RTA_GENMASK = 8, RTA_IFP = 0x10, RTA_IFA = 0x20, RTA_AUTHOR = 0x40, RTA_BRD = 0x80,
    }

    /// `f_flags` of `struct statfs`, flags of `nmount` and `unmount`.
    pub flags MNT, "MNT_" [] {
        MNT_RDONLY = 1, MNT_SYNCHRONOUS = 2, MNT_NOEXEC = 4, MNT_NOSUID = 8, MNT_NFS4ACLS = 0x10, MNT_UNION = 0x20, MNT_ASYNC = 0x40,
        MNT_EXRDONLY = 0x80, MNT_EXPORTED = 0x100, MNT_DEFEXPORTED = 0x200, MNT_EXPORTANON = 0x400, MNT_EXKERB = 0x800,
        MNT_LOCAL = 0x1000, MNT_QUOTA = 0x2000, MNT_ROOTFS = 0x4000, MNT_USER = 0x8000, MNT_UPDATE = 0x10000, MNT_DELEXPORT = 0x20000,
        MNT_RELOAD = 0x40000, MNT_FORCE = 0x80000, MNT_SUIDDIR = 0x100000, MNT_SOFTDEP = 0x200000, MNT_NOSYMFOLLOW = 0x400000,
        MNT_IGNORE = 0x800000, MNT_SNAPSHOT = 0x1000000, MNT_GJOURNAL = 0x2000000, MNT_MULTILABEL = 0x4000000, MNT_ACLS = 0x8000000,
        MNT_NOATIME = 0x10000000, MNT_EXPUBLIC = 0x20000000, MNT_NOCLUSTERR = 0x40000000, MNT_NOCLUSTERW = 0x80000000,
        MNT_SUJ = 0x100000000, MNT_AUTOMOUNTED = 0x200000000, MNT_VERIFIED = 0x400000000, MNT_UNTRUSTED = 0x800000000,
    }

    /// `rs_flags` of `struct procctl_reaper_status`.
    pub flags REAPER_STATUS, "REAPER_STATUS_" [] { REAPER_STATUS_OWNED = 1, REAPER_STATUS_REALINIT = 2 }

    /// `rk_flags` of `struct procctl_reaper_kill`.
    pub flags REAPER_KILL, "REAPER_KILL_" [] { REAPER_KILL_CHILDREN = 1, REAPER_KILL_SUBTREE = 2 }

    /// `flags` of `struct thr_param`.
    pub flags THR, "THR_" [] { THR_SUSPENDED = 1, THR_SYSTEM_SCOPE = 2 }

    /// `aio_lio_opcode`.
    pub enum LIO, "LIO_" [] { LIO_NOP = 0, LIO_WRITE = 1, LIO_READ = 2, LIO_SYNC = 3, LIO_MLOCK = 4 }

    /// `sem_flg` of `struct sembuf`.
    pub flags SEM_FLG, "" [] { IPC_NOWAIT = 0x800, SEM_UNDO = 0x1000 }

    /// Types of entries of the auxiliary vector.
    pub enum AUX, "AT_" [] {
        AT_NULL = 0, AT_IGNORE = 1, AT_EXECFD = 2, AT_PHDR = 3, AT_PHENT = 4, AT_PHNUM = 5, AT_PAGESZ = 6, AT_BASE = 7, AT_FLAGS = 8,
        AT_ENTRY = 9, AT_NOTELF = 10, AT_UID = 11, AT_EUID = 12, AT_GID = 13, AT_EGID = 14, AT_EXECPATH = 15, AT_CANARY = 16,
        AT_CANARYLEN = 17, AT_OSRELDATE = 18, AT_NCPUS = 19, AT_PAGESIZES = 20, AT_PAGESIZESLEN = 21, AT_TIMEKEEP = 22,
        AT_STACKPROT = 23, AT_EHDRFLAGS = 24, AT_HWCAP = 25, AT_HWCAP2 = 26, AT_BSDFLAGS = 27, AT_ARGC = 28, AT_ARGV = 29, AT_ENVC = 30,
        AT_ENVV = 31, AT_PS_STRINGS = 32, AT_FXRNG = 33, AT_KPRELOAD = 34, AT_USRSTACKBASE = 35, AT_USRSTACKLIM = 36,
    }
}
