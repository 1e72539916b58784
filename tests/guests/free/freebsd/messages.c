/* What sockets have on FreeBSD alone: control messages with credentials and times, their bounds, options that the host has otherwise. */
#include "check.h"

struct iovec { void *base; size_t len; };
struct msghdr { void *name; u32 namelen; struct iovec *iov; s32 iovlen; void *control; u32 controllen; s32 flags; };
struct cmsg { u32 len; s32 level, type; };
struct in { u8 len, family; u16 port; u8 address[4], zero[8]; };
enum {
	AF_UNIX = 1, AF_INET = 2, STREAM = 1, DGRAM = 2, SOL_SOCKET = 0xffff, CTRUNC = 0x20, DONTWAIT = 0x80, EPIPE = 32,
	EAFNOSUPPORT = 47, ENOPROTOOPT = 42, RIGHTS = 1, TIMESTAMP, CREDS, BINTIME, REALTIME, MONOTONIC, CREDS2 = 8
};
#define DATA(c) ((void *)((char *)(c) + 16))

static u64 control[64];
static char text[64];
static struct iovec iov = {text, 1};

/* A message behind what is already in `control`. */
static u32 add(u32 at, int type, const void *data, u32 size)
{
	struct cmsg *c = (void *)((char *)control + at);
	*c = (struct cmsg){16 + size, SOL_SOCKET, type};
	memcpy(DATA(c), data, size);
	return at + 16 + ((size + 7) & ~7u);
}

static long send(int fd, u32 length)
{
	struct msghdr m = {0, 0, &iov, 1, control, length, 0};
	return SYS(sendmsg, fd, &m, 0);
}

static long receive(int fd, struct msghdr *m, u32 room)
{
	memset(control, 0, sizeof control);
	*m = (struct msghdr){0, 0, &iov, 1, control, room, 0};
	return SYS(recvmsg, fd, m, 0);
}

static struct cmsg *nth(struct msghdr *m, u32 n)
{
	for (u32 at = 0; at + 16 <= m->controllen; n--) {
		struct cmsg *c = (void *)((char *)control + at);
		if (n == 0)
			return c;
		at += (c->len + 7) & ~7u;
	}
	return 0;
}

static int open_descriptors(void)
{
	int count = 0;
	for (int fd = 0; fd < 64; fd++)
		count += SYS(fcntl, fd, 1, 0) >= 0;
	return count;
}

static void option(int fd, int level, int name, int value)
{
	SAME(SYS(setsockopt, fd, level, name, &value, 4), 0);
}

static int asked(int fd, int level, int name)
{
	int value = -1;
	u32 len = 4;
	long result = SYS(getsockopt, fd, level, name, &value, &len);
	return result < 0 ? result : value;
}

/* Descriptors stay in the messages that they were sent in, and what does not fit is let go whole. */
static void bounds(void)
{
	int fds[2], pipe[2], before;
	struct msghdr m;
	CHECK(SYS(socketpair, AF_UNIX, STREAM, 0, fds) == 0 && SYS(pipe2, pipe, 0) == 0);
	before = open_descriptors();
	u32 end = add(add(add(0, RIGHTS, "", 0), RIGHTS, &pipe[0], 4), RIGHTS, pipe, 8);
	SAME(send(fds[0], end), 1);
	SAME(receive(fds[1], &m, sizeof control), 1);
	CHECK(m.flags == 0 && nth(&m, 0) && nth(&m, 0)->len == 20 && nth(&m, 1) && nth(&m, 1)->len == 24 && !nth(&m, 2));
	for (int n = 0; n < 2; n++)
		for (u32 i = 0; i < (nth(&m, n)->len - 16) / 4; i++)
			SYS(close, ((s32 *)DATA(nth(&m, n)))[i]);
	SAME(open_descriptors(), before);
	/* Room for one of two messages. */
	end = add(add(0, RIGHTS, &pipe[0], 4), RIGHTS, &pipe[1], 4);
	SAME(send(fds[0], end), 1);
	SAME(receive(fds[1], &m, 24 + 16), 1);
	CHECK(m.flags == CTRUNC && m.controllen == 24);
	SYS(close, *(s32 *)DATA(nth(&m, 0)));
	SAME(open_descriptors(), before);
	/* None at all, and nobody who asks: that is not cut off. */
	SAME(send(fds[0], add(0, RIGHTS, pipe, 8)), 1);
	SAME(receive(fds[1], &m, 16), 1);
	CHECK(m.flags == CTRUNC && m.controllen == 0);
	SAME(send(fds[0], add(0, RIGHTS, pipe, 8)), 1);
	m = (struct msghdr){0, 0, &iov, 1, 0, 0, 0};
	SAME(SYS(recvmsg, fds[1], &m, DONTWAIT), 1);
	CHECK(m.flags == DONTWAIT);
	SAME(open_descriptors(), before);
	for (int n = 0; n < 2; n++)
		SYS(close, fds[n]), SYS(close, pipe[n]);
}

