/* Asynchronous requests: results and errors, the ways of being told, lists, what can be canceled, what a fork and a close change. */
#include "check.h"

struct sigevent { int notify, signo; void *value; union { int thread; unsigned short flags; long spare[8]; } un; };
struct aiocb {
	int fd;
	off_t offset;
	void *buf;
	size_t bytes;
	int spare[2];
	void *spare2;
	int opcode, priority;
	long status, error;
	void *kernel;
	struct sigevent event;
};
struct old_aiocb { int fd; off_t offset; void *buf; size_t bytes; struct { int notify, signo; void *value; } event; int opcode, priority; long status, error; void *kernel; };
struct iovec { void *base; size_t len; };
struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; void *udata; u64 ext[4]; };
struct info { int signo, error, code, pid; u32 uid; int status; void *addr, *value; long spare[8]; };
typedef struct { u32 bits[4]; } set;

enum { EINPROGRESS = 36, ECANCELED = 85, EIO = 5, EPIPE = 32 };
enum { NONE = 0, SIGNAL = 1, KEVENT = 3, THREAD_ID = 4 };
enum { NOWAIT = 0, WAIT = 1, NOP = 0, WRITE = 1, READ = 2 };
enum { CANCELED = 1, NOTCANCELED = 2, ALLDONE = 3 };
enum { EVFILT_AIO = -3, EVFILT_LIO = -10, EV_ADD = 1, EV_DELETE = 2, EV_ONESHOT = 0x10, EV_CLEAR = 0x20, EV_EOF = 0x8000 };
enum { O_RDWR = 2, O_SYNC = 0x80, O_CREAT = 0x200, O_TRUNC = 0x400, O_DSYNC = 0x1000000, SIGPIPE = 13, ALRM = 14, USR1 = 30 };

static char text[32];
static int file;

static struct aiocb request(int fd, void *buf, size_t bytes, off_t offset)
{
	struct aiocb cb = {.fd = fd, .offset = offset, .buf = buf, .bytes = bytes};
	return cb;
}

static long finish(struct aiocb *cb)
{
	struct aiocb *list[2] = {0, cb};
	SAME(SYS(aio_suspend, list, 2, 0), 0);
	CHECK(SYS(aio_error, cb) != EINPROGRESS);
	return SYS(aio_return, cb);
}

static void before_any(void)
{
	struct aiocb cb = request(0, 0, 0, 0), *list = &cb;
	SAME(SYS(aio_error, &cb), EINVAL);
	SAME(SYS(aio_return, &cb), -EINVAL);
	SAME(SYS(aio_suspend, &list, 1, 0), -EAGAIN);
	SAME(SYS(aio_suspend, &list, -1, 0), -EINVAL);
	SAME(SYS(aio_suspend, &list, 257, 0), -EINVAL);
	SAME(SYS(aio_cancel, 0, 0), ALLDONE);
	SAME(SYS(aio_cancel, 99, 0), -EBADF);
}

