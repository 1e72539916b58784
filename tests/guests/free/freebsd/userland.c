/* What FreeBSD's own programs and tests rely on, and found missing: each check is a fault that one of them showed. */
#include "check.h"

#ifndef __NR___sysctl
#define __NR___sysctl 202
#endif
#ifndef __NR_setsid
#define __NR_setsid 147
#endif
#ifndef __NR_poll
#define __NR_poll 209
#endif

struct iovec { void *base; size_t len; };
struct msghdr { void *name; u32 namelen; struct iovec *iov; s32 iovlen; void *control; u32 controllen; s32 flags; };
struct action { void (*handler)(int); s32 flags; u32 mask[4]; };
enum { RDONLY = 0, WRONLY = 1, RDWR = 2, APPEND = 8, CREAT = 0x200, SHM_ANON = 1, SOL_SOCKET = 0xffff, AF_UNIX = 1, DGRAM = 2,
	SEQPACKET = 5, SIGPIPE = 13, SIGUSR1 = 30, NOSIGNAL = 0x20000, CTRUNC = 0x20 };

static volatile int seen;

static void handler(int signal)
{
	seen = signal;
}

static int wait_for(long pid)
{
	int status = -1;
	SAME(wait6(0, pid, &status, 16, 0, 0), pid);
	return status;
}

/* nanosleep: a signal that is there already leaves all of the time; what is before now is no error. */
static void sleeping(void)
{
	struct action act = {handler, 0, {0}};
	SAME(SYS(sigaction, SIGUSR1, &act, 0), 0);
	long parent = SYS(getpid);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		struct timespec ms = {0, 300000};
		for (int n = 0; n < 400; n++) {
			for (int i = 0; i < 4; i++)
				SYS(kill, parent, SIGUSR1);
			SYS(nanosleep, &ms, 0);
		}
		quit(0);
	}
	int interrupted = 0;
	for (int n = 0; n < 300; n++) {
		struct timespec time = {0, 200000000}, left = {77, 77};
		if (SYS(nanosleep, &time, &left) == -EINTR) {
			interrupted++;
			CHECK(left.sec == 0 && left.nsec > 0 && left.nsec <= time.nsec);
		} else
			break;
	}
	CHECK(interrupted > 0);
	SYS(kill, child, 9);
	wait_for(child);
	struct timespec before = {-1, 0}, wrong = {-1, -1}, left = {5, 5};
	SAME(SYS(nanosleep, &before, &left), 0);
	SAME(SYS(nanosleep, &wrong, &left), -EINVAL);
}

/* Nothing is looked at that has no length; a range has to end in the address space; no time is shorter than "for ever". */
static void limits(void)
{
	char none[8];
	int fd = SYS(open, "/dev/null", WRONLY, 0);
	CHECK(fd > 2);
	SAME(SYS(write, fd, (void *)~0ul, 0), 0);
	SAME(SYS(write, fd, none, 0), 0);
	SAME(SYS(mprotect, (void *)~0ul, 1, 1), -EINVAL);
	SAME(SYS(munmap, (void *)~0ul, 1), -EINVAL);
	SAME(SYS(poll, 0, 0, -2), -EINVAL);
	SAME(SYS(poll, 0, 0, 0), 0);
	SYS(close, fd);
}

static char path[2048];

static void shared_memory(void)
{
	SAME(SYS(shm_open2, SHM_ANON, RDONLY, 0, 0, 0), -EINVAL);
	SAME(SYS(shm_open2, "/emu-not-there", WRONLY, 0, 0, 0), -EINVAL);
	SAME(SYS(shm_open2, "/emu-not-there", RDWR | APPEND, 0, 0, 0), -EINVAL);
	SAME(SYS(shm_open2, "/emu-not-there", RDWR, 0, 0, 0), -ENOENT);
	memset(path, 'a', 1100);
	SAME(SYS(shm_open2, path, RDWR, 0, 0, 0), -ENAMETOOLONG);
	path[0] = '/';
	SAME(SYS(shm_open2, path, RDWR | CREAT, 0600, 0, 0), -ENAMETOOLONG);
	SAME(SYS(shm_unlink, path), -ENAMETOOLONG);
}

/* The lowest descriptor that is free. */
static long lowest(void)
{
	long fd = SYS(open, "/dev/null", RDONLY, 0);
	CHECK(fd >= 0);
	SYS(close, fd);
	return fd;
}

static struct { u32 len; s32 level, type, pad, fds[2]; } rights;

static void send_rights(int to, int fd)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	rights.len = 24, rights.level = SOL_SOCKET, rights.type = 1, rights.fds[0] = rights.fds[1] = fd;
	struct msghdr m = {0, 0, &iov, 1, &rights, 24, 0};
	SAME(SYS(sendmsg, to, &m, 0), 1);
}

/* Descriptors that arrive and that the program is not told of are not left open. */
static void lost_rights(void)
{
	int pair[2];
	char byte;
	struct iovec iov = {&byte, 1};
	SAME(SYS(socketpair, AF_UNIX, 1, 0, pair), 0);
	long free = lowest();
	static const u32 room[] = {16, 20};
	for (int n = 0; n < 2; n++) {
		send_rights(pair[0], pair[1]);
		struct msghdr m = {0, 0, &iov, 1, &rights, room[n], 0};
		SAME(SYS(recvmsg, pair[1], &m, 0), 1);
		CHECK(m.flags & CTRUNC);
		CHECK(m.controllen <= room[n]);
		if (n == 1 && m.controllen == 20)
			SYS(close, rights.fds[0]);
		SAME(lowest(), free);
	}
	send_rights(pair[0], pair[1]);
	struct msghdr m = {0, 0, &iov, 1, (void *)8, 24, 0};
	SAME(SYS(recvmsg, pair[1], &m, 0), -EFAULT);
	SAME(lowest(), free);
	SYS(close, pair[0]);
	SYS(close, pair[1]);
}

