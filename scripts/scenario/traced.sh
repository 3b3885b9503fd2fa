#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Everyday work of many kinds, run under strace: tests/scenario/trace.py compares each system call
# that moved data with what was recorded, and what was recorded with the calls.
#
# usage: traced.sh DIRECTORY URL
set -u

mkdir -p "$1"
cd "$1" || exit 1

# Copies, pipelines, redirections, a here-document
cp /etc/passwd first
cat first first > second
sort second | uniq -c | tee third | wc -l > fourth
while read -r line; do
	echo "${line%%:*}"
done < first > fifth
cat << WORDS >> fifth
$(wc -c < second) bytes in the second
WORDS
dd if=first of=sixth bs=100 count=5 status=none
dd if=second of=sixth bs=100 seek=1 conv=notrunc status=none

# Changes in place, other names, other owners of a descriptor
sed -i 's/root/ROOT/' sixth
mv sixth seventh
ln seventh eighth
perl -pi -e 's/daemon/DAEMON/' eighth
{ head -n 1; tail -n 1; } < second > ninth
exec 3>> tenth
(echo one >&3)
echo two >&3
/bin/sh -c 'echo three >&3'
exec 3>&-

# Archives
tar -cf - first second third | gzip > archive.tgz
mkdir unpacked
tar -xzf archive.tgz -C unpacked

# What scripts do with descriptors
python3 - << 'SCRIPT'
import mmap
import os
import socket
import subprocess
import threading

with open("first", "rb") as source, open("mapped", "wb+") as target:
    target.truncate(4096)
    with mmap.mmap(target.fileno(), 4096) as memory:
        memory[:100] = source.read(100)
with open("second", "rb") as source, open("sent", "wb") as target:
    os.sendfile(target.fileno(), source.fileno(), 0, 500)
with open("second", "rb") as source, open("copied", "wb") as target:
    os.copy_file_range(source.fileno(), target.fileno(), 400)
with open("vectors", "wb+") as target:
    os.pwritev(target.fileno(), [b"one", b"two"], 10)
    os.preadv(target.fileno(), [bytearray(4), bytearray(4)], 8)
one, two = socket.socketpair()
def answer():
    with open("third", "rb") as source:
        two.sendall(source.read(50))
    two.close()
thread = threading.Thread(target=answer)
thread.start()
with open("received", "wb") as target:
    target.write(one.recv(100))
thread.join()
with open("spawned", "wb") as target:
    subprocess.run(["head", "-c", "20", "first"], stdout=target, check=True)
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, open("fourth", "rb").read())
    os._exit(0)
os.close(writer)
with open("piped", "wb") as target:
    target.write(os.read(reader, 100))
os.wait()
# Nothing flows here.
os.read(os.open("empty", os.O_RDONLY | os.O_CREAT), 100)
try:
    os.write(os.open("first", os.O_RDONLY), b"x")
except OSError:
    pass
SCRIPT

sqlite3 base.db 'create table t(a); insert into t values(1), (2); select sum(a) from t;' > sum
curl -sS -o fetched "$2"
openssl dgst -sha256 fetched > digest
find . -name 'f*' -newer first -exec cmp -s {} first \;
