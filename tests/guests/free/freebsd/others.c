/* What a process can ask of another one, and of a group: controls, CPUs, clocks, signals. Files that must be the same. */
#include "check.h"

enum { RDWR = 2, CREAT = 0x200, EXEC = 0x40000, ELOOP = 62 };
enum { SPROTECT = 1, REAP_ACQUIRE, REAP_RELEASE, REAP_STATUS, REAP_GETPIDS, REAP_KILL, TRACE_CTL, TRACE_STATUS, TRAPCAP_CTL,
	TRAPCAP_STATUS, PDEATHSIG_CTL, PDEATHSIG_STATUS, ASLR_CTL, ASLR_STATUS, NO_NEW_PRIVS_CTL = 19, NO_NEW_PRIVS_STATUS };


static void pause_for(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	SYS(nanosleep, &t, 0);
}

/* A child that says that it is there and then waits for the end of a pipe. */
static int ready[2], go[2];

static long child_that_waits(void)
{
	char byte = 'r';
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SYS(close, go[1]);
		SYS(write, ready[1], &byte, 1);
		SYS(read, go[0], &byte, 1);
		quit(0);
	}
	SAME(SYS(read, ready[0], &byte, 1), 1);
	return child;
}

static void pipes(void)
{
	SAME(SYS(pipe2, ready, 0), 0);
	SAME(SYS(pipe2, go, 0), 0);
}

static void let_go(long child)
{
	int status;
	SYS(close, go[0]);
	SYS(close, go[1]);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SYS(close, ready[0]);
	SYS(close, ready[1]);
}

static int status_of(long pid, int command)
{
	int value = -99;
	SAME(procctl(0, pid, command, &value), 0);
	return value;
}

static void controls(void)
{
	int value;
	u32 status[20];
	pipes();
	/* A child has what its parent has. */
	value = 2;
	SAME(procctl(0, 0, ASLR_CTL, &value), 0);
	SAME(status_of(0, ASLR_STATUS), 2);
	long child = child_that_waits(), me = SYS(getpid);
	SAME(status_of(child, ASLR_STATUS), 2);
	value = 1;
	SAME(procctl(0, child, ASLR_CTL, &value), 0);
	SAME(status_of(child, ASLR_STATUS), 1);
	SAME(status_of(0, ASLR_STATUS), 2);
	value = 3;
	SAME(procctl(0, 0, ASLR_CTL, &value), 0);
	SAME(status_of(child, TRAPCAP_STATUS), 2);
	value = 1;
	SAME(procctl(0, child, TRAPCAP_CTL, &value), 0);
	SAME(status_of(child, TRAPCAP_STATUS), 1);
	SAME(status_of(me, TRAPCAP_STATUS), 2);
	SAME(status_of(child, TRACE_STATUS), 0);
	value = 1;
	SAME(procctl(0, child, TRACE_CTL, &value), -EPERM);
	value = 2;
	SAME(procctl(0, child, TRACE_CTL, &value), 0);
	SAME(status_of(child, TRACE_STATUS), -1);
	SAME(status_of(0, TRACE_STATUS), 0);
	SAME(procctl(0, child, PDEATHSIG_STATUS, &value), -EINVAL);
	SAME(procctl(0, child, REAP_ACQUIRE, 0), -EPERM);
	SAME(status_of(child, NO_NEW_PRIVS_STATUS), 2);
	value = 1;
	SAME(procctl(0, child, NO_NEW_PRIVS_CTL, &value), 0);
	SAME(status_of(child, NO_NEW_PRIVS_STATUS), 1);
	SAME(status_of(0, NO_NEW_PRIVS_STATUS), 2);
	/* The reaper of a child is its parent, once that is one. */
	SAME(procctl(0, 0, REAP_ACQUIRE, 0), 0);
	SAME(procctl(0, child, REAP_STATUS, status), 0);
	CHECK(status[0] == 0 && status[1] == 1 && status[2] == 1 && status[3] == (u32)me && status[4] == (u32)child);
	SAME(procctl(0, 0, REAP_STATUS, status), 0);
	CHECK(status[0] == 1 && status[3] == (u32)me);
	SAME(procctl(0, 0, REAP_RELEASE, 0), 0);
	/* A group. */
	value = 1;
	SAME(procctl(2, SYS(getpgrp), TRAPCAP_CTL, &value), 0);
	SAME(status_of(0, TRAPCAP_STATUS), 1);
	value = 2;
	SAME(procctl(2, SYS(getpgrp), TRAPCAP_CTL, &value), 0);
	SAME(status_of(child, TRAPCAP_STATUS), 2);
	SAME(procctl(2, 999999, TRAPCAP_CTL, &value), -ESRCH);
	let_go(child);
	SAME(procctl(0, child, ASLR_STATUS, &value), -ESRCH);
}

