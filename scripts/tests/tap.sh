# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# TAP for shell tests.  Source it, call check for each test, and end with finish.  The results of
# programs that print TAP themselves are adopted.

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

# adopt PREFIX COMMAND...: run what prints TAP; its results become ours, each behind PREFIX unless that
# is empty.
adopt()
{
	"${@:2}" > "$tap_work/adopted" 2> "$tap_work/adopted.err"
	adopt_log "$1" $? "${2##*/}" "$tap_work/adopted"
}

# adopt_log PREFIX STATUS NAME FILE: the same of a program NAME that has ended with STATUS.  What it said
# on stderr is in FILE.err.
#
# A program that dies on the way has printed results that are right as far as they go.  So it has to end
# well, or to say itself what is wrong, and to have as many results as it planned.
adopt_log()
{
	local line name bad=0 results=0 plan=0

	: > "$tap_work/output"
	while IFS= read -r line; do
		name=${1:+$1: }${line#* - }
		case $line in
		"ok "*) result 0 "$name"; results=$((results + 1)) ;;
		"not ok "*) result 1 "$name"; results=$((results + 1)); bad=1 ;;
		1..[0-9]*) line=${line#1..}; plan=$((plan + ${line%%[!0-9]*})) ;;
		*) echo "# ${line#\# }" ;;
		esac
	done < "$4"
	sed 's/^/# /' "$4.err"
	if [ $results = 0 ] || [ $results != $plan ] || { [ "$2" != 0 ] && [ $bad = 0 ]; }; then
		result 1 "${1:+$1: }$3 ended with status $2 after $results of $plan results"
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
