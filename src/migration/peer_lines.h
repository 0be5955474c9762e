/* SPDX-License-Identifier: Apache-2.0 */
/* Lines to other hosts, each a worker that talks to one of them. Loop thread only. */
#ifndef MIGRATION_PEER_LINES_H
#define MIGRATION_PEER_LINES_H

#include <stdbool.h>
#include <stdint.h>

#include "migration/migrations.h"

/* With nothing but dry runs; the others are for VMs that are to move. */
#define PEER_TRIALS_MAX 8
/* Of either: for root alone. */
#define PEER_ROOTS_TRIALS 2
#define PEER_ROOTS_MOVES 4

/* The line for a call to that address. NULL: a dry run, and there are too many. The caller
 * submits to its worker, and gives the line back in the job's `done`. */
struct peer_line *peer_lines_take(struct manager *m, const char *address, enum peer_rank rank);
void peer_line_give_back(struct peer_line *line, enum peer_rank rank);
enum peer_rank peer_rank_of(const struct outgoing *outgoing);
/* As worker_finish() and worker_free(). */
bool peer_lines_finish(struct migrations *all, uint64_t until_us);
void peer_lines_close(struct migrations *all);

#endif
