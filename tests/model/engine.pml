/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the version engine, for spin: two writers and a reader that are in
 * engine.c and in the hooks of file.c at the same time.
 *
 * Each inline has the name of the C function that it stands for.  What is
 * modelled, how much of it, and what not, is said in engine.rst; tests/model/run
 * runs it, also with mistakes (BUG_*), which spin must find.
 *
 * INODES		how many
 * CALLS, CALLS_OTHER	of the two writers
 * READS		of the reader
 * LOSSES		records that may be lost
 * FAILURES		calls that may fail after they began
 * FORGETS		flows that a memory may have forgotten
 * ONE_PROCESS		1: the writers are threads of one process
 *
 * Mappings have a model of their own (mapping.pml).  Their place is at PULL.
 *
 * These only change numbers, so that a statement is the same one in all runs:
 * the test unites what they reach.  What must be reached for a run to mean
 * anything, but is no statement of the engine, is marked with reached().
 */
#ifndef INODES
#define INODES		1
#endif
#ifndef CALLS
#define CALLS		2
#endif
#ifndef CALLS_OTHER
#define CALLS_OTHER	CALLS
#endif
#ifndef READS
#define READS		2
#endif
#ifndef LOSSES
#define LOSSES		0
#endif
#ifndef FAILURES
#define FAILURES	0
#endif
#ifndef FORGETS
#define FORGETS		0
#endif
#ifndef ONE_PROCESS
#define ONE_PROCESS	0
#endif

/* Objects, in the order of their ids: two writers, the reader, inodes. */
#define READER		2
#define INODE(i)	(3 + (i))
#define OBJECTS		(3 + INODES)
#if INODES == 1
#define VERSIONS	7
#else
#define VERSIONS	6
#endif
#define NODE(o, v)	((o) * VERSIONS + (v))
#define NODES		(OBJECTS * VERSIONS)

#define BIT(n)		(1 << (n))
#define SUBSET(a, b)	(((a) & ~(b)) == 0)

/* struct prov_object */
byte version[OBJECTS];
bool out[OBJECTS];
bool held[OBJECTS];

/* struct prov_file, one open file an inode, shared by all: words, 0 if unset */
byte cache[2 * INODES];
#define CACHE		cache[direction * INODES + i]
#define WORD(p, v)	(((p) + 1) << 4 | (v))

/* struct prov_memory of each process: 0, or the version that was absorbed + 1 */
#define PROV_IN		0
#define PROV_OUT	1
byte memory[3 * 2 * INODES];
#define WAY		memory[(p * 2 + direction) * INODES + i]

/*
 * What is to hold is said with these.
 * data: whose data is really in an object, a set of objects
 * known: whose knowledge is in it by the flows that are in the record, or that
 *	are begun and will be
 * ancestors: of each version in the graph of the records, a set of nodes
 * left: nodes that an edge out of was captured of, a set
 * seen: what the reader had when it was at a version
 */
byte data[OBJECTS];
byte known[OBJECTS];
int ancestors[NODES];
int left;
byte seen[READS + 1];

byte losses = LOSSES;
byte failures = FAILURES;
byte forgets = FORGETS;
bool was_lost;
byte running = 3;
/* sends that have begun into an inode and are not over */
byte sends[INODES];

hidden byte n;
hidden byte o;
hidden int set;

/* A record: the graph gets an edge between two nodes. */
inline add_edge(from, to)
{
	assert(from != to && !(ancestors[from] & BIT(to)));	/* acyclic */
	set = ancestors[from] | BIT(from);
	n = 0;
	do
	:: n == NODES -> break
	:: else ->
		if
		:: n == to || ancestors[n] & BIT(to) -> ancestors[n] = ancestors[n] | set
		:: else
		fi;
		n++
	od
}

/* The versions of an edge are determined: no edge out of @to before. */
inline capture(from, to)
{
	assert(!(left & BIT(to)));
	left = left | BIT(from)
}

