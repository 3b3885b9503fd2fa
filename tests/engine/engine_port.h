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
#define READ_ONCE(x) __atomic_load_n(&(x), __ATOMIC_RELAXED)
#define WRITE_ONCE(x, val) __atomic_store_n(&(x), (val), __ATOMIC_RELAXED)
#else
#define READ_ONCE(x) (port_point(), (x))
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

#define SINGLE_DEPTH_NESTING 1

/* For sparse, which counts the locks of the kernel's build. */
#define __acquires(lock)
#define __releases(lock)

#ifdef PORT_THREADS

#include <pthread.h>

typedef pthread_spinlock_t spinlock_t;

#define spin_lock_init(lock) pthread_spin_init(lock, PTHREAD_PROCESS_PRIVATE)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, pthread_spin_lock(lock))
#define spin_lock_nested(lock, subclass) pthread_spin_lock(lock)
#define spin_unlock(lock) pthread_spin_unlock(lock)
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), pthread_spin_unlock(lock))

#else

typedef struct {
	bool held;
} spinlock_t;

#define spin_lock_init(lock) ((lock)->held = false)
#define spin_lock_irqsave(lock, flags) ((flags) = 0, port_lock(lock, false))
#define spin_lock_nested(lock, subclass) port_lock(lock, true)
#define spin_unlock(lock) port_unlock(lock)
#define spin_unlock_irqrestore(lock, flags) ((void)(flags), port_unlock(lock))

/**
 * port_lock - take a lock of a struct prov_object and check the order by id
 * @lock: the lock
 * @nested: whether the engine says that it is the second one
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

#endif /* PORT_THREADS */

#endif /* _ENGINE_PORT_H */
