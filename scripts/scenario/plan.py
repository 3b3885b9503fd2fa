# SPDX-License-Identifier: GPL-2.0
"""What happens in a run of the scenario: names, directories, ports and the payload, from a seed.

Everything that the programs in the guest are told is in the files that write_inputs() makes; what
the check compares with the log is not here but in the ledger that the guest writes as it goes.
"""
import io
import random
import shlex
import tarfile
import textwrap

HOST = "10.0.2.2"	# this machine, as QEMU's user network shows it to the guest

_WORDS = """amber anvil aspen basil beacon birch bramble breeze cedar cinder clover cobalt coral
crane delta ember falcon fern flint garnet gravel harbor hazel heron indigo ivory juniper kestrel
lagoon larch lichen linden lotus maple marble meadow myrtle nectar nettle ochre olive onyx opal
orchid osprey pebble pepper pine plover quartz raven reed rowan saffron sage sienna slate sparrow
spruce sumac teal thistle timber topaz tulip umber velvet violet walnut willow yarrow""".split()

# Parts of names that a careless shell script or a careless C string would trip over.
_ODD = ["Q3 & Q4", "it's", 'the "old" one', "$(id)", "äöü", "a;b", "100%", "back\\slash", "[x]*",
	"-rf", "日本", "`tty`"]

# Ways to pack: the shell's words after "tar -c … |", what undoes them, and the programs used.
_PACKERS = [
	("gzip -9", "gzip", ["gzip"]),
	("xz -1", "xz", ["xz"]),
	("gzip -1 | openssl enc -aes-256-cbc -pbkdf2 -pass pass:{password}", "gzip+openssl",
	 ["gzip", "openssl"]),
]


def _c_string(text):
	"""A C string literal of any bytes."""
	escaped = []
	for byte in text.encode():
		if 32 <= byte < 127 and chr(byte) not in '"\\?':
			escaped.append(chr(byte))
		else:
			escaped.append("\\%03o" % byte)
	return '"' + "".join(escaped) + '"'


