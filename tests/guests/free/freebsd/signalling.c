/* Signals: all 126 of them, masks, waiting, queues, alternate stacks, restarts, what unknown calls raise. */
#include "check.h"

enum { BLOCK = 1, UNBLOCK, SETMASK };
enum { ONSTACK = 1, RESTART = 2, RESETHAND = 4, NODEFER = 16, SIGINFO_ = 64 };
enum { SI_USER = 0x10001, SI_QUEUE = 0x10002, SI_LWP = 0x10007 };
enum { SIGSYS = 12, SIGINFO = 29, USR1 = 30, USR2 = 31, SIGTHR = 32, SIGLIBRT = 33, RTMIN = 65, RTMAX = 126 };

struct action { void *handler; int flags; u32 mask[4]; };
struct info { int signo, error, code, pid; u32 uid; int status; void *address; unsigned long value; char rest[40]; };
typedef struct { u32 bits[4]; } set;

static set only(int signal)
{
	set s = {{0}};
	s.bits[(signal - 1) / 32] |= 1u << ((signal - 1) % 32);
	return s;
}

static int has(const set *s, int signal)
{
	return s->bits[(signal - 1) / 32] >> ((signal - 1) % 32) & 1;
}

static long me, pid;
static volatile int count, last, code, order[8];
static volatile unsigned long value;
static void *volatile address;

static void handler(int signal, struct info *info, void *context)
{
	(void)context;
	CHECK(info->signo == signal);
	if (count < 8)
		order[count] = signal;
	count++;
	last = signal;
	code = info->code;
	value = info->value;
	address = info->address;
}

static void handle(int signal, int flags)
{
	struct action act = {handler, SIGINFO_ | flags, {0}};
	SAME(SYS(sigaction, signal, &act, 0), 0);
}

static void every_number(void)
{
	struct action old;
	for (int n = 1; n <= RTMAX; n++) {
		if (n == 9 || n == 17) {
			struct action act = {handler, SIGINFO_, {0}};
			SAME(SYS(sigaction, n, &act, 0), -EINVAL);
			continue;
		}
		if (n > 33 && n < RTMIN)
			continue;
		handle(n, 0);
		SAME(SYS(sigaction, n, 0, &old), 0);
		CHECK(old.handler == handler && old.flags == SIGINFO_);
		count = 0;
		SAME(SYS(thr_kill, me, n), 0);
		SAME(count, 1);
		SAME(last, n);
		SAME(code, SI_LWP);
		SAME(SYS(kill, pid, n), 0);
		SAME(count, 2);
		SAME(last, n);
		SAME(code, SI_USER);
	}
	SAME(SYS(sigaction, 129, 0, 0), -EINVAL);
	SAME(SYS(kill, pid, 200), -EINVAL);
	SAME(SYS(thr_kill, me, 0), 0);
	SAME(SYS(thr_kill, 1, 0), -ESRCH);
	SAME(SYS(thr_kill2, pid, me, RTMAX), 0);
	SAME(last, RTMAX);
	/* Children are waited for. */
	struct action normal = {0, 0, {0}};
	SAME(SYS(sigaction, 20, &normal, 0), 0);
}

/* Blocked ones wait, several of a real-time signal, and come out lowest first: the frame of the next is on top of the first's. */
static void masks(int first, int second)
{
	set both = only(first), pending, old, none = {{0}};
	both.bits[(second - 1) / 32] |= only(second).bits[(second - 1) / 32];
	SAME(SYS(sigprocmask, BLOCK, &both, &old), 0);
	CHECK(!has(&old, first));
	count = 0;
	SAME(SYS(sigqueue, pid, second, 7), 0);
	SAME(SYS(sigqueue, pid, first, 8), 0);
	SAME(SYS(sigqueue, pid, second, 9), 0);
	SAME(count, 0);
	SAME(SYS(sigpending, &pending), 0);
	CHECK(has(&pending, first) && has(&pending, second));
	struct info info;
	struct timespec zero = {0, 0};
	SAME(SYS(sigtimedwait, &both, &info, &zero), first);
	CHECK(info.code == SI_QUEUE && info.value == 8 && info.pid == pid);
	SAME(SYS(sigtimedwait, &both, &info, &zero), second);
	SAME(info.value, 7);
	SAME(SYS(sigqueue, pid, first, 8), 0);
	SAME(SYS(sigprocmask, SETMASK, &none, 0), 0);
	SAME(count, 2);
	SAME(order[0], second);
	SAME(order[1], first);
	CHECK(value == 8 && code == SI_QUEUE);
	SAME(SYS(sigpending, &pending), 0);
	CHECK(!has(&pending, first) && !has(&pending, second));
	SAME(SYS(sigprocmask, 9, &none, 0), -EINVAL);
}

