#!/bin/bash
# The whole test suite: formatting, lints, documentation, unit and integration tests, then the tests of the whole system
# with Debian's own programs and debuggers. Ends with "N passed, N failed, N skipped"; fails if anything failed.
# A tool that is missing is skipped, and counted as skipped; where CI is set it is a failure. tests/install.sh installs all.
set -uo pipefail
cd "$(dirname "$0")/.."
target=${CARGO_TARGET_DIR:-target}
mkdir -p "$target"
log=$target/tests.log
passed=0 failed=0 skipped=0

step() { # NAME COMMAND...: one check, with its output shown if it fails
	local name=$1
	shift
	echo "-- $name"
	if "$@" >"$log" 2>&1; then
		passed=$((passed + 1))
	else
		failed=$((failed + 1))
		echo "FAILED $name"
		tail -n 60 "$log"
	fi
}

count() { # what stands in lines "test result: ok. N passed; N failed; N ignored" of cargo test
	local results
	results=$(awk '/^test result:/ {p += $4; f += $6; i += $8} END {print p + 0, f + 0, i + 0}' "$log")
	read -r p f i <<<"$results"
	# Cases inside of a test that the machine does not allow say so themselves.
	passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + i + $(grep -c '^SKIPPED ' "$log")))
}

battery() { # NAME COMMAND...: a script that prints a line "ok", "FAILED" or "SKIPPED" for each check
	local name=$1 before=$failed
	shift
	echo "-- $name"
	"$@" >"$log" 2>"$log.err"
	local status=$?
	passed=$((passed + $(grep -c '^ok ' "$log")))
	failed=$((failed + $(grep -c '^FAILED ' "$log")))
	skipped=$((skipped + $(grep -c '^SKIPPED ' "$log")))
	grep -v '^ok ' "$log"
	# A script that broke off has checks that nobody saw.
	if [ $status != 0 ] && [ $failed = $before ] || [ ! -s "$log" ]; then
		echo "FAILED $name: ended with status $status"
		tail -n 20 "$log.err"
		failed=$((failed + 1))
	fi
}

step "formatting" cargo fmt --all --check
step "lints" cargo clippy --workspace --all-targets -- -D warnings
step "documentation" env RUSTDOCFLAGS='-D warnings' cargo doc --workspace --no-deps
echo "-- cargo test"
if ! cargo test --workspace --no-fail-fast >"$log" 2>&1; then
	# A crate that does not compile has no result line to be counted.
	grep -qE '^test result: FAILED' "$log" || failed=$((failed + 1))
	grep -E '^(error|test .*FAILED|---- |thread )' "$log" | head -n 40
	sed -n '/^failures:/,/^test result/p' "$log" | head -n 150
fi
count
step "release build" cargo build --release
if [ -x "$target/release/emu" ]; then
	battery "busybox" tests/busybox.sh
	battery "debuggers" tests/debuggers.sh
	battery "prompt at a terminal" tests/prompt.sh
	battery "cores" tests/cores.sh
	battery "FreeBSD's programs" tests/freebsd.sh
fi
step "README" tests/readme.sh
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
