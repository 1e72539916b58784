/* Ends as its argument says: "exit N", "signal N", or by doing what the word names. */
#include "guest.h"
#include <asm/signal.h>

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	const char *how = argc > 1 ? argv[1] : "";
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
