	.text
	.set	noreorder
	.globl	_start
	.ent	_start
_start:
	move	$fp, $zero
	move	$ra, $zero
	move	$a0, $sp
	addiu	$sp, $sp, -32
	jal	guest_start
	nop
	break
	.end	_start

	# long sys(long nr, a, b, c, d, e, f): o32 has the kernel's fifth and later arguments at 16($sp);
	# an error comes as a positive errno with $a3 set
	.globl	sys
	.ent	sys
sys:
	addiu	$sp, $sp, -32
	move	$v0, $a0
	move	$a0, $a1
	move	$a1, $a2
	move	$a2, $a3
	lw	$t0, 52($sp)
	lw	$t1, 56($sp)
	lw	$t2, 60($sp)
	lw	$a3, 48($sp)
	sw	$t0, 16($sp)
	sw	$t1, 20($sp)
	sw	$t2, 24($sp)
	syscall
	beqz	$a3, 1f
	addiu	$sp, $sp, 32
	subu	$v0, $zero, $v0
1:	jr	$ra
	nop
	.end	sys

	.section .note.GNU-stack, "", @progbits
