/* SPDX-License-Identifier: GPL-2.0 */
/*
 * provmon: pages that a pipe or a socket refers to
 */
#ifndef _SECURITY_PROVMON_PAGE_H
#define _SECURITY_PROVMON_PAGE_H

struct page;
struct prov_inode;

struct prov_inode *prov_page_node(const struct page *page);
void prov_page_add_hooks(void);

#endif /* _SECURITY_PROVMON_PAGE_H */
