/* What the utilities of the base system read: sockets and files of all processes, System V objects, routes and interfaces. The
 * process finds its own there. Layouts are those of FreeBSD 12 to 15. */
#include "check.h"

enum { AF_UNIX = 1, AF_INET = 2, AF_ROUTE = 17, AF_LINK = 18, STREAM = 1, DGRAM = 2, RAW = 3, SEQPACKET = 5 };
enum { EPROTOTYPE = 41, EPROTONOSUPPORT = 43, SHM_ANON = 1, RDWR = 2, CREAT = 0x200, PRIVATE = 0, IPC_CREAT = 01000, RMID = 0 };
struct in { u8 len, family; u8 port[2]; u8 address[4], zero[8]; };
struct un { u8 len, family; char path[104]; };

static u8 table[1 << 24] __attribute__((aligned(8)));
static size_t length;

static u64 number(const u8 *at, int size)
{
	u64 value = 0;
	switch (size) {
	case 2: return *(const u16 *)at;
	case 4: return *(const u32 *)at;
	default: memcpy(&value, at, 8); return value;
	}
}
#define U16(at) number(at, 2)
#define U32(at) number(at, 4)
#define U64(at) number(at, 8)

static long ask(const char *name)
{
	length = sizeof table;
	return SYS(__sysctlbyname, name, strlen(name), table, &length, 0, 0);
}

/* What is asked for its size only may be longer by then, so there is room. */
static void read_table(const char *name)
{
	size_t size = 0;
	SAME(SYS(__sysctlbyname, name, strlen(name), 0, &size, 0, 0), 0);
	SAME(ask(name), 0);
	CHECK(length <= size);
}

static int bound(int type, struct in *in)
{
	u32 len = sizeof *in;
	*in = (struct in){16, AF_INET, {0}, {127, 0, 0, 1}, {0}};
	int fd = SYS(socket, AF_INET, type, 0);
	CHECK(fd > 2 && SYS(bind, fd, in, sizeof *in) == 0 && SYS(getsockname, fd, in, &len) == 0 && len == 16);
	return fd;
}

/* Offsets in struct xsocket, and where it is in what is around it. */
enum { SO = 8, PROTOCOL = 96, FAMILY = 100, QLEN = 104, QLIMIT = 112, TYPE = 156, OPTIONS = 158, RCV_CC = 168 };
enum { XINPCB = 400, XTCPCB = 744, XINPGEN = 64, XUNPGEN = 32, XUNPCB = 904 };

/* The control block of the address with this local and foreign port, in a list of records of that size that begin at `from`. */
static const u8 *internet(size_t size, size_t from, const u8 *local, const u8 *foreign)
{
	static const u8 none[2];
	CHECK(length >= 2 * XINPGEN && (length - 2 * XINPGEN) % size == 0);
	CHECK(U64(table) == XINPGEN && memcmp(table, table + length - XINPGEN, XINPGEN) == 0);
	CHECK(U32(table + 8) == (length - 2 * XINPGEN) / size);
	for (u8 *at = table + XINPGEN; at < table + length - XINPGEN; at += size) {
		const u8 *inp = at + from, *ports = inp + 8 + 240 + 4;
		CHECK(U64(at) == size && U64(inp) == XINPCB && U64(inp + 8) == 240);
		if (memcmp(ports + 2, local, 2) == 0 && memcmp(ports, foreign ? foreign : none, 2) == 0)
			return at;
	}
	return 0;
}

/* The descriptor of this process that is the socket of that identity, if `kern.file` has it. */
static void check_file(int fd, u64 identity)
{
	enum { XFILE = 128, SOCKET = 2 };
	long me = SYS(getpid);
	read_table("kern.file");
	CHECK(length % XFILE == 0);
	for (u8 *at = table; at < table + length; at += XFILE) {
		CHECK(U64(at) == XFILE);
		if (U32(at + 8) == (u32)me && U32(at + 16) == (u32)fd) {
			CHECK(U16(at + 32) == SOCKET && U64(at + 56) == identity && (U32(at + 72) & 3) == 3);
			return;
		}
	}
	CHECK(!"this process has the descriptor");
}

