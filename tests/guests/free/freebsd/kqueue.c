/* kqueue: what each filter tells, and when it tells it again. */
#include "check.h"

struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
enum { READ = -1, WRITE = -2, VNODE = -4, PROC = -5, SIGNAL = -6, TIMER = -7, USER = -11 };
enum { ADD = 1, DELETE = 2, ENABLE = 4, DISABLE = 8, ONESHOT = 0x10, CLEAR = 0x20, RECEIPT = 0x40, DISPATCH = 0x80,
	FORCEONESHOT = 0x100, KEEPUDATA = 0x200 };
enum { O_RDWR = 2, O_NONBLOCK = 4, O_CREAT = 0x200, SHORT = 20, LONG = 20000 };
enum { LOWAT = 1, SECONDS = 1, MSECONDS = 2, USECONDS = 4, NSECONDS = 8, ABSTIME = 0x10 };
#define TRIGGER 0x01000000u
#define FFAND 0x40000000u
#define FFOR 0x80000000u
#define FFCOPY 0xc0000000u
#define NOTE_EXIT 0x80000000u

static int kq;

static int change_on(int queue, unsigned long ident, int filter, int flags, u32 fflags, s64 data)
{
	struct kevent e = {ident, filter, flags, fflags, data, ident ^ 0x5555, {0}};
	return SYS(kevent, queue, &e, 1, 0, 0, 0);
}

static int change(unsigned long ident, int filter, int flags, u32 fflags, s64 data)
{
	return change_on(kq, ident, filter, flags, fflags, data);
}

static int next_on(int queue, struct kevent *e, int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	return SYS(kevent, queue, 0, 0, e, 1, &t);
}

static void show_on(int queue, const char *what, int ms)
{
	struct kevent e;
	int n = next_on(queue, &e, ms);
	if (n != 1)
		print("%s: %d\n", what, n);
	else
		print("%s: filter %d flags %x fflags %x data %ld%s\n", what, e.filter, e.flags, e.fflags, (long)e.data,
			e.udata == (e.ident ^ 0x5555) ? "" : ", other udata");
}

static void show(const char *what, int ms) { show_on(kq, what, ms); }

static void pipes(void)
{
	int fds[2];
	char bytes[8];
	CHECK(SYS(pipe2, fds, 0) == 0);
	CHECK(change(fds[0], READ, ADD, 0, 0) == 0);
	SYS(write, fds[1], "abc", 3);
	show("level", LONG);
	show("level again", LONG);
	SYS(read, fds[0], bytes, 2);
	show("one byte left", LONG);
	SYS(read, fds[0], bytes, 2);
	show("empty", SHORT);
	/* Changes of flags do not count for one that is there. */
	CHECK(change(fds[0], READ, ADD | ONESHOT, 0, 0) == 0);
	SYS(write, fds[1], "abc", 3);
	show("still level", LONG);
	show("still level", LONG);
	CHECK(change(fds[0], READ, DELETE, 0, 0) == 0);
	CHECK(change(fds[0], READ, ADD | ONESHOT, 0, 0) == 0);
	show("once", LONG);
	show("once only", SHORT);
	print("gone: %d\n", change(fds[0], READ, DELETE, 0, 0));
	CHECK(change(fds[0], READ, ADD | DISPATCH, 0, 0) == 0);
	show("dispatched", LONG);
	show("disabled now", SHORT);
	CHECK(change(fds[0], READ, ENABLE | DISPATCH, 0, 0) == 0);
	show("enabled", LONG);
	CHECK(change(fds[0], READ, DELETE, 0, 0) == 0);
	CHECK(change(fds[0], READ, ADD | DISABLE, 0, 0) == 0);
	show("disabled from the start", SHORT);
	CHECK(change(fds[0], READ, ENABLE, 0, 0) == 0);
	show("enabled", LONG);
	CHECK(change(fds[0], READ, DISABLE, 0, 0) == 0);
	show("disabled", SHORT);
	CHECK(change(fds[0], READ, DELETE, 0, 0) == 0);
	/* Cleared: told again when more comes, and when it is registered again. */
	CHECK(change(fds[0], READ, ADD | CLEAR, 0, 0) == 0);
	show("cleared", LONG);
	show("cleared, nothing new", SHORT);
	SYS(write, fds[1], "d", 1);
	show("cleared, more", LONG);
	CHECK(change(fds[0], READ, ADD | CLEAR, 0, 0) == 0);
	show("cleared, registered again", LONG);
	SYS(close, fds[1]);
	show("writer gone", LONG);
	/* A descriptor takes its knotes along. */
	SYS(close, fds[0]);
	CHECK(SYS(pipe2, fds, 0) == 0);
	SYS(write, fds[1], "a", 1);
	show("another pipe", SHORT);
	CHECK(change(fds[1], WRITE, ADD, 0, 0) == 0);
	struct kevent e;
	CHECK(next_on(kq, &e, LONG) == 1 && e.filter == WRITE && e.flags == 0 && e.data > 0);
	SYS(close, fds[0]);
	CHECK(next_on(kq, &e, LONG) == 1 && (e.flags & 0x8000));
	SYS(close, fds[1]);
	print("closed: %d\n", change(fds[1], WRITE, ADD, 0, 0));
}

