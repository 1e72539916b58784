/*
 * kqueue with a crowd: 10,000 descriptors and as many timers in one queue, four threads that take events from it. Tokens go from
 * socket to socket; whoever is told of one sends it on. A wake-up that is lost leaves its token lying, and a timer that is lost is
 * never counted. With an argument: for so many seconds, with a line each minute.
 */
#include "check.h"

struct kevent { unsigned long ident; short filter; unsigned short flags; u32 fflags; s64 data; unsigned long udata; u64 ext[4]; };
struct rlimit { u64 now, most; };
enum { READ = -1, TIMER = -7, ADD = 1, ENABLE = 4, ONESHOT = 0x10, CLEAR = 0x20, DISPATCH = 0x80, NSECONDS = 8, NOFILE = 8, NONBLOCK = 0x20000000 };
enum { PAIRS = 5000, TIMERS = 10000, TOKENS = 200, THREADS = 4, STALL = 30, BATCH = 64 };

static int kq, pairs, end[2 * PAIRS];
static u32 fired[TIMERS], seen[2 * PAIRS], moved[THREADS], ended[THREADS];
static volatile int stop;
static char stacks[THREADS][32768] __attribute__((aligned(16)));

static long change(unsigned long ident, int filter, int flags, u32 fflags, s64 data, unsigned long udata)
{
	struct kevent e = {ident, filter, flags, fflags, data, udata, {0}};
	return SYS(kevent, kq, &e, 1, 0, 0, 0);
}

/* By turns: told of each change, once and then off, once and then gone, as long as there is something. */
static int kind(int n)
{
	static const int kinds[] = {CLEAR, DISPATCH, ONESHOT, 0};
	return kinds[n / 2 % 4];
}

static long period(int n)
{
	return 20000000 + n % 997 * 1000000l / 4;
}

/* Without libgcc. */
static u32 divide(u64 a, u32 b)
{
	u64 rest = 0;
	u32 quotient = 0;
	for (int bit = 63; bit >= 0; bit--) {
		rest = rest << 1 | (a >> bit & 1);
		quotient <<= 1;
		if (rest >= b)
			rest -= b, quotient |= 1;
	}
	return quotient;
}

static void send(u64 *state)
{
	SAME(SYS(write, end[(u32)(next_random(state) >> 20) % (2 * pairs)], "t", 1), 1);
}

static void take(long which)
{
	u64 state = 99 + which;
	while (!stop) {
		struct kevent e[BATCH];
		struct timespec t = {1, 0};
		int n = SYS(kevent, kq, 0, 0, e, BATCH, &t);
		CHECK(n >= 0);
		for (int i = 0; i < n; i++) {
			if (e[i].filter == TIMER) {
				__atomic_add_fetch(&fired[e[i].ident], e[i].data, __ATOMIC_SEQ_CST);
				continue;
			}
			/* Another thread may have been told too, where a condition is told of as long as it holds. */
			char token[16];
			long got = SYS(read, e[i].ident, token, sizeof token);
			CHECK(got > 0 || got == -EAGAIN);
			int flags = kind(e[i].udata);
			if (flags == ONESHOT)
				SAME(change(e[i].ident, READ, ADD | ONESHOT, 0, 0, e[i].udata), 0);
			if (flags == DISPATCH)
				SAME(change(e[i].ident, READ, ENABLE | DISPATCH, 0, 0, e[i].udata), 0);
			__atomic_add_fetch(&seen[e[i].udata], 1, __ATOMIC_SEQ_CST);
			for (; got > 0; got--)
				send(&state);
			__atomic_add_fetch(&moved[which], 1, __ATOMIC_SEQ_CST);
		}
	}
	__atomic_store_n(&ended[which], 1, __ATOMIC_SEQ_CST);
	SYS(thr_exit, 0);
}

static u64 total(const u32 *of, int n)
{
	u64 sum = 0;
	for (int i = 0; i < n; i++)
		sum += __atomic_load_n(&of[i], __ATOMIC_SEQ_CST);
	return sum;
}

