/* SPDX-License-Identifier: Apache-2.0 */
/* The command line of `cleave layout check`, taken apart. */
#ifndef CLI_LAYOUT_WORDS_H
#define CLI_LAYOUT_WORDS_H

#include "catalog/catalog.h"
#include "cli/cli.h"
#include "layout/layout.h"

#define LAYOUT_MAX_WORDS 64

struct layout_words {
    bool help;
    struct cli cli; /* how it prints; nothing is asked */
    bool mixed;
    bool strict; /* of a file, refuse what no GPU has */
    const char *gpu;
    const char *file;                       /* NULL: check what the words say */
    const char *existing[LAYOUT_MAX_WORDS]; /* lists: "PROFILE@START,…" */
    size_t n_existing;
    const char *wanted[LAYOUT_MAX_WORDS]; /* lists: "PROFILE[@START][=COUNT],…" */
    size_t n_wanted;
    const char *vgpus[LAYOUT_MAX_WORDS]; /* lists: "TYPE[@ID][=COUNT],…" */
    size_t n_vgpus;
};

/* Borrows from argv. -INVALID for anything that cannot be typed here. */
int layout_words_parse(int argc, char **argv, struct layout_words *ret_words, struct error *err);

/* Looks the words up on the model. -INVALID and -NOT_FOUND are the user's slips; -NO_CAPACITY is
 * more than any GPU takes. */
int layout_words_request(const struct layout_words *words, const struct gpu_model *model,
                         struct layout_request *ret_request, struct error *err);

#endif
