/* SPDX-License-Identifier: Apache-2.0 */
/* `cleave layout check -f FILE`: every label of a mig-parted or vgpu-device-manager file. */
#ifndef CLI_LAYOUT_FILE_H
#define CLI_LAYOUT_FILE_H

#include "cli/layout_words.h"

/* Prints a verdict per label. *ret_refused: some label for this board cannot be. */
int layout_file_check(const struct layout_words *words, const struct catalog *catalog,
                      const struct gpu_model *model, bool *ret_refused, struct error *err);

#endif
