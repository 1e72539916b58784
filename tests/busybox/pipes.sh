# Pipelines, redirections, subshells and background jobs; $BB is busybox as a program to execute.
seq 1 1000 | awk '{s += $1} END {print s}'
seq 1 20000 | grep 7 | sort -r | head -n 3
echo one > file; echo two >> file; cat < file; wc -l file
{ echo out; echo err >&2; } 2>&1 | sort
$BB echo executed
$BB sh -c '$BB echo inner; exit 5'; echo "status $?"
yes | head -n 3
(sleep 0.1; echo background) & wait; echo waited
echo hidden 2>/dev/null >/dev/null; echo shown 3>&1 >&3
seq 5 | while read n; do echo "line $n"; done
seq 10 | tee copy | tail -n 1; cat copy | tr '\n' ' '; echo
seq 1 30 | xargs -n 7 echo
mkfifo pipe; echo through > pipe & cat pipe; wait
echo "a b c" | { read x y; echo "$y $x"; }
for i in 1 2 3 4 5 6 7 8; do $BB true & done; wait; echo "all done"
nosuchcommand 2>/dev/null; echo "status $?"
exec 5>fifth; echo written >&5; exec 5>&-; cat fifth
