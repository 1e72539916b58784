	.set	noreorder
	.text
	.globl	_start
_start:
	// a0 is the stack as the kernel built it, a3 ps_strings.
	move	$fp, $zero
	move	$ra, $zero
	la	$t0, start_ps_strings
	sw	$a3, 0($t0)
	la	$t9, guest_start
	jalr	$t9
	addiu	$sp, $sp, -24
	break

	// long sys(long nr, a, b, c, d, e, f): a3 says that v0 is an error number.
	.globl	sys
	.type	sys, @function
sys:
	addiu	$sp, $sp, -32
	lw	$t0, 48($sp)
	lw	$t1, 52($sp)
	lw	$t2, 56($sp)
	move	$v0, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	move	$a3, $t0
	sw	$t1, 16($sp)
	sw	$t2, 20($sp)
	syscall
	addiu	$sp, $sp, 32
	beqz	$a3, 1f
	nop
	negu	$v0, $v0
1:	jr	$ra
	nop
	.size	sys, . - sys

	// Calls with arguments of 64 bits: the kernel takes them as the C compiler hands them over.
	.macro	call name, number
	.globl	\name
	.type	\name, @function
\name:	li	$v0, \number
	syscall
	beqz	$a3, 1f
	nop
	negu	$v0, $v0
#ifdef __MIPSEB__
	negu	$v1, $v1
#endif
1:	jr	$ra
	nop
	.size	\name, . - \name
	.endm

	call	mmap, 477
	call	wait6, 532
	call	sendfile, 393
	call	pread, 475
	call	pwrite, 476
	call	ftruncate, 480
	call	cpuset_getaffinity, 487
	call	cpuset_setaffinity, 488
	call	cpuset_getid, 486
	call	procctl, 544
	call	clock_getcpuclockid2, 247
	call	syscall, 0
	call	__syscall, 198

	// A result of 64 bits; an error is -1 with its number in the low word.
	.globl	lseek
	.type	lseek, @function
lseek:	li	$v0, 478
	syscall
	beqz	$a3, 1f
	nop
	negu	$v1, $v0
	li	$v0, -1
#ifdef __MIPSEL__
	move	$t0, $v0
	move	$v0, $v1
	move	$v1, $t0
#endif
1:	jr	$ra
	nop
	.size	lseek, . - lseek

	// long fork_pair(int number, long flags, long *second): both results of a call that forks.
	.globl	fork_pair
	.type	fork_pair, @function
fork_pair:
	move	$t0, $a2
	move	$v0, $a0
	move	$a0, $a1
	li	$v1, 77
	syscall
	sw	$v1, 0($t0)
	jr	$ra
	nop
	.size	fork_pair, . - fork_pair

	// void *thread_pointer(void)
	.globl	thread_pointer
	.type	thread_pointer, @function
thread_pointer:
	.set	push
	.set	mips32r2
	rdhwr	$v1, $29
	.set	pop
	jr	$ra
	move	$v0, $v1
	.size	thread_pointer, . - thread_pointer

	// int bad_load(void): reads the address 0x1230 in one instruction, so that a handler can step over it.
	.globl	bad_load
	.type	bad_load, @function
bad_load:
	li	$v0, 0x1230
	lw	$v0, 0($v0)
	jr	$ra
	nop
	.size	bad_load, . - bad_load

	.comm	start_ps_strings, 4

	// sys/elf_common.h: NT_FREEBSD_ABI_TAG, 13.2.
	.section .note.tag, "a", @note
	.balign	4
	.long	8, 4, 1
	.asciz	"FreeBSD"
	.long	1302001

	.section .note.GNU-stack, "", @progbits
