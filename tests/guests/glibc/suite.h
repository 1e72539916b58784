/* One statically linked glibc program with many tests: `suite NAME` runs one. What each prints is the same on every run. */
#ifndef SUITE_H
#define SUITE_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Ends the test with a message unless the condition holds. */
#define CHECK(condition)                                                                       \
	do {                                                                                   \
		if (!(condition)) {                                                            \
			printf("%s:%d: not so: %s (errno %s)\n", __FILE__, __LINE__, #condition, \
			       strerrorname_np(errno) ? strerrorname_np(errno) : "0");         \
			fflush(stdout);                                                        \
			_exit(1);                                                              \
		}                                                                              \
	} while (0)

/* The name of errno after a call that must fail, or "success". */
static inline const char *why(long result)
{
	return result == -1 ? strerrorname_np(errno) : "success";
}
#define WHY(call) why((long)(call))

typedef void test(int argc, char **argv);
test stdio_, files, directories, malloc_, math, rounding, setjmp_, qsort_, time_, strings, environment;
test fork_, vfork_, pipes, exec, child_status, process_ids;
test handlers, context, alternate_stack, restart, masks, timers, realtime;
test threads, tls, conditions, thread_signals, locks, cancel, robust_;
test mappings, polling, sockets, limits;
test sysv, queues, descriptors, control, services, ioctls;

#endif
