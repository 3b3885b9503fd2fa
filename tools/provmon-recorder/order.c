// SPDX-License-Identifier: GPL-2.0
#include "order.h"

#include <endian.h>
#include <stdbool.h>

static bool comes_first(const struct block *a, const struct block *b)
{
	const uint64_t a_ns = le64toh(a->header.first_ns), b_ns = le64toh(b->header.first_ns);

	if (a_ns != b_ns)
		return a_ns < b_ns;
	/* The sort is stable: blocks of one CPU came in their order. */
	return le32toh(a->header.cpu) <= le32toh(b->header.cpu);
}

static struct block *merge(struct block *a, struct block *b)
{
	struct block *first = NULL, **tail = &first;

	while (a && b) {
		struct block **const from = comes_first(a, b) ? &a : &b;

		*tail = *from;
		*from = (*from)->next;
		tail = &(*tail)->next;
	}
	*tail = a ? a : b;
	return first;
}

struct block *order_blocks(struct block *list)
{
	struct block *middle = list, *end, *half;

	if (!list || !list->next)
		return list;
	for (end = list->next; end && end->next; end = end->next->next)
		middle = middle->next;
	half = middle->next;
	middle->next = NULL;
	/* Halves the list at each level: no deeper than its length has bits. */
	return merge(order_blocks(list), order_blocks(half));
}
