# SPDX-License-Identifier: GPL-2.0
"""The outcome of a comparison as TAP."""

SHOWN = 40


class Tap:
	def __init__(self):
		self.count = self.failed = 0

	def ok(self, good, name, detail=""):
		self.count += 1
		self.failed += not good
		print("%s %d - %s" % ("ok" if good else "not ok", self.count,
				      name.replace("#", "")))
		if not good and detail:
			for line in str(detail).splitlines():
				print("# " + line)
		return good

	def finish(self):
		print("1..%d" % self.count)
		return 1 if self.failed else 0


def _call(call):
	if call is None:
		return "no call"
	return "%d %d.%09d %s(%s) = %s" % (call.tid, *divmod(call.start, 10**9), call.name,
					   ", ".join(call.arguments)[:200], call.result)


def _node(record, name):
	node = record.nodes[name]
	what = node.get("path") or node.get("name") or node.get("exe") or node.get("ino") or ""
	return "%s[%s%s %s]" % (name, node["kind"],
				" pid %d" % node["pid"] if "pid" in node else "", what)


def _missing(record, call, flow, sources, targets):
	return "%s: no %s from %s %s to %s %s" % (
		_call(call), "/".join(flow.ops), flow.source,
		" ".join(_node(record, name) for name in sorted(sources)[:4]), flow.target,
		" ".join(_node(record, name) for name in sorted(targets)[:4]))


def _edge(record, edge, call):
	return "%d.%09d %s by %s from %s@%d to %s@%d; at that time: %s" % (
		*divmod(edge.time, 10**9), edge.op, edge.tid, _node(record, edge.from_node),
		edge.from_version, _node(record, edge.to_node), edge.to_version, _call(call))


def report(tap, name, found, wanted):
	"""Results of a compare.Comparison; @wanted is how many calls have to move data."""
	lines = [_missing(found.record, *missing[:4]) for missing in found.missing]
	tap.ok(not found.unknown, name + ": every system call is known", " ".join(found.unknown))
	tap.ok(found.counted >= wanted, name + ": enough calls move data",
	       "%d calls, %d wanted" % (found.counted, wanted))
	tap.ok(not lines, name + ": each flow of each call is in the log",
	       "\n".join(["%d are not" % len(lines)] + lines[:SHOWN]))
	lines = [_edge(found.record, *unexplained) for unexplained in found.unexplained]
	tap.ok(not lines, name + ": each edge has a call behind it",
	       "\n".join(["%d have not" % len(lines)] + lines[:SHOWN]))
	lines = [_edge(found.record, *late) for late in found.late]
	tap.ok(not lines, name + ": what something has flowed out of takes nothing in",
	       "\n".join(["%d edges into such a version" % len(lines)] + lines[:SHOWN]))
	tap.ok(not found.identity.mistaken and found.identity.identified,
	       name + ": nodes have the inode numbers and addresses that strace shows",
	       "\n".join("%s: %s" % (_call(call), " ".join(_node(found.record, node) for node in nodes))
			 for call, nodes in found.identity.mistaken[:SHOWN]))
	print("# %s: %d calls moved data, %d flows, of which %d had been said before and %d came after a "
	      "write that is known; %d edges" % (name, found.counted, len(found.demands),
						 found.repeats, len(found.heard),
						 found.explained))


def outcome(tap, name, what, wanted, record):
	"""A broken.Outcome; @wanted is how many edges have to be missed."""
	lines = [_edge(record, edge, call) + (": " + _edge(record, other, None) if other else "")
		 for edge, other, call in what.unnoticed[:SHOWN]]
	tap.ok(not what.unnoticed and what.missed >= wanted, name, "\n".join(
		["%d of %d were noticed, %d wanted" % (what.missed, what.edges, wanted)] + lines))
	print("#   %d of %d were noticed" % (what.missed, what.edges))
	for reason, count in what.excused.most_common():
		print("#   %d of %d were not: %s" % (count, what.edges, reason))


def unnoticed(tap, name, gone):
	"""A result of broken.py."""
	tap.ok(not gone, name, "\n".join("%s" % (item,) for item in gone))