static void sockets(void)
{
	int fds[2];
	char bytes[64];
	struct kevent e[4];
	struct timespec now = {0, 0};
	CHECK(SYS(socketpair, 1, 1, 0, fds) == 0);
	/* One filter to be told of changes, the other as long as it is so, on one descriptor. */
	CHECK(change(fds[0], READ, ADD | CLEAR, 0, 0) == 0);
	CHECK(change(fds[0], WRITE, ADD, 0, 0) == 0);
	for (int i = 0; i < 3; i++)
		CHECK(SYS(kevent, kq, 0, 0, e, 4, &now) == 1 && e[0].filter == WRITE);
	SYS(write, fds[1], "hello", 5);
	CHECK(SYS(kevent, kq, 0, 0, e, 4, &now) == 2);
	print("both: %d with %ld bytes\n", e[0].filter + e[1].filter, (long)(e[0].filter == READ ? e[0].data : e[1].data));
	CHECK(change(fds[0], WRITE, DELETE, 0, 0) == 0);
	CHECK(change(fds[0], READ, DELETE, 0, 0) == 0);
	/* No less than so many bytes. */
	CHECK(change(fds[0], READ, ADD, LOWAT, 8) == 0);
	show("5 of 8 bytes", SHORT);
	SYS(write, fds[1], "more", 4);
	show("9 of 8 bytes", LONG);
	show("as long as they are there", LONG);
	SYS(read, fds[0], bytes, 4);
	show("5 of 8 bytes", SHORT);
	CHECK(change(fds[0], READ, ADD, 0, 0) == 0);
	show("as many as there are", LONG);
	SYS(shutdown, fds[1], 1);
	show("end", LONG);
	SYS(close, fds[1]);
	SYS(close, fds[0]);

	struct { u8 len, family; u16 port; u8 address[4]; u8 zero[8]; } in = {16, 2, 0, {127, 0, 0, 1}, {0}};
	int listener = SYS(socket, 2, 1, 0), a = SYS(socket, 2, 1, 0), b = SYS(socket, 2, 1, 0);
	u32 len = sizeof in;
	CHECK(listener > 0 && SYS(bind, listener, &in, sizeof in) == 0 && SYS(listen, listener, 8) == 0);
	CHECK(SYS(getsockname, listener, &in, &len) == 0 && in.len == 16 && in.family == 2);
	CHECK(change(a, WRITE, ADD, 0, 0) == 0 && change(a, READ, ADD, 0, 0) == 0);
	show("not connected", SHORT);
	CHECK(change(a, READ, DELETE, 0, 0) == 0);
	CHECK(SYS(connect, a, &in, sizeof in) == 0 && SYS(connect, b, &in, sizeof in) == 0);
	CHECK(SYS(kevent, kq, 0, 0, e, 4, 0) == 1 && e[0].ident == (unsigned long)a && e[0].flags == 0);
	SYS(close, b);
	CHECK(change(listener, READ, ADD, 0, 0) == 0);
	CHECK(change(a, WRITE, DELETE, 0, 0) == 0);
	show("connections", LONG);
	int peer = SYS(accept, listener, 0, 0);
	show("connections", LONG);
	/* An abrupt end: the error stays for the one who reads. */
	CHECK(change(a, READ, ADD | CLEAR, 0, 0) == 0 && change(listener, READ, DELETE, 0, 0) == 0);
	int linger[2] = {1, 0};
	CHECK(SYS(setsockopt, peer, 0xffff, 0x80, linger, sizeof linger) == 0);
	SYS(close, peer);
	CHECK(next_on(kq, e, LONG) == 1 && (e[0].flags & 0x8000));
	print("reset: %ld\n", SYS(read, a, bytes, 1));
	SYS(close, a);
	SYS(close, listener);
}

