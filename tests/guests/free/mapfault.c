/* Memory protection: a handler learns the address and the cause of a fault, mends it, and the instruction runs again. */
#include "signal.h"
#include <linux/mman.h>

#define PAGE 4096ul

static u8 *area;
static volatile int faults;

static u8 *map(u8 *at, size_t size, int protection, int flags)
{
#if defined(__NR_mmap2)
	return (u8 *)SYS(mmap2, at, size, protection, flags, -1, 0);
#else
	return (u8 *)SYS(mmap, at, size, protection, flags, -1, 0);
#endif
}

static void mend(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)context;
	u8 *address = info->si_addr;
	faults++;
	print("  signal %d code %s at +0x%lx\n", signal, info->si_code == SEGV_ACCERR ? "ACCERR" : info->si_code == SEGV_MAPERR ? "MAPERR" : "?",
	      (unsigned long)(address - area));
	u8 *page = (u8 *)((unsigned long)address & -PAGE);
	if (info->si_code == SEGV_MAPERR)
		map(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED);
	else
		SYS(mprotect, page, PAGE, PROT_READ | PROT_WRITE);
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	set_handler(SIGSEGV, mend, 0);
	set_handler(SIGBUS, mend, 0);
	area = map(0, 16 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS);

	print("load from PROT_NONE\n");
	print("  read %d\n", *(volatile u8 *)(area + 5));
	print("store to PROT_NONE\n");
	*(volatile u32 *)(area + PAGE + 8) = 77;
	print("  read %u\n", *(volatile u32 *)(area + PAGE + 8));

	print("store to a page made read-only after stores\n");
	*(volatile u32 *)(area + PAGE + 12) = 1;
	SYS(mprotect, area + PAGE, PAGE, PROT_READ);
	print("  still readable %u\n", *(volatile u32 *)(area + PAGE + 12));
	*(volatile u32 *)(area + PAGE + 12) += 1;
	print("  read %u\n", *(volatile u32 *)(area + PAGE + 12));

	print("load from an unmapped page\n");
	SYS(munmap, area + 2 * PAGE, PAGE);
	print("  read %u\n", *(volatile u32 *)(area + 2 * PAGE + 16));

	print("memory walk, one fault a page\n");
	int before = faults;
	u32 sum = 0;
	for (volatile u8 *p = area + 4 * PAGE; p < area + 8 * PAGE; p += 512)
		*p = 3, sum += *p;
	print("  %d faults, sum %u\n", faults - before, sum);

#if defined(__aarch64__)
	print("pair across a page border: neither half is written before the mend\n");
	SYS(mprotect, area + 4 * PAGE, PAGE, PROT_READ | PROT_WRITE);
	SYS(mprotect, area + 5 * PAGE, PAGE, PROT_NONE);
	u64 *edge = (u64 *)(area + 5 * PAGE - 8);
	u64 *cursor = edge - 2;
	__asm__ volatile("stp %1, %2, [%0, #16]!" : "+r"(cursor) : "r"(11l), "r"(22l) : "memory");
	print("  %llu %llu, base moved by %ld\n", edge[0], edge[1], (long)(cursor - (edge - 2)));
	u64 first, second;
	SYS(mprotect, area + 5 * PAGE, PAGE, PROT_NONE);
	__asm__ volatile("ldp %0, %1, [%2], #-16" : "=&r"(first), "=&r"(second), "+r"(cursor) : : "memory");
	print("  %llu %llu, base moved by %ld\n", first, second, (long)(cursor - edge));
#else
	print("unaligned pair of loads\n");
	SYS(mprotect, area + 5 * PAGE, PAGE, PROT_NONE);
	u8 *bytes = area + 5 * PAGE - 2;
	__asm__ volatile("usw %0, 0(%1)" : : "r"(0x01020304), "r"(bytes) : "memory");
	print("  %d %d %d %d\n", bytes[0], bytes[1], bytes[2], bytes[3]);
#endif

	/* The kernel reports a bad pointer instead of sending a signal. */
	SYS(mprotect, area + 9 * PAGE, PAGE, PROT_NONE);
	before = faults;
	print("write from PROT_NONE %d\n", (int)SYS(write, 1, area + 9 * PAGE, 1));
	print("faults seen by the handler %d\n", faults - before);

	print("mprotect of a hole %d\n", (int)(SYS(munmap, area + 12 * PAGE, PAGE), SYS(mprotect, area + 11 * PAGE, 3 * PAGE, PROT_READ)));
	print("mprotect of an odd address %d\n", (int)SYS(mprotect, area + 1, PAGE, PROT_READ));
	u8 *moved = (u8 *)SYS(mremap, area + 4 * PAGE, 2 * PAGE, 8 * PAGE, MREMAP_MAYMOVE);
	print("mremap keeps bytes %d and grows %d\n", moved[512] == 3, moved[7 * PAGE] == 0);
	u32 resident = 0;
	SYS(mprotect, area, PAGE, PROT_READ | PROT_WRITE);
	area[100] = 9;
	SYS(madvise, area, PAGE, MADV_DONTNEED);
	resident = area[100];
	print("after MADV_DONTNEED %u\n", resident);
	u8 *brk = (u8 *)SYS(brk, 0), *grown = (u8 *)SYS(brk, brk + 3 * PAGE);
	brk[0] = 1, grown[-1] = 2;
	print("brk grew by %ld\n", (long)(grown - brk));
	print("brk shrank to start %d\n", (u8 *)SYS(brk, brk) == brk);
	return 0;
}
