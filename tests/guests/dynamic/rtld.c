/*
 * A dynamic linker's part in the start of a program, without the linking: checks what FreeBSD's ld-elf.so.1 relies on, makes the
 * calls that it makes, and enters the program.
 */
#include "../lib/check.h"

enum { PHDR = 3, PHENT, PHNUM, PAGESZ, BASE, FLAGS, ENTRY, EXECPATH = 15, CANARY, CANARYLEN, OSRELDATE, NCPUS, PAGESIZES,
	PAGESIZESLEN, STACKPROT = 23, EHDRFLAGS, HWCAP, BSDFLAGS = 27, ARGC, ARGV, ENVC, ENVV, PS_STRINGS, USRSTACKBASE = 35,
	USRSTACKLIM, COUNT_OF = 40 };
enum { PRIVATE = 2, FIXED = 0x10, ANON = 0x1000, GUARD = 0x2000, NOCORE = 0x20000, PREFAULT = 0x40000 };
enum { PT_LOAD = 1, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR = 6 };

#if __SIZEOF_POINTER__ == 8
struct ehdr { u8 ident[16]; u16 type, machine; u32 version; u64 entry, phoff, shoff; u32 flags; u16 ehsize, phentsize, phnum; };
struct phdr { u32 type, flags; u64 offset, vaddr, paddr, filesz, memsz, align; };
#else
struct ehdr { u8 ident[16]; u16 type, machine; u32 version, entry, phoff, shoff, flags; u16 ehsize, phentsize, phnum; };
struct phdr { u32 type, offset, vaddr, paddr, filesz, memsz, flags, align; };
#endif

extern const struct ehdr __ehdr_start __attribute__((visibility("hidden")));

/* Enters the program as the kernel would, with the function to be called at its end. */
void enter(long *stack, void *entry, void (*cleanup)(void)) __attribute__((noreturn));
__asm__(
#ifdef __mips__
	".set push\n.set noreorder\n.globl enter\nenter:\n"
	"	move $sp, $a0\n	move $t9, $a1\n	move $a1, $a2\n	jr $t9\n	nop\n.set pop\n"
#else
	".globl enter\nenter:	mov x9, x1\n	mov sp, x0\n	br x9\n"
#endif
);

static int cleaned;

static void cleanup(void)
{
	cleaned = 1;
}

static int ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);
	return n >= m && strcmp(text + n - m, end) == 0;
}

/* What a debugger looks for (sys/link_elf.h). */
struct link_map {
	char *base;
#ifdef __mips__
	char *offset;
#endif
	const char *name;
	const void *dynamic;
	struct link_map *next, *previous;
};
static struct { int version; struct link_map *first; void (*changed)(void *, struct link_map *); int state; } root;
static struct link_map library, program;

/* A debugger has a breakpoint here. */
__attribute__((noinline)) void r_debug_state(void *where, struct link_map *what)
{
	__asm__ volatile("" : : "r"(where), "r"(what) : "memory");
}

static void set_state(int state)
{
	root.state = state;
	root.changed(&root, &library);
}

/* Puts the root of the list where the program's dynamic section has room for it. */
static void tell_root(const struct phdr *dynamic, long bias)
{
	/* Not by initialisers: nobody relocates this program. */
	library.name = "/lib/libthing.so.1";
	program.name = "program";
	program.next = &library;
	root.first = &program;
	root.changed = r_debug_state;
	for (long *entry = (long *)(bias + dynamic->vaddr); entry[0]; entry += 2)
		switch (entry[0]) {
#ifdef __mips__
		case 0x70000016: /* DT_MIPS_RLD_MAP: the section itself cannot be written to */
			*(void **)entry[1] = &root;
			break;
#else
		case 21: /* DT_DEBUG */
			entry[1] = (long)&root;
			break;
#endif
		}
}