static void files(void)
{
	file = SYS(open, "requests", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(file > 2);
	/* The offset lies beyond 32 bits: the file is a sparse one. */
	struct aiocb w = request(file, "written", 7, 0x100000002ll);
	SAME(SYS(aio_write, &w), 0);
	SAME(finish(&w), 7);
	SAME(w.status, 7);
	SAME(w.error, 0);
	SAME(SYS(aio_error, &w), EINVAL);
	SAME(SYS(aio_return, &w), -EINVAL);
	struct aiocb r = request(file, text, sizeof text, 0x100000004ll);
	SAME(SYS(aio_read, &r), 0);
	SAME(finish(&r), 5);
	SAME(memcmp(text, "itten", 6), 0);
	/* In two pieces each. */
	char a[3], b[4];
	struct iovec out[2] = {{"ab", 2}, {"cde", 3}}, in[2] = {{a, 3}, {b, 4}};
	w = request(file, out, 2, 0);
	SAME(SYS(aio_writev, &w), 0);
	SAME(finish(&w), 5);
	r = request(file, in, 2, 1);
	SAME(SYS(aio_readv, &r), 0);
	SAME(finish(&r), 7);
	SAME(memcmp(a, "bcd", 3), 0);
	SAME(memcmp(b, "e\0\0", 4), 0);
	r.bytes = 1025;
	SAME(SYS(aio_readv, &r), -EINVAL);
	/* A sync comes after what is under way. */
	struct aiocb s = request(file, 0, 0, 0), *both[2] = {&w, &s};
	w = request(file, "last", 4, 8);
	SAME(SYS(aio_write, &w), 0);
	SAME(SYS(aio_fsync, O_SYNC, &s), 0);
	SAME(finish(&s), 0);
	SAME(SYS(aio_error, &w), 0);
	SAME(SYS(aio_suspend, both, 2, 0), 0);
	SAME(SYS(aio_return, &w), 4);
	SAME(SYS(aio_fsync, O_DSYNC, &s), 0);
	SAME(finish(&s), 0);
	SAME(SYS(aio_fsync, O_RDWR, &s), -EINVAL);
	r = request(0, text, sizeof text, 0);
	SAME(SYS(aio_mlock, &r), 0);
	SAME(finish(&r), 0);
	/* Those of FreeBSD 6 have a smaller event. */
	struct old_aiocb old = {.fd = file, .offset = 8, .buf = text, .bytes = 4, .event.signo = 77};
	SAME(SYS(freebsd6_aio_read, &old), 0);
	SAME(finish((void *)&old), 4);
	SAME(memcmp(text, "last", 4), 0);
	SAME(old.status, 4);
}

static void refusals(void)
{
	int fds[2];
	struct aiocb cb = request(99, text, 1, 0);
	SAME(SYS(aio_read, &cb), -EBADF);
	SAME(SYS(aio_error, &cb), EBADF);
	cb.status = 0;
	SAME(SYS(aio_error, &cb), EINVAL);
	SAME(SYS(aio_read, 16), -EFAULT);
	cb = request(file, text, 1, -1);
	SAME(SYS(aio_read, &cb), -EINVAL);
	cb = request(file, text, (size_t)-1, 0);
	SAME(SYS(aio_read, &cb), -EINVAL);
	cb = request(file, text, 1, 0);
	cb.event.notify = 9;
	SAME(SYS(aio_read, &cb), -EINVAL);
	cb.event.notify = SIGNAL;
	cb.event.signo = 129;
	SAME(SYS(aio_read, &cb), -EINVAL);
	cb.event.notify = KEVENT;
	cb.event.signo = file;
	SAME(SYS(aio_read, &cb), -EBADF);
	/* What may never end is not safe: pipes and devices are refused. */
	SAME(SYS(pipe2, fds, 0), 0);
	cb = request(fds[0], text, 1, 0);
	SAME(SYS(aio_read, &cb), -EOPNOTSUPP);
	SAME(SYS(aio_error, &cb), EOPNOTSUPP);
	SAME(SYS(aio_fsync, O_SYNC, &cb), -EINVAL);
	cb.fd = fds[1];
	SAME(SYS(aio_read, &cb), -EBADF);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	/* Where the memory is not there by then: an error of the request. */
	cb = request(file, (void *)16, 4, 0);
	SAME(SYS(aio_read, &cb), 0);
	SAME(finish(&cb), -EFAULT);
	SAME(cb.status, -1);
	SAME(cb.error, EFAULT);
}

static void any_of_them(void)
{
	struct timespec now = {0, 0}, soon = {0, 20000000}, wrong = {0, 1000000000};
	struct aiocb a = request(file, text, 2, 8), b = request(file, text + 8, 3, 8), *got = &a;
	SAME(SYS(aio_waitcomplete, &got, &now), -EAGAIN);
	CHECK(got == 0);
	SAME(SYS(aio_waitcomplete, &got, &soon), -EAGAIN);
	SAME(SYS(aio_waitcomplete, &got, &wrong), -EINVAL);
	SAME(SYS(aio_read, &a), 0);
	SAME(SYS(aio_read, &b), 0);
	long sum = SYS(aio_waitcomplete, &got, 0);
	CHECK(got == &a || got == &b);
	sum += SYS(aio_waitcomplete, &got, 0);
	SAME(sum, 5);
}

static void pair(int *fds) { SAME(SYS(socketpair, 1, 1, 0, fds), 0); }

static void sockets(void)
{
	int fds[2];
	struct timespec soon = {0, 20000000};
	pair(fds);
	struct aiocb a = request(fds[0], text, 8, 0), b = request(fds[0], text + 8, 8, 0), c = a, *list = &a;
	memset(text, 0, sizeof text);
	SAME(SYS(aio_read, &a), 0);
	SAME(SYS(aio_read, &b), 0);
	SAME(SYS(aio_error, &a), EINPROGRESS);
	SAME(SYS(aio_return, &a), -EINVAL);
	SAME(a.error, EINPROGRESS);
	SAME(SYS(aio_suspend, &list, 1, &soon), -EAGAIN);
	/* In their order. */
	SYS(write, fds[1], "one", 3);
	SAME(finish(&a), 3);
	SAME(SYS(aio_error, &b), EINPROGRESS);
	SYS(write, fds[1], "two", 3);
	SAME(finish(&b), 3);
	SAME(memcmp(text, "one", 4) | memcmp(text + 8, "two", 4), 0);
	/* Canceled: alone, or all of the descriptor. */
	SAME(SYS(aio_read, &a), 0);
	SAME(SYS(aio_read, &b), 0);
	SAME(SYS(aio_read, &c), 0);
	SAME(SYS(aio_cancel, fds[0], &b), CANCELED);
	SAME(SYS(aio_error, &b), ECANCELED);
	SAME(SYS(aio_error, &a), EINPROGRESS);
	SAME(SYS(aio_return, &b), -ECANCELED);
	SAME(SYS(aio_cancel, fds[1], 0), ALLDONE);
	SAME(SYS(aio_cancel, fds[0], 0), CANCELED);
	SAME(SYS(aio_return, &a), -ECANCELED);
	SAME(SYS(aio_return, &c), -ECANCELED);
	SAME(SYS(aio_cancel, fds[0], &a), ALLDONE);
	/* The child of a fork has none of it, and can have its own. */
	SAME(SYS(aio_read, &a), 0);
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		struct aiocb w = request(file, "child", 5, 64);
		SAME(SYS(aio_suspend, &list, 1, 0), -EAGAIN);
		SAME(SYS(aio_write, &w), 0);
		SAME(finish(&w), 5);
		SAME(SYS(aio_error, &a), EINPROGRESS); /* by the words in memory */
		SAME(SYS(aio_return, &a), -EINVAL);
		quit(5);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0x500);
	/* Closing the descriptor leaves the request, and the socket to it. */
	SAME(SYS(close, fds[0]), 0);
	SYS(write, fds[1], "late", 4);
	SAME(finish(&a), 4);
	SAME(memcmp(text, "late", 4), 0);
	/* Nobody reads: the error, and the signal, which is blocked here. */
	set pipes = {{1u << (SIGPIPE - 1)}}, pending;
	struct { void *handler; int flags; set mask; } act = {0, 0, {{0}}};
	SAME(SYS(sigaction, SIGPIPE, &act, 0), 0);
	SAME(SYS(sigprocmask, 1, &pipes, 0), 0);
	b = request(fds[1], text, 4, 0);
	SAME(SYS(aio_write, &b), 0);
	SAME(finish(&b), -EPIPE);
	do
		SAME(SYS(sigpending, &pending), 0);
	while (!(pending.bits[0] & pipes.bits[0]));
	int number = 0;
	SAME(SYS(sigwait, &pipes, &number), 0);
	SAME(number, SIGPIPE);
	/* Until the socket is told not to. */
	int on = 1;
	SAME(SYS(setsockopt, fds[1], 0xffff, 0x800, &on, sizeof on), 0);
	SAME(SYS(aio_write, &b), 0);
	SAME(finish(&b), -EPIPE);
	SAME(SYS(write, fds[1], "x", 1), -EPIPE);
	SAME(SYS(sigpending, &pending), 0);
	SAME(pending.bits[0] & pipes.bits[0], 0);
	SYS(close, fds[1]);
}

