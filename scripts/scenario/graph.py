# SPDX-License-Identifier: GPL-2.0
"""Answers of provq, as Python objects."""
import collections
import json
import os
import pathlib
import subprocess

TOP = pathlib.Path(__file__).resolve().parent.parent.parent

# from_node and to_node are ids without their version; time is the text that provq gives, and tid the
# thread that made the record, or None if that is not known.
Edge = collections.namedtuple("Edge",
			      "op kind from_node from_version to_node to_version time tid")


def provq_path():
	return os.path.join(os.environ.get("BUILD") or str(TOP / "build"), "bin", "provq")


def provq(log, *arguments, accept=(0,)):
	"""What provq prints, as text; any exit status but those in @accept raises."""
	command = [provq_path(), "-d", str(log), *arguments]
	result = subprocess.run(command, stdout=subprocess.PIPE, check=False, timeout=300)
	if result.returncode not in accept:
		raise RuntimeError("provq %s: exit status %d" % (" ".join(arguments),
								 result.returncode))
	return result.stdout.decode("utf-8")


class Answer:
	"""What provq --json says: nodes by id, edges between versions, the trailer.

	A node is the dict that provq prints, without "node"; "versions" is the set of those that
	are in the answer.  An empty answer (nothing found) is one without nodes.
	"""

	def __init__(self, log, *arguments):
		self._parse(provq(log, *arguments, "--json", accept=(0, 1)))

	@classmethod
	def of_text(cls, text):
		"""From what provq printed at another time."""
		answer = cls.__new__(cls)
		answer._parse(text)
		return answer

	def _parse(self, text):
		self.nodes = {}
		self.edges = []
		self.trailer = {}
		for line in text.splitlines():
			item = json.loads(line)
			if "node" in item:
				name, _, version = item.pop("node").partition("@")
				node = self.nodes.setdefault(name, dict(item, versions=set()))
				node["versions"].add(int(version))
			elif "edge" in item:
				source, _, from_version = item["from"].partition("@")
				target, _, to_version = item["to"].partition("@")
				self.edges.append(Edge(item["edge"], item["class"], source,
						       int(from_version), target, int(to_version),
						       item["time"], item.get("tid")))
			elif "end" in item:
				self.trailer = item

	def has(self, op, sources, targets):
		"""Is there an edge of that name from one of @sources to one of @targets?"""
		return any(edge.op == op and edge.from_node in sources and edge.to_node in targets
			   for edge in self.edges)


def device(number):
	"""A st_dev as provq writes it: major:minor."""
	number = int(number)
	return "%d:%d" % (os.major(number), os.minor(number))
