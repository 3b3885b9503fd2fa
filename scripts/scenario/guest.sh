#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# The scenario, inside the guest: an intrusion, and work that has nothing to do with it
#
# A poisoned release comes from outside into a local mirror, and from there, by way of nginx and
# curl, to an update job, which unpacks, compiles and starts it.  It packs two secrets and sends
# them out.  Beside it and after it other programs read, write and talk.
#
# shellcheck disable=SC2154 # the names come from plan.sh
#
# What really happened is written to the ledger, which provq never sees: a line is a word for what
# it is about (pid, file, port, hash, fact), a role, and values.  This shell must not read what
# other processes have made, or all that it starts later would come from that: no $(…), no read, no
# heredoc of changing content.  Looking at inodes is no flow of data.
set -u

# shellcheck source=/dev/null disable=SC2154
. /root/in/plan.sh
ledger=/run/guest/ledger
analyst=(setpriv --reuid analyst --regid analyst --init-groups env HOME=/home/analyst)
stop=/run/guest/stop

say()
{
	echo "scenario: $*" > /dev/console
	echo "== $*"
}

note()
{
	local IFS=$'\t'
	echo "$*" >> $ledger
}

# file ROLE DEVICE INODE PATH, then generation, flags and path as lsattr has them
note_file()
{
	# A shell of its own, because it reads; one write, because others write as well.
	(printf 'file\t%s\t%s\n' "$1" "$(stat --printf '%d\t%i\t' -- "$2"; lsattr -vd -- "$2")" \
		>> $ledger)
}

note_hash()
{
	(printf 'hash\t%s\t%s\n' "$1" "$(sha256sum < "$2")" >> $ledger)
}

fail()
{
	touch $stop
	say "FAILED: $*"
	exit 1
}

# Run a program and note its pid: run ROLE PROGRAM ARGUMENT…
run()
{
	local role=$1
	shift
	"$@" &
	note pid "$role" $!
	wait $!
}

prepare()
{
	mkdir -p "$mirror_dir" "$shop_dir" "${secret_key%/*}" "${other_secret%/*}" /srv/other \
		"$work_dir"
	chmod 700 "${secret_key%/*}" "$shop_dir"
	umask 077
	ssh-keygen -q -t ed25519 -N '' -C '' -f "$secret_key" || fail "no key was made"
	cp /root/in/table.csv "$secret_table"
	openssl genpkey -algorithm ed25519 -out "$other_secret" || fail "no other key was made"
	ssh-keygen -q -t ed25519 -N '' -C '' -f /home/analyst/key
	umask 022
	echo "nothing of interest" > "$decoy"
	head -c 300000 /dev/urandom > /srv/other/news.bin
	head -c 20000 /dev/urandom > "$mirror_dir/index.bin"
	note_file secret-key "$secret_key"
	note_file secret-table "$secret_table"
	note_file other-secret "$other_secret"
	note_file decoy "$decoy"
	note_file other-news /srv/other/news.bin
	note_file mirror-index "$mirror_dir/index.bin"
	note_hash "$secret_key" "$secret_key"
	note_hash "$secret_table" "$secret_table"

	install -m 755 /root/in/sync "/usr/local/sbin/$update_name-sync"
	install -m 755 /root/in/update "/usr/local/sbin/$update_name-update"

	mkdir -p /home/analyst/.ssh /run/sshd
	cp /home/analyst/key.pub /home/analyst/.ssh/authorized_keys
	chown -R analyst: /home/analyst
	[ -e /etc/ssh/ssh_host_ed25519_key ] ||
		ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
}

serve()
{
	nginx -c /root/in/mirror.conf || fail "nginx does not start"
	nginx -c /root/in/other.conf || fail "the other nginx does not start"
	/usr/sbin/sshd -p "$ssh_port" -h /etc/ssh/ssh_host_ed25519_key ||
		fail "sshd does not start"
	# In a shell of its own: it reads what nginx wrote.
	(
		note pid nginx-worker "$(pgrep -P "$(< "/run/$mirror_name.pid")")"
		note pid other-nginx-worker "$(pgrep -P "$(< "/run/other-$mirror_name.pid")")"
	)
}

# -- work that has nothing to do with the intrusion -------------------------------------------

other_download()
{
	local round=0

	while [ ! -e $stop ] && [ $round -lt 40 ]; do
		run other-curl curl -sS -w 'port\tother-curl\t%{local_port}\n' \
			-o "/var/tmp/news-$round" "http://127.0.0.1:$other_port/news.bin" \
			>> $ledger
		[ $round -gt 0 ] || note_file other-download /var/tmp/news-0
		round=$((round + 1))
		sleep 1
	done
	note fact other-downloads $round
}

other_database()
{
	local round=0

	while [ ! -e $stop ] && [ $round -lt 40 ]; do
		run other-sqlite sqlite3 /var/tmp/orders.db \
			"create table if not exists o(n, t); insert into o values($round, 'x');
			 select count(*) from o;" > /dev/null
		[ $round -gt 0 ] || note_file other-database /var/tmp/orders.db
		round=$((round + 1))
		sleep 1
	done
}

other_scripts()
{
	local round=0

	cd "$work_dir" || return
	"${analyst[@]}" git init -q . 2> /dev/null
	while [ ! -e $stop ] && [ $round -lt 10 ]; do
		run other-python "${analyst[@]}" python3 -c '
import sys, random
with open(sys.argv[1], "w") as out:
    for _ in range(2000):
        print(random.random(), file=out)' "$report"
		[ $round -gt 0 ] || note_file other-report "$report"
		"${analyst[@]}" git add -A .
		run other-git "${analyst[@]}" git -c user.name=analyst -c user.email=analyst@guest \
			commit -q -m "round $round"
		[ $round -gt 0 ] || note_file other-commit .git/index
		round=$((round + 1))
		sleep 2
	done
}