static void files(void)
{
	char bytes[8];
	int fd = SYS(open, "file", O_RDWR | O_CREAT, 0644), writer = SYS(open, "file", 1);
	SYS(write, writer, "abc", 3);
	CHECK(change(fd, READ, ADD, 0, 0) == 0);
	show("3 bytes to go", LONG);
	SYS(read, fd, bytes, 8);
	show("at the end", SHORT);
	SYS(write, writer, "d", 1);
	show("grown", LONG);
	show("and unread", LONG);
	CHECK(change(fd, READ, DELETE, 0, 0) == 0);
	CHECK(change(fd, WRITE, ADD | ONESHOT, 0, 0) == 0);
	show("writable", LONG);
	CHECK(change(fd, VNODE, ADD, 7, 0) == 0);
	show("unchanged", SHORT);
	SYS(write, writer, "e", 1);
	show("changed", LONG);
	show("not cleared", LONG);
	CHECK(change(fd, VNODE, DELETE, 0, 0) == 0);
	CHECK(change(fd, VNODE, ADD | CLEAR, 7, 0) == 0);
	ftruncate(writer, 1);
	show("shorter", LONG);
	show("cleared", SHORT);
	/* What a write is as well is told along with it, also when the file was opened for it first. */
	CHECK(change(fd, VNODE, DELETE, 0, 0) == 0);
	CHECK(change(fd, VNODE, ADD | CLEAR, 2, 0) == 0);
	int another = SYS(open, "file", O_RDWR);
	SYS(write, another, "longer", 6);
	SYS(close, another);
	show("longer", LONG);
	SYS(unlink, "file");
	SYS(close, writer);
	SYS(close, fd);
	int null = SYS(open, "/dev/null", O_RDWR);
	print("a device without events: %d\n", change(null, READ, ADD, 0, 0));
	SYS(close, null);
}

static void users(void)
{
	CHECK(change(7, USER, ADD, 0x0f, 3) == 0);
	show("quiet", SHORT);
	CHECK(change(7, USER, 0, TRIGGER | FFOR | 0xf0, 4) == 0);
	show("triggered", LONG);
	show("still so", LONG);
	CHECK(change(7, USER, KEEPUDATA, FFAND | 0x3c, 5) == 0);
	show("masked", LONG);
	CHECK(change(7, USER, DISABLE, 0, 0) == 0);
	show("disabled", SHORT);
	CHECK(change(7, USER, ENABLE, FFCOPY | 1, 6) == 0);
	show("enabled", LONG);
	CHECK(change(7, USER, CLEAR, 0, 0) == 0);
	show("cleared", SHORT);
	CHECK(change(7, USER, DELETE, 0, 0) == 0);
	CHECK(change(8, USER, ADD | DISPATCH, 0, 0) == 0 && change(8, USER, 0, TRIGGER, 0) == 0);
	show("dispatched", LONG);
	show("disabled now", SHORT);
	CHECK(change(8, USER, ENABLE, 0, 0) == 0);
	show("triggered all the time", LONG);
	CHECK(change(8, USER, ENABLE | FORCEONESHOT, 0, 0) == 0);
	show("a last time", LONG);
	print("gone: %d\n", change(8, USER, DELETE, 0, 0));
}

