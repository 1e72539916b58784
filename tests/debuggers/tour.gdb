# A user's session with examples/tour.c. The driver has connected already, and has defined the names of the registers
# that hold results: $int_result, $double_result. What must be seen, in this order, stands in tour.gdb.expect.
echo ## entry\n
info symbol $pc
echo ## breakpoint by name\n
break square
continue
info args
backtrace
echo ## next\n
next
info locals
echo ## stepi\n
set $before = $pc
stepi
print $pc != $before
x/i $pc
echo ## finish, and a general register is set\n
finish
set_int_result 50
print_int_result
next
echo ## breakpoint by line\n
tbreak tour.c:31
continue
backtrace
up 3
info locals
print n
echo ## step into a call\n
tbreak 77
continue
step
info args
echo ## floating-point registers\n
finish
print_double_result
set_double_result 3.5
print_double_result
next
echo ## vectors\n
tbreak scale
continue
print v
set var v[0] = 10
finish
vector_registers
echo ## structures and memory\n
tbreak measure
continue
print *shape
printf "corner[1].x was %d\n", shape->corner[1].x
ptype struct shape
x/s shape->name
set var shape->corner[1].x = 8
x/3dw &shape->corner[1]
printf "size %d\n", sizeof(struct shape)
echo ## calls into the guest\n
disable 1
printf "square %d\n", square(12)
printf "factorial %u\n", factorial(6)
printf "mean %g\n", mean(1.0, 3.0f)
finish
printf "triangle.area %g\n", triangle.area
echo ## threads\n
break work
continue
info threads
printf "number %d\n", *(int *)argument
thread apply all backtrace 1
delete
echo ## registers\n
info registers pc sp
echo ## to the end\n
printf "finished %d\n", finished
continue
