/* SPDX-License-Identifier: Apache-2.0 */
/* What a boot means for plans that were under way. Loop thread only. */
#ifndef RESTORE_BOOT_H
#define RESTORE_BOOT_H

struct error;
struct host;
struct manager;

/* Compares this boot with the one that cleaved saw last, before anything else is done: settles what
 * was under way when the host went down, and begins to bring back what it lost. Else why that
 * can't be stored now, and nothing has changed. */
int boot_check(struct manager *m, struct error *err);
/* libvirt answers: plans that were found unfinished, or are parked, and wait for it go on. */
void boot_on_libvirt_up(struct manager *m, const struct host *now);

#endif
