# SPDX-License-Identifier: GPL-2.0
"""The comparison of system calls with what was recorded, in both directions.

*Complete*: each flow of each call has an edge between exactly these two nodes by the end of the
call.  It has to leave the version that the source surely had when the call began, or a later one; so
an edge from before the call will do only if there was nothing new to say.

*Sound*: each edge that a traced thread made lies within a call of that thread which made such a
flow between these two nodes, and leaves no version that was over when the call began.

*In order*: what something has flowed out of takes nothing in any more.
"""
import bisect
import collections

import calls as table
import identity
import processes
from identity import FOREVER

# Who watches is no part of what is watched.
_TRACER = {"peek", "poke", "ptrace", "wait", "signal"}


class Comparison:
	"""@missing: flows without an edge; @unexplained: edges without a call; @unknown: calls; @late:
	edges into a version that something had flowed out of, with their calls.

	@counted is how many calls moved data, @flows how many flows they made, @repeats how many of
	these had been said before, and @explained how many edges have a call behind them.  @alone are
	the calls of which one edge is all that says it, as (Call, Flow, source, target, Step).
	"""

	def __init__(self, calls, record, links=None):
		self.calls = calls
		self.record = record
		self.identity = identity.Identity(calls, record, links or {})
		self.processes = self.identity.processes
		self.missing, self.unexplained, self.alone, self.late = [], [], [], []
		self.unknown = sorted({call.name for call in calls if not table.is_known(call)} |
				      {"%s(%s)" % (call.name, ", ".join(call.arguments)[:100])
				       for call in calls if not table.is_decoded(call)})
		self.counted = self.flows = self.repeats = self.explained = 0
		self._ignored = {table.ignored_socket(call) for call in calls}
		# (tid, start of a call): [(Flow, sources, targets)]
		self._made = {}
		self._referred = {}	# file of which pages were put into a pipe or socket: since when
		# Memory: [(since, nodes, what lasts)]
		self._mappings = collections.defaultdict(list)
		# Memory: beginnings and ends of calls that send
		self._outgoing = collections.defaultdict(lambda: ([], []))
		self._on_sockets = []		# (Call, Flow, socket, its nodes)
		self._by_tid = {}				# tid: ([start], [Call])
		for call in calls:
			starts, own = self._by_tid.setdefault(call.tid, ([], []))
			starts.append(call.start)
			own.append(call)
		self._find_outgoing()
		self._find_referred()
		for call in calls:
			self.identity.look(call)
			self._compare(call)
		self.identity.finish()
		self._demand_deliveries()
		for tid in self._by_tid:
			for edge in self.record.by_tid.get(tid, ()):
				self._explain(edge)
		self._explain_foreign()
		self._find_late()

	def _flows(self, call):
		return [flow._replace(must=False) if self._ignored & {flow.source, flow.target} else flow
			for flow in table.flows(call)]

	def _find_referred(self):
		"""Of who is not traced, the record says which files it has read, and perhaps sent."""
		for edge in self.record.edges:
			if edge.op == "read" and not self.processes.known(edge.tid):
				since = self._referred.get(edge.from_node, FOREVER)
				self._referred[edge.from_node] = min(since, edge.time)

	def _find_outgoing(self):
		for call in self.calls:
			if call.end and any(flow.source == table.PROCESS and flow.must and not flow.lasts
					    for flow in self._flows(call)):
				memory = self.processes.memory(call.tid, call.start)
				begins, ends = self._outgoing[memory]
				begins.append(call.start)
				ends.append(call.end)

	# -- each call has its edges ---------------------------------------------------------

	def _compare(self, call):
		flows = self._flows(call)
		if not flows:
			return
		end = call.end or FOREVER
		own = list(self.record.of_thread(call.tid, call.start, end))
		done = []
		for flow in flows:
			ends = [edge for edge in own if edge.op in flow.ops]
			sources = self.identity.nodes(flow.source, call,
						      {edge.from_node for edge in ends})
			targets = self.identity.nodes(flow.target, call,
						      {edge.to_node for edge in ends})
			done.append((flow, sources, targets))
			if call.name in table.REFERRING and flow.source[0] == "path":
				for node in sources:
					since = self._referred.get(node, FOREVER)
					self._referred[node] = min(since, call.start)
			if flow.lasts:
				memory = self.processes.memory(call.tid, call.start)
				self._mappings[memory].append((
					call.start, targets if flow.lasts == "written" else sources,
					flow.lasts))
			if flow.must:
				self.flows += 1
				self._demand(call, flow, sources, targets)
			self._note_socket(call, flow, sources | targets)
		self._made[call.tid, call.start] = done
		self.counted += any(flow.must for flow in flows)

	def _note_socket(self, call, flow, nodes):
		"""A call on a socket, for which something has to be delivered: see _demand_delivery()."""
		what = flow.source if "recv" in flow.ops else flow.target
		if flow.must and flow.ops[0] in ("recv", "send") and what[0] == "socket":
			self._on_sockets.append((call, flow, what, nodes - {self._process(call)}))

	def _process(self, call):
		return self.processes.memory(call.tid, call.start).node

	def _demand_deliveries(self):
		"""What is received through a socket was first delivered to it.

		Whose other end strace does not show, the node has to know.  A datagram is delivered when
		it is sent; this is recorded when the call is over, and it can be received before.
		"""
		for call, flow, what, nodes in self._on_sockets:
			receives = "recv" in flow.ops
			if receives == self.identity.is_datagram(what):
				continue
			peer = self.identity.peer(what)
			for node in nodes:
				other = peer or receives and self.record.nodes[node].get("peer")
				if other:
					ends = ({other}, {node}) if receives else ({node}, {other})
					self._demand(call, flow._replace(ops=("deliver",)), *ends)

	def _deadline(self, call, flow):
		"""When the edge has to be there; None if it never has to.

		A mapping is looked at when it first matters: when something is sent, or when it ends and
		lets something through.
		"""
		end = call.end or FOREVER
		if not flow.lasts:
			return end
		memory = self.processes.memory(call.tid, call.start)
		if flow.lasts == "written":
			return max(memory.ended, end)
		begins, ends = self._outgoing[memory]
		position = bisect.bisect_left(begins, end)
		return ends[position] if position < len(begins) else None

	def _is_shared(self, call, nodes):
		"""Does who made the call let something through to one of @nodes by a mapping?"""
		memory = self.processes.memory(call.tid, call.start)
		return any(lasts == "written" and nodes & others
			   for _, others, lasts in self._inherited(memory))

	def _inherited(self, memory, later=True):
		"""Mappings of a Memory, and those of its parent: also what that made @later.

		By what both have they still know the same, and so what one maps later concerns the other.
		"""
		until = FOREVER
		while memory:
			yield from (mapping for mapping in self._mappings.get(memory, ())
				    if later or mapping[0] < until)
			if not memory.made or not processes.is_clone(memory.made):
				break
			until = min(until, memory.made.end or FOREVER)
			memory = memory.parent

	def _demand(self, call, flow, sources, targets):
		edges = self.record.looks if flow.ops[0] in ("readdir", "pass", "receive") else \
			self.record.steps
		deadline = self._deadline(call, flow)
		if deadline is None:
			return
		shares = flow.lasts or self._is_shared(call, sources | targets)
		for source in sources:
			for target in targets:
				said = [step for step in edges.get((source, target), ())
					if step.time <= deadline]
				if not said:
					continue
				# Is there nothing new in the source since?
				known = 0 if edges is self.record.looks else \
					self.record.newest(source, call.start)
				fresh = [step for step in said if step.from_version >= known]
				if fresh and fresh[-1].time < call.start:
					self.repeats += 1
				elif len(fresh) == 1 and not shares:
					self.alone.append((call, flow, source, target, fresh[0]))
				# Of those who share memory, one can be at a later version that has only
				# what comes from the other.
				if fresh or shares and said[-1].time >= call.start:
					return
		# Those who share memory know the same, and say so to each other by any of them.
		if shares and any(
				self._reaches(source, self.record.newest(source, call.start), target,
					      max(deadline, self._shared_until(flow, target)))
				for source in sources for target in targets):
			self.repeats += 1
			return
		self.missing.append((call, flow, sources, targets))

	def _shared_until(self, flow, target):
		"""As long as another one that knows the same has it mapped, that one may say it."""
		if flow.lasts != "written":
			return 0
		return max((memory.ended for memory, mappings in self._mappings.items()
			    if any(lasts == "written" and target in others
				   for _, others, lasts in mappings)), default=0)

	def _reaches(self, source, version, target, time):
		"""Had @target, by @time, all that this version of @source has?

		A version that has only taken over what others knew by what they share has it from them.
		"""
		while not self.record.reaches(source, version, target, time):
			mapped = self.record.only_mapped(source, version) if version else []
			if not mapped or not all(self.record.reaches(*end, target, time)
						 for end in mapped):
				return False
			version -= 1
		return True

	# -- each edge has its call ----------------------------------------------------------

	def _explain(self, edge):
		call = self._call_at(edge)
		if call is None:
			# Before its first program, strace's child is not watched.
			good = self.processes.memory(edge.tid, 0).made is None
		else:
			good = self._is_behind(call, edge)
		if good:
			self.explained += 1
		else:
			self.unexplained.append((edge, call))

	def _call_at(self, edge):
		"""The last call that the edge's thread had begun by then; None before the first."""
		starts, own = self._by_tid[edge.tid]
		position = bisect.bisect_right(starts, edge.time) - 1
		return own[position] if position >= 0 else None

	def _is_behind(self, call, edge):
		if edge.op == "ptrace" and edge.from_node in self.identity.tracers:
			return processes.is_clone(call)
		if edge.op in table.BEHIND:
			names = table.BEHIND[edge.op]
			return names is None or call.name in names
		made = self._made.get((call.tid, call.start), ())
		for flow, sources, targets in made:
			if edge.op in flow.ops and edge.from_node in sources and \
					edge.to_node in targets and self._is_of_now(call, flow, edge):
				return True
		if edge.op == "deliver":
			# When it is received, or when it is sent: by either end.
			return self.identity.can_deliver(edge.from_node, edge.to_node) and \
				any(flow.ops[0] == "recv" and edge.to_node in sources or
				    flow.ops[0] == "send" and edge.from_node in targets
				    for flow, sources, targets in made)
		if edge.op == "exec" and call.name in ("execve", "execveat"):
			return self._is_image(call, edge)
		if edge.op in ("mmap", "mmap_write"):
			return self._is_mapped(edge)
		# What sendfile() or splice() put into a socket or pipe are the pages of the file:
		# who takes them out reads the file.
		return edge.op == "read" and \
			self._referred.get(edge.from_node, FOREVER) <= edge.time and \
			any(flow.ops[0] in ("recv", "read") and edge.to_node in targets and
			    self._can_refer(flow, sources) for flow, sources, targets in made)

	def _can_refer(self, flow, sources):
		"""Is what is read a pipe or a socket?  A fifo has a path, as a file has."""
		return flow.source[0] in ("pipe", "socket") or \
			any(self.record.nodes[node]["kind"] == "fifo" for node in sources)

	def _is_of_now(self, call, flow, edge):
		"""Does an edge leave a version that can have been the current one during a call?

		What a mapping moves can be said by whoever asks, and looks have no versions of their
		own.
		"""
		return flow.lasts or edge.kind != "data" or \
			edge.from_version >= self.record.newest(edge.from_node, call.start)

	def _is_image(self, call, edge):
		"""Is it the binary of a new program, or the interpreter of a script?"""
		memory = self.processes.memory(call.tid, call.start + 1)
		if edge.to_node != memory.node:
			return False
		return self.record.nodes[edge.to_node].get("exe") in self.record.paths(edge.from_node)

	def _is_program(self, memory, node):
		"""Did the kernel map a file when it executed a program in that Memory?"""
		names = self.record.paths(node)
		return self.record.nodes[memory.node].get("exe") in names or \
			self.identity.loader() in names

	def _is_mapped(self, edge):
		what, process, other = ("mapping", edge.to_node, edge.from_node) \
			if edge.op == "mmap" else ("written", edge.from_node, edge.to_node)
		memory = self.identity.memory_of.get(process)
		if memory is None or self._is_anonymous(other):
			# Who is not traced can map what it likes, and strace shows nothing by which one
			# shared anonymous memory can be told from another.
			return True
		if edge.op == "mmap" and self._is_program(memory, other):
			return True
		return any(since <= edge.time and lasts == what and other in nodes
			   for since, nodes, lasts in self._inherited(memory, later=False))

	def _is_anonymous(self, node):
		return self.record.nodes[node]["kind"] == "memfd" and \
			self.record.nodes[node].get("name") == "dev/zero"

	def _explain_foreign(self):
		"""Edges of traced processes and of their sockets that no traced thread made."""
		nodes = set(self.identity.memory_of)
		for edge in self.record.edges:
			if edge.tid and self.processes.known(edge.tid):
				continue
			if edge.op == "deliver" and \
					not self.identity.can_deliver(edge.from_node, edge.to_node):
				self.unexplained.append((edge, None))
			if not nodes & {edge.from_node, edge.to_node}:
				continue
			# Who asks a process makes it take over what it has mapped.
			if edge.op in ("mmap", "mmap_write") and self._is_mapped(edge):
				continue
			# Of who has lost its parent, init takes the status.
			if edge.op == "wait" and self.record.nodes[edge.to_node].get("pid") == 1:
				continue
			# The log daemon looks at who writes to it; its calls are not traced.
			if edge.op == "peek" and edge.to_node not in nodes:
				continue
			if edge.op in ("mmap", "mmap_write") and self._is_mapped(edge):
				continue
			if edge.op == "fork" and edge.from_node in self.identity.tracers:
				continue
			if edge.op in _TRACER and \
					self.identity.tracers & {edge.from_node, edge.to_node}:
				continue
			self.unexplained.append((edge, None))

	# -- in order ------------------------------------------------------------------------

	def _find_late(self):
		"""Edges into a version that something had flowed out of before their call began.

		A record is written when its edge is captured or, if something is sent, later in the same
		call.  So what was captured into a version has its record after the begin of its call, and
		what was captured out of it, which has to come later, even after that.  Of calls that
		overlap the times of records say nothing.
		"""
		left = {}
		for edge in self.record.edges:
			if edge.kind == "data":
				left.setdefault((edge.from_node, edge.from_version), edge.time)
		for tid in self._by_tid:
			for edge in self.record.by_tid.get(tid, ()):
				call = self._call_at(edge)
				if call and edge.kind == "data" and left.get(
						(edge.to_node, edge.to_version), FOREVER) < call.start:
					self.late.append((edge, call))
