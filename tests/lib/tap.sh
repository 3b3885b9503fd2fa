# SPDX-License-Identifier: GPL-2.0
#
# For tests/*/run: compile sanitized test programs, and join the TAP of several.
# The caller sets $top.

count=0
failed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
san=$top/build/san
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

bail() # MESSAGE
{
	sed 's/^/# /' "$log"
	echo "not ok $((count + 1)) - $1"
	echo "1..$((count + 1))"
	exit 1
}

build_sanitized() # TARGET…
{
	make -s -f "$top/tools/Makefile" SAN=1 "$@" >"$log" 2>&1
}

# compile OUTPUT ARGUMENT…: a test program, with the sanitized library
compile()
{
	local output=$1
	shift
	${CC:-cc} -std=gnu11 -O1 -g -Wall -Wextra -Werror -D_GNU_SOURCE \
		-fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-I"$top/include/uapi" -I"$top/tools/lib" -I"$top/tests/lib" -o "$output" \
		"$@" "$san/obj/tools/libprovenance.a" -lzstd -lxxhash >"$log" 2>&1
}

result() # STATUS NAME
{
	count=$((count + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $count - $2"
	else
		echo "not ok $count - $2"
		failed=$((failed + 1))
	fi
}

# adopt COMMAND…: run a program that prints TAP; its results become ours
adopt()
{
	local line status results=0 bad=0
	"$@" >"$log" 2>"$log.err"
	status=$?
	while IFS= read -r line; do
		case $line in
		"ok "*)		result 0 "${line#* - }"; results=$((results + 1)) ;;
		"not ok "*)	result 1 "${line#* - }"; results=$((results + 1)); bad=1 ;;
		"1.."*)		;;
		*)		echo "# ${line#\# }" ;;
		esac
	done <"$log"
	if [ "$status" -ne 0 ] || [ "$bad" -ne 0 ]; then
		sed 's/^/# /' "$log.err"
	fi
	rm -f "$log.err"
	if [ "$results" -eq 0 ] || { [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; }; then
		result 1 "${1##*/} ended with status $status"
	fi
}

finish()
{
	echo "1..$count"
	[ "$failed" -eq 0 ]
	exit
}
