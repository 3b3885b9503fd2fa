/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of one CPU's buffer in channel.c, for spin: the CPU that writes
 * records, interrupts on it that write, flush and count losses, and readers of
 * its file on another CPU.
 *
 * Each inline has the name of the C function that it stands for.  What is
 * modelled, how much of it, and what not, is said in engine.rst; tests/model/run
 * runs it, also with mistakes (BUG_*), which spin must find.
 *
 * RECORDS	written by the task that runs on the CPU
 * SOFTIRQS	records written by interrupts
 * EMIT_LOST	calls of prov_emit_lost()
 * FLUSHES	calls of prov_channel_flush(), from another CPU
 * REOPENS	closings of the file in the middle of a sub-buffer
 * READERS	threads that share its descriptor, 1 or 2
 * OFFLINE	1: the CPU may be taken away at the end
 *
 * These only change numbers, so that a statement is the same one in all runs:
 * the test unites what they reach.
 */
#ifndef RECORDS
#define RECORDS		5
#endif
#ifndef SOFTIRQS
#define SOFTIRQS	0
#endif
#ifndef EMIT_LOST
#define EMIT_LOST	0
#endif
#ifndef FLUSHES
#define FLUSHES		0
#endif
#ifndef REOPENS
#define REOPENS		0
#endif
#ifndef READERS
#define READERS		1
#endif
#ifndef OFFLINE
#define OFFLINE		0
#endif

#define PROV_SUBBUFS	2
#define CAPACITY	2	/* records of a sub-buffer */
#define NO_SUBBUF	(CAPACITY + 1)

#define reached(condition) if :: condition -> skip :: else fi

/*
 * A sub-buffer in memory.  Of a record only its number is kept, in the order in
 * which records were tried to write, from 1 on; UNFILLED after prov_reserve().
 * visible: all stores have come to where the reader looks
 * lost_before: records that were lost when it was begun
 */
#define UNFILLED	255
typedef subbuf {
	byte seq;
	byte lost;
	byte used;
	byte record[CAPACITY];
	bool visible;
	byte lost_before
};
subbuf memory[PROV_SUBBUFS];

/*
 * struct rchan_buf, after relay_open() began the first sub-buffer; @current is
 * where its data points to
 */
byte current;
byte offset;
byte subbufs_produced;
byte subbufs_consumed;

/* struct cpu_state */
byte seq = 1;
byte lost;
byte lost_total;
bool armed;
byte finished;
byte consumed;
byte read_offset;
bool read_lock;

/* The CPU */
bool irqs_off;
bool in_irq;
bool wake;		/* irq_work */
bool offline;
byte softirqs = SOFTIRQS;
byte emit_losts = EMIT_LOST;
byte flushes = FLUSHES;

/* The wait queue */
bool waiting[READERS];	/* is on it: waitqueue_active() */
bool sleeping[READERS];	/* is not to run: TASK_INTERRUPTIBLE */
bool blocked[READERS];	/* does not run: schedule() */

/*
 * What is to hold is said with these.
 * attempts: records that were written or lost
 * lost_records: of these, lost
 * read_subbufs, read_records: what the reader has taken over
 * told: losses that it was told of
 * last: number of the record that it read last
 * returned: sub-buffers whose memory no reader looks at any more
 */
byte attempts;
byte lost_records;
byte read_subbufs;
byte read_records;
byte told;
byte last;
byte returned;
byte reopens = REOPENS;

hidden byte s;

/* The CPU stores to the current sub-buffer: never to one that can be read. */
inline check_store(to)
{
	s = returned;
	do
	:: s == finished -> break
	:: else ->
		assert(s % PROV_SUBBUFS != to);
		s++
	od;
	memory[to].visible = false
}

#define has_room(bytes)	(offset + (bytes) <= CAPACITY)
#define relay_buf_full	(subbufs_produced - subbufs_consumed >= PROV_SUBBUFS)
#ifdef BUG_PRODUCED
#define readable	subbufs_produced
#else
#define readable	finished
#endif
#define is_readable	(readable != consumed)

inline begin_subbuf(new)
{
#ifdef BUG_LOST_FORGOTTEN
	lost_total = lost_total + lost;
	lost = 0;
#endif
	if
#ifndef BUG_NO_FULL_CHECK
	:: relay_buf_full ->
		begun = false
#endif
	:: else ->
		d_step {
			check_store(new);
			memory[new].seq = seq;
			memory[new].lost = lost;
			memory[new].lost_before = lost_records;
			memory[new].used = 0;
			memory[new].record[0] = 0;
			memory[new].record[1] = 0;
			seq++;
			lost_total = lost_total + lost;
			lost = 0;
			begun = true
		}
	fi
}

