#!/usr/bin/env bash
# Every include between folders of src/ must be allowed by tools/layers.txt, and the allowed ones must form no loop.
# check-layers.sh [--self-test] [TREE]: TREE is a folder with src/ and tools/layers.txt, by default this project.
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)

check() {
	local tree=$1
	find "$tree/src" -name "*.[ch]" -print0 | sort -z | xargs -0 awk -v root="$tree/src/" '
	FILENAME ~ /layers\.txt$/ {
		if ($0 ~ /^#/ || $0 ~ /^[ \t]*$/)
			next
		folder = $1
		sub(/:$/, "", folder)
		known[folder] = 1
		for (i = 2; i <= NF; i++)
			allowed[folder, $i] = 1
		next
	}
	FNR == 1 {
		folder = substr(FILENAME, length(root) + 1)
		sub(/\/.*/, "", folder)
		if (!(folder in known)) {
			printf "%s: folder \"%s\" is not in tools/layers.txt\n", FILENAME, folder
			bad = 1
		}
	}
	/^[ \t]*#[ \t]*include[ \t]*"/ {
		target = $0
		sub(/^[^"]*"/, "", target)
		sub(/".*/, "", target)
		if (target == "dnspush.h")
			place = "include"
		else if (target !~ /\//)
			place = "(no folder)"
		else {
			place = target
			sub(/\/.*/, "", place)
		}
		if (target ~ /\.\./)
			place = "(a path with ..)"
		if (place != folder && !((folder, place) in allowed)) {
			printf "%s:%d: \"%s\" may not include \"%s\"\n", FILENAME, FNR, folder, target
			bad = 1
		}
	}
	END {
		# Take away, again and again, the folders that need nothing that is left: what stays is a loop.
		do {
			gone = 0
			for (f in known) {
				needs = 0
				for (g in known)
					if (f != g && (f, g) in allowed)
						needs = 1
				if (!needs) {
					delete known[f]
					gone = 1
				}
			}
		} while (gone)
		for (f in known) {
			printf "tools/layers.txt: \"%s\" is part of an include loop, or above one\n", f
			bad = 1
		}
		exit bad
	}' "$tree/tools/layers.txt"
}

# The check itself must notice: a forbidden include, an unknown folder, and a loop.
self_test() {
	local failed=0 name
	tree=$(mktemp -d)
	trap 'rm -rf "${tree:-}"' EXIT
	plant() {
		rm -rf "$tree/src" "$tree/tools"
		mkdir -p "$tree/src/low" "$tree/src/high" "$tree/tools"
		printf 'low:\nhigh: low\n' >"$tree/tools/layers.txt"
		printf '#include "low/a.h"\n' >"$tree/src/low/a.c"
		printf '#include "low/a.h"\n#include "high/b.h"\n#include <stdio.h>\n' >"$tree/src/high/b.c"
	}
	expect() {
		local wanted=$1 got=pass
		check "$tree" >/dev/null || got=fail
		if [ "$got" != "$wanted" ]; then
			echo "check-layers.sh: self-test \"$name\" should $wanted" >&2
			failed=1
		fi
	}
	name="allowed includes" && plant && expect pass
	name="upward include" && plant && printf '#include "high/b.h"\n' >>"$tree/src/low/a.c" && expect fail
	name="unknown folder" && plant && mkdir "$tree/src/new" && printf '#include <stdio.h>\n' >"$tree/src/new/c.c" && expect fail
	name="include by relative path" && plant && printf '#include "../high/b.h"\n' >>"$tree/src/low/a.c" && expect fail
	name="loop" && plant && printf 'low: high\nhigh: low\n' >"$tree/tools/layers.txt" && expect fail
	return $failed
}

if [ "${1:-}" = --self-test ]; then
	self_test
	exit
fi
check "${1:-$here}"
