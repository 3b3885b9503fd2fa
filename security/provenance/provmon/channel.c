// SPDX-License-Identifier: GPL-2.0
/*
 * provmon: the buffers through which records leave the kernel
 *
 * One relay buffer a CPU.  Its writer is that CPU with interrupts off, so that
 * there is no lock; its reader is the one task that has its file open.  The
 * files are ours and not relay's: relay's would hand out sub-buffers that are
 * still being finished.
 */
#define pr_fmt(fmt) "provmon: " fmt

#include <linux/capability.h>
#include <linux/cpu.h>
#include <linux/cpuhotplug.h>
#include <linux/fs.h>
#include <linux/irq_work.h>
#include <linux/irqflags.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/poll.h>
#include <linux/pvclock_gtod.h>
#include <linux/relay.h>
#include <linux/sched.h>
#include <linux/security.h>
#include <linux/smp.h>
#include <linux/timekeeping.h>
#include <linux/timer.h>
#include <linux/uuid.h>

#include "../fs.h"
#include "channel.h"
#include "engine.h"

/* How long a record waits at most on an idle CPU before it can be read. */
#define FLUSH_INTERVAL	(HZ / 5)

/**
 * struct cpu_state - what relay does not keep of a CPU's buffer
 * @base_ns: time base of the current sub-buffer
 * @wall_offset_ns: as last said in the stream
 * @wall_sets: value of wall_clock_sets then
 * @seq: number of the current sub-buffer
 * @lost: records lost since the last one that is in the buffer
 * @lost_total: of those, what headers have told
 * @records: written
 * @bytes: written
 * @tid: thread that the last record was of, -1 if not known
 * @armed: @timer is pending
 * @timer: finishes the current sub-buffer; runs on the CPU
 * @finished: sub-buffers that can be read.  Written last, with release, by
 *	the CPU; read with acquire by the reader.  relay's own count moves before
 *	a sub-buffer is complete
 * @high_water: most sub-buffers that ever waited
 * @consumed: sub-buffers that were read.  Written under @read_lock, with release;
 *	read with acquire by the CPU, which tells relay before relay needs it.
 *	relay's own counts are plain, so only the CPU touches them
 * @wait: readers.  relay has a queue of its own, but not before the CPU comes up,
 *	and wakes it before @finished moves
 * @wake: wakes them, because a record can be written under any lock
 * @cpu: which CPU it is
 * @read_lock: against a reader that shares its descriptor
 * @read_offset: bytes that were already read of the first finished sub-buffer;
 *	under @read_lock
 * @opened: the file is open
 *
 * Up to @high_water, all is written by the CPU with interrupts off.  Plainly, but
 * for @finished: others only read what they count.
 */
struct cpu_state {
	u64 base_ns;
	u64 wall_offset_ns;
	unsigned int wall_sets;
	u64 seq;
	u64 lost;
	u64 lost_total;
	u64 records;
	u64 bytes;
	int tid;
	bool armed;
	struct timer_list timer;
	size_t finished;
	size_t consumed;
	u32 high_water;
	wait_queue_head_t wait;
	struct irq_work wake;
	unsigned int cpu;

	struct mutex read_lock;	/* of @read_offset */
	size_t read_offset;
	unsigned long opened;
};

static DEFINE_PER_CPU(struct cpu_state, cpu_states);
static struct rchan *channel __ro_after_init;
static uuid_t boot_id __ro_after_init;

static struct rchan_buf *cpu_buffer(unsigned int cpu)
{
	return READ_ONCE(*per_cpu_ptr(channel->buf, cpu));
}

/* How often the wall clock was set.  That it is slewed is told by each header. */
static unsigned int wall_clock_sets;

static int wall_clock_changed(struct notifier_block *unused,
			      unsigned long was_set, void *timekeeper)
{
	if (was_set)
		WRITE_ONCE(wall_clock_sets, wall_clock_sets + 1);
	return NOTIFY_OK;
}

static struct notifier_block wall_clock_notifier = {
	.notifier_call = wall_clock_changed,
};

