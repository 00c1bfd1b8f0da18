#!/usr/bin/env bash
# Every fuzzer for some seconds each: fuzz.sh [SECONDS] [READER...]. Starts from the corpora in the tree; what is found
# new stays in build-fuzz/corpus, what breaks in build-fuzz/broken.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=${1:-60}
shift || true
if ! [[ $seconds =~ ^[1-9][0-9]*$ ]]; then
	echo "fuzz.sh: \"$seconds\" is no number of seconds" >&2
	exit 2
fi
[ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Dfuzz=true -Dtests=disabled -Db_lundef=false >/dev/null
ninja -C build-fuzz --quiet

readers=("$@")
if [ ${#readers[@]} -eq 0 ]; then
	for fuzzer in build-fuzz/fuzz/fuzz_*; do
		if [ -x "$fuzzer" ] && [ -f "$fuzzer" ]; then
			readers+=("$(basename "$fuzzer" | sed 's/^fuzz_//')")
		fi
	done
fi
failed=()
for reader in "${readers[@]}"; do
	echo "fuzzing $reader for $seconds s"
	mkdir -p "build-fuzz/corpus/$reader" "build-fuzz/broken/$reader"
	if ! "build-fuzz/fuzz/fuzz_$reader" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
		-artifact_prefix="build-fuzz/broken/$reader/" "build-fuzz/corpus/$reader" "fuzz/corpus/$reader" \
		>"build-fuzz/$reader.log" 2>&1; then
		tail -n 40 "build-fuzz/$reader.log" >&2
		failed+=("$reader")
	else
		grep -E 'number_of_executed_units|new_units_added' "build-fuzz/$reader.log" || true
	fi
done
if [ ${#failed[@]} -gt 0 ]; then
	echo "fuzz.sh: broken readers: ${failed[*]}; inputs in build-fuzz/broken" >&2
	exit 1
fi
echo "${#readers[@]} fuzzers, $seconds s each, nothing found"
