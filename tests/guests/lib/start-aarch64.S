	.text
	.globl	_start
_start:
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, sp
	bl	guest_start
	brk	#0

	// long sys(long nr, a, b, c, d, e, f)
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
	ret
	.size	sys, . - sys

	// The linker marks the stack executable without this note.
	.section .note.GNU-stack, "", %progbits
