# The debugger keeps parent and child: both run until one has an event, which stops both.
set detach-on-fork off
set schedule-multiple on
break in_child
break in_parent
continue
print n
info threads
inferior 1
backtrace
echo ## the child alone\n
set schedule-multiple off
inferior 2
continue
echo ## the parent\n
inferior 1
continue
print n
delete
set detach-on-fork on
continue
