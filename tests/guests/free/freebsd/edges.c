/* The edges of calls that FreeBSD's own tests look at, and where the host's kernel answers otherwise. */
#include "check.h"

struct in { u8 len, family; u16 port; u8 address[4], zero[8]; };
struct iovec { void *base; size_t len; };
struct rlimit { s64 cur, max; };
struct timeval { s64 sec; long usec; };
struct rusage { struct timeval utime, stime; long rest[14]; };
enum { NOBODY = 65534, EISDIR = 21, ENOTSOCK = 38, ENOTCONN = 57, EAFNOSUPPORT = 47, EFTYPE = 79 };
enum { O_RDONLY = 0, O_RDWR = 2, O_CREAT = 0x200, O_EXCL = 0x800, O_DIRECTORY = 0x20000, O_EXEC = 0x40000, AT_FDCWD = -100 };
enum { S_IFCHR = 0020000, S_IFREG = 0100000, PRIVATE = 2, FIXED = 0x10, ANON = 0x1000, RLIMIT_DATA = 2, RLIMIT_AS = 10 };

/* Runs a check in a process that is not the superuser's. */
static void as_nobody(void (*check)(void))
{
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		if (SYS(geteuid) == 0)
			SAME(SYS(setuid, NOBODY), 0);
		check();
		quit(0);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
}

static void of_anybody(void)
{
	SAME(SYS(freebsd11_mknod, "device", S_IFCHR | 0600, 0), -EPERM);
	/* The sticky bit of a file is the superuser's, that of a folder its owner's. */
	SAME(SYS(mkdir, "own", 0755), 0);
	SAME(SYS(chmod, "own", 01755), 0);
	SAME(SYS(mkfifo, "own/fifo", 0600), 0);
	SAME(SYS(chmod, "own/fifo", 01700), -EFTYPE);
	SAME(SYS(lchmod, "own/fifo", 01700), -EFTYPE);
	int fd = SYS(open, "own/fifo", O_RDWR);
	CHECK(fd > 2);
	SAME(SYS(fchmod, fd, 01700), -EFTYPE);
	SAME(SYS(fchmod, fd, 0700), 0);
	SAME(SYS(unlink, "own/fifo"), 0);
	SAME(SYS(rmdir, "own"), 0);
	/* What is limited stays so. */
	struct rlimit limit = {1 << 30, 1 << 30};
	SAME(SYS(setrlimit, RLIMIT_DATA, &limit), 0);
	limit.max++;
	SAME(SYS(setrlimit, RLIMIT_DATA, &limit), -EPERM);
}

static void names(void)
{
	SAME(SYS(unlink, "/"), -EISDIR);
	SAME(SYS(rmdir, "//"), -EISDIR);
	SAME(SYS(mkdir, "/", 0755), -EISDIR);
	SAME(SYS(mkfifo, "/", 0755), -EISDIR);
	SAME(SYS(rename, "/", "x"), -EISDIR);
	SAME(SYS(mkdir, "folder", 0755), 0);
	SAME(SYS(rename, "folder", "/"), -EINVAL);
	SAME(SYS(freebsd11_mknod, "file", S_IFREG | 0600, 0), -EINVAL);
	SAME(SYS(faccessat, AT_FDCWD, "folder", 0, 0x200), -EINVAL);
	SAME(SYS(faccessat, AT_FDCWD, "folder", 0, 0x100), 0);
	SAME(SYS(revoke, (char *)-1), -EFAULT);
	SAME(SYS(revoke, "missing"), -ENOENT);
	SAME(SYS(revoke, "folder"), -EINVAL);
	as_nobody(of_anybody);
}

