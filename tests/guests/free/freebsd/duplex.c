/* Pipes, which go both ways: what each end sees of either direction, wherever its descriptor has gone. */
#include "check.h"

struct iovec { void *base; size_t len; };
struct msghdr { void *name; u32 namelen; struct iovec *iov; s32 iovlen; void *control; u32 controllen; s32 flags; };
struct pollfd { int fd; short events, revents; };
struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
struct timeval { s64 sec; long usec; };
struct stat {
	u64 dev, ino, nlink; u16 mode, pad0; u32 uid, gid, pad1; u64 rdev; struct timespec atim, mtim, ctim, birthtim;
	s64 size, blocks; s32 blksize; u32 flags; u64 gen, spare[10];
};
typedef struct { u32 bits[4]; } set;
enum { READ = -1, WRITE = -2, ADD = 1, DELETE = 2, ENABLE = 4, DISABLE = 8, CLEAR = 0x20, DISPATCH = 0x80, EV_EOF = 0x8000, LOWAT = 1 };
enum { POLLIN = 1, POLLOUT = 4, POLLHUP = 0x10, DUPFD = 0, SETFD = 2, GETFL = 3, SETFL = 4, RDWR = 2, NONBLOCK = 4, EPIPE = 32 };
enum { ROOM = 65536, PIPE = 13, FIONREAD = 0x4004667f };

static char text[ROOM + 4096];

static void two_way(int *fds, int flags)
{
	SAME(SYS(pipe2, fds, flags), 0);
}

/* `what` goes from one descriptor to the other. */
static void carries(int from, int to, const char *what)
{
	long n = strlen(what);
	SAME(SYS(write, from, what, n), n);
	memset(text, 0, n + 1);
	SAME(SYS(read, to, text, n + 1), n);
	SAME(memcmp(text, what, n), 0);
}

static void both(int first, int second)
{
	carries(second, first, "the usual way");
	carries(first, second, "the way back");
}

static void close_both(int *fds)
{
	SAME(SYS(close, fds[0]), 0);
	SAME(SYS(close, fds[1]), 0);
}

static int found(int fd, int events, int ms)
{
	struct pollfd one = {fd, events, -1};
	long n = SYS(poll, &one, 1, ms);
	SAME(one.fd, fd);
	SAME(one.events, events);
	SAME(n, one.revents != 0);
	return one.revents;
}

static void pause_for(int ms)
{
	struct timespec t = {0, ms * 1000000L};
	SYS(nanosleep, &t, 0);
}

static int ended(int child)
{
	int status;
	SAME(SYS(wait4, child, &status, 0, 0), child);
	return status;
}

static void transfers(void)
{
	int fds[2], n = 0;
	struct stat one, other;
	struct iovec parts[2] = {{"scat", 4}, {"tered", 5}}, room[2] = {{text, 3}, {text + 3, 16}};
	two_way(fds, 0);
	both(fds[0], fds[1]);
	SAME(SYS(writev, fds[0], parts, 2), 9);
	SAME(SYS(readv, fds[1], room, 2), 9);
	SAME(memcmp(text, "scattered", 9), 0);
	SAME(SYS(writev, fds[0], parts, 1025), -EINVAL);
	/* Each direction has what was written to it. */
	SYS(write, fds[0], "four", 4);
	SYS(write, fds[1], "fiver", 5);
	SAME(SYS(ioctl, fds[0], FIONREAD, &n), 0);
	SAME(n, 5);
	SAME(SYS(ioctl, fds[1], FIONREAD, &n), 0);
	SAME(n, 4);
	CHECK(SYS(fstat, fds[0], &one) == 0 && SYS(fstat, fds[1], &other) == 0);
	CHECK((one.mode & 0170000) == 0010000 && (other.mode & 0170000) == 0010000 && one.ino != other.ino);
	CHECK(one.size == 5 && other.size == 4);
	SAME(SYS(read, fds[1], text, sizeof text), 4);
	SAME(SYS(read, fds[0], text, sizeof text), 5);
	SAME(SYS(read, fds[1], text, 0), 0);
	SAME(SYS(write, fds[0], text, 0), 0);
	SAME(SYS(write, fds[0], 16, 8), -EFAULT);
	SYS(write, fds[0], "x", 1);
	SAME(SYS(read, fds[1], 16, 8), -EFAULT);
	/* Descriptors are open for both, and wait or do not. */
	SAME(SYS(fcntl, fds[0], GETFL, 0), RDWR);
	SAME(SYS(fcntl, fds[1], GETFL, 0), RDWR);
	SAME(SYS(fcntl, fds[0], SETFL, NONBLOCK), 0);
	SAME(SYS(fcntl, fds[0], GETFL, 0), RDWR | NONBLOCK);
	SAME(SYS(fcntl, fds[1], SETFL, NONBLOCK), 0);
	long all = 0, now;
	while ((now = SYS(write, fds[0], text, 1000)) > 0)
		all += now;
	SAME(now, -EAGAIN);
	CHECK(all >= 16384 - 1000);
	for (all++; (now = SYS(read, fds[1], text, sizeof text)) > 0;)
		all -= now;
	SAME(now, -EAGAIN);
	SAME(all, 0);
	close_both(fds);
	SAME(SYS(pipe2, fds, 1), -EINVAL);
	SAME(SYS(pipe2, 16, 0), -EFAULT);
	print("transfers\n");
}

