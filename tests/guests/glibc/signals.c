/* Signals as programs use them through glibc. */
#include "suite.h"
#include <setjmp.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <sys/eventfd.h>
#include <time.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static volatile int last_signal, last_code;
static void *volatile last_address;
static sigjmp_buf out;

static void set(int signal, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};
	sigemptyset(&action.sa_mask);
	CHECK(sigaction(signal, &action, 0) == 0);
}

static void note(int signal, siginfo_t *info, void *context)
{
	(void)context;
	count++;
	last_signal = signal, last_code = info->si_code, last_address = info->si_addr;
}

static void jump_out(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	siglongjmp(out, count);
}

void handlers(int argc, char **argv)
{
	(void)argc, (void)argv;
	set(SIGUSR1, note, 0);
	raise(SIGUSR1);
	kill(getpid(), SIGUSR1);
	printf("returned %d times, code of kill %d\n", count, last_code == SI_USER);
	set(SIGSEGV, jump_out, 0);
	count = 0;
	volatile int *bad = (int *)8;
	/* Out of a handler by siglongjmp again and again: the mask must be restored each time. */
	int times = sigsetjmp(out, 1);
	if (times < 5)
		*bad = times;
	printf("jumped out %d times, address %p, %s\n", times, last_address, sigabbrev_np(last_signal));
	count = 0;
	set(SIGFPE, jump_out, 0);
	if (sigsetjmp(out, 1) == 0)
		raise(SIGFPE);
	printf("%s\n", sigabbrev_np(last_signal));
	set(SIGABRT, jump_out, 0);
	if (sigsetjmp(out, 1) == 0)
		abort();
	printf("%s\n", sigabbrev_np(last_signal));
	union sigval value = {.sival_int = 4711};
	set(SIGUSR2, note, 0);
	CHECK(sigqueue(getpid(), SIGUSR2, value) == 0);
	printf("queued, code %d\n", last_code == SI_QUEUE);
	struct sigaction old;
	CHECK(sigaction(SIGUSR2, 0, &old) == 0);
	printf("flags read back: SIGINFO %d RESTART %d\n", (old.sa_flags & SA_SIGINFO) != 0, (old.sa_flags & SA_RESTART) != 0);
	printf("not to be caught: %s %s\n", WHY(sigaction(SIGSTOP, &old, 0)), WHY(sigaction(1000, &old, 0)));
}

#if defined(__aarch64__)
#define PC(u) ((u)->uc_mcontext.pc)
#define R(u, n) ((u)->uc_mcontext.regs[n])
#elif defined(__mips__)
#define PC(u) ((u)->uc_mcontext.pc)
#define R(u, n) ((u)->uc_mcontext.gregs[n])
#endif

static int change_one, change_two;
#if defined(__aarch64__) || defined(__mips__)
/* Puts other values into registers that live across the faulting instruction, and skips it. */
static void change(int signal, siginfo_t *info, void *context)
{
	note(signal, info, context);
	ucontext_t *u = context;
	PC(u) += 4;
#if defined(__aarch64__)
	R(u, 19) = change_one;
	R(u, 9) = change_two;
#else
	R(u, 16) = change_one;
	R(u, 9) = change_two;
#endif
}
#endif

void context(int argc, char **argv)
{
	(void)argc, (void)argv;
#if defined(__aarch64__) || defined(__mips__)
	set(SIGSEGV, change, 0);
	set(SIGILL, change, 0);
	for (int round = 0; round < 3; round++) {
		change_one = round * 100, change_two = round + 7;
		long saved, scratch;
#if defined(__aarch64__)
		__asm__ volatile("mov x19, #1\n mov x9, #2\n mov x10, #24\n ldr x9, [x10]\n mov %0, x19\n mov %1, x9" : "=r"(saved), "=r"(scratch) : : "x9", "x10", "x19");
#else
		__asm__ volatile(".set push\n.set noreorder\n li $16, 1\n li $9, 2\n li $10, 24\n lw $9, 0($10)\n move %0, $16\n move %1, $9\n.set pop"
				 : "=r"(saved), "=r"(scratch) : : "$9", "$10", "$16");
#endif
		printf("changed to %ld %ld\n", saved, scratch);
	}
#endif
	/* getcontext and friends: contexts switched by hand. */
	static ucontext_t main_context, other;
	static char stack[65536];
	static int steps;
	void run(void)
	{
		for (int i = 0; i < 3; i++) {
			printf("other context %d\n", ++steps);
			swapcontext(&other, &main_context);
		}
	}
	CHECK(getcontext(&other) == 0);
	other.uc_stack.ss_sp = stack, other.uc_stack.ss_size = sizeof stack, other.uc_link = &main_context;
	makecontext(&other, run, 0);
	for (int i = 0; i < 4; i++) {
		CHECK(swapcontext(&main_context, &other) == 0);
		printf("back in main\n");
	}
}

