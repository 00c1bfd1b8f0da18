#!/usr/bin/env bash
# `make bench`: dnspushd beside Knot DNS with a zone of a million records, and what sessions cost. Prints a table and
# writes bench/results.md. BENCH_RECORDS=N takes a zone of N records.
set -euo pipefail
cd "$(dirname "$0")/.."

build=build-bench
test -f $build/build.ninja || meson setup $build -Dtests=disabled -Dbuildtype=release >/dev/null
ninja --quiet -C $build dnspushd dnspush
read -ra tls <<<"$(pkgconf --cflags --libs openssl)"
cc -O2 -std=gnu17 -Wall -Wextra -o $build/sessions bench/sessions.c "${tls[@]}"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
python3 -B bench/bench.py $build "$work" bench/results.md "${BENCH_RECORDS:-1000000}"
