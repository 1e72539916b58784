//! Named constants of Linux: flag words and enumerations, with the values of each dialect.
//!
//! Values are those of the kernel's uapi headers; a row gives the host's and, in brackets, those of dialects that differ.

crate::flags! {
    /// `open`, `openat`, `fcntl(F_SETFL)`, `pipe2`.
    pub flags OPEN, "O_" [Mips Arm] {
        [field 3 { O_RDONLY = 0, O_WRONLY = 1, O_RDWR = 2 }]
        O_TMPFILE = 0x410000 (Mips 0x410000, Arm 0x404000),
        O_SYNC = 0x101000 (Mips 0x4010),
        O_CREAT = 0x40 (Mips 0x100),
        O_EXCL = 0x80 (Mips 0x400),
        O_NOCTTY = 0x100 (Mips 0x800),
        O_TRUNC = 0x200,
        O_APPEND = 0x400 (Mips 8),
        O_NONBLOCK = 0x800 (Mips 0x80),
        O_DSYNC = 0x1000 (Mips 0x10),
        O_ASYNC = 0x2000 (Mips 0x1000),
        O_DIRECT = 0x4000 (Mips 0x8000, Arm 0x10000),
        O_LARGEFILE = 0x8000 (Mips 0x2000, Arm 0x20000),
        O_DIRECTORY = 0x10000 (Arm 0x4000),
        O_NOFOLLOW = 0x20000 (Arm 0x8000),
        O_NOATIME = 0x40000,
        O_CLOEXEC = 0x80000,
        O_PATH = 0x200000,
    }

    /// `*at` calls, `statx`, `execveat`.
    pub flags AT, "AT_" [] {
        AT_SYMLINK_NOFOLLOW = 0x100,
        AT_REMOVEDIR = 0x200,
        AT_SYMLINK_FOLLOW = 0x400,
        AT_NO_AUTOMOUNT = 0x800,
        AT_EMPTY_PATH = 0x1000,
        AT_STATX_FORCE_SYNC = 0x2000,
        AT_STATX_DONT_SYNC = 0x4000,
        AT_RECURSIVE = 0x8000,
    }

    /// `faccessat2`: 0x200 has another meaning there.
    pub flags FACCESSAT, "AT_" [] {
        AT_SYMLINK_NOFOLLOW = 0x100,
        AT_EACCESS = 0x200,
        AT_EMPTY_PATH = 0x1000,
    }

    /// `access`.
    pub flags ACCESS, "?_OK" [] {
        [field 7 { F_OK = 0 }]
        R_OK = 4,
        W_OK = 2,
        X_OK = 1,
    }

    /// `lseek`.
    pub enum WHENCE, "SEEK_" [] { SEEK_SET = 0, SEEK_CUR = 1, SEEK_END = 2, SEEK_DATA = 3, SEEK_HOLE = 4 }

    /// `flock`.
    pub flags FLOCK_OP, "LOCK_" [] { LOCK_SH = 1, LOCK_EX = 2, LOCK_NB = 4, LOCK_UN = 8, LOCK_MAND = 32 }

    /// `l_type` of `struct flock`.
    pub enum LOCK_TYPE, "F_" [] { F_RDLCK = 0, F_WRLCK = 1, F_UNLCK = 2 }

    /// File descriptor flags.
    pub flags FD_FLAGS, "FD_" [] { FD_CLOEXEC = 1 }

    /// Seals of a memfd.
    pub flags SEALS, "F_SEAL_" [] {
        F_SEAL_SEAL = 1, F_SEAL_SHRINK = 2, F_SEAL_GROW = 4, F_SEAL_WRITE = 8, F_SEAL_FUTURE_WRITE = 16, F_SEAL_EXEC = 32,
    }

    /// `renameat2`.
    pub flags RENAME, "RENAME_" [] { RENAME_NOREPLACE = 1, RENAME_EXCHANGE = 2, RENAME_WHITEOUT = 4 }

    /// `statx` mask.
    pub flags STATX_MASK, "STATX_" [] {
        STATX_BASIC_STATS = 0x7ff, STATX_TYPE = 1, STATX_MODE = 2, STATX_NLINK = 4, STATX_UID = 8, STATX_GID = 0x10,
        STATX_ATIME = 0x20, STATX_MTIME = 0x40, STATX_CTIME = 0x80, STATX_INO = 0x100, STATX_SIZE = 0x200,
        STATX_BLOCKS = 0x400, STATX_BTIME = 0x800, STATX_MNT_ID = 0x1000, STATX_DIOALIGN = 0x2000,
    }

    /// `stx_attributes`.
    pub flags STATX_ATTR, "STATX_ATTR_" [] {
        STATX_ATTR_COMPRESSED = 4, STATX_ATTR_IMMUTABLE = 0x10, STATX_ATTR_APPEND = 0x20, STATX_ATTR_NODUMP = 0x40,
        STATX_ATTR_ENCRYPTED = 0x800, STATX_ATTR_AUTOMOUNT = 0x1000, STATX_ATTR_MOUNT_ROOT = 0x2000,
        STATX_ATTR_VERITY = 0x100000, STATX_ATTR_DAX = 0x200000,
    }

    /// `fallocate`.
    pub flags FALLOCATE, "FALLOC_FL_" [] {
        FALLOC_FL_KEEP_SIZE = 1, FALLOC_FL_PUNCH_HOLE = 2, FALLOC_FL_NO_HIDE_STALE = 4, FALLOC_FL_COLLAPSE_RANGE = 8,
        FALLOC_FL_ZERO_RANGE = 16, FALLOC_FL_INSERT_RANGE = 32, FALLOC_FL_UNSHARE_RANGE = 64,
    }

    /// `posix_fadvise`.
    pub enum FADVICE, "POSIX_FADV_" [] {
        POSIX_FADV_NORMAL = 0, POSIX_FADV_RANDOM = 1, POSIX_FADV_SEQUENTIAL = 2, POSIX_FADV_WILLNEED = 3,
        POSIX_FADV_DONTNEED = 4, POSIX_FADV_NOREUSE = 5,
    }

    /// `splice`, `tee`, `vmsplice`.
    pub flags SPLICE, "SPLICE_F_" [] { SPLICE_F_MOVE = 1, SPLICE_F_NONBLOCK = 2, SPLICE_F_MORE = 4, SPLICE_F_GIFT = 8 }

    /// `preadv2`, `pwritev2`.
    pub flags RWF, "RWF_" [] { RWF_HIPRI = 1, RWF_DSYNC = 2, RWF_SYNC = 4, RWF_NOWAIT = 8, RWF_APPEND = 16 }

    /// `sync_file_range`.
    pub flags SYNC_RANGE, "SYNC_FILE_RANGE_" [] {
        SYNC_FILE_RANGE_WAIT_BEFORE = 1, SYNC_FILE_RANGE_WRITE = 2, SYNC_FILE_RANGE_WAIT_AFTER = 4,
    }

    /// `setxattr`.
    pub flags XATTR, "XATTR_" [] { XATTR_CREATE = 1, XATTR_REPLACE = 2 }

    /// `mount`.
    pub flags MOUNT, "MS_" [] {
        MS_RDONLY = 1, MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_SYNCHRONOUS = 16, MS_REMOUNT = 32, MS_MANDLOCK = 64,
        MS_DIRSYNC = 128, MS_NOSYMFOLLOW = 256, MS_NOATIME = 1024, MS_NODIRATIME = 2048, MS_BIND = 4096, MS_MOVE = 8192,
        MS_REC = 16384, MS_SILENT = 32768, MS_POSIXACL = 0x10000, MS_UNBINDABLE = 0x20000, MS_PRIVATE = 0x40000,
        MS_SLAVE = 0x80000, MS_SHARED = 0x100000, MS_RELATIME = 0x200000, MS_STRICTATIME = 0x1000000, MS_LAZYTIME = 0x2000000,
    }

    /// `umount2`.
    pub flags UMOUNT, "MNT_" [] { MNT_FORCE = 1, MNT_DETACH = 2, MNT_EXPIRE = 4, UMOUNT_NOFOLLOW = 8 }

    /// `close_range`.
    pub flags CLOSE_RANGE, "CLOSE_RANGE_" [] { CLOSE_RANGE_UNSHARE = 2, CLOSE_RANGE_CLOEXEC = 4 }

    /// `memfd_create`.
    pub flags MEMFD, "MFD_" [] { MFD_CLOEXEC = 1, MFD_ALLOW_SEALING = 2, MFD_HUGETLB = 4, MFD_NOEXEC_SEAL = 8, MFD_EXEC = 16 }

    /// `mmap` protection.
    pub flags PROT, "PROT_" [Mips] {
        [field 7 { PROT_NONE = 0 }]
        PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, PROT_SEM = 8 (Mips 0x10), PROT_GROWSDOWN = 0x1000000, PROT_GROWSUP = 0x2000000,
    }

    /// `mmap`.
    pub flags MAP, "MAP_" [Mips] {
        [field 15 { MAP_FILE = 0, MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_SHARED_VALIDATE = 3 }]
        MAP_FIXED = 0x10,
        MAP_ANONYMOUS = 0x20 (Mips 0x800),
        MAP_32BIT = 0x40 (Mips 0, Arm 0, Generic 0),
        MAP_GROWSDOWN = 0x100 (Mips 0x1000),
        MAP_DENYWRITE = 0x800 (Mips 0x2000),
        MAP_EXECUTABLE = 0x1000 (Mips 0x4000),
        MAP_LOCKED = 0x2000 (Mips 0x8000),
        MAP_NORESERVE = 0x4000 (Mips 0x400),
        MAP_POPULATE = 0x8000 (Mips 0x10000),
        MAP_NONBLOCK = 0x10000 (Mips 0x20000),
        MAP_STACK = 0x20000 (Mips 0x40000),
        MAP_HUGETLB = 0x40000 (Mips 0x80000),
        MAP_SYNC = 0x80000 (Mips 0),
        MAP_FIXED_NOREPLACE = 0x100000,
    }

    /// `mremap`.
    pub flags MREMAP, "MREMAP_" [] { MREMAP_MAYMOVE = 1, MREMAP_FIXED = 2, MREMAP_DONTUNMAP = 4 }

    /// `madvise`.
    pub enum MADVICE, "MADV_" [] {
        MADV_NORMAL = 0, MADV_RANDOM = 1, MADV_SEQUENTIAL = 2, MADV_WILLNEED = 3, MADV_DONTNEED = 4, MADV_FREE = 8,
        MADV_REMOVE = 9, MADV_DONTFORK = 10, MADV_DOFORK = 11, MADV_MERGEABLE = 12, MADV_UNMERGEABLE = 13,
        MADV_HUGEPAGE = 14, MADV_NOHUGEPAGE = 15, MADV_DONTDUMP = 16, MADV_DODUMP = 17, MADV_WIPEONFORK = 18,
        MADV_KEEPONFORK = 19, MADV_COLD = 20, MADV_PAGEOUT = 21, MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23,
        MADV_COLLAPSE = 25,
    }

    /// `msync`.
    pub flags MSYNC, "MS_" [] { MS_ASYNC = 1, MS_INVALIDATE = 2, MS_SYNC = 4 }

    /// `mlockall`, `mlock2`.
    pub flags MCL, "MCL_" [] { MCL_CURRENT = 1, MCL_FUTURE = 2, MCL_ONFAULT = 4 }

    /// `clone`; the low byte is the signal at exit.
    pub flags CLONE, "CLONE_" [] {
        CLONE_VM = 0x100, CLONE_FS = 0x200, CLONE_FILES = 0x400, CLONE_SIGHAND = 0x800, CLONE_PIDFD = 0x1000,
        CLONE_PTRACE = 0x2000, CLONE_VFORK = 0x4000, CLONE_PARENT = 0x8000, CLONE_THREAD = 0x10000, CLONE_NEWNS = 0x20000,
        CLONE_SYSVSEM = 0x40000, CLONE_SETTLS = 0x80000, CLONE_PARENT_SETTID = 0x100000, CLONE_CHILD_CLEARTID = 0x200000,
        CLONE_DETACHED = 0x400000, CLONE_UNTRACED = 0x800000, CLONE_CHILD_SETTID = 0x1000000, CLONE_NEWCGROUP = 0x2000000,
        CLONE_NEWUTS = 0x4000000, CLONE_NEWIPC = 0x8000000, CLONE_NEWUSER = 0x10000000, CLONE_NEWPID = 0x20000000,
        CLONE_NEWNET = 0x40000000, CLONE_IO = 0x80000000, CLONE_CLEAR_SIGHAND = 0x100000000, CLONE_INTO_CGROUP = 0x200000000,
    }

    /// `wait4`, `waitid`.
    pub flags WAIT, "W" [] {
        WNOHANG = 1, WSTOPPED = 2, WEXITED = 4, WCONTINUED = 8, WNOWAIT = 0x1000000, __WNOTHREAD = 0x20000000,
        __WALL = 0x40000000, __WCLONE = 0x80000000,
    }

    /// `waitid` kinds of id.
    pub enum ID_TYPE, "P_" [] { P_ALL = 0, P_PID = 1, P_PGID = 2, P_PIDFD = 3 }

    /// `futex`: command in the low bits.
    pub flags FUTEX_OP, "FUTEX_" [] {
        [field 0x7f {
            FUTEX_WAIT = 0, FUTEX_WAKE = 1, FUTEX_FD = 2, FUTEX_REQUEUE = 3, FUTEX_CMP_REQUEUE = 4, FUTEX_WAKE_OP = 5,
            FUTEX_LOCK_PI = 6, FUTEX_UNLOCK_PI = 7, FUTEX_TRYLOCK_PI = 8, FUTEX_WAIT_BITSET = 9, FUTEX_WAKE_BITSET = 10,
            FUTEX_WAIT_REQUEUE_PI = 11, FUTEX_CMP_REQUEUE_PI = 12, FUTEX_LOCK_PI2 = 13
        }]
        FUTEX_PRIVATE_FLAG = 0x80, FUTEX_CLOCK_REALTIME = 0x100,
    }

    /// `membarrier`.
    pub enum MEMBARRIER, "MEMBARRIER_CMD_" [] {
        MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1, MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2,
        MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4, MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32,
        MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64,
    }

    /// `sa_flags`.
    pub flags SA, "SA_" [Mips] {
        SA_NOCLDSTOP = 1, SA_NOCLDWAIT = 2 (Mips 0x10000), SA_SIGINFO = 4 (Mips 8), SA_UNSUPPORTED = 0x400,
        SA_EXPOSE_TAGBITS = 0x800, SA_RESTORER = 0x4000000 (Mips 0), SA_ONSTACK = 0x8000000, SA_RESTART = 0x10000000,
        SA_NODEFER = 0x40000000, SA_RESETHAND = 0x80000000,
    }

    /// `sigprocmask`.
    pub enum SIG_HOW, "SIG_" [Mips] { SIG_BLOCK = 0 (Mips 1), SIG_UNBLOCK = 1 (Mips 2), SIG_SETMASK = 2 (Mips 3) }

    /// `ss_flags`.
    pub flags SS, "SS_" [] { SS_ONSTACK = 1, SS_DISABLE = 2, SS_AUTODISARM = 0x80000000 }

    /// `clock_gettime` and the like.
    pub enum CLOCK, "CLOCK_" [] {
        CLOCK_REALTIME = 0, CLOCK_MONOTONIC = 1, CLOCK_PROCESS_CPUTIME_ID = 2, CLOCK_THREAD_CPUTIME_ID = 3,
        CLOCK_MONOTONIC_RAW = 4, CLOCK_REALTIME_COARSE = 5, CLOCK_MONOTONIC_COARSE = 6, CLOCK_BOOTTIME = 7,
        CLOCK_REALTIME_ALARM = 8, CLOCK_BOOTTIME_ALARM = 9, CLOCK_TAI = 11,
    }

    /// `clock_nanosleep`, `timer_settime`.
    pub flags TIMER, "TIMER_" [] { TIMER_ABSTIME = 1 }

    /// `timerfd_settime`.
    pub flags TFD_SETTIME, "TFD_TIMER_" [] { TFD_TIMER_ABSTIME = 1, TFD_TIMER_CANCEL_ON_SET = 2 }

    /// `timerfd_create`.
    pub flags TFD, "TFD_" [Mips] { TFD_NONBLOCK = 0x800 (Mips 0x80), TFD_CLOEXEC = 0x80000 }

    /// `eventfd2`.
    pub flags EFD, "EFD_" [Mips] { EFD_SEMAPHORE = 1, EFD_NONBLOCK = 0x800 (Mips 0x80), EFD_CLOEXEC = 0x80000 }

    /// `signalfd4`.
    pub flags SFD, "SFD_" [Mips] { SFD_NONBLOCK = 0x800 (Mips 0x80), SFD_CLOEXEC = 0x80000 }

    /// `inotify_init1`.
    pub flags IN_INIT, "IN_" [Mips] { IN_NONBLOCK = 0x800 (Mips 0x80), IN_CLOEXEC = 0x80000 }

    /// `setitimer`.
    pub enum ITIMER, "ITIMER_" [] { ITIMER_REAL = 0, ITIMER_VIRTUAL = 1, ITIMER_PROF = 2 }

    /// `sigev_notify`.
    pub enum SIGEV, "SIGEV_" [] { SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4 }

    /// `poll`.
    pub flags POLL, "POLL" [Mips] {
        POLLIN = 1, POLLPRI = 2, POLLOUT = 4, POLLERR = 8, POLLHUP = 0x10, POLLNVAL = 0x20, POLLRDNORM = 0x40, POLLRDBAND = 0x80,
        // On MIPS POLLWRNORM is POLLOUT: a guest can't ask for it alone, and is told of it as POLLOUT.
        POLLWRNORM = 0x100 (Mips 4), POLLWRBAND = 0x200 (Mips 0x100), POLLMSG = 0x400, POLLREMOVE = 0x1000, POLLRDHUP = 0x2000,
    }

    /// `epoll_ctl` events; the same on all architectures.
    pub flags EPOLL, "EPOLL" [] {
        EPOLLIN = 1, EPOLLPRI = 2, EPOLLOUT = 4, EPOLLERR = 8, EPOLLHUP = 0x10, EPOLLNVAL = 0x20, EPOLLRDNORM = 0x40,
        EPOLLRDBAND = 0x80, EPOLLWRNORM = 0x100, EPOLLWRBAND = 0x200, EPOLLMSG = 0x400, EPOLLRDHUP = 0x2000,
        EPOLLEXCLUSIVE = 0x10000000, EPOLLWAKEUP = 0x20000000, EPOLLONESHOT = 0x40000000, EPOLLET = 0x80000000,
    }

    /// `epoll_ctl` operations.
    pub enum EPOLL_OP, "EPOLL_CTL_" [] { EPOLL_CTL_ADD = 1, EPOLL_CTL_DEL = 2, EPOLL_CTL_MOD = 3 }

    /// `epoll_create1`.
    pub flags EPOLL_CREATE, "EPOLL_" [] { EPOLL_CLOEXEC = 0x80000 }

    /// `inotify_add_watch`.
    pub flags INOTIFY, "IN_" [] {
        IN_ACCESS = 1, IN_MODIFY = 2, IN_ATTRIB = 4, IN_CLOSE_WRITE = 8, IN_CLOSE_NOWRITE = 0x10, IN_OPEN = 0x20,
        IN_MOVED_FROM = 0x40, IN_MOVED_TO = 0x80, IN_CREATE = 0x100, IN_DELETE = 0x200, IN_DELETE_SELF = 0x400,
        IN_MOVE_SELF = 0x800, IN_ONLYDIR = 0x1000000, IN_DONT_FOLLOW = 0x2000000, IN_EXCL_UNLINK = 0x4000000,
        IN_MASK_CREATE = 0x10000000, IN_MASK_ADD = 0x20000000, IN_ISDIR = 0x40000000, IN_ONESHOT = 0x80000000,
    }

    /// Address families.
    pub enum AF, "AF_" [] {
        AF_UNSPEC = 0, AF_UNIX = 1, AF_INET = 2, AF_AX25 = 3, AF_IPX = 4, AF_APPLETALK = 5, AF_INET6 = 10, AF_KEY = 15,
        AF_NETLINK = 16, AF_PACKET = 17, AF_RDS = 21, AF_CAN = 29, AF_TIPC = 30, AF_BLUETOOTH = 31, AF_ALG = 38, AF_NFC = 39,
        AF_VSOCK = 40, AF_XDP = 44,
    }

    /// Socket type with its creation flags.
    pub flags SOCK, "SOCK_" [Mips] {
        [field 15 {
            SOCK_STREAM = 1 (Mips 2), SOCK_DGRAM = 2 (Mips 1), SOCK_RAW = 3, SOCK_RDM = 4, SOCK_SEQPACKET = 5, SOCK_DCCP = 6,
            SOCK_PACKET = 10
        }]
        SOCK_NONBLOCK = 0x800 (Mips 0x80), SOCK_CLOEXEC = 0x80000,
    }

    /// `accept4`.
    pub flags SOCK_FLAGS, "SOCK_" [Mips] { SOCK_NONBLOCK = 0x800 (Mips 0x80), SOCK_CLOEXEC = 0x80000 }

    /// Internet protocols.
    pub enum IPPROTO, "IPPROTO_" [] {
        IPPROTO_IP = 0, IPPROTO_ICMP = 1, IPPROTO_IGMP = 2, IPPROTO_TCP = 6, IPPROTO_UDP = 17, IPPROTO_DCCP = 33,
        IPPROTO_IPV6 = 41, IPPROTO_ICMPV6 = 58, IPPROTO_SCTP = 132, IPPROTO_UDPLITE = 136, IPPROTO_RAW = 255, IPPROTO_MPTCP = 262,
    }

    /// Protocols of netlink sockets.
    pub enum NETLINK, "NETLINK_" [] {
        NETLINK_ROUTE = 0, NETLINK_USERSOCK = 2, NETLINK_FIREWALL = 3, NETLINK_SOCK_DIAG = 4, NETLINK_NFLOG = 5, NETLINK_XFRM = 6,
        NETLINK_SELINUX = 7, NETLINK_AUDIT = 9, NETLINK_CONNECTOR = 11, NETLINK_NETFILTER = 12, NETLINK_KOBJECT_UEVENT = 15,
        NETLINK_GENERIC = 16, NETLINK_CRYPTO = 21,
    }

    /// `shutdown`.
    pub enum SHUT, "SHUT_" [] { SHUT_RD = 0, SHUT_WR = 1, SHUT_RDWR = 2 }

    /// `send`, `recv`.
    pub flags MSG, "MSG_" [] {
        MSG_OOB = 1, MSG_PEEK = 2, MSG_DONTROUTE = 4, MSG_CTRUNC = 8, MSG_PROXY = 0x10, MSG_TRUNC = 0x20, MSG_DONTWAIT = 0x40,
        MSG_EOR = 0x80, MSG_WAITALL = 0x100, MSG_FIN = 0x200, MSG_SYN = 0x400, MSG_CONFIRM = 0x800, MSG_RST = 0x1000,
        MSG_ERRQUEUE = 0x2000, MSG_NOSIGNAL = 0x4000, MSG_MORE = 0x8000, MSG_WAITFORONE = 0x10000, MSG_BATCH = 0x40000,
        MSG_ZEROCOPY = 0x4000000, MSG_FASTOPEN = 0x20000000, MSG_CMSG_CLOEXEC = 0x40000000,
    }

    /// Levels of socket options.
    pub enum SOL, "SOL_" [Mips] {
        SOL_SOCKET = 1 (Mips 0xffff), SOL_IP = 0, SOL_TCP = 6, SOL_UDP = 17, SOL_IPV6 = 41, SOL_ICMPV6 = 58, SOL_RAW = 255,
        SOL_SCTP = 132, SOL_UDPLITE = 136, SOL_CAN_RAW = 101, SOL_X25 = 262, SOL_PACKET = 263, SOL_ATM = 264, SOL_NETLINK = 270,
        SOL_TIPC = 271, SOL_RXRPC = 272, SOL_BLUETOOTH = 274, SOL_RDS = 276, SOL_ALG = 279, SOL_NFC = 280, SOL_KCM = 281,
        SOL_TLS = 282, SOL_XDP = 283, SOL_MPTCP = 284, SOL_VSOCK = 287,
    }

    /// `socketcall`.
    pub enum SOCKETCALL, "SYS_" [] {
        SYS_SOCKET = 1, SYS_BIND = 2, SYS_CONNECT = 3, SYS_LISTEN = 4, SYS_ACCEPT = 5, SYS_GETSOCKNAME = 6, SYS_GETPEERNAME = 7,
        SYS_SOCKETPAIR = 8, SYS_SEND = 9, SYS_RECV = 10, SYS_SENDTO = 11, SYS_RECVFROM = 12, SYS_SHUTDOWN = 13,
        SYS_SETSOCKOPT = 14, SYS_GETSOCKOPT = 15, SYS_SENDMSG = 16, SYS_RECVMSG = 17, SYS_ACCEPT4 = 18, SYS_RECVMMSG = 19,
        SYS_SENDMMSG = 20,
    }

    /// `getrlimit`.
    pub enum RLIMIT, "RLIMIT_" [Mips] {
        RLIMIT_CPU = 0, RLIMIT_FSIZE = 1, RLIMIT_DATA = 2, RLIMIT_STACK = 3, RLIMIT_CORE = 4, RLIMIT_RSS = 5 (Mips 7),
        RLIMIT_NPROC = 6 (Mips 8), RLIMIT_NOFILE = 7 (Mips 5), RLIMIT_MEMLOCK = 8 (Mips 9), RLIMIT_AS = 9 (Mips 6),
        RLIMIT_LOCKS = 10, RLIMIT_SIGPENDING = 11, RLIMIT_MSGQUEUE = 12, RLIMIT_NICE = 13, RLIMIT_RTPRIO = 14, RLIMIT_RTTIME = 15,
    }

    /// `getrusage`.
    pub enum RUSAGE, "RUSAGE_" [] {
        RUSAGE_SELF = 0, RUSAGE_THREAD = 1, RUSAGE_CHILDREN = 0xffff_ffff_ffff_ffff,
    }

    /// `getpriority`.
    pub enum PRIO, "PRIO_" [] { PRIO_PROCESS = 0, PRIO_PGRP = 1, PRIO_USER = 2 }

    /// Scheduling policies.
    pub flags SCHED, "SCHED_" [] {
        [field 0xff {
            SCHED_OTHER = 0, SCHED_FIFO = 1, SCHED_RR = 2, SCHED_BATCH = 3, SCHED_ISO = 4, SCHED_IDLE = 5, SCHED_DEADLINE = 6,
            SCHED_EXT = 7
        }]
        SCHED_RESET_ON_FORK = 0x40000000,
    }

    /// `getrandom`.
    pub flags GRND, "GRND_" [] { GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4 }

    /// `si_code` values that every signal shares.
    pub enum SI_CODE, "SI_" [Mips] {
        SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = 0xffff_ffff_ffff_ffff,
        SI_TIMER = 0xffff_ffff_ffff_fffe (Mips 0xffff_ffff_ffff_fffd),
        SI_MESGQ = 0xffff_ffff_ffff_fffd (Mips 0xffff_ffff_ffff_fffc),
        SI_ASYNCIO = 0xffff_ffff_ffff_fffc (Mips 0xffff_ffff_ffff_fffe),
        SI_SIGIO = 0xffff_ffff_ffff_fffb, SI_TKILL = 0xffff_ffff_ffff_fffa,
    }

    /// `c_iflag` of `struct termios`.
    pub flags TERM_IFLAG, "" [] {
        IGNBRK = 1, BRKINT = 2, IGNPAR = 4, PARMRK = 8, INPCK = 0x10, ISTRIP = 0x20, INLCR = 0x40, IGNCR = 0x80, ICRNL = 0x100,
        IUCLC = 0x200, IXON = 0x400, IXANY = 0x800, IXOFF = 0x1000, IMAXBEL = 0x2000, IUTF8 = 0x4000,
    }

    /// `c_oflag`.
    pub flags TERM_OFLAG, "" [] {
        OPOST = 1, OLCUC = 2, ONLCR = 4, OCRNL = 8, ONOCR = 0x10, ONLRET = 0x20, OFILL = 0x40, OFDEL = 0x80, NLDLY = 0x100,
        TAB3 = 0x1800, VTDLY = 0x4000, FFDLY = 0x8000,
    }

    /// `c_cflag`.
    pub flags TERM_CFLAG, "" [] {
        [field 0x100f {
            B0 = 0, B50 = 1, B75 = 2, B110 = 3, B134 = 4, B150 = 5, B200 = 6, B300 = 7, B600 = 8, B1200 = 9, B1800 = 10, B2400 = 11,
            B4800 = 12, B9600 = 13, B19200 = 14, B38400 = 15, BOTHER = 0x1000, B57600 = 0x1001, B115200 = 0x1002, B230400 = 0x1003,
            B460800 = 0x1004, B500000 = 0x1005, B576000 = 0x1006, B921600 = 0x1007, B1000000 = 0x1008, B1152000 = 0x1009,
            B1500000 = 0x100a, B2000000 = 0x100b, B2500000 = 0x100c, B3000000 = 0x100d, B3500000 = 0x100e, B4000000 = 0x100f
        }]
        [field 0x30 { CS5 = 0, CS6 = 0x10, CS7 = 0x20, CS8 = 0x30 }]
        CSTOPB = 0x40, CREAD = 0x80, PARENB = 0x100, PARODD = 0x200, HUPCL = 0x400, CLOCAL = 0x800, CRTSCTS = 0x80000000,
    }

    /// `c_lflag`.
    pub flags TERM_LFLAG, "" [Mips] {
        ISIG = 1, ICANON = 2, XCASE = 4, ECHO = 8, ECHOE = 0x10, ECHOK = 0x20, ECHONL = 0x40, NOFLSH = 0x80,
        TOSTOP = 0x100 (Mips 0x8000), ECHOCTL = 0x200, ECHOPRT = 0x400, ECHOKE = 0x800, FLUSHO = 0x1000 (Mips 0x2000),
        PENDIN = 0x4000, IEXTEN = 0x8000 (Mips 0x100), EXTPROC = 0x10000,
    }

    /// `personality`.
    pub flags PERSONALITY, "PER_" [] {
        [field 0xff { PER_LINUX = 0, PER_LINUX32 = 8 }]
        ADDR_NO_RANDOMIZE = 0x40000, MMAP_PAGE_ZERO = 0x100000, ADDR_COMPAT_LAYOUT = 0x200000, READ_IMPLIES_EXEC = 0x400000,
        ADDR_LIMIT_32BIT = 0x800000, SHORT_INODE = 0x1000000, WHOLE_SECONDS = 0x2000000, STICKY_TIMEOUTS = 0x4000000,
        ADDR_LIMIT_3GB = 0x8000000,
    }

    /// `reboot` has its own magic; these are its commands.
    pub enum REBOOT, "LINUX_REBOOT_CMD_" [] {
        LINUX_REBOOT_CMD_RESTART = 0x1234567, LINUX_REBOOT_CMD_HALT = 0xcdef0123, LINUX_REBOOT_CMD_POWER_OFF = 0x4321fedc,
        LINUX_REBOOT_CMD_CAD_ON = 0x89abcdef, LINUX_REBOOT_CMD_CAD_OFF = 0,
    }

    /// `cacheflush` of MIPS.
    pub flags CACHEFLUSH, "CACHE" [] { ICACHE = 1, DCACHE = 2 }

    /// `sysmips`.
    pub enum SYSMIPS, "" [] { SETNAME = 1, FLUSH_CACHE = 3, MIPS_FIXADE = 7, MIPS_RDNVRAM = 10, MIPS_ATOMIC_SET = 2001 }

    /// `pidfd_open`.
    pub flags PIDFD, "PIDFD_" [Mips] { PIDFD_NONBLOCK = 0x800 (Mips 0x80), PIDFD_THREAD = 0x80 (Mips 0x400) }

    /// `seccomp`.
    pub enum SECCOMP, "SECCOMP_" [] {
        SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2, SECCOMP_GET_NOTIF_SIZES = 3,
    }

    /// `rseq`.
    pub flags RSEQ, "RSEQ_FLAG_" [] { RSEQ_FLAG_UNREGISTER = 1 }

    /// `ptrace`.
    pub enum PTRACE, "PTRACE_" [] {
        PTRACE_TRACEME = 0, PTRACE_PEEKTEXT = 1, PTRACE_PEEKDATA = 2, PTRACE_PEEKUSER = 3, PTRACE_POKETEXT = 4, PTRACE_POKEDATA = 5,
        PTRACE_POKEUSER = 6, PTRACE_CONT = 7, PTRACE_KILL = 8, PTRACE_SINGLESTEP = 9, PTRACE_ATTACH = 16, PTRACE_DETACH = 17,
        PTRACE_SYSCALL = 24, PTRACE_SETOPTIONS = 0x4200, PTRACE_GETEVENTMSG = 0x4201, PTRACE_GETSIGINFO = 0x4202,
        PTRACE_SETSIGINFO = 0x4203, PTRACE_GETREGSET = 0x4204, PTRACE_SETREGSET = 0x4205, PTRACE_SEIZE = 0x4206,
        PTRACE_INTERRUPT = 0x4207, PTRACE_LISTEN = 0x4208, PTRACE_GETSIGMASK = 0x420a, PTRACE_SETSIGMASK = 0x420b,
    }

    /// System V IPC: creation flags and mode bits.
    pub flags IPC_CREATE, "IPC_" [] { IPC_CREAT = 0x200, IPC_EXCL = 0x400, IPC_NOWAIT = 0x800 }

    /// `shmat`.
    pub flags SHM, "SHM_" [] { SHM_RDONLY = 0x1000, SHM_RND = 0x2000, SHM_REMAP = 0x4000, SHM_EXEC = 0x8000 }

    /// `msgrcv`.
    pub flags MSG_RECEIVE, "MSG_" [] { IPC_NOWAIT = 0x800, MSG_NOERROR = 0x1000, MSG_EXCEPT = 0x2000, MSG_COPY = 0x4000 }

    /// `ipc`.
    pub flags IPC_CALL, "" [] {
        [field 0xffff {
            SEMOP = 1, SEMGET = 2, SEMCTL = 3, SEMTIMEDOP = 4, MSGSND = 11, MSGRCV = 12, MSGGET = 13, MSGCTL = 14, SHMAT = 21,
            SHMDT = 22, SHMGET = 23, SHMCTL = 24
        }]
    }

    /// `semctl`.
    pub flags SEM_CMD, "" [] {
        [field 0xff {
            IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, GETPID = 11, GETVAL = 12, GETALL = 13, GETNCNT = 14, GETZCNT = 15,
            SETVAL = 16, SETALL = 17, SEM_STAT = 18, SEM_INFO = 19, SEM_STAT_ANY = 20
        }]
        IPC_64 = 0x100,
    }

    /// `shmctl`.
    pub flags SHM_CMD, "" [] {
        [field 0xff {
            IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, SHM_LOCK = 11, SHM_UNLOCK = 12, SHM_STAT = 13, SHM_INFO = 14,
            SHM_STAT_ANY = 15
        }]
        IPC_64 = 0x100,
    }

    /// `msgctl`.
    pub flags MSG_CMD, "" [] {
        [field 0xff { IPC_RMID = 0, IPC_SET = 1, IPC_STAT = 2, IPC_INFO = 3, MSG_STAT = 11, MSG_INFO = 12, MSG_STAT_ANY = 13 }]
        IPC_64 = 0x100,
    }

    /// `keyctl`.
    pub enum KEYCTL, "KEYCTL_" [] {
        KEYCTL_GET_KEYRING_ID = 0, KEYCTL_JOIN_SESSION_KEYRING = 1, KEYCTL_UPDATE = 2, KEYCTL_REVOKE = 3, KEYCTL_CHOWN = 4,
        KEYCTL_SETPERM = 5, KEYCTL_DESCRIBE = 6, KEYCTL_CLEAR = 7, KEYCTL_LINK = 8, KEYCTL_UNLINK = 9, KEYCTL_SEARCH = 10,
        KEYCTL_READ = 11, KEYCTL_INSTANTIATE = 12, KEYCTL_NEGATE = 13, KEYCTL_SET_REQKEY_KEYRING = 14, KEYCTL_SET_TIMEOUT = 15,
        KEYCTL_ASSUME_AUTHORITY = 16, KEYCTL_GET_SECURITY = 17, KEYCTL_SESSION_TO_PARENT = 18, KEYCTL_REJECT = 19,
        KEYCTL_INSTANTIATE_IOV = 20, KEYCTL_INVALIDATE = 21, KEYCTL_GET_PERSISTENT = 22, KEYCTL_DH_COMPUTE = 23,
        KEYCTL_PKEY_QUERY = 24, KEYCTL_PKEY_ENCRYPT = 25, KEYCTL_PKEY_DECRYPT = 26, KEYCTL_PKEY_SIGN = 27, KEYCTL_PKEY_VERIFY = 28,
        KEYCTL_RESTRICT_KEYRING = 29, KEYCTL_MOVE = 30, KEYCTL_CAPABILITIES = 31, KEYCTL_WATCH_KEY = 32,
    }

    /// `fsconfig`.
    pub enum FSCONFIG, "FSCONFIG_" [] {
        FSCONFIG_SET_FLAG = 0, FSCONFIG_SET_STRING = 1, FSCONFIG_SET_BINARY = 2, FSCONFIG_SET_PATH = 3, FSCONFIG_SET_PATH_EMPTY = 4,
        FSCONFIG_SET_FD = 5, FSCONFIG_CMD_CREATE = 6, FSCONFIG_CMD_RECONFIGURE = 7, FSCONFIG_CMD_CREATE_EXCL = 8,
    }

    /// Memory policies of NUMA, with their flags.
    pub flags MEMPOLICY, "MPOL_" [] {
        [field 0xff {
            MPOL_DEFAULT = 0, MPOL_PREFERRED = 1, MPOL_BIND = 2, MPOL_INTERLEAVE = 3, MPOL_LOCAL = 4, MPOL_PREFERRED_MANY = 5,
            MPOL_WEIGHTED_INTERLEAVE = 6
        }]
        MPOL_F_NUMA_BALANCING = 0x2000, MPOL_F_RELATIVE_NODES = 0x4000, MPOL_F_STATIC_NODES = 0x8000,
    }

    /// `bpf`.
    pub enum BPF, "BPF_" [] {
        BPF_MAP_CREATE = 0, BPF_MAP_LOOKUP_ELEM = 1, BPF_MAP_UPDATE_ELEM = 2, BPF_MAP_DELETE_ELEM = 3, BPF_MAP_GET_NEXT_KEY = 4,
        BPF_PROG_LOAD = 5, BPF_OBJ_PIN = 6, BPF_OBJ_GET = 7, BPF_PROG_ATTACH = 8, BPF_PROG_DETACH = 9, BPF_BTF_LOAD = 18,
        BPF_LINK_CREATE = 28,
    }
}