/* Who sends: told by the sender's wish, and by the receiver's, once or always. */
static void credentials(void)
{
	int fds[2];
	struct msghdr m;
	u32 pid = SYS(getpid), uid = SYS(getuid), zero[21] = {0};
	CHECK(SYS(socketpair, AF_UNIX, STREAM, 0, fds) == 0);
	SAME(send(fds[0], add(0, CREDS, zero, sizeof zero)), 1);
	SAME(receive(fds[1], &m, sizeof control), 1);
	struct cmsg *c = nth(&m, 0);
	CHECK(c && c->type == CREDS && c->len == 16 + 84);
	u32 *ids = DATA(c);
	CHECK(ids[0] == pid && ids[1] == uid && ids[2] == (u32)SYS(geteuid) && *(u16 *)&ids[4] >= 1 && ids[5] == (u32)SYS(getegid));
	/* Beside the receiver's own wish they are not told; that holds for one message. */
	option(fds[1], 0, 2, 1);
	SAME(asked(fds[1], 0, 2), 1);
	int both = 1;
	SAME(SYS(setsockopt, fds[1], 0, 3, &both, 4), -EINVAL);
	SAME(send(fds[0], add(0, CREDS, zero, sizeof zero)), 1);
	SAME(receive(fds[1], &m, sizeof control), 1);
	c = nth(&m, 0);
	ids = DATA(c);
	CHECK(c && c->type == CREDS && ids[0] == uid && ids[4] >= 1 && c->len == 16 + 20 + 4 * ids[4] && !nth(&m, 1));
	SAME(asked(fds[1], 0, 2), 0);
	SAME(SYS(write, fds[0], "x", 1), 1);
	SAME(receive(fds[1], &m, sizeof control), 1);
	CHECK(!nth(&m, 0));
	/* LOCAL_CREDS_PERSISTENT */
	option(fds[1], 0, 3, 1);
	for (int n = 0; n < 2; n++) {
		SAME(SYS(write, fds[0], "x", 1), 1);
		SAME(receive(fds[1], &m, sizeof control), 1);
		c = nth(&m, 0);
		ids = DATA(c);
		CHECK(c && c->type == CREDS2 && ids[0] == 0 && ids[1] == pid && ids[2] == uid && c->len == 16 + 28 + 4 * ids[6]);
	}
	print("credentials are told\n");
	SYS(close, fds[0]);
	SYS(close, fds[1]);
}

