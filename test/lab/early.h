/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an init does before there is a root: modules and mounts. None of it fails: without it there
 * is no VM, so init ends, the kernel panics, and QEMU ends.
 */
#ifndef CLEAVE_TEST_LAB_EARLY_H
#define CLEAVE_TEST_LAB_EARLY_H

/* Says what failed, and why (errno), on the console. */
_Noreturn void early_fail(const char *what);

/* Loads the modules that the initial file system's list names, in its order; they go from there. */
void early_load_modules(void);

/* Mounts it; the folder is made. */
void early_mount(const char *what, const char *where, const char *type, unsigned long flags,
                 const char *options);

/* /proc, /sys and /dev. */
void early_mount_kernel(void);

/* `root` becomes the root, with /proc, /sys and /dev in it. */
void early_enter(const char *root);

#endif
