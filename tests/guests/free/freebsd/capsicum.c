/* Limited descriptors refuse, and capability mode has no names. */
#include "check.h"

enum { RDWR = 2, CREAT = 0x200, DIRECTORY = 0x20000 };
#define RIGHT0(bits) (1ull << 57 | (bits))
#define RIGHT1(bits) (1ull << 58 | (bits))
#define R_READ 0x1ull
#define R_WRITE 0x2ull
#define R_SEEK 0xcull
#define R_MMAP 0x10ull
#define R_CREATE 0x40ull
#define R_LOOKUP 0x400ull
#define R_FCNTL 0x8000ull
#define R_FSTAT 0x80000ull
#define R_IOCTL 0x80ull
#define R_EVENT 0x20ull

static long limit(int fd, u64 zero, u64 one)
{
	u64 rights[2] = {RIGHT0(zero), RIGHT1(one)};
	return SYS(cap_rights_limit, fd, rights);
}

static void rights(void)
{
	char byte = 0;
	u64 now[2];
	char stat[256];
	long fd = SYS(open, "file", RDWR | CREAT, 0600);
	CHECK(fd > 2);
	SAME(SYS(write, fd, "abc", 3), 3);
	SAME(SYS(__cap_rights_get, 0, fd, now), 0);
	CHECK(now[0] == RIGHT0(0x7ffffffffffull) && now[1] == RIGHT1(0x1fffff));
	SAME(SYS(__cap_rights_get, 1, fd, now), -EINVAL);
	SAME(limit(fd, R_READ | R_SEEK | R_FSTAT, 0), 0);
	SAME(SYS(__cap_rights_get, 0, fd, now), 0);
	CHECK(now[0] == RIGHT0(R_READ | R_SEEK | R_FSTAT) && now[1] == RIGHT1(0));
	CHECK(lseek(fd, 0, 0) == 0);
	SAME(SYS(read, fd, &byte, 1), 1);
	SAME(SYS(write, fd, "x", 1), -ENOTCAPABLE);
	SAME(pwrite(fd, "x", 1, 0), -ENOTCAPABLE);
	SAME(ftruncate(fd, 0), -ENOTCAPABLE);
	SAME(SYS(fstat, fd, stat), 0);
	SAME(mmap(0, 4096, 1, 2, fd, 0), -ENOTCAPABLE);
	/* They can only become fewer. */
	SAME(limit(fd, R_READ | R_WRITE, 0), -ENOTCAPABLE);
	SAME(limit(fd, R_READ | R_SEEK, 0), 0);
	SAME(SYS(fstat, fd, stat), -ENOTCAPABLE);
	/* They go along with the descriptor. */
	long copy = SYS(dup, fd), other = SYS(fcntl, fd, 0, 20);
	SAME(SYS(write, copy, "x", 1), -ENOTCAPABLE);
	SAME(SYS(write, other, "x", 1), -ENOTCAPABLE);
	SAME(SYS(dup2, fd, copy), copy);
	SAME(SYS(write, copy, "x", 1), -ENOTCAPABLE);
	flush();
	long child = SYS(fork);
	if (child == 0)
		quit(SYS(write, fd, "x", 1) == -ENOTCAPABLE ? 0 : 1);
	int status;
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status, 0);
	/* And end with it. */
	SYS(close, fd);
	SYS(close, copy);
	SYS(close, other);
	SAME(SYS(open, "file", RDWR), fd);
	SAME(SYS(write, fd, "x", 1), 1);
	u64 bad[2] = {0, 0};
	SAME(SYS(cap_rights_limit, fd, bad), -EINVAL);
	SAME(SYS(cap_rights_limit, 99, bad), -EBADF);
	SAME(SYS(cap_rights_limit, fd, (void *)8), -EFAULT);
	SYS(close, fd);
}

