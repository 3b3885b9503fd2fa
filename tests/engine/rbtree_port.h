/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the graph of mappings needs of the kernel's trees, in user space: a treap, in
 * which a hash of the address decides who is above whom.
 */
#ifndef _RBTREE_PORT_H
#define _RBTREE_PORT_H

struct rb_node {
	struct rb_node *parent, *left, *right;
};

struct rb_root {
	struct rb_node *rb_node;
};

#define RB_ROOT ((struct rb_root){ NULL })
#define rb_entry(ptr, type, member) list_entry(ptr, type, member)

static inline u64 rb_rank(const struct rb_node *node)
{
	/* The constant is 2^64 / golden ratio. */
	const u64 hash = (uintptr_t)node * 0x9e3779b97f4a7c15ULL;

	return (hash ^ hash >> 32) * 0x9e3779b97f4a7c15ULL;
}

static inline void rb_replace(struct rb_root *root, struct rb_node *old, struct rb_node *by)
{
	struct rb_node *const parent = old->parent;

	if (!parent)
		root->rb_node = by;
	else if (parent->left == old)
		parent->left = by;
	else
		parent->right = by;
	if (by)
		by->parent = parent;
}

/* @node changes places with its parent. */
static inline void rb_rise(struct rb_root *root, struct rb_node *node)
{
	struct rb_node *const parent = node->parent;
	struct rb_node **const from = parent->left == node ? &node->right : &node->left;

	rb_replace(root, parent, node);
	*(parent->left == node ? &parent->left : &parent->right) = *from;
	if (*from)
		(*from)->parent = parent;
	*from = parent;
	parent->parent = node;
}

static inline void rb_add(struct rb_node *node, struct rb_root *root,
			  bool (*less)(struct rb_node *, const struct rb_node *))
{
	struct rb_node **at = &root->rb_node, *parent = NULL;

	while (*at) {
		port_step();
		parent = *at;
		at = less(node, parent) ? &parent->left : &parent->right;
	}
	*node = (struct rb_node){ .parent = parent };
	*at = node;
	while (node->parent && rb_rank(node) > rb_rank(node->parent))
		rb_rise(root, node);
}

static inline void rb_erase(struct rb_node *node, struct rb_root *root)
{
	while (node->left && node->right) {
		port_step();
		rb_rise(root, rb_rank(node->left) > rb_rank(node->right) ? node->left :
									    node->right);
	}
	rb_replace(root, node, node->left ? node->left : node->right);
}

static inline struct rb_node *rb_find(const void *key, const struct rb_root *root,
				      int (*cmp)(const void *, const struct rb_node *))
{
	struct rb_node *node = root->rb_node;

	while (node) {
		const int order = cmp(key, node);

		port_step();
		if (!order)
			break;
		node = order < 0 ? node->left : node->right;
	}
	return node;
}

static inline struct rb_node *rb_first(const struct rb_root *root)
{
	struct rb_node *node = root->rb_node;

	while (node && node->left) {
		port_step();
		node = node->left;
	}
	return node;
}

#endif /* _RBTREE_PORT_H */
