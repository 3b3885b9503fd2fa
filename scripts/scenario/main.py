#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0
"""Records an intrusion in the guest, and answers where it came from and what it took.

usage: main.py [--seed N] [--trace] [--no-check] OUT

With --trace, work of many kinds is done under strace as well, for the check to compare.

OUT gets what scripts/vm brings back (log/, console.log, script.out, ledger, …), received/ with what
reached the machines outside, answer.txt and answer.svg.  Environment as for scripts/vm; BUILD says
where the products are.
"""
import argparse
import json
import os
import pathlib
import secrets
import shutil
import signal
import subprocess
import sys
import threading
import time

import plan as planning
import servers

HERE = pathlib.Path(__file__).resolve().parent
TOP = HERE.parent.parent
ORACLE = TOP / "tests/oracle"
GUEST_SECONDS = 600	# slow machines run other things as well


class Failure(Exception):
	"""Something that the user has to know, in a sentence."""


class Progress:
	"""Lines that say what is being done, and how long it has taken so far."""

	def __init__(self):
		self.began = time.monotonic()

	def say(self, text):
		print("%6.1f s  %s" % (time.monotonic() - self.began, text), flush=True)


def follow_console(path, progress, ended):
	"""Repeat what the guest's script says on its console, until @ended is set."""
	at = 0
	while not ended.wait(0.3):
		try:
			with open(path, "rb") as console:
				console.seek(at)
				text = console.read()
		except FileNotFoundError:
			continue
		whole = text.rfind(b"\n") + 1
		at += whole
		for line in text[:whole].decode("utf-8", "replace").splitlines():
			if line.startswith("scenario: "):
				progress.say("guest: " + line[len("scenario: "):].strip())


def run_guest(out, inputs, progress):
	"""Boot the guest and run the scenario in it; scripts/vm stops QEMU whatever happens."""
	env = dict(os.environ, SCRIPT=str(HERE / "guest.sh"), OUT=str(out),
		   FILES="%s %s %s" % (inputs, ORACLE / "straced", ORACLE / "workloads/everyday"),
		   TIMEOUT=os.environ.get("TIMEOUT") or str(GUEST_SECONDS))
	env.pop("SHELL_ONLY", None)
	env.pop("ICOUNT", None)
	ended = threading.Event()
	follower = threading.Thread(target=follow_console,
				    args=(out / "console.log", progress, ended))
	(out / "console.log").unlink(missing_ok=True)
	vm = subprocess.Popen([str(TOP / "scripts/vm")], env=env, stderr=subprocess.PIPE, text=True,
			      start_new_session=True)
	follower.start()
	try:
		errors = vm.communicate()[1]
	except BaseException:
		# It ends QEMU, and then itself.
		vm.send_signal(signal.SIGTERM)
		vm.wait()
		raise
	finally:
		ended.set()
		follower.join()
	if vm.returncode == 0:
		return
	sys.stderr.write(errors)
	if vm.returncode != 125:
		tail = (out / "script.out").read_text(errors="replace").splitlines()[-15:]
		sys.stderr.write("".join("  | %s\n" % line for line in tail))
		raise Failure("the scenario failed in the guest, see %s/script.out" % out)
	raise Failure("the guest did not run the scenario, see above and %s/console.log" % out)


def keep_received(out, drop, uploads, web):
	directory = out / "received"
	directory.mkdir()
	for number, data in enumerate(drop.received):
		(directory / ("drop-%d" % number)).write_bytes(data)
	for number, (_, data) in enumerate(uploads.uploads):
		(directory / ("upload-%d" % number)).write_bytes(data)
	(directory / "requests").write_text("".join("%s %d\n" % request
						     for request in web.requests))


def clean(out):
	out.mkdir(parents=True, exist_ok=True)
	for name in ("in", "received"):
		shutil.rmtree(out / name, ignore_errors=True)
	for name in ("plan.json", "ledger", "trace", "links", "live.json", "answer.txt", "answer.svg",
		     "answer.dot", "answer.log"):
		(out / name).unlink(missing_ok=True)


def record(out, seed, trace, progress):
	plan = planning.Plan(seed, trace)
	web, drop, uploads = servers.WebServer(), servers.DropServer(), servers.UploadServer()
	try:
		plan.set_ports(web.port, drop.port, uploads.port)
		template = (HERE / "payload.c.in").read_text()
		web.files[plan.url_path] = plan.archive_bytes(template)
		plan.write_inputs(out / "in")
		(out / "plan.json").write_text(json.dumps(vars(plan), indent=1) + "\n")
		progress.say("the guest boots")
		run_guest(out, out / "in", progress)
		keep_received(out, drop, uploads, web)
	finally:
		for server in (web, drop, uploads):
			server.close()
	if not list((out / "log").glob("segment-*")):
		raise Failure("the guest brought no log: is its kernel a recording one (VARIANT=)? "
			      "See %s/recorder.log" % out)
	progress.say("the guest is off, its log is in %s/log" % out)


def answer(out, progress):
	"""Ask provq.  All that the analyst knows is where the stolen data went."""
	port = json.loads((out / "plan.json").read_text())["drop_port"]
	print(flush=True)
	result = subprocess.run([sys.executable, str(HERE / "answer.py"), str(out / "log"),
				 "%s:%d" % (planning.HOST, port), str(out)], check=False)
	print(flush=True)
	if result.returncode:
		raise Failure("there was no answer, see above")
	progress.say("answered")


def check(out, progress):
	result = subprocess.run([sys.executable, str(TOP / "tests/scenario/check.py"), str(out)],
				stdout=subprocess.PIPE, text=True, check=False)
	lines = result.stdout.splitlines()
	good = [line for line in lines if line.startswith("ok ")]
	bad = [line for line in lines if line.startswith(("not ok ", "Bail out!"))]
	for line in bad:
		print("          " + line)
	progress.say("compared with what was really done: %d right, %d wrong"
		     % (len(good), len(bad)))
	if result.returncode or bad:
		raise Failure("the record is not what was done, see above")


def main():
	parser = argparse.ArgumentParser(add_help=True, description=__doc__.split("\n")[0])
	parser.add_argument("--seed", type=int)
	parser.add_argument("--trace", action="store_true")
	parser.add_argument("--no-check", action="store_true")
	parser.add_argument("out", type=pathlib.Path)
	options = parser.parse_args()
	out = options.out.resolve()
	seed = options.seed if options.seed is not None else secrets.randbelow(2**32)
	progress = Progress()

	# However this is ended, the guest must not be left behind.  A shell that starts this in
	# the background has the interrupt ignored.
	for number in (signal.SIGTERM, signal.SIGHUP):
		signal.signal(number, signal.default_int_handler)
	signal.signal(signal.SIGINT, signal.default_int_handler)
	print("scenario: seed %d (SEED=%d repeats it)" % (seed, seed), flush=True)
	try:
		clean(out)
		record(out, seed, options.trace, progress)
		answer(out, progress)
		if not options.no_check:
			check(out, progress)
		print("report   %s\npicture  %s\nlog      %s   (provq -d %s summary)" % (
			out / "answer.txt", out / "answer.svg", out / "log", out / "log"))
	except Failure as failure:
		print("scenario: %s (SEED=%d repeats it)" % (failure, seed), file=sys.stderr)
		return 1
	except KeyboardInterrupt:
		print("scenario: interrupted", file=sys.stderr)
		return 130
	return 0


if __name__ == "__main__":
	sys.exit(main())
