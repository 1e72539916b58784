# Watchpoints, hardware breakpoints and conditions in tests/guests/debug/watched.c. What must be seen stands in
# watched.gdb.expect. The values are shown with the PC behind the access: gdb steps over it.
tbreak make_accesses
continue
echo ## read\n
rwatch area[20]
continue
info symbol $pc
delete
echo ## write\n
watch area[5]
continue
info symbol $pc
delete
echo ## both\n
awatch area[18]
continue
delete
echo ## of any size\n
watch area
continue
delete
watch *(char (*)[3])&area[15]
continue
delete
echo ## hardware breakpoint\n
hbreak accesses_done
continue
info breakpoints
delete
echo ## system calls\n
watch message
continue
backtrace
delete
watch parts[1][7]
continue
delete
rwatch message[2]
continue
delete
echo ## threads\n
tbreak calls_done
continue
watch total if total >= 25
continue
info threads
delete
echo ## conditions\n
set breakpoint condition-evaluation target
break work if worker == 99
hbreak workers_done if total == 30
continue
info breakpoints
print total
echo ## to the end\n
delete
continue
