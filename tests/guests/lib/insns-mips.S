/*
 * Operands: $8 $9 $11 ($10 is a destination that starts with a value; $13 is a small index; $12 points into scratch
 * memory), hi lo, $f0 $f2 $f6 ($f4 is a destination). Assembled for both FPU register modes.
 */
	.set	noreorder
	.set	noat
	.set	nomacro

	.macro t insn:vararg
	.pushsection .rodata.text, "a"
9:	.asciz	"\insn"
	.popsection
	.pushsection .rodata.rows, "a"
	.word	9b, 8f
	.popsection
8:	\insn
	jr	$31
	nop
	.endm

	/* A branch: what stands in the delay slot, on the path of no branch and at the target each leave a mark. */
	.macro b insn:vararg
	.pushsection .rodata.text, "a"
9:	.asciz	"\insn"
	.popsection
	.pushsection .rodata.rows, "a"
	.word	9b, 8f
	.popsection
8:	move	$14, $31
	\insn, 7f
	addiu	$10, $10, 1
	addiu	$10, $10, 2
7:	addiu	$10, $10, 4
	jr	$14
	nop
	.endm

	/* A division, left out where the divisor is 0: the manual leaves that result open. */
	.macro d insn:vararg
	.pushsection .rodata.text, "a"
9:	.asciz	"\insn"
	.popsection
	.pushsection .rodata.rows, "a"
	.word	9b, 8f
	.popsection
8:	beqz	$9, 7f
	nop
	\insn
7:	jr	$31
	nop
	.endm

	/* An operation whose Cause is read at once, the reserved bits aside. */
	.macro c insn:vararg
	.pushsection .rodata.text, "a"
9:	.asciz	"\insn; cfc1 $10,$31"
	.popsection
	.pushsection .rodata.rows, "a"
	.word	9b, 8f
	.popsection
8:	\insn
	cfc1	$10, $31
	jr	$31
	nop
	.endm

	.macro begin name
	.pushsection .rodata.rows, "a"
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
	.ent	run_stub
run_stub:
	addiu	$sp, $sp, -40
	sw	$31, 36($sp)
	sw	$4, 32($sp)
	lw	$2, 64($4)
	mthi	$2
	lw	$2, 68($4)
	mtlo	$2
	lw	$2, 72($4)
	ctc1	$2, $31
	ldc1	$f0, 32($4)
	ldc1	$f2, 40($4)
	ldc1	$f4, 48($4)
	ldc1	$f6, 56($4)
	lw	$8, 0($4)
	lw	$9, 4($4)
	lw	$10, 8($4)
	lw	$11, 12($4)
	lw	$12, 16($4)
	lw	$13, 20($4)
	jalr	$5
	nop
	lw	$4, 32($sp)
	sw	$8, 0($4)
	sw	$9, 4($4)
	sw	$10, 8($4)
	sw	$11, 12($4)
	sw	$12, 16($4)
	sw	$13, 20($4)
	sdc1	$f0, 32($4)
	sdc1	$f2, 40($4)
	sdc1	$f4, 48($4)
	sdc1	$f6, 56($4)
	mfhi	$2
	sw	$2, 64($4)
	mflo	$2
	sw	$2, 68($4)
	cfc1	$2, $31
	sw	$2, 72($4)
	ctc1	$0, $31
	lw	$31, 36($sp)
	jr	$31
	addiu	$sp, $sp, 40
	.end	run_stub

/* ---- integers, branches, memory ---- */
	begin base
	.irp op, addu, subu, and, or, xor, nor, slt, sltu, mul, movz, movn, sllv, srlv, srav, rotrv
	t \op $10, $8, $9
	.endr
	.irp imm, 0, 1, -1, 32767, -32768
	t addiu $10, $8, \imm
	t slti $10, $8, \imm
	t sltiu $10, $8, \imm
	.endr
	.irp imm, 0, 1, 65535, 0x8000
	t andi $10, $8, \imm
	t ori $10, $8, \imm
	t xori $10, $8, \imm
	t lui $10, \imm
	.endr
	.irp by, 0, 1, 13, 31
	t sll $10, $8, \by
	t srl $10, $8, \by
	t sra $10, $8, \by
	t rotr $10, $8, \by
	.endr
	.irp op, mult, multu, madd, maddu, msub, msubu
	t \op $8, $9
	.endr
	d div $0, $8, $9
	d divu $0, $8, $9
	.irp op, clz, clo, seb, seh, wsbh
	t \op $10, $8
	.endr
	t mfhi $10
	t mflo $10
	t mthi $8
	t mtlo $8
	t ext $10, $8, 0, 32
	t ext $10, $8, 5, 9
	t ext $10, $8, 31, 1
	t ins $10, $8, 0, 32
	t ins $10, $8, 7, 12
	t ins $10, $8, 31, 1
	t addu $0, $8, $9
	.irp op, lw, lh, lhu, lb, lbu, ll
	t \op $10, 0($12)
	t \op $10, -12($12)
	.endr
	t lb $10, 3($12)
	t lbu $10, -1($12)
	t lhu $10, 2($12)
	.irp op, lwl, lwr, swl, swr
	t \op $10, 0($12)
	t \op $10, 1($12)
	t \op $10, 2($12)
	t \op $10, 3($12)
	t \op $10, -5($12)
	.endr
	.irp op, sw, sh, sb
	t \op $8, 0($12)
	t \op $8, -8($12)
	.endr
	t sb $8, 1($12)
	t sh $8, 2($12)
	t lw $12, 0($12)
	t sync
	t synci 0($12)
	t pref 0, 0($12)
	t rdhwr $10, $1
	b beq $8, $9
	b bne $8, $9
	b beql $8, $9
	b bnel $8, $9
	.irp op, blez, bgtz, bltz, bgez, blezl, bgtzl, bltzl, bgezl, bltzal, bgezal, bltzall, bgezall
	b \op $8
	.endr
	finish base

