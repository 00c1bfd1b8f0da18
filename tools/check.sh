#!/usr/bin/env bash
# Everything that CI runs: packages, three builds, and every test. Goes on after a failure, so that one run tells all.
# The last line is "N passed, N failed"; exit 1 if any failed or none ran.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1

steps=10
step=0
passed=0
failed=0
summary=()
result=build/check-result
started=$SECONDS

begin() {
	step=$((step + 1))
	what=$1
	since=$SECONDS
	echo
	echo "[$step/$steps] $what ..."
}

# end PASSED FAILED: the step is over.
end() {
	passed=$((passed + $1))
	failed=$((failed + $2))
	summary+=("$(printf '%-52s %5d passed %3d failed %5d s' "$what" "$1" "$2" $((SECONDS - since)))")
}

# One command that counts as one test.
single() {
	if "$@"; then
		one_passed=$((one_passed + 1))
	else
		echo "FAILED: $*" >&2
		one_failed=$((one_failed + 1))
	fi
}

# build FOLDER COMPILER [OPTION...]: 0 if the build in FOLDER is up to date afterwards.
build() {
	local folder=$1 compiler=$2
	shift 2
	if [ ! -f "$folder/build.ninja" ]; then
		CC=$compiler meson setup "$folder" "$@" >"$folder.log" 2>&1 || {
			cat "$folder.log" >&2
			rm -rf "$folder.log" "$folder"
			return 1
		}
		rm -f "$folder.log"
	fi
	ninja -C "$folder" --quiet
}

# suites FOLDER LOG SUITE...: run them; sets good and bad from what Meson logged of each test.
suites() {
	local folder=$1 log=$2 arguments=()
	shift 2
	for suite in "$@"; do
		arguments+=(--suite "$suite")
	done
	rm -f "$folder/meson-logs/$log.json"
	meson test -C "$folder" --no-rebuild --print-errorlogs --logbase "$log" "${arguments[@]}" | grep -vE '^(ninja:|$)'
	read -r good bad < <(python3 - "$folder/meson-logs/$log.json" <<'PYTHON'
import json
import sys

good = bad = 0
try:
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            result = json.loads(line)["result"]
            if result in ("OK", "EXPECTEDFAIL"):
                good += 1
            elif result != "SKIP":
                bad += 1
except (OSError, ValueError, KeyError):
    bad += 1
print(good, bad)
PYTHON
	)
}

# run WHAT FOLDER LOG SUITE...: a step of suites in a folder; one failure where that folder was not built.
run() {
	begin "$1"
	if [ -f "$2/.check-built" ]; then
		suites "$2" "$3" "${@:4}"
		end "$good" "$bad"
	else
		echo "not run: $2 was not built" >&2
		end 0 1
	fi
}

# make_build WHAT FOLDER COMPILER [OPTION...]: a step that builds.
make_build() {
	begin "$1"
	rm -f "$2/.check-built"
	if build "${@:2}"; then
		touch "$2/.check-built"
		end 1 0
	else
		end 0 1
	fi
}

begin "missing Debian packages"
if ! tools/install-deps.sh build || ! tools/install-deps.sh test; then
	echo "check.sh: packages are missing; see above" >&2
	echo "0 passed, 1 failed"
	exit 1
fi
end 0 0

make_build "build with gcc" build gcc
mkdir -p build
rm -f "$result"

begin "layers, format, documents, conformance table"
one_passed=0
one_failed=0
single tools/check-layers.sh --self-test
single tools/check-layers.sh
single tools/check-format.sh
single tools/check-docs.sh
single /usr/bin/python3 tools/conformance.py --check
end $one_passed $one_failed

run "unit and simulation tests, corpora of the fuzzers" build check unit sim corpus

export ASAN_OPTIONS=detect_stack_use_after_return=1:strict_string_checks=1:abort_on_error=1
export UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
make_build "build with clang, address and undefined sanitizers" build-asan clang \
	-Db_sanitize=address,undefined -Db_lundef=false
run "the same tests under these sanitizers" build-asan check unit sim corpus

export TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1
make_build "build with thread sanitizer" build-tsan gcc -Db_sanitize=thread -Db_lundef=false
run "unit tests under thread sanitizer" build-tsan check unit

run "end to end" build check-e2e e2e
run "against other software" build check-interop interop

echo
printf '%s\n' "${summary[@]}"
echo "in $(((SECONDS - started) / 60)) min $(((SECONDS - started) % 60)) s"
echo "$passed $failed" >"$result"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
