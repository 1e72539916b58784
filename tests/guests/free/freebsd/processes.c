/* Process descriptors, procctl, rfork, abort2. */
#include "check.h"

static int wait_for(long pid)
{
	int status = -1;
	SAME(wait6(0, pid, &status, 16, 0, 0), pid);
	return status;
}

static void sleep_for_ever(void)
{
	struct timespec t = {1000, 0};
	for (;;)
		SYS(nanosleep, &t, 0);
}

static void descriptors(void)
{
	int fd = -1, pid = -1;
	long child = SYS(pdfork, &fd, 0);
	if (child == 0)
		sleep_for_ever();
	CHECK(child > 0 && fd > 2);
	SAME(SYS(pdgetpid, fd, &pid), 0);
	SAME(pid, child);
	SAME(SYS(pdkill, fd, 31), 0);
	SAME(wait_for(child), 31);
	SAME(SYS(pdkill, fd, 31), -ESRCH);
	SYS(close, fd);
	SAME(SYS(pdkill, fd, 31), -EBADF);
	SAME(SYS(pdkill, 1, 31), -EINVAL);
	SAME(SYS(pdfork, &fd, 0x1000), -EINVAL);
	SAME(SYS(pdfork, (int *)8, 0), -EFAULT);
	/* It ends with its last descriptor. */
	child = SYS(pdfork, &fd, 0);
	if (child == 0)
		sleep_for_ever();
	long copy = SYS(dup, fd);
	SYS(close, fd);
	SAME(SYS(pdkill, copy, 0), 0);
	SYS(close, copy);
	SAME(wait6(0, child, 0, 16, 0, 0), -ECHILD);
	/* A daemon does not. */
	child = SYS(pdfork, &fd, 1);
	if (child == 0)
		sleep_for_ever();
	SYS(close, fd);
	SAME(SYS(kill, child, 15), 0);
	SAME(wait6(0, child, 0, 16, 0, 0), -ECHILD);
}

static void controls(void)
{
	enum { REAP_ACQUIRE = 2, REAP_RELEASE, REAP_STATUS, REAP_GETPIDS, REAP_KILL, TRACE_CTL, TRACE_STATUS, PDEATHSIG_CTL = 11,
		PDEATHSIG_STATUS, ASLR_CTL, ASLR_STATUS, NO_NEW_PRIVS_CTL = 19, NO_NEW_PRIVS_STATUS, CHILD = 2 };
	u32 status[20];
	int value = -1;
	long me = SYS(getpid);
	SAME(procctl(0, 0, REAP_RELEASE, 0), -EINVAL);
	SAME(procctl(0, me, REAP_ACQUIRE, 0), 0);
	SAME(procctl(0, me, REAP_ACQUIRE, 0), -EBUSY);
	flush();
	long child = SYS(fork);
	if (child == 0)
		sleep_for_ever();
	SAME(procctl(0, me, REAP_STATUS, status), 0);
	CHECK(status[0] == 1 && status[1] == 1 && status[2] == 1 && status[3] == (u32)me && status[4] == (u32)child);
	struct info { int pid, subtree; u32 flags, spare[15]; } infos[3];
	struct { u32 count, spare[15]; struct info *infos; } pids = {3, {0}, infos};
	SAME(procctl(0, me, REAP_GETPIDS, &pids), 0);
	CHECK(infos[0].pid == child && infos[0].subtree == child && infos[0].flags == (1 | CHILD) && infos[1].flags == 0);
	struct { int signal; u32 flags; int subtree; u32 killed; int failed; u32 spare[15]; } end = {30, 0, 0, 0, 0, {0}};
	SAME(procctl(0, me, REAP_KILL, &end), 0);
	CHECK(end.killed == 1 && end.failed == -1);
	SAME(wait_for(child), 30);
	SAME(procctl(0, me, REAP_KILL, &end), -ESRCH);
	SAME(procctl(0, me, REAP_RELEASE, 0), 0);
	value = 31;
	SAME(procctl(0, 0, PDEATHSIG_CTL, &value), 0);
	value = 0;
	SAME(procctl(0, 0, PDEATHSIG_STATUS, &value), 0);
	SAME(value, 31);
	value = 0;
	SAME(procctl(0, 0, PDEATHSIG_CTL, &value), 0);
	SAME(procctl(0, 0, TRACE_STATUS, &value), 0);
	SAME(value, 0);
	value = 2;
	SAME(procctl(0, 0, TRACE_CTL, &value), 0);
	SAME(procctl(0, 0, TRACE_STATUS, &value), 0);
	SAME(value, -1);
	value = 1;
	SAME(procctl(0, 0, TRACE_CTL, &value), 0);
	SAME(procctl(0, 0, ASLR_STATUS, &value), 0);
	SAME(value, 3);
	value = 2;
	SAME(procctl(0, 0, ASLR_CTL, &value), 0);
	SAME(procctl(0, 0, ASLR_STATUS, &value), 0);
	SAME(value, 2);
	SAME(procctl(0, 0, NO_NEW_PRIVS_STATUS, &value), 0);
	SAME(value, 2);
	SAME(procctl(0, 0, 77, &value), -EINVAL);
	SAME(procctl(9, 0, ASLR_STATUS, &value), -EINVAL);
}

