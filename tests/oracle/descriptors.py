# SPDX-License-Identifier: GPL-2.0
"""What strace does not say of a descriptor, and what was done with it before does.

Which end of a pipe it is, vmsplice() does not show; and of FICLONE strace prints the number alone.
"""
import re

import strace

WRITE_END, READ_END = "/* write end */", "/* read end */"
_FORKS = ("clone", "clone3", "fork", "vfork")


def resolve(calls):
	"""The same calls, with the end of the pipe as one more argument of vmsplice(), and with the source
	of FICLONE by its name, where that is known.
	"""
	tables = {}	# tid: {number: (end or None, descriptor as strace writes it)}
	return [_resolved(call, tables.setdefault(call.tid, {}), tables) for call in calls]


def _resolved(call, known, tables):
	arguments = call.arguments
	# It failed, or did not come back.
	if not call.result or not call.result[0].isdigit():
		return call
	if call.name == "vmsplice":
		opened = strace.descriptor(arguments[0])
		end = opened and known.get(opened.number, (None,))[0]
		return call._replace(arguments=arguments + (end,)) if end else call
	if call.name == "ioctl" and "FICLONE" in arguments[1].split(" or ") and arguments[2].isdigit():
		named = known.get(int(arguments[2]), (None, None))[1]
		return call._replace(arguments=(*arguments[:2], named)) if named else call
	if call.name in _FORKS:
		shares = any("CLONE_FILES" in argument for argument in arguments)
		tables[strace.number(call.result)] = known if shares else dict(known)
	else:
		_note(call, known)
	return call


def _note(call, known):
	"""Descriptors that a call made, and those that it closed."""
	if call.name in ("pipe", "pipe2"):
		ends = re.match(r"\[(\d+)\D.* (\d+)", call.arguments[0])
		for number, end in zip(ends.groups(), (READ_END, WRITE_END)) if ends else ():
			known[int(number)] = end, None
		return
	if call.name == "recvmsg":
		for opened in strace.descriptors(" ".join(call.arguments[1:])):
			known.pop(opened.number, None)
		return
	before = strace.descriptor(call.arguments[0]) if call.arguments else None
	if call.name == "close" and before:
		known.pop(before.number, None)
	made = strace.descriptor(call.result)
	if not made:
		return
	end = None
	if call.name.startswith("dup") or call.name == "fcntl":
		end = known.get(before.number, (None,))[0] if before else None
	elif any("O_WRONLY" in argument for argument in call.arguments):
		end = WRITE_END
	elif any("O_RDONLY" in argument for argument in call.arguments):
		end = READ_END
	known[made.number] = end, call.result