/* Maps a library: room first, then its segments over it. */
static void map_library(void)
{
	long fd = SYS(open, "/lib/libthing.so.1", 0x300000); /* O_CLOEXEC|O_VERIFY */
	CHECK(fd > 2);
	u8 stat[256];
	SAME(SYS(fstat, fd, stat), 0);
	struct ehdr *ehdr = (void *)mmap(0, 4096, 1, PRIVATE | PREFAULT, fd, 0);
	CHECK((long)ehdr > 0 && memcmp(ehdr->ident, "\177ELF", 4) == 0);
	struct phdr *phdr = (void *)((char *)ehdr + ehdr->phoff);
	long size = 0;
	for (int i = 0; i < ehdr->phnum; i++)
		if (phdr[i].type == PT_LOAD)
			size = (phdr[i].vaddr + phdr[i].memsz + 4095) & -4096;
	char *room = (char *)mmap(0, size + 0x1000, 0, PRIVATE | GUARD, -1, 0);
	CHECK((long)room > 0);
	int writable = 0;
	for (int i = 0; i < ehdr->phnum; i++) {
		if (phdr[i].type == PT_DYNAMIC)
			library.dynamic = room + phdr[i].vaddr;
		if (phdr[i].type != PT_LOAD)
			continue;
		/* Of the segment's flags 1 is to execute and 4 to read; of those of a mapping the other way round. */
		int prot = (phdr[i].flags & 4) >> 2 | (phdr[i].flags & 2) | (phdr[i].flags & 1) << 2;
		long inside = phdr[i].vaddr & 4095;
		char *at = room + phdr[i].vaddr - inside;
		long got = mmap(at, phdr[i].filesz + inside, prot, PRIVATE | FIXED | NOCORE | PREFAULT, fd, phdr[i].offset - inside);
		SAME(got, (long)at);
		writable |= prot & 2;
	}
	CHECK(writable && memcmp(room, "\177ELF", 4) == 0);
	char *zero = (char *)mmap(room + size, 0x1000, 3, PRIVATE | FIXED | ANON, -1, 0);
	CHECK(zero == room + size && zero[100] == 0);
	SAME(SYS(mprotect, zero, 0x1000, 1), 0);
	/* What lies between the segments is a guard. */
	SAME(SYS(getrandom, room + 0x8000, 8, 0), -EFAULT);
	SAME(SYS(munmap, zero, 0x1000), 0);
	SYS(close, fd);
	SAME(SYS(open, "/lib/libnothing.so.1", 0x300000), -ENOENT);
	library.base = room;
	set_state(0);
	SAME(((int (*)(int))(room + ehdr->entry))(20), 42);
	SAME(SYS(munmap, ehdr, 4096), 0);
}

int guest_main(int argc, char **argv, char **envp)
{
	long *aux = (long *)envp, have[COUNT_OF] = {0};
	while (*aux)
		aux++;
	for (aux++; aux[0]; aux += 2) {
		CHECK(aux[0] < COUNT_OF);
		have[aux[0]] = aux[1];
	}
	/* This program, wherever it is. */
	struct ehdr *own = (struct ehdr *)&__ehdr_start;
	CHECK(own->type == 3 ? have[BASE] == (long)own : have[BASE] == 0);
	CHECK((char *)have[ENTRY] != (char *)own && have[FLAGS] == 0);
	/* The program. */
	struct phdr *phdr = (void *)have[PHDR];
	CHECK(have[PHENT] == sizeof *phdr && have[PHNUM] > 3 && have[PAGESZ] == 4096);
	struct ehdr *ehdr = (void *)((long)phdr & -4096);
	SAME(memcmp(ehdr->ident, "\177ELF", 4), 0);
	SAME(have[EHDRFLAGS], ehdr->flags);
	long bias = 0;
	int seen = 0;
	for (long i = 0; i < have[PHNUM]; i++)
		if (phdr[i].type == PT_PHDR)
			bias = (long)phdr - phdr[i].vaddr;
	SAME(have[ENTRY], bias + ehdr->entry);
	for (long i = 0; i < have[PHNUM]; i++)
		switch (phdr[i].type) {
		case PT_INTERP:
			SAME(strcmp((char *)bias + phdr[i].vaddr, "/libexec/ld-elf.so.1"), 0);
			seen |= 1;
			break;
		case PT_DYNAMIC:
			tell_root(&phdr[i], bias);
			break;
		case PT_LOAD:
			seen |= 2;
			break;
		case PT_NOTE:
			SAME(*(u32 *)(bias + phdr[i].vaddr + 8), 1);
			seen |= 4;
		}
	SAME(seen, 7);
	CHECK(ends_with((char *)have[EXECPATH], "/program"));
	CHECK(have[ARGC] == argc && have[ARGV] == (long)argv && have[ENVV] == (long)envp);
	CHECK(have[OSRELDATE] >= 1302001 && have[NCPUS] > 0 && have[CANARYLEN] == 64 && have[PAGESIZESLEN] == (long)sizeof(long));
	SAME(*(long *)have[PAGESIZES], 4096);
	CHECK((have[STACKPROT] & 3) == 3);
	char *top = (char *)have[USRSTACKBASE];
	CHECK((char *)&aux < top && (char *)&aux > top - have[USRSTACKLIM] && have[PS_STRINGS] == (long)top - 4 * (long)sizeof(long));
	CHECK(start_ps_strings == 0 || have[PS_STRINGS] == (long)start_ps_strings);
	/* Without this flag it asks the kernel each time it blocks signals. */
	SAME(have[BSDFLAGS] & 1, 1);
	SAME(SYS(issetugid), 0);
	CHECK(root.first == &program);
	set_state(1);
	map_library();
	char text[64];
	u32 none[4] = {0}, old[4];
	SAME(SYS(readlink, "/etc/malloc.conf", text, sizeof text), -ENOENT);
	SAME(SYS(sigprocmask, 3, none, old), 0);
	CHECK(SYS(__getcwd, text, sizeof text) == 0 || SYS(__getcwd, text, sizeof text) == -ERANGE);
	SAME(SYS(utrace, text, 4), 0);
	print("ld-elf.so.1: all is as it should be\n");
	flush();
	enter((long *)argv - 1, (void *)have[ENTRY], cleanup);
}
