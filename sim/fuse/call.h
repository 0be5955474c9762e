/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads and writes of files: what programs on the host call the kernel for. A call that an armed
 * fault delays or holds goes on in a thread of its own, so that the others are served meanwhile.
 */
#ifndef SIM_FUSE_CALL_H
#define SIM_FUSE_CALL_H

#include "sim/fuse/session.h"

void call_read(fuse_req_t req, fuse_ino_t number, size_t size, off_t offset,
               struct fuse_file_info *file);
void call_write(fuse_req_t req, fuse_ino_t number, const char *data, size_t size, off_t offset,
                struct fuse_file_info *file);
/* Until no call is under way; after sim_close(). */
void calls_wait(struct sim_fuse *fuse);

#endif