static void times(void)
{
	int fds[2];
	struct msghdr m;
	u64 now = 0;
	CHECK(SYS(socketpair, AF_UNIX, DGRAM, 0, fds) == 0);
	u32 end = 0;
	for (int type = BINTIME; type <= MONOTONIC; type++)
		end = add(end, type, &now, 8);
	SAME(send(fds[0], add(end, TIMESTAMP, &now, 8)), 1);
	SAME(receive(fds[1], &m, sizeof control), 1);
	for (int n = 0; n < 4; n++) {
		struct cmsg *c = nth(&m, n);
		CHECK(c && c->type == (n < 3 ? BINTIME + n : TIMESTAMP) && c->len == 32);
		s64 seconds = *(s64 *)DATA(c);
		CHECK(n == 2 ? seconds > 0 && seconds < 1600000000 : seconds > 1600000000);
	}
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	/* Of packets: in each form, with another one beside it. */
	struct in in = {16, AF_INET, 0, {127, 0, 0, 1}, {0}};
	u32 len = sizeof in;
	int fd = SYS(socket, AF_INET, DGRAM, 0), a = SYS(socket, AF_INET, DGRAM, 0);
	CHECK(SYS(bind, fd, &in, sizeof in) == 0 && SYS(getsockname, fd, &in, &len) == 0);
	option(fd, SOL_SOCKET, 0x400, 1);
	SAME(asked(fd, SOL_SOCKET, 0x400), 0x400);
	static const int types[4] = {TIMESTAMP, BINTIME, REALTIME, MONOTONIC};
	for (int clock = 0; clock < 4; clock++) {
		option(fd, SOL_SOCKET, 0x1017, clock);
		SAME(asked(fd, SOL_SOCKET, 0x1017), clock);
		CHECK(SYS(sendto, a, "x", 1, 0, &in, sizeof in) == 1 && receive(fd, &m, sizeof control) == 1);
		CHECK(nth(&m, 0) && nth(&m, 0)->type == types[clock] && nth(&m, 0)->len == 32 && !nth(&m, 1));
	}
	int bad = 4;
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 0x1017, &bad, 4), -EINVAL);
	option(fd, SOL_SOCKET, 0x2000, 1);
	CHECK(SYS(sendto, a, "x", 1, 0, &in, sizeof in) == 1 && receive(fd, &m, sizeof control) == 1);
	CHECK(nth(&m, 0)->type == BINTIME && nth(&m, 1) && nth(&m, 1)->type == MONOTONIC && !nth(&m, 2));
	option(fd, SOL_SOCKET, 0x400, 0);
	option(fd, SOL_SOCKET, 0x2000, 0);
	/* Where it came in, and where it was sent to, each alone and both; the address with the port. */
	static const char *const shown[4] = {"", "address", "interface", "both"};
	for (int which = 0; which < 4; which++) {
		option(fd, 0, 7, which & 1);
		option(fd, 0, 20, which >> 1);
		CHECK(SYS(sendto, a, "x", 1, 0, &in, sizeof in) == 1 && receive(fd, &m, sizeof control) == 1);
		struct cmsg *c = nth(&m, 0), *link = nth(&m, which == 3);
		CHECK(which & 1 ? c && c->type == 7 && c->len == 20 && memcmp(DATA(c), in.address, 4) == 0 : !c || c->type != 7);
		CHECK(which & 2 ? link && link->type == 20 && link->len == 16 + 54 && ((u8 *)DATA(link))[1] == 18 : !nth(&m, 1));
		print("%s\n", shown[which]);
	}
	option(fd, 0, 7, 0);
	option(fd, 0, 20, 0);
	option(fd, 0, 27, 1);
	CHECK(SYS(sendto, a, "x", 1, 0, &in, sizeof in) == 1 && receive(fd, &m, sizeof control) == 1);
	CHECK(nth(&m, 0) && nth(&m, 0)->type == 27 && memcmp(DATA(nth(&m, 0)), &in, 8) == 0);
	SYS(close, fd);
	SYS(close, a);
}

/* SO_NOSIGPIPE goes with the descriptor: without it the write to a broken stream ends the process. */
static int writes_silently(int fd)
{
	struct iovec one = {"x", 1};
	return SYS(write, fd, "x", 1) == -EPIPE && SYS(writev, fd, &one, 1) == -EPIPE && SYS(sendto, fd, "x", 1, 0, 0, 0) == -EPIPE;
}

static void silence(char **argv)
{
	int fds[2], carry[2], status;
	struct msghdr m;
	char *args[] = {argv[0], "silent", 0}, *env[] = {0};
	CHECK(SYS(socketpair, AF_UNIX, STREAM, 0, fds) == 0 && SYS(socketpair, AF_UNIX, STREAM, 0, carry) == 0);
	option(fds[0], SOL_SOCKET, 0x800, 1);
	SYS(close, fds[1]);
	CHECK(writes_silently(fds[0]));
	SAME(send(carry[0], add(0, RIGHTS, &fds[0], 4)), 1);
	SAME(receive(carry[1], &m, sizeof control), 1);
	int received = *(s32 *)DATA(nth(&m, 0));
	SAME(asked(received, SOL_SOCKET, 0x800), 0x800);
	CHECK(writes_silently(received));
	flush();
	int child = SYS(vfork);
	if (child == 0) {
		/* The child's own descriptors: the parent's stay as they are. */
		SYS(dup2, received, 10);
		SYS(close, received);
		SYS(execve, argv[0], args, env);
		quit(99);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status, 0);
	CHECK(writes_silently(received));
	/* A number that is given away again knows nothing of it. */
	SYS(close, received);
	SAME(SYS(dup2, carry[0], received), received);
	SAME(asked(received, SOL_SOCKET, 0x800), 0);
	print("broken streams are silent\n");
}