/* A write that has no room waits for all of it, and a read for something. */
static void waits(void)
{
	int fds[2], status;
	two_way(fds, 0);
	flush();
	int child = SYS(fork);
	if (child == 0) {
		SYS(close, fds[0]);
		pause_for(30);
		long all = 0, now;
		while (all < 3 * ROOM && (now = SYS(read, fds[1], text, 5000)) > 0)
			all += now;
		pause_for(30);
		SYS(write, fds[1], "done", 4);
		/* What is left when the other end closes, and then its end. */
		SAME(SYS(read, fds[1], text, 100), 4);
		SAME(SYS(read, fds[1], text, 100), 0);
		quit(all == 3 * ROOM ? 0 : 1);
	}
	SYS(close, fds[1]);
	for (int i = 0; i < 3; i++)
		SAME(SYS(write, fds[0], text, ROOM), ROOM);
	SAME(SYS(read, fds[0], text, 100), 4);
	SAME(SYS(write, fds[0], "rest", 4), 4);
	SYS(close, fds[0]);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	/* A write that waits when the reader goes away has written what there was room for. */
	two_way(fds, 0);
	child = SYS(fork);
	if (child == 0) {
		SYS(close, fds[0]);
		pause_for(50);
		quit(0);
	}
	SYS(close, fds[1]);
	long n = SYS(write, fds[0], text, sizeof text);
	CHECK(n >= 16384 && n <= ROOM);
	SAME(ended(child), 0);
	SYS(close, fds[0]);
	print("waits\n");
}

static volatile int alarms;

static void on_alarm(int signal)
{
	(void)signal;
	alarms++;
}

/* A signal ends the wait for something to read, or does not, as its action says. */
static void interruptions(void)
{
	enum { ALRM = 14, RESTART = 2 };
	struct { struct timeval interval, value; } soon = {{0, 0}, {0, 20000}};
	int fds[2];
	two_way(fds, 0);
	for (int flags = 0; flags <= RESTART; flags += RESTART) {
		struct { void (*handler)(int); int flags; set mask; } act = {on_alarm, flags, {{0}}};
		SAME(SYS(sigaction, ALRM, &act, 0), 0);
		flush();
		int child = SYS(fork);
		if (child == 0) {
			pause_for(100);
			SYS(write, fds[0], "x", 1);
			quit(0);
		}
		SAME(SYS(setitimer, 0, &soon, 0), 0);
		if (!flags) {
			SAME(SYS(read, fds[1], text, 1), -EINTR);
			SAME(alarms, 1);
		}
		SAME(SYS(read, fds[1], text, 1), 1);
		SAME(alarms, flags ? 2 : 1);
		SAME(ended(child), 0);
	}
	close_both(fds);
	print("interruptions\n");
}

static int sigpipe_came(void)
{
	set pending;
	int number = 0;
	SAME(SYS(sigpending, &pending), 0);
	if (!(pending.bits[0] & 1u << (PIPE - 1)))
		return 0;
	pending = (set){{1u << (PIPE - 1)}};
	SAME(SYS(sigwait, &pending, &number), 0);
	return number == PIPE;
}

