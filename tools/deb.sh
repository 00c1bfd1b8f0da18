#!/usr/bin/env bash
# The Debian packages dnspushd and dnspush, into build/deb. Works on a copy, so that the tree stays as it is.
set -euo pipefail
cd "$(dirname "$0")/.."

copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
mkdir "$copy/dnspush"
tar --exclude='./build*' --exclude=./.git -cf - . | tar -xf - -C "$copy/dnspush"
(cd "$copy/dnspush" && dpkg-buildpackage -us -uc -b)
mkdir -p build/deb
mv "$copy"/*.deb build/deb/
ls -l build/deb