static void options(void)
{
	struct in in = {16, AF_INET, 0, {127, 0, 0, 1}, {0}}, other = in;
	u32 len = sizeof in;
	int local = SYS(socket, AF_UNIX, STREAM, 0), fd = SYS(socket, AF_INET, STREAM, 0), value = 1;
	SAME(SYS(bind, local, &in, sizeof in), -EAFNOSUPPORT);
	SAME(SYS(connect, local, &in, sizeof in), -EAFNOSUPPORT);
	/* A truth is told by its bit, a buffer's size as it was set. */
	option(fd, SOL_SOCKET, 4, 1);
	SAME(asked(fd, SOL_SOCKET, 4), 4);
	option(fd, SOL_SOCKET, 0x1001, 32768);
	SAME(asked(fd, SOL_SOCKET, 0x1001), 32768);
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 4, &value, 2), -EINVAL);
	/* Filters of connections are modules; a socket has one table of routes, and no label. */
	static char filter[256] = "httpready";
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 0x1000, filter, sizeof filter), -ENOENT);
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 0x1000, 0, 0), -EINVAL);
	SAME(asked(fd, SOL_SOCKET, 0x1000), -EINVAL);
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 0x1014, &value, 4), -EINVAL);
	option(fd, SOL_SOCKET, 0x1014, 0);
	option(fd, SOL_SOCKET, 0x1015, 77);
	SAME(asked(fd, SOL_SOCKET, 0x1015), -ENOPROTOOPT);
	SAME(asked(fd, SOL_SOCKET, 0x1009), -EINVAL);
	/* High ports. */
	option(fd, 0, 19, 1);
	SAME(asked(fd, 0, 19), 1);
	CHECK(SYS(bind, fd, &in, sizeof in) == 0 && SYS(getsockname, fd, &in, &len) == 0);
	int port = ((u8 *)&in.port)[0] * 256 + ((u8 *)&in.port)[1];
	CHECK(port >= 49152);
	/* The state of a connection. */
	static u32 info[64];
	CHECK(SYS(listen, fd, 5) == 0);
	SAME(SYS(setsockopt, fd, SOL_SOCKET, 0x1000, 0, 0), 0);
	len = sizeof info;
	SAME(SYS(getsockopt, fd, 6, 32, info, &len), 0);
	CHECK(len == 236 && *(u8 *)info == 1);
	int a = SYS(socket, AF_INET, STREAM, 0);
	other = in;
	CHECK(SYS(connect, a, &other, sizeof other) == 0);
	SAME(SYS(getsockopt, a, 6, 32, info, &len), 0);
	CHECK(*(u8 *)info == 4 && info[4] > 0 && info[20] > info[4]);
	print("a connection: state %u, %u bytes are told\n", *(u8 *)info, len);
	SYS(close, a);
	SYS(close, fd);
	SYS(close, local);
}

