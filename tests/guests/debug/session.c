/*
 * What the sessions of tests/debuggers.sh look into that need a C library: dynamically linked, with named threads, calls and
 * signals whose course a debugger may change, and a callback that the library calls. Each part is a function; main calls
 * them in turn. What is printed shows what a debugger did.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- waiting, where the debugger says so ---- */

volatile int hold;

static void wait_if_told(void)
{
	while (hold)
		usleep(1000);
}

/* ---- threads ---- */

struct worker {
	const char *name;
	int number;
	volatile unsigned ticks;
	pthread_t thread;
};

struct worker workers[2] = {{"alpha", 1, 0, 0}, {"beta", 2, 0, 0}};
static pthread_barrier_t start;
/* Some distance from the block's beginning. */
__thread char before[24] = "before";
__thread int mine = 3;
static volatile int done;

void tick(struct worker *worker)
{
	worker->ticks++;
}

static void *work(void *argument)
{
	struct worker *me = argument;
	int number = me->number;
	mine = 10 * number;
	pthread_setname_np(pthread_self(), me->name);
	pthread_barrier_wait(&start);
	while (!done)
		tick(me);
	return (void *)(long)number;
}

void all_run(void)
{
}

static void run_threads(void)
{
	pthread_barrier_init(&start, NULL, 3);
	for (int i = 0; i < 2; i++)
		pthread_create(&workers[i].thread, NULL, work, &workers[i]);
	pthread_barrier_wait(&start);
	all_run();
	wait_if_told();
	done = 1;
	for (int i = 0; i < 2; i++)
		pthread_join(workers[i].thread, NULL);
}

/* ---- a loop ---- */

unsigned add_up(const unsigned *numbers, int count)
{
	unsigned sum = 0;
	for (int i = 0; i < count; i++) sum += numbers[i];
	return sum;
}

static unsigned numbers[100];

static void run_loop(void)
{
	for (int i = 0; i < 100; i++)
		numbers[i] = i;
	printf("the sum is %u\n", add_up(numbers, 100));
}

/* ---- system calls ---- */

void make_calls(void)
{
	static const char words[] = "eight by";
	ssize_t written = write(1, words, 8);
	printf("\nwritten %d\n", (int)written);
	printf("parent %d\n", (int)getppid());
}

/* ---- signals ---- */

static volatile int received;
static volatile unsigned long fault_address;
static sigjmp_buf retreat;

static void on_value(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	received = info->si_value.sival_int;
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	fault_address = (unsigned long)info->si_addr;
	siglongjmp(retreat, 1);
}

int load(const int *from)
{
	return *from;
}

void take_signals(void)
{
	struct sigaction action = {.sa_sigaction = on_value, .sa_flags = SA_SIGINFO};
	sigaction(SIGUSR1, &action, NULL);
	sigqueue(getpid(), SIGUSR1, (union sigval){.sival_int = 1234});
	printf("the value is %d\n", received);
	action.sa_sigaction = on_fault;
	sigaction(SIGSEGV, &action, NULL);
	if (!sigsetjmp(retreat, 1))
		load((const int *)0x1230);
	printf("the fault is at 0x%lx\n", fault_address);
}

/* ---- the library ---- */

int length(const char *text)
{
	return strlen(text);
}

int compare(const void *left, const void *right)
{
	return *(const int *)left - *(const int *)right;
}

static void use_library(void)
{
	int values[5] = {4, 1, 5, 2, 3};
	qsort(values, 5, sizeof *values, compare);
	printf("sorted %d %d %d, length %d\n", values[0], values[1], values[4], length("three"));
}

int main(void)
{
	run_threads();
	run_loop();
	fflush(stdout);
	make_calls();
	take_signals();
	use_library();
	wait_if_told();
	puts("the end");
	return 0;
}
