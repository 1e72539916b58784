//! Named constants of FreeBSD: the host's value and, in brackets, FreeBSD's. A host value of 0 has no counterpart: the
//! handler of the call deals with it, or it is dropped as a hint.
//!
//! Source: FreeBSD 13 and 15 headers (`sys/fcntl.h`, `sys/mman.h`, `sys/socket.h`, `sys/signal.h`, `sys/wait.h`, `sys/event.h`).

mod calls;
mod state;

pub use calls::*;
pub use state::*;

crate::flags! {
    /// `open`, `openat`, `fcntl(F_SETFL)`, `pipe2`.
    pub flags OPEN, "O_" [FreeBsd] {
        [field 3 { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2 }]
        O_NONBLOCK = 0x800 (FreeBsd 4),
        O_APPEND = 0x400 (FreeBsd 8),
        O_SHLOCK = 0 (FreeBsd 0x10),
        O_EXLOCK = 0 (FreeBsd 0x20),
        O_ASYNC = 0x2000 (FreeBsd 0x40),
        O_SYNC = 0x101000 (FreeBsd 0x80),
        O_NOFOLLOW = 0x20000 (FreeBsd 0x100),
        O_CREAT = 0x40 (FreeBsd 0x200),
        O_TRUNC = 0x200 (FreeBsd 0x400),
        O_EXCL = 0x80 (FreeBsd 0x800),
        O_NOCTTY = 0x100 (FreeBsd 0x8000),
        O_DIRECT = 0x4000 (FreeBsd 0x10000),
        O_DIRECTORY = 0x10000 (FreeBsd 0x20000),
        O_EXEC = 0 (FreeBsd 0x40000),
        O_TTY_INIT = 0 (FreeBsd 0x80000),
        O_CLOEXEC = 0x80000 (FreeBsd 0x100000),
        O_VERIFY = 0 (FreeBsd 0x200000),
        O_PATH = 0x200000 (FreeBsd 0x400000),
        O_RESOLVE_BENEATH = 0 (FreeBsd 0x800000),
        O_DSYNC = 0x1000 (FreeBsd 0x1000000),
        O_EMPTY_PATH = 0 (FreeBsd 0x2000000),
    }

    /// `*at` calls.
    pub flags AT, "AT_" [FreeBsd] {
        AT_EACCESS = 0 (FreeBsd 0x100),
        AT_SYMLINK_NOFOLLOW = 0x100 (FreeBsd 0x200),
        AT_SYMLINK_FOLLOW = 0x400,
        AT_REMOVEDIR = 0x200 (FreeBsd 0x800),
        AT_RESOLVE_BENEATH = 0 (FreeBsd 0x2000),
        AT_EMPTY_PATH = 0x1000 (FreeBsd 0x4000),
    }

    /// `faccessat`, where the host's 0x200 is AT_EACCESS.
    pub flags FACCESSAT, "AT_" [FreeBsd] {
        AT_EACCESS = 0x200 (FreeBsd 0x100),
        AT_SYMLINK_NOFOLLOW = 0x100 (FreeBsd 0x200),
        AT_EMPTY_PATH = 0x1000 (FreeBsd 0x4000),
    }

    /// `access`.
    pub flags ACCESS, "?_OK" [] {
        [field 7 { F_OK = 0 }]
        R_OK = 4, W_OK = 2, X_OK = 1,
    }

    /// `lseek`.
    pub enum WHENCE, "SEEK_" [] { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4 }

    /// `flock`.
    pub flags FLOCK_OP, "LOCK_" [] { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8 }

    /// `l_type` of `struct flock`.
    pub enum LOCK_TYPE, "F_" [FreeBsd] { F_RDLCK = 0 (FreeBsd 1), F_WRLCK = 1 (FreeBsd 3), F_UNLCK = 2 }

    /// `fcntl` commands; the host's are those of the handler.
    pub enum FCNTL, "F_" [] {
        F_DUPFD = 0, F_GETFD = 1, F_SETFD = 2, F_GETFL = 3, F_SETFL = 4, F_GETOWN = 5, F_SETOWN = 6, F_OGETLK = 7, F_OSETLK = 8,
        F_OSETLKW = 9, F_DUP2FD = 10, F_GETLK = 11, F_SETLK = 12, F_SETLKW = 13, F_SETLK_REMOTE = 14, F_READAHEAD = 15,
        F_RDAHEAD = 16, F_DUPFD_CLOEXEC = 17, F_DUP2FD_CLOEXEC = 18, F_ADD_SEALS = 19, F_GET_SEALS = 20, F_ISUNIONSTACK = 21,
        F_KINFO = 22,
    }

    /// File descriptor flags.
    pub flags FD_FLAGS, "FD_" [] { FD_CLOEXEC = 1 }

    /// `close_range`.
    pub flags CLOSE_RANGE, "CLOSE_RANGE_" [] { CLOSE_RANGE_CLOEXEC = 4 }

    /// `mmap` protection; the upper half is the most that `mprotect` may give.
    pub flags PROT, "PROT_" [] {
        [field 7 { PROT_NONE = 0 }]
        PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4,
    }

    /// `mmap`: read by the handler in FreeBSD's values.
    pub flags MAP, "MAP_" [] {
        MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_HASSEMAPHORE = 0x200, MAP_STACK = 0x400, MAP_NOSYNC = 0x800,
        MAP_ANON = 0x1000, MAP_GUARD = 0x2000, MAP_EXCL = 0x4000, MAP_NOCORE = 0x20000, MAP_PREFAULT_READ = 0x40000,
        MAP_32BIT = 0x80000,
    }

    /// `madvise`: read by the handler in FreeBSD's values.
    pub enum MADVICE, "MADV_" [] {
        MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 5,
        MADV_NOSYNC = 6, MADV_AUTOSYNC = 7, MADV_NOCORE = 8, MADV_CORE = 9, MADV_PROTECT = 10,
    }

    /// `msync`.
    pub flags MSYNC, "MS_" [FreeBsd] { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 (FreeBsd 0) }

    /// `sigprocmask`.
    pub enum SIG_HOW, "SIG_" [FreeBsd] { SIG_BLOCK = 0 (FreeBsd 1), SIG_UNBLOCK = 1 (FreeBsd 2), SIG_SETMASK = 2 (FreeBsd 3) }

    /// `sa_flags`.
    pub flags SA, "SA_" [FreeBsd] {
        SA_ONSTACK = 0x8000000 (FreeBsd 1), SA_RESTART = 0x10000000 (FreeBsd 2), SA_RESETHAND = 0x80000000 (FreeBsd 4),
        SA_NOCLDSTOP = 1 (FreeBsd 8), SA_NODEFER = 0x40000000 (FreeBsd 0x10), SA_NOCLDWAIT = 2 (FreeBsd 0x20),
        SA_SIGINFO = 4 (FreeBsd 0x40),
    }

    /// `ss_flags`.
    pub flags SS, "SS_" [FreeBsd] { SS_ONSTACK = 1, SS_DISABLE = 2 (FreeBsd 4) }

    /// `wait4`, `wait6`.
    pub flags WAIT, "W" [FreeBsd] {
        WNOHANG = 1, WUNTRACED = 2, WCONTINUED = 8 (FreeBsd 4), WNOWAIT = 0x1000000 (FreeBsd 8), WEXITED = 4 (FreeBsd 16),
        WTRAPPED = 0 (FreeBsd 32),
    }

    /// `idtype_t` of `wait6`: the host's where it has it.
    pub enum ID_TYPE, "P_" [FreeBsd] {
        P_PID = 1 (FreeBsd 0), P_PGID = 2, P_SID = 100 (FreeBsd 3), P_UID = 101 (FreeBsd 5), P_GID = 102 (FreeBsd 6),
        P_ALL = 0 (FreeBsd 7), P_JAILID = 103 (FreeBsd 12),
    }

    /// Clocks.
    pub enum CLOCK, "CLOCK_" [FreeBsd] {
        CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1 (FreeBsd 4), CLOCK_PROCESS_CPUTIME_ID = 2 (FreeBsd 15),
        CLOCK_THREAD_CPUTIME_ID = 3 (FreeBsd 14), CLOCK_UPTIME = 1 (FreeBsd 5), CLOCK_UPTIME_PRECISE = 1 (FreeBsd 7),
        CLOCK_UPTIME_FAST = 6 (FreeBsd 8), CLOCK_REALTIME_PRECISE = 0 (FreeBsd 9), CLOCK_REALTIME_FAST = 5 (FreeBsd 10),
        CLOCK_MONOTONIC_PRECISE = 1 (FreeBsd 11), CLOCK_MONOTONIC_FAST = 6 (FreeBsd 12), CLOCK_SECOND = 5 (FreeBsd 13),
        CLOCK_VIRTUAL = 2 (FreeBsd 1), CLOCK_PROF = 2 (FreeBsd 2),
    }

    /// `clock_nanosleep`.
    pub flags TIMER, "TIMER_" [] { TIMER_ABSTIME = 1 }

    /// `getitimer`.
    pub enum ITIMER, "ITIMER_" [] { ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2 }

    /// Resource limits that the host has too.
    pub enum RLIMIT, "RLIMIT_" [FreeBsd] {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4, RLIMIT_RSS = 5,
        RLIMIT_MEMLOCK = 8 (FreeBsd 6), RLIMIT_NPROC = 6 (FreeBsd 7), RLIMIT_NOFILE = 7 (FreeBsd 8), RLIMIT_SBSIZE = 100 (FreeBsd 9),
        RLIMIT_AS = 9 (FreeBsd 10), RLIMIT_NPTS = 101 (FreeBsd 11), RLIMIT_SWAP = 102 (FreeBsd 12), RLIMIT_KQUEUES = 103 (FreeBsd 13),
        RLIMIT_UMTXP = 104 (FreeBsd 14),
    }

    /// `getrusage`.
    pub enum RUSAGE, "RUSAGE_" [] { RUSAGE_SELF = 0, RUSAGE_THREAD = 1, RUSAGE_CHILDREN = 0xffffffff }

    /// `getpriority`.
    pub enum PRIO, "PRIO_" [] { PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2 }

    /// `c_iflag` of terminals.
    pub flags IFLAG, "I_" [FreeBsd] {
        IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 8, INPCK = 0x10, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80, ICRNL = 0x100,
        IXON = 0x400 (FreeBsd 0x200), IXOFF = 0x1000 (FreeBsd 0x400), IXANY = 0x800, IMAXBEL = 0x2000, IUTF8 = 0x4000,
    }

    /// `c_oflag`.
    pub flags OFLAG, "O_" [FreeBsd] {
        OPOST = 1, ONLCR = 4 (FreeBsd 2), TAB3 = 0x1800 (FreeBsd 4), ONOEOT = 0 (FreeBsd 8), OCRNL = 8 (FreeBsd 0x10),
        ONOCR = 0x10 (FreeBsd 0x20), ONLRET = 0x20 (FreeBsd 0x40),
    }

    /// `c_cflag`. The host has one flag for both directions of flow control by lines.
    pub flags CFLAG, "C_" [FreeBsd] {
        CIGNORE = 0 (FreeBsd 1),
        CS8 = 0x30 (FreeBsd 0x300), CS7 = 0x20 (FreeBsd 0x200), CS6 = 0x10 (FreeBsd 0x100),
        CSTOPB = 0x40 (FreeBsd 0x400), CREAD = 0x80 (FreeBsd 0x800), PARENB = 0x100 (FreeBsd 0x1000), PARODD = 0x200 (FreeBsd 0x2000),
        HUPCL = 0x400 (FreeBsd 0x4000), CLOCAL = 0x800 (FreeBsd 0x8000), CRTSCTS = 0x80000000 (FreeBsd 0x30000),
    }

    /// `c_lflag`.
    pub flags LFLAG, "L_" [FreeBsd] {
        ECHOKE = 0x800 (FreeBsd 1), ECHOE = 0x10 (FreeBsd 2), ECHOK = 0x20 (FreeBsd 4), ECHO = 8, ECHONL = 0x40 (FreeBsd 0x10),
        ECHOPRT = 0x400 (FreeBsd 0x20), ECHOCTL = 0x200 (FreeBsd 0x40), ISIG = 1 (FreeBsd 0x80), ICANON = 2 (FreeBsd 0x100),
        ALTWERASE = 0 (FreeBsd 0x200), IEXTEN = 0x8000 (FreeBsd 0x400), EXTPROC = 0x10000 (FreeBsd 0x800),
        TOSTOP = 0x100 (FreeBsd 0x400000), FLUSHO = 0x1000 (FreeBsd 0x800000), NOKERNINFO = 0 (FreeBsd 0x2000000),
        PENDIN = 0x4000 (FreeBsd 0x20000000), NOFLSH = 0x80 (FreeBsd 0x80000000),
    }

    /// `ifr_flags` of network interfaces.
    pub flags IFF, "IFF_" [FreeBsd] {
        IFF_UP = 1, IFF_BROADCAST = 2, IFF_DEBUG = 4, IFF_LOOPBACK = 8, IFF_POINTOPOINT = 0x10, IFF_RUNNING = 0x40, IFF_NOARP = 0x80,
        IFF_PROMISC = 0x100, IFF_ALLMULTI = 0x200, IFF_MULTICAST = 0x1000 (FreeBsd 0x8000),
    }

    /// `fflags` of EVFILT_READ and EVFILT_WRITE.
    pub flags NOTE_IO, "NOTE_" [] { NOTE_LOWAT = 1, NOTE_FILE_POLL = 2 }

    /// `fflags` of EVFILT_VNODE.
    pub flags NOTE_FILE, "NOTE_" [] {
        NOTE_DELETE = 1, NOTE_WRITE = 2, NOTE_EXTEND = 4, NOTE_ATTRIB = 8, NOTE_LINK = 0x10, NOTE_RENAME = 0x20, NOTE_REVOKE = 0x40,
        NOTE_OPEN = 0x80, NOTE_CLOSE = 0x100, NOTE_CLOSE_WRITE = 0x200, NOTE_READ = 0x400,
    }

    /// `fflags` of EVFILT_PROC and EVFILT_PROCDESC.
    pub flags NOTE_PROCESS, "NOTE_" [] {
        NOTE_EXIT = 0x80000000, NOTE_FORK = 0x40000000, NOTE_EXEC = 0x20000000, NOTE_TRACK = 1, NOTE_TRACKERR = 2, NOTE_CHILD = 4,
    }

    /// `fflags` of EVFILT_TIMER.
    pub flags NOTE_TIME, "NOTE_" [] {
        NOTE_SECONDS = 1, NOTE_MSECONDS = 2, NOTE_USECONDS = 4, NOTE_NSECONDS = 8, NOTE_ABSTIME = 0x10,
    }

    /// `fflags` of EVFILT_USER; the low 24 bits are the program's.
    pub flags NOTE_OWN, "NOTE_" [] {
        [field 0xc0000000 { NOTE_FFNOP = 0, NOTE_FFAND = 0x40000000, NOTE_FFOR = 0x80000000, NOTE_FFCOPY = 0xc0000000 }]
        NOTE_TRIGGER = 0x01000000,
    }

    /// Address families.
    pub enum DOMAIN, "AF_" [FreeBsd] {
        AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_INET6 = 10 (FreeBsd 28), AF_ROUTE = 0x1011 (FreeBsd 17),
        AF_LINK = 0x1012 (FreeBsd 18), AF_NETLINK = 16 (FreeBsd 38),
    }

    /// `socket` types with flags.
    pub flags SOCK, "SOCK_" [FreeBsd] {
        [field 15 { SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5 }]
        SOCK_CLOEXEC = 0x80000 (FreeBsd 0x10000000), SOCK_NONBLOCK = 0x800 (FreeBsd 0x20000000),
    }

    /// `send`, `recv`.
    pub flags MSG, "MSG_" [FreeBsd] {
        MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_EOR = 0x80 (FreeBsd 8), MSG_TRUNC = 0x20 (FreeBsd 0x10),
        MSG_CTRUNC = 8 (FreeBsd 0x20), MSG_WAITALL = 0x100 (FreeBsd 0x40), MSG_DONTWAIT = 0x40 (FreeBsd 0x80),
        MSG_EOF = 0 (FreeBsd 0x100), MSG_NOSIGNAL = 0x4000 (FreeBsd 0x20000), MSG_CMSG_CLOEXEC = 0x40000000 (FreeBsd 0x40000),
        MSG_WAITFORONE = 0x10000 (FreeBsd 0x80000),
    }

    /// `shutdown`.
    pub enum SHUT, "SHUT_" [] { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 }

    /// `poll`.
    pub flags POLL, "POLL" [FreeBsd] {
        POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 16, POLLNVAL = 32, POLLRDNORM = 0x40, POLLRDBAND = 0x80,
        POLLWRBAND = 0x200 (FreeBsd 0x100), POLLRDHUP = 0x2000 (FreeBsd 0x4000),
    }

    /// `_umtx_op`.
    pub enum UMTX_OP, "UMTX_OP_" [] {
        UMTX_OP_LOCK = 0, UMTX_OP_UNLOCK = 1, UMTX_OP_WAIT = 2, UMTX_OP_WAKE = 3, UMTX_OP_MUTEX_TRYLOCK = 4, UMTX_OP_MUTEX_LOCK = 5,
        UMTX_OP_MUTEX_UNLOCK = 6, UMTX_OP_SET_CEILING = 7, UMTX_OP_CV_WAIT = 8, UMTX_OP_CV_SIGNAL = 9, UMTX_OP_CV_BROADCAST = 10,
        UMTX_OP_WAIT_UINT = 11, UMTX_OP_RW_RDLOCK = 12, UMTX_OP_RW_WRLOCK = 13, UMTX_OP_RW_UNLOCK = 14,
        UMTX_OP_WAIT_UINT_PRIVATE = 15, UMTX_OP_WAKE_PRIVATE = 16, UMTX_OP_MUTEX_WAIT = 17, UMTX_OP_MUTEX_WAKE = 18,
        UMTX_OP_SEM_WAIT = 19, UMTX_OP_SEM_WAKE = 20, UMTX_OP_NWAKE_PRIVATE = 21, UMTX_OP_MUTEX_WAKE2 = 22,
        UMTX_OP_SEM2_WAIT = 23, UMTX_OP_SEM2_WAKE = 24, UMTX_OP_SHM = 25, UMTX_OP_ROBUST_LISTS = 26,
        UMTX_OP_GET_MIN_TIMEOUT = 27, UMTX_OP_SET_MIN_TIMEOUT = 28,
    }

    /// `m_flags` of a mutex of `_umtx_op`.
    pub flags UMUTEX, "UMUTEX_" [] {
        USYNC_PROCESS_SHARED = 1, UMUTEX_PRIO_INHERIT = 4, UMUTEX_PRIO_PROTECT = 8, UMUTEX_ROBUST = 0x10, UMUTEX_NONCONSISTENT = 0x20,
    }

    /// `rw_flags` of a lock of readers and writers.
    pub flags URWLOCK, "URWLOCK_" [] { USYNC_PROCESS_SHARED = 1, URWLOCK_PREFER_READER = 2 }

    /// Flags of condition variables and semaphores.
    pub flags USYNC, "USYNC_" [] { USYNC_PROCESS_SHARED = 1 }

    /// What UMTX_OP_CV_WAIT has for its value.
    pub flags CVWAIT, "CVWAIT_" [] { CVWAIT_CHECK_UNPARKING = 1, CVWAIT_ABSTIME = 2, CVWAIT_CLOCKID = 4 }

    /// What UMTX_OP_SHM has for its value.
    pub flags UMTX_SHM, "UMTX_SHM_" [] { UMTX_SHM_CREAT = 1, UMTX_SHM_LOOKUP = 2, UMTX_SHM_DESTROY = 4, UMTX_SHM_ALIVE = 8 }

    /// `_flags` of `struct _umtx_time`.
    pub flags UMTX_TIME, "UMTX_" [] { UMTX_ABSTIME = 1 }

    /// `function` of `rtprio`.
    pub enum RTP, "RTP_" [] { RTP_LOOKUP = 0, RTP_SET = 1 }

    /// `type` of `struct rtprio`.
    pub enum RTP_PRIO, "RTP_PRIO_" [] { RTP_PRIO_REALTIME = 2, RTP_PRIO_NORMAL = 3, RTP_PRIO_IDLE = 4, RTP_PRIO_FIFO = 10 }

    /// `cpuset`
    pub enum CPU_LEVEL, "CPU_LEVEL_" [] { CPU_LEVEL_ROOT = 1, CPU_LEVEL_CPUSET = 2, CPU_LEVEL_WHICH = 3 }

    /// `cpuset`
    pub enum CPU_WHICH, "CPU_WHICH_" [] {
        CPU_WHICH_TID = 1, CPU_WHICH_PID = 2, CPU_WHICH_CPUSET = 3, CPU_WHICH_IRQ = 4, CPU_WHICH_JAIL = 5, CPU_WHICH_DOMAIN = 6,
        CPU_WHICH_INTRHANDLER = 7, CPU_WHICH_ITHREAD = 8, CPU_WHICH_TIDPID = 9,
    }

    /// `jail_set`, `jail_get`.
    pub flags JAIL, "JAIL_" [] { JAIL_CREATE = 1, JAIL_UPDATE = 2, JAIL_ATTACH = 4, JAIL_DYING = 8 }

    /// `d_type` of a directory's entries.
    pub enum DIRENT, "DT_" [] { DT_UNKNOWN = 0, DT_FIFO = 1, DT_CHR = 2, DT_DIR = 4, DT_BLK = 6, DT_REG = 8, DT_LNK = 10, DT_SOCK = 12, DT_WHT = 14 }

    /// Levels of socket options and of control messages.
    pub enum SOL, "SOL_" [] { IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_IPV6 = 41, IPPROTO_SCTP = 132, SOL_SOCKET = 0xffff }

    /// Control messages of SOL_SOCKET.
    pub enum SCM, "SCM_" [] {
        SCM_RIGHTS = 1, SCM_TIMESTAMP = 2, SCM_CREDS = 3, SCM_BINTIME = 4, SCM_REALTIME = 5, SCM_MONOTONIC = 6, SCM_TIME_INFO = 7, SCM_CREDS2 = 8,
    }

    /// `st_flags` (`sys/stat.h`).
    pub flags FILE_FLAGS, "" [] {
        UF_NODUMP = 1, UF_IMMUTABLE = 2, UF_APPEND = 4, UF_OPAQUE = 8, UF_NOUNLINK = 0x10, UF_SYSTEM = 0x80, UF_SPARSE = 0x100,
        UF_OFFLINE = 0x200, UF_REPARSE = 0x400, UF_ARCHIVE = 0x800, UF_READONLY = 0x1000, UF_HIDDEN = 0x8000, SF_ARCHIVED = 0x1_0000,
        SF_IMMUTABLE = 0x2_0000, SF_APPEND = 0x4_0000, SF_NOUNLINK = 0x10_0000, SF_SNAPSHOT = 0x20_0000,
    }

    /// Commands of `sysarch` on MIPS; on AArch64 there is none.
    pub enum SYSARCH, "" [] { MIPS_SET_TLS = 1, MIPS_GET_TLS = 2 }

    /// The first word of a descriptor's rights (`sys/capsicum.h`), bit by bit.
    pub flags CAP_FIRST, "CAP_" [] {
        CAP_READ = 0x1, CAP_WRITE = 0x2, CAP_SEEK = 0xc, CAP_SEEK_TELL = 0x4, CAP_MMAP = 0x10, CAP_MMAP_X = 0x20, CAP_CREATE = 0x40,
        CAP_FEXECVE = 0x80, CAP_FSYNC = 0x100, CAP_FTRUNCATE = 0x200, CAP_LOOKUP = 0x400, CAP_FCHDIR = 0x800, CAP_FCHFLAGS = 0x1000,
        CAP_FCHMOD = 0x2000, CAP_FCHOWN = 0x4000, CAP_FCNTL = 0x8000, CAP_FLOCK = 0x10000, CAP_FPATHCONF = 0x20000, CAP_FSCK = 0x40000,
        CAP_FSTAT = 0x80000, CAP_FSTATFS = 0x100000, CAP_FUTIMES = 0x200000, CAP_LINKAT_TARGET = 0x400000, CAP_MKDIRAT = 0x800000,
        CAP_MKFIFOAT = 0x1000000, CAP_MKNODAT = 0x2000000, CAP_RENAMEAT_SOURCE = 0x4000000, CAP_SYMLINKAT = 0x8000000,
        CAP_UNLINKAT = 0x10000000, CAP_ACCEPT = 0x20000000, CAP_BIND = 0x40000000, CAP_CONNECT = 0x80000000,
        CAP_GETPEERNAME = 0x100000000, CAP_GETSOCKNAME = 0x200000000, CAP_GETSOCKOPT = 0x400000000, CAP_LISTEN = 0x800000000,
        CAP_PEELOFF = 0x1000000000, CAP_SETSOCKOPT = 0x2000000000, CAP_SHUTDOWN = 0x4000000000, CAP_BINDAT = 0x8000000000,
        CAP_CONNECTAT = 0x10000000000, CAP_LINKAT_SOURCE = 0x20000000000, CAP_RENAMEAT_TARGET = 0x40000000000,
    }

    /// The second word.
    pub flags CAP_SECOND, "CAP_" [] {
        CAP_MAC_GET = 0x1, CAP_MAC_SET = 0x2, CAP_SEM_GETVALUE = 0x4, CAP_SEM_POST = 0x8, CAP_SEM_WAIT = 0x10, CAP_EVENT = 0x20,
        CAP_KQUEUE_EVENT = 0x40, CAP_IOCTL = 0x80, CAP_TTYHOOK = 0x100, CAP_PDGETPID = 0x200, CAP_PDWAIT = 0x400, CAP_PDKILL = 0x800,
        CAP_EXTATTR_DELETE = 0x1000, CAP_EXTATTR_GET = 0x2000, CAP_EXTATTR_LIST = 0x4000, CAP_EXTATTR_SET = 0x8000,
        CAP_ACL_CHECK = 0x10000, CAP_ACL_DELETE = 0x20000, CAP_ACL_GET = 0x40000, CAP_ACL_SET = 0x80000, CAP_KQUEUE_CHANGE = 0x100000,
    }

    /// `cap_fcntls_limit`
    pub flags CAP_FCNTL, "CAP_FCNTL_" [] { CAP_FCNTL_GETFL = 8, CAP_FCNTL_SETFL = 16, CAP_FCNTL_GETOWN = 32, CAP_FCNTL_SETOWN = 64 }

    /// `sigfastblock`.
    pub enum SIGFASTBLOCK, "SIGFASTBLOCK_" [] { SIGFASTBLOCK_SETPTR = 1, SIGFASTBLOCK_UNBLOCK = 2, SIGFASTBLOCK_UNSETPTR = 3 }

    /// `filter` of `struct kevent`.
    pub enum EVFILT, "EVFILT_" [] {
        EVFILT_READ = 0xffffffffffffffff, EVFILT_WRITE = 0xfffffffffffffffe, EVFILT_AIO = 0xfffffffffffffffd,
        EVFILT_VNODE = 0xfffffffffffffffc, EVFILT_PROC = 0xfffffffffffffffb, EVFILT_SIGNAL = 0xfffffffffffffffa,
        EVFILT_TIMER = 0xfffffffffffffff9, EVFILT_PROCDESC = 0xfffffffffffffff8, EVFILT_FS = 0xfffffffffffffff7,
        EVFILT_LIO = 0xfffffffffffffff6, EVFILT_USER = 0xfffffffffffffff5, EVFILT_SENDFILE = 0xfffffffffffffff4,
        EVFILT_EMPTY = 0xfffffffffffffff3,
    }

    /// `flags` of `struct kevent`.
    pub flags EV, "EV_" [] {
        EV_ADD = 1, EV_DELETE = 2, EV_ENABLE = 4, EV_DISABLE = 8, EV_ONESHOT = 0x10, EV_CLEAR = 0x20, EV_RECEIPT = 0x40,
        EV_DISPATCH = 0x80, EV_FORCEONESHOT = 0x100, EV_KEEPUDATA = 0x200, EV_ERROR = 0x4000, EV_EOF = 0x8000,
    }

    /// `sigev_notify`
    pub enum SIGEV, "SIGEV_" [FreeBsd] {
        SIGEV_NONE = 1 (FreeBsd 0), SIGEV_SIGNAL = 0 (FreeBsd 1), SIGEV_THREAD = 2, SIGEV_KEVENT = 100 (FreeBsd 3), SIGEV_THREAD_ID = 4,
    }

    /// `shmget`, `semget`, `msgget`: the host's are the same, permissions included.
    pub flags IPC_CREATE, "IPC_" [] { IPC_CREAT = 0x200, IPC_EXCL = 0x400, IPC_NOWAIT = 0x800 }

    /// Commands of `shmctl` and `msgctl`.
    pub enum IPC_COMMAND, "IPC_" [] { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14 }

    /// Commands of `__semctl`.
    pub enum SEM_COMMAND, "" [FreeBsd] {
        IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, GETNCNT = 14 (FreeBsd 3), GETPID = 11 (FreeBsd 4), GETVAL = 12 (FreeBsd 5),
        GETALL = 13 (FreeBsd 6), GETZCNT = 15 (FreeBsd 7), SETVAL = 16 (FreeBsd 8), SETALL = 17 (FreeBsd 9), SEM_STAT = 18 (FreeBsd 10),
        SEM_INFO = 19 (FreeBsd 11),
    }

    /// `shm_open2`
    pub flags SHM_OPEN, "SHM_" [] { SHM_ALLOW_SEALING = 1, SHM_GROW_ON_WRITE = 2, SHM_LARGEPAGE = 4 }

    /// `shm_rename`
    pub flags SHM_RENAME, "SHM_RENAME_" [] { SHM_RENAME_NOREPLACE = 1, SHM_RENAME_EXCHANGE = 2 }

    /// Scheduling policies.
    pub enum SCHED, "SCHED_" [FreeBsd] { SCHED_FIFO = 1, SCHED_OTHER = 0 (FreeBsd 2), SCHED_RR = 2 (FreeBsd 3) }

    /// Name spaces of extended attributes: read by the handlers.
    pub enum EXTATTR, "EXTATTR_NAMESPACE_" [] { EXTATTR_NAMESPACE_EMPTY = 0, EXTATTR_NAMESPACE_USER = 1, EXTATTR_NAMESPACE_SYSTEM = 2 }

    /// `mlockall`: read by the handler.
    pub flags MCL, "MCL_" [] { MCL_CURRENT = 1, MCL_FUTURE = 2 }

    /// Access control lists of a file: read by the handlers.
    pub enum ACL_TYPE, "ACL_TYPE_" [] {
        ACL_TYPE_ACCESS_OLD = 0, ACL_TYPE_DEFAULT_OLD = 1, ACL_TYPE_ACCESS = 2, ACL_TYPE_DEFAULT = 3, ACL_TYPE_NFS4 = 4,
    }

    /// Tags of their entries.
    pub enum ACL_TAG, "ACL_" [] {
        ACL_USER_OBJ = 1, ACL_USER = 2, ACL_GROUP_OBJ = 4, ACL_GROUP = 8, ACL_MASK = 0x10, ACL_OTHER = 0x20, ACL_EVERYONE = 0x40,
    }

    /// `ptrace`.
    pub enum PTRACE, "PT_" [] {
        PT_TRACE_ME = 0, PT_READ_I = 1, PT_READ_D = 2, PT_WRITE_I = 4, PT_WRITE_D = 5, PT_CONTINUE = 7, PT_KILL = 8, PT_STEP = 9,
        PT_ATTACH = 10, PT_DETACH = 11, PT_IO = 12, PT_LWPINFO = 13, PT_GETNUMLWPS = 14, PT_GETLWPLIST = 15, PT_CLEARSTEP = 16,
        PT_SETSTEP = 17, PT_SUSPEND = 18, PT_RESUME = 19, PT_TO_SCE = 20, PT_TO_SCX = 21, PT_SYSCALL = 22, PT_FOLLOW_FORK = 23,
        PT_LWP_EVENTS = 24, PT_GET_EVENT_MASK = 25, PT_SET_EVENT_MASK = 26, PT_GET_SC_ARGS = 27, PT_GET_SC_RET = 28, PT_COREDUMP = 29,
        PT_GETREGS = 33, PT_SETREGS = 34, PT_GETFPREGS = 35, PT_SETFPREGS = 36, PT_GETDBREGS = 37, PT_SETDBREGS = 38,
        PT_VM_TIMESTAMP = 40, PT_VM_ENTRY = 41, PT_GETREGSET = 42, PT_SETREGSET = 43, PT_SC_REMOTE = 44,
    }

    /// `ptrace(PT_SET_EVENT_MASK)`.
    pub flags PTRACE_EVENT, "PTRACE_" [] {
        PTRACE_EXEC = 1, PTRACE_SCE = 2, PTRACE_SCX = 4, PTRACE_FORK = 8, PTRACE_LWP = 0x10, PTRACE_VFORK = 0x20,
    }

    /// `piod_op` of `struct ptrace_io_desc`.
    pub enum PIOD, "PIOD_" [] { PIOD_READ_D = 1, PIOD_WRITE_D = 2, PIOD_READ_I = 3, PIOD_WRITE_I = 4 }

    /// `pl_event` of `struct ptrace_lwpinfo`.
    pub enum PL_EVENT, "PL_EVENT_" [] { PL_EVENT_NONE = 0, PL_EVENT_SIGNAL = 1 }

    /// `pl_flags` of `struct ptrace_lwpinfo`.
    pub flags PL_FLAG, "PL_FLAG_" [] {
        PL_FLAG_SA = 1, PL_FLAG_BOUND = 2, PL_FLAG_SCE = 4, PL_FLAG_SCX = 8, PL_FLAG_EXEC = 0x10, PL_FLAG_SI = 0x20,
        PL_FLAG_FORKED = 0x40, PL_FLAG_CHILD = 0x80, PL_FLAG_BORN = 0x100, PL_FLAG_EXITED = 0x200, PL_FLAG_VFORKED = 0x400,
        PL_FLAG_VFORK_DONE = 0x800,
    }

    /// Commands of `procctl`.
    pub enum PROCCTL, "PROC_" [] {
        PROC_SPROTECT = 1, PROC_REAP_ACQUIRE = 2, PROC_REAP_RELEASE = 3, PROC_REAP_STATUS = 4, PROC_REAP_GETPIDS = 5, PROC_REAP_KILL = 6,
        PROC_TRACE_CTL = 7, PROC_TRACE_STATUS = 8, PROC_TRAPCAP_CTL = 9, PROC_TRAPCAP_STATUS = 10, PROC_PDEATHSIG_CTL = 11,
        PROC_PDEATHSIG_STATUS = 12, PROC_ASLR_CTL = 13, PROC_ASLR_STATUS = 14, PROC_PROTMAX_CTL = 15, PROC_PROTMAX_STATUS = 16,
        PROC_STACKGAP_CTL = 17, PROC_STACKGAP_STATUS = 18, PROC_NO_NEW_PRIVS_CTL = 19, PROC_NO_NEW_PRIVS_STATUS = 20, PROC_WXMAP_CTL = 21,
        PROC_WXMAP_STATUS = 22, PROC_LOGSIGEXIT_CTL = 23, PROC_LOGSIGEXIT_STATUS = 24,
    }
}

/// `fflags` of a `struct kevent`, by its filter.
pub static NOTES: crate::abi::FlagChoice = crate::abi::FlagChoice {
    by: "filter",
    tables: &[
        (-1, &NOTE_IO),
        (-2, &NOTE_IO),
        (-4, &NOTE_FILE),
        (-5, &NOTE_PROCESS),
        (-7, &NOTE_TIME),
        (-8, &NOTE_PROCESS),
        (-11, &NOTE_OWN),
    ],
};