static volatile long thread_signals;
static void on_signal(int signal, struct info *info, void *context)
{
	(void)context;
	CHECK(signal == USR1 && info->code == 0x10004 && info->pid == 0 && info->value == (void *)&thread_signals);
	thread_signals++;
}

static void on_alarm(int signal) { (void)signal; }

static void signals(void)
{
	struct { void *handler; int flags; set mask; } act = {on_signal, 0x40, {{0}}};
	/* 100 is none of the host's. */
	set wanted = {{0, 0, 0, 1u << (100 - 1 - 96)}};
	struct info info;
	SAME(SYS(sigprocmask, 1, &wanted, 0), 0);
	struct aiocb cb = request(file, text, 4, 8);
	cb.event = (struct sigevent){SIGNAL, 100, (void *)0x1234, {0}};
	SAME(SYS(aio_read, &cb), 0);
	SAME(SYS(sigwaitinfo, &wanted, &info), 100);
	SAME(info.code, 0x10004);
	CHECK(info.value == (void *)0x1234);
	SAME(finish(&cb), 4);
	SAME(SYS(sigaction, USR1, &act, 0), 0);
	long me;
	SYS(thr_self, &me);
	cb.event = (struct sigevent){THREAD_ID, USR1, (void *)&thread_signals, {.thread = me}};
	SAME(SYS(aio_read, &cb), 0);
	while (!thread_signals)
		SYS(sched_yield);
	SAME(finish(&cb), 4);
	SAME(thread_signals, 1);
	/* A wait ends with a signal: one comes every now and then. */
	int fds[2];
	pair(fds);
	struct aiocb w = request(fds[0], text, 1, 0), *list = &w;
	struct { struct { s64 sec; long usec; } interval, value; } often = {{0, 20000}, {0, 20000}}, never = {{0, 0}, {0, 0}};
	act.handler = on_alarm;
	SAME(SYS(sigaction, ALRM, &act, 0), 0);
	SAME(SYS(aio_read, &w), 0);
	SAME(SYS(setitimer, 0, &often, 0), 0);
	SAME(SYS(aio_suspend, &list, 1, 0), -EINTR);
	struct aiocb x = w, *of_x = &x;
	x.opcode = READ;
	SAME(SYS(lio_listio, WAIT, &of_x, 1, 0), -EINTR);
	SAME(SYS(setitimer, 0, &never, 0), 0);
	SAME(SYS(aio_cancel, fds[0], &w), CANCELED);
	SAME(SYS(aio_cancel, fds[0], 0), CANCELED);
	SAME(SYS(aio_waitcomplete, &list, 0), -ECANCELED);
	CHECK(list == &w);
	SAME(SYS(aio_waitcomplete, &list, 0), -ECANCELED);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

static long next(int kq, struct kevent *e, int ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};
	return SYS(kevent, kq, 0, 0, e, 1, &t);
}

