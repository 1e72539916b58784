#include "suite.h"

#define ROW(name, function) {name, function}
static const struct {
	const char *name;
	test *function;
} tests[] = {
	ROW("stdio", stdio_), ROW("files", files), ROW("directories", directories), ROW("malloc", malloc_), ROW("math", math),
	ROW("rounding", rounding), ROW("setjmp", setjmp_), ROW("qsort", qsort_), ROW("time", time_), ROW("strings", strings),
	ROW("environment", environment), ROW("fork", fork_), ROW("vfork", vfork_), ROW("pipes", pipes), ROW("exec", exec), ROW("child-status", child_status),
	ROW("process-ids", process_ids), ROW("handlers", handlers), ROW("context", context), ROW("alternate-stack", alternate_stack),
	ROW("restart", restart), ROW("masks", masks), ROW("timers", timers), ROW("realtime", realtime), ROW("threads", threads),
	ROW("tls", tls), ROW("conditions", conditions), ROW("thread-signals", thread_signals), ROW("locks", locks), ROW("cancel", cancel), ROW("robust", robust_),
	ROW("mappings", mappings), ROW("polling", polling), ROW("sockets", sockets), ROW("limits", limits),
	ROW("sysv", sysv), ROW("queues", queues), ROW("descriptors", descriptors), ROW("control", control), ROW("services", services),
	ROW("ioctls", ioctls),
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof tests / sizeof *tests; i++)
		if (!strcmp(argv[1], tests[i].name)) {
			tests[i].function(argc - 1, argv + 1);
			return 0;
		}
	fprintf(stderr, "usage: suite TEST, with TEST one of\n");
	for (size_t i = 0; i < sizeof tests / sizeof *tests; i++)
		fprintf(stderr, "  %s\n", tests[i].name);
	return 2;
}
