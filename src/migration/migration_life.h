/* SPDX-License-Identifier: Apache-2.0 */
/* Migrations of a manager that starts, goes on after a restart, and ends. Loop thread only. */
#ifndef MIGRATION_MIGRATION_LIFE_H
#define MIGRATION_MIGRATION_LIFE_H

#include <stdbool.h>
#include <stdint.h>

struct error;
struct manager;

/* Reads the store; workers start. */
int migrations_open(struct manager *m, struct error *err);
/* Waits for the workers as manager_finish() does, but not for a VM that moves. */
bool migrations_finish(struct manager *m, uint64_t until_us);
/* Ends the workers. A VM that libvirt is moving goes on moving without us; the next start sees
 * where it came to. */
void migrations_close(struct manager *m);
void migrations_free(struct manager *m);

#endif
