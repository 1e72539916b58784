/* Processes that share memory (rfork with RFMEM), with and without their descriptors and signal actions. */
#include "check.h"

enum { RFFDG = 4, RFPROC = 16, RFMEM = 32, RFNOWAIT = 64, RFCFDG = 4096, RFTHREAD = 1 << 13, RFSIGSHARE = 1 << 14, RFTSIGZMB = 1 << 19 };
#define RFTSIGNUM(n) (RFTSIGZMB | (n) << 20)
enum { WAIT = 2, WAKE = 3, CHLD = 20, USR1 = 30, SEGV = 11, BOTH = RFPROC | RFMEM };

/* As rfork_thread(3): the child runs `body(argument)` on a stack of its own, and ends with its result. */
long rfork_thread(u32 flags, void *stack, int (*body)(long), long argument);
#ifdef __aarch64__
__asm__(".text\n.globl rfork_thread\nrfork_thread:\n"
	"mov x9, x1\n mov x10, x2\n mov x11, x3\n mov x8, #251\n svc #0\n"
	"b.cs 1f\n cbnz x0, 2f\n mov sp, x9\n mov x0, x11\n blr x10\n mov x8, #1\n svc #0\n"
	"1: neg x0, x0\n2: ret\n");
#else
__asm__(".text\n.globl rfork_thread\n.set noreorder\nrfork_thread:\n"
	"addiu $a1, $a1, -32\n sw $a2, 24($a1)\n sw $a3, 28($a1)\n li $v0, 251\n syscall\n"
	"bnez $a3, 1f\n nop\n bnez $v0, 2f\n nop\n move $sp, $a1\n lw $t9, 24($sp)\n lw $a0, 28($sp)\n jalr $t9\n nop\n"
	"move $a0, $v0\n li $v0, 1\n syscall\n"
	"1: negu $v0, $v0\n2: jr $ra\n nop\n.set reorder\n");
#endif

static char stacks[8][16384] __attribute__((aligned(16)));
static volatile int shared, turn;
static int pipe_ends[2];
static char **arguments;

static long start(u32 flags, int n, int (*body)(long), long argument)
{
	flush();
	return rfork_thread(flags, stacks[n] + sizeof stacks[n], body, argument);
}

static long own_id(void)
{
	return SYS(getpid);
}

static long parent_id(void)
{
	return SYS(getppid);
}

static void expect_end(long child, int status)
{
	int got = -1;
	CHECK(child > 0);
	SAME(SYS(wait4, child, &got, 0, 0), child);
	SAME(got, status);
}

static int is_open(int fd)
{
	return SYS(fcntl, fd, 1, 0) >= 0;
}

static int leaves_marks(long mark)
{
	shared = mark;
	SYS(dup2, 1, 50);
	SYS(close, 51);
	return SYS(getpid) == SYS(getppid) ? 1 : 7;
}

static int looks_at_descriptors(long wanted)
{
	return is_open(0) == wanted && is_open(1) == wanted && is_open(50) == wanted ? 8 : 9;
}

static void descriptors(void)
{
	SYS(dup2, 1, 51);
	expect_end(start(BOTH, 0, leaves_marks, 1234), 7 << 8);
	SAME(shared, 1234);
	CHECK(is_open(50) && !is_open(51));
	SYS(close, 50);
	SYS(dup2, 1, 51);
	expect_end(start(BOTH | RFFDG, 0, leaves_marks, 4321), 7 << 8);
	SAME(shared, 4321);
	CHECK(!is_open(50) && is_open(51));
	SYS(dup2, 0, 50);
	expect_end(start(BOTH | RFFDG, 0, looks_at_descriptors, 1), 8 << 8);
	expect_end(start(BOTH | RFCFDG, 0, looks_at_descriptors, 0), 8 << 8);
	CHECK(is_open(0) && is_open(1));
	SAME(start(BOTH | RFFDG | RFCFDG, 0, leaves_marks, 0), -EINVAL);
}

static void wait_for_turn(int mine)
{
	int seen;
	while ((seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST)) % 2 != mine)
		SYS(_umtx_op, &turn, 11, seen, 0, 0); /* UMTX_OP_WAIT_UINT */
}

static void pass_turn(void)
{
	__atomic_fetch_add(&turn, 1, __ATOMIC_SEQ_CST);
	SYS(_umtx_op, &turn, WAKE, 1, 0, 0);
}

static int takes_turns(long rounds)
{
	for (long n = 0; n < rounds; n++) {
		wait_for_turn(1);
		shared++;
		pass_turn();
	}
	return 3;
}

/* Both run at once, and wake each other. */
static void turns(void)
{
	shared = 0;
	long child = start(BOTH, 0, takes_turns, 1000);
	for (int n = 0; n < 1000; n++) {
		wait_for_turn(0);
		shared++;
		pass_turn();
	}
	expect_end(child, 3 << 8);
	SAME(shared, 2000);
}

static volatile int heard;

static void hears(int signal)
{
	heard = signal;
}

struct action { void *handler; int flags; u32 mask[4]; };

static int handles(long signal)
{
	struct action act = {hears, 2, {0}}; /* SA_RESTART */
	return SYS(sigaction, signal, &act, 0);
}

static int is_handled(int signal)
{
	struct action act = {0};
	SYS(sigaction, signal, 0, &act);
	return act.handler != 0;
}

static int sends_itself(long signal)
{
	handles(signal);
	SYS(kill, own_id(), signal);
	return heard == signal;
}

