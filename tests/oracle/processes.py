# SPDX-License-Identifier: GPL-2.0
"""Which memory a thread had when: threads and who was vforked share one, fork and exec make new ones.

A Memory is what a node of kind process stands for.
"""
import bisect

import strace

_CLONE = {"clone", "clone3", "fork", "vfork"}


class Memory:
	"""@pid is that of the thread group, @made the call that made it (None: not seen).

	@parent is the Memory that it came from; @ended is when its last thread had left it, and
	@node the id of its node, which compare.py finds.
	"""

	def __init__(self, pid, made, parent):
		self.pid = pid
		self.made = made
		self.parent = parent
		self.ended = 0
		self.node = None


def is_clone(call):
	return call.name in _CLONE


def _shares(call, flag):
	if call.name == "vfork":
		return flag == "CLONE_VM"
	return call.name != "fork" and any(flag in argument for argument in call.arguments)


class Processes:
	"""All that is known of the threads of a trace."""

	def __init__(self, calls):
		self._lines = {}	# tid: ([time], [Memory])
		self._groups = {}	# tid: pid
		self._cloned = {}	# tid: the call that made it
		self.memories = []
		by_tid = {}
		for call in calls:
			by_tid.setdefault(call.tid, []).append(call)
			if is_clone(call) and strace.number(call.result):
				child = strace.number(call.result)
				if child in self._cloned:
					raise strace.Unreadable("pid %d was used twice" % child)
				self._cloned[child] = call
		for tid in sorted(by_tid, key=lambda tid: by_tid[tid][0].start):
			self._follow(tid, by_tid)

	def _make(self, pid, made, parent):
		memory = Memory(pid, made, parent)
		self.memories.append(memory)
		return memory

	def _follow(self, tid, by_tid):
		if tid in self._lines:
			return
		made = self._cloned.get(tid)
		begin = 0
		if made is None:
			self._groups[tid] = tid
			memory = self._make(tid, None, None)
		else:
			self._follow(made.tid, by_tid)
			parent = self.memory(made.tid, made.start)
			thread = _shares(made, "CLONE_THREAD")
			self._groups[tid] = self._groups[made.tid] if thread else tid
			begin = made.start
			memory = parent
			if not _shares(made, "CLONE_VM"):
				memory = self._make(tid, made, parent)
		times, memories = [begin], [memory]
		self._lines[tid] = (times, memories)
		for call in by_tid.get(tid, ()):
			memory.ended = max(memory.ended, call.end or call.start)
			if call.name in ("execve", "execveat") and call.result == "0":
				memory = self._make(self._groups[tid], call, memory)
				memory.ended = call.end
				# From its next call on.
				times.append(call.start + 1)
				memories.append(memory)

	def parent(self, tid):
		made = self._cloned.get(tid)
		return made.tid if made else None

	def known(self, tid):
		return tid in self._lines

	def memory(self, tid, time):
		"""What @tid had at @time; of a call that executes a program, the old one."""
		times, memories = self._lines[tid]
		return memories[max(bisect.bisect_right(times, time) - 1, 0)]
