/* SPDX-License-Identifier: Apache-2.0 */
/* Child processes without a shell: argument vector in, exit status and bounded output out. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

#include <stddef.h>

/* Runs argv[0] (searched in PATH unless it has a slash), waits at most timeout_ms (then SIGKILL,
 * -ETIMEDOUT). Standard input is /dev/null; stdout and stderr together, at most 64 KiB, go to
 * *ret_output (may be NULL; caller frees). Returns 0 and *ret_status = exit status (128 + signal),
 * or -errno when it could not be started. */
int process_run(const char *const *argv, unsigned timeout_ms, int *ret_status, char **ret_output);

#endif