static char alternate[65536];
static void overflowed(int signal, siginfo_t *info, void *context)
{
	char here;
	note(signal, info, context);
	printf("on the alternate stack %d\n", &here > alternate && &here < alternate + sizeof alternate);
	stack_t now;
	sigaltstack(0, &now);
	printf("in use %d\n", (now.ss_flags & SS_ONSTACK) != 0);
	stack_t other = {.ss_sp = alternate, .ss_size = sizeof alternate};
	printf("change while in use: %s\n", WHY(sigaltstack(&other, 0)));
	siglongjmp(out, 1);
}

static int __attribute__((noinline)) recurse_forever(volatile char *below)
{
	volatile char frame[1024];
	frame[0] = below[0];
	return recurse_forever(frame) + frame[0];
}

void alternate_stack(int argc, char **argv)
{
	(void)argc, (void)argv;
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof alternate}, old;
	CHECK(sigaltstack(&stack, &old) == 0);
	printf("disabled before %d\n", old.ss_flags == SS_DISABLE);
	set(SIGSEGV, overflowed, SA_ONSTACK);
	if (sigsetjmp(out, 1) == 0) {
		char start = 1;
		recurse_forever(&start);
	}
	printf("stack overflow survived, %s\n", sigabbrev_np(last_signal));
	CHECK(sigaltstack(0, &old) == 0);
	printf("still set %d, in use %d\n", old.ss_sp == alternate, (old.ss_flags & SS_ONSTACK) != 0);
	stack.ss_size = 100;
	printf("too small: %s\n", WHY(sigaltstack(&stack, 0)));
	stack.ss_flags = SS_DISABLE;
	CHECK(sigaltstack(&stack, 0) == 0);
}

void restart(int argc, char **argv)
{
	(void)argc, (void)argv;
	int ends[2];
	char byte;
	for (int with = 0; with < 2; with++) {
		CHECK(pipe(ends) == 0);
		count = 0;
		set(SIGALRM, note, with ? SA_RESTART : 0);
		fflush(stdout);
		if (with && fork() == 0) {
			usleep(200000);
			CHECK(write(ends[1], "x", 1) == 1);
			_exit(0);
		}
		struct itimerval soon = {.it_value = {0, 50000}};
		setitimer(ITIMER_REAL, &soon, 0);
		errno = 0;
		ssize_t n = read(ends[0], &byte, 1);
		printf("read with SA_RESTART %d: %zd %s, handler ran %d\n", with, n, n < 0 ? strerrorname_np(errno) : "-", count);
		if (with)
			wait(0);
	}
	/* These are never restarted, whatever the flag. */
	set(SIGALRM, note, SA_RESTART);
	struct itimerval soon = {.it_value = {0, 50000}};
	setitimer(ITIMER_REAL, &soon, 0);
	struct timespec nap = {10, 0}, left = {0, 0};
	printf("nanosleep: %s, ", WHY(nanosleep(&nap, &left)));
	printf("left %d\n", left.tv_sec >= 8);
	setitimer(ITIMER_REAL, &soon, 0);
	printf("pause: %s\n", WHY(pause()));
	setitimer(ITIMER_REAL, &soon, 0);
	int status;
	fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		usleep(200000);
		_exit(3);
	}
	CHECK(waitpid(child, &status, 0) == child);
	printf("waitpid is restarted, status %d\n", WEXITSTATUS(status));
}

void masks(int argc, char **argv)
{
	(void)argc, (void)argv;
	sigset_t block, old, pending;
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	sigaddset(&block, SIGRTMIN + 3);
	set(SIGUSR1, note, 0);
	set(SIGRTMIN + 3, note, 0);
	CHECK(sigprocmask(SIG_BLOCK, &block, &old) == 0);
	raise(SIGUSR1);
	raise(SIGRTMIN + 3);
	raise(SIGRTMIN + 3);
	CHECK(sigpending(&pending) == 0);
	printf("blocked: ran %d, pending %d %d %d\n", count, sigismember(&pending, SIGUSR1), sigismember(&pending, SIGRTMIN + 3), sigismember(&pending, SIGUSR2));
	CHECK(sigprocmask(SIG_SETMASK, &old, 0) == 0);
	printf("unblocked: ran %d (a real-time signal is queued)\n", count);
	CHECK(sigprocmask(SIG_BLOCK, &block, 0) == 0);
	count = 0;
	raise(SIGUSR1);
	printf("sigsuspend: %s", WHY(sigsuspend(&old)));
	printf(", ran %d, blocked again %d\n", count, (sigprocmask(SIG_BLOCK, 0, &pending), sigismember(&pending, SIGUSR1)));
	raise(SIGUSR1);
	int got;
	CHECK(sigwait(&block, &got) == 0);
	printf("sigwait %d\n", got == SIGUSR1);
	union sigval value = {.sival_int = -5};
	sigqueue(getpid(), SIGRTMIN + 3, value);
	siginfo_t info;
	CHECK(sigwaitinfo(&block, &info) == SIGRTMIN + 3);
	printf("sigwaitinfo value %d code %d pid %d\n", info.si_value.sival_int, info.si_code == SI_QUEUE, info.si_pid == getpid());
	struct timespec brief = {0, 10000000};
	printf("sigtimedwait: %s\n", WHY(sigtimedwait(&block, &info, &brief)));
	int fd = signalfd(-1, &block, SFD_NONBLOCK);
	CHECK(fd >= 0);
	raise(SIGUSR1);
	struct signalfd_siginfo read_info;
	CHECK(read(fd, &read_info, sizeof read_info) == sizeof read_info);
	printf("signalfd %d\n", read_info.ssi_signo == (unsigned)SIGUSR1);
	sigfillset(&block);
	CHECK(sigprocmask(SIG_SETMASK, &block, 0) == 0 && sigprocmask(SIG_SETMASK, 0, &old) == 0);
	printf("KILL and STOP cannot be blocked %d %d\n", sigismember(&old, SIGKILL), sigismember(&old, SIGSTOP));
}

