/* Sockets by FreeBSD's layouts: addresses, options, control messages, sendfile; memory that depends on them least of all. */
#include "check.h"

struct iovec { void *base; size_t len; };
struct msghdr { void *name; u32 namelen; struct iovec *iov; s32 iovlen; void *control; u32 controllen; s32 flags; };
struct cmsg { u32 len; s32 level, type; };
struct in { u8 len, family; u16 port; u8 address[4], zero[8]; };
struct in6 { u8 len, family; u16 port; u32 flow; u8 address[16]; u32 scope; };
enum { AF_UNIX = 1, AF_INET = 2, AF_INET6 = 28, STREAM = 1, DGRAM = 2, NONBLOCK = 0x20000000, SOL_SOCKET = 0xffff };
static const u8 loopback[4] = {127, 0, 0, 1};
#define DATA(c) ((void *)((char *)(c) + 16))

static u64 control[32];
static char text[64];

static long receive(int fd, struct msghdr *m)
{
	static struct iovec iov;
	iov = (struct iovec){text, sizeof text};
	memset(control, 0, sizeof control);
	*m = (struct msghdr){0, 0, &iov, 1, control, sizeof control, 0};
	return SYS(recvmsg, fd, m, 0);
}

static struct cmsg *find(struct msghdr *m, int level, int type)
{
	for (u32 at = 0; at + 16 <= m->controllen;) {
		struct cmsg *c = (void *)((char *)control + at);
		if (c->level == level && c->type == type)
			return c;
		at += (c->len + 7) & ~7u;
	}
	return 0;
}

static int bound(int type, struct in *in)
{
	u32 len = sizeof *in;
	*in = (struct in){16, AF_INET, 0, {127, 0, 0, 1}, {0}};
	int fd = SYS(socket, AF_INET, type, 0);
	CHECK(fd > 2 && SYS(bind, fd, in, sizeof *in) == 0 && SYS(getsockname, fd, in, &len) == 0 && len == 16);
	return fd;
}

static void streams(void)
{
	struct in in, from;
	u32 len = sizeof from;
	int listener = bound(STREAM, &in), value;
	CHECK(SYS(listen, listener, 5) == 0);
	int a = SYS(socket, AF_INET, STREAM, 0);
	CHECK(SYS(connect, a, &in, sizeof in) == 0);
	CHECK(SYS(fcntl, listener, 4, 4) == 0);
	int b = SYS(accept, listener, &from, &len);
	CHECK(b > 2 && from.len == 16 && from.family == AF_INET && memcmp(from.address, loopback, 4) == 0);
	print("accepted: nonblocking %ld\n", SYS(fcntl, b, 3, 0) & 4);
	print("none left: %ld\n", SYS(accept, listener, 0, 0));
	len = 4;
	CHECK(SYS(getsockopt, a, SOL_SOCKET, 0x1008, &value, &len) == 0 && value == STREAM);
	CHECK(SYS(getsockopt, a, SOL_SOCKET, 0x1019, &value, &len) == 0 && value == AF_INET);
	value = 77;
	CHECK(SYS(setsockopt, a, 6, 256, &value, 4) == 0 && SYS(getsockopt, a, 6, 256, &value, &len) == 0 && value == 77);
	print("unknown option: %ld\n", SYS(setsockopt, a, SOL_SOCKET, 0x7777, &value, 4));
	/* sendfile with headers and trailers. */
	int file = SYS(open, "file", 0x202, 0644);
	CHECK(SYS(write, file, "0123456789", 10) == 10);
	struct iovec head = {"<", 1}, tail[2] = {{">", 1}, {"!", 1}};
	struct { struct iovec *headers; s32 count; struct iovec *trailers; s32 trailing; } hdtr = {&head, 1, tail, 2};
	s64 sent = 0;
	CHECK(sendfile(file, a, 2, 5, &hdtr, &sent, 0) == 0);
	memset(text, 0, sizeof text);
	CHECK(sent == 8 && SYS(read, b, text, sizeof text) == 8);
	print("sent: %s\n", text);
	SYS(close, file);
	SYS(unlink, "file");
	/* The other end is closed. */
	SYS(close, b);
	SYS(close, a);
	SYS(close, listener);
	b = SYS(socket, AF_INET, STREAM | NONBLOCK, 0);
	CHECK(b > 2 && (SYS(fcntl, b, 3, 0) & 4) && SYS(fcntl, b, 4, 0) == 0);
	print("refused: %ld\n", SYS(connect, b, &in, sizeof in));
	SYS(close, b);
}