inline relay_subbufs_consumed(count)
{
	/* then it would not count */
	assert(subbufs_produced - subbufs_consumed >= count);
	subbufs_consumed = subbufs_consumed + count
}

inline relay_switch_subbuf()
{
	if
	:: offset != NO_SUBBUF -> subbufs_produced++
	:: else
	fi;
	offset = 0;
	begin_subbuf(subbufs_produced % PROV_SUBBUFS);
	if
	:: begun -> current = subbufs_produced % PROV_SUBBUFS
	:: else -> offset = NO_SUBBUF
	fi
}

inline next_subbuf()
{
	if
	:: has_room(0) ->
		d_step {
			check_store(current);
			memory[current].used = offset
		}
	:: else
	fi;
	/* smp_load_acquire() */
	relay_subbufs_consumed(consumed - subbufs_consumed);
	relay_switch_subbuf();
#ifdef BUG_NO_MB
	/* without the barrier the load can come before the store */
	wakes = waiting[0] || waiting[READERS - 1];
#endif
#ifndef BUG_NO_RELEASE
	/* smp_store_release() */
	d_step { memory[0].visible = true; memory[1].visible = true };
#endif
	finished = subbufs_produced;
#ifndef BUG_NO_MB
	wakes = waiting[0] || waiting[READERS - 1];
#endif
	if
	:: wakes -> wake = true
	:: else
	fi
}

inline local_irq_save()
{
#ifndef BUG_IRQS_ON
	irqs_off = true
#else
	skip
#endif
}

inline count_lost()
{
	d_step {
		lost++;
		lost_records++;
		armed = true
	}
}

inline prov_reserve()
{
	d_step {
		local_irq_save();
		attempts++;
		number = attempts
	};
	begun = true;
	if
	:: has_room(1)
	:: else -> next_subbuf()
	fi;
	if
	:: begun ->
		d_step {		/* append(), arm() */
			check_store(current);
			memory[current].record[offset] = UNFILLED;
			at = offset;
			offset++;
			armed = true
		}
	:: else ->
		count_lost();
		irqs_off = false
	fi
}

inline prov_commit()
{
	irqs_off = false
}

/* What prov_record_*() and prov_emit_edge() do. */
inline write_record()
{
	prov_reserve();
	if
	:: begun ->
		d_step {
			check_store(current);
			memory[current].record[at] = number
		};
		prov_commit()
	:: else
	fi
}

inline prov_emit_lost()
{
	d_step { attempts++ };
	count_lost()
}

#define needs_flush	(lost || (has_room(0) && (offset > 0 || memory[current].lost)))

inline flush_cpu()
{
	do
	:: needs_flush ->
		next_subbuf();
		if
#ifndef BUG_FLUSH_ONCE
		:: begun
#endif
		:: else -> break
		fi
	:: else -> break
	od
}

inline flush_timer()
{
	armed = false;
	if
	:: is_readable ->
#ifndef BUG_NO_REARM
		armed = true
#else
		skip
#endif
	:: else ->
		flush_cpu()
	fi
}

/* What the CPU does while no interrupt runs on it. */
proctype task() provided (!in_irq)
{
	byte written, number, at;
	bool begun, wakes;

	do
	:: written < RECORDS ->
		written++;
		write_record()
	:: else -> break
	od;
	if
	:: OFFLINE ->			/* cpu_is_gone(), on another CPU */
		offline = true;
		flush_cpu()
	:: true
	fi
}

inline enter_irq(event)
{
	atomic { !irqs_off && event -> in_irq = true }
}

/*
 * It is an error if someone does not run, although there is something to read,
 * and nothing is under way to change that.
 */
inline check_awake()
{
	assert(wake || !is_readable || !(blocked[0] && sleeping[0] ||
					 blocked[READERS - 1] && sleeping[READERS - 1]))
}

