/* Children: which of them a wait call means, those behind process descriptors, and what a kqueue is told of them. */
#include "check.h"

struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
enum { PROC = -5, SIGNAL = -6, PROCDESC = -8, FS = -9, SENDFILE = -12, EMPTY = -13, WRITE = -2, ADD = 1, DELETE = 2, ONESHOT = 0x10,
	CLEAR = 0x20, ENXIO = 6, CHLD = 20, KILL = 9, EXEC = 0x40000, KEPT = 12 };
enum { P_PID = 0, P_PPID = 1, P_PGID = 2, P_SID = 3, P_UID = 5, P_GID = 6, P_ALL = 7, P_JAILID = 12 };
enum { NOHANG = 1, UNTRACED = 2, CONTINUED = 4, NOWAIT = 8, EXITED = 16, TRAPPED = 32 };
#define NOTE_EXIT 0x80000000u
#define NOTE_FORK 0x40000000u
#define NOTE_EXEC 0x20000000u
#define NOTE_TRACK 1u
#define NOTE_CHILD 4u
#define EV_EOF 0x8000

static long self(void)
{
	return SYS(getpid);
}

static char **arguments;
static char *environment[] = {0};

static void pause_for(int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	SYS(nanosleep, &t, 0);
}

static long child_that(int ends)
{
	flush();
	long child = SYS(fork);
	if (child == 0) {
		while (ends < 0)
			pause_for(10000);
		quit(ends);
	}
	return child;
}

static void sets_of_children(void)
{
	int status;
	long group = SYS(getpgrp), child = child_that(3);
	SAME(wait6(P_SID, 1, &status, EXITED, 0, 0), -ECHILD);
	SAME(wait6(P_UID, 12345, &status, EXITED, 0, 0), -ECHILD);
	SAME(wait6(P_JAILID, 1, &status, EXITED, 0, 0), -ECHILD);
	SAME(wait6(P_PPID, self(), &status, EXITED, 0, 0), -ECHILD);
	SAME(wait6(P_ALL, 0, &status, NOHANG, 0, 0), -EINVAL);
	SAME(wait6(P_ALL, 0, &status, EXITED | 64, 0, 0), -EINVAL);
	SAME(wait6(P_UID, SYS(getuid), &status, EXITED | NOWAIT, 0, 0), child);
	SAME(status, 3 << 8);
	SAME(wait6(P_GID, SYS(getegid), &status, EXITED | NOWAIT, 0, 0), child);
	SAME(wait6(P_JAILID, 0, &status, EXITED | NOWAIT, 0, 0), child);
	SAME(wait6(P_PGID, group, &status, EXITED | NOWAIT, 0, 0), child);
	/* What has ended has no longer stopped. */
	SAME(wait6(P_ALL, 0, &status, UNTRACED | NOHANG, 0, 0), -ECHILD);
	SAME(wait6(P_SID, SYS(getsid, 0), &status, EXITED, 0, 0), child);
	SAME(wait6(P_ALL, 0, &status, EXITED, 0, 0), -ECHILD);
	/* A child that is still at it, among others that have ended. */
	long sleeper = child_that(-1);
	child = child_that(0);
	SAME(SYS(setpgid, sleeper, sleeper), 0);
	SAME(wait6(P_PGID, sleeper, &status, EXITED | NOHANG, 0, 0), 0);
	SAME(SYS(kill, sleeper, 17), 0); /* SIGSTOP */
	SAME(wait6(P_PGID, sleeper, &status, UNTRACED, 0, 0), sleeper);
	SAME(status, 0x7f | 17 << 8);
	SAME(SYS(kill, sleeper, 19), 0); /* SIGCONT */
	SAME(wait6(P_UID, SYS(getuid), &status, CONTINUED, 0, 0), sleeper);
	SAME(status, 0x13);
	SAME(SYS(kill, sleeper, KILL), 0);
	SAME(wait6(P_PID, sleeper, &status, EXITED, 0, 0), sleeper);
	SAME(SYS(wait4, -1, &status, 0, 0), child);
}

static volatile u64 sink;

static void spin(void)
{
	struct timespec start, now;
	SYS(clock_gettime, 15, &start); /* CLOCK_PROCESS_CPUTIME_ID */
	do {
		for (int n = 0; n < 100000; n++)
			sink += n;
		SYS(clock_gettime, 15, &now);
	} while ((now.sec - start.sec) * 1000 + (now.nsec - start.nsec) / 1000000 < 60);
}

