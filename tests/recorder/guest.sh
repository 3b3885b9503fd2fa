#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The recorder in the guest, as root, with the real kernel below it.  Prints TAP.
log=/var/log/provenance
recorder=provmon-recorder.service
number=0

# check NAME COMMAND...: one line of TAP, by the command's exit status
check()
{
	local name=$1 out
	shift
	number=$((number + 1))
	if out=$("$@" 2>&1); then
		echo "ok $number - $name"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' <<< "$out"
	fi
}

# until_true SECONDS COMMAND...: wait for it
until_true()
{
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.2
	done
}

exits()
{
	local want=$1 got=0
	shift
	"$@" || got=$?
	[ "$got" = "$want" ] || { echo "exit status $got, not $want"; return 1; }
}
as_user() { su -s /bin/bash analyst -c "$1"; }
json() { provctl status --json | python3 -c "import json,sys; print(json.load(sys.stdin)$1)"; }
pid() { json '["recorder"]["pid"]'; }
active() { systemctl is-active --quiet $recorder; }
sealed() { ls $log/*.plog 2> /dev/null | wc -l; }

nothing_lost() { [ "$(json '["kernel"]["lost"]')" = 0 ] && exits 0 provctl status; }

privileges()
{
	local task
	for task in /proc/$(pid)/task/*; do
		grep -q '^CapEff:.*0000002000000000$' "$task/status" &&
		grep -q '^CapPrm:.*0000002000000000$' "$task/status" &&
		grep -q '^NoNewPrivs:.*1$' "$task/status" &&
		grep -q '^Seccomp:.*2$' "$task/status" || { cat "$task/status"; return 1; }
	done
}

is_log_private()
{
	[ "$(stat -c '%a %U %G' $log)" = "750 root adm" ] &&
	[ -z "$(find $log -type f ! -name lock ! -perm 0640)" ] &&
	[ "$(stat -c %a $log/lock)" = 600 ]
}

second_says_why() { /usr/sbin/provmon-recorder --log /tmp/other 2>&1 | grep 'another recorder'; }

# What was done before a flush and a rotation is in sealed segments.
flush_and_rotate()
{
	local before
	before=$(sealed)
	echo content > /root/flushed-file
	provctl flush && provctl rotate &&
	until_true 20 eval '[ $(sealed) -gt '"$before"' ]' &&
	provq -d $log history /root/flushed-file | grep -i write
}

# The recorder's own writes are not in the log, or it would never end.
opaque()
{
	sleep 3
	provctl flush && provctl rotate && sleep 3
	# It was recorded until it became opaque, so there is an answer.
	provq -d $log descendants "pid:$(pid)" --no-hide > /tmp/descendants || return 1
	cat /tmp/descendants
	grep -q "provmon-recorder" /tmp/descendants &&
	! grep -qE 'write .*segment-' /tmp/descendants
}

# It tells systemd each 30 seconds that it is well.
watchdog_for()
{
	mkdir -p /run/systemd/system/$recorder.d
	printf '[Service]\nWatchdogSec=%s\n' "$1" > /run/systemd/system/$recorder.d/watchdog.conf
	systemctl daemon-reload && systemctl restart $recorder && active
}
watchdog_is_fed()
{
	local old
	watchdog_for 40 && old=$(pid) && sleep 60 && active && [ "$(pid)" = "$old" ]
}
# A stopped process does nothing: as one that hangs.
watchdog_bites()
{
	local old
	old=$(pid)
	kill -STOP "$old"
	until_true 120 eval '! kill -0 '"$old"' 2> /dev/null' &&
	until_true 30 active && [ "$(pid)" != "$old" ] &&
	journalctl -q -u $recorder | grep -i 'watchdog timeout'
}
watchdog_as_before()
{
	rm -r /run/systemd/system/$recorder.d
	systemctl daemon-reload && systemctl restart $recorder && active
}

stop_seals()
{
	systemctl stop $recorder && [ -z "$(ls $log/*.open 2> /dev/null)" ] &&
	provq -d $log verify
}

# Nobody reads: the buffers overflow.  The losses are counted, and a new recorder can still become
# opaque, which has to be recorded, and there is no room for a record.
overflow()
{
	local cpu
	for cpu in 0 1; do
		mkdir -p /dev/shm/overflow/$cpu
		# New files are new nodes: nothing of it is a repetition.
		(cd /dev/shm/overflow/$cpu && seq 30000 | taskset -c $cpu xargs touch)
	done
	rm -rf /dev/shm/overflow
	provctl status
	provctl status --json | python3 -c "import json, sys
cpus = json.load(sys.stdin)['kernel']['cpus']
sys.exit(not all(cpu['lost'] and cpu['high_water'] >= 63 for cpu in cpus))"
}
starts_when_full() { systemctl start $recorder && active; }
losses_are_told()
{
	exits 6 provctl status && provctl flush && provctl rotate && sleep 3 &&
	provq -d $log verify | grep -i 'lost' | grep '[1-9]'
}

killed_and_back()
{
	local old
	old=$(pid)
	kill -9 "$old"
	until_true 30 eval 'active && [ "$(pid)" != '"$old"' ]' && ls $log
}

# What the killed one had read is missing: as much as the new one says, and nothing else is wrong.
log_is_good()
{
	local told found
	provctl flush && provctl rotate && sleep 3
	told=$(json '["recorder"]["missing_subbufs"]')
	provq -d $log verify > /tmp/verify 2>&1
	cat /tmp/verify
	found=$(sed -n 's/^BAD *\([0-9]*\) sub-buffers are missing.*/\1/p' /tmp/verify)
	echo "told $told"
	[ "${found:-0}" = "$told" ] && grep -q 'acyclic' /tmp/verify &&
	! grep -qi 'damage\|seal is' /tmp/verify
}

