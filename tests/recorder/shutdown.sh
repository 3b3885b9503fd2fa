#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# In the guest: let the recorder write to a disk that outlives the machine, and power off with it
# running.  No job stops it then; see tests/recorder/shutdown for what is expected of it.
set -eu
unit=/run/systemd/system

mkdir -p /mnt/log $unit/provmon-recorder.service.d
mount /dev/disk/by-id/virtio-guest-log /mnt/log
chgrp adm /mnt/log
cat > $unit/provmon-recorder.service.d/log.conf <<EOF
[Service]
ExecStart=
ExecStart=/usr/sbin/provmon-recorder --log /mnt/log
ReadWritePaths=/mnt/log
EOF
cat > $unit/late.service <<EOF
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/true
ExecStop=/bin/sh -c 'echo late > /root/late'
EOF
systemctl daemon-reload
systemctl restart provmon-recorder.service
systemctl start late.service

# The collector would stop the recorder before the machine does: do its work here.
cd /run/guest
echo 0 > script.rc
cat /proc/sys/kernel/tainted > tainted
dmesg > dmesg.log
tar -cf /dev/disk/by-id/virtio-guest-out -C /run/guest .
sync
systemctl poweroff --no-block
sleep infinity
