# SPDX-License-Identifier: GPL-2.0
"""Would the comparison notice?  Each edge is taken from a record or changed, and calls from a trace.

Each data edge of a traced thread or socket, and each look that a call has to leave, is taken away by
itself, made to leave the version before, and given another end.  Each time the comparison must miss
a flow or find an edge without a call.  What else is right, why() names.
"""
import collections

import calls as table
import compare

_MAPPED = {"mmap", "mmap_write"}

# @edges is how many were changed.  @missed of these were noticed, and for the @excused, {reason: how
# many}, there is a reason why not; @unnoticed are the rest, as (edge, edge in its place or None, Call).
Outcome = collections.namedtuple("Outcome", "edges missed excused unnoticed")


class Changes:
	"""Of the compare.Comparison @found, of which nothing is missing."""

	def __init__(self, found):
		self.found = found
		self.record = found.record
		self._demands = collections.defaultdict(list)	# (from, to): Demands
		self._heard = collections.defaultdict(list)	# (from, to): what was heard by this way
		for demand in found.demands:
			for ends in _pairs(demand.sources, demand.targets):
				self._demands[ends].append(demand)
			# What it has taken in is part of what it has to give away.
			if demand.given:
				for ends in _pairs(demand.given.sources, demand.sources):
					self._demands[ends].append(demand)
		# Theirs can depend on any edge.
		self._shared = [demand for demand in found.demands if found.is_met(demand) == "shared"]
		for heard, way in found.heard:
			for ends in [pair for step in zip(way, way[1:]) for pair in _pairs(*step)] + [
					pair for write in heard.writes
					for pair in _pairs({found.process(write)}, way[0])]:
				self._heard[ends].append((heard, way))
		self.edges = [edge for edge in self.record.edges if self._is_of_interest(edge)]

	def _is_of_interest(self, edge):
		if edge.kind != "data" and edge.op not in table.LOOKS:
			return False
		return self.found.is_traced(edge.tid) or (edge.from_node, edge.to_node) in self._demands

	def _is_noticed(self, edge, other=None):
		found = self.found
		if other and not found.is_explained(other):
			return True
		ends = edge.from_node, edge.to_node
		with self.record.changed(edge, other):
			return not all(map(found.is_met, self._demands[ends])) or \
				not all(found.has_heard(*heard) for heard in self._heard[ends]) or \
				edge.kind == "data" and not all(map(found.is_met, self._shared))

	def _try(self, changed):
		"""@changed gives for an edge the one in its place, or edge itself to leave it alone."""
		outcome = Outcome(0, 0, collections.Counter(), [])
		edges = missed = 0
		for edge in self.edges:
			other = changed(edge)
			if other is edge:
				continue
			edges += 1
			if self._is_noticed(edge, other):
				missed += 1
				continue
			reason = self.why(edge, other)
			if reason:
				outcome.excused[reason] += 1
			else:
				outcome.unnoticed.append((edge, other, self.found.call_at(edge)))
		return outcome._replace(edges=edges, missed=missed)

	def taken_away(self):
		return self._try(lambda edge: None)

	def older(self):
		"""They leave the version before."""
		return self._try(lambda edge: edge._replace(from_version=edge.from_version - 1)
				 if edge.from_version and edge.kind == "data" else edge)

	def elsewhere(self, rng):
		"""They have another object of the same kind at one end, or another process."""
		kinds = collections.defaultdict(list)
		for node, what in self.record.nodes.items():
			kinds[what["kind"]].append(node)

		def changed(edge):
			end = "from_node" if self._kind(edge.from_node) != "process" else "to_node"
			old = getattr(edge, end)
			names, kind = self.record.paths(old), self._kind(old)
			for _ in range(20):
				new = rng.choice(kinds[kind])
				if new != old and not names & self.record.paths(new) and (
						kind != "symlink" or self.record.paths(new)):
					return edge._replace(**{end: new})
			return edge
		return self._try(changed)

	def _kind(self, node):
		return self.record.nodes[node]["kind"]

	def why(self, edge, other):
		"""Why the comparison need not notice it, or None."""
		ends = edge.from_node, edge.to_node
		steps = (self.record.steps if edge.kind == "data" else self.record.looks)[ends]
		if any(step.from_version >= edge.from_version and step.time <= edge.time and
		       step != (edge.from_version, edge.to_version, edge.time, edge.op) and
		       (step.op == edge.op or edge.kind == "data") for step in steps):
			return "another edge had said it"
		if edge.op in _MAPPED:
			return self._why_mapped(edge, other)
		flows = self.found.flows_behind(edge)
		if flows and not any(flow.must for flow in flows):
			return "strace does not show whether it happened"
		if edge.op in ("read", "peek") and not self._demands[ends] and self.found.is_page(edge):
			return "what refers to pages has an edge by itself"
		if edge.op == "deliver" and not self._demands[ends] and \
				not self.found.identity.is_unix_stream(edge.to_node):
			return "strace does not show to whom a datagram goes"
		call = self.found.call_at(edge)
		if call and any(step.from_version > edge.from_version and
				edge.time <= step.time <= (call.end or edge.time) for step in steps):
			return "the same call said it again, with what it had taken in meanwhile"
		if call and edge.kind == "data" and \
				self.record.newest(edge.from_node, call.start) < edge.from_version:
			return "the version came while the call was under way"
		return None

	def _why_mapped(self, edge, other):
		file, process = (edge.from_node, edge.to_node) if edge.op == "mmap" else \
			(edge.to_node, edge.from_node)
		if self.found.mappings.is_anonymous(file):
			return "strace does not tell one shared anonymous memory from another"
		if other and (other.from_node, other.to_node) != (edge.from_node, edge.to_node):
			return "that is mapped, too" if process in (other.from_node, other.to_node) else None
		if self.found.mappings.writers(file):
			return "memory is shared: another one says it, or the same one later"
		demands = self._demands[edge.from_node, edge.to_node]
		if not demands:
			is_inherited = self.found.mappings.is_inherited(process, file)
			return "it was mapped before a fork" if is_inherited else None
		if all(self.found.is_met(demand) == "never" for demand in demands):
			return "it is mapped by who sends nothing afterwards"
		if any(step.from_version >= edge.from_version and step.time > edge.time
		       for step in self.record.steps[edge.from_node, edge.to_node]):
			return "it is mapped again before anything is sent"
		return None


def _pairs(sources, targets):
	return [(source, target) for source in sources for target in targets]


def calls(found, links, rng, count):
	"""Take calls away that have an edge; gives those whose edge was still explained."""
	before, last = {}, {}
	for call in found.calls:
		before[call] = last.get(call.tid)
		last[call.tid] = call
	# Of two equal calls the first would explain the edge of the second.
	single = [call for call, _, _, _, _ in found.alone
		  if call.name not in ("clone", "clone3", "fork", "execve") and before[call]
		  and before[call].name in table.IGNORED]
	if len(single) < count:
		return [("there are too few",)]
	unnoticed = []
	for gone in rng.sample(single, count):
		less = compare.Comparison([call for call in found.calls if call is not gone],
					  found.record, links)
		if len(less.unexplained) <= len(found.unexplained):
			unnoticed.append((gone,))
	return unnoticed