static void usage(void)
{
	struct { struct { s64 sec; long usec; } user, system; long rest[14]; } used[2];
	int status;
	flush();
	long child = SYS(fork);
	if (child == 0) {
		long grandchild = SYS(fork);
		if (grandchild == 0) {
			spin();
			quit(0);
		}
		SYS(wait4, grandchild, &status, 0, 0);
		quit(0);
	}
	SAME(wait6(P_PID, child, &status, EXITED, used, 0), child);
	long own = used[0].user.usec + used[0].system.usec, theirs = used[1].user.usec + used[1].system.usec;
	CHECK(used[1].user.sec > 0 || theirs >= 40000);
	CHECK(used[1].user.sec > 0 || own < theirs);
	CHECK(used[1].rest[4] > 0);
}

static volatile int heard;

static void on_child(int signal)
{
	(void)signal;
	heard++;
}

/* A descriptor is a file as old as its process, which is there while that lives, and hangs up with it. */
static void looks(void)
{
	struct { void *handler; int flags; u32 mask[4]; } act = {on_child, 2, {0}};
	struct pollfd { int fd; short events, revents; } polled = {-1, 1, 0};
	struct {
		u64 dev, ino, nlink;
		u16 mode, pad0;
		u32 uid, gid, pad1;
		u64 rdev;
		struct timespec accessed, modified, changed, birth;
		s64 size, blocks;
		u32 blksize, flags;
		u64 gen, spare[10];
	} stat;
	struct timespec now;
	int fd = -7, status, go[2];
	heard = 0;
	SAME(SYS(sigaction, CHLD, &act, 0), 0);
	SAME(SYS(pipe2, go, 0), 0);
	flush();
	long hidden = SYS(pdfork, &fd, 0);
	if (hidden == 0) {
		char byte;
		SYS(close, go[1]);
		SYS(read, go[0], &byte, 1);
		/* The number is the parent's. */
		quit(fd == -7 ? 5 : 6);
	}
	SYS(clock_gettime, 0, &now);
	SAME(SYS(fstat, fd, &stat), 0);
	SAME(stat.mode, 0100700);
	SAME(stat.uid, SYS(getuid));
	SAME(stat.size, 0);
	CHECK(stat.birth.sec == stat.changed.sec && stat.birth.nsec == stat.changed.nsec && stat.birth.sec == stat.accessed.sec);
	CHECK(now.sec - stat.birth.sec >= 0 && now.sec - stat.birth.sec < 3);
	polled.fd = fd;
	SAME(SYS(poll, &polled, 1, 0), 0);
	SYS(close, go[1]);
	SAME(SYS(poll, &polled, 1, 5000), 1);
	SAME(polled.revents, 0x10);
	polled.events = 0;
	SAME(SYS(poll, &polled, 1, 0), 1);
	SAME(polled.revents, 0x10);
	SAME(SYS(fstat, fd, &stat), 0);
	SAME(stat.mode, 0100000);
	SAME(SYS(wait4, hidden, &status, 0, 0), hidden);
	SAME(status, 5 << 8);
	pause_for(20);
	SAME(heard, 0);
	SYS(close, fd);
	SYS(close, go[0]);
	/* Nor does a signal tell of one that dies with its descriptor. */
	hidden = SYS(pdfork, &fd, 0);
	if (hidden == 0)
		for (;;)
			pause_for(10000);
	SYS(close, fd);
	pause_for(20);
	SAME(heard, 0);
	act.handler = 0;
	SAME(SYS(sigaction, CHLD, &act, 0), 0);
}