static void timers(void)
{
	struct timespec now;
	struct kevent e;
	CHECK(change(1, TIMER, ADD, MSECONDS, 10) == 0);
	CHECK(next_on(kq, &e, LONG) == 1 && e.flags == CLEAR && e.data >= 1);
	now.sec = 0, now.nsec = 60 * 1000 * 1000;
	SYS(nanosleep, &now, 0);
	CHECK(next_on(kq, &e, LONG) == 1 && e.data >= 4);
	/* Anew: what was counted is gone. */
	SYS(nanosleep, &now, 0);
	CHECK(change(1, TIMER, ADD, SECONDS, 100) == 0);
	show("later", SHORT);
	CHECK(change(1, TIMER, DELETE, 0, 0) == 0);
	CHECK(change(2, TIMER, ADD | ONESHOT, USECONDS, 0) == 0);
	show("at once", LONG);
	print("gone: %d\n", change(2, TIMER, DELETE, 0, 0));
	CHECK(SYS(clock_gettime, 0, &now) == 0);
	CHECK(change(3, TIMER, ADD | ONESHOT, ABSTIME | MSECONDS, now.sec * 1000 + now.nsec / 1000000 + 30) == 0);
	struct timespec then;
	show("by the clock", LONG);
	CHECK(SYS(clock_gettime, 0, &then) == 0);
	CHECK((then.sec - now.sec) * 1000000000 + (then.nsec - now.nsec) >= 28000000);
	CHECK(change(4, TIMER, ADD | ONESHOT, ABSTIME | SECONDS, 1) == 0);
	show("in the past", LONG);
	print("negative: %d\n", change(5, TIMER, ADD, 0, -1));
	print("two units: %d\n", change(5, TIMER, ADD, SECONDS | NSECONDS, 1));
	for (int i = 0; i < 10000; i++)
		CHECK(change(1000 + i, TIMER, ADD | ONESHOT, USECONDS, 1 + i * 7919 % 10000) == 0);
	int seen = 0;
	while (seen < 10000) {
		struct kevent many[100];
		struct timespec long_time = {20, 0};
		int n = SYS(kevent, kq, 0, 0, many, 100, &long_time);
		CHECK(n > 0);
		seen += n;
	}
	print("%d timers\n", seen);
	show("no more", SHORT);
}

struct action { void *handler; int flags; u32 mask[4]; };
static volatile int handled;
static void handler(int signal) { handled = signal; }

static long send(int signal)
{
	long me = SYS(getpid);
	return SYS(kill, me, signal);
}

static void signals(void)
{
	struct action ignore = {(void *)1, 0, {0}}, handle = {handler, 0, {0}}, normal = {0, 0, {0}};
	u32 set[4] = {1 << 29, 0, 0, 0};
	struct timespec t = {5, 0};
	CHECK(SYS(sigaction, 30, &ignore, 0) == 0);
	CHECK(change(30, SIGNAL, ADD, 0, 0) == 0);
	show("no signal", SHORT);
	for (int i = 0; i < 3; i++)
		send(30);
	show("ignored", LONG);
	show("cleared", SHORT);
	CHECK(SYS(sigaction, 30, &handle, 0) == 0);
	send(30);
	print("handled: %d\n", handled);
	show("handled", LONG);
	CHECK(SYS(sigprocmask, 1, set, 0) == 0);
	send(30);
	show("blocked", LONG);
	show("counted once", SHORT);
	print("taken: %ld\n", SYS(sigtimedwait, set, 0, &t));
	for (int i = 0; i < 3; i++)
		send(30);
	show("blocked again, three times", LONG);
	send(30);
	show("and a fourth", LONG);
	CHECK(change(30, SIGNAL, DELETE, 0, 0) == 0 && change(30, SIGNAL, ADD, 0, 0) == 0);
	show("pending before it was added", SHORT);
	send(30);
	show("sent again since", LONG);
	handled = 0;
	CHECK(SYS(sigprocmask, 2, set, 0) == 0);
	print("handled: %d\n", handled);
	show("not counted when it is handled", SHORT);
	/* A signal that the program ignores does not end the wait; one that it handles does. */
	CHECK(SYS(sigaction, 30, &ignore, 0) == 0 && change(30, SIGNAL, DELETE, 0, 0) == 0);
	CHECK(change(29, SIGNAL, ADD, 0, 0) == 0 && change(20, SIGNAL, ADD, 0, 0) == 0);
	CHECK(change(29, SIGNAL, DISABLE, 0, 0) == 0);
	flush();
	int parent = SYS(getpid), status;
	int child = SYS(fork);
	if (child == 0) {
		t.sec = 0, t.nsec = 50 * 1000 * 1000;
		SYS(nanosleep, &t, 0);
		SYS(kill, parent, 29);
		SYS(nanosleep, &t, 0);
		quit(0);
	}
	show("SIGCHLD after SIGINFO", LONG);
	CHECK(wait6(0, child, &status, 16, 0, 0) == child);
	CHECK(change(20, SIGNAL, DELETE, 0, 0) == 0);
	CHECK(change(29, SIGNAL, ENABLE, 0, 0) == 0);
	show("SIGINFO", LONG);
	CHECK(change(29, SIGNAL, DELETE, 0, 0) == 0);
	CHECK(SYS(sigaction, 30, &handle, 0) == 0);
	flush();
	child = SYS(fork);
	if (child == 0) {
		t.sec = 0, t.nsec = 50 * 1000 * 1000;
		SYS(nanosleep, &t, 0);
		SYS(kill, parent, 30);
		quit(0);
	}
	show("a handler", LONG);
	CHECK(wait6(0, child, &status, 16, 0, 0) == child);
	CHECK(SYS(sigaction, 30, &normal, 0) == 0);
}

