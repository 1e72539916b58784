/* MIPS32 release 2 instructions, one line each: integers and branches, traps, floating point in all rounding modes. build: -mfp32 lib/insns-mips.S */
#include "insns.h"
#include "signal.h"

struct state {
	u32 r[8]; /* $8 to $15 */
	u64 f[4]; /* $f0 $f2 $f4 $f6 */
	u32 hi, lo, fcsr, unused;
};
void run_stub(struct state *state, void (*stub)(void));

static u8 scratch[256] __attribute__((aligned(64)));
static u64 trapped;

struct set {
	const u64 *value;
	unsigned count;
};

static void skip(int signal, siginfo_t *info, struct ucontext *context)
{
	(void)info;
	trapped = mix(trapped, signal);
	/* Which operands trapped, not only how many did. */
	trapped = mix(trapped, (u32)REG(context, 8));
	trapped = mix(trapped, (u32)REG(context, 9));
	PC(context) += 4;
}

/*
 * Which NaN comes out of an operation with a NaN is the implementation's choice in this encoding (qemu-user has the default one,
 * the kernel's emulator an operand): any NaN counts as one and the same.
 */
static u64 same_nan(u64 value)
{
	if ((value & ~(1ull << 63)) > 0x7ff0000000000000)
		value = 0x7ff7ffffffffffff;
	if (((u32)value & 0x7fffffff) > 0x7f800000)
		value = (value & 0xffffffff00000000) | 0x7fbfffff;
	return value;
}

/* One row on all pairs of operands, or on every fifth where pick is 0 to 4. */
static void sweep(const struct row *row, struct set set, int doubles, u32 fcsr, int pick, u64 *results, u64 *flags)
{
	int memory = 0, sign = row->text[0] == 'a' && row->text[1] == 'b';
	sign |= row->text[0] == 'n' && row->text[1] == 'e';
	for (const char *t = row->text; *t; t++)
		memory |= *t == '(';
	for (unsigned i = 0; i < set.count; i++)
		for (unsigned j = 0; j < set.count; j++) {
			if (pick >= 0 && (i + j) % 5 != (unsigned)pick)
				continue;
			struct state s;
			unsigned k = (i * 7 + j * 5 + 3) % set.count, l = (i * 3 + j * 11 + 1) % set.count;
			memset(&s, 0, sizeof s);
			s.r[0] = set.value[i], s.r[1] = set.value[j], s.r[2] = set.value[l], s.r[3] = set.value[k];
			/* A double's upper half is the interesting one. */
			if (doubles)
				s.r[0] = set.value[i] >> 32, s.r[1] = (j & 1) * (u32)set.value[j];
			s.r[4] = (u32)(scratch + 128), s.r[5] = (i & 7) * 8;
			s.f[0] = set.value[i], s.f[1] = set.value[j], s.f[2] = set.value[l], s.f[3] = set.value[k];
			s.hi = set.value[k] >> 7, s.lo = set.value[l] >> 3;
			/* ABS and NEG of a NaN: qemu-user takes them as operations on bits, the manual as arithmetic. */
			if (sign && same_nan(s.f[0]) != s.f[0])
				s.f[0] = 0xbff00000bf800000;
			for (unsigned b = 0; memory && b < 256; b += 4)
				*(u32 *)(scratch + b) = (u32)set.value[(i + b) % set.count] ^ b * 0x01010101;
			/* Condition bits too: 23 and 25 to 31. */
			s.fcsr = fcsr | ((i * 5 + j) & 0xff) << 25 | ((i ^ j) & 1) << 23;
			run_stub(&s, row->stub);
			if (s.r[4] - (u32)scratch < 256)
				s.r[4] -= (u32)scratch;
			for (unsigned r = 0; r < 6; r++)
				*results = mix(*results, s.r[r]);
			for (unsigned r = 0; r < 4; r++)
				*results = mix(*results, same_nan(s.f[r]));
			*results = mix(mix(*results, s.hi), s.lo);
			for (unsigned b = 96; memory && b < 200; b += 4)
				*results = mix(*results, *(u32 *)(scratch + b));
			/* Not Cause (bits 17:12), which is of the very last operation: rows that read it at once look at it. */
			*flags = mix(*flags, s.fcsr & ~0x3f000);
		}
}

static void table(const char *title, const struct row *from, const struct row *to, const struct set *sets, unsigned set_count,
		  int doubles, const u32 *controls, unsigned control_count)
{
	print("%s: %d\n", title, (int)(to - from));
	for (const struct row *row = from; row < to; row++) {
		u64 results = MIX_START, flags = MIX_START;
		trapped = MIX_START;
		for (unsigned c = 0; c < control_count; c++)
			for (unsigned s = 0; s < set_count; s++)
				sweep(row, sets[s], doubles, controls[c], control_count == 1 ? -1 : (int)c, &results, &flags);
		print("%016llx %016llx %s\n", results, mix(flags, trapped), row->text);
	}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	static const u32 plain[] = {0};
	/* FCSR: the four rounding modes (bits 1:0), flags already set (6:2). FS is left out: what it flushes is the implementation's choice. */
	static const u32 modes[] = {0, 1, 2, 3, 0x7c};
	const struct set integer_set[] = {{integers, COUNT(integers)}};
	const struct set fp_sets[] = {{doubles, COUNT(doubles)}, {floats, COUNT(floats)}};
	const char *which = argc > 1 ? argv[1] : "";
	if (!strcmp(which, "base"))
		table("base", base_rows, base_end, integer_set, 1, 0, plain, 1);
	if (!strcmp(which, "fp"))
		table("floating point", fp_rows, fp_end, fp_sets, 2, 1, modes, COUNT(modes));
	set_handler(SIGILL, skip, 0);
	if (!strcmp(which, "traps")) {
		set_handler(SIGTRAP, skip, 0);
		set_handler(SIGFPE, skip, 0);
		table("traps", trap_rows, trap_end, integer_set, 1, 0, plain, 1);
	}
	return 0;
}
