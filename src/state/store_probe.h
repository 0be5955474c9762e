/* SPDX-License-Identifier: Apache-2.0 */
/* A store that could store nothing is asked again and again, so that its problem is shown for as
 * long as there is one, and no longer. Loop thread only. */
#ifndef STATE_STORE_PROBE_H
#define STATE_STORE_PROBE_H

struct manager;

/* A store that was opened for reading only has a problem from the start. */
void store_probe_open(struct manager *m);
/* Stores a transaction of nothing where the one before failed; another one changes nothing. */
void store_probe_run(struct manager *m);

#endif