class Plan:
	"""All choices of one run.  Equal seeds make equal plans; @trace adds work under strace."""

	def __init__(self, seed, trace=False):
		rng = random.Random(seed)
		words = rng.sample(_WORDS, 24)
		word = lambda: words.pop()
		ports = rng.sample(range(8100, 19900), 3)

		self.seed = seed
		self.trace = "1" if trace else ""
		self.project = "%s-%s" % (word(), rng.choice(["utils", "tools", "agent", "helper"]))
		self.version = "%d.%d.%d" % (rng.randrange(1, 5), rng.randrange(20), rng.randrange(9))
		self.top_dir = "%s-%s" % (self.project, self.version)
		self.archive = self.top_dir + ".tar.gz"
		self.url_path = "/%s/%s" % (word(), self.archive)
		self.mirror_dir = "/srv/%s" % word()
		self.mirror_name = word()
		self.mirror_port, self.other_port, self.ssh_port = ports
		self.cache_dir = "/var/cache/%s" % word()
		self.update_name = word()
		self.setup = rng.choice(["setup.sh", "install.sh", "configure", "bootstrap"])
		self.source = "%s.c" % word()
		self.header = "%s.h" % word()
		self.payload_dir = rng.choice(["/usr/local/lib/%s", "/opt/%s", "/var/lib/%s",
					       "/usr/local/share/.%s"]) % word()
		self.payload = "%s/%sd" % (self.payload_dir, word())
		self.loot = "%s/%s.dat" % (self.payload_dir, word())
		self.list = "%s/%s.lst" % (self.payload_dir, word())
		self.notes = "%s/%s.idx" % (self.payload_dir, word())
		self.cron = "/etc/cron.d/%s" % word()
		self.function = "_".join((word(), word()))
		self.salt = rng.getrandbits(32)
		self.password = "%s%d" % (word(), rng.randrange(1000, 9999))
		self.pack, self.unpack, self.packers = rng.choice(_PACKERS)
		self.pack = self.pack.format(password=self.password)

		shop = "/srv/%s" % word()
		self.shop_dir = shop
		self.secret_key = "/root/.ssh/id_%s" % word()
		self.secret_table = "%s/customers %s.csv" % (shop, rng.choice(_ODD))
		self.decoy = "%s/notes %s.txt" % (shop, rng.choice(_ODD))
		self.other_secret = "/etc/ssl/private/%s.key" % word()
		self.work_dir = "/home/analyst/%s" % word()
		self.report = "%s/report %s.csv" % (self.work_dir, rng.choice(_ODD))
		self.table_rows = rng.randrange(200, 900)
		self.table_seed = rng.getrandbits(32)
		self.web_port = self.drop_port = self.backup_port = None

	def set_ports(self, web, drop, backup):
		"""Ports of the host's servers, which only exist once they listen."""
		self.web_port, self.drop_port, self.backup_port = web, drop, backup

	def secret_table_text(self):
		rng = random.Random(self.table_seed)
		rows = ["name,account,balance"]
		for _ in range(self.table_rows):
			rows.append("%s %s,%08d,%d.%02d" % (
				rng.choice(_WORDS).title(), rng.choice(_WORDS).title(),
				rng.randrange(10**8), rng.randrange(10**5), rng.randrange(100)))
		return "\n".join(rows) + "\n"

	def targets(self):
		return [self.secret_key, self.secret_table]

	# -- what the attacker's server has --------------------------------------------------

	def header_text(self):
		pack = "cd / && tar -cf - --verbatim-files-from -T %s | %s > %s" % (
			shlex.quote(self.list), self.pack, shlex.quote(self.loot))
		targets = "".join(target.lstrip("/") + "\n" for target in self.targets())
		defines = {
			"DROP_HOST": _c_string(HOST), "DROP_PORT": str(self.drop_port),
			"LIST": _c_string(self.list), "TARGETS": _c_string(targets),
			"LOOT": _c_string(self.loot), "PACK": _c_string(pack),
			"DECOY": _c_string(self.decoy), "NOTES": _c_string(self.notes),
			"CRON": _c_string(self.cron), "SELF": _c_string(self.payload),
			"SALT": "0x%08xu" % self.salt,
		}
		return "".join("#define %s %s\n" % item for item in defines.items())

	def setup_text(self):
		return textwrap.dedent("""\
			#!/bin/sh
			# {top_dir}: build and start
			cd "${{0%/*}}" || exit 1
			mkdir -p {payload_dir}
			gcc -O1 -Wall -o {payload} {source} &
			echo "pid gcc $!"
			wait $! || exit 1
			{payload} &
			echo "pid payload $!"
			wait $!
			""").format(top_dir=self.top_dir, source=shlex.quote(self.source),
				    payload_dir=shlex.quote(self.payload_dir),
				    payload=shlex.quote(self.payload))

	def archive_bytes(self, template):
		"""The tar.gz that the attacker offers; @template is the payload's source."""
		source = template.replace("@FUNCTION@", self.function).replace("@HEADER@",
									       self.header)
		files = [(self.setup, self.setup_text(), 0o755), (self.source, source, 0o644),
			 (self.header, self.header_text(), 0o644),
			 ("README", "%s, version %s\n" % (self.project, self.version), 0o644)]
		packed = io.BytesIO()
		with tarfile.open(fileobj=packed, mode="w:gz") as archive:
			for name, text, mode in files:
				entry = tarfile.TarInfo("%s/%s" % (self.top_dir, name))
				entry.size = len(text.encode())
				entry.mode = mode
				archive.addfile(entry, io.BytesIO(text.encode()))
		return packed.getvalue()

	# -- what the guest is told ----------------------------------------------------------

	def _nginx_conf(self, name, port, root):
		return textwrap.dedent("""\
			user www-data;
			worker_processes 1;
			pid /run/{name}.pid;
			error_log /var/log/{name}-error.log;
			events {{ worker_connections 64; }}
			http {{
				access_log /var/log/{name}-access.log;
				sendfile on;
				server {{
					listen 127.0.0.1:{port};
					root {root};
				}}
			}}
			""").format(name=name, port=port, root=root)

	def _sync_job(self):
		return textwrap.dedent("""\
			#!/bin/sh
			# Takes what is new upstream into the local mirror.
			cd {dir} || exit 1
			curl -sSf -o {archive} {url} &
			echo "pid curl-mirror $!"
			wait $!
			""").format(dir=shlex.quote(self.mirror_dir),
				    archive=shlex.quote(self.archive),
				    url=shlex.quote("http://%s:%d%s" % (HOST, self.web_port,
									self.url_path)))

	def _update_job(self):
		return textwrap.dedent("""\
			#!/bin/sh
			# Installs the current version from the local mirror.
			mkdir -p {cache} && cd {cache} || exit 1
			curl -sSf -w 'port curl-update %{{local_port}}\\n' -o {archive} {url} &
			echo "pid curl-update $!"
			wait $! || exit 1
			tar -xzf {archive} &
			echo "pid untar $!"
			wait $! || exit 1
			sh ./{top_dir}/{setup} &
			echo "pid setup $!"
			wait $!
			""").format(cache=shlex.quote(self.cache_dir),
				    archive=shlex.quote(self.archive),
				    url=shlex.quote("http://127.0.0.1:%d/%s" % (self.mirror_port,
										self.archive)),
				    top_dir=shlex.quote(self.top_dir),
				    setup=shlex.quote(self.setup))

	def write_inputs(self, directory):
		"""Write what the guest gets besides its script; directory is a pathlib.Path."""
		values = dict(vars(self), host=HOST)
		names = ["host", "trace", "mirror_dir", "mirror_name", "mirror_port", "other_port", "ssh_port",
			 "archive", "cache_dir", "top_dir", "setup", "source", "header",
			 "payload_dir", "payload", "loot", "notes", "cron", "update_name",
			 "shop_dir", "secret_key", "secret_table", "decoy", "other_secret",
			 "work_dir", "report", "backup_port", "drop_port"]
		directory.mkdir(parents=True)
		(directory / "plan.sh").write_text("".join(
			"%s=%s\n" % (name, shlex.quote(str(values[name]))) for name in names))
		(directory / "mirror.conf").write_text(
			self._nginx_conf(self.mirror_name, self.mirror_port, self.mirror_dir))
		(directory / "other.conf").write_text(
			self._nginx_conf("other-" + self.mirror_name, self.other_port,
					 "/srv/other"))
		(directory / "sync").write_text(self._sync_job())
		(directory / "update").write_text(self._update_job())
		(directory / "table.csv").write_text(self.secret_table_text())