proctype interrupt()
{
	byte number, at;
	bool begun, wakes;

end:	do
	:: enter_irq(armed && !offline);
		check_awake();
		flush_timer();
		in_irq = false
	:: enter_irq(flushes && !offline);
		flushes--;
#ifndef BUG_FLUSH_OTHER_CPU
		flush_cpu();		/* flush_here() */
#endif
		in_irq = false
	:: enter_irq(softirqs && !offline);
		softirqs--;
		write_record();
		in_irq = false
	:: enter_irq(emit_losts && !offline);
		emit_losts--;
		prov_emit_lost();
		in_irq = false
	:: enter_irq(wake);
		d_step {		/* wake_readers() */
			wake = false;
			sleeping[0] = sleeping[0] && !waiting[0];
			sleeping[READERS - 1] = sleeping[READERS - 1] && !waiting[READERS - 1];
			in_irq = false
		}
	od
}

#ifdef BUG_FLUSH_OTHER_CPU
proctype other_cpu()
{
	bool begun, wakes;

	flush_cpu()
}
#endif

/* What the reader has of the sub-buffer that it is in. */
byte sub_lost, sub_records, sub_last;

#define HEADER		memory[header]

/* One of the bytes that are copied: of the header, or a record. */
inline copy_to_user()
{
	if
	:: d_step {
		unit == 0 ->
		assert(HEADER.visible);
		/* none is left out, none comes twice */
		assert(HEADER.seq == read_subbufs);
		sub_lost = HEADER.lost;
		/* losses are told where they were */
		assert(told + sub_lost == HEADER.lost_before);
		sub_records = 0;
		sub_last = last
	   }
	:: d_step {
		unit > 0 ->
		assert(HEADER.visible);
		number = HEADER.record[unit - 1];
		assert(number != UNFILLED);
		assert(number > sub_last);
		sub_last = number;
		sub_records++
	   }
	fi
}

inline wait_event_interruptible()
{
	do
	:: waiting[r] = true;		/* prepare_to_wait_event() */
		sleeping[r] = true;
		if
		:: is_readable -> break
		:: else
		fi;
		blocked[r] = true;
endb:		!sleeping[r];
		blocked[r] = false
	od;
	waiting[r] = false;		/* finish_wait() */
	sleeping[r] = false
}

inline channel_file_read()
{
#ifndef BUG_NO_READ_LOCK
	atomic { !read_lock -> read_lock = true };
#else
	read_lock = true;
#endif
#ifdef BUG_NO_ACQUIRE
	early = memory[consumed % PROV_SUBBUFS].used;
#endif
	if
	:: is_readable
	:: else -> wait_event_interruptible()
	fi;
	header = consumed % PROV_SUBBUFS;
#ifdef BUG_NO_ACQUIRE
	bytes = early + 1;
#else
	bytes = HEADER.used + 1;
#endif
	assert(HEADER.visible);
	unit = read_offset;
	/* the caller wants all, or less */
	if
	:: count = bytes
	:: bytes > unit + 1 -> count = unit + 1
	fi;
#ifdef BUG_NO_CONSUMED_MB
	if
	:: count == bytes -> consumed++
	:: else
	fi;
#endif
	do
	:: unit < count -> copy_to_user(); unit++
	:: else -> break
	od;
	read_offset = unit;
	if
	:: unit == bytes ->
		read_offset = 0;
		d_step {
			read_subbufs++;
			read_records = read_records + sub_records;
			told = told + sub_lost;
			last = sub_last;
			returned++
		};
#ifndef BUG_NO_CONSUMED_MB
		/* smp_store_release() */
		consumed++
#endif
	:: else
	fi;
	read_lock = false
}

proctype reader(byte r)
{
	byte header, bytes, count, unit, number, early;

end:	do
	:: channel_file_read()
	:: atomic {			/* channel_file_release(), open again */
		reopens && read_offset && !read_lock ->
		reopens--;
		read_offset = 0
	   }
	od
}

/* When nothing happens any more, all has been read. */
proctype idle()
{
end:	timeout;
	assert(read_records + told + (offline -> lost : 0) == attempts);
	assert(told + (offline -> lost : 0) == lost_records);
	assert(lost_total + lost == lost_records);
	/* some runs lose, some do not; some fill all there is */
	reached(told && read_records > CAPACITY);
	reached(!lost_records && read_subbufs > PROV_SUBBUFS);
	reached(offline && lost)
}

init
{
	atomic {
		run task();
		run interrupt();
		run reader(0);
		if
		:: READERS > 1 -> run reader(READERS - 1)
		:: else
		fi;
#ifdef BUG_FLUSH_OTHER_CPU
		run other_cpu();
#endif
		run idle()
	}
}
