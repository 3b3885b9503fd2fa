# SPDX-License-Identifier: GPL-2.0
"""Where pages of files can have come that pipes and sockets refer to."""
import collections

from identity import FOREVER


class Pages:
	"""What sendfile() and splice() put into a pipe or socket can go on from there."""

	def __init__(self, record, processes):
		"""Pages go from one socket to the other.  Of who is not traced, the record says which files
		it has read, and where it has sent something, perhaps these.
		"""
		self._from = collections.defaultdict(dict)	# node: {node: since when}
		for edge in record.edges:
			if edge.op == "deliver":
				self.go(edge.from_node, edge.to_node, 0)
			elif edge.op in ("read", "write", "send") and not processes.known(edge.tid):
				self.go(edge.from_node, edge.to_node, edge.time)

	def go(self, source, target, since):
		"""From then on, what is in @source, or refers to pages of it, can be in @target."""
		came = self._from[target]
		came[source] = min(since, came.get(source, FOREVER))

	def can_be_in(self, file, node, time):
		"""Can what comes out of a pipe or socket by @time be a page of a file?"""
		todo, seen = [node], {node}
		while todo:
			for source, since in self._from.get(todo.pop(), {}).items():
				if since <= time and source == file:
					return True
				if since <= time and source not in seen:
					seen.add(source)
					todo.append(source)
		return False