static void datagrams(void)
{
	struct in in;
	struct msghdr m;
	int on = 1, fd = bound(DGRAM, &in), a = SYS(socket, AF_INET, DGRAM, 0);
	CHECK(SYS(setsockopt, fd, SOL_SOCKET, 0x400, &on, 4) == 0); /* SO_TIMESTAMP */
	CHECK(SYS(setsockopt, fd, 0, 7, &on, 4) == 0);              /* IP_RECVDSTADDR */
	CHECK(SYS(setsockopt, fd, 0, 65, &on, 4) == 0);             /* IP_RECVTTL */
	CHECK(SYS(sendto, a, "hello", 5, 0, &in, sizeof in) == 5);
	CHECK(receive(fd, &m) == 5);
	struct cmsg *time = find(&m, SOL_SOCKET, 2), *to = find(&m, 0, 7), *ttl = find(&m, 0, 65);
	CHECK(time && time->len >= 28 && *(s64 *)DATA(time) > 1600000000);
	CHECK(to && to->len == 20 && memcmp(DATA(to), loopback, 4) == 0);
	CHECK(ttl && ttl->len == 17);
	print("ttl %u\n", *(u8 *)DATA(ttl));
	SYS(close, fd);
	SYS(close, a);
	struct in6 in6 = {28, AF_INET6, 0, 0, {0}, 0};
	u32 len = sizeof in6;
	in6.address[15] = 1;
	fd = SYS(socket, AF_INET6, DGRAM, 0);
	if (fd < 0 || SYS(bind, fd, &in6, sizeof in6) != 0) {
		/* A host without IPv6. */
		print("ipv6: interface is told, address 1\n");
		return;
	}
	CHECK(SYS(getsockname, fd, &in6, &len) == 0 && len == 28 && in6.family == AF_INET6);
	CHECK(SYS(setsockopt, fd, 41, 36, &on, 4) == 0); /* IPV6_RECVPKTINFO */
	a = SYS(socket, AF_INET6, DGRAM, 0);
	CHECK(SYS(sendto, a, "hello", 5, 0, &in6, sizeof in6) == 5 && receive(fd, &m) == 5);
	struct cmsg *info = find(&m, 41, 46);
	CHECK(info && info->len == 36);
	print("ipv6: interface %s, address %u\n", *(u32 *)((char *)DATA(info) + 16) ? "is told" : "is not told", ((u8 *)DATA(info))[15]);
	SYS(close, fd);
	SYS(close, a);
}