inline lock(object)
{
	atomic { !held[object] -> held[object] = true }
}

#define reached(condition) if :: condition -> skip :: else fi

inline lock_both()
{
#if defined(BUG_ONE_LOCK)
	lock(dst);
#elif defined(BUG_LOCK_BY_ROLE)
	lock(src);
	lock(dst);
#else
	lower = (src < dst -> src : dst);
	lock(lower);
	lock(src + dst - lower);
#endif
}

inline unlock_both()
{
#ifdef BUG_NO_WMB
	d_step {
		unlocking[t] = true;	/* when the stores before are done */
		src_of[t] = src;
		dst_of[t] = dst
	};
#else
	d_step {
		held[src] = false;
		held[dst] = false
	};
#endif
}

#ifdef BUG_NO_WMB
/*
 * Without the barrier, the store of a version can come after later ones, but
 * for the one that gives up the lock.
 */
bool storing[3];
bool unlocking[3];
byte src_of[3];
byte dst_of[3];
byte stored[3];

proctype store_buffer(byte t)
{
end:	do
	:: d_step {
		storing[t] ->
		version[dst_of[t]] = stored[t];
		storing[t] = false
	   }
	:: d_step {
		unlocking[t] && !storing[t] ->
		held[src_of[t]] = false;
		held[dst_of[t]] = false;
		unlocking[t] = false
	   }
	od
}
#endif

/* What a process would not know any more for want of room in its memory. */
inline forget()
{
	if
	:: forgets > 0 && WAY -> forgets--; WAY = 0
	:: skip
	fi
}

#define absorbed	(WAY == version[src] + 1)
#define open_version	(version[dst] + (out[dst] -> 1 : 0))

inline remember(src_version)
{
	WAY = src_version + 1
}

inline fill_cache()
{
#ifdef BUG_CACHE_SPLIT
	CACHE = WORD(p, 0) | (CACHE & 15);
	CACHE = (CACHE & 240) | version[src]
#else
	CACHE = WORD(p, version[src])
#endif
}

inline enter_version(to_version)
{
	if
	:: version[dst] != to_version ->
		d_step {
			assert(to_version < VERSIONS);
#ifdef BUG_NO_WMB
			storing[t] = true;
			src_of[t] = src;
			dst_of[t] = dst;
			stored[t] = to_version;
#else
			version[dst] = to_version;
#endif
			out[dst] = false
		}
	:: else
	fi
}

inline flow_locked()
{
	done = true;
	if
	:: d_step {
		absorbed ->
		assert(SUBSET(known[src], known[dst]))
	   }
	:: else ->
		to = open_version;
#ifdef BUG_REMEMBER_FIRST
		remember(version[src]);
#endif
		if
		:: d_step {
			losses > 0 -> losses--;
			was_lost = true;
			done = false
		   }
		:: d_step {
			from = version[src];
			capture(NODE(src, from), NODE(dst, to));
			add_edge(NODE(src, from), NODE(dst, to))
		   };
		   enter_version(to);
		   d_step {
			out[src] = true;
			remember(version[src])
		   }
		fi
	fi
}

/*
 * By what the caller is told: the destination knows what the source knows.
 * That is here and not where the engine decides.
 */
inline is_known()
{
	known[dst] = known[dst] | known[src]
}

inline prov_flow()
{
	lock_both();
	forget();
	flow_locked();
	if
	:: done ->
		is_known();
		fill_cache()
	:: else
#ifdef BUG_CACHE_LOST
		-> fill_cache()
#endif
	fi;
	unlock_both();
}

/*
 * Whether the call will fail, and whether its record will be lost, is already
 * chosen here: an edge counts from its capture.
 */
