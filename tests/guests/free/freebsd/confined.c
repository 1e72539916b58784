/* Limits go where the descriptors go: through exec and over sockets; lookups stay below a directory. */
#include "check.h"

enum { RDWR = 2, NOFOLLOW = 0x100, CREAT = 0x200, DIRECTORY = 0x20000, EXEC = 0x40000, BENEATH = 0x800000, AT_BENEATH = 0x2000,
	CWD = -100, KEPT = 10, EMLINK = 31, SOL_SOCKET = 0xffff, UNIX = 1, STREAM = 1, POLLIN = 1, POLLNVAL = 0x20 };
#define RIGHT0(bits) (1ull << 57 | (bits))
#define RIGHT1(bits) (1ull << 58 | (bits))
#define R_READ 0x1ull
#define R_WRITE 0x2ull
#define R_SEEK 0xcull
#define R_LOOKUP 0x400ull
#define R_FSTAT 0x80000ull
#define R_EVENT 0x20ull

struct iovec { void *base; size_t len; };
struct msghdr { void *name; u32 namelen; struct iovec *iov; s32 iovlen; void *control; u32 controllen; s32 flags; };
struct cmsg { u32 len; s32 level, type, pad; s32 fds[4]; };
struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
struct pollfd { int fd; short events, revents; };

static long self(void)
{
	return SYS(getpid);
}

static long limit(int fd, u64 zero, u64 one)
{
	u64 rights[2] = {RIGHT0(zero), RIGHT1(one)};
	return SYS(cap_rights_limit, fd, rights);
}

static int ended(long child)
{
	int status = -1;
	SAME(SYS(wait4, child, &status, 0, 0), child);
	return status;
}

static u32 mode(void)
{
	u32 on = 9;
	SAME(SYS(cap_getmode, &on), 0);
	return on;
}

/* What an executed program finds. */
static int held(int in_mode)
{
	char byte;
	u64 now[2];
	unsigned long list[2] = {0, 0};
	SAME(mode(), in_mode);
	SAME(SYS(open, "file", 0) == -ECAPMODE, in_mode);
	SAME(SYS(__cap_rights_get, 0, KEPT, now), 0);
	CHECK(now[0] == RIGHT0(R_READ | R_SEEK) && now[1] == RIGHT1(0x80));
	SAME(SYS(read, KEPT, &byte, 1), 1);
	SAME(SYS(write, KEPT, &byte, 1), -ENOTCAPABLE);
	SAME(SYS(cap_ioctls_get, KEPT, list, 2), 1);
	CHECK(list[0] == 0x4004667f);
	SAME(SYS(__cap_rights_get, 0, KEPT + 1, now), -EBADF);
	return 5;
}

static void executing(char **argv)
{
	unsigned long list[1] = {0x4004667f};
	char *args[] = {argv[0], "mode", 0}, *limited[] = {argv[0], "limited", 0}, *env[] = {0};
	long fd = SYS(open, "file", RDWR | CREAT, 0600), program = SYS(open, argv[0], EXEC);
	CHECK(fd > 2 && program > 2);
	SAME(SYS(write, fd, "abc", 3), 3);
	lseek(fd, 0, 0);
	SAME(SYS(dup2, fd, KEPT), KEPT);
	SAME(limit(KEPT, R_READ | R_SEEK, 0x80), 0);
	SAME(SYS(cap_ioctls_limit, KEPT, list, 1), 0);
	SAME(SYS(fcntl, KEPT, 17, KEPT + 1), KEPT + 1); /* F_DUPFD_CLOEXEC */
	SYS(close, fd);
	flush();
	for (int n = 0; n < 3; n++) {
		/* fork, then vfork; in capability mode and without */
		long child = n == 0 ? SYS(fork) : SYS(rfork, 1u << 31);
		if (child == 0) {
			if (n < 2)
				SYS(cap_enter);
			SYS(fexecve, program, n < 2 ? args : limited, env);
			quit(99);
		}
		SAME(ended(child), 5 << 8);
		SAME(mode(), 0);
		lseek(KEPT, 0, 0);
	}
	SYS(close, KEPT);
	SYS(close, KEPT + 1);
	/* A program of the host's cannot be held, and is not executed. */
	long child = SYS(fork);
	if (child == 0) {
		char *none[] = {"true", 0};
		long native = SYS(open, "/bin/true", 0);
		SYS(cap_enter);
		quit(SYS(fexecve, native, none, env) == -8 ? 0 : 1);
	}
	SAME(ended(child), 0);
	SYS(close, program);
}