static char stacks[16384] __attribute__((aligned(16)));
static long ended;
static int to_send;
static struct timespec soon = {0, 20000000};

enum { TO_THREAD, TO_PROCESS, UNTIL_SEEN, THEN_WRITE };
static volatile int seen, wake_fd;

static void sender(long what)
{
	set all = {{~0u, ~0u, ~0u, ~0u}};
	SYS(sigprocmask, BLOCK, &all, 0);
	SYS(nanosleep, &soon, 0);
	if (what == TO_PROCESS)
		SYS(kill, pid, to_send);
	else
		SYS(thr_kill, me, to_send);
	if (what == THEN_WRITE) {
		SYS(nanosleep, &soon, 0);
		SYS(write, wake_fd, "x", 1);
	}
	/* The other one may not have been in its call yet. */
	while (what == UNTIL_SEEN && !seen) {
		SYS(nanosleep, &soon, 0);
		if (!seen)
			SYS(thr_kill, me, to_send);
	}
	SYS(thr_exit, &ended);
}

static void send_later(int signal, long how)
{
	long tid;
	to_send = signal;
	ended = 0;
	seen = 0;
	unsigned long p[13] = {(unsigned long)sender, how, (unsigned long)stacks, sizeof stacks, 0, 0, 0, (unsigned long)&tid};
	SAME(SYS(thr_new, p, sizeof p), 0);
}

static void join(void)
{
	while (!__atomic_load_n(&ended, __ATOMIC_SEQ_CST))
		SYS(_umtx_op, &ended, 2, 0, 0, 0);
}

static void waiting(int signal)
{
	set s = only(signal), none = {{0}};
	struct info info;
	int number = 0;
	SAME(SYS(sigprocmask, BLOCK, &s, 0), 0);
	for (long how = TO_THREAD; how <= TO_PROCESS; how++) {
		send_later(signal, how);
		SAME(SYS(sigwaitinfo, &s, &info), signal);
		SAME(info.code, how ? SI_USER : SI_LWP);
		join();
		send_later(signal, how);
		SAME(SYS(sigwait, &s, &number), 0);
		SAME(number, signal);
		join();
		count = 0;
		send_later(signal, how);
		SAME(SYS(sigsuspend, &none), -EINTR);
		CHECK(count == 1 && last == signal);
		join();
	}
	/* It was blocked before, and is so again: what comes now waits. */
	SYS(thr_kill, me, signal);
	SAME(count, 1);
	SAME(SYS(sigsuspend, &none), -EINTR);
	SAME(count, 2);
	SAME(SYS(sigtimedwait, &s, &info, &soon), -EAGAIN);
	SAME(SYS(sigprocmask, UNBLOCK, &s, 0), 0);
}

/* A read of an empty pipe goes on after a handler with SA_RESTART, and ends with EINTR after one without. */
static void restarts(int signal)
{
	int fds[2];
	char byte;
	SAME(SYS(pipe2, fds, 0), 0);
	handle(signal, 0);
	count = 0;
	send_later(signal, UNTIL_SEEN);
	SAME(SYS(read, fds[0], &byte, 1), -EINTR);
	seen = 1;
	join();
	CHECK(count >= 1 && last == signal);
	handle(signal, RESTART);
	count = 0;
	wake_fd = fds[1];
	send_later(signal, THEN_WRITE);
	SAME(SYS(read, fds[0], &byte, 1), 1);
	CHECK(count == 1 && last == signal);
	join();
	SYS(close, fds[0]);
	SYS(close, fds[1]);
	handle(signal, 0);
}

