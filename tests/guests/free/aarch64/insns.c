/* AArch64 instructions, one line each: integers, floating point in all rounding modes, Advanced SIMD, cryptography, LSE. build: -mgeneral-regs-only lib/insns-aarch64.S */
#include "insns.h"

struct state {
	u64 x[8];
	u64 v[8][2];
	u64 nzcv;
	u64 fp; /* FPCR before, FPSR after */
};
void run_stub(struct state *state, void (*stub)(void));

static u8 scratch[256] __attribute__((aligned(64)));

struct set {
	const u64 *value;
	unsigned count;
};

/* Runs one row on all pairs of operands, or on every sixth where pick is 0 to 5; adds to the two checksums: what was computed, and which flags were raised. */
static void sweep(const struct row *row, struct set set, u64 fpcr, int pick, u64 *results, u64 *flags)
{
	int memory = 0;
	for (const char *t = row->text; *t; t++)
		memory |= *t == '[' && t[1] == 'x';
	for (unsigned i = 0; i < set.count; i++)
		for (unsigned j = 0; j < set.count; j++) {
			if (pick >= 0 && (i + j) % 6 != (unsigned)pick)
				continue;
			struct state s;
			unsigned k = (i * 7 + j * 5 + 3) % set.count, l = (i * 3 + j * 11 + 1) % set.count;
			s.x[0] = set.value[i], s.x[1] = set.value[j], s.x[2] = set.value[l], s.x[3] = set.value[k];
			s.x[4] = (u64)(scratch + 128), s.x[5] = ~0ull, s.x[6] = i & 7, s.x[7] = j;
			for (unsigned r = 0; r < 8; r++) {
				s.v[r][0] = set.value[(i + r * j) % set.count];
				s.v[r][1] = set.value[(j + r * i) % set.count];
			}
			s.v[0][0] = set.value[i], s.v[1][0] = set.value[j], s.v[3][0] = set.value[k], s.v[2][0] = set.value[l];
			for (unsigned b = 0; memory && b < 256; b += 8)
				*(u64 *)(scratch + b) = set.value[(i + b) % set.count] ^ b;
			s.nzcv = (u64)((i + j) & 15) << 28;
			s.fp = fpcr;
			run_stub(&s, row->stub);
			s.x[4] -= (u64)scratch;
			for (unsigned r = 0; r < 8; r++)
				*results = mix(mix(mix(*results, s.x[r]), s.v[r][0]), s.v[r][1]);
			for (unsigned b = 64; memory && b < 208; b += 8)
				*results = mix(*results, *(u64 *)(scratch + b));
			*flags = mix(mix(*flags, s.nzcv), s.fp);
		}
}

static void table(const char *title, const struct row *from, const struct row *to, const struct set *sets, unsigned set_count,
		  const u64 *controls, unsigned control_count)
{
	print("%s: %d\n", title, (int)(to - from));
	for (const struct row *row = from; row < to; row++) {
		u64 results = MIX_START, flags = MIX_START;
		for (unsigned c = 0; c < control_count; c++)
			for (unsigned s = 0; s < set_count; s++)
				sweep(row, sets[s], controls[c], control_count == 1 ? -1 : (int)c, &results, &flags);
		print("%016llx %016llx %s\n", results, flags, row->text);
	}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)envp;
	static const u64 plain[] = {0};
	/* FPCR: the four rounding modes (bits 23:22), flush to zero (24), default NaN (25). */
	static const u64 modes[] = {0, 1 << 22, 2 << 22, 3 << 22, 1 << 24, 1 << 25};
	const struct set integer_set[] = {{integers, COUNT(integers)}};
	const struct set fp_sets[] = {{doubles, COUNT(doubles)}, {floats, COUNT(floats)}};
	const char *which = argc > 1 ? argv[1] : "";
	if (!strcmp(which, "base"))
		table("base", base_rows, base_end, integer_set, 1, plain, 1);
	if (!strcmp(which, "fp"))
		table("floating point", fp_rows, fp_end, fp_sets, 2, modes, COUNT(modes));
	if (!strcmp(which, "simd"))
		table("simd", simd_rows, simd_end, integer_set, 1, plain, 1);
	if (!strcmp(which, "crypto"))
		table("cryptography", crypto_rows, crypto_end, integer_set, 1, plain, 1);
	if (!strcmp(which, "atomic"))
		table("atomics", atomic_rows, atomic_end, integer_set, 1, plain, 1);
	return 0;
}