static void forks(void)
{
	enum { RFFDG = 4, RFPROC = 16, RFMEM = 32, RFNOWAIT = 64, RFCFDG = 4096, ECHILD_ = 10 };
	int fds[2];
	char byte = 0;
	flush();
	long child = SYS(rfork, RFPROC | RFFDG);
	if (child == 0)
		quit(SYS(fcntl, 1, 1, 0) >= 0 ? 4 : 5);
	SAME(wait_for(child), 0x400);
	child = SYS(rfork, RFPROC | RFCFDG);
	if (child == 0)
		quit(SYS(fcntl, 1, 1, 0) == -EBADF ? 4 : 5);
	SAME(wait_for(child), 0x400);
	SAME(SYS(rfork, RFFDG), 0);
	SAME(SYS(rfork, RFPROC | RFFDG | RFCFDG), -EINVAL);
	SAME(SYS(rfork, RFPROC), -EINVAL);
	/* Without a process nothing is left to do; flags that are not there. */
	SAME(SYS(rfork, RFMEM), 0);
	SAME(SYS(rfork, RFFDG | RFPROC | 1 << 7), -EINVAL);
	SAME(SYS(rfork, RFFDG | RFPROC | 1 << 22), -EINVAL);
	SAME(SYS(rfork, 1u << 31 | RFPROC), -EINVAL);
	/* A child that is nobody's to wait for. */
	SAME(SYS(pipe2, fds, 0), 0);
	child = SYS(rfork, RFPROC | RFFDG | RFNOWAIT);
	if (child == 0) {
		SYS(write, fds[1], "x", 1);
		quit(5);
	}
	CHECK(child > 0 && SYS(read, fds[0], &byte, 1) == 1 && byte == 'x');
	SAME(SYS(wait4, child, 0, 0, 0), -ECHILD_);
	SAME(SYS(wait4, -1, 0, 0, 0), -ECHILD_);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

static volatile int arrivals;

static void arrives(int signal __attribute__((unused)))
{
	arrivals++;
}

/* The end of a child that has a descriptor is no signal: it ends no wait, though SIGCHLD has a handler. */
static void unheard(void)
{
	struct { void *handler; int flags; u32 mask[4]; } act = {arrives, 0, {0}};
	struct timespec soon = {0, 20000000}, later = {0, 200000000};
	u64 event[8];
	int fd, kq = SYS(kqueue);
	SAME(SYS(sigaction, 20, &act, 0), 0);
	for (int n = 0; n < 2; n++) {
		flush();
		long child = SYS(pdfork, &fd, 0);
		if (child == 0) {
			SYS(nanosleep, &soon, 0);
			quit(3);
		}
		SAME(n ? SYS(nanosleep, &later, 0) : SYS(kevent, kq, 0, 0, event, 1, &later), 0);
		SAME(arrivals, 0);
		SAME(wait_for(child), 0x300);
		SYS(close, fd);
	}
	SYS(close, kq);
	act.handler = 0;
	SAME(SYS(sigaction, 20, &act, 0), 0);
}

/* Limits: what is too much is cut, and those that limit nothing here are told as they were set, after exec too. */
static void limits(char **argv)
{
	enum { NOFILE = 8, KQUEUES = 13, CORE = 4 };
	struct { s64 soft, hard; } limit, now;
	int status;
	char *args[] = {argv[0], "limits", 0}, *env[] = {0};
	SAME(SYS(getrlimit, 15, &now), -EINVAL);
	SAME(SYS(getrlimit, CORE, &now), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		limit.soft = now.hard;
		limit.hard = 0;
		SAME(SYS(setrlimit, CORE, &limit), 0);
		CHECK(SYS(getrlimit, CORE, &now) == 0 && now.soft == 0 && now.hard == 0);
		CHECK(SYS(getrlimit, KQUEUES, &now) == 0 && now.soft == INT64_MAX && now.hard == INT64_MAX);
		limit.soft = -1;
		limit.hard = 7;
		SAME(SYS(setrlimit, KQUEUES, &limit), 0);
		CHECK(SYS(getrlimit, KQUEUES, &now) == 0 && now.soft == 7 && now.hard == 7);
		limit.soft = 5;
		SAME(SYS(setrlimit, KQUEUES, &limit), 0);
		SYS(execve, argv[0], args, env);
		quit(99);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	CHECK(SYS(getrlimit, KQUEUES, &now) == 0 && now.soft == INT64_MAX);
}

static int limits_after_exec(void)
{
	struct { s64 soft, hard; } now;
	return !(SYS(getrlimit, 13, &now) == 0 && now.soft == 5 && now.hard == 7);
}

/* What waiting tells of two children that die of a fault, which leaves a core where cores are wanted. */
static void deaths(void)
{
	enum { SIGSEGV = 11, WCOREFLAG = 0x80 };
	for (int i = 0; i < 2; i++) {
		flush();
		long pid = SYS(fork);
		if (pid == 0)
			*(volatile int *)16 = 1;
		int status = -1;
		SAME(i ? SYS(wait4, pid, &status, 0, 0) : wait6(0, pid, &status, 16, 0, 0), pid);
		SAME(status & 0x7f, SIGSEGV);
		print("%s core\n", status & WCOREFLAG ? "left a" : "no");
	}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1 && strcmp(argv[1], "limits") == 0)
		return limits_after_exec();
	if (argc > 1) {
		deaths();
		return 0;
	}
	descriptors();
	controls();
	forks();
	limits(argv);
	unheard();
	print("processes are under control\n");
	return 0;
}