static void cpus(void)
{
	u32 all[32] = {0}, mask[32] = {0}, now[32] = {0}, one;
	pipes();
	long child = child_that_waits(), me = SYS(getpid);
	SAME(cpuset_getaffinity(1, 3, 0, sizeof all, all), 0);
	SAME(cpuset_getaffinity(3, 2, child, sizeof mask, mask), 0);
	CHECK((mask[0] & ~all[0]) == 0 && mask[0] != 0);
	one = mask[0] & -mask[0];
	mask[0] = one;
	memset(&mask[1], 0, sizeof mask - 4);
	SAME(cpuset_setaffinity(3, 2, child, sizeof mask, mask), 0);
	SAME(cpuset_getaffinity(3, 2, child, sizeof now, now), 0);
	CHECK(now[0] == one);
	SAME(cpuset_getaffinity(3, 1, child, sizeof now, now), 0);
	CHECK(now[0] == one);
	SAME(cpuset_getaffinity(3, 2, me, sizeof now, now), 0);
	SAME(cpuset_setaffinity(2, 2, child, sizeof mask, mask), -EPERM);
	SAME(cpuset_getaffinity(2, 2, child, sizeof now, now), 0);
	CHECK(now[0] == all[0]);
	SAME(cpuset_getaffinity(3, 3, 77, sizeof now, now), -ESRCH);
	SAME(cpuset_getaffinity(9, 2, -1, sizeof now, now), -EINVAL);
	let_go(child);
	SAME(cpuset_getaffinity(3, 2, child, sizeof now, now), -ESRCH);
}

static void clocks(void)
{
	struct timespec t;
	int clock, status;
	flush();
	long child = SYS(fork);
	if (child == 0)
		for (;;)
			;
	SAME(clock_getcpuclockid2(child, 0, &clock), 0);
	s64 before = 0;
	for (int n = 0; n < 2; n++) {
		/* A busy machine may let it wait. */
		for (int tries = 0; tries < 100; tries++) {
			pause_for(100);
			SAME(SYS(clock_gettime, clock, &t), 0);
			if (t.sec * 1000000000ll + t.nsec > before)
				break;
		}
		CHECK(t.sec * 1000000000ll + t.nsec > before);
		before = t.sec * 1000000000ll + t.nsec;
	}
	SYS(kill, child, 9);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(SYS(clock_gettime, clock, &t), -EINVAL);
	SAME(clock_getcpuclockid2(child, 0, &clock), -ESRCH);
	SAME(clock_getcpuclockid2(child, 1, &clock), -ESRCH);
}

static volatile int got;

static void on_signal(int signal)
{
	got = signal;
}

static void groups(void)
{
	struct { void *handler; int flags; u32 mask[4]; } act = {on_signal, 0, {0}};
	int status;
	char byte;
	SAME(SYS(sigaction, 100, &act, 0), 0);
	SAME(SYS(pipe2, ready, 0), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SYS(setpgid, 0, 0);
		if (SYS(fork) == 0) {
			SYS(write, ready[1], "r", 1);
			while (!got)
				pause_for(20);
			quit(0);
		}
		SYS(write, ready[1], "r", 1);
		while (!got)
			pause_for(20);
		SYS(wait4, -1, &status, 0, 0);
		quit(got);
	}
	SAME(SYS(read, ready[0], &byte, 1), 1);
	SAME(SYS(read, ready[0], &byte, 1), 1);
	SAME(SYS(kill, -child, 100), 0);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 100 << 8);
	SAME(got, 0);
	SAME(SYS(kill, -child, 100), -ESRCH);
	SYS(close, ready[0]);
	SYS(close, ready[1]);
	/* One's own. */
	flush();
	child = SYS(fork);
	if (child == 0) {
		SYS(setpgid, 0, 0);
		SYS(kill, 0, 100);
		quit(got);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 100 << 8);
}

static void same_file(void)
{
	long first = SYS(open, "first", RDWR | CREAT, 0600), second = SYS(open, "second", RDWR | CREAT, 0600);
	CHECK(first > 2 && second > 2);
	SAME(SYS(funlinkat, -100, "first", second, 0), -EDEADLK);
	SAME(SYS(funlinkat, -100, "first", 99, 0), -EBADF);
	SAME(SYS(funlinkat, -100, "first", first, 0), 0);
	SAME(SYS(funlinkat, -100, "first", first, 0), -ENOENT);
	SAME(SYS(funlinkat, -100, "second", -200, 0), 0);
	SYS(close, first);
	SYS(close, second);
	/* Only what may be executed is opened for that. */
	first = SYS(open, "plain", RDWR | CREAT, 0600);
	SAME(SYS(open, "plain", EXEC), -EACCES);
	SAME(SYS(fchmod, first, 0700), 0);
	SYS(close, first);
	first = SYS(open, "plain", EXEC);
	CHECK(first > 2);
	char byte;
	SAME(SYS(read, first, &byte, 1), -EBADF);
	SYS(close, first);
	SAME(SYS(unlink, "plain"), 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	controls();
	cpus();
	clocks();
	groups();
	same_file();
	print("others answer\n");
	return 0;
}