static void internet_sockets(void)
{
	enum { LISTEN = 1, ESTABLISHED = 4, T_STATE = 568, VFLAG = 392, INP_IPV4 = 1, ACCEPTCONN = 2 };
	struct in server, client, datagrams;
	u32 len = sizeof client;
	int listener = bound(STREAM, &server), udp = bound(DGRAM, &datagrams);
	SAME(SYS(listen, listener, 5), 0);
	int a = SYS(socket, AF_INET, STREAM, 0);
	SAME(SYS(connect, a, &server, sizeof server), 0);
	SAME(SYS(getsockname, a, &client, &len), 0);

	read_table("net.inet.tcp.pcblist");
	const u8 *found = internet(XTCPCB, 8, server.port, 0), *so = found + 16;
	CHECK(found && U32(found + T_STATE) == LISTEN && found[8 + VFLAG] == INP_IPV4);
	CHECK(U32(so + QLEN) == 1 && U32(so + QLIMIT) == 5 && (U16(so + OPTIONS) & ACCEPTCONN));
	CHECK(U32(so + FAMILY) == AF_INET && U16(so + TYPE) == STREAM && U32(so + PROTOCOL) == 6);
	u64 identity = U64(so + SO);
	found = internet(XTCPCB, 8, client.port, server.port);
	CHECK(found && U32(found + T_STATE) == ESTABLISHED && U64(found + 16 + SO) != identity);
	/* Its addresses, in the last words. */
	CHECK(memcmp(found + 8 + 8 + 240 + 8 + 12, server.address, 4) == 0 && memcmp(found + 8 + 8 + 240 + 24 + 12, client.address, 4) == 0);
	check_file(listener, identity);

	SAME(SYS(sendto, udp, "12345", 5, 0, &datagrams, sizeof datagrams), 5);
	read_table("net.inet.udp.pcblist");
	found = internet(XINPCB, 0, datagrams.port, 0);
	CHECK(found && U32(found + 8 + PROTOCOL) == 17 && U16(found + 8 + TYPE) == DGRAM && found[VFLAG] == INP_IPV4);
	CHECK(U32(found + 8 + RCV_CC) >= 5);
	check_file(udp, U64(found + 8 + SO));
	read_table("net.inet.raw.pcblist");
	internet(XINPCB, 0, server.port, server.port);
	for (int fd = listener; fd <= a; fd++)
		SYS(close, fd);
	read_table("net.inet.tcp.pcblist");
	CHECK(!internet(XTCPCB, 8, server.port, 0));
	print("sockets of TCP and UDP are found\n");
}

/* The control block of a socket of AF_UNIX: that of the name, or connected with the one of this identity. */
static const u8 *local(const char *name, u64 peer)
{
	CHECK(length >= 2 * XUNPGEN && (length - 2 * XUNPGEN) % XUNPCB == 0);
	CHECK(U64(table) == XUNPGEN && U64(table + length - XUNPGEN) == XUNPGEN);
	for (u8 *at = table + XUNPGEN; at < table + length - XUNPGEN; at += XUNPCB) {
		CHECK(U64(at) == XUNPCB);
		if (name ? strcmp((char *)at + 152 + 2, name) == 0 && at[153] == AF_UNIX : U64(at + 24) == peer)
			return at;
	}
	return 0;
}

static void local_sockets(void)
{
	enum { UNPP = 8, CONN = 24, XU_SOCKET = 664 };
	struct un un = {.len = sizeof un, .family = AF_UNIX, .path = "tables.sock"};
	int listener = SYS(socket, AF_UNIX, STREAM, 0), a = SYS(socket, AF_UNIX, STREAM, 0), pair[2];
	SAME(SYS(bind, listener, &un, sizeof un), 0);
	SAME(SYS(listen, listener, 3), 0);
	SAME(SYS(connect, a, &un, sizeof un), 0);
	int b = SYS(accept, listener, 0, 0);
	CHECK(b > 2);
	read_table("net.local.stream.pcblist");
	const u8 *found = local("tables.sock", 0);
	CHECK(found && U16(found + XU_SOCKET + TYPE) == STREAM && U32(found + XU_SOCKET + FAMILY) == AF_UNIX);
	SAME(SYS(socketpair, AF_UNIX, SEQPACKET, 0, pair), 0);
	read_table("net.local.seqpacket.pcblist");
	int pairs = 0;
	for (u8 *at = table + XUNPGEN; at < table + length - XUNPGEN; at += XUNPCB) {
		const u8 *other = local(0, U64(at + UNPP));
		pairs += other && U64(other + UNPP) == U64(at + CONN);
	}
	CHECK(pairs >= 2);
	read_table("net.local.dgram.pcblist");
	SAME(SYS(unlink, "tables.sock"), 0);
	SAME(ask("net.inet.sctp.assoclist"), -ENOENT);
	SAME(ask("net.local.rdm.pcblist"), -ENOENT);
	print("those of AF_UNIX, too\n");
}

