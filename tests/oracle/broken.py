# SPDX-License-Identifier: GPL-2.0
"""Would the comparison notice?  Edges are taken from a record or changed, and calls from a trace."""
import copy

import calls as table
import compare
import record


def _is_step(edge, source, target, step):
	"""Times of an answer are still text."""
	return edge.from_node == source and edge.to_node == target and edge.op == step.op and \
		edge.from_version == step.from_version and edge.to_version == step.to_version


def _without(answer, source, target, step):
	"""The same answer but for an edge."""
	less = copy.copy(answer)
	less.edges = [edge for edge in answer.edges if not _is_step(edge, source, target, step)]
	assert len(less.edges) < len(answer.edges)
	return record.Record(less)


def _changed(answer, source, target, step, **what):
	"""The same answer with another edge in its place."""
	other = copy.copy(answer)
	other.edges = [edge._replace(**what) if _is_step(edge, source, target, step) else edge
		       for edge in answer.edges]
	assert other.edges != answer.edges
	return record.Record(other)


def _is_missed(call, found):
	return any(missing[0] == call for missing in found.missing)


def edges(found, answer, links, rng, count):
	"""Take edges away that alone say what a call moved; gives those calls that were not missed."""
	if len(found.alone) < count:
		return [("there are too few",)]
	unnoticed = []
	for call, flow, source, target, step in rng.sample(found.alone, count):
		less = compare.Comparison(found.calls, _without(answer, source, target, step), links)
		if not _is_missed(call, less):
			unnoticed.append((call, flow, source, target))
	return unnoticed


def deliveries(found, answer, links, rng):
	"""The same of a delivery between sockets, if there are any."""
	delivered = [alone for alone in found.alone if alone[1].ops == ("deliver",)]
	for call, flow, source, target, step in rng.sample(delivered, min(len(delivered), 1)):
		less = compare.Comparison(found.calls, _without(answer, source, target, step), links)
		if not _is_missed(call, less):
			return [(call, flow, source, target)]
	return []


def versions(found, answer, links, rng):
	"""Let an edge leave the version before; gives the call if it was not missed.

	It is one whose version the source surely had before the call: else the one before will do.
	"""
	new = [alone for alone in found.alone
	       if alone[4].from_version and alone[4] in found.record.steps[alone[2], alone[3]] and
	       alone[4].from_version == found.record.newest(alone[2], alone[0].start)]
	if not new:
		return [("there is none",)]
	call, flow, source, target, step = rng.choice(new)
	other = compare.Comparison(found.calls, _changed(
		answer, source, target, step, from_version=step.from_version - 1), links)
	return [] if _is_missed(call, other) else [(call, flow, source, target)]


def ends(found, answer, links, rng):
	"""Let a write go to another file; gives the call if that was not noticed from both sides."""
	nodes, paths = found.record.nodes, found.record.paths
	writes = [alone for alone in found.alone
		  if alone[1].ops == (alone[4].op,) == ("write",) and alone[1].target[1] in paths(alone[3])]
	if not writes:
		return [("there is none",)]
	call, flow, source, target, step = rng.choice(writes)
	wrong = rng.choice(sorted(node for node, what in nodes.items() if what["kind"] == "file" and
				  flow.target[1] not in paths(node)))
	other = compare.Comparison(found.calls, _changed(answer, source, target, step, to_node=wrong),
				   links)
	if _is_missed(call, other) and any(edge.time == step.time and edge.to_node == wrong
					   for edge, _ in other.unexplained):
		return []
	return [(call, flow, source, wrong)]


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
