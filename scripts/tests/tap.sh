# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# TAP for shell tests.  Source it, call check for each test, and end with finish.

tap_count=0
tap_failed=0
tap_work=$(mktemp -d)
trap 'rm -rf "$tap_work"' EXIT

# result STATUS NAME: one test; what it printed (in $tap_work/output) is shown if it failed.
result()
{
	tap_count=$((tap_count + 1))
	if [ "$1" = 0 ]; then
		echo "ok $tap_count - $2"
	else
		tap_failed=$((tap_failed + 1))
		sed 's/^/# /' "$tap_work/output" 2> /dev/null
		echo "not ok $tap_count - $2"
	fi
	: > "$tap_work/output"
}

# check NAME COMMAND...: the command is to succeed.
check()
{
	"${@:2}" > "$tap_work/output" 2>&1
	result $? "$1"
}

# check_fails NAME TEXT COMMAND...: the command is to fail, and to say TEXT.
check_fails()
{
	if "${@:3}" > "$tap_work/output" 2>&1; then
		echo "succeeded, but was to fail" >> "$tap_work/output"
		result 1 "$1"
	else
		grep -qF -- "$2" "$tap_work/output"
		result $? "$1"
	fi
}

skip()
{
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $1 # SKIP $2"
}

finish()
{
	echo "1..$tap_count"
	exit $((tap_failed > 0))
}