inline prov_send_begin()
{
	lock_both();
	forget();
	fresh = !absorbed;
	if
	:: fresh ->
		to = open_version;
#ifndef BUG_LATE_VERSION
		enter_version(to);
#endif
		out[src] = true
	:: else
	fi;
	d_step {
		src_version = version[src];
		dst_version = version[dst];
#ifdef BUG_NO_WMB
		if
		:: fresh -> dst_version = to
		:: else
		fi;
#endif
	};
	if
	:: failures > 0 -> failures--; fails = true
	:: fails = false
	fi;
	loses = false;
	if
	:: fresh && !fails && losses > 0 -> losses--; was_lost = true; loses = true
	:: d_step {
		fresh && !fails ->
#ifndef BUG_LATE_VERSION
		capture(NODE(src, src_version), NODE(dst, dst_version));
#endif
		is_known()
	   }
	:: d_step {
		!fresh ->
		assert(SUBSET(known[src], known[dst]))
	   }
	:: fresh && fails
	fi;
	unlock_both();
}

inline prov_send_end()
{
	lock_both();
	ret = true;
#ifdef BUG_LATE_VERSION
	if
	:: fresh ->
		to = open_version;
		enter_version(to);
		dst_version = to;
		d_step { capture(NODE(src, src_version), NODE(dst, dst_version)) }
	:: else
	fi;
#endif
	if
	:: fresh ->
		if
		:: loses ->
			ret = false;
#ifdef BUG_REMEMBER_FIRST
			remember(src_version)
#endif
		:: else ->
			d_step {
				add_edge(NODE(src, src_version), NODE(dst, dst_version));
#ifdef BUG_REMEMBER_LATE
				remember(version[src])
#else
				remember(src_version)
#endif
			}
		fi
	:: else
	fi;
	if
#ifndef BUG_NO_LOOK_AGAIN
	:: version[src] != src_version ->
		flow_locked()
#endif
	:: else ->
		done = ret
	fi;
	if
	:: done -> is_known()
	:: else
	fi;
	if
	:: ret && done -> fill_cache()
	:: else
#ifdef BUG_CACHE_LOST
		-> fill_cache()
#endif
	fi;
	unlock_both();
}

/*
 * A hit: what the source knew when its version was looked at is in the
 * destination by the flows before.
 */
inline check_hit()
{
#ifndef BUG_NO_WMB
	assert(SUBSET(knew, known[dst]))
#else
	skip
#endif
}

/* The two loads of prov_cache_hit() come in any order. */
inline prov_cache_hit()
{
#ifdef BUG_NO_WMB
	!(storing[t] && dst_of[t] == src);	/* its own stores it sees at once */
#endif
#ifdef BUG_CACHE_SPLIT
	word = CACHE & 240;
	word = word | (CACHE & 15);
	d_step { now = version[src]; knew = known[src] }
#else
	if
	:: word = CACHE;
	   d_step { now = version[src]; knew = known[src] }
	:: d_step { now = version[src]; knew = known[src] };
	   word = CACHE
	fi;
#endif
	hit = (word == WORD(p, now))
}

/* Before the data can be seen. */
inline hook_file_permission()
{
	prov_cache_hit();
	if
	:: !sending && hit ->
		check_hit();
		fails = false;
		reached(sends[i])	/* leaves out the begin, another does not */
	:: else ->
		prov_send_begin();	/* file_write_begins() */
		sending = true
	fi
}

/* After it went out. */
inline hook_file_written()
{
	prov_cache_hit();
	if
	:: !sending && hit ->
		check_hit()
	:: sending ->			/* file_written() */
		sending = false;
		prov_send_end()
	:: else ->
		prov_flow()
	fi
}

/* After the data was obtained. */
inline hook_file_read()
{
	prov_cache_hit();
	if
	:: hit ->
		check_hit()
	:: else ->			/* file_read() */
		prov_flow()
	fi
}

inline give()
{
	/* PULL: before a process sends, it takes over the news of what it maps */
	src = p;
	dst = INODE(i);
	direction = PROV_OUT;
	hook_file_permission();
	if
	:: fails			/* leaves @sending behind */
	:: else ->
		d_step {
			reached(sends[i]);	/* two at once */
			sends[i]++;
			data[INODE(i)] = data[INODE(i)] | data[p]
		};
		hook_file_written();
		sends[i]--
	fi
}