static void events(void)
{
	int kq = SYS(kqueue), fds[2];
	struct kevent e;
	struct aiocb cb = request(file, text, 4, 8);
	cb.event = (struct sigevent){KEVENT, kq, (void *)0x77, {.flags = 0}};
	SAME(SYS(aio_read, &cb), 0);
	for (int n = 0; n < 2; n++) {
		SAME(next(kq, &e, 20000), 1);
		CHECK(e.ident == (unsigned long)&cb && e.filter == EVFILT_AIO && e.udata == (void *)0x77);
		SAME(e.flags & EV_EOF, EV_EOF);
		SAME(e.data, 0);
	}
	/* Until it is released. */
	SAME(SYS(aio_return, &cb), 4);
	SAME(next(kq, &e, 0), 0);
	cb.event.un.flags = EV_ONESHOT;
	SAME(SYS(aio_read, &cb), 0);
	SAME(next(kq, &e, 20000), 1);
	SAME(next(kq, &e, 0), 0);
	SAME(SYS(aio_return, &cb), 4);
	cb.event.un.flags = 2;
	SAME(SYS(aio_read, &cb), -EINVAL);
	/* Canceled: its error is the event's. */
	pair(fds);
	cb = request(fds[0], text, 4, 0);
	cb.event = (struct sigevent){KEVENT, kq, 0, {.flags = EV_CLEAR}};
	SAME(SYS(aio_read, &cb), 0);
	SAME(next(kq, &e, 0), 0);
	SAME(SYS(aio_cancel, fds[0], &cb), CANCELED);
	SAME(next(kq, &e, 20000), 1);
	SAME(e.data, ECANCELED);
	SAME(next(kq, &e, 0), 0);
	SAME(SYS(aio_return, &cb), -ECANCELED);
	/* Programs cannot register one. */
	e = (struct kevent){(unsigned long)&cb, EVFILT_AIO, EV_ADD, 0, 0, 0, {0}};
	SAME(SYS(kevent, kq, &e, 1, 0, 0, 0), -EPERM);
	e.flags = EV_DELETE;
	SAME(SYS(kevent, kq, &e, 1, 0, 0, 0), -ENOENT);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	SYS(close, kq);
}

