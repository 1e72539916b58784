#!/bin/bash
# The README's command is what a newcomer types first: it is taken from the README and run as it stands there.
set -uo pipefail
cd "$(dirname "$0")/.."
[ -e README.md ] || { echo "no README.md"; exit 1; }
command=$(sed -n 's/^[ $]*\(cargo run --release -- [^#]*examples\/.*\)$/\1/p' README.md | head -n 1)
[ -n "$command" ] || { echo "README.md shows no command 'cargo run --release -- ... examples/...'"; exit 1; }
grep -q 'tests/run\.sh' README.md || { echo "README.md does not name tests/run.sh"; exit 1; }
echo "$command"
output=$(bash -c "$command" </dev/null 2>/dev/null)
status=$?
echo "$output"
[ $status = 10 ] || { echo "ended with status $status, expected 10"; exit 1; }
[[ "$output" == *"triangle has area 6"*"threads add up to 25"* ]] || { echo "prints something else than expected"; exit 1; }
