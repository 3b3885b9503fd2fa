// SPDX-License-Identifier: GPL-2.0
/*
 * provmon-recorder: from the kernel's channels to a log of sealed segments
 *
 * Two threads: this one reads the channels into the spool, minds signals and
 * the service manager's watchdog, and keeps the status file; the other (writer)
 * takes batches from the spool, compresses and writes them.  Start at main().
 */
#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <systemd/sd-daemon.h>

#include "channel.h"
#include "kernel.h"
#include "options.h"
#include "privilege.h"
#include "say.h"
#include "segment.h"
#include "spool.h"
#include "status.h"
#include "store.h"
#include "writer.h"

/* The watchdog is told lies no longer than this if the writer hangs. */
#define WRITER_HANGS_NS		120000000000ull
/*
 * How often the service manager hears of us when nothing is new.  Not more than
 * the watchdog needs: what it does with it is recorded.
 */
#define NOTIFY_NS		30000000000ull
/* At the start: how often to drain and ask again to be opaque. */
#define OPAQUE_TRIES		250
/* At the end: how long to try on a disk that cannot be written. */
#define GIVE_UP_NS		20000000000ull
/* At the end: how often to flush and drain while there is still something. */
#define LAST_PASSES		4

/* What an epoll event is about, if not a channel, whose index it is then. */
enum event_source {
	EVENT_SIGNAL = 1 << 24,
	EVENT_TIMER,
	EVENT_ROOM,
};

struct recorder {
	struct options options;
	struct prov_kernel *kernel;	/* NULL with --no-kernel */
	struct store *store;
	struct channels channels;
	struct spool *spool;
	struct writer *writer;
	int status_fd;
	int epoll_fd, signal_fd, timer_fd, room_fd;
	uint64_t lost_said;		/* losses of the kernel that were told */
	uint64_t notified_ns;
	char notified_trouble[sizeof(((struct writer_progress *)NULL)->trouble)];
	bool spool_full;		/* channels are not watched until there is room */
	bool stop;
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ull + now.tv_nsec;
}

/* ---- the start, first half: what it talks to ---------------------------- */

/* Return: 0 or an exit status. */
static int open_kernel(struct recorder *recorder)
{
	int err;

	if (recorder->options.no_kernel)
		return 0;
	err = prov_kernel_open(&recorder->kernel);
	if (err == -ENOENT) {
		char missing[512];

		prov_kernel_missing(missing, sizeof(missing));
		say(LOG_ERR, "the kernel does not record: %s", missing);
		return EX_UNAVAILABLE;
	}
	if (err) {
		say(LOG_ERR, "cannot talk to the kernel: %s", strerror(-err));
		return EX_OSERR;
	}
	return 0;
}

static gid_t log_group(const struct options *options)
{
	const struct group *group;

	if (geteuid())
		return -1;
	group = getgrnam(options->group);
	if (!group) {
		say(LOG_WARNING, "there is no group '%s': only root may read the log",
		    options->group);
		return -1;
	}
	return group->gr_gid;
}

static int watch(struct recorder *recorder, int fd, uint32_t source)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = source };

	return epoll_ctl(recorder->epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static int open_events(struct recorder *recorder)
{
	const struct itimerspec second = { .it_interval.tv_sec = 1, .it_value.tv_sec = 1 };
	sigset_t signals;

	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGUSR1);
	sigaddset(&signals, SIGHUP);
	/* Before there are threads: they inherit it. */
	if (sigprocmask(SIG_BLOCK, &signals, NULL))
		return -errno;
	/* A limit on file sizes is an error of write(), not an end. */
	signal(SIGXFSZ, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	recorder->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	recorder->signal_fd = signalfd(-1, &signals, SFD_NONBLOCK | SFD_CLOEXEC);
	recorder->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	recorder->room_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (recorder->epoll_fd < 0 || recorder->signal_fd < 0 || recorder->timer_fd < 0 ||
	    recorder->room_fd < 0 || timerfd_settime(recorder->timer_fd, 0, &second, NULL))
		return -errno;
	if (watch(recorder, recorder->signal_fd, EVENT_SIGNAL) ||
	    watch(recorder, recorder->timer_fd, EVENT_TIMER) ||
	    watch(recorder, recorder->room_fd, EVENT_ROOM))
		return -errno;
	return 0;
}

static int watch_channels(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->channels.count; i++) {
		const int fd = recorder->channels.all[i].fd;
		int err;

		if (fd < 0)
			continue;
		err = watch(recorder, fd, i);
		/* A regular file is always ready, and cannot be watched: --once. */
		if (err && !(err == -EPERM && recorder->options.once)) {
			say(LOG_ERR, "cannot watch the channel of cpu%" PRIu32 ": %s",
			    recorder->channels.all[i].cpu, strerror(-err));
			return err;
		}
	}
	return 0;
}

