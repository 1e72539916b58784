/*
 * Asks for things that emu does not have: a call, a number that is no call, an ioctl, a socket option, a prctl, a fcntl and a
 * futex command. Prints what came of each.
 */
#include "guest.h"

static void say(const char *what, long result)
{
	print("%s %d\n", what, (int)result);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	static u32 params[30], word, value;
	/* Descriptors that the test was started with would shift the numbers of new ones. */
	SYS(close_range, 3, ~0u, 0);
	say("io_uring_setup", SYS(io_uring_setup, 8, params));
	say("no call", SYS_PADDED(__NR_getpid + 3000, 1, 2, 3, 0, 0, 0));
	say("ioctl", SYS(ioctl, 1, 0x12345678, &value));
	say("socket", SYS(socket, 1, 1, 0));
	say("setsockopt", SYS(setsockopt, 3, 99, 7, &value, 4));
	say("prctl", SYS(prctl, 50, 16, 0, 0, 0));
	say("fcntl", SYS(fcntl, 1, 4000, 0));
	say("futex", SYS(futex, &word, 77, 0, 0, 0, 0));
	say("bad pointer", SYS(openat, -100, 0x10, 0, 0));
	return 0;
}
