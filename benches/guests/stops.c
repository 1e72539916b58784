/* What a debugger client is timed on: a function that is called for ever, and memory to read. */
#include "guest.h"

u8 memory[1 << 20];
volatile u32 calls;

__attribute__((noinline)) void called(void)
{
	calls++;
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	for (unsigned i = 0; i < sizeof memory; i++)
		memory[i] = i * 7;
	for (;;)
		called();
}
