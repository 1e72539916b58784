/* The smallest whole program: one write, one exit. */
#include "guest.h"

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	print("hello, world\n");
	return 0;
}
