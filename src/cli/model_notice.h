/* SPDX-License-Identifier: Apache-2.0 */
/* A note about a short name of a GPU model that stands for one of several boards. */
#ifndef CLI_MODEL_NOTICE_H
#define CLI_MODEL_NOTICE_H

#include "base/str.h"
#include "catalog/catalog.h"

/* Adds "a100" is read as a100-pcie-40gb; there are also …"; nothing where the text names one board
 * alone. `model`: what the catalog finds by `text`. */
void model_notice_add(const struct catalog *catalog, const char *text,
                      const struct gpu_model *model, struct strbuf *out);
/* The same on standard error. */
void model_notice_report(const struct catalog *catalog, const char *text,
                         const struct gpu_model *model);

#endif
