/* SPDX-License-Identifier: Apache-2.0 */
/* Which board is where. Loop thread only. */
#ifndef WATCH_SEEN_H
#define WATCH_SEEN_H

#include <stddef.h>

struct claim;
struct error;
struct hardware_look;
struct host;
struct manager;

int seen_load_boards(struct manager *m, struct error *err);
/* Takes a look at the hardware, and tells it what was seen earlier in this boot. */
void seen_note_boards(struct manager *m, struct host *now);
/* Claims whose GPU's UUID is not known: they learn it, or are held as another board's. While a plan
 * is in hand that waits for the next look. */
void seen_judge_boards(struct manager *m);
void seen_follow_boards(struct manager *m, struct hardware_look *look);
/* Why such a claim is held. */
void claim_say_unknown_board(const struct manager *m, const struct claim *claim, char *text,
                             size_t size);

#endif
