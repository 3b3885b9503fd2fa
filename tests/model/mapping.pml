/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A model of the lazy pull of mappings, for spin: processes that share and map
 * inodes, and take over what came by that when something flows out of them.
 *
 * Each inline has the name of the C function that it stands for.  What is
 * modelled, how much of it, and what not, is said in engine.rst; tests/model/run
 * runs it, also with mistakes (BUG_*), which spin must find.
 *
 * PROCESSES, INODES	how many
 * VERSIONS		of each object
 * THREADS		1: the first two tasks are threads of one process
 * CALLS1, 2, 3		of the tasks
 * MENU1, 2, 3		which calls these are: LEARN and others
 * MAPS, SHARES		what is mapped from the beginning: P1I1 and others
 * LOSSES		records of mappings that may be lost
 *
 * These only change numbers, so that a statement is the same one in all runs.
 */
#ifndef PROCESSES
#define PROCESSES	2
#endif
#ifndef INODES
#define INODES		1
#endif
#ifndef VERSIONS
#define VERSIONS	7
#endif
#ifndef THREADS
#define THREADS		0
#endif
#ifndef CALLS1
#define CALLS1		2
#endif
#ifndef CALLS2
#define CALLS2		2
#endif
#ifndef CALLS3
#define CALLS3		0
#endif
#ifndef MENU1
#define MENU1		0
#endif
#ifndef MENU2
#define MENU2		0
#endif
#ifndef MENU3
#define MENU3		0
#endif
#ifndef MAPS
#define MAPS		0
#endif
#ifndef SHARES
#define SHARES		0
#endif
#ifndef LOSSES
#define LOSSES		0
#endif

#define BIT(n)		(1 << (n))

/*
 * Objects, in the order of their ids: processes, inodes, and for each process a
 * source that nobody else reads.  0 is none.
 */
#define OBJECTS		(PROCESSES + INODES)
#define ALL		(OBJECTS + PROCESSES)
#define INODE(i)	(PROCESSES + 1 + (i))
#define SOURCE(p)	(OBJECTS + (p))
#define is_process(o)	((o) <= PROCESSES)
#define NODES		(OBJECTS * VERSIONS)
/* A source has one version. */
#define NODE(o, v)	(node_of[o] + (v))

/* Arcs, by process and inode; the same number is that of a flow by calls. */
#define ARCS		(2 * PROCESSES * INODES)
#define READ(p, i)	(2 * (((p) - 1) * INODES + (i)))
#define WRITE(p, i)	(READ(p, i) + 1)
#define LEARNING(p)	(ARCS + (p) - 1)
#define process_of(a)	(1 + (a) / (2 * INODES))
#define inode_of(a)	INODE((a) / 2 % INODES)

/* Never changed after the start, and so no part of a state. */
hidden byte node_of[ALL + 1];
hidden byte src_of[ARCS], dst_of[ARCS];
hidden short out_of[OBJECTS + 1], into[OBJECTS + 1];
hidden byte tasks_of[PROCESSES + 1];

/* What a task can do, with the first inode and others */
#define LEARN		1
#define OUT		2
#define RECEIVE		4
#define SEND		8
#define MAP		16
#define SHARE		32
#define UNMAP		64
#define PROTECT		128
#define RECEIVE_2	(RECEIVE << 8)
#define MAP_2		(MAP << 8)
#define UNMAP_2		(UNMAP << 8)
#define RECEIVE_3	(RECEIVE << 16)
#define SHARE_3		(SHARE << 16)

/* What is mapped from the beginning */
#define P1I1		BIT(READ(1, 0))
#define P1I2		BIT(READ(1, 1))
#define P2I1		BIT(READ(2, 0))
#define P2I2		BIT(READ(2, 1))
#define P3I1		BIT(READ(3, 0))
#define P3I2		BIT(READ(3, 1))

/* struct prov_object */
byte version[ALL + 1];
bool out[ALL + 1];
byte hot[ALL + 1];
byte stale;			/* a set of objects */
#define PROV_VERSION_LAST	200
#define is_stale(o)	(stale & BIT(o))

/* struct prov_memory: 0, or the version that was absorbed + 1 */
byte memory[ARCS + PROCESSES];
/* struct prov_file, one for each process: likewise */
byte cache[ARCS + PROCESSES];
/* prov_capture() */
byte captured[PROCESSES + 1];

/* struct prov_map; sets of arcs, sets of objects */
short there, armed, pending;
byte hub[ALL + 1];
byte fresh, dirty, input;
byte up[OBJECTS + 1], down[OBJECTS + 1];
bool held[OBJECTS + 1];		/* @lock; that of an object is a step */
#define can_share(p)	(there & out_of[p])

/* prov_map_graph_lock: who calls waits for who holds it, and is told if it lost */
#define PULL		0
#define SPREAD		1
#define ADD		2
#define REMOVE		3
chan graph = [0] of { byte, byte, byte, byte };
chan unlock_graph = [0] of { bool };

/* enum prov_result */
#define LOST		0
#define KNOWN		1
#define NEW		2

