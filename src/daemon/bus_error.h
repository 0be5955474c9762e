/* SPDX-License-Identifier: Apache-2.0 */
/* The index of the store's journal (cleave.db-shm) is mapped into memory; where its file is cut
 * while cleaved runs, the kernel sends SIGBUS: mmap(2). */
#ifndef DAEMON_BUS_ERROR_H
#define DAEMON_BUS_ERROR_H

/* From now on such an end says why. The next start makes the index again, and goes on from the
 * journal. */
void bus_error_explain(void);

#endif
