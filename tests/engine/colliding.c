// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "colliding.h"

#define KIND 1
#define RANGE 4096	/* of ids that are tried */
#define MAX_OTHERS 512	/* more than any memory here has room for */

/* Does a process that takes from one forget it when it takes from the others? */
static bool forgets(u64 one, const u64 *other, int others)
{
	struct prov_memory memory;
	struct prov_object process, first, next;
	struct prov_channel chan = {
		.src = &first, .dst = &process, .memory = &memory, .direction = PROV_IN,
	};
	struct prov_send send;
	int i;

	memset(&memory, 0, sizeof(memory));
	prov_object_init(&process, U32_MAX / 2, KIND);
	prov_object_init(&first, one, KIND);
	prov_flow(&chan);
	chan.src = &next;
	for (i = 0; i < others; i++) {
		prov_object_init(&next, other[i], KIND);
		prov_flow(&chan);
	}
	chan.src = &first;
	prov_send_begin(&chan, &send);
	return send.fresh;
}

/* Return: how few @other push @first out; 0 if nothing does. */
static int fewest_others(u64 first, u64 *other)
{
	int n = 0, i;

	do {
		if (n == MAX_OTHERS)
			return 0;
		other[n] = first + 1 + n;
		n++;
	} while (!forgets(first, other, n));
	for (i = n - 1; i >= 0; i--) {
		const u64 without = other[i];

		memmove(&other[i], &other[i + 1], (n - 1 - i) * sizeof(other[0]));
		if (forgets(first, other, n - 1)) {
			n--;
			continue;
		}
		memmove(&other[i + 1], &other[i], (n - 1 - i) * sizeof(other[0]));
		other[i] = without;
	}
	return n;
}

/* Is @id one of the others, or as good as one of them? */
static bool collides(u64 first, u64 id, u64 *other, int others)
{
	const u64 replaced = other[0];
	bool ret;
	int i;

	for (i = 0; i < others; i++)
		if (other[i] == id)
			return true;
	other[0] = id;
	ret = forgets(first, other, others);
	other[0] = replaced;
	return ret;
}

int colliding_ids(u64 first, u64 *id, int n)
{
	u64 other[MAX_OTHERS], next;
	const int others = fewest_others(first, other);
	int found = 0;

	id[found++] = first;
	if (!others)
		return found;
	for (next = first + 1; found < n && next < first + RANGE; next++)
		if (collides(first, next, other, others))
			id[found++] = next;
	return found;
}