static long send(int to, int count, const int *fds)
{
	char byte = 'x';
	struct iovec iov = {&byte, 1};
	struct cmsg control = {16 + 4 * count, SOL_SOCKET, 1, 0, {0}};
	for (int n = 0; n < count; n++)
		control.fds[n] = fds[n];
	struct msghdr m = {0, 0, &iov, 1, &control, (16 + 4 * count + 7) & ~7, 0};
	return SYS(sendmsg, to, &m, 0);
}

static struct msghdr last;

static int receive(int from, int *fds, size_t room)
{
	char byte;
	struct iovec iov = {&byte, 1};
	struct cmsg control = {0};
	last = (struct msghdr){0, 0, &iov, 1, &control, room, 0};
	SAME(SYS(recvmsg, from, &last, 0), 1);
	if (last.controllen == 0)
		return 0;
	int count = (control.len - 16) / 4;
	for (int n = 0; n < count; n++)
		fds[n] = control.fds[n];
	return count;
}

static void sending(void)
{
	int pair[2], fds[4], pipe[2];
	char byte;
	u64 now[2];
	SAME(SYS(socketpair, UNIX, STREAM, 0, pair), 0);
	SAME(SYS(pipe2, pipe, 0), 0);
	long plain = SYS(open, "file", RDWR), limited = SYS(dup, plain);
	SAME(limit(limited, R_READ | R_SEEK, 0), 0);
	long next = SYS(dup, plain);
	SYS(close, next);
	int both[] = {limited, plain, limited};
	SAME(send(pair[0], 3, both), 1);
	SAME(receive(pair[1], fds, 32), 3);
	CHECK(fds[0] == next && fds[1] == next + 1 && fds[2] == next + 2);
	/* Nothing else has come. */
	SAME(SYS(fcntl, next + 3, 1, 0), -EBADF);
	for (int n = 0; n < 3; n++) {
		SAME(SYS(__cap_rights_get, 0, fds[n], now), 0);
		CHECK(now[0] == (n == 1 ? RIGHT0(0x7ffffffffffull) : RIGHT0(R_READ | R_SEEK)));
		SAME(SYS(write, fds[n], "x", 1), n == 1 ? 1 : -ENOTCAPABLE);
	}
	/* The number alone says nothing. */
	for (int n = 0; n < 3; n++)
		SYS(close, fds[n]);
	int second[] = {plain};
	SAME(send(pair[0], 1, second), 1);
	SAME(receive(pair[1], fds, 32), 1);
	SAME(fds[0], next);
	SAME(SYS(write, fds[0], "x", 1), 1);
	SYS(close, fds[0]);
	/* Another process receives it, after this one has closed it. */
	SAME(send(pair[0], 1, both), 1);
	SYS(close, limited);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		CHECK(receive(pair[1], fds, 32) == 1);
		lseek(fds[0], 0, 0);
		CHECK(SYS(read, fds[0], &byte, 1) == 1);
		quit(SYS(write, fds[0], "x", 1) == -ENOTCAPABLE ? 0 : 1);
	}
	SAME(ended(child), 0);
	/* Without room for them they are let go. */
	SAME(send(pair[0], 1, second), 1);
	SAME(receive(pair[1], fds, 20), 0);
	SAME(last.flags & 0x20, 0x20);
	SAME(SYS(fcntl, limited, 1, 0), -EBADF);
	long queue = SYS(kqueue);
	int kq[] = {queue};
	SAME(send(pair[0], 1, kq), -EOPNOTSUPP);
	SYS(close, queue);
	SYS(close, plain);
	SYS(close, pair[0]);
	SYS(close, pair[1]);
	SYS(close, pipe[0]);
	SYS(close, pipe[1]);
}

static void waiting(void)
{
	int pipe[2];
	u32 set[4] = {0};
	long queue = SYS(kqueue);
	SAME(SYS(pipe2, pipe, 0), 0);
	SAME(SYS(write, pipe[1], "x", 1), 1);
	struct pollfd entries[2] = {{pipe[0], POLLIN, 0}, {-1, POLLIN, 0}};
	struct kevent change = {pipe[0], -1, 1, 0, 0, 0, {0}};
	SAME(limit(pipe[0], R_READ, R_EVENT), 0);
	SAME(SYS(poll, entries, 2, 0), 1);
	SAME(entries[0].revents, POLLIN);
	set[pipe[0] / 32] = 1u << pipe[0] % 32;
	u32 as_longs[4] = {set[0], set[1], set[2], set[3]};
	SAME(SYS(select, pipe[0] + 1, as_longs, 0, 0, 0), 1);
	SAME(SYS(kevent, queue, &change, 1, 0, 0, 0), 0);
	SAME(limit(pipe[0], R_READ, 0), 0);
	SAME(SYS(poll, entries, 2, 0), 1);
	SAME(entries[0].revents, POLLNVAL);
	SAME(entries[0].fd, pipe[0]);
	SAME(SYS(select, pipe[0] + 1, as_longs, 0, 0, 0), -ENOTCAPABLE);
	SAME(SYS(kevent, queue, &change, 1, 0, 0, 0), -ENOTCAPABLE);
	SYS(close, queue);
	SYS(close, pipe[0]);
	SYS(close, pipe[1]);
}

