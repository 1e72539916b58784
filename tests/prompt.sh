#!/bin/bash
# The prompt at a terminal, by tmux: completion, history, Ctrl-C, the full-screen view, and the terminal as it was afterwards.
# Prints "ok NAME", "FAILED NAME" or "SKIPPED NAME" for each check.
set -uo pipefail
cd "$(dirname "$0")/.."
emu=${CARGO_TARGET_DIR:-$PWD/target}/release/emu
if ! command -v tmux >/dev/null; then
	if [ -n "${CI:-}" ]; then echo "FAILED prompt: no tmux"; exit 1; fi
	echo "SKIPPED prompt: no tmux"
	exit
fi
dir=$(mktemp -d)
server=emu-prompt-$$
tm() { tmux -L "$server" -f /dev/null "$@"; }
trap 'tm kill-server 2>/dev/null; rm -rf "$dir"' EXIT
export XDG_STATE_HOME=$dir LC_ALL=C.UTF-8 TERM=screen
tm new-session -d -x 100 -y 30 "PS1='shell$ ' bash --norc --noprofile"

screen() { tm capture-pane -p; }
keys() { tm send-keys "$@"; }
# Waits until the screen shows a text; says so if it does not come.
await() { # TEXT
	local i
	for i in $(seq 300); do
		if screen | grep -qF -- "$1"; then return 0; fi
		sleep 0.1
	done
	return 1
}
expect() { # NAME TEXT
	if await "$2"; then
		echo "ok $1"
	else
		echo "FAILED $1: no '$2' on the screen:"
		screen | sed 's/^/  /'
	fi
}

expect "shell" 'shell$'
keys "stty -a | tail -n +2 > $dir/before" Enter
keys "clear; $emu -i examples/bin/aarch64/tour" Enter
expect "prompt" '(emu)'
keys "break squ" Tab
expect "completion of symbols" '(emu) break square'
keys Enter
expect "breakpoint" 'Breakpoint 1 at 0x40069c'
keys "run" Enter
expect "stop" 'Breakpoint 1, square (number=7)'
keys "stepi" Enter
expect "step" '0x00000000004006a0'
keys "" Enter
expect "an empty line repeats" '0x00000000004006a4'
keys Up
expect "history" '(emu) stepi'
keys C-c
keys "tui" Enter
expect "view: source" '>   24 '
expect "view: registers" 'x0   0x'
expect "view: stack" '#1  0x00000000004008d0 in main'
keys f
expect "view: finish" 'main (argc=1'
keys n
expect "view: the program's output" 'square of 7 is 49'
keys Tab
expect "view: disassembly" '<factorial>'
keys ":" "print seven" Enter
expect "view: a command" '$2 = 7'
keys ":" "run" Enter
expect "view: started anew" '>0x40069c +8 '
keys f
keys n
expect "view: the new program's output" 'square of 7 is 49'
tm resize-window -x 70 -y 20
expect "view: another size" 'u/d frame'
tm resize-window -x 100 -y 30
keys "q"
expect "view left" '(emu)'
keys "quit" Enter
expect "quit" 'shell$'
keys "clear; stty -a | tail -n +2 > $dir/after; echo is-back" Enter
expect "shell again" 'is-back'
if diff "$dir/before" "$dir/after" >/dev/null; then echo "ok terminal as it was"; else echo "FAILED terminal as it was"; diff "$dir/before" "$dir/after"; fi
if grep -q '^stepi' "$dir/emu/history"; then echo "ok history file"; else echo "FAILED history file"; fi

# Ctrl-C stops a program that runs; it goes on afterwards.
keys "clear; $emu -i tests/guests/bin/mips/waits nanosleep" Enter
await '(emu)'
keys "continue" Enter
sleep 1
keys C-c
expect "Ctrl-C" 'received signal SIGINT, Interrupt.'
keys "info threads" Enter
expect "threads of a program that waits" 'Thread '
keys "kill" Enter
expect "kill" 'killed]'
keys "run" Enter
sleep 1
keys C-c "print 40 + 2" Enter
await '= 42'
if [ "$(screen | grep -c 'received signal SIGINT')" = 2 ]; then
	echo "ok Ctrl-C in a program that was started anew"
else
	echo "FAILED Ctrl-C in a program that was started anew"
	screen
fi
keys "kill" Enter "run" Enter
sleep 5
keys "info program" Enter
expect "it has ended by itself" 'is not being run'
keys "quit" Enter
await 'shell$'

# The view from the command line, and a program that dies in it.
keys "clear; $emu --tui tests/guests/bin/aarch64/die" Enter
expect "--tui" '? help'
keys c
sleep 1
keys c
sleep 1
keys q
expect "--tui left" '(emu)'
keys "quit" Enter
expect "after --tui" 'shell$'
keys "clear; stty -a | tail -n +2 > $dir/after; echo is-back" Enter
expect "shell after --tui" 'is-back'
if diff "$dir/before" "$dir/after" >/dev/null; then echo "ok terminal as it was after --tui"; else echo "FAILED terminal as it was after --tui"; fi
