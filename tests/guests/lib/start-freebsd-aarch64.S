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

	// sys/elf_common.h: NT_FREEBSD_ABI_TAG, 13.2.
	.section .note.tag, "a", %note
	.balign	4
	.long	8, 4, 1
	.asciz	"FreeBSD"
	.long	1302001

	.section .note.GNU-stack, "", %progbits
