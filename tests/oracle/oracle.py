#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares what strace saw of workloads with what was recorded.  TAP on stdout.

usage: oracle.py DIR WORKLOAD...

Then each edge is taken away and changed, and some calls are taken away, and it has to be noticed;
SEED chooses which calls, and what edges are changed to.

DIR is what scripts/vm brought back of tests/oracle/guest.
"""
import os
import pathlib
import random
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "scripts/scenario"), str(TOP / "tests/oracle")]

import broken	# noqa: E402
import compare	# noqa: E402
import graph	# noqa: E402
import record	# noqa: E402
import report	# noqa: E402
import strace	# noqa: E402

CALLS_WANTED = 1000
# Edges of which a change has to be noticed, so that it does not only have reasons; how many there are
# differs from run to run where processes share memory.
DECISIVE_WANTED = 200
OLDER_WANTED = 20
TAKEN_AWAY = 3


def links(path):
	"""Symbolic links of the guest, of which strace does not say where they lead."""
	found = {}
	if path.exists():
		for line in path.read_text(errors="surrogateescape").splitlines():
			name, _, target = line.partition("\t")
			found[name] = target
	return found


def check(tap, out, name, answer):
	"""Compare out/NAME, what strace wrote, with @answer, what was recorded (a graph.Answer)."""
	seed = int(os.environ.get("SEED") or random.randrange(2**32))
	rng = random.Random(seed)
	trace = out / name
	if not tap.ok(trace.exists(), name + ": strace saw it"):
		return
	print("# %s: SEED=%d takes the same away" % (name, seed))
	known_links = links(out / "links")
	with open(trace, encoding="ascii", errors="surrogateescape") as lines:
		calls = strace.parse(lines)
	found = compare.Comparison(calls, record.Record(answer), known_links)
	report.report(tap, name, found, CALLS_WANTED)
	changes = broken.Changes(found)
	report.outcome(tap, name + ": each edge that is taken away is missed",
		       changes.taken_away(), DECISIVE_WANTED, found.record)
	report.outcome(tap, name + ": each edge that leaves the version before is missed or found",
		       changes.older(), OLDER_WANTED, found.record)
	report.outcome(tap, name + ": each edge with another end is missed or found",
		       changes.elsewhere(rng), DECISIVE_WANTED, found.record)
	report.unnoticed(tap, name + ": an edge whose call is taken away is found",
			 broken.calls(found, known_links, rng, TAKEN_AWAY))


def main():
	out = pathlib.Path(sys.argv[1])
	tap = report.Tap()
	answer = graph.Answer(out / "log", "export", "--no-hide")
	for name in sys.argv[2:]:
		check(tap, out, "trace." + name, answer)
	return tap.finish()


if __name__ == "__main__":
	sys.exit(main())