static u64 setting(const char *name)
{
	SAME(ask(name), 0);
	return length == 4 ? U32(table) : sizeof(long) == 4 ? U32(table) : U64(table);
}

static long seq_of(u64 id) { return (id >> 16) & 0xffff; }

static void objects(void)
{
	enum { WORD = sizeof(long), SHM_ALLOCATED = 0x800, SEM_ALLOC = 01000, MODE = 16, SEQ = 18 };
	long shm = SYS(shmget, PRIVATE, 12345, IPC_CREAT | 0640), sem = SYS(semget, PRIVATE, 3, IPC_CREAT | 0600);
	long queue = SYS(msgget, PRIVATE, IPC_CREAT | 0604);
	CHECK(shm >= 0 && sem >= 0 && queue >= 0);
	u64 places = setting("kern.ipc.shmmni");
	read_table("kern.ipc.shmsegs");
	CHECK(length % places == 0);
	u8 *at = table + (shm & 0xffff) * (length / places);
	SAME(U16(at + MODE), 0640 | SHM_ALLOCATED);
	SAME(U16(at + SEQ), seq_of(shm));
	/* The size, behind the permissions. */
	const u8 *size = at + (WORD == 4 ? 24 : 32);
	CHECK((WORD == 4 ? U32(size) : U64(size)) == 12345);
	places = setting("kern.ipc.semmni");
	read_table("kern.ipc.sema");
	CHECK(length % places == 0);
	at = table + (sem & 0xffff) * (length / places);
	SAME(U16(at + MODE), 0600 | SEM_ALLOC);
	SAME(U16(at + SEQ), seq_of(sem));
	SAME(U16(at + (WORD == 4 ? 28 : 40)), 3);
	places = setting("kern.ipc.msgmni");
	read_table("kern.ipc.msqids");
	CHECK(length % places == 0);
	at = table + (queue & 0xffff) * (length / places);
	SAME(U16(at + MODE), 0604);
	SAME(U16(at + SEQ), seq_of(queue));
	SAME(SYS(shmctl, shm, RMID, 0), 0);
	SAME(SYS(msgctl, queue, RMID, 0), 0);
	SAME(SYS(__semctl, sem, 0, RMID, 0), 0);
	read_table("kern.ipc.shmsegs");
	places = setting("kern.ipc.shmmni");

	char name[32] = "/tables-";
	long me = SYS(getpid), n = strlen(name);
	for (long rest = me; rest; rest /= 10)
		name[n++] = '0' + rest % 10;
	long fd = SYS(shm_open2, name, RDWR | CREAT, 0600, 0, 0);
	CHECK(fd > 2);
	read_table("kern.ipc.posix_shm_list");
	int listed = 0;
	for (u8 *kif = table; kif < table + length; kif += U32(kif)) {
		CHECK(U32(kif) > 368 && U32(kif + 4) == 8);
		listed += strcmp((char *)kif + 368, name) == 0;
	}
	SAME(listed, 1);
	SAME(SYS(shm_unlink, name), 0);
	print("objects of System V and POSIX are listed\n");
}

/* struct rt_msghdr: how long it is, and where parts of it are. */
enum { HEADER = sizeof(long) == 4 ? 92 : 152, TYPE_ = 3, FLAGS = 8, ADDRS = 12, PID = 16, SEQ = 20, ERRNO = 24 };
enum { RTM_GET = 4, RTM_ADD = 1, DST = 1, GATEWAY = 2, NETMASK = 4, IFP = 0x10, IFA = 0x20 };

