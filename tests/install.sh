#!/bin/bash
# Installs what the whole test suite needs, by package name: the cross compilers and the reference emulator, the two
# debuggers, a terminal. Rust itself comes from rustup. Without root it prints the command to run instead.
set -euo pipefail
packages=(
	gcc libc6-dev                                     # native figures of the benchmarks
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross       # guest programs are rebuilt with these; the built ones are checked in
	gcc-mips-linux-gnu libc6-dev-mips-cross
	gcc-mipsel-linux-gnu libc6-dev-mipsel-cross
	qemu-user                                         # the reference of the differential tests and the benchmarks
	gdb-multiarch lldb                                # tests/debuggers.sh
	tmux                                              # vi in tests/busybox.sh
	apt dpkg debian-archive-keyring ca-certificates   # tests/packages.sh
)
missing=()
for package in "${packages[@]}"; do
	dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing+=("$package")
done
if [ ${#missing[@]} = 0 ]; then
	echo "install: everything is there"
	exit
fi
# An lldb of a certain version serves as well.
if [[ " ${missing[*]} " == *" lldb "* ]] && compgen -c lldb- | grep -qE '^lldb-[0-9]+$'; then
	mapfile -t missing < <(printf '%s\n' "${missing[@]}" | grep -vx lldb)
fi
if [ ${#missing[@]} = 0 ]; then
	echo "install: everything is there"
elif [ "$(id -u)" = 0 ]; then
	apt-get update
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
else
	echo "install: not root; run: sudo apt-get install --no-install-recommends ${missing[*]}"
	exit 1
fi
