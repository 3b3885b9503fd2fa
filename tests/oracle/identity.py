# SPDX-License-Identifier: GPL-2.0
"""Which nodes of a record the objects of system calls are."""
import posixpath
import re

import calls as table
import processes
import strace

FOREVER = float("inf")
_RAW = 3	# SOCK_RAW
_PROC_LINK = re.compile(r"/proc/[^/]+/(?:task/[^/]+/)?(?:fd/|cwd|root|exe)")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_ADDRESS = re.compile(r'sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\)')


class Identity:
	"""Goes along with the calls of a trace, in the order in which they began.

	@mistaken are calls that showed another inode or address than the node has that they were on,
	with these nodes, and @identified is how many such calls there were.
	"""

	def __init__(self, calls, record, links):
		self.record = record
		self.links = links
		self.processes = processes.Processes(calls)
		self.mistaken = []
		self.identified = 0
		self._learnt = {}	# object: node
		self._object_of = {}	# node: object
		self._inodes = {}	# (Memory, path, deleted): nodes
		self._remotes = []	# (Call, socket, address)
		self._locals = {}	# socket: its own addresses, as getsockname() said
		self._pairs = {}	# socket of socketpair(): the other one
		self._datagrams = set()	# those that send datagrams
		self._peers = {}	# socket: the other end, once all calls are known
		self._cwd = {}		# tid: path
		self._find_processes()
		self.memory_of = {memory.node: memory for memory in self.processes.memories
				  if memory.node}

	def look(self, call):
		"""The next call: learn from it what there is to learn."""
		self._follow_directory(call)
		self._identify(call)
		self._note_address(call)
		self._note_pair(call)

	def finish(self):
		"""After the last call: have sockets the addresses that calls on them showed?

		Then it is also known who was connected with whom.
		"""
		self._peers = {**self._connections(), **self._pairs}
		self._join_by_record()
		for call, what, address in self._remotes:
			node = self._learnt.get(what)
			if node:
				self.identified += 1
				if self.record.nodes[node].get("remote") != address:
					self.mistaken.append((call, {node}))

	def _find_processes(self):
		"""The node of each Memory: by the edge that the kernel made with it."""
		for memory in self.processes.memories:
			made = memory.made
			if made is None:
				continue
			op = "fork" if processes.is_clone(made) else "exec"
			found = {edge.to_node for edge in
				 self.record.of_thread(made.tid, made.start, made.end or FOREVER)
				 if edge.op == op and
				 self.record.nodes[edge.to_node].get("pid") == memory.pid}
			if len(found) == 1:
				memory.node = found.pop()
		for memory in self.processes.memories:
			# Strace's own child, until it executes the first program.
			parent = memory.parent
			if parent and parent.made is None and parent.node is None and memory.node:
				parent.node = next((
					edge.from_node for edge in self.record.of_thread(
						memory.made.tid, memory.made.start, memory.made.end)
					if edge.op == "exec" and edge.to_node == memory.node and
					self.record.nodes[edge.from_node]["kind"] == "process"), None)

	def loader(self):
		return self._resolve(table.LOADER, "/")

	def _follow_directory(self, call):
		"""The directory from which a relative path goes, as far as strace tells it."""
		tid = call.tid
		if tid not in self._cwd:
			parent = self.processes.parent(tid)
			self._cwd[tid] = self._cwd.get(parent)
		if call.name in ("chdir", "fchdir") and call.result == "0":
			opened = strace.descriptor(call.arguments[0])
			self._cwd[tid] = opened.name if opened else self._resolve(
				strace.string(call.arguments[0]), self._cwd[tid])
		elif call.name == "getcwd" and strace.number(call.result):
			self._cwd[tid] = strace.string(call.arguments[0]) or self._cwd[tid]
		elif call.arguments and call.arguments[0].startswith("AT_FDCWD<"):
			self._cwd[tid] = strace.descriptor(call.arguments[0]).name

	def _resolve(self, path, directory):
		"""A path without links, as far as these are known."""
		path = posixpath.join(directory or "/", path)
		done, todo, steps = "/", path.split("/"), 0
		while todo:
			part = todo.pop(0)
			if part in ("", "."):
				continue
			done = posixpath.dirname(done) if part == ".." else posixpath.join(done, part)
			if done in self.links and steps < 40:
				steps += 1
				target = self.links[done]
				todo = target.split("/") + todo
				done = "/" if target.startswith("/") else posixpath.dirname(done)
		return done

	def named(self, call):
		"""Paths that the arguments of a call are, and nodes that its descriptors stand for.

		None if one is a link of /proc, of which strace does not show where it leads.
		"""
		paths, nodes = set(), set()
		for index, argument in enumerate((*call.arguments, call.result or "")):
			opened = strace.descriptor(argument)
			if opened:
				nodes |= self.nodes(table.object_of(opened), call, ())
			for quoted in _QUOTED.findall(argument):
				path = strace.string(quoted)
				if _PROC_LINK.match(path):
					return None
				directory = self._directory(call, index)
				# A link itself, or where it leads.
				paths |= {self._resolve(path, directory), self._entry(path, directory)}
		return paths, nodes

	def nodes(self, what, call, near):
		"""Nodes that an object can be.  @near are those at the ends of the call's own edges."""
		end = call.end or FOREVER
		if what == table.PROCESS:
			memory = self.processes.memory(call.tid, call.start)
			return {memory.node} if memory.node else set()
		if what[0] == "either":
			return self.nodes(what[1], call, near) | self.nodes(what[2], call, near)
		if what[0] == "image":
			memory = self.processes.memory(call.tid, call.start + 1)
			return {memory.node} if memory.node else set()
		if what[0] == "exe":
			image = self.processes.memory(call.tid, call.start + 1).node
			exe = self.record.nodes[image].get("exe") if image else None
			return self.record.named(exe, False, call.start, end)
		if what[0] == "child":
			memory = self.processes.memory(what[1], 0) \
				if self.processes.known(what[1]) else None
			if memory is not None and memory.made is call:
				return {memory.node} if memory.node else set()
			return {node for node in near if self.record.nodes[node].get("pid") == what[1]}
		if what[0] == "path":
			path = what[1]
			if not path.startswith("/") or path in self.links or \
					call.name.startswith("exec") or path == table.LOADER:
				path = self._resolve(path, self._cwd[call.tid])
			nodes = self.record.named(path, what[2], call.start, end)
			memory = self.processes.memory(call.tid, call.start)
			return nodes & self._inodes.get((memory, *what[1:]), set()) or nodes
		if what[0] in ("pipe", "device", "anon", "queue", "semaphores"):
			return self.record.numbered(what[0], what[1])
		if what[0] == "link":
			what = "link", self._link(what[1], call)
			# Of one that was reached by its inode, the log has no name.
			near = {node for node in near
				if what[1] in (self.record.paths(node) or {what[1]})}
		return self._learn(what, near)

	def sides(self, source, target, sources, targets):
		"""Of a terminal: what is typed is read, and another node has what is written."""
		def is_tty(node):
			return self.record.nodes[node]["kind"] == "tty"

		if source[0] == "device":
			sources = {node for node in sources if not is_tty(node)}
		if target[0] == "device":
			targets = set(filter(is_tty, targets)) or targets
		return sources, targets

	def _link(self, path, call):
		"""The absolute path of a symbolic link that is an argument of a call."""
		index = next(index for index, argument in enumerate(call.arguments)
			     if strace.string(argument) == path)
		return self._entry(path, self._directory(call, index))

	def _entry(self, path, directory):
		"""An absolute path, of which the last part is not followed."""
		return posixpath.join(self._resolve(posixpath.dirname(path), directory),
				      posixpath.basename(path.rstrip("/")))

	def _directory(self, call, index):
		"""Where a path that is an argument of a call begins, if it is relative."""
		before = strace.descriptor(call.arguments[index - 1]) if index else None
		return before.name if before and before.kind == "path" else self._cwd[call.tid]

	def _learn(self, what, near):
		"""What the log has no name for: the first edge of a call on it tells its node."""
		kinds = {"socket": "socket", "link": "symlink"}
		found = {node for node in near if self.record.nodes[node]["kind"] == kinds[what[0]]}
		known = self._learnt.get(what)
		if what[0] == "link":
			# A link can be made anew under its name.
			if len(found) == 1:
				self._learnt[what] = next(iter(found))
			return found or {known} - {None}
		if known is None:
			found = {node for node in found if self._object_of.get(node, what) == what}
			if len(found) == 1:
				known = found.pop()
				self._learnt[what] = known
				self._object_of[known] = what
		return {known} - {None}

	def _identify(self, call):
		"""Where strace shows an inode number: is it that of a node which had the path?

		From then on it is clear which of several nodes the path stands for.
		"""
		known = strace.inode(call)
		if not known or known[0].kind != "path":
			return
		opened, device, ino = known
		nodes = self.record.named(opened.name, opened.deleted, call.start, call.end or FOREVER)
		self.identified += 1
		same = {node for node in nodes if self.record.nodes[node].get("ino") == ino and
			self.record.nodes[node].get("dev") == device}
		if nodes and not same:
			self.mistaken.append((call, nodes))
		memory = self.processes.memory(call.tid, call.start)
		self._inodes[memory, opened.name, opened.deleted] = same

	def _note_address(self, call):
		"""The other end of an IPv4 connection."""
		if call.name == "connect" and re.match(r"0|-1 EINPROGRESS", call.result or ""):
			what = table.object_of(strace.descriptor(call.arguments[0]))
		elif call.name in ("accept", "accept4"):
			what = table.object_of(strace.descriptor(call.result or ""))
		else:
			return
		match = _ADDRESS.search(call.arguments[1])
		if what and match:
			self._remotes.append((call, what, "%s:%s" % match.group(2, 1)))

	def _note_pair(self, call):
		"""The ends of socketpair(), and the own addresses of IPv4 sockets."""
		if call.name == "socketpair" and call.result == "0":
			ends = [table.object_of(end) for end in strace.descriptors(call.arguments[3])]
			if len(ends) == 2:
				self._pairs.update(zip(ends, reversed(ends)))
				if not call.arguments[1].startswith(("SOCK_STREAM", "SOCK_SEQPACKET")):
					self._datagrams.update(ends)
		elif call.name == "connect":
			# A pair can be parted, as datagrams can go elsewhere.
			what = table.object_of(strace.descriptor(call.arguments[0]))
			self._pairs.pop(self._pairs.pop(what, None), None)
		elif call.name == "getsockname" and call.result == "0":
			what = table.object_of(strace.descriptor(call.arguments[0]))
			match = _ADDRESS.search(call.arguments[1])
			if what and match and match.group(1) != "0":
				self._locals.setdefault(what, set()).add("%s:%s" % match.group(2, 1))

	def _connections(self):
		"""The ends of IPv4 connections on this machine, both ways.

		Whom accept() shows is the one that has this address itself, and the other way round.  Of
		one address that connected twice, and of a socket that did, it is not clear which is meant.
		"""
		connected, accepted = {}, {}
		for call, what, address in self._remotes:
			of = connected if call.name == "connect" else accepted
			of.setdefault(what, set()).add(address)
		callers = {}	# own address: sockets
		for what, remotes in connected.items():
			for address in self._own(what) if len(remotes) == 1 else ():
				callers.setdefault(address, []).append(what)
		called = {}	# address of the other end: sockets
		for what, remotes in accepted.items():
			called.setdefault(min(remotes), []).append(what)
		found = {}
		for address, ends in called.items():
			ends = ends + callers.get(address, [])
			if len(ends) == 2 and address in callers and \
					connected[ends[1]] <= self._own(ends[0]):
				found.update(zip(ends, reversed(ends)))
		return found

	def is_unix_stream(self, node):
		"""SOCK_STREAM or SOCK_SEQPACKET: what it receives is from one other socket"""
		what = self.record.nodes[node]
		return what.get("family") == "unix" and what.get("type") in (1, 5)

	def _join_by_record(self):
		"""Of connections by a UNIX address strace does not show the ends: it is the first that
		delivered, and has to be the same from then on.
		"""
		for edge in self.record.edges:
			if edge.op == "deliver" and self.is_unix_stream(edge.to_node):
				ends = self._object_of.get(edge.from_node), self._object_of.get(edge.to_node)
				if None not in ends and not set(ends) & set(self._peers):
					self._peers.update(zip(ends, reversed(ends)))

	def _own(self, what):
		"""Addresses of a socket itself.  If nobody asked for them, its node says what they are."""
		return self._locals.get(what) or \
			{self.record.nodes.get(self._learnt.get(what), {}).get("local")} - {None}

	def peer_of(self, what):
		"""The other end of a socket, if strace shows which that is; or None."""
		return self._peers.get(what)

	def peer(self, what):
		"""The node of the other end of a socket, if strace shows which that is; or None."""
		return self._learnt.get(self._peers.get(what))

	def is_datagram(self, what):
		return what in self._datagrams

	def can_deliver(self, source, target):
		"""Can something go from one socket to the other?  True unless strace shows otherwise.

		Who looks at packets gets them from any socket.
		"""
		to = self.record.nodes[target]
		if to["kind"] != "socket" or to.get("family") == "packet" or to.get("type") == _RAW:
			return True
		for node, other in ((source, target), (target, source)):
			peer = self._peers.get(self._object_of.get(node))
			if peer and (self._learnt.get(peer, other) != other or
				     self._object_of.get(other, peer) != peer):
				return False
		return True