static char *volatile where;

static void on_stack(int signal, struct info *info, char *context)
{
	char here;
	(void)signal, (void)info, (void)context;
	where = &here;
}

static void stacks_and_flags(void)
{
	struct { void *sp; size_t size; int flags; } stack = {stacks, sizeof stacks, 0}, old;
	SAME(SYS(sigaltstack, 0, &old), 0);
	SAME(old.flags, 4);
	SAME(SYS(sigaltstack, &stack, 0), 0);
	struct action act = {on_stack, SIGINFO_ | ONSTACK | RESETHAND, {0}}, now;
	SAME(SYS(sigaction, USR1, &act, 0), 0);
	SAME(SYS(thr_kill, me, USR1), 0);
	CHECK(where > stacks && where < stacks + sizeof stacks);
	SAME(SYS(sigaction, USR1, 0, &now), 0);
	CHECK(now.handler == 0);
	stack.size = 100;
	SAME(SYS(sigaltstack, &stack, 0), -ENOMEM);
	stack.flags = 4;
	SAME(SYS(sigaltstack, &stack, &old), 0);
	CHECK(old.sp == stacks && old.size == sizeof stacks && old.flags == 0);
	stack.flags = 2;
	SAME(SYS(sigaltstack, &stack, 0), -EINVAL);
	handle(USR1, 0);
}

/* Between processes, and how they end. */
static void others(int signal)
{
	int status;
	set s = only(signal);
	SAME(SYS(sigprocmask, BLOCK, &s, 0), 0);
	flush();
	long child = SYS(fork), parent = pid;
	if (child == 0) {
		struct info info;
		SYS(sigqueue, parent, signal, 0x77);
		quit(SYS(sigwaitinfo, &s, &info) == signal && info.pid == parent && info.code == SI_USER ? 3 : 4);
	}
	struct info info;
	SAME(SYS(sigwaitinfo, &s, &info), signal);
	CHECK(info.code == SI_QUEUE && info.value == 0x77 && info.pid == child);
	SAME(SYS(kill, child, signal), 0);
	SAME(wait6(0, child, &status, 16, 0, &info), child);
	SAME(status, 0x300);
	CHECK(info.signo == 20 && info.code == 1 && info.status == 3);
	SAME(SYS(sigprocmask, UNBLOCK, &s, 0), 0);
}

/* Signals that end a process, also those that the host does not have. */
static void deadly(void)
{
	static const int signals[] = {6, 30, 65, 95, 96, 126};
	int status;
	struct info info;
	for (unsigned n = 0; n < sizeof signals / sizeof *signals; n++) {
		flush();
		long child = SYS(fork);
		if (child == 0) {
			struct action normal = {0, 0, {0}};
			set all = {{~0u, ~0u, ~0u, ~0u}};
			long self = SYS(getpid);
			SYS(sigaction, signals[n], &normal, 0);
			SYS(sigprocmask, UNBLOCK, &all, 0);
			SYS(kill, self, signals[n]);
			quit(3);
		}
		SAME(wait6(0, child, &status, 16, 0, &info), child);
		SAME(status & 0x7f, signals[n]);
		CHECK(info.status == signals[n] && (info.code == 2 || info.code == 3));
	}
}

static void unknown_calls(void)
{
	count = 0;
	SAME(sys(999, 0, 0, 0, 0, 0, 0), -ENOSYS);
	CHECK(count == 1 && last == SIGSYS);
	struct action normal = {0, 0, {0}};
	int status;
	SYS(sigaction, SIGSYS, &normal, 0);
	flush();
	long child = SYS(fork);
	if (child == 0) {
		sys(999, 0, 0, 0, 0, 0, 0);
		quit(1);
	}
	SAME(wait6(0, child, &status, 16, 0, 0), child);
	SAME(status & 0x7f, SIGSYS);
}

/* The word of sigfastblock: how often signals are held off in the upper bits, whether one waits in the lowest. */
static volatile u32 hold[2];
static volatile int arrived;

static void count_arrival(int signal) { (void)signal; arrived++; }