/*
 * What is to hold is said with these, and found out in C: that is no step.
 * ancestors: of each version in the graph of the records, a set of nodes
 * left: nodes that an edge out of was captured of, a set
 * data: whose data is really in an object, a set of objects
 * may: whose data can be in it, likewise
 * mapped: arcs by which a process that is in no call moves data at any moment
 * mapping: the same, and those that come or go
 * calling: how many tasks of a process are in a call
 */
c_decl {
\#include <stdbool.h>

enum { MODEL_NODES = NODES };
typedef unsigned long long nodes;
};
c_state "nodes ancestors[MODEL_NODES]" "Global"
c_state "nodes left" "Global"
short data[ALL + 1];
short may[ALL + 1];
short mapped, mapping;
byte calling[PROCESSES + 1];

byte losses = LOSSES;
bool losing, was_lost;
byte running;
byte next[OBJECTS + 1];		/* of struct prov_map, under the lock of the graph */

/* Of a step; nothing is left there afterwards. */
hidden byte n, o, a;
hidden int set;
hidden byte good;

c_code {
static int first_of(int all)
{
	return __builtin_ctz(all);
}

/* The objects of a node and of its ancestors. */
static int objects_of(int node)
{
	const nodes all = now.ancestors[node] | 1ULL << node;
	int object, found = all >> NODES << (OBJECTS + 1);

	for (object = 1; object <= OBJECTS; object++)
		if (all >> node_of[object] & ((1 << VERSIONS) - 1))
			found |= 1 << object;
	return found;
}

static bool knows(int object, int what)
{
	return !(what & ~objects_of(node_of[object] + now.version[object]));
}

/* Let everything move by @arcs, to the fixpoint. */
static void settle_by(short *data, int arcs)
{
	bool more = true;
	int arc;

	while (more) {
		more = false;
		for (arc = 0; arc < ARCS; arc++) {
			if (!(arcs >> arc & 1) || !(data[src_of[arc]] & ~data[dst_of[arc]]))
				continue;
			data[dst_of[arc]] |= data[src_of[arc]];
			more = true;
		}
	}
}

static void touch_all(void)
{
	int arc, arcs = now.mapped;

	for (arc = 0; arc < ARCS; arc++)
		if (now.calling[1 + arc / (2 * INODES)] >= tasks_of[1 + arc / (2 * INODES)])
			arcs &= ~(1 << arc);
	settle_by(now.data, arcs);
}

/* Does who is not stale know all that has come to it? */
static bool all_know(void)
{
	int object;

	for (object = 1; object <= OBJECTS; object++)
		if (!(now.stale >> object & 1) && !knows(object, now.data[object]))
			return false;
	return true;
}

/*
 * A record: the graph gets an edge between two nodes.  Nothing flowed out of the
 * later one before, and nothing of it comes back.
 */
static bool connect(int from, int to)
{
	nodes all = 1ULL << from;
	int node;

	if (from < NODES)
		all |= now.ancestors[from];
	if (now.left >> to & 1 || all >> to & 1)
		return false;
	now.left |= 1ULL << from;
	for (node = 0; node < NODES; node++)
		if (node == to || now.ancestors[node] >> to & 1)
			now.ancestors[node] |= all;
	return true;
}

/* From each version to the next, whether or not it is entered. */
static void connect_versions(void)
{
	int node;

	for (node = 0; node < NODES; node++)
		if (node % VERSIONS)
			now.ancestors[node] = now.ancestors[node - 1] | 1ULL << (node - 1);
}

static int group_of_hub(int hub)
{
	int object, found = 0;

	for (object = 1; object <= OBJECTS; object++)
		if (now.hub[object] == hub)
			found |= 1 << object;
	return found;
}

static bool is_sink(int object)
{
	return object <= PROCESSES && !(now.there & out_of[object]);
}

/* What was mapped later is nearer, as in the lists: it has the higher number. */
static int search_forward(int start, int within, bool plant)
{
	int arc, found = 1 << start, before = 0;

	while (found != before) {
		before = found;
		for (arc = ARCS - 1; arc >= 0; arc--) {
			const int dst = dst_of[arc];

			if (!(now.there >> arc & before >> src_of[arc] & within >> dst & 1) ||
			    found >> dst & 1 || is_sink(dst))
				continue;
			found |= 1 << dst;
			if (plant)
				now.down[dst] = arc;
		}
	}
	return found;
}

static int search_backward(int start, int within, bool plant)
{
	int arc, found = 1 << start, before = 0;

	while (found != before) {
		before = found;
		for (arc = ARCS - 1; arc >= 0; arc--) {
			const int src = src_of[arc];

			if (!(now.there >> arc & before >> dst_of[arc] & within >> src & 1) ||
			    found >> src & 1)
				continue;
			found |= 1 << src;
			if (plant)
				now.up[src] = arc;
		}
	}
	return found;
}

/* The hub of a group, or else an inode, one that is not stale if there is one. */
static int choose_hub(int members)
{
	int object, hub = 0;

	for (object = 1; object <= OBJECTS; object++) {
		if (!(members >> object & 1))
			continue;
		if (now.hub[object])
			return now.hub[object];
		if (object > PROCESSES && (!hub || now.stale >> hub & 1))
			hub = object;
	}
	return hub;
}

/* What is of one group says nothing on its arcs any more. */
static void forget_news(int members)
{
	int arc;

	for (arc = 0; arc < ARCS; arc++) {
		if (!(now.there >> arc & members >> src_of[arc] & members >> dst_of[arc] & 1))
			continue;
		now.armed &= ~(1 << arc);
		now.pending &= ~(1 << arc);
	}
}

static int with_pending(int members)
{
	int object, found = 0;

	for (object = 1; object <= OBJECTS; object++)
		if (members >> object & 1 && now.pending & into[object])
			found |= 1 << object;
	return found;
}
};