/* Before the offset is read, so that a change meanwhile is told again. */
static void note_wall_clock(struct cpu_state *const state)
{
	state->wall_sets = READ_ONCE(wall_clock_sets);
	smp_rmb();	/* the notifier is called before readers see the new time */
	/* Reading both clocks would differ by the time between the two. */
	state->wall_offset_ns = ktime_to_ns(ktime_mono_to_real(0)) -
				ktime_to_ns(ktime_mono_to_any(0, TK_OFFS_BOOT));
}

/* relay asks for this before a sub-buffer is begun. */
static int begin_subbuf(struct rchan_buf *buf, void *subbuf, void *prev_subbuf,
			size_t prev_padding)
{
	struct cpu_state *const state = per_cpu_ptr(&cpu_states, buf->cpu);
	struct prov_subbuf_header *const header = subbuf;

	if (relay_buf_full(buf))
		return 0;

	state->base_ns = ktime_get_boottime_ns();
	note_wall_clock(state);
	state->lost_total += state->lost;
	state->tid = -1;
	*header = (struct prov_subbuf_header){
		.magic = cpu_to_le32(PROV_MAGIC),
		.format = cpu_to_le16(PROV_FORMAT_VERSION),
		.header_bytes = cpu_to_le16(sizeof(*header)),
		.cpu = cpu_to_le32(buf->cpu),
		.seq = cpu_to_le64(state->seq++),
		.first_ns = cpu_to_le64(state->base_ns),
		.wall_offset_ns = cpu_to_le64(state->wall_offset_ns),
		.lost = cpu_to_le64(state->lost),
		.lost_total = cpu_to_le64(state->lost_total),
	};
	export_uuid(header->boot_id, &boot_id);
	state->lost = 0;
	subbuf_start_reserve(buf, sizeof(*header));
	return 1;
}

/*
 * The channel has no files of relay's, so this only says that there is a
 * buffer; relay wants anything but NULL and does not look at it.
 */
static struct dentry *buffer_is_made(const char *filename,
				     struct dentry *parent, umode_t mode,
				     struct rchan_buf *buf, int *is_global)
{
	return (struct dentry *)buf;
}

static int buffer_is_removed(struct dentry *dentry)
{
	return 0;
}

static const struct rchan_callbacks callbacks = {
	.subbuf_start = begin_subbuf,
	.create_buf_file = buffer_is_made,
	.remove_buf_file = buffer_is_removed,
};

static bool has_room(const struct rchan_buf *const buf, size_t bytes)
{
	return buf->offset + bytes <= PROV_SUBBUF_BYTES;
}

/*
 * Finish the current sub-buffer, if there is one, and begin the next.  If the
 * reader is too far behind, there is none from then on, and this only tries
 * again to begin one.
 *
 * Return: true if a sub-buffer was begun.
 */
static bool next_subbuf(struct rchan_buf *const buf,
			struct cpu_state *const state)
{
	size_t consumed;
	bool begun;

	if (has_room(buf, 0)) {
		struct prov_subbuf_header *const header = buf->data;

		header->used_bytes = cpu_to_le32(buf->offset);
		header->last_ns = cpu_to_le64(ktime_get_boottime_ns());
	}
	/* What is written from now on the reader is done with: channel_file_read(). */
	consumed = smp_load_acquire(&state->consumed);
	relay_subbufs_consumed(channel, state->cpu,
			       consumed - buf->subbufs_consumed);
	begun = relay_switch_subbuf(buf, 1) != 0;
	/* All of the sub-buffer, then that it is finished: is_readable(). */
	smp_store_release(&state->finished, buf->subbufs_produced);
	/* Either we see a reader that goes to sleep, or it sees @finished. */
	smp_mb();
	/* Without lock, because of the barrier. */
	if (waitqueue_active(&state->wait))
		irq_work_queue(&state->wake);
	state->high_water = max_t(u32, state->high_water,
				  buf->subbufs_produced -
					  READ_ONCE(state->consumed));
	return begun;
}

