# shellcheck shell=sh
# SPDX-License-Identifier: Apache-2.0
#
# tests/api/cli.sh - read in by checks of a command: a folder of its own that goes when the check ends, and what is said
# of a command that does otherwise than expected.
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "FAILED: $*"
	exit 1
}

# expect CODE COMMAND...: its exit code; what it says is in out and said, of that folder.
expect() {
	code=$1
	shift
	got=0
	"$@" >"$dir/out" 2>"$dir/said" || got=$?
	[ "$got" = "$code" ] || { cat "$dir/out" "$dir/said"; fail "$* gave $got, not $code"; }
}

# has FILE TEXT
has() {
	grep -qF -e "$2" "$1" || { cat "$1"; fail "'$2' is not in $1"; }
}

# expect_text CODE TEXT COMMAND...: its exit code; both outputs are in out, and TEXT is in them.
expect_text() {
	code=$1 text=$2
	shift 2
	expect "$code" "$@"
	cat "$dir/said" >>"$dir/out"
	[ -z "$text" ] || grep -qF -e "$text" "$dir/out" || { cat "$dir/out"; fail "$* did not say: $text"; }
}