static long look(long dir, const char *path, int flags)
{
	long fd = SYS(openat, dir, path, flags);
	if (fd >= 0)
		SYS(close, fd);
	return fd < 0 ? fd : 0;
}

/* Both ways of asking for it: `how` is a flag, or 0 where it goes without saying. */
static void stays_below(long top, long sub, int how)
{
	static const char *const inside[] = {"file", "sub/low", "sub/../file", "same", "down", "here/file", "deep/low", "sub/."},
		*const outside[] = {"..", "../file", "sub/../../file", "absolute", "out", "roundabout", "sub/up/../../file"};
	char stat[256];
	for (size_t n = 0; n < sizeof inside / sizeof *inside; n++)
		SAME(look(top, inside[n], how), 0);
	for (size_t n = 0; n < sizeof outside / sizeof *outside; n++)
		SAME(look(top, outside[n], how), -ENOTCAPABLE);
	SAME(look(top, "sub/up", how), 0);
	SAME(look(sub, "up", how), -ENOTCAPABLE);
	SAME(look(sub, "low", how), 0);
	SAME(look(top, "same", how | NOFOLLOW), -EMLINK);
	SAME(look(top, "nothing", how), -ENOENT);
	SAME(look(top, "", how), -ENOENT);
	int at = how ? AT_BENEATH : 0;
	SAME(SYS(fstatat, top, "down", stat, at), 0);
	SAME(SYS(fstatat, top, "out", stat, at), -ENOTCAPABLE);
	SAME(SYS(fstatat, top, "out", stat, at | 0x200), 0); /* AT_SYMLINK_NOFOLLOW */
	SAME(SYS(faccessat, top, "../file", 0, at), -ENOTCAPABLE);
	SAME(SYS(faccessat, top, "sub/low", 0, at), 0);
	SAME(SYS(fchmodat, top, "absolute", 0600, at), -ENOTCAPABLE);
	SAME(SYS(fchmodat, top, "down", 0600, at), 0);
	SAME(SYS(linkat, top, "file", top, "sub/other", at), 0);
	SAME(SYS(unlinkat, top, "sub/../sub/other", at), 0);
	SAME(SYS(unlinkat, top, "../file", at), -ENOTCAPABLE);
	if (how)
		return;
	SAME(SYS(mkdirat, top, "sub/new", 0700), 0);
	SAME(SYS(mkdirat, top, "../new", 0700), -ENOTCAPABLE);
	SAME(SYS(renameat, top, "sub/new", sub, "newer"), 0);
	SAME(SYS(renameat, sub, "newer", top, "sub/../../newer"), -ENOTCAPABLE);
	SAME(SYS(unlinkat, top, "sub/newer/", 0x800), 0); /* AT_REMOVEDIR */
	SAME(SYS(symlinkat, "anything", top, "../link"), -ENOTCAPABLE);
	SAME(SYS(readlinkat, top, "out", stat, sizeof stat), 7);
	long fd = SYS(openat, top, "sub/made", RDWR | CREAT, 0600);
	CHECK(fd > 2);
	SYS(close, fd);
	SAME(SYS(unlinkat, top, "sub/made", 0), 0);
}

static void sockets(long top, int expected)
{
	struct { u8 len, family; char path[104]; } name = {0, UNIX, "server"}, above = {0, UNIX, "../server"};
	long server = SYS(socket, UNIX, STREAM, 0), client = SYS(socket, UNIX, STREAM, 0);
	CHECK(server > 2 && client > 2);
	SAME(SYS(bindat, top, server, &above, sizeof above), -ENOTCAPABLE);
	SAME(SYS(bindat, top, server, &name, sizeof name), 0);
	SAME(SYS(listen, server, 1), 0);
	SAME(SYS(connectat, top, client, &above, sizeof above), -ENOTCAPABLE);
	SAME(SYS(connectat, top, client, &name, sizeof name), 0);
	SAME(SYS(unlinkat, top, "server", 0), 0);
	SYS(close, server);
	SYS(close, client);
	client = SYS(socket, UNIX, STREAM, 0);
	SAME(SYS(connectat, CWD, client, &name, sizeof name), expected);
	SYS(close, client);
}

