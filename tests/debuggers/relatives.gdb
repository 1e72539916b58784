# Forks, vforks and programs of tests/guests/debug/relatives.c, caught while the debugger stays with the parent.
catch fork
catch vfork
catch exec
break in_parent
echo ## a fork\n
continue
info inferiors
continue
print n
continue
echo ## a vfork\n
continue
backtrace
echo ## another program\n
continue
break in_child
continue
print n
info proc exe
echo ## to the end\n
continue
