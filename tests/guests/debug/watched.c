/*
 * What watchpoints are tested on. make_accesses, in assembly, makes each kind of access that the ISA has; its labels tell the
 * test what each one does. Then system calls and several threads write to variables with names.
 */
#include "guest.h"
#include "watched.h"

u8 area[64] __attribute__((aligned(64)));

/* Filled by system calls. */
char message[32];
char parts[2][8];
u32 times[4];

/* Written by the threads. */
volatile u32 total;
volatile u32 last_worker;

#define WORKERS 3
static u8 stacks[WORKERS][16384] __attribute__((aligned(16)));
static int running[WORKERS];

__attribute__((noinline)) void accesses_done(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void calls_done(void)
{
	__asm__ volatile("");
}

__attribute__((noinline)) void workers_done(void)
{
	__asm__ volatile("");
}

static void make_calls(void)
{
	int pipe[2];
	SYS(pipe2, pipe, 0);
	SYS(write, pipe[1], "a message of 26 characters", 26);
	SYS(read, pipe[0], message, 10);
	struct {
		char *base;
		unsigned long len;
	} vector[2] = { { parts[0], 8 }, { parts[1], 8 } };
	SYS(readv, pipe[0], vector, 2);
	SYS(write, pipe[1], message, 4);
	SYS(clock_gettime, 1, times);
	times[0] = times[1] = times[2] = times[3] = 0;
	calls_done();
}

static void work(int worker)
{
	for (u32 i = 1; i <= 4; i++) {
		__atomic_fetch_add(&total, i, __ATOMIC_SEQ_CST);
		last_worker = worker;
	}
}

static void make_threads(void)
{
	for (int i = 0; i < WORKERS; i++) {
		running[i] = 1;
		start_thread(work, stacks[i] + sizeof stacks[i], i + 1, &running[i]);
	}
	for (int i = 0; i < WORKERS; i++) {
		int state;
		while ((state = __atomic_load_n(&running[i], __ATOMIC_SEQ_CST)) != 0)
			SYS(futex, &running[i], 0, state, 0);
	}
	workers_done();
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argv, (void)envp;
	if (argc > 1) /* to be interrupted there */
		SYS(read, 0, message, 10);
	for (unsigned i = 0; i < sizeof area; i++)
		area[i] = i;
	make_accesses(area);
	accesses_done();
	u64 sum = MIX_START;
	for (unsigned i = 0; i < sizeof area; i++)
		sum = mix(sum, area[i]);
	print("area %016llx\n", sum);
	make_calls();
	print("message %s parts %c%c\n", message, parts[0][0], parts[1][0]);
	make_threads();
	print("total %u\n", total);
	return 0;
}