/* Descriptors to search or execute by. */
static void searched(void)
{
	long uid = SYS(geteuid);
	int dir = SYS(open, "folder", O_EXEC | O_DIRECTORY);
	CHECK(dir > 2);
	SAME(SYS(fchmod, dir, 0700), 0);
	SAME(SYS(fchown, dir, uid, -1), 0);
	SAME(SYS(fchown, -1, uid, -1), -EBADF);
	SAME(SYS(fchmod, 99, 0700), -EBADF);
	SAME(SYS(fchown, AT_FDCWD, uid, -1), -EBADF);
	int fd = SYS(open, "script", O_CREAT | O_EXEC, 0644);
	CHECK(fd > 2);
	SAME(SYS(openat, fd, "x", O_RDONLY), -20);
	SAME(SYS(open, "script", O_CREAT | O_EXCL | O_EXEC, 0644), -EEXIST);
	SAME(SYS(unlink, "script"), 0);
	SYS(close, fd);
	SYS(close, dir);
	SAME(SYS(rmdir, "folder"), 0);
}

static void lengths(void)
{
	char byte = 'x';
	int fd = SYS(open, "file", O_RDWR | O_CREAT, 0600);
	CHECK(fd > 2);
	SAME(SYS(write, fd, &byte, (size_t)-1), -EINVAL);
	SAME(SYS(read, fd, &byte, (size_t)-1), -EINVAL);
	SAME(pwrite(fd, &byte, (size_t)-1, 0), -EINVAL);
	SAME(pread(fd, &byte, ~(size_t)0 / 2 + 1, 0), -EINVAL);
	struct iovec iov[2] = {{&byte, 1}, {&byte, (size_t)-1}};
	SAME(SYS(writev, fd, iov, 2), -EINVAL);
	SAME(SYS(readv, fd, iov, 2), -EINVAL);
	/* The sum counts, whatever the parts are. */
	iov[0].len = iov[1].len = ~(size_t)0 / 2;
	SAME(SYS(writev, fd, iov, 2), -EINVAL);
	SAME(SYS(write, fd, (void *)-1, 1), -EFAULT);
	SAME(lseek(fd, 0, 2), 0);
	SYS(close, fd);
}

static void sockets(void)
{
	struct in none;
	memset(&none, 0, sizeof none);
	int pair[2], local = SYS(socket, 1, 1, 0), stream = SYS(socket, 2, 1, 0), datagram = SYS(socket, 2, 2, 0);
	SAME(SYS(bind, local, &none, sizeof none), -EAFNOSUPPORT);
	SAME(SYS(connect, local, &none, sizeof none), -EAFNOSUPPORT);
	int fd = SYS(open, "file", O_RDONLY), null = SYS(open, "/dev/null", O_RDWR);
	SAME(sendfile(fd, stream, 0, 0, 0, 0, 0), -ENOTCONN);
	SAME(sendfile(fd, datagram, 0, 0, 0, 0, 0), -EINVAL);
	SAME(sendfile(fd, null, 0, 0, 0, 0, 0), -ENOTSOCK);
	SAME(sendfile(fd, -1, 0, 0, 0, 0, 0), -EBADF);
	SAME(SYS(socketpair, 1, 1, 0, pair), 0);
	SAME(sendfile(fd, pair[0], 0, 0, 0, 0, 0), 0);
	/* The kernel does not look whether it could say how much was sent. */
	SAME(sendfile(fd, pair[0], 0, 0, 0, (off_t *)-8, 0), 0);
	SAME(SYS(unlink, "file"), 0);
	for (fd = 3; fd < 16; fd++)
		SYS(close, fd);
}

static void groups(void)
{
	static u32 all[1024];
	long count = SYS(getgroups_before_15, 0, 0);
	CHECK(count > 0);
	SAME(SYS(getgroups_before_15, -1, all), count);
	SAME(SYS(getgroups_before_15, 1024, (void *)-8), -EFAULT);
}

static void handle(int signal) { (void)signal; }