static void unwatch_channels(struct recorder *recorder)
{
	for (size_t i = 0; i < recorder->channels.count; i++)
		if (recorder->channels.all[i].fd >= 0)
			epoll_ctl(recorder->epoll_fd, EPOLL_CTL_DEL,
				  recorder->channels.all[i].fd, NULL);
}

/* ---- draining -------------------------------------------------------- */

/*
 * Move what there is from all channels to the spool.  Return: how many
 * sub-buffers that were.
 */
static uint64_t drain_all(struct recorder *recorder)
{
	uint64_t subbufs = 0;
	bool more;

	do {
		more = false;
		for (size_t i = 0; i < recorder->channels.count; i++) {
			struct channel *const channel = &recorder->channels.all[i];
			const uint64_t before = channel->subbufs;
			const enum channel_end end = channel->fd < 0 ? CHANNEL_GONE :
				channel_drain(&recorder->channels, channel, recorder->spool);

			subbufs += channel->subbufs - before;
			if (end == CHANNEL_FULL && !recorder->spool_full) {
				/* Level-triggered events would come without end. */
				unwatch_channels(recorder);
				recorder->spool_full = true;
			}
			more |= end == CHANNEL_MORE;
		}
	} while (more && !recorder->spool_full);
	return subbufs;
}

/* ---- the start, second half: what needs draining ------------------------ */

/*
 * Before anything is written: what the recorder writes would be recorded, read
 * and written again without end.
 *
 * That a process became opaque is recorded like all else, and is refused when
 * there is no room for the record.  After a long boot there is none until
 * somebody has read the buffers, so that comes first then.
 *
 * Return: 0 or an exit status.
 */
static int become_opaque(struct recorder *recorder)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	int err = 0;

	if (!recorder->kernel)
		return 0;
	for (unsigned int i = 0; i < OPAQUE_TRIES; i++) {
		err = prov_kernel_opaque_process(recorder->kernel, getpid(), true);
		if (err != -EAGAIN)
			break;
		if (!drain_all(recorder))
			nanosleep(&pause, NULL);
	}
	if (!err)
		return 0;
	say(LOG_ERR, "the kernel does not let the recorder be opaque: %s%s", strerror(-err),
	    err == -EPERM ? "; it has to be started with CAP_AUDIT_CONTROL" : "");
	return err == -EPERM ? EX_NOPERM : EX_OSERR;
}

