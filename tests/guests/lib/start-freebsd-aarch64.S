	.text
	.globl	_start
_start:
	mov	x29, xzr
	mov	x30, xzr
	bl	guest_start
	brk	#0

	// long sys(long nr, a, b, c, d, e, f): the carry flag says that x0 is an error number.
	.globl	sys
	.type	sys, %function
sys:
	mov	x8, x0
	mov	x0, x1
	mov	x1, x2
	mov	x2, x3
	mov	x3, x4
	mov	x4, x5
	mov	x5, x6
	svc	#0
	b.cc	1f
	neg	x0, x0
1:	ret
	.size	sys, . - sys

	// Calls with arguments of 64 bits, which MIPS passes in pairs.
	.macro	call name, number
	.globl	\name
	.type	\name, %function
\name:	mov	x8, \number
	svc	#0
	b.cc	1f
	neg	x0, x0
1:	ret
	.size	\name, . - \name
	.endm

	call	mmap, 477
	call	wait6, 532
	call	sendfile, 393
	call	pread, 475
	call	pwrite, 476
	call	ftruncate, 480
	call	lseek, 478
	call	cpuset_getaffinity, 487
	call	cpuset_setaffinity, 488
	call	cpuset_getid, 486
	call	procctl, 544
	call	clock_getcpuclockid2, 247
	call	syscall, 0
	call	__syscall, 198

	// long fork_pair(int number, long flags, long *second): both results of a call that forks.
	.globl	fork_pair
	.type	fork_pair, %function
fork_pair:
	mov	x9, x2
	mov	w8, w0
	mov	x0, x1
	mov	x1, #77
	svc	#0
	str	x1, [x9]
	ret
	.size	fork_pair, . - fork_pair

	// void *thread_pointer(void)
	.globl	thread_pointer
	.type	thread_pointer, %function
thread_pointer:
	mrs	x0, tpidr_el0
	ret
	.size	thread_pointer, . - thread_pointer

	// int bad_load(void): reads the address 0x1230 in one instruction, so that a handler can step over it.
	.globl	bad_load
	.type	bad_load, %function
bad_load:
	mov	x9, #0x1230
	ldr	x9, [x9]
	ret
	.size	bad_load, . - bad_load

	.comm	start_ps_strings, 8

	// sys/elf_common.h: NT_FREEBSD_ABI_TAG, 13.2.
	.section .note.tag, "a", %note
	.balign	4
	.long	8, 4, 1
	.asciz	"FreeBSD"
	.long	1302001

	.section .note.GNU-stack, "", %progbits