static long message(u8 *m, int type, int seq, u32 addresses, const struct in *a, const struct in *b)
{
	memset(m, 0, 256);
	long len = HEADER;
	memcpy(m + len, a, 16), len += 16;
	if (b)
		memcpy(m + len, b, 16), len += 16;
	*(u16 *)m = len;
	m[2] = 5, m[TYPE_] = type;
	*(u32 *)(m + ADDRS) = addresses, *(s32 *)(m + SEQ) = seq;
	return len;
}

/* The answer to the message of this number; what else is told meanwhile is passed over. */
static long answer(int fd, u8 *m, int seq)
{
	for (;;) {
		long len = SYS(read, fd, m, 512);
		CHECK(len >= 16 && U16(m) == (u64)len);
		if (len >= HEADER && m[TYPE_] <= RTM_GET && (int)U32(m + SEQ) == seq)
			return len;
	}
}

static void routing_socket(void)
{
	u8 m[512] __attribute__((aligned(8)));
	struct in to = {16, AF_INET, {0}, {127, 0, 0, 1}, {0}}, mask = {16, AF_INET, {0}, {255, 255, 255, 128}, {0}};
	SAME(SYS(socket, AF_ROUTE, STREAM, 0), -EPROTOTYPE);
	int fd = SYS(socket, AF_ROUTE, RAW, 0), copy = SYS(dup, fd);
	long len = message(m, RTM_GET, 77, DST | IFP | IFA, &to, 0);
	*(u32 *)(m + ADDRS) = DST;
	SAME(SYS(write, fd, m, len), len);
	len = answer(copy, m, 77);
	CHECK(m[TYPE_] == RTM_GET && U32(m + PID) == (u32)SYS(getpid) && U32(m + ERRNO) == 0);
	CHECK((U32(m + ADDRS) & (DST | GATEWAY)) == (DST | GATEWAY) && (U32(m + FLAGS) & 0x45) == 0x45);
	CHECK(m[HEADER] == 16 && m[HEADER + 1] == AF_INET && memcmp(m + HEADER + 4, to.address, 4) == 0);
	CHECK(m[HEADER + 16 + 1] == AF_LINK && U16(m + HEADER + 16 + 2) == U16(m + 4) && U16(m + 4) > 0);
	/* A network that nobody has a route to. */
	to = (struct in){16, AF_INET, {0}, {203, 0, 113, 0}, {0}};
	len = message(m, RTM_GET, 78, DST | NETMASK, &to, &mask);
	SAME(SYS(write, copy, m, len), -ESRCH);
	answer(fd, m, 78);
	SAME(U32(m + ERRNO), ESRCH);
	/* What is no message. */
	len = message(m, RTM_GET, 79, DST, &to, 0);
	SAME(SYS(write, fd, m, len - 1), -EINVAL);
	SAME(SYS(write, fd, m, 8), -EINVAL);
	SAME(SYS(write, fd, (void *)8, len), -EFAULT);
	m[2] = 4;
	SAME(SYS(write, fd, m, len), -EPROTONOSUPPORT);
	len = message(m, RTM_GET, 80, 0, &to, 0) - 16;
	*(u16 *)m = len;
	SAME(SYS(write, fd, m, len), -EINVAL);
	struct { void *base; size_t len; } parts = {m, len};
	SAME(SYS(writev, fd, &parts, 1), -EOPNOTSUPP);
	SAME(SYS(close, fd), 0);
	SAME(SYS(write, fd, m, len), -EBADF);
	to = (struct in){16, AF_INET, {0}, {127, 0, 0, 1}, {0}};
	len = message(m, RTM_GET, 81, DST, &to, 0);
	SAME(SYS(write, copy, m, len), len);
	answer(copy, m, 81);
	print("a routing socket answers\n");
}

