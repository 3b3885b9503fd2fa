# SPDX-License-Identifier: GPL-2.0
"""What strace saw of system calls that move data, to compare with what was recorded.

parse() reads the output of strace -f -yy and gives Calls: who (pid), what ("read", "write", "mmap",
"exec"), and the object, as strace names it: a path, "pipe:[N]", or None for a socket and whatever
else has no name of its own.
"""
import collections
import re

Call = collections.namedtuple("Call", "pid what object")

_READ = {"read", "readv", "pread64", "preadv", "preadv2", "recvfrom", "recvmsg", "recv"}
_WRITE = {"write", "writev", "pwrite64", "pwritev", "pwritev2", "sendto", "sendmsg", "send"}
# Call: which argument is read from, which is written to
_BOTH = {"copy_file_range": (0, 2), "sendfile": (1, 0), "splice": (0, 2)}

_LINE = re.compile(r"^(\d+) +(?:[\d.]+ +)?(.*)$")
_BEGUN = re.compile(r"^(\w+)\((.*) <unfinished \.\.\.>$")
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*)$")
_WHOLE = re.compile(r"^(\w+)\((.*)\) += (-?\w+)(.*)$")
# A descriptor with what it stands for: 3</etc/passwd>, 4<pipe:[77]>, 5<TCP:[a:1->b:2]>
_DESCRIPTOR = re.compile(r"(?<![\w\"])(\d+)<((?:[^<>\\]|->|\\.|<(?:char|block) [\d:]+>)*)>")


def _object(text):
	"""The name of what a descriptor stands for; "" if nothing can flow through it."""
	if text.startswith(("TCP", "UDP", "UNIX", "NETLINK", "socket:")):
		return None
	if "<char " in text or "<block " in text or text.startswith("anon_inode:"):
		return ""
	return text.replace(" (deleted)", "")


def _calls(pid, name, arguments, result, rest):
	if name == "execve":
		if result == "0":
			yield Call(pid, "exec", re.match(r'"([^"]*)"', arguments).group(1))
		return
	descriptors = [_object(match.group(2)) for match in _DESCRIPTOR.finditer(arguments)]
	if name == "mmap":
		if result.startswith("0x") and descriptors and descriptors[0]:
			yield Call(pid, "mmap", descriptors[0])
		return
	if not result.isdigit() or int(result) == 0 or not descriptors:
		return
	if name in _READ:
		yield Call(pid, "read", descriptors[0])
	elif name in _WRITE:
		yield Call(pid, "write", descriptors[0])
	elif name in _BOTH and len(descriptors) == 2:
		source, target = descriptors
		if name == "sendfile":
			source, target = target, source
		yield Call(pid, "read", source)
		yield Call(pid, "write", target)


def parse(text):
	begun = {}
	found = set()
	for line in text.splitlines():
		match = _LINE.match(line)
		if not match:
			continue
		pid, call = int(match.group(1)), match.group(2)
		half = _BEGUN.match(call)
		if half:
			begun[pid] = half.groups()
			continue
		half = _RESUMED.match(call)
		if half:
			if pid not in begun:
				continue
			name, arguments = begun.pop(pid)
			call = "%s(%s%s" % (name, arguments, half.group(2))
		whole = _WHOLE.match(call)
		if whole:
			found.update(_calls(pid, *whole.groups()))
	return found


def threads(text):
	"""Which pid shares its memory with which: {child: parent}, of threads and vfork."""
	found = {}
	begun = {}
	for line in text.splitlines():
		match = _LINE.match(line)
		if not match:
			continue
		pid, call = int(match.group(1)), match.group(2)
		if call.startswith(("clone", "vfork")) and call.endswith("<unfinished ...>"):
			begun[pid] = call
			continue
		resumed = re.match(r"<\.\.\. (?:clone3?|vfork) resumed>", call)
		if resumed:
			call = begun.pop(pid, "") + call
		if call.startswith("vfork") or (call.startswith("clone") and "CLONE_VM" in call):
			child = re.search(r"= (\d+)(?:<[^>]*>)?$", call.strip())
			if child:
				found[int(child.group(1))] = pid
	return found