static void ends(void)
{
	int fds[2];
	set blocked = {{1u << (PIPE - 1)}};
	SAME(SYS(sigprocmask, 1, &blocked, 0), 0);
	for (int closed = 0; closed < 2; closed++) {
		two_way(fds, 0);
		int left = fds[!closed];
		SYS(write, fds[closed], "last", 4);
		SAME(found(left, POLLIN | POLLOUT, 0), POLLIN | POLLOUT);
		SAME(SYS(close, fds[closed]), 0);
		SAME(found(left, POLLIN, 0), POLLIN | POLLHUP);
		SAME(found(left, POLLIN | POLLOUT, 0), POLLIN | POLLOUT | POLLHUP);
		SAME(found(left, 0, 0), POLLHUP);
		SAME(SYS(read, left, text, 10), 4);
		SAME(SYS(read, left, text, 10), 0);
		SAME(found(left, POLLIN, 0), POLLIN | POLLHUP);
		CHECK(!sigpipe_came());
		SAME(SYS(write, left, "x", 1), -EPIPE);
		CHECK(sigpipe_came());
		SYS(close, left);
		SAME(SYS(read, left, text, 1), -EBADF);
		SAME(SYS(write, left, text, 1), -EBADF);
	}
	print("ends\n");
}

#define WORD (8 * sizeof(unsigned long))

static long selected(int fd, int reading, int ms)
{
	unsigned long in[2] = {0}, out[2] = {0}, *of = reading ? in : out, bit = 1ul << fd % WORD;
	struct timeval t = {0, ms * 1000L};
	of[fd / WORD] = bit;
	long n = SYS(select, fd + 1, in, out, 0, &t);
	SAME(of[fd / WORD], n == 1 ? bit : 0);
	return n;
}

static void looks(void)
{
	int fds[2], status;
	two_way(fds, NONBLOCK);
	for (int from = 0; from < 2; from++) {
		int one = fds[from], other = fds[!from];
		SAME(found(other, POLLIN, 0), 0);
		SAME(found(other, POLLIN | POLLOUT, 10), POLLOUT);
		SAME(selected(other, 1, 10), 0);
		SAME(selected(other, 0, 10), 1);
		SYS(write, one, "x", 1);
		SAME(found(other, POLLIN, -1), POLLIN);
		SAME(found(other, POLLIN | 0x40, -1), POLLIN | 0x40);
		SAME(selected(other, 1, 900), 1);
		/* Not what it has written itself. */
		SAME(found(one, POLLIN, 0), 0);
		SAME(selected(one, 1, 0), 0);
		while (SYS(write, one, text, 4096) > 0)
			;
		SAME(found(one, POLLOUT, 0), 0);
		SAME(selected(one, 0, 10), 0);
		while (SYS(read, other, text, sizeof text) > 0)
			;
		SAME(found(one, POLLOUT, 0), POLLOUT);
		SAME(selected(one, 0, 10), 1);
	}
	/* Many at once, and one that is not open. */
	struct pollfd all[4] = {{fds[0], POLLOUT, 0}, {fds[1], POLLIN, 0}, {-1, POLLIN, 0}, {fds[1] + 20, POLLIN, 0}};
	SAME(SYS(poll, all, 4, 0), 2);
	CHECK(all[0].revents == POLLOUT && all[1].revents == 0 && all[2].revents == 0 && all[3].revents == 0x20);
	/* One that waits is woken. */
	for (int from = 0; from < 2; from++) {
		flush();
		int child = SYS(fork);
		if (child == 0) {
			pause_for(30);
			SYS(write, fds[from], "y", 1);
			quit(0);
		}
		if (from == 0)
			SAME(found(fds[1], POLLIN, -1), POLLIN);
		else
			SAME(selected(fds[0], 1, 900), 1);
		SAME(SYS(read, fds[!from], text, 10), 1);
		SAME(SYS(wait4, child, &status, 0, 0), child);
	}
	close_both(fds);
	print("poll and select\n");
}

static struct kevent last;

static long news(int kq, int ms)
{
	struct timespec t = {0, ms * 1000000L};
	memset(&last, 0, sizeof last);
	return SYS(kevent, kq, 0, 0, &last, 1, &t);
}

static long change(int kq, int fd, int filter, int flags, u32 fflags, s64 data)
{
	struct kevent e = {fd, filter, flags, fflags, data, 7, {0}};
	return SYS(kevent, kq, &e, 1, 0, 0, 0);
}