static void interfaces(void)
{
	enum { DUMP = 1, FLAGS_ = 2, IFLISTL = 5, NEWADDR = 0xc, LLINFO = 0x400 };
	static int mib[7] = {4, AF_ROUTE, 0, AF_INET, IFLISTL, 0, 0};
	static const u8 own[4] = {127, 0, 0, 1};
	int found = 0;
	length = sizeof table;
	SAME(SYS(__sysctl, mib, 6, table, &length, 0, 0), 0);
	for (u8 *at = table; at < table + length; at += U16(at)) {
		/* The mask, then the address: the interface is that of the message before. */
		if (at[3] != NEWADDR)
			continue;
		SAME(U32(at + 4) & ~0x80, NETMASK | IFA);
		u8 *mask = at + U16(at + 16);
		CHECK(mask[0] == 16 && mask[1] == AF_INET && mask[16] == 16 && mask[17] == AF_INET);
		found += memcmp(mask + 20, own, 4) == 0;
	}
	SAME(found, 1);
	mib[4] = DUMP;
	length = sizeof table, found = 0;
	SAME(SYS(__sysctl, mib, 7, table, &length, 0, 0), 0);
	for (u8 *at = table; at < table + length; at += U16(at)) {
		CHECK(U16(at) >= HEADER + 16 && at[3] == RTM_GET && (U32(at + 12) & DST) && (U32(at + FLAGS) & 1));
		found += memcmp(at + HEADER + 4, own, 4) == 0 && !(U32(at + 12) & NETMASK);
	}
	SAME(found, 1);
	mib[4] = FLAGS_, mib[5] = LLINFO;
	length = sizeof table;
	SAME(SYS(__sysctl, mib, 6, table, &length, 0, 0), 0);
	print("routes and addresses are listed\n");
}

static void machine(void)
{
	int mib[24], n;
	size_t len = sizeof mib;
	SAME(SYS(__sysctl, ((int[]){0, 3}), 2, mib, &len, "vm.swap_info", 12), 0);
	n = len / 4;
	mib[n] = 9999;
	length = sizeof table;
	SAME(SYS(__sysctl, mib, n + 1, table, &length, 0, 0), -ENOENT);
	read_table("kern.ttys");
	SAME(length % (sizeof(long) == 4 ? 52 : 88), 0);
	u64 disks = setting("kern.devstat.numdevs");
	read_table("kern.devstat.all");
	SAME(length, sizeof(long) + disks * (sizeof(long) == 4 ? 280 : 288));
	u64 zones = setting("vm.zone_count");
	read_table("vm.zone_stats");
	SAME(length, 16 + 120 * zones);
	print("disks, terminals and zones are counted\n");
}

static void others(void)
{
	enum { KERN = 1, PROC = 14, KSTACK = 15, OSREL = 40, ENXIO = 6, EADDRNOTAVAIL = 49 };
	int mine, its = 0, status, ready[2], mib[4] = {KERN, PROC, OSREL, SYS(getpid)};
	size_t len = sizeof mine;
	char byte;
	SAME(SYS(__sysctl, mib, 4, &mine, &len, 0, 0), 0);
	SAME(SYS(pipe2, ready, 0), 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		SYS(close, ready[1]);
		SYS(read, ready[0], &byte, 1);
		quit(0);
	}
	mib[3] = child, len = sizeof its;
	SAME(SYS(__sysctl, mib, 4, &its, &len, 0, 0), 0);
	SAME(its, mine);
	mib[2] = KSTACK;
	length = sizeof table;
	SAME(SYS(__sysctl, mib, 4, table, &length, 0, 0), 0);
	SAME(length, 4 + 4 + 1024 + 64);
	SAME(U32(table), child);
	SYS(close, ready[1]);
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SYS(close, ready[0]);
	SAME(SYS(__sysctl, mib, 4, table, &length, 0, 0), -ESRCH);

	/* struct in6_ndireq and struct in6_ifreq: no such interface, no such address. */
	u8 request[288] = "no such one";
	int fd = SYS(socket, 28, DGRAM, 0);
	CHECK(fd > 2);
	SAME(SYS(ioctl, fd, 0xc048696cul, request), -ENXIO);
	request[16] = 28, request[17] = 28, request[24] = 0x20, request[25] = 1, request[26] = 0xd, request[27] = 0xb8;
	SAME(SYS(ioctl, fd, 0xc1206949ul, request), -EADDRNOTAVAIL);
	SYS(close, fd);
	print("other processes and interfaces answer\n");
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	internet_sockets();
	local_sockets();
	objects();
	routing_socket();
	interfaces();
	machine();
	others();
	return 0;
}
