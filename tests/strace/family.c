/*
 * Programs and processes that ask in vain: "family N" makes N children, every other one of which executes "family leaf" instead
 * of being one. A leaf asks three times for one thing that emu does not have and twice for another. "family instruction" runs
 * an instruction that emu does not have.
 */
#include "guest.h"
#include <asm/signal.h>

static int leaf(void)
{
	static char bytes[] = "abcd";
	for (int i = 0; i < 3; i++)
		SYS(prctl, 0x7777, i, 0, 0, 0);
	for (int i = 0; i < 2; i++)
#ifdef __mips__
		SYS(ioctl, 0, 0x80045b99, bytes);
#else
		SYS(ioctl, 0, 0x40045b99, bytes);
#endif
	return 0;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc < 2)
		return 2;
	if (!strcmp(argv[1], "leaf"))
		return leaf();
	if (!strcmp(argv[1], "instruction")) {
#ifdef __mips__
		__asm__ volatile(".word 0x7c641010"); /* addu.qb $2,$3,$4 of the DSP module */
#else
		__asm__ volatile(".inst 0x2518e3e0"); /* ptrue p0.b of SVE */
#endif
		return 3;
	}
	long n = parse(argv[1]);
	for (long i = 0; i < n; i++) {
		if (SYS(clone, SIGCHLD, 0, 0, 0, 0) != 0)
			continue;
		if (i % 2) {
			static char *arguments[] = {"family", "leaf", 0};
			SYS(execve, "/proc/self/exe", arguments, arguments + 2);
			return 4;
		}
		return leaf();
	}
	int failed = 0;
	for (long i = 0; i < n; i++) {
		int status = 1;
		if (SYS(wait4, -1, &status, 0, 0) < 0 || status)
			failed = 1;
	}
	return failed;
}