static void descriptors(void)
{
	struct { void *handler; int flags; u32 mask[4]; } act = {on_child, 2, {0}};
	int fd, pid, status, pair[2];
	SAME(SYS(sigaction, CHLD, &act, 0), 0);
	flush();
	long hidden = SYS(pdfork, &fd, 0);
	if (hidden == 0)
		quit(4);
	/* Who waits for any child does not find it, and no signal tells of it. */
	SAME(SYS(wait4, -1, &status, 0, 0), -ECHILD);
	SAME(wait6(P_ALL, 0, &status, EXITED | NOHANG, 0, 0), -ECHILD);
	pause_for(20);
	SAME(heard, 0);
	long child = child_that(0);
	SAME(SYS(wait4, -1, &status, 0, 0), child);
	while (!heard)
		pause_for(10);
	/* By its number, or its group's, it is found. */
	SAME(wait6(P_PID, hidden, &status, EXITED | NOWAIT, 0, 0), hidden);
	SAME(status, 4 << 8);
	SAME(SYS(pdgetpid, fd, &pid), 0);
	SAME(pid, hidden);
	SAME(wait6(P_PGID, SYS(getpgrp), &status, EXITED, 0, 0), hidden);
	SAME(SYS(wait4, hidden, &status, 0, 0), -ECHILD);
	SYS(close, fd);
	act.handler = 0;
	SAME(SYS(sigaction, CHLD, &act, 0), 0);
	/* It dies with the last descriptor, wherever that is: with the process that has it. */
	SAME(SYS(pipe2, pair, 0), 0);
	flush();
	child = SYS(fork);
	if (child == 0) {
		int victim;
		SYS(close, pair[0]);
		if (SYS(pdfork, &victim, 0) == 0)
			for (;;)
				pause_for(10000);
		/* A copy in another child keeps it alive meanwhile. */
		if (SYS(fork) == 0) {
			SYS(close, pair[1]);
			pause_for(150);
			quit(0);
		}
		SYS(kill, self(), KILL);
	}
	SYS(close, pair[1]);
	struct timespec before, after;
	SYS(clock_gettime, 4, &before);
	char byte;
	SAME(SYS(read, pair[0], &byte, 1), 0);
	SYS(clock_gettime, 4, &after);
	CHECK((after.sec - before.sec) * 1000 + (after.nsec - before.nsec) / 1000000 >= 50);
	SYS(close, pair[0]);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	/* Once it is closed, it is no child any more. */
	hidden = SYS(pdfork, &fd, 0);
	if (hidden == 0)
		for (;;)
			pause_for(10000);
	SYS(close, fd);
	SAME(SYS(wait4, hidden, &status, 0, 0), -ECHILD);
	for (int n = 0; n < 100 && SYS(kill, hidden, 0) == 0; n++)
		pause_for(20);
	SAME(SYS(kill, hidden, 0), -ESRCH);
	/* It stays open for the program that is executed, and dies with that. */
	SAME(SYS(pipe2, pair, 0), 0);
	flush();
	child = SYS(fork);
	if (child == 0) {
		SYS(close, pair[0]);
		if (SYS(pdfork, &fd, 0) == 0)
			for (;;)
				pause_for(10000);
		SYS(close, pair[1]);
		SYS(dup2, fd, KEPT);
		SYS(close, fd);
		char *args[] = {arguments[0], "descriptor", 0};
		SYS(execve, arguments[0], args, environment);
		quit(99);
	}
	SYS(close, pair[1]);
	SAME(SYS(read, pair[0], &byte, 1), 0);
	SYS(close, pair[0]);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 6 << 8);
}

/* What is executed with a process descriptor: the process is there, and is a child that others do not see. */
static int with_descriptor(void)
{
	int pid, status;
	SAME(SYS(pdgetpid, KEPT, &pid), 0);
	SAME(SYS(pdkill, KEPT, 0), 0);
	SAME(SYS(wait4, -1, &status, NOHANG, 0), -ECHILD);
	SAME(SYS(wait4, pid, &status, NOHANG, 0), 0);
	return 6;
}

static int kq;

static long change(unsigned long ident, int filter, int flags, u32 fflags)
{
	struct kevent e = {ident, filter, flags, fflags, 0, ident ^ 0x5555, {0}};
	return SYS(kevent, kq, &e, 1, 0, 0, 0);
}

static int next(struct kevent *e, int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	return SYS(kevent, kq, 0, 0, e, 1, &t);
}

static void told(unsigned long ident, u32 fflags, s64 data)
{
	struct kevent e;
	SAME(next(&e, 20000), 1);
	SAME(e.ident, ident);
	CHECK(e.fflags == fflags);
	SAME(e.data, data);
	SAME(!!(e.flags & EV_EOF), !!(fflags & NOTE_EXIT));
}

