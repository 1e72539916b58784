#!/bin/bash
# Real programs of FreeBSD/arm64: what Go builds for it, and esbuild's own executable. Prints a line "ok", "FAILED" or "SKIPPED"
# for each check. Needs Go (tests/install.sh); esbuild comes by name from npm's registry, and is skipped where there is none.
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
emu=${EMU:-${CARGO_TARGET_DIR:-$root/target}/release/emu}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
export GOFLAGS=-mod=mod GOTOOLCHAIN=local GOCACHE=${GOCACHE:-$tmp/go-cache} CGO_ENABLED=0

check() { # NAME COMMAND...
	local name=$1
	shift
	if "$@" >"$tmp/log" 2>&1; then echo "ok $name"; else
		echo "FAILED $name"
		tail -n 30 "$tmp/log"
	fi
}

missing() { # WHAT: skipped, but where everything is to be there
	if [ -n "${CI:-}" ]; then echo "FAILED $1"; else echo "SKIPPED $1"; fi
}

same() { diff -u "$1" "$2"; }

# One program for both systems: goroutines, files, a web server and its client, a child, signals, interfaces.
go_program() {
	for target in freebsd/arm64 linux/amd64; do
		GOOS=${target%/*} GOARCH=${target#*/} go build -o "$tmp/program.${target%/*}" tests/freebsd/program.go || return 1
	done
	(cd "$tmp" && mkdir -p native && cd native && ../program.linux >../native.out) || return 1
	(cd "$tmp" && mkdir -p guest && cd guest && "$emu" ../program.freebsd >../guest.out) || return 1
	same "$tmp/native.out" "$tmp/guest.out"
}

# Go's own tests of a package, compiled for FreeBSD, in the package's folder. SKIP are tests that need something of the machine.
go_tests() { # PACKAGE SKIP
	local source
	source=$(go env GOROOT)/src/$1
	(cd "$source" && GOOS=freebsd GOARCH=arm64 go test -c -o "$tmp/tests" "$1") || return 1
	local tests
	tests=$(cd "$source" && "$emu" "$tmp/tests" -test.list . | grep -vxE "$2" | paste -sd '|')
	(cd "$source" && GOOS=freebsd GOARCH=arm64 "$emu" "$tmp/tests" -test.short -test.run "^($tests)\$" </dev/null)
}

if ! command -v go >/dev/null; then
	missing "go: not installed"
else
	check "go: a program of many parts" go_program
	# They have nohup start a program of FreeBSD, which only a host with binfmt_misc can; jails need a kernel.
	check "go: tests of os" go_tests os TestStatStdin
	check "go: tests of net" go_tests net none
	check "go: tests of os/exec" go_tests os/exec none
	check "go: tests of os/signal" go_tests os/signal 'TestNohup|TestDetectNohup'
	check "go: tests of syscall" go_tests syscall TestJailAttach
	check "go: tests of sync" go_tests sync none
	check "go: tests of runtime/pprof" go_tests runtime/pprof none
	check "go: tests of log/syslog" go_tests log/syslog none
fi

version=0.28.2
esbuild_packages() {
	mkdir -p "$tmp/esbuild" && cd "$tmp/esbuild" || return 1
	for system in freebsd-arm64 linux-x64; do
		npm pack --silent "@esbuild/$system@$version" && mkdir -p "$system" &&
			tar xzf "esbuild-$system-$version.tgz" -C "$system" --strip-components=1 || return 1
	done
	echo '{"private": true}' >package.json
	npm install --silent --no-audit --no-fund --ignore-scripts react@19.1.0 react-dom@19.1.0 lodash-es@4.17.21 || return 1
	printf '%s\n' "import * as lodash from 'lodash-es'" "import {createRoot} from 'react-dom/client'" \
		'console.log(lodash, createRoot)' >entry.js
}

bundles() { # by the host's executable and by FreeBSD's, with and without minification
	cd "$tmp/esbuild" || return 1
	for options in --bundle "--bundle --minify --sourcemap=inline"; do
		# shellcheck disable=SC2086 # the options are words
		linux-x64/bin/esbuild entry.js $options --log-level=error >native.js || return 1
		# shellcheck disable=SC2086
		"$emu" freebsd-arm64/bin/esbuild entry.js $options --log-level=error >guest.js || return 1
		[ -s guest.js ] && cmp native.js guest.js || return 1
	done
}

watches() { # a change is seen, and what is served is new
	cd "$tmp/esbuild" || return 1
	mkfifo stdin
	"$emu" freebsd-arm64/bin/esbuild entry.js --bundle --outdir=out --watch --servedir=out --serve=127.0.0.1:0 \
		--color=false <stdin >watch.log 2>&1 &
	local guest=$! port= result=1
	exec 9>stdin
	for _ in $(seq 100); do
		port=$(sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' watch.log | head -n 1)
		[ -n "$port" ] && break
		sleep 0.2
	done
	get() { exec 8<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /entry.js HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n' >&8 && cat <&8 >served.js; }
	if [ -n "$port" ] && get && grep -q createRoot served.js; then
		echo 'console.log("a change that is seen")' >>entry.js
		for _ in $(seq 100); do
			grep -q 'build started' watch.log && get && grep -q 'a change that is seen' served.js && result=0 && break
			sleep 0.2
		done
	fi
	# It ends with its input.
	exec 9>&-
	wait $guest || result=1
	[ $result = 0 ] || cat watch.log
	return $result
}

if ! command -v npm >/dev/null; then
	missing "esbuild: npm is not installed"
elif ! (esbuild_packages) >"$tmp/npm.log" 2>&1; then
	missing "esbuild: npm cannot get its packages"
else
	check "esbuild: bundles as the host's" bundles
	check "esbuild: serves and watches" watches
fi