static void queues(void)
{
	int fds[2], kq = SYS(kqueue);
	for (int from = 0; from < 2; from++) {
		two_way(fds, NONBLOCK);
		int one = fds[from], other = fds[!from];
		SAME(change(kq, other, READ, ADD, 0, 0), 0);
		SAME(news(kq, 5), 0);
		SYS(write, one, "abc", 3);
		for (int again = 0; again < 2; again++) {
			SAME(news(kq, 900), 1);
			CHECK(last.ident == (unsigned long)other && last.filter == READ && last.data == 3 && last.udata == 7);
			SAME(last.flags & EV_EOF, 0);
		}
		SAME(change(kq, other, READ, DISABLE, 0, 0), 0);
		SAME(news(kq, 5), 0);
		SAME(change(kq, other, READ, ENABLE, 0, 0), 0);
		SAME(news(kq, 5), 1);
		/* The other filter beside it. */
		SAME(change(kq, other, WRITE, ADD | DISPATCH, 0, 0), 0);
		SYS(read, other, text, 10);
		SAME(news(kq, 900), 1);
		CHECK(last.filter == WRITE && last.data >= 512);
		SAME(news(kq, 5), 0);
		SAME(change(kq, other, WRITE, DELETE, 0, 0), 0);
		SAME(change(kq, other, READ, DELETE, 0, 0), 0);
		/* Once for each change; and no less than so much. */
		SAME(change(kq, other, READ, ADD | CLEAR, LOWAT, 5), 0);
		SYS(write, one, "abc", 3);
		SAME(news(kq, 5), 0);
		SYS(write, one, "def", 3);
		SAME(news(kq, 900), 1);
		SAME(last.data, 6);
		SAME(news(kq, 5), 0);
		/* Room comes and goes. */
		SAME(change(kq, one, WRITE, ADD, 0, 0), 0);
		SAME(news(kq, 900), 1);
		CHECK(last.filter == WRITE && last.ident == (unsigned long)one);
		while (SYS(write, one, text, 4096) > 0)
			;
		while (news(kq, 5) == 1)
			CHECK(last.filter == READ);
		while (SYS(read, other, text, sizeof text) > 0)
			;
		SAME(news(kq, 900), 1);
		SAME(last.filter, WRITE);
		/* The end, for both. */
		SAME(change(kq, one, READ, ADD, 0, 0), 0);
		SYS(write, other, "z", 1);
		SYS(close, other);
		int seen = 0;
		for (int i = 0; i < 4; i++) {
			SAME(news(kq, 900), 1);
			CHECK(last.ident == (unsigned long)one && last.flags & EV_EOF);
			if (last.filter == READ)
				SAME(last.data, 1);
			seen |= last.filter == READ ? 1 : 2;
		}
		SAME(seen, 3);
		SAME(change(kq, one, WRITE, DELETE, 0, 0), 0);
		SAME(change(kq, one, WRITE, ADD, 0, 0), -EPIPE);
		SYS(close, one);
		SAME(news(kq, 5), 0);
	}
	SYS(close, kq);
	print("kqueue\n");
}

/* Copies of a descriptor are the same end, and the last of them ends it. */
static void copies(void)
{
	int fds[2], n;
	two_way(fds, 0);
	int copy = SYS(dup, fds[0]), high = SYS(fcntl, fds[1], DUPFD, 40);
	CHECK(copy == fds[1] + 1 && high == 40);
	SAME(SYS(dup2, fds[1], 30), 30);
	both(copy, high);
	both(fds[0], 30);
	SYS(close, fds[1]);
	SYS(close, 30);
	SAME(found(fds[0], POLLIN, 0), 0);
	both(copy, high);
	SYS(write, fds[0], "a", 1);
	SYS(close, fds[0]);
	SAME(SYS(read, high, text, 10), 1);
	SYS(fcntl, high, SETFL, NONBLOCK);
	SAME(SYS(read, high, text, 10), -EAGAIN);
	SYS(close, copy);
	SAME(SYS(read, high, text, 10), 0);
	/* What takes the number over is no end of a pipe. */
	int other = SYS(open, "/dev/null", 0, 0);
	SAME(SYS(dup2, other, high), high);
	SAME(SYS(fcntl, high, GETFL, 0), 0);
	SAME(SYS(write, high, "x", 1), -EBADF);
	SYS(close, other);
	SYS(close, high);
	two_way(fds, 0);
	SAME(SYS(close_range, fds[0], fds[0], 0), 0);
	SAME(SYS(ioctl, fds[1], FIONREAD, &n), 0);
	SAME(SYS(read, fds[1], text, 1), 0);
	SAME(SYS(freebsd12_closefrom, fds[0]), 0);
	SAME(SYS(read, fds[1], text, 1), -EBADF);
	/* Numbers are the lowest that are free, as ever, and nobody sees more of them. */
	int before = fds[0];
	for (int i = 0; i < 50; i++) {
		two_way(fds, 0);
		SAME(fds[0], before);
		SAME(fds[1], before + 1);
		both(fds[0], fds[1]);
		close_both(fds);
	}
	print("copies\n");
}

