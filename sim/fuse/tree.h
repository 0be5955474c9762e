/* SPDX-License-Identifier: Apache-2.0 */
/* The table of nodes as a tree, for quick look-ups. */
#ifndef SIM_FUSE_TREE_H
#define SIM_FUSE_TREE_H

#include "base/fs.h"
#include "sim/fuse/node.h"

struct tree;
struct tree *tree_new(void);
void tree_free(struct tree *tree);
/* Finds the row for "bus/pci/devices" ("" is the root) and fills *ref, of which host is
 * set. NULL: no such file now. */
const struct node *tree_find(const struct tree *tree, const char *path, struct ref *ref);
/* Names below a directory that tree_find() gave with `ref`. */
void tree_list(const struct tree *tree, const struct node *dir, const struct ref *ref,
               struct strlist *names);
/* Is the name of this row fixed and always there below its parent? Such entries may be cached. */
bool tree_is_fixed(const struct node *node);

#endif
