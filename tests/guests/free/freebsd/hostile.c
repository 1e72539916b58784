/*
 * Hostile arguments: every number of a system call, every sysctl, every request of ioctl and every operation of umtx, with null,
 * wild, unaligned and forbidden pointers, pointers to the last bytes of a mapping, huge lengths and the edges of 64 bits.
 *
 *     hostile                   what must be EFAULT, and one round of the rest
 *     hostile SEED ROUNDS       so many rounds of random calls
 *     hostile SEED ROUNDS NR    of one number only
 *
 * Each number is tried in a child, which then does a few things that must still work. A child may end by what it was told to do to
 * itself, but not by SIGABRT, nor by a fault where it gave away neither memory nor registers; it may sleep in calls that sleep only.
 */
#include "check.h"
#include "freebsd-shapes.h"
#include "freebsd-requests.h"

enum { PAGE = 4096, BUFFER = 4 * PAGE, LAST_ERRNO = 97, NOBODY = 65534, CALLS = 6 };
enum { SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGKILL = 9, SIGBUS = 10, SIGSEGV = 11, SIGSYS = 12, SIGALRM = 14 };
enum { O_RDWR = 2, O_CREAT = 0x200, WNOHANG = 1, MAP_PRIVATE = 2, MAP_FIXED = 0x10, MAP_ANON = 0x1000 };
enum { ENXIO = 6, LAST_NUMBER = 620, DESCRIPTORS = 8 };

struct timeval { int64_t sec; long usec; };

static char *buffer;            /* BUFFER bytes, followed by a page of PROT_NONE, one that may only be read, and a hole */
static char *forbidden, *read_only, *hole;
static long descriptors[DESCRIPTORS];
static long wild[24], sizes[24];
static int wilds, kinds_of_size;
static u64 state;
static int dropped, failures;
static long mine;

static u64 any(void) { return next_random(&state); }
static u32 below(u32 n) { return (u32)(any() >> 24) % n; }
static long one_of(const long *of, int n) { return of[below(n)]; }

/* The calls that may sleep for ever. */
static const short sleepers[] = {
	3, 4, 5, 7, 27, 28, 29, 30, 54, 59, 66, 83, 86, 92, 93, 98, 99, 113, 114, 119, 120, 121, 131, 133, 209, 220, 221, 222, 224, 225, 226,
	227, 232, 240, 244, 251, 289, 290, 305, 313, 314, 315, 331, 336, 341, 345, 346, 257, 320, 359, 363, 393, 400, 402, 403, 421, 423, 429, 435, 441, 442,
	443, 447, 454, 457, 459, 460, 461, 462, 471, 472, 474, 475, 476, 499, 518, 522, 532, 541, 543, 545, 552, 560, 569, 0, 198, 111, 110
};
/* Those after which nothing wakes it but SIGKILL: they change the mask, or what signals do. */
static const short masked[] = {48, 53, 111, 109, 110, 340, 341, 344, 345, 346, 416, 417, 421, 422, 423, 429, 522, 545, 46, 103, 139, 251, 416, 282, 343};
/* Those that give away memory or registers. */
static const short suicides[] = {0, 1, 17, 71, 73, 74, 75, 103, 69, 70, 66, 59, 139, 165, 197, 198, 228, 230, 251, 250, 417, 421, 422, 423, 430, 431, 455, 477, 492, 518, 53, 342, 344, 416, 565, 573};
/* Those that send signals, or set timers that do. */
static const short senders[] = {0, 198, 37, 146, 433, 456, 463, 481, 519, 83, 235, 237, 247, 54, 92, 457, 461, 26, 195, 544, 256, 255, 318, 319, 320, 465, 543, 257, 569, 578, 579, 145, 587, 518};
/* Those that reach beyond the process of a user who is not nobody. */
static const short far[] = {37, 96, 146, 481, 485, 488, 327, 329, 166, 544, 122, 165, 232, 233, 61, 26};

#define IN(list, nr) is_in(list, COUNT(list), nr)
static int is_in(const short *list, size_t n, long nr)
{
	while (n--)
		if (list[n] == nr)
			return 1;
	return 0;
}