/* The lowest element of a set that is not empty, into @to. */
inline first(all, to)
{
	set = all;
	c_code { n = first_of(set); };
	to = n
}

/* All of a group, into @members. */
inline group_of(which)
{
	n = which;
	c_code { set = group_of_hub(n); };
	members = set
}

/* All that can move by mappings does, at once: nothing can come later. */
inline touch()
{
	c_code { touch_all(); good = all_know(); };
	assert(good)
}

/* Likewise what could move, by mappings that come or go, too. */
inline might()
{
	c_code { settle_by(now.may, now.mapping); }
}

/* Who is not stale knows all that has come to it. */
inline check(object)
{
	o = object;
	c_code { good = now.stale >> o & 1 || knows(o, now.data[o]); };
	assert(good)
}

/* The versions of an edge are determined; it counts from now on. */
inline capture(src, dst)
{
	a = NODE(src, version[src]);
	o = NODE(dst, version[dst]);
	c_code { good = connect(a, o); };
	assert(good);
	n = dst;
	c_code { good = !(objects_of(o) & ~now.may[n]); };
	assert(good);
	out[src] = true
}

/* Whatever is new from now on is of another version. */
inline close_version(object)
{
	out[object] = true;
	n = NODE(object, version[object]);
	c_code { now.left |= 1ULL << n; }
}

/* ---- engine.c; a section under the locks of objects is one step ---- */

#define absorbed(flow, src)	(memory[flow] == version[src] + 1)

inline enter_version(object, to)
{
	if
	:: version[object] != to ->
		assert(to < VERSIONS);
		version[object] = to;
		out[object] = false;
		if
		:: is_stale(object)
		:: else -> hot[object] = to
		fi
	:: else
	fi
}

inline flow_locked(flow, src, dst)
{
	if
	:: absorbed(flow, src) -> result = KNOWN
	:: else ->
		enter_version(dst, version[dst] + out[dst]);
		capture(src, dst);
		memory[flow] = version[src] + 1;
		result = NEW
	fi
}

inline prov_transfer(arc)
{
	d_step {
		if
		:: losing && !absorbed(arc, src_of[arc]) -> losing = false; result = LOST
		:: else -> flow_locked(arc, src_of[arc], dst_of[arc])
		fi
	}
}

/* Of the two objects of the call of a task; each load is one of its own. */
inline prov_know_the_same()
{
#ifdef BUG_HUB_DESTINATION_FIRST
	same = hub[dst];
#else
	same = hub[src];
#endif
	if
	:: same == 0
	:: else ->
#if defined(BUG_HUB_TWICE)
		same = hub[src];
		same = (same == hub[dst])
#elif defined(BUG_HUB_DESTINATION_FIRST)
		same = (same == hub[src])
#else
		same = (same == hub[dst])
#endif
	fi
}

inline prov_pull(object)
{
	if
	:: is_stale(object) ->
		graph!PULL, object, 0, 0;
		unlock_graph?pulled
	:: else
	fi
}

inline prov_spread(object, cause)
{
	if
	:: object <= OBJECTS && there & out_of[object] ->
		graph!SPREAD, object, cause, 0;
		unlock_graph?_
	:: else
	fi
}

#define flow_within()	prov_pull(dst)

inline prov_close_version(object)
{
	d_step { close_version(object) }
}

inline prov_cache_hit()
{
	d_step { hit = (cache[flow] == hot[src] + 1) }
}

inline prov_flow()
{
	prov_know_the_same();
	if
	:: same -> flow_within()
	:: else ->
		prov_pull(src);
		d_step {
			may[dst] = may[dst] | may[src];
			might();
			flow_locked(flow, src, dst);
			if
			:: result != LOST -> cache[flow] = version[src] + 1
			:: else
			fi
		};
		if
		:: result == NEW -> prov_spread(dst, src)
		:: else
		fi
	fi
}

inline prov_send_begin()
{
	is_fresh = false;
	prov_know_the_same();
	if
	:: same ->
		d_step {
			close_version(src);
			src_version = version[src]
		};
		flow_within()
	:: else ->
		prov_pull(src);
		d_step {
			may[dst] = may[dst] | may[src];
			might();
			is_fresh = !absorbed(flow, src);
			src_version = version[src];
			if
			:: is_fresh ->
				enter_version(dst, version[dst] + out[dst]);
				/* An edge counts from its capture. */
				capture(src, dst)
			:: else
			fi
		};
#ifndef BUG_SPREAD_LATE
		if
		:: is_fresh -> prov_spread(dst, src)
		:: else
		fi
#endif
	fi
}

