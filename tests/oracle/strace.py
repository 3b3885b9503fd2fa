# SPDX-License-Identifier: GPL-2.0
"""What strace wrote, as Calls; see straced for the options that it was given.

A call is in the kernel from @start, when strace saw it begin, at the latest until @end, when strace
next heard of that thread.  Both are in ns of the wall clock: while strace reads it the thread
stands still.  @result is what is behind the "=", and None if the call never came back.
"""
import collections
import re

Call = collections.namedtuple("Call", "tid name arguments result start end")

# What a descriptor stands for: @kind is "path", "device", "pipe", "socket" or "anon"; @number is
# the inode number of a pipe or socket and "major:minor" of a device.
Descriptor = collections.namedtuple("Descriptor", "number kind name deleted")

_LINE = re.compile(r"(\d+) +(\d+)\.(\d{9}) (.*)")
_WHOLE = re.compile(r"(\w+)\((.*)\) += (.*)")
_BEGUN = re.compile(r"(\w+)\((.*?),? *<unfinished \.\.\.>")
_RESUMED = re.compile(r"<\.\.\. (\w+) resumed>(.*)")
_NAME = r"<((?:[^<>\\]|->|\\.|<(?:char|block) [\d:]+>)*)>(\(deleted\))?"
_DESCRIPTOR = re.compile(r"(AT_FDCWD|\d+)" + _NAME)
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|(?<=[\dD])' + _NAME + r"|/\*.*?\*/|[()\[\]{}]|, ")
_DEVICE = re.compile(r"(.*)<(?:char|block) ([\d:]+)>")
_NUMBERED = re.compile(r"(pipe|socket):\[(\d+)\]")
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|([0-7]{1,3})|(.))")
_ESCAPED = {"n": "\n", "t": "\t", "r": "\r", "v": "\v", "f": "\f"}


class Unreadable(Exception):
	"""A line that is not what strace was asked for."""


def unescape(text):
	"""A string as strace quotes it."""
	def char(match):
		if match.group(1):
			return chr(int(match.group(1), 16))
		if match.group(2):
			return chr(int(match.group(2), 8))
		return _ESCAPED.get(match.group(3), match.group(3))

	if "\\" not in text:
		return text
	return _ESCAPE.sub(char, text).encode("latin-1").decode("utf-8", "surrogateescape")


def split(text):
	"""Arguments, or members of a list or struct."""
	parts, depth, begin = [], 0, 0
	for token in _TOKEN.finditer(text):
		what = token.group()
		if what in ("(", "[", "{"):
			depth += 1
		elif what in (")", "]", "}"):
			depth -= 1
		elif what == ", " and not depth:
			parts.append(text[begin:token.start()])
			begin = token.end()
	if begin < len(text):
		parts.append(text[begin:])
	return tuple(parts)


def string(argument):
	"""A path or name that is an argument; None if strace could not read it."""
	if not argument.startswith('"'):
		return None
	return unescape(argument[1:argument.rindex('"')])


def descriptor(argument):
	"""The Descriptor that an argument is, or None."""
	match = _DESCRIPTOR.match(argument)
	if not match:
		return None
	number, name, mark = match.groups()
	number = -1 if number == "AT_FDCWD" else int(number)
	deleted = bool(mark)
	device = _DEVICE.fullmatch(name)
	if device:
		return Descriptor(number, "device", device.group(2), deleted)
	numbered = _NUMBERED.fullmatch(name)
	if numbered:
		return Descriptor(number, numbered.group(1), int(numbered.group(2)), deleted)
	if name.startswith("anon_inode:"):
		return Descriptor(number, "anon", name, deleted)
	name = unescape(name)
	if name.endswith(" (deleted)"):
		name, deleted = name[:-len(" (deleted)")], True
	return Descriptor(number, "path", name, deleted)


def descriptors(text):
	"""All that stand in @text."""
	return [descriptor(match.group()) for match in _DESCRIPTOR.finditer(text)]


_INODE = re.compile(r"st_dev=makedev\((\w+), (\w+)\), st_ino=(\d+)")


def inode(call):
	"""The Descriptor whose attributes a call read, its device and its inode number; or None."""
	if call.name not in ("fstat", "newfstatat") or call.result != "0":
		return None
	if call.name == "newfstatat" and call.arguments[1] != '""':
		return None
	opened = descriptor(call.arguments[0])
	match = _INODE.search(call.arguments[1 if call.name == "fstat" else 2])
	if not opened or not match:
		return None
	major, minor, ino = match.groups()
	return opened, "%d:%d" % (int(major, 0), int(minor, 0)), int(ino)


def number(result):
	"""What a call returned, as a number; None if it failed or never came back."""
	if result is None:
		return None
	match = re.match(r"0x[0-9a-f]+|\d+", result)
	return int(match.group(), 0) if match else None


def parse(lines):
	"""Calls in the order in which they began."""
	calls, last, begun = [], {}, {}

	def close(tid, time):
		"""The last call of @tid is over by @time."""
		position = last.pop(tid, None)
		if position is not None:
			calls[position] = calls[position]._replace(end=time)

	for line in lines:
		match = _LINE.fullmatch(line.rstrip("\n"))
		if not match:
			raise Unreadable(line)
		tid, seconds, fraction, text = match.groups()
		tid, time = int(tid), int(seconds) * 10**9 + int(fraction)
		if text.startswith(("+++", "---")):
			close(tid, time)
			continue
		resumed = _RESUMED.fullmatch(text)
		if resumed:
			name, rest = resumed.groups()
			position = begun.pop(tid)
			head = calls[position]
			whole = _WHOLE.fullmatch("%s(%s%s" % (name, head.arguments, rest))
			if not whole or name != head.name:
				raise Unreadable(line)
			calls[position] = head._replace(arguments=split(whole.group(2)),
							result=whole.group(3), end=time)
			continue
		close(tid, time)
		whole = _WHOLE.fullmatch(text)
		if whole:
			name, arguments, result = whole.groups()
			last[tid] = len(calls)
			calls.append(Call(tid, name, split(arguments), result, time, None))
			continue
		half = _BEGUN.fullmatch(text)
		if not half:
			raise Unreadable(line)
		begun[tid] = len(calls)
		arguments = text[len(half.group(1)) + 1:-len(" <unfinished ...>")]
		calls.append(Call(tid, half.group(1), arguments.rstrip() and arguments, None, time, None))
	for position in begun.values():
		calls[position] = calls[position]._replace(
			arguments=split(calls[position].arguments))
	return calls