static void prepare(void)
{
	char *at = (char *)mmap(0, BUFFER + 8 * PAGE, 0, MAP_PRIVATE | MAP_ANON, -1, 0);
	buffer = at + PAGE;
	forbidden = buffer + BUFFER;
	read_only = forbidden + PAGE;
	hole = read_only + PAGE;
	CHECK(mmap(buffer, BUFFER, 3, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == (long)buffer);
	CHECK(mmap(read_only, PAGE, 1, MAP_PRIVATE | MAP_ANON | MAP_FIXED, -1, 0) == (long)read_only);
	SAME(SYS(munmap, hole, PAGE), 0);

	long pointers[] = {
		0, 1, -1, -8, -PAGE, (long)forbidden, (long)forbidden - 1, (long)forbidden - 4, (long)forbidden - 7, (long)forbidden - 8,
		(long)forbidden - 16, (long)forbidden - 40, (long)read_only, (long)read_only + 3, (long)hole, (long)hole - 4,
		(long)((unsigned long)-1 >> 1), (long)(~((unsigned long)-1 >> 1)), (long)0x7fffffffeff8ull, (long)0xffffffffffff8ull,
		(long)0x1000000000000ull, (long)0xfffffffffff8ull,
	};
	for (size_t i = 0; i < COUNT(pointers); i++)
		wild[wilds++] = pointers[i];
	long lengths[] = {
		0, 1, 2, 4, 8, 16, 40, 104, 1024, PAGE, BUFFER, BUFFER + 1, 0x100000, 0x7fffffff, (long)0x80000000u, (long)0xffffffffu, -1, -8, -PAGE,
		(long)((unsigned long)-1 >> 1), (long)(~((unsigned long)-1 >> 1)), (long)0x100000000ull, (long)0x4000000000000000ull, 65,
	};
	for (size_t i = 0; i < COUNT(lengths); i++)
		sizes[kinds_of_size++] = lengths[i];

	int pair[2];
	SAME(SYS(pipe2, pair, 0), 0);
	descriptors[0] = pair[0], descriptors[1] = pair[1];
	descriptors[2] = SYS(open, "some-file", O_RDWR | O_CREAT, 0666);
	SAME(SYS(write, descriptors[2], buffer, BUFFER), BUFFER);
	SAME(lseek(descriptors[2], 0, 0), 0);
	SAME(SYS(socketpair, 1, 1, 0, pair), 0);
	descriptors[3] = pair[0];
	descriptors[4] = SYS(kqueue);
	descriptors[5] = SYS(socket, 2, 1, 0);
	descriptors[6] = SYS(posix_openpt, O_RDWR);
	descriptors[7] = SYS(open, ".", 0);
	for (int i = 0; i < 8; i++)
		CHECK(descriptors[i] >= 0);
}

static long pointer(void)
{
	switch (below(6)) {
	case 0: case 1: return wild[below(wilds)];
	case 2: return (long)buffer + below(9);
	default: return (long)buffer + below(4) * PAGE + below(2) * 8 * (below(64));
	}
}

static long argument(char kind)
{
	static const long small[] = {-1, -2, -100, 0x7fffffff, (long)0x80000000u, 64, 127, 128, 129, 1000, 0xffff, 0x10000};
	static char *const paths[] = {"", "some-file", "x", "/nonexistent/x", "x/../x", ".", "..", "some-file/x"};
	long of[8];
	switch (below(16) ? kind : "dpcino"[below(6)]) {
	case 'd': return below(5) ? descriptors[below(DESCRIPTORS)] : one_of(small, COUNT(small));
	case 'p': return pointer();
	case 'c': return below(3) ? pointer() : (long)paths[below(COUNT(paths))];
	case 'w':
		of[0] = 0, of[1] = mine, of[2] = 99999999, of[3] = 0x7fffffff, of[4] = (long)0x80000000u;
		return one_of(of, dropped ? 5 : 2);
	case 'n': case 'o': return below(4) ? one_of(sizes, kinds_of_size) : (long)any();
	case 'x':
		if (below(3))
			return requests[below(COUNT(requests))];
		return (u32)((below(8)) << 29 | (below(4) ? below(64) * 4 : below(0x2000)) << 16 | "tfisdP"[below(6)] << 8 | below(256));
	case 'u': return below(32) | (below(4) ? 0 : below(4) << 30);
	case 'm': return below(4) ? (long)buffer + 3 * PAGE : pointer();
	default: return below(3) ? (long)(below(34)) : below(2) ? one_of(small, COUNT(small)) : (long)(any() >> below(64));
	}
}

/* Zeros, ones, noise, and words that are pointers and small numbers by turns. */
static void fill(void)
{
	memset(buffer, 0, PAGE);
	memset(buffer + PAGE, 0xff, PAGE);
	for (int i = 0; i < PAGE; i += 8)
		*(u64 *)(buffer + 2 * PAGE + i) = any() & ~(u64)0x2f2f2f2f; /* no path from the root */
	for (size_t i = 0; i < PAGE; i += sizeof(long))
		*(long *)(buffer + 3 * PAGE + i) = below(2) ? pointer() : below(2) ? (long)(below(12)) : one_of(sizes, kinds_of_size);
}

/* What a process still can do. */
static void still_well(void)
{
	struct timespec t;
	long me;
	if (SYS(thr_self, &me) != 0 || me == 0 || SYS(clock_gettime, 4, &t) != 0 || SYS(getpid) != mine)
		SYS(exit_group, 3);
	char *page = (char *)mmap(0, PAGE, 3, MAP_PRIVATE | MAP_ANON, -1, 0);
	if ((unsigned long)page < (unsigned long)-LAST_ERRNO) {
		page[5] = 1;
		SYS(munmap, page, PAGE);
	}
}

static void tell(const char *what, long nr, u64 seed, long a, long b)
{
	print("%s: call %ld, seed %llu: %ld %ld\n", what, nr, (unsigned long long)seed, a, b);
	flush();
	failures++;
}

static void call_once(long nr, u64 seed)
{
	const char *shape = nr >= 0 && nr < (long)COUNT(shapes) && shapes[nr] ? shapes[nr] : "pnpnpn";
	long a[9] = {0};
	int n = 0;
	for (; *shape && n < 7; shape++) {
		long value = argument(*shape);
		if (*shape == 'o' && sizeof(long) == 4) {
			n += n & 1;
			a[n++] = argument('n');
		}
		a[n++] = value;
	}
	for (; n < 7; n++)
		a[n] = argument("dpn"[below(3)]);
	if ((nr == 0 || nr == 198) && (a[0] = below(600), !dropped || is_in(far, COUNT(far), a[0])))
		a[0] = 599;
	long r = nr >= 0 && below(4) == 0 ? syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5], a[6]) : sys(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
	if (SYS(getpid) != mine)
		SYS(exit_group, 0);
	/* F_GETOWN answers groups, which are negative; 0 and 198 whatever they were told to. */
	if (r < -LAST_ERRNO && r > -4096 && nr != 92 && nr != 0 && nr != 198)
		tell("no error of FreeBSD", nr, seed, r, a[0]);
}

