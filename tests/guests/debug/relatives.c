/*
 * What following forks and programs is tested on: a child by fork, one by vfork that executes this program again, and at last
 * this process executes it as well. With an argument it is the program that is executed.
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

int guest_main(int argc, char **argv, char **envp)
{
	char *leaf[] = { argv[0], "leaf", 0 };
	if (argc > 1)
		return in_child(21);
	long child = SYS(clone, SIGCHLD_NUMBER, 0);
	if (child == 0) {
		in_child(5);
		quit(3);
	}
	in_parent(wait_for(child));
	child = SYS(clone, SIGCHLD_NUMBER | CLONE_VM | CLONE_VFORK, 0);
	if (child == 0) {
		SYS(execve, argv[0], leaf, envp);
		quit(9);
	}
	in_parent(wait_for(child));
	SYS(execve, argv[0], leaf, envp);
	return 1;
}