static void arm(struct cpu_state *const state)
{
	if (!state->armed) {
		state->armed = true;
		mod_timer(&state->timer, jiffies + FLUSH_INTERVAL);
	}
}

static struct prov_record *append(struct rchan_buf *const buf, u8 type, u8 sub,
				  size_t bytes)
{
	struct prov_record *const rec = buf->data + buf->offset;

	*rec = (struct prov_record){
		.type = type,
		.sub = sub,
		.bytes = cpu_to_le16(bytes),
	};
	buf->offset += bytes;
	return rec;
}

static void append_time(struct rchan_buf *const buf,
			struct cpu_state *const state, u64 now)
{
	struct prov_time_record *const time =
		(void *)append(buf, PROV_R_TIME, 0, sizeof(*time));

	state->base_ns = now;
	note_wall_clock(state);
	time->boottime_ns = cpu_to_le64(state->base_ns);
	time->wall_offset_ns = cpu_to_le64(state->wall_offset_ns);
}

static void append_thread(struct rchan_buf *const buf,
			  struct cpu_state *const state, int tid)
{
	struct prov_thread_record *const thread =
		(void *)append(buf, PROV_R_THREAD, 0, sizeof(*thread));

	state->tid = tid;
	thread->tid = cpu_to_le32(tid);
	thread->tgid = cpu_to_le32(tid ? task_tgid_nr(current) : 0);
}

/**
 * prov_reserve - begin to write a record
 * @type: enum prov_record_type
 * @sub: meaning depends on @type
 * @bytes: length of the whole record, a multiple of 8
 * @flags: for prov_commit()
 *
 * If there is room, interrupts are off until prov_commit() is called, and the
 * caller fills in what follows struct prov_record.  If there is none, the
 * record is counted as lost and prov_commit() must not be called.
 *
 * Return: the record, or NULL.
 */
void *prov_reserve(u8 type, u8 sub, size_t bytes, unsigned long *flags)
{
	/* What can come before the record. */
	const size_t room = bytes + sizeof(struct prov_time_record) +
			    sizeof(struct prov_thread_record);
	struct cpu_state *state;
	struct prov_record *rec;
	struct rchan_buf *buf;
	u64 now;
	int tid;

	local_irq_save(*flags);
	state = this_cpu_ptr(&cpu_states);
	buf = *this_cpu_ptr(channel->buf);
	if (unlikely(!buf || (!has_room(buf, room) &&
			      !next_subbuf(buf, state)))) {
		state->lost++;
		arm(state);
		local_irq_restore(*flags);
		return NULL;
	}
	now = ktime_get_boottime_ns();
	if (unlikely(now - state->base_ns > U32_MAX ||
		     state->wall_sets != READ_ONCE(wall_clock_sets)))
		append_time(buf, state, now);
	tid = in_task() ? task_pid_nr(current) : 0;
	if (state->tid != tid)
		append_thread(buf, state, tid);
	rec = append(buf, type, sub, bytes);
	rec->dt_ns = cpu_to_le32(now - state->base_ns);
	state->records++;
	state->bytes += bytes;
	arm(state);
	return rec;
}

/**
 * prov_commit - the record that prov_reserve() gave is complete
 * @flags: from prov_reserve()
 */
void prov_commit(unsigned long flags)
{
	local_irq_restore(flags);
}

static bool needs_flush(const struct rchan_buf *const buf,
			const struct cpu_state *const state)
{
	const struct prov_subbuf_header *const header = buf->data;

	return state->lost || (has_room(buf, 0) &&
			       (buf->offset > sizeof(*header) || header->lost));
}

/**
 * prov_emit_lost - count a record that cannot even be tried to write
 */
void prov_emit_lost(void)
{
	struct cpu_state *state;
	unsigned long flags;

	local_irq_save(flags);
	state = this_cpu_ptr(&cpu_states);
	state->lost++;
	arm(state);
	local_irq_restore(flags);
}