/* A child that does one thing, and what became of it. */
static void in_child(long nr, u64 seed, void (*action)(long, u64), int times, int sleeps)
{
	flush();
	long child = SYS(fork);
	CHECK(child >= 0);
	if (child == 0) {
		struct { struct timeval interval, value; } alarm = {{0, 0}, {sleeps ? 0 : 60, sleeps ? 100000 : 0}};
		SYS(setsid);
		mine = SYS(getpid);
		state = seed;
		fill();
		SYS(setitimer, 0, &alarm, 0);
		int before = failures;
		for (int i = 0; i < times; i++)
			action(nr, seed);
		still_well();
		SYS(exit_group, failures != before);
	}
	/* It may have stopped itself, or be asleep with all signals masked. */
	int status, asleep = IN(masked, nr) || IN(senders, nr), patience = asleep ? 3000 : 120000;
	struct timespec shortly = {0, 200000};
	for (long waited = 0; SYS(wait4, child, &status, WNOHANG, 0) == 0; waited++) {
		if (waited == patience) {
			SYS(kill, child, SIGKILL);
			if (!asleep)
				tell("stuck", nr, seed, child, 0);
		}
		if (waited > patience + 120000) {
			tell("not to be killed", nr, seed, child, 0);
			return;
		}
		SYS(nanosleep, &shortly, 0);
		if (waited > 50)
			shortly.nsec = 1000000;
	}
	int signal = status & 0x7f, code = status >> 8 & 0xff;
	if (signal == 0 && nr != 1 && nr != 0 && nr != 198 && nr != 431 && code > 0)
		tell(code == 3 ? "not well after" : "exit", nr, seed, code, 0);
	if (signal == 0 || IN(senders, nr))
		return;
	if (signal == SIGALRM ? !sleeps : signal == SIGABRT ? 1 : signal == SIGSEGV || signal == SIGBUS || signal == SIGILL || signal == SIGTRAP ? !IN(suicides, nr) : 0)
		tell("killed", nr, seed, signal, 0);
}