inline take()
{
	/* PULL: before an inode is read, it takes over what its mappers learnt */
	src = INODE(i);
	dst = p;
	direction = PROV_IN;
#ifdef BUG_NO_RMB
	/* without the barrier the loads of the cache can come before the data */
	prov_cache_hit();
	d_step { data[p] = data[p] | data[INODE(i)] };
	if
	:: hit
	:: else -> prov_flow()
	fi
#else
	d_step {
		reached(sends[i]);	/* sees what is not recorded yet */
		data[p] = data[p] | data[INODE(i)]
	};
	hook_file_read()
#endif
}

inline choose_inode()
{
	if
	:: i = 0
	:: INODES > 1 -> i = 1
	fi
}

/* At the end, when nothing is in flight. */
inline check_all()
{
	o = 0;
	do
	:: o == OBJECTS -> break
	:: else ->
		objects_of(NODE(o, version[o]));
		/* neither an ancestor too few nor one too many */
		assert(owners == known[o]);
		/* no data without its ancestor; of threads see engine.rst */
		assert(was_lost || ONE_PROCESS || SUBSET(data[o], owners));
		o++
	od;
	o = 0;
	do
	:: o > READS || o >= VERSIONS -> break
	:: else ->
		objects_of(NODE(READER, o));
		assert(was_lost || ONE_PROCESS || SUBSET(seen[o], owners));
		o++
	od
}

hidden byte owners;

/* The objects of a node and of its ancestors, into @owners. */
inline objects_of(node)
{
	set = ancestors[node] | BIT(node);
	owners = 0;
	n = 0;
	do
	:: n == OBJECTS -> break
	:: else ->
		if
		:: set >> (n * VERSIONS) & (BIT(VERSIONS) - 1) -> owners = owners | BIT(n)
		:: else
		fi;
		n++
	od
}

/* The last one to leave looks at what has come of it. */
inline leave()
{
#ifdef BUG_NO_WMB
	!storing[t] && !unlocking[t];
#endif
	d_step {
		running--;
		if
		:: running == 0 -> check_all()
		:: else
		fi
	}
}

/* A thread of process @p that calls write() or read(), or only the latter. */
proctype task(byte t; byte p; byte calls)
{
	/* struct prov_channel */
	byte src, dst, i;
	bit direction;
	/* struct prov_task, struct prov_send */
	bool sending, fresh;
	byte src_version, dst_version;
	/* what the call will come to */
	bool fails, loses;
	/* of the functions */
	byte lower, to, from, word, now, knew;
	bool ret, done, hit;

	do
	:: calls > 0 ->
		calls--;
		choose_inode();
		if
		:: p != READER ->
			give()
		:: take();
#ifdef BUG_NO_WMB
			!storing[t];
#endif
			d_step {
				if
				:: p == READER -> seen[version[p]] = seen[version[p]] | data[p]
				:: else
				fi
			}
		fi
	:: else -> break
	od;
	leave()
}

init
{
	d_step {
		o = 0;
		do
		:: o == OBJECTS -> break
		:: else ->
			data[o] = BIT(o);
			known[o] = BIT(o);
			/* from each version to the next, whether or not it is entered */
			n = 1;
			do
			:: n == VERSIONS -> break
			:: else ->
				ancestors[NODE(o, n)] = (BIT(n) - 1) << NODE(o, 0);
				n++
			od;
			o++
		od
	};
	atomic {
#ifdef BUG_NO_WMB
		run store_buffer(0);
		run store_buffer(1);
		run store_buffer(2);
#endif
		run task(0, 0, CALLS);
		run task(1, 1 - ONE_PROCESS, CALLS_OTHER);
		run task(2, READER, READS)
	}
}