/* Return: 0 or an exit status. */
static int start(struct recorder *recorder)
{
	const gid_t gid = log_group(&recorder->options);
	int err;

	err = open_events(recorder);
	if (err) {
		say(LOG_ERR, "cannot wait for events: %s", strerror(-err));
		return EX_OSERR;
	}
	err = channels_open(&recorder->channels, recorder->options.channels_dir);
	if (err)
		return err == -EBUSY || err == -ENOENT ? EX_UNAVAILABLE : EX_OSERR;
	recorder->spool = spool_new(recorder->options.memory_bytes, recorder->room_fd);
	if (!recorder->spool) {
		say(LOG_ERR, "no memory");
		return EX_OSERR;
	}
	err = become_opaque(recorder);
	if (err)
		return err;
	recorder->status_fd = status_open(&recorder->options);
	if (recorder->status_fd < 0)
		return EX_OSERR;
	err = store_open(&recorder->store, &recorder->options, gid);
	if (err)
		return err == -EBUSY ? EX_UNAVAILABLE : EX_OSERR;
	if (!recorder->options.no_sandbox && privilege_drop(gid))
		return EX_OSERR;
	recorder->writer = writer_start(&recorder->options, recorder->store, recorder->spool);
	if (!recorder->writer)
		return EX_OSERR;
	if (!recorder->options.no_sandbox && privilege_confine())
		return EX_OSERR;
	/* If the spool is full already, on_room() will do it. */
	if (recorder->spool_full)
		return 0;
	return watch_channels(recorder) ? EX_OSERR : 0;
}

/* ---- while it runs ----------------------------------------------------- */

static void on_room(struct recorder *recorder)
{
	uint64_t count;

	(void)!read(recorder->room_fd, &count, sizeof(count));
	if (!recorder->spool_full)
		return;
	recorder->spool_full = false;
	watch_channels(recorder);
	drain_all(recorder);
}

/* Without it, what is not a full sub-buffer yet is read later. */
static void flush_kernel(struct recorder *recorder)
{
	const int err = recorder->kernel ? prov_kernel_flush(recorder->kernel) : 0;

	if (err)
		say(LOG_WARNING, "the kernel did not flush its buffers: %s%s", strerror(-err),
		    err == -EPERM ? " (this takes CAP_AUDIT_READ; does a security module refuse it?)" :
		    "");
}

static void on_signal(struct recorder *recorder)
{
	struct signalfd_siginfo info;

	while (read(recorder->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGUSR1:
			flush_kernel(recorder);
			drain_all(recorder);
			spool_rotate(recorder->spool);
			break;
		case SIGTERM:
		case SIGINT:
			recorder->stop = true;
			break;
		}
	}
}

/* Not for every sub-buffer: under load there are thousands a second. */
static void say_lost(struct recorder *recorder)
{
	uint64_t lost = 0;

	for (size_t i = 0; i < recorder->channels.count; i++)
		lost += recorder->channels.all[i].lost;
	if (lost == recorder->lost_said)
		return;
	say(LOG_WARNING, "the kernel lost %" PRIu64 " records because its buffers were full, %"
	    PRIu64 " since this recorder was started", lost - recorder->lost_said, lost);
	recorder->lost_said = lost;
}

static void notify_manager(struct recorder *recorder, const struct writer_progress *progress)
{
	const uint64_t now_ns = monotonic_ns();

	if (now_ns - recorder->notified_ns < NOTIFY_NS &&
	    !strcmp(recorder->notified_trouble, progress->trouble))
		return;
	/* Two clocks of one kind, read one after the other by two threads. */
	if ((int64_t)(now_ns - progress->beat_ns) > (int64_t)WRITER_HANGS_NS)
		return;
	recorder->notified_ns = now_ns;
	memcpy(recorder->notified_trouble, progress->trouble, sizeof(progress->trouble));
	sd_notifyf(0, "WATCHDOG=1\nSTATUS=%s%s%" PRIu64 " records in %" PRIu64
		   " segments, %" PRIu64 " lost",
		   progress->trouble, progress->trouble[0] ? "; " : "", progress->store.records,
		   progress->store.segments, progress->store.lost);
}

static void report(struct recorder *recorder, const char *state)
{
	struct writer_progress progress;

	say_lost(recorder);
	writer_progress(recorder->writer, &progress);
	status_write(recorder->status_fd, &recorder->options, state, &recorder->channels,
		     &progress, spool_bytes(recorder->spool));
	notify_manager(recorder, &progress);
}

static void on_timer(struct recorder *recorder)
{
	uint64_t count;

	(void)!read(recorder->timer_fd, &count, sizeof(count));
	report(recorder, "running");
}