static void local(void)
{
	int fds[2], pipe[2], on = 1;
	struct msghdr m;
	CHECK(SYS(socketpair, AF_UNIX, DGRAM, 0, fds) == 0 && SYS(pipe2, pipe, 0) == 0);
	/* A descriptor through a socket. */
	struct iovec iov = {"x", 1};
	struct cmsg *c = (void *)control;
	*c = (struct cmsg){20, SOL_SOCKET, 1};
	*(s32 *)DATA(c) = pipe[1];
	m = (struct msghdr){0, 0, &iov, 1, control, 24, 0};
	CHECK(SYS(sendmsg, fds[0], &m, 0) == 1 && receive(fds[1], &m) == 1);
	c = find(&m, SOL_SOCKET, 1);
	CHECK(c && c->len == 20);
	CHECK(SYS(write, *(s32 *)DATA(c), "through", 8) == 8 && SYS(read, pipe[0], text, 8) == 8);
	print("written %s\n", text);
	SYS(close, *(s32 *)DATA(c));
	/* Who has sent it. */
	CHECK(SYS(setsockopt, fds[1], 0, 2, &on, 4) == 0);
	CHECK(SYS(write, fds[0], "y", 1) == 1 && receive(fds[1], &m) == 1);
	c = find(&m, SOL_SOCKET, 3);
	CHECK(c && *(u32 *)DATA(c) == (u32)SYS(getuid));
	print("credentials: %u bytes\n", c->len);
	c = (void *)control;
	*c = (struct cmsg){20, SOL_SOCKET, 77};
	m = (struct msghdr){0, 0, &iov, 1, control, 24, 0};
	print("unknown message: %ld\n", SYS(sendmsg, fds[0], &m, 0));
	u32 peer[24], len = sizeof peer;
	CHECK(SYS(socketpair, AF_UNIX, STREAM, 0, fds) == 0 && SYS(getsockopt, fds[0], 0, 1, peer, &len) == 0);
	CHECK(len == (sizeof(long) == 8 ? 88 : 80) && peer[1] == (u32)SYS(getuid) && (s32)peer[sizeof(long) == 8 ? 20 : 19] == SYS(getpid));
	/* Cut short. */
	CHECK(SYS(socketpair, AF_UNIX, DGRAM, 0, fds) == 0 && SYS(write, fds[0], text, 64) == 64);
	iov = (struct iovec){text, 10};
	m = (struct msghdr){0, 0, &iov, 1, 0, 0, 0};
	CHECK(SYS(recvmsg, fds[1], &m, 0) == 10);
	print("flags %x\n", m.flags);
}

static void memory(void)
{
	u32 *shared = (void *)mmap(0, 4096, 3, 0x1001, -1, 0), *zeroed = (void *)mmap(0, 4096, 3, 0x1002, -1, 0);
	zeroed[0] = 5;
	CHECK(SYS(minherit, zeroed, 4096, 3) == 0);
	/* Of shared memory a copy, or zeros; of the middle of three pages nothing; and what is mapped anew as ever. */
	u32 *copied = (void *)mmap(0, 8192, 3, 0x1001, -1, 0), *cleared = (void *)mmap(0, 4096, 3, 0x1001, -1, 0);
	long three = mmap(0, 3 * 4096, 3, 0x1002, -1, 0), anew = mmap(0, 4096, 3, 0x1002, -1, 0);
	char vector[3];
	copied[0] = copied[1024] = cleared[0] = *(u32 *)three = *(u32 *)(three + 8192) = 7;
	CHECK(SYS(minherit, copied, 4096, 1) == 0 && SYS(minherit, cleared, 1, 3) == 0);
	CHECK(SYS(minherit, three + 4096, 4096, 2) == 0 && SYS(minherit, three, 4096, 4) == -22);
	CHECK(SYS(minherit, shared, 4096, 0) == 0 && SYS(minherit, anew, 4096, 2) == 0);
	CHECK(mmap((void *)anew, 4096, 3, 0x1012, -1, 0) == anew);
	*(u32 *)anew = 7;
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		CHECK(copied[0] == 7 && cleared[0] == 0 && *(u32 *)three == 7 && *(u32 *)(three + 8192) == 7 && *(u32 *)anew == 7);
		CHECK(SYS(mincore, three, 4096, vector) == 0 && SYS(mincore, three + 4096, 4096, vector) == -12);
		copied[0] = copied[1024] = cleared[0] = 9;
		shared[0] = zeroed[0] + 1;
		quit(0);
	}
	CHECK(SYS(wait4, child, &status, 0, 0) == child);
	CHECK(status == 0 && copied[0] == 7 && copied[1024] == 9 && cleared[0] == 7);
	print("the child found %u, the parent has %u\n", shared[0] - 1, zeroed[0]);
	long low = mmap(0, 65536, 3, 0x81002, -1, 0);
	CHECK((unsigned long)low + 65536 <= 1ul << 31);
	CHECK(mmap(0, 65536, 3, 0x81002, -1, 0) != low);
	*(volatile u32 *)low = 1;
}

int guest_main(int argc __attribute__((unused)), char **argv __attribute__((unused)), char **envp __attribute__((unused)))
{
	streams();
	datagrams();
	local();
	memory();
	return 0;
}