other_login()
{
	run other-ssh ssh -p "$ssh_port" -i /home/analyst/key -o StrictHostKeyChecking=no \
		-o UserKnownHostsFile=/var/tmp/known_hosts -o BatchMode=yes analyst@127.0.0.1 \
		'id > ~/session; sort /etc/passwd | wc -l >> ~/session; cat ~/session'
	note fact ssh-status $?
	note_file other-session /home/analyst/session
}

other_rotation()
{
	local log=/var/log/other-$mirror_name-access.log

	# Not before there is something in it.
	while [ ! -e /var/tmp/news-0 ] && [ ! -e $stop ]; do
		sleep 0.3
	done
	sleep 2
	mv "$log" "$log.1"
	nginx -c /root/in/other.conf -s reopen
	sleep 1
	run other-rotate gzip "$log.1"
	note_file other-rotated "$log.1.gz"
}

# Reads a secret of its own, and one of those that are stolen, and keeps both at home.
other_backup()
{
	run other-backup tar -czf /var/backups/keys.tar.gz "$other_secret" "$secret_key" \
		2> /dev/null
	note_file other-backup /var/backups/keys.tar.gz
}

# Sends to the same host outside as the intruder does, but what it may send.
other_upload()
{
	head -c 50000 /dev/urandom > /var/tmp/metrics.bin
	note_file other-metrics /var/tmp/metrics.bin
	run other-upload curl -sS -w 'port\tother-upload\t%{local_port}\n' -o /dev/null \
		-T /var/tmp/metrics.bin "http://$host:$backup_port/metrics" >> $ledger
	note fact upload-status $?
}

# Every system call is noted by strace, for comparison.
other_traced()
{
	mkdir -p /var/tmp/traced
	cd /var/tmp/traced || return
	bash /root/everyday prepare || return
	run other-traced /root/straced /run/guest/trace \
		bash /root/everyday work "http://127.0.0.1:$other_port/news.bin"
	note fact traced-status $?
}

# Its profile is enforced: what this shell may not read does not reach it.
refused()
{
	echo "not for everyone" > /srv/forbidden/list
	note_file forbidden /srv/forbidden/list
	run confined bash -c 'exec -a sh confined-sh -c "while read -r x; do :; done < /srv/forbidden/list"'
	note fact confined-status $?
}

# -- the intrusion ----------------------------------------------------------------------------

intrude()
{
	local log=/var/log/$update_name.log

	say "a poisoned release is taken into the mirror"
	"/usr/local/sbin/$update_name-sync" >> "$log" 2>&1 &
	note pid sync $!
	wait $! || fail "the mirror was not filled"
	note_file mirror-archive "$mirror_dir/$archive"
	# What follows is in another segment of the log than what it came from.
	run other-provctl provctl rotate
	note fact rotate $?

	say "the update job fetches, unpacks, compiles and starts it"
	"/usr/local/sbin/$update_name-update" >> "$log" 2>&1 &
	note pid update $!
	wait $! || fail "the payload did not do its work"
	note_file cache-archive "$cache_dir/$archive"
	note_file setup "$cache_dir/$top_dir/$setup"
	note_file source "$cache_dir/$top_dir/$source"
	note_file header "$cache_dir/$top_dir/$header"
	note_file payload "$payload"
	note_file cron "$cron"
	note_file notes "$notes"
}

# What comes too late to be in what was sent.
afterwards()
{
	# The same names, but other files, and other versions of a secret.
	mv "$payload" "$payload.off"
	cp /bin/true "$payload"
	note_file late-payload "$payload"
	head -c 5000 /dev/urandom > "$loot"
	note_file late-loot "$loot"
	head -c 500 /dev/urandom > /var/tmp/addition
	note_file late-addition /var/tmp/addition
	run late-admin dd if=/var/tmp/addition of="$secret_key" oflag=append conv=notrunc \
		status=none
	# The same server, which has sent the payload before.
	run late-curl curl -sS -w 'port\tlate-curl\t%{local_port}\n' -o /var/tmp/index.bin \
		"http://127.0.0.1:$mirror_port/index.bin" >> $ledger
	note_file late-download /var/tmp/index.bin
	# Someone looks at the payload.
	run late-scan sha256sum "$payload.off" "$cache_dir/$archive" > /var/tmp/scan
	note_file late-scan /var/tmp/scan
}

# The analyst asks on the machine itself, while it goes on; nobody else may.
ask()
{
	run late-provctl provctl flush
	run late-provctl provctl rotate
	note fact rotate-again $?
	run late-provq provq ancestry "sock:$host:$drop_port" --json > /run/guest/live.json
	note fact provq-status $?
	run late-provq "${analyst[@]}" provq summary > /dev/null 2>&1
	note fact provq-denied $?
}

say "secrets, servers and jobs are set up"
prepare
serve
refused
say "other work begins"
other_download & jobs=($!)
other_database & jobs+=($!)
other_scripts & jobs+=($!)
other_login & jobs+=($!)
other_rotation & jobs+=($!)
[ -z "$trace" ] || { other_traced & jobs+=($!); }
other_backup
intrude
other_upload
say "the secrets are gone; what comes now came too late"
afterwards
ask
touch $stop
wait "${jobs[@]}"
say "done"
# The jobs' own words end the ledger; nothing is started after this that would matter.
tr ' ' '\t' < "/var/log/$update_name.log" >> $ledger
note fact complete 1
