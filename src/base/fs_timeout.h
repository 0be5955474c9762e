/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing to a kernel file that may not come back: a driver that hangs leaves the writer where no
 * signal reaches it. A process of its own does the writing, so that the caller goes on and can end.
 */
#ifndef BASE_FS_TIMEOUT_H
#define BASE_FS_TIMEOUT_H

/* As fs_write_attr(); -ETIMEDOUT when it has not come back after timeout_ms. The write may still
 * happen then. */
int fs_write_timeout(const char *path, const char *text, unsigned timeout_ms);

#endif
