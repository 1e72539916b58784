/*
 * What a program sees of its descriptors and threads, and closes: nothing of an emulator's, nor of a debugger's server in it.
 * Prints the same with a debugger and without.
 */
#include "guest.h"

#define AT_FDCWD -100
#define O_RDONLY 0

static char buffer[4096];

/* Lists a folder of numbers; returns how many there are. */
static int list(const char *path, int show)
{
	long fd = SYS(openat, AT_FDCWD, path, O_RDONLY), n;
	int count = 0;
	while ((n = SYS(getdents64, fd, buffer, sizeof buffer)) > 0)
		for (long at = 0; at < n;) {
			u16 length;
			memcpy(&length, buffer + at + 16, 2);
			const char *name = buffer + at + 19;
			if (*name != '.') {
				count++;
				if (show)
					print(" %s", name);
			}
			at += length;
		}
	SYS(close, fd);
	return count;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	for (int fd = 3; fd < 3000; fd++)
		SYS(close, fd);
	print("close_range %d\n", (int)SYS(close_range, 3, ~0u, 0));
	print("open:");
	print(", %d of them\n", list("/proc/self/fd", 1));
	print("information: %d\n", list("/proc/self/fdinfo", 0));
	print("threads: %d\n", list("/proc/self/task", 0));
	/* Whatever number is taken: nothing of the emulator's gives way. */
	int open = 0, taken = 0;
	for (int fd = 800; fd < 3000; fd++) {
		open += SYS(fcntl, fd, 1, 0) >= 0;
		taken += SYS(dup3, 1, fd, 0) == fd;
	}
	print("open above 800: %d, taken %s\n", open, taken > 100 ? "many" : "few");
	for (int fd = 800; fd < 3000; fd++)
		SYS(dup3, 1, fd, 0);
	print("close_range %d\n", (int)SYS(close_range, 800, 2999, 0));
	return 0;
}
