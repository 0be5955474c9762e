/* SPDX-License-Identifier: Apache-2.0 */
/* Following what takes time, in one loop for everything: a plan, a migration, a drain, a
 * restoration; whatever the API shows at one URL with a state and how far it is. The loop asks
 * when something has changed (lib/watch.h), shows progress on standard error (a line that moves on
 * a terminal, a line per change elsewhere), and does what was agreed on at a Ctrl-C. */
#ifndef CLI_FOLLOW_H
#define CLI_FOLLOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"
#include "cli/cli.h"

/* What a Ctrl-C does. All NULL: it ends the program, as it does everywhere else. */
struct follow_interrupt {
    const char *text;   /* said at once; without a method, the program then ends with status 130 */
    const char *method; /* cancels by this call; a second Ctrl-C leaves it to itself */
    const char *url;
};

struct follow {
    const char *url;  /* answers with how far it is */
    const char *path; /* of what is followed, in each answer; NULL: the answer itself */
    bool (*ended)(const json_t *item);
    /* Adds one line on how far it is, for a terminal; nothing: the line before stays. NULL:
     * report() is for terminals, too. */
    void (*draw)(const json_t *item, struct strbuf *out);
    /* Reports what has changed since it was called before. `seen` is an object of its own, empty at
     * first, and kept from call to call. */
    void (*report)(const json_t *item, json_t *seen);
    /* Instead of draw() and report(), for what shows more than how far it is. NULL: those do. */
    void (*show)(const json_t *item, json_t *seen, void *data);
    void *data;
    /* Between two requests where cleaved tells of no changes; 0: short at first, and growing. */
    uint64_t pause_us;
    /* An error ends the following: what is waited for may never come. NULL: not asked. */
    int (*check)(const json_t *item, struct error *err);
    struct follow_interrupt interrupt;
};

/* Has what was shown not been written? The end of what has no other: for `ended`. */
bool follow_unwritten(const json_t *item);

/* Follows to the end, or until a second Ctrl-C. *answer, the caller's, is the first answer, and
 * each later one takes its place. The error of the first request that fails, or of check(). */
int follow_run(struct cli *cli, const struct follow *follow, json_t **answer, struct error *err);

#endif
