/*
 * What debuggers of FreeBSD guests are tested on: a thread with a name that waits in _umtx_op, a global that a function
 * changes, and the ends that the argument names: "null" (a null pointer), "handler" (a null pointer inside of a signal
 * handler), "wait" (waits for input), or none.
 */
#include "guest.h"

#define SIGUSR1 30
enum { WAIT_UINT = 11 };

struct action { void *handler; int flags; u32 mask[4]; };

/* Changed by add alone. */
volatile int total;
static volatile u32 ready, never;
static char stack[16384] __attribute__((aligned(16)));

__attribute__((noinline)) int add(int amount)
{
	total += amount;
	return total;
}

__attribute__((noinline)) int first(int *list, int count)
{
	/* Of an empty list there is none. */
	return list[0] * count;
}

static void handle(int signal, void *info, void *context)
{
	(void)info, (void)context;
	print("%d\n", first((int *)0, signal));
}

static void work(long unused)
{
	(void)unused;
	long tid;
	SYS(thr_self, &tid);
	SYS(thr_set_name, tid, "worker");
	ready = 1;
	for (;;)
		SYS(_umtx_op, &never, WAIT_UINT, 0, 0, 0);
}

static void start_worker(void)
{
	long tid = 0;
	unsigned long param[13] = {(unsigned long)work, 0, (unsigned long)stack, sizeof stack, 0, 0, 0, (unsigned long)&tid};
	SYS(thr_new, param, sizeof param);
	while (!ready)
		SYS(sched_yield);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	const char *how = argc > 1 ? argv[1] : "";
	start_worker();
	for (int i = 1; i <= 4; i++)
		add(i);
	print("total %d\n", total);
	flush();
	if (strcmp(how, "null") == 0) {
		print("%d\n", first((int *)0, 3));
	} else if (strcmp(how, "handler") == 0) {
		struct action act = {handle, 0x40, {0}};
		SYS(sigaction, SIGUSR1, &act, 0);
		long pid = SYS(getpid);
		SYS(kill, pid, SIGUSR1);
	} else if (strcmp(how, "wait") == 0) {
		char byte;
		long n = SYS(read, 0, &byte, 1);
		print("read %ld\n", n);
	}
	return 0;
}
