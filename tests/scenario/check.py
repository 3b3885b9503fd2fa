#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Compares what was recorded of the scenario with what it did.  TAP on stdout.

usage: check.py DIR

DIR is what scripts/run made.  What was done is in its ledger, which the scenario wrote as it went
(see scripts/scenario/guest.sh), and in what arrived outside; what was recorded is asked of provq.
Nodes are found by pid, by device, inode and generation, and by port, never by name.
"""
import collections
import hashlib
import io
import json
import pathlib
import subprocess
import sys
import tarfile

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(TOP / "scripts/scenario"), str(TOP / "tests/oracle")]

import answer as analyst	# noqa: E402
import graph	# noqa: E402
import oracle	# noqa: E402
from plan import HOST	# noqa: E402
from report import Tap	# noqa: E402


class Ledger:
	"""What the scenario wrote down: pids, files, ports, hashes and facts, by role."""

	def __init__(self, path):
		self.pids = collections.defaultdict(set)
		self.files = collections.defaultdict(set)	# (device, inode, generation)
		self.paths = {}
		self.ports = collections.defaultdict(set)
		self.hashes = {}
		self.facts = {}
		for line in path.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
			kind, role, *rest = line.split("\t")
			if kind == "pid":
				self.pids[role].update(int(pid) for pid in rest)
			elif kind == "port":
				self.ports[role].add(int(rest[0]))
			elif kind == "fact":
				self.facts[role] = rest[0]
			elif kind == "hash":
				self.hashes[role] = rest[0].split()[0]
			elif kind == "file":
				dev, inode, more = rest[0], rest[1], "\t".join(rest[2:])
				self.files[role].add((graph.device(dev), int(inode),
						      int(more.split()[0])))


class Recorded:
	"""The whole log, and the nodes that a role of the ledger stands for."""

	def __init__(self, log, ledger):
		self.all = graph.Answer(log, "export", "--no-hide")
		self.ledger = ledger
		self.by_file = collections.defaultdict(set)
		self.by_pid = collections.defaultdict(set)
		self.by_local = collections.defaultdict(set)
		self.by_remote = collections.defaultdict(set)
		for name, node in self.all.nodes.items():
			if "ino" in node:
				self.by_file[node["dev"], node["ino"],
					     node["generation"]].add(name)
			if "pid" in node:
				self.by_pid[node["pid"]].add(name)
			if "local" in node:
				self.by_local[node["local"]].add(name)
			if "remote" in node:
				self.by_remote[node["remote"]].add(name)

	def files(self, role):
		found = (self.by_file[key] for key in self.ledger.files[role])
		return set().union(*found)

	def processes(self, role):
		found = (self.by_pid[pid] for pid in self.ledger.pids[role])
		return set().union(*found)

	def sockets(self, role, address):
		"""Sockets of this machine's @address and the role's ports."""
		found = (self.by_local["%s:%d" % (address, port)]
			 for port in self.ledger.ports[role])
		return set().union(*found)

	def programs(self, parents, *names):
		"""Images of programs with one of @names that processes @parents started."""
		pids = {self.all.nodes[name]["pid"] for name in parents}
		return {name for name, node in self.all.nodes.items()
			if node["kind"] == "process" and node["ppid"] in pids
			and node.get("exe", "").rsplit("/", 1)[-1] in names}


def reach_back(answer, starts):
	"""Edges of data that could have flowed into the last versions of @starts.

	Written for this test alone: version n has what version n - 1 had, and an edge brings what
	its source's version had.
	"""
	into = collections.defaultdict(list)
	last = {}
	for edge in answer.edges:
		if edge.kind == "data":
			into[edge.to_node].append(edge)
	for name in starts:
		last[name] = max(answer.nodes[name]["versions"])
	todo = list(last)
	found = set()
	while todo:
		name = todo.pop()
		for edge in into[name]:
			if edge.to_version > last[name] or edge in found:
				continue
			found.add(edge)
			if last.get(edge.from_node, -1) < edge.from_version:
				last[edge.from_node] = edge.from_version
				todo.append(edge.from_node)
	return found


def unpack(data, how):
	"""Undo what the payload did; gives {path: bytes}."""
	name, *decrypt = how["unpack"].split("+")
	if decrypt:
		data = subprocess.run(["openssl", "enc", "-d", "-aes-256-cbc", "-pbkdf2", "-pass",
				       "pass:" + how["password"]], input=data, check=True,
				      stdout=subprocess.PIPE).stdout
	assert name in ("gzip", "xz")
	with tarfile.open(fileobj=io.BytesIO(data)) as archive:
		return {"/" + member.name: archive.extractfile(member).read()
			for member in archive if member.isfile()}


def check_run(tap, out, plan, ledger):
	"""Did the scenario happen, and did nothing break?"""
	tap.ok(ledger.facts.get("complete") == "1", "the scenario ran to its end")
	tap.ok(ledger.facts.get("ssh-status") == "0", "the login by ssh worked")
	tap.ok(ledger.facts.get("upload-status") == "0", "the honest upload worked")
	tap.ok(ledger.facts.get("confined-status") not in (None, "0", "127"),
	       "AppArmor refused what its profile forbids")
	tap.ok((out / "tainted").read_text().strip() == "0", "the kernel is not tainted")
	klog = subprocess.run([str(TOP / "scripts/check-klog"), str(out)], check=False,
			      stderr=subprocess.PIPE, text=True)
	tap.ok(klog.returncode == 0, "the kernel did not complain", klog.stderr)
	tap.ok(not (out / "failed-units").read_text().strip(), "no unit of systemd failed",
	       (out / "failed-units").read_text())
	state = (out / "recorder.result").read_text()
	tap.ok("NRestarts=0" in state and "ExecMainStatus=0" in state,
	       "the recorder ran through and ended well", state)

	drops = sorted((out / "received").glob("drop-*"))
	tap.ok(len(drops) == 1, "one connection brought the secrets out")
	data = drops[0].read_bytes() if drops else b""
	tap.ok(str(len(data)) == ledger.facts.get("sent"), "as many bytes arrived as were sent")
	try:
		members = unpack(data, plan)
	except (tarfile.TarError, subprocess.CalledProcessError, OSError) as error:
		members = {}
		tap.ok(False, "what arrived can be unpacked", error)
	for path in (plan["secret_key"], plan["secret_table"]):
		digest = hashlib.sha256(members.get(path, b"")).hexdigest()
		tap.ok(digest == ledger.hashes.get(path), "what arrived has the secret %s" % path)


def check_log(tap, log, whole):
	verified = subprocess.run([graph.provq_path(), "-d", str(log), "verify", "--strict"],
				  check=False, stdout=subprocess.PIPE, text=True)
	tap.ok(verified.returncode == 0, "provq verify --strict finds the log good",
	       verified.stdout)
	tap.ok(whole.all.trailer.get("lost") == 0 and whole.all.trailer.get("missing") == 0,
	       "no record was lost", whole.all.trailer)
	boot = {node["pid"]: node for node in whole.all.nodes.values()
		if node.get("pid") == 1 and node.get("exe", "").endswith("systemd")}
	tap.ok(boot, "init is recorded")

	ledger = whole.ledger
	missing = ["%s %d" % (role, pid) for role, pids in ledger.pids.items()
		   for pid in pids if not whole.by_pid[pid]]
	tap.ok(not missing, "every process of the ledger is in the log", "\n".join(missing))
	wrong = ["%s %s: %d nodes" % (role, key, len(whole.by_file[key]))
		 for role, keys in ledger.files.items() for key in keys
		 if len(whole.by_file[key]) != 1]
	tap.ok(not wrong, "every file of the ledger is one node in the log", "\n".join(wrong))


def steps(whole, plan):
	"""What must have flowed: (name, op or ops, nodes, nodes)."""
	files, processes = whole.files, whole.processes
	out = whole.sockets("payload", "10.0.2.15") & whole.by_remote[
		"%s:%d" % (HOST, plan["drop_port"])]
	web = whole.by_remote["%s:%d" % (HOST, plan["web_port"])]
	client = whole.sockets("curl-update", "127.0.0.1")
	server = set().union(*(whole.by_remote["127.0.0.1:%d" % port]
			       for port in whole.ledger.ports["curl-update"]))
	payload, gcc = processes("payload"), processes("gcc")
	cc1 = whole.programs(gcc, "cc1")
	assembler = whole.programs(gcc, "as", "x86_64-linux-gnu-as")
	collect2 = whole.programs(gcc, "collect2")
	linker = whole.programs(collect2, "ld", "ld.bfd", "x86_64-linux-gnu-ld.bfd")
	shell = whole.programs(payload, "sh", "dash")
	tar = whole.programs(shell, "tar")
	packers = [whole.programs(shell, name) for name in plan["packers"]]
	pipes = {name for name, node in whole.all.nodes.items() if node["kind"] == "pipe"}
	objects = {edge.to_node for edge in whole.all.edges
		   if edge.op == "write" and edge.from_node in assembler}

	found = [
		("the release came from the attacker's server", "recv", web,
		 processes("curl-mirror")),
		("curl put it into the mirror", "write", processes("curl-mirror"),
		 files("mirror-archive")),
		("nginx read it there", "read", files("mirror-archive"),
		 processes("nginx-worker")),
		("nginx sent it to the update job", "send", processes("nginx-worker"), server),
		("both ends of the local connection are joined", "deliver", server, client),
		("curl received it", "recv", client, processes("curl-update")),
		("curl stored it", "write", processes("curl-update"), files("cache-archive")),
		("gzip read it for tar", "read", files("cache-archive"),
		 whole.programs(processes("untar"), "gzip")),
		("tar unpacked the script", "write", processes("untar"), files("setup")),
		("tar unpacked the source", "write", processes("untar"), files("source")),
		("tar unpacked the header", "write", processes("untar"), files("header")),
		("a shell read the script", "read", files("setup"), processes("setup")),
		("the compiler read the source", "read", files("source"), cc1),
		("the compiler read the header", "read", files("header"), cc1),
		("the linker read the object", "read", objects, linker),
		("the linker wrote the binary", "write", linker, files("payload")),
		("the binary was executed", "exec", files("payload"), payload),
		("the payload started a shell", "exec", payload, shell),
		("tar read the secret key", "read", files("secret-key"), tar),
		("tar read the secret table", "read", files("secret-table"), tar),
		("tar wrote into a pipe", "write", tar, pipes),
	]
	for packer, name in zip(packers, plan["packers"]):
		found.append(("%s read a pipe" % name, "read", pipes, packer))
	found += [
		("%s wrote the spoils" % plan["packers"][-1], "write", packers[-1],
		 files("loot")),
		("the payload read the spoils", "read", files("loot"), payload),
		("the payload sent them", "send", payload, out),
	]
	return found, out


def strangers(whole, plan):
	"""What must not be in the ancestry: (name, nodes)."""
	ledger = whole.ledger
	found = []
	for role in sorted(ledger.pids):
		if role.startswith(("other-", "late-", "confined")):
			found.append(("process " + role, whole.processes(role)))
	for role in sorted(ledger.files):
		if role.startswith(("other-", "late-", "decoy", "notes", "cron", "forbidden",
				    "mirror-index")):
			found.append(("file " + role, whole.files(role)))
	for role in sorted(ledger.ports):
		if role.startswith(("other-", "late-")):
			found.append(("socket " + role, whole.sockets(role, "127.0.0.1") |
				      whole.sockets(role, "10.0.2.15")))
	found.append(("socket of the login", set().union(*(
		names for address, names in
		list(whole.by_remote.items()) + list(whole.by_local.items())
		if address.endswith(":%d" % plan["ssh_port"])))))
	return found


def wrong_in(answer, found, foreign):
	"""Names of steps that @answer lacks, and of strangers that it has."""
	lacking = [name for name, op, sources, targets in found
		   if not sources or not targets or not answer.has(op, sources, targets)]
	present = [name for name, nodes in foreign if nodes & set(answer.nodes)]
	return lacking, present


def check_ancestry(tap, log, whole, plan):
	found, out = steps(whole, plan)
	foreign = strangers(whole, plan)
	tap.ok(len(out) == 1, "the connection that brought the secrets out is one node")
	obj = "sock:%s:%d" % (HOST, plan["drop_port"])
	answer = graph.Answer(log, "ancestry", obj)
	tap.ok(answer.trailer.get("lost") == 0, "the answer says that nothing was lost")
	lacking, present = wrong_in(answer, found, foreign)
	for name, *_ in found:
		tap.ok(name not in lacking, "ancestry has: " + name)
	for name, nodes in foreign:
		tap.ok(nodes and name not in present, "ancestry has not: " + name,
		       "not in the log at all" if not nodes else "it is in the ancestry")

	full = graph.Answer(log, "ancestry", obj, "--no-hide")
	expected = reach_back(whole.all, out)
	given = {edge for edge in full.edges if edge.kind == "data"}
	tap.ok(given == expected, "provq's ancestry is what a second traversal finds",
	       "%d edges too few, %d too many" % (len(expected - given), len(given - expected)))
	tap.ok(set(answer.nodes) <= set(full.nodes), "hiding hubs adds nothing")

	# The comparison itself must notice what is missing and what is too much.
	kept = answer.edges
	for number in range(len(found)):
		_, op, sources, targets = found[number]
		answer.edges = [edge for edge in kept if not (
			edge.op == op and edge.from_node in sources and edge.to_node in targets)]
		if len(wrong_in(answer, found, foreign)[0]) <= len(lacking):
			tap.ok(False, "the check notices a missing edge", found[number][0])
			break
	else:
		tap.ok(True, "the check notices each of the edges, were it missing")
	answer.edges = kept
	blind = []
	for name, nodes in foreign:
		answer.nodes.update({node: {} for node in nodes})
		if name not in wrong_in(answer, found, foreign)[1]:
			blind.append(name)
	tap.ok(not blind, "the check notices each of the strangers, were it there",
	       "\n".join(blind))


def check_late(tap, whole):
	"""What must not be in the ancestry did happen, and is in the log."""
	files, processes = whole.files, whole.processes
	late = [
		("the payload read the decoy", "read", files("decoy"), processes("payload")),
		("and wrote it down", "write", processes("payload"), files("notes")),
		("an administrator changed the secret", "write", processes("late-admin"),
		 files("secret-key")),
		("the mirror's nginx served another file", "read", files("mirror-index"),
		 processes("nginx-worker")),
		("someone read the payload's binary", "read", files("payload"),
		 processes("late-scan")),
		("a backup read the secret", "read", files("secret-key"),
		 processes("other-backup")),
		("and another one", "read", files("other-secret"), processes("other-backup")),
	]
	for name, op, sources, targets in late:
		tap.ok(sources and targets and whole.all.has(op, sources, targets),
		       "the log has: " + name)
	tap.ok(files("forbidden") and not any(
		edge.kind == "data" and edge.from_node in files("forbidden")
		and edge.to_node in processes("confined") for edge in whole.all.edges),
	       "nothing flowed where AppArmor refused")


def one_file(log, whole, role):
	"""Ancestry of a file of the ledger; of nothing, if it is not in the log."""
	names = whole.files(role)
	if len(names) != 1:
		return graph.Answer(log, "find", "no such thing in any log")
	return graph.Answer(log, "ancestry", "node:" + min(names))


def check_other_answers(tap, log, whole, plan):
	"""The same questions about what is honest, and from the other end."""
	upload = graph.Answer(log, "ancestry", "sock:%s:%d" % (HOST, plan["backup_port"]))
	seen = set(upload.nodes)
	tap.ok(whole.files("other-metrics") & seen, "the honest upload had its file in it")
	for role in ("secret-key", "secret-table", "payload", "cache-archive", "loot", "decoy"):
		tap.ok(not whole.files(role) & seen, "the honest upload had not: file " + role)
	tap.ok(not whole.processes("payload") & seen, "the honest upload had not: the payload")

	_, out = steps(whole, plan)
	key = graph.Answer(log, "descendants", plan["secret_key"])
	seen = set(key.nodes)
	tap.ok(out <= seen, "the secret key went out")
	tap.ok(whole.files("other-backup") & seen, "the secret key is in the backup")
	for role in ("other-metrics", "other-session", "other-report", "other-database",
		     "late-download"):
		tap.ok(not whole.files(role) & seen, "the secret key did not get into " + role)
	tap.ok(not whole.sockets("other-upload", "10.0.2.15") & seen,
	       "the secret key did not go out by the honest upload")

	# Honest work is recorded as well as the other.
	pid = min(whole.ledger.pids["other-ssh"])
	login = graph.Answer(log, "ancestry", "pid:%d" % pid)
	tap.ok(any(node.get("exe") == "/usr/bin/sort" and node.get("uid") == 1000
		   for node in login.nodes.values()),
	       "what the login printed came from its command, by way of sshd")
	rotated = one_file(log, whole, "other-rotated")
	tap.ok(whole.processes("other-nginx-worker") & set(rotated.nodes),
	       "the rotated log came from its nginx")
	tap.ok(not whole.processes("nginx-worker") & set(rotated.nodes),
	       "and not from the other one")
	commit = one_file(log, whole, "other-commit")
	tap.ok(whole.files("other-report") & set(commit.nodes), "the commit has the report in it")
	database = one_file(log, whole, "other-database")
	tap.ok(len(whole.processes("other-sqlite") & set(database.nodes)) >= 2,
	       "the database came from one sqlite3 after the other")

	web = graph.Answer(log, "descendants", "sock:%s:%d" % (HOST, plan["web_port"]))
	seen = set(web.nodes)
	tap.ok(out <= seen, "what the attacker sent in led to what went out")
	tap.ok(whole.files("cron") & seen, "and to a job for the next start")
	for role in ("other-report", "other-database", "other-session", "other-metrics",
		     "other-backup"):
		tap.ok(not whole.files(role) & seen, "but not to " + role)


def check_live(tap, out, log, whole, plan):
	"""The log was rotated meanwhile, and provq asked in the guest while it was written."""
	facts = whole.ledger.facts
	tap.ok(facts.get("rotate") == "0" and facts.get("rotate-again") == "0",
	       "the log was rotated in the middle of it")
	tap.ok(len(list(log.glob("segment-*.plog"))) >= 3, "the log has three segments or more")
	tap.ok(facts.get("provq-status") == "0", "provq answered in the guest")
	live = graph.Answer.of_text((out / "live.json").read_text(encoding="utf-8"))
	lacking, present = wrong_in(live, steps(whole, plan)[0], strangers(whole, plan))
	tap.ok(not lacking, "its answer had each step", "\n".join(lacking))
	tap.ok(not present, "its answer had no stranger", "\n".join(present))
	tap.ok(facts.get("provq-denied") not in (None, "0", "1"),
	       "a user without privilege could not read the log", facts.get("provq-denied"))


def check_traced(tap, out, whole):
	"""System calls that strace saw, against edges, both ways; see tests/oracle."""
	if not (out / "trace").exists():
		return
	tap.ok(whole.ledger.facts.get("traced-status") == "0", "the work under strace was done")
	oracle.check(tap, out, "trace", whole.all)


def check_report(tap, log, whole, plan):
	"""What the report is made from: nothing but the address is told to it."""
	incident = analyst.Incident(log, "%s:%d" % (HOST, plan["drop_port"]))
	web = whole.by_remote["%s:%d" % (HOST, plan["web_port"])]
	tap.ok(set(incident.entries) == web, "the report names where it came from, and only that",
	       incident.entries)
	taken = {edge.from_node for edge in incident.takes}
	secrets = whole.files("secret-key") | whole.files("secret-table")
	tap.ok(taken == secrets, "the report names the secrets, and only these",
	       "\n".join(incident.name(name) for name in taken))
	tap.ok({edge.from_node for edge in incident.sends} <= whole.processes("payload"),
	       "the report names who sent them")
	left = set(incident.left)
	for role in ("payload", "cron", "notes", "cache-archive", "mirror-archive"):
		tap.ok(whole.files(role) <= left and whole.files(role),
		       "the report names what is left behind: file " + role)
	tap.ok(not (whole.files("loot") | whole.files("late-payload") | whole.files("other-report")
		    | whole.files("decoy")) & left, "but not what is gone or is not of it")
	story = analyst.Story(incident)
	shown = {name for _, source, target, _ in story.arrows for name in (source, target)}
	members = {other for name in shown for other in story.members(name)}
	for role in ("mirror-archive", "cache-archive", "setup", "source", "header", "payload",
		     "loot"):
		tap.ok(whole.files(role) & members, "the picture has: file " + role)
	foreign = [name for name, nodes in strangers(whole, plan) if nodes & members]
	tap.ok(not foreign, "the picture has nothing else", "\n".join(foreign))
	tap.ok([arrow[0] for arrow in story.arrows] == sorted(arrow[0] for arrow in story.arrows),
	       "the steps are in order of time")


def main():
	out = pathlib.Path(sys.argv[1])
	tap = Tap()
	plan = json.loads((out / "plan.json").read_text())
	ledger = Ledger(out / "ledger")
	log = out / "log"
	check_run(tap, out, plan, ledger)
	whole = Recorded(log, ledger)
	check_log(tap, log, whole)
	check_ancestry(tap, log, whole, plan)
	check_late(tap, whole)
	check_other_answers(tap, log, whole, plan)
	check_live(tap, out, log, whole, plan)
	check_traced(tap, out, whole)
	check_report(tap, log, whole, plan)
	return tap.finish()


if __name__ == "__main__":
	sys.exit(main())
