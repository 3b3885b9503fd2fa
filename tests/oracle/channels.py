# SPDX-License-Identifier: GPL-2.0
"""Which write the last byte of a read came from, by counting what went through pipes and sockets.

A call that waits for something is told nothing by what was known when it began: what it returns was
often written meanwhile.  A pipe, and a connection in either direction, gives its bytes in the order in
which they were put in, and strace says of each call how many they were.
"""
import bisect
import collections

import strace

# How many bytes it was, these do not say, or which.
_OTHER_CALLS = {"vmsplice", "recvmmsg", "sendmmsg"}
_OTHER_FLAGS = ("MSG_PEEK", "MSG_OOB", "MSG_TRUNC", "MSG_FASTOPEN")

# @call is a read by @flow of what the Calls @writes put in: one of them, or several that overlap.
Heard = collections.namedtuple("Heard", "call flow writes")


class _Channel:
	def __init__(self):
		self.writes, self.reads = [], []	# (Call, Flow, bytes)
		self.countable = True


def heard(calls, flows, input_of):
	"""Yields a Heard for each read of which that can be said.

	@flows gives the Flows of a Call.  @input_of gives for an object that is read the one that is
	written, or None if it is not known; what is read of a pipe was written to the same one.
	"""
	channels = collections.defaultdict(_Channel)	# what is written: _Channel
	for call in calls:
		for flow in flows(call):
			_add(channels, call, flow, input_of)
	for channel in channels.values():
		if channel.countable and channel.writes and channel.reads:
			yield from _match(channel)


def _add(channels, call, flow, input_of):
	source = input_of(flow.source)
	moved = strace.number(call.result)
	for what in (source, flow.target):
		if what and what[0] in ("pipe", "socket") and (
				not moved or call.name in _OTHER_CALLS or any(
					flag in argument for argument in call.arguments for flag in _OTHER_FLAGS)):
			channels[what].countable = False
	# What tee() takes from a pipe stays in it.
	if source and source[0] in ("pipe", "socket") and flow.ops[0] in ("read", "recv") and \
			call.name != "tee":
		channels[source].reads.append((call, flow, moved))
	if flow.target[0] in ("pipe", "socket") and flow.ops[0] in ("write", "send"):
		channels[flow.target].writes.append((call, flow, moved))


def _match(channel):
	"""Of writes that overlap it is not known which was first: they are one."""
	ends, groups, last = [], [], 0
	written = 0
	for call, _, moved in channel.writes:
		written += moved
		if groups and call.start < last:
			groups[-1].append(call)
			ends[-1] = written
		else:
			groups.append([call])
			ends.append(written)
		last = max(last, call.end or float("inf"))
	read = last = 0
	for call, flow, moved in channel.reads:
		read += moved
		# Who of several readers got what, or what an unknown one wrote, is not known.
		if call.start < last or read > written:
			return
		last = call.end or float("inf")
		yield Heard(call, flow, groups[bisect.bisect_left(ends, read)])