static void children(char **argv)
{
	int fds[2], more[2];
	char *env[] = {0};
	two_way(fds, 0);
	two_way(more, 0x100000);
	flush();
	int child = SYS(fork);
	if (child == 0) {
		SYS(close, fds[1]);
		SAME(SYS(write, fds[0], "from the child", 14), 14);
		SAME(SYS(read, fds[0], text, 20), 14);
		quit(memcmp(text, "to the child..", 14) != 0);
	}
	SYS(close, fds[0]);
	SAME(SYS(read, fds[1], text, 20), 14);
	SAME(memcmp(text, "from the child", 14), 0);
	SAME(SYS(write, fds[1], "to the child..", 14), 14);
	SAME(ended(child), 0);
	/* The child's end has gone with it. */
	SAME(SYS(read, fds[1], text, 20), 0);
	SYS(close, fds[1]);
	/* Executed after fork and vfork: the descriptors, one of them under another number, but not what exec closes. */
	for (int way = 0; way < 2; way++) {
		two_way(fds, 0);
		char *args[] = {argv[0], "child", 0};
		flush();
		child = way ? SYS(vfork) : SYS(fork);
		if (child == 0) {
			SYS(dup2, fds[0], 20);
			SYS(close, fds[0]);
			SYS(close, fds[1]);
			SYS(execve, argv[0], args, env);
			quit(99);
		}
		SYS(close, fds[0]);
		SAME(SYS(read, fds[1], text, 20), 8);
		SAME(memcmp(text, "executed", 8), 0);
		SAME(SYS(write, fds[1], "answered", 8), 8);
		SAME(ended(child), 0);
		SAME(SYS(read, fds[1], text, 20), 0);
		SYS(close, fds[1]);
	}
	both(more[0], more[1]);
	close_both(more);
	print("fork, vfork, exec\n");
}

static int executed(void)
{
	SAME(SYS(fcntl, 20, GETFL, 0), RDWR);
	SAME(SYS(write, 20, "executed", 8), 8);
	SAME(SYS(read, 20, text, 20), 8);
	SAME(memcmp(text, "answered", 8), 0);
	for (int fd = 3; fd < 20; fd++)
		SAME(SYS(fcntl, fd, GETFL, 0), -EBADF);
	return 0;
}

static void messages(void)
{
	int fds[2], carry[2];
	u64 control[8];
	struct iovec iov = {"m", 1};
	struct { u32 len; s32 level, type, pad; int fds[2]; } *c = (void *)control;
	SAME(SYS(socketpair, 1, 1, 0, carry), 0);
	two_way(fds, 0);
	memset(control, 0, sizeof control);
	c->len = 24, c->level = 0xffff, c->type = 1;
	memcpy(c->fds, fds, 8);
	struct msghdr m = {0, 0, &iov, 1, control, 24, 0};
	SAME(SYS(sendmsg, carry[0], &m, 0), 1);
	SYS(write, fds[0], "old", 3);
	close_both(fds);
	memset(control, 0, sizeof control);
	iov.base = text;
	m = (struct msghdr){0, 0, &iov, 1, control, sizeof control, 0};
	SAME(SYS(recvmsg, carry[1], &m, 0), 1);
	CHECK(c->len == 24 && c->type == 1);
	memcpy(fds, c->fds, 8);
	SAME(SYS(read, fds[1], text, 10), 3);
	both(fds[0], fds[1]);
	SYS(close, fds[0]);
	SAME(SYS(read, fds[1], text, 10), 0);
	SYS(close, fds[1]);
	close_both(carry);
	print("messages\n");
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1)
		return executed();
	transfers();
	waits();
	interruptions();
	ends();
	looks();
	queues();
	copies();
	children(argv);
	messages();
	return 0;
}
