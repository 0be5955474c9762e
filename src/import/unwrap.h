/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a config stands in what it was brought in: a Kubernetes ConfigMap keeps it as text below
 * `data`, helm values keep that ConfigMap's data at some depth, a file may have several documents,
 * and a List several objects. Private to import.
 */
#ifndef IMPORT_UNWRAP_H
#define IMPORT_UNWRAP_H

#include "base/json.h"
#include "base/vec.h"

#define UNWRAP_PATH_SIZE 160
#define UNWRAP_MAX_CONFIGS 64

/* An object that has mig-configs or vgpu-configs. */
struct wrapped_config {
    char path[UNWRAP_PATH_SIZE]; /* "data.config.yaml"; "" where the file itself is it */
    json_t *json;                /* a reference of its own */
};

struct wrapped_configs {
    struct wrapped_config items[UNWRAP_MAX_CONFIGS];
    size_t n;
};

/* All configs of the documents, in their order. -INVALID if a text that should hold one can't be
 * read, or there are more than UNWRAP_MAX_CONFIGS. */
int unwrap_configs(const json_t *documents, const char *origin, struct wrapped_configs *ret_configs,
                   struct error *err);
void unwrap_done(struct wrapped_configs *configs);

/* What a document without a config is called: a Kubernetes object's kind, or NULL. Borrowed. */
const char *unwrap_kind(const json_t *document);

#endif