void timers(int argc, char **argv)
{
	(void)argc, (void)argv;
	set(SIGALRM, note, SA_RESTART);
	set(SIGPROF, note, SA_RESTART);
	set(SIGVTALRM, note, SA_RESTART);
	struct itimerval every = {{0, 5000}, {0, 5000}}, off = {{0, 0}, {0, 0}}, left;
	static const int kinds[] = {ITIMER_REAL, ITIMER_VIRTUAL, ITIMER_PROF};
	for (int i = 0; i < 3; i++) {
		count = 0;
		CHECK(setitimer(kinds[i], &every, 0) == 0);
		while (count < 3)
			;
		CHECK(getitimer(kinds[i], &left) == 0 && left.it_interval.tv_usec >= 4000);
		setitimer(kinds[i], &off, 0);
		printf("timer %d: %s\n", i, sigabbrev_np(last_signal));
	}
	count = 0;
	alarm(100);
	printf("alarm left %d\n", alarm(0) > 90);
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1, .sigev_value.sival_int = 77};
	set(SIGUSR1, note, 0);
	count = 0;
	CHECK(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
	struct itimerspec spec = {{0, 3000000}, {0, 3000000}};
	CHECK(timer_settime(timer, 0, &spec, 0) == 0);
	while (count < 3)
		;
	CHECK(timer_delete(timer) == 0);
	printf("POSIX timer: code %d\n", last_code == SI_TIMER);
	int fd = timerfd_create(CLOCK_MONOTONIC, 0);
	CHECK(fd >= 0 && timerfd_settime(fd, 0, &spec, 0) == 0);
	uint64_t ticks;
	CHECK(read(fd, &ticks, 8) == 8);
	printf("timerfd %d\n", ticks >= 1 && ticks < 10000);
	fd = eventfd(5, 0);
	uint64_t value = 37;
	CHECK(write(fd, &value, 8) == 8 && read(fd, &value, 8) == 8);
	printf("eventfd %llu\n", (unsigned long long)value);
}

static int order[32], entries, levels;
static void nested(int signal, siginfo_t *info, void *context)
{
	(void)context;
	order[entries++] = signal - SIGRTMIN;
	if (info->si_value.sival_int > 0 && levels < 3) {
		levels++;
		union sigval next = {.sival_int = info->si_value.sival_int - 1};
		sigqueue(getpid(), SIGRTMIN + 1 + levels, next);
	}
}

void realtime(int argc, char **argv)
{
	(void)argc, (void)argv;
	printf("real-time signals: at least 30 %d\n", SIGRTMAX - SIGRTMIN >= 29);
	for (int i = 0; i < 10; i++)
		set(SIGRTMIN + i, nested, 0);
	sigset_t all, old;
	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &old);
	union sigval zero = {.sival_int = 0};
	static const int sent[] = {7, 5, 9, 5, 7, 0};
	for (int i = 0; i < 6; i++)
		CHECK(sigqueue(getpid(), SIGRTMIN + sent[i], zero) == 0);
	sigset_t one;
	siginfo_t info;
	sigemptyset(&one);
	for (int i = 0; i < 10; i++)
		sigaddset(&one, SIGRTMIN + i);
	printf("lowest first:");
	for (int i = 0; i < 6; i++)
		printf(" %d", sigwaitinfo(&one, &info) - SIGRTMIN);
	sigprocmask(SIG_SETMASK, &old, 0);
	union sigval deep = {.sival_int = 3};
	sigqueue(getpid(), SIGRTMIN + 1, deep);
	printf("\nnested:");
	for (int i = 0; i < entries; i++)
		printf(" %d", order[i]);
	printf("\n");
}
