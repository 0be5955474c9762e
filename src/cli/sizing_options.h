/* SPDX-License-Identifier: Apache-2.0 */
/* Options that say which language model is to run, and what that takes. */
#ifndef CLI_SIZING_OPTIONS_H
#define CLI_SIZING_OPTIONS_H

#include <jansson.h>

#include "cli/command.h"
#include "model/need.h"

/* clang-format off */
#define SIZING_OPTIONS                                                                             \
    {"model", 0, "NAME", "memory for a language model, such as llama-3.1-8b"},                     \
    {"model-params", 0, "N", "memory for a model with so many weights, such as 8B"},               \
    {"precision", 0, "KIND", "of its weights: fp16 (default), fp8, int8, int4, q8-0, q4-0, fp32"}, \
    {"cache-precision", 0, "KIND", "of its KV cache: fp16 (default), fp8, ..."},                   \
    {"context", 0, "TOKENS", "tokens of a request and its answer; default: 4k"},                   \
    {"concurrency", 0, "N", "requests at once; default: 1"},                                       \
    {"layers", 0, "N", "of --model-params; default: as the nearest known model"},                  \
    {"kv-heads", 0, "N", "heads of keys and values, likewise"},                                    \
    {"head-dim", 0, "N", "values of a head, likewise"}
/* clang-format on */

/* Where a model is given, its memory becomes that of the need, as the guest must see it, and
 * *ret_sizing says how it comes about: {model, gpus, shapeOf, terms: [{name, bytes, formula}],
 * bytes, mib}. Else *ret_sizing stays NULL. -INVALID; -NOT_FOUND names the known models. */
int sizing_options_read(const struct arguments *arguments, struct need *need, json_t **ret_sizing,
                        struct error *err);
void sizing_print(const json_t *sizing, size_t width);

#endif