inline prov_send_end()
{
	result = KNOWN;
#ifdef BUG_SPREAD_LATE
	if
	:: is_fresh -> prov_spread(dst, src)
	:: else
	fi;
#endif
	if
	:: is_fresh -> same = false
	:: else -> prov_know_the_same()
	fi;
	if
	:: same -> flow_within()
	:: else ->
		prov_pull(src);
		d_step {
			may[dst] = may[dst] | may[src];
			might();
			if
			:: is_fresh -> memory[flow] = src_version + 1
			:: else
			fi;
			if
			:: version[src] != src_version -> flow_locked(flow, src, dst)
			:: else
			fi;
			cache[flow] = version[src] + 1
		};
		if
		:: result == NEW -> prov_spread(dst, src)
		:: else
		fi
	fi
}

/* ---- mapping_news.c, mapping.c: with the lock of the graph or without it ---- */

inline lock(map)
{
	atomic { !held[map] -> held[map] = true }
}

#define unlock(map)	held[map] = false

inline prov_arc_arm(arc)
{
	d_step {
		pending = pending & ~BIT(arc);
		armed = armed | BIT(arc)
	}
}

/* One or more of a group; leaves in @work who has somebody to tell. */
inline outdate(those)
{
	do
	:: those == 0 -> break
	:: else ->
		d_step {
			first(those, o);
			those = those & ~BIT(o);
			if
			:: is_stale(o)
			:: else ->
				stale = stale | BIT(o);
				fresh = fresh & ~BIT(o);
#ifndef BUG_STAYS_HOT
				hot[o] = PROV_VERSION_LAST;
#endif
				if
				:: !is_process(o) || can_share(o) -> work = work | BIT(o)
				:: else
				fi
			fi
		}
	od
}

#define outdate_others(but)	told = fresh & members & ~BIT(but); outdate(told)

/* Wants the lock of the source. */
inline prov_arc_announce(arc)
{
	d_step {
		armed = armed & ~BIT(arc);
		pending = pending | BIT(arc)
	};
	d_step {
		told = BIT(dst_of[arc]);
		if
		:: hub[dst_of[arc]] ->
			input = input | told;
			group_of(hub[dst_of[arc]]);
			told = fresh & members
		:: else
		fi
	};
	outdate(told)
}

inline attach(arc)
{
	lock(src_of[arc]);
	there = there | BIT(arc);
	unlock(src_of[arc])
}

inline detach(arc)
{
	lock(src_of[arc]);
	d_step {
		armed = armed & ~BIT(arc);
		pending = pending & ~BIT(arc)
	};
	there = there & ~BIT(arc);
	unlock(src_of[arc])
}

/* Leaves in @watches whether there is nothing to be told at once. */
inline watch(arc, knows)
{
	lock(src_of[arc]);
	watches = knows && !is_stale(src_of[arc]);
	if
	:: watches -> prov_arc_arm(arc)
	:: else -> prov_arc_announce(arc)
	fi;
	unlock(src_of[arc])
}

/* Leaves in @result whether the destination has learnt something. */
inline begin(arc)
{
#ifndef BUG_ARM_LATE
	watch(arc, true);
#else
	watches = !is_stale(src_of[arc]);
#endif
#ifdef BUG_STALE_SINCE
	watches = !is_stale(src_of[arc]);
#endif
	if
	:: !watches -> result = KNOWN
	:: else ->
		prov_transfer(arc);
		if
		:: result == LOST -> watch(arc, false)
		:: else
		fi
	fi
#ifdef BUG_ARM_LATE
	;
	watch(arc, true)
#endif
}

/* ---- those that hold the graph's lock ---- */

inline tell_next(map, cause)
{
	lock(map);
	d_step {
		news = armed & out_of[map];
#ifdef BUG_TELL_ONE
		if
		:: news -> first(news, a); news = BIT(a)
		:: else
		fi
#endif
	};
	do
	:: news == 0 -> break
	:: else ->
		d_step {
			first(news, arc);
			news = news & ~BIT(arc)
		};
		if
		:: dst_of[arc] != cause -> prov_arc_announce(arc)
		:: else
		fi
	od;
	unlock(map)
}

/* Those who have become stale tell the next. */
inline prov_map_tell()
{
	do
	:: work == 0 -> break
	:: else ->
		d_step {
			first(work, teller);
			work = work & ~BIT(teller)
		};
		tell_next(teller, 0)
	od
}

/* @spreading has taken something in because of @caused. */
inline prov_map_spread()
{
	if
	:: hub[spreading] ->
		d_step {
			if
			:: spreading != hub[spreading] -> dirty = dirty | BIT(spreading)
			:: else
			fi;
			group_of(hub[spreading])
		};
		outdate_others(spreading)
	:: else
	fi;
	tell_next(spreading, caused);
	prov_map_tell()
}

inline settle(arc)
{
	lock(src_of[arc]);
#ifdef BUG_SETTLE_FORGETS
	pending = pending & ~BIT(arc);
#else
	prov_arc_arm(arc);
#endif
	unlock(src_of[arc])
}

