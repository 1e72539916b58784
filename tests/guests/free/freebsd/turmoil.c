/*
 * Signals, forks and threads at once: threads that fork children of their own kind, queue signals with values, take a lock, map and
 * unmap, start and end threads, while the handlers of the others run in them. Whatever is counted must come out even. With an
 * argument: for so many seconds, with a line each minute.
 */
#include "check.h"
#include "umtx.h"

enum { THREADS = 12, USR1 = 30, RTMIN = 65, SIGINFO_ = 64, RESTART = 2, SIGKILL = 9, STALL = 60, PAGE = 4096 };
enum { SETMASK = 3 };
struct action { void *handler; int flags; u32 mask[4]; };
struct info { int signo, error, code, pid; u32 uid; int status; void *address; unsigned long value; char rest[40]; };

static struct umutex mutex;
static u32 rounds[THREADS], ended[THREADS], tids[THREADS];
static u32 got_values, sent_values, got_count, sent_count, direct_seen, forks, started, short_ended;
static unsigned long counter, locked;
static volatile int stop;
static long pid;
static char stacks[THREADS][32768] __attribute__((aligned(16))), short_stacks[THREADS][8192] __attribute__((aligned(16)));
static long short_done[THREADS];

static void add(u32 *to, u32 n) { __atomic_add_fetch(to, n, __ATOMIC_SEQ_CST); }

static long self(void)
{
	long me;
	SYS(thr_self, &me);
	return me;
}

static void queued(int signal, struct info *info, void *context)
{
	(void)signal, (void)context;
	add(&got_values, info->value);
	add(&got_count, 1);
}

static void direct(int signal, struct info *info, void *context)
{
	(void)signal, (void)info, (void)context;
	add(&direct_seen, 1);
}

/* The child's only thread: it has its own number, signals itself, forks again and must find its memory as it was. */
static int in_child(u32 mark)
{
	static volatile u32 own;
	own = mark;
	long me = SYS(getpid);
	u32 before = direct_seen;
	if (me == pid || SYS(kill, me, USR1) != 0)
		return 11;
	/* To itself, and it is not masked: seen before the call returns. */
	if (direct_seen == before || own != mark)
		return 12;
	long grandchild = SYS(fork);
	if (grandchild == 0)
		SYS(exit_group, own == mark ? 5 : 6);
	int status = 0;
	long r;
	do
		r = SYS(wait4, grandchild, &status, 0, 0);
	while (r == -EINTR);
	return r == grandchild && status == 5 << 8 ? 7 : 13;
}

static void fork_one(long which)
{
	flush();
	long child = SYS(fork);
	CHECK(child >= 0);
	if (child == 0)
		SYS(exit_group, in_child(which * 1000 + rounds[which]));
	int status = 0;
	long r;
	do
		r = SYS(wait4, child, &status, 0, 0);
	while (r == -EINTR);
	SAME(r, child);
	SAME(status, 7 << 8);
	add(&forks, 1);
}

static void queue_one(u64 *state)
{
	u32 value = (u32)(next_random(state) >> 40);
	long r = SYS(sigqueue, pid, RTMIN + value % 3, value);
	if (r == -EAGAIN)
		return;
	SAME(r, 0);
	add(&sent_values, value);
	add(&sent_count, 1);
}

static void briefly(long which)
{
	add(&short_ended, 1);
	SYS(thr_exit, &short_done[which]);
}

static void start_one(long which)
{
	long tid;
	unsigned long p[13] = {(unsigned long)briefly, which, (unsigned long)short_stacks[which], sizeof short_stacks[which], 0, 0, 0, (unsigned long)&tid};
	short_done[which] = 0;
	SAME(SYS(thr_new, p, sizeof p), 0);
	add(&started, 1);
	while (!__atomic_load_n(&short_done[which], __ATOMIC_SEQ_CST))
		umtx(&short_done[which], UMTX_WAIT, 0, 0, 0);
	/* Its stack is used again: the kernel is done with it, but it may be on its last instructions in between. */
	while (SYS(thr_kill, tid, 0) == 0)
		SYS(sched_yield);
}