static void numbers(u64 seed, long rounds, long only)
{
	for (long round = 0; round < rounds; round++)
		for (long i = -4; i <= LAST_NUMBER; i++) {
			static const long odd[] = {-1, 0x7fffffff, (long)0x80000000u, 0x10003};
			long nr = i < 0 ? odd[i + 4] : i;
			if ((only >= 0 && nr != only) || (!dropped && IN(far, nr)))
				continue;
			in_child(nr, seed + round * 1000003 + i * 7919 + 1, call_once, CALLS, i < 0 || i >= 583 || IN(sleepers, nr) || IN(masked, nr));
		}
}

/* Every node of the tree of sysctls that the walk finds. */
static int node[24], node_length;

static void ask_node(long nr, u64 seed)
{
	int name[24];
	memcpy(name, node, sizeof(name));
	long length = below(2) ? pointer() : (long)buffer + 8, old = below(4) ? pointer() : 0, new = below(4) ? 0 : pointer();
	*(long *)(buffer + 8) = one_of(sizes, kinds_of_size);
	if (below(3) == 0)
		name[node_length++] = argument('i'), node_length = node_length > 23 ? 23 : node_length;
	long r = SYS(__sysctl, name, node_length, old, below(5) ? length : 0, new, one_of(sizes, kinds_of_size));
	if (r < -LAST_ERRNO)
		tell("no error of FreeBSD", nr, seed, r, name[1]);
}

static int walk(u64 seed, int times)
{
	int start[26] = {0, 2, 1}, length = 1, count = 0;
	for (;;) {
		int next[24];
		long size = sizeof(next);
		long r = SYS(__sysctl, start, 2 + length, next, &size, 0, 0);
		if (r == -ENOENT)
			return count;
		SAME(r, 0);
		length = size / sizeof(int);
		memcpy(start + 2, next, size);
		memcpy(node, next, size);
		node_length = length;
		in_child(202, seed + count, ask_node, times, 0);
		count++;
	}
}

static void request_once(long nr, u64 seed)
{
	long r = SYS(ioctl, descriptors[below(DESCRIPTORS)], (u32)nr, pointer());
	if (r < -LAST_ERRNO)
		tell("no error of FreeBSD", nr, seed, r, 0);
}

/* What must be EFAULT whatever else: @ is the pointer that is wild, B a good one, F a file, P a pipe's end, S a socket, K a kqueue. */
static const struct { const char *name, *arguments; short nr; long with[6]; } faults[] = {
	{"read", "F@n", 3, {0, 0, 16}}, {"write", "W@n", 4, {0, 0, 16}}, {"open", "@ii", 5, {0}}, {"link", "@c", 9, {0}},
	{"link 2", "c@", 9, {0}}, {"unlink", "@", 10, {0}}, {"chdir", "@", 12, {0}}, {"chmod", "@i", 15, {0}}, {"access", "@i", 33, {0}},
	{"sigaltstack", "@B", 53, {0}}, {"sigaltstack 2", "i@", 53, {0}}, {"symlink", "@c", 57, {0}}, {"readlink", "@Bn", 58, {0, 0, 9}},
	{"execve", "@BB", 59, {0}}, {"rename", "@c", 128, {0}}, {"mkfifo", "@i", 132, {0}}, {"mkdir", "@i", 136, {0}}, {"rmdir", "@", 137, {0}},
	{"setitimer", "i@i", 83, {0}}, {"getitimer", "i@", 86, {0}}, {"gettimeofday", "@i", 116, {0}}, {"getrusage", "i@", 117, {0}},
	{"readv", "F@n", 120, {0, 0, 2}}, {"writev", "F@n", 121, {0, 0, 2}}, {"socketpair", "iii@", 135, {1, 1, 0}},
	{"getrlimit", "i@", 194, {8}}, {"setrlimit", "i@", 195, {8}}, {"__sysctl", "@nBi", 202, {0, 2}},
	{"poll", "@ni", 209, {0, 3, 0}}, {"clock_gettime", "i@", 232, {4}}, {"clock_getres", "i@", 234, {4}}, {"nanosleep", "@i", 240, {0}},
	{"clock_nanosleep", "ii@i", 244, {4, 0}}, {"sigprocmask", "i@i", 340, {1}}, {"sigprocmask 2", "ii@", 340, {1, 0}},
	{"sigpending", "@", 343, {0}}, {"sigwaitinfo", "@i", 346, {0}}, {"sigtimedwait", "@ii", 345, {0}}, {"sigwait", "@B", 429, {0}},
	{"sigaction", "i@i", 416, {30}}, {"sigaction 2", "ii@", 416, {30}}, {"getcontext", "@", 421, {0}}, {"setcontext", "@", 422, {0}},
	{"sigreturn", "@", 417, {0}}, {"kevent changes", "K@ni", 560, {0, 0, 1}}, {"thr_self", "@", 432, {0}}, {"thr_new", "@n", 455, {0, sizeof(long) == 8 ? 104 : 52}},
	{"bind", "S@n", 104, {0, 0, 16}}, {"connect", "S@n", 98, {0, 0, 16}}, {"getsockname", "S@B", 32, {0}}, {"setsockopt", "Sii@n", 105, {0, 0xffff, 4, 0, 4}},
	{"getsockopt", "Sii@B", 118, {0, 0xffff, 4}}, {"sendmsg", "S@i", 28, {0}}, {"recvmsg", "S@i", 27, {0}}, {"statfs", "c@", 555, {0}},
	{"fstatfs", "F@", 556, {0}}, {"fstat", "F@", 551, {0}}, {"fstatat", "dc@i", 552, {-100}}, {"__getcwd", "@n", 326, {0, 1024}},
	{"getdirentries", "D@ni", 554, {0, 0, PAGE}}, {"getrandom", "@ni", 563, {0, 16, 0}}, {"pipe2", "@i", 542, {0}}, {"umtx wait", "@iiii", 454, {0, 11}},
	{"umtx lock", "@iiii", 454, {0, 5}}, {"umtx cv", "@iBii", 454, {0, 8}}, {"umtx rwlock", "@iiii", 454, {0, 12}}, {"umtx sem", "@iiii", 454, {0, 23}},
	{"uuidgen", "@i", 392, {0, 1}}, {"ktimer_create", "ii@", 235, {4, 0}}, {"rtprio_thread", "ii@", 466, {0, 0}},
	{"wait6", "", 0, {0}},
};

