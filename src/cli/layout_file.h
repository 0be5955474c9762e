/* SPDX-License-Identifier: Apache-2.0 */
/* `cleave layout check -f FILE`: every label of a mig-parted or vgpu-device-manager file. */
#ifndef CLI_LAYOUT_FILE_H
#define CLI_LAYOUT_FILE_H

#include "cli/layout_words.h"
#include "import/import.h"

/* Prints a verdict per label. *ret_worst: IMPORT_REFUSED if some label for this board cannot be,
 * else IMPORT_UNKNOWN if no source says of some, else IMPORT_FITS. */
int layout_file_check(const struct layout_words *words, const struct catalog *catalog,
                      const struct gpu_model *model, enum import_verdict *ret_worst,
                      struct error *err);

#endif
