/*
 * What following forks and programs is tested on: a child by fork, one by vfork that executes this program again, and at last
 * this process executes it as well. With "leaf" it is the program that is executed; "line" and "all" are other families.
 */
#include "guest.h"

#define SIGCHLD_NUMBER (sizeof(long) == 8 ? 17 : 18)
#define CLONE_VM 0x100
#define CLONE_VFORK 0x4000

__attribute__((noinline)) int in_child(int n)
{
	print("child %d\n", n * 2);
	flush();
	return n * 2;
}

__attribute__((noinline)) int in_parent(int n)
{
	print("parent %x\n", n);
	flush();
	return n;
}

static int wait_for(long child)
{
	int status = 0;
	SYS(wait4, child, &status, 0, 0);
	return status;
}

#ifdef GUEST_FREEBSD
#define fork() SYS(fork)
#define vfork() SYS(vfork)
#else
#define fork() SYS(clone, SIGCHLD_NUMBER, 0)
#define vfork() SYS(clone, SIGCHLD_NUMBER | CLONE_VM | CLONE_VFORK, 0)
#endif

/* Three processes, each the child of the one before and waiting for its own: they end with 3, 2 and 1. */
static int line(int level)
{
	long child = level < 3 ? fork() : -1;
	if (child == 0)
		return line(level + 1);
	if (child > 0)
		wait_for(child);
	in_child(level);
	return level;
}

/* A process and its two children, which all end at once and wait for nobody: with 4, 5 and 6. */
static int all(void)
{
	if (fork() == 0)
		quit(5);
	if (fork() == 0)
		quit(6);
	return 4;
}

int guest_main(int argc, char **argv, char **envp)
{
	char *leaf[] = { argv[0], "leaf", 0 };
	if (argc > 1 && strcmp(argv[1], "line") == 0)
		return line(1);
	if (argc > 1 && strcmp(argv[1], "all") == 0)
		return all();
	if (argc > 1)
		return in_child(21);
	long child = fork();
	if (child == 0) {
		in_child(5);
		quit(3);
	}
	in_parent(wait_for(child));
	child = vfork();
	if (child == 0) {
		SYS(execve, argv[0], leaf, envp);
		quit(9);
	}
	in_parent(wait_for(child));
	SYS(execve, argv[0], leaf, envp);
	return 1;
}
