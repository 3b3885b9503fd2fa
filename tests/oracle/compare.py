# SPDX-License-Identifier: GPL-2.0
"""The comparison of system calls with what was recorded, in both directions.

*Complete*: each flow of each call has an edge between exactly these two nodes by the end of the
call.  It has to leave the version that the source surely had when the call began, or a later one; so
an edge from before the call will do only if there was nothing new to say.

What comes out of a pipe or a connection has to leave the version that came with the write of its last
byte, also if that was made while the reader waited; see channels.py.

*Sound*: each edge that a traced thread made lies within a call of that thread which made such a
flow between these two nodes.  It leaves a version that was not over when the call began, and that was
there when the edge was recorded.

*In order*: what something has flowed out of takes nothing in any more.
"""
import bisect
import collections

import calls as table
import channels
import descriptors
import identity
import mappings
import pages
import strace
from identity import FOREVER

# A flow that has to be in the log: from one of @sources to one of @targets.  @given is the Demand of
# what the same call has taken in before, and gives away by this flow; or None.
Demand = collections.namedtuple("Demand", "call flow sources targets given", defaults=(None,))


class Comparison:
	"""@missing: flows without an edge; @unexplained: edges without a call; @unknown: calls; @late:
	edges into a version that something had flowed out of, with their calls.

	@counted is how many calls moved data, @demands the Demands of all flows that they made, @repeats
	how many of these had been said before, and @explained how many edges have a call behind them.
	@heard are reads that came after writes which are known, as (channels.Heard, nodes on the way).
	@alone are the calls of which one edge is all that says it, as (Call, Flow, source, target, Step).
	"""

	def __init__(self, calls, record, links=None):
		self.calls = calls = descriptors.resolve(calls)
		self.record = record
		self.identity = identity.Identity(calls, record, links or {})
		self.processes = self.identity.processes
		self.missing, self.unexplained, self.alone, self.late = [], [], [], []
		self.unknown = sorted({call.name for call in calls if not table.is_known(call)} |
				      {"%s(%s)" % (call.name, ", ".join(call.arguments)[:100])
				       for call in calls if not table.is_decoded(call)})
		self.counted = self.repeats = self.explained = 0
		self.demands, self.heard = [], []
		self._ignored = {table.ignored_socket(call) for call in calls}
		# (tid, start of a call): [(Flow, sources, targets)]
		self._made = {}
		# (tid, start of a call that names files): (paths, nodes of its descriptors), or None
		self._named = {}
		self.mappings = mappings.Mappings(calls, record, self.identity)
		self._pages = pages.Pages(record, self.processes)
		# Memory: beginnings and ends of calls that send
		self._outgoing = collections.defaultdict(lambda: ([], []))
		self._on_sockets = []		# (Call, Flow, socket, its nodes)
		self._by_tid = {}				# tid: ([start], [Call])
		for call in calls:
			starts, own = self._by_tid.setdefault(call.tid, ([], []))
			starts.append(call.start)
			own.append(call)
		self._beginnings = self._find_beginnings()	# (node, version): time
		self._left = {(edge.from_node, edge.from_version) for edge in record.edges}
		# Socket: who delivers to it
		self._delivers = {}
		for edge in record.edges:
			if edge.op == "deliver":
				self._delivers.setdefault(edge.to_node, edge.from_node)
		self._find_outgoing()
		for call in calls:
			self.identity.look(call)
			self._compare(call)
		self.identity.finish()
		self._demand_deliveries()
		for demand in self.demands:
			self._answer(demand)
		self._demand_heard()
		for edge in self.record.edges:
			if not self.is_explained(edge):
				self.unexplained.append((edge, self.call_at(edge)))
			elif self.is_traced(edge.tid):
				self.explained += 1
		self._find_late()

	def _find_beginnings(self):
		"""When the calls that made versions began."""
		found = {}
		for edge in self.record.edges:
			if edge.kind == "data":
				call = self.call_at(edge)
				end = edge.to_node, edge.to_version
				found[end] = min(call.start if call else 0, found.get(end, FOREVER))
		return found

	def _flows(self, call):
		return [flow._replace(must=False) if self._ignored & {flow.source, flow.target} else flow
			for flow in table.flows(call)
			if flow.lasts != "written" or flow.must or self.mappings.becomes_writable(call)]

	def _find_outgoing(self):
		for call in self.calls:
			if call.end and call.name not in table.OPENS and any(
					flow.source == table.PROCESS and flow.must and not flow.lasts
					for flow in self._flows(call)):
				memory = self.processes.memory(call.tid, call.start)
				begins, ends = self._outgoing[memory]
				begins.append(call.start)
				ends.append(call.end)

	# -- each call has its edges ---------------------------------------------------------

	def _compare(self, call):
		if call.name in table.NAMING:
			self._named[call.tid, call.start] = self.identity.named(call)
		flows = self._flows(call)
		if not flows:
			return
		end = call.end or FOREVER
		own = list(self.record.of_thread(call.tid, call.start, end))
		done = []
		taken = None
		for flow in flows:
			ends = [edge for edge in own if edge.op in flow.ops]
			sources = self.identity.nodes(flow.source, call,
						      {edge.from_node for edge in ends})
			targets = self.identity.nodes(flow.target, call,
						      {edge.to_node for edge in ends})
			sources, targets = self.identity.sides(flow.source, flow.target, sources, targets)
			if call.name in table.OPENS and self._has_no_end(targets):
				flow = flow._replace(must=False)
			done.append((flow, sources, targets))
			if flow.lasts:
				self.mappings.note(self.processes.memory(call.tid, call.start), call.start,
						   targets if flow.lasts == "written" else sources,
						   flow.lasts)
			if flow.must:
				self.demands.append(Demand(call, flow, sources, targets, taken))
				taken = self.demands[-1] if call.name in table.BETWEEN else None
			self._note_socket(call, flow, sources | targets)
		if call.name in table.REFERRING and len(done) == 2:
			for source in done[0][1]:
				for target in done[1][2]:
					self._pages.go(source, target, call.start)
		if call.name == "vmsplice":
			for _, _, targets in done:
				for target in targets - {self.process(call)}:
					self._pages.go(self.process(call), target, call.start)
		self._made[call.tid, call.start] = done
		self.counted += any(flow.must for flow in flows)

	def _has_no_end(self, nodes):
		"""What O_TRUNC takes nothing from: a fifo has a path, as a file has."""
		return bool(nodes) and all(self.record.nodes[node]["kind"] == "fifo" for node in nodes)

	def _note_socket(self, call, flow, nodes):
		"""A call on a socket, for which something has to be delivered: see _demand_delivery()."""
		what = flow.source if "recv" in flow.ops else flow.target
		if flow.must and flow.ops[0] in ("recv", "send") and what[0] == "socket":
			self._on_sockets.append((call, flow, what, nodes - {self.process(call)}))

	def process(self, call):
		return self.processes.memory(call.tid, call.start).node

	def _demand_deliveries(self):
		"""What is received through a socket was first delivered to it.

		Whose other end strace does not show, the node has to know; of UNIX sockets, it is who has
		delivered something first.  A datagram is delivered when it is sent; this is recorded when
		the call is over, and it can be received before.
		"""
		for call, flow, what, nodes in self._on_sockets:
			receives = "recv" in flow.ops
			if receives == self.identity.is_datagram(what):
				continue
			peer = self.identity.peer(what)
			for node in nodes:
				other = peer or receives and self.record.nodes[node].get("peer") or \
					receives and self._delivers.get(node)
				if other or receives and self.identity.is_unix_stream(node):
					other = {other} if other else set()
					ends = (other, {node}) if receives else ({node}, other)
					self.demands.append(
						Demand(call, flow._replace(ops=("deliver",)), *ends))

	def _demand_heard(self):
		"""What a call that may have waited got has to come with the write of its last byte."""
		def input_of(what):
			if what[0] == "socket":
				return None if self.identity.is_datagram(what) else self.identity.peer_of(what)
			return what if what[0] == "pipe" else None

		missing = {(demand.call, demand.flow.source) for demand in self.missing}
		for heard in channels.heard(self.calls, self._flows, input_of):
			call, flow, _ = heard
			way = [self.identity.nodes(what, call, ())
			       for what in dict.fromkeys((input_of(flow.source), flow.source))]
			if not all(way) or (call, flow.source) in missing:
				continue
			way.append({self.process(call)})
			self.heard.append((heard, way))
			if not self.has_heard(heard, way):
				self.missing.append(Demand(call, flow, *way[-2:]))

	def has_heard(self, heard, way):
		"""Did what one of the writes brought come along the nodes of @way by the end of the read?"""
		version = min(self._written_version(write, way[0]) for write in heard.writes)
		for nodes, following in zip(way, way[1:]):
			version = self._next_version(nodes, version, following, heard.call.end or FOREVER)
		return version is not None

	def _written_version(self, write, nodes):
		"""The version of one of @nodes that has what a call wrote to it; 0 if that is not known."""
		writer = self.process(write)
		known = self.record.newest(writer, write.start) if writer else 0
		return self._next_version({writer}, known, nodes, write.end or FOREVER) or 0

	def _next_version(self, sources, version, targets, time):
		"""The first version of @targets that had @version of @sources by @time; None if none had."""
		if version is None:
			return None
		return min((step.to_version for source in sources for target in targets
			    for step in self.record.steps.get((source, target), ())
			    if step.from_version >= version and step.time <= time), default=None)

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

	def _answer(self, demand):
		how = self.is_met(demand)
		if not how:
			self.missing.append(demand)
		elif how == "before":
			self.repeats += 1
		elif isinstance(how, tuple):
			self.alone.append((demand.call, demand.flow, *how))

	def is_met(self, demand):
		"""How the log says it: "before" the call, or "within" it; by a "shared" mapping; or only in
		one way: (source, target, Step).  None if it does not.  "never" if it need not.
		"""
		call, flow, sources, targets, _ = demand
		edges = self.record.looks if flow.ops[0] in table.LOOKS else \
			self.record.steps
		deadline = self._deadline(call, flow)
		if deadline is None or "create" in flow.ops and self._is_made(demand):
			return "never"
		shares = self.mappings.lets_through(self.processes.memory(call.tid, call.start),
						    sources | targets, deadline)
		for source in sources:
			for target in targets:
				said = [step for step in edges.get((source, target), ())
					if step.time <= deadline and
					(flow.ops[0] not in table.BY_NAME or step.op in flow.ops)]
				if not said:
					continue
				# Is there nothing new in the source since?
				known = 0 if edges is self.record.looks else \
					max(self.record.newest(source, call.start),
					    self._given_version(demand, source, deadline))
				fresh = [step for step in said if step.from_version >= known]
				if fresh and fresh[-1].time < call.start:
					return "before"
				if len(fresh) == 1 and not shares:
					return source, target, fresh[0]
				if fresh:
					return "within"
				# Of those who share memory, one can be at a later version that has only
				# what comes from the other.
				if shares and said[-1].time >= call.start:
					return "shared"
		# Those who share memory know the same, and say so to each other by any of them.
		if shares and any(
				self._reaches(source, self.record.newest(source, call.start), target,
					      max(deadline, self._shared_until(flow, target)))
				for source in sources for target in targets):
			return "shared"
		return None

	def _is_made(self, demand):
		"""Did the call of a Demand make the file?"""
		call = demand.call
		return any(step.op == "create" and call.start <= step.time <= (call.end or FOREVER)
			   for source in demand.sources for target in demand.targets
			   for step in self.record.looks.get((source, target), ()))

	def _given_version(self, demand, node, time):
		"""The version of @node that has what the call has just taken in; 0 if it took in nothing."""
		if not demand.given:
			return 0
		return min((self._next_version({source}, self.record.newest(source, demand.call.start),
					       {node}, time) or 0 for source in demand.given.sources), default=0)

	def _shared_until(self, flow, target):
		"""As long as another one that knows the same has it mapped, that one may say it."""
		if flow.lasts != "written":
			return 0
		return max((memory.ended for memory in self.mappings.writers(target)), default=0)

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

	def is_traced(self, tid):
		return tid in self._by_tid

	def is_explained(self, edge):
		"""Has an edge of a traced thread a call behind it, and can another one be of who is not
		traced?
		"""
		if self._begun(edge.from_node, edge.from_version) > edge.time:
			return False
		if not self.is_traced(edge.tid):
			return self._is_foreign(edge)
		call = self.call_at(edge)
		if call is None:
			# Before its first program, strace's child is not watched.
			return self.processes.memory(edge.tid, 0).made is None
		return self._is_behind(call, edge)

	def call_at(self, edge):
		"""The last call that the edge's thread had begun by then; None before the first."""
		if edge.tid not in self._by_tid:
			return None
		starts, own = self._by_tid[edge.tid]
		position = bisect.bisect_right(starts, edge.time) - 1
		return own[position] if position >= 0 else None

	def _does(self, call, edge):
		"""Does a call do what an edge of class meta or control says?"""
		names = table.BEHIND[edge.op]
		if names is None:
			return True
		if call.name not in names or not self.process(call) in (edge.from_node, edge.to_node) and \
				not edge.op == "accept":
			return False
		# What never came back may have been done; a connection can be refused, or come later.
		if call.result and strace.number(call.result) is None and edge.op != "connect":
			return False
		if edge.op not in table.NAMED:
			return True
		node = edge.from_node if edge.op == "open" else edge.to_node
		if call.name in ("execve", "execveat") and self.mappings.is_program(
				self.processes.memory(call.tid, call.start + 1), node):
			return True
		named = self._named[call.tid, call.start]
		return named is None or node in named[1] or bool(named[0] & self.record.paths(node))

	def _is_behind(self, call, edge):
		if edge.op in table.BEHIND:
			return self._does(call, edge)
		made = self._made_by(call)
		for flow, sources, targets in made:
			if self._is_of(edge, call, flow, sources, targets) and \
					self._is_of_now(call, flow, edge):
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
			return bool({edge.from_node, edge.to_node} & set(self.identity.memory_of)) and \
				self.mappings.can_move(edge)
		return self.is_page(edge)

	def _is_of(self, edge, call, flow, sources, targets):
		"""Is an edge what a flow of a call leaves?"""
		if edge.op not in flow.ops or edge.from_node not in sources or edge.to_node not in targets:
			return False
		# To which of the two it went does not show, but what it is called then.
		return flow.source != flow.target or \
			edge.op == ("read" if edge.to_node == self.process(call) else "write")

	def is_page(self, edge):
		"""What sendfile() or splice() put into a socket or pipe are the pages of a file, and what
		vmsplice() did are of memory: does one who takes them out read these?
		"""
		call = self.call_at(edge)
		return edge.op in ("read", "peek") and call and edge.to_node == self.process(call) and any(
			flow.ops[0] in ("recv", "read") and edge.to_node in targets and
			any(self._can_refer(flow, node) and
			    self._pages.can_be_in(edge.from_node, node, edge.time) for node in sources)
			for flow, sources, targets in self._made_by(call))

	def flows_behind(self, edge):
		"""Flows of the edge's call that it can be of."""
		call = self.call_at(edge)
		return [flow for flow, sources, targets in self._made_by(call)
			if self._is_of(edge, call, flow, sources, targets)]

	def _made_by(self, call):
		return self._made.get((call.tid, call.start), ()) if call else ()

	def _can_refer(self, flow, node):
		"""Is what is read a pipe or a socket?  A fifo has a path, as a file has."""
		return flow.source[0] in ("pipe", "socket", "either") or self.record.nodes[node]["kind"] == "fifo"

	def _is_of_now(self, call, flow, edge):
		"""Does an edge leave a version that can have been the current one during a call?

		What a mapping moves can be said by whoever asks, and looks have no versions of their
		own.
		"""
		return flow.lasts or edge.kind != "data" or \
			edge.from_version >= self.record.newest(edge.from_node, call.start)

	def _begun(self, node, version):
		"""Since when can there be a version?  Of who is not traced, it is not known; FOREVER if there
		is none.

		A send that fails leaves a version without an edge into it.
		"""
		while version and (node, version) not in self._beginnings:
			version -= 1
			if version and (node, version) not in self._left:
				return FOREVER
		return self._beginnings[node, version] if version else 0

	def _is_image(self, call, edge):
		"""Is it the binary of a new program, or the interpreter of a script?"""
		memory = self.processes.memory(call.tid, call.start + 1)
		if edge.to_node != memory.node:
			return False
		return self.record.nodes[edge.to_node].get("exe") in self.record.paths(edge.from_node)

	def _is_foreign(self, edge):
		"""Can one who is not traced have made an edge?  Of traced processes and their sockets, only
		some.
		"""
		nodes = self.identity.memory_of
		if edge.op == "deliver" and not self.identity.can_deliver(edge.from_node, edge.to_node):
			return False
		if edge.from_node not in nodes and edge.to_node not in nodes:
			return True
		# Who asks a process makes it take over what it has mapped.
		if edge.op in ("mmap", "mmap_write"):
			return self.mappings.can_move(edge)
		# Strace is not traced, but for its child.
		if edge.op == "fork":
			return edge.to_node in nodes and nodes[edge.to_node].made is None
		# Of who has lost its parent, init takes the status.
		if edge.op == "wait":
			return self.record.nodes[edge.to_node].get("pid") == 1
		# The log daemon looks at who writes to it; its calls are not traced.
		return edge.op == "peek" and edge.to_node not in nodes

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
				call = self.call_at(edge)
				if call and edge.kind == "data" and left.get(
						(edge.to_node, edge.to_version), FOREVER) < call.start:
					self.late.append((edge, call))
