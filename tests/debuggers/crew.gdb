echo ## breakpoint\n
break add if amount == 3
continue
info threads
backtrace
echo ## the other thread\n
thread 2
up
thread 1
echo ## watchpoint\n
watch total
continue
continue
delete
echo ## memory and registers\n
print total
info registers pc sp
x/2i $pc
continue
