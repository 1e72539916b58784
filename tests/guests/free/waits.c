/*
 * For tests of stops: "waits CALL" makes one blocking system call of about three seconds and tells what it came to, while one
 * thread counts and another one waits for ever. "waits signal" and "waits count" are for steps.
 */
#include "signal.h"
#include <linux/futex.h>
#include <linux/sched.h>

struct span {
	long seconds, nanoseconds;
};
struct pollfd {
	int fd;
	short events, revents;
};

#define SECONDS 3
#define POLLIN 1
#define AF_UNIX 1
#ifdef __mips__
#define SOCK_STREAM 2
#else
#define SOCK_STREAM 1
#endif

static volatile u32 counter;
static int never;
static long stacks[4][2048] __attribute__((aligned(16)));

/* Starts a thread, which never ends. */
static void start(void (*function)(void), int number)
{
	char *stack = (char *)(stacks[number] + COUNT(stacks[number])) - 64;
	long flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM;
#if defined(__aarch64__)
	register long x0 __asm__("x0") = flags;
	register char *x1 __asm__("x1") = stack;
	register long x2 __asm__("x2") = 0, x3 __asm__("x3") = 0, x4 __asm__("x4") = 0, x8 __asm__("x8") = __NR_clone;
	__asm__ volatile("svc #0\n cbnz x0, 1f\n blr %[function]\n1:"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x8), [function] "r"(function)
			 : "x30", "memory");
#else
	register long a0 __asm__("$4") = flags;
	register char *a1 __asm__("$5") = stack;
	register long a2 __asm__("$6") = 0, a3 __asm__("$7") = 0, v0 __asm__("$2") = __NR_clone;
	register void (*t9)(void) __asm__("$16") = function;
	__asm__ volatile(".set push\n.set noreorder\n sw $0, 16($sp)\n syscall\n bnez $2, 1f\n nop\n jalr %[function]\n nop\n1:\n.set pop"
			 : "+r"(v0), "+r"(a3)
			 : "r"(a0), "r"(a1), "r"(a2), [function] "r"(t9)
			 : "$31", "$8", "$9", "$10", "$11", "$12", "$13", "$14", "$15", "$24", "$25", "hi", "lo", "memory");
#endif
}

static void count(void)
{
	for (;;)
		counter++;
}

static void wait_for_ever(void)
{
	for (;;)
		SYS(futex, &never, FUTEX_WAIT, 0, 0);
}

static void nap(void)
{
	struct span span = {SECONDS, 0};
	SYS(nanosleep, &span, 0);
}

static u64 milliseconds(void)
{
	struct span now;
	SYS(clock_gettime, 1, &now);
	return (u64)now.seconds * 1000 + (unsigned)now.nanoseconds / 1000000u;
}

/* An abstract socket, whose name is the process id. */
static struct {
	unsigned short family;
	char name[8];
} address = {AF_UNIX, {0}};

static void connect_later(void)
{
	nap();
	int fd = SYS(socket, AF_UNIX, SOCK_STREAM, 0);
	SYS(connect, fd, &address, sizeof address);
	wait_for_ever();
}

static int listener(void)
{
	int pid = SYS(getpid);
	memcpy(address.name + 1, &pid, sizeof pid);
	int fd = SYS(socket, AF_UNIX, SOCK_STREAM, 0);
	SYS(bind, fd, &address, sizeof address);
	SYS(listen, fd, 1);
	start(connect_later, 2);
	return fd;
}

static long wait_for_child(int child)
{
	int status = 0;
	long pid = SYS(wait4, child, &status, 0, 0);
	return pid == child ? status : pid;
}

static int start_child(void)
{
	int child = SYS(clone, SIGCHLD, 0, 0, 0, 0);
	if (child == 0) {
		nap();
		SYS(exit_group, 7);
	}
	return child;
}

static int epoll(void)
{
	struct {
		u32 events;
		u64 data;
	} event = {POLLIN, 0};
	int fd = SYS(epoll_create1, 0);
	SYS(epoll_ctl, fd, 1, 0, &event);
	return fd;
}

static void handler(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)info, (void)context;
	print("handled %d\n", signal == SIGUSR1);
	quit(0);
}

/* Alone in its 256 bytes. */
__attribute__((noinline, noclone, aligned(256))) static void count_to(u32 end)
{
	while (counter < end)
		counter++;
}

__attribute__((noinline, noclone, aligned(256))) static long make_call(const char *call, int fd)
{
	struct span span = {SECONDS, 0};
	struct pollfd poll = {0, POLLIN, 0};
	char events[16], byte;
	if (!strcmp(call, "read"))
		return SYS(read, 0, &byte, 1);
	if (!strcmp(call, "nanosleep"))
		return SYS(nanosleep, &span, 0);
	if (!strcmp(call, "futex"))
		return SYS(futex, &never, FUTEX_WAIT, 0, &span);
	if (!strcmp(call, "poll"))
		return SYS(ppoll, &poll, 1, &span, 0, 8);
	if (!strcmp(call, "epoll"))
		return SYS(epoll_pwait, fd, events, 1, SECONDS * 1000, 0, 8);
	if (!strcmp(call, "accept"))
		return SYS(accept4, fd, 0, 0, 0) > fd ? 0 : -1;
	return wait_for_child(fd);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	const char *call = argc > 1 ? argv[1] : "";
	if (!strcmp(call, "signal")) {
		set_handler(SIGUSR1, handler, 0);
		print("ready %lx %lx\n", (unsigned long)&counter, (unsigned long)handler);
		flush();
		count();
	}
	if (!strcmp(call, "count")) {
		print("ready %lx %lx\n", (unsigned long)&counter, (unsigned long)count_to);
		flush();
		count_to(100000);
		print("counted to %u\n", counter);
		return 0;
	}
	int fd = !strcmp(call, "accept") ? listener() : !strcmp(call, "epoll") ? epoll() : !strcmp(call, "wait") ? start_child() : -1;
	start(count, 0);
	start(wait_for_ever, 1);
	print("ready %lx\n", (unsigned long)&counter);
	flush();
	u64 begin = milliseconds();
	long result = make_call(call, fd);
	print("%s %d after %d ms\n", call, (int)result, (int)(milliseconds() - begin));
	return 0;
}
