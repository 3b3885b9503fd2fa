# SPDX-License-Identifier: GPL-2.0
"""What was recorded, indexed for the comparison: edges by thread and by ends, versions, names."""
import bisect
import calendar
import collections
import contextlib
import time

# A data edge of which only versions and time matter.
Step = collections.namedtuple("Step", "from_version to_version time op")


def _step(edge):
	return Step(edge.from_version, edge.to_version, edge.time, edge.op)


def nanoseconds(text):
	"""A time as provq prints it, in ns since 1970."""
	seconds, fraction = text.rstrip("Z").split(".")
	return calendar.timegm(time.strptime(seconds, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int(fraction)


class Nanoseconds(dict):
	"""Remembers seconds, because there are few of them."""

	def __missing__(self, second):
		self[second] = nanoseconds(second + ".0")
		return self[second]

	def of(self, text):
		return self[text[:19]] + int(text[20:29])


class Record:
	"""An answer of provq export; see scripts/scenario/graph.py for nodes and edges."""

	def __init__(self, answer):
		when = Nanoseconds().of
		self.nodes = answer.nodes
		self.edges = [edge._replace(time=when(edge.time)) for edge in answer.edges
			      if edge.kind != "version"]
		self.edges.sort(key=lambda edge: edge.time)
		self.steps = collections.defaultdict(list)	# (from, to): data Steps
		self._into = collections.defaultdict(list)	# node: data edges
		self.looks = collections.defaultdict(list)	# the same for class meta
		self.known_by = collections.defaultdict(dict)	# node: {version: first time}
		self._newest = {}
		self.by_tid = collections.defaultdict(list)
		self.children = collections.defaultdict(set)
		# path: [(from, until, removed, node)]
		self._names = collections.defaultdict(list)
		self._kinds = collections.defaultdict(set)	# (kind, name): nodes
		for edge in self.edges:
			step = _step(edge)
			if edge.kind == "data":
				self.steps[edge.from_node, edge.to_node].append(step)
				self._into[edge.to_node].append(edge)
				self.known_by[edge.to_node].setdefault(edge.to_version, edge.time)
			else:
				self.looks[edge.from_node, edge.to_node].append(step)
			if edge.tid:
				self.by_tid[edge.tid].append(edge)
		for node, what in self.nodes.items():
			self._index(node, what, when)
		for spans in self._names.values():
			spans.sort()

	def _index(self, node, what, when):
		kind = what["kind"]
		if kind == "pipe":
			self._kinds["pipe", what["ino"]].add(node)
		elif kind in ("chardev", "tty", "blockdev"):
			self._kinds["device", what["rdev"]].add(node)
		elif kind == "anon":
			self._kinds["anon", what.get("name")].add(node)
		elif kind == "message":
			self._kinds["queue", what.get("msqid")].add(node)
		elif kind == "sem":
			self._kinds["semaphores", what.get("semid")].add(node)
		held = {}
		for event in what.get("paths", ()):
			path, at = event["path"], when(event["time"])
			if event["event"] in ("unlink", "rename_from"):
				self._names[path].append((held.pop(path, (0,))[0], at, True, node))
			else:
				held.setdefault(path, (at,))
		for path, (at,) in held.items():
			self._names[path].append((at, float("inf"), False, node))
		if kind == "memfd":
			self._names["/" + what.get("name", "")].append((0, 0, True, node))

	@contextlib.contextmanager
	def changed(self, edge, other=None):
		"""For as long as the context lasts, flows and looks are as if there were no such @edge, but
		the @other in its place.
		"""
		if edge.kind == "data":
			said, known_by = self.steps, self.known_by
		else:
			said, known_by = self.looks, {}
		kept = []	# (dict, key, what it had)

		def put(where, key, value):
			kept.append((where, key, where[key]))
			where[key] = value

		ends = edge.from_node, edge.to_node
		put(said, ends, [step for step in said[ends] if step != _step(edge)])
		if edge.kind == "data":
			put(self._into, edge.to_node,
			    [into for into in self._into[edge.to_node] if into is not edge])
		if other:
			ends = other.from_node, other.to_node
			put(said, ends, sorted(said[ends] + [_step(other)], key=lambda step: step.time))
			if other.kind == "data":
				put(self._into, other.to_node, sorted(self._into[other.to_node] + [other],
								      key=lambda into: into.time))
		for node in {edge.to_node, other.to_node if other else edge.to_node} & set(known_by):
			put(known_by, node, {})
			for into in self._into[node]:
				known_by[node].setdefault(into.to_version, into.time)
			self._newest.pop(node, None)
		try:
			yield
		finally:
			for where, key, value in reversed(kept):
				where[key] = value
				if where is known_by:
					self._newest.pop(key, None)

	def paths(self, node):
		"""All that a node was ever called."""
		return {event["path"] for event in self.nodes[node].get("paths", ())}

	def numbered(self, kind, number):
		"""Nodes of a kind by inode number, device number, name or id."""
		return self._kinds.get((kind, number), frozenset())

	def named(self, path, deleted, begin, end):
		"""Nodes that had @path at some time from @begin to @end; several if they were in
		different mount namespaces.

		A @deleted one had it before; so may others, which are not told apart.
		"""
		spans = self._names.get(path, ())
		if deleted:
			return {node for _, until, removed, node in spans if removed and until <= end}
		return {node for since, until, _, node in spans if since <= end and until >= begin}

	def newest(self, node, time):
		"""The last version of @node that is sure to have had its first flow by @time."""
		if node not in self._newest:
			times, newest = [], []
			# In order of time.
			for version, when in self.known_by[node].items():
				times.append(when)
				newest.append(max(version, newest[-1] if newest else 0))
			self._newest[node] = times, newest
		times, newest = self._newest[node]
		position = bisect.bisect_right(times, time)
		return newest[position - 1] if position else 0

	def reaches(self, source, version, target, time):
		"""Had @target, by @time, something of that version of @source or a later one?"""
		bound = {target: self.newest(target, time)}
		todo = [target]
		while todo:
			node = todo.pop()
			for edge in self._into.get(node, ()):
				if edge.time > time:
					break
				if edge.to_version > bound[node]:
					continue
				if edge.from_node == source and edge.from_version >= version:
					return True
				if bound.get(edge.from_node, -1) < edge.from_version:
					bound[edge.from_node] = edge.from_version
					todo.append(edge.from_node)
		return False

	def only_mapped(self, node, version):
		"""The ends that a version of @node has all its news from by mappings; none if it has other."""
		into = [edge for edge in self._into.get(node, ()) if edge.to_version == version]
		return [(edge.from_node, edge.from_version) for edge in into] \
			if all(edge.op == "mmap" for edge in into) else []

	def of_thread(self, tid, begin, end):
		edges = self.by_tid.get(tid, ())
		first = bisect.bisect_left(edges, begin, key=lambda edge: edge.time)
		for edge in edges[first:]:
			if edge.time > end:
				break
			yield edge