static void holding(char **envp)
{
	enum { SETPTR = 1, UNBLOCK = 2, UNSETPTR = 3, ONCE = 0x10, PEND = 1, AT_BSDFLAGS = 27 };
	struct { void *handler; int flags; set mask; } act = {count_arrival, 0, {{0}}};
	struct timespec little = {0, 20000000};
	struct { struct { s64 sec; long usec; } interval, value; } often = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
	while (*envp++)
		;
	unsigned long *aux = (void *)envp;
	while (aux[0] != AT_BSDFLAGS)
		aux += 2;
	CHECK(aux[1] & 1);
	SAME(SYS(sigaction, USR1, &act, 0), 0);
	SAME(SYS(sigaction, 14, &act, 0), 0);
	act.handler = 0;
	SAME(SYS(sigaction, 20, &act, 0), 0);
	act.handler = count_arrival;
	SAME(SYS(sigaction, 120, &act, 0), 0);
	SAME(SYS(sigfastblock, UNBLOCK, 0), -EINVAL);
	SAME(SYS(sigfastblock, UNSETPTR, 0), -EINVAL);
	SAME(SYS(sigfastblock, SETPTR, (char *)hold + 2), -EINVAL);
	SAME(SYS(sigfastblock, SETPTR, hold), 0);
	SAME(SYS(sigfastblock, SETPTR, hold), -EBUSY);
	SAME(SYS(sigfastblock, 4, 0), -EINVAL);
	/* Held twice; one that the host does not have, and one that comes again and again. No call is broken off. */
	hold[0] = 2 * ONCE;
	SAME(SYS(kill, pid, USR1), 0);
	SAME(SYS(thr_kill, me, 120), 0);
	SAME(SYS(setitimer, 0, &often, 0), 0);
	SAME(SYS(nanosleep, &little, 0), 0);
	SAME(SYS(setitimer, 0, &never, 0), 0);
	SAME(arrived, 0);
	SAME(hold[0], 2 * ONCE | PEND);
	SAME(SYS(sigfastblock, UNBLOCK, 0), -EBUSY);
	hold[0] -= ONCE;
	SAME(SYS(sigfastblock, UNBLOCK, 0), -EBUSY);
	SAME(SYS(sigfastblock, UNSETPTR, 0), -EBUSY);
	SAME(arrived, 0);
	hold[0] -= ONCE;
	SAME(hold[0], PEND);
	SAME(SYS(sigfastblock, UNBLOCK, 0), 0);
	SAME(hold[0], 0);
	SAME(arrived, 3);
	/* Not held: at once. */
	SAME(SYS(kill, pid, USR1), 0);
	SAME(arrived, 4);
	/* The child of a fork has the word, and what does not depend on anybody's sending is not held. */
	flush();
	int child = SYS(fork), status;
	if (child == 0) {
		hold[0] = ONCE;
		int own = SYS(getpid);
		SYS(kill, own, USR1);
		SAME(arrived, 4);
		SAME(hold[0], ONCE | PEND);
		hold[0] &= ~ONCE;
		SAME(SYS(sigfastblock, UNBLOCK, 0), 0);
		SAME(arrived, 5);
		act.handler = 0;
		SAME(SYS(sigaction, 11, &act, 0), 0);
		hold[0] = ONCE;
		bad_load();
		quit(1);
	}
	SAME(SYS(wait4, child, &status, 0, 0), child);
	SAME(status & 0x7f, 11);
	/* Without the word nothing is held. */
	hold[0] = 0;
	SAME(SYS(sigfastblock, UNSETPTR, 0), 0);
	hold[0] = ONCE;
	SAME(SYS(kill, pid, USR1), 0);
	SAME(arrived, 5);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv;
	SYS(thr_self, &me);
	pid = SYS(getpid);
	every_number();
	masks(RTMIN, RTMIN + 1);
	masks(100, RTMAX);
	masks(RTMIN + 3, 110);
	waiting(USR2);
	waiting(SIGTHR);
	waiting(RTMIN + 5);
	waiting(120);
	restarts(USR2);
	restarts(121);
	stacks_and_flags();
	others(RTMIN + 2);
	others(RTMAX);
	deadly();
	unknown_calls();
	holding(envp);
	print("every signal arrives\n");
	return 0;
}