/* What is pending for @map; leaves in @waited a source that is stale. */
inline take_pending(map)
{
	result = KNOWN;
	do
	:: pending & into[map] ->
		d_step { first((pending & into[map]), arc) };	/* first_pending() */
		if
#ifndef BUG_STALE_SOURCE
		:: is_stale(src_of[arc]) ->
			waited = src_of[arc];
			break
#endif
		:: else
		fi;
		prov_transfer(arc);
		if
		:: result == LOST ->
#ifdef BUG_LOST_IS_DONE
			skip
#else
			break
#endif
		:: else
		fi;
		settle(arc);
		if
		:: result == NEW && hub[map] && map != hub[map] -> dirty = dirty | BIT(map)
		:: else
		fi
	:: else -> break
	od
}

inline take_over(map)
{
	if
	:: is_process(map) ->
		lock(map);
		take_pending(map);
		unlock(map)
	:: else -> take_pending(map)
	fi
}

inline refresh(map)
{
	d_step {
		if
#ifdef BUG_REFRESH_BLIND
		:: true ->
#else
		:: !(pending & into[map]) ->
#endif
			stale = stale & ~BIT(map);
			hot[map] = version[map];
			check(map)
		:: else
		fi;
		if
		:: hub[map] -> fresh = fresh | BIT(map)
		:: else
		fi
	}
}

/* Leaves in @result whether a record was lost. */
inline gather()
{
	d_step { group_of(hub[pulling]) };
	result = KNOWN;
	do
	:: dirty & members ->
		d_step { first((dirty & members), one) };
		prov_transfer(up[one]);
		if
		:: result == LOST -> break
		:: else
		fi;
		d_step {
			dirty = dirty & ~BIT(one);
			if
#ifdef BUG_GATHER_UNTIL_KNOWN
			:: result == NEW && dst_of[up[one]] != hub[pulling] ->
#else
			:: dst_of[up[one]] != hub[pulling] ->
#endif
				dirty = dirty | BIT(dst_of[up[one]])
			:: else
			fi
		}
	:: else ->
		refresh(hub[pulling]);
		break
	od
}

inline hand_down()
{
	d_step {
		arc = 0;
		one = pulling;
		teller = 0;
		do
		:: is_stale(one) ->
			assert(one != hub[pulling]);
			next[one] = teller;
			teller = one;
			one = src_of[down[one]]
		:: else -> break
		od
	};
	do
	:: teller ->
		prov_transfer(down[teller]);
		if
		:: result == LOST -> break
		:: else
		fi;
		refresh(teller);
		d_step {
			one = next[teller];
			next[teller] = 0;
			teller = one
		}
	:: else -> break
	od
}

/*
 * What is called from several places is there once: the place to go back to is a
 * number.
 */
#define PULL_THEN(object, n)	pulling = object; back = n; goto pull; pulled_##n: skip
#define FORM_THEN(object, n)	forming = object; back = n; goto form; formed_##n: skip
#define SPREAD_THEN(n)		back = n; goto spread; spread_##n: skip

/* Of @pulling; leaves in @ok whether no record was lost. */
inline prov_map_pull()
{
	ok = true;
	do
	:: pulling == 0 -> break
	:: else ->
		d_step {
			waits = next[pulling];
			waited = 0;
			result = KNOWN;
			inputs = BIT(pulling);
			if
			:: hub[pulling] ->
				group_of(hub[pulling]);
				inputs = input & members
			:: else
			fi
		};
		do					/* take_over_inputs() */
		:: inputs == 0 -> break
		:: else ->
			d_step { first(inputs, one) };
			take_over(one);
			if
			:: waited || result == LOST -> break
			:: else
			fi;
			d_step {
				inputs = inputs & ~BIT(one);
				input = input & ~BIT(one)
			}
		od;
		if
		:: result == LOST
		:: result != LOST && waited ->
			d_step {
				next[waited] = pulling;
				pulling = waited
			};
			goto pull_next
		:: result != LOST && !waited && !hub[pulling] -> refresh(pulling)
		:: result != LOST && !waited && hub[pulling] ->
			gather();
			if
			:: result != LOST -> hand_down()
			:: else
			fi
		fi;
		if
		:: result == LOST -> ok = false; break
		:: else
		fi;
		d_step {
			next[pulling] = 0;
			pulling = waits
		};
pull_next:	skip
	od;
	skip;
	d_step {
		c_code { memset(now.next, 0, sizeof(now.next)); };
		pulling = 0;
		waits = 0;
		waited = 0;
		one = 0;
		teller = 0;
		inputs = 0;
		members = 0
	}
}

inline add_sharer()
{
	/* The arc that reads has the lower number. */
	todo = BIT(READ(map, cause - PROCESSES - 1)) & ~there;
	if
	:: access == SHARE -> todo = todo | BIT(WRITE(map, cause - PROCESSES - 1)) & ~there
	:: else
	fi;
	do
	:: todo == 0 -> break
	:: else ->
		d_step {
			first(todo, adding);
			todo = todo & ~BIT(adding)
		};
		if
		:: adding & 1 -> attach(adding)
		:: else ->
			lock(map);			/* insert_link() */
			attach(adding);
			unlock(map)
		fi;
		add_arc(adding)
	od
}

