/*
 * Integer arithmetic as a C compiler emits it, over awkward and random operands. The checksums are the same on every
 * ISA, so a wrong one shows which operation to look at.
 */
#include "guest.h"

static const u64 awkward[] = {
	0, 1, 2, 3, 7, 31, 32, 33, 63, 64, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0xfffffffffffffffe, 0x0123456789abcdef,
};
#define N 40
static u64 operand[N];

#define SWEEP(name, type, expression)                              \
	do {                                                       \
		u64 sum = MIX_START;                               \
		for (int i = 0; i < N; i++)                        \
			for (int j = 0; j < N; j++) {              \
				type a = (type)operand[i];         \
				type b = (type)operand[j];         \
				HIDE(a);                           \
				HIDE(b);                           \
				sum = mix(sum, (u64)(expression)); \
			}                                          \
		print("%s %016llx\n", name, sum);                  \
	} while (0)

static u32 recurse(u32 n)
{
	return n < 2 ? n : recurse(n - 1) + recurse(n - 2);
}

static u32 twice(u32 x) { return x * 2; }
static u32 inverse(u32 x) { return ~x; }
static u32 square(u32 x) { return x * x; }
static u32 swap(u32 x) { return __builtin_bswap32(x); }
static u32 (*const table[])(u32) = {twice, inverse, square, swap};

static u32 dispatch(u32 x, u32 kind)
{
	switch (kind % 11) {
	case 0: return x + 1;
	case 1: return x - 7;
	case 2: return x ^ 0x5a5a5a5a;
	case 3: return x << 3;
	case 4: return x >> 5;
	case 5: return (u32)((s32)x >> 4);
	case 6: return x * 31;
	case 7: return x | 0x1000;
	case 8: return x & 0xffff00ff;
	case 9: return -x;
	default: return x + kind;
	}
}

int guest_main(int argc, char **argv, char **envp)
{
	(void)argc, (void)argv, (void)envp;
	u64 state = 2463534242;
	for (unsigned i = 0; i < N; i++)
		operand[i] = i < COUNT(awkward) ? awkward[i] : next_random(&state);

	SWEEP("add u32", u32, a + b);
	SWEEP("add u64", u64, a + b);
	SWEEP("sub u32", u32, a - b);
	SWEEP("sub u64", u64, a - b);
	SWEEP("mul u32", u32, a * b);
	SWEEP("mul u64", u64, a * b);
	SWEEP("mul u32 to u64", u32, (u64)a * b);
	SWEEP("mul s32 to s64", s32, (s64)a * b);
	SWEEP("divide u32", u32, b ? a / b : 0);
	SWEEP("divide s32", s32, b && !(b == -1 && a == (s32)0x80000000) ? a / b : 0);
	SWEEP("rest u32", u32, b ? a % b : 0);
	SWEEP("rest s32", s32, b && b != -1 ? a % b : 0);
	SWEEP("and u64", u64, a & b);
	SWEEP("or not u64", u64, a | ~b);
	SWEEP("xor u32", u32, a ^ b);
	SWEEP("nor u32", u32, ~(a | b));
	SWEEP("shift left u32", u32, a << (b & 31));
	SWEEP("shift right u32", u32, a >> (b & 31));
	SWEEP("shift right s32", s32, a >> (b & 31));
	SWEEP("shift left u64", u64, a << (b & 63));
	SWEEP("shift right u64", u64, a >> (b & 63));
	SWEEP("shift right s64", s64, a >> (b & 63));
	SWEEP("rotate u32", u32, a >> (b & 31) | a << (-b & 31));
	SWEEP("less u32", u32, a < b);
	SWEEP("less s32", s32, a < b);
	SWEEP("less u64", u64, a < b);
	SWEEP("less s64", s64, a < b);
	SWEEP("at most s64", s64, a <= b);
	SWEEP("equal u64", u64, a == b);
	SWEEP("select s32", s32, a > b ? a : b);
	SWEEP("carry u64", u64, __builtin_add_overflow_p(a, b, (u64)0));
	SWEEP("overflow s32", s32, __builtin_add_overflow_p(a, b, (s32)0));
	SWEEP("overflow of a product s32", s32, __builtin_mul_overflow_p(a, b, (s32)0));
	SWEEP("sign extend 8", u32, (u32)(s32)(signed char)a);
	SWEEP("sign extend 16", u32, (u32)(s32)(short)a);
	SWEEP("leading zeros u32", u32, a ? __builtin_clz(a) : 32);
	SWEEP("trailing zeros u32", u32, a ? __builtin_ctz(a) : 32);
	SWEEP("byte swap u32", u32, __builtin_bswap32(a));
	SWEEP("byte swap u64", u64, __builtin_bswap64(a));
	SWEEP("byte swap u16", u32, __builtin_bswap16(a));
	SWEEP("field u32", u32, (a >> 7 & 0x1ff) | (b & 0x3ff) << 13);

	print("recursion %u\n", recurse(20));
	u32 x = 12345;
	for (u32 i = 0; i < 10000; i++)
		x = table[(x ^ i) & 3](x) + i;
	print("indirect calls %08x\n", x);
	for (u32 i = 0; i < 10000; i++)
		x = dispatch(x, x >> 3 ^ i);
	print("switch %08x\n", x);

	/* Memory: every width at every alignment that the compiler may assume nothing about. */
	static u8 bytes[64];
	u64 sum = MIX_START;
	for (int at = 0; at < 32; at++) {
		struct __attribute__((packed)) { u16 h; u32 w; u64 d; } *p = (void *)(bytes + at);
		p->h = (u16)(operand[at] >> 3), p->w = (u32)operand[at + 1], p->d = operand[at + 2];
		sum = mix(mix(mix(sum, p->h), p->w), p->d);
		sum = mix(sum, (u64)(s64)(short)p->h);
	}
	print("unaligned memory %016llx\n", sum);
	return 0;
}
