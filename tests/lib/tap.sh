# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# For tests/*/run: compile sanitized test programs; their TAP is joined by what is sourced here.
# The caller sets $top.

. "$top/scripts/tests/tap.sh"
log=$tap_work/log
san=$top/build/san
export ASAN_OPTIONS=${ASAN_OPTIONS:-detect_leaks=1}

bail() # MESSAGE
{
	cp "$log" "$tap_work/output"
	result 1 "$1"
	finish
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
