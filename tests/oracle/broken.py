# SPDX-License-Identifier: GPL-2.0
"""Would the comparison notice?  Edges are taken from a record, and calls from a trace."""
import copy

import calls as table
import compare
import record


def _without(answer, source, target, step):
	"""The same answer but for an edge; times of an answer are still text."""
	less = copy.copy(answer)
	less.edges = [edge for edge in answer.edges if not (
		edge.from_node == source and edge.to_node == target and edge.op == step.op and
		edge.from_version == step.from_version and edge.to_version == step.to_version)]
	assert len(less.edges) < len(answer.edges)
	return record.Record(less)


def edges(found, answer, links, rng, count):
	"""Take edges away that alone say what a call moved; gives those calls that were not missed."""
	if len(found.alone) < count:
		return [("there are too few",)]
	unnoticed = []
	for call, flow, source, target, step in rng.sample(found.alone, count):
		less = compare.Comparison(found.calls, _without(answer, source, target, step), links)
		if not any(missing[0] == call for missing in less.missing):
			unnoticed.append((call, flow, source, target))
	return unnoticed


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