static void usage(void)
{
	struct rusage usage;
	struct { long handler; s32 flags; u32 mask[4]; } action = {(long)handle, 0, {0}};
	long before, me = SYS(getpid);
	SAME(SYS(sigaction, 30, &action, 0), 0);
	SAME(SYS(getrusage, 0, &usage), 0);
	before = usage.rest[11];
	for (int i = 0; i < 5; i++)
		SAME(SYS(kill, me, 30), 0);
	SAME(SYS(getrusage, 0, &usage), 0);
	SAME(usage.rest[11], before + 5);
}

/* The end of the heap, where it can be moved. */
static void breaks(void)
{
#ifdef __mips__
	struct rlimit old, limit;
	long end = SYS(obreak, 0);
	CHECK(end > 0 && (end & 4095) == 0);
	SAME(SYS(obreak, end + 5000), end + 8192);
	((char *)end)[8191] = 1;
	SAME(SYS(obreak, 0), end + 8192);
	SAME(SYS(getrlimit, RLIMIT_DATA, &old), 0);
	limit = (struct rlimit){8192, old.max};
	SAME(SYS(setrlimit, RLIMIT_DATA, &limit), 0);
	SAME(SYS(obreak, end + 8193), -ENOMEM);
	SAME(SYS(setrlimit, RLIMIT_DATA, &old), 0);
	SAME(SYS(obreak, end), end);
	SAME(SYS(obreak, -1), -ENOMEM);
#else
	SAME(SYS(obreak, 0), -ENOSYS);
#endif
}

static void memory(void)
{
	struct rlimit limit, old;
	SAME(mmap(0, 4096, 3, FIXED | ANON | PRIVATE, -1, 0), -EINVAL);
	/* Of the guest, not of the emulator: it goes on by itself. */
	SAME(SYS(getrlimit, RLIMIT_AS, &old), 0);
	limit = (struct rlimit){64 << 20, old.max};
	SAME(SYS(setrlimit, RLIMIT_AS, &limit), 0);
	SAME(mmap(0, 65 << 20, 3, ANON | PRIVATE, -1, 0), -ENOMEM);
	long at = mmap(0, 8 << 20, 3, ANON | PRIVATE, -1, 0);
	CHECK(at > 0 || at < -4096);
	limit.cur = 1;
	SAME(SYS(setrlimit, RLIMIT_AS, &limit), 0);
	SAME(mmap(0, 4096, 3, ANON | PRIVATE, -1, 0), -ENOMEM);
	int status;
	long child = SYS(fork);
	if (child == 0) {
		SAME(SYS(getrlimit, RLIMIT_AS, &limit), 0);
		SYS(exit_group, limit.cur == 1 ? 7 : 8);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 7 << 8);
	limit = (struct rlimit){2, 1};
	/* What is more than the largest value is cut (`kern_proc_setrlimit`). */
	SAME(SYS(setrlimit, RLIMIT_DATA, &limit), 0);
	CHECK(SYS(getrlimit, RLIMIT_DATA, &limit) == 0 && limit.cur == 1 && limit.max == 1);
	SAME(SYS(setrlimit, RLIMIT_AS, &old), 0);
	SAME(SYS(munmap, at, 8 << 20), 0);
}

/* What a vforked child leaves can be had as soon as vfork returns, without waiting. */
static void vforks(void)
{
	enum { WNOHANG = 1 };
	for (int i = 0; i < 100; i++) {
		int status = -1;
		long child = SYS(vfork);
		if (child == 0)
			SYS(exit_group, 5);
		CHECK(child > 0);
		SAME(SYS(wait4, child, &status, WNOHANG, 0), child);
		SAME(status, 5 << 8);
	}
}

struct kevent { long ident; short filter; u16 flags; u32 fflags; s64 data; void *udata; u64 ext[4]; };