/* ---- traps: each row may raise a signal; the handler notes it and skips the instruction ---- */
	begin trap
	.irp op, add, sub
	t \op $10, $8, $9
	.endr
	t addi $10, $8, 32767
	t addi $10, $8, -32768
	.irp op, teq, tne, tge, tgeu, tlt, tltu
	t \op $8, $9
	.endr
	.irp op, teqi, tnei, tgei, tgeiu, tlti, tltiu
	t \op $8, 31
	.endr
	finish trap

/* ---- floating point ---- */
	.macro sd op, operands:vararg
	t \op\().s \operands
	t \op\().d \operands
	.endm

	begin fp
	.irp op, add, sub, mul, div
	sd \op, $f4, $f0, $f2
	.endr
	.irp op, abs, neg, mov, sqrt, recip, rsqrt
	sd \op, $f4, $f0
	.endr
	.irp op, round.w, trunc.w, ceil.w, floor.w, cvt.w
	sd \op, $f4, $f0
	.endr
#if __mips_fpr == 64
	/* With FR=0 the manual leaves open what these do. */
	.irp op, round.l, trunc.l, ceil.l, floor.l, cvt.l
	sd \op, $f4, $f0
	.endr
	t cvt.s.l $f4, $f0
	t cvt.d.l $f4, $f0
#endif
	.irp cc, f, un, eq, ueq, olt, ult, ole, ule, sf, ngle, seq, ngl, lt, nge, le, ngt
	sd c.\cc, $f0, $f2
	sd c.\cc, $fcc5, $f0, $f2
	.endr
	sd movz, $f4, $f0, $9
	sd movn, $f4, $f0, $9
	sd movf, $f4, $f0, $fcc3
	sd movt, $f4, $f0, $fcc0
	.irp op, madd, msub, nmadd, nmsub
	sd \op, $f4, $f6, $f0, $f2
	.endr
	t cvt.d.s $f4, $f0
	t cvt.s.d $f4, $f0
	t cvt.s.w $f4, $f0
	t cvt.d.w $f4, $f0
	t mtc1 $8, $f4
	t mfc1 $10, $f0
	t mthc1 $8, $f4
	t mfhc1 $10, $f0
	/* The odd register is the upper half of the even one in FR=0, and a register of its own in FR=1. */
	t mtc1 $8, $f1
	t mfc1 $10, $f1
	t mov.s $f4, $f3
	t movf $10, $8, $fcc1
	t movt $10, $8, $fcc6
	b bc1f $fcc0
	b bc1t $fcc0
	b bc1fl $fcc2
	b bc1tl $fcc7
	t lwc1 $f4, 0($12)
	t ldc1 $f4, 0($12)
	t swc1 $f0, 4($12)
	t sdc1 $f0, 8($12)
	t lwxc1 $f4, $13($12)
	t ldxc1 $f4, $13($12)
	t swxc1 $f0, $13($12)
	t sdxc1 $f0, $13($12)
	c add.s $f4, $f0, $f2
	c add.d $f4, $f0, $f2
	c mul.s $f4, $f0, $f2
	c mul.d $f4, $f0, $f2
	c div.s $f4, $f0, $f2
	c div.d $f4, $f0, $f2
	c sqrt.d $f4, $f0
	c cvt.s.d $f4, $f0
	c cvt.w.d $f4, $f0
	c trunc.w.s $f4, $f0
	c c.lt.d $f0, $f2
	t cfc1 $10, $31
	t cfc1 $10, $25
	t cfc1 $10, $26
	t cfc1 $10, $28
	t ctc1 $13, $25
	t ctc1 $13, $28
	finish fp

	.section .note.GNU-stack, "", @progbits