/* Errors that FreeBSD has of its own, and what a failed call leaves behind. */
static void errors(void)
{
	struct { u8 len, family; char path[30]; } name = {32, AF_UNIX, "socket"};
	struct in in = {16, AF_INET, 0, {127, 0, 0, 1}, {0}};
	u32 len = sizeof in;
	s64 sent = -1;
	SAME(SYS(socket, AF_UNIX, 3, 0), -41);
	int local = SYS(socket, AF_UNIX, STREAM, 0), listener = SYS(socket, AF_INET, STREAM, 0), a = SYS(socket, AF_INET, STREAM, 0);
	SAME(SYS(bind, local, &name, sizeof name), 0);
	SAME(SYS(bind, local, &name, sizeof name), -EINVAL);
	SYS(close, local);
	local = SYS(socket, AF_UNIX, STREAM, 0);
	SAME(SYS(bind, local, &name, sizeof name), -48);
	SYS(close, local);
	SYS(unlink, "socket");
	/* A connection whose peer cannot be told is closed again. */
	CHECK(SYS(bind, listener, &in, sizeof in) == 0 && SYS(getsockname, listener, &in, &len) == 0 && SYS(listen, listener, 5) == 0);
	SAME(SYS(connect, a, &in, sizeof in), 0);
	int before = open_descriptors();
	SAME(SYS(accept, listener, (void *)8, &len), -EFAULT);
	SAME(open_descriptors(), before);
	SAME(SYS(read, a, text, 1), 0);
	/* Of an address that has no room the length of what is told. */
	u32 some = 6;
	SAME(SYS(getsockname, a, text, &some), 0);
	SAME(some, 6);
	SYS(close, a);
	/* Flags that a descriptor cannot have are not looked at. */
	SAME(SYS(fcntl, listener, 4, ~0u), 0);
	CHECK(SYS(fcntl, listener, 3, 0) & 4);
	/* sendfile, to what is no stream, and where nobody is. */
	int file = SYS(open, "file", 0x202, 0644);
	a = SYS(socket, AF_INET, STREAM, 0);
	SAME(sendfile(file, 99, 0, 0, 0, &sent, 0), -9);
	SAME(sendfile(file, file, 0, 0, 0, &sent, 0), -38);
	SAME(sendfile(file, a, 0, 0, 0, &sent, 0), -57);
	SYS(close, file);
	SYS(unlink, "file");
	/* High ports, for who connects. */
	for (int n = 0; n < 4; n++) {
		SYS(close, a);
		a = SYS(socket, AF_INET, STREAM, 0);
		option(a, 0, 19, 1);
		struct in own;
		len = sizeof own;
		CHECK(SYS(connect, a, &in, sizeof in) == 0 && SYS(getsockname, a, &own, &len) == 0);
		CHECK(((u8 *)&own.port)[0] * 256 + ((u8 *)&own.port)[1] >= 49152);
	}
	SYS(close, a);
	SYS(close, listener);
}

/* Groups by interface and socket address, and which sources of them are heard. */
static void groups(void)
{
	struct { u32 interface; u64 group[16], source[16]; } request = {1, {0}, {0}};
	struct in group = {16, AF_INET, 0, {239, 1, 2, 3}, {0}}, source = {16, AF_INET, 0, {127, 0, 0, 1}, {0}};
	struct { u32 interface, mode, count; u64 group[16]; void *sources; } filter = {1, 0, 2, {0}, 0};
	static u64 sources[2][16];
	u32 len = sizeof filter;
	int fd = SYS(socket, AF_INET, DGRAM, 0);
	memcpy(request.group, &group, 16);
	memcpy(request.source, &source, 16);
	memcpy(filter.group, &group, 16);
	filter.sources = sources;
	CHECK(sizeof request == 264);
	long joined = SYS(setsockopt, fd, 0, 80, &request, 136);
	SAME(joined, 0);
	SAME(SYS(setsockopt, fd, 0, 81, &request, 136), 0);
	SAME(SYS(setsockopt, fd, 0, 82, &request, 264), 0);
	SAME(SYS(getsockopt, fd, 0, 74, &filter, &len), 0);
	CHECK(filter.mode == 1 && filter.count == 1 && memcmp(sources[0], &source, 8) == 0);
	((u8 *)&sources[1])[0] = 16;
	memcpy(sources[1], &source, 16);
	((u8 *)sources[1])[7] = 9;
	filter.count = 2;
	SAME(SYS(setsockopt, fd, 0, 74, &filter, len), 0);
	memset(sources, 0, sizeof sources);
	SAME(SYS(getsockopt, fd, 0, 74, &filter, &len), 0);
	CHECK(filter.count == 2 && ((u8 *)sources[0])[1] == AF_INET && ((u8 *)sources[1])[1] == AF_INET);
	SAME(SYS(setsockopt, fd, 0, 83, &request, 264), 0);
	SAME(SYS(setsockopt, fd, 0, 83, &request, 264), -49);
	SYS(close, fd);
	print("groups are joined\n");
}

int guest_main(int argc, char **argv, char **envp __attribute__((unused)))
{
	if (argc == 2 && strcmp(argv[1], "silent") == 0)
		return !writes_silently(10);
	bounds();
	credentials();
	times();
	silence(argv);
	options();
	errors();
	groups();
	return 0;
}
