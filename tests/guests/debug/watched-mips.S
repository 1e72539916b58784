# A label says what the instruction at it (or in its delay slot) does: r_ reads, w_ writes, the offset from the area's start, the
# length in bytes. $a0 is the area, $a1 is 16 bytes on.
	.set	noreorder
	.set	noat
	.set	nomacro

	.macro	one name, insn:vararg
	.globl	\name
\name:	\insn
	jr	$31
	nop
	.pushsection .rodata.rows, "a"
	.word	\name
	.popsection
	.endm

	# In the delay slot of a jump.
	.macro	slot name, insn:vararg
	.globl	\name
\name:	jr	$31
	\insn
	.pushsection .rodata.rows, "a"
	.word	\name
	.popsection
	.endm

	# An exclusive pair, the store with a label of its own.
	.macro	pair name, load, name2, store:vararg
	.globl	\name, \name2
\name:	\load
\name2: \store
	jr	$31
	nop
	.pushsection .rodata.rows, "a"
	.word	\name
	.popsection
	.endm

	.section .rodata.rows, "a"
	.balign	4
rows:
	.text
	one	r_5_1_lb,	lb	$9, 5($4)
	one	r_5_1_lbu,	lbu	$9, 5($4)
	one	r_6_2_lh,	lh	$9, 6($4)
	one	r_7_2_lhu,	lhu	$9, 7($4)
	one	r_8_4_lw,	lw	$9, 8($4)
	one	r_3_4_lw,	lw	$9, 3($4)
#ifdef __MIPSEB__
	one	r_5_3_lwl,	lwl	$9, 5($4)
	one	r_4_2_lwr,	lwr	$9, 5($4)
	one	r_4_4_lwl,	lwl	$9, 4($4)
	one	r_4_4_lwr,	lwr	$9, 7($4)
	one	w_5_3_swl,	swl	$8, 5($4)
	one	w_4_2_swr,	swr	$8, 5($4)
	one	w_7_1_swl,	swl	$8, 7($4)
	one	w_4_4_swr,	swr	$8, 7($4)
#else
	one	r_4_2_lwl,	lwl	$9, 5($4)
	one	r_5_3_lwr,	lwr	$9, 5($4)
	one	r_4_4_lwl,	lwl	$9, 7($4)
	one	r_4_4_lwr,	lwr	$9, 4($4)
	one	w_4_2_swl,	swl	$8, 5($4)
	one	w_5_3_swr,	swr	$8, 5($4)
	one	w_4_1_swl,	swl	$8, 4($4)
	one	w_4_4_swr,	swr	$8, 4($4)
#endif
	one	r_16_4_lwc1,	lwc1	$f4, 0($5)
	one	r_16_8_ldc1,	ldc1	$f4, 0($5)
	one	w_5_1_sb,	sb	$8, 5($4)
	one	w_6_2_sh,	sh	$8, 6($4)
	one	w_8_4_sw,	sw	$8, 8($4)
	one	w_3_4_sw,	sw	$8, 3($4)
	one	w_8_4_zero,	sw	$0, 8($4)
	one	w_16_4_swc1,	swc1	$f0, 0($5)
	one	w_16_8_sdc1,	sdc1	$f0, 0($5)
	slot	r_20_4_slot,	lw	$9, 4($5)
	slot	w_20_4_slot,	sw	$8, 4($5)
	slot	w_5_1_slot,	sb	$8, 5($4)
	# Not an access.
	one	prefetch,	pref	0, 0($5)
	pair	r_16_4_ll, "ll $9, 0($5)", w_16_4_sc, sc $8, 0($5)
	.section .rodata.rows, "a"
rows_end:
	.text

	.globl	make_accesses
	.ent	make_accesses
make_accesses:
	addiu	$sp, $sp, -40
	sw	$31, 36($sp)
	sw	$16, 32($sp)
	sw	$17, 28($sp)
	sw	$18, 24($sp)
	move	$16, $4
	lui	$17, %hi(rows)
	addiu	$17, $17, %lo(rows)
	lui	$18, %hi(rows_end)
	addiu	$18, $18, %lo(rows_end)
1:	lw	$25, 0($17)
	addiu	$17, $17, 4
	move	$4, $16
	addiu	$5, $16, 16
	lui	$8, 0x1122
	ori	$8, $8, 0x3344
	mtc1	$8, $f0
	jalr	$25
	nop
	bne	$17, $18, 1b
	nop
	lw	$18, 24($sp)
	lw	$17, 28($sp)
	lw	$16, 32($sp)
	lw	$31, 36($sp)
	jr	$31
	addiu	$sp, $sp, 40
	.end	make_accesses

	# long start_thread(void (*work)(int), void *stack_top, int argument, int *running)
	.globl	start_thread
	.ent	start_thread
start_thread:
	addiu	$sp, $sp, -32
	# The fifth argument is on the stack; the child's stack has what it is to do.
	sw	$7, 16($sp)
	addiu	$5, $5, -32
	sw	$4, 16($5)
	sw	$6, 20($5)
	# CLONE_VM | FS | FILES | SIGHAND | THREAD | SYSVSEM | CHILD_CLEARTID
	lui	$4, 0x25
	ori	$4, $4, 0x0f00
	move	$6, $0
	move	$7, $0
	li	$2, 4120
	syscall
	beqz	$2, 1f
	nop
	jr	$31
	addiu	$sp, $sp, 32
1:	lw	$25, 16($sp)
	lw	$4, 20($sp)
	move	$31, $0
	jalr	$25
	nop
	move	$4, $0
	li	$2, 4001
	syscall
	.end	start_thread

	.section .note.GNU-stack, "", @progbits