static int second;
static long ended;
static char stack[16384];

static void work(long unused)
{
	struct timespec t = {0, 30 * 1000 * 1000};
	long me = unused;
	/* Wakes the one who waits. */
	SYS(nanosleep, &t, 0);
	change(9, USER, 0, TRIGGER, 0);
	SYS(nanosleep, &t, 0);
	SYS(close, second);
	/* 33 is a signal that the host's C library likes to keep for itself. */
	struct action handle = {handler, 0, {0}};
	CHECK(SYS(sigaction, 33, &handle, 0) == 0 && SYS(thr_self, &me) == 0 && SYS(thr_kill, me, 33) == 0);
	SYS(thr_exit, &ended);
}

static void queues(void)
{
	struct kevent e;
	int fds[2];
	/* A kqueue by two descriptors, and one in another. */
	int copy = SYS(fcntl, kq, 0, 100);
	CHECK(copy >= 100);
	CHECK(change_on(copy, 9, USER, ADD | CLEAR, 0, 0) == 0);
	int outer = SYS(kqueue);
	CHECK(change_on(outer, kq, READ, ADD, 0, 0) == 0);
	show_on(outer, "inner is quiet", SHORT);
	CHECK(change(9, USER, 0, TRIGGER, 0) == 0);
	CHECK(next_on(outer, &e, LONG) == 1 && e.ident == (unsigned long)kq);
	show_on(copy, "by the copy", LONG);
	show_on(outer, "inner is quiet", SHORT);
	SYS(close, outer);
	second = SYS(kqueue);
	long tid;
	unsigned long p[13] = {(unsigned long)work, 0, (unsigned long)stack, sizeof stack, 0, 0, 0, (unsigned long)&tid};
	CHECK(SYS(thr_new, p, sizeof p) == 0);
	show("by a thread", LONG);
	print("closed by a thread: %d\n", next_on(second, &e, LONG));
	while (__atomic_load_n(&ended, __ATOMIC_SEQ_CST) == 0)
		SYS(_umtx_op, &ended, 2, 0, 0, 0);
	print("handled: %d\n", handled);
	SYS(close, copy);
	show("the first is still there", SHORT);
	/* A change that fails, one that is fine, and a receipt. */
	struct kevent changes[3] = {{999, READ, ADD, 0, 0, 1, {0}}, {5, USER, ADD, 0, 0, 2, {0}}, {6, USER, ADD | RECEIPT, 0, 0, 3, {0}}};
	struct kevent out[3];
	long n = SYS(kevent, kq, changes, 3, out, 3, 0);
	print("%ld answers:", n);
	for (int i = 0; i < n; i++)
		print(" %lu %x %ld", out[i].ident, out[i].flags, (long)out[i].data);
	print("\n");
	print("no kqueue: %d", change_on(1, 5, USER, ADD, 0, 0));
	print(" nothing: %d\n", change_on(98, 5, USER, ADD, 0, 0));
	print("no such filter: %d\n", change(5, -100, ADD, 0, 0));
	/* The child of a fork has none. */
	flush();
	int child = SYS(fork), status;
	if (child == 0)
		quit(-change(5, USER, ADD, 0, 0));
	CHECK(change(child, PROC, ADD, NOTE_EXIT, 0) == 0);
	CHECK(next_on(kq, &e, LONG) == 1 && e.ident == (unsigned long)child);
	print("child: flags %x fflags %x data %lx\n", e.flags, e.fflags, (long)e.data);
	CHECK(wait6(0, child, &status, 16, 0, 0) == child);
	print("no such process: %d\n", change(child, PROC, ADD, NOTE_EXIT, 0));
	/* dup2 closes what was there. */
	CHECK(SYS(pipe2, fds, 0) == 0 && change(fds[0], READ, ADD, 0, 0) == 0);
	CHECK(SYS(dup2, fds[1], fds[0]) == fds[0]);
	print("replaced: %d\n", change(fds[0], READ, DELETE, 0, 0));
}

int guest_main(int argc __attribute__((unused)), char **argv __attribute__((unused)), char **envp __attribute__((unused)))
{
	kq = SYS(kqueue);
	pipes();
	sockets();
	files();
	users();
	timers();
	signals();
	queues();
	return 0;
}