static void work(long which)
{
	u64 state = which + 1;
	long me = self();
	__atomic_store_n(&tids[which], me, __ATOMIC_SEQ_CST);
	while (!stop) {
		switch (which % 6) {
		case 0: fork_one(which); break;
		case 1: queue_one(&state); break;
		case 2: {
			u32 to = look(&tids[(u32)(next_random(&state) >> 33) % THREADS]);
			if (to)
				SAME(SYS(thr_kill, to, USR1), 0);
			break;
		}
		case 3: case 4:
			mutex_lock(&mutex, me);
			counter++;
			mutex_unlock(&mutex);
			__atomic_add_fetch(&locked, 1, __ATOMIC_SEQ_CST);
			if (which == 4) {
				char *p = (char *)mmap(0, 4 * PAGE, 3, 0x1002, -1, 0);
				CHECK((unsigned long)p < (unsigned long)-4096);
				p[PAGE] = 1;
				SAME(SYS(mprotect, p, PAGE, 1), 0);
				SAME(SYS(munmap, p, 4 * PAGE), 0);
			}
			break;
		default: start_one(which);
		}
		add(&rounds[which], 1);
	}
	tids[which] = 0;
	__atomic_store_n(&ended[which], 1, __ATOMIC_SEQ_CST);
	/* Until nobody can send to it any more. */
	while (!look(&ended[(which + 1) % THREADS]) || stop < 2) {
		struct timespec t = {0, 1000000};
		SYS(nanosleep, &t, 0);
	}
	SYS(thr_exit, 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	long seconds = argc > 1 ? parse(argv[1]) : 3;
	pid = SYS(getpid);
	struct action act = {queued, SIGINFO_ | RESTART, {0}};
	for (int n = 0; n < 3; n++)
		SAME(SYS(sigaction, RTMIN + n, &act, 0), 0);
	act.handler = direct;
	SAME(SYS(sigaction, USR1, &act, 0), 0);
	for (long i = 0; i < THREADS; i++) {
		long tid;
		unsigned long p[13] = {(unsigned long)work, i, (unsigned long)stacks[i], sizeof stacks[i], 0, 0, 0, (unsigned long)&tid};
		SAME(SYS(thr_new, p, sizeof p), 0);
	}
	u32 last[THREADS] = {0}, idle[THREADS] = {0};
	for (long tenth = 0; tenth < 10 * seconds; tenth++) {
		struct timespec t = {0, 100000000}, rest;
		while (SYS(nanosleep, &t, &rest) == -EINTR)
			t = rest;
		for (int i = 0; i < THREADS; i++) {
			idle[i] = look(&rounds[i]) == last[i] ? idle[i] + 1 : 0;
			last[i] = look(&rounds[i]);
			if (idle[i] > 10 * STALL) {
				print("thread %d makes no progress after %u rounds\n", i, last[i]);
				quit(1);
			}
		}
		if (tenth % 600 == 599) {
			print("%ld seconds: %u forks, %u queued and %u direct signals, %lu locks, %u threads\n", tenth / 10 + 1, look(&forks),
				look(&got_count), look(&direct_seen), locked, look(&started));
			flush();
		}
	}
	stop = 1;
	for (int i = 0; i < THREADS; i++)
		while (!look(&ended[i])) {
			struct timespec t = {0, 10000000};
			SYS(nanosleep, &t, 0);
		}
	for (int i = 0; i < 500 && look(&got_count) != look(&sent_count); i++) {
		struct timespec t = {0, 10000000};
		SYS(nanosleep, &t, 0);
	}
	SAME(got_count, sent_count);
	SAME(got_values, sent_values);
	SAME(counter, locked);
	SAME(short_ended, started);
	for (int i = 0; i < THREADS; i++)
		CHECK(rounds[i] > 0);
	CHECK(forks > 0 && direct_seen > 0);
	print("it all comes out even\n");
	if (argc > 1)
		print("%u forks, %u queued and %u direct signals, %lu locks, %u threads\n", forks, got_count, direct_seen, locked, started);
	return 0;
}
