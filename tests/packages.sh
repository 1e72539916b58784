#!/bin/bash
# Unpacks a Debian package, of any architecture and suite, into a folder of the build directory without installing it:
#   tests/packages.sh PACKAGE ARCHITECTURE SUITE...
# The first suite that has the package wins. Prints the folder it is unpacked in. apt gets lists and a configuration of its
# own for this, so that neither the machine's sources nor its architectures change; no root rights are needed.
set -euo pipefail
package=$1 architecture=$2
shift 2
root=$(cd "$(dirname "$0")/.." && pwd)
base=${CARGO_TARGET_DIR:-$root/target}/packages
apt=$base/apt
unpacked=$base/$package-$architecture
if [ -e "$unpacked/.complete" ]; then
	echo "$unpacked"
	exit
fi
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
key=/usr/share/keyrings/debian-archive-keyring.gpg
for suite in "$@"; do
	dir=$apt/$suite-$architecture
	mkdir -p "$dir"/{lists/partial,cache/archives/partial,etc/apt.conf.d}
	: >"$dir/status"
	echo "deb [arch=$architecture signed-by=$key] $mirror $suite main" >"$dir/sources.list"
	cat >"$dir/apt.conf" <<-EOF
		Dir "$dir";
		Dir::State "$dir";
		Dir::State::lists "$dir/lists";
		Dir::State::status "$dir/status";
		Dir::Cache "$dir/cache";
		Dir::Etc "$dir/etc";
		Dir::Etc::sourcelist "$dir/sources.list";
		Dir::Etc::sourceparts "-";
		APT::Architecture "amd64";
		APT::Architectures { "amd64"; "$architecture"; };
		APT::Sandbox::User "$(id -un)";
		// A mirror that lags is good enough here; the signature is still checked.
		Acquire::Check-Valid-Until "false";
		Acquire::Languages "none";
		Acquire::Retries "3";
	EOF
	export APT_CONFIG=$dir/apt.conf
	if ! apt-get -qq update >"$dir/log" 2>&1; then
		tail -n 3 "$dir/log" >&2
		continue
	fi
	rm -f "$dir"/*.deb
	if (cd "$dir" && apt-get -qq download "$package:$architecture") >>"$dir/log" 2>&1; then
		rm -rf "$unpacked"
		mkdir -p "$unpacked"
		dpkg -x "$dir"/*.deb "$unpacked"
		rm -rf "$dir"
		touch "$unpacked/.complete"
		echo "$unpacked"
		exit
	fi
	tail -n 3 "$dir/log" >&2
done
echo "packages.sh: no $package for $architecture in: $*; is the network there?" >&2
exit 1
