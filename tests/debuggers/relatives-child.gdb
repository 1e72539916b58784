# The debugger follows the child of a fork; the parent runs on alone.
break in_child
set follow-fork-mode child
continue
backtrace
info inferiors
info threads
watch $sp
delete 2
print n
finish
echo ## to the end\n
continue