#define prov_arc_is_inner(arc)	(hub[src_of[arc]] && hub[src_of[arc]] == hub[dst_of[arc]])

inline add_arc(arc)
{
	if
	:: prov_arc_is_inner(arc) -> prov_transfer(arc)
	:: else ->
		if
		:: is_stale(src_of[arc]) -> PULL_THEN(src_of[arc], 1)
		:: else
		fi;
		begin(arc);
		if
		:: result == NEW ->
			d_step {
				spreading = dst_of[arc];
				caused = src_of[arc]
			};
			SPREAD_THEN(1)
		:: else -> prov_map_tell()
		fi;
		if
		:: there & into[src_of[arc]] -> FORM_THEN(dst_of[arc], 1)
		:: else
		fi
	fi
}

inline remove_sharer()
{
	if
	:: is_stale(map) -> PULL_THEN(map, 2)
	:: else
	fi;
	todo = BIT(WRITE(map, cause - PROCESSES - 1)) & there;
	if
	:: access == UNMAP -> todo = todo | BIT(READ(map, cause - PROCESSES - 1))
	:: else
	fi;
	do
	:: todo == 0 -> break
	:: else ->
		d_step {
			adding = READ(map, cause - PROCESSES - 1);
			if
			:: todo & BIT(adding + 1) -> adding++
			:: else
			fi;
			todo = todo & ~BIT(adding)
		};
		remove_arc(adding)
	od
}

inline remove_arc(arc)
{
	d_step {
		group = hub[src_of[arc]];
		is_way = prov_arc_is_inner(arc) && (up[src_of[arc]] == arc || down[dst_of[arc]] == arc)
	};
	detach(arc);
	if
	:: is_way -> prov_group_split()
	:: else
	fi
}

/* ---- mapping_group.c: all but the stores that others see is one step ---- */

#define NO_ARC	255

/* Find the ways up and down once more. */
inline plant(top)
{
	d_step {
		o = top;
		c_code {
			set = group_of_hub(o);
			search_forward(o, set, true);
			search_backward(o, set, true);
		}
	}
}

inline enter(map)
{
	d_step {
		dirty = dirty & ~BIT(map);
		input = input & ~BIT(map);
		hub[map] = group;
		fresh = fresh & ~BIT(map);
		if
		:: !is_stale(map) -> fresh = fresh | BIT(map)
		:: else
		fi;
		if
		:: map != group && !hub_knows_all -> dirty = dirty | BIT(map)
		:: else
		fi
	}
}

/* Of @forming. */
inline prov_group_form()
{
	d_step {
		o = forming;
		c_code { set = search_backward(o, search_forward(o, -1, false), false); };
		members = set;
		if
		:: members == BIT(forming) -> members = 0
		:: else ->
			c_code { n = choose_hub(set); };
			group = n;
			hub_knows_all = !is_stale(group)
		fi
	};
	if
	:: members == 0
	:: else ->
		todo_enter = members;
		do
		:: todo_enter == 0 -> break
		:: else ->
			d_step {
				first(todo_enter, one);
				todo_enter = todo_enter & ~BIT(one)
			};
			if
			:: hub[one] == group
			:: else -> enter(one)
			fi
		od;
		skip;
		d_step {
			set = members;
			c_code { forget_news(set); set = with_pending(set); };
			input = input | set;
			members = 0;
			one = 0
		};
		plant(group)
	fi;
	group = 0
}

/* @map is in no group any more. */
inline restore_arcs(map)
{
	restoring = there & (out_of[map] | into[map]);
	do
	:: restoring == 0 -> break
	:: else ->
		d_step {
			first(restoring, arc);
			restoring = restoring & ~BIT(arc)
		};
		lock(src_of[arc]);
		if
		:: (armed | pending) & BIT(arc)
		:: !((armed | pending) & BIT(arc)) && is_stale(src_of[arc]) ->
			prov_arc_announce(arc)
		:: else -> prov_arc_arm(arc)
		fi;
		unlock(src_of[arc])
	od
}

inline leave(map)
{
	d_step {
		hub[map] = 0;
		fresh = fresh & ~BIT(map);
		dirty = dirty & ~BIT(map);
		input = input & ~BIT(map);
		up[map] = NO_ARC;
		down[map] = NO_ARC
	}
}