static void lists(void)
{
	int kq = SYS(kqueue), fds[2];
	char a[4], b[4];
	struct kevent e;
	struct aiocb r = request(file, a, 4, 8), w = request(file, "more", 4, 32), n = request(file, 0, 0, 0);
	struct aiocb *list[4] = {&r, 0, &w, &n};
	r.opcode = READ, w.opcode = WRITE, n.opcode = NOP;
	SAME(SYS(lio_listio, WAIT, list, 4, 0), 0);
	SAME(SYS(aio_error, &r) | SYS(aio_error, &w), 0);
	SAME(SYS(aio_return, &r), 4);
	SAME(SYS(aio_return, &w), 4);
	SAME(SYS(aio_return, &n), -EINVAL);
	SAME(memcmp(a, "last", 4), 0);
	SAME(SYS(lio_listio, 7, list, 3, 0), -EINVAL);
	SAME(SYS(lio_listio, WAIT, list, 257, 0), -EINVAL);
	/* One of them is wrong: the others are made. */
	n.opcode = 3;
	SAME(SYS(lio_listio, WAIT, list, 4, 0), -EIO);
	SAME(SYS(aio_return, &r), 4);
	SAME(SYS(aio_return, &w), 4);
	SAME(SYS(aio_error, &n), EINVAL);
	/* An event once all are done. */
	pair(fds);
	struct aiocb s = request(fds[0], b, 4, 0);
	struct sigevent event = {KEVENT, kq, (void *)0x99, {0}};
	s.opcode = READ;
	list[1] = &s;
	SAME(SYS(lio_listio, NOWAIT, list, 3, &event), 0);
	SAME(finish(&w), 4);
	struct aiocb *of_r = &r;
	SAME(SYS(aio_suspend, &of_r, 1, 0), 0);
	SAME(next(kq, &e, 20), 0);
	SYS(write, fds[1], "!", 1);
	SAME(next(kq, &e, 20000), 1);
	CHECK(e.filter == EVFILT_LIO && e.ident == (unsigned long)list && e.udata == (void *)0x99);
	SAME(SYS(aio_return, &r), 4);
	SAME(SYS(aio_return, &s), 1);
	SAME(next(kq, &e, 0), 0);
	/* A signal once all are done, but none if there are none. */
	set wanted = {{1u << (USR1 - 1)}};
	struct info info;
	SAME(SYS(sigprocmask, 1, &wanted, 0), 0);
	event = (struct sigevent){SIGNAL, USR1, (void *)0x55, {0}};
	struct timespec now = {0, 0};
	SAME(SYS(lio_listio, NOWAIT, list, 0, &event), 0);
	SAME(SYS(sigtimedwait, &wanted, &info, &now), -EAGAIN);
	list[1] = 0;
	SAME(SYS(lio_listio, NOWAIT, list, 3, &event), 0);
	SAME(SYS(sigwaitinfo, &wanted, &info), USR1);
	CHECK(info.value == (void *)0x55);
	SAME(SYS(aio_return, &r), 4);
	SAME(SYS(aio_return, &w), 4);
	struct { int notify, kqueue; void *value; } old = {KEVENT, kq, (void *)0x33};
	struct old_aiocb o = {.fd = file, .offset = 8, .buf = a, .bytes = 2, .opcode = READ}, *olds = &o;
	SAME(SYS(freebsd6_lio_listio, NOWAIT, &olds, 1, &old), 0);
	SAME(next(kq, &e, 20000), 1);
	CHECK(e.udata == (void *)0x33);
	SAME(SYS(aio_return, &o), 2);
	old.notify = THREAD_ID;
	SAME(SYS(freebsd6_lio_listio, NOWAIT, &olds, 1, &old), -EINVAL);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	SYS(close, kq);
}

