/* Code that changes: every way a program may put new instructions where old ones have run. */
#include "guest.h"
#include <linux/mman.h>

#define PAGE 4096ul
typedef int function(void);

/* "return value" as machine code. */
static void write_return(u32 *code, unsigned value)
{
#if defined(__aarch64__)
	code[0] = 0x52800000 | value << 5; /* mov w0, #value */
	code[1] = 0xd65f03c0;              /* ret */
#else
	code[0] = 0x03e00008;         /* jr $ra */
	code[1] = 0x24020000 | value; /* li $v0, value, in the delay slot */
#endif
}

static void sync_code(void *from, size_t size)
{
#if defined(__aarch64__)
	/* By 4 bytes: the least line size that CTR_EL0 can state. */
	for (u8 *line = from; line < (u8 *)from + size; line += 4)
		__asm__ volatile("dc cvau, %0" : : "r"(line) : "memory");
	__asm__ volatile("dsb ish" : : : "memory");
	for (u8 *line = from; line < (u8 *)from + size; line += 4)
		__asm__ volatile("ic ivau, %0" : : "r"(line) : "memory");
	__asm__ volatile("dsb ish\n isb" : : : "memory");
#else
	SYS(cacheflush, from, size, 3);
#endif
}

static u8 *map(u8 *at, size_t size, int protection, int flags)
{
#if defined(__NR_mmap2)
	return (u8 *)SYS(mmap2, at, size, protection, flags, -1, 0);
#else
	return (u8 *)SYS(mmap, at, size, protection, flags, -1, 0);
#endif
}

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)
#define FRESH (MAP_PRIVATE | MAP_ANONYMOUS)

static int call_through(function *f)
{
	HIDE(f);
	return f();
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	u8 *area = map(0, 4 * PAGE, RWX, FRESH);
	u32 *code = (u32 *)area;
	function *f = (function *)area;

	print("cache maintenance:");
	for (unsigned i = 0; i < 8; i++) {
		write_return(code, i);
		sync_code(code, 8);
		print(" %d", f());
	}

	print("\nin a loop that is already hot, 2000 rewrites: ");
	int wrong = 0;
	for (unsigned i = 0; i < 2000; i++) {
		write_return(code, i & 0xfff);
		sync_code(code, 8);
		wrong += call_through(f) != (int)(i & 0xfff);
	}
	print("%d wrong\n", wrong);

	print("munmap and mmap at the same place:");
	for (unsigned i = 0; i < 4; i++) {
		SYS(munmap, area, PAGE);
		map(area, PAGE, RWX, FRESH | MAP_FIXED);
		write_return(code, 100 + i);
		sync_code(code, 8);
		print(" %d", f());
	}
	print("\nmmap over it:");
	for (unsigned i = 0; i < 4; i++) {
		map(area, PAGE, RWX, FRESH | MAP_FIXED);
		write_return(code, 200 + i);
		sync_code(code, 8);
		print(" %d", f());
	}
	print("\nwrite, then mprotect to execute:");
	for (unsigned i = 0; i < 4; i++) {
		SYS(mprotect, area, PAGE, PROT_READ | PROT_WRITE);
		write_return(code, 300 + i);
		sync_code(code, 8);
		SYS(mprotect, area, PAGE, PROT_READ | PROT_EXEC);
		print(" %d", f());
	}
	SYS(mprotect, area, PAGE, RWX);

	/* One page in two views, as language runtimes have it: written through one, run through the other. */
	print("\ntwo views of one page:");
	long file = SYS(memfd_create, "code", 0);
	SYS(ftruncate, file, PAGE, 0, 0, 0);
#if defined(__NR_mmap2)
	u32 *writable = (u32 *)SYS(mmap2, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	u32 *runnable = (u32 *)SYS(mmap2, 0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
#else
	u32 *writable = (u32 *)SYS(mmap, 0, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	u32 *runnable = (u32 *)SYS(mmap, 0, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, file, 0);
#endif
	for (unsigned i = 0; i < 4; i++) {
		write_return(writable, 400 + i);
		sync_code(runnable, 8);
		print(" %d", ((function *)runnable)());
	}

	/* A block that runs over a page border, of which only the second page changes. */
	print("\nacross a page border:");
	u32 *edge = (u32 *)(area + PAGE) - 2;
#if defined(__aarch64__)
	edge[0] = 0xd503201f; /* nop */
	edge[1] = 0xd503201f;
#else
	edge[0] = 0;
	edge[1] = 0;
#endif
	for (unsigned i = 0; i < 4; i++) {
		write_return(edge + 2, 500 + i);
		sync_code(edge + 2, 8);
		print(" %d", ((function *)edge)());
	}

	/* Code that rewrites an instruction a little further on in the very block that is running. */
	print("\nahead of itself:");
	u32 *c = (u32 *)(area + 2 * PAGE);
#if defined(__aarch64__)
	/* w0 = new instruction word; stores it over the mov below, synchronises, runs on into it. */
	static const u32 ahead[] = {
		0x100000c1, /* adr x1, +24 */
		0xb9000020, /* str w0, [x1] */
		0xd50b7b21, /* dc cvau, x1 */
		0xd5033b9f, /* dsb ish */
		0xd50b7521, /* ic ivau, x1 */
		0xd5033fdf, /* isb */
		0x52800000, /* mov w0, #0 (replaced) */
		0xd65f03c0, /* ret */
	};
	memcpy(c, ahead, sizeof ahead);
	for (unsigned i = 1; i < 5; i++) {
		sync_code(c, sizeof ahead);
		print(" %d", ((int (*)(u32))c)(0x52800000 | i << 5));
	}
#else
	/* $a0 = new instruction word, $a1 = its place; synci then a jump with a hazard barrier lands on it. */
	static const u32 ahead[] = {
		0xaca40000, /* sw $a0, 0($a1) */
		0x04bf0000, /* synci 0($a1) */
		0x0000000f, /* sync */
		0x00a00408, /* jr.hb $a1 */
		0x00000000, /* nop */
		0x03e00008, /* jr $ra, before the patched word on purpose: never reached */
		0x24020000, /* li $v0, 0 (replaced) */
		0x03e00008, /* jr $ra */
		0x00000000, /* nop */
	};
	memcpy(c, ahead, sizeof ahead);
	for (unsigned i = 1; i < 5; i++) {
		sync_code(c, sizeof ahead);
		print(" %d", ((int (*)(u32, u32 *))c)(0x24020000 | i, c + 6));
	}
#endif
	print("\n");
	return 0;
}