/* Of the group of @group. */
inline prov_group_split()
{
	d_step {
		o = group;
		c_code {
			n = group_of_hub(o);
			set = n & ~(search_forward(o, n, false) & search_backward(o, n, false));
		};
		leavers = set
	};
	if
	:: leavers ->
		todo_enter = leavers;
		PULL_THEN(group, 3);
		do
		:: todo_enter == 0 -> break
		:: else ->
			d_step {
				first(todo_enter, one);
				todo_enter = todo_enter & ~BIT(one)
			};
			PULL_THEN(one, 4)
		od;
		todo_enter = leavers;
		do
		:: todo_enter == 0 -> break
		:: else ->
			d_step {
				first(todo_enter, one);
				todo_enter = todo_enter & ~BIT(one)
			};
			leave(one)
		od;
		skip;
		d_step {
			group_of(group);
			is_alone = (members == BIT(group));
			members = 0
		};
		if
		:: is_alone -> leave(group)
		:: else -> plant(group)
		fi;
		todo_enter = leavers;
		do
		:: todo_enter == 0 -> break
		:: else ->
			d_step {
				first(todo_enter, one);
				todo_enter = todo_enter & ~BIT(one)
			};
			restore_arcs(one)
		od;
		prov_map_tell();
		do
		:: leavers == 0 -> break
		:: else ->
			d_step {
				first(leavers, one);
				leavers = leavers & ~BIT(one)
			};
			FORM_THEN(one, 2)
		od
	:: else -> plant(group)
	fi;
	group = 0
}

/* Who holds prov_map_graph_lock: one at a time, for a task that waits. */
proctype holder()
{
	byte what, map, cause, access;
	byte back, pulling, forming, spreading, caused, waits, waited, one, teller, arc, adding;
	byte inputs, members, work, told, leavers, todo_enter, group, result;
	short news, todo, restoring;
	bool ok, watches, is_way, is_alone, hub_knows_all;

end:	graph?what, map, cause, access;
	ok = true;
	if
	:: what == PULL -> PULL_THEN(map, 0)
	:: what == SPREAD ->
		d_step {
			spreading = map;
			caused = cause
		};
		SPREAD_THEN(0)
	:: what == ADD -> add_sharer()
	:: what == REMOVE -> remove_sharer()
	fi;
	work = 0;
	d_step {
		map = 0;
		cause = 0;
		access = 0;
		what = 0;
		back = 0;
		spreading = 0;
		caused = 0;
		forming = 0;
		one = 0;
		teller = 0;
		arc = 0;
		adding = 0;
		members = 0;
		told = 0;
		result = 0;
		watches = false;
		is_way = false;
		is_alone = false;
		hub_knows_all = false
	};
	unlock_graph!ok;
	goto end;

pull:	prov_map_pull();
	if
	:: back == 0 -> goto pulled_0
	:: back == 1 -> goto pulled_1
	:: back == 2 -> goto pulled_2
	:: back == 3 -> goto pulled_3
	:: back == 4 -> goto pulled_4
	fi;
form:	skip;
	prov_group_form();
	if
	:: back == 1 -> goto formed_1
	:: back == 2 -> goto formed_2
	fi;
spread:	prov_map_spread();
	if
	:: back == 0 -> goto spread_0
	:: back == 1 -> goto spread_1
	fi
}

inline add_reader()
{
	prov_pull(INODE(i));
	lock(p);
	attach(READ(p, i));			/* insert_link() */
	begin(READ(p, i));
	work = 0;
	unlock(p)
}

inline prov_map_add(access)
{
	arcs = BIT(READ(p, i)) | (access == SHARE -> BIT(WRITE(p, i)) : 0);
	d_step {
		mapping = mapping | arcs;
		might()
	};
	if
	:: access == SHARE || can_share(p) ->
		graph!ADD, p, INODE(i), access;
		unlock_graph?_
	:: else -> add_reader()
	fi;
	mapped = mapped | arcs
}

inline remove_reader()
{
	detach(READ(p, i));			/* take_out() */
	unlock(p)
}

inline prov_map_remove(access)
{
	arcs = BIT(WRITE(p, i)) | (access == UNMAP -> BIT(READ(p, i)) : 0);
	mapped = mapped & ~arcs;
	lock(p);
	if
	:: !can_share(p) && !is_stale(p) -> remove_reader()
	:: else ->
		unlock(p);
		if
		:: can_share(p) ->
			graph!REMOVE, p, INODE(i), access;
			unlock_graph?_
		:: else ->
			prov_pull(p);
			lock(p);
			remove_reader()
		fi
	fi;
	mapping = mapping & ~arcs
}

/* Its callers look at the data first. */
inline prov_capture()
{
	knew = hot[p];
	if
	:: captured[p] == knew + 1
	:: else ->
		prov_pull(p);
		prov_close_version(p);
		captured[p] = version[p] + 1
	fi
}

/* The process passes something on to where it is not seen any more. */
inline give_out()
{
#ifndef BUG_FLAG_FIRST
	gave = data[p];
	prov_capture();
#else
	prov_capture();
	d_step {
		calling[p]--;
		touch();
		calling[p]++;
		gave = data[p]
	};
#endif
	d_step {
		o = NODE(p, captured[p] - 1);
		set = gave;
		c_code { good = !(set & ~objects_of(o)); };
		assert(was_lost || good)
	}
}

/* As hook_file_read(). */
inline receive()
{
	got = data[src];
	prov_cache_hit();
	if
	:: hit
	:: else -> prov_flow()
	fi;
	d_step {
		data[p] = data[p] | got;
		got = 0
	}
}