static void requests(void)
{
	enum { FIONREAD = 0x4004667f, FIONBIO = 0x8004667e };
	unsigned long list[2] = {FIONREAD, 0}, got[4] = {0};
	int fds[2], n = -1;
	SAME(SYS(pipe2, fds, 0), 0);
	CHECK(SYS(cap_ioctls_get, fds[0], got, 4) > 1000000);
	SAME(SYS(cap_ioctls_limit, fds[0], list, 1), 0);
	SAME(SYS(ioctl, fds[0], FIONREAD, &n), 0);
	SAME(n, 0);
	SAME(SYS(ioctl, fds[0], FIONBIO, &n), -ENOTCAPABLE);
	SAME(SYS(cap_ioctls_get, fds[0], got, 4), 1);
	CHECK(got[0] == FIONREAD);
	list[0] = FIONBIO;
	SAME(SYS(cap_ioctls_limit, fds[0], list, 1), -ENOTCAPABLE);
	u32 commands = 0;
	SAME(SYS(cap_fcntls_get, fds[0], &commands), 0);
	SAME(commands, 0x78);
	SAME(SYS(cap_fcntls_limit, fds[0], 1 << 3), 0);
	CHECK(SYS(fcntl, fds[0], 3, 0) >= 0);
	SAME(SYS(fcntl, fds[0], 4, 4), -ENOTCAPABLE);
	SAME(SYS(cap_fcntls_limit, fds[0], 1 << 4), -ENOTCAPABLE);
	SAME(SYS(cap_fcntls_limit, fds[0], 1), -EINVAL);
	/* Without the right itself there is nothing to list. */
	SAME(limit(fds[1], R_WRITE, 0), 0);
	SAME(SYS(ioctl, fds[1], FIONREAD, &n), -ENOTCAPABLE);
	SAME(SYS(cap_ioctls_get, fds[1], got, 4), 0);
	SAME(SYS(fcntl, fds[1], 3, 0), -ENOTCAPABLE);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

/* Asking for news of a message queue, and its flags, is waiting for it. */
static void queues(void)
{
	static char name[] = "/emu-limited-00000000";
	struct event { int notify, signal; u64 value[8]; } event = {0, 0, {0}};
	long me = SYS(getpid), attributes[8] = {0}, now[8];
	for (int n = 20; n > 12; n--, me /= 10)
		name[n] = '0' + me % 10;
	long queue = SYS(kmq_open, name, CREAT | RDWR, 0600, 0);
	CHECK(queue > 2);
	SAME(SYS(kmq_unlink, name), 0);
	long writer = SYS(dup, queue), waiter = SYS(dup, queue);
	SAME(limit(writer, R_WRITE, 0), 0);
	SAME(limit(waiter, 0, R_EVENT), 0);
	SAME(SYS(kmq_setattr, writer, 0, now), -ENOTCAPABLE);
	SAME(SYS(kmq_setattr, writer, attributes, 0), -ENOTCAPABLE);
	SAME(SYS(kmq_setattr, waiter, 0, now), 0);
	SAME(SYS(kmq_notify, writer, &event), -ENOTCAPABLE);
	SAME(SYS(kmq_notify, waiter, &event), 0);
	SAME(SYS(kmq_timedsend, waiter, "x", 1, 0, 0), -ENOTCAPABLE);
	SAME(SYS(kmq_timedsend, writer, "x", 1, 0, 0), 0);
	SYS(close, queue);
	SYS(close, writer);
	SYS(close, waiter);
}

static void mode(void)
{
	u32 on = 9;
	SAME(SYS(cap_getmode, &on), 0);
	SAME(on, 0);
	SAME(SYS(mkdir, "below", 0700), 0);
	long dir = SYS(open, "below", DIRECTORY);
	CHECK(dir > 2);
	long script = SYS(open, "script", RDWR | CREAT, 0700);
	SAME(SYS(write, script, "#!/bin/sh\nexit 3\n", 17), 17);
	SYS(close, script);
	script = SYS(open, "script", 0);
	CHECK(script > 2);
	SAME(SYS(cap_enter), 0);
	SAME(SYS(cap_getmode, &on), 0);
	SAME(on, 1);
	SAME(SYS(open, "file", RDWR), -ECAPMODE);
	SAME(SYS(openat, -100, "file", RDWR), -ECAPMODE);
	SAME(SYS(mkdir, "other", 0700), -ECAPMODE);
	SAME(SYS(kill, 1, 0), -ECAPMODE);
	long me = SYS(getpid);
	SAME(SYS(kill, me, 0), 0);
	SAME(SYS(shmget, 0, 4096, 01600), -ECAPMODE);
	SAME(SYS(execve, "/bin/sh", 0, 0), -ECAPMODE);
	/* From a descriptor, downwards. */
	long fd = SYS(openat, dir, "inside", RDWR | CREAT, 0600);
	CHECK(fd > 2);
	SAME(SYS(write, fd, "x", 1), 1);
	SAME(SYS(openat, dir, "../file", RDWR), -ENOTCAPABLE);
	SAME(SYS(openat, dir, "/etc/passwd", 0), -ENOTCAPABLE);
	SAME(SYS(mkdirat, dir, "../other", 0700), -ENOTCAPABLE);
	/* What is opened has the directory's limits. */
	SAME(limit(dir, R_READ | R_LOOKUP, 0), 0);
	SAME(SYS(openat, dir, "inside", RDWR), -ENOTCAPABLE);
	SAME(SYS(openat, dir, "new", CREAT), -ENOTCAPABLE);
	long limited = SYS(openat, dir, "inside", 0);
	CHECK(limited > 2);
	char byte;
	SAME(SYS(read, limited, &byte, 1), 1);
	SAME(SYS(fstat, limited, &byte), -ENOTCAPABLE);
	SAME(SYS(unlinkat, dir, "inside", 0), -ENOTCAPABLE);
	SAME(SYS(cap_enter), 0);
	/* What a network is set up with is out of reach. */
	enum { LOCAL = 1, INET = 2, ROUTE = 17, INET6 = 28, STREAM = 1, DGRAM = 2, RAW = 3, CLOEXEC = 0x10000000, ICMP = 1 };
	SAME(SYS(socket, INET, RAW, ICMP), -ECAPMODE);
	SAME(SYS(socket, INET6, RAW | CLOEXEC, ICMP), -ECAPMODE);
	SAME(SYS(socket, ROUTE, RAW, 0), -ECAPMODE);
	CHECK(SYS(socket, INET, DGRAM | CLOEXEC, 0) > 2);
	CHECK(SYS(socket, LOCAL, STREAM, 0) > 2);
	/* A script's program has a name. */
	char *args[] = {"script", 0};
	SAME(SYS(fexecve, script, args, args + 1), -ECAPMODE);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SYS(cap_getmode, &on);
		quit(on && SYS(open, "file", 0) == -ECAPMODE ? 0 : 1);
	}
	CHECK(child > 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	rights();
	requests();
	queues();
	mode();
	print("no more than was granted\n");
	return 0;
}
