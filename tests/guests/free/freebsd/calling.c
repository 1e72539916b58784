/* How calls are made and answered: the indirect calls, arguments and results of 64 bits, the second result, the thread pointer,
 * what a signal's frame keeps. */
#include "check.h"

enum { SYS_getpid = 20, SYS_lseek = 478, SYS_pread = 475, SYS_close = 6 };

static void indirect(void)
{
	long me = SYS(getpid);
	SAME(syscall(SYS_getpid), me);
	SAME(__syscall(SYS_getpid), me);
	SAME(syscall(SYS_close, -1), -EBADF);
	SAME((int)__syscall(SYS_close, -1), -EBADF);
	long fd = SYS(open, "wide", 0xa02, 0600);
	CHECK(fd > 2);
	/* Beyond 32 bits, in both directions. */
	CHECK(lseek(fd, 0x123456789all, 0) == 0x123456789all);
	CHECK(lseek(fd, -1, 1) == 0x1234567899ll);
	CHECK(lseek(fd, 0, 9) == -EINVAL);
	CHECK(__syscall(SYS_lseek, (int)fd, 0x23456789abll, 0) == 0x23456789abll);
	SAME(pwrite(fd, "abc", 3, 0x100000001ll), 3);
	char text[4] = "";
	SAME(pread(fd, text, 3, 0x100000001ll), 3);
	SAME(strcmp(text, "abc"), 0);
	text[0] = 0;
	/* Four words follow the number: descriptor, buffer, size, and the offset in the next even pair. */
	SAME(__syscall(SYS_pread, (int)fd, text, (size_t)3, (off_t)0x100000001ll), 3);
	SAME(strcmp(text, "abc"), 0);
	SAME(ftruncate(fd, 0x200000000ll), 0);
	CHECK(lseek(fd, 0, 2) == 0x200000000ll);
	SYS(close, fd);
	SYS(unlink, "wide");
}

static void second_result(void)
{
	/* fork, vfork, and rfork's with RFPROC and one of RFFDG, RFCFDG, RFSPAWN. */
	static const struct { int number; u32 flags; } calls[] = {
		{__NR_fork, 0}, {__NR_vfork, 0}, {__NR_rfork, 0x14}, {__NR_rfork, 0x1010}, {__NR_rfork, 1u << 31}};
	for (unsigned i = 0; i < sizeof calls / sizeof *calls; i++) {
		static long parents, childs;
		int status;
		flush();
		childs = 0;
		long child = fork_pair(calls[i].number, calls[i].flags, &parents);
		if (child == 0) {
			/* MIPS: 1 in the child, by which its libc knows it, 0 in the parent. AArch64: 0 in both. */
#ifdef __mips__
			childs = parents == 1 ? 3 : 4;
#else
			childs = parents == 0 ? 3 : 4;
#endif
			SYS(exit_group, childs);
		}
		SAME(parents, 0);
		SAME(wait6(0, child, &status, 16, 0, 0), child);
		SAME(status, 0x300);
	}
}

static void thread_pointers(void)
{
	enum { SET = 1, GET = 2 };
#ifdef __mips__
	void *base = (void *)0x12345678, *got = 0;
	SAME(SYS(sysarch, SET, base), 0);
	SAME(SYS(sysarch, GET, &got), 0);
	CHECK(got == base && thread_pointer() == (char *)base + 0x7008);
	SAME(SYS(sysarch, 9, 0), -EINVAL);
#else
	/* A register of user mode; there is nothing to ask for. */
	SAME(SYS(sysarch, SET, 0), -EINVAL);
	CHECK(thread_pointer() == 0);
#endif
}

struct action { void *handler; int flags; u32 mask[4]; };
static volatile int seen;
static volatile double scale = 1.5;

static void plain(int signal, long code, char *context, void *address)
{
	CHECK(signal == 30 && context != 0);
#ifdef __mips__
	SAME(code, 0x10007);
	CHECK(address == 0);
	/* Register 0's place has a magic number, the code to return to lies below ps_strings. */
	SAME(*(u32 *)(context + 16 + 8), 0xacedbade);
	CHECK(__builtin_return_address(0) == (char *)start_ps_strings - 16);
#else
	(void)code, (void)address;
#endif
	seen++;
	scale = scale * 3.0;
}

static void frames(void)
{
	struct action act = {plain, 0, {0}};
	long me;
	SAME(SYS(sigaction, 30, &act, 0), 0);
	SAME(SYS(thr_self, &me), 0);
	double a = 1.25, b = 2.5, c = 1e300;
	HIDE(me);
	__asm__ volatile("" : "+m"(a), "+m"(b), "+m"(c));
	double sum = a + b;
	SAME(SYS(thr_kill, me, 30), 0);
	sum += c / 1e299;
	CHECK(sum == 13.75 && seen == 1 && scale == 4.5);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	indirect();
	second_result();
	thread_pointers();
	frames();
	print("calls are answered as they are made\n");
	return 0;
}
