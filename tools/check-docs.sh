#!/usr/bin/env bash
# What the documents name must be there: files, functions and make targets in README.md and doc/, options in the manual
# pages of the programs, and every key of the configuration in dnspushd.yaml(5). Needs the programs: DNSPUSH_BUILD, else build.
set -euo pipefail
cd "$(dirname "$0")/.."

programs=${DNSPUSH_BUILD:-build}
folders='src|tests|fuzz|doc|tools|include|examples|bench|debian'
bad=0

fault() {
	echo "check-docs.sh: $*" >&2
	bad=1
}

# Words in backticks of a document, one a line.
quoted() {
	grep -o '`[^`]*`' "$1" | tr -d '`' | sort -u
}

check_page() {
	local page=$1 word
	while IFS= read -r word; do
		if [[ $word =~ ^($folders)/[^\ ]*$ || $word =~ ^[A-Za-z]+\.md$ || $word == Makefile ]]; then
			# FOLDER, STEM and their like stand for any name.
			if ! [[ $word =~ [A-Z]{3,}[/._]|\.\.\.|[A-Z]{3,}$ ]] || [[ $word =~ ^[A-Z]+\.md$ ]]; then
				[ -e "$word" ] || fault "$page: $word is not there"
			fi
		elif [[ $word =~ ^([a-z][a-z0-9_]*_[a-z0-9_]*)\(\)$ ]]; then
			grep -rqw --include='*.[ch]' -- "${BASH_REMATCH[1]}" src include tests fuzz ||
				fault "$page: there is no function $word"
		fi
	done < <(quoted "$page")
	while IFS= read -r word; do
		grep -q "^$word:" Makefile || fault "$page: there is no target \"make $word\""
	done < <({ quoted "$page"; sed -n 's/^ \{4,\}//p' "$page"; } | sed -n 's/^make \([a-z][a-z-]*\).*/\1/p' | sort -u)
}

# check_options PAGE PROGRAM
check_options() {
	local help option
	help=$("$programs/$2" --help) || {
		fault "$programs/$2 --help does not run"
		return
	}
	while IFS= read -r option; do
		grep -qE -- "(^|[ ,])$option([ ,[]|\$)" <<<"$help" || fault "$1: $2 --help does not name $option"
	done < <(grep -oE '\*--[a-z][a-z-]*' "$1" | tr -d '*' | sort -u)
	while IFS= read -r option; do
		grep -qF -- "*$option*" "$1" || fault "$1: does not name $option of $2 --help"
	done < <(grep -E '^ +-' <<<"$help" | grep -oE -- '--[a-z][a-z-]*' | sort -u)
}

check_keys() {
	local key
	while IFS= read -r key; do
		grep -qE "[*. _{]$key([*:., _]|\$)" doc/man/dnspushd.yaml.5.scd ||
			fault "doc/man/dnspushd.yaml.5.scd: does not name the key $key"
	done < <(sed -nE 's/^ +\{"([a-z-]+)", (config_)?read_.*/\1/p' src/daemon/config_schema.c src/daemon/config_access.c | sort -u)
}

while IFS= read -r -d '' page; do
	check_page "$page"
done < <(find README.md LICENSES.md CHANGELOG.md doc -name '*.md' -print0 | sort -z)
check_options doc/man/dnspush.1.scd dnspush
check_options doc/man/dnspushd.8.scd dnspushd
check_keys
exit $bad