refused() { exits 5 as_user "$1"; }
cannot() { ! as_user "$1"; }

suppresses() { [ "$(json '["kernel"]["suppress"]')" = True ]; }
environ() { provctl set environ=on && [ "$(json '["kernel"]["environ"]')" = True ] &&
	    provctl set environ=off && [ "$(json '["kernel"]["environ"]')" = False ]; }
opaque_process()
{
	local process status=0
	sleep 100 &
	process=$!
	provctl opaque set $process && provctl opaque clear $process &&
	exits 1 provctl opaque set 4999999 || status=1
	kill $process
	return $status
}
opaque_file()
{
	cp /bin/true /root/marked && provctl opaque mark /root/marked &&
	provctl opaque unmark /root/marked
}

echo 1..29
check "it runs after boot" active
check "nothing was lost" nothing_lost
check "both threads have only CAP_AUDIT_READ, under seccomp" privileges
check "the log is 0750 root:adm and its files 0640, but the lock" is_log_private
check "a second recorder ends with 69" exits 69 /usr/sbin/provmon-recorder --log /tmp/other
check "and says that there is another" second_says_why
check "what precedes a flush and a rotation is in sealed segments" flush_and_rotate
check "the recorder's writes are not recorded" opaque
check "settings can be changed" environ
check "suppression is on, and is shown" suppresses
check "a process can be exempted, and must exist" opaque_process
check "a file can be marked" opaque_file
check "a user cannot read counters" refused 'provctl flush'
check "a user cannot exempt itself" refused 'provctl opaque set $$'
check "a user cannot change settings" refused 'provctl set environ=on'
check "a user cannot read a channel" cannot 'cat /sys/kernel/security/provenance/provmon/cpu0'
check "a user cannot read the log" cannot 'ls /var/log/provenance'
check "a user cannot rotate" refused 'provctl rotate'
check "a user cannot stop it" cannot "kill $(pid)"
check "a stop seals the log" stop_seals
check "status says that no recorder runs" exits 4 provctl status
check "without a recorder the buffers overflow, and that is counted" overflow
check "a recorder starts on full buffers" starts_when_full
check "status and log tell the losses" losses_are_told
check "after kill -9 it is started again" killed_and_back
check "and the log is good" log_is_good
check "a healthy recorder keeps the watchdog quiet" watchdog_is_fed
check "one that hangs is killed and started again" watchdog_bites
check "and runs with the unit's own watchdog again" watchdog_as_before
grep -q '^not ok' /run/guest/script.out && exit 1
exit 0
