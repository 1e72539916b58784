/*
 * Ends as its argument says: "exit N", "signal N", or by doing what the word names. As "fork HOW..." a child ends so, as
 * "exec HOW..." a program that a child executes; what its parent is told of it is printed.
 */
#include "guest.h"
#include <asm/signal.h>
#include <asm/siginfo.h>
#include <linux/prctl.h>
#include <linux/sched.h>
#include <linux/wait.h>

static int tell(int child)
{
	int status = 0;
	siginfo_t info;
	SYS(waitid, P_PID, child, &info, WEXITED | WNOWAIT, 0);
	long waited = SYS(wait4, child, &status, 0, 0);
	print("wait4 %d: signal %d, core %d\n", waited == child, status & 0x7f, status >> 7 & 1);
	print("waitid: code %d, status %d\n", info.si_code, info.si_status);
	return 0;
}

int guest_main(int argc, char **argv, char **envp)
{
	const char *how = argc > 1 ? argv[1] : "";
	if (!strcmp(how, "exec")) {
		int child = SYS(clone, CLONE_VM | CLONE_VFORK | SIGCHLD, 0, 0, 0, 0);
		if (child == 0) {
			argv[1] = argv[0];
			SYS(execve, argv[0], argv + 1, envp);
			quit(99);
		}
		return tell(child);
	}
	if (!strcmp(how, "fork")) {
		int child = SYS(clone, SIGCHLD, 0, 0, 0, 0);
		if (child != 0)
			return tell(child);
		how = (++argv)[1];
	}
	if (!strcmp(how, "undumpable")) {
		SYS(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
		how = "load";
	}
	print("dying by %s\n", how);
	flush();
	volatile int *near_null = (int *)16;
	HIDE(near_null);
	if (!strcmp(how, "exit"))
		return parse(argv[2]);
	if (!strcmp(how, "signal"))
		raise(parse(argv[2]));
	else if (!strcmp(how, "load"))
		print("%d\n", *near_null);
	else if (!strcmp(how, "store"))
		*near_null = 1;
	else if (!strcmp(how, "jump"))
		((void (*)(void))64)();
	else if (!strcmp(how, "illegal"))
#if defined(__aarch64__)
		__asm__ volatile("udf #7");
#else
		__asm__ volatile(".word 0x0000003f"); /* SPECIAL 0x3f: never assigned */
#endif
	else if (!strcmp(how, "break"))
#if defined(__aarch64__)
		__asm__ volatile("brk #1");
#else
		__asm__ volatile("break");
#endif
	else if (!strcmp(how, "divide"))
#if defined(__mips__)
		{
		int zero = 0;
		HIDE(zero);
		__asm__ volatile("teq %0, $zero, 7" : : "r"(zero)); /* what a compiler puts before a division */
	}
#else
		raise(SIGFPE);
#endif
	print("still alive\n");
	return 99;
}
