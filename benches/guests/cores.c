/* What is timed of the guest's dealings with its kernel: "core MB" dies with so much memory in use, "calls N" makes N calls. */
#include "guest.h"
#include <linux/mman.h>
#include <asm/signal.h>

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc < 3)
		return 2;
	long count = parse(argv[2]);
	if (!strcmp(argv[1], "calls")) {
		while (count-- > 0)
			SYS(getppid);
		return 0;
	}
	size_t size = count << 20;
#ifdef __NR_mmap2
	u64 *memory = (u64 *)SYS(mmap2, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#else
	u64 *memory = (u64 *)SYS(mmap, 0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
#endif
	for (size_t i = 0; i < size / sizeof *memory; i++)
		memory[i] = i * 0x9e3779b97f4a7c15ull;
	raise(SIGABRT);
	return 1;
}
