#!/bin/bash
# Installs what the whole test suite needs, by package name: the cross compilers and the reference emulator, the two
# debuggers, a terminal. Rust itself comes from rustup. Without root it prints the command to run instead.
set -euo pipefail
# The newest numbered lldb of the archive, or one that is there: Debian's plain "lldb" can be years behind (14 in Debian 12).
newest_lldb() {
	compgen -c lldb- | grep -E '^lldb-[0-9]+$' | sort -V | tail -n 1 | grep . ||
		apt-cache search --names-only '^lldb-[0-9]+$' | awk '{print $1}' | sort -V | tail -n 1 | grep . || echo lldb
}
[ "$(id -u)" != 0 ] || apt-get update || echo "install: apt-get update failed; going on with the package lists that are there"
packages=(
	gcc libc6-dev                                     # native figures of the benchmarks
	gcc-aarch64-linux-gnu libc6-dev-arm64-cross       # guest programs are rebuilt with these; the built ones are checked in
	gcc-mips-linux-gnu libc6-dev-mips-cross
	gcc-mipsel-linux-gnu libc6-dev-mipsel-cross
	qemu-user                                         # the reference of the differential tests and the benchmarks
	gdb-multiarch "$(newest_lldb)"                    # tests/debuggers.sh
	elfutils                                          # eu-readelf of tests/cores.sh
	tmux                                              # vi in tests/busybox.sh
	golang-go golang-src                              # tests/freebsd.sh, which has esbuild from npm, too, where npm is
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
if [ "$(id -u)" = 0 ]; then
	DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "${missing[@]}"
else
	echo "install: not root; run: sudo apt-get install --no-install-recommends ${missing[*]}"
	exit 1
fi