static void run(struct recorder *recorder)
{
	struct epoll_event events[64];

	while (!recorder->stop) {
		const int n = epoll_wait(recorder->epoll_fd, events, 64, -1);
		bool drain = false;

		for (int i = 0; i < n; i++) {
			switch (events[i].data.u32) {
			case EVENT_SIGNAL:
				on_signal(recorder);
				break;
			case EVENT_TIMER:
				on_timer(recorder);
				break;
			case EVENT_ROOM:
				on_room(recorder);
				break;
			default:
				drain = true;
			}
		}
		/* All of them: a batch should have all CPUs of its time. */
		if (drain && !recorder->spool_full)
			drain_all(recorder);
	}
}

/* ---- the end ----------------------------------------------------------- */

static void wait_for_room(struct recorder *recorder, uint64_t until_ns)
{
	struct epoll_event event;

	while (recorder->spool_full && monotonic_ns() < until_ns) {
		if (epoll_wait(recorder->epoll_fd, &event, 1, 500) != 1)
			continue;
		if (event.data.u32 == EVENT_TIMER)
			on_timer(recorder);
		else if (event.data.u32 == EVENT_ROOM)
			on_room(recorder);
	}
}

/* Read all that the kernel has, and as far as it goes what comes meanwhile. */
static void drain_last(struct recorder *recorder, uint64_t until_ns)
{
	for (unsigned int pass = 0; pass < LAST_PASSES; pass++) {
		uint64_t subbufs;

		flush_kernel(recorder);
		subbufs = drain_all(recorder);
		wait_for_room(recorder, until_ns);
		if (!subbufs)
			break;
	}
	if (recorder->spool_full)
		say(LOG_WARNING, "not everything was read from the kernel; the next recorder "
		    "of this boot will");
}

/* Return: the exit status. */
static int finish(struct recorder *recorder)
{
	const uint64_t until_ns = monotonic_ns() + GIVE_UP_NS;
	struct writer_progress progress;
	uint64_t unwritten;

	sd_notify(0, "STOPPING=1");
	if (recorder->stop)
		writer_hurry(recorder->writer);
	drain_last(recorder, until_ns);
	spool_close(recorder->spool);
	while (!writer_ended(recorder->writer)) {
		const struct timespec pause = { .tv_nsec = 10000000 };

		if (monotonic_ns() > until_ns) {
			writer_progress(recorder->writer, &progress);
			if (progress.trouble[0])
				writer_give_up(recorder->writer);
		}
		nanosleep(&pause, NULL);
	}
	report(recorder, "stopped");
	unwritten = writer_join(recorder->writer);
	recorder->writer = NULL;
	if (!unwritten)
		return EX_OK;
	say(LOG_ERR, "%" PRIu64 " bytes of records were read and could not be written", unwritten);
	return EX_IOERR;
}

static void close_all(struct recorder *recorder)
{
	store_close(recorder->store);
	channels_close(&recorder->channels);
	spool_free(recorder->spool);
	prov_kernel_close(recorder->kernel);
}

int main(int argc, char **argv)
{
	struct recorder recorder = { .status_fd = -1 };
	int status;

	status = options_parse(&recorder.options, argc, argv);
	if (status >= 0)
		return status;
	status = open_kernel(&recorder);
	if (!status)
		status = start(&recorder);
	if (status) {
		const size_t bytes = recorder.spool ? spool_bytes(recorder.spool) : 0;

		if (bytes)
			say(LOG_ERR, "%zu bytes of records were read before that, and are lost",
			    bytes);
		return status;
	}
	sd_notify(0, "READY=1");
	say(LOG_INFO, "recording %zu CPUs into %s", recorder.channels.count,
	    recorder.options.log_dir);
	report(&recorder, "running");
	if (recorder.options.once)
		drain_all(&recorder);
	else
		run(&recorder);
	status = finish(&recorder);
	close_all(&recorder);
	return status;
}
