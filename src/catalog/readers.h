/* SPDX-License-Identifier: Apache-2.0 */
/* Readers of the catalog's files and of their parts: each returns 0 or -reason with the error set.
 * Private to the catalog. */
#ifndef CATALOG_READERS_H
#define CATALOG_READERS_H

#include "catalog/file.h"

int cat_read_table(struct cat_file *file, const char *name, const json_t *json);
int cat_read_model(struct cat_file *file, const char *key, const json_t *json);
int cat_read_mig(struct cat_file *file, const struct reader *outer, const json_t *json,
                 struct gpu_model *model);
int cat_read_vgpu(struct cat_file *file, const struct reader *outer, const json_t *json,
                  struct gpu_model *model);

#endif