/* Waits for a byte, does what it says and tells that it is done; ends at the end of the pipe. */
static void obey(int from, int to)
{
	char what, done[4];
	while (SYS(read, from, &what, 1) == 1) {
		long child = 0;
		if (what == 'f' || what == 'v') {
			child = what == 'f' ? SYS(fork) : SYS(rfork, 1u << 31);
			if (child == 0)
				quit(7);
			SYS(wait4, child, 0, 0, 0);
		}
		if (what == 'g') {
			child = SYS(fork);
			if (child == 0) {
				long grandchild = SYS(fork);
				if (grandchild == 0)
					quit(8);
				SYS(wait4, grandchild, 0, 0, 0);
				quit(9);
			}
			SYS(wait4, child, 0, 0, 0);
		}
		if (what == 'e') {
			char *args[] = {arguments[0], "obey", 0};
			SYS(dup2, from, KEPT);
			SYS(dup2, to, KEPT + 1);
			SYS(execve, arguments[0], args, environment);
			quit(98);
		}
		u32 number = child;
		memcpy(done, &number, 4);
		SYS(write, to, done, 4);
	}
	quit(11);
}

static int to_child[2], from_child[2];

static long order(char what)
{
	u32 number;
	SAME(SYS(write, to_child[1], &what, 1), 1);
	SAME(SYS(read, from_child[0], &number, 4), 4);
	return number;
}

static void watching(void)
{
	struct kevent e;
	int status;
	kq = SYS(kqueue);
	/* One's own forks. */
	SAME(change(self(), PROC, ADD, NOTE_FORK), 0);
	SAME(next(&e, 10), 0);
	long child = child_that(0);
	told(self(), NOTE_FORK, 0);
	SAME(next(&e, 10), 0);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(change(self(), PROC, DELETE, 0), 0);
	SAME(SYS(pipe2, to_child, 0), 0);
	SAME(SYS(pipe2, from_child, 0), 0);
	flush();
	child = SYS(fork);
	if (child == 0) {
		SYS(close, to_child[1]);
		SYS(close, from_child[0]);
		obey(to_child[0], from_child[1]);
	}
	SYS(close, to_child[0]);
	SYS(close, from_child[1]);
	/* Forks of each kind, and programs. */
	SAME(change(child, PROC, ADD, NOTE_FORK | NOTE_EXEC | NOTE_EXIT), 0);
	order('f');
	told(child, NOTE_FORK, 0);
	order('v');
	told(child, NOTE_FORK, 0);
	order('f');
	order('f');
	told(child, NOTE_FORK, 0); /* twice, told once */
	SAME(next(&e, 10), 0);
	SAME(SYS(write, to_child[1], "e", 1), 1);
	told(child, NOTE_EXEC, 0);
	order('f');
	told(child, NOTE_FORK, 0);
	/* Less is asked for. */
	SAME(change(child, PROC, ADD, NOTE_EXIT), 0);
	order('f');
	SAME(next(&e, 10), 0);
	/* Its children are tracked, and theirs. */
	SAME(change(child, PROC, ADD, NOTE_TRACK | NOTE_EXIT), 0);
	long grandchild = order('f');
	told(grandchild, NOTE_CHILD, child);
	told(grandchild, NOTE_EXIT, 7 << 8);
	grandchild = order('g');
	unsigned long great = 0;
	int seen = 0;
	for (int n = 0; n < 4; n++) {
		SAME(next(&e, 20000), 1);
		if (e.ident == (unsigned long)grandchild && e.fflags == NOTE_CHILD && e.data == child)
			seen |= 1;
		else if (e.fflags == NOTE_CHILD && e.data == grandchild)
			seen |= 2, great = e.ident;
		else if (e.ident == great && e.fflags == NOTE_EXIT && e.data == 8 << 8)
			seen |= 4;
		else if (e.ident == (unsigned long)grandchild && e.fflags == NOTE_EXIT && e.data == 9 << 8)
			seen |= 8;
	}
	SAME(seen, 15);
	SAME(next(&e, 10), 0);
	SYS(close, to_child[1]);
	told(child, NOTE_EXIT, 11 << 8);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(change(child, PROC, ADD, NOTE_EXIT), -ESRCH);
	SYS(close, from_child[0]);
	/* The end of a process that is no child: by a status, by a signal. */
	for (int n = 0; n < 2; n++) {
		u32 number;
		int go[2];
		SAME(SYS(pipe2, from_child, 0), 0);
		SAME(SYS(pipe2, go, 0), 0);
		flush();
		child = SYS(fork);
		if (child == 0) {
			long stranger = SYS(fork);
			if (stranger == 0) {
				char byte;
				SYS(close, go[1]);
				SYS(read, go[0], &byte, 1);
				if (n)
					SYS(kill, self(), 15);
				quit(13);
			}
			number = stranger;
			SYS(write, from_child[1], &number, 4);
			SYS(close, go[1]);
			SYS(wait4, stranger, 0, 0, 0);
			quit(0);
		}
		SAME(SYS(read, from_child[0], &number, 4), 4);
		SAME(change(number, PROC, ADD, NOTE_EXIT), 0);
		SAME(next(&e, 10), 0);
		SYS(close, go[1]);
		told(number, NOTE_EXIT, n ? 15 : 13 << 8);
		SAME(SYS(wait4, child, &status, 0, 0), child);
		SYS(close, go[0]);
		SYS(close, from_child[0]);
		SYS(close, from_child[1]);
	}
	/* Behind a descriptor. */
	int fd;
	flush();
	if (SYS(pdfork, &fd, 0) == 0)
		for (;;)
			pause_for(10000);
	SAME(change(fd, PROCDESC, ADD, NOTE_EXIT), 0);
	SAME(next(&e, 10), 0);
	SAME(SYS(pdkill, fd, 15), 0);
	told(fd, NOTE_EXIT, 15);
	SYS(close, fd);
	/* The other filters. */
	SAME(change(0, FS, ADD, 0), 0);
	SAME(change(1, SENDFILE, ADD, 0), -ENXIO);
	SAME(change(from_child[0] + 50, EMPTY, ADD, 0), -EBADF);
	SAME(SYS(pipe2, to_child, 0), 0);
	SAME(change(to_child[1], EMPTY, ADD, 0), -EINVAL);
	SYS(close, to_child[0]);
	SYS(close, to_child[1]);
	SYS(close, kq);
}