static void signals(void)
{
	expect_end(start(BOTH, 0, handles, USR1), 0);
	CHECK(!is_handled(USR1));
	expect_end(start(BOTH, 0, sends_itself, USR1), 1 << 8);
	SAME(heard, USR1);
	CHECK(!is_handled(USR1));
	expect_end(start(BOTH | RFSIGSHARE, 0, handles, USR1), 0);
	CHECK(is_handled(USR1));
	/* What tells of the end, if anything does. */
	handles(CHLD);
	heard = 0;
	expect_end(start(BOTH | RFTSIGZMB, 0, handles, 29), 0);
	SAME(heard, 0);
	expect_end(start(BOTH | RFTSIGNUM(USR1), 0, handles, 29), 0);
	SAME(heard, USR1);
	expect_end(start(BOTH, 0, handles, 29), 0);
	SAME(heard, CHLD);
	SAME(start(BOTH | 5 << 20, 0, handles, 29), -EINVAL);
	/* One that is nobody's to wait for. */
	long child = start(BOTH | RFNOWAIT, 1, handles, 29);
	CHECK(child > 0);
	SAME(SYS(wait4, child, 0, 0, 0), -ECHILD);
}

static int crashes(long address)
{
	*(volatile int *)address = 1;
	return 0;
}

static int executes(long unused)
{
	char *args[] = {arguments[0], "nothing", 0};
	(void)unused;
	SYS(execve, arguments[0], args, 0);
	return 1;
}

static int forks(long unused)
{
	int status = 0;
	(void)unused;
	long child = SYS(fork);
	if (child == 0) {
		shared = 99;
		quit(4);
	}
	SYS(wait4, child, &status, 0, 0);
	return status == 4 << 8 && shared == 98 ? 6 : 5;
}

static int enters(long unused)
{
	(void)unused;
	return SYS(cap_enter) == 0 && SYS(kill, parent_id(), 0) == -ECAPMODE;
}

/* What ends one ends no other; its programs and children are its own, and so is capability mode. */
static void ends(void)
{
	expect_end(start(BOTH, 0, crashes, 16), SEGV);
	expect_end(start(BOTH, 0, executes, 0), 42 << 8);
	shared = 98;
	expect_end(start(BOTH, 0, forks, 0), 6 << 8);
	expect_end(start(BOTH, 0, enters, 0), 1 << 8);
	SAME(SYS(kill, own_id(), 0), 0);
}

static int survives(long parent)
{
	char byte;
	/* Until the one that made it is gone: then the end of this pipe is the last. */
	while (SYS(getppid) == parent)
		SYS(sched_yield);
	long child = SYS(fork);
	if (child == 0)
		quit(shared == 77 ? 'a' : 'b');
	int status = 0;
	SYS(wait4, child, &status, 0, 0);
	byte = status >> 8;
	SYS(write, pipe_ends[1], &byte, 1);
	return 0;
}

static int stays(long unused)
{
	(void)unused;
	for (;;)
		SYS(sched_yield);
}

static void outlived(void)
{
	static const u32 flags[] = {BOTH, BOTH | RFFDG, BOTH};
	char byte;
	for (int n = 0; n < 3; n++) {
		SAME(SYS(pipe2, pipe_ends, 0), 0);
		flush();
		long child = SYS(fork);
		if (child == 0) {
			shared = 77;
			if (start(flags[n], 0, survives, own_id()) < 0)
				quit(1);
			if (n == 2)
				executes(0);
			quit(42);
		}
		SYS(close, pipe_ends[1]);
		expect_end(child, 42 << 8);
		SAME(SYS(read, pipe_ends[0], &byte, 1), 1);
		SAME(byte, 'a');
		SAME(SYS(read, pipe_ends[0], &byte, 1), 0);
		SYS(close, pipe_ends[0]);
	}
	/* A peer ends with its leader. */
	SAME(SYS(pipe2, pipe_ends, 0), 0);
	flush();
	long child = SYS(fork);
	if (child == 0)
		quit(start(BOTH | RFTHREAD, 0, stays, 0) > 0 ? 42 : 1);
	SYS(close, pipe_ends[1]);
	expect_end(child, 42 << 8);
	SAME(SYS(read, pipe_ends[0], &byte, 1), 0);
	SYS(close, pipe_ends[0]);
}

static volatile int sum;

static int counts(long rounds)
{
	for (long n = 0; n < rounds; n++) {
		__atomic_fetch_add(&sum, 1, __ATOMIC_SEQ_CST);
		SYS(sched_yield);
		if (n % 50 == 0) {
			long at = mmap(0, 65536, 3, 0x1002, -1, 0);
			*(volatile char *)at = 1;
			SYS(munmap, at, 65536);
		}
	}
	return 2;
}

/* Many at once, with forks and changes of the memory among them. */
static void crowd(void)
{
	long children[8];
	for (int n = 0; n < 8; n++)
		children[n] = start(BOTH | (n % 2 ? RFFDG : 0), n, counts, 300);
	for (int n = 0; n < 20; n++) {
		long child = SYS(fork);
		if (child == 0)
			quit(n);
		expect_end(child, n << 8);
	}
	for (int n = 0; n < 8; n++)
		expect_end(children[n], 2 << 8);
	SAME(sum, 8 * 300);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	arguments = argv;
	if (argc > 1)
		return 42;
	descriptors();
	turns();
	signals();
	ends();
	outlived();
	crowd();
	print("all is shared\n");
	return 0;
}