/* More than there may be. */
static struct aiocb many[257];

static void limits(void)
{
	int fds[2], value = 0;
	size_t len = sizeof value;
	SAME(SYS(__sysctlbyname, "vfs.aio.max_aio_queue_per_proc", 30, &value, &len, 0, 0), 0);
	SAME(value, 256);
	SAME(SYS(__sysctlbyname, "p1003_1b.aio_listio_max", 23, &value, &len, 0, 0), 0);
	SAME(value, 256);
	pair(fds);
	for (int n = 0; n < 256; n++) {
		many[n] = request(fds[0], text, 1, 0);
		SAME(SYS(aio_read, &many[n]), 0);
	}
	SAME(SYS(__sysctlbyname, "vfs.aio.num_queue_count", 23, &value, &len, 0, 0), 0);
	SAME(value, 256);
	many[256] = many[0];
	SAME(SYS(aio_read, &many[256]), -EAGAIN);
	SAME(SYS(aio_error, &many[256]), EAGAIN);
	SAME(SYS(aio_cancel, fds[0], 0), CANCELED);
	for (int n = 0; n < 256; n++)
		SAME(SYS(aio_return, &many[n]), -ECANCELED);
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	/* Many at once on a file: each writes and reads its own place. */
	static u32 words[200];
	for (int round = 0; round < 2; round++) {
		for (u32 n = 0; n < 200; n++) {
			many[n] = request(file, &words[n], 4, 4096 + 4 * n);
			words[n] = round ? 0 : n * 7;
			SAME(round ? SYS(aio_read, &many[n]) : SYS(aio_write, &many[n]), 0);
		}
		for (u32 n = 0; n < 200; n++) {
			SAME(finish(&many[n]), 4);
			SAME(words[n], n * 7);
		}
	}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	before_any();
	files();
	refusals();
	any_of_them();
	sockets();
	signals();
	events();
	lists();
	limits();
	/* The end of a process does not wait for what has not been begun. */
	flush();
	int child = SYS(fork), status, fds[2];
	if (child == 0) {
		pair(fds);
		struct aiocb never = request(fds[0], text, 1, 0), w = request(file, "the end", 7, 0);
		SAME(SYS(aio_read, &never), 0);
		SAME(SYS(aio_write, &w), 0);
		quit(0);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	SYS(close, file);
	SYS(unlink, "requests");
	print("what is asked for comes later\n");
	return 0;
}
