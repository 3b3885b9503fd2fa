/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the version engine needs of the kernel, in user space.
 *
 * By default a lock is checked and does not wait: there is one thread, and a
 * lock that is taken twice, or in the wrong order, is reported through
 * port_error().  With PORT_THREADS it is a real lock.  With PORT_POINTS, who
 * links the engine decides at each access which thread goes on.
 */
#ifndef _ENGINE_PORT_H
#define _ENGINE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define U32_MAX UINT32_MAX

#ifndef __always_inline
#define __always_inline inline __attribute__((__always_inline__))
#endif

/* The documented lock-free accesses; atomic, so that ThreadSanitizer knows. */
#ifndef PORT_POINTS
/* It knows no address dependencies: what a pointer leads to is read after it. */
#ifdef __SANITIZE_THREAD__
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_ACQUIRE)
#else
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#endif
#define WRITE_ONCE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
#else
#ifdef PORT_MAPPINGS
#define READ_ONCE(x) (port_point(), (x))
#else
/* Not where it is asked whether there are mappings: there are none then. */
#define READ_ONCE(x) (__builtin_types_compatible_p(__typeof__(x), u32) ||	\
		      __builtin_types_compatible_p(__typeof__(x), u64) ?	\
		      port_point() : (void)0, (x))
#endif
#define WRITE_ONCE(x, val) (port_point(), (void)((x) = (val)))

/**
 * port_point - another thread may run here
 */
void port_point(void);
#endif

/*
 * The engine's barrier, and that of its callers.  ThreadSanitizer knows no
 * fences, and needs none: the data that the barriers order is accessed with
 * atomic operations in the tests.
 */
#ifdef __SANITIZE_THREAD__
#define smp_rmb() __asm__ volatile("" : : : "memory")
#define smp_wmb() __asm__ volatile("" : : : "memory")
#else
#define smp_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#define smp_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#endif

#define likely(x) __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)
#define min(a, b) ((a) < (b) ? (a) : (b))

#define cmpxchg(ptr, old, new) __sync_val_compare_and_swap(ptr, old, new)

#define GFP_KERNEL_ACCOUNT 0
typedef int gfp_t;
#define struct_size(p, member, count) (sizeof(*(p)) + (count) * sizeof((p)->member[0]))
#define kzalloc(bytes, gfp) ((void)(gfp), calloc(1, bytes))
#define kfree(p) free(p)
#define cond_resched() ((void)0)

#include "list_port.h"
#include "rbtree_port.h"

struct lock_class_key {
	char unused;
};

#define SINGLE_DEPTH_NESTING 1

/* Of the kernel's start; here it is a variable like others. */
#define __ro_after_init

/* For sparse, which counts the locks of the kernel's build. */
#define __acquires(lock)
#define __releases(lock)

#ifdef PORT_THREADS

#include <pthread.h>

typedef pthread_spinlock_t spinlock_t;

#define spin_lock_init(lock) pthread_spin_init(lock, PTHREAD_PROCESS_PRIVATE)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, pthread_spin_lock(lock))
#define spin_lock_nested(lock, subclass) pthread_spin_lock(lock)
#define spin_lock(lock) pthread_spin_lock(lock)
#define spin_unlock(lock) pthread_spin_unlock(lock)
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), pthread_spin_unlock(lock))
#define lockdep_set_class(lock, key) ((void)(key))

#define DEFINE_SPINLOCK(name)						\
	spinlock_t name;						\
	static void __attribute__((constructor)) init_##name(void)	\
	{								\
		spin_lock_init(&(name));				\
	}

#else

/* In the order in which locks of different ranks are taken. */
enum port_rank {
	PORT_OBJECT,	/* the default: by id among themselves */
	PORT_GRAPH,
	PORT_PROCESS_MAP,
	PORT_INODE_MAP,
};

typedef struct {
	bool held;
	uint8_t rank;
} spinlock_t;

#define spin_lock_init(lock) (*(lock) = (spinlock_t){ .rank = PORT_OBJECT })
#define DEFINE_SPINLOCK(name) spinlock_t name = { .rank = PORT_GRAPH }
/* The keys have the names of mapping.c. */
#define lockdep_set_class(lock, key)					\
	((lock)->rank = (key) == &process_lock_class ? PORT_PROCESS_MAP : PORT_INODE_MAP)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, port_lock(lock, false))
#define spin_lock_nested(lock, subclass) port_lock(lock, true)
#define spin_lock(lock) port_lock(lock, false)
#define spin_unlock(lock) port_unlock(lock)
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), port_unlock(lock))

/**
 * port_lock - take a lock and check the order: by rank, and of objects by id
 * @lock: the lock
 * @nested: whether the engine says that it is the second one of an object
 */
void port_lock(spinlock_t *lock, bool nested);
void port_unlock(spinlock_t *lock);

/**
 * port_error - what the engine did wrong since port_reset()
 *
 * Return: NULL if nothing; the first thing otherwise, a constant string
 */
const char *port_error(void);
void port_reset(void);

/**
 * port_locks_held - how many locks are taken at this moment
 */
unsigned int port_locks_held(void);

#ifdef PORT_STEPS
/**
 * port_longest - the most steps that were made with a lock held since port_reset()
 *
 * A step is a lock that is taken or an entry of a list that is visited.
 */
unsigned int port_longest(void);
#endif

#endif /* PORT_THREADS */

#endif /* _ENGINE_PORT_H */
