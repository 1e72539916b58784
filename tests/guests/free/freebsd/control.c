/* What programs ask of the kernel through sysctl and ioctl: every node in order, facts of the own process, terminals, files,
   interfaces. */
#include "guest.h"

#define CHECK(what) \
	do { if (!(what)) { print("line %d: not so: %s\n", __LINE__, #what); quit(1); } } while (0)

#ifndef __NR_ioctl
#define __NR_ioctl 54
#endif
#ifndef __NR_socket
#define __NR_socket 97
#endif
#ifndef __NR___sysctl
#define __NR___sysctl 202
#endif

static int number[24];
static char value[65536];

/* Reads a node by its number; the length, or an error below 0. */
static long get(const int *mib, unsigned count)
{
	size_t len = sizeof value;
	long error = SYS(__sysctl, mib, count, value, &len, 0, 0);
	return error ? error : (long)len;
}

/* Asks one of the questions that are below 0. */
static long about(int question, const int *mib, unsigned count)
{
	int asked[24] = {0, question};
	memcpy(asked + 2, mib, count * sizeof *mib);
	return get(asked, count + 2);
}

static void nodes(void)
{
	unsigned count = 0, length = 0;
	int kinds = 0, named = 0, described = 0;
	for (;;) {
		long n = about(2, number, length);
		if (n < 0) {
			print("behind the last: %ld\n", n);
			break;
		}
		/* Each is above the one before. */
		int *next = (int *)value, above = 0;
		unsigned next_length = n / sizeof *next;
		for (unsigned i = 0; !above && i < next_length; i++) {
			CHECK(i >= length || next[i] >= number[i]);
			above = i >= length || next[i] > number[i];
		}
		CHECK(above);
		memcpy(number, next, n);
		length = next_length;
		count++;
		named += about(1, number, length) > 3;
		char name[256];
		memcpy(name, value, sizeof name);
		int back[2] = {0, 3};
		size_t len = sizeof value;
		CHECK(SYS(__sysctl, back, 2, value, &len, name, strlen(name)) == 0);
		CHECK(len == length * sizeof *number && memcmp(value, number, len) == 0);
		n = about(4, number, length);
		kinds |= 1 << (*(unsigned *)value & 0xf);
		CHECK(n > 5 && (*(unsigned *)value & 0x80000000));
		described += about(5, number, length) > 1;
	}
	CHECK(count > 150 && named == (int)count && described == (int)count);
	print("kinds of nodes: %x\n", kinds);
}

static void process(void)
{
	int pid = SYS(getpid);
	int mib[5] = {1, 14, 1, pid, 0};
	CHECK(get(mib, 4) == (sizeof(long) == 8 ? 1088 : 816));
	CHECK(*(int *)value == (sizeof(long) == 8 ? 1088 : 816));
	CHECK(*(int *)(value + (sizeof(long) == 8 ? 72 : 40)) == pid);
	print("command %s\n", value + (sizeof(long) == 8 ? 447 : 383));
	mib[2] = 7;
	CHECK(get(mib, 4) > 8 && strcmp(value + strlen(value) + 1, "argument") == 0);
	mib[2] = 32;
	long n = get(mib, 4);
	u64 here = (unsigned long)process;
	int found = 0;
	for (char *e = value; e < value + n; e += *(int *)e)
		found |= ((u64 *)e)[1] <= here && here < ((u64 *)e)[2] && strlen(e + 136) > 7;
	CHECK(found);
	mib[2] = 33;
	n = get(mib, 4);
	found = 0;
	for (char *e = value; e < value + n; e += *(int *)e)
		found += ((int *)e)[2] == -1 || ((int *)e)[2] == 1;
	CHECK(found == 2);
	mib[2] = 37;
	mib[4] = 8;
	CHECK(get(mib, 5) == 16);
	mib[2] = 12;
	mib[3] = 0x7ffffff0;
	print("no such process: %ld\n", get(mib, 4));
	/* Room for a part of it, and setting what cannot be set. */
	int ostype[2] = {1, 1};
	size_t len = 4;
	long error = SYS(__sysctl, ostype, 2, value, &len, 0, 0);
	print("room for 4: %ld, %lu bytes\n", error, (unsigned long)len);
	print("to be set: %ld\n", SYS(__sysctl, ostype, 2, 0, 0, "x", 1));
}

struct termios { u32 iflag, oflag, cflag, lflag; u8 cc[20]; u32 speeds[2]; };

static void terminal(void)
{
	long fd = SYS(open, "/dev/ptmx", 2 | 0x8000);
	CHECK(fd > 2);
	int n = -1;
	CHECK(SYS(ioctl, fd, 0x2000741c) == 0 && SYS(ioctl, fd, 0x4004740f, &n) == 0 && n >= 0);
	struct termios t, back;
	CHECK(SYS(ioctl, fd, 0x402c7413, &t) == 0);
	print("c_iflag %x c_oflag %x c_cflag %x c_lflag %x\n", t.iflag, t.oflag, t.cflag, t.lflag);
	print("VEOF %d VERASE %d VINTR %d VMIN %d VDSUSP %d\n", t.cc[0], t.cc[3], t.cc[8], t.cc[16], t.cc[11]);
	/* cfmakeraw, more or less, with another character to interrupt. */
	t.lflag &= ~(0x80 | 0x100 | 8);
	t.oflag &= ~1;
	t.cc[8] = 5;
	t.cc[9] = 0xff;
	t.speeds[0] = t.speeds[1] = 9600;
	CHECK(SYS(ioctl, fd, 0x802c7416, &t) == 0 && SYS(ioctl, fd, 0x402c7413, &back) == 0);
	print("set: %d\n", memcmp(&t, &back, sizeof t));
	unsigned short size[4] = {25, 80, 1, 2}, now[4];
	CHECK(SYS(ioctl, fd, 0x80087467, size) == 0 && SYS(ioctl, fd, 0x40087468, now) == 0 && memcmp(size, now, 8) == 0);
	SYS(close, fd);
}

static void files(void)
{
	char name[16];
	struct { int len; char *buf; } arg = {sizeof name, name};
	unsigned long dgname = sizeof(long) == 8 ? 0x80106678 : 0x80086678;
	long fd = SYS(open, "/dev/null", 0);
	CHECK(SYS(ioctl, fd, dgname, &arg) == 0);
	print("name of /dev/null: %s\n", name);
	arg.len = 3;
	print("too short: %ld\n", SYS(ioctl, fd, dgname, &arg));
	int type;
	CHECK(SYS(ioctl, fd, 0x4004667a, &type) == 0);
	print("type %d\n", type);
	struct termios t;
	print("no terminal: %ld\n", SYS(ioctl, fd, 0x402c7413, &t));
	print("no such request: %ld\n", SYS(ioctl, fd, 0xc0186a07, value));
	SYS(close, fd);
	print("not open: %ld\n", SYS(ioctl, fd, 0xc0186a07, value));
	int pipe[2], waiting = 0;
	CHECK(SYS(pipe2, pipe, 0) == 0 && SYS(write, pipe[1], "abc", 3) == 3);
	CHECK(SYS(ioctl, pipe[0], 0x4004667f, &waiting) == 0);
	print("waiting: %d\n", waiting);
	int on = 1;
	CHECK(SYS(ioctl, pipe[0], 0x8004667e, &on) == 0 && (SYS(fcntl, pipe[0], 3, 0) & 4));
	CHECK(SYS(ioctl, pipe[0], 0x20006601) == 0);
	print("close-on-exec %ld\n", SYS(fcntl, pipe[0], 1, 0));
	SYS(close, pipe[0]);
	SYS(close, pipe[1]);
}

static void interfaces(void)
{
	long fd = SYS(socket, 2, 2, 0);
	struct { char name[16]; unsigned short flags; char rest[14]; } lo = {"lo", 0, {0}};
	CHECK(SYS(ioctl, fd, 0xc0206911, &lo) == 0);
	print("loopback %d\n", (lo.flags & 8) != 0);
	int mtu;
	CHECK(SYS(ioctl, fd, 0xc0206933, &lo) == 0);
	memcpy(&mtu, &lo.flags, sizeof mtu);
	CHECK(mtu >= 1500);
	lo.name[0] = 'x';
	print("no such interface: %ld\n", SYS(ioctl, fd, 0xc0206933, &lo));
	struct { int len; char *buf; } conf = {sizeof value, value};
	CHECK(SYS(ioctl, fd, sizeof(long) == 8 ? 0xc0106924 : 0xc0086924, &conf) == 0 && conf.len % 32 == 0);
	SYS(close, fd);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	nodes();
	process();
	terminal();
	files();
	interfaces();
	return 0;
}