static void lookups(void)
{
	SAME(SYS(mkdir, "top", 0700), 0);
	SAME(SYS(mkdir, "top/sub", 0700), 0);
	for (int n = 0; n < 2; n++) {
		long fd = SYS(open, n ? "top/sub/low" : "top/file", RDWR | CREAT, 0600);
		CHECK(fd > 2);
		SYS(close, fd);
	}
	SAME(SYS(symlink, "file", "top/same"), 0);
	SAME(SYS(symlink, "sub/low", "top/down"), 0);
	SAME(SYS(symlink, "./", "top/here"), 0);
	SAME(SYS(symlink, "sub/", "top/deep"), 0);
	SAME(SYS(symlink, "/etc/passwd", "top/absolute"), 0);
	SAME(SYS(symlink, "../file", "top/out"), 0);
	SAME(SYS(symlink, "../top/file", "top/roundabout"), 0);
	SAME(SYS(symlink, "../", "top/sub/up"), 0);
	long top = SYS(open, "top", DIRECTORY), sub = SYS(open, "top/sub", DIRECTORY);
	CHECK(top > 2 && sub > 2);
	SAME(look(top, "out", 0), 0);
	SAME(look(top, "sub/up/../file", 0), 0);
	/* Where the guest asks for it. */
	stays_below(top, sub, BENEATH);
	SAME(look(CWD, "top/file", BENEATH), 0);
	SAME(look(CWD, "/etc/passwd", BENEATH), -ENOTCAPABLE);
	SAME(SYS(open, "../top/file", BENEATH), -ENOTCAPABLE);
	long fd = SYS(open, "top/here/file", BENEATH);
	CHECK(fd > 2);
	SYS(close, fd);
	flush();
	/* From descriptors with limits. */
	long child = SYS(fork);
	if (child == 0) {
		CHECK(limit(top, 0x7ffffffffffull, 0x1fffdf) == 0 && limit(sub, 0x7ffffffffffull, 0x1fffdf) == 0);
		stays_below(top, sub, 0);
		sockets(top, -ENOENT);
		/* But a path from the root is none from the descriptor. */
		SAME(look(top, "/etc/passwd", 0), 0);
		SAME(look(CWD, "top/out", 0), 0);
		quit(0);
	}
	SAME(ended(child), 0);
	/* In capability mode. */
	child = SYS(fork);
	if (child == 0) {
		CHECK(SYS(cap_enter) == 0);
		stays_below(top, sub, 0);
		sockets(top, -ECAPMODE);
		SAME(look(top, "/etc/passwd", 0), -ENOTCAPABLE);
		SAME(look(CWD, "file", 0), -ECAPMODE);
		quit(0);
	}
	SAME(ended(child), 0);
	SYS(close, top);
	SYS(close, sub);
}

static long node(const char *name)
{
	char value[64];
	size_t room = sizeof value;
	return SYS(__sysctlbyname, name, strlen(name), value, &room, 0, 0);
}

static void everything_else(void)
{
	int pair[2], trap = 1;
	long parent = self();
	u32 set[32] = {0};
	SAME(SYS(socketpair, UNIX, 2, 0, pair), 0);
	SAME(node("hw.physmem"), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		CHECK(SYS(cap_enter) == 0);
		SAME(node("kern.ostype"), 0);
		SAME(node("hw.pagesize"), 0);
		SAME(node("hw.physmem"), -EPERM);
		char to[16] = {0, UNIX, 'x'};
		SAME(SYS(sendto, pair[0], "x", 1, 0, to, sizeof to), -ECAPMODE);
		SAME(SYS(sendto, pair[0], "x", 1, 0, 0, 0), 1);
		SAME(SYS(connect, pair[0], to, sizeof to), -ECAPMODE);
		SAME(SYS(kill, parent, 0), -ECAPMODE);
		SAME(SYS(sigqueue, parent, 0, 0), -ECAPMODE);
		SAME(SYS(kill, self(), 0), 0);
		SAME(SYS(rfork, 0x14), -ECAPMODE);
		SAME(cpuset_getaffinity(3, 2, -1, sizeof set, set), 0);
		SAME(cpuset_getaffinity(3, 2, parent, sizeof set, set), -ECAPMODE);
		SAME(cpuset_getaffinity(1, 2, -1, sizeof set, set), -ECAPMODE);
		SAME(SYS(shm_open2, 1, RDWR, 0, 0, 0) > 2, 1);
		SAME(SYS(shm_open2, "/name", RDWR, 0, 0, 0), -ECAPMODE);
		quit(0);
	}
	SAME(ended(child), 0);
	/* PROC_TRAPCAP_CTL: a violation is a SIGTRAP. */
	child = SYS(fork);
	if (child == 0) {
		CHECK(procctl(0, self(), 9, &trap) == 0);
		SYS(cap_enter);
		SYS(open, "file", 0);
		quit(0);
	}
	SAME(ended(child) & 0x7f, 5);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		return held(strcmp(argv[1], "mode") == 0);
	executing(argv);
	sending();
	waiting();
	lookups();
	everything_else();
	print("limits go along\n");
	return 0;
}