static void named_pipes(void)
{
	enum { EV_ADD = 1, READ = -1, WRITE = -2, FIONREAD = 0x4004667f, NONBLOCK = 4, O_WRONLY = 1 };
	int count = -1;
	SAME(SYS(mkfifo, "fifo", 0600), 0);
	SAME(SYS_PADDED(__NR_truncate, "fifo", sizeof(long) == 4 ? 0 : 1024, 0, 1024, 0, 0, 0, 0), 0);
	int from = SYS(open, "fifo", NONBLOCK), to = SYS(open, "fifo", O_WRONLY | NONBLOCK), queue = SYS(kqueue);
	CHECK(from > 2 && to > from && queue > to);
	SAME(SYS(write, to, "word", 4), 4);
	SAME(SYS(ioctl, from, FIONREAD, &count), 0);
	SAME(count, 4);
	SAME(SYS(ioctl, to, FIONREAD, &count), 0);
	SAME(count, 0);
	/* The ends can be asked for what they are not for; then nothing comes. */
	struct kevent event[2] = {{to, READ, EV_ADD, 0, 0, 0, {0}}, {from, WRITE, EV_ADD, 0, 0, 0, {0}}};
	struct timespec none = {0, 0};
	SAME(SYS(kevent, queue, event, 2, 0, 0, 0), 0);
	SAME(SYS(kevent, queue, 0, 0, event, 2, &none), 0);
	SYS(close, from);
	SAME(SYS(kevent, queue, 0, 0, event, 2, &none), 0);
	SYS(close, to);
	SYS(close, queue);
	SAME(SYS(unlink, "fifo"), 0);
}

static void closing_all(void)
{
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SYS(freebsd12_closefrom, -1);
		long left = SYS(fcntl, 0, 1, 0);
		SYS(exit_group, left == -EBADF ? 6 : 7);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 6 << 8);
}

static void modules(void)
{
	struct { s32 version; char name[32]; s32 refs, id; long data; } stat = {sizeof stat, "", 0, 0, 1};
	long aio = SYS(modfind, "aio");
	CHECK(aio > 0);
	SAME(SYS(modfind, "zfs"), -ENOENT);
	SAME(SYS(modstat, aio, &stat), 0);
	CHECK(strcmp(stat.name, "aio") == 0 && stat.id == aio && stat.refs > 0 && stat.data == 0);
	stat.version = 1;
	SAME(SYS(modstat, aio, &stat), -EINVAL);
	SAME(SYS(modstat, 99, &stat), -ENOENT);
	long id = SYS(modnext, 0), all = 0;
	for (; id > 0 && all < 100; all++)
		id = SYS(modnext, id);
	SAME(id, 0);
	CHECK(all > 3);
	SAME(SYS(modnext, 99), -ENOENT);
}

/* The name of a file system is one of those that there are: bsdtar looks it up. */
static void kinds(void)
{
	struct kind { void *ops; char name[16]; s32 number, mounted, flags; void *next; };
	static struct kind all[128];
	static char status[2500];
	size_t len = sizeof all, n;
	SAME(SYS(__sysctlbyname, "vfs.conflist", 12, all, &len, 0, 0), 0);
	CHECK(len > 0 && len % sizeof *all == 0);
	SAME(SYS(statfs, ".", status), 0);
	for (n = 0; n < len / sizeof *all && strcmp(all[n].name, status + 280) != 0; n++)
		;
	CHECK(n < len / sizeof *all && all[n].mounted > 0 && all[n].number > 0);
}

#define __NR_mlockall 324
#define __NR_munlockall 325

/* How many pages of some are in memory; pages of data are while they are locked. */
static int present(long at)
{
	char vector[4];
	int count = 0;
	SAME(SYS(mincore, at, 4 * 4096, vector), 0);
	for (int n = 0; n < 4; n++)
		count += vector[n] & 1;
	return count;
}