/* Make what is there readable.  On the CPU itself, or if it is gone. */
static void flush_cpu(unsigned int cpu)
{
	struct cpu_state *const state = per_cpu_ptr(&cpu_states, cpu);
	struct rchan_buf *const buf = cpu_buffer(cpu);
	unsigned long flags;

	if (!buf)
		return;
	local_irq_save(flags);
	/* A loss is told by the header of the next: finish that one, too. */
	while (needs_flush(buf, state) && next_subbuf(buf, state))
		;
	local_irq_restore(flags);
}

static bool is_readable(unsigned int cpu)
{
	const struct cpu_state *const state = per_cpu_ptr(&cpu_states, cpu);
	const struct rchan_buf *const buf = cpu_buffer(cpu);

	/* Pairs with the release in next_subbuf(). */
	return buf && smp_load_acquire(&state->finished) !=
			      READ_ONCE(state->consumed);
}

/*
 * While the reader has something to read, what comes can go on to fill the
 * current sub-buffer: a slow reader does not get more of them than need be.
 */
static void flush_timer(struct timer_list *timer)
{
	struct cpu_state *const state = from_timer(state, timer, timer);
	unsigned long flags;

	local_irq_save(flags);
	if (state->cpu == smp_processor_id()) {
		state->armed = false;
		if (is_readable(state->cpu))
			arm(state);
		else
			flush_cpu(state->cpu);
	} else if (cpu_online(state->cpu)) {
		/* Its CPU was gone, and is back. */
		timer->expires = jiffies + FLUSH_INTERVAL;
		add_timer_on(timer, state->cpu);
	} else {
		/* See cpu_is_gone(). */
		state->armed = false;
	}
	local_irq_restore(flags);
}

static void flush_here(void *unused)
{
	flush_cpu(smp_processor_id());
}

/**
 * prov_channel_flush - make all records readable that were written before
 *
 * Context: May sleep.
 */
void prov_channel_flush(void)
{
	on_each_cpu(flush_here, NULL, true);
}

static u64 count_of(const u64 *const count)
{
	/* The CPU stores it as one word, and may just be counting. */
	return data_race(READ_ONCE(*count));
}

/**
 * prov_channel_counters - tell what happened to the records of a CPU
 * @cpu: possible CPU
 * @counters: filled in; each is right, but not all of one moment
 */
void prov_channel_counters(unsigned int cpu, struct prov_counters *counters)
{
	const struct cpu_state *const state = per_cpu_ptr(&cpu_states, cpu);

	*counters = (struct prov_counters){
		.records = count_of(&state->records),
		.bytes = count_of(&state->bytes),
		.lost = count_of(&state->lost_total) + count_of(&state->lost),
		.produced = READ_ONCE(state->finished),
		.consumed = READ_ONCE(state->consumed),
		/* As count_of(). */
		.high_water = data_race(READ_ONCE(state->high_water)),
	};
}

/**
 * prov_boot_id - random UUID of this boot
 */
const u8 *prov_boot_id(void)
{
	return boot_id.b;
}

/*
 * Files
 */

static unsigned int file_cpu(const struct file *const file)
{
	return (uintptr_t)file_inode(file)->i_private;
}

static int channel_file_open(struct inode *inode, struct file *file)
{
	struct cpu_state *const state =
		per_cpu_ptr(&cpu_states, file_cpu(file));

	if (!capable(CAP_AUDIT_READ))
		return -EPERM;
	if (test_and_set_bit(0, &state->opened))
		return -EBUSY;
	return stream_open(inode, file);
}

static int channel_file_release(struct inode *inode, struct file *file)
{
	struct cpu_state *const state =
		per_cpu_ptr(&cpu_states, file_cpu(file));

	/* A sub-buffer that was not read to its end is read again. */
	state->read_offset = 0;
	clear_bit_unlock(0, &state->opened);
	return 0;
}

