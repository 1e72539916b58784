/*
 * A sweep over single instructions: lib/insns-ISA.S lists them, each as a stub that ends in a return, beside its own
 * text. Each runs on all pairs of awkward operands from a known state, and what it leaves is folded into checksums.
 * A line of output names one instruction, so a difference names the instruction that is wrong.
 */
#ifndef INSNS_H
#define INSNS_H

#include "guest.h"

struct row {
	const char *text;
	void (*stub)(void);
};
extern const struct row base_rows[], base_end[];
extern const struct row fp_rows[], fp_end[];
extern const struct row simd_rows[], simd_end[];
extern const struct row crypto_rows[], crypto_end[];
extern const struct row atomic_rows[], atomic_end[];
extern const struct row trap_rows[], trap_end[];

/* The integers that overflow, wrap and extend. */
static const u64 integers[] = {
	0, 1, 2, 0x1f, 0x20, 0x3f, 0x80, 0x7fff, 0xffff8000, 0x7fffffff, 0x80000000, 0xffffffff, 0x100000000,
	0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff, 0x00ff00ff80017ffe, 0x0123456789abcdef, 0xfedcba9876543210,
};

/* Doubles: signs, the infinities, quiet and signalling NaNs with payloads, subnormals, ties and the edges of integers. */
static const u64 doubles[] = {
	0x0000000000000000, 0x8000000000000000, 0x3ff0000000000000, 0xbff0000000000000, 0x3fe0000000000000, 0x3ff8000000000000,
	0xc004000000000000, 0x3ff0000000000001, 0x7ff0000000000000, 0xfff0000000000000, 0x7ff8000000001234, 0xfff8000000005678,
	0x7ff0000000000abc, 0xfff4000000000001, 0x0000000000000001, 0x800fffffffffffff, 0x0010000000000000, 0x7fefffffffffffff,
	0x41dfffffffc00000, 0x41e0000000000000, 0x41efffffffe00000, 0x43e0000000000000, 0x43f0000000000000, 0xc1e0000000200000,
	0x4340000000000001, 0x400921fb54442d18, 0x36a0000000000000, 0x380fffffe0000000, 0x47efffffefffffff, 0x3f10000000000000,
};

/* Floats, two in a register, the same kinds. */
static const u64 floats[] = {
	0x0000000080000000, 0x3f800000bf800000, 0x3f0000003fc00000, 0xc0200000c0200000, 0x3f8000017f7fffff, 0x7f800000ff800000,
	0x7fc01234ffc05678, 0x7f80abcdffa00001, 0x00000001807fffff, 0x0080000080800000, 0x4effffff4f000000, 0x5f0000004f800000,
	0xcf000001cf000000, 0x4b0000014b800001, 0x40490fdb33800000, 0x477fe000387fc000, 0x3e9999993eaaaaab, 0x7f7fffff00800001,
};

#endif
