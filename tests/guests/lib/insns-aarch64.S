/*
 * Operands: x0 x1 x3 (x2 and x5 are destinations; x6 is a small index; x4 points into scratch memory), v0 v1 v3 (v2 and
 * v5 are destinations that start with a value). Names of shapes follow the Arm manual's arrangement specifiers.
 */
	.arch	armv8-a+crypto+crc+lse

	.macro t insn:vararg
	.pushsection .rodata.text, "a"
9:	.asciz	"\insn"
	.popsection
	.pushsection .rodata.rows, "a"
	.quad	9b, 8f
	.popsection
8:	\insn
	ret
	.endm

	.macro begin name
	.pushsection .rodata.rows, "a"
	.balign	8
	.globl	\name\()_rows
\name\()_rows:
	.popsection
	.endm
	.macro finish name
	.pushsection .rodata.rows, "a"
	.globl	\name\()_end
\name\()_end:
	.popsection
	.endm

	.text
	/* void run_stub(struct state *, void (*stub)(void)) */
	.globl	run_stub
run_stub:
	stp	x29, x30, [sp, #-32]!
	stp	x19, x20, [sp, #16]
	mov	x19, x0
	mov	x16, x1
	ldp	x9, x10, [x19, #192]
	msr	nzcv, x9
	msr	fpcr, x10
	msr	fpsr, xzr
	ldp	q0, q1, [x19, #64]
	ldp	q2, q3, [x19, #96]
	ldp	q4, q5, [x19, #128]
	ldp	q6, q7, [x19, #160]
	ldp	x0, x1, [x19]
	ldp	x2, x3, [x19, #16]
	ldp	x4, x5, [x19, #32]
	ldp	x6, x7, [x19, #48]
	blr	x16
	stp	x0, x1, [x19]
	stp	x2, x3, [x19, #16]
	stp	x4, x5, [x19, #32]
	stp	x6, x7, [x19, #48]
	mrs	x9, nzcv
	mrs	x10, fpsr
	stp	q0, q1, [x19, #64]
	stp	q2, q3, [x19, #96]
	stp	q4, q5, [x19, #128]
	stp	q6, q7, [x19, #160]
	stp	x9, x10, [x19, #192]
	msr	fpcr, xzr
	ldp	x19, x20, [sp, #16]
	ldp	x29, x30, [sp], #32
	ret

/* ---- base ---- */
	begin base
	.irp op, add, adds, sub, subs, and, ands, orr, eor, bic, bics, orn, eon, adc, adcs, sbc, sbcs
	t \op x2, x0, x1
	t \op w2, w0, w1
	.endr
	.irp op, add, adds, sub, subs, and, ands, orr, eor, bic, bics, orn, eon
	t \op x2, x0, x1, lsl #3
	t \op x2, x0, x1, lsr #41
	t \op w2, w0, w1, asr #7
	t \op x2, x0, x1, asr #63
	.endr
	.irp op, and, ands, orr, eor, bic, bics, orn, eon
	t \op x2, x0, x1, ror #13
	t \op w2, w0, w1, ror #31
	.endr
	.irp op, add, adds, sub, subs
	t \op x2, x0, w1, uxtb
	t \op x2, x0, w1, sxth #1
	t \op x2, x0, w1, uxtw #4
	t \op x2, x0, w1, sxtw #2
	t \op x2, x0, x1, sxtx #3
	t \op w2, w0, w1, sxtb #2
	t \op w2, w0, w1, uxth
	t \op x2, x0, #4095
	t \op w2, w0, #1, lsl #12
	.endr
	.irp op, and, ands, orr, eor
	t \op x2, x0, #0xff00ff00ff00ff00
	t \op x2, x0, #0x7ffffffe
	t \op w2, w0, #0x80000001
	t \op w2, w0, #0x55555555
	.endr
	t movz x2, #0x1234, lsl #48
	t movn x2, #0x1234, lsl #16
	t movn w2, #0x1234
	t movk x2, #0x1234, lsl #32
	t movk w2, #0x1234, lsl #16
	t neg x2, x0
	t negs w2, w0
	t ngcs x2, x0
	t mvn x2, x0, ror #5
	.irp op, lsl, lsr, asr, ror, udiv, sdiv
	t \op x2, x0, x1
	t \op w2, w0, w1
	.endr
	.irp op, madd, msub
	t \op x2, x0, x1, x3
	t \op w2, w0, w1, w3
	.endr
	.irp op, smaddl, smsubl, umaddl, umsubl
	t \op x2, w0, w1, x3
	.endr
	t smulh x2, x0, x1
	t umulh x2, x0, x1
	t mul x2, x0, x1
	t mneg w2, w0, w1
	.irp op, sbfiz, ubfiz, sbfx, ubfx, bfi, bfxil
	t \op x2, x0, #7, #19
	t \op x2, x0, #0, #64
	t \op w2, w0, #5, #27
	t \op w2, w0, #31, #1
	t \op x2, x0, #40, #1
	.endr
	t sxtb x2, w0
	t sxth w2, w0
	t sxtw x2, w0
	t uxtb w2, w0
	t uxth w2, w0
	t lsl x2, x0, #63
	t lsr w2, w0, #31
	t asr x2, x0, #1
	t asr w2, w0, #31
	t bfi x2, xzr, #8, #40
	t extr x2, x0, x1, #17
	t extr w2, w0, w1, #31
	t ror x2, x0, #63
	.irp op, clz, cls, rbit, rev, rev16
	t \op x2, x0
	t \op w2, w0
	.endr
	t rev32 x2, x0
	.irp cc, eq, ne, cs, cc, mi, pl, vs, vc, hi, ls, ge, lt, gt, le, al
	t csel x2, x0, x1, \cc
	t csinc w2, w0, w1, \cc
	t csinv x2, x0, x1, \cc
	t csneg x2, x0, x1, \cc
	t ccmp x0, x1, #5, \cc
	t ccmn w0, w1, #10, \cc
	t ccmp w0, #31, #0, \cc
	t ccmn x0, #1, #15, \cc
	.endr
	t cmp x0, x1
	t cmp w0, w1
	t cmn x0, x1
	t tst w0, w1
	.irp op, b, h, w
	t crc32\op w2, w0, w1
	t crc32c\op w2, w0, w1
	.endr
	t crc32x w2, w0, x1
	t crc32cx w2, w0, x1
	t mrs x2, nzcv
	t msr nzcv, x0
	t nop
	t prfm pldl1keep, [x4]
	/* loads and stores; x4 is in the middle of scratch memory */
	.irp op, ldrb, ldrh, ldr, ldrsb, ldrsh
	t \op w2, [x4]
	t \op w2, [x4, #8]
	t \op w2, [x4], #3
	t \op w2, [x4, #-5]!
	t \op w2, [x4, x6]
	.endr
	.irp op, ldr, ldrsb, ldrsh, ldrsw
	t \op x2, [x4, #16]
	t \op x2, [x4], #-7
	t \op x2, [x4, #9]!
	t \op x2, [x4, w6, sxtw]
	t \op x2, [x4, w6, uxtw]
	.endr
	t ldr x2, [x4, x6, lsl #3]
	t ldrh w2, [x4, w6, uxtw #1]
	.irp op, ldur, ldurb, ldurh, ldursb, ldursh
	t \op w2, [x4, #-3]
	.endr
	t ldursw x2, [x4, #1]
	t ldtr x2, [x4, #8]
	.irp op, strb, strh, str
	t \op w0, [x4, #4]
	t \op w0, [x4], #13
	t \op w0, [x4, #-13]!
	t \op w0, [x4, x6]
	.endr
	t str x0, [x4, #24]
	t str x0, [x4, x6, lsl #3]
	t stur x0, [x4, #-9]
	t str xzr, [x4]
	t ldp x2, x5, [x4]
	t ldp w2, w5, [x4, #-8]!
	t ldp x2, x5, [x4], #16
	t ldpsw x2, x5, [x4, #8]
	t ldnp x2, x5, [x4, #-16]
	t stp x0, x1, [x4, #8]
	t stp w0, w1, [x4, #-24]!
	t stp x0, x1, [x4], #32
	t stnp w0, w1, [x4]
	t ldar x2, [x4]
	t ldarb w2, [x4]
	t ldarh w2, [x4]
	t stlr x0, [x4]
	t stlrb w0, [x4]
	t stlrh w0, [x4]
	.irp size, b, s, d, q
	t ldr \size\()2, [x4]
	t ldr \size\()2, [x4], #5
	t ldur \size\()2, [x4, #-3]
	t ldr \size\()2, [x4, x6]
	t str \size\()0, [x4]
	t str \size\()0, [x4, #-7]!
	t stur \size\()0, [x4, #9]
	.endr
	.irp size, s, d, q
	t ldp \size\()2, \size\()5, [x4]
	t stp \size\()0, \size\()1, [x4, #-32]!
	.endr
	finish base

/* ---- scalar floating point ---- */
	begin fp
	.irp op, fadd, fsub, fmul, fdiv, fnmul, fmax, fmin, fmaxnm, fminnm, fabd, fmulx, frecps, frsqrts, fcmeq, fcmge, fcmgt, facge, facgt
	t \op d2, d0, d1
	t \op s2, s0, s1
	.endr
	.irp op, fmadd, fmsub, fnmadd, fnmsub
	t \op d2, d0, d1, d3
	t \op s2, s0, s1, s3
	.endr
	.irp op, fmov, fabs, fneg, fsqrt, frintn, frintp, frintm, frintz, frinta, frintx, frinti, frecpe, frsqrte, frecpx
	t \op d2, d0
	t \op s2, s0
	.endr
	t fcvt s2, d0
	t fcvt d2, s0
	t fcvt h2, s0
	t fcvt h2, d0
	t fcvt s2, h0
	t fcvt d2, h0
	t fcvtxn s2, d0
	.irp mode, n, p, m, z, a
	.irp sign, s, u
	t fcvt\mode\sign x2, d0
	t fcvt\mode\sign w2, d0
	t fcvt\mode\sign x2, s0
	t fcvt\mode\sign w2, s0
	t fcvt\mode\sign d2, d0
	t fcvt\mode\sign s2, s0
	.endr
	.endr
	.irp sign, s, u
	t fcvtz\sign x2, d0, #16
	t fcvtz\sign w2, s0, #31
	t fcvtz\sign d2, d0, #64
	t fcvtz\sign s2, s0, #1
	t \sign\()cvtf d2, x0
	t \sign\()cvtf d2, w0
	t \sign\()cvtf s2, x0
	t \sign\()cvtf s2, w0
	t \sign\()cvtf d2, x0, #40
	t \sign\()cvtf s2, w0, #5
	t \sign\()cvtf d2, d0
	t \sign\()cvtf s2, s0, #32
	.endr
	t fcmp d0, d1
	t fcmp s0, s1
	t fcmpe d0, d1
	t fcmpe s0, s1
	t fcmp d0, #0.0
	t fcmpe s0, #0.0
	t fccmp d0, d1, #6, ne
	t fccmpe s0, s1, #9, ge
	t fcsel d2, d0, d1, gt
	t fcsel s2, s0, s1, vs
	t fmov x2, d0
	t fmov w2, s0
	t fmov d2, x0
	t fmov s2, w0
	t fmov x2, v0.d[1]
	t fmov v2.d[1], x0
	t fmov d2, #-0.125
	t fmov s2, #31.0
	.irp op, fcmeq, fcmge, fcmgt, fcmle, fcmlt
	t \op d2, d0, #0.0
	t \op s2, s0, #0.0
	.endr
	/* vector forms */
	.irp op, fadd, fsub, fmul, fdiv, fmax, fmin, fmaxnm, fminnm, fabd, fmulx, fmla, fmls, frecps, frsqrts, fcmeq, fcmge, fcmgt, facge, facgt, faddp, fmaxp, fminp, fmaxnmp, fminnmp
	t \op v2.2d, v0.2d, v1.2d
	t \op v2.4s, v0.4s, v1.4s
	t \op v2.2s, v0.2s, v1.2s
	.endr
	.irp op, fabs, fneg, fsqrt, frintn, frintp, frintm, frintz, frinta, frintx, frinti, frecpe, frsqrte, fcvtns, fcvtnu, fcvtps, fcvtpu, fcvtms, fcvtmu, fcvtzs, fcvtzu, fcvtas, fcvtau, scvtf, ucvtf
	t \op v2.2d, v0.2d
	t \op v2.4s, v0.4s
	t \op v2.2s, v0.2s
	.endr
	.irp op, fcvtzs, fcvtzu, scvtf, ucvtf
	t \op v2.2d, v0.2d, #33
	t \op v2.4s, v0.4s, #7
	.endr
	.irp op, fcmeq, fcmge, fcmgt, fcmle, fcmlt
	t \op v2.2d, v0.2d, #0.0
	t \op v2.4s, v0.4s, #0.0
	.endr
	.irp op, fmul, fmla, fmls, fmulx
	t \op v2.2d, v0.2d, v1.d[1]
	t \op v2.4s, v0.4s, v1.s[3]
	t \op d2, d0, v1.d[0]
	t \op s2, s0, v1.s[2]
	.endr
	t fcvtl v2.2d, v0.2s
	t fcvtl2 v2.2d, v0.4s
	t fcvtl v2.4s, v0.4h
	t fcvtn v2.2s, v0.2d
	t fcvtn2 v2.4s, v0.2d
	t fcvtn v2.4h, v0.4s
	t fcvtxn v2.2s, v0.2d
	t fcvtxn2 v2.4s, v0.2d
	.irp op, fmaxv, fminv, fmaxnmv, fminnmv
	t \op s2, v0.4s
	.endr
	.irp op, faddp, fmaxp, fminp, fmaxnmp, fminnmp
	t \op d2, v0.2d
	t \op s2, v0.2s
	.endr
	t fmov v2.2d, #1.5
	t fmov v2.4s, #-3.0
	finish fp

/* ---- Advanced SIMD ---- */
	.macro bhs op
	t \op v2.16b, v0.16b, v1.16b
	t \op v2.8b, v0.8b, v1.8b
	t \op v2.8h, v0.8h, v1.8h
	t \op v2.4h, v0.4h, v1.4h
	t \op v2.4s, v0.4s, v1.4s
	t \op v2.2s, v0.2s, v1.2s
	.endm
	.macro bhs_one op
	t \op v2.16b, v0.16b
	t \op v2.8b, v0.8b
	t \op v2.8h, v0.8h
	t \op v2.4h, v0.4h
	t \op v2.4s, v0.4s
	t \op v2.2s, v0.2s
	.endm

	begin simd
	.irp op, add, sub, cmeq, cmge, cmgt, cmhi, cmhs, cmtst, sqadd, uqadd, sqsub, uqsub, sshl, ushl, srshl, urshl, sqshl, uqshl, sqrshl, uqrshl, addp, zip1, zip2, uzp1, uzp2, trn1, trn2
	bhs \op
	t \op v2.2d, v0.2d, v1.2d
	.endr
	.irp op, mul, mla, mls, smax, smin, umax, umin, smaxp, sminp, umaxp, uminp, sabd, uabd, saba, uaba, shadd, uhadd, srhadd, urhadd, shsub, uhsub
	bhs \op
	.endr
	.irp op, add, sub, cmeq, cmge, cmgt, cmhi, cmhs, cmtst, sqadd, uqadd, sqsub, uqsub, sshl, ushl, srshl, urshl, sqshl, uqshl, sqrshl, uqrshl
	t \op d2, d0, d1
	.endr
	.irp op, sqadd, uqadd, sqsub, uqsub, sqshl, uqshl, sqrshl, uqrshl
	t \op b2, b0, b1
	t \op h2, h0, h1
	t \op s2, s0, s1
	.endr
	.irp op, sqdmulh, sqrdmulh
	t \op v2.8h, v0.8h, v1.8h
	t \op v2.4s, v0.4s, v1.4s
	t \op v2.2s, v0.2s, v1.2s
	t \op v2.8h, v0.8h, v1.h[5]
	t \op v2.4s, v0.4s, v1.s[1]
	t \op h2, h0, h1
	t \op s2, s0, s1
	t \op s2, s0, v1.s[3]
	.endr
	.irp op, and, orr, eor, bic, orn, bsl, bit, bif
	t \op v2.16b, v0.16b, v1.16b
	t \op v2.8b, v0.8b, v1.8b
	.endr
	t pmul v2.16b, v0.16b, v1.16b
	t pmul v2.8b, v0.8b, v1.8b
	.irp op, saddl, uaddl, ssubl, usubl, smull, umull, smlal, umlal, smlsl, umlsl, sabdl, uabdl, sabal, uabal
	t \op v2.8h, v0.8b, v1.8b
	t \op v2.4s, v0.4h, v1.4h
	t \op v2.2d, v0.2s, v1.2s
	t \op\()2 v2.8h, v0.16b, v1.16b
	t \op\()2 v2.4s, v0.8h, v1.8h
	t \op\()2 v2.2d, v0.4s, v1.4s
	.endr
	.irp op, saddw, uaddw, ssubw, usubw
	t \op v2.8h, v0.8h, v1.8b
	t \op v2.4s, v0.4s, v1.4h
	t \op\()2 v2.2d, v0.2d, v1.4s
	.endr
	.irp op, addhn, raddhn, subhn, rsubhn
	t \op v2.8b, v0.8h, v1.8h
	t \op v2.4h, v0.4s, v1.4s
	t \op\()2 v2.4s, v0.2d, v1.2d
	.endr
	.irp op, sqdmull, sqdmlal, sqdmlsl
	t \op v2.4s, v0.4h, v1.4h
	t \op\()2 v2.2d, v0.4s, v1.4s
	t \op s2, h0, h1
	t \op d2, s0, s1
	t \op v2.4s, v0.4h, v1.h[3]
	t \op d2, s0, v1.s[1]
	.endr
	.irp op, mul, mla, mls
	t \op v2.8h, v0.8h, v1.h[7]
	t \op v2.4s, v0.4s, v1.s[2]
	t \op v2.4h, v0.4h, v1.h[0]
	.endr
	.irp op, smull, umull, smlal, umlal, smlsl, umlsl
	t \op v2.4s, v0.4h, v1.h[6]
	t \op\()2 v2.2d, v0.4s, v1.s[1]
	.endr
	.irp op, abs, neg, sqabs, sqneg, suqadd, usqadd
	bhs_one \op
	t \op v2.2d, v0.2d
	t \op d2, d0
	.endr
	.irp op, cls, clz
	bhs_one \op
	.endr
	.irp op, cnt, not, rbit, rev16
	t \op v2.16b, v0.16b
	t \op v2.8b, v0.8b
	.endr
	.irp op, rev64
	bhs_one \op
	.endr
	t rev32 v2.16b, v0.16b
	t rev32 v2.8h, v0.8h
	.irp op, cmeq, cmge, cmgt, cmle, cmlt
	t \op v2.16b, v0.16b, #0
	t \op v2.8h, v0.8h, #0
	t \op v2.4s, v0.4s, #0
	t \op v2.2d, v0.2d, #0
	t \op d2, d0, #0
	.endr
	.irp op, saddlp, uaddlp, sadalp, uadalp
	t \op v2.8h, v0.16b
	t \op v2.4s, v0.8h
	t \op v2.2d, v0.4s
	t \op v2.1d, v0.2s
	.endr
	.irp op, addv, smaxv, sminv, umaxv, uminv
	t \op b2, v0.16b
	t \op b2, v0.8b
	t \op h2, v0.8h
	t \op s2, v0.4s
	.endr
	.irp op, saddlv, uaddlv
	t \op h2, v0.16b
	t \op s2, v0.8h
	t \op d2, v0.4s
	.endr
	t addp d2, v0.2d
	.irp op, xtn, sqxtn, uqxtn, sqxtun
	t \op v2.8b, v0.8h
	t \op v2.4h, v0.4s
	t \op v2.2s, v0.2d
	t \op\()2 v2.16b, v0.8h
	t \op\()2 v2.4s, v0.2d
	.endr
	.irp op, sqxtn, uqxtn, sqxtun
	t \op b2, h0
	t \op s2, d0
	.endr
	.irp op, urecpe, ursqrte
	t \op v2.4s, v0.4s
	t \op v2.2s, v0.2s
	.endr
	.irp op, sshr, ushr, ssra, usra, srshr, urshr, srsra, ursra, sri
	t \op v2.16b, v0.16b, #8
	t \op v2.8b, v0.8b, #3
	t \op v2.8h, v0.8h, #11
	t \op v2.4s, v0.4s, #32
	t \op v2.2s, v0.2s, #1
	t \op v2.2d, v0.2d, #64
	t \op d2, d0, #17
	.endr
	.irp op, shl, sli, sqshl, uqshl, sqshlu
	t \op v2.16b, v0.16b, #7
	t \op v2.8h, v0.8h, #0
	t \op v2.4s, v0.4s, #31
	t \op v2.2d, v0.2d, #63
	t \op d2, d0, #5
	.endr
	.irp op, shrn, rshrn, sqshrn, uqshrn, sqrshrn, uqrshrn, sqshrun, sqrshrun
	t \op v2.8b, v0.8h, #3
	t \op v2.4h, v0.4s, #16
	t \op v2.2s, v0.2d, #1
	t \op\()2 v2.16b, v0.8h, #8
	t \op\()2 v2.4s, v0.2d, #32
	.endr
	.irp op, sqshrn, uqrshrn, sqshrun
	t \op s2, d0, #9
	t \op b2, h0, #2
	.endr
	.irp op, sshll, ushll
	t \op v2.8h, v0.8b, #3
	t \op v2.4s, v0.4h, #0
	t \op\()2 v2.2d, v0.4s, #31
	.endr
	t shll v2.8h, v0.8b, #8
	t shll2 v2.2d, v0.4s, #32
	t ext v2.16b, v0.16b, v1.16b, #5
	t ext v2.8b, v0.8b, v1.8b, #7
	t tbl v2.16b, {v0.16b}, v1.16b
	t tbl v2.8b, {v0.16b, v1.16b}, v3.8b
	t tbl v2.16b, {v0.16b, v1.16b, v2.16b}, v3.16b
	t tbl v2.16b, {v0.16b, v1.16b, v2.16b, v3.16b}, v5.16b
	t tbx v2.16b, {v0.16b}, v1.16b
	t tbx v2.16b, {v0.16b, v1.16b}, v3.16b
	t tbx v5.8b, {v0.16b, v1.16b, v2.16b, v3.16b}, v7.8b
	t dup v2.16b, v0.b[9]
	t dup v2.4h, v0.h[3]
	t dup v2.4s, w0
	t dup v2.2d, x0
	t dup d2, v0.d[1]
	t dup b2, v0.b[15]
	t ins v2.b[3], v0.b[12]
	t ins v2.d[1], v0.d[0]
	t ins v2.h[7], w0
	t ins v2.d[0], x0
	t umov w2, v0.b[7]
	t umov w2, v0.s[3]
	t umov x2, v0.d[1]
	t smov x2, v0.b[1]
	t smov w2, v0.h[5]
	t smov x2, v0.s[2]
	t movi v2.16b, #0xa5
	t movi v2.8h, #0x5a, lsl #8
	t movi v2.4s, #0x12, lsl #24
	t movi v2.2s, #0x34, msl #16
	t movi v2.2d, #0xff00ffff0000ff00
	t movi d2, #0x00ff00ff00ff00ff
	t mvni v2.4s, #0x77, lsl #8
	t mvni v2.4s, #0x77, msl #8
	t orr v2.4s, #0x81, lsl #16
	t bic v2.8h, #0xf0, lsl #8
	t ld1 {v2.16b}, [x4]
	t ld1 {v2.8b, v3.8b}, [x4], #16
	t ld1 {v2.2d, v3.2d, v4.2d, v5.2d}, [x4], x6
	t ld2 {v2.8h, v3.8h}, [x4]
	t ld2 {v2.8b, v3.8b}, [x4], #16
	t ld3 {v2.16b, v3.16b, v4.16b}, [x4]
	t ld3 {v2.2s, v3.2s, v4.2s}, [x4]
	t ld4 {v2.4s, v3.4s, v4.4s, v5.4s}, [x4], #64
	t ld4 {v2.8b, v3.8b, v4.8b, v5.8b}, [x4]
	t ld1 {v2.b}[5], [x4]
	t ld1 {v2.d}[1], [x4], #8
	t ld2 {v2.h, v3.h}[3], [x4], x6
	t ld3 {v2.s, v3.s, v4.s}[2], [x4]
	t ld4 {v2.b, v3.b, v4.b, v5.b}[15], [x4]
	t ld1r {v2.8h}, [x4]
	t ld2r {v2.4s, v3.4s}, [x4], #8
	t ld3r {v2.16b, v3.16b, v4.16b}, [x4]
	t ld4r {v2.1d, v3.1d, v4.1d, v5.1d}, [x4]
	t st1 {v0.16b}, [x4]
	t st1 {v0.8h, v1.8h, v2.8h}, [x4], #48
	t st2 {v0.4s, v1.4s}, [x4], x6
	t st3 {v0.8b, v1.8b, v2.8b}, [x4]
	t st4 {v0.2d, v1.2d, v2.2d, v3.2d}, [x4]
	t st1 {v0.h}[6], [x4]
	t st2 {v0.b, v1.b}[1], [x4]
	t st3 {v0.d, v1.d, v2.d}[1], [x4], #24
	t st4 {v0.s, v1.s, v2.s, v3.s}[0], [x4]
	finish simd

/* ---- cryptography ---- */
	begin crypto
	t aese v2.16b, v0.16b
	t aesd v2.16b, v0.16b
	t aesmc v2.16b, v0.16b
	t aesimc v2.16b, v0.16b
	t sha1c q2, s0, v1.4s
	t sha1p q2, s0, v1.4s
	t sha1m q2, s0, v1.4s
	t sha1h s2, s0
	t sha1su0 v2.4s, v0.4s, v1.4s
	t sha1su1 v2.4s, v0.4s
	t sha256h q2, q0, v1.4s
	t sha256h2 q2, q0, v1.4s
	t sha256su0 v2.4s, v0.4s
	t sha256su1 v2.4s, v0.4s, v1.4s
	t pmull v2.8h, v0.8b, v1.8b
	t pmull2 v2.8h, v0.16b, v1.16b
	t pmull v2.1q, v0.1d, v1.1d
	t pmull2 v2.1q, v0.2d, v1.2d
	finish crypto

/* ---- atomics: LSE on the aligned scratch at x4 ---- */
	begin atomic
	.irp op, ldadd, ldclr, ldeor, ldset, ldsmax, ldsmin, ldumax, ldumin, swp
	t \op x0, x2, [x4]
	t \op\()a w0, w2, [x4]
	t \op\()lb w0, w2, [x4]
	t \op\()alh w0, w2, [x4]
	.endr
	.irp op, stadd, stclr, steor, stset, stsmax, stsmin, stumax, stumin
	t \op x0, [x4]
	t \op\()lb w0, [x4]
	.endr
	t cas x0, x1, [x4]
	t casal w0, w1, [x4]
	t casab w0, w1, [x4]
	t caslh w0, w1, [x4]
	t casp x0, x1, x2, x3, [x4]
	t caspal w0, w1, w2, w3, [x4]
	t ldxr x2, [x4]
	t ldaxrb w2, [x4]
	t ldxp x2, x5, [x4]
	t ldaxp w2, w5, [x4]
	finish atomic

	.section .note.GNU-stack, "", %progbits
