/* SPDX-License-Identifier: Apache-2.0 */
/* What `cleave layout check` prints: as JSON (and YAML), and as tables. */
#ifndef CLI_LAYOUT_VIEW_H
#define CLI_LAYOUT_VIEW_H

#include "base/str.h"
#include "cli/cli.h"
#include "import/import.h"
#include "layout/layout.h"

/* {"model", "name"} */
json_t *layout_view_model(const struct gpu_model *model);
/* {"instances": […], "vgpus": […]} of a placed request. */
json_t *layout_view_request(const struct layout_request *request);
/* {"reason", "message", "hint"} */
json_t *layout_view_error(const struct error *err);

void layout_view_print(const struct gpu_model *model, const struct layout_request *request,
                       size_t width);
/* The slice map of what exists. */
void layout_view_print_existing(const struct gpu_model *model, const struct layout_request *request,
                                size_t width);

/* "4g.20gb@0 (A100-4-20C), 2g.10gb@4" in one line, for a list of labels. Appends to out. */
void layout_view_summary(const struct layout_request *request, struct strbuf *out);

#endif
