#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Answers the question behind an alarm: data left this machine; where did what sent it come from,
what did it do, and what was in it?

usage: answer.py LOG ADDRESS:PORT DIR

All that is known is the address that the data went to.  Everything else is asked of provq:

- ancestry of the connection gives the connections through which the outside came in;
- the paths from these to it are how that led to the sending: what is on them is tainted;
- files that not everybody may read, and that a tainted process read on the way, are what was taken;
- descendants of where it came in are what it left behind;
- export gives what the sending program and what it started read and wrote.

Prints the report, and writes it to DIR/answer.txt and a picture of it to DIR/answer.svg.
"""
import collections
import ipaddress
import pathlib
import subprocess
import sys

import graph

SHOWN_COLUMNS = 200	# longer command lines are cut in the middle
LABEL_COLUMNS = 50	# width of a line in the picture
LABEL_LINES = 4
TEMPORARY = ("/tmp/", "/var/tmp/")
SYSTEM = ("/usr/", "/lib/", "/bin/", "/sbin/", "/etc/ld.so", "/proc/", "/sys/", "/dev/")
OUT_OF_SYSTEM = ("/usr/local/",)
STARTS = ("fork", "exec")

# What happened along an edge, for the reader of the report.
READS = {"read": "read", "exec": "executed", "mmap": "mapped", "getxattr": "read attributes of",
	 "readlink": "read the link", "recv": "received from"}
WRITES = {"write": "wrote", "create": "created", "mkdir": "made", "truncate": "emptied",
	  "mmap_write": "wrote (mapped)", "unlink": "removed", "rmdir": "removed",
	  "rename": "renamed", "link": "linked", "symlink": "linked", "setattr": "changed mode of",
	  "send": "sent to", "setxattr": "changed attributes of"}


def printable(text):
	"""Names are any bytes: what would move the cursor or break a line is shown as an escape."""
	return "".join(char if char.isprintable() else char.encode("unicode_escape").decode()
		       for char in text)


def cut(text, columns):
	if len(text) <= columns:
		return text
	head = columns * 2 // 3
	return text[:head] + "…" + text[len(text) - (columns - head - 1):]


def clock(time):
	"""The time of day, to the millisecond, of a time as provq writes it."""
	return time[11:23]


def command(node):
	"""The command line, with quotes where a reader would wonder."""
	if not node.get("argv"):
		return printable(node.get("exe") or node.get("comm") or "?")
	return " ".join("'%s'" % printable(word) if not word or " " in word else printable(word)
			for word in node["argv"])


def owner(node):
	return "root" if node.get("uid") == 0 else "uid %s" % node.get("uid", "?")


def is_outside(address):
	host = address.rsplit(":", 1)[0].strip("[]").split("%")[0]
	parsed = ipaddress.ip_address(host)
	parsed = getattr(parsed, "ipv4_mapped", None) or parsed
	return not (parsed.is_loopback or parsed.is_unspecified)


def world_may_read(node):
	return int(node.get("mode", "0"), 8) & 0o004


class Incident:
	"""What provq says about a connection to @address."""

	def __init__(self, log, address):
		self.log = log
		self.address = address
		self.ancestry = graph.Answer(log, "ancestry", "sock:" + address)
		self.whole = graph.Answer(log, "export")
		self.nodes = dict(self.whole.nodes)
		self.nodes.update(self.ancestry.nodes)
		self.drops = [name for name, node in self.ancestry.nodes.items()
			      if node.get("remote") == address]
		self.sends = [edge for edge in self.ancestry.edges
			      if edge.op == "send" and edge.to_node in self.drops]
		if not self.sends:
			raise SystemExit("answer: the log has nothing that was sent to %s" % address)
		self._find_entries()
		self._find_path()
		self._find_taken()
		self._find_left()

	def _find_entries(self):
		"""Connections of the outside that something in the ancestry received from."""
		self.entries = sorted({
			edge.from_node for edge in self.ancestry.edges
			if edge.op == "recv" and edge.from_node not in self.drops
			and self.nodes[edge.from_node].get("remote")
			and is_outside(self.nodes[edge.from_node]["remote"])}, key=int)

	def _find_path(self):
		self.path = set()
		for entry in self.entries:
			for drop in self.drops:
				answer = graph.Answer(self.log, "path", "node:" + entry,
						      "node:" + drop)
				self.path.update(edge for edge in answer.edges
						 if edge.kind == "data")
		# Without an entry from outside, what is known is what the senders themselves did.
		if not self.path:
			self.path.update(self.sends)
		self.tainted = {name for edge in self.path
				for name in (edge.from_node, edge.to_node)}

	def _find_taken(self):
		"""Reads of what not everybody may read, by processes that the intruder moved."""
		self.takes = sorted((
			edge for edge in self.ancestry.edges
			if edge.op in ("read", "mmap") and edge.from_node not in self.tainted
			and edge.to_node in self.tainted
			and self.nodes[edge.from_node]["kind"] == "file"
			and not world_may_read(self.nodes[edge.from_node])
			and not self.name(edge.from_node).startswith(("/proc/", "/sys/"))),
			key=lambda edge: edge.time)

	def _find_left(self):
		"""Files that have something of what came in, and are still there: name, first edge."""
		self.left = {}
		for entry in self.entries:
			for edge in graph.Answer(self.log, "descendants", "node:" + entry).edges:
				node = self.nodes[edge.to_node]
				if edge.kind != "data" or node["kind"] != "file" or \
				   node.get("deleted"):
					continue
				old = self.left.setdefault(edge.to_node, edge)
				if edge.time < old.time:
					self.left[edge.to_node] = edge

	# -- names ---------------------------------------------------------------------------

	def name(self, node_name, time=None):
		"""The path of a file; at @time, if it had several."""
		node = self.nodes[node_name]
		chosen = None
		for path in node.get("paths", ()):
			if time and chosen and path["time"] > time:
				break
			if path["event"] not in ("unlink", "rename_from"):
				chosen = path["path"]
		return printable(chosen or node.get("path") or node.get("name") or
				 "%s %s" % (node["kind"], node_name))

	def access(self, node):
		"""Mode and, where it is known, owner of a file."""
		return "mode %s%s" % (node["mode"][-4:],
				      ", of %s" % owner(node) if "uid" in node else "")

	def parents(self, name):
		"""Processes that led to this one, its parent first; by parent pid, as ps shows."""
		images = collections.defaultdict(list)
		for other, node in self.nodes.items():
			if node["kind"] == "process":
				images[node["pid"]].append(other)
		found = []
		node = self.nodes[name]
		while node.get("ppid") and images.get(node["ppid"]) and len(found) < 20:
			node = max((self.nodes[other] for other in images[node["ppid"]]
				    if self.nodes[other]["first"] <= node["first"]),
				   key=lambda image: image["first"], default=None)
			if node is None:
				break
			found.append(node)
		return found


class Story:
	"""The incident with what belongs together as one: images of a process, both ends of a
	connection on this machine, a compiler and its helpers.  A pipe is an arrow."""

	def __init__(self, incident):
		self.incident = incident
		self.nodes = incident.nodes
		self.edges = set(incident.path) | set(incident.takes)
		self.group = {}
		names = {name for edge in self.edges for name in (edge.from_node, edge.to_node)}
		for name in names:
			self.group[name] = name
		self._join_images()
		self._join_connections()
		self._join_helpers()
		self._make_arrows()

	def find(self, name):
		while self.group[name] != name:
			name = self.group[name]
		return name

	def join(self, first, second):
		"""The earlier one stands for both."""
		first, second = self.find(first), self.find(second)
		if first != second:
			if (self.nodes[second]["first"], int(second)) < (self.nodes[first]["first"],
									int(first)):
				first, second = second, first
			self.group[second] = first

	def members(self, name):
		return sorted((other for other in self.group if self.find(other) == name),
			      key=lambda other: (self.nodes[other]["first"], int(other)))

	def _join_images(self):
		seen = {}
		for name in list(self.group):
			node = self.nodes[name]
			if node["kind"] == "process":
				self.join(seen.setdefault((node["pid"], node["start"]), name), name)

	def _join_connections(self):
		for edge in self.edges:
			if edge.op == "deliver":
				self.join(edge.from_node, edge.to_node)

	def _join_helpers(self):
		"""Processes that hand on temporary files that are gone, and who started only them."""
		writers = collections.defaultdict(set)
		self.temporary = {name for name in self.group
				  if self.nodes[name].get("deleted") and
				  self.incident.name(name).startswith(TEMPORARY)}
		for edge in self.edges:
			for file, process in ((edge.to_node, edge.from_node),
					      (edge.from_node, edge.to_node)):
				if file in self.temporary:
					writers[file].add(process)
		for file, processes in writers.items():
			for process in processes:
				self.join(file, process)
		again = True
		while again:
			again = False
			children = collections.defaultdict(set)
			for edge in self.edges:
				source, target = self.find(edge.from_node), self.find(edge.to_node)
				if edge.op in STARTS and source != target and \
				   self.nodes[edge.from_node]["kind"] == "process":
					children[source].add(target)
			helped = {self.find(file) for file in self.temporary}
			for parent, started in children.items():
				if len(started) == 1 and started <= helped:
					self.join(parent, next(iter(started)))
					again = True
					break
				if started and all(self._is_helper(child, parent)
						   for child in started) and started & helped:
					for child in started:
						self.join(parent, child)
					again = True
					break

	def _is_helper(self, child, parent):
		"""A process of the system's own directories that works for one of the user's."""
		exe = self.nodes[child].get("exe", "")
		return exe.startswith("/usr/lib/") or child in {self.find(file)
								for file in self.temporary}

	def _make_arrows(self):
		"""One arrow for all that went from one thing to another, with its first time."""
		ops = collections.defaultdict(set)
		first = {}
		for edge in self.edges:
			pair = (self.find(edge.from_node), self.find(edge.to_node))
			if pair[0] == pair[1]:
				continue
			ops[pair].add(edge.op)
			first[pair] = min(first.get(pair, edge.time), edge.time)
		# A pipe between two is an arrow between them.
		pipes = {name for pair in ops for name in pair
			 if self.nodes[name]["kind"] in ("pipe", "fifo")}
		for pipe in pipes:
			sources = [pair[0] for pair in ops if pair[1] == pipe]
			targets = [pair[1] for pair in ops if pair[0] == pipe]
			for source in sources:
				for target in targets:
					if source == target:
						continue
					ops[source, target].add("pipe")
					first[source, target] = min(
						first.get((source, target), "~"),
						first[source, pipe])
		self.arrows = []
		for (source, target), names in ops.items():
			if source in pipes or target in pipes:
				continue
			# Who reads back what nobody else wrote has learnt nothing.
			if (target, source) in ops and not self.is_process(source) and \
			   [pair for pair in ops if pair[1] == source] == [(target, source)]:
				continue
			self.arrows.append((first[source, target], source, target, names))
		self.arrows.sort()
		self._follow_taken()

	def _follow_taken(self):
		"""Which arrows carried what was taken: forward from it, in order of time."""
		have = {self.find(edge.from_node) for edge in self.incident.takes}
		self.carried = set()
		for time, source, target, names in self.arrows:
			if source in have and self.verb(source, target, names) != "started":
				have.add(target)
				self.carried.add((source, target))

	# -- words ---------------------------------------------------------------------------

	def is_process(self, name):
		return self.nodes[name]["kind"] == "process"

	def title(self, name):
		"""What stands for a thing, in a line."""
		node = self.nodes[name]
		if self.is_process(name):
			images = [other for other in self.members(name) if self.is_process(other)
				  and self.nodes[other]["pid"] == node["pid"]]
			# The last image is what the process was in the end.
			return "pid %d  %s" % (node["pid"], command(self.nodes[images[-1]]))
		if node["kind"] == "socket":
			if len(self.members(name)) > 1:
				return "connection on this machine %s ↔ %s" % (node.get("local"),
									      node.get("remote"))
			return "connection %s ↔ %s" % (node.get("local"), node.get("remote"))
		return self.incident.name(name, max(
			edge.time for edge in self.edges if name in (edge.from_node, edge.to_node)))

	def helpers(self, name):
		node = self.nodes[name]
		return sorted({self.nodes[other].get("exe", "?").rsplit("/", 1)[-1]
			       for other in self.members(name) if self.is_process(other)
			       and self.nodes[other]["pid"] != node["pid"]})

	def verb(self, source, target, names):
		"""What an arrow says."""
		if "pipe" in names:
			return "piped"
		if self.is_process(source) and self.is_process(target):
			return "started"
		if "exec" in names:
			return "was executed"
		for op in ("recv", "send", "write", "read", "mmap_write", "truncate", "mmap"):
			if op in names:
				return {"recv": "received", "send": "sent", "write": "wrote",
					"mmap_write": "wrote", "truncate": "wrote",
					"mmap": "mapped"}.get(op, op)
		return ", ".join(sorted(names))

	def short(self, name):
		"""What stands for a thing within a sentence."""
		node = self.nodes[name]
		if not self.is_process(name):
			return self.title(name)
		images = [other for other in self.members(name) if self.is_process(other)
			  and self.nodes[other]["pid"] == node["pid"]]
		last = self.nodes[images[-1]]
		word = (last.get("argv") or [last.get("exe", "?")])[0]
		return "%s (pid %d)" % (printable(word.rsplit("/", 1)[-1]), node["pid"])

	def sentence(self, source, target, names):
		verb = self.verb(source, target, names)
		one, two = self.short(source), self.short(target)
		if verb == "piped":
			return "%s piped its output into %s" % (one, two)
		if verb == "was executed":
			return "%s was executed as %s" % (one, two)
		if verb == "received":
			return "%s received over %s" % (two, one)
		if verb == "sent":
			return "%s sent over %s" % (one, two)
		if verb != "started" and self.is_process(target):
			return "%s %s %s" % (two, verb, one)
		return "%s %s %s" % (one, verb, two)


# -- the report ----------------------------------------------------------------------------------

def heading(out, text):
	out.append("")
	out.append(text)
	out.append("-" * len(text))


def report_sent(out, incident, story):
	heading(out, "What left the machine, and what was in it")
	for edge in sorted(incident.sends, key=lambda edge: edge.time):
		node, drop = incident.nodes[edge.from_node], incident.nodes[edge.to_node]
		out.append("%s  pid %d (uid %s) sent from %s to %s" % (
			clock(edge.time), node["pid"], node.get("uid"), drop.get("local"),
			drop["remote"]))
		out.append("              %s" % cut(command(node), SHOWN_COLUMNS))
	if not incident.takes:
		out.append("Nothing in it came from a file that not everybody may read.")
		return
	out.append("In it, of what not everybody may read:")
	for name in dict.fromkeys(edge.from_node for edge in incident.takes):
		out.append("  %s" % incident.name(name))
		out.append("      %s, inode %s:%d" % (incident.access(incident.nodes[name]),
						      incident.nodes[name]["dev"],
						      incident.nodes[name]["ino"]))
		for edge in incident.takes:
			if edge.from_node == name:
				node = incident.nodes[edge.to_node]
				out.append("      %s  read by pid %d  %s" % (
					clock(edge.time), node["pid"],
					cut(command(node), SHOWN_COLUMNS)))


def report_origin(out, incident, story):
	heading(out, "Where it came from")
	if not incident.entries:
		out.append("Nothing from outside this machine led to it.")
	for entry in incident.entries:
		node = incident.nodes[entry]
		first = min((edge for edge in incident.path
			     if edge.op == "recv" and edge.from_node == entry),
			    key=lambda edge: edge.time)
		process = incident.nodes[first.to_node]
		out.append("From outside: %s, received at %s by pid %d  %s" % (
			node["remote"], clock(first.time), process["pid"],
			cut(command(process), SHOWN_COLUMNS)))
		for parent in incident.parents(first.to_node):
			out.append("    started by pid %d  %s" % (
				parent["pid"], cut(command(parent), SHOWN_COLUMNS)))
	out.append("")
	out.append("How that led to the sending (numbers as in the picture; * carried what was taken):")
	for number, (time, source, target, names) in enumerate(story.arrows, 1):
		out.append("%3d %s %s  %s" % (
			number, "*" if (source, target) in story.carried else " ", clock(time),
			story.sentence(source, target, names)))
	out.append("")
	out.append("Who took part:")
	for name in dict.fromkeys(name for _, *ends, _ in story.arrows for name in ends):
		if not story.is_process(name):
			continue
		node = incident.nodes[name]
		helpers = story.helpers(name)
		out.append("  %s%s" % (cut(story.title(name), SHOWN_COLUMNS),
				       "  (with %s)" % ", ".join(helpers) if helpers else ""))
		out.append("      as %s, started by %s" % (owner(node), "; ".join(
			"pid %d  %s" % (parent["pid"], cut(command(parent), SHOWN_COLUMNS))
			for parent in incident.parents(name)[:1]) or "?"))


def report_deeds(out, incident):
	"""What the sender and all that it started did, from when it was executed."""
	heading(out, "What it did")
	senders = {edge.from_node for edge in incident.sends}
	pack = set(senders)
	todo = list(senders)
	while todo:
		name = todo.pop()
		for edge in incident.whole.edges:
			if edge.op in STARTS and edge.kind == "data" and edge.from_node == name and \
			   edge.to_node not in pack and \
			   incident.nodes[edge.to_node]["kind"] == "process":
				pack.add(edge.to_node)
				todo.append(edge.to_node)
	processes = {}
	for name in sorted(pack, key=lambda name: incident.nodes[name]["first"]):
		processes[incident.nodes[name]["pid"]] = incident.nodes[name]
	out.append("Processes:")
	for pid, node in processes.items():
		how = "exit %s" % node["exit"] if "exit" in node else \
			"signal %s" % node["signal"] if "signal" in node else "still running"
		out.append("  pid %d (parent %d, uid %s, %s)  %s" % (
			pid, node["ppid"], node.get("uid"), how, cut(command(node), SHOWN_COLUMNS)))

	deeds = collections.defaultdict(dict)
	quiet = set()
	for edge in sorted(incident.whole.edges, key=lambda edge: edge.time):
		if edge.from_node in pack and edge.to_node not in pack and edge.op in WRITES:
			other, verb = edge.to_node, WRITES[edge.op]
		elif edge.to_node in pack and edge.from_node not in pack and edge.op in READS:
			other, verb = edge.from_node, READS[edge.op]
		else:
			continue
		kind = incident.nodes[other]["kind"]
		path = incident.name(other)
		if kind in ("pipe", "process"):
			continue
		if edge.to_node in pack and kind != "socket" and path.startswith(SYSTEM) and \
		   not path.startswith(OUT_OF_SYSTEM):
			quiet.add(other)
			continue
		deeds[other].setdefault(verb, edge)
	out.append("Files and connections, in order of time:")
	for other, verbs in deeds.items():
		node = incident.nodes[other]
		first = next(iter(verbs.values()))
		pids = sorted({incident.nodes[name]["pid"] for edge in verbs.values()
			       for name in (edge.from_node, edge.to_node) if name in pack})
		what = "connection %s ↔ %s" % (node.get("local"), node.get("remote")) \
			if node["kind"] == "socket" else incident.name(other, first.time)
		if node["kind"] == "socket" and not node.get("remote"):
			what = "%s socket" % node.get("protocol", "a")
		marks = []
		if node["kind"] == "file" and not world_may_read(node):
			marks.append("not for everybody")
		if node.get("deleted"):
			marks.append("now gone")
		out.append("  %s  %-28s %s%s  (pid %s)" % (
			clock(first.time), ", ".join(verbs), what,
			"  [%s]" % ", ".join(marks) if marks else "",
			", ".join(map(str, pids))))
	out.append("Also read: %d files of the system (programs, libraries, configuration)."
		   % len(quiet))


def report_left(out, incident):
	heading(out, "What it left behind: files that have something of it")
	for name, edge in sorted(incident.left.items(), key=lambda item: item[1].time):
		node = incident.nodes[edge.from_node]
		out.append("  %s  %s  (pid %s)" % (clock(edge.time), incident.name(name),
						   node.get("pid", "?")))


def summary(incident):
	"""The answer in two sentences."""
	send = min(incident.sends, key=lambda edge: edge.time)
	sender = incident.nodes[send.from_node]
	taken = [incident.name(name)
		 for name in dict.fromkeys(edge.from_node for edge in incident.takes)]
	text = "In short: %s (pid %d) sent %s to %s." % (
		printable(sender.get("exe", "?")), sender["pid"],
		" and ".join(taken) or "nothing that not everybody may read", incident.address)
	if incident.entries:
		text += "  It came from %s." % " and ".join(
			incident.nodes[name]["remote"] for name in incident.entries)
	return text


def report(incident, story):
	trailer = incident.ancestry.trailer
	day = incident.sends[0].time[:10]
	out = ["Alarm: data left this machine for %s.  Times are UTC of %s."
	       % (incident.address, day), summary(incident)]
	report_sent(out, incident, story)
	report_origin(out, incident, story)
	report_deeds(out, incident)
	report_left(out, incident)
	out.append("")
	out.append("Records lost: %d.  The whole ancestry, back to the start of the machine, has %d"
		   " nodes; %d more, such as libraries, are hidden." % (
			   trailer["lost"], len(incident.ancestry.nodes),
			   trailer["cut"]["hidden"]))
	return "\n".join(out) + "\n"


# -- the picture ---------------------------------------------------------------------------------

def lines_of(text, columns=LABEL_COLUMNS):
	"""Break a label between words, and a long word where a directory begins."""
	found = [""]
	for word in text.split(" "):
		if found[-1] and len(found[-1]) + 1 + len(word) > columns:
			found.append("")
		elif found[-1]:
			word = " " + word
		while len(found[-1]) + len(word) > columns:
			place = word.rfind("/", 1, columns)
			place = place if place > 0 else columns
			found[-1] += word[:place]
			word = word[place:]
			found.append("")
		found[-1] += word
	if len(found) > LABEL_LINES:
		found = found[:LABEL_LINES - 1] + ["…" + found[-1]]
	return found


def quoted(lines, end="\\l"):
	return '"%s"' % "".join(line.replace("\\", "\\\\").replace('"', '\\"') + end
				for line in lines)


def picture(incident, story):
	"""The story in the dot language."""
	taken = {story.find(edge.from_node) for edge in incident.takes}
	senders = {story.find(edge.from_node) for edge in incident.sends}
	entries = {story.find(name) for name in incident.entries}
	drops = {story.find(name) for name in incident.drops}
	shown = {name for _, source, target, _ in story.arrows for name in (source, target)}
	started = {target for _, source, target, names in story.arrows
		   if story.verb(source, target, names) == "started"}
	title = ["What went out to %s on %s, and where it came from" % (
		incident.address, incident.sends[0].time[:10]),
		"Arrows point the way information flows; numbers are steps in order of time (UTC).",
		"Red: the way of what was taken.  Dashed: one process started another."]
	out = ["digraph answer {",
	       '\tgraph [rankdir=TB, fontname="Helvetica", fontsize=13, labelloc=t, labeljust=l, '
	       'nodesep=0.35, ranksep=0.42, bgcolor=white, label=%s];' % quoted(title),
	       '\tnode [style=filled, fontname="Helvetica", fontsize=10, margin="0.12,0.06"];',
	       '\tedge [fontname="Helvetica", fontsize=9, arrowsize=0.7, color="#555555"];']
	for name in sorted(shown, key=int):
		node = story.nodes[name]
		kind = node["kind"]
		look = 'shape=note, fillcolor="#f3f0e4", color="#9a8f66"'
		lines = lines_of(story.title(name))
		if kind == "process":
			look = 'shape=box, fillcolor="#dbe9f6", color="#4a78a6"'
			if story.helpers(name):
				lines += lines_of("with " + ", ".join(story.helpers(name)))
			parents = incident.parents(name)
			if name not in started and parents:
				lines += lines_of("started by pid %d %s" % (parents[0]["pid"],
									    command(parents[0])))
			lines.append("as " + owner(node))
		elif kind == "socket":
			look = 'shape=ellipse, fillcolor="#e2f2e1", color="#5b955a"'
		if name in entries:
			lines = ["OUTSIDE: " + node["remote"], "to " + node.get("local", "?")]
			look = 'shape=ellipse, fillcolor="#ffe08a", color="#b38600", penwidth=2.5'
		elif name in drops:
			lines = ["SENT OUT to " + node["remote"], "from " + node.get("local", "?")]
			look = 'shape=ellipse, fillcolor="#f7b2a5", color="#b3261e", penwidth=2.5'
		elif name in taken:
			lines = ["TAKEN:"] + lines + [incident.access(node)]
			look = 'shape=note, fillcolor="#f7b2a5", color="#b3261e", penwidth=2'
		elif name in senders:
			look = 'shape=box, fillcolor="#f9d5cc", color="#b3261e", penwidth=2'
		out.append("\tn%s [%s, label=%s];" % (name, look, quoted(lines)))
	for number, (time, source, target, names) in enumerate(story.arrows, 1):
		verb = story.verb(source, target, names)
		look = ""
		if (source, target) in story.carried or target in drops:
			look = ', color="#b3261e", penwidth=2'
		elif verb == "started":
			look = ', style=dashed'
		out.append("\tn%s -> n%s [label=%s%s];" % (
			source, target, quoted([" %d  %s" % (number, verb), " " + clock(time)]),
			look))
	out.append("}")
	return "\n".join(out) + "\n"


def main():
	if len(sys.argv) != 4:
		raise SystemExit(__doc__)
	log, address, directory = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
	incident = Incident(log, address)
	story = Story(incident)
	text = report(incident, story)
	(directory / "answer.txt").write_text(text, encoding="utf-8")
	dot = picture(incident, story)
	(directory / "answer.dot").write_text(dot, encoding="utf-8")
	subprocess.run(["dot", "-Tsvg", "-o", str(directory / "answer.svg")], input=dot.encode(),
		       check=True)
	sys.stdout.write(text)


if __name__ == "__main__":
	main()
