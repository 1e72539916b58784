# Signals in a shell.
trap 'echo usr1' USR1; kill -USR1 $$
trap 'echo term; trap - TERM' TERM; kill -TERM $$
trap '' INT; kill -INT $$; echo "int ignored"
sh -c 'kill -KILL $$'; echo "killed: $?"
sh -c 'kill -SEGV $$'; echo "segv: $?"
$BB sh -c 'trap "echo child got it; exit 9" HUP; kill -HUP $$; echo not here'; echo "status $?"
$BB sleep 100 & p=$!; kill $p; wait $p; echo "sleep: $?"
timeout 0.2 $BB sleep 5; echo "timeout: $?"
trap 'echo leaving $?' EXIT
exit 4
