# SPDX-License-Identifier: GPL-2.0
"""Who has mapped which files, as strace and forks show it."""
import collections

import processes
import strace
from identity import FOREVER

# @since a call that began then, one of @nodes; @lasts as in calls.Flow
Mapping = collections.namedtuple("Mapping", "since nodes lasts")


class Mappings:
	"""note() is told of each mapping that a call makes; the rest asks for them."""

	def __init__(self, calls, record, identity):
		self.record = record
		self.identity = identity
		self._of = collections.defaultdict(list)	# Memory: Mappings
		# Of mprotect(): when, and from which address to which
		self._made_writable = [
			(call.start, int(call.arguments[0], 0),
			 int(call.arguments[0], 0) + int(call.arguments[1])) for call in calls
			if call.name == "mprotect" and call.result == "0" and
			"PROT_WRITE" in call.arguments[2]]

	def note(self, memory, since, nodes, lasts):
		self._of[memory].append(Mapping(since, nodes, lasts))

	def becomes_writable(self, call):
		"""Does anybody give what mmap() has mapped shared the right to write later?"""
		begin = strace.number(call.result) or 0
		end = begin + int(call.arguments[1])
		return any(since > call.start and first < end and last > begin
			   for since, first, last in self._made_writable)

	def lets_through(self, memory, nodes, deadline):
		"""Can a Memory let something through to one of @nodes by a mapping made by @deadline?"""
		return any(mapping.lasts == "written" and mapping.since <= deadline and nodes & mapping.nodes
			   for mapping in self._inherited(memory))

	def writers(self, node):
		"""Memories that let something through to a node by a mapping"""
		return [memory for memory, mappings in self._of.items()
			if any(mapping.lasts == "written" and node in mapping.nodes for mapping in mappings)]

	def _inherited(self, memory, later=True):
		"""Mappings of a Memory, and those of its parent: also what that made @later.

		By what both have they still know the same, and so what one maps later concerns the other.
		"""
		until = FOREVER
		while memory:
			yield from (mapping for mapping in self._of.get(memory, ())
				    if later or mapping.since < until)
			if not memory.made or not processes.is_clone(memory.made):
				break
			until = min(until, memory.made.end or FOREVER)
			memory = memory.parent

	def is_inherited(self, process, file):
		"""Does a process have a mapping of a file from before it was forked?"""
		memory = self.identity.memory_of.get(process)
		return memory is not None and (memory.made is None or any(
			file in mapping.nodes for mapping in self._inherited(memory, later=False)))

	def is_program(self, memory, node):
		"""Did the kernel map a file when it executed a program in that Memory?"""
		names = self.record.paths(node)
		return self.record.nodes[memory.node].get("exe") in names or \
			self.identity.loader() in names

	def is_anonymous(self, node):
		"""Shared anonymous memory: strace shows nothing by which one can be told from another."""
		return self.record.nodes[node]["kind"] == "memfd" and \
			self.record.nodes[node].get("name") == "dev/zero"

	def can_move(self, edge):
		"""Can a mapping have moved what an edge says?"""
		what, process, other = ("mapping", edge.to_node, edge.from_node) \
			if edge.op == "mmap" else ("written", edge.from_node, edge.to_node)
		if self.record.nodes[process]["kind"] != "process":
			return False
		memory = self.identity.memory_of.get(process)
		# Who is not traced can map what it likes, and so could strace, of which its child has its
		# mappings until the first program.
		if memory is None or memory.made is None or self.is_anonymous(other):
			return True
		if edge.op == "mmap" and self.is_program(memory, other):
			return True
		return any(mapping.since <= edge.time and mapping.lasts == what and other in mapping.nodes
			   for mapping in self._inherited(memory, later=False))