static ssize_t channel_file_read(struct file *file, char __user *to,
				 size_t count, loff_t *pos)
{
	const unsigned int cpu = file_cpu(file);
	struct cpu_state *const state = per_cpu_ptr(&cpu_states, cpu);
	const struct prov_subbuf_header *header;
	const struct rchan_buf *buf;
	size_t bytes;
	ssize_t ret;

	if (!count)
		return 0;
	ret = mutex_lock_interruptible(&state->read_lock);
	if (ret)
		return ret;
	if (!is_readable(cpu)) {
		if (file->f_flags & O_NONBLOCK)
			ret = -EAGAIN;
		else
			ret = wait_event_interruptible(state->wait,
						       is_readable(cpu));
		if (ret)
			goto out;
	}
	buf = cpu_buffer(cpu);
	header = buf->start + state->consumed % PROV_SUBBUFS *
				      PROV_SUBBUF_BYTES;
	bytes = le32_to_cpu(header->used_bytes) - state->read_offset;
	ret = min(count, bytes);
	if (copy_to_user(to, (const char *)header + state->read_offset, ret)) {
		ret = -EFAULT;
		goto out;
	}
	state->read_offset += ret;
	if (ret == bytes) {
		state->read_offset = 0;
		/* Pairs with the acquire in next_subbuf(), after which it is written. */
		smp_store_release(&state->consumed, state->consumed + 1);
	}
out:
	mutex_unlock(&state->read_lock);
	return ret;
}

static __poll_t channel_file_poll(struct file *file, poll_table *table)
{
	const unsigned int cpu = file_cpu(file);

	poll_wait(file, &per_cpu_ptr(&cpu_states, cpu)->wait, table);
	return is_readable(cpu) ? EPOLLIN | EPOLLRDNORM : 0;
}

static const struct file_operations channel_file_ops = {
	.owner = THIS_MODULE,
	.open = channel_file_open,
	.release = channel_file_release,
	.read = channel_file_read,
	.poll = channel_file_poll,
	.llseek = noop_llseek,
};

static void wake_readers(struct irq_work *const work)
{
	struct cpu_state *const state = container_of(work, struct cpu_state,
						     wake);

	wake_up_interruptible(&state->wait);
}

/* Runs on another CPU, when nothing runs on @cpu any more. */
static int cpu_is_gone(unsigned int cpu)
{
	flush_cpu(cpu);
	return 0;
}

static int __init channel_files_init(void)
{
	struct dentry *dir;
	unsigned int cpu;
	int err;

	if (!channel)
		return 0;
	dir = securityfs_create_dir("provmon", provenance_dir);
	if (IS_ERR(dir))
		return PTR_ERR(dir);
	for_each_possible_cpu(cpu) {
		struct dentry *dentry;
		char name[16];

		snprintf(name, sizeof(name), "cpu%u", cpu);
		dentry = securityfs_create_file(name, 0400, dir,
						(void *)(uintptr_t)cpu,
						&channel_file_ops);
		if (IS_ERR(dentry))
			return PTR_ERR(dentry);
	}
	err = pvclock_gtod_register_notifier(&wall_clock_notifier);
	if (err)
		return err;
	err = cpuhp_setup_state_nocalls(CPUHP_BP_PREPARE_DYN, "provmon:dead",
					NULL, cpu_is_gone);
	return err < 0 ? err : 0;
}
rootfs_initcall(channel_files_init);

/**
 * prov_channel_open - make the buffer of the boot CPU
 *
 * relay makes those of the others when they come up.
 *
 * Return: 0 or -ENOMEM.
 */
int __init prov_channel_open(void)
{
	unsigned int cpu;

	uuid_gen(&boot_id);
	for_each_possible_cpu(cpu) {
		struct cpu_state *const state = per_cpu_ptr(&cpu_states, cpu);

		timer_setup(&state->timer, flush_timer, TIMER_PINNED);
		mutex_init(&state->read_lock);
		init_waitqueue_head(&state->wait);
		init_irq_work(&state->wake, wake_readers);
		state->cpu = cpu;
	}
	channel = relay_open(NULL, NULL, PROV_SUBBUF_BYTES, PROV_SUBBUFS,
			     &callbacks, NULL);
	return channel ? 0 : -ENOMEM;
}