/* SIGPIPE comes whatever the type of the socket. */
static void broken_sockets(void)
{
	struct action act = {handler, 0, {0}};
	SAME(SYS(sigaction, SIGPIPE, &act, 0), 0);
	int pair[2];
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct msghdr m = {0, 0, &iov, 1, 0, 0, 0};
	SAME(SYS(socketpair, AF_UNIX, SEQPACKET, 0, pair), 0);
	SAME(SYS(shutdown, pair[0], 1), 0);
	seen = 0;
	SAME(SYS(sendto, pair[0], &byte, 1, NOSIGNAL, 0, 0), -32);
	SAME(seen, 0);
	SAME(SYS(sendto, pair[0], &byte, 1, 0, 0, 0), -32);
	SAME(seen, SIGPIPE);
	seen = 0;
	SAME(SYS(sendmsg, pair[0], &m, 0), -32);
	SAME(seen, SIGPIPE);
	int on = 1;
	SAME(SYS(setsockopt, pair[0], SOL_SOCKET, 0x800, &on, sizeof on), 0);
	seen = 0;
	SAME(SYS(sendmsg, pair[0], &m, 0), -32);
	SAME(SYS(sendto, pair[0], &byte, 1, 0, 0, 0), -32);
	SAME(seen, 0);
	SYS(close, pair[0]);
	SYS(close, pair[1]);
}

#if __SIZEOF_POINTER__ == 8
enum { SIZE = 1088, WCHAN = 64, KIFLAG = 376, TDFLAGS = 1080, WMESG = 411, MAXRSS = 608 + 32 };
#else
enum { SIZE = 816, WCHAN = 36, KIFLAG = 316, TDFLAGS = 812, WMESG = 347, MAXRSS = 544 + 32 };
#endif

static char **arguments;
static char entry[2 * SIZE];

static long field(int at)
{
	long value;
	memcpy(&value, entry + at, sizeof value);
	return value;
}

static void read_entry(long pid)
{
	int mib[] = {1, 14, 1, pid};
	size_t len = sizeof entry;
	SAME(SYS(__sysctl, mib, 4, entry, &len, 0, 0), 0);
	SAME(len, SIZE);
}

/* A counter is as wide as there is room for; what top(1), vmstat(8) and getconf(1) read is there. */
static void counters(void)
{
	u32 narrow[2] = {7, 7};
	u64 wide = 0;
	size_t len = 4;
	SAME(SYS(__sysctlbyname, "vm.stats.vm.v_forks", 19, narrow, &len, 0, 0), 0);
	SAME(len, 4);
	SAME(narrow[1], 7);
	len = 8;
	SAME(SYS(__sysctlbyname, "vm.stats.vm.v_forks", 19, &wide, &len, 0, 0), 0);
	SAME(len, 8);
	CHECK(wide >= narrow[0] && wide - narrow[0] < 1000000);
	int delay = 0;
	len = 4;
	SAME(SYS(__sysctlbyname, "p1003_1b.delaytimer_max", 23, &delay, &len, 0, 0), 0);
	SAME(delay, 0x7fffffff);
}

/* What ps(1) and procstat(1) show of a process. */
static void entries(void)
{
	enum { SLEADER = 2, SINTR = 8 };
	flush();
	long child = SYS(fork);
	if (child == 0) {
		struct timespec t = {1000, 0};
		SYS(setsid);
		SYS(nanosleep, &t, 0);
		quit(1);
	}
	for (int n = 0;; n++) {
		struct timespec ms = {0, 2000000};
		SYS(nanosleep, &ms, 0);
		read_entry(child);
		if (entry[WMESG] && field(KIFLAG) & SLEADER)
			break;
		CHECK(n < 2000);
	}
	/* Another guest's arguments are its own, not its emulator's. */
	int mib[] = {1, 14, 7, child};
	size_t got = sizeof path;
	SAME(SYS(__sysctl, mib, 4, path, &got, 0, 0), 0);
	CHECK(got == strlen(arguments[0]) + 1 && strcmp(path, arguments[0]) == 0);
	CHECK(field(TDFLAGS) & SINTR);
	CHECK(field(WCHAN) != 0);
	CHECK(field(MAXRSS) > 0);
	SYS(kill, child, 9);
	SAME(wait_for(child), 9);
	int scale = 0, ccpu = -1;
	size_t len = 4;
	SAME(SYS(__sysctlbyname, "kern.fscale", 11, &scale, &len, 0, 0), 0);
	SAME(scale, 2048);
	SAME(SYS(__sysctlbyname, "kern.ccpu", 9, &ccpu, &len, 0, 0), 0);
	SAME(ccpu, 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)envp;
	arguments = argv;
	sleeping();
	limits();
	shared_memory();
	lost_rights();
	broken_sockets();
	counters();
	entries();
	print("ok\n");
	return 0;
}