/* A socket that has sent all, over the loopback interface. */
static void emptiness(void)
{
	static char bytes[65536];
	struct { u8 len, family; u16 port; u32 address; u64 zero; } name = {16, 2, 0, 0, 0};
	u32 length = sizeof name;
	struct kevent e;
	int size = 4096;
	u8 loopback[4] = {127, 0, 0, 1};
	memcpy(&name.address, loopback, 4);
	kq = SYS(kqueue);
	long server = SYS(socket, 2, 1, 0), client = SYS(socket, 2, 1, 0);
	SAME(SYS(setsockopt, server, 0xffff, 0x1002, &size, 4), 0); /* SO_RCVBUF */
	SAME(SYS(bind, server, &name, sizeof name), 0);
	SAME(SYS(listen, server, 1), 0);
	SAME(SYS(getsockname, server, &name, &length), 0);
	SAME(SYS(connect, client, &name, sizeof name), 0);
	long peer = SYS(accept, server, 0, 0);
	CHECK(peer > 2);
	SAME(change(client, EMPTY, ADD | CLEAR, 0), 0);
	SAME(next(&e, 20000), 1);
	SAME(e.ident, client);
	/* More than the other side takes. */
	SAME(SYS(fcntl, client, 4, 4), 0); /* O_NONBLOCK */
	while (SYS(write, client, bytes, sizeof bytes) > 0)
		;
	SAME(change(client, EMPTY, DELETE, 0), 0);
	SAME(change(client, EMPTY, ADD, 0), 0);
	SAME(next(&e, 50), 0);
	SAME(SYS(shutdown, client, 1), 0);
	while (SYS(read, peer, bytes, sizeof bytes) > 0)
		;
	SAME(next(&e, 20000), 1);
	SAME(e.filter, EMPTY);
	SYS(close, peer);
	SYS(close, client);
	SYS(close, server);
	SYS(close, kq);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	arguments = argv;
	if (argc > 1 && strcmp(argv[1], "descriptor") == 0)
		return with_descriptor();
	if (argc > 1)
		obey(KEPT, KEPT + 1);
	sets_of_children();
	usage();
	looks();
	descriptors();
	watching();
	emptiness();
	print("all children are accounted for\n");
	return 0;
}
