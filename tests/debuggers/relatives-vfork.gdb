# The debugger follows the child of a vfork into the program that it executes.
break in_parent
continue
delete
set follow-fork-mode child
break in_child
continue
backtrace
info inferiors
print n
echo ## to the end\n
continue
