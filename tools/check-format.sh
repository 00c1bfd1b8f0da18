#!/usr/bin/env bash
# Every C file of ours must be as clang-format 14 would write it (.clang-format).
set -euo pipefail
cd "$(dirname "$0")/.."

format=$(command -v clang-format-14 || command -v clang-format) || {
	echo "check-format.sh: clang-format is missing: tools/install-deps.sh test" >&2
	exit 1
}
find include src tests fuzz bench -name '*.[ch]' -print0 2>/dev/null | sort -z |
	xargs -0 -r "$format" --dry-run -Werror
