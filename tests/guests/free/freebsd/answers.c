/* What the kernel answers to calls that are seldom made: refusals, the state of the clock, priorities, PROT_MAX. */
#include "check.h"

enum { EOVERFLOW = 84, EOPNOTSUPP_ = 45, SIGSYS = 12, SIGSEGV = 11 };
enum { R = 1, W = 2, X = 4, PRIVATE = 2, FIXED = 0x10, ANON = 0x1000 };
#define PROT_MAX(prot) ((prot) << 16)

static long call(long nr, long a, long b, long c) { return sys(nr, a, b, c, 0, 0, 0); }

/* Runs a call in a child; how that ends. */
static int ending(long nr)
{
	int status;
	flush();
	int child = SYS(fork);
	if (child == 0) {
		struct { void *handler; int flags; u32 mask[4]; } act = {0, 0, {0}};
		SYS(sigaction, SIGSYS, &act, 0);
		quit(call(nr, -1, 0, 0) == -ENOSYS ? 0 : 1);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	return status & 0x7f;
}

static void refusals(void)
{
	static const short absent[] = {8, 19, 38, 46, 62, 64, 71, 84, 87, 99, 108, 142, 149, 156, 157, 164, 169, 197, 220, 224, 229, 297, 336,
		339, 342, 344, 377, 434, 435, 471, 474, 505, 576};
	static const short empty[] = {241, 242, 243, 384, 389, 394, 409, 415, 445, 446, 447, 448, 449, 450, 451, 452, 453, 525, 526, 527, 528, 529};
	static const short privileged[] = {154, 155, 507, 591};
	struct { void *handler; int flags; u32 mask[4]; } act = {(void *)1, 0, {0}};
	SAME(SYS(sigaction, SIGSYS, &act, 0), 0);
	for (unsigned n = 0; n < COUNT(absent); n++)
		SAME(call(absent[n], -1, 0, 0), -ENOSYS);
	SAME(ending(38), SIGSYS);
	SAME(ending(505), SIGSYS);
	/* A call that names itself by the number of an indirect one is none. */
	SAME(syscall(0, 20), -ENOSYS);
	for (unsigned n = 0; n < COUNT(empty); n++)
		SAME(call(empty[n], 0, 0, 0), -ENOSYS);
	SAME(ending(394), 0);
	for (unsigned n = 0; n < COUNT(privileged); n++)
		SAME(call(privileged[n], 0, 0, 0), -EPERM);
	u32 version = 2;
	SAME(call(338, (long)&version, 0, 0), -EPERM);
	version = 7;
	SAME(call(338, (long)&version, 0, 0), -EINVAL);
	SAME(call(338, 16, 0, 0), -EFAULT);
	SAME(call(597, 1, 0, 0), -EINVAL);
	SAME(call(598, 99, 0, 0), -EBADF);
	/* profil */
	SAME(sys(44, 0, 0, 0, 0, 0, 0), 0);
	SAME(sys(44, 0, 0, 0, 65537, 0, 0), -EINVAL);
}

struct timex { u32 modes; long offset, freq, maxerror, esterror; int status; long constant, precision, tolerance, ppsfreq, jitter; int shift; long stabil, counts[4]; };
struct ntptimeval { struct timespec time; long maxerror, esterror, tai; int state; };

static void clocks(void)
{
	struct ntptimeval ntv;
	struct timespec now;
	struct { int64_t sec; long usec; } delta = {0, 1}, old = {77, 77};
	struct timex timex;
	memset(&timex, 0, sizeof timex);
	long state = call(248, (long)&ntv, 0, 0);
	CHECK(state >= 0 && state <= 5);
	SAME(ntv.state, state);
	SAME(SYS(clock_gettime, 0, &now), 0);
	CHECK(now.sec - ntv.time.sec >= 0 && now.sec - ntv.time.sec < 100 && ntv.time.nsec >= 0 && ntv.time.nsec < 1000000000);
	SAME(call(176, (long)&timex, 0, 0), state);
	/* A tolerance is there on every system: 500 ppm. */
	SAME(timex.tolerance, 500 << 16);
	SAME(timex.maxerror >= ntv.maxerror, 1);
	SAME(call(176, 16, 0, 0), -EFAULT);
	SAME(call(140, 0, (long)&old, 0), 0);
	CHECK(old.sec == 0 && old.usec == 0);
	if (SYS(getuid) != 0) {
		SAME(call(140, (long)&delta, 0, 0), -EPERM);
		timex.modes = 1;
		SAME(call(176, (long)&timex, 0, 0), -EPERM);
	}
}

static void priorities(void)
{
	struct { u16 type, level; } rtp = {9, 9};
	int me = SYS(getpid);
	SAME(SYS(rtprio, 0, me, &rtp), 0);
	CHECK(rtp.type == 3 && rtp.level == 0);
	SAME(SYS(rtprio, 1, me, &rtp), 0);
	rtp.type = 7;
	SAME(SYS(rtprio, 1, me, &rtp), -EINVAL);
	SAME(SYS(rtprio, 0, 0x7ffffff0, &rtp), -ESRCH);
	SAME(SYS(rtprio, 9, me, &rtp), -EINVAL);
	/* A new thread can have no idle priority, nor one that is not there. */
	unsigned long p[13] = {16, 0, (unsigned long)&rtp, 4096, 0, 0, 0, 0, 0, (unsigned long)&rtp};
	SAME(SYS(thr_new, p, sizeof p), -EINVAL);
	rtp.type = 4;
	SAME(SYS(thr_new, p, sizeof p), -EINVAL);
}

static void domains(void)
{
	u8 mask[32] = {0};
	/* The first word's lowest bit, wherever that is. */
	*(unsigned long *)mask = 1;
#ifdef __mips__
	/* level, which, id (two words), size, mask, policy: the last are on the stack. */
	SAME(__syscall(562, 3, 2, (off_t)-1, sizeof mask, mask, 1), 0);
	SAME((int)__syscall(562, 3, 2, (off_t)-1, sizeof mask, mask, 9), -EINVAL);
#else
	SAME(sys(562, 3, 2, -1, sizeof mask, (long)mask, 1), 0);
	SAME(sys(562, 3, 2, -1, sizeof mask, (long)mask, 9), -EINVAL);
	SAME(sys(562, 3, 2, -1, 8, (long)mask, 1), -ERANGE);
	mask[1] = 1;
	SAME(sys(562, 3, 2, -1, sizeof mask, (long)mask, 1), -EINVAL);
#endif
}

static void maximum(void)
{
	const long page = 4096;
	SAME(mmap(0, page, R | W | PROT_MAX(R), PRIVATE | ANON, -1, 0), -EOPNOTSUPP_);
	SAME(mmap(0, page, R | PROT_MAX(8), PRIVATE | ANON, -1, 0), -EINVAL);
	SAME(mmap(0, page, 8, PRIVATE | ANON, -1, 0), -EINVAL);
	char *p = (char *)mmap(0, 4 * page, R | PROT_MAX(R | W), PRIVATE | ANON, -1, 0);
	SAME(SYS(mprotect, p, page, R | X), -EACCES);
	SAME(SYS(mprotect, p, page, R | W), 0);
	*p = 1;
	/* Less from now on, for a part of it. */
	SAME(SYS(mprotect, p + page, page, R | PROT_MAX(R)), 0);
	SAME(SYS(mprotect, p + page, page, R | W), -EACCES);
	SAME(SYS(mprotect, p, 4 * page, R | W), -EACCES);
	SAME(SYS(mprotect, p + 2 * page, 2 * page, R | W), 0);
	SAME(SYS(mprotect, p + page, page, R | PROT_MAX(R | W)), -EACCES);
	SAME(SYS(mprotect, p + page, page, R | W | PROT_MAX(R)), -EOPNOTSUPP_);
	/* What is mapped there anew has its own. */
	SAME(mmap(p + page, page, R, PRIVATE | ANON | FIXED, -1, 0), (long)(p + page));
	SAME(SYS(mprotect, p + page, page, R | W | X), 0);
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		SAME(SYS(mprotect, p, page, X), -EACCES);
		quit(0);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	SAME(SYS(munmap, p, 4 * page), 0);
	SAME(mmap(p, 4 * page, R, PRIVATE | ANON | FIXED, -1, 0), (long)p);
	SAME(SYS(mprotect, p, 4 * page, R | W | X), 0);
}

/* A broken connection without a signal: by every way to write. */
static void quiet(void)
{
	struct iovec { void *base; size_t len; } iov = {"x", 1};
	struct { void *name; u32 namelen; struct iovec *iov; int count; void *control; u32 controllen; int flags; } m = {0, 0, &iov, 1, 0, 0, 0};
	struct { void *handler; int flags; u32 mask[4]; } act = {0, 0, {0}};
	int fds[2], on = 1, value = 0;
	u32 len = sizeof value;
	SAME(SYS(sigaction, 13, &act, 0), 0);
	SAME(SYS(socketpair, 1, 1, 0, fds), 0);
	SAME(SYS(getsockopt, fds[0], 0xffff, 0x800, &value, &len), 0);
	SAME(value, 0);
	SAME(SYS(setsockopt, fds[0], 0xffff, 0x800, &on, sizeof on), 0);
	SAME(SYS(getsockopt, fds[0], 0xffff, 0x800, &value, &len), 0);
	SAME(value, 0x800);
	int copy = SYS(dup, fds[0]);
	SYS(close, fds[1]);
	SAME(SYS(write, fds[0], "x", 1), -32);
	SAME(SYS(write, copy, "x", 1), -32);
	SAME(call(121, fds[0], (long)&iov, 1), -32);
	SAME(SYS(sendto, fds[0], "x", 1, 0, 0, 0), -32);
	SAME(SYS(sendmsg, fds[0], &m, 0), -32);
	SYS(close, fds[0]);
	SYS(close, copy);
	/* The number is another socket's now. */
	int status;
	SAME(SYS(socketpair, 1, 1, 0, fds), 0);
	SYS(close, fds[1]);
	flush();
	int child = SYS(fork);
	if (child == 0) {
		SYS(write, fds[0], "x", 1);
		quit(0);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status & 0x7f, 13);
}

static void options(void)
{
	int fd = SYS(socket, 2, 2, 0), value, on = 1, listener = SYS(socket, 2, 1, 0);
	u32 len = sizeof value;
	struct { u8 group[4], source[4], interface[4]; } member = {{232, 1, 2, 3}, {127, 0, 0, 9}, {127, 0, 0, 1}};
	SAME(SYS(getsockopt, fd, 0, 67, &value, &len), 0);
	SAME(value, 0);
	SAME(SYS(setsockopt, fd, 0, 67, &on, sizeof on), 0);
	SAME(SYS(getsockopt, fd, 0, 67, &value, &len), 0);
	SAME(value, 1);
	SAME(SYS(setsockopt, fd, 0, 19, &on, sizeof on), 0);
	/* By the order of the host the interface would be 127.0.0.9, and the source that of another group's member. */
	SAME(SYS(setsockopt, fd, 0, 70, &member, sizeof member), 0);
	SAME(SYS(setsockopt, fd, 0, 71, &member, sizeof member), 0);
	SAME(SYS(listen, listener, 7), 0);
	SAME(SYS(getsockopt, listener, 0xffff, 0x1011, &value, &len), 0);
	SAME(value, 7);
	SYS(close, fd);
	SYS(close, listener);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	refusals();
	clocks();
	priorities();
	domains();
	maximum();
	quiet();
	options();
	print("every question has its answer\n");
	return 0;
}
