/* SPDX-License-Identifier: Apache-2.0 */
#include "sim/fuse/tree.h"

#include <limits.h>
#include <string.h>

#include "sim/fuse/nodes.h"
#include "sim/fuse/slot.h"

static const struct node root_node = {.pattern = "", .kind = NODE_DIR, .mode = 0755};

/* A row with what is derived from its pattern. */
struct branch {
    const struct node *node;
    const char *name;        /* last part of the pattern */
    const struct slot *slot; /* NULL: the name is a word */
    VEC(size_t) children;    /* in the order of the table */
};

/* branches[0] is the root, branches[i + 1] is nodes[i]. */
struct tree {
    struct branch *branches;
};

static const char *pattern_name(const struct node *node)
{
    const char *slash = strrchr(node->pattern, '/');
    return slash == NULL ? node->pattern : slash + 1;
}

static bool is_child(const struct node *node, const struct node *dir)
{
    const char *name = pattern_name(node);
    size_t parent_len = name == node->pattern ? 0 : (size_t)(name - node->pattern) - 1;
    return strlen(dir->pattern) == parent_len &&
           strncmp(node->pattern, dir->pattern, parent_len) == 0;
}

static void add_children(struct branch *branch)
{
    for (size_t i = 0; i < n_nodes; i++) {
        if (is_child(&nodes[i], branch->node)) {
            *vec_push(&branch->children) = i + 1;
        }
    }
}

struct tree *tree_new(void)
{
    struct tree *tree = xcalloc(1, sizeof(*tree));
    tree->branches = xcalloc(n_nodes + 1, sizeof(tree->branches[0]));
    tree->branches[0].node = &root_node;
    tree->branches[0].name = "";
    add_children(&tree->branches[0]);
    for (size_t i = 0; i < n_nodes; i++) {
        struct branch *branch = &tree->branches[i + 1];
        branch->node = &nodes[i];
        branch->name = pattern_name(&nodes[i]);
        branch->slot = slot_find(branch->name);
        if (nodes[i].kind == NODE_DIR) {
            add_children(branch);
        }
    }
    return tree;
}

void tree_free(struct tree *tree)
{
    if (tree == NULL) {
        return;
    }
    for (size_t i = 0; i <= n_nodes; i++) {
        vec_done(&tree->branches[i].children);
    }
    free(tree->branches);
    free(tree);
}

static const struct branch *branch_of(const struct tree *tree, const struct node *node)
{
    return &tree->branches[node == &root_node ? 0 : (size_t)(node - nodes) + 1];
}

static bool is_there(const struct node *node, const struct ref *ref)
{
    return node->when == NULL || node->when(ref);
}

/* One step down. Words come first: a slot never hides one. */
static const struct branch *find_child(const struct tree *tree, const struct branch *dir,
                                       const char *name, struct ref *ref)
{
    for (vec_each(&dir->children, i)) {
        const struct branch *child = &tree->branches[*i];
        if (child->slot == NULL && str_eq(child->name, name)) {
            return is_there(child->node, ref) ? child : NULL;
        }
    }
    for (vec_each(&dir->children, i)) {
        const struct branch *child = &tree->branches[*i];
        struct ref below = *ref;
        if (child->slot != NULL && child->slot->match(&below, name) &&
            is_there(child->node, &below)) {
            *ref = below;
            return child;
        }
    }
    return NULL;
}

const struct node *tree_find(const struct tree *tree, const char *path, struct ref *ref)
{
    const struct branch *branch = &tree->branches[0];
    while (*path != '\0') {
        size_t len = strcspn(path, "/");
        char name[NAME_MAX + 1];
        if (len == 0 || len >= sizeof(name)) {
            return NULL;
        }
        memcpy(name, path, len);
        name[len] = '\0';
        branch = find_child(tree, branch, name, ref);
        if (branch == NULL) {
            return NULL;
        }
        path += len + (path[len] == '/' ? 1 : 0);
    }
    return branch->node;
}

void tree_list(const struct tree *tree, const struct node *dir, const struct ref *ref,
               struct strlist *names)
{
    for (vec_each(&branch_of(tree, dir)->children, i)) {
        const struct branch *child = &tree->branches[*i];
        if (child->slot != NULL) {
            child->slot->list(ref, names);
        } else if (is_there(child->node, ref)) {
            *vec_push(names) = xstrdup(child->name);
        }
    }
}

bool tree_is_fixed(const struct node *node)
{
    return node->when == NULL && node->lives == NULL && slot_find(pattern_name(node)) == NULL;
}
