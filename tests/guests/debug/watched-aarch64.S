// A label says what the instruction at it does: r_ reads, w_ writes, b_ both, the offset from the area's start, the length in
// bytes. x0 is the area, x1 is 16 bytes on, x4 is 4.
	.arch	armv8.1-a

	.macro	one name, insn:vararg
	.globl	\name
\name:	\insn
	ret
	.pushsection .rodata.rows, "a"
	.quad	\name
	.popsection
	.endm

	// An exclusive pair, the store with a label of its own.
	.macro	pair name, load, name2, store:vararg
	.globl	\name, \name2
\name:	\load
\name2: \store
	ret
	.pushsection .rodata.rows, "a"
	.quad	\name
	.popsection
	.endm

	.section .rodata.rows, "a"
	.balign	8
rows:
	.text
	one	r_5_1_ldrb,	ldrb	w2, [x0, #5]
	one	r_7_2_ldurh,	ldurh	w2, [x0, #7]
	one	r_4_4_ldrsw,	ldrsw	x2, [x0, #4]
	one	r_3_8_ldur,	ldur	x2, [x0, #3]
	one	r_20_4_register, ldr	w2, [x1, x4]
	one	r_32_8_scaled,	ldr	x2, [x0, x4, lsl #3]
	one	r_16_8_post,	ldr	x2, [x1], #8
	one	r_24_8_pre,	ldr	x2, [x1, #8]!
	one	r_16_16_ldp,	ldp	x2, x3, [x0, #16]
	one	r_8_8_ldp32,	ldp	w2, w3, [x0, #8]
	one	r_8_8_ldpsw,	ldpsw	x2, x3, [x0, #8]
	one	r_16_32_ldpq,	ldp	q0, q1, [x0, #16]
	one	r_16_8_ldnp32,	ldnp	w2, w3, [x1]
	one	r_16_16_ldrq,	ldr	q0, [x1]
	one	r_8_4_ldrs,	ldr	s0, [x0, #8]
	one	r_1_8_ldurd,	ldur	d0, [x0, #1]
	one	r_0_64_ld1,	ld1	{v0.16b, v1.16b, v2.16b, v3.16b}, [x0]
	one	r_16_16_ld2,	ld2	{v0.8b, v1.8b}, [x1]
	one	r_0_48_ld3,	ld3	{v0.4s, v1.4s, v2.4s}, [x0]
	one	r_0_64_ld4post,	ld4	{v0.2d, v1.2d, v2.2d, v3.2d}, [x0], #64
	one	r_16_1_ld1lane,	ld1	{v0.b}[3], [x1]
	one	r_16_8_ld2lane,	ld2	{v0.s, v1.s}[1], [x1]
	one	r_16_4_ld1r,	ld1r	{v0.4s}, [x1]
	one	r_16_8_ldar,	ldar	x2, [x1]
	one	r_16_1_ldarb,	ldarb	w2, [x1]
	one	r_16_16_ldxp,	ldxp	x2, x3, [x1]
	one	w_5_1_strb,	strb	w2, [x0, #5]
	one	w_7_2_sturh,	sturh	w2, [x0, #7]
	one	w_3_8_stur,	stur	x2, [x0, #3]
	one	w_20_4_register, str	w2, [x1, x4]
	one	w_16_8_post,	str	x2, [x1], #8
	one	w_24_8_pre,	str	x2, [x1, #8]!
	one	w_8_4_zero,	str	wzr, [x0, #8]
	one	w_16_16_stp,	stp	x2, x3, [x0, #16]
	one	w_8_8_stp32,	stp	w2, w3, [x0, #8]
	one	w_16_32_stpq,	stp	q0, q1, [x0, #16]
	one	w_16_16_strq,	str	q0, [x1]
	one	w_13_8_sturd,	stur	d0, [x0, #13]
	one	w_0_64_st1,	st1	{v0.16b, v1.16b, v2.16b, v3.16b}, [x0]
	one	w_16_16_st2,	st2	{v0.8b, v1.8b}, [x1]
	one	w_0_48_st3,	st3	{v0.4s, v1.4s, v2.4s}, [x0]
	one	w_0_64_st4post,	st4	{v0.2d, v1.2d, v2.2d, v3.2d}, [x0], #64
	one	w_16_2_st1lane,	st1	{v0.h}[3], [x1]
	one	w_16_8_stlr,	stlr	x2, [x1]
	one	b_16_4_ldadd,	ldaddal	w2, w3, [x1]
	one	b_16_8_stset,	stset	x2, [x1]
	one	b_16_1_ldsmaxb,	ldsmaxb	w2, w3, [x1]
	one	b_16_8_swp,	swpal	x2, x3, [x1]
	one	b_16_8_cas,	casal	x2, x3, [x1]
	one	b_16_16_casp,	caspal	x2, x3, x6, x7, [x1]
	one	w_0_64_zva,	dc	zva, x0
	// Not an access.
	one	prefetch,	prfm	pldl1keep, [x1]
	pair	r_16_4_ldaxr, "ldaxr w2, [x1]", w_16_4_stlxr, stlxr w5, w3, [x1]
	pair	r_16_16_ldaxp, "ldaxp x2, x3, [x1]", w_16_16_stlxp, stlxp w5, x6, x7, [x1]
	.section .rodata.rows, "a"
rows_end:
	.text

	.globl	make_accesses
	.type	make_accesses, %function
make_accesses:
	stp	x29, x30, [sp, #-48]!
	stp	x19, x20, [sp, #16]
	str	x21, [sp, #32]
	mov	x19, x0
	adrp	x20, rows
	add	x20, x20, :lo12:rows
	adrp	x21, rows_end
	add	x21, x21, :lo12:rows_end
1:	ldr	x9, [x20], #8
	mov	x0, x19
	add	x1, x19, #16
	mov	x2, #0x1122
	movk	x2, #0x3344, lsl #32
	mov	x3, #0x5566
	mov	x4, #4
	mov	x6, #0x77
	mov	x7, #0x88
	movi	v0.16b, #0x91
	movi	v1.16b, #0x92
	movi	v2.16b, #0x93
	movi	v3.16b, #0x94
	blr	x9
	cmp	x20, x21
	b.ne	1b
	ldr	x21, [sp, #32]
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #48
	ret
	.size	make_accesses, . - make_accesses

	// long start_thread(void (*work)(int), void *stack_top, int argument, int *running)
	.globl	start_thread
	.type	start_thread, %function
start_thread:
	mov	x9, x0
	mov	x10, x2
	// CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | CHILD_CLEARTID
	mov	x0, #0x0f00
	movk	x0, #0x25, lsl #16
	mov	x2, xzr
	mov	x4, x3
	mov	x3, xzr
	mov	x8, #220
	svc	#0
	cbz	x0, 1f
	ret
1:	mov	x29, xzr
	mov	x30, xzr
	mov	w0, w10
	blr	x9
	mov	x0, xzr
	mov	x8, #93
	svc	#0
	.size	start_thread, . - start_thread

	.section .note.GNU-stack, "", %progbits