static void locked(void)
{
	struct rlimit none = {0, 0};
	SAME(SYS(mlockall, 0), -EINVAL);
	SAME(SYS(mlockall, 4), -EINVAL);
	long before = mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0);
	SAME(present(before), 0);
	SAME(SYS(mlockall, 1), 0);
	SAME(present(before), 4);
	long now = mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0);
	SAME(present(now), 0);
	SAME(SYS(mlockall, 2), 0);
	now = mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0);
	SAME(present(now), 4);
	/* No more than the limit. */
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		struct rlimit little = {8192, 8192};
		SAME(present(mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0)), 0);
		SAME(SYS(setrlimit, 6, &little), 0);
		SAME(SYS(mlockall, 1), -ENOMEM);
		SAME(SYS(mlockall, 2), 0);
		SAME(mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0), -ENOMEM);
		quit(0);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
	SAME(SYS(munlockall), 0);
	now = mmap(0, 4 * 4096, 3, ANON | PRIVATE, -1, 0);
	SAME(present(now), 0);
	SAME(SYS(setrlimit, 6, &none), 0);
	static char page[4096];
	SAME(SYS(mlock, page, 4096), -ENOMEM);
}

static void beyond_the_end(int signal, s32 *info, void *context)
{
	(void)context;
	/* BUS_OBJERR */
	SYS(exit_group, signal == 10 && info[2] == 3 ? 4 : 5);
}

/* Memory of a file behind its end. */
static void object_error(void)
{
	struct { long handler; s32 flags; u32 mask[4]; } action = {(long)beyond_the_end, 0x40, {0}};
	int fd = SYS(open, "empty", O_RDWR | O_CREAT, 0600), status;
	long at = mmap(0, 4096, 3, 1, fd, 0);
	CHECK(fd > 2 && (at > 0 || at < -4096));
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SAME(SYS(sigaction, 10, &action, 0), 0);
		*(volatile char *)at = 1;
		quit(1);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 4 << 8);
	SYS(close, fd);
	SAME(SYS(unlink, "empty"), 0);
}

/* A terminal that a session's leader opens is not the session's before it asks for that. */
static void terminals(void)
{
	enum { TIOCGPTN = 0x4004740f, TIOCSCTTY = 0x20007461, ENXIO = 6 };
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		char name[] = "/dev/pts/000";
		int master = SYS(posix_openpt, O_RDWR), number = -1;
		SAME(SYS(ioctl, master, TIOCGPTN, &number), 0);
		CHECK(number >= 0 && number < 1000);
		char *digits = name + (number > 99 ? 12 : number > 9 ? 11 : 10);
		*digits = 0;
		do
			*--digits = '0' + number % 10;
		while (number /= 10);
		CHECK(SYS(setsid) > 0);
		int terminal = SYS(open, name, O_RDWR);
		CHECK(terminal > master);
		SAME(SYS(open, "/dev/tty", O_RDWR), -ENXIO);
		SAME(SYS(ioctl, terminal, TIOCSCTTY, 0), 0);
		CHECK(SYS(open, "/dev/tty", O_RDWR) > terminal);
		flush();
		quit(0);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
}

/* In a root where there is nothing but the file "mapped". */
static void other_root(void)
{
	SAME(SYS(chroot, "."), 0);
	SAME(SYS(open, "/proc", O_RDONLY), -ENOENT);
	int fd = SYS(open, "/mapped", O_RDWR);
	char *at = (char *)mmap(0, 4096, 3, 1, fd, 0);
	SAME(SYS(close, fd), 0);
	SAME(memcmp(at, "there", 5), 0);
	at[0] = 'T';
	SAME(mmap(0, 4096, 3, 1, fd, 0), -EBADF);
	SAME(mmap(0, 4096, 3, 1, AT_FDCWD, 0), -EBADF);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1 && strcmp(argv[1], "root") == 0) {
		other_root();
		print("fine\n");
		return 0;
	}
	/* For the one who is nobody. */
	SYS(chmod, ".", 0777);
	names();
	searched();
	lengths();
	sockets();
	groups();
	usage();
	breaks();
	memory();
	vforks();
	named_pipes();
	closing_all();
	modules();
	kinds();
	object_error();
	terminals();
	/* The superuser has limits as well. */
	locked();
	print("fine\n");
	return 0;
}
