# SPDX-License-Identifier: GPL-2.0
# shellcheck shell=bash
#
# in_parallel COMMAND [ARGUMENT...] - begin it when a processor is free, and go on
#
# For tests that take minutes and use one processor each.  `wait` waits for all of them; what they say
# goes to files of their own.
in_parallel()
{
	while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do
		wait -n
	done
	"$@" &
}