/* As hook_file_permission() and hook_file_written(). */
inline send()
{
	gave = data[p];
	prov_cache_hit();
	sending = !hit;
	if
	:: sending -> prov_send_begin()
	:: else
	fi;
	d_step {
		data[dst] = data[dst] | gave;
		touch()
	};
	if
	:: sending -> prov_send_end()
	:: else ->
		prov_cache_hit();
		if
		:: hit
		:: else -> prov_flow()
		fi
	fi
}

inline choose_inode()
{
	if
	:: i = 0
	:: INODES > 1 -> i = 1
	:: INODES > 2 -> i = 2
	fi
}

proctype task(byte p; byte calls; int menu)
{
	byte i, src, dst, flow, allowed, knew, src_version, same, result;
	byte members, told, work;
	short arcs, got, gave;
	bool hit, sending, is_fresh, pulled, watches;

	do
	:: calls > 0 ->
		d_step {
			calls--;
			calling[p]++
		};
		choose_inode();
		allowed = (menu >> (8 * i)) & 255;
		if
		:: allowed & LEARN && !memory[LEARNING(p)] ->
			d_step {
				flow = LEARNING(p);
				src = SOURCE(p);
				dst = p
			};
			receive()
		:: allowed & RECEIVE ->
			d_step {
				flow = READ(p, i);
				src = INODE(i);
				dst = p
			};
			receive()
		:: allowed & SEND ->
			d_step {
				flow = WRITE(p, i);
				src = p;
				dst = INODE(i)
			};
			send()
		:: allowed & OUT -> give_out()
		:: allowed & MAP && !(there & BIT(READ(p, i))) -> prov_map_add(MAP)
		:: allowed & SHARE && !(there & BIT(WRITE(p, i))) -> prov_map_add(SHARE)
		:: allowed & UNMAP && there & BIT(READ(p, i)) -> prov_map_remove(UNMAP)
		:: allowed & PROTECT && there & BIT(WRITE(p, i)) -> prov_map_remove(PROTECT)
		:: else
		fi;
		d_step {
			calling[p]--;
			touch();
			i = 0;
			flow = 0;
			src = 0;
			dst = 0;
			allowed = 0;
			knew = 0;
			gave = 0;
			src_version = 0;
			same = 0;
			result = 0;
			members = 0;
			told = 0;
			arcs = 0;
			hit = false;
			sending = false;
			is_fresh = false;
			pulled = false;
			watches = false
		}
	:: else -> break
	od;
	running--
}

/* A record of a mapping may be lost at any moment. */
proctype fate()
{
end:	do
	:: d_step {
		losses > 0 && !losing ->
		losses--;
		losing = true;
		was_lost = true
	   }
	od
}

init
{
	byte last, link;
	bool pulled;

	d_step {
		o = 1;
		do
		:: o > ALL -> break
		:: else ->
			data[o] = BIT(o);
			may[o] = BIT(o);
			node_of[o] = (o > OBJECTS -> NODES + o - OBJECTS - 1 : (o - 1) * VERSIONS);
			o++
		od;
		o = 1;
		do
		:: o > OBJECTS -> break
		:: else ->
			up[o] = NO_ARC;
			down[o] = NO_ARC;
			o++
		od;
		c_code { connect_versions(); };
		a = 0;
		do
		:: a == ARCS -> break
		:: else ->
			src_of[a] = (a & 1 -> process_of(a) : inode_of(a));
			dst_of[a] = (a & 1 -> inode_of(a) : process_of(a));
			out_of[src_of[a]] = out_of[src_of[a]] | BIT(a);
			into[dst_of[a]] = into[dst_of[a]] | BIT(a);
			a++
		od
	};
	d_step {
		tasks_of[1] = 1 + THREADS;
		if
		:: PROCESSES > 1 -> tasks_of[2] = 1
		:: else
		fi;
		if
		:: PROCESSES > 2 -> tasks_of[3] = 1
		:: else
		fi
	};
	atomic {
		run holder();
		if
		:: LOSSES -> run fate()
		:: else
		fi
	};
	/* What is mapped from the beginning: nobody else is there yet. */
	do
	:: link == ARCS -> break
	:: (SHARES | MAPS) & BIT(link) ->
		mapping = mapping | BIT(link) | (SHARES & BIT(link) -> BIT(link + 1) : 0);
		mapped = mapping;
		d_step { might() };
		graph!ADD, process_of(link), inode_of(link), (SHARES & BIT(link) -> SHARE : MAP);
		unlock_graph?_;
		link = link + 2
	:: else -> link = link + 2
	od;
	skip;
	d_step { touch() };
	running = 2 + (CALLS3 > 0);
	atomic {
		run task(1, CALLS1, MENU1);
		run task(2 - THREADS, CALLS2, MENU2);
		if
		:: CALLS3 -> run task(3 - THREADS, CALLS3, MENU3)
		:: else
		fi
	};
	running == 0;
	/* When nothing is in flight, all have taken over what there is. */
	last = 1;
	do
	:: last > OBJECTS -> break
	:: is_stale(last) -> prov_pull(last)
	:: else -> last++
	od;
	skip;
	d_step {
		assert(!stale && !dirty);
		touch()
	}
}