static s64 now(void)
{
	struct timespec t;
	SYS(clock_gettime, 4, &t);
	return t.sec * 1000000000ll + t.nsec;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	long seconds = argc > 1 ? parse(argv[1]) : 3;
	struct rlimit files;
	SAME(SYS(getrlimit, NOFILE, &files), 0);
	files.now = files.most;
	SAME(SYS(setrlimit, NOFILE, &files), 0);
	if (files.most < 2 * PAIRS + 100)
		quit(77);
	pairs = PAIRS;
	CHECK((kq = SYS(kqueue)) >= 0);
	for (int i = 0; i < pairs; i++) {
		SAME(SYS(socketpair, 1, 1 | NONBLOCK, 0, end + 2 * i), 0);
		for (int k = 2 * i; k < 2 * i + 2; k++)
			SAME(change(end[k], READ, ADD | kind(k), 0, 0, k), 0);
	}
	s64 start = now();
	for (int i = 0; i < TIMERS; i++)
		SAME(change(i, TIMER, ADD, NSECONDS, period(i), 0), 0);
	s64 all_set = now();
	u64 state = 7;
	for (int i = 0; i < TOKENS; i++)
		send(&state);
	for (long i = 0; i < THREADS; i++) {
		long tid;
		unsigned long p[13] = {(unsigned long)take, i, (unsigned long)stacks[i], sizeof stacks[i], 0, 0, 0, (unsigned long)&tid};
		SAME(SYS(thr_new, p, sizeof p), 0);
	}
	u64 last = 0;
	int idle = 0;
	for (long second = 0; second < seconds; second++) {
		struct timespec t = {1, 0};
		SYS(nanosleep, &t, 0);
		u64 sum = total(moved, THREADS);
		idle = sum == last ? idle + 1 : 0;
		last = sum;
		CHECK(idle < STALL);
		if (second % 60 == 59) {
			print("%ld seconds: %llu tokens sent on, %llu expiries\n", second + 1, (unsigned long long)sum,
				(unsigned long long)total(fired, TIMERS));
			flush();
		}
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		while (!__atomic_load_n(&ended[i], __ATOMIC_SEQ_CST)) {
			struct timespec t = {0, 10000000};
			SYS(nanosleep, &t, 0);
		}
	/* Each token is where it was last sent. What a single thread takes now it does not send on. */
	int left = 0;
	for (int i = 0; i < 2 * pairs; i++) {
		char token[TOKENS];
		long got = SYS(read, end[i], token, sizeof token);
		left += got > 0 ? got : 0;
	}
	SAME(left, TOKENS);
	/* What has fired since it was last told of is told of now; all timers together are as many expiries as there was time for. */
	s64 stopped = now();
	int few = TIMERS;
	while (few && now() - stopped < 20000000000ll) {
		struct kevent e[BATCH];
		struct timespec none = {0, 0};
		int n;
		while ((n = SYS(kevent, kq, 0, 0, e, BATCH, &none)) > 0) {
			for (int i = 0; i < n; i++)
				if (e[i].filter == TIMER)
					fired[e[i].ident] += e[i].data;
			if (now() - stopped > 20000000000ll)
				break;
			if (n < BATCH)
				break;
		}
		few = 0;
		for (int i = 0; i < TIMERS; i++)
			few += fired[i] + 2 < divide(stopped - all_set, period(i));
	}
	s64 drained = now();
	int many = 0;
	for (int i = 0; i < TIMERS; i++)
		many += fired[i] > divide(drained - start, period(i)) + 1;
	print("%d descriptors and %d timers; %d tokens are there; %d timers with too few expiries, %d with too many\n", 2 * pairs, TIMERS, left,
		few, many);
	if (argc > 1)
		print("%llu expiries, %llu tokens sent on\n", (unsigned long long)total(fired, TIMERS), (unsigned long long)total(moved, THREADS));
	return few || many;
}
