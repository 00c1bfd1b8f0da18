#!/usr/bin/env bash
# Install the Debian packages that one purpose needs: install-deps.sh [build|demo|test|bench|deb].
# Asks for root only if something is missing, and starts no service.
set -euo pipefail

purpose=${1:-build}
build=(gcc libc6-dev make meson ninja-build pkgconf scdoc libuv1-dev libssl-dev libknot-dev liblmdb-dev libyaml-dev
	libjansson-dev libsystemd-dev libsodium-dev uthash-dev libcmocka-dev)
demo=(openssl bind9-dnsutils python3 procps)
test=("${demo[@]}" clang libclang-rt-14-dev clang-format knot knot-dnsutils nsd bind9 bind9-utils python3
	python3-dnspython python3-pytest tshark iproute2)
bench=("${demo[@]}" dnsperf knot knot-dnsutils nsd bind9 bind9-utils python3 python3-dnspython iproute2)
deb=(debhelper dpkg-dev fakeroot)

case $purpose in
build) want=("${build[@]}") ;;
demo) want=("${demo[@]}") ;;
test) want=("${test[@]}") ;;
bench) want=("${bench[@]}") ;;
deb) want=("${deb[@]}") ;;
*)
	echo "install-deps.sh: unknown purpose \"$purpose\": choose build, demo, test, bench or deb" >&2
	exit 2
	;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "install-deps.sh: this is not Debian; install what these Debian packages hold, then build with meson:" >&2
	printf '  %s\n' "${want[@]}" >&2
	# The tools may well be there under other names: let the build itself judge.
	exit 0
fi

missing=()
for package in "${want[@]}"; do
	if ! dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null | grep -q '^ii'; then
		missing+=("$package")
	fi
done
if [ ${#missing[@]} -eq 0 ]; then
	exit 0
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null; then
		echo "install-deps.sh: these packages are missing, and installing them needs root:" >&2
		echo "  apt-get install --no-install-recommends ${missing[*]}" >&2
		exit 1
	fi
	as_root=(sudo)
fi
echo "installing missing packages: ${missing[*]}"

# Peers such as knot and bind9 would start and take port 53: policy-rc.d forbids it while they are installed.
policy=/usr/sbin/policy-rc.d
kept=
restore() {
	if [ -n "$kept" ]; then
		"${as_root[@]}" mv -f "$kept" "$policy"
	else
		"${as_root[@]}" rm -f "$policy"
	fi
}
if [ -e "$policy" ] || [ -L "$policy" ]; then
	kept=$policy.dnspush-kept
	"${as_root[@]}" mv -f "$policy" "$kept"
fi
trap restore EXIT
trap 'exit 130' INT TERM
printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
"${as_root[@]}" chmod 755 "$policy"

apt() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 "$@"
}
# Package lists may be absent or old on a fresh machine: refresh them and try once more.
if ! apt install --no-install-recommends "${missing[@]}" >/dev/null 2>&1; then
	apt update >/dev/null
	apt install --no-install-recommends "${missing[@]}"
fi