static void must_fault(void)
{
	long bad[] = {1, -8, (long)forbidden, (long)hole, (long)((unsigned long)-1 >> 1) - 15, (long)read_only + 2 * PAGE, (long)0x7fffffffeff0ull};
	for (size_t i = 0; i + 1 < COUNT(faults); i++)
		for (size_t j = 0; j < COUNT(bad); j++) {
			long a[7] = {0};
			int n = 0;
			if (j + 1 == COUNT(bad) && sizeof(long) == 4)
				continue;
			for (const char *kind = faults[i].arguments; *kind; kind++, n++)
				switch (*kind) {
				case '@': a[n] = bad[j]; break;
				case 'B': a[n] = (long)buffer; memset(buffer, 0, 256); *(u32 *)buffer = 16; break;
				case 'c': a[n] = (long)"some-file"; break;
				case 'F': a[n] = descriptors[2]; break;
				case 'W': a[n] = descriptors[1]; break;
				case 'S': a[n] = descriptors[3]; break;
				case 'K': a[n] = descriptors[4]; break;
				case 'D': a[n] = descriptors[7]; break;
				default: a[n] = faults[i].with[n];
				}
			long r = sys(faults[i].nr, a[0], a[1], a[2], a[3], a[4], a[5]);
			/* These two return the error as their result. */
			if (r != -EFAULT && !(r == EFAULT && (faults[i].nr == 244 || faults[i].nr == 429))) {
				print("%s with pointer %ld: %ld\n", faults[i].name, (long)j, r);
				failures++;
			}
		}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	u64 seed = argc > 1 ? parse(argv[1]) : 1;
	long rounds = argc > 2 ? parse(argv[2]) : 1, only = argc > 3 ? parse(argv[3]) : -1;
	state = seed + 12345;
	/* Root would set clocks and kill strangers. */
	if (SYS(getuid) == 0)
		SYS(setgroups_before_15, 0, 0), SYS(setgid, NOBODY), SYS(setuid, NOBODY);
	dropped = SYS(getuid) == NOBODY;
	mine = SYS(getpid);
	prepare();
	if (only < 0)
		must_fault();
	numbers(seed, rounds, only);
	if (only < 0) {
		int nodes = walk(seed, 8 * rounds);
		CHECK(nodes > 100);
		for (size_t i = 0; i < COUNT(requests); i++)
			in_child(requests[i], seed + i, request_once, 8 * rounds, 1);
		for (int i = 0; i < 32; i++)
			in_child(454, seed + 77 * i, call_once, CALLS, 1);
	}
	print(failures ? "%d failures\n" : "all is well\n", failures);
	return failures != 0;
}
